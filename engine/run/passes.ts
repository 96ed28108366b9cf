/** The passes of a run: level by level over all partitions, and the fits and groups that lie between. */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { AnyStage, StageReport } from '../contract/define.ts'
import type { Node } from '../graph/types.ts'
import { damageOf } from '../sealed.ts'
import { givenOf, type checkPass } from './finished.ts'
import { loadValue, saveValue } from './files.ts'
import { bucketCount, joinBuckets, type GroupPart } from './group.ts'
import { sha, type Keys } from './keys.ts'
import {
  emptyCounts,
  rowCount,
  type BucketTask,
  type Counts,
  type MergeTask,
  type Partition,
  type PassResult,
  type PassTask,
} from './messages.ts'
import { holdLock, type Held } from './lock.ts'
import type { RunOptions } from './options.ts'
import { isGroupRound, roundsOf, type Plan } from './plan.ts'
import { type Pool } from './pool.ts'
import { type Prepared } from './prepare.ts'

/** Works through levels, and what lies between them. */
export class Passes {
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
  readonly #lock: Held
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
    lock: Held,
  ) {
    this.#spools = join(cache, 'spools')
    this.#prepared = prepared
    this.#plan = plan
    this.#keys = keys
    this.#units = units
    this.#partitions = units.flat()
    this.#pool = pool
    this.#options = options
    this.#lock = lock
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
        if (isGroupRound(this.#node(op.node), op.round)) await this.#group(op.node, op.round, level, reached, grouped)
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
    holdLock(this.#lock)
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    const stage = this.#node(node).stage as AnyStage
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
    holdLock(this.#lock)
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
        const stage = node.stage as AnyStage
        return roundsOf(node) > 0 && stage.report
          ? [
              [
                node.id,
                stage.report(node.options, {
                  state: lastOf(this.#states.get(node.id)),
                  made: this.counts[node.id]?.derived ?? 0,
                }),
              ],
            ]
          : []
      }),
    )
  }
}

const lastOf = (files: readonly string[] = []): unknown => (files.length > 0 ? loadValue(files.at(-1)!) : undefined)

function addCounts(to: Counts, from: Counts): void {
  for (const name of ['in', 'out', 'dropped', 'errored', 'spared', 'derived', 'millis'] as const) to[name] += from[name]
  for (const kind of ['reasons', 'notes', 'left'] as const) {
    for (const [name, n] of Object.entries(from[kind])) to[kind][name] = (to[kind][name] ?? 0) + n
  }
}
