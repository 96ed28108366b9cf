/** From a graph's text or object to a `Graph`, or to everything that is wrong with it. */
import { dirname, join, resolve } from 'node:path'
import type { AnyKind } from '../contract/define.ts'
import { parseYaml, readYaml, type Place } from './document.ts'
import { lintGraph, type Draft } from './lint.ts'
import { say, sortProblems, step, stepsOf, type Problem } from './messages.ts'
import { MOST_STAGES, pathPattern } from './schema.ts'
import type { Graph, Node } from './types.ts'
import type { Registry } from '../contract/define.ts'
import { loadUserStage, type UserStage } from './user_stage.ts'
import { validateEnvelope, validateOptions } from './validate.ts'

export interface ParseOptions {
  /** Stages that can be named. */
  readonly registry: Registry
  /**
   * `stage.option=value` of the command line, the last one of an option wins; `stage` is an id of the graph, the value
   * YAML.
   */
  readonly overrides?: readonly string[]
  /** Where the user's .ts stages are compiled to; `.sluice/user` in the working directory unless given. */
  readonly userFolder?: string
  /** What 'sluice-data' means in the user's .ts stages; this package unless given. */
  readonly packageUrl?: string
}

/** `graph` is there when no problem is an error. Problems are sorted. */
export interface Parsed {
  readonly graph?: Graph
  readonly problems: readonly Problem[]
}

/**
 * What a graph was written as. `locate` finds a pointer in the text; paths of stages of entry i are relative to
 * `folder(i)`.
 */
export interface Written {
  readonly value: unknown
  readonly file?: string
  readonly problems?: readonly Problem[]
  locate?(pointer: string, atKey: boolean): Place
  folder(index: number): string
}

/**
 * Reads a graph from YAML 1.2 (JSON is YAML). `file` names it in messages; paths of the user's own stages are relative
 * to its folder. Never throws for a bad graph.
 */
export function parseGraph(text: string, file: string, options: ParseOptions): Promise<Parsed> {
  return assembleGraph(writtenText(text, file), options)
}

/**
 * Reads a graph from an object. `base` is the folder that paths of the user's own stages are relative to. Never throws
 * for a bad graph.
 */
export function fromObject(object: unknown, base: string, options: ParseOptions): Promise<Parsed> {
  return assembleGraph({ value: object, folder: () => base }, options)
}

/** A graph's text with its places, before anything is checked. */
export function writtenText(text: string, file: string): Written {
  const { value, problems, locate } = readYaml(text, file)
  const folder = dirname(resolve(file))
  return { value, file, problems, locate, folder: () => folder }
}

class SizeError extends Error {}

type Raw = Record<string, unknown>
const isRaw = (value: unknown): value is Raw => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Values that a graph may hold, in all that it says, and characters of one --set. */
const MOST_VALUES = 200_000,
  MOST_CHARACTERS = 1 << 20

/**
 * A copy that shares nothing: aliases become two objects, keys without a value none. What is not data stays as it is,
 * for the checks to refuse. Throws where there is too much.
 */
function plain(value: unknown, room = { left: MOST_VALUES }): unknown {
  if (room.left-- === 0) {
    throw new SizeError(
      `there are more than ${MOST_VALUES.toLocaleString('en-US')} values; what is longer belongs into a file that a stage reads`,
    )
  }
  if (Array.isArray(value)) return value.map(one => plain(one, room))
  const prototype: unknown = value === null || typeof value !== 'object' ? undefined : Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return value
  return Object.fromEntries(
    Object.entries(value as Raw)
      .filter(([, it]) => it !== undefined)
      .map(([key, it]) => [key, plain(it, room)]),
  )
}

/** Values that only code can hold: no key tells one from another, and no manifest can say them. */
function noData(value: unknown, pointer: string): Problem[] {
  if (value === null || ['string', 'boolean', 'number'].includes(typeof value)) {
    return Number.isNaN(value) ? [say.invalidValue(pointer, value, 'is no number')] : []
  }
  const prototype: unknown = typeof value === 'object' ? Object.getPrototypeOf(value) : undefined
  if (Array.isArray(value) || prototype === Object.prototype || prototype === null) {
    return Object.entries(value as Raw).flatMap(([key, one]) => noData(one, step(pointer, key)))
  }
  const kind = typeof value === 'object' ? (value as object).constructor.name : typeof value
  const data = 'text, numbers, true, false, null, lists and objects of these'
  return [say.invalidValue(pointer, String(value), `a ${kind} is no data; options are ${data}`)]
}

/**
 * Checks the envelope, then each stage's options, then how the stages are linked; collects every problem of all three.
 */
export async function assembleGraph(written: Written, options: ParseOptions): Promise<Parsed> {
  const { overrides = [], userFolder = join('.sluice', 'user') } = options
  const { registry } = options
  const redirects = new Map<string, number>()
  const place = placer(written, overrides, redirects)
  if (written.problems?.length) return { problems: sortProblems(written.problems) }

  let value: Raw
  try {
    value = plain(written.value) as Raw
  } catch (error) {
    if (error instanceof SizeError) return { problems: [place(say.invalidValue('', undefined, error.message))] }
    return { problems: [place(say.invalidValue('', undefined, 'something holds itself, or is nested without end'))] }
  }
  const problems = validateEnvelope(value)
  const entries = isRaw(value) && Array.isArray(value.stages) ? (value.stages as unknown[]) : []
  // each is loaded, linked and held against all others
  if (entries.length > MOST_STAGES) return { problems: sortProblems(problems.map(place)) }
  const stages = (await Promise.all(
    entries.map(async (entry, index) => {
      if (!isRaw(entry) || typeof entry.use !== 'string' || entry.use === '') return {}
      const { use } = entry
      if (!new RegExp(pathPattern).test(use)) {
        const stage = await registry.get(use)?.()
        if (!stage) problems.push(say.unknownStage(`/stages/${index}/use`, use, [...registry.keys()].sort()))
        return { stage }
      }
      try {
        return await loadUserStage(resolve(written.folder(index), use), {
          folder: userFolder,
          packageUrl: options.packageUrl,
        })
      } catch (error) {
        problems.push(say.badModule(`/stages/${index}/use`, use, (error as Error).message.split('\n')[0]))
        return {}
      }
    }),
  )) as Partial<UserStage>[]

  const withs = entries.map(entry =>
    !isRaw(entry) ? undefined : entry.with === undefined ? {} : isRaw(entry.with) ? entry.with : undefined,
  )
  problems.push(
    ...applyOverrides(
      overrides,
      entries,
      stages.map(it => it.stage),
      withs,
      redirects,
    ),
  )
  stages.forEach(({ stage, own }, i) => {
    if (!stage || !withs[i]) return
    try {
      const found = validateOptions(stage, withs[i], `/stages/${i}/with`, own !== undefined)
      problems.push(...(found.length > 0 ? found : noData(withs[i], `/stages/${i}/with`)))
    } catch (error) {
      problems.push(
        say.badModule(
          `/stages/${i}/use`,
          (entries[i] as Raw).use as string,
          `its options are no JSON Schema: ${(error as Error).message}`,
        ),
      )
    }
  })
  const drafts = entries.map((entry, index): Draft => {
    const { id, from } = (isRaw(entry) ? entry : {}) as { id?: unknown; from?: unknown }
    const isList =
      (typeof from === 'string' && from !== '') ||
      (Array.isArray(from) && from.length > 0 && from.every(it => typeof it === 'string'))
    return {
      index,
      stage: stages[index].stage,
      options: withs[index] ?? {},
      ...(typeof id === 'string' && id !== '' ? { id } : {}),
      ...(isList ? { from: from as string | string[] } : from === undefined ? {} : { from: [], brokenFrom: true }),
    }
  })
  const { problems: links, edges, order } = lintGraph(drafts)
  problems.push(...links)

  const placed = sortProblems(
    problems.map(it =>
      place(
        keyAsOption(
          it,
          stages.map(stage => stage.stage),
        ),
      ),
    ),
  )
  if (placed.some(it => it.level === 'error')) return { problems: placed }
  const nodes = order.map((i): Node => {
    const { id, use } = entries[i] as { id: string; use: string }
    const { stage, own } = stages[i]
    return { id, use, stage: stage!, ...(own ? { own } : {}), options: withs[i]!, from: edges[i], index: i }
  })
  const { name, seed, partition_rows: partitionRows } = value as { name: string; seed: number; partition_rows: number }
  return {
    graph: {
      name,
      seed,
      partitionRows,
      nodes,
      ...(written.file ? { file: written.file } : {}),
      base: process.cwd(),
      place,
    },
    problems: placed,
  }
}

/** Gives problems their place: in the text, or at the --set that an option came from. */
function placer(
  written: Written,
  overrides: readonly string[],
  redirects: ReadonlyMap<string, number>,
): (problem: Problem) => Problem {
  return problem => {
    const [, index, , option] = stepsOf(problem.pointer)
    const override = problem.pointer.startsWith('/--set/')
      ? Number(index)
      : redirects.get(step(`/stages/${index}/with`, option ?? ''))
    if (override !== undefined) {
      return { ...problem, pointer: `/--set/${override}`, file: `--set ${overrides[override]}` }
    }
    if (!written.locate) return written.file ? { ...problem, file: written.file } : problem
    return {
      ...problem,
      ...written.locate(problem.pointer, problem.code === 'unknown_key' || problem.code === 'unknown_option'),
    }
  }
}

/** An unknown key of a stage's entry that is one of its options has only slipped out of `with`. */
function keyAsOption(problem: Problem, stages: readonly (AnyKind | undefined)[]): Problem {
  if (problem.code !== 'unknown_key') return problem
  const [list, index, key, ...deeper] = stepsOf(problem.pointer)
  const isOption =
    list === 'stages' && deeper.length === 0 && Object.hasOwn(stages[Number(index)]?.options.properties ?? {}, key)
  return isOption ? say.keyIsOption(problem.pointer, key) : problem
}

/** Writes each --set into its stage's options; `redirects` remembers by pointer which one an option came from. */
function* applyOverrides(
  overrides: readonly string[],
  entries: readonly unknown[],
  stages: readonly (AnyKind | undefined)[],
  withs: readonly (Raw | undefined)[],
  redirects: Map<string, number>,
): Iterable<Problem> {
  const ids = entries.flatMap(entry => (isRaw(entry) && typeof entry.id === 'string' ? [entry.id] : []))
  for (const [n, text] of overrides.entries()) {
    const at = `/--set/${n}`
    const [, id, option, value] = /^([^.=]+)\.([^=]+)=(.*)$/s.exec(text) ?? []
    if (id === undefined) {
      yield say.badOverride(at, text, 'not an override')
      continue
    }
    const i = entries.findIndex(entry => isRaw(entry) && entry.id === id)
    if (i < 0) {
      yield say.unknownOverride(at, id, ids)
      continue
    }
    const stage = stages[i],
      target = withs[i]
    if (!stage || !target) continue
    const properties = stage.options.properties as Record<string, Raw>
    if (!Object.hasOwn(properties, option)) {
      yield say.unknownOption(at, stage.name, option, Object.keys(properties))
      continue
    }
    const read = readScalar(value)
    const isText = properties[option].type === 'string'
    if (read.why !== undefined && !isText) {
      yield say.badOverride(at, text, `not a YAML value: ${read.why}`)
      continue
    }
    // a text option takes what was typed, also when YAML would read a number, a boolean or a `*` there
    try {
      target[option] = isText && typeof read.value !== 'string' ? value : plain(read.value)
    } catch (error) {
      yield say.badOverride(at, text, (error as Error).message)
      continue
    }
    redirects.set(step(`/stages/${i}/with`, option), n)
  }
}

function readScalar(text: string): { value?: unknown; why?: string } {
  // a list of plain values is JSON as often as not, and may be long: the library for YAML takes seconds for it
  if (text.startsWith('[')) {
    try {
      const list = JSON.parse(text) as unknown[]
      if (list.every(one => typeof one !== 'object')) return { value: list }
    } catch {
      /* YAML */
    }
  }
  if (text.length > MOST_CHARACTERS) {
    return {
      why: `it has ${text.length.toLocaleString('en-US')} characters, and ${MOST_CHARACTERS.toLocaleString('en-US')} are the most`,
    }
  }
  const read = parseYaml(text)
  if (typeof read === 'string') return { why: read }
  const { document, errors, twice } = read
  if (errors.length > 0) return { why: errors[0].message }
  if (twice.length > 0) return { why: say.duplicateKey().message }
  try {
    return { value: document.toJS() as unknown }
  } catch (error) {
    return { why: (error as Error).message }
  }
}
