/** The texts of a row to read, cut: a side begins shortly before the first place where the two differ. */
import { DataType } from 'apache-arrow'
import { messagesColumn, messagesType, textColumn, type Message } from '../arrow/columns.ts'
import type { Flow } from '../arrow/flow.ts'
import { jsonValueOf } from '../arrow/plain.ts'
import type { SaidText, ShownRow } from './shape.ts'

/** Characters of a prompt, or of a side, at most. */
export const MOST_CHARACTERS = 1400
/** Of a side those before the first that differs. */
const BEFORE = 200
const names = ['prompt', 'chosen', 'rejected'] as const

type Texts = Pick<ShownRow, (typeof names)[number] | 'cut'>

/** Reads the texts of a block. Of rows that are no pairs, as a source refuses them, the prompt is all as JSON. */
export function textReader(flow: Pick<Flow, 'schema' | 'columns'>): (row: number) => Texts {
  const [prompt, chosen, rejected] = names.map(name => reader(flow, name)),
    { fields } = flow.schema
  if (!prompt) {
    const all = (row: number) =>
      Object.fromEntries(fields.map(({ name }, c) => [name, jsonValueOf(flow.columns[c], row)]))
    return row => cutTexts({ prompt: JSON.stringify(all(row)), chosen: '', rejected: '' })
  }
  return row => cutTexts({ prompt: prompt(row), chosen: chosen?.(row) ?? '', rejected: rejected?.(row) ?? '' })
}

const known = new WeakMap<DataType, boolean>()
const MESSAGES = String(messagesType)
/** To say it of each block anew would cost more than to read its rows. */
export function isMessages(type: DataType): boolean {
  const is = known.get(type) ?? String(type) === MESSAGES
  known.set(type, is)
  return is
}

/** A column of texts or messages; what is neither is JSON. */
function reader({ schema, columns }: Pick<Flow, 'schema' | 'columns'>, name: string) {
  const column = columns[schema.fields.findIndex(field => field.name === name)] as Flow['columns'][number] | undefined
  if (!column) return undefined
  if (DataType.isUtf8(column.type)) return textColumn(column).text
  if (!isMessages(column.type)) return (row: number) => JSON.stringify(jsonValueOf(column, row))
  const { messages } = messagesColumn(column)
  return (row: number): SaidText => {
    const said = messages(row)
    return said.length === 1 ? said[0].content : said
  }
}

const turns = (said: SaidText): readonly Message[] => (typeof said === 'string' ? [{ role: '', content: said }] : said)
const joined = (said: readonly Message[]): string => said.map(({ content }) => content).join('')
const whole = (said: SaidText): string => (typeof said === 'string' ? said : joined(said))

/** Cuts both sides from the same place on, and of a prompt its beginning, or of a conversation its end. */
export function cutTexts({ prompt, chosen, rejected }: Omit<Texts, 'cut'>): Texts {
  const asked = whole(prompt).length
  if (Math.max(asked, whole(chosen).length, whole(rejected).length) <= MOST_CHARACTERS) {
    return { prompt, chosen, rejected }
  }
  const from = Math.max(0, firstDifference(whole(chosen), whole(rejected)) - BEFORE)
  const parts = {
    prompt: cutFrom(prompt, typeof prompt === 'string' ? 0 : Math.max(0, asked - MOST_CHARACTERS)),
    chosen: cutFrom(chosen, from),
    rejected: cutFrom(rejected, from),
  }
  const cut = Object.fromEntries(
    names.flatMap(name => {
      const gone = whole({ prompt, chosen, rejected }[name]).length - whole(parts[name]).length
      return gone > 0 ? [[name, gone] as const] : []
    }),
  )
  return Object.keys(cut).length > 0 ? { ...parts, cut } : parts
}

function firstDifference(a: string, b: string): number {
  let at = 0
  while (at < a.length && at < b.length && a.charCodeAt(at) === b.charCodeAt(at)) at++
  return at === a.length && at === b.length ? 0 : at
}

/** So many characters at most from a place on, never half of one; messages without any of them are left out. */
function cutFrom(said: SaidText, from: number): SaidText {
  if (from === 0 && whole(said).length <= MOST_CHARACTERS) return said
  let at = 0
  const some = turns(said).flatMap(({ role, content }) => {
    const begin = at
    at += content.length
    const text = slice(content, Math.max(0, from - begin), from + MOST_CHARACTERS - begin)
    return text === '' ? [] : [{ role, content: text }]
  })
  return typeof said === 'string' ? (some[0]?.content ?? '') : some
}

const isLow = (text: string, at: number): boolean => (text.charCodeAt(at) & 0xfc00) === 0xdc00
function slice(text: string, from: number, to: number): string {
  if (to <= from) return ''
  return text.slice(from + (isLow(text, from) ? 1 : 0), Math.min(text.length, to) - (isLow(text, to) ? 1 : 0))
}
