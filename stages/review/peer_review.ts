/** Drops what independent reviewers speak against: the dual filter. */
import { rules } from '../../models/rule.ts'
import { choice, defineStage, round, Type, type WrittenType } from '../../engine/contract/define.ts'
import { columnsRead, namesOf } from './inputs.ts'
import { opinionReads, opinionsOf, readOpinions } from './opinions.ts'
import { changedOptions, panelOptions, panelReads, panelReplaces, panelRounds, panelScorer } from './panel.ts'
import { otherPanelReport, panelReport } from './report.ts'

export default defineStage({
  name: 'peer_review',
  version: 9,
  category: 'find wrong labels',
  status: { is: 'proven here', shown: 'docs/benchmarks/labels.md' },
  summary: 'Drop pairs whose label independent reviewers speak against.',
  details: `A reviewer is a linear Bradley-Terry head on features of its own (words: what is said; style: how; chars: spelling; vectors that the data carries), cross-fitted so that it judges no prompt that it was trained on;
the standings of both answers in other pairs, never in this one; or scores that the data carries. It speaks against a pair whose margin is below 0. A pair that none speaks against is \`agreed\`, one that all
who have a say speak against \`reversed\`, the rest \`ambiguous\`. A reviewer that is no better than a coin on labels that it did not see has no voice.

With \`panel: noise\` it goes by the columns of the stage \`noise\`, a \`detect_noise\` before it, and fits nothing: one panel for both, whose summary says how sure it is. The options of the reviewers belong to that stage then, and are not looked at here.

\`rule: stack\` drops the pairs whose label is more likely wrong than right by the weighed sum of all margins, if reviewers who are this sure contradict 3 of 5 labels at least (\`detect_noise\` says how the probability comes about).
\`both\` drops those of them that every reviewer with a voice speaks against, \`either\` also pairs for which one reviewer's own margins alone say so much: its probability is the least of them all. The summary says of each how many it drops, and what share of them is wrong, as a range:
how many labels are wrong at least is not to be seen in margins. Nothing is dropped where a label that is turned round is hardly told from the others (\`min_auroc\`), where reviewers who are surest agree with fewer than 3 of 5 labels, and among less than 50 pairs.
All of it is about random mistakes: a bias that all labels share passes for truth.

\`exchange: true\` is the peer review of the paper, over the whole epoch and by weight instead of by a share of each batch: after a first round on all labels (the warm-up) every head learns afresh, each label counted by how far all *other* reviewers
trust it, from 1 down to -1 for one that they take to be flipped. (The paper sorts each batch by margin as well: that throws good pairs away where all of a batch are easy, and is not done.)

\`<id>_curriculum_rank\` is where a pair stands from easy (0) to hard (1), a quantile of the weighed margins: \`write_arrow\` with \`order_by: <id>_curriculum_rank\` writes the easy ones first.
\`action: weight\` keeps every row and adds \`<id>_soft_label\`, the probability of the label, for losses that take one; 1 for all where nothing may be dropped. \`action: flip\` flips the labels of what would have been dropped:
chosen and rejected change places, and with them the columns of \`score_columns\` and \`embedding_columns\` and all others that come in two of one type whose names differ in these words alone (\`chosen_score\` and
\`rejected_score\`); \`<id>_flipped\` says where, the summary how many, and notes/ which. What stages said of the pair before (margins, probabilities, votes) stays as it was said of the label as it came.`,
  paper: {
    title: 'Two Minds Better Than One: Collaborative Reward Modeling for LLM Alignment',
    arxiv: '2505.10597',
    form: 'after',
  },
  options: Type.Object({
    ...panelOptions,
    panel: Type.Optional(
      Type.String({
        pattern: '^[a-z][a-z0-9_]*$',
        description:
          'id of a stage detect_noise before this one: its columns judge, and nothing is fitted here. Left out, this stage has reviewers of its own',
      }),
    ),
    rule: choice(rules, {
      default: 'stack',
      description:
        'which reviewers must speak against a pair: stack asks the weighed sum of their margins; both (also each that has a voice and a say) trades recall for precision, either (or one alone, by its own margins) the reverse',
    }),
    action: choice(['drop', 'annotate', 'weight', 'flip'], {
      default: 'drop',
      description:
        'annotate: write the columns and keep every row; weight: also write a soft label; flip: flip the labels of what would have been dropped',
    }),
  }),
  replaces: [
    ...panelReplaces,
    { option: 'rule', value: 'exchange', by: '`rule: stack`, which is the default, with `exchange: true`' },
  ],
  reads: options =>
    options.panel === undefined
      ? panelReads(options)
      : {
          prompt: 'messages' as const,
          chosen: 'messages' as const,
          rejected: 'messages' as const,
          ...columnsRead(options),
          ...opinionReads(options.panel, options.rule),
        },
  writes: options =>
    ({
      probability: 'float64',
      agreement: 'float64',
      ...Object.fromEntries(
        (options.panel === undefined ? namesOf(options) : []).map(name => [`margin_${name}`, 'float64' as const]),
      ),
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
      family: 'labels',
      option: 'action',
      about: 'how likely the reviewers say the label is right: they speak against it',
    },
    ambiguous: {
      kind: 'quality',
      family: 'labels',
      option: 'action',
      about: 'how likely the reviewers say the label is right: one speaks against it, another for it (rule either)',
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
    if (options.panel !== undefined) return undefined
    const [limit, fitted] = panelRounds(options, 'peer_review')
    return round(limit).next(fitted)
  },
  report: (options, { state }) =>
    state
      ? panelReport(state, options.action, options.rule)
      : otherPanelReport(options.panel!, options.rule, changedOptions(options)),
  open(options, context) {
    const also = [...options.score_columns, ...(options.embedding_columns ? [options.embedding_columns] : [])].map(
      ({ chosen, rejected }) => [chosen, rejected] as const,
    )
    const { state } = context,
      { rule, action, panel = '' } = options,
      score = state && panelScorer(state, options, 'peer_review', context)
    const judged = (batch: Parameters<NonNullable<typeof score>>[0]) => {
      if (!score) return { ...readOpinions(batch, panel, rule), margins: {} }
      const { either, columns, ...found } = opinionsOf(state, score(batch))
      return { ...found, columns: rule === 'either' ? { ...columns, ...either } : columns, wrong: found.wrong[rule] }
    }
    return {
      batch(batch, verdict) {
        const { wrong: found, codes, columns, margins, soft_label } = judged(batch),
          // a label that a person decided on is not turned round
          wrong = action === 'flip' ? found.map((is, row) => (is && !verdict.decided(row) ? 1 : 0)) : found
        for (let row = 0; row < batch.rows; row++) {
          if (!wrong[row]) continue
          if (action === 'flip') verdict.note(row, 'flipped')
          if (action !== 'drop') continue
          verdict.drop(row, rule === 'either' && codes[row] === 1 ? 'ambiguous' : 'reversed', columns.probability[row])
        }
        return {
          columns: {
            ...columns,
            ...margins,
            ...(action === 'weight'
              ? { soft_label: soft_label.map((one, row) => (verdict.decided(row) ? 1 : one)) }
              : {}),
            ...(action === 'flip' ? { flipped: wrong } : {}),
          },
          ...(action === 'flip' ? { swapped: { rows: wrong, also } } : {}),
        }
      },
    }
  },
})
