/** `sluice why`: the whole way of a row through a run, why it ended where it did, and what would have kept it. */
import type { AnyKind } from '../../engine/contract/define.ts'
import { EXIT, SluiceError } from '../../engine/errors.ts'
import { families, type ShownReason } from '../../engine/report/shape.ts'
import { readManifest, why, type LedgerRow } from '../../engine/run/inspect.ts'
import type { Manifest } from '../../engine/run/manifest.ts'
import { findRows, type Found } from './find_rows.ts'
import { measured } from './measure.ts'
import { reasonsOf, stageOf } from './reasons.ts'
import { textsOf, type Row, type Texts } from './rows.ts'
import { decisionLine, number, percent } from './say.ts'

/** A stage that the row came to. */
export interface Step {
  readonly stage: string
  readonly use: string
  readonly came: 'on' | 'out' | 'failed'
  /** What was measured there; `limit` is what it was held against. */
  readonly numbers: readonly { readonly name: string; readonly value: number; readonly limit: number | null }[]
  readonly notes: readonly string[]
}

/** All that is known of a row. Its keys are those of its row in the ledger, and these. */
export interface Told extends LedgerRow {
  /** What became of it. */
  readonly said: string
  /** Why, a sentence each. */
  readonly why: readonly string[]
  readonly way: readonly Step[]
  /** What would have kept it; nothing of a row that is kept. */
  readonly back?: { readonly decision?: string; readonly set: readonly string[]; readonly said?: string }
  readonly made: readonly {
    readonly id: string
    readonly sink: string
    readonly stage: string
    readonly proof: string
  }[]
  readonly texts?: Texts
  /** What the run has not, so that nothing can be said of it. */
  readonly lacks: readonly string[]
}

export interface Asked {
  readonly run: string
  /** Said before the rows, where the word needed reading. */
  readonly notes: readonly string[]
  readonly rows: readonly Told[]
}

/** What is known of the rows that a word names: an id, or FILE:ROW. Ends with 66 where there is none. */
export async function whyRows(run: string, what: string): Promise<Asked> {
  const own = await why(run, what),
    manifest = readManifest(run),
    // pairs that are made of a row have its id, and ~<stage> or a number behind it
    parent = what.replace(/(~[^~]+|-\d+)$/, ''),
    made = own.length === 0 && parent !== what ? await why(run, parent) : [],
    found = await findRows(run, manifest, own.length > 0 ? own : made),
    isMade = made.length > 0 && found.some(({ pairs }) => pairs.some(({ id }) => id === what)),
    rows = own.length > 0 ? own : isMade ? made : []
  if (rows.length === 0) {
    throw new SluiceError(
      `sluice why: no row '${what}' in the ledger of ${run}${manifest.sample === undefined ? '' : ', which is of a sample'}${parent === what ? '' : ', and no pair of that id in its sinks or among what was set aside'}; ids are as in the input, rows count from 0`,
      EXIT.noInput,
    )
  }
  const fitting = new Set(own.filter(({ id }) => id !== what).map(({ file }) => file)),
    reasons = await reasonsOf(run, manifest)
  return {
    run,
    notes: [
      ...(isMade ? [`no row has the id '${what}'; as a pair made of '${parent}':`] : []),
      ...(fitting.size > 1 ? [`'${what}' fits ${fitting.size} files; name more of the path to ask of one:`] : []),
      ...(own.length > 1 && fitting.size <= 1 ? [`'${what}' is the id of ${own.length} rows:`] : []),
    ],
    rows: await Promise.all(rows.map((row, i) => told(manifest, reasons, row, found[i]))),
  }
}

async function told(manifest: Manifest, reasons: readonly ShownReason[], row: LedgerRow, found: Found): Promise<Told> {
  const reason = reasons.find(one => one.stage === row.stage && one.reason === row.reason),
    node = manifest.graph.stages.find(({ id }) => id === row.stage),
    stage = node && (await stageOf(node.use))
  const lacks: string[] = []
  if (found.row === undefined) lacks.push(`its texts are in no file of the run; they are row ${row.row} of ${row.file}`)
  else if (found.isOneOf > 1) lacks.push(`${found.isOneOf} rows of its output have this id; the texts are of the first`)
  if (row.decision === undefined) lacks.push('the run is older than the column that says what people decided')
  const way = await wayOf(manifest, row, found)
  return {
    ...row,
    said: fateOf(manifest, row, reason),
    why: whyOf(manifest, row, reason, found),
    way,
    ...(row.outcome === 'kept' ? {} : { back: backOf(row, reason, stage) }),
    made: found.pairs,
    ...(found.row ? { texts: textsOf(found.row) } : {}),
    lacks,
  }
}

// ------------------------------------------------------------------------------------------------ what became of it

const listed = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names[names.length - 1]}`

/** In one line, in plain words. */
function fateOf({ graph, sinks: all }: Manifest, row: LedgerRow, reason: ShownReason | undefined): string {
  const { outcome, stage, sinks, detail } = row,
    isForReview = (sink: string) => graph.stages.find(({ id }) => id === sink)?.with.for === 'review',
    waits = sinks.filter(isForReview),
    name = `${stage}.${row.reason}`,
    words = reason ? families[reason.family] : String(row.reason).replaceAll('_', ' '),
    also = waits.length > 0 ? `; on the list ${listed(waits)}` : ''
  if (outcome === 'errored') return `errored: ${stage} failed on it${also}`
  if (outcome === 'kept') {
    const there = sinks.filter(sink => !isForReview(sink)),
      kept = there.length > 0 ? `kept, in ${listed(there)}${also}` : `kept: nothing left it out${also}`
    if (row.reason === null) return kept
    if (detail === 'spared') {
      return `${kept}; but for ${row.decision ? '--decisions' : '--keep-ids'} it would have been left out: ${words} (${name})`
    }
    return `${kept}; another of its pairs, or it on another way, was left out: ${words} (${name})`
  }
  if (stage !== null) {
    return waits.length > 0
      ? `set aside by ${stage}, waits in ${listed(waits)}: ${words} (${name})`
      : `left out by ${stage}: ${words} (${name})`
  }
  if (row.reason === 'parent') return `in no output itself: it is the parent of pairs in ${detail}`
  if (row.reason === 'rejected_side') return `in no output as a row: it is the rejected side of a pair of ${detail}`
  const none = Object.keys(all).length === 0 ? 'the graph has no output' : 'no output took it'
  return waits.length > 0
    ? `left out (unused): it is in ${listed(waits)} alone, for people`
    : `left out (unused): ${none}`
}

// ---------------------------------------------------------------------------------------------------------- why

/** Sentences for reasons of our own stages, by the name of stage and reason; others say what their number is. */
const sentences: Readonly<Record<string, (value: string, limit: string, survivor: string | undefined) => string>> = {
  'drop_near_duplicates.near_duplicate': (value, limit, survivor) =>
    `It is nearly the same pair as one of its cluster: ${value} alike, where 1 is the same; the limit is ${limit}. ${survivor ?? 'An earlier row'} stays.`,
  'drop_duplicates.duplicate': (value, _, survivor) =>
    `The same pair is there ${value} times in the input. ${survivor ?? 'Another row'} stays.`,
  'drop_duplicates.contradictory': value =>
    `The same pair has the opposite label in ${value} other ${value === '1' ? 'row' : 'rows'}. Which label is right cannot be seen from them.`,
  'drop_length_ratio.length_ratio': (value, limit) =>
    `One answer is ${value} times as long as the other; the limit is ${limit}.`,
}

function whyOf(manifest: Manifest, row: LedgerRow, reason: ShownReason | undefined, found: Found): string[] {
  const { stage, detail, numbers, outcome } = row,
    decided = row.decision ? [`People decided: ${row.decision}.`] : []
  if (row.reason === 'error') return [`${stage} failed on it: ${detail ?? 'without a word'}`, ...decided]
  if (row.reason === null) return ['Nothing spoke against it.', ...judgedOf(manifest, found.row), ...decided]
  if (stage === null) {
    const noted = found.notes.map(({ stage, note }) => `${stage} noted of it: ${note.replaceAll('_', ' ')}.`)
    return [...(noted.length > 0 ? noted : ['No stage left it out.']), ...decided]
  }
  const use = manifest.stages[stage]?.use,
    [measure] = numbers,
    survivor = survivorOf(row),
    make = sentences[`${use}.${row.reason}`]
  const said = (() => {
    if (reason?.family === 'labels' && judgedOf(manifest, found.row).length > 0) return []
    if (make && measure) return [make(number(measure.value), number(measure.limit), survivor)]
    const about = reason?.about ?? '',
      text = about === '' ? String(row.reason).replaceAll('_', ' ') : about,
      limit = measure === undefined || measure.limit === null ? '' : `, the limit is ${number(measure.limit)}`
    const value = measure ? `: ${number(measure.value)}${limit}` : ''
    return [
      `${text[0].toUpperCase()}${text.slice(1)}${value}.`,
      ...(survivor ? [`It yields to ${survivor}.`] : detail !== null && detail !== 'spared' ? [`${detail}.`] : []),
    ]
  })()
  const against = reason?.family === 'labels' ? ['Reviewers speak against the label.'] : [],
    judged = judgedOf(manifest, found.row)
  const labels = said.length === 0 ? [...against, ...judged] : said
  return [...labels, ...(outcome === 'kept' && said.length > 0 ? judged : []), ...decided]
}

/** The row that it yields to. */
const survivorOf = ({ reason, detail, file, row }: LedgerRow): string | undefined =>
  reason === 'error' || detail === null || !/:\d+$/.test(detail)
    ? undefined
    : detail === `${file}:${row}`
      ? 'another of its own pairs'
      : detail

/** What reviewers say of the label: of the first stage that says how likely it is right. */
function judgedOf({ graph }: Manifest, row: Row | undefined): string[] {
  if (row === undefined) return []
  const of = graph.stages.map(({ id }) => id).find(id => typeof row[`${id}_probability`] === 'number')
  if (of === undefined) return []
  const begin = `${of}_margin_`,
    signed = (value: number) => (value < 0 ? '' : '+') + value.toFixed(2),
    margins = Object.entries(row).flatMap(([name, value]) =>
      name.startsWith(begin) && typeof value === 'number' ? [`${name.slice(begin.length)} ${signed(value)}`] : [],
    ),
    sum = row[`${of}_margin`],
    against = row[`${of}_against`]
  const all = [...margins, ...(typeof sum === 'number' ? [`weighed sum ${signed(sum)}`] : [])]
  return [
    `The label is right with ${percent(row[`${of}_probability`] as number)}, as ${of} says.`,
    ...(all.length > 0 ? [`${all.join(', ')}; below 0 speaks against it.`] : []),
    ...(typeof against === 'string' && against !== '' ? against.split(' | ').map(each => `Against it: ${each}.`) : []),
  ]
}

// ---------------------------------------------------------------------------------------------------------- way

type StageSaid = Manifest['graph']['stages'][number]
const nodesOf = ({ from }: StageSaid): string[] =>
  (Array.isArray(from) ? (from as string[]) : Object.values(from as Record<string, string[]>).flat()).map(
    name => name.split('.')[0],
  )

/** The stages that a row came to, in order of the graph. */
async function wayOf(manifest: Manifest, row: LedgerRow, found: Found): Promise<Step[]> {
  const { stages } = manifest.graph,
    byId = new Map(stages.map(one => [one.id, one])),
    isAudit = (one: StageSaid) => !Array.isArray(one.from),
    on = new Set<string>()
  const above = (id: string) => {
    if (on.has(id) || !byId.has(id)) return
    on.add(id)
    nodesOf(byId.get(id)!).forEach(above)
  }
  const ended = row.outcome === 'kept' ? null : row.stage,
    noted = found.notes.map(({ stage }) => stage)
  const ends = ended !== null ? [ended, ...row.sinks] : row.sinks.length > 0 ? row.sinks : noted
  for (const id of [...ends, ...noted, ...found.pairs.map(({ stage }) => stage)]) above(id)
  // of a row that nobody took all that may have seen it
  if (ends.length === 0) for (const { id } of stages) above(id)
  const passed = stages.filter(one => on.has(one.id) && !isAudit(one) && !Object.hasOwn(manifest.sinks, one.id))
  return Promise.all(
    passed.map(async ({ id, use, with: options }): Promise<Step> => {
      const isEnd = id === ended
      const own = numbersOf(id, found.row),
        // the number of its own column says the same, and what it is
        held = isEnd
          ? row.numbers.filter(({ value, limit }) => value !== null && (limit !== null || own.length === 0))
          : []
      const given = held.length > 0 ? (held as Step['numbers']) : own
      // where it went for something that has no number, those of other reasons say nothing
      const numbers = given.length > 0 || isEnd ? given : await measured(use, options, found.row)
      return {
        stage: id,
        use,
        came: isEnd ? (row.outcome === 'errored' ? 'failed' : 'out') : 'on',
        numbers,
        notes: found.notes.filter(one => one.stage === id).map(({ note }) => note),
      }
    }),
  )
}

/** What a stage wrote of a row: how likely its label is right, else the first number. */
function numbersOf(id: string, row: Row = {}): Step['numbers'] {
  const names = [`${id}_probability`, ...Object.keys(row).filter(name => name.startsWith(`${id}_`))],
    name = names.find(name => typeof row[name] === 'number')
  return name === undefined ? [] : [{ name: name.slice(id.length + 1), value: row[name] as number, limit: null }]
}

// --------------------------------------------------------------------------------------------- what would have kept it

function backOf(
  row: LedgerRow,
  reason: ShownReason | undefined,
  stage: AnyKind | undefined,
): NonNullable<Told['back']> {
  const { id, outcome, stage: of } = row
  if (outcome === 'errored') {
    return { set: [], said: 'mend what fails: no decision keeps a row that a stage failed on' }
  }
  if (row.reason === 'parent') {
    return { set: [], said: 'a sink that reads the stage before the one that made pairs of it' }
  }
  if (row.reason === 'rejected_side') return { set: [], said: `its pair: ask why of ${row.detail}` }
  if (of === null) return { set: [], said: 'a sink without a limit, or one that reads what it went to' }
  if (row.decision === 'drop') {
    return { set: [], said: 'people decided so: take the line out of the file of --decisions' }
  }
  if (reason?.kind === 'broken') {
    return { set: [], said: 'mend the row in its file: no trainer could use it, so no decision keeps it' }
  }
  return { decision: decisionLine(id), set: [...limitsOf(row, reason, stage), ...actionsOf(of, stage)] }
}

type Property = {
  readonly type?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly anyOf?: unknown[]
  readonly enum?: unknown[]
}
const propertiesOf = (stage: AnyKind | undefined): Readonly<Record<string, Property>> =>
  (stage?.options as { properties?: Record<string, Property> } | undefined)?.properties ?? {}

/** The limit by which the row would have gone on, where there is one. */
function limitsOf(
  { stage, numbers }: LedgerRow,
  reason: ShownReason | undefined,
  declared: AnyKind | undefined,
): string[] {
  const option = reason?.limit?.option,
    [measure] = numbers
  if (option === undefined || measure === undefined || measure.value === null || measure.limit === null) return []
  const { type, minimum = -Infinity, maximum = Infinity } = propertiesOf(declared)[option] ?? {},
    isUp = measure.value >= measure.limit,
    step = type === 'integer' ? 1 : 1e-3
  const near = (isUp ? Math.ceil : Math.floor)(measure.value / step) * step,
    wanted = type === 'integer' || near !== measure.value ? near : near + (isUp ? step : -step),
    limit = Number(wanted.toFixed(3))
  return limit >= minimum && limit <= maximum ? [`${stage}.${option}=${limit}`] : []
}

/** An action of the stage that drops nothing. */
function actionsOf(id: string, stage: AnyKind | undefined): string[] {
  const { action } = propertiesOf(stage),
    words = JSON.stringify(action ?? {})
  return words.includes('"annotate"') ? [`${id}.action=annotate`] : []
}
