/** Parquet files of many writers and types, against what those writers say is in them. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { RecordBatchReader, Table, tableFromIPC, tableToIPC, Type } from 'apache-arrow'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sizeOf } from '../../engine/arrow/columns.ts'
import { decodedBytes, openParquet, readRows } from '../../engine/parquet/file.ts'
import { fixture, flaws, read, shared, temporary, valueAt } from './helpers.ts'

type Row = Record<string, unknown>
interface Entry {
  readonly file: string
  readonly rows?: number
  readonly expected?: string
  readonly codecs?: readonly string[]
  readonly row_groups?: number
}

const dialect = (name: string): string => shared(`parquet-dialects/${name}`)
const lines = (name: string): Row[] =>
  readFileSync(dialect(name), 'utf8')
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as Row)
const manifest = JSON.parse(readFileSync(dialect('manifest.json'), 'utf8')) as Entry[]
const files = manifest.filter(({ file }) => file.endsWith('.parquet') && !file.startsWith('damaged/'))
const damaged = manifest.filter(({ file }) => file.startsWith('damaged/')).map(({ file }) => file)
const integers = new Set(['n_turns', 'n_votes'])

function foldTurns({ id, prompt, chosen, rejected }: Row): Row {
  const side = (content: unknown): unknown[] => [...(prompt as unknown[]), { role: 'assistant', content }]
  return { id, chosen: side(chosen), rejected: side(rejected) }
}

/** the rows a file of the manifest must give, in the reader's form (64-bit integers as text) */
function expectedRows({ file, rows, expected = '' }: Entry): Row[] {
  if (expected === 'no rows') return []
  const name = /^\S+\.jsonl/.exec(expected)![0]
  let all = lines(name).slice(0, rows)
  if (expected.includes('prompt as JSON text')) all = all.map(row => ({ ...row, prompt: JSON.stringify(row.prompt) }))
  if (expected.includes('turns folded')) all = all.map(foldTurns)
  if (file === 'a-many-columns.parquet') {
    all = all.map(row => ({
      ...row,
      ...Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`meta_${i}`, row.subset])),
    }))
  }
  return all.map(row =>
    Object.fromEntries(
      Object.entries(row).map(([key, value]) => [key, integers.has(key) && value !== null ? String(value) : value]),
    ),
  )
}

/** compares every column of the file; JSON text by what it says */
function expectRows(got: Row[], want: Row[], columns: readonly string[]): void {
  const parse = (value: unknown): unknown =>
    typeof value === 'string' && value.startsWith('[{') ? JSON.parse(value) : value
  const pick = (row: Row): Row =>
    Object.fromEntries(columns.map(name => [name, name === 'prompt' ? parse(row[name]) : (row[name] ?? null)]))
  expect(got.length).toBe(want.length)
  expect(got.map(pick)).toEqual(want.map(pick))
}

describe('the footer', () => {
  test.each([
    ['texts in dictionaries', 'ukpconvarg1/all.parquet', 0.95, 1.05],
    ['conversations', 'hh-rlhf/helpful-online-test.parquet', 0.95, 1.05],
    ['numbers and texts', 'dpo-reward-margins/shp.parquet', 0.95, 1.05],
    // of what nobody counted it knows the pages, with each text of a dictionary once
    ['no counts', 'parquet-dialects/a-no-statistics.parquet', 0.5, 1.05],
  ] as const)('says what columns take once decoded: %s', async (_, name, least, most) => {
    const file = await openParquet(shared(name))
    for (const columns of [undefined, ['prompt', 'chosen']]) {
      let bytes = 0
      for await (const { data } of readRows(file, { start: 0, end: file.rows }, { columns })) {
        bytes += data.children.reduce((sum, column) => sum + sizeOf(column), 0)
      }
      expect(decodedBytes(file, columns) / bytes).toBeGreaterThan(least)
      expect(decodedBytes(file, columns) / bytes).toBeLessThan(most)
    }
  })
})

describe('dialects', () => {
  test('the manifest is there', () => {
    expect(files.length).toBeGreaterThan(40)
    expect(damaged.length).toBe(8)
  })

  test.each(files)('$file', async entry => {
    const file = await openParquet(dialect(entry.file))
    expect(file.rows).toBe(entry.rows)
    expect(file.rowGroups.length).toBe(entry.row_groups)
    expect([...file.codecs].map(codec => codec.replace('_RAW', '')).sort()).toEqual([...entry.codecs!].sort())
    expect(file.checksums).toBe(entry.file.includes('checksum'))
    const { rows, batches } = await read(file)
    const columns = file.schema.names as string[]
    expectRows(rows, expectedRows(entry), columns)
    if (entry.file === 'a-many-columns.parquet') expect(columns.length).toBe(210)
    else if (rows.length > 0) expect([...columns].sort()).toEqual(Object.keys(expectedRows(entry)[0]).sort())
    for (const batch of batches) {
      expect(flaws(batch.data)).toEqual([])
      expect(String(batch.schema)).toBe(String(file.schema))
    }
  })

  test('hive folders and shards', async () => {
    const want = expectedRows({ file: '', expected: 'sample-a.jsonl', rows: 240 })
    const byId = new Map(want.map(row => [row.id, row]))
    const ids: unknown[] = []
    for (const folder of readdirSync(dialect('hive'))) {
      const file = await openParquet(dialect(`hive/${folder}/part-0.parquet`))
      const { rows } = await read(file)
      const subset = folder.replace('subset=', '')
      expectRows(
        rows.map(row => ({ ...row, subset })),
        rows.map(row => byId.get(row.id)!),
        [...(file.schema.names as string[]), 'subset'],
      )
      ids.push(...rows.map(row => row.id))
    }
    expect(ids.sort()).toEqual([...byId.keys()].sort())
    const shards: Row[] = []
    for (const name of readdirSync(dialect('shards')).sort()) {
      shards.push(...(await read(await openParquet(dialect(`shards/${name}`)))).rows)
    }
    expectRows(shards, want, Object.keys(want[0]))
  })

  test('text without an annotation is text by its column name', async () => {
    const { schema } = await openParquet(dialect('a-binary-no-utf8-annotation.parquet'))
    expect(schema.fields.find(({ name }) => name === 'chosen')!.type.typeId).toBe(Type.Utf8)
  })
})

describe('types', () => {
  const want = JSON.parse(readFileSync(fixture('expected.json'), 'utf8')) as Record<string, unknown[]>
  const names = readdirSync(fixture('.')).filter(name => name.endsWith('.parquet'))

  test.each(names)('%s', async name => {
    const file = await openParquet(fixture(name))
    expect(file.checksums).toBe(name.includes('crc'))
    for (const [start, end] of [
      [0, 120],
      [33, 100],
      [69, 71],
      [70, 70],
      [119, 120],
      [5, 64],
      [0, 120],
    ]) {
      const { rows, batches } = await read(file, { start, end }, { batchRows: 17 })
      expect(rows.length).toBe(end - start)
      for (const column of file.schema.names as string[]) {
        expect(
          rows.map(row => row[column]),
          column,
        ).toEqual(want[column].slice(start, end))
      }
      for (const batch of batches) {
        expect(flaws(batch.data)).toEqual([])
        const back = tableFromIPC(RecordBatchReader.from(tableToIPC(new Table([batch]))))
        expect(valueAt(back.batches[0].data, 0)).toEqual(valueAt(batch.data, 0))
      }
    }
  })

  test('schema is normalised alike, and keeps time zones where the file has them', async () => {
    const { schema } = await openParquet(fixture('v1-snappy.parquet'))
    const type = (name: string): string => String(schema.fields.find(field => field.name === name)!.type)
    expect(['f16', 'uuid', 'json', 'dictionary', 'list', 'map', 'tus', 'tms', 'bin'].map(type)).toEqual([
      'Float32',
      'Utf8',
      'Utf8',
      'Utf8',
      'List<List<Utf8>>',
      'List<Struct<{key:Utf8, value:Int32}>>',
      'Timestamp<MICROSECOND, Europe/Paris>',
      'Timestamp<MILLISECOND>',
      'Binary',
    ])
  })
})

describe('ranges, columns, batches', () => {
  const cases = [
    'a-rowgroups-100.parquet',
    'a-small-pages.parquet',
    'b-nullable-page-v2.parquet',
    'a-page-index-checksum.parquet',
    'b-nullable-lz4.parquet',
  ]

  test('neither ranges nor batch sizes nor columns change the rows', async () => {
    const opened = await Promise.all(
      cases.map(async name => {
        const file = await openParquet(dialect(name))
        return { file, all: (await read(file)).rows }
      }),
    )
    const size = fc.integer({ min: 0, max: 240 })
    await fc.assert(
      fc.asyncProperty(
        fc.nat(cases.length - 1),
        size,
        size,
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 200_000 }),
        fc.array(fc.nat(40)),
        async (which, a, b, batchRows, batchBytes, picks) => {
          const { file, all } = opened[which]
          const [start, end] = [Math.min(a, b), Math.max(a, b)]
          const names = file.schema.names as string[]
          const columns = picks.length > 0 ? [...new Set(picks.map(pick => names[pick % names.length]))] : undefined
          const { rows, batches } = await read(file, { start, end }, { batchRows, batchBytes, columns })
          const order = names.filter(name => !columns || columns.includes(name))
          expect(rows).toEqual(
            all.slice(start, end).map(row => Object.fromEntries(order.map(name => [name, row[name]]))),
          )
          for (const batch of batches) {
            expect(batch.numRows).toBeLessThanOrEqual(batchRows)
            expect(batch.schema.names).toEqual(order)
          }
        },
      ),
      { numRuns: 60, seed: 17 },
    )
  })

  test('batches stay near the byte limit', async () => {
    const file = await openParquet(dialect('a-no-dictionary.parquet'))
    const { batches } = await read(file, undefined, { batchBytes: 20_000 })
    expect(batches.length).toBeGreaterThan(10)
    for (const batch of batches) if (batch.numRows > 1) expect(batch.data.byteLength).toBeLessThan(40_000)
  })

  test('wrong requests are refused', async () => {
    const file = await openParquet(dialect('a-codec-none.parquet'))
    await expect(read(file, { start: 0, end: 241 })).rejects.toThrow(
      /a-codec-none\.parquet: has rows 0 to 240; \[0, 241\)/,
    )
    await expect(read(file, undefined, { columns: ['chosen', 'chosn'] })).rejects.toThrow(
      /has no column chosn; it has id, source/,
    )
    await expect(read({ ...file })).rejects.toThrow(/was not opened here/)
  })

  test('a consumer may stop early', async () => {
    const file = await openParquet(dialect('a-codec-zstd.parquet'))
    for await (const batch of readRows(file, { start: 0, end: 240 }, { batchRows: 10 })) {
      expect(batch.numRows).toBe(10)
      break
    }
  })
})

describe('damage', () => {
  test.each(damaged.filter(name => !name.includes('flipped-byte')))('%s is refused by name', async name => {
    const error = await openParquet(dialect(name)).then(
      () => undefined,
      (reason: unknown) => reason as Error,
    )
    expect(error?.message).toMatch(/^read_parquet: \S+\.parquet: [^\n]+$/)
    expect(error?.message).toContain(name)
  })

  test('an absent file is refused by name', async () => {
    await expect(openParquet(temporary('absent.parquet'))).rejects.toThrow(/absent\.parquet: cannot be opened: ENOENT/)
  })

  test('a flipped byte in a page with a checksum is refused with file, row group and column', async () => {
    const bytes = readFileSync(dialect('a-page-index-checksum.parquet'))
    let refused = 0
    for (let at = 2000; at < 100_000; at += 7001) {
      const path = temporary('flipped.parquet')
      const copy = Buffer.from(bytes)
      copy[at] ^= 16
      writeFileSync(path, copy)
      await expect(openParquet(path).then(file => read(file))).rejects.toThrow(
        /flipped\.parquet: row group 0, column \S+: the page at byte \d+ does not match/,
      )
      refused++
    }
    expect(refused).toBeGreaterThan(10)
  })

  test('any damage gives rows or one line that names the file', async () => {
    const sources = [
      'v1-snappy.parquet',
      'lz4-plain.parquet',
      'v2-zstd-index-crc.parquet',
      'v2-brotli-encodings.parquet',
    ].map(name => readFileSync(fixture(name)))
    const path = temporary('broken.parquet')
    await fc.assert(
      fc.asyncProperty(
        fc.nat(sources.length - 1),
        fc.array(fc.tuple(fc.nat(), fc.nat(7)), { minLength: 1, maxLength: 3 }),
        async (which, flips) => {
          const copy = Buffer.from(sources[which])
          for (const [at, bit] of flips) copy[at % copy.length] ^= 1 << bit
          writeFileSync(path, copy)
          const error = await openParquet(path)
            .then(file => read(file))
            .then(
              () => undefined,
              (reason: unknown) => reason as Error,
            )
          if (error) expect(error.message).toMatch(/^read_parquet: \S+broken\.parquet: [^\n]+$/)
        },
      ),
      { numRuns: 60, seed: 17 },
    )
  })
})
