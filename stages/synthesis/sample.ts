/**
 * A seeded sample of rows that errors can be made in, bounded whatever the number of rows, and their edits as style
 * differences.
 */
import { mix32 } from '../../engine/arrow/hash.ts'
import { createFeaturiser } from '../../models/features.ts'
import type { DenseRows } from '../../models/rows.ts'
import { createPairText } from '../../models/tokens.ts'
import type { Batch, Context } from '../../engine/contract/define.ts'
import { createInjector, type Injector } from './edits.ts'
import type { EditLimits } from './limits.ts'
import { ready, type EditType } from './operators/all.ts'
import { Solution } from './solution.ts'
import { rawRows, work, type Raw, type Unit } from './solutions.ts'

/** a sample is filled if at least this share of all rows can be edited */
const EDITABLE = 1 / 32
/** rows with more code units are not sampled: what a partition sets apart must fit in memory */
const MOST_CHARS = 16_384

/** A row that is set apart: its solution, with a seed and a hash that depend on its content alone. */
export interface Picked {
  readonly hash: number
  readonly seed: number
  readonly prompt: string
  readonly text: string
}

/** At most `most[h]` rows of half h of all rows, those with the lowest hashes, in order. */
export type Halves = readonly [readonly Picked[], readonly Picked[]]

/** A row that may be set apart; `open` is only called where no lower ones fill the half. */
interface Waiting {
  readonly hash: number
  open(): Picked | undefined
}

/** Keeps the rows with the lowest hashes of each half. Rows of equal content are one row. */
export function keeper(most: readonly [number, number], rate: (most: number) => number = () => 1) {
  const kept: [Picked[], Picked[]] = [[], []],
    waiting: [Waiting[], Waiting[]] = [[], []]
  const limits = most.map(rows => rate(rows) * 2 ** 32)
  const settle = (half: 0 | 1) => {
    const all = [...kept[half].map((one): Waiting => ({ hash: one.hash, open: () => one })), ...waiting[half]].sort(
        (a, b) => a.hash - b.hash,
      ),
      lowest: Picked[] = []
    for (let i = 0; i < all.length && lowest.length < most[half]; i++) {
      const one = i > 0 && all[i].hash === all[i - 1].hash ? undefined : all[i].open()
      if (one) lowest.push(one)
    }
    kept[half] = lowest
    waiting[half] = []
    if (lowest.length === most[half]) limits[half] = Math.min(limits[half], (lowest.at(-1)?.hash ?? -1) + 1)
  }
  return {
    /** Whether a row of this seed may be among the lowest. */
    wants: (seed: number): boolean => most[halfOf(seed)] > 0 && hashOf(seed) < limits[halfOf(seed)],
    add(half: 0 | 1, row: Waiting): void {
      if (waiting[half].push(row) + kept[half].length >= 2 * most[half]) settle(half)
    },
    halves(): Halves {
      settle(0)
      settle(1)
      return kept
    },
  }
}

const halfOf = (seed: number): 0 | 1 => (seed & 1 ? 1 : 0)
const hashOf = (seed: number): number => mix32(seed ^ 0x7e11)

/**
 * What was set apart, of how many rows, and which share of all rows can be edited: no more than `editable`, in 39 of 40
 * cases.
 */
export interface Gathered {
  readonly halves: Halves
  readonly rows: number
  readonly editable: number
}

export interface Part {
  readonly halves: Halves
  readonly rows: number
}

const rateOf = (most: number, rows: number) => Math.min(1, most / EDITABLE / Math.max(1, rows))

/** Sets rows apart in which an error can be made, at most `most` of each half. */
export function sampler(most: readonly [number, number], types: readonly EditType[], unit: Unit, context: Context) {
  const { wants, add, halves } = keeper(most, rows => rateOf(rows, context.expectedRows))
  let rows = 0
  return {
    async batch(batch: Batch) {
      rows += batch.rows
      if (most[0] + most[1] === 0) return
      await ready(types)
      const read = rawRows(batch, context.seed, types, wants)
      for (let row = 0; row < batch.rows; row++) {
        const raw = read(row)
        if (typeof raw !== 'string' && raw.text.length + raw.problem.length <= MOST_CHARS) {
          add(halfOf(raw.seed), { hash: hashOf(raw.seed), open: () => pick(raw, types, unit) })
        }
      }
    },
    part: (): Part => ({ halves: halves(), rows }),
  }
}

function pick(raw: Raw, types: readonly EditType[], unit: Unit): Picked | undefined {
  const worked = work(raw, types, unit)
  return typeof worked === 'string'
    ? undefined
    : { hash: hashOf(raw.seed), seed: worked.seed, prompt: worked.solution.prompt ?? '', text: worked.solution.text }
}

/** The lowest of all parts. */
export function gather(partials: Iterable<Part>, most: readonly [number, number], expectedRows: number): Gathered {
  const { add, halves } = keeper(most)
  let rows = 0
  for (const part of partials) {
    rows += part.rows
    part.halves.forEach((kept, half) => {
      for (const row of kept) add(half as 0 | 1, { hash: row.hash, open: () => row })
    })
  }
  const all = halves(),
    kept = all[1]
  // of hashes that lie evenly, the highest of those kept says how many there are
  const reach =
    kept.length === most[1] && kept.length > 0
      ? (kept[kept.length - 1].hash + 1) / 2 ** 32
      : rateOf(most[1], expectedRows)
  const found = kept.length + 2 * Math.sqrt(kept.length) + 2
  return { halves: all, rows, editable: kept.length ? Math.min(1, (2 * found) / reach / Math.max(1, rows)) : 1 }
}

/**
 * Edits of rows, by the style of the original minus that of the edited text; those of the n-th row are `starts[n]` to
 * `starts[n + 1]`.
 */
export interface Sample {
  readonly rows: DenseRows
  readonly classes: Uint8Array
  readonly hashes: Uint32Array
  readonly starts: readonly number[]
}

/**
 * The edits that `visit` makes of each row, each with a class of its own. Rows of which none can be made are left out.
 */
export function styleOf(
  picked: readonly Picked[],
  limits: EditLimits,
  visit: (injector: Injector, row: Picked) => readonly { readonly at: number; readonly text: string }[],
): Sample {
  const featuriser = createFeaturiser('style', { max_rows: 1 << 20, max_values: 1 << 30 })
  const pair = createPairText(),
    encoder = new TextEncoder()
  const read = (side: typeof pair.prompt, text: string) => {
    const bytes = encoder.encode(text)
    side.read(bytes, 0, bytes.length)
  }
  const classes: number[] = [],
    hashes: number[] = [],
    starts: number[] = []
  for (const row of picked) {
    const made = visit(createInjector(new Solution(row.text, row.prompt), mix32(row.seed), limits), row)
    if (!made.length) continue
    starts.push(classes.length)
    read(pair.prompt, row.prompt)
    read(pair.chosen, row.text)
    for (const { at, text } of made) {
      read(pair.rejected, text)
      featuriser.append(pair)
      classes.push(at)
      hashes.push(row.hash)
    }
  }
  starts.push(classes.length)
  return {
    rows: featuriser.view() as DenseRows,
    classes: Uint8Array.from(classes),
    hashes: Uint32Array.from(hashes),
    starts,
  }
}
