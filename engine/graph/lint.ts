/** What is wrong with a graph as text: everything that can be said without its data. */
import type { AnyKind } from '../contract/define.ts'
import { isSet } from '../source/options.ts'
import { effectIn, type Draft } from './draft.ts'
import { cyclesOf, topological } from './order.ts'
import { lintTwice } from './twice.ts'
import { say, type Problem } from './messages.ts'
import { OWN_ROWS, tallyRounds, type Edge } from './types.ts'
import { gives, inputsIn, link, pointerOf, type Linked } from './links.ts'

/** Folders that a run has itself: a sink's folder is its id. */
const reserved = new Set(['dropped', 'ledger', 'notes'])

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
