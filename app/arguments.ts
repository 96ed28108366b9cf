/**
 * Words of a command line, for `sluice` and every script: all that is wrong with them is found before anything is done.
 */
import { EXIT, SluiceError } from '../engine/errors.ts'
import { nearest } from '../engine/graph/messages.ts'

export interface Flag {
  /** A boolean takes no value. */
  readonly type: 'string' | 'boolean'
  /** The value may be left out, where an option or nothing comes behind it: it is '' then. */
  readonly isOptional?: true
  /** May be there more than once. */
  readonly multiple?: boolean
  /** The value is a whole number of at least this. */
  readonly least?: number
  readonly default?: string | number
  readonly short?: string
  /** What --help says: what stands for the value, three spaces, what it is for. */
  readonly about: string
}
export type Flags = Readonly<Record<string, Flag>>

type ValueOf<F extends Flag> = F extends { type: 'boolean' }
  ? true
  : F extends { multiple: true }
    ? string[]
    : F extends { least: number }
      ? number
      : string
export type FlagValues<F extends Flags> = {
  -readonly [K in keyof F as F[K] extends { default: unknown } ? K : never]: ValueOf<F[K]>
} & { -readonly [K in keyof F as F[K] extends { default: unknown } ? never : K]?: ValueOf<F[K]> }

export interface Arguments<F extends Flags> {
  readonly values: FlagValues<F>
  readonly words: string[]
  /** Names of the options that are there. */
  readonly given: ReadonlySet<string>
  /** Whatever is wrong, a line each: nothing may be done then. */
  readonly problems: string[]
}

/** Any dash, not only the one of keyboards: what is pasted from a document has others. */
const isOption = (word: string): boolean => /^[\p{Pd}\u2212]./su.test(word)

/**
 * Reads options and words; behind `--` all are words. `parseArgs` of Node stops at the first fault, and takes the 5 of
 * `--limit -5` for an option.
 */
export function readArguments<const F extends Flags>(argv: readonly string[], flags: F): Arguments<F> {
  const values: Record<string, unknown> = {},
    words: string[] = [],
    given = new Set<string>(),
    problems: string[] = []
  const names = Object.keys(flags),
    rest = [...argv]
  for (const name of names) if (flags[name].default !== undefined) values[name] = flags[name].default
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') {
      words.push(...rest)
      break
    }
    if (!isOption(word)) {
      words.push(word)
      continue
    }
    const [, dashes, text, inline] = /^([\p{Pd}\u2212]+)([^=]*)(?:=(.*))?$/su.exec(word)!
    const isKnown = (name: string) => (dashes === '--' ? name === text : dashes === '-' && flags[name].short === text)
    const known = names.find(isKnown)
    // reading on as if it were what was probably meant keeps a value from being taken for a word
    const name = known ?? names.find(name => text.length > 1 && name.startsWith(text)) ?? nearest(text, names)
    const flag = name === undefined ? undefined : flags[name],
      next = rest[0]
    const isNumber = flag?.least !== undefined && next !== undefined && /^.[\d.]/u.test(next)
    const takesNext = flag?.type === 'string' && next !== undefined && (!isOption(next) || isNumber)
    const value = inline ?? (takesNext ? rest.shift() : undefined)
    if (known === undefined) {
      problems.push(noOption(word, dashes, name, names))
      continue
    }
    const { multiple, least } = flags[known],
      twice = given.has(known) && !multiple
    const isLeftOut = flags[known].isOptional === true && value === undefined
    const wrong =
      isLeftOut && !twice
        ? undefined
        : (wrongValue(known, flags[known], value, next) ??
          (twice ? `--${known} is there twice, and counts once` : undefined))
    given.add(known)
    if (wrong !== undefined) problems.push(wrong)
    else if (isLeftOut) values[known] = ''
    else if (multiple) values[known] = [...((values[known] as string[] | undefined) ?? []), value]
    else values[known] = value === undefined ? true : least === undefined ? value : Number(value)
  }
  if (words.some(word => word.trim() === '')) {
    problems.push('one of the words is empty, as of a variable without a value')
  }
  return { values: values as FlagValues<F>, words, given, problems }
}

/** What is wrong with the value of an option; `next` is the word behind it. */
function wrongValue(
  name: string,
  { type, least }: Flag,
  value: string | undefined,
  next: string | undefined,
): string | undefined {
  if (type === 'boolean') {
    return value === undefined
      ? undefined
      : `--${name} takes no value, and '${value}' was given; leave the option out where it is not meant`
  }
  if (value === undefined) {
    return `--${name} lacks its value${next === undefined ? '' : `: behind it is ${next}; a value that begins so is written --${name}=${next}`}`
  }
  if (value.trim() === '') return `--${name} has an empty value`
  const isWhole = /^\d+$/.test(value) && Number.isSafeInteger(Number(value))
  if (least !== undefined && !(isWhole && Number(value) >= least)) {
    return `--${name} ${value} is not a whole number of at least ${least}`
  }
  return /^~(\/|$)/.test(value)
    ? `--${name} ${value}: the shell has left the ~ as it is; write the whole path`
    : undefined
}

function noOption(word: string, dashes: string, near: string | undefined, names: readonly string[]): string {
  const odd = [...dashes].find(dash => dash !== '-')
  const code = odd?.codePointAt(0)?.toString(16).toUpperCase()
  const dash = code === undefined ? '' : ` (its dash is U+${code}, as in documents, not the hyphen of the keyboard)`
  const all = () =>
    `there are ${names.map(name => `--${name}`).join(', ')}, and a file of that name is written ./${word}`
  return `no option ${word}${dash}; ${near === undefined ? all() : `did you mean --${near}?`}`
}

/** All that is wrong, as one error. */
export function checkUsage(who: string, problems: readonly string[]): void {
  if (problems.length === 0) return
  const list = problems.length === 1 ? problems[0] : `${problems.length} problems\n  ${problems.join('\n  ')}`
  throw new SluiceError(`${who}: ${list}`, EXIT.usage)
}

/** Options as --help lists them. */
export const listFlags = (flags: Flags): string =>
  Object.entries(flags)
    .map(([name, { about }]) => `  --${name.padEnd(10)} ${about}`)
    .join('\n')
