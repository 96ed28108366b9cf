/**
 * Puts a run's results together in a folder of its own, checks that every row is accounted for, and makes it the latest
 * by a rename.
 */
import { randomUUID } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  lstatSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { isAbsolute, join, relative } from 'node:path'
import type { AnySink } from '../contract/define.ts'
import { isMade } from '../arrow/flow.ts'
import { textColumn } from '../arrow/columns.ts'
import { appendStreams, IpcFile, schemaBytes, type StreamAt } from '../arrow/ipc.ts'
import type { Done } from '../calls/endpoint.ts'
import { EXIT, IoError, SluiceError } from '../errors.ts'
import { datasetCard } from '../report/dataset_card.ts'
import { effectOf, isTraining, sinkOrder } from '../graph/types.ts'
import { packageRoot } from '../root.ts'
import { codeStamp } from '../stamp.ts'
import { decisionsSaid, type Wanted } from './decisions.ts'
import { filesBelow, syncFolder, syncPath, writeWhole } from './files.ts'
import { pickFirst } from './first.ts'
import { ledgerSchema, type LedgerPart } from './ledger.ts'
import { holdLock, type Held } from './lock.ts'
import {
  emptyCounts,
  rowCount,
  type Counts,
  type LedgerTask,
  type PartnersTask,
  type Partition,
  type PassMeta,
  type Section,
  type SinkResult,
  type SinkTask,
} from './messages.ts'
import type { Pool } from './pool.ts'
import type { Costs } from './progress.ts'
import { pageHtml } from '../report/page.ts'
import { HASH_SHOWN, runStamp } from '../files/published.ts'
import { addNoted, noneNoted } from '../report/merge.ts'
import { shownOf } from '../report/shown.ts'
import type { Clock } from '../report/took.ts'
import { fromSaid, inputsSaid, labelOf, manifestText, parseManifest, publicOptions, type Manifest } from './manifest.ts'
import type { Prepared } from './prepare.ts'
import { saidOf, type Reported } from './reports.ts'
import { filesSaid, type HeldFiles } from './stage_files.ts'
import { warningsOf } from './warnings.ts'
import { familyOf, type Shown } from '../report/shape.ts'
import { worriesOf } from '../report/worries.ts'

const SHARD_BYTES = 500e6
const PAGE = 'report.html'
const packageVersion = (JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string })
  .version

export interface PublishInput {
  readonly output: string
  readonly lock: Held
  /** Throws where what was worked out is of other code or files by now. */
  readonly hold: () => void
  readonly prepared: Prepared
  readonly partitions: readonly Partition[]
  readonly hashes: readonly string[]
  readonly held: HeldFiles
  readonly hash: string
  readonly limit?: number
  readonly sample?: number
  readonly wanted: Wanted
  /** See `everyOf`. */
  readonly every: number
  readonly pool: Pool
  /** Metas of all levels, by partition. */
  metas(): PassMeta[][]
  readonly reports: Readonly<Record<string, Reported>>
  readonly counts: Record<string, Counts>
  readonly calls: Readonly<Record<string, Done>>
  readonly clock: Clock
  /** What its work took until now. */
  costs(): Costs
  partners(file: string, partition: number, picks: LedgerTask['picks']): PartnersTask
  ledger(file: string, partition: number, picks: LedgerTask['picks'], partners: LedgerTask['partners']): LedgerTask
}

/** A name that no other run has: two of one second may be equal. */
function freeName(folder: string, name: string): string {
  let free = name
  for (let i = 2; existsSync(join(folder, free)); i++) free = `${name}-${i}`
  return free
}

const dataName = (i: number, n: number) => `data-${String(i).padStart(5, '0')}-of-${String(n).padStart(5, '0')}.arrow`

type Published = { status: 'published' | 'empty'; folder: string; manifest: Manifest }

export async function publish(input: PublishInput): Promise<Published> {
  const { output, lock } = input
  holdLock(lock)
  const name = freeName(join(output, 'runs'), `${runStamp()}-${input.hash.slice(0, HASH_SHOWN)}`),
    folder = join(output, 'runs', `.tmp-${name}.${randomUUID().slice(0, 8)}`)
  for (const old of readdirSync(join(output, 'runs'))) {
    if (old.startsWith('.tmp-')) rmSync(join(output, 'runs', old), { recursive: true, force: true })
  }
  try {
    return await publishBy(input, folder, join(output, 'runs', name))
  } catch (error) {
    try {
      rmSync(folder, { recursive: true, force: true })
    } catch {
      // workers still write there; what is left goes with them, or with the next run
    }
    throw error
  }
}

/** Writes all into `folder`, which becomes `final`. */
async function publishBy(input: PublishInput, folder: string, final: string): Promise<Published> {
  const { output, lock, prepared, pool, counts } = input
  // once, and never again where it is missing: whoever took it away has taken files with it
  const parts = join(folder, '.parts')
  for (const made of [folder, join(folder, 'ledger'), parts]) mkdirSync(made)
  const metas = input.metas()

  // of sinks with a limit, which rows of each partition are among the first of all
  const picked = new Map(
    prepared.graph.nodes
      .filter(node => node.stage.kind === 'sink' && sinkOrder(node).limit !== undefined)
      .map(node => {
        const found = metas.map(levels => levels.flatMap(meta => meta.first[node.id] ?? [])[0])
        return [node.id, pickFirst(node, found)] as const
      }),
  )
  const picksOf = (p: number) => Object.fromEntries([...picked].map(([id, places]) => [id, places[p]]))
  // the rejected side of a pair is a row of its own, of another partition maybe
  const partners: LedgerTask['partners'][number][][] = input.partitions.map(() => [])
  if (prepared.graph.nodes.some(node => effectOf(node) === 'pair')) {
    const found = await Promise.all(
      input.partitions.map(async (_, p) => {
        const file = join(parts, `${p}.partners`)
        return { file, sections: await pool.run<Section[]>(input.partners(file, p, picksOf(p))) }
      }),
    )
    for (const { file, sections } of found) {
      for (const { partition, at, bytes } of sections) partners[partition].push({ file, at, bytes })
    }
  }
  const seen = noneNoted()
  const ledger = await Promise.all(
    input.partitions.map(async (_, p) => {
      const { noted: some, ...part } = await pool.run<LedgerPart>(
        input.ledger(join(parts, `${p}.arrow`), p, picksOf(p), partners[p]),
      )
      // at once: of many partitions the rows to read would not fit into memory
      addNoted(seen, some)
      return part
    }),
  )
  const shards = appendStreams(join(folder, 'ledger'), schemaBytes(ledgerSchema), ledger, SHARD_BYTES, dataName),
    inLedger = rowsIn(shards),
    /** What was written, as who wrote it says. */
    files: Written[] = inFolder('ledger', shards)
  rmSync(parts, { recursive: true })
  const sum = (pick: (part: (typeof ledger)[number]) => number) => ledger.reduce((n, part) => n + pick(part), 0)
  const rows = {
    read: input.partitions.reduce((n, partition) => n + rowCount(partition), 0),
    kept: sum(part => part.outcomes.kept),
    dropped: sum(part => part.outcomes.dropped),
    errored: sum(part => part.outcomes.errored),
    derived: Object.values(counts).reduce((n, stage) => n + stage.derived, 0),
  }
  const sinks: Manifest['sinks'] = {},
    reports: Record<string, Reported> = { ...input.reports }
  await Promise.all(
    prepared.graph.nodes
      .filter(node => node.stage.kind === 'sink')
      .map(async node => {
        const sink = node.stage as AnySink,
          { input: schema, output: written } = prepared.schemas.get(node.id)!
        const { renamed, facts } = sink.schema(node.options as never, schema, prepared.isText.get(node.id) ?? false)
        const streams = metas.flatMap((levels, p) =>
            levels.flatMap(meta => (meta.sinks[node.id] ? [{ at: meta.sinks[node.id], p }] : [])),
          ),
          picks = picked.get(node.id),
          { column, descending } = sinkOrder(node)
        mkdirSync(join(folder, node.id))
        const {
          rows,
          files: some,
          written: form,
        } = await pool.run<SinkResult>({
          kind: 'sink',
          node: node.id,
          folder: join(folder, node.id),
          schema: schemaBytes(written),
          streams: streams.map(({ at }) => at),
          ...(picks ? { picks: streams.map(({ p }) => picks[p]) } : {}),
          ...(column === undefined
            ? {}
            : { order: { column: Object.hasOwn(renamed, column) ? renamed[column] : column, descending } }),
        } satisfies SinkTask)
        files.push(...inFolder(node.id, some))
        if (form) reports[node.id] = { report: form.report }
        const order: Record<string, string> =
          column === undefined ? {} : { order: `${column} ${descending ? 'descending' : 'ascending'}` }
        sinks[node.id] = {
          rows,
          columns: [...(form?.columns ?? written.fields.map(field => field.name))],
          renamed,
          facts: { ...facts, ...order },
        }
        const count = (counts[node.id] ??= emptyCounts())
        if (!picks) return
        count.out = picks.reduce((n, places) => n + places.length, 0)
        count.derived = metas.reduce((n, levels, p) => {
          const copy = levels.flatMap(meta => meta.first[node.id] ?? [])[0]?.copy
          return n + picks[p].filter(at => isMade(copy[at])).length
        }, 0)
      }),
  )
  // derived rows are counted where they are made; a sink's own count of them is not another one
  rows.derived = prepared.graph.nodes
    .filter(node => node.stage.kind === 'stage')
    .reduce((n, node) => n + (counts[node.id]?.derived ?? 0), 0)
  const dropped = appendAside(folder, 'dropped', metas),
    noted = appendAside(folder, 'notes', metas)
  files.push(...dropped.files, ...noted.files)
  const problems = unaccounted(prepared, counts, rows, {
    ledger: inLedger,
    sinks,
    dropped: dropped.rows,
    noted: noted.rows,
  })
  if (problems.length > 0) {
    throw new Error(`run: rows are not accounted for, which is a bug of Sluice: ${problems.join('; ')}`)
  }

  const { wanted } = input,
    isDecided = wanted.decisions.length + wanted.contradicting.length > 0,
    decisions = isDecided
      ? decisionsSaid(
          wanted,
          metas.flat().map(({ found }) => found),
        )
      : undefined
  const reasonOf = (id: string, reason: string) =>
      prepared.graph.nodes.find(node => node.id === id)?.stage.reasons[reason],
    warnings = warningsOf(prepared, counts, wanted.keepIds, stayedIn(metas), decisions?.flip ?? 0)
  const said: Omit<Manifest, 'worries' | 'files'> = {
    sluice: packageVersion,
    hash: input.hash,
    code: codeStamp,
    graph: {
      name: prepared.graph.name,
      seed: prepared.graph.seed,
      partition_rows: prepared.graph.partitionRows,
      stages: prepared.graph.nodes.map(node => ({
        id: node.id,
        use: node.use,
        version: node.stage.version,
        with: publicOptions(node),
        from: fromSaid(node),
        ...(input.held.get(node.id)?.length ? { files: filesSaid(input.held.get(node.id)) } : {}),
        ...(node.own ? { code: node.own.key } : {}),
      })),
    },
    ...(input.limit === undefined ? {} : { limit: input.limit }),
    ...(input.sample === undefined ? {} : { sample: input.sample }),
    ...(wanted.keepIds.length === 0 ? {} : { keep_ids: absent(wanted.keepIds, metas) }),
    ...(decisions ? { decisions } : {}),
    inputs: inputsSaid(prepared, input.hashes),
    rows,
    dropped_by_kind: kinds(prepared, counts),
    dropped_by_none: {
      parent: sum(part => part.byNone.parent),
      rejected_side: sum(part => part.byNone.rejected_side),
      unused: sum(part => part.byNone.unused),
    },
    kept_elsewhere: sum(part => part.elsewhere),
    stages: Object.fromEntries(
      prepared.graph.nodes.map(node => {
        // time differs between equal runs
        const { millis: _millis, left: _left, sides, ...rest } = counts[node.id] ?? emptyCounts()
        return [
          node.id,
          {
            use: node.use,
            ...rest,
            ...(effectOf(node) === 'pair' ? { sides } : {}),
            reasons: sorted(rest.reasons),
            kinds: byReason(rest.reasons, reason => node.stage.reasons[reason].kind),
            families: byReason(rest.reasons, reason => familyOf(node.stage.reasons[reason])),
            notes: sorted(rest.notes),
            ...(reports[node.id] ? saidOf(reports[node.id]) : {}),
          },
        ]
      }),
    ),
    warnings: warnings.map(({ text }) => text),
    sinks: sorted(sinks),
  }
  const drawn = shownOf({
    manifest: said,
    nodes: prepared.graph.nodes,
    counts,
    reports,
    noted: seen,
    every: input.every,
    idOf: idLookup(prepared, input.partitions, metas),
  })
  const worries = worriesOf({
    manifest: said,
    reasonOf,
    reports: Object.fromEntries(Object.entries(reports).map(([id, { report }]) => [id, report])),
    warnings: warnings.map(({ worry }) => worry),
    parts: drawn.parts,
    near: drawn.near,
  })
  const manifest: Manifest = { ...said, worries, files: {} }
  const put = (file: string, content: string) => {
    writeWhole(join(folder, file), content)
    files.push({ file, bytes: Buffer.byteLength(content) })
  }
  const empty = isEmpty(prepared, sinks)
  const shown: Shown = { ...drawn, worries }
  put('report.json', `${JSON.stringify(shown)}\n`)
  const training = prepared.graph.nodes.filter(isTraining).map(({ id }) => id)
  if (training.length > 0) {
    const shardsOf = (id: string) => files.map(({ file }) => file).filter(file => file.startsWith(join(id, '/')))
    put('README.md', datasetCard(manifest, new Map(training.map(id => [id, shardsOf(id)])), reasonOf))
  }
  checkWritten(folder, files, lock)
  files.sort((a, b) => (a.file < b.file ? -1 : 1))
  const hashes = await Promise.all(
    files.map(({ file }) => pool.run<string>({ kind: 'hash', path: join(folder, file) })),
  )
  files.forEach(({ file, bytes }, i) => {
    manifest.files[file] = { bytes, sha256: hashes[i] }
  })
  // it tells the time, and so is another one each time
  manifest.files[PAGE] = {}
  const text = manifestText(manifest),
    written = parseManifest(text).manifest
  put('manifest.json', text)
  const took = input.clock.took(
    'publishing',
    Object.fromEntries(Object.entries(counts).map(([id, { millis }]) => [id, millis])),
  )
  put(
    'timings.json',
    `${JSON.stringify({ finished: new Date().toISOString(), ...took, work: input.costs(), ...(Object.keys(input.calls).length > 0 ? { calls: input.calls } : {}) }, null, 2)}\n`,
  )
  put(PAGE, pageHtml(shown, took, relative(process.cwd(), empty ? final : join(output, 'latest'))))
  syncFolder(folder)
  checkWritten(folder, files, lock)
  input.hold()
  renameSync(folder, final)
  syncPath(join(output, 'runs'))
  if (empty) return { status: 'empty', folder: final, manifest: written }
  try {
    swapLatest(output, final, lock)
  } catch (error) {
    if (latestRun(output) !== final) rmSync(final, { recursive: true, force: true })
    throw error
  }
  return { status: 'published', folder: final, manifest: written }
}

/**
 * Whether nothing came of a run that was to give rows. Where there is something to train on, rows for people to look at
 * are no result, nor is a report; where there is not, a report is one.
 */
function isEmpty({ graph }: Prepared, sinks: Manifest['sinks']): boolean {
  const training = graph.nodes.filter(isTraining)
  return training.length > 0
    ? training.every(({ id }) => sinks[id].rows === 0)
    : Object.values(sinks).every(({ rows }) => rows === 0) && !graph.nodes.some(({ stage }) => stage.kind === 'audit')
}

/** Columns of one side that stayed when decisions swapped sides, and in how many pairs. */
function stayedIn(metas: readonly (readonly PassMeta[])[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const { stayed } of metas.flat()) {
    for (const [column, pairs] of Object.entries(stayed)) sums[column] = (sums[column] ?? 0) + pairs
  }
  return sums
}

/** Looks up the id of a row by its file's label, in what the first pass of its partition has of ids. */
function idLookup({ files }: Prepared, partitions: readonly Partition[], metas: readonly (readonly PassMeta[])[]) {
  return (label: string, row: number): string | undefined => {
    const at = partitions.findIndex(
        ({ file, start, end }) => start <= row && row < end && labelOf(files[file].path) === label,
      ),
      ids = metas[at]?.[0].ids
    if (!ids) return undefined
    const { rows, start } = partitions[at],
      file = new IpcFile(ids.path, ids.header)
    try {
      let place = rows ? rows.indexOf(row) : row - start
      for (const batch of ids.batches) {
        if (place < batch.rows) return textColumn(file.batch(batch).data.children[0]).text(place)
        place -= batch.rows
      }
      return undefined
    } finally {
      file.close()
    }
  }
}

/** Which of the ids to keep no row has. */
function absent(ids: readonly string[], metas: readonly (readonly PassMeta[])[]): Manifest['keep_ids'] {
  const seen = new Uint8Array(ids.length)
  for (const { kept } of metas.flat()) for (const at of kept) seen[at] = 1
  const missing = ids.filter((_, at) => !seen[at])
  return { given: ids.length, absent: missing.length, first_absent: missing.slice(0, 5) }
}

const rowsIn = (files: readonly { rows: number }[]): number => files.reduce((n, { rows }) => n + rows, 0)

/** A file of the result, by its path in it. */
interface Written {
  readonly file: string
  readonly bytes: number
}
const inFolder = (folder: string, files: readonly Written[]): Written[] =>
  files.map(({ file, bytes }) => ({ file: join(folder, file), bytes }))

/** Holds what lies in a folder against what was written there: all of it, and nothing else. */
function checkWritten(folder: string, files: readonly Written[], lock: Held): void {
  const there = new Map(filesBelow(folder).map(({ file, bytes }) => [file, bytes]))
  const problems = [
    ...files.flatMap(({ file, bytes }) => {
      const now = there.get(file)
      return now === bytes ? [] : [`${file} ${now === undefined ? 'is gone' : `has ${now} bytes in place of ${bytes}`}`]
    }),
    ...[...there.keys()]
      .filter(file => !files.some(written => written.file === file))
      .map(file => `${file} was not written by this run`),
  ]
  if (problems.length === 0) return
  holdLock(lock)
  throw new IoError(
    `${folder} is not as it was written (${problems.slice(0, 3).join('; ')}), so that nothing is published; let nothing else write or delete there`,
  )
}

/**
 * Dropped rows and notes of each stage, one folder a stage; files of another schema (a source's raw rows) get a folder
 * of their own. Returns the rows written of each stage, and the files.
 */
function appendAside(
  folder: string,
  kind: 'dropped' | 'notes',
  metas: readonly (readonly PassMeta[])[],
): { rows: Record<string, number>; files: Written[] } {
  const rows: Record<string, number> = {},
    files: Written[] = []
  const byStage = new Map<string, Map<string, { schema: Uint8Array; streams: StreamAt[] }>>()
  for (const meta of metas.flat()) {
    for (const [node, { schema, ...stream }] of Object.entries(meta[kind])) {
      if (!byStage.has(node)) byStage.set(node, new Map())
      const key = Buffer.from(schema).toString('latin1'),
        kinds = byStage.get(node)!
      if (!kinds.has(key)) kinds.set(key, { schema, streams: [] })
      kinds.get(key)!.streams.push(stream)
    }
  }
  if (byStage.size > 0) mkdirSync(join(folder, kind))
  for (const [node, schemas] of byStage) {
    ;[...schemas.values()].forEach(({ schema, streams }, i) => {
      const target = join(kind, i === 0 ? node : `${node}-${i + 1}`)
      mkdirSync(join(folder, target))
      const shards = appendStreams(join(folder, target), schema, streams, SHARD_BYTES, dataName)
      rows[node] = (rows[node] ?? 0) + rowsIn(shards)
      files.push(...inFolder(target, shards))
    })
  }
  return { rows, files }
}

interface WrittenRows {
  readonly ledger: number
  readonly sinks: Manifest['sinks']
  readonly dropped: Readonly<Record<string, number>>
  readonly noted: Readonly<Record<string, number>>
}

/** The arithmetic that must hold in every run: of what was counted, and of what was written. */
function unaccounted(
  { graph }: Prepared,
  counts: Record<string, Counts>,
  rows: Manifest['rows'],
  written: WrittenRows,
): string[] {
  const problems: string[] = []
  if (written.ledger !== rows.read) problems.push(`${written.ledger} rows are in the ledger, ${rows.read} were read`)
  if (rows.kept + rows.dropped + rows.errored !== rows.read) {
    problems.push(
      `${rows.kept} kept + ${rows.dropped} dropped + ${rows.errored} errored are not the ${rows.read} rows read`,
    )
  }
  for (const node of graph.nodes) {
    const count = counts[node.id]
    if (!count) continue
    const noted = Object.values(count.notes).reduce((n, some) => n + some, 0)
    for (const [what, were, are] of [
      ['are for the sink', count.out, written.sinks[node.id]?.rows ?? count.out],
      ['dropped or errored', count.dropped + count.errored, written.dropped[node.id] ?? 0],
      ['noted', noted, written.noted[node.id] ?? 0],
    ] as const) {
      if (were !== are) problems.push(`${node.id}: ${were} rows ${what}, ${are} were written`)
    }
    const effect = effectOf(node)
    if (effect === undefined || effect === 'derive') continue
    const [on, went] = effect === 'pair' ? [count.sides, 'sides of pairs'] : [count.out, 'out']
    if (count.in !== on + count.dropped + count.errored) {
      problems.push(`${node.id}: ${count.in} in, ${on} ${went}, ${count.dropped} dropped, ${count.errored} errored`)
    }
  }
  return problems
}

function kinds({ graph }: Prepared, counts: Record<string, Counts>): Manifest['dropped_by_kind'] {
  const sums = { broken: 0, quality: 0, configured: 0 }
  for (const node of graph.nodes) {
    for (const [reason, n] of Object.entries(counts[node.id]?.reasons ?? {})) sums[node.stage.reasons[reason].kind] += n
  }
  return sums
}

const byReason = <T>(counts: Readonly<Record<string, number>>, of: (reason: string) => T): Record<string, T> =>
  Object.fromEntries(
    Object.keys(counts)
      .sort()
      .map(reason => [reason, of(reason)]),
  )

const sorted = <T>(record: Record<string, T>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)))

/**
 * Points `latest` at a run: a new link beside it, then a rename over it. Who has the lock removes such links of others:
 * so between the last look at it and the rename nothing can go wrong.
 */
export function swapLatest(output: string, run: string, lock: Held): void {
  const link = join(output, `.latest-${process.pid}`)
  rmSync(link, { force: true })
  symlinkSync(relative(output, run), link)
  holdLock(lock)
  renameSync(link, join(output, 'latest'))
  syncPath(output)
}

/** The folder of the run that was published last. */
export function latestRun(output: string): string | undefined {
  const latest = join(output, 'latest')
  if (!existsSync(latest)) return undefined
  if (!lstatSync(latest).isSymbolicLink()) {
    throw new SluiceError(
      `sluice: ${latest} is not a link to a run, as a run puts there; move it away, or name another folder with --output`,
      EXIT.io,
    )
  }
  const target = readlinkSync(latest)
  return isAbsolute(target) ? target : join(output, target)
}
