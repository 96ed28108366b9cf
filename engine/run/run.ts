/** A run from the graph to the published folder. */
import { holdLayouts } from './accept.ts'
import { Schema } from 'apache-arrow'
import { readdirSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join, resolve, sep } from 'node:path'
import type { Registry } from '../contract/define.ts'
import type { InputFile } from '../source/input.ts'
import { schemaBytes } from '../arrow/ipc.ts'
import { openCalls, type Calls } from '../calls/calls.ts'
import { planCalls } from '../calls/plan.ts'
import { toItsEnd } from '../ends.ts'
import type { Graph } from '../graph/types.ts'
import { EXIT, exitCode, IoError, SluiceError, systemSaid } from '../errors.ts'
import { everyOf } from '../report/gather.ts'
import { openClock } from '../report/took.ts'
import { holdPackages } from '../graph/packages.ts'
import { give, onSeen, seenOf } from '../graph/watch.ts'
import { openingInputs, type Blocks } from '../files/blocks.ts'
import { changedInput, loadValue, stampOf } from './files.ts'
import { settle, type Wanted } from './decisions.ts'
import { checkDisk } from './disk.ts'
import { makeKeys, sha } from './keys.ts'
import { holdLock, isLost, lostLock, type Lock } from './lock.ts'
import { type Counts, type LedgerTask, type PartnersTask, type PassMeta, type Setup } from './messages.ts'
import type { GraphInput, RunOptions } from './options.ts'
import { strayIn } from './inspect.ts'
import { answersFolder, openOutput, removeHalves } from './output_folder.ts'
import { cutPartitions, pickPartitions } from './partitions.ts'
import { makePlan, type Plan } from './plan.ts'
import { openPool, type Pool } from './pool.ts'
import { openProgress, passName, type Costs } from './progress.ts'
import { prepare, readsOf, type Prepared } from './prepare.ts'
import { labelOf, latestManifest, type Manifest } from './manifest.ts'
import { publish } from './publish.ts'
import { codeStamp, isReplaced, replacedCode } from '../stamp.ts'
import { sampleRows } from './sample.ts'
import { Passes, type Made } from './passes.ts'
import { holdSeen, isReader, keepSeen, seenFolder, seenName, tokensOf } from './seen.ts'
import { holdStageFiles, readStageFiles, type HeldFiles } from './stage_files.ts'
import { heedReports, reportsOf, type Reported } from './reports.ts'

export interface RunResult {
  /**
   * published: a new run is the latest. nothing_new: the latest already has exactly this. empty: nothing was kept,
   * `latest` still is what it was.
   */
  readonly status: 'published' | 'nothing_new' | 'empty'
  readonly folder: string
  readonly manifest: Manifest
  /** What was asked of servers, by stage. */
  readonly calls: ReturnType<Calls['done']>
  readonly seconds: number
}

/**
 * Runs a graph; `stages` are those that it may name without a path. Throws an Error with an exit code as its `exit`;
 * nothing is published then, and the next run goes on from where this one was.
 */
export const runGraph = (input: GraphInput, options: RunOptions, stages: Registry): Promise<RunResult> =>
  toItsEnd(async () => (await runToItsEnd(input, options, stages)) as RunResult)

/** What a graph comes to, worked through and not published. */
export interface Tried {
  readonly graph: Graph
  readonly rows: number
  readonly counts: Readonly<Record<string, Counts>>
  readonly reports: Readonly<Record<string, Reported>>
  readonly states: ReadonlyMap<string, readonly Made[]>
  /** What it left or found in the output's spools. */
  readonly used: ReadonlySet<string>
  readonly seconds: number
}
interface Trial {
  readonly fixed: ReadonlyMap<string, readonly Made[]>
}

/**
 * Works a graph through as a run into `options.output` would, from what is finished there, and publishes nothing. What
 * it makes stays beside what is there. `fixed`: what some of its stages have learnt, that they learn no more.
 */
export const tryGraph = (
  input: GraphInput,
  options: RunOptions,
  stages: Registry,
  fixed: Trial['fixed'] = new Map(),
): Promise<Tried> => toItsEnd(async () => (await runToItsEnd(input, options, stages, { fixed })) as Tried)

async function runToItsEnd(
  input: GraphInput,
  options: RunOptions,
  stages: Registry,
  trial?: Trial,
): Promise<RunResult | Tried> {
  const started = performance.now(),
    clock = openClock()
  const output = resolve(options.output ?? 'out'),
    cache = join(output, '.sluice')
  let pool: Pool | undefined, calls: Calls | undefined
  const abort = () => {
    void pool?.close()
    void calls?.close()
  }
  const lock = openOutput(output, cache, abort)
  options.signal?.addEventListener('abort', abort)
  let onUse: (key: string) => void = () => undefined
  const unwatch = onSeen(key => {
    onUse(key)
  })
  try {
    const opened = new Map<string, Blocks>()
    const prepared = await openingInputs(opened, () => prepare(input, options, join(cache, 'user'), stages))
    options.signal?.throwIfAborted()
    if (!options.acceptLayout) holdLayouts(output, prepared)
    const { graph, files, tables } = prepared
    const stamps = [...files, ...tables].map(file => (file.stamp === undefined ? checkInput(file, output) : undefined))
    if (prepared.warnings) options.onWarning?.(prepared.warnings)
    const seen = seenFolder(cache),
      nodes = [...graph.nodes, ...graph.tables],
      told = new Map(nodes.map(({ id, own }) => [id, new Set(seenOf(own?.key ?? '').keys())]))
    onUse = key => {
      keepSeen(seen, key)
      for (const node of nodes.filter(({ own }) => own?.key === key)) {
        const fresh = [...seenOf(key)].filter(([kind]) => !told.get(node.id)!.has(kind))
        for (const [kind] of fresh) told.get(node.id)!.add(kind)
        for (const line of readsOf(node, new Map(fresh))) options.onWarning?.(line)
      }
    }
    const { tokens, isNew } = tokensOf(seen, nodes, damage =>
      options.onWarning?.(`run: ${damage}; what it held is worked out anew`),
    )
    const { sample, limit } = options
    const allRows = files.reduce((n, { rows }) => n + rows, 0)
    const rows = Math.min(allRows, limit ?? sample ?? allRows)
    const plan = makePlan(graph, new Set(trial?.fixed.keys())),
      held = await readStageFiles(prepared.stageFiles)
    options.signal?.throwIfAborted()
    const wanted = settle(options.keepIds, options.decisions)
    const setup = makeSetup(prepared, stamps, opened, plan, options, wanted, lock, held, everyOf(rows))
    const latest = latestManifest(output)
    let passes = undefined as Passes | undefined
    const progress = openProgress({
      plan,
      rows,
      workers: options.workers ?? availableParallelism(),
      started,
      before: costsOf(latest, graph.name),
      leftOut: () => Object.values(passes?.counts ?? {}).reduce((n, { dropped, errored }) => n + dropped + errored, 0),
      asked: () => spentOn(calls),
      report: options.onProgress,
    })
    calls =
      prepared.services.size === 0
        ? undefined
        : openCalls(prepared.services, answersFolder(cache, options.answers), () => keys.run, options.onWarning)
    // a thread that waits for a server takes no processor: as many more
    pool = openPool(
      Math.max(1, options.workers ?? availableParallelism()) + prepared.services.size,
      setup,
      progress.add,
      calls,
      options.onWarning,
      options.quietSecs,
    )
    clock.end('start')
    progress.begin('fingerprint', files.length + tables.length)
    const hashes = await Promise.all(
      [...files, ...tables].map(async ({ path, stamp }) => {
        // servers make stamps of size and time, which other files share: with all of the address, its query too
        const hash = stamp === undefined ? await pool!.run<string>({ kind: 'hash', path }) : sha([path, stamp])
        progress.add(1)
        return hash
      }),
    )
    const cut = cutPartitions(files, graph.partitionRows, limit)
    const isPart = sample !== undefined && sample < allRows
    // of tables all rows are read
    const contents = hashes.slice(0, files.length)
    const units = isPart ? pickPartitions(cut, sampleRows(files, contents, graph.seed, sample)) : cut
    const partitions = units.flat()
    const keys = makeKeys(
      prepared,
      plan,
      partitions,
      hashes,
      (await calls?.served()) ?? {},
      options,
      wanted,
      held,
      tokens,
      setup.every,
    )
    const hold = () => {
      holdLock(lock)
      holdStageFiles(held)
      holdPackages(setup.nodes)
      holdSeen()
    }
    hold()
    const mayDiffer = nodes.some(isReader)
    if (latest && latest.manifest === undefined && (options.anew || mayDiffer || isNew)) {
      const path = join(latest.folder, 'manifest.json')
      options.onWarning?.(`run: ${path} is not what was published, so audits are told of no run before`)
    }
    if (options.anew) prune(join(cache, 'spools'), new Set())
    else if (latest && !mayDiffer && !isNew && !trial) {
      const { folder, manifest } = latest,
        isSame = manifest?.hash === keys.run,
        other = isSame ? await damagedIn(folder, manifest, pool) : undefined,
        damaged = manifest === undefined ? 'manifest.json' : other
      if (isSame && damaged === undefined) {
        const stray = strayIn(folder, manifest)
        if (stray.length > 0) {
          options.onWarning?.(
            `run: ${stray.length} ${stray.length === 1 ? 'file' : 'files'} in ${folder} that no run published there: ${stray.slice(0, 3).join(', ')}${stray.length > 3 ? ', …' : ''}; what reads the whole folder reads that too, so move it away`,
          )
        }
        return { status: 'nothing_new', folder, manifest, calls: {}, seconds: (performance.now() - started) / 1000 }
      }
      if (damaged !== undefined) {
        options.onWarning?.(`run: ${join(folder, damaged)} is not what was published, so all is published anew`)
      }
    }
    checkDisk(output, files, partitions, plan)
    if (calls) options.onPlan?.(await planCalls(prepared, partitions, calls))
    passes = new Passes(cache, prepared, plan, keys, units, pool, options, progress, hold, trial?.fixed)
    const made = passes
    await passes.tables()
    clock.end('reading')
    for (let level = 0; level < plan.levels.length; level++) {
      progress.begin(passName(plan, level), rows)
      await passes.level(level, clock)
      hold()
    }
    const reports = reportsOf(graph.nodes, {
      tallies: await passes.tallied(),
      stateOf: node => made.stateOf(node),
      latest,
      hash: keys.run,
      mayDiffer,
      held,
    })
    clock.end('reports')
    hold()
    if (trial) {
      const { counts, states, used } = passes
      return { graph, rows, counts, reports, states, used, seconds: (performance.now() - started) / 1000 }
    }
    heedReports(reports, latest)
    progress.begin('publish', 1)
    const result = await publish({
      output,
      lock,
      hold,
      prepared,
      partitions,
      hashes,
      held,
      hash: keys.run,
      limit: options.limit,
      sample,
      wanted,
      every: setup.every,
      pool,
      metas: () =>
        partitions.map((_, p) => made.folders(p).map(folder => loadValue<PassMeta>(join(folder, 'meta.bin')))),
      reports,
      counts: passes.counts,
      calls: calls?.done() ?? {},
      clock,
      costs: progress.costs,
      partners: (file, p, picks) =>
        ({
          kind: 'partners',
          folders: made.folders(p),
          picks,
          files: Int32Array.from(partitions, ({ file }) => file),
          starts: Float64Array.from(partitions, ({ start }) => start),
          file,
        }) satisfies PartnersTask,
      ledger: (file, p, picks, partners) =>
        ({
          kind: 'ledger',
          partition: partitions[p],
          folders: made.folders(p),
          file,
          label: labelOf(files[partitions[p].file].path),
          picks,
          partners,
        }) satisfies LedgerTask,
    })
    prune(join(cache, 'spools'), passes.used)
    prune(seen, new Set(nodes.map(({ own }) => seenName(own?.key ?? ''))))
    return { ...result, calls: calls?.done() ?? {}, seconds: (performance.now() - started) / 1000 }
  } catch (error) {
    const { code, message } = systemSaid(error)
    if (!options.signal?.aborted && (code === 'ENOSPC' || code === 'EDQUOT')) {
      const why = `run: no space left (${code}: ${message.replace(`${code}: `, '')}) while ${output} was written`
      throw new SluiceError(
        `${why}; free some or choose another --output, then run the same command again: what is finished is kept`,
        EXIT.io,
        { cause: error },
      )
    }
    if (options.signal?.aborted) {
      throw new SluiceError(
        'run: interrupted; what is finished is kept, run the same command again to go on',
        typeof options.signal.reason === 'number' ? options.signal.reason : EXIT.interrupted,
      )
    }
    if (code === 'ERR_MODULE_NOT_FOUND' && isReplaced()) throw Object.assign(replacedCode(), { cause: error })
    // what it wanted to read or write may be gone by that
    if (isLost(lock)) throw Object.assign(lostLock(lock), { cause: error })
    if (exitCode(error) === EXIT.io && (error instanceof IoError || !(error instanceof SluiceError))) {
      throw new SluiceError(
        `run: ${message}; what is finished is kept: when the cause is mended, run the same command again`,
        EXIT.io,
        { cause: error },
      )
    }
    throw error instanceof Error && !('exit' in error) ? Object.assign(error, { exit: exitCode(error) }) : error
  } finally {
    options.signal?.removeEventListener('abort', abort)
    await pool?.close()
    unwatch()
    try {
      await calls?.close()
    } finally {
      try {
        // what is half done is another run's, if the lock is
        if (!isLost(lock)) removeHalves(output, cache)
      } catch {
        /* the next run removes it: that it stays shall not hide what went wrong before */
      }
      lock.giveBack()
    }
  }
}

/** What the last run of the graph took. */
function costsOf(latest: ReturnType<typeof latestManifest>, graph: string): Costs | undefined {
  if (latest?.manifest?.graph.name !== graph) return undefined
  try {
    const { work } = JSON.parse(readFileSync(join(latest.folder, 'timings.json'), 'utf8')) as { work?: Costs }
    return work
  } catch {
    // nothing but a guess of the time left follows from it
    return undefined
  }
}

function spentOn(calls: Calls | undefined): { requests: number; usd: number } | undefined {
  const all = Object.values(calls?.done() ?? {}),
    sum = (of: 'requests' | 'usd') => all.reduce((total, done) => total + done[of], 0)
  return all.length === 0 ? undefined : { requests: sum('requests'), usd: sum('usd') }
}

/**
 * What identifies an input as long as it stays as it is. Refuses what a run into the same folder published: the next
 * one would read its own result.
 */
function checkInput({ path, bytes, opened }: Pick<InputFile, 'path' | 'bytes' | 'opened'>, output: string): string {
  const stamp = statSync(path, { throwIfNoEntry: false }) ? stampOf(path) : ''
  if (opened === undefined ? !stamp.startsWith(`${bytes}-`) : stamp !== opened) throw changedInput(path)
  if (realpathSync(path).startsWith(join(realpathSync(output), 'runs', sep))) {
    throw new SluiceError(
      `run: the input ${path} lies in the output folder ${output}: a run would read what another one wrote; choose an --output outside of the input, or name the files to read`,
      EXIT.usage,
    )
  }
  return stamp
}

/** A file of a published run that is not what its manifest says. */
async function damagedIn(folder: string, { files = {} }: Manifest, pool: Pool): Promise<string | undefined> {
  const isWhole = await Promise.all(
    Object.entries(files).map(async ([name, { bytes, sha256 }]) => {
      const path = join(folder, name),
        size = statSync(path, { throwIfNoEntry: false })?.size
      if (sha256 === undefined) return size !== undefined
      return size === bytes && (await pool.run<string>({ kind: 'hash', path })) === sha256
    }),
  )
  return Object.keys(files).find((_, i) => !isWhole[i])
}

function makeSetup(
  { graph, files, tables, schemas }: Prepared,
  stamps: readonly (string | undefined)[],
  opened: ReadonlyMap<string, Blocks>,
  plan: Plan,
  options: RunOptions,
  wanted: Wanted,
  { path, text }: Lock,
  held: HeldFiles,
  every: number,
): Setup {
  const givenTo = ({ id }: { id: string }) => [
    ...(held.get(id) ?? []).map(({ place }) => place),
    ...[...files, ...tables].flatMap(({ source, path }) => (source === id ? [path] : [])),
  ]
  const nodes = [...graph.nodes, ...graph.tables]
  for (const node of nodes) give(node.own?.key, givenTo(node))
  return {
    code: codeStamp,
    lock: { path, text },
    seenFolder: seenFolder(dirname(path)),
    nodes: nodes.map(node => ({
      id: node.id,
      use: node.use,
      ...(node.own ? { own: { key: node.own.key, module: node.own.module, packages: node.own.packages } } : {}),
      ...(node.own && node.own.reads.length + node.own.keeps.length === 0 ? { seen: [...seenOf(node.own.key)] } : {}),
      given: givenTo(node),
      options: node.options as Record<string, unknown>,
      input: schemaBytes(schemas.get(node.id)?.input ?? new Schema([])),
      output: schemaBytes(schemas.get(node.id)?.output ?? new Schema([])),
      tallied: asBytes(schemas.get(node.id)?.tallied),
      tables: asBytes(schemas.get(node.id)?.tables),
      files: (held.get(node.id) ?? []).map(({ path, bytes }) => ({ path, bytes })),
    })),
    levels: plan.levels,
    reach: [...plan.reach].map(([id, sources]) => [id, [...sources]]),
    files: files.map(({ source, path, layout, plan }, i) => ({
      source,
      path,
      label: labelOf(path),
      layout,
      plan,
      stamp: stamps[i],
      ...(opened.has(path) ? { blocks: opened.get(path)! } : {}),
    })),
    tables: tables.map(({ source, path, plan: { raw } }, i) => ({
      source,
      path,
      raw,
      stamp: stamps[files.length + i],
      ...(opened.has(path) ? { blocks: opened.get(path)! } : {}),
    })),
    seed: graph.seed,
    keepIds: wanted.keepIds,
    decisions: wanted.decisions,
    blockRows: options.blockRows ?? 1000,
    every,
    ...(options.groupBytes === undefined ? {} : { groupBytes: options.groupBytes }),
  }
}

const asBytes = (schemas: ReadonlyMap<string, Schema> = new Map()) =>
  [...schemas].map(([name, schema]) => [name, schemaBytes(schema)] as const)

/** Keeps only what this run used: the next one goes on from there, and the folder does not grow night by night. */
function prune(folder: string, used: ReadonlySet<string>): void {
  for (const name of readdirSync(folder)) {
    if (!used.has(name)) rmSync(join(folder, name), { recursive: true, force: true })
  }
}
