/** Reads the equations and steps of a worked solution, and leaves alone what could be read in two ways. */
import { near, over, rational, same, times, valueOf, type Printed, type Rational } from './exact.ts'
import {
  canonical,
  evaluate,
  expressionBefore,
  looksLikeDate,
  plainDigits,
  Refused,
  scales,
  type Item,
  type REFUSALS,
} from './expression.ts'
import { tokens, type Token } from './tokens.ts'

/** A part of the text, by code units and, for people and other languages, by Unicode code points. */
export interface Span {
  readonly start: number
  readonly end: number
  readonly startPoint: number
  readonly endPoint: number
}

/**
 * A stated result: one number, or a fraction of two whole numbers. The sign and the percent sign are not part of the
 * printed numbers.
 */
export interface Stated {
  readonly number: Printed
  readonly denominator?: Printed
  readonly negative: boolean
  readonly percent: boolean
}

/**
 * An equation found in a text. `items` is its left side; with a calculator mark (`48/2 = <<48/2=24>>24`) it is the
 * mark's, `visible` is the same expression before the mark where it was read and is equal item by item, and `twin` is
 * the number after the mark.
 */
export interface Equation extends Span {
  readonly items: readonly Item[]
  readonly visible?: readonly Item[]
  /** the mark stands alone: no equals sign leads to it, so that its expression is printed once */
  readonly lone: boolean
  readonly stated: Stated
  readonly twin?: Stated
  /** the span of the calculator mark, code units */
  readonly mark?: { readonly start: number; readonly end: number }
  /** the value of the left side */
  readonly exact: Rational
  /** `rounded`: not equal, but less than one unit of the last printed place away */
  readonly verdict: 'true' | 'false' | 'rounded'
  /** the left side and the result in plain signs, as a checker reads them */
  readonly left: string
  readonly result: string
}

/** An equals sign or mark that was left alone, and why. */
export interface Refusal {
  readonly start: number
  readonly end: number
  readonly reason: keyof typeof REFUSALS
}

/** What `findEquations` found, both lists in the order of the text. */
export interface Findings {
  readonly equations: readonly Equation[]
  readonly refusals: readonly Refusal[]
}

/** A step of a solution; `index` counts from 0. */
export interface Step extends Span {
  readonly index: number
  readonly equations: readonly Equation[]
}

/**
 * Finds the equations `expression = number` of a text, line by line, and evaluates them exactly. Expressions have + - *
 * / (also × · ÷ − – x), parentheses, decimals, thousands separators, currency and percent signs, negative numbers and
 * unit words between number and operator; division is read from left to right. Calculator marks are read with the
 * number after them. What could be read in two ways is refused with a reason of `REFUSALS`; nothing is guessed. A
 * percentage is n/100.
 */
export function findEquations(text: string): Findings {
  const equations: Equation[] = []
  const refusals: Refusal[] = []
  const points = codePoints(text)
  const hasFences = /```|~~~/.test(text)
  let fenced = false
  for (const [start, end] of lines(text)) {
    const line = text.slice(start, end)
    const fence = hasFences && /^\s*(?:```|~~~)/.test(line)
    if (fence) fenced = !fenced
    if (!line.includes('=') && !line.includes('＝')) continue
    const list = tokens(text, start, end)
    for (let i = 0; i < list.length; i++) {
      const { kind, reason } = list[i]
      if (kind !== 'equals' && kind !== 'mark') {
        if (reason === 'broken_mark' || reason === 'nested_mark' || reason === 'not_equality') refuse(list[i], reason)
        continue
      }
      const markAfter = kind === 'equals' ? markIndex(list, i) : -1
      try {
        if (fenced || fence) throw new Refused('code')
        const isMark = kind === 'mark' || markAfter >= 0
        const found = isMark
          ? marked(text, list, markAfter >= 0 ? markAfter : i, markAfter >= 0 ? i : -1)
          : simple(list, i)
        found.startPoint = points(found.start)
        found.endPoint = points(found.end)
        equations.push(found)
      } catch (error) {
        if (!(error instanceof Refused)) throw error
        refuse(list[i], error.reason)
      }
      if (markAfter >= 0) i = markAfter
    }
  }
  return { equations, refusals }

  function refuse(token: Token, reason: string): void {
    refusals.push({ start: token.start, end: token.end, reason: reason as Refusal['reason'] })
  }
}

/** An equation in the making: filled in where more of it is known, as copies of it cost more than reading it. */
type Found = { -readonly [K in keyof Equation]: Equation[K] }

/** The mark a plain equals sign leads to, past a currency sign; else -1. */
function markIndex(list: readonly Token[], equals: number): number {
  const next = list[equals + 1]?.kind === 'currency' ? equals + 2 : equals + 1
  return list[next]?.kind === 'mark' ? next : -1
}

function simple(list: readonly Token[], equals: number): Found {
  const { items, first } = expressionBefore(list, equals - 1)
  const right = statedAfter(list, equals + 1)
  checkAfter(list, right.next)
  return judged(items, right.stated, list[first].start, list[right.next - 1].end)
}

function marked(text: string, list: readonly Token[], at: number, equals: number): Found {
  const mark = list[at]
  const inner = innerEquation(text, mark)
  const right = statedAfter(list, at + 1)
  checkAfter(list, right.next)
  const twin = right.stated
  if (!same(number(inner.stated), number(twin))) throw new Refused('mark_differs')
  inner.twin = twin
  inner.mark = { start: mark.start, end: mark.end }
  inner.end = list[right.next - 1].end
  if (equals < 0) {
    const before = list[at - 1]
    if (before?.kind === 'mark' || before?.kind === 'operator') throw new Refused('chain')
    if (before?.kind === 'word' && before.end === mark.start) throw new Refused('variable')
    inner.lone = true
    return inner
  }
  let visible
  try {
    visible = expressionBefore(list, equals - 1)
  } catch (error) {
    // the mark says what was meant; text beside it that is not understood only keeps the left side from being edited
    if (!(error instanceof Refused)) throw error
    if (error.reason === 'chain') throw error
    return inner
  }
  let verdict
  try {
    verdict = judge(visible.items, twin).verdict
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    return inner
  }
  if (verdict !== 'true' && verdict !== inner.verdict) throw new Refused('mark_differs')
  inner.visible = alike(visible.items, inner.items) ? visible.items : undefined
  inner.start = list[visible.first].start
  return inner
}

/** Whether two expressions are the same item by item, however their numbers are printed. */
function alike(a: readonly Item[], b: readonly Item[]): boolean {
  return (
    a.length === b.length &&
    a.every((x, i) => {
      const y = b[i]
      if (x.kind === 'number') {
        return (
          y.kind === 'number' &&
          x.negative === y.negative &&
          x.percent === y.percent &&
          same(valueOf(x.printed), valueOf(y.printed))
        )
      }
      return x.kind === y.kind && (x.kind !== 'operator' || x.operator === (y as typeof x).operator)
    })
  )
}

/** The equation inside a mark: nothing but an expression, an equals sign and a number. */
function innerEquation(text: string, mark: Token): Found {
  const list = tokens(text, mark.start + 2, mark.end - 2, true)
  const equals = list.findIndex(token => token.kind === 'equals')
  if (equals < 0 || list.some(token => token.kind === 'word')) throw new Refused('broken_mark')
  const { items, first } = expressionBefore(list, equals - 1)
  const right = statedAfter(list, equals + 1)
  if (first !== 0 || right.next !== list.length) throw new Refused('broken_mark')
  return judged(items, right.stated, mark.start, mark.end)
}

/** Reads a stated result that begins with token i; `next` is the token after it. */
function statedAfter(list: readonly Token[], i: number): { stated: Stated; next: number } {
  let negative = false
  for (let signs = 0; signs < 2; signs++) {
    if (list[i]?.kind === 'currency') i++
    if (list[i]?.operator === '-' && list[i].end === list[i + 1]?.start && !negative) {
      negative = true
      i++
    }
  }
  const token = list[i]
  if (token?.kind === 'refused') throw new Refused(token.reason!)
  if (token?.kind !== 'number') throw new Refused('no_result')
  const slash = list[i + 1]
  const below = list[i + 2]
  if (
    slash?.operator === '/' &&
    slash.text !== '÷' &&
    below?.kind === 'number' &&
    slash.start === token.end &&
    slash.end === below.start
  ) {
    if (token.number!.decimals || below.number!.decimals || below.number!.units === 0n) throw new Refused('chain')
    return { stated: { number: token.number!, denominator: below.number!, negative, percent: false }, next: i + 3 }
  }
  const percent = slash?.kind === 'percent' || (slash?.kind === 'word' && /^percent$/i.test(slash.text))
  return { stated: { number: token.number!, negative, percent }, next: percent ? i + 2 : i + 1 }
}

/** Throws where what follows a result says that it goes on: another operand, another equation, a scale word. */
function checkAfter(list: readonly Token[], next: number): void {
  for (let i = next; i < next + 2; i++) {
    if (list[i]?.kind === 'word' && /^mod(?:ulo)?$/i.test(list[i].text)) throw new Refused('word_operator')
  }
  if (list[next]?.kind === 'open' && calculates(list, next)) throw new Refused('implicit_product')
  for (let i = next; i < list.length && i < next + 6; i++) {
    const token = list[i]
    if (token.kind === 'refused') {
      if (i === next || token.reason === 'not_equality') throw new Refused(token.reason!)
      return
    }
    if (token.kind === 'equals' || token.kind === 'mark') throw new Refused('chain')
    if (token.kind === 'number') {
      if (i === next) throw new Refused('mixed_number')
      return
    }
    if (token.kind === 'operator') {
      const after = list[i + 1]
      if (token.operator === '/' && after?.kind === 'word') {
        i++
        continue
      }
      if (!after || (token.operator === '-' && after.kind === 'word' && after.text.length > 1)) return
      if (token.operator === '*' && after.kind === 'punctuation') return
      throw new Refused('chain')
    }
    if (token.kind === 'word') {
      if (i === next && scales(token.text)) throw new Refused('scaled_number')
      if (i === next && /^(?:r|rem|remainder)$/i.test(token.text)) throw new Refused('remainder')
      if (i === next && /^(?:squared|cubed|x|X)$/.test(token.text)) throw new Refused('power')
      if (
        (i === next ? /^(?:times|plus|minus|over|by|of)$/i : /^(?:times|plus|minus)$/i).test(token.text) &&
        /^(?:number|currency|open)$/.test(list[i + 1]?.kind ?? '')
      ) {
        throw new Refused('word_operator')
      }
      continue
    }
    if (token.kind !== 'currency' && token.kind !== 'unit' && token.kind !== 'percent') return
  }
}

/** Whether a parenthesis after a result goes on calculating; else it is a remark. */
function calculates(list: readonly Token[], open: number): boolean {
  if (list[open].start === list[open - 1].end) return true
  for (let i = open; i < list.length && list[i].kind !== 'close'; i++) {
    if (list[i].kind === 'operator' || list[i].kind === 'equals') return true
  }
  return false
}

function judged(items: readonly Item[], stated: Stated, start: number, end: number): Found {
  const { exact, verdict } = judge(items, stated)
  return {
    items,
    visible: undefined,
    lone: false,
    stated,
    twin: undefined,
    mark: undefined,
    start,
    end,
    startPoint: 0,
    endPoint: 0,
    exact,
    verdict,
    left: canonical(items),
    result: printStated(stated),
  }
}

function judge(items: readonly Item[], stated: Stated): Pick<Equation, 'exact' | 'verdict'> {
  if (looksLikeDate(items)) throw new Refused('date')
  const exact = evaluate(items)
  const value = valueOfStated(stated)
  // a fraction is not a rounding; a percentage is printed to two places more
  const places = stated.denominator ? 40 : stated.number.decimals + (stated.percent ? 2 : 0)
  const verdict = same(exact, value) ? 'true' : near(exact, value, places) ? 'rounded' : 'false'
  if (verdict !== 'true' && (stated.percent || items.some(item => item.kind === 'number' && item.percent))) {
    const hundred = rational(100n)
    if (near(times(exact, hundred), value, places) || near(exact, times(value, hundred), stated.number.decimals)) {
      throw new Refused('percent')
    }
  }
  return { exact, verdict }
}

/**
 * The value of a result without its percent sign: how a mark and its twin are compared, as marks leave the sign out.
 */
function number(stated: Stated): Rational {
  const value = stated.denominator ? over(valueOf(stated.number), valueOf(stated.denominator))! : valueOf(stated.number)
  return stated.negative ? rational(-value.n, value.d) : value
}

/** The exact value of a stated result. */
export function valueOfStated(stated: Stated): Rational {
  return stated.percent ? times(number(stated), rational(1n, 100n)) : number(stated)
}

function printStated(stated: Stated): string {
  return (
    (stated.negative ? '-' : '') +
    plainDigits(stated.number) +
    (stated.denominator ? `/${plainDigits(stated.denominator)}` : '') +
    (stated.percent ? '%' : '')
  )
}

/** The lines of a text as [start, end) code units, without their ends, in order. */
function lines(text: string): [number, number][] {
  const out: [number, number][] = []
  for (let start = 0; start <= text.length;) {
    const at = text.indexOf('\n', start)
    const end = at < 0 ? text.length : at
    out.push([start, end])
    start = end + 1
  }
  return out
}

/** A function from code units to code points, for offsets asked in any order. */
export function codePoints(text: string): (unit: number) => number {
  const pairs: number[] = []
  if (!/[\ud800-\udfff]/.test(text)) return unit => unit
  for (let i = 0; i < text.length; i++) if (text.codePointAt(i)! > 0xffff) pairs.push(++i)
  return unit => {
    let low = 0
    for (let high = pairs.length; low < high;) {
      const middle = (low + high) >> 1
      if (pairs[middle] < unit) low = middle + 1
      else high = middle
    }
    return unit - low
  }
}

/**
 * Splits a solution into steps (`equations` in the order of the text): its lines that are not blank; a line with
 * several equations is split further at the ends of its sentences, never inside an equation. Steps hold the equations
 * that begin in them.
 */
export function steps(text: string, equations: readonly Equation[]): Step[] {
  const out: Step[] = []
  const points = codePoints(text)
  let next = 0
  for (const [start, end] of lines(text)) {
    const begin = next
    while (next < equations.length && equations[next].start < end) next++
    const inside = equations.slice(begin, next)
    const cuts =
      inside.length > 1
        ? sentenceEnds(text, start, end).filter(cut => !inside.some(e => e.start < cut && cut < e.end))
        : []
    let from = start
    for (const cut of [...cuts, end]) {
      const piece = text.slice(from, cut)
      const first = from + piece.length - piece.trimStart().length
      const last = from + piece.trimEnd().length
      if (last > first) {
        const own = inside.filter(equation => equation.start >= from && equation.start < cut)
        out.push({
          index: out.length,
          start: first,
          end: last,
          startPoint: points(first),
          endPoint: points(last),
          equations: own,
        })
      }
      from = cut
    }
  }
  return out
}

function sentenceEnds(text: string, start: number, end: number): number[] {
  const out: number[] = []
  for (const match of text.slice(start, end).matchAll(/[.!?]["')\]]*\s+|[。！？]/gu)) {
    if (start + match.index + match[0].length < end) out.push(start + match.index + match[0].length)
  }
  return out
}
