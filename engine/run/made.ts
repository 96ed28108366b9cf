/** Pairs that a run made of rows: they stand in no ledger. */
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { RecordBatch } from 'apache-arrow'
import { textColumn } from '../arrow/columns.ts'
import { readParquet } from '../dataset.ts'
import { DataError } from '../errors.ts'
import { readManifest, readStream } from './inspect.ts'

/** Whether a row of this id is in what a run gave to its sinks or set aside. */
export async function isMade(run: string, id: string): Promise<boolean> {
  const { sinks, files } = readManifest(run),
    folders = new Set([...Object.keys(sinks), 'dropped', 'notes'])
  for (const file of Object.keys(files)) {
    if (!folders.has(file.split('/')[0])) continue
    try {
      if (await holds(join(run, file), id)) return true
    } catch (error) {
      throw new DataError(
        `${join(run, file)} cannot be read (${(error as Error).message}); \`sluice verify\` says what is damaged`,
        { cause: error },
      )
    }
  }
  return false
}

async function holds(path: string, id: string): Promise<boolean> {
  if (/\.(?:arrow|parquet)$/.test(path)) {
    for await (const batch of path.endsWith('.arrow') ? readStream(path) : readParquet(path, { columns: ['id'] })) {
      if (hasId(batch, id)) return true
    }
    return false
  }
  const text = JSON.stringify(id).slice(1, -1)
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    // of a sink of one's own nobody knows where the id stands
    if (line.includes(text) && (!path.endsWith('.jsonl') || idOf(line) === id)) return true
  }
  return false
}

function hasId(batch: RecordBatch, id: string): boolean {
  const [column] = batch.getChild('id')?.data ?? []
  if (column === undefined) return false
  const ids = textColumn(column)
  for (let i = 0; i < batch.numRows; i++) if (ids.text(i) === id) return true
  return false
}

const idOf = (line: string): unknown => (JSON.parse(line) as { id?: unknown }).id
