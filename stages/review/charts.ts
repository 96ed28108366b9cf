/** Tables and charts of a panel's report: how likely labels are right, and how far its reviewers are to be trusted. */
import { LEAST_ROWS, FLOOR, type Decision } from '../../models/decision.ts'
import type { Panel } from '../../models/panel.ts'
import { CELLS, PROBABILITY_BINS, type TwoReviewers } from '../../models/panel_tables.ts'
import { rules, type Rule } from '../../models/rule.ts'
import type { Report } from '../../engine/contract/define.ts'

type Tables = NonNullable<Report['tables']>
type Charts = NonNullable<Report['charts']>

/** Four digits are more than a picture shows. */
const short = (value: number): number => Number(value.toPrecision(4))

export function panelPictures(panel: Panel, rule: Rule): { tables: Tables; charts: Charts } {
  const { sureness, surest, two } = panel.tables,
    names = two && [panel.reviewers[two.first].name, panel.reviewers[two.second].name]
  const tables: Tables = {
    probability: probabilityTable(panel, rule),
    ...(two ? { reviewers: reviewersTable(two, names!, rule) } : {}),
    sureness: sureness.map(({ rows, said, value, low, high }) => ({
      expected: said,
      agree: value,
      low,
      high,
      pairs: rows,
    })),
    surest: surest.map(({ rows, value, low, high }) => ({ pairs: rows, agree: value, low, high })),
    wrong_labels: boundTable(panel.decision),
    rules: rules.map(one => {
      const { rows, agreement, precision } = panel.expected[one]
      return { rule: one, pairs: rows, agree: rows === 0 ? null : agreement, ...wrongOf(rows, precision) }
    }),
    gates: gatesTable(panel),
  }
  const charts: Charts = [
    {
      title: 'how likely each label is right',
      table: 'probability',
      mark: 'bar',
      encoding: { x: 'said right', y: 'pairs', color: 'fate' },
    },
    ...(two
      ? [
          {
            title: `margins of ${names![0]} and ${names![1]}: below 0 is against the label`,
            table: 'reviewers',
            mark: two.points ? ('point' as const) : ('cell' as const),
            encoding: { x: names![0], y: names![1], color: two.points ? 'fate' : 'pairs' },
          },
        ]
      : []),
    {
      title: 'how often labels agree with reviewers, by how sure these are (line: as they should)',
      table: 'sureness',
      mark: 'point',
      encoding: { x: 'expected', y: 'agree', low: 'low', high: 'high' },
      diagonal: true,
    },
    {
      title: 'labels that agree with the reviewers, of the surest pairs',
      table: 'surest',
      mark: 'line',
      encoding: { x: 'pairs', y: 'agree', low: 'low', high: 'high' },
    },
  ]
  return { tables, charts }
}

/** How many of what a rule drops are wrong, at least, if reviewers are right where they are surest, and at most. */
const wrongOf = (rows: number, { value, low, high }: Panel['expected'][Rule]['precision']) => ({
  'wrong at least': rows === 0 ? null : low,
  wrong: rows === 0 ? null : value,
  'wrong at most': rows === 0 ? null : high,
})

const ASIDE = 'set aside',
  KEPT = 'kept'

function probabilityTable({ tables: { probability } }: Panel, rule: Rule): Tables[string] {
  return [...probability.all.keys()].flatMap(bin => {
    const aside = probability[rule][bin],
      row = (fate: string, pairs: number) => ({ 'said right': (bin + 0.5) / PROBABILITY_BINS, fate, pairs })
    return [row(KEPT, probability.all[bin] - aside), row(ASIDE, aside)].filter(({ pairs }) => pairs > 0)
  })
}

/** A column for each of the two, by its name. */
function reviewersTable(
  { edges, points, cells }: TwoReviewers,
  [first, second]: readonly string[],
  rule: Rule,
): Tables[string] {
  if (points) {
    const bit = 1 << rules.indexOf(rule)
    return Array.from(points.x, (x, i) => ({
      [first]: short(x),
      [second]: short(points.y[i]),
      fate: points.wrong[i] & bit ? ASIDE : KEPT,
    }))
  }
  const middle = (place: number, edge: number) => short((((place + 0.5) / CELLS) * 2 - 1) * edge)
  return [...cells!.keys()].flatMap(cell =>
    cells![cell] === 0
      ? []
      : [
          {
            [first]: middle(cell % CELLS, edges[0]),
            [second]: middle(Math.floor(cell / CELLS), edges[1]),
            pairs: cells![cell],
          },
        ],
  )
}

function boundTable({ noise }: Decision): Tables[string] {
  if (noise.how === 'given') return [{ share: noise.value, what: 'as given' }]
  return [
    { share: noise.value, what: 'if the reviewers are right where they are surest' },
    { share: noise.high, what: 'at most' },
  ]
}

/** What must hold for anything to be dropped, in the order in which it is asked: after a shut gate nothing is. */
function gatesTable({ decision, sees }: Panel): Tables[string] {
  const { rows, auroc, min_auroc, agreement, gate } = decision,
    asked = ['rows', 'blind', 'auroc', 'agreement'],
    last = gate === 'open' ? asked.length : asked.indexOf(gate)
  const finite = (value: number | undefined) => (Number.isFinite(value) ? value! : null)
  return [
    { gate: 'pairs', is: rows, needed: LEAST_ROWS },
    { gate: 'reviewers that see', is: sees.filter(Boolean).length, needed: 1 },
    { gate: 'a label turned round is told (AUROC, at least)', is: finite(auroc.low), needed: min_auroc },
    { gate: 'labels that agree where they are surest (share, at least)', is: finite(agreement?.low), needed: FLOOR },
  ].map((one, i) => ({ ...one, state: i < last ? 'open' : i === last ? 'shut' : 'not asked' }))
}
