/** Graphs as they are written: what is read of them, and all mistakes told at once. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { checkGraph, graph, resolveGraph } from '../../engine/graph/build.ts'
import { formatProblems, GraphError, nearest, say, sortProblems } from '../../engine/graph/messages.ts'
import { fromObject, parseGraph, type Parsed } from '../../engine/graph/parse.ts'
import { registry as allOfThem } from '../../stages/registry.ts'
import { loaders as registry } from './stages.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), 'sluice-graph-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const golden = (name: string, overrides: string[] = []) =>
  parseGraph(readFileSync(join(folder, name), 'utf8'), name, { registry, overrides })
const brief = ({ problems }: Parsed) => problems.map(it => `${it.line ?? ''} ${it.code} ${it.pointer}`)
const stages = (...list: unknown[]) =>
  fromObject({ version: 1, name: 'x', stages: list }, folder, { registry, userFolder: scratch })
const pairs = { id: 'pairs', use: 'read_files', with: { path: 'x' } }
const out = { id: 'out', use: 'write_files' }

describe('inputs that hand on the same row', () => {
  const twice = async (from: string[]) => {
    const { problems } = await checkGraph(
      graph({
        version: 1,
        name: 'x',
        stages: [
          { id: 'pairs', use: 'read_jsonl', with: { path: 'x' } },
          ...list,
          { id: 'out', use: 'write_jsonl', from },
        ],
      }),
      { registry: allOfThem },
    )
    return problems.filter(({ code }) => code === 'input_twice').map(({ pointer, level }) => `${level} ${pointer}`)
  }
  const list = [
    { id: 'checked', use: 'check_pairs' },
    { id: 'other', use: 'drop_duplicates' },
    { id: 'more', use: 'drop_near_duplicates', from: 'checked' },
    { id: 'hard', use: 'inject_errors', from: 'other' },
  ]
  it.each([
    [['checked', 'other']],
    [['other', 'more']],
    [['other.dropped', 'checked']],
    [['other.dropped', 'other.duplicate']],
    [['other', 'more.dropped']],
    [['pairs', 'checked.empty_side']],
  ])('%j are warned of', async from => {
    expect(await twice(from)).toEqual(['warning /stages/5/from/1'])
  })
  it.each([
    [['other', 'other.dropped']],
    [['other.duplicate', 'other.contradictory']],
    [['checked.dropped', 'other']],
    [['other', 'hard']],
    [['checked', 'hard', 'checked.dropped']],
  ])('%j are not', async from => {
    expect(await twice(from)).toEqual([])
  })
})

describe('a right graph', () => {
  it('has its defaults, its links and an order', async () => {
    const { graph: clean, problems } = await golden('clean.yaml')
    expect(problems).toEqual([])
    expect(clean).toMatchObject({
      name: 'clean',
      seed: 17,
      partitionRows: 20_000,
      file: 'clean.yaml',
      base: process.cwd(),
    })
    expect(clean!.nodes.map(node => node.id)).toEqual(['pairs', 'checked', 'noise', 'agreed', 'hard', 'dpo', 'humans'])
    expect(clean!.nodes[2].options).toEqual({ folds: 3, method: 'linear', label: '', weights: [1, 1] })
    expect(clean!.nodes.map(node => node.from)).toEqual([
      [],
      [{ node: 'pairs' }],
      [{ node: 'checked' }],
      [{ node: 'noise' }],
      [{ node: 'agreed' }],
      [{ node: 'agreed' }, { node: 'hard' }],
      [
        { node: 'agreed', port: 'low' },
        { node: 'checked', port: 'dropped' },
      ],
    ])
  })

  it('is the same from YAML, JSON and an object', async () => {
    const object = await graph(join(folder, 'clean.yaml')).toObject()
    const strip = (parsed: Parsed) => parsed.graph!.nodes
    const fromYaml = strip(await golden('clean.yaml'))
    expect(strip(await parseGraph(JSON.stringify(object), 'clean.json', { registry }))).toEqual(fromYaml)
    expect(strip(await fromObject(object, folder, { registry }))).toEqual(fromYaml)
  })

  it('leaves the object that it came from as it was', async () => {
    const object = { version: 1, name: 'x', stages: [pairs, { id: 'n', use: 'detect_noise' }, out] }
    const before = JSON.stringify(object)
    expect(
      (await fromObject(object, folder, { registry, overrides: ['n.folds=9'] })).graph!.nodes[1].options.folds,
    ).toBe(9)
    expect(JSON.stringify(object)).toBe(before)
  })

  it('is in topological order however its independent stages are written down', async () => {
    const list = [
      pairs,
      { id: 'a', use: 'check_pairs', from: 'pairs' },
      { id: 'b', use: 'detect_noise', from: 'a' },
      { id: 'c', use: 'detect_noise', from: 'a.blank' },
      { id: 'd', use: 'detect_noise', from: ['b', 'c'] },
      { id: 'e', use: 'inject_errors', from: ['d'] },
      { ...out, from: ['d', 'e', 'a.same_sides'] },
    ]
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(list, { minLength: list.length }), async shuffled => {
        const { graph: resolved } = await stages(...shuffled)
        const at = new Map(resolved!.nodes.map((node, i) => [node.id, i]))
        expect(at.size).toBe(list.length)
        for (const node of resolved!.nodes) {
          for (const edge of node.from) expect(at.get(edge.node)!).toBeLessThan(at.get(node.id)!)
        }
        // ties: of two stages that could come next, the one that stands first in the text does
        resolved!.nodes.forEach((node, i) => {
          const next = resolved!.nodes[i + 1]
          if (next && !next.from.some(edge => edge.node === node.id)) expect(node.index).toBeLessThan(next.index)
        })
      }),
      { numRuns: 60 },
    )
  })
})

describe('mistakes', () => {
  it('are all told at once, in the order of the text, one each', async () => {
    expect(brief(await golden('mistakes.yaml'))).toEqual([
      '3 unknown_key /sed',
      '4 out_of_range /partition_rows',
      '6 missing_option /stages/0/with',
      '9 unknown_stage /stages/1/use',
      '13 unknown_input /stages/2/from',
      '15 unknown_option /stages/2/with/fold',
      '16 out_of_range /stages/2/with/folds',
      '17 not_one_of /stages/2/with/method',
      '18 out_of_range /stages/2/with/weights/1',
      '18 wrong_type /stages/2/with/weights/2',
      '19 bad_pattern /stages/3/id',
      '21 unknown_key /stages/3/column',
      '22 wrong_type /stages/3/with/column',
      '22 out_of_range /stages/3/with/also',
      '23 unknown_port /stages/3/from',
      '27 unknown_port /stages/4/from/0',
      '27 duplicate_input /stages/4/from/2',
      '28 duplicate_id /stages/5/id',
      '30 unknown_port /stages/5/from',
      '31 needs_from /stages/6',
      '31 reserved_id /stages/6/id',
      '35 sink_as_input /stages/7/from/1',
    ])
  })

  it('say what was meant', async () => {
    const { problems } = await golden('mistakes.yaml')
    const meant = Object.fromEntries(problems.flatMap(it => (it.suggestion ? [[it.pointer, it.suggestion]] : [])))
    expect(meant).toEqual({
      '/sed': 'seed',
      '/stages/1/use': 'detect_noise',
      '/stages/2/from': 'pairs',
      '/stages/2/with/fold': 'folds',
      '/stages/2/with/method': 'linear',
      '/stages/3/column': 'with: { column: … }',
      '/stages/5/from': 'low.low',
    })
  })

  it('print as one line each with place, pointer, value, limit', async () => {
    const lines = formatProblems((await golden('mistakes.yaml')).problems).split('\n')
    expect(lines).toContain('mistakes.yaml:16:14  /stages/2/with/folds  out of range (value 50; expected <= 20)')
    expect(lines).toContain(
      'mistakes.yaml:15:7  /stages/2/with/fold  unknown option of detect_noise (value fold; expected one of folds, method, label, weights; did you mean folds?)',
    )
  })

  it('include circles, each printed once', async () => {
    const { problems } = await golden('cycle.yaml')
    expect(problems.map(it => `${it.line} ${it.code} ${it.pointer} ${/: (.*)/.exec(it.message)?.[1]}`)).toEqual([
      '5 cycle /stages/1/from a -> b -> c -> a',
      '8 cycle /stages/4/from d -> d',
    ])
  })

  it('include where rows come in and leave', async () => {
    expect(brief(await golden('ends.yaml'))).toEqual([
      '4 unreachable /stages/0',
      '6 source_with_from /stages/2/from',
      '8 needs_from /stages/4',
      '8 same_path /stages/4/with/path',
    ])
    expect(brief(await stages(pairs, { id: 'n', use: 'detect_noise' }))).toEqual([' no_sink /stages'])
    expect(brief(await stages({ id: 'n', use: 'detect_noise' }, out))).toEqual([' no_source /stages'])
    expect(brief(await stages({ ...pairs, id: 'first' }, pairs, out))).toEqual([' unread_source /stages/0'])
    expect(brief(await stages(pairs, { id: 'e', use: 'inject_errors' }, { ...out, from: 'e.no_number' }))).toEqual([
      ' unknown_port /stages/2/from',
    ])
  })

  it('that are only warnings do not stop a run', async () => {
    const parsed = await stages(pairs, { id: 'n', use: 'detect_noise' }, { ...out, from: 'pairs' })
    expect(parsed.problems.map(it => [it.code, it.level])).toEqual([['unconsumed', 'warning']])
    expect(parsed.graph!.nodes).toHaveLength(3)
    expect(formatProblems(parsed.problems)).toMatch(/^\/stages\/1 {2}warning: /)
  })

  it('of the envelope are told of whatever the value is', async () => {
    for (const [value, codes] of [
      [null, ['wrong_type']],
      [[], ['wrong_type']],
      [{}, ['missing_key', 'missing_key', 'missing_key']],
      [{ version: 2, name: 'x', stages: [pairs, out] }, ['not_one_of']],
      [{ version: 1, name: 'x', stages: [] }, ['out_of_range']],
      [{ version: 1, name: 'x', stages: [pairs, 3, { id: 'b' }] }, ['wrong_type', 'missing_key']],
      [{ version: 1, name: 'x', stages: [pairs, { ...out, with: null, from: 4 }] }, ['wrong_type', 'wrong_type']],
      [{ version: 1, name: 'x', stages: [pairs, { ...out, from: [4] }] }, ['wrong_type']],
      [{ version: 1, name: 'x', stages: [pairs, { ...out, from: [] }] }, ['out_of_range']],
      [
        { version: 1, name: 'x', seed: 0.5, stages: [{ ...pairs, with: { path: () => 1 } }, out] },
        ['wrong_type', 'wrong_type'],
      ],
      [{ version: 1, name: 'x', stages: [{ ...pairs, from: undefined }, out] }, []],
    ] as const) {
      expect(
        (await fromObject(value, folder, { registry })).problems.map(it => it.code),
        JSON.stringify(value),
      ).toEqual(codes)
    }
  })

  it('of the text itself stand alone', async () => {
    expect(brief(await parseGraph('version: 1\nname: [x\nstages: []\n', 'x.yaml', { registry }))[0]).toMatch(
      /^\d+ yaml_syntax $/,
    )
    expect(brief(await parseGraph('version: 1\nname: x\nname: y\n', 'x.yaml', { registry }))).toEqual([
      '3 duplicate_key ',
    ])
    expect(brief(await parseGraph('', 'x.yaml', { registry }))).toEqual(['1 wrong_type '])
    expect(brief(await parseGraph('a: &it [*it]\n', 'x.yaml', { registry }))).toEqual(['1 invalid_value '])
    expect(brief(await parseGraph('a: *nowhere\n', 'x.yaml', { registry }))).toEqual(['1 yaml_syntax '])
  })

  it('sort by the order of a list, not of its text', () => {
    const at = (index: number) => say.unreachable(`/stages/${index}`, 'x')
    expect(sortProblems([at(10), at(9), at(9), at(0)]).map(it => it.pointer)).toEqual([
      '/stages/0',
      '/stages/9',
      '/stages/10',
    ])
  })

  it('suggest only what is near', () => {
    expect(nearest('drop_lenght_ratio', ['read_arrow', 'drop_length_ratio'])).toBe('drop_length_ratio')
    expect(nearest('Folds', ['folds'])).toBe('folds')
    expect(nearest('xy', ['ab', 'cd'])).toBeUndefined()
    expect(nearest('entirely', ['different'])).toBeUndefined()
  })
})

const bare =
  "kind: 'stage', name: 'bare', version: 1, reads: {}, writes: {}, rows: 'same', reasons: {}, notes: {}, examples: [], open() {}"

describe('numbers', () => {
  const lines = (least: string, more = '') =>
    `version: 1\nname: x\n${more}stages:\n  - { id: pairs, use: read_files, with: { path: x } }\n` +
    `  - { id: low, use: drop_below, with: { column: c, min_value: ${least} } }\n  - { id: out, use: write_files }\n`
  const of = async (least: string, more?: string) => {
    const { graph: made, problems } = await parseGraph(lines(least, more), 'x.yaml', { registry })
    return made ? made.nodes[1].options.min_value : formatProblems(problems)
  }

  it.each(['.inf', '-.inf', '.nan', '1e999'])('that are not finite are refused: %s', async text => {
    expect(await of(text)).toMatch(/^x\.yaml:5:\d+ {2}\/stages\/1\/with\/min_value {2}(not a finite|is no) number .*$/)
    expect(await of('1', `partition_rows: ${text}\n`)).toMatch(/^x\.yaml:3:17 {2}\/partition_rows .* number .*$/)
    expect(await of('1', `seed: ${text}\n`)).toMatch(/^x\.yaml:3:7 {2}\/seed .* number .*$/)
    const { problems } = await golden('clean.yaml', [`agreed.min_value=${text}`, `noise.weights=[0, ${text}]`])
    expect(problems.map(it => [it.code, it.pointer])).toEqual([
      ['invalid_value', '/--set/0'],
      ['invalid_value', '/--set/1'],
    ])
  })

  it.each(['1234567890123456781', '-9007199254740993', '0xffffffffffffffff'])(
    'that are whole and lose digits are refused: %s',
    async text => {
      const said = /a whole number beyond 2\^53 loses digits \(value -?\d{16,}; expected text in quotes/
      expect(await of(text)).toMatch(said)
      expect(await of('1', `seed: ${text}\n`)).toMatch(said)
      const { problems } = await golden('clean.yaml', [`agreed.min_value=${text}`, `noise.weights=[0, ${text}]`])
      expect(problems.map(it => it.message)).toEqual(Array(2).fill('a whole number beyond 2^53 loses digits'))
    },
  )

  it('are kept up to there, and as powers', async () => {
    expect(await of('9007199254740991')).toBe(9007199254740991)
    expect(await of('0x10')).toBe(16)
    expect(await of('1e20')).toBe(1e20)
    expect(await of('1e300')).toBe(1e300)
    expect((await golden('clean.yaml', ['agreed.min_value=1e20'])).graph!.nodes[3].options.min_value).toBe(1e20)
  })

  it('of code are held against the same', async () => {
    const codes = async (least: unknown) =>
      brief(await stages(pairs, { id: 'low', use: 'drop_below', with: { column: 'c', min_value: least } }, out))
    for (const bad of [Infinity, -Infinity, NaN, 2 ** 60, Number('1234567890123456781')]) {
      expect(await codes(bad), String(bad)).toEqual([' invalid_value /stages/1/with/min_value'])
    }
    for (const good of [1e20, 1e300, Number.MAX_SAFE_INTEGER, 0.1]) expect(await codes(good), String(good)).toEqual([])
  })

  it("of a stage's defaults are refused too", async () => {
    const file = join(scratch, 'endless.mjs')
    writeFileSync(
      file,
      `export default { ${bare}, options: { type: 'object', properties: { most: { type: 'number', default: Infinity } } } }\n`,
    )
    const { problems } = await stages(pairs, { id: 'mine', use: file }, out)
    expect(formatProblems(problems)).toMatch(/the option 'most' has a default that a graph could not say \(Infinity\)/)
  })
})

describe('YAML', () => {
  const of = (text: string) =>
    parseGraph(`version: 1\nname: x\nstages:\n${text}  - { id: out, use: write_files }\n`, 'x.yaml', { registry })
  const first = '  - { id: pairs, use: read_files, with: { path: x } }\n'

  it('takes keys of other objects in by `<<`, and those that stand there win', async () => {
    const { graph: made, problems } = await of(
      first +
        '  - &one { id: a, use: detect_noise, with: &some { folds: 3, label: l, weights: [2] } }\n' +
        '  - { <<: *one, id: b, with: { <<: *some, folds: 4 } }\n' +
        '  - { id: c, <<: *one, with: { label: m, <<: [{ folds: 5 }, *some, { method: votes }] } }\n',
    )
    expect(problems.filter(it => it.level === 'error')).toEqual([])
    expect(made!.nodes.slice(1, 4).map(({ id, options }) => [id, options])).toEqual([
      ['a', { folds: 3, label: 'l', weights: [2], method: 'linear' }],
      ['b', { folds: 4, label: 'l', weights: [2], method: 'linear' }],
      ['c', { folds: 5, label: 'm', weights: [2], method: 'votes' }],
    ])
    const merged = await golden('clean.yaml', ['noise.weights=[1]', 'agreed.also=["<<"]'])
    expect(merged.problems).toEqual([])
  })

  it('takes them in within free objects, also by --set', async () => {
    const file = join(scratch, 'free.mjs')
    writeFileSync(file, `export default { ${bare}, options: { type: 'object', properties: { extra: {} } } }\n`)
    const text =
      first +
      `  - { id: a, use: ${file}, with: { extra: &x { deep: { on: false } } } }\n` +
      `  - { id: b, use: ${file}, with: { extra: { <<: *x, more: 1 } } }\n` +
      `  - { id: c, use: ${file}, with: { extra: { "<<": 1 } } }\n`
    const { graph: made } = await parseGraph(
      `version: 1\nname: x\nstages:\n${text}  - { id: out, use: write_files }\n`,
      'x.yaml',
      { registry, userFolder: scratch, overrides: ['a.extra={<<: {n: 1}, m: 2}'] },
    )
    expect(made!.nodes.slice(1, 4).map(({ options }) => options.extra)).toEqual([
      { n: 1, m: 2 },
      { deep: { on: false }, more: 1 },
      { '<<': 1 },
    ])
  })

  it('says where what was taken in stands', async () => {
    const found = await of(
      `${first}  - { id: a, use: detect_noise, with: &some { folds: 50 } }\n  - { id: b, use: detect_noise, with: { <<: *some } }\n`,
    )
    expect(found.problems.map(it => `${it.line}:${it.column} ${it.pointer}`)).toEqual([
      '5:54 /stages/1/with/folds',
      '5:54 /stages/2/with/folds',
    ])
  })

  it.each([
    ['with: { <<: 1 }', /`<<` takes an object/],
    ['with: { <<: [1] }', /`<<` takes an object/],
    ['with: { <<: *nowhere }', /`<<` takes an object|alias/],
    ['with: &it { <<: *it }', /holds itself/],
    ['with: { <<: { folds: 3 }, <<: { label: x } }', /`<<` is there twice in one object; .*list/],
    ['with: { label: !stop now }', /the tag !stop means nothing here; a text that begins so stands in quotes/],
    ['with: { label: ! now }', /the tag ! means/],
    ['with: { folds: !!int x }', /the tag !!int means/],
    ['with: !mine { label: x }', /the tag !mine means/],
  ])('that is no good is refused: %s', async (text, said) => {
    const { problems } = await of(`${first}  - { id: a, use: detect_noise, ${text} }\n`)
    expect(formatProblems(problems)).toMatch(said)
    expect(formatProblems(problems)).toMatch(/^x\.yaml:\d+:\d+ /)
    expect(problems).toHaveLength(1)
  })

  it('names one object as often as it is used', async () => {
    const many = Array.from(
      { length: 300 },
      (_, i) => `  - { id: s${i}, use: detect_noise, with: { <<: *some, weights: *list } }\n`,
    )
    const text = `  - { id: a, use: detect_noise, with: &some { folds: 3, weights: &list [1, 2] } }\n${many.join('')}`
    expect((await of(first + text)).graph!.nodes[300].options).toMatchObject({ folds: 3, weights: [1, 2] })
  })

  it('keeps what it means by a comment', async () => {
    const { graph: made } = await of(`${first}  - { id: a, use: detect_noise, with: { label: 'a #b' } } # c\n`)
    expect(made!.nodes[1].options.label).toBe('a #b')
  })
})

describe('--set', () => {
  it('replaces options, the last one winning, and takes text as it is', async () => {
    const { graph: clean } = await golden('clean.yaml', [
      'noise.folds=7',
      'noise.folds=8',
      'noise.weights=[0, 0.5]',
      'noise.label=12',
      'pairs.path=*.parquet',
      'agreed.min_value=1e-3',
    ])
    const options = Object.fromEntries(clean!.nodes.map(node => [node.id, node.options]))
    expect(options.noise).toEqual({ folds: 8, method: 'linear', label: '12', weights: [0, 0.5] })
    expect(options.pairs).toMatchObject({ path: '*.parquet' })
    expect(options.agreed.min_value).toBe(0.001)
  })

  const typed = async (option: string, value: string) => {
    const { graph: made, problems } = await golden('clean.yaml', [`${option}=${value}`])
    const [id, name] = option.split('.')
    return made ? made.nodes.find(node => node.id === id)!.options[name] : problems.map(it => it.message).join()
  }

  it.each([
    'in/batch #2',
    '### Human',
    'Q #1: {content}',
    ' - ',
    '!stop now',
    '&c {content}',
    '<|{role}|>\n{content}\n',
    '[x',
    '"quoted"',
    '~',
    '',
    '--- a',
    '1234567890123456781',
    '.inf',
    'a: b',
  ])('of a text is what was typed: %j', async text => {
    expect(await typed('noise.label', text)).toBe(text)
  })

  it.each([
    ['in/batch #2', /what follows a # for a comment/],
    ['[a, b] # c', /for a comment/],
    ['!stop now', /the tag !stop means nothing here/],
    ['! stop', /the tag ! means nothing/],
    ['[a, !stop now]', /the tag !stop/],
    ['&c {content}', /&c for a name/],
    ['[&c a, b]', /&c for a name/],
    ['a\nb', /YAML reads "a b" there/],
    [' a', /YAML reads "a" there/],
    ['--- a', /YAML reads "a" there/],
  ])('of what may be text or a list is refused where YAML would drop a part of it: %j', async (text, said) => {
    expect(await typed('agreed.also', text)).toMatch(said)
    expect(await typed('agreed.also', text)).toMatch(/quotes/)
  })

  it.each<[string, unknown]>([
    ['"in/batch #2"', 'in/batch #2'],
    ["'!stop now'", '!stop now'],
    ['["a #b", c#d]', ['a #b', 'c#d']],
    ['[&c a, *c]', ['a', 'a']],
    ['plain text', 'plain text'],
  ])('and else is YAML: %j', async (text, value) => {
    expect(await typed('agreed.also', text)).toEqual(value)
  })

  it('gives problems of the same form', async () => {
    const { problems } = await golden('clean.yaml', [
      'noise.fold=1',
      'nois.folds=3',
      'folds=3',
      'noise.folds=1',
      'noise.method=[',
      'noise.__proto__=1',
      'noise.weights=[0, -3]',
    ])
    expect(problems.map(it => [it.code, it.pointer, it.suggestion])).toEqual([
      ['unknown_option', '/--set/0', 'folds'],
      ['unknown_override', '/--set/1', 'noise'],
      ['bad_override', '/--set/2', undefined],
      ['out_of_range', '/--set/3', undefined],
      ['not_one_of', '/--set/4', undefined],
      ['unknown_option', '/--set/5', undefined],
      ['out_of_range', '/--set/6', undefined],
    ])
    expect(formatProblems(problems).split('\n')[3]).toBe('--set noise.folds=1  out of range (value 1; expected >= 2)')
  })
})

describe('own stages', () => {
  it('are loaded from .mjs, relative to the graph', async () => {
    const parsed = await stages(
      pairs,
      { id: 'mine', use: './own/drop_all.mjs' },
      { ...out, from: ['mine', 'mine.all'] },
    )
    expect(parsed.problems).toEqual([])
    expect(parsed.graph!.nodes[1]).toMatchObject({
      use: './own/drop_all.mjs',
      own: { reads: [] },
      stage: { name: 'drop_all' },
    })
  })

  it('are compiled from .ts to one file, that imports this package by URL', async () => {
    writeFileSync(join(scratch, 'limit.ts'), 'export const limit: number = 3\n')
    writeFileSync(
      join(scratch, 'mine.ts'),
      [
        "import { defineStage, Type } from 'sluice-data'",
        "import { sep } from 'node:path'",
        "import { limit } from './limit.ts'",
        'export default defineStage({',
        "  name: `mine${sep.length}`, version: limit, summary: 'Mine.', options: Type.Object({}), reasons: {}, reads: {}, writes: {},",
        "  rows: 'same' as const, examples: [],",
        '})',
        '',
      ].join('\n'),
    )
    const options = {
      registry,
      userFolder: join(scratch, 'user'),
      packageUrl: new URL('own/package.mjs', import.meta.url).href,
    }
    const builder = graph(
      { version: 1, name: 'x', stages: [pairs] },
      { base: pathToFileURL(join(scratch, 'main.mjs')) },
    )
      .add({ id: 'mine', use: './mine.ts', with: {} })
      .add(out)
    const [, mine] = (await resolveGraph(builder, options)).nodes
    expect(mine.stage).toMatchObject({ name: 'mine1', version: 3, rows: 'same' })
    expect(mine.own!.module).toMatch(/user\/mine-[0-9a-f]{12}\.mjs$/)
    const code = readFileSync(mine.own!.module, 'utf8')
    expect(code).toContain(`from "${options.packageUrl}"`)
    expect(code).not.toMatch(/limit\.ts['"];/)
    expect((await resolveGraph(builder, options)).nodes[1].own!.module).toBe(mine.own!.module)
    writeFileSync(join(scratch, 'limit.ts'), 'export const limit: number = 4\n')
    expect((await resolveGraph(builder, options)).nodes[1].stage.version).toBe(4)
  })

  it('are refused with what they lack', async () => {
    writeFileSync(join(scratch, 'broken.ts'), 'export default {\n  a b\n}\n')
    writeFileSync(
      join(scratch, 'named_before.mjs'),
      "\nimport { defineStage } from 'sluice'\nexport default defineStage({})\n",
    )
    const old = {
      name: 'old',
      version: 1,
      options: { type: 'object' },
      reasons: {},
      reads: {},
      writes: {},
      rows: 'same',
    }
    for (const [file, stage] of Object.entries({
      unseen: { ...old, kind: 'stage', unseen: ['url'] },
      beside: { ...old, kind: 'sink', beside: 1 },
      keeps: { ...old, kind: 'stage', keeps: true },
      fit: { ...old, kind: 'stage', fit: [] },
    })) {
      writeFileSync(join(scratch, `${file}.mjs`), `export default ${JSON.stringify(stage)}\n`)
    }
    const { problems } = await stages(
      pairs,
      { id: 'a', use: './own/not_a_stage.mjs' },
      { id: 'b', use: './own/nowhere.ts' },
      { id: 'c', use: './clean.yaml' },
      { id: 'd', use: join(scratch, 'broken.ts') },
      { id: 'e', use: './own/package.mjs' },
      { id: 'f', use: join(scratch, 'named_before.mjs') },
      { id: 'g', use: join(scratch, 'unseen.mjs') },
      { id: 'h', use: join(scratch, 'beside.mjs') },
      { id: 'i', use: join(scratch, 'keeps.mjs') },
      { id: 'j', use: join(scratch, 'fit.mjs') },
      { ...out, from: 'f' },
    )
    expect(brief({ problems })).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map(i => ` bad_module /stages/${i}/use`))
    expect(problems.map(it => it.message).join('\n')).toMatch(
      /lacks reads, schema\(\), convert\(\), publish\(\)[^]*no file[^]*'\.yaml'[^]*broken\.ts:2:5[^]*default export[^]*named_before\.mjs:2:29 'sluice' is another package: import 'sluice-data'[^]*says 'unseen', which is called 'notInKey' now[^]*says 'beside', which is called 'extraCopies' now[^]*says 'keeps', which is said by 'rows' now[^]*'fit' is a list; it is a function of the options now/,
    )
  })
})

describe('graphs from code', () => {
  it('grow by add, and give themselves back', async () => {
    const builder = graph('mine').add(pairs).add({ id: 'n', use: 'detect_noise' })
    expect(builder.add(out)).toBe(builder)
    expect(await builder.toObject()).toEqual({
      version: 1,
      name: 'mine',
      stages: [pairs, { id: 'n', use: 'detect_noise' }, out],
    })
    expect((await resolveGraph(builder, { registry })).nodes.map(node => node.id)).toEqual(['pairs', 'n', 'out'])
  })

  it('add to a file, whose lines still count', async () => {
    const builder = graph(new URL('clean.yaml', import.meta.url)).add({ id: 'more', use: 'write_files', from: 'nois' })
    const { problems } = await checkGraph(builder, { registry, overrides: [] })
    expect(problems).toMatchObject([
      { code: 'unknown_input', pointer: '/stages/7/from', suggestion: 'noise', file: join(folder, 'clean.yaml') },
    ])
    expect(problems[0].line).toBeUndefined()
  })

  it('throw one error that holds every problem', async () => {
    const error = await resolveGraph(graph(join(folder, 'mistakes.yaml')), { registry }).catch((it: unknown) => it)
    expect(error).toBeInstanceOf(GraphError)
    expect((error as GraphError).problems).toHaveLength(22)
    expect((error as GraphError).message).toMatch(/^graph: 22 problems\n/)
    await expect(resolveGraph(graph('nowhere.yaml'), { registry })).rejects.toMatchObject({
      problems: [{ code: 'unreadable_file', file: 'nowhere.yaml' }],
    })
  })
})
