/** Files whose columns look like something else than what they are: other answers, answers in JSON, Python, maps. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Map_, Field, List, Struct, Utf8 } from 'apache-arrow'
import { expect, it } from 'vitest'
import { openInputs } from '../../engine/source/open.ts'
import readArrow from '../../stages/sources/read_arrow.ts'
import readJsonl from '../../stages/sources/read_jsonl.ts'
import { folder, writeJsonl } from '../engine/helpers.ts'
import { inProcess } from '../failures/helpers.ts'
import { column } from '../sinks/helpers.ts'
import { optionsOf, readAll } from './files.ts'
import { assistant, user } from './helpers.ts'

const long = (text: string) => `${text}, which goes on for some words so that it is an answer.`
const write = (rows: readonly object[]) => writeJsonl(join(folder(), 'in.jsonl'), rows as never)
const open = (path: string, more: object = {}) =>
  openInputs(readJsonl, { ...(optionsOf(path) as object), ...more } as never, folder())

it('an extracted result, or a passage that was found, is not taken for the answer where a longer text is there', async () => {
  const rows = [0, 1, 2].flatMap(i =>
    ['good', 'bad'].map((kind, k) => ({ instruction: `Question ${i}?`, answer: `${i + k}`, next_response: long(`${kind} ${i}`), rating: 1 - k })),
  ) // prettier-ignore
  await expect(open(write(rows))).rejects.toThrow(/answer: next_response, score: rating/)
  // where there is no other text, or a shorter one, it is the answer
  const [file] = await open(
    write(rows.map(({ next_response: answer, ...row }) => ({ ...row, answer, tag: row.answer }))),
  )
  expect(file.layout).toBe('ranked')
})

it('answers in JSON with the keys of a message and other speakers are answers', async () => {
  const said = (role: string) => JSON.stringify({ role, content: long(role) }),
    rows = ['engineer', 'nurse'].map(role => ({
      prompt: `Extract ${role}.`,
      chosen: said(role),
      rejected: said('doctor'),
    }))
  const { pairs, files } = await readAll(readJsonl, folder(), write(rows))
  expect([files[0].layout, pairs[0].chosen]).toEqual(['text', [assistant(said('engineer'))]])
  const spoken = rows.map(row => ({ ...row, chosen: JSON.stringify(assistant('Yes.')), rejected: JSON.stringify(assistant('No.')) })) // prettier-ignore
  expect((await open(write(spoken)))[0].layout).toBe('json')
})

it('messages as Python prints them are refused with what to do', async () => {
  const printed = (answer: string) =>
      `[{'role': 'user', 'content': 'Why?'}, {'role': 'assistant', 'content': '${answer}'}]`,
    rows = [1, 2, 3].map(i => ({ prompt: `Why ${i}?`, chosen: printed(`good ${i}`), rejected: printed(`bad ${i}`) }))
  await expect(open(write(rows))).rejects.toThrow(
    /chosen holds messages as Python prints lists .* is no JSON; write the file again as JSON Lines or Parquet/,
  )
  const mapped = rows.map(({ prompt, ...sides }) => ({ asked: prompt, ...sides }))
  const map = { prompt: 'asked', chosen: 'chosen', rejected: 'rejected' }
  await expect(open(write(mapped), { map })).rejects.toThrow(/chosen holds messages as Python prints lists/)
})

it('lists of maps, as Spark writes messages, are messages', async () => {
  const entries = new Struct([new Field('key', new Utf8(), false), new Field('value', new Utf8())])
  const type = new List(new Field('item', new Map_(new Field('entries', entries, false))))
  const asMaps = (all: readonly object[]) => all.map(one => new Map(Object.entries(one)))
  const side = (name: string, rows: readonly object[][]) => column(name, rows.map(asMaps), type)
  const columns = [
    side('prompt', [[user('Why?')], [user('How?')]]),
    side('chosen', [[assistant('So.')], [assistant('Thus.')]]),
    side('rejected', [[assistant('No.')], [assistant('Never.')]]),
  ]
  const { tableToIPC, Table, RecordBatch, Schema, makeData } = await import('apache-arrow')
  const schema = new Schema(columns.map(({ name, data }) => new Field(name, data.type)))
  const data = makeData({
    type: new Struct(schema.fields),
    length: 2,
    nullCount: 0,
    children: columns.map(one => one.data),
  })
  const path = join(folder(), 'maps.arrow')
  writeFileSync(path, tableToIPC(new Table([new RecordBatch(schema, data)]), 'file'))
  const { pairs, files } = await readAll(readArrow, folder(), path)
  expect(files[0].layout).toBe('json')
  expect(pairs.map(({ prompt, chosen }) => [prompt, chosen])).toEqual([
    [[user('Why?')], [assistant('So.')]],
    [[user('How?')], [assistant('Thus.')]],
  ])
})

it('looks at CSV', async () => {
  const path = join(folder(), 'in.csv')
  writeFileSync(path, 'prompt,chosen,rejected\nWhy?,So.,No.\n')
  const { code, stdout } = await inProcess('look', path)
  expect([code, stdout]).toEqual([0, expect.stringContaining('in.csv: 1 rows, read as text')])
})
