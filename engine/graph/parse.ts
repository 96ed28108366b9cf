/** From a graph's text or object to a `Graph`, or to everything that is wrong with it. */
import { dirname, join, resolve } from 'node:path'
import type { AnyKind } from '../contract/define.ts'
import { IoError } from '../errors.ts'
import { lostOf, MOST_VALUES, parseYaml, readYaml, TOO_MANY, whyNoValue, type Place } from './document.ts'
import type { Draft } from './draft.ts'
import { lintGraph } from './lint.ts'
import { say, sortProblems, step, stepsOf, type Problem, type ProblemCode } from './messages.ts'
import { MOST_STAGES, pathPattern } from './schema.ts'
import { frozen, type Graph, type Node } from './types.ts'
import type { Registry } from '../contract/define.ts'
import { loadUserStage, type UserStage } from './user_stage.ts'
import { validateEnvelope, validateOptions } from './validate.ts'

export interface ParseOptions {
  /** Stages that can be named. */
  readonly registry: Registry
  /**
   * `stage.option=value` of the command line, the last one of an option wins; `stage` is an id of the graph, the value
   * YAML, but of an option that takes text alone the text itself.
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
  /** Ids of stages that nobody wrote: they stand there by themselves. */
  readonly added?: ReadonlySet<string>
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

/** Characters of one --set. */
const MOST_CHARACTERS = 1 << 20

/**
 * A copy that shares nothing: aliases become two objects, keys without a value none. What is not data stays as it is,
 * for the checks to refuse. Throws where there is too much.
 */
function plain(value: unknown, room = { left: MOST_VALUES }): unknown {
  if (room.left-- === 0) throw new SizeError(TOO_MANY)
  if (Array.isArray(value)) return value.map(one => plain(one, room))
  if (!isData(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, it]) => it !== undefined)
      .map(([key, it]) => [key, plain(it, room)]),
  )
}

/** A list, or an object that is no more than its keys. */
function isData(value: unknown): value is Raw {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return Array.isArray(value) || prototype === Object.prototype || prototype === null
}

/** Values that only code can hold: no key tells one from another, and no manifest can say them. */
function noData(value: unknown, pointer: string): Problem[] {
  if (value === null || ['string', 'boolean', 'number'].includes(typeof value)) return unheld(value, pointer)
  if (isData(value)) return Object.entries(value).flatMap(([key, one]) => noData(one, step(pointer, key)))
  const kind = typeof value === 'object' ? value.constructor.name : typeof value
  const data = 'text, numbers, true, false, null, lists and objects of these'
  return [say.invalidValue(pointer, String(value), `a ${kind} is no data; options are ${data}`)]
}

/** Numbers that are not those that were written, or that no key and no manifest can hold. */
function unheld(value: unknown, pointer: string): Problem[] {
  if (isData(value)) return Object.entries(value).flatMap(([key, one]) => unheld(one, step(pointer, key)))
  if (typeof value === 'number' && !Number.isFinite(value)) return [say.endlessNumber(pointer, value)]
  // code has rounded it already: what has all digits that a number can have was rarely meant so, as 1e20 was
  const isRounded =
    typeof value === 'bigint'
      ? !Number.isSafeInteger(Number(value))
      : Number.isInteger(value) && !Number.isSafeInteger(value) && /\d{16}/.test(String(value).replace(/0+$/, ''))
  return isRounded ? [say.roundedNumber(pointer, value)] : []
}

/** What the schema has against a number that cannot be held is another word for the same. */
const ABOUT_VALUES = new Set<ProblemCode>(['wrong_type', 'out_of_range', 'not_one_of', 'invalid_value'])

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
        // of a full disk the graph is not to blame
        if (error instanceof IoError) throw error
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
  const numbers = [value, ...withs].flatMap((it, i) => unheld(it, i === 0 ? '' : `/stages/${i - 1}/with`)),
    told = new Set(numbers.map(it => it.pointer)),
    others = problems.filter(it => !told.has(it.pointer) || !ABOUT_VALUES.has(it.code))
  const drafts = entries.map((entry, index): Draft => {
    const { id, from } = (isRaw(entry) ? entry : {}) as { id?: unknown; from?: unknown }
    const isList = isNames(from) || (isRaw(from) && Object.keys(from).length > 0 && Object.values(from).every(isNames))
    return {
      index,
      stage: stages[index].stage,
      options: withs[index] ?? {},
      isAdded: typeof id === 'string' && written.added?.has(id) === true,
      ...(typeof id === 'string' && id !== '' ? { id } : {}),
      ...(isList ? { from: from as Draft['from'] } : from === undefined ? {} : { from: [], brokenFrom: true }),
    }
  })
  const { problems: links, edges, tables, order } = lintGraph(drafts)

  const placed = sortProblems(
    [...others, ...numbers, ...links].map(it =>
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
    const more = { ...(own ? { own } : {}), ...(Object.keys(tables[i]).length > 0 ? { tables: tables[i] } : {}) }
    return { id, use, stage: stage!, ...more, options: frozen(withs[i]!), from: edges[i], index: i }
  })
  const readAsTable = new Set(tables.flatMap(of => Object.values(of).flat()))
  const { name, seed, partition_rows: partitionRows } = value as { name: string; seed: number; partition_rows: number }
  return {
    graph: {
      name,
      seed,
      partitionRows,
      nodes: nodes.filter(({ id }) => !readAsTable.has(id)),
      tables: nodes.filter(({ id }) => readAsTable.has(id)),
      ...(written.file ? { file: written.file } : {}),
      base: process.cwd(),
      place,
    },
    problems: placed,
  }
}

/** The name of an input, or a list of names. */
const isNames = (from: unknown): boolean =>
  (typeof from === 'string' && from !== '') ||
  (Array.isArray(from) && from.length > 0 && from.every(it => typeof it === 'string'))

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
      const gone = stage.replaces?.find(old => old.option === option && old.value === undefined)
      yield gone
        ? say.replacedOption(at, stage.name, option, gone.by)
        : say.unknownOption(at, stage.name, option, Object.keys(properties))
      continue
    }
    // what was typed: YAML would cut a text at ` #`, and read a number, a boolean or a `!` there
    if (isText(properties[option])) {
      target[option] = value
    } else {
      const read = readScalar(value)
      if (read.why !== undefined) {
        yield say.badOverride(at, text, read.why)
        continue
      }
      try {
        target[option] = plain(read.value)
      } catch (error) {
        yield say.badOverride(at, text, (error as Error).message)
        continue
      }
    }
    redirects.set(step(`/stages/${i}/with`, option), n)
  }
}

/** Whether a schema takes text alone. */
function isText(schema: Raw): boolean {
  const { type, enum: choices, anyOf, oneOf } = schema
  const branches = (anyOf ?? oneOf) as Raw[] | undefined
  if (Array.isArray(choices)) return choices.every(one => typeof one === 'string')
  return type === 'string' || typeof schema.const === 'string' || (branches?.every(isText) ?? false)
}

function readScalar(text: string): { value?: unknown; why?: string } {
  // a list of plain values is JSON as often as not, and may be long: the library for YAML takes seconds for it
  if (text.startsWith('[')) {
    try {
      const list = JSON.parse(text) as unknown[]
      // of numbers that JSON rounds, YAML keeps the digits, for the message
      if (list.every(one => typeof one !== 'object' && !unheld(one, '').length)) return { value: list }
    } catch {
      /* YAML */
    }
  }
  if (text.length > MOST_CHARACTERS) {
    const [has, most] = [text.length, MOST_CHARACTERS].map(count => count.toLocaleString('en-US'))
    return { why: `not a YAML value: it has ${has} characters, and ${most} are the most` }
  }
  const read = parseYaml(text)
  if (typeof read === 'string') return { why: `not a YAML value: ${read}` }
  const { document, errors, twice } = read
  const fault = errors[0] ?? twice[0]
  if (fault) return { why: `not a YAML value: ${fault.message || say.duplicateKey().message}` }
  const lost = lostOf(document, text)
  if (lost) return { why: `${lost}: a text that means it stands in quotes of its own ("…")` }
  try {
    return { value: document.toJS({ maxAliasCount: -1 }) as unknown }
  } catch (error) {
    return { why: `not a YAML value: ${whyNoValue(error)}` }
  }
}
