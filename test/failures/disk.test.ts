/** Disks that write or read by half or not at all: files are whole or absent, and the error is the disk's. */
import { Field, Schema } from 'apache-arrow'
import type * as Fs from 'node:fs'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { makeFloat64, makeInt32Lists } from '../../engine/arrow/columns.ts'
import { exitCode } from '../../engine/errors.ts'
import { loadUserStage } from '../../engine/graph/user_stage.ts'
import { loadValue, saveValue } from '../../engine/run/files.ts'
import { writeArrow } from '../../engine/dataset.ts'
import { damageOf } from '../../engine/sealed.ts'
import { defineStage, Type } from '../../engine/contract/define.ts'
import writeArrowSink from '../../stages/sinks/write_arrow.ts'
import writeJsonlSink from '../../stages/sinks/write_jsonl.ts'
import writeParquetSink from '../../stages/sinks/write_parquet.ts'
import { grouped } from '../engine/groups.ts'
import { folder, pairs, writeJsonl } from '../engine/helpers.ts'
import { numbered, pairs as pairBatch, runSink } from '../sinks/helpers.ts'
import { inProcess, latestFiles, leavesAlone, root, start, writeGraph } from './helpers.ts'

/** Of the calls so far, number `at` is done by half; with `full` the next write finds no space. */
const disk = vi.hoisted(() => ({
  fault: 'none' as 'none' | 'half' | 'full' | 'short',
  at: 0,
  writes: 0,
  reads: 0,
  isFull: false,
}))

vi.mock('node:fs', async original => {
  const fs = await original<typeof Fs>()
  const some = (fd: number, bytes: Uint8Array): number | undefined => {
    if (disk.isFull) {
      disk.isFull = false
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
    }
    if (disk.writes++ !== disk.at || !['half', 'full'].includes(disk.fault)) return undefined
    disk.isFull = disk.fault === 'full'
    return fs.writeSync(fd, bytes, 0, Math.ceil(bytes.length / 2))
  }
  return {
    ...fs,
    writeSync: (fd: number, data: Uint8Array, at = 0, length = data.byteLength - at) =>
      some(fd, data.subarray(at, at + length)) ?? fs.writeSync(fd, data, at, length),
    writevSync: (fd: number, chunks: readonly Uint8Array[]) =>
      some(fd, Buffer.concat(chunks)) ?? fs.writevSync(fd, chunks),
    readSync: (fd: number, into: Uint8Array, at: number, length: number, position: number) =>
      fs.readSync(
        fd,
        into,
        at,
        disk.reads++ === disk.at && disk.fault === 'short' ? Math.ceil(length / 2) : length,
        position,
      ),
  }
})

/** Rows that meet in pairs, and hang together. */
async function group(): Promise<string> {
  const values = (of: (i: number) => number) => Array.from({ length: 40 }, (_, i) => of(i))
  const columns = [
    makeInt32Lists(
      Int32Array.from({ length: 41 }, (_, i) => i),
      Int32Array.from(values(i => i >> 1)),
    ),
    makeFloat64(Float64Array.from(values(i => i % 3))),
  ]
  const schema = new Schema(['keys', 'n'].map((name, c) => new Field(name, columns[c].type)))
  const row = Uint32Array.from(values(i => 2 * i))
  const { at } = await grouped(meet, [
    { file: 'in', flow: { schema, columns, rows: 40, row, copy: new Uint32Array(40) } },
  ])
  return at
}
const meet = defineStage({
  name: 'meet',
  version: 1,
  summary: 's',
  options: Type.Object({}),
  examples: [],
  reads: { keys: 'list_int32', n: 'number' },
  writes: {},
  rows: 'cluster',
  reasons: { near: { kind: 'quality', about: '' } },
  by: ['keys'],
  carries: { keys: 'list_int32', n: 'float64' },
  carry: () => batch => ({ keys: batch.column('keys'), n: batch.column('n') }),
  open: () => ({
    batch: batch => ({
      a: [...batch.groups.subarray(0, -1)],
      b: [...batch.groups.subarray(0, -1)].map(row => row + 1),
      value: [...batch.groups.subarray(0, -1)].map(row => batch.numbers('n').values[row]),
    }),
  }),
})

let ownSource: string | undefined
const batches = () => [0, 1].map(() => pairBatch(numbered(30)))
/** All that writes files, each into a folder of its own. */
const works: Record<string, () => string | Promise<string>> = {
  'what travels to groups and back': group,
  'a saved value': () => {
    const at = join(folder(), 'v')
    mkdirSync(at)
    saveValue(join(at, 'state.bin'), { weights: new Float64Array(100).fill(1.5) })
    return at
  },
  write_arrow: async () => (await runSink(writeArrowSink, {}, batches())).folder,
  'write_arrow in another order': async () =>
    (await runSink(writeArrowSink, { order_by: 'id', descending: true }, batches())).folder,
  write_jsonl: async () => (await runSink(writeJsonlSink, {}, batches())).folder,
  write_parquet: async () => (await runSink(writeParquetSink, { row_group_rows: 20 }, batches())).folder,
  writeArrow: async () => {
    const at = join(folder(), 'set')
    await writeArrow(at, batches())
    return at
  },
  'the compiled stage of a user': async () => {
    // the same file each time: the map to the sources in what is compiled names its folder
    const at = folder(),
      path = join((ownSource ??= folder()), 'own.ts')
    writeFileSync(path, readFileSync(join(root, 'pipelines/stages/drop_shouting.mjs')))
    await loadUserStage(path, { folder: join(at, 'compiled') }).catch((error: Error) => {
      if ((error.cause as { code?: string } | undefined)?.code === 'ENOSPC') throw error
    })
    return join(at, 'compiled')
  },
}

describe('a disk that does by half what it is asked for', () => {
  it.each(Object.entries(works))(
    'whatever the write or read, is asked again or told: %s',
    { timeout: 300_000 },
    async (_, work) => {
      const under = async (fault: typeof disk.fault, at: number) => {
        Object.assign(disk, { fault, at, writes: 0, reads: 0, isFull: false })
        try {
          return await work()
        } finally {
          disk.fault = 'none'
        }
      }
      const filesOf = (at: string) =>
        Object.fromEntries(
          readdirSync(at, { recursive: true })
            .map(String)
            .sort()
            .filter(name => statSync(join(at, name)).isFile())
            .map(name => [name, readFileSync(join(at, name)).toString('hex')]),
        )
      const want = filesOf(await under('none', 0)),
        { writes, reads } = disk
      expect(writes).toBeGreaterThan(0)
      for (let at = 0; at < writes; at++) expect(filesOf(await under('half', at)), `write ${at}`).toEqual(want)
      for (let at = 0; at < reads; at++) expect(filesOf(await under('short', at)), `read ${at}`).toEqual(want)
      let refused = 0
      for (let at = 0; at < writes; at++) {
        // a half of one byte is all of it, and then the next write is the one that is refused
        try {
          expect(filesOf(await under('full', at)), `write ${at}`).toEqual(want)
        } catch (error) {
          const { cause = error } = error as Error
          expect(cause, `write ${at}`).toMatchObject({ code: 'ENOSPC' })
          refused++
        }
      }
      expect(refused).toBe(writes)
    },
  )

  it(
    'ends a run with 74, whichever thread and call it was, leaves `latest`, and the next run publishes what an undisturbed one does',
    { timeout: 300_000 },
    async () => {
      const at = folder(),
        output = join(at, 'out'),
        input = writeJsonl(join(at, 'in.jsonl'), pairs(100))
      const graph = writeGraph(join(at, 'g.json'), [
        { id: 'pairs', use: 'read_jsonl', with: { path: input } },
        { id: 'unique', use: 'drop_duplicates' },
        { id: 'dpo', use: 'write_arrow' },
        { id: 'people', use: 'write_parquet', from: 'unique' },
      ])
      expect((await inProcess('run', graph, '--output', output, '--quiet', '--workers', '1')).code).toBe(0)
      for (const [i, fault] of ['full:9', 'full:60', 'sync:0', 'sync:20', 'name:12', 'unread:3'].entries()) {
        writeJsonl(input, pairs(101 + i))
        const { code, stderr } = await leavesAlone(
          output,
          () =>
            start(
              [
                '--import',
                join(root, 'scripts/torture/faults.mjs'),
                join(root, 'scripts/sluice.mjs'),
                'run',
                graph,
                '--output',
                output,
                '--workers',
                '1',
                '--quiet',
              ],
              { SLUICE_TORTURE: fault },
            ).ended,
        )
        expect(code, `${fault}: ${stderr}`).toBe(74)
        expect(stderr).toMatch(/(ENOSPC|EIO): injected.*run the same command again/)
        expect(stderr).not.toMatch(/^ +at /m)
      }
      expect((await inProcess('run', graph, '--output', output, '--quiet', '--workers', '1')).code).toBe(0)
      expect((await inProcess('run', graph, '--output', join(at, 'clean'), '--quiet', '--workers', '1')).code).toBe(0)
      expect(latestFiles(output)).toEqual(latestFiles(join(at, 'clean')))
    },
  )

  it.each(['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO', 'EROFS', 'ESTALE', 'ENOENT'])("%s is the disk's, not a bug", code => {
    expect(exitCode(Object.assign(new Error(code), { code }))).toBe(74)
  })
})

describe('a sealed file', () => {
  it('is whole in its place alone, and not with a bit changed, a byte too few or too many', () => {
    const at = join(folder(), 'key'),
      path = join(at, 'state.bin'),
      other = join(at, 'other.bin')
    mkdirSync(at)
    saveValue(path, { some: 'value' })
    const bytes = readFileSync(path)
    expect([damageOf(path), loadValue(path)]).toEqual([undefined, { some: 'value' }])
    const damaged = [...bytes.keys()].map(i =>
      Buffer.from(bytes.map((byte, j) => (j === i ? byte ^ (1 << (i % 8)) : byte))),
    )
    for (const wrong of [
      ...damaged,
      bytes.subarray(1),
      bytes.subarray(0, -1),
      bytes.subarray(0, 3),
      Buffer.alloc(0),
      Buffer.concat([bytes, Buffer.of(0)]),
    ]) {
      writeFileSync(path, wrong)
      expect(damageOf(path)).toMatch(/state\.bin (is damaged|was cut off)$/)
      expect(() => loadValue(path)).toThrow('is damaged')
    }
    writeFileSync(other, bytes)
    expect(damageOf(other)).toMatch(/other\.bin is damaged$/)
    expect(damageOf(join(at, 'none'))).toMatch(/none is missing$/)
  })
})
