/** A registry for tests: one stage of each kind, none of which runs. */
import { choice, defineSink, defineSource, defineStage, Type, type AnyKind } from '../../engine/contract/define.ts'
import type { Registry } from '../../engine/contract/define.ts'

const never = (): never => {
  throw new Error('not run in tests')
}

const readFiles = defineSource({
  name: 'read_files',
  version: 1,
  summary: 'Reads.',
  extensions: [],
  options: Type.Object({}),
  open: never,
  read: never,
})
const checkPairs = defineStage({
  name: 'check_pairs',
  version: 1,
  summary: 'Checks.',
  options: Type.Object({}),
  reads: { chosen: 'messages' },
  writes: {},
  rows: 'subset',
  examples: [],
  reasons: { blank: { kind: 'broken', about: 'x' }, same_sides: { kind: 'broken', about: 'x' } },
})
const detectNoise = defineStage({
  name: 'detect_noise',
  version: 1,
  summary: 'Scores.',
  rows: 'same',
  examples: [],
  reasons: {},
  options: Type.Object({
    folds: Type.Integer({ minimum: 2, maximum: 20, default: 5, description: 'parts' }),
    method: choice(['linear', 'votes'], { default: 'linear', description: 'how' }),
    label: Type.String({ default: '', description: 'text' }),
    weights: Type.Array(Type.Number({ minimum: 0 }), { default: [1, 1], maxItems: 3, description: 'weights' }),
  }),
  reads: { chosen: 'messages', rejected: 'messages' },
  writes: { margin: 'float64', flag: 'bool', votes: 'int32', why: 'text', source: 'messages' },
})
const dropBelow = defineStage({
  name: 'drop_below',
  version: 1,
  summary: 'Drops.',
  rows: 'subset',
  examples: [],
  reasons: { low: { kind: 'configured', about: 'x', limit: 'min_value' } },
  options: Type.Object({
    column: Type.String({ description: 'which' }),
    min_value: Type.Number({ default: 0, description: 'limit' }),
    also: Type.Union([Type.String({ minLength: 1 }), Type.Array(Type.String(), { minItems: 1 })], {
      default: 'id',
      description: 'x',
    }),
  }),
  reads: options => ({ [options.column]: 'number' }),
  writes: {},
})
const injectErrors = defineStage({
  name: 'inject_errors',
  version: 1,
  summary: 'Derives.',
  rows: 'derive',
  examples: [],
  reasons: { no_number: { kind: 'quality', about: 'x' } },
  options: Type.Object({}),
  reads: { chosen: 'messages' },
  writes: { kind: 'text' },
})
const writeFiles = defineSink({
  name: 'write_files',
  version: 1,
  summary: 'Writes.',
  reads: { id: 'text' },
  options: Type.Object({ path: Type.Optional(Type.String({ description: 'where' })) }),
  schema: never,
  convert: never,
  publish: never,
})

export const registry: ReadonlyMap<string, AnyKind> = new Map(
  ([readFiles, checkPairs, detectNoise, dropBelow, injectErrors, writeFiles] as AnyKind[]).map(stage => [
    stage.name,
    stage,
  ]),
)

/** The same as graphs load them. */
export const loaders: Registry = new Map([...registry].map(([name, stage]) => [name, () => Promise.resolve(stage)]))
