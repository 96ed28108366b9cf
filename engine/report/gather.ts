/** What one partition's pass notes for the page: rows to read, features of the sides, values of columns. */
import type { Data } from 'apache-arrow'
import { DataType } from 'apache-arrow'
import { messagesColumn, numberColumn, textColumn, type NumberColumn } from '../arrow/columns.ts'
import { isMade, type Flow } from '../arrow/flow.ts'
import { hash32, mix32 } from '../arrow/hash.ts'
import { writtenName } from '../graph/columns.ts'
import { effectOf, fitRounds, isTraining, writesOf, type Node } from '../graph/types.ts'
import type { Op } from '../run/plan.ts'
import type { Clustered } from '../shuffle/found.ts'
import { countPair, noneWritten, pairFeatures, type Written } from './features.ts'
import { PartReader, type PartCodes } from './parts.ts'
import { blockOf, Picker, type Picked, type Picks, type Told } from './picks.ts'
import type { ShownRow } from './shape.ts'
import { isMessages } from './texts.ts'

type Used = Pick<Node, 'id' | 'stage' | 'options'>

/** A row of one of the largest clusters. */
export interface Clusters {
  readonly stage: string
  readonly cluster: number
  readonly place: number
  readonly size: number
  readonly row: Picked
}
/** Of a sink with a limit, the features of those that it may take, by their places. */
interface Held {
  readonly places: Uint32Array
  readonly features: Uint32Array
}
export interface PassShown {
  readonly picks: Picks
  readonly clusters: readonly Clusters[]
  readonly before: Written
  readonly after: Written
  readonly held: Readonly<Record<string, Held>>
  readonly parts: readonly PartCodes[]
  /** One bit a source row of the partition: a stage that judges labels noted it as doubtful. */
  readonly doubted: Uint8Array
}

/** Where a stage notes that it doubts a label. */
const DOUBTFUL = 'doubtful'
export const KEPT = 'kept'
/** Candidates of a sink with a limit whose texts are held, on average. */
const HELD_ROWS = 200

/** The name of rows with the lowest numbers in a column: kept ones, or those set aside. */
export const lowestName = (column: string, isKept: boolean): string => `lowest${isKept ? '' : '_dropped'}.${column}`

/**
 * Features are counted of one source row in so many, a power of 4 by the rows that a run reads: to look at each of a
 * million would cost more than it tells.
 */
export const everyOf = (rows: number): number =>
  4 ** Math.max(0, Math.ceil(Math.log(rows / FEATURE_ROWS) / Math.log(4)))
const FEATURE_ROWS = 16_000

/** The training sinks by which rows are counted: of several that take the same, the first. */
export function countedSinks(levels: readonly (readonly Op[])[], nodes: ReadonlyMap<string, Used>): Set<string> {
  const taken = new Map<string, string>()
  for (const op of levels.flat()) {
    if (op.kind !== 'sink' || !isTraining(nodes.get(op.node)!)) continue
    const inputs = [...op.inputs].sort().join(' ')
    if (!taken.has(inputs)) taken.set(inputs, op.node)
  }
  return new Set(taken.values())
}

/** What stages that judge labels say of a row in numbers: columns, the probability of each panel first. */
function panelColumns(nodes: Iterable<Used>): { probabilities: string[]; numbers: string[] } {
  const probabilities: string[] = [],
    numbers: string[] = []
  for (const node of nodes) {
    if (node.stage.kind !== 'stage' || node.stage.category !== 'find wrong labels') continue
    const names = Object.entries(writesOf(node)).flatMap(([name, type]) =>
      type === 'float64' && /^(probability|agreement|margin(_.*)?)$/.test(name) ? [writtenName(node.id, name)] : [],
    )
    numbers.push(...names)
    if (fitRounds(node).length > 0) probabilities.push(...names.filter(name => name === `${node.id}_probability`))
  }
  return { probabilities, numbers }
}

const columnOf = ({ schema, columns }: Flow, name: string): Data | undefined =>
  columns[schema.fields.findIndex(field => field.name === name)]

/** Whether a block's rows are pairs whose sides can be looked at. */
function sidesOf(flow: Flow) {
  const [chosen, rejected] = ['chosen', 'rejected'].map(name => columnOf(flow, name))
  return chosen && rejected && isMessages(chosen.type) && isMessages(rejected.type)
    ? { chosen: messagesColumn(chosen), rejected: messagesColumn(rejected) }
    : undefined
}

interface Setting {
  readonly seed: number
  /** See `everyOf`. */
  readonly every: number
  readonly nodes: ReadonlyMap<string, Used>
  readonly counted: ReadonlySet<string>
}
interface Range {
  readonly start: number
  readonly end: number
  /** Of its rows those that are read. */
  readonly read: number
}

export class PassNotes {
  readonly #setting: Setting
  readonly #range: Range
  readonly #picker: Picker
  readonly #clusters: Clusters[] = []
  readonly #before = noneWritten()
  readonly #after = noneWritten()
  readonly #held: Record<string, Held> = {}
  readonly #parts: PartReader
  readonly #doubted: Uint8Array
  readonly #panels: ReturnType<typeof panelColumns>
  readonly #makers: readonly Used[]
  readonly #mark: number

  constructor(setting: Setting, range: Range, label: string) {
    this.#setting = setting
    this.#range = range
    this.#picker = new Picker(label)
    this.#parts = new PartReader(range.read)
    this.#doubted = new Uint8Array((range.end - range.start + 7) >> 3)
    const all = [...setting.nodes.values()]
    this.#panels = panelColumns(all)
    this.#makers = all.filter(node => effectOf(node) === 'derive')
    const bytes = Buffer.from(label)
    this.#mark = hash32(bytes, 0, bytes.length, setting.seed)
  }

  /** Rows of a source, as they lie, and the pairs that were read of them. */
  read(raw: Pick<Flow, 'schema' | 'columns' | 'rows'>, pairs: Flow): void {
    this.#parts.read(raw)
    this.#features(pairs, features => countPair(this.#before, features))
  }

  /** Rows that a source refused, or had more to say of. */
  refused(node: string, flow: Flow, ids: Data, reasons: readonly string[]): void {
    const block = blockOf(flow, this.#setting.seed, () => ({ numbers: [] }), undefined, ids)
    for (const [reason, rows] of byReason(reasons)) this.#picker.offer(`${node}.${reason}`, block, rows)
  }

  /**
   * Rows that a stage dropped or noted, of all that it looked at; `reasons[i]` is of row `rows[i]`. `told` says more of
   * a dropped one.
   */
  aside(
    node: Used,
    kind: 'dropped' | 'notes',
    flow: Flow,
    rows: readonly number[],
    reasons: readonly string[],
    told: (row: number, reason: string) => Partial<Told>,
  ): void {
    const numbers = this.#numbersOf(flow),
      reasonOf = new Map(rows.map((row, i) => [row, reasons[i]])),
      tell = (row: number): Told => {
        const { numbers: own = [], ...more } = told(row, reasonOf.get(row)!)
        return { numbers: [...own, ...numbers(row)], ...more }
      }
    const block = blockOf(flow, this.#setting.seed, tell, rows)
    for (const [reason, places] of byReason(reasons)) {
      this.#picker.offer(
        `${node.id}.${reason}`,
        block,
        places.map(i => rows[i]),
      )
    }
    if (kind === 'dropped') {
      const ofLabels = rows.filter((_, i) => node.stage.reasons[reasons[i]]?.family === 'labels')
      if (ofLabels.length > 0) this.#lowest(block, ofLabels, false)
      return
    }
    if (node.stage.kind !== 'stage' || node.stage.category !== 'find wrong labels') return
    rows.forEach((row, i) => {
      const at = flow.row[row] - this.#range.start
      if (reasons[i] === DOUBTFUL) this.#doubted[at >> 3] |= 1 << (at & 7)
    })
  }

  /** Rows of the largest clusters of a stage; `base`: of how many rows that it gathered the block is behind. */
  clustered(stage: string, { row, cluster, place, size }: Clustered, flow: Flow, base: number): void {
    const here = [...row.keys()].filter(i => row[i] >= base && row[i] < base + flow.rows)
    if (here.length === 0) return
    const places = here.map(i => row[i] - base),
      block = blockOf(flow, this.#setting.seed, () => ({ numbers: [] }), places),
      rows = this.#picker.read(block, places)
    here.forEach((i, k) => {
      this.#clusters.push({ stage, cluster: cluster[i], place: place[i], size: size[i], row: rows[k] })
    })
  }

  /** Rows that go to a sink. */
  written(sink: string, flow: Flow): void {
    if (!this.#setting.counted.has(sink)) return
    const block = blockOf(flow, this.#setting.seed, this.#teller(flow)),
      names = this.#namesOf(flow)
    for (const [name, rows] of names) this.#picker.offer(name, block, rows)
    if (names.has(KEPT)) this.#lowest(block, names.get(KEPT), true)
    this.#features(flow, features => countPair(this.#after, features))
  }

  /** Rows of which a sink with a limit takes some: which, is known when all have been seen. */
  held(sink: string, flow: Flow, limit: number): void {
    if (!this.#setting.counted.has(sink)) return
    const block = blockOf(flow, this.#setting.seed, this.#teller(flow)),
      places: number[] = [],
      features: number[] = []
    for (const [name, rows] of this.#namesOf(flow)) {
      this.#picker.hold(
        `${sink} ${name}`,
        block,
        rows ?? [...flow.copy.keys()],
        2 ** 32 * Math.min(1, HELD_ROWS / limit),
      )
    }
    this.#features(flow, (of, row) => {
      places.push(row)
      features.push(of)
    })
    this.#held[sink] = { places: Uint32Array.from(places), features: Uint32Array.from(features) }
  }

  end(): PassShown {
    return {
      picks: this.#picker.picks(),
      clusters: this.#clusters,
      before: this.#before,
      after: this.#after,
      held: this.#held,
      parts: this.#parts.codes(),
      doubted: this.#doubted,
    }
  }

  /** Features of the source rows that are looked at; of made pairs none, which would hide what cleaning changed. */
  #features(flow: Flow, take: (features: number, row: number) => void): void {
    const sides = sidesOf(flow),
      mask = this.#setting.every - 1
    if (!sides) return
    for (let row = 0; row < flow.rows; row++) {
      if (isMade(flow.copy[row])) continue
      if (mask !== 0 && (mix32(this.#mark ^ flow.row[row]) & mask) !== 0) continue
      take(pairFeatures(sides.chosen, sides.rejected, row), row)
    }
  }

  #lowest(block: Parameters<Picker['offer']>[1], rows: readonly number[] | undefined, isKept: boolean): void {
    for (const column of this.#panels.probabilities) {
      const data = columnOf(block.flow, column)
      if (data) this.#picker.offer(lowestName(column, isKept), block, rows, numberColumn(data).values)
    }
  }

  /** What stages that judge labels said of a row. */
  #numbersOf(flow: Flow): (row: number) => ShownRow['numbers'] {
    const columns = this.#panels.numbers.flatMap((name): [string, NumberColumn][] => {
      const data = columnOf(flow, name)
      return data && DataType.isFloat(data.type) ? [[name, numberColumn(data)]] : []
    })
    return row =>
      columns.flatMap(([name, { values }]) =>
        Number.isNaN(values[row]) ? [] : [{ name, value: values[row], limit: null }],
      )
  }

  /** Rows of a sink by what they are, kept or made by a stage, by type; undefined is all. */
  #namesOf(flow: Flow): Map<string, number[] | undefined> {
    if (!flow.copy.some(isMade)) return new Map([[KEPT, undefined]])
    const names = new Map<string, number[]>(),
      makers = this.#makersIn(flow)
    for (let row = 0; row < flow.rows; row++) {
      const name = isMade(flow.copy[row]) ? (makers(row)?.name ?? 'made') : KEPT
      if (!names.has(name)) names.set(name, [])
      names.get(name)!.push(row)
    }
    return names
  }

  /** The stage that made a row: the last of those by which it has a parent. */
  #makersIn(flow: Flow) {
    const texts = (id: string, name: string) => {
      const data = columnOf(flow, writtenName(id, name))
      return data && DataType.isUtf8(data.type) ? textColumn(data) : undefined
    }
    const makers = this.#makers.toReversed().flatMap(({ id }) => {
      const parent = texts(id, 'parent'),
        more = { type: texts(id, 'type'), proof: texts(id, 'proof') }
      return parent ? [{ id, parent, ...more }] : []
    })
    return (row: number) => {
      const by = makers.find(({ parent }) => !parent.isNull(row))
      if (!by) return undefined
      const type = by.type?.text(row) ?? ''
      return { name: `${by.id}.${type || 'made'}`, type, parent: by.parent.text(row), proof: by.proof?.text(row) ?? '' }
    }
  }

  #teller(flow: Flow): (row: number) => Told {
    const numbers = this.#numbersOf(flow),
      makers = this.#makersIn(flow),
      sides = sidesOf(flow)
    return row => {
      const made = isMade(flow.copy[row]) ? makers(row) : undefined
      if (!made) return { numbers: numbers(row) }
      const { type, parent, proof } = made,
        change = sides ? changeOf(sides.chosen.text(row), sides.rejected.text(row)) : { before: '', after: '' }
      return { numbers: numbers(row), made: { parent, type, ...change, proof } }
    }
  }
}

function byReason(reasons: readonly string[]): Map<string, number[]> {
  const found = new Map<string, number[]>()
  reasons.forEach((reason, i) => {
    if (!found.has(reason)) found.set(reason, [])
    found.get(reason)!.push(i)
  })
  return found
}

/** Characters of a change at most. */
const MOST_CHANGED = 200
/** What the first text has between what both begin and end with, and the second in its place, from word to word. */
export function changeOf(right: string, wrong: string): { before: string; after: string } {
  const isEdge = (text: string, at: number) => at <= 0 || at >= text.length || /\s/.test(text[at - 1])
  let from = 0,
    end = 0
  while (from < right.length && from < wrong.length && right[from] === wrong[from]) from++
  while (from > 0 && !isEdge(right, from)) from--
  const most = Math.min(right.length, wrong.length) - from
  while (end < most && right[right.length - 1 - end] === wrong[wrong.length - 1 - end]) end++
  while (end > 0 && !/\s/.test(right[right.length - end])) end--
  const cut = (text: string) => text.slice(from, text.length - end).slice(0, MOST_CHANGED)
  return { before: cut(right), after: cut(wrong) }
}
