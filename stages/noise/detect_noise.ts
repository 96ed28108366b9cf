/** Says of every pair how likely its label is right; drops only when asked. */
import { foundWrong, mayDrop, type Panel } from '../../models/panel.ts'
import { choice, defineStage, Type } from '../define.ts'
import { panelOptions, panelReads, panelRound, panelScorer } from '../review/panel.ts'
import { panelReport } from '../review/report.ts'

export default defineStage({
  name: 'detect_noise', version: 2,
  summary: 'Say of every pair how likely its label is right.',
  details: `Linear Bradley-Terry heads are cross-fitted on a seeded sample, with folds by prompt, so that no pair is judged by a head that saw its prompt; scores that the data carries judge beside them. Their out-of-fold margins are
weighed by what each can see (a logistic regression, itself cross-fitted and pulled to the plain mean where there is little to go by; a reviewer that is no better than a coin weighs nothing), and the weighed sum becomes \`<id>_probability\`: where the noise rate is identified, the
probability that the label is right; elsewhere the probability that another label of the same source would agree, and the summary says which.
In every run a tenth of the sample's labels is flipped in secret, and the summary says how many of them were found; and when it is to drop, a fresh head is trained with and without those pairs, to see whether dropping helps it.
What heads on words and style cannot see, such as a false fact, they cannot find.`,
  paper: { title: 'Confident Learning: Estimating Uncertainty in Dataset Labels', arxiv: '1911.00068', form: 'after' },
  options: Type.Object({
    ...panelOptions,
    action: choice(['annotate', 'drop'], { default: 'annotate', description: 'drop: drop the pairs whose weighed margin is lowest, as many as help a fresh head, if the self-test allows it' }),
  }),
  reads: panelReads,
  writes: { probability: 'float64' },
  rows: 'subset',
  keeps: ({ action }) => action === 'annotate',
  reasons: { wrong_label: { kind: 'quality', about: 'probability that the label is right' } },
  examples: [{
    title: 'too few pairs to tell: every row is kept, and gets a probability',
    rows: [
      { prompt: 'Name a colour.', chosen: 'Blue is a colour.', rejected: 'Stone.' },
      { prompt: 'Name an animal.', chosen: 'A heron is an animal.', rejected: 'Running.' },
    ],
    kept: [0, 1],
  }],
  fit: [panelRound('detect_noise', () => 'stack')],
  report: (options, [panel]) => panelReport(panel as Panel, options.action === 'drop'),
  open(options, context) {
    const panel = context.states[0] as Panel, score = panelScorer(panel, options, 'detect_noise', context)
    return {
      batch(batch, verdict) {
        const { margins, stacked, probability } = score(batch)
        if (options.action === 'drop' && mayDrop(panel)) {
          const wrong = foundWrong('stack', panel.stack, margins, stacked, panel.thresholds, panel.stack_threshold)
          for (let row = 0; row < batch.rows; row++) if (wrong[row]) verdict.drop(row, 'wrong_label', probability[row])
        }
        return { columns: { probability } }
      },
    }
  },
})
