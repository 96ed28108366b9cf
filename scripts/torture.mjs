// Tries what a disk, or whoever kills a run, can do to one: `npm run torture -- --kills 20 --faults all --damages 300
// --seed 1`, on a small input that it makes itself.
// kills: SIGKILL in the midst of a write, behind a sync or before a name is made, in one output up to three times, and
// then to the end; as often as that.
// faults: one call of a run goes wrong. A write is taken half (half), and the next one to that file finds no space
// (full), or it finds none at once (refused); a sync or a close fails (sync), a file, folder or
//   link cannot be made (name); a read gives half of what was asked for (short) or fails (unread). N of them by seed,
//   or `all`: each fault at each call. Not covered: LevelDB, which writes by itself.
// damages: a file that a run left is changed by a bit, cut off, zeroed in part, removed or exchanged for another, where
// the next run goes on from it: a run that was stopped, or a graph with another option.
// What must hold each time: what is published is what an undisturbed run publishes, but for its times; `latest`
// never is anything else; a run that publishes nothing ends with 74, and the next one publishes.
// One case again: `--only faults:full:123`, with the same seed; a long round goes on with `--from` the next case.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { run } from '../index.mjs'
import { arm, counted } from './torture/faults.mjs'

const usage = text => {
  console.error(`torture: ${text}`)
  process.exit(64)
}
const { values } = (() => {
  try {
    return parseArgs({
      options: {
        kills: { type: 'string' },
        faults: { type: 'string' },
        damages: { type: 'string' },
        seed: { type: 'string', default: '1' },
        only: { type: 'string' },
        from: { type: 'string' },
      },
    })
  } catch (error) {
    return usage(error.message)
  }
})()
const whole = name =>
  /^\d+$/.test(values[name] ?? '0')
    ? Number(values[name] ?? 0)
    : usage(`--${name} ${values[name]} is not a whole number`)
const seed = whole('seed'),
  kills = whole('kills'),
  damages = whole('damages'),
  faults = values.faults === 'all' ? Infinity : whole('faults')
if (kills + damages + faults === 0 && !values.only) {
  usage('say how often: --kills N --faults N|all --damages N, or --only a case')
}

/** Numbers in [0, below) that follow from the seed and the name of a case. */
function random(...name) {
  let state = createHash('sha256')
    .update(JSON.stringify([seed, ...name]))
    .digest()
  return below => {
    state = createHash('sha256').update(state).digest()
    return state.readUIntBE(0, 6) % below
  }
}

// the input: two files with duplicates, near-duplicates, contradictions, sums and a broken row
const at = mkdtempSync(join(tmpdir(), 'sluice-torture-'))
const words =
  'river stone lamp winter garden copper silent window paper harbour yellow engine market thread island'.split(' ')
const text = (i, salt, n) =>
  Array.from({ length: n }, (_, w) => words[(i * 31 + salt * 17 + w * w * (1 + (i % 7))) % words.length]).join(' ')
const rows = Array.from({ length: 120 }, (_, i) =>
  i % 4 === 0
    ? {
        id: `s${i}`,
        prompt: `How much is ${i + 12} lamps and ${i} more?`,
        chosen: `We add ${i + 12} + ${i} = ${2 * i + 12}. The answer is ${2 * i + 12}.`,
        rejected: `It is ${i} lamps.`,
        number: i % 7,
      }
    : {
        id: `r${i}`,
        prompt: `question ${i} about ${text(i, 1, 4)}?`,
        chosen: `answer ${i}: ${text(i, 2, 20 + (i % 9))}.`,
        rejected: `reply ${i}: ${text(i, 3, 5 + (i % 11))}.`,
        number: i % 7,
      },
)
for (let i = 9; i < rows.length; i += 8) {
  const of = rows[i - 4],
    { id } = rows[i]
  rows[i] = [
    { ...of, prompt: of.prompt.toUpperCase() },
    { ...of, chosen: of.rejected, rejected: of.chosen },
    { ...of, chosen: `${of.chosen} indeed` },
    { ...of, chosen: of.rejected },
  ][(i % 32) >> 3]
  rows[i] = { ...rows[i], id }
}
mkdirSync(join(at, 'in'))
for (let f = 0; f < 2; f++) {
  writeFileSync(
    join(at, 'in', `${f}.jsonl`),
    rows
      .slice(f * 60, f * 60 + 60)
      .map(row => `${JSON.stringify(row)}\n`)
      .join(''),
  )
}
const graph = join(at, 'graph.json')
writeFileSync(
  graph,
  JSON.stringify({
    version: 1,
    name: 'torture',
    partition_rows: 40,
    stages: [
      { id: 'pairs', use: 'read_jsonl', with: { path: join(at, 'in', '*.jsonl') } },
      { id: 'checked', use: 'check_pairs' },
      { id: 'unique', use: 'drop_duplicates' },
      { id: 'distinct', use: 'drop_near_duplicates' },
      { id: 'noise', use: 'detect_noise', with: { sample_rows: 100 } },
      { id: 'hard', use: 'inject_errors' },
      { id: 'dpo', use: 'write_arrow', from: ['noise', 'hard'] },
      { id: 'ordered', use: 'write_arrow', from: 'distinct', with: { order_by: 'number' } },
      { id: 'lines', use: 'write_jsonl', from: 'distinct' },
      { id: 'people', use: 'write_parquet', from: ['unique.dropped', 'distinct.near_duplicate'] },
    ],
  }),
)

const output = join(at, 'out'),
  spools = join(output, '.sluice', 'spools')
const filesBelow = folder =>
  readdirSync(folder, { recursive: true })
    .map(String)
    .filter(file => statSync(join(folder, file)).isFile())
    .sort()
/** All that is published but the timings and the page that shows them, by its sha256. */
const fingerprint = folder =>
  JSON.stringify(
    filesBelow(folder)
      .filter(file => file !== 'timings.json' && file !== 'report.html')
      .map(file => [
        file,
        createHash('sha256')
          .update(readFileSync(join(folder, file)))
          .digest('hex'),
      ]),
  )

/** A run in this process: its exit code, what it warned of, and what went wrong. */
async function attempt(options = {}) {
  const told = []
  try {
    const { status } = await run(graph, { output, workers: 1, onWarning: line => told.push(line), ...options })
    return { exit: status === 'empty' ? 65 : 0, status, told }
  } catch (error) {
    return { exit: error.exit ?? 1, told, error: error.stack }
  }
}
const latest = () =>
  existsSync(join(output, 'latest')) ? fingerprint(join(output, readlinkSync(join(output, 'latest')))) : undefined
const fail = text => {
  throw new Error(text)
}
/** What is the latest must be what an undisturbed run publishes, if it is anything. */
const hold = (want, when) => {
  const is = latest()
  if (is !== undefined && is !== want) fail(`${when}, \`latest\` is not what an undisturbed run publishes`)
}
async function publishes(want, options) {
  const ended = await attempt(options)
  if (ended.exit !== 0) fail(`the next run ended with ${ended.exit}: ${ended.error}`)
  if (latest() !== want) fail('the next run published other bytes than an undisturbed one')
  return ended
}

/** SIGKILL at a call by seed, up to three times, then to the end. */
async function kill(i, { want, calls }) {
  const pick = random('kill', i)
  rmSync(output, { recursive: true, force: true })
  let killed = 0
  while (killed < 3) {
    const child = spawn(
      process.execPath,
      [
        '--import',
        new URL('torture/faults.mjs', import.meta.url).href,
        fileURLToPath(new URL('sluice.mjs', import.meta.url)),
        'run',
        graph,
        '--output',
        output,
        '--workers',
        '2',
        '--quiet',
      ],
      { env: { ...process.env, SLUICE_TORTURE: `kill:${pick(calls.all)}` }, stdio: ['ignore', 'ignore', 'pipe'] },
    )
    let stderr = ''
    child.stderr.on('data', chunk => {
      stderr += chunk
    })
    const [code, signal] = await new Promise(resolve => {
      child.on('close', (...ended) => {
        resolve(ended)
      })
    })
    if (signal === 'SIGKILL') killed++
    else if (code !== 0) fail(`a run that went on ended with ${code}: ${stderr}`)
    hold(want, 'after a kill')
    // fewer calls are left than before: it went through
    if (signal === null) break
  }
  await publishes(want)
  return `through after ${killed} kills`
}

/** One call that goes wrong. */
async function fault(kind, n, { want }) {
  rmSync(output, { recursive: true, force: true })
  arm(kind, n)
  const { exit, error } = await attempt()
  arm('none', -1)
  if (exit !== 0 && exit !== 74) fail(`ended with ${exit}: ${error}`)
  if (exit === 0 && latest() !== want) fail('ended with 0 and published other bytes than an undisturbed run')
  if (exit !== 0 && ['half', 'short'].includes(kind)) fail(`ended with ${exit} though all could be done: ${error}`)
  hold(want, `after ${exit}`)
  if (exit === 0) return 'went on'
  await publishes(want)
  return 'ended with 74'
}

/**
 * Starting points of damaged runs: what a cache holds, how the run goes on, and the files in it that the run will use,
 * by kind.
 */
async function makeScenes(want) {
  const scenes = [],
    kindOf = file => file.replace(/^[0-9a-f]+/, '').replace(/\d+/g, '#')
  const add = (options, want, pick) => {
    const snapshot = join(at, `scene-${scenes.length}`),
      kinds = new Map()
    cpSync(output, snapshot, { recursive: true, verbatimSymlinks: true })
    for (const file of filesBelow(spools).filter(pick)) {
      kinds.set(kindOf(file), [...(kinds.get(kindOf(file)) ?? []), file])
    }
    scenes.push({ snapshot, options, want, kinds })
  }
  // the publisher reads these, whichever level made them
  const isPublished = file => /\/(sinks-|dropped-|notes-|ids\.|meta\.)/.test(file)
  let before = new Set()
  rmSync(output, { recursive: true, force: true })
  for (let level = 2; ; level++) {
    const abort = new AbortController()
    let phase
    await attempt({
      signal: abort.signal,
      onProgress: progress => {
        if (progress.phase === 'publish' || progress.phase.startsWith(`pass ${level} `)) {
          phase = progress.phase
          abort.abort(130)
        }
      },
    })
    const isNew = file => !before.has(file.split('/')[0]),
      names = readdirSync(spools)
    if (phase === 'publish') {
      add({}, want, file => isPublished(file) || file.includes('.state/'))
      break
    }
    add({}, want, file => isPublished(file) || (isNew(file) && /spool-|\.(state|group)\//.test(file)))
    // as if it had been stopped when all rows had passed, before the stages that wait for them were told
    const behind = names.filter(name => isNew(name) && name.includes('.'))
    if (behind.length > 0) {
      const aside = join(at, 'aside')
      cpSync(output, aside, { recursive: true })
      for (const name of behind) rmSync(join(spools, name), { recursive: true })
      add({}, want, file => isNew(file) && !file.startsWith('.'))
      rmSync(output, { recursive: true })
      cpSync(aside, output, { recursive: true })
      rmSync(aside, { recursive: true })
    }
    before = new Set(names)
  }
  // another option of a stage in the midst: what comes before it is used again
  const other = { set: ['distinct.similarity=0.6'] }
  rmSync(output, { recursive: true, force: true })
  const old = await attempt(other),
    otherWant = latest(),
    kept = new Set(readdirSync(spools))
  if (old.exit !== 0) fail(`an undisturbed run ended with ${old.exit}: ${old.error}`)
  rmSync(output, { recursive: true, force: true })
  await attempt()
  add(other, otherWant, file => kept.has(file.split('/')[0]) && isPublished(file))
  return scenes
}

/** Files of the cache that are damaged, one a case. */
async function damage(i, { scenes }) {
  const pick = random('damage', i),
    of = list => list[pick(list.length)]
  const { snapshot, options, want, kinds } = scenes[i % scenes.length],
    files = of([...kinds.values()]),
    file = of(files),
    path = join(at, 'out', '.sluice', 'spools', file)
  rmSync(output, { recursive: true, force: true })
  cpSync(snapshot, output, { recursive: true, verbatimSymlinks: true })
  const bytes = readFileSync(path),
    place = pick(bytes.length),
    others = files.filter(other => other !== file)
  const how = of([
    'flip',
    'flip',
    'flip',
    'cut',
    'zero',
    'remove',
    ...(others.length > 0 ? ['exchange'] : []),
    'remove its folder',
  ])
  if (how === 'flip') bytes[place] ^= 1 << pick(8)
  if (how === 'zero') bytes.fill(bytes[place] === 0 ? 255 : 0, place, Math.min(bytes.length, place + 64))
  if (how === 'flip' || how === 'zero') writeFileSync(path, bytes)
  if (how === 'cut') truncateSync(path, place)
  if (how === 'remove') rmSync(path)
  if (how === 'exchange') writeFileSync(path, readFileSync(join(spools, of(others))))
  if (how === 'remove its folder') rmSync(file.includes('/') ? dirname(path) : path, { recursive: true })
  try {
    const { told } = await publishes(want, { workers: 2, ...options })
    const isTold = told.some(line => line.includes('is worked out anew'))
    // what is gone with all its traces
    const isSilent = how === 'remove its folder' || (how === 'remove' && file.endsWith('/done'))
    if (!isTold && !isSilent) fail('nothing was told')
    return isTold ? 'told' : 'made anew as if it had never been'
  } catch (error) {
    throw new Error(`${how} ${file}: ${error.message}`, { cause: error })
  }
}

const counts = {},
  failures = [],
  began = performance.now()
const seconds = () => Math.round((performance.now() - began) / 1000)
let tried = 0,
  told = 0,
  { from } = values
// Ctrl-C: the sums of what was tried so far
let stopped = false,
  next
process.once('SIGINT', () => {
  stopped = true
})
/** One case, by the name that `--only` takes. */
async function one(name, work) {
  if (from === name) from = undefined
  if (from !== undefined || (values.only !== undefined && values.only !== name)) return
  if (stopped) {
    next ??= name
    return
  }
  const kind = name.split(':').slice(0, -1).join(' ')
  counts[kind] ??= { tried: 0, failed: 0 }
  counts[kind].tried++
  tried++
  // a whole round takes hours
  if (seconds() - told >= 60) {
    told = seconds()
    console.error(`${name}: ${tried - 1} cases so far, ${failures.length} failed, ${told} s`)
  }
  try {
    const came = await work()
    counts[kind][came] = (counts[kind][came] ?? 0) + 1
  } catch (error) {
    counts[kind].failed++
    failures.push(name)
    console.error(`FAIL ${name}: ${error.message}\n  again: npm run torture -- --seed ${seed} --only ${name}`)
  }
}
// an error that nobody hears would end a real run with 1
process.on('unhandledRejection', error => {
  failures.push('unhandled')
  console.error(`FAIL an error that nobody heard: ${error.stack}`)
})

try {
  arm('none', -1)
  const first = await attempt(),
    calls = counted(),
    want = latest()
  if (first.exit !== 0) fail(`the undisturbed run ended with ${first.exit}: ${first.error}`)
  const isOf = what =>
    values.only === undefined ? { kills, faults, damages }[what] > 0 : values.only.startsWith(`${what}:`)
  if (isOf('kills')) {
    for (let i = 0; i < (values.only ? 1e4 : kills); i++) await one(`kills:${i}`, () => kill(i, { want, calls }))
  }
  if (isOf('faults')) {
    const kinds = {
        half: 'write',
        full: 'write',
        refused: 'write',
        sync: 'sync',
        name: 'name',
        short: 'read',
        unread: 'read',
      },
      pick = random('faults')
    const all = () =>
      Object.entries(kinds).flatMap(([kind, call]) => Array.from({ length: calls[call] }, (_, n) => [kind, n]))
    // most at writes
    const mix = ['half', 'full', 'half', 'full', 'half', 'full', 'refused', 'sync', 'name', 'short', 'unread']
    const few = () =>
      Array.from({ length: faults }, (_, i) => {
        const kind = mix[i % mix.length]
        return [kind, pick(calls[kinds[kind]])]
      })
    for (const [kind, n] of faults === Infinity || values.only ? all() : few()) {
      await one(`faults:${kind}:${n}`, () => fault(kind, n, { want }))
    }
  }
  if (isOf('damages')) {
    const scenes = await makeScenes(want)
    for (let i = 0; i < (values.only ? 1e4 : damages); i++) await one(`damages:${i}`, () => damage(i, { scenes }))
  }
  console.log(
    `an undisturbed run: ${calls.write} writes, ${calls.sync} syncs and closes, ${calls.name} names made, ${calls.read} reads; seed ${seed}`,
  )
  for (const [kind, { tried, failed, ...came }] of Object.entries(counts)) {
    console.log(
      `${kind}: ${tried} tried, ${Object.entries(came)
        .map(([what, n]) => `${n} ${what}`)
        .concat(`${failed} failed`)
        .join(', ')}`,
    )
  }
  if (from !== undefined) {
    failures.push(from)
    console.error(`torture: --from ${from} is none of the cases`)
  }
  console.log(`${tried} cases, ${failures.length} failed, ${seconds()} s${next ? `; next: --from ${next}` : ''}`)
} finally {
  rmSync(at, { recursive: true, force: true })
}
process.exitCode = failures.length > 0 ? 1 : 0
