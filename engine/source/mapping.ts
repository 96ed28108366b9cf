/** How the pairs of a file are made of its columns. */
import type { Data, RecordBatch } from 'apache-arrow'
import type { CompletionsAt, Scoring } from './completions.ts'
import type { Form } from './turns.ts'

/** A column and how it says what it says. */
export interface Bound {
  readonly column: string
  readonly form: Form
}

/**
 * Columns beside the prompt's own that belong to it. `system` begins it, then `history`, earlier turns; `context`
 * stands above its text, `input` below.
 */
export type Parts = Readonly<Partial<Record<'system' | 'history' | 'context' | 'input', string>>>

/**
 * How the pairs of a file are made. Survives structured clone. Without `prompt` the sides are whole conversations.
 */
export interface Mapping {
  readonly layout: string
  readonly id: string | null
  readonly prompt: Bound | null
  readonly parts: Parts
  readonly chosen: Bound | null
  readonly rejected: Bound | null
  readonly completions: CompletionsAt | null
  /** Of layout `ranked`. */
  readonly scored?: Scoring
}

/** Whether a row is one answer, which has no rejected side. */
export const isAnswers = ({ chosen, rejected }: Pick<Mapping, 'chosen' | 'rejected'>): boolean =>
  chosen !== null && rejected === null

/** Whether a side may be a whole conversation, which holds the prompt. */
export const isWhole = (bound: Bound | null): boolean => bound !== null && isWholeForm(bound.form)

export const isWholeForm = (form: Form): boolean => form !== 'text' && form !== 'message'

/**
 * The file's columns that a plan uses up: they become id, prompt, chosen and rejected, and are not carried beside them.
 */
export const usedColumns = ({ id, prompt, parts, chosen, rejected, completions }: Mapping): string[] =>
  [
    id,
    prompt?.column,
    ...Object.values(parts),
    chosen?.column,
    rejected?.column,
    completions?.list,
    completions?.scores,
  ].filter(name => typeof name === 'string')

/** Whether prompt and sides are plain text: the sink may give the same back. */
export const isTextPlan = ({ layout, prompt, parts, chosen, rejected }: Mapping): boolean =>
  prompt?.form === 'text' &&
  parts.system === undefined &&
  parts.history === undefined &&
  chosen?.form === 'text' &&
  (rejected?.form === 'text' || layout === 'answers')

/** A column of a batch by its name. */
export function columnOf(batch: RecordBatch, name: string): Data | undefined {
  const at = batch.schema.fields.findIndex(field => field.name === name)
  return at < 0 ? undefined : batch.data.children[at]
}

/** The first rows of these columns. */
export type Sample = (columns: readonly string[]) => Promise<readonly RecordBatch[]>
