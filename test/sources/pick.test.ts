/** Single rows of a file are read as they are in the whole of it, and little else is read. */
import { closeSync, copyFileSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { parquetMetadataAsync } from 'hyparquet'
import { beforeAll, describe, expect, it } from 'vitest'
import { run } from '../../index.mjs'
import type { AnySource, RowRange } from '../../engine/contract/define.ts'
import type { InputFile } from '../../engine/source/input.ts'
import { readPairs } from '../../engine/source/pairs.ts'
import { openInputs } from '../../engine/source/open.ts'
import { indexIpc } from '../../stages/sources/ipc_index.ts'
import readArrow from '../../stages/sources/read_arrow.ts'
import readJsonl from '../../stages/sources/read_jsonl.ts'
import readParquet from '../../stages/sources/read_parquet.ts'
import { textColumn } from '../../engine/arrow/columns.ts'
import { folder, pairs, writeJsonl } from '../engine/helpers.ts'
import { settings } from '../properties/settings.ts'
import { optionsOf } from './files.ts'
import { pairsOf } from './helpers.ts'

/** Rows of which some are no pair, some have no id, and some lines are no JSON. */
const ROWS = 230
const rows = pairs(ROWS).map((row, i) => ({
  ...row,
  ...(i % 7 === 0 && { rejected: null }),
  ...(i % 5 === 0 && { id: null }),
}))
const at = folder(),
  paths = { jsonl: join(at, 'in.jsonl'), parquet: join(at, 'in.parquet'), arrow: join(at, 'in.arrow') }
const kinds: readonly (readonly [keyof typeof paths, AnySource])[] = [
  ['jsonl', readJsonl as AnySource],
  ['parquet', readParquet as AnySource],
  ['arrow', readArrow as AnySource],
]
beforeAll(async () => {
  writeFileSync(paths.jsonl, rows.map((row, i) => (i % 11 === 0 ? '{"id": \n' : `${JSON.stringify(row)}\n`)).join(''))
  const stages = [
    { id: 'pairs', use: 'read_jsonl', with: { path: writeJsonl(join(at, 'whole.jsonl'), pairs(ROWS)) } },
    { id: 'parquet', use: 'write_parquet', from: 'pairs', with: { row_group_rows: 20 } },
    { id: 'arrow', use: 'write_arrow', from: 'pairs' },
  ]
  const { folder: made } = await run(
    { version: 1, name: 'make', partition_rows: 20, stages },
    { output: join(at, 'made'), workers: 1 },
  )
  copyFileSync(join(made, 'parquet', 'data.parquet'), paths.parquet)
  copyFileSync(join(made, 'arrow', 'data-00000-of-00001.arrow'), paths.arrow)
})

const open = async (source: AnySource, path: string): Promise<InputFile> =>
  (await openInputs(source, optionsOf(path), at))[0]

/** All that a source says of the rows of a range, by the file's row. */
async function said(source: AnySource, file: InputFile, range: RowRange): Promise<Map<number, unknown>> {
  const found = new Map<number, unknown>()
  for await (const batch of readPairs(
    source,
    optionsOf(file.path),
    structuredClone({ path: file.path, layout: file.layout, plan: file.plan }),
    range,
  )) {
    const all = pairsOf(batch),
      ids = textColumn(batch.ids)
    expect(batch.rows).toHaveLength(batch.raw.numRows)
    batch.rows.forEach((row, i) =>
      found.set(row, {
        id: ids.text(i),
        pairs: all.filter((_, k) => batch.row[k] === row),
        refused: batch.refused.filter(one => one.row === row),
      }),
    )
  }
  return found
}

describe.each(kinds)('single rows of %s', (kind, source) => {
  it('are what they are in the whole file, whatever the range', async () => {
    const file = await open(source, paths[kind]),
      whole = await said(source, file, { start: 0, end: ROWS })
    expect([...whole.keys()]).toEqual([...Array(ROWS).keys()])
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.nat(ROWS - 1), { minLength: 1, maxLength: 60 }),
        fc.nat(60),
        async (picked, start) => {
          const some = picked.filter(row => row >= start).sort((a, b) => a - b)
          if (some.length === 0) return
          const got = await said(source, file, { start, end: ROWS, rows: Uint32Array.from(some) })
          expect([...got]).toEqual(some.map(row => [row, whole.get(row)]))
        },
      ),
      settings(25),
    )
  })
})

/** Rows at which parts of a file begin that are stored together, and where in the file damage to each shows. */
const parts = {
  async parquet(path: string) {
    const file = readFileSync(path),
      { row_groups: groups } = await parquetMetadataAsync(
        file.buffer.slice(file.byteOffset, file.byteOffset + file.length) as ArrayBuffer,
      )
    return groups.map(({ columns }, k) => ({ first: k * 20, byte: Number(columns[1].meta_data!.data_page_offset) }))
  },
  arrow: (path: string) =>
    Promise.resolve(indexIpc(path).batches.map(({ first, at: [start] }) => ({ first, byte: start + 8 }))),
}

describe.each([
  ['parquet', readParquet as AnySource],
  ['arrow', readArrow as AnySource],
] as const)('of %s', (kind, source) => {
  it('only what is stored with a row to read is read', async () => {
    const file = await open(source, paths[kind]),
      all = await parts[kind](paths[kind]),
      whole = await said(source, file, { start: 0, end: ROWS })
    expect(all.length).toBeGreaterThan(5)
    for (const { first, byte } of all) {
      const path = join(at, `${first}.${kind}`),
        others = all.map(part => part.first).filter(row => row !== first)
      copyFileSync(paths[kind], path)
      const fd = openSync(path, 'r+')
      writeSync(fd, Buffer.alloc(40), 0, 40, byte)
      closeSync(fd)
      const read = (...rows: number[]) =>
        said(source, { ...file, path }, { start: 0, end: ROWS, rows: Uint32Array.from(rows) })
      expect([...(await read(...others))]).toEqual(others.map(row => [row, whole.get(row)]))
      // the damage is seen where it is read
      expect((await read(first).catch(() => undefined))?.get(first)).not.toEqual(whole.get(first))
    }
  })
})
