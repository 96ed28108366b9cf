/** Gives columns beside the pair other names. */
import { defineStage, Type } from '../../engine/contract/define.ts'
import { wrongOfPair } from '../kit/columns.ts'

export default defineStage({
  name: 'rename_columns',
  version: 1,
  category: 'name columns',
  summary: 'Give columns beside the pair other names.',
  details:
    'All columns get their names at once, so that two may change theirs. A source has the same as its option `rename`, and there `prompt`, `chosen` and `rejected` are found by their new names; here they have theirs already, and keep them.',
  options: Type.Object({
    rename: Type.Record(Type.String({ minLength: 1 }), Type.String({ minLength: 1 }), {
      description: 'other names for columns, as `{ new: old }`',
    }),
  }),
  reads: ({ rename = {} }) => Object.fromEntries(Object.values(rename).map(name => [name, 'any' as const])),
  writes: {},
  rows: 'same',
  check({ rename }, { fields }) {
    const old = Object.values(rename),
      names = Object.keys(rename),
      why =
        wrongOfPair([...old, ...names]) ??
        old.filter((name, i) => old.indexOf(name) < i).map(name => `'${name}' would have two names; give it one`)[0] ??
        names
          .filter(name => !old.includes(name) && fields.some(field => field.name === name))
          .map(name => `there is a column '${name}' already; rename it too, or take another name`)[0]
    return why === undefined ? [] : [{ option: 'rename', why }]
  },
  picks({ rename }, names) {
    const renamed = new Map(Object.entries(rename).map(([name, old]) => [old, name]))
    return names.map(name => [renamed.get(name) ?? name, name])
  },
  examples: [
    {
      title: 'a rating is called a score',
      options: { rename: { score: 'rating' } },
      rows: [{ prompt: 'Name a prime.', chosen: 'Seven.', rejected: 'Nine.', rating: 5, lang: 'en' }],
      kept: [0],
    },
  ],
})
