/**
 * How much is tried: `FC_RUNS=50 FC_SEED=3 npx vitest run test/properties` looks further. Real runs are not shrunk
 * unless FC_SHRINK is set: that takes minutes.
 */
import type { Parameters } from 'fast-check'

export const settings = (runs: number): Parameters<unknown> => ({
  seed: Number(process.env.FC_SEED ?? 17),
  numRuns: Number(process.env.FC_RUNS ?? runs),
  endOnFailure: !process.env.FC_SHRINK,
})
