/** The JSON Schema of graphs: the envelope that the parser checks, and the whole of it, stage by stage, for editors. */
import type { AnyKind } from '../contract/define.ts'
import { inputsOf, tablesOf } from './types.ts'

type Schema = Record<string, unknown>

/** What an id looks like; a sink's folder and a stage's columns are named by it. */
export const idPattern = '^[a-z][a-z0-9_]*$'
/** A `use` that is a path, not a registered name. */
export const pathPattern = '^(\\./|\\.\\./|/)'

/** Stages of a graph at most. */
export const MOST_STAGES = 1000

const input = {
  type: 'string',
  minLength: 1,
  description: '<stage id>, or of it a named output: dropped, a reason or a note',
}

const names = [input, { type: 'array', items: input, minItems: 1 }]

const entry = (use: Schema): Schema => ({
  type: 'object',
  additionalProperties: false,
  required: ['id', 'use'],
  properties: {
    id: {
      type: 'string',
      pattern: idPattern,
      maxLength: 64,
      description: 'name of this stage in the graph, snake_case',
    },
    use: { description: 'a registered stage, or the path of your own stage file (./my_stage.ts, .mjs, .js)', ...use },
    with: { type: 'object', description: 'options of the stage' },
    from: {
      anyOf: [
        ...names,
        {
          type: 'object',
          minProperties: 1,
          additionalProperties: { anyOf: names },
          description: 'of an audit: what each of its inputs is',
        },
      ],
      description: 'one input or several; the stage above unless said otherwise. Of an audit by name',
    },
  },
})

const envelope = (items: Schema): Schema => ({
  type: 'object',
  additionalProperties: false,
  required: ['version', 'name', 'stages'],
  properties: {
    $schema: { type: 'string', description: 'for editors; not read' },
    version: { const: 1, description: 'version of the graph format' },
    name: { type: 'string', minLength: 1, maxLength: 100, description: 'name of the graph, for reports' },
    seed: { type: 'integer', minimum: 0, maximum: 0xffff_ffff, default: 17, description: 'seed of everything random' },
    partition_rows: {
      type: 'integer',
      minimum: 1,
      default: 20_000,
      description: 'rows of a file that are worked on as one unit',
    },
    stages: {
      type: 'array',
      minItems: 1,
      maxItems: MOST_STAGES,
      items,
      description: 'stages in the order in which one reads them',
    },
  },
})

/** The envelope alone, without the stages' own options: checked first, so that one mistake gives one error. */
export const envelopeSchema: Schema = envelope(entry({ type: 'string', minLength: 1 }))

/** As a graph may write it: what has a default need not be there. TypeBox's symbols are left behind. */
function written(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(written)
  if (schema === null || typeof schema !== 'object') return schema
  const copy: Schema = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, key === 'default' || key === 'enum' ? value : written(value)]),
  )
  const properties = copy.properties as Record<string, Schema> | undefined
  if (properties && Array.isArray(copy.required)) {
    copy.required = copy.required.filter(key => properties[key as string]?.default === undefined)
    if ((copy.required as string[]).length === 0) delete copy.required
  }
  return copy
}

/** Options of a stage that have no default. */
export const requiredOptions = (stage: AnyKind): string[] =>
  ((written(stage.options) as Schema).required ?? []) as string[]

/** What an audit takes: its options may decide on columns, and not on the names of its inputs. */
function fromOf(stage: AnyKind): Schema {
  const tables = Object.entries(tablesOf({ stage, options: {} }))
  if (stage.kind !== 'audit' && tables.length === 0) return {}
  const inputs =
      stage.kind === 'audit'
        ? Object.entries(inputsOf({ stage, options: {} }))
        : [['rows', { isOptional: false }] as const, ...tables],
    byName = {
      type: 'object',
      additionalProperties: false,
      required: inputs.flatMap(([name, { isOptional }]) => (isOptional ? [] : [name])),
      properties: Object.fromEntries(inputs.map(([name]) => [name, { anyOf: names }])),
    }
  const needed = byName.required.length
  return { from: inputs.length === 1 || (tables.length > 0 && needed === 1) ? { anyOf: [...names, byName] } : byName }
}

/**
 * JSON Schema (draft 2020-12) of a whole graph: an if/then for each registered stage, so that an editor completes its
 * options and complains about those only. Same registry, same text: stages in order of name.
 */
export function graphSchema(registry: ReadonlyMap<string, AnyKind>): Schema {
  const stages = [...registry.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  const node = entry({
    anyOf: [
      ...stages.map(stage => ({ const: stage.name, description: stage.summary })),
      { type: 'string', pattern: pathPattern },
    ],
  })
  const rules = stages.map(stage => ({
    if: { properties: { use: { const: stage.name } }, required: ['use'] },
    then: {
      properties: { with: { $ref: `#/$defs/${stage.name}` }, ...fromOf(stage) },
      ...(requiredOptions(stage).length ? { required: ['with'] } : {}),
    },
  }))
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'urn:sluice:schema:graph:1',
    title: 'Sluice graph',
    ...envelope({ $ref: '#/$defs/Entry' }),
    $defs: {
      Entry: { ...node, ...(rules.length ? { allOf: rules } : {}) },
      ...Object.fromEntries(
        stages.map(stage => [
          stage.name,
          { title: stage.name, description: stage.summary, ...(written(stage.options) as Schema) },
        ]),
      ),
    },
  }
}

/** The text of schemas/graph.schema.json. */
export const schemaText = (registry: ReadonlyMap<string, AnyKind>): string =>
  `${JSON.stringify(graphSchema(registry), null, 2)}\n`
