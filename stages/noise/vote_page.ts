/** What the page of vote_pairs says of it, and its examples, each named after whose data look so. */
import type { Example, Writes } from '../../engine/contract/define.ts'
import { voiceOptions, type voteOptions } from './vote_options.ts'

const fields = Object.entries(voiceOptions).map(([name, { description }]) => `| \`${name}\` | ${description} |`)

export const details = `A voice is whatever the data carries that says which side of a pair is better: two scores, a margin, the probability that the label is right, the word of a judge, or a list of people's votes. With \`swapped\` the same judge was asked in both orders, and has one voice: what both orders say, a tie where they differ.
Each is for the label, against it, tied or missing (null, NaN, a word that is none of those named). \`<id>_class\` is \`agreed\` (all for, no tie), \`majority\`, \`split\`, \`outvoted\`, \`reversed\` (all against, no tie) or \`silent\` (nobody for or against). Nothing is dropped unless \`action\` says so.

\`voices: [{ name: ratings, scores: { chosen: rating_chosen, rejected: rating_rejected }, tie: 1 }, { name: judge, verdict: said, swapped: said_swapped }]\`. A voice has a \`name\`, one of \`scores\`, \`margin\`, \`probability\`, \`verdict\` and \`votes\`, and what goes with it:

| | |
| --- | --- |
${fields.join('\n')}

The summary says of each voice how often it is for and against, and of each two on how many rows they say the same: the consistency of Peering Through Preferences and of BorderLines (pooled over rows, not a mean over items), and one less TrustJudge's conflict ratio. Of both orders of a judge it says how often they agree, and who wins where they do not. The table of each two, for, tie and against by the other, is in the report. These tables are as in the papers; the rules are after theirs.

What a rule is worth it says exactly, without planting errors: on which share X of rows it acts as they are, and on which share Y if their label were flipped. Where a share e of labels is wrong at random, e Y / (e Y + (1 - e) X) of what it acts on is wrong, if X is of right labels. Y no larger than X is no detector.

| rule | acts on a label if | published as |
| --- | --- | --- |
| \`majority_against\` | more voices are against it than for it | |
| \`all_against\` | all that are there are against it, no tie | with one voice of two scores, LLM-Judge of PrefCleanBench |
| \`half_agree\` | fewer than half are for it; 3 of 6 are enough | VoteMaj of PrefCleanBench: a tie counts against |
| \`none_agrees\` | none is for it | VoteAll of PrefCleanBench: six ties count as six against |
| \`unanimous\` | not all are for it, or a probability is too near 0.5 | the selection of SCIR (arXiv 2502.08922) |
| \`mean_gap\` | the mean of its gaps is among the lowest \`share\` | RwGap of PrefCleanBench, with \`scale: none\` |

Voices that are missing are left out, where the published rules know none. A pair that lacks a gap has no mean. Gaps are rounded to 13 bits for the cut.

What the rules act on, as it is and if flipped, in per cent (\`npx vitest run test/noise/real_votes.test.ts\`):

| voices | majority_against | all_against | half_agree | none_agrees | mean_gap |
| --- | --- | --- | --- | --- | --- |
| implicit rewards of three models, 1,000 pairs of HH | 34.5, 65.3 | 20.0, 50.0 | 34.7, 65.5 | 20.2, 50.2 | 20.0, 48.4 |
| the same, 1,000 pairs of SHP | 29.5, 70.5 | 20.1, 54.9 | 29.5, 70.5 | 20.1, 54.9 | 20.0, 57.0 |
| six LLM judges in both orders, 734 items of LLMBar | 37.6, 47.8 | 2.5, 12.1 | 63.2, 71.5 | 23.4, 40.7 | |

So the voices decide, not the rule, and as a filter it is nothing to rely on: against flipped labels one good voice alone is mostly better at as many rows (\`npm run bench:judges\`, docs/benchmarks/judges.md). VoteMaj as published acts on 63 % of LLMBar, and with a fifth of labels wrong 22 % of that is wrong: hardly more than without it. The six judges tie often, as they go by the order: of both orders GPT-4's agree in 87.0 % of cases, ChatGPT's in 57.5 %, Falcon's in 29.9 %, and where they reverse the first one shown wins 39.5 %, 81.8 % and 99.2 %. That both orders agree is no sign that they are right: GPT-4 is then in 84.6 %, ChatGPT in 46.2 %, by LLMBar, which is made to mislead.
Ratings and rankings of the same answers say the same of 56.4 % of 117 pairs (the sample of Peering Through Preferences, whose table comes out as published), and of all 152 shared ones of 52.0 %; where both decide, a quarter are reversed.
Not measured, as no open data has such columns: SCIR's two probabilities, RAIN's, Set-Based Prompting's, BorderLines' and AuditLLM's answers, scales of one question; their examples are made.

This stage counts; \`detect_noise\` weighs voices by how often each is right (\`vote_columns\`, \`vote_lists\`, \`score_columns\`), and is to be preferred from three voices on. A voice is in the frame of the two answers, wherever they were shown: letters of places must be made sides first.`

const pair = (columns: Readonly<Record<string, unknown>>) => ({
  prompt: 'Name a prime.',
  chosen: 'Seven.',
  rejected: 'Nine.',
  ...columns,
})
const six = ['a', 'b', 'c', 'd', 'e', 'f']
const sixMargins = [
  [1, 1, 1, 1, 1, 1],
  [1, 1, 1, -1, -1, -1],
  [1, 1, -1, -1, -1, -1],
  [-1, -1, -1, -1, -1, -1],
  [0, 0, 0, 1, 1, -1],
].map(margins => pair(Object.fromEntries(six.map((name, i) => [`${name}_margin`, margins[i]]))))
const sixVoices = six.map(name => ({ name, margin: `${name}_margin` }))
const rows = (names: readonly string[], ...values: readonly (readonly unknown[])[]) =>
  values.map(row => pair(Object.fromEntries(names.map((name, i) => [name, row[i]]))))
const side = (name: string) => ({ chosen: `${name}_chosen`, rejected: `${name}_rejected` })

type Why = 'reversed' | 'outvoted' | 'too_few_agree' | 'unsure' | 'lowest_gap'
export const examples: readonly Example<typeof voteOptions, Writes, Why, 'flipped'>[] = [
  {
    title: 'PrefCleanBench, VoteMaj: six reward models, a tie is not for the label',
    options: { voices: sixVoices, rule: 'half_agree', action: 'drop' },
    rows: sixMargins,
    kept: [0, 1],
    dropped: { 2: 'outvoted', 3: 'reversed', 4: 'too_few_agree' },
    columns: { for: [6, 3], against: [0, 3], ties: [0, 0], class: ['agreed', 'split'] },
  },
  {
    title: 'PrefCleanBench, VoteAll: what none of six is for is flipped',
    options: { voices: sixVoices, rule: 'none_agrees', action: 'flip' },
    rows: sixMargins,
    kept: [0, 1, 2, 3, 4],
    noted: { 3: 'flipped' },
    columns: {
      flipped: [false, false, false, true, false],
      class: ['agreed', 'split', 'outvoted', 'reversed', 'majority'],
    },
  },
  {
    title: 'PrefCleanBench, LLM-Judge: one model’s scores of both answers, from 1 to 10; a tie stays',
    options: { voices: [{ name: 'judge', scores: side('score') }], rule: 'all_against', action: 'drop' },
    rows: rows(['score_chosen', 'score_rejected'], [8, 5], [5, 8], [7, 7], [3, null]),
    kept: [0, 2, 3],
    dropped: { 1: 'reversed' },
    columns: { missing: [0, 0, 1], class: ['agreed', 'silent', 'silent'] },
  },
  {
    title: 'PrefCleanBench, RwGap: the lowest fifth of two models’ mean margins, as they are',
    options: {
      voices: ['x', 'y'].map(name => ({ name, margin: name })),
      rule: 'mean_gap',
      scale: 'none',
      action: 'drop',
    },
    rows: rows(['x', 'y'], [5, 5], [-5, -1], [1, 1], [-9, null], [2, 0], [4, 1]),
    kept: [0, 2, 3, 4, 5],
    dropped: { 1: 'lowest_gap' },
    columns: { mean_gap: [5, 1, null, 1, 2.5] },
  },
  {
    title: 'SCIR: a model as a judge and its implicit reward must agree, and be sure',
    options: {
      voices: ['judge', 'reward'].map(name => ({ name, probability: `p_${name}` })),
      rule: 'unanimous',
      min_confidence: 0.05,
      min_voices: 2,
      action: 'drop',
    },
    rows: rows(['p_judge', 'p_reward'], [0.7, 0.6], [0.7, 0.4], [0.51, 0.52], [0.2, 0.3], [0.4, 0.3], [null, 0.9]),
    kept: [0, 5],
    dropped: { 1: 'too_few_agree', 2: 'unsure', 3: 'reversed', 4: 'reversed' },
  },
  {
    title: 'Peering Through Preferences: ratings against a ranking that was asked for in both orders',
    options: {
      voices: [
        { name: 'rating', scores: side('rating') },
        { name: 'ranking', verdict: 'ranked_ab', swapped: 'ranked_ba', chosen: 'preferred', ties: ['equal'] },
      ],
    },
    rows: rows(
      ['rating_chosen', 'rating_rejected', 'preferred', 'ranked_ab', 'ranked_ba'],
      [7, 5, 'a', 'a', 'a'],
      [6, 6, 'b', 'a', 'b'],
      [3, 5, 'b', 'b', 'b'],
      [3, 5, 'b', 'b', null],
    ),
    kept: [0, 1, 2, 3],
    columns: { for: [2, 0, 1, 0], against: [0, 0, 1, 1], ties: [0, 2, 0, 0], missing: [0, 0, 0, 1] },
  },
  {
    title: 'TrustJudge, conflicts: scores less than a point apart against the verdict of both orders',
    options: {
      voices: [
        { name: 'scores', scores: side('points'), tie: 1 },
        { name: 'verdict', verdict: 'first_order', swapped: 'second_order' },
      ],
    },
    rows: rows(
      ['points_chosen', 'points_rejected', 'first_order', 'second_order'],
      [4, 3, 'chosen', 'chosen'],
      [4, 3.1, 'chosen', 'tie'],
      [3, 4.5, 'chosen', 'chosen'],
    ),
    kept: [0, 1, 2],
    columns: { class: ['agreed', 'silent', 'split'] },
  },
  {
    title: 'Set-Based Prompting: a judge that goes by the order; which answer was first is in the data',
    options: {
      voices: [{ name: 'judge', margin: 'in_order', swapped: 'reversed', chosen_first: 'is_first' }],
    },
    rows: rows(['in_order', 'reversed', 'is_first'], [2, 1, true], [2, -1, true], [-3, 1, false]),
    kept: [0, 1, 2],
    columns: { for: [1, 0, 0], ties: [0, 1, 1] },
  },
  {
    title: 'RAIN: an evaluation of itself in both orders is 1, 0 or -1; one that was not read is missing',
    options: { voices: [{ name: 'itself', verdict: 'order_1', swapped: 'order_2' }] },
    rows: rows(
      ['order_1', 'order_2'],
      ['chosen', 'chosen'],
      ['chosen', 'rejected'],
      ['rejected', 'rejected'],
      ['?', 'chosen'],
    ),
    kept: [0, 1, 2, 3],
    columns: { for: [1, 0, 0, 0], against: [0, 0, 1, 0], ties: [0, 1, 0, 0], missing: [0, 0, 0, 1] },
  },
  {
    title: 'Randomness, Not Representation: one question on scales of 4 and 7 points, and as a choice',
    options: {
      voices: [
        { name: 'four', scores: side('of_4') },
        { name: 'seven', scores: side('of_7') },
        { name: 'choice', verdict: 'choice' },
      ],
    },
    rows: rows(
      ['of_4_chosen', 'of_4_rejected', 'of_7_chosen', 'of_7_rejected', 'choice'],
      [4, 2, 6, 3, 'chosen'],
      [3, 3, 4, 5, 'chosen'],
    ),
    kept: [0, 1],
    columns: { class: ['agreed', 'split'], ties: [0, 1] },
  },
  {
    title: 'BorderLines: whose a territory is, asked in the languages of those who claim it',
    options: {
      voices: ['ru', 'uk', 'hi'].map(name => ({
        name,
        verdict: `said_${name}`,
        chosen: 'controller',
        rejected: 'claimant',
      })),
      rule: 'all_against',
    },
    rows: rows(
      ['controller', 'claimant', 'said_ru', 'said_uk', 'said_hi'],
      ['Russia', 'Ukraine', 'Russia', 'Ukraine', null],
      ['India', 'China', null, null, 'India'],
    ),
    kept: [0, 1],
    columns: { for: [1, 1], against: [1, 0], missing: [1, 2] },
  },
  {
    title: 'AuditLLM: how alike the answers to three probes of one question are to either side',
    options: { voices: ['p1', 'p2', 'p3'].map(name => ({ name, scores: side(name), tie: 0.05 })) },
    rows: rows(
      ['p1_chosen', 'p1_rejected', 'p2_chosen', 'p2_rejected', 'p3_chosen', 'p3_rejected'],
      [0.9, 0.4, 0.8, 0.5, 0.7, 0.6],
      [0.6, 0.62, 0.3, 0.8, 0.4, 0.9],
    ),
    kept: [0, 1],
    columns: { class: ['agreed', 'outvoted'], ties: [0, 1] },
  },
  {
    title: 'votes of named people: all of them as one voice, and one of them as another',
    options: {
      voices: [
        { name: 'people', votes: 'votes', voters: 'workers', chosen: 'preferred' },
        { name: 'Ann', votes: 'votes', voters: 'workers', voter: 'Ann', chosen: 'preferred' },
      ],
    },
    rows: rows(
      ['votes', 'workers', 'preferred'],
      [['a', 'b', 'a'], ['Ann', 'Bo', 'Cy'], 'a'],
      [['a', 'a', 'tie'], ['Bo', 'Cy', 'Ann'], 'b'],
      [[], [], 'a'],
    ),
    kept: [0, 1, 2],
    columns: { for: [2, 0, 0], against: [0, 1, 0], ties: [0, 1, 0], missing: [0, 0, 2] },
  },
]
