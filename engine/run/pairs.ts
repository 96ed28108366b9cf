/** Pairs of two rows: what a stage gives for groups of candidates, and the pairs where their chosen sides lie. */
import type { Data, Field, Schema } from 'apache-arrow'
import type { Output } from '../contract/define.ts'
import { concat, makeText, nulls, runsOfRows, take, textColumn } from '../arrow/columns.ts'
import { isMade, OF_MADE, PAIRED, takeFlow, withColumns, type Flow } from '../arrow/flow.ts'
import { hash32, mix32 } from '../arrow/hash.ts'
import { besides, writtenName } from '../graph/columns.ts'
import { columnOf, StageMistake } from './given.ts'
import type { Paired, Partners } from './messages.ts'

/** Of what travels, the name of the column that becomes a pair's `name` where its row is the partner. */
export const ofPartner = (name: string): string => `#${name}`

/** Pairs of rows of a block, ascending by parent, with the columns that are not the parent's. */
export interface Pairs {
  readonly parents: readonly number[]
  readonly partners: readonly number[]
  readonly columns: readonly Data[]
}

/** What a stage gave for a block, held against its rule: every row is a side of a pair, or dropped. */
export function pairsOf(
  id: string,
  flow: Flow,
  result: Output | void,
  said: Uint8Array,
  fields: readonly Field[],
): Pairs {
  const { parents = [], partners = [], columns = {} } = result ?? {},
    count = parents.length
  const wrong = (why: string) => new StageMistake(`${id}: ${why}`)
  if (partners.length !== count) {
    throw wrong(`the stage gives ${count} parents and ${partners.length} partners; a pair is one of each`)
  }
  const groupOf = new Int32Array(flow.rows),
    groups = flow.groups!,
    isSide = new Uint8Array(flow.rows),
    seen = new Set<number>()
  for (let g = 0; g + 1 < groups.length; g++) groupOf.fill(g, groups[g], groups[g + 1])
  for (let i = 0; i < count; i++) {
    const [parent, partner] = [parents[i], partners[i]],
      pair = parent * flow.rows + partner
    if (groupOf[parent] === undefined || groupOf[parent] !== groupOf[partner] || parent === partner) {
      throw wrong(
        `pair ${i} is of rows ${parent} and ${partner} of a block of ${flow.rows}; a pair is two rows of one group`,
      )
    }
    if (seen.has(pair)) throw wrong(`pair ${i} is of rows ${parent} and ${partner}, as one before it`)
    seen.add(pair)
    isSide[parent] = isSide[partner] = 1
  }
  for (let row = 0; row < flow.rows; row++) {
    if (isSide[row] === said[row]) {
      throw wrong(
        isSide[row]
          ? `row ${row} of a block is a side of a pair, and dropped; it is one or the other`
          : `row ${row} of a block is in no pair, and nothing is said of it; drop it for a reason`,
      )
    }
  }
  const given = new Map(Object.entries(columns).map(([name, values]) => [writtenName(id, name), values]))
  for (const name of given.keys()) {
    // the partner's are not the stage's to give
    if (!fields.some(field => field.name === name) || partOfPartner(flow, name)) {
      throw wrong(`column '${name}' is not among the columns that the stage says it writes`)
    }
  }
  const order = Array.from({ length: count }, (_, i) => i).sort((a, b) => parents[a] - parents[b] || a - b),
    runs = runsOfRows(order)
  return {
    parents: order.map(i => parents[i]),
    partners: order.map(i => partners[i]),
    columns: fields.map(({ name, type }) => {
      const column = partOfPartner(flow, name),
        values = given.get(name)
      if (column) return take(column, runsOfRows(order.map(i => partners[i])))
      if (values === undefined) throw wrong(`the stage declares ${name} but did not write it`)
      return take(columnOf(`${id}: column '${name}'`, type, values, count), runs)
    }),
  }
}

const partOfPartner = ({ schema, columns }: Flow, name: string): Data | undefined =>
  columns[schema.fields.findIndex(field => field.name === ofPartner(name))]

/** Pairs of parts of a block, of which each begins at one of `starts`. */
export function joinPairs(parts: readonly (Pairs | undefined)[], starts: readonly number[]): Pairs | undefined {
  const some = parts.flatMap((pairs, i) => (pairs ? [{ ...pairs, start: starts[i] }] : []))
  if (some.length === 0) return undefined
  return {
    parents: some.flatMap(({ parents, start }) => parents.map(row => row + start)),
    partners: some.flatMap(({ partners, start }) => partners.map(row => row + start)),
    columns: some[0].columns.map((_, c) => concat(some.map(({ columns }) => columns[c]))),
  }
}

const NONE: Paired = {
  parent: new Uint32Array(0),
  file: new Int32Array(0),
  row: new Float64Array(0),
  isDerived: new Uint8Array(0),
  files: [],
  ends: new Float64Array(0),
  bytes: new Uint8Array(0),
}

/**
 * Makes the pairs of a partition's blocks, in order: the rows of their parents, with `added` beside. Their copies are
 * numbers that follow from the partner, so that they stay what they are whatever else the graph makes.
 */
export function pairMaker(paired: Paired = NONE) {
  const copies = new Set<number>(),
    hashes = paired.files.map(([, label]) => {
      const bytes = Buffer.from(label)
      return hash32(bytes, 0, bytes.length, 0)
    })
  let source = -1
  const copyOf = (row: number, copy: number, pair: number): number => {
    if (row !== source) copies.clear()
    source = row
    let hash = mix32(mix32(hashes[paired.file[pair]] ^ paired.row[pair]) ^ copy)
    while (copies.has(hash % OF_MADE)) hash++
    copies.add(hash % OF_MADE)
    return (PAIRED | (isMade(copy) ? OF_MADE : 0) | (hash % OF_MADE)) >>> 0
  }
  /** Pairs `from` to before `to`, whose parents are `parents` of the block. */
  return (output: Schema, flow: Flow, parents: readonly number[], from: number, added: ReadonlyMap<string, Data>) => {
    const base = takeFlow(flow, runsOfRows(parents)),
      copy = Uint32Array.from(parents, (row, i) => copyOf(flow.row[row], flow.copy[row], from + i)),
      to = from + parents.length
    // of another answer, which was rejected before
    const all = new Map(added)
    for (const { name, type } of besides(flow.schema.fields, ['rejected'])) {
      if (!all.has(name)) all.set(name, nulls(type, parents.length))
    }
    const ids = textColumn(flow.columns[flow.schema.fields.findIndex(({ name }) => name === 'id')])
    let number = 0
    const names = parents.map((row, i) => {
      number = i > 0 && parents[i - 1] === row ? number + 1 : 0
      return number === 0 ? ids.text(row) : `${ids.text(row)}-${number}`
    })
    const partners: Partners = {
      row: base.row,
      copy,
      file: paired.file.slice(from, to),
      of: paired.row.slice(from, to),
      isDerived: paired.isDerived.slice(from, to),
      files: paired.files,
    }
    return { out: { ...withColumns(base, output, all.set('id', makeText(names))), copy }, partners }
  }
}
