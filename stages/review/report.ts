/** What a panel says of its own power, for the summary and the manifest. */
import type { Estimate } from '../../models/metrics.ts'
import type { Panel } from '../../models/panel.ts'
import type { StageReport } from '../define.ts'

const percent = (value: number) => `${(100 * value).toFixed(0)} %`
const interval = ({ value, low, high }: Estimate, digits = 2) => `${value.toFixed(digits)} [${low.toFixed(digits)}, ${high.toFixed(digits)}]`
const listed = (names: readonly string[]) => names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names[names.length - 1]}`

/** `acts`: whether the stage would drop rows at all. */
export function panelReport(panel: Panel, acts: boolean): StageReport {
  const { self_test: test, noise_rate: noise, reviewers, stack, evidence, correlation } = panel
  const would = acts ? 'was' : 'would be'
  const lines = [
    `reviewers ${listed(reviewers.map(({ name }) => name))}, trained on ${panel.rows.toLocaleString('en-US')} pairs; of ${test.planted} labels flipped in secret ${percent(test.recall.value)} were found (AUROC ${interval(test.auroc)}, precision ${percent(test.precision.value)})`,
    noise.how === 'given' ? `noise rate ${percent(noise.value)}, as given` : noise.how === 'fitted' ? `estimated share of wrong labels ${interval(noise)}; wrong labels are told from right ones with AUROC ${interval(test.auroc_corrected)}`
      : `the share of wrong labels cannot be told apart from the reviewers' weakness; confident learning flags ${percent(noise.value)}, and probabilities say how likely another label would agree`,
  ]
  const blind = reviewers.filter((_, m) => !stack.sees[m]).map(({ name }) => name)
  if (blind.length > 0) lines.push(`${listed(blind)} ${blind.length > 1 ? 'see' : 'sees'} no more here than a coin: no voice, no weight`)
  const unneeded = reviewers.filter((_, m) => stack.sees[m] && stack.overall[m] === 0).map(({ name }) => name)
  if (unneeded.length > 0) lines.push(`${listed(unneeded)} ${unneeded.length > 1 ? 'add' : 'adds'} nothing to what the others see: no weight in the probability`)
  if (correlation?.near_copy) lines.push(`${correlation.first} and ${correlation.second} rank pairs alike (correlation ${correlation.correlation.toFixed(2)}): their agreement is not evidence`)
  if (!panel.able) lines.push(`the reviewers cannot tell right labels from wrong ones well enough here (lower bound ${test.auroc_corrected.low.toFixed(2)}), so nothing ${would} dropped for noise`)
  else if (panel.share_by === 'noise_rate') lines.push(`each reviewer speaks against its lowest ${percent(noise.value)}; whether dropping helps was not tried`)
  else if (!evidence?.helps) lines.push(`a fresh head does not learn better without the pairs that the reviewers doubt, so nothing ${would} dropped for noise`)
  else {
    const trial = evidence.trials.find(({ share }) => share === evidence.share)!
    lines.push(`a fresh head that learns by heart judges held-out labels better without ${percent(trial.dropped_share)} of the pairs (gain ${interval(trial.memorising, 4)} nats a label), so ${acts ? 'that share was' : 'that share would be'} dropped`)
  }
  return {
    lines,
    numbers: {
      rows: panel.rows, able: panel.able, noise_rate: noise, self_test: test, calibration: { ...panel.joint }, ...(evidence ? { evidence } : {}), ...(correlation ? { correlation } : {}),
      reviewers: reviewers.map(({ name, fit, calibration }, m) => ({ name, l2: fit.l2, tried: fit.tried, temperature: calibration.plain_temperature, voice: stack.sees[m], weight: stack.overall[m], gain: stack.gains[m] })),
    },
  }
}
