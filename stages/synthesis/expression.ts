/** Expressions of arithmetic in a text: where they begin, what they are worth, and why some are not read. */
import { minus, over, plus, rational, times, valueOf, type Printed, type Rational } from './exact.ts'
import { isOperandEnd, type Operator, type Token } from './tokens.ts'

/** One item of a flat infix expression, in the order of the text. A number carries its sign and percent sign. */
export type Item =
  | { readonly kind: 'number'; readonly printed: Printed; readonly negative: boolean; readonly percent: boolean }
  | {
      readonly kind: 'operator'
      readonly operator: Operator
      readonly start: number
      readonly end: number
      readonly glyph: string
      readonly tight: boolean
    }
  | { readonly kind: 'open' | 'close' }

/** A left side read backwards from its end: its items and the index of its first token. */
export interface Expression {
  readonly items: readonly Item[]
  readonly first: number
}

/**
 * Why something is not read; `reason` is one of a closed list, see `REFUSALS`. Thrown at every other equals sign, so
 * without the cost of a stack.
 */
export class Refused extends Error {
  readonly reason: string
  constructor(reason: string) {
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    super(reason)
    Error.stackTraceLimit = stackTraceLimit
    this.reason = reason
  }
}

/** Every reason for which text around an equals sign is left alone, with what it means. */
export const REFUSALS = {
  ambiguous_division: 'a tighter operator after a division: 3 / 1/2',
  broken_mark: 'a calculator mark that is not closed, or is not an expression, one equals sign and a number',
  chain: 'the result is itself an operand or a side of another equation: 2+3 = 5+4 = 9',
  code: 'inside a code fence or backticks',
  dash_or_minus: 'a dash that may be a minus sign',
  date: 'three numbers that may be a date: 12/05/2020',
  division_by_zero: 'a division by zero',
  ellipsis: 'an ellipsis: 0.33…',
  function: 'a name before a parenthesis: f(2)',
  implicit_product: 'a product without a sign: 2(3+4)',
  latex: 'LaTeX commands or braces',
  leading_zero: 'a number such as 007',
  mark_differs: 'the mark and the text around it do not state the same',
  mixed_number: 'two numbers side by side: 1 1/2',
  nested_mark: 'a mark within a mark',
  no_operation: 'the left side is one number or none',
  no_result: 'no number after the equals sign',
  not_equality: 'another relation: ==, <=, ≈, =>',
  operand_missing: 'an operand that is not a number',
  ordinal_or_time: 'a number with st, nd, rd, th, am or pm',
  parenthesis: 'parentheses that do not match, or hold no expression',
  percent: 'a percentage whose base is not said: 50 + 10%, or 40/50 = 80%… read as 80',
  power: 'a power',
  remainder: 'a quotient with a remainder',
  scaled_number: 'a number with dozen, thousand, million, …',
  separator: 'commas or points that are not thousands separators: 1,23',
  symbol: 'another symbol beside the expression',
  time_or_ratio: 'a time or ratio: 5:30',
  too_long: 'more than 30 digits or 64 operands',
  unicode_number: 'digits that are not ASCII, fractions in one sign, superscripts',
  variable: 'a variable',
  version: 'a version or numbering: 1.2.3',
  word_operator: 'a word that changes the value: half of, times, less than',
  words_between: 'a clause between two operands',
} as const

const MAX_OPERANDS = 64
const MAX_UNIT_WORDS = 4
const WORD_OPERATOR =
  /^(?:times|plus|minus|divided|multiplied|squared|cubed|half|halves|double|doubled|twice|thrice|triple|tripled|quarters?|thirds?|fourths|fifths|sixths|tenths|hundredths|less|fewer|quotient|average|mean|root|modulo|mod|negative)$/iu
/** change the value only after a number, a percent sign or one of the words above */
const LINKS = /^(?:of|by|over|more|greater|than|per)$/iu
const SCALE =
  /^(?:dozens?|hundreds?|thousands?|millions?|billions?|trillions?|grand|bn|mn|mil|lakhs?|crores?)$|^[十百千万萬亿億兆打双雙倍半]/iu
const CONNECTOR =
  /^(?:and|or|so|then|is|are|was|were|has|have|had|equals?|gives?|makes?|gets?|if|when|because|which|that|she|he|it|they|we|i|to)$/iu

/** Whether a word multiplies the number before it. */
export function scales(word: string): boolean {
  return SCALE.test(word)
}

/**
 * Throws why a word may not stand among the units of an operand, if it may not.
 * @param next the word after it, if any: the article of `5 a day` is told from a variable by it
 */
function checkUnitWord(word: string, next: Token | undefined): void {
  if (SCALE.test(word)) throw new Refused('scaled_number')
  if (WORD_OPERATOR.test(word) || (LINKS.test(word) && !/^per$/i.test(word))) throw new Refused('word_operator')
  if (CONNECTOR.test(word)) throw new Refused('words_between')
  if (/^\p{Script=Latin}(?:\p{Nd})*$|^[^\p{L}]|_/u.test(word) && !(word === 'a' && next?.kind === 'word')) {
    throw new Refused('variable')
  }
}

const isRateSlash = (list: readonly Token[], i: number): boolean =>
  list[i].operator === '/' && list[i + 1]?.kind === 'word'

/**
 * The index of the operand's last proper token (number, close, percent …) when i stands on the unit words after it; -1
 * where there is none.
 */
function skipUnits(list: readonly Token[], i: number): number {
  for (let words = 0; i >= 0; i--) {
    const token = list[i]
    if (token.kind === 'unit' || isRateSlash(list, i)) continue
    if (token.kind === 'currency' && list[i - 1]?.kind === 'number') continue
    if (token.kind !== 'word') return i
    if (++words > MAX_UNIT_WORDS) return -1
  }
  return -1
}

/** Reads the longest expression that ends with token `end`, backwards. Throws `Refused`. */
export function expressionBefore(list: readonly Token[], end: number): Expression {
  const items: Item[] = []
  const first = walk(list, end, items, 0)
  items.reverse()
  if (items.filter(item => item.kind === 'number').length > MAX_OPERANDS) throw new Refused('too_long')
  checkBefore(list, first)
  if (items.length < 2) throw new Refused('no_operation')
  return { items, first }
}

function walk(list: readonly Token[], i: number, items: Item[], depth: number): number {
  if (depth > 8) throw new Refused('parenthesis')
  for (;;) {
    i = operand(list, i, items, depth)
    const token = list[i - 1]
    if (token?.kind !== 'operator' || isBullet(list, i - 1)) return i
    if (token.operator === '-' && !takesTwo(list, i - 1)) throw new Refused('dash_or_minus')
    const tight = list[i - 2]?.end === token.start && list[i].start === token.end
    items.push({
      kind: 'operator',
      operator: token.operator!,
      start: token.start,
      end: token.end,
      glyph: token.text,
      tight,
    })
    if (items.length > MAX_OPERANDS * 8) throw new Refused('too_long')
    i -= 2
  }
}

/** Pushes the operand that ends with token i, in reverse, and returns the index of its first token. */
function operand(list: readonly Token[], i: number, items: Item[], depth: number): number {
  const last = skipUnits(list, i)
  const token = list[last]
  if (!token) throw new Refused('operand_missing')
  if (token.kind === 'refused') throw new Refused(token.reason!)
  if (token.kind === 'percent' || token.kind === 'number') {
    for (let k = last + 1; k <= i; k++) {
      if (list[k].kind !== 'word' || isPercentWord(list[k])) continue
      if (/^per$/i.test(list[k].text) && k + 1 > i) throw new Refused('word_operator')
      checkUnitWord(list[k].text, list[k + 1])
    }
    const at = token.kind === 'percent' ? last - 1 : last
    const number = list[at]
    if (number?.kind === 'refused') throw new Refused(number.reason!)
    if (number?.kind !== 'number') throw new Refused('operand_missing')
    const percent = token.kind === 'percent' || (isPercentWord(list[at + 1]) && at + 1 <= i)
    let begin = at
    if (list[begin - 1]?.kind === 'currency') begin--
    const sign = list[begin - 1]
    // `$-5`: the sign stands between the currency and the number
    const negative = sign?.operator === '-' && sign.end === list[begin].start && !takesTwo(list, begin - 1)
    if (negative) {
      begin--
      if (list[begin - 1]?.kind === 'currency' && list[begin - 1].end === sign.start) begin--
    }
    items.push({ kind: 'number', printed: number.number!, negative, percent })
    return begin
  }
  if (token.kind === 'close') {
    for (let k = last + 1; k <= i; k++) if (list[k].kind === 'word') checkUnitWord(list[k].text, list[k + 1])
    items.push({ kind: 'close' })
    const first = walk(list, last - 1, items, depth + 1)
    const open = list[first - 1]
    if (open?.kind !== 'open') throw new Refused('parenthesis')
    items.push({ kind: 'open' })
    const before = list[first - 2]
    if (before?.kind === 'word' && before.end === open.start && !/\p{Script=Han}$/u.test(before.text)) {
      throw new Refused('function')
    }
    if (before?.kind === 'currency') return first - 2
    return first - 1
  }
  throw new Refused(token.kind === 'mark' ? 'chain' : 'operand_missing')
}

const isPercentWord = (token: Token | undefined): boolean => token?.kind === 'word' && /^percent$/i.test(token.text)

const isBullet = (list: readonly Token[], i: number): boolean =>
  i === 0 && list[1] !== undefined && list[1].start > list[0].end

/** Whether the minus sign at i has an operand before it, so that it is no sign. */
function takesTwo(list: readonly Token[], i: number): boolean {
  const before = list[i - 1]
  if (!before || !isOperandEnd(before)) return before?.kind === 'refused'
  const kind = list[skipUnits(list, i - 1)]?.kind
  return kind === 'number' || kind === 'close' || kind === 'percent' || kind === 'refused'
}

function changesValue(token: Token | undefined): boolean {
  return (
    token !== undefined &&
    (token.kind === 'number' ||
      token.kind === 'percent' ||
      token.kind === 'close' ||
      token.kind === 'refused' ||
      (token.kind === 'word' && (WORD_OPERATOR.test(token.text) || LINKS.test(token.text) || SCALE.test(token.text))))
  )
}

/** Throws where the token before an expression says that more belongs to it than was read. */
function checkBefore(list: readonly Token[], first: number): void {
  const before = list[first - 1]
  if (!before) return
  switch (before.kind) {
    case 'refused':
      throw new Refused(before.reason!)
    case 'number':
      throw new Refused(list[first].kind === 'open' ? 'implicit_product' : 'mixed_number')
    case 'close':
      throw new Refused('implicit_product')
    case 'mark':
      throw new Refused('chain')
    case 'percent':
    case 'unit':
      throw new Refused('symbol')
    case 'operator':
      if (!isBullet(list, first - 1)) throw new Refused('operand_missing')
      return
    case 'open':
      if (list[first - 2]?.kind === 'refused') throw new Refused(list[first - 2].reason!)
      if (list[first - 2]?.kind === 'word' && list[first - 2].end === before.start) throw new Refused('function')
      return
    case 'word':
      if (list[first - 2]?.reason === 'latex' && list[first - 2].end === before.start) throw new Refused('latex')
      if (WORD_OPERATOR.test(before.text) || (LINKS.test(before.text) && changesValue(list[first - 2]))) {
        throw new Refused('word_operator')
      }
      if (SCALE.test(before.text)) throw new Refused('scaled_number')
      return
    case 'equals': {
      const kind = list[skipUnits(list, first - 2)]?.kind
      if (kind === 'number' || kind === 'close' || kind === 'percent' || kind === 'mark') throw new Refused('chain')
      return
    }
    case 'punctuation':
      if (list[first - 2]?.kind === 'operator' && !isBullet(list, first - 2)) throw new Refused('operand_missing')
      return
    default:
  }
}

interface Value {
  readonly value: Rational
  readonly percent: 'yes' | 'no' | 'either'
}

/** The exact value of an expression; division binds like multiplication, from left to right. Throws `Refused`. */
export function evaluate(items: readonly Item[]): Rational {
  let i = 0
  const result = sum()
  return result.value

  function sum(): Value {
    let left = product()
    for (
      let item = items[i];
      item?.kind === 'operator' && (item.operator === '+' || item.operator === '-');
      item = items[i]
    ) {
      i++
      const right = product()
      const percents = left.percent + right.percent
      if (percents === 'yesno' || percents === 'noyes') throw new Refused('percent')
      left = {
        value: item.operator === '+' ? plus(left.value, right.value) : minus(left.value, right.value),
        percent: left.percent === 'either' ? right.percent : left.percent,
      }
    }
    return left
  }
  function product(): Value {
    let left = atom()
    let division: (Item & { kind: 'operator' }) | undefined
    for (
      let item = items[i];
      item?.kind === 'operator' && (item.operator === '*' || item.operator === '/');
      item = items[i]
    ) {
      if (division && ((item.tight && !division.tight) || (item.operator === '/' && item.glyph !== division.glyph))) {
        throw new Refused('ambiguous_division')
      }
      if (item.operator === '/') division ??= item
      i++
      const right = atom()
      const value = item.operator === '*' ? times(left.value, right.value) : over(left.value, right.value)
      if (!value) throw new Refused('division_by_zero')
      left = { value, percent: left.percent === 'no' && right.percent === 'no' ? 'no' : 'either' }
    }
    return left
  }
  function atom(): Value {
    const item = items[i++]
    if (item.kind === 'number') {
      const value = valueOf(item.printed)
      const signed = item.negative ? rational(-value.n, value.d) : value
      return item.percent
        ? { value: times(signed, rational(1n, 100n)), percent: 'yes' }
        : { value: signed, percent: 'no' }
    }
    const inner = sum()
    i++
    return inner
  }
}

/** Whether three slash- or dash-separated numbers without spaces could be a date. */
export function looksLikeDate(items: readonly Item[]): boolean {
  for (let i = 0; i + 4 < items.length; i++) {
    const [a, p, b, q, c] = items.slice(i, i + 5)
    if (
      a.kind !== 'number' ||
      b.kind !== 'number' ||
      c.kind !== 'number' ||
      p.kind !== 'operator' ||
      q.kind !== 'operator'
    ) {
      continue
    }
    if (p.operator !== q.operator || (p.operator !== '/' && p.operator !== '-') || !p.tight || !q.tight) continue
    const [x, y, z] = [a, b, c].map(item => (item.printed.decimals ? 0n : item.printed.units))
    const day = (n: bigint) => n >= 1n && n <= 31n
    const year = (n: bigint) => n >= 1000n && n <= 2999n
    if (
      (day(x) && day(y) && (year(z) || (p.operator === '/' && x <= 12n && z >= 10n && z <= 99n && y > 9n))) ||
      (year(x) && day(y) && day(z))
    ) {
      return true
    }
  }
  return false
}

/** The expression as a checker reads it: plain digits, `+ - * /`, parentheses and percent signs, without spaces. */
export function canonical(items: readonly Item[]): string {
  return items
    .map(item => {
      if (item.kind === 'operator') return item.operator
      if (item.kind !== 'number') return item.kind === 'open' ? '(' : ')'
      const digits = plainDigits(item.printed)
      return (item.negative ? `(-${digits})` : digits) + (item.percent ? '%' : '')
    })
    .join('')
}

/** The digits of a printed number without separators. */
export function plainDigits(number: Printed): string {
  if (!number.decimals) return number.units.toString()
  const digits = number.units.toString().padStart(number.decimals + 1, '0')
  return `${digits.slice(0, -number.decimals)}.${digits.slice(-number.decimals)}`
}
