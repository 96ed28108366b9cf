// Turns the results of scripts/bench_labels.mjs into docs/benchmarks/labels.md.
const T = [NaN, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262]

/**
 * Mean of what is there, with the half-width of its 95 % interval over seeds (Student's t); no interval from one seed.
 */
function over(results, key) {
  const values = results.map(result => result[key]).filter(value => Number.isFinite(value)),
    n = values.length
  if (n === 0) return { value: NaN, half: NaN }
  const value = values.reduce((a, b) => a + b) / n
  return {
    value,
    half:
      n > 1
        ? (T[n - 1] ?? 1.96) * Math.sqrt(values.reduce((sum, each) => sum + (each - value) ** 2, 0) / (n - 1) / n)
        : NaN,
  }
}
const show = ({ value, half }) =>
  Number.isNaN(value) ? '–' : Number.isNaN(half) ? value.toFixed(3) : `${value.toFixed(3)} ± ${half.toFixed(3)}`
const table = (head, rows) =>
  [`| ${head.join(' | ')} |`, `|${' --- |'.repeat(head.length)}`, ...rows.map(row => `| ${row.join(' | ')} |`)].join(
    '\n',
  )
const groupsOf = (results, key) =>
  results.reduce((map, result) => map.set(key(result), [...(map.get(key(result)) ?? []), result]), new Map())
const noiseName = ({ kind, rate }) =>
  kind === 'real' ? 'real' : kind === 'length' ? `${rate * 100} % by length` : `${Math.round(rate * 100)} % at random`

/** Differences of two methods, paired by seed. */
function paired(results, a, b, key) {
  const at = method =>
    new Map(
      results
        .filter(result => result.method === method)
        .map(result => [`${result.set} ${noiseName(result)} ${result.seed}`, result[key]]),
    )
  const first = at(a),
    second = at(b)
  return over(
    [...first].filter(([name]) => second.has(name)).map(([name, value]) => ({ value: value - second.get(name) })),
    'value',
  )
}
/** One seed settles nothing; several do where chance does not reach over the limit. */
function verdict({ value, half }, least, seeds) {
  if (!Number.isFinite(value)) return 'not measured'
  if (seeds < 2) return `${value >= least ? 'above' : 'below'}; one seed settles nothing`
  const within = value - half < least && value + half >= least
  return `${value >= least ? 'reached' : 'not reached'}${within ? ', within chance' : ''}`
}

const OURS = 'Sluice',
  THEIRS = 'cleanlab, tuned'
/** Where neither finds more than this, there is nothing to learn from these features. */
const NOTHING = 0.55

/** What is aimed at, held against what was measured. */
function targets(results, seeds) {
  const rows = [...groupsOf(results, result => `${result.set} | ${noiseName(result)}`)].map(([name, some]) => {
    const of = method => some.filter(result => result.method === method),
      [first] = of(OURS),
      at40 = first.rate === 0.4
    const gap = paired(some, OURS, THEIRS, 'auroc'),
      best = Math.max(over(of(OURS), 'auroc').value, over(of(THEIRS), 'auroc').value)
    const found = !Number.isFinite(gap.value)
      ? '–'
      : best < NOTHING
        ? `${show(gap)}, nothing to learn`
        : `${show(gap)}, ${verdict(gap, at40 && first.set.startsWith('ukpconvarg1') ? 0.03 : 0, seeds)}`
    const dirty = over(of('train on everything'), 'memorising').value,
      clean = over(of('train on the truly clean'), 'memorising').value,
      kept = over(of(OURS), 'memorising').value
    const way =
      (first.rate === 0.2 || at40) && clean - dirty > 0.02
        ? `${((kept - dirty) / (clean - dirty)).toFixed(2)}, ${(kept - dirty) / (clean - dirty) >= 0.75 ? 'reached' : 'not reached'}`
        : '–'
    const tuned = paired(some, OURS, 'train on everything', 'tuned')
    const ours = of(OURS),
      error = over(
        ours.map(({ estimate, wrong }) => ({ value: Math.abs(estimate - wrong) })),
        'value',
      ),
      covered = ours.filter(({ high, wrong }) => high >= wrong).length
    const near = first.kind === 'real' ? '–' : `${show(error)}; the bound covers ${covered} of ${ours.length}`
    return [
      name,
      found,
      way,
      `${show(tuned)}, ${seeds < 2 ? verdict(tuned, 0, seeds) : tuned.value + tuned.half < 0 ? 'not reached' : 'reached'}`,
      near,
    ]
  })
  return `AUROC: at or above cleanlab, and by 0.03 on ukpconvarg1 at 40 %. Memorising model: 75 % of the way from training on everything to training on the truly clean. Tuned model: not below training on everything beyond chance. Noise rate: how far the estimate is off, and in how many seeds the bound covers the real share.
The line under each table says by seed what the margins bound the share of wrong labels to, and which gate was shut where nothing was dropped. Labels flipped by length are a bias that all labels share: it passes for truth, and no noise rate can tell.

${table(['set', 'noise', 'AUROC above cleanlab', 'memorising model, way to clean', 'tuned model above everything', 'noise rate, error'], rows)}`
}

/** What each way of judging is worth beside the whole, over all cells in which something is wrong. */
function parts(results) {
  const some = results.filter(({ wrong, kind }) => wrong > 0 && kind !== 'real'),
    first = [...groupsOf(some, ({ method }) => method)].filter(
      ([method, list]) => method !== OURS && list.some(({ auroc }) => Number.isFinite(auroc)),
    )
  const at = (method, test, key) => paired(some.filter(test), method, OURS, key)
  return table(
    [
      'method',
      'AUROC against Sluice, up to 20 % wrong',
      'from 30 %',
      'memorising model against Sluice, up to 20 %',
      'from 30 %',
    ],
    first.map(([method]) => [
      method,
      ...['auroc', 'memorising'].flatMap(key => [
        show(at(method, ({ rate }) => rate <= 0.2, key)),
        show(at(method, ({ rate }) => rate >= 0.3, key)),
      ]),
    ]),
  )
}

/** The page. Every number is of the run; nothing is written by hand but the words around them. */
export function page(results, { command, sets, seeds, versions, quick }) {
  const sections = [
    `# Labels: what is found, and what dropping it is worth

<!-- Written by \`${command}\`; do not edit. -->

${quick ? 'A **quick run**, for a look: few sets, few pairs, one seed. Nothing in it is settled; the full run is `npm run bench:labels -- --python <python with cleanlab>`.\n\n' : ''}Each set's labels are taken for the truth, a share of them is flipped (at random; or first where the rejected side is the longer one; or not at all where one person's vote stands against the majority), and every method says which are wrong.
A fifth of the prompts is held out with the truth: a model (a linear head) is trained on what each method keeps, once hardly regularised so that it learns by heart as a large model does (memorising), once with its regularisation chosen by held-out loss (tuned).
Mean over ${seeds} seed${seeds > 1 ? 's, ± half of the 95 % interval (Student’s t); seeds change the flips, the folds and the held-out prompts' : '; one seed gives no interval'}. Sets whose own labels are noisy have more wrong labels than were flipped: there the estimate is above the flipped share, rightly.

**Sluice** is \`peer_review\` (version 8) with \`rule: stack\`: words, style, the standings of answers in other pairs, and scores where the set has some, five cross-fits, weighed by what they see; it drops labels that are more likely wrong than right. "At the noise rate" drops the lowest share, as many as are estimated to be wrong; "with the exchange" lets each reviewer learn again from what the others trust; "confident learning" drops what the closed form for pairs flags.
"Self-review" is one head on everything that judges the labels that it learned from. ${versions ? `**cleanlab** ${versions.cleanlab} with scikit-learn ${versions['scikit-learn']} judges by one joint logistic regression on the same words, style and scores, over the same folds by prompt, its regularisation chosen by out-of-fold likelihood over a grid of factor 2; what it drops is \`find_label_issues\` as it comes. Standings are not among its features: they are a way of judging, not a column. Folds of rows instead of prompts would let it learn from other pairs of a prompt, too.` : 'cleanlab was not part of this run (`--python`).'}

## Aims

${targets(results, seeds)}

## What each part is worth

Differences to the whole, paired by set, noise and seed. Negative: worse than Sluice. What does not earn its place is off unless asked for (neighbours), not a rule (mean), or left out (self-review; scores by log-sigmoid or rank instead of by a temperature of their own).

${parts(results)}`,
  ]
  for (const [set, some] of groupsOf(results, result => result.set)) {
    sections.push(
      `## ${set}\n\n${sets[set].note[0].toUpperCase()}${sets[set].note.slice(1)}. ${Math.round(over(some, 'rows').value).toLocaleString('en-US')} pairs to train on.`,
    )
    for (const [noise, here] of groupsOf(some, noiseName)) {
      const ours = here.filter(({ how }) => how),
        how = ours.map(
          result =>
            `${result.estimate.toFixed(3)}, at most ${result.high.toFixed(3)}${result.helps ? '' : `, nothing dropped (${result.gate})`}`,
        )
      const rows = [...groupsOf(here, ({ method }) => method)].map(([method, list]) => [
        method,
        ...['auroc', 'ap', 'dropped', 'precision', 'recall', 'estimate', 'memorising', 'tuned'].map(key =>
          show(over(list, key)),
        ),
      ])
      sections.push(
        `### ${set}, ${noise}: ${(100 * over(here, 'wrong').value).toFixed(1)} % wrong\n\n${table(['method', 'AUROC', 'average precision', 'dropped', 'precision', 'recall', 'noise rate, estimated', 'memorising model', 'tuned model'], rows)}\n\nNoise rate by seed: ${how.join('; ')}.`,
      )
    }
  }
  return `${sections.join('\n\n')}\n`
}
