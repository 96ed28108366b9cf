// Turns what scripts/bench_judges.mjs found into docs/benchmarks/judges.md.
import { fixed, mean, over, percent, signed, spread, table } from './bench_page.mjs'

const n = value => value.toLocaleString('en-US')
const range = (values, shown) => `${shown(Math.min(...values))} to ${shown(Math.max(...values))}`

/** Of one set what each filter drops, beside the published rule and one voice alone. */
function plantedTable({ first: name, filters }) {
  return table(
    [
      'filter',
      'drops',
      'precision',
      'recall',
      'published rule',
      'its precision, recall (drops)',
      `gain over ${name} alone`,
      'over the mean voice',
    ],
    filters.map(({ label, published, found }) => {
      const of = pick => mean(found.map(pick)),
        gain = pick => spread(over(found.map(one => one.ours.precision - pick(one.alone))))
      return [
        `\`${label.split(',')[0]}\`${label.slice(label.split(',')[0].length)}`,
        fixed(
          of(({ ours }) => ours.acted),
          0,
        ),
        fixed(
          of(({ ours }) => ours.precision),
          3,
        ),
        fixed(
          of(({ ours }) => ours.recall),
          3,
        ),
        published?.[0] ?? '',
        published
          ? `${fixed(
              of(({ theirs }) => theirs.precision),
              3,
            )}, ${fixed(
              of(({ theirs }) => theirs.recall),
              3,
            )} (${fixed(
              of(({ theirs }) => theirs.acted),
              0,
            )})`
          : '',
        gain(first),
        gain(mean),
      ]
    }),
  )
}
/** Gains in precision over one voice alone, of all filters but that of the first voice itself. */
const gainsOf = ({ filters }, pick) =>
  filters
    .filter(({ label }) => !label.includes('alone'))
    .map(({ found }) => mean(found.map(({ ours, alone }) => ours.precision - pick(alone))))
const first = ([own]) => own

/** Of one set the pairs that each of our rules makes, and the published ones. */
function pairingTable({ found, published }) {
  const ours = Object.entries(found).map(([pairing, runs]) => {
    const of = key => mean(runs.map(run => run[key]))
    return [`\`${pairing}\``, fixed(of('pairs'), 0), percent(of('chosen_longer')), fixed(of('mean_rank_gap')), '0', '0']
  })
  const theirs = published.map(({ rule, pairs, longer, tied, same }) => [
    rule,
    fixed(pairs, 0),
    percent(longer),
    '',
    fixed(tied, 0),
    fixed(same, 0),
  ])
  return table(
    ['rule', 'pairs', 'chosen is longer', 'ranks apart', 'pairs of equal score', 'one text on both sides'],
    [...ours, ...theirs],
  )
}

/** The page. Every number is of the run; nothing is written by hand but the words around them. */
export function judgesPage(found, command) {
  const { draws, rate, planted, agreements, positions, feedback, pairings, calibration, combined, workers } = found,
    gains = pick => planted.map(one => `${range(gainsOf(one, pick), signed)} (${one.set})`).join(', '),
    voteMaj = planted[2].filters.find(({ published }) => published?.[0] === 'VoteMaj').found,
    worse = agreements.filter(({ both, first }) => first > both),
    names = Object.keys(pairings[0].found)
  const line = (stage, worth) => {
    const [name] = stage.match(/\w+/)
    if (!found.harmless.has(name)) throw new Error(`bench_judges: ${name} drops or flips rows by default`)
    return [`[${name}](../stages/${name}.md)${stage.slice(name.length)}`, worth, 'keeps every row and label']
  }
  const held = (model, source) => {
    const some = calibration.held.filter(one => one.model === model && one.source === source)
    return ['plain', 'one', 'own'].map(key => fixed(mean(some.map(one => one[key])), 3))
  }
  const sources = Object.keys(Object.values(calibration.numbers)[0].by_name)
  const sections = [
    `# Judges, rewards and groups of answers: what filters find, and what that is worth

<!-- Written by \`${command}\`; do not edit. -->

Real pairs, scores, verdicts and votes of the folder \`shared\` beside this one, through the stages as anybody would run them: what is dropped is counted in the folders of runs, the rest is in their manifests. Beside them stand the rules as they were published, which the script works out in a line each, and one model alone at the same number of rows.

## What each is worth

${table(
  ['stage', 'worth here', 'by default'],
  [
    line(
      'vote_pairs',
      `its tables: yes. As a filter against flipped labels nothing to rely on: over the first voice alone, as many rows, precision gains ${gains(first)}; over the mean voice ${gains(mean)}`,
    ),
    line(
      'vote_pairs, `rule: unanimous`',
      `nothing: in ${worse.length} of ${agreements.length} settings the first of the two models alone picks as many rows better`,
    ),
    line('combine_scores', 'nothing with models of one family: the best score alone is above every combination'),
    line('calibrate_scores', 'something where scores are too sure, and more by source where sources differ'),
    [
      '[pair_candidates](../stages/pair_candidates.md)',
      `the rules differ in length: the chosen side is the longer one in ${range(
        names.map(name => mean(pairings[0].found[name].map(run => run.chosen_longer))),
        percent,
      )} of ${pairings[0].name.split(',')[0]}`,
      '`adjacent`, the least there',
    ],
    ['[audit_transitivity](../stages/audit_transitivity.md)', 'a report, and no filter', 'an audit drops nothing'],
    line('rank_agreement', 'not measured: no open data has two score lists of one prompt'),
    line('flag_off_policy', 'not measured: no open data has log-probabilities of a policy'),
    line('flag_entangled', 'not measured: no open data has gradients'),
  ],
)}

Nor were \`equilibrium\` and \`contradicted\` of pair_candidates measured, nor what judge_pairs asks of a server: no set here has log-probabilities of right and wrong answers, an overall score beside aspects, or a judge to ask.

## Rules of votes against flipped labels

${percent(rate, 0)} of labels are flipped, at random; means of ${draws} draws, gains ± half of their 95 % interval. Precision is the share of what is dropped whose label was flipped: chance is ${fixed(rate, 3)}. Labels that were wrong before count as right, so that on hh and shp it is a lower bound. The gain is that over one voice alone that drops as many rows, the lowest of its own margins (where equal ones are cut, in expectation): over the first voice named, and over the mean of all voices, as nobody knows without labels which is best.
VoteAll, VoteMaj, RwGap and LLM-Judge are the rules of PrefCleanBench's code. VoteAll and VoteMaj count ties as votes against the label, as the options of the same line do. RwGap takes margins as they are, so that the model with the largest scale decides; \`mean_gap\` divides by their mean size.`,
    ...planted.map(
      one => `### ${one.set}: ${one.set === 'LLMBar' ? 'six LLM judges, each in both orders' : 'implicit rewards of three models'}, ${n(one.rows)} pairs

${plantedTable(one)}`,
    ),
    `VoteMaj as published drops ${percent(mean(voteMaj.map(({ theirs }) => theirs.acted)) / planted[2].rows)} of LLMBar at a precision of ${fixed(mean(voteMaj.map(({ theirs }) => theirs.precision)), 3)}, where chance has ${fixed(rate, 3)}: ties and verdicts that go by the order count against the label. The voices decide, not the rule, and one good voice alone is mostly better than a vote with weak ones. From three voices on \`detect_noise\` weighs each by what it sees ([labels](labels.md)).

## Where two models agree

SCIR keeps pairs on which two rewards agree and are sure: \`vote_pairs\` with \`rule: unanimous\` over probabilities of two of the three models, both at least c from 0.5. The share of labels that are theirs, against the rows of which one alone is surest, as many.

${table(
  ['set', 'models', 'c', 'rows', 'both', 'the first alone', 'the second alone', 'gain over the first'],
  agreements.map(({ set, models, c, n: rows, both, first, second }) => [
    set,
    models.join(', '),
    fixed(c, 1),
    n(rows),
    ...[both, first, second].map(value => fixed(value, 3)),
    signed(both - first),
  ]),
)}

In ${worse.length} of ${agreements.length} the first model alone is better: that both agree selects mostly what is sure. It gains where the first is the weaker one.

## Labels of one worker

UKPConvArg1: the label is the vote of one worker, the voices are three others, and the truth is the set's cleaned label. ${n(workers.wrong)} of ${n(workers.rows)} labels are wrong, and nothing is planted. The truth was made of the same votes, so that this is the most that votes can do.

${table(
  ['rule', 'drops', 'precision', 'recall', 'one of the three alone', 'gain'],
  workers.found.map(({ rule, acted, precision, recall, alone }) => [
    `\`${rule}\``,
    n(acted),
    ...[precision, recall, alone].map(value => fixed(value, 3)),
    signed(precision - alone),
  ]),
)}

Here votes are worth something: voices are alike good, and independent.

## Position of an answer

Verdicts of LLMBar, all ways of asking, each in both orders. Of those that reverse with the order, how often the first shown won (50 % is chance); of those that do not, how often the verdict is right.

${table(
  ['judge', 'cases', 'both orders agree', 'the first shown won', 'right where both agree'],
  positions.map(({ judge, rows, same, first, right }) => [
    judge,
    n(rows),
    ...[same, first, right].map(value => percent(value)),
  ]),
)}

GPT-4 prefers the second, all others the first. That both orders agree is no sign of being right: LLMBar's adversarial items mislead in either order.

## Ratings against rankings

${table(
  ['sparse-feedback', 'rankings', 'with two ratings', 'say the same', 'published', 'both decide', 'of these reversed'],
  [
    ['its sample', feedback.sample, '56.4 %'],
    ['all rows', feedback.all, ''],
  ].map(([name, of, theirs]) => [
    name,
    of.rankings,
    of.rows,
    `${of.same} (${percent(of.same / of.rows)})`,
    theirs,
    of.decided,
    `${of.reversed} (${percent(of.reversed / of.decided)})`,
  ]),
)}

## Pairs of scored answers`,
    ...pairings.map(
      one => `### ${one.name}: ${one.prompts} prompts with two answers or more

${pairingTable(one)}`,
    ),
    `\`best_lower\`, Zephyr and Argilla draw: means of ${draws} seeds. The first best against the first worst makes pairs of one text where all answers tie, and a draw among the others pairs equals; \`pair_candidates\` makes no pair of these, and says \`tied_scores\`. \`best_worst\` is the rule with the most length bias.

## Calibration by source

\`calibrate_scores\` with \`by: source\`, 10 bins; T is fitted to all rows of a source. On the right NLL on the half of the rows that T was not fitted to, means of ${draws} halvings: as margins are, with one T for both sources, with a T for each.

${table(
  ['source', 'model', 'for the label', 'ECE', 'T', 'ECE at T', 'NLL', 'NLL at T', 'held out', 'one T', 'T of its own'],
  sources.flatMap(source =>
    Object.entries(calibration.numbers).map(([model, { by_name }]) => {
      const of = by_name[source]
      return [
        source,
        model,
        percent(of.accuracy),
        fixed(of.ece, 3),
        fixed(of.temperature),
        ...[of.ece_after, of.nll, of.nll_after].map(value => fixed(value, 3)),
        ...held(model, source),
      ]
    }),
  ),
)}

## Scores as one

Pairs whose label the score of \`combine_scores\` agrees with (ties are none).

${table(
  ['way', 'hh', 'shp'],
  combined[0].map(({ way, right }, i) => [way, fixed(right, 3), fixed(combined[1][i].right, 3)]),
)}

## Contradictions of comparisons

\`audit_transitivity\` on UKPConvArg1.

${table(
  ['verdict', 'sets of 3', 'contradict themselves', 'circles', 'by a tie'],
  workers.circles.map(({ verdict, sets, wrong, circles, ties, triples }) => [
    verdict,
    n(sets),
    ...[wrong, circles / triples, ties / triples].map(value => percent(value)),
  ]),
)}

Most are made by ties, and not by wrong labels: as a detector \`standings\` of \`detect_noise\` are better.`,
  ]
  return `${sections.join('\n\n')}\n`
}
