/** What a panel says of its own power, in plain words, for the summary and the manifest. */
import { FLOOR, LEAST_ROWS, type Decision } from '../../models/decision.ts'
import type { Estimate } from '../../models/metrics.ts'
import type { Panel } from '../../models/panel.ts'
import { mayDrop, rules, type Rule } from '../../models/rule.ts'
import type { Report } from '../../engine/contract/define.ts'
import { panelPictures } from './charts.ts'
import { panelWorries } from './worries.ts'

const hundredths = (value: number) => (100 * value).toFixed(0)
const percent = (value: number) => `${hundredths(value)} %`
const count = (value: number) => value.toLocaleString('en-US')
const interval = ({ value, low, high }: Estimate) =>
  Number.isNaN(value) ? 'unknown' : `${value.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]`
const listed = (names: readonly string[]) =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names[names.length - 1]}`
/** A share with two digits, and with more where it is below 0.1. */
const shareText = (value: number) => (value >= 0.0995 ? value.toFixed(2) : Number(value.toPrecision(2)).toString())

/** What the stage does about labels that are found wrong. */
type Action = 'annotate' | 'drop' | 'weight' | 'flip'

/** `rule`: the one that is acted on; the default one leads where none is. */
export function panelReport(panel: Panel, action: Action, rule: Rule = 'stack'): Report {
  const { decision, expected, correlation, sees } = panel
  // standings of answers that occur but once are not a reviewer that failed, but none
  const isThere = panel.reviewers.map(({ name }) => name !== 'standings' || (panel.standings?.[0].low.length ?? 0) > 0)
  const named = (test: (m: number) => boolean) =>
    panel.reviewers.filter((_, m) => isThere[m] && test(m)).map(({ name }) => name)
  const lines = [
    `reviewers ${listed(named(() => true))}, ${count(panel.rows)} pairs, ${panel.fits.length} cross-fits; any one label turned round is told from the others with AUROC ${interval(decision.auroc)}`,
    noiseLine(decision),
  ]
  const blind = named(m => !sees[m])
  if (blind.length > 0) {
    lines.push(`${listed(blind)} ${blind.length > 1 ? 'see' : 'sees'} no more here than a coin: no voice`)
  }
  const unneeded = named(m => sees[m] && panel.reviewers[m].weight === 0)
  if (unneeded.length > 0) {
    lines.push(
      `${listed(unneeded)} ${unneeded.length > 1 ? 'add' : 'adds'} nothing to what the others see: no weight in the probability`,
    )
  }
  if (correlation?.near_copy) {
    lines.push(
      `${correlation.first} and ${correlation.second} rank pairs alike (correlation ${correlation.correlation.toFixed(2)}): their agreement is not evidence`,
    )
  }
  if (panel.exchange) lines.push('each reviewer has learned a second time, from what the others trust')
  lines.push(...dropLines(panel, action, rule))
  return {
    lines,
    numbers: {
      rows: panel.rows,
      may_drop: mayDrop(panel),
      gate: decision.gate,
      noise_rate: { ...decision.noise, low: decision.noise.how === 'given' ? decision.noise.value : 0 },
      acted_rate: decision.acted,
      limit: decision.limit,
      auroc: decision.auroc,
      ...(decision.agreement ? { agreement: decision.agreement } : {}),
      expected,
      calibration: { ...panel.joint },
      exchange: panel.exchange,
      ...(correlation ? { correlation } : {}),
      reviewers: panel.reviewers.map(({ name, l2, tried, calibration, weight }, m) => ({
        name,
        l2,
        tried,
        temperature: calibration.plain_temperature,
        calibration_error: { before: calibration.error_before, after: calibration.error_after },
        voice: sees[m],
        weight,
        gain: calibration.plain_gain,
      })),
    },
    ...panelPictures(panel, rule),
    worries: panelWorries(panel, action, rule),
  }
}

/** Of a stage that goes by the panel of another: where it is told of. `idle`: its options that nothing looks at. */
export const otherPanelReport = (panel: string, rule: Rule, idle: readonly string[]): Report => ({
  lines: [
    `goes by the reviewers of ${panel}, rule ${rule}: its report says what to expect`,
    ...(idle.length > 0
      ? [
          `warning: ${listed(idle)} count${idle.length > 1 ? '' : 's'} for nothing beside panel; set ${idle.length > 1 ? 'them' : 'it'} on ${panel}`,
        ]
      : []),
  ],
  numbers: {},
})

function noiseLine({ noise }: Decision): string {
  if (noise.how === 'given') return `share of wrong labels: ${shareText(noise.value)}, as given`
  return `share of wrong labels: at most ${shareText(noise.high)}; ${shareText(noise.value)} if the reviewers are right where they are surest`
}

function dropLines(panel: Panel, action: Action, rule: Rule): string[] {
  const { decision, expected } = panel,
    acts = action === 'drop' || action === 'flip',
    done = `${acts ? 'is' : 'would be'} ${action === 'flip' ? 'flipped' : 'dropped'}`
  if (action === 'weight') {
    return [
      mayDrop(panel)
        ? 'every pair is kept, with its probability as a soft label'
        : `every soft label is 1: ${shut(decision)}`,
    ]
  }
  if (!mayDrop(panel)) return [`nothing ${done}: ${shut(decision)}`]
  if (expected.stack.rows === 0 && expected.either.rows === 0) {
    return [
      panel.lowest
        ? `nothing ${done}: no margin among the lowest ${percent(decision.noise.value)} speaks against its label`
        : `nothing ${done}: no label is more likely wrong than right (reviewers as sure as at the lowest margins would have to contradict ${hundredths(decision.limit)} of 100)`,
    ]
  }
  const others = acts ? [] : rules.filter(other => other !== rule)
  return [expectedLine(panel, rule, acts ? action : undefined), ...others.map(other => shortLine(panel, other))]
}
/** Of a rule that is not the first: what more there is to say stands in a table. */
function shortLine({ expected, rows }: Panel, rule: Rule): string {
  const { rows: found, precision } = expected[rule]
  if (found === 0) return `rule ${rule} would drop no pair`
  return `rule ${rule} would drop ${pairsOf(found, rows)}; ${hundredths(precision.low)} to ${percent(precision.high)} of them are wrong`
}
const pairsOf = (found: number, rows: number) =>
  `${count(found)} pair${found === 1 ? '' : 's'} (${((100 * found) / rows).toFixed(1)} %)`

function expectedLine({ decision: { noise }, expected, rows }: Panel, rule: Rule, action?: 'drop' | 'flip'): string {
  const { rows: found, agreement, precision } = expected[rule],
    what = action === 'flip' ? 'flipped' : 'dropped',
    pairs = found === 0 ? 'no pair' : pairsOf(found, rows),
    lead = action ? `${pairs} ${what}` : `rule ${rule} would drop ${pairs}`
  if (found === 0) return lead
  const parts = [
    `${percent(precision.value)} of ${action ? `the ${what}` : 'them'} are wrong if ${shareText(noise.value)} are`,
    ...(noise.high > noise.value ? [`${percent(precision.high)} if ${shareText(noise.high)} are`] : []),
    `${percent(precision.low)} if ${shareText(noise.value / 2)} are`,
  ]
  return `${lead}: reviewers this sure agree with ${hundredths(agreement)} of 100 labels; ${parts.join(', ')}`
}

/** Which gate is shut, and what would open it. */
function shut({ gate, rows, auroc, min_auroc, agreement }: Decision): string {
  const help = 'more pairs, votes of people, or the scores of a served model or judge would help'
  switch (gate) {
    case 'rows':
      return `${count(rows)} pairs are too few to judge by; at least ${LEAST_ROWS} are needed`
    case 'blind':
      return `no reviewer says anything of these pairs; ${help}`
    case 'agreement':
      return `reviewers who are surest agree with only ${hundredths(agreement!.share)} of 100 labels${agreement!.share >= FLOOR ? `, of ${count(agreement!.rows)} pairs, and surely with ${hundredths(agreement!.low)}` : ''} (3 of 5 are needed); ${help}`
    default:
      return `the reviewers hardly tell a label that is turned round from the others (AUROC ${auroc.low.toFixed(2)} at least; more than min_auroc, ${min_auroc.toFixed(2)}, is needed); ${help}`
  }
}
