/** How far people who vote on pairs are to be trusted, learned from where they agree. */

/**
 * Votes of several people on pairs: 1 for the label as given, -1 against it; ties and absent votes are left out.
 * `times`: how often a row's votes came, once if absent.
 */
export interface Votes {
  readonly row: Uint32Array
  readonly voter: Uint32Array
  readonly vote: Int8Array
  readonly times?: Float64Array
}

const STEPS = 100
/**
 * Votes that every voter is taken to have cast before the first, two of three right: one vote says little of a person.
 */
const PRIOR_RIGHT = 2
const PRIOR = 3
/** How often a voter is right of whom nothing is known. */
export const UNKNOWN_VOTER = PRIOR_RIGHT / PRIOR

/**
 * How often each voter is right, in (0, 1), by expectation and maximisation (after Dawid and Skene 1979; a pair has no
 * classes of its own, so a voter has one number and not two). Starts from majorities.
 */
export function fitVoters({ row, voter, vote, times }: Votes, rows: number, voters: number): Float64Array {
  const accuracy = new Float64Array(voters).fill(UNKNOWN_VOTER)
  for (let step = 0; step < STEPS; step++) {
    const right = labelProbabilities({ row, voter, vote }, accuracy, rows)
    const hits = new Float64Array(voters).fill(PRIOR_RIGHT),
      cast = new Float64Array(voters).fill(PRIOR)
    for (let i = 0; i < row.length; i++) {
      const weight = times === undefined ? 1 : times[row[i]]
      hits[voter[i]] += weight * (vote[i] > 0 ? right[row[i]] : 1 - right[row[i]])
      cast[voter[i]] += weight
    }
    let moved = 0
    for (let v = 0; v < voters; v++) {
      const next = hits[v] / cast[v]
      moved = Math.max(moved, Math.abs(next - accuracy[v]))
      accuracy[v] = next
    }
    if (moved < 1e-6) break
  }
  return accuracy
}

/** P(the label as given is right) by row, from votes and how often each voter is right; 0.5 where nobody voted. */
export function labelProbabilities({ row, voter, vote }: Votes, accuracy: Float64Array, rows: number): Float64Array {
  const odds = new Float64Array(rows)
  for (let i = 0; i < row.length; i++) odds[row[i]] += vote[i] * Math.log(accuracy[voter[i]] / (1 - accuracy[voter[i]]))
  return odds.map(each => 1 / (1 + Math.exp(-each)))
}
