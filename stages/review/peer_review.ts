/** Keeps what independent reviewers do not speak against: the dual filter. */
import { curriculumRank, mayDrop } from '../../models/panel.ts'
import { against, foundWrong, speaking } from '../../models/rule.ts'
import { choice, defineStage, round, Type, type WrittenType } from '../../engine/contract/define.ts'
import { namesOf } from './inputs.ts'
import { panelOptions, panelReads, panelRounds, panelScorer } from './panel.ts'
import { panelReport } from './report.ts'

const classes = ['agreed', 'ambiguous', 'reversed']

export default defineStage({
  name: 'peer_review',
  version: 7,
  category: 'find wrong labels',
  status: { is: 'proven here', shown: 'docs/benchmarks/labels.md' },
  summary: 'Drop pairs whose label independent reviewers speak against.',
  details: `A reviewer is a linear Bradley-Terry head on features of its own (words: what is said; style: how; chars: spelling; vectors that the data carries), cross-fitted so that it judges no prompt that it was trained on;
the standings of both answers in other pairs, never in this one; or scores that the data carries. It speaks against a pair whose margin is among its lowest share of all. A pair that none speaks against is \`agreed\`, one that all
who have a say speak against \`reversed\`, the rest \`ambiguous\`.
\`both\` drops the reversed, \`either\` also the ambiguous, \`stack\` what the weighed sum of their margins speaks against. A reviewer that is no better than a coin on held-out labels has no voice.

\`exchange\` is the peer review of the paper, with selection over the whole epoch and by weight instead of by a share of each batch: after a first round on all labels (the warm-up) every head learns afresh, each label counted by how far all *other* reviewers
trust it, from 1 down to -1 for one that they take to be flipped; the stack of this second round judges. It is tried where a quarter of the labels or more seem wrong, as below it nothing is gained, and kept where planted flips are then found
better; elsewhere the rule is \`stack\`. (The paper sorts each batch by margin as well: that throws good pairs away where all of a batch are easy, and is not done.)

That share is chosen by evidence. First, flipped labels say what the reviewers see: where those are not told from the others with an AUROC whose lower 95 % bound is above 0.53, nothing is dropped. Then a fresh head is trained with and without the pairs that would be
dropped (half, all and one and a half times the noise rate), and held-out labels say whether it gains. Where the bound is above \`min_auroc\` a likely gain will do, elsewhere it must be beyond chance. Where the share of contradicted labels stops falling as
margins grow, some labels are wrong, and of shares that help about alike the noise rate itself is dropped; elsewhere what is dropped may be the minority's opinion, so a well-regularised head must not lose by it, and of shares that help about alike the smallest goes. When none
helps, nothing is dropped. The evidence is about random mistakes: a bias that all labels share, the held-out ones too, passes for truth.

\`<id>_curriculum_rank\` is where a pair stands from easy (0) to hard (1), a quantile of the weighed margins: \`write_arrow\` with \`order_by: <id>_curriculum_rank\` writes the easy ones first.
\`action: weight\` keeps every row and adds \`<id>_soft_label\`, the probability of the label, for losses that take one; 1 for all where the reviewers cannot tell. \`action: flip\` flips the labels of what would have been dropped:
chosen and rejected change places, and with them the columns of \`score_columns\` and \`embedding_columns\` and all others that come in two of one type whose names differ in these words alone (\`chosen_score\` and
\`rejected_score\`); \`<id>_flipped\` says where, the summary how many, and notes/ which. What stages said of the pair before (margins, probabilities, votes) stays as it was said of the label as it came.`,
  paper: {
    title: 'Two Minds Better Than One: Collaborative Reward Modeling for LLM Alignment',
    arxiv: '2505.10597',
    form: 'after',
  },
  options: Type.Object({
    ...panelOptions,
    rule: choice(['both', 'either', 'stack', 'exchange'], {
      default: 'exchange',
      description:
        'which reviewers must speak against a pair: both (all that see and have a say) trades recall for precision, either the reverse; stack asks their weighed sum; exchange the same after each has learned from the others, where that helps. With the first two more reviewers change what both and either mean; the last two weigh them',
    }),
    action: choice(['drop', 'annotate', 'weight', 'flip'], {
      default: 'drop',
      description:
        'annotate: write the columns and keep every row; weight: also write a soft label; flip: flip the labels of what would have been dropped',
    }),
  }),
  reads: panelReads,
  writes: options =>
    ({
      probability: 'float64',
      ...Object.fromEntries(namesOf(options).map(name => [`margin_${name}`, 'float64' as const])),
      class: 'text',
      curriculum_rank: 'float64',
      ...(options.action === 'weight' ? { soft_label: 'float64' as const } : {}),
      ...(options.action === 'flip'
        ? { flipped: 'bool' as const, chosen: 'messages' as const, rejected: 'messages' as const }
        : {}),
    }) as Record<string, WrittenType>,
  rows: ({ action }) => (action === 'annotate' || action === 'weight' ? 'same' : 'subset'),
  reasons: {
    reversed: {
      kind: 'quality',
      about: 'probability that the label is right; every reviewer (rule stack: their weighed sum) speaks against it',
    },
    ambiguous: {
      kind: 'quality',
      about: 'probability that the label is right; one reviewer speaks against it (rule either)',
    },
  },
  notes: { flipped: 'chosen and rejected have changed places' },
  examples: [
    {
      title: 'two pairs are too few for anybody to review: nothing is dropped',
      rows: [
        { prompt: 'Name a colour.', chosen: 'Blue is a colour.', rejected: 'Stone.' },
        { prompt: 'Name an animal.', chosen: 'A heron is an animal.', rejected: 'Running.' },
      ],
      kept: [0, 1],
    },
  ],
  fit(options) {
    const [limit, fitted] = panelRounds(options, 'peer_review', options.rule)
    return round(limit).next(fitted)
  },
  report: ({ action }, { state: panel }) => panelReport(panel, action),
  open(options, context) {
    const also = [...options.score_columns, ...(options.embedding_columns ? [options.embedding_columns] : [])].map(
      ({ chosen, rejected }) => [chosen, rejected] as const,
    )
    const panel = context.state,
      score = panelScorer(panel, options, 'peer_review', context)
    return {
      batch(batch, verdict) {
        const { margins, shown, stacked, probability } = score(batch)
        const voices = against(panel.thresholds, margins),
          seeing = speaking(panel.stack, margins)
        const classOf = (row: number) => (voices[row] === 0 ? 0 : voices[row] >= seeing[row] ? 2 : 1)
        const wrong = mayDrop(panel)
          ? foundWrong(options.rule, panel.stack, margins, stacked, panel.thresholds, panel.stack_threshold)
          : new Uint8Array(batch.rows)
        if (options.action === 'flip') {
          wrong.forEach((flip, row) => {
            if (flip) verdict.note(row, 'flipped')
          })
        }
        if (options.action === 'drop') {
          for (let row = 0; row < batch.rows; row++) {
            if (wrong[row]) {
              verdict.drop(
                row,
                options.rule === 'either' && classOf(row) === 1 ? 'ambiguous' : 'reversed',
                probability[row],
              )
            }
          }
        }
        return {
          columns: {
            probability,
            ...Object.fromEntries(panel.reviewers.map(({ name }, m) => [`margin_${name}`, shown[m]])),
            class: Array.from(voices, (_, row) => classes[classOf(row)]),
            curriculum_rank: stacked.map(margin => curriculumRank(panel, margin)),
            ...(options.action === 'weight'
              ? { soft_label: panel.able ? probability : new Float64Array(batch.rows).fill(1) }
              : {}),
            ...(options.action === 'flip' ? { flipped: wrong } : {}),
          },
          ...(options.action === 'flip' ? { swapped: { rows: wrong, also } } : {}),
        }
      },
    }
  },
})
