/** What the ways of making pairs are given of a batch, and what they give back. */
import type { Data, List } from 'apache-arrow'
import type { Pairs } from './completions.ts'
import { isWhole, isWholeForm, type Mapping } from './mapping.ts'
import type { PairingOptions } from './pairing.ts'
import type { layoutReasons } from './reasons.ts'

export type ReasonName = keyof typeof layoutReasons

export const SIDES = ['prompt', 'chosen', 'rejected'] as const

/** Which of the two sides may be whole conversations, which hold the prompt. */
export const wholeSides = ({ chosen, rejected, completions }: Mapping): readonly [boolean, boolean] =>
  completions ? [isWholeForm(completions.form), isWholeForm(completions.form)] : [isWhole(chosen), isWhole(rejected)]

export const sidesHoldPrompt = (plan: Mapping): boolean => wholeSides(plan).includes(true)

/** Whether prompt and sides are lists of texts that take turns: the sides are read as whole conversations then. */
export const areTalks = ({ prompt, chosen, rejected, completions }: Mapping): boolean =>
  prompt?.form === 'turns' &&
  (completions ? completions.form === 'turns' : chosen!.form === 'turns' && (rejected?.form ?? 'turns') === 'turns')

export interface Task {
  readonly plan: Mapping
  readonly rows: number
  column(name: string): Data
  refuse(row: number, reason: ReasonName, value?: number, error?: string): void
  /** 1 where a row has been refused. */
  readonly mask: Uint8Array
  readonly extras: readonly (typeof SIDES)[number][]
  /** Fields of completions that become columns of a side, by their place. */
  readonly ofSides: readonly { readonly side: 'chosen' | 'rejected'; readonly at: number }[]
  readonly pairing: PairingOptions
}

/** Pairs of a batch: the raw row of each, the three sides, and the columns that were made. */
export interface Made {
  readonly parents: Uint32Array
  readonly sides: readonly Data<List>[]
  readonly madeColumns: readonly Data[]
  /** The number of each pair among its row's, where rows make several. */
  readonly suffix?: Uint32Array
  /** Rows with completions that are in no pair. */
  readonly noted?: Pairs['noted']
}
