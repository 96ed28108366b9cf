/** Decodes one data page: levels and values. */
import type { PageHeader } from 'hyparquet/src/types.js'
import { unpackPage } from './codec.ts'
import { decodeHybrid, decodeValues, lengthAt, type Values } from './encodings.ts'
import type { Leaf } from './schema.ts'

/** A decoded data page: one entry a slot or null of the leaf, `values` only for entries that are not null. */
export interface Page {
  readonly entries: number
  /** repetition level of each entry; undefined when the leaf is in no list (each entry is a row) */
  readonly repetition?: Uint8Array
  /** definition level of each entry; undefined when no entry is null */
  readonly definition?: Uint8Array
  readonly values: Values
}

/** How many nulls a page has by its header, where that says it. */
export function statedNulls({ data_page_header: v1, data_page_header_v2: v2 }: PageHeader): number | undefined {
  return v2?.num_nulls ?? (v1?.statistics?.null_count === undefined ? undefined : Number(v1.statistics.null_count))
}

/** Decodes the body of a DATA_PAGE or DATA_PAGE_V2. Throws for damage it can see. */
export function decodePage(
  header: PageHeader,
  body: Uint8Array,
  leaf: Leaf,
  codec: string,
  dictionary: Values | undefined,
): Page {
  const v2 = header.data_page_header_v2
  if (header.type === 'DATA_PAGE_V2' && v2) {
    const levels = v2.repetition_levels_byte_length + v2.definition_levels_byte_length
    if (levels > body.length) throw new Error(`levels of ${levels} bytes in a page of ${body.length}`)
    const repetition = readLevels(body, 0, v2.repetition_levels_byte_length, leaf.rep, v2.num_values)
    const definition = readLevels(body, v2.repetition_levels_byte_length, levels, leaf.def, v2.num_values)
    const packed = body.subarray(levels)
    const size = header.uncompressed_page_size - levels
    const plain = unpackPage(v2.is_compressed === false ? 'UNCOMPRESSED' : codec, packed, size)
    return toPage(header, leaf, v2.num_values, repetition, definition, v2.encoding, plain, dictionary)
  }
  const v1 = header.data_page_header
  if (!v1) throw new Error(`a page of kind ${header.type} without its header`)
  const page = unpackPage(codec, body, header.uncompressed_page_size)
  let at = 0
  const level = (max: number, encoding: string | undefined): Uint8Array | undefined => {
    if (max === 0) return undefined
    if (encoding !== 'RLE') throw new Error(`levels are encoded as ${encoding ?? 'unknown'}, only RLE is readable`)
    const from = at + 4
    at = from + lengthAt(page, at)
    return readLevels(page, from, at, max, v1.num_values)
  }
  const repetition = level(leaf.rep, v1.repetition_level_encoding)
  const definition = level(leaf.def, v1.definition_level_encoding)
  return toPage(header, leaf, v1.num_values, repetition, definition, v1.encoding, page.subarray(at), dictionary)
}

function toPage(
  header: PageHeader,
  leaf: Leaf,
  entries: number,
  repetition: Uint8Array | undefined,
  definition: Uint8Array | undefined,
  encoding: string | undefined,
  body: Uint8Array,
  dictionary: Values | undefined,
): Page {
  let present = entries
  if (definition) {
    present = 0
    for (let i = 0; i < entries; i++) if (definition[i] === leaf.def) present++
  }
  const nulls = entries - present,
    stated = statedNulls(header)
  // writers differ in what is a null inside of a list
  if (leaf.rep === 0 && stated !== undefined && nulls !== stated) {
    throw new Error(`${nulls} nulls, its header says ${stated}`)
  }
  const values = decodeValues(encoding, leaf.physical, leaf.width, body, present, dictionary)
  return { entries, repetition, definition: present === entries ? undefined : definition, values }
}

function readLevels(bytes: Uint8Array, from: number, to: number, max: number, count: number): Uint8Array | undefined {
  if (max === 0) return undefined
  const levels = new Uint8Array(count)
  decodeHybrid(bytes, from, to, 32 - Math.clz32(max), levels)
  for (let i = 0; i < count; i++) if (levels[i] > max) throw new Error(`level ${levels[i]} where ${max} is the highest`)
  return levels
}
