/** What the other comparisons of its two answers say of a pair. */
import { fitNoiseRate, slopeFor } from './calibration.ts'
import { countBefore } from './sorted.ts'
import { fitStack, stackMargins } from './stack.ts'

/** Comparisons of answers, by hashes of prompt and answer: the chosen one of each, and the rejected. */
export interface Comparisons {
  readonly chosen: Uint32Array
  readonly rejected: Uint32Array
}

/**
 * Margins by distinct pair of answers, `low` < `high` and ascending; positive for `low`. A plain object: it survives
 * structured clone.
 */
export interface Standings {
  low: Uint32Array
  high: Uint32Array
  margins: Float32Array
}

/** The comparisons as a graph: answers are nodes, distinct pairs are edges. */
export interface Tournament {
  readonly low: Uint32Array
  readonly high: Uint32Array
  /** By pair: times that `low` was chosen less times that `high` was. */
  readonly won: Int32Array
  /** By pair: its answers as nodes. */
  readonly first: Uint32Array
  readonly second: Uint32Array
  /** The pairs of a node are around[starts[node], starts[node + 1]). */
  readonly starts: Uint32Array
  readonly around: Uint32Array
}

/** An answer with more rivals than this counts its wins without looking behind them: the look costs the square. */
const MOST_RIVALS = 256

/** The graph of those comparisons that say something of another one: an answer of theirs is compared more than once. */
export function tournament({ chosen, rejected }: Comparisons): Tournament {
  const answers = new Uint32Array(2 * chosen.length)
  answers.set(chosen)
  answers.set(rejected, chosen.length)
  answers.sort()
  const repeats = (hash: number) => answers[countBefore(answers.length, i => answers[i] < hash) + 1] === hash
  const picked = Uint32Array.from(chosen, (_, i) => i).filter(
    i => chosen[i] !== rejected[i] && (repeats(chosen[i]) || repeats(rejected[i])),
  )
  const lowOf = (i: number) => Math.min(chosen[i], rejected[i]),
    highOf = (i: number) => Math.max(chosen[i], rejected[i])
  picked.sort((a, b) => lowOf(a) - lowOf(b) || highOf(a) - highOf(b))
  const low: number[] = [],
    high: number[] = [],
    won: number[] = []
  for (const i of picked) {
    const last = low.length - 1
    if (last < 0 || low[last] !== lowOf(i) || high[last] !== highOf(i)) {
      low.push(lowOf(i))
      high.push(highOf(i))
      won.push(0)
    }
    won[low.length - 1] += chosen[i] < rejected[i] ? 1 : -1
  }
  const nodes = Uint32Array.from([...low, ...high])
    .sort()
    .filter((hash, i, all) => hash !== all[i - 1])
  const nodeAt = (hash: number) => countBefore(nodes.length, i => nodes[i] < hash),
    first = Uint32Array.from(low, nodeAt),
    second = Uint32Array.from(high, nodeAt)
  const starts = new Uint32Array(nodes.length + 1)
  for (const node of [...first, ...second]) starts[node + 1]++
  for (let node = 0; node < nodes.length; node++) starts[node + 1] += starts[node]
  const around = new Uint32Array(2 * low.length),
    next = starts.slice()
  first.forEach((node, pair) => {
    around[next[node]++] = pair
    around[next[second[pair]]++] = pair
  })
  return {
    low: Uint32Array.from(low),
    high: Uint32Array.from(high),
    won: Int32Array.from(won),
    first,
    second,
    starts,
    around,
  }
}

/**
 * Margins of comparisons under fitted standings: what all others say, for the chosen side; 0 where they say nothing.
 */
export function standingMargins({ low, high, margins }: Standings, { chosen, rejected }: Comparisons): Float64Array {
  return Float64Array.from(chosen, (ours, i) => {
    const pair = pairAt(low, high, ours, rejected[i])
    return pair < 0 ? 0 : ours < rejected[i] ? margins[pair] : -margins[pair]
  })
}

/**
 * Judges a pair by how its two answers fared against others. `margins` are what other reviewers say of the comparisons
 * in `rows`.
 *
 * First, wins less losses of the chosen answer without this pair, less the same of the rejected one. Then the same sum
 * with every other comparison counted by how far it is to be trusted, from -1 to 1: by its own label, by the first sum
 * of its answers, from which the pair that is judged is left out too, and by what the other reviewers make of it. The
 * pair's own label, and those of its copies, are nowhere in it. (Derived here: two rounds of belief propagation over
 * the graph of comparisons, with one number an answer.) A blind count is worth little where answers are compared along
 * a ranking, each with the next: there it says the opposite of the truth, and whoever weighs reviewers by what they see
 * gives it no weight.
 */
export function fitStandings(
  graph: Tournament,
  rows: Comparisons,
  margins: readonly Float64Array[],
  folds: Uint8Array,
  count: number,
  learned: readonly boolean[],
): Standings {
  const { low, high, first, second, won } = graph,
    pairs = low.length
  const pairOf = Int32Array.from(rows.chosen, (chosen, i) => pairAt(low, high, chosen, rows.rejected[i]))
  const toLow = (i: number) => (rows.chosen[i] < rows.rejected[i] ? 1 : -1)
  const net = new Float64Array(graph.starts.length - 1)
  for (let pair = 0; pair < pairs; pair++) {
    net[first[pair]] += won[pair]
    net[second[pair]] -= won[pair]
  }
  const plain = Float64Array.from(won, (own, pair) => net[first[pair]] - net[second[pair]] - 2 * own)

  const ofRows = (values: Float64Array) =>
    Float64Array.from(pairOf, (pair, i) => (pair < 0 ? 0 : toLow(i) * values[pair]))
  const counted = ofRows(plain),
    all = [...margins, counted]
  const noise = Math.min(
    0.45,
    Math.max(0.02, fitNoiseRate(stackMargins(fitStack(all, folds, count, [...learned, false]), all, folds))),
  )
  const label = Math.log((1 - noise) / noise),
    slope = slopeFor(counted, noise)
  const trust = new Float64Array(pairs)
  if (margins.length > 0) {
    const said = stackMargins(fitStack(margins, folds, count, learned), margins, folds),
      scale = slopeFor(said, noise)
    pairOf.forEach((pair, i) => {
      if (pair >= 0) trust[pair] = scale * toLow(i) * said[i]
    })
  }
  const fared = (node: number, pair: number): number => {
    const from = graph.starts[node],
      to = graph.starts[node + 1],
      ofPair = first[pair] === node ? won[pair] : -won[pair]
    if (to - from > MOST_RIVALS) return (net[node] - ofPair) * Math.tanh(label / 2)
    let sum = 0
    for (let k = from; k < to; k++) {
      const other = graph.around[k]
      if (other === pair) continue
      const sign = first[other] === node ? 1 : -1
      sum += Math.tanh((label * sign * won[other] + slope * (sign * plain[other] - ofPair) + sign * trust[other]) / 2)
    }
    return sum
  }
  return {
    low,
    high,
    margins: Float32Array.from(low, (_, pair) => fared(first[pair], pair) - fared(second[pair], pair)),
  }
}

/** The place of the pair of two answers; -1 if it is not there. */
function pairAt(low: Uint32Array, high: Uint32Array, a: number, b: number): number {
  const least = Math.min(a, b),
    most = Math.max(a, b)
  const at = countBefore(low.length, i => low[i] < least || (low[i] === least && high[i] < most))
  return low[at] === least && high[at] === most ? at : -1
}
