/** What to look at before one trusts what a panel says of labels. */
import { FLOOR, LEAST_ROWS, type Decision } from '../../models/decision.ts'
import type { Panel } from '../../models/panel.ts'
import { mayDrop, type Rule } from '../../models/rule.ts'
import type { Worry } from '../../engine/contract/define.ts'

const n = (count: number) => count.toLocaleString('en-US')
const percent = (part: number) => `${(100 * part).toFixed(part > 0 && part < 0.01 ? 1 : 0)} %`

/** By harm: a gate that is shut, or labels that are doubted, and how many of them are wrong. */
export function panelWorries(panel: Panel, action: 'annotate' | 'drop' | 'weight' | 'flip', rule: Rule): Worry[] {
  const { decision, expected, rows } = panel
  if (!mayDrop(panel)) return [shutWorry(decision)]
  const { rows: doubted, precision } = expected[rule]
  if (doubted === 0) return []
  const [low, high] = [precision.low, precision.high].map(share => Math.round(share * doubted)),
    isShown = precision.low >= 0.5,
    left = leftOf(decision, rows, doubted, precision),
    range = low === high ? n(low) : `${n(low)} to ${n(high)}`
  return [
    {
      level: isShown ? 'note' : 'look',
      name: 'doubted',
      value: n(doubted),
      said: `${range} of these labels are wrong${isShown ? '' : ': perhaps fewer than half'}`,
      why: `Checked were ${n(rows)} labels, by ${reviewersOf(panel)}. Of those not doubted about ${percent(left.value)} are wrong, at most ${percent(left.high)}.`,
      rows: action === 'drop' ? '.reversed' : action === 'flip' ? '.flipped' : '.doubtful',
    },
  ]
}

/** The reviewers that see something. */
function reviewersOf({ reviewers, sees }: Panel): string {
  const names = reviewers.flatMap(({ name }, m) => (sees[m] ? [name] : []))
  return `the reviewer${names.length === 1 ? '' : 's'} ${names.join(', ')}`
}

/** Share of wrong labels among those that are not doubted: what the share in all leaves when the doubted are gone. */
function leftOf({ noise }: Decision, rows: number, doubted: number, precision: { value: number; high: number }) {
  const among = (all: number, found: number) => Math.max(0, all * rows - found * doubted) / Math.max(1, rows - doubted)
  return { value: among(noise.value, precision.value), high: among(noise.high, precision.high) }
}

const OPENS = 'More pairs, votes of several people, or scores of a reward model or a judge would open it.'

/** Which gate is shut, and what opens it. */
function shutWorry({ gate, rows, auroc, min_auroc, agreement }: Decision): Worry {
  const worry = { level: 'look' as const, name: 'labels', value: n(rows) }
  switch (gate) {
    case 'rows':
      return {
        ...worry,
        said: `wrong ones cannot be told: ${LEAST_ROWS} pairs are the least`,
        why: OPENS,
      }
    case 'blind':
      return { ...worry, said: 'wrong ones cannot be told: no reviewer says anything of these pairs', why: OPENS }
    case 'agreement':
      return {
        ...worry,
        said: `wrong ones cannot be told: reviewers agree with ${percent(agreement!.share)} where they are surest`,
        why: `${percent(FLOOR)} are needed, surely. ${OPENS}`,
      }
    default:
      return {
        ...worry,
        said: `wrong ones cannot be told: a turned one is recognised ${percent(auroc.value)} of the time`,
        why: `They do in ${percent(auroc.low)} of cases at least; more than ${percent(min_auroc)} are needed, and 50 % are chance. ${OPENS}`,
      }
  }
}
