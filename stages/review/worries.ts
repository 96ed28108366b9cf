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
    range = low === high ? n(low) : `${n(low)} to ${n(high)}`,
    lead = `${n(doubted)} of ${n(rows)} labels are doubted`
  return [
    {
      level: isShown ? 'note' : 'look',
      name: 'doubted labels',
      value: n(doubted),
      said: isShown
        ? `${lead}; ${range} of them are wrong.`
        : `${lead}; that most of them are wrong is not shown: it may be ${range}.`,
      why: `Reviewers as sure as they are of these agree with ${percent(expected[rule].agreement)} of labels; how many are wrong at least no margin shows.`,
      rows: action === 'drop' ? '.reversed' : action === 'flip' ? '.flipped' : '.doubtful',
    },
  ]
}

const OPENS = 'More pairs, votes of several people, or scores of a reward model or a judge would open it.'

/** Which gate is shut, and what opens it. */
function shutWorry({ gate, rows, auroc, min_auroc, agreement }: Decision): Worry {
  const worry = { level: 'look' as const, name: 'labels not checked', value: n(rows) }
  switch (gate) {
    case 'rows':
      return {
        ...worry,
        said: `Wrong labels cannot be told: ${n(rows)} pairs are too few, ${LEAST_ROWS} are the least.`,
        why: OPENS,
      }
    case 'blind':
      return { ...worry, said: 'Wrong labels cannot be told: no reviewer says anything of these pairs.', why: OPENS }
    case 'agreement':
      return {
        ...worry,
        said: `Wrong labels cannot be told: reviewers agree with only ${percent(agreement!.share)} of labels where they are surest.`,
        why: `${percent(FLOOR)} are needed, surely. ${OPENS}`,
      }
    default:
      return {
        ...worry,
        said: 'Wrong labels cannot be told: reviewers hardly tell a label that is turned round from the others.',
        why: `They do in ${percent(auroc.low)} of cases at least; more than ${percent(min_auroc)} are needed, and 50 % are chance. ${OPENS}`,
      }
  }
}
