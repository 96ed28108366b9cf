/** What belongs to the code of a stage of one's own, and what it may not read. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { builtinModules, SourceMap, type SourceMapPayload } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Table } from 'apache-arrow'
import { describe, expect, it, vi } from 'vitest'
import { bundle } from '../../engine/graph/bundle.ts'
import { makerOf } from '../../engine/graph/user_stage.ts'

const sluice = new URL('own/package.mjs', import.meta.url).href
const write = (folder: string, files: Readonly<Record<string, string>>): string => {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    if (!text.startsWith('-> ')) writeFileSync(join(folder, name), text)
    else if (!existsSync(join(folder, name))) symlinkSync(text.slice(3), join(folder, name))
  }
  return folder
}
const made = (files: Readonly<Record<string, string>>): string =>
  write(mkdtempSync(join(tmpdir(), 'sluice-bundle-')), files)
const bundled = (folder: string, entry = 'mine.mjs') => bundle(join(folder, entry), join(folder, 'out'), sluice)
const valueOf = async (folder: string, entry?: string): Promise<unknown> => {
  const make: () => Promise<unknown> = await makerOf((await bundled(folder, entry)).module)
  return make()
}

it("'apache-arrow' is the copy that Sluice has, in a folder that has none and in one that has another", async () => {
  const other = {
    'node_modules/apache-arrow/package.json': '{"name":"apache-arrow","version":"1.0.0","main":"index.js"}',
    'node_modules/apache-arrow/index.js': 'module.exports = {}',
  }
  for (const files of [{}, other]) {
    const folder = made({ 'mine.mjs': "export { Table as default } from 'apache-arrow'", ...files })
    expect(await valueOf(folder)).toBe(Table)
  }
})

describe("a stage of one's own is made anew", () => {
  it.each([
    ['a counter', 'let n = 0\nexport default () => ++n', {}],
    [
      'of a helper',
      "export { next as default } from './a.mjs'",
      { 'a.mjs': 'let n = 0\nexport const next = () => ++n' },
    ],
    ['CommonJS', "import a from './a.cjs'\nexport default a", { 'a.cjs': 'let n = 0\nmodule.exports = () => ++n' }],
    ['as a whole', 'let n = 0\nmodule.exports = () => ++n // export default 1\n', {}],
    [
      'loaded late',
      "export default (await import('./a.mjs')).default",
      { 'a.mjs': 'let n = 0\nexport default () => ++n' },
    ],
    [
      'a class',
      "import { sep } from 'node:path'\nexport default class { static n = sep.length - 1\n static call() { return ++this.n } }",
      {},
    ],
    [
      'a text that looks like code',
      'const text = `\nimport x from "y"\nexport { x as default }\n`\nlet n = text.length * 0\nexport { f as default, text }\nfunction f() { return ++n }',
      {},
    ],
  ])('with all that it keeps at the top of its files: %s', async (name, text, files) => {
    const entry = name === 'as a whole' ? 'mine.js' : 'mine.mjs',
      { module } = await bundled(made({ [entry]: text, ...files }), entry),
      make: () => Promise<unknown> = await makerOf(module)
    const next = (of: unknown) =>
      typeof of === 'function' && 'call' in of && 'n' in of
        ? (of as unknown as { call(): number }).call()
        : (of as () => number)()
    const [one, other] = [await make(), await make()]
    expect([next(one), next(one), next(other)]).toEqual([1, 2, 1])
  })

  it('with lines that an error finds again', async () => {
    const text = "import {\n  sep\n} from 'node:path'\n\nexport default () => {\n  throw new Error(sep)\n}\n"
    const { module } = await bundled(made({ 'mine.mjs': text }))
    const code = readFileSync(module, 'utf8'),
      line = code.split('\n').findIndex(line => line.includes('throw new Error'))
    const [, encoded] = /sourceMappingURL=data:application\/json;base64,(\S+)\s*$/.exec(code)!
    const map = new SourceMap({ ...(JSON.parse(Buffer.from(encoded, 'base64').toString()) as SourceMapPayload) })
    expect(map.findEntry(line, 4)).toMatchObject({ originalLine: 5 })
  })
})

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
      'JSON of a package',
      {
        'mine.mjs': "import x from 'words/a.json' with { type: 'json' }\nexport default x[0]",
        'node_modules/words/package.json': packageOf('1.0.0'),
        'node_modules/words/a.json': '[1]',
      },
      { 'node_modules/words/a.json': '[2]' },
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
      'a file of a package that keeps its version',
      {
        'mine.mjs': "export { default } from 'words'",
        'node_modules/words/package.json': packageOf('1.0.0'),
        'node_modules/words/index.js': "module.exports = require('./lib/a.js')",
        'node_modules/words/lib/a.js': 'module.exports = 1',
      },
      { 'node_modules/words/lib/a.js': 'module.exports = 2' },
    ],
    [
      'a file of a package without a version',
      {
        'mine.mjs': "export { default } from 'words'",
        'node_modules/words/package.json': '{"name":"words","main":"index.js"}',
        'node_modules/words/index.js': "module.exports = require('./a.js')",
        'node_modules/words/a.js': 'module.exports = 1',
      },
      { 'node_modules/words/a.js': 'module.exports = 2' },
    ],
    [
      'what a package within a package imports of it',
      {
        'mine.mjs': "export { default } from 'words'",
        'node_modules/words/package.json': '{"name":"words","version":"1.0.0","exports":"./esm/index.js"}',
        'node_modules/words/esm/package.json': '{"name":"esm","version":"0.0.0","type":"module"}',
        'node_modules/words/esm/index.js': "export { default } from '../a.mjs'",
        'node_modules/words/a.mjs': 'export default 1',
      },
      { 'node_modules/words/a.mjs': 'export default 2' },
    ],
    [
      'a package that another does not declare',
      {
        'mine.mjs': "export { default } from 'words'",
        'node_modules/words/package.json': packageOf('1.0.0'),
        'node_modules/words/index.js': "module.exports = require('letters')",
        'node_modules/letters/package.json': packageOf('1.0.0').replace('words', 'letters'),
        'node_modules/letters/index.js': 'module.exports = 1',
      },
      { 'node_modules/letters/index.js': 'module.exports = 2' },
    ],
    [
      'a package behind a link, and what lies beside it',
      {
        'mine.mjs': "export { default } from 'words'",
        'node_modules/.pnpm/words@1/node_modules/words/package.json': packageOf('1.0.0'),
        'node_modules/.pnpm/words@1/node_modules/words/index.js': "module.exports = require('letters')",
        'node_modules/.pnpm/words@1/node_modules/letters/package.json': packageOf('1.0.0'),
        'node_modules/.pnpm/words@1/node_modules/letters/index.js': 'module.exports = 1',
        'node_modules/words': '-> .pnpm/words@1/node_modules/words',
      },
      { 'node_modules/.pnpm/words@1/node_modules/letters/index.js': 'module.exports = 2' },
    ],
    [
      'what a package behind a package, linked from elsewhere, has in its folder',
      {
        'mine.mjs': "export { default } from 'words'",
        'node_modules/words/package.json': packageOf('1.0.0'),
        'node_modules/words/index.js': "module.exports = require('letters')",
        'linked/letters/package.json': packageOf('1.0.0').replace('words', 'letters'),
        'linked/letters/index.js':
          "module.exports = Number(require('fs').readFileSync(__dirname + '/data/n.txt', 'utf8'))",
        'linked/letters/data/n.txt': '1',
        'node_modules/letters': '-> ../linked/letters',
      },
      { 'linked/letters/data/n.txt': '2' },
    ],
    [
      'a folder of a package that is a link',
      {
        'mine.mjs': "export { default } from 'words'",
        'node_modules/words/package.json': packageOf('1.0.0'),
        'node_modules/words/index.js': "module.exports = require('./lib/a.js')",
        'real/a.js': 'module.exports = 1',
        'node_modules/words/lib': '-> ../../real',
      },
      { 'real/a.js': 'module.exports = 2' },
    ],
    [
      'what a package imports where it is there',
      {
        'mine.mjs': "export { default } from 'words'",
        'node_modules/words/package.json': packageOf('1.0.0'),
        'node_modules/words/index.js': "try { module.exports = require('letters') } catch { module.exports = 1 }",
        'node_modules/letters/package.json': packageOf('1.0.0').replace('index.js', 'none.js'),
      },
      {
        'node_modules/letters/package.json': packageOf('1.0.0'),
        'node_modules/letters/index.js': 'module.exports = 2',
      },
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
    // packages are loaded once by a process
    if (!Object.keys(files).some(name => name.startsWith('node_modules/'))) {
      expect(await valueOf(folder, entry)).toBe(2)
    }
    for (const name of Object.keys(change)) if (!(name in files)) rmSync(join(folder, name))
    write(folder, files['mine.mjs']?.includes('FILE') ? { 'a.mjs': files['a.mjs'] } : files)
    expect((await bundled(folder, entry)).key).toBe(before.key)
  })

  it('and so are the time zone and the language', async () => {
    const folder = made({ 'mine.mjs': "export default new Date('2024-03-10 02:30').toLocaleString()" })
    const before = (await bundled(folder)).key,
      zone = process.env.TZ
    try {
      const keys = new Set([before])
      // of the last two Intl knows no name
      const zones = ['America/New_York', 'Asia/Tokyo', 'JST-9', 'BRT3']
      for (const other of zones) {
        process.env.TZ = other
        keys.add((await bundled(folder)).key)
      }
      expect(keys.size).toBe(1 + zones.length)
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

  it('of a linked package that is too large, or holds the output, it is said that what it reads is in no key', async () => {
    const folder = made({
      'mine.mjs': "export { default } from 'words'",
      'node_modules/words/package.json': packageOf('1.0.0'),
      'node_modules/words/index.js': "module.exports = require('letters')",
      'linked/letters/package.json': packageOf('1.0.0').replace('words', 'letters'),
      'linked/letters/index.js': 'module.exports = 1',
      'linked/letters/node_modules/large/data.bin': '',
      'linked/letters/.git/data.bin': '',
      'node_modules/letters': '-> ../linked/letters',
    })
    const letters = join(folder, 'linked', 'letters'),
      mine = join(folder, 'mine.mjs'),
      said = (why: string) => [
        `mine.mjs imports a package in ${letters}, which ${why}: what it reads there is in no key`,
      ]
    for (const name of ['node_modules/large', '.git']) truncateSync(join(letters, name, 'data.bin'), 2 ** 29)
    expect((await bundled(folder)).reads).toEqual([])
    expect((await bundle(mine, join(letters, 'out'), sluice)).reads).toEqual(said('the output lies in'))
    writeFileSync(join(letters, 'data.bin'), '')
    truncateSync(join(letters, 'data.bin'), 2 ** 29)
    expect((await bundled(folder)).reads).toEqual(said('has more than 256 MiB'))
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

  it('what is absent beside it is not found beside the bundle', async () => {
    const above = made({
      'node_modules/words/package.json': packageOf('1.0.0'),
      'node_modules/words/index.js': 'module.exports = 1',
      'a.mjs': 'export default 1',
    })
    for (const name of ['words', './a.mjs', '../a.mjs']) {
      const folder = made({ 'mine.mjs': `export default await import('${name}').then(({ default: x }) => x, () => 0)` })
      const { module } = await bundle(join(folder, 'mine.mjs'), join(above, 'out'), sluice)
      expect(await (await makerOf(module))(), name).toBe(0)
    }
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
    ['a name of run time', 'export default name => import(name)', 'imports what its text does not name'],
    ['a name in a template', 'export default kind => import(`${kind}a.mjs`)', 'imports what its text does not name'],
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
    ['a global that something else sets', 'export default t => CONFIG.words.includes(t)', 'uses the global CONFIG'],
    ['whether there is one', 'export default typeof CONFIG', 'uses the global CONFIG'],
    ['one by another name', 'const { words: w } = CONFIG\nexport default w', 'uses the global CONFIG'],
    ['Reflect', "export default Reflect.get(globalThis, 'fetch')", 'uses globalThis'],
    ['self', 'export default () => self.fetch', 'uses self'],
    ['a part of process', 'const { env } = process\nexport default env', 'uses process'],
    ['eval', "export default () => eval('fet' + 'ch')", 'uses eval'],
    ['Function', "export default new Function('return fet' + 'ch')", 'uses Function'],
    ['all of this package', "import * as S from 'sluice-data'\nexport default S", 'imports all of sluice-data'],
    ['this package, late', "export default () => import('sluice-data')", 'imports all of sluice-data'],
    ['this package, passed on', "export * from 'sluice-data'\nexport default 1", 'imports all of sluice-data'],
    [
      'a part of it, passed on',
      "export { Type, run as other } from 'sluice-data'\nexport default 1",
      'imports run of sluice-data',
    ],
    ['the machine', "import { homedir } from 'node:os'\nexport default homedir", 'imports node:os'],
    ['a module that is not known', "import v8 from 'node:v8'\nexport default v8", 'imports node:v8'],
    ['a stopwatch', "import { performance as p } from 'perf_hooks'\nexport default p.now()", 'imports perf_hooks'],
    ['how it was called', 'export default process.argv[2]', 'uses process'],
    ['what is printed to', 'export default process.stdout.columns', 'uses process'],
    ['the clock', 'export default () => Date.now()', 'uses Date.now'],
    ['the date', 'export default () => new Date().getDay()', 'calls new Date()'],
    ['the date, of a list that may be empty', 'export default list => new Date(...list)', 'calls new Date()'],
    ['the date, without brackets', 'export default () => new Date', 'calls new Date()'],
    ['the date as text', 'export default () => Date()', 'uses Date'],
    ['the clock by another name', 'const D = Date\nexport default D', 'uses Date'],
    ['a stack', 'export default () => new Error().stack', 'uses the stack of an error'],
    [
      'that of what was caught',
      'export default f => { try { f() } catch (e) { return e?.stack } }',
      'uses the stack of an error',
    ],
    ['by its name', "export default it => it['stack']", 'uses the stack of an error'],
    ['taken out', 'export default ({ stack }) => stack', 'uses the stack of an error'],
    [
      'taken out where it is caught',
      'export default f => { try { f() } catch ({ stack: s }) { return s } }',
      'uses the stack of an error',
    ],
    [
      'beside a stack of its own',
      'export default (pile, error) => [{ stack: pile }, error.cause.stack]',
      'uses the stack of an error',
    ],
    ['one that is put on', 'export default it => Error.captureStackTrace(it)', 'uses captureStackTrace of Error'],
    [
      'the same, taken out',
      'const { captureStackTrace: c } = Error\nexport default c',
      'uses captureStackTrace of Error',
    ],
    [
      'how one is made',
      'Error.prepareStackTrace = (_, sites) => sites\nexport default 1',
      'uses prepareStackTrace of Error',
    ],
    [
      'who called',
      "import { getCallSites } from 'node:util'\nexport default getCallSites",
      'uses getCallSites of node:util',
    ],
    [
      'an error that is shown',
      "import * as u from 'node:util'\nexport default f => { try { f() } catch (e) { return u.inspect(e) } }",
      'uses inspect of node:util for an error, whose stack it shows',
    ],
    ['chance', 'export default () => Math.random()', 'uses random of Math'],
    ['chance by its name', "export default Math['random']", 'uses random of Math'],
    ['a part of Math', 'const { random: r } = Math\nexport default r', 'uses random of Math'],
    ['Math by another name', 'const M = Math\nexport default M.random()', 'uses random of Math'],
    ['time', 'export default () => performance.now()', 'uses performance'],
    ['the time of a mark', "export default () => new PerformanceMark('x').startTime", 'uses PerformanceMark'],
    ['the moment of an end', 'export default () => AbortSignal.abort()', 'uses AbortSignal'],
    ['chance by an address', 'export default () => URL.createObjectURL(new Blob([]))', 'uses createObjectURL of URL'],
    ['chance of a form', 'export default () => new Response(new FormData())', 'uses FormData'],
    [
      'a count of calls',
      "import { executionAsyncId as id } from 'async_hooks'\nexport default id()",
      'uses executionAsyncId of async_hooks',
    ],
    [
      'keys by chance, imported',
      "import { subtle } from 'node:crypto'\nexport default subtle.generateKey",
      'uses subtle of node:crypto',
    ],
    ['cores', 'export default navigator.hardwareConcurrency', 'uses navigator'],
    ['a random id', 'export default crypto.randomUUID()', 'uses crypto.randomUUID'],
    [
      'a random id, imported',
      "import { createHash, randomUUID as id } from 'node:crypto'\nexport default [createHash('md5'), id()]",
      'uses randomUUID of node:crypto',
    ],
    ['random bytes', "import * as c from 'crypto'\nexport default c.randomBytes(4)", 'uses randomBytes of crypto'],
    ['of the default', "import c from 'crypto'\nexport default c['randomInt'](9)", 'uses randomInt of crypto'],
    ['of what is imported late', "export default (await import('crypto')).randomInt(9)", 'uses randomInt of crypto'],
    [
      'a part of what is required',
      "const { randomInt } = require('crypto')\nexport default randomInt(9)",
      'uses randomInt of crypto',
    ],
    ['a module handed on', "import * as c from 'crypto'\nexport default { c }", 'hands crypto on'],
    ['its part of a name', "import * as c from 'crypto'\nexport default n => c[n]", 'hands crypto on'],
    [
      'what is debugged',
      "import { debuglog } from 'node:util'\nexport default debuglog('x')",
      'uses debuglog of node:util',
    ],
    [
      'the working directory',
      "import { resolve } from 'node:path'\nexport default resolve('words')",
      'uses resolve of node:path',
    ],
    [
      'the same of the other kind',
      "import path from 'node:path'\nexport default n => path.posix.relative('/a', n)",
      'uses relative of node:path',
    ],
    [
      'the same by an address',
      "import { pathToFileURL } from 'url'\nexport default pathToFileURL('words')",
      'uses pathToFileURL of url',
    ],
    [
      'the present day',
      "const f = new Intl.DateTimeFormat('sv')\nexport default () => f.format()",
      'uses DateTimeFormat of Intl',
    ],
    ['the moment of a file', "import { File } from 'node:buffer'\nexport default File", 'uses File of node:buffer'],
    ['the moment of an event', 'export default () => new Event("x").timeStamp', 'uses Event'],
    ['that of a message', 'export default () => new MessageEvent("x").timeStamp', 'uses MessageEvent'],
    ['what memory was freed', 'export default it => new WeakRef(it)', 'uses WeakRef'],
    ['keys by chance', 'export default () => crypto.subtle.generateKey({}, true, [])', 'uses crypto.subtle'],
    [
      'a pattern of members',
      'const m = { n: 0 }\nexport default () => { [m.n] = [m.n + 1] }',
      'has code that cannot be looked into',
    ],
    [
      'this package',
      "import { readParquet } from 'sluice-data'\nexport default readParquet",
      'imports readParquet of sluice-data',
    ],
    ['a graph of a file', "import { graph } from 'sluice-data'\nexport default graph", 'imports graph of sluice-data'],
  ])('%s', async (_, text, said) => {
    expect((await bundled(made({ 'mine.mjs': text }))).reads).toEqual([`mine.mjs ${said}`])
    const files = { 'mine.mjs': "export { default } from './lib/a.mjs'", 'lib/a.mjs': text }
    expect((await bundled(made(files))).reads).toEqual([`lib/a.mjs ${said}`])
  })

  it.each([
    ['// import(x)\nimport(/* which */ process.argv[2])', 'which imports what its text does not name'],
    ["require('node:sqlite')", 'which imports node:sqlite'],
    ["// import(x), import()\nimport('node:path')", undefined],
  ])('what a package does that is not seen when it does: %#', async (text, said) => {
    const folder = made({
      'mine.mjs': "export { default } from 'words'",
      'node_modules/words/package.json': '{"name":"words","version":"1.0.0","main":"index.js"}',
      'node_modules/words/index.js': `module.exports = 1\n${text}`,
    })
    expect((await bundled(folder)).reads).toEqual(said ? [`mine.mjs imports words/index.js, ${said}`] : [])
  })

  it('every module of Node is known to be harmless, or named', async () => {
    const said = await Promise.all(
      builtinModules
        .filter(name => !/^(?:_|node:)/.test(name))
        .map(async name => (await bundled(made({ 'mine.mjs': `import '${name}'\nexport default 1` }))).reads.length),
    )
    const names = builtinModules.filter(name => !/^(?:_|node:)/.test(name)).filter((_, i) => said[i] === 0)
    expect(names.filter(name => !name.includes('/')).sort()).toEqual(
      (
        'assert async_hooks buffer console constants crypto diagnostics_channel domain events path punycode ' +
        'querystring stream string_decoder sys timers url util zlib'
      ).split(' '),
    )
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
import { createHash } from 'node:crypto'
import path, { dirname, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
const self = { global: 1, process: 2, eval: 3 }
if (process.version.length > 99) process.exitCode = 1
// globalThis
const Math2 = { random: () => 4 }, days = new Date(0), { floor, max } = Math, from = dirname(fileURLToPath(import.meta.url))
export const more = [Math2.random(), days, floor(1.5), max(1, 2), Math.PI, Date.UTC(2024), Date.parse('2024'), new Date('2024')]
export const paths = [resolve(from, 'a'), path.resolve('/a', 'b'), relative('/a', from), path.join('a'), path.posix.sep]
export const hash = [createHash('sha256'), crypto.subtle, inspect({}), days instanceof Date, Math2 instanceof Object]
class Wrong extends Error {}
const pile = { stack: [] }, top = it => it.stack.at(-1)
pile.stack.push(new Wrong('of all'), new Error('of all').message, Error.stackTraceLimit)
export const isPage = typeof window === 'undefined' && function () { return arguments.length }
outer: for (const one of [structuredClone(1), new URL('a:b'), Buffer.from('a')]) { if (one) continue outer }
function clock(Date, performance) { return [Date.now(), performance] }
export const randomInt = seed => [seed, clock({ now: () => 1 })]
export default [top(pile), self.global, self.process, 'eval of process', typeof process, x => x instanceof Function, Type, defineStage]`,
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

it.each([
  ['a property', 'export default t => { const seen = (String.seen ??= new Set()); seen.add(t) }'],
  ['of a prototype', 'export default t => { Array.prototype.last = t }'],
  ['a list in one', 'Math.all = []\nexport default t => { Math.all.push(t) }'],
  ['by Object.assign', 'export default more => Object.assign(JSON, more)'],
  ['a counter', 'export default () => { Number.count++ }'],
])('what a stage keeps in an object of JavaScript itself is named: %s', async (_, text) => {
  const { keeps } = await bundled(made({ 'mine.mjs': text }))
  expect(keeps).toEqual([
    expect.stringMatching(/^mine\.mjs:\d keeps something in (String|Array|Math|JSON|Number), which/),
  ])
})
it.each([
  ['while it is loaded', 'String.prototype.mine ??= () => 1\nexport default t => t'],
  ['the depth of traces', 'export default t => { Error.stackTraceLimit = 0; return t }'],
  ['reading alone', 'export default t => Object.keys(t).sort().concat(Math.max(1, 2), JSON.parse(t))'],
])('nothing is named for %s', async (_, text) => {
  expect((await bundled(made({ 'mine.mjs': text }))).keeps).toEqual([])
})

describe('what a stage keeps at the top of a module', () => {
  const keeps = async (text: string, more: Readonly<Record<string, string>> = {}) =>
    (await bundled(made({ 'mine.mjs': text, ...more }))).keeps

  it.each<[string, string]>([
    ['a set', 'const it = new Set()\nexport default text => it.add(text)'],
    ['a list', 'const it = []\nexport default { open: () => ({ batch(b) { it.push(b) } }) }'],
    ['a counter', 'let it = 0\nexport default () => ++it'],
    ['a counter behind', 'let it = 0\nexport default function f() { return it++ }'],
    ['a sum', 'let it = 0\nexport default n => { it += n }'],
    ['the row before', "let it = ''\nexport default text => { const same = text === it; it = text; return same }"],
    ['the first row', 'let it\nexport default text => { it ??= text }'],
    ['a flag', 'let it = true\nexport default () => { if (it) { it = false; return 1 } }'],
    ['keys', 'const it = {}\nexport default text => (it[text] = 1)'],
    ['keys below', 'const it = { all: { of: {} } }\nexport default text => { it.all.of[text] ||= 1 }'],
    ['a list below', 'const it = { all: [] }\nexport default text => { it.all.push(text) }'],
    ['what is taken away', 'const it = { a: 1 }\nexport default text => delete it[text]'],
    ['a cache', 'const it = new Map()\nexport default t => it.get(t) ?? (it.set(t, t.length), t.length)'],
    [
      'what is built by a function',
      'const it = build()\nfunction build() { return [] }\nexport default t => { it.push(t) }',
    ],
    ['a static field', 'class it { static seen = new Set(); see(t) { it.seen.add(t) } }\nexport default new it()'],
    ['a property of a function', 'function it(t) { it.last = t }\nexport default it'],
    ['by a part of a list', 'let it = 1\nexport default list => { [it] = list }'],
    ['by a loop', 'let it\nexport default list => { for (it of list); }'],
    ['by Object.assign', 'const it = {}\nexport default more => Object.assign(it, more)'],
    ['by a function that is called at load too', 'const it = []\nconst f = t => it.push(t)\nf(1)\nexport default f'],
    ['within a callback', 'const it = []\nexport default list => list.forEach(one => it.push(one))'],
    ['an expression that remembers where it was', 'const it = /a/g\nexport default text => it.test(text)'],
    ['one that finds', 'const it = /a/g\nexport default text => it.exec(text)'],
    ['one that matches', 'const it = /a/y\nexport default text => text.match(it)'],
    ['a method in brackets', "const it = []\nexport default text => it['push'](text)"],
    ['a part under a name', 'const it = { all: { n: 0 } }\nexport default () => { const { all } = it; all.n++ }'],
    ['a part of a part', 'const it = { a: { b: [] } }\nexport default t => { const a = it.a, { b } = a; b.push(t) }'],
  ])('%s', async (_, text) => {
    const line = text.split('\n').findIndex(one => /\b(?:const|let|class|function) it\b/.test(one)) + 1
    const [said, ...others] = await keeps(text)
    expect(others).toEqual([])
    expect(said).toMatch(new RegExp(`^mine\\.mjs:${line} keeps _?it at its top, which line \\d changes$`))
    for (const helper of [
      await keeps("export { default } from './lib/a.mjs'", { 'lib/a.mjs': text }),
      await keeps("export default (await import('./lib/a.mjs')).default", { 'lib/a.mjs': text }),
    ]) {
      expect(helper.map(one => one.replace(/, which.*/, '').replace('_it', 'it'))).toEqual([
        `lib/a.mjs:${line} keeps it at its top`,
      ])
    }
  })

  it('in another file, in TypeScript and in CommonJS', async () => {
    const set = { 'lib/a.ts': '\nexport const seen: Set<string> = new Set()' }
    expect(await keeps("import { seen } from './lib/a.ts'\nexport default t =>\n  seen.add(t)", set)).toEqual([
      'lib/a.ts:2 keeps seen at its top, which mine.mjs:3 changes',
    ])
    expect(
      await keeps("import f from './a.cjs'\nexport default f", {
        'a.cjs': 'const seen = []\nmodule.exports = t => {\n  seen.push(t)\n}',
      }),
    ).toEqual(['a.cjs:1 keeps seen at its top, which line 3 changes'])
  })

  it('is nothing where it is only read, or changed while the module is loaded', async () => {
    const text = `import { createHash } from 'node:crypto'
import * as tools from './tools.mjs'
import words from './words.json' with { type: 'json' }
const list = ['b', 'a'], table = new Map(), squares = {}, counts = []
list.sort()
for (const word of list) table.set(word, word.length)
list.forEach(word => { table.set(word + word, 2) })
function fill(to) { if (to > 0) fill(to - 1); squares[to] = to * to }
fill(9)
const more = () => counts.push(1)
more()
const index = (() => { const made = {}; for (const word of list) made[word] = 1; return made })()
void (function () { counts.push(2) })()
let lazy
const get = () => (lazy ??= new Set(words))
class Counter { #n = 0; seen = new Set(); add(t) { this.#n++; this.seen.add(t); return this.#n } }
const pattern = /a/g, plain = /a/
const set = (a, b) => [a, b]
export const enumerated = tools.set({}, 'a', 1)
export default {
  open() {
    const seen = new Set(), list = [], own = new Counter()
    let n = 0
    return {
      batch(b) {
        n++
        seen.add(b); list.push(b); own.add(b)
        const copy = [...counts].sort(), hash = createHash('md5').update('x')
        tools.add(copy, b)
        pattern.lastIndex = 0
        return [table.get(b), index[b], squares[1], get(), plain.test(b), pattern.test(b), 'a'.replace(pattern, ''),
          words.slice().sort(), list.map(one => one.x = 1), set(1, 2), hash, table.has(b), n]
      },
    }
  },
}`
    const tools = 'export const set = (o, k, v) => { o[k] = v; return o }\nexport const add = (o, k) => o.push(k)'
    const files = { 'tools.mjs': tools, 'words.json': '["a"]' }
    expect(await keeps(text, files)).toEqual([])
    expect(await keeps("export { default } from './a.mjs'", { 'a.mjs': text, ...files })).toEqual([])
    expect(await keeps("export default (await import('./a.mjs')).default", { 'a.mjs': text, ...files })).toEqual([])
    const enums = 'enum Kind { A, B }\nnamespace N { export const x = 1 }\nexport default [Kind.A, N.x]'
    expect(await keeps("export { default } from './a.ts'", { 'a.ts': enums })).toEqual([])
  })

  it('is looked for in large and deep code within seconds', async () => {
    const list = JSON.stringify(Array.from({ length: 200_000 }, (_, i) => `word ${i}`))
    const large = `const words = ${list}\nconst seen = new Set()\nexport default t => seen.add(words[t])`
    const began = Date.now()
    expect(await keeps(large)).toEqual(['mine.mjs:2 keeps seen at its top, which line 3 changes'])
    const { reads, module } = await bundled(made({ 'mine.mjs': `export default t => ${'t + '.repeat(20_000)} t` }))
    expect(reads.length === 0 || /too deeply|cannot be looked into/.test(reads[0])).toBe(true)
    expect(module).toMatch(/mine/)
    expect(Date.now() - began).toBeLessThan(30_000)
  })

  it('and the bundled stages and the examples keep nothing', async () => {
    for (const file of [
      '../../pipelines/stages/drop_shouting.mjs',
      '../engine/swaps.mjs',
      '../engine/two_rounds.mjs',
    ]) {
      const path = fileURLToPath(new URL(file, import.meta.url))
      expect((await bundle(path, made({}), sluice)).keeps, file).toEqual([])
    }
  })
})
