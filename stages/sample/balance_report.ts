/** What balance_groups says of groups. */
import type { Report } from '../../engine/contract/define.ts'
import { effectiveShare } from './balance.ts'
import { quotas, weightsOf, type BalanceOptions, type Counted } from './balance_fit.ts'

const percent = (part: number) => `${(100 * part).toFixed(1)} %`

/** Shares of groups before and after, and what weights cost. */
export function balanceReport(options: BalanceOptions, state: Counted): Report {
  const { method, max_share, max_rows } = options
  const counts = state.groups.map(({ rows }) => rows),
    weights = method === 'weigh' ? weightsOf(state, options) : counts.map(() => 1),
    after = method === 'weigh' ? counts.map((count, i) => count * weights[i]) : quotas(counts, max_share, max_rows),
    [all, left] = [counts, after].map(some => some.reduce((sum, one) => sum + one, 0)),
    groups = state.groups.map(({ name, rows }, i) => ({
      group: name,
      pairs: rows,
      before: rows / all,
      after: after[i] / left,
    })),
    lacking = Object.keys(state.targets ?? {}).filter(name => !groups.some(({ group }) => group === name)),
    effective = effectiveShare(counts, weights)
  return {
    lines: [
      groups
        .slice(0, 12)
        .map(({ group, before, after }) => `${group} ${(100 * before).toFixed(1)} → ${percent(after)}`)
        .join(', '),
      ...(method === 'weigh' ? [`effective sample ${percent(effective)} of ${all.toLocaleString('en-US')} pairs`] : []),
      ...(method === 'cap' && after.some(count => count > max_share * left + 1)
        ? [`warning: no cap gives every group ${percent(max_share)} at most: there are ${groups.length} groups`]
        : []),
      ...lacking.map(name => `warning: no pair is of '${name}', which the table has a share for`),
    ],
    numbers: {
      ...(method === 'weigh' ? { effective } : { left }),
      groups: Object.fromEntries(groups.map(({ group, after }) => [group, after])),
    },
    tables: { groups },
    charts: [{ title: 'shares of groups, after', table: 'groups', mark: 'bar', encoding: { x: 'group', y: 'after' } }],
  }
}
