/** The ways in which pairs lie in files: one table of names, rules and examples. `layouts.ts` finds a file's way. */
import { TEMPLATE_MARKS } from './tagged.ts'
import type { Form } from './turns.ts'

/** Columns that hold several completions of a prompt, and fields or columns that score them. */
export const LISTS = ['completions', 'responses', 'generations', 'candidates', 'answers']
export const SCORES = ['score', 'rating', 'rank', 'reward']
export const SCORE_LISTS = SCORES.map(name => `${name}s`)

export interface Layout {
  readonly name: string
  /** When a file is taken to have it. */
  readonly rule: string
  /** A row in short, or several, a line each. */
  readonly example: string
  /** Columns by name, the first that is there; each list empty where there is no such column. */
  readonly prompt: readonly string[]
  readonly sides: readonly (readonly [string, string])[]
  /** The forms of (prompt, chosen, rejected) that it is for; the first is undefined without a prompt. */
  fits(prompt: Form | undefined, chosen: Form, rejected: Form): boolean
}

const SIDES = [['chosen', 'rejected']] as const
const ASKED = '{"role": "user", "content": "Name a prime."}'
const SEVEN = '{"role": "assistant", "content": "Seven."}'
const NINE = '{"role": "assistant", "content": "Nine."}'
const isSaid = (form: Form): boolean => form === 'text' || form === 'transcript'
const isList = (form: Form | undefined): boolean => form === 'messages'
const isOne = (form: Form): boolean => isSaid(form) || form === 'message'

/** In the order in which they are tried. */
const table = [
  {
    name: 'json',
    rule: 'prompt, chosen or rejected is text and 9 of 10 rows of it are messages as JSON: a list, one, or an object of two lists; prompt may be absent',
    example: `{"prompt": "[{\\"role\\": \\"user\\", \\"content\\": \\"Name a prime.\\"}]", "chosen": "Seven.", "rejected": "Nine."}`,
    prompt: ['prompt', ''],
    sides: SIDES,
    fits: (prompt, chosen, rejected) => prompt === 'json' || (chosen === 'json' && rejected === 'json'),
  },
  {
    name: 'text',
    rule: 'prompt, chosen and rejected are text; leading spaces are kept',
    example: '{"prompt": "Name a prime.", "chosen": "Seven.", "rejected": "Nine."}',
    prompt: ['prompt'],
    sides: SIDES,
    fits: (prompt, chosen, rejected) => prompt !== undefined && isSaid(prompt) && isSaid(chosen) && isSaid(rejected),
  },
  {
    name: 'mixed',
    rule: 'prompt is a list of messages, chosen and rejected are text or one message',
    example: `{"prompt": [${ASKED}], "chosen": "Seven.", "rejected": "Nine."}`,
    prompt: ['prompt'],
    sides: SIDES,
    fits: (prompt, chosen, rejected) => isList(prompt) && isOne(chosen) && isOne(rejected),
  },
  {
    name: 'messages',
    rule: 'prompt, chosen and rejected are lists of messages; sides that begin with the prompt are cut there',
    example: `{"prompt": [${ASKED}], "chosen": [${SEVEN}], "rejected": [${NINE}]}`,
    prompt: ['prompt'],
    sides: SIDES,
    fits: (prompt, chosen, rejected) => isList(prompt) && isList(chosen) && isList(rejected),
  },
  {
    name: 'text_messages',
    rule: 'prompt is text, chosen and rejected are messages: whole conversations that hold the prompt, or the answers alone (UltraFeedback, distilabel)',
    example: `{"prompt": "Name a prime.", "chosen": [${ASKED}, ${SEVEN}], "rejected": [${ASKED}, ${NINE}]}`,
    prompt: ['prompt'],
    sides: SIDES,
    fits: (prompt, chosen, rejected) => prompt !== undefined && isSaid(prompt) && !isSaid(chosen) && !isSaid(rejected),
  },
  {
    name: 'turns',
    rule: 'prompt is a list of texts, or text that 9 of 10 rows are a JSON list of texts; chosen and rejected are such lists or text. As many of a side as of the prompt take turns; else those of the prompt alternate',
    example: '{"prompt": ["Name a prime."], "chosen": ["Seven."], "rejected": ["Nine."]}',
    prompt: ['prompt'],
    sides: SIDES,
    fits: (prompt, chosen, rejected) =>
      prompt === 'turns' && chosen === rejected && (chosen === 'turns' || chosen === 'text'),
  },
  {
    name: 'argilla',
    rule: 'instruction (or prompt), chosen_response and rejected_response (Argilla, distilabel, axolotl chatml.argilla)',
    example: '{"instruction": "Name a prime.", "chosen_response": "Seven.", "rejected_response": "Nine."}',
    prompt: ['instruction', 'prompt'],
    sides: [['chosen_response', 'rejected_response']],
    fits: () => true,
  },
  {
    name: 'llama_factory',
    rule: 'instruction or conversations, chosen and rejected; {from, value} is read as {role, content}',
    example: '{"instruction": "Name a prime.", "input": "Below ten.", "chosen": "Seven.", "rejected": "Nine."}',
    prompt: ['instruction', 'conversations'],
    sides: SIDES,
    fits: (prompt, chosen, rejected) => (isOne(chosen) && isOne(rejected)) || prompt === 'text',
  },
  {
    name: 'axolotl',
    rule: 'question, input or messages, chosen and rejected (axolotl chatml.intel, chatml.icr, chat_template.default)',
    example: '{"system": "Be brief.", "question": "Name a prime.", "chosen": "Seven.", "rejected": "Nine."}',
    prompt: ['question', 'input', 'messages'],
    sides: [...SIDES, ['response_chosen', 'response_rejected']],
    fits: (prompt, chosen, rejected) => isOne(chosen) && isOne(rejected) && prompt !== undefined,
  },
  {
    name: 'completions',
    rule:
      `one of ${LISTS.join(', ')}: a list of {response, score} (or content, completion, text; rating, rank, reward), or of text beside a list` +
      ` ${SCORE_LISTS.join(', ')}; with prompt, instruction, question or context. Each row becomes several pairs, ties none; other fields of theirs become source_chosen_… and source_rejected_…`,
    example:
      '{"prompt": "Name a prime.", "completions": [{"response": "Seven.", "score": 5}, {"response": "Nine.", "score": 1}]}',
    prompt: ['prompt', 'instruction', 'question', 'context'],
    sides: [],
    fits: () => true,
  },
  {
    name: 'ranked',
    rule:
      'a row is one scored answer: prompt, instruction, question or context, with response (or completion, content, text, answer, reply …) and rank (or score, rating, reward), no chosen or rejected, and' +
      ' of the first rows some have one prompt. It is read as an answer without a rejected side, and `pair_candidates` stands behind its source by itself: `<source>_pairs`',
    example:
      '{"prompt": "Name a prime.", "response": "Seven.", "rank": 0}\n{"prompt": "Name a prime.", "response": "Nine.", "rank": 1}',
    prompt: ['prompt', 'instruction', 'question', 'context'],
    sides: [],
    fits: () => true,
  },
  {
    name: 'implicit',
    rule: 'no prompt; chosen and rejected are whole conversations, the prompt is what they share: whole messages, never characters',
    example: `{"chosen": [${ASKED}, ${SEVEN}], "rejected": [${ASKED}, ${NINE}]}`,
    prompt: [''],
    sides: SIDES,
    fits: (_, chosen, rejected) => isList(chosen) && isList(rejected),
  },
  {
    name: 'transcripts',
    rule: `no prompt; chosen and rejected are text and 9 of 10 rows begin with "Human:" (Anthropic), or as a template of chats begins them, with ${TEMPLATE_MARKS.join(', ')}: whole conversations, turns without white space around`,
    example:
      '{"chosen": "\\n\\nHuman: Name a prime.\\n\\nAssistant: Seven.", "rejected": "\\n\\nHuman: Name a prime.\\n\\nAssistant: Nine."}',
    prompt: [''],
    sides: SIDES,
    fits: (_, chosen, rejected) => chosen === 'transcript' && rejected === 'transcript',
  },
  {
    name: 'answers',
    rule: 'only where it is named: prompt (or instruction, question), and the column that the option `answer` names as chosen: one good answer and no rejected one, for stages that derive pairs',
    example: '{"prompt": "Name a prime.", "answer": "Seven."}',
    prompt: ['prompt', 'instruction', 'question'],
    sides: [],
    fits: () => true,
  },
] as const satisfies readonly Layout[]

export type LayoutName = (typeof table)[number]['name']

/** The ways in which pairs may lie in a file, in the order in which they are tried. */
export const layouts: readonly (Layout & { readonly name: LayoutName })[] = table
export const layoutNames: readonly LayoutName[] = table.map(layout => layout.name)
