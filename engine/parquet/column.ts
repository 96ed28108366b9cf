/** Reads a column chunk page by page, with bounds on the memory that this takes. */
import type { ColumnMetaData, PageHeader } from 'hyparquet/src/types.js'
import { parquetHeader } from 'hyparquet/src/column.js'
import { crc32, unpackPage } from './codec.ts'
import { decodePlain, type Values } from './encodings.ts'
import { decodePage, statedNulls, type Page } from './page.ts'
import type { Leaf } from './schema.ts'
import type { Window } from './source.ts'
import { endOfStruct, PAGE_HEADER } from './thrift.ts'

/** Entries [from, to) of a page and its values [valueFrom, valueTo). */
export interface PageSpan {
  readonly page: Page
  readonly from: number
  readonly to: number
  readonly valueFrom: number
  readonly valueTo: number
}

/** A stretch of whole rows of a leaf, not yet copied. `bytes`: what its values take once copied. */
export interface RowStretch {
  readonly spans: readonly PageSpan[]
  readonly entries: number
  readonly values: number
  readonly bytes: number
}

interface Cursor {
  readonly page: number
  readonly entry: number
  readonly value: number
}
interface Planned extends RowStretch {
  readonly after: Cursor
}

/**
 * Where pages of a chunk begin and how many rows of the row group began before them, in order; grows as pages are seen.
 */
export interface PageMap {
  readonly offsets: number[]
  readonly rows: number[]
}

/** What the open pages of a row group take beyond what their compressed bytes speak for. */
export interface Room {
  taken: number
}

interface Held extends Page {
  readonly room: number
}

const DAMAGED = 'the file is damaged, fetch or write it again'
const HEADER_BYTES = 1 << 14
/** longer than any text whose least and greatest a writer keeps whole in a page header */
const LONGEST_HEADER = 1 << 28
/**
 * Memory is taken as data arrives: each compressed byte speaks for 100 decoded ones, which texts never reach. A few
 * bytes can stand for millions of equal values all the same, so 2 GiB more are given to the open pages of a row group
 * together: 250 columns of a million equal values each, in one page each.
 */
const BYTES_A_BYTE = 100,
  MOST_ROOM = 2 ** 31

/** Byte range [start, end) of a column chunk, its dictionary page included. */
export function chunkRange(meta: ColumnMetaData): { start: number; end: number } {
  const data = Number(meta.data_page_offset)
  const dictionary = Number(meta.dictionary_page_offset ?? 0)
  const start = dictionary > 0 && dictionary < data ? dictionary : data
  return { start, end: start + Number(meta.total_compressed_size) }
}

/**
 * Parses the page header at the start of `bytes`, undefined when it is cut off there. Throws one line for what can be
 * none.
 */
export function parsePageHeader(bytes: Uint8Array): { header: PageHeader; size: number } | undefined {
  const size = endOfStruct(bytes, 0, PAGE_HEADER)
  return size === undefined
    ? undefined
    : { header: parquetHeader({ view: new DataView(bytes.buffer, bytes.byteOffset, size), offset: 0 }), size }
}

/**
 * One leaf of one row group, read forward page by page. `plan` looks ahead over whole rows, `commit` moves past them;
 * planning again without a commit gives the same rows. Memory: the window, the dictionary, and the pages that the rows
 * planned last lie in.
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
  #pages: Held[] = []
  #cursor: Cursor = { page: 0, entry: 0, value: 0 }
  #dictionary: Values | undefined
  readonly #room: Room
  /** of all pages so far; undefined once pages were passed over of which it is not known */
  #entries: number | undefined = 0
  #nulls: number | undefined = 0
  /** of byte arrays, in all rows moved past */
  #bytes = 0
  #isWhole = true
  /** among the pages of the map, the first that is not before the position */
  #next = 0

  /** `rows`: of the row group; `map` may be shared by successive readers of one chunk, `room` by all of a row group */
  constructor(leaf: Leaf, meta: ColumnMetaData, window: Window, rows: number, map: PageMap, room: Room) {
    this.leaf = leaf
    this.#meta = meta
    this.#window = window
    this.#rows = rows
    this.#map = map
    this.#room = room
    const { start, end } = chunkRange(meta)
    this.#position = start
    this.#end = end
  }

  /**
   * Moves to row `row` of the row group: over the nearest page known to begin at or before it, and without
   * decompressing pages where it can be told.
   */
  async seek(row: number): Promise<void> {
    if (row === 0) return
    this.#isWhole = false
    let known = -1
    while (known + 1 < this.#map.rows.length && this.#map.rows[known + 1] <= row) known++
    if (known > 0) {
      await this.#readDictionary()
      this.#position = this.#map.offsets[known]
      this.#rowsBefore = this.#row = this.#map.rows[known]
      this.#entries = this.#nulls = undefined
    }
    this.#skipTo = row
    let page: Page | undefined
    let entry = 0
    let value = 0
    // a page may begin inside a row: its first entries belong to the row before
    while ((!page || entry === page.entries) && (await this.#load())) {
      page = this.#pages[this.#pages.length - 1]
      this.#skipTo = entry = value = 0
      while (page.repetition && entry < page.entries && page.repetition[entry] > 0) {
        if (!page.definition || page.definition[entry] === this.leaf.def) value++
        entry++
      }
    }
    this.#cursor = { page: Math.max(0, this.#pages.length - 1), entry, value }
    while (this.#row < row) {
      this.commit(await this.plan(Math.min(1000, row - this.#row)), Math.min(1000, row - this.#row))
    }
  }

  /** The next `count` rows. Rejects when the chunk ends before them. */
  async plan(count: number): Promise<Planned> {
    const { leaf } = this
    const spans: PageSpan[] = []
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
        // a null of a fixed width takes its bytes too
        bytes += leaf.width > 0 ? (entry - from) * leaf.width : measure(page.values, valueFrom, value)
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
    for (const { room } of this.#pages.splice(0, page)) this.#room.taken -= room
    this.#cursor = { page: 0, entry, value }
    this.#row += count
    this.#bytes += planned.bytes
  }

  /** After the last row: holds what the pages gave against what the footer says of the chunk. */
  async finish(): Promise<void> {
    while (await this.#load()) {
      const { entries } = this.#pages[this.#pages.length - 1]
      if (entries > 0) throw new Error(`its pages hold more rows than the row group's ${this.#rows}: ${DAMAGED}`)
    }
    const { num_values: values, encodings, statistics, size_statistics: sizes } = this.#meta,
      { rep, width } = this.leaf
    const check = (what: string, found: number | undefined, claimed: bigint | undefined): void => {
      if (found !== undefined && claimed !== undefined && BigInt(found) !== claimed) {
        throw new Error(`its pages hold ${found} ${what}, its metadata says ${claimed}: ${DAMAGED}`)
      }
    }
    check('values', this.#entries, values)
    // writers differ in what is a null inside of a list
    if (rep === 0) check('nulls', this.#nulls, statistics?.null_count)
    // pyarrow counts too few in DELTA_BYTE_ARRAY
    const isCounted = width === 0 && this.#isWhole && encodings?.every(encoding => !encoding?.startsWith('DELTA'))
    if (isCounted) check('bytes of values', this.#bytes, sizes?.unencoded_byte_array_data_bytes)
  }

  async #load(): Promise<boolean> {
    while (this.#position < this.#end) {
      const { header, body: at, offset } = await this.#readHeader()
      if (header.type === 'DICTIONARY_PAGE') {
        if (this.#dictionary) throw new Error(`there is a second dictionary at byte ${offset}: ${DAMAGED}`)
        this.#decodeDictionary(header, await this.#readBody(header, at), offset)
      } else if (header.type === 'DATA_PAGE' || header.type === 'DATA_PAGE_V2') {
        this.#note(offset)
        const entries = (header.data_page_header_v2 ?? header.data_page_header)?.num_values ?? 0
        const flat = this.leaf.rep === 0 ? header.data_page_header?.num_values : undefined
        const rows = header.data_page_header_v2?.num_rows ?? flat
        if (rows !== undefined && this.#rowsBefore + rows <= this.#skipTo) {
          this.#count(entries, statedNulls(header), rows, offset)
          this.#row = this.#rowsBefore
          continue
        }
        const body = await this.#readBody(header, at)
        const { compressed_page_size: packed, uncompressed_page_size: plain } = header
        // levels, and where each value begins and ends
        this.#roomFor(entries, plain + 10 * entries, packed, offset)
        const page = decode(offset, () => decodePage(header, body, this.leaf, this.#meta.codec, this.#dictionary))
        const { repetition, definition, values } = page
        const room = this.#roomFor(
          entries,
          plain + sizeOf(repetition, definition, values.starts, values.ends, values.bytes),
          packed,
          offset,
        )
        this.#room.taken += room
        const begun = page.repetition ? countPresent(page.repetition, 0, page.entries, 0) : page.entries
        const stated = header.data_page_header_v2?.num_rows
        if (stated !== undefined && begun !== stated) {
          throw new Error(`the page at byte ${offset} holds ${begun} rows, its header says ${stated}: ${DAMAGED}`)
        }
        this.#count(entries, entries - page.values.count, begun, offset)
        this.#pages.push({ ...page, room })
        return true
      }
    }
    return false
  }

  /** Takes note of a page that was decoded or passed over; the position is after it. */
  #count(entries: number, nulls: number | undefined, rows: number, offset: number): void {
    this.#rowsBefore += rows
    if (this.#entries !== undefined) this.#entries += entries
    this.#nulls = this.#nulls === undefined || nulls === undefined ? undefined : this.#nulls + nulls
    if (this.#rowsBefore > this.#rows) {
      throw new Error(
        `its pages up to the one at byte ${offset} hold ${this.#rowsBefore} rows, more than the row group's ${this.#rows}: ${DAMAGED}`,
      )
    }
    const { offsets, rows: begins } = this.#map
    while (offsets[this.#next] < this.#position) this.#next++
    if (offsets[this.#next] === this.#position && begins[this.#next] !== this.#rowsBefore) {
      throw new Error(
        `the page at byte ${this.#position} begins with row ${this.#rowsBefore}, the page index says ${begins[this.#next]}: ${DAMAGED}`,
      )
    }
  }

  /** Bytes that a page takes beyond what its compressed bytes speak for; throws where there is no room for them. */
  #roomFor(values: number, bytes: number, packed: number, offset: number): number {
    const more = Math.max(0, bytes - BYTES_A_BYTE * packed),
      taken = this.#room.taken + more
    if (taken > MOST_ROOM) {
      throw new Error(
        `the page at byte ${offset} holds ${values} values in ${packed} bytes: decoded, it and the pages open beside it take ${taken} bytes more than ${BYTES_A_BYTE} for each of theirs, ` +
          `at most ${MOST_ROOM} are given to them; read fewer columns, or write the file with smaller pages or row groups`,
      )
    }
    return more
  }

  #note(offset: number): void {
    const { offsets, rows } = this.#map
    if (offsets.length > 0 && offsets[offsets.length - 1] >= offset) return
    offsets.push(offset)
    rows.push(this.#rowsBefore)
  }

  /** the page header at the position, which moves past the page; `body`: where its body begins */
  async #readHeader(): Promise<{ header: PageHeader; body: number; offset: number }> {
    const offset = this.#position,
      left = this.#end - offset
    const wrong = (what: string): Error =>
      new Error(`no valid page header at byte ${offset} (${what}): the file is damaged there; fetch or write it again`)
    let parsed: ReturnType<typeof parsePageHeader>
    for (let size = HEADER_BYTES; !parsed; size *= 16) {
      const bytes = await this.#window.from(offset, size)
      try {
        parsed = parsePageHeader(bytes)
      } catch (error) {
        throw wrong((error as Error).message)
      }
      if (!parsed && (bytes.length >= left || size > LONGEST_HEADER)) {
        throw wrong(`it goes on beyond ${Math.min(left, size)} bytes`)
      }
    }
    const { header, size } = parsed,
      {
        compressed_page_size: packed,
        uncompressed_page_size: plain,
        data_page_header: v1,
        data_page_header_v2: v2,
        dictionary_page_header: dictionary,
      } = header
    if (!(packed >= 0 && size + packed <= left)) {
      throw wrong(`a page of ${packed} bytes, ${left - size} are left of the column chunk`)
    }
    if (!(plain >= 0)) throw wrong(`a page of ${plain} bytes decompressed`)
    const numbers = v2
      ? [v2.num_values, v2.num_nulls, v2.num_rows, v2.definition_levels_byte_length, v2.repetition_levels_byte_length]
      : v1
        ? [v1.num_values]
        : dictionary
          ? [dictionary.num_values]
          : []
    const negative = numbers.find(number => number < 0)
    if (negative !== undefined) throw wrong(`it counts ${negative}`)
    const values = dictionary ? 0 : ((v2 ?? v1)?.num_values ?? 0)
    if (values > this.#meta.num_values) {
      throw wrong(`a page of ${values} values in a column chunk of ${this.#meta.num_values}`)
    }
    const body = offset + size
    this.#position = body + packed
    return { header, body, offset }
  }

  async #readBody(header: PageHeader, at: number): Promise<Uint8Array> {
    const body = (await this.#window.from(at, header.compressed_page_size)).subarray(0, header.compressed_page_size)
    if (header.crc !== undefined && crc32(body) !== header.crc) {
      throw new Error(
        `the page at byte ${at} does not match its checksum: the file is damaged there; fetch or write it again`,
      )
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
    this.#room.taken += this.#roomFor(count, header.uncompressed_page_size, body.length, offset)
    const unpack = (): Uint8Array => unpackPage(this.#meta.codec, body, header.uncompressed_page_size)
    this.#dictionary = decode(offset, () => decodePlain(this.leaf.physical, this.leaf.width, unpack(), count))
  }
}

const sizeOf = (...buffers: readonly (Uint8Array | Int32Array | undefined)[]): number =>
  buffers.reduce((sum, buffer) => sum + (buffer?.byteLength ?? 0), 0)

function decode<T>(offset: number, work: () => T): T {
  try {
    return work()
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error)
    throw new Error(
      `the page at byte ${offset} cannot be decoded (${what}): damaged there, or written in a way not readable here; fetch or write it again`,
    )
  }
}

function countPresent(levels: Uint8Array, from: number, to: number, level: number): number {
  let count = 0
  for (let i = from; i < to; i++) if (levels[i] === level) count++
  return count
}

/** Bytes of the byte arrays [from, to). */
function measure({ starts, ends }: Values, from: number, to: number): number {
  let bytes = 0
  for (let i = from; i < to; i++) bytes += ends![i] - starts![i]
  return bytes
}
