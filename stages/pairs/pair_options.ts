/** What pair_candidates asks for: where the scores of answers are, and which answers meet. */
import { choice, Type } from '../../engine/contract/define.ts'
import { pairingOptions } from '../../engine/source/options.ts'

const column = Type.String({ minLength: 1 })

export const pairOptions = Type.Object({
  by: Type.String({
    minLength: 1,
    default: 'prompt',
    description: 'column whose equal values are answers to one prompt',
  }),
  score: Type.Union(
    [Type.String({ minLength: 1 }), Type.Array(Type.String({ minLength: 1 }), { minItems: 1, uniqueItems: true })],
    {
      default: 'score',
      description:
        'column of scores, numbers or text that is a number; of a list the mean counts, without what is null, empty or `N/A`',
    },
  ),
  min_aspects: Type.Integer({ minimum: 1, default: 1, description: 'columns of `score` that must have a value' }),
  order: choice(['high_first', 'low_first'], {
    default: 'high_first',
    description: 'which score is the best: the highest, or of ranks the lowest',
  }),
  contradicted: Type.Optional(
    Type.Object(
      {
        aspects: Type.Array(column, { minItems: 1, uniqueItems: true, description: 'columns of aspects’ scores' }),
        from: Type.Number({ default: 10, description: 'score that may stand for its opposite' }),
        to: Type.Number({ default: 2, description: 'greatest mean of the aspects with which it does' }),
      },
      { additionalProperties: false, description: 'leave out answers whose score and aspects say the opposite' },
    ),
  ),
  equilibrium: Type.Optional(
    Type.Object(
      { given_correct: column, given_incorrect: column, judged_correct: column },
      {
        additionalProperties: false,
        description:
          'columns of the log-probability of the answer where a right one was asked for, and a wrong one, and of the judge’s probability that it is right; in place of `score`',
      },
    ),
  ),
  ...pairingOptions,
})
