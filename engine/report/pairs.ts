/** What came in and what came out of a run, as people count it: in pairs. */
import type { Manifest } from '../run/manifest.ts'

/** What is counted of a run. */
export type Counted = Pick<Manifest, 'rows' | 'stages' | 'sinks' | 'graph' | 'inputs'>

export interface Pairs {
  /** Rows that were read, and the pairs that they are; undefined where rows are answers, and no pairs. */
  readonly rows: number
  readonly pairs?: number
  /** To train on; `asRead` of them came so, `made` are new. Of outputs that share rows the largest counts. */
  readonly out: number
  readonly asRead: number
  readonly made: number
  /** Rows that went, errored ones too. */
  readonly leftOut: number
  /** What is written to train on, and for people. */
  readonly outputs: readonly Output[]
  readonly lists: readonly Output[]
}
export interface Output {
  readonly id: string
  readonly rows: number
}

export function pairsOf({ rows, stages, sinks, graph, inputs }: Counted): Pairs {
  const isForReview = (id: string) => graph.stages.find(stage => stage.id === id)?.with.for === 'review',
    all = Object.entries(sinks).map(([id, sink]) => ({ id, rows: sink.rows, made: stages[id]?.derived ?? 0 })),
    outputs = all.filter(({ id }) => !isForReview(id))
  const sum = (of: (output: (typeof all)[number]) => number) => outputs.reduce((total, one) => total + of(one), 0),
    asRead = sum(output => output.rows - output.made),
    /** The rows of each, where they are not parts of one whole. */
    largest = [...outputs].sort((a, b) => b.rows - a.rows).slice(0, 1)
  const sources = new Set(inputs.filter(({ layout }) => layout !== 'table').map(({ source }) => source)),
    read = [...sources].map(id => stages[id]),
    isPaired = Object.values(stages).some(({ sides }) => sides !== undefined),
    pairs = read.reduce((total, { out, dropped }) => total + out + dropped, 0)
  const isShared = pairs === rows.read && asRead > rows.kept,
    [{ rows: out, made } = { rows: 0, made: 0 }] = isShared
      ? largest
      : [{ rows: sum(it => it.rows), made: sum(it => it.made) }]
  return {
    rows: rows.read,
    ...(isPaired ? {} : { pairs }),
    out,
    asRead: out - made,
    made,
    leftOut: rows.dropped + rows.errored,
    outputs,
    lists: all.filter(({ id }) => isForReview(id)),
  }
}

/** Counts with their words, most first: '33 label doubted, 18 repeats'. */
export const listedNumbers = (counts: readonly (readonly [name: string, count: number])[]): string =>
  [...counts]
    .filter(([, count]) => count > 0)
    .sort((a, b) => b[1] - a[1])
    .map(([name, count]) => `${count.toLocaleString('en-US')} ${name}`)
    .join(', ')
