/** A script that runs a graph with the command line of `sluice run`: those in pipelines/, and scripts of users. */
import { realpathSync } from 'node:fs'
import { basename, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { checkUsage, listFlags, readArguments, type Flags, type FlagValues } from './arguments.ts'
import { exitCodes } from './cli.ts'
import { ended } from './ended.ts'
import { inputsOf, runAs, runProblems, type RunMore } from './run_as.ts'
import { runFlags, type RunValues } from './flags.ts'
import { isGraphFile, type GraphBuilder } from '../engine/graph/build.ts'
import type { RunResult } from '../engine/run/run.ts'

export interface PipelineSpec<F extends Flags> {
  /** What --help begins with. */
  readonly about: string
  /** The graph: a file beside the script, which --graph replaces, or one from code, where there is no --graph. */
  readonly graph: string | GraphBuilder
  /**
   * A folder beside the script to read where nothing is asked for. Without it, what the graph names is read where no
   * input is given.
   */
  readonly sample?: string
  /** Options of its own. */
  readonly flags?: F
}

export interface PipelineWork<F extends Flags> {
  readonly values: RunValues & FlagValues<F>
  /** Runs the graph as the command line says, and tells what came of it. */
  run(more?: RunMore): Promise<{ code: number; result: RunResult }>
}

/** Options beside which the sample is read: they say nothing of data, graph or output. */
const aside = ['workers', 'anew', 'verbose', 'quiet', 'json']
const dashed = (names: readonly string[]): string => names.map(name => `--${name}`).join(', ')

/**
 * Reads the command line of the script at `url` (its `import.meta.url`), does the work, and sets the exit code of the
 * process: that of `work`, or of its last run where it gives none. When something is wrong with the command line
 * nothing is done.
 */
export async function pipeline<const F extends Flags = Record<never, never>>(
  url: string,
  { about, graph, sample, flags }: PipelineSpec<F>,
  work: (job: PipelineWork<F>) => Promise<number | void> = async job => (await job.run()).code,
): Promise<void> {
  const name = basename(fileURLToPath(url))
  const beside = (path: string) => relative(process.cwd(), fileURLToPath(new URL(path, url))) || '.'
  const { graph: graphFlag, help, ...others } = runFlags
  const all: Flags = { ...others, ...(typeof graph === 'string' ? { graph: graphFlag } : {}), ...flags, help }
  process.exitCode = await ended(async () => {
    const { argv, before } = ownArguments(url, name)
    const { values: read, words, given, problems } = readArguments(argv, all)
    const values = read as unknown as RunValues & FlagValues<F>,
      settings: RunValues = values
    if (settings.help) {
      const without =
        sample === undefined
          ? ''
          : `Without any option about data, graph or output (all but ${dashed(aside)}) it reads the bundled sample, ${beside(sample)}.\n`
      console.log(`${name} [INPUT]…   ${about}\n\n${listFlags(all)}\n${without}${exitCodes}`)
      return 0
    }
    const { inputs, problems: noInputs } = inputsOf(settings, words)
    problems.push(
      ...before.map(word => `${word} stands before the script, where it is zx's; options go behind the script's name`),
      ...runProblems(settings),
      ...noInputs,
    )
    if (settings.graph !== undefined && !isGraphFile(settings.graph)) {
      problems.push(`--graph ${settings.graph} is no graph (.yaml, .yml or .json)`)
    }
    let input: readonly string[] | undefined = inputs
    if (inputs.length === 0) {
      const isNamed =
        settings.graph !== undefined || sample === undefined || settings.set?.some(text => /^[^.=]+\.path=/.test(text))
      const asked = [...given].filter(option => !aside.includes(option))
      if (!isNamed && asked.length > 0 && problems.length === 0) {
        problems.push(
          `no input is named, and the bundled sample is not meant where there is ${dashed(asked)}; ` +
            `name one, as in \`${name} 'my/pairs/*.parquet'\` (the sample is ${beside(sample!)})`,
        )
      }
      input = isNamed ? undefined : [beside(sample!)]
    }
    checkUsage(name, problems)
    const chosen = settings.graph ?? (typeof graph === 'string' ? beside(graph) : graph)
    let last = 0
    const run = async (more?: RunMore) => {
      const ran = await runAs(chosen, settings, input, more)
      last = ran.code
      return ran
    }
    // a script that gives no code of its own ends with that of its last run
    return (await work({ values, run })) ?? last
  })
}

/** The words behind the script's own name, and options before it that zx would have taken without a word. */
function ownArguments(url: string, name: string): { argv: string[]; before: string[] } {
  const own = realpathSync(fileURLToPath(url))
  const at = process.argv.findIndex((word, i) => i > 0 && placeOf(word) === own)
  if (at < 0) {
    const words = process.argv.slice(1).join(' ')
    checkUsage(name, [
      `cannot tell which words of the command line are its own (${words}); start it by its file, as in \`npx zx ${own}\``,
    ])
  }
  // zx reads the environment of --env for the script; any other option there has no effect on it
  const before = process.argv.slice(1, at).filter(word => /^-./.test(word) && !/^--(env(-file)?(=|$)|$)/.test(word))
  return { argv: process.argv.slice(at + 1), before }
}

function placeOf(word: string): string | undefined {
  try {
    return realpathSync(word)
  } catch {
    return undefined
  }
}
