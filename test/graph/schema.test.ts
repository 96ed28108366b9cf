/** The JSON schema of graphs takes what the reader takes, and is up to date. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { graphSchema, schemaText } from '../../engine/graph/schema.ts'
import { registry } from './stages.ts'

const root = new URL('../../', import.meta.url)
const compile = (schema: object) =>
  new Ajv2020({ strict: false, allErrors: true, validateFormats: false }).compile(schema)

describe('the JSON schema of graphs', () => {
  const check = compile(graphSchema(registry))
  const node = (entry: object) => ({ version: 1, name: 'x', stages: [entry] })

  it('takes a right graph, with a $schema key, and an own stage', () => {
    expect(check(parse(readFileSync(new URL('clean.yaml', import.meta.url), 'utf8')))).toBe(true)
    expect(check({ $schema: 'x', ...node({ id: 'a', use: './mine.ts', with: { anything: 1 } }) })).toBe(true)
  })

  it('asks only for options without a default', () => {
    expect(check(node({ id: 'a', use: 'detect_noise' }))).toBe(true)
    expect(check(node({ id: 'a', use: 'read_files' }))).toBe(false)
    expect(check(node({ id: 'a', use: 'drop_below', with: {} }))).toBe(false)
    expect(check(node({ id: 'a', use: 'drop_below', with: { column: 'x' } }))).toBe(true)
  })

  it('refuses in few words: only the rule of the stage that is used speaks', () => {
    expect(check(node({ id: 'a', use: 'detect_noise', with: { fold: 3, folds: 99 } }))).toBe(false)
    expect(check.errors!.filter(error => error.keyword !== 'if').map(error => error.instancePath)).toEqual([
      '/stages/0/with',
      '/stages/0/with/folds',
    ])
    for (const wrong of [
      { id: 'A', use: 'detect_noise' },
      { id: 'a', use: 'nope' },
      { id: 'a', use: 'detect_noise', form: 'b' },
      { use: 'detect_noise' },
    ]) {
      expect(check(node(wrong)), JSON.stringify(wrong)).toBe(false)
    }
  })

  it('is the same text whatever the order of the registry', () => {
    expect(schemaText(new Map([...registry].reverse()))).toBe(schemaText(registry))
  })
})

describe('schemas/graph.schema.json', () => {
  const text = readFileSync(new URL('schemas/graph.schema.json', root), 'utf8')

  it('is what `node scripts/schema.mjs` writes', async () => {
    const { allStages } = await import('../../stages/registry.ts')
    expect(text === schemaText(await allStages()), 'the registry has changed: run `node scripts/schema.mjs`').toBe(true)
  })

  const folder = new URL('pipelines/', root)
  const shipped = existsSync(folder) ? readdirSync(folder).filter(name => /\.ya?ml$/.test(name)) : []
  it.each(shipped)('takes pipelines/%s', name => {
    const check = compile(JSON.parse(text) as object)
    check(parse(readFileSync(new URL(name, folder), 'utf8')))
    expect(check.errors ?? []).toEqual([])
  })
})
