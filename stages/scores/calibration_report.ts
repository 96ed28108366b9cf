/** Temperatures of all rows and of each value of a column, and what calibrate_scores says of them. */
import type { Report } from '../../engine/contract/define.ts'
import { measure, noisyCurve, temperatureOf, withoutTemperature, type Bin, type Curve } from './calibration.ts'
import { MOST_NAMES, type Margins, type Seen } from './margins.ts'

/** Margins of a name below which it goes by the temperature of all rows. */
const FEWEST = 200
/** Names that the summary tells, those with the most rows. */
const TOLD = 5

/** Margins as they come. */
const PLAIN: Curve = { temperature: 1, noise: 0 }

type Fit = 'none' | 'temperature' | 'temperature_and_noise'
type Measured = ReturnType<typeof measure>
/** `looked`: margins of the sample. `why`: why it has no curve of its own. `low` and `high` are the ends of `noise`. */
interface Group {
  readonly rows: number
  readonly missing: number
  readonly looked: number
  readonly accuracy: number
  readonly curve: Curve & { readonly low?: number; readonly high?: number }
  readonly why?: string
  readonly before: Measured
  readonly after: Measured
}
export interface Fitted {
  readonly fit: Fit
  readonly all: Group
  readonly names: ReadonlyMap<string, Group>
  /** Names that were too many. */
  readonly isCut: boolean
}

function groupOf(seen: Margins, fit: Fit, bins: number, usual?: Curve): Group {
  const { rows, missing, right, tied } = seen,
    // sorted, so that sums are the same whatever the order of rows
    margins = Float64Array.from(seen.sample.values).sort(),
    isFew = usual !== undefined && rows < FEWEST
  const own =
    fit === 'none' || isFew
      ? undefined
      : fit === 'temperature_and_noise'
        ? noisyCurve(margins)
        : { temperature: temperatureOf(margins) ?? NaN, noise: 0 }
  const isFitted = own !== undefined && own.temperature > 0,
    curve = isFitted ? own : isFew ? usual : PLAIN
  return {
    rows,
    missing,
    looked: margins.length,
    accuracy: rows > 0 ? (right + tied / 2) / rows : 0,
    curve,
    ...(fit === 'none' || isFitted
      ? {}
      : {
          why: isFew
            ? 'too few to tell, so they go by the T of all rows'
            : (withoutTemperature(margins) ?? 'margins say nothing of the labels'),
        }),
    before: measure(margins, PLAIN, bins),
    after: measure(margins, curve, bins),
  }
}

export function fitGroups({ all, byName }: Seen, fit: Fit, bins: number): Fitted {
  const whole = groupOf(all, fit, bins)
  const names = [...byName.values]
    .map(([name, seen]) => [name, groupOf(seen, fit, bins, whole.curve)] as const)
    .sort(([a, one], [b, other]) => other.rows - one.rows || (a < b ? -1 : 1))
  return { fit, all: whole, names: new Map(names), isCut: byName.limit < Infinity }
}

/** How a row's margin becomes a probability. */
export const curveOf = ({ all, names }: Fitted, name: string | undefined): Curve =>
  (name === undefined ? undefined : names.get(name)?.curve) ?? all.curve

const n = (count: number) => count.toLocaleString('en-US')
const percent = (part: number) => (100 * part).toFixed(1)
const errors = ({ ece, nll }: Measured) => `ECE ${ece.toFixed(3)}, NLL ${nll.toFixed(3)}`

function lineOf({ rows, looked, accuracy, curve, why, before, after }: Group, isFit: boolean): string {
  const { temperature, noise, low, high } = curve,
    wrong = low === undefined ? '' : ` and ${percent(noise)} % [${percent(low)}, ${percent(high!)}] of labels wrong`
  return [
    `${n(rows)} margins${looked < rows ? `, ${n(looked)} of them looked at` : ''}: for the label in ${percent(accuracy)} %`,
    `${errors(before)} as they are`,
    ...(why !== undefined ? [why] : isFit ? [`${errors(after)} at T ${temperature.toFixed(2)}${wrong}`] : []),
  ].join('; ')
}

const numbersOf = ({ rows, missing, accuracy, curve, why, before, after }: Group, isFit: boolean) => ({
  rows,
  missing,
  accuracy,
  ...(isFit && why === undefined ? { temperature: curve.temperature } : {}),
  ...(curve.low === undefined ? {} : { noise: curve.noise, noise_low: curve.low, noise_high: curve.high }),
  ...Object.fromEntries(
    (['ece', 'ace', 'mce', 'nll'] as const).flatMap(key => [
      [key, before[key]],
      ...(isFit ? [[`${key}_after`, after[key]]] : []),
    ]),
  ),
})

const points = (fit: string, bins: readonly Bin[]) =>
  bins.map(({ rows, probability, share }) => ({ fit, probability, share, labels: rows }))

/** What the summary and the report say. */
export function calibrationReport({ fit, all, names, isCut }: Fitted, by: string | undefined): Report {
  const isFit = fit !== 'none',
    groups = [...names]
  const reliability = [
    ...points('as they are', all.before.bins),
    ...(isFit ? points('fitted', all.after.bins) : []),
    ...[0, 1].map(p => ({ fit: 'calibrated', probability: p, share: p, labels: 0 })),
  ]
  return {
    lines:
      all.rows === 0
        ? [`none of ${n(all.missing)} pairs has a margin: no probability`]
        : [
            lineOf(all, isFit),
            ...groups.slice(0, TOLD).map(([name, group]) => `${name}: ${lineOf(group, isFit)}`),
            ...(groups.length > TOLD ? [`${n(groups.length - TOLD)} more values of ${by} are in the report`] : []),
            ...(isCut ? [`${by} has more than ${MOST_NAMES} values: the others go by the fit of all rows`] : []),
            ...(all.missing > 0 ? [`${n(all.missing)} pairs have no margin, and no probability`] : []),
            ...(all.rows < FEWEST ? [`${n(all.rows)} margins are too few to tell (${FEWEST} are the least)`] : []),
            'all this is against the labels as given: wrong ones look like scores that are too sure',
          ],
    numbers: {
      ...numbersOf(all, isFit),
      ...(by === undefined
        ? {}
        : { by_name: Object.fromEntries(groups.map(([name, group]) => [name, numbersOf(group, isFit)])) }),
    },
    tables: {
      calibration: [['(all)', all] as const, ...groups].map(([name, group]) => ({ name, ...numbersOf(group, isFit) })),
      reliability,
    },
    charts: [
      {
        title: 'reliability: of labels with this probability so many are as given (every pair as it is and flipped)',
        table: 'reliability',
        mark: 'line',
        encoding: { x: 'probability', y: 'share', color: 'fit' },
      },
      ...(by === undefined
        ? []
        : [
            {
              title: `calibration error by ${by}, as the margins are`,
              table: 'calibration',
              mark: 'bar' as const,
              encoding: { x: 'name', y: 'ece' },
            },
          ]),
    ],
  }
}
