/** The consensus game: scores of the answers to a prompt on which a generator and a judge come to agree. */

/** After the implementation that is built on the authors' solver; `STIFF` holds both to where they began. */
const STIFF = 0.1,
  RATE = 0.1

export interface Game {
  /** Log-probability of each answer where a right one, or a wrong one, is asked for. */
  readonly correct: ArrayLike<number>
  readonly incorrect: ArrayLike<number>
  /** The judge's probability that each is right. */
  readonly judged: ArrayLike<number>
}

/** Log of e^x over the sum of them all. */
function logSoftmax(values: ArrayLike<number>): Float64Array {
  let most = -Infinity,
    sum = 0
  for (let i = 0; i < values.length; i++) most = Math.max(most, values[i])
  for (let i = 0; i < values.length; i++) sum += Math.exp(values[i] - most)
  return Float64Array.from(values, value => value - most - Math.log(sum))
}
/** Log of e^a / (e^a + e^b). */
const logShare = (a: number, b: number): number =>
  -(b > a ? b - a + Math.log1p(Math.exp(a - b)) : Math.log1p(Math.exp(b - a)))

/**
 * The first thoughts, as logarithms by [correct, incorrect]: of the generator how much likelier an answer is under one
 * than under the other, of the judge its verdicts as shares of the answers.
 */
export function priors({ correct, incorrect, judged }: Game) {
  const asked = [logSoftmax(correct), logSoftmax(incorrect)]
  // a judge that is certain would never be moved
  const sure = Float64Array.from(judged, p => Math.min(1 - 1e-8, Math.max(1e-8, p)))
  return {
    generator: [0, 1].map(v => asked[v].map((own, y) => logShare(own, asked[1 - v][y]))),
    judge: [sure, sure.map(p => 1 - p)].map(verdict => logSoftmax(verdict.map(Math.log))),
  }
}

/**
 * P(correct | answer) of the judge, and P(answer | correct) of the generator, after so many rounds (piKL, each against
 * the mean of what the other played). Work: 4 exponentials an answer and round.
 */
export function equilibrium(game: Game, rounds = 5000): { judge: Float64Array; generator: Float64Array } {
  const n = game.judged.length,
    first = priors(game)
  let generator = [0, 1].map(() => new Float64Array(n).fill(1 / n)),
    judge = [0, 1].map(() => new Float64Array(n).fill(0.5))
  // what each has seen the other play, in all
  const seen = [0, 1].map(() => ({ judge: new Float64Array(n), generator: new Float64Array(n) }))
  for (let t = 1; t <= rounds; t++) {
    for (const v of [0, 1]) {
      for (let y = 0; y < n; y++) {
        seen[v].judge[y] += judge[v][y]
        seen[v].generator[y] += generator[v][y]
      }
    }
    const heat = 1 / (RATE * t) + STIFF
    const pull = (sum: number, prior: number) => (sum / (2 * t) + STIFF * prior) / heat
    generator = [0, 1].map(v =>
      logSoftmax(seen[v].judge.map((sum, y) => pull(sum, first.generator[v][y]))).map(Math.exp),
    )
    const right = seen[0].generator.map((sum, y) => {
      const wrong = pull(seen[1].generator[y], first.judge[1][y])
      return Math.exp(logShare(pull(sum, first.judge[0][y]), wrong))
    })
    judge = [right, right.map(p => 1 - p)]
  }
  return { judge: judge[0], generator: generator[0] }
}
