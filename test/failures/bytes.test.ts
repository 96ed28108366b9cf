/** An input whose bytes change while all that a look at it tells stays the same. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { run } from '../../index.mjs'
import { fingerprint, folder, pairs, writeJsonl } from '../engine/helpers.ts'
import { copyGraph, root, start, writeGraph } from './helpers.ts'

const frozen = join(root, 'test/failures/frozen.mjs')
const formats = [
  ['jsonl', 'read_jsonl', 'write_jsonl'],
  ['parquet', 'read_parquet', 'write_parquet'],
  ['arrow', 'read_arrow', 'write_arrow'],
] as const

/** Rows enough for several blocks, in a file of this format in a folder `in`. */
async function written(at: string, format: string, sink: string): Promise<string> {
  const graph = writeGraph(join(at, 'make.json'), [
    { id: 'pairs', use: 'read_jsonl', with: { path: writeJsonl(join(at, 'rows.jsonl'), pairs(3000)) } },
    { id: 'dpo', use: sink },
  ])
  const made = join((await run(graph, { output: join(at, 'made'), workers: 1 })).folder, 'dpo')
  mkdirSync(join(at, 'in'))
  const file = readdirSync(made).find(name => name.endsWith(`.${format}`))!,
    path = join(at, 'in', `rows.${format}`)
  writeFileSync(path, readFileSync(join(made, file)))
  return path
}

/** One run in a process of its own; when a phase begins, a bit of the file changes. */
async function ranWhile(
  at: string,
  graph: string,
  path: string,
  output: string,
  phase: string,
  share: number,
): Promise<string> {
  const script = join(at, 'runs.mjs')
  writeFileSync(
    script,
    `import { readFileSync, writeFileSync } from 'node:fs'
import { run } from ${JSON.stringify(join(root, 'index.mjs'))}
const path = ${JSON.stringify(path)}
let done = false
const onProgress = ({ phase }) => {
  if (done || !phase.startsWith(${JSON.stringify(phase)})) return
  done = true
  const bytes = readFileSync(path)
  bytes[Math.floor(bytes.length * ${share})] ^= 1
  writeFileSync(path, bytes)
}
try {
  const { status } = await run(${JSON.stringify(graph)}, { output: ${JSON.stringify(output)}, workers: 2, onProgress })
  console.log(status)
} catch (error) {
  console.log(error.exit, error.constructor.name, error.message)
}
`,
  )
  return (await start(['--import', frozen, script]).ended).stdout
}

describe.each(formats)('%s that changes where no look tells', (format, source, sink) => {
  const at = folder(),
    graph = join(at, 'g.json')
  let path: string, whole: Record<string, string>
  beforeAll(async () => {
    path = await written(at, format, sink)
    copyGraph(graph, path, source)
    whole = fingerprint((await run(graph, { output: join(at, 'whole'), workers: 2 })).folder)
  })
  // the first rows are looked at when it is opened, the last ones are read for the first time by the hash
  it.each([
    ['fingerprint', 0.1],
    ['pass', 0.1],
    ['pass', 0.9],
  ])('before %s begins, at %d of its bytes, ends the run with 75, and nothing of it is kept', async (phase, share) => {
    const before = readFileSync(path),
      output = join(at, `${phase}-${share}`)
    const said = await ranWhile(at, graph, path, output, phase, share)
    expect(said).toBe(
      `75 ChangedInputError run: ${path} changed while it was read; nothing of it is kept, run again when it is whole\n`,
    )
    writeFileSync(path, before)
    const again = await run(graph, { output, workers: 1 })
    expect(again.status).toBe('published')
    expect(fingerprint(again.folder)).toEqual(whole)
  })
})
