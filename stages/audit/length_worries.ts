/** That the chosen side is nearly always the longer one, or the shorter. */
import type { Worry } from '../../engine/contract/define.ts'
import type { Estimate } from '../../models/metrics.ts'

/** So far from one half a share is told of. */
const FAR = 0.1

type Wins = Estimate & { readonly pairs: number }
const n = (count: number) => count.toLocaleString('en-US')
const percent = (share: number) => `${(100 * share).toFixed(0)} %`

/** `before` and `dropped` have no pairs where the graph does not give them. */
export const lengthWorries = (kept: Wins, before: Wins, dropped: Wins): Worry[] => [
  ...keptOf(kept, before),
  ...droppedOf(dropped, before),
]

function keptOf({ pairs, value, low, high }: Wins, before: Wins): Worry[] {
  if (pairs === 0 || Math.abs(value - 0.5) < FAR || (low <= 0.5 && high >= 0.5)) return []
  const was = before.pairs > 0 ? `, ${percent(before.value)} before` : ''
  return [
    {
      level: 'look',
      name: 'length',
      value: percent(value),
      said: `of the pairs kept choose the longer answer (95 %: ${percent(low)} to ${percent(high)})${was}`,
      why: `A model that is trained on them learns to write ${value > 0.5 ? 'more' : 'less'}, whatever it writes.`,
    },
  ]
}

/** What is left out has the other length: who left it out may go by length, and not by what is said. */
function droppedOf({ pairs, value, low, high }: Wins, before: Wins): Worry[] {
  const isApart = high < before.low - FAR || low > before.high + FAR
  if (pairs === 0 || before.pairs === 0 || !isApart) return []
  return [
    {
      level: 'look',
      name: 'by length',
      value: percent(value),
      said: `of ${n(pairs)} left out choose the longer answer, ${percent(before.value)} of all: length may decide`,
      why: `Answers that are ${value < before.value ? 'short' : 'long'} for a reason may be left out: read some of them.`,
    },
  ]
}
