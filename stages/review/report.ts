/** What a panel says of its own power, for the summary and the manifest. */
import type { Estimate } from '../../models/metrics.ts'
import type { Panel } from '../../models/panel.ts'
import type { Report } from '../../engine/contract/define.ts'

const percent = (value: number) => (Number.isNaN(value) ? 'unknown' : `${(100 * value).toFixed(0)} %`)
const percents = (found: Estimate) =>
  Number.isNaN(found.value)
    ? 'unknown'
    : `${percent(found.value)} [${(100 * found.low).toFixed(0)}, ${(100 * found.high).toFixed(0)}]`
const interval = ({ value, low, high }: Estimate, digits = 2) =>
  Number.isNaN(value) ? 'unknown' : `${value.toFixed(digits)} [${low.toFixed(digits)}, ${high.toFixed(digits)}]`
const listed = (names: readonly string[]) =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names[names.length - 1]}`

/** `action`: what the stage does about labels that are found wrong. */
export function panelReport(panel: Panel, action: 'annotate' | 'drop' | 'weight' | 'flip'): Report {
  const { self_test: test, noise_rate: noise, stack, evidence, correlation, exchange } = panel
  const acts = action === 'drop' || action === 'flip',
    would = acts ? 'was' : 'would be',
    dropped = action === 'flip' ? 'flipped' : 'dropped'
  // standings of answers that occur but once are not a reviewer that failed, but none
  const isThere = panel.reviewers.map(({ name }) => name !== 'standings' || (panel.standings?.low.length ?? 0) > 0),
    reviewers = panel.reviewers.filter((_, m) => isThere[m])
  const named = (test: (m: number) => boolean) =>
    panel.reviewers.filter((_, m) => isThere[m] && test(m)).map(({ name }) => name)
  const { low } = test.auroc_corrected,
    lower = Number.isNaN(low) ? 'unknown' : low.toFixed(2)
  const lines = [
    `reviewers ${listed(reviewers.map(({ name }) => name))}, trained on ${panel.rows.toLocaleString('en-US')} pairs; ${test.planted === 0 ? 'too few to flip any label in secret' : `of ${test.planted.toLocaleString('en-US')} labels flipped in secret ${percents(test.recall)} were found (precision ${percents(test.precision)})`}; any one label flipped is told from the others with AUROC ${interval(test.auroc)}`,
    noise.how === 'given'
      ? `noise rate ${percent(noise.value)}, as given`
      : noise.how === 'fitted'
        ? `estimated share of wrong labels ${interval(noise)}; wrong labels are told from right ones with AUROC ${interval(test.auroc_corrected)}`
        : `the share of wrong labels cannot be told apart from the reviewers' weakness; confident learning flags ${percent(noise.value)}, and probabilities say how likely another label would agree`,
  ]
  const blind = named(m => !stack.sees[m])
  if (blind.length > 0) {
    lines.push(`${listed(blind)} ${blind.length > 1 ? 'see' : 'sees'} no more here than a coin: no voice`)
  }
  const unneeded = named(m => stack.sees[m] && stack.overall[m] === 0)
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
  if (exchange) {
    lines.push(
      `${exchange.helps ? 'having learned from each other, the reviewers find planted flips better' : 'learning from each other does not help the reviewers to find planted flips, and was left'} (AUROC ${exchange.after.toFixed(3)}, before ${exchange.before.toFixed(3)})`,
    )
  }
  if (action === 'weight') {
    lines.push(
      panel.able
        ? 'every pair is kept, with its probability as a soft label'
        : `the reviewers cannot tell right labels from wrong ones well enough here (lower bound ${lower}), so every soft label is 1`,
    )
  } else if (panel.share_by === 'noise_rate') {
    lines.push(
      panel.able
        ? `each reviewer speaks against its lowest ${percent(noise.value)}; whether dropping helps was not tried`
        : `the reviewers cannot tell right labels from wrong ones well enough here (lower bound ${lower}), so nothing ${would} ${dropped} for noise`,
    )
  } else if (!evidence) {
    lines.push(
      `the reviewers cannot tell right labels from wrong ones here (lower bound ${lower}), so nothing ${would} ${dropped} for noise`,
    )
  } else if (!evidence.helps) {
    lines.push(
      `${panel.able ? 'a' : `the reviewers may not tell right labels from wrong ones well enough here (lower bound ${lower}), and a`} fresh head does not surely learn better without the pairs that they doubt, so nothing ${would} ${dropped} for noise`,
    )
  } else {
    const trial = evidence.trials.find(({ share }) => share === evidence.share)!
    lines.push(
      `a fresh memorising model ${trial.memorising.low > 0 ? 'judges' : 'seems to judge'} held-out labels better without ${percent(trial.dropped_share)} of the pairs (gain ${interval(trial.memorising, 4)} nats a label), so that share ${would} ${dropped}`,
    )
  }
  return {
    lines,
    numbers: {
      rows: panel.rows,
      able: panel.able,
      tells: panel.tells,
      noise_rate: noise,
      self_test: test,
      calibration: { ...panel.joint },
      ...(evidence ? { evidence } : {}),
      ...(exchange ? { exchange } : {}),
      ...(correlation ? { correlation } : {}),
      reviewers: panel.reviewers.map(({ name, fit, calibration }, m) => ({
        name,
        l2: fit.l2,
        tried: fit.tried,
        temperature: calibration.plain_temperature,
        calibration_error: { before: calibration.error_before, after: calibration.error_after },
        voice: stack.sees[m],
        weight: stack.overall[m],
        gain: stack.gains[m],
      })),
    },
  }
}
