/** One way in which the pairs of a file may lie. */
import type { MapSpec } from './spec.ts'

export interface Proposal {
  /** What it is, in words. */
  readonly what: string
  readonly map: MapSpec
  /** What only the user can say. */
  readonly asks: readonly string[]
  /** Whether it is taken unasked: the scores of both sides say what the label says. */
  readonly isCertain?: boolean
}
