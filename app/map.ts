/** The file of --map: where the pairs of the inputs are. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import type { AnyKind } from '../engine/contract/define.ts'
import { DataError, EXIT, SluiceError } from '../engine/errors.ts'
import { readYaml } from '../engine/graph/document.ts'
import { formatProblems } from '../engine/graph/messages.ts'
import { validateOptions } from '../engine/graph/validate.ts'
import { mapFaults } from '../engine/map/faults.ts'
import { presetNamed } from '../engine/map/presets.ts'
import { mapSchema, type MapSpec } from '../engine/map/spec.ts'

/** The mapping of `--map`: of a file, or a preset's name. Throws where it is wrong by itself, with file and line. */
export function readMap(map: string | undefined): MapSpec | string | undefined {
  if (map === undefined) return undefined
  if (!existsSync(map)) {
    if (!/[./\\]/.test(map)) return presetNamed(map).name
    throw new SluiceError(`--map ${map} does not exist (looked in ${process.cwd()})`, EXIT.noInput)
  }
  if (!statSync(map).isFile()) throw new SluiceError(`--map ${map} is no file`, EXIT.noInput)
  const { value, problems = [], locate } = readYaml(readFileSync(map, 'utf8'), map)
  if (problems.length > 0) throw new DataError(`--map ${map} is no YAML of a mapping:\n${formatProblems(problems)}`)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new DataError(
      `--map ${map} is no mapping; it holds keys as \`prompt: question\`, as \`sluice look\` writes them`,
    )
  }
  // a file may hold the line of a graph as it is
  const isWrapped = Object.hasOwn(value, 'map'),
    others = isWrapped ? Object.keys(value).filter(key => key !== 'map') : []
  if (others.length > 0) {
    throw new DataError(`--map ${map} holds ${others.join(', ')} beside map; only map is read: leave them out`)
  }
  const given = isWrapped ? (value as { readonly map: MapSpec }).map : (value as MapSpec)
  if (typeof given === 'string') return presetNamed(given).name
  const wrong = validateOptions(
    { name: 'map', options: mapSchema } as unknown as AnyKind,
    given,
    isWrapped ? '/map' : '',
  )
  if (wrong.length > 0) {
    const placed = wrong.map(one => ({ ...one, ...locate(one.pointer, /^unknown/.test(one.code)) }))
    throw new DataError(`--map ${map} is wrong:\n${formatProblems(placed)}`)
  }
  const faults = mapFaults(given)
  if (faults.length > 0) throw new DataError(`--map ${map}: ${faults.join('; ')}`)
  return given
}
