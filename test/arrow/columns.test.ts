/** Columns made of plain values, as stages of users give them. */
import { Bool, Field, Float32, Float64, Int32, List, Schema, Utf8, type DataType } from 'apache-arrow'
import { expect, it } from 'vitest'
import { listColumn, makeColumn, messagesColumn, messagesType, textsColumn } from '../../engine/arrow/columns.ts'
import { toRecordBatch } from '../../engine/arrow/flow.ts'

const listOf = (type: DataType) => new List(new Field('item', type))
/** What Arrow itself reads of a column. */
const read = (type: DataType, values: readonly unknown[]): unknown => {
  const data = makeColumn(type, values)
  const rows = toRecordBatch(new Schema([new Field('x', type, true)]), [data], values.length).toArray()
  return JSON.parse(JSON.stringify(rows.map(row => row.x as unknown)))
}

it('hold what was given, and null where null was given', () => {
  expect(read(new Utf8(), ['a', null, ''])).toEqual(['a', null, ''])
  expect(read(new Float64(), [1.5, null, -2])).toEqual([1.5, null, -2])
  expect(read(new Int32(), [7, null, -1])).toEqual([7, null, -1])
  expect(read(new Bool(), [true, null, false])).toEqual([true, null, false])
  expect(read(listOf(new Utf8()), [['a', 'b'], null, []])).toEqual([['a', 'b'], null, []])
  expect(textsColumn(makeColumn(listOf(new Utf8()), [['a', 'b'], null, ['c']])).texts(0)).toEqual(['a', 'b'])
  const messages = messagesColumn(makeColumn(messagesType, [[{ role: 'user', content: 'Why?' }], []]))
  expect([messages.messages(0), messages.messages(1)]).toEqual([[{ role: 'user', content: 'Why?' }], []])
})

it('as lists of numbers are read where they begin and end', () => {
  for (const type of [new Float32(), new Int32()]) {
    const { values, start, end } = listColumn(makeColumn(listOf(type), [[1, 2], null, Int32Array.of(3)]))
    expect([0, 1, 2].map(row => [...values.subarray(start(row), end(row))])).toEqual([[1, 2], [], [3]])
  }
})

it('of another type are refused, with the value and its place', () => {
  expect(() => makeColumn(new Utf8(), ['a', 5])).toThrow('value 1 is 5, not text')
  expect(() => makeColumn(new Int32(), [1, 2.5])).toThrow('value 1 is 2.5, not an int32')
  expect(() => makeColumn(new Int32(), [2 ** 31])).toThrow('value 0 is 2147483648, not an int32')
  expect(() => makeColumn(new Bool(), [1])).toThrow('value 0 is 1, not true or false')
  expect(() => makeColumn(listOf(new Utf8()), ['abc'])).toThrow('value 0 is "abc", not a list')
  expect(() => makeColumn(listOf(new Int32()), [[1, 'x']])).toThrow('value 1 is "x", not an int32')
})
