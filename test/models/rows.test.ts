/** Both layouts of feature rows hold, join and pick the same rows. */
import fc from 'fast-check'
import { deserialize, serialize } from 'node:v8'
import { expect, test } from 'vitest'
import { concatRows, DenseBuilder, SparseBuilder, takeRows } from '../../models/rows.ts'
import { toSparse } from './helpers.ts'

const table = fc.array(fc.array(fc.constantFrom(0, 1, -2, 0.5), { minLength: 4, maxLength: 4 }), { maxLength: 30 })

function build(rows: number[][]) {
  const dense = new DenseBuilder(4, { max_rows: 100, max_values: 0 })
  const sparse = new SparseBuilder(4, { max_rows: 100, max_values: 1000 })
  for (const row of rows) {
    const kept = row.flatMap((value, c) => (value === 0 ? [] : [c]))
    dense.append(Float32Array.from(row))
    sparse.append(Uint32Array.from(kept), Float32Array.from(kept.map(c => row[c])), kept.length)
  }
  return { dense: dense.view(), sparse: sparse.view() }
}

test('both layouts hold the same rows; splitting and joining them changes nothing; they survive structured clone', () => {
  fc.assert(
    fc.property(table, fc.nat(30), (rows, cut) => {
      const { dense, sparse } = build(rows)
      expect(toSparse(dense)).toEqual(sparse)
      const head = build(rows.slice(0, cut))
      const tail = build(rows.slice(cut))
      expect(concatRows([head.dense, tail.dense])).toEqual(dense)
      expect(concatRows([head.sparse, tail.sparse])).toEqual(sparse)
      expect(structuredClone(concatRows([sparse]))).toEqual(sparse)
      expect(deserialize(serialize(concatRows([dense])))).toEqual(dense)
      expect(concatRows([sparse]).values.buffer.byteLength).toBe(sparse.values.length * 4)
    }),
  )
})

test('takeRows picks rows in order, repeats allowed', () => {
  fc.assert(
    fc.property(
      table.filter(rows => rows.length > 0),
      fc.array(fc.nat(1000), { maxLength: 20 }),
      (rows, numbers) => {
        const picked = numbers.map(number => number % rows.length)
        const { dense, sparse } = build(rows)
        const expected = build(picked.map(row => rows[row]))
        expect(takeRows(dense, Uint32Array.from(picked))).toEqual(expected.dense)
        expect(takeRows(sparse, Uint32Array.from(picked))).toEqual(expected.sparse)
      },
    ),
  )
})

test('builders grow past their first size, stop at their capacity, and start again when cleared', () => {
  const sparse = new SparseBuilder(8, { max_rows: 3000, max_values: 40_000 })
  const dense = new DenseBuilder(8, { max_rows: 1000, max_values: 0 })
  const ones = new Float32Array(8).fill(1)
  const indices = Uint32Array.from({ length: 8 }, (_, c) => c)
  for (let row = 0; row < 3000; row++) expect(sparse.append(indices, ones, row < 2000 ? 8 : 1)).toBe(true)
  expect(sparse.append(indices, ones, 1)).toBe(false)
  expect(sparse.view().values.length).toBe(17_000)
  expect(sparse.view().indptr[3000]).toBe(17_000)
  for (let row = 0; row < 1000; row++) dense.append(ones)
  expect(dense.append(ones)).toBe(false)
  expect(dense.view().values.every(value => value === 1)).toBe(true)
  sparse.clear()
  expect(sparse.view().length).toBe(0)
  const tight = new SparseBuilder(8, { max_rows: 10, max_values: 9 })
  expect([tight.append(indices, ones, 8), tight.append(indices, ones, 2), tight.append(indices, ones, 1)]).toEqual([
    true,
    false,
    true,
  ])
})

test('rows of different features cannot be joined', () => {
  const { dense, sparse } = build([[1, 0, 0, 0]])
  expect(() => concatRows([dense, sparse])).toThrow('models: cannot join rows of sparse 4 columns to dense 4')
  expect(() => concatRows([])).toThrow('models: cannot join 0 parts')
})
