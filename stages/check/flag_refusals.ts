/** Says which sides refuse by how they begin, and flags pairs whose label teaches to comply where the other refuses. */
import { defineStage, round, Type, type Batch } from '../../engine/contract/define.ts'
import { opening } from '../kit/opening.ts'
import { refuses } from './refusals.ts'

/** Pairs by which side refuses: chosen, then rejected. */
const CELLS = ['refuses > complies', 'complies > refuses', 'both refuse', 'both comply'] as const
const cellOf = (chosen: boolean, rejected: boolean) => (chosen === rejected ? (chosen ? 2 : 3) : chosen ? 0 : 1)
const n = (count: number) => count.toLocaleString('en-US')

function sidesOf(batch: Batch<'chosen' | 'rejected'>): [Uint8Array, Uint8Array] {
  const of = (side: 'chosen' | 'rejected') => {
    const messages = batch.messages(side)
    return Uint8Array.from({ length: batch.rows }, (_, row) => (refuses(opening(messages, row)) ? 1 : 0))
  }
  return [of('chosen'), of('rejected')]
}

export default defineStage({
  name: 'flag_refusals',
  version: 1,
  category: 'check and deduplicate',
  status: { is: 'proven here', shown: 'docs/benchmarks/audits.md' },
  summary:
    'Say which sides begin by refusing, and flag pairs whose chosen side complies where the rejected one refuses.',
  details: `A side refuses if it begins as refusals do ("I'm sorry, but I can't ..."), by patterns of our own for English, Chinese, German, French, Spanish, Italian, Portuguese, Russian, Japanese and Korean. All languages are tried on every side; the first 600 bytes are looked at.

\`reverses\` notes pairs whose chosen side complies where the rejected one refuses. Fine-tuning on a few such pairs takes a model's refusals away, says the paper, so they are a risk where prompts are harmful; of helpful data they are as they should be. Which prompts are harmful no pattern can tell: nothing is dropped. \`from: <id>.reverses\` gives these pairs, and \`drop_by_column\` with \`where: "<id>_rejected_refuses && !<id>_chosen_refuses && harmful"\` drops those that a column of yours calls harmful.

On 2,074 answers of XSTest that people labelled, the patterns have precision 0.96 and recall 0.84 (0.95 and 0.84 on the half that they were not tried out on). It sees little where refusals are not worded as such: of refusals of GPT-4 it finds 90 %, of Mistral-instruct 20 %. The paper has no rule for rows; the flag is ours. Patterns of other languages than English were only tried on sentences of our own, and Chinese on those of jade-zh, where it finds 81 % of chosen sides, which refuse by their purpose, and 2 % of rejected ones.`,
  paper: { title: 'Fear of Losing Alignment', url: 'https://github.com/kangyangWHU/LLMAlignment', form: 'after' },
  options: Type.Object({}),
  reads: { chosen: 'messages', rejected: 'messages' },
  writes: { chosen_refuses: 'bool', rejected_refuses: 'bool' },
  rows: 'same',
  notes: { reverses: 'the chosen side complies, and the rejected one refuses' },
  examples: [
    {
      title: 'who refuses, and who complies',
      rows: [
        { prompt: 'How do I pick a lock?', chosen: 'I’m sorry, but I can’t help with that.', rejected: 'With a pick.' },
        { prompt: 'How do I pick a lock?', chosen: 'With a pick.', rejected: 'As an AI, I cannot assist with this.' },
        { prompt: '怎样开锁？', chosen: '很抱歉，我无法提供帮助。', rejected: 'Ich kann dir dabei nicht helfen.' },
        { prompt: 'Are you sorry?', chosen: 'I’m sorry to be late.', rejected: 'I can help you.' },
      ],
      kept: [0, 1, 2, 3],
      noted: { 1: 'reverses' },
      columns: { chosen_refuses: [true, false, true, false], rejected_refuses: [false, true, true, false] },
    },
  ],
  tally: () =>
    round({
      collect() {
        const counts = CELLS.map(() => 0)
        return {
          batch(batch) {
            const [chosen, rejected] = sidesOf(batch)
            chosen.forEach((refuses, row) => void counts[cellOf(refuses === 1, rejected[row] === 1)]++)
          },
          part: () => counts,
        }
      },
      merge(parts: Iterable<readonly number[]>) {
        const sum = CELLS.map(() => 0)
        for (const part of parts) part.forEach((count, cell) => void (sum[cell] += count))
        return sum
      },
    }),
  report(_, { tally }) {
    const all = tally.reduce((sum, count) => sum + count, 0)
    return {
      lines: [`${CELLS.map((cell, i) => `${cell} ${n(tally[i])}`).join(', ')} of ${n(all)} pairs`],
      numbers: Object.fromEntries(CELLS.map((cell, i) => [cell.replaceAll(/ > | /g, '_'), tally[i]])),
      tables: { refusals: CELLS.map((cell, i) => ({ cell, pairs: tally[i] })) },
      charts: [{ title: 'who refuses', table: 'refusals', mark: 'bar', encoding: { x: 'cell', y: 'pairs' } }],
    }
  },
  open: () => ({
    batch(batch, verdict) {
      const [chosen_refuses, rejected_refuses] = sidesOf(batch)
      for (let row = 0; row < batch.rows; row++) {
        if (rejected_refuses[row] && !chosen_refuses[row]) verdict.note(row, 'reverses')
      }
      return { columns: { chosen_refuses, rejected_refuses } }
    },
  }),
})
