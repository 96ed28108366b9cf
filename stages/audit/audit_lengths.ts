/** The plainest bias there is: in how many pairs the chosen side is the longer one, kept and dropped ones apart. */
import { defineAudit, optional, round, Type, type Batch } from '../../engine/contract/define.ts'
import { share } from '../../models/metrics.ts'
import { lengthWorries } from './length_worries.ts'
import { addByName, byName, cut, valueOf, type ByName, type Rule } from '../kit/by_name.ts'

/** Pairs by which side has more bytes of text; pairs of which a side has none are left out. */
interface Lengths {
  chosen: number
  equal: number
  rejected: number
}
const none = (): Lengths => ({ chosen: 0, equal: 0, rejected: 0 })
const add = (to: Lengths, from: Lengths): void => {
  for (const side of ['chosen', 'equal', 'rejected'] as const) to[side] += from[side]
}
interface Tally {
  readonly all: Lengths
  readonly byName: ByName<Lengths>
}
const names: Rule<Lengths> = { most: 10_000, none }

/**
 * How well "the longer side is the better one" tells the sides of these pairs apart: the share of pairs in which it is,
 * ties half (the AUROC), with its 95 % interval.
 */
export const longerWins = ({ chosen, equal, rejected }: Lengths) => ({
  pairs: chosen + equal + rejected,
  ...share(chosen + equal / 2, chosen + equal + rejected),
})
type Wins = ReturnType<typeof longerWins>

/** True if the second pairs lean on length as the first do, and beyond chance more. */
export const leansMore = (before: Wins, after: Wins): boolean =>
  before.value >= 0.5 ? after.low > before.high : after.high < before.low

const percent = (part: number) => (100 * part).toFixed(1)
const intervalText = ({ value, low, high }: Wins) => `${percent(value)} % [${percent(low)}, ${percent(high)}]`

/** Names that a table shows, those with the most pairs. */
const SHOWN = 40
const hello = { prompt: 'Hi', chosen: 'Hello there', rejected: 'No' }
const sides = { chosen: 'messages', rejected: 'messages' } as const

function countLengths(batch: Batch, by: string | undefined, tally: Tally): void {
  const chosen = batch.messages('chosen'),
    rejected = batch.messages('rejected'),
    texts = by === undefined ? undefined : batch.text(by)
  for (let row = 0; row < batch.rows; row++) {
    const a = chosen.end(row) - chosen.start(row),
      b = rejected.end(row) - rejected.start(row)
    if (a === 0 || b === 0) continue
    const longer = a > b ? 'chosen' : a < b ? 'rejected' : 'equal'
    tally.all[longer]++
    if (!texts) continue
    const named = valueOf(tally.byName, texts.isNull(row) ? '(none)' : texts.text(row), names)
    if (named) named[longer]++
  }
}

export default defineAudit({
  name: 'audit_lengths',
  version: 1,
  summary: 'Say in how many pairs the chosen side is the longer one: before, of what is kept, and of what is dropped.',
  details: `50 % says nothing; far above it, a trainer learns to write more whatever it writes. Ties count half, pairs of which a side is empty are left out, and the interval is that of 95 %. A line warns where what is kept leans on
length more than what was there before, beyond chance. With \`by\` each value of a text column is counted apart, as a \`source\` of the data; of more than 10,000 values some are left out, the same ones however the rows lie in files.

Lengths are bytes of all messages of a side. Whether the longer answer is the better one, or people were only impressed by it, the audit cannot tell.`,
  options: Type.Object({
    max_share: Type.Number({
      minimum: 0.5,
      maximum: 1,
      default: 1,
      description: 'a run is refused if the chosen side is longer in more of the kept pairs',
    }),
    by: Type.Optional(Type.String({ minLength: 1, description: 'text column; each of its values is counted apart' })),
  }),
  inputs: ({ by }) => {
    const columns = { ...sides, ...(by === undefined ? {} : { [by]: 'text' as const }) }
    return { before: optional(columns), kept: columns, dropped: optional(columns) }
  },
  examples: [
    {
      title: 'what is kept leans on length, more than in the run before',
      options: { max_share: 0.9 },
      inputs: {
        before: [hello, { ...hello, chosen: hello.rejected, rejected: hello.chosen }],
        kept: [hello],
        dropped: [{ ...hello, chosen: hello.rejected, rejected: hello.chosen }],
      },
      previous: { kept: 0.5 },
      numbers: { before: 0.5, kept: 1, dropped: 0 },
      refuse: ['the chosen side is longer in 100.0 % of the kept pairs, and max_share allows 90.0 %'],
    },
    {
      title: 'by source; a tie counts half, and a pair without an answer not at all',
      options: { by: 'source' },
      inputs: {
        kept: [
          { ...hello, source: 'chat' },
          { prompt: 'Name a prime.', chosen: 'Seven', rejected: 'Eight', source: 'maths' },
          { prompt: 'Name a river.', chosen: 'Po', rejected: '', source: 'maths' },
        ],
      },
      numbers: { kept: 0.75, by_name: { chat: { kept: 1 }, maths: { kept: 0.5 } } },
    },
  ],
  tally: ({ by }) =>
    round({
      collect() {
        const tally: Tally = { all: none(), byName: byName() }
        return {
          batch: batch => countLengths(batch, by, tally),
          part() {
            cut(tally.byName, names)
            return tally
          },
        }
      },
      merge(parts: Iterable<Tally>) {
        const sum: Tally = { all: none(), byName: byName() }
        for (const part of parts) {
          add(sum.all, part.all)
          addByName(sum.byName, part.byName, names, add)
        }
        return sum
      },
    }),
  report({ max_share, by }, { before, kept, dropped }, previous) {
    const inputs = Object.entries({ before, kept, dropped }).flatMap(([input, tally]) =>
      tally ? { input, tally } : [],
    )
    const rowsOf = (lengthsOf: (tally: Tally) => Lengths | undefined) =>
      inputs.flatMap(({ input, tally }) => {
        const { pairs, value, ...ends } = longerWins(lengthsOf(tally) ?? none())
        return pairs === 0 ? [] : [{ input, pairs, share: value, ...ends }]
      })
    const lengths = rowsOf(({ all }) => all),
      numbersOf = (rows: typeof lengths) => Object.fromEntries(rows.map(({ input, share }) => [input, share]))
    const named = [...new Set(inputs.flatMap(({ tally }) => [...tally.byName.values.keys()]))]
      .map(name => {
        const rows = rowsOf(({ byName }) => byName.values.get(name))
        return { name, rows, pairs: rows.reduce((n, { pairs }) => n + pairs, 0) }
      })
      .sort((a, b) => b.pairs - a.pairs || (a.name < b.name ? -1 : 1))
      .slice(0, SHOWN)
    const now = longerWins(kept.all),
      then = longerWins(before?.all ?? none())
    const texts = inputs.flatMap(({ input, tally }) => {
      const wins = longerWins(tally.all)
      return wins.pairs === 0 ? [] : [`${intervalText(wins)} of ${input}`]
    })
    const leans = now.pairs > 0 && then.pairs > 0 && leansMore(then, now)
    return {
      lines: [
        texts.length > 0
          ? `the longer side is the chosen one in ${texts.join(', ')}`
          : 'no pair has text on both sides, so nothing can be said of lengths',
        ...(typeof previous?.kept === 'number'
          ? [`it was in ${percent(previous.kept)} % of kept in the run before`]
          : []),
        ...(leans
          ? [
              `warning: what is kept leans on length more than what was there before: a trainer learns more from it to write ${then.value >= 0.5 ? 'long' : 'short'} answers`,
            ]
          : []),
      ],
      numbers: {
        ...numbersOf(lengths),
        ...(by === undefined
          ? {}
          : { by_name: Object.fromEntries(named.map(({ name, rows }) => [name, numbersOf(rows)])) }),
      },
      tables: {
        lengths,
        ...(by === undefined
          ? {}
          : { by_name: named.flatMap(({ name, rows }) => rows.map(row => ({ name, ...row }))) }),
      },
      worries: lengthWorries(now, then, longerWins(dropped?.all ?? none())),
      charts: [
        {
          title: 'the longer side is the chosen one',
          table: 'lengths',
          mark: 'bar',
          encoding: { x: 'input', y: 'share', low: 'low', high: 'high' },
        },
        ...(by === undefined
          ? []
          : [
              {
                title: `the same by ${by}`,
                table: 'by_name',
                mark: 'bar' as const,
                encoding: { x: 'name', y: 'share', color: 'input' },
              },
            ]),
      ],
      refuse:
        now.pairs > 0 && now.value > max_share
          ? [
              `the chosen side is longer in ${percent(now.value)} % of the kept pairs, and max_share allows ${percent(max_share)} %`,
            ]
          : [],
    }
  },
})
