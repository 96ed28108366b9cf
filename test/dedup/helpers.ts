/** Runs one stage over rows in the plainest way: no files, no workers. */
import { Field, Schema, Utf8, type Data } from 'apache-arrow'
import {
  concat,
  makeBool,
  makeFloat64,
  makeMessages,
  makeText,
  messagesType,
  take,
} from '../../engine/arrow/columns.ts'
import { Batch } from '../../engine/arrow/flow.ts'
import { jsonValueOf } from '../../engine/arrow/plain.ts'
import type { Context, Edges, ExampleRow, AnyStage, Verdict } from '../../engine/contract/define.ts'

export interface Drop {
  readonly reason: string
  readonly value: number
  readonly survivor?: number
}

const names = ['prompt', 'chosen', 'rejected'] as const
const context: Context = {
  id: 'it',
  seed: 1,
  state: undefined,
  file: () => new Uint8Array(),
  ask: () => Promise.resolve([]),
}

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

/** Takes drops down under the rows' own numbers. */
const verdictOf = (numberOf: (row: number) => number, drops: Map<number, Drop>): Verdict => ({
  decided: () => false,
  drop: (row, reason, value = NaN, survivor) => {
    if (drops.has(numberOf(row))) return
    drops.set(numberOf(row), { reason, value, survivor: survivor === undefined ? undefined : numberOf(survivor) })
  },
  error: (row, message) => {
    throw new Error(`row ${numberOf(row)}: ${message}`)
  },
  note: () => {},
})

/**
 * What a stage drops, by row; the rows come, or are carried, in batches of `size`, and each group comes alone. Groups
 * are found by a Map, clusters by relabelling.
 */
export async function dropped(
  stage: AnyStage,
  rows: readonly ExampleRow[],
  options: object = {},
  size = rows.length,
): Promise<Map<number, Drop>> {
  const drops = new Map<number, Drop>(),
    all = { ...defaults(stage), ...options } as never
  if (!stage.carry) {
    const instance = stage.open!(all, context)
    for (let from = 0; from < rows.length; from += size) {
      await instance.batch(
        batchOf(rows.slice(from, from + size)),
        verdictOf(row => from + row, drops),
        {},
      )
    }
    return drops
  }
  if (rows.length === 0) return drops
  const carry = stage.carry(all, context as Context<undefined>)
  const parts = Array.from({ length: Math.ceil(rows.length / size) }, (_, i) => {
    const columns = carry(batchOf(rows.slice(i * size, (i + 1) * size)))
    return Object.keys(stage.carries!).map(name => dataOf(columns[name] as never))
  })
  const names = Object.keys(stage.carries!),
    columns = names.map((_, c) => concat(parts.map(part => part[c]))),
    by = stage.by as string[]
  const keysOf = (row: number): string[] => {
    const values = by.map(name => jsonValueOf(columns[names.indexOf(name)], row))
    return stage.rows === 'cluster' ? (values[0] as number[]).map(String) : [JSON.stringify(values)]
  }
  const groups = new Map<string, number[]>()
  rows.forEach((_, row) => {
    for (const key of new Set(keysOf(row))) groups.set(key, [...(groups.get(key) ?? []), row])
  })
  const cluster = rows.map((_, i) => i),
    best = rows.map(() => -1),
    instance = stage.open!(all, context)
  for (const members of [...groups.values()].reverse()) {
    const runs = members.flatMap(row => [row, row + 1])
    const batch = new Batch({
      schema: new Schema(names.map((name, c) => new Field(name, columns[c].type))),
      columns: columns.map(column => take(column, runs)),
      rows: members.length,
      row: new Uint32Array(members.length),
      copy: new Uint32Array(members.length),
      groups: Int32Array.of(0, members.length),
    })
    const {
      a = [],
      b = [],
      value = [],
    } = ((await instance.batch(
      batch,
      verdictOf(row => members[row], drops),
      {},
    )) ?? {}) as Partial<Edges>
    for (let i = 0; i < a.length; i++) {
      const [x, y] = [members[a[i]], members[b[i]]],
        ends = [cluster[x], cluster[y]]
      for (const row of [x, y]) best[row] = Math.max(best[row], value[i])
      cluster.forEach((label, row) => {
        if (ends.includes(label)) cluster[row] = Math.min(...ends)
      })
    }
  }
  cluster.forEach((label, row) => {
    if (label !== row) drops.set(row, { reason: Object.keys(stage.reasons)[0], value: best[row], survivor: label })
  })
  return drops
}

const dataOf = (values: Data | Float64Array | Uint8Array): Data =>
  values instanceof Float64Array ? makeFloat64(values) : values instanceof Uint8Array ? makeBool(values) : values

/** Reasons alone, by row, in order of rows. */
export const reasonsOf = (drops: ReadonlyMap<number, Drop>): Record<number, string> =>
  Object.fromEntries([...drops].sort(([a], [b]) => a - b).map(([row, { reason }]) => [row, reason]))
