/** Keeps what independent reviewers do not speak against: the dual filter. */
import { against, foundWrong, type Panel, type Rule } from '../../models/panel.ts'
import { choice, defineStage, Type } from '../define.ts'
import { panelOptions, panelReport, panelRound, panelScorer, type PanelStageOptions } from './panel.ts'

const classes = ['agreed', 'ambiguous', 'reversed']

export default defineStage({
  name: 'peer_review', version: 1,
  summary: 'Drop pairs whose label independent reviewers speak against.',
  details: `Each reviewer is a linear Bradley-Terry head on features of its own (words: what is said; style: how), cross-fitted so that it judges no prompt that it was trained on. It speaks against a pair whose margin
is among its lowest \`noise_rate\` of all. A pair that none speaks against is \`agreed\`, one that all speak against \`reversed\`, the rest \`ambiguous\`. \`both\` drops the reversed, \`either\` also the ambiguous,
\`mean\` what the mean of their calibrated margins speaks against. Nothing is dropped when flips that were planted in secret cannot be found. Labels are never flipped.
This is peer review with fixed reviewers: the exchange of selections during training, which the paper describes, is not part of it.`,
  paper: { title: 'Two Minds Better Than One: Collaborative Reward Modeling for LLM Alignment', arxiv: '2505.10597', form: 'after' },
  options: Type.Object({
    ...panelOptions,
    rule: choice(['both', 'either', 'mean'], { default: 'both', description: 'which reviewers must speak against a pair: both trades recall for precision, either the reverse' }),
    action: choice(['drop', 'annotate'], { default: 'drop', description: 'annotate: write the columns and keep every row' }),
  }),
  reads: { prompt: 'messages', chosen: 'messages', rejected: 'messages' },
  writes: options => ({ probability: 'float64', ...Object.fromEntries(options.reviewers.map(kind => [`margin_${kind}`, 'float64' as const])), class: 'text' }),
  rows: 'subset',
  reasons: {
    reversed: { kind: 'quality', about: 'probability that the label is right; every reviewer (rule mean: their mean) speaks against it' },
    ambiguous: { kind: 'quality', about: 'probability that the label is right; one reviewer speaks against it (rule either)' },
  },
  examples: [{
    title: 'two pairs are too few for anybody to review: nothing is dropped',
    rows: [
      { prompt: 'Name a colour.', chosen: 'Blue is a colour.', rejected: 'Stone.' },
      { prompt: 'Name an animal.', chosen: 'A heron is an animal.', rejected: 'Running.' },
    ],
    kept: [0, 1],
  }],
  fit: [panelRound<PanelStageOptions & { rule: Rule }>(options => options.rule)],
  report: (options, [panel]) => panelReport(panel as Panel, options.action === 'drop'),
  open(options, context) {
    const panel = context.states[0] as Panel, score = panelScorer(panel, context)
    return {
      batch(batch, verdict) {
        const { margins, probability } = score(batch)
        const voices = against(panel.thresholds, margins)
        const classOf = (row: number) => voices[row] === 0 ? 0 : voices[row] === margins.length ? 2 : 1
        if (options.action === 'drop' && panel.able) {
          const wrong = foundWrong(options.rule, panel.reviewers, margins, panel.thresholds, panel.joint_threshold)
          for (let row = 0; row < batch.rows; row++) {
            if (wrong[row]) verdict.drop(row, options.rule === 'either' && classOf(row) === 1 ? 'ambiguous' : 'reversed', probability[row])
          }
        }
        return {
          columns: {
            probability, ...Object.fromEntries(panel.reviewers.map(({ kind }, m) => [`margin_${kind}`, margins[m]])),
            class: Array.from(voices, (_, row) => classes[classOf(row)]),
          },
        }
      },
    }
  },
})
