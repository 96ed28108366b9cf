/** CHES over vectors in real Parquet files, against the formula worked out naively; and the exactness of shares. */
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import {
  Field,
  FixedSizeList,
  Float32,
  Float64,
  Int32,
  List,
  Table,
  tableToIPC,
  Utf8,
  vectorFromArray,
  type DataType,
} from 'apache-arrow'
import fc from 'fast-check'
import type * as Wasm from 'parquet-wasm/node'
import { describe, expect, it } from 'vitest'
import { graph, run } from '../../index.mjs'
import { Random } from '../../models/random.ts'
import { atRanks } from '../../stages/check/ranks.ts'
import { folder, rowsOf } from '../engine/helpers.ts'

const { Table: Written, writeParquet } = createRequire(import.meta.url)('parquet-wasm/node') as typeof Wasm

type Vector = readonly (number | null)[] | null
interface Row {
  readonly chosen: Vector
  readonly rejected: Vector
  readonly tokens?: number | null
}

/** Rows as arrow-rs writes them to Parquet. */
function parquet(path: string, rows: readonly Row[], type: DataType): string {
  const column = (values: readonly unknown[], type: DataType) => vectorFromArray(values, type)
  const table = new Table({
    id: column(
      rows.map((_, i) => `r${i}`),
      new Utf8(),
    ),
    prompt: column(
      rows.map((_, i) => `question ${i}`),
      new Utf8(),
    ),
    chosen: column(
      rows.map((_, i) => `answer ${i}`),
      new Utf8(),
    ),
    rejected: column(
      rows.map((_, i) => `reply ${i}`),
      new Utf8(),
    ),
    chosen_hidden: column(
      rows.map(row => row.chosen),
      type,
    ),
    rejected_hidden: column(
      rows.map(row => row.rejected),
      type,
    ),
    tokens: column(
      rows.map(row => row.tokens ?? null),
      new Int32(),
    ),
  })
  writeFileSync(path, writeParquet(Written.fromIPCStream(tableToIPC(table, 'stream'))))
  return path
}

async function ches(path: string, options: Readonly<Record<string, unknown>>, partition_rows = 1000) {
  const output = folder()
  const mine = graph(
    {
      version: 1,
      name: 'ches',
      partition_rows,
      stages: [
        { id: 'pairs', use: 'read_parquet', with: { path } },
        { id: 'ches', use: 'drop_ches', with: options },
        { id: 'out', use: 'write_arrow' },
      ],
    },
    { base: import.meta.url },
  )
  const { folder: made, manifest } = await run(mine, { output })
  return {
    kept: rowsOf(join(made, 'out')),
    dropped: rowsOf(join(made, 'dropped/ches')).map(row => row.id as string),
    manifest: manifest.stages.ches,
    noted: rowsOf(join(made, 'notes/ches')),
  }
}

const random = new Random(7)
const some = (count: number, width: number): Row[] =>
  Array.from({ length: count }, () => {
    const chosen = Array.from({ length: width }, () => random.normal())
    return {
      chosen,
      rejected: chosen.map(value => value * random.float() + random.normal()),
      tokens: 1 + random.below(9),
    }
  })
const naive = ({ chosen, rejected }: Row): number =>
  chosen!.reduce((sum: number, value, c) => sum + value! * rejected![c]! - value! * value!, 0)
const types = {
  'list<float>': new List(new Field('item', new Float32(), true)),
  'list<double>': new List(new Field('item', new Float64(), true)),
  'fixed-size list<float>': new FixedSizeList(8, new Field('item', new Float32(), true)),
}

describe.each(Object.entries(types))('vectors as %s', (_, type) => {
  const rows = some(500, 8),
    order = rows
      .map(naive)
      .map((score, i) => ({ score, id: `r${i}` }))
      .sort((a, b) => a.score - b.score)

  it('are scored by the formula, and the lowest share is kept, in whatever parts', async () => {
    const path = parquet(join(folder(), 'in.parquet'), rows, type),
      whole = await ches(path, { keep_share: 0.05 }),
      parts = await ches(path, { keep_share: 0.05 }, 64)
    expect(whole.kept.map(row => row.id).sort()).toEqual(
      order
        .slice(0, 25)
        .map(one => one.id)
        .sort(),
    )
    for (const row of whole.kept) {
      expect(row.ches_score).toBeCloseTo(naive(rows[Number((row.id as string).slice(1))]), 4)
    }
    expect(whole.dropped).toHaveLength(475)
    expect([parts.kept, parts.dropped, parts.manifest]).toEqual([whole.kept, whole.dropped, whole.manifest])
  })

  it('that are sums come to the same with their numbers of tokens, and nothing is dropped unasked', async () => {
    const sums = rows.map(row => ({
      ...row,
      chosen: row.chosen!.map(value => value! * row.tokens!),
      rejected: row.rejected!.map(value => value! * row.tokens!),
    }))
    const { kept, dropped } = await ches(parquet(join(folder(), 'in.parquet'), sums, type), {
      tokens_columns: { chosen: 'tokens', rejected: 'tokens' },
    })
    expect(dropped).toEqual([])
    kept.forEach((row, i) => {
      expect(row.ches_score).toBeCloseTo(naive(rows[i]), 3)
    })
  })
})

describe('rows without a score', () => {
  const [good, also] = some(2, 3)
  const bad: readonly [Row, string][] = [
    [{ ...good, chosen: null }, 'no_vector'],
    [{ ...good, rejected: [] }, 'no_vector'],
    [{ ...good, chosen: [1, null, 2] }, 'no_vector'],
    [{ ...good, rejected: [1, 2] }, 'unlike_widths'],
    [{ ...good, chosen: [1, NaN, 2] }, 'not_finite'],
    [{ ...good, rejected: [1, Infinity, 2] }, 'not_finite'],
    [{ ...good, tokens: null }, 'no_tokens'],
    [{ ...good, tokens: 0 }, 'no_tokens'],
    [{ ...good, tokens: -3 }, 'no_tokens'],
  ]
  const rows = [good, ...bad.map(([row]) => row), also]

  it('are kept, noted with the reason, and not counted in the share', async () => {
    const path = parquet(join(folder(), 'in.parquet'), rows, types['list<double>'])
    const { kept, dropped, noted, manifest } = await ches(path, {
      tokens_columns: { chosen: 'tokens', rejected: 'tokens' },
      keep_share: 0.5,
    })
    expect(dropped).toHaveLength(1)
    expect(kept.filter(row => row.ches_score === null)).toHaveLength(bad.length)
    expect(noted.map(note => [note.id, note.noted_reason])).toEqual(bad.map(([, reason], i) => [`r${i + 1}`, reason]))
    expect(manifest.report!.numbers).toMatchObject({ rows: rows.length, scored: 2 })
  })

  it('may be all', async () => {
    const { kept, manifest } = await ches(
      parquet(join(folder(), 'in.parquet'), [{ chosen: null, rejected: [1] }], types['list<float>']),
      { keep_share: 0.5, max_score: 0 },
    )
    expect(kept).toHaveLength(1)
    expect(manifest.report!.lines).toEqual(['none of 1 pairs has a score'])
  })
})

it('a bound holds beside the share, and vectors of two lengths are told', async () => {
  const rows = [...some(40, 3), ...some(40, 5)],
    path = parquet(join(folder(), 'in.parquet'), rows, types['list<double>'])
  const { kept, manifest } = await ches(path, { max_score: -2 })
  expect(kept.map(row => row.id)).toEqual(rows.flatMap((row, i) => (naive(row) <= -2 ? [`r${i}`] : [])))
  expect(manifest.report!.lines[1]).toContain('the vectors are 3 to 5 long')
})

it('columns that are absent, or no vectors, are found before a row is read', async () => {
  const path = parquet(join(folder(), 'in.parquet'), some(2, 3), types['list<float>'])
  await expect(ches(path, { hidden_columns: { chosen: 'tokens', rejected: 'rejected_hidden' } })).rejects.toThrow(
    'a list of float32 or float64',
  )
  await expect(ches(path, { hidden_columns: { chosen: 'chosen_hiden', rejected: 'rejected_hidden' } })).rejects.toThrow(
    'chosen_hiden',
  )
})

it('ranks are those of a sort, however the values are cut into parts', () => {
  const value = fc.oneof(
    fc.float({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(0, -0, 1, -1, 1.0000001192092896, -1.0000001192092896, 2 ** -149, 3.4028234663852886e38),
  )
  fc.assert(
    fc.property(
      fc.array(fc.array(value, { maxLength: 30 }), { minLength: 1, maxLength: 5 }),
      fc.array(fc.nat(160), { maxLength: 4 }),
      (parts, ranks) => {
        const sorted = Float32Array.from(parts.flat()).sort()
        expect(
          atRanks(
            parts.map(part => Float32Array.from(part)),
            ranks,
          ),
        ).toEqual(ranks.map(rank => sorted[rank] ?? NaN))
      },
    ),
  )
})
