/** Lists that other tools take, and the way back: what they export of them, in the forms that they write. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Manifest } from '../../engine/run/manifest.ts'
import { folder, pairs, rowsOf, writeJsonl } from '../engine/helpers.ts'
import { inProcess as sluice, writeGraph } from '../failures/helpers.ts'

let at: string, graph: string
const list = <T>(file: string): T => JSON.parse(readFileSync(join(at, 'out', 'latest', file), 'utf8')) as T

beforeAll(async () => {
  at = folder()
  // numbers as ids: tools number what they take, too
  const rows = pairs(8).map((row, i) => ({ ...row, id: String(8 - i), prompt: `${row.prompt} "${i}", <b>`, doubt: i }))
  graph = writeGraph(join(at, 'g.yaml'), [
    { id: 'pairs', use: 'read_jsonl', with: { path: writeJsonl(join(at, 'in.jsonl'), rows) } },
    { id: 'dpo', use: 'write_arrow' },
    { id: 'studio', use: 'write_label_studio', from: 'pairs', with: { order_by: 'doubt', limit: 5 } },
    { id: 'argilla', use: 'write_argilla', from: 'pairs', with: { order_by: 'doubt', limit: 5 } },
  ])
  expect(await sluice('run', graph, '--output', join(at, 'out'), '--quiet')).toMatchObject({ code: 0, stderr: '' })
})

/** Runs the graph with what a tool exported; the sides of the first three pairs are held against what was decided. */
async function applied(name: string, text: string): Promise<Manifest['decisions']> {
  const file = join(at, name),
    output = join(at, `again-${name}`)
  writeFileSync(file, text)
  const args = ['run', graph, '--output', output, '--decisions', file, '--quiet']
  expect(await sluice(...args)).toMatchObject({ code: 0, stderr: '' })
  const before = rowsOf(join(at, 'out', 'latest', 'dpo')),
    after = rowsOf(join(output, 'latest', 'dpo'))
  expect(after).toEqual([
    { ...before[0], chosen: before[0].rejected, rejected: before[0].chosen },
    ...before.slice(2), // the second was dropped, the third kept
  ])
  return (JSON.parse(readFileSync(join(output, 'latest', 'manifest.json'), 'utf8')) as Manifest).decisions
}
const words = ['flip', 'drop', 'keep'],
  wanted = { given: 3, flip: 1, drop: 1, keep: 1, listed: { decided: 3, wrong: 2 } }

describe('what Label Studio 1.23.2 exports of its list', () => {
  type Task = { data: Record<string, unknown>; predictions: object[] }
  const when = '2026-11-29T20:46:51.548509Z'
  const resultOf = (word: string) => [
    {
      id: 'Wk3',
      from_name: 'decision',
      to_name: 'prompt',
      type: 'choices',
      origin: 'manual',
      value: { choices: [word] },
    },
    {
      id: 'Xb9',
      from_name: 'note',
      to_name: 'prompt',
      type: 'textarea',
      origin: 'manual',
      value: { text: ['keep it'] },
    },
  ]
  const annotation = (id: number, word: string, isSkipped = false) => ({
    id,
    completed_by: 1,
    result: resultOf(word),
    was_cancelled: isSkipped,
    ground_truth: false,
    created_at: when,
    updated_at: when,
    draft_created_at: null,
    lead_time: 2.5,
    prediction: { id, result: resultOf('flip'), model_version: 'noise', score: 0.8, task: id },
    result_count: 2,
    unique_id: '00000000-0000-0000-0000-000000000000',
    task: id,
    project: 1,
    updated_by: 1,
  })

  it('as JSON: tasks with their annotations; one was skipped, and one nobody has seen', async () => {
    const tasks = list<Task[]>('studio/tasks.json').map(({ data }, i) => ({
      id: i + 1,
      annotations: i < 4 ? [annotation(i + 1, words[i] ?? 'drop', i === 3)] : [],
      file_upload: '00000000-tasks.json',
      drafts: [],
      predictions: [i + 1],
      data,
      meta: {},
      created_at: when,
      updated_at: when,
      inner_id: i + 1,
      total_annotations: 1,
      cancelled_annotations: 0,
      project: 1,
    }))
    expect(await applied('export.json', JSON.stringify(tasks))).toMatchObject(wanted)
  })

  it('as JSON-MIN, whose id is its own number of the task', async () => {
    const lines = words.map((decision, i) => ({
      id: i + 1,
      ...list<Task[]>('studio/tasks.json')[i].data,
      decision,
      note: 'keep it',
      annotator: 1,
      annotation_id: i + 1,
      created_at: when,
      updated_at: when,
      lead_time: 2.5,
    }))
    expect(await applied('min.json', JSON.stringify(lines, null, 2))).toMatchObject(wanted)
  })

  it('as CSV', async () => {
    const cell = (value: unknown) =>
      typeof value === 'string' ? `"${value.replaceAll('"', '""')}"` : String(value ?? '')
    const names = [
      'annotation_id',
      'annotator',
      'chosen',
      'content_hash',
      'created_at',
      'decision',
      'doubt',
      'id',
    ].concat(['lead_time', 'note', 'probability', 'prompt', 'rejected', 'sluice_id', 'updated_at'])
    const rows = words.map((decision, i) => {
      const more = { annotation_id: i + 1, annotator: '1', created_at: when, decision, id: i + 1, note: 'keep it' },
        row: Record<string, unknown> = { ...list<Task[]>('studio/tasks.json')[i].data, ...more }
      return names.map(name => cell(row[name])).join(',')
    })
    expect(await applied('export.csv', `${[names.map(cell).join(','), ...rows].join('\n')}\n`)).toMatchObject(wanted)
  })
})

describe('what Argilla 2.8.0 exports of its list', () => {
  type AsRecord = { id: string; fields: Record<string, unknown>; metadata: Record<string, unknown> }
  const user = '00000000-0000-0000-0000-000000000001'
  // the fourth was discarded, and the fifth is a draft
  const status = ['submitted', 'submitted', 'submitted', 'discarded', 'draft']
  const given = [...words, 'flip', 'drop']

  it('as to_json and to_disk write it, without the status of answers', async () => {
    const records = list<AsRecord[]>('argilla/records.json').map((record, i) => ({
      ...record,
      responses: {
        decision: [{ value: given[i], user_id: user }],
        ...(i === 0 ? { note: [{ value: 'keep it', user_id: user }] } : {}),
      },
      status: status[i] === 'submitted' ? 'completed' : 'pending',
      _server_id: `00000000-0000-0000-0000-00000000000${i}`,
    }))
    expect(await applied('records.json', JSON.stringify(records))).toMatchObject(wanted)
  })

  it('as to_list(flatten=True) and to_datasets have it, a column each', async () => {
    const rows = list<AsRecord[]>('argilla/records.json').map(({ id, fields, metadata }, i) => ({
      id,
      status: status[i] === 'submitted' ? 'completed' : 'pending',
      _server_id: `00000000-0000-0000-0000-00000000000${i}`,
      ...fields,
      ...metadata,
      'decision.responses': [given[i]],
      'decision.responses.users': [user],
      'decision.responses.status': [status[i]],
      'note.responses': i === 0 ? ['keep it'] : null,
      'note.responses.users': i === 0 ? [user] : null,
      'note.responses.status': i === 0 ? ['submitted'] : null,
      'decision.suggestion': 'flip',
      'decision.suggestion.score': 0.8,
      'decision.suggestion.agent': 'noise',
    }))
    expect(await applied('flat.json', JSON.stringify(rows))).toMatchObject(wanted)
  })
})
