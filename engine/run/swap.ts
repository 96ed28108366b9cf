/** Pairs whose sides change places, with all that belongs to the sides. */
import { DataType, type Data, type Field } from 'apache-arrow'
import type { Output } from '../contract/define.ts'
import { concat, take } from '../arrow/columns.ts'
import type { Flow } from '../arrow/flow.ts'
import { DataError } from '../errors.ts'

/** What the sides are called in names of columns. */
const words = [
  ['chosen', 'rejected'],
  ['Chosen', 'Rejected'],
  ['CHOSEN', 'REJECTED'],
] as const

const isNumber = (type: DataType): boolean => DataType.isInt(type) || DataType.isFloat(type)

/**
 * Columns of the two sides, two and two: `chosen` and `rejected`, those whose names differ in these words alone, and
 * `also`. Throws where numbers cannot take each other's place; what else is of two types is left alone.
 */
function twins(
  stage: string,
  fields: readonly Field[],
  also: readonly (readonly [string, string])[],
): [number, number][] {
  const at = new Map(fields.map(({ name }, i) => [name, i]))
  const named = [
    ...fields.flatMap(({ name }) =>
      words.flatMap(([ours, theirs]) => (name.includes(ours) ? [[name, name.replace(ours, theirs)] as const] : [])),
    ),
    ...also,
  ]
  const pairs = [...new Map(named.map(([ours, theirs]) => [at.get(ours)!, at.get(theirs)!]))].filter(
    ([, b]) => b !== undefined,
  )
  return pairs.filter(([a, b]) => {
    const ours = fields[a],
      theirs = fields[b],
      isAlike = String(ours.type) === String(theirs.type) && ours.nullable === theirs.nullable
    if (!isAlike && isNumber(ours.type) && isNumber(theirs.type)) {
      const kind = ({ name, type, nullable }: typeof ours) => `'${name}' is ${type}${nullable ? '' : ', never null'}`
      throw new DataError(
        `${stage}: ${kind(ours)} and ${kind(theirs)}: they belong to the sides and cannot change places with them; give both one type (in JSON Lines 4.0 is float64, 4 is int64)`,
      )
    }
    return isAlike
  })
}

/**
 * The columns that differ once the sides of some rows have changed places; `left` are those that stay, though their
 * name is that of a side.
 */
export function swapped(
  stage: string,
  flow: Flow,
  { rows, also = [] }: NonNullable<Output['swapped']>,
): { columns: Map<string, Data>; left: readonly string[] } {
  const columns = new Map<string, Data>(),
    { fields } = flow.schema,
    pairs = twins(stage, fields, also),
    move = new Set(pairs.flat())
  if (!rows.includes(1)) return { columns, left: [] }
  for (const [a, b] of pairs) {
    const both = concat([flow.columns[a], flow.columns[b]])
    const side = (first: number) =>
      take(
        both,
        Array.from(rows, (swap, row) => {
          const at = row + (swap ? 1 - first : first) * flow.rows
          return [at, at + 1]
        }).flat(),
      )
    columns.set(flow.schema.fields[a].name, side(0)).set(flow.schema.fields[b].name, side(1))
  }
  return {
    columns,
    left: fields.flatMap(({ name }, i) => (/chosen|rejected/i.test(name) && !move.has(i) ? [name] : [])),
  }
}
