/** JSON Lines: the types of columns, lines that cannot be read, and any way to cut a file. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SourceOptions } from '../../engine/source/options.ts'
import { parseDigits, stringifyDigits } from '../../engine/source/json_digits.ts'
import { BLOCK_LINES, indexLines, readLines } from '../../stages/sources/lines.ts'
import { openInputs } from '../../engine/source/open.ts'
import readJsonl from '../../stages/sources/read_jsonl.ts'
import readParquet from '../../stages/sources/read_parquet.ts'
import { optionsOf, readAll } from './files.ts'
import { assistant, user, type Row } from './helpers.ts'

const data = fileURLToPath(new URL('../../../shared/data/parquet-dialects/', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'sluice-'))
let files = 0

function write(content: string | Uint8Array, name = `${files++}.jsonl`): string {
  const path = join(folder, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
  return path
}
const readText = (content: string, more: Partial<SourceOptions> = {}, step?: number) =>
  readAll(readJsonl, folder, write(content), more, step)
const readRows = (rows: readonly unknown[], more: Partial<SourceOptions> = {}, step?: number) =>
  readText(rows.map(row => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n'), more, step)
const pair = { prompt: 'Name a prime.', chosen: 'Seven.', rejected: 'Nine.' }

it('a line that is not UTF-8 is unreadable, whatever column holds it', async () => {
  const lines = ['one', 'ca\xe9', 'two'].map(note => `${JSON.stringify(pair).slice(0, -1)},"note":"${note}"}\n`)
  const { pairs, refused, errors } = await readAll(readJsonl, folder, write(Buffer.from(lines.join(''), 'latin1')))
  expect(pairs.map(({ note }) => note)).toEqual(['one', 'two'])
  expect([...refused.values()]).toEqual(['unreadable_line'])
  expect(errors.get(1)).toContain('the line is not UTF-8; of Latin-1 make it UTF-8, as by iconv')
})

describe('real rows', () => {
  for (const [lines, parquet] of [
    ['sample-a', 'a-codec-none'],
    ['sample-b', 'b-nullable-snappy'],
    ['sample-raw', 'raw-snappy'],
    ['sample-zh', 'zh-zstd'],
  ]) {
    it(`${lines} gives the pairs of the same rows in Parquet`, async () => {
      const a = await readAll(readJsonl, data, `${lines}.jsonl`, {}, 70),
        b = await readAll(readParquet, data, `${parquet}.parquet`)
      const bare = (all: typeof a) =>
        all.pairs.map(({ id, prompt, chosen, rejected, subset }) => ({ id, prompt, chosen, rejected, subset }))
      expect(bare(a)).toEqual(bare(b))
      expect(a.refused).toEqual(b.refused)
      expect(a.files[0].layout).toBe(b.files[0].layout)
    })
  }
})

describe('columns', () => {
  it('have the types of the values; lists, objects and mixtures are JSON text', async () => {
    const { pairs } = await readRows([
      { ...pair, n: 1, ok: true, tags: ['x'], meta: { a: 1 }, mixed: 1, nothing: null },
      { ...pair, n: null, ok: false, mixed: 'y' },
    ])
    expect(pairs[0]).toMatchObject({ n: 1, ok: true, tags: '["x"]', meta: '{"a":1}', mixed: '1', nothing: null })
    expect(pairs[0]).not.toHaveProperty('source_other')
    expect(pairs[1]).toMatchObject({ n: null, ok: false, tags: null, mixed: '"y"' })
  })

  it('what comes later and does not fit is kept as JSON', async () => {
    const rows: Row[] = Array.from({ length: 1000 }, () => ({ ...pair, n: 1 }))
    const { pairs, rows: read } = await readRows([...rows, { ...pair, n: 'many', late: [1] }, { ...pair, n: 2 }])
    expect(read).toBe(1002)
    expect(pairs.slice(999).map(({ n, source_other }) => [n, source_other])).toEqual([
      [1, null],
      [null, '{"n":"many","late":[1]}'],
      [2, null],
    ])
  })

  it('what fits no column is found in the last of many lines, and only where there is any', async () => {
    const rows: Row[] = Array.from({ length: 1500 }, (_, i) => ({
      ...pair,
      n: i,
      'clé "x"': 'a\\',
      nested: { a: ['}', '"', 1] },
    }))
    expect((await readRows(rows)).files[0].schema.names).not.toContain('source_other')
    for (const [late, other] of [
      [{ n: 'x' }, '{"n":"x"}'],
      [{ more: false }, '{"more":false}'],
      [{ nö: { a: 1 } }, '{"nö":{"a":1}}'],
    ] as const) {
      const { pairs } = await readRows([...rows, { ...pair, ...late }])
      expect([pairs[0].source_other, pairs[1500].source_other]).toEqual([null, other])
    }
    // nulls, keys with escapes and lines that are refused have nothing to keep
    const lines = rows.map(row => JSON.stringify(row))
    const {
      files: [file],
      errors,
    } = await readText(
      [
        ...lines,
        '{"prompt":"x","\\u0063hosen":"y","rejected":"z","late":null}',
        '{"late":1',
        '{"late":1}}',
        '[{"late":1}]',
      ].join('\n'),
    )
    expect(file.schema.names).not.toContain('source_other')
    expect([...errors.keys()]).toEqual([1501, 1502, 1503])
  })

  it('whole numbers are int64 and keep all digits, as ids do', async () => {
    const text = (values: readonly string[], name = 'n') =>
      values.map((value, i) => `{"prompt":"p${i}","chosen":"a","rejected":"b","${name}":${value}}`).join('\n')
    const read = async (values: readonly string[], name?: string) => {
      const {
        pairs,
        files: [{ schema }],
      } = await readText(text(values, name))
      return [
        String(schema.fields.find(field => field.name === (name ?? 'n'))!.type),
        pairs.map(pair => pair[name ?? 'n']),
      ]
    }
    expect(await read(['1', '-2', 'null', '0'])).toEqual(['Int64', [1, -2, null, 0]])
    expect(await read(['9007199254740993', '-9223372036854775808'])).toEqual([
      'Int64',
      ['9007199254740993', '-9223372036854775808'],
    ])
    expect(await read([...Array.from({ length: 1200 }, () => '1'), '2.5'])).toEqual([
      'Float64',
      [...Array.from({ length: 1200 }, () => 1), 2.5],
    ])
    expect(await read(['1.0', '2e3', '9007199254740992'])).toEqual(['Float64', [1, 2000, 2 ** 53]])
    expect(await read(['0.5', '9007199254740993'])).toEqual(['Utf8', ['0.5', '9007199254740993']])
    expect(await read(['18446744073709551615', '-1'])).toEqual(['Utf8', ['18446744073709551615', '-1']])
    expect(await read(['{"a": [12345678901234567890, "12345678901234567890"]}'])).toEqual([
      'Utf8',
      ['{"a":[12345678901234567890,"12345678901234567890"]}'],
    ])
    expect(await read(['12345678901234567', '7'], 'id')).toEqual(['Utf8', ['12345678901234567', '7']])
    expect(await read(['18446744073709551615', '"abc"', '1'], 'id')).toEqual([
      'Utf8',
      ['18446744073709551615', 'abc', '1'],
    ])
  })

  it('whole numbers in columns that a layout may read keep all digits, or their row is set aside', async () => {
    const asked = '"prompt":[{"role":"user","content":"q"}],"chosen":"a","rejected":"b"'
    const { pairs, errors } = await readText(
      [
        `{"id":"1",${asked},"context":1234567890123456789,"scores":[9007199254740992]}`,
        `{"id":"2",${asked},"context":7,"scores":[9007199254740993]}`,
        `{"id":"3",${asked.replace('"q"', '"q","uid":1234567890123456789')}}`,
        `{"id":"4",${asked.replace('"q"', '"q","uid":12}')}}`,
        `{"id":"5",${asked.replace('"q"', '"q","uid":12')}}`,
      ].join('\n'),
    )
    expect(pairs.map(({ id, context, scores }) => [id, context, scores])).toEqual([
      ['1', '1234567890123456789', [2 ** 53]],
      ['5', null, null],
    ])
    const why = 'and float64, which it is read as, rounds it; write it as text'
    expect([...errors]).toEqual([
      [1, `/scores holds 9007199254740993, ${why}`],
      [2, `/prompt holds 1234567890123456789, ${why}`],
      [3, 'the line is no JSON'],
    ])
  })

  it('a text that is cut in the middle of a character is unreadable, whole characters are read', async () => {
    const line = (id: number, more: string) => `{"id":"${id}","prompt":"q","rejected":"b",${more}}`
    const { pairs, errors } = await readText(
      [
        String.raw`"chosen":"whole \ud83d\uDE00 \\ud83d \ud7ff"`,
        String.raw`"chosen":"cut \ud83d"`,
        String.raw`"chosen":"a","note":{"a":["\uDE00\ud83d"]}`,
        String.raw`"chosen":"a","k\ud83d":1`,
      ]
        .map((more, i) => line(i, more))
        .join('\n'),
    )
    expect(pairs.map(({ chosen }) => chosen[0].content)).toEqual(['whole 😀 \\ud83d \ud7ff'])
    const why = (where: string, half: string) =>
      `${where} is cut in the middle of a character: it has \\u${half} without its other half`
    expect([...errors]).toEqual([
      [1, why('/chosen', 'd83d')],
      [2, why('/note/a/0', 'de00')],
      [3, why('a key of the line', 'd83d')],
    ])
    const message = (content: string) => JSON.stringify([{ role: 'user', content }])
    const inner = [message('q'), message('cut \ud83d'), ...Array.from({ length: 9 }, () => message('r'))]
    const { refused } = await readText(
      inner.map((prompt, id) => JSON.stringify({ id, prompt, chosen: 'a', rejected: 'b' })).join('\n'),
    )
    expect([...refused]).toEqual([['1', 'unreadable_prompt']])
  })

  it('any JSON is read as JSON.parse reads it, but for its long integers', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), (value, whole) => {
        expect(stringifyDigits(parseDigits(JSON.stringify(value)))).toBe(JSON.stringify(value))
        const text = `{"a": [${JSON.stringify(value)}, ${whole}],"b":"${whole}"}`
        expect(stringifyDigits(parseDigits(text))).toBe(`{"a":[${JSON.stringify(value)},${whole}],"b":"${whole}"}`)
      }),
      { numRuns: 500 },
    )
    const like = String.raw`["\u0000integer:5",12345678901234567890]`
    expect(stringifyDigits(parseDigits(like))).toBe(like)
  })

  it('messages with further fields, and completions with scores', async () => {
    const chosen = [{ ...assistant('Seven.'), tool_calls: [{ name: 'f' }] }]
    const {
      pairs,
      files: [file],
    } = await readRows([{ ...pair, prompt: [user('Name a prime.')], chosen, rejected: [assistant('Nine.')] }])
    expect([file.layout, pairs[0].source_chosen_fields]).toEqual(['messages', '[{"tool_calls":[{"name":"f"}]}]'])
    const scored = await readRows([
      {
        prompt: 'x',
        completions: [
          { response: 'a', score: 1 },
          { response: 'b', score: 2.5, note: null },
        ],
      },
    ])
    expect(scored.pairs[0]).toMatchObject({
      chosen: [assistant('b')],
      rejected: [assistant('a')],
      source_chosen_score: 2.5,
    })
  })

  it('folders key=value become columns', async () => {
    write(`${JSON.stringify(pair)}\n`, 'hive/lang=de/part.jsonl')
    expect((await readAll(readJsonl, folder, 'hive')).pairs[0].lang).toBe('de')
  })
})

describe('lines', () => {
  it('that cannot be read are refused with what is wrong, by their number', async () => {
    const { errors, refused, pairs } = await readRows([
      pair,
      '{"prompt": "x"',
      '',
      '[1]',
      { ...pair, chosen: 7 },
      { ...pair, id: 'x', rejected: ['Nine.'] },
      pair,
      { ...pair, rejected: null },
    ])
    expect(Object.fromEntries(errors)).toEqual({
      1: 'the line is no JSON',
      2: 'the line is empty',
      3: 'the line is JSON but no object',
      4: expect.stringContaining('/chosen must be string'),
      5: expect.stringContaining('/rejected must be string'),
    })
    expect(pairs.length).toBe(2)
    expect([...refused.values()].sort()).toEqual(
      [...Array.from({ length: 5 }, () => 'unreadable_line'), 'missing_rejected'].sort(),
    )
  })

  it('with a number that float64 cannot hold are set aside with key and value, not read as null', async () => {
    const line = (more: string) => `${JSON.stringify(pair).slice(0, -1)},${more}}`,
      long = '9'.repeat(400)
    const good = ['"n":1', '"n":2', '"n":3,"text":"1e400 \\"1e400\\": 1e999"', '"n":4,"list":[{"a":1e308},2]']
    const bad = [
      ['"n":1e400', '1e400', 'n'],
      ['"n":-1.5E+0309', '-1.5E+0309', 'n'],
      [`"n":${long}.5`, `${long.slice(0, 40)}…`, 'n'],
      ['"n":5,"list":[{"a":1},{"\\u0062":[0,1e309]},3]', '1e309', 'b'],
      ['"n":6,"new":{"c":{"d":1},"e":2e308}', '2e308', 'e'],
      ['"n":7,"list":[{"a":1},1e309]', '1e309', 'list'],
    ] as const
    for (const lines of [
      [...bad.map(([more]) => more), ...good],
      [...good, ...Array.from({ length: 1000 }, () => good[0]), ...bad.map(([more]) => more)],
    ]) {
      const {
        errors,
        refused,
        pairs,
        files: [{ schema }],
      } = await readRows(lines.map(line))
      expect([...errors.values()]).toEqual(
        bad.map(([, number, key]) => `the number ${number} of the key '${key}' is beyond what a float64 holds`),
      )
      expect([...refused.values()]).toEqual(bad.map(() => 'unreadable_line'))
      // whole numbers stay whole: what is not read says nothing of a column
      expect(String(schema.fields.find(({ name }) => name === 'n')!.type)).toBe('Int64')
      expect(pairs.slice(0, 4).map(({ n }) => n)).toEqual([1, 2, 3, 4])
    }
    // an integer keeps its digits as JSON
    const { pairs } = await readRows([line('"n":1'), line('"n":0.5'), line(`"n":${long}`), line('"n":1e-400')])
    expect(pairs.map(({ n }) => n)).toEqual(['1', '0.5', long, '0'])
  })

  it('Windows line ends, a byte order mark, no last line end', async () => {
    const { pairs } = await readText(`\ufeff${JSON.stringify(pair)}\r\n{"prompt":"x","chosen":"é","rejected":"z"}`)
    expect(pairs.map(({ prompt, chosen }) => [prompt[0].content, chosen[0].content])).toEqual([
      ['Name a prime.', 'Seven.'],
      ['x', 'é'],
    ])
  })

  it('more than a block and than a chunk: any range is the same rows', async () => {
    const lines = Array.from({ length: 2 * BLOCK_LINES + 3 }, (_, i) =>
      i === 5 ? 'y'.repeat(3 << 20) : i % 7 === 0 ? '' : `line ${i}`,
    )
    const path = write(lines.join('\n'))
    const index = await indexLines(path)
    expect([index.lines, index.offsets.length]).toEqual([lines.length, 3])
    for (const [start, end] of [
      [0, 7],
      [4, 6],
      [BLOCK_LINES - 1, BLOCK_LINES + 2],
      [2 * BLOCK_LINES, lines.length],
      [3, 3],
    ]) {
      const got: string[] = []
      for await (const line of readLines(path, index, { start, end })) got.push(line.toString())
      expect(got).toEqual(lines.slice(start, end))
    }
  })

  it('are counted as they are read', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom('', 'a', '\n', 'bb\n', '\r\n')), async parts => {
        const text = parts.join(''),
          path = write(text, 'counted.jsonl')
        const index = await indexLines(path)
        const got: string[] = []
        for await (const line of readLines(path, index, { start: 0, end: index.lines })) got.push(line.toString())
        const want = text.split('\n')
        if (want.at(-1) === '') want.pop()
        expect(got).toEqual(want)
      }),
      { numRuns: 60 },
    )
  })

  it('files without a row, and files that are something else, are named', async () => {
    const paths = [
      write(''),
      write('<html>\n'),
      write(JSON.stringify({ question: 'x' })),
      write('[\n  {\n    "prompt": "x"\n  }\n]\n'),
      write('[{"prompt":"x"}]'),
    ]
    const failure = openInputs(readJsonl, optionsOf(paths[0], { more_paths: paths.slice(1) }), folder)
    await expect(failure).rejects.toThrow(/5 of 5 files/)
    for (const part of [
      'has no line',
      'is it JSON Lines?',
      "none of the first 5 is a JSON object; of a JSON array make one object a line, as by jq -c '.[]'",
      "none of the first 1 is a JSON object; of a JSON array make one object a line, as by jq -c '.[]'",
      'it has a prompt (question) and no answers',
    ]) {
      await expect(failure).rejects.toThrow(part)
    }
    await expect(openInputs(readJsonl, optionsOf('none/*.jsonl'), folder)).rejects.toMatchObject({ exit: 66 })
  })
})
