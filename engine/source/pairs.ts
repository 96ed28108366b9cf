/** Pairs of a file: its raw rows, converted by the layout that was found when it was opened. */
import type { Schema } from 'apache-arrow'
import type { AnySource, RowRange } from '../contract/define.ts'
import { findPath } from '../map/paths.ts'
import type { MapSpec } from '../map/spec.ts'
import type { Tree } from '../map/made.ts'
import { treeOf, treePaths } from '../map/tree.ts'
import { openMapped, type ConvertOptions } from './convert.ts'
import type { InputFile, SourceBatch } from './input.ts'
import type { SourceOptions } from './options.ts'
import { pairingOf } from './pairing.ts'
import { rowsAt } from './pick.ts'
import { rawRows, rawSchema, type RawPlan } from './raw.ts'

type Read = Pick<InputFile, 'path' | 'plan'>

/** Which columns are carried: what stands in rows that cannot be read is no pair's. */
export const carryOf = ({ unread }: RawPlan, names: readonly unknown[], options: SourceOptions): ConvertOptions => ({
  ...pairingOf(options),
  ties: options.ties,
  opposed: options.opposed,
  carry: options.columns ?? (unread && names.map(String).filter(name => name !== unread.text)),
})

/** Reads rows of a file in order. */
export async function* readPairs(
  source: AnySource,
  options: SourceOptions,
  { path, plan: { raw, map, pairs, columns } }: Read,
  range: RowRange,
): AsyncGenerator<SourceBatch> {
  const schema = rawSchema(raw, columns),
    tree = map?.tree && (await treeIn(source, options, { path, raw }, map)),
    converter = openMapped(map, pairs, schema, { ...carryOf(raw, schema.names, options), ...(tree ? { tree } : {}) }),
    faults = new Map<number, string>()
  let at = 0
  for await (const rows of rawRows(source, { ...options }, { path, raw }, range, columns, faults)) {
    const batch = converter.convert(rows, rowsAt(range, at, rows.numRows))
    // what could not be read is all null, which no layout takes for a pair
    const refused = batch.refused.map(one =>
      faults.has(one.row) ? { row: one.row, reason: 'unreadable_line', error: faults.get(one.row)! } : one,
    )
    yield faults.size === 0 ? batch : { ...batch, refused }
    at += rows.numRows
  }
}

/** The messages of a file that is read again and again, range by range. */
const trees = new WeakMap<RawPlan, Tree>()

/** All messages of a file, whichever rows of it are read. */
async function treeIn(
  source: AnySource,
  options: SourceOptions,
  file: { readonly path: string; readonly raw: RawPlan },
  map: MapSpec,
): Promise<Tree> {
  const known = trees.get(file.raw)
  if (known) return known
  const pathsIn = (schema: Schema) => treePaths(map, text => findPath(schema, text), [])!,
    names = Object.values(pathsIn(rawSchema(file.raw))).map(({ column }) => column)
  const tree: Tree = new Map()
  for await (const batch of rawRows(source, { ...options }, file, { start: 0, end: file.raw.rows }, names)) {
    treeOf(pathsIn(batch.schema), batch, tree)
  }
  trees.set(file.raw, tree)
  return tree
}
