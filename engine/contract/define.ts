/**
 * The contract of stages, audits, sources and sinks. A stage is one file with one default export made by `defineStage`,
 * written in one order: doc comment, options, columns, reasons, examples, code. TypeScript infers from left to right,
 * so `fit` and `calls` stand above `open`. Its types, ajv's check, its page in docs/stages, `--help` and the graph's
 * JSON schema all come from that one value.
 */
import { Type, type Static, type TObject } from '@sinclair/typebox'
import type { Data, RecordBatch, Schema } from 'apache-arrow'
import type { Message } from '../arrow/columns.ts'
import type { Batch } from '../arrow/flow.ts'
import type { StreamAt } from '../arrow/ipc.ts'
import type { Answer, Service } from '../calls/service.ts'
import { sourceOptions } from '../source/options.ts'
import { layoutReasons } from '../source/reasons.ts'

export { Type }
export type { Answer, Batch, Data, Service, Static }

// --------------------------------------------------------------------------------------------------------- columns

/** What a stage can write. */
export type WrittenType =
  'messages' | 'text' | 'float64' | 'int32' | 'bool' | 'list_float32' | 'list_int32' | 'list_text'
/**
 * What it can ask for: those, and `number`, any numeric or bool column as float64; `sortable`, what has an order:
 * numbers, bool, text, dates and timestamps; `vector`, a list of float32 or float64, of fixed size or not; `list`, a
 * list of anything, or text that may be the JSON of one; `any`, a column of any type.
 */
export type ReadType = WrittenType | 'number' | 'sortable' | 'vector' | 'list' | 'any'

/** Columns by name. `undefined`: not with these options. */
export type Reads = Readonly<Record<string, ReadType | undefined>>
export type Writes = Readonly<Record<string, WrittenType | undefined>>

/** Where the options decide, a function of them. */
export type Of<O extends TObject, T> = T | ((options: Static<O>) => T)

/** Values of a column that a stage gives, one a row. In a Float64Array NaN is null. `Data` is the fast way, for any. */
interface ValuesOf {
  messages: readonly (readonly Message[])[]
  text: readonly (string | null)[]
  float64: Float64Array | readonly (number | null)[]
  int32: Int32Array | readonly (number | null)[]
  bool: Uint8Array | readonly (boolean | null)[]
  list_float32: readonly (ArrayLike<number> | null)[]
  list_int32: readonly (ArrayLike<number> | null)[]
  list_text: readonly (readonly (string | null)[] | null)[]
}
export type ColumnValues = ValuesOf[WrittenType] | Data
type ColumnOf<T> = T extends WrittenType ? ValuesOf[T] | Data : undefined
export type ColumnsOf<W extends Writes> = { readonly [K in keyof W]: ColumnOf<W[K]> }

// ------------------------------------------------------------------------------------------------ verdicts, output

/**
 * Why a row is dropped. `broken`: no trainer can use it (never spared by --keep-ids); `quality`: evidence says that it
 * is bad; `configured`: an option says so. `limit` names the option that `value` is held against; where there is none,
 * `option` may name the one that decides whether rows are dropped for it. `isAsked`: the user
 * asks for the drops and not for their cause, as of a sample, so that no run warns of their number. `family` is what
 * people read of it, where its kind does not say it: tied votes, repeats, labelled both ways, label doubted. The
 * reason's name is also a named output: `<stage id>.<reason>` carries the rows dropped for it.
 */
export interface Reason {
  readonly kind: 'broken' | 'quality' | 'configured'
  readonly about: string
  readonly limit?: string
  readonly option?: string
  readonly isAsked?: true
  readonly family?: 'ties' | 'repeats' | 'both_ways' | 'labels'
}

/**
 * What a stage may say of a row of its batch. The engine counts, spares, writes the ledger, and keeps the dropped rows.
 */
export interface Verdict<Why extends string = string, Note extends string = string> {
  /**
   * Drops a row for a declared reason. `value` is the number that decided it, `survivor` the row of this batch that it
   * yields to. The first drop of a row counts.
   */
  drop(row: number, reason: Why, value?: number, survivor?: number): void
  /** The row could not be worked on: it is set aside as errored, with the message. */
  error(row: number, message: string): void
  /**
   * Something to know of a row, as declared in `notes`: a derive stage declined to make anything of it, a stage changed
   * it. Counted in the summary and written to notes/, never to the ledger's outcome.
   */
  note(row: number, note: Note): void
  /**
   * Whether a person decided that the row's label is what it is, by --decisions or --keep-ids: a stage that judges
   * labels leaves it so.
   */
  decided(row: number): boolean
}

/**
 * What becomes of rows. same: all go on (and if the stage is fitted the pair itself stays as it is). subset: some are
 * dropped, or changed. derive: only new rows, each made of one row, its parent, with `<id>_parent`. pair: rows are
 * candidates, without a column `rejected`, and two of a group become a pair; each is a side of one, or is dropped.
 * cluster: of rows that hang together by edges the first stays, the others are dropped for the stage's one reason.
 */
export type RowEffect = 'same' | 'subset' | 'derive' | 'pair' | 'cluster'

type Given<W extends Writes> =
  Record<never, never> extends W ? { readonly columns?: ColumnsOf<W> } : { readonly columns: ColumnsOf<W> }
/**
 * Columns are one a row of the batch, dropped rows too; a name is prefixed with the stage's id, but id, prompt, chosen
 * and rejected stand for themselves.
 */
export type RowOutput<W extends Writes> = Given<W> & {
  /**
   * Rows (1) whose sides change places: `chosen` and `rejected`, which the stage declares as written, and all that
   * belongs to them: columns of one type whose names differ in these words alone (as `chosen_score` and
   * `rejected_score`), and the pairs of columns in `also`. Columns of one side that have no counterpart stay, and the
   * run warns of them.
   */
  readonly swapped?: { readonly rows: Uint8Array; readonly also?: readonly (readonly [string, string])[] }
}
/**
 * New row i is made of row parents[i] (ascending) and has its columns but for those given. Where `chosen` or `rejected`
 * is given, columns of the parent with that word in their names (as `rejected_score`, `source_rejected_id`) are null
 * instead: they speak of the text that was there before.
 */
export type NewRows<W extends Writes> = Given<W> & { readonly parents: ArrayLike<number> }
/**
 * Pair i has the id and all columns of row parents[i], its chosen side; `rejected` is the answer of row partners[i], of
 * the same group. Columns are one a pair. Pairs of one parent stand together, in the order given, and from the second
 * on have its id with a number behind it.
 */
export type NewPairs<W extends Writes> = NewRows<W> & { readonly partners: ArrayLike<number> }
/** Rows a[i] and b[i] of the batch, of one group, belong together, alike by value[i]. */
export interface Edges {
  readonly a: ArrayLike<number>
  readonly b: ArrayLike<number>
  readonly value: ArrayLike<number>
}
export type OutputOf<E extends RowEffect, W extends Writes> =
  | (E extends 'cluster' ? Edges : E extends 'pair' ? NewPairs<W> : E extends 'derive' ? NewRows<W> : RowOutput<W>)
  | ([E, keyof W] extends ['same' | 'subset', never] ? void : never)

/** What any stage gives back for a block. */
export type Output = Partial<NewPairs<Writes> & Edges> & Omit<RowOutput<Writes>, 'columns'>

// ------------------------------------------------------------------------------------------------ fitting, context

/** What a stage is told about the run. */
export interface Context<State = unknown, Item = unknown, Value = unknown> {
  /** The id of this use of the stage in the graph. */
  readonly id: string
  /** Of the graph. */
  readonly seed: number
  /** What the last fit round that has ended gave. */
  readonly state: State
  /**
   * What is in a file that `files` names, by the path that it has there: the same bytes all through the run. Each call
   * gives a copy. Another path ends the run.
   */
  file(path: string): Uint8Array
  /** Asks the server that `calls` describes, in `open` alone. Answers come in the order of the items. */
  ask(items: readonly Item[]): Promise<readonly Answer<Value>[]>
  /** In `merge` alone: says what share of it is done, from 0 to 1, to whoever waits. No result may depend on it. */
  progress?(share: number): void
}

/** A look at all rows before the stage gives verdicts: a bounded part a partition, merged in order of (file, range). */
export interface Round<Part, State, Before> {
  /** A table to look at, in place of the stage's own rows: such rounds come first. */
  readonly of?: string
  collect(context: Context<Before>): { batch(batch: Batch): void | Promise<void>; part(): Part }
  /**
   * Parts are read lazily, each time that they are gone through. What is returned, or promised, must survive
   * v8.serialize.
   */
  merge(parts: Iterable<Part>, context: Context<Before>): State | Promise<State>
  /** About how many seconds `merge` takes of so many rows, where it takes long: for the time left that people read. */
  seconds?(rows: number): number
}
/** Rounds one after another; each is told what the one before gave. */
export interface Fit<State> {
  readonly rounds: readonly Round<unknown, unknown, unknown>[]
  next<Part, Next>(round: Round<Part, Next, State>): Fit<Next>
}
const fitOf = <State>(rounds: Fit<State>['rounds']): Fit<State> => ({
  rounds,
  next: round => fitOf([...rounds, round]),
})
export const round = <Part, State>(first: Round<Part, State, undefined>): Fit<State> => fitOf([first])

/** The state of a stage whose `fit` may be left out by its options is undefined there. */
export type StateOf<F> = F extends Fit<infer State> ? State : undefined

// -------------------------------------------------------------------------------------------------------- reports

type Cell = string | number | null
/**
 * A mark and an encoding (Vega-Lite's) over a table of the report. `low` and `high` are columns of an interval around
 * x or y, whichever is a number. A cell is a place of a grid, as deep as its `color`, a number. `diagonal`: where y
 * should be x, two numbers of one kind, a line says so.
 */
export interface Chart {
  readonly title: string
  readonly table: string
  readonly mark: 'bar' | 'line' | 'point' | 'cell'
  readonly encoding: {
    readonly x: string
    readonly y: string
    readonly color?: string
    readonly low?: string
    readonly high?: string
  }
  readonly diagonal?: boolean
}
/**
 * What to look at before one trains. `note`: good to know; `look`: look at it first; `stop`: do not train on this yet.
 * `name`: a word or two; `value`: its number, as people read it; `said`: one sentence of at most 25 words with its
 * number, `why` another of what is behind it. `rows`: where such rows are, as `sluice show --reason` takes it; a stage,
 * which does not know its id, says `.<reason>` of its own.
 */
export interface Worry {
  readonly level: 'note' | 'look' | 'stop'
  readonly name: string
  readonly value: string
  readonly said: string
  readonly why?: string
  readonly rows?: string
}
/**
 * `lines`: plain sentences for the summary; one that begins with `warning: ` is told even where nothing else is.
 * `worries`: those of this stage, by harm.
 * `numbers`: for the manifest and --json; those at the top that are finite numbers are `previous` for the next run.
 * `tables`, and `charts` over them: for report.html. `refuse`: why this run must not be published (exit code 65).
 */
export interface Report {
  readonly lines: readonly string[]
  readonly numbers: Readonly<Record<string, unknown>>
  readonly tables?: Readonly<Record<string, readonly Readonly<Record<string, Cell>>[]>>
  readonly charts?: readonly Chart[]
  readonly worries?: readonly Worry[]
  readonly refuse?: readonly string[]
}

// ------------------------------------------------------------------------------------------------------- examples

/** A row of an example: texts stand for one user message and one assistant message. Other columns as they are. */
export type ExampleRow = Readonly<Record<string, unknown>>
/** Texts by the paths of files. */
export type ExampleFiles = Readonly<Record<string, string>>
/** Options as a graph gives them: what has a default may be left out, within an option too. */
type PartOf<T> = T extends readonly unknown[] ? T : T extends object ? { readonly [K in keyof T]?: PartOf<T[K]> } : T
/**
 * An executed example. `kept`, `dropped` and `noted` name rows by their index; every row is kept or dropped. Candidates
 * are rows without `rejected`, and kept are those that are a side of a pair.
 */
export interface Example<
  O extends TObject = TObject,
  W extends Writes = Writes,
  Why extends string = string,
  Note extends string = string,
  T extends Inputs = Inputs,
> {
  readonly title: string
  readonly options?: PartOf<Static<O>>
  readonly rows: readonly ExampleRow[]
  readonly kept?: readonly number[]
  readonly dropped?: Readonly<Record<number, Why>>
  readonly noted?: Readonly<Record<number, Note>>
  /** What kept rows carry afterwards. */
  readonly columns?: { readonly [K in keyof W]?: readonly unknown[] }
  /** New rows, of a derive stage, or pairs. */
  readonly made?: readonly ExampleRow[]
  /** What the server of a stage with `calls` answers, one a request, as it comes over the wire. */
  readonly answers?: readonly unknown[]
  /** Rows of the tables: texts, numbers and bools as they are. */
  readonly tables?: { readonly [K in keyof T]?: readonly ExampleRow[] }
  /** What is in the files that the stage names, by their paths. */
  readonly files?: ExampleFiles
}

// ---------------------------------------------------------------------------------------------------------- kinds

export interface Paper {
  readonly title: string
  readonly arxiv?: string
  readonly url?: string
  readonly form: 'as in' | 'after'
}

/** What stages are for, as the questions of a user: lists of them are in this order. */
export const categories = [
  'read',
  'check and deduplicate',
  'find wrong labels',
  'ask models',
  'make pairs',
  'weigh and balance',
  'name columns',
  'audit',
  'write',
] as const
export type Category = (typeof categories)[number]

/**
 * What is known of its worth. `proven here`: what it promises was measured by this project, on real data. `as
 * published`: it follows a paper, whose figures were not tried again. `worth nothing here`: measured, and no better
 * than without. `shown` is the page of docs/ or the command that shows the measurement.
 */
export type Status =
  { readonly is: 'proven here' | 'worth nothing here'; readonly shown: string } | { readonly is: 'as published' }

/** What a block of a stage holds: `reads`, or what `carry` made of them. */
type Seen<R extends Reads, C extends Writes> = Extract<[keyof C] extends [never] ? keyof R : keyof C, string>

/**
 * An option that is gone, or with `value` a value that an option of the stage no longer takes. `by`: what to write
 * instead, as in "share_by: probability".
 */
export interface Replaced {
  readonly option: string
  readonly value?: string
  readonly by: string
}

/** An option that cannot be as it is, and why: what is wrong, and what to write instead. */
export interface WrongOption {
  readonly option: string
  readonly why: string
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
  /** Of a stage of the registry. A plain reader, writer or check has none. */
  readonly status?: Status
  readonly options: O
  /** Options that say how the work is done and not what comes of it: no part of any key, and not in the manifest. */
  readonly notInKey?: readonly string[]
  /** What earlier versions took: a graph that still says it is refused with what replaces it. */
  readonly replaces?: readonly Replaced[]
}

export interface Stage<
  O extends TObject,
  R extends Reads,
  W extends Writes,
  E extends RowEffect,
  Why extends string,
  Note extends string,
  F extends Fit<unknown> | undefined,
  Item,
  Value,
  C extends Writes,
  Tally = undefined,
  T extends Inputs = Record<never, never>,
> extends Described<O> {
  /** Of a stage of the registry: where lists name it. Sources, audits and sinks have a category each. */
  readonly category?: Exclude<Category, 'read' | 'audit' | 'write'>
  /** Columns that must be there, with their types. */
  readonly reads: Of<O, R>
  /**
   * Further inputs, by name (`from: { rows: pairs, votes: people }`): sources that are read as they lie, without a
   * layout, and are in no ledger. A table is looked at by a round (`of`), or it has all columns of `by` and its rows
   * come along with their group.
   */
  readonly tables?: Of<O, T>
  /**
   * Files that it needs (word lists, tokenizers), which it reads by `context.file` and in no other way: their content
   * is in every key of it. Paths start from the working directory, as those of inputs; no file has more than 256 MB.
   * What the stage says of a row must depend on what is in a file, and not on its path.
   */
  files?(options: Static<O>): readonly string[]
  /** Columns that are added, each named `<id>_<name>`; id, prompt, chosen and rejected stand for themselves. */
  readonly writes: Of<O, W>
  readonly rows: Of<O, E>
  /**
   * What is wrong with options that no schema can say: two that do not go together, an expression that is none or does
   * not fit the columns that are there. Told before a row is read.
   */
  check?(options: Static<O>, columns: Schema): readonly WrongOption[]
  /**
   * The columns that go on, of those that came in, as [its name from here on, its name until here]: of a stage that
   * does nothing but that, with rows: 'same'. `id`, `prompt`, `chosen` and `rejected` keep their names.
   */
  picks?(options: Static<O>, names: readonly string[]): readonly (readonly [name: string, from: string])[]
  /**
   * What of its columns no longer holds where rows are dropped behind it, as "its weights": the check of a graph warns
   * of a stage there that drops any.
   */
  readonly ofAllRows?: Of<O, string | undefined>
  /** Why rows leave. Each is a named output: `<id>.<reason>`; all together are `<id>.dropped`. */
  readonly reasons?: Readonly<Record<Why, Reason>>
  /** What is said of rows that are not dropped for it. */
  readonly notes?: Readonly<Record<Note, string>>
  readonly examples: readonly Example<O, NoInfer<W>, NoInfer<Why>, NoInfer<Note>, NoInfer<T>>[]
  /** Before any verdict. Rows wait for it; undefined where the options need none. */
  fit?(options: Static<O>): F
  /**
   * Blocks hold whole groups: all rows of the whole input with equal values in these columns, in order of (file, row).
   * They are columns of the row, or carried ones. A null (NaN is one) makes a group of one. For clusters one carried
   * column, a list of int32 or of texts: a row is in a group for each of its items. A group of more than 256 MB of what
   * travels ends the run (of a cluster it is taken in parts, each beginning with the group's first row).
   */
  readonly by?: Of<O, readonly string[]>
  /** Columns made of a row before it travels to its group, in place of `reads`: a hash or a length for a text. */
  readonly carries?: C
  carry?(options: Static<O>, context: Context<undefined>): (batch: Batch<Extract<keyof R, string>>) => ColumnsOf<C>
  /**
   * A server that the stage asks, by `context.ask`. Called in the main thread, before a row is read; throws when
   * options do not go together.
   */
  calls?(options: Static<O>): Service<Item, Value>
  /**
   * Opened once a partition, or a share of the groups; `batch` is called with its blocks. What is remembered from block
   * to block is made here and may only save work, as a cache does: blocks are cut by size, groups come in any order,
   * and where a row fails its block is given again, in parts, to the stage made anew.
   */
  open?(
    options: Static<O>,
    context: Context<StateOf<F>, Item, Value>,
  ): {
    /** `tables`: of those that come along with groups the rows of these; `groups` say which are whose. */
    batch(
      batch: Batch<Seen<R, C>>,
      verdict: Verdict<Why, Note>,
      tables: PerInput<T, Batch>,
    ): OutputOf<E, W> | Promise<OutputOf<E, W>>
  }
  /**
   * One round over rows as the stage leaves them: what it reads and wrote, dropped rows too; of a derive stage the new
   * rows, of a pair stage the pairs. Nothing waits for it.
   */
  tally?(options: Static<O>): Fit<Tally>
  /** Lines for the summary: how sure the stage is. */
  report?(options: Static<O>, learnt: { readonly state: StateOf<F>; readonly tally: Tally }): Report
}

// ---------------------------------------------------------------------------------------------------------- audits

/** An input that a graph may leave out; what is told of it is undefined then. */
export interface Optional<C extends Reads = Reads> {
  readonly optional: C
}
export const optional = <const C extends Reads>(columns: C): Optional<C> => ({ optional: columns })
/** Inputs by name, with the columns that are needed of each. */
export type Inputs = Readonly<Record<string, Reads | Optional>>
export type PerInput<I extends Inputs, T> = { readonly [K in keyof I]: I[K] extends Optional ? T | undefined : T }

/** An executed example of an audit: rows of its inputs, and what the report says of them. */
export interface AuditExample<O extends TObject = TObject, I extends Inputs = Inputs> {
  readonly title: string
  readonly options?: PartOf<Static<O>>
  readonly inputs: { readonly [K in keyof I]?: readonly ExampleRow[] }
  readonly files?: ExampleFiles
  readonly previous?: Readonly<Record<string, number>>
  readonly numbers?: Readonly<Record<string, unknown>>
  readonly refuse?: readonly string[]
}

/** A report on inputs of any kind, named as in the graph. It has no output, and nothing waits for it. */
export interface Audit<O extends TObject, I extends Inputs, Tally> extends Described<O> {
  readonly inputs: Of<O, I>
  readonly examples: readonly AuditExample<O, NoInfer<I>>[]
  /** As of a stage; what its tally reads by `context.file`. */
  files?(options: Static<O>): readonly string[]
  /**
   * One round, for each input. What it comes to must be the same however the rows are cut into partitions. It may see
   * no state, and no columns but those of `inputs`.
   */
  tally(options: Static<O>, input: keyof I): Fit<Tally>
  /**
   * `previous`: the numbers of the run before, if it had this audit in the same version with the same options and
   * files.
   */
  report(options: Static<O>, tallies: PerInput<I, Tally>, previous?: Readonly<Record<string, number>>): Report
}

/** A file as it lies, before any layout. */
export interface RawFile<Plan = unknown> {
  /** Its columns; names that differ, of plain types (no dictionaries, no views). */
  readonly schema: Schema
  readonly rows: number
  /** Left out: those of the local file. */
  readonly bytes?: number
  /** Rows at which reading can begin without decoding what is before, ascending, the first 0. */
  readonly starts: readonly number[]
  /**
   * What stands for the content of what is no local file. The source sees to it that it is read as that, or throws a
   * ChangedInputError.
   */
  readonly stamp?: string
  /** For the summary and the manifest: codecs, `checksums: none`. */
  readonly facts: Readonly<Record<string, string | number | boolean>>
  /** Bytes of these columns once decoded, of a format that is packed: for the estimate before the run. */
  decodedBytes?(columns: readonly string[]): number
  /**
   * Two text columns of the schema that are null but in rows that cannot be read, where all others are null: what
   * stands there in the file, and why it is no row. Such a row is dropped as `unreadable_line`.
   */
  readonly unread?: { readonly text: string; readonly why: string }
  /** What `read` needs again in a worker; survives structured clone. */
  readonly plan: Plan
}

/** Rows [start, end) of a file; where `rows` are given, ascending, those of them alone. */
export interface RowRange {
  readonly start: number
  readonly end: number
  readonly rows?: Uint32Array
}

/**
 * A format of files. Paths, folders, layouts, ids, pairing, renamed columns and samples are the engine's, and options
 * that every source has.
 */
export interface Source<O extends TObject = TObject, Plan = unknown> extends Described<O> {
  /** Endings of its files, as in `.parquet`: what it takes from a folder, and what `--input` finds it by. */
  readonly extensions: readonly string[]
  /**
   * True where `read` gives the rows of a range and no others. Of other sources the engine asks for ranges that begin
   * at one of `starts`, and takes what it needs of what comes.
   */
  readonly seeks?: true
  /**
   * Looks at a file; what is wrong with it is thrown, and told with what is wrong with others. `mayBePair` says of a
   * column whether a pair may be made of it: of others a format need not know lists and objects apart from text.
   */
  open(options: Static<O>, path: string, mayBePair: (column: string) => boolean): Promise<RawFile<Plan>>
  /** Raw rows in order, in batches that have these columns; others are ignored. `schema` is that of `open`. */
  read(
    options: Static<O>,
    file: { readonly path: string; readonly plan: Plan; readonly schema: Schema },
    range: RowRange & { readonly columns: readonly string[] },
  ): AsyncIterable<RecordBatch>
}

export interface Sink<O extends TObject = TObject> extends Described<O> {
  /** `review`: of a sink whose rows are for people alone, and never trained on. */
  readonly for?: 'review'
  /** Columns that must be there, with their types; a function where the options name them. */
  readonly reads: Of<O, Reads>
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
   * One that writes them in another form says so: see `Written`.
   */
  publish(
    options: Static<O>,
    folder: string,
    schema: Schema,
    input: SinkInput,
  ): Promise<number | Written> | number | Written
}

/** The rows of the input that a sink wrote, which columns its files have, and what is to be said of them. */
export interface Written {
  readonly rows: number
  readonly columns: readonly string[]
  readonly report: Pick<Report, 'lines' | 'numbers'>
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

// ------------------------------------------------------------------------------------------------- what is called

type Loose = Stage<
  TObject,
  Reads,
  Writes,
  RowEffect,
  string,
  string,
  Fit<unknown> | undefined,
  unknown,
  unknown,
  Writes,
  unknown,
  Inputs
>
/** What the registry holds: the engine knows a stage by its data, not by its types. */
export interface AnyStage extends Omit<Loose, 'reasons' | 'notes'> {
  readonly kind: 'stage'
  readonly reasons: Reasons
  readonly notes: Readonly<Record<string, string>>
}
type Reasons = Readonly<Record<string, Reason>>
export type AnySource = { readonly kind: 'source'; readonly category: 'read'; readonly reasons: Reasons } & Source
export type AnySink = { readonly kind: 'sink'; readonly category: 'write'; readonly reasons: Reasons } & Sink
export interface AnyAudit extends Audit<TObject, Inputs, unknown> {
  readonly kind: 'audit'
  readonly category: 'audit'
  readonly reasons: Reasons
}
export type AnyKind = AnyStage | AnyAudit | AnySource | AnySink

/** What graphs can name without a path: names, and what loads each. */
export type Registry = ReadonlyMap<string, () => Promise<AnyKind>>

/** An unknown option is an error with a suggestion, not silence. */
const closed = (options: TObject): TObject => ({ ...options, additionalProperties: false })

/** A transforming stage. */
export function defineStage<
  O extends TObject,
  const R extends Reads,
  const W extends Writes,
  const E extends RowEffect,
  Why extends string = never,
  Note extends string = never,
  F extends Fit<unknown> | undefined = undefined,
  Item = never,
  Value = never,
  C extends Writes = Record<never, never>,
  Tally = undefined,
  const T extends Inputs = Record<never, never>,
>(stage: Stage<O, R, W, E, Why, Note, F, Item, Value, C, Tally, T>): AnyStage
export function defineStage(stage: Loose): AnyStage {
  return { reasons: {}, notes: {}, ...stage, kind: 'stage', options: closed(stage.options) }
}
/** A report on inputs by name. */
export function defineAudit<O extends TObject, const I extends Inputs, Tally>(audit: Audit<O, I, Tally>): AnyAudit
export function defineAudit(audit: Audit<TObject, Inputs, unknown>): AnyAudit {
  return { ...audit, kind: 'audit', category: 'audit', reasons: {}, options: closed(audit.options) }
}
/** A stage that reads files of a format. */
export function defineSource<O extends TObject, Plan>(source: Source<O, Plan>): AnySource
export function defineSource(source: Source): AnySource {
  const options = Type.Object({ ...sourceOptions, ...source.options.properties })
  return { ...source, kind: 'source', category: 'read', reasons: layoutReasons, options: closed(options) }
}
/** What every sink can be told; the engine sees to it. */
const sinkOptions = (alone: 'review' | undefined) => ({
  for: Type.Unsafe<'training' | 'review'>({
    type: 'string',
    enum: alone ? [alone] : ['training', 'review'],
    default: alone ?? 'training',
    description: `${alone ? '' : 'training: what is written here is kept. '}review: it is for people to look at, and a row that is nowhere else was dropped`,
  }),
  order_by: Type.Optional(
    Type.String({ minLength: 1, description: 'column to sort the rows by; order of the input when left out' }),
  ),
  descending: Type.Boolean({ default: false, description: 'with order_by: the greatest first' }),
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      description: 'rows that are written at most, the first in that order',
    }),
  ),
})

/** A stage that writes files. */
export function defineSink<O extends TObject>(sink: Sink<O>): AnySink
export function defineSink(sink: Sink): AnySink {
  const options = Type.Object({ ...sink.options.properties, ...sinkOptions(sink.for) })
  return { ...sink, kind: 'sink', category: 'write', reasons: {}, options: closed(options) }
}

/** A choice among names: a JSON schema enum, so that errors can say "did you mean". */
export const choice = <const T extends readonly string[]>(
  values: T,
  options: { default?: T[number]; description: string },
) => Type.Unsafe<T[number]>({ type: 'string', enum: [...values], ...options })
