/** What `sluice` does with words that are wrong, and with inputs: in this process, on small graphs. */
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { folder, pairs, writeJsonl } from '../engine/helpers.ts'
import { writeGraph, type Stage } from '../failures/helpers.ts'
import { sluice } from './helpers.ts'

/** A folder with three files of rows, and a graph that reads the first. */
function place(more: readonly Stage[] = []) {
  const at = folder()
  const files = ['a', 'b', 'c'].map((name, i) => writeJsonl(join(at, `${name}.jsonl`), pairs(10, 10 * i)))
  const graph = writeGraph(join(at, 'g.yaml'), [
    { id: 'pairs', use: 'read_jsonl', with: { path: files[0] } },
    ...more,
    { id: 'dpo', use: 'write_arrow' },
  ])
  return { at, files, graph, output: join(at, 'out'), to: ['--output', join(at, 'out')] }
}
const manifest = (output: string) =>
  JSON.parse(readFileSync(join(output, 'latest', 'manifest.json'), 'utf8')) as {
    rows: { read: number }
    inputs: { path: string }[]
    files: Record<string, object>
  }

describe('a wrong command line ends with 64 before anything is done, and says what is wrong', () => {
  it.each<[string[], string]>([
    [['run', 'G', '--inptu', 'x'], 'no option --inptu; did you mean --input?'],
    [['run', 'G', '--out', 'x'], 'no option --out; did you mean --output?'],
    [['run', 'G', '-input', 'x'], 'no option -input; did you mean --input?'],
    [['run', 'G', '-qx'], 'no option -qx; there are --input, '],
    [
      ['run', 'G', '—quiet'],
      'no option —quiet (its dash is U+2014, as in documents, not the hyphen of the keyboard); did you mean --quiet?',
    ],
    [['run', 'G', '−−quiet'], 'no option −−quiet (its dash is U+2212, '],
    [['run', 'G', '--no-anew'], 'no option --no-anew; '],
    [['run', 'G', '--constructor', '1'], 'no option --constructor; '],
    [['run', 'G', '--seed', '1', '--seed=1'], '--seed is there twice, and counts once'],
    [['run', 'G', '--quiet', '--quiet'], '--quiet is there twice, and counts once'],
    [['run', 'G', '--input'], '--input lacks its value'],
    [
      ['run', 'G', '--answers', '--quiet'],
      '--answers lacks its value: behind it is --quiet; a value that begins so is written --answers=--quiet',
    ],
    [['run', 'G', '--answers', '–quiet'], '--answers lacks its value: behind it is –quiet'],
    [['run', 'G', '--workers='], '--workers has an empty value'],
    [['run', 'G', '--input', ''], '--input has an empty value'],
    [['run', 'G', ''], 'one of the words is empty'],
    [['run', 'G', '--answers=~/answers'], '--answers ~/answers: the shell has left the ~ as it is'],
    [['run', 'G', '--quiet=no'], "--quiet takes no value, and 'no' was given"],
    ...['-5', '0', '1e3', '0x10', '5.5', '1_000', '１０', ' 5', '+5', '99999999999999999999'].map(
      (text): [string[], string] => [
        ['run', 'G', '--limit', text],
        `--limit ${text} is not a whole number of at least 1`,
      ],
    ),
    [['run', 'G', '--workers', '0'], '--workers 0 is not a whole number of at least 1'],
    [['run', 'G', '--seed', 'abc'], '--seed abc is not a whole number of at least 0'],
    [['run', 'G', '--seed=-1'], '--seed -1 is not a whole number of at least 0'],
    [['run', 'G', '--set', 'foo'], '--set foo is not STAGE.OPTION=VALUE'],
    [['run', 'G', '--set', 'pairs.layout'], '--set pairs.layout is not STAGE.OPTION=VALUE'],
    [
      ['run', 'G', '--set', 'pairs.layout=text', '--set', 'pairs.layout=messages'],
      '--set gives pairs.layout two values: pairs.layout=text and pairs.layout=messages',
    ],
    [['run', 'G', 'a.jsonl', '--set', 'pairs.path=b.jsonl'], '--set pairs.path=b.jsonl names others'],
    [['run', 'G', 'other.yaml'], 'other.yaml is a graph and no input'],
    [['run', 'a.parquet', 'b.parquet'], "'a.parquet' is no graph (.yaml, .yml or .json); the graph comes first"],
    [['run', '--graph', 'a.parquet'], "'a.parquet' is no graph"],
    [['run'], 'name a graph'],
    [['check', 'G', 'a.jsonl'], "'a.jsonl' is one word too many; did you mean --input a.jsonl?"],
    [['check', '--graph', 'G', 'a.jsonl'], "'a.jsonl' is one word too many"],
    [['check', 'G', '--workers', '3'], '`sluice check` has no use of --workers; it takes --input, '],
    [['check', 'G', '--no-data', '--limit', '3'], '--no-data opens no input, so there is no use of --limit'],
    [['why', 'r1', 'r2', 'r3'], "'r3' is one word too many"],
    [['why', 'r1', '--workers', '3'], '`sluice why` has no use of --workers'],
    [['verify', 'r1', 'out'], "'out' is one word too many; it is `sluice verify [RUN]`"],
    [['verify', '--input', 'x'], '`sluice verify` has no use of --input'],
    [['stages', '--limit', '3'], '`sluice stages` has no use of --limit'],
    [['sweep', 'G', 'a.b=1', 'a.b=2'], "'a.b=2' is one word too many; it is `sluice sweep GRAPH STAGE.OPTION=A,B,…`"],
    [['clean-cache', 'out'], "'out' is one word too many; did you mean --output out?"],
    [['clean-cache', '--anew'], '`sluice clean-cache` has no use of --anew'],
    [['verfiy'], "no command 'verfiy'; did you mean verify?"],
    [['constructor'], "no command 'constructor'; there are look, run, check, "],
  ])('%j', async (argv, says) => {
    const { graph, to, output } = place()
    const { code, stdout, stderr } = await sluice(
      ...argv.map(word => (word === 'G' ? graph : word)),
      ...(argv[0] === 'stages' ? [] : to),
    )
    expect(stderr).toContain(says)
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    // the two sides of an input are known only where the graph has been read
    expect(existsSync(join(output, 'latest'))).toBe(false)
    if (!argv.includes('pairs.path=b.jsonl')) expect(existsSync(output)).toBe(false)
  })

  it('all of it at once', async () => {
    const { graph } = place()
    const { code, stderr } = await sluice(
      '--inptu',
      'x',
      'verify',
      'a',
      graph,
      '--limit',
      '-5',
      '--quiet=no',
      '--output',
      '--json',
    )
    expect(code).toBe(64)
    expect(stderr.split('\n')).toEqual([
      'sluice verify: 7 problems',
      '  no option --inptu; did you mean --input?',
      '  --limit -5 is not a whole number of at least 1',
      "  --quiet takes no value, and 'no' was given; leave the option out where it is not meant",
      '  --output lacks its value: behind it is --json; a value that begins so is written --output=--json',
      '  `sluice verify` has no use of --limit; it takes --output, --quiet',
      '  `sluice verify` has no use of --json; it takes --output, --quiet',
      `  '${graph}' is one word too many; it is \`sluice verify [RUN]\``,
    ])
  })
})

describe('words that are right', () => {
  it('stand anywhere: options before the command, words behind --', async () => {
    const { graph, to, output, at } = place()
    writeJsonl(join(at, '-odd.jsonl'), pairs(4))
    expect(await sluice(...to, 'run', '--quiet', '--', graph, join(at, '-odd.jsonl'))).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    })
    expect(manifest(output).rows.read).toBe(4)
    expect(await sluice('run', graph, `--input=${join(at, '-odd.jsonl')}`, ...to)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^nothing new/) as unknown,
    })
  })

  it('--help lists what a command takes, and does nothing else', async () => {
    const { stdout, code } = await sluice('verify', '--help', '--nonsense')
    expect(code).toBe(0)
    expect(stdout).toContain('--quiet')
    expect(stdout).not.toMatch(/--input|sluice run/)
    expect((await sluice('-h')).stdout).toMatch(/^sluice look FILE… .*\nsluice run GRAPH \[INPUT\]…/)
  })
})

describe('inputs as words', () => {
  it('are those of --input: a pattern that the shell put names in for reads all of them, each once', async () => {
    const {
      files: [a, b, c],
      graph,
      to,
      output,
      at,
    } = place()
    expect(
      (await sluice('run', '--workers', '1', graph, '--input', a, '--input', b, '--input', c, ...to, '--quiet')).code,
    ).toBe(0)
    const whole = manifest(output),
      shard = Object.keys(whole.files).find(file => file.startsWith('dpo/data-'))!
    expect(await sluice('run', '--workers', '1', ...to, graph, '--input', a, b, c)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^nothing new/) as unknown,
    })
    symlinkSync(b, join(at, 'z.jsonl'))
    for (const words of [
      ['--input', b, a, c, b, '--input', a, join(at, '.', 'a.jsonl')],
      [join(at, '*.jsonl')],
      [a, join(at, '[bc].jsonl'), join(at, 'z.jsonl')],
    ]) {
      expect(await sluice('run', '--workers', '1', ...to, graph, ...words, '--quiet')).toMatchObject({
        code: 0,
        stdout: '',
        stderr: expect.stringMatching(/^$|^read_jsonl: 1 file has two names and is read once: \S+ is \S+$/) as unknown,
      })
      const { rows, inputs, files } = manifest(output)
      expect({ rows, inputs, shard: files[shard] }).toEqual({
        rows: whole.rows,
        inputs: whole.inputs,
        shard: whole.files[shard],
      })
    }
    expect(whole.inputs.map(({ path }) => path)).toEqual([a, b, c])
    expect((await sluice('run', '--workers', '1', '--graph', graph, a, b, ...to, '--quiet')).code).toBe(0)
    expect(manifest(output).rows.read).toBe(20)
  })

  it('end with 66 where there is nothing of that name, all of them named', async () => {
    const {
      at,
      files: [a],
      graph,
      to,
      output,
    } = place()
    mkdirSync(join(at, 'bare'))
    const { code, stderr } = await sluice(
      'run',
      '--workers',
      '1',
      graph,
      ...to,
      a,
      'limit',
      join(at, 'no-*.jsonl'),
      '--input',
      join(at, 'none.jsonl'),
      join(at, 'bare'),
    )
    expect(code).toBe(66)
    for (const part of [
      "'limit' does not exist",
      "no-*.jsonl' matches no file",
      "none.jsonl' does not exist",
      "bare' is a folder without a file",
    ]) {
      expect(stderr).toContain(part)
    }
    expect(existsSync(join(output, 'latest'))).toBe(false)
  })
})

describe('what another run published', () => {
  it('is no input where only a folder above it is named, and one where it is named itself', async () => {
    const at = folder(),
      data = writeJsonl(join(at, 'a.jsonl'), pairs(10)),
      graph = writeGraph(join(at, 'g.json'), [
        { id: 'pairs', use: 'read_jsonl', with: { path: data } },
        { id: 'rows', use: 'write_jsonl' },
      ])
    const to = (name: string) => ['--output', join(at, name), '--quiet']
    expect((await sluice('run', '--workers', '1', graph, ...to('first'))).code).toBe(0)
    for (const above of [at, join(at, '**', '*.jsonl')]) {
      const { code, stderr } = await sluice('run', '--workers', '1', graph, above, ...to('second'))
      expect({ code, stderr }).toEqual({
        code: 64,
        stderr: expect.stringContaining(`lies in the output folder ${join(at, 'first')}`) as unknown,
      })
    }
    for (const own of [join(at, 'first', 'latest', 'rows'), join(at, 'first', 'runs', '*', 'rows', '*.jsonl')]) {
      expect(await sluice('run', '--workers', '1', graph, own, ...to('second'), '--anew')).toEqual({
        code: 0,
        stdout: '',
        stderr: '',
      })
    }
  })
})

describe('--output', () => {
  it('inside of a published run ends with 64, and writes nothing', async () => {
    const { graph, to, output } = place()
    expect((await sluice('run', '--workers', '1', graph, ...to, '--quiet')).code).toBe(0)
    const run = realpathSync(join(output, 'latest')),
      before = readdirSync(run, { recursive: true })
    for (const inside of [join(output, 'latest'), run, join(run, 'dpo'), join(output, 'latest', 'new', 'one')]) {
      expect(await sluice('run', '--workers', '1', graph, '--output', inside, '--quiet')).toEqual({
        code: 64,
        stdout: '',
        stderr: `run: the output folder ${inside} lies in ${run}, which is a published run; choose --output ${realpathSync(output)} to publish beside it, or another folder`,
      })
    }
    expect(readdirSync(run, { recursive: true })).toEqual(before)
    // an output may have any name, and lie beside runs
    expect(
      (await sluice('run', '--workers', '1', graph, '--output', join(output, 'runs', 'mine'), '--quiet')).code,
    ).toBe(0)
  })

  it('inside of what the runs of another output delete ends with 64, and writes nothing', async () => {
    const { graph, to, output } = place()
    expect((await sluice('run', '--workers', '1', graph, ...to, '--quiet')).code).toBe(0)
    const own = realpathSync(output),
      before = readdirSync(own, { recursive: true })
    for (const [inside, of] of [
      ['.sluice', '.sluice'],
      ['.sluice/spools/mine', '.sluice'],
      ['runs/.tmp-mine/new', 'runs/.tmp-mine'],
      ['.latest-mine', '.latest-mine'],
    ]) {
      expect(await sluice('run', '--workers', '1', graph, '--output', join(output, inside), '--quiet')).toEqual({
        code: 64,
        stdout: '',
        stderr: `run: the output folder ${join(output, inside)} lies in ${join(own, of)}, which the runs of ${own} use for themselves and delete; choose --output ${own} to publish beside it, or another folder`,
      })
    }
    expect(readdirSync(own, { recursive: true })).toEqual(before)
    // a folder of that name that no run uses
    expect(
      (await sluice('run', '--workers', '1', graph, '--output', join(own, '..', '.sluice', 'out'), '--quiet')).code,
    ).toBe(0)
  })
  it('inside of a published run whose cache was deleted ends with 64', async () => {
    const { graph, to, output } = place()
    expect((await sluice('run', '--workers', '1', graph, ...to, '--quiet')).code).toBe(0)
    rmSync(join(output, '.sluice'), { recursive: true })
    const before = readdirSync(output, { recursive: true })
    for (const inside of ['latest', 'latest/dpo/new', '.sluice/mine']) {
      expect(
        (await sluice('run', '--workers', '1', graph, '--output', join(output, inside), '--quiet')).code,
        inside,
      ).toBe(64)
    }
    expect(readdirSync(output, { recursive: true })).toEqual(before)
  })
})

describe('--limit', () => {
  it('says which rows it read, in the summary and in the report', async () => {
    const { files, graph, to, output } = place()
    const { stdout } = await sluice('run', '--verbose', '--workers', '1', graph, ...files, ...to, '--limit', '15')
    expect(stdout).toMatch(/^15 of 30 pairs in -> \d+ to train on /)
    expect(stdout).toMatch(
      /^read 15 rows \(by --limit the first 15 of 30, from the first 2 of 3 files, layout text\): kept/m,
    )
    expect(readFileSync(join(output, 'latest', 'report.html'), 'utf8')).toContain(
      'Rows read: by --limit the first 15 of 30, from the first 2 of 3 files.',
    )
    expect(
      (await sluice('run', '--verbose', '--workers', '1', graph, ...files, ...to, '--limit', '10')).stdout,
    ).toContain('from the first 1 of 3 files')
    expect(
      (await sluice('run', '--verbose', '--workers', '1', graph, ...files, ...to, '--limit', '31')).stdout,
    ).toMatch(/^read 30 rows \(3 files, /m)
  })
})

describe('--quiet', () => {
  const shout: Stage = { id: 'none', use: 'drop_length_ratio', with: { max_ratio: 1.5, longer: 'either' } }

  it('keeps the warnings of a graph and of a run, and nothing else', async () => {
    const rows = pairs(40).map((row, i) => ({
      ...row,
      chosen: i === 0 ? row.rejected : `${row.rejected} ${'and more '.repeat(20)}`,
    }))
    const { at, graph, to } = place([shout])
    const { code, stdout, stderr } = await sluice(
      'run',
      '--workers',
      '1',
      graph,
      writeJsonl(join(at, 'long.jsonl'), rows),
      ...to,
      '--quiet',
    )
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(stderr).toMatch(/^sluice: warning: none: length_ratio 39 of 40 rows/)
    // said once, and not again where nothing is new
    expect(stderr.match(/length_ratio/g)).toHaveLength(1)
    expect(await sluice('run', '--workers', '1', graph, join(at, 'long.jsonl'), ...to, '--quiet')).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    })
    const loud = await sluice('run', '--verbose', '--workers', '1', graph, join(at, 'long.jsonl'), ...to, '--anew')
    expect(loud.stdout).toContain('  warning: none: length_ratio 39 of 40 rows')
    expect(loud.stderr).not.toContain('length_ratio')
    const { stdout: json } = await sluice(
      'run',
      '--workers',
      '1',
      graph,
      join(at, 'long.jsonl'),
      ...to,
      '--anew',
      '--quiet',
      '--json',
    )
    expect((JSON.parse(json) as { warnings: string[] }).warnings[0]).toMatch(/^none: length_ratio/)
  })

  it.each(['run', 'check'])('keeps what %s warns of before a row is read', async command => {
    const at = folder(),
      graph = writeGraph(join(at, 'g.json'), [
        { id: 'pairs', use: 'read_jsonl', with: { path: writeJsonl(join(at, 'a.jsonl'), pairs(5)) } },
        { id: 'lost', use: 'check_pairs' },
        { id: 'dpo', use: 'write_arrow', from: 'pairs' },
      ])
    const { code, stdout, stderr } = await sluice(command, graph, '--output', join(at, 'out'), '--quiet')
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(stderr).toMatch(/warning: no stage takes the rows that 'lost' lets through/)
  })

  it('keeps that sources read the same file, by whatever name', async () => {
    const { at, files, to } = place(),
      [a, b, c] = files,
      link = join(at, 'link.jsonl'),
      hard = join(at, 'hard.jsonl')
    symlinkSync(a, link)
    linkSync(a, hard)
    const graph = (path: string, more: readonly string[] = []) =>
      writeGraph(join(at, 'two.json'), [
        { id: 'first', use: 'read_jsonl', with: { path: a, more_paths: [b] } },
        { id: 'second', use: 'read_jsonl', with: { path, more_paths: more } },
        { id: 'dpo', use: 'write_arrow', from: ['first', 'second'] },
      ])
    const told = (what: string) =>
      `input: first and second read the same ${what}; name another path in one of them unless branches are meant`
    for (const [path, more, stderr] of [
      [a, [], told(`file, so each row there is read once by each: ${a}`)],
      [link, [], told(`file, so each row there is read once by each: ${a}`)],
      [hard, [], told(`file, so each row there is read once by each: ${a}`)],
      [link, [c, b], told(`2 files, so each row there is read once by each: ${a}, ${b}`)],
      [c, [], ''],
    ] as const) {
      for (const command of ['run', 'check']) {
        const ended = await sluice(
          command,
          graph(path, more),
          ...to,
          '--quiet',
          ...(command === 'run' ? ['--workers', '1'] : []),
        )
        expect(ended).toEqual({ code: 0, stdout: '', stderr })
      }
    }
  })

  it('keeps that rows errored', async () => {
    const at = folder(),
      stage = join(at, 'rogue.mjs')
    writeFileSync(
      stage,
      `import { defineStage, Type } from '${join(import.meta.dirname, '../../index.mjs')}'
export default defineStage({ name: 'rogue', version: 1, summary: 's', options: Type.Object({}), reads: { chosen: 'messages' }, writes: {}, rows: 'subset', reasons: {}, examples: [],
  open: () => ({ batch(batch) { const text = batch.messages('chosen'); for (let row = 0; row < batch.rows; row++) if (text.text(row).includes('answer 3')) throw new Error('no') } }) })\n`,
    )
    const graph = writeGraph(join(at, 'g.json'), [
      { id: 'pairs', use: 'read_jsonl', with: { path: writeJsonl(join(at, 'a.jsonl'), pairs(9)) } },
      { id: 'odd', use: './rogue.mjs' },
      { id: 'dpo', use: 'write_arrow' },
      // by this way the row is in an output all the same
      { id: 'all', use: 'write_arrow', from: 'pairs' },
    ])
    const { code, stderr } = await sluice('run', '--workers', '1', graph, '--output', join(at, 'out'), '--quiet')
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: 'sluice: warning: odd: 1 rows errored and were set aside; the ledger has the messages',
    })
  })
})

describe('--keep-ids', () => {
  it.each<[string, (path: string) => void, number, RegExp]>([
    ['is not there', () => undefined, 66, /keep-ids .*ids does not exist/],
    ['is a folder', path => mkdirSync(path), 66, /keep-ids .*ids is a folder/],
    ['is empty', path => writeFileSync(path, '\n\r\n'), 65, /keep-ids .*ids holds no id/],
    [
      'is UTF-16',
      path => writeFileSync(path, Buffer.from('\ufeffr3\n', 'utf16le')),
      65,
      /keep-ids .*ids is not UTF-8 text/,
    ],
  ])('that %s is refused', async (_, make, code, says) => {
    const { at, graph, to, output } = place(),
      ids = join(at, 'ids')
    make(ids)
    for (const command of ['run', 'check']) {
      expect(await sluice(command, graph, ...to, '--keep-ids', ids)).toMatchObject({
        code,
        stderr: expect.stringMatching(says) as unknown,
      })
    }
    expect(existsSync(output)).toBe(false)
  })

  it('may have a mark at its beginning and lines of Windows; ids that no row has are told, under --quiet too', async () => {
    const { at, graph, to } = place(),
      ids = join(at, 'ids')
    writeFileSync(ids, '\ufeffr3\r\nr4\r\n')
    expect(await sluice('run', '--workers', '1', graph, ...to, '--keep-ids', ids, '--quiet')).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    })
    writeFileSync(ids, 'r3 \nr4\n')
    expect(await sluice('run', '--workers', '1', graph, ...to, '--keep-ids', ids, '--quiet')).toEqual({
      code: 0,
      stdout: '',
      stderr: 'sluice: --keep-ids: 1 of 2 ids do not occur: r3 ',
    })
    writeFileSync(ids, 'r1\nr4\n')
    expect(await sluice('run', '--workers', '1', graph, ...to, '--keep-ids', ids, '--limit', '2', '--quiet')).toEqual({
      code: 0,
      stdout: '',
      stderr: 'sluice: --keep-ids: 1 of 2 ids do not occur among the rows that were read: r4',
    })
  })
})
