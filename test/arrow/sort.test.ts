/** Sorting more rows than memory holds, against a plain stable sort. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  Bool,
  DateDay,
  Field,
  Float64,
  Int32,
  Int64,
  makeData,
  Schema,
  TimestampMillisecond,
  Uint64,
  Utf8,
  vectorFromArray,
  type DataType,
  type RecordBatch,
} from 'apache-arrow'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { makeInt32, makeText, take } from '../../engine/arrow/columns.ts'
import { toRecordBatch } from '../../engine/arrow/flow.ts'
import { IpcFile } from '../../engine/arrow/ipc.ts'
import { sortRows, type SortLimits } from '../../engine/arrow/sort.ts'
import { plain } from '../../engine/arrow/plain.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-sort-'))
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

type Value = number | bigint | string | boolean | Date | null
interface Given {
  readonly type: DataType
  readonly value: fc.Arbitrary<Value>
}
const small = fc.integer({ min: -3, max: 3 })
/** Few values, so that there are ties, and the edges of each type. */
const kinds: readonly Given[] = [
  { type: new Float64(), value: fc.oneof(small, fc.constantFrom(NaN, -0, 0.5, Infinity, -Infinity)) },
  { type: new Int32(), value: small },
  { type: new Bool(), value: fc.boolean() },
  {
    type: new Int64(),
    value: fc.constantFrom(-(1n << 63n), -1n, 0n, 9007199254740992n, 9007199254740993n, (1n << 63n) - 1n),
  },
  { type: new Uint64(), value: fc.constantFrom(0n, 1n, (1n << 64n) - 1n) },
  { type: new Utf8(), value: fc.constantFrom('', 'a', 'ab', 'b', 'é', '🦊', '\uffff') },
  { type: new TimestampMillisecond(), value: small.map(n => new Date(n * 1000)) },
  { type: new DateDay(), value: small.map(n => new Date(n * 86_400_000)) },
]

/** A batch of `key`, the row's number, and text of some length; cut at these rows. */
function batchesOf(
  type: DataType,
  values: readonly Value[],
  cuts: readonly number[],
): { schema: Schema; batches: RecordBatch[] } {
  const key = plain(vectorFromArray(values, type).data[0] ?? makeData({ type, length: 0 } as never))
  const columns = [
    key,
    makeInt32(Int32Array.from(values, (_, i) => i)),
    makeText(values.map((_, i) => 'x'.repeat(i % 40))),
  ]
  const schema = new Schema(['key', 'n', 'text'].map((name, i) => new Field(name, columns[i].type, true)))
  const edges = [0, ...[...new Set(cuts.filter(cut => cut < values.length))].sort((a, b) => a - b), values.length]
  return {
    schema,
    batches: edges.slice(1).map((end, i) =>
      toRecordBatch(
        schema,
        columns.map(column => take(column, [edges[i], end])),
        end - edges[i],
      ),
    ),
  }
}

function sorted(
  { schema, batches }: ReturnType<typeof batchesOf>,
  descending: boolean,
  limits?: SortLimits,
): { order: number[]; bytes: string; batchRows: number[] } {
  const stream = sortRows(folder, schema, batches, 'key', descending, limits)
  const file = new IpcFile(stream.path, stream.header)
  const read = stream.batches.map(at => file.batch(at))
  file.close()
  const bytes = readFileSync(stream.path).toString('latin1')
  rmSync(stream.path)
  return {
    order: read.flatMap(batch => [...batch.getChild('n')!] as number[]),
    bytes,
    batchRows: read.map(batch => batch.numRows),
  }
}

const isNone = (value: Value) => value === null || Number.isNaN(value)

describe('sortRows', () => {
  it('is the stable sort of all rows with nulls last, in the same bytes whatever fits in memory', () => {
    fc.assert(
      fc.property(
        fc
          .constantFrom(...kinds)
          .chain(({ type, value }) =>
            fc.record({ type: fc.constant(type), values: fc.array(fc.option(value), { maxLength: 60, size: 'max' }) }),
          ),
        fc.array(fc.nat(60), { maxLength: 6 }),
        fc.boolean(),
        fc.record({
          runBytes: fc.integer({ min: 1, max: 2000 }),
          mergeRuns: fc.integer({ min: 2, max: 4 }),
          batchBytes: fc.integer({ min: 1, max: 500 }),
        }),
        ({ type, values }, cuts, descending, limits) => {
          const given = batchesOf(type, values, cuts),
            sign = descending ? -1 : 1
          const expected = values
            .map((_, i) => i)
            .sort((a, b) => {
              const [x, y] = [values[a]!, values[b]!]
              if (isNone(x) || isNone(y)) return Number(isNone(x)) - Number(isNone(y)) || a - b
              return x < y ? -sign : x > y ? sign : a - b
            })
          const whole = sorted(given, descending),
            spilled = sorted(given, descending, limits)
          expect(whole.order).toEqual(expected)
          expect(spilled.order).toEqual(expected)
          expect(spilled.bytes).toBe(whole.bytes)
          expect(readdirSync(folder)).toEqual([])
        },
      ),
      { numRuns: 150 },
    )
  })

  it('gives batches of 1,000 rows from many runs, and one row that is larger than all limits', () => {
    const values = Array.from({ length: 2500 }, (_, i) => (i * 7919) % 2500)
    const { order, batchRows } = sorted(batchesOf(new Int32(), values, [100, 900, 901]), true, {
      runBytes: 500,
      mergeRuns: 3,
      batchBytes: 10,
    })
    expect(order.map(n => values[n])).toEqual(Array.from({ length: 2500 }, (_, i) => 2499 - i))
    expect(batchRows).toEqual([1000, 1000, 500])
  })
})
