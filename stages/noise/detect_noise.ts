/** Says of every pair how likely its label is right, and what each rule would drop; drops nothing. */
import { support } from '../../models/calibration.ts'
import { mixtureProbability } from '../../models/mixture.ts'
import { choice, defineStage, round, Type } from '../../engine/contract/define.ts'
import { namesOf } from '../review/inputs.ts'
import { doubtLimit, opinionColumns, opinionWrites } from '../review/opinions.ts'
import {
  panelOptions,
  panelReads,
  panelReplaces,
  panelRounds,
  panelScorer,
  type PanelStageOptions,
} from '../review/panel.ts'
import { panelReport } from '../review/report.ts'
import { details } from './details.ts'
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
  const [limit, panelFit] = panelRounds(options, 'detect_noise')
  return round(limit).next({
    seconds: panelFit.seconds,
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
  version: 9,
  category: 'find wrong labels',
  status: { is: 'proven here', shown: 'docs/benchmarks/labels.md' },
  summary: 'Say of every pair how likely its label is right.',
  details,
  paper: { title: 'Confident Learning: Estimating Uncertainty in Dataset Labels', arxiv: '1911.00068', form: 'after' },
  options: Type.Object({
    ...panelOptions,
    ...voteOptions,
    neighbours: Type.Boolean({ default: false, description: 'also ask the pairs most alike' }),
    action: choice(['annotate'], { default: 'annotate', description: 'this stage drops nothing; peer_review does' }),
  }),
  replaces: [
    ...panelReplaces,
    {
      option: 'action',
      value: 'drop',
      by: 'a stage peer_review after it, with `panel:` and the id of this one, which drops',
    },
  ],
  reads: options => ({ ...panelReads(options), ...voteReads(options) }),
  writes: options => ({
    ...opinionWrites(namesOf(options)),
    against: 'text',
    flagged: 'bool',
    mixture: 'float64',
    neighbours: options.neighbours ? 'float64' : undefined,
    ...voteWrites(options),
  }),
  rows: 'same',
  notes: {
    doubtful: 'for people to judge: reviewers speak against the label; where none may be dropped, the lowest 5 %',
  },
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
    const { lines, numbers, ...more } = panelReport(panel, 'annotate')
    return {
      ...more,
      lines: [...lines, ...voteLines(options, votes)],
      numbers: { ...numbers, mixture: { ...panel.mixture }, votes: voteNumbers(votes) },
    }
  },
  open(options, context) {
    const { panel, votes } = context.state,
      score = panelScorer(panel, options, 'detect_noise', context),
      limit = doubtLimit(panel)
    return {
      batch(batch, verdict) {
        const scores = score(batch),
          { stacked, neighbours } = scores,
          against: (string | null)[] = Array.from(stacked, () => null)
        stacked.forEach((margin, row) => {
          // who was asked once is not asked again
          if (!(margin < limit) || verdict.decided(row)) return
          verdict.note(row, 'doubtful')
          against[row] = scores.against(row)
        })
        return {
          columns: {
            ...opinionColumns(panel, scores, row => verdict.decided(row)),
            against,
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
