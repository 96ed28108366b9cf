/** Nothing that a terminal obeys is printed, wherever it comes from. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import '../../index.mjs'
import { inLine, visible } from '../../engine/terminal.ts'
import { startServer } from '../calls/server.ts'
import { graphOf as served } from '../calls/helpers.ts'
import { sluice, writeGraph, type Ended } from '../failures/helpers.ts'
import { folder } from './helpers.ts'

// an escape sequence, its one-byte form, a carriage return, a backspace, DEL, an override of direction, and a line of
// its own
const nasty = '\u001b[31mred\u009b2Jgone\rover\bx\u007f\u202eexe.txt\nsluice: all is well'
const OBEYED = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/
const isPlain = ({ stdout, stderr }: Ended) => {
  expect(stdout).not.toMatch(OBEYED)
  expect(stderr).not.toMatch(OBEYED)
}
const isOneLine = ({ stdout, stderr }: Ended) => {
  expect(`${stdout}${stderr}`).not.toMatch(/^sluice: all is well/m)
}

it('characters that a terminal obeys are shown as JSON writes them', () => {
  expect(visible('a\u001b[2J\u009b\u202e\r\tb\nc é 灯 👍')).toBe('a\\u001b[2J\\u009b\\u202e\\u000d\tb\nc é 灯 👍')
  expect(inLine('a\nb\t')).toBe('a\\u000ab\\u0009')
  expect(JSON.parse(visible(JSON.stringify({ [nasty]: nasty })))).toEqual({ [nasty]: nasty })
})

it('ids, names of files and columns, and words of a stage come to the terminal and to the report as text', async () => {
  const at = folder(),
    input = join(at, `in ${nasty.replace('/', '')}`),
    output = join(at, 'out'),
    html = '<script>alert(1)</script>'
  mkdirSync(input)
  const rows = [
    { id: nasty, prompt: 'why?', chosen: 'yes it is', rejected: 'not at all' },
    { id: 'x', prompt: 'who?', chosen: 'me', rejected: 'you' },
    { id: `y${html}`, prompt: html, chosen: 'one', rejected: 'one' },
  ]
  writeFileSync(
    join(input, `${html.replaceAll('/', '')}.jsonl`),
    rows.map(row => `${JSON.stringify({ ...row, [`note${nasty}${html}`]: 'n' })}\n`).join(''),
  )
  writeFileSync(
    join(at, 'stage.mjs'),
    `import { defineStage, Type } from 'sluice-data'
export default defineStage({ name: 'fails', version: 1, summary: 's', options: Type.Object({}), reads: {}, writes: {}, rows: 'same', reasons: {}, examples: [],
  open: () => ({ batch(batch) { for (let row = 0; row < batch.rows; row++) if (batch.messages('chosen').text(row).startsWith('yes')) throw new Error(${JSON.stringify(nasty)}) } }) })`,
  )
  mkdirSync(join(at, 'node_modules'))
  symlinkSync(process.cwd(), join(at, 'node_modules', 'sluice-data'))
  const graph = writeGraph(join(at, 'g.json'), [
    { id: 'pairs', use: 'read_jsonl', with: { path: input } },
    { id: 'checked', use: 'check_pairs' },
    { id: 'fails', use: join(at, 'stage.mjs') },
    { id: 'dpo', use: 'write_jsonl' },
  ])
  const ran = await sluice('run', graph, '--output', output)
  expect(ran.code, ran.stderr).toBe(0)
  isPlain(ran)
  isOneLine(ran)
  const report = readFileSync(join(output, 'latest', 'report.html'), 'utf8')
  expect(report).toContain('&lt;script&gt;alert(1)')
  // the page has one of its own
  expect(report.match(/<script/g)).toHaveLength(1)
  const why = await sluice('why', nasty, '--output', output)
  isPlain(why)
  expect(why.stdout).toMatch(/errored:\s+fails failed on it[^]*fails:\s+\\u001b\[31mred/)
  for (const argv of [
    ['check', graph],
    ['run', graph, '--json', '--anew', '--output', output],
    ['run', `${nasty}.yaml`],
    [nasty],
    ['run', graph, '--input', join(at, nasty)],
    ['run', graph, '--set', `pairs.${nasty}=1`],
  ]) {
    isPlain(await sluice(...argv))
  }
}, 120_000)

it('words of a server too, and what is kept of a row is shown as it is', async () => {
  const server = await startServer(
    ({ body }, response) =>
      JSON.stringify(body).includes('answer 7:') &&
      response.writeHead(400).end(JSON.stringify({ error: { message: `no ${nasty}` } })) &&
      true,
  )
  const at = folder(),
    graph = join(at, 'g.json'),
    output = join(at, 'out')
  writeFileSync(graph, JSON.stringify(served(server.url)))
  const ran = await sluice('run', graph, '--output', output)
  expect(ran.code, ran.stderr).toBe(0)
  const why = await sluice('why', 'r7', '--output', output)
  isPlain(why)
  expect(why.stdout).toMatch(/errored[^]*\\u001b\[31mred/)
}, 60_000)
