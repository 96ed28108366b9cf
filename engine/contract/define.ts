/**
 * The contract of a stage. A stage is one file with one default export made by `defineStage`, `defineSource` or
 * `defineSink`, written in one order: doc comment, options, columns, reasons, examples, code. Its TypeScript types,
 * ajv's check, its page in docs/stages, `--help` and the graph's JSON schema all come from that one value.
 */
import { Type, type Static, type TObject } from '@sinclair/typebox'
import type { Data, RecordBatch, Schema } from 'apache-arrow'
import type { Batch } from '../arrow/flow.ts'
import type { StreamAt } from '../arrow/ipc.ts'
import type { Answer, Ask, Service } from '../calls/service.ts'

export { Type }
export type { Answer, Ask, Batch, Service }

/**
 * Types of columns by which stages say what they read and write. `number` reads any numeric or bool column as float64;
 * `sortable` is what has an order: numbers, bool, text, dates and timestamps; `vector` is a list of float32 or float64,
 * of fixed size or not; `list` a list of anything, or text that may be the JSON of one. None of the four can be
 * written.
 */
export type ColumnType = 'messages' | 'text' | 'number' | 'sortable' | 'vector' | 'list' | 'float64' | 'int32' | 'bool'

/**
 * Why a row is dropped. `broken`: no trainer can use it (never spared by --keep-ids); `quality`: evidence says that it
 * is bad; `configured`: a limit that the user set. `limit` names the option that `value` is held against. The reason's
 * name is also a named output: `<stage id>.<reason>` carries the rows dropped for it.
 */
export interface Reason {
  readonly kind: 'broken' | 'quality' | 'configured'
  readonly about: string
  readonly limit?: string
}

export interface Paper {
  readonly title: string
  readonly arxiv?: string
  readonly url?: string
  readonly form: 'as in' | 'after'
}

/** A row of an example: texts stand for one user message and one assistant message. Other columns as they are. */
export interface ExampleRow {
  readonly [column: string]: unknown
}
/**
 * An executed example: every row is in `kept` or `dropped`, by its index; `columns` are what kept rows carry
 * afterwards, `derived` what new rows carry.
 */
export interface Example {
  readonly title: string
  readonly options?: Readonly<Record<string, unknown>>
  readonly rows: readonly ExampleRow[]
  readonly kept?: readonly number[]
  readonly dropped?: Readonly<Record<number, string>>
  readonly columns?: Readonly<Record<string, readonly unknown[]>>
  readonly derived?: readonly ExampleRow[]
  readonly noted?: Readonly<Record<number, string>>
  /** What the server of a stage with `calls` answers, one a request, as it comes over the wire. */
  readonly answers?: readonly unknown[]
}

/**
 * What a stage may say of a row of its batch. The engine counts, spares, writes the ledger, and keeps the dropped rows.
 */
export interface Verdict {
  /**
   * Drops a row for a declared reason. `value` is the number that decided it; `related` (group stages) the row that it
   * yields to. The first drop of a row counts.
   */
  drop(row: number, reason: string, value?: number): void
  /** The row could not be worked on: it is set aside as errored, with the message. */
  error(row: number, message: string): void
  /**
   * Something to know of a row that goes on: a derive stage declined to make anything of it, a stage changed it.
   * Counted in the summary and written to notes/, never to the ledger's outcome.
   */
  note(row: number, reason: string): void
}

/** Values of a column that a stage wrote, one a row. NaN in a Float64Array is null. Uint8Array is bool. */
export type ColumnValues = Float64Array | Int32Array | Uint8Array | readonly (string | null)[] | Data

/**
 * What a stage gives back for a batch. `columns`: one value a row of the batch (rows: same, subset) or of the new rows
 * (explode, derive); a name that `writes` declares is prefixed with the stage's id, the names id, prompt, chosen and
 * rejected stand for themselves. `parents`: for explode and derive, the row of the batch that each new row comes from,
 * ascending: all columns not given are copied from it. Of derive, where `chosen` or `rejected` is given, columns of the
 * parent with that word in their names (as `rejected_score`, `source_rejected_id`) are null instead, but for those
 * given: they speak of the text that was there before.
 */
export interface Output {
  readonly columns?: Readonly<Record<string, ColumnValues>>
  readonly parents?: ArrayLike<number>
  /**
   * Of a stage that keeps or drops rows: those (1) whose sides change places. `chosen` and `rejected`, which it
   * declares as written, and all that belongs to them: columns of one type whose names differ in these words alone (as
   * `chosen_score` and `rejected_score`), and the pairs of columns in `beside`. Columns of one side that have no
   * counterpart stay, and the run warns of them.
   */
  readonly swapped?: { readonly rows: Uint8Array; readonly beside?: readonly (readonly [string, string])[] }
}

/** What a stage is told about the run. */
export interface Context {
  /** The id of this use of the stage in the graph. */
  readonly id: string
  readonly seed: number
  /** The merged states of the fit rounds that have ended, in order. */
  readonly states: readonly unknown[]
  /** Asks the server that `calls` describes; there where the stage has `calls`, and only in `open`. */
  readonly ask?: Ask
}

/**
 * A pass over all rows before the stage gives verdicts: a bounded partial per partition, merged in order of (file,
 * range), into a bounded state.
 */
export interface FitRound<O> {
  collect(options: O, context: Context): { batch(batch: Batch): void | Promise<void>; partial(): unknown }
  /**
   * `partials` come in order of (file, range), lazily, each time that they are gone through. What is returned, or
   * promised, must survive v8.serialize.
   */
  merge(options: O, context: Context, partials: Iterable<unknown>): unknown
}

/** Rows that share a key, in order of (file, row). */
export interface Group {
  readonly size: number
  payload(member: number): Uint8Array
}
export interface GroupVerdict {
  /** Drops a member; `survivor` is the member that it yields to. */
  drop(member: number, reason: string, value?: number, survivor?: number): void
  /**
   * Two members belong together; clusters are closed transitively and the smallest (file, row) of a cluster survives,
   * the others are dropped for `edgeReason`.
   */
  edge(a: number, b: number, value: number): void
}
/** How a stage relates rows across the whole input. The engine owns the spilled buckets and the union-find. */
export interface GroupRule<O> {
  /** Keys that a row may have: `keys` fills `out[row * keysPerRow + k]`; 0n takes no part. */
  keysPerRow(options: O): number
  /**
   * Opened once a partition. `payload` is what `each` needs to know of a row (called once a row, in order; copied by
   * the engine).
   */
  open(
    options: O,
    context: Context,
  ): { keys(batch: Batch, out: BigUint64Array): void; payload?(batch: Batch, row: number): Uint8Array }
  /**
   * Looks at one group of at least two rows. Called in any order of groups: it may not remember anything between them.
   */
  each(group: Group, verdict: GroupVerdict, options: O): void
  edgeReason?: string
}

interface Described<O extends TObject> {
  /** As graphs write it; the file's name. */
  readonly name: string
  /** Raised whenever the output changes: part of every cache key. */
  readonly version: number
  /** One sentence. */
  readonly summary: string
  /** More for the docs page: what it cannot see, where it goes wrong. Markdown. */
  readonly details?: string
  readonly paper?: Paper
  readonly options: O
  /** Options that say how the work is done and not what comes of it: no part of any key, and not in the manifest. */
  readonly notInKey?: readonly string[]
  readonly reasons: Readonly<Record<string, Reason>>
}

export interface Stage<O extends TObject = TObject> extends Described<O> {
  readonly kind: 'stage'
  /** Columns that must be there, with their types; a function where the options name them. */
  readonly reads: Readonly<Record<string, ColumnType>> | ((options: Static<O>) => Readonly<Record<string, ColumnType>>)
  /** Columns that are added, each named `<id>_<name>`; a function where the options decide. */
  readonly writes: Readonly<Record<string, ColumnType>> | ((options: Static<O>) => Readonly<Record<string, ColumnType>>)
  /**
   * same: no row is dropped, and if the stage is fitted the pair itself is not changed. subset: rows are dropped.
   * explode: one row becomes several. derive: emits only new rows, with `<id>_parent`.
   */
  readonly rows: 'same' | 'subset' | 'explode' | 'derive'
  /**
   * Of a `subset` stage: true where the options let it drop nothing and change no column that was there, so that stages
   * after it may be fitted beside it.
   */
  keeps?(options: Static<O>): boolean
  readonly examples: readonly Example[]
  readonly fit?: readonly FitRound<Static<O>>[]
  readonly group?: GroupRule<Static<O>>
  /**
   * A server that the stage asks, by `context.ask`. Called in the main thread, before a row is read; throws when
   * options do not go together.
   */
  calls?(options: Static<O>): Service
  /**
   * Lines for the summary, from the fitted states: how sure the stage is. `made`: new rows, of a stage that derives
   * some.
   */
  report?(options: Static<O>, states: readonly unknown[], made: number): StageReport
  /**
   * Opened once a partition; `batch` is called with its blocks in order. A group stage without work of its own leaves
   * it out.
   */
  open?(
    options: Static<O>,
    context: Context,
  ): { batch(batch: Batch, verdict: Verdict): Output | void | Promise<Output | void> }
}

/** `lines`: plain sentences for the summary. `numbers`: for the manifest and --json. */
export interface StageReport {
  readonly lines: readonly string[]
  readonly numbers: Readonly<Record<string, unknown>>
}

/** One file of input, as the main thread sees it before the run. All of it survives structured clone but `schema`. */
export interface InputFile {
  readonly path: string
  /**
   * What stands for the content of what is no local file. The source sees to it that it is read as that, or throws a
   * ChangedInputError.
   */
  readonly stamp?: string
  /** What `stampOf` said of the file before the source looked at it; where it is left out only the size is held. */
  readonly opened?: string
  readonly rows: number
  readonly bytes: number
  /**
   * Rows at which reading can begin without decoding what is before (row groups, line blocks), ascending, the first 0.
   */
  readonly starts: readonly number[]
  /** How pairs lie in this file, a name of the table of layouts. */
  readonly layout: string
  /** True when prompt and sides are plain text there: the sink may give the same back. */
  readonly isText: boolean
  /** The pair schema that reading gives: id, prompt, chosen, rejected, then the file's other columns. */
  readonly schema: Schema
  /** Facts for the summary and the manifest: codecs, `checksums: none`. */
  readonly facts: Readonly<Record<string, string | number | boolean>>
  /** What `read` needs again in a worker. */
  readonly plan: unknown
  /** Values that its rows have from the folders above it: files of equal name and content may differ in them. */
  readonly fromPath?: Readonly<Record<string, string | null>>
  /** True where each row stands for itself and `read` takes `rows`: what `--sample` needs. */
  readonly canPick?: boolean
}

/**
 * Some raw rows, converted. `pairs` has the schema of InputFile. `row[i]` is the file's row of pair i, ascending; it
 * comes again where one raw row became several pairs. Every raw row is in `row`, in `within` or in `refused`: `within`
 * names rows that are the rejected side of another one's pair, and nothing else. `raw` is what was read, `rows` the
 * file's row of each, ascending, `ids` their names (utf8).
 */
export interface SourceBatch {
  readonly pairs: RecordBatch
  readonly row: Uint32Array
  readonly refused: readonly {
    readonly row: number
    readonly reason: string
    readonly value?: number
    readonly error?: string
  }[]
  /** `of`: the file's row whose pair holds it. */
  readonly within: readonly { readonly row: number; readonly of: number }[]
  /** Rows that make pairs, and have more than is in them; each is counted, and kept as it was beside the output. */
  readonly noted?: readonly { readonly row: number; readonly reason: string }[]
  readonly rows: Uint32Array
  readonly ids: Data
  readonly raw: RecordBatch
}

/** Rows [start, end) of a file; where `rows` are given, ascending, those of them alone. */
export interface RowRange {
  readonly start: number
  readonly end: number
  readonly rows?: Uint32Array
}

export interface Source<O extends TObject = TObject> extends Described<O> {
  readonly kind: 'source'
  /** Endings of the files that it takes from a folder, as in `.parquet`; `--input` finds the stage by them. */
  readonly extensions?: readonly string[]
  /**
   * Finds and opens the input: paths are relative to `base`, and `warn` hears what is left unread. Throws one Error
   * that names every file that cannot be read.
   */
  inputs(options: Static<O>, base: string, warn?: (text: string) => void): Promise<InputFile[]>
  /** Reads rows of a file in order. */
  read(
    options: Static<O>,
    file: Pick<InputFile, 'path' | 'layout' | 'plan'>,
    range: RowRange,
    context: Context,
  ): AsyncIterable<SourceBatch>
  /**
   * Of files whose rows belong together (`canPick: false`): what the rows of a range have in common with those that
   * they belong to, one text a row; '' where there is nothing.
   */
  groups?(
    options: Static<O>,
    file: Pick<InputFile, 'path' | 'layout' | 'plan'>,
    range: RowRange,
  ): Promise<readonly string[]>
}

export interface Sink<O extends TObject = TObject> extends Described<O> {
  readonly kind: 'sink'
  /** Columns that must be there, with their types; a function where the options name them. */
  readonly reads: Readonly<Record<string, ColumnType>> | ((options: Static<O>) => Readonly<Record<string, ColumnType>>)
  /**
   * The schema of what is written, frozen before the run, and what was renamed. `isText`: every source file was plain
   * text.
   */
  schema(
    options: Static<O>,
    input: Schema,
    isText: boolean,
  ): { schema: Schema; renamed: Readonly<Record<string, string>>; facts?: Readonly<Record<string, string>> }
  /** Turns rows of the input schema into rows of the written one. */
  convert(options: Static<O>, input: RecordBatch, schema: Schema): RecordBatch
  /**
   * How often publishing has all rows on the output's disk beside the result and what it is made of: for the estimate
   * before the run.
   */
  extraCopies?(options: Static<O>): number
  /**
   * Writes the final files into `folder` from all rows in order (batches of at most 1,000 rows or 64 MB). Runs in one
   * worker. Returns the rows that it wrote, counted where they are written: the run fails if they are not `input.rows`.
   */
  publish(options: Static<O>, folder: string, schema: Schema, input: SinkInput): Promise<number> | number
}

/**
 * All rows of a sink in order, already in the written schema: as an iterator, and as the files they lie in (complete
 * Arrow IPC streams of that schema).
 */
export interface SinkInput {
  readonly rows: number
  readonly streams: readonly StreamAt[]
  batches(): Iterable<RecordBatch>
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a registry holds stages of every option type
export type AnyStage = Stage<any> | Source<any> | Sink<any>

/** Stages that graphs can name without a path: names, and what loads each. */
export type Registry = ReadonlyMap<string, () => Promise<AnyStage>>

const close = <T extends { options: TObject }>(spec: T): T => ({
  ...spec,
  options: { ...spec.options, additionalProperties: false },
})

/** A transforming stage. Closes the options object: an unknown option is an error with a suggestion, not silence. */
export const defineStage = <O extends TObject>(spec: Omit<Stage<O>, 'kind'>): Stage<O> => ({
  kind: 'stage',
  ...close(spec),
})
/** A stage that reads files. */
export const defineSource = <O extends TObject>(spec: Omit<Source<O>, 'kind'>): Source<O> => ({
  kind: 'source',
  ...close(spec),
})
/** A stage that writes files. */
export const defineSink = <O extends TObject>(spec: Omit<Sink<O>, 'kind'>): Sink<O> => ({
  kind: 'sink',
  ...close(spec),
})

/** A choice among names: a JSON schema enum, so that errors can say "did you mean". */
export const choice = <const T extends readonly string[]>(
  values: T,
  options: { default?: T[number]; description: string },
) => Type.Unsafe<T[number]>({ type: 'string', enum: [...values], ...options })
