// One set of bench_data.mjs with one kind of wrong labels after another: what the panel finds, how steady that is, and
// what dropping it is worth. scripts/bench_labels.mjs runs this, a process for each set.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { source } from './build.mjs'
import { bytesOf, sets } from './bench_data.mjs'

const {
  hash32,
  flagConfident,
  support,
  chanceWrong,
  contradiction,
  probabilityAt,
  createFeaturiser,
  crossFit,
  dotRow,
  trainHead,
  auroc,
  fitNeighbours,
  neighbourProbability,
  FOLDS,
  panelOf,
  lowest,
  combine32,
  foldOf,
  Random,
  takeRows,
  tournament,
  createPairText,
} = await source(
  'engine/arrow/hash.ts',
  'models/calibration.ts',
  'models/decision.ts',
  'models/features.ts',
  'models/head.ts',
  'models/metrics.ts',
  'models/neighbours.ts',
  'models/panel.ts',
  'models/random.ts',
  'models/rows.ts',
  'models/rule.ts',
  'models/standings.ts',
  'models/tokens.ts',
)

const kinds = ['words', 'style']
/** Sets and rates whose steadiness is measured. */
const STEADY = ['ukpconvarg1', 'gsm8k', 'factor', 'dpo-reward-margins', 'oasst', 'truthfulqa'],
  STEADY_RATES = [0.1, 0.2]
/** Fold seeds beside the first one, and times that a hundredth of the rows is left out. */
const OTHER_SEEDS = [1, 2, 3, 4],
  WITHOUT = [0, 1]
/** Ways whose drops are tried on models. */
const TRAINED = ['Sluice', 'at the noise rate', 'with the exchange', 'cleanlab, tuned']

/** Rows of a set as features: of each reviewer, of all together (for heads), and hashes of prompts and answers. */
async function load(name, mostRows) {
  const all = await sets[name].read(),
    rows = all.filter((_, i) => combine32(9, i) / 2 ** 32 < mostRows / all.length),
    pair = createPairText()
  const featurisers = kinds.map(kind => createFeaturiser(kind, { max_rows: rows.length, max_values: 1e9 }))
  const prompts = new Uint32Array(rows.length),
    answers = [new Uint32Array(rows.length), new Uint32Array(rows.length)],
    longer = new Int32Array(rows.length)
  rows.forEach((row, i) => {
    const bytes = bytesOf(row)
    prompts[i] = hash32(bytes.prompt, 0, bytes.prompt.length, 0)
    ;['chosen', 'rejected'].forEach((side, k) => {
      answers[k][i] = hash32(bytes[side], 0, bytes[side].length, prompts[i])
    })
    longer[i] = bytes.chosen.length - bytes.rejected.length
    for (const side of ['prompt', 'chosen', 'rejected']) pair[side].read(bytes[side], 0, bytes[side].length)
    for (const featuriser of featurisers) featuriser.append(pair)
  })
  const features = featurisers.map(featuriser => featuriser.view())
  const scores = (sets[name].scores ?? []).map((_, s) => ({
    layout: 'dense',
    columns: 1,
    length: rows.length,
    values: Float32Array.from(rows, row => row.scores[s][0] - row.scores[s][1]),
  }))
  return {
    prompts,
    answers,
    longer,
    count: rows.length,
    wrong: rows.map(row => Number(row.wrong ?? false)),
    specs: [
      ...kinds.map(kind => ({ name: kind, from: 'learned' })),
      ...(sets[name].scores ?? []).map(score => ({ name: score, from: 'given' })),
    ],
    features: [...features, ...scores],
    joint: join2(features[0], [features[1], ...scores]),
  }
}

/** Sparse rows with the columns of dense blocks behind them, each block scaled to a mean square of 1 a row. */
function join2(sparse, blocks) {
  const width = blocks.reduce((n, block) => n + block.columns, 0),
    n = sparse.length
  const indptr = new Uint32Array(n + 1),
    indices = new Uint32Array(sparse.values.length + n * width),
    values = new Float32Array(indices.length)
  const scales = blocks.map(block => {
    const squares = new Float64Array(block.columns)
    block.values.forEach((value, k) => {
      squares[k % block.columns] += value * value
    })
    return squares.map(square => (square > 0 ? 1 / Math.sqrt((square / n) * block.columns) : 0))
  })
  let at = 0
  for (let row = 0; row < n; row++) {
    for (let k = sparse.indptr[row]; k < sparse.indptr[row + 1]; k++, at++) {
      indices[at] = sparse.indices[k]
      values[at] = sparse.values[k]
    }
    let column = sparse.columns
    blocks.forEach((block, b) => {
      for (let c = 0; c < block.columns; c++, at++) {
        indices[at] = column++
        values[at] = block.values[row * block.columns + c] * scales[b][c]
      }
    })
    indptr[row + 1] = at
  }
  return { layout: 'sparse', columns: sparse.columns + width, length: n, indptr, indices, values }
}

/** The rows of `picked`, sides swapped where signs say so. */
function oriented(rows, picked, signs) {
  const taken = takeRows(rows, picked)
  picked.forEach((row, i) => {
    if (signs[row] > 0) return
    const [from, to] =
      taken.layout === 'sparse' ? [taken.indptr[i], taken.indptr[i + 1]] : [i * taken.columns, (i + 1) * taken.columns]
    for (let k = from; k < to; k++) taken.values[k] *= -1
  })
  return taken
}

/**
 * 1 where the label as trained on is wrong. `length`: flips where the rejected side is the longer one, until the share
 * is reached; then at random among the rest.
 */
function flipsOf(set, kind, rate, seed) {
  const random = new Random(combine32(seed, 0xf11b)),
    draws = Float64Array.from({ length: set.count }, () => random.float())
  if (kind === 'real') return Uint8Array.from(set.wrong)
  if (kind === 'random') return Uint8Array.from(draws, draw => (draw < rate ? 1 : 0))
  const order = [...draws.keys()].sort(
    (a, b) => (set.longer[a] < 0 ? 0 : 1) - (set.longer[b] < 0 ? 0 : 1) || draws[a] - draws[b],
  )
  const flips = new Uint8Array(set.count)
  for (const row of order.slice(0, Math.round(rate * set.count))) flips[row] = 1
  return flips
}

const count = flags => flags.reduce((n, flag) => n + flag, 0)
const hits = (drops, wrong) => drops.reduce((n, drop, i) => n + (drop & wrong[i]), 0)

/** Precision, recall, and 2 P R / (P + R), which is 0 where nothing is dropped. */
function worthOf(drops, wrong) {
  const found = hits(drops, wrong),
    dropped = count(drops),
    f = (2 * found) / Math.max(1, dropped + count(wrong))
  return { dropped, precision: found / dropped, recall: found / count(wrong), f }
}

/** Rows from the least margin on, and the largest F of dropping any number of them. */
function frontier(margins, wrong) {
  const order = [...margins.keys()].sort((a, b) => margins[a] - margins[b] || a - b),
    all = count(wrong)
  let found = 0,
    best = 0
  order.forEach((row, i) => {
    found += wrong[row]
    best = Math.max(best, (2 * found) / (i + 1 + all))
  })
  return { order, best }
}

/** Shared part of two sets of rows; 1 where neither has a row. */
function jaccard(a, b) {
  const shared = hits(a, b),
    all = count(a) + count(b) - shared
  return all > 0 ? shared / all : 1
}
const meanOf = values => values.reduce((a, b) => a + b, 0) / values.length

/** The question of some rows only, or in another order. */
const asked = ({ specs, samples, prompts, rows }, picked) => {
  const taken = {
    chosen: Uint32Array.from(picked, i => rows.chosen[i]),
    rejected: Uint32Array.from(picked, i => rows.rejected[i]),
  }
  return {
    specs,
    samples: samples.map(some => takeRows(some, picked)),
    prompts: Uint32Array.from(picked, i => prompts[i]),
    compared: { graph: tournament(taken), rows: taken },
  }
}

/** Jaccard of what is dropped: between seeds, in another order of the rows, and with a hundredth of them left out. */
function steadiness(question, seed, judged) {
  const all = Uint32Array.from(question.prompts.keys()),
    random = new Random(combine32(seed, 0x5ead))
  const of = (picked, at = seed) => {
    const { wrong } = panelOf(asked(question, picked), settings(at)),
      back = new Uint8Array(all.length)
    picked.forEach((row, i) => {
      back[row] = wrong.stack[i]
    })
    return back
  }
  const first = judged.wrong.stack,
    seeds = [first, ...OTHER_SEEDS.map(k => of(all, combine32(seed, k)))]
  const shuffled = all.slice().sort((a, b) => combine32(seed, a) - combine32(seed, b))
  const without = WITHOUT.map(() => {
    const picked = all.filter(() => random.float() >= 0.01)
    const both = new Uint8Array(all.length)
    for (const row of picked) both[row] = first[row]
    return jaccard(of(picked), both)
  })
  return {
    seeds: meanOf(seeds.flatMap((a, i) => seeds.slice(i + 1).map(b => jaccard(a, b)))),
    order: jaccard(first, of(shuffled)),
    without: meanOf(without),
  }
}
const settings = (seed, exchange = false) => ({ seed, min_auroc: 0.6, share_by: 'probability', exchange })

const MEMORISING = 1 / 64
/** Held-out accuracy of a head that learns by heart, and of one whose regularisation is chosen by held-out loss. */
function headsOf(train, folds, picked, test, seed) {
  const accuracy = head => {
    let right = 0
    for (let i = 0; i < test.length; i++) {
      const margin = dotRow(test, i, head.weights)
      right += margin > 0 ? 1 : margin === 0 ? 0.5 : 0
    }
    return right / test.length
  }
  let squares = 0
  for (const row of picked) {
    for (let k = train.indptr[row]; k < train.indptr[row + 1]; k++) squares += train.values[k] ** 2
  }
  const unit = squares / picked.length / picked.length
  // halves by prompt: the strength is all that is wanted
  const { l2 } = crossFit(
    takeRows(train, picked),
    Uint8Array.from(picked, row => folds[row] & 1),
    { folds: 2, seed, max_epochs: 60, tolerance: 1e-3 },
  )
  const [memorising, tuned] = [MEMORISING * unit, l2].map(strength =>
    accuracy(trainHead(train, picked, strength, { seed, tolerance: 1e-3, max_epochs: 100 })),
  )
  return { memorising, tuned }
}

/** Beside Sluice: cleanlab on the same features, folds and labels (scripts/bench_labels.py). */
function cleanlab(python, rows, folds) {
  const home = mkdtempSync(join(tmpdir(), 'sluice-cleanlab-')),
    signed = new Random(77),
    orientation = Uint8Array.from({ length: rows.length }, () => (signed.float() < 0.5 ? 1 : 0))
  const arrays = { indptr: rows.indptr, indices: rows.indices, values: rows.values, folds, orientation }
  for (const [name, array] of Object.entries(arrays)) {
    writeFileSync(join(home, `${name}.bin`), new Uint8Array(array.buffer, array.byteOffset, array.byteLength))
  }
  const script = fileURLToPath(new URL('bench_labels.py', import.meta.url)),
    { status, stdout, stderr } = spawnSync(python, [script, home, String(rows.columns)], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`bench_labels: cleanlab failed: ${stderr.trim().split('\n').at(-1)}`)
  const { buffer, byteOffset, byteLength } = readFileSync(join(home, 'probability.bin')),
    scores = new Float64Array(buffer.slice(byteOffset, byteOffset + byteLength)),
    drops = new Uint8Array(readFileSync(join(home, 'issues.bin')))
  rmSync(home, { recursive: true })
  return { scores, drops, ...JSON.parse(stdout) }
}

/** By name: another way to tell wrong labels, as scores (high: right) or as what it drops, or both. */
function otherWays({ question, joint, folds, judged, seed, python }) {
  const { panel, margins, stacked, wrong } = judged,
    rate = panel.decision.noise.value,
    all = Uint32Array.from(folds.keys())
  const atRate = scores => {
    const limit = lowest(scores, rate)
    return { scores, drops: Uint8Array.from(scores, score => Number(score <= limit)) }
  }
  const scale = m => panel.reviewers[m].calibration.plain_temperature
  const mean = stacked.map((_, i) =>
    margins.reduce((sum, some, m) => sum + (Number.isFinite(scale(m)) ? some[i] / scale(m) : 0), 0),
  )
  const exchanged = panelOf(asked(question, all), settings(seed, true))
  const alike = fitNeighbours(question.samples[1], folds)
  return {
    'at the noise rate': atRate(stacked),
    'confident learning': {
      scores: stacked,
      drops: flagConfident(stacked.map(margin => support(panel.joint, margin))),
    },
    'with the exchange': { scores: exchanged.stacked, drops: exchanged.wrong.stack },
    'rule both': { drops: wrong.both },
    'rule either': { drops: wrong.either },
    'mean of reviewers': atRate(mean),
    ...Object.fromEntries(panel.reviewers.map(({ name }, m) => [`${name} alone`, atRate(margins[m])])),
    'neighbours in style': {
      scores: Float64Array.from(all, row => neighbourProbability(alike, question.samples[1], row, folds[row])),
    },
    ...(python ? { 'cleanlab, tuned': cleanlab(python, joint, folds) } : {}),
  }
}

/** What a printed share of wrong labels promises of some rows (those dropped, the lowest so many), and what holds. */
function promise({ decision }, stacked, rows, wrong) {
  const { curve, noise } = decision,
    at = rate =>
      meanOf(rows.map(row => chanceWrong(contradiction(curve, stacked[row]), Math.min(0.499, Math.max(1e-4, rate)))))
  return {
    low: at(noise.value / 2),
    value: at(noise.value),
    high: at(noise.high),
    real: meanOf(rows.map(i => wrong[i])),
  }
}

/** Everything that is measured of one set with some of its labels wrong. */
function cell(set, { name, kind, rate, seed, python }) {
  const flips = flipsOf(set, kind, rate, seed),
    signs = Int8Array.from(flips, flip => (flip ? -1 : 1)),
    straight = new Int8Array(set.count).fill(1)
  // a fifth of the prompts is held out with the truth; of a set with few prompts this is a lumpy fifth
  const isTest = row => combine32(seed * 31 + 7, set.prompts[row]) % 5 === 0,
    everything = Uint32Array.from({ length: set.count }, (_, i) => i),
    train = everything.filter(row => !isTest(row))
  // where the noise is real the truth of the held-out rows is known too
  const test = oriented(set.joint, everything.filter(isTest), kind === 'real' ? signs : straight),
    view = kind === 'real' ? straight : signs,
    wrong = Uint8Array.from(train, row => flips[row])
  const side = k => Uint32Array.from(train, row => set.answers[view[row] > 0 ? k : 1 - k][row]),
    joint = oriented(set.joint, train, view),
    prompts = Uint32Array.from(train, row => set.prompts[row]),
    folds = Uint8Array.from(prompts, prompt => foldOf(prompt, FOLDS, seed))
  const question = {
    specs: set.specs,
    samples: set.features.map(rows => oriented(rows, train, view)),
    prompts,
    rows: { chosen: side(0), rejected: side(1) },
  }
  const judged = panelOf(asked(question, everything.subarray(0, train.length)), settings(seed)),
    { panel, stacked } = judged,
    { decision } = panel,
    drops = judged.wrong.stack
  const { order, best } = frontier(stacked, wrong),
    dropped = [...drops.keys()].filter(i => drops[i])
  const ways = { Sluice: { scores: stacked, drops }, ...otherWays({ question, joint, folds, judged, seed, python }) }
  // methods that drop the same rows train the same heads
  const trained = new Map(),
    heads = drops => {
      const same = Buffer.from(drops).toString('latin1')
      if (!trained.has(same)) {
        const kept = Uint32Array.from(drops.keys()).filter(i => !drops[i])
        trained.set(same, headsOf(joint, folds, kept, test, seed))
      }
      return trained.get(same)
    }
  const none = new Uint8Array(train.length),
    hasWrong = count(wrong) > 0
  return {
    set: name,
    kind,
    rate,
    seed,
    rows: train.length,
    wrong: count(wrong) / train.length,
    best,
    ...worthOf(drops, wrong),
    noise: decision.noise,
    gate: decision.gate,
    flipped: decision.auroc,
    agreement: decision.agreement,
    least: dropped.every(i => probabilityAt(decision, stacked[i]) <= 0.5),
    promised: dropped.length > 0 ? promise(panel, stacked, dropped, wrong) : undefined,
    lists: [50, 100, 200].map(size => promise(panel, stacked, order.slice(0, size), wrong)),
    steady:
      kind === 'random' && STEADY.includes(name) && STEADY_RATES.includes(rate)
        ? steadiness(question, seed, judged)
        : undefined,
    heads: { everything: heads(none), clean: heads(wrong) },
    ways: Object.fromEntries(
      Object.entries(ways).map(([way, { scores, drops, versions }]) => [
        way,
        {
          auroc:
            hasWrong && scores
              ? auroc(
                  scores.map(score => -score),
                  wrong,
                ).value
              : NaN,
          ...(drops ? worthOf(drops, wrong) : {}),
          ...(TRAINED.includes(way) ? heads(drops) : {}),
          versions,
        },
      ]),
    ),
  }
}

/** All cells of a set. */
export async function measure(name, { rates, seeds, rows, python }) {
  const set = await load(name, rows),
    noises = sets[name].real
      ? [['real', 0]]
      : [...rates.map(rate => ['random', rate]), ...(sets[name].length ? [['length', 0.2]] : [])]
  return noises.flatMap(([kind, rate]) =>
    seeds.map(seed => {
      const found = cell(set, { name, kind, rate, seed, python })
      console.error(`${name} ${kind} ${rate} seed ${seed}: ${found.rows} pairs, ${found.dropped} dropped`)
      return found
    }),
  )
}
