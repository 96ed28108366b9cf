/** Groups, columns and clusters over random rows, against brute force, however rows and buckets are cut. */
import { Field, Schema } from 'apache-arrow'
import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import { makeColumn, makeFloat64, makeInt32Lists, makeMessages, makeText } from '../../engine/arrow/columns.ts'
import { jsonValueOf } from '../../engine/arrow/plain.ts'
import { defineStage, Type } from '../../engine/contract/define.ts'
import { DROPPED, ERRORED } from '../../engine/run/messages.ts'
import { grouped, type Part, type Sizes } from '../engine/groups.ts'
import { settings } from './settings.ts'

vi.setConfig({ testTimeout: 300_000 })

interface Row {
  /** The key: a text or none, and a number. */
  readonly name: string | null
  readonly n: number
  readonly items: readonly number[]
  readonly text: string
}
const row = fc.record({
  name: fc.constantFrom(null, '', 'a', 'b', 'ab', 'ä'),
  n: fc.constantFrom(0, -0, 1, 2.5, NaN),
  items: fc.array(fc.constantFrom(0, 1, -1, 7, 2 ** 31 - 1), { maxLength: 3 }),
  text: fc.string({ maxLength: 5 }),
})
const parts = fc.array(fc.record({ file: fc.nat(2), rows: fc.array(row, { maxLength: 9 }) }), {
  minLength: 1,
  maxLength: 4,
})
const cuts: fc.Arbitrary<Sizes> = fc.record({
  ranges: fc.constantFrom(1, 3, 16),
  sentRows: fc.integer({ min: 1, max: 4 }),
  blockRows: fc.constantFrom(1, 2, 1000),
})

/** The file's row of each row that is sent: every second one has been dropped before. */
const placeOf = (position: number) => 2 * position

function partOf({ file, rows }: { file: number; rows: readonly Row[] }): Part {
  const offsets = new Int32Array(rows.length + 1)
  rows.forEach(({ items }, i) => (offsets[i + 1] = offsets[i] + items.length))
  const columns = [
    makeText(rows.map(({ name }) => name)),
    makeFloat64(Float64Array.from(rows, ({ n }) => n)),
    makeInt32Lists(offsets, Int32Array.from(rows.flatMap(({ items }) => items))),
    makeMessages(rows.map(({ text }) => [{ role: 'user', content: text }])),
  ]
  const schema = new Schema(['name', 'n', 'items', 'text'].map((name, c) => new Field(name, columns[c].type)))
  return {
    file: String(file),
    flow: {
      schema,
      columns,
      rows: rows.length,
      row: Uint32Array.from(rows, (_, i) => placeOf(i)),
      copy: new Uint32Array(rows.length),
    },
  }
}

const about = { version: 1, summary: 's', options: Type.Object({}), examples: [] }
/** Of each group its size, its texts, and all but the first of those of three and more dropped; one text fails. */
const rank = defineStage({
  ...about,
  name: 'rank',
  reads: { name: 'text', n: 'number', text: 'messages' },
  writes: { of: 'int32', texts: 'list_text', first: 'text' },
  rows: 'subset',
  reasons: { more: { kind: 'quality', about: '' } },
  notes: { alone: '' },
  by: ['name', 'n'],
  open: () => ({
    batch(batch, verdict) {
      const text = batch.messages('text'),
        { groups } = batch,
        of = new Int32Array(batch.rows),
        texts: string[][] = [],
        first: (string | null)[] = []
      for (let g = 0; g + 1 < groups.length; g++) {
        const rows = Array.from({ length: groups[g + 1] - groups[g] }, (_, i) => groups[g] + i),
          all = rows.map(row => text.text(row))
        if (all.some(one => one.includes('!'))) throw new Error(`cannot work on ${all.join()}`)
        for (const row of rows) {
          of[row] = rows.length
          texts.push(all)
          first.push(row === rows[0] ? null : all[0])
          if (rows.length >= 3 && row > rows[0]) verdict.drop(row, 'more', rows.length, rows[0])
          if (rows.length === 1) verdict.note(row, 'alone')
        }
      }
      return { columns: { of, texts, first } }
    },
  }),
})
/** Rows that share an item hang together, alike by the sum of their lengths. */
const near = defineStage({
  ...about,
  name: 'near',
  reads: { items: 'list_int32', text: 'messages' },
  writes: {},
  rows: 'cluster',
  reasons: { near: { kind: 'quality', about: '' } },
  by: ['items'],
  carries: { items: 'list_int32', length: 'float64' },
  carry: () => batch => {
    const { rows } = batch,
      text = batch.messages('text'),
      items = batch.lists('items')
    return {
      items: Array.from({ length: rows }, (_, i) => items.values.subarray(items.start(i), items.end(i))),
      length: Float64Array.from({ length: rows }, (_, i) => text.text(i).length),
    }
  },
  open: () => ({
    batch(batch) {
      const { values } = batch.numbers('length'),
        edges: [number, number, number][] = []
      for (let g = 0; g + 1 < batch.groups.length; g++) {
        const first = batch.groups[g]
        for (let row = first + 1; row < batch.groups[g + 1]; row++) {
          edges.push([first, row, values[first] + values[row]])
        }
      }
      return { a: edges.map(([a]) => a), b: edges.map(([, b]) => b), value: edges.map(([, , value]) => value) }
    },
  }),
})

const inOrder = (some: readonly { file: number; rows: readonly Row[] }[]) => [...some].sort((a, b) => a.file - b.file)

it('gives each group once, whole and in order, by the values of its columns', () =>
  fc.assert(
    fc.asyncProperty(parts, cuts, async (some, sizes) => {
      const given = inOrder(some),
        all = given.flatMap(({ file, rows }, p) => rows.map((row, i) => ({ ...row, file, p, i })))
      const groups = new Map<string, typeof all>()
      all.forEach((row, at) => {
        const key = row.name === null || Number.isNaN(row.n) ? `alone ${at}` : JSON.stringify([row.name, row.n])
        groups.set(key, [...(groups.get(key) ?? []), row])
      })
      const { related, through } = await grouped(rank, given.map(partOf), sizes)
      for (const members of groups.values()) {
        const texts = members.map(({ text }) => text),
          fails = texts.some(text => text.includes('!'))
        members.forEach(({ p, i }, m) => {
          const { said, all } = through[p]
          const [of, list, first] = ['it_of', 'it_texts', 'it_first'].map(name =>
            jsonValueOf(all.columns[all.schema.fields.findIndex(field => field.name === name)], i),
          )
          if (fails) {
            expect([said.kind[i], said.messages.get(i)]).toEqual([ERRORED, `it: cannot work on ${texts.join()}`])
            expect([of, list, first]).toEqual([null, null, null])
            return
          }
          expect([of, list, first]).toEqual([members.length, texts, m === 0 ? null : texts[0]])
          expect(said.notes.filter(({ row }) => row === i).length).toBe(members.length === 1 ? 1 : 0)
          const isDropped = members.length >= 3 && m > 0
          expect([said.said[i], said.kept[i]]).toEqual(isDropped ? [1, 0] : [0, 1])
          if (!isDropped) return
          expect([said.kind[i], said.value[i]]).toEqual([DROPPED, members.length])
          expect([Number(related[p].files[said.relatedFile[i]]), said.relatedRow[i]]).toEqual([
            members[0].file,
            placeOf(members[0].i),
          ])
        })
      }
    }),
    settings(25),
  ))

it('closes clusters over all keys as a union of everything with everything does', () =>
  fc.assert(
    fc.asyncProperty(parts, cuts, async (some, sizes) => {
      const given = inOrder(some),
        all = given.flatMap(({ file, rows }, p) => rows.map((row, i) => ({ ...row, file, p, i })))
      const groups = new Map<number, number[]>()
      all.forEach(({ items }, at) => {
        for (const item of new Set(items)) groups.set(item, [...(groups.get(item) ?? []), at])
      })
      const cluster = all.map((_, i) => i),
        best = all.map(() => -1)
      for (const [first, ...others] of groups.values()) {
        for (const i of others) {
          for (const j of [first, i]) best[j] = Math.max(best[j], all[first].text.length + all[i].text.length)
        }
      }
      // until nothing changes, every row takes the smallest row that it shares a key with
      for (let changed = true; changed;) {
        changed = false
        for (const group of groups.values()) {
          const least = Math.min(...group.map(i => cluster[i]))
          for (const i of group) {
            if (cluster[i] !== least) changed = true
            cluster[i] = least
          }
        }
      }
      // in parts of two rows each, which begin with the first
      for (const groupBytes of [undefined, 1]) {
        const { related } = await grouped(near, given.map(partOf), { ...sizes, groupBytes })
        expect(
          related.flatMap((of, p) =>
            Array.from(of.row, (row, k) => [
              p,
              row,
              of.value[k],
              Number(of.files[of.relatedFile[k]]),
              of.relatedRow[k],
            ]),
          ),
        ).toEqual(
          all.flatMap(({ p, i }, at) =>
            cluster[at] === at ? [] : [[p, i, best[at], all[cluster[at]].file, placeOf(all[cluster[at]].i)]],
          ),
        )
      }
    }),
    settings(25),
  ))

it('groups by columns of any type that a row may have', async () => {
  const lists = [['a'], ['a', 'b'], ['a'], null, null, [], []]
  const stage = defineStage({
    ...about,
    name: 'lists',
    reads: { tags: 'list' },
    writes: { of: 'int32' },
    rows: 'same',
    by: ['tags'],
    open: () => ({
      batch: ({ rows, groups }) => {
        const of = new Int32Array(rows)
        for (let g = 0; g + 1 < groups.length; g++) of.fill(groups[g + 1] - groups[g], groups[g], groups[g + 1])
        return { columns: { of } }
      },
    }),
  })
  const type = makeTexts(lists)
  const flow = {
    schema: new Schema([new Field('tags', type.type)]),
    columns: [type],
    rows: lists.length,
    row: Uint32Array.from(lists.keys()),
    copy: new Uint32Array(lists.length),
  }
  const { through } = await grouped(stage, [{ file: 'f', flow }])
  const { all } = through[0]
  expect(lists.map((_, i) => jsonValueOf(all.columns[1], i))).toEqual([2, 1, 2, 1, 1, 2, 2])
})

import { List, Utf8 } from 'apache-arrow'
const makeTexts = (lists: readonly (readonly string[] | null)[]) =>
  makeColumn(new List(new Field('item', new Utf8())), lists)

it('refuses a group that is too large, with its key and its size', async () => {
  const rows = Array.from({ length: 50 }, () => ({ name: 'a\nb', n: 1, items: [], text: 'x'.repeat(100) }))
  await expect(grouped(rank, [partOf({ file: 0, rows })], { groupBytes: 4000 })).rejects.toThrow(
    /^it \(rank\): the group of name "a\\nb", n 1 has 50 rows, and [\d,]+ bytes of them travel; a group may have 4,000 bytes: let the stage carry less of a row \(carries\), or drop duplicates before it$/,
  )
})
