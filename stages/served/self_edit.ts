/**
 * Has a served chat model make errors in single steps of trusted answers, and keeps those that are proven to be errors.
 */
import type { Static } from '@sinclair/typebox'
import { makeMessages, type Message } from '../../engine/arrow/columns.ts'
import { chatRequest, readChat } from '../../engine/calls/chat.ts'
import { defineStage, Type, type Service } from '../../engine/contract/define.ts'
import { editSize } from '../synthesis/edits.ts'
import {
  EDITS,
  itemsOf,
  judgeEdit,
  REFUSED,
  taskOf,
  wording,
  type EditRequest,
  type EditRefusal,
} from '../synthesis/model_edits.ts'
import type { Proven } from '../synthesis/prove.ts'
import { promptOfStep } from '../synthesis/solutions.ts'
import { limitOptions, modelOptions, notInKey } from './options.ts'

const options = Type.Object({
  ...modelOptions,
  edits_per_row: Type.Integer({
    minimum: 1,
    maximum: 7,
    default: 3,
    description: 'edits asked for of one step, each of another kind; the first that passes is taken',
  }),
  max_edit_share: Type.Number({
    exclusiveMinimum: 0,
    maximum: 1,
    default: 0.3,
    description: 'edit distance over the length of the longer step, at most: a reply that changes more is refused',
  }),
  with_unproven: Type.Boolean({
    default: false,
    description: 'keep edits that no arithmetic proves to be errors as well; their proof says `unproven`',
  }),
  answer_tokens: Type.Integer({ minimum: 1, default: 512, description: 'tokens that the model may write' }),
  ...limitOptions,
})

function service(given: Static<typeof options>): Service<EditRequest, string> {
  const { url, model, revision, extra, answer_tokens: tokens } = given
  return {
    limits: { ...given, url },
    model,
    identity: ['self_edit', revision, tokens, extra],
    items_per_request: 1,
    items: batch => Array.from({ length: batch.rows }, (_, row) => itemsOf(taskOf(batch, row, given))).flat(),
    request: ([item]) => chatRequest([{ role: 'user', content: wording(item) }], { model, tokens, extra }),
    read: answer => {
      const { text } = readChat(answer),
        fenced = /```[^\n]*\n([\s\S]*?)\n?```/.exec(text)
      const edited = (fenced ? fenced[1] : text).trim()
      if (edited === '') throw new Error('the model wrote nothing')
      return [edited]
    },
    probe: {
      items: [
        {
          question: 'How many are six and two?',
          before: '',
          step: 'They are 6 + 2 = 8.',
          text: 'They are 6 + 2 = 8.',
          kind: 0,
        },
      ],
      check: ([edited]) => {
        if (/^[\s`]*$/.test(edited)) throw new Error('the model writes nothing')
      },
    },
  }
}

export default defineStage({
  name: 'self_edit',
  version: 2,
  category: 'make pairs',
  status: { is: 'as published' },
  summary: 'Derive step pairs whose rejected step is edited by a served chat model and proven to be wrong.',
  details: `One step of each trusted answer is given to the model, with one of RISE's seven edits for which it has what is needed, and the same again with other edits, \`edits_per_row\` in all. Of the replies the first is taken that
changes something, does not say that it is an error, and changes no more than \`max_edit_share\`. The proof is that of [inject_errors](inject_errors.md): of the equations that can be read in one way exactly one, which was exactly true, is false
now. Edits of words have none and are left out unless \`with_unproven\` asks for them. Prompt and sides are those of step pairs: the steps before it follow the question.

Unlike the operators of inject_errors nobody balances what the model writes: put a stage behind it that looks at the surface. Cache, retries, caps and plan are as with [score_pairs](score_pairs.md).`,
  paper: {
    title: 'Subtle Errors in Reasoning: Preference Learning via Error-injected Self-editing',
    arxiv: '2410.06638',
    form: 'after',
  },
  options,
  notInKey,
  reads: { prompt: 'messages', chosen: 'messages' },
  writes: {
    rejected: 'messages',
    type: 'text',
    step: 'int32',
    start: 'int32',
    end: 'int32',
    proof: 'text',
    size: 'float64',
  },
  rows: 'derive',
  notes: REFUSED,
  examples: [
    {
      title: 'an edit that is wrong, and replies that are refused',
      options: { url: 'http://localhost:8000', model: 'chat', edits_per_row: 1 },
      rows: [
        { prompt: 'How many are six socks and two?', chosen: 'They are 6 + 2 = 8 socks.', rejected: 'Six.' },
        { prompt: 'How many are six pens and two?', chosen: 'They are 6 + 2 = 8 pens.', rejected: 'Six.' },
        { prompt: 'How many are six cups and two?', chosen: 'They are 6 + 2 = 8 cups.', rejected: 'Six.' },
        { prompt: 'How many are six keys and two?', chosen: 'They are 6 + 2 = 8 keys.', rejected: 'Six.' },
        { prompt: 'How many are two hats and six?', chosen: 'They are 2 + 6 = 8 hats.', rejected: 'Six.' },
        { prompt: 'Name a prime.', chosen: 'Seven is prime.', rejected: 'Nine is prime.' },
        { prompt: 'How many are six cows and two?', chosen: 'They are 6 + 2 = 8 cows.', rejected: 'Six.' },
      ],
      answers: [
        'They are 6 + 2 = 9 socks.',
        'They are 6 + 2 = 8 pens.',
        'They are 6 + 2 = 9 cups, which is wrong.',
        'The whole of it cannot be told from here: 6 + 2 = 9.',
        'They are 6 + 2 = 8 hats.',
      ]
        .map(text => ({
          choices: [{ finish_reason: 'stop', message: { content: `\`\`\`\n${text}\n\`\`\`` } }] as unknown[],
        }))
        .concat({ choices: [{ finish_reason: 'length', message: { content: 'They' } }] }),
      made: [
        {
          chosen: 'They are 6 + 2 = 8 socks.',
          rejected: 'They are 6 + 2 = 9 socks.',
          step: 0,
          start: 17,
          end: 18,
          proof: '6+2=8 is true; 6+2=9 is false',
          size: 1 / 25,
        },
      ],
      noted: { 1: 'unchanged', 2: 'admits_error', 3: 'changes_more', 4: 'not_proven', 5: 'no_step', 6: 'no_answer' },
    },
  ],
  calls: service,
  open: (given, { ask }) => ({
    async batch(batch, verdict) {
      const tasks = Array.from({ length: batch.rows }, (_, row) => taskOf(batch, row, given))
      const answers = await ask(tasks.flatMap(itemsOf))
      const parents: number[] = [],
        made: (Proven & { type: string; step: number; size: number })[] = [],
        prompts: Message[][] = [],
        chosen: Message[][] = [],
        rejected: Message[][] = []
      let at = 0
      tasks.forEach((task, row) => {
        if (!task) return verdict.note(row, 'no_step')
        const replies = answers.slice(at, (at += task.kinds.length))
        let why: EditRefusal = 'no_answer'
        for (const [i, reply] of replies.entries()) {
          const found = 'error' in reply ? 'no_answer' : judgeEdit(task, reply.value, given)
          if (typeof found === 'string') {
            why = found
            continue
          }
          const said = batch.messages('chosen').messages(row),
            { role } = said[said.length - 1]
          parents.push(row)
          made.push({
            ...found,
            type: EDITS[task.kinds[i]].name,
            step: task.step,
            size: editSize(task.solution.text, found.text),
          })
          prompts.push(promptOfStep([...batch.messages('prompt').messages(row), ...said.slice(0, -1)], task.before))
          chosen.push([{ role, content: task.solution.text }])
          rejected.push([{ role, content: found.text }])
          return
        }
        verdict.note(row, why)
      })
      return {
        parents,
        columns: {
          prompt: makeMessages(prompts),
          chosen: makeMessages(chosen),
          rejected: makeMessages(rejected),
          type: made.map(({ type }) => type),
          step: Int32Array.from(made, ({ step }) => step),
          start: Int32Array.from(made, ({ start }) => start),
          end: Int32Array.from(made, ({ end }) => end),
          proof: made.map(({ proof }) => proof),
          size: Float64Array.from(made, ({ size }) => size),
        },
      }
    },
  }),
})
