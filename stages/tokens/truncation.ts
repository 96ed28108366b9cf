/** How many pairs lose what where a trainer cuts them: counts, and what is said of them. */
import { share } from '../../models/metrics.ts'
import { FATES, type Effect, type Fate, type Trainer } from './cutting.ts'
import type { TokenOptions } from './tokenizer.ts'

/** Pairs by their fate; among those cut, of which side; and tokens that are lost of each. */
export interface Truncated extends Record<Fate, number> {
  no_template: number
  chosen_alone: number
  rejected_alone: number
  both_sides: number
  prompt_cut: number
  prompts_differ: number
}
export const noneTruncated = (): Truncated => ({
  ...(Object.fromEntries(FATES.map(fate => [fate, 0])) as Record<Fate, number>),
  no_template: 0,
  chosen_alone: 0,
  rejected_alone: 0,
  both_sides: 0,
  prompt_cut: 0,
  prompts_differ: 0,
})
export function addTruncated(to: Truncated, from: Truncated): void {
  for (const key of Object.keys(to) as (keyof Truncated)[]) to[key] += from[key]
}
/** Counts a pair; undefined where the template refuses it. */
export function countEffect(to: Truncated, effect: Omit<Effect, 'value'> | undefined): void {
  if (!effect) return void to.no_template++
  const { fate, lost, prompts_differ } = effect
  to[fate]++
  if (lost && (lost.chosen > 0 || lost.rejected > 0)) {
    to[lost.rejected === 0 ? 'chosen_alone' : lost.chosen === 0 ? 'rejected_alone' : 'both_sides']++
  }
  if (lost && lost.prompt > 0) to.prompt_cut++
  if (prompts_differ) to.prompts_differ++
}
export const pairsOf = (of: Truncated): number => FATES.reduce((sum, fate) => sum + of[fate], of.no_template)

const n = (count: number) => count.toLocaleString('en-US')
const SAID: readonly [keyof Truncated, string][] = [
  ['prompt_too_long', 'left out for their prompt'],
  ['pair_too_long', 'left out for a side'],
  ['nothing_left', 'with nothing left of a side'],
  ['equal_when_cut', 'without all that differs'],
  ['prompt_cut', 'without a part of the prompt'],
  ['prompts_differ', 'with another prompt for each side'],
  ['no_template', 'that the chat template refuses'],
]

/** What a trainer does to pairs, in a line. */
export function truncatedLine(trainer: Trainer, max: number, of: Truncated): string {
  const pairs = pairsOf(of),
    { value, low, high } = share(of.whole, pairs),
    cut = of.chosen_alone + of.rejected_alone + of.both_sides
  if (pairs === 0) return `${trainer}: there are no pairs`
  const sides = `${n(cut)} lose tokens of a side (chosen alone ${n(of.chosen_alone)}, rejected alone ${n(of.rejected_alone)})`,
    more = SAID.flatMap(([key, how]) => (of[key] > 0 ? [`${n(of[key])} ${how}`] : []))
  const percent = (part: number) => (100 * part).toFixed(1)
  return `${trainer} at ${n(max)} tokens: ${percent(value)} % [${percent(low)}, ${percent(high)}] of ${n(pairs)} pairs stay whole, ${[sides, ...more].join(', ')}`
}

/** That tokens are guessed, where they are. */
export const guessLines = ({ tokenizer, token_chars }: TokenOptions): string[] =>
  tokenizer === undefined
    ? [`tokens are guessed, ${token_chars} characters each: name a tokenizer.json by 'tokenizer' to count them`]
    : []
