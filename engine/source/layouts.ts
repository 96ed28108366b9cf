/** How the way in which pairs lie in a file is found. `convert.ts` turns them into pairs. */
import { DataType, Schema, type Data, type List, type RecordBatch } from 'apache-arrow'
import { decoder, messagesColumn } from '../arrow/columns.ts'
import { DataError } from '../errors.ts'
import { nearest } from '../graph/messages.ts'
import type { MapSpec } from '../map/spec.ts'
import { findCompletions, findReplies } from './completions.ts'
import { checkFields, contentForm, hasExtras, isTurns, readForm, typeForm } from './forms.ts'
import { isIdType, rawHash } from './ids.ts'
import { isTexts } from './turn_lists.ts'
import { layouts, LISTS, SCORE_LISTS, type Layout, type LayoutName } from './layout_table.ts'
import { columnOf, isWhole, isWholeForm, usedColumns, type Bound, type Mapping, type Parts } from './mapping.ts'
import { PART_NAMES, PARTS } from './part_names.ts'
import type { Form } from './turns.ts'

const CANDIDATES = new Set<string>([
  ...PART_NAMES,
  ...LISTS,
  ...SCORE_LISTS,
  ...layouts.flatMap(({ prompt, sides }) => [...prompt, ...sides.flat()]),
])

/** Whether some layout has a column of this name. */
export const isSampled = (name: string): boolean => CANDIDATES.has(name)

/** The columns of a file that detection has to look at. */
export const sampleColumns = (schema: Schema, answer: string): string[] =>
  schema.names.map(String).filter(name => isSampled(name) || name === answer)

/**
 * Finds the layout of a file from its schema and the first rows of `sampleColumns` (1,000 are enough); undefined where
 * none fits. With `wanted` only that layout is tried, and its columns are bound without its rule on contents; `answer`
 * is the column that the layout `answers` takes.
 */
export function findLayout(
  schema: Schema,
  samples: readonly RecordBatch[],
  wanted?: LayoutName,
  answer?: string,
): Mapping | undefined {
  const forms = new Map<string, Form | undefined>()
  const formOf = (name: string): Form | undefined => {
    if (!forms.has(name)) forms.set(name, columnForm(schema, samples, name))
    return forms.get(name)
  }
  // a list of texts may as well be several answers: it is turns where the layout says so
  const notTurns = (name: string): Form | undefined => (formOf(name) === 'turns' ? undefined : formOf(name))
  for (const layout of layouts) {
    if (layout.name !== (wanted ?? layout.name) || (layout.name === 'answers' && !wanted)) continue
    const plan =
      layout.name === 'completions'
        ? bindCompletions(layout, schema, notTurns)
        : layout.name === 'ranked'
          ? bindRanked(layout, schema, samples, notTurns, wanted)
          : layout.name === 'answers'
            ? bindAnswers(layout, schema, notTurns, answer)
            : bind(layout, schema, samples, name =>
                wantedForm(wanted, layout.name === 'turns' || wanted ? formOf(name) : notTurns(name)),
              )
    if (plan) return plan
  }
  return undefined
}

/** The same of a layout that the user names; throws where the columns are not its own. */
export function wantedLayout(
  schema: Schema,
  samples: readonly RecordBatch[],
  wanted: LayoutName,
  answer = 'answer',
): Mapping {
  const found = findLayout(schema, samples, wanted, answer)
  if (found) return found
  const columns = schema.fields.map(field => `${field.name} ${field.type}`).join(', ') || 'none',
    { rule } = layouts.find(layout => layout.name === wanted)!
  const lacks =
    wanted === 'answers' && !columnForm(schema, samples, answer)
      ? `option 'answer' names ${answer}, and no column of text or messages has this name`
      : `its columns are not those of the layout '${wanted}' (${rule})`
  throw new Error(`${lacks}; there are ${columns}`)
}

/**
 * How pairs lie in the columns that a mapping makes. `schema` and `samples` are of these, `own` their names: what else
 * is there counts only where it belongs to a prompt.
 */
export function mappedLayout(
  { chosen: good, labels }: MapSpec,
  own: readonly string[],
  schema: Schema,
  samples: readonly RecordBatch[],
): Mapping {
  const isHere = (name: string) => own.includes(name) || name === 'id' || PART_NAMES.includes(name),
    here = new Schema(schema.fields.filter(({ name }) => isHere(name)))
  const made = here.fields.filter(({ name }) => own.includes(name)).map(({ name, type }) => `${name} as ${type}`),
    none = new DataError(`map: it makes ${made.join(', ')}, which are no pairs: each is text or messages`)
  const formOf = (name: string): Bound | null => {
    if (!own.includes(name)) return null
    const form = columnForm(here, samples, name)
    if (!form) throw none
    // of a prompt that is one text marks begin turns, where it is read
    return { column: name, form: name === 'prompt' ? plainly(form) : form }
  }
  const prompt = formOf('prompt'),
    score = own.find(name => /^(?:score|rank)s?$/.test(name)),
    scored = score === undefined ? undefined : { column: score, lowFirst: score.startsWith('rank') },
    base = { id: idOf(here), prompt, chosen: null, rejected: null, completions: null }
  let plan: Omit<Mapping, 'parts'>
  if (own.includes('completions')) {
    const form = itemForm(here, samples),
      { type } = itemOf(here)
    const at = {
      list: 'completions',
      text: 'response',
      form,
      extras: hasExtras(form, type),
      scores: score!,
      score: null,
    }
    plan = {
      ...base,
      layout: 'completions',
      completions: { ...at, lowFirst: scored!.lowFirst, isEach: (good ?? labels) !== undefined },
    }
  } else if (scored) {
    const by = own.includes('group') ? { by: 'group' } : {}
    plan = { ...base, layout: 'ranked', chosen: formOf('response'), scored: { ...scored, ...by } }
  } else plan = { ...base, layout: 'map', chosen: formOf('chosen'), rejected: formOf('rejected') }
  const { chosen, rejected, completions } = plan
  if (!prompt && ![chosen, rejected, completions].some(said => said && isWholeForm(said.form))) {
    throw new DataError(
      `map: prompt: shared is of conversations, and the sides are ${made.join(', ')}: name the column of the prompt`,
    )
  }
  return withParts(plan, here, samples)
}

/** The text of the answers that a mapping lists. */
const itemOf = (schema: Schema): { readonly type: DataType } =>
  (schema.fields.find(({ name }) => name === 'completions')!.type as List).children[0].type.children[0] as {
    type: DataType
  }

function itemForm(schema: Schema, samples: readonly RecordBatch[]): Form {
  const { type } = itemOf(schema),
    form = formOfType(type)!
  if (form !== 'text') return form
  return contentForm(
    samples.map(one => (columnOf(one, 'completions')!.children[0] as Data).children[0] as Data).filter(Boolean),
  )
}

/** What is wrong with columns that nearly are pairs, in words that end in '; ', or nothing. */
export function nearMiss(schema: Schema): string {
  const sides = layouts.flatMap(({ sides }) => sides).find(names => names.some(name => schema.names.includes(name)))
  if (!sides) return ''
  const faults = sides.flatMap(name => {
    const found = schema.fields.find(field => field.name === name)
    const near = nearest(name, schema.names.map(String))
    return !found
      ? `there is no ${name} beside ${sides.find(other => other !== name)}${near ? ` (is ${near} meant?)` : ''}`
      : typeForm(found.type)
        ? []
        : `${name} is ${found.type}, neither text nor messages`
  })
  return faults.length > 0 ? `${faults.join(', ')}; ` : ''
}

/** What the user says that text holds counts for more than what the sample looks like. */
function wantedForm(wanted: LayoutName | undefined, form: Form | undefined): Form | undefined {
  if (form !== 'text' && form !== 'json' && form !== 'transcript' && form !== 'turns') return form
  return wanted === 'text' || wanted === 'mixed' || wanted === 'text_messages'
    ? 'text'
    : wanted === 'transcripts'
      ? 'transcript'
      : form
}

function columnForm(schema: Schema, samples: readonly RecordBatch[], name: string): Form | undefined {
  const field = schema.fields.find(field => field.name === name)
  const form = field && formOfType(field.type as DataType),
    columns = samples.flatMap(sample => columnOf(sample, name) ?? [])
  // of lists that are all empty nobody knows what they would hold
  if (form === 'turns' && columns.every(({ children }) => (children[0] as Data).length === 0)) return undefined
  return form === 'text' ? contentForm(columns) : form
}

const formOfType = (type: DataType): Form | undefined => typeForm(type) ?? (isTexts(type) ? 'turns' : undefined)

const idOf = (schema: Schema): string | null =>
  schema.fields.some(field => field.name === 'id' && isIdType(field.type)) ? 'id' : null

/** Whether a column can be this part of a prompt. */
function isPart(part: keyof Parts, type: DataType): boolean {
  if (part !== 'history') return DataType.isUtf8(type)
  return typeForm(type) === 'messages' || isTurns(type) || isTexts(type)
}

/** Whether all messages of a side in the sample begin with the assistant: it is the answer alone. */
const isAnswer = ({ column, form }: Bound, samples: readonly RecordBatch[]): boolean =>
  samples.every(sample => {
    const data = columnOf(sample, column)
    if (!data) return true
    checkFields(column, data.type as DataType)
    const { offsets, roles, roleOffsets } = messagesColumn(readForm(form, data, 'assistant').data)
    return Array.from({ length: data.length }, (_, row) => offsets[row]).every(
      (m, row) =>
        m === offsets[row + 1] || decoder.decode(roles.subarray(roleOffsets[m], roleOffsets[m + 1])) === 'assistant',
    )
  })

/** The plan with the parts of the prompt that the file has. */
function withParts(plan: Omit<Mapping, 'parts'>, schema: Schema, samples: readonly RecordBatch[]): Mapping {
  const used = usedColumns({ ...plan, parts: {} }),
    sides = [plan.chosen, plan.rejected]
  // conversations say all that is said before the answer; what would stand above or below a text has no place there
  const hasPlace = () =>
    plan.prompt?.form === 'text' && (!sides.every(isWhole) || sides.every(side => isAnswer(side!, samples)))
  const found = Object.entries(PARTS).flatMap(([name, columns]) => {
    const part = name as keyof Parts
    const column = schema.fields.find(
      ({ name, type }) => (columns as readonly string[]).includes(name) && !used.includes(name) && isPart(part, type),
    )
    return column ? [[part, column.name] as const] : []
  })
  const isText = found.some(([part]) => part !== 'system') && hasPlace()
  return { ...plan, parts: Object.fromEntries(found.filter(([part]) => part === 'system' || isText)) }
}

function bind(
  layout: Layout & { name: LayoutName },
  schema: Schema,
  samples: readonly RecordBatch[],
  formOf: (name: string) => Form | undefined,
): Mapping | undefined {
  const promptColumn = layout.prompt.find(name => name === '' || formOf(name))
  if (promptColumn === undefined) return undefined
  for (const [chosenColumn, rejectedColumn] of layout.sides) {
    const chosen = formOf(chosenColumn),
      rejected = formOf(rejectedColumn)
    const found = promptColumn === '' ? undefined : formOf(promptColumn)
    if (!chosen || !rejected || !layout.fits(found, chosen, rejected)) continue
    // a transcript is only taken apart where it is all there is
    const plainly = (form: Form): Form => (form === 'transcript' && layout.name !== 'transcripts' ? 'text' : form)
    const prompt = found ? { column: promptColumn, form: plainly(found) } : null
    return withParts(
      {
        layout: layout.name,
        id: idOf(schema),
        prompt,
        chosen: { column: chosenColumn, form: plainly(chosen) },
        rejected: { column: rejectedColumn, form: plainly(rejected) },
        completions: null,
      },
      schema,
      samples,
    )
  }
  return undefined
}

function bindCompletions(
  layout: Layout & { name: LayoutName },
  schema: Schema,
  formOf: (name: string) => Form | undefined,
): Mapping | undefined {
  const completions = findCompletions(schema)
  const column = layout.prompt.find(name => formOf(name))
  if (!completions || !column || completions.list === column) return undefined
  const prompt = promptOf(column, formOf)
  return withParts(
    { layout: layout.name, id: idOf(schema), prompt, chosen: null, rejected: null, completions },
    schema,
    [],
  )
}

const plainly = (form: Form): Form => (form === 'transcript' ? 'text' : form)
const promptOf = (column: string, formOf: (name: string) => Form | undefined): Bound => ({
  column,
  form: plainly(formOf(column)!),
})

/** One scored answer a row, of prompts that come again. */
function bindRanked(
  layout: Layout & { name: LayoutName },
  schema: Schema,
  samples: readonly RecordBatch[],
  formOf: (name: string) => Form | undefined,
  wanted?: LayoutName,
): Mapping | undefined {
  const replies = findReplies(schema),
    column = layout.prompt.find(name => formOf(name))
  if (!replies || !column || replies.text === column) return undefined
  const { text, scored } = replies,
    chosen = { column: text, form: plainly(formOf(text) ?? replies.form) },
    of = { layout: layout.name, id: idOf(schema), prompt: promptOf(column, formOf), chosen, rejected: null }
  const plan = withParts({ ...of, completions: null, scored }, schema, samples)
  if (wanted) return plan
  const isPairs = schema.names.includes('chosen') || schema.names.includes('rejected')
  return isPairs || !comeAgain(plan, samples) ? undefined : plan
}

/** Whether two rows of the sample have one prompt. */
function comeAgain({ prompt, parts }: Mapping, samples: readonly RecordBatch[]): boolean {
  const seen = new Set<string>()
  return samples.some(sample => {
    const columns = [prompt!.column, ...Object.values(parts)].flatMap(name => columnOf(sample, name) ?? [])
    for (let row = 0; row < sample.numRows; row++) {
      const key = Buffer.from(rawHash(columns, row)).toString('latin1')
      if (seen.has(key)) return true
      seen.add(key)
    }
    return false
  })
}

function bindAnswers(
  layout: Layout & { name: LayoutName },
  schema: Schema,
  formOf: (name: string) => Form | undefined,
  answer = 'answer',
): Mapping | undefined {
  const column = layout.prompt.find(name => name !== answer && formOf(name)),
    form = formOf(answer)
  if (!column || !form) return undefined
  return withParts(
    {
      layout: 'answers',
      id: idOf(schema),
      prompt: promptOf(column, formOf),
      chosen: { column: answer, form: plainly(form) },
      rejected: null,
      completions: null,
    },
    schema,
    [],
  )
}

/** Names of prompts, which nobody gives to a copy of the conversation. */
const ASKS = ['prompt', 'instruction', 'question', 'conversations']

/**
 * Of which columns the pair is made, for the manifest and for warnings; nothing where they have its own names. And the
 * columns beside it that by their name belong to the prompt, and are no part of it.
 */
export function pairFacts(
  plan: Mapping,
  { fields }: Schema,
): { readonly pair?: string; readonly beside_prompt?: string } {
  const { layout, prompt, parts, chosen, rejected, completions } = plan
  const added = Object.values(parts)
  const said = Object.entries({
    prompt: prompt?.column,
    chosen: chosen?.column,
    rejected: rejected?.column,
    sides: completions?.list,
  }).flatMap(([part, column]) =>
    column === undefined || column === part
      ? []
      : [`${part} from '${column}'${layout === 'answers' && part === 'chosen' ? ' (option answer)' : ''}`],
  )
  if (added.length > 0) said.push(`the prompt with ${added.map(column => `'${column}'`).join(' and ')}`)
  const used = usedColumns(plan),
    names = [...PART_NAMES, ...(prompt ? [] : ASKS)] as string[]
  const beside = fields.flatMap(({ name, type }) =>
    names.includes(name) && !used.includes(name) && !DataType.isNull(type) ? [name] : [],
  )
  return {
    ...(said.length === 0 ? {} : { pair: said.join(', ') }),
    ...(beside.length === 0 ? {} : { beside_prompt: beside.join(', ') }),
  }
}
