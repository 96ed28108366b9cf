/** Fields of CSV as values: text, or what the user says that a column holds. */
import { Bool, Float64, Utf8, type DataType } from 'apache-arrow'
import type { CsvRecord } from './csv_records.ts'

export type Kind = 'number' | 'bool'
type Kinds = Readonly<Record<string, Kind>>

const kindOf = (kinds: Kinds, name: string): Kind | undefined => (Object.hasOwn(kinds, name) ? kinds[name] : undefined)

export function typeOf(kinds: Kinds, name: string): DataType {
  const kind = kindOf(kinds, name)
  return kind === 'number' ? new Float64() : kind === 'bool' ? new Bool() : new Utf8()
}

/** What Python writes of a float that has no value, which is none of the numbers either. */
export const isNan = (text: string | null): boolean => text !== null && /^[+-]?(nan|inf(inity)?)$/i.test(text)

function valueOf(name: string, text: string | null, type: Kind | undefined): unknown {
  if (text === null || type === undefined) return text
  if (type === 'bool') {
    if (/^(true|false)$/i.test(text)) return text.toLowerCase() === 'true'
    throw new Error(`${name} is '${text}', and its type is bool: true or false`)
  }
  if (isNan(text)) return null
  const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : NaN
  if (!Number.isFinite(value)) throw new Error(`${name} is '${text}', and its type is number`)
  if (/^[+-]?\d{16,}$/.test(text) && BigInt(text) !== BigInt(value)) {
    throw new Error(`${name} is ${text}, which float64 rounds; read it as text`)
  }
  return value
}

/** The values of a record, or what is wrong with it. */
export function rowOf(
  { fields, fault }: CsvRecord,
  names: readonly string[],
  kinds: Kinds,
): readonly unknown[] | string {
  if (fault) return fault
  if (fields.length !== names.length) return `${fields.length} fields, and the header has ${names.length}`
  try {
    return names.map((name, i) => valueOf(name, fields[i], kindOf(kinds, name)))
  } catch (error) {
    return (error as Error).message
  }
}
