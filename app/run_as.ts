/** Runs a graph as a command line says, for `sluice run` and the scripts in pipelines/. */
import { readFileSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { registry } from '../stages/registry.ts'
import { type CliValues, type RunValues } from './flags.ts'
import { readDecisions } from './decisions.ts'
import { openLive, silent } from './live.ts'
import { readMap } from './map.ts'
import { EXIT, SluiceError } from '../engine/errors.ts'
import { runGraph, type RunResult } from '../engine/run/run.ts'
import type { GraphInput, RunOptions } from '../engine/run/options.ts'
import { shortSummary } from '../engine/report/summary.ts'
import { summaryObject, summaryText, warningLines } from '../engine/run/summary.ts'
import { withStdin } from './stdin.ts'
import { endless, inLine, terminal as console, viewOf } from '../engine/terminal.ts'

/** What is wrong with options beyond the form of each. */
export function runProblems({ set = [] }: Pick<CliValues, 'set'>): string[] {
  const seen = new Map<string, string>()
  return set.flatMap(text => {
    const name = /^[^.=]+\.[^=]+(?==)/.exec(text)?.[0]
    if (name === undefined) return [`--set ${text} is not STAGE.OPTION=VALUE, as in --set distinct.similarity=0.9`]
    const before = seen.get(name) ?? text
    seen.set(name, text)
    return before === text ? [] : [`--set gives ${name} two values: ${before} and ${text}`]
  })
}

/** All files that are named, by option and by word. */
export function inputsOf(
  { input = [] }: Pick<CliValues, 'input'>,
  words: readonly string[],
): { inputs: string[]; problems: string[] } {
  const inputs = [...input, ...words]
  const graphs = inputs.filter(path => /\.ya?ml$/i.test(path))
  return {
    inputs,
    problems: graphs.map(
      path =>
        `${path} is a graph and no input; a graph is named once, by --graph or as the first word of \`sluice run\``,
    ),
  }
}

export function keepIds(file: string | undefined): string[] | undefined {
  if (file === undefined) return undefined
  const kind = statSync(file, { throwIfNoEntry: false })
  if (!kind || kind.isDirectory()) {
    throw new SluiceError(
      `sluice: --keep-ids ${file} ${kind ? 'is a folder; name a file of ids, one a line' : 'does not exist'}`,
      EXIT.noInput,
    )
  }
  let ids: string[]
  // takes the mark away that some editors begin a text with
  try {
    ids = new TextDecoder('utf-8', { fatal: true })
      .decode(readFileSync(file))
      .split(/\r?\n/)
      .filter(id => id !== '')
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_ENCODING_INVALID_ENCODED_DATA') throw error
    throw new SluiceError(`sluice: --keep-ids ${file} is not UTF-8 text; write it so, one id a line`, EXIT.data, {
      cause: error,
    })
  }
  if (ids.length === 0) {
    throw new SluiceError(
      `sluice: --keep-ids ${file} holds no id, so it would keep nothing; leave the option out if that is meant`,
      EXIT.data,
    )
  }
  return ids
}

/** How a script runs a graph otherwise than `sluice run` does. */
export interface RunMore {
  /** Comes before the --set of the command line, which win. */
  readonly set?: readonly string[]
  /** No word of progress. */
  readonly quiet?: boolean
  /** What is said of the result, instead of the summary of ten lines; '' says nothing. */
  readonly summary?: (result: RunResult) => string
}

/**
 * Runs a graph as a command line says, and tells what came of it. Warnings go to stderr, also where they are all that
 * is said.
 */
export async function runAs(
  graph: GraphInput,
  values: RunValues,
  input: readonly string[] | undefined,
  more: RunMore = {},
): Promise<{ code: number; result: RunResult }> {
  const abort = new AbortController(),
    quiet = values.quiet === true || more.quiet === true,
    wanted = {
      keepIds: keepIds(values['keep-ids']),
      decisions: await readDecisions(values.decisions, text => console.error(text)),
    }
  const onInterrupt = () => abort.abort(EXIT.interrupted),
    onTerminate = () => abort.abort(EXIT.terminated)
  process.once('SIGINT', onInterrupt).once('SIGTERM', onTerminate)
  const print = (text: string) => console.error(text),
    live = quiet || values.json ? silent(print) : await openLive(process.stderr, print)
  const { output, workers, seed, limit, sample, answers, anew } = values
  const options: RunOptions = {
    output,
    input: input?.length ? await withStdin(input, output) : undefined,
    map: readMap(values.map),
    set: [...(more.set ?? []), ...(values.set ?? [])],
    workers: workers ?? availableParallelism(),
    seed,
    limit,
    sample,
    ...wanted,
    answers,
    anew,
    acceptLayout: values['accept-layout'],
    signal: abort.signal,
    onProgress: live.report,
    onWarning: live.say,
    onPlan: lines => {
      if (!quiet) for (const line of lines) live.say(`sluice: ${line}`)
    },
  }
  try {
    const result = await runGraph(graph, options, registry)
    live.stop(result.status === 'published' ? `published ${inLine(result.folder)}` : undefined)
    const { summary } = more
    if (values.json) console.log(JSON.stringify(summaryObject(result)))
    else if (!values.quiet && summary === undefined) await tell(result, values.verbose === true)
    else {
      const text = values.quiet ? '' : summary!(result)
      if (text !== '') console.log(text)
      if (result.status === 'empty') console.error(summaryText(result))
      if (result.status === 'published') {
        for (const line of warningLines(result.manifest)) console.error(`sluice: ${line}`)
      }
    }
    return { code: result.status === 'empty' ? EXIT.data : EXIT.ok, result }
  } finally {
    live.stop()
    process.off('SIGINT', onInterrupt).off('SIGTERM', onTerminate)
  }
}

/** The summary as this terminal shows it, and with `isVerbose` all else. */
async function tell(result: RunResult, isVerbose: boolean): Promise<void> {
  const whole = shortSummary(result, endless).join(''),
    lines = shortSummary(result, await viewOf(process.stdout, whole))
  // its colours are to be obeyed; what is data in it is made visible there
  globalThis.console.log(lines.join('\n'))
  if (isVerbose) console.log(`\n${summaryText(result)}`)
}
