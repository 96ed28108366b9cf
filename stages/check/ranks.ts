/** Order statistics of any number of float32 values: exact, in two passes and bounded memory. */

const HIGH = 1 << 16
const bits = new Uint32Array(1),
  float = new Float32Array(bits.buffer)

/** A whole number that is ordered as the float is. */
function keyOf(value: number): number {
  float[0] = value
  return (bits[0] & 0x8000_0000 ? ~bits[0] : bits[0] | 0x8000_0000) >>> 0
}

function valueOf(key: number): number {
  bits[0] = key & 0x8000_0000 ? key & 0x7fff_ffff : ~key
  return float[0]
}

/** The values at these ranks, from 0, among all of `parts`, which are gone through twice. NaN where there are fewer. */
export function atRanks(parts: Iterable<Float32Array>, ranks: readonly number[]): number[] {
  // the upper half of a key says in which bin a value is, the lower half where in the bin
  const bins = new Float64Array(HIGH)
  for (const part of parts) for (const value of part) bins[keyOf(value) >>> 16]++
  const found = ranks.map(rank => {
    let bin = 0,
      below = 0
    while (bin < HIGH && below + bins[bin] <= rank) below += bins[bin++]
    return { bin, rest: rank - below }
  })
  const inside = new Map(found.map(({ bin }) => [bin, new Float64Array(HIGH)]))
  for (const part of parts) {
    for (const value of part) {
      const key = keyOf(value),
        own = inside.get(key >>> 16)
      if (own) own[key & (HIGH - 1)]++
    }
  }
  return found.map(({ bin, rest }) => {
    if (bin === HIGH) return NaN
    const own = inside.get(bin)!
    let low = 0
    while (own[low] <= rest) rest -= own[low++]
    return valueOf((bin * HIGH + low) >>> 0)
  })
}
