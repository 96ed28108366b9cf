/** Typed arrays of one kind, put end to end. */

type Typed = Uint8Array | Uint32Array | Int32Array | Float64Array

export function endToEnd<T extends Typed>(make: new (length: number) => T, parts: readonly T[]): T {
  const all = new make(parts.reduce((n, part) => n + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
