/** The scripts of pipelines/ by zx, told wrong things: nothing is published, and nothing that is there is touched. */
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, delimiter, join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { oldRuns, run } from '../../index.mjs'
import { folder, pairs, writeJsonl } from '../engine/helpers.ts'
import { writeGraph } from '../failures/helpers.ts'
import { pipelines, root, sample, script } from '../pipelines/helpers.ts'

vi.setConfig({ testTimeout: 240_000 })

const scripts = readdirSync(pipelines).filter(name => name.endsWith('.mjs'))
const zx = join(root, 'node_modules', 'zx', 'build', 'cli.js')
const node = (cwd: string, ...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' })
  return { code: status, stdout, stderr }
}

describe.each(scripts)('%s', name => {
  it('refuses all that is wrong at once, and touches nothing', async () => {
    const at = folder(),
      { code, stdout, stderr } = await script(
        name,
        [
          sample,
          '--inptu',
          'x',
          '--limit',
          '-5',
          '--quiet=no',
          '--output',
          'o',
          '--output',
          'p',
          '--set',
          'foo',
          'g.yaml',
        ],
        at,
      )
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(stderr.trimEnd().split('\n')).toEqual([
      `${name}: 6 problems`,
      '  no option --inptu; did you mean --input?',
      '  --limit -5 is not a whole number of at least 1',
      expect.stringContaining('--quiet takes no value'),
      '  --output is there twice, and counts once',
      expect.stringContaining('--set foo is not STAGE.OPTION=VALUE'),
      expect.stringContaining('g.yaml is a graph and no input'),
    ])
    expect(readdirSync(at)).toEqual([])
  })

  it('does not take the bundled sample for what was meant', async () => {
    const at = folder()
    writeFileSync(join(at, 'ids'), 'r1\n')
    const asked = [
      '--output',
      'o',
      '--limit',
      '5',
      '--set',
      'checked.max_turns=3',
      '--keep-ids',
      'ids',
      '--seed',
      '3',
      '--answers',
      'kept',
    ]
    const { code, stdout, stderr } = await script(name, asked, at)
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(stderr).toContain(
      'no input is named, and the bundled sample is not meant where there is --output, --limit, --set, --keep-ids, --seed, --answers; name one',
    )
    expect(await script(name, [join(at, 'none'), 'no-*.parquet'], at)).toMatchObject({
      code: 66,
      stdout: '',
      stderr: expect.stringMatching(/'.*none' does not exist; 'no-\*\.parquet' matches no file/) as unknown,
    })
    expect(existsSync(join(at, 'out', 'latest'))).toBe(false)
  })

  it('lists its options by --help, and says when it reads the sample', async () => {
    const { code, stdout, stderr } = await script(name, ['--help'], folder())
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    for (const option of [
      'input',
      'output',
      'set',
      'keep-ids',
      'decisions',
      'workers',
      'answers',
      'seed',
      'limit',
      'anew',
      'quiet',
      'json',
    ]) {
      expect(stdout).toMatch(new RegExp(`^  --${option} `, 'm'))
    }
    expect(stdout).toContain('Without any option about data, graph or output')
    expect(stdout.includes('--graph')).toBe(['clean.mjs', 'nightly.mjs'].includes(name))
    expect(stdout.includes('--keep ')).toBe(name === 'nightly.mjs')
  })
})

describe('each option alone', () => {
  it.each([
    ['--output', 'o'],
    ['--limit=5'],
    ['--set=ratio.max_ratio=3'],
    ['--keep-ids', 'ids'],
    ['--decisions', 'd.csv'],
    ['--seed', '3'],
    ['--answers', 'kept'],
  ])('%s %s is no word for the sample', async (...args) => {
    const at = folder()
    expect((await script('clean.mjs', args, at)).code).toBe(64)
    expect(readdirSync(at)).toEqual([])
  })
})

describe('a script', () => {
  const clean = join(pipelines, 'clean.mjs'),
    wrong = { code: 64, stdout: '', stderr: 'clean.mjs: no option --inptu=x; did you mean --input?\n' }

  it('finds its own words however it is started', () => {
    const at = folder()
    mkdirSync(join(at, 'a b'))
    symlinkSync(clean, join(at, 'a b', 'a link.mjs'))
    cpSync(pipelines, join(at, 'a b', 'pipelines'), { recursive: true })
    mkdirSync(join(at, 'node_modules'))
    symlinkSync(root, join(at, 'node_modules', 'sluice-data'))
    for (const args of [
      [clean],
      [join(at, 'a b', 'a link.mjs')],
      ['a b/pipelines/clean.mjs'],
      ['./a b/../a b/pipelines/clean.mjs'],
      ['--', clean],
      ['--env=none', clean],
    ]) {
      expect(node(at, zx, ...args, '--inptu=x'), args.join(' ')).toEqual(wrong)
    }
    expect(node(at, clean, '--inptu=x')).toEqual(wrong)
    const { status, stderr } = spawnSync(clean, ['--inptu=x'], {
      cwd: at,
      encoding: 'utf8',
      env: { ...process.env, PATH: `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH}` },
    })
    expect({ code: status, stdout: '', stderr }).toEqual(wrong)
    expect(readdirSync(at).sort()).toEqual(['a b', 'node_modules'])
  })

  it('refuses options that zx takes before its name, and those of zx behind it', () => {
    const at = folder()
    for (const option of ['--input=x', '--quiet', '--output']) {
      const ended = node(at, zx, option, ...(option === '--output' ? ['o'] : []), clean)
      expect(ended).toEqual({
        code: 64,
        stdout: '',
        stderr: `clean.mjs: ${option} stands before the script, where it is zx's; options go behind the script's name\n`,
      })
    }
    for (const option of ['--version', '-v', '--cwd=x', '--prefer-local', '--env=x', '-e', '--shell=x']) {
      expect(node(at, zx, clean, option)).toMatchObject({ code: 64, stdout: '' })
    }
    expect(readdirSync(at)).toEqual([])
  })

  it('takes what the shell put for a pattern behind --input, all of it, and the graph of --graph with its own inputs', async () => {
    const at = folder(),
      [a, b] = ['a', 'b'].map((name, i) => writeJsonl(join(at, `${name}.jsonl`), pairs(5, 5 * i)))
    const graph = writeGraph(join(at, 'g.json'), [
      { id: 'pairs', use: 'read_jsonl', with: { path: a } },
      { id: 'dpo', use: 'write_arrow' },
    ])
    const read = async (...args: string[]) =>
      (await script('clean.mjs', ['--graph', graph, '--json', '--workers', '1', ...args], at)).stdout
        .replace(/^.*"rows":\{"read":(\d+).*$/s, '$1')
        .trim()
    expect(await read('--input', a, b)).toBe('10')
    expect(await read()).toBe('5')
    expect(await read(b)).toBe('5')
    expect((await script('clean.mjs', ['--graph', 'nothing'], at)).code).toBe(64)
    expect((await script('nightly.mjs', ['--inptu', 'x', '--graph', 'nonexist.yaml'], at)).code).toBe(64)
    expect((await script('nightly.mjs', ['--graph', 'nonexist.yaml'], at)).code).toBe(78)
  })

  it('own_stage.mjs takes the options of a run', async () => {
    const at = folder(),
      { code, stdout } = await script(
        'own_stage.mjs',
        [
          join(sample, 'pairs-en.parquet'),
          '--limit',
          '40',
          '--workers',
          '1',
          '--seed',
          '9',
          '--set',
          'calm.max_capitals=1',
          '--output',
          'o',
        ],
        at,
      )
    expect({ code, stdout: stdout.split(';')[0] }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^0 of \d+ pairs shout/) as unknown,
    })
    const { limit, graph } = JSON.parse(readFileSync(join(at, 'o', 'latest', 'manifest.json'), 'utf8')) as {
      limit: number
      graph: { seed: number }
    }
    expect([limit, graph.seed]).toEqual([40, 9])
  })
})

describe('nightly.mjs deletes', () => {
  const nights = async () => {
    const at = folder(),
      data = writeJsonl(join(at, 'a.jsonl'), pairs(9)),
      output = join(at, 'out'),
      runs = join(output, 'runs')
    const graph = writeGraph(join(at, 'g.json'), [
      { id: 'pairs', use: 'read_jsonl', with: { path: data } },
      { id: 'dpo', use: 'write_arrow' },
    ])
    const night = (...args: string[]) =>
      script('nightly.mjs', ['--graph', graph, '--output', output, '--workers', '1', ...args], at)
    expect(await night('--quiet')).toEqual({ code: 0, stdout: '', stderr: '' })
    const [latest] = readdirSync(runs)
    for (const name of ['20200101T000000Z-aaaaaaaa', '20200102T000000Z-bbbbbbbb', '20200103T000000Z-cccccccc']) {
      cpSync(join(runs, latest), join(runs, name), { recursive: true })
    }
    const other = join(runs, '20200103T000000Z-cccccccc', 'manifest.json')
    writeFileSync(other, readFileSync(other, 'utf8').replace('"name": "test"', '"name": "other"'))
    for (const name of ['mine', '20200104T000000Z-dddddddd']) mkdirSync(join(runs, name))
    return { output, runs, latest, night, shard: join(runs, latest, 'dpo', 'data-00000-of-00001.arrow') }
  }

  it('nothing when it is told wrong things, or while the latest run does not verify', async () => {
    const { runs, night, shard } = await nights(),
      before = readdirSync(runs),
      bytes = readFileSync(shard)
    for (const args of [
      ['--keep', '0'],
      ['--keep', '-1'],
      ['--keep', '1.5'],
      ['--keep'],
      ['--keep=1', '--keep=1'],
      ['--kep', '1'],
      ['--keep', '1', 'none.jsonl', '--inptu'],
    ]) {
      expect((await night(...args)).code).toBe(64)
    }
    const manifest = join(shard, '..', '..', 'manifest.json'),
      text = readFileSync(manifest, 'utf8')
    // of a run of before manifests had a checksum: of another one all would be published anew
    const unsealed = text.replace('  "sealed": true,\n', '').replace(/,\n {2}"sha256": "\w+"\n\}\n$/, '\n}\n')
    writeFileSync(manifest, unsealed.replace(/("read": )(\d+)/, '$19$2'))
    expect(await night('--keep', '1')).toMatchObject({
      code: 65,
      stderr: expect.stringMatching(/the ledger has \d+ rows, 9\d+ were read/) as unknown,
    })
    expect(readdirSync(runs)).toEqual(before)
    writeFileSync(manifest, text)
    writeFileSync(
      shard,
      bytes.map((byte, i) => (i === 200 ? byte ^ 1 : byte)),
    )
    const { code, stdout, stderr } = await night('--keep', '9')
    expect(code, stderr).toBe(0)
    expect(stderr).toMatch(/^run: \S+ is not what was published, so all is published anew$/m)
    expect(stdout).toMatch(/^\S+: kept \d+ of \d+ rows/)
    expect(readdirSync(runs)).toEqual(expect.arrayContaining(before))
  })

  it('old runs of its graph alone, and never the latest', async () => {
    const { output, runs, latest, night } = await nights(),
      kept = ['20200103T000000Z-cccccccc', '20200104T000000Z-dddddddd', latest, 'mine']
    expect(oldRuns(output, 3)).toEqual([])
    expect(await night('--keep', '2')).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(readdirSync(runs).sort()).toEqual(['20200102T000000Z-bbbbbbbb', ...kept].sort())
    expect(await night('--keep=1')).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(readdirSync(runs).sort()).toEqual(kept.sort())
  })

  it('of its graph, though another published into the output just then', async () => {
    const { output, runs, latest } = await nights(),
      path = writeJsonl(join(folder(), 'other.jsonl'), pairs(3))
    const stages = [
      { id: 'pairs', use: 'read_jsonl', with: { path } },
      { id: 'dpo', use: 'write_arrow' },
    ]
    await run({ version: 1, name: 'another', stages }, { output, workers: 1 })
    const old = ['20200102T000000Z-bbbbbbbb', '20200101T000000Z-aaaaaaaa'].map(name => join(runs, name))
    expect(oldRuns(output, 1)).toEqual([])
    expect(oldRuns(output, 1, { graph: 'test' })).toEqual(old)
    expect(oldRuns(output, 2, { graph: 'test' })).toEqual(old.slice(1))
    expect(existsSync(join(runs, latest))).toBe(true)
  })

  it('nor what latest leads to by several links, or by an absolute one', async () => {
    const { output, runs, latest, night } = await nights(),
      link = join(output, 'latest')
    const leads: [string, string][][] = [
      [
        ['current', join('runs', latest)],
        ['latest', 'current'],
      ],
      [['latest', join(runs, latest)]],
      [
        [join('runs', '20200105T000000Z-eeeeeeee'), latest],
        ['latest', join('runs', '20200105T000000Z-eeeeeeee')],
      ],
    ]
    for (const links of leads) {
      rmSync(link)
      for (const [from, to] of links) symlinkSync(to, join(output, from))
      expect(await night('--keep', '1'), String(links)).toEqual({ code: 0, stdout: '', stderr: '' })
      expect(existsSync(join(runs, latest, 'manifest.json')), String(links)).toBe(true)
    }
  })

  it('no copy that somebody made of a run', async () => {
    const { runs, latest, night } = await nights(),
      copy = `${latest}-good`
    cpSync(join(runs, latest), join(runs, copy), { recursive: true })
    expect((await night('--keep', '1')).code).toBe(0)
    expect(readdirSync(runs)).toEqual(expect.arrayContaining([latest, copy]))
  })

  it('no good run for one that kept nothing', async () => {
    const { runs, night, latest } = await nights(),
      empty = '20200105T000000Z-eeeeeeee',
      manifest = join(runs, empty, 'manifest.json')
    cpSync(join(runs, latest), join(runs, empty), { recursive: true })
    writeFileSync(manifest, readFileSync(manifest, 'utf8').replace(/"kept": \d+/, '"kept": 0'))
    expect((await night('--keep', '2')).code).toBe(0)
    expect(readdirSync(runs)).toEqual(expect.arrayContaining([latest, '20200102T000000Z-bbbbbbbb', empty]))
    expect(readdirSync(runs)).not.toContain('20200101T000000Z-aaaaaaaa')
  })

  it('neither the run of the night before nor one that is named later than now, after a clock was wrong', async () => {
    const { output, runs, night, latest } = await nights(),
      rename = (from: string, to: string) => {
        renameSync(join(runs, from), join(runs, to))
        rmSync(join(output, 'latest'))
        symlinkSync(`runs/${to}`, join(output, 'latest'))
      }
    // ahead for two nights
    const ahead = ['20900101T000000Z-aaaaaaaa', '20900102T000000Z-bbbbbbbb']
    for (const name of ahead) {
      cpSync(join(runs, latest), join(runs, name), { recursive: true })
    }
    const told =
      'nightly: 2 runs are named later than now, and not deleted: 20900102T000000Z-bbbbbbbb, 20900101T000000Z-aaaaaaaa in '
    expect(await night('--keep', '2')).toMatchObject({ code: 0, stderr: expect.stringContaining(told) as unknown })
    const stay = () => readdirSync(runs).filter(name => /^(19|20)/.test(name) && !/-(cccccccc|dddddddd)$/.test(name))
    expect(stay().sort()).toEqual(['20200102T000000Z-bbbbbbbb', latest, ...ahead].sort())
    // behind in the night before
    rename(latest, '19700101T000000Z-ffffffff')
    expect((await night('--anew', '--keep', '2')).stdout).toMatch(/kept 9 of 9 rows/)
    const now = basename(readlinkSync(join(output, 'latest')))
    expect(stay().sort()).toEqual(['19700101T000000Z-ffffffff', now, ...ahead].sort())
  })

  it('no run over all rows for a first look, and says that only a part was read', async () => {
    const { output, runs, night, latest } = await nights(),
      old = ['20200101T000000Z-aaaaaaaa', '20200102T000000Z-bbbbbbbb', '20200103T000000Z-cccccccc', latest]
    const look = await night('--limit', '4', '--keep', '3')
    expect(look).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /^\S+: kept 4 of 4 rows \(by --limit the first 4 of 9, from the first 1 of 1 files\), made 0 new ones$/m,
      ) as unknown,
      stderr: '',
    })
    expect(readdirSync(runs)).toEqual(expect.arrayContaining(old))
    // the newest of all rows stays though it is not the latest, and the older look goes
    expect((await night('--sample', '5', '--keep', '1')).stdout).toMatch(/kept 5 of 5 rows \(sampled by seed /)
    const partial = readlinkSync(join(output, 'latest')).replace('runs/', '')
    expect(
      readdirSync(runs)
        .filter(name => /^\d/.test(name))
        .sort(),
    ).toEqual(['20200103T000000Z-cccccccc', '20200104T000000Z-dddddddd', latest, partial].sort())
    // and the look is none of those that stay
    expect((await night('--keep', '1')).code).toBe(0)
    expect(readdirSync(runs)).toEqual(expect.arrayContaining([partial]))
  })
})

it('a script that forgets to hand on the code of its run ends with it all the same', () => {
  const at = folder(),
    file = join(at, 'mine.mjs')
  writeJsonl(join(at, 'in.jsonl'), [{ id: 'a', prompt: 'why?', chosen: 'yes', rejected: 'yes' }])
  const graph = writeGraph(join(at, 'g.json'), [
    { id: 'pairs', use: 'read_jsonl', with: { path: 'in.jsonl' } },
    { id: 'checked', use: 'check_pairs' },
    { id: 'dpo', use: 'write_arrow' },
  ])
  const work = 'async job => { await job.run() }'
  writeFileSync(
    file,
    `import { pipeline } from ${JSON.stringify(join(root, 'index.mjs'))}
await pipeline(import.meta.url, { about: 'mine', graph: ${JSON.stringify(graph)} }, ${work})
`,
  )
  expect(node(at, file, '--output', 'out', '--quiet').code).toBe(65)
})
