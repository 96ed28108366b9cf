/** Drawing by a seed: numbers, orders, and orders by weight. */
import { mix32 } from '../../engine/arrow/hash.ts'

/** A seeded source of whole numbers below `n`, at most 2^32. */
export type Draw = (n: number) => number

/** Numbers that depend on the 32-bit seed and nothing else. */
export function drawer(seed: number): Draw {
  const key = mix32(seed)
  let count = 0
  return n => {
    count = (count + 0x9e3779b9) | 0
    return mix32((key + count) | 0) % n
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

/** Indices of weights above zero, each next one drawn by weight from those that are left. */
export function* weightedOrder(weights: readonly number[], draw: Draw): Generator<number, void> {
  const left: number[] = []
  for (let i = 0; i < weights.length; i++) if (weights[i] > 0) left.push(i)
  while (left.length > 0) {
    let sum = 0
    for (const i of left) sum += weights[i]
    let rest = (draw(0x7fffffff) / 0x7fffffff) * sum,
      at = 0
    while (at < left.length - 1 && (rest -= weights[left[at]]) >= 0) at++
    yield left[at]
    left.splice(at, 1)
  }
}
