/** How a side begins: what refusals, praise and apologies are told by. */
import type { MessagesColumn } from '../../engine/arrow/columns.ts'

/** Bytes of a side that are looked at: a refusal is said at once, or not at all. */
const MOST_BYTES = 600
const decoder = new TextDecoder()

/** The beginning of a text: lower case, apostrophes alike, white space as one space, no marks before the first word. */
export const openingOf = (text: string): string =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\u2018\u2019\u02bc`\u00b4]/g, "'")
    .replace(/\s+/g, ' ')
    .replace(/^[\s"'*_#>\-\u201c\u201d\u00ab\u300c]+/u, '')

/** That of a row of a side. */
export function opening(side: MessagesColumn, row: number): string {
  const start = side.start(row),
    end = side.end(row),
    // a character that is cut in two is no part of any pattern
    text = decoder.decode(side.bytes.subarray(start, Math.min(end, start + MOST_BYTES)))
  return openingOf(text)
}
