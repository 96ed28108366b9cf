/** Says of every pair how likely its label is right; drops only when asked. */
import { support } from '../../models/calibration.ts'
import { mixtureProbability } from '../../models/mixture.ts'
import { mayDrop } from '../../models/panel.ts'
import { foundWrong } from '../../models/rule.ts'
import { choice, defineStage, round, Type } from '../../engine/contract/define.ts'
import { panelOptions, panelReads, panelRounds, panelScorer, type PanelStageOptions } from '../review/panel.ts'
import { panelReport } from '../review/report.ts'
import {
  collectVotes,
  voteColumns,
  voteLines,
  voteMerger,
  voteNumbers,
  voteOptions,
  voteReads,
  voteWrites,
  type VoteOptions,
} from './votes.ts'

/** Both are fitted in one round over the rows. */
const fit = (options: PanelStageOptions & VoteOptions) => {
  const [limit, panelFit] = panelRounds(options, 'detect_noise', 'stack')
  return round(limit).next({
    collect(context) {
      const panel = panelFit.collect(context),
        votes = collectVotes(options)
      return {
        async batch(batch) {
          await panel.batch(batch)
          votes.batch(batch)
        },
        part: () => ({ panel: panel.part(), votes: votes.partial() }),
      }
    },
    async merge(parts, context) {
      const votes = voteMerger(options)
      const panels = function* () {
        for (const part of parts) {
          votes.add(part.votes)
          yield part.panel
        }
      }
      return { panel: await panelFit.merge(panels(), context), votes: votes.fitted() }
    },
  })
}

export default defineStage({
  name: 'detect_noise',
  version: 7,
  category: 'find wrong labels',
  status: { is: 'proven here', shown: 'docs/benchmarks/labels.md' },
  summary: 'Say of every pair how likely its label is right.',
  details: `Linear Bradley-Terry heads are cross-fitted on a seeded sample, with folds by prompt, so that no pair is judged by a head that saw its prompt; \`standings\` look how its two answers fared against others in all pairs but
this one; scores that the data carries judge beside them. Their margins are
weighed by what each can see (a logistic regression, itself cross-fitted and pulled to the plain mean where there is little to go by), and the weighed sum becomes \`<id>_probability\`: where the noise rate is identified, the
probability that the label is right; elsewhere the probability that another label of the same source would agree, and the summary says which.
In every run a tenth of the sample's labels is flipped in secret, and the summary says how many of them were found; and when it is to drop, a fresh head is trained with and without those pairs, to see whether dropping helps it.
What heads on words and style cannot see, such as a false fact, they cannot find.

Each signal has a column of its own:

| column | signal |
| --- | --- |
| \`probability\` | the weighed sum of all reviewers, calibrated |
| \`flagged\` | confident learning, in its closed form for pairs: the chance of the opposite label reaches the mean chance of the labels as given. No noise rate is needed |
| \`mixture\` | the weighed sum as two normal bells that mirror each other (after PerpCorrect): the chance that the bell of right labels made it. Its noise rate is in the manifest |
| \`neighbours\` | with \`neighbours: true\`: the pairs most alike, in other prompts (after the re-annotators of arXiv 2205.05368). Off unless asked for: in docs/benchmarks/labels.md it finds less than any reviewer |
| \`votes\` | with \`vote_columns\` or \`vote_lists\`: people's votes, each weighed by how often that person is right (after Dawid and Skene 1979) |
| \`ratings\` | with \`rating_columns\`: 1 where the chosen side is rated higher, 0 where they tie, -1 where it is rated lower. Ratings and rankings of the same people disagree often (arXiv 2308.15812): the summary counts them |`,
  paper: { title: 'Confident Learning: Estimating Uncertainty in Dataset Labels', arxiv: '1911.00068', form: 'after' },
  options: Type.Object({
    ...panelOptions,
    ...voteOptions,
    neighbours: Type.Boolean({ default: false, description: 'also ask the pairs most alike' }),
    action: choice(['annotate', 'drop'], {
      default: 'annotate',
      description: 'drop: drop the pairs whose weighed margin is lowest, as many as help a fresh head',
    }),
  }),
  reads: options => ({ ...panelReads(options), ...voteReads(options) }),
  writes: options => ({
    probability: 'float64',
    flagged: 'bool',
    mixture: 'float64',
    neighbours: options.neighbours ? 'float64' : undefined,
    ...voteWrites(options),
  }),
  rows: ({ action }) => (action === 'annotate' ? 'same' : 'subset'),
  reasons: { wrong_label: { kind: 'quality', about: 'probability that the label is right' } },
  examples: [
    {
      title: 'too few pairs to tell: every row is kept, and gets a probability',
      rows: [
        { prompt: 'Name a colour.', chosen: 'Blue is a colour.', rejected: 'Stone.' },
        { prompt: 'Name an animal.', chosen: 'A heron is an animal.', rejected: 'Running.' },
      ],
      kept: [0, 1],
    },
    {
      title: 'ratings beside the label: they agree, tie, or reverse it',
      options: { rating_columns: { chosen: 'chosen_rating', rejected: 'rejected_rating' } },
      rows: [
        { prompt: 'Name a colour.', chosen: 'Blue.', rejected: 'Stone.', chosen_rating: 5, rejected_rating: 1 },
        { prompt: 'Name an animal.', chosen: 'A heron.', rejected: 'A frog.', chosen_rating: 4, rejected_rating: 4 },
        { prompt: 'Name a river.', chosen: 'The moon.', rejected: 'The Danube.', chosen_rating: 1, rejected_rating: 5 },
      ],
      kept: [0, 1, 2],
      columns: { ratings: [1, 0, -1] },
    },
    {
      title:
        'votes of named people on answers a and b: \`preferred\` says which of them is the chosen one. Nobody voted on the last pair',
      options: { vote_lists: { votes: 'votes', chosen: 'preferred' } },
      rows: [
        {
          prompt: 'Name a colour.',
          chosen: 'Blue.',
          rejected: 'Stone.',
          preferred: 'a',
          votes: [
            { worker: 'Ann', vote: 'a' },
            { worker: 'Bo', vote: 'a' },
            { worker: 'Cy', vote: 'a' },
          ],
        },
        {
          prompt: 'Name a river.',
          chosen: 'The moon.',
          rejected: 'The Danube.',
          preferred: 'b',
          votes: [
            { worker: 'Ann', vote: 'a' },
            { worker: 'Bo', vote: 'a' },
            { worker: 'Cy', vote: 'b' },
          ],
        },
        {
          prompt: 'Name an animal.',
          chosen: 'A heron.',
          rejected: 'A frog.',
          preferred: 'a',
          votes: [{ worker: 'Ann', vote: 'tie' }],
        },
      ],
      kept: [0, 1, 2],
    },
  ],
  fit,
  report(options, { state: { panel, votes } }) {
    const { lines, numbers } = panelReport(panel, options.action)
    return {
      lines: [...lines, ...voteLines(options, votes)],
      numbers: { ...numbers, mixture: { ...panel.mixture }, votes: voteNumbers(votes) },
    }
  },
  open(options, context) {
    const { panel, votes } = context.state,
      score = panelScorer(panel, options, 'detect_noise', context)
    return {
      batch(batch, verdict) {
        const { margins, stacked, probability, neighbours } = score(batch)
        if (options.action === 'drop' && mayDrop(panel)) {
          const wrong = foundWrong('stack', panel.stack, margins, stacked, panel.thresholds, panel.stack_threshold)
          for (let row = 0; row < batch.rows; row++) if (wrong[row]) verdict.drop(row, 'wrong_label', probability[row])
        }
        return {
          columns: {
            probability,
            flagged: Uint8Array.from(stacked, margin => (1 - support(panel.joint, margin) >= panel.confident ? 1 : 0)),
            mixture: stacked.map(margin => mixtureProbability(panel.mixture, margin)),
            neighbours,
            ...voteColumns(batch, options, votes),
          },
        }
      },
    }
  },
})
