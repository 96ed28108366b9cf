/** Whether the edited side can be told by its style, and the mix of errors that hides it. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mix32 } from '../../engine/arrow/hash.ts'
import { STYLE_COLUMNS } from '../../models/style.ts'
import { Random } from '../../models/random.ts'
import { EDIT_CLASSES, startWeights } from '../../stages/synthesis/edits.ts'
import { chooseMix, guess } from '../../stages/synthesis/mix.ts'
import { gather, sampler, styleOf, type Halves, type Sample } from '../../stages/synthesis/sample.ts'
import type { EditType } from '../../stages/synthesis/operators/all.ts'
import { tellReport, type TellOptions } from '../../stages/synthesis/tell.ts'

const W = STYLE_COLUMNS.length
const types: EditType[] = ['operator', 'result_number']
const options = (tell_rows: number): TellOptions => ({
  types,
  tell_rows,
  pairs: 'solutions',
  quotas: {},
  max_per_row: 1,
  max_share: 1,
})

/** A sample in which every row has the given classes; column 1 of a class has mean `means`, with noise. */
function sampleOf(rows: number, means: Readonly<Record<number, number>>): Sample {
  const random = new Random(3),
    classes = Object.keys(means).map(Number)
  const values = new Float32Array(rows * classes.length * W),
    hashes: number[] = [],
    all: number[] = [],
    starts: number[] = []
  for (let row = 0; row < rows; row++) {
    starts.push(all.length)
    for (const at of classes) {
      for (let c = 0; c < 6; c++) values[all.length * W + c] = random.normal() + (c === 1 ? means[at] : 0)
      all.push(at)
      hashes.push(Math.imul(row, 0x9e3779b1) >>> 0)
    }
  }
  starts.push(all.length)
  return {
    rows: { layout: 'dense', columns: W, length: all.length, values },
    classes: Uint8Array.from(all),
    hashes: Uint32Array.from(hashes),
    starts,
  }
}

const made = { pairs: 100, changed: 40 }

test('classes that give the edited side away in opposite ways are balanced, down to chance', () => {
  const start = startWeights(types),
    [a, b] = start.flatMap((weight, at) => (weight > 0 ? [at] : []))
  const mix = chooseMix(sampleOf(1500, { [a]: 2, [b]: -1 }), start, 1)
  expect(mix.before!.value).toBeGreaterThan(0.55)
  expect(mix.after!.value).toBeLessThan(0.54)
  const share = mix.weights[a] / (mix.weights[a] + mix.weights[b])
  expect(share).toBeGreaterThan(0.26)
  expect(share).toBeLessThan(0.41)
  expect(mix.weights.filter(weight => weight > 0)).toHaveLength(start.filter(weight => weight > 0).length)
})

test('a quota holds down a type as far as rows have others, and what cannot be held is said', () => {
  const start = startWeights(types),
    [a, , b] = EDIT_CLASSES.flatMap(({ surface }, at) =>
      start[at] > 0 && (surface === 'quiet' || surface === 'same') ? [at] : [],
    )
  const [first, second] = [EDIT_CLASSES[a].type, EDIT_CLASSES[b].type]
  expect(first).not.toBe(second)
  const both = sampleOf(400, { [a]: 0, [b]: 0 }),
    shareOf = (weights: readonly number[]) => weights[a] / (weights[a] + weights[b])
  expect(shareOf(chooseMix(both, start, 1).weights)).toBeGreaterThan(0.3)
  const held = chooseMix(both, start, 1, { [first]: 0.1 })
  expect(shareOf(held.weights)).toBeCloseTo(0.1, 2)
  expect(held.over).toBeUndefined()
  const alone = chooseMix(sampleOf(400, { [a]: 0 }), start, 1, { [first]: 0.1 })
  expect(alone.over![first]).toBeCloseTo(1)
  expect(
    tellReport(
      options(2500),
      {
        mix: alone,
        tell: { rows: 12, style: { value: 0.5, low: 0, high: 1 }, length: { value: 0.5, low: 0, high: 1 } },
      },
      made,
    ).lines.at(-2),
  ).toMatch(/above its quota.*100\.0 %/)
})

test('the share of rows that can be edited is told from the sample, and rather too high than too low', () => {
  const rows = 20_000,
    kept = Array.from({ length: rows }, (_, i) => mix32(i)).filter(hash => hash % 5 === 0)
  const halves: Halves = [[], kept.filter(hash => hash % 2 === 1).map(hash => picked(hash))]
  const { editable } = gather([{ halves, rows }], [0, 500])
  expect(editable).toBeGreaterThan(0.2)
  expect(editable).toBeLessThan(0.25)
})

test('where all classes lean one way nothing helps, and the report says so', () => {
  const start = startWeights(types),
    [a, b] = start.flatMap((weight, at) => (weight > 0 ? [at] : []))
  const sample = sampleOf(1000, { [a]: 1, [b]: 1 })
  const mix = chooseMix(sample, start, 1)
  expect(mix.after!.value).toBeGreaterThan(0.7)
  const style = guess(sample.rows, sample.hashes, 1),
    length = { value: 0.5, low: 0.47, high: 0.53 }
  const { lines } = tellReport(options(2500), { mix, tell: { rows: 2500, style, length } }, made)
  expect(lines).toHaveLength(3)
  expect(lines[1]).toMatch(/could not be mixed/)
})

test('the report says in how many pairs the final answer is another, and nothing of none', () => {
  const fitted = {
    mix: { weights: startWeights(types), rows: 0 },
    tell: { rows: 0, style: { value: 0.5, low: 0, high: 1 }, length: { value: 0.5, low: 0, high: 1 } },
  }
  expect(tellReport(options(0), fitted, made).lines.at(-1)).toMatch(/another one in 40 of 100 made pairs/)
  expect(tellReport(options(0), fitted, { pairs: 0, changed: 0 }).lines).toEqual([])
})

test('the report: silent on its limit where that is met, plain where it cannot say', () => {
  const mix = { weights: startWeights(types), rows: 1000 },
    at = (value: number, half: number) => ({ value, low: value - half, high: value + half })
  expect(
    tellReport(
      options(2500),
      { mix, tell: { rows: 2500, style: at(0.53, 0.02), length: at(0.5, 0.02) } },
      made,
    ).lines.slice(0, -1),
  ).toEqual([
    'of 2,500 injected pairs set apart, a reader of style alone tells the injected side in 53.0 % [51.0, 55.0], of length alone in 50.0 % [48.0, 52.0]; 50 % is chance',
  ])
  expect(
    tellReport(options(2500), { mix, tell: { rows: 400, style: at(0.53, 0.06), length: at(0.5, 0.02) } }, made)
      .lines[1],
  ).toMatch(/cannot be ruled out: there are too few pairs/)
  expect(
    tellReport(options(2500), { mix, tell: { rows: 12, style: at(0.5, 0.4), length: at(0.5, 0.4) } }, made).lines.slice(
      0,
      -1,
    ),
  ).toEqual([expect.stringMatching(/^12 pairs are too few/)])
  expect(
    tellReport(options(0), { mix, tell: { rows: 0, style: at(0.5, 0.5), length: at(0.5, 0.5) } }, made).lines.slice(
      0,
      -1,
    ),
  ).toEqual([expect.stringMatching(/nobody tried/)])
  const { mix: shares } = tellReport(
    options(0),
    { mix, tell: { rows: 0, style: at(0.5, 0.5), length: at(0.5, 0.5) } },
    made,
  ).numbers as { mix: Record<string, number> }
  expect(Object.values(shares).reduce((a, b) => a + b)).toBeCloseTo(1)
  expect(Object.keys(shares)).toHaveLength(
    EDIT_CLASSES.filter(({ type }) => type === 'operator' || type === 'result_number').length,
  )
})

const picked = (hash: number, seed = hash) => ({ hash, seed, prompt: `${hash}`, text: '' })

test('a sample is the same however its rows are parted, holds the lowest hashes of each half, and equal rows once', () => {
  const part = (hashes: readonly number[]): { halves: Halves; rows: number } => ({
    halves: [
      hashes.filter(hash => hash % 2 === 0).map(hash => picked(hash)),
      hashes.filter(hash => hash % 2 === 1).map(hash => picked(hash)),
    ],
    rows: hashes.length,
  })
  const hashes = [7, 8, 3, 9, 3, 1, 2, 4, 6]
  const whole = gather([part(hashes)], [3, 2]),
    parted = gather([part(hashes.slice(0, 4)), part([]), part(hashes.slice(4))], [3, 2])
  expect(parted).toEqual(whole)
  expect(whole.rows).toBe(9)
  expect(whole.halves.map(half => half.map(one => one.hash))).toEqual([
    [2, 4, 6],
    [1, 3],
  ])
  expect(gather([part(hashes)], [0, 0])).toMatchObject({ halves: [[], []], editable: 1 })
  fc.assert(
    fc.property(fc.array(fc.nat(200), { maxLength: 300 }), fc.nat(20), fc.nat(20), (list, even, odd) => {
      const lowest = (rest: number, most: number) =>
        [...new Set(list.filter(hash => hash % 2 === rest))].sort((a, b) => a - b).slice(0, most)
      expect(gather([part(list)], [even, odd]).halves.map(half => half.map(one => one.hash))).toEqual([
        lowest(0, even),
        lowest(1, odd),
      ])
    }),
  )
})

test('styles of edits: one row an edit, none for a text that offers none', () => {
  const rows = [
    { ...picked(1), text: '12 * 4 = 48 pens.' },
    { ...picked(2), text: 'none' },
    { ...picked(3), text: '6 + 2 = 8 pens.' },
  ]
  const sample = styleOf(rows, {}, injector =>
    [3, 5, 7].flatMap(at => {
      const made = injector.make(at)
      return typeof made === 'string' ? [] : [{ at, text: made.text }]
    }),
  )
  expect(sample.starts).toHaveLength(3)
  expect(sample.rows.length).toBe(sample.classes.length)
  expect(new Set(sample.hashes)).toEqual(new Set([1, 3]))
  expect([...sample.classes].every(at => [3, 5, 7].includes(at))).toBe(true)
})

test('a sample of no rows is empty, whatever the run', () => {
  const { part } = sampler([0, 0], types, 'solutions', {
    id: 'hard',
    seed: 1,
    state: undefined,
    file: () => new Uint8Array(),
    ask: () => Promise.resolve([]),
  })
  expect(part()).toEqual({ halves: [[], []], rows: 0 })
})
