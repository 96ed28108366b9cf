/** docs/papers.md against the registry: what it names is there, in the form that is said, and no paper is missing. */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { allStages } from '../../stages/registry.ts'

const docs = new URL('../../docs/', import.meta.url)
const page = readFileSync(new URL('papers.md', docs), 'utf8')
const registry = await allStages()
const optionsOf = (name: string) => Object.keys(registry.get(name)?.options.properties ?? {})

/** The cells of the rows of a table. */
const tableOf = (heading: string) =>
  page
    .split(`## ${heading}\n`)[1]
    .split('\n## ')[0]
    .split('\n')
    .filter(line => line.startsWith('| '))
    .slice(2)
    .map(line => line.slice(2, -2).split(' | '))
const fifty = tableOf('The fifty'),
  besides = tableOf('Papers that stages follow besides').map((cells, i) => [String(51 + i), ...cells])

interface Line {
  readonly paper: string
  readonly worth: string
  readonly stages: readonly { form: string; name: string; link: string; options: readonly string[] }[]
  readonly missing: readonly string[]
}
const NAME = /`([\w./]+)(?:: [^`]*)?`/g
const named = (text: string) => [...text.matchAll(NAME)].map(([, name]) => name)
const lines: readonly Line[] = [...fifty, ...besides].map(([, paper, , here, worth]) => {
  const [built, missing = ''] = here.split('not built yet')
  const stages = [...built.matchAll(/(as in|after) \[(\w+)\]\(([^)]+)\)((?: `[^`]+`)*)/g)]
  return {
    paper,
    worth,
    stages: stages.map(([, form, name, link, options]) => ({ form, name, link, options: named(options) })),
    missing: named(missing),
  }
})

describe('docs/papers.md', () => {
  it('has the fifty, one line each, with what they are worth', () => {
    expect(fifty.map(([number]) => Number(number))).toEqual(Array.from({ length: 50 }, (_, i) => i + 1))
    for (const cells of fifty) expect(cells, cells[1]).toHaveLength(5)
    expect(new Set(lines.map(({ paper }) => paper)).size).toBe(lines.length)
  })

  it.each(lines)('$paper: stages, options and files are there', ({ stages, worth }) => {
    for (const { name, link, options } of stages) {
      expect([...registry.keys()]).toContain(name)
      expect(link).toBe(`stages/${name}.md`)
      for (const option of options) expect(optionsOf(name), name).toContain(option)
    }
    for (const [, link] of page.matchAll(/\]\(([^)#]+)/g)) expect(existsSync(new URL(link, docs)), link).toBe(true)
    // a figure needs the command that makes it
    if (/\d/.test(worth)) expect(worth).toMatch(/`np[mx] [^`]+`/)
    else expect(worth).toMatch(/not measured|nothing to measure|`np[mx] /)
  })

  it.each(lines.flatMap(({ paper, missing }) => missing.map(name => [name, paper])))(
    '%s is not built yet, as it says of %s; fill in its line when it is',
    name => {
      const [stage, option] = name.split('.')
      expect(option === undefined ? registry.has(stage) : optionsOf(stage).includes(option)).toBe(false)
      if (name.includes('/')) expect(existsSync(new URL(`../${name}.ts`, docs))).toBe(false)
    },
  )

  it.each([...registry.values()].flatMap(({ name, paper }) => (paper ? [{ name, ...paper }] : [])))(
    '$name follows $title: there is a line, in that form',
    ({ name, title, arxiv, form }) => {
      const line = lines.find(({ paper }) => paper.includes(arxiv ?? title))
      expect(line, arxiv ?? title).toBeDefined()
      expect(line!.stages).toContainEqual(expect.objectContaining({ name, form }))
    },
  )

  it('every command is a script or a test of the repository', () => {
    const { scripts } = JSON.parse(readFileSync(new URL('../package.json', docs), 'utf8')) as { scripts: object }
    for (const [, name] of page.matchAll(/`npm run ([\w:]+)/g)) expect(Object.keys(scripts)).toContain(name)
    for (const [, path] of page.matchAll(/`npx vitest run ([\w./]+)/g)) {
      expect(existsSync(new URL(`../${path}`, docs)), path).toBe(true)
    }
  })
})
