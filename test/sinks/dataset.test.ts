/** `writeArrow` and `readParquet`, the two functions for other programs. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  Bool,
  Dictionary,
  Field,
  FixedSizeList,
  Float64,
  Int32,
  Int64,
  List,
  makeVector,
  RecordBatchReader,
  Schema,
  Struct,
  Table,
  tableFromArrays,
  Utf8,
  vectorFromArray,
  type DataType,
  type RecordBatch,
  type Vector,
} from 'apache-arrow'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readParquet, writeArrow } from '../../engine/dataset.ts'
import writeParquet from '../../stages/sinks/write_parquet.ts'
import { numbered, pairs, runSink, temporaryFolder } from './helpers.ts'

const plainOf = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part)) ?? 'null')

function batchOf(columns: Record<string, Vector>): RecordBatch {
  return new Table(columns as never).batches[0] as unknown as RecordBatch
}

interface Shard {
  readonly name: string
  readonly rows: number[]
  readonly values: unknown[]
}

/** The shards as another Arrow reader sees them. */
function readShards(folder: string): Shard[] {
  const { _data_files: files } = JSON.parse(readFileSync(join(folder, 'state.json'), 'utf8')) as {
    _data_files: { filename: string }[]
  }
  return files.map(({ filename: name }) => {
    const batches = [...RecordBatchReader.from(readFileSync(join(folder, name)))]
    return {
      name,
      rows: batches.map(batch => batch.numRows),
      values: batches.flatMap(batch => [...batch].map(plainOf)),
    }
  })
}

const list = new List(new Field('item', new Utf8(), true))
const nested = new List(
  new Field('item', new Struct([new Field('role', new Utf8(), true), new Field('n', new Int32(), true)]), true),
)

/** Columns of many types for n rows, from numbers. */
function columnsOf(rows: readonly number[]): Record<string, Vector> {
  const of = (type: DataType, value: (n: number) => unknown) =>
    vectorFromArray(
      rows.map(n => (n % 7 === 3 ? null : value(n))),
      type,
    )
  return {
    whole: of(new Int64(), n => BigInt(n)),
    real: of(new Float64(), n => n / 3),
    yes: of(new Bool(), n => n % 2 === 0),
    text: of(new Utf8(), n => 'é'.repeat(n % 5)),
    tags: of(list, n => Array.from({ length: n % 4 }, (_, i) => (i === 1 ? null : `t${n}`))),
    turns: of(nested, n => Array.from({ length: n % 3 }, (_, i) => ({ role: `r${i}`, n: n + i }))),
    pair: of(new FixedSizeList(2, new Field('item', new Float64(), true)), n => [n, -n]),
    word: of(new Dictionary(new Utf8(), new Int32(), n7++), n => `w${n % 4}`),
  } as Record<string, Vector>
}
// each batch with a dictionary of its own id, as batches from different places have
let n7 = 0

describe('writeArrow', () => {
  it('keeps rows, order and values of slices and dictionaries, however they are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.nat(1000), { minLength: 1, maxLength: 30 }), { minLength: 1, maxLength: 4 }),
        fc.nat(29),
        fc.integer({ min: 1, max: 30 }),
        async (parts, from, length) => {
          const batches = parts.map(rows =>
            batchOf(columnsOf(rows)).slice(from % rows.length, (from % rows.length) + length),
          )
          const folder = join(temporaryFolder(), 'set')
          const { rows } = await writeArrow(folder, batches)
          const expected = batches.flatMap(batch => [...batch].map(plainOf))
          expect(readShards(folder).flatMap(({ values }) => values)).toEqual(expected)
          expect(rows).toBe(expected.length)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('cuts batches at 1,000 rows and shards by size', async () => {
    const folder = join(temporaryFolder(), 'set')
    const all = Array.from({ length: 5500 }, (_, i) => i)
    const { shards } = await writeArrow(
      folder,
      [batchOf({ n: vectorFromArray(all, new Float64()) }), batchOf({ n: vectorFromArray([1, 2], new Float64()) })],
      { shardMegabytes: 0.02 },
    )
    const read = readShards(folder)
    expect(read.map(({ rows }) => rows)).toEqual([[1000, 1000, 1000], [1000, 1000, 500], [2]])
    expect(shards).toEqual(['data-00000-of-00003.arrow', 'data-00001-of-00003.arrow', 'data-00002-of-00003.arrow'])
    expect(readdirSync(folder).sort()).toEqual([...shards, 'dataset_info.json', 'state.json'])
  })

  it('writes one shard without rows', async () => {
    const folder = join(temporaryFolder(), 'set')
    const schema = new Schema([new Field('a', new Utf8(), true)])
    expect(await writeArrow(folder, [], { schema })).toEqual({ rows: 0, shards: ['data-00000-of-00001.arrow'] })
    expect(RecordBatchReader.from(readFileSync(join(folder, 'data-00000-of-00001.arrow'))).open().schema.names).toEqual(
      ['a'],
    )
    await expect(writeArrow(folder, [])).rejects.toThrow(/no batch/)
  })

  it('takes columns in any order and an async iterable', async () => {
    const folder = join(temporaryFolder(), 'set')
    async function* some() {
      await Promise.resolve()
      yield tableFromArrays({ a: Float64Array.of(1), b: Int32Array.of(2) }).batches[0] as unknown as RecordBatch
      yield tableFromArrays({ b: Int32Array.of(4), a: Float64Array.of(3) }).batches[0] as unknown as RecordBatch
    }
    await writeArrow(folder, some())
    expect(readShards(folder)[0].values).toEqual([
      { a: 1, b: 2 },
      { a: 3, b: 4 },
    ])
  })

  it('names the column that differs, and leaves nothing behind', async () => {
    const parent = temporaryFolder(),
      folder = join(parent, 'set')
    const numbers = (columns: Record<string, Float64Array | Int32Array>) =>
      tableFromArrays(columns).batches[0] as unknown as RecordBatch
    const first = numbers({ a: Float64Array.of(1), b: Float64Array.of(1) })
    await expect(writeArrow(folder, [first, numbers({ a: Int32Array.of(1), b: Float64Array.of(1) })])).rejects.toThrow(
      'writeArrow: batch 1 has a as Int32, the first batch as Float64',
    )
    await expect(writeArrow(folder, [first, numbers({ a: Float64Array.of(1) })])).rejects.toThrow(
      'writeArrow: batch 1 lacks the column b',
    )
    await expect(
      writeArrow(folder, [first, numbers({ a: Float64Array.of(1), b: Float64Array.of(1), c: Float64Array.of(1) })]),
    ).rejects.toThrow('writeArrow: batch 1 has the column c')
    const strict = new Schema([new Field('a', new Utf8(), false)])
    const nulls = batchOf({ a: vectorFromArray(['x', null], new Utf8()) })
    await expect(writeArrow(folder, [nulls], { schema: strict })).rejects.toThrow(/batch 0 has nulls in a/)
    expect(readdirSync(parent)).toEqual([])
  })

  it('replaces what it wrote, and nothing else', async () => {
    const folder = join(temporaryFolder(), 'set')
    const batch = batchOf({ a: makeVector(Float64Array.of(1)) })
    await writeArrow(folder, [batch])
    const before = readFileSync(join(folder, 'state.json'))
    await writeArrow(folder, [batch])
    expect(readFileSync(join(folder, 'state.json'))).toEqual(before)
    const other = temporaryFolder()
    mkdirSync(join(other, 'mine'))
    writeFileSync(join(other, 'mine', 'notes.txt'), 'x')
    await expect(writeArrow(join(other, 'mine'), [batch])).rejects.toThrow(
      /exists and is not a folder that writeArrow wrote/,
    )
    expect(existsSync(join(other, 'mine', 'notes.txt'))).toBe(true)
  })

  it('keeps null structs apart from structs of nulls', async () => {
    const folder = join(temporaryFolder(), 'set')
    const type = new Struct([new Field('a', new Utf8(), true)])
    await writeArrow(folder, [batchOf({ s: vectorFromArray([{ a: 'x' }, null, { a: null }], type) })])
    expect(readShards(folder)[0].values).toEqual([{ s: { a: 'x' } }, { s: null }, { s: { a: null } }])
  })
})

describe('readParquet', () => {
  it('gives the batches of a file, of the columns asked for', async () => {
    const { folder } = await runSink(writeParquet, { row_group_rows: 400 }, [pairs(numbered(1000))])
    const path = join(folder, 'data.parquet'),
      ids: string[] = []
    for await (const batch of readParquet(path, { columns: ['id'] })) {
      expect(batch.schema.names).toEqual(['id'])
      ids.push(...(batch.getChild('id') as Iterable<string>))
    }
    expect(ids).toEqual(numbered(1000).map(({ id }) => id))
    const set = join(temporaryFolder(), 'set')
    expect((await writeArrow(set, readParquet(path))).rows).toBe(1000)
    expect(readShards(set).flatMap(({ values }) => values)).toEqual(numbered(1000))
  })

  it('gives a batch without rows for a file without rows, so that the columns are known', async () => {
    const { folder } = await runSink(writeParquet, {}, [pairs([])])
    const set = join(temporaryFolder(), 'set')
    expect((await writeArrow(set, readParquet(join(folder, 'data.parquet'), { columns: ['chosen', 'id'] }))).rows).toBe(
      0,
    )
    expect(RecordBatchReader.from(readFileSync(join(set, 'data-00000-of-00001.arrow'))).open().schema.names).toEqual([
      'id',
      'chosen',
    ])
  })

  it('names the file and what it has', async () => {
    const { folder } = await runSink(writeParquet, {}, [pairs(numbered(2))])
    await expect(readParquet(join(folder, 'data.parquet'), { columns: ['nope'] }).next()).rejects.toThrow(
      /data\.parquet: has no column nope; it has id, prompt/,
    )
    await expect(readParquet(join(folder, 'absent.parquet')).next()).rejects.toThrow(
      /absent\.parquet: cannot be opened/,
    )
  })
})
