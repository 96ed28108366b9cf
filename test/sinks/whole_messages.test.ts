/** Messages with all that they had: tool calls, reasoning, pictures, as trainers take them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { RecordBatchReader } from 'apache-arrow'
import { describe, expect, it } from 'vitest'
import { makeText } from '../../engine/arrow/columns.ts'
import { toFormat } from '../../stages/sinks/format.ts'
import writeArrow from '../../stages/sinks/write_arrow.ts'
import writeJsonl from '../../stages/sinks/write_jsonl.ts'
import { run } from '../../index.mjs'
import { folder as newFolder, writeJsonl as writeLines } from '../engine/helpers.ts'
import { assistant, jsonLines, numbered, pairs, runSink, user } from './helpers.ts'

type Messages = Record<string, unknown>[]
const call = (args: unknown) => ({ id: 'c1', type: 'function', function: { name: 'look', arguments: args } })
const prompt = [...user('Where is é "x"?'), ...assistant(''), { role: 'tool', content: 'Here.' }]
const row = { id: 'r0', prompt, chosen: assistant('It is 7.'), rejected: assistant('No.') }
const fields = (side: string, values: (string | null)[]) => ({
  name: `source_${side}_fields`,
  data: makeText(values),
})
/** Of three rows the first has further fields. */
const batch = pairs(
  [row, ...numbered(2)],
  [
    fields('prompt', [
      JSON.stringify([null, { tool_calls: [call('{"n": 12345678901234567890}')] }, { name: 'look' }]),
      null,
      null,
    ]),
    fields('chosen', [
      JSON.stringify([{ reasoning_content: 'Think.', tool_calls: JSON.stringify([JSON.stringify(call({ a: [1] }))]) }]),
      null,
      null,
    ]),
    fields('rejected', [JSON.stringify([{ parts: [{ type: 'image', image: 'a.png' }] }]), null, null]),
    { name: 'tools', data: makeText(['[{"type":"function"}]', null, null]) },
  ],
)
const first = {
  id: 'r0',
  prompt: [
    { role: 'user', content: 'Where is é "x"?' },
    // the digits are held as text below: JSON.parse rounds them
    { role: 'assistant', content: '', tool_calls: [call({ n: 12345678901234567000 })] },
    { role: 'tool', content: 'Here.', name: 'look' },
  ],
  chosen: [{ role: 'assistant', content: 'It is 7.', reasoning_content: 'Think.', tool_calls: [call({ a: [1] })] }],
  rejected: [
    {
      role: 'assistant',
      content: [
        { type: 'image', image: 'a.png' },
        { type: 'text', text: 'No.' },
      ],
    },
  ],
  tools: '[{"type":"function"}]',
}
const others = numbered(2).map(one => ({ ...one, tools: null }))

describe('format: whole', () => {
  it('of write_arrow is JSON with the keys that each message had, and tools keep their name', async () => {
    const { folder, schema } = await runSink(writeArrow, { format: 'whole' }, [batch])
    expect(schema.names).toEqual(['id', 'prompt', 'chosen', 'rejected', 'tools'])
    const [read] = RecordBatchReader.from(readFileSync(join(folder, 'data-00000-of-00001.arrow'))).readAll()
    expect(read.schema.fields[1].type.children[0].metadata.get('ARROW:extension:name')).toBe('arrow.json')
    const rows = [...read].map(one => {
      const { prompt, chosen, rejected, ...rest } = one!.toJSON() as Record<string, Iterable<string>>
      const parsed = (side: Iterable<string>) => [...side].map(text => JSON.parse(text) as unknown)
      return { ...rest, prompt: parsed(prompt), chosen: parsed(chosen), rejected: parsed(rejected) }
    })
    expect(rows).toEqual([first, ...others])
    expect([...(read.getChild('prompt')!.get(0) as Iterable<string>)][1]).toContain('{"n":12345678901234567890}')
  })

  it('of write_jsonl is objects, and what auto means where messages may have such fields', async () => {
    for (const format of ['whole', 'auto']) {
      expect(jsonLines((await runSink(writeJsonl, { format }, [batch])).folder)).toEqual([first, ...others])
    }
    const plain = jsonLines((await runSink(writeJsonl, { format: 'conversational' }, [batch])).folder)
    expect(plain[0]).toMatchObject({
      chosen: assistant('It is 7.'),
      source_chosen_fields: expect.any(String) as string,
    })
    const none = pairs(numbered(2))
    expect(jsonLines((await runSink(writeJsonl, { format: 'whole' }, [none])).folder)).toEqual(numbered(2))
  })

  it("makes tool_calls of OpenAI's old function_call, and of LLaMA-Factory's text, where the row has the tool", async () => {
    const said = '{"name": "look", "arguments": {"n": 12345678901234567890}}',
      ask = [...user('Q'), ...assistant(said), { role: 'tool', content: 'Here.' }]
    const some = pairs(
      [
        { id: 'a', prompt: ask, chosen: assistant(''), rejected: assistant(`[${said}]`) },
        { id: 'b', prompt: ask, chosen: assistant('x'), rejected: assistant('y') },
      ],
      [
        fields('chosen', [JSON.stringify([{ function_call: { name: 'look', arguments: '{"n": 1}' } }]), null]),
        { name: 'tools', data: makeText(['[{"type":"function","function":{"name":"look"}}]', '[{"name":"other"}]']) },
      ],
    )
    const { folder } = await runSink(writeJsonl, { format: 'whole' }, [some]),
      [a, b] = jsonLines(folder) as Record<string, Messages>[]
    const called = [{ type: 'function', function: { name: 'look', arguments: { n: 12345678901234567000 } } }]
    expect(a.prompt[1]).toEqual({ role: 'assistant', content: '', tool_calls: called })
    expect(a.rejected).toEqual([{ role: 'assistant', content: '', tool_calls: called }])
    expect(a.chosen).toEqual([
      {
        ...{ role: 'assistant', content: '' },
        tool_calls: [{ type: 'function', function: { name: 'look', arguments: { n: 1 } } }],
      },
    ])
    expect(b.prompt[1]).toEqual({ role: 'assistant', content: said })
    expect(readFileSync(join(folder, 'data.jsonl'), 'utf8')).toContain('12345678901234567890')
  })

  it('refuses fields of more messages than there are, by row', () => {
    const bad = pairs([row], [fields('chosen', ['[null,{"name":"a"}]'])])
    const { schema } = writeArrow.schema({ format: 'whole' } as never, bad.schema, false)
    expect(() => toFormat('write_arrow', bad, schema)).toThrow(
      "write_arrow: chosen of row 'r0' has 1 messages, and source_chosen_fields are of 2; a stage changed one of them alone: set format: conversational",
    )
  })

  it('gives a run its tool calls back, and the warning names the sinks that have none', async () => {
    const at = newFolder(),
      rows = Array.from({ length: 3 }, (_, i) => ({
        id: `r${i}`,
        prompt: [{ role: 'user', content: `Where is ${i}?` }],
        chosen: [{ role: 'assistant', content: null, tool_calls: [call(`{"at": ${i}}`)] }],
        rejected: [{ role: 'assistant', content: 'I do not know.' }],
      })),
      path = writeLines(join(at, 'in.jsonl'), rows as never)
    const stages = [
      { id: 'pairs', use: 'read_jsonl', with: { path } },
      { id: 'dpo', use: 'write_arrow', from: 'pairs', with: { format: 'whole' } },
      { id: 'plain', use: 'write_arrow', from: 'pairs' },
      { id: 'lines', use: 'write_jsonl', from: 'pairs' },
      { id: 'humans', use: 'write_parquet', from: 'pairs', with: { for: 'review' } },
    ]
    const { manifest, folder } = await run({ version: 1, name: 'g', stages }, { output: join(at, 'out'), workers: 1 })
    expect(manifest.warnings).toEqual([
      'pairs: messages have fields beside role and content, as tool calls or reasoning, and those of plain have none: they lie as JSON in source_chosen_fields of 3 pairs; for trainers write them by write_arrow with format: whole',
    ])
    const lines = jsonLines(join(folder, 'lines')) as { chosen: Messages }[]
    expect(lines.map(({ chosen }) => chosen)).toEqual(
      rows.map((_, i) => [{ role: 'assistant', content: '', tool_calls: [call({ at: i })] }]),
    )
  })
})
