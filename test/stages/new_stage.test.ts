/** What is begun by new_stage works, of every kind, and the commands that it names next pass, in a copy of Sluice. */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { pairs, rowsOf, writeJsonl } from '../engine/helpers.ts'

// whole runs, in processes of their own, on machines that may be busy
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

const root = fileURLToPath(new URL('../../', import.meta.url)),
  copy = mkdtempSync(join(tmpdir(), 'sluice-new-stage-'))
const node = (...args: string[]) => spawnSync(process.execPath, args, { cwd: copy, encoding: 'utf8' })
const read = (...path: string[]) => readFileSync(join(copy, ...path), 'utf8')
const programs: Readonly<Record<string, readonly string[]>> = {
  node: [],
  'npx sluice': ['scripts/sluice.mjs'],
  'npx tsc': [join(root, 'node_modules/typescript/bin/tsc')],
  'npx vitest': [join(root, 'node_modules/vitest/vitest.mjs')],
  'npx prettier': [join(root, 'node_modules/prettier/bin/prettier.cjs')],
}
/** Runs a command as it was printed. */
function passes(command: string): void {
  const [program, ...before] = Object.entries(programs).find(([name]) => command.startsWith(`${name} `))!
  const words = command.slice(program.length + 1).split(' ')
  const { status, stdout, stderr } = node(...before.flat(), ...words)
  expect(status, `${command}\n${stdout}\n${stderr}`).toBe(0)
}
/** Begins a stage, and gives the commands that it is told to run next. */
function begin(...args: string[]): string[] {
  const { status, stdout, stderr } = node('scripts/new_stage.mjs', ...args)
  expect({ status, stderr }, args.join(' ')).toEqual({ status: 0, stderr: '' })
  return [...stdout.matchAll(/^ {2}(\S.*?) {2}/gm)].map(([, command]) => command)
}

/** Stages that are written into the copy, with what they are told to be. */
const inside: Readonly<Record<string, readonly string[]>> = {
  drop_zebras: ['--kind', 'row'],
  count_letters: ['--kind', 'row', '--folder', 'measure'],
  drop_crowds: ['--kind', 'group'],
  count_crowds: ['--kind', 'group'],
  pair_zebras: ['--kind', 'pair'],
  drop_giants: ['--kind', 'fit'],
  say_giants: ['--kind', 'fit'],
  audit_zebras: ['--kind', 'audit'],
  read_zebras: ['--kind', 'source'],
  write_zebras: ['--kind', 'sink'],
}

afterAll(() => rmSync(copy, { recursive: true, force: true }))
beforeAll(() => {
  const files =
    'package.json index.mjs index.d.mts tsconfig.json .prettierrc.json scripts stages app engine models docs'
  for (const name of `${files} schemas data pipelines README.md test/stages test/engine/helpers.ts`.split(' ')) {
    if (existsSync(join(root, name))) cpSync(join(root, name), join(copy, name), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
})

it('writes stages of every kind into Sluice, which pass all that is asked of them', () => {
  const before = read('stages/registry.ts')
  const commands = [...new Set(Object.entries(inside).flatMap(([name, args]) => begin(name, ...args)))]
  const registry = read('stages/registry.ts')
  expect(registry).toContain("  count_letters: () => import('./measure/count_letters.ts'),\n")
  expect(registry.split('\n').length).toBe(before.split('\n').length + Object.keys(inside).length)
  const written = [...registry.matchAll(/import\('(.*?)'\)/g)].map(([, path]) => join('stages', path))
  passes(`npx prettier --check ${written.join(' ')} test/sources/read_zebras.test.ts test/sinks/write_zebras.test.ts`)
  // those of one file for one name each, as one
  const named = commands.filter(command => command.includes(' -t '))
  for (const command of commands.filter(command => !named.includes(command))) passes(command)
  expect(named).toHaveLength(Object.keys(inside).length)
  const words = named.flatMap(command => command.split(' ')),
    files = words.filter(word => word.startsWith('test/'))
  passes(`npx vitest run ${[...new Set(files)].join(' ')} -t ${Object.keys(inside).join('|')}`)
  expect(read('docs/stages/drop_zebras.md')).toContain(
    '| 1 | `Name a prime.` | `Seven is prime.` | `Nine.` | **too_long** (15) |',
  )
  expect(read('docs/stages/count_letters.md')).toContain('| `<id>_chars` | outcome |')
})

it('which work in one graph', () => {
  writeJsonl(join(copy, 'few.jsonl'), pairs(30))
  const line = (use: string) => `  - { id: ${use}, use: ${use} }`
  const rows = Object.keys(inside).filter(name => !/^(audit|pair|read|write)_/.test(name))
  writeFileSync(
    join(copy, 'all.yaml'),
    [
      'version: 1\nname: all\nstages:\n  - { id: pairs, use: read_jsonl, with: { path: few.jsonl } }',
      ...rows.map(line),
      line('write_zebras'),
      '  - { id: audit_zebras, use: audit_zebras, from: { kept: say_giants, dropped: drop_giants.dropped } }',
    ].join('\n'),
  )
  passes('npx sluice run all.yaml')
  expect(read('out/latest/write_zebras/data.txt').trimEnd().split('\n')).toHaveLength(30)
})

it.each([
  ['row', 'drop_mine'],
  ['group', 'drop_crowded'],
  ['pair', 'pair_mine'],
  ['fit', 'say_size'],
  ['audit', 'audit_mine'],
  ['source', 'read_mine'],
  ['sink', 'write_mine'],
])("of one's own, of the kind %s: writes it and a graph that runs it (%s)", (kind, name) => {
  mkdirSync(join(copy, 'mine'), { recursive: true })
  const commands = begin('--own', `mine/${name}.mjs`, '--kind', kind)
  expect(commands).toEqual([`npx sluice check mine/${name}.yaml`, `npx sluice run mine/${name}.yaml`])
  for (const command of commands) passes(command)
  passes(`npx prettier --check mine/${name}.mjs`)
  if (kind !== 'source') return
  // a value may hold what stands between key and value
  writeFileSync(join(copy, 'few.mine'), 'id = a\nprompt = What is x?\nchosen = x = 3 = y\nrejected = x = 4\n')
  passes(`npx sluice run mine/${name}.yaml --set pairs.path=few.mine --output out-mine`)
  const [row] = rowsOf(join(copy, 'out-mine/latest/dpo'))
  expect(JSON.stringify(row)).toContain('"x = 3 = y"')
})

it.each([
  [
    ['check_pairs', '--kind', 'row'],
    "there is a stage 'check_pairs' already, in stages/registry.ts; name it otherwise",
  ],
  [['DropThis', '--kind', 'row'], "the name 'DropThis' is not snake_case; write it in small letters"],
  [['--kind', 'row'], '0 names were given; name one stage, as in `node scripts/new_stage.mjs drop_something'],
  [['a', 'b', '--kind', 'row'], '2 names were given; name one stage'],
  [['drop_x', '--kind', 'row', '--folder', '../x'], "the folder '../x' is not snake_case; name one within stages/"],
  [['drop_x'], 'the kind of the stage is missing; say it by --kind, as in `node scripts/new_stage.mjs drop_something'],
  [
    ['drop_x', '--kind', 'rows'],
    "there is no kind 'rows' (--kind); kinds are\n  row     looks at one pair at a time\n",
  ],
  [['audit_x', '--kind', 'row'], "the name 'audit_x' promises an audit, and --kind is row; name it otherwise, or say"],
  [['x', '--kind', 'sink'], "the name 'x' is not that of a sink; begin it with write_, as in write_things"],
  [['--own', 'x.ts', '--kind', 'row'], '--own x.ts does not end in .mjs; name such a file'],
  [['--own', 'x.mjs', '--folder', 'check', '--kind', 'row'], '--own x.mjs is beside Sluice and --folder check in it'],
  [
    ['--own', 'index.mjs', '--kind', 'row'],
    'index.mjs is there already; name the stage otherwise, or remove that file',
  ],
])('refuses %j, and writes nothing', (args, says) => {
  const before = read('stages/registry.ts')
  const { status, stdout, stderr } = node('scripts/new_stage.mjs', ...args)
  expect(stderr).toContain(`new_stage: ${says}`)
  expect({ status, stdout }).toEqual({ status: 64, stdout: '' })
  expect(read('stages/registry.ts')).toBe(before)
})

it('is told of drift by --check of the docs', () => {
  writeFileSync(join(copy, 'docs/layouts.md'), 'old')
  const { status, stderr } = node('scripts/docs.mjs', '--check')
  expect(status).toBe(1)
  expect(stderr).toContain('docs/layouts.md')
  expect(read('docs/layouts.md')).toBe('old')
})
