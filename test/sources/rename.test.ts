/** `rename: { new: old }`: other names for columns, before a layout is looked for. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openInputs } from '../../engine/source/open.ts'
import { renamedColumns } from '../../engine/source/names.ts'
import readJsonl from '../../stages/sources/read_jsonl.ts'
import { folder, writeJsonl } from '../engine/helpers.ts'
import { sluice as call, writeGraph } from '../failures/helpers.ts'
import { optionsOf, readAll } from './files.ts'

const at = folder()
const said = { id: 'a', q: 'Name a prime.', good: ['x'], best: 'Seven.', rejected: 'Nine.', n: 1 }
writeJsonl(join(at, 'in.jsonl'), [said])
const rename = { prompt: 'q', chosen: 'best' }

it('makes a layout fit, and what is said of columns is said of the new names', async () => {
  const { pairs, files } = await readAll(readJsonl, at, 'in.jsonl', {
    rename: { ...rename, number: 'n' },
    columns: ['number'],
  })
  expect(files[0].layout).toBe('text')
  expect(Object.keys(pairs[0])).toEqual(['id', 'prompt', 'chosen', 'rejected', 'number'])
  expect(pairs[0]).toMatchObject({ id: 'a', number: 1, chosen: [{ role: 'assistant', content: 'Seven.' }] })
  await expect(openInputs(readJsonl, optionsOf('in.jsonl', { rename, columns: ['q'] }), at)).rejects.toThrow(
    "option 'columns' names q, which is not there; there are id, prompt, good, chosen, rejected, n",
  )
})

it('lets a column of messages be what a layout needs, and one that was be text', async () => {
  const messages = [{ role: 'user', content: 'Name a prime.' }]
  writeJsonl(join(at, 'lists.jsonl'), [{ asked: messages, prompt: [1, 2], chosen: 'Seven.', rejected: 'Nine.' }])
  const { pairs } = await readAll(readJsonl, at, 'lists.jsonl', { rename: { prompt: 'asked', old: 'prompt' } })
  expect(pairs[0]).toMatchObject({ prompt: messages, old: '[1,2]' })
})

it('takes columns of folders too, and lets two change places', async () => {
  const { pairs } = await readAll(readJsonl, at, 'in.jsonl', {
    rename: { ...rename, rejected: 'best', chosen: 'rejected' },
  })
  expect(pairs[0].chosen[0].content).toBe('Nine.')
  const inside = join(at, 'lang=de')
  mkdirSync(inside)
  writeJsonl(join(inside, 'in.jsonl'), [said])
  expect(
    (await readAll(readJsonl, inside, 'in.jsonl', { rename: { ...rename, language: 'lang' } })).pairs[0].language,
  ).toBe('de')
})

it('tells all that cannot be at once', () => {
  const names = ['id', 'q', 'best', 'rejected']
  expect(() => renamedColumns({ prompt: 'qq', x: 'best', y: 'best', id: 'rejected' }, names)).toThrow(
    "option 'rename' takes prompt from 'qq', which is not there (did you mean 'q'?); y from 'best', which is x already; a column has one name; id from 'rejected', and a column id is there; give that another name too, or leave this out; there are id, q, best, rejected",
  )
})

it('is part of keys, is shown by `sluice check`, and can be set', async () => {
  const graph = writeGraph(join(at, 'g.json'), [
    { id: 'pairs', use: 'read_jsonl', with: { path: join(at, 'in.jsonl') } },
    { id: 'dpo', use: 'write_arrow' },
  ])
  const sluice = (command: string, ...more: string[]) => call(command, graph, ...more)
  const set = (text: string) => ['--set', `pairs.rename=${text}`]
  const { code, stdout } = await sluice('check', ...set('{ prompt: q, chosen: best }'))
  expect([code, stdout]).toEqual([
    0,
    expect.stringContaining("1 rows, layout text, renamed prompt from 'q', chosen from 'best'"),
  ])
  const output = ['--output', join(at, 'out'), '--workers', '1']
  const status = async (text: string) => (await sluice('run', ...set(text), ...output)).stdout.includes('nothing new')
  expect(await status('{ prompt: q, chosen: best }')).toBe(false)
  expect(await status('{ prompt: q, chosen: best }')).toBe(true)
  expect(await status('{ prompt: q, chosen: best, number: n }')).toBe(false)
  const wrong = await sluice('check', ...set('{ prompt: [q] }'))
  expect([wrong.code, wrong.stderr]).toEqual([78, expect.stringContaining('rename')])
})
