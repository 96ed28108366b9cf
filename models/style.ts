/** Features of a pair: how its sides are written. */
import { combine32 } from './random.ts'
import { DenseBuilder, type Capacity, type DenseRows } from './rows.ts'
import { tokenHash, type PairText, type TextSide } from './tokens.ts'

/**
 * The columns of a style row, in order: what is measured of each side. `log` is log(1 + count); shares are of
 * characters or of tokens. Word lists are English; on other languages those columns are zero and carry no weight.
 */
export const STYLE_COLUMNS = [
  'log_characters',
  'log_words',
  'log_lines',
  'log_paragraphs',
  'log_sentences',
  'word_length',
  'log_sentence_words',
  'long_word_share',
  'short_word_share',
  'digit_share',
  'upper_share',
  'punctuation_share',
  'space_share',
  'non_ascii_share',
  'log_questions',
  'log_exclamations',
  'log_commas',
  'log_colons',
  'log_quotes',
  'log_brackets',
  'log_list_lines',
  'log_code_fences',
  'log_marks',
  'log_numbers',
  'log_longest_run',
  'log_capital_words',
  'log_first_person',
  'log_second_person',
  'log_hedges',
  'log_refusals',
  'log_connectives',
  'log_negations',
  'log_links',
  'type_token_ratio',
  'repeated_bigram_share',
  'share_in_prompt',
  'prompt_share_covered',
  'ends_with_stop',
  'starts_with_capital',
] as const

const WIDTH = STYLE_COLUMNS.length
const COLUMN = Object.fromEntries(STYLE_COLUMNS.map((name, at) => [name, at])) as Record<
  (typeof STYLE_COLUMNS)[number],
  number
>

const LISTS: readonly [(typeof STYLE_COLUMNS)[number], string][] = [
  ['log_first_person', 'i me my mine myself we us our ours'],
  ['log_second_person', 'you your yours yourself'],
  [
    'log_hedges',
    'maybe perhaps might may could possibly probably seems seem likely generally usually somewhat guess think',
  ],
  ['log_refusals', 'sorry cannot unable apologize apologise apologies unfortunately inappropriate refuse decline'],
  [
    'log_connectives',
    'because therefore however thus hence since although though while whereas moreover furthermore first second finally example',
  ],
  [
    'log_negations',
    'not no never none nothing nobody neither nor without don doesn didn isn won wouldn couldn shouldn aren wasn',
  ],
  ['log_links', 'http https www'],
]

// open addressing: few hundred slots, no collision with a word outside the lists beyond one in 2^32
const SLOTS = 512
const listHashes = new Uint32Array(SLOTS)
const listColumns = new Uint8Array(SLOTS)
for (const [column, words] of LISTS) {
  for (const word of words.split(' ')) {
    let slot = tokenHash(word) % SLOTS
    while (listColumns[slot] !== 0) slot = (slot + 1) % SLOTS
    listHashes[slot] = tokenHash(word)
    listColumns[slot] = COLUMN[column]
  }
}

const SPACE = 1
const DIGIT = 2
const UPPER = 3
const LOWER = 4
const MARK = 5
const byteKind = new Uint8Array(256)
for (let b = 0; b < 128; b++) {
  if (b === 0x20 || (b >= 9 && b <= 13)) byteKind[b] = SPACE
  else if (b >= 0x30 && b <= 0x39) byteKind[b] = DIGIT
  else if (b >= 0x41 && b <= 0x5a) byteKind[b] = UPPER
  else if (b >= 0x61 && b <= 0x7a) byteKind[b] = LOWER
  else if (b > 0x20 && b < 0x7f) byteKind[b] = MARK
}

const SEEN = 1 << 16

/**
 * How a text is written, whatever it says: lengths, punctuation, layout, kinds of words, overlap with the prompt.
 *
 * A row is the measures of the chosen side minus those of the rejected side (`STYLE_COLUMNS`), unscaled; the head
 * divides by each column's root mean square over its training rows. Swapping the sides negates a row exactly. Sets of
 * tokens are kept in a table of 2^16 marks, so distinct counts of very long texts are a little low.
 */
export class StyleFeatures {
  readonly kind = 'style'
  readonly columns = WIDTH
  private readonly builder: DenseBuilder
  private readonly ours = new Float64Array(WIDTH)
  private readonly theirs = new Float64Array(WIDTH)
  private readonly seen = new Uint32Array(SEEN)
  private generation = 0

  constructor(capacity: Capacity) {
    this.builder = new DenseBuilder(WIDTH, capacity)
  }

  /** Appends the row of a pair; false, with nothing stored, when full. */
  append(pair: PairText): boolean {
    measureBytes(pair.chosen, this.ours)
    measureBytes(pair.rejected, this.theirs)
    this.measureTokens(pair.chosen, pair.prompt, this.ours)
    this.measureTokens(pair.rejected, pair.prompt, this.theirs)
    for (let c = 0; c < WIDTH; c++) this.ours[c] -= this.theirs[c]
    return this.builder.append(this.ours)
  }

  view(): DenseRows {
    return this.builder.view()
  }

  clear(): void {
    this.builder.clear()
  }

  private measureTokens(side: TextSide, prompt: TextSide, out: Float64Array): void {
    const { hashes, sizes, capitals, count } = side
    for (const [column] of LISTS) out[COLUMN[column]] = 0
    let characters = 0
    let long = 0
    let short = 0
    let capital = 0
    for (let i = 0; i < count; i++) {
      characters += sizes[i]
      if (sizes[i] >= 7) long++
      else if (sizes[i] <= 3) short++
      capital += capitals[i]
      for (let slot = hashes[i] % SLOTS; listColumns[slot] !== 0; slot = (slot + 1) % SLOTS) {
        if (listHashes[slot] === hashes[i]) {
          out[listColumns[slot]]++
          break
        }
      }
    }
    for (const [column] of LISTS) out[COLUMN[column]] = Math.log1p(out[COLUMN[column]])
    const per = count > 0 ? 1 / count : 0
    out[COLUMN.log_words] = Math.log1p(count)
    out[COLUMN.word_length] = characters * per
    out[COLUMN.long_word_share] = long * per
    out[COLUMN.short_word_share] = short * per
    out[COLUMN.log_capital_words] = Math.log1p(capital)
    out[COLUMN.log_sentence_words] = Math.log1p(count / Math.max(1, Math.expm1(out[COLUMN.log_sentences])))

    this.mark(prompt)
    let inPrompt = 0
    for (let i = 0; i < count; i++) if (this.seen[hashes[i] % SEEN] === this.generation) inPrompt++
    out[COLUMN.share_in_prompt] = inPrompt * per
    const distinct = this.mark(side)
    let covered = 0
    for (let i = 0; i < prompt.count; i++) if (this.seen[prompt.hashes[i] % SEEN] === this.generation) covered++
    out[COLUMN.prompt_share_covered] = prompt.count > 0 ? covered / prompt.count : 0
    out[COLUMN.type_token_ratio] = distinct * per
    this.nextGeneration()
    let repeats = 0
    for (let i = 1; i < count; i++) {
      const slot = combine32(hashes[i - 1], hashes[i]) % SEEN
      if (this.seen[slot] === this.generation) repeats++
      this.seen[slot] = this.generation
    }
    out[COLUMN.repeated_bigram_share] = repeats * per
  }

  private mark(side: TextSide): number {
    this.nextGeneration()
    let distinct = 0
    for (let i = 0; i < side.count; i++) {
      const slot = side.hashes[i] % SEEN
      if (this.seen[slot] !== this.generation) distinct++
      this.seen[slot] = this.generation
    }
    return distinct
  }

  private nextGeneration(): void {
    if (this.generation === 0xffffffff) {
      this.seen.fill(0)
      this.generation = 0
    }
    this.generation++
  }
}

/** Fills the columns that come from bytes alone; log_sentences is read again by the tokens' part. */
function measureBytes(side: TextSide, out: Float64Array): void {
  const { bytes, end } = side
  let start = side.start
  let last = end
  while (start < last && byteKind[bytes[start]] === SPACE) start++
  while (last > start && byteKind[bytes[last - 1]] === SPACE) last--
  let characters = 0,
    lines = 0,
    paragraphs = 0,
    sentences = 0,
    digits = 0,
    uppers = 0,
    letters = 0,
    marks = 0,
    spaces = 0,
    foreign = 0
  let questions = 0,
    exclamations = 0,
    commas = 0,
    colons = 0,
    quotes = 0,
    brackets = 0,
    items = 0,
    fences = 0,
    signs = 0,
    numbers = 0
  let run = 0,
    longest = 0,
    before = 0,
    lineStart = true,
    stop = false
  for (let i = start; i < last; i++) {
    const b = bytes[i]
    if (b === before) run++
    else run = 1
    // 4 and more of a visible byte in a row: drawn-out words, rows of signs
    if (run > longest && b > 0x20 && b < 0x80) longest = run
    if ((b & 0xc0) !== 0x80) characters++
    const kind = byteKind[b]
    stop = false
    switch (kind) {
      case SPACE:
        spaces++
        if (b === 10) {
          lines++
          if (lineStart && i > start) paragraphs++
          lineStart = true
        }
        break
      case DIGIT:
        digits++
        if (byteKind[before] !== DIGIT) numbers++
        break
      case UPPER:
        uppers++
        letters++
        break
      case LOWER:
        letters++
        break
      case MARK:
        marks++
        if (b === 0x3f) questions++
        else if (b === 0x21) exclamations++
        else if (b === 0x2c) commas++
        else if (b === 0x3a || b === 0x3b) colons++
        else if (b === 0x22 || b === 0x27) quotes++
        else if (b === 0x28 || b === 0x5b || b === 0x7b) brackets++
        else if (b === 0x2a || b === 0x23 || b === 0x5f || b === 0x7c) signs++
        else if (b === 0x60 && run === 3) fences++
        if (b === 0x2e || b === 0x21 || b === 0x3f) {
          stop = true
          if (i + 1 === last || byteKind[bytes[i + 1]] === SPACE) sentences++
        }
        break
      default:
        foreign++
        if (b === 0xef && i + 2 < last && bytes[i + 1] === 0xbc) {
          const third = bytes[i + 2]
          if (third === 0x9f) questions++
          else if (third === 0x81) exclamations++
          else if (third === 0x8c) commas++
          if (third === 0x9f || third === 0x81) sentences++
        } else if (b === 0xe3 && i + 2 < last && bytes[i + 1] === 0x80 && bytes[i + 2] === 0x82) sentences++
    }
    if (lineStart && kind !== SPACE) {
      if (isListItem(bytes, i, last)) items++
      lineStart = false
    }
    before = b
  }
  const size = last - start
  const per = size > 0 ? 1 / size : 0
  if (!stop && size > 2) stop = endsWithWideStop(bytes, last)
  out[COLUMN.log_characters] = Math.log1p(characters)
  out[COLUMN.log_lines] = Math.log1p(lines)
  out[COLUMN.log_paragraphs] = Math.log1p(paragraphs)
  out[COLUMN.log_sentences] = Math.log1p(sentences)
  out[COLUMN.digit_share] = digits * per
  out[COLUMN.upper_share] = letters > 0 ? uppers / letters : 0
  out[COLUMN.punctuation_share] = marks * per
  out[COLUMN.space_share] = spaces * per
  out[COLUMN.non_ascii_share] = foreign * per
  out[COLUMN.log_questions] = Math.log1p(questions)
  out[COLUMN.log_exclamations] = Math.log1p(exclamations)
  out[COLUMN.log_commas] = Math.log1p(commas)
  out[COLUMN.log_colons] = Math.log1p(colons)
  out[COLUMN.log_quotes] = Math.log1p(quotes)
  out[COLUMN.log_brackets] = Math.log1p(brackets)
  out[COLUMN.log_list_lines] = Math.log1p(items)
  out[COLUMN.log_code_fences] = Math.log1p(fences)
  out[COLUMN.log_marks] = Math.log1p(signs)
  out[COLUMN.log_numbers] = Math.log1p(numbers)
  out[COLUMN.log_longest_run] = Math.log1p(Math.max(0, longest - 3))
  out[COLUMN.ends_with_stop] = stop ? 1 : 0
  out[COLUMN.starts_with_capital] = size > 0 && byteKind[bytes[start]] === UPPER ? 1 : 0
}

/** A line's first visible byte is i: `- `, `* `, `+ `, a bullet, or a number with `.` or `)`. */
function isListItem(bytes: Uint8Array, i: number, end: number): boolean {
  const b = bytes[i]
  if (b === 0x2d || b === 0x2a || b === 0x2b) return i + 1 < end && bytes[i + 1] === 0x20
  if (b === 0xe2) return i + 2 < end && bytes[i + 1] === 0x80 && bytes[i + 2] === 0xa2
  let k = i
  while (k < end && k < i + 3 && byteKind[bytes[k]] === DIGIT) k++
  return k > i && k < end && (bytes[k] === 0x2e || bytes[k] === 0x29) && k + 1 < end && bytes[k + 1] === 0x20
}

/** Ends with an ideographic full stop, or a full-width ! or ?. */
function endsWithWideStop(bytes: Uint8Array, end: number): boolean {
  const [a, b, c] = [bytes[end - 3], bytes[end - 2], bytes[end - 1]]
  return (a === 0xe3 && b === 0x80 && c === 0x82) || (a === 0xef && b === 0xbc && (c === 0x81 || c === 0x9f))
}
