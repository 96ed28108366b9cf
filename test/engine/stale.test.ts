/** No result is used again once the code or a file behind it has changed. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { run } from '../../index.mjs'
import { copyGraph, sluice, startSluice, writeGraph } from '../failures/helpers.ts'
import { fingerprint, folder, pairs, rowsOf, writeJsonl } from './helpers.ts'

/** A stage that drops pairs whose chosen side begins with a phrase of `from`. */
const stage = (from: string) => `import { defineStage, Type } from 'sluice-data'
${from}
export default defineStage({
  name: 'drop_phrases', version: 1, summary: 'Drop pairs whose chosen side begins with a phrase.',
  options: Type.Object({}), reads: { chosen: 'messages' }, writes: {}, rows: 'subset',
  reasons: { phrase: { kind: 'configured', about: 'begins with a phrase' } }, examples: [],
  open: () => ({ batch(batch, verdict) { const c = batch.messages('chosen'); for (let r = 0; r < batch.rows; r++) if (phrases.some(p => c.text(r).startsWith(p))) verdict.drop(r, 'phrase') } }),
})
`
function made(from: string): { at: string; graph: string; output: string } {
  const at = folder(),
    path = writeJsonl(join(at, 'in.jsonl'), pairs(60))
  writeFileSync(join(at, 'mine.mjs'), stage(from))
  // two levels: the stage stands in the second
  const graph = writeGraph(join(at, 'g.json'), [
    { id: 'pairs', use: 'read_jsonl', with: { path } },
    { id: 'unique', use: 'drop_duplicates' },
    { id: 'mine', use: './mine.mjs' },
    { id: 'dpo', use: 'write_arrow' },
  ])
  return { at, graph, output: join(at, 'out') }
}

describe('no stale result', () => {
  it('when a helper of a stage changed, in one process and by the command line', async () => {
    const { at, graph, output } = made("import { phrases } from './phrases.mjs'")
    const phrases = (...list: string[]) =>
      writeFileSync(join(at, 'phrases.mjs'), `export const phrases = ${JSON.stringify(list)}\n`)
    phrases('answer 1')
    const first = await run(graph, { output, workers: 1 })
    expect(first.manifest.stages.mine.dropped).toBe(11)
    expect((await run(graph, { output, workers: 1 })).status).toBe('nothing_new')
    phrases('answer 1', 'answer 2')
    const second = await run(graph, { output, workers: 1 })
    expect([second.status, second.manifest.stages.mine.dropped]).toEqual(['published', 22])
    phrases('answer 3')
    const { code, stdout, stderr } = await sluice('run', graph, '--output', output, '--json')
    expect([code, stderr]).toEqual([0, ''])
    expect(JSON.parse(stdout)).toMatchObject({ stages: { mine: { dropped: 11 } } })
    phrases('answer 1')
    const back = await run(graph, { output, workers: 1 })
    expect(fingerprint(back.folder)).toEqual(fingerprint(first.folder))
  })

  it("when the code of a source of one's own changed", async () => {
    const at = folder(),
      path = writeJsonl(join(at, 'in.jsonl'), pairs(60)),
      output = join(at, 'out')
    const own = (rows: string) =>
      writeFileSync(
        join(at, 'mine.mjs'),
        `import { Type } from 'sluice-data'
import base from ${JSON.stringify(new URL('../../stages/sources/read_jsonl.ts', import.meta.url).href)}
export default { ...base, name: 'mine', async *read(...all) { for await (const batch of base.read(...all)) yield ${rows} } }
`,
      )
    const graph = writeGraph(join(at, 'g.json'), [
      { id: 'pairs', use: './mine.mjs', with: { path } },
      { id: 'dpo', use: 'write_arrow' },
    ])
    own('batch')
    expect((await run(graph, { output, workers: 1 })).manifest.stages.pairs.reasons).toEqual({})
    own('(0, batch)')
    const before = readdirSync(join(output, '.sluice', 'spools'))
    expect((await run(graph, { output, workers: 1 })).status).toBe('published')
    expect(readdirSync(join(output, '.sluice', 'spools'))).not.toEqual(before)
  })

  it('when a file that a stage reads by itself changed; the same bytes when it did not', async () => {
    const { at, graph, output } = made(
      "import { readFileSync } from 'node:fs'\nconst phrases = readFileSync(new URL('phrases.txt', import.meta.url), 'utf8').trim().split('\\n')",
    )
    writeFileSync(join(at, 'phrases.txt'), 'answer 1\n')
    const said: string[] = [],
      options = {
        output,
        workers: 1,
        onWarning: (text: string) => {
          said.push(text)
        },
      }
    const first = await run(graph, options)
    expect(first.manifest.stages.mine.dropped).toBe(11)
    expect(said).toEqual([
      "mine (./mine.mjs): mine.mjs imports node:fs: what is read so can change unseen, so each run makes this stage and all after it anew; a file is seen that it declares in 'files' and reads by context.file",
    ])
    const level0 = () => readdirSync(join(output, '.sluice', 'spools')).sort()
    const before = level0()
    const same = await run(graph, options)
    expect(same.status).toBe('published')
    expect(fingerprint(same.folder)).toEqual(fingerprint(first.folder))
    // what comes before the stage is used again
    expect(level0().filter(name => before.includes(name)).length).toBeGreaterThan(0)
    writeFileSync(join(at, 'phrases.txt'), 'answer 1\nanswer 2\n')
    expect((await run(graph, options)).manifest.stages.mine.dropped).toBe(22)
    for (const command of ['check', 'run']) {
      const { code, stdout, stderr } = await sluice(command, graph, '--output', output)
      expect(code).toBe(0)
      expect(stderr).toContain('mine (./mine.mjs): mine.mjs imports node:fs')
      expect(stdout).not.toContain('nothing new')
    }
    expect(existsSync(join(output, 'latest'))).toBe(true)
  })

  it('of files that --limit leaves unread, nor of the limit itself: the manifest and the report tell of all', async () => {
    const at = folder(),
      graph = copyGraph(join(at, 'g.json'), join(at, 'in'), 'read_jsonl')
    mkdirSync(join(at, 'in'))
    writeJsonl(join(at, 'in', 'a.jsonl'), pairs(50))
    writeJsonl(join(at, 'in', 'b.jsonl'), pairs(50, 50))
    const output = join(at, 'out'),
      go = (limit?: number, to = output) => run(graph, { output: to, workers: 1, limit })
    await go(50)
    expect((await go(50)).status).toBe('nothing_new')
    for (const more of [550, 600]) {
      // as many rows, then other ones
      writeJsonl(join(at, 'in', 'b.jsonl'), pairs(550, more))
      const again = await go(50)
      expect(again.status).toBe('published')
      expect(fingerprint(again.folder)).toEqual(fingerprint((await go(50, join(folder(), 'fresh'))).folder))
    }
    for (const limit of [5000, 6000, undefined]) {
      const again = await go(limit)
      expect([again.status, again.manifest.limit]).toEqual(['published', limit])
      expect((await go(limit)).status).toBe('nothing_new')
    }
  })

  it('when a stage remembers rows at the top of its file, or asks the machine, which is said', async () => {
    for (const [from, line] of [
      [
        'const seen = new Set(), phrases = [{ toString: () => String(seen.add(1).size) }]',
        /^mine \(\.\/mine\.mjs\): mine\.mjs:2 keeps seen at its top, which line 2 changes: .*keep it within open\(\)$/m,
      ],
      [
        "import { homedir } from 'node:os'\nconst phrases = [homedir()]",
        /mine\.mjs imports node:os: .* makes this stage/,
      ],
    ] as const) {
      const { graph, output } = made(from)
      for (const command of ['run', 'check', 'run']) {
        const { code, stdout, stderr } = await sluice(command, graph, '--output', output)
        expect(code).toBe(0)
        expect(stderr).toMatch(line)
        expect(stdout).not.toContain('nothing new')
      }
    }
  })

  it.each([
    ['a counter', 'let n = 0\nconst next = () => ++n'],
    ['an object that a function keeps', 'const next = (it => () => ++it.n)({ n: 0 })'],
    [
      'what is found by a way round',
      "const all = new Map([['n', { n: 0 }]]), next = () => { for (const one of all.values()) return ++one.n }",
    ],
  ])('of what a worker had before, where a stage remembers rows: %s', async (_, code) => {
    const { graph, output, at } = made(
      `${code}\nconst phrases = [{ toString: () => (next() % 3 ? 'answer' : 'none') }]`,
    )
    writeFileSync(graph, readFileSync(graph, 'utf8').replace(/"partition_rows": ?\d+/, '"partition_rows": 10'))
    const prints = []
    for (const workers of [1, 2, 3]) {
      const { folder } = await run(graph, { output: `${output}-${workers}`, workers, onWarning: () => undefined })
      prints.push(fingerprint(folder))
    }
    expect(readdirSync(join(`${output}-1`, '.sluice', 'spools')).length).toBeGreaterThan(6)
    expect(prints[1]).toEqual(prints[0])
    expect(prints[2]).toEqual(prints[0])
    expect(existsSync(at)).toBe(true)
  })

  it.each([
    ['a helper', 'const seen = new Set(), again = t => put(seen, t)'],
    ['a class', 'const again = new (class { #all = new Set(); put = t => put(this.#all, t) })().put'],
    ['a function that was called', 'const again = (all => t => put(all, t))(new Set())'],
    [
      'a generator',
      'const all = (function* () { const all = new Set(); while (true) yield all })(), again = t => put(all.next().value, t)',
    ],
    ['a default', 'const seen = new Set(), again = (t, all = seen) => put(all, t)'],
    ['a file that is loaded late', "const again = (await import('./late.mjs')).default"],
  ])(
    'of an attempt that failed, where a stage remembers rows unseen, so that no other row is lost: %s',
    async (_, top) => {
      const put = 'function put(all, t) { return all.has(t) || !all.add(t) }',
        { at, graph, output } = made(`${put}\n${top}`)
      writeFileSync(join(at, 'late.mjs'), `${put}\nconst seen = new Set()\nexport default t => put(seen, t)`)
      const own = readFileSync(join(at, 'mine.mjs'), 'utf8').replace(
        'if (phrases.some(p => c.text(r).startsWith(p)))',
        "if (c.text(r).startsWith('answer 41')) throw new Error('41'); else if (again(c.text(r)))",
      )
      writeFileSync(join(at, 'mine.mjs'), own)
      const { manifest } = await run(graph, { output, workers: 1, onWarning: () => undefined })
      expect(manifest.stages.mine).toMatchObject({ in: 60, out: 59, dropped: 0, errored: 1 })
    },
  )

  it('of files that a stage reads by readChunks: any but its input is refused, with what to do', async () => {
    const { at, graph, output } = made(
      `import { readChunks } from 'sluice-data'
const phrases = []
for await (const chunk of readChunks(new URL('phrases.txt', import.meta.url).pathname)) phrases.push(String(chunk))`,
    )
    writeFileSync(join(at, 'phrases.txt'), 'answer 1')
    const { code, stderr } = await sluice('run', graph, '--output', output)
    expect([code, stderr]).toEqual([78, expect.stringContaining('asks for a file that is not read here')])
    expect(stderr).toContain("names a file in 'files' and reads it by context.file")
    const later = stage('import { readChunks } from "sluice-data"\nconst phrases = []').replace(
      'batch(batch, verdict) {',
      "async batch(batch, verdict) { for await (const chunk of readChunks(new URL('phrases.txt', import.meta.url).pathname)) phrases.push(String(chunk));",
    )
    writeFileSync(join(at, 'mine.mjs'), later)
    const second = await sluice('run', graph, '--output', output)
    expect([second.code, second.stderr]).toEqual([1, expect.stringContaining('asks for a file that is not read here')])
    expect(existsSync(join(output, 'latest'))).toBe(false)
  })

  it('of a package that is replaced while a run is on, and loaded late: by import(), or by what it requires', async () => {
    for (const use of ["(await import('wordy')).default()", "(await import('./node_modules/wordy/list.js')).default"]) {
      const { at, graph, output } = made("import wordy from 'wordy'\nlet phrases = wordy && []")
      const inPackage = join(at, 'node_modules', 'wordy')
      mkdirSync(inPackage, { recursive: true })
      writeFileSync(join(inPackage, 'package.json'), '{"name":"wordy","version":"1.0.0","main":"index.js"}')
      writeFileSync(join(inPackage, 'index.js'), "module.exports = () => require('./list.js')")
      const list = (text: string) => writeFileSync(join(inPackage, 'list.js'), `module.exports = ['${text}']`)
      list('answer')
      const late = `async batch(batch, verdict) { await new Promise(done => setTimeout(done, 200)); if (!batch.messages('chosen').text(0).endsWith(' 0')) phrases = ${use};`
      writeFileSync(
        join(at, 'mine.mjs'),
        readFileSync(join(at, 'mine.mjs'), 'utf8').replace('batch(batch, verdict) {', late),
      )
      writeFileSync(graph, readFileSync(graph, 'utf8').replace(/"partition_rows": ?\d+/, '"partition_rows": 20'))
      const go = (to: string, onProgress?: (at: { phase: string; done: number }) => void) =>
        run(graph, { output: to, workers: 1, onProgress, onWarning: () => undefined })
      let isChanged = false
      const replaced = go(output, ({ phase, done }) => {
        if (isChanged || phase !== 'pass 2 of 2' || done === 0) return
        isChanged = true
        list('none')
      })
      await expect(replaced).rejects.toThrow(expect.objectContaining({ exit: 75 }) as Error)
      await expect(replaced).rejects.toThrow('a package that mine (./mine.mjs) imports was replaced')
      // put back: nothing of what was made meanwhile is used
      list('answer')
      const [again, fresh] = [await go(output), await go(join(folder(), 'fresh'))]
      expect(fingerprint(again.folder)).toEqual(fingerprint(fresh.folder))
    }
  })

  it('when the size of partitions is another, which the manifest tells', async () => {
    const { graph, output } = made('const phrases = []')
    const first = await run(graph, { output })
    writeFileSync(graph, readFileSync(graph, 'utf8').replace(/"partition_rows": ?\d+/, '"partition_rows": 2000'))
    const second = await run(graph, { output })
    expect([second.status, second.manifest.graph.partition_rows]).toEqual(['published', 2000])
    expect(first.manifest.graph.partition_rows).not.toBe(2000)
  })

  it('of what another partition changed: options are frozen, and each gets a state of its own', async () => {
    const { graph, output } = made('const phrases = []')
    writeFileSync(
      join(dirname(graph), 'mine.mjs'),
      `import { defineStage, round, Type } from 'sluice-data'
export default defineStage({ name: 'mine', version: 1, summary: 'x', options: Type.Object({ list: Type.Array(Type.Number(), { default: [] }) }),
  reads: {}, writes: { n: 'float64', isFrozen: 'bool' }, rows: 'same', examples: [],
  fit: () => round({ collect: () => ({ batch() {}, part: () => 0 }), merge: () => ({ n: 0 }) }),
  open: ({ list }, { state }) => ({ batch(batch) {
    state.n += batch.rows
    let isFrozen = false
    try { list.push(1) } catch { isFrozen = true }
    return { columns: { n: new Float64Array(batch.rows).fill(state.n), isFrozen: new Uint8Array(batch.rows).fill(isFrozen ? 1 : 0) } }
  } }) })\n`,
    )
    writeFileSync(graph, readFileSync(graph, 'utf8').replace(/"partition_rows": ?\d+/, '"partition_rows": 10'))
    const { folder: out } = await run(graph, { output, workers: 1 })
    const rows = rowsOf(join(out, 'dpo'))
    expect(rows.length).toBeGreaterThan(10)
    for (const { mine_n, mine_isFrozen } of rows) {
      expect([Number(mine_n) <= 10, mine_isFrozen]).toEqual([true, true])
    }
  })

  it('when the time zone or the language is another', async () => {
    const { graph, output } = made('const phrases = [String(new Date(2024, 1).getTime())]')
    const status = async (env: Record<string, string>) => {
      const { code, stdout } = await startSluice(['run', graph, '--output', output], env).ended
      return [code, stdout.includes('nothing new')]
    }
    const utc = { TZ: 'UTC', LC_ALL: 'C' }
    expect(await status(utc)).toEqual([0, false])
    expect(await status(utc)).toEqual([0, true])
    expect(await status({ ...utc, TZ: 'Asia/Tokyo' })).toEqual([0, false])
    expect(await status({ ...utc, LC_ALL: 'sv_SE.UTF-8' })).toEqual([0, false])
  })

  it('when what decides where packages lead is another: conditions, NODE_PATH, the home folder, NODE_ENV', async () => {
    const { at, graph, output } = made("import phrases from 'wordy'")
    const files = {
      'node_modules/wordy/package.json': '{"name":"wordy","version":"1.0.0","main":"index.js"}',
      'node_modules/wordy/index.js':
        "let far = []\ntry { far = require('far') } catch {}\nmodule.exports = [...far, ...require('inner')]",
      'node_modules/inner/package.json': '{"name":"inner","exports":{"mine":"./mine.js","default":"./index.js"}}',
      'node_modules/inner/index.js': "module.exports = ['answer 1']",
      'node_modules/inner/mine.js': "module.exports = ['answer 2', 'answer 3']",
      'path/far/index.js': "module.exports = ['answer 4']",
      'home/.node_modules/far.js': "module.exports = ['answer 5']",
    }
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(at, name)), { recursive: true })
      writeFileSync(join(at, name), text)
    }
    const dropped = async (env: Record<string, string>) => {
      const { code, stdout } = await startSluice(['run', graph, '--output', output, '--json'], env).ended
      const { status, stages } = JSON.parse(stdout) as {
        status: string
        stages: Record<string, { dropped: number }>
      }
      return [code, status, stages.mine.dropped]
    }
    const plain = { NODE_ENV: 'test' }
    expect(await dropped(plain)).toEqual([0, 'published', 11])
    expect(await dropped({ ...plain, NODE_OPTIONS: '--max-old-space-size=2000' })).toEqual([0, 'nothing_new', 11])
    expect(await dropped({ ...plain, NODE_OPTIONS: '--conditions=mine' })).toEqual([0, 'published', 22])
    expect(await dropped({ ...plain, NODE_OPTIONS: '-C "mine"' })).toEqual([0, 'published', 22])
    expect(await dropped({ ...plain, NODE_PATH: join(at, 'path') })).toEqual([0, 'published', 22])
    writeFileSync(join(at, 'path', 'far', 'index.js'), 'module.exports = []')
    expect(await dropped({ ...plain, NODE_PATH: join(at, 'path') })).toEqual([0, 'published', 11])
    expect(await dropped({ ...plain, HOME: join(at, 'home') })).toEqual([0, 'published', 22])
    expect(await dropped({ NODE_ENV: 'production' })).toEqual([0, 'published', 11])
  })

  it("when the path of a source of one's own changed, which may take more of it than what is in the file", async () => {
    const at = folder(),
      output = join(at, 'out')
    for (const path of ['easy', 'hard']) writeFileSync(join(at, `${path}.template`), 'sums')
    const graph = writeGraph(join(at, 'g.json'), [
      {
        id: 'pairs',
        use: fileURLToPath(new URL('template.mjs', import.meta.url)),
        with: { path: join(at, 'easy.template') },
      },
      { id: 'dpo', use: 'write_arrow' },
    ])
    for (const path of ['easy', 'hard']) {
      const { folder: out } = await run(graph, { output, workers: 1, set: [`pairs.path=${join(at, path)}.template`] })
      expect(JSON.stringify(rowsOf(join(out, 'dpo'))[0])).toContain(`${path} prompt 0`)
    }
  })

  it('when a hive folder got another name, and the run starts within it', async () => {
    const at = folder(),
      graph = copyGraph(join(at, 'g.json'), 'in.jsonl', 'read_jsonl')
    for (const lang of ['en', 'de']) {
      const inside = join(at, `lang=${lang}`)
      if (lang === 'en') mkdirSync(inside)
      else renameSync(join(at, 'lang=en'), inside)
      if (lang === 'en') writeJsonl(join(inside, 'in.jsonl'), pairs(3))
      const { code, stderr } = await startSluice(['run', graph, '--output', join(at, 'out'), '--quiet'], {}, inside)
        .ended
      expect([code, stderr]).toEqual([0, ''])
      expect(rowsOf(join(at, 'out', 'latest', 'dpo')).map(row => row.lang)).toEqual([lang, lang, lang])
    }
  })
})

it("a stage of one's own runs in a folder of any name but one with \\, which Node imports nothing from", async () => {
  for (const name of ['a*b', 'a?b#c', "it's {a,b} [c]", 'a%20b\n"c"']) {
    const { at } = made(
        "import words from 'wordy'\nimport { more } from './more.mjs'\nconst phrases = [...words, ...more]",
      ),
      inside = join(at, name)
    mkdirSync(join(inside, 'node_modules', 'wordy'), { recursive: true })
    writeFileSync(join(inside, 'node_modules', 'wordy', 'index.js'), "module.exports = ['answer 1']")
    writeFileSync(join(inside, 'more.mjs'), "export const more = ['answer 2']")
    for (const file of ['mine.mjs', 'g.json']) renameSync(join(at, file), join(inside, file))
    const { code, stdout, stderr } = await sluice('run', join(inside, 'g.json'), '--output', join(inside, 'out'))
    expect([code, stdout, stderr]).toEqual([0, expect.stringMatching(/left out +22 /), expect.any(String)])
    if (name !== 'a*b') continue
    renameSync(inside, join(at, 'a\\b'))
    const other = await sluice('run', join(at, 'a\\b', 'g.json'), '--output', join(at, 'out'))
    expect([other.code, other.stderr]).toEqual([78, expect.stringContaining("no module from a path with '\\' in it")])
  }
})
