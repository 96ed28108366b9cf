/** Figures of the first pairs of a file, for who looks before a run. */
import type { RecordBatch } from 'apache-arrow'
import { messagesColumn, type Message } from '../engine/arrow/columns.ts'
import type { Fact } from '../engine/map/facts.ts'
import { columnOf } from '../engine/source/mapping.ts'

const SIDES = ['prompt', 'chosen', 'rejected'] as const
/** Languages and columns that are told, and answers whose language is looked at. */
const MOST_TOLD = 5,
  MOST_HEARD = 300
/** Letters below which a language is a guess. */
const FEWEST_LETTERS = 40

/** Of the first pairs. */
export interface Figures {
  /** Characters: the least, the median, the most. */
  readonly characters: Readonly<Record<string, readonly [number, number, number]>>
  /** Pairs whose prompt has a message of the assistant, or whose sides have several messages. */
  readonly several_turns: number
  /** Pairs whose chosen side has more characters; of those whose sides differ in length. */
  readonly chosen_longer: readonly [count: number, of: number]
  readonly prompts: number
  readonly equal_sides: number
  /** Pairs that were there before, with the same prompt and sides. */
  readonly repeated: number
  /** Chosen answers of enough letters by language, as ISO 639-1 codes; most first. */
  readonly languages: Readonly<Record<string, number>>
  /** Rows that are null, by column. */
  readonly nulls: Readonly<Record<string, number>>
}

/** Figures of pairs, and of the columns that they were made of. */
export async function figuresOf(batches: readonly RecordBatch[], facts: readonly Fact[]): Promise<Figures> {
  const lengths = SIDES.map((): number[] => []),
    seen = new Set<string>(),
    prompts = new Set<string>(),
    languages = new Map<string, number>(),
    sums = { several_turns: 0, equal_sides: 0, repeated: 0 },
    longer: [number, number] = [0, 0]
  const { eld } = await import('eld/extrasmall')
  let heard = 0
  for (const batch of batches) {
    const sides = SIDES.map(name => {
      const data = columnOf(batch, name)
      return data && messagesColumn(data)
    })
    for (let row = 0; row < batch.numRows; row++) {
      const [prompt, chosen, rejected] = sides.map(side => side?.messages(row) ?? []),
        texts = [prompt, chosen, rejected].map(text),
        [first, second] = [texts[1].length, texts[2].length],
        key = JSON.stringify([prompt, chosen, rejected])
      texts.forEach((said, side) => {
        if (sides[side]) lengths[side].push(said.length)
      })
      if (prompt.some(({ role }) => role === 'assistant') || chosen.length > 1) sums.several_turns++
      if (sides[2] && JSON.stringify(chosen) === JSON.stringify(rejected)) sums.equal_sides++
      if (seen.has(key)) sums.repeated++
      if (sides[2] && first !== second) {
        longer[1]++
        if (first > second) longer[0]++
      }
      seen.add(key)
      prompts.add(JSON.stringify(prompt))
      if ((texts[1].match(/\p{L}/gu)?.length ?? 0) < FEWEST_LETTERS || heard++ >= MOST_HEARD) continue
      const { language } = eld.detect(texts[1])
      languages.set(language, (languages.get(language) ?? 0) + 1)
    }
  }
  const nulls = facts.flatMap(({ path, values }) => {
    const count = values.filter(value => value === null || value === undefined).length
    return count > 0 && !/[.[]/.test(path) ? [[path, count] as const] : []
  })
  return {
    characters: Object.fromEntries(
      SIDES.flatMap((name, i) => (lengths[i].length > 0 ? [[name, spread(lengths[i])]] : [])),
    ),
    ...sums,
    chosen_longer: longer,
    prompts: prompts.size,
    languages: mostFirst([...languages]),
    nulls: mostFirst(nulls),
  }
}

const text = (messages: readonly Message[]): string => messages.map(({ content }) => content).join('\n')

function spread(lengths: number[]): [number, number, number] {
  const sorted = lengths.sort((a, b) => a - b)
  return [sorted[0], sorted[sorted.length >> 1], sorted[sorted.length - 1]]
}

const mostFirst = (counts: readonly (readonly [string, number])[]): Record<string, number> =>
  Object.fromEntries([...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)))

/** The same in lines. */
export function figureLines(figures: Figures, rows: number): string[] {
  const { characters, languages, nulls, chosen_longer: longer } = figures
  const listed = (counts: Readonly<Record<string, number>>) => {
    const all = Object.entries(counts)
    const more = all.length > MOST_TOLD ? `, and ${all.length - MOST_TOLD} more` : ''
    return all.slice(0, MOST_TOLD).map(([name, count]) => `${name} ${count}`).join(', ') + more // prettier-ignore
  }
  const n = (count: number) => count.toLocaleString('en-US')
  const pairs = [
    `${n(figures.prompts)} ${figures.prompts === 1 ? 'prompt' : 'prompts'}`,
    ...(figures.several_turns > 0 ? [`${n(figures.several_turns)} of several turns`] : []),
    ...(figures.equal_sides > 0 ? [`${n(figures.equal_sides)} with equal sides`] : []),
    ...(figures.repeated > 0 ? [`${n(figures.repeated)} that were there before`] : []),
    ...(longer[1] > 0 ? [`the chosen side is the longer one in ${n(longer[0])} of ${n(longer[1])}`] : []),
  ]
  const spreads = Object.entries(characters).map(
    ([name, [least, median, most]]) => `${name} ${n(median)} (${n(least)} to ${n(most)})`,
  )
  return [
    `these pairs: ${pairs.join(', ')}`,
    ...(spreads.length > 0 ? [`characters, as a median: ${spreads.join(', ')}`] : []),
    ...(Object.keys(languages).length > 0 ? [`languages of chosen sides: ${listed(languages)}`] : []),
    ...(Object.keys(nulls).length > 0 ? [`null, of ${n(rows)} rows: ${listed(nulls)}`] : []),
  ]
}
