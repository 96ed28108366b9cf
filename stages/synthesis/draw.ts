import { mix32 } from '../../engine/arrow/hash.ts'

/** A seeded source of whole numbers below `n`, at most 2^32. */
export type Draw = (n: number) => number

/** Numbers that depend on the 32-bit seed and nothing else. */
export function drawer(seed: number): Draw {
  const key = mix32(seed)
  let count = 0
  return (n) => {
    count = count + 0x9e3779b9 | 0
    return mix32(key + count | 0) % n
  }
}

/** A copy in an order drawn evenly. */
export function shuffled<T>(list: readonly T[], draw: Draw): T[] {
  const out = [...list]
  for (let i = out.length - 1; i > 0; i--) {
    const j = draw(i + 1)
    const kept = out[i]
    out[i] = out[j]
    out[j] = kept
  }
  return out
}

/** Indices of weights above zero, in an order in which each next one is drawn by weight from those that are left (Efraimidis and Spirakis 2006). */
export function weightedOrder(weights: readonly number[], draw: Draw): number[] {
  const keys = weights.map((weight) => weight > 0 ? -Math.log((draw(0x7fffffff) + 1) / 0x80000000) / weight : Infinity)
  return [...keys.keys()].filter((i) => keys[i] < Infinity).sort((a, b) => keys[a] - keys[b] || a - b)
}
