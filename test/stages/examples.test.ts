/**
 * What every stage of the registry owes its readers: examples that run, options and reasons that explain themselves, a
 * file of one screenful or three.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { inputsOf } from '../../engine/graph/types.ts'
import { wrongReplaces } from '../../engine/graph/user_stage.ts'
import { validateOptions } from '../../engine/graph/validate.ts'
import { requiredOptions } from '../../engine/graph/schema.ts'
import { runAuditExample, runExample, shortSide } from '../../engine/run/examples.ts'
import {
  categories,
  defineAudit,
  defineStage,
  optional,
  round,
  Type,
  type AnyAudit,
  type AnyStage,
  type ExampleRow,
} from '../../engine/contract/define.ts'
import { allStages } from '../../stages/registry.ts'

const home = new URL('../../stages/', import.meta.url)
const registry = await allStages(),
  all = [...registry.values()]
const stages = all.filter((stage): stage is AnyStage => stage.kind === 'stage')
const files = new Map(
  readdirSync(home, { recursive: true })
    .map(String)
    .filter(file => file.endsWith('.ts') && file.includes('/'))
    .map(file => [file.replace(/^.*\/|\.ts$/g, ''), file]),
)
const manifest = JSON.parse(readFileSync(new URL('../package.json', home), 'utf8')) as { scripts: object }
const textOf = (name: string) => readFileSync(new URL(files.get(name)!, home), 'utf8')

/** Reasons that no example of a few rows can show. */
const notShown: Record<string, string> = {
  'detect_noise.doubtful': 'needs 50 pairs at least, of which reviewers see something',
  'peer_review.reversed': 'needs 50 pairs at least, of which reviewers see something',
  'peer_review.flipped': 'needs 50 pairs at least, of which reviewers see something',
  'peer_review.ambiguous': 'needs 50 pairs at least, of which reviewers see something',
}
/** What a stage file may be: what is longer goes to models/, or to a file beside the stage. */
const MOST_BYTES = 9_000,
  MOST_LINES = 260

/** The last word of a numeric option says what it counts. */
const units =
  /(^|_)(chars|words|rows|bytes|megabytes|secs|share|ratio|rate|auroc|per_row|requests|tokens|usd|per_min|per_request)$/
/** Numbers without a unit. */
const plainNumbers = new Set([
  'audit_groups.shuffles',
  'balance_groups.power',
  'balance_groups.beta',
  'calibrate_scores.bins',
  'combine_scores.cone_degrees',
  'combine_scores.min_robust',
  'flag_off_policy.min_logprob',
  'drop_ches.max_score',
  'drop_repetition.max_repetition',
  'drop_repetition.max_special',
  'drop_near_duplicates.similarity',
  'drop_contaminated.n',
  'split_by_prompt.prompts',
  'split_by_prompt.similarity',
  'drop_contaminated.coverage',
  'drop_contaminated.ignore_more_than',
  ...all.filter(({ kind }) => kind === 'sink').map(({ name }) => `${name}.limit`),
  'pair_candidates.min_aspects',
  'rank_agreement.min_consistency',
  'audit_transitivity.k',
  'audit_transitivity.prompts',
  'vote_pairs.min_voices',
  'vote_pairs.min_confidence',
  'weigh_density.min_weight',
  'weigh_density.max_weight',
  'weigh_density.folds',
  'weigh_tokens.limit',
  'weigh_tokens.floor',
  'weigh_tokens.beta',
  ...all
    .filter(({ kind, name }) => kind === 'source' || name === 'pair_candidates')
    .flatMap(({ name }) => ['min_score', 'min_gap', 'length_penalty', 'max_pairs'].map(option => `${name}.${option}`)),
])

const short = (row: ExampleRow) =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name, shortSide(name, value)]))

describe.each(stages)('$name', stage => {
  it.each(stage.examples)('example: $title', async example => {
    const found = await runExample(stage, example)
    expect(found.errored).toEqual({})
    expect(found.dropped).toEqual(example.dropped ?? {})
    expect(found.kept).toEqual(example.kept ?? [])
    expect(found.noted).toEqual(example.noted ?? {})
    for (const [name, values] of Object.entries(example.columns ?? {})) {
      expect(found.columns[name], name).toEqual(values)
    }
    expect(
      found.made.map((row, i) =>
        Object.fromEntries(Object.keys(example.made?.[i] ?? row).map(name => [name, row[name]])),
      ),
    ).toEqual((example.made ?? []).map(short))
    if (stage.rows !== 'derive') {
      expect(
        [...found.kept, ...Object.keys(found.dropped).map(Number)].sort((a, b) => a - b),
        'every row is kept or dropped',
      ).toEqual([...example.rows.keys()])
    }
  })

  it('says only of options and values that are gone what replaces them', () => {
    expect([...wrongReplaces({ ...stage })]).toEqual([])
  })

  it('shows every reason', () => {
    expect(stage.examples.length).toBeGreaterThan(0)
    const shown = new Set(
      stage.examples.flatMap(({ dropped, noted }) => [...Object.values(dropped ?? {}), ...Object.values(noted ?? {})]),
    )
    const hidden = [...Object.keys(stage.reasons), ...Object.keys(stage.notes)]
      .filter(reason => !shown.has(reason))
      .map(reason => `${stage.name}.${reason}`)
    expect(hidden).toEqual(hidden.filter(reason => notShown[reason]))
    for (const reason of shown) expect(notShown, reason).not.toHaveProperty([`${stage.name}.${reason}`])
  })
})

describe.each(all.filter((stage): stage is AnyAudit => stage.kind === 'audit'))('$name', audit => {
  it.each(audit.examples)('example: $title', async example => {
    const { numbers, refuse = [] } = await runAuditExample(audit, example)
    expect(numbers).toMatchObject(example.numbers ?? {})
    expect(refuse).toEqual(example.refuse ?? [])
  })

  it('shows each of its inputs, and what it refuses', () => {
    const options: Record<string, unknown> = {}
    validateOptions(audit, options, '')
    const shown = new Set(audit.examples.flatMap(({ inputs }) => Object.keys(inputs)))
    expect([...shown].sort()).toEqual(Object.keys(inputsOf({ stage: audit, options })).sort())
    if (/max_|min_/.test(Object.keys(audit.options.properties).join())) {
      expect(audit.examples.some(({ refuse = [] }) => refuse.length > 0)).toBe(true)
    }
  })
})

describe.each(all)('$name', stage => {
  it('is named as its file, has a version and says in one sentence what it does', () => {
    expect(files.has(stage.name)).toBe(true)
    expect(textOf(stage.name)).toContain(`name: '${stage.name}'`)
    expect(stage.version).toBeGreaterThanOrEqual(1)
    expect(stage.summary.replace(/`[^`]*`/g, 'x')).toMatch(/^[A-Z][^.]*\.$/)
    expect(textOf(stage.name)).toMatch(/^\/\*\*\s+(\* )?[A-Z]/)
  })

  it('fits on a few screens', () => {
    const text = textOf(stage.name)
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MOST_BYTES)
    expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(MOST_LINES)
  })

  const options = Object.entries(stage.options.properties) as [string, Record<string, unknown>][]
  it('describes every option, with a default that is allowed, and the unit of numbers in their names', () => {
    const ajv = new Ajv2020({ strict: false })
    const required = requiredOptions(stage),
      optional = (name: string) => !((stage.options.required as string[] | undefined) ?? []).includes(name)
    for (const [name, schema] of options) {
      const where = `${stage.name}.${name}`
      expect(name, where).toMatch(/^[a-z][a-z0-9_]*$/)
      expect(schema.description, where).toMatch(/\S/)
      if (!required.includes(name) && !optional(name)) expect(schema, where).toHaveProperty('default')
      if ('default' in schema) expect(ajv.validate(schema, schema.default), where).toBe(true)
      if ((schema.type === 'number' || schema.type === 'integer') && !plainNumbers.has(where)) {
        expect(name, `${where} has no unit`).toMatch(units)
      }
    }
    if (required.length === 0) expect(validateOptions(stage, {}, '')).toEqual([])
    for (const name of stage.notInKey ?? []) {
      expect(
        options.map(([option]) => option),
        `${stage.name}.notInKey`,
      ).toContain(name)
    }
  })

  it('is of a category, and what is said of its worth is shown', () => {
    const { kind, category, status, paper } = stage
    expect(categories, `${stage.name} has the category ${category}; give it one of those`).toContain(category)
    expect(['read', 'audit', 'write'].includes(category!)).toBe(kind !== 'stage')
    if (status?.is === 'as published') expect(paper, 'a status without a paper').toBeDefined()
    else if (status) {
      const [, script] = /^npm run ([\w:]+)/.exec(status.shown) ?? []
      if (script) expect(manifest.scripts, status.shown).toHaveProperty([script])
      else expect(existsSync(new URL(`../${status.shown}`, home)), status.shown).toBe(true)
    } else expect(paper, 'a paper without a status').toBeUndefined()
  })

  it('explains every reason, and its limits are options', () => {
    for (const [reason, { about, limit, option }] of Object.entries(stage.reasons)) {
      expect(about, reason).toMatch(/\S/)
      const names = options.map(([name]) => name)
      for (const named of [limit, option]) if (named !== undefined) expect(names, reason).toContain(named)
    }
  })
})

describe('the registry', () => {
  it('holds every stage file once, in order of name', () => {
    const names = [...files]
      .filter(([name]) => /^export default define(Stage|Audit|Source|Sink)\(/m.test(textOf(name)))
      .map(([name]) => name)
    expect([...registry.keys()]).toEqual(names.sort())
  })
})

describe('runAuditExample', () => {
  const audit = (merge: (parts: Iterable<number>) => number) =>
    defineAudit({
      name: 'audit_rows',
      version: 1,
      summary: 'X.',
      options: Type.Object({}),
      inputs: { kept: { score: 'number' }, dropped: optional({}) },
      examples: [],
      tally: () =>
        round({
          collect() {
            let rows = 0
            return { batch: batch => void (rows += batch.rows), part: () => rows }
          },
          merge,
        }),
      report: (_, { kept, dropped }, previous) => ({ lines: [], numbers: { kept, dropped, before: previous?.kept } }),
    })
  const rows = [{ score: 1 }, { score: 2 }, { score: 3 }]
  const sum = (parts: Iterable<number>) => [...parts].reduce((a, b) => a + b, 0)

  it('gives what the audit reports of its inputs, with the numbers of the run before', async () => {
    const found = await runAuditExample(audit(sum), { title: 'x', inputs: { kept: rows }, previous: { kept: 9 } })
    expect(found.numbers).toEqual({ kept: 3, dropped: undefined, before: 9 })
    const both = await runAuditExample(audit(sum), { title: 'x', inputs: { kept: rows, dropped: [] } })
    expect(both.numbers).toEqual({ kept: 3, dropped: 0, before: undefined })
  })

  it('refuses what depends on how the rows are cut, and inputs that do not fit', async () => {
    const counts = audit(parts => [...parts].length)
    await expect(runAuditExample(counts, { title: 'x', inputs: { kept: rows } })).rejects.toThrow(
      /audit_rows: 'x' comes out otherwise when its rows are cut up: .*"kept":3.*"kept":1/,
    )
    for (const [inputs, why] of [
      [{ dropped: rows }, "the input 'kept' of 'x' is missing, and the audit needs it"],
      [{ kept: rows, keppt: rows }, "the input 'keppt' of 'x' is not one that the audit has"],
      [{ kept: [{ prompt: 'a' }] }, "the example's rows do not fit"],
    ] as const) {
      await expect(runAuditExample(audit(sum), { title: 'x', inputs } as never), why).rejects.toThrow(why)
    }
  })
})

describe('runExample', () => {
  const described = { version: 1, summary: 'X.', options: Type.Object({}) }
  const row = { prompt: 'q', chosen: 'a', rejected: 'b' }

  it('gives what was fitted over the rows to the stage, or the state it is told', async () => {
    const stage = defineStage({
      ...described,
      name: 'mean',
      reads: { score: 'number' },
      writes: { from_mean: 'float64' },
      rows: 'same',
      examples: [],
      fit: () =>
        round({
          collect: () => {
            const seen: number[] = []
            return {
              batch: batch => {
                seen.push(...batch.numbers('score').values)
              },
              part: () => seen,
            }
          },
          merge: parts => {
            const list = [...parts].flat()
            return list.reduce((a, b) => a + b, 0) / list.length
          },
        }),
      open: (_options, { state: mean }) => ({
        batch: batch => ({
          columns: { from_mean: batch.numbers('score').values.map(value => value - mean) },
        }),
      }),
    })
    const example = {
      title: 'x',
      rows: [
        { ...row, score: 1 },
        { ...row, score: 4 },
      ],
    }
    expect((await runExample(stage, example)).columns).toEqual({ from_mean: [-1.5, 1.5] })
    expect((await runExample(stage, example, { state: 1 })).columns).toEqual({ from_mean: [0, 3] })
  })

  it('says where an example does not fit its stage, and sets a row aside on which the stage fails', async () => {
    const stage = defineStage({
      ...described,
      name: 'picky',
      options: Type.Object({ max_words: Type.Integer({ default: 1 }) }),
      reads: { score: 'number' },
      writes: {},
      rows: 'subset',
      examples: [],
      open: () => ({
        batch: batch => {
          if (batch.numbers('score').values.includes(7)) throw new Error('seven')
        },
      }),
    })
    await expect(runExample(stage, { title: 'x', rows: [row] })).rejects.toThrow(
      /picky: the example's rows do not fit: .*a column that nothing upstream writes/,
    )
    await expect(
      runExample(stage, { title: 'x', options: { max_word: 1 }, rows: [{ ...row, score: 1 }] }),
    ).rejects.toThrow(/picky: options of 'x': .*max_word/)
    expect(
      await runExample(stage, {
        title: 'x',
        rows: [
          { ...row, score: 7 },
          { ...row, score: 8 },
        ],
      }),
    ).toMatchObject({ kept: [1], errored: { 0: 'picky: seven' } })
  })

  it('numbers new rows after their parent, and drops and notes nothing else', async () => {
    const stage = defineStage({
      ...described,
      name: 'twice',
      reads: { chosen: 'messages' },
      writes: { n: 'int32' },
      rows: 'derive',
      examples: [],
      open: () => ({
        batch: batch => ({
          parents: Array.from({ length: 2 * batch.rows }, (_, i) => i >> 1),
          columns: { n: Int32Array.from({ length: 2 * batch.rows }, (_, i) => i) },
        }),
      }),
    })
    const { made, kept } = await runExample(stage, { title: 'x', rows: [{ ...row, id: 'p' }] })
    expect(kept).toEqual([])
    expect(made).toEqual([
      { ...row, id: 'p~twice', n: 0, parent: 'p' },
      { ...row, id: 'p~twice-2', n: 1, parent: 'p' },
    ])
  })
})
