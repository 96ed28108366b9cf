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

  it('are turns where shards are conversations in any case, and stay text where they may be text', () => {
    const prompt = '\n\nHuman: Hello.\n\nAssistant: Hi.\n\nHuman: Name a prime.\n\nAssistant:'
    const [pair] = read(table([{ prompt, completions: [{ text: 'Seven.', score: 2 }, { text: 'Nine.', score: 1 }] }])).pairs // prettier-ignore
    expect(pair.prompt).toEqual([user('Hello.'), assistant('Hi.'), user('Name a prime.')])
    const scored = [1, 2].map(score => ({ prompt, response: `A${score}`, score }))
    expect(read(table(scored)).pairs[0].prompt).toHaveLength(3)
    expect(read(table([{ prompt, chosen: 'Seven.', rejected: 'Nine.' }])).pairs[0].prompt).toEqual([user(prompt)])
  })
})
