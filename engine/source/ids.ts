/** Ids of rows: the file's own, else a hash of what the row says. */
import { hash } from 'node:crypto'
import { DataType, Utf8, makeData, type Data, type Decimal, type List } from 'apache-arrow'
import { encoder, messagesColumn, nullTest, textColumn, type MessagesColumn } from '../arrow/columns.ts'
import { decimalText } from '../arrow/json.ts'
import { jsonValueOf } from '../arrow/plain.ts'

/** Whether a column can be the id: text, or numbers, which become decimal text; of decimals whole ones. */
export const isIdType = (type: DataType): boolean =>
  DataType.isUtf8(type) ||
  DataType.isInt(type) ||
  DataType.isFloat(type) ||
  (DataType.isDecimal(type) && type.scale === 0)

/** A utf8 column from the bytes of each row. */
export function textFromBytes(rows: readonly Uint8Array[]): Data<Utf8> {
  const valueOffsets = new Int32Array(rows.length + 1)
  rows.forEach((bytes, i) => {
    valueOffsets[i + 1] = valueOffsets[i] + bytes.length
  })
  const data = new Uint8Array(valueOffsets[rows.length])
  rows.forEach((bytes, i) => data.set(bytes, valueOffsets[i]))
  return makeData({ type: new Utf8(), length: rows.length, nullCount: 0, valueOffsets, data })
}

/**
 * Ids as they stand in the file; undefined where the row has none, empty text included. The column itself when it is
 * text and every row has one.
 */
export function givenIds(column: Data | undefined, rows: number): Data<Utf8> | (Uint8Array | undefined)[] {
  if (!column) return new Array<undefined>(rows).fill(undefined)
  const isNull = nullTest(column)
  if (!DataType.isUtf8(column.type)) {
    const text = DataType.isDecimal(column.type)
      ? (row: number) => decimalText(column as Data<Decimal>, row)
      : (row: number) => String(jsonValueOf(column, row))
    return Array.from({ length: rows }, (_, row) => (isNull(row) ? undefined : encoder.encode(text(row))))
  }
  const { bytes, offsets } = textColumn(column)
  let all = column.nullCount === 0
  for (let row = 0; all && row < rows; row++) all = offsets[row + 1] > offsets[row]
  if (all) return column as Data<Utf8>
  return Array.from({ length: rows }, (_, row) =>
    offsets[row + 1] > offsets[row] ? bytes.subarray(offsets[row], offsets[row + 1]) : undefined,
  )
}

let scratch = new Uint8Array(1 << 16)
let view = new DataView(scratch.buffer)
let size = 0

function reserve(more: number): void {
  if (size + more <= scratch.length) return
  const grown = new Uint8Array(2 * (size + more))
  grown.set(scratch.subarray(0, size))
  scratch = grown
  view = new DataView(grown.buffer)
}

function put(bytes: Uint8Array, start: number, end: number): void {
  reserve(4 + end - start)
  view.setUint32(size, end - start, true)
  scratch.set(bytes.subarray(start, end), size + 4)
  size += 4 + end - start
}

function putMessages(column: MessagesColumn, row: number): void {
  const { offsets, bytes, contentOffsets, roles, roleOffsets } = column
  reserve(4)
  view.setUint32(size, offsets[row + 1] - offsets[row], true)
  size += 4
  for (let m = offsets[row]; m < offsets[row + 1]; m++) {
    put(roles, roleOffsets[m], roleOffsets[m + 1])
    put(bytes, contentOffsets[m], contentOffsets[m + 1])
  }
}

const digest = (): Uint8Array => encoder.encode(hash('sha256', scratch.subarray(0, size), 'hex').slice(0, 32))

/**
 * Hashes a row of three messages columns: the first 16 bytes of SHA-256, in hex, over prompt, chosen and rejected; each
 * as its count of messages, then role and content of each, all with their lengths in bytes (32 bits, little endian).
 */
export function pairHasher(prompt: Data<List>, chosen: Data<List>, rejected: Data<List>): (row: number) => Uint8Array {
  const columns = [prompt, chosen, rejected].map(messagesColumn)
  return row => {
    size = 0
    for (const column of columns) putMessages(column, row)
    return digest()
  }
}

/** The same for rows that are no pair: over the JSON of these columns. */
export function rawHash(columns: readonly Data[], row: number): Uint8Array {
  size = 0
  for (const column of columns) {
    const json = encoder.encode(JSON.stringify(jsonValueOf(column, row)))
    put(json, 0, json.length)
  }
  return digest()
}
