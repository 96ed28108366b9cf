/** A sample of rows of numbers by the smallest hashes: the same ones however the rows are cut, all where few enough. */

/** Of row i `hashes[i]`, and `width` numbers from `values[i * width]`; with at most `most` rows once it is cut. */
export interface LeastNumbers {
  readonly most: number
  readonly width: number
  hashes: number[]
  values: number[]
}
export const leastNumbers = (most: number, width: number): LeastNumbers => ({ most, width, hashes: [], values: [] })

/** Adds a row: where `at` numbers begin, `width` of them. */
export function addNumbers(to: LeastNumbers, hash: number, numbers: ArrayLike<number>, at = 0): void {
  to.hashes.push(hash)
  for (let i = 0; i < to.width; i++) to.values.push(numbers[at + i])
  if (to.hashes.length >= 2 * to.most) cutNumbers(to)
}

/** Adds what another part took. */
export function mergeNumbers(to: LeastNumbers, { hashes, values, width }: LeastNumbers): void {
  hashes.forEach((hash, i) => addNumbers(to, hash, values, i * width))
}

/** Leaves the smallest hashes, in their order; of equal ones those of smaller numbers. */
export function cutNumbers(of: LeastNumbers): void {
  const { hashes, values, width, most } = of
  const compare = (a: number, b: number): number => {
    let order = hashes[a] - hashes[b]
    for (let i = 0; order === 0 && i < width; i++) order = values[a * width + i] - values[b * width + i]
    return order
  }
  const kept = Float64Array.from(hashes.keys()).sort(compare).subarray(0, most)
  of.hashes = Array.from(kept, row => hashes[row])
  of.values = []
  for (const row of kept) for (let i = 0; i < width; i++) of.values.push(values[row * width + i])
}
