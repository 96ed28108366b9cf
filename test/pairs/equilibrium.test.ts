/** The consensus game against golden values of others’ code, of the formula, and of how far it has come by when. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { equilibrium, priors, type Game } from '../../stages/pairs/equilibrium.ts'

const shared = fileURLToPath(new URL('../../../shared/', import.meta.url))
interface Golden {
  readonly id: string
  readonly given: Readonly<Record<'P(y|correct)' | 'P(y|incorrect)' | 'P(correct|y)', number[]>>
  readonly expect: Readonly<Record<string, Readonly<Record<string, number[] & number[][]>> & number[][]>>
}
const { entries } = JSON.parse(readFileSync(`${shared}golden/judges-rewards-groups.json`, 'utf8')) as {
  entries: Golden[]
}
const golden = new Map(
  entries.flatMap(entry => (entry.id.startsWith('consensus.') ? [[entry.id.slice(10), entry] as const] : [])),
)
const gameOf = (name: string): Game => {
  const { given } = golden.get(name)!
  return {
    correct: given['P(y|correct)'].map(Math.log),
    incorrect: given['P(y|incorrect)'].map(Math.log),
    judged: given['P(correct|y)'],
  }
}
const six = (values: ArrayLike<number>) => Array.from(values, value => Number(value.toFixed(6)))
const games = [...golden.keys()].filter(name => !/^(priors|convergence)/.test(name))
const CODE = 'reco lambda 0.1'

describe('the consensus game', () => {
  it.each(games)('theirs and wanted: %s', name => {
    const { judge, generator } = equilibrium(gameOf(name)),
      want = golden.get(name)!.expect[CODE]
    expect([six(judge), six(generator)]).toEqual([want['P*(correct|y)'], want['generator given correct']])
  })

  it.each(games)('the formula, which begins at the priors and not evenly, comes to nearly the same: %s', name => {
    const want = golden.get(name)!.expect['formula lambda 0.1']['P*(correct|y)'] as number[]
    equilibrium(gameOf(name)).judge.forEach((p, y) => expect(Math.abs(p - want[y])).toBeLessThan(1e-3))
  })

  it.each(games)('theirs and wanted: the order of the answers: %s', name => {
    const { judge } = equilibrium(gameOf(name)),
      order = [...judge.keys()].sort((a, b) => judge[b] - judge[a])
    expect(order).toEqual(golden.get(name)!.expect[CODE]['rank by D'])
  })

  it('theirs and refused: a judge that is left as it is has hardly a say where it says correct to all', () => {
    const name = 'judge always says correct',
      theirs = golden.get(name)!.expect['formula lambda 0.1, judge not normalised over candidates']['P*(correct|y)']
    expect(theirs[3]).toBeGreaterThan(0.1)
    expect(equilibrium(gameOf(name)).judge[3]).toBeLessThan(0.02)
  })

  it('begins with the priors of the code, and goes the way of the formula', () => {
    const { generator, judge } = priors(gameOf('they agree')),
      want = golden.get('priors of "they agree"')!.expect as unknown as { generator: number[][]; judge: number[][] }
    expect(generator.map(of => six(of.map(Math.exp)))).toEqual(want.generator)
    expect(judge.map(of => six(of.map(Math.exp)))).toEqual(want.judge[0].map((_, v) => want.judge.map(of => of[v])))
    const steps = golden.get('convergence (lambda 0.1)')!.expect
    for (const [rounds, [policy, verdict]] of Object.entries(steps)) {
      const now = equilibrium(gameOf('generator and judge differ on the best'), Number(rounds)),
        apart = [...now.generator, ...now.judge].map((p, i) => Math.abs(p - [...policy, ...verdict][i]))
      // the further, the less it matters where each began
      expect(Math.max(...apart), rounds).toBeLessThan(Number(rounds) < 1000 ? 0.02 : 0.005)
    }
  })

  it('a judge that is certain, and long answers, come to numbers', () => {
    const game = { correct: [-900, -1000, -2000], incorrect: [-950, -990, -2000], judged: [1, 0, 0] }
    const { judge, generator } = equilibrium(game, 200)
    expect([...judge, ...generator].every(p => p >= 0 && p <= 1)).toBe(true)
    expect(judge[0]).toBeGreaterThan(judge[1])
  })
})
