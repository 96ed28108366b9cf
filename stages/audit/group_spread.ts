/** How differently heads judge the same pairs that were trained on the pairs of one group each (LInCo). */
import type { Batch, Context } from '../../engine/contract/define.ts'
import { dotRow, sigmoid, trainHead } from '../../models/head.ts'
import { combine32, hashString, Random, shuffle } from '../../models/random.ts'
import { concatRows, type Rows } from '../../models/rows.ts'
import { smallestOf } from '../kit/sample.ts'
import { Reader } from '../review/sample.ts'
import { rowMaker } from './shortcuts.ts'

const MOST_ROWS = 4000,
  L2 = 0.01,
  /** Shuffles of which pair is of which group: what their spread is, training noise is. */
  SHUFFLES = 10

interface Measured {
  readonly group: string
  readonly rows: Rows
}
export interface SpreadPart {
  readonly hashes: readonly number[]
  readonly pairs: readonly Measured[]
}
/** The spread, the mean of that with shuffled groups, and its largest value. */
export interface Spread {
  readonly pairs: number
  readonly groups: number
  readonly value: number
  readonly shuffled: number
  readonly most_shuffled: number
}
const seedOf = ({ seed }: Pick<Context, 'seed'>): number => combine32(seed, hashString('spread'))

/** Takes pairs by the smallest hashes of their content; their style is looked at. */
export function spreadSampler(by: string, context: Context) {
  const reader = new Reader(seedOf(context)),
    least = smallestOf<Measured>(MOST_ROWS),
    maker = rowMaker(['style'])
  return {
    batch(batch: Batch): void {
      const names = batch.text(by)
      reader.open(batch)
      for (let row = 0; row < batch.rows; row++) {
        reader.read(row)
        least.offer(reader.contentHash(), () => {
          reader.open(batch)
          reader.read(row)
          maker.append(reader.texts(row))
          return { group: names.isNull(row) ? '(none)' : names.text(row), rows: maker.take()[0] }
        })
        reader.open(batch)
      }
    },
    part: (): SpreadPart => ({ pairs: least.values(), hashes: least.hashes() }),
  }
}

/** Undefined where fewer than two groups have `least` pairs. */
export function spreadOf(
  parts: Iterable<SpreadPart>,
  least: number,
  context: Pick<Context, 'seed'>,
): Spread | undefined {
  const all = smallestOf<Measured>(MOST_ROWS)
  for (const { hashes, pairs } of parts) pairs.forEach((pair, i) => all.offer(hashes[i], () => pair))
  const sizes = new Map<string, number>()
  for (const { group } of all.values()) sizes.set(group, (sizes.get(group) ?? 0) + 1)
  const pairs = all.values().filter(({ group }) => sizes.get(group)! >= least),
    names = [...new Set(pairs.map(({ group }) => group))].sort()
  if (names.length < 2) return undefined
  const rows = concatRows(pairs.map(pair => pair.rows)),
    groups = Uint32Array.from(pairs, ({ group }) => names.indexOf(group)),
    seed = seedOf(context),
    random = new Random(seed)
  const value = spread(rows, groups, names.length, seed),
    shuffled = Array.from({ length: SHUFFLES }, () => spread(rows, shuffle(groups.slice(), random), names.length, seed))
  return {
    pairs: pairs.length,
    groups: names.length,
    value,
    shuffled: shuffled.reduce((sum, one) => sum + one, 0) / SHUFFLES,
    most_shuffled: Math.max(...shuffled),
  }
}

/** Mean over pairs of the standard deviation, over the heads of groups, of P(the chosen side is the better one). */
function spread(rows: Rows, groups: Uint32Array, count: number, seed: number): number {
  const heads = Array.from({ length: count }, (_, g) => {
    const train = Uint32Array.from(groups.keys()).filter(row => groups[row] === g)
    return trainHead(rows, train, L2, { seed, tolerance: 1e-3 }).weights
  })
  let sum = 0
  for (let row = 0; row < rows.length; row++) {
    const said = heads.map(weights => sigmoid(dotRow(rows, row, weights))),
      mean = said.reduce((total, one) => total + one, 0) / count
    sum += Math.sqrt(said.reduce((total, one) => total + (one - mean) ** 2, 0) / count)
  }
  return sum / rows.length
}
