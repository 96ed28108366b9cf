/**
 * Sources whose files hold scored answers, one a row: where a graph goes on with pairs, a stage that makes them stands
 * behind such a source by itself, as if it were written there.
 */
import { isSet, pairingOptions } from '../source/options.ts'
import type { StageEntry } from './build.ts'
import { say, step, type Problem } from './messages.ts'
import type { Written } from './parse.ts'
import { effectOf, sourcesAbove, type Graph, type Node } from './types.ts'

/** The stage that makes pairs of answers, and what it is told of those of a source. */
const PAIRING_STAGE = 'pair_candidates'
const pairsOf = (source: string): string => `${source}_pairs`

/** Overrides of stages that may come to stand behind sources, and the others. */
export function heldBack(overrides: readonly string[], graph: unknown): { now: string[]; later: string[] } {
  const { stages } = (graph ?? {}) as { stages?: unknown },
    ids = new Set((Array.isArray(stages) ? (stages as Partial<StageEntry>[]) : []).map(entry => entry?.id))
  const isLater = (text: string) => {
    const [, id = ''] = /^([^.=]+)\./.exec(text) ?? []
    return !ids.has(id) && id.endsWith('_pairs') && ids.has(id.slice(0, -'_pairs'.length))
  }
  return { now: overrides.filter(text => !isLater(text)), later: overrides.filter(isLater) }
}

/** Whether a node takes what a source gives as pairs: stages that make pairs take answers. */
const takesPairs = (node: Node, source: string): boolean =>
  effectOf(node) !== 'pair' && node.from.some(edge => edge.node === source && edge.port === undefined)

/** A graph's text with a stage behind each source of answers (by id, with its options) that somebody takes pairs of. */
export function withPairs(written: Written, { nodes }: Graph, answers: ReadonlyMap<string, object>): Written {
  const graph = written.value as { readonly stages: readonly StageEntry[] },
    sources = [...answers].filter(([source]) => nodes.some(node => takesPairs(node, source)))
  if (sources.length === 0) return written
  const behind = new Set(sources.map(([source]) => source)),
    renamed = (name: string) => (behind.has(name) ? pairsOf(name) : name),
    inList = (from: string | readonly string[]) => (typeof from === 'string' ? renamed(from) : from.map(renamed))
  const stages = graph.stages.map((entry, index): StageEntry => {
    const node = nodes.find(one => one.index === index)
    if (!node || effectOf(node) === 'pair') return entry
    const { from } = entry
    if (from === undefined) {
      // the stage above it
      const [above] = node.from
      return above && behind.has(above.node) ? { ...entry, from: pairsOf(above.node) } : entry
    }
    return {
      ...entry,
      from:
        typeof from === 'string' || Array.isArray(from)
          ? inList(from as string | readonly string[])
          : Object.fromEntries(Object.entries(from).map(([name, some]) => [name, inList(some as string)])),
    }
  })
  const added = sources.map(([source, options]) => ({
    id: pairsOf(source),
    use: PAIRING_STAGE,
    from: source,
    with: options,
  }))
  return {
    ...written,
    value: { ...graph, stages: [...stages, ...added] },
    added: new Set(added.map(({ id }) => id)),
    locate:
      written.locate && ((pointer, atKey) => (isIn(pointer, stages.length) ? written.locate!(pointer, atKey) : {})),
  }
}

/**
 * Options of sources that say how pairs are made, where it is another who makes them, or where there are none to make.
 * `layouts` are those of a source's files that have rows, `written` the stages that do not stand there by themselves.
 */
export function* idlePairing(
  graph: Graph,
  layouts: ReadonlyMap<string, ReadonlySet<string>>,
  written: ReadonlySet<string>,
): Iterable<Problem> {
  const above = sourcesAbove(graph)
  /** Why nothing looks at these options of a source; undefined where something does. */
  function whyIdle({ id }: Node): string | undefined {
    const found = [...(layouts.get(id) ?? [])]
    // of no rows nothing is known
    if (found.length === 0 || found.includes('completions')) return undefined
    if (graph.nodes.some(node => node.id === pairsOf(id) && !written.has(node.id))) return undefined
    const makers = graph.nodes.filter(node => effectOf(node) === 'pair' && above.get(node.id)!.has(id))
    return makers.length > 0
      ? `pairs of what '${id}' gives are made by ${makers.map(maker => `'${maker.id}'`).join(' and ')}: set it there`
      : `'${id}' gives no scored answers to make pairs of (layout ${found.join(', ')})`
  }
  const sources = graph.nodes
      .filter(({ stage }) => stage.kind === 'source')
      .map(node => [node, whyIdle(node)] as const),
    tables = graph.tables.map(node => [node, `'${node.id}' is read as a table, as it lies`] as const)
  for (const [{ index, stage, options }, why] of [...sources, ...tables]) {
    for (const name of why === undefined ? [] : (Object.keys(pairingOptions) as (keyof typeof pairingOptions)[])) {
      if (!isSet(stage, options, name)) continue
      yield graph.place(say.idle(step(`/stages/${index}/with`, name), options[name], why!))
    }
  }
  for (const node of graph.nodes) {
    const { id, index, stage, options } = node,
      { pairing } = options as { pairing?: string }
    if (node.own || pairing === undefined || pairing === 'all' || !written.has(id)) continue
    if (!isSet(stage, options, 'max_pairs')) continue
    if (stage.kind === 'source' && whyIdle(node) !== undefined) continue
    const why = `it is for \`pairing: all\`, and '${id}' has \`pairing: ${pairing}\``
    yield graph.place(say.idle(step(`/stages/${index}/with`, 'max_pairs'), options.max_pairs, why))
  }
}

const isIn = (pointer: string, count: number): boolean => {
  const [, list, index] = pointer.split('/')
  return list !== 'stages' || !(Number(index) >= count)
}
