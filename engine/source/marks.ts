/** Turns within a prompt that is one text: what `Human:` and `Assistant:`, or <extra_id_1>, begin. */
import type { Data, List } from 'apache-arrow'
import { makeMessages, messagesColumn, type Message } from '../arrow/columns.ts'

/** Marks of who speaks, each with what stands before it; the first capture is the speaker. */
const MARKS = [/(?:^|\n\n)\s*(Human|Assistant):/g, /(?:^|\n)<extra_id_1>(User|Assistant)\n/g]
/** Behind the last turn of a prompt the answer's mark may stand, with nothing behind it. */
const OPEN = /(?:\n\n\s*Assistant:|\n<extra_id_1>Assistant\n?)\s*$/

/**
 * Prompts of one message as turns, where all of it is turns that alternate and the user's is the last; others as they
 * are. The same column where no row has any.
 */
export function splitMarks(data: Data<List>): Data<List> {
  const { rows, bytes, messages } = messagesColumn(data),
    text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  // no mark is there without one of these
  if (!text.includes('Human:') && !text.includes('<extra_id_1>')) return data
  return makeMessages(Array.from({ length: rows }, (_, row) => splitRow(messages(row))))
}

/**
 * The same, and sides without white space around where their prompt became turns: `Assistant:` and the answer have a
 * space between them.
 */
export function asTalks(prompt: Data<List>, sides: readonly Data[]): readonly Data[] {
  const split = splitMarks(prompt)
  if (split === prompt) return [prompt, ...sides]
  const [before, after] = [prompt, split].map(messagesColumn),
    isSplit = Array.from({ length: before.rows }, (_, row) => before.text(row) !== after.text(row))
  if (!isSplit.includes(true)) return [prompt, ...sides]
  const trimmed = sides.map(side => {
    const { messages } = messagesColumn(side)
    const ofRow = (own: readonly Message[]) => own.map(({ role, content }) => ({ role, content: content.trim() }))
    return makeMessages(isSplit.map((is, row) => (is ? ofRow(messages(row)) : messages(row))))
  })
  return [split, ...trimmed]
}

function splitRow(own: readonly Message[]): readonly Message[] {
  if (own.length !== 1 || own[0].role !== 'user') return own
  const { content } = own[0]
  for (const mark of MARKS) {
    // what only begins with `Human:` may be about humans
    if (mark === MARKS[0] && !OPEN.test(content)) continue
    const turns = turnsOf(content.replace(OPEN, ''), mark)
    if (turns) return turns
  }
  return own
}

function turnsOf(text: string, mark: RegExp): Message[] | undefined {
  const found = [...text.matchAll(mark)]
  if (found.length === 0) return undefined
  const turns: Message[] = found.map((match, i) => ({
    role: match[1] === 'Assistant' ? 'assistant' : 'user',
    content: text.slice(match.index + match[0].length, found[i + 1]?.index ?? text.length).trim(),
  }))
  // <extra_id_1> marks the second turn and those behind it: what stands before is the user's
  const before = text.slice(0, found[0].index).trim()
  if (before !== '') turns.unshift({ role: 'user', content: before })
  const alternate = turns.every(
    ({ role, content }, i) => role === (i % 2 === 0 ? 'user' : 'assistant') && content !== '',
  )
  // text before a first Human: is no turn of anybody
  return alternate && turns.length % 2 === 1 && (before === '' || mark === MARKS[1]) ? turns : undefined
}
