/** Answers in columns, in lists within lists and in two lists; labels of answers; what belongs to both sides. */
import { describe, expect, it } from 'vitest'
import { Binary, List, makeData, Schema, Struct, Utf8, type Data } from 'apache-arrow'
import { makeText } from '../../engine/arrow/columns.ts'
import { field, toRecordBatch } from '../../engine/arrow/flow.ts'
import type { MapSpec } from '../../engine/map/spec.ts'
import { openMapped } from '../../engine/source/convert.ts'
import { noticesIn } from '../../engine/source/notices.ts'
import { table, type Row } from '../sources/helpers.ts'
import { failure, readMapped, sides } from './helpers.ts'

const of = async (row: Row, map: Omit<MapSpec, 'prompt'>) => readMapped([{ q: 'Q?', ...row }], { prompt: 'q', ...map })
const pairs = async (row: Row, map: Omit<MapSpec, 'prompt'>) => sides(await of(row, map))

describe('columns of answers', () => {
  const row = { a: 'A', b: 'B', c: 'C', m: 'M', n: 'N', o: 'O' },
    list = ['a', 'b', 'c']

  it('beside a list of scores, a column of scores each, and the place of the best', async () => {
    const by_side = { model: ['m', 'n', 'o'] }
    const read = await of({ ...row, s: [2, 3, 1] }, { list, score: 's[]', by_side })
    expect(sides(read)).toEqual([['B', 'A'], ['A', 'C']]) // prettier-ignore
    expect(read.pairs[0]).toMatchObject({
      source_chosen_model: 'N',
      source_rejected_model: 'M',
      source_chosen_score: 3,
    })
    expect(await pairs({ ...row, s: 2, t: '3', u: 'N/A' }, { list, score: ['s', 't', 'u'] })).toEqual([['B', 'A']])
    expect(await pairs({ ...row, best: 2 }, { list, index: 'best' })).toEqual([['C', 'A'], ['C', 'B']]) // prettier-ignore
  })

  it('two of them beside a list of two scores; equal ones are no pair', async () => {
    expect(await pairs({ a: 'A', b: 'B', s: [8, 6] }, { list: ['a', 'b'], score: 's[]' })).toEqual([['A', 'B']])
    const tied = await of({ a: 'A', b: 'B', s: [8, 8] }, { list: ['a', 'b'], score: 's[]' })
    expect(tied.refused).toEqual({ 0: 'tied_scores' })
    const three = await of({ a: 'A', b: 'B', s: [8, 8, 1] }, { list: ['a', 'b'], score: 's[]' })
    expect(three.refused).toEqual({ 0: 'unequal_lists' })
  })
})

describe('lists within lists', () => {
  it('labels of several annotators are votes', async () => {
    const votes = (...labels: string[]) => labels.map(label => ({ result: [{ value: { choices: [label] } }] }))
    const rows = [votes('b', 'a', 'b'), votes('a'), votes('a', 'b'), votes('a', 'x'), []].map((annotations, i) => ({ data: { q: `Q${i}?`, x: 'X', y: 'Y' }, annotations })) // prettier-ignore
    for (const by of ['annotations[].result[].value.choices', 'annotations[].result[].value.choices[]']) {
      const read = await readMapped(rows, {
        prompt: 'data.q',
        answers: ['data.x', 'data.y'],
        prefer: { by, first: 'a', second: 'b' },
      })
      expect(sides(read)).toEqual([['Y', 'X'], ['X', 'Y']]) // prettier-ignore
      expect(read.refused).toEqual({ 2: 'tied_label', 3: 'unreadable_label', 4: 'unreadable_label' })
      expect(read.errors).toMatchObject({ 3: `${by}: a, x`, 4: `${by}: none` })
    }
  })

  it('answers of all inner lists of a row are one list', async () => {
    const g = [{ r: [{ t: 'A', s: 1 }, { t: 'B', s: 3 }] }, { r: [{ t: 'C', s: 2 }] }] // prettier-ignore
    expect(await pairs({ g }, { list: 'g[].r[].t', score: 'g[].r[].s' })).toEqual([['B', 'C'], ['C', 'A']]) // prettier-ignore
  })
})

describe('each good answer meets each bad one', () => {
  it('two lists, or one answer and a list', async () => {
    expect(await pairs({ x: ['A', 'B'], y: ['C', 'D', 'E'] }, { chosen: 'x[]', rejected: 'y[]' })).toHaveLength(6)
    expect(await pairs({ x: ['A'], y: ['B', 'C', 'D'] }, { chosen: 'x[]', rejected: 'y[]' })).toEqual(['B', 'C', 'D'].map(y => ['A', y])) // prettier-ignore
    expect(await pairs({ x: 'A', y: [{ t: 'B' }, { t: 'C' }] }, { chosen: 'x', rejected: 'y[].t' })).toEqual([['A', 'B'], ['A', 'C']]) // prettier-ignore
    const none = await of({ x: ['A'], y: [] as string[], z: ['B'] }, { chosen: 'x[]', rejected: 'z[]' })
    expect(sides(none)).toEqual([['A', 'B']])
  })

  it('labels of a list; one that is neither takes no part', async () => {
    const l = ['right', 'wrong', 'unclear', 'right', 'wrong'].map((is, i) => ({ t: `T${i}`, is }))
    const labels = { by: 'l[].is', good: 'right', bad: 'wrong' }
    expect(await pairs({ l }, { list: 'l[].t', labels })).toEqual([['T0', 'T1'], ['T0', 'T4'], ['T3', 'T1'], ['T3', 'T4']]) // prettier-ignore
    const answers = await readMapped(l.map(row => ({ q: 'Q?', ...row })), { prompt: 'q', answer: 't', labels: { ...labels, by: 'is' } }) // prettier-ignore
    expect(answers.pairs.map(({ score }) => score)).toEqual([1, 0, null, 1, 0])
  })
})

it('group: rows of one group are answers to one prompt', async () => {
  const rows = [1, 2].map(s => ({ q: 'Q?', t: `T${s}`, s, g: 'g' }))
  const { how, pairs } = await readMapped(rows, { prompt: 'q', answer: 't', group: 'g', score: 's' })
  expect(how.pairs.scored).toEqual({ column: 'score', lowFirst: false, by: 'group' })
  expect(pairs[0]).toMatchObject({ group: 'g', score: 1 })
})

it('both: what belongs to both sides counts where pairs are compared', async () => {
  const read = await of({ x: 'A', y: 'B', photo: { path: 'p.png' }, images: ['i'] }, { chosen: 'x', rejected: 'y', both: ['photo', 'images'] }) // prettier-ignore
  expect(read.pairs[0]).toMatchObject({ source_both_photo: { path: 'p.png' }, images: ['i'] })
  expect(await failure(of({ x: 'A', y: 'B' }, { chosen: 'x', rejected: 'y', both: ['photo'] }))).toContain("'photo' is not there") // prettier-ignore
})

it('bytes beside the text of a message, as a picture, are carried as base64', async () => {
  const photo = makeData({
    type: new Binary(),
    length: 2,
    nullCount: 0,
    valueOffsets: Int32Array.of(0, 2, 2),
    data: Uint8Array.of(0xff, 0xfe),
  })
  const type = new Struct([field('role', new Utf8()), field('content', new Utf8()), field('photo', new Binary())])
  const talk = (answer: string): Data => {
    const child = makeData({ type, length: 2, nullCount: 0, children: [makeText(['user', 'assistant']), makeText(['Q?', answer]), photo] }) // prettier-ignore
    return makeData({ type: new List(field('item', type)), length: 1, nullCount: 0, valueOffsets: Int32Array.of(0, 2), child }) // prettier-ignore
  }
  const list = new List(field('item', type)),
    batch = toRecordBatch(new Schema([field('chosen', list), field('rejected', list)]), [talk('A'), talk('B')], 1)
  const { pairs, refused } = await readMapped(batch)
  expect(refused).toEqual({})
  expect(pairs[0]).toMatchObject({ source_prompt_fields: '[{"photo":"//4="}]' })
})

it('roles that no template knows are told, all of them', async () => {
  const l = (a: string) => [{ role: 'student', content: 'Q?' }, { role: 'teacher', content: a }] // prettier-ignore
  const batch = table([{ chosen: l('A'), rejected: l('B') }]),
    { how } = await readMapped(batch),
    { pairs } = openMapped(how.map, how.pairs, batch.schema).convert(batch, Uint32Array.of(0))
  expect(noticesIn(pairs, [batch], false)).toEqual([expect.stringContaining('the roles student, teacher, and')])
})

describe('what is wrong with a map is told before it is used', () => {
  it.each<[Omit<MapSpec, 'prompt'>, string]>([
    [{ list: ['x', 'y'], score: ['s'] as never }, 'score: names 1 columns, one of each answer; list names 2'],
    [{ list: ['x', 'x'], score: 's[]' }, 'list names a column twice'],
    [
      { list: ['x', 'y'], score: 's[]', by_side: { model: ['m'] } },
      "by_side: 'model' names 1 columns, and there are 2",
    ],
    [{ list: 's[]', score: 's[]', by_side: { model: ['x', 'y'] } }, 'by_side counts for nothing without columns'],
    [{ chosen: 'x', rejected: 'y', group: 'x' }, 'group counts for nothing without answer'],
    [{ list: ['x', 's'], score: 's[]' }, 'they need one type'],
    [
      { answers: ['x', 'y'], prefer: { by: 'w', first: '<= 3', second: '>= 3' } },
      "prefer: first '<= 3' and second '>= 3' say both of some values; part them",
    ],
    [{ answers: ['x', 'y'], prefer: { by: 'w', first: '> 1', second: 2 } }, "first '> 1' and second '2' say both"],
    [{ list: 's[]', labels: { by: 's[]', good: '> 0', bad: '< 1' } }, "labels: good '> 0' and bad '< 1' say both"],
  ])('%j', async (map, why) => {
    expect(await failure(of({ x: 'A', y: 'B', w: 1, s: [1, 2], m: 'M' }, map))).toContain(why)
  })
})
