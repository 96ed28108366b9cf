// How well wrong labels are found, and what dropping them is worth, on the sets of bench_data.mjs. Writes
// docs/benchmarks/labels.md (or the file --out names).
//   node scripts/bench_labels.mjs [--quick] [--sets a,b] [--rates 0,0.2] [--seeds 5] [--first-seed 1] [--rows 5000]
//     [--jobs 2] [--python <python with cleanlab>] [--out file]
// Beside Sluice runs cleanlab (scripts/bench_labels.py) on the same features, folds and labels, its regularisation
// chosen by out-of-fold likelihood; without --python it is left out.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import PQueue from 'p-queue'
import { source } from './build.mjs'
import { bytesOf, hasData, sets } from './bench_data.mjs'
import { page } from './bench_page.mjs'

const {
  hash32,
  createFeaturiser,
  flagConfident,
  support,
  crossFit,
  dotRow,
  trainHead,
  auroc,
  fitNeighbours,
  neighbourProbability,
  panelOf,
  lowest,
  mayDrop,
  combine32,
  foldOf,
  Random,
  takeRows,
  tournament,
  createPairText,
  fitVoters,
  labelProbabilities,
} = await source(
  'engine/arrow/hash.ts',
  'models/features.ts',
  'models/calibration.ts',
  'models/head.ts',
  'models/metrics.ts',
  'models/neighbours.ts',
  'models/panel.ts',
  'models/random.ts',
  'models/rows.ts',
  'models/rule.ts',
  'models/standings.ts',
  'models/tokens.ts',
  'models/votes.ts',
)

const FOLDS = 5
const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean' },
    sets: { type: 'string' },
    rates: { type: 'string' },
    seeds: { type: 'string' },
    'first-seed': { type: 'string' },
    rows: { type: 'string' },
    python: { type: 'string' },
    out: { type: 'string' },
    jobs: { type: 'string' },
    results: { type: 'string' },
  },
})
const names = options.sets?.split(',') ?? (options.quick ? ['ukpconvarg1', 'dpo-reward-margins'] : Object.keys(sets))
const rates = (options.rates ?? (options.quick ? '0,0.2' : '0,0.1,0.2,0.3,0.4')).split(',').map(Number)
const firstSeed = Number(options['first-seed'] ?? 1),
  seeds = Number(options.seeds ?? (options.quick ? 1 : 5))
const mostRows = Number(options.rows ?? (options.quick ? 2500 : 5000))
const kinds = ['words', 'style'],
  OURS = 'Sluice'
const unknown = names.find(name => !sets[name])
if (unknown) throw new Error(`bench_labels: no set '${unknown}'; there are ${Object.keys(sets).join(', ')}`)
if (!hasData) throw new Error('bench_labels: there is no ../shared/data beside the checkout')

/**
 * Rows of a set as features: of each reviewer, of the joint heads (words beside style, each of mean square 1), hashes
 * of prompts and answers, lengths' differences, votes.
 */
async function load(name) {
  const all = await sets[name].read()
  const keep = all.map((_, i) => i).filter(i => sets[name].whole || combine32(9, i) / 2 ** 32 < mostRows / all.length)
  const rows = keep.map(i => all[i]),
    pair = createPairText()
  const featurisers = kinds.map(kind => createFeaturiser(kind, { max_rows: rows.length, max_values: 1e9 }))
  const hashes = new Uint32Array(rows.length),
    answers = [new Uint32Array(rows.length), new Uint32Array(rows.length)],
    longer = new Int32Array(rows.length)
  rows.forEach((row, i) => {
    const bytes = bytesOf(row)
    hashes[i] = hash32(bytes.prompt, 0, bytes.prompt.length, 0)
    ;['chosen', 'rejected'].forEach((side, k) => {
      answers[k][i] = hash32(bytes[side], 0, bytes[side].length, hashes[i])
    })
    longer[i] = bytes.chosen.length - bytes.rejected.length
    for (const side of ['prompt', 'chosen', 'rejected']) pair[side].read(bytes[side], 0, bytes[side].length)
    for (const featuriser of featurisers) featuriser.append(pair)
  })
  const features = featurisers.map(featuriser => featuriser.view())
  const scores = (sets[name].scores ?? []).map((score, s) => ({
    name: score,
    rows: {
      layout: 'dense',
      columns: 1,
      length: rows.length,
      values: Float32Array.from(rows, row => row.scores[s][0] - row.scores[s][1]),
    },
  }))
  return {
    name,
    count: rows.length,
    hashes,
    answers,
    longer,
    votes: rows.map(row => row.votes ?? []),
    scaled: scores.flatMap(({ name }, s) =>
      rescaled(
        name,
        rows.map(row => ({ part: row.part, sides: row.scores[s] })),
      ),
    ),
    wrong: rows.map(row => (row.wrong ? 1 : 0)),
    specs: [
      ...kinds.map(kind => ({ name: kind, from: 'learned' })),
      ...scores.map(score => ({ name: score.name, from: 'given' })),
    ],
    features: [...features, ...scores.map(score => score.rows)],
    joint: join2(features[0], [features[1], ...scores.map(score => score.rows)]),
  }
}

/**
 * Margins of scores brought to one scale in other ways than by a temperature: log-sigmoid against the 85th percentile
 * of the scores, in units of their middle half; and ranks within a part of the set.
 */
function rescaled(name, rows) {
  const all = rows.flatMap(({ sides }) => sides).sort((a, b) => a - b),
    at = share => all[Math.floor(share * (all.length - 1))],
    unit = at(0.75) - at(0.25)
  const parts = new Map(
    [...new Set(rows.map(({ part }) => part))].map(part => [
      part,
      Float64Array.from(rows.filter(row => row.part === part).flatMap(({ sides }) => sides)).sort(),
    ]),
  )
  const rank = (part, score) => {
    const some = parts.get(part)
    let low = 0,
      high = some.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (some[middle] < score) low = middle + 1
      else high = middle
    }
    return low / some.length
  }
  const margins = of => Float64Array.from(rows, ({ part, sides }) => of(part, sides[0]) - of(part, sides[1]))
  return [
    {
      name: `${name} by log-sigmoid`,
      margins: margins((_, score) => -Math.log1p(Math.exp((at(0.85) - score) / unit))),
    },
    { name: `${name} by rank in its source`, margins: margins(rank) },
  ]
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
  return [MEMORISING * unit, l2].map(strength =>
    accuracy(trainHead(train, picked, strength, { seed, tolerance: 1e-3, max_epochs: 100 })),
  )
}

/** P(the label is right) by the votes that are not the label itself, each weighed by how often its voter is right. */
function votesOf(set, train) {
  const voters = new Map(),
    row = [],
    voter = [],
    vote = []
  train.forEach((at, i) => {
    for (const { by, says } of set.votes[at]) {
      if (!voters.has(by)) voters.set(by, voters.size)
      row.push(i)
      voter.push(voters.get(by))
      vote.push(says)
    }
  })
  const votes = { row: Uint32Array.from(row), voter: Uint32Array.from(voter), vote: Int8Array.from(vote) }
  return labelProbabilities(votes, fitVoters(votes, train.length, voters.size), train.length)
}

/** Average precision of finding positives by the highest scores. */
function averagePrecision(scores, positive) {
  const order = [...scores.keys()].sort((a, b) => scores[b] - scores[a] || a - b)
  let hits = 0,
    sum = 0
  order.forEach((row, i) => {
    if (positive[row]) sum += ++hits / (i + 1)
  })
  return hits > 0 ? sum / hits : NaN
}

function cleanlab(home, rows, folds) {
  const signed = new Random(77),
    orientation = Uint8Array.from({ length: rows.length }, () => (signed.float() < 0.5 ? 1 : 0))
  for (const [name, array] of Object.entries({
    indptr: rows.indptr,
    indices: rows.indices,
    values: rows.values,
    folds,
    orientation,
  })) {
    writeFileSync(join(home, `${name}.bin`), new Uint8Array(array.buffer, array.byteOffset, array.byteLength))
  }
  const { status, stdout, stderr } = spawnSync(
    options.python,
    [fileURLToPath(new URL('bench_labels.py', import.meta.url)), home, String(rows.columns)],
    { encoding: 'utf8' },
  )
  if (status !== 0) throw new Error(`bench_labels: cleanlab failed: ${stderr.trim().split('\n').at(-1)}`)
  const read = (name, Type) => {
    const { buffer, byteOffset, byteLength } = readFileSync(join(home, name))
    return new Type(buffer.slice(byteOffset, byteOffset + byteLength))
  }
  return {
    probability: read('probability.bin', Float64Array),
    issues: read('issues.bin', Uint8Array),
    said: JSON.parse(stdout),
  }
}

const home = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
const results = []
let versions

/** What a process of its own finds in a set. */
async function measured(name) {
  const file = join(home, `${name}.json`)
  const child = spawn(
    process.execPath,
    [fileURLToPath(import.meta.url), ...process.argv.slice(2), '--sets', name, '--results', file],
    { stdio: 'inherit' },
  )
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`bench_labels: ${name} failed`)
  return JSON.parse(readFileSync(file, 'utf8'), (_, value) => (value === null ? NaN : value))
}

async function measure(name) {
  const set = await load(name)
  const byLength = options.quick || options.rates || sets[name].rates ? [] : [['length', 0.2]],
    some = rates.filter(rate => sets[name].rates?.includes(rate) ?? true)
  const noises = sets[name].real ? [['real', 0]] : [...some.map(rate => ['random', rate]), ...byLength]
  for (const [kind, rate, seed] of noises.flatMap(([kind, rate]) =>
    Array.from({ length: seeds }, (_, i) => [kind, rate, i + firstSeed]),
  )) {
    const flips = flipsOf(set, kind, rate, seed),
      signs = Int8Array.from(flips, flip => (flip ? -1 : 1)),
      straight = new Int8Array(set.count).fill(1)
    // a fifth of the prompts is held out with the truth; of a set with few prompts this is a lumpy fifth
    const isTest = row => combine32(seed * 31 + 7, set.hashes[row]) % 5 === 0
    const everything = Uint32Array.from({ length: set.count }, (_, i) => i),
      train = everything.filter(row => !isTest(row))
    // where the noise is real the truth of the held-out rows is known too
    const test = oriented(set.joint, everything.filter(isTest), kind === 'real' ? signs : straight)
    const view = kind === 'real' ? straight : signs
    const wrong = Uint8Array.from(train, row => flips[row])
    const samples = set.features.map(rows => oriented(rows, train, view)),
      joint = oriented(set.joint, train, view)
    const folds = Uint8Array.from(train, row => foldOf(set.hashes[row], FOLDS, seed))
    const side = k => Uint32Array.from(train, row => set.answers[view[row] > 0 ? k : 1 - k][row]),
      rows = { chosen: side(0), rejected: side(1) }
    const question = {
        specs: set.specs,
        samples,
        prompts: Uint32Array.from(train, row => set.hashes[row]),
        compared: { graph: tournament(rows), rows },
      },
      settings = { folds: FOLDS, seed },
      asked = { seed, min_auroc: 0.6, share_by: 'probability', exchange: false }
    const { panel, margins, stacked, wrong: found } = panelOf(question, asked),
      again = panelOf(question, { ...asked, exchange: true })
    const mean = stacked.map((_, i) =>
      margins.reduce(
        (sum, some, m) =>
          sum +
          (Number.isFinite(panel.reviewers[m].calibration.plain_temperature)
            ? some[i] / panel.reviewers[m].calibration.plain_temperature
            : 0),
        0,
      ),
    )
    const share = panel.decision.noise.value,
      dropsOf = scores => Uint8Array.from(scores, score => (score <= lowest(scores, share) ? 1 : 0)),
      atRate = scores => ({ scores, drops: dropsOf(scores) })
    const shuffled = new Random(combine32(seed, 3)),
      luck = stacked.map(() => shuffled.float() - 1)
    const all = Uint32Array.from(folds.keys()),
      { l2 } = crossFit(joint, folds, settings),
      self = trainHead(joint, all, l2, settings),
      own = Float64Array.from(all, row => dotRow(joint, row, self.weights))
    const alike = fitNeighbours(samples[1], folds)
    const methods = {
      [OURS]: { scores: stacked, drops: found.stack, rate: share },
      'Sluice, at the noise rate': atRate(stacked),
      'Sluice, confident learning': {
        scores: stacked,
        drops: flagConfident(stacked.map(margin => support(panel.joint, margin))),
      },
      'with the exchange': { scores: again.stacked, drops: again.wrong.stack },
      'rule both': { drops: found.both },
      'rule either': { drops: found.either },
      'mean of reviewers': atRate(mean),
      ...Object.fromEntries(panel.reviewers.map(({ name }, m) => [`${name} alone`, atRate(margins[m])])),
      'self-review': atRate(own),
      'mixture of two bells': {
        scores: stacked,
        drops: new Uint8Array(train.length),
        rate: panel.mixture.wrong,
        isTable: true,
      },
      'neighbours in style': {
        scores: Float64Array.from(all, row => neighbourProbability(alike, samples[1], row, folds[row])),
        isTable: true,
      },
      'random drop': atRate(luck),
    }
    for (const { name, margins } of set.scaled) {
      methods[name] = { scores: Float64Array.from(train, row => margins[row] * view[row]), isTable: true }
    }
    if (kind === 'real') {
      methods['votes of the others (Dawid and Skene)'] = { scores: votesOf(set, train), isTable: true }
    }
    if (options.python) {
      const found = cleanlab(home, joint, folds)
      versions = found.said.versions
      methods['cleanlab, tuned'] = { scores: found.probability, drops: found.issues, rate: found.said.noise_rate }
    }
    methods['train on everything'] = { drops: new Uint8Array(train.length) }
    methods['train on the truly clean'] = { drops: wrong }
    const hits = drops => drops.reduce((n, drop, i) => n + (drop & wrong[i]), 0),
      count = flags => flags.reduce((n, flag) => n + flag, 0)
    // methods that drop the same rows train the same heads
    const trained = new Map()
    for (const [method, { scores, drops = new Uint8Array(train.length), rate: said, isTable }] of Object.entries(
      methods,
    )) {
      const against = scores && Array.from(scores, score => -score),
        kept = Uint32Array.from(drops.keys()).filter(i => !drops[i])
      const same = Buffer.from(drops).toString('latin1')
      if (!isTable && !trained.has(same)) trained.set(same, headsOf(joint, folds, kept, test, seed))
      const [memorising, tuned] = isTable ? [NaN, NaN] : trained.get(same)
      results.push({
        set: name,
        kind,
        rate,
        seed,
        method,
        rows: train.length,
        wrong: count(wrong) / train.length,
        dropped: isTable ? NaN : count(drops) / train.length,
        memorising,
        tuned,
        auroc: against && count(wrong) > 0 ? auroc(against, wrong).value : NaN,
        ap: against && count(wrong) > 0 ? averagePrecision(against, wrong) : NaN,
        precision: count(drops) > 0 ? hits(drops) / count(drops) : NaN,
        recall: !isTable && count(wrong) > 0 ? hits(drops) / count(wrong) : NaN,
        estimate: said ?? NaN,
        ...(method === OURS
          ? {
              how: panel.decision.noise.how,
              high: panel.decision.noise.high,
              gate: panel.decision.gate,
              low: panel.expected.stack.precision.low,
              most: panel.expected.stack.precision.high,
              helps: mayDrop(panel),
            }
          : {}),
      })
    }
    console.error(`${name} ${kind} ${rate} seed ${seed}: ${train.length} pairs`)
  }
}

if (options.results) {
  for (const name of names) await measure(name)
  writeFileSync(options.results, JSON.stringify({ results, versions }))
  rmSync(home, { recursive: true })
  process.exit()
}
const queue = new PQueue({ concurrency: Number(options.jobs ?? 2) })
for (const found of await queue.addAll(names.map(name => () => measured(name)))) {
  results.push(...found.results)
  versions ??= found.versions
}
rmSync(home, { recursive: true })
const out = options.out ?? fileURLToPath(new URL('../docs/benchmarks/labels.md', import.meta.url))
mkdirSync(dirname(out), { recursive: true })
const command = [
  'npm run bench:labels',
  ...(process.argv.length > 2
    ? [
        '--',
        ...process.argv
          .slice(2)
          .map((arg, i, args) => (args[i - 1] === '--python' ? '<python>' : args[i - 1] === '--out' ? '<file>' : arg)),
      ]
    : []),
].join(' ')
writeFileSync(out, page(results, { command, sets, seeds, versions, quick: options.quick === true }))
console.error(`wrote ${out}`)
