/** Turns within a prompt that is one text: what `Human:` and `Assistant:` begin, or the marks of a template. */
import type { Data, List } from 'apache-arrow'
import { makeMessages, messagesColumn, type Message } from '../arrow/columns.ts'
import { taggedTurns, TEMPLATE_MARKS, templateOf } from './tagged.ts'

/** Marks of who speaks, each with what stands before it; the first capture is the speaker. */
const HUMAN = /(?:^|\n\n)\s*(Human|Assistant):/g,
  // the second turn and those behind it: what stands before is the user's
  LATER = /(?:^|\n)<extra_id_1>(User|Assistant)\n/g
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
  if (!['Human:', ...TEMPLATE_MARKS].some(mark => text.includes(mark))) return data
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
  const ends = isSplit.map((is, row) => (is ? (templateOf(before.text(row))?.end ?? '') : ''))
  const trimmed = sides.map(side => {
    const { messages } = messagesColumn(side)
    const ofRow = (own: readonly Message[], row: number) =>
      own.map(({ role, content }) => ({ role, content: content.replace(ends[row], '').trim() }))
    return makeMessages(isSplit.map((is, row) => (is ? ofRow(messages(row), row) : messages(row))))
  })
  return [split, ...trimmed]
}

function splitRow(own: readonly Message[]): readonly Message[] {
  if (own.length !== 1 || own[0].role !== 'user') return own
  const { content } = own[0],
    tagged = taggedTurns(content)
  if (tagged) return askedTurns(tagged) ?? own
  const text = content.replace(OPEN, '')
  // what only begins with `Human:` may be about humans
  return (text === content ? undefined : turnsOf(text, HUMAN)) ?? turnsOf(text, LATER) ?? own
}

/** Turns that alternate, a system message before them, of which the last is the user's; an answer may be open. */
function askedTurns(turns: readonly Message[]): readonly Message[] | undefined {
  const isOpen = turns.at(-1)?.role === 'assistant' && turns.at(-1)!.content === '',
    asked = isOpen ? turns.slice(0, -1) : turns,
    talk = asked[0]?.role === 'system' ? asked.slice(1) : asked
  const alternate = talk.every(
    ({ role, content }, i) => role === (i % 2 === 0 ? 'user' : 'assistant') && content !== '',
  )
  return alternate && talk.length % 2 === 1 ? asked : undefined
}

function turnsOf(text: string, mark: RegExp): readonly Message[] | undefined {
  const found = [...text.matchAll(mark)]
  if (found.length === 0) return undefined
  const turns: Message[] = found.map((match, i) => ({
    role: match[1] === 'Human' ? 'user' : match[1].toLowerCase(),
    content: text.slice(match.index + match[0].length, found[i + 1]?.index ?? text.length).trim(),
  }))
  const before = text.slice(0, found[0].index).trim()
  // text before a first Human: is no turn of anybody
  if (before !== '' && mark === HUMAN) return undefined
  return askedTurns(before === '' ? turns : [{ role: 'user', content: before }, ...turns])
}
