/** Says of every pair how likely its label is right; drops only when asked. */
import { foundWrong, type Panel } from '../../models/panel.ts'
import { choice, defineStage, Type } from '../define.ts'
import { panelOptions, panelReport, panelRound, panelScorer } from '../review/panel.ts'

export default defineStage({
  name: 'detect_noise', version: 1,
  summary: 'Say of every pair how likely its label is right.',
  details: `Linear Bradley-Terry heads are cross-fitted on a seeded sample, with folds by prompt, so that no pair is judged by a head that saw its prompt. Their calibrated mean margin becomes
\`<id>_probability\`: where the noise rate is identified, the probability that the label is right; elsewhere the probability that another label of the same source would agree, and the summary says which.
In every run a tenth of the sample's labels is flipped in secret, and the summary says how many of them were found. What heads on words and style cannot see, such as a false fact, they cannot find.`,
  paper: { title: 'Confident Learning: Estimating Uncertainty in Dataset Labels', arxiv: '1911.00068', form: 'after' },
  options: Type.Object({
    ...panelOptions,
    action: choice(['annotate', 'drop'], { default: 'annotate', description: 'drop: drop the pairs whose mean margin is among the lowest noise_rate of all, if the self-test allows it' }),
  }),
  reads: { prompt: 'messages', chosen: 'messages', rejected: 'messages' },
  writes: { probability: 'float64' },
  rows: 'subset',
  reasons: { wrong_label: { kind: 'quality', about: 'probability that the label is right' } },
  examples: [{
    title: 'too few pairs to tell: every row is kept, and gets a probability',
    rows: [
      { prompt: 'Name a colour.', chosen: 'Blue is a colour.', rejected: 'Stone.' },
      { prompt: 'Name an animal.', chosen: 'A heron is an animal.', rejected: 'Running.' },
    ],
    kept: [0, 1],
  }],
  fit: [panelRound(() => 'mean')],
  report: (options, [panel]) => panelReport(panel as Panel, options.action === 'drop'),
  open(options, context) {
    const panel = context.states[0] as Panel, score = panelScorer(panel, context)
    return {
      batch(batch, verdict) {
        const { margins, probability } = score(batch)
        if (options.action === 'drop' && panel.able) {
          const wrong = foundWrong('mean', panel.reviewers, margins, panel.thresholds, panel.joint_threshold)
          for (let row = 0; row < batch.rows; row++) if (wrong[row]) verdict.drop(row, 'wrong_label', probability[row])
        }
        return { columns: { probability } }
      },
    }
  },
})
