/** drop_by_column: three-valued logic against a model, exact numbers, types, what is told before a row is read. */
import {
  Bool,
  Date_,
  DateUnit,
  Field,
  Int64,
  List,
  Schema,
  Struct,
  TimestampMicrosecond,
  Uint64,
  Utf8,
  vectorFromArray,
  type Data,
} from 'apache-arrow'
import fc from 'fast-check'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { run } from '../../index.mjs'
import { messagesType } from '../../engine/arrow/columns.ts'
import { Batch } from '../../engine/arrow/flow.ts'
import { runExample } from '../../engine/run/examples.ts'
import { columnsIn, compile, wrongIn } from '../../stages/check/cel.ts'
import dropByColumn from '../../stages/check/drop_by_column.ts'
import { fingerprint, folder, pairs, rowsOf, writeJsonl } from '../engine/helpers.ts'

vi.setConfig({ testTimeout: 120_000 })

/** What an expression says of rows of these columns. */
function told(expression: string, columns: Readonly<Record<string, Data>>): (boolean | undefined)[] {
  const names = Object.keys(columns),
    rows = columns[names[0]].length,
    schema = new Schema(names.map(name => new Field(name, columns[name].type)))
  expect(wrongIn(expression, schema)).toBeUndefined()
  const say = compile(
    expression,
    schema,
  )(
    new Batch({
      schema,
      columns: Object.values(columns),
      rows,
      row: new Uint32Array(rows),
      copy: new Uint32Array(rows),
    }),
  )
  return Array.from({ length: rows }, (_, row) => say(row))
}

describe('an expression', () => {
  it('compares whole numbers of 64 bits exactly, with each other and with fractions', () => {
    const big = 2n ** 53n + 1n
    const n = vectorFromArray([big, big - 1n, null, 3n], new Int64()).data[0],
      u = vectorFromArray([2n ** 64n - 1n, big, 0n, 3n], new Uint64()).data[0]
    expect(told('n == 9007199254740993', { n, u })).toEqual([true, false, undefined, false])
    expect(told('n == 9007199254740992.0', { n, u })).toEqual([false, true, undefined, false])
    expect(told('n < 9007199254740993', { n, u })).toEqual([false, true, undefined, true])
    expect(told('u > 9223372036854775807 || n == u', { n, u })).toEqual([true, false, undefined, true])
    expect(told('n + 9223372036854775807 > 0', { n, u })).toEqual([undefined, undefined, undefined, undefined])
  })

  it('knows dates and instants, before 1970 too', () => {
    const at = vectorFromArray([-1, 1_700_000_000_000, null], new TimestampMicrosecond()).data[0],
      day = vectorFromArray([new Date('2024-05-01'), null, new Date('1969-12-31')], new Date_(DateUnit.DAY)).data[0]
    expect(told('at < timestamp("1970-01-01T00:00:00Z")', { at })).toEqual([true, false, undefined])
    expect(told('day >= timestamp("2024-05-01T00:00:00Z")', { day })).toEqual([true, undefined, false])
  })

  it('knows times by their zone, and parts of them in any', () => {
    const at = vectorFromArray(
      [Date.UTC(2024, 2, 10, 10, 30), Date.UTC(2024, 11, 31, 23, 30)],
      new TimestampMicrosecond(),
    ).data[0]
    const parts = (zone: string) => ['FullYear', 'Month', 'DayOfMonth', 'DayOfWeek', 'DayOfYear', 'Hours', 'Minutes'].map(part => `at.get${part}(${zone})`).join(', ') // prettier-ignore
    // 10:30 of that day is 03:30 in Los Angeles, an hour after 02:00 to 03:00 were left out
    expect(told(`[${parts('')}] == [2024, 2, 9, 0, 69, 10, 30]`, { at })).toEqual([true, false])
    expect(told(`[${parts('"America/Los_Angeles"')}] == [2024, 2, 9, 0, 69, 3, 30]`, { at })).toEqual([true, false])
    expect(told(`[${parts('"+01:00"')}] == [2025, 0, 0, 3, 0, 0, 30]`, { at })).toEqual([false, true])
    expect(told('at.getHours("Nowhere/Else") == 1', { at })).toEqual([undefined, undefined])
    const text = vectorFromArray(['2024-03-10T10:30:00Z', '2024-03-10T12:30:00.123456+02:00', '2024-03-10T10:30:00', 'x'], new Utf8()).data[0] // prettier-ignore
    expect(told('(timestamp(text)) .getHours() == 10', { text })).toEqual([true, true, undefined, undefined])
    expect(told('timestamp(1) < timestamp("1970-01-01T00:00:02Z")', { text })).toEqual([true, true, true, true])
    expect(wrongIn('timestamp(true) == null', new Schema([]))).toContain("'timestamp(bool)'")
  })

  it('holds fields against the schema, also in has', () => {
    const meta = new Struct([new Field('lang', new Utf8()), new Field('of', new Struct([new Field('n', new Int64())]))])
    const schema = new Schema([new Field('meta', meta), new Field('text', new Utf8()), new Field('chosen', messagesType), new Field('tags', new List(new Field('item', meta)))]) // prettier-ignore
    for (const right of ['has(meta.lang)', 'meta.of.n > 1', 'tags.exists(text, text.lang == "x")', 'tags[0].lang == "x"']) expect(wrongIn(right, schema)).toBeUndefined() // prettier-ignore
    expect(wrongIn('!has(meta.lagn)', schema)).toBe(
      "'meta' has no field 'lagn' (did you mean 'lang'?); there are lang, of",
    )
    expect(wrongIn('meta.of.m > 1', schema)).toContain("'meta.of' has no field 'm'")
    expect(wrongIn('!has(text.lang)', schema)).toContain("'text' is text, as objects of JSON Lines and CSV are, and has no field 'lang'") // prettier-ignore
    expect(wrongIn('has(chosen.role)', schema)).toContain("'chosen' is messages, read as their text, and has no field")
    expect(wrongIn('text == null || text_is_null', new Schema([...schema.fields, new Field('text_is_null', new Bool())]))).toBeUndefined() // prettier-ignore
  })

  it('reads what it names, but for what a macro binds', () => {
    expect(columnsIn('rating < 3 || tags.exists(t, t == lang) && meta.kind != "x"')).toEqual([
      'rating',
      'tags',
      'lang',
      'meta',
    ])
    expect(columnsIn('rating <')).toEqual([])
  })

  it('says of nulls what follows all the same, as SQL does', () => {
    type Told = boolean | undefined
    const not = (a: Told) => (a === undefined ? undefined : !a),
      and = (a: Told, b: Told) =>
        a === false || b === false ? false : a === undefined || b === undefined ? undefined : true,
      or = (a: Told, b: Told) => not(and(not(a), not(b)))
    interface Row {
      readonly x: number | null
      readonly s: string | null
    }
    interface Tree {
      readonly text: string
      of(row: Row): Told
    }
    const leaves: Tree[] = [
      { text: 'x < 2', of: ({ x }) => (x === null ? undefined : x < 2) },
      { text: '1 == x', of: ({ x }) => (x === null ? undefined : x === 1) },
      { text: '(x) == null', of: ({ x }) => x === null },
      { text: 'null != s', of: ({ s }) => s !== null },
      { text: 's != "a"', of: ({ s }) => (s === null ? undefined : s !== 'a') },
      { text: 'size(s) > 1', of: ({ s }) => (s === null ? undefined : s.length > 1) },
    ]
    const { tree } = fc.letrec<{ tree: Tree }>(tie => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(...leaves),
        tie('tree').map(a => ({ text: `!(${a.text})`, of: (row: Row) => not(a.of(row)) })),
        fc
          .tuple(tie('tree'), tie('tree'))
          .map(([a, b]) => ({ text: `(${a.text} && ${b.text})`, of: (row: Row) => and(a.of(row), b.of(row)) })),
        fc
          .tuple(tie('tree'), tie('tree'))
          .map(([a, b]) => ({ text: `(${a.text} || ${b.text})`, of: (row: Row) => or(a.of(row), b.of(row)) })),
      ),
    }))
    const rows = [null, 1, 2].flatMap(x => [null, 'a', 'ab'].map(s => ({ x, s })))
    const x = vectorFromArray(rows.map(row => row.x)).data[0],
      s = vectorFromArray(
        rows.map(row => row.s),
        new Utf8(),
      ).data[0]
    fc.assert(
      fc.property(tree, ({ text, of }) => {
        expect(told(text, { x, s }), text).toEqual(rows.map(of))
      }),
    )
  })

  it('is refused where it cannot be', () => {
    const schema = new Schema([new Field('lang', new Utf8()), new Field('type', new Utf8())])
    expect(wrongIn('lang <', schema)).toMatch(/EOF/)
    expect(wrongIn('lang > 3', schema)).toMatch(/string > int/)
    expect(wrongIn('lang == "a" || lang > 3', schema)).toMatch(/string > int, at 'lang > 3'/)
    expect(wrongIn('size(lang)', schema)).toMatch(/gives int, and .* true or false/)
    expect(wrongIn('type == "a"', schema)).toMatch(/'type' is a word of the language.*rename_columns/)
    expect(wrongIn('now() > lang', schema)).toMatch(/now\(\)/)
  })
})

describe('drop_by_column', () => {
  it('keeps and notes what it cannot tell, whichever pairs are dropped', async () => {
    const row = { prompt: 'q', chosen: 'a', rejected: 'b' },
      rows = [1, 5, null].map(rating => ({ ...row, rating }))
    for (const [drop, gone] of [
      ['matching', { 0: 'matched' }],
      ['others', { 1: 'not_matched' }],
    ] as const) {
      const found = await runExample(dropByColumn, { title: 'x', options: { where: 'rating < 3', drop }, rows })
      expect(found).toMatchObject({ dropped: gone, noted: { 2: 'cannot_tell' }, errored: {} })
      expect(found.kept).toContain(2)
    }
  })

  it('tells of a wrong expression before a row is read, and drops the same rows with any number of workers', async () => {
    const at = folder(),
      input = writeJsonl(join(at, 'a.jsonl'), pairs(60))
    const graphOf = (where: string) => ({
      version: 1 as const,
      name: 'g',
      partition_rows: 7,
      stages: [
        { id: 'pairs', use: 'read_jsonl', with: { path: input } },
        { id: 'few', use: 'drop_by_column', with: { where } },
        { id: 'dpo', use: 'write_arrow' },
      ],
    })
    await expect(run(graphOf('numbr < 3'), { output: join(at, 'no') })).rejects.toThrow(
      /'few' reads a column that nothing upstream writes.*numbr.*expected one of id, prompt, chosen, rejected, number.*did you mean number/,
    )
    await expect(run(graphOf('number < "3"'), { output: join(at, 'no') })).rejects.toThrow(/with\/where.*int < string/)
    const runs = await Promise.all(
      [1, 3].map(workers =>
        run(graphOf('number < 3 || chosen.contains("answer 4")'), { output: join(at, `o${workers}`), workers }),
      ),
    )
    expect(fingerprint(runs[0].folder)).toEqual(fingerprint(runs[1].folder))
    const kept = pairs(60).filter(({ number, chosen }) => !(Number(number) < 3 || chosen.includes('answer 4')))
    expect(rowsOf(join(runs[0].folder, 'dpo')).map(({ id }) => id)).toEqual(kept.map(({ id }) => id))
  })
})
