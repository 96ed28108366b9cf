/** Drops pairs that a trainer would cut to nothing, to two equal sides, or to sides without what differs. */
import { choice, defineStage, round, Type } from '../../engine/contract/define.ts'
import { effectOf, TRAINERS, type Fate } from './cutting.ts'
import { TINY } from './tiny.ts'
import { tokenFiles, tokenOptions, tokenReader, wrongTokens } from './tokenizer.ts'
import { addTruncated, countEffect, guessLines, noneTruncated, truncatedLine, type Truncated } from './truncation.ts'

const PARTS = ['prompt', 'chosen', 'rejected'] as const
const ask = (chosen: string, rejected: string) => ({ prompt: 'Name a prime', chosen, rejected })

export default defineStage({
  name: 'drop_truncated',
  version: 1,
  category: 'check and deduplicate',
  status: { is: 'proven here', shown: 'docs/benchmarks/audits.md' },
  summary: 'Drop pairs that a trainer would cut so that nothing is left to learn.',
  details: `A trainer cuts what is longer than its \`max_length\`, and each does it in its own way:

| \`trainer\` | a long prompt | what is cut |
| --- | --- | --- |
| \`trl\` (1.16, \`keep_start\`) | leaves the pair out | the end of each side |
| \`trl_keep_end\` | loses its beginning, other tokens for each side | the beginning of prompt and side |
| \`llama_factory\` | loses its end, with the mark before the answer | by shares of prompt and the longer side |
| \`axolotl\` | leaves the pair out | leaves the pair out where one side is too long |
| \`axolotl_truncate\` | leaves the pair out | the end of each side |
| \`openrlhf\` | leaves the pair out | the end of each side, whose last token becomes that of the end |

Dropped is what is left out, or teaches nothing: no token of a side, two equal sides, or a side of which only what the other begins with is left. Sides that merely lose their end stay, unless more than \`max_lost_share\` of one is lost: an answer that stops in the middle is a worse one, and where chosen sides are cut more often than rejected ones, a label says so no longer.
Tokens are those of \`add_tokens\`, whose page says how they are counted, and how far guesses are off. A pair whose prompt a trainer would cut stays, with a note.

Rules are as in TRL 1.16, LLaMA-Factory, axolotl and OpenRLHF at the time of writing: their own functions, run, gave the values that tests hold.`,
  options: Type.Object({
    trainer: choice([...TRAINERS], { default: 'trl', description: 'whose rule cuts, as in the table' }),
    length_tokens: Type.Integer({
      minimum: 8,
      default: 1024,
      description: 'tokens of prompt and side that the trainer takes: its `max_length`',
    }),
    max_lost_share: Type.Number({
      minimum: 0,
      maximum: 1,
      default: 1,
      description: 'share of a side’s tokens that may be cut; 0: none may',
    }),
    ...tokenOptions,
  }),
  files: tokenFiles,
  check: wrongTokens,
  reads: { prompt: 'messages', chosen: 'messages', rejected: 'messages' },
  writes: { fate: 'text', prompt_lost: 'int32', chosen_lost: 'int32', rejected_lost: 'int32' },
  rows: 'subset',
  reasons: {
    prompt_too_long: { kind: 'configured', limit: 'length_tokens', about: 'tokens of the prompt, which leave no room' },
    pair_too_long: { kind: 'configured', limit: 'length_tokens', about: 'tokens of the prompt and the longer side' },
    nothing_left: { kind: 'broken', about: 'no token is left of a side' },
    equal_when_cut: { kind: 'broken', about: 'tokens that are left of each side, the same: what differs is cut off' },
    cut: { kind: 'configured', limit: 'max_lost_share', about: 'share of a side that is cut' },
    no_template: { kind: 'broken', about: 'the chat template refuses the conversation' },
  },
  notes: {
    prompt_cut: 'the trainer cuts the prompt',
    prompts_differ: 'the trainer cuts the prompt, and not to the same for both sides',
  },
  examples: [
    {
      title: 'twelve tokens, guessed by characters: three of the prompt',
      options: { length_tokens: 8 },
      rows: [
        ask('Seven is one', 'Nine is one'),
        ask('Among the primes below ten: 7', 'Among the primes below ten: 9'),
        ask('Among the primes below ten: 7', 'Among the primes below ten we find nine.'),
        { ...ask('Seven', 'Nine'), prompt: 'Name a prime number above nine' },
        ask('Seven, which nothing divides but one', 'Nine'),
        ask('', 'Nine'),
      ],
      kept: [0, 4],
      dropped: { 1: 'equal_when_cut', 2: 'equal_when_cut', 3: 'prompt_too_long', 5: 'nothing_left' },
      columns: { chosen_lost: [0, 5], rejected_lost: [0, 0] },
    },
    {
      title: 'half of a side is cut, and a third may be',
      options: { length_tokens: 8, max_lost_share: 0.33 },
      rows: [ask('Seven, which nothing divides but one', 'Nine')],
      dropped: { 0: 'cut' },
    },
    {
      title: 'by a tokenizer and its template',
      options: {
        trainer: 'axolotl',
        length_tokens: 8,
        tokenizer: 'tokenizer.json',
        tokenizer_config: 'tokenizer_config.json',
      },
      files: TINY,
      rows: [
        ask('Seven', 'Nine'),
        ask('Seven', 'Nine Nine Nine'),
        { ...ask('Seven', 'Nine'), prompt: [{ role: 'system', content: 'a' }] },
      ],
      kept: [0],
      dropped: { 1: 'pair_too_long', 2: 'no_template' },
    },
    {
      title: 'LLaMA-Factory cuts long prompts, at their end',
      options: { trainer: 'llama_factory', length_tokens: 8 },
      rows: [{ ...ask('Seven', 'Nine'), prompt: 'Name a prime number above nine' }],
      kept: [0],
      noted: { 0: 'prompt_cut' },
      columns: { prompt_lost: [3], fate: ['cut'] },
    },
    {
      title: 'the end is kept: the longer side has less of the prompt before it',
      options: { trainer: 'trl_keep_end', length_tokens: 8 },
      rows: [{ ...ask('Seven, a prime', 'Nine'), prompt: 'Name a prime number above nine' }],
      kept: [0],
      noted: { 0: 'prompts_differ' },
    },
  ],
  tally: () =>
    round({
      collect({ id }) {
        const counts = noneTruncated()
        return {
          batch(batch) {
            const fates = batch.text(`${id}_fate` as never)
            const [prompt, chosen, rejected] = PARTS.map(side => batch.numbers(`${id}_${side}_lost` as never).values)
            for (let row = 0; row < batch.rows; row++) {
              const fate = fates.text(row)
              const lost = { prompt: prompt[row], chosen: chosen[row], rejected: rejected[row] }
              countEffect(
                counts,
                fate === 'no_template' ? undefined : { fate: fate as Fate, lost, prompts_differ: false },
              )
            }
          },
          part: () => counts,
        }
      },
      merge(parts: Iterable<Truncated>) {
        const sum = noneTruncated()
        for (const part of parts) addTruncated(sum, part)
        return sum
      },
    }),
  report: ({ trainer, length_tokens, ...options }, { tally }) => ({
    lines: [truncatedLine(trainer, length_tokens, tally), ...guessLines(options)],
    numbers: { ...tally },
  }),
  open({ trainer, length_tokens, max_lost_share, ...options }, context) {
    const { ends, of } = tokenReader(options, context)
    return {
      batch(batch, verdict) {
        const tokens = of(batch),
          none = () => Array<number | null>(batch.rows).fill(null)
        const fate: string[] = [],
          columns = { fate, prompt_lost: none(), chosen_lost: none(), rejected_lost: none() }
        for (let row = 0; row < batch.rows; row++) {
          const pair = tokens(row)
          if (typeof pair === 'string') {
            fate.push('no_template')
            verdict.drop(row, 'no_template')
            continue
          }
          const effect = effectOf(trainer, pair, ends, length_tokens)
          fate.push(effect.fate)
          for (const part of PARTS) columns[`${part}_lost`][row] = effect.lost?.[part] ?? null
          if (effect.fate === 'cut' && effect.value > max_lost_share) verdict.drop(row, 'cut', effect.value)
          else if (effect.fate !== 'cut' && effect.fate !== 'whole') verdict.drop(row, effect.fate, effect.value)
          if (effect.prompts_differ) verdict.note(row, 'prompts_differ')
          else if (effect.lost && effect.lost.prompt > 0) verdict.note(row, 'prompt_cut')
        }
        return { columns }
      },
    }
  },
})
