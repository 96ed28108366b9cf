/** What the page of pair_candidates says of it, and its examples. */
import type { Example, Writes } from '../../engine/contract/define.ts'
import type { Why } from './candidates.ts'
import type { pairOptions } from './pair_options.ts'

const prime = (chosen: string, score: unknown) => ({ prompt: 'Name a prime.', chosen, score })
const pair = (chosen: string, rejected: string, scores: readonly [number, number]) => ({
  prompt: 'Name a prime.',
  chosen,
  rejected,
  chosen_score: scores[0],
  rejected_score: scores[1],
})

export const details = `Rows are answers, one each, as the layout \`answers\` reads them; those of one prompt need not lie together. Prompts are equal when their messages are and what lies beside them is (pictures, tools). A pair has the id and all columns of its chosen answer: with another \`by\` its prompt too. Nothing in a column of ranks
says that 1 is the best: they need \`order: low_first\`. \`pairs\` counts the pairs of the prompt, for who wants prompts to weigh the same.

Rows of one prompt with the same answer are votes on it, and one answer with the mean of their scores. Answers of equal score form a level and never meet. Between two levels the i-th meets the i-th, the shorter begins again. \`best_worst\` is the rule of SimPO, HelpSteer2’s builder, distilabel and Online-RLHF’s \`max_min\`, \`best_second\` that of its \`max_max\`, \`best_lower\` that of Argilla’s cleaned UltraFeedback; the draw is a hash of seed and ids.
Of ties they take the first alone; where all are tied SimPO and distilabel 1 make one text both sides, and Zephyr’s rejected answer may be as good. Others cut 4.75 and 4.25 to a tie (distilabel 0.6), compare text, where \`9\` is above \`10\` (distilabel 1), or pick by a length penalty and then prefer the higher raw score (Online-RLHF’s \`max_min_p\`): here
a score is a number, none is rounded, and what is penalised also says who is chosen.

The rules differ most in how often the longer answer is chosen. On the ranks of 212 prompts of oasst-100 (\`npx vitest run test/sources/pairing.test.ts\`) that is 80 % of the pairs with \`best_worst\`, 74 % with \`best_lower\` (50 draws), 71 % with \`all\`, 68 % with \`best_second\` and 67 % with \`adjacent\`; the summary says it of yours, for each rule with your limits (of up to 2,000 prompts, 64 answers each).

With \`contradicted\` an answer whose score says the opposite of its aspects takes no part. In UltraFeedback some \`overall_score\` of 1 were stored as 10: its authors’ fix takes a 10 with a mean of \`helpfulness\`, \`honesty\`, \`instruction_following\` and \`truthfulness\` of at most 2 for a 1, and asks again up to 4.
Its rows are lists of answers, which the source reads and which never come here: there the same is \`contradicted\` of [\`map\`](../layouts.md#map), and \`map: ultrafeedback\` has it.

With \`equilibrium\` the score is the consensus game’s P(correct | answer) (arXiv 2310.09139; there is no code of the authors): a generator that was asked for a right and for a wrong answer, and a judge, each begin with their own mind and play against what the other said, 5,000 rounds. It is more than fluency, as the generator’s say is how much likelier an answer is when a right one is asked for. Not measured: no open data that we have has these columns.`

export const examples: readonly Example<typeof pairOptions, Writes, Why, never>[] = [
  {
    title: 'best against worst; what is between them is left, and an answer alone makes no pair',
    options: { pairing: 'best_worst' },
    rows: [
      prime('Three.', 3),
      prime('Seven.', 5),
      { prompt: 'Name a river.', chosen: 'Po.', score: 3 },
      prime('One?', 2),
      prime('Nine.', 1),
    ],
    kept: [1, 4],
    dropped: { 0: 'not_paired', 2: 'too_few_candidates', 3: 'not_paired' },
    made: [{ ...pair('Seven.', 'Nine.', [5, 1]), rank_gap: 3, candidates: 4, pairs: 1, rejected_id: 'row-4' }],
  },
  {
    title: 'three judges of one answer and two of the other: their means meet',
    rows: [prime('Seven.', 5), prime('Nine.', 1), prime('Seven.', 4), prime('Nine.', 4), prime('Seven.', 3)],
    kept: [0, 1],
    dropped: { 2: 'same_answer', 3: 'same_answer', 4: 'same_answer' },
    made: [{ ...pair('Seven.', 'Nine.', [4, 2.5]), candidates: 2 }],
  },
  {
    title: 'neighbours; a tie is no pair, and what has no score takes no part',
    rows: [
      prime('Nine.', 1),
      prime('Three.', 4),
      prime('Five.', 4),
      prime('Two.', null),
      { prompt: 'Name a river.', chosen: 'Po.', score: 2 },
      { prompt: 'Name a river.', chosen: 'Rhine.', score: 2 },
    ],
    kept: [0, 1, 2],
    dropped: { 3: 'no_score', 4: 'tied_scores', 5: 'tied_scores' },
    made: [
      { ...pair('Three.', 'Nine.', [4, 1]), candidates: 3, pairs: 2 },
      { ...pair('Five.', 'Nine.', [4, 1]), candidates: 3, pairs: 2 },
    ],
  },
  {
    title: 'a mean of aspects is not rounded: 4.75 is better than 4.25',
    options: { score: ['help', 'truth', 'style', 'depth'] },
    rows: [
      { prompt: 'Name a prime.', chosen: 'Five', help: 5, truth: 5, style: 3, depth: '4' },
      { prompt: 'Name a prime.', chosen: 'Five.', help: 5, truth: 5, style: 4, depth: '5' },
      { prompt: 'Name a prime.', chosen: 'V', help: 5, truth: 4, style: null, depth: 'N/A' },
    ],
    kept: [0, 1, 2],
    made: [pair('Five.', 'V', [4.75, 4.5]), pair('V', 'Five', [4.5, 4.25])],
  },
  {
    title: 'text is read as numbers, and what is none is told',
    rows: [
      prime('Seven.', '9'),
      prime('Eleven.', '10'),
      prime('Two.', 'good'),
      { prompt: 'Name a river.', chosen: 'Po.', score: '9007199254740993' },
      { prompt: 'Name a river.', chosen: 'Rhine.', score: '9007199254740992' },
    ],
    kept: [0, 1],
    dropped: { 2: 'unreadable_score', 3: 'inexact_score', 4: 'inexact_score' },
    made: [pair('Eleven.', 'Seven.', [10, 9])],
  },
  {
    title: 'ranks, with bounds: the chosen is among the first two, and two ranks before the rejected',
    options: { order: 'low_first', pairing: 'all', min_score: 2, min_gap: 2 },
    rows: [
      prime('Seven.', 1),
      prime('Three.', 2),
      prime('One?', 3),
      { prompt: 'Name a river.', chosen: 'Po.', score: 3 },
      { prompt: 'Name a river.', chosen: 'Rhine.', score: 4 },
    ],
    kept: [0, 2],
    dropped: { 1: 'small_gap', 3: 'below_min_score', 4: 'below_min_score' },
    made: [{ ...pair('Seven.', 'One?', [1, 3]), rank_gap: 2 }],
  },
  {
    title: 'a tenth of a point for each character: the short answer is the better one',
    options: { length_penalty: 0.1 },
    rows: [prime('Two.', 2), prime('Well, there are many, and one of them is 7.', 5)],
    kept: [0, 1],
    made: [pair('Two.', 'Well, there are many, and one of them is 7.', [2, 5])],
  },
  {
    title: 'UltraFeedback’s 1 that was stored as 10 takes no part; a 10 with good aspects does',
    options: { score: 'overall', contradicted: { aspects: ['help', 'truth'] } },
    rows: [
      { prompt: 'Name a prime.', chosen: 'Nine.', overall: 10, help: '1', truth: 'N/A' },
      { prompt: 'Name a prime.', chosen: 'Seven.', overall: 10, help: '5', truth: '5' },
      { prompt: 'Name a prime.', chosen: 'Eleven?', overall: 7, help: '2', truth: '2' },
    ],
    kept: [1, 2],
    dropped: { 0: 'contradicted_scores' },
    made: [pair('Seven.', 'Eleven?', [10, 7])],
  },
  {
    title: 'the consensus game: the judge decides where the generator has no opinion',
    options: { equilibrium: { given_correct: 'right', given_incorrect: 'wrong', judged_correct: 'judged' } },
    rows: [
      { prompt: 'Name a prime.', chosen: 'Nine.', right: -3, wrong: -3, judged: 0.3 },
      { prompt: 'Name a prime.', chosen: 'Seven.', right: -3, wrong: -3, judged: 0.7 },
      { prompt: 'Name a prime.', chosen: 'Two.', right: -3, wrong: null, judged: 0.9 },
      { prompt: 'Name a prime.', chosen: 'Six.', right: -3, wrong: -2, judged: 1.5 },
    ],
    kept: [0, 1],
    dropped: { 2: 'no_score', 3: 'unreadable_score' },
    made: [{ prompt: 'Name a prime.', chosen: 'Seven.', rejected: 'Nine.', pairing: 'adjacent', rank_gap: 1 }],
  },
]
