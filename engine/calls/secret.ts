/** Whether words of a server give the key away that it was sent. */

/** A piece of a key that tells something of it. */
const PIECE = 8
const SHOWN = 300

/** What stands behind the escapes of JSON, of URLs and of HTML. */
const unescaped = (text: string): string =>
  text
    .replace(
      /\\u([0-9a-f]{4})|%([0-9a-f]{2})|&#x([0-9a-f]{1,6});/gi,
      (whole, a?: string, b?: string, c?: string) => character(parseInt(a ?? b ?? c!, 16)) ?? whole,
    )
    .replace(/&#(\d{1,7});/g, (whole, code: string) => character(Number(code)) ?? whole)
    .replace(/\\[bfnrt]/g, '')
const character = (code: number): string | undefined => (code <= 0x10ffff ? String.fromCodePoint(code) : undefined)

/**
 * Letters and digits alone: what stands between them, as line ends, quotes and the two spellings of base64, makes no
 * difference.
 */
const bare = (text: string): string =>
  unescaped(text)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '')

/**
 * A key as it may come back: as it is, backwards, and in hexadecimal or base64, where three beginnings are possible.
 * The ends of base64 depend on what stands beside the key.
 */
function formsOf(key: string): string[] {
  const bytes = Buffer.from(key),
    base64 = [0, 1, 2].map(before =>
      Buffer.concat([Buffer.alloc(before), bytes])
        .toString('base64')
        .replaceAll('=', ''),
    )
  return [
    key,
    [...key].reverse().join(''),
    bytes.toString('hex'),
    ...base64.map((text, before) => text.slice(before === 0 ? 0 : before + 1, -1)),
  ].map(bare)
}

/**
 * The key in any form in which it may come back, bare; none of a key of fewer than eight letters and digits, which is a
 * placeholder that many texts hold.
 */
const formsIn = (key: string | undefined): string[] =>
  key === undefined || bare(key).length < PIECE ? [] : formsOf(key)
const hasAny = (text: string, parts: readonly string[]): boolean => {
  if (parts.length === 0) return false
  const all = bare(text)
  return parts.some(part => all.includes(part))
}

/** Whether a text holds the key in any form. */
export const holdsKey = (text: string, key: string | undefined): boolean => hasAny(text, formsIn(key))

/** Whether a text holds the key in any form, or a piece of it. */
export const tellsOfKey = (text: string, key: string | undefined): boolean =>
  hasAny(
    text,
    formsIn(key).flatMap(form =>
      Array.from({ length: form.length - PIECE + 1 }, (_, at) => form.slice(at, at + PIECE)),
    ),
  )

/**
 * Words of a server as a message may have them: one short line, with stars for the key, and without a word where they
 * tell of it otherwise.
 */
export function wordsOf(text: string, key: string | undefined): string {
  const masked = key ? text.replaceAll(key, '***') : text
  return tellsOfKey(masked, key)
    ? '(what it says is left out: it holds the key)'
    : masked.replace(/\s+/g, ' ').trim().slice(0, SHOWN)
}
