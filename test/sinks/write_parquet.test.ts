/** How write_parquet writes each type, and what it refuses. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import {
  Binary,
  Bool,
  DateDay,
  Decimal,
  Field,
  Float32,
  Float64,
  Int16,
  Int64,
  List,
  makeData,
  Null,
  Struct,
  Timestamp,
  TimeMicrosecond,
  TimeUnit,
  Uint32,
  Uint64,
  Utf8,
  type DataType,
  type RecordBatch,
} from 'apache-arrow'
import { describe, expect, it } from 'vitest'
import { openParquet, readRows } from '../../engine/parquet/file.ts'
import writeParquet from '../../stages/sinks/write_parquet.ts'
import { assistant, column, numbered, pairs, runSink, textColumnOf, user, type Column } from './helpers.ts'

const instants = (name: string, unit: TimeUnit, ...values: bigint[]): Column => ({
  name,
  data: makeData({
    type: new Timestamp(unit, 'UTC'),
    length: values.length,
    nullCount: 0,
    data: BigInt64Array.from(values),
  } as never),
})

async function readBack(folder: string) {
  const file = await openParquet(join(folder, 'data.parquet'))
  const batches: RecordBatch[] = []
  for await (const batch of readRows(file, { start: 0, end: file.rows })) batches.push(batch)
  return {
    file,
    values: (name: string): unknown[] =>
      batches.flatMap(batch =>
        [...batch.getChild(name)!].map(
          value =>
            JSON.parse(
              JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? Number(part) : part)) ?? 'null',
            ) as unknown,
        ),
      ),
  }
}

/** A column written and read again. */
async function through(
  more: Column,
  options: Record<string, unknown> = {},
): Promise<{ values: unknown[]; type: DataType }> {
  const { folder } = await runSink(writeParquet, options, [pairs(numbered(more.data.length), [more])])
  const { file, values } = await readBack(folder)
  return { values: values(more.name), type: file.schema.fields.find(({ name }) => name === more.name)!.type }
}

describe('write_parquet', () => {
  for (const compression of ['snappy', 'gzip']) {
    it(`writes messages and text with ${compression}, read again as they were`, async () => {
      const rows = [
        {
          id: 'a',
          prompt: [...user('hé'), ...assistant('ja'), ...user('')],
          chosen: assistant('ok'),
          rejected: assistant('no'),
        },
        ...numbered(30, i => 'long '.repeat(i)),
      ]
      const { folder } = await runSink(writeParquet, { compression, row_group_rows: 7 }, [
        pairs(rows.slice(0, 9)),
        pairs(rows.slice(9)),
      ])
      const { file, values } = await readBack(folder)
      expect(file.codecs).toEqual([compression.toUpperCase()])
      expect(file.rowGroups.map(group => group.rows)).toEqual([7, 7, 7, 7, 3])
      for (const name of ['id', 'prompt', 'chosen', 'rejected'] as const) {
        expect(values(name)).toEqual(rows.map(row => row[name]))
      }
    })
  }

  it('writes text when all sources were text', async () => {
    const { folder } = await runSink(writeParquet, {}, [pairs(numbered(3))], true)
    expect((await readBack(folder)).values('prompt')).toEqual(['ask 0', 'ask 1', 'ask 2'])
  })

  it('writes a file without rows', async () => {
    const { folder } = await runSink(writeParquet, {}, [pairs([])])
    const { file } = await readBack(folder)
    expect(file.rows).toBe(0)
    expect(file.schema.fields.map(({ name }) => name)).toEqual(['id', 'prompt', 'chosen', 'rejected'])
  })

  it('keeps nulls, null lists apart from empty ones, and nulls in lists', async () => {
    expect((await through(textColumnOf('t', ['a', null, '']))).values).toEqual(['a', null, ''])
    expect(
      (await through(column('l', [['a', null], [], null, ['b']], new List(new Field('item', new Utf8(), true)))))
        .values,
    ).toEqual([['a', null], [], null, ['b']])
    const nested = new List(new Field('item', new List(new Field('item', new Float64(), true)), true))
    expect((await through(column('l', [[[1], null, []], null, []], nested))).values).toEqual([
      [[1], null, []],
      null,
      [],
    ])
    const struct = new Struct([new Field('a', new Float64(), true), new Field('b', new Utf8(), true)])
    expect((await through(column('s', [{ a: 1, b: 'x' }, { a: null, b: null }, null], struct))).values).toEqual([
      { a: 1, b: 'x' },
      { a: null, b: null },
      null,
    ])
    expect((await through({ name: 'z', data: makeData({ type: new Null(), length: 2 } as never) })).values).toEqual([
      null,
      null,
    ])
  })

  it('keeps numbers, bytes, dates and instants', async () => {
    expect((await through(column('n', [9007199254740991n, -9007199254740991n, null], new Int64()))).values).toEqual([
      9007199254740991,
      -9007199254740991,
      null,
    ])
    expect((await through(column('n', [4294967295, 0], new Uint32()))).values).toEqual([4294967295, 0])
    expect((await through(column('n', [-32768, 32767], new Int16()))).values).toEqual([-32768, 32767])
    expect((await through(column('f', [0.1, -1e300, Number.MIN_VALUE, null], new Float64()))).values).toEqual([
      0.1,
      -1e300,
      Number.MIN_VALUE,
      null,
    ])
    expect((await through(column('f', [0.1], new Float32()))).values).toEqual([Math.fround(0.1)])
    expect((await through(column('b', [true, null, false], new Bool()))).values).toEqual([true, null, false])
    expect((await through(column('x', [Uint8Array.of(0, 255), null], new Binary()))).values).toEqual([
      { 0: 0, 1: 255 },
      null,
    ])
    const days = {
      name: 'd',
      data: makeData({ type: new DateDay(), length: 2, nullCount: 0, data: Int32Array.of(-10, 20000) }),
    }
    expect((await through(days)).values).toEqual([-10 * 86_400_000, 20000 * 86_400_000])
    // Arrow JS gives instants as milliseconds
    expect((await through(instants('t', TimeUnit.MILLISECOND, -1n, 1700000000007n))).values).toEqual([
      -1, 1700000000007,
    ])
    expect((await through(instants('t', TimeUnit.MICROSECOND, -2000n, 1700000000000007n))).values).toEqual([
      -2, 1700000000000.007,
    ])
    expect((await through(instants('t', TimeUnit.NANOSECOND, 1000n))).values).toEqual([0.001])
  })

  it('writes NaN as null', async () => {
    expect((await through(column('f', [NaN, 1], new Float64(), false))).values).toEqual([null, 1])
  })

  it('refuses by name what it cannot hold, and says how on', async () => {
    const how = 'set json_strings: true'
    await expect(through(column('votes', [1n, 9007199254740993n], new Int64()))).rejects.toThrow(
      new RegExp(`^write_parquet: column votes of row 'r1' holds the integer 9007199254740993, beyond 2\\^53; ${how}`),
    )
    await expect(through(column('votes', [2n ** 64n - 1n], new Uint64()))).rejects.toThrow(
      /votes .* 18446744073709551615/,
    )
    await expect(
      through(
        column('deep', [[{ n: 2n ** 60n }]], new List(new Field('item', new Struct([new Field('n', new Int64())])))),
      ),
    ).rejects.toThrow(/column deep holds the integer 1152921504606846976/)
    await expect(through(instants('at', TimeUnit.NANOSECOND, 1n))).rejects.toThrow(
      /column at of row 'r0' holds the timestamp 1 \(nanoseconds/,
    )
    await expect(through(instants('at', TimeUnit.MICROSECOND, -1n))).rejects.toThrow(/column at .* -1 \(microseconds/)
    await expect(through(instants('at', TimeUnit.SECOND, 2n ** 62n))).rejects.toThrow(/column at /)
    const decimal = {
      name: 'price',
      data: makeData({ type: new Decimal(2, 10, 128), length: 1, nullCount: 0, data: Uint32Array.of(1, 0, 0, 0) }),
    }
    const time = {
      name: 'clock',
      data: makeData({ type: new TimeMicrosecond(), length: 1, nullCount: 0, data: BigInt64Array.of(1n) }),
    }
    expect(() =>
      writeParquet.schema(
        { format: 'auto', json_strings: false } as never,
        pairs(numbered(1), [decimal, time]).schema,
        false,
      ),
    ).toThrow(/^write_parquet: cannot hold price \(.*\), clock \(.*\); set json_strings: true/)
  })

  it('writes such columns, and only them, as JSON text when told to', async () => {
    const decimal = {
      name: 'price',
      data: makeData({
        type: new Decimal(2, 10, 128),
        length: 2,
        nullCount: 0,
        data: Uint32Array.of(12345, 0, 0, 0, 5, 0, 0, 0),
      }),
    }
    const batches = [
      pairs(numbered(2), [column('votes', [1n, null], new Int64()), column('small', [1n, 2n], new Int64()), decimal]),
      pairs(numbered(2), [
        column('votes', [9007199254740993n, 2n], new Int64()),
        column('small', [3n, null], new Int64()),
        decimal,
      ]),
    ]
    const { folder } = await runSink(writeParquet, { json_strings: true }, batches)
    const { values } = await readBack(folder)
    expect(values('votes')).toEqual(['1', null, '9007199254740993', '2'])
    expect(values('small')).toEqual([1, 2, 3, null])
    expect(values('price')).toEqual(['"123.45"', '"0.05"', '"123.45"', '"0.05"'])
  })

  it('ends row groups at 32 MiB', async () => {
    const heavy = Array.from({ length: 5 }, (_, b) =>
      pairs(
        Array.from({ length: 4 }, (_, i) => ({
          id: `${b}-${i}`,
          prompt: user('x'),
          chosen: assistant('y'.repeat(3 << 20)),
          rejected: assistant('z'),
        })),
      ),
    )
    const { folder } = await runSink(writeParquet, {}, heavy)
    const { file } = await readBack(folder)
    expect(file.rowGroups.map(group => group.rows)).toEqual([11, 9])
    expect(statSync(join(folder, 'data.parquet')).size).toBeLessThan(8 << 20)
  })
})
