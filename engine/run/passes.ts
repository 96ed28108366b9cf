/** The passes of a run: level by level over all partitions, and the fits and groups that lie between. */
import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { effectOf, fitRounds, groupTables, tableRounds, talliesOf, type Node } from '../graph/types.ts'
import type { Clock } from '../report/took.ts'
import { damageOf } from '../sealed.ts'
import type { checkPass } from './finished.ts'
import { loadValue, saveValue } from './files.ts'
import { labelOf } from './manifest.ts'
import { bucketRanges } from '../shuffle/records.ts'
import type { Keys } from './keys.ts'
import {
  emptyCounts,
  rowCount,
  type BucketTask,
  type CloseTask,
  type Counts,
  type MergeTask,
  type Partition,
  type PassResult,
  type PassTask,
  type RelateTask,
  type Section,
  type Sent,
  type TableTask,
  type Tallied,
  type TallyFile,
  type TallyTask,
} from './messages.ts'
import type { RunOptions } from './options.ts'
import { cutPartitions } from './partitions.ts'
import { isGroupRound, opsOf, type Plan } from './plan.ts'
import { type Pool } from './pool.ts'
import { type Prepared } from './prepare.ts'
import { TABLE_FILES } from './table_files.ts'

/** A file that a round made, and what stands for its content. */
interface Made {
  readonly file: string
  readonly content: string
}
/** What a partition adds to a round, and where it lies. */
interface RoundPart {
  readonly index: number
  /** The label of its file, and the source that reads it. */
  readonly file: string
  readonly source: string
  readonly folder: string
  readonly sent: Sent
  readonly content: string
}
/** What a part of a table came to. */
interface TableRead {
  readonly folder: string
  readonly content: string
  readonly bytes: number
}
/** Partitions whose groups are joined in one task. */
const JOINED = 64

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
  /** Throws where the run may not go on: before anything gets its name. */
  readonly #hold: () => void
  /** By node the states of its rounds, and what its groups came to by partition. */
  readonly #states = new Map<string, Made[]>()
  readonly #rounds = new Map<string, Promise<Made[]>>()
  /** By node what the tables that come along with its groups have sent. */
  readonly #tables = new Map<string, readonly { readonly name: string; readonly parts: readonly TableRead[] }[]>()
  readonly #related = new Map<string, ReadonlyMap<number, Made>>()
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
    hold: () => void,
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
    this.#hold = hold
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

  /** Reads the tables: for the groups that their rows belong to, and round by round for those who look at them. */
  async tables(): Promise<void> {
    const { graph, tables } = this.#prepared,
      parts = cutPartitions(tables, graph.partitionRows).flat()
    const partsOf = (node: Node, table: string) =>
      parts.filter(({ file }) => node.tables![table].includes(tables[file].source))
    await Promise.all(
      graph.nodes.map(async node => {
        for (const [round, { of }] of fitRounds(node).slice(0, tableRounds(node)).entries()) {
          if (!node.tables?.[of!]) {
            throw new Error(`${node.id}: its fit looks at the table '${of}', which the graph does not give`)
          }
          await this.#fit(node.id, round, await this.#readTable(node, of!, partsOf(node, of!), round))
        }
        const read = groupTables(node).map(async name => ({
          name,
          parts: await this.#readTable(node, name, partsOf(node, name)),
        }))
        if (read.length > 0) this.#tables.set(node.id, await Promise.all(read))
      }),
    )
  }

  #readTable(node: Node, table: string, parts: readonly Partition[], round?: number): Promise<TableRead[]> {
    const states = this.#states.get(node.id) ?? []
    const key = (part: Partition) =>
      this.#keys.table(
        part,
        node.id,
        table,
        round,
        states.map(({ content }) => content),
      )
    const files = round === undefined ? TABLE_FILES.groups(node.id, table) : TABLE_FILES.round(node.id)
    return Promise.all(
      parts.map(async part => {
        const made = await this.#round(`${key(part)}.table`, files, async folder => {
          const { file, start, end } = part,
            of = { node: node.id, table, file, start, end, round, folder }
          const task: TableTask = { kind: 'table', ...of, states: states.map(({ file }) => file) }
          const content = await this.#pool.run<string>(task)
          return files.map(() => content)
        })
        return { folder: dirname(made[0].file), content: made[0].content, bytes: statSync(made[0].file).size }
      }),
    )
  }

  /** One pass over all partitions, then what its barriers need. */
  async level(level: number, progress: (rows: number) => void, clock: Clock): Promise<void> {
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
          related: unit.map(({ index }) => this.#relatedOf(index)),
        }
        const made = await this.#pool.run<PassResult[]>(task)
        made.forEach((result, i) => take(unit[i].index, result))
      }),
    )
    clock.end(`level ${level + 1}`)
    const fits = this.#plan.levels[level].filter(op => op.kind === 'collect')
    await Promise.all(
      fits.map(async op => {
        // partitions of sources that cannot reach the node have nothing to say
        const reach = this.#plan.reach.get(op.node)!
        const parts = this.#partitions
          .filter(({ file }) => reach.has(this.#sourceOf(file)))
          .map(({ index, file }) => ({
            index,
            file: labelOf(this.#prepared.files[file].path),
            source: this.#sourceOf(file),
            folder: this.folders(index)[level],
            sent: results[index].sent[op.node] ?? { rows: 0, bytes: 0 },
            content: results[index].parts[op.node],
          }))
        if (isGroupRound(this.#node(op.node), op.round)) await this.#group(op.node, op.round, parts)
        else await this.#fit(op.node, op.round, parts)
      }),
    )
    if (fits.length > 0) clock.end(fits.map(op => this.#fitName(op)).join(', '))
  }

  #fitName({ node: id, round }: { readonly node: string; readonly round: number }): string {
    const node = this.#node(id)
    if (isGroupRound(node, round)) return `groups of ${id}`
    return fitRounds(node).length > 1 ? `fit ${id}, round ${round + 1}` : `fit ${id}`
  }

  #sourceOf(file: number): string {
    return this.#prepared.files[file].source
  }

  /** By node, the file of what its groups say of a partition's rows. */
  #relatedOf(p: number): Record<string, string> {
    return Object.fromEntries(
      [...this.#related].flatMap(([node, made]) => (made.has(p) ? [[node, made.get(p)!.file]] : [])),
    )
  }

  /** The content of the states, and of what groups said, that a pass reads. */
  #given(p: number, level: number): unknown {
    return opsOf(this.#plan, level, this.#sourceOf(this.#partitions[p].file)).flatMap(op =>
      op.kind === 'stage' || op.kind === 'collect'
        ? [
            [
              op.node,
              (this.#states.get(op.node) ?? []).map(({ content }) => content),
              (op.kind === 'stage' && this.#related.get(op.node)?.get(p)?.content) || '',
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
    if (damage === undefined) return true
    this.#tell(damage)
    // a folder in the place of a file cannot be written over
    this.#hold()
    rmSync(path, { recursive: true, force: true })
    return false
  }

  #tell(damage: string): void {
    this.#options.onWarning?.(`run: ${damage}; what it held is worked out anew`)
  }

  /**
   * What a round came to: files of a folder that is named by what they are made of, with their content in `done`,
   * which is written last. They are made unless an earlier run left them whole.
   */
  #round(name: string, files: readonly string[], make: (folder: string) => Promise<string[]>): Promise<Made[]> {
    // files of a table with the same content are one
    const made = this.#rounds.get(name) ?? this.#makeRound(name, files, make)
    this.#rounds.set(name, made)
    return made
  }

  async #makeRound(
    name: string,
    files: readonly string[],
    make: (folder: string) => Promise<string[]>,
  ): Promise<Made[]> {
    const folder = this.#path(name),
      done = join(folder, 'done')
    const withPaths = (contents: readonly string[]) =>
      files.map((file, i) => ({ file: join(folder, file), content: contents[i] }))
    if (existsSync(done) && this.#isWhole(done) && files.every(file => this.#isWhole(join(folder, file)))) {
      return withPaths(loadValue<string[]>(done))
    }
    this.#hold()
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    const contents = await make(folder)
    this.#hold()
    saveValue(done, contents)
    return withPaths(contents)
  }

  async #fit(node: string, round: number, parts: readonly Pick<RoundPart, 'folder' | 'content'>[]): Promise<void> {
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
    const files = parts.map((_, i) => `related-${i}.bin`),
      states = this.#states.get(node) ?? []
    // what is said names rows by their file and their place in it
    const from = [
      states.map(({ content }) => content),
      parts.map(({ file, source, content }) =>
        effectOf(this.#node(node)) === 'pair' ? [file, source, content] : [file, content],
      ),
      (this.#tables.get(node) ?? []).map(({ name, parts }) => [name, parts.map(({ content }) => content)]),
    ]
    const made = await this.#round(`${this.#keys.round(node, round, from)}.group`, files, folder =>
      this.#relate(
        node,
        parts,
        states.map(({ file }) => file),
        folder,
        files,
      ),
    )
    this.#related.set(node, new Map(parts.map(({ index }, i) => [index, made[i]])))
  }

  /** Asks a stage about its groups, and brings what it says back to the partitions. */
  async #relate(
    node: string,
    parts: readonly RoundPart[],
    states: readonly string[],
    folder: string,
    files: readonly string[],
  ): Promise<string[]> {
    const bases: number[] = []
    let rows = 0,
      bytes = 0
    for (const { sent } of parts) {
      bases.push(rows)
      rows += sent.rows
      bytes += sent.bytes
    }
    const folders = parts.map(part => part.folder),
      labels = parts.map(({ file }) => file),
      sources = parts.map(({ source }) => source)
    const tables = (this.#tables.get(node) ?? []).map(({ name, parts }) => {
      for (const part of parts) bytes += part.bytes
      return { name, folders: parts.map(({ folder }) => folder) }
    })
    const found: { file: string; sections: readonly Section[] }[] = await Promise.all(
      bucketRanges(bytes, this.#options.bucketBytes).map(async ([from, to]) => {
        const file = join(folder, `bucket-${from}.bin`)
        const task: BucketTask = { kind: 'bucket', node, from, to, folders, bases, states, tables, file }
        return { file, sections: await this.#pool.run<readonly Section[]>(task) }
      }),
    )
    const between = found.map(({ file }) => file)
    if (effectOf(this.#node(node)) === 'cluster') {
      const file = join(folder, 'clusters.bin'),
        edges = between.map(file => `${file}.edges`)
      between.push(file, ...edges)
      found.push({ file, sections: await this.#pool.run({ kind: 'close', edges, bases, file } satisfies CloseTask) })
    }
    const chunks = Array.from({ length: Math.ceil(parts.length / JOINED) }, (_, i) =>
      parts.slice(i * JOINED, (i + 1) * JOINED),
    )
    const contents = await Promise.all(
      chunks.map((some, c) => {
        const partitions = some.map(({ sent }, i) => {
          const index = c * JOINED + i
          return { index, rows: sent.rows, file: join(folder, files[index]) }
        })
        const isOfThese = ({ partition }: Section) => Math.floor(partition / JOINED) === c
        const from = found.map(({ file, sections }) => ({ file, sections: sections.filter(isOfThese) }))
        const task: RelateTask = { kind: 'relate', node, partitions, from, folders, labels, sources, bases }
        return this.#pool.run<string[]>(task)
      }),
    )
    for (const file of between) rmSync(file)
    return contents.flat()
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
  for (const name of ['in', 'out', 'dropped', 'errored', 'spared', 'derived', 'sides', 'millis'] as const) {
    to[name] += from[name]
  }
  for (const kind of ['reasons', 'notes', 'left'] as const) {
    for (const [name, n] of Object.entries(from[kind])) to[kind][name] = (to[kind][name] ?? 0) + n
  }
}
