/** Labels and comparisons of a table that would say two things of one value. */
import type { Scalar } from './spec.ts'

/** `< 0` and the like as numbers from one to the other; undefined of all else, which is a value. */
export function rangeOf(value: Scalar): { from: number; to: number; isClosed: boolean } | undefined {
  const [, sign, bound] = /^(<=|>=|<|>)\s*(-?\d+(?:\.\d+)?)$/.exec(String(value)) ?? []
  if (sign === undefined) return undefined
  const limit = Number(bound),
    isClosed = sign.endsWith('=')
  return sign.startsWith('<') ? { from: -Infinity, to: limit, isClosed } : { from: limit, to: Infinity, isClosed }
}

/** Whether a number is in a range. */
export const isIn = (x: number, { from, to, isClosed }: NonNullable<ReturnType<typeof rangeOf>>): boolean =>
  (x > from && x < to) || (isClosed && (x === from || x === to))

/** Pairs of entries under two names of the table that some value fits both; equal ones are said elsewhere. */
export function overlapsOf(table: Readonly<Record<string, Scalar | readonly Scalar[] | undefined>>): string[] {
  const entries = Object.entries(table).flatMap(([name, values]) =>
    (values === undefined ? [] : ([values].flat() as Scalar[])).map(value => ({ name, value })),
  )
  return entries.flatMap((one, i) =>
    entries
      .slice(i + 1)
      .flatMap(other =>
        one.name !== other.name && overlap(one.value, other.value)
          ? [`${one.name} '${one.value}' and ${other.name} '${other.value}' say both of some values; part them`]
          : [],
      ),
  )
}

function overlap(a: Scalar, b: Scalar): boolean {
  const [x, y] = [rangeOf(a), rangeOf(b)]
  if (x && y) {
    const [from, to] = [Math.max(x.from, y.from), Math.min(x.to, y.to)]
    return from < to || (from === to && isIn(from, x) && isIn(from, y))
  }
  const range = x ?? y,
    number = Number(x ? b : a)
  return range !== undefined && String(x ? b : a).trim() !== '' && isIn(number, range)
}
