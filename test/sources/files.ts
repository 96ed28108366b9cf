/** Reads a whole input through a source, as the engine would. */
import { expect } from 'vitest'
import { textColumn } from '../../engine/arrow/columns.ts'
import type { AnySource } from '../../engine/contract/define.ts'
import type { InputFile } from '../../engine/source/input.ts'
import { openInputs } from '../../engine/source/open.ts'
import type { SourceOptions } from '../../engine/source/options.ts'
import { readPairs } from '../../engine/source/pairs.ts'
import { pairsOf, type Pair } from './helpers.ts'

export const optionsOf = (path: string, more: Partial<SourceOptions> = {}) =>
  ({ path, more_paths: [], layout: 'auto', pairing: 'adjacent', ...more }) as never

export interface All {
  readonly files: InputFile[]
  readonly pairs: Pair[]
  readonly refused: Map<string, string>
  readonly errors: Map<number, string>
  readonly rows: number
}

/** All pairs of an input; each file read in steps of so many rows. `refused` is by id, `errors` by row. */
export async function readAll(
  source: AnySource,
  base: string,
  path: string,
  more: Partial<SourceOptions> = {},
  step = Infinity,
): Promise<All> {
  const options = optionsOf(path, more)
  const files = await openInputs(source, options, base)
  const pairs: Pair[] = [],
    refused = new Map<string, string>(),
    errors = new Map<number, string>()
  let rows = 0
  for (const file of files) {
    const sent = structuredClone({ path: file.path, layout: file.layout, plan: file.plan })
    for (let start = 0; start < file.rows; start += step) {
      let at = start
      for await (const batch of readPairs(source, options, sent, { start, end: Math.min(file.rows, start + step) })) {
        expect([...batch.rows]).toEqual(Array.from({ length: batch.raw.numRows }, (_, i) => at + i))
        expect(batch.pairs.schema.fields.map(String)).toEqual(file.schema.fields.map(String))
        expect(new Set([...batch.row, ...batch.refused.map(({ row }) => row)]).size).toBe(batch.raw.numRows)
        const names = textColumn(batch.ids)
        expect(names.rows).toBe(batch.raw.numRows)
        for (const { row, reason, error } of batch.refused) {
          expect(source.reasons).toHaveProperty(reason)
          refused.set(names.text(batch.rows.indexOf(row)), reason)
          if (error) errors.set(row, error)
        }
        pairs.push(...pairsOf(batch))
        at += batch.raw.numRows
        rows += batch.raw.numRows
      }
      expect(at).toBe(Math.min(file.rows, start + step))
    }
  }
  return { files, pairs, refused, errors, rows }
}
