/** What each command of `sluice` does with its options and words. */
import { existsSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { registry } from '../stages/registry.ts'
import { checkUsage } from './arguments.ts'
import { type CliValues } from './flags.ts'
import { findRun } from './answers/find_run.ts'
import { print, screenOf } from './answers/screen.ts'
import { readDecisions } from './decisions.ts'
import { readMap } from './map.ts'
import { checkExamples } from './own_examples.ts'
import { plan } from '../engine/calls/plan.ts'
import { EXIT, SluiceError } from '../engine/errors.ts'
import type { Graph } from '../engine/graph/types.ts'
import { graph as graphOf, isGraphFile, resolveGraph } from '../engine/graph/build.ts'
import { verify } from '../engine/run/inspect.ts'
import { takeLock } from '../engine/run/lock.ts'
import { answersFolder } from '../engine/run/output_folder.ts'
import { prepare, type Prepared } from '../engine/run/prepare.ts'
import { inLine, terminal as console } from '../engine/terminal.ts'
import { inputsOf, keepIds, runAs } from './run_as.ts'

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

export async function runCommand(values: CliValues, words: readonly string[]): Promise<number> {
  const [graph, ...rest] = graphWord('run', values, words),
    { inputs, problems } = inputsOf(values, rest)
  checkUsage('sluice run', problems)
  return (await runAs(graph, values, inputs.length > 0 ? inputs : undefined)).code
}

export async function lookAtFiles({ map, presets, json }: CliValues, words: readonly string[]): Promise<number> {
  if (words.length === 0 && !presets) throw new SluiceError('sluice look: name a file, a folder or a glob', EXIT.usage)
  // no other command waits for what it alone needs
  const { lookCommand } = await import('./look.ts')
  return lookCommand(words, { map: readMap(map), json: json === true, isPresets: presets === true })
}

export async function checkCommand(values: CliValues, words: readonly string[]): Promise<number> {
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

export async function whyCommand(values: CliValues, [what, word]: readonly string[]): Promise<number> {
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

export async function showCommand(values: CliValues, [word]: readonly string[]): Promise<number> {
  const { reason, noted, made: isMade, kept: isKept, lowest, between, count, json } = values,
    { shownRows } = await import('./answers/show.ts'),
    { showLines } = await import('./answers/show_lines.ts'),
    shown = await shownRows(findRun(word, values.output), { reason, noted, isMade, isKept, lowest, between, count })
  if (json) console.log(JSON.stringify(shown))
  else print(showLines(await screenOf(), shown))
  return EXIT.ok
}

export async function diffCommand(values: CliValues, [first, second]: readonly string[]): Promise<number> {
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

export async function sweepCommand(values: CliValues, words: readonly string[]): Promise<number> {
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

export async function verifyCommand(values: CliValues, [word]: readonly string[]): Promise<number> {
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

export async function reviewCommand(values: CliValues, [word]: readonly string[]): Promise<number> {
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

export function cleanCache(values: CliValues): number {
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
    for (const name of ['spools', 'ledger', 'user', 'seen', 'input']) {
      rmSync(join(cache, name), { recursive: true, force: true })
    }
  } finally {
    lock.giveBack()
  }
  return EXIT.ok
}
