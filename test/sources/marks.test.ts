/** Turns that marks within the text of a prompt begin. */
import { describe, expect, it } from 'vitest'
import { makeMessages, messagesColumn, type Message } from '../../engine/arrow/columns.ts'
import { splitMarks } from '../../engine/source/marks.ts'
import writeJsonl from '../../stages/sinks/write_jsonl.ts'
import { jsonLines, pairs, runSink } from '../sinks/helpers.ts'
import { assistant, read, table, user } from './helpers.ts'

const split = (text: string): Message[] => messagesColumn(splitMarks(makeMessages([[user(text)]]))).messages(0)

describe('prompts with marks of turns', () => {
  it.each<[string, Message[]]>([
    [
      '\n\nHuman: Hello.\n\nAssistant: Hi.\n\nHuman: Name a prime.\n\nAssistant:',
      [user('Hello.'), assistant('Hi.'), user('Name a prime.')],
    ],
    ['\n\nHuman: Name a prime.\n\nAssistant: ', [user('Name a prime.')]],
    [
      'Hello.\n<extra_id_1>Assistant\nHi.\n<extra_id_1>User\nName a prime.',
      [user('Hello.'), assistant('Hi.'), user('Name a prime.')],
    ],
    [
      'Hello.\n<extra_id_1>Assistant\nHi.\n<extra_id_1>User\nName a prime.\n<extra_id_1>Assistant\n',
      [user('Hello.'), assistant('Hi.'), user('Name a prime.')],
    ],
    [
      '<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nName a prime.<|im_end|>\n<|im_start|>assistant\n',
      [{ role: 'system', content: 'Be kind.' }, user('Name a prime.')],
    ],
    ['<|im_start|>user\nName a prime.<|im_end|>', [user('Name a prime.')]],
    ['<extra_id_0>System\n\n<extra_id_1>User\nName a prime.\n<extra_id_1>Assistant\n', [user('Name a prime.')]],
    [
      '<s>[INST] <<SYS>>\nBe kind.\n<</SYS>>\n\nHello. [/INST] Hi. </s><s>[INST] Name a prime. [/INST]',
      [{ role: 'system', content: 'Be kind.' }, user('Hello.'), assistant('Hi.'), user('Name a prime.')],
    ],
    [
      'A chat between a user and an assistant. USER: Hello. ASSISTANT: Hi.</s>USER: Name a prime. ASSISTANT:',
      [
        { role: 'system', content: 'A chat between a user and an assistant.' },
        ...[user('Hello.'), assistant('Hi.'), user('Name a prime.')],
      ],
    ],
    ['### Instruction:\nName a prime.\n\n### Response:\n', [user('Name a prime.')]],
    ['<start_of_turn>user\nName a prime.<end_of_turn>\n<start_of_turn>model\n', [user('Name a prime.')]],
  ])('%j are turns', (text, turns) => {
    expect(split(text)).toEqual(turns)
  })

  it.each([
    'Name a prime.',
    'Human: a word for people.',
    'What does "\n\nHuman: x\n\nAssistant: y" mean?',
    'See:\n\nHuman: Hello.\n\nAssistant:',
    '\n\nHuman: Hello.\n\nHuman: Again.\n\nAssistant:',
    'Hello.\n<extra_id_1>User\nAgain.',
    'What does <|im_start|>user\nx mean?',
    '<|im_start|>user\nName a prime.<|im_end|>\n<|im_start|>assistant\nSeven.<|im_end|>',
    // what is quoted is no turn
    '[INST] What does [INST] mean? [/INST]',
    'USER: What is USER: hi ASSISTANT: yo? ASSISTANT:',
    '### Instruction:\nWrite as here:\n### Instruction:\nx\n\n### Response:\n',
    '<|user|>\nHello.\n<|user|>\nAgain.',
  ])('%j is one message, untouched', text => {
    expect(split(text)).toEqual([user(text)])
  })

  it('are turns in what a sink writes as conversations, and the answers begin without white space', async () => {
    const prompt = '\n\nHuman: Hello.\n\nAssistant: Hi.\n\nHuman: Name a prime.\n\nAssistant:',
      plain = { id: 'b', prompt: [user('See\n\nHuman: x')], chosen: [assistant(' A')], rejected: [assistant('B')] }
    const batch = pairs([
      { id: 'a', prompt: [user(prompt)], chosen: [assistant(' Seven. ')], rejected: [assistant(' Nine.')] },
      plain,
    ])
    const talk = [user('Hello.'), assistant('Hi.'), user('Name a prime.')],
      wanted = { id: 'a', prompt: talk, chosen: [assistant('Seven.')], rejected: [assistant('Nine.')] }
    for (const format of ['conversational', 'whole']) {
      expect(jsonLines((await runSink(writeJsonl, { format }, [batch])).folder)).toEqual([wanted, plain])
    }
    const [text] = jsonLines((await runSink(writeJsonl, { format: 'text' }, [batch])).folder)
    expect(text).toEqual({ id: 'a', prompt, chosen: ' Seven. ', rejected: ' Nine.' })
  })

  it('what ends an answer in a template goes with the marks of its prompt, and stays elsewhere', async () => {
    const prompt = '<extra_id_0>System\nBe kind.\n<extra_id_1>User\nName a prime.\n<extra_id_1>Assistant\n',
      [chosen, rejected] = [[assistant('Seven.\n<extra_id_1>')], [assistant('<s>Nine</s>')]]
    const batch = pairs([
      { id: 'a', prompt: [user(prompt)], chosen, rejected },
      { id: 'b', prompt: [user('Name a prime.')], chosen, rejected },
    ])
    const [a, b] = jsonLines((await runSink(writeJsonl, { format: 'conversational' }, [batch])).folder)
    expect(a).toEqual({
      ...{ id: 'a', prompt: [{ role: 'system', content: 'Be kind.' }, user('Name a prime.')] },
      ...{ chosen: [assistant('Seven.')], rejected },
    })
    expect(b).toEqual({ id: 'b', prompt: [user('Name a prime.')], chosen, rejected })
  })

  it('are turns where shards are conversations in any case, and stay text where they may be text', () => {
    const prompt = '\n\nHuman: Hello.\n\nAssistant: Hi.\n\nHuman: Name a prime.\n\nAssistant:'
    const [pair] = read(table([{ prompt, completions: [{ text: 'Seven.', score: 2 }, { text: 'Nine.', score: 1 }] }])).pairs // prettier-ignore
    expect(pair.prompt).toEqual([user('Hello.'), assistant('Hi.'), user('Name a prime.')])
    const scored = [1, 2].map(score => ({ prompt, response: `A${score}`, score }))
    expect(read(table(scored)).pairs[0].prompt).toHaveLength(3)
    expect(read(table([{ prompt, chosen: 'Seven.', rejected: 'Nine.' }])).pairs[0].prompt).toEqual([user(prompt)])
  })
})
