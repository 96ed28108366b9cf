/** Which columns and types there are at each place of a graph, told before a row is read. */
import {
  Bool,
  Field,
  FixedSizeList,
  Float16,
  Float32,
  Float64,
  Int16,
  Int32,
  Int64,
  List,
  makeData,
  Null,
  Schema,
  Struct,
  Uint64,
  Utf8,
  type Data,
  type DataType,
} from 'apache-arrow'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { InputFile } from '../../engine/source/input.ts'
import { makeText, messagesType } from '../../engine/arrow/columns.ts'
import { castTo, unify } from '../../engine/arrow/cast.ts'
import { accepts, resolveColumns } from '../../engine/graph/columns.ts'
import { parseGraph } from '../../engine/graph/parse.ts'
import { registry as stages } from '../../stages/registry.ts'
import { loaders as registry } from './stages.ts'

const pair = [
  new Field('id', new Utf8(), false),
  ...['prompt', 'chosen', 'rejected'].map(name => new Field(name, messagesType, false)),
]
type Columns = Pick<InputFile, 'path' | 'schema' | 'isText'>
const file = (path: string, columns: Record<string, DataType>, isText = true): Columns => ({
  path,
  isText,
  schema: new Schema([...pair, ...Object.entries(columns).map(([name, type]) => new Field(name, type, true))]),
})

async function columns(stages: string, inputs: Record<string, Columns[]>, overrides: string[] = []) {
  const { graph, problems } = await parseGraph(`version: 1\nname: x\nstages:\n${stages}`, 'x.yaml', {
    registry,
    overrides,
  })
  expect(problems.filter(it => it.level === 'error')).toEqual([])
  return resolveColumns(graph!, new Map(Object.entries(inputs)))
}
const types = (schema: Schema) =>
  Object.fromEntries(
    schema.fields.slice(4).map(field => [field.name, `${String(field.type)}${field.nullable ? '?' : ''}`]),
  )

const one = `
  - { id: pairs, use: read_files, with: { path: x } }
  - { id: noise, use: detect_noise }
  - { id: kept, use: drop_below, with: { column: noise_margin } }
  - { id: hard, use: inject_errors }
  - { id: dpo, use: write_files, from: [kept, hard] }
  - { id: low, use: write_files, from: kept.low }
`

describe('columns', () => {
  it('are added by stages under their ids, and joined where stages meet', async () => {
    const { nodes, problems, isText } = await columns(one, { pairs: [file('a', { score: new Float64() })] })
    expect(problems).toEqual([])
    expect(isText).toBe(true)
    const noise = {
      score: 'Float64?',
      noise_margin: 'Float64?',
      noise_flag: 'Bool?',
      noise_votes: 'Int32?',
      noise_why: 'Utf8?',
      noise_source: `${String(messagesType)}?`,
    }
    expect(types(nodes.get('kept')!.output)).toEqual(noise)
    expect(types(nodes.get('hard')!.output)).toEqual({ ...noise, hard_kind: 'Utf8?', hard_parent: 'Utf8?' })
    expect(types(nodes.get('dpo')!.input)).toEqual({ ...noise, hard_kind: 'Utf8?', hard_parent: 'Utf8?' })
    expect(types(nodes.get('low')!.input)).toEqual({ ...noise, kept_reason: 'Utf8?' })
    expect(
      nodes
        .get('dpo')!
        .input.fields.slice(0, 4)
        .map(field => field.nullable),
    ).toEqual([false, false, false, false])
  })

  it('that speak of a side may be null once a stage derives rows, whose side may be new', async () => {
    const given = file('a', {}),
      scores = ['chosen_score', 'rejected_score', 'score'].map(name => new Field(name, new Float64(), false))
    const { nodes } = await columns(one, {
      pairs: [{ ...given, schema: new Schema([...given.schema.fields, ...scores]) }],
    })
    expect(types(nodes.get('kept')!.output)).toMatchObject({ chosen_score: 'Float64', rejected_score: 'Float64' })
    for (const schema of [nodes.get('hard')!.output, nodes.get('dpo')!.input]) {
      expect(types(schema)).toMatchObject({ chosen_score: 'Float64?', rejected_score: 'Float64?', score: 'Float64' })
      expect(schema.fields.slice(0, 4).map(field => field.nullable)).toEqual([false, false, false, false])
    }
  })

  it('of dropped rows are those of the stage, and why', async () => {
    const { nodes } = await columns(
      `
  - { id: pairs, use: read_files, with: { path: x } }
  - { id: checked, use: check_pairs }
  - { id: noise, use: detect_noise }
  - { id: out, use: write_files, from: [noise, checked.blank] }
`,
      { pairs: [file('a', {})] },
    )
    expect(types(nodes.get('checked')!.input)).toEqual({})
    expect(nodes.get('out')!.input.fields.map(field => field.name)).toEqual([
      ...nodes.get('noise')!.output.fields.map(field => field.name),
      'checked_reason',
    ])
  })

  it('that nothing writes are told with those that are there, at the option', async () => {
    const { problems } = await columns(one, { pairs: [file('a', { score: new Utf8() })] }, [])
    expect(problems).toEqual([])
    const missing = await columns(one.replace('noise_margin', 'noise_margn'), { pairs: [file('a', {})] })
    expect(missing.problems).toMatchObject([
      {
        code: 'unknown_column',
        pointer: '/stages/2/with/column',
        file: 'x.yaml',
        line: 7,
        column: 50,
        value: 'noise_margn',
        suggestion: 'noise_margin',
      },
    ])
    expect(missing.problems[0].expected).toBe(
      'one of id, prompt, chosen, rejected, noise_margin, noise_flag, noise_votes, noise_why, noise_source',
    )
    const set = await columns(one, { pairs: [file('a', {})] }, ['kept.column=marg'])
    expect(set.problems).toMatchObject([
      { code: 'unknown_column', pointer: '/--set/0', file: '--set kept.column=marg' },
    ])
  })

  it('named within an option are told there, of every stage', async () => {
    const { graph } = await parseGraph(
      `version: 1
name: x
stages:
  - { id: pairs, use: read_jsonl, with: { path: x } }
  - { id: ches, use: drop_ches, with: { hidden_columns: { chosen: score, rejected: b }, tokens_columns: { chosen: count, rejected: coun } } }
  - { id: noise, use: detect_noise, with: { vote_columns: [count, vot], vote_lists: { votes: names }, rating_columns: { chosen: count, rejected: c } } }
  - { id: seen, use: peer_review, with: { embedding_columns: { chosen: score, rejected: vector } } }
  - { id: dpo, use: write_arrow }
`,
      'x.yaml',
      { overrides: ['noise.vote_lists={"votes":"score","voters":"names"}'], registry: stages },
    )
    const { problems } = resolveColumns(
      graph!,
      new Map([['pairs', [file('a', { score: new Float64(), count: new Int32() })]]]),
    )
    expect(
      problems.map(({ pointer, line, column, value, suggestion }) => [pointer, line, column, value, suggestion]),
    ).toEqual([
      ['/stages/1/with/hidden_columns/chosen', 5, 67, 'float64', undefined],
      ['/stages/1/with/hidden_columns/rejected', 5, 84, 'b', undefined],
      ['/stages/1/with/tokens_columns/rejected', 5, 132, 'coun', 'count'],
      ['/stages/2/with/vote_columns/1', 6, 67, 'vot', undefined],
      ['/stages/2/with/rating_columns/rejected', 6, 146, 'c', undefined],
      ['/stages/3/with/embedding_columns/chosen', 7, 72, 'float64', undefined],
      ['/stages/3/with/embedding_columns/rejected', 7, 89, 'vector', undefined],
      ['/--set/0', undefined, undefined, 'float64', undefined],
      ['/--set/0', undefined, undefined, 'names', undefined],
    ])
  })

  it('of the wrong type are told on the edge', async () => {
    const { problems } = await columns(one.replace('noise_margin', 'noise_why'), { pairs: [file('a', {})] })
    expect(problems).toMatchObject([
      { code: 'column_type', pointer: '/stages/2/with/column', line: 7, value: 'text', expected: 'number' },
    ])
    const sides = file('a', {})
    const broken = {
      ...sides,
      schema: new Schema(
        sides.schema.fields.map(field => (field.name === 'chosen' ? new Field('chosen', new Utf8()) : field)),
      ),
    }
    expect((await columns(one, { pairs: [broken] })).problems.map(it => [it.code, it.pointer])).toEqual([
      ['column_type', '/stages/1'],
      ['column_type', '/stages/3'],
    ])
  })

  it('of several files are joined in order of first appearance, and widened', async () => {
    const { nodes, problems, isText } = await columns(one, {
      pairs: [
        file('a', { b: new Int32(), empty: new Null(), n: new Float32() }),
        file('b', { late: new Bool(), b: new Int64(), empty: new Utf8(), n: new Int32() }, false),
      ],
    })
    expect(problems).toEqual([])
    expect(isText).toBe(false)
    expect(types(nodes.get('pairs')!.output)).toEqual({ b: 'Int64?', empty: 'Utf8?', n: 'Float64?', late: 'Bool?' })
  })

  it('of two types are told once, with both files', async () => {
    const { problems } = await columns(one, {
      pairs: [
        file('nulls', { s: new Null() }),
        file('a', { s: new Utf8() }),
        file('b', { s: new Int32() }),
        file('c', { s: new Bool() }),
      ],
    })
    expect(problems).toMatchObject([
      { code: 'column_conflict', pointer: '/stages/0/with/path', line: 5, expected: 'text', value: 'int32' },
    ])
    expect(problems[0].message).toContain('text in a, int32 in b')
  })

  it('are held against each other where inputs meet', async () => {
    const two = `
  - { id: left, use: read_files, with: { path: x } }
  - { id: right, use: read_files, with: { path: y } }
  - { id: out, use: write_files, from: [left, right] }
`
    const { problems, nodes } = await columns(two, {
      left: [file('a', { s: new Int32() })],
      right: [file('b', { s: new Int64() })],
    })
    expect(problems).toEqual([])
    expect(types(nodes.get('out')!.input)).toEqual({ s: 'Int64?' })
    const wrong = await columns(two, { left: [file('a', { s: new Int32() })], right: [file('b', { s: new Utf8() })] })
    expect(wrong.problems).toMatchObject([{ code: 'column_conflict', pointer: '/stages/2/from', line: 7 }])
    expect(wrong.problems[0].message).toContain('int32 in left, text in right')
  })

  it('that a stage would replace are warned of, and take its type', async () => {
    const { problems, nodes } = await columns(one, { pairs: [file('a', { noise_margin: new Utf8() })] })
    expect(problems).toMatchObject([
      { code: 'column_replaced', level: 'warning', pointer: '/stages/1/id', value: 'noise_margin' },
    ])
    expect(types(nodes.get('noise')!.output).noise_margin).toBe('Float64?')
  })

  it('are read as number when they are numbers', () => {
    for (const type of [new Int16(), new Int64(), new Float32(), new Float64(), new Bool()]) {
      expect(accepts('number', type)).toBe(true)
    }
    for (const type of [new Utf8(), new Float16(), new Null(), messagesType]) {
      expect(accepts('number', type)).toBe(false)
    }
    expect(accepts('float64', new Float32())).toBe(false)
    for (const [item, isVector] of [
      [new Float32(), true],
      [new Float64(), true],
      [new Float16(), false],
      [new Int32(), false],
      [new Utf8(), false],
    ] as const) {
      expect([
        accepts('vector', new List(new Field('item', item))),
        accepts('vector', new FixedSizeList(4, new Field('item', item))),
        accepts('vector', item),
      ]).toEqual([isVector, isVector, false])
    }
    expect(
      [new List(new Field('item', new Utf8())), new Utf8(), new Null(), new Int32()].map(type => accepts('list', type)),
    ).toEqual([true, true, true, false])
    expect(
      accepts(
        'messages',
        new List(new Field('element', new Struct([new Field('role', new Utf8()), new Field('content', new Utf8())]))),
      ),
    ).toBe(true)
  })
})

describe('casts', () => {
  const data = (type: DataType, values: ArrayBufferView, more: object = {}): Data =>
    makeData({ type, length: (values as Int32Array).length, nullCount: 0, data: values, ...more } as never)

  it('agree with unify, whatever the order, and bring values over', () => {
    const numbers = [new Int16(), new Int32(), new Int64(), new Uint64(), new Float32(), new Float64()]
    const arrays = [Int16Array, Int32Array, BigInt64Array, BigUint64Array, Float32Array, Float64Array]
    const choice = fc.integer({ min: 0, max: numbers.length - 1 })
    fc.assert(
      fc.property(choice, choice, fc.array(fc.integer({ min: 0, max: 32_767 })), (a, b, values) => {
        const joined = unify(numbers[a], numbers[b])!
        expect(String(unify(numbers[b], numbers[a]))).toBe(String(joined))
        const typed = (arrays[a] as unknown as Float64ArrayConstructor).from(
          values.map(value => (a === 2 || a === 3 ? BigInt(value) : value)) as number[],
        )
        const cast = castTo(data(numbers[a], typed), joined)
        expect(String(cast.type)).toBe(String(joined))
        expect(Array.from(cast.values as Int32Array, Number)).toEqual(values)
      }),
    )
  })

  it('keep nulls and work inside lists and structs', () => {
    const nullable = data(new Int32(), Int32Array.of(1, 0, 3), { nullCount: 1, nullBitmap: Uint8Array.of(0b101) })
    const wide = castTo(nullable, new Float64())
    expect([wide.nullCount, wide.nullBitmap[0], [...(wide.values as Float64Array)]]).toEqual([1, 0b101, [1, 0, 3]])
    const inner = (type: DataType) => new List(new Field('item', new Struct([new Field('n', type)])))
    const struct = makeData({
      type: inner(new Int32()).children[0].type,
      length: 3,
      nullCount: 0,
      children: [nullable],
    } as never) as Data
    const list = makeData({
      type: inner(new Int32()),
      length: 2,
      nullCount: 0,
      valueOffsets: Int32Array.of(0, 1, 3),
      child: struct,
    } as never) as Data
    const joined = unify(list.type as DataType, inner(new Int64()))!
    const out = castTo(list, joined)
    expect([...(out.children[0].children[0].values as BigInt64Array)]).toEqual([1n, 0n, 3n])
    expect([...(out.valueOffsets as Int32Array)]).toEqual([0, 1, 3])
    expect(castTo(makeData({ type: new Null(), length: 2 }), new Utf8()).nullCount).toBe(2)
  })

  it('make no other integer of one that float64 would round, whatever lies below nulls', () => {
    const exact = BigInt64Array.of(2n ** 53n, 2n ** 60n, -(2n ** 53n) - 1n),
      bitmap = { nullCount: 1, nullBitmap: Uint8Array.of(0b011) }
    expect([...(castTo(data(new Int64(), exact, bitmap), new Float64()).values as Float64Array)].slice(0, 2)).toEqual([
      2 ** 53,
      2 ** 60,
    ])
    expect(() => castTo(data(new Int64(), exact), new Float64())).toThrow(
      'holds -9007199254740993, and is float64 elsewhere, which would make -9007199254740992 of it; write the column as text in all files, or as int64 in all',
    )
    const large = BigUint64Array.of(1n, 2n, 2n ** 64n - 1n)
    expect(castTo(data(new Uint64(), large, bitmap), new Int64()).nullCount).toBe(1)
    expect(() => castTo(data(new Uint64(), large), new Float64())).toThrow(/holds 18446744073709551615/)
  })

  it('share what has the type, and refuse what does not fit', () => {
    const text = makeText(['a'])
    expect(castTo(text, new Utf8())).toBe(text)
    expect(() => castTo(text, new Int64())).toThrow(/cast: .*Utf8.*Int64/)
    expect(() => castTo(data(new Uint64(), BigUint64Array.of(2n ** 63n)), new Int64())).toThrow(/9223372036854775808/)
    expect(unify(new Utf8(), new Int32())).toBeUndefined()
    expect(unify(new Bool(), new Int32())).toBeUndefined()
    expect(String(unify(new Null(), new Utf8()))).toBe('Utf8')
  })
})
