/** Whole conversations in one text whose turns begin with tags: ChatML, and NVIDIA's <extra_id_1>. */
import type { Data } from 'apache-arrow'
import { makeMessages, makeText, messagesColumn, textColumn, type Message } from '../arrow/columns.ts'
import { readTranscripts } from './transcripts.ts'
import type { Turns } from './turns.ts'

/** How such a conversation begins. */
export const TAGGED = /^\s*<(?:\|im_start\|>|extra_id_[01]>(?:System|User)\n)/

const TURN = /\s*<(?:\|im_start\|>([^\n<]+)\n|extra_id_[01]>(System|User|Assistant)\n)/g

/**
 * Rows as messages without white space at either end; rows that do not begin so as `readTranscripts` reads them.
 * Undefined where none begins so. A row is bad whose last turn is not the assistant's.
 */
export function readTagged(data: Data): Turns | undefined {
  const { rows, isNull, text } = textColumn(data),
    texts = Array.from({ length: rows }, (_, row) => (isNull(row) ? '' : text(row)))
  if (!texts.some(one => TAGGED.test(one))) return undefined
  const all = texts.map(one => (TAGGED.test(one) ? turnsIn(one) : plainTurns(one)))
  return {
    data: makeMessages(all.map(turns => turns ?? [])),
    bad: Uint8Array.from(all, turns => Number(turns === undefined)),
  }
}

function turnsIn(text: string): Message[] | undefined {
  const found = [...text.matchAll(TURN)],
    turns = found.map((match, i) => ({
      role: (match[1] ?? match[2]).trim().toLowerCase(),
      content: text
        .slice(match.index + match[0].length, found[i + 1]?.index ?? text.length)
        .replace(/<\|im_end\|>\s*$/, '')
        .trim(),
    })),
    // NVIDIA's form has a system turn in any case
    said = turns.filter(({ role, content }) => role !== 'system' || content !== '')
  return said.length > 1 && said.at(-1)!.role === 'assistant' ? said : undefined
}

function plainTurns(text: string): readonly Message[] | undefined {
  const { data, bad } = readTranscripts(makeText([text]))
  return bad![0] ? undefined : messagesColumn(data).messages(0)
}
