/** An audit of a user's own, as a file, and graphs with it. */
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pairs, writeJsonl } from '../engine/helpers.ts'

/**
 * Writes an audit in TypeScript that counts the rows of its inputs and says which ids came, in their order; it refuses
 * more than `most_rows` of `kept`.
 */
export function ownAudit(folder: string, version = 1): string {
  const path = join(folder, 'audit_ids.ts')
  writeFileSync(
    path,
    `import { defineAudit, optional, round, Type } from 'sluice-data'
const columns = { id: 'text' } as const
export default defineAudit({
  name: 'audit_ids', version: ${version}, summary: 'Say which rows there are.',
  options: Type.Object({ most_rows: Type.Integer({ default: 1000, description: 'rows of kept' }) }),
  inputs: { kept: columns, dropped: optional(columns) },
  examples: [{ title: 'one', inputs: { kept: [{ id: 'a' }] }, numbers: { kept: 1 } }],
  tally: () => round({
    collect() {
      const ids: string[] = []
      return {
        batch(batch) { for (let row = 0; row < batch.rows; row++) ids.push(batch.text('id').text(row)) },
        part: () => ids,
      }
    },
    merge: (parts: Iterable<string[]>) => [...parts].flat(),
  }),
  report({ most_rows }, { kept, dropped }, previous) {
    return {
      lines: [\`\${kept.length} kept\${previous ? \`, \${previous.kept} before\` : ''}\`, 'warning: only a trial'],
      numbers: { kept: kept.length, ...(dropped ? { dropped: dropped.length } : {}), ids: kept.join(' ') },
      tables: { ids: kept.map((id, at) => ({ id, at })) },
      charts: [{ title: 'ids', table: 'ids', mark: 'point', encoding: { x: 'at', y: 'at', color: 'id' } }],
      refuse: kept.length > most_rows ? [\`\${kept.length} are kept, most_rows is \${most_rows}\`] : [],
    }
  },
})
`,
  )
  return path
}

export interface Entry {
  readonly id: string
  readonly use: string
  readonly with?: Readonly<Record<string, unknown>>
  readonly from?: string | readonly string[] | Readonly<Record<string, string | readonly string[]>>
}
export const graphOf = (partition_rows: number, ...stages: readonly Entry[]) => ({
  version: 1 as const,
  name: 'audited',
  partition_rows,
  stages,
})

/** Every third row is there twice; two files. */
export function inputs(folder: string): Entry {
  const rows = pairs(40).flatMap((row, i) => (i % 3 === 0 ? [row, { ...row, id: `${row.id}b` }] : [row])),
    paths = [rows.slice(0, 30), rows.slice(30)].map((some, i) => writeJsonl(join(folder, `in-${i}.jsonl`), some))
  return { id: 'pairs', use: 'read_jsonl', with: { path: paths[0], more_paths: paths.slice(1) } }
}

/** What a run has kept that is no tally. */
export const spoolsIn = (output: string): string[] =>
  readdirSync(join(output, '.sluice', 'spools'))
    .filter(name => !name.endsWith('.tally') && !name.endsWith('.tallied'))
    .sort()
