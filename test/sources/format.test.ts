/** A whole format of one's own, in 40 lines, with all that the engine does for every source. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { run } from '../../index.mjs'
import type { RunOptions } from '../../engine/run/options.ts'
import { fingerprint, folder, pairs, rowsOf, writeJsonl } from '../engine/helpers.ts'

const own = fileURLToPath(new URL('read_blocks.mjs', import.meta.url)),
  at = folder()
/** Rows of three files, one of them in a folder that says something. */
const files = { 'a.blocks': pairs(50), 'lang=de/b.blocks': pairs(41, 50), 'c.blocks': pairs(9, 91) }

beforeAll(() => {
  for (const kind of ['blocks', 'jsonl']) mkdirSync(join(at, kind, 'lang=de'), { recursive: true })
  for (const [name, rows] of Object.entries(files)) {
    const said = rows.map(({ id, prompt, chosen, rejected }) => ({
      id,
      asked: prompt,
      best: `x = ${chosen}`,
      rejected,
    }))
    const block = (row: object) =>
      Object.entries(row)
        .map(([key, value]) => `${key} = ${value}\n`)
        .join('')
    writeFileSync(join(at, 'blocks', name), said.map(block).join('\n'))
    writeJsonl(join(at, 'jsonl', name.replace('.blocks', '.jsonl')), said)
  }
})

const graphOf = (use: string, path: string, more: object = {}) => ({
  version: 1 as const,
  name: 'own',
  partition_rows: 20,
  stages: [
    { id: 'pairs', use, with: { path, layout: 'text', rename: { prompt: 'asked', chosen: 'best' }, ...more } },
    { id: 'dpo', use: 'write_arrow' },
  ],
})
async function read(use: string, path: string, options: RunOptions = {}, more: object = {}) {
  const output = join(folder(), 'out')
  const { folder: out, manifest } = await run(graphOf(use, path, more), { output, workers: 1, ...options })
  return { rows: rowsOf(join(out, 'dpo')), bytes: fingerprint(join(out, 'dpo')), manifest }
}
const blocks = (options?: RunOptions, more?: object) => read(own, join(at, 'blocks'), options, more)
const lines = (options?: RunOptions) => read('read_jsonl', join(at, 'jsonl'), options)

describe("a format of one's own", () => {
  it('gives the rows that another format gives: files, folders, names, layout and partitions are not its business', async () => {
    const { rows, bytes, manifest } = await blocks()
    expect(rows).toHaveLength(100)
    expect(new Set(rows.map(({ lang }) => lang))).toEqual(new Set([null, 'de']))
    expect(rows).toEqual((await lines()).rows)
    expect((await blocks({ workers: 2, blockRows: 7 })).bytes).toEqual(bytes)
    expect(manifest.inputs[0].facts).toEqual({ rows: 50, renamed: "prompt from 'asked', chosen from 'best'" })
  })

  it.each([{ limit: 63 }, { sample: 30 }, { sample: 1 }, { sample: 99 }])('%j takes rows of it', async some => {
    const all = (await blocks()).rows.map(row => JSON.stringify(row)),
      { rows } = await blocks(some)
    expect(rows).toHaveLength(some.limit ?? some.sample)
    const places = rows.map(row => all.indexOf(JSON.stringify(row)))
    expect(places.every((place, i) => place > (places[i - 1] ?? -1))).toBe(true)
    expect((await blocks({ ...some, workers: 2 })).rows).toEqual(rows)
  })

  it('keeps what it read for the next run, and is told where the file is another', async () => {
    const output = join(folder(), 'out'),
      path = join(folder(), 'x.blocks'),
      said: string[] = []
    const once = () => run(graphOf(own, path), { output, workers: 1, onWarning: text => said.push(text) })
    const write = (answer: string) => {
      writeFileSync(path, `asked = Name a prime.\nbest = ${answer}\nrejected = Nine.\n`)
    }
    write('Seven.')
    expect((await once()).status).toBe('published')
    expect((await once()).status).toBe('nothing_new')
    write('Five.')
    expect((await once()).status).toBe('published')
    expect(said).toEqual([])
  })

  it('that gives other columns or rows than it said is told what', async () => {
    const path = join(at, 'blocks', 'a.blocks'),
      base = `import base from ${JSON.stringify(own)}\n`
    const refused = async (code: string) => {
      const use = join(folder(), 'own.mjs')
      writeFileSync(use, `${base}export default { ...base, ${code} }\n`)
      return read(use, path).then(
        () => '',
        (error: unknown) => (error as Error).message,
      )
    }
    expect(await refused('open: async (...all) => ({ ...(await base.open(...all)), rows: 60 })')).toContain(
      'gave 50 of the 60 rows from row 0 on: it changed while it was read, or read() of read_blocks gives other rows than open() counts',
    )
    const fewer = (rows: number) => refused(`open: async (...all) => ({ ...(await base.open(...all)), rows: ${rows} })`)
    // in the block that has the last of them, and in one behind it
    for (const rows of [49, 20, 1]) {
      expect(await fewer(rows)).toContain(
        `gave more than its ${rows} rows: it changed while it was read, or read() of read_blocks gives other rows than open() counts`,
      )
    }
    const without = "read: (options, file, range) => base.read(options, file, { ...range, columns: ['asked'] })"
    expect(await refused(without)).toContain(
      "read() of read_blocks gives no column 'best', which open() has; it gives asked",
    )
    expect(await refused('inputs: () => []')).toContain(
      "the stage says 'inputs', which is 'open' now, of one file: open(options, path) gives { schema, rows,",
    )
    expect(await refused('extensions: undefined')).toContain("the stage lacks extensions (as in ['.txt'])")
  })
})
