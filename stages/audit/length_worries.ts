/** That the chosen side is nearly always the longer one, or the shorter. */
import type { Worry } from '../../engine/contract/define.ts'
import type { Estimate } from '../../models/metrics.ts'

/** So far from one half a share is told of. */
const FAR = 0.1

export function lengthWorries({ pairs, value, low, high }: Estimate & { readonly pairs: number }): Worry[] {
  if (pairs === 0 || Math.abs(value - 0.5) < FAR || (low <= 0.5 && high >= 0.5)) return []
  const percent = (share: number) => (100 * share).toFixed(0),
    isLonger = value > 0.5
  return [
    {
      level: 'look',
      name: 'length',
      value: `${percent(value)} %`,
      said: `The chosen side is the longer one in ${percent(value)} % [${percent(low)} to ${percent(high)}] of the pairs that are kept.`,
      why: `A model that is trained on them learns to write ${isLonger ? 'more' : 'less'}, whatever it writes.`,
    },
  ]
}
