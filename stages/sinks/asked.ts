/** What people are asked of a pair, whatever tool asks them: its texts, why its label is doubted, what is suggested. */
import { closeSync, fsyncSync, openSync } from 'node:fs'
import { Schema, type Data, type RecordBatch } from 'apache-arrow'
import { messagesColumn, textColumn } from '../../engine/arrow/columns.ts'
import { toRecordBatch } from '../../engine/arrow/flow.ts'
import { jsonValueOf } from '../../engine/arrow/plain.ts'
import type { SinkInput } from '../../engine/contract/define.ts'
import { HASH_COLUMN } from '../../engine/graph/columns.ts'
import { writeAll } from '../../engine/io.ts'
import { saidBeside } from '../../engine/source/further_fields.ts'
import { visible } from '../../engine/terminal.ts'

/** What a person may say of a pair, with its key, as `sluice review` has it. */
export const answers = [
  { word: 'keep', key: 'k', meaning: 'The chosen side is better: the label is right.' },
  { word: 'flip', key: 'f', meaning: 'The rejected side is better: the label is the wrong way round.' },
  { word: 'drop', key: 'd', meaning: 'The pair is of no use.' },
] as const

/** The question, and what is to be known before it is answered. */
export const QUESTION = 'Which side is better?'
export const GUIDELINES = `${QUESTION} Each pair is a prompt and two answers, of which one is labelled as chosen, and reviewers doubt the label.

${answers.map(({ word, meaning }) => `- ${word}: ${meaning}`).join('\n')}

Read both sides before you look at what is suggested: reviewers see words and style, and check no facts. A note is for people alone.`

export interface Asked {
  readonly id: string
  readonly contentHash: string
  readonly prompt: string
  readonly chosen: string
  readonly rejected: string
  /** Why the label is doubted, a fact each. */
  readonly doubt: readonly string[]
  /** Between 0 and 1; null where no reviewer said. */
  readonly probability: number | null
  /** The likelier answer by the probability that the label is right, and how likely it is. */
  readonly suggestion?: { readonly word: 'keep' | 'flip'; readonly score: number; readonly by: string }
}

const percent = (share: number): string =>
  share < 0.001 ? 'below 0.1 %' : `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`

/** What reviewers say of a label, in words: of their columns `<stage>_probability`, `_agreement` and `_against`. */
export const doubtSaid = (probability: unknown, agreement: unknown, against: unknown): string[] => [
  ...(typeof probability === 'number' ? [`probability that the label is right: ${percent(probability)}`] : []),
  ...(typeof agreement === 'number'
    ? [`reviewers who are this sure agree with ${Math.round(100 * agreement)} of 100 labels`]
    : []),
  ...(typeof against === 'string' ? against.split(' | ').map(each => `against the label: ${each}`) : []),
]

/** The stage that says how likely labels are right: the first that wrote both of its columns. */
const reviewerIn = ({ fields }: Schema): string | undefined =>
  fields
    .flatMap(({ name }) => /^(.+)_probability$/.exec(name)?.slice(1) ?? [])
    .find(stage => fields.some(({ name }) => name === `${stage}_agreement`))

/** Its columns, as `doubtSaid` takes them. */
const saidNames = (stage: string | undefined): string[] =>
  stage === undefined ? [] : ['probability', 'agreement', 'against'].map(name => `${stage}_${name}`)

const sides = ['prompt', 'chosen', 'rejected'] as const

/** The columns that people are shown, and the one that orders them; throws where rows are no pairs. */
export function askedSchema(sink: string, options: object, input: Schema): Schema {
  const missing = sides.filter(side => !input.fields.some(({ name }) => name === side))
  if (missing.length > 0) {
    throw new Error(
      `${sink}: there is no column ${missing.join(', ')}; people are asked of pairs: read those of a stage`,
    )
  }
  const stage = reviewerIn(input),
    wanted = new Set([
      ...['id', ...sides, HASH_COLUMN, ...sides.map(side => `source_${side}_fields`), ...saidNames(stage)],
      (options as { readonly order_by?: string }).order_by,
    ])
  return new Schema(input.fields.filter(({ name }) => wanted.has(name)))
}

export const askedRows = (_options: object, input: RecordBatch, schema: Schema): RecordBatch =>
  toRecordBatch(
    schema,
    schema.fields.map(({ name }) => input.getChild(name)!.data[0]),
    input.numRows,
  )

/** Text as a tool and its reader take it: controls are shown and not sent, as databases refuse NUL. */
const shown = (text: string): string => visible(text.replaceAll('\r\n', '\n'))

/** A reader of one side: a single message as its text, turns with who says them, what stands beside text as JSON. */
function sideReader(column: Data, beside: Data | undefined): (row: number) => string {
  const { messages } = messagesColumn(column),
    further = beside && textColumn(beside)
  return row => {
    const own = messages(row),
      text = own.length === 1 ? own[0].content : own.map(({ role, content }) => `${role}: ${content}`).join('\n\n'),
      more = further ? saidBeside(further.text(row)) : ''
    return shown(text !== '' && more !== '' ? `${text}\n${more}` : text + more)
  }
}

/** The pairs of a sink, in order. */
export function* askedOf(schema: Schema, input: SinkInput): Generator<Asked> {
  const by = reviewerIn(schema)
  for (const batch of input.batches()) {
    const column = (name: string) => batch.getChild(name)?.data[0],
      [prompt, chosen, rejected] = sides.map(side => sideReader(column(side)!, column(`source_${side}_fields`))),
      [ids, hashes] = ['id', HASH_COLUMN].map(name => textColumn(column(name)!)),
      said = saidNames(by).map(column)
    for (let row = 0; row < batch.numRows; row++) {
      const [probability, agreement, against] = said.map(data => data && jsonValueOf(data, row)),
        isKnown = typeof probability === 'number' && probability >= 0 && probability <= 1
      yield {
        id: ids.text(row),
        contentHash: hashes.text(row),
        prompt: prompt(row),
        chosen: chosen(row),
        rejected: rejected(row),
        doubt: doubtSaid(probability, agreement, against).map(shown),
        probability: isKnown ? probability : null,
        ...(isKnown
          ? {
              suggestion:
                probability < 0.5
                  ? { word: 'flip', score: 1 - probability, by: by! }
                  : { word: 'keep', score: probability, by: by! },
            }
          : {}),
      }
    }
  }
}

const FLUSH_CHARACTERS = 4 << 20

/**
 * Writes a list of JSON, an object a line, and returns how many. In ASCII: Python opens files in the encoding of the
 * machine.
 */
export function writeList<T>(path: string, values: Iterable<T>, form: (value: T) => unknown): number {
  const file = openSync(path, 'w')
  let text = '[',
    count = 0
  try {
    for (const value of values) {
      text += `${count++ > 0 ? ',' : ''}\n${asciiJson(form(value))}`
      if (text.length < FLUSH_CHARACTERS) continue
      writeAll(file, Buffer.from(text))
      text = ''
    }
    writeAll(file, Buffer.from(`${text}\n]\n`))
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  return count
}

export const asciiJson = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
