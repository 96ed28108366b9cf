/** Stages of a graph's text before they are linked: what can be said of them by themselves. */
import type { AnyKind, RowEffect } from '../contract/define.ts'
import { effectOf } from './types.ts'

/**
 * A stage of the list as far as it could be read. `stage` is missing when its name is unknown: nothing is then said
 * about what follows from it.
 */
export interface Draft {
  readonly index: number
  readonly id?: string
  readonly stage?: AnyKind
  readonly options: Readonly<Record<string, unknown>>
  /** Nobody wrote it: it stands behind a source by itself. */
  readonly isAdded?: boolean
  /** As written, by name where it is so; undefined where the stage above is meant. */
  readonly from?: string | readonly string[] | Readonly<Record<string, string | readonly string[]>>
  /** `from` is there but is no list of names, which the envelope's check has said. */
  readonly brokenFrom?: boolean
}

/** What becomes of a stage's rows; not known where its options are wrong. */
export function effectIn({ stage, options }: Draft): RowEffect | undefined {
  try {
    return stage && effectOf({ stage, options })
  } catch {
    return undefined
  }
}

export const isByName = (from: Draft['from']): from is Readonly<Record<string, string | readonly string[]>> =>
  typeof from === 'object' && !Array.isArray(from)
