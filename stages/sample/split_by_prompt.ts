/** Sets the pairs of some prompts aside to evaluate on, and lets nothing near them through to train on. */
import { defineStage, round, Type, type Batch } from '../../engine/contract/define.ts'
import { mix32 } from '../../engine/arrow/hash.ts'
import { promptHash } from '../kit/pair_hash.ts'
import { smallestOf } from '../kit/sample.ts'
import { nearIndex, setOf } from './near_prompts.ts'

/** A prompt of the evaluation: its hash, and its set of five words in a row. */
interface Prompt {
  readonly hash: number
  readonly set: Uint32Array
}

/** Which prompts come first, with the seed of the graph. */
const drawn = (hash: number, seed: number) =>
  mix32((hash / 2 ** 21) ^ mix32(seed)) * 2 ** 21 + (mix32(hash ^ mix32(seed + 1)) >>> 11)

export default defineStage({
  name: 'split_by_prompt',
  version: 1,
  category: 'weigh and balance',
  summary: 'Set the pairs of some prompts aside to evaluate on, and keep what is near them out of training.',
  details:
    'The prompts with the smallest hashes, with the seed of the graph, are set aside with all of their pairs: `from: <id>.eval` is their output, and a sink there keeps them. What goes on is for training. ' +
    'A prompt that is nearly one of those set aside goes neither way: it is dropped as `near_eval`, as it would tell what is asked for. Prompts are compared as `drop_near_duplicates` compares pairs, as sets of five words in a row; of those that are 0.05 more similar than `similarity` at least 95 % are found, and equal ones always. ' +
    'Prompts are equal after lower-casing and with every run of white space taken for one space, and with the same pictures and documents beside them.',
  options: Type.Object({
    prompts: Type.Integer({
      minimum: 1,
      maximum: 10_000,
      default: 500,
      description: 'prompts that are set aside, with all of their pairs',
    }),
    similarity: Type.Number({
      minimum: 0.5,
      maximum: 1,
      default: 0.8,
      description: 'least Jaccard similarity to a prompt set aside of those that are dropped',
    }),
  }),
  reads: { prompt: 'messages' },
  writes: {},
  rows: 'subset',
  reasons: {
    eval: { kind: 'configured', about: 'its prompt is one of those set aside', isAsked: true },
    near_eval: { kind: 'configured', limit: 'similarity', about: 'Jaccard similarity to a prompt set aside' },
  },
  examples: [
    {
      title: 'one prompt is set aside with its pairs, and what nearly asks it goes neither way',
      options: { prompts: 1, similarity: 0.5 },
      rows: [
        {
          prompt: 'Name a prime between ten and twenty, and say why it is one.',
          chosen: 'Eleven.',
          rejected: 'Twelve.',
        },
        { prompt: 'name a prime between ten and twenty, and say why it is one.', chosen: '13.', rejected: '15.' },
        { prompt: 'Name a prime between ten and twenty, and say why it is one!', chosen: '17.', rejected: '18.' },
        {
          prompt: 'Which river flows through Rome, and where does it end?',
          chosen: 'The Tiber.',
          rejected: 'The Alps.',
        },
      ],
      kept: [3],
      dropped: { 0: 'eval', 1: 'eval', 2: 'near_eval' },
    },
  ],
  fit: ({ prompts }) =>
    round({
      collect({ seed }) {
        const least = smallestOf<Prompt>(prompts)
        return {
          batch(batch: Batch) {
            const prompt = promptHash(batch)
            for (let row = 0; row < batch.rows; row++) {
              const hash = prompt(row)
              least.offer(drawn(hash, seed), () => ({ hash, set: setOf(batch.messages('prompt'), row) }))
            }
          },
          part: () => ({ hashes: least.hashes(), prompts: least.values() }),
        }
      },
      merge(
        parts: Iterable<{ readonly hashes: readonly number[]; readonly prompts: readonly Prompt[] }>,
      ): readonly Prompt[] {
        const least = smallestOf<Prompt>(prompts)
        for (const part of parts) part.prompts.forEach((prompt, i) => least.offer(part.hashes[i], () => prompt))
        return least.values()
      },
    }),
  open({ similarity }, { state }) {
    const aside = new Set(state.map(({ hash }) => hash)),
      near = nearIndex(
        state.map(({ set }) => set),
        similarity,
      )
    return {
      batch(batch, verdict) {
        const prompt = promptHash(batch),
          messages = batch.messages('prompt'),
          // the pairs of a prompt often stand side by side
          before: { hash: number; alike?: number } = { hash: -1 }
        for (let row = 0; row < batch.rows; row++) {
          const hash = prompt(row)
          if (aside.has(hash)) {
            verdict.drop(row, 'eval')
            continue
          }
          if (hash !== before.hash) Object.assign(before, { hash, alike: near(setOf(messages, row)) })
          if (before.alike !== undefined) verdict.drop(row, 'near_eval', before.alike)
        }
      },
    }
  },
  report({ prompts }, { state }) {
    const few = state.length < prompts
    return {
      lines: [
        few
          ? `warning: there are ${state.length.toLocaleString('en-US')} prompts, of which ${prompts.toLocaleString('en-US')} were to be set aside: all are`
          : `${prompts.toLocaleString('en-US')} prompts are set aside`,
      ],
      numbers: { prompts: state.length },
    }
  },
})
