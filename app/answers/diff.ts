/** `sluice diff`: what two runs say differently of the same rows, and what of their graphs, inputs and code differs. */
import { basename } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { families } from '../../engine/report/shape.ts'
import { readLedger, readManifest, type LedgerBlock } from '../../engine/run/inspect.ts'
import { pairInputs, type Manifest } from '../../engine/run/manifest.ts'
import { reasonsOf } from './reasons.ts'
import { isTrainingSink } from './rows.ts'
import { count, number, quoted, rowsSaid } from './say.ts'
import { cut, labelled, leftAndRight, paint, table, type Screen } from './screen.ts'

/** Something that was one thing and is another; null where it was not there. */
export interface Change<T = unknown> {
  readonly what: string
  readonly before: T
  readonly after: T
}
export interface ChangedRow {
  readonly id: string
  readonly file: string
  readonly row: number
  readonly before: string
  readonly after: string
}
export interface Diff {
  readonly before: string
  readonly after: string
  readonly isSame: boolean
  /** What of seed, options, inputs and code differs. */
  readonly differs: readonly Change[]
  readonly isSeedOnly: boolean
  readonly rows: {
    readonly compared: number
    readonly changed: number
    /** Rows of which only one run has read. */
    readonly onlyBefore: number
    readonly onlyAfter: number
    /** `<stage>.<reason>` or 'to train on', before and after, most frequent first. */
    readonly fates: readonly { readonly before: string; readonly after: string; readonly count: number }[]
    readonly some: readonly ChangedRow[]
  }
  readonly counts: readonly Change<number>[]
  /** In plain words, by `<stage>.<reason>`. */
  readonly families: Readonly<Record<string, string>>
  /** Of all reports, most changed first. */
  readonly numbers: readonly Change<number | null>[]
}

const KEPT = 'to train on'

// ------------------------------------------------------------------------------------------------------- rows

interface Place {
  readonly block: LedgerBlock
  readonly at: number
}

/**
 * The ledger of a run by its inputs: a file's rows lie together, in order. Files are asked for in any order, and the
 * ledger is read from its beginning again where one lies behind.
 */
function openLedger(run: string, manifest: Manifest) {
  const labels = pairInputs(manifest).map(({ path }) => path)
  async function* all(): AsyncGenerator<Place & { readonly input: number }> {
    let input = -1,
      last = -1,
      label = ''
    for await (const block of readLedger(run)) {
      for (let at = 0; at < block.rows; at++) {
        const file = block.file(at),
          row = block.row(at)
        if (file !== label || row <= last) {
          input = labels.indexOf(file, input + 1)
          label = file
        }
        last = row
        yield { block, at, input }
      }
    }
  }
  let stream = all(),
    held: Awaited<ReturnType<typeof stream.next>> | undefined
  return async function* (input: number): AsyncGenerator<Place> {
    held ??= await stream.next()
    if (held.done || held.value.input > input) {
      stream = all()
      held = await stream.next()
    }
    while (!held.done && held.value.input < input) held = await stream.next()
    while (!held.done && held.value.input === input) {
      yield held.value
      held = await stream.next()
    }
  }
}

const fateOf = ({ block, at }: Place): string => {
  const outcome = block.outcome(at),
    stage = block.stage(at)
  if (outcome === 'kept') return KEPT
  return stage === null ? (block.reason(at) ?? outcome) : `${stage}.${block.reason(at)}`
}

/** Files of two runs that are one: of the same content, the nth of it each; else of the same name. */
function matched(before: Manifest, after: Manifest): { a: number; b: number; isSame: boolean }[] {
  const [first, second] = [pairInputs(before), pairInputs(after)],
    taken = new Set<number>(),
    find = (test: (one: Manifest['inputs'][number]) => boolean) => {
      const at = second.findIndex((one, i) => !taken.has(i) && test(one))
      if (at >= 0) taken.add(at)
      return at
    }
  const same = first.map(({ sha256 }) => find(one => one.sha256 === sha256))
  return first.map(({ path }, a) => {
    const b = same[a] >= 0 ? same[a] : find(one => one.path === path)
    return { a, b, isSame: same[a] >= 0 }
  })
}

/** Both ledgers side by side: of files of one content by row, of changed ones by row and id. */
async function compareRows(runs: readonly [string, string], manifests: readonly [Manifest, Manifest], most: number) {
  const [first, second] = [openLedger(runs[0], manifests[0]), openLedger(runs[1], manifests[1])],
    fates = new Map<string, number>(),
    some: ChangedRow[] = []
  let compared = 0,
    changed = 0
  for (const { a, b, isSame } of matched(...manifests)) {
    if (b < 0) continue
    const ours = first(a),
      theirs = second(b)
    let [x, y] = [await ours.next(), await theirs.next()]
    while (!x.done && !y.done) {
      const [one, other] = [x.value, y.value],
        order = one.block.row(one.at) - other.block.row(other.at)
      if (order === 0 && (isSame || one.block.id(one.at) === other.block.id(other.at))) {
        compared++
        const before = fateOf(one),
          after = fateOf(other)
        if (before !== after) {
          changed++
          const key = JSON.stringify([before, after])
          fates.set(key, (fates.get(key) ?? 0) + 1)
          if (some.length < most) {
            const { block, at } = other
            some.push({ id: block.id(at), file: block.file(at), row: block.row(at), before, after })
          }
        }
      }
      if (order <= 0) x = await ours.next()
      if (order >= 0) y = await theirs.next()
    }
    // the rest of a file, so that the next one begins where it ends
    while (!x.done) x = await ours.next()
    while (!y.done) y = await theirs.next()
  }
  return {
    compared,
    changed,
    onlyBefore: manifests[0].rows.read - compared,
    onlyAfter: manifests[1].rows.read - compared,
    fates: [...fates]
      .map(([key, count]) => {
        const [before, after] = JSON.parse(key) as [string, string]
        return { before, after, count }
      })
      .sort((a, b) => b.count - a.count || (a.before + a.after < b.before + b.after ? -1 : 1)),
    some,
  }
}

// ---------------------------------------------------------------------------------------------------- what differs

function differences(a: Manifest, b: Manifest): Change[] {
  const found: Change[] = []
  const hold = (what: string, before: unknown, after: unknown) => {
    if (!isDeepStrictEqual(before, after)) found.push({ what, before: before ?? null, after: after ?? null })
  }
  hold('seed', a.graph.seed, b.graph.seed)
  hold('graph', a.graph.name, b.graph.name)
  for (const key of ['limit', 'sample'] as const) hold(`--${key}`, a[key], b[key])
  hold('--keep-ids', a.keep_ids?.given, b.keep_ids?.given)
  hold('--decisions', a.decisions?.given, b.decisions?.given)
  const stageOf = ({ graph }: Manifest, id: string) => graph.stages.find(one => one.id === id)
  for (const id of new Set([...a.graph.stages, ...b.graph.stages].map(one => one.id))) {
    const [one, other] = [stageOf(a, id), stageOf(b, id)]
    if (!one || !other) {
      hold(`stage ${id}`, one?.use, other?.use)
      continue
    }
    for (const key of ['use', 'version', 'from', 'files', 'code'] as const) hold(`${id}, ${key}`, one[key], other[key])
    for (const name of new Set([...Object.keys(one.with), ...Object.keys(other.with)])) {
      hold(`${id}.${name}`, one.with[name], other.with[name])
    }
  }
  const inputs = (manifest: Manifest) => manifest.inputs.map(({ path }) => path)
  const byPath = ({ inputs }: Manifest, path: string) => inputs.find(one => one.path === path)
  for (const path of new Set([...inputs(a), ...inputs(b)])) {
    const [one, other] = [byPath(a, path), byPath(b, path)]
    if (one && other) {
      hold(`${path}, content`, one.sha256.slice(0, 8), other.sha256.slice(0, 8))
      hold(`${path}, layout`, one.layout, other.layout)
    } else hold(`input ${path}`, one && 'read', other && 'read')
  }
  hold('Sluice', a.sluice, b.sluice)
  hold("Sluice's code", a.code?.slice(0, 8), b.code?.slice(0, 8))
  if (found.length === 0 && a.hash !== b.hash) {
    found.push({ what: 'what no manifest names, as Node or the time zone', before: a.hash, after: b.hash })
  }
  return found
}

/** All numbers of a report by the way to them; of a list of named things by their names. */
function flat(value: unknown, at: string, into: Map<string, number>): void {
  if (typeof value === 'number') into.set(at, value)
  if (typeof value !== 'object' || value === null) return
  for (const [key, inner] of Object.entries(value)) {
    const name = Array.isArray(value) ? ((inner as { name?: string } | null)?.name ?? key) : key
    flat(inner, at === '' ? name : `${at}.${name}`, into)
  }
}

function numbersOf({ stages }: Manifest): Map<string, number> {
  const found = new Map<string, number>()
  for (const [id, { report }] of Object.entries(stages)) flat(report?.numbers, id, found)
  return found
}

const drift = ({ before, after }: Change<number | null>): number =>
  before === null || after === null ? 2 : Math.abs(after - before) / Math.max(Math.abs(before), Math.abs(after))

export async function diffRuns(before: string, after: string, most: number): Promise<Diff> {
  const manifests = [readManifest(before), readManifest(after)] as const,
    [a, b] = manifests,
    differs = differences(a, b),
    [first, second] = manifests.map(numbersOf)
  const numbers = [...new Set([...first.keys(), ...second.keys()])]
    .map(what => ({ what, before: first.get(what) ?? null, after: second.get(what) ?? null }))
    .filter(one => one.before !== one.after)
    .sort((one, other) => drift(other) - drift(one))
  const reasons = await Promise.all([reasonsOf(before, a), reasonsOf(after, b)])
  return {
    before,
    after,
    isSame: a.hash === b.hash,
    differs,
    isSeedOnly: differs.length === 1 && differs[0].what === 'seed',
    rows: await compareRows([before, after], [a, b], most),
    counts: countsOf(a, b),
    families: Object.fromEntries(
      reasons.flat().map(({ stage, reason, family }) => [`${stage}.${reason}`, families[family]]),
    ),
    numbers,
  }
}

/** How many there are of what, in both; what none has is left out. */
function countsOf(a: Manifest, b: Manifest): Change<number>[] {
  const trained = (manifest: Manifest) =>
    Object.entries(manifest.sinks).reduce((n, [id, { rows }]) => n + (isTrainingSink(manifest, id) ? rows : 0), 0)
  const reasonsIn = ({ stages }: Manifest) =>
    new Map(
      Object.entries(stages).flatMap(([id, { reasons, errored }]) => [
        ...Object.entries(reasons).map(([reason, n]) => [`${id}.${reason}`, n] as const),
        ...(errored > 0 ? [[`${id}.error`, errored] as const] : []),
      ]),
    )
  const [ours, theirs] = [reasonsIn(a), reasonsIn(b)]
  const one = (what: string, before: number, after: number) => ({ what, before, after })
  return [
    one(KEPT, trained(a), trained(b)),
    one('as they came', a.rows.kept, b.rows.kept),
    one('made', a.rows.derived, b.rows.derived),
    one('left out', a.rows.read - a.rows.kept, b.rows.read - b.rows.kept),
    ...[...new Set([...ours.keys(), ...theirs.keys()])].map(name =>
      one(name, ours.get(name) ?? 0, theirs.get(name) ?? 0),
    ),
  ].filter(({ before, after }) => before + after > 0)
}

// ------------------------------------------------------------------------------------------------------ as text

const MOST_DIFFERS = 8,
  MOST_FATES = 8,
  MOST_NUMBERS = 10

const said = (value: unknown): string =>
  value === null ? 'none' : typeof value === 'string' ? value : (JSON.stringify(value) ?? 'none')
const signed = (value: number): string => (value > 0 ? `+${count(value)}` : count(value))

export function diffLines(screen: Screen, diff: Diff, isOfRows: boolean): string[] {
  const { rows, differs, families: words } = diff,
    names = [diff.before, diff.after].map(run => basename(run)),
    fate = (name: string) => (words[name] === undefined ? name.replaceAll('_', ' ') : `${words[name]} (${name})`)
  const lines = leftAndRight(
    screen,
    `${count(rows.changed)} of ${rowsSaid(rows.compared)} changed their fate`,
    `${names[0]} -> ${names[1]}`,
  )
  const look = (text: string) => lines.push(...labelled(screen, rows.changed > 0 ? 'LOOK' : 'OK', text))
  if (diff.isSame) look('The same inputs, graph and code: one run, published twice.')
  else if (diff.isSeedOnly) {
    look(
      `Only the seed differs, ${said(differs[0].before)} and ${said(differs[0].after)}: ${rows.changed > 0 ? 'what it decides of these rows is not stable.' : 'it decides of no row.'}`,
    )
  }
  if (rows.onlyBefore + rows.onlyAfter > 0) {
    lines.push(
      ...labelled(
        screen,
        'rows',
        `${count(rows.onlyBefore)} were read by the first alone, ${count(rows.onlyAfter)} by the second; a row is one of the same file content and place, in a changed file of the same place and id.`,
      ),
    )
  }
  if (!diff.isSeedOnly && differs.length > 0) {
    lines.push('')
    differs.slice(0, MOST_DIFFERS).forEach(({ what, before, after }, i) => {
      const [x, y] = [said(before), said(after)].map(text => cut(screen, text, 40))
      lines.push(...labelled(screen, i === 0 ? 'differs' : '', `${what}: ${x} -> ${y}`))
    })
    if (differs.length > MOST_DIFFERS) {
      lines.push(...labelled(screen, '', `and ${differs.length - MOST_DIFFERS} more; --json has all`))
    }
  }
  // of reasons those that are the same say nothing
  const changing = diff.counts.filter(({ what, before, after }) => !what.includes('.') || before !== after)
  const columns = [
    { head: '' },
    { head: 'before', isRight: true },
    { head: 'after', isRight: true },
    { head: 'change', isRight: true },
  ]
  lines.push(
    '',
    ...table(
      screen,
      columns,
      changing.map(({ what, before, after }) => [
        fate(what),
        count(before),
        count(after),
        before === after ? '' : signed(after - before),
      ]),
    ),
  )
  if (rows.fates.length > 0) {
    lines.push('', `  ${paint(screen, 'bold', 'rows whose fate changed')}`)
    for (const { before, after, count: n } of rows.fates.slice(0, MOST_FATES)) {
      lines.push(...labelled(screen, `${count(n)}`, `${fate(before)} -> ${fate(after)}`))
    }
    if (rows.fates.length > MOST_FATES) {
      lines.push(...labelled(screen, '', `and ${rows.fates.length - MOST_FATES} more ways`))
    }
  }
  // what lies deep in a report is for programs
  const near = diff.numbers.filter(({ what }) => what.split('.').length <= 3 && !/\.(low|high)$|\.\d+$/.test(what)),
    ends = new Map(diff.numbers.map(one => [one.what, one]))
  if (near.length > 0) {
    const of = (one: Change<number | null>, when: 'before' | 'after') => {
      const stem = one.what.endsWith('.value') ? one.what.slice(0, -'.value'.length) : `${one.what}`,
        [low, high] = ['low', 'high'].map(
          end => ends.get(`${stem}.${end}`)?.[when] ?? ends.get(`${stem}_${end}`)?.[when],
        )
      const interval = typeof low === 'number' && typeof high === 'number' ? ` [${number(low)} to ${number(high)}]` : ''
      return one[when] === null ? 'none' : `${number(one[when])}${interval}`
    }
    lines.push(
      '',
      ...table(
        screen,
        [{ head: 'statistic' }, { head: 'before', isRight: true }, { head: 'after', isRight: true }],
        near.slice(0, MOST_NUMBERS).map(one => [one.what.replace(/\.value$/, ''), of(one, 'before'), of(one, 'after')]),
      ),
    )
    const more = diff.numbers.length - Math.min(near.length, MOST_NUMBERS)
    if (more > 0) lines.push(...labelled(screen, '', `and ${count(more)} more numbers of reports; --json has all`))
  }
  if (isOfRows && rows.some.length > 0) {
    lines.push('')
    for (const { id, file, row, before, after } of rows.some) {
      lines.push(
        cut(screen, `${file}:${row}  ${id}`, screen.columns),
        `  ${cut(screen, `${before} -> ${after}`, screen.columns - 2)}`,
      )
    }
    if (rows.changed > rows.some.length) lines.push(`and ${count(rows.changed - rows.some.length)} more; -n for more`)
  } else if (rows.changed > 0) {
    lines.push('', ...labelled(screen, 'rows', `npx sluice diff ${names.map(quoted).join(' ')} --rows`))
  }
  return lines
}
