/** docs/files.md is what `npm run check:files` wrote: of each format a row for each feature, and nothing wrong. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const text = (file: string) => readFileSync(`${root}${file}`, 'utf8')
const features = JSON.parse(text('scripts/files/features.json')) as Record<string, string[]>
const page = text('docs/files.md')
/** Of each format the cells of its rows. */
const tables = new Map(
  page
    .split(/^## /m)
    .slice(1)
    .map(part => {
      const [name, ...lines] = part.split('\n'),
        rows = lines.filter(line => line.startsWith('| ')).map(line => line.slice(2, -2).split(' | '))
      return [name, { rows: rows.slice(2), part }] as const
    }),
)

it('names the command that makes it', () => {
  expect(page).toContain('`npm run check:files`')
  const { scripts } = JSON.parse(text('package.json')) as { scripts: Record<string, string> }
  expect(scripts['check:files']).toBe('node scripts/check_files.mjs')
})

it.each(Object.entries(features))('%s: its rows are what the command tries', (format, list) => {
  const { rows, part } = tables.get(format)!
  expect(rows.map(([feature]) => feature)).toEqual(list)
  for (const [feature, ...cells] of rows) {
    expect(
      cells.some(cell => cell !== '–'),
      feature,
    ).toBe(true)
    for (const cell of cells) {
      expect(cell, feature).toMatch(/^(read|–|(refused|in part) \d+)$/)
      const [number] = /\d+$/.exec(cell) ?? []
      if (number) expect(part, feature).toMatch(new RegExp(`^${number}\\. \``, 'm'))
    }
  }
})

it('each feature is one that write.py writes', () => {
  const script = text('scripts/files/write.py')
  // those of codecs and of columns beside the pair are made in loops
  const words = Object.values(features).flat()
  expect(words.filter(word => !script.includes(word.split(', ')[0]))).toEqual([])
})
