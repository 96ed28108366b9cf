/** The records of a CSV file one by one, with where they lie; csv-parse takes the text apart. */
import { isUtf8 } from 'node:buffer'
import { pipeline, Readable } from 'node:stream'
import { CsvError, parse } from 'csv-parse'
import { readChunks } from '../../engine/files/chunks.ts'
import { packingOf } from '../../engine/files/packed.ts'

const MARK = Buffer.from([0xef, 0xbb, 0xbf])
/** Bytes of a record at most: a quote that is not closed does not fill the memory. */
const MOST_BYTES = 64 << 20

/** Where a record begins: a byte, and the line of it, from 1 on. */
export interface Place {
  readonly at: number
  readonly line: number
}
export interface CsvRecord extends Place {
  /** Fields as text; of those that are empty without quotes null. */
  readonly fields: readonly (string | null)[]
  /** As it stands there, without what ends it. */
  readonly text: string
  /** What is wrong with it. */
  readonly fault?: string
  /** It has a quote behind a backslash, and is no record for it: its writer escapes so. */
  readonly isEscaped?: boolean
  readonly next: Place
}

/** Records from a place on, the beginning of the file if none is given. A byte order mark is no part of it. */
export async function* readRecords(
  path: string,
  delimiter: string,
  from?: Place,
  identity?: string,
): AsyncGenerator<CsvRecord> {
  // a character a byte: so places are exact, and what is no UTF-8 is seen
  const parser = parse({
    encoding: 'latin1',
    delimiter,
    record_delimiter: ['\r\n', '\n'],
    relax_column_count: true,
    relax_quotes: true,
    max_record_size: MOST_BYTES,
    info: true,
    raw: true,
  })
  let here = from ?? { at: 0, line: 1 },
    begin = here.at
  const { line } = here
  async function* bytes() {
    let isFirst = from === undefined
    for await (const chunk of readChunks(path, begin, identity)) {
      const packing = isFirst ? packingOf(chunk) : undefined
      if (packing) throw new Error(`is packed by ${packing}; unpack it first, as by ${packing} -d`)
      if (isFirst && chunk.subarray(0, MARK.length).equals(MARK)) begin = MARK.length
      yield isFirst ? chunk.subarray(begin) : chunk
      isFirst = false
    }
  }
  pipeline(Readable.from(bytes()), parser, () => undefined)
  try {
    for await (const { record, raw, info } of parser as AsyncIterable<Parsed>) {
      const next = { at: begin + info.bytes, line: line + info.lines }
      yield { ...here, ...fieldsOf(record, raw, delimiter), next }
      here = next
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    const { code, raw = '', message } = error as CsvError & { readonly raw?: string }
    if (code === 'CSV_QUOTE_NOT_CLOSED') {
      const at = here.line + countLines(raw.slice(0, openQuote(raw)))
      throw new Error(`line ${at}: a quote is opened and not closed to the end of the file; mend it there`, {
        cause: error,
      })
    }
    const why =
      code === 'CSV_MAX_RECORD_SIZE'
        ? `has more than ${MOST_BYTES} bytes, the most that are read; is a quote not closed?`
        : `cannot be read (${message}); mend it there`
    throw new Error(`line ${here.line}: the record that begins there ${why}`, { cause: error })
  }
}

const countLines = (text: string): number => text.split('\n').length - 1

/** Where the quote stands that is open at the end of a text. */
function openQuote(text: string): number {
  let at = -1
  for (let i = text.indexOf('"'); i >= 0; i = text.indexOf('"', i + 1)) {
    if (at < 0) at = i
    else if (text[i + 1] === '"') i++
    else at = -1
  }
  return at
}

interface Parsed {
  readonly record: readonly string[]
  readonly raw: string
  readonly info: { readonly bytes: number; readonly lines: number }
}

/** Fields held against the text that they stand for, which alone tells what had quotes. */
function fieldsOf(
  record: readonly string[],
  raw: string,
  delimiter: string,
): Pick<CsvRecord, 'fields' | 'text' | 'fault' | 'isEscaped'> {
  const fields: (string | null)[] = [],
    bad = (fault: string) => ({ fields, text: asText(raw.trimEnd()), fault })
  let at = 0
  for (const [i, field] of record.entries()) {
    if (i > 0) at += delimiter.length
    const isQuoted = raw[at] === '"',
      written = isQuoted ? `"${field.replaceAll('"', '""')}"` : field,
      end = at + written.length,
      isLast = i === record.length - 1
    if (!raw.startsWith(written, at) || !(isLast ? /^\r?\n?$/.test(raw.slice(end)) : raw[end] === delimiter)) {
      return { ...bad(`field ${i + 1} has text behind the quote that closes it`), isEscaped: raw.includes('\\"') }
    }
    fields.push(field === '' && !isQuoted ? null : field)
    at = end
  }
  const text = raw.slice(0, at)
  if (!/[^\x00-\x7f]/.test(text)) return { fields, text }
  if (!isUtf8(Buffer.from(text, 'latin1'))) {
    return bad('the record is not UTF-8; of Latin-1 make it UTF-8, as by iconv -f windows-1252 -t utf-8')
  }
  return { fields: fields.map(field => field && asText(field)), text: asText(text) }
}

const asText = (bytes: string): string => Buffer.from(bytes, 'latin1').toString()
