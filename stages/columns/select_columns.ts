/** Keeps some of the columns beside the pair, or all but some. */
import { defineStage, Type } from '../../engine/contract/define.ts'
import { isOfPair, wrongOfPair } from '../kit/columns.ts'

const names = (description: string) => Type.Array(Type.String({ minLength: 1 }), { default: [], description })

export default defineStage({
  name: 'select_columns',
  version: 1,
  category: 'name columns',
  summary: 'Keep some of the columns beside the pair, or all but some.',
  details:
    'The pair itself, `id`, `prompt`, `chosen` and `rejected`, always stays. What messages have beside their text, as tool calls, is in `source_<side>_fields`: with `keep` it goes unless it is named. ' +
    'A source has the same as its option `columns`, which saves the reading of what nobody needs.',
  options: Type.Object({
    keep: names('columns that stay beside the pair; no others do'),
    drop: names('columns that go; all others stay'),
  }),
  reads: ({ keep = [], drop = [] }) => Object.fromEntries([...keep, ...drop].map(name => [name, 'any' as const])),
  writes: {},
  rows: 'same',
  check({ keep, drop }) {
    if (keep.length > 0 === drop.length > 0) {
      const why = `give either 'keep' or 'drop', and not ${keep.length > 0 ? 'both' : 'neither'}`
      return [{ option: 'keep', why }]
    }
    const why = wrongOfPair(drop)
    return why === undefined ? [] : [{ option: 'drop', why }]
  },
  picks: ({ keep, drop }, names) =>
    names
      .filter(name => isOfPair(name) || (keep.length > 0 ? keep.includes(name) : !drop.includes(name)))
      .map(name => [name, name]),
  examples: [
    {
      title: 'the language alone',
      options: { keep: ['lang'] },
      rows: [{ prompt: 'Name a prime.', chosen: 'Seven.', rejected: 'Nine.', rating: 5, lang: 'en' }],
      kept: [0],
    },
    {
      title: 'all but the language',
      options: { drop: ['lang'] },
      rows: [{ prompt: 'Name a prime.', chosen: 'Seven.', rejected: 'Nine.', rating: 5, lang: 'en' }],
      kept: [0],
    },
  ],
})
