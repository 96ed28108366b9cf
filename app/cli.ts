/** The command line: what `sluice` and the scripts in pipelines/ do with their arguments. */
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { registry } from '../stages/registry.ts'
import { checkUsage, listFlags, readArguments } from './arguments.ts'
import { flags, runFlags, type CliValues, type Name, type RunValues } from './flags.ts'
import { findRun } from './answers/find_run.ts'
import { print, screenOf } from './answers/screen.ts'
import { readDecisions } from './decisions.ts'
import { openLive, silent } from './live.ts'
import { readMap } from './map.ts'
import { checkExamples } from './own_examples.ts'
import { stagesCommand } from './stages.ts'
import { plan } from '../engine/calls/plan.ts'
import { toItsEnd } from '../engine/ends.ts'
import { EXIT, exitCode, SluiceError, systemSaid } from '../engine/errors.ts'
import { nearest } from '../engine/graph/messages.ts'
import type { Graph } from '../engine/graph/types.ts'
import { graph as graphOf, isGraphFile, resolveGraph } from '../engine/graph/build.ts'
import { verify } from '../engine/run/inspect.ts'
import { takeLock } from '../engine/run/lock.ts'
import { answersFolder } from '../engine/run/output_folder.ts'
import { prepare, type Prepared } from '../engine/run/prepare.ts'
import { runGraph, type RunResult } from '../engine/run/run.ts'
import type { GraphInput, RunOptions } from '../engine/run/options.ts'
import { shortSummary } from '../engine/report/summary.ts'
import { summaryObject, summaryText, warningLines } from '../engine/run/summary.ts'
import { withStdin } from './stdin.ts'
import { endless, inLine, terminal as console, viewOf } from '../engine/terminal.ts'

interface Command {
  readonly words: string
  readonly about: string
  readonly takes: readonly Name[]
  /** Words at most, and the option that one too many was probably meant for. */
  readonly most: number
  readonly meant?: Name
  work(values: CliValues, words: readonly string[]): number | Promise<number>
}
const commands: Readonly<Record<string, Command>> = {
  look: {
    words: 'FILE…',
    about: 'how the pairs of files would be read, or what is to be said of them, before anything runs',
    takes: ['map', 'presets', 'json'],
    most: Infinity,
    work: lookAtFiles,
  },
  run: {
    words: 'GRAPH [INPUT]…',
    about: 'run a graph (YAML or JSON), over these inputs where some are named',
    takes: Object.keys(runFlags) as Name[],
    most: Infinity,
    work: runCommand,
  },
  check: {
    words: 'GRAPH',
    about: 'find everything that is wrong with a graph, without running it',
    takes: [
      'input',
      'output',
      'graph',
      'map',
      'set',
      'seed',
      'limit',
      'sample',
      'answers',
      'keep-ids',
      'decisions',
      'quiet',
      'no-data',
      'plan',
      'mermaid',
      'json',
    ],
    most: 1,
    meant: 'input',
    work: checkCommand,
  },
  why: {
    words: 'ID [RUN]',
    about: 'why a row was left out or kept: an id, or FILE:ROW',
    takes: ['output', 'json'],
    most: 2,
    work: whyCommand,
  },
  show: {
    words: '[RUN]',
    about: 'rows to read: what one side alone says is marked',
    takes: ['output', 'reason', 'noted', 'made', 'kept', 'lowest', 'between', 'count', 'json'],
    most: 1,
    work: showCommand,
  },
  diff: {
    words: 'RUN [RUN]',
    about: 'rows whose fate two runs differ in, and why: the second is the latest unless named',
    takes: ['output', 'rows', 'count', 'json'],
    most: 2,
    work: diffCommand,
  },
  sweep: {
    words: 'GRAPH STAGE.OPTION=A,B,…',
    about: 'what a graph comes to for several values of an option; publishes nothing',
    takes: [
      ...(Object.keys(runFlags) as Name[]).filter(name => !['anew', 'graph', 'accept-layout'].includes(name)),
      'refit',
    ],
    most: 2,
    work: sweepCommand,
  },
  verify: {
    words: '[RUN]',
    about: 'hold a run against its manifest',
    takes: ['output', 'quiet'],
    most: 1,
    work: verifyCommand,
  },
  review: {
    words: '[RUN]',
    about:
      'decide on the pairs of the list for people, on a page of this machine; decisions go to a file for --decisions',
    takes: ['output', 'decisions', 'list', 'by', 'port'],
    most: 1,
    work: reviewCommand,
  },
  stages: {
    words: '[NAME]…',
    about: 'the stages there are, by what they are for; those of a category, or one with its options',
    takes: ['paper', 'json'],
    most: Infinity,
    work: stagesCommand,
  },
  'clean-cache': {
    words: '',
    about: 'remove what a run keeps for the next one',
    takes: ['output', 'quiet'],
    most: 0,
    meant: 'output',
    work: cleanCache,
  },
}

export const exitCodes =
  'Exit codes: 0 published or nothing new, 64 usage, 65 bad data, none left or a report that refuses it, 66 no input, 69 a server is down, 74 input/output, 75 another run is on, an input is changing or a cap is reached, 78 the graph is wrong, 130/143 interrupted.'

const line = (name: string, { words, about }: Command) => `sluice ${`${name} ${words}`.padEnd(21)} ${about}`
function usage(name?: string): string {
  const some = Object.entries(commands).filter(([other]) => name === undefined || other === name)
  const isTaken = (option: string) =>
    name === undefined || option === 'help' || commands[name].takes.includes(option as Name)
  const options = Object.fromEntries(Object.entries(flags).filter(([option]) => isTaken(option)))
  return `${some.map(([other, command]) => line(other, command)).join('\n')}\n\n${listFlags(options)}\n${exitCodes}`
}

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

/** The graph that a command line names, and the words behind it. */
function graphWord(command: string, values: CliValues, words: readonly string[]): [string, ...string[]] {
  const [graph, ...rest] = values.graph === undefined ? words : [values.graph, ...words]
  const example = `\`sluice ${command} pipelines/clean.yaml`,
    who = `sluice ${command}`
  if (graph === undefined) throw new SluiceError(`${who}: name a graph, as in ${example}\``, EXIT.usage)
  if (!isGraphFile(graph)) {
    const rest = `${command === 'run' ? '' : '--input '}${graph}`
    throw new SluiceError(
      `${who}: '${graph}' is no graph (.yaml, .yml or .json); the graph comes first, as in ${example} ${rest}\``,
      EXIT.usage,
    )
  }
  return [graph, ...rest]
}

function keepIds(file: string | undefined): string[] | undefined {
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

async function runCommand(values: CliValues, words: readonly string[]): Promise<number> {
  const [graph, ...rest] = graphWord('run', values, words),
    { inputs, problems } = inputsOf(values, rest)
  checkUsage('sluice run', problems)
  return (await runAs(graph, values, inputs.length > 0 ? inputs : undefined)).code
}

async function lookAtFiles({ map, presets, json }: CliValues, words: readonly string[]): Promise<number> {
  if (words.length === 0 && !presets) throw new SluiceError('sluice look: name a file, a folder or a glob', EXIT.usage)
  // no other command waits for what it alone needs
  const { lookCommand } = await import('./look.ts')
  return lookCommand(words, { map: readMap(map), json: json === true, isPresets: presets === true })
}

async function checkCommand(values: CliValues, words: readonly string[]): Promise<number> {
  const [graph] = graphWord('check', values, words),
    { inputs, problems } = inputsOf(values, [])
  const unread = (['input', 'map', 'limit', 'answers', 'keep-ids', 'decisions'] as const).filter(
    name => values['no-data'] && values[name] !== undefined,
  )
  checkUsage('sluice check', [
    ...problems,
    ...(values.json && !values.plan ? ['--json is for --plan; without it a check has lines alone'] : []),
    ...unread.map(name => `--no-data opens no input, so there is no use of --${name}`),
  ])
  keepIds(values['keep-ids'])
  await readDecisions(values.decisions, text => console.error(text))
  const userFolder = join(tmpdir(), `sluice-check-${process.pid}`),
    isPlan = values.plan === true || values.mermaid === true
  try {
    if (values['no-data']) {
      const resolved = await resolveGraph(graphOf(graph), { overrides: values.set ?? [], userFolder, registry })
      await checkExamples(resolved)
      if (isPlan) await printPlan(values, resolved)
    } else {
      const { seed, limit, sample } = values
      const prepared = await prepare(
          graph,
          {
            set: values.set,
            map: readMap(values.map),
            input: inputs.length > 0 ? inputs : undefined,
            seed,
            limit,
            sample,
            output: values.output,
          },
          userFolder,
          registry,
        ),
        { files, warnings } = prepared
      if (warnings) console.error(warnings)
      await checkExamples(prepared.graph)
      if (!values.quiet || isPlan) {
        const answers = answersFolder(join(values.output, '.sluice'), values.answers),
          calls = await plan(prepared, answers, { sample, limit }, console.error)
        if (isPlan) await printPlan(values, prepared.graph, files, calls)
        else {
          for (const { path, rows, layout, facts } of files) {
            const renamed = facts.renamed === undefined ? '' : `, renamed ${inLine(String(facts.renamed))}`
            console.log(`${inLine(path)}: ${rows} rows, layout ${layout}${renamed}`)
          }
          for (const line of prepared.added) console.log(line)
          for (const line of calls) console.log(line)
        }
      }
    }
  } finally {
    rmSync(userFolder, { recursive: true, force: true })
  }
  if (isPlan) return EXIT.ok
  if (!values.quiet) console.log(`${graph} is right`)
  return EXIT.ok
}

/** What --plan or --mermaid asks for. Nothing is said of inputs that were not opened. */
async function printPlan(
  values: CliValues,
  graph: Graph,
  files?: Prepared['files'],
  calls: readonly string[] = [],
): Promise<void> {
  const { mermaid, planLines, planSaid } = await import('./answers/plan.ts'),
    { secondsOf } = await import('./answers/sweep.ts')
  if (values.mermaid) return console.log(mermaid(graph))
  const said = planSaid(graph, { files, calls, seconds: secondsOf(values.output, graph.name) })
  if (values.json) console.log(JSON.stringify(said))
  else print(planLines(await screenOf(), said))
}

async function whyCommand(values: CliValues, [what, word]: readonly string[]): Promise<number> {
  if (what === undefined) throw new SluiceError('sluice why: name one id, or FILE:ROW', EXIT.usage)
  const { whyRows } = await import('./answers/why.ts'),
    asked = await whyRows(findRun(word, values.output), what)
  if (values.json) {
    // beside JSON on stderr, so that stdout stays JSON
    for (const note of asked.notes) console.error(note)
    for (const row of asked.rows) console.log(JSON.stringify(row))
    return EXIT.ok
  }
  const { whyLines } = await import('./answers/why_lines.ts')
  print(whyLines(await screenOf(), asked))
  return EXIT.ok
}

async function showCommand(values: CliValues, [word]: readonly string[]): Promise<number> {
  const { reason, noted, made: isMade, kept: isKept, lowest, between, count, json } = values,
    { shownRows } = await import('./answers/show.ts'),
    { showLines } = await import('./answers/show_lines.ts'),
    shown = await shownRows(findRun(word, values.output), { reason, noted, isMade, isKept, lowest, between, count })
  if (json) console.log(JSON.stringify(shown))
  else print(showLines(await screenOf(), shown))
  return EXIT.ok
}

async function diffCommand(values: CliValues, [first, second]: readonly string[]): Promise<number> {
  if (first === undefined) {
    throw new SluiceError('sluice diff: name a run, by its folder or the end of its name; or two', EXIT.usage)
  }
  const { diffRuns, diffLines } = await import('./answers/diff.ts'),
    { output, rows = false, count = 20, json } = values,
    diff = await diffRuns(findRun(first, output), findRun(second, output), rows ? count : 0)
  if (json) console.log(JSON.stringify(diff))
  else print(diffLines(await screenOf(), diff, rows))
  return EXIT.ok
}

async function sweepCommand(values: CliValues, words: readonly string[]): Promise<number> {
  const [graph, word] = graphWord('sweep', values, words),
    { inputs, problems } = inputsOf(values, []),
    { sweep, sweepLines } = await import('./answers/sweep.ts')
  checkUsage('sluice sweep', problems)
  const { output, set, workers, seed, limit, sample, answers, refit: isRefit = false, quiet, json } = values,
    abort = new AbortController(),
    onInterrupt = () => abort.abort(EXIT.interrupted),
    onTerminate = () => abort.abort(EXIT.terminated),
    say = (line: string) => {
      if (!quiet) console.error(`sluice: ${line}`)
    }
  process.once('SIGINT', onInterrupt).once('SIGTERM', onTerminate)
  try {
    const swept = await sweep(graph, word, {
      ...{ output, set, seed, limit, sample, answers, isRefit },
      input: inputs.length > 0 ? inputs : undefined,
      map: readMap(values.map),
      workers: workers ?? availableParallelism(),
      keepIds: keepIds(values['keep-ids']),
      decisions: await readDecisions(values.decisions, text => console.error(text)),
      acceptLayout: true,
      signal: abort.signal,
      onPlan: lines => lines.forEach(say),
      onTry: say,
    })
    if (json) console.log(JSON.stringify(swept))
    else print(sweepLines(await screenOf(), swept, isRefit))
    return EXIT.ok
  } finally {
    process.off('SIGINT', onInterrupt).off('SIGTERM', onTerminate)
  }
}

async function verifyCommand(values: CliValues, [word]: readonly string[]): Promise<number> {
  const folder = findRun(word, values.output),
    { problems, files, rows, beside } = await verify(folder)
  if (beside.length > 0) {
    const named = beside.slice(0, 5).map(inLine).join(', ') + (beside.length > 5 ? ', …' : '')
    console.error(
      `sluice verify: ${beside.length} ${beside.length === 1 ? 'file' : 'files'} in ${folder} that the run did not publish: ${named}; what reads the whole folder reads that too`,
    )
  }
  if (problems.length > 0) throw new SluiceError(`sluice verify: ${folder}\n  ${problems.join('\n  ')}`, EXIT.data)
  if (!values.quiet) console.log(`${folder}: ${files} files and ${rows} ledger rows are as published`)
  return EXIT.ok
}

async function reviewCommand(values: CliValues, [word]: readonly string[]): Promise<number> {
  // what it takes to serve a page is loaded where one is served
  const { review } = await import('./review.ts')
  const { list, by, port = 0, decisions } = values
  return review({
    folder: findRun(word, values.output),
    sink: list,
    decisions,
    by,
    port,
  })
}

function cleanCache(values: CliValues): number {
  const output = resolve(values.output),
    cache = join(output, '.sluice')
  if (!existsSync(output)) {
    throw new SluiceError(`sluice: there is no folder ${output}; name that of a run with --output`, EXIT.noInput)
  }
  if (!existsSync(cache)) return EXIT.ok
  if (existsSync(join(cache, 'answers')) && !values.quiet) {
    console.log(
      `${join(cache, 'answers')} stays: answers of servers that were paid for; remove the folder yourself and run with --anew if you want to pay again`,
    )
  }
  const lock = takeLock(cache)
  try {
    for (const name of ['spools', 'ledger', 'user']) rmSync(join(cache, name), { recursive: true, force: true })
  } finally {
    lock.giveBack()
  }
  return EXIT.ok
}

/** Does the work and returns its exit code; an error goes to stderr as one message. */
export const ended = (work: () => number | Promise<number>): Promise<number> => toItsEnd(() => endedWith(work))

async function endedWith(work: () => number | Promise<number>): Promise<number> {
  // console swallows them; who stops reading, as `head` does, has what was wanted
  let unwritten: (Error & { code?: string }) | undefined
  const onError = (error: Error & { code?: string }) => {
    if (error.code !== 'EPIPE') unwritten = error
  }
  const streams = [process.stdout, process.stderr]
  for (const stream of streams) stream.on('error', onError)
  try {
    const code = await work()
    for (const stream of streams) await new Promise(resolve => stream.write('', resolve))
    if (unwritten === undefined) return code
    console.error(`sluice: what should be printed could not be written (${unwritten.message})`)
    return code === EXIT.ok ? EXIT.io : code
  } catch (error) {
    const code = exitCode(error)
    console.error(code === EXIT.unexpected && !(error instanceof SluiceError) ? error : systemSaid(error).message)
    return code
  } finally {
    for (const stream of streams) stream.off('error', onError)
  }
}

/** Does what the arguments say and returns the exit code; errors go to stderr as one message. */
export function main(argv: readonly string[]): Promise<number> {
  return ended(() => {
    const {
      values,
      words: [name, ...words],
      given,
      problems,
    } = readArguments(argv, flags)
    const command = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined
    if (values.help) {
      console.log(usage(command && name))
      return EXIT.ok
    }
    if (name === undefined && problems.length === 0) {
      console.log(usage())
      return EXIT.usage
    }
    if (name !== undefined && !command) {
      const near = nearest(name, Object.keys(commands))
      problems.push(
        `no command '${name}'${near ? `; did you mean ${near}?` : `; there are ${Object.keys(commands).join(', ')}`}`,
      )
    }
    if (command) {
      // of a command of one graph --graph is that word
      const { takes, most, meant, words: about } = command,
        left = most === 1 && values.graph !== undefined && takes.includes('graph') ? 0 : most
      const taken = takes.length > 0 ? `; it takes ${takes.map(one => `--${one}`).join(', ')}` : ''
      problems.push(
        ...[...given]
          .filter(option => !takes.includes(option as Name))
          .map(option => `\`sluice ${name}\` has no use of --${option}${taken}`),
        ...words
          .slice(left)
          .map(
            word =>
              `'${word}' is one word too many; ${meant ? `did you mean --${meant} ${word}?` : `it is \`sluice ${name} ${about}\``}`,
          ),
        ...runProblems(values),
      )
    }
    checkUsage(command ? `sluice ${name}` : 'sluice', problems)
    return command!.work(values, words)
  })
}
