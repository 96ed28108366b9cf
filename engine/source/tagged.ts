/** Whole conversations in one text, in which templates of chats mark who speaks. */
import type { Data } from 'apache-arrow'
import { makeMessages, makeText, messagesColumn, textColumn, type Message } from '../arrow/columns.ts'
import { readTranscripts } from './transcripts.ts'
import type { Turns } from './turns.ts'

/** How a template writes a conversation. */
export interface Template {
  /** A mark by which it is told. */
  readonly mark: string
  readonly begin: RegExp
  /** What may end a turn. */
  readonly end: RegExp
  /** All turns, those of an answer that is not there yet with no text; undefined where they cannot be told. */
  read(text: string): Message[] | undefined
}

/** Names of speakers that trainers call otherwise. */
const ROLES: Readonly<Record<string, string>> = {
  human: 'user',
  prompter: 'user',
  model: 'assistant',
  gpt: 'assistant',
}

/** A mark before each turn, whose capture is the speaker. */
const marked = (mark: string, begin: RegExp, turn: RegExp, end: RegExp): Template => ({
  mark,
  begin,
  end,
  read(text) {
    const found = [...text.matchAll(turn)]
    return found.map((match, i) => {
      const role = match[1].trim().toLowerCase(),
        said = text.slice(match.index + match[0].length, found[i + 1]?.index ?? text.length)
      return { role: ROLES[role] ?? role, content: said.replace(end, '').trim() }
    })
  },
})

/** A question and its answer between two ends; marks that come again within are quoted by one of the two. */
const exchanged = (mark: string, begin: RegExp, exchange: RegExp, quoted: RegExp): Template => ({
  mark,
  begin,
  end: /<\/s>\s*$/,
  read(text) {
    const turns: Message[] = []
    for (const piece of text.split('</s>').filter(piece => piece.trim() !== '')) {
      const { system, asked, answer } = exchange.exec(piece)?.groups ?? {}
      if (asked === undefined || [system, asked, answer].some(said => quoted.test(said ?? ''))) return undefined
      if (system && turns.length > 0) return undefined
      if (system) turns.push({ role: 'system', content: system.trim() })
      turns.push({ role: 'user', content: asked.trim() }, { role: 'assistant', content: (answer ?? '').trim() })
    }
    return turns
  },
})

const TEMPLATES: readonly Template[] = [
  marked('<|im_start|>', /^\s*<\|im_start\|>/, /\s*<\|im_start\|>([^\n<]+)\n/g, /<\|im_end\|>\s*$/),
  // NVIDIA's
  marked(
    '<extra_id_1>',
    /^\s*<extra_id_[01]>(?:System|User)\n/,
    /\s*<extra_id_[01]>(System|User|Assistant)\n/g,
    /\n<extra_id_1>\s*$/,
  ),
  // Llama 3
  marked(
    '<|start_header_id|>',
    /^\s*(?:<\|begin_of_text\|>)*<\|start_header_id\|>/,
    /\s*<\|start_header_id\|>([^<\n]+)<\|end_header_id\|>\n/g,
    /<\|(?:eot_id|eom_id|end_of_text)\|>\s*$/,
  ),
  // Gemma
  marked(
    '<start_of_turn>',
    /^\s*(?:<bos>)?<start_of_turn>/,
    /\s*<start_of_turn>([a-z]+)\n/g,
    /<end_of_turn>\s*(?:<eos>)?\s*$/,
  ),
  // Zephyr, Phi, Tulu, Open Assistant
  marked(
    '<|user|>',
    /^\s*(?:<s>)?\s*<\|(?:system|user|prompter)\|>/,
    /\s*<\|(system|user|prompter|assistant)\|>\n?/g,
    /(?:<\/s>|<\|end\|>|<\|endoftext\|>)\s*$/,
  ),
  // Llama 2, Mistral
  exchanged(
    '[INST]',
    /^\s*(?:<s>)?\s*\[INST\]/,
    /^\s*(?:<s>)?\s*\[INST\]\s*(?:<<SYS>>(?<system>.*?)<<\/SYS>>)?(?<asked>.*?)\[\/INST\](?<answer>.*)$/s,
    /\[\/?INST\]|<<\/?SYS>>/,
  ),
  // Vicuna
  exchanged(
    'USER:',
    /^\s*(?:<s>)?\s*(?:A chat between [^\n]*?\s)?USER: /,
    /^\s*(?:<s>)?\s*(?<system>A chat between [^\n]*?)?\s*USER: (?<asked>.*?)\sASSISTANT:(?<answer>.*)$/s,
    /(?:^|\s)(?:USER|ASSISTANT): /,
  ),
  // Alpaca: what begins it says nothing that the instruction does not
  exchanged(
    '### Instruction:',
    /^\s*(?:Below is an instruction that [^\n]*\n+)?### Instruction:\n/,
    /^\s*(?:Below is an instruction that [^\n]*\n+)?### Instruction:\n(?<asked>.*?)\n+### Response:(?<answer>.*)$/s,
    /^### (?:Instruction|Response):/m,
  ),
  marked('### Human:', /^\s*### Human:/, /\s*### (Human|Assistant):/g, /<\/s>\s*$/),
]

/** The template by which a text begins. */
export const templateOf = (text: string): Template | undefined => TEMPLATES.find(({ begin }) => begin.test(text))

/** First bytes of texts that may begin so. */
const FIRST = new Set(Buffer.from('<[#UAB'))
export const mayBeTagged = (first: number): boolean => FIRST.has(first)

/** Marks of templates that are read. */
export const TEMPLATE_MARKS: readonly string[] = TEMPLATES.map(({ mark }) => mark)

/**
 * The turns of a text; undefined where it does not begin as a template does, or one of the user or the assistant comes
 * twice in a row: that is more often quoted than said.
 */
export function taggedTurns(text: string): Message[] | undefined {
  // some templates have a system turn in any case
  const turns = templateOf(text)
    ?.read(text)
    ?.filter(({ role, content }) => role !== 'system' || content !== '')
  const isTwice = turns?.some(({ role }, i) => (role === 'user' || role === 'assistant') && role === turns[i - 1]?.role)
  return isTwice ? undefined : turns
}

/**
 * Rows as messages without white space at either end; rows that do not begin so as `readTranscripts` reads them.
 * Undefined where none begins so. A row is bad whose last turn is not the assistant's.
 */
export function readTagged(data: Data): Turns | undefined {
  const { rows, isNull, text } = textColumn(data),
    texts = Array.from({ length: rows }, (_, row) => (isNull(row) ? '' : text(row)))
  if (!texts.some(templateOf)) return undefined
  const all = texts.map(one => (templateOf(one) ? wholeTurns(one) : plainTurns(one)))
  return {
    data: makeMessages(all.map(turns => turns ?? [])),
    bad: Uint8Array.from(all, turns => Number(turns === undefined)),
  }
}

function wholeTurns(text: string): Message[] | undefined {
  const turns = taggedTurns(text)
  return turns && turns.length > 1 && turns.at(-1)!.role === 'assistant' ? turns : undefined
}

function plainTurns(text: string): readonly Message[] | undefined {
  const { data, bad } = readTranscripts(makeText([text]))
  return bad![0] ? undefined : messagesColumn(data).messages(0)
}
