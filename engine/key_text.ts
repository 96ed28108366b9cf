/** The text that a key is the hash of. */

/**
 * JSON that tells any two values apart: of what it would make null of, or leave out of a list, there is no key. What an
 * object lacks and what is undefined in it are one.
 */
export function keyText(value: unknown): string {
  return JSON.stringify(value, function (this: unknown, name: string, one: unknown) {
    const isLost =
      (typeof one === 'number' && !Number.isFinite(one)) ||
      (one === undefined && (Array.isArray(this) || name === '')) ||
      ['bigint', 'function', 'symbol'].includes(typeof one) ||
      one instanceof Map ||
      one instanceof Set
    if (isLost) throw new TypeError(`no key can tell ${describe(one)} ${name === '' ? '' : `at '${name}' `}from others`)
    // JSON writes both zeros as one
    return Object.is(one, -0) ? { number: '-0' } : one
  })
}

const describe = (value: unknown): string =>
  value instanceof Map || value instanceof Set ? `a ${value.constructor.name}` : `the ${typeof value} ${String(value)}`
