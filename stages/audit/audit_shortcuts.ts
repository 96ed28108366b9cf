/** Whether the chosen side can be told without its prompt: what a model may learn instead of what is asked for. */
import { defineAudit, optional, round, Type } from '../../engine/contract/define.ts'
import type { Estimate } from '../../models/metrics.ts'
import { FEWEST, gather, READERS, sampler, shortcutsOf, type SamplePart, type Shortcuts } from './shortcuts.ts'

const SHOWN = {
  words: 'by its words',
  style: 'by its style',
  longer: 'as the longer one',
} as const
const Z95 = 1.959963984540054
const n = (count: number) => count.toLocaleString('en-US')
const percent = (part: number) => (100 * part).toFixed(1)
const interval = ({ value, low, high }: Estimate) => `${percent(value)} % [${percent(low)}, ${percent(high)}]`
const signed = (value: number) => (value < 0 ? '' : '+') + value.toFixed(2)

/** What gives the chosen side away, best first. */
const surest = ({ found }: Shortcuts) =>
  found && READERS.map(name => ({ name, ...found[name] })).sort((a, b) => b.low - a.low)[0]

function linesOf(name: string, shortcuts: Shortcuts, warn_share: number): string[] {
  const { pairs, found, controls } = shortcuts
  if (!found) return [`${name}: ${n(pairs)} pairs are too few to look for shortcuts (${FEWEST} are the least)`]
  const best = surest(shortcuts)!,
    sure = controls.filter(({ value, error }) => Math.abs(value) > Z95 * error)
  return [
    `${name}: without its prompt the chosen side is found ${Object.entries(SHOWN)
      .map(([key, how]) => `${how} in ${interval(found[key as keyof typeof SHOWN])}`)
      .join(', ')} of ${n(pairs)} pairs`,
    ...(best.low > warn_share
      ? [
          `warning: ${name}: ${best.name} alone find the chosen side in ${percent(best.low)} % of pairs at least: a model may learn to tell it so, whatever is asked; score_shortcuts says which pairs they decide`,
        ]
      : []),
    ...(sure.length > 0
      ? [
          `${name}: go with the label, in log-odds: ${sure.map(({ name, value, error }) => `${name} ${signed(value)} ± ${(Z95 * error).toFixed(2)}`).join(', ')}`,
        ]
      : []),
    `${name}: the side with more of its words in the prompt is the chosen one in ${interval(found.copies)}`,
    ...(found.shown_first ? [`${name}: the side shown first is the chosen one in ${interval(found.shown_first)}`] : []),
  ]
}

const pair = { prompt: 'Name a prime.', chosen: 'Seven.', rejected: 'Nine.' }

export default defineAudit({
  name: 'audit_shortcuts',
  version: 1,
  status: { is: 'proven here', shown: 'docs/benchmarks/audits.md' },
  summary: 'Say in how many pairs the chosen side is found without its prompt: by words, style, length, manners.',
  details: `A linear head that sees the two sides and not the prompt is trained on the pairs of other prompts, in five folds, and says of each pair which side is the chosen one: once by hashed words and pairs of words, once by style, the 39 counts of \`detect_noise\` without the two of the prompt. 50 % is chance. Where the lower end of its 95 % interval is above \`warn_share\`, a line warns: one side is of another format, or another writer.
What is found is there to be learned; that a model learns it does not follow, and where the better answer is the longer one for good reason the audit cannot tell. It found real faults: all chosen sides of mr-gsm8k end in a line with ####, and no rejected one does.

Then come the weights of one logistic regression of the label, as style control has it: \`length\` in words (of Chinese and Japanese in characters), Markdown \`headers\`, \`lists\` and \`bold\` outside of code, each as (a - b) / (a + b + 1), ridge 0.5. Beside them manners that please: whether a side opens with \`praise\`, \`agreement\` or an \`apology\`, and \`gives_in\`: either of these after the prompt doubts an answer ("Are you sure?"). The patterns are our own, English and Chinese.
A weight is in log-odds for one root mean square of the feature. Features are not centred, as they are there: with "the chosen side won" as every outcome, the mean is the answer. With \`first_column\`, true or above 0 where the chosen side was shown first, there is a weight of the position too.

Words of the prompt in a side are counted to see whether copying pays. They are no sign of truth: of FIB's summaries of CNN/DM the one with more words of its text is the consistent one in 6.6 % of pairs.

Looked at are \`sample_rows\` pairs of each input, those with the smallest hashes of their content; pairs with an empty side or two equal ones are left out, and equal pairs count once.`,
  paper: { title: 'PRISMM-Bench: A Benchmark of Peer-Review Grounded Multimodal Inconsistencies', form: 'after' },
  options: Type.Object({
    sample_rows: Type.Integer({
      minimum: FEWEST,
      maximum: 20_000,
      default: 4000,
      description: 'pairs of each input that are looked at',
    }),
    warn_share: Type.Number({
      minimum: 0.5,
      maximum: 1,
      default: 0.7,
      description: 'warns where words or style surely find the chosen side in more of the pairs',
    }),
    first_column: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'bool or number column: above 0 where the chosen side was shown first',
      }),
    ),
  }),
  inputs: ({ first_column }) => {
    const columns = {
      prompt: 'messages',
      chosen: 'messages',
      rejected: 'messages',
      ...(first_column === undefined ? {} : { [first_column]: 'number' }),
    } as const
    return { before: optional(columns), kept: columns, dropped: optional(columns) }
  },
  examples: [
    {
      title: 'a few pairs say nothing; one with an empty side is none',
      inputs: { before: [pair, { ...pair, prompt: 'A prime?' }], kept: [pair], dropped: [{ ...pair, rejected: '' }] },
      numbers: { kept: { pairs: 1 }, before: { pairs: 2 }, dropped: { pairs: 0 } },
    },
    {
      title: 'the chosen side is the one that says more, and thanks for the question',
      inputs: {
        kept: Array.from({ length: 240 }, (_, i) => ({
          prompt: `What is ${i} and ${i}?`,
          chosen: `Great question! Together they are ${2 * i}, of course.`,
          rejected: `It is ${2 * i}.`,
        })),
      },
      numbers: { words: 1, style: 1, kept: { pairs: 240, longer: 1 } },
    },
  ],
  tally: ({ sample_rows, first_column }) =>
    round({
      collect: context => sampler(sample_rows, READERS, context, first_column),
      merge: (parts: Iterable<SamplePart>, context) => shortcutsOf(gather(parts, sample_rows), context),
    }),
  report({ warn_share }, { before, kept, dropped }, previous) {
    const inputs = Object.entries({ kept, before, dropped }).flatMap(([input, of]) => (of ? [{ input, of }] : [])),
      now = surest(kept),
      then = before && surest(before)
    const shares = inputs.flatMap(({ input, of: { found = {} } }) =>
      Object.entries(found).map(([by, { value, low, high }]) => ({ input, by, share: value, low, high })),
    )
    return {
      lines: [
        ...inputs.flatMap(({ input, of }) => linesOf(input, of, warn_share)),
        ...(typeof previous?.words === 'number' && typeof previous.style === 'number'
          ? [`it was ${percent(previous.words)} % by words and ${percent(previous.style)} % by style in the run before`]
          : []),
        ...(now && then && now.low > then.high
          ? ['warning: what is kept gives its chosen side away more than what was there before']
          : []),
      ],
      numbers: {
        ...(kept.found ? { words: kept.found.words.value, style: kept.found.style.value } : {}),
        ...Object.fromEntries(
          inputs.map(({ input, of: { pairs, found = {}, controls } }) => [
            input,
            {
              pairs,
              ...Object.fromEntries(Object.entries(found).map(([by, { value }]) => [by, value])),
              ...(controls.length > 0
                ? { weights: Object.fromEntries(controls.map(({ name, value }) => [name, value])) }
                : {}),
            },
          ]),
        ),
      },
      tables: {
        shares,
        weights: inputs.flatMap(({ input, of: { controls } }) =>
          controls.map(({ name, value, error, used }) => ({
            input,
            feature: name,
            weight: value,
            low: value - Z95 * error,
            high: value + Z95 * error,
            differs: used,
          })),
        ),
      },
      charts: [
        {
          title: 'the chosen side is found without its prompt',
          table: 'shares',
          mark: 'bar',
          encoding: { x: 'by', y: 'share', color: 'input' },
        },
        {
          title: 'weights of style and manners',
          table: 'weights',
          mark: 'bar',
          encoding: { x: 'feature', y: 'weight', color: 'input' },
        },
      ],
    }
  },
})
