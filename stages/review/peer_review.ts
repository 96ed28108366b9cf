/** Keeps what independent reviewers do not speak against: the dual filter. */
import { against, foundWrong, mayDrop, type Panel, type Rule } from '../../models/panel.ts'
import { choice, defineStage, Type } from '../define.ts'
import { namesOf } from './inputs.ts'
import { panelOptions, panelReads, panelRound, panelScorer, type PanelStageOptions } from './panel.ts'
import { panelReport } from './report.ts'

const classes = ['agreed', 'ambiguous', 'reversed']

export default defineStage({
  name: 'peer_review', version: 2,
  summary: 'Drop pairs whose label independent reviewers speak against.',
  details: `A reviewer is a linear Bradley-Terry head on features of its own (words: what is said; style: how; chars: spelling; vectors that the data carries), cross-fitted so that it judges no prompt that it was trained on,
or scores that the data carries. It speaks against a pair whose margin is among its lowest share of all. A pair that none speaks against is \`agreed\`, one that all speak against \`reversed\`, the rest \`ambiguous\`.
\`both\` drops the reversed, \`either\` also the ambiguous, \`stack\` what the weighed sum of their margins speaks against. A reviewer that is no better than a coin on held-out labels has no voice and weighs nothing.

That share is chosen by evidence: a fresh head is trained with and without the pairs that would be dropped (half, all and one and a half times the noise rate), and held-out labels say whether it gains. Nothing is dropped when it does
not, or when flips that were planted in secret show that the reviewers cannot tell. Labels are never flipped. The evidence is about random mistakes: a bias that all labels share, those held out too, passes for truth.
This is peer review with fixed reviewers: the exchange of selections during training, which the paper describes, is not part of it.`,
  paper: { title: 'Two Minds Better Than One: Collaborative Reward Modeling for LLM Alignment', arxiv: '2505.10597', form: 'after' },
  options: Type.Object({
    ...panelOptions,
    rule: choice(['both', 'either', 'stack'], { default: 'both', description: 'which reviewers must speak against a pair: both (all that see) trades recall for precision, either the reverse; stack asks their weighed sum' }),
    action: choice(['drop', 'annotate'], { default: 'drop', description: 'annotate: write the columns and keep every row' }),
  }),
  reads: panelReads,
  writes: options => ({ probability: 'float64', ...Object.fromEntries(namesOf(options).map(name => [`margin_${name}`, 'float64' as const])), class: 'text' }),
  rows: 'subset',
  keeps: ({ action }) => action === 'annotate',
  reasons: {
    reversed: { kind: 'quality', about: 'probability that the label is right; every reviewer (rule stack: their weighed sum) speaks against it' },
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
  fit: [panelRound<PanelStageOptions & { rule: Rule }>('peer_review', options => options.rule)],
  report: (options, [panel]) => panelReport(panel as Panel, options.action === 'drop'),
  open(options, context) {
    const panel = context.states[0] as Panel, score = panelScorer(panel, options, 'peer_review', context)
    const seeing = panel.stack.sees.filter(Boolean).length
    return {
      batch(batch, verdict) {
        const { margins, shown, stacked, probability } = score(batch)
        const voices = against(panel.thresholds, margins)
        const classOf = (row: number) => voices[row] === 0 ? 0 : voices[row] === seeing ? 2 : 1
        if (options.action === 'drop' && mayDrop(panel)) {
          const wrong = foundWrong(options.rule, panel.stack, margins, stacked, panel.thresholds, panel.stack_threshold)
          for (let row = 0; row < batch.rows; row++) {
            if (wrong[row]) verdict.drop(row, options.rule === 'either' && classOf(row) === 1 ? 'ambiguous' : 'reversed', probability[row])
          }
        }
        return {
          columns: {
            probability, ...Object.fromEntries(panel.reviewers.map(({ name }, m) => [`margin_${name}`, shown[m]])),
            class: Array.from(voices, (_, row) => classes[classOf(row)]),
          },
        }
      },
    }
  },
})
