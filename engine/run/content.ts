/** What stands for the content of what a run leaves between its passes: equal values have equal names. */
import { createHash, type Hash } from 'node:crypto'
import { serialize } from 'node:v8'

/**
 * A hash of a value that survives v8.serialize: of the value, and not of its bytes there, as one number is written in
 * two ways.
 */
export function contentOf(value: unknown): string {
  let hash = createHash('sha256')
  try {
    add(hash, value)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    // it holds itself, or goes too deep
    hash = createHash('sha256').update(serialize(value))
  }
  return hash.digest('hex').slice(0, 32)
}

function add(hash: Hash, value: unknown): void {
  if (typeof value !== 'object' || value === null) {
    const text = Object.is(value, -0) ? '-0' : String(value)
    hash.update(`${typeof value} ${text.length} `)
    // halves of characters would all be one in UTF-8
    hash.update(text, text.isWellFormed() ? 'utf8' : 'utf16le')
  } else if (ArrayBuffer.isView(value)) {
    hash.update(`${value.constructor.name} ${value.byteLength} `)
    hash.update(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))
  } else if (value instanceof Map || value instanceof Set || (Array.isArray(value) && hasEntriesAlone(value))) {
    hash.update(`${value.constructor.name} ${'size' in value ? value.size : value.length} `)
    for (const entry of value as Iterable<unknown>) add(hash, entry)
  } else if (isPlain(value)) {
    const entries = Object.entries(value)
    hash.update(`object ${entries.length} `)
    for (const entry of entries) add(hash, entry)
  } else hash.update(serialize(value))
}

/** Whether a list has no holes, and nothing by name, as what `match` gives has. */
const hasEntriesAlone = (value: readonly unknown[]): boolean => Object.keys(value).length === value.length
const isPlain = (value: object): boolean => {
  const made = Object.getPrototypeOf(value) as unknown
  return made === null || made === Object.prototype
}
