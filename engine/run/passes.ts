/** The passes of a run: level by level over all partitions, and the fits and groups that lie between. */
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { AnyStage } from '../contract/define.ts'
import { talliesOf, type Node } from '../graph/types.ts'
import { damageOf } from '../sealed.ts'
import type { checkPass } from './finished.ts'
import { loadValue, saveValue } from './files.ts'
import { labelOf } from './manifest.ts'
import { bucketRanges, joinBuckets, type GroupPart } from './group.ts'
import type { Keys } from './keys.ts'
import {
  emptyCounts,
  rowCount,
  type BucketTask,
  type Counts,
  type MergeTask,
  type Partition,
  type PassResult,
  type PassTask,
  type Tallied,
  type TallyFile,
  type TallyTask,
} from './messages.ts'
import { holdLock, type Held } from './lock.ts'
import type { RunOptions } from './options.ts'
import { isGroupRound, opsOf, type Plan } from './plan.ts'
import { type Pool } from './pool.ts'
import { type Prepared } from './prepare.ts'

/** A file that a round made, and what stands for its content. */
interface Made {
  readonly file: string
  readonly content: string
}
/** What a partition adds to a round, and where it lies. */
interface RoundPart extends GroupPart {
  readonly index: number
  readonly content: string
}

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
  /** By node the states of its rounds, and its verdicts by partition. */
  readonly #states = new Map<string, Made[]>()
  readonly #drops = new Map<string, ReadonlyMap<number, Made>>()
  /** Of every tally its parts, in order of the levels and of (file, range). */
  readonly #tallies: TallyFile[] = []
  /** By partition, its passes so far, and the content of their spools. */
  readonly #names: string[][]
  readonly #made: string[][]

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
    this.#names = this.#partitions.map(() => [])
    this.#made = this.#partitions.map(() => [])
    this.#lock = lock
  }

  #path(key: string): string {
    this.used.add(key)
    return join(this.#spools, key)
  }
  folders(p: number): string[] {
    return this.#names[p].map(name => this.#path(name))
  }
  #node(id: string): Node {
    return this.#prepared.graph.nodes.find(node => node.id === id)!
  }

  /** What a partition's pass adds to tallies. */
  #tallyFiles(p: number, level: number): TallyFile[] {
    return opsOf(this.#plan, level, this.#sourceOf(this.#partitions[p].file)).flatMap(op => {
      if (op.kind !== 'tally') return []
      const name = this.#keys.tally(op.node, op.input, this.#names[p][level])
      return [{ node: op.node, input: op.input, file: this.#path(`${name}.tally`) }]
    })
  }

  /** One pass over all partitions, then what its barriers need. */
  async level(level: number, progress: (rows: number) => void): Promise<void> {
    for (const { index } of this.#partitions) {
      this.#names[index].push(this.#keys.pass(index, level, this.#made[index], this.#given(index, level)))
    }
    const tallies = this.#partitions.map(({ index }) => this.#tallyFiles(index, level))
    this.#tallies.push(...tallies.flat())
    const results: PassResult[] = []
    const take = (p: number, result: PassResult) => {
      for (const [node, some] of Object.entries(result.counts)) addCounts((this.counts[node] ??= emptyCounts()), some)
      results[p] = result
      this.#made[p].push(result.made)
    }
    const groups = level === 0 ? this.#units : this.#partitions.map(partition => [partition])
    await Promise.all(
      groups.map(async unit => {
        const finished = await Promise.all(unit.map(({ index }) => this.#finished(index, level)))
        const lacking = unit.map(({ index }) =>
          tallies[index].filter(({ file }) => !existsSync(file) || !this.#isWhole(file)),
        )
        if (finished.every(result => result !== undefined) && lacking.flat().length === 0) {
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
            tallies: lacking[i],
          }
        })
        const task: PassTask = {
          kind: 'pass',
          level,
          partitions: parts,
          states: Object.fromEntries([...this.#states].map(([node, states]) => [node, states.map(({ file }) => file)])),
          drops: unit.map(({ index }) => this.#dropsOf(index)),
        }
        const made = await this.#pool.run<PassResult[]>(task)
        made.forEach((result, i) => take(unit[i].index, result))
      }),
    )
    await Promise.all(
      this.#plan.levels[level].map(async op => {
        if (op.kind !== 'collect') return
        // partitions of sources that cannot reach the node have nothing to say
        const reach = this.#plan.reach.get(op.node)!
        const parts = this.#partitions
          .filter(({ file }) => reach.has(this.#sourceOf(file)))
          .map(({ index, file }) => ({
            index,
            file: labelOf(this.#prepared.files[file].path),
            folder: this.folders(index)[level],
            rows: results[index].grouped[op.node] ?? 0,
            content: results[index].parts[op.node],
          }))
        if (isGroupRound(this.#node(op.node), op.round)) await this.#group(op.node, op.round, parts)
        else await this.#fit(op.node, op.round, parts)
      }),
    )
  }

  #sourceOf(file: number): string {
    return this.#prepared.files[file].source
  }

  /** By node, the file of its group's verdicts on a partition's rows. */
  #dropsOf(p: number): Record<string, string> {
    return Object.fromEntries(
      [...this.#drops].flatMap(([node, made]) => (made.has(p) ? [[node, made.get(p)!.file]] : [])),
    )
  }

  /** The content of the states and verdicts that a pass reads. */
  #given(p: number, level: number): unknown {
    return opsOf(this.#plan, level, this.#sourceOf(this.#partitions[p].file)).flatMap(op =>
      op.kind === 'stage' || op.kind === 'collect'
        ? [
            [
              op.node,
              (this.#states.get(op.node) ?? []).map(({ content }) => content),
              (op.kind === 'stage' && this.#drops.get(op.node)?.get(p)?.content) || '',
            ],
          ]
        : [],
    )
  }

  /** What a pass came to, where an earlier run finished it and left it whole. */
  async #finished(p: number, level: number): Promise<PassResult | undefined> {
    const folder = this.folders(p)[level]
    if (!existsSync(folder)) return undefined
    const { result, damage } = await this.#pool.run<ReturnType<typeof checkPass>>({ kind: 'check', folder })
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

  /**
   * What a round came to: files of a folder that is named by what they are made of, with their content in `done`,
   * which is written last. They are made unless an earlier run left them whole.
   */
  async #round(name: string, files: readonly string[], make: (folder: string) => Promise<string[]>): Promise<Made[]> {
    const folder = this.#path(name),
      done = join(folder, 'done')
    const withPaths = (contents: readonly string[]) =>
      files.map((file, i) => ({ file: join(folder, file), content: contents[i] }))
    if (existsSync(done) && this.#isWhole(done) && files.every(file => this.#isWhole(join(folder, file)))) {
      return withPaths(loadValue<string[]>(done))
    }
    holdLock(this.#lock)
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    const contents = await make(folder)
    holdLock(this.#lock)
    saveValue(done, contents)
    return withPaths(contents)
  }

  async #fit(node: string, round: number, parts: readonly RoundPart[]): Promise<void> {
    const states = this.#states.get(node) ?? []
    const from = [states.map(({ content }) => content), parts.map(({ content }) => content)]
    const made = await this.#round(`${this.#keys.round(node, round, from)}.state`, ['state.bin'], async folder => [
      await this.#pool.run<string>({
        kind: 'merge',
        node,
        round,
        partials: parts.map(part => part.folder),
        states: states.map(({ file }) => file),
        file: join(folder, 'state.bin'),
      } satisfies MergeTask),
    ])
    this.#states.set(node, [...states, ...made])
  }

  async #group(node: string, round: number, parts: readonly RoundPart[]): Promise<void> {
    const stage = this.#node(node).stage as AnyStage,
      files = parts.map((_, i) => `drops-${i}.bin`)
    // verdicts name rows by their file and their place in it
    const name = this.#keys.round(
      node,
      round,
      parts.map(({ file, content }) => [file, content]),
    )
    const made = await this.#round(`${name}.group`, files, async folder => {
      const bases: number[] = []
      let total = 0
      for (const { rows } of parts) {
        bases.push(total)
        total += rows
      }
      const ranges = bucketRanges(
        total * stage.group!.keysPerRow(this.#node(node).options as never),
        this.#options.bucketBytes,
      )
      const results = ranges.map(([from]) => join(folder, `bucket-${from}.bin`)),
        folders = parts.map(part => part.folder)
      await Promise.all(
        ranges.map(([from, to], i) =>
          this.#pool.run({ kind: 'bucket', node, from, to, folders, bases, file: results[i] } satisfies BucketTask),
        ),
      )
      const edgeReason = Object.keys(stage.reasons).indexOf(stage.group!.edgeReason ?? ''),
        contents = joinBuckets(
          node,
          results,
          parts,
          edgeReason,
          files.map(file => join(folder, file)),
        )
      for (const file of results) rmSync(file)
      return contents
    })
    this.#drops.set(node, new Map(parts.map(({ index }, i) => [index, made[i]])))
  }

  /** What tallies came to, by node and input, once all levels are done. */
  async tallied(): Promise<ReadonlyMap<string, ReadonlyMap<string, Tallied>>> {
    const one = async (node: string, input: string) => {
      const parts = this.#tallies.filter(part => part.node === node && part.input === input).map(({ file }) => file)
      // a part's name stands for its content
      const names = parts.map(part => basename(part)),
        name = `${this.#keys.round(node, 0, ['tally', input, names])}.tallied`
      const [made] = await this.#round(name, ['tally.bin'], async folder => {
        const file = join(folder, 'tally.bin')
        await this.#pool.run({ kind: 'tally', node, input, parts, file } satisfies TallyTask)
        return [name]
      })
      return [input, loadValue<Tallied>(made.file)] as const
    }
    const all = new Map<string, ReadonlyMap<string, Tallied>>()
    for (const node of this.#prepared.graph.nodes) {
      const some = new Map(await Promise.all(talliesOf(node).map(input => one(node.id, input))))
      all.set(node.id, some)
      if (node.stage.kind !== 'audit') continue
      // an audit has no other count: passes know nothing of it
      this.counts[node.id] = { ...emptyCounts(), in: [...some.values()].reduce((n, { rows }) => n + rows, 0) }
    }
    return all
  }

  /** What a stage has learnt in its last round. */
  stateOf(node: string): unknown {
    return lastOf(this.#states.get(node))
  }
}

const lastOf = (states: readonly { file: string }[] = []): unknown =>
  states.length > 0 ? loadValue(states.at(-1)!.file) : undefined

function addCounts(to: Counts, from: Counts): void {
  for (const name of ['in', 'out', 'dropped', 'errored', 'spared', 'derived', 'millis'] as const) to[name] += from[name]
  for (const kind of ['reasons', 'notes', 'left'] as const) {
    for (const [name, n] of Object.entries(from[kind])) to[kind][name] = (to[kind][name] ?? 0) + n
  }
}
