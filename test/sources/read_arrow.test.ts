/** Arrow files and streams as others write them, whole and damaged. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  Bool,
  Dictionary,
  Field,
  Float16,
  Int32,
  Int64,
  LargeUtf8,
  List,
  makeData,
  makeVector,
  Message,
  RecordBatchFileWriter,
  RecordBatchStreamWriter,
  Struct,
  tableFromArrays,
  Utf8,
  Utf8View,
  vectorFromArray,
  type Data,
  type RecordBatch,
  type Vector,
} from 'apache-arrow'
import { FileBlock, Footer } from 'apache-arrow/ipc/metadata/file'
import { describe, expect, it } from 'vitest'
import { IpcWriter } from '../../engine/arrow/ipc.ts'
import { makeText, nulls } from '../../engine/arrow/columns.ts'
import { toRecordBatch } from '../../engine/arrow/flow.ts'
import { jsonValueOf, plain, plainType } from '../../engine/arrow/plain.ts'
import { openInputs } from '../../engine/source/open.ts'
import { readPairs } from '../../engine/source/pairs.ts'
import readArrow from '../../stages/sources/read_arrow.ts'
import readParquet from '../../stages/sources/read_parquet.ts'
import { optionsOf, readAll } from './files.ts'
import { assistant, cut, table, user } from './helpers.ts'

const data = fileURLToPath(new URL('../../../shared/data/parquet-dialects/', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'sluice-'))
const pair = { prompt: 'Name a prime.', chosen: 'Seven.', rejected: 'Nine.' }

async function bytesOf(kind: 'stream' | 'file', batches: readonly RecordBatch[]): Promise<Uint8Array> {
  const writer = kind === 'stream' ? new RecordBatchStreamWriter() : new RecordBatchFileWriter()
  writer.reset(undefined, batches[0].schema)
  for (const batch of batches) writer.write(batch)
  writer.close()
  return writer.toUint8Array()
}

describe('files', () => {
  it('text that is not UTF-8 is refused where a layout reads it, and passed on elsewhere', async () => {
    const latin: Data = makeText(['caf_'])
    ;(latin.values as Uint8Array)[3] = 0xe9
    for (const name of ['id', 'prompt', 'chosen', 'note']) {
      const good = table([{ id: 'a', ...pair, note: 'n' }]),
        children = good.data.children.map((child, i) => (good.schema.names[i] === name ? latin : child))
      writeFileSync(join(folder, 'latin.arrow'), await bytesOf('stream', [toRecordBatch(good.schema, children, 1)]))
      const all = readAll(readArrow, folder, 'latin.arrow')
      if (name === 'note') expect((await all).rows).toBe(1)
      else await expect(all).rejects.toThrow(`column '${name}': its bytes are not UTF-8; convert them`)
    }
  })

  it('what the sinks write of a Parquet file is read as the same pairs, whatever the ranges', async () => {
    const options = optionsOf('a-codec-none.parquet')
    const [file] = await openInputs(readParquet, options, data)
    const path = join(folder, 'shard.arrow')
    const writer = new IpcWriter(path, file.schema)
    for await (const { pairs } of readPairs(readParquet, options, file, { start: 0, end: 240 })) {
      for (const [start, end] of [
        [0, 7],
        [7, 100],
        [100, 240],
      ]) {
        writer.write(cut(pairs, start, end))
      }
    }
    writer.close()
    const want = await readAll(readParquet, data, 'a-codec-none.parquet')
    const got = await readAll(readArrow, folder, 'shard.arrow', {}, 33)
    expect(got.pairs).toEqual(want.pairs)
    expect(got.files[0]).toMatchObject({
      layout: 'messages',
      starts: [0, 7, 100],
      rows: 240,
      facts: { format: 'stream', end_of_stream: 'present' },
    })
    const few = await readAll(readArrow, folder, 'shard.arrow', { columns: ['subset'] })
    expect(Object.keys(few.pairs[0])).toEqual(['id', 'prompt', 'chosen', 'rejected', 'subset'])
  })

  it('stream and file format, several batches, empty ones, one of more than 1,000 rows', async () => {
    const rows = Array.from({ length: 2100 }, (_, i) => ({
      id: `${i}`,
      ...pair,
      n: i,
      dropped_reason: i % 2 ? 'x' : null,
    }))
    const whole = table(rows)
    for (const kind of ['stream', 'file'] as const) {
      const path = join(folder, `${kind}.arrow`)
      writeFileSync(path, await bytesOf(kind, [cut(whole, 0, 3), cut(whole, 3, 3), cut(whole, 3, 2100)]))
      const got = await readAll(readArrow, folder, path, {}, 1500)
      expect(got.files[0]).toMatchObject({ rows: 2100, starts: [0, 3], layout: 'text', facts: { format: kind } })
      expect(got.pairs.map(({ id, n, dropped_reason }) => ({ id, n, dropped_reason }))).toEqual(
        rows.map(({ id, n, dropped_reason }) => ({ id, n, dropped_reason })),
      )
    }
  })

  it('dictionaries become text', async () => {
    const of = (values: readonly (string | null)[]) => vectorFromArray(values, new Dictionary(new Utf8(), new Int32()))
    const columns = { prompt: of(['p', 'p', 'q']), chosen: of(['a', 'b', null]), rejected: of(['c', 'c', 'c']) }
    const path = join(folder, 'dictionary.arrow')
    const [batch] = tableFromArrays(columns as never).batches as unknown as RecordBatch[]
    writeFileSync(path, await bytesOf('stream', [batch]))
    const got = await readAll(readArrow, folder, path)
    expect(got.pairs).toMatchObject([
      { prompt: [user('p')], chosen: [assistant('a')] },
      { prompt: [user('p')], chosen: [assistant('b')] },
    ])
    expect([...got.refused.values()]).toEqual(['missing_chosen'])
  })

  it('what is damaged is named; a stream cut between batches is read, and said so', async () => {
    const whole = table([pair, { ...pair, chosen: 'Five.' }])
    const bytes = await bytesOf('stream', [cut(whole, 0, 1), cut(whole, 1, 2)])
    const bad: [string, Uint8Array, RegExp][] = [
      ['empty', new Uint8Array(0), /is not Arrow IPC/],
      ['text', Buffer.from(`${JSON.stringify(pair)}\n`.repeat(20)), /is not Arrow IPC/],
      ['cut', bytes.subarray(0, bytes.length - 40), /is cut: a message at byte/],
      ['file', (await bytesOf('file', [whole])).subarray(0, 100), /without its footer/],
      ['parquet', readFileSync(join(data, 'a-empty.parquet')), /is a Parquet file; read it by read_parquet/],
    ]
    for (const [name, content, message] of bad) {
      const path = join(folder, `${name}.broken`)
      writeFileSync(path, content)
      await expect(openInputs(readArrow, optionsOf(path), folder), name).rejects.toThrow(message)
    }
    const path = join(folder, 'open.arrow')
    writeFileSync(path, bytes.subarray(0, bytes.length - 8))
    const got = await readAll(readArrow, folder, path)
    expect([got.pairs.length, got.files[0].facts.end_of_stream]).toEqual([2, 'missing'])
  })
})

/** Messages of a stream behind each other, without its schema and end, and where each begins. */
async function messagesOf(batches: readonly RecordBatch[]): Promise<Uint8Array[]> {
  const bytes = Buffer.from(await bytesOf('stream', batches)),
    all: Uint8Array[] = []
  for (let at = 0; at < bytes.length - 8;) {
    const head = 8 + bytes.readInt32LE(at + 4),
      message = Message.decode(bytes.subarray(at + 8, at + head))
    const end = at + head + message.bodyLength
    if (!message.isSchema()) all.push(bytes.subarray(at, end))
    at = end
  }
  return all
}

type Piece = Uint8Array | 'batch' | 'dictionary'
/** A file of these pieces; the footer names each message that a word stands before. */
function fileOf(
  { schema }: RecordBatch,
  head: Uint8Array,
  pieces: readonly Piece[],
  move = 0,
  twice = false,
): Uint8Array {
  const blocks = { batch: [] as FileBlock[], dictionary: [] as FileBlock[] }
  const parts: Uint8Array[] = [head]
  let at = head.length,
    kind: 'batch' | 'dictionary' | undefined
  for (const piece of pieces) {
    if (typeof piece === 'string') {
      kind = piece
      continue
    }
    const meta = 8 + Buffer.from(piece).readInt32LE(4)
    if (kind) {
      for (let n = 0; n < (twice ? 2 : 1); n++) blocks[kind].push(new FileBlock(meta, piece.length - meta, at + move))
    }
    kind = undefined
    parts.push(piece)
    at += piece.length
  }
  const footer = Footer.encode(new Footer(schema, 4, blocks.batch, blocks.dictionary)),
    length = Buffer.alloc(4)
  length.writeInt32LE(footer.length)
  return Buffer.concat([...parts, footer, length, Buffer.from('ARROW1')])
}

describe('the file format is read by its footer', () => {
  const magic = (bytes: number) => Buffer.concat([Buffer.from('ARROW1')], bytes)
  const rows = Array.from({ length: 60 }, (_, i) => ({ id: `r${i}`, ...pair, n: i })),
    whole = table(rows),
    parts = [cut(whole, 0, 25), cut(whole, 25, 60)]
  const numbers = async (name: string, bytes: Uint8Array) => {
    const path = join(folder, `${name}.arrow`)
    writeFileSync(path, bytes)
    return (await readAll(readArrow, folder, path)).pairs.map(({ n }) => n)
  }
  const upTo = (n: number) => Array.from({ length: n }, (_, i) => i)

  it('with a magic padded to 64 bytes, no schema at its head, and batches in another order than they lie', async () => {
    const [a, b] = await messagesOf(parts)
    for (const head of [magic(8), magic(64), Buffer.concat([magic(8), Buffer.from([24, 0, 0, 0, 1, 2, 3, 4])])]) {
      expect(await numbers('padded', fileOf(whole, head, ['batch', a, 'batch', b]))).toEqual(upTo(60))
      expect(
        await numbers(
          'padded',
          fileOf(whole, head, ['batch', a, new Uint8Array(64), 'batch', b, Buffer.from('ffffffff00000000', 'hex')]),
        ),
      ).toEqual(upTo(60))
    }
    const got = await numbers('swapped', fileOf(whole, magic(8), ['batch', b, 'batch', a]))
    expect(got).toEqual([...upTo(60).slice(25), ...upTo(25)])
  })

  it('with dictionaries behind the batches', async () => {
    const of = (values: readonly string[]) => vectorFromArray(values, new Dictionary(new Utf8(), new Int32()))
    const [batch] = tableFromArrays({
      prompt: of(['p', 'p', 'q']),
      chosen: of(['a', 'b', 'c']),
      rejected: of(['x', 'y', 'x']),
    } as never).batches as unknown as RecordBatch[]
    const messages = await messagesOf([batch]),
      dictionaries = messages.slice(0, -1),
      last = messages[messages.length - 1]
    expect(dictionaries.length).toBe(3)
    const path = join(folder, 'behind.arrow')
    writeFileSync(
      path,
      fileOf(batch, magic(8), ['batch', last, ...dictionaries.flatMap((one): Piece[] => ['dictionary', one])]),
    )
    const got = await readAll(readArrow, folder, path)
    expect(got.pairs.map(({ chosen }) => chosen)).toEqual([[assistant('a')], [assistant('b')], [assistant('c')]])
    writeFileSync(
      path,
      fileOf(batch, magic(8), [
        'batch',
        last,
        ...[...dictionaries, dictionaries[0]].flatMap((one): Piece[] => ['dictionary', one]),
      ]),
    )
    await expect(openInputs(readArrow, optionsOf(path), folder)).rejects.toThrow('replaces a dictionary')
  })

  it('and refused where the footer contradicts the file', async () => {
    const [a, b] = await messagesOf(parts)
    const bad: [string, Uint8Array, RegExp][] = [
      [
        'names no batch of two',
        fileOf(whole, magic(8), [a, b]),
        /a record batch at byte 8 that its footer does not name/,
      ],
      [
        'names one of two',
        fileOf(whole, magic(8), ['batch', a, b]),
        /a record batch at byte \d+ that its footer does not name/,
      ],
      ['names a batch twice', fileOf(whole, magic(8), ['batch', a, 'batch', b], 0, true), /another one ends at/],
      ['points beyond the file', fileOf(whole, magic(8), ['batch', a], 1e6), /the footer begins at/],
      [
        'points beside a message',
        fileOf(whole, magic(8), ['batch', a, b, b, b], 8),
        /at byte 16|a message that ends at|damaged message|rows are at byte/,
      ],
      [
        'has a batch for a dictionary',
        fileOf(whole, magic(8), ['dictionary', a, 'batch', b]),
        /its footer has a dictionary, and there is none/,
      ],
    ]
    for (const [name, bytes, message] of bad) {
      const path = join(folder, 'contradiction.arrow')
      writeFileSync(path, bytes)
      await expect(openInputs(readArrow, optionsOf(path), folder), name).rejects.toThrow(message)
    }
  })

  it('two files in one are refused, of equal sizes too', async () => {
    const file = await bytesOf('file', parts),
      path = join(folder, 'files.arrow')
    writeFileSync(path, Buffer.concat([file, file]))
    await expect(openInputs(readArrow, optionsOf(path), folder)).rejects.toThrow(
      /has the end of a file at byte \d+, before its own: two files were joined/,
    )
  })

  it('two streams in one file are refused, zeros behind one are none', async () => {
    const stream = await bytesOf('stream', parts),
      path = join(folder, 'joined.arrow')
    writeFileSync(path, Buffer.concat([stream, stream]))
    await expect(openInputs(readArrow, optionsOf(path), folder)).rejects.toThrow(
      `goes on at byte ${stream.length}, behind the end of its stream: two streams were joined`,
    )
    writeFileSync(path, Buffer.concat([stream.subarray(0, -8), stream]))
    await expect(openInputs(readArrow, optionsOf(path), folder)).rejects.toThrow(
      `has a second schema at byte ${stream.length - 8}`,
    )
    expect(await numbers('zeros', Buffer.concat([stream, new Uint8Array(512)]))).toEqual(upTo(60))
    // what a crash leaves: zeros where the second batch and the end were
    const [a] = await messagesOf(parts),
      at = Buffer.from(stream).indexOf(a) + a.length
    writeFileSync(path, Buffer.concat([stream.subarray(0, at), new Uint8Array(4096)]))
    expect((await readAll(readArrow, folder, path)).files[0].facts).toMatchObject({
      rows: 25,
      end_of_stream: 'missing',
    })
  })
})

describe('plain', () => {
  const values = (vector: Vector) =>
    vector.data
      .map(data => {
        const made = plain(data)
        return Array.from({ length: made.length }, (_, i) => jsonValueOf(made, i))
      })
      .flat()
  const check = (vector: Vector, want: readonly unknown[]) => {
    expect(values(vector)).toEqual(want)
    for (const data of vector.data) expect(String(plain(data).type)).toBe(String(plainType(data.type)))
  }

  it('gives the values of all kinds of types', () => {
    check(vectorFromArray(['a', null, 'ccc'], new LargeUtf8()), ['a', null, 'ccc'])
    check(vectorFromArray(['a', null, 'longer than twelve bytes'], new Utf8View()), [
      'a',
      null,
      'longer than twelve bytes',
    ])
    check(vectorFromArray([1, null, 0.5], new Float16()), [1, null, 0.5])
    check(vectorFromArray([true, null, false], new Bool()), [true, null, false])
    check(vectorFromArray([1n, null, 2n ** 60n], new Int64()), [1, null, String(2n ** 60n)])
    check(vectorFromArray([[1], null, [2, 3], []], new List(new Field('x', new Int32()))), [[1], null, [2, 3], []])
    check(vectorFromArray([{ a: 'x' }, null, { a: null }], new Struct([new Field('a', new Utf8())])), [
      { a: 'x' },
      null,
      {},
    ])
  })

  it('cuts padding, moves offsets to 0 and empties null rows', () => {
    const made = plain(
      makeData({
        type: new Utf8(),
        length: 3,
        nullCount: 1,
        nullBitmap: Uint8Array.of(0b101, 0, 0, 0, 0, 0, 0, 0),
        valueOffsets: Int32Array.of(1, 2, 4, 5),
        data: Buffer.from('_abbc____'),
      }) as Data,
    )
    expect(Array.from(made.valueOffsets as Int32Array)).toEqual([0, 1, 1, 2])
    expect(Buffer.from(made.values as Uint8Array).toString()).toBe('ac')
    expect(makeVector(made as never).toArray()).toEqual(['a', null, 'c'])
    expect(plain(nulls(new Utf8(), 0)).length).toBe(0)
  })

  it('empties the fields of a null struct: who reads a field does not ask the struct', () => {
    const inner = new Struct([new Field('b', new Int32(), true)]),
      type = new Struct([new Field('a', new Utf8(), true), new Field('s', inner, true)])
    const made = plain(
      makeData({
        type,
        length: 3,
        nullCount: 1,
        nullBitmap: Uint8Array.of(0b101),
        children: [
          makeText(['x', 'hidden', 'z']),
          makeData({
            type: inner,
            length: 3,
            nullCount: 0,
            children: [makeData({ type: new Int32(), length: 3, nullCount: 0, data: Int32Array.of(1, 2, 3) })],
          }),
        ],
      }) as Data,
    )
    expect([0, 1, 2].map(row => jsonValueOf(made, row))).toEqual([
      { a: 'x', s: { b: 1 } },
      null,
      { a: 'z', s: { b: 3 } },
    ])
    expect([0, 1, 2].map(row => jsonValueOf(made.children[0], row))).toEqual(['x', null, 'z'])
    expect([0, 1, 2].map(row => jsonValueOf(made.children[1].children[0], row))).toEqual([1, null, 3])
  })
})
