/** Whole runs: each row is accounted for, and the bytes do not depend on how they were made. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { summaryText } from '../../engine/run/summary.ts'
import { main, run } from '../../index.mjs'
import { fingerprint, folder, pairs, rowsOf, writeJsonl, type Row } from './helpers.ts'

const base = import.meta.url
type Stage = { id: string; use: string; with?: Record<string, unknown>; from?: string | string[] }
const graphOf = (stages: Stage[], partition_rows = 40) => ({
  version: 1 as const,
  name: 'test',
  partition_rows,
  stages,
})
const source = (path: string): Stage => ({ id: 'pairs', use: 'read_jsonl', with: { path } })

/** 130 rows with exact, near and contradictory duplicates, a broken one, and some arithmetic. */
function mixedRows(): Row[] {
  const rows = pairs(120)
  rows.push({ ...rows[3], id: 'again', prompt: rows[3].prompt.toUpperCase() })
  rows.push({ ...rows[7], id: 'swapped', chosen: rows[7].rejected, rejected: rows[7].chosen })
  rows.push({ ...rows[9], id: 'same', chosen: rows[9].rejected })
  for (let i = 0; i < 7; i++) {
    rows.push({
      id: `sum${i}`,
      prompt: `How much is ${i + 12} lamps and ${i} more?`,
      chosen: `We add ${i + 12} + ${i} = ${2 * i + 12}. The answer is ${2 * i + 12}.`,
      rejected: `It is ${i} lamps, no more than that.`,
    })
  }
  return rows
}

const everything = (path: string): Stage[] => [
  source(path),
  { id: 'checked', use: 'check_pairs' },
  { id: 'unique', use: 'drop_duplicates' },
  { id: 'own', use: './shouty.mjs', with: { word: 'garden' } },
  { id: 'noise', use: 'detect_noise', with: { sample_rows: 100 } },
  { id: 'hard', use: 'inject_errors' },
  { id: 'dpo', use: 'write_arrow', from: ['noise', 'hard'] },
  { id: 'again', use: 'write_arrow', from: ['unique.duplicate', 'own.dropped'] },
]

describe('run', () => {
  it('says what a stage declined, though it made nothing', async () => {
    const at = folder(),
      path = writeJsonl(join(at, 'in.jsonl'), pairs(12))
    const { graph } = await import('../../index.mjs')
    const result = await run(
      graph(
        graphOf([
          source(path),
          { id: 'hard', use: 'inject_errors' },
          { id: 'dpo', use: 'write_arrow', from: ['pairs', 'hard'] },
        ]),
        { base },
      ),
      { output: join(at, 'out'), workers: 1 },
    )
    expect(summaryText(result)).toContain('  hard: declined: no_equation 12\n')
    // and not whether a side shows that it did not make
    expect([result.manifest.stages.hard.report!.lines, result.manifest.stages.hard.report!.numbers]).toMatchObject([
      [],
      { tell: { rows: 0 } },
    ])
  })

  it('warns of an option that takes more than a tenth of at least 200 rows', async () => {
    const at = folder()
    const warnings = async (count: number, long: number) => {
      const rows = pairs(count).map((row, i) => ({ ...row, chosen: i < long ? 'word '.repeat(60) : 'a word or two' }))
      const { manifest } = await run(
        graphOf([
          source(writeJsonl(join(at, 'in.jsonl'), rows)),
          { id: 'length', use: 'drop_length', with: { max_words: 50, min_words: 1 } },
          { id: 'dpo', use: 'write_arrow' },
        ]),
        { output: join(at, 'out'), workers: 1 },
      )
      return manifest.warnings
    }
    expect(await warnings(200, 21)).toEqual([
      expect.stringMatching(/^length: too_long 21 of 200 rows \(10\.5 %\), .*, and set max_words \(now 50\) otherwise/),
    ])
    expect([await warnings(200, 20), await warnings(199, 40)]).toEqual([[], []])
  })

  it('warns of a stage of which nearly all rows end in one way, with the columns that they came from', async () => {
    const at = folder(),
      few = (n: number) =>
        Array.from({ length: n }, (_, i) => ({
          id: `q${i}`,
          question: `How much is ${i} and ${i}?`,
          answer: String(2 * i),
          solution: `${i} + ${i} = ${2 * i}.`,
        }))
    const graph = (rows: object[], options = {}) =>
      graphOf([
        {
          id: 'good',
          use: 'read_jsonl',
          with: { path: writeJsonl(join(at, 'in.jsonl'), rows), layout: 'answers', ...options },
        },
        { id: 'hard', use: 'inject_errors' },
        { id: 'dpo', use: 'write_arrow' },
      ])
    const wrong = await run(graph(few(20)), { output: join(at, 'out'), workers: 1 }),
      line =
        "hard: no_equation 20 of 20 rows, the text holds no equation; good reads prompt from 'question', chosen from 'answer' (option answer)"
    expect(wrong.manifest.warnings).toEqual([line])
    expect(summaryText(wrong)).toContain(`\n  warning: ${line}\n`)
    expect(
      (await run(graph(few(20), { answer: 'solution' }), { output: join(at, 'out'), workers: 1 })).manifest.warnings,
    ).toEqual([])
    // a few rows one sees oneself
    expect((await run(graph(few(19)), { output: join(at, 'out'), workers: 1 })).manifest.warnings).toEqual([])
    // of 40 rows 38 are no more than 95 %; what a source refuses and where a stage fails is warned of too
    const other = (n: number) => [
      ...Array<object>(n).fill({ prompt: 'Well?', chosen: 'Yes.', rejected: null }),
      ...pairs(40 - n),
    ]
    const refused = (n: number) =>
      run(graphOf([source(writeJsonl(join(at, 'in.jsonl'), other(n))), { id: 'dpo', use: 'write_arrow' }]), {
        output: join(at, 'out'),
      })
    expect([(await refused(39)).manifest.warnings, (await refused(38)).manifest.warnings]).toEqual([
      [expect.stringMatching(/^pairs: missing_rejected 39 of 40 rows, [^;]*$/)],
      [],
    ])
    // with the option that decided it, on the page too
    const short = await run(
      graphOf([
        source(writeJsonl(join(at, 'in.jsonl'), pairs(25))),
        { id: 'short', use: 'drop_length', with: { min_words: 500, max_words: 900 } },
        { id: 'dpo', use: 'write_arrow' },
      ]),
      { output: join(at, 'out') },
    )
    expect(short.manifest.warnings).toEqual([
      'short: too_short 25 of 25 rows, words of the shorter completion (min_words is 500)',
    ])
    expect(readFileSync(join(short.folder, 'report.html'), 'utf8')).toContain('of 25 rows end as short.too_short')
    const { graph: chained } = await import('../../index.mjs')
    const failing = await run(
      chained(
        graphOf([
          source(writeJsonl(join(at, 'in.jsonl'), pairs(25))),
          { id: 'own', use: './shouty.mjs', with: { fail: 'question' } },
          { id: 'dpo', use: 'write_arrow' },
          { id: 'all', use: 'write_arrow', from: 'pairs' },
        ]),
        { base },
      ),
      { output: join(at, 'out') },
    )
    expect(failing.manifest.warnings).toEqual([
      'own: error 25 of 25 rows, the stage failed on the row; the ledger has the message',
    ])
  })

  it('takes a byte order mark at the beginning of a value for text like any other', async () => {
    const at = folder(),
      bom = '\ufeff',
      output = join(at, 'out')
    const rows = [
        {
          id: `${bom}a`,
          prompt: 'p1',
          chosen: 'We add 2 + 3 = 5. The answer is 5.',
          rejected: 'no',
          label: `${bom}m1`,
        },
        { id: 'a', prompt: 'p2', chosen: 'We like it.', rejected: 'no', label: 'm2' },
      ],
      votes = rows.map(({ id, label }) => ({ id, vote: label, voter: 'Ann' }))
    const { folder: out } = await run(
      graphOf([
        source(writeJsonl(join(at, 'in.jsonl'), rows)),
        { id: 'votes', use: 'read_jsonl', with: { path: writeJsonl(join(at, 'votes.jsonl'), votes) } },
        { id: 'v', use: 'add_votes', from: { rows: 'pairs', votes: 'votes' } as never, with: { chosen: 'label' } },
        { id: 'hard', use: 'inject_errors', from: 'v' },
        { id: 'dpo', use: 'write_jsonl', from: ['v', 'hard'] },
      ]),
      { output },
    )
    const written = readFileSync(join(out, 'dpo', 'data.jsonl'), 'utf8')
        .trim()
        .split('\n'),
      dpo = written.map(line => JSON.parse(line) as Record<string, unknown>)
    expect(dpo.map(({ id, hard_parent, v_for }) => [id, hard_parent, v_for])).toEqual([
      [`${bom}a`, null, 1],
      [`${bom}a~hard`, `${bom}a`, 1],
      ['a', null, 1],
    ])
    const told = vi.spyOn(console, 'log').mockImplementation(() => {})
    expect(await main(['why', 'a', '--output', output])).toBe(0)
    expect(told.mock.calls.join()).toMatch(/^a  kept, in dpo[^]*in\.jsonl row 1\n/)
    told.mockRestore()
  })

  it('takes files of equal content for files of their own', async () => {
    const at = folder(),
      paths = ['a', 'b', 'c'].map(name => writeJsonl(join(at, `${name}.jsonl`), mixedRows()))
    const { graph } = await import('../../index.mjs')
    const { folder: out, manifest } = await run(
      graph(
        graphOf([
          { id: 'pairs', use: 'read_jsonl', with: { path: join(at, '*.jsonl') } },
          { id: 'checked', use: 'check_pairs' },
          { id: 'unique', use: 'drop_duplicates' },
          { id: 'dpo', use: 'write_arrow' },
        ]),
        { base },
      ),
      { output: join(at, 'out'), workers: 3 },
    )
    expect(manifest.rows.read).toBe(3 * 130)
    const dropped = rowsOf(join(out, 'dropped', 'checked')) as unknown as { id: string; source_file: string }[]
    expect(dropped.map(({ id, source_file: file }) => [id, file])).toEqual(paths.map(path => ['same', path]))
    expect(rowsOf(join(out, 'dropped', 'unique')).length).toBe(manifest.stages.unique.dropped)
    // moved, the rows are found again elsewhere
    renameSync(paths[1], join(at, 'z.jsonl'))
    const again = await run(
      graph(
        graphOf([
          { id: 'pairs', use: 'read_jsonl', with: { path: join(at, '*.jsonl') } },
          { id: 'checked', use: 'check_pairs' },
          { id: 'dpo', use: 'write_arrow' },
        ]),
        { base },
      ),
      { output: join(at, 'out'), workers: 2 },
    )
    expect(rowsOf(join(again.folder, 'dropped', 'checked')).map(({ source_file: file }) => file)).toEqual([
      paths[0],
      paths[2],
      join(at, 'z.jsonl'),
    ])
  })

  it('accounts for every row on a graph that branches and joins', async () => {
    const at = folder(),
      path = writeJsonl(join(at, 'in.jsonl'), mixedRows())
    const { graph } = await import('../../index.mjs')
    const result = await run(graph(graphOf(everything(path)), { base }), { output: join(at, 'out'), workers: 2 }),
      { manifest, folder: out } = result
    expect(manifest.rows.read).toBe(130)
    // the kind of a reason is what its stage says, of one's own stages too
    expect(summaryText(result)).toMatch(/\n {2}quality .*own\.has_word/)
    expect(manifest.rows.kept + manifest.rows.dropped + manifest.rows.errored).toBe(130)
    const ledger = rowsOf(join(out, 'ledger')) as {
      id: string
      outcome: string
      stage: string
      reason: string
      sinks: string[]
      row: number
    }[]
    expect(ledger.map(row => row.row)).toEqual(Array.from({ length: 130 }, (_, i) => i))
    const of = (id: string) => ledger.find(row => row.id === id)!
    expect(of('same')).toMatchObject({ outcome: 'dropped', stage: 'checked', reason: 'identical', sinks: [] })
    // a duplicate went to the second sink, by its port: it is kept there, and nowhere else
    expect(of('again')).toMatchObject({ outcome: 'kept', sinks: ['again'] })
    expect(of('swapped')).toMatchObject({ outcome: 'dropped', stage: 'unique', reason: 'contradictory' })
    expect(of('r7')).toMatchObject({ outcome: 'dropped', reason: 'contradictory' })
    const dpo = rowsOf(join(out, 'dpo')) as unknown as {
      id: string
      hard_parent: string | null
      hard_proof: string | null
    }[]
    expect(dpo.length).toBe(manifest.sinks.dpo.rows)
    const derived = dpo.filter(row => row.hard_parent !== null)
    expect(derived.length).toBe(manifest.rows.derived)
    expect(derived.length).toBeGreaterThan(0)
    // a derived pair follows its parent
    for (const row of derived) expect(dpo[dpo.indexOf(row) - 1].id).toBe(row.hard_parent)
    for (const [id, stage] of Object.entries(manifest.stages)) {
      if (['checked', 'unique', 'own', 'noise'].includes(id)) {
        expect(stage.in, id).toBe(stage.out + stage.dropped + stage.errored)
      }
    }
    const dropped = rowsOf(join(out, 'dropped', 'unique'))
    expect(dropped.length).toBe(manifest.stages.unique.dropped)
    expect(dropped[0]).toHaveProperty('source_row')
  })

  it('publishes the same bytes whatever the workers, blocks, buckets and interruptions', async () => {
    const at = folder(),
      path = writeJsonl(join(at, 'in.jsonl'), mixedRows())
    const { graph } = await import('../../index.mjs')
    const runs: Record<string, string>[] = []
    for (const [i, options] of [
      { workers: 1 },
      { workers: 3, blockRows: 7 },
      { workers: 2, blockRows: 1, bucketBytes: 64 },
    ].entries()) {
      const { folder: out } = await run(graph(graphOf(everything(path)), { base }), {
        output: join(at, `out${i}`),
        ...options,
      })
      runs.push(fingerprint(out))
    }
    // killed between passes: what is finished is used again
    const output = join(at, 'out3'),
      abort = new AbortController()
    await expect(
      run(graph(graphOf(everything(path)), { base }), {
        output,
        workers: 1,
        signal: abort.signal,
        onProgress: ({ phase, done }) => {
          if (phase.startsWith('pass 2') && done > 0) abort.abort(130)
        },
      }),
    ).rejects.toMatchObject({ exit: 130 })
    expect(existsSync(join(output, 'latest'))).toBe(false)
    const { folder: out } = await run(graph(graphOf(everything(path)), { base }), { output, workers: 2 })
    runs.push(fingerprint(out))
    for (const other of runs.slice(1)) expect(other).toEqual(runs[0])
  })

  it('gives the same rows whatever the partitions', async () => {
    const at = folder(),
      path = writeJsonl(join(at, 'in.jsonl'), mixedRows())
    const { graph } = await import('../../index.mjs')
    const [a, b] = await Promise.all(
      [13, 1000].map(async (rows, i) => {
        const { folder: out } = await run(
          graph(
            graphOf(
              everything(path)
                .filter(({ use }) => use !== 'detect_noise')
                .map(stage =>
                  stage.id === 'dpo'
                    ? { ...stage, from: ['own', 'hard'] }
                    : stage.id === 'hard'
                      ? { ...stage, from: 'own' }
                      : stage,
                ),
              rows,
            ),
            { base },
          ),
          { output: join(at, `out${i}`), workers: 1 },
        )
        return [rowsOf(join(out, 'dpo')), rowsOf(join(out, 'ledger'))]
      }),
    )
    expect(a).toEqual(b)
  })

  it('sets aside the one row on which a stage fails', async () => {
    const at = folder(),
      rows = pairs(50)
    rows[31].prompt = 'tell me about the volcano'
    const { graph } = await import('../../index.mjs')
    const { manifest, folder: out } = await run(
      graph(
        graphOf([
          source(writeJsonl(join(at, 'in.jsonl'), rows)),
          { id: 'own', use: './shouty.mjs', with: { word: 'nothing', fail: 'volcano' } },
          { id: 'dpo', use: 'write_arrow' },
        ]),
        { base },
      ),
      { output: join(at, 'out') },
    )
    expect(manifest.rows).toMatchObject({ read: 50, kept: 49, errored: 1 })
    const [errored] = (rowsOf(join(out, 'ledger')) as { id: string; outcome: string; detail: string }[]).filter(
      row => row.outcome === 'errored',
    )
    expect(errored).toMatchObject({ id: 'r31' })
    expect(errored.detail).toContain("cannot bear 'volcano'")
  })

  it('says nothing new, goes on from what changed, and takes a changed file as another', async () => {
    const at = folder(),
      path = writeJsonl(join(at, 'in.jsonl'), pairs(60)),
      output = join(at, 'out')
    const stages = [source(path), { id: 'dpo', use: 'write_arrow' }]
    expect((await run(graphOf(stages), { output, workers: 1 })).status).toBe('published')
    expect((await run(graphOf(stages), { output, workers: 1 })).status).toBe('nothing_new')
    writeJsonl(path, pairs(61))
    const third = await run(graphOf(stages), { output, workers: 1 })
    expect(third.status).toBe('published')
    expect(third.manifest.rows.read).toBe(61)
  })

  it('refuses files whose pairs lie otherwise than before, until that is accepted or the source says so', async () => {
    const at = folder(),
      path = writeJsonl(join(at, 'in.jsonl'), pairs(5)),
      graph = (layout = 'auto') =>
        graphOf([
          { ...source(path), with: { path, layout } },
          { id: 'dpo', use: 'write_arrow' },
        ])
    const into = (layout?: string, more = {}) => run(graph(layout), { output: join(at, 'out'), workers: 1, ...more })
    await into()
    const conversation = (text: string) => [{ role: 'user', content: text }]
    writeJsonl(
      path,
      pairs(5).map(row => ({ ...row, prompt: conversation(row.prompt) })),
    )
    await expect(into()).rejects.toThrow(
      /^pairs lie otherwise than in the run before, in one file; .*\n {2}\S*in\.jsonl: layout mixed; before: layout text$/,
    )
    expect((await into('auto', { acceptLayout: true })).status).toBe('published')
    // accepted once is known from then on
    expect((await into()).status).toBe('nothing_new')
    writeJsonl(path, pairs(6))
    expect((await into('text')).status).toBe('published')
  })

  it('never drops a row that --keep-ids names, and says so', async () => {
    const at = folder(),
      rows = mixedRows()
    const { manifest, folder: out } = await run(
      graphOf([
        source(writeJsonl(join(at, 'in.jsonl'), rows)),
        { id: 'checked', use: 'check_pairs' },
        { id: 'unique', use: 'drop_duplicates' },
        { id: 'dpo', use: 'write_arrow' },
      ]),
      { output: join(at, 'out'), keepIds: ['again', 'same'] },
    )
    expect(manifest.stages.unique.spared).toBe(1)
    const ledger = rowsOf(join(out, 'ledger')) as { id: string; outcome: string; stage: string; reason: string }[]
    expect(ledger.find(({ id }) => id === 'again')).toMatchObject({
      outcome: 'kept',
      stage: 'unique',
      reason: 'duplicate',
    })
    // no trainer could take this one
    expect(ledger.find(({ id }) => id === 'same')).toMatchObject({ outcome: 'dropped', reason: 'identical' })
  })

  it('publishes nothing when nothing is kept, and leaves latest alone', async () => {
    const at = folder(),
      output = join(at, 'out'),
      path = writeJsonl(join(at, 'in.jsonl'), pairs(5))
    await run(graphOf([source(path), { id: 'dpo', use: 'write_arrow' }]), { output, workers: 1 })
    const before = readdirSync(join(output, 'runs'))
    const empty = await run(
      graphOf([
        source(path),
        { id: 'short', use: 'drop_length', with: { min_words: 500, max_words: 900 } },
        { id: 'dpo', use: 'write_arrow' },
      ]),
      { output },
    )
    expect(empty.status).toBe('empty')
    expect(JSON.parse(readFileSync(join(output, 'latest', 'manifest.json'), 'utf8')).rows.kept).toBe(5)
    expect(readdirSync(join(output, 'runs')).length).toBe(before.length + 1)
  })

  it('reads what was dropped again', async () => {
    const at = folder(),
      output = join(at, 'out'),
      path = writeJsonl(join(at, 'in.jsonl'), mixedRows())
    const { folder: out, manifest } = await run(
      graphOf([source(path), { id: 'unique', use: 'drop_duplicates' }, { id: 'dpo', use: 'write_arrow' }]),
      { output },
    )
    const again = await run(
      graphOf([
        { id: 'pairs', use: 'read_arrow', with: { path: join(out, 'dropped', 'unique') } },
        { id: 'dpo', use: 'write_arrow' },
      ]),
      { output: join(at, 'out2') },
    )
    expect(again.manifest.rows.read).toBe(manifest.stages.unique.dropped)
  })

  it('limits the rows to a first look', async () => {
    const at = folder(),
      path = writeJsonl(join(at, 'in.jsonl'), pairs(100))
    const { manifest } = await run(graphOf([source(path), { id: 'dpo', use: 'write_arrow' }], 30), {
      output: join(at, 'out'),
      limit: 45,
    })
    expect(manifest.rows.read).toBe(45)
  })
})

describe('commands', () => {
  it('end with the code of what went wrong', async () => {
    const at = folder(),
      output = ['--output', join(at, 'out')]
    const yaml = (text: string) => {
      const path = join(at, `${Math.abs(text.length)}.yaml`)
      writeFileSync(path, text)
      return path
    }
    const good = yaml(
      `version: 1\nname: g\nstages:\n  - { id: pairs, use: read_jsonl, with: { path: '${writeJsonl(join(at, 'in.jsonl'), pairs(9))}' } }\n  - { id: dpo, use: write_arrow }\n`,
    )
    expect(await main(['run', good, ...output, '--quiet'])).toBe(0)
    expect(await main(['run', good, ...output, '--quiet', '--workers', 'two'])).toBe(64)
    expect(await main(['run', good, ...output, '--quiett'])).toBe(64)
    expect(await main(['runn', good])).toBe(64)
    expect(await main(['run', good, ...output, '--quiet', '--input', join(at, 'nowhere-*.jsonl')])).toBe(66)
    expect(await main(['run', good, ...output, '--quiet', '--set', 'dpo.formatt=text'])).toBe(78)
    expect(await main(['run', join(at, 'none.yaml'), ...output])).toBe(78)
    expect(await main(['why', 'r3', ...output])).toBe(0)
    expect(await main(['why', 'r77', ...output])).toBe(66)
    expect(await main(['why', 'r3~hard', ...output])).toBe(66)
    expect(await main(['why', 'r77~hard', ...output])).toBe(66)
    expect(await main(['verify', ...output, '--quiet'])).toBe(0)
    const run = join(at, 'out', 'latest'),
      shard = join(run, 'dpo', 'data-00000-of-00001.arrow')
    writeFileSync(shard, readFileSync(shard).subarray(0, -8))
    expect(await main(['verify', ...output])).toBe(65)
    mkdirSync(join(at, 'file'), { recursive: true })
    writeFileSync(join(at, 'plain'), '')
    expect(await main(['run', good, '--output', join(at, 'plain', 'out'), '--quiet'])).toBe(74)
    // another run holds the lock
    writeFileSync(
      join(at, 'out', '.sluice', 'lock'),
      JSON.stringify({
        pid: 1,
        host: (await import('node:os')).hostname(),
        boot: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
      }),
    )
    expect(await main(['run', good, ...output, '--quiet', '--seed', '3'])).toBe(75)
    rmSync(join(at, 'out', '.sluice', 'lock'))
    mkdirSync(join(at, 'out', '.sluice', 'input'))
    expect(await main(['clean-cache', ...output])).toBe(0)
    expect(readdirSync(join(at, 'out', '.sluice'))).toEqual([])
    // once more there is nothing to do; of a folder that is not there another was meant
    expect(await main(['clean-cache', ...output])).toBe(0)
    expect(await main(['clean-cache', '--output', join(at, 'ouz')])).toBe(66)
  })
})
