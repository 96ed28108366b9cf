/** What a run is warned of once it is done: each as a text for programs, and as a worry for people. */
import type { Reason, Worry } from '../contract/define.ts'
import { nameOf } from '../report/worries.ts'
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

export interface Warning {
  readonly text: string
  readonly worry: Worry
}
const warning = (text: string, worry: Omit<Worry, 'level'> & Partial<Worry>): Warning => ({
  text,
  worry: { level: 'look', ...worry },
})

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
): Warning[] {
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
        ? [
            warning(
              `${node.id}: --keep-ids keeps no answer that it drops: without another to set it against it is no pair`,
              {
                name: 'keep-ids',
                value: '',
                said: `${node.id} drops answers of --keep-ids that have no other to pair with`,
              },
            ),
          ]
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
function oneWay(node: Node, { in: rows, reasons, notes, errored }: Counts, read: ReadonlySet<string>): Warning[] {
  const { id, stage, options } = node
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
      const isDeclined = effectOf(node) === 'derive' && reason !== 'error'
      const from = read.size === 0 ? '' : [...read].join('; ')
      return warning(`${id}: ${reason} ${n(some)} of ${n(rows)} rows${what}${from && `; ${from}`}`, {
        // that little was made is good to know
        level: isDeclined ? 'note' : 'look',
        name: isDeclined ? 'not made' : nameOf(stage.reasons[reason], reason),
        value: n(some),
        said: isDeclined
          ? `of ${n(rows)} rows nothing new was made, as ${id}.${reason} says`
          : `of ${n(rows)} rows end as ${id}.${reason}: it may read the wrong column, or an option is wrong`,
        why: `${reason}${what}${from && `; ${from}`}`,
        rows: `${id}.${reason}`,
      })
    })
}

/** A reason that takes much away: whoever set the option that decides, or left it, has to look. */
function muchByOne({ id, stage, options }: Node, { in: rows, reasons }: Counts): Warning[] {
  return Object.entries(reasons).flatMap(([reason, some]) => {
    const known = stage.reasons[reason],
      { about, limit, option = limit, isAsked } = known ?? ({} as Partial<Reason>)
    if (isAsked || rows < FEWEST_OF_MUCH || some <= MUCH * rows || some > MOST * rows) return []
    const share = `${((100 * some) / rows).toFixed(1)} %`,
      now = option && `${option} (now ${String((options as Readonly<Record<string, unknown>>)[option])})`
    return warning(
      `${id}: ${reason} ${n(some)} of ${n(rows)} rows (${share}), ${about}: look at some of them${now ? `, and set ${now} otherwise if they are good` : ''}`,
      {
        name: nameOf(known, reason),
        value: n(some),
        said: `${share} of ${n(rows)} are left out as ${id}.${reason}${option ? `; its option ${option} decides` : ''}`,
        why: now ? `Where they are good, set ${now} otherwise.` : about,
        rows: `${id}.${reason}`,
      },
    )
  })
}

/** What messages have beside role and content, which those of these sinks have no place for. */
function splitOff(id: string, left: Counts['left'], sinks: readonly string[]): Warning[] {
  const columns = Object.entries(left).map(([column, pairs]) => `${column} of ${n(pairs)}`)
  return columns.length === 0 || sinks.length === 0
    ? []
    : [
        warning(
          `${id}: messages have fields beside role and content, as tool calls or reasoning, and those of ${sinks.join(', ')} have none: they lie as JSON in ${columns.join(' pairs, ')} pairs; for trainers write them by write_arrow with format: whole`,
          {
            name: 'messages',
            value: n(Math.max(...Object.values(left))),
            said: 'have tool calls or reasoning that trainers will not see: they lie as JSON beside the messages',
            why: 'write_arrow with format: whole writes them within the messages.',
          },
        ),
      ]
}

/** What says by a name which side it speaks of, as votes do, speaks of a flipped pair as it was read. */
function namedSides({ nodes, tables }: Prepared['graph'], flipped: number): Warning[] {
  const votes = nodes.some(({ options }) => (options as { vote_lists?: readonly unknown[] }).vote_lists?.length)
  if (flipped === 0 || (tables.length === 0 && !votes)) return []
  return [
    warning(
      `--decisions: ${n(flipped)} ${flipped === 1 ? 'pair was' : 'pairs were'} flipped, and tables and lists of votes that say chosen or rejected speak of these pairs as they were read; leave the votes of these pairs out, or drop the pairs`,
      {
        name: 'flipped',
        value: n(flipped),
        said: 'by --decisions: votes that say chosen or rejected speak of these pairs as they were read',
        why: 'Leave the votes of these pairs out, or drop the pairs.',
      },
    ),
  ]
}

/** Columns of one side that did not change places with the sides. */
function leftBehind(id: string, left: Counts['left']): Warning[] {
  const columns = Object.keys(left).sort()
  if (columns.length === 0) return []
  const pairs = n(Math.max(...Object.values(left)))
  return [
    warning(
      `${id}: the sides of ${pairs} pairs were swapped without ${columns.join(', ')}, which no column of the other side and of the same type can change places with`,
      {
        name: 'swapped',
        value: pairs,
        said: `by ${id}, without ${columns.length === 1 ? 'the column' : 'the columns'} ${columns.join(', ')}, of which no other side has a counterpart`,
      },
    ),
  ]
}
