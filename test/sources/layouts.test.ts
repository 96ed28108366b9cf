/** The layouts of preference data: which one a file has, and the pairs that it gives. */
import fc from 'fast-check'
import {
  Binary,
  DateDay,
  Decimal,
  Duration,
  Field,
  FixedSizeBinary,
  FixedSizeList,
  Float32,
  Float64,
  Int64,
  Interval,
  IntervalUnit,
  List,
  Map_,
  Null,
  Schema,
  Struct,
  TimeMicrosecond,
  Timestamp,
  TimeUnit,
  Uint64,
  Utf8,
  makeData,
  type Data,
  type DataType,
} from 'apache-arrow'
import { describe, expect, it } from 'vitest'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeText, messagesColumn } from '../../engine/arrow/columns.ts'
import { toRecordBatch } from '../../engine/arrow/flow.ts'
import { openConverter } from '../../engine/source/convert.ts'
import { columnOf, isTextPlan } from '../../engine/source/mapping.ts'
import { layouts } from '../../engine/source/layout_table.ts'
import { fromValues } from '../../engine/source/values.ts'
import writeJsonl from '../../stages/sinks/write_jsonl.ts'
import { column, numbered, pairs as pairsOfSink, runSink, type Column } from '../sinks/helpers.ts'
import { assistant, detectLayout, pairsOf, read, rowsFrom, system, table, user, type Row } from './helpers.ts'

const [q, a, b] = ['Name a prime.', 'Seven.', 'Nine.']
const plain = { prompt: [user(q)], chosen: [assistant(a)], rejected: [assistant(b)] }

describe('the table', () => {
  for (const { name, example } of layouts.filter(one => one.name !== 'answers')) {
    it(`${name}: its example is detected as it and gives the pair`, () => {
      const rows = example.split('\n').map(line => JSON.parse(line) as Row)
      const got = read(table(rows))
      expect([got.layout, got.refused]).toEqual([name, {}])
      if (name === 'ranked') expect(got.pairs.map(({ chosen }) => chosen)).toEqual([plain.chosen, plain.rejected])
      else expect(got.pairs[0]).toMatchObject({ chosen: plain.chosen, rejected: plain.rejected })
      expect(got.pairs[0].prompt.at(-1)!.content.startsWith(q)).toBe(true)
    })
  }

  it('columns that fit nothing are named, with what is nearly right of them', () => {
    expect(() => read(table([{ question: q, response: a, rank: 1 }]))).toThrow(
      /it is unpaired: one answer a row \(response\).*there are question Utf8, response Utf8, rank Float64/,
    )
    expect(() => read(table([{ question: q }]))).toThrow('it has a prompt (question) and no answers')
    expect(() => read(table([{ prompt: q, chosen: a, rejcted: b }]))).toThrow(
      'there is no rejected beside chosen (is rejcted meant?); ',
    )
    expect(() => read(table([{ prompt: q, chosen: 7, rejected: b }]))).toThrow(
      'chosen is Float64, neither text nor messages; ',
    )
  })
})

describe('conversations beside a prompt', () => {
  const talk = (...said: ReturnType<typeof user>[]) => said
  it('a prompt that is null is no fault where they hold it, and one where they do not', () => {
    const got = read(
      table([
        { prompt: q, chosen: talk(user(q), assistant(a)), rejected: talk(user(q), assistant(b)) },
        { prompt: null, chosen: talk(user('Why?'), assistant(a)), rejected: talk(user('Why?'), assistant(b)) },
        { prompt: null, chosen: talk(assistant(a)), rejected: talk(assistant(b)) },
      ]),
    )
    expect(got.refused).toEqual({ 2: 'missing_prompt' })
    expect(got.pairs.map(({ prompt }) => prompt)).toEqual([[user(q)], [user('Why?')]])
    const lists = read(
      table([
        { prompt: [user(q)], chosen: talk(user(q), assistant(a)), rejected: talk(user(q), assistant(b)) },
        { prompt: null, chosen: talk(user('Why?'), assistant(a)), rejected: talk(user('Why?'), assistant(b)) },
      ]),
    )
    expect([lists.refused, lists.pairs.map(({ prompt }) => prompt)]).toEqual([{}, [[user(q)], [user('Why?')]]])
  })

  it('white space at the ends of the prompt is no other prompt', () => {
    for (const prompt of [`${q}\n`, [user(` ${q} `)]]) {
      const got = read(table([{ prompt, chosen: talk(user(q), assistant(a)), rejected: talk(user(q), assistant(b)) }]))
      expect([got.refused, got.pairs[0].chosen]).toEqual([{}, [assistant(a)]])
    }
  })

  it('who begins is told by the whole name of the role', () => {
    const agent = { role: 'agent', content: 'How can I help?' },
      model = (content: string) => ({ role: 'model', content })
    const whole = read(
      table([{ prompt: q, chosen: talk(agent, user(q), assistant(a)), rejected: talk(agent, user(q), assistant(b)) }]),
    )
    expect(whole.pairs[0]).toMatchObject({ prompt: [agent, user(q)], chosen: [assistant(a)], rejected: [assistant(b)] })
    const alone = read(table([{ prompt: q, chosen: [model(a)], rejected: [model(b)] }]))
    expect(alone.pairs[0]).toMatchObject({ prompt: [user(q)], chosen: [model(a)] })
  })
})

describe('answers', () => {
  const { example } = layouts.find(one => one.name === 'answers')!
  it('is named to who has no sides', () => {
    expect(() => read(table([{ question: q, solution: a }]))).toThrow(
      "'layout: answers' with 'answer: solution' lets stages make the other side",
    )
    expect(() => read(table([{ item: q, vote: 1 }]))).toThrow('no column of it is a prompt')
  })

  it('its example gives one good answer and no rejected one, but only where it is named', () => {
    const raw = table([JSON.parse(example) as Row])
    expect(read(raw, { layout: 'answers' })).toMatchObject({
      layout: 'answers',
      refused: {},
      pairs: [{ prompt: [user(q)], chosen: [assistant(a)] }],
    })
    expect(read(raw, { layout: 'answers' }).pairs[0]).not.toHaveProperty('rejected')
    expect(() => read(raw)).toThrow(/no pairs are found/)
  })

  it('the column is the one that is named; others are carried, and null is refused', () => {
    const raw = table([
      { question: q, solution: a, rejected: b, level: 1 },
      { question: null, solution: a, rejected: b, level: 2 },
      { question: q, solution: null, rejected: b, level: 3 },
      { question: q, solution: b, rejected: b, level: 4 },
    ])
    const plan = detectLayout(raw.schema, [raw], 'answers', 'solution')
    expect([isTextPlan(plan), plan.prompt?.column, plan.rejected]).toEqual([true, 'question', null])
    const { pairs, refused } = openConverter(plan, raw.schema).convert(raw, rowsFrom(0, raw.numRows))
    expect(pairs.schema.names).toEqual(['id', 'prompt', 'chosen', 'source_rejected', 'level'])
    expect(refused.map(({ row, reason }) => [row, reason])).toEqual([
      [1, 'missing_prompt'],
      [2, 'missing_chosen'],
    ])
    expect([0, 1].map(row => messagesColumn(columnOf(pairs, 'chosen')!).messages(row))).toEqual([
      [assistant(a)],
      [assistant(b)],
    ])
    expect(
      new Set(
        [0, 1].map(row =>
          columnOf(pairs, 'id')!
            .values.subarray(row * 8, row * 8 + 8)
            .join(),
        ),
      ),
    ).toHaveProperty('size', 2)
  })

  it('messages are taken as they are; a column that is not there is an error with the option, or the rule', () => {
    const raw = table([{ prompt: [system('Be brief.'), user(q)], reply: [assistant(a)] }])
    const { pairs } = openConverter(detectLayout(raw.schema, [raw], 'answers', 'reply'), raw.schema).convert(
      raw,
      rowsFrom(0, raw.numRows),
    )
    expect(messagesColumn(columnOf(pairs, 'prompt')!).messages(0)).toEqual([system('Be brief.'), user(q)])
    expect(messagesColumn(columnOf(pairs, 'chosen')!).messages(0)).toEqual([assistant(a)])
    expect(() => detectLayout(raw.schema, [raw], 'answers')).toThrow(
      /^option 'answer' names answer, and no column of text or messages has this name; there are prompt List.*, reply List/,
    )
    expect(() => detectLayout(raw.schema, [raw], 'answers', 'prompt')).toThrow(/not those of the layout 'answers'/)
  })
})

describe('text', () => {
  it('keeps every byte, leading spaces too, and shares the buffers of the columns', () => {
    const raw = table([
      { id: 'x', prompt: ' The sky is', chosen: ' blue.', rejected: '\n' },
      { id: 'y', prompt: '', chosen: '', rejected: 'é\ud800' },
    ])
    const plan = detectLayout(raw.schema, [raw])
    const { pairs } = openConverter(plan, raw.schema).convert(raw, rowsFrom(0, raw.numRows))
    expect(isTextPlan(plan)).toBe(true)
    for (const side of ['prompt', 'chosen', 'rejected']) {
      expect(messagesColumn(columnOf(pairs, side)!).bytes.buffer).toBe(
        (columnOf(raw, side)!.values as Uint8Array).buffer,
      )
    }
    expect(columnOf(pairs, 'id')).toBe(columnOf(raw, 'id'))
    expect(read(raw).pairs[1]).toMatchObject({
      prompt: [user('')],
      chosen: [assistant('')],
      rejected: [assistant('é\ufffd')],
    })
  })

  it('null is refused with the name of what is missing; both sides null is a tied vote', () => {
    const got = read(
      table([
        { prompt: q, chosen: a, rejected: b },
        { prompt: null, chosen: a, rejected: b },
        { prompt: q, chosen: null, rejected: b },
        { prompt: q, chosen: a, rejected: null },
        { prompt: q, chosen: null, rejected: null },
        { prompt: q, chosen: b, rejected: a },
      ]),
    )
    expect(got.refused).toEqual({ 1: 'missing_prompt', 2: 'missing_chosen', 3: 'missing_rejected', 4: 'tied_vote' })
    expect(got.rows).toEqual([0, 5])
    expect(got.pairs[1].chosen).toEqual([assistant(b)])
  })

  it.each([
    ['a character cut in two by the rows', new Binary(), [0xc3, 0xa9], /^column 'chosen': its bytes are not UTF-8/],
    ['Latin-1 in text', new Utf8(), [0x61, 0xe9], /^column 'chosen': its bytes are not UTF-8; convert them$/],
    ['bytes below a null', new Utf8(), [0x61, 0xe9], undefined],
  ])('bytes that are not UTF-8 are refused: %s', (_, type, bytes, error) => {
    const chosen = makeData({
      type,
      length: 2,
      ...(error ? { nullCount: 0 } : { nullCount: 1, nullBitmap: Uint8Array.of(0b01) }),
      valueOffsets: Int32Array.of(0, 1, 2),
      data: Uint8Array.from(bytes),
    } as never) as Data
    const text = table([
      { prompt: q, rejected: b },
      { prompt: q, rejected: b },
    ])
    const raw = toRecordBatch(
      new Schema([...text.schema.fields, new Field('chosen', type, true)]),
      [...text.data.children, chosen],
      2,
    )
    if (error) expect(() => read(raw)).toThrow(error)
    else expect(read(raw)).toMatchObject({ pairs: [{ chosen: [assistant('a')] }], refused: { 1: 'missing_chosen' } })
  })
})

describe('ids', () => {
  it('numbers become decimal text; without an id equal pairs have equal ids, whatever the layout', () => {
    expect(
      read(
        table([
          { id: 7, ...plain },
          { id: 0.5, ...plain },
          { id: null, ...plain },
        ]),
      )
        .pairs.map(pair => pair.id)
        .slice(0, 2),
    ).toEqual(['7', '0.5'])
    const big = toRecordBatch(
      new Schema([new Field('id', new Int64())]),
      [makeData({ type: new Int64(), length: 1, nullCount: 0, data: BigInt64Array.of(9007199254740993n) }) as Data],
      1,
    )
    const text = table([{ prompt: q, chosen: a, rejected: b }])
    const raw = toRecordBatch(
      new Schema([...big.schema.fields, ...text.schema.fields]),
      [...big.data.children, ...text.data.children],
      1,
    )
    expect(read(raw).ids).toEqual(['9007199254740993'])
    const [id] = read(text).ids
    expect(id).toMatch(/^[0-9a-f]{32}$/)
    expect(read(table([{ id: null, ...plain }])).ids).toEqual([id])
    expect(
      read(table([{ chosen: [...plain.prompt, ...plain.chosen], rejected: [...plain.prompt, ...plain.rejected] }])).ids,
    ).toEqual([id])
    expect(read(table([{ prompt: q, chosen: `${a}${b}`, rejected: '' }])).ids).not.toEqual([id])
  })

  it('rows that are refused have one too', () => {
    const got = read(
      table([
        { prompt: q, chosen: a, rejected: null },
        { prompt: q, chosen: a, rejected: null },
        { prompt: q, chosen: a, rejected: b },
      ]),
    )
    expect(got.ids[0]).toBe(got.ids[1])
    expect(new Set(got.ids).size).toBe(2)
  })
})

describe('messages', () => {
  it('further fields of messages go to JSON columns, null where there are none; null content is empty', () => {
    const call = { role: 'assistant', content: null, tool_calls: [{ name: 'add', weight: 1 }] }
    const got = read(table([{ ...plain, chosen: [call, assistant(a)] }, plain]))
    expect(got.pairs[0].chosen).toEqual([assistant(''), assistant(a)])
    expect(got.pairs.map(pair => pair.source_chosen_fields)).toEqual([
      JSON.stringify([{ tool_calls: [{ name: 'add', weight: 1 }] }, null]),
      null,
    ])
    // a stage may swap the sides
    expect(got.pairs.map(pair => pair.source_rejected_fields)).toEqual([null, null])
  })

  /** Two rows of one message each, whose messages have these columns as fields. */
  const withFields = (fields: readonly Column[]) => {
    const children = [
      { name: 'role', data: makeText(['assistant', 'assistant']) },
      { name: 'content', data: makeText(['x', 'y']) },
      ...fields,
    ]
    const struct = new Struct(children.map(({ name, data }) => new Field(name, data.type as DataType, true)))
    const child = makeData({ type: struct, length: 2, nullCount: 0, children: children.map(({ data }) => data) })
    const type = new List(new Field('item', struct, true))
    const side = makeData({ type, length: 2, nullCount: 0, valueOffsets: Int32Array.of(0, 1, 2), child })
    return toRecordBatch(
      new Schema([new Field('prompt', new Utf8()), new Field('chosen', type), new Field('rejected', type)]),
      [makeText([q, q]), side, side],
      2,
    )
  }
  const typed = (name: string, type: DataType, data: ArrayLike<number> | BigInt64Array): Column => ({
    name,
    data: makeData({ type, length: 2, nullCount: 0, data } as never),
  })

  it('further fields of any type are the JSON that write_jsonl writes, but for the keys of structs that are null', async () => {
    const nested = new Struct([new Field('a', new Utf8()), new Field('b', new List(new Field('item', new Int64())))])
    const entries = new Struct([new Field('key', new Utf8(), false), new Field('value', new Int64())])
    const fields = [
      typed('price', new Decimal(2, 10, 128), Uint32Array.of(0xffffff83, -1, -1, -1, 5, 0, 0, 0)),
      typed('day', new DateDay(), Int32Array.of(20000, -1)),
      typed('at', new Timestamp(TimeUnit.NANOSECOND, 'UTC'), BigInt64Array.of(1n, -1n)),
      typed('clock', new TimeMicrosecond(), BigInt64Array.of(3661000001n, 0n)),
      typed('wait', new Duration(TimeUnit.SECOND), BigInt64Array.of(90n, 0n)),
      column('whole', [9007199254740993n, null], new Int64()),
      column('big', [18446744073709551615n, null], new Uint64()),
      column('small', [0.1, null], new Float32()),
      column('odd', [NaN, Infinity], new Float64()),
      column('bytes', [Uint8Array.of(0, 127, 16), null], new Binary()),
      column('fixed', [Uint8Array.of(1, 2), null], new FixedSizeBinary(2)),
      column('two', [[1n, null], null], new FixedSizeList(2, new Field('item', new Int64()))),
      column('map', [new Map([['k', 9007199254740993n]]), null], new Map_(new Field('entries', entries, false))),
      column(
        'é"',
        [[{ a: null, b: [9007199254740993n, null] }, null], [{ a: '\ufeff', b: null }]],
        new List(new Field('item', nested)),
      ),
    ]
    const raw = withFields([
      { name: 'none', data: makeData({ type: new Null(), length: 2 } as never) },
      column('gone', [null, null], new Utf8()),
      ...fields,
    ])
    const got = read(raw).pairs.map(pair => pair.source_chosen_fields as string)
    expect(got).toEqual([
      '[{"price":"-1.25","day":"2024-10-04","at":"1970-01-01T00:00:00.000000001Z","clock":"01:01:01.000001","wait":90,' +
        '"whole":9007199254740993,"big":18446744073709551615,"small":0.10000000149011612,"odd":null,"bytes":"AH8Q",' +
        '"fixed":"AQI=","two":[1,null],"map":[{"key":"k","value":9007199254740993}],' +
        '"é\\"":[{"b":[9007199254740993,null]},null]}]',
      '[{"price":"0.05","day":"1969-12-31","at":"1969-12-31T23:59:59.999999999Z","clock":"00:00:00.000000","wait":0,' +
        '"odd":null,"é\\"":[{"a":"\ufeff"}]}]',
    ])
    const { folder } = await runSink(writeJsonl, {}, [pairsOfSink(numbered(2), fields)])
    const [line] = readFileSync(join(folder, 'data.jsonl'), 'utf8').split('\n')
    expect(line.slice(line.indexOf('"price"')).replace('"a":null,', '')).toBe(got[0].slice(2, -1))
  })

  it('a further field that JSON has no form for is refused when the file is opened, by name', () => {
    const raw = withFields([typed('span', new Interval(IntervalUnit.YEAR_MONTH), Int32Array.of(1, 2))])
    expect(() => openConverter(detectLayout(raw.schema, [raw]), raw.schema)).toThrow(
      /^column 'chosen': the field 'span' of its messages is Interval.*, which has no form in JSON; cast it$/,
    )
  })

  it('exact lists are used as they are, also with the fields the other way round', () => {
    const turned = { prompt: [{ content: q, role: 'user' }], chosen: plain.chosen, rejected: plain.rejected }
    expect(read(table([turned])).pairs[0]).toMatchObject(plain)
    const raw = table([plain])
    const { pairs } = openConverter(detectLayout(raw.schema, [raw]), raw.schema).convert(raw, rowsFrom(0, raw.numRows))
    const contents = (batch: typeof raw) =>
      (columnOf(batch, 'chosen')!.children[0].children[1].values as Uint8Array).buffer
    expect(contents(pairs)).toBe(contents(raw))
  })

  it('sides that repeat the prompt are cut there, sides with another conversation are refused', () => {
    const got = read(
      table([
        plain,
        { ...plain, chosen: [user(q), assistant(a)], rejected: [user(q), assistant(b)] },
        { ...plain, chosen: [user('Other?'), assistant(a)], rejected: [user('Other?'), assistant(b)] },
        { ...plain, chosen: [], rejected: [] },
      ]),
    )
    expect(got.pairs[1]).toMatchObject(plain)
    expect(got.refused).toEqual({ 2: 'prompt_differs' })
    expect(got.pairs[2].chosen).toEqual([])
  })

  it('a text prompt over whole conversations: the conversation is the prompt, with its system message', () => {
    const whole = (...answer: string[]) => [system('Be brief.'), user(q), ...answer.map(assistant)]
    const got = read(
      table([
        { prompt: q, chosen: whole(a), rejected: whole(b) },
        { prompt: q, chosen: [assistant(a)], rejected: [assistant(b)] },
        { prompt: 'Other?', chosen: whole(a), rejected: whole(b) },
        { prompt: q, chosen: whole(a), rejected: whole(a) },
        { prompt: q, chosen: whole(a), rejected: whole() },
      ]),
    )
    expect(got.layout).toBe('text_messages')
    expect(got.pairs).toMatchObject([
      { ...plain, prompt: [system('Be brief.'), user(q)] },
      plain,
      { prompt: [system('Be brief.'), user(q)], chosen: [assistant(a)], rejected: [assistant(a)] },
    ])
    expect(got.refused).toEqual({ 2: 'prompt_differs', 4: 'one_continues' })
  })
})

describe('implicit', () => {
  it('shares whole messages, never characters', () => {
    const got = read(
      table([
        { chosen: [user('The sky'), assistant('The sky is blue')], rejected: [user('The sky'), assistant('The sky')] },
        { chosen: [user('Paris '), assistant(a)], rejected: [user('Paris'), assistant(a)] },
        { chosen: [user(q), assistant(a), user(q), assistant(b)], rejected: [user(q), assistant(a)] },
        { chosen: [user(q), assistant(a)], rejected: [user(q), assistant(a)] },
        {
          chosen: [user(q), assistant(a), user('And?'), assistant(a)],
          rejected: [user(q), assistant(a), user('And?'), assistant(b)],
        },
        { chosen: [], rejected: [] },
        { chosen: [user(q)], rejected: [user(q)] },
        { chosen: null, rejected: [user(q)] },
      ]),
    )
    expect(got.refused).toEqual({
      1: 'no_common_prompt',
      2: 'one_continues',
      5: 'no_common_prompt',
      6: 'no_common_prompt',
      7: 'missing_chosen',
    })
    expect(got.pairs).toMatchObject([
      { prompt: [user('The sky')], chosen: [assistant('The sky is blue')], rejected: [assistant('The sky')] },
      { prompt: [user(q)], chosen: [assistant(a)], rejected: [assistant(a)] },
      { prompt: [user(q), assistant(a), user('And?')], chosen: [assistant(a)], rejected: [assistant(b)] },
    ])
  })

  it('further fields go where their messages go', () => {
    const named = { ...user(q), name: 'Ann' }
    const got = read(
      table([
        { chosen: [named, { ...assistant(a), name: null }], rejected: [named, { ...assistant(b), name: 'Bob' }] },
      ]),
    )
    expect(got.pairs[0]).toMatchObject({
      source_prompt_fields: '[{"name":"Ann"}]',
      source_chosen_fields: null,
      source_rejected_fields: '[{"name":"Bob"}]',
    })
  })
})

describe('transcripts', () => {
  const human = '\n\nHuman:',
    bot = '\n\nAssistant:'
  it('turns lose the white space at their ends and nothing else', () => {
    const got = read(
      table([
        { chosen: `${human} ${q}\u00a0${bot}  ${a}\n\nBut why?\n`, rejected: `${human} ${q}${bot}` },
        {
          chosen: `${human} One.${bot} 1${human} Two.${bot} 2`,
          rejected: `${human} One.${bot} 1${human} Two.${bot} two`,
        },
        { chosen: `Human: ${q}${bot} ${a}`, rejected: `Human: ${q}${bot} ${b}` },
      ]),
    )
    expect(got.pairs).toMatchObject([
      { prompt: [user(q)], chosen: [assistant(`${a}\n\nBut why?`)], rejected: [assistant('')] },
      { prompt: [user('One.'), assistant('1'), user('Two.')], chosen: [assistant('2')], rejected: [assistant('two')] },
      plain,
    ])
  })

  it('what does not take turns is refused', () => {
    const good = `${human} ${q}${bot} ${a}`
    const bad = [
      `${bot} ${a}`,
      `${good}${bot} ${b}`,
      `${good}${human} And?`,
      `${human} ${q}`,
      'Name',
      '',
      `${human} ${q}${human} ${q}${bot} ${a}`,
      `${q}${good}`,
    ]
    const got = read(
      table([
        ...bad.map(text => ({ chosen: good, rejected: text })),
        { chosen: `${human} Hm?${bot} ${a}`, rejected: good },
      ]),
      { layout: 'transcripts' },
    )
    expect(Object.values(got.refused)).toEqual([...bad.map(() => 'unreadable_transcript'), 'no_common_prompt'])
  })

  it('a prompt column in that form beside text sides stays one message', () => {
    expect(read(table([{ prompt: `${human} ${q}${bot}`, chosen: ` ${a}`, rejected: b }])).pairs[0].prompt).toEqual([
      user(`${human} ${q}${bot}`),
    ])
  })
})

describe('JSON text', () => {
  it('is no list of messages where its objects are edges', () => {
    const edges = JSON.stringify([{ from: 'a', to: 'b' }])
    expect(read(table([{ prompt: q, chosen: edges, rejected: edges }])).layout).toBe('text')
  })

  const json = (value: unknown) => ({
    prompt: typeof value === 'string' ? value : JSON.stringify(value),
    chosen: a,
    rejected: b,
  })
  it('is read message by message; what is none is refused', () => {
    const good = Array.from({ length: 40 }, () => json([user(q)]))
    const got = read(
      table([...good, json('[{"role": "user"'), json('[]'), json([1]), json([{ role: 'user', content: ['x'] }])]),
    )
    expect([got.layout, got.pairs.length]).toEqual(['json', 40])
    expect(got.refused).toEqual(Object.fromEntries([40, 41, 42, 43].map(row => [row, 'unreadable_prompt'])))
  })

  it('other names of roles, null content, further fields', () => {
    const got = read(table([json('[{"from":"human","value":"x"},{"from":"gpt","value":null,"weight":0}]')]))
    expect(got.pairs[0]).toMatchObject({
      prompt: [user('x'), assistant('')],
      source_prompt_fields: '[null,{"weight":0}]',
    })
  })

  it('further fields keep the digits of their integers, and text that looks like a mark', () => {
    const text = String.raw`[{"role":"user","content":"12345678901234567890","id":12345678901234567890,"at":[-9007199254740993],"mark":"\u0000integer:12345678901234567","none":null,"x":0.5}]`
    expect(read(table([json(text)])).pairs[0]).toMatchObject({
      prompt: [user('12345678901234567890')],
      source_prompt_fields: String.raw`[{"id":12345678901234567890,"at":[-9007199254740993],"mark":"\u0000integer:12345678901234567","x":0.5}]`,
    })
  })

  const deep = `${'['.repeat(5000)}${']'.repeat(5000)}`
  const faulty: Readonly<Record<string, readonly [message: string, fault: string]>> = {
    'a key twice': ['"id":1,"id":2', "the key 'id' is there twice in one object"],
    'a key twice, once escaped, below': [
      String.raw`"f":[{"a":1,"\u0061":2}]`,
      "the key 'a' is there twice in one object",
    ],
    'the content twice': ['"content":"y"', "the key 'content' is there twice in one object"],
    'a key twice on lines of its own': ['"f":{"a"\n:1,"a"\n\t:2}', "the key 'a' is there twice in one object"],
    'a number beyond float64': [
      '"weight":1e400',
      "the number 1e400 of the key 'weight' is beyond what a float64 holds",
    ],
    'too many levels': [`"f":${deep}`, 'a message nests deeper than 100 levels, the most that are read'],
  }
  for (const [name, [field, fault]] of Object.entries(faulty)) {
    it(`${name}: the row is refused, also where all rows are like that, and never read as text`, () => {
      const text = `[{"role":"assistant","content":"x",${field}}]`
      const rows = [
        { prompt: '[{"role":"user","content":"q"}]', chosen: text, rejected: text },
        { prompt: text, chosen: '[{"role":"assistant","content":"a"}]', rejected: text },
      ]
      const raw = table(Array.from({ length: 4 }, () => rows).flat())
      const plan = detectLayout(raw.schema, [raw])
      const { refused, pairs } = openConverter(plan, raw.schema).convert(raw, rowsFrom(0, raw.numRows))
      expect([plan.layout, plan.chosen?.form, pairs.numRows]).toEqual(['json', 'json', 0])
      expect(refused.slice(0, 2)).toEqual([
        { row: 0, reason: 'unreadable_side', error: `chosen: ${fault}` },
        { row: 1, reason: 'unreadable_side', error: `rejected: ${fault}` },
      ])
      const asked = table([{ prompt: text, chosen: a, rejected: b }])
      const one = openConverter(detectLayout(asked.schema, [asked]), asked.schema).convert(asked, rowsFrom(0, 1))
      expect(one.refused).toEqual([{ row: 0, reason: 'unreadable_prompt', error: `prompt: ${fault}` }])
    })
  }

  it('content that is no text, or half a character, in all rows: refused, and never read as text', () => {
    for (const text of ['[{"role":"user","content":[{"type":"text"}]}]', '[{"role":"user","content":"\\ud83d"}]']) {
      const got = read(table([json(text), json(text)]))
      expect([got.layout, got.refused]).toEqual(['json', { 0: 'unreadable_prompt', 1: 'unreadable_prompt' }])
    }
  })

  it('text that only begins with a bracket is text', () => {
    expect(read(table([json('[a] or [b]?'), json('[1]')])).layout).toBe('text')
  })

  it('sides as JSON without a prompt are whole conversations', () => {
    const got = read(
      table([{ chosen: JSON.stringify([user(q), assistant(a)]), rejected: JSON.stringify([user(q), assistant(b)]) }]),
    )
    expect([got.layout, got.pairs[0]]).toMatchObject(['json', plain])
  })
})

describe('names of other tools', () => {
  it('LLaMA-Factory: input below the instruction, system before it, conversations with {from, value}', () => {
    const got = read(
      table([
        { instruction: 'Add.', input: '1 and 2', system: '', chosen: '3', rejected: '4' },
        { instruction: 'Add.', input: '', system: 'Be brief.', chosen: '3', rejected: '4' },
        { instruction: '', input: '1 + 2', system: null, chosen: '3', rejected: '4' },
        { instruction: null, input: 'x', system: null, chosen: '3', rejected: '4' },
      ]),
    )
    expect(got.pairs.map(pair => pair.prompt)).toEqual([
      [user('Add.\n1 and 2')],
      [system('Be brief.'), user('Add.')],
      [user('1 + 2')],
    ])
    expect(got.refused).toEqual({ 3: 'missing_prompt' })
    expect(Object.keys(got.pairs[0])).toEqual(['id', 'prompt', 'chosen', 'rejected'])
    const turns = [
      { from: 'human', value: q },
      { from: 'gpt', value: a },
      { from: 'human', value: 'And?' },
    ]
    const shared = read(
      table([{ conversations: turns, chosen: { from: 'gpt', value: a }, rejected: { from: 'gpt', value: b } }]),
    )
    expect(shared.pairs[0]).toMatchObject({ ...plain, prompt: [user(q), assistant(a), user('And?')] })
  })

  it('system stands before messages too, unless they begin with a system message of their own', () => {
    const turn = (from: string, value: string, uid: number | null) => ({ from, value, uid })
    const rows = [
      { system: 'Be brief.', conversations: [turn('human', q, 1)] },
      { system: '', conversations: [turn('human', q, 2)] },
      { system: 'Be brief.', conversations: [turn('system', 'Be long.', 3), turn('human', q, null)] },
      { system: null, conversations: [turn('system', 'Be long.', 4), turn('human', q, 5)] },
      { system: 'Be brief.', conversations: [] },
      { system: 'Be brief.', conversations: null },
      { system: 'Be kind.', conversations: [turn('human', q, null), turn('gpt', a, 6), turn('human', b, null)] },
    ].map(row => ({ ...row, chosen: turn('gpt', a, 7), rejected: turn('gpt', b, 8) }))
    const raw = table(rows),
      got = read(raw, { layout: 'llama_factory' })
    expect(got.pairs.map(pair => [pair.prompt, pair.source_prompt_fields])).toEqual([
      [[system('Be brief.'), user(q)], '[null,{"uid":1}]'],
      [[user(q)], '[{"uid":2}]'],
      [[system('Be long.'), user(q)], '[{"uid":3},null]'],
      [[system('Be long.'), user(q)], '[{"uid":4},{"uid":5}]'],
      [[], null],
      [[system('Be kind.'), user(q), assistant(a), user(b)], '[null,null,{"uid":6},null]'],
    ])
    expect(got.refused).toEqual({ 5: 'missing_prompt' })
    expect(got.pairs[0]).not.toHaveProperty('system')
    for (const cuts of [[1], [2, 5], [4, 6]]) expect(read(raw, { layout: 'llama_factory', cuts })).toEqual(got)
    const axolotl = { system: 'Be brief.', messages: [user(q)], chosen: assistant(a), rejected: assistant(b) }
    expect(read(table([axolotl])).pairs[0]).toMatchObject({ ...plain, prompt: [system('Be brief.'), user(q)] })
    const completions = [
      { response: a, score: 2 },
      { response: b, score: 1 },
    ]
    const scored = read(table([{ system: 'Be brief.', prompt: [user(q)], completions }]))
    expect(scored.pairs[0]).toMatchObject({ ...plain, id: scored.pairs[0].id, prompt: [system('Be brief.'), user(q)] })
    const whole = {
      system: 'Be brief.',
      instruction: [user(q)],
      chosen_response: [user(q), assistant(a)],
      rejected_response: [user(q), assistant(b)],
    }
    expect(read(table([whole])).pairs[0]).toMatchObject({ ...plain, prompt: [system('Be brief.'), user(q)] })
  })

  it('a column that has a name of the pair but is none is carried under another', () => {
    const got = read(table([{ instruction: q, chosen_response: a, rejected_response: b, chosen: 1, id: true }]))
    expect(got.pairs[0]).toMatchObject({ chosen: plain.chosen, source_chosen: 1, source_id: true })
  })
})

describe('completions', () => {
  it('what they have beside text and score goes with the side, and `columns` may leave it out', () => {
    const of = (response: string, score: number, model: string | null) => ({
      response,
      score,
      model,
      notes: [{ aspect: 'truth', fields: score }],
    })
    const raw = table([{ prompt: q, completions: [of(b, 1, 'x'), of(a, 5, null)], model: 'z' }])
    expect(read(raw).pairs[0]).toMatchObject({
      source_chosen_score: 5,
      source_chosen_model: null,
      source_rejected_model: 'x',
      source_chosen_notes: [{ aspect: 'truth', fields: 5 }],
      source_rejected_notes: [{ aspect: 'truth', fields: 1 }],
      model: 'z',
    })
    const { pairs } = openConverter(detectLayout(raw.schema, [raw]), raw.schema, { carry: ['model'] }).convert(
      raw,
      rowsFrom(0, 1),
    )
    expect(pairs.schema.names.slice(4)).toEqual(['source_chosen_score', 'source_rejected_score', 'model'])
  })

  const scored = (...list: readonly (readonly [string | null, number | null])[]) => ({
    prompt: q,
    completions: list.map(([response, score]) => ({ response, score })),
  })
  const said = (pairs: ReturnType<typeof read>['pairs']) =>
    pairs.map(({ id, chosen, rejected }) => [id, chosen[0].content, rejected[0].content])
  const row = { id: 'x', n: 5, ...scored(['mid', 3], ['best', 5], ['low', 1], ['mid2', 3], ['none', null], [null, 9]) }

  it('adjacent levels meet, each completion is used, ties never pair', () => {
    const got = read(table([row, { id: 'y', n: 6, ...scored(['a', 1], ['b', 0]) }]))
    expect(said(got.pairs)).toEqual([
      ['x-0', 'best', 'mid'],
      ['x-1', 'best', 'mid2'],
      ['x-2', 'mid', 'low'],
      ['x-3', 'mid2', 'low'],
      ['y-0', 'a', 'b'],
    ])
    expect(got.rows).toEqual([0, 0, 0, 0, 1])
    expect(got.pairs[2]).toMatchObject({ n: 5, source_chosen_score: 3, source_rejected_score: 1, prompt: [user(q)] })
    expect(got.ids).toEqual(['x', 'y'])
    expect(said(read(table([row]), { pairing: 'best_worst' }).pairs)).toEqual([['x-0', 'best', 'low']])
  })

  it('a row with completions that are in no pair, having no text or no score, is noted once', () => {
    const raw = table([row, { ...row, ...scored(['a', 1], ['b', 0]) }, { ...row, ...scored(['a', 1], ['b', null]) }])
    const { noted, refused } = openConverter(detectLayout(raw.schema, [raw]), raw.schema).convert(raw, rowsFrom(7, 10))
    expect(noted).toEqual([{ row: 7, reason: 'unused_completion' }])
    expect(refused).toEqual([{ row: 9, reason: 'too_few_completions', value: 1 }])
  })

  it('best_worst notes the rows that have completions between the highest and the lowest', () => {
    const raw = table([
      row,
      { ...row, ...scored(['a', 1], ['b', 0], ['c', 1]) },
      { ...row, ...scored(['a', 1], ['b', 0], ['c', 2]) },
      { ...row, ...scored(['a', 1], ['b', 1], ['c', 1]) },
    ])
    const noted = (pairing: 'adjacent' | 'best_worst') =>
      openConverter(detectLayout(raw.schema, [raw]), raw.schema, { pairing }).convert(raw, rowsFrom(7, 11)).noted
    expect(noted('best_worst')).toEqual([
      { row: 7, reason: 'unused_completion' },
      { row: 7, reason: 'left_out' },
      { row: 9, reason: 'left_out' },
    ])
    expect(noted('adjacent')).toEqual([{ row: 7, reason: 'unused_completion' }])
  })

  it('scores that are integers of 64 bits are held exactly; a row with one that float64 rounds is refused', () => {
    const lists = (type: DataType, ...rows: readonly (readonly (bigint | null)[])[]) => {
      const scores = column('scores', rows, new List(new Field('item', type)))
      const texts = rows.map(list => list.map((_, i) => `says ${i}`))
      const raw = table(texts.map((completions, i) => ({ id: `r${i}`, prompt: q, completions })))
      return toRecordBatch(
        new Schema([...raw.schema.fields, new Field('scores', scores.data.type as DataType, true)]),
        [...raw.data.children, scores.data],
        rows.length,
      )
    }
    const big = 2n ** 53n
    const raw = lists(new Int64(), [big + 1n, big], [big + 2n, big], [-big - 1n, null, -big], [1n, 2n])
    const batch = openConverter(detectLayout(raw.schema, [raw]), raw.schema).convert(raw, rowsFrom(0, 4))
    const error = (score: bigint) =>
      `the score ${score} is an integer that float64 rounds; make the scores smaller, or give ranks`
    expect(batch.refused).toEqual([
      { row: 0, reason: 'inexact_score', error: error(big + 1n) },
      { row: 2, reason: 'inexact_score', error: error(-big - 1n) },
    ])
    expect(pairsOf(batch).map(pair => [pair.id, pair.source_chosen_score, pair.source_rejected_score])).toEqual([
      ['r1-0', Number(big + 2n), Number(big)],
      ['r3-0', 2, 1],
    ])
    expect(read(lists(new Uint64(), [2n ** 64n - 1n, 2n ** 64n - 2n], [2n ** 63n, 2n ** 62n]))).toMatchObject({
      refused: { 0: 'inexact_score' },
      pairs: [{ source_chosen_score: 2 ** 63, source_rejected_score: 2 ** 62 }],
    })
    const decimals = new Decimal(2, 10, 128)
    const score = makeData({ type: decimals, length: 2, nullCount: 0, data: Uint32Array.of(1, 0, 0, 0, 2, 0, 0, 0) })
    const texts = { prompt: makeText([q, q]), response: makeText([a, b]) }
    const names = new Schema(
      [...Object.keys(texts).map(name => [name, new Utf8()] as const), ['score', decimals] as const].map(
        ([name, type]) => new Field(name, type),
      ),
    )
    expect(() => read(toRecordBatch(names, [...Object.values(texts), score], 2))).toThrow(
      /^no pairs are found.*score Decimal/,
    )
  })

  it('rows that make no pair', () => {
    const got = read(
      table([
        row,
        scored(['a', 2], ['b', 2]),
        scored(['a', 2], [null, 1]),
        { ...scored(), completions: [] },
        { ...scored(), completions: null },
        { ...row, prompt: null },
      ]),
    )
    expect(got.refused).toEqual({
      1: 'tied_scores',
      2: 'too_few_completions',
      3: 'too_few_completions',
      4: 'too_few_completions',
      5: 'missing_prompt',
    })
  })

  it('two lists side by side, ranks, and lists of messages', () => {
    const lists = read(
      table([
        { instruction: q, generations: ['one', 'two', 'three'], ratings: [1, 3, 2] },
        { instruction: q, generations: ['one', 'two'], ratings: [1] },
      ]),
    )
    expect(lists.pairs.map(pair => [pair.chosen[0].content, pair.rejected[0].content])).toEqual([
      ['two', 'three'],
      ['three', 'one'],
    ])
    expect(lists.refused).toEqual({ 1: 'unequal_lists' })
    const ranked = read(
      table([
        {
          context: [user(q)],
          completions: [
            { rank: 1, completion: [assistant(b)] },
            { rank: 0, completion: [{ ...assistant(a), name: 'Ann' }] },
          ],
        },
      ]),
    )
    expect(ranked.pairs[0]).toMatchObject({
      ...plain,
      source_chosen_score: 0,
      source_rejected_score: 1,
      source_chosen_fields: '[{"name":"Ann"}]',
      source_rejected_fields: null,
    })
  })

  it('an empty batch gives the same schema', () => {
    const raw = table([row])
    const empty = toRecordBatch(
      raw.schema,
      raw.schema.fields.map(field => fromValues(field.type, [])),
      0,
    )
    expect(read(empty)).toMatchObject({ layout: 'completions', pairs: [] })
    expect(raw.schema.fields.find(field => field.name === 'completions')!.type).toBeInstanceOf(List)
  })
})

describe('properties', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 6 })
  const maybe = fc.option(text, { freq: 5 })
  const turns = fc.array(
    fc.record({
      role: fc.constantFrom('user', 'assistant', 'tool'),
      content: fc.option(fc.constantFrom('a', 'b', ''), { freq: 9 }),
    }),
    { maxLength: 4 },
  )
  const transcript = fc
    .array(fc.constantFrom('\n\nHuman:', '\n\nAssistant:', ' x', '\n', 'y '), { maxLength: 8 })
    .map(parts => `\n\nHuman: a\n\nAssistant: b${parts.join('')}`)
  const id = fc.option(fc.constantFrom('i', 'j'), { freq: 2 })
  const kinds: Record<string, fc.Arbitrary<Row>> = {
    text: fc.record({ id, prompt: maybe, chosen: maybe, rejected: maybe, n: fc.integer() }),
    messages: fc.record({
      id,
      prompt: fc.option(turns, { freq: 5 }),
      chosen: fc.option(turns, { freq: 5 }),
      rejected: turns,
    }),
    text_messages: fc.record({ id, prompt: fc.constantFrom('a', 'b'), chosen: turns, rejected: turns }),
    implicit: fc.record({ chosen: turns, rejected: turns, n: fc.boolean() }),
    transcripts: fc.record({ chosen: transcript, rejected: transcript }),
    llama_factory: fc.record({ instruction: maybe, input: maybe, system: maybe, chosen: maybe, rejected: maybe }),
    completions: fc.record({
      id,
      prompt: maybe,
      completions: fc.option(
        fc.array(fc.record({ text: maybe, score: fc.option(fc.integer({ min: 0, max: 3 })) }), { maxLength: 6 }),
        { freq: 5 },
      ),
    }),
  }
  for (const [layout, arbitrary] of Object.entries(kinds)) {
    it(`${layout}: pairs do not depend on how rows are cut into batches, and every row is a pair or refused`, () => {
      fc.assert(
        fc.property(
          fc.array(arbitrary, { minLength: 1, maxLength: 12 }),
          fc.array(fc.nat(12), { maxLength: 4 }),
          (rows, cuts) => {
            // a first row that fixes the types and the layout
            const model = JSON.parse(layouts.find(({ name }) => name === layout)!.example) as Row
            const first =
              layout === 'completions'
                ? { ...model, completions: [{ text: 'x', score: 1 }] }
                : layout === 'llama_factory'
                  ? { ...model, system: 's' }
                  : model
            const raw = table([first, ...rows])
            const whole = read(raw, { layout: layout as never })
            const edges = cuts.filter(cut => cut <= raw.numRows).sort((x, y) => x - y)
            expect(read(raw, { layout: layout as never, cuts: edges })).toEqual(whole)
            const seen = new Set([...whole.rows, ...Object.keys(whole.refused).map(Number)])
            expect(seen.size).toBe(raw.numRows)
            expect(new Set(whole.rows).size + Object.keys(whole.refused).length).toBe(raw.numRows)
            expect([...whole.rows]).toEqual([...whole.rows].sort((x, y) => x - y))
          },
        ),
        { numRuns: 60 },
      )
    })
  }
})
