/** `sluice sweep`: what a graph comes to for several values of one option, each worked through and none published. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { EXIT, SluiceError } from '../../engine/errors.ts'
import { graph as graphOf, type GraphBuilder } from '../../engine/graph/build.ts'
import { nearest } from '../../engine/graph/messages.ts'
import { fitRounds, isTraining, sinkOrder, type Graph, type Node } from '../../engine/graph/types.ts'
import { families, familyOf } from '../../engine/report/shape.ts'
import { readManifest } from '../../engine/run/inspect.ts'
import { takeLock } from '../../engine/run/lock.ts'
import type { RunOptions } from '../../engine/run/options.ts'
import { latestRun } from '../../engine/run/publish.ts'
import { prepare } from '../../engine/run/prepare.ts'
import { tryGraph, type Tried } from '../../engine/run/run.ts'
import { registry } from '../../stages/registry.ts'
import { count, percent, quoted, rowsSaid } from './say.ts'
import { bar, labelled, leftAndRight, paint, table, type Screen } from './screen.ts'

interface Range {
  readonly value: number
  readonly low: number
  readonly high: number
}
/** What the graph comes to for one value. */
export interface Try {
  readonly value: string
  /** As the graph has it. */
  readonly isNow: boolean
  readonly train: number
  readonly made: number
  readonly left: number
  /** By `<stage>.<reason>`. */
  readonly dropped: Readonly<Record<string, number>>
  readonly errored: number
  /** Of labels that are dropped as wrong, the share that is. */
  readonly precision?: Range
  /** The share of pairs to train on whose longer side is the chosen one. */
  readonly longer?: number
  readonly seconds: number
}
export interface Swept {
  readonly graph: string
  readonly option: string
  readonly rows: number
  /** Stages that have learnt from the rows as the graph has them now, and did not learn again. */
  readonly fixed: readonly string[]
  /** In plain words, by `<stage>.<reason>`. */
  readonly families: Readonly<Record<string, string>>
  readonly tries: readonly Try[]
  /** The run to ask for rows, where there is one. */
  readonly run?: string
}

/** `stage.option=a,b,c` taken apart. */
export function sweptWord(word: string | undefined): { stage: string; option: string; values: string[] } {
  const found = /^([^.=]+)\.([^=]+)=(.+)$/s.exec(word ?? '')
  const values = (found?.[3] ?? '').split(',').map(value => value.trim())
  if (found && values.every(value => value !== '') && new Set(values).size === values.length) {
    return { stage: found[1], option: found[2], values }
  }
  throw new SluiceError(
    `sluice sweep: ${word === undefined ? 'name what to try' : `'${word}' is not STAGE.OPTION=VALUE,VALUE,…, each value once`}, as in distinct.similarity=0.8,0.9,0.95`,
    EXIT.usage,
  )
}

const LENGTHS = 'sweep_lengths'

/** The graph, with an audit of the lengths of what is to train on: it costs no pass, and makes nothing anew. */
function measuring(builder: GraphBuilder, { nodes }: Graph): GraphBuilder {
  const sinks = nodes.filter(isTraining),
    isOfPairs = sinks.every(({ use }) => ['write_arrow', 'write_jsonl', 'write_parquet'].includes(use)),
    kept = [...new Set(sinks.flatMap(({ from }) => from.map(({ node, port }) => (port ? `${node}.${port}` : node))))]
  return isOfPairs && kept.length > 0 ? builder.add({ id: LENGTHS, use: 'audit_lengths', from: { kept } }) : builder
}

/** Nodes that have rows of another one, and that one itself. */
function below({ nodes }: Graph, id: string): Set<string> {
  const found = new Set([id])
  for (const { id, from } of nodes) if (from.some(({ node }) => found.has(node))) found.add(id)
  return found
}

export interface SweepOptions extends RunOptions {
  readonly output: string
  readonly isRefit: boolean
  readonly onTry: (line: string) => void
}

export async function sweep(file: string, word: string | undefined, options: SweepOptions): Promise<Swept> {
  const { stage, option, values } = sweptWord(word),
    { isRefit, onTry, ...others } = options,
    userFolder = join(resolve(options.output), '.sluice', 'user')
  const { graph } = await prepare(file, { ...others, output: undefined } as RunOptions, userFolder, registry),
    node = graph.nodes.find(({ id }) => id === stage)
  if (!node || !Object.hasOwn(node.stage.options.properties as object, option)) refuse(graph, node, stage, option)
  if (options.set?.some(text => text.startsWith(`${stage}.${option}=`))) {
    throw new SluiceError(`sluice sweep: ${stage}.${option} is set and swept; leave one of them out`, EXIT.usage)
  }
  const under = below(graph, stage),
    fitted = graph.nodes.filter(one => under.has(one.id) && fitRounds(one).length > 0)
  if (fitted.some(({ id }) => id === stage) && !isRefit) {
    refuseFit(node!, fitted, values.length, options.output, graph.name)
  }
  // everything is found to be wrong before the first value is worked through
  for (const value of values) await prepare(file, withValue(others, stage, option, value), userFolder, registry)
  const spools = join(resolve(options.output), '.sluice', 'spools'),
    before = new Set(existsSync(spools) ? readdirSync(spools) : []),
    builder = measuring(graphOf(file), graph)
  onTry(`${graph.name} as it is`)
  const now = await tryGraph(builder, others, registry),
    used = [now.used],
    fixed = new Map(isRefit ? [] : fitted.map(({ id }) => [id, now.states.get(id) ?? []])),
    present = node!.options[option]
  const tries: Try[] = [],
    isNow = (value: string) => value === String(present) || Number(value) === present
  try {
    for (const value of values) {
      if (isNow(value)) {
        tries.push(tryOf(now, value, true))
        continue
      }
      onTry(`${stage}.${option}=${value}`)
      for (const { file } of [...fixed.values()].flat()) {
        if (existsSync(file)) continue
        throw new SluiceError(
          `sluice sweep: ${file} is gone, which another run of ${options.output} took away; run the same command again`,
          EXIT.later,
        )
      }
      const tried = await tryGraph(builder, withValue(others, stage, option, value), registry, fixed)
      used.push(tried.used)
      tries.push(tryOf(tried, value, false))
    }
  } finally {
    removeMade(options.output, spools, before, now.used)
  }
  if (!tries.some(one => one.isNow)) tries.unshift(tryOf(now, shownValue(present), true))
  return {
    graph: graph.name,
    option: `${stage}.${option}`,
    rows: now.rows,
    fixed: [...fixed.keys()],
    families: Object.fromEntries(
      graph.nodes.flatMap(({ id, stage }) =>
        Object.entries(stage.reasons).map(([name, reason]) => [`${id}.${name}`, families[familyOf(reason)]]),
      ),
    ),
    tries,
    ...(latestRun(options.output) === undefined ? {} : { run: options.output }),
  }
}

const shownValue = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? 'unset'))

const withValue = (options: RunOptions, stage: string, option: string, value: string): RunOptions => ({
  ...options,
  set: [...(options.set ?? []), `${stage}.${option}=${value}`],
})

function refuse(graph: Graph, node: Node | undefined, stage: string, option: string): never {
  const names = node ? Object.keys(node.stage.options.properties as object) : graph.nodes.map(({ id }) => id),
    near = nearest(node ? option : stage, names),
    what = node ? `${stage} (${node.use}) has no option '${option}'` : `the graph has no stage '${stage}'`
  throw new SluiceError(
    `sluice sweep: ${what}; ${near === undefined ? `there are ${names.join(', ')}` : `did you mean '${near}'?`}`,
    EXIT.usage,
  )
}

/** Of an option that a fit may depend on: what has to be worked out anew, and what that took in the last run. */
function refuseFit({ id, use }: Node, fitted: readonly Node[], tries: number, output: string, graph: string): never {
  const took = secondsOf(output, graph),
    of = (name: string) => (took[name] === undefined ? name : `${name} (${took[name].toFixed(1)} s)`),
    sum = fitted.reduce((all, one) => all + (took[one.id] ?? 0), 0),
    cost = sum > 0 ? `, about ${(sum * tries).toFixed(0)} s for ${tries} values by the last run` : ''
  throw new SluiceError(
    `sluice sweep: ${id} (${use}) learns from its rows, and its options enter what it learns, so that ${fitted.map(one => of(one.id)).join(', ')} must be fitted anew for each value${cost}; give --refit to have that done`,
    EXIT.usage,
  )
}

/** Seconds of each stage in the latest run; none where it is of another graph, or does not say. */
export function secondsOf(output: string, graph: string): Readonly<Record<string, number>> {
  const run = latestRun(output),
    file = run === undefined ? '' : join(run, 'timings.json')
  if (!existsSync(file) || readManifest(run!).graph.name !== graph) return {}
  const { stage_seconds: seconds, stages } = JSON.parse(readFileSync(file, 'utf8')) as Record<
    string,
    Record<string, number> | undefined
  >
  return seconds ?? stages ?? {}
}

/** Takes away what values left between passes: what the graph itself uses stays for its next run. */
function removeMade(output: string, spools: string, before: ReadonlySet<string>, used: ReadonlySet<string>): void {
  try {
    const lock = takeLock(join(resolve(output), '.sluice'))
    try {
      for (const name of readdirSync(spools)) {
        if (!before.has(name) && !used.has(name)) rmSync(join(spools, name), { recursive: true, force: true })
      }
    } finally {
      lock.giveBack()
    }
  } catch {
    // another run is on: it removes what it does not use
  }
}

/** What is to be expected of labels that the first stage that judges them drops. */
function precisionOf({ graph, reports }: Tried): Range | undefined {
  for (const { id, use, options } of graph.nodes) {
    if (use !== 'peer_review' || !['drop', 'flip'].includes(String(options.action))) continue
    const panel = typeof options.panel === 'string' ? options.panel : id,
      expected = reports[panel]?.report.numbers.expected as
        Record<string, { rows: number; precision: Range }> | undefined,
      own = expected?.[String(options.rule)]
    if (own && own.rows > 0) return own.precision
  }
  return undefined
}

function tryOf(tried: Tried, value: string, isNow: boolean): Try {
  const { graph, counts, reports, seconds } = tried
  const dropped: Record<string, number> = {}
  let errored = 0,
    train = 0,
    made = 0
  for (const { id, stage } of graph.nodes) {
    for (const [reason, n] of Object.entries(counts[id]?.reasons ?? {})) dropped[`${id}.${reason}`] = n
    errored += counts[id]?.errored ?? 0
    if (stage.kind === 'stage') made += counts[id]?.derived ?? 0
  }
  for (const node of graph.nodes.filter(isTraining)) {
    // those with a limit take the first ones, whatever they are
    train += Math.min(counts[node.id]?.in ?? 0, sinkOrder(node).limit ?? Infinity)
  }
  const longer = (reports[LENGTHS]?.report.numbers as { kept?: number } | undefined)?.kept,
    precision = precisionOf(tried)
  return {
    ...{ value, isNow, train, made, dropped, errored, seconds },
    left: Object.values(dropped).reduce((sum, n) => sum + n, 0) + errored,
    ...(precision ? { precision } : {}),
    ...(longer === undefined ? {} : { longer }),
  }
}

// ------------------------------------------------------------------------------------------------------ as text

export function sweepLines(screen: Screen, swept: Swept, isRefit: boolean): string[] {
  const { option, tries, fixed } = swept,
    stage = option.split('.')[0],
    // reasons whose number is not the same for all values
    names = [...new Set(tries.flatMap(({ dropped }) => Object.keys(dropped)))],
    changing = names.filter(name => new Set(tries.map(({ dropped }) => dropped[name] ?? 0)).size > 1),
    own = names.filter(name => name.startsWith(`${stage}.`)),
    shown = [...own, ...changing.filter(name => !own.includes(name))].slice(0, screen.columns < 80 ? 1 : 3),
    isWide = screen.columns >= 80,
    n = (value: number | undefined) => (value === undefined ? '?' : count(value))
  const range = ({ value, low, high }: Range) =>
    `${percent(value)} [${percent(low).replace(' %', '')} to ${percent(high).replace(' %', '')}]`
  const lines = [
    ...leftAndRight(screen, paint(screen, 'bold', option), `${rowsSaid(swept.rows)}, ${tries.length} tries`),
    '',
    ...table(
      screen,
      [
        { head: '' },
        { head: 'value', isRight: true },
        { head: 'train on', isRight: true },
        { head: 'left out', isRight: true },
        ...shown.map(name => ({ head: name, isRight: true })),
        ...(isWide
          ? [
              { head: 'of these wrong', isRight: true },
              { head: 'longer', isRight: true },
              { head: 's', isRight: true },
            ]
          : []),
      ],
      tries.map(one => [
        one.isNow ? '>' : '',
        one.value,
        n(one.train),
        n(one.left),
        ...shown.map(name => n(one.dropped[name] ?? 0)),
        ...(isWide
          ? [
              one.precision ? range(one.precision) : 'none',
              one.longer === undefined ? '?' : percent(one.longer),
              one.seconds.toFixed(1),
            ]
          : []),
      ]),
    ),
  ]
  const total = (one: Try) => own.reduce((sum, name) => sum + (one.dropped[name] ?? 0), 0),
    most = Math.max(...tries.map(total)),
    wide = Math.max(...tries.map(({ value }) => screen.widthOf(value)))
  if (own.length > 0 && most > 0) {
    const words = [...new Set(own.map(name => swept.families[name] ?? name))].join(', ')
    lines.push('', `  left out by ${stage} (${words})`)
    for (const one of tries) {
      lines.push(
        `  ${one.isNow ? '>' : ' '} ${one.value.padStart(wide)}  ${bar(total(one), most, Math.max(4, screen.columns - wide - 16))} ${count(total(one))}`,
      )
    }
  }
  lines.push('', ...labelled(screen, '>', 'as the graph has it now.'))
  const overlap = overlapping(tries)
  if (overlap) lines.push(...labelled(screen, '', overlap))
  const stands =
    fixed.length > 0
      ? `${fixed.join(', ')}: learnt from the rows as they are now, and not again; --refit does so, for what a run with the value would come to.`
      : isRefit
        ? 'All that learns from rows has learnt anew: a run with the value comes to the same.'
        : 'Nothing behind it learns from rows: a run with the value comes to the same.'
  lines.push(...labelled(screen, 'fits', stands))
  const best = own.find(name => tries.some(one => (one.dropped[name] ?? 0) > 0)),
    numbers = tries.map(({ value }) => Number(value)).filter(Number.isFinite)
  const between = numbers.length > 1 ? ` --between ${Math.min(...numbers)},${Math.max(...numbers)}` : ''
  if (swept.run !== undefined && best !== undefined) {
    const to = swept.run === 'out' ? '' : ` --output ${quoted(swept.run)}`
    lines.push(...labelled(screen, 'next', `npx sluice show --reason ${best}${between}${to}`))
  } else lines.push(...labelled(screen, 'next', `npx sluice run … --set ${quoted(`${option}=${tries[0].value}`)}`))
  return lines
}

/** Whether the intervals of what is to be expected tell the values apart. */
function overlapping(tries: readonly Try[]): string | undefined {
  const ranges = tries.flatMap(({ precision }) => precision ?? [])
  if (ranges.length < 2) return undefined
  const low = Math.max(...ranges.map(({ low }) => low)),
    high = Math.min(...ranges.map(({ high }) => high))
  return low <= high ? 'The intervals overlap: no value is shown to doubt labels better.' : undefined
}
