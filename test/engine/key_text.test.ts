/** Keys tell any two values apart, or there is none. */
import { describe, expect, it } from 'vitest'
import { keyText } from '../../engine/key_text.ts'

describe('the text of a key', () => {
  it.each<[string, unknown]>([
    ['Infinity', [Infinity]],
    ['-Infinity', { most: -Infinity }],
    ['NaN', NaN],
    ['undefined', ['a', undefined]],
    ['undefined', undefined],
    ['1', { n: [1n] }],
    ['x', { x: function x() {} }],
    ['a Map', [new Map([[1, 2]])]],
    ['a Set', { s: new Set([1]) }],
  ])('refuses %s', (what, value) => {
    expect(() => keyText(value)).toThrow(what)
  })
  it('is JSON', () => {
    const value = ['a', 1.5, null, { b: [true], c: Buffer.from('x').toString('base64') }]
    expect(keyText(value)).toBe(JSON.stringify(value))
    expect(keyText({ a: undefined })).toBe('{}')
  })
})
