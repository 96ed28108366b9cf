/** `sluice show`: which rows of one fate are read. */
import { EXIT, SluiceError } from '../../engine/errors.ts'
import { nearest } from '../../engine/graph/messages.ts'
import { families } from '../../engine/report/shape.ts'
import { readLedger, readManifest, type LedgerBlock, type LedgerRow } from '../../engine/run/inspect.ts'
import type { Manifest } from '../../engine/run/manifest.ts'
import { reasonsOf } from './reasons.ts'
import { blocksIn, foldersOf, rankOf, sinksOf, textsOf, wholeRow, type Block, type Row, type Texts } from './rows.ts'

/** Which rows, of which there is one kind at a time. */
export interface ShowOptions {
  /** `<stage>.<reason>`, or `<stage>.error`. */
  readonly reason?: string
  /** `<stage>.<note>`. */
  readonly noted?: string
  readonly isMade?: boolean
  readonly isKept?: boolean
  /** A column by which the lowest come first; '': the first that says how likely labels are right. */
  readonly lowest?: string
  /** Two numbers: rows whose number lies there alone. */
  readonly between?: string
  readonly count?: number
}

/** A row to read, with what is known of it. */
export interface Shown extends Texts {
  readonly id: string
  readonly file: string | null
  readonly row: number | null
  readonly numbers: readonly { readonly name: string; readonly value: number | null; readonly limit: number | null }[]
  /** The row that it yields to, as `file:row`. */
  readonly partner?: string
  readonly made?: { readonly parent: string; readonly type: string; readonly proof: string }
}
export interface ShownRows {
  readonly run: string
  /** `<stage>.<reason>`, `<stage>.<note>`, 'made' or 'kept'. */
  readonly name: string
  /** In plain words. */
  readonly said: string
  /** How many there are in all, and of how many rows that were read. */
  readonly count: number
  readonly of: number
  readonly seed: number
  readonly lowest?: string
  readonly rows: readonly Shown[]
  /** Whether `--decisions` can keep them. */
  readonly isSpared: boolean
}

const USUAL = 5
const kinds = '--reason STAGE.REASON, --noted STAGE.NOTE, --made or --kept'

/** The k rows with the lowest keys, of equal ones the first; nothing else is held. */
function lowestOf<T>(most: number) {
  let best: { key: number; at: number; value: T }[] = [],
    at = 0
  const order = () => {
    best = best.sort((a, b) => a.key - b.key || a.at - b.at).slice(0, most)
  }
  return {
    count: 0,
    add(key: number, value: () => T) {
      this.count++
      const isIn = best.length < most || key < best[best.length - 1].key
      if (isIn) {
        best.push({ key, at, value: value() })
        order()
      }
      at++
    },
    values: () => best.map(({ value }) => value),
  }
}

/** Reads the rows that are asked for. */
export async function shownRows(run: string, options: ShowOptions): Promise<ShownRows> {
  const manifest = readManifest(run),
    asked = {
      reason: options.reason,
      noted: options.noted,
      made: options.isMade,
      kept: options.isKept || (options.lowest !== undefined && !options.isMade),
    },
    given = Object.entries(asked).filter(([, value]) => value !== undefined && value !== false)
  if (given.length !== 1) {
    const why = given.length === 0 ? `name what to show: ${kinds}` : `one of ${kinds}, and not several`
    throw new SluiceError(`sluice show: ${why}; ${thereAre(manifest)}`, EXIT.usage)
  }
  const between = rangeOf(options.between),
    most = options.count ?? USUAL,
    base = { run, of: manifest.rows.read, seed: manifest.graph.seed }
  if (options.reason !== undefined) {
    const found = await ofReason(run, manifest, options.reason, between, most)
    return { ...base, ...found }
  }
  if (options.noted !== undefined) return { ...base, ...(await ofNote(run, manifest, options.noted, most)) }
  return { ...base, ...(await ofSinks(run, manifest, options, between, most)) }
}

function rangeOf(text: string | undefined): readonly [number, number] | undefined {
  if (text === undefined) return undefined
  const [low, high, ...more] = text.split(',').map(Number)
  if (more.length === 0 && low <= high) return [low, high]
  throw new SluiceError(
    `sluice show: --between ${text} is not two numbers, the lower one first, as in --between 0.8,0.9`,
    EXIT.usage,
  )
}

/** What a run has to show, so that a wrong word is mended at once. */
function thereAre({ stages }: Manifest): string {
  const of = (key: 'reasons' | 'notes') =>
    Object.entries(stages).flatMap(([id, stage]) => Object.keys(stage[key]).map(name => `${id}.${name}`))
  const errored = Object.entries(stages).flatMap(([id, { errored }]) => (errored > 0 ? [`${id}.error`] : [])),
    reasons = [...of('reasons'), ...errored],
    notes = of('notes')
  return `this run has ${reasons.length > 0 ? `the reasons ${reasons.join(', ')}` : 'left out no row for a reason'}${notes.length > 0 ? `, and the notes ${notes.join(', ')}` : ''}`
}

function named(manifest: Manifest, what: string, kind: 'reasons' | 'notes'): [stage: string, name: string] {
  const [stage, name, ...more] = what.split('.'),
    own = Object.hasOwn(manifest.stages, stage) ? manifest.stages[stage] : undefined
  if (
    own &&
    more.length === 0 &&
    (Object.hasOwn(own[kind], name) || (name === 'error' && kind === 'reasons' && own.errored > 0))
  ) {
    return [stage, name]
  }
  const all = Object.entries(manifest.stages).flatMap(([id, one]) =>
      Object.keys(one[kind]).map(name => `${id}.${name}`),
    ),
    near = nearest(what, all),
    flag = kind === 'notes' ? 'noted' : 'reason'
  throw new SluiceError(
    `sluice show: no row has --${flag} ${what}${near ? `; did you mean ${near}?` : ''}; ${thereAre(manifest)}`,
    EXIT.usage,
  )
}

const placeOf = (file: unknown, row: unknown): string => `${String(file)}:${String(row)}`

async function ofReason(
  run: string,
  manifest: Manifest,
  what: string,
  between: readonly [number, number] | undefined,
  most: number,
) {
  const [stage, reason] = named(manifest, what, 'reasons'),
    seed = manifest.graph.seed,
    about = (await reasonsOf(run, manifest)).find(one => one.stage === stage && one.reason === reason)
  const isOf = (block: LedgerBlock, i: number) => block.reason(i) === reason && block.stage(i) === stage
  const picked = lowestOf<{ row: Row; place: string }>(most),
    // rows of which the ledger has the number are picked there; others where they were set aside
    places = between === undefined ? undefined : lowestOf<LedgerRow>(most)
  if (places) {
    for await (const block of readLedger(run)) {
      for (let i = 0; i < block.rows; i++) {
        if (!isOf(block, i)) continue
        const row = block.whole(i)
        if (inRange(row, between!)) places.add(rankOf(seed, row.id), () => row)
      }
    }
  }
  const wanted = new Set(places?.values().map(({ file, row }) => placeOf(file, row)))
  for (const folder of foldersOf(manifest, 'dropped', stage)) {
    for await (const block of blocksIn(run, manifest, folder)) {
      for (let i = 0; i < block.rows; i++) {
        if (block.value('dropped_reason', i) !== reason) continue
        const place = placeOf(block.value('source_file', i), block.value('source_row', i))
        if (places && !wanted.has(place)) continue
        picked.add(rankOf(seed, String(block.value('id', i))), () => ({ row: wholeRow(block, i), place }))
      }
    }
  }
  const rows = picked.values(),
    told = new Map<string, LedgerRow>()
  const isWanted = new Set(rows.map(({ place }) => place))
  for await (const block of readLedger(run)) {
    for (let i = 0; i < block.rows; i++) {
      const place = isOf(block, i) ? placeOf(block.file(i), block.row(i)) : ''
      if (isWanted.has(place)) told.set(place, block.whole(i))
    }
  }
  return {
    name: what,
    said: about ? families[about.family] : reason,
    count: places ? places.count : picked.count,
    isSpared: about?.kind !== 'broken' && about?.kind !== 'error',
    rows: rows.map(({ row, place }) => {
      const said = told.get(place)
      return {
        ...rowShown(row),
        numbers: [...numbersIn(row), ...(said?.numbers ?? [])],
        ...(/:\d+$/.test(said?.detail ?? '') && reason !== 'error' ? { partner: said!.detail! } : {}),
      }
    }),
  }
}

const inRange = ({ numbers }: Pick<LedgerRow, 'numbers'>, [low, high]: readonly [number, number]): boolean =>
  numbers.some(({ value }) => value !== null && value >= low && value <= high)

async function ofNote(run: string, manifest: Manifest, what: string, most: number) {
  const [stage, note] = named(manifest, what, 'notes'),
    picked = lowestOf<Row>(most)
  for (const folder of foldersOf(manifest, 'notes', stage)) {
    for await (const block of blocksIn(run, manifest, folder)) {
      for (let i = 0; i < block.rows; i++) {
        if (block.value('noted_reason', i) !== note) continue
        picked.add(rankOf(manifest.graph.seed, String(block.value('id', i))), () => wholeRow(block, i))
      }
    }
  }
  const rows = picked.values(),
    found = await textsIn(run, manifest, rows)
  return {
    name: what,
    said: note.replaceAll('_', ' '),
    count: picked.count,
    isSpared: false,
    rows: rows.map(row => ({ ...rowShown({ ...found.get(row), ...row }), numbers: numbersIn(found.get(row) ?? {}) })),
  }
}

/** Rows of a run that are known by id and place, with their texts: where they were set aside, or in a sink. */
async function textsIn(run: string, manifest: Manifest, rows: readonly Row[]): Promise<Map<Row, Row>> {
  const found = new Map<Row, Row>(),
    open = new Set(rows.filter(row => row.chosen === undefined || found.set(row, row) === undefined)),
    dropped = Object.keys(manifest.stages).flatMap(id => foldersOf(manifest, 'dropped', id)),
    sinks = [...sinksOf(manifest, true), ...sinksOf(manifest, false)]
  for (const folder of [...sinks, ...dropped]) {
    if (open.size === 0) break
    for await (const block of blocksIn(run, manifest, folder)) {
      for (let i = 0; i < block.rows; i++) {
        const id = block.value('id', i)
        for (const row of open) {
          if (row.id !== id) continue
          const isThere =
            !folder.startsWith('dropped/') ||
            placeOf(block.value('source_file', i), block.value('source_row', i)) ===
              placeOf(row.source_file, row.source_row)
          if (!isThere) continue
          found.set(row, wholeRow(block, i))
          open.delete(row)
        }
      }
      if (open.size === 0) break
    }
  }
  return found
}

/** The columns that tell of which row a new one was made, and by which stage. */
export const madeBy = (columns: readonly string[]): string[] =>
  columns.flatMap(name => /^(.+)_parent$/.exec(name)?.slice(1) ?? [])
/** The stage that made a row, if one did. */
export const makerOf = (block: Block, stages: readonly string[], row: number): string | undefined =>
  stages.find(stage => typeof block.value(`${stage}_parent`, row) === 'string')

async function ofSinks(
  run: string,
  manifest: Manifest,
  { isMade = false, lowest }: ShowOptions,
  between: readonly [number, number] | undefined,
  most: number,
) {
  const sinks = sinksOf(manifest, true)
  if (sinks.length === 0) {
    throw new SluiceError(
      `sluice show: ${run} has no output to train on that can be read again; ${thereAre(manifest)}`,
      EXIT.noInput,
    )
  }
  const column = lowest === '' || (lowest === undefined && between) ? judged(manifest, sinks) : lowest
  const there = sinks.flatMap(sink => manifest.sinks[sink].columns)
  if (column !== undefined && !there.includes(column)) {
    const near = nearest(column, there)
    throw new SluiceError(
      `sluice show: no output to train on has a column '${column}'${near ? `; did you mean ${near}?` : ''}; there are ${[...new Set(there)].join(', ')}`,
      EXIT.usage,
    )
  }
  const picked = lowestOf<{ row: Row; maker?: string }>(most),
    seen = new Set<string>()
  for (const [at, sink] of sinks.entries()) {
    for await (const block of blocksIn(run, manifest, sink)) {
      const makers = madeBy(block.columns)
      for (let i = 0; i < block.rows; i++) {
        const maker = makerOf(block, makers, i),
          id = String(block.value('id', i))
        if ((maker !== undefined) !== isMade) continue
        const value = column === undefined ? undefined : block.value(column, i)
        if (column !== undefined && typeof value !== 'number') continue
        if (between && !(Number(value) >= between[0] && Number(value) <= between[1])) continue
        // a row that several sinks have is one
        if (at > 0 && seen.has(id)) continue
        if (sinks.length > 1) seen.add(id)
        const key = lowest === undefined ? rankOf(manifest.graph.seed, id) : Number(value)
        picked.add(key, () => ({ row: wholeRow(block, i), maker }))
      }
    }
  }
  return {
    name: isMade ? 'made' : 'kept',
    said: isMade ? 'made' : 'kept',
    count: picked.count,
    isSpared: false,
    ...(lowest === undefined ? {} : { lowest: column }),
    rows: picked.values().map(({ row, maker }) => {
      const of = (name: string) => String(row[`${maker}_${name}`] ?? '')
      return {
        ...rowShown(row),
        numbers: numbersIn(row),
        ...(maker === undefined ? {} : { made: { parent: of('parent'), type: of('type'), proof: of('proof') } }),
      }
    }),
  }
}

/** The first column that says how likely labels are right. */
function judged({ sinks }: Manifest, of: readonly string[]): string {
  const found = of.flatMap(sink => sinks[sink].columns).find(name => name.endsWith('_probability'))
  if (found !== undefined) return found
  throw new SluiceError(
    'sluice show: no output to train on says how likely labels are right; name a column, as in --lowest score, or add detect_noise to the graph',
    EXIT.usage,
  )
}

/** How likely labels are right, as the first stage says that says it. */
function numbersIn(row: Row): Shown['numbers'] {
  const name = Object.keys(row).find(name => name.endsWith('_probability') && typeof row[name] === 'number')
  return name === undefined ? [] : [{ name, value: row[name] as number, limit: null }]
}

const rowShown = (row: Row) => ({
  id: String(row.id),
  file: typeof row.source_file === 'string' ? row.source_file : null,
  row: typeof row.source_row === 'number' ? row.source_row : null,
  ...textsOf(row),
})
