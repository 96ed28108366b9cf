/** Files of --decisions, of each kind, and what is wrong with some: by `sluice run`, `check` and the scripts. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { folder, pairs, rowsOf, writeJsonl } from '../engine/helpers.ts'
import { writeGraph } from '../failures/helpers.ts'
import { sluice } from './helpers.ts'

vi.setConfig({ testTimeout: 120_000 })

function place() {
  const at = folder(),
    graph = writeGraph(join(at, 'g.yaml'), [
      { id: 'pairs', use: 'read_jsonl', with: { path: writeJsonl(join(at, 'in.jsonl'), pairs(10)) } },
      { id: 'dpo', use: 'write_arrow' },
    ])
  return { at, graph, output: join(at, 'out') }
}
type Place = ReturnType<typeof place>
const run = ({ graph, output }: Place, file: string, ...more: string[]) =>
  sluice('run', '--workers', '1', graph, '--output', output, '--decisions', file, '--quiet', ...more)
const decided = ({ output }: Place) =>
  rowsOf(join(output, 'latest', 'ledger')).flatMap(({ id, decision }) =>
    typeof decision === 'string' ? [`${String(id)} ${decision}`] : [],
  )
const put = ({ at }: Place, name: string, text: string | Uint8Array): string => {
  writeFileSync(join(at, name), text)
  return join(at, name)
}

describe('--decisions reads', () => {
  const wanted = ['r1 keep', 'r3 drop', 'r5 flip']
  const lines = wanted.map((line, i) => {
    const [id, decision] = line.split(' ')
    return { id, decision, by: 'Ann', at: `2026-01-0${i + 1}`, note: 'a "note", and\nmore' }
  })

  it.each<[string, string, string]>([
    [
      'CSV with a mark, quotes and an empty line',
      'd.csv',
      `\ufeffnote,decision,id,by\r\n"a ""note"", and\nmore",keep,r1,Ann\r\n\r\n,drop,r3,\r\nx,flip,r5,Bo\r\n`,
    ],
    ['JSON Lines', 'd.jsonl', lines.map(line => `${JSON.stringify(line)}\r\n`).join('\r\n')],
    ['a list in JSON', 'd.json', JSON.stringify(lines, null, 2)],
    ['a line each in .json', 'd.JSON', lines.map(line => JSON.stringify(line)).join('\n')],
  ])('%s', async (_, name, text) => {
    const here = place()
    expect(await run(here, put(here, name, text))).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(decided(here)).toEqual(wanted)
  })

  it('Parquet, as a graph writes it', async () => {
    const here = place(),
      rows = pairs(3).map((row, i) => ({ ...row, ...lines[i] }))
    const graph = writeGraph(join(here.at, 'p.yaml'), [
      { id: 'pairs', use: 'read_jsonl', with: { path: writeJsonl(join(here.at, 'd.jsonl'), rows) } },
      { id: 'list', use: 'write_parquet' },
    ])
    const made = join(here.at, 'made')
    expect((await sluice('run', '--workers', '1', graph, '--output', made, '--quiet')).code).toBe(0)
    expect(await run(here, join(made, 'latest/list/data.parquet'))).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(decided(here)).toEqual(wanted)
  })

  it('what Label Studio exports: a decision for each annotation that was not skipped', async () => {
    const here = place()
    const annotation = (choice: string, more: object = {}) => ({
      id: 1,
      completed_by: { id: 7, email: 'ann@example.org' },
      was_cancelled: false,
      updated_at: '2026-03-09T22:16:08.728378Z',
      result: [
        { from_name: 'decision', to_name: 'pair', type: 'choices', value: { choices: [choice] } },
        { from_name: 'why', to_name: 'pair', type: 'textarea', value: { text: ['because'] } },
      ],
      ...more,
    })
    const tasks = [
      { id: 1, data: { id: 'r1', prompt: 'p' }, annotations: [annotation('keep'), annotation('keep')] },
      { id: 2, data: { id: 'r3' }, annotations: [annotation('drop'), annotation('flip', { was_cancelled: true })] },
      { id: 3, data: { id: 'r5' }, annotations: [annotation('flip', { completed_by: 7 })] },
      { id: 4, data: { id: 'r6' }, annotations: [annotation('keep', { result: [] })] },
      { id: 5, data: { id: 'r7' }, annotations: [] },
    ]
    expect(await run(here, put(here, 'd.json', JSON.stringify(tasks)))).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(decided(here)).toEqual(wanted)
    const { code, stderr } = await run(
      here,
      put(here, 'd.json', JSON.stringify([{ ...tasks[0], annotations: [annotation('bad'), { result: [] }] }])),
    )
    expect(code).toBe(65)
    expect(stderr).toContain('entry 0 has the decision "bad"; it is one of keep, drop, flip')
    expect(stderr).toContain('1 problem\n')
  })

  it.each<[string, (id: string, decision: string) => object]>([
    [
      'records as to_json gives them',
      (id, value) => ({
        id,
        fields: { prompt: 'p' },
        metadata: {},
        suggestions: {},
        responses: { decision: [{ value, user_id: 'u1' }], why: [{ value: 'x', user_id: 'u1' }] },
        status: 'completed',
        _server_id: 's',
      }),
    ],
    [
      'the columns of a data set',
      (id, value) => ({
        id,
        status: 'completed',
        'label.responses': [value, 'keep'],
        'label.responses.users': ['u1', 'u2'],
        'label.responses.status': ['submitted', 'draft'],
        'metadata.content_hash': null,
      }),
    ],
  ])('what Argilla exports: %s', async (_, record) => {
    const here = place(),
      records = wanted.map(line => record(...(line.split(' ') as [string, string])))
    expect(await run(here, put(here, 'd.json', JSON.stringify(records)))).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(decided(here)).toEqual(wanted)
  })
})

describe('a file of --decisions', () => {
  it.each<[string, string, string | Uint8Array | undefined, number, string[]]>([
    ['is not there', 'd.csv', undefined, 66, ['d.csv does not exist']],
    ['is of another kind', 'd.txt', 'r1', 65, ['d.txt is of no kind that is read; there are .parquet, .jsonl, ']],
    ['is empty', 'd.csv', '', 65, ['d.csv holds no decision, so it would do nothing']],
    ['has a header alone', 'd.csv', 'id,decision\n', 65, ['d.csv holds no decision']],
    ['is not begun', 'd.csv', 'id,decision\nr1,\nr2,""\n', 65, ['d.csv holds no decision']],
    [
      'lacks columns',
      'd.csv',
      'name;decision\nr1;keep\n',
      65,
      ['d.csv: has no column id and no column decision; there are name;decision'],
    ],
    ['is UTF-16', 'd.jsonl', Buffer.from('\ufeff{}\n', 'utf16le'), 65, ['d.jsonl: is not UTF-8 text; write it so']],
    ['is no Parquet', 'd.parquet', 'PAR1 and no more', 65, ['d.parquet: ']],
    ['has an open quote', 'd.csv', 'id,decision\n"r1,keep\n', 65, ['line 2: a quote is opened and not closed']],
    [
      'is wrong in many places, told all at once with line, value and what to do',
      'd.csv',
      'id,decision,content_hash\nr1,Keep,\n,drop,\nr3,,\nr4,remove,xyz\nr5\nr6,flip,\n',
      65,
      [
        'd.csv: 5 problems',
        'line 2 has the decision "Keep"; it is one of keep, drop, flip (did you mean keep?)',
        'line 3 has no id; give that of the list or the ledger',
        'line 5 has the decision "remove"; it is one of keep, drop, flip',
        'line 5 has the content_hash "xyz"; it is that of the list, of 32 hex digits, or left out',
        'line 6 has 1 fields, the header 3; mend it there',
      ],
    ],
    [
      'in JSON Lines',
      'd.jsonl',
      '{"id": 12345678901234567890, "decision": "keep"}\n\nno\n[1]\n{"id": ["r1"], "decision": 1}\n{"id": "r1"}\n',
      65,
      [
        'line 1 has the id 12345678901234567000, which JSON holds inexactly; write it as text',
        'line 3 is no JSON',
        'line 4 is [1], no object with id and decision',
        'line 5 has the id ["r1"], which is no text',
        'line 5 has the decision 1; it is one of keep, drop, flip',
        'line 6 has no decision; give one of keep, drop, flip, or null while there is none',
      ],
    ],
  ])('that %s is refused', async (_, name, text, exit, says) => {
    const here = place(),
      file = text === undefined ? join(here.at, name) : put(here, name, text)
    for (const command of ['run', 'check']) {
      const { code, stderr, stdout } = await sluice(command, here.graph, '--output', here.output, '--decisions', file)
      expect({ code, stdout }).toEqual({ code: exit, stdout: '' })
      for (const line of says) expect(stderr).toContain(line)
    }
    expect(existsSync(here.output)).toBe(false)
  })

  it.each([
    ['two columns of one name', 'd.csv', 'id,decision,decision\nr1,keep,drop\n', /has two columns named decision/],
    [
      'a key twice',
      'd.jsonl',
      '{"id":"r1","decision":"keep","decision":"drop"}\n',
      /line 1 has the key 'decision' twice/,
    ],
    ['a key twice in a list', 'd.json', '[{"id":"r1","id":"r2","decision":"drop"}]', /has the key 'id' twice/],
  ])('with %s is refused', async (_, name, text, message) => {
    const here = place()
    expect(await run(here, put(here, name, text))).toMatchObject({
      code: 65,
      stderr: expect.stringMatching(message) as unknown,
    })
  })

  it('that has parts of an export beside its own decision is no export', async () => {
    const here = place(),
      more = [{ responses: {} }, { data: { url: 'x' }, annotations: [] }, { 'llm.responses': [] }]
    const text = more.map((one, i) => `${JSON.stringify({ id: `r${i}`, decision: 'drop', ...one })}\n`).join('')
    expect((await run(here, put(here, 'd.jsonl', text))).code).toBe(0)
    expect(decided(here)).toEqual(['r0 drop', 'r1 drop', 'r2 drop'])
  })

  it('that is a folder is refused, and --no-data has no use of it', async () => {
    const here = place(),
      path = join(here.at, 'd.csv')
    mkdirSync(path)
    expect(await run(here, path)).toMatchObject({ code: 66, stderr: expect.stringContaining('is a folder') as unknown })
    expect(await sluice('check', here.graph, '--no-data', '--decisions', path)).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('no use of --decisions') as unknown,
    })
  })

  it('that contradicts itself, or names ids that no row has, is told under --quiet too, with who decided what', async () => {
    const here = place(),
      file = put(here, 'd.csv', 'id,decision,by\nr1,keep,Ann\nr2,drop,Ann\nr1,flip,Bo\ngone,drop,\n')
    const { code, stderr } = await run(here, file)
    expect(code).toBe(0)
    expect(stderr.split('\n')).toEqual([
      `sluice: --decisions ${file}: r1: keep by Ann (line 2), flip by Bo (line 4); none of these is applied, leave one of them`,
      'sluice: --decisions: 1 of 3 ids with decisions that contradict each other, so that none is applied; leave one of them: r1',
      'sluice: --decisions: 1 of 3 ids that do not occur: gone',
    ])
    expect(decided(here)).toEqual(['r2 drop'])
  })

  it('that changes makes anew what it says, and nothing where only notes or the order changed', async () => {
    const here = place(),
      runs = () => readFileSync(join(here.output, 'latest', 'manifest.json'), 'utf8')
    await run(here, put(here, 'd.csv', 'id,decision,note\nr1,keep,a\nr2,drop,b\n'))
    const first = runs()
    await run(here, put(here, 'other.csv', 'note,id,decision\nnew,r2,drop\n,r1,keep\n'))
    expect(runs()).toBe(first)
    await run(here, put(here, 'd.csv', 'id,decision\nr1,keep\nr2,flip\n'))
    expect(decided(here)).toEqual(['r1 keep', 'r2 flip'])
    const { stdout } = await sluice('why', 'r2', '--output', here.output)
    expect(stdout).toMatch(/^r2  kept, in dpo[^]*People decided: flip\./)
    const { stdout: json } = await sluice('why', 'r2', '--output', here.output, '--json')
    expect(JSON.parse(json)).toMatchObject({ id: 'r2', decision: 'flip' })
  })
})
