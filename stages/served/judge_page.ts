/** What the page of judge_pairs says of it, and its examples. */
import type { Example, Writes } from '../../engine/contract/define.ts'
import type { judgeOptions } from './judge_service.ts'
import { WORDINGS } from './judging.ts'

const shown = (text: string) => `\`\`\`text\n${text}\n\`\`\``
const token = (token: string, p: number) => ({ token, logprob: Math.log(p) })
const says = (...first: ReturnType<typeof token>[]) => ({
  choices: [
    { finish_reason: 'stop', message: { content: first[0].token }, logprobs: { content: [{ top_logprobs: first }] } },
  ],
})

export const details = `The judge is asked for one letter, and its probability is read from the log-probabilities of the first token, among the letters that it may say: \`<id>_probability\` is that of the chosen side being better, the mean over both orders, and \`<id>_shown_first\` and \`<id>_shown_last\` are those of each. A tie is half for either side; \`<id>_tie\` is its probability.
\`<id>_verdict\` is the likeliest of \`chosen\`, \`rejected\` and \`tie\` by the sums over both orders, the likelihood of the paper; where two are exactly as likely it is \`tie\`: a judge that goes by the order alone says that of all. \`<id>_disagrees\` says that the two orders gave different verdicts: such a pair is one for people. \`<id>_chosen_score\` and \`<id>_rejected_score\` are the logarithms of the probability and of its rest; they make the judge a reviewer of
\`peer_review\` and \`detect_noise\`: \`score_columns: [{ name: judge, chosen: judge_chosen_score, rejected: judge_rejected_score }]\`.

With \`scale\` each side is graded alone, and its score is the mean of the grades, each with its probability. The paper’s code weighs them by the fifth power of their odds, which is hardly more than the likeliest grade, and gives 0 to a judge that is sure.

\`<id>_template\` says in which language and format was asked, and on which scale. How steady a judge is over orders, languages, formats and scales is in the tables of [vote_pairs](vote_pairs.md), with a voice for each: \`{ name: judge, probability: judge_shown_first, swapped: judge_shown_last }\`.

An answer that was cut off (\`finish_reason\` other than stop), whose first token is mostly none of the labels, or whose grade is not one number of the scale alone (75 on a scale to 9), is none: it is asked for once more, then the row is set aside as errored. A model that thinks before it answers must be told not to (\`extra\`).
Before the first row the judge sees one pair in both orders, and is refused when the order is all it goes by, or when it grades nonsense like what is right. Cache, retries, caps and plan are as with [score_pairs](score_pairs.md), and so are [the servers that were asked](../servers.md). Judges favour long answers and those of their own family: look at what they keep.

What is asked without \`wording\`; with \`tie_letter\` it ends with \`, or {tie} if neither is.\`:

${shown(WORDINGS.letters)}

With \`scale\`:

${shown(WORDINGS.grade)}`

export const examples: readonly Example<typeof judgeOptions, Writes, never, never>[] = [
  {
    title: 'a judge that prefers whatever is A, the chosen side more than the other',
    options: { url: 'http://localhost:8000', model: 'judge' },
    rows: [{ prompt: 'Is 7 a prime?', chosen: 'Yes: only 1 and 7 divide it.', rejected: 'No.' }],
    answers: [says(token('A', 0.95), token(' B', 0.05)), says(token('A', 0.55), token(' B', 0.45))],
    kept: [0],
    columns: {
      probability: [0.7],
      disagrees: [true],
      verdict: ['chosen'],
      chosen_score: [Math.log(0.7)],
      rejected_score: [Math.log(1 - 0.7)],
      template: ['en letters'],
    },
  },
  {
    title: 'a judge that may say that neither is better',
    options: { url: 'http://localhost:8000', model: 'judge', tie_letter: 'C' },
    rows: [{ prompt: 'Name a prime.', chosen: 'Seven.', rejected: 'Five.' }],
    answers: [0, 1].map(() => says(token('A', 0.45), token('C', 0.4), token('B', 0.15))),
    kept: [0],
    columns: { probability: [0.5], tie: [0.4], disagrees: [true], verdict: ['tie'], template: ['en tie'] },
  },
  {
    title: 'grades from 1 to 5: the mean of what the judge finds likely',
    options: { url: 'http://localhost:8000', model: 'judge', scale: { from: 1, to: 5 } },
    rows: [{ prompt: 'Is 7 a prime?', chosen: 'Yes: only 1 and 7 divide it.', rejected: 'No.' }],
    answers: [says(token('4', 0.6), token('3', 0.4)), says(token('1', 1))],
    kept: [0],
    columns: { chosen_score: [3.6], rejected_score: [1], verdict: ['chosen'], template: ['en grade 1-5'] },
  },
]
