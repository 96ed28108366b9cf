/** How often comparisons of several answers to one prompt contradict each other: TrustJudge's non-transitivity. */
import { defineAudit, round, Type } from '../../engine/contract/define.ts'
import { DataError } from '../../engine/errors.ts'
import { addByName, byName, cut, valueOf, type ByName, type Rule } from '../kit/by_name.ts'
import { pairHash } from '../kit/pair_hash.ts'
import { AGAINST, FOR, MISSING, readVoice, together } from '../noise/voices.ts'
import { checkWords } from '../noise/vote_lists.ts'
import { voiceOptions, voiceReads, wrongVoice } from '../noise/vote_options.ts'
import { add, answersOf, cutAnswers, type Prompt } from './label_counts.ts'
import { addSubsets, noSubsets } from './transitivity.ts'

/** Answers of a prompt that are looked at, those with the smallest hashes. */
const MOST_ANSWERS = 32
const rule = (prompts: number): Rule<Prompt> => ({ most: prompts, none: () => ({ pairs: new Map() }) })
interface Tally {
  /** Comparisons of two different answers. */
  rows: number
  readonly words: Set<string>
  readonly prompts: ByName<Prompt>
}
const none = (): Tally => ({ rows: 0, words: new Set(), prompts: byName() })

const pair = (chosen: string, rejected: string, columns = {}) => ({ prompt: 'Best?', chosen, rejected, ...columns })
const n = (count: number) => count.toLocaleString('en-US')
const percent = (part: number, of: number) => `${((100 * part) / of).toFixed(1)} %`

export default defineAudit({
  name: 'audit_transitivity',
  version: 1,
  status: { is: 'as published' },
  summary: 'Say in how many sets of answers to a prompt the comparisons of each two contradict each other.',
  details: `Of k answers to a prompt of which each two were compared, it says in which share three contradict each other: the non-transitivity ratio of TrustJudge, pooled over prompts. Such a triple goes round in a circle, or has a tie that the other two comparisons forbid (a ties with b, b with c, and yet a is better than c). Sets of which two answers were not compared are left out, and counted.
Two answers that were compared more than once are as most of these labels say, and tie where as many say the other. The label is the verdict, unless \`verdict\` names another: one voice as [vote_pairs](vote_pairs.md) reads them, which may tie.

The share is as in the paper. What is a circle and what a tie's contradiction there depends on how answers are numbered, as a triple with a tie is either; here whatever has a tie is a tie's contradiction. Counted are up to \`prompts\` prompts and 32 answers of each, those with the smallest hashes: the same ones however the rows lie in files. \`audit_labels\` gives the share of wrong labels that circles stand for.

It is a report and no filter. Of 145,491 triples of arguments of UKPConvArg1 22.8 % contradict themselves by what most voters say, ties among it, and 11.4 % where only votes for a side are weighed (\`npx vitest run test/audit/audit_transitivity.test.ts\`): most of it is made by ties, and not by wrong labels. Which label is wrong it does not say: the \`standings\` of \`detect_noise\` do that better.`,
  paper: {
    title: 'TrustJudge: Inconsistencies of LLM-as-a-Judge and How to Alleviate Them',
    arxiv: '2509.21117',
    form: 'as in',
  },
  options: Type.Object({
    verdict: Type.Optional(
      Type.Object(voiceOptions, {
        additionalProperties: false,
        description: 'what says which answer is better, as a voice of vote_pairs; left out it is the label',
      }),
    ),
    k: Type.Integer({ minimum: 3, maximum: 5, default: 3, description: 'answers in a set' }),
    prompts: Type.Integer({ minimum: 1, maximum: 20_000, default: 2000, description: 'prompts that are looked at' }),
  }),
  inputs: ({ verdict }) => ({
    labels: { prompt: 'messages', chosen: 'messages', rejected: 'messages', ...(verdict && voiceReads(verdict)) },
  }),
  examples: [
    {
      title: 'four answers, of which three go round in a circle',
      inputs: {
        labels: [
          ...[pair('Tea', 'Milk'), pair('Milk', 'Rum'), pair('Rum', 'Tea')],
          ...[pair('Tea', 'Gin'), pair('Milk', 'Gin'), pair('Rum', 'Gin')],
        ],
      },
      numbers: { comparisons: 6, prompts: 1, answers: 4, sets: 4, wrong: 0.25, circles: 1, ties: 0, left_out: 0 },
    },
    {
      title: 'TrustJudge: two ties and a winner contradict each other; of four answers one was not compared with all',
      options: { verdict: { verdict: 'said' } },
      inputs: {
        labels: [
          pair('Tea', 'Milk', { said: 'tie' }),
          pair('Milk', 'Rum', { said: 'tie' }),
          pair('Tea', 'Rum', { said: 'chosen' }),
          pair('Gin', 'Rum', { said: 'rejected' }),
          pair('Gin', 'Tea', { said: 'not read' }),
        ],
      },
      numbers: { comparisons: 4, answers: 4, sets: 1, wrong: 1, circles: 0, ties: 1, left_out: 3 },
    },
  ],
  tally({ verdict, prompts }) {
    for (const { why } of verdict ? wrongVoice(verdict, 'verdict') : []) throw new DataError(`verdict: ${why}`)
    return round({
      collect() {
        const tally = none()
        return {
          batch(batch) {
            const hash = pairHash(batch),
              said = verdict && together(readVoice(batch, verdict, tally.words)).said
            for (let row = 0; row < batch.rows; row++) {
              hash.read(row)
              const { prompt, chosen, rejected } = hash,
                one = said ? said[row] : FOR
              if (chosen === rejected || one === MISSING) continue
              tally.rows++
              const compared = valueOf(tally.prompts, String(prompt), rule(prompts))
              if (!compared) continue
              const isLow = chosen < rejected,
                forLow = one === (isLow ? FOR : AGAINST) ? 1 : 0,
                forHigh = one === (isLow ? AGAINST : FOR) ? 1 : 0
              // a tie makes a pair of nobody's
              add(compared.pairs, isLow ? `${chosen} ${rejected}` : `${rejected} ${chosen}`, forLow, forHigh)
              if (compared.pairs.size > MOST_ANSWERS * MOST_ANSWERS) cutAnswers(compared, MOST_ANSWERS)
            }
          },
          part() {
            for (const prompt of tally.prompts.values.values()) cutAnswers(prompt, MOST_ANSWERS)
            cut(tally.prompts, rule(prompts))
            return tally
          },
        }
      },
      merge(parts: Iterable<Tally>) {
        const all = none()
        for (const part of parts) {
          all.rows += part.rows
          for (const word of part.words) all.words.add(word)
          addByName(all.prompts, part.prompts, rule(prompts), (to, from) => {
            for (const [name, [low, high]] of from.pairs) add(to.pairs, name, low, high)
            cutAnswers(to, MOST_ANSWERS)
          })
        }
        if (verdict) checkWords({ votes: verdict.verdict ?? verdict.votes ?? '', chosen: verdict.chosen }, all.words)
        return { rows: all.rows, prompts: all.prompts }
      },
    })
  },
  report({ k }, { labels: { rows, prompts } }, previous) {
    const sets = noSubsets()
    let answers = 0
    for (const { pairs } of prompts.values.values()) {
      const hashes = [...new Set([...pairs.keys()].flatMap(answersOf))].sort((a, b) => a - b)
      answers += hashes.length
      addSubsets(sets, hashes.length, k, (i, j) => {
        const sides = pairs.get(`${hashes[i]} ${hashes[j]}`)
        return sides && (Math.sign(sides[0] - sides[1]) as 1 | 0 | -1)
      })
    }
    const { complete, wrong, left_out, triples, circles, ties } = sets,
      before = typeof previous?.wrong === 'number' ? ` (${(100 * previous.wrong).toFixed(1)} % in the run before)` : ''
    return {
      lines:
        complete === 0
          ? [`of no ${k} answers to one prompt was each two compared: nothing can be said of contradictions`]
          : [
              `of ${n(complete)} sets of ${k} answers to one prompt ${percent(wrong, complete)} contradict themselves${before}${left_out > 0 ? `; ${n(left_out)} more were not compared all with all` : ''}`,
              `of ${n(triples)} triples ${percent(circles, triples)} go round in a circle, and in ${percent(ties, triples)} a tie contradicts the others`,
            ],
      numbers: {
        comparisons: rows,
        prompts: prompts.values.size,
        answers,
        sets: complete,
        ...(complete > 0 ? { wrong: wrong / complete } : {}),
        left_out,
        triples,
        circles,
        ties,
      },
    }
  },
})
