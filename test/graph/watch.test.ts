/** What packages of a stage of one's own use at run time makes its results no longer usable, and is named. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { run } from '../../index.mjs'
import { folder, pairs, writeJsonl } from '../engine/helpers.ts'
import { sluice } from '../failures/helpers.ts'

/** A graph whose stages drop what `words` of a package says; each package is made by the test. */
function made(packages: Readonly<Record<string, string>>) {
  const at = folder(),
    path = writeJsonl(join(at, 'in.jsonl'), pairs(40)),
    output = join(at, 'out'),
    said: string[] = []
  for (const [name, text] of Object.entries(packages)) {
    mkdirSync(join(at, 'node_modules', name), { recursive: true })
    const main = text.includes('export ') ? 'index.mjs' : 'index.js'
    writeFileSync(join(at, 'node_modules', name, 'package.json'), JSON.stringify({ name, version: '1.0.0', main }))
    writeFileSync(join(at, 'node_modules', name, main), text)
    writeFileSync(
      join(at, `${name}.mjs`),
      `import { defineStage, Type } from 'sluice-data'
import phrase from '${name}'
export default defineStage({
  name: 'mine', version: 1, summary: '', options: Type.Object({}), reads: {}, writes: { said: 'text' }, rows: 'same',
  examples: [], open: () => ({ batch: ({ rows }) => ({ columns: { said: Array(rows).fill(String(phrase())) } }) }),
})
`,
    )
  }
  const graph = {
    version: 1 as const,
    name: 'watched',
    partition_rows: 20,
    stages: [
      { id: 'pairs', use: 'read_jsonl', with: { path } },
      ...Object.keys(packages).map(name => ({ id: name, use: join(at, `${name}.mjs`) })),
      { id: 'dpo', use: 'write_jsonl' },
    ],
  }
  const go = async (options = {}) => {
    said.length = 0
    const { status, manifest } = await run(graph, {
      output,
      workers: 1,
      onWarning: text => void said.push(...text.split('\n')),
      ...options,
    })
    return { status, files: Object.entries(manifest.files!).filter(([name]) => name.startsWith('dpo/')) }
  }
  const spools = () => readdirSync(join(output, '.sluice', 'spools'))
  return { at, graph, output, said, go, spools }
}
