/** What passes note for the page: texts that are cut, rows that are picked, and counts by column. */
import fc from 'fast-check'
import { Schema, Utf8 } from 'apache-arrow'
import { expect, it } from 'vitest'
import { makeText } from '../../engine/arrow/columns.ts'
import { field, type Flow } from '../../engine/arrow/flow.ts'
import { changeOf } from '../../engine/report/gather.ts'
import { addParts, countParts, PartReader, shownParts, type PartCounts } from '../../engine/report/parts.ts'
import { addPicks, blockOf, PICKED, Picker, type PickedRows } from '../../engine/report/picks.ts'
import { cutTexts, MOST_CHARACTERS } from '../../engine/report/texts.ts'

const flowOf = (columns: Readonly<Record<string, readonly (string | null)[]>>, row: readonly number[]): Flow => ({
  schema: new Schema(Object.keys(columns).map(name => field(name, new Utf8()))),
  columns: Object.values(columns).map(makeText),
  rows: row.length,
  row: Uint32Array.from(row),
  copy: new Uint32Array(row.length),
})

it('sides begin shortly before they differ, and no character is cut in two', () => {
  const same = '😀'.repeat(1000),
    { chosen, rejected, cut } = cutTexts({ prompt: 'p', chosen: `${same}ab`, rejected: `${same}cd` })
  expect([chosen, rejected]).toEqual([`${'😀'.repeat(100)}ab`, `${'😀'.repeat(100)}cd`])
  expect(cut).toEqual({ chosen: 1800, rejected: 1800 })
  const long = cutTexts({ prompt: 'q'.repeat(2000), chosen: `x${'😀'.repeat(900)}`, rejected: 'y' })
  expect(long.prompt).toHaveLength(MOST_CHARACTERS)
  expect((long.chosen as string).isWellFormed()).toBe(true)
  expect(long.cut).toEqual({ prompt: 600, chosen: 402 })
  // of a conversation the end is what the sides answer
  const turns = ['a', 'b', 'c'].map(letter => ({ role: 'user', content: letter.repeat(1000) })),
    talk = cutTexts({ prompt: turns, chosen: 'yes', rejected: 'no' })
  expect(talk.prompt).toEqual([{ role: 'user', content: 'b'.repeat(400) }, turns[2]])
})

it('what was changed goes from word to word', () => {
  expect(changeOf('There are 2 + 2 = 4 socks.', 'There are 2 + 3 = 4 socks.')).toEqual({ before: '2', after: '3' })
  expect(changeOf('12 jars', '92 jars')).toEqual({ before: '12', after: '92' })
  expect(changeOf('one two', 'one two three')).toEqual({ before: '', after: ' three' })
})

it('what partitions pick comes to what one look at all rows would pick', () => {
  const ids = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 4 }), { maxLength: 120 })
  fc.assert(
    fc.property(ids, fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }), (all, size, block) => {
      const pick = (from: number, to: number, rows: number) => {
        const picker = new Picker('file')
        for (let at = from; at < to; at += rows) {
          const some = all.slice(at, Math.min(to, at + rows)),
            places = some.map((_, i) => at + i)
          picker.offer(
            'kept',
            blockOf(flowOf({ id: some, prompt: some }, places), 7, () => ({ numbers: [] })),
          )
        }
        return picker.picks()
      }
      const merged = new Map<string, PickedRows>(),
        whole = new Map<string, PickedRows>()
      for (let at = Math.floor(all.length / size) * size; at >= 0; at -= size) {
        addPicks(merged, pick(at, Math.min(all.length, at + size), block))
      }
      addPicks(whole, pick(0, all.length, 1000))
      expect(merged).toEqual(whole)
      expect(whole.get('kept')?.rows.length ?? 0).toBe(Math.min(all.length, PICKED))
    }),
    { numRuns: 40 },
  )
})

it('a column of many values is none, also where a partition has few of them', () => {
  const part = (from: number, rows: number, label: string): PartCounts => {
    const reader = new PartReader(rows),
      numbers = Array.from({ length: rows }, (_, i) => from + i)
    reader.read(
      flowOf({ name: numbers.map(i => `n${i}`), lang: numbers.map(i => (i % 3 === 0 ? null : `l${i % 2}`)) }, numbers),
    )
    // each fifth row is dropped, and rows of one language are doubted
    const fates = Uint16Array.from(numbers, i => (i % 5 === 0 ? 1 : 0)),
      doubted = Uint8Array.from(numbers, i => (i % 3 !== 0 && i % 2 === 1 ? 1 : 0))
    return countParts(reader.codes(), label, fates, ['kept', 'short.too_short'], doubted)
  }
  const sum: PartCounts = new Map()
  for (const at of [0, 150]) addParts(sum, part(at, 150, `file ${at}`))
  const [{ column, values }, ...rest] = shownParts(sum)
  expect([column, rest]).toEqual(['lang', []])
  expect(values).toEqual(
    ['(none)', 'l0', 'l1'].map(value => ({
      value,
      read: 100,
      kept: 80,
      doubted: value === 'l1' ? 100 : 0,
      dropped: { 'short.too_short': 20 },
    })),
  )
  const files = shownParts(new Map([['', sum.get('')]]))
  expect(files[0]).toMatchObject({ column: 'file', values: [{ value: 'file 0', read: 150 }, { value: 'file 150' }] })
})
