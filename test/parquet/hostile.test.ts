/** Parquet files made to mislead: refused in time, without much memory. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import parquet from 'parquetjs-lite'
import { describe, expect, it } from 'vitest'
import { openParquet } from '../../engine/parquet/file.ts'
import { folder } from '../engine/helpers.ts'
import { fixture, read, temporary } from './helpers.ts'
import { below, closed, listOf, numberOf, setNumber, withFooter, withPageHeader, type Struct } from './thrift.ts'

const MOST_MS = 10_000,
  MOST_GROWTH = 200e6,
  MOST_INT = 2 ** 31 - 1
const bytesOf = (name: string): Buffer => readFileSync(fixture(`${name}.parquet`))
const snappy = bytesOf('v1-snappy'),
  v2 = bytesOf('v2-zstd-index-crc')
const sample = readFileSync('data/sample/pairs-chat.parquet')

/** The place of the first data page of a column, of the fields of its chunk's metadata: 9 its place, 7 its bytes. */
const chunk = (footer: Struct, group = 0, column = 0): Struct => below(footer, 4, group, 1, column, 3)
function placeOf(file: Buffer, field: 9 | 11, column = 0): number {
  let at = 0
  withFooter(file, footer => {
    at = numberOf(chunk(footer, 0, column), field)
  })
  return at
}
const withDataPage = (file: Buffer, change: (header: Struct) => void): Buffer =>
  withPageHeader(file, placeOf(file, 9), change)
const numbered =
  (value: number): ((struct: Struct, field: number) => void) =>
  (struct, field) => {
    setNumber(struct, field, value)
  }
const claims = numbered(MOST_INT)

/** What is said against a file, in time and without much memory. */
async function refusal(bytes: Uint8Array): Promise<string> {
  const path = temporary('hostile.parquet')
  writeFileSync(path, bytes)
  const before = process.resourceUsage().maxRSS,
    begun = performance.now()
  const error = await openParquet(path)
    .then(file => read(file))
    .then(
      () => undefined,
      (reason: unknown) => reason as Error,
    )
  expect(performance.now() - begun).toBeLessThan(MOST_MS)
  expect((process.resourceUsage().maxRSS - before) * 1024).toBeLessThan(MOST_GROWTH)
  expect(error?.message).toMatch(/^read_parquet: \S+hostile\.parquet: [^\n]+$/)
  return error!.message.replace(/^.*hostile\.parquet: /, '')
}

it('two files in one: of equal ones half of the rows would be missed', async () => {
  expect(await refusal(Buffer.concat([sample, sample]))).toBe(
    `is two Parquet files in one, the second from byte ${sample.length} on, and only one of them can be read so; part them, or write them again as one`,
  )
  expect(await refusal(Buffer.concat([v2, v2]))).toMatch(/is two Parquet files in one/)
})

describe('INT96', () => {
  const marker = 0x0102030405,
    day = 86_400_000_000_000n
  /** A file of one timestamp: this day since 1970, and nanoseconds of it. */
  const fileOf = async (since: number, nanos: bigint): Promise<Buffer> => {
    const path = join(folder(), 'int96.parquet')
    // which its types leave out
    const schema = new parquet.ParquetSchema({ at: { type: 'INT96' as 'INT64', optional: true } })
    const writer = await parquet.ParquetWriter.openFile(schema, path)
    writer.setRowGroupSize(10)
    for (const row of [{}, { at: marker }]) await writer.appendRow(row)
    await writer.close()
    const bytes = readFileSync(path),
      place = Buffer.alloc(8)
    place.writeBigInt64LE(BigInt(marker))
    for (let at = bytes.indexOf(place); at >= 0; at = bytes.indexOf(place, at + 1)) {
      bytes.writeBigInt64LE(nanos, at)
      bytes.writeInt32LE(2_440_588 + since, at + 8)
    }
    return bytes
  }
  const first = -(2n ** 63n),
    days = Number(first / day) - 1
  it('up to the ends of what nanoseconds hold is read', async () => {
    const path = temporary('int96.parquet')
    for (const [since, nanos] of [
      [days, first - BigInt(days) * day],
      [-days - 1, 2n ** 63n - 1n - BigInt(-days - 1) * day],
    ] as const) {
      writeFileSync(path, await fileOf(since, nanos))
      const { rows } = await read(await openParquet(path))
      expect(rows).toEqual([{ at: null }, { at: String(BigInt(since) * day + nanos) }])
    }
  })
  it.each([
    ['the year 9999', 2_932_896, 0n, '9999-12-31T00:00:00.000Z'],
    ['the year 1', -719_162, 1n, '0001-01-01T00:00:00.000Z'],
    ['one too early', days, first - BigInt(days) * day - 1n, '1677-09-21T00:12:43.145Z'],
  ])('%s is refused with what to do', async (_, since, nanos, said) => {
    expect(await refusal(await fileOf(since, nanos))).toBe(
      `row group 0, column at: the INT96 timestamp ${said} is outside of 1677-09-21 to 2262-04-11, which nanoseconds hold; write timestamps as TIMESTAMP_MICROS (Spark: spark.sql.parquet.outputTimestampType), or leave the column out by the option 'columns'`,
    )
  })
})

describe('a size that is claimed and not there', () => {
  it.each([
    [
      'snappy',
      'v1-snappy',
      /^row group 0, column i8: the page at byte \d+ cannot be decoded \(SNAPPY: its \d+ bytes become 216, the page header says 2147483647\)/,
    ],
    ['lz4', 'lz4-plain', /\(LZ4(_RAW)?: its \d+ bytes become \d+, the page header says 2147483647\)/],
    ['zstd', 'v2-zstd-index-crc', /\(ZSTD: its \d+ bytes become 216, the page header says 2147483647\)/],
    ['brotli', 'v2-brotli-encodings', /its \d+ bytes become \d+, the page header says \d+/],
    ['gzip', 'int96-gzip-crc', /decompresses to \d+ bytes, its header says 2147483647/],
  ])('%s: of a page', async (_, name, message) => {
    expect(
      await refusal(
        withPageHeader(bytesOf(name), 4, header => {
          claims(header, 2)
        }),
      ),
    ).toMatch(message)
  })

  it('that the compressed bytes claim as well is beyond what they can become', async () => {
    const file = Buffer.from(
      withPageHeader(snappy, 4, header => {
        claims(header, 2)
      }),
    )
    const at = file.indexOf(Buffer.from([0xd8, 0x01]), 10)
    // snappy's own size, 216 in two bytes, in five: the page is three bytes longer
    const longer = Buffer.concat([
      file.subarray(0, at),
      Buffer.from([0xff, 0xff, 0xff, 0xff, 0x07]),
      file.subarray(at + 2),
    ])
    expect(await refusal(longer)).toMatch(/SNAPPY: its 220 bytes become 4693, the page header says 2147483647/)
  })

  it.each([
    [
      'values of a page',
      withDataPage(snappy, header => {
        claims(below(header, 5), 1)
      }),
      /a page of 2147483647 values in a column chunk of 70/,
    ],
    [
      'values of a dictionary',
      withPageHeader(snappy, 4, header => {
        claims(below(header, 7), 1)
      }),
      /a page of 216 bytes, 8589934588 needed/,
    ],
    [
      'rows of a page',
      withDataPage(v2, header => {
        claims(below(header, 8), 3)
      }),
      /rows, its header says 2147483647/,
    ],
    [
      'bytes of levels',
      withDataPage(v2, header => {
        claims(below(header, 8), 5)
      }),
      /levels of 2147483647 bytes in a page/,
    ],
    [
      'a negative number of values',
      withDataPage(snappy, header => {
        numbered(-1)(below(header, 5), 1)
      }),
      /no valid page header at byte 240 \(it counts -1\)/,
    ],
    [
      'compressed bytes',
      withDataPage(snappy, header => {
        claims(header, 3)
      }),
      /a page of 2147483647 bytes, \d+ are left of the column chunk/,
    ],
    [
      'bytes of a chunk',
      withFooter(snappy, footer => {
        numbered(2 ** 52)(chunk(footer), 7)
      }),
      /row group 0, column i8 lies at bytes 4 to 4503599627370500, outside of the file's pages/,
    ],
    [
      'a place before the file',
      withFooter(snappy, footer => {
        numbered(-5)(chunk(footer), 9)
        chunk(footer).delete(11)
      }),
      /column i8 lies at bytes -5 to/,
    ],
    [
      'rows of a file',
      withFooter(snappy, footer => {
        numbered(2 ** 60)(footer, 3)
      }),
      /its row groups have 120 rows, its footer says 1152921504606846976/,
    ],
    [
      'rows in a million pages that are not there',
      withFooter(sample, footer => {
        numbered(2 ** 31)(footer, 3)
        numbered(2 ** 31)(below(footer, 4, 0), 3)
        for (const column of listOf(below(footer, 4, 0), 1).keys()) numbered(2 ** 31)(chunk(footer, 0, column), 5)
      }),
      /row group 0, column id: its pages hold \d+ rows fewer than the row group's 2147483648/,
    ],
    [
      'more rows than can be numbered',
      withFooter(sample, footer => {
        numbered(2 ** 40)(footer, 3)
        numbered(2 ** 40)(below(footer, 4, 0), 3)
        for (const column of listOf(below(footer, 4, 0), 1).keys()) numbered(2 ** 40)(chunk(footer, 0, column), 5)
      }),
      /has 1099511627776 rows, at most 4294967295 are read from one file/,
    ],
  ])('%s', async (_, bytes, message) => {
    expect(await refusal(bytes)).toMatch(message)
  })

  it('bytes of one value of a dictionary, again and again', async () => {
    const at = folder(),
      path = join(at, 'page.parquet')
    const writer = await parquet.ParquetWriter.openFile(new parquet.ParquetSchema({ text: { type: 'UTF8' } }), path)
    await writer.appendRow({ text: 'a' })
    await writer.close()
    const file = readFileSync(path),
      header = placeOf(file, 9)
    // the length of the only value, which is the page's last five bytes but one
    const body = file.lastIndexOf(Buffer.from([1, 0, 0, 0, 0x61]), placeOf(file, 9) + 400)
    expect(body).toBeGreaterThan(header)
    const changed = Buffer.from(file)
    changed.writeInt32LE(MOST_INT, body)
    expect(await refusal(changed)).toMatch(
      /column text: the page at byte \d+ cannot be decoded \(value 0 of 1 ends at byte 2147483651 of a page of 5\)/,
    )
  })
})

describe('a footer that keeps its reader busy', () => {
  const head = snappy.subarray(0, 4)
  const varint = (value: number): number[] =>
    value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))]
  const nested = (depth: number, byte: number): Uint8Array => new Uint8Array(depth).fill(byte)
  it.each([
    [
      'structs in structs',
      nested(200_000, 0x1c),
      /its footer cannot be read \((version is struct, not i32|nested deeper than 32 levels)/,
    ],
    [
      'structs in structs of a field to come',
      Buffer.concat([Buffer.of(0xfc), nested(100_000, 0x1c)]),
      /nested deeper than 32 levels/,
    ],
    ['lists in lists', Buffer.concat([Buffer.of(0xf9), nested(100_000, 0x19)]), /nested deeper than 32 levels/],
    [
      'a list of two thousand million',
      Uint8Array.of(0x29, 0xfc, ...varint(MOST_INT)),
      /schema has 2147483647 items, and 8388608 values are the most that are read/,
    ],
    [
      'a list that is longer than the footer',
      Uint8Array.of(0x29, 0xfc, ...varint(1_000_000)),
      /it goes on beyond its 5 bytes/,
    ],
    [
      'nine million columns',
      Uint8Array.of(0x29, 0xfc, ...varint(9_000_000), ...new Uint8Array(100)),
      /schema has 9000000 items/,
    ],
    [
      'a number without end',
      Buffer.concat([Buffer.of(0x15), nested(500_000, 0x80)]),
      /the number at byte 1 is longer than ten bytes/,
    ],
    ['thousands of fields', Uint8Array.from(Array.from({ length: 5000 }, () => 0xf1)), /has more than 256 fields/],
    ['nothing', Uint8Array.of(0), /its footer cannot be read \(schema is missing\)/],
    ['a type of no kind', Uint8Array.of(0x2b, 0), /schema is 11, not list/],
  ])('%s', async (_, footer, message) => {
    expect(await refusal(closed(head, footer))).toMatch(message)
  })

  it('a name that is a number', async () => {
    const changed = withFooter(snappy, footer => {
      below(footer, 2, 1).set(4, { type: 5, value: 7n })
    })
    expect(await refusal(changed)).toMatch(/\(schema\[1\]\.name is i32, not binary\)/)
  })

  const leaf = (name: string): Struct =>
    new Map([
      [1, { type: 5, value: 1n }],
      [3, { type: 5, value: 1n }],
      [4, { type: 8, value: Buffer.from(name) }],
    ])
  const group = (name: string, children: number): Struct =>
    new Map([
      [3, { type: 5, value: 1n }],
      [4, { type: 8, value: Buffer.from(name) }],
      [5, { type: 5, value: BigInt(children) }],
    ])
  it.each([
    [
      'groups in groups',
      [...Array.from({ length: 100 }, (_, i) => group(`g${i}`, 1)), leaf('x')],
      /element g64 lies deeper than 64 levels/,
    ],
    [
      'more children than there are',
      [group('root', MOST_INT), leaf('x')],
      /element root has 2147483647 below it, in a schema of 2/,
    ],
    [
      'fewer elements than are said',
      [group('root', 2), leaf('x')],
      /the schema has 2 elements, fewer than those say that there are/,
    ],
    ['more elements than are said', [group('root', 1), leaf('x'), leaf('y')], /the schema ends before its element y/],
    [
      'a hundred thousand columns',
      [group('root', 100_000), ...Array.from({ length: 100_000 }, (_, i) => leaf(`c${i}`))],
      /a schema of 100001 elements, at most 100000 are read/,
    ],
  ])('a schema of %s', async (_, items, message) => {
    expect(
      await refusal(
        withFooter(snappy, footer => {
          footer.set(2, { type: 9, value: { of: 12, items } })
          listOf(footer, 4).length = 0
          numbered(0)(footer, 3)
        }),
      ),
    ).toMatch(message)
  })
})

describe('a footer that contradicts itself or its pages', () => {
  const swap = (items: unknown[], a: number, b: number): void => {
    ;[items[a], items[b]] = [items[b], items[a]]
  }
  it.each([
    [
      'a row group twice',
      withFooter(snappy, footer => {
        listOf(footer, 4).push(listOf(footer, 4)[0])
        numbered(190)(footer, 3)
      }),
      /row group 2, column i8 begins at byte 4, inside of row group 0, column i8 \(bytes 4 to 625\)/,
    ],
    [
      'a row group missing',
      withFooter(snappy, footer => {
        listOf(footer, 4).pop()
      }),
      /its row groups have 70 rows, its footer says 120/,
    ],
    [
      'row groups exchanged',
      withFooter(snappy, footer => {
        for (const [i, one] of listOf(footer, 4).entries()) (one as Struct).set(7, { type: 4, value: BigInt(i) })
        swap(listOf(footer, 4), 0, 1)
      }),
      /row group 0 says that it is number 1: row groups are missing or have changed places/,
    ],
    [
      'a row group taken out of the middle, counted anew',
      withFooter(snappy, footer => {
        for (const [i, one] of listOf(footer, 4).entries()) (one as Struct).set(7, { type: 4, value: BigInt(i) })
        listOf(footer, 4).shift()
        numbered(50)(footer, 3)
      }),
      /row group 0 says that it is number 1/,
    ],
    [
      'columns exchanged',
      withFooter(snappy, footer => {
        swap(listOf(below(footer, 4, 0), 1), 0, 1)
      }),
      /column i8 is not as in the schema: its chunk is of u8/,
    ],
    [
      'a column that lies in another',
      withFooter(snappy, footer => {
        for (const field of [9, 11]) setNumber(chunk(footer, 0, 1), field, numberOf(chunk(footer), field))
      }),
      /column u8 begins at byte 4, inside of/,
    ],
    [
      'a chunk in the footer',
      withFooter(snappy, footer => {
        setNumber(chunk(footer), 7, snappy.length)
      }),
      /outside of the file's pages/,
    ],
    [
      'rows of a row group',
      withFooter(snappy, footer => {
        numbered(71)(below(footer, 4, 0), 3)
        numbered(121)(footer, 3)
      }),
      /row group 0, column i8 has 70 values by its metadata for 71 rows/,
    ],
    [
      'values of a list',
      withFooter(snappy, footer => {
        const columns = listOf(below(footer, 4, 0), 1) as Struct[]
        const list = columns.map(column => below(column, 3)).find(meta => numberOf(meta, 5) > 70)!
        setNumber(list, 5, numberOf(list, 5) + 1)
      }),
      /its pages hold \d+ values, its metadata says \d+/,
    ],
    [
      'nulls of a column',
      withFooter(snappy, footer => {
        numbered(15)(below(chunk(footer), 12), 3)
      }),
      /column i8: its pages hold 16 nulls, its metadata says 15/,
    ],
    [
      'nulls of a page',
      withDataPage(v2, header => {
        const page = below(header, 8)
        setNumber(page, 2, numberOf(page, 2) + 1)
      }),
      /\d+ nulls, its header says \d+/,
    ],
    [
      'rows of a page',
      withDataPage(v2, header => {
        const page = below(header, 8)
        setNumber(page, 3, numberOf(page, 3) - 1)
      }),
      /holds \d+ rows, its header says \d+/,
    ],
    [
      'values of a page',
      withDataPage(snappy, header => {
        const page = below(header, 5)
        setNumber(page, 1, numberOf(page, 1) - 1)
      }),
      /column i8: /,
    ],
  ])('%s', async (_, bytes, message) => {
    expect(await refusal(bytes)).toMatch(message)
  })

  it('columns that its schema does not have', async () => {
    expect(
      await refusal(
        withFooter(snappy, footer => {
          listOf(footer, 2).pop()
          const root = below(footer, 2, 0)
          setNumber(root, 5, numberOf(root, 5) - 1)
        }),
      ),
    ).toMatch(/its row groups do not fit its schema|columns, its schema/)
  })

  it('a page index of other rows than its pages have, where it is used', async () => {
    const path = temporary('index.parquet')
    let at = 0
    withFooter(v2, footer => {
      at = numberOf(below(footer, 4, 0, 1, 0), 4)
    })
    const changed = withPageHeader(v2, at, index => {
      const second = below(index, 1, 1)
      setNumber(second, 3, numberOf(second, 3) - 1)
    })
    writeFileSync(path, changed)
    await expect(openParquet(path).then(file => read(file, { start: 15, end: 16 }))).rejects.toThrow(
      /index\.parquet: row group 0, column i8.* the page index says/,
    )
  })
})
