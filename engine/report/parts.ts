/**
 * What became of rows by a column of the input that has few values, as a source or an annotator: its values are noted
 * while rows are read, a byte a row, and counted where the ledger says what became of each.
 */
import { DataType, type Schema } from 'apache-arrow'
import { decoder, encoder, textColumn } from '../arrow/columns.ts'
import type { Flow } from '../arrow/flow.ts'
import { jsonValueOf } from '../arrow/plain.ts'
import type { Shown, ShownPart } from './shape.ts'

/** A column with more values than so many is none of few, nor one with a longer value. */
const MOST_VALUES = 200
const MOST_BYTES = 80
/** Columns that are looked at, and those that are shown; values that are shown of each. */
const MOST_LOOKED = 8
const MOST_COLUMNS = 3
const MOST_SHOWN = 14
/** Fewer rows a value than so many make it a name of rows, and not of parts. */
const LEAST_ROWS = 5
/** The value of rows that have none, and how it and those that are not shown are called. */
const NONE = ''
const NONE_SHOWN = '(none)'
const OTHERS = 'others'
const BY_FILE = 'file'

/** Numbers are scores or sizes, but those that name who or where. */
const whose = /annotator|worker|labell?er|rater|user|judge|source|subset|dataset|task|group|topic|category/i
const isPart = ({ name, type }: Schema['fields'][number]): boolean =>
  !/^(id|prompt|chosen|rejected)$/.test(name) &&
  (DataType.isUtf8(type) || ((DataType.isInt(type) || DataType.isBool(type)) && whose.test(name)))

/** The values of a row that parts may be made of; '' is none. */
export function partsOf({ schema, columns }: Pick<Flow, 'schema' | 'columns'>, row: number): Record<string, string> {
  const some = schema.fields.flatMap((field, i): [string, string][] =>
    isPart(field) ? [[field.name, String(jsonValueOf(columns[i], row) ?? NONE)]] : [],
  )
  return Object.fromEntries(some.filter(([, value]) => value.length <= MOST_BYTES))
}
/** Which of the values shown is that of a row with such `parts`; undefined where a stage took the column away. */
export function partOf(
  { column, values }: Shown['parts'][number],
  parts: Readonly<Record<string, string>>,
  file: string,
): string | undefined {
  const value = Object.hasOwn(parts, column) ? parts[column] || NONE_SHOWN : column === BY_FILE ? file : undefined
  return value === undefined || values.some(one => one.value === value) ? value : OTHERS
}

/** The values of a column, and which of them each row of a partition has; 0 is none. Where they are many, nothing. */
export interface PartCodes {
  readonly column: string
  readonly few?: { readonly values: readonly string[]; readonly codes: Uint8Array }
}

/** Notes the values of columns of the rows of a partition, in order. */
export class PartReader {
  #columns: ValueCodes[] | undefined
  #rows = 0
  readonly #most: number
  /** `rows`: of the partition. */
  constructor(rows: number) {
    this.#most = rows
  }

  read({ schema, columns, rows }: Pick<Flow, 'schema' | 'columns' | 'rows'>): void {
    this.#columns ??= schema.fields
      .filter(isPart)
      .slice(0, MOST_LOOKED)
      .map(({ name }) => new ValueCodes(name, this.#most))
    for (const codes of this.#columns) {
      if (codes.isFew) codes.read(columns[schema.fields.findIndex(({ name }) => name === codes.column)], this.#rows)
    }
    this.#rows += rows
  }

  codes(): PartCodes[] {
    return (this.#columns ?? []).map(({ column, isFew, values, codes }) => ({
      column,
      ...(isFew ? { few: { values, codes } } : {}),
    }))
  }
}

/** Of a table of values, four times as many as there may be: 10 bits of a hash. */
const SLOTS = 1024
class ValueCodes {
  readonly column: string
  readonly values: string[] = [NONE]
  readonly codes: Uint8Array
  isFew = true
  readonly #bytes: Uint8Array[] = [new Uint8Array(0)]
  readonly #slots = new Uint8Array(SLOTS)
  constructor(column: string, rows: number) {
    this.column = column
    this.codes = new Uint8Array(rows)
  }

  read(data: Flow['columns'][number], from: number): void {
    if (DataType.isUtf8(data.type)) return this.#texts(data, from)
    for (let row = 0; this.isFew && row < data.length; row++) {
      const value = jsonValueOf(data, row)
      if (value === null) continue
      const bytes = encoder.encode(String(value))
      this.codes[from + row] = this.#codeOf(bytes, 0, bytes.length)
    }
  }

  #texts(data: Flow['columns'][number], from: number): void {
    const { bytes, offsets, rows } = textColumn(data),
      { codes } = this
    let start = offsets[0],
      code = 0,
      before = 0
    for (let row = 0; this.isFew && row < rows; row++) {
      const end = offsets[row + 1]
      if (end > start) {
        // rows of one source often stand together
        if (code === 0 || end - start !== start - before || !isSame(bytes, before, start, end)) {
          code = this.#codeOf(bytes, start, end)
        }
        codes[from + row] = code
      } else code = 0
      before = start
      start = end
    }
  }

  /** The place of a value among those that were there, or of a new one behind them. */
  #codeOf(bytes: Uint8Array, start: number, end: number): number {
    if (end - start > MOST_BYTES) return this.#giveUp()
    // few bytes tell most values apart, and all of them are compared
    const middle = bytes[(start + end) >> 1],
      hash = Math.imul(
        Math.imul(bytes[start] ^ (middle << 8) ^ (bytes[end - 1] << 16), 0x9e3779b1) ^ (end - start),
        0x85ebca6b,
      )
    const slots = this.#slots,
      known = this.#bytes
    let slot = hash >>> 22
    for (; slots[slot] !== 0; slot = (slot + 1) % SLOTS) {
      if (isEqual(known[slots[slot]], bytes, start, end)) return slots[slot]
    }
    const code = this.values.length
    if (code > MOST_VALUES) return this.#giveUp()
    slots[slot] = code
    known.push(bytes.slice(start, end))
    this.values.push(decoder.decode(bytes.subarray(start, end)))
    return code
  }

  #giveUp(): number {
    this.isFew = false
    return 0
  }
}

/** Whether the bytes before a place are those behind it. */
function isSame(bytes: Uint8Array, before: number, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] !== bytes[before + i - start]) return false
  return true
}

function isEqual(value: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (value.length !== end - start) return false
  for (let i = 0; i < value.length; i++) if (value[i] !== bytes[start + i]) return false
  return true
}

/** Rows by what became of them: kept, or why not. */
interface Fates {
  read: number
  kept: number
  doubted: number
  readonly dropped: Record<string, number>
}
const noFates = (): Fates => ({ read: 0, kept: 0, doubted: 0, dropped: {} })

/** By column and value. Rows of a file have its label in the column ''; a column with many values has none. */
export type PartCounts = Map<string, Map<string, Fates> | undefined>

/**
 * Counts the rows of a partition, in order: `fates` of them as places in `names`, of which the first is of kept ones;
 * `isDoubted` has a 1 for those that are.
 */
export function countParts(
  columns: readonly PartCodes[],
  file: string,
  fates: Uint16Array,
  names: readonly string[],
  isDoubted: Uint8Array,
): PartCounts {
  const byFile: PartCodes = { column: '', few: { values: [file], codes: new Uint8Array(fates.length) } },
    isAny = isDoubted.includes(1)
  return new Map(
    [byFile, ...columns].map(({ column, few }) => {
      if (!few) return [column, undefined] as const
      const { values, codes } = few,
        counts = new Uint32Array(values.length * names.length),
        doubted = new Uint32Array(values.length)
      for (let row = 0; row < fates.length; row++) counts[codes[row] * names.length + fates[row]]++
      if (isAny) for (let row = 0; row < fates.length; row++) doubted[codes[row]] += isDoubted[row]
      const all = values.map((value, v): [string, Fates] => {
        const [kept, ...lost] = counts.subarray(v * names.length, (v + 1) * names.length),
          dropped = Object.fromEntries(lost.flatMap((n, i) => (n > 0 ? [[names[i + 1], n] as const] : [])))
        return [value, { read: lost.reduce((sum, n) => sum + n, kept), kept, doubted: doubted[v], dropped }]
      })
      return [column, new Map(all.filter(([, { read }]) => read > 0))] as const
    }),
  )
}

function addFates(to: Fates, from: Fates): void {
  for (const name of ['read', 'kept', 'doubted'] as const) to[name] += from[name]
  for (const [why, n] of Object.entries(from.dropped)) to.dropped[why] = (to.dropped[why] ?? 0) + n
}
/** Partitions are added as they are done: the order of names says nothing. */
const inOrder = (counts: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)))

/** Adds what was counted of another partition. */
export function addParts(to: PartCounts, from: PartCounts): void {
  for (const [column, values] of from) {
    const known = to.has(column) ? to.get(column) : new Map<string, Fates>()
    to.set(column, values && known)
    if (!values || !known) continue
    for (const [value, fates] of values) {
      if (!known.has(value)) known.set(value, noFates())
      addFates(known.get(value)!, fates)
    }
    if (known.size > MOST_VALUES + 1 && column !== '') to.set(column, undefined)
  }
}

/**
 * The columns that tell most of what is kept, and the files where there is none: of each the values with the most rows,
 * the rest together.
 */
export function shownParts(counts: PartCounts): { column: string; values: ShownPart[] }[] {
  const files = counts.get('') ?? new Map<string, Fates>(),
    all = noFates()
  for (const fates of files.values()) addFates(all, fates)
  const told = [...counts].flatMap(([column, values]) => {
    if (column === '' || !values) return []
    const whole = withNone(values, all)
    return whole.size > 1 && whole.size * LEAST_ROWS <= all.read
      ? [{ column, values: whole, bits: tells(whole, all) }]
      : []
  })
  told.sort((a, b) => b.bits - a.bits || (a.column < b.column ? -1 : 1))
  const columns = told.slice(0, MOST_COLUMNS).map(({ column, values }) => ({ column, values: shown(values) }))
  return columns.length > 0 ? columns : [{ column: BY_FILE, values: shown(files) }]
}

/** Files of another schema have not the column: their rows have no value. */
function withNone(values: ReadonlyMap<string, Fates>, all: Fates): Map<string, Fates> {
  const known = noFates()
  for (const fates of values.values()) addFates(known, fates)
  if (known.read === all.read) return new Map(values)
  const missing = noFates()
  for (const name of ['read', 'kept', 'doubted'] as const) missing[name] = all[name] - known[name]
  for (const [why, n] of Object.entries(all.dropped)) {
    const rest = n - (known.dropped[why] ?? 0)
    if (rest > 0) missing.dropped[why] = rest
  }
  const none = values.get(NONE)
  if (none) addFates(missing, none)
  return new Map([...values, [NONE, missing]])
}

/** How much the value says of whether a row is kept, in bits, less what it would by chance. */
function tells(values: ReadonlyMap<string, Fates>, all: Fates): number {
  let bits = 0
  for (const { read, kept } of values.values()) {
    for (const [part, whole] of [
      [kept, all.kept],
      [read - kept, all.read - all.kept],
    ]) {
      if (part > 0) bits += (part / all.read) * Math.log2((part * all.read) / (read * whole))
    }
  }
  return bits - (values.size - 1) / (2 * all.read * Math.LN2)
}

function shown(values: ReadonlyMap<string, Fates>): ShownPart[] {
  const order = [...values].sort(([a, x], [b, y]) => y.read - x.read || (a < b ? -1 : 1)),
    parts = (some: typeof order) =>
      some.map(([value, { dropped, ...fates }]): ShownPart => ({
        value: value === NONE ? NONE_SHOWN : value,
        ...fates,
        dropped: inOrder(dropped),
      }))
  if (order.length <= MOST_SHOWN) return parts(order)
  const others = noFates()
  for (const [, fates] of order.slice(MOST_SHOWN - 1)) addFates(others, fates)
  return parts([...order.slice(0, MOST_SHOWN - 1), [OTHERS, others]])
}
