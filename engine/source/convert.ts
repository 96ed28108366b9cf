/** Raw rows of any layout as pairs: id, prompt, chosen, rejected, then what else the file has. */
import { Float64, Schema, Utf8, type Data, type Field, type List, type RecordBatch } from 'apache-arrow'
import {
  makeFloat64,
  makeText,
  messagesType,
  nullTest,
  runsOf,
  runsOfRows,
  take,
  textColumn,
  messagesColumn,
} from '../arrow/columns.ts'
import { field, toRecordBatch } from '../arrow/flow.ts'
import { saidBeside } from './further_fields.ts'
import { otherFields, pairUp, readScored, scoresIn, type Pairs, type Scored } from './completions.ts'
import {
  checkFields,
  checkText,
  chooseRows,
  cutMessages,
  extrasColumn,
  hasExtras,
  joinPrompts,
  noMessages,
  readForm,
  withHistory,
  withSystem,
} from './forms.ts'
import { type Turns } from './turns.ts'
import { groupOffsets } from './groups.ts'
import { givenIds, pairHasher, rawHash, textFromBytes } from './ids.ts'
import { columnOf, isWhole, usedColumns, type Bound, type Mapping } from './mapping.ts'
import type { layoutReasons } from './reasons.ts'
import type { SourceBatch } from './input.ts'
import { jsonValueOf } from '../arrow/plain.ts'

type ReasonName = keyof typeof layoutReasons

export interface ConvertOptions {
  /** Columns of the file to carry beside the pair; all when undefined. */
  readonly carry?: readonly string[]
  /** Which levels of scored completions meet: see `pairUp`. */
  readonly pairing?: 'adjacent' | 'best_worst'
}

const PAIR = ['id', 'prompt', 'chosen', 'rejected'] as const
const SIDES = ['prompt', 'chosen', 'rejected'] as const

interface Carried {
  readonly from: string
  readonly field: Field
}

/** What a file's rows become. `schema` is of the pairs. */
export interface Converter {
  readonly schema: Schema
  /** `rows` are the file's rows of the batch. The batch must be of the schema that the converter was made for. */
  convert(raw: RecordBatch, rows: Uint32Array): SourceBatch
}

/**
 * Which sides get a column of their messages' further fields: both, if one may have some, so that they can change
 * places.
 */
function extraSides(plan: Mapping, raw: Schema): readonly (typeof SIDES)[number][] {
  const has = (bound: Bound | null) =>
    bound !== null && hasExtras(bound.form, raw.fields.find(({ name }) => name === bound.column)!.type)
  const inSides = has(plan.chosen) || has(plan.rejected)
  return SIDES.filter(side =>
    side === 'prompt'
      ? has(plan.prompt) || (sidesHoldPrompt(plan) && inSides)
      : (inSides && plan[side] !== null) || plan.completions?.extras,
  )
}

/** Whether the sides may be whole conversations. */
const sidesHoldPrompt = ({ chosen, rejected }: Mapping): boolean => isWhole(chosen) && isWhole(rejected)

function carriedColumns(
  plan: Mapping,
  raw: Schema,
  made: readonly string[],
  carry: readonly string[] | undefined,
): Carried[] {
  const used = new Set(usedColumns(plan)),
    taken = new Set<string>([...PAIR, ...made])
  const kept = raw.fields.filter(({ name }) => !used.has(name) && (!carry || carry.includes(name)))
  const names = new Set(kept.map(({ name }) => name))
  return kept.map(column => {
    let { name } = column
    // a column that is not the pair's but has its name
    while (taken.has(name) || (name !== column.name && names.has(name))) name = `source_${name}`
    taken.add(name)
    return { from: column.name, field: field(name, column.type, column.nullable) }
  })
}

/** Makes the converter for files of this raw schema. */
export function openConverter(
  plan: Mapping,
  raw: Schema,
  { carry, pairing = 'adjacent' }: ConvertOptions = {},
): Converter {
  for (const name of usedColumns(plan)) checkFields(name, raw.fields.find(column => column.name === name)!.type)
  const extras = extraSides(plan, raw)
  const made = [
    ...extras.map(side => `source_${side}_fields`),
    ...(plan.completions ? ['source_chosen_score', 'source_rejected_score'] : []),
    ...(plan.completions?.isFlat && plan.id !== null ? ['source_rejected_id'] : []),
  ]
  const { list } = plan.completions ?? {}
  // what a list's completions have beside text and score goes with the side that it speaks of
  const others = list === undefined || (carry && !carry.includes(list)) ? [] : otherFields(plan.completions!, raw)
  const ofSides = (['chosen', 'rejected'] as const).flatMap(side =>
    others.map(({ field: { name, type }, at }) => {
      const own = `source_${side}_${name}`
      return { side, at, field: field(made.includes(own) ? `source_${own}` : own, type) }
    }),
  )
  const carried = carriedColumns(plan, raw, [...made, ...ofSides.map(column => column.field.name)], carry)
  const schema = new Schema([
    field('id', new Utf8(), false),
    ...SIDES.map(side => field(side, messagesType, false)),
    ...made.map(name => field(name, name.endsWith('_score') ? new Float64() : new Utf8())),
    ...ofSides.map(column => column.field),
    ...carried.map(column => column.field),
  ])
  // a row that is no pair is told from others by what a layout needs of it, or by the line that could not be read
  const used = [...usedColumns({ ...plan, id: null }), ...raw.names.map(String).filter(name => name === 'source_line')]
  const convert = plan.completions ? convertCompletions : convertPairs
  return {
    schema,
    convert(batch, rows) {
      const column = (name: string): Data => columnOf(batch, name)!
      for (const name of usedColumns(plan)) checkText(name, column(name))
      const refused: SourceBatch['refused'][number][] = []
      const mask = new Uint8Array(batch.numRows)
      const refuse = (row: number, reason: ReasonName, value?: number, error?: string): void => {
        if (mask[row]) return
        mask[row] = 1
        refused.push({
          row: rows[row],
          reason,
          ...(value === undefined ? {} : { value }),
          ...(error === undefined ? {} : { error }),
        })
      }
      const given = givenIds(plan.id === null ? undefined : column(plan.id), batch.numRows)
      const {
        parents,
        sides,
        madeColumns,
        suffix,
        isBare,
        within = [],
        noted = [],
      } = convert({ plan, rows: batch.numRows, column, refuse, mask, extras, ofSides, pairing })
      refused.sort((a, b) => a.row - b.row)
      const { ids, pairIds } = nameRows(given, parents, sides, suffix, isBare, row => rawHash(used.map(column), row))
      const whole = parents.length === batch.numRows && !suffix
      const runs = whole ? [] : runsOfRows(parents)
      const beside = carried.map(({ from }) => (whole ? column(from) : take(column(from), runs)))
      const pairs = toRecordBatch(schema, [pairIds, ...sides, ...madeColumns, ...beside], parents.length)
      return {
        pairs,
        row: parents.map(row => rows[row]),
        refused,
        within: within.map(part => ({ row: rows[part.row], of: rows[part.of] })),
        noted: noted.map(({ row, reason }) => ({ row: rows[row], reason: reason satisfies ReasonName })),
        rows,
        ids,
        raw: batch,
      }
    },
  }
}

interface Task {
  readonly plan: Mapping
  readonly rows: number
  column(name: string): Data
  refuse(row: number, reason: ReasonName, value?: number, error?: string): void
  /** 1 where a row has been refused. */
  readonly mask: Uint8Array
  readonly extras: readonly (typeof SIDES)[number][]
  /** Fields of completions that become columns of a side, by their place. */
  readonly ofSides: readonly { readonly side: 'chosen' | 'rejected'; readonly at: number }[]
  readonly pairing: 'adjacent' | 'best_worst'
}

/** Pairs of a batch: the raw row of each, the three sides, and the columns that were made. */
interface Made {
  readonly parents: Uint32Array
  readonly sides: readonly Data<List>[]
  readonly madeColumns: readonly Data[]
  /**
   * The number of each pair among its row's, where rows make several; with `isBare` the first of them has none in its
   * id.
   */
  readonly suffix?: Uint32Array
  readonly isBare?: boolean
  /** Rows that are the rejected side of another one's pair, and no pair's own. */
  readonly within?: SourceBatch['within']
  /** Rows with completions that are in no pair. */
  readonly noted?: Pairs['noted']
}

/** The prompt as its column has it; of text with what stands above and below, and after earlier turns. */
function readPrompt({ plan: { prompt, parts }, column, refuse }: Task): Turns {
  const { column: name, form } = prompt!
  const part = (name: string | undefined) => (name === undefined ? undefined : column(name))
  const said =
    parts.context !== undefined || parts.input !== undefined
      ? { data: joinPrompts(column(name), part(parts.context), part(parts.input)) }
      : readForm(form, column(name), 'user')
  const whole = parts.history === undefined ? said : withHistory(said, column(parts.history))
  refuseBad(whole, prompt!, refuse, 'unreadable_prompt')
  return whole
}

function refuseBad(said: Turns, { column }: Bound, refuse: Task['refuse'], reason: ReasonName): void {
  said.bad?.forEach((bad, row) => {
    const fault = bad ? said.faults?.get(row) : undefined
    if (bad) refuse(row, reason, undefined, fault && `${column}: ${fault}`)
  })
}

/** The prompt with its system message. */
const headed = ({ plan: { parts }, column }: Task, prompt: Turns): Turns =>
  parts.system === undefined ? prompt : withSystem(prompt, column(parts.system))

function readSide({ column, refuse }: Task, bound: Bound): Turns {
  const said = readForm(bound.form, column(bound.column), 'assistant')
  refuseBad(said, bound, refuse, bound.form === 'transcript' ? 'unreadable_transcript' : 'unreadable_side')
  return said
}

function refuseNulls({ plan, rows, column, refuse }: Task): void {
  const [prompt, chosen, rejected] = [plan.prompt, plan.chosen, plan.rejected].map(
    bound => bound && column(bound.column),
  )
  if (![prompt, chosen, rejected].some(data => data && data.nullCount > 0)) return
  const [noPrompt, noChosen, noRejected] = [prompt, chosen, rejected].map(data => (data ? nullTest(data) : () => false))
  for (let row = 0; row < rows; row++) {
    if (noPrompt(row)) refuse(row, 'missing_prompt')
    else if (noChosen(row)) refuse(row, noRejected(row) ? 'tied_vote' : 'missing_chosen')
    else if (noRejected(row)) refuse(row, 'missing_rejected')
  }
}

function convertPairs(task: Task): Made {
  const { plan, rows, mask, extras } = task
  refuseNulls(task)
  const chosen = readSide(task, plan.chosen!),
    rejected = plan.rejected ? readSide(task, plan.rejected) : { data: noMessages(rows) }
  const prompt = plan.prompt && readPrompt(task)
  const cuts = sidesHoldPrompt(plan) ? findCuts(task, prompt, chosen, rejected) : new Int32Array(rows)
  const parts = cutAll(task, prompt, chosen, rejected, cuts)
  const runs = runsOf(mask, 0)
  const all = runs.length === 2 && runs[1] - runs[0] === rows
  const keep = <T extends Data>(data: T): T => (all ? data : (take(data, runs) as T))
  return {
    parents: Uint32Array.from(rangeOf(runs)),
    sides: SIDES.map(side => keep(parts[side].data)),
    madeColumns: extras.map(side => keep(extrasColumn(parts[side]))),
  }
}

function rangeOf(runs: readonly number[]): number[] {
  const rows: number[] = []
  for (let r = 0; r < runs.length; r += 2) for (let row = runs[r]; row < runs[r + 1]; row++) rows.push(row)
  return rows
}

/** Of each row, how many messages at the beginning of both sides are the prompt. */
function findCuts(
  { plan, rows, mask, refuse }: Task,
  prompt: Turns | null,
  chosen: Turns,
  rejected: Turns,
): Int32Array {
  const cuts = new Int32Array(rows)
  const a = messagesColumn(chosen.data),
    b = messagesColumn(rejected.data),
    p = prompt && messagesColumn(prompt.data)
  // a tool call says something too
  const says = (said: Turns | null, m: number) => saidBeside(said?.extras?.[m] ?? null)
  const isSame = (x: typeof a, m: number, y: typeof a, n: number) =>
    sameBytes(x.roles, x.roleOffsets[m], x.roleOffsets[m + 1], y.roles, y.roleOffsets[n], y.roleOffsets[n + 1]) &&
    sameBytes(
      x.bytes,
      x.contentOffsets[m],
      x.contentOffsets[m + 1],
      y.bytes,
      y.contentOffsets[n],
      y.contentOffsets[n + 1],
    )
  const isAnswer = (x: typeof a, row: number) =>
    x.offsets[row] === x.offsets[row + 1] || x.roles[x.roleOffsets[x.offsets[row]]] === 0x61
  const isText = plan.prompt?.form === 'text'
  for (let row = 0; row < rows; row++) {
    if (mask[row]) continue
    // sides that begin with the assistant are answers and nothing else
    if (p && isAnswer(a, row) && isAnswer(b, row)) continue
    const [from, count, other, otherCount] = [
      a.offsets[row],
      a.offsets[row + 1] - a.offsets[row],
      b.offsets[row],
      b.offsets[row + 1] - b.offsets[row],
    ]
    let k = 0
    while (
      k < count &&
      k < otherCount &&
      isSame(a, from + k, b, other + k) &&
      says(chosen, from + k) === says(rejected, other + k)
    ) {
      k++
    }
    if (p && !isText) {
      const size = p.offsets[row + 1] - p.offsets[row]
      let q = 0
      while (q < size && q < k && isSame(p, p.offsets[row] + q, a, from + q)) q++
      // the prompt says where the sides begin, even if the answers begin alike
      if (q < size || size >= count || size >= otherCount) refuse(row, 'prompt_differs')
      else cuts[row] = size
      continue
    }
    if (k === 0) {
      refuse(row, p ? 'prompt_differs' : 'no_common_prompt')
      continue
    }
    if (k === count && k === otherCount) k--
    else if (k === count || k === otherCount) {
      refuse(row, 'one_continues')
      continue
    }
    if (p && !holds(a, from, k, p, p.offsets[row + 1] - 1)) refuse(row, 'prompt_differs')
    else if (k === 0) refuse(row, 'no_common_prompt')
    else cuts[row] = k
  }
  return cuts
}

/** Whether one of `count` messages says just what message n of the other column says. */
function holds(
  x: ReturnType<typeof messagesColumn>,
  from: number,
  count: number,
  y: ReturnType<typeof messagesColumn>,
  n: number,
): boolean {
  for (let m = from; m < from + count; m++) {
    if (
      sameBytes(
        x.bytes,
        x.contentOffsets[m],
        x.contentOffsets[m + 1],
        y.bytes,
        y.contentOffsets[n],
        y.contentOffsets[n + 1],
      )
    ) {
      return true
    }
  }
  return false
}

function sameBytes(a: Uint8Array, start: number, end: number, b: Uint8Array, from: number, to: number): boolean {
  if (end - start !== to - from) return false
  for (let i = start, k = from; i < end; i++, k++) if (a[i] !== b[k]) return false
  return true
}

/** Prompt and sides of each row, with what their messages have beside role and content. */
type Sides = Readonly<Record<(typeof SIDES)[number], Turns>>

function cutAll(task: Task, prompt: Turns | null, chosen: Turns, rejected: Turns, cuts: Int32Array): Sides {
  const { plan, mask } = task
  if (!cuts.some(cut => cut > 0)) return { prompt: headed(task, prompt ?? chosen), chosen, rejected }
  const starts = (said: Turns): Int32Array => (said.data.valueOffsets as Int32Array).subarray(0, cuts.length)
  const ends = (said: Turns): Int32Array => (said.data.valueOffsets as Int32Array).subarray(1)
  const cutStarts = (said: Turns): Int32Array => starts(said).map((start, row) => start + cuts[row])
  // a conversation's own prompt stands in for the text one: it may have a system message and earlier turns
  const shared = cutMessages(chosen, starts(chosen), cutStarts(chosen))
  // rows without a pair are taken out later, whatever is in them
  const usesShared = Uint8Array.from(cuts, (cut, row) => (cut > 0 || mask[row] ? 1 : 0))
  const own =
    prompt === null || (plan.prompt!.form === 'text' && usesShared.every(Boolean))
      ? shared
      : plan.prompt!.form === 'text'
        ? chooseRows(prompt, shared, usesShared)
        : prompt
  return {
    prompt: headed(task, own),
    chosen: cutMessages(chosen, cutStarts(chosen), ends(chosen)),
    rejected: cutMessages(rejected, cutStarts(rejected), ends(rejected)),
  }
}

function convertCompletions(task: Task): Made {
  const { plan, rows, column, refuse, mask, extras, ofSides, pairing } = task
  const prompt = headed(task, readPrompt(task))
  const noPrompt = nullTest(column(plan.prompt!.column))
  for (let row = 0; row < rows; row++) if (noPrompt(row)) refuse(row, 'missing_prompt')
  const at = plan.completions!
  const scored = at.isFlat ? replies(task) : readScored(at, column)
  const pairs = at.isFlat ? pairReplies(task, scored) : pairUp(scored, at.lowFirst, pairing, mask, refuse)
  const said = readForm(at.form, scored.texts, 'assistant')
  const parents = Uint32Array.from(pairs.parents)
  const suffix = Uint32Array.from(parents)
  for (let i = 0, k = 0; i < parents.length; i++) suffix[i] = k = i > 0 && parents[i] === parents[i - 1] ? k + 1 : 0
  const shift = (c: number, row: number) => (at.isFlat ? c : c + scored.scoreOffsets[row] - scored.offsets[row])
  const scoresOf = (picked: readonly number[]) =>
    makeFloat64(Float64Array.from(picked, (c, i) => scored.scores[shift(c, parents[i])]))
  const picks = { prompt: pairs.parents, chosen: pairs.chosen, rejected: pairs.rejected }
  const takeExtras = (side: (typeof SIDES)[number]) => {
    const from = side === 'prompt' ? prompt : said
    return take(extrasColumn(from), runsOfRows(picks[side]))
  }
  return {
    parents,
    suffix,
    isBare: at.isFlat,
    within: at.isFlat ? rejectedOnly(pairs) : [],
    noted: pairs.noted,
    sides: SIDES.map(side => take(side === 'prompt' ? prompt.data : said.data, runsOfRows(picks[side])) as Data<List>),
    madeColumns: [
      ...extras.map(takeExtras),
      scoresOf(pairs.chosen),
      scoresOf(pairs.rejected),
      ...(at.isFlat && plan.id !== null ? [makeText(pairs.rejected.map(row => idText(column(plan.id!), row)))] : []),
      ...ofSides.map(({ side, at: c }) => take(column(at.list).children[0].children[c], runsOfRows(picks[side]))),
    ],
  }
}

const idText = (ids: Data, row: number): string | null => (nullTest(ids)(row) ? null : String(jsonValueOf(ids, row)))

/** One reply a row: those of a prompt as if they were a list. */
function replies({ plan, rows, column }: Task): Scored {
  const at = plan.completions!,
    offsets = groupOffsets(plan, column, rows)
  return { texts: column(at.list), ...scoresIn(column(at.scores!)), offsets, scoreOffsets: offsets }
}

/** Pairs of replies by the rows of their chosen ones, ascending. Rows that make none are told why. */
function pairReplies({ plan, rows, refuse, mask, pairing }: Task, scored: Scored): Pairs {
  const { texts, scores, offsets } = scored,
    isNull = nullTest(texts)
  // of one prompt all rows are refused, or none
  const skip = Uint8Array.from(offsets.subarray(0, -1), first => mask[first])
  for (let row = 0; row < rows; row++) if (isNull(row) || Number.isNaN(scores[row])) refuse(row, 'missing_reply')
  const found = pairUp(scored, plan.completions!.lowFirst, pairing, skip, (group, ...why) => {
    for (let row = offsets[group]; row < offsets[group + 1]; row++) refuse(row, ...why)
  })
  const order = found.chosen.map((_, i) => i).sort((a, b) => found.chosen[a] - found.chosen[b] || a - b),
    chosen = order.map(i => found.chosen[i])
  const rejected = order.map(i => found.rejected[i]),
    used = new Set([...chosen, ...rejected])
  for (let row = 0; row < rows; row++) if (!used.has(row)) refuse(row, 'left_out')
  // of replies that are rows of their own each has its reason
  return { parents: chosen, chosen, rejected, noted: [] }
}

/** Replies that are never the chosen one, each with the row of the first pair that it is in. */
function rejectedOnly({ chosen, rejected }: Pairs): { row: number; of: number }[] {
  const isChosen = new Set(chosen),
    within = new Map<number, number>()
  rejected.forEach((row, i) => {
    if (!isChosen.has(row) && !within.has(row)) within.set(row, chosen[i])
  })
  return [...within].map(([row, of]) => ({ row, of })).sort((a, b) => a.row - b.row)
}

/**
 * Ids of all raw rows and of the pairs; a row without one gets a hash, a pair that is one of several its row's id and
 * its number.
 */
function nameRows(
  given: ReturnType<typeof givenIds>,
  parents: Uint32Array,
  sides: readonly Data<List>[],
  suffix: Uint32Array | undefined,
  isBare: boolean | undefined,
  hashRaw: (row: number) => Uint8Array,
): { ids: Data; pairIds: Data } {
  let ids: Data
  if (Array.isArray(given)) {
    const named = given as (Uint8Array | undefined)[]
    const hashPair = pairHasher(sides[0], sides[1], sides[2])
    if (!suffix) {
      parents.forEach((row, i) => {
        named[row] ??= hashPair(i)
      })
    }
    ids = textFromBytes(Array.from(named, (name, row) => name ?? hashRaw(row)))
  } else {
    ids = given
  }
  if (suffix) {
    const { bytes, offsets } = textColumn(ids)
    const numbered = (row: number, i: number) =>
      Buffer.concat([
        bytes.subarray(offsets[row], offsets[row + 1]),
        Buffer.from(isBare && suffix[i] === 0 ? '' : `-${suffix[i]}`),
      ])
    return { ids, pairIds: textFromBytes(Array.from(parents, numbered)) }
  }
  return { ids, pairIds: parents.length === ids.length ? ids : take(ids, runsOfRows(parents)) }
}
