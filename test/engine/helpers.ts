/** Inputs and readers for tests that run whole graphs through the built package, as users do. */
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { deserialize } from 'node:v8'
import { tableFromIPC } from 'apache-arrow'
import { afterAll } from 'vitest'

const folders: string[] = []
afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** A folder that goes with the test file. */
export function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'sluice-test-'))
  folders.push(made)
  return made
}

export interface Row {
  id: string
  prompt: string
  chosen: string
  rejected: string
  [column: string]: unknown
}

const words =
  'river stone lamp winter garden copper silent window paper harbour yellow engine market thread island'.split(' ')

/** Pairs of ordinary words, no two alike, told apart by `i` alone. */
export function pairs(count: number, from = 0): Row[] {
  return Array.from({ length: count }, (_, k) => {
    const i = from + k
    const text = (salt: number, n: number) =>
      Array.from({ length: n }, (_, w) => words[(i * 31 + salt * 17 + w * w * (1 + (i % 7))) % words.length]).join(' ')
    return {
      id: `r${i}`,
      prompt: `question ${i} about ${text(1, 4)}?`,
      chosen: `answer ${i}: ${text(2, 6 + (i % 9))}.`,
      rejected: `reply ${i}: ${text(3, 5 + (i % 11))}.`,
      number: i % 5,
    }
  })
}

export function writeJsonl(path: string, rows: readonly object[]): string {
  writeFileSync(path, rows.map(row => `${JSON.stringify(row)}\n`).join(''))
  return path
}

/** Rows of a folder of Arrow streams, in order of the files' names. */
export function rowsOf(path: string): Record<string, unknown>[] {
  if (!existsSync(path)) return []
  return readdirSync(path)
    .filter(file => file.endsWith('.arrow'))
    .sort()
    .flatMap(file =>
      tableFromIPC(readFileSync(join(path, file)))
        .toArray()
        .map(
          row =>
            JSON.parse(
              JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? Number(value) : (value as unknown))),
            ) as Record<string, unknown>,
        ),
    )
}

/** sha256 of every published file but the timings, and the page that shows them. */
export function fingerprint(run: string): Record<string, string> {
  const files = readdirSync(run, { recursive: true })
    .map(String)
    .filter(file => statSync(join(run, file)).isFile() && !['timings.json', 'report.html'].includes(file))
    .sort()
  return Object.fromEntries(
    files.map(file => [
      relative('.', file),
      createHash('sha256')
        .update(readFileSync(join(run, file)))
        .digest('hex'),
    ]),
  )
}

/** The passes that a run left, by their folder: of which level each is, and the file that says that it is whole. */
export function passesOf(output: string): Map<string, { level: number; file: bigint }> {
  const spools = join(output, '.sluice', 'spools')
  const metas = new Map(
    readdirSync(spools)
      .filter(name => !name.includes('.'))
      .map(name => {
        const bytes = readFileSync(join(spools, name, 'meta.bin'))
        return [join(spools, name), deserialize(bytes.subarray(0, -8)) as { level: number }]
      }),
  )
  return new Map(
    [...metas].map(([path, { level }]) => [
      path,
      { level, file: statSync(join(path, 'meta.bin'), { bigint: true }).ino },
    ]),
  )
}

/** By level, the passes that were made, of those that the run used. */
export function madeSince(before: ReturnType<typeof passesOf>, output: string): string[] {
  const made: number[] = [],
    all: number[] = []
  for (const [path, { level, file }] of passesOf(output)) {
    all[level] = (all[level] ?? 0) + 1
    made[level] = (made[level] ?? 0) + (before.get(path)?.file === file ? 0 : 1)
  }
  return made.map((count, level) => `${count} of ${all[level]}`)
}
