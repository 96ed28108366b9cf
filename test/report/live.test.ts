/** What is said while a run goes on: views wide and narrow, lines of a log, and the time that is left. */
import stringWidth from 'string-width'
import { describe, expect, it } from 'vitest'
import { clock, liveLines, logText } from '../../app/live.ts'
import { openProgress, type Costs, type Overview, type Progress } from '../../engine/run/progress.ts'
import type { Plan } from '../../engine/run/plan.ts'
import type { View } from '../../engine/terminal.ts'

const view = (columns: number): View => ({ columns, width: stringWidth, paint: (_, text) => text })
const overview: Overview = {
  ...{ graph: 'clean', rows: 5243, read: 5243, leftOut: 214, perSecond: 874.4, seconds: 50, left: 72, share: 0.41 },
  done: ['pairs', 'checked', 'ratio', 'unique', 'distinct'],
  now: [{ name: 'noise', does: 'learns: round 2 of 2', share: 0.75, seconds: 38, left: 12 }],
  toCome: [
    { name: 'agreed', does: 'learns', left: 50 },
    { name: 'hard', does: '', left: 0 },
    { name: 'dpo', does: '', left: 0 },
  ],
  asked: { requests: 1200, usd: 0.4217 },
}
const shown = (of: Overview, columns: number) => `\n${liveLines(of, view(columns)).join('\n')}\n`

describe('the view of a run at work', () => {
  it('is of seven lines at 100 columns', () => {
    expect(shown(overview, 100)).toBe(`
clean  5,243 rows                                                                 0:50 of about 2:02
███████████████████████████████▋                                               41 %  about 1:12 left
  done      pairs, checked, ratio, unique, distinct
  now       noise learns: round 2 of 2         ████████████      0:38   about 0:12 left
  to come   agreed learns (about 0:50), hard, dpo
  rows      5,243 read   5,029 still in   214 left out   874 a second while reading
  asked     1,200 requests, $0.42
`)
  })
  it('is of as many, and shorter, at 40', () => {
    expect(shown(overview, 40)).toBe(`
clean  5,243 rows
███████████▏                 41 %
0:50 gone, about 1:12 left
now  noise learns: round 2 of 2
in   5,029   left out 214
asked 1,200 requests, $0.42
`)
  })
  it.each([100, 70, 40])('has eight lines at most, none longer than %i columns, whatever the names', columns => {
    const name = 'a_stage_of_a_long_name',
      now = { ...overview.now[0], name: Array.from({ length: 9 }, () => name).join(', ') }
    const lines = liveLines(
      { ...overview, graph: '清洗'.repeat(40), done: Array.from({ length: 30 }, () => name), now: [now, now, now] },
      view(columns),
    )
    expect(lines.length).toBeLessThanOrEqual(8)
    for (const line of lines) expect(stringWidth(line), line).toBeLessThanOrEqual(columns)
  })
  it('is a line in a log', () => {
    expect(logText(overview)).toBe('noise learns: round 2 of 2; 5,029 still in, 214 left out; about 1:12 left')
    expect(logText({ ...overview, now: [{ name: 'files', does: '', seconds: 0, left: 1 }] })).toBe(
      'clean: 5,243 rows to read, about 1:12',
    )
    expect([clock(0), clock(59.6), clock(3725)]).toEqual(['0:00', '1:00', '1:02:05'])
  })
})

describe('how far a run is', () => {
  const stage = (id: string, more = {}) => ({
    id,
    options: {},
    from: [],
    stage: { kind: 'stage', rows: 'same', ...more },
  })
  const fit = () => ({ rounds: [{ seconds: (rows: number) => rows / 100 }] })
  const plan = {
    graph: { name: 'g', nodes: [stage('a'), stage('b', { fit })] },
    levels: [
      [
        { kind: 'stage', node: 'a', inputs: [] },
        { kind: 'collect', node: 'b', round: 0, spool: 'a' },
      ],
      [{ kind: 'stage', node: 'b', inputs: [] }],
    ],
  } as unknown as Plan
  const open = (before?: Costs) => {
    let last: Progress | undefined
    const tracker = openProgress({
      ...{ plan, rows: 1000, workers: 1, started: performance.now(), before, leftOut: () => 7, asked: () => undefined },
      report: progress => (last = progress),
    })
    return { tracker, now: () => last!.overview(), phase: () => last!.phase }
  }
  it('goes through its phases, and what is done never becomes less', () => {
    const { tracker, now, phase } = open(),
      shares: number[] = []
    const see = () => shares.push(now().share)
    tracker.begin('fingerprint', 1)
    see()
    expect(now().toCome).toMatchObject([{ name: 'a' }, { name: 'b', does: 'learns', left: 10 }])
    tracker.begin('pass 1 of 2', 1000)
    tracker.add(400)
    expect(now()).toMatchObject({ read: 400, leftOut: 7, done: [], now: [{ name: 'a', does: '', share: 0.4 }] })
    see()
    tracker.add(600)
    const learnt = tracker.work('b', 0)
    expect(now()).toMatchObject({ done: ['a'], now: [{ name: 'b', does: 'learns' }], toCome: [] })
    see()
    learnt(0.5)
    learnt(0.25)
    expect(now().now[0].share).toBe(0.5)
    tracker.end('b', 0)
    see()
    tracker.begin('pass 2 of 2', 1000)
    tracker.add(1000)
    expect(phase()).toBe('pass 2 of 2')
    tracker.begin('publish', 1)
    see()
    expect(now()).toMatchObject({ done: ['a', 'b'], toCome: [], read: 1000 })
    expect(shares).toEqual([...shares].sort((a, b) => a - b))
    expect(Object.keys(tracker.costs().seconds)).toEqual([
      'fingerprint',
      'pass 1 of 2',
      'b 0',
      'pass 2 of 2',
      'publish',
    ])
  })
  it('begins with what the last run took, by rows, and keeps it where work was found done', () => {
    const seconds = { fingerprint: 0, 'pass 1 of 2': 4, 'b 0': 40, 'pass 2 of 2': 2, publish: 1 },
      { tracker, now } = open({ rows: 500, seconds })
    tracker.begin('fingerprint', 1)
    expect(now().left).toBeCloseTo(94, 0)
    tracker.begin('pass 1 of 2', 1000)
    tracker.found()
    tracker.add(1000)
    tracker.end('b', 0)
    expect(now().left).toBeLessThan(7)
    tracker.begin('publish', 1)
    expect(tracker.costs()).toMatchObject({ rows: 1000, seconds: { 'pass 1 of 2': 8, 'b 0': 80 } })
  })
})
