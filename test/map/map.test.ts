/** Mappings: each shape, each form, paths, labels, votes, scores; and what is said of those that are wrong. */
import { describe, expect, it } from 'vitest'
import type { MapSpec } from '../../engine/map/spec.ts'
import { assistant, user, type Row } from '../sources/helpers.ts'
import { failure, prompts, readMapped, sides } from './helpers.ts'

const q = 'Name a prime.',
  good = 'Seven.',
  bad = 'Nine.'
const winner: MapSpec['prefer'] = { by: 'w', first: 'a', second: 'b', tie: ['tie', 'both'] }

describe('two answers and a label', () => {
  const rows = ['a', 'b', 'tie', 'both', 'c', null].map((w, i) => ({
    q: `${q}${i}`,
    x: w === 'b' ? bad : good,
    y: w === 'b' ? good : bad,
    w,
    m: 'M',
    n: 'N',
  }))
  const map: MapSpec = { prompt: 'q', answers: ['x', 'y'], prefer: winner, by_side: { model: ['m', 'n'] } }

  it('the better one is chosen; ties and labels that nobody named are no pairs, each told', async () => {
    const read = await readMapped(rows, map)
    expect(sides(read)).toEqual([[good, bad], [good, bad]]) // prettier-ignore
    expect(read.refused).toEqual({ 2: 'tied_label', 3: 'tied_label', 4: 'unreadable_label', 5: 'unreadable_label' })
    expect(read.errors).toMatchObject({ 3: 'w: both', 4: 'w: c', 5: 'w: null' })
  })

  it('what belongs to a side goes with it, the label stays beside', async () => {
    const [first, second] = (await readMapped(rows, map)).pairs
    expect(first).toMatchObject({ source_chosen_model: 'M', source_rejected_model: 'N', w: 'a' })
    expect(second).toMatchObject({ source_chosen_model: 'N', source_rejected_model: 'M', w: 'b' })
    expect(Object.keys(first).sort()).toEqual([
      'chosen',
      'id',
      'prompt',
      'rejected',
      'source_chosen_model',
      'source_rejected_model',
      'w',
    ])
  })

  it.each([
    [
      'comparisons',
      { by: 'w', first: '< 0', second: '> 0', tie: 0 },
      [-3, 2, 0, -1, null],
      [0, 1, 3],
      { 2: 'tied_label', 4: 'unreadable_label' },
    ],
    ['numbers', { by: 'w', first: 1, second: 0 }, [1, 0, 2], [0, 1], { 2: 'unreadable_label' }],
    ['text for numbers', { by: 'w', first: '1', second: '0' }, [1, 0], [0, 1], {}],
    ['bools', { by: 'w', first: true, second: false }, [true, false], [0, 1], {}],
    ['lists of labels', { by: 'w', first: ['l', 'left'], second: ['r'] }, ['left', 'r'], [0, 1], {}],
  ] as [string, MapSpec['prefer'], (string | number | boolean | null)[], number[], Record<number, string>][])(
    'by %s',
    async (_, prefer, labels, kept, refused) => {
      const isSecond = (label: unknown) =>
        label === 0
          ? prefer!.tie === undefined
          : label === false || label === 'r' || (prefer!.second === '> 0' && Number(label) > 0) || Number(label) === 4
      const made = labels.map((w, i) => ({
        q: `${q}${i}`,
        x: isSecond(w) ? bad : good,
        y: isSecond(w) ? good : bad,
        w,
      }))
      const read = await readMapped(made, { prompt: 'q', answers: ['x', 'y'], prefer })
      expect(read.refused).toEqual(refused)
      expect(prompts(read)).toEqual(kept.map(i => `${q}${i}`))
      for (const pair of sides(read)) expect(pair).toEqual([good, bad])
    },
  )

  it('votes: one that nobody named may be for either, so that the row is unreadable', async () => {
    const made = [['yes', 'yes', 'no'], ['no', 'no', null], ['Yes', 'yes', 'no']].map(([v, w, z], i) => ({ q: `${q}${i}`, x: `x${i}`, y: `y${i}`, v, w, z })) // prettier-ignore
    const read = await readMapped(made, { prompt: 'q', answers: ['x', 'y'], prefer: { by: ['v', 'w', 'z'], first: 'yes', second: 'no' } }) // prettier-ignore
    expect([sides(read), read.refused]).toEqual([[['x0', 'y0'], ['y1', 'x1']], { 2: 'unreadable_label' }]) // prettier-ignore
  })

  it('names: a label that is what a column of the answer says; where both say it, nobody knows', async () => {
    const made = ['gpt', 'llama', 'tie', 'gpt', 'other'].map((w, i) => ({ q: `${q}${i}`, x: `x${i}`, y: `y${i}`, w, m: 'gpt', n: i === 3 ? 'gpt' : 'llama' })) // prettier-ignore
    const read = await readMapped(made, { prompt: 'q', answers: ['x', 'y'], prefer: { by: 'w', names: ['m', 'n'], tie: 'tie' } }) // prettier-ignore
    expect(sides(read)).toEqual([['x0', 'y0'], ['y1', 'x1']]) // prettier-ignore
    expect(read.refused).toEqual({ 2: 'tied_label', 3: 'unreadable_label', 4: 'unreadable_label' })
    expect(read.pairs[0]).toMatchObject({ m: 'gpt', w: 'gpt' })
  })

  it('votes: the majority; who says nothing does not count', async () => {
    const votes = [[1, 1, 2], [2, 2, 1], [1, 2, 0], [1, null, null], [null, null, null]] // prettier-ignore
    const read = await readMapped(
      votes.map(([v, w, z], i) => ({ q: `${q}${i}`, x: i === 1 ? bad : good, y: i === 1 ? good : bad, v, w, z })),
      { prompt: 'q', answers: ['x', 'y'], prefer: { by: ['v', 'w', 'z'], first: 1, second: 2, tie: 0 } },
    )
    expect(prompts(read)).toEqual([0, 1, 3].map(i => `${q}${i}`))
    expect(sides(read)).toEqual(new Array(3).fill([good, bad]))
    expect(read.refused).toEqual({ 2: 'tied_label', 4: 'unreadable_label' })
  })

  it('the scores of both: the higher, or of ranks the lower; equal ones are a tie, none are unreadable', async () => {
    const rows = [[2, 1], [1, 2], [1, 1], [null, 1]].map(([s, t], i) => ({ q: `${q}${i}`, x: `x${i}`, y: `y${i}`, s, t })) // prettier-ignore
    const of = async (prefer: MapSpec['prefer']) =>
      sides(await readMapped(rows, { prompt: 'q', answers: ['x', 'y'], prefer }))
    expect(await of({ higher: ['s', 't'] })).toEqual([['x0', 'y0'], ['y1', 'x1']]) // prettier-ignore
    expect(await of({ lower: ['s', 't'] })).toEqual([['y0', 'x0'], ['x1', 'y1']]) // prettier-ignore
    expect(
      (await readMapped(rows, { prompt: 'q', answers: ['x', 'y'], prefer: { higher: ['s', 't'] } })).errors,
    ).toEqual({ 2: 's and t: 1 and 1', 3: 's and t: none and 1' })
  })
})

const talk = (a: string) => [user(q), assistant(a)]
const forms: Record<string, (a: string) => unknown> = {
  text: a => a,
  'one message': assistant,
  messages: a => [assistant(a)],
  'from and value': a => [{ from: 'gpt', value: a }],
  'role and text': a => [{ role: 'assistant', text: a }],
  'content parts': a => [{ role: 'assistant', content: [{ type: 'text', text: a }] }],
  'JSON text': a => JSON.stringify([assistant(a)]),
}
const wholes: Record<string, (a: string) => unknown> = {
  messages: talk,
  'from and value': a => [{ from: 'human', value: q }, { from: 'gpt', value: a }], // prettier-ignore
  'JSON text': a => JSON.stringify(talk(a)),
  transcripts: a => `\n\nHuman: ${q}\n\nAssistant: ${a}`,
}

describe('every form in every shape', () => {
  it.each(Object.keys(forms))('%s', async form => {
    const say = forms[form],
      isText = form === 'text' || form === 'JSON text'
    const shapes: [MapSpec, Row[]][] = [
      [{ prompt: 'q', chosen: 'x', rejected: 'y' }, [{ q, x: say(good), y: say(bad) }]],
      [
        { prompt: 'q', answers: ['x', 'y'], prefer: { by: 'w', first: 1, second: 2 } },
        [{ q, x: say(bad), y: say(good), w: 2 }],
      ],
      [{ prompt: 'o.q', chosen: 'o.x', rejected: 'o.y' }, [{ o: { q, x: say(good), y: say(bad) } }]],
    ]
    if (isText) {
      shapes.push([
        { prompt: 'o.q', chosen: 'o.x', rejected: 'o.y' },
        [{ o: JSON.stringify({ q, x: say(good), y: say(bad) }) }],
      ])
    }
    // a list's items have no JSON text of their own
    if (form !== 'JSON text') {
      shapes.push([{ prompt: 'q', list: 'l[].t', score: 'l[].s' }, [{ q, l: [{ t: say(bad), s: 1 }, { t: say(good), s: 2 }] }]]) // prettier-ignore
      shapes.push([{ prompt: 'q', list: 'l[].t', index: 'i' }, [{ q, l: [{ t: say(bad) }, { t: say(good) }], i: 1 }]]) // prettier-ignore
    }
    for (const [map, rows] of shapes) {
      const read = await readMapped(rows, map)
      expect([read.refused, sides(read), prompts(read)]).toEqual([{}, [[good, bad]], [q]])
    }
    const answers = await readMapped([{ q, x: say(good), s: 2 }], { prompt: 'q', answer: 'x', score: 's' })
    expect(answers.how.pairs.scored).toEqual({ column: 'score', lowFirst: false })
    expect(answers.pairs.map(({ chosen }) => chosen)).toEqual([[assistant(good)]])
  })

  it.each(Object.keys(wholes))('%s that hold the prompt', async form => {
    const say = wholes[form]
    for (const [map, row] of [
      [
        { prompt: 'shared', chosen: 'x', rejected: 'y' },
        { x: say(good), y: say(bad) },
      ],
      [
        { prompt: 'shared', answers: ['x', 'y'], prefer: { by: 'w', first: 1, second: 2 } },
        { x: say(bad), y: say(good), w: 2 },
      ],
    ] as [MapSpec, Row][]) {
      const read = await readMapped([row], map)
      expect([read.refused, sides(read), prompts(read)]).toEqual([{}, [[good, bad]], [q]])
    }
  })
})

describe('prompts', () => {
  it('several columns are one text, a blank line between, without those that are null or empty', async () => {
    const read = await readMapped(
      [{ i: 'Sum up.', c: 'A text.', x: good, y: bad }, { i: 'Sum up.', c: null, x: good, y: bad }, { i: null, c: '', x: good, y: bad }], // prettier-ignore
      { prompt: ['i', 'c'], chosen: 'x', rejected: 'y' },
    )
    expect(prompts(read)).toEqual(['Sum up.\n\nA text.', 'Sum up.'])
    expect(read.refused).toEqual({ 2: 'missing_prompt' })
  })

  it('a system message and earlier turns stand before it', async () => {
    const read = await readMapped([{ system: 'Be brief.', past: [['Hello.', 'Hi.']], q, x: good, y: bad }], {
      prompt: ['system', { turns: 'past' }, 'q'],
      chosen: 'x',
      rejected: 'y',
    })
    expect(read.pairs[0].prompt).toEqual([
      { role: 'system', content: 'Be brief.' },
      user('Hello.'),
      assistant('Hi.'),
      user(q),
    ])
  })
})

describe('lists', () => {
  const of = async (row: Row, map: Omit<MapSpec, 'prompt'>) =>
    sides(await readMapped([{ q, ...row }], { prompt: 'q', ...map }))

  it('scores beside the answers, as text too; what has none takes no part', async () => {
    expect(await of({ l: ['a', 'b', 'c'], s: ['2', '10', 'N/A'] }, { list: 'l[]', score: 's[]' })).toEqual([['b', 'a']])
    expect(await of({ l: ['a', 'b'], r: [1, 2] }, { list: 'l[]', score: { 'r[]': -1 } })).toEqual([['a', 'b']])
    expect(await of({ l: [{ t: 'a', h: 1, v: 4 }, { t: 'b', h: 3, v: 1 }] }, { list: 'l[].t', score: { 'l[].h': 1, 'l[].v': 1 } })).toEqual([['a', 'b']]) // prettier-ignore
  })

  it('a score goes to the answer of the same model, whatever the order; of another model it goes to none', async () => {
    const l = [{ model: 'm', t: 'a' }, { model: 'n', t: 'b' }] // prettier-ignore
    const scores = (...s: [string, number][]) => s.map(([model, s]) => ({ model, s }))
    const map = { list: 'l[].t', score: 'k[].s' }
    expect(await of({ l, k: scores(['n', 1], ['m', 5]) }, map)).toEqual([['a', 'b']])
    expect(await of({ l, k: scores(['m', 1], ['n', 5]) }, map)).toEqual([['b', 'a']])
    expect((await readMapped([{ q, l, k: scores(['n', 1], ['o', 5]) }], { prompt: 'q', ...map })).refused).toEqual({
      0: 'too_few_completions',
    })
  })

  it('fields of the answers go with their side; what else was said of them stays beside', async () => {
    const read = await readMapped([{ q, l: [{ t: 'a', m: 'M' }, { t: 'b', m: 'N' }], k: [{ s: 1, why: 'x' }, { s: 2, why: 'y' }] }], { prompt: 'q', list: 'l[].t', score: 'k[].s' }) // prettier-ignore
    expect(read.pairs[0]).toMatchObject({ source_chosen_m: 'N', source_rejected_m: 'M', source_chosen_score: 2, k: [{ s: 1, why: 'x' }, { s: 2, why: 'y' }] }) // prettier-ignore
  })

  it('an index beyond the list names none', async () => {
    const read = await readMapped([2, null, 0].map(i => ({ q, l: ['a', 'b'], i })), { prompt: 'q', list: 'l[]', index: 'i' }) // prettier-ignore
    expect([read.refused, sides(read)]).toEqual([{ 0: 'too_few_completions', 1: 'too_few_completions' }, [['a', 'b']]])
  })
})

it('names that the file has besides are carried under another one, objects without what became the pair', async () => {
  const read = await readMapped([{ o: { q, x: good, y: bad, z: 1 }, chosen: 'label', prompt: 7 }], {
    prompt: 'o.q',
    chosen: 'o.x',
    rejected: 'o.y',
  })
  expect(read.pairs[0]).toMatchObject({ o: { z: 1 }, source_chosen: 'label', source_prompt: 7 })
})

it('scores that float64 would round stop the run instead of tying', async () => {
  const { table } = await import('../sources/helpers.ts'),
    { Int64 } = await import('apache-arrow')
  const rows = table([{ q, x: good, y: bad, s: 2n ** 53n + 1n, t: 1n }] as never, { s: new Int64(), t: new Int64() })
  expect(
    await failure(readMapped(rows, { prompt: 'q', answers: ['x', 'y'], prefer: { higher: ['s', 't'] } })),
  ).toContain("'s' holds 9007199254740993")
})

describe('what is wrong is told all at once', () => {
  const row = { q, x: good, y: bad, w: 'a', l: ['a'], n: 1, m: 2, o: { f: 'x' }, j: '{"q": "Why?"}' }
  it.each([
    [{ prompt: 'q' }, 'says no answers; give one of: chosen with rejected, answers, list, answer'],
    [{ prompt: 'q', chosen: 'x' }, 'chosen and rejected need each other'],
    [{ prompt: 'q', answers: ['x', 'y'] }, 'answers and prefer need each other'],
    [{ prompt: 'q', answers: ['x', 'y'], prefer: {} }, 'prefer needs one of: by, higher, lower'],
    [{ prompt: 'q', answers: ['x', 'y'], prefer: { by: 'w', first: 'a' } }, 'prefer: by needs first and second'],
    [
      { prompt: 'q', answers: ['x', 'y'], prefer: { by: 'w', first: 'a', second: 'a' } },
      "prefer: the label 'a' is said twice",
    ],
    [{ prompt: 'q', list: 'l[]' }, 'list needs score, labels or index, one of them'],
    [{ prompt: 'q', list: 'l', score: 'n' }, "list 'l' needs [] behind the column"],
    [{ prompt: 'q', answer: 'x' }, 'answer needs score'],
    [{ prompt: 'Q', chosen: 'xx', rejected: 'y' }, /'Q' is not there \(did you mean 'q'\?\).*'xx' is not there/s],
    [{ prompt: 'q', chosen: 'o.g', rejected: 'y' }, "'o.g': o has no field 'g'; there are f"],
    [{ prompt: 'q', chosen: 'n', rejected: 'm' }, 'which are no pairs: each is text or messages'],
    [{ prompt: 'q', chosen: 'x', rejected: 'x' }, "'x' is both sides; name two columns"],
    [{ prompt: 'q', answers: ['x', 'y'], prefer: { by: ['w', 'w'], first: 1, second: 2 } }, "by names 'w' twice"],
    [{ prompt: 'j.qq', chosen: 'x', rejected: 'y' }, "'j.qq' is null in all of the first rows"],
    [
      { prompt: 'q', answers: ['x', 'n'], prefer: { by: 'w', first: 1, second: 2 } },
      "'x' is Utf8 and 'n' Float64; they need one type",
    ],
    [
      { prompt: 'q', answers: ['x', 'y'], prefer: { by: 'l', first: 1, second: 2 } },
      "prefer: 'l' is List<Utf8>; a label is text, a number or a bool",
    ],
    [{ prompt: 'q', list: 'l[]', score: 'n' }, "score 'n' is Float64; name the items of a list, with []"],
  ] as [MapSpec, string | RegExp][])('%j', async (map, why) => {
    const said = await failure(readMapped([row], map))
    if (typeof why === 'string') expect(said).toContain(why)
    else expect(said).toMatch(why)
  })
})

describe("the file's own scores of the two sides", () => {
  const rows = [[5, 2], [2, 5], [3, 3], [null, 1]].map(([s, t], i) => ({ prompt: `${q}${i}`, chosen: good, rejected: bad, chosen_avg_rating: s, rejected_avg_rating: t })) // prettier-ignore

  it('rows that they call ties or the wrong way round are kept and noted, or dropped', async () => {
    const kept = await readMapped(rows)
    expect([kept.noted, kept.refused]).toEqual([[[1, 'opposed_scores'], [2, 'equal_scores']], {}]) // prettier-ignore
    const dropped = await readMapped(rows, undefined, { ties: 'drop', opposed: 'drop' })
    expect([dropped.noted, dropped.refused]).toEqual([[], { 1: 'opposed_scores', 2: 'equal_scores' }])
  })

  it('integers beyond 2^53 are compared as they are', async () => {
    const { table } = await import('../sources/helpers.ts'),
      { Int64 } = await import('apache-arrow'),
      large = 2n ** 53n
    const made = table(
      [
        { prompt: q, chosen: good, rejected: bad, chosen_score: large + 1n, rejected_score: large },
        { prompt: q, chosen: good, rejected: bad, chosen_score: large, rejected_score: large + 1n },
      ] as never,
      { chosen_score: new Int64(), rejected_score: new Int64() },
    )
    expect((await readMapped(made)).noted).toEqual([[1, 'opposed_scores']])
  })

  it('of ranks the least is the best', async () => {
    const ranked = rows.map(({ chosen_avg_rating: s, rejected_avg_rating: t, ...row }) => ({
      ...row,
      rank_chosen: s,
      rank_rejected: t,
    }))
    expect((await readMapped(ranked)).noted).toEqual([[0, 'opposed_scores'], [2, 'equal_scores']]) // prettier-ignore
  })
})

describe('places of lists, and names with dots', () => {
  it('an item by its place is a side, a list that has none there is a row without it', async () => {
    const read = await readMapped(
      [{ q, l: [good, bad] }, { q: `${q}1`, l: [good] }, { q: `${q}2`, l: null }],
      { prompt: 'q', chosen: 'l[0]', rejected: 'l[1]' },
    ) // prettier-ignore
    expect([sides(read), read.refused]).toEqual([[[good, bad]], { 1: 'missing_rejected', 2: 'tied_vote' }])
    expect(read.pairs[0].l).toEqual([good, bad])
  })

  it('of objects, of lists within lists, and of JSON text', async () => {
    const rows = [{ q, o: { l: [{ t: [bad, good] }] }, j: JSON.stringify({ l: [{ t: bad }, { t: good }] }) }]
    for (const [chosen, rejected] of [['o.l[0].t[1]', 'o.l[0].t[0]'], ['j.l[1].t', 'j.l[0].t']]) {
      expect(sides(await readMapped(rows, { prompt: 'q', chosen, rejected }))).toEqual([[good, bad]])
    }
  }) // prettier-ignore

  it('a field whose name has dots', async () => {
    const rows = [{ q, o: { 'm-3.1': good, m: { '3.1': bad }, 'a.b': { 'c.d': bad } } }]
    expect(sides(await readMapped(rows, { prompt: 'q', chosen: 'o.m-3.1', rejected: 'o.a.b.c.d' }))).toEqual([
      [good, bad],
    ])
    expect(sides(await readMapped(rows, { prompt: 'q', chosen: 'o.m-3.1', rejected: 'o.m.3.1' }))).toEqual([
      [good, bad],
    ])
  })

  it('a place in what is no list is told', async () => {
    expect(
      await failure(readMapped([{ q, t: { a: good }, b: bad }], { prompt: 'q', chosen: 't[0].a', rejected: 'b' })),
    ).toContain("'t[0].a': t is Struct<{a:Utf8}> and no list; leave out [0]")
  })
})
