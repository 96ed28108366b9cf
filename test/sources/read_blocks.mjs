// Blocks of `key = value` lines with an empty line between them: a whole format, as a stage of one's own.
import { Field, Schema, Table, Utf8, vectorFromArray } from 'apache-arrow'
import { defineSource, readChunks, Type } from 'sluice-data'

/** The blocks of a file, each as an object. */
async function* blocksOf(path, mark) {
  const decoder = new TextDecoder()
  let rest = ''
  // what stands behind the first mark is the value, with any other mark in it
  const pairOf = line => {
    const [key, ...value] = line.split(mark)
    return [key, value.join(mark)]
  }
  const parsed = block => Object.fromEntries(block.split('\n').map(pairOf))
  for await (const chunk of readChunks(path)) {
    const blocks = (rest + decoder.decode(chunk, { stream: true })).split('\n\n')
    rest = blocks.pop()
    yield* blocks.map(parsed)
  }
  if (rest.trim() !== '') yield parsed(rest.trimEnd())
}

export default defineSource({
  name: 'read_blocks',
  version: 1,
  summary: 'Read preference pairs from blocks of lines.',
  extensions: ['.blocks'],
  options: Type.Object({ mark: Type.String({ default: ' = ', description: 'what stands between key and value' }) }),
  async open({ mark }, path) {
    const names = new Set()
    let rows = 0
    for await (const block of blocksOf(path, mark)) {
      rows++
      for (const name of Object.keys(block)) names.add(name)
    }
    const schema = new Schema([...names].map(name => new Field(name, new Utf8(), true)))
    return { schema, rows, starts: [0], facts: {}, plan: null }
  },
  async *read({ mark }, { path }, { columns }) {
    for await (const block of blocksOf(path, mark)) {
      const values = columns.map(name => [name, vectorFromArray([block[name] ?? null], new Utf8())])
      yield* new Table(Object.fromEntries(values)).batches
    }
  },
})
