/**
 * Thrift's compact protocol as trees, so that tests can change any number of a footer or a page header and write it
 * again.
 */

const BINARY = 8,
  STRUCT = 12

export interface Item {
  type: number
  value: Value
}
/** Fields by their numbers. */
export type Struct = Map<number, Item>
/** Of a list: the type of its items and these. Numbers of every width are bigint. */
export type Value = bigint | boolean | Uint8Array | { of: number; items: Value[] } | Struct

/** The struct at byte `at`, and where it ends. */
export function parse(bytes: Uint8Array, at = 0): { struct: Struct; end: number } {
  let position = at
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[position++]
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value
    }
  }
  const zigzag = (): bigint => {
    const value = varint()
    return (value >> 1n) ^ -(value & 1n)
  }
  const value = (type: number): Value => {
    if (type <= 2) return type === 1
    if (type === 3) return BigInt(bytes[position++])
    if (type <= 6) return zigzag()
    if (type === 7) return bytes.slice(position, (position += 8))
    if (type === BINARY) {
      const size = Number(varint())
      return bytes.slice(position, (position += size))
    }
    if (type === STRUCT) return struct()
    const head = bytes[position++],
      of = head & 15,
      size = head >> 4 === 15 ? Number(varint()) : head >> 4
    return { of, items: Array.from({ length: size }, () => (of <= 2 ? bytes[position++] === 1 : value(of))) }
  }
  const struct = (): Struct => {
    const fields: Struct = new Map()
    for (let id = 0; ;) {
      const head = bytes[position++],
        type = head & 15
      if (type === 0) return fields
      id = head >> 4 ? id + (head >> 4) : Number(zigzag())
      fields.set(id, { type, value: value(type) })
    }
  }
  return { struct: struct(), end: position }
}

export function write(fields: Struct): Uint8Array {
  const out: number[] = []
  const varint = (value: bigint): void => {
    let rest = value
    for (; rest > 127n; rest >>= 7n) out.push(Number(rest & 127n) | 128)
    out.push(Number(rest))
  }
  const zigzag = (value: bigint): void => varint(value < 0n ? -2n * value - 1n : 2n * value)
  const bytes = (data: Uint8Array): void => {
    for (const byte of data) out.push(byte)
  }
  const value = (type: number, item: Value): void => {
    if (item instanceof Map) struct(item)
    else if (item instanceof Uint8Array) {
      if (type === BINARY) varint(BigInt(item.length))
      bytes(item)
    } else if (typeof item === 'bigint') {
      if (type === 3) out.push(Number(item))
      else zigzag(item)
    } else if (typeof item === 'object') {
      if (item.items.length < 15) out.push((item.items.length << 4) | item.of)
      else {
        out.push(0xf0 | item.of)
        varint(BigInt(item.items.length))
      }
      for (const one of item.items) {
        if (typeof one === 'boolean') out.push(one ? 1 : 2)
        else value(item.of, one)
      }
    }
  }
  const struct = (inner: Struct): void => {
    let last = 0
    for (const [id, { type, value: item }] of inner) {
      const kind = typeof item === 'boolean' ? (item ? 1 : 2) : type
      if (id > last && id - last < 16) out.push(((id - last) << 4) | kind)
      else {
        out.push(kind)
        zigzag(BigInt(id))
      }
      if (kind > 2) value(type, item)
      last = id
    }
    out.push(0)
  }
  struct(fields)
  return Uint8Array.from(out)
}

/** The file with its footer changed. */
export function withFooter(file: Uint8Array, change: (footer: Struct) => void): Buffer {
  const at = file.length - 8 - Buffer.from(file).readUInt32LE(file.length - 8)
  const { struct } = parse(file, at)
  change(struct)
  return closed(file.subarray(0, at), write(struct))
}

/** The file with the page header at byte `at` changed; sizes and places in the footer are moved with it. */
export function withPageHeader(file: Uint8Array, at: number, change: (header: Struct) => void): Buffer {
  const { struct, end } = parse(file, at)
  change(struct)
  const header = write(struct),
    more = header.length - (end - at)
  const move = (fields: Struct, ...places: readonly number[]): void => {
    for (const place of places) {
      if (fields.has(place) && numberOf(fields, place) > at) setNumber(fields, place, numberOf(fields, place) + more)
    }
  }
  return withFooter(Buffer.concat([file.subarray(0, at), header, file.subarray(end)]), footer => {
    for (const group of listOf(footer, 4)) {
      for (const column of listOf(group as Struct, 1)) {
        const meta = below(column as Struct, 3),
          first = Math.min(numberOf(meta, meta.has(11) ? 11 : 9), numberOf(meta, 9)),
          size = numberOf(meta, 7)
        if (first <= at && at < first + size) setNumber(meta, 7, size + more)
        move(meta, 9, 11)
        move(column as Struct, 4, 6)
      }
    }
  })
}

/** Bytes with a footer after them, as a Parquet file ends. */
export function closed(before: Uint8Array, footer: Uint8Array): Buffer {
  const tail = Buffer.alloc(8)
  tail.writeUInt32LE(footer.length, 0)
  tail.write('PAR1', 4)
  return Buffer.concat([before, footer, tail])
}

/** What lies below a struct, by field numbers and places in lists. */
export function below(struct: Struct, ...path: readonly number[]): Struct {
  let at: Value = struct
  for (const step of path) at = at instanceof Map ? at.get(step)!.value : (at as { items: Value[] }).items[step]
  return at as Struct
}

export const listOf = (struct: Struct, field: number): Value[] => (struct.get(field)!.value as { items: Value[] }).items
export const numberOf = (struct: Struct, field: number): number => Number(struct.get(field)!.value)
export function setNumber(struct: Struct, field: number, value: number): void {
  struct.set(field, { type: struct.get(field)!.type, value: BigInt(value) })
}
