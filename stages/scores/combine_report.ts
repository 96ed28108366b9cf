/** What combine_scores says of scores and of their combination. */
import type { Report } from '../../engine/contract/define.ts'
import type { CombineOptions, Fitted } from './combine_fit.ts'

const n = (count: number) => count.toLocaleString('en-US')
const percent = (part: number) => `${(100 * part).toFixed(1)} %`

/** What the summary and the report say. */
export function combineReport(options: CombineOptions, fitted: Fitted): Report {
  const { pairs, missing, looked, scales, scores, combined, sum, unlike_sum, robust, correlations } = fitted,
    { score_columns, method, reference, cone_degrees } = options
  const ofData = (m: number) =>
    reference !== 'none' && score_columns[m].reference === undefined && score_columns[m].reference_column === undefined
  const isFitted = method === 'z_sum' || (method !== 'sum' && scores.some((_, m) => ofData(m)))
  const rows = (looked === 0 ? [] : scores).map(({ name, right, above }, m) => ({
    name,
    right,
    above,
    reference: score_columns[m].reference_column ?? score_columns[m].reference ?? scales[m].reference,
  }))
  const [best] = rows.toSorted((a, b) => b.right - a.right)
  const closest = correlations.toSorted((a, b) => Math.abs(b.correlation) - Math.abs(a.correlation)).slice(0, 1)
  const lines =
    looked === 0
      ? []
      : [
          `the chosen side is the better one by ${method} in ${percent(combined)} of ${n(looked)} pairs${looked < pairs - missing ? ' that were looked at' : ''}, by the plain sum in ${percent(sum)}, by ${best.name} alone in ${percent(best.right)}${best.right >= combined ? ': no single score is improved on' : ''}`,
          `${n(unlike_sum)} of them have another better side than by the plain sum`,
          ...(method === 'sum' || method === 'z_sum'
            ? []
            : [
                `sides above the reference: ${rows.map(({ name, above, reference }) => `${percent(above)} of ${name} (${typeof reference === 'number' ? reference.toPrecision(4) : `column ${reference}`})`).join(', ')}`,
              ]),
          ...(cone_degrees > 0
            ? [`the chosen side stays the better one under all weights within ${cone_degrees}° in ${percent(robust)}`]
            : []),
          ...closest.map(
            ({ score, other, correlation }) =>
              `the margins that are most alike are those of ${score} and ${other}, correlation ${correlation.toFixed(2)}${method === 'log_sigmoid' ? ": the sum says 'good in all' only of scores that are independent given the prompt" : ''}`,
          ),
        ]
  return {
    lines: [
      ...lines,
      ...(missing > 0 ? [`${n(missing)} of ${n(pairs)} pairs lack a score, and have no combined one`] : []),
    ],
    numbers: {
      pairs,
      missing,
      ...(looked === 0
        ? {}
        : { right: combined, right_by_sum: sum, unlike_sum, ...(cone_degrees > 0 ? { robust } : {}) }),
      scores: Object.fromEntries(rows.map(({ name, ...row }) => [name, row])),
    },
    tables: { scores: rows, correlations },
    charts: [
      {
        title: 'pairs whose chosen side is the better one, by each score alone',
        table: 'scores',
        mark: 'bar',
        encoding: { x: 'name', y: 'right' },
      },
    ],
    refuse:
      isFitted && looked === 0
        ? [
            'no pair has all of its scores, so there is no reference: name columns that have some, or set reference: none',
          ]
        : [],
  }
}
