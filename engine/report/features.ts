/** How sides are written, for the page: what only one of two has, and how much longer one is. */
import type { MessagesColumn } from '../arrow/columns.ts'
import type { ShownFeature, ShownLengths } from './shape.ts'

/** What is looked for in a side, in order of its bit. */
const FEATURES = [
  'list',
  'code',
  'bold',
  'paragraphs',
  'digit',
  'exclamation',
  'closing question',
  'refusal',
  'emoji',
  'longer',
] as const
const [LIST, CODE, BOLD, PARAGRAPHS, DIGIT, EXCLAMATION, QUESTION, REFUSAL, EMOJI, LONGER] = FEATURES.map(
  (_, bit) => 1 << bit,
)
/** Bins of log2 of the lengths' ratio, from -4 to 4. */
const BINS = 33
const SIDE = FEATURES.length
/** Of a pair without a ratio, as a side is empty. */
const NO_BIN = BINS

/** Bytes that begin something that is looked for. */
const kinds = new Uint8Array(256)
for (const char of '\n`*!-+#0123456789') kinds[char.charCodeAt(0)] = 1
kinds[0xe2] = kinds[0xf0] = 1

const NEWLINE = 10,
  SPACE = 32,
  BANG = 33,
  STAR = 42,
  PLUS = 43,
  HYPHEN = 45,
  MARK = 63,
  TICK = 96
const isDigit = (byte: number): boolean => byte >= 48 && byte <= 57
const isSpace = (byte: number): boolean => byte === SPACE || (byte >= 9 && byte <= 13)

/** How a side begins that refuses, in English, of bytes as characters; the apostrophe of print has three. */
const refusal =
  /^(?:i(?:'|\xe2\x80\x99)?m (?:very |so |really )?(?:sorry|afraid|not able|unable)|i am (?:very |so )?(?:sorry|afraid|not able|unable)|i (?:apologi[sz]e|cannot|can not|can(?:'|\xe2\x80\x99)?t|won(?:'|\xe2\x80\x99)?t|will not|do not feel comfortable|don(?:'|\xe2\x80\x99)?t feel comfortable)|sorry,|unfortunately, i|as an ai\b)/i
const REFUSAL_BYTES = 48
const begins = new Uint8Array(256)
for (const char of 'iIsSuUaA') begins[char.charCodeAt(0)] = 1

/** The characters of a side, and the bits of what it has. */
let characters = 0
function featuresOf({ bytes, start, end }: MessagesColumn, row: number): number {
  let from = start(row),
    to = end(row)
  while (from < to && isSpace(bytes[from])) from++
  while (to > from && isSpace(bytes[to - 1])) to--
  let found = to > from && isItem(bytes, from, to) ? LIST : 0,
    later = 0
  for (let i = from; i < to; i++) {
    const byte = bytes[i]
    if ((byte & 0xc0) === 0x80) later++
    if (kinds[byte] === 0) continue
    if (isDigit(byte)) found |= DIGIT
    else if (byte === NEWLINE) {
      if (bytes[i + 1] === NEWLINE) found |= PARAGRAPHS
      let next = i + 1
      while (next < to && (bytes[next] === SPACE || bytes[next] === 9)) next++
      if (isItem(bytes, next, to)) found |= LIST
    } else if (byte === BANG) found |= EXCLAMATION
    else if (byte === STAR) {
      if (bytes[i + 1] === STAR && i + 2 < to && !isSpace(bytes[i + 2])) found |= BOLD
    } else if (byte === TICK) {
      if (bytes[i + 1] === TICK && bytes[i + 2] === TICK) found |= CODE
    } else if (byte === 0xf0 && bytes[i + 1] === 0x9f) found |= EMOJI
  }
  characters = to - from - later
  if (to > from && bytes[to - 1] === MARK) found |= QUESTION
  if (begins[bytes[from]] && refusal.test(latin(bytes, from, Math.min(to, from + REFUSAL_BYTES)))) found |= REFUSAL
  return found
}

const latin = (bytes: Uint8Array, from: number, to: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1')

/** `- `, `* `, `+ `, a bullet, or a number with `.` or `)`, and something behind it. */
function isItem(bytes: Uint8Array, at: number, to: number): boolean {
  const byte = bytes[at]
  if (byte === HYPHEN || byte === STAR || byte === PLUS) return at + 2 < to && bytes[at + 1] === SPACE
  if (byte === 0xe2) return at + 3 < to && bytes[at + 1] === 0x80 && bytes[at + 2] === 0xa2
  let end = at
  while (end < at + 3 && isDigit(bytes[end])) end++
  return end > at && end + 2 < to && (bytes[end] === 46 || bytes[end] === 41) && bytes[end + 1] === SPACE
}

/** What a pair is counted by: the features of both sides, and the bin of their lengths, in one number. */
export function pairFeatures(chosen: MessagesColumn, rejected: MessagesColumn, row: number): number {
  const ours = featuresOf(chosen, row),
    long = characters,
    theirs = featuresOf(rejected, row),
    [bytes, others] = [chosen.end(row) - chosen.start(row), rejected.end(row) - rejected.start(row)],
    isEmpty = long === 0 || characters === 0,
    // bytes, as audit_lengths has it: two shares that differ a little would only raise a question
    longer = isEmpty || bytes === others ? 0 : bytes > others ? LONGER : LONGER << SIDE,
    bin = isEmpty ? NO_BIN : Math.max(0, Math.min(BINS - 1, Math.round(4 * Math.log2(long / characters)) + (BINS >> 1)))
  return ours | (theirs << SIDE) | longer | (bin << (2 * SIDE))
}

/** Pairs counted: by feature those of which one side alone has it, and by the ratio of their lengths. */
export interface Written {
  pairs: number
  readonly chosen: Uint32Array
  readonly rejected: Uint32Array
  readonly lengths: Uint32Array
}
export const noneWritten = (): Written => ({
  pairs: 0,
  chosen: new Uint32Array(FEATURES.length),
  rejected: new Uint32Array(FEATURES.length),
  lengths: new Uint32Array(BINS),
})

export function countPair(to: Written, features: number): void {
  to.pairs++
  const bin = features >>> (2 * SIDE)
  if (bin < BINS) to.lengths[bin]++
  const alone = (features ^ (features >> SIDE)) & ((1 << SIDE) - 1)
  for (let bit = 0; alone >> bit > 0; bit++) {
    if ((alone >> bit) & 1) to[(features >> bit) & 1 ? 'chosen' : 'rejected'][bit]++
  }
}

export function addWritten(to: Written, from: Written): void {
  to.pairs += from.pairs
  for (const name of ['chosen', 'rejected', 'lengths'] as const) {
    for (let i = 0; i < to[name].length; i++) to[name][i] += from[name][i]
  }
}

/** As the page has them. */
export const shownFeatures = (before: Written, after: Written): ShownFeature[] =>
  FEATURES.map((name, i) => {
    const of = ({ chosen, rejected }: Written) => ({ chosen: chosen[i], rejected: rejected[i] })
    return { name, before: of(before), after: of(after) }
  })
export const shownLengths = (before: Written, after: Written): ShownLengths => ({
  before: [...before.lengths],
  after: [...after.lengths],
})
