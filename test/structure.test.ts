/** The house: app > stages > models > engine, one way, no circles of files, and files that say what they are for. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
/** Each may import itself and what comes after it. */
const layers = ['app', 'stages', 'models', 'engine']

const text = (file: string) => readFileSync(join(root, file), 'utf8')
const filesOf = (folder: string, ending: RegExp) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && ending.test(entry.name))
    .map(entry => relative(root, join(entry.parentPath ?? entry.path, entry.name)))
const files = layers.flatMap(folder => filesOf(folder, /(?<!\.d)\.ts$/))
/** What each file imports of the others; types too. */
const imports = new Map(
  files.map(file => [
    file,
    [...text(file).matchAll(/(?:from|import\()\s*'(\.[^']*)'/g)]
      .map(([, path]) => join(dirname(file), path))
      .filter(path => files.includes(path)),
  ]),
)
const layerOf = (file: string) => layers.indexOf(file.split('/')[0])

it('imports go one way', () => {
  const upward = [...imports].flatMap(([file, others]) =>
    others.filter(other => layerOf(other) < layerOf(file)).map(other => `${file} > ${other}`),
  )
  expect(upward).toEqual([])
  // arithmetic knows no more of the engine than how it hashes, and the one piece of it that the engine needs itself
  const ofModels = [...imports].flatMap(([file, others]) => (file.startsWith('models/') ? others : []))
  expect([...new Set(ofModels.filter(other => !other.startsWith('models/')))]).toEqual([
    'engine/beta.ts',
    'engine/arrow/hash.ts',
  ])
})

it('no file needs itself by way of others', () => {
  const done = new Set<string>()
  function follow(file: string, way: readonly string[]): void {
    if (way.includes(file)) throw new Error([...way.slice(way.indexOf(file)), file].join(' > '))
    if (done.has(file)) return
    for (const other of imports.get(file)!) follow(other, [...way, file])
    done.add(file)
  }
  for (const file of files) follow(file, [])
})

it('every file opens with a sentence that says what it is for', () => {
  const all = [
    ...files,
    ...filesOf('test', /\.ts$/),
    ...filesOf('scripts', /\.mjs$/),
    ...filesOf('pipelines', /\.mjs$/),
  ]
  const silent = all.filter(file => !/^(#!.*\n)?(\/\*\*|\/\/|\/\*)/.test(text(file)))
  expect(silent).toEqual([])
})

it('no merge is left half done', () => {
  const texts = ['README.md', 'CHANGELOG.md', ...['docs', 'test', ...layers].flatMap(folder => filesOf(folder, /./))]
  expect(texts.filter(file => /^(<{7}|>{7}) /m.test(text(file)))).toEqual([])
})
