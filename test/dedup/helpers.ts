/** Runs one stage over rows in the plainest way: no files, no workers, groups by a Map, clusters by relabelling. */
import { Field, Schema, Utf8 } from 'apache-arrow'
import { makeMessages, makeText, messagesType } from '../../engine/arrow/columns.ts'
import { Batch } from '../../engine/arrow/flow.ts'
import type { Context, ExampleRow, AnyStage, Verdict } from '../../engine/contract/define.ts'

export interface Drop {
  readonly reason: string
  readonly value: number
  readonly survivor?: number
}

const names = ['prompt', 'chosen', 'rejected'] as const
const context: Context = { id: 'it', seed: 1, state: undefined, ask: () => Promise.resolve([]) }

/** Texts of prompt, chosen and rejected, and of columns beside them; a list of texts is a prompt of several turns. */
export function batchOf(rows: readonly ExampleRow[]): Batch {
  const columns = names.map(name =>
    makeMessages(
      rows.map(row =>
        [row[name] as string | string[]]
          .flat()
          .map((content, i) => ({ role: name === 'prompt' && i % 2 === 0 ? 'user' : 'assistant', content })),
      ),
    ),
  )
  const others = [...new Set(rows.flatMap(Object.keys))].filter(name => !(names as readonly string[]).includes(name))
  const texts = others.map(name => makeText(rows.map(row => (row[name] as string | undefined) ?? null)))
  return new Batch({
    schema: new Schema([
      ...names.map(name => new Field(name, messagesType, false)),
      ...others.map(name => new Field(name, new Utf8())),
    ]),
    columns: [...columns, ...texts],
    rows: rows.length,
    row: new Uint32Array(rows.length),
    copy: new Uint32Array(rows.length),
  })
}

const defaults = (stage: AnyStage) =>
  Object.fromEntries(
    Object.entries(stage.options.properties).map(([name, { default: value }]) => [name, value as unknown]),
  )

/** What a stage drops, by row; the rows reach it in batches of `size`. */
export async function dropped(
  stage: AnyStage,
  rows: readonly ExampleRow[],
  options: object = {},
  size = rows.length,
): Promise<Map<number, Drop>> {
  const drops = new Map<number, Drop>(),
    all = { ...defaults(stage), ...options } as never
  const instance = stage.open?.(all, context),
    perRow = stage.group?.keysPerRow(all) ?? 0,
    opened = stage.group?.open(all, context)
  const buckets = new Map<bigint, Set<number>>(),
    payloads: Uint8Array[] = []
  for (let from = 0; from < rows.length; from += size) {
    const batch = batchOf(rows.slice(from, from + size))
    const verdict: Verdict = {
      drop: (row, reason, value = NaN) => {
        if (!drops.has(from + row)) drops.set(from + row, { reason, value })
      },
      error: (row, message) => {
        throw new Error(`row ${from + row}: ${message}`)
      },
      note: () => {},
    }
    await instance?.batch(batch, verdict)
    const keys = new BigUint64Array(batch.rows * perRow)
    opened?.keys(batch, keys)
    for (let row = 0; opened?.payload && row < batch.rows; row++) payloads.push(opened.payload(batch, row).slice())
    keys.forEach((key, i) => {
      if (key !== 0n) buckets.set(key, (buckets.get(key) ?? new Set()).add(from + Math.floor(i / perRow)))
    })
  }
  const cluster = rows.map((_, i) => i),
    best = rows.map(() => -1)
  for (const bucket of [...buckets.values()].reverse()) {
    const members = [...bucket]
    if (members.length < 2) continue
    stage.group!.each(
      { size: members.length, payload: member => payloads[members[member]] },
      {
        drop: (member, reason, value = NaN, survivor) =>
          drops.set(members[member], {
            reason,
            value,
            survivor: survivor === undefined ? undefined : members[survivor],
          }),
        edge: (a, b, value) => {
          const [x, y] = [members[a], members[b]],
            ends = [cluster[x], cluster[y]]
          for (const i of [x, y]) best[i] = Math.max(best[i], value)
          cluster.forEach((label, i) => {
            if (ends.includes(label)) cluster[i] = Math.min(...ends)
          })
        },
      },
      all,
    )
  }
  cluster.forEach((label, i) => {
    if (label !== i) drops.set(i, { reason: stage.group!.edgeReason!, value: best[i], survivor: label })
  })
  return drops
}

/** Reasons alone, by row, in order of rows. */
export const reasonsOf = (drops: ReadonlyMap<number, Drop>): Record<number, string> =>
  Object.fromEntries([...drops].sort(([a], [b]) => a - b).map(([row, { reason }]) => [row, reason]))
