/** Mappings of well-known public sets, a file each in data/presets: the columns that it is known by, and its map. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DataType, type Schema } from 'apache-arrow'
import { parse } from 'yaml'
import { EXIT, SluiceError } from '../errors.ts'
import { nearest } from '../graph/messages.ts'
import { packageRoot } from '../root.ts'
import { typeForm } from '../source/forms.ts'
import type { MapSpec } from './spec.ts'

/** What a column of a fingerprint may be. */
const kinds = {
  text: (type: DataType) => DataType.isUtf8(type),
  number: (type: DataType) => DataType.isInt(type) || DataType.isFloat(type),
  bool: (type: DataType) => DataType.isBool(type),
  messages: (type: DataType) => typeForm(type) === 'messages',
  list: (type: DataType) => DataType.isList(type),
  object: (type: DataType) => DataType.isStruct(type),
} as const

export interface Preset {
  readonly name: string
  /** Which set it is. */
  readonly about: string
  /** Its fingerprint: columns that must be there, and what they hold. */
  readonly columns: Readonly<Record<string, keyof typeof kinds>>
  readonly map: MapSpec
  /** What to know of the set: ties, known faults. */
  readonly notes: string
  /** Made-up rows that are its test: the better answer of each says so. */
  readonly rows: readonly Readonly<Record<string, unknown>>[]
  /** How many pairs and how many ties these rows are. */
  readonly pairs: number
  readonly ties: number
}

const folder = join(packageRoot, 'data', 'presets')
let all: readonly Preset[] | undefined

/** All presets, by name. Read at the first call: most runs need none. */
export const presets = (): readonly Preset[] =>
  (all ??= readdirSync(folder)
    .filter(name => name.endsWith('.yaml'))
    .sort()
    .map(name => ({
      name: name.slice(0, -5),
      ...(parse(readFileSync(join(folder, name), 'utf8')) as Omit<Preset, 'name'>),
    })))

/** The preset of this name; throws with the nearest where there is none. */
export function presetNamed(name: string): Preset {
  const all = presets(),
    found = all.find(preset => preset.name === name)
  if (found) return found
  const names = all.map(preset => preset.name),
    near = nearest(name, names)
  throw new SluiceError(
    `map: there is no file and no preset '${name}'${near === undefined ? '' : ` (did you mean '${near}'?)`}; presets are ${names.join(', ')}`,
    EXIT.usage,
  )
}

/** The presets whose columns a file has. */
export const fittingPresets = (schema: Schema): readonly Preset[] =>
  presets().filter(({ columns }) =>
    Object.entries(columns).every(([name, kind]) => {
      const field = schema.fields.find(field => field.name === name)
      return field !== undefined && kinds[kind](field.type as DataType)
    }),
  )
