/** What is asked of runs: which run, why a row, which rows, what two runs differ in, what an option would change. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import stringWidth from 'string-width'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { readDecisions } from '../../app/decisions.ts'
import { diffLines, diffRuns } from '../../app/answers/diff.ts'
import { findRun } from '../../app/answers/find_run.ts'
import { keepCommand } from '../../app/answers/say.ts'
import type { Screen } from '../../app/answers/screen.ts'
import { showLines } from '../../app/answers/show_lines.ts'
import { shownRows } from '../../app/answers/show.ts'
import { whyLines } from '../../app/answers/why_lines.ts'
import { whyRows } from '../../app/answers/why.ts'
import { run } from '../../index.mjs'
import { folder, pairs, writeJsonl } from '../engine/helpers.ts'
import { sluice } from '../cli/helpers.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const screen = (columns: number): Screen => ({ columns, isColoured: false, widthOf: stringWidth })
const ODD = ["it's one", 'a "b" $(c)', 'nul\u0000 and \u202eright', '語 語', '-dash']
const long = (i: number) =>
  `The answer ${i} has a good many more words than the other side of this pair, so that it is long.`

/** Pairs with odd ids and one id twice, of which `ratio` leaves out the first five, and `hard` makes one. */
const rows = [
  ...ODD.map((id, i) => ({ id, prompt: `question ${i}?`, chosen: long(i), rejected: 'No.' })),
  ...pairs(6),
  {
    id: 'twice',
    prompt: 'How much is 3 and 7?',
    chosen: '3 + 7 = 10, which is ten.',
    rejected: '語語 much, I do not know.',
  },
  { id: 'twice', prompt: 'How much is 4 and 9?', chosen: 'It is thirteen, or so I think.', rejected: 'It is much.' },
]
const graphOf = (path: string, use = 'write_arrow', ratio = 5) => ({
  version: 1 as const,
  name: 'g',
  stages: [
    { id: 'pairs', use: 'read_jsonl', with: { path } },
    { id: 'ratio', use: 'drop_length_ratio', with: { max_ratio: ratio } },
    { id: 'hard', use: 'inject_errors' },
    { id: 'dpo', use, from: ['ratio', 'hard'] },
  ],
})

const at = folder(),
  path = writeJsonl(join(at, 'in.jsonl'), rows),
  output = join(at, 'out')
let first = ''
beforeAll(async () => {
  first = (await run(graphOf(path), { output, workers: 1 })).folder
})

/** Nothing is wider than the terminal, and nothing in it is obeyed. */
function fits(lines: readonly string[], columns: number): void {
  for (const line of lines) {
    expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/)
    // commands stand as they are to be copied
    if (!line.includes('printf') && !line.includes('npx')) expect(stringWidth(line), line).toBeLessThanOrEqual(columns)
  }
}

describe('a run', () => {
  it('is a folder, an output, a name, the end of one, or the latest', () => {
    const name = basename(first)
    for (const word of [first, join(output, 'latest'), output, name, name.slice(-8), undefined, 'latest']) {
      expect(basename(readlinkSync(join(output, 'latest')))).toBe(name)
      expect([first, join(output, 'latest')], word).toContain(findRun(word, output))
    }
    expect(() => findRun('nowhere', output)).toThrow(`none has a name that ends so; there are ${name}`)
    expect(() => findRun(undefined, join(at, 'none'))).toThrow('there is no published run in')
    expect(() => findRun(at, output)).toThrow('a folder without manifest.json is unfinished, or no run')
  })

  it('whose name is not the only one that ends so is refused, with the names', () => {
    const two = join(at, 'two')
    for (const name of ['20260101T000000Z-0123abcd', '20260102T000000Z-0123abcd']) {
      mkdirSync(join(two, 'runs', name), { recursive: true })
      writeFileSync(join(two, 'runs', name, 'manifest.json'), '{}')
    }
    expect(() => findRun('abcd', two)).toThrow("'abcd' ends the names of 2 runs")
    expect(findRun('02T000000Z-0123abcd', two)).toMatch(/20260102T000000Z-0123abcd$/)
  })
})

describe('sluice why', () => {
  it('of a row that was left out says its number, the limit, and what would have kept it', async () => {
    const { rows } = await whyRows(first, ODD[0])
    expect(rows).toMatchObject([
      {
        id: ODD[0],
        outcome: 'dropped',
        said: 'left out by ratio: over a limit (ratio.length_ratio)',
        why: ['One answer is 21 times as long as the other; the limit is 5.'],
        back: { decision: '{"id":"it\'s one","decision":"keep"}', set: ['ratio.max_ratio=21.001'] },
        way: [
          { stage: 'pairs', came: 'on' },
          { stage: 'ratio', came: 'out', numbers: [{ value: 21, limit: 5 }] },
        ],
        texts: { chosen: [{ content: long(0) }], rejected: [{ content: 'No.' }] },
        lacks: [],
      },
    ])
  })

  it('of a row that went for what has no number says none of another reason', async () => {
    const path = writeJsonl(join(at, 'broken.jsonl'), [...pairs(2), { ...pairs(3)[2], chosen: ' ' }]),
      checked = { ...graphOf(path), stages: [graphOf(path).stages[0], { id: 'checked', use: 'check_pairs' }, { id: 'dpo', use: 'write_arrow' }] }, // prettier-ignore
      { folder: run1 } = await run(checked, { output: join(at, 'broken'), workers: 1 }),
      { rows } = await whyRows(run1, `${path}:2`)
    expect(rows[0].way.at(-1)).toMatchObject({ stage: 'checked', came: 'out', numbers: [] })
  })

  it('of a kept row measures again what no column holds, and tells of pairs made of it', async () => {
    const { rows } = await whyRows(first, `${path}:11`)
    expect(rows).toMatchObject([
      {
        said: 'kept, in dpo',
        why: ['Nothing spoke against it.'],
        way: [{}, { stage: 'ratio', numbers: [{ name: 'length_ratio', value: 8 / 7, limit: 5 }] }, { stage: 'hard' }],
        made: [
          { id: 'twice~hard', sink: 'dpo', stage: 'hard', proof: expect.stringContaining('3+7=10 is true') as string },
        ],
      },
    ])
  })

  it('of an id that two rows have tells of both, each with its own texts', async () => {
    const { notes, rows } = await whyRows(first, 'twice')
    expect(notes).toEqual(["'twice' is the id of 2 rows:"])
    expect(rows.map(({ row, texts }) => [row, texts?.prompt])).toEqual([
      [11, 'How much is 3 and 7?'],
      [12, 'How much is 4 and 9?'],
    ])
  })

  it.each([100, 40])('fits %i columns, whatever the id', async columns => {
    for (const id of [...ODD, 'twice', 'r1']) fits(whyLines(screen(columns), await whyRows(first, id)), columns)
  })

  it('as JSON is the row of the ledger and more', async () => {
    const { stdout } = await sluice('why', '--json', '--output', output, '--', '-dash')
    expect(JSON.parse(stdout)).toMatchObject({
      id: '-dash',
      stage: 'ratio',
      reason: 'length_ratio',
      said: expect.any(String) as string,
    })
  })
})

describe('sluice show', () => {
  it.each(['write_arrow', 'write_parquet', 'write_jsonl'])('reads what %s wrote', async use => {
    const { folder: out } = await run(graphOf(path, use), { output: join(at, use), workers: 1 })
    const kept = await shownRows(out, { isKept: true, count: 100 }),
      made = await shownRows(out, { isMade: true })
    expect(kept.count).toBe(8)
    expect(kept.rows.map(({ id }) => id).sort()).toEqual(['r0', 'r1', 'r2', 'r3', 'r4', 'r5', 'twice', 'twice'])
    expect(made).toMatchObject({
      count: 1,
      rows: [{ id: 'twice~hard', made: { parent: 'twice' }, chosen: '3 + 7 = 10, which is ten.' }],
    })
    const noted = await shownRows(out, { noted: 'hard.no_equation', count: 100 })
    expect(noted.rows.find(({ id }) => id === 'r3')?.chosen).toBe(rows[8].chosen)
  })

  it('gives the same rows each time, fewer being the first of more; between numbers only those', async () => {
    const ids = async (count: number, between?: string) =>
      (await shownRows(first, { reason: 'ratio.length_ratio', count, between })).rows.map(({ id }) => id)
    const all = await ids(9)
    expect([...all].sort()).toEqual([...ODD].sort())
    expect(await ids(2)).toEqual(all.slice(0, 2))
    expect(await ids(9, '20,22')).toEqual(all)
    expect(await ids(9, '22,30')).toEqual([])
    const lowest = await shownRows(first, { lowest: 'number', count: 3 })
    expect(lowest.rows.map(({ id }) => id)).toEqual(['r0', 'r5', 'r1'])
  })

  it.each([100, 40])('stands beside each other or below, in %i columns', async columns => {
    const lines = showLines(screen(columns), await shownRows(first, { reason: 'ratio.length_ratio' }))
    fits(lines, columns)
    expect(lines.join('\n')).toContain('length ratio 21 of 5')
    expect(lines.some(line => line.startsWith('  chosen ') && line.includes('rejected'))).toBe(columns === 100)
    expect(lines.at(-1)).toBe('  npx sluice run … --decisions keep.jsonl')
  })

  it('ends with a command that a shell takes, and a file that --decisions takes', async () => {
    for (const id of ODD) execFileSync('sh', ['-c', keepCommand(id)], { cwd: at })
    const decisions = await readDecisions(join(at, 'keep.jsonl'), () => undefined)
    expect(decisions).toEqual(ODD.map(id => ({ id, decision: 'keep' })))
    const { manifest } = await run(graphOf(path), { output: join(at, 'kept'), decisions, workers: 1 })
    expect(manifest.rows.kept).toBe(rows.length)
  })

  it.each([
    [[], 'name what to show: --reason STAGE.REASON'],
    [['--kept', '--made'], 'and not several'],
    [['--reason', 'ratio.length_rati'], 'did you mean ratio.length_ratio?'],
    [['--kept', '--lowest', 'numbr'], 'did you mean number?'],
    [['--kept', '--lowest'], 'says how likely labels are right'],
    [['--kept', '--between', '3'], 'is not two numbers'],
  ])('%j is refused with what there is', async (argv, says) => {
    const { code, stderr } = await sluice('show', '--output', output, ...argv)
    expect([code, stderr]).toEqual([64, expect.stringContaining(says)])
  })
})

describe('sluice diff', () => {
  it('counts rows whose fate changed by reason, and says which option it was', async () => {
    const other = await run(graphOf(path, 'write_arrow', 50), { output, workers: 1 })
    const diff = await diffRuns(first, other.folder, 2)
    expect(diff).toMatchObject({
      isSeedOnly: false,
      differs: [{ what: 'ratio.max_ratio', before: 5, after: 50 }],
      rows: {
        compared: 13,
        changed: 5,
        onlyBefore: 0,
        onlyAfter: 0,
        fates: [{ before: 'ratio.length_ratio', after: 'to train on', count: 5 }],
        some: [
          { id: ODD[0], row: 0 },
          { id: ODD[1], row: 1 },
        ],
      },
    })
    for (const columns of [100, 40]) fits(diffLines(screen(columns), diff, true), columns)
    const { code, stdout } = await sluice('diff', basename(first).slice(-8), '--output', output)
    expect([code, stdout]).toEqual([0, expect.stringContaining('5 of 13 rows changed their fate')])
  })

  it('matches rows by the content of files and their place, in whatever order; of a changed file by place and id', async () => {
    const home = join(at, 'files')
    mkdirSync(home)
    const [a, b] = ['a', 'b'].map((name, i) => writeJsonl(join(home, `${name}.jsonl`), pairs(10, 10 * i)))
    const of = async (limit: number) =>
      (
        await run(
          {
            version: 1,
            name: 'g',
            stages: [
              { id: 'pairs', use: 'read_jsonl', with: { path: home } },
              { id: 'some', use: 'drop_length', with: { max_words: limit } },
              { id: 'dpo', use: 'write_jsonl' },
            ],
          },
          { output: join(at, 'order'), workers: 1 },
        )
      ).folder
    const before = await of(12)
    // the same files, the other way round
    renameSync(a, join(home, 'c.jsonl'))
    const renamed = await diffRuns(before, await of(12), 9)
    expect(renamed.rows).toMatchObject({ compared: 20, changed: 0, onlyBefore: 0, onlyAfter: 0 })
    writeJsonl(b, [...pairs(9, 10), { ...pairs(1, 77)[0] }, ...pairs(2, 90)])
    const changed = await diffRuns(before, await of(12), 9)
    expect(changed.rows).toMatchObject({ compared: 19, onlyBefore: 1, onlyAfter: 3 })
    expect(changed.differs.map(({ what }) => what)).toContain(`${b}, content`)
  })

  it('says where only the seed differs, and where nothing does', async () => {
    const seeded = await run(graphOf(path), { output: join(at, 'seed'), seed: 5, workers: 1 })
    const diff = await diffRuns(first, seeded.folder, 0)
    expect(diff.isSeedOnly).toBe(true)
    expect(diffLines(screen(100), diff, false).join('\n')).toContain('Only the seed differs')
    expect(diffLines(screen(100), await diffRuns(first, first, 0), false).join('\n')).toContain(
      'one run, published twice',
    )
  })
})

describe('sluice sweep', () => {
  const place = () => {
    const home = folder(),
      file = join(home, 'g.json')
    writeFileSync(file, JSON.stringify(graphOf(path)))
    return { home, file, to: ['--output', join(home, 'out')] }
  }
  interface Swept {
    fixed: string[]
    tries: {
      value: string
      isNow: boolean
      train: number
      left: number
      made: number
      dropped: Record<string, number>
    }[]
  }

  it('comes to what runs with these values come to, and publishes nothing', async () => {
    const { home, file, to } = place()
    const { code, stdout, stderr } = await sluice('sweep', file, 'ratio.max_ratio=5,50', ...to, '--refit', '--json')
    expect(code, stderr).toBe(0)
    const { tries } = JSON.parse(stdout) as Swept
    expect(readdirSync(join(home, 'out', 'runs'))).toEqual([])
    for (const { value, train, dropped, left } of tries) {
      const { manifest } = await run(graphOf(path, 'write_arrow', Number(value)), {
        output: join(home, value),
        workers: 1,
      })
      expect([train, left], value).toEqual([manifest.sinks.dpo.rows, manifest.rows.dropped])
      expect(dropped['ratio.length_ratio'] ?? 0).toBe(manifest.stages.ratio.dropped)
    }
  })

  it('lets fits behind it stand, goes on from a run and leaves it as it is', async () => {
    const { home, file, to } = place()
    expect((await sluice('run', file, ...to, '--quiet')).code).toBe(0)
    const spools = () => readdirSync(join(home, 'out', '.sluice', 'spools')).length,
      latest = readlinkSync(join(home, 'out', 'latest')),
      before = spools()
    const { code, stdout, stderr } = await sluice('sweep', file, 'ratio.max_ratio=30,50', ...to)
    expect(code, stderr).toBe(0)
    expect(readlinkSync(join(home, 'out', 'latest'))).toBe(latest)
    expect(stdout).toMatch(/hard: learnt from the rows as they are now/)
    expect(stdout).toMatch(/^ {2}> +5 +9 +5 +5 /m)
    expect(stdout).toMatch(/^ {2} +30 +14 +0 +0 /m)
    // the audit of lengths alone is new of what the graph itself leaves
    expect(spools() - before).toBeLessThan(12)
    expect((await sluice('run', file, ...to)).stdout).toContain('nothing new')
  })

  it.each([
    ['hard.max_share=0.5,1', 'give --refit to have that done'],
    ['ratio.max_rato=1,2', "did you mean 'max_ratio'?"],
    ['rato.max_ratio=1,2', "did you mean 'ratio'?"],
    ['ratio.max_ratio=2,2', 'each value once'],
    ['ratio', 'is not STAGE.OPTION=VALUE,VALUE'],
  ])('%s is refused before a row is read', async (word, says) => {
    const { file, to } = place(),
      { code, stderr } = await sluice('sweep', file, word, ...to)
    expect([code, stderr]).toEqual([64, expect.stringContaining(says)])
  })
})

describe('sluice check', () => {
  it('--plan says what each pass does, and --mermaid draws the graph', async () => {
    const home = folder(),
      file = join(home, 'g.json')
    writeFileSync(file, JSON.stringify(graphOf(path)))
    const { stdout } = await sluice('check', file, '--plan')
    expect(stdout).toContain('g: 2 passes over 13 rows')
    expect(stdout).toMatch(/pass 1 +pairs > ratio; hard learns/)
    const json = await sluice('check', file, '--plan', '--no-data', '--json')
    expect(JSON.parse(json.stdout)).toMatchObject({
      rows: null,
      passes: [{ learns: ['hard'] }, { runs: ['hard', 'dpo'] }],
    })
    expect((await sluice('check', file, '--mermaid')).stdout.split('\n')).toEqual(
      expect.arrayContaining([
        'flowchart TD',
        '  pairs[("pairs<br>read_jsonl")]',
        '  ratio --> hard',
        '  hard --> dpo',
      ]),
    )
    rmSync(home, { recursive: true })
    expect(readFileSync(path, 'utf8')).toContain('twice')
  })
})
