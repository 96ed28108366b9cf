/** Voices on labels: golden values in three tables, properties over random voices, flips, and what is refused. */
import fc from 'fast-check'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { run } from '../../index.mjs'
import stage from '../../stages/noise/vote_pairs.ts'
import { graphOf } from '../audit/helpers.ts'
import { folder, rowsOf as rowsOfArrow, writeJsonl } from '../engine/helpers.ts'
import { settings } from '../properties/settings.ts'
import { ask } from './ask.ts'
import { entries, expectOf, givenOf, golden, isThere } from './golden.ts'

type Cell = number | string | boolean | null
const rowsOf = (columns: Readonly<Record<string, readonly Cell[]>>) =>
  Object.values(columns)[0].map((_, row) => ({
    prompt: `Question ${row}?`,
    chosen: `c${row}`,
    rejected: `r${row}`,
    ...Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, values[row]])),
  }))
/** Columns m0, m1 and so on, of rows of margins. */
const margins = (rows: readonly (readonly (number | null)[])[]) =>
  rowsOf(Object.fromEntries(rows[0].map((_, m) => [`m${m}`, rows.map(row => row[m])])))
const marginVoices = (count: number) => Array.from({ length: count }, (_, m) => ({ name: `m${m}`, margin: `m${m}` }))
const dropped = (found: { dropped: object }) => Object.keys(found.dropped).map(Number)

interface Agreement {
  readonly rows: number
  readonly same: number
  readonly decided: number
  readonly reversed: number
  readonly table: number[][]
}
const agreementsIn = (numbers: Readonly<Record<string, unknown>>) => numbers.agreement as Agreement[]
/** How two verdicts agree, or with `scores` a rating and a verdict. */
async function agreement(columns: Readonly<Record<string, readonly Cell[]>>, voices: readonly object[]) {
  const { report } = await ask(stage, { voices }, rowsOf(columns))
  return { ...agreementsIn(report.numbers)[0], lines: report.lines }
}
const RATED = [
  { name: 'rating', scores: { chosen: 'a', rejected: 'b' } },
  { name: 'ranking', verdict: 'said', chosen: 'first', ties: ['equal'] },
]
/** Ratings of answers by name, and what was said of two of them: `(a)`, `(b)` or equal. */
const sparse = (ratings: Readonly<Record<string, number>>, said: readonly (readonly [string, string, string])[]) =>
  agreement(
    {
      a: said.map(([one]) => ratings[one] ?? NaN),
      b: said.map(([, other]) => ratings[other] ?? NaN),
      said: said.map(([, , verdict]) => verdict),
      first: said.map(() => '(a)'),
    },
    RATED,
  )
const consistency = ({ same, rows }: { readonly same: number; readonly rows: number }) => (100 * same) / rows

describe.runIf(isThere)('golden values', () => {
  /** Our own definitions. */
  const ours: Record<string, () => Promise<void>> = {
    'vote_pairs.rules': async () => {
      const [rows] = Object.values(givenOf<Record<string, (number | null)[][]>>('vote_pairs.rules')),
        want = expectOf<Record<string, unknown>>('vote_pairs.rules'),
        flippedRows = rows.map(row => row.map(margin => (margin === null ? null : -margin)))
      const fires = want.fires as Record<string, number[]>,
        firesFlipped = want['fires if the label were turned'] as Record<string, number[]>
      for (const rule of Object.keys(fires)) {
        const options = { voices: marginVoices(6), rule, action: 'drop' },
          found = await ask(stage, options, margins(rows))
        expect(dropped(found), rule).toEqual(fires[rule])
        expect(dropped(await ask(stage, options, margins(flippedRows))), rule).toEqual(firesFlipped[rule])
        expect(found.report.numbers, rule).toMatchObject({
          acts: fires[rule].length,
          acts_if_flipped: firesFlipped[rule].length,
        })
      }
      const { columns } = await ask(stage, { voices: marginVoices(6) }, margins(rows))
      expect(rows.map((_, row) => ['for', 'against', 'ties', 'missing'].map(name => columns[name][row]))).toEqual(
        want['for, against, ties, missing'],
      )
    },
    'vote_pairs.unanimous': async () => {
      const [rows] = Object.values(givenOf<Record<string, (number | null)[][]>>('vote_pairs.unanimous')),
        want = expectOf<Record<string, number[]>>('vote_pairs.unanimous'),
        voices = [0, 1].map(m => ({ name: `m${m}`, probability: `m${m}` }))
      const askFor = (more: object) => ask(stage, { voices, min_voices: 2, ...more }, margins(rows))
      const drop = { rule: 'unanimous', action: 'drop' }
      expect((await askFor(drop)).kept).toEqual(want['kept with min_confidence 0'])
      expect((await askFor({ ...drop, min_confidence: 0.05 })).kept).toEqual(want['kept with min_confidence .05'])
      expect((await askFor({ ...drop, min_confidence: 0.5 })).kept).toEqual(want['never touched'])
      const flip = await askFor({ rule: 'all_against', action: 'flip' })
      expect(flip.columns.flipped.flatMap((is, row) => (is === true ? [row] : []))).toEqual(
        want['against in both (a flip would turn it)'],
      )
    },
  }

  const six = [
    [1, 1, 1, 1, 1, 1],
    [1, 1, 1, -1, -1, -1],
    [1, 1, -1, -1, -1, -1],
    [-1, -1, -1, -1, -1, -1],
    [0, 0, 0, 1, 1, -1],
  ]
  /** Rows that stay, each with the text that is chosen then, in order. Theirs sort, or put flipped rows last. */
  const kept = async (rows: ReturnType<typeof rowsOf>, options: Readonly<Record<string, unknown>>) => {
    const { kept, columns } = await ask(stage, { action: 'drop', ...options }, rows)
    return kept.map((row, at) => [row, `${columns.flipped?.[at] ? 'r' : 'c'}${row}`])
  }
  const inOrder = (pairs: unknown) => (pairs as [number, string][]).toSorted(([a], [b]) => a - b)
  const llmJudge = (action: string) =>
    kept(rowsOf({ ours: [8, 5, 7, 3], theirs: [5, 8, 7, 9] }), {
      voices: [{ name: 'judge', scores: { chosen: 'ours', rejected: 'theirs' } }],
      rule: 'all_against',
      action,
    })
  const voted = (rule: string, action: string) => kept(margins(six), { voices: marginVoices(6), rule, action })
  const gap = (values: readonly number[], share: number, action: string) =>
    kept(margins(values.map(value => [value])), {
      voices: marginVoices(1),
      rule: 'mean_gap',
      scale: 'none',
      share,
      action,
    })
  const rwGap = (share: number, action: string) => gap([5, -3, 1, -1, 2, 0, 4, -2, 3, 10], share, action)
  const ifdGap = (share: number, action: string) => gap([0.1, 0.3, -0.4, 0, -10], share, action)

  /** Verdicts of the first and the second of two answers, in both orders: what they say of the first. */
  const trust = {
    '0-1': ['first', 'first'],
    '0-2': ['first', 'second'],
    '1-2': ['equal', 'equal'],
    '0-3': ['second', 'second'],
    '1-3': ['first', 'equal'],
  }
  const conflicts = async (id: string) => {
    const { scores, tolerance } = givenOf<{ scores: Record<string, number | string>; tolerance: number }>(id),
      edges = Object.keys(trust).map(edge => edge.split('-')),
      said = Object.values(trust)
    const pairs = edges.map(([one, other], at) => ({
      a: [Number(scores[one])],
      b: [Number(scores[other])],
      first: ['first'],
      order: [said[at][0]],
      swapped: [said[at][1]],
    }))
    const voices = [
      { name: 'scores', scores: { chosen: 'a', rejected: 'b' }, tie: tolerance },
      { name: 'verdict', verdict: 'order', swapped: 'swapped', chosen: 'first', ties: ['equal'] },
    ]
    const found = await Promise.all(pairs.map(columns => agreement(columns, voices)))
    return Object.fromEntries(Object.keys(trust).map((edge, at) => [edge, found[at].same === 0]))
  }
  const ratioOf = (conflict: Readonly<Record<string, boolean>>) => {
    const all = Object.values(conflict),
      some = all.filter(Boolean).length
    return { total: all.length, conflict_count: some, conflict_proportion: some / all.length }
  }
  const withRatio = async (id: string) => {
    const conflict = await conflicts(id)
    return { conflict, ratio: ratioOf(conflict) }
  }
  const boundary = async (tie: number) => {
    const { same } = await agreement({ a: [4], b: [3], said: ['equal'], first: ['(a)'] }, [
      { ...RATED[0], tie },
      RATED[1],
    ])
    return 1 - same
  }
  const told = async (id: string) => {
    const { ratings, rankings } = givenOf<{
      ratings: Record<string, number>
      rankings: [string, string, string][]
    }>(id)
    return `Consistency: ${consistency(await sparse(ratings, rankings)).toFixed(1)}`
  }
  /** A verdict in the order a, b and one in the order b, a, by letters of places, as one. */
  const bothOrders = async (one: string | null, other: string | null) => {
    const byName = { '(a)': '(b)', '(b)': '(a)' } as Record<string, string>
    const { columns } = await ask(
      stage,
      { voices: [{ name: 'ranking', verdict: 'ab', swapped: 'ba', chosen: 'a', rejected: 'b' }] },
      rowsOf({ ab: [one], ba: [other === null ? null : (byName[other] ?? other)], a: ['(a)'], b: ['(b)'] }),
    )
    return columns.for[0] === 1
      ? '(a)'
      : columns.against[0] === 1
        ? '(b)'
        : columns.ties[0] === 1
          ? 'equal'
          : 'left out'
  }
  const rain = async (one: string | null, other: string | null) => {
    const said = await bothOrders(one, other)
    return { '(a)': 1, '(b)': -1, equal: 0, 'left out': null }[said]
  }

  interface Territory {
    readonly controller: string | null
    readonly answers: Readonly<Record<string, string>>
  }
  /** Pairs of languages that agree on a territory, of all pairs: pooled, and not a mean over territories. */
  const borderlines = async (id: string, leftOut: readonly string[] = []) => {
    const { territories } = givenOf<{ territories: Territory[] }>(id),
      languages = [...new Set(territories.flatMap(({ answers }) => Object.keys(answers)))]
    const claimed = territories.map(({ answers }) => [...new Set(Object.values(answers))])
    const { report } = await ask(
      stage,
      {
        voices: languages.map(name => ({ name, verdict: name, chosen: 'chosen_land', rejected: 'rejected_land' })),
      },
      rowsOf({
        ...Object.fromEntries(
          languages.map(name => [
            name,
            territories.map(({ answers }) => (leftOut.includes(answers[name]) ? null : (answers[name] ?? null))),
          ]),
        ),
        chosen_land: claimed.map(([one]) => one),
        rejected_land: claimed.map(lands => lands.filter(land => !leftOut.includes(land)).at(-1)!),
      }),
    )
    const found = agreementsIn(report.numbers)
    return found.reduce((n, { same }) => n + same, 0) / found.reduce((n, { rows }) => n + rows, 0)
  }

  /** What their code does, and ours too, by what of the golden value it is. */
  const wanted: Record<string, readonly [got: () => Promise<unknown>, of?: (value: never) => unknown]> = {
    'prefclean.llm_judge': [
      async () => ({ llm_judge_r: await llmJudge('drop'), llm_judge_f: await llmJudge('flip') }),
      (value: Record<string, unknown>) => ({
        llm_judge_r: inOrder(value.llm_judge_r),
        llm_judge_f: inOrder(value.llm_judge_f),
      }),
    ],
    'prefclean.vote_all_r': [() => voted('none_agrees', 'drop')],
    'prefclean.vote_all_f': [() => voted('none_agrees', 'flip')],
    'prefclean.vote_maj_r': [() => voted('half_agree', 'drop')],
    'prefclean.vote_maj_f': [() => voted('half_agree', 'flip')],
    ...Object.fromEntries(
      [0.2, 0.4].flatMap(share => [
        [`prefclean.rw_gap_r_${share}`, [() => rwGap(share, 'drop'), inOrder]],
        [`prefclean.rw_gap_f_${share}`, [() => rwGap(share, 'flip'), inOrder]],
      ]),
    ),
    ...Object.fromEntries(
      [0.1, 0.2, 0.3, 0.4].flatMap(share => [
        [`prefclean.ifd_gap_r_${share}`, [() => ifdGap(share, 'drop'), inOrder]],
        [`prefclean.ifd_gap_f_${share}`, [() => ifdGap(share, 'flip'), inOrder]],
      ]),
    ),
    ...Object.fromEntries(
      ['baseline', 'softmax_weighted', 'geval'].map(name => {
        const id = `trustjudge.conflict.${name}`
        return [id, [() => withRatio(id)]]
      }),
    ),
    ...Object.fromEntries(
      ['tolerance_0.5', 'tolerance_1'].map(name => {
        const id = `trustjudge.conflict.${name}`
        return [id, [() => conflicts(id)]]
      }),
    ),
    'trustjudge.conflict.boundary diff 1, gap 1': [() => boundary(1)],
    'trustjudge.conflict.boundary diff 1, gap 1.01': [() => boundary(1.01)],
    ...Object.fromEntries(
      ['agree', 'reverse', 'tie and tie', 'tie and decisive', 'decisive and tie', 'unrated is left out'].map(name => [
        `sparse.${name}`,
        [() => told(`sparse.${name}`)],
      ]),
    ),
    'sparse.three of them': [
      () => told('sparse.three of them'),
      (text: string) => `Consistency: ${Number(text.split(' ')[1]).toFixed(1)}`,
    ],
    ...Object.fromEntries(
      ['(a) | (b)', '(b) | (a)', '(a) | (a)', '(b) | (b)', '(c) | (a)', 'a | b'].map(name => [
        `sparse.order.${name}`,
        [() => bothOrders(...(name.split(' | ') as [string, string]))],
      ]),
    ),
    'rain.A over B, then B over A': [() => rain('(a)', '(b)')],
    'rain.A twice': [() => rain('(a)', '(a)')],
    'rain.B twice': [() => rain('(b)', '(b)')],
    'borderlines.english counts only where it is a claimant language': [
      () => borderlines('borderlines.english counts only where it is a claimant language', ['X']),
      (value: Record<string, number>) => value['Consistency CS all'],
    ],
  }

  /** What their code does and ours does not: our value, and why. */
  const refused: Record<string, readonly [why: string, got: () => Promise<unknown>, ours: unknown]> = {
    'prefclean.voting.as_published': [
      'theirs fails',
      () => voted('half_agree', 'drop'),
      [
        [0, 'c0'],
        [1, 'c1'],
      ],
    ],
    'sparse.nothing left': [
      'theirs divides by zero',
      async () => {
        const { lines, rows } = await agreement(
          { a: [5, NaN], b: [NaN, 5], said: ['(a)', '(a)'], first: ['(a)', '(a)'] },
          RATED,
        )
        return [rows, lines.find(line => /meet/.test(line))]
      },
      [0, 'rating and ranking meet in no row'],
    ],
    'sparse.rated twice: the first': [
      'which of two ratings counts is not for a stage to guess: each is a voice',
      async () => {
        const { columns } = await ask(
          stage,
          {
            voices: [
              { name: 'first', scores: { chosen: 'a1', rejected: 'b' } },
              { name: 'second', scores: { chosen: 'a2', rejected: 'b' } },
            ],
          },
          rowsOf({ a1: [1], a2: [5], b: [3] }),
        )
        return columns.class
      },
      ['split'],
    ],
    'sparse.order.between (a) and (b), (b) | (b)': [
      'theirs finds (a) in a text that says both; a verdict is one word',
      () => bothOrders('between (a) and (b), (b)', '(b)'),
      'left out',
    ],
    'rain.neither': ['what was not read is missing, and not the worst', () => rain(null, null), null],
    'rain.equal probabilities': [
      'neither side is better: a tie',
      async () => {
        const { columns } = await ask(
          stage,
          { voices: [{ name: 'itself', probability: 'p', swapped: 'q' }] },
          rowsOf({ p: [0.5], q: [0.5] }),
        )
        return [columns.for, columns.ties, columns.against].flat()
      },
      [0, 1, 0],
    ],
    'borderlines.three territories': [
      'pooled over pairs of languages, 1 of 5; theirs is a mean over territories, of (0 + 1/3 + 0) / 3',
      () => borderlines('borderlines.three territories'),
      0.2,
    ],
    'borderlines.one language only has no consistency': [
      'theirs divides by zero; one voice has nobody to agree with',
      async () => {
        const { report } = await ask(
          stage,
          { voices: [{ name: 'a', verdict: 'a', chosen: 'land', rejected: 'other' }] },
          rowsOf({ a: ['A'], land: ['A'], other: ['B'] }),
        )
        return report.numbers.agreement
      },
      [],
    ],
    ...Object.fromEntries(
      ['no unknown controller', 'nothing but the controller: delta divides by zero'].map(name => [
        `borderlines.${name}`,
        [
          'theirs fails; how two languages agree needs no controller',
          async () => {
            const { report } = await ask(
              stage,
              { voices: ['ru', 'uk'].map(name => ({ name, verdict: name, chosen: 'land', rejected: 'other' })) },
              rowsOf({ ru: ['R'], uk: ['U'], land: ['R'], other: ['U'] }),
            )
            const [{ rows, same }] = agreementsIn(report.numbers)
            return [rows, same]
          },
          [1, 0],
        ] as const,
      ]),
    ),
  }
  /** Methods that are none of this stage's: their inputs are tags, and log-probabilities of tokens. */
  const notVotes = [
    'prefclean.ifd_r',
    'prefclean.ins_tag',
    'prefclean.ifd_perplexity.counts up (what the model knows)',
    'prefclean.ifd_perplexity.repeats itself',
  ]
  /** Held in real_votes.test.ts, on the data itself. */
  const ofData = ['sparse.sample', 'sparse.shared_data']

  it.each(Object.keys(ours))('ours: %s', id => ours[id]())
  it.each(Object.keys(wanted))('theirs and wanted: %s', async id => {
    const [got, of = (value: never) => value] = wanted[id]
    expect(await got()).toEqual(of(golden.get(id)!.expect as never))
  })
  it.each(Object.keys(refused))('theirs and refused: %s', async id => {
    const [why, got, ours] = refused[id]
    expect(await got(), why).toEqual(ours)
    expect(JSON.stringify(golden.get(id)!.expect)).not.toBe(JSON.stringify(ours))
  })
  it('are all in one of the tables', () => {
    const mine = entries.entries.filter(
      ({ id, stage }) =>
        /^(vote_pairs|sparse|trustjudge\.conflict|prefclean|rain)\./.test(id) ||
        (id.startsWith('borderlines.') && stage === 'vote_pairs'),
    )
    const tables = [Object.keys(ours), ofData, Object.keys(wanted), Object.keys(refused), notVotes]
    expect(tables.flat().sort()).toEqual(mine.map(({ id }) => id).sort())
    expect(mine.length).toBeGreaterThan(50)
  })
})

describe('whatever the voices', () => {
  const said = fc.constantFrom(null, -2, -0.5, 0, 0.25, 3)
  const table = fc
    .integer({ min: 1, max: 5 })
    .chain(many => fc.array(fc.array(said, { minLength: many, maxLength: many }), { minLength: 1, maxLength: 12 }))
  const options = fc.record({
    rule: fc.constantFrom('majority_against', 'all_against', 'half_agree', 'none_agrees', 'unanimous', 'mean_gap'),
    share: fc.constantFrom(0, 0.2, 0.5, 1),
    scale: fc.constantFrom('none', 'mean_abs'),
  })
  const askOf = (rows: readonly (readonly (number | null)[])[], more: object) =>
    // a number in the first row, so that each column is one of numbers
    ask(stage, { voices: marginVoices(rows[0].length), ...more }, [...margins([...rows, rows[0].map(() => 1)])])

  it('each counts once, and what a rule would act on with the label flipped is what it acts on then', async () => {
    await fc.assert(
      fc.asyncProperty(table, options, async (rows, more) => {
        const { columns, report } = await askOf(rows, more)
        const counts = [columns.for, columns.against, columns.ties, columns.missing] as number[][]
        rows.forEach((row, i) => {
          expect(counts.map(of => of[i])).toEqual([
            row.filter(one => one !== null && one > 0).length,
            row.filter(one => one !== null && one < 0).length,
            row.filter(one => one === 0).length,
            row.filter(one => one === null).length,
          ])
        })
        if (more.rule === 'mean_gap') return
        const turned = [...rows, rows[0].map(() => 1)].map(row => row.map(one => (one === null ? null : -one)))
        const { report: other } = await ask(
          stage,
          { voices: marginVoices(rows[0].length), ...more },
          margins(turned.map(row => row.map(one => one ?? NaN))),
        )
        expect(report.numbers.acts_if_flipped).toBe(other.numbers.acts)
      }),
      settings(60),
    )
  })

  it('the lowest gaps are as many as the share allows, and no more', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 1, maxLength: 30 }),
        options,
        async (gaps, more) => {
          const { dropped, report } = await ask(
            stage,
            { voices: marginVoices(1), ...more, rule: 'mean_gap', action: 'drop' },
            margins(gaps.map(gap => [gap])),
          )
          const cut = gaps.toSorted((a, b) => a - b)[Math.floor(more.share * gaps.length + 1e-9)] ?? Infinity
          const below = gaps.flatMap((gap, row) => (gap < cut ? [row] : []))
          expect(Object.keys(dropped).map(Number)).toEqual(below)
          expect(report.numbers.acts).toBe(below.length)
          expect(report.numbers.acts_if_flipped).toBe(gaps.filter(gap => -gap < cut).length)
        },
      ),
      settings(60),
    )
  })
})

describe('through a graph', () => {
  const rows = Array.from({ length: 60 }, (_, i) => ({
    id: `r${i}`,
    prompt: `Question ${i}?`,
    chosen: `c${i}`,
    rejected: `r${i}`,
    chosen_score: (i * 7) % 5,
    rejected_score: (i * 3) % 4,
    margin: ((i * 11) % 9) - 4,
    said: ['chosen', 'rejected', 'tie', '?'][i % 4],
  }))
  const voices = [
    { name: 'scores', scores: { chosen: 'chosen_score', rejected: 'rejected_score' } },
    { name: 'margin', margin: 'margin' },
    { name: 'said', verdict: 'said' },
  ]
  const through = async (
    given: Readonly<Record<string, unknown>>,
    some: readonly object[] = rows,
    more: object = {},
  ) => {
    const at = folder()
    const { folder: out, manifest } = await run(
      graphOf(
        13,
        { id: 'pairs', use: 'read_jsonl', with: { path: writeJsonl(join(at, 'rows.jsonl'), some) } },
        { id: 'votes', use: 'vote_pairs', with: given },
        { id: 'out', use: 'write_arrow' },
      ),
      { output: join(at, 'out'), workers: 2, ...more },
    )
    return {
      rows: rowsOfArrow(join(out, 'out')),
      report: manifest.stages.votes.report!,
      manifest,
      errored: manifest.stages.votes,
    }
  }

  it('a flip swaps sides and scores, tells the same as without, and leaves what a person decided', async () => {
    const plain = await through({ voices })
    const flipped = await through({ voices, action: 'flip' }, rows, { keepIds: ['r1'] })
    expect(flipped.report).toEqual(plain.report)
    const ofFlips = flipped.rows.filter(row => row.votes_flipped)
    expect(ofFlips).toHaveLength(Number(plain.report.numbers.acts) - 1)
    for (const row of ofFlips) {
      const i = Number((row.id as string).slice(1))
      expect([row.chosen_score, row.rejected_score].map(Number)).toEqual([rows[i].rejected_score, rows[i].chosen_score])
      expect(JSON.stringify(row.chosen)).toContain(`r${i}`)
    }
    expect(plain.rows[1].votes_class).toBe('reversed')
  })

  it('a third word ends the run, and so does a probability that is none', async () => {
    const worded = rows.map(row => ({ ...row, word: 'a' }))
    await expect(through({ voices: [{ name: 'said', verdict: 'said', chosen: 'word' }] }, worded)).rejects.toThrow(
      /the votes in 'said' say ('\?', )?'a', 'chosen', 'rejected'; they must be two words, one for each side/,
    )
    const odd = [...rows.map(row => ({ ...row, p: 0.75 })), { ...rows[0], id: 'odd', p: 1.5 }]
    await expect(through({ voices: [{ name: 'p', probability: 'p' }] }, odd)).rejects.toMatchObject({
      message: expect.stringContaining("'p' of row odd is 1.5, and a probability is 0 to 1") as string,
      exit: 65,
    })
  })

  const wrong = async (given: Readonly<Record<string, unknown>>) => {
    try {
      await through(given)
    } catch (error) {
      return (error as Error).message
    }
    return 'nothing'
  }
  it.each([
    [
      { voices: [{ name: 'x' }] },
      'it says nothing of a pair: give it one of scores, margin, probability, verdict or votes',
    ],
    [{ voices: [{ name: 'x', margin: 'margin', verdict: 'said' }] }, 'it says margin and verdict at once'],
    [
      { voices: [{ name: 'x', margin: 'margin', chosen: 'said' }] },
      'chosen goes with verdict or votes, and not with margin',
    ],
    [
      { voices: [{ name: 'x', margin: 'margin', chosen_first: 'margin' }] },
      'chosen_first says nothing without swapped',
    ],
    [{ voices: [voices[1], voices[1]] }, "two voices are named 'margin'"],
    [{ voices, min_voices: 4 }, 'it is 4, and there are 3 voices'],
    [{ voices, min_confidence: 0.1 }, 'it is of rule unanimous'],
    [{ voices, rule: 'unanimous', action: 'flip' }, 'flip what all voices speak against by all_against'],
    [{ voices: [{ name: 'x', margin: 'chosen_score' }], action: 'flip' }, "'chosen_score' is a column of one side"],
  ])('refuses %j', async (given, why) => {
    expect(await wrong(given)).toContain(why)
  })
})
