/** Files and readers for tests of Parquet. */
import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Type, type Data, type Decimal, type FixedSizeBinary, type RecordBatch } from 'apache-arrow'
import { readRows, type ParquetFile, type ReadOptions } from '../../engine/parquet/file.ts'

/** A path in the shared data; throws one clear line where it is absent, so that no test is skipped silently. */
export function shared(name: string): string {
  const path = fileURLToPath(new URL(`../../../shared/data/${name}`, import.meta.url))
  if (!existsSync(path)) throw new Error(`tests need the folder shared/data beside the checkout; ${path} is absent`)
  return path
}

export function fixture(name: string): string {
  return fileURLToPath(new URL(`types/${name}`, import.meta.url))
}

export function temporary(name: string): string {
  return join(mkdtempSync(join(tmpdir(), 'sluice-parquet-')), name)
}

export interface Read {
  readonly batches: RecordBatch[]
  readonly rows: Record<string, unknown>[]
}

export async function read(
  file: ParquetFile,
  range = { start: 0, end: file.rows },
  options?: ReadOptions,
): Promise<Read> {
  const batches: RecordBatch[] = []
  const rows: Record<string, unknown>[] = []
  for await (const batch of readRows(file, range, options)) {
    batches.push(batch)
    for (let i = 0; i < batch.numRows; i++) rows.push(valueAt(batch.data, i) as Record<string, unknown>)
  }
  return { batches, rows }
}

/**
 * A value read from the buffers themselves, independent of Arrow JS getters: wide integers and decimals as text, bytes
 * as numbers.
 */
export function valueAt(data: Data, i: number): unknown {
  const { type, typeId, values, valueOffsets: offsets, children } = data
  if (typeId === Type.Null || (data.nullCount > 0 && ((data.nullBitmap![i >> 3] >> (i & 7)) & 1) === 0)) return null
  switch (typeId) {
    case Type.Utf8:
      return Buffer.from(values.subarray(offsets[i], offsets[i + 1])).toString()
    case Type.Binary:
      return [...values.subarray(offsets[i], offsets[i + 1])]
    case Type.FixedSizeBinary: {
      const width = (type as FixedSizeBinary).byteWidth
      return [...values.subarray(i * width, (i + 1) * width)]
    }
    case Type.Bool:
      return ((values[i >> 3] >> (i & 7)) & 1) === 1
    case Type.List:
      return Array.from({ length: offsets[i + 1] - offsets[i] }, (_, k) => valueAt(children[0], offsets[i] + k))
    case Type.Struct:
      return Object.fromEntries(children.map((child, k) => [type.children[k].name, valueAt(child, i)]))
    case Type.Decimal: {
      const width = (type as Decimal).bitWidth / 32
      let value = 0n
      for (let w = width - 1; w >= 0; w--) value = (value << 32n) | BigInt(values[i * width + w])
      return String(BigInt.asIntN(width * 32, value))
    }
  }
  return typeof values[i] === 'bigint' ? String(values[i]) : values[i]
}

/**
 * What is wrong with the buffers of a batch, by the reader's promises: owned, compact, offset 0, a bitmap only with
 * nulls, exact counts.
 */
export function flaws(data: Data, path = 'batch'): string[] {
  const found: string[] = []
  const { offset, length, valueOffsets, nullBitmap, nullCount, typeId } = data
  const is = (bad: boolean, what: string): void => void (bad && found.push(`${path}: ${what}`))
  is(offset !== 0, `offset ${offset}`)
  for (const buffer of [data.values, valueOffsets, nullBitmap] as (Uint8Array | undefined)[]) {
    is(
      !!buffer && (buffer.byteOffset !== 0 || buffer.byteLength !== buffer.buffer.byteLength),
      'a buffer is a view on a larger one',
    )
  }
  if (typeId !== Type.Null) {
    is(
      (nullBitmap?.length ?? 0) > 0 !== nullCount > 0,
      `${nullCount} nulls and a bitmap of ${nullBitmap?.length} bytes`,
    )
    let nulls = 0
    for (let i = 0; nullBitmap && nullBitmap.length > 0 && i < length; i++) {
      nulls += ((nullBitmap[i >> 3] >> (i & 7)) & 1) === 0 ? 1 : 0
    }
    is(nulls !== nullCount, `${nulls} nulls, nullCount ${nullCount}`)
  }
  if (valueOffsets) {
    is(!(valueOffsets instanceof Int32Array) || valueOffsets.length !== length + 1 || valueOffsets[0] !== 0, 'offsets')
    is(
      valueOffsets[length] !== (typeId === Type.List ? data.children[0].length : data.values.length),
      'values that no offset reaches',
    )
  }
  return found.concat(data.children.flatMap((child, k) => flaws(child, `${path}.${data.type.children[k].name}`)))
}
