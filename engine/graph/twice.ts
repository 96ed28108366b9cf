/** Rows that would reach a stage twice, by two of its inputs. */
import { isDeepStrictEqual } from 'node:util'
import { effectIn, isByName, type Draft } from './draft.ts'
import { say, step, type Problem } from './messages.ts'
import type { Edge } from './types.ts'

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
export function* lintTwice(
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
