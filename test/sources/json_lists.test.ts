/** Lists of JSON objects, as `datasets` writes its type Json and write_arrow whole messages: each is one JSON text. */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { run } from '../../index.mjs'
import readJsonl from '../../stages/sources/read_jsonl.ts'
import { folder, writeJsonl } from '../engine/helpers.ts'
import { jsonLines } from '../sinks/helpers.ts'
import { readAll } from './files.ts'
import { read as readTable, table } from './helpers.ts'

const call = (i: number) => ({ type: 'function', function: { name: 'look', arguments: { [`at${i % 2}`]: i } } })
const rows = Array.from({ length: 4 }, (_, i) => ({
  id: `r${i}`,
  prompt: [{ role: 'user', content: `Where is ${i}?` }],
  chosen: [{ role: 'assistant', content: `I look at ${i}.`, tool_calls: [call(i)] }],
  rejected: [{ role: 'assistant', content: `No ${i}.` }],
}))
type Messages = (typeof rows)[number]['chosen']
const asTexts = ({ id, ...sides }: (typeof rows)[number]) => ({
  id,
  ...Object.fromEntries(Object.entries(sides).map(([side, all]) => [side, all.map(one => JSON.stringify(one))])),
})

it('of messages are messages, also where a later one is none', async () => {
  const at = folder(),
    last = { ...asTexts(rows[3]), id: 'bad', rejected: ['no object'] },
    texts = rows.map(asTexts)
  const read = (some: readonly object[]) =>
    readAll(readJsonl, at, writeJsonl(join(at, 'in.jsonl'), some as never), { columns: [] })
  const { pairs } = await read(texts)
  expect(pairs.map(({ chosen }) => (chosen as Messages)[0].content)).toEqual(
    rows.map(({ chosen }) => chosen[0].content),
  )
  expect(pairs[1].source_chosen_fields).toBe(JSON.stringify([{ tool_calls: [call(1)] }]))
  const many = Array.from({ length: 1000 }, (_, i) => ({ ...texts[i % 4], id: `m${i}` }))
  const late = await read([...many, last])
  expect(late.pairs.length).toBe(1000)
  // where one of the first rows has another text nobody can tell
  await expect(read([last, ...texts])).rejects.toThrow(/rejected is List<Utf8>, neither text nor messages/)
})

it('are what write_arrow writes whole: read again, they are what was written', async () => {
  const at = folder(),
    path = writeJsonl(join(at, 'in.jsonl'), rows as never),
    sinks = [
      { id: 'dpo', use: 'write_arrow', from: 'pairs', with: { format: 'whole' } },
      { id: 'lines', use: 'write_jsonl', from: 'pairs' },
    ]
  const publish = async (use: string, path: string, output: string) =>
    (
      await run(
        { version: 1, name: 'g', stages: [{ id: 'pairs', use, with: { path } }, ...sinks] },
        { output: join(at, output), workers: 1 },
      )
    ).folder
  const first = await publish('read_jsonl', path, 'first'),
    again = await publish('read_arrow', join(first, 'dpo'), 'again')
  expect(jsonLines(join(first, 'lines'))).toEqual(rows)
  expect(jsonLines(join(again, 'lines'))).toEqual(rows)
})

it('messages whose content is null in all rows are calls, of any writer', async () => {
  const calls = rows.map(({ chosen: [{ tool_calls }], ...row }) => ({
    ...{ ...row, chosen: [{ role: 'assistant', content: null, tool_calls }] },
    rejected: [{ role: 'assistant', content: null, tool_calls: [call(9)] }],
  }))
  const wanted = (i: number, own: number) => ({
    chosen: [{ role: 'assistant', content: '' }],
    source_chosen_fields: JSON.stringify([{ tool_calls: [call(i)] }]),
    source_rejected_fields: JSON.stringify([{ tool_calls: [call(own)] }]),
  })
  // as the type of Parquet and Arrow says it: nothing but nulls
  expect(readTable(table(calls)).pairs).toMatchObject(rows.map((_, i) => wanted(i, 9)))
  const at = folder(),
    { pairs } = await readAll(readJsonl, at, writeJsonl(join(at, 'in.jsonl'), calls as never), { columns: [] })
  expect(pairs).toMatchObject(rows.map((_, i) => wanted(i, 9)))
})
