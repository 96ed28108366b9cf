/** Drops pairs that hold much of an item of a benchmark, or of any texts that must not be trained on. */
import { choice, defineStage, round, Type, type Batch } from '../../engine/contract/define.ts'
import { rowCount } from '../kit/count.ts'
import { finderOf, itemOf, wordsIn, type Item } from './grams.ts'

/** What a run learns of the tables, and of the pairs: which runs of words are too common to say anything. */
interface Learnt {
  readonly items: readonly Item[]
  readonly read: number
  readonly ignored: readonly number[]
}

const sidesOf = (of: 'prompt' | 'chosen' | 'both') => (of === 'both' ? (['prompt', 'chosen'] as const) : [of])
/** The words of each text of a row that is looked at. */
const textsOf = (batch: Batch, of: 'prompt' | 'chosen' | 'both', collapse: boolean) => {
  const columns = sidesOf(of).map(side => batch.messages(side))
  return (row: number) => columns.map(column => wordsIn(column.text(row), collapse))
}

export default defineStage({
  name: 'drop_contaminated',
  version: 2,
  category: 'check and deduplicate',
  status: { is: 'as published' },
  summary: 'Drop pairs that hold much of an item of a benchmark.',
  details:
    'An item is a row of the table `items`: a question that a model will be tested on. A run of `n` words that a text shares with an item covers these words of it; a pair is dropped where more than `coverage` of an item’s words are covered. ' +
    'Words are folded, without punctuation, and characters of scripts without spaces are words of their own. An item of fewer than `n` words is met as a whole or not at all; fewer than 4 words (8 characters of such scripts) make no item. ' +
    'A run that more than `ignore_more_than` pairs have without holding its item is a phrase that everybody uses, and covers nothing; so does a short item that more of them have. The rejected side alone is no reason.\n\n' +
    'Several benchmarks are held against at once: `items: [gsm8k, mmlu]`, each a source whose columns are renamed to `text` and `id`. The column `item` names the item, in dropped rows too: begin ids with the benchmark’s name.\n\n' +
    'It sees copies, also with other words around or a few changed, and no paraphrases or translations. [What other rules see of the same texts](../benchmarks/audits.md).',
  paper: {
    title: 'Tülu 3: Pushing Frontiers in Open Language Model Post-Training',
    arxiv: '2411.15124',
    form: 'after',
  },
  options: Type.Object({
    of: choice(['prompt', 'chosen', 'both'], { default: 'prompt', description: 'which texts of a pair are looked at' }),
    n: Type.Integer({ minimum: 4, maximum: 50, default: 8, description: 'words of a run' }),
    coverage: Type.Number({
      minimum: 0,
      maximum: 1,
      default: 0.5,
      description: 'share of an item’s words above which a pair is dropped',
    }),
    collapse_numbers: Type.Boolean({
      default: false,
      description: 'take every number for the same: finds copies with other numbers',
    }),
    ignore_more_than: Type.Integer({
      minimum: 0,
      default: 10,
      description: 'pairs with a run and without its item, above which it covers nothing; 0: every run counts',
    }),
    text: Type.String({ minLength: 1, default: 'text', description: 'text column of the table' }),
    id: Type.String({ minLength: 1, default: 'id', description: 'text column of the table: what an item is called' }),
  }),
  reads: ({ of }) => ({
    prompt: of === 'chosen' ? undefined : ('messages' as const),
    chosen: of === 'prompt' ? undefined : ('messages' as const),
  }),
  tables: ({ text, id }) => ({ items: { [text]: 'text' as const, [id]: 'text' as const } }),
  writes: { coverage: 'float64', longest: 'int32', item: 'text' },
  rows: 'subset',
  reasons: { contaminated: { kind: 'quality', limit: 'coverage', about: 'share of an item’s words in the pair' } },
  examples: [
    {
      title: 'the item with words around; eight words in common of many are none',
      options: { n: 4 },
      rows: [
        { prompt: 'Solve this: how many legs have six spiders in a box?', chosen: '48', rejected: '36' },
        { prompt: 'How many legs have cows?', chosen: 'Four.', rejected: 'Five.' },
        { prompt: 'Name a prime.', chosen: 'Seven.', rejected: 'Nine.' },
      ],
      tables: {
        items: [
          { id: 'q1', text: 'How many legs have six spiders in a box?' },
          { id: 'q2', text: 'Name it.' },
        ],
      },
      kept: [1, 2],
      dropped: { 0: 'contaminated' },
      columns: { coverage: [4 / 9, 0], longest: [4, 0], item: ['q1', null] },
    },
    {
      title: 'other numbers make no other question, if you say so',
      options: { n: 4, collapse_numbers: true },
      rows: [
        { prompt: 'A baker packs 14 rolls into each of 9 boxes.', chosen: '126', rejected: '23' },
        { prompt: 'Name a prime.', chosen: 'Seven.', rejected: 'Nine.' },
      ],
      tables: { items: [{ id: 'q1', text: 'A baker packs 12 rolls into each of 7 boxes.' }] },
      kept: [1],
      dropped: { 0: 'contaminated' },
    },
  ],
  fit: ({ n, of, text, id, coverage, collapse_numbers, ignore_more_than }) => {
    const items = round({
      of: 'items',
      collect() {
        const items: Item[] = []
        let read = 0
        return {
          batch(batch) {
            const texts = batch.text(text),
              ids = batch.text(id)
            read += batch.rows
            for (let row = 0; row < batch.rows; row++) {
              const item = itemOf(ids.text(row), texts.text(row), n, collapse_numbers)
              if (item) items.push(item)
            }
          },
          part: () => ({ items, read }),
        }
      },
      merge(parts: Iterable<{ items: Item[]; read: number }>): Learnt {
        const all = [...parts]
        return {
          items: all.flatMap(part => part.items),
          read: all.reduce((sum, part) => sum + part.read, 0),
          ignored: [],
        }
      },
    })
    if (ignore_more_than === 0) return items
    return items.next({
      collect({ state }) {
        const { passing } = finderOf(state.items, new Set()),
          counts = new Map<number, number>()
        return {
          batch(batch) {
            const words = textsOf(batch, of, collapse_numbers)
            for (let row = 0; row < batch.rows; row++) {
              for (const gram of new Set(words(row).flatMap(one => passing(one, coverage)))) {
                counts.set(gram, (counts.get(gram) ?? 0) + 1)
              }
            }
          },
          part: () => counts,
        }
      },
      merge(parts: Iterable<Map<number, number>>, { state }): Learnt {
        const counts = new Map<number, number>()
        for (const part of parts) for (const [gram, n] of part) counts.set(gram, (counts.get(gram) ?? 0) + n)
        const common = [...counts].flatMap(([gram, n]) => (n > ignore_more_than ? [gram] : []))
        return { ...state, ignored: common.sort((a, b) => a - b) }
      },
    })
  },
  open({ of, coverage, collapse_numbers }, { state }) {
    const { find } = finderOf(state.items, new Set(state.ignored))
    return {
      batch(batch, verdict) {
        const words = textsOf(batch, of, collapse_numbers),
          share = new Float64Array(batch.rows),
          longest = new Int32Array(batch.rows),
          item: (string | null)[] = []
        for (let row = 0; row < batch.rows; row++) {
          const found = words(row).flatMap(one => find(one) ?? [])
          const best = found.length > 1 && found[1].share > found[0].share ? found[1] : found.at(0)
          share[row] = best?.share ?? 0
          longest[row] = best?.longest ?? 0
          item.push(best ? state.items[best.item].id : null)
          if (best && best.share > coverage) verdict.drop(row, 'contaminated', best.share)
        }
        return { columns: { coverage: share, longest, item } }
      },
    }
  },
  tally: rowCount,
  report({ n, coverage }, { state: { items, read, ignored }, tally }) {
    const short = items.filter(({ run }) => run < n).length
    return {
      lines: [
        `${tally.toLocaleString('en-US')} pairs held against ${items.length.toLocaleString('en-US')} of ${read.toLocaleString('en-US')} items, a pair with more than ${coverage} of one’s words is dropped; ${short.toLocaleString('en-US')} of fewer than ${n} words were met as a whole`,
        ...(ignored.length > 0
          ? [`${ignored.length.toLocaleString('en-US')} runs of ${n} words are so common that they cover nothing`]
          : []),
      ],
      numbers: { items: items.length, too_short: read - items.length, whole: short, ignored_runs: ignored.length },
    }
  },
})
