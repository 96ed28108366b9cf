/** Every stage that a graph can name without a path: one line a stage, alphabetical. */
import type { AnyStage } from './define.ts'
import dropLengthRatio from './check/drop_length_ratio.ts'

const all: readonly AnyStage[] = [
  dropLengthRatio,
]

export const registry: ReadonlyMap<string, AnyStage> = new Map(all.map(stage => [stage.name, stage]))
