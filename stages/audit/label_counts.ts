/** Labels of equal pairs, counted: all of some pairs, and of all pairs of some prompts. */
import type { Batch } from '../../engine/contract/define.ts'
import { addByName, byName, cut, valueOf, type ByName, type Rule } from '../kit/by_name.ts'
import { pairHash } from '../kit/pair_hash.ts'

/** Labels for the answer with the smaller hash, and for the other one. */
export type Sides = [low: number, high: number]
interface Pair {
  readonly sides: Sides
  /** Of each annotator the same; none where nobody asks. */
  readonly by: Map<string, Sides>
}
export interface Prompt {
  /** Labels by the hashes of the two answers. */
  readonly pairs: Map<string, Sides>
}
/** What is counted of rows. */
export interface Labels {
  /** Those that say which of two different answers is better. */
  rows: number
  readonly pairs: ByName<Pair>
  readonly prompts: ByName<Prompt>
}

const pairs: Rule<Pair> = { most: 100_000, none: () => ({ sides: [0, 0], by: new Map<string, Sides>() }) }
const prompts: Rule<Prompt> = { most: 2000, none: () => ({ pairs: new Map<string, Sides>() }) }
/** Answers of a prompt that are looked at, those with the smallest hashes. */
const MOST_ANSWERS = 24

export const noLabels = (): Labels => ({ rows: 0, pairs: byName(), prompts: byName() })

export const add = (to: Map<string, Sides>, name: string, low: number, high: number): void => {
  const sides = to.get(name)
  if (sides) {
    sides[0] += low
    sides[1] += high
  } else to.set(name, [low, high])
}

export function addLabels(
  labels: Labels,
  batch: Batch<'prompt' | 'chosen' | 'rejected'>,
  { by, apart = [] }: { readonly by?: string; readonly apart?: readonly string[] },
): void {
  const texts = (name: string) => (batch as Batch).text(name),
    hash = pairHash(batch),
    who = by === undefined ? undefined : texts(by),
    others = apart.map(texts)
  for (let row = 0; row < batch.rows; row++) {
    hash.read(row)
    const { prompt, chosen, rejected } = hash
    if (chosen === rejected) continue
    labels.rows++
    const context = [prompt, ...others.map(column => (column.isNull(row) ? null : column.text(row)))],
      name = `${Math.min(chosen, rejected)} ${Math.max(chosen, rejected)}`,
      low = chosen < rejected ? 1 : 0
    const pair = valueOf(labels.pairs, JSON.stringify([name, ...context.slice(1)]), pairs)
    if (pair) {
      pair.sides[1 - low]++
      if (who) add(pair.by, who.isNull(row) ? '(none)' : who.text(row), low, 1 - low)
    }
    const compared = valueOf(labels.prompts, JSON.stringify(context), prompts)
    if (!compared) continue
    add(compared.pairs, name, low, 1 - low)
    if (compared.pairs.size > MOST_ANSWERS * MOST_ANSWERS) cutAnswers(compared)
  }
}

/** The hashes of the two answers of a pair. */
export const answersOf = (name: string): number[] => name.split(' ').map(Number)

/** Leaves so many answers, those with the smallest hashes: one that goes never was among them, and never will be. */
export function cutAnswers({ pairs }: Prompt, most = MOST_ANSWERS): void {
  const answers = [...new Set([...pairs.keys()].flatMap(answersOf))].sort((a, b) => a - b)
  if (answers.length <= most) return
  const limit = answers[most]
  for (const name of pairs.keys()) if (answersOf(name).some(answer => answer >= limit)) pairs.delete(name)
}

export function cutLabels(labels: Labels): Labels {
  for (const prompt of labels.prompts.values.values()) cutAnswers(prompt)
  cut(labels.pairs, pairs)
  cut(labels.prompts, prompts)
  return labels
}

export function mergeLabels(parts: Iterable<Labels>): Labels {
  const sum = noLabels()
  for (const part of parts) {
    sum.rows += part.rows
    addByName(sum.pairs, part.pairs, pairs, (to, { sides, by }) => {
      to.sides[0] += sides[0]
      to.sides[1] += sides[1]
      for (const [name, [low, high]] of by) add(to.by, name, low, high)
    })
    addByName(sum.prompts, part.prompts, prompts, (to, from) => {
      for (const [name, [low, high]] of from.pairs) add(to.pairs, name, low, high)
      cutAnswers(to)
    })
  }
  return sum
}
