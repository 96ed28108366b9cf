/** What six trainers would cut of these pairs, and how many fit into which lengths. */
import { choice, defineAudit, optional, round, Type, type Context, type Worry } from '../../engine/contract/define.ts'
import { share } from '../../models/metrics.ts'
import { effectOf, TRAINERS, type Trainer } from './cutting.ts'
import { TINY } from './tiny.ts'
import { auditFiles, tokenOptions, tokenReader, type TokenOptions } from './tokenizer.ts'
import {
  addTruncated,
  countEffect,
  guessLines,
  noneTruncated,
  pairsOf,
  truncatedLine,
  type Truncated,
} from './truncation.ts'

/** Lengths that are looked at, in tokens of the prompt and the longer side. */
const LENGTHS = [256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768] as const
/** Share of pairs that lose something from which on it is said at the top. */
const MUCH = 0.1

interface Tally {
  readonly trainers: Record<Trainer, Truncated>
  /** Pairs that fit into each of the lengths. */
  readonly fit: number[]
}
const nothing = (): Tally => ({
  trainers: Object.fromEntries(TRAINERS.map(trainer => [trainer, noneTruncated()])) as Record<Trainer, Truncated>,
  fit: LENGTHS.map(() => 0),
})

const counter = (options: TokenOptions & { length_tokens: number }) => (context: Context<undefined>) => {
  const { ends, of } = tokenReader(options, context),
    seen = nothing()
  return {
    batch(batch: Parameters<typeof of>[0]) {
      const tokens = of(batch)
      for (let row = 0; row < batch.rows; row++) {
        const pair = tokens(row)
        for (const trainer of TRAINERS) {
          const effect = typeof pair === 'string' ? undefined : effectOf(trainer, pair, ends, options.length_tokens)
          countEffect(seen.trainers[trainer], effect)
        }
        if (typeof pair === 'string') continue
        const length = pair.prompt.length + Math.max(pair.chosen.length, pair.rejected.length) + ends
        LENGTHS.forEach((most, i) => void (seen.fit[i] += length <= most ? 1 : 0))
      }
    },
    part: () => seen,
  }
}

const percent = (part: number) => `${(100 * part).toFixed(1)} %`
const n = (count: number) => count.toLocaleString('en-US')

/** Which side is cut more often than the other, beyond chance. */
function unequal({ chosen_alone, rejected_alone }: Truncated): string[] {
  const { value, low, high } = share(chosen_alone, chosen_alone + rejected_alone)
  if (!(low > 0.5 || high < 0.5)) return []
  return [
    `warning: of pairs that lose tokens of one side alone it is the chosen one in ${percent(value)} [${percent(low)}, ${percent(high)}]: cut answers are worse ones, and a label may say so no longer`,
  ]
}

function worriesOf(trainer: Trainer, max: number, of: Truncated): Worry[] {
  const pairs = pairsOf(of),
    lost = share(pairs - of.whole, pairs)
  if (!(lost.low > MUCH)) return []
  return [
    {
      level: 'look',
      name: 'cut',
      value: `${(100 * lost.value).toFixed(0)} %`,
      said: `of the pairs kept do not fit into ${n(max)} tokens as ${trainer} cuts them`,
      why: 'A model learns from answers that stop in the middle, or pairs are left out without a word: train with more tokens, or drop such pairs by drop_truncated.',
    },
  ]
}

const ask = { prompt: 'Name a prime', chosen: 'Seven', rejected: 'Nine' }
const columns = { prompt: 'messages', chosen: 'messages', rejected: 'messages' } as const

export default defineAudit({
  name: 'audit_truncation',
  version: 1,
  status: { is: 'proven here', shown: 'docs/benchmarks/audits.md' },
  summary: 'Say what trainers would cut of these pairs at a length, and how many fit into which lengths.',
  details: `A trainer cuts, or leaves out, what is longer than its \`max_length\`, and says little of it. For each of six rules a table has how many pairs stay whole, which side loses its end, and how many pairs become equal, lose all of a side, or lose what differs; \`drop_truncated\` says what each rule is, and drops the pairs that teach nothing. A line warns where one side is cut more often than the other, beyond chance.

A second table has the share of pairs whose prompt and longer side fit into 256 to 32,768 tokens. Tokens are those of \`add_tokens\`: by the tokenizer and template of a model, or guessed by characters. All pairs are tokenized, at 50,000 to 200,000 tokens a second for each worker: of very many take a sample first (\`sample_rows\`).

An input is all pairs that are about to be written, as \`kept\`; \`before\` and \`dropped\` are counted beside it where the graph gives them.`,
  options: Type.Object({
    trainer: choice([...TRAINERS], {
      default: 'trl',
      description: 'whose rule lines and warnings are about; the table has all',
    }),
    length_tokens: Type.Integer({
      minimum: 8,
      default: 1024,
      description: 'tokens of prompt and side that the trainer takes: its `max_length`',
    }),
    ...tokenOptions,
  }),
  files: auditFiles,
  inputs: { before: optional(columns), kept: columns, dropped: optional(columns) },
  examples: [
    {
      title: 'of two pairs one loses the end of its chosen side; guessed by characters',
      options: { length_tokens: 8 },
      inputs: { kept: [ask, { ...ask, chosen: 'Seven, which nothing divides but one' }], before: [ask] },
      numbers: { whole: 0.5, kept: { pairs: 2, whole: 1, chosen_alone: 1 }, before: { pairs: 1, whole: 1 } },
    },
    {
      title: 'by a tokenizer and its template, which refuses one of them',
      options: {
        trainer: 'openrlhf',
        length_tokens: 8,
        tokenizer: 'tokenizer.json',
        tokenizer_config: 'tokenizer_config.json',
      },
      files: TINY,
      inputs: { kept: [ask, { ...ask, prompt: [{ role: 'system', content: 'a' }] }], dropped: [ask] },
      numbers: { kept: { pairs: 2, whole: 1, no_template: 1 } },
    },
  ],
  tally: options =>
    round({
      collect: counter(options),
      merge(parts: Iterable<Tally>) {
        const sum = nothing()
        for (const { trainers, fit } of parts) {
          for (const trainer of TRAINERS) addTruncated(sum.trainers[trainer], trainers[trainer])
          fit.forEach((count, i) => void (sum.fit[i] += count))
        }
        return sum
      },
    }),
  report({ trainer, length_tokens, ...options }, { before, kept, dropped }, previous) {
    const inputs = Object.entries({ kept, before, dropped }).flatMap(([input, of]) => (of ? [{ input, of }] : [])),
      now = kept.trainers[trainer],
      whole = now.whole / pairsOf(now)
    return {
      lines: [
        ...inputs.map(({ input, of }) => `${input}: ${truncatedLine(trainer, length_tokens, of.trainers[trainer])}`),
        ...unequal(now),
        ...(typeof previous?.whole === 'number' ? [`it was ${percent(previous.whole)} whole in the run before`] : []),
        ...guessLines(options),
      ],
      numbers: {
        ...(pairsOf(now) > 0 ? { whole } : {}),
        ...Object.fromEntries(
          inputs.map(({ input, of }) => [input, { pairs: pairsOf(of.trainers[trainer]), ...of.trainers[trainer] }]),
        ),
      },
      tables: {
        trainers: inputs.flatMap(({ input, of }) =>
          TRAINERS.map(name => ({ input, trainer: name, pairs: pairsOf(of.trainers[name]), ...of.trainers[name] })),
        ),
        lengths: inputs.flatMap(({ input, of }) => {
          const pairs = pairsOf(of.trainers[trainer]) - of.trainers[trainer].no_template
          return pairs === 0 ? [] : LENGTHS.map((tokens, i) => ({ input, tokens, share: of.fit[i] / pairs }))
        }),
      },
      charts: [
        {
          title: `pairs that stay whole at ${n(length_tokens)} tokens`,
          table: 'trainers',
          mark: 'bar',
          encoding: { x: 'trainer', y: 'whole', color: 'input' },
        },
        {
          title: 'pairs that fit into so many tokens',
          table: 'lengths',
          mark: 'line',
          encoding: { x: 'tokens', y: 'share', color: 'input' },
        },
      ],
      worries: worriesOf(trainer, length_tokens, now),
    }
  },
})
