/** Examples of stages of one's own, which `sluice check` runs: nothing else does. */
import type { AnyAudit, AnyKind, AnyStage } from '../engine/contract/define.ts'
import { EXIT, SluiceError } from '../engine/errors.ts'
import type { Graph } from '../engine/graph/types.ts'

const hasExamples = (stage: AnyKind): stage is AnyStage | AnyAudit =>
  (stage.kind === 'stage' || stage.kind === 'audit') && stage.examples?.length > 0

/** Throws an error that names every example which comes out otherwise than it says. */
export async function checkExamples({ nodes }: Pick<Graph, 'nodes'>): Promise<void> {
  const own = new Map(nodes.flatMap(({ use, stage, own }) => (own && hasExamples(stage) ? [[use, stage]] : [])))
  if (own.size === 0) return
  const { wrongExamples } = await import('../engine/run/examples.ts'),
    wrong: string[] = []
  for (const [use, stage] of own) wrong.push(...(await wrongExamples(stage)).map(line => `${use}, ${line}`))
  if (wrong.length > 0) throw new SluiceError(`sluice check: ${wrong.join('\n')}`, EXIT.graph)
}
