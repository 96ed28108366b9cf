/** Cuts a line into what arithmetic is read from: numbers, signs, brackets, words, marks. */
import { readPrinted, type Printed } from './exact.ts'

export type Operator = '+' | '-' | '*' | '/'

/** A piece of one line; `start` and `end` are code units in the whole text. */
export interface Token {
  readonly kind:
    | 'number'
    | 'operator'
    | 'equals'
    | 'open'
    | 'close'
    | 'currency'
    | 'percent'
    | 'unit'
    | 'word'
    | 'mark'
    | 'punctuation'
    | 'refused'
  readonly start: number
  readonly end: number
  readonly text: string
  readonly number?: Printed
  readonly operator?: Operator
  /** why this piece cannot be part of an equation (`refused` only) */
  readonly reason?: string
}

const OPERATORS: Readonly<Record<string, Operator>> = {
  '+': '+',
  '＋': '+',
  '-': '-',
  '−': '-',
  '–': '-',
  '‒': '-',
  '－': '-',
  '﹣': '-',
  '*': '*',
  '×': '*',
  '·': '*',
  '⋅': '*',
  '∙': '*',
  '✕': '*',
  '✖': '*',
  '＊': '*',
  '/': '/',
  '÷': '/',
  '∕': '/',
  '⁄': '/',
  '／': '/',
}
const PREFIX = /\s*(?:>\s*)*(?:[-*+•]\s+)?(?:(?:\(?\d{1,3}[.)]|step\s+\d{1,3}\s*[:.)])\s+)?/iuy
const SPACE = /\s+/uy
const RUN = /\.?\d+(?:[.,:'’]\d+)*/uy
const WORD =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]+|[\p{L}_][\p{L}\p{M}\p{Nd}_]*(?:['’.-][\p{L}\p{M}]+)*/uy
const GLUED = /[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}_]+/uy
const RELATION = /[!<>:=~≤≥]+=+[>=]*|=+[=>/~]+=?|[-–—]+>|[≈≅≃≠≡≤≥]|\+\/-/uy
const DOUBLED = /\*{2,}|\/{2,}|-{2,}|\+{2,}|\.{3}|…/uy
const TIMES_NEXT = /[xX](?:\s*(?:[$£€¥₹₩¢]\s?)?\.?\d|\s+[$£€¥₹₩¢]?\()/uy
const CURRENCY = /[$£€¥₹₩₽฿¢]/u
const UNIT = /["'°″′℃℉’]/u
const REASONS: Readonly<Record<string, string>> = {
  '\\': 'latex',
  '{': 'latex',
  '}': 'latex',
  '^': 'power',
  '`': 'code',
}

const SPACE_CODE = 0x20
const DIGIT = 0,
  LETTER = 1,
  SIGN = 2,
  EQUALS = 3,
  OPEN = 4,
  CLOSE = 5,
  DOLLAR = 6,
  COMMA = 7,
  OTHER = 8
/** what an ASCII character is; `x` and the point are looked at closer */
const CODES = Uint8Array.from({ length: 128 }, (_, code) => {
  const char = String.fromCharCode(code)
  if (/\d/.test(char)) return DIGIT
  if (/[a-wyzA-WYZ_]/.test(char)) return LETTER
  if (/[-+*/]/.test(char)) return SIGN
  return ({ '=': EQUALS, '(': OPEN, ')': CLOSE, $: DOLLAR, ',': COMMA } as Record<string, number>)[char] ?? OTHER
})
/** what may go on with a number or a word */
const JOINS = Uint8Array.from({ length: 128 }, (_, code) => (/[.,:'\-xX]/.test(String.fromCharCode(code)) ? 1 : 0))

function at(pattern: RegExp, text: string, index: number): string {
  pattern.lastIndex = index
  return pattern.exec(text)?.[0] ?? ''
}

/**
 * Glued letters make a variable, an ordinal, an exponent: only words of two or more letters are units. A product `2x3`
 * is none of these.
 */
function gluedReason(text: string, index: number): string | undefined {
  const code = text.charCodeAt(index)
  if (code < 128 && CODES[code] > LETTER && code !== 0x78 && code !== 0x58) return undefined
  if (at(TIMES_NEXT, text, index)) return undefined
  const letters = at(GLUED, text, index)
  if (!letters) return undefined
  if (letters.length === 1 || /\d/.test(text[index + letters.length] ?? '')) return 'variable'
  return /^(?:st|nd|rd|th|am|pm)$/i.test(letters) ? 'ordinal_or_time' : undefined
}

/**
 * Splits text[start, end), which is one line or the inside of a mark, into tokens, in order. Bullets and enumerators at
 * the start of a line are skipped. Nothing is lost silently: what cannot be read becomes a `refused` token with its
 * reason. `<<…>>` is one token.
 */
export function tokens(text: string, start: number, end: number, inMark = false): Token[] {
  const line = text.slice(0, end)
  const out: Token[] = []
  const first = line.charCodeAt(start)
  let i =
    inMark || (first < 128 && CODES[first] === LETTER && first !== 0x53 && first !== 0x73)
      ? start
      : start + at(PREFIX, line, start).length
  const push = (kind: Token['kind'], length: number, number?: Printed, operator?: Operator, reason?: string) => {
    out.push({ kind, start: i, end: i + length, text: text.slice(i, i + length), number, operator, reason })
    i += length
  }
  while (i < end) {
    if (pushPlain()) continue
    const space = at(SPACE, line, i)
    if (space) {
      i += space.length
      continue
    }
    const char = String.fromCodePoint(line.codePointAt(i)!)
    const last = out.at(-1)
    if (line.startsWith('<<', i)) {
      pushMark()
      continue
    }
    const run = at(RUN, line, i)
    if (run) {
      pushNumber(run)
      continue
    }
    const relation = at(RELATION, line, i)
    if (relation) {
      if (relation.endsWith('>') && !/[<!~]|==/.test(relation)) push('punctuation', relation.length)
      else refuse(relation.length, 'not_equality')
      continue
    }
    if (char === '=' || char === '＝') {
      push('equals', 1)
      continue
    }
    if ((char === 'x' || char === 'X') && last && isOperandEnd(last) && at(TIMES_NEXT, line, i)) {
      push('operator', 1, undefined, '*')
      continue
    }
    const word = at(WORD, line, i)
    if (word) {
      push('word', word.length)
      continue
    }
    const doubled = at(DOUBLED, line, i)
    if (doubled) {
      if (doubled.startsWith('**')) {
        const between = last?.end === i && isOperandEnd(last) && /[\d(]/.test(line[i + doubled.length] ?? '')
        if (between) refuse(doubled.length, 'power')
        else push('punctuation', doubled.length)
      } else refuse(doubled.length, doubled === '...' || doubled === '…' ? 'ellipsis' : 'symbol')
      continue
    }
    const operator = OPERATORS[char]
    if (operator) push('operator', char.length, undefined, operator)
    else if (char === '(' || char === '（') push('open', 1)
    else if (char === ')' || char === '）') push('close', 1)
    else if (char === '%' || char === '％') push('percent', 1)
    else if (CURRENCY.test(char)) push('currency', char.length)
    else if (UNIT.test(char) && last?.kind === 'number' && last.end === i) push('unit', char.length)
    else if (/\p{N}/u.test(char)) refuse(char.length, 'unicode_number')
    else if (/[\\^_~{}`<>]|[\p{Sm}\p{Sk}]/u.test(char) && !/[→⇒➜|]/u.test(char)) {
      refuse(char.length, REASONS[char] ?? 'symbol')
    } else push('punctuation', char.length)
  }
  return out

  /**
   * The pieces that most text is made of, by their ASCII codes alone; false where more must be looked at. What it does
   * the patterns below it would do.
   */
  function pushPlain(): boolean {
    const code = text.charCodeAt(i)
    if (code === SPACE_CODE) {
      i++
      return true
    }
    const kind = code < 128 ? CODES[code] : OTHER
    if (kind <= LETTER) {
      let stop = i + 1,
        next = SPACE_CODE
      while (stop < end && (next = text.charCodeAt(stop)) < 128 && CODES[next] <= kind) stop++
      if (stop < end && (next > 127 || JOINS[next])) return false
      if (kind === DIGIT) pushNumber(text.slice(i, stop))
      else push('word', stop - i)
      return true
    }
    if (kind === OTHER) return false
    const next = i + 1 < end ? text.charCodeAt(i + 1) : SPACE_CODE
    if (next > 127 || (next !== SPACE_CODE && CODES[next] > LETTER && next !== 0x24 && next !== 0x28)) return false
    if (kind === SIGN) push('operator', 1, undefined, text[i] as Operator)
    else {
      push(
        kind === EQUALS
          ? 'equals'
          : kind === OPEN
            ? 'open'
            : kind === CLOSE
              ? 'close'
              : kind === DOLLAR
                ? 'currency'
                : 'punctuation',
        1,
      )
    }
    return true
  }

  function pushNumber(run: string): void {
    const number = readPrinted(run, i)
    const reason = typeof number === 'string' ? number : gluedReason(line, i + run.length)
    if (typeof number === 'string' || reason) refuse(run.length, reason)
    else push('number', run.length, number)
  }

  function refuse(length: number, reason: string | undefined): void {
    push('refused', length, undefined, undefined, reason)
  }

  function pushMark(): void {
    const close = line.indexOf('>>', i)
    if (close < 0) {
      refuse(end - i, 'broken_mark')
      return
    }
    if (line.indexOf('<<', i + 2) < 0 || line.indexOf('<<', i + 2) > close) {
      push('mark', close + 2 - i)
      return
    }
    let depth = 0
    let stop = i
    for (const piece of line.slice(i).matchAll(/<<|>>/g)) {
      depth += piece[0] === '<<' ? 1 : -1
      stop = i + piece.index + 2
      if (depth === 0) break
    }
    refuse(depth === 0 ? stop - i : end - i, 'nested_mark')
  }
}

/** Whether an operand may end with this token, so that an operator after it takes two operands. */
export function isOperandEnd(token: Token): boolean {
  return (
    token.kind === 'number' ||
    token.kind === 'close' ||
    token.kind === 'percent' ||
    token.kind === 'unit' ||
    token.kind === 'word' ||
    token.kind === 'currency'
  )
}
