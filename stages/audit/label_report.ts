/** What audit_labels reports of labels of equal pairs. */
import type { Report, Worry } from '../../engine/contract/define.ts'
import { share, type Estimate } from '../../models/metrics.ts'
import { circlesIn, disagreement, wrongShare } from '../../models/repeats.ts'
import type { Labels, Sides } from './label_counts.ts'

/** Annotators that a table shows, those with the most labels to compare. */
const SHOWN = 40
/** Who is named has so many comparisons, and agrees so much less than all together: of many some are low by chance. */
const FEWEST = 30
const FAR = 0.1

const n = (count: number) => count.toLocaleString('en-US')
const percent = (part: number) => (100 * part).toFixed(1)
const interval = ({ value, low, high }: Estimate) => `${percent(value)} % [${percent(low)}, ${percent(high)}]`
const ends = (name: string, { value, low, high }: Estimate) => ({
  [name]: value,
  [`${name}_low`]: low,
  [`${name}_high`]: high,
})

const estimate = ({ value, low, high }: Estimate) => ({ share: value, low, high })

export function labelReport({ rows, pairs, prompts }: Labels, by?: string): Report {
  const repeated = [...pairs.values.values()].filter(({ sides: [low, high] }) => low + high > 1),
    contradicted = repeated.reduce((sum, { sides }) => sum + disagreement(...sides), 0),
    opposite = repeated.reduce((sum, { sides: [low, high] }) => sum + (low > 0 && high > 0 ? low + high : 0), 0),
    disagree = share(contradicted, repeated.length),
    wrong = wrongShare(disagree, 2)
  const circles = circlesOf(prompts.values.values()),
    people = by === undefined ? [] : agreements(repeated)
  const seen = pairs.limit === Infinity ? n(pairs.values.size) : `${n(pairs.values.size)} that were looked at`
  const lines: string[] = []
  if (repeated.length > 0) {
    lines.push(
      `two labels of one pair disagree in ${interval(disagree)} of cases (${n(repeated.length)} of ${seen} pairs have more than one)`,
      `so ${interval(wrong)} of labels are wrong, if errors are independent${wrong.low > 0 && wrong.value < 0.5 ? `; where detect_noise says that less than ${percent(wrong.low)} % are, set its noise_rate: ${wrong.value.toFixed(2)}` : ''}`,
    )
  }
  if (circles) {
    const { triples, share: circular, wrong } = circles
    lines.push(
      `of ${n(triples)} triples of answers that were all compared ${interval(circular)} go round in a circle: ${interval(wrong)} of labels are wrong, if answers have one order`,
    )
  }
  if (lines.length === 0) {
    lines.push('no pair has two labels, and no three answers are all compared: nothing here says how many are wrong')
  }
  const all = share(
      people.reduce((sum, { agreed }) => sum + agreed, 0),
      people.reduce((sum, { compared }) => sum + compared, 0),
    ),
    apart = people.filter(
      ({ compared, value, high }) => compared >= FEWEST && high < all.low && value < all.value - FAR,
    )
  for (const { name, compared, ...agreement } of apart.slice(0, 3)) {
    lines.push(
      `warning: ${name} agrees with others in ${interval(agreement)} of ${n(compared)} comparisons, all together in ${percent(all.value)} %: look at these labels first`,
    )
  }
  const table = people.slice(0, SHOWN).map(({ name, compared, value, low, high }) => ({
    name,
    compared,
    agreement: value,
    low,
    high,
  }))
  return {
    lines,
    numbers: {
      labels: rows,
      pairs: pairs.values.size,
      repeated: repeated.length,
      ...(repeated.length > 0 ? { ...ends('disagree', disagree), ...ends('wrong', wrong) } : {}),
      ...(circles
        ? { triples: circles.triples, ...ends('circles', circles.share), ...ends('wrong_by_circles', circles.wrong) }
        : {}),
      ...(by === undefined
        ? {}
        : { by_name: Object.fromEntries(table.map(({ name, agreement }) => [name, agreement])) }),
    },
    ...(disagree.low > 0 ? { worries: [bothWays(contradicted, opposite, repeated.length, disagree)] } : {}),
    tables: {
      wrong_labels: [
        ...(repeated.length > 0 ? [{ what: 'by pairs labelled more than once', ...estimate(wrong) }] : []),
        ...(circles ? [{ what: 'by answers that go round in a circle', ...estimate(circles.wrong) }] : []),
      ],
      ...(by === undefined ? {} : { by_name: table }),
    },
    ...(by === undefined
      ? {}
      : {
          charts: [
            {
              title: `agreement with the others by ${by}`,
              table: 'by_name',
              mark: 'bar' as const,
              encoding: { x: 'name', y: 'agreement' },
            },
          ],
        }),
  }
}

/** That labels of one pair are opposite ones. */
const bothWays = (contradicted: number, labels: number, repeated: number, disagree: Estimate): Worry => ({
  level: 'look',
  name: 'both ways',
  value: n(Math.round(contradicted)),
  said: `of ${n(repeated)} pairs labelled twice or more have opposite labels, ${n(labels)} rows: ${percent(disagree.value)} %`,
  why: `They are ${interval(disagree)} of such pairs: some of all labels are wrong, also where a pair has but one.`,
})

/** Of the prompts together; undefined where no three answers are all compared. What is tied has no direction. */
function circlesOf(prompts: Iterable<{ readonly pairs: ReadonlyMap<string, Sides> }>) {
  let triples = 0,
    circles = 0,
    compared = 0
  for (const { pairs } of prompts) {
    const edges = [...pairs].flatMap(([name, [low, high]]): [string, string][] => {
      const [a, b] = name.split(' ')
      return low === high ? [] : [low > high ? [a, b] : [b, a]]
    })
    const found = circlesIn(edges)
    triples += found.triples
    circles += found.circles
    compared += found.compared
  }
  if (triples === 0) return undefined
  // triples share their pairs: no more of them speak for themselves than there are without a pair in common
  const apart = compared / 3,
    found = share((circles / triples) * apart, apart)
  return { triples, share: found, wrong: wrongShare(found, 4) }
}

interface Agreement extends Estimate {
  readonly name: string
  readonly agreed: number
  readonly compared: number
}

/** How often each annotator's labels are those of others for the same pairs; who can be compared most comes first. */
function agreements(pairs: Iterable<{ readonly sides: Sides; readonly by: ReadonlyMap<string, Sides> }>): Agreement[] {
  const sums = new Map<string, { agreed: number; compared: number }>()
  for (const { sides, by } of pairs) {
    for (const [name, own] of by) {
      const [low, high] = [sides[0] - own[0], sides[1] - own[1]]
      if (low + high === 0) continue
      if (!sums.has(name)) sums.set(name, { agreed: 0, compared: 0 })
      const sum = sums.get(name)!
      sum.agreed += own[0] * low + own[1] * high
      sum.compared += (own[0] + own[1]) * (low + high)
    }
  }
  return [...sums]
    .map(([name, { agreed, compared }]) => ({ name, agreed, compared, ...share(agreed, compared) }))
    .sort((a, b) => b.compared - a.compared || (a.name < b.name ? -1 : 1))
}
