/** Feature rows, sparse or dense, as typed arrays that can be sent between threads. */

/**
 * Feature rows in compressed sparse row form; row r is indices/values[indptr[r], indptr[r + 1]), indices ascending. A
 * plain object: it survives structured clone.
 */
export interface SparseRows {
  layout: 'sparse'
  columns: number
  length: number
  indptr: Uint32Array
  indices: Uint32Array
  values: Float32Array
}

/**
 * Feature rows one after another: row r is values[r * columns, (r + 1) * columns). A plain object: it survives
 * structured clone.
 */
export interface DenseRows {
  layout: 'dense'
  columns: number
  length: number
  values: Float32Array
}

export type Rows = SparseRows | DenseRows

/** How much a builder may hold; beyond it `append` stores nothing and returns false. */
export interface Capacity {
  max_rows: number
  /** Sparse rows only: stored values over all rows (8 bytes each). */
  max_values: number
}

/** Grows sparse rows by doubling, up to a capacity. */
export class SparseBuilder {
  readonly columns: number
  private readonly capacity: Capacity
  private count = 0
  private indptr = new Uint32Array(1024)
  private indices = new Uint32Array(16384)
  private values = new Float32Array(16384)

  constructor(columns: number, capacity: Capacity) {
    this.columns = columns
    this.capacity = capacity
  }

  get length(): number {
    return this.count
  }

  /**
   * Copies the first `size` entries of `indices` (ascending, below `columns`) and `values` as a row; false, with
   * nothing stored, when full.
   */
  append(indices: Uint32Array, values: Float32Array, size: number): boolean {
    const start = this.indptr[this.count]
    const end = start + size
    if (this.count >= this.capacity.max_rows || end > this.capacity.max_values) return false
    if (this.count + 2 > this.indptr.length) this.indptr = grown(this.indptr, this.count + 2)
    if (end > this.indices.length) {
      this.indices = grown(this.indices, end)
      this.values = grown(this.values, end)
    }
    for (let i = 0; i < size; i++) {
      this.indices[start + i] = indices[i]
      this.values[start + i] = values[i]
    }
    this.indptr[++this.count] = end
    return true
  }

  /** The rows without a copy, valid until the next `append` or `clear`. */
  view(): SparseRows {
    const end = this.indptr[this.count]
    return {
      layout: 'sparse',
      columns: this.columns,
      length: this.count,
      indptr: this.indptr.subarray(0, this.count + 1),
      indices: this.indices.subarray(0, end),
      values: this.values.subarray(0, end),
    }
  }

  /** Forgets the rows and keeps the memory. */
  clear(): void {
    this.count = 0
  }
}

/** Grows dense rows by doubling, up to a capacity (`max_rows`). */
export class DenseBuilder {
  readonly columns: number
  private readonly capacity: Capacity
  private count = 0
  private values: Float32Array<ArrayBuffer>

  constructor(columns: number, capacity: Capacity) {
    this.columns = columns
    this.capacity = capacity
    this.values = new Float32Array(columns * 256)
  }

  get length(): number {
    return this.count
  }

  /** Copies the first `columns` entries of `values` as a row; false, with nothing stored, when full. */
  append(values: Float32Array | Float64Array): boolean {
    if (this.count >= this.capacity.max_rows) return false
    const start = this.count * this.columns
    if (start + this.columns > this.values.length) this.values = grown(this.values, start + this.columns)
    for (let c = 0; c < this.columns; c++) this.values[start + c] = values[c]
    this.count++
    return true
  }

  /** The rows without a copy, valid until the next `append` or `clear`. */
  view(): DenseRows {
    return {
      layout: 'dense',
      columns: this.columns,
      length: this.count,
      values: this.values.subarray(0, this.count * this.columns),
    }
  }

  /** Forgets the rows and keeps the memory. */
  clear(): void {
    this.count = 0
  }
}

function grown<T extends Uint32Array<ArrayBuffer> | Float32Array<ArrayBuffer>>(array: T, needed: number): T {
  const larger = new (array.constructor as new (length: number) => T)(Math.max(needed, array.length * 2))
  larger.set(array)
  return larger
}

/**
 * Rows of several parts, one after another, as one: a copy that owns exactly its bytes (a view sent between threads
 * would carry its whole buffer). With one part it is that part's compact copy. Fails if the parts differ in layout or
 * columns; the parts' order is the caller's (merge in file order).
 */
export function concatRows(parts: readonly Rows[]): Rows {
  const first = parts[0]
  if (first === undefined) throw new Error('models: cannot join 0 parts of rows; give at least one, empty if need be')
  let length = 0
  let size = 0
  for (const part of parts) {
    if (part.layout !== first.layout || part.columns !== first.columns) {
      throw new Error(
        `models: cannot join rows of ${part.layout} ${part.columns} columns to ${first.layout} ${first.columns}; use one feature kind`,
      )
    }
    length += part.length
    size += part.values.length
  }
  const values = new Float32Array(size)
  if (first.layout === 'dense') {
    let at = 0
    for (const part of parts) {
      values.set(part.values, at)
      at += part.values.length
    }
    return { layout: 'dense', columns: first.columns, length, values }
  }
  const indptr = new Uint32Array(length + 1)
  const indices = new Uint32Array(size)
  let at = 0
  let row = 0
  for (const part of parts as readonly SparseRows[]) {
    values.set(part.values, at)
    indices.set(part.indices, at)
    for (let r = 0; r < part.length; r++) indptr[++row] = at + part.indptr[r + 1]
    at += part.values.length
  }
  return { layout: 'sparse', columns: first.columns, length, indptr, indices, values }
}

/** The chosen rows, in the order of `picked` (row numbers, repeats allowed), as a compact copy. */
export function takeRows(rows: Rows, picked: Uint32Array): Rows {
  if (rows.layout === 'dense') {
    const width = rows.columns
    const values = new Float32Array(picked.length * width)
    for (let i = 0; i < picked.length; i++) {
      values.set(rows.values.subarray(picked[i] * width, (picked[i] + 1) * width), i * width)
    }
    return { layout: 'dense', columns: width, length: picked.length, values }
  }
  const indptr = new Uint32Array(picked.length + 1)
  for (let i = 0; i < picked.length; i++) {
    indptr[i + 1] = indptr[i] + rows.indptr[picked[i] + 1] - rows.indptr[picked[i]]
  }
  const indices = new Uint32Array(indptr[picked.length])
  const values = new Float32Array(indptr[picked.length])
  for (let i = 0; i < picked.length; i++) {
    const start = rows.indptr[picked[i]]
    const end = rows.indptr[picked[i] + 1]
    indices.set(rows.indices.subarray(start, end), indptr[i])
    values.set(rows.values.subarray(start, end), indptr[i])
  }
  return { layout: 'sparse', columns: rows.columns, length: picked.length, indptr, indices, values }
}
