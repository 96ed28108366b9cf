/** Arrow files that Arrow JS cannot write: compressed buffers, types that it lacks, and bytes that are text. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  Binary,
  Decimal,
  Dictionary,
  Field,
  FixedSizeBinary,
  Int32,
  List,
  makeData,
  makeVector,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  Utf8,
  vectorFromArray,
  type Data,
  type DataType,
} from 'apache-arrow'
import { describe, expect, it } from 'vitest'
import { fromValues } from '../../engine/source/values.ts'
import { openInputs } from '../../engine/source/open.ts'
import readArrow from '../../stages/sources/read_arrow.ts'
import { indexIpc, ipcSchema, readIpc } from '../../stages/sources/ipc_index.ts'
import { optionsOf, readAll } from './files.ts'
import { cut, table } from './helpers.ts'

const foreign = fileURLToPath(new URL('foreign/', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'sluice-'))
let files = 0
function write(bytes: Uint8Array): string {
  const path = join(folder, `${files++}.arrow`)
  writeFileSync(path, bytes)
  return path
}
const open = (path: string) => openInputs(readArrow, optionsOf(path), foreign)

describe('compressed buffers', () => {
  it.each(['lz4', 'zstd', 'lz4-stream', 'zstd-stream'])('of %s are read as what they hold', async name => {
    const want = await readAll(readArrow, foreign, 'plain.arrow'),
      got = await readAll(readArrow, foreign, `${name}.arrow`, {}, 1)
    expect(got.pairs.map(({ long: _, ...pair }) => pair)).toEqual(want.pairs)
    expect(got.pairs[0]).toMatchObject({ kind: 'x', view: 'beyond the twelve bytes of a view', none: null })
    const long = (row: number) => Array.from({ length: 40_000 }, (_, word) => `${row}-${word % 1000}`).join(' ')
    for (const [row, pair] of got.pairs.entries()) expect(pair.long === long(row), String(row)).toBe(true)
  })

  it.each(['lz4', 'zstd'])(
    'of %s that are damaged are refused, or read as something else, and never more',
    async name => {
      const bytes = readFileSync(`${foreign}${name}-stream.arrow`),
        refusals = new Set<string>()
      for (let at = 1200; at < bytes.length; at += 97) {
        const bad = Uint8Array.from(bytes)
        bad[at] ^= 0x55
        const path = write(bad)
        await readAll(readArrow, folder, path).catch((error: unknown) => refusals.add((error as Error).message))
      }
      expect([...refusals].join('\n')).toMatch(
        /has a damaged buffer in the message at byte \d+: .*; fetch or write it again/,
      )
    },
  )
})

it('types that Arrow JS lacks are named with their column, and with what to do', async () => {
  for (const [name, said] of [
    ['list-view', 'column tags has a type (list view) that cannot be read here; cast it to list'],
    ['list-view-stream', 'column tags has a type (list view) that cannot be read here; cast it to list'],
    ['large-list-view', 'column tags has a type (large list view) that cannot be read here; cast it to list'],
    ['run-end', 'column tags has a type (run-end encoded) that cannot be read here; cast it to its plain values'],
    ['int128', 'column big has a type (integers of 128 bits) that cannot be read here; cast it to int64, or to text'],
  ]) {
    await expect(open(`${name}.arrow`), name).rejects.toThrow(`${name}.arrow: ${said}`)
  }
})

/** Binary columns out of text. */
function bytes(values: readonly (string | null)[]): Data {
  const { length, nullCount, nullBitmap, valueOffsets, values: data } = fromValues(new Utf8(), values)
  return makeData({ type: new Binary(), length, nullCount, nullBitmap, valueOffsets, data } as never)
}
async function fileOf(columns: readonly (readonly [string, Data, Map<string, string>?])[]): Promise<string> {
  const schema = new Schema(columns.map(([name, { type }, said]) => new Field(name, type as DataType, true, said))),
    [[, { length }]] = columns
  const children = columns.map(([, data]) => data),
    writer = new RecordBatchStreamWriter()
  writer.write(new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length, nullCount: 0, children })))
  writer.close()
  return write(await writer.toUint8Array())
}

describe('bytes', () => {
  const UUID = new Map([['ARROW:extension:name', 'arrow.uuid']])
  const texts = (values: readonly string[]) => fromValues(new Utf8(), values)

  it('are text in ids and sides, and as role and content of messages', async () => {
    const message = (role: string, text: string) => {
      const children = [bytes([role]), bytes([text]), bytes(['raw'])],
        type = new Struct(['role', 'content', 'raw'].map(name => new Field(name, new Binary(), true)))
      return makeData({
        type: new List(new Field('item', type, true)),
        length: 1,
        nullCount: 0,
        valueOffsets: Int32Array.of(0, 1),
        child: makeData({ type, length: 1, nullCount: 0, children }),
      } as never) as Data
    }
    const path = await fileOf([
      ['id', bytes(['a'])],
      ['messages', message('user', 'Name a prime.')],
      ['chosen', bytes(['Seven.'])],
      ['rejected', bytes(['Nine.'])],
      ['note', bytes(['n'])],
    ])
    const { pairs } = await readAll(readArrow, folder, path)
    expect(pairs[0]).toMatchObject({ id: 'a', prompt: [{ role: 'user', content: 'Name a prime.' }] })
    expect(pairs[0].chosen).toEqual([{ role: 'assistant', content: 'Seven.' }])
    expect(ipcSchema(indexIpc(path)).fields.map(({ type }) => String(type))).toEqual([
      'Utf8',
      'List<Struct<{role:Utf8, content:Utf8, raw:Binary}>>',
      'Utf8',
      'Utf8',
      'Binary',
    ])
  })

  it('of UUIDs are their text, and nothing where they are null', async () => {
    const nullBitmap = Uint8Array.of(0b101),
      data = Uint8Array.from({ length: 48 }, (_, i) => i),
      uuid = makeData({ type: new FixedSizeBinary(16), length: 3, nullCount: 1, nullBitmap, data } as never) as Data
    const sides = (['prompt', 'chosen', 'rejected'] as const).map(
      name => [name, texts([`${name} a`, `${name} b`, `${name} c`])] as const,
    )
    const { pairs } = await readAll(readArrow, folder, await fileOf([['id', uuid, UUID], ...sides, ['plain', uuid]]))
    expect([pairs[0].id, pairs[2].id]).toEqual([
      '00010203-0405-0607-0809-0a0b0c0d0e0f',
      '20212223-2425-2627-2829-2a2b2c2d2e2f',
    ])
    // without an id of its own a row is named by its content
    expect(pairs[1].id).toMatch(/^[0-9a-f]{32}$/)
    expect(pairs[0].plain).not.toBe(pairs[0].id)
  })

  it('of whole decimals name rows by their digits; those with a fraction do not', async () => {
    const decimal = (scale: number) =>
      makeData({
        type: new Decimal(scale, 20, 128),
        length: 1,
        nullCount: 0,
        data: Uint32Array.of(0x89e80001, 0x8ac72304, 0, 0),
      } as never) as Data
    const sides = ['prompt', 'chosen', 'rejected'].map(name => [name, texts([name])] as const)
    const whole = await readAll(readArrow, folder, await fileOf([['id', decimal(0)], ...sides])),
      parts = await readAll(readArrow, folder, await fileOf([['id', decimal(2)], ...sides]))
    expect(whole.pairs[0].id).toBe('10000000000000000001')
    expect(parts.pairs[0].id).toMatch(/^[0-9a-f]{32}$/)
  })
})

it('a dictionary serves all the batches behind it, whatever the range', () => {
  const values = vectorFromArray(['x'.repeat(100), 'y', 'z'], new Utf8()),
    column = makeVector({
      type: new Dictionary(new Utf8(), new Int32()),
      length: 60,
      data: Int32Array.from({ length: 60 }, (_, i) => i % 3),
      dictionary: values,
    } as never)
  const whole = table(Array.from({ length: 60 }, (_, i) => ({ id: `${i}` })))
  const schema = new Schema([...whole.schema.fields, new Field('kind', column.type as DataType, true)])
  const writer = new RecordBatchStreamWriter()
  for (let at = 0; at < 60; at += 3) {
    const children = [cut(whole, at, at + 3).data.children[0], column.data[0].slice(at, 3)]
    writer.write(
      new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length: 3, nullCount: 0, children })),
    )
  }
  writer.close()
  const path = write(writer.toUint8Array(true)),
    index = indexIpc(path)
  expect([index.batches.length, index.dictionaries.length]).toEqual([20, 1])
  const kinds = (range: { start: number; end: number }) =>
    [...readIpc(path, index, ipcSchema(index), range)].flatMap(({ batch }) => [...batch.getChild('kind')!])
  expect(kinds({ start: 0, end: 60 })).toEqual(Array.from({ length: 60 }, (_, i) => ['x'.repeat(100), 'y', 'z'][i % 3]))
  expect(kinds({ start: 31, end: 35 })).toHaveLength(6)
})
