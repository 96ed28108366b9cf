import { readPrinted, type Printed } from './exact.ts'

export type Operator = '+' | '-' | '*' | '/'

/** A piece of one line; `start` and `end` are code units in the whole text. */
export interface Token {
  readonly kind: 'number' | 'operator' | 'equals' | 'open' | 'close' | 'currency' | 'percent' | 'unit' | 'word' | 'mark' | 'punctuation' | 'refused'
  readonly start: number
  readonly end: number
  readonly text: string
  readonly number?: Printed
  readonly operator?: Operator
  /** why this piece cannot be part of an equation (`refused` only) */
  readonly reason?: string
}

const OPERATORS: Readonly<Record<string, Operator>> = {
  '+': '+', '＋': '+',
  '-': '-', '−': '-', '–': '-', '‒': '-', '－': '-', '﹣': '-',
  '*': '*', '×': '*', '·': '*', '⋅': '*', '∙': '*', '✕': '*', '✖': '*', '＊': '*',
  '/': '/', '÷': '/', '∕': '/', '⁄': '/', '／': '/',
}
const PREFIX = /\s*(?:>\s*)*(?:[-*+•]\s+)?(?:(?:\(?\d{1,3}[.)]|step\s+\d{1,3}\s*[:.)])\s+)?/iuy
const SPACE = /\s+/uy
const RUN = /\.?\d+(?:[.,:'’]\d+)*/uy
const WORD = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]+|[\p{L}_][\p{L}\p{M}\p{Nd}_]*(?:['’.-][\p{L}\p{M}]+)*/uy
const GLUED = /[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}_]+/uy
const RELATION = /[!<>:=~≤≥]+=+[>=]*|=+[=>/~]+=?|[-–—]+>|[≈≅≃≠≡≤≥]|\+\/-/uy
const DOUBLED = /\*{2,}|\/{2,}|-{2,}|\+{2,}|\.{3}|…/uy
const TIMES_NEXT = /[xX](?:\s*(?:[$£€¥₹₩¢]\s?)?\.?\d|\s+[$£€¥₹₩¢]?\()/uy
const CURRENCY = /[$£€¥₹₩₽฿¢]/u
const UNIT = /["'°″′℃℉’]/u
const REASONS: Readonly<Record<string, string>> = { '\\': 'latex', '{': 'latex', '}': 'latex', '^': 'power', '`': 'code' }

function at(pattern: RegExp, text: string, index: number): string {
  pattern.lastIndex = index
  return pattern.exec(text)?.[0] ?? ''
}

/** Glued letters make a variable, an ordinal, an exponent: only words of two or more letters are units. A product `2x3` is none of these. */
function gluedReason(text: string, index: number): string | undefined {
  if (at(TIMES_NEXT, text, index)) return undefined
  const letters = at(GLUED, text, index)
  if (!letters) return undefined
  if (letters.length === 1 || /\d/.test(text[index + letters.length] ?? '')) return 'variable'
  return /^(?:st|nd|rd|th|am|pm)$/i.test(letters) ? 'ordinal_or_time' : undefined
}

/**
 * Splits text[start, end), which is one line or the inside of a mark, into tokens, in order. Bullets and enumerators at the start of a line are
 * skipped. Nothing is lost silently: what cannot be read becomes a `refused` token with its reason. `<<…>>` is one token.
 */
export function tokens(text: string, start: number, end: number, inMark = false): Token[] {
  const line = text.slice(0, end)
  const out: Token[] = []
  let i = inMark ? start : start + at(PREFIX, line, start).length
  const push = (kind: Token['kind'], length: number, more?: Partial<Token>) => {
    out.push({ kind, start: i, end: i + length, text: line.slice(i, i + length), ...more })
    i += length
  }
  while (i < end) {
    const space = at(SPACE, line, i)
    if (space) { i += space.length; continue }
    const char = String.fromCodePoint(line.codePointAt(i)!)
    const last = out.at(-1)
    if (line.startsWith('<<', i)) { pushMark(); continue }
    const run = at(RUN, line, i)
    if (run) {
      const number = readPrinted(run, i)
      const reason = typeof number === 'string' ? number : gluedReason(line, i + run.length)
      if (typeof number === 'string' || reason) push('refused', run.length, { reason })
      else push('number', run.length, { number })
      continue
    }
    const relation = at(RELATION, line, i)
    if (relation) {
      if (relation.endsWith('>') && !/[<!~]|==/.test(relation)) push('punctuation', relation.length)
      else push('refused', relation.length, { reason: 'not_equality' })
      continue
    }
    if (char === '=' || char === '＝') { push('equals', 1); continue }
    if ((char === 'x' || char === 'X') && last && isOperandEnd(last) && at(TIMES_NEXT, line, i)) { push('operator', 1, { operator: '*' }); continue }
    const word = at(WORD, line, i)
    if (word) { push('word', word.length); continue }
    const doubled = at(DOUBLED, line, i)
    if (doubled) {
      if (doubled.startsWith('**')) {
        const between = last?.end === i && isOperandEnd(last) && /[\d(]/.test(line[i + doubled.length] ?? '')
        push(between ? 'refused' : 'punctuation', doubled.length, between ? { reason: 'power' } : undefined)
      } else push('refused', doubled.length, { reason: doubled === '...' || doubled === '…' ? 'ellipsis' : 'symbol' })
      continue
    }
    const operator = OPERATORS[char]
    if (operator) push('operator', char.length, { operator })
    else if (char === '(' || char === '（') push('open', 1)
    else if (char === ')' || char === '）') push('close', 1)
    else if (char === '%' || char === '％') push('percent', 1)
    else if (CURRENCY.test(char)) push('currency', char.length)
    else if (UNIT.test(char) && last?.kind === 'number' && last.end === i) push('unit', char.length)
    else if (/\p{N}/u.test(char)) push('refused', char.length, { reason: 'unicode_number' })
    else if (/[\\^_~{}`<>]|[\p{Sm}\p{Sk}]/u.test(char) && !/[→⇒➜|]/u.test(char)) push('refused', char.length, { reason: REASONS[char] ?? 'symbol' })
    else push('punctuation', char.length)
  }
  return out

  function pushMark(): void {
    const close = line.indexOf('>>', i)
    if (close < 0) { push('refused', end - i, { reason: 'broken_mark' }); return }
    if (line.indexOf('<<', i + 2) < 0 || line.indexOf('<<', i + 2) > close) { push('mark', close + 2 - i); return }
    let depth = 0
    let stop = i
    for (const piece of line.slice(i).matchAll(/<<|>>/g)) {
      depth += piece[0] === '<<' ? 1 : -1
      stop = i + piece.index + 2
      if (depth === 0) break
    }
    push('refused', depth === 0 ? stop - i : end - i, { reason: 'nested_mark' })
  }
}

/** Whether an operand may end with this token, so that an operator after it takes two operands. */
export function isOperandEnd(token: Token): boolean {
  return token.kind === 'number' || token.kind === 'close' || token.kind === 'percent' || token.kind === 'unit' || token.kind === 'word'
    || token.kind === 'currency'
}
