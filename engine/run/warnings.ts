/** What a run is warned of once it is done. */
import type { Reason } from '../contract/define.ts'
import { effectOf, sourcesAbove, type Node } from '../graph/types.ts'
import { isFurther } from '../source/further_fields.ts'
import { emptyCounts, ERROR_ABOUT, type Counts } from './messages.ts'
import type { Prepared } from './prepare.ts'

const MOST = 0.95
/** Of fewer rows nobody is told: a look at them says as much. */
const FEWEST = 20
/** A share that one option takes away, and of how many rows it says something. */
const MUCH = 0.1,
  FEWEST_OF_MUCH = 200

const n = (count: number) => count.toLocaleString('en-US')

/**
 * `keepIds`: rows that the user asked never to drop. `stayed`: columns of one side that stayed when decisions swapped
 * the sides of so many pairs; `flipped`: how many pairs these were in all.
 */
export function warningsOf(
  { graph, files, schemas }: Prepared,
  counts: Readonly<Record<string, Counts>>,
  keepIds: readonly string[],
  stayed: Counts['left'],
  flipped: number,
): string[] {
  const above = sourcesAbove(graph),
    lacking = graph.nodes.filter(
      ({ id, stage, options }) =>
        stage.kind === 'sink' &&
        options.for !== 'review' &&
        schemas.get(id)!.output.fields.some(({ name }) => isFurther(name)),
    )
  const ofNodes = graph.nodes.flatMap(node => {
    const said = counts[node.id] ?? emptyCounts(),
      read = files.flatMap(({ source, facts: { pair } }) =>
        pair !== undefined && above.get(node.id)!.has(source) ? [`${source} reads ${pair}`] : [],
      )
    return [
      ...(keepIds.length > 0 && effectOf(node) === 'pair'
        ? [`${node.id}: --keep-ids keeps no answer that it drops: without another to set it against it is no pair`]
        : []),
      ...oneWay(node, said, new Set(read)),
      ...muchByOne(node, said),
      ...(node.stage.kind === 'source'
        ? splitOff(
            node.id,
            said.left,
            lacking.flatMap(({ id }) => (above.get(id)!.has(node.id) ? [id] : [])),
          )
        : leftBehind(node.id, said.left)),
    ]
  })
  return [...leftBehind('--decisions', stayed), ...namedSides(graph, flipped), ...ofNodes]
}

/**
 * Nearly all rows of a stage end in one way: more often it reads the wrong column, or an option is wrong, than that the
 * data is. With what the reason means, and the columns that the rows came from.
 */
function oneWay(
  { id, stage, options }: Node,
  { in: rows, reasons, notes, errored }: Counts,
  read: ReadonlySet<string>,
): string[] {
  return Object.entries({ ...reasons, ...notes, error: errored })
    .filter(([, some]) => rows >= FEWEST && some > MOST * rows)
    .filter(([reason]) => stage.reasons[reason]?.isAsked !== true)
    .map(([reason, some]) => {
      const said = (stage.kind === 'stage' ? stage.notes : {})[reason] ?? (reason === 'error' ? ERROR_ABOUT : undefined)
      const { about = said, limit } = stage.reasons[reason] ?? ({} as Partial<Reason>)
      const what =
        about === undefined
          ? ''
          : `, ${about}${limit === undefined ? '' : ` (${limit} is ${String((options as Readonly<Record<string, unknown>>)[limit])})`}`
      return `${id}: ${reason} ${n(some)} of ${n(rows)} rows${what}${read.size === 0 ? '' : `; ${[...read].join('; ')}`}`
    })
}

/** An option that takes much away: it may be wrong for these data, and whoever set it or left it has to look. */
function muchByOne({ id, stage, options }: Node, { in: rows, reasons }: Counts): string[] {
  return Object.entries(reasons).flatMap(([reason, some]) => {
    const { about, limit, isAsked } = stage.reasons[reason] ?? ({} as Partial<Reason>)
    if (isAsked || limit === undefined || rows < FEWEST_OF_MUCH || some <= MUCH * rows || some > MOST * rows) return []
    const value = String((options as Readonly<Record<string, unknown>>)[limit])
    return [
      `${id}: ${reason} ${n(some)} of ${n(rows)} rows (${((100 * some) / rows).toFixed(1)} %), ${about}: look at some of them, and set ${limit} (now ${value}) otherwise if they are good`,
    ]
  })
}

/** What messages have beside role and content, which those of these sinks have no place for. */
function splitOff(id: string, left: Counts['left'], sinks: readonly string[]): string[] {
  const columns = Object.entries(left).map(([column, pairs]) => `${column} of ${n(pairs)}`)
  return columns.length === 0 || sinks.length === 0
    ? []
    : [
        `${id}: messages have fields beside role and content, as tool calls or reasoning, and those of ${sinks.join(', ')} have none: they lie as JSON in ${columns.join(' pairs, ')} pairs; for trainers write them by write_arrow with format: whole`,
      ]
}

/** What says by a name which side it speaks of, as votes do, speaks of a flipped pair as it was read. */
function namedSides({ nodes, tables }: Prepared['graph'], flipped: number): string[] {
  const votes = nodes.some(({ options }) => (options as { vote_lists?: readonly unknown[] }).vote_lists?.length)
  if (flipped === 0 || (tables.length === 0 && !votes)) return []
  return [
    `--decisions: ${n(flipped)} ${flipped === 1 ? 'pair was' : 'pairs were'} flipped, and tables and lists of votes that say chosen or rejected speak of these pairs as they were read; leave the votes of these pairs out, or drop the pairs`,
  ]
}

/** Columns of one side that did not change places with the sides. */
function leftBehind(id: string, left: Counts['left']): string[] {
  const columns = Object.keys(left).sort()
  return columns.length === 0
    ? []
    : [
        `${id}: the sides of ${n(Math.max(...Object.values(left)))} pairs were swapped without ${columns.join(', ')}, which no column of the other side and of the same type can change places with`,
      ]
}
