/** CSV as Python, pandas and Excel write it, records that are no row, and any way to cut a file. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openInputs } from '../../engine/source/open.ts'
import type { SourceOptions } from '../../engine/source/options.ts'
import readCsv from '../../stages/sources/read_csv.ts'
import { folder, rowsOf } from '../engine/helpers.ts'
import { sluice, writeGraph } from '../failures/helpers.ts'
import { optionsOf, readAll } from './files.ts'

const at = folder()
let files = 0
type Options = Partial<SourceOptions> & { delimiter?: string; types?: Record<string, string> }

function write(content: string | Uint8Array, name = `${files++}.csv`): string {
  writeFileSync(join(at, name), content)
  return name
}
const read = (content: string | Uint8Array, more: Options = {}, step?: number, name?: string) =>
  readAll(readCsv, at, write(content, name), { types: {}, ...more } as never, step)
const open = (content: string | Uint8Array, more: Options = {}) =>
  openInputs(readCsv, optionsOf(write(content), { types: {}, ...more } as never), at)

describe('what others write', () => {
  it('csv of Python: quotes where they are needed, \\r\\n, line breaks and quotes within', async () => {
    const { pairs, refused } = await read(
      'id,prompt,chosen,rejected,note\r\n7,"Name a\nprime, ""please"".",Seven.,Nine.,\r\n8,ü 漢?,"a\r\nb","",""\r\n',
    )
    expect(refused.size).toBe(0)
    expect(pairs.map(({ id, note }) => [id, note])).toEqual([
      ['7', null],
      ['8', ''],
    ])
    expect(pairs[0].prompt[0].content).toBe('Name a\nprime, "please".')
    expect([pairs[1].prompt[0].content, pairs[1].chosen[0].content]).toEqual(['ü 漢?', 'a\r\nb'])
    expect(pairs[1].rejected).toEqual([{ role: 'assistant', content: '' }])
  })

  it('to_csv of pandas: an index without a name, numbers and bools as text unless they are said to be some', async () => {
    const text = ',prompt,chosen,rejected,score,ok\n0,Q,A,B,0.5,True\n1,Q,A,,1e3,False\n'
    const { pairs, refused } = await read(text)
    expect(pairs[0]).toMatchObject({ 'Unnamed: 0': '0', score: '0.5', ok: 'True' })
    expect([...refused.values()]).toEqual(['missing_rejected'])
    const typed = await read(text.replace('A,,1e3', 'A,C,1e3'), { types: { score: 'number', ok: 'bool' } })
    expect(typed.pairs.map(({ score, ok }) => [score, ok])).toEqual([
      [0.5, true],
      [1000, false],
    ])
  })

  it('Excel: a byte order mark and semicolons, which are told of where they are not said', async () => {
    const text = '\ufeffprompt;chosen;rejected\r\nName a prime.;Seven, eleven.;Nine.\r\n'
    expect((await read(text, { delimiter: ';' })).pairs[0].chosen[0].content).toBe('Seven, eleven.')
    await expect(open(text)).rejects.toThrow(
      'its header is one column, prompt;chosen;rejected; if fields are parted by ";", say so by the option delimiter (--set <its id>.delimiter=";")',
    )
    await expect(open('prompt\tchosen\trejected\n')).rejects.toThrow("(--set <its id>.delimiter=$'\\t')")
    const { pairs } = await read('prompt\tchosen\trejected\nQ, q\tA\tB\n', {}, undefined, 'x.tsv')
    expect(pairs[0].prompt[0].content).toBe('Q, q')
  })

  it('replies of their own with scores, by the option types', async () => {
    const text = 'prompt,response,rank\nQ,A,0\nQ,B,1\nP,C,0\nP,D,1\n'
    const { files, pairs } = await read(text, { types: { rank: 'number' } }, 2)
    expect([files[0].layout, pairs.map(({ rank }) => rank)]).toEqual(['ranked', [0, 1, 0, 1]])
  })
})

describe('a record that is no row', () => {
  it('is refused with the line where it begins, and shifts nothing', async () => {
    const { pairs, refused, errors } = await read(
      'id,prompt,chosen,rejected\na,"Q\nq",A,B\nb,Q,A\nc,Q,A,B,C\n\nd,Q,A"a,B\ne,"Q"q,A,B\nf,"""Q""",A,B\n',
    )
    expect(pairs.map(({ id, prompt, chosen }) => [id, prompt[0].content, chosen[0].content])).toEqual([
      ['a', 'Q\nq', 'A'],
      ['d', 'Q', 'A"a'],
      ['f', '"Q"', 'A'],
    ])
    expect([...refused.values()]).toEqual(Array.from({ length: 4 }, () => 'unreadable_line'))
    expect(Object.fromEntries(errors)).toEqual({
      1: 'line 4: 3 fields, and the header has 4',
      2: 'line 5: 5 fields, and the header has 4',
      3: 'line 6: 1 fields, and the header has 4',
      5: 'line 8: field 2 has text behind the quote that closes it',
    })
  })

  it('is none where a backslash escapes a quote: the file is refused', async () => {
    const refusal = /line 3: a quote stands behind a backslash, with text after it; write quotes within fields twice/,
      head = 'id,prompt,chosen,rejected\na,"ends with \\",A,B\n'
    await expect(read(`${head}b,"She said \\"no\\", and left",A,B\n`)).rejects.toThrow(refusal)
    await expect(read(`${head}b,"\\"no\\"",A,B\nc,"d",A,B\n`)).rejects.toThrow(refusal)
    // as a text that ends with one it is itself
    expect((await read(head)).pairs[0].prompt[0].content).toBe('ends with \\')
  })

  it('is one that is not UTF-8, or has a value that is not of its type', async () => {
    const bytes = Buffer.from(
      'prompt,chosen,rejected,n\nca\xe9,A,B,1\nQ,A,B,one\nQ,A,B,9007199254740993\nQ,A,B,\n',
      'latin1',
    )
    const { pairs, errors } = await read(bytes, { types: { n: 'number' } })
    expect(pairs).toHaveLength(1)
    expect([...errors.values()]).toEqual([
      'line 2: the record is not UTF-8; of Latin-1 make it UTF-8, as by iconv -f windows-1252 -t utf-8',
      "line 3: n is 'one', and its type is number",
      'line 4: n is 9007199254740993, which float64 rounds; read it as text',
    ])
  })
})

describe('a file that cannot be read says why', () => {
  it.each([
    [
      'a,b\n"x\ny","un\nclosed\n3,4\n',
      'line 3: a quote is opened and not closed to the end of the file; mend it there',
    ],
    ['', 'has no line: its columns are unknown; remove the file'],
    ['prompt,chosen,rejected\rQ,A,B\r', 'has line ends of old Macs (\\r); write it with \\n or \\r\\n'],
    ['prompt,chosen,prompt\nQ,A,B\n', "has two columns of the name 'prompt'; rename or remove one"],
    ['prompt,chosen,other\nQ,A,B\n', 'there is no rejected beside chosen; no pairs are found in it'],
  ])('%j', async (text, why) => {
    await expect(open(text)).rejects.toThrow(why)
  })

  it('a quote that swallows more than a record may have', async () => {
    const text = `prompt,chosen,rejected\nQ,"A,B\n${'x'.repeat(1 << 20)}`
    const bytes = Buffer.concat([Buffer.from(text), Buffer.alloc(65 << 20, 0x79)])
    await expect(open(bytes)).rejects.toThrow(
      'line 2: the record that begins there has more than 67108864 bytes, the most that are read; is a quote not closed?',
    )
  })

  it('NaN and infinities of numbers are null, and counted; of text they are text', async () => {
    const values = ['1.5', 'nan', 'NaN', 'inf', '-Infinity', 'nano'],
      text = `prompt,chosen,rejected,n,note\n${values.map((value, i) => `p${i},a,b,${value},${value}\n`).join('')}`
    const { pairs, errors, files } = await read(text, { types: { n: 'number' } })
    expect(pairs.map(({ n, note }) => [n, note])).toEqual([[1.5, '1.5'], ...values.slice(1, 5).map(one => [null, one])])
    expect([files[0].facts.nan, [...errors.values()]]).toEqual([4, ["line 7: n is 'nano', and its type is number"]])
  })

  it('a file that is packed or no text, with what to do', async () => {
    const text = 'prompt,chosen,rejected\na,b,c\n'
    await expect(open(gzipSync(text))).rejects.toThrow(/is packed by gzip; unpack it first, as by gzip -d/)
    await expect(open(Buffer.from(`\ufeff${text}`, 'utf16le'))).rejects.toThrow(/is UTF-16; make it UTF-8/)
    await expect(open('PK\x03\x04..')).rejects.toThrow(/is a zip archive; unpack it first/)
  })

  it('a column that is given a type and is not there', async () => {
    await expect(open('prompt,chosen,rejected\n', { types: { chozen: 'bool' } })).rejects.toThrow(
      "option 'types' names chozen, which is not there (did you mean 'chosen'?); there are prompt, chosen, rejected",
    )
  })
})

describe('any text', () => {
  const field = fc.oneof(fc.constant(null), fc.string({ unit: 'grapheme' }), fc.stringMatching(/^[ab"',;\r\n]{0,6}$/))
  const written = (value: string | null) => (value === null ? '' : `"${value.replaceAll('"', '""')}"`)

  it('comes back as it was written, however the file is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(field, field), { minLength: 1, maxLength: 8 }),
        fc.constantFrom('\n', '\r\n'),
        fc.boolean(),
        fc.integer({ min: 1, max: 4 }),
        async (rows, end, hasMark, step) => {
          const lines = [
            'prompt,chosen,rejected,first,other',
            ...rows.map(row => ['Q', 'A', 'B', ...row.map(written)].join(',')),
          ]
          const { pairs } = await read(`${hasMark ? '\ufeff' : ''}${lines.join(end)}${end}`, {}, step, 'any.csv')
          expect(pairs.map(({ first, other }) => [first ?? null, other ?? null])).toEqual(rows)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('is read from places on where reading can begin, over pieces of a megabyte', async () => {
    const rows = Array.from({ length: 45_000 }, (_, i) => `${i},"Q ""${i}""\n",${'é'.repeat(i % 40)}x,B`)
    const { files, pairs } = await read(`id,prompt,chosen,rejected\r\n${rows.join('\r\n')}`, {}, 9000)
    expect([files[0].rows, files[0].starts]).toEqual([45_000, [0, 20_000, 40_000]])
    expect(pairs.every(({ id, prompt }, i) => id === String(i) && prompt[0].content === `Q "${i}"\n`)).toBe(true)
  })
})

it('is found by --input, by its ending', async () => {
  const path = join(at, 'in')
  mkdirSync(path)
  writeFileSync(join(path, 'a.csv'), 'prompt,chosen,rejected\nQ,A,B\nQ,A\n')
  const graph = writeGraph(join(at, 'g.json'), [
    { id: 'pairs', use: 'read_parquet', with: { path: 'x' } },
    { id: 'dpo', use: 'write_arrow' },
  ])
  const output = join(at, 'out')
  const { code, stdout } = await sluice('run', graph, '--input', path, '--output', output, '--workers', '1')
  expect([code, stdout]).toEqual([0, expect.stringMatching(/left out +1 .* 1 broken$/m)])
  expect(rowsOf(join(output, 'latest', 'dpo'))).toHaveLength(1)
})
