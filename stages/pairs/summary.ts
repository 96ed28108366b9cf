/** What pair_candidates says of the pairs that it made: how many, how far apart, and whether the longer side wins. */
import { round, type Report } from '../../engine/contract/define.ts'
import { share } from '../../models/metrics.ts'

interface Sum {
  pairs: number
  /** Pairs by how many their prompt has: whole numbers, which are the same in whatever order they are added. */
  byPrompt: Record<number, number>
  gaps: number
  /** Of pairs whose sides both have text: a tie counts half. */
  longer: number
  compared: number
}
const none = (): Sum => ({ pairs: 0, byPrompt: {}, gaps: 0, longer: 0, compared: 0 })

export const pairTally = () =>
  round({
    collect({ id }) {
      const sum = none()
      return {
        batch(batch) {
          const gaps = batch.numbers(`${id}_rank_gap`).values,
            ofPrompt = batch.numbers(`${id}_pairs`).values,
            [chosen, rejected] = [batch.messages('chosen'), batch.messages('rejected')]
          for (let row = 0; row < batch.rows; row++) {
            sum.pairs++
            sum.byPrompt[ofPrompt[row]] = (sum.byPrompt[ofPrompt[row]] ?? 0) + 1
            sum.gaps += gaps[row]
            const more = chosen.end(row) - chosen.start(row),
              less = rejected.end(row) - rejected.start(row)
            if (more === 0 || less === 0) continue
            sum.compared++
            sum.longer += more > less ? 1 : more === less ? 0.5 : 0
          }
        },
        part: () => sum,
      }
    },
    merge(parts: Iterable<Sum>) {
      const all = none()
      for (const { byPrompt, ...part } of parts) {
        for (const key of ['pairs', 'gaps', 'longer', 'compared'] as const) all[key] += part[key]
        for (const [most, pairs] of Object.entries(byPrompt)) {
          all.byPrompt[Number(most)] = (all.byPrompt[Number(most)] ?? 0) + pairs
        }
      }
      return all
    },
  })

export function pairReport({ pairs, byPrompt, gaps, longer, compared }: Sum): Report {
  if (pairs === 0) return { lines: ['no prompt has answers that make a pair'], numbers: { pairs: 0, prompts: 0 } }
  const whole = Math.round(Object.entries(byPrompt).reduce((n, [most, some]) => n + some / Number(most), 0)),
    lengths = share(longer, compared),
    count = (n: number) => n.toLocaleString('en-US'),
    percent = (part: number) => (100 * part).toFixed(1)
  const ofLengths =
    compared === 0
      ? ''
      : `; the chosen side is the longer one in ${percent(lengths.value)} % [${percent(lengths.low)}, ${percent(lengths.high)}]`
  return {
    lines: [
      `${count(pairs)} pairs of ${count(whole)} prompts, ${(pairs / whole).toFixed(2)} a prompt, ${(gaps / pairs).toFixed(2)} ranks apart on average${ofLengths}`,
    ],
    numbers: {
      pairs,
      prompts: whole,
      pairs_per_prompt: pairs / whole,
      mean_rank_gap: gaps / pairs,
      ...(compared === 0 ? {} : { chosen_longer: lengths.value }),
    },
  }
}
