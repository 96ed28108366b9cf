/** What the first rows of a file show that a person should look at before a trainer sees them; a line each. */
import { DataType, type Data, type RecordBatch, type Schema, type Struct } from 'apache-arrow'
import { messagesColumn, numberColumn, textColumn } from '../arrow/columns.ts'
import { differenceOf, isOneOf, LABEL, MARKS, SCORE, TIES } from '../map/names.ts'
import { isTurns, messageNames, SPEAKERS, typeForm } from './forms.ts'
import { columnOf } from './mapping.ts'
import { PART_NAMES } from './part_names.ts'

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
  ['USER: and ASSISTANT:', /(?:^|\s)(?:USER|ASSISTANT): /],
]

/** JSON, or what Python prints of lists and objects. */
const isJson = (text: string): boolean => {
  if (!/^\s*[[{]/.test(text)) return false
  if (/^\s*\[?\{'/.test(text)) return true
  try {
    return typeof JSON.parse(text) === 'object'
  } catch {
    return false
  }
}

/** A message or a list of them, as JSON. */
const isMessages = (text: string): boolean =>
  /^\s*\[?\s*\{\s*"(?:role|content|from|value)"\s*:/.test(text) && isJson(text)

/** What Python and others write where there is nothing. */
const NOTHING = /^\s*(?:None|nan|NaN|null|NULL|<NA>|N\/A|undefined)\s*$/

/** In so few rows a mark is more often quoted than meant. */
const QUOTED = 0.02
/** Share of rows with roles that nobody knows up to which these rows are the odd ones. */
const ODD = 0.1
/** Rows at least, so that few different values tell something. */
const LEAST_ROWS = 24
const FEW_VALUES = 10
/** Values of a label at most. */
const MOST_LABELS = 12

/** `pairs` are the first rows as pairs, `raw` as they lie; `isMapped`: a mapping says which labels and scores count. */
export function noticesIn(pairs: RecordBatch, raw: readonly RecordBatch[], isMapped: boolean): string[] {
  const said: string[] = [],
    rows = pairs.numRows
  if (rows === 0) return said
  const prompts = columnOf(pairs, 'prompt'),
    asked = prompts ? messagesColumn(prompts).messages : () => []
  const roles = new Set<string>(),
    odd = new Set<number>()
  const of = (count: number) => `${count} of the first ${rows} rows`
  for (const side of ['prompt', 'chosen', 'rejected']) {
    const data = columnOf(pairs, side)
    if (!data) continue
    const { messages } = messagesColumn(data)
    for (let row = 0; row < rows; row++) {
      for (const { role } of messages(row)) {
        roles.add(role)
        if (!SPEAKERS.has(role)) odd.add(row)
      }
    }
    const texts = Array.from({ length: rows }, (_, row) => messages(row).map(({ content }) => content))
    for (const [name, mark] of FORMATS) {
      const count = texts.filter(own => own.some(text => mark.test(text))).length
      if (count > QUOTED * rows) {
        const but =
          side === 'prompt'
            ? '; sinks with `format: conversational` make turns of prompts that are nothing but turns'
            : ''
        said.push(
          `${side} holds ${name} in ${of(count)}: marks of a chat format, which stay text within a message${but}`,
        )
      }
    }
    const json = texts.filter(own => own.length > 0 && own.every(isJson)).length
    if (json >= 0.9 * rows) {
      said.push(
        `${side} is JSON text in ${of(json)}: it stays text as it is; \`map\` goes into objects, as ${side}.text`,
      )
    } else {
      const some = texts.filter(own => own.some(isMessages)).length
      if (some > QUOTED * rows) {
        said.push(
          `${side} is messages as JSON text in ${of(some)}, and plain text in others: they stay text as they are; write all rows alike`,
        )
      }
    }
    if (side === 'prompt') continue
    const empty = texts.filter(own => own.length === 1 && NOTHING.test(own[0]))
    if (empty.length > 1) {
      said.push(
        `${side} is '${empty[0][0].trim()}' in ${of(empty.length)}: if that is what a tool writes where there is no answer, write null or leave the rows out`,
      )
    }
    const twice = texts.filter(([text], row) => {
      const question = asked(row).at(-1)?.content.trim()
      return question !== undefined && question.length > 10 && text?.trimStart().startsWith(question)
    }).length
    if (twice > 0.5 * rows) {
      said.push(`${side} begins with the text of its prompt in ${of(twice)}: a trainer would see it twice`)
    }
    const values = new Set(texts.map(own => own.join('\n')))
    const length = [...values].reduce((sum, value) => sum + value.length, 0) / values.size
    // names come again too, if there are many
    const isFew = values.size < FEW_VALUES || (values.size < 0.5 * rows && length < 30)
    if (rows >= LEAST_ROWS && isFew) {
      said.push(
        `${side} has ${values.size === 1 ? 'one value' : `${values.size} values`} in the first ${rows} rows: a label, perhaps, and no answer`,
      )
    }
  }
  // of few rows check_pairs says so
  if (odd.size > ODD * rows) {
    said.push(
      `messages have the roles ${[...roles].sort().join(', ')}, and templates of chats know ${[...SPEAKERS].join(', ')}: call them so in the file, or a trainer may refuse them`,
    )
  }
  const ofColumns = isMapped ? [] : [...longerIn(raw, pairs), ...tiesIn(pairs), ...unnamedScores(raw)]
  return [...said, ...callsIn(raw), ...promptsIn(raw, pairs), ...ofColumns]
}

/** Calls of tools as LLaMA-Factory writes them, a role of their own with JSON as its text. */
const callsIn = (raw: readonly RecordBatch[]): string[] =>
  (raw[0]?.schema.fields ?? []).flatMap(({ name, type }) => {
    if (!DataType.isList(type) || messageNames(type.children[0].type as DataType)?.[0] !== 'from') return []
    const messages = columnOf(raw[0], name)!.children[0] as Data<Struct>,
      at = messages.type.children.findIndex(field => field.name === 'from'),
      { rows, isNull, text } = textColumn(messages.children[at] as Data)
    return Array.from({ length: rows }, (_, m) => !isNull(m) && text(m) === 'function_call').includes(true)
      ? `${name} has messages of function_call, which stay text: sinks with \`format: whole\` make tool_calls of those whose tool the row has in \`tools\``
      : []
  })

/** Names of what a prompt is often asked about, or an answer begun with. */
const PARTS =
  /system|history|instruction|schema|context|passage|steps?(?:_|$)|background|persona|scenario|evidence|knowledge|document/i

/** Of these the opening of a file tells, where a layout cannot take them in. */
const TOLD = new Set(PART_NAMES)

/** What is said beside the pair that by its name belongs to it, and to no trainer is shown. */
function promptsIn(raw: readonly RecordBatch[], pairs: RecordBatch): string[] {
  const kept = new Set(pairs.schema.names.map(String)),
    columns = (raw[0]?.schema.fields ?? []).filter(
      ({ name }) =>
        PARTS.test(name) &&
        !TOLD.has(name) &&
        kept.has(name) &&
        !/(?:id|name|type|source|model|score|rating)$/i.test(name),
    )
  return columns.flatMap(({ name, type }) => {
    const data = columnOf(raw[0], name)!
    const isSaid = DataType.isUtf8(type)
      ? data.valueOffsets[data.length] - data.valueOffsets[0] >= 8 * data.length
      : typeForm(type as DataType) === 'messages' || isTurns(type as DataType)
    return isSaid ? [`${name} lies beside the pair, and no trainer sees it; \`map\` can put it into the prompt`] : []
  })
}

/** Text of two sides beside the pair that is much longer than its own, which may only name it. */
function longerIn(raw: readonly RecordBatch[], pairs: RecordBatch): string[] {
  const meanOf = (data: Data) => (data.valueOffsets[data.length] - data.valueOffsets[0]) / data.length,
    chosen = columnOf(pairs, 'chosen')
  const { bytes = 0, rows = 1 } = chosen
    ? { bytes: messagesColumn(chosen).end(pairs.numRows - 1), rows: pairs.numRows }
    : {}
  const texts = (raw[0]?.schema.fields ?? []).filter(
    ({ name, type }) => DataType.isUtf8(type) && meanOf(columnOf(raw[0], name)!) > Math.max(20, (2 * bytes) / rows),
  )
  const found = texts.flatMap(({ name: a }) =>
    texts.flatMap(({ name: b }) => {
      const differs = a === b ? undefined : differenceOf(a, b)
      return differs && isOneOf(MARKS, differs.marks) ? [`${a} and ${b}`] : []
    }),
  )
  return bytes / rows < 40 && found.length > 0
    ? [`chosen is short, and ${found[0]} beside it are not: it may name an answer, and be none`]
    : []
}

/** Labels of ties beside pairs that are taken all the same; `pairs` has none of the rows that are not. */
function tiesIn(pairs: RecordBatch): string[] {
  const texts = pairs.schema.fields.filter(({ name, type }) => DataType.isUtf8(type) && LABEL.test(name))
  return texts.flatMap(({ name }) => {
    const { rows, isNull, text } = textColumn(columnOf(pairs, name)!),
      values = Array.from({ length: rows }, (_, row) => (isNull(row) ? '' : text(row))),
      ties = values.filter(value => value.length < 40 && TIES.test(value.toLowerCase()))
    return ties.length > 0 && ties.length < rows && new Set(values).size <= MOST_LABELS
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
