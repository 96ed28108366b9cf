/** A graph once it has been read and found right: what the plan is made from. */
import type { TObject } from '@sinclair/typebox'
import type { AnyKind, Fit, Inputs, Of, Reads, ReadType, RowEffect, Writes } from '../contract/define.ts'
import type { Bundle } from './bundle.ts'
import type { Problem } from './messages.ts'

/**
 * An input of a node: the rows that `node` lets through, or with `port` those that it dropped ('dropped': all of them;
 * else one declared reason). `input`: of an audit, the name of the input that they are.
 */
export interface Edge {
  readonly node: string
  readonly port?: string
  readonly input?: string
}

/** One use of a stage. */
export interface Node {
  readonly id: string
  /** As the graph writes it: a registered name, or the path of the user's own stage file. */
  readonly use: string
  readonly stage: AnyKind
  /** Where the stage is the user's own: the JavaScript file that workers import, and what is to be known of it. */
  readonly own?: Bundle
  /** Checked by the stage's own schema, defaults applied. */
  readonly options: Readonly<Record<string, unknown>>
  readonly from: readonly Edge[]
  /** By the name of a table the sources that are read as it. */
  readonly tables?: Readonly<Record<string, readonly string[]>>
  /** Its place in the text's `stages`, which pointers name. */
  readonly index: number
}

/** Data that nobody can change from now on: options are one object for all uses of a stage. */
export function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)) {
    for (const one of Object.values(value)) frozen(one)
    Object.freeze(value)
  }
  return value
}

/** The options that an output may depend on. */
export const seenOptions = ({ stage, options }: Pick<Node, 'stage' | 'options'>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(options).filter(([name]) => !stage.notInKey?.includes(name)))

/** What a stage declares, with the options of a node. */
const given = <T>(declared: Of<TObject, T>, options: Node['options']): T =>
  typeof declared === 'function' ? (declared as (options: Node['options']) => T)(options) : declared

type Used = Pick<Node, 'stage' | 'options'>
const present = <T>(columns: Readonly<Record<string, T | undefined>>): Readonly<Record<string, T>> =>
  Object.fromEntries(Object.entries(columns).filter((entry): entry is [string, T] => entry[1] !== undefined))

/** What becomes of a stage's rows; undefined for sources and sinks. */
export const effectOf = ({ stage, options }: Used): RowEffect | undefined =>
  stage.kind === 'stage' ? given(stage.rows, options) : undefined
/** Whether a stage gives out rows of its own making, and not those that came in. */
export const makesRows = (node: Used): boolean => ['derive', 'pair'].includes(effectOf(node) ?? '')
/** What a stage or a sink needs, by column. */
export const readsOf = ({ stage, options }: Used) =>
  present({
    ...(stage.kind === 'stage' || stage.kind === 'sink' ? given<Reads>(stage.reads, options) : {}),
    ...(stage.kind === 'sink' && options.order_by !== undefined
      ? { [String(options.order_by)]: 'sortable' as const }
      : {}),
    // people look at answers too
    ...(stage.kind === 'sink' && options.for === 'review' ? { rejected: undefined } : {}),
  })
/** What a stage adds, by the names that it gives the columns. */
export const writesOf = ({ stage, options }: Used) =>
  present(stage.kind === 'stage' ? given<Writes>(stage.writes, options) : {})
/** The columns whose values make a group of rows, where a stage looks at groups. */
export const groupedBy = ({ stage, options }: Used): readonly string[] | undefined =>
  stage.kind === 'stage' && stage.by !== undefined ? given(stage.by, options) : undefined
/** An input of an audit. */
export interface Input {
  readonly columns: Readonly<Record<string, ReadType>>
  readonly isOptional: boolean
}
const inputsBy = (declared: Inputs): Readonly<Record<string, Input>> =>
  Object.fromEntries(
    Object.entries(declared).map(([name, columns]) => {
      // a column may be called so too: its type is text
      const inner = columns.optional,
        isOptional = typeof inner === 'object'
      return [name, { columns: present(isOptional ? inner : (columns as Reads)), isOptional }]
    }),
  )
/** The inputs of an audit by name; none of other kinds. */
export const inputsOf = ({ stage, options }: Used): Readonly<Record<string, Input>> =>
  inputsBy(stage.kind === 'audit' ? given<Inputs>(stage.inputs, options) : {})
/** The tables of a stage by name. */
export const tablesOf = ({ stage, options }: Used): Readonly<Record<string, Input>> =>
  inputsBy(stage.kind === 'stage' && stage.tables !== undefined ? given<Inputs>(stage.tables, options) : {})

/** The input of a stage's own tally: the rows that it leaves. */
export const OWN_ROWS = ''
/** The rounds of a tally, which has one: of an input of an audit, or of what a stage leaves. */
export const tallyRounds = ({ stage, options }: Used, input: string): Fit<unknown>['rounds'] =>
  stage.kind === 'audit'
    ? stage.tally(options, input).rounds
    : stage.kind === 'stage'
      ? (stage.tally?.(options)?.rounds ?? [])
      : []
/** What a node tallies, of those inputs of an audit that its graph gives. */
export const talliesOf = (node: Used & Pick<Node, 'from'>): string[] =>
  node.stage.kind === 'audit'
    ? Object.keys(inputsOf(node)).filter(name => node.from.some(({ input }) => input === name))
    : tallyRounds(node, OWN_ROWS).length > 0
      ? [OWN_ROWS]
      : []

/** In which order a sink has its rows, and how many of them. */
export const sinkOrder = ({ options }: Pick<Node, 'options'>) => ({
  limit: options.limit as number | undefined,
  column: options.order_by as string | undefined,
  descending: options.descending === true,
})
/** Whether a node is a sink whose rows are trained on: they are what is kept. */
export const isTraining = ({ stage, options }: Used): boolean => stage.kind === 'sink' && options.for !== 'review'

/** The rounds that a stage is fitted by. */
export const fitRounds = ({ stage, options }: Used): Fit<unknown>['rounds'] =>
  stage.kind === 'stage' ? (stage.fit?.(options)?.rounds ?? []) : []

/** How many of the rounds look at tables: the first ones. */
export const tableRounds = (node: Used): number => fitRounds(node).filter(({ of }) => of !== undefined).length
/** The tables of a node whose rows come along with its groups. */
export const groupTables = (node: Used & Pick<Node, 'tables'>): string[] =>
  groupedBy(node) === undefined
    ? []
    : Object.keys(node.tables ?? {}).filter(name => !fitRounds(node).some(({ of }) => of === name))

export interface Graph {
  readonly name: string
  readonly seed: number
  readonly partitionRows: number
  /** Topological; ties in the order of the text. */
  readonly nodes: readonly Node[]
  /** Sources that are read as tables alone. */
  readonly tables: readonly Node[]
  readonly file?: string
  /** Folder that relative paths of inputs start from: the working directory when the graph was read. */
  readonly base: string
  /** Gives a problem found later its file, line and column, or the --set that it comes from. */
  place(problem: Problem): Problem
}

/** For each node, the sources whose rows can reach it. */
export function sourcesAbove({ nodes }: Pick<Graph, 'nodes'>): Map<string, Set<string>> {
  const above = new Map<string, Set<string>>()
  for (const { id, stage, from } of nodes) {
    above.set(id, new Set(stage.kind === 'source' ? [id] : from.flatMap(({ node }) => [...above.get(node)!])))
  }
  return above
}
