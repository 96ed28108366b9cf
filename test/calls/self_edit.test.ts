/** A model on loopback that edits steps: what it writes is proven or refused. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { run } from '../../index.mjs'
import { EDITS, judgeEdit, type EditTask } from '../../stages/synthesis/model_edits.ts'
import { Solution } from '../../stages/synthesis/solution.ts'
import { folder, writeJsonl } from '../engine/helpers.ts'
import { holds } from '../synthesis/checker.ts'
import { startServer } from './server.ts'

const rows = Array.from({ length: 40 }, (_, i) => ({
  id: `s${i}`,
  prompt: `A box holds ${i + 3} pens. How many do 6 hold, with 4 loose ones?`,
  chosen: `First: there are 6 boxes.\nThey hold 6 * ${i + 3} = ${6 * (i + 3)} pens.\nWith the loose ones it is ${6 * (i + 3)} + 4 = ${6 * (i + 3) + 4}.`,
  rejected: 'Many.',
}))
const says = (text: string) =>
  JSON.stringify({
    choices: [{ finish_reason: 'stop', message: { content: `\`\`\`\n${text}\n\`\`\`` } }],
    usage: { total_tokens: 10 },
  })
/** The last fenced part of what the model is told: the text to rewrite. */
const partOf = (body: Record<string, unknown>): string => {
  const fences = [...(body.messages as { content: string }[])[0].content.matchAll(/```\n([^]*?)\n```/g)]
  return fences[3][1]
}

async function edited(reply: (part: string) => string, more: Record<string, unknown> = {}) {
  const server = await startServer(({ body }, response) => response.end(says(reply(partOf(body)))) && true, {
    models: ['chat'],
  })
  const graph = {
    version: 1 as const,
    name: 'edits',
    stages: [
      { id: 'pairs', use: 'read_jsonl', with: { path: writeJsonl(join(folder(), 'in.jsonl'), rows) } },
      { id: 'edit', use: 'self_edit', with: { url: server.url, model: 'chat', ...more } },
      { id: 'out', use: 'write_jsonl', from: 'edit' },
    ],
  }
  const result = await run(graph, { workers: 1, output: join(folder(), 'out') })
  const path = join(
    result.folder,
    'out',
    readdirSync(join(result.folder, 'out')).find(name => name.endsWith('.jsonl'))!,
  )
  const text = readFileSync(path, 'utf8').trimEnd()
  return {
    server,
    path,
    made: text ? text.split('\n').map(line => JSON.parse(line) as Record<string, never>) : [],
    notes: result.manifest.stages.edit.notes,
  }
}

describe('self_edit', () => {
  it('makes step pairs with proofs that hold, each asked for in the words of its kind', async () => {
    const { made, server, path } = await edited(part => part.replace(/= (\d+)/, (_, n: string) => `= ${Number(n) + 2}`))
    expect(made).toHaveLength(40)
    for (const row of made) {
      expect(holds(row.edit_proof), row.edit_proof).toBe(true)
      expect(EDITS.map(({ name }) => name)).toContain(row.edit_type)
      const parent = rows.find(({ id }) => id === row.edit_parent)!
      const before = (row.prompt as string).slice(parent.prompt.length).replace(/^\n\n/, '')
      expect(parent.chosen.startsWith(before + String(row.chosen))).toBe(true)
    }
    expect(
      JSON.parse(
        execFileSync('python3', [fileURLToPath(new URL('../../scripts/check_proofs.py', import.meta.url)), path], {
          encoding: 'utf8',
        }),
      ),
    ).toMatchObject({ rows: 40, located: 40, failed: 0 })
    expect(server.requests.filter(({ body }) => JSON.stringify(body).includes('They hold'))).not.toHaveLength(0)
    expect(server.requests[1].body).toMatchObject({ model: 'chat', temperature: 0, max_tokens: 512 })
  })

  it.each<[string, (part: string) => string, string]>([
    ['says that it is wrong', part => part.replace(/= \d+/, '= 1, which is a mistake'), 'admits_error'],
    ['writes the same again', part => part, 'unchanged'],
    ['exchanges what may be exchanged', part => part.replace(/(\d+) ([*+]) (\d+)/, '$3 $2 $1'), 'not_proven'],
    [
      'writes something else',
      () =>
        'Nobody knows how many there are, and it would take a long time to count them all, one by one, until the evening.',
      'changes_more',
    ],
    ['changes a word', part => part.replace(/They|With/, 'Those'), 'not_proven'],
  ])('nothing is made of a model that %s', async (_, reply, reason) => {
    const { made, notes } = await edited(reply, { edits_per_row: 1 })
    expect(made).toEqual([])
    expect(notes).toEqual({ [reason]: 40 })
  })

  it('keeps what is unproven where that is asked for, and says so', async () => {
    const { made } = await edited(part => part.replace(/They|With|First/, 'Those'), {
      edits_per_row: 1,
      with_unproven: true,
    })
    expect(made).toHaveLength(40)
    expect(new Set(made.map(row => row.edit_proof))).toEqual(new Set(['unproven']))
  })
})

describe('judge', () => {
  const task: EditTask = {
    solution: new Solution('So 6 * 3 = 18 pens. Then 18 + 4 = 22.', 'q wrong?'),
    step: 0,
    before: '',
    text: 'Then 18 + 4 = 22.',
    kinds: [0],
  }
  const limits = { edits_per_row: 1, max_edit_share: 0.5, with_unproven: false }
  it.each<[string, unknown]>([
    ['Then 18 + 4 = 23.', { proof: '18+4=22 is true; 18+4=23 is false', start: 35, end: 36 }],
    ['Then 18 - 4 = 22.', { proof: '18+4=22 is true; 18-4=22 is false' }],
    ['Then 18 + 4 = 22.0.', 'not_proven'],
    ['Then 4 + 18 = 22.', 'not_proven'],
    ['Then 18 = 22.', 'not_proven'],
    ['Then 18 + 4 = 22, wrong.', 'not_proven'],
    ['Then, incorrectly, 18 + 4 = 23.', 'admits_error'],
    ['Then 18 + 4 = 22. ', 'unchanged'],
    ['', 'not_proven'],
    ['Then 19 + 4 = 23, 1 + 1 = 3.', 'not_proven'],
  ])('%s', (reply, expected) => {
    const found = judgeEdit(task, reply, limits)
    if (typeof expected === 'string') expect(found).toBe(expected)
    else expect(found).toMatchObject(expected as object)
  })
})
