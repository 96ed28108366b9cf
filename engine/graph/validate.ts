/** ajv's answers in the voice of messages.ts. */
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js'
import type { AnyKind, Replaced } from '../contract/define.ts'
import { say, step, stepsOf, type Problem } from './messages.ts'
import { envelopeSchema, idPattern } from './schema.ts'

type Schema = Record<string, unknown>

/** Errors of one validation that are looked at: of a long list that is wrong in each place the first say it. */
const MOST_ERRORS = 500

const settings = {
  allErrors: true,
  verbose: true,
  useDefaults: true,
  strict: false,
  validateFormats: false,
  logger: false as const,
  // compiled once for a few values: what makes the code short takes longer than it saves
  code: { optimize: false },
}
// test/stages/examples.test.ts holds our stages' schemas against JSON Schema; those of users' stages are held here
const ajv = new Ajv2020({ ...settings, meta: false, validateSchema: false })
let ajvOfUsers: Ajv2020 | undefined
const checkEnvelope = ajv.compile(envelopeSchema)

/** What a schema accepts, in a few words. */
function describe(schema: Schema): string {
  if (schema.const !== undefined) return String(schema.const)
  if (Array.isArray(schema.enum)) return schema.enum.join(', ')
  const alternatives = (schema.anyOf ?? schema.oneOf) as Schema[] | undefined
  if (alternatives) return alternatives.map(describe).join(' or ')
  if (schema.type === 'array') return schema.items ? `list of ${describe(schema.items as Schema)}` : 'list'
  return Array.isArray(schema.type) ? schema.type.join(' or ') : String(schema.type ?? 'another value')
}

const patterns: Readonly<Record<string, string>> = { [idPattern]: 'snake_case that begins with a letter (a-z, 0-9, _)' }

/** Names that the message needs: who has the keys, and which keys there are at the top. */
interface Subject {
  readonly pointer: string
  readonly stage?: string
  readonly replaces?: readonly Replaced[]
}

/** The option that a pointer from the options on names. */
const optionAt = (path: string): string => stepsOf(path)[0]

function translate(error: ErrorObject, { pointer, stage, replaces = [] }: Subject): Problem | undefined {
  const at = pointer + error.instancePath
  const { data: value, params } = error
  const schema = error.parentSchema as Schema
  const top = stage !== undefined && error.instancePath === ''
  switch (error.keyword) {
    case 'additionalProperties':
    case 'unevaluatedProperties': {
      const key = (params.additionalProperty ?? params.unevaluatedProperty) as string
      const keys = Object.keys(schema.properties ?? {}),
        gone = replaces.find(({ option, value }) => top && option === key && value === undefined)
      if (gone) return say.replacedOption(step(at, key), stage!, key, gone.by)
      return top ? say.unknownOption(step(at, key), stage, key, keys) : say.unknownKey(step(at, key), key, keys)
    }
    case 'required':
      return top ? say.missingOption(at, stage, params.missingProperty) : say.missingKey(at, params.missingProperty)
    case 'type':
      return say.wrongType(at, value, describe(schema))
    case 'enum': {
      const gone = replaces.find(old => old.value === value && old.option === optionAt(error.instancePath))
      return gone ? say.replacedValue(at, gone.value!, gone.by) : say.notOneOf(at, value, params.allowedValues)
    }
    case 'const':
      return say.notOneOf(at, value, [params.allowedValue])
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      return say.outOfRange(at, value, `${params.comparison} ${params.limit}`)
    case 'multipleOf':
      return say.outOfRange(at, value, `a multiple of ${params.multipleOf}`)
    case 'minLength':
      return say.outOfRange(at, value, `at least ${params.limit} characters`)
    case 'maxLength':
      return say.outOfRange(at, value, `at most ${params.limit} characters`)
    case 'minItems':
      return say.outOfRange(at, value, `at least ${params.limit} items`)
    case 'maxItems':
      return say.outOfRange(at, value, `at most ${params.limit} items`)
    case 'pattern':
      return say.badPattern(at, value, patterns[params.pattern] ?? `something that matches ${params.pattern}`)
    case 'anyOf':
    case 'oneOf': {
      const branches = error.schema as Schema[]
      return branches.every(branch => branch.const !== undefined)
        ? say.notOneOf(
            at,
            value,
            branches.map(branch => branch.const),
          )
        : say.wrongType(at, value, describe(schema))
    }
    case 'if':
      return undefined
    default:
      return say.invalidValue(at, value, error.message ?? error.keyword)
  }
}

/**
 * Problems of one validation. Of a value with alternatives, only that none fits: or what is wrong inside the one whose
 * type does.
 */
function translateAll(all: readonly ErrorObject[], subject: Subject): Problem[] {
  const errors = all.slice(0, MOST_ERRORS)
  const choices = errors.filter(error => error.keyword === 'anyOf' || error.keyword === 'oneOf')
  const isBranch = (error: ErrorObject) =>
    choices.some(choice => error !== choice && error.schemaPath.startsWith(`${choice.schemaPath}/`))
  const deeper = new Set<ErrorObject>()
  const kept = errors
    .filter(error => !isBranch(error))
    .flatMap(error => {
      if (!choices.includes(error)) return [error]
      // the branch whose type is right says more than "none of these"
      const inside = errors.filter(other => other !== error && other.schemaPath.startsWith(`${error.schemaPath}/`))
      const branchOf = (other: ErrorObject) => other.schemaPath.slice(error.schemaPath.length + 1).split('/')[0]
      const mistyped = new Set(
        inside
          .filter(
            other => other.instancePath === error.instancePath && ['type', 'const', 'enum'].includes(other.keyword),
          )
          .map(branchOf),
      )
      const fitting = inside.filter(
        other =>
          !mistyped.has(branchOf(other)) && !['anyOf', 'oneOf', 'if'].includes(other.keyword) && !deeper.has(other),
      )
      for (const other of fitting) deeper.add(other)
      return fitting.length ? fitting : [error]
    })
  return kept.flatMap(error => translate(error, subject) ?? [])
}

/** Problems of a graph's envelope. Fills the defaults of `value` in place. */
export function validateEnvelope(value: unknown): Problem[] {
  return checkEnvelope(value) ? [] : translateAll(checkEnvelope.errors ?? [], { pointer: '' })
}

/**
 * Problems of a stage's options. Fills the defaults of `value` in place; `pointer` is where the options stand in the
 * graph. Of a user's stage (`isUsers`) the schema is checked, too: throws when it is no JSON Schema.
 */
export function validateOptions(stage: AnyKind, value: unknown, pointer: string, isUsers = false): Problem[] {
  const check = (isUsers ? (ajvOfUsers ??= new Ajv2020(settings)) : ajv).compile(stage.options)
  return check(value) ? [] : translateAll(check.errors ?? [], { pointer, stage: stage.name, replaces: stage.replaces })
}
