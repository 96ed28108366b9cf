// Pairs that a template makes: of a file its name alone counts.
import { Field, RecordBatch, Schema, Struct, Utf8, makeData, vectorFromArray } from 'apache-arrow'
import { basename } from 'node:path'
import { defineSource, Type } from 'sluice-data'

const text = new Utf8(),
  sides = ['prompt', 'chosen', 'rejected']
const schema = new Schema(sides.map(name => new Field(name, text, true)))

export default defineSource({
  name: 'template',
  version: 1,
  summary: 'Make pairs by a template.',
  extensions: ['.template'],
  options: Type.Object({}),
  open: () => Promise.resolve({ schema, rows: 5, bytes: 1000, starts: [0], facts: {}, plan: 0 }),
  async *read(_, { path }, { start, end }) {
    const rows = Array.from({ length: end - start }, (_, i) => start + i),
      name = basename(path, '.template')
    const children = sides.map(
      side =>
        vectorFromArray(
          rows.map(row => `${name} ${side} ${row}`),
          text,
        ).data[0],
    )
    const data = makeData({ type: new Struct(schema.fields), length: rows.length, nullCount: 0, children })
    yield new RecordBatch(schema, data)
  },
})
