/** JSON whose integers keep all their digits, where JSON.parse would round them to a float64. */
import { randomUUID } from 'node:crypto'

/** The most levels that a value may nest; what goes through it goes as deep. */
export const MOST_NESTING = 100

/** What an integer beyond 2^53 is in a parsed value: text that begins so. No text of a file can be mistaken for one. */
const MARK = `\u0000integer ${randomUUID()}:`
const LONG = /\d{16}/
export const isNumberPart = (code: number): boolean =>
  (code >= 0x30 && code <= 0x39) || code === 0x2b || code === 0x2d || code === 0x2e || code === 0x45 || code === 0x65

/** Whether a text may have integers that are marked. */
export const mayMark = (text: string): boolean => LONG.test(text)

/** Parses JSON; integers of 16 digits and more become marked text. Throws as JSON.parse does. */
export const parseDigits = (text: string): unknown => JSON.parse(mayMark(text) ? markIntegers(text) : text)

/** The integers that are marked. */
const INTEGER = /^-?[1-9]\d{15,}$/

/** The number that begins at a place. */
function numberAt(text: string, at: number): string {
  let end = at + 1
  while (isNumberPart(text.charCodeAt(end))) end++
  return text.slice(at, end)
}

function markIntegers(text: string): string {
  let out = '',
    copied = 0
  for (let at = 0; at < text.length;) {
    const code = text.charCodeAt(at)
    if (code === 0x22) {
      at = endOfString(text, at)
      continue
    }
    if (code !== 0x2d && (code < 0x30 || code > 0x39)) {
      at++
      continue
    }
    const number = numberAt(text, at),
      end = at + number.length
    if (INTEGER.test(number)) {
      out += `${text.slice(copied, at)}${JSON.stringify(MARK + number)}`
      copied = end
    }
    at = end
  }
  return out + text.slice(copied)
}

/** Whether an odd number of backslashes is before a place. */
function isEscaped(text: string, at: number): boolean {
  let slashes = 0
  while (text.charCodeAt(at - 1 - slashes) === 0x5c) slashes++
  return slashes % 2 === 1
}

/** The place after the string that begins at `at`; the end of the text where it has no end. */
export function endOfString(text: string, at: number): number {
  for (let end = text.indexOf('"', at + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    if (!isEscaped(text, end)) return end + 1
  }
  return text.length
}

/**
 * A key that some object of a JSON text has twice; undefined where none has. Of the two values JSON.parse gives the
 * second, and says nothing.
 */
export function keyTwice(text: string): string | undefined {
  // of lists undefined
  const open: (Set<string> | undefined)[] = []
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (character === '{') open.push(new Set())
    else if (character === '[') open.push(undefined)
    else if (character === '}' || character === ']') open.pop()
    if (character !== '"') continue
    const end = endOfString(text, at),
      keys = open[open.length - 1]
    if (keys && text[skipWhite(text, end)] === ':') {
      const key = unescaped(text.slice(at, end))
      if (keys.has(key)) return key
      keys.add(key)
    }
    at = end - 1
  }
  return undefined
}

/** Whether a parsed value has a number that a float64 cannot hold: JSON has no infinity of its own. */
export function isBeyond(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isFinite(value)
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return value.some(isBeyond)
  for (const inner of Object.values(value)) if (isBeyond(inner)) return true
  return false
}

/**
 * A number of a JSON text that a float64 cannot hold, and the key that it belongs to; undefined where there is none.
 * Integers that keep all their digits are none.
 */
export function numberBeyond(text: string): { number: string; key: string } | undefined {
  // the last key of each object that is open; of lists undefined
  const keys: (string | undefined)[] = []
  for (let at = 0; at < text.length;) {
    const character = text[at]
    if (character === '"') {
      const end = endOfString(text, at)
      if (text[skipWhite(text, end)] === ':') keys[keys.length - 1] = unescaped(text.slice(at, end))
      at = end
      continue
    }
    if (character === '{' || character === '[') keys.push(undefined)
    else if (character === '}' || character === ']') keys.pop()
    else if (character === '-' || (character >= '0' && character <= '9')) {
      const number = numberAt(text, at)
      if (!INTEGER.test(number) && !Number.isFinite(Number(number))) {
        return { number, key: keys.findLast(key => key !== undefined) ?? '' }
      }
      at += number.length
      continue
    }
    at++
  }
  return undefined
}

/**
 * What a parsed value would not keep of its text, in words; undefined where it keeps all. `mayTwice`: the text may have
 * a key twice.
 */
export function whatIsLost(text: string, value: unknown, mayTwice = true): string | undefined {
  const key = mayTwice ? keyTwice(text) : undefined
  if (key !== undefined) return `the key '${key}' is there twice in one object`
  const beyond = isBeyond(value) ? numberBeyond(text) : undefined
  return beyond && `the number ${cut(beyond.number)} of the key '${beyond.key}' is beyond what a float64 holds`
}

const cut = (number: string): string => (number.length > 40 ? `${number.slice(0, 40)}…` : number)

/** The most keys that the objects of a JSON text can have, all together: texts like `": "` count too. */
export function mostKeys(text: string): number {
  let count = 0
  for (let at = text.indexOf(':'); at >= 0; at = text.indexOf(':', at + 1)) {
    let before = at - 1
    while (isWhite(text.charCodeAt(before))) before--
    if (text.charCodeAt(before) === 0x22 && !isEscaped(text, before)) count++
  }
  return count
}

const isWhite = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09

function unescaped(quoted: string): string {
  if (!quoted.includes('\\')) return quoted.slice(1, -1)
  try {
    return JSON.parse(quoted) as string
  } catch {
    return quoted
  }
}

/** The place of the next character that is no blank. */
export function skipWhite(text: string, from: number): number {
  let at = from
  while (isWhite(text.charCodeAt(at))) at++
  return at
}

export const isMarked = (value: unknown): value is string =>
  typeof value === 'string' && value.startsWith(MARK) && /^-?\d+$/.test(digitsOf(value))
/** The digits of a marked integer. */
export const digitsOf = (value: string): string => value.slice(MARK.length)

/** JSON.stringify that gives marked integers back as they were. */
export function stringifyDigits(value: unknown): string {
  const text = JSON.stringify(value),
    mark = JSON.stringify(MARK).slice(0, -1)
  return text.includes(mark) ? text.replaceAll(new RegExp(`${mark.replace('\\', '\\\\')}(-?\\d+)"`, 'g'), '$1') : text
}

/** The same value with marked integers as numbers. */
export function asNumbers(value: unknown): unknown {
  if (isMarked(value)) return Number(digitsOf(value))
  if (Array.isArray(value)) return value.map(asNumbers)
  return typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, asNumbers(inner)]))
    : value
}
