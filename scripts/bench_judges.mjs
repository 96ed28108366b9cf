// What filters by votes, scores and ratings find in real pairs, and what that is worth beside one model alone.
// Writes docs/benchmarks/judges.md (or the file --out names); everything is read from ../shared/data.
//   node scripts/bench_judges.mjs [--draws 20] [--out file]
// The stages work as they would for anybody: each figure is of what a run dropped, or of its manifest. What is held
// against them (one model alone, the published rules) is worked out here.
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { tableFromIPC } from 'apache-arrow'
import { run } from '../index.mjs'
import { hasData, rows as read } from './bench_data.mjs'
import { judgesPage } from './bench_judges_page.mjs'
import { source } from './build.mjs'

const { values: options } = parseArgs({ options: { draws: { type: 'string' }, out: { type: 'string' } } })
const draws = Number(options.draws ?? 20),
  out = options.out ?? fileURLToPath(new URL('../docs/benchmarks/judges.md', import.meta.url))
if (!hasData) throw new Error('bench_judges: there is no ../shared/data beside the checkout')
if (!(draws >= 1)) throw new Error(`bench_judges: --draws is ${options.draws}, and must be 1 at least`)

const RATE = 0.2,
  MODELS = ['base_dpo', 'alpha005', 'alpha01'],
  JUDGES = ['GPT-4', 'ChatGPT', 'ChatGPT-0301', 'PaLM2', 'LLaMA2', 'Falcon']
const home = mkdtempSync(join(tmpdir(), 'sluice-judges-'))

/** Runs stages on rows. A stage without `from` reads them. */
async function runOn(rows, stages, { seed = 0, source = {} } = {}) {
  const folder = mkdtempSync(join(home, 'run-')),
    path = join(folder, 'rows.jsonl')
  writeFileSync(path, rows.map(row => `${JSON.stringify(row)}\n`).join(''))
  const isAudit = ({ use }) => use.startsWith('audit_'),
    ends = stages.filter(stage => !isAudit(stage) && !stages.some(({ from }) => from === stage.id))
  const graph = {
    version: 1,
    name: 'judges',
    seed,
    stages: [
      { id: 'rows', use: 'read_jsonl', with: { path, ...source } },
      ...stages.map(stage => ({ from: isAudit(stage) ? { labels: 'rows' } : 'rows', ...stage })),
      ...ends.map(({ id }) => ({ id: `${id}_out`, use: 'write_arrow', from: id })),
      ...(ends.length === 0 ? [{ id: 'out', use: 'write_arrow', from: 'rows' }] : []),
    ],
  }
  const { folder: at, manifest } = await run(graph, { output: join(folder, 'out'), workers: 1 })
  const dropped = Object.fromEntries(stages.map(({ id }) => [id, new Set(idsIn(join(at, 'dropped', id)))]))
  rmSync(folder, { recursive: true })
  return { dropped, reports: Object.fromEntries(stages.map(({ id }) => [id, manifest.stages[id].report])) }
}
function idsIn(folder) {
  try {
    return readdirSync(folder).flatMap(name => [...tableFromIPC(readFileSync(join(folder, name))).getChild('id')])
  } catch (error) {
    if (error.code === 'ENOENT') return []
    throw error
  }
}

/** The ids of a share of rows, by a hash: another share for each seed. */
function drawn(rows, share, seed) {
  const hash = ({ id }) => createHash('sha256').update(`${seed} ${id}`).digest('hex'),
    order = rows.map(row => [hash(row), row.id]).sort(([a], [b]) => (a < b ? -1 : 1))
  return new Set(order.slice(0, Math.round(share * rows.length)).map(([, id]) => id))
}
const sum = values => values.reduce((a, b) => a + b, 0)

/** Of the `n` rows with the lowest gaps the share that `isWrong`; where equal gaps are cut, in expectation. */
function wrongInLowest(rows, gapOf, isWrong, n) {
  const levels = new Map()
  for (const row of rows) {
    const gap = gapOf(row),
      level = levels.get(gap) ?? [0, 0]
    levels.set(gap, [level[0] + 1, level[1] + (isWrong(row) ? 1 : 0)])
  }
  let left = n,
    wrong = 0
  for (const [, [many, bad]] of [...levels].sort(([a], [b]) => a - b)) {
    const taken = Math.min(left, many)
    wrong += (bad * taken) / many
    left -= taken
  }
  return wrong / n
}

// the sets of voices: rows, voices, `gaps` of each voice on a row, and a row with its label flipped
const side = name => ({ chosen: `${name}_chosen`, rejected: `${name}_rejected` })
async function rewards(name) {
  const rows = await read(`dpo-reward-margins/${name}`)
  return {
    name,
    source: name,
    voices: MODELS.map(model => ({ name: model, scores: side(model) })),
    rows: rows.map(row => ({
      ...{ id: row.id, prompt: row.id, chosen: 'one', rejected: 'two', source: name },
      ...Object.fromEntries(
        MODELS.flatMap(model => ['chosen', 'rejected'].map(s => [`${model}_${s}`, row[`${model}_reward_${s}`]])),
      ),
    })),
    gaps: row => MODELS.map(model => row[`${model}_chosen`] - row[`${model}_rejected`]),
    flip: row => ({
      ...row,
      ...Object.fromEntries(
        MODELS.flatMap(model => [
          [`${model}_chosen`, row[`${model}_rejected`]],
          [`${model}_rejected`, row[`${model}_chosen`]],
        ]),
      ),
    }),
  }
}

/** Verdicts of LLMBar: a row for each item and way of asking, of each judge a column for each order. */
async function verdicts() {
  const rows = new Map()
  for (const { item_id, judge, strategy, swapped, run, winner, gold } of await read('llmbar-judges/votes')) {
    if (Number(run) !== 0) continue
    const id = `${item_id} ${strategy}`,
      row = rows.get(id) ?? {
        ...{ id, prompt: id, chosen: 'one', rejected: 'two', strategy },
        ...{ gold: String(gold), other: String(3 - Number(gold)), is_first: Number(gold) === 1 },
        ...Object.fromEntries(JUDGES.flatMap(name => [`${name} 1`, `${name} 2`].map(column => [column, null]))),
      }
    row[`${judge} ${swapped ? 2 : 1}`] = winner ?? 'unread'
    rows.set(id, row)
  }
  return [...rows.values()]
}
const judgeVoices = JUDGES.map(name => ({
  ...{ name, verdict: `${name} 1`, swapped: `${name} 2` },
  ...{ chosen: 'gold', rejected: 'other', chosen_first: 'is_first' },
}))
function judgesOn(rows) {
  const signs = (row, name) => [1, 2].map(order => ({ [row.gold]: 1, [row.other]: -1 })[row[`${name} ${order}`]] ?? 0)
  return {
    name: 'LLMBar',
    voices: judgeVoices.map(voice => ({ ...voice, ties: ['unread'] })),
    rows: rows.filter(row => row.strategy === 'Vanilla' && JUDGES.every(name => row[`${name} 1`] !== null)),
    // one judge in both orders ties where these differ
    gaps: row => JUDGES.map(name => signs(row, name)).map(([one, other]) => (one === other ? one : 0)),
    flip: row => ({ ...row, gold: row.other, other: row.gold, is_first: !row.is_first }),
  }
}

const voted = (id, voices, more) => ({ id, use: 'vote_pairs', with: { voices, action: 'drop', ...more } })
/** The filters, and of those that were published so the rule in their words: of gaps of all voices, whether it acts. */
const filters = ({ voices, name }) => [
  { label: 'majority_against', stages: [voted('majority_against', voices, { rule: 'majority_against' })] },
  { label: 'all_against', stages: [voted('all_against', voices, { rule: 'all_against' })] },
  {
    label: 'none_agrees',
    published: ['VoteAll', gaps => gaps.every(gap => !(gap > 0))],
    stages: [voted('none_agrees', voices, { rule: 'none_agrees' })],
  },
  {
    label: 'half_agree',
    published: ['VoteMaj', gaps => gaps.filter(gap => gap > 0).length < gaps.length / 2],
    stages: [voted('half_agree', voices, { rule: 'half_agree' })],
  },
  {
    label: `all_against, ${voices[0].name} alone`,
    published: ['LLM-Judge', gaps => gaps[0] < 0],
    stages: [voted('one', voices.slice(0, 1), { rule: 'all_against' })],
  },
  { label: 'unanimous', stages: [voted('unanimous', voices, { rule: 'unanimous' })] },
  ...(name === 'LLMBar'
    ? []
    : [
        ...[0.1, 0.2, 0.3, 0.4].map(share => ({
          label: `mean_gap, lowest ${100 * share} %`,
          published: ['RwGap', share],
          stages: [voted(`gap_${100 * share}`, voices, { rule: 'mean_gap', share })],
        })),
        {
          label: 'combine_scores, cone of 30°',
          stages: [
            {
              id: 'cone',
              use: 'combine_scores',
              with: { score_columns: MODELS.map(side), method: 'z_sum', cone_degrees: 30, min_robust: 0 },
            },
          ],
        },
      ]),
]

/** What each filter drops of a set with some labels flipped: one line a filter, with a value for each draw. */
async function planted(set) {
  const all = filters(set).map(filter => ({ ...filter, found: [] }))
  for (let seed = 0; seed < draws; seed++) {
    const flipped = drawn(set.rows, RATE, seed),
      rows = set.rows.map(row => (flipped.has(row.id) ? set.flip(row) : row)),
      isWrong = ({ id }) => flipped.has(id)
    const worthOf = ids => {
      const right = [...ids].filter(id => flipped.has(id)).length
      return { acted: ids.size, precision: right / ids.size, recall: right / flipped.size }
    }
    const { dropped } = await runOn(
      rows,
      all.flatMap(({ stages }) => stages),
    )
    for (const { stages, published, found } of all) {
      const ours = worthOf(dropped[stages[0].id])
      const alone = set.voices.map((_, v) => wrongInLowest(rows, row => set.gaps(row)[v], isWrong, ours.acted))
      found.push({ ours, alone, ...(published ? { theirs: worthOf(publishedOn(set, rows, published[1])) } : {}) })
    }
    console.error(`${set.name}: draw ${seed + 1} of ${draws}`)
  }
  return { set: set.name, rows: set.rows.length, first: set.voices[0].name, filters: all }
}
/** The rows that a published rule acts on; RwGap takes the lowest share of means of gaps as they are. */
function publishedOn({ gaps }, rows, rule) {
  if (typeof rule === 'function') return new Set(rows.filter(row => rule(gaps(row))).map(({ id }) => id))
  const order = rows.map(row => [sum(gaps(row)), row.id]).sort(([a], [b]) => a - b)
  return new Set(order.slice(0, Math.floor(rule * rows.length + 1e-9)).map(([, id]) => id))
}

/** SCIR's selection: rows on which two models agree, and are sure, against as many by one of them alone. */
async function agreements(set) {
  const pairs = [
      [0, 1],
      [0, 2],
      [1, 2],
    ],
    least = [0, 0.1, 0.2]
  // each model's margin, taken for log-odds
  const calibrated = MODELS.map((model, i) => ({
    id: model,
    use: 'calibrate_scores',
    ...(i === 0 ? {} : { from: MODELS[i - 1] }),
    with: { score_columns: side(model), fit: 'none' },
  }))
  const settings = pairs.flatMap(pair => least.map(c => ({ pair, c, id: `both_${pair.join('')}_${100 * c}` })))
  const { reports } = await runOn(set.rows, [
    ...calibrated,
    ...settings.map(({ pair, c, id }) => ({
      id,
      use: 'vote_pairs',
      from: MODELS.at(-1),
      with: {
        voices: pair.map(m => ({ name: MODELS[m], probability: `${MODELS[m]}_probability` })),
        rule: 'unanimous',
        min_confidence: c,
      },
    })),
  ])
  return settings.map(({ pair, c, id }) => {
    // it acts on all rows but those that both are for, or with the label flipped, against
    const { rows, acts, acts_if_flipped } = reports[id].numbers,
      n = 2 * rows - acts - acts_if_flipped
    const alone = m => {
      const gapOf = row => set.gaps(row)[m]
      // of margins by their size the surest: wrong is a label that it speaks against
      return (
        1 -
        wrongInLowest(
          set.rows,
          row => -Math.abs(gapOf(row)),
          row => !(gapOf(row) > 0),
          n,
        )
      )
    }
    return {
      ...{ set: set.name, models: pair.map(m => MODELS[m]), c, n, both: (rows - acts) / n },
      ...{ first: alone(pair[0]), second: alone(pair[1]) },
    }
  })
}

/** Both orders of each judge, and where both agree, how often they are right. */
async function positions(rows) {
  const { reports } = await runOn(rows, [{ id: 'votes', use: 'vote_pairs', with: { voices: judgeVoices } }]),
    { orders, voices } = reports.votes.numbers
  return JUDGES.map(judge => {
    const { rows, same, won, lost } = orders[judge],
      of = voices[judge]
    return { judge, rows, same: same / rows, first: won / (won + lost), right: of.for / (of.for + of.against) }
  })
}

/** Ratings against rankings of the same answers. Of two ratings of one answer the first counts, as in the paper. */
async function feedback() {
  const [rankings, ratings] = [await read('sparse-feedback/rankings'), await read('sparse-feedback/ratings')]
  const keyOf = (...parts) => JSON.stringify(parts)
  const tables = await Promise.all(
    [/sample_generation$/, /./].map(async part => {
      const of = new Map()
      for (const { prompt, response, rating, subset } of ratings) {
        const key = keyOf(prompt, response)
        if (part.test(subset) && !of.has(key)) of.set(key, Number(rating))
      }
      const rows = rankings.filter(({ subset }) => part.test(subset))
      const { reports } = await runOn(
        rows.map(({ id, prompt, response_a, response_b, verdict }) => ({
          ...{ id, prompt, chosen: response_a, rejected: response_b, verdict, first: 'a' },
          ...{ a: of.get(keyOf(prompt, response_a)) ?? null, b: of.get(keyOf(prompt, response_b)) ?? null },
        })),
        [
          {
            id: 'votes',
            use: 'vote_pairs',
            with: {
              voices: [
                { name: 'rating', scores: { chosen: 'a', rejected: 'b' } },
                { name: 'ranking', verdict: 'verdict', chosen: 'first' },
              ],
            },
          },
        ],
      )
      return { rankings: rows.length, ...reports.votes.numbers.agreement[0] }
    }),
  )
  return { sample: tables[0], all: tables[1] }
}

const PAIRINGS = ['adjacent', 'best_worst', 'best_second', 'best_lower', 'all']
/** Pairs of scored answers by each rule, and by the published ones. `lowFirst`: ranks. */
async function pairings(name, answers, lowFirst) {
  const score = row => (lowFirst ? -row.score : row.score)
  const found = Object.fromEntries(PAIRINGS.map(pairing => [pairing, []]))
  for (let seed = 0; seed < draws; seed++) {
    const wanted = seed === 0 ? PAIRINGS : ['best_lower'] // the only one that draws
    const { reports } = await runOn(
      answers,
      wanted.map(pairing => ({
        id: pairing,
        use: 'pair_candidates',
        with: { pairing, order: lowFirst ? 'low_first' : 'high_first' },
      })),
      { seed, source: { layout: 'answers', answer: 'response' } },
    )
    for (const pairing of wanted) found[pairing].push(reports[pairing].numbers)
  }
  const prompts = [...grouped(answers, ({ prompt }) => JSON.stringify(prompt)).values()].filter(
    group => group.length > 1,
  )
  // in the order of the file: the first maximum, the first minimum
  const first = (group, sign) => group.reduce((best, row) => (sign * score(row) > sign * score(best) ? row : best))
  const ends = group => [first(group, 1), first(group, -1)]
  const any = (of, seed) => (group, g) => {
    const best = first(group, 1),
      others = group.filter(row => row !== best && of(row, best)),
      hash = createHash('sha256').update(`${seed} ${g}`).digest().readUInt32BE()
    return others.length > 0 ? [best, others[hash % others.length]] : undefined
  }
  const seeds = Array.from({ length: draws }, (_, seed) => seed)
  const rules = [
    ['SimPO, distilabel 1: the first best, the first worst', [ends]],
    ['Zephyr: the best, any other', seeds.map(seed => any(() => true, seed))],
    ['Argilla: the best, any lower', seeds.map(seed => any((row, best) => score(row) < score(best), seed))],
  ]
  const published = rules.map(([rule, ways]) => {
    const pairs = ways.flatMap(way => prompts.map(way).filter(Boolean)),
      real = pairs.filter(([a, b]) => a !== b),
      longer = ([a, b]) => Math.sign(Buffer.byteLength(a.response) - Buffer.byteLength(b.response)) / 2 + 0.5
    return {
      ...{ rule, pairs: pairs.length / ways.length, longer: sum(real.map(longer)) / real.length },
      tied: pairs.filter(([a, b]) => score(a) === score(b)).length / ways.length,
      same: (pairs.length - real.length) / ways.length,
    }
  })
  return { name, prompts: prompts.length, found, published }
}
const grouped = (values, keyOf) =>
  values.reduce((map, value) => map.set(keyOf(value), [...(map.get(keyOf(value)) ?? []), value]), new Map())

/** A temperature for each source: fitted to all rows, and what it is worth on the half that it was not fitted to. */
async function calibration(sets) {
  const all = sets.flatMap(({ rows }) => rows)
  const stages = MODELS.flatMap(model =>
    ['source', undefined].map(by => ({
      id: `${model}_${by ?? 'all'}`,
      use: 'calibrate_scores',
      with: { score_columns: side(model), bins: 10, ...(by ? { by } : {}) },
    })),
  )
  const { reports } = await runOn(all, stages),
    held = []
  for (let seed = 0; seed < draws; seed++) {
    const half = drawn(all, 0.5, seed)
    const { reports } = await runOn(
      all.filter(({ id }) => half.has(id)),
      stages,
    )
    for (const model of MODELS) {
      for (const { name, rows, gaps } of sets) {
        const margins = rows.filter(({ id }) => !half.has(id)).map(row => gaps(row)[MODELS.indexOf(model)]),
          nll = t => sum(margins.map(d => Math.log1p(Math.exp(-d / t)))) / margins.length
        const one = reports[`${model}_all`].numbers.temperature,
          own = reports[`${model}_source`].numbers.by_name[name].temperature
        held.push({ model, source: name, plain: nll(1), one: nll(one), own: nll(own) })
      }
    }
  }
  return { numbers: Object.fromEntries(MODELS.map(model => [model, reports[`${model}_source`].numbers])), held }
}

/** The best of three scores against what combine_scores makes of them: pairs whose label each agrees with. */
async function combined(set) {
  const ways = [
    ...MODELS.map(model => [`${model} alone`, { method: 'sum' }, [model]]),
    ['sum', { method: 'sum' }, MODELS],
    ['z_sum', { method: 'z_sum' }, MODELS],
    ['log_sigmoid, quantile (the default)', {}, MODELS],
    ['log_sigmoid, median', { reference: 'median' }, MODELS],
    ['least, parametric', { method: 'least', reference: 'parametric' }, MODELS],
  ]
  const stages = ways.flatMap(([, options, models], i) => [
    { id: `way_${i}`, use: 'combine_scores', with: { ...options, score_columns: models.map(side) } },
    {
      id: `right_${i}`,
      use: 'vote_pairs',
      from: `way_${i}`,
      with: { voices: [{ name: 'it', margin: `way_${i}_margin` }] },
    },
  ])
  const { reports } = await runOn(set.rows, stages)
  return ways.map(([way], i) => ({ way, right: reports[`right_${i}`].numbers.voices.it.for / set.rows.length }))
}

/** Comparisons of arguments by workers: contradictions, and filters where the label is the vote of the first worker. */
async function workers() {
  const SIDES = ['a', 'b'],
    arguments_ = await read('ukpconvarg1/all')
  const rows = arguments_.map(row => {
    const votes = [...row.votes],
      names = [...row.annotators],
      labelled = votes.findIndex(vote => SIDES.includes(vote)),
      others = votes.filter((_, i) => i !== labelled)
    return {
      ...{ id: row.id, prompt: `${row.prompt} (${row.stance})`, label: votes[labelled] ?? null, votes, names },
      ...{ chosen: row.response_a, rejected: row.response_b, first: 'a', majority: row.majority },
      ...{ gold: row.strict_gold, others },
    }
  })
  const verdicts = {
    'most votes, ties too': { verdict: 'majority', chosen: 'first', ties: ['tie', 'none'] },
    'votes for a side': { votes: 'votes', chosen: 'first' },
    'the first worker alone': { verdict: 'label', chosen: 'first' },
  }
  const { reports } = await runOn(
    rows,
    Object.values(verdicts).map((verdict, i) => ({ id: `audit_${i}`, use: 'audit_transitivity', with: { verdict } })),
  )
  const circles = Object.keys(verdicts).map((verdict, i) => ({ verdict, ...reports[`audit_${i}`].numbers }))

  const judged = rows.filter(({ label, gold, others }) => label && SIDES.includes(gold) && others.length >= 3)
  const labelled = judged.map(({ id, label, gold, others, chosen, rejected, prompt }) => ({
    ...{ id, prompt, label, gold, chosen: label === 'a' ? chosen : rejected },
    ...{ rejected: label === 'a' ? rejected : chosen, other: label === 'a' ? 'b' : 'a' },
    ...Object.fromEntries([0, 1, 2].map(i => [`worker_${i}`, others[i]])),
  }))
  const voices = [0, 1, 2].map(i => ({
    ...{ name: `worker ${i + 2}`, verdict: `worker_${i}`, chosen: 'label', rejected: 'other' },
  }))
  const rules = ['majority_against', 'all_against', 'none_agrees', 'half_agree', 'unanimous']
  const { dropped } = await runOn(
    labelled,
    rules.map(rule => voted(rule, voices, { rule })),
  )
  const isWrong = ({ label, gold }) => label !== gold,
    wrong = labelled.filter(isWrong).length,
    gapOf = row => ({ [row.label]: 1, [row.other]: -1 })[row.worker_0] ?? 0
  const found = rules.map(rule => {
    const acted = labelled.filter(({ id }) => dropped[rule].has(id)),
      right = acted.filter(isWrong).length
    return {
      ...{ rule, acted: acted.length, precision: right / acted.length, recall: right / wrong },
      alone: wrongInLowest(labelled, gapOf, isWrong, acted.length),
    }
  })
  return { circles, found, rows: labelled.length, wrong }
}

/** The stages that keep every row and label where no option says otherwise. */
async function harmless() {
  const { allStages } = await source('stages/registry.ts')
  const isSame = ({ rows, options }) => {
    const usual = Object.entries(options.properties).map(([name, option]) => [name, option.default])
    return (typeof rows === 'function' ? rows(Object.fromEntries(usual)) : rows) === 'same'
  }
  return new Set([...(await allStages()).values()].filter(isSame).map(({ name }) => name))
}

const sets = [await rewards('hh'), await rewards('shp')],
  verdictRows = await verdicts()
const oasst = (await read('oasst-100/ranked-replies')).map(({ id, prompt, response, rank }) => ({
    ...{ id, prompt, response, score: Number(rank) },
  })),
  rated = (await read('sparse-feedback/ratings')).map(({ id, prompt, response, rating }) => ({
    ...{ id, prompt, response, score: Number(rating) },
  }))
const found = {
  ...{ draws, rate: RATE, models: MODELS, harmless: await harmless() },
  workers: await workers(),
  feedback: await feedback(),
  positions: await positions(verdictRows),
  pairings: [await pairings('oasst-100, ranks', oasst, true), await pairings('sparse-feedback, ratings', rated, false)],
  combined: [await combined(sets[0]), await combined(sets[1])],
  agreements: [...(await agreements(sets[0])), ...(await agreements(sets[1]))],
  calibration: await calibration(sets),
  planted: [await planted(sets[0]), await planted(sets[1]), await planted(judgesOn(verdictRows))],
}
rmSync(home, { recursive: true })
mkdirSync(dirname(out), { recursive: true })
const hidden = { '--out': '<file>' },
  args = process.argv.slice(2).map((arg, i, all) => hidden[all[i - 1]] ?? arg),
  command = ['npm run bench:judges', ...(args.length > 0 ? ['--', ...args] : [])].join(' ')
writeFileSync(out, judgesPage(found, command))
console.error(`wrote ${out}`)
