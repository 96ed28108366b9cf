/** Exact fractions, and how numbers are printed in a text. */

/** An exact fraction in lowest terms with a positive denominator. */
export interface Rational {
  readonly n: bigint
  readonly d: bigint
}

/**
 * A printed, unsigned decimal: `units / 10^decimals`, and how it was printed. `start` and `end` are code units and
 * cover digits, separators and point only.
 */
export interface Printed {
  readonly start: number
  readonly end: number
  readonly units: bigint
  readonly decimals: number
  /** thousands are separated by commas */
  readonly grouped: boolean
  /** a zero stands before the point of a number below one */
  readonly lead: boolean
}

const MAX_DIGITS = 30
const WHOLE = /^\d+$/

const POWERS = Array.from({ length: 64 }, (_, power) => 10n ** BigInt(power))
/** 10^power */
export const ten = (power: number): bigint => POWERS[power] ?? 10n ** BigInt(power)

/** n/d in lowest terms. The denominator may not be zero: check before. */
export function rational(n: bigint, d: bigint = 1n): Rational {
  if (d === 1n) return { n, d }
  if (d < 0n) {
    n = -n
    d = -d
  }
  let a = n < 0n ? -n : n
  let b = d
  while (b) {
    const r = a % b
    a = b
    b = r
  }
  return a > 1n ? { n: n / a, d: d / a } : { n, d }
}

export function plus(a: Rational, b: Rational): Rational {
  return a.d === b.d ? rational(a.n + b.n, a.d) : rational(a.n * b.d + b.n * a.d, a.d * b.d)
}
export function minus(a: Rational, b: Rational): Rational {
  return a.d === b.d ? rational(a.n - b.n, a.d) : rational(a.n * b.d - b.n * a.d, a.d * b.d)
}
export function times(a: Rational, b: Rational): Rational {
  return rational(a.n * b.n, a.d * b.d)
}
/** a/b, or undefined where b is zero. */
export function over(a: Rational, b: Rational): Rational | undefined {
  return b.n === 0n ? undefined : rational(a.n * b.d, a.d * b.n)
}
export function same(a: Rational, b: Rational): boolean {
  return a.n === b.n && a.d === b.d
}

/**
 * Whether a and b differ by less than one unit of the given decimal place: covers rounding to nearest, up, down and
 * truncation.
 */
export function near(a: Rational, b: Rational, decimals: number): boolean {
  const difference = minus(a, b)
  return (difference.n < 0n ? -difference.n : difference.n) * ten(decimals) < difference.d
}

/**
 * Reads a run of ASCII digits with points, commas, colons or apostrophes between them. Returns the number, or the
 * reason why it is not one: `time_or_ratio`, `version`, `separator` (1,23 or 1.234,5), `leading_zero` (007), `too_long`
 * (over 30 digits).
 */
export function readPrinted(run: string, start: number): Printed | string {
  // most numbers are short and whole
  if (run.length < 16 && run.charCodeAt(0) !== 0x30 && WHOLE.test(run)) {
    return { start, end: start + run.length, units: BigInt(Number(run)), decimals: 0, grouped: false, lead: true }
  }
  if (run.includes(':')) return 'time_or_ratio'
  const plain = /^(\d*)(?:\.(\d+))?$/.exec(run)
  const grouped = plain ? null : /^([1-9]\d{0,2}(?:,\d{3})+)(?:\.(\d+))?$/.exec(run)
  const parts = plain ?? grouped
  if (!parts) return run.split('.').length > 2 && !run.includes(',') ? 'version' : 'separator'
  const whole = parts[1].replaceAll(',', '')
  const fraction = parts[2] ?? ''
  if (whole.length + fraction.length > MAX_DIGITS) return 'too_long'
  if (whole.length > 1 && whole[0] === '0') return 'leading_zero'
  return {
    start,
    end: start + run.length,
    units: BigInt(whole + fraction),
    decimals: fraction.length,
    grouped: grouped !== null,
    lead: whole !== '',
  }
}

/** The exact value of a printed number, without sign or percent. */
export function valueOf(number: Printed): Rational {
  return rational(number.units, ten(number.decimals))
}

/**
 * Prints units / 10^decimals the way `like` was printed: its separators, its leading zero, and at least as many
 * decimals where zeros can fill them.
 */
export function print(units: bigint, decimals: number, like: Printed): string {
  while (decimals > like.decimals && units % 10n === 0n) {
    units /= 10n
    decimals--
  }
  while (decimals < like.decimals) {
    units *= 10n
    decimals++
  }
  const digits = units.toString().padStart(decimals + 1, '0')
  let whole = digits.slice(0, digits.length - decimals)
  if (like.grouped) whole = whole.replace(/\B(?=(?:\d{3})+$)/g, ',')
  if (whole === '0' && !like.lead && decimals > 0) whole = ''
  return decimals ? `${whole}.${digits.slice(-decimals)}` : whole
}
