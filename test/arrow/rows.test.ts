/** Rows as bytes and back: any type, whatever its parts say of nulls. */
import type { DataType } from 'apache-arrow'
import {
  Bool,
  Decimal,
  Field,
  FixedSizeList,
  Float64,
  Int64,
  List,
  Struct,
  TimestampMillisecond,
  Utf8,
  vectorFromArray,
  type Data,
} from 'apache-arrow'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Bytes, keyEnd, packer, unpacker } from '../../engine/arrow/rows.ts'
import { jsonValueOf, plain } from '../../engine/arrow/plain.ts'

const settings = { numRuns: 60, seed: 7 }
const field = (type: DataType, nullable: boolean) => new Field('item', type, nullable)
/** Types with values of theirs; `nullable`: what their parts say. */
const kinds: readonly [(nullable: boolean) => DataType, fc.Arbitrary<unknown>][] = [
  [() => new Utf8(), fc.string({ maxLength: 4 })],
  [() => new Float64(), fc.constantFrom(0, 1.5, -2)],
  [() => new Bool(), fc.boolean()],
  [() => new Int64(), fc.bigInt({ min: -5n, max: 5n })],
  [() => new TimestampMillisecond(), fc.integer({ min: 0, max: 1e12 })],
  [() => new Decimal(2, 20, 128), fc.integer({ min: 0, max: 9 }).map(n => Uint32Array.of(n, 0, 0, 0))],
  [nullable => new List(field(new Utf8(), nullable)), fc.array(fc.string({ maxLength: 3 }), { maxLength: 3 })],
  [nullable => new List(field(new Float64(), nullable)), fc.array(fc.constantFrom(1, 2.5, -3), { maxLength: 3 })],
  [
    nullable => new FixedSizeList(2, field(new Float64(), nullable)),
    fc.array(fc.constantFrom(1, 2.5, -3), { minLength: 2, maxLength: 2 }),
  ],
  [
    nullable => new Struct([new Field('a', new Utf8(), nullable), new Field('b', new Float64(), nullable)]),
    fc.record({ a: fc.string({ maxLength: 2 }), b: fc.constantFrom(1, 2) }),
  ],
]

const valuesOf = (columns: readonly Data[], rows: number) =>
  Array.from({ length: rows }, (_, row) => columns.map(column => jsonValueOf(column, row)))

it('gives back what was put, also to a type whose parts say otherwise of nulls', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }).chain(rows =>
        fc.tuple(
          fc.constant(rows),
          fc.array(
            fc
              .integer({ min: 0, max: kinds.length - 1 })
              .chain(k =>
                fc.tuple(fc.constant(k), fc.array(fc.option(kinds[k][1]), { minLength: rows, maxLength: rows })),
              ),
            { minLength: 1, maxLength: 4 },
          ),
          fc.boolean(),
        ),
      ),
      ([rows, columns, nullable]) => {
        const data = columns.map(([k, values]) => plain(vectorFromArray(values, kinds[k][0](nullable)).data[0]))
        const pack = packer(data, 0),
          out = new Bytes(),
          ends: number[] = []
        for (let row = 0; row < rows; row++) {
          pack(row, out)
          ends.push(out.length)
        }
        const taken = unpacker(columns.map(([k]) => kinds[k][0](!nullable)))
        ends.forEach((end, row) => taken.row(out.bytes, row === 0 ? 0 : ends[row - 1], end))
        expect(valuesOf(taken.columns(), rows)).toEqual(valuesOf(data, rows))
      },
    ),
    settings,
  )
})

it('has equal bytes for equal keys, of which none begins another', () => {
  const texts = ['', 'a', 'ab', 'b', 'a']
  const make = (nullable: boolean) =>
    plain(
      vectorFromArray(
        texts.map(text => [text, 'x']),
        new List(field(new Utf8(), nullable)),
      ).data[0],
    )
  const keysOf = (nullable: boolean) => {
    const column = make(nullable),
      pack = packer([column], 1)
    return texts.map((_, row) => {
      const out = new Bytes(),
        end = pack(row, out)
      expect(keyEnd([column.type as DataType])(out.bytes, 0)).toBe(end)
      return Buffer.from(out.bytes.subarray(0, end)).toString('hex')
    })
  }
  expect(keysOf(true)).toEqual(keysOf(false))
  expect(keysOf(true)[1]).toBe(keysOf(true)[4])
  const keys = [...new Set(keysOf(true))]
  expect(keys.filter(key => keys.some(other => other !== key && other.startsWith(key)))).toEqual([])
})

it('keeps the sign of a zero but in a key, and takes NaN for null', () => {
  const column = plain(vectorFromArray([-0, 0, NaN], new Float64()).data[0])
  const bytesOf = (keys: number) =>
    [0, 1, 2].map(row => {
      const out = new Bytes(),
        end = packer([column], keys)(row, out)
      return [end, Buffer.from(out.bytes.subarray(0, out.length)).toString('hex')] as const
    })
  const [[, negative], [, zero]] = bytesOf(0)
  expect(negative).not.toBe(zero)
  const [a, b, nan] = bytesOf(1)
  expect(a).toEqual(b)
  expect(nan[0]).toBe(-1)
})
