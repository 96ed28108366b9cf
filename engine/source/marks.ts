/** Turns within a prompt that is one text: what `Human:` and `Assistant:`, <extra_id_1>, or ChatML's marks begin. */
import type { Data, List } from 'apache-arrow'
import { makeMessages, messagesColumn, type Message } from '../arrow/columns.ts'

/** Marks of who speaks, each with what stands before it; the first capture is the speaker. */
const MARKS = [
  /(?:^|\n\n)\s*(Human|Assistant):/g,
  /(?:^|\n)<extra_id_1>(User|Assistant)\n/g,
  /(?:^|\n)\s*<\|im_start\|>(system|user|assistant)\n/g,
]
/** What ends a turn of ChatML. */
const END = /<\|im_end\|>\s*$/
/** Behind the last turn of a prompt the answer's mark may stand, with nothing behind it. */
const OPEN = /(?:\n\n\s*Assistant:|\n<extra_id_1>Assistant\n?|\n<\|im_start\|>assistant)\s*$/

/**
 * Prompts of one message as turns, where all of it is turns that alternate and the user's is the last; others as they
 * are. The same column where no row has any.
 */
export function splitMarks(data: Data<List>): Data<List> {
  const { rows, bytes, messages } = messagesColumn(data),
    text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  // no mark is there without one of these
  if (!['Human:', '<extra_id_1>', '<|im_start|>'].some(mark => text.includes(mark))) return data
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
    const ofRow = (own: readonly Message[]) =>
      own.map(({ role, content }) => ({ role, content: content.replace(END, '').trim() }))
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
    role: match[1] === 'Human' ? 'user' : match[1].toLowerCase(),
    content: text
      .slice(match.index + match[0].length, found[i + 1]?.index ?? text.length)
      .replace(END, '')
      .trim(),
  }))
  // <extra_id_1> marks the second turn and those behind it: what stands before is the user's
  const before = text.slice(0, found[0].index).trim()
  if (before !== '') turns.unshift({ role: 'user', content: before })
  const talk = turns[0].role === 'system' ? turns.slice(1) : turns
  const alternate = talk.every(
    ({ role, content }, i) => role === (i % 2 === 0 ? 'user' : 'assistant') && content !== '',
  )
  // text before a first Human: is no turn of anybody
  return alternate && talk.length % 2 === 1 && (before === '' || mark === MARKS[1]) ? turns : undefined
}
