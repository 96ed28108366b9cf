/** The scripts and graphs of pipelines/, as users run them. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it, vi } from 'vitest'
import { parse } from 'yaml'
import { main } from '../../index.mjs'
import { folder, pairs, rowsOf, writeJsonl } from '../engine/helpers.ts'
import { hashes, pipelines, root, sample, samplePairs, script, type Ended } from './helpers.ts'

vi.setConfig({ testTimeout: 300_000 })

const scripts = readdirSync(pipelines).filter(name => name.endsWith('.mjs'))
const graphs = readdirSync(pipelines).filter(name => /\.ya?ml$/.test(name))
const read = (path: string) => readFileSync(path, 'utf8')

interface Summary {
  status: string
  rows: { read: number; kept: number }
  stages: Record<string, { dropped: number; in: number }>
  inputs: { path: string }[]
  sinks: Record<string, { rows: number }>
}

/** What a script makes of the sample, in a folder of its own; made once. */
const made = new Map<string, Promise<Ended & { at: string }>>()
function ofSample(name: string): Promise<Ended & { at: string }> {
  const at = folder(),
    known =
      made.get(name) ??
      script(name, [samplePairs, '--output', 'here', '--workers', '1', '--verbose'], at).then(ended => ({
        ...ended,
        at,
      }))
  made.set(name, known)
  return known
}

describe('every script of pipelines/', () => {
  it('is there to be found', () =>
    expect(scripts).toEqual(expect.arrayContaining(['clean.mjs', 'nightly.mjs', 'own_stage.mjs'])))

  it.each(scripts)(
    '%s is short, publishes from any working directory, and leaves its inputs as they were',
    async name => {
      expect(read(join(pipelines, name)).trimEnd().split('\n').length).toBeLessThanOrEqual(60)
      const before = hashes(sample),
        { code, stdout, stderr, at } = await ofSample(name)
      expect({ code, stderr: stderr.replace(/^(sluice: |\d\d:\d\d:\d\d {2}).*\n/gm, '') }).toEqual({
        code: 0,
        stderr: '',
      })
      expect(stdout).not.toBe('')
      expect(rowsOf(join(at, 'here', 'latest', 'dpo')).length).toBeGreaterThan(300)
      expect(await main(['verify', '--output', join(at, 'here'), '--quiet'])).toBe(0)
      expect(hashes(sample)).toEqual(before)
      expect(readdirSync(at)).toEqual(['here'])
    },
  )
})

describe('every graph of pipelines/', () => {
  const check = new Ajv2020({ strict: false, allErrors: true, validateFormats: false }).compile(
    JSON.parse(read(join(root, 'schemas', 'graph.schema.json'))) as object,
  )

  it.each(graphs)('%s is right', async name => {
    check(parse(read(join(pipelines, name))))
    expect(check.errors ?? []).toEqual([])
    const input = name === 'candidates.yaml' ? join(sample, 'candidates') : samplePairs
    expect(await main(['check', join(pipelines, name), '--quiet', '--input', input])).toBe(0)
  })

  const publish = async (name: string, input = samplePairs) => {
    const output = join(folder(), 'out')
    const flags = ['--quiet', '--workers', '1', '--input', input]
    expect(await main(['run', join(pipelines, name), '--output', output, ...flags])).toBe(0)
    const run = join(output, 'latest')
    return { run, summary: JSON.parse(read(join(run, 'manifest.json'))) as Summary }
  }

  it('clean_fast.yaml learns nothing, and keeps what clean.yaml lets its reviewers see', async () => {
    const { run, summary } = await publish('clean_fast.yaml')
    const { dropped, in: seen } = (await publish('clean.yaml')).summary.stages.agreed
    expect(summary.sinks.dpo.rows).toBe(seen)
    expect(dropped).toBeGreaterThan(0)
    expect(rowsOf(join(run, 'dpo')).length).toBe(seen)
  })

  it('candidates.yaml sets the best answer to a prompt against the worst', async () => {
    const { run, summary } = await publish('candidates.yaml', join(sample, 'candidates'))
    const rows = rowsOf(join(run, 'dpo')) as {
      prompt: string
      pairs_chosen_score: number
      pairs_rejected_score: number
    }[]
    expect(summary.rows.read).toBe(48)
    expect(new Set(rows.map(({ prompt }) => prompt)).size).toBe(12)
    for (const row of rows) expect(row.pairs_chosen_score - row.pairs_rejected_score).toBeGreaterThanOrEqual(1)
  })

  it('maths.yaml puts each new pair behind the one that it was made of, with an equation made false', async () => {
    const { run } = await publish('maths.yaml')
    const rows = rowsOf(join(run, 'dpo')) as {
      id: string
      hard_parent: string | null
      hard_proof: string
      prompt: unknown
      chosen: unknown
      rejected: unknown
    }[]
    let parent = rows[0],
      made = 0
    for (const row of rows) {
      if (row.hard_parent === null) {
        parent = row
        continue
      }
      made++
      expect(row.hard_parent).toBe(parent.id)
      expect([row.prompt, row.chosen]).toEqual([parent.prompt, parent.chosen])
      expect(row.rejected).not.toEqual(row.chosen)
      expect(row.hard_proof).toMatch(/ is true; .* is false/)
    }
    expect(made).toBeGreaterThan(100)
  })

  it('audit.yaml drops nothing but what cannot be read, writes an opinion on every row, and a list for people', async () => {
    const { run, summary } = await publish('audit.yaml')
    for (const id of ['noise', 'review']) expect(summary.stages[id].dropped, id).toBe(0)
    expect(summary.rows.kept).toBe(summary.rows.read - summary.stages.pairs.dropped)
    const lines = read(join(run, 'rows', 'data.jsonl'))
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as Record<string, unknown>)
    expect(lines.length).toBe(summary.rows.kept)
    expect(summary.sinks.humans.rows).toBeGreaterThan(20)
    for (const line of lines) {
      expect(line.noise_probability).toBeGreaterThanOrEqual(0)
      expect(line.noise_probability).toBeLessThanOrEqual(1)
      expect(['agreed', 'ambiguous', 'reversed']).toContain(line.review_class)
      expect([typeof line.noise_margin_words, typeof line.noise_margin_style]).toEqual(['number', 'number'])
    }
  })
})

describe('pipelines/clean.mjs', () => {
  const [english, german] = ['pairs-en.parquet', 'pairs-de.parquet'].map(file => join(sample, file))

  it('reads the bundled sample when it is told nothing, from any working directory', async () => {
    const at = folder()
    expect(await script('clean.mjs', ['--quiet'], at)).toEqual({
      code: 0,
      stdout: '',
      stderr: expect.stringMatching(/^sluice: warning: agreed: reversed \d+ of 402 rows [^\n]*\n$/) as unknown,
    })
    expect((await script('clean.mjs', [], at)).stdout).toMatch(/^nothing new: /)
    expect((JSON.parse(read(join(at, 'out', 'latest', 'manifest.json'))) as Summary).rows.read).toBe(447)
  })

  it('gives one JSON object and nothing else with --json, and reads every --input', async () => {
    const at = folder()
    const { code, stdout, stderr } = await script(
      'clean.mjs',
      [
        '--json',
        '--workers',
        '1',
        '--input',
        english,
        `--input=${german}`,
        '--limit',
        '350',
        '--set',
        'ratio.max_ratio=2',
        '--set=repetition.max_special=1',
      ],
      at,
    )
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const summary = JSON.parse(stdout) as Summary
    expect(summary.status).toBe('published')
    expect(summary.inputs.map(({ path }) => path.split('/').at(-1))).toEqual(['pairs-de.parquet', 'pairs-en.parquet'])
    expect(summary.rows.read).toBe(350)
    expect(summary.stages.ratio.dropped).toBeGreaterThan(10)
    expect(rowsOf(join(at, 'out', 'latest', 'dropped', 'ratio')).length).toBe(summary.stages.ratio.dropped)
  })

  it('says nothing at all with --quiet, and runs the graph that it is given', async () => {
    const at = folder(),
      data = writeJsonl(join(at, 'in.jsonl'), pairs(9)),
      graph = join(at, 'own.yaml')
    writeFileSync(
      graph,
      `version: 1\nname: own\nstages:\n  - { id: pairs, use: read_jsonl, with: { path: '${data}' } }\n  - { id: lines, use: write_jsonl }\n`,
    )
    expect(await script('clean.mjs', ['--quiet', '--workers', '1', '--graph', graph], at)).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    })
    expect(
      read(join(at, 'out', 'latest', 'lines', 'data.jsonl'))
        .trimEnd()
        .split('\n').length,
    ).toBe(9)
    const again = await script('clean.mjs', [`--graph=${graph}`], at)
    expect(again.stdout).toMatch(/^nothing new: .*\(9 of 9 rows kept\)\n$/)
  })

  it('explains itself, and ends with the code of what went wrong', async () => {
    const at = folder()
    const help = await script('clean.mjs', ['--help'], at)
    expect({ code: help.code, stderr: help.stderr }).toEqual({ code: 0, stderr: '' })
    for (const flag of [
      '--input',
      '--output',
      '--graph',
      '--set',
      '--workers',
      '--seed',
      '--limit',
      '--sample',
      '--keep-ids',
      '--decisions',
      '--quiet',
      '--json',
    ]) {
      expect(help.stdout).toContain(flag)
    }
    const wrong = await script('clean.mjs', ['--outptu', 'x'], at)
    expect({ ...wrong, stderr: wrong.stderr.includes('did you mean --output?') }).toEqual({
      code: 64,
      stdout: '',
      stderr: true,
    })
    expect(
      (await script('clean.mjs', ['--quiet', '--input', join(at, 'none-*.parquet'), '--set', 'ratio.max_ratoi=3'], at))
        .code,
    ).toBe(78)
    expect(existsSync(join(at, 'out', 'latest'))).toBe(false)
  })
})

describe('pipelines/nightly.mjs', () => {
  it('publishes what is new in one line, is silent when nothing is, and keeps the last runs', async () => {
    const at = folder(),
      inputs = join(at, 'in'),
      args = ['--input', inputs, '--output', join(at, 'out'), '--workers', '1', '--keep', '1']
    mkdirSync(inputs)
    const runs = () => readdirSync(join(at, 'out', 'runs')).sort()
    const published: string[] = []
    for (const file of ['pairs-de.parquet', 'pairs-chat.parquet']) {
      copyFileSync(join(sample, file), join(inputs, file))
      if (published.length > 0) {
        // pairs that lie in JSON text, after a night of plain text: somebody has to look
        const refused = await script('nightly.mjs', args, at)
        expect([refused.code, refused.stdout]).toEqual([65, ''])
        expect(refused.stderr).toMatch(
          /lie otherwise than in the run before, in one file.*--accept-layout:\n.*pairs-chat.parquet: layout json; before: layout text/s,
        )
        expect(runs()).toEqual(published)
      }
      const { code, stdout, stderr } = await script('nightly.mjs', [...args, '--accept-layout'], at)
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).toMatch(/^.*: kept \d+ of \d+ rows, made \d+ new ones\n$/)
      published.push(stdout.split(': kept')[0].split('/').at(-1)!)
    }
    expect(runs()).toEqual(published.slice(1))
    expect(await script('nightly.mjs', args, at)).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(runs()).toEqual(published.slice(1))

    // while another run is on, and when it is told nonsense, it touches nothing
    const lock = join(at, 'out', '.sluice', 'lock')
    const host = (await import('node:os')).hostname()
    writeFileSync(
      lock,
      JSON.stringify({
        pid: process.pid,
        host,
        boot: existsSync('/proc/sys/kernel/random/boot_id') ? read('/proc/sys/kernel/random/boot_id').trim() : '',
      }),
    )
    const locked = await script('nightly.mjs', args, at)
    expect({ code: locked.code, stdout: locked.stdout, says: locked.stderr.includes('another run') }).toEqual({
      code: 75,
      stdout: '',
      says: true,
    })
    expect((await script('nightly.mjs', [...args.slice(0, -1), 'few'], at)).code).toBe(64)
    expect(runs()).toEqual(published.slice(1))
  })
})

describe('pipelines/judged.mjs', () => {
  it('gives the scores of both models to peer_review, as its margins', async () => {
    const { code, stdout, stderr, at } = await ofSample('judged.mjs')
    expect({ code, stderr }).toMatchObject({ code: 0 })
    expect(stderr).toMatch(
      /^sluice: skywork: at most about [\d,]+ requests to stand-in\/skywork .*\nsluice: tulu: at most/m,
    )
    expect(stdout).toMatch(
      /^ {2}tulu: [\d,]+ answers, 0 of them from the cache; [\d,]+ requests and [\d,]+ tokens were spent on this result$/m,
    )
    const rows = rowsOf(join(at, 'here', 'latest', 'dpo')) as Record<string, number>[],
      margins = new Set<number>()
    for (const row of rows) {
      for (const name of ['skywork', 'tulu']) {
        expect(row[`agreed_margin_${name}`]).toBe(row[`${name}_chosen_score`] - row[`${name}_rejected_score`])
      }
      margins.add(row.agreed_margin_tulu)
    }
    expect(margins.size).toBeGreaterThan(50)
  })
})

describe('pipelines/own_stage.mjs', () => {
  it('drops by its own reason, with its value and limit in the ledger', async () => {
    const at = folder(),
      data = join(at, 'in.parquet')
    copyFileSync(join(sample, 'pairs-en.parquet'), data)
    expect((await script('own_stage.mjs', ['--input', data, '--output', 'o', '--workers', '1'], at)).code).toBe(0)
    const ledger = rowsOf(join(at, 'o', 'latest', 'ledger')) as {
      id: string
      reason: string
      sinks: string[]
      outcome: string
    }[]
    const shares = rowsOf(join(at, 'o', 'latest', 'dpo')) as { calm_capitals: number | null }[]
    expect(shares.every(({ calm_capitals: share }) => share === null || share <= 0.2)).toBe(true)
    expect(Math.max(...shares.map(({ calm_capitals: share }) => share ?? 0))).toBeGreaterThan(0)
    expect(ledger.filter(({ sinks }) => sinks.includes('loud')).length).toBe(
      read(join(at, 'o', 'latest', 'loud', 'data.jsonl'))
        .trimEnd()
        .split('\n').length,
    )
  })
})
