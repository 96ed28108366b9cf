/** A seeded sample of edits as style differences, bounded whatever the number of rows. */
import { mix32 } from '../../engine/arrow/hash.ts'
import { createFeaturiser } from '../../models/features.ts'
import { takeRows, type DenseRows } from '../../models/rows.ts'
import { STYLE_COLUMNS } from '../../models/style.ts'
import { createPairText } from '../../models/tokens.ts'
import type { Batch, Context } from '../define.ts'
import { workedRows, type Worked } from './solutions.ts'

/** a sample is filled if at least this share of all rows can be edited */
const EDITABLE = 1 / 32

/** What one partition adds: for each edit its row's hash, its class, and the style of the original minus that of the edited text. */
interface Part { readonly hashes: Uint32Array, readonly classes: Uint8Array, readonly values: Float32Array }

/** Edits of sampled rows in order of the rows' hashes; those of the n-th row are `starts[n]` to `starts[n + 1]`. */
export interface Sample { readonly rows: DenseRows, readonly classes: Uint8Array, readonly hashes: Uint32Array, readonly starts: readonly number[] }

interface Kept { readonly hash: number, readonly classes: readonly number[], readonly values: Float32Array }

/** Collects the edits that `visit` makes of at most `most` rows of one half of all rows (`half` is 0 or 1): those with the lowest hashes of content and seed. */
export function sampler(half: 0 | 1, most: number, context: Context, visit: (worked: Worked) => readonly { readonly at: number, readonly text: string }[]) {
  const rate = Math.min(1, most / EDITABLE / Math.max(1, context.expectedRows))
  const featuriser = createFeaturiser('style', { max_rows: 1 << 20, max_values: 1 << 30 })
  const pair = createPairText(), encoder = new TextEncoder()
  let kept: Kept[] = []
  let limit = rate * 2 ** 32
  const settle = () => {
    kept = kept.sort((a, b) => a.hash - b.hash).slice(0, most)
    if (most > 0 && kept.length === most) limit = Math.min(limit, kept[most - 1].hash)
  }
  return {
    batch(batch: Batch) {
      if (most === 0) return
      const read = workedRows(batch, context.seed), prompt = batch.messages('prompt')
      for (let row = 0; row < batch.rows; row++) {
        const worked = read(row)
        if (!worked || (worked.seed & 1) !== half) continue
        const hash = mix32(worked.seed ^ 0x7e11)
        if (hash >= limit) continue
        const made = visit(worked)
        if (!made.length) continue
        const before = encoder.encode(worked.solution.text)
        pair.prompt.read(prompt.bytes, prompt.start(row), prompt.end(row))
        pair.chosen.read(before, 0, before.length)
        for (const { text } of made) {
          const after = encoder.encode(text)
          pair.rejected.read(after, 0, after.length)
          featuriser.append(pair)
        }
        kept.push({ hash, classes: made.map(({ at }) => at), values: Float32Array.from(featuriser.view().values) })
        featuriser.clear()
        if (kept.length >= 2 * most) settle()
      }
    },
    partial(): Part {
      settle()
      const each = kept.flatMap(({ hash, classes }) => classes.map((at) => ({ hash, at })))
      return { hashes: Uint32Array.from(each, ({ hash }) => hash), classes: Uint8Array.from(each, ({ at }) => at), values: joined(kept.map(({ values }) => values)) }
    },
  }
}

/** The rows with the lowest hashes of all parts, at most `most`. Rows of equal content are one row. */
export function gather(partials: Iterable<unknown>, most: number): Sample {
  const parts = [...partials as Iterable<Part>]
  const hashes = parts.flatMap((part) => [...part.hashes]), classes = parts.flatMap((part) => [...part.classes])
  const picked: number[] = [], starts: number[] = []
  for (const at of [...hashes.keys()].sort((a, b) => hashes[a] - hashes[b] || a - b)) {
    if (!picked.length || hashes[picked[picked.length - 1]] !== hashes[at]) {
      if (starts.length === most) break
      starts.push(picked.length)
    } else if (picked.slice(starts[starts.length - 1]).some((other) => classes[other] === classes[at])) continue
    picked.push(at)
  }
  starts.push(picked.length)
  const all: DenseRows = { layout: 'dense', columns: STYLE_COLUMNS.length, length: hashes.length, values: joined(parts.map((part) => part.values)) }
  return {
    rows: takeRows(all, Uint32Array.from(picked)) as DenseRows, starts,
    classes: Uint8Array.from(picked, (at) => classes[at]), hashes: Uint32Array.from(picked, (at) => hashes[at]),
  }
}

function joined(parts: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const out = new Float32Array(parts.reduce((n, part) => n + part.length, 0))
  let at = 0
  for (const part of parts) { out.set(part, at); at += part.length }
  return out
}
