/** Has a served chat model say which side of a pair is better, once in each order, or grade each side alone. */
import { defineStage } from '../../engine/contract/define.ts'
import { details, examples } from './judge_page.ts'
import { judgeOptions, service, type Value } from './judge_service.ts'
import { askedOf, gradesOf, judgementOf, type Judgement } from './judging.ts'
import { notInKey } from './options.ts'

export default defineStage({
  name: 'judge_pairs',
  version: 2,
  category: 'ask models',
  status: { is: 'as published' },
  summary: 'Ask a served chat model which side of every pair is better, once in each order, or for a grade of each.',
  details,
  paper: {
    title: 'TrustJudge: Inconsistencies of LLM-as-a-Judge and How to Alleviate Them',
    arxiv: '2509.21117',
    form: 'after',
  },
  options: judgeOptions,
  check(given) {
    try {
      askedOf(given)
      return []
    } catch (error) {
      return [{ option: given.wording === undefined ? 'scale' : 'wording', why: (error as Error).message }]
    }
  },
  notInKey,
  reads: { prompt: 'messages', chosen: 'messages', rejected: 'messages' },
  writes: ({ scale, tie_letter }) => {
    const inOrders = scale ? undefined : 'float64'
    return {
      probability: inOrders,
      shown_first: inOrders,
      shown_last: inOrders,
      tie: tie_letter === undefined ? undefined : inOrders,
      disagrees: scale ? undefined : ('bool' as const),
      chosen_score: 'float64',
      rejected_score: 'float64',
      verdict: 'text',
      template: 'text',
    } as const
  },
  rows: 'same',
  examples,
  calls: service,
  open(options, { ask }) {
    const { items } = service(options),
      { scale, tie_letter } = options,
      { template } = askedOf(options)
    const what = ['first', 'last'].map(place => `judgement with the chosen side ${place}`)
    if (scale) what.splice(0, 2, 'grade of the chosen side', 'grade of the rejected side')
    return {
      async batch(batch, verdict) {
        const answers = await ask(items(batch))
        const judged = Array.from({ length: batch.rows }, (_, row) => {
          const both = answers.slice(2 * row, 2 * row + 2),
            failed = both.findIndex(answer => 'error' in answer)
          if (failed >= 0) {
            verdict.error(row, `${options.model} has no ${what[failed]}: ${(both[failed] as { error: string }).error}`)
            return null
          }
          const [one, other] = both.map(answer => (answer as { value: Value }).value)
          return scale ? gradesOf(one, other, scale.from) : judgementOf(one, other)
        })
        const column = (name: keyof Judgement) =>
          judged.map(of => ((of as Judgement | null)?.[name] ?? null) as number | null)
        const inOrders = (name: keyof Judgement) => (scale ? undefined : column(name))
        return {
          columns: {
            probability: inOrders('probability'),
            shown_first: inOrders('shown_first'),
            shown_last: inOrders('shown_last'),
            tie: tie_letter === undefined ? undefined : inOrders('tie'),
            disagrees: scale ? undefined : judged.map(of => of && (of as Judgement).disagrees),
            chosen_score: column('chosen_score'),
            rejected_score: column('rejected_score'),
            verdict: judged.map(of => of && of.verdict),
            template: judged.map(() => template),
          },
        }
      },
    }
  },
})
