/** Which stages each stage of a list takes rows and tables of, and what is wrong with the names of these. */
import type { AnyKind, RowEffect } from '../contract/define.ts'
import { effectIn, isByName, type Draft } from './draft.ts'
import { say, step, type Problem } from './messages.ts'
import { inputsOf, tablesOf, type Edge, type Input } from './types.ts'

/**
 * Named outputs: the dropped rows of a stage that drops any with these options, all together and by reason; and copies
 * of the rows that it notes something of.
 */
export const portsOf = (stage: AnyKind, effect?: RowEffect): string[] =>
  stage.kind !== 'stage'
    ? []
    : [
        ...(['subset', 'pair', 'cluster'].includes(String(effect)) && Object.keys(stage.reasons).length > 0
          ? ['dropped', ...Object.keys(stage.reasons)]
          : []),
        ...Object.keys(stage.notes),
      ]

/** The tables of a stage; not known where its options are wrong. */
function tablesIn({ stage, options }: Draft): Readonly<Record<string, Input>> | undefined {
  try {
    return stage && tablesOf({ stage, options })
  } catch {
    return undefined
  }
}

/** The inputs of an audit; not known where its options are wrong. */
export function inputsIn({ stage, options }: Draft): Readonly<Record<string, Input>> | undefined {
  try {
    return stage?.kind === 'audit' ? inputsOf({ stage, options }) : undefined
  } catch {
    return undefined
  }
}

export const pointerOf = (draft: Draft): string => `/stages/${draft.index}`

export interface Linked {
  readonly edges: Edge[]
  readonly tables?: Record<string, string[]>
  readonly problems: Problem[]
}

/** What rows can be taken of: sinks and audits have no output. */
export const gives = (draft: Draft): boolean => draft.stage?.kind !== 'sink' && draft.stage?.kind !== 'audit'

/** The inputs of an audit by their names; one that has a single input may do without the name. */
function linkAudit(draft: Draft, drafts: readonly Draft[], byId: ReadonlyMap<string, number>): Linked {
  const inputs = inputsIn(draft),
    { from, brokenFrom, stage } = draft,
    id = draft.id ?? stage!.name,
    at = `${pointerOf(draft)}/from`
  if (!inputs || brokenFrom) return { edges: [], problems: [] }
  const names = Object.keys(inputs),
    required = names.filter(name => !inputs[name].isOptional)
  if (!isByName(from)) {
    if (names.length !== 1) {
      const where = from === undefined ? pointerOf(draft) : at
      return { edges: [], problems: [say.needsInputs(where, id, names, required)] }
    }
    const { edges, problems } = linkOne(draft, from, drafts, byId)
    return { edges: edges.map(edge => ({ ...edge, input: names[0] })), problems }
  }
  const given = Object.entries(from).map(([input, some]): Linked => {
    if (!names.includes(input)) {
      return { edges: [], problems: [say.unknownAuditInput(step(at, input), id, input, names)] }
    }
    const { edges, problems } = linkNames(draft, some, step(at, input), drafts, byId)
    return { edges: edges.map(edge => ({ ...edge, input })), problems }
  })
  return {
    edges: given.flatMap(({ edges }) => edges),
    problems: [
      ...given.flatMap(({ problems }) => problems),
      ...required.filter(name => !Object.hasOwn(from, name)).map(name => say.missingInput(at, id, name, names)),
    ],
  }
}

export function link(draft: Draft, drafts: readonly Draft[], byId: ReadonlyMap<string, number>): Linked {
  const { stage, from } = draft
  const at = `${pointerOf(draft)}/from`
  if (stage?.kind === 'audit') return linkAudit(draft, drafts, byId)
  if (stage?.kind === 'source') {
    return { edges: [], problems: from === undefined ? [] : [say.sourceWithFrom(at, draft.id ?? stage.name)] }
  }
  const tables = tablesIn(draft) ?? {}
  if (Object.keys(tables).length > 0) return linkTables(draft, tables, drafts, byId)
  if (!isByName(from)) return linkOne(draft, from, drafts, byId)
  // of a stage that is not known nothing is known of its inputs
  return { edges: [], problems: stage ? [say.oneInput(at, draft.id ?? stage.name)] : [] }
}

/** The rows of a stage and its tables, by name; where no table is needed the rows alone will do. */
function linkTables(
  draft: Draft,
  tables: Readonly<Record<string, Input>>,
  drafts: readonly Draft[],
  byId: ReadonlyMap<string, number>,
): Linked {
  const { from, stage } = draft,
    id = draft.id ?? stage!.name,
    at = `${pointerOf(draft)}/from`,
    names = ['rows', ...Object.keys(tables)],
    required = names.filter(name => name === 'rows' || !tables[name].isOptional)
  if (!isByName(from)) {
    if (required.length === 1) return linkOne(draft, from, drafts, byId)
    return { edges: [], problems: [say.needsTables(from === undefined ? pointerOf(draft) : at, id, required, names)] }
  }
  const { rows, ...others } = from,
    own = rows === undefined ? undefined : linkNames(draft, rows, step(at, 'rows'), drafts, byId),
    found: Record<string, string[]> = {},
    problems = [...(own?.problems ?? [])]
  for (const [name, some] of Object.entries(others)) {
    const pointer = step(at, name)
    if (!Object.hasOwn(tables, name)) {
      problems.push(say.unknownAuditInput(pointer, id, name, names))
      continue
    }
    const linked = linkNames(draft, some, pointer, drafts, byId)
    problems.push(...linked.problems)
    for (const { node, port } of linked.edges) {
      const isSource = drafts[byId.get(node)!].stage?.kind === 'source'
      if (!isSource || port !== undefined) problems.push(say.tableIsSource(pointer, id, name, node))
      else found[name] = [...(found[name] ?? []), node]
    }
  }
  problems.push(
    ...required.filter(name => !Object.hasOwn(from, name)).map(name => say.missingInput(at, id, name, names)),
  )
  return { edges: own?.edges ?? [], tables: found, problems }
}

/** The only input of a stage: what it names, or the stage above. */
function linkOne(
  draft: Draft,
  from: string | readonly string[] | undefined,
  drafts: readonly Draft[],
  byId: ReadonlyMap<string, number>,
): Linked {
  if (from !== undefined) return linkNames(draft, from, `${pointerOf(draft)}/from`, drafts, byId)
  const { stage } = draft,
    // an audit in between takes nothing away
    above = drafts.slice(0, draft.index).findLast(it => it.stage?.kind !== 'audit')
  if (!stage || (above && above.id === undefined)) return { edges: [], problems: [] }
  // without any source, that is the one thing to say
  const anySource = drafts.some(it => it.stage?.kind === 'source' || !it.stage)
  if (!above) {
    return { edges: [], problems: anySource ? [say.unreachable(pointerOf(draft), draft.id ?? stage.name)] : [] }
  }
  if (above.stage?.kind === 'sink') {
    const ids = idsFor(draft, drafts, byId)
    return { edges: [], problems: [say.needsFrom(pointerOf(draft), draft.id ?? stage.name, above.id!, ids)] }
  }
  return { edges: [{ node: above.id! }], problems: [] }
}

/** What a stage can take rows of. */
const idsFor = (draft: Draft, drafts: readonly Draft[], byId: ReadonlyMap<string, number>): string[] =>
  [...byId].flatMap(([id, i]) => (gives(drafts[i]) && id !== draft.id ? [id] : []))

/** One input, or several as one: `at` is where it is named. */
function linkNames(
  draft: Draft,
  from: string | readonly string[],
  at: string,
  drafts: readonly Draft[],
  byId: ReadonlyMap<string, number>,
): Linked {
  const ids = idsFor(draft, drafts, byId)
  const edges: Edge[] = [],
    problems: Problem[] = []
  const inputs = typeof from === 'string' ? [from] : from
  inputs.forEach((input, i) => {
    const pointer = typeof from === 'string' ? at : `${at}/${i}`
    const dot = input.indexOf('.')
    const node = dot < 0 ? input : input.slice(0, dot)
    const port = dot < 0 ? undefined : input.slice(dot + 1)
    const found = byId.get(node)
    const upstream = found === undefined ? undefined : drafts[found].stage
    const ports = upstream ? portsOf(upstream, effectIn(drafts[found!])) : []
    if (inputs.indexOf(input) < i) problems.push(say.duplicateInput(pointer, input))
    else if (found === undefined) problems.push(say.unknownInput(pointer, input, ids))
    else if (upstream?.kind === 'sink') problems.push(say.sinkAsInput(pointer, input, ids))
    else if (upstream?.kind === 'audit') problems.push(say.auditAsInput(pointer, input, ids))
    else if (upstream && port !== undefined && !ports.includes(port)) {
      const isOfOthers = upstream.kind === 'stage' && ['dropped', ...Object.keys(upstream.reasons)].includes(port)
      problems.push(
        isOfOthers && effectIn(drafts[found]) !== 'derive' && Object.keys(upstream.reasons).length > 0
          ? say.dropsNothing(pointer, input, node)
          : say.unknownPort(pointer, input, node, ports),
      )
    } else edges.push(port === undefined ? { node } : { node, port })
  })
  return { edges, problems }
}
