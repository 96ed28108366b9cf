/** What write_label_studio gives Label Studio to import: tasks, what they suggest, and the page that shows them. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Float64 } from 'apache-arrow'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { graph, run } from '../../index.mjs'
import { decisionWords } from '../../engine/run/decisions.ts'
import { readList } from '../../app/review/list.ts'
import { visible } from '../../engine/terminal.ts'
import writeLabelStudio from '../../stages/sinks/write_label_studio.ts'
import { fingerprint, folder as place, pairs as rowsFor, writeJsonl } from '../engine/helpers.ts'
import { assistant, column, numbered, pairs, runSink, textColumnOf, user, type Column } from './helpers.ts'

interface Task {
  readonly data: Record<string, unknown>
  readonly predictions: { score: number; result: { value: { choices: string[] } }[] }[]
}
const tasksIn = (folder: string): Task[] => JSON.parse(readFileSync(join(folder, 'tasks.json'), 'utf8')) as Task[]
const hashes = (count: number) => textColumnOf('content_hash', Array<string>(count).fill('0'.repeat(32)))
const doubts = (...values: (number | null)[]): Column[] => [
  column('noise_probability', values, new Float64()),
  column('noise_agreement', values.fill(0.15), new Float64()),
  textColumnOf('noise_against', Array<string>(values.length).fill('words: chosen says "no" | style: less <b>')),
]

describe('write_label_studio', () => {
  it('writes a pair as a task: turns by who says them, why it is doubted, the likelier answer with its score', async () => {
    const row = {
      id: 'a',
      prompt: [{ role: 'system', content: 'Be brief.' }, ...user('hi'), ...assistant('yes?'), ...user('more')],
      chosen: assistant('ok'),
      rejected: assistant('no'),
    }
    const { folder } = await runSink(writeLabelStudio, {}, [pairs([row], [hashes(1), ...doubts(0.25)])])
    expect(readdirSync(folder).sort()).toEqual(['config.xml', 'tasks.json'])
    expect(tasksIn(folder)).toEqual([
      {
        data: {
          sluice_id: 'a',
          content_hash: '0'.repeat(32),
          prompt: 'system: Be brief.\n\nuser: hi\n\nassistant: yes?\n\nuser: more',
          chosen: 'ok',
          rejected: 'no',
          doubt: [
            'probability that the label is right: 25 %',
            'reviewers who are this sure agree with 15 of 100 labels',
            'against the label: words: chosen says "no"',
            'against the label: style: less <b>',
          ].join('\n'),
          probability: 0.25,
        },
        predictions: [
          {
            model_version: 'noise',
            score: 0.75,
            result: [{ from_name: 'decision', to_name: 'prompt', type: 'choices', value: { choices: ['flip'] } }],
          },
        ],
      },
    ])
  })

  it('suggests keep from one half on, and nothing where nobody said how likely the label is right', async () => {
    const { folder } = await runSink(writeLabelStudio, {}, [
      pairs(numbered(4), [hashes(4), ...doubts(0.4999, 0.5, 1, null)]),
    ])
    expect(
      tasksIn(folder).map(({ predictions }) => predictions.flatMap(({ result }) => result[0].value.choices)),
    ).toEqual([['flip'], ['keep'], ['keep'], []])
    const rain = column('rain_probability', [0.1], new Float64()),
      other = await runSink(writeLabelStudio, {}, [pairs(numbered(1), [hashes(1), rain])])
    expect(tasksIn(other.folder)).toMatchObject([{ data: { doubt: '', probability: null }, predictions: [] }])
  })

  it('shows what stands beside the texts, as tool calls', async () => {
    const calls = '[{"tool_calls":[{"id":"x1","function":{"name":"look","arguments":"{}"}}]}]',
      beside = textColumnOf('source_chosen_fields', [calls, null])
    const { folder } = await runSink(writeLabelStudio, {}, [pairs(numbered(2), [hashes(2), beside])])
    expect(tasksIn(folder).map(({ data }) => data.chosen)).toEqual([
      'text 0\n[{"tool_calls":[{"function":{"name":"look","arguments":"{}"}}]}]',
      'text 1',
    ])
  })

  it('gives any text back, in ASCII, the same bytes whatever the batches; controls are shown', async () => {
    const said = (text: string) => visible(text.replaceAll('\r\n', '\n'))
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'grapheme', maxLength: 60 }), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 12 }),
        async (texts, cut) => {
          const rows = texts.map((text, i) => ({
            id: text,
            prompt: user(text),
            chosen: assistant(`${text} <b>`),
            rejected: assistant(String(i)),
          }))
          const parts = [rows.slice(0, cut), rows.slice(cut)].filter((part, i) => i === 0 || part.length > 0)
          const [whole, cutUp] = await Promise.all(
            [[rows], parts].map(async some => {
              const batches = some.map(part => pairs(part, [hashes(part.length)])),
                { folder } = await runSink(writeLabelStudio, {}, batches)
              return { folder, bytes: readFileSync(join(folder, 'tasks.json'), 'latin1') }
            }),
          )
          expect(cutUp.bytes).toBe(whole.bytes)
          expect(whole.bytes).toMatch(/^[\n -~]*$/)
          expect(tasksIn(whole.folder).map(({ data }) => [data.sluice_id, data.prompt, data.chosen])).toEqual(
            texts.map(text => [text, said(text), said(`${text} <b>`)]),
          )
        },
      ),
      { numRuns: 25 },
    )
    const row = { id: '\0', prompt: user('a\0b\r\nc\td'), chosen: assistant('\u202ex'), rejected: assistant('') },
      { folder } = await runSink(writeLabelStudio, {}, [pairs([row], [hashes(1)])])
    expect(tasksIn(folder)[0].data).toMatchObject({
      sluice_id: '\0',
      prompt: 'a\\u0000b\nc\td',
      chosen: '\\u202ex',
      rejected: '',
    })
  })

  it('has a page that asks what decisions are made of, and shows what tasks have', async () => {
    const { folder } = await runSink(writeLabelStudio, {}, [pairs(numbered(1), [hashes(1)])]),
      config = readFileSync(join(folder, 'config.xml'), 'utf8'),
      all = (pattern: RegExp) => [...config.matchAll(pattern)].map(([, name]) => name)
    expect(all(/<Choice value="(\w+)"/g).sort()).toEqual([...decisionWords].sort())
    expect(all(/ value="\$(\w+)"/g)).toEqual(['prompt', 'chosen', 'rejected', 'doubt'])
    for (const name of all(/ value="\$(\w+)"/g)) expect(tasksIn(folder)[0].data[name]).toBeTypeOf('string')
    expect(all(/ toName="(\w+)"/g)).toEqual(['prompt', 'prompt'])
    // every tag that is opened is closed, in order
    const open: string[] = []
    for (const [, end, name, empty] of config.matchAll(/<(\/?)(\w+)[^>]*?(\/?)>/g)) {
      if (end) expect(open.pop()).toBe(name)
      else if (!empty) open.push(name)
    }
    expect(open).toEqual([])
  })

  it('writes an empty list for no rows', async () => {
    const { folder } = await runSink(writeLabelStudio, {}, [pairs([], [hashes(0)])])
    expect(tasksIn(folder)).toEqual([])
  })
})

describe('write_label_studio in a graph', () => {
  const graphOf = (path: string, more: Record<string, unknown>, partition_rows = 7) =>
    graph({
      version: 1,
      name: 'people',
      partition_rows,
      stages: [
        { id: 'pairs', use: 'read_jsonl', with: { path } },
        { id: 'dpo', use: 'write_arrow' },
        { id: 'humans', use: 'write_label_studio', from: 'pairs', with: more },
      ],
    })
  const rows = rowsFor(30).map((row, i) => ({ ...row, doubt: (i * 7) % 30 }))

  it('is for review by itself, in order and no more than asked for, the same bytes for any partitions and workers', async () => {
    const at = place(),
      path = writeJsonl(join(at, 'in.jsonl'), rows),
      asked = { order_by: 'doubt', limit: 5 }
    const first = await run(graphOf(path, asked), { output: join(at, 'out'), workers: 1 }),
      ids = tasksIn(join(first.folder, 'humans')).map(({ data }) => data.sluice_id)
    expect(ids).toEqual([0, 13, 26, 9, 22].map(i => rows[i].id))
    expect(tasksIn(join(first.folder, 'humans'))[0].data.content_hash).toMatch(/^[0-9a-f]{32}$/)
    expect(first.manifest.rows.kept).toBe(30)
    const other = await run(graphOf(path, asked, 11), { output: join(at, 'other'), workers: 2 }),
      filesOf = (run: string) => fingerprint(join(run, 'humans'))
    expect(filesOf(other.folder)).toEqual(filesOf(first.folder))
    expect(Object.keys(filesOf(first.folder))).toEqual(['config.xml', 'tasks.json'])
    // `sluice review` has pages of its own
    await expect(readList(first.folder)).rejects.toThrow(/has no list for people/)
  })

  it('is never trained on, and asks of pairs alone', async () => {
    const at = place(),
      path = writeJsonl(join(at, 'in.jsonl'), rows)
    await expect(run(graphOf(path, { for: 'training' }), { output: join(at, 'out') })).rejects.toThrow(/review/)
    const answers = writeJsonl(join(at, 'answers.jsonl'), [{ id: 'a', prompt: 'q', answer: 'x', score: 1 }])
    const one = graph({
      version: 1,
      name: 'answers',
      stages: [
        { id: 'pairs', use: 'read_jsonl', with: { path: answers, layout: 'answers' } },
        { id: 'humans', use: 'write_label_studio' },
      ],
    })
    await expect(run(one, { output: join(at, 'out'), workers: 1 })).rejects.toThrow(
      /write_label_studio: there is no column rejected; people are asked of pairs/,
    )
  })
})
