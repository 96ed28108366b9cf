/** The command line: what `sluice` and the scripts in pipelines/ do with their arguments. */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs, type ParseArgsConfig } from 'node:util'
import cliProgress from 'cli-progress'
import { registry } from '../stages/registry.ts'
import { plan } from './calls/plan.ts'
import { EXIT, exitCode, SluiceError } from './errors.ts'
import { nearest } from './graph/messages.ts'
import { graph as graphOf, resolveGraph } from './graph/build.ts'
import { explain, readManifest, verify, why } from './run/inspect.ts'
import { takeLock } from './run/lock.ts'
import { latestRun } from './run/publish.ts'
import { prepare } from './run/prepare.ts'
import { run, type Progress, type RunOptions } from './run/run.ts'
import { summaryObject, summaryText } from './run/summary.ts'
import { terminal as console } from './terminal.ts'

const flags = {
  input: { type: 'string', multiple: true, about: 'GLOB   file, folder or glob (.parquet, .jsonl, .arrow) to read instead of what the graph names; repeatable' },
  output: { type: 'string', default: 'out', about: 'DIR   where runs are published (default: out)' },
  graph: { type: 'string', about: 'FILE   the graph to run' },
  set: { type: 'string', multiple: true, about: 'STAGE.OPTION=VALUE   replaces an option of the graph; repeatable' },
  workers: { type: 'string', about: 'N   worker threads (default: the processors there are)' },
  seed: { type: 'string', about: 'N   replaces the graph\'s seed' },
  limit: { type: 'string', about: 'N   only the first N rows: a first look' },
  answers: { type: 'string', about: 'DIR   where paid answers of servers are kept, for all graphs that name it (default: .sluice/answers of the output)' },
  anew: { type: 'boolean', about: 'work everything out again though nothing changed: kept answers of servers are used, calls that failed are made again' },
  'keep-ids': { type: 'string', about: 'FILE   ids, one a line, of rows that are never dropped, nor the pairs made of them, but for what is broken; recorded in the ledger' },
  quiet: { type: 'boolean', about: 'nothing on success' },
  json: { type: 'boolean', about: 'the summary as one JSON object on stdout' },
  'no-data': { type: 'boolean', about: 'check: the text of the graph alone, without opening its inputs' },
  help: { type: 'boolean', short: 'h', about: 'this' },
} as const

const usage = () => `sluice run GRAPH      run a graph (YAML or JSON)
sluice check GRAPH    find everything that is wrong with a graph, without running it
sluice why ID         why a row was dropped or kept: an id, or FILE:ROW
sluice verify         hold the latest run against its manifest
sluice stages [NAME]  the stages there are, or one with its options
sluice clean-cache    remove what a run keeps for the next one

${Object.entries(flags).map(([name, { about }]) => `  --${name.padEnd(10)} ${about}`).join('\n')}
Exit codes: 0 published or nothing new, 64 usage, 65 bad or no data left, 66 no input, 69 a server is down, 74 input/output, 75 another run is on, an input is changing or a cap is reached, 78 the graph is wrong, 130/143 interrupted.`

type Values = { input?: string[], output: string, graph?: string, set?: string[], workers?: string, seed?: string, limit?: string, answers?: string, anew?: boolean, 'keep-ids'?: string, quiet?: boolean, json?: boolean, 'no-data'?: boolean, help?: boolean }

function parse(argv: readonly string[]): { values: Values, positionals: string[] } {
  try {
    const options = Object.fromEntries(Object.entries(flags).map(([name, { about: _, ...flag }]) => [name, flag]))
    return parseArgs({ args: [...argv], options: options as ParseArgsConfig['options'], allowPositionals: true }) as unknown as { values: Values, positionals: string[] }
  } catch (error) {
    const name = /'--([^' ]+)/.exec((error as Error).message)?.[1]
    const near = name && nearest(name, Object.keys(flags))
    throw new SluiceError(`sluice: ${(error as Error).message.split('. To specify')[0]}${near ? `; did you mean --${near}?` : ''}`, EXIT.usage)
  }
}

function whole(name: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < least) throw new SluiceError(`sluice: --${name} ${text} is not a whole number of at least ${least}`, EXIT.usage)
  return value
}

function keepIds(file: string | undefined): string[] | undefined {
  if (file === undefined) return undefined
  if (!existsSync(file)) throw new SluiceError(`sluice: --keep-ids ${file} does not exist`, EXIT.noInput)
  return readFileSync(file, 'utf8').split(/\r?\n/).filter(line => line !== '')
}

/** Bars on a terminal, a line a phase elsewhere; on stderr, so that stdout is the summary's. */
function progressTo(quiet: boolean): { report: (progress: Progress) => void, stop: () => void } {
  if (quiet) return { report: () => undefined, stop: () => undefined }
  let phase = ''
  if (!process.stderr.isTTY) {
    return { report: progress => { if (progress.phase !== phase) console.error(`sluice: ${phase = progress.phase}${progress.total > 1 ? ` (${progress.total.toLocaleString('en-US')})` : ''}`) }, stop: () => undefined }
  }
  const bar = new cliProgress.SingleBar({ format: '{phase} {bar} {value}/{total} {eta_formatted}', stream: process.stderr, clearOnComplete: true, hideCursor: true }, cliProgress.Presets.shades_classic)
  return {
    report({ phase: now, done, total }) {
      if (now !== phase) { bar.stop(); bar.start(Math.max(1, total), done, { phase: phase = now }) } else bar.update(done)
    },
    stop: () => bar.stop(),
  }
}

async function runCommand(values: Values, positionals: readonly string[]): Promise<number> {
  const graph = values.graph ?? positionals[0]
  if (!graph) throw new SluiceError('sluice run: name a graph, as in `sluice run pipelines/clean.yaml`', EXIT.usage)
  const abort = new AbortController()
  const onInterrupt = () => abort.abort(EXIT.interrupted), onTerminate = () => abort.abort(EXIT.terminated)
  process.once('SIGINT', onInterrupt).once('SIGTERM', onTerminate)
  const progress = progressTo(values.quiet === true || values.json === true)
  const options: RunOptions = {
    output: values.output, input: values.input, set: values.set, workers: whole('workers', values.workers, 1) ?? availableParallelism(), seed: whole('seed', values.seed, 0),
    limit: whole('limit', values.limit, 1), keepIds: keepIds(values['keep-ids']), onProgress: progress.report, answers: values.answers, anew: values.anew, onPlan: lines => { if (!values.quiet) for (const line of lines) console.error(`sluice: ${line}`) }, onWarning: text => { if (!values.quiet) console.error(text) }, signal: abort.signal,
  }
  try {
    const result = await run(graph, options)
    progress.stop()
    if (values.json) console.log(JSON.stringify(summaryObject(result)))
    else if (!values.quiet) console.log(summaryText(result))
    if (result.status === 'empty' && values.quiet) console.error(summaryText(result))
    return result.status === 'empty' ? EXIT.data : EXIT.ok
  } finally {
    progress.stop()
    process.off('SIGINT', onInterrupt).off('SIGTERM', onTerminate)
  }
}

async function checkCommand(values: Values, positionals: readonly string[]): Promise<number> {
  const graph = values.graph ?? positionals[0]
  if (!graph) throw new SluiceError('sluice check: name a graph, as in `sluice check pipelines/clean.yaml`', EXIT.usage)
  const userFolder = join(tmpdir(), `sluice-check-${process.pid}`)
  try {
    if (values['no-data']) await resolveGraph(graphOf(graph), { overrides: values.set ?? [], userFolder })
    else {
      const prepared = await prepare(graph, { set: values.set, input: values.input }, userFolder), { files, warnings } = prepared
      if (warnings) console.error(warnings)
      if (!values.quiet) for (const file of files) console.log(`${file.path}: ${file.rows} rows, layout ${file.layout}`)
      if (!values.quiet) for (const line of await plan(prepared, resolve(values.answers ?? join(values.output, '.sluice', 'answers')), whole('limit', values.limit, 1), console.error)) console.log(line)
    }
  } finally { rmSync(userFolder, { recursive: true, force: true }) }
  if (!values.quiet) console.log(`${graph} is right`)
  return EXIT.ok
}

function runFolder(values: Values): string {
  const folder = latestRun(values.output)
  if (!folder) throw new SluiceError(`sluice: there is no published run in ${resolve(values.output)}; run a graph first, or name the folder with --output`, EXIT.noInput)
  return folder
}

async function whyCommand(values: Values, positionals: readonly string[]): Promise<number> {
  if (positionals.length !== 1) throw new SluiceError('sluice why: name one id, or FILE:ROW', EXIT.usage)
  const folder = runFolder(values), [what] = positionals, own = await why(folder, what)
  // pairs that are made of a row have its id, and ~<stage> or a number behind it
  const parent = what.replace(/(~[^~]+|-\d+)$/, ''), rows = own.length === 0 && parent !== what ? await why(folder, parent) : own
  if (rows.length === 0) throw new SluiceError(`sluice why: no row '${what}' in the ledger of ${folder}; ids are as in the input, rows count from 0`, EXIT.noInput)
  if (own.length === 0 && !values.json) console.log(`no row has the id '${what}'; as a pair made of '${parent}':`)
  const manifest = readManifest(folder)
  for (const row of rows) console.log(values.json ? JSON.stringify(row) : explain(row, manifest))
  return EXIT.ok
}

async function verifyCommand(values: Values): Promise<number> {
  const folder = runFolder(values), { problems, files, rows } = await verify(folder)
  if (problems.length > 0) throw new SluiceError(`sluice verify: ${folder}\n  ${problems.join('\n  ')}`, EXIT.data)
  if (!values.quiet) console.log(`${folder}: ${files} files and ${rows} ledger rows are as published`)
  return EXIT.ok
}

function stagesCommand(positionals: readonly string[]): number {
  if (positionals.length === 0) {
    for (const stage of registry.values()) console.log(`${stage.name.padEnd(24)}${stage.summary}`)
    return EXIT.ok
  }
  for (const name of positionals) {
    const stage = registry.get(name)
    if (!stage) {
      const near = nearest(name, [...registry.keys()])
      throw new SluiceError(`sluice stages: no stage '${name}'${near ? `; did you mean ${near}?` : '; `sluice stages` lists those there are'}`, EXIT.usage)
    }
    console.log(`${stage.name}: ${stage.summary}`)
    for (const [option, schema] of Object.entries(stage.options.properties as Record<string, { description?: string, default?: unknown, enum?: string[] }>)) {
      console.log(`  ${option}${schema.default === undefined ? '' : ` = ${JSON.stringify(schema.default)}`}${schema.enum ? ` (${schema.enum.join(', ')})` : ''}: ${schema.description ?? ''}`)
    }
    const isDerived = stage.kind === 'stage' && stage.rows === 'derive'
    for (const [reason, { kind, about }] of Object.entries(stage.reasons)) console.log(`  ${isDerived ? `note ${reason}` : `reason ${reason} (${kind})`}: ${about}`)
  }
  return EXIT.ok
}

function cleanCache(values: Values): number {
  const cache = join(resolve(values.output), '.sluice')
  if (!existsSync(cache)) return EXIT.ok
  if (existsSync(join(cache, 'answers')) && !values.quiet) console.log(`${join(cache, 'answers')} stays: answers of servers that were paid for; remove the folder yourself if you want to pay again`)
  const unlock = takeLock(cache)
  try { for (const name of ['spools', 'ledger', 'user']) rmSync(join(cache, name), { recursive: true, force: true }) } finally { unlock() }
  return EXIT.ok
}

const commands = ['run', 'check', 'why', 'verify', 'stages', 'clean-cache']

/** Does what the arguments say and returns the exit code; errors go to stderr as one message. */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    const { values, positionals: [command, ...rest] } = parse(argv)
    if (values.help || command === undefined) { console.log(usage()); return command === undefined && !values.help ? EXIT.usage : EXIT.ok }
    if (command === 'run') return await runCommand(values, rest)
    if (command === 'check') return await checkCommand(values, rest)
    if (command === 'why') return await whyCommand(values, rest)
    if (command === 'verify') return await verifyCommand(values)
    if (command === 'stages') return stagesCommand(rest)
    if (command === 'clean-cache') return cleanCache(values)
    const near = nearest(command, commands)
    throw new SluiceError(`sluice: no command '${command}'${near ? `; did you mean ${near}?` : ''}\n\n${usage()}`, EXIT.usage)
  } catch (error) {
    const code = exitCode(error)
    console.error(code === EXIT.unexpected && !(error instanceof SluiceError) ? error : (error as Error).message)
    return code
  }
}
