/** A run from the graph to the published folder. */
import { existsSync, mkdirSync, readdirSync, realpathSync, rmSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, resolve, sep } from 'node:path'
import type { InputFile, Registry, Stage, StageReport } from '../contract/define.ts'
import { schemaBytes } from '../arrow/ipc.ts'
import { openCalls, type Calls } from '../calls/calls.ts'
import { planCalls } from '../calls/plan.ts'
import { toItsEnd } from '../ends.ts'
import { EXIT, exitCode, IoError, SluiceError } from '../errors.ts'
import type { Node } from '../graph/types.ts'
import { damageOf } from '../sealed.ts'
import { givenOf, type checkPass } from './finished.ts'
import { changedInput, loadValue, saveValue, stampOf } from './files.ts'
import { bucketCount, joinBuckets, type GroupPart } from './group.ts'
import { checkDisk } from './disk.ts'
import { isReader, makeKeys, sha, type Keys } from './keys.ts'
import {
  emptyCounts,
  rowCount,
  type BucketTask,
  type Counts,
  type LedgerTask,
  type MergeTask,
  type Partition,
  type PassMeta,
  type PassResult,
  type PassTask,
  type Setup,
} from './messages.ts'
import type { GraphInput, RunOptions } from './options.ts'
import { openOutput, removeHalves } from './output_folder.ts'
import { cutPartitions, pickPartitions } from './partitions.ts'
import { isGroupRound, makePlan, roundsOf, type Plan } from './plan.ts'
import { openPool, type Pool } from './pool.ts'
import { prepare, type Prepared } from './prepare.ts'
import { labelOf, latestManifest, type Manifest } from './manifest.ts'
import { publish } from './publish.ts'
import { sampleRows } from './sample.ts'

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
  toItsEnd(() => runToItsEnd(input, options, stages))

async function runToItsEnd(input: GraphInput, options: RunOptions, stages: Registry): Promise<RunResult> {
  const started = performance.now()
  const output = resolve(options.output ?? 'out'),
    cache = join(output, '.sluice')
  const unlock = openOutput(output, cache)
  let pool: Pool | undefined, calls: Calls | undefined
  const abort = () => {
    void pool?.close()
    void calls?.close()
  }
  options.signal?.addEventListener('abort', abort)
  try {
    const prepared = await prepare(input, options, join(cache, 'user'), stages)
    options.signal?.throwIfAborted()
    const { graph, files } = prepared
    const stamps = files.map(file => file.stamp ?? checkInput(file, output))
    if (prepared.warnings) options.onWarning?.(prepared.warnings)
    const { sample } = options,
      { limit } = prepared
    const allRows = files.reduce((n, { rows }) => n + rows, 0)
    const expectedRows = Math.min(allRows, limit ?? sample ?? allRows)
    const plan = makePlan(graph)
    const setup = makeSetup(prepared, stamps, plan, expectedRows, options)
    let done = 0,
      phase = '',
      total = 0
    const progress = (rows: number) => options.onProgress?.({ phase, done: (done += rows), total })
    const begin = (name: string, of: number) => {
      phase = name
      done = 0
      total = of
      progress(0)
    }
    calls =
      prepared.services.size === 0
        ? undefined
        : openCalls(
            prepared.services,
            resolve(options.answers ?? join(cache, 'answers')),
            () => keys.run,
            options.onWarning,
          )
    // a thread that waits for a server takes no processor: as many more
    pool = openPool(
      Math.max(1, options.workers ?? availableParallelism()) + prepared.services.size,
      setup,
      progress,
      calls,
      options.onWarning,
      options.quietSecs,
    )
    begin('fingerprint', files.length)
    const hashes = await Promise.all(
      files.map(async ({ path, stamp }) => {
        const hash = stamp === undefined ? await pool!.run<string>({ kind: 'hash', path }) : sha(stamp)
        progress(1)
        return hash
      }),
    )
    const cut = cutPartitions(files, graph.partitionRows, limit)
    const isPart = sample !== undefined && sample < allRows
    const units = isPart ? pickPartitions(cut, sampleRows(files, hashes, graph.seed, sample)) : cut
    const partitions = units.flat()
    const keys = makeKeys(prepared, plan, partitions, hashes, (await calls?.served()) ?? {}, expectedRows, options)
    const latest = latestManifest(output)
    if (options.anew) prune(join(cache, 'spools'), new Set())
    else if (latest && !graph.nodes.some(isReader)) {
      const { folder, manifest } = latest,
        isSame = manifest?.hash === keys.run,
        other = isSame ? await damagedIn(folder, manifest, pool) : undefined,
        damaged = manifest === undefined ? 'manifest.json' : other
      if (isSame && damaged === undefined) {
        return { status: 'nothing_new', folder, manifest, calls: {}, seconds: (performance.now() - started) / 1000 }
      }
      if (damaged !== undefined) {
        options.onWarning?.(`run: ${join(folder, damaged)} is not what was published, so all is published anew`)
      }
    }
    checkDisk(output, files, partitions, plan)
    if (calls) options.onPlan?.(await planCalls(prepared, partitions, calls))
    const passes = new Passes(cache, prepared, plan, keys, units, pool, options)
    for (let level = 0; level < plan.levels.length; level++) {
      begin(plan.levels.length > 1 ? `pass ${level + 1} of ${plan.levels.length}` : 'pass', expectedRows)
      await passes.level(level, progress)
    }
    begin('publish', 1)
    const result = await publish({
      output,
      prepared,
      partitions,
      hashes,
      hash: keys.run,
      limit: options.limit,
      sample,
      keepIds: setup.keepIds,
      pool,
      metas: () =>
        partitions.map((_, p) => passes.folders(p).map(folder => loadValue<PassMeta>(join(folder, 'meta.bin')))),
      reports: passes.reports(),
      counts: passes.counts,
      calls: calls?.done() ?? {},
      ledger: (file, p) =>
        ({
          kind: 'ledger',
          partition: partitions[p],
          folders: passes.folders(p),
          file,
          label: labelOf(files[partitions[p].file].path),
          labels: files.map(({ path }) => labelOf(path)),
        }) satisfies LedgerTask,
    })
    prune(join(cache, 'spools'), passes.used)
    return { ...result, calls: calls?.done() ?? {}, seconds: (performance.now() - started) / 1000 }
  } catch (error) {
    const { code } = error as { code?: string }
    if (!options.signal?.aborted && (code === 'ENOSPC' || code === 'EDQUOT')) {
      const why = `run: no space left (${code}: ${(error as Error).message.replace(`${code}: `, '')}) while ${output} was written`
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
    if (exitCode(error) === EXIT.io && (error instanceof IoError || !(error instanceof SluiceError))) {
      throw new SluiceError(
        `run: ${(error as Error).message}; what is finished is kept: when the cause is mended, run the same command again`,
        EXIT.io,
        { cause: error },
      )
    }
    throw error instanceof Error && !('exit' in error) ? Object.assign(error, { exit: exitCode(error) }) : error
  } finally {
    options.signal?.removeEventListener('abort', abort)
    await pool?.close()
    try {
      await calls?.close()
      removeHalves(output, cache)
    } finally {
      unlock()
    }
  }
}

/**
 * What identifies an input as long as it stays as it is. Refuses what a run into the same folder published: the next
 * one would read its own result.
 */
function checkInput({ path, bytes, opened }: InputFile, output: string): string {
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
      const path = join(folder, name)
      return (
        statSync(path, { throwIfNoEntry: false })?.size === bytes &&
        (await pool.run<string>({ kind: 'hash', path })) === sha256
      )
    }),
  )
  return Object.keys(files).find((_, i) => !isWhole[i])
}

function makeSetup(
  { graph, files, schemas }: Prepared,
  stamps: readonly string[],
  plan: Plan,
  expectedRows: number,
  options: RunOptions,
): Setup {
  return {
    nodes: graph.nodes.map(node => ({
      id: node.id,
      use: node.use,
      module: node.own?.module,
      options: node.options as Record<string, unknown>,
      input: schemaBytes(schemas.get(node.id)!.input),
      output: schemaBytes(schemas.get(node.id)!.output),
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
    })),
    seed: graph.seed,
    expectedRows,
    keepIds: [...new Set(options.keepIds)],
    blockRows: options.blockRows ?? 1000,
    buckets: Object.fromEntries(
      graph.nodes
        .filter(node => node.stage.kind === 'stage' && node.stage.group)
        .map(node => [
          node.id,
          bucketCount(
            expectedRows,
            (node.stage as Stage).group!.keysPerRow(node.options as never),
            options.bucketBytes,
          ),
        ]),
    ),
  }
}

/** Keeps only what this run used: the next one goes on from there, and the folder does not grow night by night. */
function prune(folder: string, used: ReadonlySet<string>): void {
  for (const name of readdirSync(folder)) {
    if (!used.has(name)) rmSync(join(folder, name), { recursive: true, force: true })
  }
}

/** Works through levels, and what lies between them. */
class Passes {
  readonly counts: Record<string, Counts> = {}
  readonly used = new Set<string>()
  readonly #spools: string
  readonly #prepared: Prepared
  readonly #plan: Plan
  readonly #keys: Keys
  readonly #units: readonly (readonly Partition[])[]
  readonly #partitions: readonly Partition[]
  readonly #pool: Pool
  readonly #options: RunOptions
  readonly #states = new Map<string, string[]>()
  readonly #drops = new Map<string, string[]>()
  /** By partition: the name of its own that its last pass has. */
  readonly #made: string[] = []

  constructor(
    cache: string,
    prepared: Prepared,
    plan: Plan,
    keys: Keys,
    units: readonly (readonly Partition[])[],
    pool: Pool,
    options: RunOptions,
  ) {
    this.#spools = join(cache, 'spools')
    this.#prepared = prepared
    this.#plan = plan
    this.#keys = keys
    this.#units = units
    this.#partitions = units.flat()
    this.#pool = pool
    this.#options = options
  }

  #path(key: string): string {
    this.used.add(key)
    return join(this.#spools, key)
  }
  /**
   * Where what a round came to lies: by its key, and by what it was made of. A pass that is made anew may give other
   * rows under the same key, as a server answers otherwise now.
   */
  #pathOf(round: string, kind: 'state' | 'group', from: unknown): string {
    return this.#path(`${sha([this.#keys.states.get(round)!, from])}.${kind}`)
  }
  folders(p: number): string[] {
    return this.#keys.partitions[p].map(key => this.#path(key))
  }
  #node(id: string): Node {
    return this.#prepared.graph.nodes.find(node => node.id === id)!
  }

  /** One pass over all partitions, then what its barriers need. */
  async level(level: number, progress: (rows: number) => void): Promise<void> {
    const grouped: Record<string, number>[] = this.#partitions.map(() => ({}))
    const take = (p: number, { made, counts, grouped: rows }: PassResult) => {
      for (const [node, some] of Object.entries(counts)) addCounts((this.counts[node] ??= emptyCounts()), some)
      grouped[p] = rows
      this.#made[p] = made
    }
    const groups = level === 0 ? this.#units : this.#partitions.map(partition => [partition])
    await Promise.all(
      groups.map(async unit => {
        const finished = await Promise.all(unit.map(({ index }) => this.#finished(index, level)))
        if (finished.every(result => result !== undefined)) {
          finished.forEach((result, i) => {
            take(unit[i].index, result)
            progress(rowCount(unit[i]))
          })
          return
        }
        const parts = unit.map((partition, i) => {
          const folders = this.folders(partition.index)
          return {
            partition,
            folder: folders[level],
            earlier: folders.slice(0, level),
            done: finished[i] !== undefined,
          }
        })
        const task: PassTask = {
          kind: 'pass',
          level,
          partitions: parts,
          states: Object.fromEntries(this.#states),
          drops: unit.map(({ index }) => this.#dropsOf(index)),
        }
        const results = await this.#pool.run<PassResult[]>(task)
        results.forEach((result, i) => take(unit[i].index, result))
      }),
    )
    await Promise.all(
      this.#plan.levels[level].map(async op => {
        if (op.kind !== 'collect') return
        // partitions of sources that cannot reach the node have nothing to say
        const reach = this.#plan.reach.get(op.node)!
        const reached = this.#partitions.filter(({ file }) => reach.has(this.#prepared.files[file].source))
        const stage = this.#node(op.node).stage as Stage
        if (isGroupRound(stage, op.round)) await this.#group(op.node, op.round, level, reached, grouped)
        else await this.#fit(op.node, op.round, level, reached)
      }),
    )
  }

  /** By node, the file of its group's verdicts on a partition's rows. */
  #dropsOf(p: number): Record<string, string> {
    return Object.fromEntries([...this.#drops].map(([node, files]) => [node, files[p]]))
  }

  /** What a pass came to, where an earlier run finished it and left it whole. */
  async #finished(p: number, level: number): Promise<PassResult | undefined> {
    const folder = this.folders(p)[level]
    if (!existsSync(folder)) return undefined
    const given = givenOf(Object.fromEntries(this.#states), this.#dropsOf(p))
    const { result, damage } = await this.#pool.run<ReturnType<typeof checkPass>>({ kind: 'check', folder, given })
    if (damage !== undefined) this.#tell(damage)
    return result
  }

  /** Whether a file of an earlier run is whole. */
  #isWhole(path: string): boolean {
    const damage = damageOf(path)
    if (damage !== undefined) this.#tell(damage)
    return damage === undefined
  }

  #tell(damage: string): void {
    this.#options.onWarning?.(`run: ${damage}; what it held is worked out anew`)
  }

  async #fit(node: string, round: number, level: number, reached: readonly Partition[]): Promise<void> {
    const states = this.#states.get(node) ?? []
    const file = this.#pathOf(`${node}#${round}`, 'state', [states, reached.map(({ index }) => this.#made[index])])
    if (!existsSync(file) || !this.#isWhole(file)) {
      const partials = reached.map(({ index }) => this.folders(index)[level])
      await this.#pool.run({ kind: 'merge', node, round, partials, states, file } satisfies MergeTask)
    }
    this.#states.set(node, [...states, file])
  }

  async #group(
    node: string,
    round: number,
    level: number,
    reached: readonly Partition[],
    grouped: readonly Record<string, number>[],
  ): Promise<void> {
    // verdicts are on rows by their places, and name files by their numbers
    const from = reached.map(({ index, file }) => [this.#made[index], index, file])
    const folder = this.#pathOf(`${node}#${round}`, 'group', from)
    const files = this.#partitions.map(({ index }) => join(folder, `drops-${index}.bin`))
    this.#drops.set(node, files)
    const done = join(folder, 'done')
    if (
      existsSync(done) &&
      this.#isWhole(done) &&
      loadValue<string[]>(done).every(name => this.#isWhole(join(folder, name)))
    ) {
      return
    }
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    const stage = this.#node(node).stage as Stage
    const parts: GroupPart[] = reached.map(({ index, file }) => ({
      rows: grouped[index][node] ?? 0,
      file,
      folder: this.folders(index)[level],
    }))
    const bases: number[] = []
    let total = 0
    for (const { rows } of parts) {
      bases.push(total)
      total += rows
    }
    const buckets = bucketCount(
      this.#partitions.reduce((n, partition) => n + rowCount(partition), 0),
      stage.group!.keysPerRow(this.#node(node).options as never),
      this.#options.bucketBytes,
    )
    const results = Array.from({ length: buckets }, (_, bucket) => join(folder, `bucket-${bucket}.bin`))
    await Promise.all(
      results.map((file, bucket) =>
        this.#pool.run({
          kind: 'bucket',
          node,
          bucket,
          folders: parts.map(part => part.folder),
          bases,
          file,
        } satisfies BucketTask),
      ),
    )
    joinBuckets(
      node,
      results,
      parts,
      Object.keys(stage.reasons).indexOf(stage.group!.edgeReason ?? ''),
      reached.map(({ index }) => files[index]),
    )
    for (const file of results) rmSync(file)
    saveValue(done, readdirSync(folder))
  }

  /** What fitted stages say of themselves. */
  reports(): Record<string, StageReport> {
    return Object.fromEntries(
      this.#prepared.graph.nodes.flatMap(node => {
        const stage = node.stage as Stage
        return roundsOf(node) > 0 && stage.report
          ? [
              [
                node.id,
                stage.report(
                  node.options as never,
                  (this.#states.get(node.id) ?? []).map(file => loadValue(file)),
                  this.counts[node.id]?.derived ?? 0,
                ),
              ],
            ]
          : []
      }),
    )
  }
}

function addCounts(to: Counts, from: Counts): void {
  for (const name of ['in', 'out', 'dropped', 'errored', 'spared', 'derived', 'millis'] as const) to[name] += from[name]
  for (const kind of ['reasons', 'notes', 'left'] as const) {
    for (const [name, n] of Object.entries(from[kind])) to[kind][name] = (to[kind][name] ?? 0) + n
  }
}
