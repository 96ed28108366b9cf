/** How write_jsonl writes each type, and what it refuses. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  Binary,
  Bool,
  DateDay,
  Decimal,
  Duration,
  Field,
  FixedSizeBinary,
  FixedSizeList,
  Float32,
  Float64,
  Int64,
  Interval,
  IntervalUnit,
  List,
  makeData,
  Null,
  Struct,
  Timestamp,
  TimeMicrosecond,
  TimeUnit,
  Uint64,
  Utf8,
  type DataType,
} from 'apache-arrow'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DataError, EXIT } from '../../engine/errors.ts'
import writeJsonl from '../../stages/sinks/write_jsonl.ts'
import { assistant, column, jsonLines, numbered, pairs, runSink, textColumnOf, user, type Column } from './helpers.ts'

const of = (name: string, type: DataType, data: ArrayLike<number> | BigInt64Array, length: number): Column => ({
  name,
  data: makeData({ type, length, nullCount: 0, data } as never),
})

/** What one column of values becomes. */
async function written(more: Column): Promise<unknown[]> {
  const { folder } = await runSink(writeJsonl, {}, [pairs(numbered(more.data.length), [more])])
  return jsonLines(folder).map(row => row[more.name])
}

describe('write_jsonl', () => {
  it('writes messages as lists, keys in the order of the columns', async () => {
    const row = {
      id: 'a',
      prompt: [...user('hi'), ...assistant('yes?'), ...user('more')],
      chosen: assistant('ok'),
      rejected: assistant('no'),
    }
    const { folder } = await runSink(writeJsonl, {}, [pairs([row], [textColumnOf('note', [null])])])
    expect(readFileSync(join(folder, 'data.jsonl'), 'utf8')).toBe(`${JSON.stringify({ ...row, note: null })}\n`)
  })

  it('writes plain text when all sources were, and on demand', async () => {
    const batch = pairs([{ id: 'a', prompt: user('hi'), chosen: assistant(' ok'), rejected: assistant(' no') }])
    const text = [{ id: 'a', prompt: 'hi', chosen: ' ok', rejected: ' no' }]
    expect(jsonLines((await runSink(writeJsonl, {}, [batch], true)).folder)).toEqual(text)
    expect(jsonLines((await runSink(writeJsonl, { format: 'text' }, [batch])).folder)).toEqual(text)
    expect(
      jsonLines((await runSink(writeJsonl, { format: 'conversational' }, [batch], true)).folder)[0].prompt,
    ).toEqual(user('hi'))
  })

  it('refuses several messages as text, by name', async () => {
    const batch = pairs([
      {
        id: 'abc',
        prompt: [...user('a'), ...assistant('b'), ...user('c')],
        chosen: assistant('x'),
        rejected: assistant('y'),
      },
    ])
    await expect(runSink(writeJsonl, { format: 'text' }, [batch])).rejects.toThrow(
      new DataError(
        "write_jsonl: prompt of row 'abc' has 3 messages, and plain text holds one; set format: conversational",
      ),
    )
  })

  it('writes an empty file for no rows', async () => {
    const { folder } = await runSink(writeJsonl, {}, [pairs([])])
    expect(readFileSync(join(folder, 'data.jsonl'), 'utf8')).toBe('')
  })

  it('gives back any text, whatever the batches', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme', maxLength: 80 })), {
          minLength: 1,
          maxLength: 20,
        }),
        fc.integer({ min: 1, max: 20 }),
        async (texts, cut) => {
          const rows = texts.map(([a, b], i) => ({
            id: `r${i}`,
            prompt: user(a),
            chosen: assistant(b),
            rejected: assistant(a + b),
          }))
          const parts = [rows.slice(0, cut), rows.slice(cut)].filter((part, i) => i === 0 || part.length > 0)
          const { folder } = await runSink(
            writeJsonl,
            {},
            parts.map(part => pairs(part)),
          )
          expect(jsonLines(folder)).toEqual(rows)
        },
      ),
      { numRuns: 40 },
    )
  })

  it('writes every control character, quote and backslash so that JSON reads it', async () => {
    const all = String.fromCharCode(...Array.from({ length: 0x2030 }, (_, i) => i))
    const { folder } = await runSink(writeJsonl, {}, [
      pairs([{ id: '"\\', prompt: user(all), chosen: assistant('\u0000'), rejected: assistant('') }]),
    ])
    expect(readFileSync(join(folder, 'data.jsonl'), 'utf8').split('\n')).toHaveLength(2)
    expect(jsonLines(folder)[0]).toMatchObject({ id: '"\\', prompt: user(all), chosen: assistant('\u0000') })
  })

  it('keeps all digits of 64-bit integers', async () => {
    const { folder } = await runSink(writeJsonl, {}, [
      pairs(numbered(2), [
        column('n', [9223372036854775807n, -9007199254740993n], new Int64()),
        column('u', [18446744073709551615n, null], new Uint64()),
      ]),
    ])
    const text = readFileSync(join(folder, 'data.jsonl'), 'utf8')
    expect(text).toContain('"n":9223372036854775807,"u":18446744073709551615}')
    expect(text).toContain('"n":-9007199254740993,"u":null}')
  })

  it('writes other types as its table says', async () => {
    expect(await written(column('f', [1.5, NaN, Infinity, null, -0.1], new Float64()))).toEqual([
      1.5,
      null,
      null,
      null,
      -0.1,
    ])
    expect(await written(column('f', [0.5, 0.1], new Float32()))).toEqual([0.5, Math.fround(0.1)])
    expect(await written(column('b', [true, false, null], new Bool()))).toEqual([true, false, null])
    expect(await written(column('x', [Uint8Array.of(0, 255, 16), new Uint8Array(0)], new Binary()))).toEqual([
      'AP8Q',
      '',
    ])
    expect(await written(column('x', [Uint8Array.of(1, 2), Uint8Array.of(3, 4)], new FixedSizeBinary(2)))).toEqual([
      'AQI=',
      'AwQ=',
    ])
    expect(await written(column('l', [['a', null], [], null], new List(new Field('item', new Utf8()))))).toEqual([
      ['a', null],
      [],
      null,
    ])
    expect(
      await written(
        column(
          'p',
          [
            [1, 2],
            [3, 4],
          ],
          new FixedSizeList(2, new Field('item', new Float64())),
        ),
      ),
    ).toEqual([
      [1, 2],
      [3, 4],
    ])
    expect(
      await written(
        column('s', [{ a: 1, b: 'x' }, null], new Struct([new Field('a', new Float64()), new Field('b', new Utf8())])),
      ),
    ).toEqual([{ a: 1, b: 'x' }, null])
    expect(await written({ name: 'z', data: makeData({ type: new Null(), length: 2 } as never) })).toEqual([null, null])
  })

  it('writes instants in ISO 8601, before 1970 too', async () => {
    expect(await written(of('t', new Timestamp(TimeUnit.SECOND, 'UTC'), BigInt64Array.of(0n, -1n), 2))).toEqual([
      '1970-01-01T00:00:00Z',
      '1969-12-31T23:59:59Z',
    ])
    expect(await written(of('t', new Timestamp(TimeUnit.MILLISECOND), BigInt64Array.of(1700000000007n), 1))).toEqual([
      '2023-11-14T22:13:20.007',
    ])
    expect(
      await written(of('t', new Timestamp(TimeUnit.MICROSECOND, 'Europe/Berlin'), BigInt64Array.of(-1n), 1)),
    ).toEqual(['1969-12-31T23:59:59.999999Z'])
    expect(await written(of('t', new Timestamp(TimeUnit.NANOSECOND, 'UTC'), BigInt64Array.of(1n), 1))).toEqual([
      '1970-01-01T00:00:00.000000001Z',
    ])
    expect(await written(of('t', new Timestamp(TimeUnit.SECOND), BigInt64Array.of(2n ** 62n), 1))).toEqual([
      String(2n ** 62n),
    ])
    expect(await written(of('d', new DateDay(), Int32Array.of(0, -1, 20000), 3))).toEqual([
      '1970-01-01',
      '1969-12-31',
      '2024-10-04',
    ])
    expect(await written(of('t', new TimeMicrosecond(), BigInt64Array.of(3661000001n), 1))).toEqual(['01:01:01.000001'])
    expect(await written(of('t', new Duration(TimeUnit.SECOND), BigInt64Array.of(90n), 1))).toEqual([90])
  })

  it('writes decimals as digits', async () => {
    const words = Uint32Array.of(12345, 0, 0, 0, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 5, 0, 0, 0)
    expect(await written(of('d', new Decimal(2, 10, 128), words, 3))).toEqual(['123.45', '-0.01', '0.05'])
  })

  it('refuses types without a form in JSON, all of them by name', () => {
    const batch = pairs(numbered(1), [
      of('wait', new Interval(IntervalUnit.DAY_TIME), Int32Array.of(0, 0), 1),
      of('hold', new Interval(IntervalUnit.YEAR_MONTH), Int32Array.of(0), 1),
    ])
    const make = () => writeJsonl.schema({ format: 'auto' }, batch.schema, false)
    expect(make).toThrow(/^write_jsonl: no form in JSON for wait .*, hold .*;/)
    expect(make).toThrow(expect.objectContaining({ exit: EXIT.data }))
  })
})

it('write_jsonl refuses a text column whose bytes are not UTF-8, and names it', async () => {
  const latin = makeData({
    type: new Utf8(),
    length: 1,
    nullCount: 0,
    valueOffsets: Int32Array.of(0, 4),
    data: Buffer.from('café', 'latin1'),
  })
  await expect(written({ name: 'note', data: latin as never })).rejects.toMatchObject({
    exit: 65,
    message: expect.stringMatching(/^column note is declared as text and holds bytes that are not UTF-8/) as unknown,
  })
})
