/** Has a served chat model say which side of a pair is better, once in each order. */
import type { Static } from '@sinclair/typebox'
import type { Message, MessagesColumn } from '../../engine/arrow/columns.ts'
import { chatRequest, readChat, type ChatAnswer } from '../../engine/calls/chat.ts'
import { defineStage, Type, type Service } from '../../engine/contract/define.ts'
import { limitOptions, modelOptions, notInKey } from './options.ts'

const WORDING = `Two assistants answered the last message of a conversation. Judge which answer helps the user better: it should be right, do what was asked, and be honest and harmless. Neither the order of the answers nor their length is a reason.

[Conversation]
{conversation}

[Answer A]
{a}

[Answer B]
{b}

Which answer is better? Say only A or B.`

const options = Type.Object({
  ...modelOptions,
  wording: Type.String({
    minLength: 1,
    default: WORDING,
    description:
      'what the judge is told, with `{conversation}`, `{a}` and `{b}`; it must ask for the letter A or B alone',
  }),
  answer_tokens: Type.Integer({
    minimum: 1,
    default: 4,
    description:
      'tokens that the judge may write; one that has not ended by then did not keep to the letter, and its answer does not count',
  }),
  ...limitOptions,
})

/** A pair in one of its two orders. */
interface Item {
  readonly conversation: string
  readonly a: string
  readonly b: string
}

/**
 * P(the first answer is better), among the two letters. Probabilities are kept off 0 and 1: a judge that is sure is not
 * a judge that is missing.
 */
export function firstIsBetter(first: ChatAnswer['first']): number {
  const mass = (letter: string) =>
    first
      .filter(({ token }) => token.replace(/[\s\u2581\u0120*"'([]+/g, '').toUpperCase() === letter)
      .reduce((sum, { logprob }) => sum + Math.exp(logprob), 0)
  const a = mass('A'),
    b = mass('B')
  if (first.length === 0) throw new Error('the answer has no log-probabilities: the server must give top_logprobs')
  if (!(a + b >= 0.5)) {
    throw new Error(
      `A and B have ${((a + b) * 100).toFixed(0)} % of the probability of the first token (${first
        .slice(0, 3)
        .map(({ token }) => JSON.stringify(token))
        .join(', ')}, …)`,
    )
  }
  return Math.min(1 - 1e-8, Math.max(1e-8, a / (a + b)))
}

const good = 'The capital of France is Paris.',
  bad = 'banana banana banana banana'
const probe = { conversation: 'user: What is the capital of France?', a: good, b: bad }

function check([good, swapped]: readonly number[]): void {
  if (Math.abs(good - swapped) < 1e-6) {
    throw new Error(
      `the judge gives A the probability ${good.toPrecision(4)} whichever answer is A: it sees the order and not the answers`,
    )
  }
}

function service({
  url,
  model,
  revision,
  extra,
  wording,
  answer_tokens: tokens,
  ...limits
}: Static<typeof options>): Service<Item, number> {
  const holes = ['conversation', 'a', 'b'],
    missing = holes.filter(hole => !wording.includes(`{${hole}}`))
  if (missing.length > 0) throw new Error(`wording has no ${missing.map(hole => `{${hole}}`).join(' and no ')}`)
  const said = (messages: readonly Message[]) => messages.map(({ role, content }) => `${role}: ${content}`).join('\n\n')
  const answer = (side: MessagesColumn, row: number) => {
    const messages = side.messages(row)
    return messages.length === 1 ? messages[0].content : said(messages)
  }
  return {
    limits: { url, ...limits },
    model,
    identity: ['chat_judge', revision, wording, tokens, extra],
    items_per_request: 1,
    items(batch) {
      const prompt = batch.messages('prompt'),
        chosen = batch.messages('chosen'),
        rejected = batch.messages('rejected')
      return Array.from({ length: batch.rows }, (_, row) => {
        const conversation = said(prompt.messages(row)),
          a = answer(chosen, row),
          b = answer(rejected, row)
        return [
          { conversation, a, b },
          { conversation, a: b, b: a },
        ]
      }).flat()
    },
    request: ([item]) =>
      chatRequest(
        [
          {
            role: 'user',
            content: wording.replace(/\{(?:conversation|a|b)\}/g, hole => item[hole.slice(1, -1) as keyof Item]),
          },
        ],
        { model, tokens, labels: 20, extra },
      ),
    read: answer => [firstIsBetter(readChat(answer).first)],
    probe: { items: [probe, { ...probe, a: bad, b: good }], check },
  }
}

export default defineStage({
  name: 'judge_pairs',
  version: 1,
  category: 'ask models',
  status: { is: 'as published' },
  summary: 'Ask a served chat model which side of every pair is better, once in each order.',
  details: `The judge is asked for one letter, and its probability is read from the log-probabilities of the first token: \`<id>_probability\` is that of the chosen side being better, the mean over both orders.
\`<id>_disagrees\` says that the two orders gave different winners: the judge goes by the order there, and the pair is one for people. \`<id>_chosen_score\` and \`<id>_rejected_score\` are the logarithms of the probability and of its rest; they make the judge a reviewer of
\`peer_review\` and \`detect_noise\`: \`score_columns: [{ name: judge, chosen: judge_chosen_score, rejected: judge_rejected_score }]\`.

An answer that was cut off (\`finish_reason\` other than stop), or whose first token is mostly neither letter, is none: it is asked for once more, then the row is set aside as errored. A model that thinks before it answers must be told not to (\`extra\`).
Before the first row the judge sees one pair in both orders, and is refused when the order is all it goes by. Cache, retries, caps and plan are as with [score_pairs](score_pairs.md), and so are [the servers that were asked](../servers.md). Judges favour long answers and those of their own family: look at what they keep.`,
  paper: {
    title: 'TrustJudge: Inconsistencies of LLM-as-a-Judge and How to Alleviate Them',
    arxiv: '2509.21117',
    form: 'after',
  },
  options,
  notInKey,
  reads: { prompt: 'messages', chosen: 'messages', rejected: 'messages' },
  writes: { probability: 'float64', disagrees: 'bool', chosen_score: 'float64', rejected_score: 'float64' },
  rows: 'same',
  examples: [
    {
      title: 'a judge that prefers whatever is A, the chosen side more than the other',
      options: { url: 'http://localhost:8000', model: 'judge' },
      rows: [{ prompt: 'Is 7 a prime?', chosen: 'Yes: only 1 and 7 divide it.', rejected: 'No.' }],
      answers: [
        [0.95, 0.05],
        [0.55, 0.45],
      ].map(([a, b]) => ({
        choices: [
          {
            finish_reason: 'stop',
            message: { content: 'A' },
            logprobs: {
              content: [
                {
                  top_logprobs: [
                    { token: 'A', logprob: Math.log(a) },
                    { token: ' B', logprob: Math.log(b) },
                  ],
                },
              ],
            },
          },
        ],
      })),
      kept: [0],
      columns: {
        probability: [0.7],
        disagrees: [true],
        chosen_score: [Math.log(0.7)],
        rejected_score: [Math.log(1 - 0.7)],
      },
    },
  ],
  calls: service,
  open(options, { ask }) {
    const { items } = service(options)
    return {
      async batch(batch, verdict) {
        const answers = await ask(items(batch))
        const probability = new Float64Array(batch.rows).fill(NaN),
          disagrees = new Uint8Array(batch.rows)
        for (let row = 0; row < batch.rows; row++) {
          const first = answers[2 * row],
            second = answers[2 * row + 1]
          if ('error' in first) {
            verdict.error(row, `${options.model} has no judgement with the chosen side first: ${first.error}`)
          } else if ('error' in second) {
            verdict.error(row, `${options.model} has no judgement with the chosen side last: ${second.error}`)
          } else {
            probability[row] = (first.value + 1 - second.value) / 2
            disagrees[row] = Number(first.value > 0.5 !== second.value < 0.5)
          }
        }
        return {
          columns: {
            probability,
            disagrees,
            chosen_score: probability.map(Math.log),
            rejected_score: probability.map(p => Math.log(1 - p)),
          },
        }
      },
    }
  },
})
