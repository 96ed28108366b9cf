/** What a panel says of each pair, as columns: of its own stage, or read again by one that comes after it. */
import { agreementAt, probabilityAt } from '../../models/decision.ts'
import { curriculumRank, type Panel } from '../../models/panel.ts'
import { classesOf, foundWrong, mayDrop, rules, type Rule } from '../../models/rule.ts'
import type { Batch, ReadType, WrittenType } from '../../engine/contract/define.ts'
import type { Scores } from './panel.ts'

export const classes = ['agreed', 'ambiguous', 'reversed'] as const

/** Columns that one stage with a panel of its own writes, and another reads. */
const shared = {
  probability: 'float64',
  agreement: 'float64',
  class: 'text',
  curriculum_rank: 'float64',
} as const
const columnOf = (rule: Rule): string => `drop_${rule}`
/** What `rule: either` goes by: the least of the weighed sum's and of each reviewer's own. */
const leasts = { probability_either: 'float64', agreement_either: 'float64' } as const

/** Of a stage that judges for others too. */
export const opinionWrites = (names: readonly string[]): Record<string, WrittenType> => ({
  ...shared,
  ...leasts,
  margin: 'float64',
  ...Object.fromEntries(names.map(name => [`margin_${name}`, 'float64' as const])),
  soft_label: 'float64',
  ...Object.fromEntries(rules.map(rule => [columnOf(rule), 'bool' as const])),
})

/** Of each row what the panel says: `wrong` by rule, `classes` as places in the list of that name. */
export function opinionsOf(panel: Panel, { margins, shown, stacked }: Scores) {
  const { decision, sees, curves } = panel,
    probability = stacked.map(margin => probabilityAt(decision, margin)),
    agreement = stacked.map(margin => agreementAt(decision, margin)),
    least = (ofStack: Float64Array, at: typeof probabilityAt) =>
      ofStack.map((value, row) =>
        margins.reduce((low, some, m) => (sees[m] ? Math.min(low, at(decision, some[row], curves[m])) : low), value),
      ),
    wrong = foundWrong(panel, margins, stacked),
    codes = classesOf(panel, margins)
  const columns = {
    probability,
    agreement,
    class: Array.from(codes, code => classes[code]),
    curriculum_rank: stacked.map(margin => curriculumRank(panel, margin)),
  }
  return {
    wrong,
    codes,
    columns,
    either: { probability: least(probability, probabilityAt), agreement: least(agreement, agreementAt) },
    margins: Object.fromEntries(panel.reviewers.map(({ name }, m) => [`margin_${name}`, shown[m]])),
    // where nothing may be dropped nothing is known either
    soft_label: mayDrop(panel) ? probability : new Float64Array(stacked.length).fill(1),
  }
}

/** Of the margins, where nothing may be dropped, the lowest share that people are shown. */
const SHOWN = 0.05

/**
 * The margin below which a pair is for people to look at: 0, where margins may speak against labels; else that of the
 * lowest 5 % of the sample. None is where nothing is known of any.
 */
export function doubtLimit(panel: Panel): number {
  const { quantiles, decision } = panel
  if (mayDrop(panel)) return 0
  if (decision.gate === 'rows' || decision.gate === 'blind') return -Infinity
  return Math.min(0, quantiles[Math.ceil(SHOWN * quantiles.length)])
}

/** All of them, as columns. */
export function opinionColumns(panel: Panel, scores: Scores, isDecided: (row: number) => boolean) {
  const { wrong, columns, either, margins, soft_label } = opinionsOf(panel, scores)
  // what people decided on is right, whatever reviewers say
  soft_label.forEach((_, row) => {
    if (isDecided(row)) soft_label[row] = 1
  })
  return {
    ...columns,
    probability_either: either.probability,
    agreement_either: either.agreement,
    margin: scores.stacked,
    ...margins,
    soft_label,
    ...Object.fromEntries(rules.map(rule => [columnOf(rule), wrong[rule]])),
  }
}

/** The columns of the stage `panel` that one reads which fits none itself. */
export const opinionReads = (panel: string, rule: Rule): Record<string, ReadType> => ({
  ...Object.fromEntries(
    Object.entries(rule === 'either' ? { ...shared, ...leasts } : shared).map(([name, type]) => [
      `${panel}_${name}`,
      type,
    ]),
  ),
  [`${panel}_soft_label`]: 'float64',
  [`${panel}_${columnOf(rule)}`]: 'bool',
})

/** Reads them: the same as `opinionsOf` says, of one rule. */
export function readOpinions(batch: Batch, panel: string, rule: Rule) {
  const numbers = (name: string) => batch.numbers(`${panel}_${name}`).values.slice(0, batch.rows),
    { text } = batch.text(`${panel}_class`),
    named = Array.from({ length: batch.rows }, (_, row) => text(row))
  return {
    wrong: Uint8Array.from(numbers(columnOf(rule))),
    codes: Uint8Array.from(named, name => Math.max(0, classes.indexOf(name as (typeof classes)[number]))),
    columns: {
      probability: numbers(rule === 'either' ? 'probability_either' : 'probability'),
      agreement: numbers(rule === 'either' ? 'agreement_either' : 'agreement'),
      class: named,
      curriculum_rank: numbers('curriculum_rank'),
    },
    soft_label: numbers('soft_label'),
  }
}
