/** What labels that people gave to one thing more than once say of how many are wrong, without any reviewer. */
import type { Estimate } from './metrics.ts'

/**
 * The share of labels that are wrong, if errors are independent and as likely for each, where a share x of what was
 * labelled more than once contradicts itself: (1 - sqrt(1 - k x)) / 2. k is 2 for two labels of one pair, of which
 * 2 p (1 - p) differ, and 4 for three answers that were all compared, of which p (1 - p) go round in a circle where
 * there is one true order. Shares beyond 1 / k, as by labels that a coin gave, are taken for that: 0.5.
 */
export function wrongShare(contradicted: Estimate, k: 2 | 4): Estimate {
  const of = (x: number) => (1 - Math.sqrt(1 - k * Math.min(x, 1 / k))) / 2
  return { value: of(contradicted.value), low: of(contradicted.low), high: of(contradicted.high) }
}

/** Of two labels drawn from so many for one side and for the other, the share of draws in which they differ. */
export const disagreement = (one: number, other: number): number =>
  (2 * one * other) / ((one + other) * (one + other - 1))

/**
 * Triples of answers that were all compared, and those of them that go round in a circle. `edges`: which answer of
 * two was preferred, each pair once.
 */
export function circlesIn(edges: Iterable<readonly [winner: string, loser: string]>): {
  triples: number
  circles: number
  compared: number
} {
  const wins = new Map<string, Set<string>>()
  const of = (answer: string) => {
    if (!wins.has(answer)) wins.set(answer, new Set())
    return wins.get(answer)!
  }
  for (const [winner, loser] of edges) {
    of(winner).add(loser)
    of(loser)
  }
  const answers = [...wins.keys()],
    inTriple = new Set<string>()
  let triples = 0,
    circles = 0
  const beats = (a: string, b: string) => wins.get(a)!.has(b)
  const met = (a: string, b: string) => beats(a, b) || beats(b, a)
  for (let i = 0; i < answers.length; i++) {
    for (let j = i + 1; j < answers.length; j++) {
      const [a, b] = [answers[i], answers[j]]
      if (!met(a, b)) continue
      for (let k = j + 1; k < answers.length; k++) {
        const c = answers[k]
        if (!met(a, c) || !met(b, c)) continue
        triples++
        if (beats(a, b) === beats(b, c) && beats(b, c) === beats(c, a)) circles++
        for (const edge of [`${i} ${j}`, `${i} ${k}`, `${j} ${k}`]) inTriple.add(edge)
      }
    }
  }
  return { triples, circles, compared: inTriple.size }
}
