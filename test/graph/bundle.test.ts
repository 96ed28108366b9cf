/** What belongs to the code of a stage of one's own, and what it may not read. */
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { describe, expect, it, vi } from 'vitest'
import { bundle } from '../../engine/graph/bundle.ts'

const sluice = new URL('own/package.mjs', import.meta.url).href
const write = (folder: string, files: Readonly<Record<string, string>>): string => {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}
const made = (files: Readonly<Record<string, string>>): string =>
  write(mkdtempSync(join(tmpdir(), 'sluice-bundle-')), files)
const bundled = (folder: string, entry = 'mine.mjs') => bundle(join(folder, entry), join(folder, 'out'), sluice)
const valueOf = async (folder: string, entry?: string): Promise<unknown> => {
  const loaded = (await import(/* @vite-ignore */ pathToFileURL((await bundled(folder, entry)).module).href)) as {
    default: unknown
  }
  return loaded.default
}

describe("a stage of one's own is what it imports", () => {
  const packageOf = (version: string) => JSON.stringify({ name: 'words', version, main: 'index.js' })
  it.each<[string, Record<string, string>, Record<string, string>]>([
    [
      'a helper',
      { 'mine.mjs': "import { x } from './a.mjs'\nexport default x", 'a.mjs': 'export const x = 1' },
      { 'a.mjs': 'export const x = 2' },
    ],
    [
      'the helper of a helper, above the folder',
      {
        'in/mine.mjs': "export { default } from './a.mjs'",
        'in/a.mjs': "export { x as default } from '../b.mjs'",
        'b.mjs': 'export const x = 1',
      },
      { 'b.mjs': 'export const x = 2' },
    ],
    [
      'a dynamic import',
      { 'mine.mjs': "export default (await import('./a.mjs')).x", 'a.mjs': 'export const x = 1' },
      { 'a.mjs': 'export const x = 2' },
    ],
    [
      'JSON',
      { 'mine.mjs': "import x from './a.json' with { type: 'json' }\nexport default x[0]", 'a.json': '[1]' },
      { 'a.json': '[2]' },
    ],
    [
      'TypeScript from JavaScript',
      { 'mine.mjs': "export { x as default } from './a.ts'", 'a.ts': 'export const x: number = 1' },
      { 'a.ts': 'export const x: number = 2' },
    ],
    [
      'CommonJS',
      {
        'mine.mjs': "import a from './a.cjs'\nexport default a.x",
        'a.cjs': "const { sep } = require('node:path')\nexports.x = sep.length",
      },
      { 'a.cjs': 'exports.x = 2' },
    ],
    [
      'a helper by its address',
      { 'mine.mjs': "export { x as default } from 'FILE/a.mjs'", 'a.mjs': 'export const x = 1' },
      { 'a.mjs': 'export const x = 2' },
    ],
    [
      'an alias of package.json',
      {
        'package.json': '{"imports":{"#a":"./a.mjs"}}',
        'mine.mjs': "export { x as default } from '#a'",
        'a.mjs': 'export const x = 1',
      },
      { 'a.mjs': 'export const x = 2' },
    ],
    [
      "a package's version",
      {
        'mine.mjs': "export { default } from 'words'",
        'node_modules/words/package.json': packageOf('1.0.0'),
        'node_modules/words/index.js': 'module.exports = 1',
      },
      { 'node_modules/words/package.json': packageOf('2.0.0') },
    ],
    [
      'a package behind a package',
      {
        'mine.mjs': "export { default } from 'words'",
        'node_modules/words/package.json': packageOf('1.0.0').replace('}', ',"dependencies":{"letters":"*"}}'),
        'node_modules/words/index.js': 'module.exports = 1',
        'node_modules/letters/package.json': packageOf('1.0.0').replace('words', 'letters'),
      },
      { 'node_modules/letters/package.json': packageOf('2.0.0').replace('words', 'letters') },
    ],
    [
      'a package that a package expects beside it',
      {
        'mine.mjs': "export { default } from 'words'",
        'node_modules/words/package.json': packageOf('1.0.0').replace('}', ',"peerDependencies":{"letters":"*"}}'),
        'node_modules/words/index.js': 'module.exports = 1',
        'node_modules/letters/package.json': packageOf('1.0.0').replace('words', 'letters'),
      },
      { 'node_modules/letters/package.json': packageOf('2.0.0').replace('words', 'letters') },
    ],
    [
      'where two aliases of package.json lead',
      {
        'package.json': '{"imports":{"#a":"./a.mjs","#b":"./b.mjs"}}',
        'mine.mjs': "import { x } from '#a'\nimport { x as y } from '#b'\nexport default x + 0 * y",
        'a.mjs': 'export const x = 1',
        'b.mjs': 'export const x = 2',
      },
      { 'package.json': '{"imports":{"#a":"./b.mjs","#b":"./a.mjs"}}' },
    ],
    [
      'where paths of tsconfig.json lead',
      {
        'tsconfig.json': '{"compilerOptions":{"paths":{"@a":["./a.mjs"],"@b":["./b.mjs"]}}}',
        'mine.mjs': "import { x } from '@a'\nimport { x as y } from '@b'\nexport default x + 0 * y",
        'a.mjs': 'export const x = 1',
        'b.mjs': 'export const x = 2',
      },
      { 'tsconfig.json': '{"compilerOptions":{"paths":{"@a":["./b.mjs"],"@b":["./a.mjs"]}}}' },
    ],
    [
      'a linked package',
      {
        'mine.mjs': "import a from 'words'\nexport default a.x",
        'words/package.json': packageOf('1.0.0'),
        'words/index.js': 'exports.x = 1',
      },
      { 'words/index.js': 'exports.x = 2' },
    ],
  ])('%s is in the key', async (what, files, change) => {
    const folder = made({})
    write(
      folder,
      Object.fromEntries(
        Object.entries(files).map(([name, text]) => [name, text.replace('FILE', pathToFileURL(folder).href)]),
      ),
    )
    if (what === 'a linked package') {
      mkdirSync(join(folder, 'node_modules'))
      symlinkSync(join(folder, 'words'), join(folder, 'node_modules', 'words'))
    }
    const entry = 'in/mine.mjs' in files ? 'in/mine.mjs' : 'mine.mjs'
    const before = await bundled(folder, entry)
    expect(before.reads).toEqual([])
    expect(await valueOf(folder, entry)).toBe(1)
    write(folder, change)
    expect((await bundled(folder, entry)).key).not.toBe(before.key)
    if (!('node_modules/words/index.js' in files)) expect(await valueOf(folder, entry)).toBe(2)
    write(folder, files['mine.mjs']?.includes('FILE') ? { 'a.mjs': files['a.mjs'] } : files)
    expect((await bundled(folder, entry)).key).toBe(before.key)
  })

  it('and so are the time zone and the language', async () => {
    const folder = made({ 'mine.mjs': "export default new Date('2024-03-10 02:30').toLocaleString()" })
    const before = (await bundled(folder)).key,
      zone = process.env.TZ
    try {
      for (const other of ['America/New_York', 'Asia/Tokyo']) {
        process.env.TZ = other
        expect((await bundled(folder)).key, other).not.toBe(before)
      }
    } finally {
      if (zone === undefined) delete process.env.TZ
      else process.env.TZ = zone
    }
    expect((await bundled(folder)).key).toBe(before)
    const swedish = vi
      .spyOn(Intl.Collator.prototype, 'resolvedOptions')
      .mockReturnValue(new Intl.Collator('sv').resolvedOptions())
    expect((await bundled(folder)).key).not.toBe(before)
    swedish.mockRestore()
    expect((await bundled(folder)).key).toBe(before)
  })

  it('and not where it lies, unless it asks for that', async () => {
    const keysOf = async (x: string, name = 'a.mjs') => {
      const files = {
        'mine.mjs': `import { x } from './lib/${name}'\nimport words from 'words'\nexport default [x, words]`,
        [`lib/${name}`]: x,
        'node_modules/words/package.json': packageOf('1.0.0'),
        'node_modules/words/index.js': 'module.exports = 1',
      }
      const [one, other] = [made(files), made(files)]
      return [(await bundled(one)).key, (await bundled(other)).key]
    }
    const [here, there] = await keysOf('// import.meta.url\nexport const x = "__filename"')
    expect(here).toBe(there)
    for (const meta of ['import.meta.url', 'import.meta.dirname', 'import.meta.filename']) {
      const [here, there] = await keysOf(`export const x = ${meta}`)
      expect(here, meta).not.toBe(there)
    }
    for (const name of ['__dirname', '__filename']) {
      const [here, there] = await keysOf(`exports.x = ${name}`, 'a.cjs')
      expect(here, name).not.toBe(there)
    }
  })

  it('each file keeps its own address', async () => {
    const meta = '[import.meta.url, import.meta.dirname, import.meta.filename]'
    const folder = made({
      'mine.mjs': `import a from './lib/a.mjs'\nimport b from './lib/b.cjs'\nexport default [${meta}, a, b]`,
      'lib/a.mjs': `export default ${meta}`,
      'lib/b.cjs': 'module.exports = [__dirname, __filename]',
    })
    const of = (file: string) => [
      pathToFileURL(join(folder, file)).href,
      dirname(join(folder, file)),
      join(folder, file),
    ]
    expect(await valueOf(folder)).toEqual([of('mine.mjs'), of('lib/a.mjs'), of('lib/b.cjs').slice(1)])
    await expect(bundled(made({ 'mine.mjs': "export default import.meta.resolve('./a')" }))).rejects.toThrow(
      'of import.meta a stage has url, dirname and filename',
    )
    const twice = made({ 'mine.mjs': "const __dirname = new URL('.', import.meta.url).href\nexport default __dirname" })
    expect(await valueOf(twice)).toBe(pathToFileURL(`${twice}/`).href)
  })

  it('what is imported where it may be absent', async () => {
    const folder = made({ 'mine.mjs': "export default await import('words').then(({ default: x }) => x, () => 0)" })
    const before = await bundled(folder)
    expect(await valueOf(folder)).toBe(0)
    write(folder, {
      'node_modules/words/package.json': packageOf('1.0.0'),
      'node_modules/words/index.js': 'module.exports = 1',
    })
    expect((await bundled(folder)).key).not.toBe(before.key)
  })
})

describe('what a stage may read that is in no key', () => {
  it.each<[string, string, string]>([
    ['files', "import { readFileSync } from 'node:fs'\nexport default readFileSync", 'imports node:fs'],
    ['files, by promises', "import * as fs from 'fs/promises'\nexport default fs", 'imports fs/promises'],
    ['the network', "import { get } from 'node:https'\nexport default get", 'imports node:https'],
    [
      'a process',
      "const { execSync } = await import('node:child_process')\nexport default execSync",
      'imports node:child_process',
    ],
    ['a thread', "import { Worker } from 'node:worker_threads'\nexport default Worker", 'imports node:worker_threads'],
    [
      'require',
      "import { createRequire } from 'node:module'\nexport default createRequire(import.meta.url)",
      'imports node:module',
    ],
    ['fetch', "export default () => fetch('http://127.0.0.1')", 'calls fetch'],
    ['the global fetch', 'export default () => globalThis.fetch', 'calls fetch'],
    ['a socket', "export default () => new WebSocket('ws://127.0.0.1')", 'calls WebSocket'],
    [
      'a name of run time',
      'const name = process.argv[9]\nexport default () => import(name)',
      'imports what its text does not name',
    ],
    [
      'a name in a template',
      'export default () => import(`${process.argv[9]}a.mjs`)',
      'imports what its text does not name',
    ],
    [
      'a name behind a text',
      "export default kind => import('file:///rules/' + kind + '.mjs')",
      'imports what its text does not name',
    ],
    ['require by another name', "const load = require\nexport default () => load('/rules/x.cjs')", 'hands require on'],
    ['a built-in module by name', "export default () => process.getBuiltinModule('fs')", 'calls getBuiltinModule'],
    ['process by an import', "import { cwd } from 'node:process'\nexport default cwd", 'imports node:process'],
    ['the environment', 'export default process.env.LIMIT', 'reads process.env'],
    ['a global by name', "export default globalThis['fet' + 'ch']", 'uses globalThis'],
    ['a part of the globals', 'const { fetch: f } = globalThis\nexport default f', 'uses globalThis'],
    ['the globals by another name', 'const G = globalThis\nexport default G.fetch', 'uses globalThis'],
    ['Reflect', "export default Reflect.get(globalThis, 'fetch')", 'uses globalThis'],
    ['self', 'export default () => self.fetch', 'uses self'],
    ['a part of process', 'const { env } = process\nexport default env', 'uses process'],
    ['eval', "export default () => eval('fet' + 'ch')", 'uses eval'],
    ['Function', "export default new Function('return fet' + 'ch')", 'uses Function'],
    ['a data base', "import 'classic-level'\nexport default 1", 'imports classic-level'],
    ['all of this package', "import * as S from 'sluice-data'\nexport default S", 'imports all of sluice-data'],
    ['this package, late', "export default () => import('sluice-data')", 'imports all of sluice-data'],
    ['this package, passed on', "export * from 'sluice-data'\nexport default 1", 'imports all of sluice-data'],
    [
      'a part of it, passed on',
      "export { Type, run as other } from 'sluice-data'\nexport default 1",
      'imports run of sluice-data',
    ],
    ['a package', "import 'undici'\nexport default 1", 'imports undici'],
    [
      'this package',
      "import { readParquet } from 'sluice-data'\nexport default readParquet",
      'imports readParquet of sluice-data',
    ],
  ])('%s', async (_, text, said) => {
    const packages = {
      'node_modules/classic-level/package.json': '{"name":"classic-level","version":"1.0.0","main":"index.js"}',
      'node_modules/classic-level/index.js': '',
      'node_modules/undici/package.json': '{"name":"undici","version":"1.0.0","main":"index.js"}',
      'node_modules/undici/index.js': '',
    }
    expect((await bundled(made({ 'mine.mjs': text, ...packages }))).reads).toEqual([`mine.mjs ${said}`])
    expect(
      (await bundled(made({ 'mine.mjs': "export { default } from './lib/a.mjs'", 'lib/a.mjs': text, ...packages })))
        .reads,
    ).toEqual([`lib/a.mjs ${said}`])
  })

  it('a helper in JSX', async () => {
    for (const name of ['a.tsx', 'a.jsx']) {
      const own = {
        'mine.mjs': `export { default } from './${name}'`,
        [name]: 'export default () => fetch(import.meta.url)',
      }
      expect((await bundled(made(own))).reads).toEqual([`${name} calls fetch`])
    }
  })

  it("types, other words and names of one's own are none", async () => {
    const folder = made({
      'mine.ts':
        "import type { Stats } from 'node:fs'\nimport { sep } from 'node:path'\nimport x from './a.mjs'\nimport y from './b.mjs'\nexport type S = Stats\nexport default [sep, x, y]",
      'a.mjs':
        '// fetch(this) and import(that)\nconst fetch = n => n\nexport default [fetch(1), { fetch: 2 }.fetch, "fetch"]',
      'b.mjs': `import { Type, defineStage } from 'sluice-data'
const self = { global: 1, process: 2, eval: 3 }
if (process.argv.length > 9) process.exitCode = 1
// globalThis
export default [self.global, self.process, 'eval of process', typeof process, x => x instanceof Function, Type, defineStage]`,
    })
    expect((await bundled(folder, 'mine.ts')).reads).toEqual([])
  })

  it('the bundled stages and the examples read nothing', async () => {
    for (const file of [
      '../../pipelines/stages/drop_shouting.mjs',
      '../engine/swaps.mjs',
      '../engine/two_rounds.mjs',
    ]) {
      const folder = made({})
      expect((await bundle(fileURLToPath(new URL(file, import.meta.url)), folder, sluice)).reads, file).toEqual([])
    }
  })
})
