/** Arrow and JSON Lines made to mislead: refused in time, without much memory. */
import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  Field,
  List,
  makeData,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  Utf8,
  type DataType,
} from 'apache-arrow'
import { describe, expect, it } from 'vitest'
import { nulls } from '../../engine/arrow/columns.ts'
import readArrow from '../../stages/sources/read_arrow.ts'
import readJsonl from '../../stages/sources/read_jsonl.ts'
import { folder } from '../engine/helpers.ts'
import { readAll } from './files.ts'
import { cut, table } from './helpers.ts'

const at = folder(),
  MOST_MS = 10_000,
  MOST_GROWTH = 300e6
let files = 0

/** What is said against a file, undefined where nothing is; in time and without much memory. */
async function said(
  source: typeof readArrow | typeof readJsonl,
  bytes: Uint8Array | string,
  ending: string,
): Promise<string | undefined> {
  const path = join(at, `${files++}.${ending}`)
  writeFileSync(path, bytes)
  const before = process.resourceUsage().maxRSS,
    begun = performance.now()
  const error = await readAll(source as never, at, path).then(
    () => undefined,
    (reason: unknown) => reason as Error,
  )
  expect(performance.now() - begun).toBeLessThan(MOST_MS)
  expect((process.resourceUsage().maxRSS - before) * 1024).toBeLessThan(MOST_GROWTH)
  return error?.message
}

function streamOf(batches: readonly RecordBatch[]): Buffer {
  const writer = new RecordBatchStreamWriter()
  writer.reset(undefined, batches[0].schema)
  for (const batch of batches) writer.write(batch)
  writer.close()
  return Buffer.from(writer.toUint8Array(true))
}
const pair = { prompt: 'Name a prime.', chosen: 'Seven.', rejected: 'Nine.' }
const rows = table(Array.from({ length: 6 }, (_, i) => ({ id: `${i}`, ...pair, n: i, reason: i % 2 ? 'x' : null })))
const stream = streamOf([cut(rows, 0, 4), cut(rows, 4, 6)])
/** Where the metadata of the messages lies: the schema, then two batches with their bodies. */
const schemaEnd = 8 + stream.readInt32LE(4),
  batchEnd = schemaEnd + 8 + stream.readInt32LE(schemaEnd + 4)

describe('Arrow IPC', () => {
  it.each([
    ['the schema', 0, schemaEnd],
    ['a batch', schemaEnd, batchEnd],
  ])('any number of %s that is another ends in rows or in one line, at once', async (_, from, end) => {
    let refused = 0
    for (let word = from; word < end; word += 4) {
      for (const value of [0x7fffffff, -1, 0x10000, 0]) {
        const copy = Buffer.from(stream)
        copy.writeInt32LE(value, word)
        const message = await said(readArrow, copy, 'arrow')
        if (message !== undefined) refused++
        expect(message ?? 'read_arrow: .arrow ').toMatch(/^(read_arrow: )?[^\n]*\.arrow[^\n]*|index \d+/)
        expect(message ?? '').not.toMatch(
          /call stack|Invalid (array|typed)|allocation failed|Cannot (read|set|convert)|is not (a function|iterable)/,
        )
      }
    }
    expect(refused).toBeGreaterThan(50)
  })

  it('a schema that nests deeply is refused, by its depth', async () => {
    let type: DataType = new Utf8()
    for (let i = 0; i < 200; i++) type = new List(new Field('item', type, true))
    const schema = new Schema([new Field('prompt', type, true)])
    const batch = new RecordBatch(
      schema,
      makeData({ type: new Struct(schema.fields), length: 1, nullCount: 0, children: [nulls(type, 1)] }),
    )
    expect(await said(readArrow, streamOf([batch]), 'arrow')).toMatch(
      /\.arrow: is not Arrow IPC|nested deeper than 128 levels, the most that are read/,
    )
  })

  it('offsets that go back, and more rows than the buffers hold, are damage', async () => {
    const body = Buffer.from(stream),
      text = body.indexOf('Name a prime.')
    // the offsets of the prompts before their text: 0, 13, 26, 39, 52
    const place = body.lastIndexOf(Buffer.from(Int32Array.of(0, 13, 26, 39, 52).buffer), text)
    expect(place).toBeGreaterThan(batchEnd - 1)
    body.writeInt32LE(60, place + 8)
    expect(await said(readArrow, body, 'arrow')).toMatch(
      /a column of Utf8 has the offset 39 after 60, at value 2: its buffers are damaged/,
    )
    body.writeInt32LE(26, place + 8)
    body.writeInt32LE(1 << 30, place + 16)
    expect(await said(readArrow, body, 'arrow')).toMatch(
      /a column of Utf8 with 4 values has \d+ items, 1073741824 are needed/,
    )
  })
})

describe('JSON Lines', () => {
  const line = JSON.stringify(pair)
  it('a line without end is refused by its number and the limit', async () => {
    const path = join(at, 'long.jsonl')
    writeFileSync(path, `${line}\n{`)
    // a hole: nothing is on the disk
    truncateSync(path, 2 ** 31)
    await expect(readAll(readJsonl, at, path)).rejects.toThrow(
      /long\.jsonl: line 2, which begins at byte \d+, has more than 268435456 bytes, the most that are read/,
    )
  }, 60_000)

  it.each([
    ['lists', '[', ']'],
    ['objects', '{"a":', '}'],
  ])('a line of %s 100,000 deep is an unreadable row; the others are read', async (_, open, close) => {
    const deep = (depth: number): string =>
      `{"prompt":"p","chosen":"c","rejected":"r","more":${open.repeat(depth)}1${close.repeat(depth)}}`
    const path = join(at, `deep-${open.length}.jsonl`)
    writeFileSync(path, [line, deep(100_000), deep(50), line].join('\n'))
    const { rows, pairs, errors } = await readAll(readJsonl, at, path)
    expect([rows, pairs.length, [...errors]]).toEqual([
      4,
      3,
      [[1, 'the line nests deeper than 100 levels, the most that are read']],
    ])
    // only such lines: no row to tell the columns by
    writeFileSync(path, deep(100_000))
    await expect(readAll(readJsonl, at, path)).rejects.toThrow(/the line nests deeper than 100 levels/)
  })

  it('keys by the million are refused with their number; in an object they are its text', async () => {
    const keys = Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`k${i}`, 0]))
    expect(await said(readJsonl, `${line}\n${JSON.stringify({ ...pair, ...keys })}\n`, 'jsonl')).toMatch(
      /\.jsonl: its first 2 lines have 50003 different keys, at most 10000 columns are read/,
    )
    expect(await said(readJsonl, `${JSON.stringify({ ...pair, more: keys })}\n`, 'jsonl')).toBeUndefined()
    expect((await said(readJsonl, `${JSON.stringify({ ...pair, chosen: keys })}\n`, 'jsonl')) ?? '').not.toMatch(
      /stack|heap/,
    )
  })

  it('millions of values in one line are an unreadable row', async () => {
    const path = join(at, 'many.jsonl')
    writeFileSync(path, `${line}\n{"prompt":[${'[],'.repeat(1 << 23)}[]]}\n`)
    const { errors } = await readAll(readJsonl, at, path)
    expect([...errors]).toEqual([[1, 'the line has more than 16777216 values, the most that are read']])
  }, 60_000)
})
