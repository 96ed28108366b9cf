/** Every form in every shape: 28 cells of made rows, and more forms of the same kinds. */
import { describe, expect, it } from 'vitest'
import type { MapSpec } from '../../engine/map/spec.ts'
import { assistant, user, type Row } from '../sources/helpers.ts'
import { prompts, readMapped, sides } from './helpers.ts'

const [q, good, bad] = ['Name a prime.', 'Seven.', 'Nine.']

/** What a column says; `ask` is missing where the answers are whole conversations. */
interface Form {
  ask?(text: string): unknown
  say(answer: string): unknown
}

const talk = (answer: string) => [user(q), assistant(answer)]
const lists = (messages: readonly { role: string; content: string }[]) => ({
  role: messages.map(({ role }) => role),
  content: messages.map(({ content }) => content),
})

/** The seven forms. */
const forms: Record<string, Form> = {
  text: { ask: text => text, say: text => text },
  messages: { ask: text => [user(text)], say: text => [assistant(text)] },
  'objects of lists': { ask: text => lists([user(text)]), say: text => lists([assistant(text)]) },
  'JSON text': { ask: text => JSON.stringify([user(text)]), say: text => JSON.stringify([assistant(text)]) },
  'lists of texts': { ask: text => [text], say: text => [text] },
  marks: { say: text => `\n\nHuman: ${q}\n\nAssistant: ${text}` },
  'objects with one text': { ask: text => ({ text, tokens: 3 }), say: text => ({ text, tokens: 3 }) },
}

const more: Record<string, Form> = {
  'messages that hold the prompt': { say: talk },
  'messages beside text': { ask: text => text, say: text => [assistant(text)] },
  'messages that hold the prompt beside it': { ask: text => text, say: talk },
  'from and value': { say: text => [{ from: 'human', value: q }, { from: 'gpt', value: text }] }, // prettier-ignore
  'role and text': { ask: text => text, say: text => [{ role: 'assistant', text }] },
  'content parts': { ask: text => text, say: text => [{ role: 'assistant', content: [{ type: 'text', text }] }] },
  'objects of lists that hold the prompt': { say: text => lists(talk(text)) },
  'JSON text that holds the prompt': { say: text => JSON.stringify(talk(text)) },
  'JSON text of an object of lists': { say: text => JSON.stringify(lists(talk(text))) },
  'JSON text of one message': { ask: text => text, say: text => JSON.stringify(assistant(text)) },
  'JSON text of lists of texts': { ask: text => JSON.stringify([text]), say: text => JSON.stringify([text]) },
  'lists of texts beside text': { ask: text => text, say: text => [text] },
  'text beside lists of texts': { ask: text => [text], say: text => text },
  'marks beside the prompt': { ask: text => text, say: text => `\n\nHuman: ${q}\n\nAssistant: ${text}` },
  ChatML: {
    say: text => `<|im_start|>user\n${q}<|im_end|>\n<|im_start|>assistant\n${text}<|im_end|>\n`,
  },
  'Llama 3': {
    say: text =>
      `<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n${q}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n${text}<|eot_id|>`,
  },
  Gemma: {
    say: text => `<bos><start_of_turn>user\n${q}<end_of_turn>\n<start_of_turn>model\n${text}<end_of_turn>\n`,
  },
  Zephyr: { say: text => `<|user|>\n${q}</s>\n<|assistant|>\n${text}</s>` },
  'Open Assistant': { say: text => `<|prompter|>${q}<|endoftext|><|assistant|>${text}<|endoftext|>` },
  'Llama 2': { say: text => `<s>[INST] ${q} [/INST] ${text} </s>` },
  Vicuna: { say: text => `USER: ${q} ASSISTANT: ${text}</s>` },
  Alpaca: {
    say: text => `Below is an instruction that says so.\n\n### Instruction:\n${q}\n\n### Response:\n${text}`,
  },
  '### Human': { say: text => `### Human: ${q}### Assistant: ${text}` },
  '<extra_id_1>': { say: text => `<extra_id_0>System\n\n<extra_id_1>User\n${q}\n<extra_id_1>Assistant\n${text}` },
}

/** The four shapes, of a form each: columns and the map. */
const shapes: Record<string, (form: Form) => [Row[], Omit<MapSpec, 'prompt'>]> = {
  'two sides': ({ say }) => [[{ x: say(good), y: say(bad) }], { chosen: 'x', rejected: 'y' }],
  'two answers and a label': ({ say }) => [
    [{ x: say(bad), y: say(good), w: 'b' }],
    { answers: ['x', 'y'], prefer: { by: 'w', first: 'a', second: 'b' } },
  ],
  'a list with scores': ({ say }) => [
    [{ l: [{ t: say(bad), s: 1 }, { t: say(good), s: 2 }] }],
    { list: 'l[].t', score: 'l[].s' },
  ],
  'one answer a row': ({ say }) => [
    [{ x: say(bad), s: 1 }, { x: say(good), s: 2 }],
    { answer: 'x', score: 's' },
  ],
} // prettier-ignore

const cells = (some: Record<string, Form>) =>
  Object.entries(some).flatMap(([name, form]) => Object.keys(shapes).map(shape => [name, shape, form] as const))

describe('every form in every shape', () => {
  it('there are 28 cells', () => {
    expect(cells(forms)).toHaveLength(28)
  })

  it.each([...cells(forms), ...cells(more)])('%s: %s', async (_, shape, form) => {
    const [rows, map] = shapes[shape](form),
      made = rows.map(row => ({ ...row, ...(form.ask ? { q: form.ask(q) } : {}) }))
    const read = await readMapped(made, { prompt: form.ask ? 'q' : 'shared', ...map })
    expect(read.refused).toEqual({})
    if (map.answer === undefined) expect([sides(read), prompts(read)]).toEqual([[[good, bad]], [q]])
    else {
      expect(read.how.pairs.scored).toEqual({ column: 'score', lowFirst: false })
      expect(read.pairs.map(({ prompt, chosen, score }) => [prompt, chosen, score])).toEqual([
        [[user(q)], [assistant(bad)], 1],
        [[user(q)], [assistant(good)], 2],
      ])
    }
    expect([read.pairs[0].prompt[0].role, read.pairs[0].chosen[0].role]).toEqual(['user', 'assistant'])
  })
})
