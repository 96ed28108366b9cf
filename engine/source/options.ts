/** The options that every source has, whatever its format. */
import { Type, type TObject, type TSchema } from '@sinclair/typebox'
import { mapSchema, type MapSpec } from '../map/spec.ts'
import { layoutNames, type LayoutName } from './layout_table.ts'
import type { ScoreOptions } from './side_scores.ts'
import { PAIRINGS, pairingOf, type PairingOptions } from './pairing.ts'

const usual = pairingOf({})
/** Which of the scored answers to a prompt meet: of every source, and of pair_candidates. */
export const pairingOptions = {
  pairing: Type.Unsafe<PairingOptions['pairing']>({
    type: 'string',
    enum: [...PAIRINGS],
    default: usual.pairing,
    description:
      'of scored answers to one prompt: each level of scores against the next lower one; the highest against the lowest, or the second, alone; each of the highest against one of any lower level, drawn by a hash; each of a level against each of every lower one. Those that it leaves out are told as such',
  }),
  min_score: Type.Optional(
    Type.Number({ description: 'least score of a chosen answer, of ranks the greatest; no bound when left out' }),
  ),
  min_gap: Type.Number({
    minimum: 0,
    default: usual.min_gap,
    description: 'least difference of the scores of a pair',
  }),
  length_penalty: Type.Number({
    minimum: 0,
    default: usual.length_penalty,
    description:
      'taken from a score (added to a rank) for each character of the answer, before it is said which is better; `min_score`, `min_gap` and what is written are of the scores as they are',
  }),
  max_pairs: Type.Integer({
    minimum: 1,
    default: usual.max_pairs,
    description: 'of `pairing: all`: pairs of one prompt at most, nearest levels first',
  }),
}

const fate = (description: string) =>
  Type.Unsafe<'keep' | 'drop'>({ type: 'string', enum: ['keep', 'drop'], default: 'keep', description })
/** What becomes of pairs whose own scores, as chosen_rating and rejected_rating, do not say what their sides say. */
const scoreOptions = {
  ties: fate('pairs whose own scores of both sides are equal: kept and counted, or dropped'),
  opposed: fate('pairs whose own scores call the rejected side the better one: kept and counted, or dropped'),
}

export const sourceOptions = {
  path: Type.String({
    minLength: 1,
    description:
      'a file, a folder (read with its subfolders) or a glob, relative to the working directory; for Parquet, JSON Lines and CSV also an http(s), hf or s3 URL',
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
  map: Type.Optional(
    Type.Union([Type.String({ minLength: 1, description: 'name of a preset' }), mapSchema], {
      description: 'where the pairs of the files are: a mapping, or the name of a preset; in place of `layout`',
    }),
  ),
  answer: Type.String({
    minLength: 1,
    default: 'answer',
    description: 'the column that holds the one good answer; for layout answers',
  }),
  ...scoreOptions,
  ...pairingOptions,
  columns: Type.Optional(
    Type.Array(Type.String(), { description: 'columns to carry beside the pair; all when left out' }),
  ),
}

/** What `sourceOptions` becomes. */
export interface SourceOptions extends PairingOptions, ScoreOptions {
  readonly path: string
  readonly more_paths: readonly string[]
  /** New names, and the old ones. */
  readonly rename?: Readonly<Record<string, string>>
  readonly layout: 'auto' | LayoutName
  readonly map?: MapSpec | string
  readonly answer: string
  readonly columns?: readonly string[]
}

/** Whether an option that is every source's is another than it usually is; a source may have its own of that name. */
export function isSet(
  { options: { properties } }: { readonly options: TObject },
  options: Readonly<Record<string, unknown>>,
  name: keyof typeof sourceOptions,
): boolean {
  const { description, default: usual } = sourceOptions[name] as TSchema
  return (properties[name] as TSchema | undefined)?.description === description && options[name] !== usual
}

/** The options of a source that say which answers meet. */
export const pairingIn = (options: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.keys(pairingOptions).flatMap(name => (name in options ? [[name, options[name]]] : [])))
