/**
 * Rows as bytes, for what travels of a row to its group and back. A row is the bytes of its columns that are not null,
 * one after the other, and then a bit a column that says which are. Equal values have equal bytes, and no value's bytes
 * begin those of another: so the first columns can be compared as they lie.
 */
import { DataType, makeData, type Data } from 'apache-arrow'
import { nullTest } from './columns.ts'

/** Bytes that grow at their end. */
export class Bytes {
  bytes = new Uint8Array(1 << 12)
  length = 0

  /** Makes room for more, and gives the place where it begins. */
  add(more: number): number {
    const at = this.length
    this.length += more
    if (this.length > this.bytes.length) {
      const larger = new Uint8Array(2 * this.length)
      larger.set(this.bytes.subarray(0, at))
      this.bytes = larger
    }
    return at
  }
  put(bytes: Uint8Array): void {
    const at = this.add(bytes.length)
    this.bytes.set(bytes, at)
  }
  byte(value: number): void {
    const at = this.add(1)
    this.bytes[at] = value
  }
  count(n: number): void {
    const at = this.add(4)
    for (let i = 0; i < 4; i++) this.bytes[at + i] = n >>> (8 * i)
  }
}

const countAt = (bytes: Uint8Array, at: number): number =>
  (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0

type Typed = Uint8Array | Int32Array | Float64Array
const isText = (type: DataType): boolean => DataType.isUtf8(type) || DataType.isBinary(type)
/** Bytes of a value of a type whose values all have as many. */
const widthOf = (type: DataType): number => {
  const { stride } = makeData({ type, length: 0 } as never) as Data
  return (type.ArrayType as unknown as { BYTES_PER_ELEMENT: number }).BYTES_PER_ELEMENT * stride
}
const bytesOf = ({ values }: Data): Uint8Array => {
  const { buffer, byteOffset, byteLength } = values as Typed
  return new Uint8Array(buffer, byteOffset, byteLength)
}
const unfit = (type: DataType): Error =>
  new Error(`a column of type ${type} cannot travel to a group; cast it to text or a number before it is read`)

/** Puts one value that is not null. */
type Put = (row: number, out: Bytes) => void

function putterOf(data: Data, isKey = false): Put {
  const { type } = data as { type: DataType }
  if (DataType.isDictionary(type) || DataType.isUnion(type)) throw unfit(type)
  if (DataType.isNull(type)) return () => {}
  if (DataType.isBool(type)) {
    const bits = data.values as Uint8Array
    return (row, out) => out.byte((bits[row >> 3] >> (row & 7)) & 1)
  }
  if (isText(type)) {
    const bytes = data.values as Uint8Array,
      offsets = data.valueOffsets as Int32Array
    return (row, out) => {
      out.count(offsets[row + 1] - offsets[row])
      out.put(bytes.subarray(offsets[row], offsets[row + 1]))
    }
  }
  if (DataType.isStruct(type)) {
    const parts = data.children.map(maybe)
    return (row, out) => {
      for (const put of parts) put(row, out)
    }
  }
  if (DataType.isList(type) || DataType.isFixedSizeList(type)) {
    const offsets = data.valueOffsets as Int32Array,
      start = DataType.isList(type) ? (row: number) => offsets[row] : (row: number) => row * type.listSize,
      put = itemsOf(data.children[0])
    return (row, out) => {
      const from = start(row),
        to = start(row + 1)
      if (DataType.isList(type)) out.count(to - from)
      put(from, to, out)
    }
  }
  const bytes = bytesOf(data),
    width = widthOf(type)
  // in a key the two zeros are one
  const values = isKey && DataType.isFloat(type) && width >= 4 ? (data.values as Float64Array) : undefined
  return (row, out) => {
    const at = out.add(width)
    const isZero = values !== undefined && values[row] === 0
    for (let i = 0; i < width; i++) out.bytes[at + i] = isZero ? 0 : bytes[row * width + i]
  }
}

/**
 * A value within another: a byte before it says whether it is null. Whatever its type says of that: files that are
 * joined differ in it.
 */
function maybe(data: Data): Put {
  const put = putterOf(data)
  const isNull = nullTest(data)
  return (row, out) => {
    out.byte(isNull(row) ? 0 : 1)
    if (!isNull(row)) put(row, out)
  }
}

const isPlainNumber = (type: DataType): boolean => DataType.isInt(type) || DataType.isFloat(type)

/** The items of a list; those of numbers without a null in one piece. */
function itemsOf(data: Data): (from: number, to: number, out: Bytes) => void {
  const { type } = data as { type: DataType },
    put = maybe(data)
  const each = (from: number, to: number, out: Bytes) => {
    for (let i = from; i < to; i++) put(i, out)
  }
  if (!isPlainNumber(type)) return each
  const isNull = nullTest(data),
    bytes = bytesOf(data),
    width = widthOf(type)
  return (from, to, out) => {
    let whole = 1
    for (let i = from; i < to && data.nullCount > 0; i++) if (isNull(i)) whole = 0
    out.byte(whole)
    if (whole) out.put(bytes.subarray(from * width, to * width))
    else each(from, to, out)
  }
}

/**
 * Puts rows of these columns. Gives where the bytes of the first `keys` columns end, or -1 where one of them is null
 * (NaN is, in a key alone).
 */
export function packer(columns: readonly Data[], keys: number): (row: number, out: Bytes) => number {
  const puts = columns.map((column, c) => putterOf(column, c < keys)),
    tests = columns.map((column, c) => {
      const isNull = nullTest(column)
      const values = c < keys && DataType.isFloat(column.type as DataType) ? (column.values as Float64Array) : undefined
      return (row: number) => isNull(row) || (values !== undefined && Number.isNaN(values[row]))
    })
  const nulls = new Uint8Array((columns.length + 7) >> 3)
  return (row, out) => {
    let end = out.length
    nulls.fill(0)
    for (let c = 0; c < puts.length; c++) {
      if (tests[c](row)) {
        nulls[c >> 3] |= 1 << (c & 7)
        if (c < keys) end = -1
      } else puts[c](row, out)
      if (c === keys - 1 && end >= 0) end = out.length
    }
    out.put(nulls)
    return end
  }
}

/** Takes values one after the other from where they lie; gives where each ends. */
interface Taker {
  /** `count`: numbers that lie side by side, taken at once. */
  take(bytes: Uint8Array, at: number, count?: number): number
  /** A null, or what stands for one in a column that has none. */
  none(): void
  end(): Data
}

function takerOf(type: DataType): Taker {
  let rows = 0
  const nulls: number[] = []
  const sayNull = () => nulls.push(rows++)
  const validity = () => {
    const nullBitmap = new Uint8Array((rows + 7) >> 3).fill(nulls.length > 0 ? 0xff : 0)
    for (const row of nulls) nullBitmap[row >> 3] &= ~(1 << (row & 7))
    if (rows & 7) nullBitmap[rows >> 3] &= (1 << (rows & 7)) - 1
    return { type, length: rows, nullCount: nulls.length, ...(nulls.length > 0 ? { nullBitmap } : {}) }
  }
  if (DataType.isNull(type)) {
    return {
      take(_, at) {
        rows++
        return at
      },
      none: sayNull,
      end: () => makeData({ type, length: rows } as never),
    }
  }
  if (isText(type)) {
    const text = new Bytes(),
      ends: number[] = [0]
    return {
      take(bytes, at) {
        const size = countAt(bytes, at)
        text.put(bytes.subarray(at + 4, at + 4 + size))
        ends.push(text.length)
        rows++
        return at + 4 + size
      },
      none() {
        ends.push(text.length)
        sayNull()
      },
      end: () =>
        makeData({
          ...validity(),
          valueOffsets: Int32Array.from(ends),
          data: text.bytes.slice(0, text.length),
        } as never),
    }
  }
  if (DataType.isStruct(type)) {
    const parts = type.children.map(child => takerOf(child.type as DataType))
    return {
      take(bytes, at) {
        for (const part of parts) at = takeMaybe(part, bytes, at)
        rows++
        return at
      },
      none() {
        for (const part of parts) part.none()
        sayNull()
      },
      end: () => makeData({ ...validity(), children: parts.map(part => part.end()) } as never),
    }
  }
  if (DataType.isList(type) || DataType.isFixedSizeList(type)) {
    const itemType = type.children[0].type as DataType,
      item = takerOf(itemType),
      isPlain = isPlainNumber(itemType),
      fixed = DataType.isFixedSizeList(type) ? type.listSize : undefined
    let items = 0
    const ends: number[] = [0]
    return {
      take(bytes, at) {
        const count = fixed ?? countAt(bytes, at)
        if (fixed === undefined) at += 4
        const whole = isPlain && bytes[at++] === 1
        if (whole) at = item.take(bytes, at, count)
        else for (let i = 0; i < count; i++) at = takeMaybe(item, bytes, at)
        ends.push((items += count))
        rows++
        return at
      },
      none() {
        for (let i = 0; i < (fixed ?? 0); i++) item.none()
        ends.push(items)
        sayNull()
      },
      end: () =>
        makeData({
          ...validity(),
          ...(fixed === undefined ? { valueOffsets: Int32Array.from(ends) } : {}),
          child: item.end(),
        } as never),
    }
  }
  const values = new Bytes(),
    isBool = DataType.isBool(type),
    width = isBool ? 1 : widthOf(type)
  return {
    take(bytes, at, count = 1) {
      const size = count * width,
        to = values.add(size)
      if (count > 1) values.bytes.set(bytes.subarray(at, at + size), to)
      else for (let i = 0; i < size; i++) values.bytes[to + i] = bytes[at + i]
      rows += count
      return at + size
    },
    none() {
      const to = values.add(width)
      values.bytes.fill(0, to, to + width)
      sayNull()
    },
    end() {
      const all = values.bytes.slice(0, values.length)
      if (!isBool) {
        const { ArrayType } = type as unknown as { ArrayType: new (buffer: ArrayBuffer) => Typed }
        return makeData({ ...validity(), data: new ArrayType(all.buffer) } as never)
      }
      const data = new Uint8Array((rows + 7) >> 3)
      for (let i = 0; i < rows; i++) data[i >> 3] |= all[i] << (i & 7)
      return makeData({ ...validity(), data } as never)
    },
  }
}

function takeMaybe(taker: Taker, bytes: Uint8Array, at: number): number {
  if (bytes[at] === 1) return taker.take(bytes, at + 1)
  taker.none()
  return at + 1
}

/** Makes columns of these types of rows that `packer` put, in the order in which they are given. */
export function unpacker(types: readonly DataType[]): {
  row(bytes: Uint8Array, start: number, end: number): void
  columns(): Data[]
} {
  const takers = types.map(takerOf),
    bitmap = (types.length + 7) >> 3
  return {
    row(bytes, start, end) {
      const nulls = end - bitmap
      for (let c = 0; c < takers.length; c++) {
        if (bytes[nulls + (c >> 3)] & (1 << (c & 7))) takers[c].none()
        else start = takers[c].take(bytes, start)
      }
    },
    columns: () => takers.map(taker => taker.end()),
  }
}

/** Where a value of a type ends that begins at `at`. */
function spanOf(type: DataType): (bytes: Uint8Array, at: number) => number {
  if (DataType.isNull(type)) return (_, at) => at
  if (DataType.isBool(type)) return (_, at) => at + 1
  if (isText(type)) return (bytes, at) => at + 4 + countAt(bytes, at)
  const within = ({ type }: { type: DataType }) => {
    const span = spanOf(type)
    return (bytes: Uint8Array, at: number) => (bytes[at] === 1 ? span(bytes, at + 1) : at + 1)
  }
  if (DataType.isStruct(type)) {
    const spans = type.children.map(within)
    return (bytes, at) => spans.reduce((end, span) => span(bytes, end), at)
  }
  if (DataType.isList(type) || DataType.isFixedSizeList(type)) {
    const fixed = DataType.isFixedSizeList(type) ? type.listSize : undefined,
      [child] = type.children,
      width = isPlainNumber(child.type as DataType) ? widthOf(child.type as DataType) : undefined,
      span = within(child)
    return (bytes, at) => {
      const count = fixed ?? countAt(bytes, at)
      if (fixed === undefined) at += 4
      if (width !== undefined && bytes[at++] === 1) return at + count * width
      for (let i = 0; i < count; i++) at = span(bytes, at)
      return at
    }
  }
  const width = widthOf(type)
  return (_, at) => at + width
}

/** Where the first columns of a row end, of these types and none of them null. */
export function keyEnd(types: readonly DataType[]): (bytes: Uint8Array, start: number) => number {
  const spans = types.map(spanOf)
  return (bytes, start) => spans.reduce((end, span) => span(bytes, end), start)
}
