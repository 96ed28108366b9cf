/**
 * A case is a folder: graph.yaml, a few lines of input, and expected.txt, which holds what becomes of every row and
 * what is written. `UPDATE_GOLDEN=1 npx vitest run test/golden` writes expected.txt again; review the difference before
 * it is committed.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { run } from '../../index.mjs'
import { folder, rowsOf } from '../engine/helpers.ts'

vi.setConfig({ testTimeout: 300_000 })

const here = fileURLToPath(new URL('.', import.meta.url))
const cases = readdirSync(here, { withFileTypes: true })
  .filter(entry => entry.isDirectory())
  .map(({ name }) => name)

interface LedgerRow {
  id: string
  file: string
  row: number
  outcome: string
  stage: string | null
  reason: string | null
  numbers: { value: number | null; limit: number | null }[]
  detail: string | null
  sinks: string[]
}
interface Note {
  id: string
  noted_reason: string
}

const round = (value: number) => String(Number(value.toPrecision(4)))

/** `id outcome [in sinks] [stage.reason value of limit] [detail]` */
function ledgerLine({ id, outcome, sinks, stage, reason, numbers, detail }: LedgerRow): string {
  const values = numbers.map(({ value, limit }) => `${round(value!)}${limit === null ? '' : ` of ${round(limit)}`}`)
  return [
    id,
    outcome,
    ...(sinks.length > 0 ? ['in', sinks.join(', ')] : []),
    ...(reason ? [`${stage ? `${stage}.` : ''}${reason}`] : []),
    ...values,
    ...(detail ? [`(${detail})`] : []),
  ].join(' ')
}

/** Rows as JSON Lines, without nulls, and without the reviewers' opinions: those change whenever a model does. */
const lines = (rows: readonly Record<string, unknown>[]) =>
  rows.map(row =>
    JSON.stringify(
      Object.fromEntries(
        Object.entries(row).filter(([name, value]) => value !== null && !/_(margin_\w+|probability|class)$/.test(name)),
      ),
      (_, value) => (typeof value === 'bigint' ? Number(value) : (value as unknown)),
    ),
  )

/** All that a sink wrote. */
async function written(path: string): Promise<string[]> {
  if (existsSync(join(path, 'data.jsonl'))) {
    return readFileSync(join(path, 'data.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .filter(line => line !== '')
  }
  if (!existsSync(join(path, 'data.parquet'))) return lines(rowsOf(path))
  const bytes = readFileSync(join(path, 'data.parquet'))
  return lines(
    await parquetReadObjects({
      file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer,
      compressors,
    }),
  )
}

async function describeRun(
  at: string,
  sinks: Readonly<
    Record<
      string,
      { columns: readonly string[]; renamed: Readonly<Record<string, string>>; facts: Readonly<Record<string, string>> }
    >
  >,
): Promise<string> {
  const ledger = rowsOf(join(at, 'ledger')) as unknown as LedgerRow[]
  const files = [...new Set(ledger.map(({ file }) => file))]
  const out = files.flatMap(file => [`# ${file}`, ...ledger.filter(row => row.file === file).map(ledgerLine), ''])
  for (const [id, { columns, renamed, facts }] of Object.entries(sinks)) {
    out.push(
      `# ${id}: ${Object.values(facts).join(' ')}, ${columns.join(' ')}`,
      ...Object.entries(renamed).map(([from, to]) => `# ${from} is written as ${to}`),
      ...(await written(join(at, id))),
      '',
    )
  }
  const notes = existsSync(join(at, 'notes')) ? readdirSync(join(at, 'notes')).sort() : []
  for (const id of notes) {
    out.push(
      `# notes of ${id}`,
      ...(rowsOf(join(at, 'notes', id)) as unknown as Note[]).map(note => `${note.id} ${note.noted_reason}`),
      '',
    )
  }
  return out.join('\n')
}

// paths of a graph start from the working directory
beforeAll(() => process.chdir(fileURLToPath(new URL('../../', import.meta.url))))

describe('golden graphs', () => {
  it.each(cases)('%s', async name => {
    for (const file of readdirSync(join(here, name)).filter(file => file.endsWith('.jsonl'))) {
      expect(
        readFileSync(join(here, name, file), 'utf8')
          .trimEnd()
          .split('\n').length,
        file,
      ).toBeLessThanOrEqual(12)
    }
    const { folder: at, manifest } = await run(join(here, name, 'graph.yaml'), {
      output: join(folder(), 'out'),
      workers: 1,
    })
    const text = await describeRun(at, manifest.sinks),
      expected = join(here, name, 'expected.txt')
    if (process.env.UPDATE_GOLDEN) writeFileSync(expected, text)
    expect(text).toBe(readFileSync(expected, 'utf8'))
  })
})
