/** `sluice look`, and `--map`, from the command line. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { presets } from '../../engine/map/presets.ts'
import { inProcess } from '../failures/helpers.ts'

const folder = () => mkdtempSync(join(tmpdir(), 'sluice-look-'))
const write = (at: string, name: string, rows: readonly object[]): string => {
  const path = join(at, name)
  writeFileSync(path, rows.map(row => `${JSON.stringify(row)}\n`).join(''))
  return path
}
const shardOf = (output: string): string => readFileSync(join(output, 'latest', 'out', 'data.jsonl'), 'utf8')
const asked = (i: number, first: string, second: string) => ({ q: `Question number ${i}?`, left: first, right: second })
const battles = Array.from({ length: 30 }, (_, i) => {
  const isFirst = i % 3 > 0
  return {
    ...asked(i, `${isFirst ? 'Better' : 'Worse'} ${i}`, `${isFirst ? 'Worse' : 'Better'} ${i}`),
    verdict: i % 10 === 9 ? 'both' : isFirst ? 'left' : 'right',
  }
})

describe('sluice look', () => {
  it('what is certain ends with 0: how it is read, two pairs, the graph', async () => {
    const path = write(folder(), 'a.jsonl', [1, 2, 3].map(i => ({ prompt: `Q${i}`, chosen: `A${i}`, rejected: `B${i}` }))) // prettier-ignore
    const { code, stdout } = await inProcess('look', path)
    expect(code).toBe(0)
    for (const part of [
      `${path}: 3 rows, read as text`,
      'of the first 3 rows: 3 pairs',
      'chosen   assistant: A1',
      `- { id: pairs, use: read_jsonl, with: { path: ${path} } }`,
    ]) {
      expect(stdout).toContain(part)
    }
    expect(stdout).not.toContain('A3')
  })

  it('says of the first pairs what a person wants to know: turns, repeats, lengths, languages, nulls', async () => {
    const answer = 'Der Sommer war warm, und die Kinder gingen jeden Tag zum See hinunter.',
      pair = { prompt: 'Wie war der Sommer?', chosen: answer, rejected: 'Kalt.' },
      talk = [{ role: 'user', content: 'Hallo?' }, { role: 'assistant', content: 'Ja?' }, { role: 'user', content: 'Und?' }] // prettier-ignore
    const path = write(folder(), 'a.jsonl', [
      { ...pair, tag: 'a' },
      { ...pair, tag: null },
      { ...pair, rejected: answer, tag: null },
      { ...pair, prompt: 'Und der Winter?', chosen: 'Lang.', rejected: 'Er war kalt.', tag: 'b' },
    ])
    const { stdout } = await inProcess('look', path)
    for (const line of [
      'these pairs: 2 prompts, 1 with equal sides, 1 that were there before, the chosen side is the longer one in 2 of 3',
      'characters, as a median: prompt 19 (15 to 19), chosen 70 (5 to 70), rejected 12 (5 to 70)',
      'languages of chosen sides: de 3',
      'null, of 4 rows: tag 2',
    ]) {
      expect(stdout).toContain(`\n  ${line}\n`)
    }
    const chat = write(folder(), 'b.jsonl', [1, 2].map(i => ({ prompt: talk, chosen: [{ role: 'assistant', content: `So ${i}.` }], rejected: [{ role: 'assistant', content: 'No.' }] }))) // prettier-ignore
    const [{ figures }] = JSON.parse((await inProcess('look', chat, '--json')).stdout!) as [{ figures: object }]
    expect(figures).toEqual({
      characters: { prompt: [15, 15, 15], chosen: [5, 5, 5], rejected: [3, 3, 3] },
      several_turns: 2,
      equal_sides: 0,
      repeated: 0,
      chosen_longer: [2, 2],
      prompts: 1,
      languages: {},
      nulls: {},
    })
  })

  it('what is not ends with 65 and the line to paste; with it by --map it is certain', async () => {
    const at = folder(),
      path = write(at, 'b.jsonl', battles)
    const look = await inProcess('look', path)
    expect(look.code).toBe(65)
    const [, line] = /^ +(map: \{.*\})$/m.exec(look.stdout)!
    expect(line).toBe(
      'map: { prompt: q, answers: [ left, right ], prefer: { by: verdict, first: left, second: right, tie: both } }',
    )
    expect(look.stdout).toContain('? is q the prompt? if not, put the name of the column that is in its place')
    const map = join(at, 'map.yaml')
    writeFileSync(map, line)
    const again = await inProcess('look', path, '--map', map)
    expect(again.code).toBe(0)
    expect(again.stdout).toContain('verdict: left 18 → left, right 9 → right, both 3 → tie')
    expect(again.stdout).toContain('of the first 30 rows: 27 pairs, 3 tied_label')
  })

  it('--json says the same as data, of every file', async () => {
    const at = folder()
    write(at, 'a.jsonl', [{ prompt: 'Q', chosen: 'A', rejected: 'B' }])
    write(at, 'b.jsonl', battles)
    const { code, stdout } = await inProcess('look', at, '--json')
    expect(code).toBe(65)
    expect(JSON.parse(stdout)).toMatchObject([
      { rows: 1, layout: 'text', first_rows: { rows: 1, pairs: 1, none: {} }, notices: [] },
      {
        rows: 30,
        why: expect.stringContaining('not certain') as string,
        proposals: [{ map: { answers: ['left', 'right'] } }],
      },
    ])
  })

  it.each(presets().map(({ name, rows, ties }) => [name, rows, ties] as const))(
    'JSON Lines of %s are known by their columns, lists and objects too',
    async (name, rows, ties) => {
      const path = write(folder(), 'set.jsonl', rows),
        { code, stdout } = await inProcess('look', path, '--json')
      const [look] = JSON.parse(stdout) as [{ layout?: string; first_rows: object; why?: string }]
      if (/^pku_/.test(name)) expect([code, look.why!.includes(`map: ${name}`)]).toEqual([65, true])
      else expect([code, look.layout]).toEqual([0, name])
      if (ties > 0 && name !== 'helpsteer') expect(look.first_rows).toMatchObject({ none: { tied_label: ties } })
    },
  )

  it('--presets lists the known sets; no file, no such file and no such map are told', async () => {
    expect((await inProcess('look', '--presets')).stdout).toContain('helpsteer2_preference')
    expect((await inProcess('look')).code).toBe(64)
    expect((await inProcess('look', 'nowhere/*.parquet')).code).toBe(66)
    const path = write(folder(), 'b.jsonl', battles)
    expect(await inProcess('look', path, '--map', './no.yaml')).toMatchObject({ code: 66 })
    const { code, stderr } = await inProcess('look', path, '--map', 'arenaa')
    expect([code, stderr.includes("did you mean 'arena'?")]).toEqual([64, true])
  })
})

describe('a run', () => {
  const graph = (at: string, path: string, map?: object) => {
    const file = join(at, `g${map ? 'mapped' : ''}.json`)
    writeFileSync(file, JSON.stringify({ version: 1, name: 'g', stages: [{ id: 'pairs', use: 'read_jsonl', with: { path, ...(map ? { map } : {}) } }, { id: 'out', use: 'write_jsonl' }] })) // prettier-ignore
    return file
  }
  const map = { prompt: 'q', answers: ['left', 'right'], prefer: { by: 'verdict', first: 'left', second: 'right', tie: 'both' } } // prettier-ignore

  it('is refused with the same line; with a map, of the graph or the command line, the pairs are the right way round', async () => {
    const at = folder(),
      path = write(at, 'b.jsonl', battles),
      output = join(at, 'out')
    const refused = await inProcess('run', graph(at, path), '--output', output, '--workers', '1')
    expect([refused.code, refused.stderr.includes('map: { prompt: q, answers: [ left, right ]')]).toEqual([65, true])
    const file = join(at, 'map.yaml')
    writeFileSync(file, JSON.stringify(map))
    const published: string[] = []
    for (const args of [
      [graph(at, path, map)],
      [graph(at, path), '--map', file],
      [graph(at, path), '--set', `pairs.map=${JSON.stringify(map)}`],
    ]) {
      const { code } = await inProcess('run', ...args, '--output', output, '--workers', '1')
      expect(code).toBe(0)
      published.push(shardOf(output))
    }
    expect(new Set(published).size).toBe(1)
    const rows = published[0]
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as Record<'chosen' | 'rejected', string>)
    expect(rows).toHaveLength(27)
    for (const { chosen, rejected } of rows) {
      expect([chosen, rejected]).toEqual([expect.stringMatching(/^Better/), expect.stringMatching(/^Worse/)]) // prettier-ignore
    }
    const both = await inProcess('run', graph(at, path), '--map', file, '--set', `pairs.map=${JSON.stringify(map)}`, '--output', output) // prettier-ignore
    expect([both.code, both.stderr.includes('both say where the pairs are')]).toEqual([64, true])
  })

  it('options of pairing count for lists that a map names, and group for rows of one answer each', async () => {
    const at = folder(),
      rows = [0, 1, 2].map(i => ({ q: `Question ${i}?`, a: `A${i}`, b: `B${i}`, c: `C${i}`, s: [3, 2, 1] })),
      output = join(at, 'out')
    const of = async (path: string, map: object, ...more: string[]) => {
      const { code, stderr } = await inProcess('run', graph(at, path, map), ...more, '--output', output, '--workers', '1') // prettier-ignore
      expect([code, stderr]).toEqual([0, expect.any(String)])
      return shardOf(output).trim().split('\n')
    }
    const list = { prompt: 'q', list: ['a', 'b', 'c'], score: 's[]' }
    expect(await of(write(at, 'l.jsonl', rows), list, '--set', 'pairs.pairing=best_worst')).toHaveLength(3)
    const answers = [0, 1, 2, 3].map(i => ({ q: `Question ${i >> 1}?`, a: `A${i}`, ok: i % 2 === 0, g: i >> 1 })),
      one = { prompt: 'q', answer: 'a', group: 'g', score: 'ok' }
    expect(await of(write(at, 'g.jsonl', answers), one)).toHaveLength(2)
  })

  it('a file of --map that is no YAML, no mapping, or holds more than its map is told by name', async () => {
    const at = folder(),
      path = write(at, 'b.jsonl', battles)
    for (const [text, code, why] of [
      ['a: 1\na: 2\n', 65, 'is no YAML'],
      ['[]', 65, 'is no mapping'],
      ['map: { prompt: q }\nties: drop\n', 65, 'holds ties beside map'],
      ['prompt: q\nprefr: 1\nchosen: x\n', 65, 'wrong.yaml:2'],
      ['prompt: !col q\nchosen: x\nrejected: y\n', 65, 'wrong.yaml'],
      ['prompt: q\nchosen: x\nlist: y\n', 65, 'says chosen with rejected and list'],
      ["prompt: q\nanswers: [left, right]\nprefer: { by: w, first: '> 1', second: '> 2' }\n", 65, 'part them'],
    ] as const) {
      const file = join(at, 'wrong.yaml')
      writeFileSync(file, text)
      const { code: ended, stderr } = await inProcess('look', path, '--map', file)
      expect([ended, stderr.includes(why), stderr.includes(file)]).toEqual([code, true, true])
    }
    expect((await inProcess('look', path, '--map', at)).code).toBe(66)
  })

  it('what is wrong with a map is told with its place, all at once', async () => {
    const at = folder(),
      path = write(at, 'b.jsonl', battles)
    const wrong = { ...map, prefr: 1, answers: ['left'] }
    const { code, stderr } = await inProcess('check', graph(at, path, wrong))
    expect(code).toBe(78)
    expect(stderr).toContain('prefr')
    expect(stderr).toContain('at least 2 items')
  })

  it('another map is another result, never the old one', async () => {
    const at = folder(),
      path = write(at, 'b.jsonl', battles),
      output = join(at, 'out')
    const chosen = async (prefer: object) => {
      expect(
        (await inProcess('run', graph(at, path, { ...map, prefer }), '--output', output, '--workers', '1')).code,
      ).toBe(0)
      return shardOf(output)
    }
    const one = await chosen(map.prefer),
      other = await chosen({ ...map.prefer, first: 'right', second: 'left' })
    expect(other).not.toBe(one)
    expect(await chosen(map.prefer)).toBe(one)
  })
})

it('says what a run of the same file says, of columns beside the prompt and of lines that cannot be read too', async () => {
  const at = folder(),
    path = join(at, 'a.jsonl'),
    row = (i: number) => ({
      prompt: `Question ${i}`,
      chosen: `A ${i}`,
      rejected: `B ${i}`,
      schema: 'CREATE TABLE t',
      tags: ['x', 'y'],
    })
  const lines = Array.from({ length: 30 }, (_, i) => JSON.stringify(row(i)))
  lines[4] = '{"prompt": "Q", "chosen": "A", "rejected": "B", "schema": "s", "schema": "t"}'
  lines[7] = '{"prompt"'
  writeFileSync(path, `${lines.join('\n')}\n`)
  const graph = join(at, 'g.yaml')
  writeFileSync(
    graph,
    `version: 1\nname: g\nstages:\n  - { id: pairs, use: read_jsonl, with: { path: ${path} } }\n  - { id: out, use: write_jsonl }\n`,
  )
  const look = await inProcess('look', path),
    run = await inProcess('run', graph, '--output', join(at, 'out'))
  const said = [...look.stdout.matchAll(/^ {2}look: (.*)$/gm)].map(([, notice]) => notice)
  expect(said).toEqual([
    expect.stringContaining(
      "2 of the first 30 rows cannot be read, as row 4: the key 'schema' is there twice in one object",
    ),
    'schema lies beside the pair, and no trainer sees it; `map` can put it into the prompt',
  ])
  for (const notice of said) expect(run.stderr).toContain(notice)
  expect(look.stdout).toContain('beside the pair, which no trainer sees: tags (list)')
})

it.each<[string, string, Buffer, string]>([
  [
    'packed CSV',
    'a.csv.gz',
    gzipSync('prompt,chosen,rejected\n1,2,3\n'),
    'is packed by gzip; unpack it first, as by gzip -d',
  ],
  [
    'Feather of version 1',
    'a.feather',
    Buffer.from('FEA1' + '\0'.repeat(40)),
    'is Feather of version 1; write it as version 2',
  ],
  ['Parquet as Arrow', 'a.arrow', Buffer.from('PAR1' + '\0'.repeat(40)), 'is a Parquet file; read it by read_parquet'],
  [
    'Latin-1',
    'a.jsonl',
    Buffer.from('{"prompt": "é", "chosen": "a", "rejected": "b"}\n'.repeat(3), 'latin1'),
    'the line is not UTF-8; of Latin-1 make it UTF-8, as by iconv',
  ],
])('%s is told as what it is', async (_, name, bytes, what) => {
  const path = join(folder(), name)
  writeFileSync(path, bytes)
  const { code, stdout, stderr } = await inProcess('look', path)
  expect([code, stdout + stderr]).toEqual([65, expect.stringContaining(what)])
})

it('packed .json of lines is read', async () => {
  const path = join(folder(), 'a.json.gz')
  writeFileSync(path, gzipSync('{"prompt": "Q", "chosen": "a", "rejected": "b"}\n'))
  expect((await inProcess('look', path)).stdout).toContain('use: read_jsonl')
})
