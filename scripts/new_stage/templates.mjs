// What new_stage.mjs writes: a stage of each kind that works, its graph, and a test where a kind has no examples. What
// stands between « and » is for TypeScript alone.

/** Kinds, with what each is for. */
export const kinds = {
  row: 'looks at one pair at a time',
  group: 'looks at all pairs that are equal in something',
  pair: 'makes pairs of answers',
  fit: 'looks at all pairs before it says anything of one',
  audit: 'reports, and hands on no row',
  source: 'reads a format of files',
  sink: 'writes files',
}
/** Names that promise that rows are lost. */
const isDropping = name => /^(drop|sample|balance)_/.test(name)
/** read_things reads files that end in .things. */
const endingOf = name => `.${name.slice('read_'.length)}`

const pair = (prompt, chosen) => `{ prompt: '${prompt}', chosen: '${chosen}', rejected: 'Nine.' },`
const head = (name, summary, more = []) => `  name: '${name}',
  version: 1,
${more.join('')}  summary: '${summary}',
`
const stageHead = (name, summary, isOwn, category = 'check and deduplicate') =>
  head(name, summary, isOwn ? [] : [`  category: '${category}',\n`])

const bodies = {
  row: (name, isOwn) =>
    isDropping(name)
      ? `/** Drops pairs whose chosen side is longer than a limit. */
${imports(isOwn, 'defineStage, Type')}
export default defineStage({
${stageHead(name, 'Drop pairs whose chosen side is longer than a limit.', isOwn)}  options: Type.Object({
    max_chars: Type.Integer({ minimum: 1, default: 10_000, description: 'characters of the chosen side' }),
  }),
  reads: { chosen: 'messages' },
  writes: {},
  rows: 'subset',
  reasons: { too_long: { kind: 'configured', limit: 'max_chars', about: 'characters of the chosen side' } },
  examples: [
    {
      title: 'ten characters are allowed, fifteen are not',
      options: { max_chars: 10 },
      rows: [
        ${pair('Name a prime.', 'Seven.')}
        ${pair('Name a prime.', 'Seven is prime.')}
      ],
      kept: [0],
      dropped: { 1: 'too_long' },
    },
  ],
  open: ({ max_chars }) => ({
    batch(batch, verdict) {
      const chosen = batch.messages('chosen')
      for (let row = 0; row < batch.rows; row++) {
        const chars = chosen.text(row).length
        if (chars > max_chars) verdict.drop(row, 'too_long', chars)
      }
    },
  }),
})
`
      : `/** Says of every pair how many characters its chosen side has. */
${imports(isOwn, 'defineStage, Type')}
export default defineStage({
${stageHead(name, 'Say of every pair how many characters its chosen side has.', isOwn)}  options: Type.Object({}),
  reads: { chosen: 'messages' },
  writes: { chars: 'int32' },
  rows: 'same',
  examples: [
    {
      title: 'letters and a full stop',
      rows: [{ prompt: 'Name a prime.', chosen: 'Seven.', rejected: 'Nine.' }],
      kept: [0],
      columns: { chars: [6] },
    },
  ],
  open: () => ({
    batch(batch) {
      const chosen = batch.messages('chosen'),
        chars = new Int32Array(batch.rows)
      for (let row = 0; row < batch.rows; row++) chars[row] = chosen.text(row).length
      return { columns: { chars } }
    },
  }),
})
`,

  group: (
    name,
    isOwn,
  ) => `/** ${isDropping(name) ? 'Drops pairs whose prompt has too many of them' : 'Says of every pair how many pairs its prompt has'}. */
${imports(isOwn, 'defineStage, Type')}
export default defineStage({
${
  isDropping(name)
    ? `${stageHead(name, 'Drop pairs whose prompt has had a number of pairs before.', isOwn)}  options: Type.Object({
    max_rows: Type.Integer({ minimum: 1, default: 100, description: 'pairs of a prompt that stay, the first ones' }),
  }),
  reads: { prompt: 'messages' },
  writes: {},
  rows: 'subset',
  reasons: { too_many: { kind: 'configured', limit: 'max_rows', about: 'pairs of the prompt' } },`
    : `${stageHead(name, 'Say of every pair how many pairs its prompt has.', isOwn)}  options: Type.Object({}),
  reads: { prompt: 'messages' },
  writes: { pairs: 'int32' },
  rows: 'same',`
}
  by: ['asked'],
  carries: { asked: 'text' },
  examples: [
    {
      title: 'two ask the same, and one does not',
${isDropping(name) ? '      options: { max_rows: 1 },\n' : ''}      rows: [
        ${pair('Name a prime.', 'Seven.')}
        ${pair('Name an odd number.', 'Five.')}
        ${pair('name a PRIME.', 'Two.')}
      ],
${
  isDropping(name)
    ? `      kept: [0, 1],
      dropped: { 2: 'too_many' },`
    : `      kept: [0, 1, 2],
      columns: { pairs: [2, 1, 2] },`
}
    },
  ],
  // a row travels to its group as this alone: the shorter, the better
  carry: () => batch => {
    const prompt = batch.messages('prompt')
    return { asked: Array.from({ length: batch.rows }, (_, row) => prompt.text(row).toLowerCase()) }
  },
${
  isDropping(name)
    ? `  open: ({ max_rows }) => ({
    batch({ groups }, verdict) {
      for (let g = 0; g + 1 < groups.length; g++) {
        const pairs = groups[g + 1] - groups[g]
        for (let row = groups[g] + max_rows; row < groups[g + 1]; row++) verdict.drop(row, 'too_many', pairs)
      }
    },
  }),`
    : `  open: () => ({
    batch({ rows, groups }) {
      const pairs = new Int32Array(rows)
      for (let g = 0; g + 1 < groups.length; g++) pairs.fill(groups[g + 1] - groups[g], groups[g], groups[g + 1])
      return { columns: { pairs } }
    },
  }),`
}
})
`,

  pair: (name, isOwn) => `/** Makes a pair of the longest and the shortest answer to a prompt. */
${imports(isOwn, 'defineStage, Type')}
export default defineStage({
${stageHead(name, 'Make a pair of the longest and the shortest answer to a prompt.', isOwn, 'make pairs')}  options: Type.Object({}),
  reads: { prompt: 'messages', chosen: 'messages' },
  writes: { chars: 'int32' },
  rows: 'pair',
  reasons: {
    between: { kind: 'configured', about: 'characters; neither the longest nor the shortest answer' },
    alone: { kind: 'broken', about: 'no other answer to its prompt' },
  },
  by: ['prompt'],
  examples: [
    {
      title: 'the longest and the shortest, and an answer alone',
      rows: [
        { prompt: 'Name a prime.', chosen: 'Two.' },
        { prompt: 'Name a river.', chosen: 'The Po.' },
        { prompt: 'Name a prime.', chosen: 'Eleven.' },
        { prompt: 'Name a prime.', chosen: 'Seven.' },
      ],
      kept: [0, 2],
      dropped: { 1: 'alone', 3: 'between' },
      made: [{ id: 'row-2', prompt: 'Name a prime.', chosen: 'Eleven.', rejected: 'Two.', chars: 3 }],
    },
  ],
  open: () => ({
    batch(batch, verdict) {
      const chosen = batch.messages('chosen'),
        parents«: number[]» = [],
        partners«: number[]» = [],
        chars«: number[]» = []
      const length = (row«: number») => chosen.text(row).length
      for (let g = 0; g + 1 < batch.groups.length; g++) {
        const rows«: number[]» = []
        for (let row = batch.groups[g]; row < batch.groups[g + 1]; row++) rows.push(row)
        if (rows.length === 1) {
          verdict.drop(rows[0], 'alone')
          continue
        }
        rows.sort((a, b) => length(b) - length(a) || a - b)
        for (const row of rows.slice(1, -1)) verdict.drop(row, 'between', length(row))
        const [longest, shortest] = [rows[0], rows[rows.length - 1]]
        parents.push(longest)
        partners.push(shortest)
        chars.push(length(longest) - length(shortest))
      }
      return { parents, partners, columns: { chars } }
    },
  }),
})
`,

  fit: (
    name,
    isOwn,
  ) => `/** ${isDropping(name) ? 'Drops pairs whose chosen side is much longer than others' : 'Says of every pair how long its chosen side is beside all others'}. */
${imports(isOwn, 'defineStage, round, Type')}
export default defineStage({
${
  isDropping(name)
    ? `${stageHead(name, 'Drop pairs whose chosen side is much longer than the mean.', isOwn)}  options: Type.Object({
    max_ratio: Type.Number({ minimum: 1, default: 20, description: 'length of the chosen side, in means of all pairs' }),
  }),
  reads: { chosen: 'messages' },
  writes: {},
  rows: 'subset',
  reasons: { too_long: { kind: 'configured', limit: 'max_ratio', about: 'its length, in means of all pairs' } },`
    : `${stageHead(name, 'Say of every pair how long its chosen side is, in means of all pairs.', isOwn)}  options: Type.Object({}),
  reads: { chosen: 'messages' },
  writes: { ratio: 'float64' },
  rows: 'same',`
}
  examples: [
    {
      title: 'the mean is of all pairs',
${isDropping(name) ? '      options: { max_ratio: 1.2 },\n' : ''}      rows: [
        ${pair('Name a prime.', 'Two.')}
        ${pair('Name a prime.', 'It is 7.')}
      ],
${
  isDropping(name)
    ? `      kept: [0],
      dropped: { 1: 'too_long' },`
    : `      kept: [0, 1],
      columns: { ratio: [4 / 6, 8 / 6] },`
}
    },
  ],
  // whole numbers: their sum is the same however rows are cut into parts
  fit: () =>
    round({
      collect() {
        const sum = { rows: 0, chars: 0 }
        return {
          batch(batch) {
            const chosen = batch.messages('chosen')
            for (let row = 0; row < batch.rows; row++) sum.chars += chosen.text(row).length
            sum.rows += batch.rows
          },
          part: () => sum,
        }
      },
      merge(parts«: Iterable<{ rows: number; chars: number }>») {
        const all = { rows: 0, chars: 0 }
        for (const { rows, chars } of parts) {
          all.rows += rows
          all.chars += chars
        }
        return { mean: all.chars / Math.max(1, all.rows) }
      },
    }),
${
  isDropping(name)
    ? `  open: ({ max_ratio }, { state: { mean } }) => ({
    batch(batch, verdict) {
      const chosen = batch.messages('chosen')
      for (let row = 0; row < batch.rows; row++) {
        const ratio = chosen.text(row).length / mean
        if (ratio > max_ratio) verdict.drop(row, 'too_long', ratio)
      }
    },
  }),`
    : `  open: (_, { state: { mean } }) => ({
    batch(batch) {
      const chosen = batch.messages('chosen')
      return { columns: { ratio: Float64Array.from({ length: batch.rows }, (_, row) => chosen.text(row).length / mean) } }
    },
  }),`
}
})
`,

  audit: (name, isOwn) => `/** Says how long chosen sides are: of what is kept, and of what is dropped. */
${imports(isOwn, 'defineAudit, optional, round, Type')}
«interface Sum {
  rows: number
  chars: number
}
»const mean = ({ rows, chars }«: Sum») => chars / Math.max(1, rows)

export default defineAudit({
${head(name, 'Say how long chosen sides are: of what is kept, and of what is dropped.')}  options: Type.Object({
    max_chars: Type.Integer({
      minimum: 1,
      default: 100_000,
      description: 'a run is refused if the chosen sides that are kept are longer in the mean',
    }),
  }),
  inputs: { kept: { chosen: 'messages' }, dropped: optional({ chosen: 'messages' }) },
  examples: [
    {
      title: 'what is kept is longer than it may be',
      options: { max_chars: 10 },
      inputs: {
        kept: [{ prompt: 'Name a prime.', chosen: 'Seven is prime.', rejected: 'Nine.' }],
        dropped: [{ prompt: 'Name a prime.', chosen: 'Seven.', rejected: 'Nine.' }],
      },
      previous: { kept: 12 },
      numbers: { kept: 15, dropped: 6 },
      refuse: ['chosen sides of what is kept have 15.0 characters in the mean, and max_chars allows 10'],
    },
  ],
  tally: () =>
    round({
      collect() {
        const sum = { rows: 0, chars: 0 }
        return {
          batch(batch) {
            const chosen = batch.messages('chosen')
            for (let row = 0; row < batch.rows; row++) sum.chars += chosen.text(row).length
            sum.rows += batch.rows
          },
          part: () => sum,
        }
      },
      merge(parts«: Iterable<Sum>») {
        const all = { rows: 0, chars: 0 }
        for (const { rows, chars } of parts) {
          all.rows += rows
          all.chars += chars
        }
        return all
      },
    }),
  report({ max_chars }, { kept, dropped }, previous) {
    const now = mean(kept)
    return {
      lines: [
        \`chosen sides have \${now.toFixed(1)} characters in the mean\`,
        ...(previous?.kept === undefined ? [] : [\`they had \${previous.kept.toFixed(1)} in the run before\`]),
      ],
      numbers: { kept: now, ...(dropped && { dropped: mean(dropped) }) },
      refuse:
        now > max_chars
          ? [
              \`chosen sides of what is kept have \${now.toFixed(1)} characters in the mean, and max_chars allows \${max_chars}\`,
            ]
          : [],
    }
  },
})
`,

  source: (name, isOwn) => `/** Reads blocks of \`key = value\` lines with an empty line between them. */
import { Field, Schema, Table, Utf8, vectorFromArray } from 'apache-arrow'
${isOwn ? imports(isOwn, 'defineSource, readChunks, Type') : `${imports(isOwn, 'defineSource, Type').trimEnd()}\nimport { readChunks } from '../../engine/files/chunks.ts'\n`}
/** The blocks of a file, each as an object. */
async function* blocksOf(path«: string», mark«: string»)«: AsyncGenerator<Record<string, string>>» {
  const decoder = new TextDecoder(),
    // what stands behind the first mark is the value, with any other mark in it
    pairOf = (line«: string») => {
      const [key, ...value] = line.split(mark)
      return [key, value.join(mark)]
    },
    parsed = (block«: string») => Object.fromEntries(block.split('\\n').map(pairOf))
  let rest = ''
  for await (const chunk of readChunks(path)) {
    const blocks = (rest + decoder.decode(chunk, { stream: true })).split('\\n\\n')
    rest = blocks.pop()«!»
    for (const block of blocks) yield parsed(block)
  }
  if (rest.trim() !== '') yield parsed(rest.trimEnd())
}

export default defineSource({
${head(name, 'Read preference pairs from blocks of lines.')}  extensions: ['${endingOf(name)}'],
  options: Type.Object({ mark: Type.String({ default: ' = ', description: 'what stands between key and value' }) }),
  async open({ mark }, path) {
    const names = new Set«<string>»()
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
`,

  sink: (name, isOwn) => `/** Writes chosen sides as text, one a line. */
import { appendFileSync, closeSync, fsyncSync, openSync } from 'node:fs'
import { join } from 'node:path'
${isOwn ? imports(isOwn, 'columns, defineSink, Type') : `import * as columns from '../../engine/arrow/columns.ts'\n${imports(isOwn, 'defineSink, Type')}`}
export default defineSink({
${head(name, 'Write chosen sides as text, one a line.')}  options: Type.Object({}),
  reads: { chosen: 'messages' },
  schema: (_, input) => ({ schema: input, renamed: {} }),
  convert: (_, input) => input,
  publish(_, folder, _schema, input) {
    const file = openSync(join(folder, 'data.txt'), 'w')
    let rows = 0
    try {
      for (const batch of input.batches()) {
        const chosen = columns.messagesColumn(batch.getChild('chosen')«!».data[0])
        for (let row = 0; row < batch.numRows; row++) {
          appendFileSync(file, \`\${chosen.text(row).replaceAll('\\n', ' ')}\\n\`)
          rows++
        }
      }
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    return rows
  },
})
`,
}

function imports(isOwn, names) {
  return `import { ${names} } from '${isOwn ? 'sluice-data' : '../../engine/contract/define.ts'}'\n`
}

/** The text of a stage; `isOwn`: in JavaScript, beside Sluice and not in it. */
export const stageText = (kind, name, isOwn) => bodies[kind](name, isOwn).replace(/«([^»]*)»/g, isOwn ? '' : '$1')

/** A small file of the format that the written source reads. */
export const blocks = `prompt = Name a prime.
chosen = Seven.
rejected = Nine.

prompt = Name a river.
chosen = The Po.
rejected = The Alps.
`

/** Three answers, for a stage that makes pairs of them. */
export const answers = `{"prompt": "Name a prime.", "answer": "Two."}
{"prompt": "Name a prime.", "answer": "Eleven."}
{"prompt": "Name a prime.", "answer": "Seven."}
`

/** A graph that uses a stage at `use`, over pairs at `path`; of a source, or of pairs, that is its own file. */
export function graphText(kind, name, use, path) {
  const line = (id, use, more = '') => `  - { id: ${id}, use: ${use}${more} }\n`
  const source = `, with: { path: '${path}' }`
  const stages = {
    audit:
      line('pairs', 'read_parquet', source) +
      line('checked', 'check_pairs') +
      line('dpo', 'write_arrow') +
      line('report', use, ', from: { kept: checked, dropped: checked.dropped }'),
    pair:
      line('answers', 'read_jsonl', `, with: { path: '${path}', layout: answers }`) +
      line('mine', use) +
      line('dpo', 'write_arrow'),
    source: line('pairs', use, source) + line('dpo', 'write_arrow'),
    sink: line('pairs', 'read_parquet', source) + line('written', use),
  }
  const ofRows = line('pairs', 'read_parquet', source) + line('mine', use) + line('dpo', 'write_arrow')
  return `# Runs ${name}: what it reads, the stage, what is written.
version: 1
name: ${name}
stages:
${stages[kind] ?? ofRows}`
}

/** A test of a kind that has no examples, and the folder of tests that it belongs in; undefined of others. */
export function testText(kind, name) {
  const test = (about, given, stages, expected) => `/** ${about} */
import { ${kind === 'source' ? 'writeFileSync' : 'readFileSync'} } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { run } from '../../index.mjs'
import { folder, ${kind === 'source' ? 'rowsOf' : 'pairs, writeJsonl'} } from '../engine/helpers.ts'

it('${name} works in a graph', async () => {
  const at = folder(),
${given}
  const stages = [
${stages}
  ]
  const { folder: out } = await run({ version: 1, name: 'tried', stages }, { output: join(at, 'out'), workers: 1 })
${expected}
})
`
  if (kind === 'source') {
    return {
      folder: 'sources',
      text: test(
        `What ${name} reads of a small file.`,
        `    path = join(at, 'a${endingOf(name)}')
  writeFileSync(path, ${JSON.stringify(blocks).replaceAll('"', "'")})`,
        `    { id: 'pairs', use: '${name}', with: { path } },
    { id: 'dpo', use: 'write_arrow' },`,
        `  expect(rowsOf(join(out, 'dpo'))).toMatchObject([
    { prompt: 'Name a prime.', chosen: 'Seven.', rejected: 'Nine.' },
    { prompt: 'Name a river.', chosen: 'The Po.', rejected: 'The Alps.' },
  ])`,
      ),
    }
  }
  if (kind === 'sink') {
    return {
      folder: 'sinks',
      text: test(
        `What ${name} writes of a few pairs.`,
        `    rows = pairs(3),
    path = writeJsonl(join(at, 'a.jsonl'), rows)`,
        `    { id: 'pairs', use: 'read_jsonl', with: { path } },
    { id: 'written', use: '${name}' },`,
        `  expect(readFileSync(join(out, 'written', 'data.txt'), 'utf8')).toBe(rows.map(row => \`\${row.chosen}\\n\`).join(''))`,
      ),
    }
  }
  return undefined
}
