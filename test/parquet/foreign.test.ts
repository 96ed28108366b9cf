/** What other writers put into Parquet files and the format itself does not say, or says in several ways. */
import { fileURLToPath } from 'node:url'
import { Decimal } from 'apache-arrow'
import { describe, expect, it } from 'vitest'
import { unpackPage } from '../../engine/parquet/codec.ts'
import { convertValues } from '../../engine/parquet/convert.ts'
import { openParquet } from '../../engine/parquet/file.ts'
import type { Leaf } from '../../engine/parquet/schema.ts'
import readParquet from '../../stages/sources/read_parquet.ts'
import { readAll } from '../sources/files.ts'
import { read } from './helpers.ts'

const folder = fileURLToPath(new URL('foreign/', import.meta.url))

describe('a column that is encrypted, in a file that is not', () => {
  it('is refused by its name, with what to do', async () => {
    await expect(readAll(readParquet, folder, 'encrypted-column.parquet')).rejects.toThrow(
      /row group 0, column score is encrypted, which cannot be read here; leave it out by the option 'columns', which names those to carry, or decrypt the file$/,
    )
  })

  it('is left out where it is not asked for', async () => {
    const { pairs } = await readAll(readParquet, folder, 'encrypted-column.parquet', { columns: [] })
    expect(pairs.map(({ id, chosen }) => [id, chosen[0].content])).toEqual([
      ['a', 'Seven.'],
      ['b', 'Vega.'],
      ['c', 'The Baltic.'],
    ])
  })
})

it('durations, and time zones below the top, are those of the Arrow schema', async () => {
  const file = await openParquet(`${folder}hints.parquet`)
  const typeOf = (name: string) => String(file.schema.fields.find(field => field.name === name)!.type)
  expect(['took', 'took_s', 'when', 'times', 'named'].map(typeOf)).toEqual([
    'Duration<MICROSECOND>',
    'Duration<SECOND>',
    'Struct<{at:Timestamp<MICROSECOND, Europe/Berlin>}>',
    'List<Timestamp<MICROSECOND, Europe/Berlin>>',
    'List<Struct<{key:Utf8, value:Timestamp<MICROSECOND, Europe/Berlin>}>>',
  ])
  const { batches } = await read(file)
  expect(batches[0].getChild('took')!.toArray()).toEqual([1n, null, 3n])
})

it('UUIDs that the Arrow schema alone knows are text, and other bytes are not', async () => {
  const { pairs } = await readAll(readParquet, folder, 'uuids-of-arrow.parquet')
  expect(pairs.map(({ id, key }) => [id, key])).toEqual([
    ['00010203-0405-0607-0809-0a0b0c0d0e0f', null],
    ['00000000-0000-0000-0000-000000000000', '00010203-0405-0607-0809-0a0b0c0d0e0f'],
    ['ffffffff-ffff-ffff-ffff-ffffffffffff', '00000000-0000-0000-0000-000000000000'],
  ])
  const file = await openParquet(`${folder}uuids-of-arrow.parquet`)
  expect(file.schema.fields.slice(-2).map(({ type }) => String(type))).toEqual(['Utf8', 'FixedSizeBinary[16]'])
})

describe('bytes without an annotation', () => {
  it('are text as role and content of messages, and stay bytes beside them', async () => {
    const { pairs, files } = await readAll(readParquet, folder, 'messages-of-bytes.parquet')
    expect(files[0].layout).toBe('llama_factory')
    expect(pairs.map(({ id, prompt, chosen }) => [id, prompt, chosen[0].content])).toEqual([
      ['a', [{ role: 'user', content: 'Name a prime.' }], 'Seven.'],
      ['b', [{ role: 'user', content: 'é' }], 'e'],
    ])
    const file = await openParquet(`${folder}messages-of-bytes.parquet`)
    expect(String(file.schema.fields[1].type)).toBe('List<Struct<{from:Utf8, value:Utf8, raw:Binary}>>')
  })
})

describe('decimals', () => {
  const leaf = (precision: number, width: number) =>
    ({
      convert: 'decimal',
      physical: 'FIXED_LEN_BYTE_ARRAY',
      width,
      type: new Decimal(0, precision, 128),
    }) as unknown as Leaf
  const bytes = (value: bigint, width: number) =>
    Uint8Array.from({ length: width }, (_, i) => Number(BigInt.asUintN(8, value >> BigInt(8 * (width - 1 - i)))))
  const values = [0n, 5n, -5n, 10n ** 30n - 1n, 1n - 10n ** 30n]

  it('may be wider than their precision needs', () => {
    const data = new Uint8Array(values.flatMap(value => [...bytes(value, 20)]))
    const { bytes: out } = convertValues(leaf(30, 20), values.length, { data })
    const narrow = new Uint8Array(values.flatMap(value => [...bytes(value, 16)]))
    expect(out).toEqual(convertValues(leaf(30, 16), values.length, { data: narrow }).bytes)
  })

  it('and are refused where they have more digits', () => {
    for (const value of [1n << 127n, -(1n << 127n) - 1n]) {
      expect(() => convertValues(leaf(30, 20), 1, { data: bytes(value, 20) })).toThrow(
        /a decimal of 20 bytes has more digits than its precision, which 16 bytes hold; leave the column out/,
      )
    }
  })
})

describe('LZ4 as Hadoop writes it', () => {
  const number = (value: number) => [value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255]
  const literals = (text: string) => [text.length << 4, ...Buffer.from(text)]
  // 'ab', then 10 more by a match 2 back, and the last literal
  const match = [0x26, 97, 98, 2, 0, 0x10, 33]
  const text = (page: Uint8Array) => Buffer.from(page).toString()
  const chunk = (bytes: number[]) => [...number(bytes.length), ...bytes]

  it('has parts of one chunk, or of several', () => {
    const one = [...number(5), ...chunk(literals('Hello'))],
      several = [...number(18), ...chunk(literals('Hello')), ...chunk(match)]
    expect(text(unpackPage('LZ4', Uint8Array.from(one), 5))).toBe('Hello')
    expect(text(unpackPage('LZ4', Uint8Array.from(several), 18))).toBe('Helloabababababab!')
    expect(text(unpackPage('LZ4', Uint8Array.from([...several, ...one]), 23))).toBe('Helloabababababab!Hello')
    // one block, without any of that
    expect(text(unpackPage('LZ4', Uint8Array.from(match), 13))).toBe('abababababab!')
  })

  it('is refused where it is cut, or becomes something else', () => {
    const several = [...number(18), ...chunk(literals('Hello')), ...chunk(match)]
    for (let end = 1; end < several.length; end++) {
      expect(() => unpackPage('LZ4', Uint8Array.from(several.slice(0, end)), 18), String(end)).toThrow(/^LZ4: /)
    }
    expect(() => unpackPage('LZ4', Uint8Array.from(several), 17)).toThrow(/^LZ4: /)
  })
})
