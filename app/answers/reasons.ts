/** What is known of the reasons of a run: by its report.json, else by the stages that are registered today. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AnyKind } from '../../engine/contract/define.ts'
import { familyOf, type Shown, type ShownReason } from '../../engine/report/shape.ts'
import type { Manifest } from '../../engine/run/manifest.ts'
import { registry } from '../../stages/registry.ts'

/** A stage by its name in a graph; undefined of a user's own. */
export const stageOf = async (use: string): Promise<AnyKind | undefined> => registry.get(use)?.()

/** Those for which rows of the run went. Of a user's own stage in a run without report.json the kind alone is known. */
export async function reasonsOf(run: string, manifest: Manifest): Promise<readonly ShownReason[]> {
  const path = join(run, 'report.json')
  if (existsSync(path)) return (JSON.parse(readFileSync(path, 'utf8')) as Shown).reasons
  const all = Object.entries(manifest.stages).map(async ([id, { use, reasons, kinds, errored }]) => {
    const declared = (await stageOf(use))?.reasons ?? {},
      options = manifest.graph.stages.find(stage => stage.id === id)?.with ?? {}
    const own = Object.entries(reasons).map(([reason, count]): ShownReason => {
      const one = Object.hasOwn(declared, reason) ? declared[reason] : { kind: kinds[reason], about: '' },
        { kind, about, limit: option } = one
      return {
        ...{ stage: id, reason, family: familyOf(one), kind, about, count },
        ...(option === undefined ? {} : { limit: { option, value: options[option] } }),
      }
    })
    const failed: ShownReason = {
      stage: id,
      reason: 'error',
      family: 'error',
      kind: 'error',
      about: '',
      count: errored,
    }
    return errored > 0 ? [...own, failed] : own
  })
  return (await Promise.all(all)).flat().sort((a, b) => b.count - a.count)
}
