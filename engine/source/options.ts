/** The options that every source has, whatever its format. */
import { Type } from '@sinclair/typebox'
import { layoutNames, type LayoutName } from './layout_table.ts'

export const sourceOptions = {
  path: Type.String({
    minLength: 1,
    description:
      'a file, a folder (read with its subfolders) or a glob, relative to the working directory; for Parquet also the http(s) URL of a file',
  }),
  more_paths: Type.Array(Type.String({ minLength: 1 }), {
    default: [],
    description: 'further files, folders or globs',
  }),
  rename: Type.Optional(
    Type.Record(Type.String({ minLength: 1 }), Type.String({ minLength: 1 }), {
      description:
        'other names for columns, as `{ new: old }`; all that is said here of columns is said of the new names',
    }),
  ),
  layout: Type.Unsafe<'auto' | LayoutName>({
    type: 'string',
    enum: ['auto', ...layoutNames],
    default: 'auto',
    description: 'how pairs lie in the files; auto finds it on the first 1,000 rows of each',
  }),
  answer: Type.String({
    minLength: 1,
    default: 'answer',
    description: 'the column that holds the one good answer; for layout answers',
  }),
  pairing: Type.Unsafe<'adjacent' | 'best_worst'>({
    type: 'string',
    enum: ['adjacent', 'best_worst'],
    default: 'adjacent',
    description:
      'of scored completions: each level of scores against the next lower one, or the highest against the lowest alone; those between are told as `left_out`',
  }),
  columns: Type.Optional(
    Type.Array(Type.String(), { description: 'columns to carry beside the pair; all when left out' }),
  ),
}

/** What `sourceOptions` becomes. */
export interface SourceOptions {
  readonly path: string
  readonly more_paths: readonly string[]
  /** New names, and the old ones. */
  readonly rename?: Readonly<Record<string, string>>
  readonly layout: 'auto' | LayoutName
  readonly answer: string
  readonly pairing: 'adjacent' | 'best_worst'
  readonly columns?: readonly string[]
}
