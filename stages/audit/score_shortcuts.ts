/** How likely a pair's chosen side is the better one by its surface alone: the pairs that teach a shortcut. */
import { choice, defineStage, round, Type } from '../../engine/contract/define.ts'
import { sigmoid } from '../../models/head.ts'
import { headJudge, packHeads } from '../../models/heads.ts'
import { FEWEST, foldsOf, gather, READERS, rowMaker, sampler, trained, type SamplePart } from './shortcuts.ts'
import { Reader } from '../review/sample.ts'

const percent = (part: number) => (100 * part).toFixed(1)

export default defineStage({
  name: 'score_shortcuts',
  version: 1,
  category: 'weigh and balance',
  status: { is: 'worth nothing here', shown: 'docs/benchmarks/audits.md' },
  summary: 'Say of every pair how likely its chosen side is the better one to who does not see the prompt.',
  details: `\`probability\` is that of the label from a head that sees the two sides and no prompt, trained on up to \`sample_rows\` pairs of other prompts: near 1 the surface alone decides the pair for its label, near 0 against it, and at 0.5 it does not tell. It is what \`audit_shortcuts\` counts, pair by pair.

To thin what the surface decides: \`drop_by_column\` with \`where: "<id>_probability > 0.8"\`. Where much is dropped so, the surface speaks against what is left, which is a shortcut too; \`where: "<id>_probability > 0.8 || <id>_probability < 0.2"\` takes both ends, the lower one with labels that are wrong, and with good pairs that the shortcut gets wrong.

It measures as worth nothing here. Linear heads on words that learned from pairs thinned so told pairs of other prompts no better than heads that learned from as many pairs at random, be the chosen side the longer or the shorter one: the mean of both accuracies differs by less than 0.01. So it drops nothing by itself. Use it to look at what a line of \`audit_shortcuts\` warns of: \`order_by: <id>_probability\` of a sink.`,
  paper: { title: 'PRISMM-Bench: A Benchmark of Peer-Review Grounded Multimodal Inconsistencies', form: 'after' },
  options: Type.Object({
    reader: choice(READERS, {
      default: 'style',
      description: 'what is seen of the sides. words: what they say; style: how they are written',
    }),
    sample_rows: Type.Integer({
      minimum: FEWEST,
      maximum: 20_000,
      default: 4000,
      description: 'pairs that heads are trained on; all pairs are scored',
    }),
  }),
  reads: { prompt: 'messages', chosen: 'messages', rejected: 'messages' },
  writes: { probability: 'float64' },
  rows: 'same',
  examples: [
    {
      title: 'of a few pairs there is nothing to learn',
      rows: [{ prompt: 'Name a prime.', chosen: 'Seven.', rejected: 'Nine.' }],
      kept: [0],
      columns: { probability: [null] },
    },
  ],
  fit: ({ reader, sample_rows }) =>
    round({
      collect: context => sampler(sample_rows, [reader], context),
      merge(parts: Iterable<SamplePart>, context) {
        const pairs = gather(parts, sample_rows)
        if (pairs.length < FEWEST) return { pairs: pairs.length }
        const { fit, found, seed } = trained(pairs, 0, context)
        return { pairs: pairs.length, found, judge: { heads: packHeads([fit]), seed } }
      },
    }),
  report({ reader }, { state: { pairs, found } }) {
    return {
      lines: [
        found
          ? `${reader} alone find the chosen side in ${percent(found.value)} % [${percent(found.low)}, ${percent(found.high)}] of ${pairs.toLocaleString('en-US')} pairs of other prompts than they learned from`
          : `${pairs} pairs are too few to learn shortcuts from (${FEWEST} are the least): no pair has a probability`,
      ],
      numbers: { pairs, ...(found ? { found: { ...found } } : {}) },
    }
  },
  open({ reader }, { state: { judge } }) {
    if (!judge) return { batch: ({ rows }) => ({ columns: { probability: new Float64Array(rows).fill(NaN) } }) }
    const score = headJudge(judge.heads),
      texts = new Reader(0),
      maker = rowMaker([reader])
    return {
      batch(batch) {
        const prompts = new Uint32Array(batch.rows)
        texts.open(batch)
        for (let row = 0; row < batch.rows; row++) {
          texts.read(row)
          prompts[row] = texts.promptHash
          maker.append(texts.texts(row))
        }
        return { columns: { probability: score(maker.take()[0], [foldsOf(prompts, judge.seed)])[0].map(sigmoid) } }
      },
    }
  },
})
