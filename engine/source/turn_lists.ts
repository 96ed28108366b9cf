/** Lists of texts as turns, native or as JSON text: who speaks is told by the place alone. */
import { DataType, type Data } from 'apache-arrow'
import { makeMessages, nullTest, textColumn, type Message } from '../arrow/columns.ts'
import { jsonValueOf } from '../arrow/plain.ts'
import type { Turns } from './turns.ts'

/** Texts of a row; undefined where there are none, or one of them is no text. */
type Texts = readonly string[] | undefined

/** Whether a column holds lists of texts. */
export const isTexts = (type: DataType): boolean =>
  DataType.isList(type) && DataType.isUtf8(type.children[0].type as DataType)

/** Whether a JSON text is a list of texts; turns that are missing are null. */
export function isTextsJson(text: string): boolean {
  const value = parsed(text)
  return Array.isArray(value) && value.some(isText) && value.every(item => item === null || isText(item))
}

const isText = (value: unknown): boolean => typeof value === 'string'

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function textsIn(data: Data): Texts[] {
  const isNull = nullTest(data),
    column = DataType.isUtf8(data.type as DataType) ? textColumn(data) : undefined
  return Array.from({ length: data.length }, (_, row) => {
    const value = isNull(row) ? null : column ? parsed(column.text(row)) : jsonValueOf(data, row)
    const isRead = Array.isArray(value) && value.length > 0 && value.every(item => isText(item) && item.isWellFormed())
    return isRead ? (value as string[]) : undefined
  })
}

/** Turns that alternate, of which the last is whose `last` is. */
const alternating = (texts: readonly string[], last: 'user' | 'assistant'): Message[] =>
  texts.map((content, i) => ({
    role: ((texts.length - i) % 2 === 1) === (last === 'user') ? 'user' : 'assistant',
    content,
  }))

/**
 * A column of turns that alternate: the last of a prompt is the user's, as is the first; the last of a side is the
 * assistant's.
 */
export function readTurnLists(data: Data, role: 'user' | 'assistant'): Turns {
  return turnsOf(
    textsIn(data).map(texts =>
      !texts
        ? 'it is no list of texts, or one of them is null'
        : role === 'user' && texts.length % 2 === 0
          ? `${texts.length} texts cannot alternate and end with the user, as they begin`
          : alternating(texts, role),
    ),
  )
}

/**
 * Whole conversations of a prompt's texts and a side's; `promptOf` gives the prompt of each side. As many of one as of
 * the other take turns; else one of the two is a single text, and the other one alternates by itself.
 */
export function readTalks(prompts: Data, sides: Data, promptOf: (side: number) => number = side => side): Turns {
  const asked = textsIn(prompts)
  return turnsOf(
    textsIn(sides).map((said, side) => {
      const own = asked[promptOf(side)]
      if (!own || !said) return 'the prompt or the side is no list of texts, or a turn of them is null'
      if (own.length === said.length) {
        return own.flatMap((content, i) => [
          { role: 'user', content },
          { role: 'assistant', content: said[i] },
        ])
      }
      const isOne = own.length === 1 || said.length === 1
      if (!isOne || own.length % 2 === 0 || said.length % 2 === 0) {
        return `${said.length} texts cannot take turns with the ${own.length} of the prompt`
      }
      return [...alternating(own, 'user'), ...alternating(said, 'assistant')]
    }),
  )
}

/** Messages of each row, or why there are none. */
const turnsOf = (rows: readonly (Message[] | string)[]): Turns => ({
  data: makeMessages(rows.map(row => (typeof row === 'string' ? [] : row))),
  bad: Uint8Array.from(rows, row => Number(typeof row === 'string')),
  faults: new Map(rows.flatMap((row, i) => (typeof row === 'string' ? [[i, row] as const] : []))),
})
