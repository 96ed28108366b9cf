/** What is wrong with a graph as text: everything that can be said without its data. */
import { isDeepStrictEqual } from 'node:util'
import type { AnyKind, RowEffect } from '../contract/define.ts'
import { isSet } from '../source/options.ts'
import { say, step, type Problem } from './messages.ts'
import { effectOf, inputsOf, OWN_ROWS, tablesOf, tallyRounds, type Edge, type Input } from './types.ts'

/**
 * A stage of the list as far as it could be read. `stage` is missing when its name is unknown: nothing is then said
 * about what follows from it.
 */
export interface Draft {
  readonly index: number
  readonly id?: string
  readonly stage?: AnyKind
  readonly options: Readonly<Record<string, unknown>>
  /** Nobody wrote it: it stands behind a source by itself. */
  readonly isAdded?: boolean
  /** As written, by name where it is so; undefined where the stage above is meant. */
  readonly from?: string | readonly string[] | Readonly<Record<string, string | readonly string[]>>
  /** `from` is there but is no list of names, which the envelope's check has said. */
  readonly brokenFrom?: boolean
}

/** Folders that a run has itself: a sink's folder is its id. */
const reserved = new Set(['dropped', 'ledger', 'notes'])

/**
 * Named outputs: the dropped rows of a stage that drops any with these options, all together and by reason; and copies
 * of the rows that it notes something of.
 */
export const portsOf = (stage: AnyKind, effect?: RowEffect): string[] =>
  stage.kind !== 'stage'
    ? []
    : [
        ...(['subset', 'pair', 'cluster'].includes(String(effect)) && Object.keys(stage.reasons).length > 0
          ? ['dropped', ...Object.keys(stage.reasons)]
          : []),
        ...Object.keys(stage.notes),
      ]

/** What becomes of a stage's rows; not known where its options are wrong. */
function effectIn({ stage, options }: Draft): RowEffect | undefined {
  try {
    return stage && effectOf({ stage, options })
  } catch {
    return undefined
  }
}

/** The tables of a stage; not known where its options are wrong. */
function tablesIn({ stage, options }: Draft): Readonly<Record<string, Input>> | undefined {
  try {
    return stage && tablesOf({ stage, options })
  } catch {
    return undefined
  }
}

/** The inputs of an audit; not known where its options are wrong. */
function inputsIn({ stage, options }: Draft): Readonly<Record<string, Input>> | undefined {
  try {
    return stage?.kind === 'audit' ? inputsOf({ stage, options }) : undefined
  } catch {
    return undefined
  }
}

const pointerOf = (draft: Draft): string => `/stages/${draft.index}`

/**
 * Links the stages of a list and says all that is wrong. `edges[i]` are the inputs of drafts[i]; `order` is
 * topological, ties in the order of the list.
 */
export function lintGraph(drafts: readonly Draft[]): {
  problems: Problem[]
  edges: Edge[][]
  /** By draft the sources that are read as its tables, by the names of these. */
  tables: Record<string, string[]>[]
  order: number[]
} {
  const byId = new Map<string, number>()
  for (const [i, draft] of drafts.entries()) if (draft.id !== undefined && !byId.has(draft.id)) byId.set(draft.id, i)

  const problems = [...lintIds(drafts, byId), ...lintOrders(drafts), ...lintAnswers(drafts)]
  const linked = drafts.map(draft => link(draft, drafts, byId))
  problems.push(...linked.flatMap(it => it.problems))
  const edges = linked.map(it => it.edges),
    tables = linked.map(it => it.tables ?? {})
  problems.push(...lintTables(drafts, linked, byId))
  const inputs = edges.map(all => [...new Set(all.map(edge => byId.get(edge.node)!))])
  problems.push(
    ...cyclesOf(inputs).map(cycle => {
      const first = drafts[cycle[0]]
      return say.cycle(
        first.from === undefined ? pointerOf(first) : `${pointerOf(first)}/from`,
        [...cycle, cycle[0]].map(i => drafts[i].id!),
      )
    }),
  )
  problems.push(...lintTallies(drafts))
  if (problems.length === 0) problems.push(...lintTwice(drafts, edges, byId))
  problems.push(
    ...lintEnds(
      drafts,
      linked,
      linked.every(it => it.problems.length === 0) && !drafts.some(draft => draft.brokenFrom),
    ),
  )
  return { problems, edges, tables, order: topological(inputs) }
}

function* lintIds(drafts: readonly Draft[], byId: ReadonlyMap<string, number>): Iterable<Problem> {
  const paths = new Map<string, string>()
  for (const [i, draft] of drafts.entries()) {
    const { id, stage } = draft
    if (id === undefined) continue
    if (id in {}) {
      yield say.badPattern(
        `${pointerOf(draft)}/id`,
        id,
        'another id: every object of JavaScript has something of that name',
      )
    }
    if (byId.get(id) !== i) yield say.duplicateId(`${pointerOf(draft)}/id`, id, pointerOf(drafts[byId.get(id)!]))
    if (stage?.kind !== 'sink') continue
    if (reserved.has(id)) yield say.reservedId(`${pointerOf(draft)}/id`, id)
    const { path } = draft.options
    if (typeof path !== 'string') continue
    if (paths.has(path)) yield say.samePath(`${pointerOf(draft)}/with/path`, path, paths.get(path)!)
    else paths.set(path, id)
  }
}

/** Sinks that are told which way to sort, and by nothing: their rows would stay as they came. */
function* lintOrders(drafts: readonly Draft[]): Iterable<Problem> {
  for (const draft of drafts) {
    const { stage, options } = draft
    if (stage?.kind !== 'sink' || options.descending !== true || options.order_by !== undefined) continue
    yield say.sortsByNothing(`${pointerOf(draft)}/with/descending`)
  }
}

/** Sources that are told which column is the answer, and not that it is one: nothing looks at it. */
function* lintAnswers(drafts: readonly Draft[]): Iterable<Problem> {
  for (const draft of drafts) {
    const { stage, options } = draft
    if (stage?.kind !== 'source' || !isSet(stage, options, 'answer') || options.layout === 'answers') continue
    yield say.idle(
      `${pointerOf(draft)}/with/answer`,
      options.answer,
      'it names a column of layout answers alone, which is never found by itself: set `layout: answers` too',
    )
  }
}

interface Linked {
  readonly edges: Edge[]
  readonly tables?: Record<string, string[]>
  readonly problems: Problem[]
}

/** What rows can be taken of: sinks and audits have no output. */
const gives = (draft: Draft): boolean => draft.stage?.kind !== 'sink' && draft.stage?.kind !== 'audit'

/** The inputs of an audit by their names; one that has a single input may do without the name. */
function linkAudit(draft: Draft, drafts: readonly Draft[], byId: ReadonlyMap<string, number>): Linked {
  const inputs = inputsIn(draft),
    { from, brokenFrom, stage } = draft,
    id = draft.id ?? stage!.name,
    at = `${pointerOf(draft)}/from`
  if (!inputs || brokenFrom) return { edges: [], problems: [] }
  const names = Object.keys(inputs),
    required = names.filter(name => !inputs[name].isOptional)
  if (!isByName(from)) {
    if (names.length !== 1) {
      const where = from === undefined ? pointerOf(draft) : at
      return { edges: [], problems: [say.needsInputs(where, id, names, required)] }
    }
    const { edges, problems } = linkOne(draft, from, drafts, byId)
    return { edges: edges.map(edge => ({ ...edge, input: names[0] })), problems }
  }
  const given = Object.entries(from).map(([input, some]): Linked => {
    if (!names.includes(input)) {
      return { edges: [], problems: [say.unknownAuditInput(step(at, input), id, input, names)] }
    }
    const { edges, problems } = linkNames(draft, some, step(at, input), drafts, byId)
    return { edges: edges.map(edge => ({ ...edge, input })), problems }
  })
  return {
    edges: given.flatMap(({ edges }) => edges),
    problems: [
      ...given.flatMap(({ problems }) => problems),
      ...required.filter(name => !Object.hasOwn(from, name)).map(name => say.missingInput(at, id, name, names)),
    ],
  }
}

const isByName = (from: Draft['from']): from is Readonly<Record<string, string | readonly string[]>> =>
  typeof from === 'object' && !Array.isArray(from)

function link(draft: Draft, drafts: readonly Draft[], byId: ReadonlyMap<string, number>): Linked {
  const { stage, from } = draft
  const at = `${pointerOf(draft)}/from`
  if (stage?.kind === 'audit') return linkAudit(draft, drafts, byId)
  if (stage?.kind === 'source') {
    return { edges: [], problems: from === undefined ? [] : [say.sourceWithFrom(at, draft.id ?? stage.name)] }
  }
  const tables = tablesIn(draft) ?? {}
  if (Object.keys(tables).length > 0) return linkTables(draft, tables, drafts, byId)
  if (!isByName(from)) return linkOne(draft, from, drafts, byId)
  // of a stage that is not known nothing is known of its inputs
  return { edges: [], problems: stage ? [say.oneInput(at, draft.id ?? stage.name)] : [] }
}

/** The rows of a stage and its tables, by name; where no table is needed the rows alone will do. */
function linkTables(
  draft: Draft,
  tables: Readonly<Record<string, Input>>,
  drafts: readonly Draft[],
  byId: ReadonlyMap<string, number>,
): Linked {
  const { from, stage } = draft,
    id = draft.id ?? stage!.name,
    at = `${pointerOf(draft)}/from`,
    names = ['rows', ...Object.keys(tables)],
    required = names.filter(name => name === 'rows' || !tables[name].isOptional)
  if (!isByName(from)) {
    if (required.length === 1) return linkOne(draft, from, drafts, byId)
    return { edges: [], problems: [say.needsTables(from === undefined ? pointerOf(draft) : at, id, required, names)] }
  }
  const { rows, ...others } = from,
    own = rows === undefined ? undefined : linkNames(draft, rows, step(at, 'rows'), drafts, byId),
    found: Record<string, string[]> = {},
    problems = [...(own?.problems ?? [])]
  for (const [name, some] of Object.entries(others)) {
    const pointer = step(at, name)
    if (!Object.hasOwn(tables, name)) {
      problems.push(say.unknownAuditInput(pointer, id, name, names))
      continue
    }
    const linked = linkNames(draft, some, pointer, drafts, byId)
    problems.push(...linked.problems)
    for (const { node, port } of linked.edges) {
      const isSource = drafts[byId.get(node)!].stage?.kind === 'source'
      if (!isSource || port !== undefined) problems.push(say.tableIsSource(pointer, id, name, node))
      else found[name] = [...(found[name] ?? []), node]
    }
  }
  problems.push(
    ...required.filter(name => !Object.hasOwn(from, name)).map(name => say.missingInput(at, id, name, names)),
  )
  return { edges: own?.edges ?? [], tables: found, problems }
}

/** Sources that are read as they lie, and as pairs too: a layout is looked for in the one, and not in the other. */
function* lintTables(
  drafts: readonly Draft[],
  linked: readonly Linked[],
  byId: ReadonlyMap<string, number>,
): Iterable<Problem> {
  const asTable = new Set(linked.flatMap(({ tables }) => Object.values(tables ?? {}).flat()))
  const asPairs = new Set(linked.flatMap(({ edges }) => edges.map(({ node }) => node)))
  for (const id of asTable) if (asPairs.has(id)) yield say.tableAndPairs(pointerOf(drafts[byId.get(id)!]), id)
}

/** The only input of a stage: what it names, or the stage above. */
function linkOne(
  draft: Draft,
  from: string | readonly string[] | undefined,
  drafts: readonly Draft[],
  byId: ReadonlyMap<string, number>,
): Linked {
  if (from !== undefined) return linkNames(draft, from, `${pointerOf(draft)}/from`, drafts, byId)
  const { stage } = draft,
    // an audit in between takes nothing away
    above = drafts.slice(0, draft.index).findLast(it => it.stage?.kind !== 'audit')
  if (!stage || (above && above.id === undefined)) return { edges: [], problems: [] }
  // without any source, that is the one thing to say
  const anySource = drafts.some(it => it.stage?.kind === 'source' || !it.stage)
  if (!above) {
    return { edges: [], problems: anySource ? [say.unreachable(pointerOf(draft), draft.id ?? stage.name)] : [] }
  }
  if (above.stage?.kind === 'sink') {
    const ids = idsFor(draft, drafts, byId)
    return { edges: [], problems: [say.needsFrom(pointerOf(draft), draft.id ?? stage.name, above.id!, ids)] }
  }
  return { edges: [{ node: above.id! }], problems: [] }
}

/** What a stage can take rows of. */
const idsFor = (draft: Draft, drafts: readonly Draft[], byId: ReadonlyMap<string, number>): string[] =>
  [...byId].flatMap(([id, i]) => (gives(drafts[i]) && id !== draft.id ? [id] : []))

/** One input, or several as one: `at` is where it is named. */
function linkNames(
  draft: Draft,
  from: string | readonly string[],
  at: string,
  drafts: readonly Draft[],
  byId: ReadonlyMap<string, number>,
): Linked {
  const ids = idsFor(draft, drafts, byId)
  const edges: Edge[] = [],
    problems: Problem[] = []
  const inputs = typeof from === 'string' ? [from] : from
  inputs.forEach((input, i) => {
    const pointer = typeof from === 'string' ? at : `${at}/${i}`
    const dot = input.indexOf('.')
    const node = dot < 0 ? input : input.slice(0, dot)
    const port = dot < 0 ? undefined : input.slice(dot + 1)
    const found = byId.get(node)
    const upstream = found === undefined ? undefined : drafts[found].stage
    const ports = upstream ? portsOf(upstream, effectIn(drafts[found!])) : []
    if (inputs.indexOf(input) < i) problems.push(say.duplicateInput(pointer, input))
    else if (found === undefined) problems.push(say.unknownInput(pointer, input, ids))
    else if (upstream?.kind === 'sink') problems.push(say.sinkAsInput(pointer, input, ids))
    else if (upstream?.kind === 'audit') problems.push(say.auditAsInput(pointer, input, ids))
    else if (upstream && port !== undefined && !ports.includes(port)) {
      const isOfOthers = upstream.kind === 'stage' && ['dropped', ...Object.keys(upstream.reasons)].includes(port)
      problems.push(
        isOfOthers && effectIn(drafts[found]) !== 'derive' && Object.keys(upstream.reasons).length > 0
          ? say.dropsNothing(pointer, input, node)
          : say.unknownPort(pointer, input, node, ports),
      )
    } else edges.push(port === undefined ? { node } : { node, port })
  })
  return { edges, problems }
}

/**
 * Two ways of rows are no two where they leave one stage by outputs that have no row together: what it lets through and
 * what it drops, or two reasons. Rows of a note are copies of what goes on, or is dropped.
 */
const areApart = (a: Edge, b: Edge, notes: object): boolean =>
  a.port !== b.port &&
  ![a, b].some(({ port }) => port !== undefined && Object.hasOwn(notes, port)) &&
  (a.port === undefined || b.port === undefined || ![a.port, b.port].includes('dropped'))
const MOST_WAYS = 1000

/**
 * Inputs of one stage that may hand on the same row: it would be there twice. New rows have no way above the stage that
 * makes them.
 */
function* lintTwice(
  drafts: readonly Draft[],
  edges: readonly Edge[][],
  byId: ReadonlyMap<string, number>,
): Iterable<Problem> {
  const notesOf = (id: string): object => {
    const stage = drafts[byId.get(id)!].stage
    return stage?.kind === 'stage' ? stage.notes : {}
  }
  const waysOf = (edge: Edge): Edge[][] => {
    const at = byId.get(edge.node)!
    // new rows begin at the stage that makes them; rows that it notes or drops are those that came in
    const effect = effectIn(drafts[at])
    if ((effect === 'derive' || effect === 'pair') && edge.port === undefined) return [[edge]]
    return edges[at].length === 0
      ? [[edge]]
      : edges[at]
          .flatMap(waysOf)
          .slice(0, MOST_WAYS)
          .map(way => [edge, ...way])
  }
  const above = (edge: Edge): Edge[][] => edges[byId.get(edge.node)!].flatMap(waysOf).slice(0, MOST_WAYS)
  /** Two stages that make pairs of the same answers, alike, or one of them by itself. */
  const areTwins = (a: Edge, b: Edge): boolean => {
    const [one, other] = [a, b].map(({ node }) => drafts[byId.get(node)!])
    return (
      a.node !== b.node &&
      [a, b].every(({ port }) => port === undefined) &&
      [one, other].every(draft => effectIn(draft) === 'pair') &&
      (one.isAdded || other.isAdded || (one.stage === other.stage && isDeepStrictEqual(one.options, other.options))) &&
      above(a).some(way => above(b).some(there => isOneWay(way, there)))
    )
  }
  /** Whether a row may come by both. */
  const isOneWay = (one: readonly Edge[], other: readonly Edge[]): boolean =>
    one.at(-1)!.node === other.at(-1)!.node &&
    !one.some(step => other.some(there => there.node === step.node && areApart(step, there, notesOf(step.node))))
  const whyTwins = (a: Edge, b: Edge): string => {
    const [added, written] = drafts[byId.get(a.node)!].isAdded ? [a, b] : [b, a],
      at = byId.get(added.node)!
    return drafts[at].isAdded
      ? `'${edges[at][0].node}' gives scored answers, behind which '${added.node}' makes pairs by itself, and '${written.node}' makes pairs of them too`
      : `'${a.node}' and '${b.node}' make the same pairs`
  }
  for (const [i, { index, id, from }] of drafts.entries()) {
    const ways = edges[i].length < 2 ? [] : edges[i].map(waysOf),
      places = new Map<string | undefined, number>(),
      // its place in the list of its input
      placed = edges[i].map(({ input }) => places.set(input, (places.get(input) ?? -1) + 1).get(input)!)
    for (let a = 0; a < ways.length; a++) {
      for (let b = a + 1; b < ways.length; b++) {
        // what an audit knows by two names is told apart
        if (id === undefined || from === undefined || edges[i][a].input !== edges[i][b].input) continue
        const { input } = edges[i][b],
          list = isByName(from) ? step(`/stages/${index}/from`, input!) : `/stages/${index}/from`,
          said = [`${list}/${placed[b]}`, id, nameOf(edges[i][a]), nameOf(edges[i][b])] as const
        if (ways[a].some(one => ways[b].some(other => isOneWay(one, other)))) yield say.twice(...said)
        else {
          const makers = (some: readonly Edge[][]) => [
            ...new Map(some.map(way => [way.at(-1)!.node, way.at(-1)!])).values(),
          ]
          const twins = makers(ways[a]).flatMap(one =>
            makers(ways[b]).flatMap(other => (areTwins(one, other) ? [[one, other] as const] : [])),
          )
          if (twins.length > 0) yield say.pairedTwice(...said, whyTwins(...twins[0]))
        }
      }
    }
  }
}

const nameOf = ({ node, port }: Edge): string => (port === undefined ? node : `${node}.${port}`)

/** A tally goes over the rows once. */
function* lintTallies(drafts: readonly Draft[]): Iterable<Problem> {
  for (const draft of drafts) {
    const { stage, options, id, index } = draft
    if (!stage) continue
    for (const input of stage.kind === 'audit' ? Object.keys(inputsIn(draft) ?? {}) : [OWN_ROWS]) {
      let rounds: number
      try {
        if (stage.kind !== 'audit' && (stage.kind !== 'stage' || !stage.tally)) continue
        rounds = tallyRounds({ stage, options }, input).length
      } catch {
        // of options that are wrong
        continue
      }
      if (rounds !== 1) yield say.tallyRounds(`/stages/${index}/use`, id ?? stage.name, input, rounds)
    }
  }
}

/** Where rows come in and where they leave. Says nothing that only follows from an input that is wrong already. */
function* lintEnds(drafts: readonly Draft[], linked: readonly Linked[], allLinked: boolean): Iterable<Problem> {
  if (drafts.length === 0 || drafts.some(draft => !draft.stage || draft.id === undefined)) return
  if (!drafts.some(draft => draft.stage!.kind === 'source')) yield say.noSource()
  const has = (kind: AnyKind['kind']) => drafts.some(draft => draft.stage!.kind === kind)
  if (!has('sink') && !has('audit')) yield say.noSink()
  else if (allLinked) {
    const takenBy = (drafts: readonly Draft[]) =>
      new Set(
        drafts.flatMap(({ index }) => [
          ...linked[index].edges.filter(edge => edge.port === undefined).map(edge => edge.node),
          ...Object.values(linked[index].tables ?? {}).flat(),
        ]),
      )
    // who only looks takes nothing; but a source may be there for that, and a graph too
    const all = takenBy(drafts),
      taken = has('sink') ? takenBy(drafts.filter(({ stage }) => stage!.kind !== 'audit')) : all
    for (const draft of drafts) {
      if (!gives(draft) || (draft.stage!.kind === 'source' ? all : taken).has(draft.id!)) continue
      yield draft.stage!.kind === 'source'
        ? say.unreadSource(pointerOf(draft), draft.id!)
        : say.unconsumed(pointerOf(draft), draft.id!)
    }
  }
}

/**
 * One circle of each knot, in the direction in which rows would flow, beginning with the stage that stands first in the
 * text.
 */
function cyclesOf(inputs: readonly (readonly number[])[]): number[][] {
  const consumers: number[][] = inputs.map(() => [])
  inputs.forEach((all, i) => {
    for (const input of all) consumers[input].push(i)
  })
  const state = new Uint8Array(inputs.length)
  const found: number[][] = []
  const reported = new Set<number>()
  const path: number[] = []
  const visit = (i: number): void => {
    state[i] = 1
    path.push(i)
    for (const next of consumers[i]) {
      if (state[next] === 0) visit(next)
      else if (state[next] === 1) {
        const cycle = path.slice(path.indexOf(next))
        if (!cycle.some(it => reported.has(it))) {
          const first = cycle.indexOf(Math.min(...cycle))
          found.push([...cycle.slice(first), ...cycle.slice(0, first)])
        }
        for (const it of cycle) reported.add(it)
      }
    }
    path.pop()
    state[i] = 2
  }
  for (let i = 0; i < inputs.length; i++) if (state[i] === 0) visit(i)
  return found
}

/**
 * Of the stages whose inputs are all placed, always the first of the text; what is in a circle, or after one, is left
 * out.
 */
function topological(inputs: readonly (readonly number[])[]): number[] {
  const order: number[] = []
  const placed = new Uint8Array(inputs.length)
  for (;;) {
    const next = inputs.findIndex((all, i) => !placed[i] && all.every(input => placed[input]))
    if (next < 0) return order
    placed[next] = 1
    order.push(next)
  }
}
