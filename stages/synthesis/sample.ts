/**
 * A seeded sample of rows that errors can be made in, bounded whatever the number of rows, and their edits as style
 * differences.
 */
import { mix32 } from '../../engine/arrow/hash.ts'
import { createFeaturiser } from '../../models/features.ts'
import type { DenseRows } from '../../models/rows.ts'
import { createPairText } from '../../models/tokens.ts'
import type { Batch, Context } from '../../engine/contract/define.ts'
import { smallestOf, type Smallest } from '../kit/sample.ts'
import { createInjector, type Injector } from './edits.ts'
import type { EditLimits } from './limits.ts'
import { ready, type EditType } from './operators/all.ts'
import { Solution } from './solution.ts'
import { rawRows, work, type Raw, type Unit } from './solutions.ts'

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

const keeper = (most: readonly [number, number]) => most.map(rows => smallestOf<Picked>(rows))
const halvesOf = ([even, odd]: readonly Smallest<Picked>[]): Halves => [even.values(), odd.values()]

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

/** Sets rows apart in which an error can be made, at most `most` of each half. */
export function sampler(most: readonly [number, number], types: readonly EditType[], unit: Unit, context: Context) {
  const lowest = keeper(most)
  let rows = 0
  return {
    async batch(batch: Batch) {
      rows += batch.rows
      if (most[0] + most[1] === 0) return
      await ready(types)
      const read = rawRows(batch, context.seed, types, seed => lowest[halfOf(seed)].wants(hashOf(seed)))
      for (let row = 0; row < batch.rows; row++) {
        const raw = read(row)
        if (typeof raw !== 'string' && raw.text.length + raw.problem.length <= MOST_CHARS) {
          lowest[halfOf(raw.seed)].offer(hashOf(raw.seed), () => pick(raw, types, unit))
        }
      }
    },
    part: (): Part => ({ halves: halvesOf(lowest), rows }),
  }
}

function pick(raw: Raw, types: readonly EditType[], unit: Unit): Picked | undefined {
  const worked = work(raw, types, unit)
  return typeof worked === 'string'
    ? undefined
    : { hash: hashOf(raw.seed), seed: worked.seed, prompt: worked.solution.prompt ?? '', text: worked.solution.text }
}

/** The lowest of all parts. */
export function gather(parts: Iterable<Part>, most: readonly [number, number]): Gathered {
  const lowest = keeper(most)
  let rows = 0
  for (const part of parts) {
    rows += part.rows
    part.halves.forEach((kept, half) => {
      for (const row of kept) lowest[half].offer(row.hash, () => row)
    })
  }
  const halves = halvesOf(lowest),
    kept = halves[1]
  // of hashes that lie evenly, the highest of those kept says how many there are
  const reach = kept.length === most[1] && kept.length > 0 ? (kept[kept.length - 1].hash + 1) / 2 ** 32 : 1
  const found = kept.length + 2 * Math.sqrt(kept.length) + 2
  return { halves, rows, editable: kept.length ? Math.min(1, (2 * found) / reach / Math.max(1, rows)) : 1 }
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
