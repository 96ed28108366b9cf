/**
 * What a run shows of itself: one value, of which the page, the summary and the answers about a run are made. A run
 * writes it to report.json; nothing in it depends on the time, the machine, or where the run lies.
 */
import type { Reason, Report, Worry } from '../contract/define.ts'
import type { DecisionsSaid } from '../run/decisions.ts'

/** A text, or the turns of a conversation. */
export type SaidText = string | readonly { readonly role: string; readonly content: string }[]

/** A row to read. Texts are cut; `cut` says how many characters of a side are not there. */
export interface ShownRow {
  /** As --decisions takes it. */
  readonly id: string
  readonly file: string
  readonly row: number
  readonly prompt: SaidText
  readonly chosen: SaidText
  readonly rejected: SaidText
  /** Its value of the first column of `parts`. */
  readonly part?: string
  readonly cut?: { readonly prompt?: number; readonly chosen?: number; readonly rejected?: number }
  /** What decided, by the name of its column or reason, with the limit where there is one. */
  readonly numbers: readonly { readonly name: string; readonly value: number | null; readonly limit: number | null }[]
  /** Of a row that yields to another: that row's id, and how alike they are from 0 to 1 where that was measured. */
  readonly partner?: { readonly id: string; readonly similarity: number | null }
  /** Of a made pair: what was changed, and what proves it. */
  readonly made?: {
    readonly parent: string
    readonly type: string
    readonly before: string
    readonly after: string
    readonly proof: string
  }
}

/**
 * Some rows of one fate, those with the smallest hashes of (seed, id), or the lowest by a column. `name`:
 * `<stage>.<reason>` of dropped rows ('error' where the stage failed on them), `<stage>.<note>` of noted and
 * `<stage>.<type>` of made ones ('made' without a type), 'kept', `lowest.<column>` of those kept that have the lowest
 * numbers there, and `lowest_dropped.<column>` of those whose label was doubted and that are not.
 */
export interface ShownRows {
  readonly name: string
  /** How many there are in all. */
  readonly count: number
  readonly rows: readonly ShownRow[]
}

/** A reason for which rows went, or 'error'. */
export interface ShownReason {
  readonly stage: string
  readonly reason: string
  readonly family: Family
  readonly kind: Reason['kind'] | 'error'
  readonly about: string
  readonly count: number
  /** The option that is its limit, and what it was set to. */
  readonly limit?: { readonly option: string; readonly value: unknown }
}

/** Reasons in plain words; `families` has the words. */
export type Family = NonNullable<Reason['family']> | 'broken' | 'poor' | 'limit' | 'error'
export const families: Readonly<Record<Family, string>> = {
  broken: 'broken',
  ties: 'tied votes',
  repeats: 'repeats',
  both_ways: 'labelled both ways',
  labels: 'label doubted',
  poor: 'poor text',
  limit: 'over a limit',
  error: 'not worked on',
}
/** What a reason without a family of its own is. */
export const familyOf = ({ kind, family }: Reason): Family =>
  family ?? ({ broken: 'broken', quality: 'poor', configured: 'limit' } as const)[kind]

/** Rows that have one value of a column of the input, such as the source. */
export interface ShownPart {
  readonly value: string
  readonly read: number
  readonly kept: number
  /** Noted as doubtful by a stage that judges labels. */
  readonly doubted: number
  /**
   * By `<stage>.<reason>`, `<stage>.error` of rows that one failed on, and what the ledger says of rows that no stage
   * dropped: with those kept they are those read.
   */
  readonly dropped: Readonly<Record<string, number>>
}

/** A part of fewer rows tells nothing. */
export const LEAST_PART = 20

/** In how many pairs only one side has a feature, such as a list or bold text. */
export interface ShownFeature {
  readonly name: string
  readonly before: { readonly chosen: number; readonly rejected: number }
  readonly after: { readonly chosen: number; readonly rejected: number }
}

/** Counts of log2(chosen / rejected) of lengths in characters: 33 bins from -4 to 4, those beyond in the outer ones. */
export interface ShownLengths {
  readonly before: readonly number[]
  readonly after: readonly number[]
}

/** Near-duplicates: how alike they are (20 bins from 0 to 1), and the largest clusters. */
export interface ShownClusters {
  readonly stage: string
  readonly histogram: readonly number[]
  readonly clusters: readonly { readonly size: number; readonly rows: readonly ShownRow[] }[]
}

export interface Shown {
  readonly graph: { readonly name: string; readonly seed: number }
  readonly hash: string
  readonly sluice: string
  /**
   * Pairs: what came in, what is to train on (`asRead` of it as they came, `made` new), what was left out. Where rows
   * are no pairs `read` are rows.
   */
  readonly pairs: {
    readonly read: number
    readonly out: number
    readonly asRead: number
    readonly made: number
    readonly leftOut: number
    readonly errored: number
  }
  /** Sentences: which rows were read where not all were, and which of those left out no stage dropped. */
  readonly about: readonly string[]
  /** Ordered by harm. */
  readonly worries: readonly Worry[]
  /** Most frequent first. */
  readonly reasons: readonly ShownReason[]
  /** In order of the graph, without sinks and audits. */
  readonly stages: readonly {
    readonly id: string
    readonly use: string
    readonly in: number
    readonly dropped: number
    readonly errored: number
    readonly made: number
    readonly out: number
  }[]
  /** By column of the input that has few values; the first is the one that tells most. Files where there is none. */
  readonly parts: readonly { readonly column: string; readonly values: readonly ShownPart[] }[]
  /** What stages and audits report: lines, tables, and charts over them. */
  readonly reports: readonly (Pick<Report, 'lines' | 'tables' | 'charts'> & {
    readonly id: string
    readonly use: string
    readonly isAudit: boolean
  })[]
  /** Features and lengths are counted of one source row in so many, picked by a hash; 1 is all. */
  readonly every: number
  readonly features: readonly ShownFeature[]
  readonly lengths?: ShownLengths
  readonly near: readonly ShownClusters[]
  readonly rows: readonly ShownRows[]
  readonly sinks: readonly {
    readonly id: string
    readonly use: string
    readonly rows: number
    readonly isForReview: boolean
    readonly columns: readonly string[]
  }[]
  /** All nodes in order of the graph; `from` as the graph says it, and the options that are not null. */
  readonly nodes: readonly {
    readonly id: string
    readonly use: string
    readonly kind: 'source' | 'stage' | 'audit' | 'sink'
    readonly from: readonly string[]
    readonly options: Readonly<Record<string, unknown>>
    readonly in: number
    readonly out: number
  }[]
  /** Files that were read, by the names that the graph has for them. */
  readonly inputs: readonly {
    readonly path: string
    readonly rows: number
    readonly layout: string
    readonly sha256: string
  }[]
  /** What was said of rows that stay, most frequent first. */
  readonly notes: readonly {
    readonly stage: string
    readonly note: string
    readonly about: string
    readonly count: number
  }[]
  /** What came of what people decided. */
  readonly decisions?: DecisionsSaid
}

/** What a run took; in timings.json alone, and on the page. Seconds of the main clock add up to `wall`. */
export interface Took {
  readonly wall: number
  /** In order: start, reading, each fit, each level, publishing. */
  readonly spans: readonly { readonly name: string; readonly seconds: number }[]
  /** Summed over workers. */
  readonly stages: Readonly<Record<string, number>>
  /** Bytes, of the whole process. */
  readonly peakMemory: number
}
