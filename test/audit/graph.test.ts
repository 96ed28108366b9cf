/** Audits in a graph: what is wrong with their inputs is told before a row is read, and they make no level. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { graph, run } from '../../index.mjs'
import { checkGraph } from '../../engine/graph/build.ts'
import { formatProblems } from '../../engine/graph/messages.ts'
import { parseGraph } from '../../engine/graph/parse.ts'
import { makePlan, opsFor, opsOf, type Op } from '../../engine/run/plan.ts'
import { registry } from '../../stages/registry.ts'
import { pairs as rows, writeJsonl } from '../engine/helpers.ts'
import { graphOf, type Entry } from './helpers.ts'

const home = mkdtempSync(join(tmpdir(), 'sluice-audits-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))
const pairs = { id: 'pairs', use: 'read_jsonl', with: { path: 'x' } },
  unique = { id: 'unique', use: 'drop_duplicates' },
  dpo = { id: 'dpo', use: 'write_arrow', from: 'unique' }
const lengths = (from?: unknown, options = {}) =>
  ({ id: 'lengths', use: 'audit_lengths', with: options, ...(from === undefined ? {} : { from }) }) as Entry
const check = (...stages: readonly Entry[]) =>
  checkGraph(graph(graphOf(1000, ...stages)), { registry, userFolder: join(home, 'user') })
const told = async (...stages: readonly Entry[]) => formatProblems((await check(...stages)).problems)

describe('the inputs of an audit', () => {
  it.each([
    [{ kept: 'unique', dropped: 'unique.dropped', before: 'pairs' }],
    [{ kept: ['unique', 'unique.dropped'] }],
    [{ kept: 'unique', before: 'unique' }],
  ])('%j are right', async from => {
    const { graph: checked, problems } = await check(pairs, unique, lengths(from), dpo)
    expect(problems).toEqual([])
    expect(checked!.nodes.find(({ id }) => id === 'lengths')!.from).toEqual(
      Object.entries(from).flatMap(([input, names]) =>
        [names].flat().map(name => {
          const [node, port] = name.split('.')
          return port === undefined ? { node, input } : { node, port, input }
        }),
      ),
    )
  })

  it.each([
    [
      { kep: 'unique' },
      "/stages/2/from/kep  'lengths' has no such input (value kep; expected one of before, kept, dropped; did you mean kept?)",
    ],
    [{ kep: 'unique' }, "/stages/2/from  'lengths' needs the input `kept` (expected of before, kept, dropped)"],
    [{ dropped: 'unique.dropped' }, "'lengths' needs the input `kept`"],
    [
      { kept: 'uniqe' },
      '/stages/2/from/kept  no stage has this id (value uniqe; expected one of pairs, unique; did you mean unique?)',
    ],
    [{ kept: 'unique.duplicat' }, 'did you mean unique.duplicate?'],
    [{ kept: 'dpo' }, 'a sink has no output'],
    [{ kept: ['unique', 'pairs'] }, "warning: a row that both 'unique' and 'pairs' hand on reaches 'lengths' twice"],
    [
      'unique',
      "/stages/2/from  'lengths' is an audit of 3 inputs: `from` gives each its name (expected from: { kept: … }; there are before, kept, dropped)",
    ],
    [undefined, "/stages/2  'lengths' is an audit of 3 inputs"],
    [{}, 'from'],
    [{ kept: 3 }, 'from'],
  ])('%j: %s', async (from, message) => {
    expect(await told(pairs, unique, lengths(from), dpo)).toContain(message)
  })

  it('are of the columns and types that it reads, each of its own', async () => {
    const path = writeJsonl(join(home, 'in.jsonl'), rows(5)),
      source = { ...pairs, with: { path } }
    const fails = (audit: Entry, why: string) =>
      expect(
        run(graphOf(1000, source, unique, audit, dpo), { output: join(home, 'out'), workers: 1 }),
        why,
      ).rejects.toThrow(why)
    await fails(
      lengths({ kept: 'unique' }, { by: 'sorce' }),
      "/stages/2/with/by  'lengths' reads a column that nothing upstream writes (value sorce;",
    )
    await fails(
      lengths({ kept: 'unique' }, { by: 'number' }),
      "column 'number' has the wrong type for 'lengths' (value int64; expected text)",
    )
    // a column that only rows beside the output have is there for that input
    await run(graphOf(1000, source, unique, lengths({ kept: 'unique.dropped' }, { by: 'unique_reason' }), dpo), {
      output: join(home, 'out'),
      workers: 1,
    })
    await fails(
      lengths({ kept: 'unique', dropped: 'unique.dropped' }, { by: 'unique_reason' }),
      "'lengths' reads a column that nothing upstream writes (value unique_reason;",
    )
  })

  it('need no name where there is but one, and may be the stage above', async () => {
    const path = join(home, 'one.mjs')
    writeFileSync(
      path,
      `import { defineAudit, round, Type } from 'sluice-data'
      export default defineAudit({
        name: 'one', version: 1, summary: 'X.', options: Type.Object({ rounds: Type.Integer({ default: 1 }) }),
        inputs: { rows: { id: 'text' } }, examples: [],
        tally: ({ rounds }) => {
          const one = { collect: () => ({ batch() {}, part: () => 1 }), merge: parts => [...parts].length }
          return rounds === 1 ? round(one) : round(one).next(one)
        },
        report: () => ({ lines: [], numbers: {} }),
      })`,
    )
    const from = async (entry: object) => {
      const { graph: checked, problems } = await check(pairs, unique, { id: 'one', use: path, ...entry }, dpo)
      expect(problems).toEqual([])
      return checked!.nodes.find(({ id }) => id === 'one')!.from
    }
    for (const entry of [{}, { from: 'unique' }, { from: { rows: 'unique' } }]) {
      expect(await from(entry)).toEqual([{ node: 'unique', input: 'rows' }])
    }
    expect(await told(pairs, unique, { id: 'one', use: path, with: { rounds: 2 } }, dpo)).toContain(
      "/stages/2/use  the tally of 'one' for the input 'rows' must have one round (value 2 rounds;",
    )
  })
})

describe('an audit', () => {
  it('has no output, and stands in the way of none', async () => {
    const audit = lengths({ kept: 'unique' })
    expect(await told(pairs, unique, audit, { ...dpo, from: 'lengths' })).toContain(
      '/stages/3/from  an audit has no output: it reports, and hands on no row (value lengths; expected one of pairs, unique)',
    )
    const { graph: checked } = await check(pairs, unique, audit, { id: 'dpo', use: 'write_arrow' })
    expect(checked!.nodes.at(-1)!.from).toEqual([{ node: 'unique' }])
    expect(await told(pairs, { ...unique, from: { kept: 'pairs' } }, dpo)).toContain(
      "/stages/1/from  'unique' has one input without a name: only an audit has inputs by name",
    )
  })

  it('is an end of a graph; where there are sinks, what it looks at reaches none by it', async () => {
    expect(await told(pairs, lengths({ kept: 'pairs' }))).toBe('')
    expect(await told(pairs)).toContain('a graph ends with a sink or an audit')
    const other = { ...unique, id: 'other', from: 'pairs' }
    expect(await told(pairs, unique, other, lengths({ kept: 'other' }), dpo)).toContain(
      "warning: no stage takes the rows that 'other' lets through",
    )
    // a source may be there to be held against
    expect(await told(pairs, unique, { ...pairs, id: 'gold' }, lengths({ kept: 'unique', before: 'gold' }), dpo)).toBe(
      '',
    )
  })

  it('is read from YAML, with the place of each input', async () => {
    const text = `version: 1
name: x
stages:
  - { id: pairs, use: read_jsonl, with: { path: x } }
  - id: lengths
    use: audit_lengths
    from:
      kept: pairs
      droped: pairs
`
    const { problems } = await parseGraph(text, 'x.yaml', { registry })
    expect(problems.map(({ line, code, suggestion }) => [line, code, suggestion])).toEqual([
      [9, 'unknown_audit_input', 'dropped'],
    ])
  })
})

describe('the plan', () => {
  const noise = { id: 'noise', use: 'detect_noise' },
    agreed = { id: 'agreed', use: 'peer_review' },
    sink = { ...dpo, from: 'agreed' }
  const planOf = async (...stages: readonly Entry[]) => {
    const { graph: checked, problems } = await check(...stages)
    expect(problems).toEqual([])
    return makePlan(checked!)
  }
  const textOf = (op: Op) =>
    `${op.kind} ${'node' in op ? op.node : op.port}${op.kind === 'tally' ? ` ${op.input}: ${op.inputs.join(', ')}` : ''}`

  it('has no level, no spool and no barrier more for an audit, which looks on where rows appear', async () => {
    const from = {
      before: 'pairs',
      kept: ['agreed', 'unique.duplicate'],
      dropped: ['unique.dropped', 'agreed.dropped'],
    }
    const without = await planOf(pairs, unique, noise, agreed, sink),
      audited = await planOf(pairs, unique, noise, agreed, lengths(from), sink)
    const others = audited.levels.map(ops => ops.filter(({ kind }) => kind !== 'tally'))
    expect(others).toEqual(without.levels)
    const tallies = audited.levels.map(ops => ops.filter(({ kind }) => kind === 'tally').map(textOf))
    expect(tallies.filter(some => some.length > 0)).toEqual([
      ['tally lengths before: pairs'],
      ['tally lengths kept: unique.duplicate', 'tally lengths dropped: unique.dropped'],
      ['tally lengths kept: agreed', 'tally lengths dropped: agreed.dropped'],
    ])
  })

  it('has for a tally that is wanted alone what its rows are made by, and nothing else', async () => {
    const plan = await planOf(pairs, unique, noise, agreed, lengths({ kept: 'agreed', before: 'unique' }), sink)
    const alone = plan.levels.map((_, level) => {
      const ops = opsOf(plan, level, 'pairs')
      return opsFor(ops, new Set(ops.filter(({ kind }) => kind === 'tally'))).map(textOf)
    })
    expect(alone.filter(some => some.length > 0)).toEqual([
      ['load unique#in', 'stage unique', 'tally lengths before: unique'],
      ['load noise#in', 'stage noise', 'stage agreed', 'tally lengths kept: agreed'],
    ])
  })

  it('does nothing with rows of a source that does not reach an input', async () => {
    const plan = await planOf(pairs, { ...pairs, id: 'gold' }, lengths({ kept: 'pairs', before: 'gold' }))
    expect(opsOf(plan, 0, 'gold').map(textOf)).toEqual(['source gold', 'tally lengths before: gold'])
    expect(opsOf(plan, 0, 'pairs').map(textOf)).toEqual(['source pairs', 'tally lengths kept: pairs'])
  })
})
