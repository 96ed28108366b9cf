import type { ColumnMetaData, PageHeader } from 'hyparquet/src/types.js'
import { parquetHeader } from 'hyparquet/src/column.js'
import { crc32, unpackPage } from './codec.ts'
import { decodePlain, type Values } from './encodings.ts'
import { decodePage, type Page } from './page.ts'
import type { Leaf } from './schema.ts'
import type { Window } from './source.ts'

/** Entries [from, to) of a page and its values [valueFrom, valueTo). */
export interface Span { readonly page: Page, readonly from: number, readonly to: number, readonly valueFrom: number, readonly valueTo: number }

/** A stretch of whole rows of a leaf, not yet copied. `bytes`: what its values take once copied. */
export interface Stretch { readonly spans: readonly Span[], readonly entries: number, readonly values: number, readonly bytes: number }

interface Cursor { readonly page: number, readonly entry: number, readonly value: number }
interface Planned extends Stretch { readonly after: Cursor }

/** Where pages of a chunk begin and how many rows of the row group began before them, in order; grows as pages are seen. */
export interface PageMap { readonly offsets: number[], readonly rows: number[] }

const HEADER_BYTES = 1 << 14
/** page headers carry statistics, which may hold long texts */
const LONGEST_HEADER = 1 << 22

/** Byte range [start, end) of a column chunk, its dictionary page included. */
export function chunkRange(meta: ColumnMetaData): { start: number, end: number } {
  const data = Number(meta.data_page_offset)
  const dictionary = Number(meta.dictionary_page_offset ?? 0)
  const start = dictionary > 0 && dictionary < data ? dictionary : data
  return { start, end: start + Number(meta.total_compressed_size) }
}

/** Parses the page header at the start of `bytes`, undefined when it is cut off there. */
export function parsePageHeader(bytes: Uint8Array): { header: PageHeader, size: number } | undefined {
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 }
  try {
    const header = parquetHeader(reader)
    return { header, size: reader.offset }
  } catch (error) {
    if (error instanceof RangeError || String(error).includes('thrift')) return undefined
    throw error
  }
}

/**
 * One leaf of one row group, read forward page by page. `plan` looks ahead over whole rows, `commit` moves past them; planning again without a commit gives
 * the same rows. Memory: the window, the dictionary, and the pages that the rows planned last lie in.
 */
export class ColumnReader {
  readonly leaf: Leaf
  readonly #meta: ColumnMetaData
  readonly #window: Window
  readonly #rows: number
  readonly #map: PageMap
  readonly #end: number
  #position: number
  #rowsBefore = 0
  #skipTo = 0
  #row = 0
  #pages: Page[] = []
  #cursor: Cursor = { page: 0, entry: 0, value: 0 }
  #dictionary: Values | undefined

  /** `rows`: of the row group; `map` may be shared by successive readers of one chunk */
  constructor(leaf: Leaf, meta: ColumnMetaData, window: Window, rows: number, map: PageMap) {
    this.leaf = leaf
    this.#meta = meta
    this.#window = window
    this.#rows = rows
    this.#map = map
    const { start, end } = chunkRange(meta)
    this.#position = start
    this.#end = end
  }

  /** Moves to row `row` of the row group: over the nearest page known to begin at or before it, and without decompressing pages where it can be told. */
  async seek(row: number): Promise<void> {
    if (row === 0) return
    let known = -1
    while (known + 1 < this.#map.rows.length && this.#map.rows[known + 1] <= row) known++
    if (known > 0) {
      await this.#readDictionary()
      this.#position = this.#map.offsets[known]
      this.#rowsBefore = this.#row = this.#map.rows[known]
    }
    this.#skipTo = row
    let page: Page | undefined
    let entry = 0
    let value = 0
    // a page may begin inside a row: its first entries belong to the row before
    while ((!page || entry === page.entries) && await this.#load()) {
      page = this.#pages[this.#pages.length - 1]
      this.#skipTo = entry = value = 0
      while (page.repetition && entry < page.entries && page.repetition[entry] > 0) {
        if (!page.definition || page.definition[entry] === this.leaf.def) value++
        entry++
      }
    }
    this.#cursor = { page: Math.max(0, this.#pages.length - 1), entry, value }
    while (this.#row < row) this.commit(await this.plan(Math.min(1000, row - this.#row)), Math.min(1000, row - this.#row))
  }

  /** The next `count` rows. Rejects when the chunk ends before them. */
  async plan(count: number): Promise<Planned> {
    const { leaf } = this
    const spans: Span[] = []
    let { page: at, entry, value } = this.#cursor
    let left = count
    let entries = 0
    let values = 0
    let bytes = 0
    for (;;) {
      if (at === this.#pages.length && !(await this.#load())) {
        if (left > 0) throw new Error(`its pages hold ${left} rows fewer than the row group's ${this.#rows}`)
        break
      }
      const page = this.#pages[at]
      const from = entry
      const valueFrom = value
      const { repetition, definition } = page
      if (!repetition) {
        entry += Math.min(left, page.entries - entry)
        left -= entry - from
      } else {
        for (; entry < page.entries; entry++) {
          if (repetition[entry] > 0) continue
          if (left === 0) break
          left--
        }
      }
      value = definition ? value + countPresent(definition, from, entry, leaf.def) : value + entry - from
      if (entry > from) {
        spans.push({ page, from, to: entry, valueFrom, valueTo: value })
        entries += entry - from
        values += value - valueFrom
        bytes += measure(page.values, valueFrom, value, leaf.width)
      }
      if (entry < page.entries || (left === 0 && !repetition)) break
      at++
      entry = value = 0
    }
    return { spans, entries, values, bytes, after: { page: at, entry, value } }
  }

  /** Moves past `count` planned rows and lets go of the pages before. */
  commit(planned: Planned, count: number): void {
    const { page, entry, value } = planned.after
    this.#pages.splice(0, page)
    this.#cursor = { page: 0, entry, value }
    this.#row += count
  }

  async #load(): Promise<boolean> {
    while (this.#position < this.#end) {
      const { header, body: at, offset } = await this.#readHeader()
      if (header.type === 'DICTIONARY_PAGE') {
        this.#decodeDictionary(header, await this.#readBody(header, at), offset)
      } else if (header.type === 'DATA_PAGE' || header.type === 'DATA_PAGE_V2') {
        this.#note(offset)
        const flat = this.leaf.rep === 0 ? header.data_page_header?.num_values : undefined
        const rows = header.data_page_header_v2?.num_rows ?? flat
        if (rows !== undefined && this.#rowsBefore + rows <= this.#skipTo) {
          this.#rowsBefore += rows
          this.#row = this.#rowsBefore
          continue
        }
        const body = await this.#readBody(header, at)
        const page = decode(offset, () => decodePage(header, body, this.leaf, this.#meta.codec, this.#dictionary))
        this.#rowsBefore += page.repetition ? countPresent(page.repetition, 0, page.entries, 0) : page.entries
        this.#pages.push(page)
        return true
      }
    }
    return false
  }

  #note(offset: number): void {
    const { offsets, rows } = this.#map
    if (offsets.length > 0 && offsets[offsets.length - 1] >= offset) return
    offsets.push(offset)
    rows.push(this.#rowsBefore)
  }

  /** the page header at the position, which moves past the page; `body`: where its body begins */
  async #readHeader(): Promise<{ header: PageHeader, body: number, offset: number }> {
    const offset = this.#position
    let bytes = await this.#window.from(offset, HEADER_BYTES)
    let parsed = parsePageHeader(bytes)
    if (!parsed && offset + bytes.length < this.#end) {
      bytes = await this.#window.from(offset, LONGEST_HEADER)
      parsed = parsePageHeader(bytes)
    }
    const size = parsed?.header.compressed_page_size ?? -1
    if (!parsed || !(size >= 0) || offset + parsed.size + size > this.#end || !this.#isPlausible(parsed.header)) {
      throw new Error(`no valid page header at byte ${offset}: the file is damaged there; fetch or write it again`)
    }
    const body = offset + parsed.size
    this.#position = body + size
    return { header: parsed.header, body, offset }
  }

  /** keeps a damaged header from asking for memory that the chunk's own sizes rule out */
  #isPlausible({ uncompressed_page_size: size, data_page_header: v1, data_page_header_v2: v2, dictionary_page_header: dictionary }: PageHeader): boolean {
    const limit = Number(this.#meta.num_values)
    // parquetjs writes the compressed size in both places, so the stated sum alone is no bound
    const bytes = Math.max(Number(this.#meta.total_uncompressed_size), 64 * Number(this.#meta.total_compressed_size), 1 << 26)
    const counts = v2 ? [v2.num_values, v2.num_rows] : v1 ? [v1.num_values] : []
    const sizes = [size, ...v2 ? [v2.definition_levels_byte_length, v2.repetition_levels_byte_length] : [], ...dictionary ? [dictionary.num_values] : []]
    return counts.every(count => count >= 0 && count <= limit) && sizes.every(size => size >= 0 && size <= bytes)
  }

  async #readBody(header: PageHeader, at: number): Promise<Uint8Array> {
    const body = (await this.#window.from(at, header.compressed_page_size)).subarray(0, header.compressed_page_size)
    if (header.crc !== undefined && crc32(body) !== header.crc) {
      throw new Error(`the page at byte ${at} does not match its checksum: the file is damaged there; fetch or write it again`)
    }
    return body
  }

  async #readDictionary(): Promise<void> {
    if (chunkRange(this.#meta).start >= this.#map.offsets[0]) return
    const { header, body, offset } = await this.#readHeader()
    if (header.type === 'DICTIONARY_PAGE') this.#decodeDictionary(header, await this.#readBody(header, body), offset)
  }

  #decodeDictionary(header: PageHeader, body: Uint8Array, offset: number): void {
    const count = header.dictionary_page_header?.num_values ?? 0
    const unpack = (): Uint8Array => unpackPage(this.#meta.codec, body, header.uncompressed_page_size)
    this.#dictionary = decode(offset, () => decodePlain(this.leaf.physical, this.leaf.width, unpack(), count))
  }
}

function decode<T>(offset: number, work: () => T): T {
  try {
    return work()
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error)
    throw new Error(`the page at byte ${offset} cannot be decoded (${what}): damaged there, or written in a way not readable here; fetch or write it again`)
  }
}

function countPresent(levels: Uint8Array, from: number, to: number, level: number): number {
  let count = 0
  for (let i = from; i < to; i++) if (levels[i] === level) count++
  return count
}

function measure({ starts, ends }: Values, from: number, to: number, width: number): number {
  if (!starts || !ends) return (to - from) * width
  let bytes = 0
  for (let i = from; i < to; i++) bytes += ends[i] - starts[i]
  return bytes
}
