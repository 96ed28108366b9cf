/** What the first rows of a file show that a person should look at before a trainer sees them; a line each. */
import { DataType, type Data, type RecordBatch, type Schema } from 'apache-arrow'
import { messagesColumn, numberColumn, textColumn } from '../arrow/columns.ts'
import { differenceOf, isOneOf, LABEL, MARKS, SCORE, TIES } from '../map/names.ts'
import { columnOf } from './mapping.ts'

/** Marks of chat formats within a message: what a template writes, a message has no more. */
const FORMATS: readonly (readonly [string, RegExp])[] = [
  ['Human: and Assistant:', /(?:^|\n)\s*(?:Human|Assistant): /],
  ['<extra_id_1>', /<extra_id_1>/],
  ['<|im_start|>', /<\|im_(?:start|end)\|>/],
  ['<|start_header_id|>', /<\|(?:start|end)_header_id\|>/],
  ['<start_of_turn>', /<(?:start|end)_of_turn>/],
  ['[INST]', /\[\/?INST\]/],
  ['<|user|>', /<\|(?:user|assistant|system)\|>/],
  ['### Instruction:', /(?:^|\n)### (?:Instruction|Response|Human|Assistant):/],
]

const isJson = (text: string): boolean => {
  if (!/^\s*[[{]/.test(text)) return false
  try {
    return typeof JSON.parse(text) === 'object'
  } catch {
    return false
  }
}

/** Rows at least, so that few different values tell something. */
const LEAST_ROWS = 24
const FEW_VALUES = 10

/** `pairs` are the first rows as pairs, `raw` as they lie. */
export function noticesIn(pairs: RecordBatch, raw: readonly RecordBatch[]): string[] {
  const said: string[] = [],
    rows = pairs.numRows
  if (rows === 0) return said
  const prompts = columnOf(pairs, 'prompt'),
    asked = prompts ? messagesColumn(prompts).messages : () => []
  const of = (count: number) => `${count} of the first ${rows} rows`
  for (const side of ['prompt', 'chosen', 'rejected']) {
    const data = columnOf(pairs, side)
    if (!data) continue
    const { messages } = messagesColumn(data),
      texts = Array.from({ length: rows }, (_, row) => messages(row).map(({ content }) => content))
    for (const [name, mark] of FORMATS) {
      const count = texts.filter(own => own.some(text => mark.test(text))).length
      if (count > 0) {
        said.push(`${side} holds ${name} in ${of(count)}: marks of a chat format, which stay text within a message`)
      }
    }
    if (side === 'prompt') continue
    const twice = texts.filter(([text], row) => {
      const question = asked(row).at(-1)?.content.trim()
      return question !== undefined && question.length > 10 && text?.trimStart().startsWith(question)
    }).length
    if (twice > 0.5 * rows) {
      said.push(`${side} begins with the text of its prompt in ${of(twice)}: a trainer would see it twice`)
    }
    const json = texts.filter(own => own.length > 0 && own.every(isJson)).length
    if (json >= 0.9 * rows) {
      said.push(
        `${side} is JSON text in ${of(json)}: where an answer lies within it, \`map\` names it, as ${side}.text`,
      )
    }
    const values = new Set(texts.map(own => own.join('\n')))
    if (rows >= LEAST_ROWS && values.size < FEW_VALUES) {
      said.push(
        `${side} has ${values.size === 1 ? 'one value' : `${values.size} values`} in the first ${rows} rows: a label, perhaps, and no answer`,
      )
    }
  }
  return [...said, ...promptsIn(raw, pairs), ...tiesIn(raw), ...unnamedScores(raw)]
}

/** Names of what a prompt is often asked about, or an answer begun with. */
const PARTS = /schema|context|passage|steps?|background|persona|scenario|evidence|knowledge|document/i

/** Text beside the pair that by its name belongs to it, and to no trainer is shown. */
function promptsIn(raw: readonly RecordBatch[], pairs: RecordBatch): string[] {
  const kept = new Set(pairs.schema.names.map(String)),
    texts = (raw[0]?.schema.fields ?? []).filter(
      ({ name, type }) =>
        DataType.isUtf8(type) && PARTS.test(name) && kept.has(name) && !/(?:id|name|type|source)$/i.test(name),
    )
  return texts.flatMap(({ name }) => {
    const { rows, offsets } = textColumn(columnOf(raw[0], name)!)
    return offsets[rows] - offsets[0] >= 20 * rows
      ? [
          `${name} is text beside the pair, which no trainer sees; \`map\` can put it into the prompt, as [${name}, prompt]`,
        ]
      : []
  })
}

/** Labels of ties beside pairs that are all taken. */
function tiesIn(raw: readonly RecordBatch[]): string[] {
  const texts = (raw[0]?.schema.fields ?? []).filter(({ name, type }) => DataType.isUtf8(type) && LABEL.test(name))
  return texts.flatMap(({ name }) => {
    const { rows, isNull, text } = textColumn(columnOf(raw[0], name)!),
      values = Array.from({ length: rows }, (_, row) => (isNull(row) ? '' : text(row))),
      ties = values.filter(value => value.length < 40 && TIES.test(value.toLowerCase()))
    return ties.length > 0 && ties.length < rows
      ? [`${name} is '${ties[0]}' in ${ties.length} of the first ${rows} rows, which are pairs all the same`]
      : []
  })
}

/** Scores of two sides that are not called chosen and rejected: nobody knows whose they are. */
function unnamedScores(raw: readonly RecordBatch[]): string[] {
  const [schema] = raw.map(one => one.schema) as [Schema?],
    numbers = (schema?.fields ?? []).filter(({ type }) => DataType.isInt(type) || DataType.isFloat(type))
  return numbers.flatMap(({ name: a }) =>
    numbers.flatMap(({ name: b }) => {
      const differs = a === b ? undefined : differenceOf(a, b)
      if (!differs || !isOneOf(MARKS, differs.marks) || !SCORE.test(differs.stem)) return []
      const [x, y] = [a, b].map(name => raw.flatMap(one => [...numberColumn(columnOf(one, name) as Data).values]))
      const less = x.filter((value, row) => value < y[row]).length,
        more = x.filter((value, row) => value > y[row]).length
      return less > 0 && more > 0
        ? [
            `${a} is lower than ${b} in ${less} of the first ${x.length} rows, and higher in ${more}: if they are scores of the two sides, which is which differs, and so may chosen and rejected`,
          ]
        : []
    }),
  )
}
