/** Asks a stage in memory: what it does to rows, and what it reports of them. */
import { deserialize, serialize } from 'node:v8'
import { Batch, takeFlow } from '../../engine/arrow/flow.ts'
import type { AnyStage, Context, ExampleRow, Fit, Report } from '../../engine/contract/define.ts'
import { validateOptions } from '../../engine/graph/validate.ts'
import { flowOf, runExample, type ExampleResult } from '../../engine/run/examples.ts'

const carried = (value: unknown): unknown => deserialize(serialize(value))

/** Through all rounds, one row after the other as a partition of its own. */
function learnt(fit: Fit<unknown> | undefined, id: string, rows: readonly ExampleRow[]): unknown {
  const all = flowOf(rows)
  let state: unknown
  for (const round of fit?.rounds ?? []) {
    const context = { id, seed: 17, state } as Context
    const parts = rows.map((_, row) => {
      const collector = round.collect(context)
      void collector.batch(new Batch(takeFlow(all, [row, row + 1])))
      return carried(collector.part())
    })
    state = carried(round.merge(parts, context))
  }
  return state
}

/** `report` is of rows as they come in, with what was written: not to be asked of a stage that flips or drops some. */
export async function ask(
  stage: AnyStage,
  options: Readonly<Record<string, unknown>>,
  rows: readonly ExampleRow[],
): Promise<ExampleResult & { readonly report: Report }> {
  const given = structuredClone(options) as Record<string, unknown>
  validateOptions(stage, given, '')
  const found = await runExample(stage, { title: 'x', options, rows })
  return {
    ...found,
    get report() {
      const written = Object.entries(found.columns).filter(([, values]) => values.some(value => value !== null)),
        left = rows.map((row, at) => ({
          ...row,
          ...Object.fromEntries(written.map(([name, values]) => [`${stage.name}_${name}`, values[at]])),
        }))
      const tally = learnt(stage.tally?.(given), stage.name, left),
        state = learnt(stage.fit?.(given), stage.name, rows)
      return stage.report!(given, { state, tally })
    },
  }
}
