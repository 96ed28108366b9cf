/**
 * A second, unrelated evaluator for proofs: a shunting-yard over pairs of BigInt that are never reduced. Knows digits,
 * points, % and + - * / ( ). A minus sign at the start, or after another sign or a parenthesis, belongs to the number
 * after it.
 */
export type Pair = [bigint, bigint]

export function decimal(text: string): Pair {
  const percent = text.endsWith('%')
  const [whole, part = ''] = text.replace('%', '').split('.')
  return [BigInt(whole + part), 10n ** BigInt(part.length + (percent ? 2 : 0))]
}

export function compute(expression: string): Pair {
  const values: Pair[] = []
  const waiting: string[] = []
  const rank = (sign: string) => (sign === '(' ? 0 : '+-'.includes(sign) ? 1 : 2)
  const reduce = () => {
    const [c, d] = values.pop()!
    const [a, b] = values.pop()!
    const sign = waiting.pop()
    values.push(
      sign === '+'
        ? [a * d + c * b, b * d]
        : sign === '-'
          ? [a * d - c * b, b * d]
          : sign === '*'
            ? [a * c, b * d]
            : [a * d, b * c],
    )
  }
  const signed = expression.replace(/(^|[-+*/(])-([\d.])/g, '$1~$2')
  let rest = signed
  while (rest) {
    const piece = /^(?:~?[\d.]+%?|[-+*/()])/.exec(rest)?.[0]
    if (!piece) throw new Error(`not an expression: ${expression}`)
    rest = rest.slice(piece.length)
    if (piece === '(') waiting.push(piece)
    else if (piece === ')') {
      while (waiting.at(-1) !== '(') reduce()
      waiting.pop()
    } else if (/\d/.test(piece)) {
      const [n, d] = decimal(piece.replace('~', ''))
      values.push([piece.startsWith('~') ? -n : n, d])
    } else {
      while (waiting.length && rank(waiting.at(-1)!) >= rank(piece)) reduce()
      waiting.push(piece)
    }
  }
  while (waiting.length) reduce()
  if (values.length !== 1 || values[0][1] === 0n) throw new Error(`no value: ${expression}`)
  return values[0]
}

/** How `left = right` stands; rounded: less than one unit of the last place that `right` prints. */
export function judge(left: string, right: string): 'true' | 'false' | 'rounded' {
  const [a, b] = compute(left)
  const [c, d] = compute(right)
  const gap = a * d - c * b
  if (gap === 0n) return 'true'
  const places = right.includes('/')
    ? 60
    : (right.replace('%', '').split('.')[1] ?? '').length + (right.endsWith('%') ? 2 : 0)
  const size = (n: bigint) => (n < 0n ? -n : n)
  return size(gap) * 10n ** BigInt(places) < size(b * d) ? 'rounded' : 'false'
}

/**
 * Checks a proof by recomputing it: `a=b is true; c=d is false`, then any number of `e=f is true` or `is rounded` for
 * what follows from the error; or `a=b is true; c=d uses b before anything gives it`, where c=d is not false and b is
 * in c.
 */
export function holds(proof: string): boolean {
  const [first, second, ...later] = proof
    .split('; ')
    .map(clause => /^(.+)=([^=]+?) (?:is (true|false|rounded)|uses (\S+) before anything gives it)$/.exec(clause))
  if (!first || !second || first[3] !== 'true' || judge(first[1], first[2]) !== 'true') return false
  if (second[4]) {
    return (
      later.length === 0 &&
      second[4] === first[2] &&
      judge(second[1], second[2]) !== 'false' &&
      second[1].split(/[-+*/()%]/).some(part => part !== '' && judge(part, first[2]) === 'true')
    )
  }
  return (
    second[3] === 'false' &&
    judge(second[1], second[2]) === 'false' &&
    later.every(one => one && one[3] !== 'false' && judge(one[1], one[2]) === one[3])
  )
}
