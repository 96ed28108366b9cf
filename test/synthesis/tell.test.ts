import { expect, test } from 'vitest'
import { STYLE_COLUMNS } from '../../models/style.ts'
import { Random } from '../../models/random.ts'
import { EDIT_CLASSES, startWeights } from '../../stages/synthesis/edits.ts'
import { chooseMix, guess } from '../../stages/synthesis/mix.ts'
import { gather, sampler, type Sample } from '../../stages/synthesis/sample.ts'
import { tellReport } from '../../stages/synthesis/tell.ts'

const W = STYLE_COLUMNS.length
const types = ['operator', 'result_number'] as const

/** A sample in which every row has the given classes; column 1 of a class has mean `means`, with noise. */
function sampleOf(rows: number, means: Readonly<Record<number, number>>): Sample {
  const random = new Random(3), classes = Object.keys(means).map(Number)
  const values = new Float32Array(rows * classes.length * W), hashes: number[] = [], all: number[] = [], starts: number[] = []
  for (let row = 0; row < rows; row++) {
    starts.push(all.length)
    for (const at of classes) {
      for (let c = 0; c < 6; c++) values[all.length * W + c] = random.normal() + (c === 1 ? means[at] : 0)
      all.push(at)
      hashes.push(Math.imul(row, 0x9e3779b1) >>> 0)
    }
  }
  starts.push(all.length)
  return { rows: { layout: 'dense', columns: W, length: all.length, values }, classes: Uint8Array.from(all), hashes: Uint32Array.from(hashes), starts }
}

test('classes that give the edited side away in opposite ways are balanced, down to chance', () => {
  const start = startWeights(types), [a, b] = start.flatMap((weight, at) => weight > 0 ? [at] : [])
  const mix = chooseMix(sampleOf(1500, { [a]: 2, [b]: -1 }), start, 1)
  expect(mix.before!.value).toBeGreaterThan(0.55)
  expect(mix.after!.value).toBeLessThan(0.54)
  const share = mix.weights[a] / (mix.weights[a] + mix.weights[b])
  expect(share).toBeGreaterThan(0.26)
  expect(share).toBeLessThan(0.41)
  expect(mix.weights.filter(weight => weight > 0)).toHaveLength(start.filter(weight => weight > 0).length)
})

test('where all classes lean one way nothing helps, and the report says so', () => {
  const start = startWeights(types), [a, b] = start.flatMap((weight, at) => weight > 0 ? [at] : [])
  const sample = sampleOf(1000, { [a]: 1, [b]: 1 })
  const mix = chooseMix(sample, start, 1)
  expect(mix.after!.value).toBeGreaterThan(0.7)
  const style = guess(sample.rows, sample.hashes, 1), length = { value: 0.5, low: 0.47, high: 0.53 }
  const { lines } = tellReport({ types, tell_rows: 2500 }, mix, { rows: 2500, style, length })
  expect(lines).toHaveLength(2)
  expect(lines[1]).toMatch(/could not be mixed/)
})

test('the report: silent on its limit where that is met, plain where it cannot say', () => {
  const mix = { weights: startWeights(types), rows: 1000 }, at = (value: number, half: number) => ({ value, low: value - half, high: value + half })
  expect(tellReport({ types, tell_rows: 2500 }, mix, { rows: 2500, style: at(0.53, 0.02), length: at(0.5, 0.02) }).lines)
    .toEqual(['of 2,500 injected pairs set apart, a reader of style alone tells the injected side in 53.0 % [51.0, 55.0], of length alone in 50.0 % [48.0, 52.0]; 50 % is chance'])
  expect(tellReport({ types, tell_rows: 2500 }, mix, { rows: 400, style: at(0.53, 0.06), length: at(0.5, 0.02) }).lines[1]).toMatch(/cannot be ruled out: there are too few pairs/)
  expect(tellReport({ types, tell_rows: 2500 }, mix, { rows: 12, style: at(0.5, 0.4), length: at(0.5, 0.4) }).lines).toEqual([expect.stringMatching(/^12 pairs are too few/)])
  expect(tellReport({ types, tell_rows: 0 }, mix, { rows: 0, style: at(0.5, 0.5), length: at(0.5, 0.5) }).lines).toEqual([expect.stringMatching(/nobody tried/)])
  const { mix: shares } = tellReport({ types, tell_rows: 0 }, mix, { rows: 0, style: at(0.5, 0.5), length: at(0.5, 0.5) }).numbers as { mix: Record<string, number> }
  expect(Object.values(shares).reduce((a, b) => a + b)).toBeCloseTo(1)
  expect(Object.keys(shares)).toHaveLength(EDIT_CLASSES.filter(({ type }) => type === 'operator' || type === 'result_number').length)
})

test('a sample is the same however its rows are parted, holds the lowest hashes, and equal rows once', () => {
  const part = (list: readonly [number, number][]) => ({
    hashes: Uint32Array.from(list, ([hash]) => hash), classes: Uint8Array.from(list, ([, at]) => at), values: Float32Array.from(list.flatMap(([hash, at]) => Array.from({ length: W }, () => hash * 10 + at))),
  })
  const edits: [number, number][] = [[7, 1], [7, 2], [3, 1], [9, 2], [3, 1], [1, 4]]
  const whole = gather([part(edits)], 3), parted = gather([part(edits.slice(0, 4)), part([]), part(edits.slice(4))], 3)
  expect(parted).toEqual(whole)
  expect([...whole.hashes]).toEqual([1, 3, 7, 7])
  expect([...whole.classes]).toEqual([4, 1, 1, 2])
  expect(whole.starts).toEqual([0, 1, 2, 4])
  expect([...whole.rows.values].filter((_, i) => i % W === 0)).toEqual([14, 31, 71, 72])
  expect(gather([], 3).starts).toEqual([0])
})

test('a sample of no rows is empty, whatever the run', () => {
  const { partial } = sampler(0, 0, { id: 'hard', seed: 1, expectedRows: 0, states: [] }, () => [])
  expect(partial()).toEqual({ hashes: new Uint32Array(0), classes: new Uint8Array(0), values: new Float32Array(0) })
})
