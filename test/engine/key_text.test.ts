/** Keys tell any two values apart, or there is none. */
import { describe, expect, it } from 'vitest'
import { keyText } from '../../engine/key_text.ts'
import { contentOf } from '../../engine/run/content.ts'

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
    expect(keyText([0])).not.toBe(keyText([-0]))
  })
})

describe('the content of what is kept', () => {
  it.each<[string, unknown, unknown]>([
    ['halves of characters', '\ud83d', '\ud83e'],
    ['what a list has by name', 'ab'.match(/b/), 'cb'.match(/b/)],
    ['a hole', [undefined], Array(1)],
    ['zeros', [0], [-0]],
    ['numbers and their texts', [1], ['1']],
  ])('tells %s apart', (_, a, b) => {
    expect(contentOf(a)).not.toBe(contentOf(b))
    expect(contentOf(structuredClone(a))).toBe(contentOf(a))
  })
})
