/** Every stage that a graph can name without a path: one line a stage, alphabetical. */
import type { AnyStage } from './define.ts'
import detectNoise from './noise/detect_noise.ts'
import dropLengthRatio from './check/drop_length_ratio.ts'
import injectErrors from './synthesis/inject_errors.ts'
import peerReview from './review/peer_review.ts'
import readParquet from './sources/read_parquet.ts'
import writeArrow from './sinks/write_arrow.ts'

const all: readonly AnyStage[] = [
  detectNoise,
  dropLengthRatio,
  injectErrors,
  peerReview,
  readParquet,
  writeArrow,
]

export const registry: ReadonlyMap<string, AnyStage> = new Map(all.map(stage => [stage.name, stage]))
