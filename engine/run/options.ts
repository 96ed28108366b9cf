/**
 * Options of a run as a script gives them, where nothing checks types: what is misspelt or meant otherwise must not
 * pass for a run of all.
 */
import { EXIT, SluiceError } from '../errors.ts'
import { nearest } from '../graph/messages.ts'
import { decisionWords, type Decision } from './decisions.ts'
import type { GraphBuilder, GraphObject } from '../graph/build.ts'
import type { MapSpec } from '../map/spec.ts'
import type { Progress } from './progress.ts'

/** A graph: its file, an object, or what `graph()` gave. */
export type GraphInput = string | URL | GraphObject | GraphBuilder

export interface RunOptions {
  /** Where runs are published. */
  readonly output?: string
  /** Worker threads; the processors there are unless given. No influence on the output. */
  readonly workers?: number
  /** Replaces the graph's seed. */
  readonly seed?: number
  /** Only the first so many rows of the first files. */
  readonly limit?: number
  /**
   * Only so many rows, those of all files with the smallest hashes of (seed, the file's content, row): a fair first
   * look.
   */
  readonly sample?: number
  /**
   * Ids of rows that are never dropped, nor the pairs made of them, but for faults that no trainer could take and for
   * what a source makes no pair of. Of replies one a row a pair is of its chosen side's row.
   */
  readonly keepIds?: readonly string[]
  /**
   * What people decided of rows, or of pairs, by their ids, applied before the first stage: keep spares as `keepIds`
   * does, drop drops, flip swaps the sides. No label stage drops or flips a row that was decided.
   */
  readonly decisions?: readonly Decision[]
  /** `stage.option=value`, as on the command line. */
  readonly set?: readonly string[]
  /** Where the pairs of the graph's only source are: a mapping, or the name of a preset; its option `map`. */
  readonly map?: MapSpec | string
  /** Replaces the inputs of the graph's only source, and the source by the one that reads files of their endings. */
  readonly input?: readonly string[]
  /** Where answers of servers are kept; `.sluice/answers` of the output unless given. */
  readonly answers?: string
  /**
   * Work everything out again though nothing changed. Answers of servers that are kept are used; calls that failed are
   * made again.
   */
  readonly anew?: boolean
  /** Take inputs whose pairs lie otherwise than in the last run of the graph; else they are refused. */
  readonly acceptLayout?: boolean
  /** Hears what stages will ask of servers, a line each, before the first row. */
  readonly onPlan?: (lines: readonly string[]) => void
  /** Hears warnings about the graph, and of work that does not get on. */
  readonly onWarning?: (text: string) => void
  /** Seconds without a sign of life after which a worker's work is warned of; 60 unless given. */
  readonly quietSecs?: number
  readonly onProgress?: (progress: Progress) => void
  readonly signal?: AbortSignal
  /**
   * Rows of a block and bytes of a group's bucket at most: sizes of work, without influence on any output (the tests
   * show it).
   */
  readonly blockRows?: number
  readonly bucketBytes?: number
  /** Bytes of one group at most: 256 MB unless given. */
  readonly groupBytes?: number
}

const isTexts = (value: unknown): boolean =>
  Array.isArray(value) && value.every(text => typeof text === 'string' && text !== '')
const someTexts = {
  is: (value: unknown) => isTexts(value) && (value as unknown[]).length > 0,
  what: 'a list of at least one text',
}
const texts = { is: isTexts, what: 'a list of texts' }
const isDecision = (value: unknown): boolean => {
  const { id, decision, content_hash: hash } = (value ?? {}) as Partial<Record<keyof Decision, unknown>>
  return (
    typeof id === 'string' &&
    id !== '' &&
    decisionWords.some(word => word === decision) &&
    (hash === undefined || (typeof hash === 'string' && hash !== ''))
  )
}
const decisions = {
  is: (value: unknown) => Array.isArray(value) && value.every(isDecision),
  what: `a list of { id, decision: ${decisionWords.map(word => `'${word}'`).join(' | ')}, content_hash? }`,
}
const text = { is: (value: unknown) => typeof value === 'string' && value !== '', what: 'a text' }
const bool = { is: (value: unknown) => typeof value === 'boolean', what: 'true or false' }
const work = { is: (value: unknown) => typeof value === 'function', what: 'a function' }
const whole = (least: number) => ({
  is: (value: unknown) => Number.isSafeInteger(value) && (value as number) >= least,
  what: `a whole number of at least ${least}`,
})

const kinds: Readonly<Record<keyof RunOptions, { is(value: unknown): boolean; readonly what: string }>> = {
  output: text,
  workers: whole(1),
  seed: whole(0),
  limit: whole(1),
  sample: whole(1),
  keepIds: texts,
  decisions,
  set: texts,
  input: someTexts,
  map: {
    is: value => (typeof value === 'object' && value !== null) || (typeof value === 'string' && value !== ''),
    what: 'a mapping, or the name of a preset',
  },
  answers: text,
  anew: bool,
  acceptLayout: bool,
  onPlan: work,
  onWarning: work,
  onProgress: work,
  quietSecs: { is: value => typeof value === 'number' && value > 0, what: 'a number of seconds above 0' },
  signal: { is: value => value instanceof AbortSignal, what: 'an AbortSignal' },
  blockRows: whole(1),
  bucketBytes: whole(1),
  groupBytes: whole(1),
}

/** Throws one error with the exit code 64 that names all that is wrong. An option that is undefined is not given. */
export function checkOptions(options: RunOptions): void {
  const problems = Object.entries(options).flatMap(([name, value]) => {
    if (!Object.hasOwn(kinds, name)) {
      const near = nearest(name, Object.keys(kinds))
      return [
        `no option '${name}'; ${near === undefined ? `there are ${Object.keys(kinds).join(', ')}` : `did you mean '${near}'?`}`,
      ]
    }
    const { is, what } = kinds[name as keyof RunOptions]
    return value === undefined || is(value)
      ? []
      : [`option '${name}' is ${JSON.stringify(value) ?? String(value)}, not ${what}`]
  })
  if (options.limit !== undefined && options.sample !== undefined) {
    problems.push('--sample and --limit both choose rows; give one of them')
  }
  if (problems.length > 0) throw new SluiceError(`run: ${problems.join('; ')}`, EXIT.usage)
}
