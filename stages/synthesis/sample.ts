/** A seeded sample of rows that errors can be made in, bounded whatever the number of rows, and their edits as style differences. */
import { mix32 } from '../../engine/arrow/hash.ts'
import { createFeaturiser } from '../../models/features.ts'
import type { DenseRows } from '../../models/rows.ts'
import { createPairText } from '../../models/tokens.ts'
import type { Batch, Context } from '../define.ts'
import { createInjector, type Injector } from './edits.ts'
import { Solution } from './solution.ts'
import { workedRows } from './solutions.ts'

/** a sample is filled if at least this share of all rows can be edited */
const EDITABLE = 1 / 32
/** rows with more code units are not sampled: what a partition sets apart must fit in memory */
const MOST_CHARS = 16_384

/** A row that is set apart: its solution, with a seed and a hash that depend on its content alone. */
export interface Picked { readonly hash: number, readonly seed: number, readonly prompt: string, readonly text: string }

/** At most `most[h]` rows of half h of all rows, those with the lowest hashes, in order. */
export type Halves = readonly [readonly Picked[], readonly Picked[]]

/** Keeps the rows with the lowest hashes of each half. Rows of equal content are one row. */
export function keeper(most: readonly [number, number], rate: (most: number) => number = () => 1) {
  const kept: [Picked[], Picked[]] = [[], []]
  const limits = most.map(rows => rate(rows) * 2 ** 32)
  const settle = (half: 0 | 1) => {
    kept[half] = kept[half].sort((a, b) => a.hash - b.hash).filter((one, i, all) => i === 0 || one.hash !== all[i - 1].hash).slice(0, most[half])
    if (kept[half].length === most[half]) limits[half] = Math.min(limits[half], (kept[half].at(-1)?.hash ?? -1) + 1)
  }
  return {
    /** Whether a row of this hash may be among the lowest. */
    wants: (half: 0 | 1, hash: number): boolean => most[half] > 0 && hash < limits[half],
    add(half: 0 | 1, row: Picked): void {
      if (kept[half].push(row) >= 2 * most[half]) settle(half)
    },
    halves(): Halves {
      settle(0)
      settle(1)
      return kept
    },
  }
}

export const halfOf = ({ seed }: Pick<Picked, 'seed'>): 0 | 1 => seed & 1 ? 1 : 0

/** Sets rows apart in which an error can be made, at most `most` of each half. */
export function sampler(most: readonly [number, number], context: Context) {
  const { wants, add, halves } = keeper(most, rows => rows / EDITABLE / Math.max(1, context.expectedRows))
  return {
    batch(batch: Batch) {
      const read = workedRows(batch, context.seed)
      for (let row = 0; row < batch.rows; row++) {
        const worked = read(row)
        if (!worked) continue
        const { seed } = worked, hash = mix32(seed ^ 0x7e11)
        if (!wants(halfOf(worked), hash)) continue
        const { text, prompt = '' } = worked.solution
        if (text.length + prompt.length <= MOST_CHARS && !('refused' in createInjector(worked.solution, seed))) add(halfOf(worked), { hash, seed, prompt, text })
      }
    },
    partial: halves,
  }
}

/** The lowest of all parts. */
export function gather(partials: Iterable<unknown>, most: readonly [number, number]): Halves {
  const { add, halves } = keeper(most)
  for (const part of partials as Iterable<Halves>) part.forEach((rows, half) => { for (const row of rows) add(half as 0 | 1, row) })
  return halves()
}

/** Edits of rows, by the style of the original minus that of the edited text; those of the n-th row are `starts[n]` to `starts[n + 1]`. */
export interface Sample { readonly rows: DenseRows, readonly classes: Uint8Array, readonly hashes: Uint32Array, readonly starts: readonly number[] }

/** The edits that `visit` makes of each row, each with a class of its own. Rows of which none can be made are left out. */
export function styleOf(picked: readonly Picked[], visit: (injector: Injector, row: Picked) => readonly { readonly at: number, readonly text: string }[]): Sample {
  const featuriser = createFeaturiser('style', { max_rows: 1 << 20, max_values: 1 << 30 })
  const pair = createPairText(), encoder = new TextEncoder()
  const read = (side: typeof pair.prompt, text: string) => { const bytes = encoder.encode(text); side.read(bytes, 0, bytes.length) }
  const classes: number[] = [], hashes: number[] = [], starts: number[] = []
  for (const row of picked) {
    const injector = createInjector(new Solution(row.text, row.prompt), mix32(row.seed))
    const made = 'refused' in injector ? [] : visit(injector, row)
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
  return { rows: featuriser.view() as DenseRows, classes: Uint8Array.from(classes), hashes: Uint32Array.from(hashes), starts }
}
