/**
 * What main thread, workers and files of a run say to each other. All of it survives structured clone and v8.serialize.
 */
import type { Written } from '../contract/define.ts'
import type { Keys } from '../arrow/sort.ts'
import type { StreamAt } from '../arrow/ipc.ts'
import type { Answer } from '../calls/service.ts'
import type { Blocks } from '../files/blocks.ts'
import type { Packages } from '../graph/packages.ts'
import type { FilePlan, RawPlan } from '../source/raw.ts'
import type { Decided } from './decided.ts'
import type { Found, Settled } from './decisions.ts'
import type { Held } from './lock.ts'
import type { Op } from './plan.ts'
import type { Spool } from './spool.ts'

/** A node as a worker needs it. Schemas travel as the bytes that an IPC stream begins with. */
export interface NodeSetup {
  readonly id: string
  readonly use: string
  /** The JavaScript file of a user's own stage. */
  readonly module?: string
  /** What that imports, as it was when the key was made. */
  readonly packages?: Packages
  readonly options: Record<string, unknown>
  /** Columns that come in (of a source: that go out) and go out. */
  readonly input: Uint8Array
  readonly output: Uint8Array
  /** By input of its tallies, the columns that they see. */
  readonly tallied: readonly (readonly [string, Uint8Array])[]
  /** By table, what is read of it. */
  readonly tables: readonly (readonly [string, Uint8Array])[]
  /** The files that it names, and what is in them, in memory that all threads see. */
  readonly files: readonly { readonly path: string; readonly bytes: Uint8Array }[]
}

/** `stamp`: what `stampOf` said of the file before it was hashed. */
/** `label`: how the ledger and dropped/ name the file. */
export interface FileSetup {
  readonly source: string
  readonly path: string
  readonly label: string
  readonly layout: string
  readonly plan: FilePlan
  /** What it is held against while it is read; absent where the source gave one of its own, and looks itself. */
  readonly stamp?: string
  /** What was read of it when it was opened, and for its hash; none of what is no local file. */
  readonly blocks?: Blocks
}

/** A file of a table. */
export interface TableSetup extends Pick<FileSetup, 'source' | 'path' | 'stamp' | 'blocks'> {
  readonly raw: RawPlan
}

/** Sent once to every worker. */
export interface Setup {
  /** Of the code of the main thread, which a worker must be of too. */
  readonly code: string
  /** That of the run: a worker that went on while it was lost must not put its files among another run's. */
  readonly lock: Held
  readonly nodes: readonly NodeSetup[]
  readonly levels: readonly (readonly Op[])[]
  readonly reach: readonly (readonly [string, readonly string[]])[]
  readonly files: readonly FileSetup[]
  /** Files of tables. */
  readonly tables: readonly TableSetup[]
  readonly seed: number
  readonly keepIds: readonly string[]
  readonly decisions: readonly Settled[]
  /** Rows of a block at most: a size of work, without influence on any output. */
  readonly blockRows: number
  /** Of how many source rows one has its features counted for the page. */
  readonly every: number
  /** Bytes of a group at most, where a test says so. */
  readonly groupBytes?: number
  /**
   * What a worker is at, for the main thread to look at where it hears nothing: its number of signs of life, the index
   * of the node, the first row of the block.
   */
  readonly watch?: Int32Array
}

/** A fixed range of rows of one file, the unit of work and of resuming. */
export interface Partition {
  readonly index: number
  readonly file: number
  readonly start: number
  readonly end: number
  /** Of the range those that a sample has, ascending; all when undefined. */
  readonly rows?: Uint32Array
}

/** Rows of a partition that are read. */
export const rowCount = ({ start, end, rows }: Partition): number => rows?.length ?? end - start

/**
 * One pass over one or more partitions that are read in one go. `folders[p]` holds what each earlier level left behind
 * for it.
 */
export interface PassTask {
  readonly kind: 'pass'
  readonly level: number
  readonly partitions: readonly {
    readonly partition: Partition
    readonly folder: string
    readonly earlier: readonly string[]
    readonly done: boolean
    /** Files of tallies that are not there yet; where the pass is done, it runs for them alone. */
    readonly tallies: readonly TallyFile[]
  }[]
  /** Files of fitted states by node, in order of the rounds. */
  readonly states: Readonly<Record<string, readonly string[]>>
  /** For each partition of the task, the file of what each group node says of its rows. */
  readonly related: readonly Readonly<Record<string, string>>[]
}
/** What one pass adds to a tally, and the file that it goes to. */
export interface TallyFile {
  readonly node: string
  readonly input: string
  readonly file: string
}
/** What is in such a file, and once it is merged. */
export interface Tallied {
  readonly rows: number
  readonly value: unknown
}
/** Merges the parts of a tally. */
export interface TallyTask extends TallyFile {
  readonly kind: 'tally'
  readonly parts: readonly string[]
}
export interface MergeTask {
  readonly kind: 'merge'
  readonly node: string
  readonly round: number
  readonly partials: readonly string[]
  readonly states: readonly string[]
  readonly file: string
}
/** Asks a stage about the groups of a range of buckets; gives where what it says of each partition's rows lies. */
export interface BucketTask {
  readonly kind: 'bucket'
  readonly node: string
  /** The range of buckets. */
  readonly from: number
  readonly to: number
  readonly folders: readonly string[]
  /** Rows of the partitions before each. */
  readonly bases: readonly number[]
  /** Files of the node's fitted states. */
  readonly states: readonly string[]
  /** What the rows of tables have sent. */
  readonly tables: readonly { readonly name: string; readonly folders: readonly string[] }[]
  readonly file: string
}
/**
 * Reads a part of a table for a stage: for a round that looks at it, or for the groups that its rows belong to. Gives
 * what stands for the content of what that leaves in the folder.
 */
export interface TableTask {
  readonly kind: 'table'
  readonly node: string
  readonly table: string
  /** Its place among the setup's tables. */
  readonly file: number
  readonly start: number
  readonly end: number
  /** Left out where its rows go to groups. */
  readonly round?: number
  readonly states: readonly string[]
  readonly folder: string
}
/**
 * Pairs of a partition by the places of their parents, ascending: the file and the source row of each partner, whether
 * a stage made that row, and the columns of the pair that are not its parent's, as bytes.
 */
export interface Paired {
  readonly parent: Uint32Array
  readonly file: Int32Array
  readonly row: Float64Array
  readonly isDerived: Uint8Array
  /** Sources, and labels of their files, that `file` numbers in order of their first use. */
  readonly files: readonly FileOf[]
  readonly ends: Float64Array
  readonly bytes: Uint8Array
}
/** A file as a source reads it: several may read one. */
export type FileOf = readonly [source: string, label: string]
/** Which rows are the rejected sides of pairs, by row and copy of these. */
export interface Partners {
  readonly row: Uint32Array
  readonly copy: Uint32Array
  readonly file: Int32Array
  readonly of: Float64Array
  readonly isDerived: Uint8Array
  readonly files: readonly FileOf[]
}
/** Where in a file is what was found of a partition's rows. */
export interface Section {
  readonly partition: number
  readonly at: number
  readonly bytes: number
}
/** Closes clusters over the edges of all buckets. */
export interface CloseTask {
  readonly kind: 'close'
  readonly edges: readonly string[]
  readonly bases: readonly number[]
  readonly file: string
}
/** Puts together what was found of some partitions' rows; gives what stands for the content of each. */
export interface RelateTask {
  readonly kind: 'relate'
  readonly node: string
  readonly partitions: readonly { readonly index: number; readonly rows: number; readonly file: string }[]
  readonly from: readonly { readonly file: string; readonly sections: readonly Section[] }[]
  /** Of all partitions, for survivors may lie in any. */
  readonly folders: readonly string[]
  readonly labels: readonly string[]
  readonly sources: readonly string[]
  readonly bases: readonly number[]
}
/** Looks up the rejected sides of the pairs of a partition that reached sinks. */
export interface PartnersTask {
  readonly kind: 'partners'
  readonly folders: readonly string[]
  readonly picks: LedgerTask['picks']
  /** Of all partitions their files, by their place in the setup, and their first rows. */
  readonly files: Int32Array
  readonly starts: Float64Array
  readonly file: string
}
export interface LedgerTask {
  readonly kind: 'ledger'
  readonly partition: Partition
  readonly folders: readonly string[]
  readonly file: string
  readonly label: string
  /** Of sinks with a limit, which of the partition's rows are among the first of all: places in what `first` has. */
  readonly picks: Readonly<Record<string, readonly number[]>>
  /** Where it says of rows of the partition which sinks their pairs reached. */
  readonly partners: readonly { readonly file: string; readonly at: number; readonly bytes: number }[]
}
export interface SinkTask {
  readonly kind: 'sink'
  readonly node: string
  readonly folder: string
  readonly schema: Uint8Array
  readonly streams: readonly StreamAt[]
  /** Of each stream the places of the rows that are written; all where it is left out. */
  readonly picks?: readonly (readonly number[])[]
  /** What the rows are sorted by. */
  readonly order?: { readonly column: string; readonly descending: boolean }
}
/** What a sink wrote: its rows, and its files by their paths in its folder. */
export interface SinkResult {
  readonly rows: number
  readonly written?: Written
  readonly files: readonly { readonly file: string; readonly bytes: number }[]
}
/** Whether a pass that was finished in an earlier run can be used: see `checkPass`. */
export interface CheckTask {
  readonly kind: 'check'
  readonly folder: string
}
export interface HashTask {
  readonly kind: 'hash'
  readonly path: string
}
/** What a worker asks of the servers of the run, and what it is told. */
export interface ServiceQuestion {
  readonly number: number
  readonly node: string
  readonly items: readonly unknown[]
}
export interface Told {
  readonly number: number
  readonly answers: readonly Answer[]
}
export type Task =
  | PassTask
  | TallyTask
  | MergeTask
  | TableTask
  | BucketTask
  | CloseTask
  | RelateTask
  | PartnersTask
  | LedgerTask
  | SinkTask
  | CheckTask
  | HashTask

/**
 * `left`: columns of one side that stayed when the sides of so many pairs were swapped; of a source columns of what so
 * many pairs' messages have beside role and content.
 */
export interface Counts {
  in: number
  out: number
  dropped: number
  errored: number
  spared: number
  derived: number
  /** Of a stage that makes pairs: rows that are a side of one. */
  sides: number
  reasons: Record<string, number>
  notes: Record<string, number>
  left: Record<string, number>
  millis: number
}

/** What is said of the reason `error`, which stages do not declare. */
export const ERROR_ABOUT = 'the stage failed on the row; the ledger has the message'

/** Counts by names that a stage gives: without those that all objects have. */
const none = (): Record<string, number> => Object.create(null) as Record<string, number>
export const emptyCounts = (): Counts => ({
  in: 0,
  out: 0,
  dropped: 0,
  errored: 0,
  spared: 0,
  derived: 0,
  sides: 0,
  reasons: none(),
  notes: none(),
  left: none(),
  millis: 0,
})

/**
 * Verdicts on rows, one entry each, in order. `reason` indexes the stage's declared reasons; related rows are -1 where
 * there are none.
 */
export interface Events {
  row: Uint32Array
  copy: Uint32Array
  node: Uint16Array
  kind: Uint8Array
  reason: Uint16Array
  value: Float64Array
  relatedFile: Int32Array
  relatedRow: Float64Array
  /** What `relatedFile` numbers: labels, which stay what they are when another file comes before. */
  files: readonly string[]
  /** Messages of errors, by index of the entry. */
  messages: Record<number, string>
}
export const DROPPED = 0,
  ERRORED = 1,
  SPARED = 2,
  SIDE = 3
/**
 * What the ledger says of a row in no sink that no stage dropped: pairs that were made of it are in one; it is the
 * rejected side of another row's pair; none of these.
 */
export const PARENT = 'parent',
  REJECTED_SIDE = 'rejected_side',
  UNUSED = 'unused'

/** What a partition has sent to a group node: its rows, and the bytes that are worked on at once. */
export interface Sent {
  readonly rows: number
  readonly bytes: number
}

/** What the main thread needs to know of a pass: its counts, and what each group node was sent. */
export interface PassResult {
  readonly made: string
  readonly counts: Record<string, Counts>
  readonly sent: Record<string, Sent>
  readonly parts: Readonly<Record<string, string>>
}

/** What a partition has of a sink's first rows, in order of the input; `keys` are what they are ordered by. */
export interface First {
  readonly keys: Keys
  readonly row: Uint32Array
  readonly copy: Uint32Array
}

/** What a pass noted for the page, a file of its own beside the meta. */
export const SHOWN_FILE = 'shown.bin'

/** What a pass leaves in `<folder>/meta.bin`, written last: its presence means that the folder is whole. */
export interface PassMeta {
  /** Where the folder was when it was made: paths below hold only there. */
  readonly folder: string
  /** Every other file of the folder, all of them sealed: one that is missing, cut off or damaged since shows. */
  readonly files: readonly string[]
  readonly level: number
  /** The content of its spools: later passes, whose rows may be looked up in them by place, are named by it. */
  readonly made: string
  /** By node, the content of what it adds to a round. */
  readonly parts: Readonly<Record<string, string>>
  /** The stages that `events` number: in another graph they have other numbers. */
  readonly nodes: readonly string[]
  /** Source rows of the partition (level 0). */
  readonly rows: number
  readonly spools: Record<string, Spool>
  readonly sinks: Record<string, StreamAt>
  readonly dropped: Record<string, StreamAt & { readonly schema: Uint8Array }>
  readonly notes: Record<string, StreamAt & { readonly schema: Uint8Array }>
  readonly ids?: StreamAt
  readonly events: Events
  /** What sinks with a limit may take of the partition. */
  readonly first: Record<string, First>
  /** One bit a source row of the partition: it, or one of the pairs that it was read as, reached this sink. */
  readonly reached: Record<string, Uint8Array>
  /** The same of rows that stages made of it. */
  readonly parents: Record<string, Uint8Array>
  /** By stage that makes pairs their rejected sides. */
  readonly partners: Record<string, Partners>
  /** Pairs, and rows made of such, that reached this sink. */
  readonly paired: Record<string, Pick<Partners, 'row' | 'copy'>>
  readonly counts: Record<string, Counts>
  /** Which of the ids to keep there are here: their places, each once. */
  readonly kept: Uint32Array
  /** Source rows of the partition that have such an id. */
  readonly spared: Uint32Array
  /** Pairs that decisions were applied to in this pass, and what was found of each decision. */
  readonly decided: Decided
  readonly found: Found
  /** Columns of one side that stayed when decisions swapped the sides of so many pairs. */
  readonly stayed: Readonly<Record<string, number>>
  /** What each group node was sent. */
  readonly sent: Record<string, Sent>
}
