/** Drops pairs by what stands in their columns: a rating, a language, a date, a flag. */
import { choice, defineStage, Type } from '../../engine/contract/define.ts'
import { columnsIn, compile, wrongIn } from './cel.ts'

export default defineStage({
  name: 'drop_by_column',
  version: 2,
  category: 'check and deduplicate',
  summary: 'Drop pairs for which an expression over their columns is true.',
  details:
    'Expressions are of the [Common Expression Language](https://cel.dev): `rating < 3 || lang != "en"`, `source in ["a", "b"]`, `chosen.contains("I cannot")`, `size(prompt) > 4000`, `"math" in tags`, `made < timestamp("2024-01-01T00:00:00Z")`. ' +
    '`prompt`, `chosen` and `rejected` are texts, all of their messages one after the other; other columns are what they are, and a struct has fields (`meta.lang`). Whole numbers of 64 bits are compared exactly, with each other and with fractions; timestamps to the millisecond. `timestamp("…")` takes a time with its zone (`2024-01-31T10:00:00Z`; of one without a zone nothing can be told: `timestamp(made + "Z")` takes it for UTC), and `made.getHours("Europe/Paris")` and its like are the same on every machine. A field that a struct does not have is refused, also in `has(meta.lang)`.\n\n' +
    'Where the expression cannot be told for a pair, the pair is kept and noted as `cannot_tell`: an operand is null, or a list too short. `lang != "en"` says nothing of a pair without a language; write `lang == null || lang != "en"` to drop it too. ' +
    'What follows all the same is told: `rating < 3 || lang != "en"` is true of a German pair without a rating.',
  options: Type.Object({
    where: Type.String({ minLength: 1, description: 'an expression over the columns, true or false of a pair' }),
    drop: choice(['matching', 'others'], {
      default: 'matching',
      description: 'which pairs are dropped: those for which it is true, or those for which it is false',
    }),
  }),
  reads: ({ where = '' }) => Object.fromEntries(columnsIn(where).map(name => [name, 'any' as const])),
  writes: {},
  rows: 'subset',
  check({ where }, columns) {
    const why = wrongIn(where, columns)
    return why === undefined ? [] : [{ option: 'where', why }]
  },
  reasons: {
    matched: { kind: 'configured', option: 'where', about: 'the expression is true of it' },
    not_matched: { kind: 'configured', option: 'where', about: 'the expression is false of it' },
  },
  notes: { cannot_tell: 'the expression can be told neither true nor false of it, so it is kept' },
  examples: [
    {
      title: 'a low rating, or another language; nobody knows whether no rating is a low one',
      options: { where: 'rating < 3 || lang != "en"' },
      rows: [
        { prompt: 'Name a prime.', chosen: 'Seven.', rejected: 'Nine.', rating: 2.5, lang: 'en' },
        { prompt: 'Name a river.', chosen: 'The Po.', rejected: 'The Alps.', rating: 3, lang: 'en' },
        { prompt: 'Name a lake.', chosen: 'Como.', rejected: 'Rome.', rating: null, lang: 'en' },
        { prompt: 'Nenne einen See.', chosen: 'Bodensee.', rejected: 'Rom.', rating: null, lang: 'de' },
      ],
      kept: [1, 2],
      dropped: { 0: 'matched', 3: 'matched' },
      noted: { 2: 'cannot_tell' },
    },
    {
      title: 'all but short answers with a tag, and those without tags',
      options: { where: 'tags != null && "math" in tags && size(chosen) < 10', drop: 'others' },
      rows: [
        { prompt: 'Name a prime.', chosen: 'Seven.', rejected: 'Nine.', tags: ['math', 'easy'] },
        { prompt: 'Name a river.', chosen: 'The Po.', rejected: 'The Alps.', tags: ['map'] },
        { prompt: 'Name a lake.', chosen: 'Como.', rejected: 'Rome.', tags: null },
      ],
      kept: [0],
      dropped: { 1: 'not_matched', 2: 'not_matched' },
    },
  ],
  open({ where, drop }) {
    let told: ReturnType<typeof compile> | undefined
    return {
      batch(batch, verdict) {
        told ??= compile(where, batch.schema)
        const say = told(batch)
        for (let row = 0; row < batch.rows; row++) {
          const said = say(row)
          if (said === undefined) verdict.note(row, 'cannot_tell')
          else if (said && drop === 'matching') verdict.drop(row, 'matched')
          else if (!said && drop === 'others') verdict.drop(row, 'not_matched')
        }
      },
    }
  },
})
