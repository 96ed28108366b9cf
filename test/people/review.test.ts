/** `sluice review` up to its page: which list is read, of which run, and what is refused. */
import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { openDecisions } from '../../app/review/file.ts'
import { readList } from '../../app/review/list.ts'
import type { Manifest } from '../../engine/run/manifest.ts'
import { folder, pairs, writeJsonl } from '../engine/helpers.ts'
import { inProcess as sluice, writeGraph } from '../failures/helpers.ts'

let at: string, graph: string
const out = (name: string) => join(at, name)

beforeAll(async () => {
  at = folder()
  const path = writeJsonl(join(at, 'pairs.jsonl'), pairs(20))
  const source = { id: 'pairs', use: 'read_jsonl', with: { path } },
    sink = (id: string, use: string) => ({ id, use, from: 'pairs', with: { for: 'review' } })
  graph = writeGraph(join(at, 'one.yaml'), [source, sink('humans', 'write_parquet')])
  const many = writeGraph(join(at, 'many.yaml'), [
    source,
    sink('humans', 'write_parquet'),
    sink('lines', 'write_jsonl'),
    sink('arrow', 'write_arrow'),
  ])
  const none = writeGraph(join(at, 'none.yaml'), [source, { id: 'dpo', use: 'write_arrow' }])
  for (const [file, output] of [
    [graph, 'one'],
    [many, 'many'],
    [none, 'none'],
  ]) {
    expect((await sluice('run', file, '--output', out(output), '--quiet')).code).toBe(0)
  }
})

describe('readList', () => {
  it('reads the same pairs of Parquet, JSON Lines and Arrow', async () => {
    const latest = join(out('many'), 'latest')
    const [parquet, lines, arrow] = await Promise.all(
      ['humans', 'lines', 'arrow'].map(async sink => (await readList(latest, sink)).pairs),
    )
    expect(parquet).toHaveLength(20)
    expect(parquet[0].id).toBe(pairs(1)[0].id)
    expect(lines).toEqual(parquet)
    expect(arrow).toEqual(parquet)
  })
})

it('what is decided on a list is applied by the next run, and measures the list', async () => {
  const { pairs: list } = await readList(join(out('one'), 'latest')),
    path = join(at, 'decisions.jsonl'),
    file = openDecisions(path)
  const decisions = ['flip', 'drop', 'keep', 'keep'] as const
  decisions.forEach((decision, i) => {
    const { id, content } = list[i]
    file.put(list[i], { id, decision, content_hash: content!, by: 'ann', at: '2026-11-29T12:00:00.000Z' })
  })
  file.close()
  expect((await sluice('run', graph, '--output', out('again'), '--decisions', path, '--quiet')).code).toBe(0)
  const { pairs: next } = await readList(join(out('again'), 'latest'))
  expect(next).toHaveLength(list.length - 1)
  expect(next[0]).toMatchObject({ id: list[0].id, chosen: list[0].rejected, rejected: list[0].chosen })
  const manifest = JSON.parse(readFileSync(join(out('again'), 'latest', 'manifest.json'), 'utf8')) as Manifest
  expect(manifest.decisions).toMatchObject({ keep: 2, drop: 1, flip: 1, listed: { decided: 4, wrong: 2 } })
})

describe('sluice review', () => {
  it.each([
    ['a run without a list', ['--output', 'none'], 66, /has no list for people; add a sink/],
    ['several lists', ['--output', 'many'], 64, /several lists; name one by --list: humans, lines, arrow/],
    ['a list that is not there', ['--output', 'many', '--list', 'human'], 64, /no list 'human'/],
    ['no run', ['--output', 'nowhere'], 66, /no published run/],
    ['a port beyond the highest', ['--output', 'one', '--port', '99999'], 64, /the highest is 65535/],
    ['a file of another kind', ['--output', 'one', '--decisions', 'd.csv'], 64, /has to end in \.jsonl/],
  ])('refuses %s', async (_, [flag, name, ...rest], code, message) => {
    const result = await sluice('review', flag, out(name), ...rest)
    expect(result).toMatchObject({ code, stderr: expect.stringMatching(message) as unknown })
  })

  it('refuses a word that is no run', async () => {
    const result = await sluice('review', out('nowhere'))
    expect(result).toMatchObject({ code: 66, stderr: expect.stringMatching(/there is no run in .*nowhere/) })
  })

  it('refuses a list that is not what the run published, with 65, and begins no file', async () => {
    const file = join(out('one'), 'latest', 'humans', readdirSync(join(out('one'), 'latest', 'humans'))[0])
    appendFileSync(file, 'x')
    const result = await sluice('review', out('one'))
    expect(result).toMatchObject({ code: 65, stderr: expect.stringMatching(/is not what the run published/) })
    expect(existsSync(join(out('one'), 'decisions.jsonl'))).toBe(false)
  })
})
