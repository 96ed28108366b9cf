/** What vote_pairs says of all rows: of each voice, of each two of them, of both orders of one, and of the rule. */
import { round, type Report } from '../../engine/contract/define.ts'
import { below, type Histogram } from '../kit/histogram.ts'
import { acts, ofFlipped, readVoices } from './vote_rules.ts'
import { checkWords } from './vote_lists.ts'
import type { Options } from './vote_options.ts'
import { AGAINST, FOR, MISSING, TIE } from './voices.ts'

/** Voices of which all, and all pairs of which, are told in lines; of more the report has tables. */
const TOLD_VOICES = 12,
  TOLD_PAIRS = 3
const SAID = ['for', 'tie', 'against'] as const

/** Counts of rows by what two say, or both orders of one, 4 by 4 with what is missing. */
interface Tally {
  readonly rows: number
  /** Rows with fewer voices than `min_voices`. */
  readonly few: number
  /** Rows that the rule acts on as they are, and would with their label flipped. Without gaps. */
  readonly acted: number
  readonly flipped: number
  /** By voice, 4 each. */
  readonly said: Float64Array
  /** By two voices, in order, 16 each. */
  readonly tables: Float64Array
  /** By voice, 16 each, and of what the first one shown won in both orders, and lost in both. */
  readonly orders: Float64Array
  readonly first: Float64Array
  readonly words: Set<string>[]
}

export const twoOf = (voices: number): (readonly [number, number])[] =>
  Array.from({ length: voices }, (_, a) =>
    Array.from({ length: voices - a - 1 }, (_, i) => [a, a + i + 1] as const),
  ).flat()

const none = (voices: number): { -readonly [K in keyof Tally]: Tally[K] } => ({
  rows: 0,
  few: 0,
  acted: 0,
  flipped: 0,
  said: new Float64Array(4 * voices),
  tables: new Float64Array(16 * twoOf(voices).length),
  orders: new Float64Array(16 * voices),
  first: new Float64Array(2 * voices),
  words: Array.from({ length: voices }, () => new Set<string>()),
})

export const voteTally = (options: Options) => {
  const { voices, action } = options,
    two = twoOf(voices.length)
  return round({
    collect({ id }) {
      const sum = none(voices.length)
      return {
        batch(batch) {
          const turned = action === 'flip' ? batch.numbers(`${id}_flipped`).values : undefined,
            { said, orders, count } = readVoices(batch, voices, { words: sum.words, turned })
          sum.rows += batch.rows
          for (let row = 0; row < batch.rows; row++) {
            const of = count(row)
            if (of.for + of.against + of.ties < options.min_voices) sum.few++
            if (acts(of, options, -Infinity)) sum.acted++
            if (acts(ofFlipped(of), options, -Infinity)) sum.flipped++
          }
          said.forEach((voice, v) => {
            for (const one of voice) sum.said[4 * v + one]++
          })
          two.forEach(([a, b], t) => {
            const [ours, theirs] = [said[a], said[b]]
            for (let row = 0; row < batch.rows; row++) sum.tables[16 * t + 4 * ours[row] + theirs[row]]++
          })
          orders.forEach(({ said, swapped }, v) => {
            if (!swapped) return
            const name = voices[v].chosen_first,
              isFirst = name === undefined ? undefined : batch.numbers(name).values
            for (let row = 0; row < batch.rows; row++) {
              const [one, other] = [said[row], swapped.said[row]]
              sum.orders[16 * v + 4 * one + other]++
              if (one === TIE || one === MISSING || one + other !== FOR + AGAINST) continue
              const first = isFirst ? isFirst[row] : 1
              if (!Number.isNaN(first)) sum.first[2 * v + ((one === FOR) === (first !== 0) ? 0 : 1)]++
            }
          })
        },
        part: (): Tally => sum,
      }
    },
    merge(parts: Iterable<Tally>) {
      const all = none(voices.length)
      for (const part of parts) {
        for (const key of ['rows', 'few', 'acted', 'flipped'] as const) all[key] += part[key]
        for (const key of ['said', 'tables', 'orders', 'first'] as const) {
          part[key].forEach((count, i) => void (all[key][i] += count))
        }
        part.words.forEach((some, v) => some.forEach(word => all.words[v].add(word)))
      }
      voices.forEach(({ verdict, votes, chosen }, v) =>
        checkWords({ votes: verdict ?? votes ?? '', chosen }, all.words[v]),
      )
      const { words: _, ...counts } = all
      return counts
    },
  })
}

const n = (count: number) => count.toLocaleString('en-US')
const percent = (part: number, of: number) => `${((100 * part) / of).toFixed(1)} %`
const ratio = (part: number, of: number) => (of === 0 ? null : part / of)

/** Of a table the rows where neither is missing, where both say the same, where both decide, where they reverse. */
export function agreementIn(table: ArrayLike<number>) {
  const at = (one: number, other: number) => table[4 * one + other]
  let rows = 0
  for (const one of [FOR, TIE, AGAINST]) for (const other of [FOR, TIE, AGAINST]) rows += at(one, other)
  const agree = at(FOR, FOR) + at(AGAINST, AGAINST),
    reversed = at(FOR, AGAINST) + at(AGAINST, FOR)
  return { rows, same: agree + at(TIE, TIE), agree, decided: agree + reversed, reversed }
}

export function voteReport(
  { voices, rule, action, min_voices }: Options,
  tally: Omit<Tally, 'words'>,
  fitted?: { readonly gaps: Histogram; readonly cut: number },
): Report {
  const { rows } = tally,
    names = voices.map(({ name }) => name)
  const ofVoices = names.map((voice, v) => {
    const [forIt, tie, against, missing] = tally.said.subarray(4 * v, 4 * v + 4)
    return { voice, for: forIt, tie, against, missing }
  })
  const agreements = twoOf(names.length).map(([a, b], t) => {
    const table = tally.tables.subarray(16 * t, 16 * t + 16)
    return { voice: names[a], other: names[b], table, ...agreementIn(table) }
  })
  const orders = voices.flatMap(({ swapped }, v) => {
    if (swapped === undefined) return []
    const { rows, same } = agreementIn(tally.orders.subarray(16 * v, 16 * v + 16)),
      [won, lost] = tally.first.subarray(2 * v, 2 * v + 2)
    return [{ voice: names[v], rows, same, won, lost }]
  })
  const compared = agreements.filter(({ rows }) => rows > 0).sort((a, b) => a.same / a.rows - b.same / b.rows)
  const told =
    agreements.length <= TOLD_PAIRS ? agreements : [compared[0], compared.at(-1)].filter(one => one !== undefined)
  const actsOn = fitted
    ? {
        acted: below(fitted.gaps, fitted.cut).below,
        // with the label flipped a gap is its opposite
        flipped: below(new Map([...fitted.gaps].map(([gap, times]) => [-gap, times])), fitted.cut).below,
      }
    : tally
  return {
    lines: [
      ...(names.length > TOLD_VOICES ? [] : ofVoices).map(
        ({ voice, ...of }) =>
          `${voice}: for ${percent(of.for, rows)}, tie ${percent(of.tie, rows)}, against ${percent(of.against, rows)}, missing ${percent(of.missing, rows)}`,
      ),
      ...ofVoices
        .filter(({ missing }) => rows > 0 && missing === rows)
        .map(({ voice }) => `warning: ${voice} is missing in every row: is its column, and what its words are, right?`),
      ...told.map(lineOfTwo),
      ...(agreements.length > TOLD_PAIRS
        ? [`of ${agreements.length} pairs of voices those that agree least and most are told; the report has all`]
        : []),
      ...orders.map(lineOfOrders),
      ...(tally.few > 0
        ? [`${n(tally.few)} rows have fewer voices than min_voices (${min_voices}): no rule touches them`]
        : []),
      ...(rows > 0
        ? [
            `${rule} acts on ${percent(actsOn.acted, rows)} of rows as they are, and on ${percent(actsOn.flipped, rows)} if their label were flipped`,
            ...(actsOn.flipped > actsOn.acted
              ? []
              : [
                  `${action === 'annotate' ? '' : 'warning: '}${rule} acts on no more rows with a flipped label than as they are: it is no detector of wrong labels here`,
                ]),
          ]
        : []),
    ],
    numbers: {
      rows,
      few_voices: tally.few,
      acts: actsOn.acted,
      acts_if_flipped: actsOn.flipped,
      ...(fitted && Number.isFinite(fitted.cut) ? { cut: fitted.cut } : {}),
      voices: Object.fromEntries(ofVoices.map(({ voice, ...counts }) => [voice, counts])),
      agreement: agreements.map(({ voice, other, table, agree: _, ...counts }) => ({
        voices: [voice, other],
        ...counts,
        table: rowsOf(table),
      })),
      orders: Object.fromEntries(orders.map(({ voice, ...counts }) => [voice, counts])),
    },
    tables: {
      voices: ofVoices,
      ...(agreements.length > 0
        ? {
            agreement: agreements.map(({ voice, other, table, ...of }) => ({
              voice,
              other,
              rows: of.rows,
              same: ratio(of.same, of.rows),
              same_where_both_decide: ratio(of.agree, of.decided),
              reversed: ratio(of.reversed, of.rows),
              ...Object.fromEntries(
                rowsOf(table).flatMap((cells, i) => cells.map((cell, j) => [`${SAID[i]}_${SAID[j]}`, cell])),
              ),
            })),
          }
        : {}),
      ...(orders.length > 0
        ? {
            orders: orders.map(({ voice, rows, same, won, lost }) => ({
              voice,
              rows,
              same: ratio(same, rows),
              first_won: ratio(won, won + lost),
            })),
          }
        : {}),
    },
  }
}

/** The 3 by 3 part of a table: for, tie, against of one voice, each by those of the other. */
const rowsOf = (table: ArrayLike<number>): number[][] =>
  [FOR, TIE, AGAINST].map(one => [FOR, TIE, AGAINST].map(other => table[4 * one + other]))

function lineOfTwo({
  voice,
  other,
  rows,
  same,
  agree,
  decided,
  reversed,
  table,
}: ReturnType<typeof agreementIn> & {
  readonly voice: string
  readonly other: string
  readonly table: ArrayLike<number>
}): string {
  if (rows === 0) return `${voice} and ${other} meet in no row`
  const cells = rowsOf(table)
    .map((cells, i) => `${SAID[i]} ${cells.map(n).join(' ')}`)
    .join(', ')
  return (
    `${voice} and ${other} say the same of ${percent(same, rows)} of ${n(rows)} rows` +
    (decided === 0 ? '' : `, of ${percent(agree, decided)} of ${n(decided)} where both decide`) +
    `; ${percent(reversed, rows)} are reversed (for, tie, against of ${other} where ${voice} is ${cells})`
  )
}

function lineOfOrders({
  voice,
  rows,
  same,
  won,
  lost,
}: {
  readonly voice: string
  readonly rows: number
  readonly same: number
  readonly won: number
  readonly lost: number
}): string {
  if (rows === 0) return `no row has both orders of ${voice}`
  const bias =
    won + lost === 0
      ? ''
      : `; where they reverse, the side shown first won ${percent(won, won + lost)} of ${n(won + lost)} (50 % would be chance)`
  return `both orders of ${voice} agree on ${percent(same, rows)} of ${n(rows)} rows${bias}`
}
