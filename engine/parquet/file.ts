/** Opens Parquet files and reads ranges of their rows as Arrow batches. */
import { isUtf8 } from 'node:buffer'
import {
  DataType,
  makeData,
  RecordBatch,
  RecordBatchReader,
  Schema,
  Struct,
  Type,
  Utf8,
  type Data,
  type Field,
} from 'apache-arrow'
import {
  parquetMetadata,
  parquetSchema,
  type FileMetaData,
  type RowGroup,
  type SchemaElement,
  type SchemaTree,
} from 'hyparquet'
import { readOffsetIndex } from 'hyparquet/src/indexes.js'
import type { ColumnMetaData } from 'hyparquet/src/types.js'
import { isUuid } from '../arrow/as_text.ts'
import { checkMessage } from '../arrow/check_ipc.ts'
import { assemble } from './assemble.ts'
import { chunkRange, ColumnReader, parsePageHeader, type PageMap, type Room, type RowStretch } from './column.ts'
import { buildNodes, fieldOf, leavesOf, TEXT_COLUMNS, type Leaf, type ColumnNode } from './schema.ts'
import type { ByteSource } from './byte_source.ts'
import { isReadFault, openSource, Window } from './source.ts'
import { endOfStruct, FOOTER, OFFSET_INDEX } from './thrift.ts'
import { SluiceError } from '../errors.ts'
import { kindOf } from '../files/packed.ts'

/**
 * An opened Parquet file: what its footer says. Holds no file handle; made by openParquet only, in the thread that
 * reads it.
 */
export interface ParquetFile {
  readonly path: string
  /** of a URL: what its server says of the content */
  readonly identity?: string
  readonly bytes: number
  readonly rows: number
  /** `bytes`: uncompressed, of all columns */
  readonly rowGroups: readonly { readonly rows: number; readonly bytes: number }[]
  /** of the batches that readRows gives when all columns are read */
  readonly schema: Schema
  readonly codecs: readonly string[]
  /**
   * whether the first page of the first column carries a CRC-32 (writers give it to all pages or none); every page that
   * has one is verified when read
   */
  readonly checksums: boolean
}

interface Inside {
  readonly metadata: FileMetaData
  readonly nodes: readonly ColumnNode[]
  readonly open: () => Promise<ByteSource>
  /** page positions seen so far, by row group and leaf: what makes later reads of a huge row group jump ahead */
  readonly maps: Map<string, PageMap>
}

const inside = new WeakMap<ParquetFile, Inside>()

const MAGIC = 0x31524150 // PAR1, little endian
const ENCRYPTED = 0x45524150 // PARE
const SMALL_SPAN = 4 << 20
const WINDOWS_BYTES = 32 << 20
/** Rows of a file are numbered in 32 bits. */
const MOST_ROWS = 2 ** 32 - 1
/** Bounds of what a footer may ask for, far beyond what any writer of rows needs. */
const MOST_FOOTER = 256 << 20,
  MOST_ELEMENTS = 100_000,
  MOST_NESTING = 64,
  MOST_FIXED = 1 << 27,
  MOST_INDEXES = 16 << 20

/**
 * Opens a Parquet file: checks the magic at both ends and the footer, and gives its normalised schema (buildNodes says
 * how). Reads the footer and one page header, then closes the file. `path` may be a URL, whose content must be
 * `identity` where that is given. Throws one line naming the file, what is wrong and what to do.
 */
export async function openParquet(path: string, identity?: string): Promise<ParquetFile> {
  const source = await openSource(path, identity).catch((error: unknown) =>
    fail(path, `cannot be opened: ${messageOf(error)}; check the path and its permissions`),
  )
  try {
    const footer = await checkEnds(path, source)
    const metadata = await readFooter(source, footer).catch((error: unknown) =>
      fail(
        path,
        `its footer cannot be read (${messageOf(error)}); the file is damaged or cut, fetch or write it again`,
      ),
    )
    const { nodes, schema } = guard(path, 'the schema in its footer', () => readSchema(metadata))
    await checkJoined(
      path,
      source,
      checkChunks(path, metadata, source.byteLength - 8 - footer, nodes),
      source.byteLength - 8 - footer,
    )
    const chunks = metadata.row_groups.flatMap(group => group.columns.map(column => column.meta_data!))
    const first = metadata.row_groups.findIndex(group => group.num_rows > 0n),
      column = metadata.row_groups[first]?.columns.find(one => !one.crypto_metadata)?.meta_data
    const file: ParquetFile = {
      path,
      identity: source.identity,
      bytes: source.byteLength,
      rows: Number(metadata.num_rows),
      schema,
      rowGroups: metadata.row_groups.map(group => ({
        rows: Number(group.num_rows),
        bytes: Number(group.total_byte_size),
      })),
      codecs: [...new Set(chunks.map(chunk => chunk.codec as string))],
      checksums:
        column !== undefined &&
        (await guardAsync(path, `row group ${first}, column ${column.path_in_schema.join('.')}`, () =>
          hasChecksum(source, column),
        )),
    }
    inside.set(file, { metadata, nodes, open: () => openSource(path, source.identity), maps: new Map() })
    return file
  } finally {
    await source.close()
  }
}

/**
 * Bytes that columns take once decoded, all of them when undefined, by the footer: what byte arrays hold where their
 * writer has counted it, else what pages hold uncompressed, which is less where texts lie in dictionaries.
 */
export function decodedBytes(file: ParquetFile, columns?: readonly string[]): number {
  const chunks = inside.get(file)!.metadata.row_groups.flatMap(group => group.columns.map(column => column.meta_data!))
  return chunks
    .filter(({ path_in_schema: [column] }) => !columns || columns.includes(column))
    .reduce((sum, { size_statistics: counted, num_values: values, total_uncompressed_size: pages }) => {
      const texts = counted?.unencoded_byte_array_data_bytes
      return sum + Number(texts === undefined ? pages : texts + 4n * values)
    }, 0)
}

/** Which rows and columns, in batches of how much. */
export interface ReadOptions {
  /** all when undefined; in the file's order, whatever the order here */
  readonly columns?: readonly string[]
  /** rows a batch at most */
  readonly batchRows?: number
  /** bytes of values a batch at most, but always one row */
  readonly batchBytes?: number
}

/**
 * Batches of the rows [start, end), in order. A batch never crosses a row group, so some are shorter than `batchRows`;
 * where batches are cut does not change the rows. Memory: a batch, the pages it lies in, and read windows of 32 MiB
 * together at most, whatever the size of row groups. Opens the file and closes it at the end, also when the consumer
 * stops early or a page is damaged; then it throws one line naming file, row group and column.
 */
export async function* readRows(
  file: ParquetFile,
  range: { start: number; end: number },
  options: ReadOptions = {},
): AsyncGenerator<RecordBatch> {
  const { path } = file
  const { start, end } = range
  const { columns, batchRows = 1000, batchBytes = 64 << 20 } = options
  const opened = inside.get(file) ?? fail(path, 'was not opened here; call openParquet in the thread that reads')
  if (!(start >= 0 && start <= end && end <= file.rows)) {
    fail(path, `has rows 0 to ${file.rows}; [${start}, ${end}) was asked for`)
  }
  if (!(batchRows >= 1)) fail(path, `batches of ${batchRows} rows were asked for; at least 1`)
  const nodes = pickColumns(file, opened.nodes, columns)
  const schema = columns ? new Schema(nodes.map(fieldOf)) : file.schema
  const source = await opened
    .open()
    .catch((error: unknown) => fail(path, `cannot be opened: ${messageOf(error)}; check the path and its permissions`))
  try {
    if (source.byteLength !== file.bytes) {
      fail(path, `had ${file.bytes} bytes when it was opened and has ${source.byteLength} now; run again`)
    }
    let before = 0
    for (const [index, group] of opened.metadata.row_groups.entries()) {
      const rows = Number(group.num_rows)
      const from = Math.max(0, start - before)
      const to = Math.min(rows, end - before)
      before += rows
      if (from < to) {
        yield* readGroup(
          { path, index, group, rows, nodes, schema, source, maps: opened.maps },
          from,
          to,
          batchRows,
          batchBytes,
        )
      }
    }
  } finally {
    await source.close()
  }
}

interface Group {
  readonly path: string
  readonly index: number
  readonly group: RowGroup
  readonly rows: number
  readonly nodes: readonly ColumnNode[]
  readonly schema: Schema
  readonly source: ByteSource
  readonly maps: Map<string, PageMap>
}

async function* readGroup(
  task: Group,
  from: number,
  to: number,
  batchRows: number,
  batchBytes: number,
): AsyncGenerator<RecordBatch> {
  const { path, index, group, schema, nodes } = task
  const where = (leaf: string): string => `row group ${index}, column ${leaf}`
  const readers = await openReaders(task, from > 0)
  for (const reader of readers) await guardAsync(path, where(reader.leaf.path), () => reader.seek(from))
  const size = readers.reduce(
    (sum, { leaf }) => sum + Number(group.columns[leaf.index].meta_data!.total_uncompressed_size),
    0,
  )
  const likely = Math.max(1, Math.floor(batchBytes / Math.max(1, size / task.rows)))
  for (let row = from; row < to;) {
    let count = Math.min(batchRows, to - row, likely)
    const stretches = new Map<number, RowStretch>()
    const commits: (() => void)[] = []
    for (;;) {
      let bytes = 0
      commits.length = 0
      for (const reader of readers) {
        const planned = await guardAsync(path, where(reader.leaf.path), () => reader.plan(count))
        stretches.set(reader.leaf.index, planned)
        commits.push(() => reader.commit(planned, count))
        bytes += planned.bytes
      }
      if (bytes <= batchBytes || count === 1) break
      count = Math.max(1, Math.min(count >> 1, Math.floor((count * batchBytes) / bytes)))
    }
    const children = nodes.map(node =>
      guard(path, where(node.name), () => checkText(assemble(node, stretches, count), node)),
    )
    for (const commit of commits) commit()
    row += count
    // before the last rows are handed on: whatever is wrong with their columns is known by then
    if (row === task.rows) {
      for (const reader of readers) await guardAsync(path, where(reader.leaf.path), () => reader.finish())
    }
    yield new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length: count, nullCount: 0, children }))
  }
}

async function openReaders(
  { path, index, group, rows, nodes, source, maps }: Group,
  inMiddle: boolean,
): Promise<ColumnReader[]> {
  const leaves = nodes.flatMap(leavesOf)
  for (const { index: i, path: column } of leaves) {
    if (group.columns[i].crypto_metadata === undefined) continue
    fail(
      path,
      `row group ${index}, column ${column} is encrypted, which cannot be read here; leave it out by the option 'columns', which names those to carry, or decrypt the file`,
    )
  }
  const chunks = leaves.map(leaf => group.columns[leaf.index].meta_data!)
  const ranges = chunks.map(chunkRange)
  const first = ranges.reduce((least, { start }) => Math.min(least, start), Infinity)
  const last = ranges.reduce((most, { end }) => Math.max(most, end), 0)
  // many small chunks beside each other: one read instead of one each
  const span =
    last - first <= SMALL_SPAN && leaves.length > 0 ? new Uint8Array(await source.slice(first, last)) : undefined
  const size = Math.max(1 << 16, Math.min(SMALL_SPAN, Math.floor(WINDOWS_BYTES / Math.max(1, leaves.length))))
  const room: Room = { taken: 0 }
  return Promise.all(
    leaves.map(async (leaf, i) => {
      const key = `${index}/${leaf.index}`
      let map = maps.get(key)
      if (!map) {
        map = inMiddle
          ? await guardAsync(path, `row group ${index}, column ${leaf.path}, page index`, () =>
              readPageMap(source, group, leaf, rows),
            )
          : undefined
        maps.set(key, (map ??= { offsets: [], rows: [] }))
      }
      return new ColumnReader(leaf, chunks[i], new Window(source, ranges[i].end, size, span, first), rows, map, room)
    }),
  )
}

async function readPageMap(
  source: ByteSource,
  group: RowGroup,
  leaf: Leaf,
  rows: number,
): Promise<PageMap | undefined> {
  const { offset_index_offset: offset, offset_index_length: length, meta_data: meta } = group.columns[leaf.index]
  if (!offset || !length) return undefined
  const from = Number(offset),
    { start, end } = chunkRange(meta!)
  if (!(from >= 4 && length > 0 && from + length <= source.byteLength)) {
    throw new Error(`lies at bytes ${from} to ${from + length} of ${source.byteLength}: the footer is damaged`)
  }
  const bytes = await source.slice(from, from + length)
  if (endOfStruct(new Uint8Array(bytes), 0, OFFSET_INDEX) === undefined) {
    throw new Error(`goes on beyond its ${length} bytes: it is damaged`)
  }
  const pages = readOffsetIndex({ view: new DataView(bytes), offset: 0 }).page_locations
  const map = { offsets: pages.map(page => Number(page.offset)), rows: pages.map(page => Number(page.first_row_index)) }
  for (const [i, at] of map.offsets.entries()) {
    const row = map.rows[i],
      isAfter = i === 0 ? row === 0 && at >= start : row >= map.rows[i - 1] && at > map.offsets[i - 1]
    if (!isAfter || at >= end || row > rows) {
      throw new Error(
        `says that page ${i} begins at byte ${at} with row ${row}, in a chunk of bytes ${start} to ${end} and ${rows} rows: it is damaged, write the file again`,
      )
    }
  }
  return map
}

function pickColumns(
  { path, schema }: ParquetFile,
  nodes: readonly ColumnNode[],
  columns: readonly string[] | undefined,
): readonly ColumnNode[] {
  if (!columns) return nodes
  const missing = columns.filter(name => !nodes.some(node => node.name === name))
  if (missing.length > 0) {
    fail(path, `has no column ${missing.join(', ')}; it has ${schema.names.map(String).join(', ')}`)
  }
  return nodes.filter(node => columns.includes(node.name))
}

/**
 * A column read as text because of a name must be text; annotated text is the file's own promise and is passed on as
 * it is.
 */
function checkText(data: Data, node: ColumnNode): Data {
  if ((TEXT_COLUMNS.has(node.name) || leavesOf(node).some(leaf => leaf.isTaken)) && !isText(data)) {
    throw new Error('its bytes are not UTF-8; convert them, or rename the column to read it as binary')
  }
  return data
}

function isText(data: Data): boolean {
  return (data.typeId !== Type.Utf8 || isUtf8(data.values as Uint8Array)) && data.children.every(isText)
}

function readSchema(metadata: FileMetaData): { nodes: ColumnNode[]; schema: Schema } {
  const root = parquetSchema(metadata),
    nodes = buildNodes(root, readHints(metadata, root))
  return { nodes, schema: new Schema(nodes.map(fieldOf)) }
}

/**
 * Types that the format itself has not, by the path of the column: time zones, where it knows UTC or local, durations,
 * which it has as numbers, and UUIDs (as Utf8) of writers that do not annotate them. Only the Arrow schema has them.
 */
function readHints(metadata: FileMetaData, root: SchemaTree): ReadonlyMap<string, DataType> {
  const text = metadata.key_value_metadata?.find(({ key }) => key === 'ARROW:schema')?.value
  const hints = new Map<string, DataType>()
  if (!text) return hints
  try {
    const bytes = Buffer.from(text, 'base64')
    // the mark and the length of a message come first
    checkMessage(bytes.subarray(8, 8 + bytes.readInt32LE(4)))
    const { fields } = RecordBatchReader.from(bytes).open().schema
    for (const tree of root.children) {
      const field = fields.find(({ name }) => name === tree.element.name)
      if (field) addHints(tree, field, hints)
    }
  } catch {
    // a hint that Arrow JS cannot read (a type it lacks) is no reason to refuse the file: zones are then UTC
    hints.clear()
  }
  return hints
}

function addHints({ path, children }: SchemaTree, field: Field, hints: Map<string, DataType>): void {
  const type: DataType = field.type
  if (DataType.isDictionary(type)) return
  if (children.length === 0) {
    hints.set(path.join('.'), isUuid(field) ? new Utf8() : type)
  } else if (DataType.isStruct(type)) {
    for (const child of children) {
      const field = type.children.find(({ name }) => name === child.element.name)
      if (field) addHints(child, field, hints)
    }
  } else if (DataType.isMap(type)) {
    const inner = type.children[0].type.children
    children[0].children.forEach((child, i) => inner[i] && addHints(child, inner[i], hints))
  } else if (type.children?.length === 1 && children[0].children.length === 1) {
    // a list, the item of a list in three levels
    addHints(children[0].children[0], type.children[0], hints)
  }
}

/** Bytes of the footer. */
async function checkEnds(path: string, source: ByteSource): Promise<number> {
  const size = source.byteLength
  const again = 'fetch or write it again'
  if (size < 12) fail(path, `has ${size} bytes, a Parquet file has at least 12; it is empty or cut, ${again}`)
  const head = new DataView(await source.slice(0, 4)).getUint32(0, true)
  const foot = new DataView(await source.slice(size - 8, size))
  const tail = foot.getUint32(4, true)
  if (head === ENCRYPTED || tail === ENCRYPTED) fail(path, 'is encrypted, which cannot be read here; decrypt it first')
  if (head !== MAGIC && tail !== MAGIC) {
    fail(
      path,
      kindOf(new Uint8Array(await source.slice(0, 8))) ??
        'is not a Parquet file (PAR1 at neither end); give a Parquet file, or name a file of another format by its ending (.jsonl, .arrow) or its source stage',
    )
  }
  if (head !== MAGIC) fail(path, `begins without PAR1, so its first bytes are damaged; ${again}`)
  if (tail !== MAGIC) fail(path, `ends without PAR1, so it is cut or was not closed by its writer; ${again}`)
  const footer = foot.getUint32(0, true)
  if (footer > size - 12) {
    fail(
      path,
      `says that its footer has ${footer} bytes, at most ${size - 12} in a file of ${size}; it is damaged, ${again}`,
    )
  }
  if (footer > MOST_FOOTER) {
    fail(
      path,
      `has a footer of ${footer} bytes, at most ${MOST_FOOTER} are read; write it with fewer row groups or columns a file`,
    )
  }
  return footer
}

async function readFooter(source: ByteSource, length: number): Promise<FileMetaData> {
  const size = source.byteLength
  const bytes = new Uint8Array(await source.slice(size - 8 - length, size))
  if (endOfStruct(bytes.subarray(0, length), 0, FOOTER) === undefined) {
    throw new Error(`it goes on beyond its ${length} bytes`)
  }
  let metadata: FileMetaData
  try {
    metadata = parquetMetadata(bytes, { geoparquet: false })
  } catch {
    // each part is as it should be, so they do not fit each other: statistics are read by the schema
    throw new Error('its row groups do not fit its schema')
  }
  checkElements(metadata.schema)
  return metadata
}

/** A schema is a list of elements, each followed by as many below it as it says. */
function checkElements(elements: readonly SchemaElement[]): void {
  if (elements.length > MOST_ELEMENTS) {
    throw new Error(`a schema of ${elements.length} elements, at most ${MOST_ELEMENTS} are read`)
  }
  // how many are still to come at each level
  const due = [1]
  for (const { name, num_children: children = 0, type, type_length: width } of elements) {
    while (due.length > 0 && due[due.length - 1] === 0) due.pop()
    if (due.length === 0) throw new Error(`the schema ends before its element ${name}`)
    due[due.length - 1]--
    if (children < 0 || children > elements.length) {
      throw new Error(`the schema's element ${name} has ${children} below it, in a schema of ${elements.length}`)
    }
    if (due.length > MOST_NESTING) {
      throw new Error(`the schema's element ${name} lies deeper than ${MOST_NESTING} levels, the most that are read`)
    }
    if (type === 'FIXED_LEN_BYTE_ARRAY' && !(width! > 0 && width! <= MOST_FIXED)) {
      throw new Error(
        `the schema's element ${name} has values of ${width ?? 'no'} bytes, at least 1 and at most ${MOST_FIXED} are read`,
      )
    }
    if (children > 0) due.push(children)
  }
  if (due.some(count => count > 0)) {
    throw new Error(`the schema has ${elements.length} elements, fewer than those say that there are`)
  }
}

/**
 * Holds what the footer says of row groups and column chunks against itself and against the bytes that there are before
 * it, [4, end). Gives where the last chunk ends.
 */
function checkChunks(
  path: string,
  { row_groups: groups, num_rows: total }: FileMetaData,
  end: number,
  nodes: readonly ColumnNode[],
): number {
  const leaves = nodes.flatMap(leavesOf)
  const again = 'the file is damaged, fetch or write it again'
  const ranges: { where: string; start: number; end: number }[] = []
  let rows = 0n
  for (const [index, { columns, num_rows: count }] of groups.entries()) {
    if (count < 0n || count > Number.MAX_SAFE_INTEGER) fail(path, `row group ${index} has ${count} rows; ${again}`)
    rows += count
    if (columns.length !== leaves.length) {
      fail(path, `row group ${index} has ${columns.length} columns, its schema ${leaves.length}; the footer is damaged`)
    }
    // writers leave the offsets of a row group without rows at 0
    if (count === 0n) continue
    for (const [i, { meta_data: meta, file_path: elsewhere }] of columns.entries()) {
      const { rep, path: name, physical } = leaves[i],
        where = `row group ${index}, column ${name}`
      if (!meta || elsewhere) {
        fail(
          path,
          `${where} is ${elsewhere ? `in another file (${elsewhere})` : 'encrypted'}, which cannot be read here; rewrite the file`,
        )
      }
      if (meta.path_in_schema.join('.') !== name || meta.type !== physical) {
        fail(
          path,
          `${where} is not as in the schema: its chunk is of ${meta.path_in_schema.join('.')}, ${meta.type ?? 'of no known type'}, not ${physical}; the footer is damaged`,
        )
      }
      const range = chunkRange(meta)
      if (!(range.start >= 4 && range.end <= end && range.end > range.start)) {
        fail(
          path,
          `${where} lies at bytes ${range.start} to ${range.end}, outside of the file's pages (4 to ${end}); ${again}`,
        )
      }
      ranges.push({ where, ...range })
      const values = meta.num_values
      if (rep > 0 ? values < count : values !== count) {
        fail(path, `${where} has ${values} values by its metadata for ${count} rows; ${again}`)
      }
    }
  }
  if (rows !== total) fail(path, `its row groups have ${rows} rows, its footer says ${total}; ${again}`)
  if (rows > MOST_ROWS) fail(path, `has ${rows} rows, at most ${MOST_ROWS} are read from one file; split it`)
  ranges.sort((a, b) => a.start - b.start)
  for (let i = 1; i < ranges.length; i++) {
    const before = ranges[i - 1],
      { where, start } = ranges[i]
    if (start < before.end) {
      fail(
        path,
        `${where} begins at byte ${start}, inside of ${before.where} (bytes ${before.start} to ${before.end}); the footer is damaged, fetch or write it again`,
      )
    }
  }
  checkOrdinals(path, groups)
  return ranges.at(-1)?.end ?? 4
}

/**
 * Two files in one (`cat a b`), of which the footer knows the last: where it fits the bytes of the first, half of the
 * rows would be missed. Only indexes lie between the last chunk and the footer.
 */
async function checkJoined(path: string, source: ByteSource, start: number, end: number): Promise<void> {
  const indexes = Buffer.from(await source.slice(start, Math.min(end, start + MOST_INDEXES))),
    at = indexes.indexOf('PAR1PAR1')
  if (at >= 0) {
    fail(
      path,
      `is two Parquet files in one, the second from byte ${start + at + 4} on, and only one of them can be read so; part them, or write them again as one`,
    )
  }
}

/**
 * Some writers give all row groups the number 0, or none; where each has its own, they are those of the file in its
 * order.
 */
function checkOrdinals(path: string, groups: readonly { readonly ordinal?: number }[]): void {
  const ordinals = groups.map(group => group.ordinal)
  if (ordinals.includes(undefined) || new Set(ordinals).size < groups.length) return
  const at = ordinals.findIndex((ordinal, index) => ordinal !== index)
  if (at >= 0) {
    fail(
      path,
      `row group ${at} says that it is number ${ordinals[at]}: row groups are missing or have changed places; fetch or write it again`,
    )
  }
}

async function hasChecksum(source: ByteSource, chunk: ColumnMetaData): Promise<boolean> {
  const { start, end } = chunkRange(chunk)
  const bytes = new Uint8Array(await source.slice(start, Math.min(end, start + (1 << 16))))
  return parsePageHeader(bytes)?.header.crc !== undefined
}

function fail(path: string, message: string): never {
  throw new Error(`read_parquet: ${path}: ${message}`)
}

function guard<T>(path: string, where: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    fail(path, `${where}: ${messageOf(error)}`)
  }
}

async function guardAsync<T>(path: string, where: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    fail(path, `${where}: ${messageOf(error)}`)
  }
}

function messageOf(error: unknown): string {
  // about a server or a disk, not about what is in the file
  if (error instanceof SluiceError || isReadFault(error)) throw error
  return (error instanceof Error ? error.message : String(error)).split('\n')[0]
}
