/** The manifest of a run: what it was, and what came of it. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { Reason, Report, Worry } from '../contract/define.ts'
import { seenOptions, type Node } from '../graph/types.ts'
import type { Family } from '../report/shape.ts'
import type { InputFile } from '../source/input.ts'
import type { TableFile } from '../source/open.ts'
import { bareUrl, isUrl } from '../files/http_source.ts'
import type { DecisionsSaid } from './decisions.ts'
import type { Counts } from './messages.ts'

/** The inputs of a stage as a graph names them; of an audit by name. */
type From = readonly string[] | Readonly<Record<string, readonly string[]>>

export interface StageCounts extends Omit<Counts, 'left' | 'millis' | 'sides'> {
  /** Of a stage that makes pairs. */
  sides?: number
  use: string
  kinds: Record<string, Reason['kind']>
  /** What reasons are in plain words. Runs that were published before there were any have none. */
  families?: Record<string, Family>
  report?: Pick<Report, 'lines' | 'numbers'>
  /** Of an audit: the run before that had it as it is, and what it said there. */
  previous?: { readonly run: string; readonly numbers: Readonly<Record<string, number>> }
}

/**
 * What a run was and what came of it. Equal runs after one run have equal manifests: nothing in it depends on the time
 * or the machine.
 */
export interface Manifest {
  readonly sluice: string
  /** That there is a `sha256` at the other end: no damage of one place makes a manifest one of before. */
  readonly sealed?: true
  /** Of the content of all inputs, the plan, and Sluice's own code. */
  readonly hash: string
  /** What stands for Sluice's own code. Of runs that were published before there was one it is left out. */
  readonly code?: string
  readonly graph: {
    name: string
    seed: number
    partition_rows: number
    stages: {
      id: string
      use: string
      version: number
      with: Readonly<Record<string, unknown>>
      from: From
      /** What it was given by context.file, by the paths that it names. */
      files?: { path: string; bytes: number; sha256: string }[]
      /** Of a user's own stage: what stands for its code, and all that it imports. */
      code?: string
    }[]
  }
  readonly limit?: number
  /** Rows that a sample was to have. */
  readonly sample?: number
  /** Ids that were to be kept, those of them that no row has, and the first of these. */
  readonly keep_ids?: { given: number; absent: number; first_absent: readonly string[] }
  /** What came of what people decided. */
  readonly decisions?: DecisionsSaid
  readonly inputs: {
    source: string
    path: string
    rows: number
    bytes: number
    sha256: string
    layout: string
    facts: Readonly<Record<string, unknown>>
  }[]
  readonly rows: { read: number; kept: number; dropped: number; errored: number; derived: number }
  /** Drops by kind, so that a limit one set oneself does not hide what is wrong with the data. */
  readonly dropped_by_kind: { broken: number; quality: number; configured: number }
  /**
   * Dropped rows that no stage dropped: parents of pairs in a sink, rejected sides of other rows' pairs, and what
   * nobody took.
   */
  readonly dropped_by_none: { parent: number; rejected_side: number; unused: number }
  /** Rows that a stage dropped and that are kept all the same, by another of their pairs or another way. */
  readonly kept_elsewhere: number
  readonly stages: Record<string, StageCounts>
  /** Of stages of which nearly all rows ended in one way. */
  readonly warnings: readonly string[]
  /** What to look at before one trains, by harm. Runs that were published before there were any have none. */
  readonly worries?: readonly Worry[]
  readonly sinks: Record<
    string,
    {
      rows: number
      columns: string[]
      renamed: Readonly<Record<string, string>>
      facts: Readonly<Record<string, string>>
    }
  >
  /** Of report.html nothing is said but that it is there: it tells the time. */
  readonly files: Record<string, { bytes: number; sha256: string } | { bytes?: undefined; sha256?: undefined }>
  /** Of the text of the manifest without this key. Runs that were published before there was one have none. */
  readonly sha256?: string
}

const seal = (text: string): string => `,\n  "sha256": "${createHash('sha256').update(text).digest('hex')}"`
const END = '\n}\n'

/** The text of a manifest, with its own checksum as the last key. */
export function manifestText({ sluice, ...rest }: Manifest): string {
  const text = `${JSON.stringify({ sluice, sealed: true, ...rest }, null, 2)}\n`
  return text.slice(0, -END.length) + seal(text) + END
}

/** A manifest read; `isWhole`: its text is what was published, as far as it can tell. Throws where it is no JSON. */
export function parseManifest(text: string): { manifest: Manifest; isWhole: boolean } {
  const manifest = JSON.parse(text) as Manifest
  if (manifest.sha256 === undefined && manifest.sealed === undefined) return { manifest, isWhole: true }
  const before = text.slice(0, -(seal('').length + END.length))
  return { manifest, isWhole: text === before + seal(before + END) + END }
}

/** The manifest of the latest published run, if there is one; without `manifest` where it is damaged. */
export function latestManifest(output: string): { folder: string; manifest?: Manifest } | undefined {
  const folder = join(output, 'latest'),
    file = join(folder, 'manifest.json')
  if (!existsSync(file)) return undefined
  const text = readFileSync(file, 'utf8')
  try {
    const { manifest, isWhole } = parseManifest(text)
    return isWhole ? { folder, manifest } : { folder }
  } catch {
    return { folder }
  }
}

/** Options as they may be read by others: what a URL has behind its path may be a key. */
export const publicOptions = (node: Pick<Node, 'stage' | 'options'>): Readonly<Record<string, unknown>> =>
  JSON.parse(JSON.stringify(seenOptions(node)), (_, value: unknown) =>
    typeof value === 'string' && isUrl(value) ? bareUrl(value) : value,
  ) as Record<string, unknown>

export function fromSaid(node: Pick<Node, 'stage' | 'from'>): From {
  const names = (some: Node['from']) => some.map(({ node, port }) => (port ? `${node}.${port}` : node))
  if (node.stage.kind !== 'audit') return names(node.from)
  return Object.fromEntries(
    node.from.map(({ input }) => [input!, names(node.from.filter(edge => edge.input === input))]),
  )
}

/** How a file is named in the ledger and the manifest: relative where it lies below the working directory. */
export const labelOf = (path: string): string => {
  if (isUrl(path)) return bareUrl(path)
  const short = relative(process.cwd(), path)
  return short.startsWith('..') ? path : short
}

interface Inputs {
  readonly files: readonly (InputFile & { readonly source: string })[]
  readonly tables: readonly (TableFile & { readonly source: string })[]
}
/** What the manifest says of all inputs. */
export const inputsSaid = ({ files, tables }: Inputs, hashes: readonly string[]): Manifest['inputs'] =>
  [...files, ...tables].map((file, i) => ({
    source: file.source,
    path: labelOf(file.path),
    rows: file.rows,
    bytes: file.bytes,
    sha256: hashes[i],
    layout: i < files.length ? files[i].layout : 'table',
    facts: file.facts,
  }))

/** The rows that no stage dropped, in words; empty where there are none. */
export const byNone = ({
  dropped_by_none: { parent, rejected_side: side, unused },
}: Pick<Manifest, 'dropped_by_none'>): string =>
  (
    [
      [parent, 'parents of pairs that were added'],
      [side, "rejected sides of other rows' pairs"],
      [unused, 'that no output to train on took'],
    ] as const
  )
    .flatMap(([count, what]) => (count > 0 ? [`${count.toLocaleString('en-US')} ${what}`] : []))
    .join(', ')

/** Whether --limit or --sample left rows unread. */
export const isPart = ({ inputs, rows: { read } }: Pick<Manifest, 'inputs' | 'rows'>): boolean =>
  read < inputs.reduce((sum, { rows }) => sum + rows, 0)

/** The inputs that pairs are read of: the others are tables. */
export const pairInputs = ({ inputs }: Pick<Manifest, 'inputs'>): Manifest['inputs'] =>
  inputs.filter(({ layout }) => layout !== 'table')

/** Which rows a run with --limit or --sample read; '' where it read all. --limit takes files in their order. */
export function rowsRead(manifest: Pick<Manifest, 'limit' | 'sample' | 'graph' | 'rows' | 'inputs'>): string {
  const {
      limit,
      sample,
      graph,
      rows: { read },
    } = manifest,
    inputs = pairInputs(manifest)
  const all = inputs.reduce((sum, { rows }) => sum + rows, 0),
    n = (value: number) => value.toLocaleString('en-US')
  if (sample !== undefined && sample >= all) return `all of them, a sample of ${n(sample)} was asked for`
  if (sample !== undefined) {
    return `sampled by seed ${graph.seed} from ${n(all)} in ${inputs.length} ${inputs.length === 1 ? 'file' : 'files'}`
  }
  if (limit === undefined || read >= all) return ''
  let files = 0
  for (let left = read; left > 0; files++) left -= inputs[files].rows
  return `by --limit the first ${n(read)} of ${n(all)}, from the first ${files} of ${inputs.length} files`
}
