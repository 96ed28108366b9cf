/** Mistakes that must not compile: each line below `@ts-expect-error` is refused, or the type check fails. */
import { defineAudit, defineStage, optional, round, Type } from '../../engine/contract/define.ts'

const base = {
  name: 'x',
  version: 1,
  summary: 's',
  options: Type.Object({ n: Type.Integer({ default: 1 }) }),
  examples: [],
}
const one = { collect: () => ({ batch() {}, part: () => 1 }), merge: (parts: Iterable<number>) => [...parts].length }

// what is not declared: an option, a reason, a column, a note
defineStage({
  ...base,
  reads: { chosen: 'messages' },
  writes: {},
  rows: 'subset',
  reasons: { bad: { kind: 'quality', about: '' } },
  open: ({
    n,
    // @ts-expect-error no such option
    m,
  }) => ({
    batch(batch, verdict) {
      // @ts-expect-error no such reason
      verdict.drop(n, 'worse')
      // @ts-expect-error not read
      batch.messages('rejected')
      // @ts-expect-error no notes
      verdict.note(0, 'any')
      void m
    },
  }),
})
// a column that is missing, of another type, or not given at all
defineStage({
  ...base,
  reads: {},
  writes: { a: 'float64', b: 'text' },
  rows: 'same',
  // @ts-expect-error b is missing
  open: () => ({ batch: batch => ({ columns: { a: new Float64Array(batch.rows) } }) }),
})
defineStage({
  ...base,
  reads: {},
  writes: { a: 'float64' },
  rows: 'same',
  // @ts-expect-error a is text
  open: () => ({ batch: () => ({ columns: { a: ['x'] } }) }),
})
defineStage({
  ...base,
  reads: {},
  writes: { a: 'float64' },
  rows: 'same',
  // @ts-expect-error must give a
  open: () => ({ batch() {} }),
})
// new rows without the rows that they are made of
defineStage({
  ...base,
  reads: {},
  writes: { a: 'float64' },
  rows: 'derive',
  // @ts-expect-error no parents
  open: () => ({ batch: () => ({ columns: { a: new Float64Array(1) } }) }),
})
// pairs without partners
defineStage({
  ...base,
  reads: {},
  writes: {},
  rows: 'pair',
  by: ['prompt'],
  // @ts-expect-error no partners
  open: () => ({ batch: () => ({ parents: [0] }) }),
})
// what a fit gives is typed
defineStage({
  ...base,
  reads: {},
  writes: {},
  rows: 'same',
  fit: () => round({ ...one, merge: (parts: Iterable<number>) => ({ total: [...parts].length }) }),
  open: (_, { state }) => ({
    batch() {
      const total: number = state.total
      // @ts-expect-error none
      void state.other
      void total
    },
  }),
  report: (_, { state }) => ({ lines: [], numbers: { total: state.total } }),
})
// and there is none without
defineStage({
  ...base,
  reads: {},
  writes: {},
  rows: 'same',
  open: () => ({ batch() {} }),
  report: (_, { state, tally }) => {
    // @ts-expect-error no fit
    const n: number = state
    // @ts-expect-error no tally
    const m: number = tally
    return { lines: [], numbers: { n, m } }
  },
})
// a fit that some options leave out
defineStage({
  ...base,
  reads: {},
  writes: {},
  rows: 'same',
  fit: ({ n }) => (n === 1 ? undefined : round(one)),
  open: (_, { state }) => ({
    batch() {
      // @ts-expect-error may be undefined
      const n: number = state
      void n
    },
  }),
})
round({
  collect: () => ({ batch() {}, part: () => 'text' }),
  merge: parts => {
    let n = 0
    // @ts-expect-error a part is text
    for (const part of parts) n -= part
    return n
  },
})
round(one).next({
  // @ts-expect-error the round before gave a number
  collect: ({ state }) => ({ batch() {}, part: () => state.total as number }),
  merge: parts => [...parts].length,
})
// options decide what becomes of rows, and the columns
defineStage({
  ...base,
  options: Type.Object({ drop: Type.Boolean(), more: Type.Boolean() }),
  reads: {},
  writes: ({ more }) => ({ a: 'float64', b: more ? 'float64' : undefined }),
  rows: ({ drop }) => (drop ? 'subset' : 'same'),
  reasons: { low: { kind: 'quality', about: '' } },
  open: ({ more }) => ({
    batch: batch => ({
      columns: { a: new Float64Array(batch.rows), b: more ? new Float64Array(batch.rows) : undefined },
    }),
  }),
})
// what a server is asked, and what it answers
defineStage({
  ...base,
  reads: {},
  writes: { s: 'float64' },
  rows: 'same',
  calls: () => ({
    limits: { url: '', concurrent_requests: 1, timeout_secs: 1, retry_secs: 1 },
    model: '',
    identity: 0,
    items_per_request: 1,
    items: () => ['a'],
    request: () => ({ path: '', body: 0 }),
    read: () => [1],
    probe: { items: [], check() {} },
  }),
  open: (_, { ask }) => ({
    async batch() {
      // @ts-expect-error items are text
      await ask([1])
      const answers = await ask(['a'])
      return { columns: { s: answers.map(answer => ('value' in answer ? answer.value : NaN)) } }
    },
  }),
})
// examples of another reason, or another column
defineStage({
  ...base,
  reads: {},
  writes: { a: 'float64' },
  rows: 'subset',
  reasons: { low: { kind: 'quality', about: '' } },
  // @ts-expect-error no such reason
  examples: [{ title: '', rows: [], dropped: { 0: 'high' } }],
  open: () => ({ batch: batch => ({ columns: { a: new Float64Array(batch.rows) } }) }),
})
defineStage({
  ...base,
  reads: {},
  writes: { a: 'float64' },
  rows: 'same',
  // @ts-expect-error no such column
  examples: [{ title: '', rows: [], columns: { b: [] } }],
  open: () => ({ batch: batch => ({ columns: { a: new Float64Array(batch.rows) } }) }),
})
// groups: what travels is what can be read, and edges are all that a cluster gives
defineStage({
  ...base,
  reads: { prompt: 'messages', chosen: 'messages' },
  writes: {},
  rows: 'subset',
  reasons: { bad: { kind: 'quality', about: '' } },
  by: ['prompt'],
  carries: { length: 'float64', key: 'text' },
  // @ts-expect-error key is missing
  carry: () => batch => ({ length: new Float64Array(batch.rows) }),
  open: () => ({
    batch(batch, verdict) {
      verdict.drop(batch.groups[0], 'bad', batch.numbers('length').values[0], 1)
      // @ts-expect-error it did not travel
      batch.messages('chosen')
    },
  }),
})
defineStage({
  ...base,
  reads: {},
  writes: {},
  rows: 'cluster',
  reasons: { near: { kind: 'quality', about: '' } },
  by: ['keys'],
  carries: { keys: 'list_int32' },
  // @ts-expect-error a list of texts
  carry: () => batch => ({ keys: Array.from({ length: batch.rows }, () => ['a']) }),
  // @ts-expect-error no values
  open: () => ({ batch: () => ({ a: [0], b: [1] }) }),
})
defineStage({
  ...base,
  reads: {},
  writes: {},
  rows: 'subset',
  // @ts-expect-error edges from a stage that clusters nothing
  open: () => ({ batch: () => ({ a: [0], b: [1], value: [1] }) }),
})
// what a tally gives is typed, in a stage and in an audit
defineStage({
  ...base,
  reads: {},
  writes: {},
  rows: 'same',
  open: () => ({ batch() {} }),
  tally: () => round({ ...one, merge: (parts: Iterable<number>) => ({ total: [...parts].length }) }),
  report: (_, { tally }) => {
    // @ts-expect-error a tally has no such number
    void tally.sum
    return { lines: [], numbers: { total: tally.total } }
  },
})
const inputs = { kept: { chosen: 'messages' }, before: optional({ chosen: 'messages' }) } as const
defineAudit({
  ...base,
  inputs,
  tally: () => round({ ...one, merge: (parts: Iterable<number>) => ({ total: [...parts].length }) }),
  report(_, { kept, before }, previous) {
    const total: number = kept.total + (before?.total ?? 0)
    // @ts-expect-error may be left out
    void before.total
    // @ts-expect-error a tally has no such number
    void kept.sum
    // @ts-expect-error there may be no run before
    void previous.kept
    // the names of numbers are free
    return { lines: [], numbers: { anything: total } }
  },
})
defineAudit({
  ...base,
  inputs,
  tally: () => round(one),
  // @ts-expect-error no such input
  report: (_, { dropped }) => ({ lines: [], numbers: { dropped } }),
})
defineAudit({
  ...base,
  inputs,
  // @ts-expect-error no such input
  examples: [{ title: '', inputs: { dropped: [] } }],
  tally: () => round(one),
  report: () => ({ lines: [], numbers: {} }),
})
defineAudit({
  ...base,
  inputs,
  tally(_, input) {
    // @ts-expect-error no such input
    if (input === 'dropped') return round(one)
    return round(one)
  },
  report: () => ({
    lines: [],
    numbers: {},
    // @ts-expect-error no such mark
    charts: [{ title: '', table: '', mark: 'pie', encoding: { x: '', y: '' } }],
  }),
})
// @ts-expect-error an audit reports
defineAudit({ ...base, inputs, tally: () => round(one) })
// tables: what is declared of them can be read, and one that may be left out may be missing
defineStage({
  ...base,
  reads: {},
  tables: { votes: { vote: 'text' }, more: optional({ vote: 'text' }) },
  writes: {},
  rows: 'same',
  by: ['id'],
  // @ts-expect-error no such table
  examples: [{ title: '', rows: [], tables: { vots: [] } }],
  open: () => ({
    batch(_, verdict, { votes, more }) {
      const rows: number = votes.rows + (more?.rows ?? 0)
      // @ts-expect-error may be left out
      void more.rows
      // @ts-expect-error no notes
      verdict.note(rows, 'any')
    },
  }),
})
