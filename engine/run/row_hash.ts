/** What stands for the content of a pair, on lists for people and in what they decide by them. */
import { hash as digest } from 'node:crypto'
import { Field, Utf8, type Data, type List, type Schema } from 'apache-arrow'
import { makeText } from '../arrow/columns.ts'
import { Batch, withColumns, type Flow } from '../arrow/flow.ts'
import { HASH_COLUMN } from '../graph/columns.ts'
import { besideTexts } from '../source/further_fields.ts'
import { pairHasher } from '../source/ids.ts'

const columnOf = ({ schema, columns }: Flow, name: string): Data | undefined =>
  columns[schema.fields.findIndex(field => field.name === name)]

const decoder = new TextDecoder()
/**
 * The content hash of each row of a block: of the texts of prompt and sides, and of what their messages say beside
 * them. Undefined where it has no two sides.
 */
export function hasher(flow: Flow): ((row: number) => string) | undefined {
  const [prompt, chosen, rejected] = ['prompt', 'chosen', 'rejected'].map(name => columnOf(flow, name))
  if (!prompt || !chosen || !rejected) return undefined
  const pair = pairHasher(prompt as Data<List>, chosen as Data<List>, rejected as Data<List>),
    batch = new Batch(flow),
    beside = (['prompt', 'chosen', 'rejected'] as const).map(side => besideTexts(batch, side))
  return row => {
    const texts = decoder.decode(pair(row)),
      more = beside.map(of => of(row))
    return more.every(text => text === '') ? texts : digest('sha256', JSON.stringify([texts, ...more])).slice(0, 32)
  }
}

/** The content hashes of a block's rows; undefined where they have no two sides. */
export function hashed(flow: Flow): Data | undefined {
  const hash = hasher(flow)
  return hash && makeText(Array.from({ length: flow.rows }, (_, row) => hash(row)))
}
export const hashField = new Field(HASH_COLUMN, new Utf8())

/** Rows of a list for people, of this schema: with their content hashes where it has a column for them. */
export function withHashes(flow: Flow, schema: Schema): Flow {
  const hashes = schema.fields.some(({ name }) => name === HASH_COLUMN) ? hashed(flow) : undefined
  return hashes ? withColumns(flow, schema, new Map([[HASH_COLUMN, hashes]])) : flow
}
