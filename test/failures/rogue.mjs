// A stage that does wrong, in the way that its option names, on the rows whose prompt holds the marker. It waits, or
// fills a disk, as long as there is no file `gate`.
import { existsSync, writeFileSync } from 'node:fs'
import { defineStage, Type } from 'sluice-data'

const tricks = {
  wait: async (row, verdict, { gate }) => {
    if (!existsSync(gate)) process.stderr.write('at the gate\n')
    while (!existsSync(gate)) await new Promise(resolve => setTimeout(resolve, 20))
  },
  fill: (row, verdict, { gate, fill }) => {
    if (!existsSync(gate)) {
      try {
        writeFileSync(fill, Buffer.alloc(64 << 20))
      } catch {
        /* it is full */
      }
    }
  },
  spin: () => {
    for (;;);
  },
  exit: () => process.exit(7),
  memory: () => {
    const kept = []
    for (;;) kept.push(new Array(1e5).fill(kept.length))
  },
  throw: () => {
    throw new Error('no such lamp')
  },
  throw_text: () => {
    throw 'only a text'
  },
  throw_null: () => {
    throw null
  },
  reject: () => Promise.reject(new Error('no such river')),
  late: (row, verdict) => {
    setTimeout(() => verdict.drop(row, 'told'), 5)
  },
  float: () => {
    void Promise.reject(new Error('nobody waits for this'))
  },
  minus: (row, verdict) => verdict.drop(-1, 'told'),
  beyond: (row, verdict) => verdict.drop(1e6, 'told'),
  undeclared: (row, verdict) => verdict.drop(row, 'untold'),
  twice: (row, verdict) => {
    verdict.drop(row, 'told', 1)
    verdict.drop(row, 'other', 2)
  },
}

export default defineStage({
  name: 'rogue',
  version: 1,
  summary: 'Do wrong.',
  options: Type.Object({
    trick: Type.String({ default: '', description: 'what to do' }),
    marker: Type.String({ default: '', description: 'on which rows' }),
    gate: Type.String({ default: '', description: 'a file' }),
    fill: Type.String({ default: '', description: 'a file to fill the disk with' }),
  }),
  reads: { prompt: 'messages' },
  writes: { letters: 'int32' },
  rows: 'subset',
  reasons: {
    told: { kind: 'configured', about: 'the marker' },
    other: { kind: 'configured', about: 'the marker, too' },
  },
  examples: [],
  open: options => {
    const { trick, marker } = options
    if (trick === 'open') throw new Error('cannot be opened')
    return {
      async batch(batch, verdict) {
        const prompt = batch.messages('prompt'),
          letters = new Int32Array(batch.rows)
        for (let row = 0; row < batch.rows; row++) {
          letters[row] = prompt.text(row).length
          if (prompt.text(row).includes(marker)) await tricks[trick]?.(row, verdict, options)
        }
        if (trick === 'short') return { columns: { letters: letters.subarray(1) } }
        if (trick === 'column') return { columns: { letters, digits: letters } }
        if (trick === 'type') return { columns: { letters: Float64Array.from(letters) } }
        if (trick === 'turned') return { columns: { letters }, turned: { rows: new Uint8Array(batch.rows) } }
        return trick === 'none' ? undefined : { columns: { letters } }
      },
    }
  },
})
