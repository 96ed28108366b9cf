/** What a run knows of its inputs: the files before it begins, and the pairs that are read of them. */
import type { Data, RecordBatch, Schema } from 'apache-arrow'
import type { Scoring } from './completions.ts'
import type { FilePlan } from './raw.ts'

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
  /** The schema that reading gives: id, prompt, chosen, of pairs rejected, then the file's other columns. */
  readonly schema: Schema
  /** Facts for the summary and the manifest: codecs, `checksums: none`, of which columns the pair is made. */
  readonly facts: Readonly<Record<string, string | number | boolean>>
  /** What `read` needs again in a worker. */
  readonly plan: FilePlan
  /** Values that its rows have from the folders above it: files of equal name and content may differ in them. */
  readonly fromPath?: Readonly<Record<string, string | null>>
  /** Of layout `ranked`: what scores the answers. */
  readonly scored?: Scoring
}

/**
 * Some raw rows, converted. `pairs` has the schema of InputFile. `row[i]` is the file's row of pair i, ascending; it
 * comes again where one raw row became several pairs. Every raw row is in `row` or in `refused`. `raw` is what was
 * read, `rows` the file's row of each, ascending, `ids` their names (utf8).
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
  /** Rows that make pairs, and have more than is in them; each is counted, and kept as it was beside the output. */
  readonly noted?: readonly { readonly row: number; readonly reason: string }[]
  readonly rows: Uint32Array
  readonly ids: Data
  readonly raw: RecordBatch
}
