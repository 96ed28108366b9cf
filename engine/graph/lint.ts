/** What is wrong with a graph as text: everything that can be said without its data. */
import type { AnyKind, RowEffect } from '../contract/define.ts'
import { isSet } from '../source/options.ts'
import { effectIn, isByName, type Draft } from './draft.ts'
import { say, step, type Problem } from './messages.ts'
import { lintTwice } from './twice.ts'
import { inputsOf, OWN_ROWS, tablesOf, tallyRounds, type Edge, type Input } from './types.ts'

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
  if (problems.length === 0) problems.push(...lintTwice(drafts, edges, byId), ...lintDroppedBehind(drafts, edges))
  problems.push(
    ...lintEnds(
      drafts,
      linked,
      linked.every(it => it.problems.length === 0) && !drafts.some(draft => draft.brokenFrom),
    ),
  )
  return { problems, edges, tables, order: topological(inputs) }
}

/** Stages that drop rows behind one whose columns hold of all of its rows. */
function* lintDroppedBehind(drafts: readonly Draft[], edges: readonly Edge[][]): Iterable<Problem> {
  for (const { id, stage, options } of drafts) {
    const given = stage?.kind === 'stage' ? stage.ofAllRows : undefined,
      what = typeof given === 'function' ? given(options as never) : given
    if (what === undefined) continue
    const behind = new Set([id!])
    for (let before = 0; before < behind.size;) {
      before = behind.size
      drafts.forEach((draft, i) => {
        if (edges[i].some(({ node, port }) => port === undefined && behind.has(node))) behind.add(draft.id!)
      })
    }
    for (const draft of drafts) {
      const drops = ['subset', 'pair', 'cluster'].includes(String(effectIn(draft)))
      if (draft.id !== id && behind.has(draft.id!) && drops) {
        yield say.droppedBehind(pointerOf(draft), draft.id!, id!, what)
      }
    }
  }
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
