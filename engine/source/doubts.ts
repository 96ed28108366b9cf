/** What speaks against a layout that fits a file by its columns: what they hold is something else. */
import { DataType, type RecordBatch, type Schema } from 'apache-arrow'
import { makeText, textColumn } from '../arrow/columns.ts'
import { differenceOf, isOneOf, MARKS } from '../map/names.ts'
import { openConverter } from './convert.ts'
import { columnOf, usedColumns, type Mapping, type Sample } from './mapping.ts'
import { sidesHoldPrompt } from './task.ts'

/** Whether what is found by names of columns is none by what they hold; `samples` are of those a layout looks at. */
export const isDoubted = async (
  schema: Schema,
  pairs: Mapping,
  samples: readonly RecordBatch[],
  sample: Sample,
): Promise<boolean> =>
  namesOthers(schema, samples, pairs) ||
  (await holdNoPrompt(pairs, sample)) ||
  (await hasRival(schema, pairs, sample)) ||
  (await areLabels(schema, pairs, samples, sample))

/** Names that an extracted result, or a passage that was found, has as well as an answer. */
const AMBIGUOUS = new Set(['answer', 'content', 'text'])
/** Characters of a text on average that may be an answer. */
const RIVAL = 20

/**
 * Whether beside the one answer of a row, where its name may mean something else too, there is a longer text that
 * differs from row to row.
 */
async function hasRival(schema: Schema, { layout, prompt, parts, chosen }: Mapping, sample: Sample): Promise<boolean> {
  if (layout !== 'ranked' || !AMBIGUOUS.has(chosen!.column)) return false
  const own = [prompt?.column, ...Object.values(parts)],
    texts = schema.fields.filter(({ name, type }) => DataType.isUtf8(type as DataType) && !own.includes(name))
  const batches = await sample(texts.map(({ name }) => name))
  const valuesOf = (name: string) =>
    batches.flatMap(one => {
      const { rows, isNull, text } = textColumn(columnOf(one, name)!)
      return Array.from({ length: rows }, (_, row) => (isNull(row) ? '' : text(row)))
    })
  const sizeOf = (values: readonly string[]) => values.reduce((sum, { length }) => sum + length, 0) / values.length,
    answers = valuesOf(chosen!.column)
  return texts.some(({ name }) => {
    const values = name === chosen!.column ? [] : valuesOf(name)
    const isVaried = new Set(values).size > values.length / 2
    return values.length > 0 && isVaried && sizeOf(values) > Math.max(RIVAL, sizeOf(answers))
  })
}

/** Values of a label at most, and characters of one. */
const MOST_LABELS = 12,
  MOST_CHARACTERS = 40

/** Whether what a layout takes for the sides are a few short values beside two columns of longer text: their labels. */
async function areLabels(
  schema: Schema,
  { chosen, rejected }: Mapping,
  samples: readonly RecordBatch[],
  sample: Sample,
) {
  const values = [chosen, rejected].flatMap(bound => textsOf(bound, samples)).filter(value => value !== null),
    longest = Math.max(...values.map(({ length }) => length))
  if (values.length === 0 || longest > MOST_CHARACTERS || new Set(values).size > MOST_LABELS) return false
  const texts = schema.fields.filter(({ type }) => DataType.isUtf8(type as DataType)).map(({ name }) => name),
    two = texts.flatMap(a =>
      texts.flatMap(b => (isOneOf(MARKS, differenceOf(a, b)?.marks ?? ['', '']) ? [[a, b]] : [])),
    )
  const batches = await sample(two.flat())
  const isLonger = (name: string) =>
    batches.some(one => {
      const { rows, bytes } = textColumn(columnOf(one, name)!)
      return bytes.length > longest * rows
    })
  return two.some(names => names.every(isLonger))
}

/** Why nothing of the first rows is a pair where conversations do not hold the prompt that they are to hold. */
const NO_PROMPT = ['no_common_prompt', 'prompt_differs']

/** Whether no row of the sample is a pair, for that reason alone: its conversations are of another kind. */
async function holdNoPrompt(pairs: Mapping, sample: Sample): Promise<boolean> {
  if (!sidesHoldPrompt(pairs) || !pairs.chosen) return false
  const [first] = (await sample(usedColumns(pairs))) as [RecordBatch?]
  if (!first || first.numRows === 0) return false
  const rows = Uint32Array.from({ length: first.numRows }, (_, row) => row),
    read = openConverter(pairs, first.schema).convert(first, rows)
  return read.pairs.numRows === 0 && read.refused.every(({ reason }) => NO_PROMPT.includes(reason))
}

/** Whether what a layout takes for the sides are names of other columns: labels, and no answers. */
function namesOthers(schema: Schema, samples: readonly RecordBatch[], { chosen, rejected }: Mapping): boolean {
  const own = [chosen?.column, rejected?.column],
    names = new Set(schema.names.map(String).filter(name => !own.includes(name)))
  const values = [chosen, rejected].flatMap(bound => textsOf(bound, samples)).filter(value => value !== null)
  return values.length > 0 && values.every(value => names.has(value))
}

/** The texts of a column that is read as text; of others none. */
export const textsOf = (bound: Mapping['chosen'], samples: readonly RecordBatch[]): (string | null)[] =>
  bound?.form !== 'text'
    ? []
    : samples.flatMap(one => {
        const { rows, isNull, text } = textColumn(columnOf(one, bound.column) ?? makeText([]))
        return Array.from({ length: rows }, (_, row) => (isNull(row) ? null : text(row)))
      })
