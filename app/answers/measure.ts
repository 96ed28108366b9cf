/** A number that a stage has for a row and writes nowhere, as the row went on: measured again by the stage itself. */
import type { AnyStage } from '../../engine/contract/define.ts'
import { runExample } from '../../engine/run/examples.ts'
import { stageOf } from './reasons.ts'
import type { Row } from './rows.ts'

type Bounds = Partial<Record<'minimum' | 'maximum' | 'exclusiveMinimum', number>>
const sides = ['prompt', 'chosen', 'rejected'] as const

/**
 * What a registered stage that looks at each row by itself measures of one, for each reason with a limit: it is asked
 * again, with the limit set to where every row is beyond it. Nothing of stages that learn, ask or look at groups.
 */
export async function measured(
  use: string,
  options: Readonly<Record<string, unknown>>,
  row: Row | undefined,
): Promise<{ name: string; value: number; limit: number | null }[]> {
  const stage = (await stageOf(use)) as AnyStage | undefined
  if (!row || stage?.kind !== 'stage' || stage.by !== undefined || stage.calls || !stage.open) return []
  if (
    stage.fit?.(options) !== undefined ||
    !sides.every(side => Array.isArray(row[side]) || typeof row[side] === 'string')
  ) {
    return []
  }
  const found: { name: string; value: number; limit: number | null }[] = []
  for (const [reason, { limit }] of Object.entries(stage.reasons)) {
    if (limit === undefined || typeof options[limit] !== 'number') continue
    const { properties } = stage.options as unknown as { properties: Record<string, Bounds> },
      { minimum, maximum, exclusiveMinimum: above } = properties[limit]
    for (const extreme of [minimum, above === undefined ? undefined : above + 1e-9, maximum]) {
      if (extreme === undefined || extreme === options[limit]) continue
      const value = await beyond(stage, { ...options, [limit]: extreme }, row, reason)
      if (value === undefined) continue
      found.push({ name: reason, value, limit: options[limit] })
      break
    }
  }
  return found
}

async function beyond(stage: AnyStage, options: object, row: Row, reason: string): Promise<number | undefined> {
  const plain = Object.fromEntries(
    Object.entries(row).filter(([name, value]) => sides.some(side => side === name) || typeof value !== 'object'),
  )
  try {
    const example = { title: stage.name, options, rows: [plain], kept: [] } as never,
      { dropped, values } = await runExample(stage, example)
    return dropped[0] === reason ? values[0] : undefined
  } catch {
    // options that do not go together, or a column that the run did not keep
    return undefined
  }
}
