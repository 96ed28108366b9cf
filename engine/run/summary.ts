/** All that a run can print: by --verbose behind the summary of ten lines, and as JSON. */
import type { Reason } from '../contract/define.ts'
import type { Done } from '../calls/endpoint.ts'
import { listedSaid, type DecisionsSaid } from './decisions.ts'
import { verdictOf } from '../report/worries.ts'
import { byNone, isPart, pairInputs, rowsRead, type Manifest, type StageCounts } from './manifest.ts'
import type { RunResult } from './run.ts'

const n = (value: number): string => value.toLocaleString('en-US')

const list = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .filter(([, count]) => count > 0)
    .sort((a, b) => b[1] - a[1])
    .map(([name, count]) => `${name} ${n(count)}`)
    .join(', ')

/** Drops by kind with their reasons, `<stage>.<reason> count`. */
function drops(manifest: Manifest): string[] {
  const kinds = { broken: {}, quality: {}, configured: {} } as Record<Reason['kind'], Record<string, number>>
  for (const [id, stage] of Object.entries(manifest.stages)) {
    for (const [reason, count] of Object.entries(stage.reasons)) kinds[stage.kinds[reason]][`${id}.${reason}`] = count
  }
  return Object.entries(kinds)
    .filter(([, reasons]) => Object.keys(reasons).length > 0)
    .map(
      ([kind, reasons]) =>
        `  ${kind.padEnd(11)}${n(Object.values(reasons).reduce((sum, count) => sum + count, 0)).padStart(9)}  ${list(reasons)}`,
    )
}

/** What a report's line begins with that must be heard. */
const WARNING = 'warning: '
const isWarning = (line: string): boolean => line.startsWith(WARNING)

// a stage that makes new rows hands on none of those that came in
const stageLine = (id: string, stage: StageCounts, sparedBy: string): string[] => {
  const parts = [
    stage.derived > 0 ? `${n(stage.derived)} added` : '',
    stage.errored > 0 ? `${n(stage.errored)} errored` : '',
    stage.spared > 0 ? `${n(stage.spared)} spared by ${sparedBy}` : '',
    Object.keys(stage.notes).length > 0 ? `${stage.out === 0 ? 'declined' : 'noted'}: ${list(stage.notes)}` : '',
  ].filter(part => part !== '')
  return [
    ...(parts.length > 0 && stage.use !== 'source' ? [`  ${id}: ${parts.join('; ')}`] : []),
    ...reportLines(id, stage),
  ]
}

const reportLines = (id: string, { report }: Pick<StageCounts, 'report'>): string[] =>
  (report?.lines ?? []).map(line =>
    isWarning(line) ? `  ${WARNING}${id}: ${line.slice(WARNING.length)}` : `  ${id}: ${line}`,
  )

const callsLine = (id: string, done: Done | undefined): string[] =>
  done === undefined
    ? []
    : [
        `  ${id}: ${n(done.asked)} answers, ${n(done.cached)} of them from the cache${done.failed > 0 ? `, ${n(done.failed)} failed` : ''}; ${n(done.requests)} requests and ${n(done.tokens)} tokens${done.usd > 0 ? `, $${done.usd.toFixed(2)},` : ''} were spent on this result`,
      ]

/** Ids that were to be kept and are not there: a mistake nobody would see. */
const absentLine = (
  { given, absent, first_absent: first }: NonNullable<Manifest['keep_ids']>,
  where: string,
): string[] =>
  absent === 0
    ? []
    : [
        `--keep-ids: ${n(absent)} of ${n(given)} ids do not occur${where}: ${first.join(', ')}${absent > first.length ? ', …' : ''}`,
      ]

/** What came of decisions that were applied. */
const decisionLines = ({ given, keep, drop, flip, listed }: DecisionsSaid): string[] => [
  `--decisions: ${n(keep + drop + flip)} of ${n(given)} applied: keep ${n(keep)}, drop ${n(drop)}, flip ${n(flip)}`,
  ...(listed ? [`--decisions: ${listedSaid(listed)}`] : []),
]

/** Decisions that came to nothing, which nobody would see. */
const idleLines = ({ given, not_applied: idle }: DecisionsSaid, where: string): string[] =>
  (
    [
      [idle.contradicting, 'with decisions that contradict each other, so that none is applied; leave one of them'],
      [idle.absent, `that do not occur${where}`],
      [idle.changed, 'whose row is no longer what it was when it was listed, so that nothing is applied; decide anew'],
      [idle.no_pair, 'of what is no pair of two sides when it is read, so that nothing is applied'],
    ] as const
  ).flatMap(([{ count, first }, what]) =>
    count === 0
      ? []
      : [
          `--decisions: ${n(count)} of ${n(given)} ids ${what}: ${first.join(', ')}${count > first.length ? ', …' : ''}`,
        ],
  )

const warnings = (manifest: Manifest): string[] => {
  const where = isPart(manifest) ? ' among the rows that were read' : ''
  return [
    ...(manifest.decisions ? idleLines(manifest.decisions, where) : []),
    ...(manifest.keep_ids ? absentLine(manifest.keep_ids, where) : []),
    ...manifest.warnings.map(line => `warning: ${line}`),
  ]
}

/**
 * What must be heard though nothing else is: all that the summary warns of, and rows that were set aside as errored.
 */
export const warningLines = (manifest: Manifest): string[] => [
  ...Object.entries(manifest.stages).flatMap(([id, { errored }]) =>
    errored > 0 ? [`warning: ${id}: ${n(errored)} rows errored and were set aside; the ledger has the messages`] : [],
  ),
  ...warnings(manifest),
  ...Object.entries(manifest.stages).flatMap(([id, { report }]) =>
    (report?.lines ?? []).filter(isWarning).map(line => `${WARNING}${id}: ${line.slice(WARNING.length)}`),
  ),
]

/** The summary as text of a few lines. */
export function summaryText(result: RunResult): string {
  const { manifest, status } = result,
    { rows } = manifest
  if (status === 'nothing_new') {
    return `nothing new: ${result.folder} already holds exactly this (${n(rows.kept)} of ${n(rows.read)} rows kept)`
  }
  const sinks = Object.entries(manifest.sinks).flatMap(([id, sink]) => {
    const renamed = Object.entries(sink.renamed)
      .map(([from, to]) => `${from} -> ${to}`)
      .join(', ')
    return [
      `  ${id}: ${n(sink.rows)} rows in ${result.folder}/${id}${renamed ? `; renamed ${renamed}` : ''}`,
      ...reportLines(id, manifest.stages[id]),
    ]
  })
  const files = pairInputs(manifest),
    layouts = [...new Set(files.map(({ layout }) => layout))].join(', '),
    tables = manifest.inputs.filter(input => !files.includes(input))
  const sinkIds = new Set(Object.keys(manifest.sinks)),
    sparedBy = [manifest.keep_ids && '--keep-ids', manifest.decisions && '--decisions'].filter(Boolean).join(' or ')
  return [
    `read ${n(rows.read)} rows (${rowsRead(manifest) || `${files.length} ${files.length === 1 ? 'file' : 'files'}`}, layout ${layouts}): kept ${n(rows.kept)}, dropped ${n(rows.dropped)}, errored ${n(rows.errored)}; added ${n(rows.derived)} in ${result.seconds.toFixed(1)} s`,
    ...[...new Set(tables.map(({ source }) => source))].map(source => {
      const some = tables.filter(input => input.source === source)
      return `  ${source}: a table of ${n(some.reduce((sum, { rows }) => sum + rows, 0))} rows (${some.length} ${some.length === 1 ? 'file' : 'files'})`
    }),
    ...drops(manifest),
    ...(byNone(manifest) !== '' ? [`  by no stage: ${byNone(manifest)}`] : []),
    ...(manifest.kept_elsewhere > 0
      ? [
          `  ${n(manifest.kept_elsewhere)} of these are kept all the same, by another of their pairs or another way through the graph`,
        ]
      : []),
    ...Object.entries(manifest.stages)
      .filter(([id]) => !sinkIds.has(id))
      .flatMap(([id, stage]) => [...stageLine(id, stage, sparedBy), ...callsLine(id, result.calls[id])]),
    ...(manifest.decisions ? decisionLines(manifest.decisions) : []).map(line => `  ${line}`),
    ...warnings(manifest).map(line => `  ${line}`),
    ...sinks,
    ...(status === 'empty'
      ? ['  nothing was kept, so `latest` still points at what it did before; the reasons are above and in the ledger']
      : []),
  ].join('\n')
}

/** The summary as one object, for --json. */
export const summaryObject = (result: RunResult) => ({
  status: result.status,
  folder: result.folder,
  hash: result.manifest.hash,
  seconds: Math.round(result.seconds * 1000) / 1000,
  rows: result.manifest.rows,
  dropped_by_kind: result.manifest.dropped_by_kind,
  dropped_by_none: result.manifest.dropped_by_none,
  keep_ids: result.manifest.keep_ids,
  decisions: result.manifest.decisions,
  sample: result.manifest.sample,
  stages: result.manifest.stages,
  warnings: result.manifest.warnings,
  worries: result.manifest.worries,
  verdict: verdictOf(result.manifest.worries ?? [], result.status === 'empty'),
  sinks: result.manifest.sinks,
  calls: result.calls,
  inputs: result.manifest.inputs,
})
