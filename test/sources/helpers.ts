/** Small tables for tests of sources. */
import { Field, Null, Schema, type DataType, type RecordBatch } from 'apache-arrow'
import { messagesColumn, take, textColumn, type Message } from '../../engine/arrow/columns.ts'
import { toRecordBatch } from '../../engine/arrow/flow.ts'
import type { SourceBatch } from '../../engine/source/input.ts'
import { openConverter, type ConvertOptions } from '../../engine/source/convert.ts'
import { columnOf, type Mapping } from '../../engine/source/mapping.ts'
import type { LayoutName } from '../../engine/source/layout_table.ts'
import { refusalOf } from '../../engine/map/refusal.ts'
import { findLayout, nearMiss, wantedLayout } from '../../engine/source/layouts.ts'
import { jsonValueOf } from '../../engine/arrow/plain.ts'
import { fromValues, typeOfValue, unifyJson } from '../../engine/source/values.ts'

export type Row = Readonly<Record<string, unknown>>

/** A raw batch of objects; types are those of the values, or the ones given. */
export function table(rows: readonly Row[], types: Readonly<Record<string, DataType>> = {}): RecordBatch {
  const names = [...new Set([...Object.keys(types), ...rows.flatMap(Object.keys)])]
  const fields = names.map(
    name =>
      new Field(name, types[name] ?? rows.map(row => typeOfValue(row[name])).reduce(unifyJson, new Null())!, true),
  )
  return toRecordBatch(
    new Schema(fields),
    fields.map(field =>
      fromValues(
        field.type,
        rows.map(row => row[field.name]),
      ),
    ),
    rows.length,
  )
}

/** Rows [start, end) of a batch. */
export const cut = (batch: RecordBatch, start: number, end: number): RecordBatch =>
  toRecordBatch(
    batch.schema,
    batch.data.children.map(child => take(child, [start, end])),
    end - start,
  )

export const rowsFrom = (start: number, end: number): Uint32Array =>
  Uint32Array.from({ length: end - start }, (_, i) => start + i)

export interface Pair {
  readonly id: string
  readonly prompt: Message[]
  readonly chosen: Message[]
  readonly rejected: Message[]
  readonly [column: string]: unknown
}

/** Pairs as objects, with all their columns; of answers there is no rejected side. */
export function pairsOf({ pairs }: Pick<SourceBatch, 'pairs'>): Pair[] {
  const sides = ['prompt', 'chosen', 'rejected'].filter(side => columnOf(pairs, side))
  const columns = sides.map(side => messagesColumn(columnOf(pairs, side)!))
  return Array.from(
    { length: pairs.numRows },
    (_, row) =>
      ({
        ...Object.fromEntries(
          pairs.schema.fields.map((field, c) => [field.name, jsonValueOf(pairs.data.children[c], row)]),
        ),
        ...Object.fromEntries(sides.map((side, s) => [side, columns[s].messages(row)])),
      }) as unknown as Pair,
  )
}

export interface Read {
  readonly layout: string
  readonly pairs: Pair[]
  readonly rows: number[]
  readonly refused: Record<number, string>
  readonly ids: string[]
}

/** The layout of a table, named or found; throws what a run says where none fits. */
export function detectLayout(
  schema: Schema,
  samples: readonly RecordBatch[],
  wanted?: LayoutName,
  answer?: string,
): Mapping {
  if (wanted) return wantedLayout(schema, samples, wanted, answer)
  const found = findLayout(schema, samples)
  if (!found) throw new Error(refusalOf(schema, samples, nearMiss(schema), []))
  return found
}

/** Detects and converts one table, cut into batches at these rows. */
export function read(
  batch: RecordBatch,
  options: ConvertOptions & { layout?: LayoutName; cuts?: readonly number[] } = {},
): Read {
  const plan = detectLayout(batch.schema, [batch], options.layout)
  const converter = openConverter(plan, batch.schema, options)
  const pairs: Pair[] = [],
    rows: number[] = [],
    refused: Record<number, string> = {},
    ids: string[] = []
  const edges = [0, ...(options.cuts ?? []), batch.numRows]
  for (let i = 1; i < edges.length; i++) {
    const got = converter.convert(cut(batch, edges[i - 1], edges[i]), rowsFrom(edges[i - 1], edges[i]))
    pairs.push(...pairsOf(got))
    rows.push(...got.row)
    for (const { row, reason } of got.refused) refused[row] = reason
    const names = textColumn(got.ids)
    for (let row = 0; row < names.rows; row++) ids.push(names.text(row))
  }
  return { layout: plan.layout, pairs, rows, refused, ids }
}

export const user = (content: string): Message => ({ role: 'user', content })
export const assistant = (content: string): Message => ({ role: 'assistant', content })
export const system = (content: string): Message => ({ role: 'system', content })
