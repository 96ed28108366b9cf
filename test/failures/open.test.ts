/** What a system says when an input is opened: a disk that fails is told from data that is wrong. */
import type * as fs from 'node:fs'
import type * as promises from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { openInputs } from '../../engine/source/open.ts'
import readJsonl from '../../stages/sources/read_jsonl.ts'
import readArrow from '../../stages/sources/read_arrow.ts'
import readParquet from '../../stages/sources/read_parquet.ts'
import { folder, pairs, writeJsonl } from '../engine/helpers.ts'

/** Which call fails for files named `bad…`, and how. */
const fault = vi.hoisted(() => ({ call: '', code: '' }))
const failing = vi.hoisted(() => (call: string, path: unknown) => {
  if (call !== fault.call || !/\/bad\.\w+$/.test(String(path))) return undefined
  return Object.assign(new Error(`${fault.code}: ${call}`), { code: fault.code, syscall: call })
})
vi.mock('node:fs', async original => {
  const real = await original<typeof fs>()
  const statSync = (path: string, options: object) => {
    const error = failing('stat', path)
    if (error) throw error
    return real.statSync(path, options)
  }
  const openSync = (path: string, flags: string) => {
    const error = failing('open', path)
    if (error) throw error
    return real.openSync(path, flags)
  }
  return { ...real, statSync, openSync }
})
vi.mock('node:fs/promises', async original => {
  const real = await original<typeof promises>()
  const open = (path: string, flags: string) => {
    const error = failing('open', path)
    return error ? Promise.reject(error) : real.open(path, flags)
  }
  return { ...real, open }
})

it.each([
  ['open', 'EIO', 74],
  ['open', 'ESTALE', 74],
  ['stat', 'EIO', 74],
  ['open', 'ENOENT', 65],
  ['open', 'EACCES', 65],
])('%s that fails with %s ends with %s', async (call, code, exit) => {
  const at = folder()
  for (const [source, ending] of [
    [readJsonl, 'jsonl'],
    [readParquet, 'parquet'],
    [readArrow, 'arrow'],
  ] as const) {
    const path = writeJsonl(join(at, `bad.${ending}`), pairs(3))
    Object.assign(fault, { call, code })
    await expect(
      openInputs(source, { path, more_paths: [], layout: 'auto' } as never, at, () => undefined),
      ending,
    ).rejects.toMatchObject({ exit, message: expect.stringContaining(path) as unknown })
    Object.assign(fault, { call: '', code: '' })
  }
})
