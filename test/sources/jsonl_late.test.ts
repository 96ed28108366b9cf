/** JSON Lines: what comes after the first rows, NaN, packed files, and files that are something else. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { unpack } from '../../engine/files/packed.ts'
import type { SourceOptions } from '../../engine/source/options.ts'
import { openInputs } from '../../engine/source/open.ts'
import readJsonl from '../../stages/sources/read_jsonl.ts'
import { optionsOf, readAll } from './files.ts'
import { assistant, read, table, user } from './helpers.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-'))
/** What `zstd` makes of three rows, with its checksum. */
const ZSTD =
  'KLUv/QRYtQMAogYWGoC5ORqLlNtemyjIE2T6UMaoMJsJqGRjuWYBZvFRmuyN1JagcUcE+GSLADR8sNgYwSw+V3q85Q9fdcQDPmR1' +
  'piDpK3yedNfhPeHhQ24rKbt8hdGHXFAnAgoAVswICh0ChQGXo5iJFDqCf6cgPoQzd+2EAs/mIGE='
let files = 0
function write(content: string | Uint8Array, ending = '.jsonl'): string {
  const path = join(folder, `${files++}${ending}`)
  writeFileSync(path, content)
  return path
}
const lines = (rows: readonly unknown[]) =>
  rows.map(row => `${typeof row === 'string' ? row : JSON.stringify(row)}\n`).join('')
const readRows = (rows: readonly unknown[], more: Partial<SourceOptions> = {}, step?: number) =>
  readAll(readJsonl, folder, write(lines(rows)), more, step)
const times = (count: number, row: unknown) => Array.from({ length: count }, () => row)

const pair = { prompt: 'Name a prime.', chosen: 'Seven.', rejected: 'Nine.' }
const messages = { prompt: [user('x')], chosen: [assistant('y')], rejected: [assistant('z')] }

describe('what comes after the first rows', () => {
  it('is kept where it is a field of a message, at any depth', async () => {
    const calls = [{ id: '1', function: { name: 'add', arguments: '{}' } }]
    const rows = [
      ...times(1000, messages),
      { ...messages, chosen: [{ ...assistant('y'), name: 'Ann' }] },
      { ...messages, rejected: [{ role: 'assistant', content: 'z', tool_calls: calls, weight: 1.5 }] },
      { ...messages, rejected: [{ role: 'assistant', content: 'z', tool_calls: [{ id: '2', index: 0 }] }] },
      messages,
    ]
    const { pairs, refused } = await readRows(rows, {}, 400)
    expect([pairs.length, refused.size]).toEqual([1004, 0])
    expect(pairs[999]).toMatchObject({ source_chosen_fields: null, source_rejected_fields: null })
    const fieldsOf = (text: unknown) => JSON.parse(text as string) as unknown
    expect(fieldsOf(pairs[1000].source_chosen_fields)).toEqual([{ name: 'Ann' }])
    expect(fieldsOf(pairs[1001].source_rejected_fields)).toMatchObject([{ tool_calls: calls, weight: 1.5 }])
    expect(fieldsOf(pairs[1002].source_rejected_fields)).toMatchObject([{ tool_calls: [{ id: '2', index: 0 }] }])
    // as if it had come at once
    const { pairs: sooner } = await readRows([...rows.slice(1000), ...rows.slice(0, 1000)])
    const fields = (all: typeof pairs) => all.map(pair => fieldsOf(pair.source_rejected_fields))
    expect(fields(sooner.slice(0, 4))).toEqual(fields(pairs.slice(1000)))
  })

  it('is taken up where it is a column that a layout needs, or one that was null so far', async () => {
    const late = { ...pair, system: 'Be short.', images: ['a.png'], id: 7 }
    const { pairs } = await readRows([...times(1000, { ...pair, images: null, n: null }), { ...late, n: 1.5 }, pair])
    expect(pairs[0]).toMatchObject({ images: null, n: null })
    expect(pairs[1000].prompt.map(({ role, content }) => `${role}: ${content}`)).toEqual([
      'system: Be short.',
      'user: Name a prime.',
    ])
    expect(pairs[1000]).toMatchObject({ id: '7', n: 1.5 })
    expect(pairs[1000].images).toBeTruthy()
    expect(pairs[1000]).not.toHaveProperty('source_other')
  })

  it('leaves a line unreadable where a field has a value of another kind', async () => {
    const { errors, pairs } = await readRows([
      ...times(1000, messages),
      { ...messages, chosen: [{ role: 'assistant', content: 5 }] },
      { ...messages, chosen: 'y' },
      { ...messages, chosen: [{ ...assistant('y'), name: 'Ann' }] },
    ])
    expect([...errors]).toEqual([
      [1000, '/chosen/0/content must be string,null'],
      [1001, '/chosen must be array,null'],
    ])
    expect(pairs).toHaveLength(1001)
  })

  it.each([0, 1000])('fields of messages that disagree from row %s on are kept as their JSON', async first => {
    const calls = [1, 'x', { a: [null] }, [], {}].map(x => [{ function: { name: 'f', arguments: { x } } }])
    const rows = [
      ...times(first, messages),
      ...calls.map(tool_calls => ({ ...messages, chosen: [{ ...assistant('y'), tool_calls, name: 'é "x"' }] })),
      { ...messages, chosen: [{ ...assistant('y'), tool_calls: 'none', name: 'z' }] },
      { ...messages, chosen: [{ ...assistant('y'), tool_calls: null }] },
      { ...messages, chosen: [{ ...assistant('y'), name: 5 }] },
    ]
    const { pairs, refused } = await readRows(rows, {}, 301)
    expect([pairs.length, refused.size]).toEqual([rows.length, 0])
    const said = pairs
      .slice(first)
      .map(pair => JSON.parse((pair.source_chosen_fields as string | null) ?? 'null') as unknown)
    expect(said).toEqual([
      ...calls.map(tool_calls => [{ tool_calls, name: 'é "x"' }]),
      [{ tool_calls: 'none', name: 'z' }],
      null,
      [{ name: 5 }],
    ])
  })

  it('a call without arguments is kept', async () => {
    const call = { ...assistant('y'), tool_calls: [{ name: 'now', arguments: {} }] }
    const { pairs } = await readRows([{ ...messages, chosen: [call] }, messages])
    expect(pairs[0].source_chosen_fields).toBe('[{"tool_calls":[{"name":"now","arguments":{}}]}]')
  })

  it('counts for the numbers of a line that has a key with escapes', async () => {
    const { pairs } = await readRows([
      ...times(3, { ...pair, n: 1 }),
      `${JSON.stringify(pair).slice(0, -1)},"meta":{"a\\"b":1},"\\u006e":1.5}`,
    ])
    expect(pairs.map(({ n }) => n)).toEqual([1, 1, 1, 1.5])
  })
})

describe('NaN and Infinity', () => {
  const line = (value: string) => `${JSON.stringify(pair).slice(0, -1)},"score":${value},"note":"NaN, \\"-Infinity"}`

  it('are null outside of strings, and counted', async () => {
    const values = ['1.5', 'NaN', 'Infinity', '-Infinity', '[NaN, -Infinity]', '2']
    const { pairs, refused, files } = await readRows(values.slice(0, 4).map(line))
    expect(pairs.map(({ score }) => score)).toEqual([1.5, null, null, null])
    expect(new Set(pairs.map(({ note }) => note))).toEqual(new Set(['NaN, "-Infinity']))
    expect([refused.size, files[0].facts.nan]).toEqual([0, 3])
    // in JSON text, in columns of whole numbers, and after the first rows
    const more = await readRows([...values.map(line), ...times(1000, line('3')), line('NaN')])
    expect(more.pairs.slice(3, 6).map(({ score }) => score)).toEqual([null, '[null,null]', '2'])
    expect([more.pairs.length, more.files[0].facts.nan]).toEqual([1007, 6])
    expect((await readRows(['1', '-Infinity'].map(line))).pairs.map(({ score }) => score)).toEqual([1, null])
  })

  it('are null in a column that a layout needs; as parts of other words they are no JSON', async () => {
    const answers = (score: string) =>
      `{"prompt":"x","completions":[{"text":"a","score":2},{"text":"b","score":1},{"text":"c","score":${score}}]}`
    const { pairs, errors } = await readRows([answers('0'), answers('NaN'), answers('NaNs'), answers('"NaN')])
    expect([pairs.length > 1, [...errors]]).toEqual([
      true,
      [
        [2, 'the line is no JSON'],
        [3, 'the line is no JSON'],
      ],
    ])
  })
})

describe('packed files', () => {
  const rows = Array.from({ length: 45_000 }, (_, i) => ({ id: `r${i}`, ...pair, n: i }))
  const some = rows.slice(0, 3000)

  it('by gzip are read as what they hold, also of several members, any range', async () => {
    const text = `\ufeff${lines(some)}`
    const want = await readAll(readJsonl, folder, write(text))
    const packed = Buffer.concat([gzipSync(text.slice(0, 5000)), gzipSync(text.slice(5000))])
    const got = await readAll(readJsonl, folder, write(packed, '.jsonl.gz'), {}, 700)
    expect(got.pairs).toEqual(want.pairs)
    expect(got.files[0].facts).toEqual(want.files[0].facts)
    expect(got.files[0].starts).toEqual([0])
    const long = await openInputs(readJsonl, optionsOf(write(gzipSync(lines(rows)), '.ndjson.gz')), folder)
    expect([long[0].rows, long[0].starts]).toEqual([45_000, [0]])
  })

  it('by zstd are read as what they hold', async () => {
    // `zstd` of a text of 3 rows, and of the same again: two frames
    const frame = Buffer.from(ZSTD, 'base64')
    const { pairs } = await readAll(readJsonl, folder, write(Buffer.concat([frame, frame]), '.jsonl.zst'))
    expect(pairs.map(({ id, chosen }) => [id, chosen[0].content])).toEqual([
      ...[0, 1].flatMap(() => [
        ['a', 'Seven.'],
        ['b', 'Vega.'],
        ['c', 'The Baltic.'],
      ]),
    ])
    const cut = openInputs(readJsonl, optionsOf(write(frame.subarray(0, -6), '.jsonl.zst')), folder)
    await expect(cut).rejects.toThrow(/cannot be unpacked as zstd \(.*\); fetch or write it again/)
    // what a tool may put before it is no text
    const note = Buffer.concat([Buffer.from('5a2a4d1803000000', 'hex'), Buffer.from('abc')])
    const noted = await openInputs(readJsonl, optionsOf(write(Buffer.concat([note, frame]), '.jsonl.zst')), folder)
    expect(noted[0].rows).toBe(3)
  })

  it('by zstd with any bit that is flipped are refused', async () => {
    const unpacked = async (bytes: Uint8Array) =>
      Buffer.concat((await Readable.from(unpack('zstd', Readable.from([bytes]))).toArray()) as Buffer[])
    const frame = Buffer.from(ZSTD, 'base64'),
      whole = await unpacked(frame)
    for (let bit = 0; bit < frame.length * 8; bit++) {
      const bad = Uint8Array.from(frame)
      bad[bit >> 3] ^= 1 << (bit & 7)
      const got = await unpacked(bad).catch((error: Error) => error.message)
      // some bits say nothing of the text, as how large a window is
      if (typeof got !== 'string') expect(got.equals(whole), `bit ${bit}`).toBe(true)
      else expect(got).toMatch(/^cannot be unpacked as zstd \(.+\); fetch or write it again$/)
    }
  })

  it('by gzip with zeros behind them are refused, as a member may have stood there', async () => {
    const text = gzipSync(lines(some))
    for (const zeros of [1, 4096]) {
      const file = write(Buffer.concat([text, Buffer.alloc(zeros)]), '.jsonl.gz')
      await expect(openInputs(readJsonl, optionsOf(file), folder)).rejects.toThrow(
        `cannot be unpacked as gzip (behind its end are ${zeros} bytes that begin with zero, and no part of it)`,
      )
    }
  })

  it('that are cut or damaged are refused', async () => {
    const packed = gzipSync(lines(some))
    const open = (bytes: Uint8Array) => openInputs(readJsonl, optionsOf(write(bytes, '.jsonl.gz')), folder)
    await expect(open(packed.subarray(0, packed.length - 30))).rejects.toThrow(
      /cannot be unpacked as gzip \(unexpected end of file\); fetch or write it again/,
    )
    const bad = Uint8Array.from(packed)
    bad[Math.floor(bad.length / 2)] ^= 0xff
    await expect(open(bad)).rejects.toThrow(/cannot be unpacked as gzip/)
  })
})

it('files that are no lines of JSON are refused with what they are and what to do', async () => {
  const open = (bytes: string | Uint8Array) => openInputs(readJsonl, optionsOf(write(bytes)), folder)
  const objects = [pair, pair, pair]
  const inside = `[\n${objects.map(one => JSON.stringify(one)).join(',\n')}\n]\n`
  await expect(open(inside)).rejects.toThrow(/the line is no JSON \(line 1\); of a JSON array make one object a line/)
  await expect(open(objects.map(one => JSON.stringify(one, null, 2)).join('\n'))).rejects.toThrow(
    /its objects go over several lines; make each one line, as by jq -c \./,
  )
  const text = lines(objects)
  await expect(open(Buffer.from(`\ufeff${text}`, 'utf16le'))).rejects.toThrow(/is UTF-16; make it UTF-8, as by iconv/)
  await expect(open(Buffer.from(text, 'utf16le'))).rejects.toThrow(/is UTF-16/)
  await expect(open(Buffer.from(text, 'utf16le').swap16())).rejects.toThrow(/is UTF-16/)
  await expect(open(`\x1e${text}`)).rejects.toThrow(/control character 1e; write it without, as by jq -c/)
  await expect(open('BZh91AY')).rejects.toThrow(/is packed by bzip2; unpack it first/)
  await expect(open('PK\x03\x04..')).rejects.toThrow(/is a zip archive/)
  await expect(open('PAR1....')).rejects.toThrow(/is a Parquet file; read it by read_parquet/)
  await expect(open(gzipSync('PAR1....'))).rejects.toThrow(/is a Parquet file/)
})

it('JSON text of messages in any file may have NaN, which is null', () => {
  const said = (weight: string) => `[{"role":"assistant","content":"NaN, Infinity","weight":${weight}}]`
  const rows = ['NaN', '-Infinity', '1.5'].map(weight => ({ prompt: 'x', chosen: said(weight), rejected: said('2') }))
  const { layout, pairs, refused } = read(table(rows))
  expect([layout, refused]).toEqual(['json', {}])
  expect(pairs.map(({ chosen, source_chosen_fields }) => [chosen[0].content, source_chosen_fields])).toEqual([
    ['NaN, Infinity', null],
    ['NaN, Infinity', null],
    ['NaN, Infinity', '[{"weight":1.5}]'],
  ])
})
