// Pairs that a template makes, which the option `path` names: it is no path of a file.
import { List, Field, RecordBatch, Schema, Struct, Utf8, makeData, vectorFromArray } from 'apache-arrow'
import { defineSource, Type } from 'sluice-data'

const text = new Utf8(),
  message = new Struct([new Field('role', text, true), new Field('content', text, true)]),
  messages = new List(new Field('item', message, true))
const sides = ['prompt', 'chosen', 'rejected']
const schema = new Schema([new Field('id', text, false), ...sides.map(name => new Field(name, messages))])
const file = { path: 'http://made.up/sums', stamp: '1', bytes: 1000, starts: [0], layout: 'text', facts: {}, plan: 0 }

export default defineSource({
  name: 'template',
  version: 1,
  summary: 'Make pairs by a template.',
  options: Type.Object({ path: Type.String({ description: 'name of the template' }) }),
  reasons: {},
  inputs: () => Promise.resolve([{ ...file, rows: 5, isText: true, schema }]),
  async *read({ path }, _, { start, end }) {
    const rows = Array.from({ length: end - start }, (_, i) => start + i),
      ids = vectorFromArray(rows.map(String), text).data[0]
    const columns = sides.map(
      side =>
        vectorFromArray(
          rows.map(row => [{ role: 'user', content: `${path} ${side} ${row}` }]),
          messages,
        ).data[0],
    )
    const children = [ids, ...columns],
      data = makeData({ type: new Struct(schema.fields), length: rows.length, nullCount: 0, children }),
      pairs = new RecordBatch(schema, data),
      row = Uint32Array.from(rows)
    yield { pairs, row, refused: [], within: [], rows: row, ids, raw: pairs }
  },
})
