/** Files that stages declare: in every key by their content, the same bytes all through a run, and no others. */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { defineAudit, defineStage, round, Type } from '../../engine/contract/define.ts'
import { runAuditExample, runExample } from '../../engine/run/examples.ts'
import { run } from '../../index.mjs'
import { inProcess } from '../failures/helpers.ts'
import { fingerprint, folder, madeSince, pairs, passesOf, rowsOf, writeJsonl } from './helpers.ts'

interface Entry {
  readonly id: string
  readonly use: string
  readonly with?: Readonly<Record<string, unknown>>
  readonly from?: string
}
const unique = { id: 'unique', use: 'drop_duplicates' },
  dpo = { id: 'dpo', use: 'write_arrow' }

/** Parts of a stage that drops pairs whose chosen side has a word of a list; the list is read where `at` says. */
const body = {
  open: `open: ({ words }, context) => {
    const list = WORDS
    return { batch(batch, verdict) {
      const chosen = batch.messages('chosen')
      for (let r = 0; r < batch.rows; r++) if (list.some(word => chosen.text(r).includes(word))) verdict.drop(r, 'word')
    } }
  }`,
  fit: `fit: ({ words }) => round({
    collect: context => ({ batch() {}, part: () => WORDS }),
    merge: (parts, context) => [...new Set([...[...parts].flat(), ...WORDS])].sort(),
  }),
  open: (_, { state }) => ({ batch(batch, verdict) {
    const chosen = batch.messages('chosen')
    for (let r = 0; r < batch.rows; r++) if (state.some(word => chosen.text(r).includes(word))) verdict.drop(r, 'word')
  } })`,
  carry: `by: ['bad'], carries: { bad: 'int32' },
  carry: ({ words }, context) => {
    const list = WORDS
    return batch => {
      const chosen = batch.messages('chosen')
      return { bad: Int32Array.from({ length: batch.rows }, (_, r) => +list.some(w => chosen.text(r).includes(w))) }
    }
  },
  open: () => ({ batch(batch, verdict) {
    for (let r = 0; r < batch.rows; r++) if (batch.numbers('bad').values[r] === 1) verdict.drop(r, 'word')
  } })`,
}
const text = "Buffer.from(context.file(words)).toString().trim().split('\\n')"

/** 40 pairs, three twice; a list of words; the stage. */
function made(where: keyof typeof body = 'open', words = text) {
  const at = folder(),
    list = join(at, 'list.txt'),
    stage = join(at, 'drop_words.mjs')
  const rows = pairs(40),
    path = writeJsonl(join(at, 'in.jsonl'), [...rows, ...rows.slice(0, 3).map(row => ({ ...row, id: `${row.id}b` }))])
  writeFileSync(list, 'river\n')
  writeFileSync(
    stage,
    `import { defineStage, round, Type } from 'sluice-data'
export default defineStage({
  name: 'drop_words', version: 1, summary: 'Drop pairs with a word of a list.',
  options: Type.Object({ words: Type.String(), more: Type.Array(Type.String(), { default: [] }) }),
  reads: { chosen: 'messages' }, writes: {}, rows: 'subset',
  reasons: { word: { kind: 'configured', about: 'a word of the list' } }, examples: [],
  files: ({ words, more }) => [words, ...more],
  ${body[where].replaceAll('WORDS', words)},
})`,
  )
  const graph = (words = list, more: readonly string[] = [], ...stages: readonly Entry[]) => ({
    version: 1 as const,
    name: 'files',
    partition_rows: 20,
    stages: [
      { id: 'pairs', use: 'read_jsonl', with: { path } },
      unique,
      { id: 'words', use: stage, with: { words, more } },
      ...stages,
      { ...dpo, from: 'words' },
    ],
  })
  const dropped = (word: string) => rows.filter(({ chosen }) => chosen.includes(word)).map(({ id }) => id)
  return { at, list, stage, output: join(at, 'out'), graph, dropped }
}
const droppedIn = (made: string) =>
  rowsOf(join(made, 'ledger')).flatMap(({ id, stage }) => (stage === 'words' ? [id] : []))
const refused = (graph: object, output: string, options: object = {}): Promise<Error & { exit?: number }> =>
  run(graph as never, { output, workers: 1, ...options }).then(
    () => {
      throw new Error('it was published')
    },
    (error: unknown) => error as Error & { exit?: number },
  )

describe.each(['open', 'fit', 'carry'] as const)('a list that is read in %s', where => {
  it('decides, and what depends on it is made anew when it changes, and nothing before it', async () => {
    const { list, output, graph, dropped } = made(where)
    const first = await run(graph(), { output, workers: 1 })
    expect(dropped('river').length).toBeGreaterThan(3)
    expect(droppedIn(first.folder)).toEqual(dropped('river'))
    expect((await run(graph(), { output, workers: 2 })).status).toBe('nothing_new')
    const before = passesOf(output)
    writeFileSync(list, 'stone\n')
    const second = await run(graph(), { output, workers: 2 })
    expect(droppedIn(second.folder)).toEqual(dropped('stone'))
    const [zero, ...later] = madeSince(before, output)
    expect(zero).toBe('0 of 3')
    expect(later.at(-1)).toBe('3 of 3')
    const { folder: fresh } = await run(graph(), { output: join(output, '..', 'fresh'), workers: 1 })
    expect(fingerprint(second.folder)).toEqual(fingerprint(fresh))
  })
})

it('equal content under another path is worked anew, as a stage of one’s own may go by the name', async () => {
  const { at, list, output, graph } = made()
  const first = await run(graph(), { output, workers: 1 }),
    before = passesOf(output),
    other = relative(process.cwd(), join(at, 'other.txt'))
  const sha256 = createHash('sha256').update('river\n').digest('hex')
  writeFileSync(other, 'river\n')
  const second = await run(graph(other), { output, workers: 2 })
  expect(second.status).toBe('published')
  expect(madeSince(before, output)).toEqual(['0 of 3', '3 of 3'])
  const [was, is] = [first, second].map(({ folder }) => fingerprint(folder))
  const changed = Object.keys(is).filter(file => was[file] !== is[file])
  expect(changed.filter(file => !['manifest.json', 'report.json'].includes(file))).toEqual([])
  const filesIn = ({ manifest }: typeof first) => manifest.graph.stages.find(({ id }) => id === 'words')!.files!
  expect(filesIn(first)).toEqual([{ path: list, bytes: 6, sha256 }])
  expect(filesIn(second)).toEqual([{ path: other, bytes: 6, sha256 }])
})

it('a text that is a path by chance is no path: where there are more of them than files, none is', async () => {
  const { stage, list, output, graph } = made()
  const own = (more: string) =>
    writeFileSync(
      stage,
      `import { defineStage, Type } from 'sluice-data'
export default defineStage({
  name: 'drop_words', version: 1, summary: 'Says a word.', reads: {}, writes: { said: 'text' }, rows: 'same',
  options: Type.Object({ words: Type.String(), more: Type.Array(Type.String()) }), examples: [],
  files: ({ words }) => [words],
  open: ({ more }, context) => ({
    batch: ({ rows }) => ({ columns: { said: Array(rows).fill(${more}) } }),
  }),
})`,
    )
  own('more[0]')
  const other = join(output, '..', 'other.txt')
  writeFileSync(other, 'river\n')
  // also of a list that is named twice
  for (const files of ['[words]', '[words, words]']) {
    writeFileSync(stage, readFileSync(stage, 'utf8').replace('[words]', files))
    for (const path of [list, other]) {
      const { folder } = await run(graph(path, [path]), { output, workers: 1 })
      expect(new Set(rowsOf(join(folder, 'dpo')).map(row => row.words_said)), files).toEqual(new Set([path]))
    }
  }
})

it('all files that are not there, or cannot be read, are told before a row is, each at its option', async () => {
  const { at, list, stage, output } = made(),
    large = join(at, 'large.bin'),
    sub = join(at, 'folder'),
    graph = join(at, 'g.yaml')
  writeFileSync(large, '')
  truncateSync(large, (256 << 20) + 1)
  mkdirSync(sub)
  const text = (more: string) => `version: 1
name: wrong
stages:
  - { id: pairs, use: read_jsonl, with: { path: ${join(at, 'in.jsonl')} } }
  - { id: words, use: ${stage}, with: { words: ${list}, more: [${more}] } }
  - { id: dpo, use: write_arrow }
`
  writeFileSync(graph, text('gone.txt'))
  const error = await refused(graph as never, output)
  expect(error.exit).toBe(66)
  expect(error.message).toContain(
    `g.yaml:5:${text('gone.txt').split('\n')[4].indexOf('gone') + 1}  /stages/1/with/more/0  'words' needs a file that is not there (value gone.txt; expected a file's path from ${process.cwd()} on)`,
  )
  writeFileSync(graph, text(`gone.txt, ${sub}, ${large}, 'https://x.org/list.txt', /dev/null`))
  const { message } = await refused(graph as never, output)
  expect(message).toContain('graph: 5 problems')
  for (const [i, why] of [
    'is not there',
    'is a folder',
    'has 268,435,457 bytes, and 268,435,456 are the most',
    'is a URL',
    'is no file',
  ].entries()) {
    expect(message).toContain(`/stages/1/with/more/${i}  'words' needs a file that ${why}`)
  }
  const { message: set } = await refused(graph as never, output, { set: ['words.words=nowhere.txt'] })
  expect(set).toContain("--set words.words=nowhere.txt  'words' needs a file that is not there")
  const checked = await inProcess('check', graph)
  expect(checked.code).toBe(66)
  // with another mistake the graph is wrong
  writeFileSync(graph, text('gone.txt').replace('write_arrow', 'write_arrow, with: { order_by: none }'))
  expect((await refused(graph as never, output)).exit).toBe(78)
})

it('a path that is not declared ends the run, and so does a list of files that is none', async () => {
  const told = "asks for a file that its 'files' does not name; it names"
  for (const where of ['open', 'fit', 'carry'] as const) {
    const { output, graph, list } = made(where, text.replace('(words)', "('other.txt')"))
    const { message } = await refused(graph(), output)
    expect(message).toContain(`context.file('other.txt') ${told} ${list}`)
    expect(message).toContain('words (')
  }
  // in a block, where an error is of a row elsewhere
  const inBatch = made('open', "{ some: f => f(context.file('other.txt')) }")
  expect((await refused(inBatch.graph(), inBatch.output)).message).toContain(`${told} ${inBatch.list}`)
  const { stage, output, graph } = made(),
    own = (files: string, kind = 'defineStage') =>
      writeFileSync(
        stage,
        `import { ${kind}, Type } from 'sluice-data'
export default ${kind}({
  name: 'drop_words', version: 1, summary: '', reads: {}, writes: {}, rows: 'same', examples: [], files: ${files},
  options: Type.Object({ words: Type.String(), more: Type.Array(Type.String()) }),
  ${kind === 'defineSink' ? 'schema() {}, convert() {}, publish() {}' : 'open() {}'},
})`,
      )
  own('({ words }) => [words, 3]')
  expect((await refused(graph(), output)).message).toContain('and not a list of paths')
  own("['list.txt']")
  expect((await refused(graph(), output)).message).toContain("the stage's 'files' is no function")
  own('() => []', 'defineSink')
  expect((await refused(graph(), output)).message).toContain("a sink says 'files'")
})

it('a file that changes while the run runs ends it, and the next run goes by what it is now', async () => {
  const { list, output, graph, dropped } = made()
  let has = false
  const onProgress = ({ phase }: { phase: string }) => {
    if (has || !phase.startsWith('pass')) return
    has = true
    writeFileSync(list, 'stone\n')
  }
  const error = await refused(graph(), output, { onProgress })
  expect(error.message).toContain(`${list} changed while it was read`)
  expect(error.exit).toBe(75)
  expect(droppedIn((await run(graph(), { output, workers: 1 })).folder)).toEqual(dropped('stone'))
})

it('what a stage does to its copy no other sees', async () => {
  const { output, graph, dropped, stage, list } = made(
    'open',
    "Buffer.from((bytes => { const was = bytes.slice(); bytes.fill(120); return was })(context.file(words))).toString().trim().split('\\n')",
  )
  const again = { id: 'again', use: stage, with: { words: list }, from: 'unique' }
  const { manifest } = await run(graph(list, [], again), { output, workers: 1 }),
    { words, again: other } = manifest.stages
  expect([words.dropped, other.dropped]).toEqual(Array(2).fill(dropped('river').length))
})

it("an audit's tally is told its files, is made anew with them, and then has no run before", async () => {
  const { at, list, output, graph } = made(),
    words = join(at, 'audited.txt'),
    audit = join(at, 'audit_words.mjs')
  writeFileSync(words, 'lamp')
  writeFileSync(
    audit,
    `import { defineAudit, round, Type } from 'sluice-data'
export default defineAudit({
  name: 'audit_words', version: 1, summary: '', options: Type.Object({ words: Type.String() }),
  inputs: { kept: { chosen: 'messages' } }, examples: [], files: ({ words }) => [words],
  tally: ({ words }) => round({
    collect(context) {
      const word = Buffer.from(context.file(words)).toString()
      let count = 0
      return {
        batch(batch) {
          const chosen = batch.messages('chosen')
          for (let r = 0; r < batch.rows; r++) if (chosen.text(r).includes(word)) count++
        },
        part: () => count,
      }
    },
    merge: (parts, context) => [...parts].reduce((a, b) => a + b, 0) + 1000 * context.file(words).length,
  }),
  report: (_, { kept }) => ({ lines: [], numbers: { kept } }),
})`,
  )
  const all = graph(list, [], { id: 'seen', use: audit, with: { words }, from: { kept: 'pairs' } as never })
  const count = (word: string) => {
    const rows = pairs(40)
    return [...rows, ...rows.slice(0, 3)].filter(({ chosen }) => chosen.includes(word)).length
  }
  const numbers = ({ manifest }: Awaited<ReturnType<typeof run>>) => manifest.stages.seen.report!.numbers.kept
  expect(numbers(await run(all, { output, workers: 1 }))).toBe(4000 + count('lamp'))
  const before = passesOf(output)
  writeFileSync(words, 'winter')
  const second = await run(all, { output, workers: 1 })
  expect(numbers(second)).toBe(6000 + count('winter'))
  expect(second.manifest.stages.seen.previous).toBeUndefined()
  expect(madeSince(before, output)).toEqual(['0 of 3', '0 of 3'])
})

describe('the files of an example', () => {
  const options = Type.Object({ words: Type.String({ default: 'list.txt' }) }),
    base = { version: 1, summary: '', options, files: ({ words }: { words: string }) => [words], examples: [] }
  const stage = defineStage({
    ...base,
    name: 'has_word',
    reads: { chosen: 'messages' },
    writes: { has: 'bool' },
    rows: 'same',
    open({ words }, context) {
      const word = Buffer.from(context.file(words)).toString()
      return {
        batch(batch) {
          const chosen = batch.messages('chosen')
          return { columns: { has: Uint8Array.from({ length: batch.rows }, (_, r) => +(chosen.text(r) === word)) } }
        },
      }
    },
  })
  const example = { title: 'one', rows: [{ chosen: 'a' }, { chosen: 'b' }] }

  it('are what it says, all of them and no others', async () => {
    const { columns } = await runExample(stage, { ...example, files: { 'list.txt': 'b' } })
    expect(columns).toEqual({ has: [false, true] })
    await expect(runExample(stage, example)).rejects.toThrow("the file 'list.txt' of 'one' is missing")
    await expect(runExample(stage, { ...example, files: { 'list.txt': '', b: '' } })).rejects.toThrow(
      "the file 'b' of 'one' is not one that the stage names",
    )
  })

  it('are there for audits too', async () => {
    const audit = defineAudit({
      ...base,
      name: 'audit_size',
      inputs: { kept: { chosen: 'messages' } },
      tally: ({ words }) =>
        round({
          collect: () => ({ batch() {}, part: () => 0 }),
          merge: (parts, context) => [...parts].length * 0 + context.file(words).length,
        }),
      report: (_, { kept }) => ({ lines: [], numbers: { kept } }),
    })
    const { numbers } = await runAuditExample(audit, {
      title: 'one',
      inputs: { kept: [{ chosen: 'a' }, { chosen: 'b' }] },
      files: { 'list.txt': 'four' },
    })
    expect(numbers).toEqual({ kept: 4 })
  })
})
