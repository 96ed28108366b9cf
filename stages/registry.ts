/** Every stage that a graph can name without a path: one line a stage, alphabetical. */
import type { AnyStage } from './define.ts'
import checkPairs from './check/check_pairs.ts'
import detectNoise from './noise/detect_noise.ts'
import dropChes from './check/drop_ches.ts'
import dropDuplicates from './dedup/drop_duplicates.ts'
import dropLength from './check/drop_length.ts'
import dropLengthRatio from './check/drop_length_ratio.ts'
import dropNearDuplicates from './dedup/drop_near_duplicates.ts'
import dropRepetition from './check/drop_repetition.ts'
import injectErrors from './synthesis/inject_errors.ts'
import judgePairs from './served/judge_pairs.ts'
import peerReview from './review/peer_review.ts'
import readArrow from './sources/read_arrow.ts'
import readJsonl from './sources/read_jsonl.ts'
import readParquet from './sources/read_parquet.ts'
import scorePairs from './served/score_pairs.ts'
import selfEdit from './served/self_edit.ts'
import writeArrow from './sinks/write_arrow.ts'
import writeJsonl from './sinks/write_jsonl.ts'
import writeParquet from './sinks/write_parquet.ts'

const all: readonly AnyStage[] = [
  checkPairs,
  detectNoise,
  dropChes,
  dropDuplicates,
  dropLength,
  dropLengthRatio,
  dropNearDuplicates,
  dropRepetition,
  injectErrors,
  judgePairs,
  peerReview,
  readArrow,
  readJsonl,
  readParquet,
  scorePairs,
  selfEdit,
  writeArrow,
  writeJsonl,
  writeParquet,
]

export const registry: ReadonlyMap<string, AnyStage> = new Map(all.map(stage => [stage.name, stage]))
