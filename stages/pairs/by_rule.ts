/** How often each rule of pairs would choose the longer answer, of a sample of prompts. */
import { jsonValueOf } from '../../engine/arrow/plain.ts'
import { round, type Batch } from '../../engine/contract/define.ts'
import { pairCandidates, PAIRINGS } from '../../engine/source/pairing.ts'
import { addByName, byName, cut, valueOf, type ByName, type Rule } from '../kit/by_name.ts'
import { promptHash } from '../kit/pair_hash.ts'
import { INEXACT } from './aspects.ts'
import { carrier, scoresOfGroup, type Options } from './candidates.ts'

/** Prompts that are looked at, and answers of each: those with the smallest hashes. */
const MOST_PROMPTS = 2000,
  MOST_ANSWERS = 64

const COLUMNS = ['score', 'fault', 'chars', 'draw', 'answer', 'correct', 'incorrect', 'bytes'] as const
/** A row of numbers for each answer, in the order of `COLUMNS`. */
type Answers = { rows: number[][] }
const rule: Rule<Answers> = { most: MOST_PROMPTS, none: () => ({ rows: [] }) }
const HASH = COLUMNS.indexOf('answer')

function cutAnswers(of: Answers): void {
  if (of.rows.length <= MOST_ANSWERS) return
  const last = of.rows.map(row => row[HASH]).sort((a, b) => a - b)[MOST_ANSWERS - 1]
  of.rows = of.rows.filter(row => row[HASH] <= last)
}

/** What makes rows answers to one prompt, as a text; undefined where nothing does. */
function keys(batch: Batch, by: string): (row: number) => string | undefined {
  if (by === 'prompt') {
    const hash = promptHash(batch)
    return row => String(hash(row))
  }
  const data = batch.column(by)
  return row => {
    const value = jsonValueOf(data, row)
    return value === null ? undefined : String(value)
  }
}

export interface ByRule {
  readonly prompts: number
  /** Whether there are more prompts. */
  readonly isCut: boolean
  /** By rule: its pairs whose sides both have text, and those whose chosen side is longer; an equal length is half. */
  readonly rules: Readonly<Record<string, { readonly compared: number; readonly longer: number }>>
}

export const byRule = (options: Options) =>
  round({
    collect({ seed }) {
      const prompts = byName<Answers>(),
        carry = carrier({ ...options, pairing: 'best_lower' }, seed)
      return {
        batch(batch) {
          const carried = carry(batch),
            chosen = batch.messages('chosen'),
            bytes = Float64Array.from({ length: batch.rows }, (_, row) => chosen.end(row) - chosen.start(row)),
            keyOf = keys(batch, options.by),
            columns = COLUMNS.map(name => (name === 'bytes' ? bytes : carried[name]))
          for (let row = 0; row < batch.rows; row++) {
            const key = keyOf(row),
              answers = key === undefined ? undefined : valueOf(prompts, key, rule)
            if (!answers) continue
            answers.rows.push(columns.map(column => column[row]))
            if (answers.rows.length > 2 * MOST_ANSWERS) cutAnswers(answers)
          }
        },
        part() {
          cut(prompts, rule)
          for (const answers of prompts.values.values()) cutAnswers(answers)
          return prompts
        },
      }
    },
    merge(parts: Iterable<ByName<Answers>>) {
      const all = byName<Answers>()
      for (const part of parts) {
        addByName(all, part, rule, (to, { rows }) => {
          to.rows.push(...rows)
          cutAnswers(to)
        })
      }
      return countRules(all, options)
    },
  })

function countRules({ values, limit }: ByName<Answers>, options: Options): ByRule {
  const rules = Object.fromEntries(PAIRINGS.map(pairing => [pairing, { compared: 0, longer: 0 }]))
  for (const { rows } of values.values()) {
    const of = Object.fromEntries(COLUMNS.map((name, c) => [name, Float64Array.from(rows, row => row[c])])) as Record<
      (typeof COLUMNS)[number],
      Float64Array
    >
    if (of.fault.includes(INEXACT)) continue
    const candidates = {
      ...{ scores: scoresOfGroup(of, options), lowFirst: options.order === 'low_first' },
      ...{ chars: of.chars, draws: of.draw },
    }
    for (const pairing of PAIRINGS) {
      for (const { better, worse } of pairCandidates(candidates, { ...options, pairing }).pairs) {
        const [more, less] = [of.bytes[better], of.bytes[worse]]
        if (more === 0 || less === 0) continue
        rules[pairing].compared++
        rules[pairing].longer += more > less ? 1 : more === less ? 0.5 : 0
      }
    }
  }
  return { prompts: values.size, isCut: limit < Infinity, rules }
}

/** What the summary says of the rules; nothing where no two answers have text. */
export function rulesReport({ prompts, isCut, rules }: ByRule) {
  const shares = Object.entries(rules).flatMap(([pairing, { compared, longer }]) =>
      compared > 0 ? [[pairing, longer / compared] as const] : [],
    ),
    said = shares.map(([pairing, share]) => `${pairing} ${(100 * share).toFixed(1)} %`).join(', ')
  return {
    lines:
      shares.length === 0
        ? []
        : [
            `by rule the chosen side is the longer one in: ${said}${isCut ? ` (of ${prompts.toLocaleString('en-US')} prompts)` : ''}`,
          ],
    numbers: { longer_by_pairing: Object.fromEntries(shares) },
  }
}
