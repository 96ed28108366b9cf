// Turns the cells of scripts/bench_cells.mjs into docs/benchmarks/labels.md.
const T = [NaN, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262]

/** Mean of the numbers that are there, and half of its 95 % interval (Student's t); no interval of a single one. */
export function over(all) {
  const values = all.filter(Number.isFinite),
    n = values.length
  if (n === 0) return { value: NaN, half: NaN }
  const value = values.reduce((a, b) => a + b) / n,
    squares = values.reduce((sum, each) => sum + (each - value) ** 2, 0)
  return { value, half: n > 1 ? (T[n - 1] ?? 1.96) * Math.sqrt(squares / (n - 1) / n) : NaN }
}
export const mean = all => over(all).value
export const fixed = (value, digits = 2) => (Number.isFinite(value) ? value.toFixed(digits) : '–')
export const signed = value => (Number.isFinite(value) ? `${value < 0 ? '' : '+'}${value.toFixed(3)}` : '–')
export const spread = ({ value, half }) => (Number.isNaN(half) ? signed(value) : `${signed(value)} ± ${fixed(half, 3)}`)
export const percent = (value, digits = 1) => (Number.isFinite(value) ? `${(100 * value).toFixed(digits)} %` : '–')
export const table = (head, rows) =>
  [`| ${head.join(' | ')} |`, `|${' --- |'.repeat(head.length)}`, ...rows.map(row => `| ${row.join(' | ')} |`)].join(
    '\n',
  )
const groupsOf = (all, key) =>
  all.reduce((map, one) => map.set(key(one), [...(map.get(key(one)) ?? []), one]), new Map())
const noiseName = ({ kind, rate }) =>
  kind === 'real' ? 'real' : kind === 'length' ? `${100 * rate} % by length` : `${Math.round(100 * rate)} %`

/** Shares of rows that both of two sets hold, over all pairs of sets. */
function jaccards(sets) {
  const all = []
  sets.forEach((a, i) => {
    for (const b of sets.slice(i + 1)) {
      const shared = a.filter(id => b.includes(id)).length
      all.push(a.length + b.length > 0 ? shared / (a.length + b.length - shared) : 1)
    }
  })
  return mean(all)
}

const GOLD = ['ukpconvarg1', 'gsm8k', 'factor', 'xstest']

/** What is aimed at, held against what was measured; of sets and rates that were not run nothing is said. */
function aims(cells, sample) {
  const rows = []
  const of = (name, ...rates) =>
    cells.filter(
      ({ set, kind, rate }) => set === name && kind === 'random' && (rates.length === 0 || rates.includes(rate)),
    )
  const line = (aim, where, value, isReached, shown) => {
    if (Number.isFinite(value)) rows.push([aim, where, shown, isReached ? 'reached' : '**not reached**'])
  }
  const atLeast = (aim, where, values, least) => {
    const value = mean(values)
    line(
      `${aim} at least ${least}`,
      where,
      value,
      value >= least,
      `${fixed(value, 3)}; least ${fixed(Math.min(...values), 2)}`,
    )
  }
  const wanted = [
    ...['ukpconvarg1', 'gsm8k', 'factor', 'xstest'].flatMap(name => [0.1, 0.2].map(rate => [name, rate, 0.95])),
    ...['dpo-reward-margins', 'oasst'].flatMap(name => [0.1, 0.2].map(rate => [name, rate, 0.8])),
    ...[0.1, 0.2].map(rate => ['truthfulqa', rate, 0.75, 0.4]),
    ['ukpconvarg1', 0.3, 0.93],
    ['gsm8k', 0.3, 0.93],
    ['factor', 0.3, 0.8],
  ]
  for (const [name, rate, least, each] of wanted) {
    const values = of(name, rate).map(({ f, best }) => f / best),
      where = `${name}, ${100 * rate} %`
    atLeast('F / best F', where, values, least)
    if (each) {
      line(`no seed below ${each}`, where, mean(values), Math.min(...values) >= each, fixed(Math.min(...values)))
    }
  }
  const drops = (name, most, ...rates) => {
    const shares = of(name, ...rates).map(({ dropped, rows }) => dropped / rows),
      worst = rates.length > 0 ? mean(shares) : Math.max(...shares)
    line(
      most > 0 ? `drops at most ${percent(most)} where nothing was flipped` : 'drops nothing, at any rate and seed',
      name,
      worst,
      worst <= most,
      percent(worst, 2),
    )
  }
  for (const name of [...GOLD, 'dpo-reward-margins']) drops(name, 0.002, 0)
  for (const name of ['llmbar', 'hh-rlhf']) drops(name, 0)
  drops('oasst', 0.07, 0)
  drops('truthfulqa', 0.03, 0)
  for (const name of ['oasst', 'truthfulqa']) {
    const gain = over(of(name, 0).map(({ ways, heads }) => ways.Sluice.tuned - heads.everything.tuned))
    line(
      'tuned model not below everything beyond chance',
      `${name}, 0 %`,
      gain.value,
      !(gain.value + gain.half < 0),
      spread(gain),
    )
  }
  const steady = {
    ukpconvarg1: 0.93,
    gsm8k: 0.93,
    factor: 0.93,
    'dpo-reward-margins': 0.9,
    oasst: 0.85,
    truthfulqa: 0.8,
  }
  for (const [name, least] of Object.entries(steady)) {
    for (const rate of [0.1, 0.2]) {
      const found = of(name, rate).flatMap(({ steady }) => (steady ? [steady] : []))
      if (found.length === 0) continue
      const where = `${name}, ${100 * rate} %`
      atLeast(
        'Jaccard over five fold seeds',
        where,
        found.map(({ seeds }) => seeds),
        least,
      )
      atLeast(
        'Jaccard in another order of the rows',
        where,
        found.map(({ order }) => order),
        least,
      )
      if (least >= 0.9) {
        atLeast(
          'Jaccard with 1 % of the rows left out',
          where,
          found.map(({ without }) => without),
          0.8,
        )
      }
    }
  }
  const random = cells.filter(({ kind }) => kind === 'random'),
    share = (some, test) => some.filter(test).length / some.length
  const covered = share(random, ({ noise, wrong }) => noise.high >= wrong)
  line('the bound covers the share of wrong labels in 95 % of cases', 'all', covered, covered >= 0.95, percent(covered))
  for (const name of GOLD) {
    const off = mean(of(name, 0, 0.1, 0.2).map(({ noise, wrong }) => Math.abs(noise.value - wrong)))
    line('the estimate is off by at most 0.03, up to 20 %', name, off, off <= 0.03, fixed(off, 3))
  }
  // where nothing was flipped nobody knows what is wrong
  const promises = random.flatMap(({ promised, rate }) => (promised && rate > 0 ? [promised] : [])),
    kept = share(promises, ({ low, high, real }) => real >= low && real <= high)
  line(
    'the real precision is in the printed range in 90 %',
    `${promises.length} drops`,
    kept,
    kept >= 0.9,
    percent(kept),
  )
  const half = share(random, ({ least }) => least)
  line('every dropped row has a probability of at most 0.5', 'all', half, half === 1, percent(half))
  const at20 = [
      ...groupsOf(
        random.filter(({ rate }) => rate === 0.2),
        ({ set }) => set,
      ).values(),
    ],
    gain = (which, way) =>
      mean(at20.map(some => mean(some.map(cell => way(cell)[which] - cell.heads.everything[which]))))
  const clean = gain('memorising', ({ heads }) => heads.clean),
    ours = gain('memorising', ({ ways }) => ways.Sluice)
  line(
    'memorising model: 90 % of the way to clean, mean of the sets',
    '20 %',
    ours / clean,
    ours / clean >= 0.9,
    fixed(ours / clean),
  )
  const tuned = over(at20.flat().map(({ heads, ways }) => ways.Sluice.tuned - heads.everything.tuned))
  line('tuned model not below everything', '20 %', tuned.value, !(tuned.value + tuned.half < 0), spread(tuned))
  const counts = sample.runs.map(({ ids }) => ids.length),
    found = sample.runs.map(({ found }) => found),
    same = jaccards(sample.runs.map(({ ids }) => ids))
  line(
    '40 to 56 dropped at every seed',
    'bundled sample',
    1,
    counts.every(n => n >= 40 && n <= 56),
    counts.join(', '),
  )
  line(
    `at least 16 of ${sample.swapped} swapped found`,
    'bundled sample',
    1,
    found.every(n => n >= 16),
    found.join(', '),
  )
  if (counts.length > 1) line('Jaccard over seeds at least 0.8', 'bundled sample', same, same >= 0.8, fixed(same, 3))
  return table(['aim', 'where', 'measured', ''], rows)
}

/** What another way is worth beside Sluice, paired by set, noise and seed. */
function waysTable(cells) {
  const some = cells.filter(({ kind, wrong }) => kind !== 'length' && wrong > 0),
    names = [...new Set(some.flatMap(({ ways }) => Object.keys(ways)))].filter(name => name !== 'Sluice')
  const scores = new Set(
    some.flatMap(({ set, ways }) => Object.keys(ways).filter(name => / alone$/.test(name) && set !== 'ukpconvarg1')),
  )
  return table(
    ['way', 'AUROC, up to 20 %', 'from 30 %', 'F, up to 20 %', 'from 30 %', 'memorising model', 'tuned model'],
    names
      .filter(name => !scores.has(name) || some.some(({ set, ways }) => set === 'ukpconvarg1' && ways[name]))
      .map(name => {
        const gap = (key, test = () => true) =>
          spread(
            over(
              some.filter(cell => cell.ways[name] && test(cell)).map(({ ways }) => ways[name][key] - ways.Sluice[key]),
            ),
          )
        const few = ({ rate, kind }) => kind === 'real' || rate <= 0.2,
          many = cell => !few(cell)
        return [
          name,
          ...['auroc', 'f'].flatMap(key => [gap(key, few), gap(key, many)]),
          gap('memorising'),
          gap('tuned'),
        ]
      }),
  )
}

/** By set and noise: what is dropped, and whether what is printed of it holds. */
function dropsTable(cells) {
  return table(
    [
      'flipped',
      'wrong',
      'dropped',
      'precision',
      'recall',
      'F / best F',
      'estimate, at most',
      'covered',
      'printed range',
      'real precision inside',
      'real share in lists of 50, 100, 200',
      'gate',
    ],
    [...groupsOf(cells, noiseName)].map(([noise, some]) => {
      const promises = some.flatMap(({ promised }) => (promised ? [promised] : [])),
        shut = [
          ...groupsOf(
            some.filter(({ gate }) => gate !== 'open'),
            ({ gate }) => gate,
          ),
        ]
      return [
        noise,
        percent(mean(some.map(({ wrong }) => wrong))),
        percent(mean(some.map(({ dropped, rows }) => dropped / rows))),
        fixed(mean(some.map(({ precision }) => precision))),
        fixed(mean(some.map(({ recall }) => recall))),
        `${fixed(mean(some.map(({ f }) => f)))} / ${fixed(mean(some.map(({ best }) => best)))}`,
        `${fixed(mean(some.map(({ noise }) => noise.value)), 3)}, ${fixed(mean(some.map(({ noise }) => noise.high)), 3)}`,
        `${some.filter(({ noise, wrong }) => noise.high >= wrong).length} of ${some.length}`,
        promises.length > 0
          ? `${fixed(mean(promises.map(({ low }) => low)))} to ${fixed(mean(promises.map(({ high }) => high)))}`
          : '–',
        promises.length > 0
          ? `${promises.filter(({ low, high, real }) => real >= low && real <= high).length} of ${promises.length}`
          : '–',
        [0, 1, 2].map(k => fixed(mean(some.map(({ lists }) => lists[k].real)))).join(', '),
        shut.length > 0 ? shut.map(([gate, list]) => `${gate} (${list.length} of ${some.length})`).join(', ') : 'open',
      ]
    }),
  )
}

/** By set and noise: held-out accuracy of both models. */
function headsTable(cells) {
  return table(
    ['set', 'flipped', 'model', 'everything', 'Sluice', 'cleanlab', 'truly clean'],
    [...groupsOf(cells, cell => `${cell.set} | ${noiseName(cell)}`)].flatMap(([name, some]) =>
      ['memorising', 'tuned'].map(model => {
        const everything = mean(some.map(({ heads }) => heads.everything[model])),
          gap = of => spread(over(some.map(cell => (of(cell)?.[model] ?? NaN) - cell.heads.everything[model])))
        return [
          name,
          model,
          fixed(everything, 3),
          gap(({ ways }) => ways.Sluice),
          gap(({ ways }) => ways['cleanlab, tuned']),
          gap(({ heads }) => heads.clean),
        ]
      }),
    ),
  )
}

/** The page. Every number is of the run; nothing is written by hand but the words around them. */
export function page(cells, { command, sets, sample, quick }) {
  const seeds = new Set(cells.map(({ seed }) => seed)).size,
    versions = cells.map(({ ways }) => ways['cleanlab, tuned']?.versions).find(Boolean)
  const sections = [
    `# Labels: what is found, how steady it is, and what dropping it is worth

<!-- Written by \`${command}\`; do not edit. -->

${quick ? 'A **quick run**, for a look: few sets, few pairs, one seed. Nothing in it is settled; the full run is `npm run bench:labels -- --python <python with cleanlab>`.\n\n' : ''}Each set's labels are taken for the truth, a share of them is flipped (at random; or first where the rejected side is the longer one; or not at all where one person's vote stands against the majority), and every way says which are wrong.
A fifth of the prompts is held out with the truth: a model (a linear head) is trained on what each way keeps, once hardly regularised so that it learns by heart as a large model does (memorising), once with its regularisation chosen by held-out loss (tuned).
Means over ${seeds} seed${seeds > 1 ? 's, ± half of the 95 % interval (Student’s t); seeds change the flips, the folds and the held-out prompts' : '; one seed gives no interval'}. Labels that were wrong before anything was flipped count as right, so that on noisy sets (oasst, hh-rlhf) the real precision is higher than said here.

**Sluice** is \`peer_review\` with \`rule: stack\`, as it comes: words, style, the standings of answers in other pairs, and scores where the set has some, five cross-fits, weighed by what they see; labels that are more likely wrong than right are dropped. Best F is the largest of any number of drops along the same ranking.
${versions ? `**cleanlab** ${versions.cleanlab} with scikit-learn ${versions['scikit-learn']} judges by one joint logistic regression on the same words, style and scores, over the same folds by prompt, its regularisation chosen by out-of-fold likelihood over a grid of factor 2; what it drops is \`find_label_issues\` as it comes. Standings are not among its features: they are a way of judging, not a column.` : 'cleanlab was not part of this run (`--python`).'}

## Aims

They were written down before these figures were made. Ratios are means over the seeds. The bundled sample is the main job (\`pipelines/clean.yaml\`) at ${seeds} seeds.

${aims(cells, sample)}

## What each part is worth

Differences to Sluice, paired by set, noise and seed; below 0 is worse. "At the noise rate" drops the lowest share, as many as are estimated to be wrong; "confident learning" what the closed form for pairs flags; "with the exchange" lets each reviewer learn again from what the others trust.
A model that learns by heart gains by dropping hard pairs, right or wrong: more drops are not better labels. Where a gate is shut, ways without one drop the most.

${waysTable(cells)}

## Held-out accuracy

Differences to training on everything.

${headsTable(cells)}`,
  ]
  for (const [set, some] of groupsOf(cells, ({ set }) => set)) {
    const { note } = sets[set],
      pairs = Math.round(mean(some.map(({ rows }) => rows))).toLocaleString('en-US')
    sections.push(
      `## ${set}\n\n${note[0].toUpperCase()}${note.slice(1)}. ${pairs} pairs to train on.\n\n${dropsTable(some)}`,
    )
  }
  return `${sections.join('\n\n')}\n`
}
