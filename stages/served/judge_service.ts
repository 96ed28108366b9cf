/** What judge_pairs asks for, and what it asks: two orders of a pair, or its two answers alone. */
import type { Static } from '@sinclair/typebox'
import type { Message, MessagesColumn } from '../../engine/arrow/columns.ts'
import { chatRequest, readChat } from '../../engine/calls/chat.ts'
import { Type, type Service } from '../../engine/contract/define.ts'
import { askedOf, expectedGrade, firstIsBetter, gradeShares, labelShares, orderOf } from './judging.ts'
import { limitOptions, modelOptions } from './options.ts'

const point = (description: string) => Type.Integer({ minimum: 0, maximum: 9, description })
export const judgeOptions = Type.Object({
  ...modelOptions,
  wording: Type.Optional(
    Type.String({
      minLength: 1,
      description:
        'what the judge is told, with `{conversation}`, `{a}` and `{b}`, or with `scale` `{conversation}` and `{answer}`; it must ask for the letter or the number alone. Left out it is the one below',
    }),
  ),
  tie_letter: Type.Optional(
    Type.String({ pattern: '^[C-Z]$', description: 'letter by which the judge says that neither is better' }),
  ),
  scale: Type.Optional(
    Type.Object(
      { from: point('grade of a useless answer'), to: point('grade of one that could not be better') },
      {
        additionalProperties: false,
        description:
          'grade each side alone, by whole numbers of one digit: longer ones are several tokens to many models',
      },
    ),
  ),
  language: Type.String({
    minLength: 1,
    default: 'en',
    description: 'of `wording`; only recorded, so that voices of several languages can be told apart',
  }),
  answer_tokens: Type.Integer({
    minimum: 1,
    default: 4,
    description:
      'tokens that the judge may write; one that has not ended by then did not keep to the letter, and its answer does not count',
  }),
  ...limitOptions,
})

/** A pair in one of its two orders, or one of its answers: what is filled into the wording. */
type Item = Readonly<Record<string, string>>
/** Shares of the labels; with two letters that of the first alone. */
export type Value = number | readonly number[]

const good = 'The capital of France is Paris.',
  bad = 'banana banana banana banana',
  conversation = 'user: What is the capital of France?'
const itemsOf = (conversation: string, chosen: string, rejected: string, isGraded: boolean): Item[] =>
  isGraded
    ? [chosen, rejected].map(answer => ({ conversation, answer }))
    : [
        { conversation, a: chosen, b: rejected },
        { conversation, a: rejected, b: chosen },
      ]

export function service({
  url,
  model,
  revision,
  extra,
  wording,
  tie_letter,
  scale,
  language,
  answer_tokens: tokens,
  ...limits
}: Static<typeof judgeOptions>): Service<Item, Value> {
  const { text, labels, holes } = askedOf({ wording, tie_letter, scale, language })
  const said = (messages: readonly Message[]) => messages.map(({ role, content }) => `${role}: ${content}`).join('\n\n')
  const answer = (side: MessagesColumn, row: number) => {
    const messages = side.messages(row)
    return messages.length === 1 ? messages[0].content : said(messages)
  }
  return {
    limits: { url, ...limits },
    model,
    // of two letters as it was before there were ties and grades: kept answers count
    identity: ['chat_judge', revision, text, tokens, extra, ...(scale || tie_letter ? [labels] : [])],
    items_per_request: 1,
    items(batch) {
      const [prompt, chosen, rejected] = (['prompt', 'chosen', 'rejected'] as const).map(name => batch.messages(name))
      return Array.from({ length: batch.rows }, (_, row) =>
        itemsOf(said(prompt.messages(row)), answer(chosen, row), answer(rejected, row), scale !== undefined),
      ).flat()
    },
    request: ([item]) =>
      chatRequest([{ role: 'user', content: text.replace(holes, (_, hole: string) => item[hole]) }], {
        model,
        tokens,
        labels: 20,
        extra,
      }),
    read(answer) {
      const said = readChat(answer)
      if (scale) return [gradeShares(said, labels)]
      return [tie_letter === undefined ? firstIsBetter(said.first) : labelShares(said.first, labels)]
    },
    probe: {
      items: itemsOf(conversation, good, bad, scale !== undefined),
      check([one, other]) {
        const [of, against] = [one, other].map(value =>
          scale ? expectedGrade(value as number[], scale.from) : orderOf(value)[0],
        )
        if (Math.abs(of - against) >= 1e-6) return
        throw new Error(
          scale
            ? `the judge gives a right answer and nonsense the grade ${of.toPrecision(4)}`
            : `the judge gives A the probability ${of.toPrecision(4)} whichever answer is A: it sees the order and not the answers`,
        )
      },
    },
  }
}
