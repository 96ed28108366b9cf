/** Whether pairs of different groups are kept alike, and as often rightly: definitions of fairness over a run. */
import { defineAudit, optional, round, Type } from '../../engine/contract/define.ts'
import { groupReport, type GroupTally } from './group_report.ts'
import { spreadOf, spreadSampler, type SpreadPart } from './group_spread.ts'
import { addWords, noWords, readLists, wordCounter } from './group_words.ts'
import { addGroups, countGroups, cutGroups, noGroups } from './groups.ts'

interface Part extends Omit<GroupTally, 'spread'> {
  readonly sample?: SpreadPart
}
const one = (kept: string, right?: number) => ({
  prompt: 'Who?',
  chosen: 'She is.',
  rejected: 'He is.',
  source: kept,
  right,
})
const many = (count: number, ...row: Parameters<typeof one>) => Array.from({ length: count }, () => one(...row))

export default defineAudit({
  name: 'audit_groups',
  version: 1,
  status: { is: 'proven here', shown: 'docs/benchmarks/audits.md' },
  summary: 'Say whether pairs of different groups are kept alike: parity, opportunity, calibration within groups.',
  details: `Groups are the values of a text column: a source, a language, an annotator, a topic of safety. Of each the share is said that is kept, with its 95 % interval (Wilson), and how far the two extremes are apart: their difference (Newcombe) and the smaller over the larger one (Koopman). That is statistical parity. With \`truth_column\`, a second label that is above 0 where the pair's label is right, there are equal opportunity (kept, of those rightly labelled), predictive equality (kept, of those wrongly labelled) and predictive parity (right, of those kept); both of the first two alike are equalized odds. With \`probability_column\` besides there is calibration within groups: how far labels lie from the probabilities in the mean, and the expected calibration error over ten bins.

Of five groups some always differ. A difference counts where it is larger than 95 % of those that \`shuffles\` of the groups make, and where it is among those rightly or wrongly labelled, or of those kept, a line warns of it. Groups of fewer than \`group_rows\` pairs are shown and not compared. A share of nothing is null, and not 0, as fairlearn has it. Which group is at a disadvantage by right no count can tell: where more labels of a source are wrong, more should be dropped, and parity is what is wrong; \`right\` says how many are, and parity alone is never warned of.

With \`words\`, a JSON file of words of groups of people, it is said in how many of the pairs in which one side alone has such a word that is the chosen one. With occupations in it, how often words of each group stand in one side with an occupation, of chosen and rejected sides, beside the shares that you give of who works in it, and how the two orders of occupations agree (Spearman). Longer sides have more words of every group: hold groups against each other, not against one half. Words are runs of letters: in Chinese and Japanese none is found.
With \`spread\` heads are trained on the style of the pairs of each group, and judge the pairs of all: the mean over pairs of the standard deviation over heads, beside that of shuffled groups, which is the noise of training, and most of it. It is after LInCo.`,
  paper: { title: 'Fairness Definitions Explained', form: 'as in' },
  options: Type.Object({
    by: Type.String({ minLength: 1, description: 'text column: the group of a pair' }),
    truth_column: Type.Optional(
      Type.String({ minLength: 1, description: 'bool or number column: above 0 where the label is right' }),
    ),
    probability_column: Type.Optional(
      Type.String({ minLength: 1, description: 'number column: probability that the label is right, from 0 to 1' }),
    ),
    group_rows: Type.Integer({ minimum: 1, default: 20, description: 'pairs of a group from which on it is compared' }),
    shuffles: Type.Integer({
      minimum: 20,
      default: 200,
      description: 'shuffles that say what chance makes of equal groups',
    }),
    words: Type.Optional(
      Type.String({ minLength: 1, description: 'path of a JSON file: words of groups of people, and occupations' }),
    ),
    spread: Type.Boolean({ default: false, description: 'train a head on each group, and say how far they disagree' }),
  }),
  files: ({ words }) => (words === undefined ? [] : [words]),
  inputs: ({ by, truth_column, probability_column, words, spread }) => {
    const columns = {
      [by]: 'text' as const,
      ...(truth_column === undefined ? {} : { [truth_column]: 'number' as const }),
      ...(probability_column === undefined ? {} : { [probability_column]: 'number' as const }),
      ...(spread ? { prompt: 'messages' as const } : {}),
      ...(spread || words !== undefined ? { chosen: 'messages' as const, rejected: 'messages' as const } : {}),
    }
    return { kept: columns, dropped: optional(columns) }
  },
  examples: [
    {
      title: 'as many are kept of each that is right, and more of those of one source are right',
      options: { by: 'source', truth_column: 'right' },
      inputs: {
        kept: [...many(40, 'chat', 1), ...many(10, 'chat', 0), ...many(20, 'maths', 1), ...many(10, 'maths', 0)],
        dropped: [...many(10, 'chat', 1), ...many(10, 'chat', 0), ...many(5, 'maths', 1), ...many(10, 'maths', 0)],
      },
      numbers: { kept: 0.0476, kept_of_right: 0, equalized_odds: 0 },
    },
  ],
  tally: ({ by, truth_column, probability_column, words, spread, group_rows }, input) =>
    round({
      collect(context) {
        const groups = noGroups(),
          lists = words === undefined ? undefined : readLists(words, context.file(words)),
          counts = lists && noWords(lists),
          count = lists && wordCounter(lists),
          sample = spread && input === 'kept' ? spreadSampler(by, context) : undefined
        return {
          batch(batch) {
            countGroups(groups, batch, { by, truth_column, probability_column })
            if (counts) count!(counts, batch)
            sample?.batch(batch)
          },
          part(): Part {
            cutGroups(groups)
            return {
              groups,
              ...(counts ? { words: { lists: lists!, counts } } : {}),
              ...(sample ? { sample: sample.part() } : {}),
            }
          },
        }
      },
      merge(parts: Iterable<Part>, context): GroupTally {
        const all = [...parts],
          groups = noGroups(),
          words = all[0]?.words && { lists: all[0].words.lists, counts: noWords(all[0].words.lists) }
        for (const part of all) {
          addGroups(groups, part.groups)
          if (words) addWords(words.counts, part.words!.counts)
        }
        const spread = spreadOf(
          all.flatMap(({ sample }) => sample ?? []),
          group_rows,
          context,
        )
        return { groups, ...(words ? { words } : {}), ...(spread ? { spread } : {}) }
      },
    }),
  report: (options, { kept, dropped }) => groupReport(options, kept, dropped),
})
