/** The file of --map: where the pairs of the inputs are. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { parse as parseYaml } from 'yaml'
import { DataError, EXIT, SluiceError } from '../engine/errors.ts'
import type { MapSpec } from '../engine/map/spec.ts'

/** The mapping of `--map`: of a file, or a preset's name. */
export function readMap(map: string | undefined): MapSpec | string | undefined {
  if (map === undefined) return undefined
  if (!existsSync(map)) {
    if (!/[./\\]/.test(map)) return map
    throw new SluiceError(`--map ${map} does not exist (looked in ${process.cwd()})`, EXIT.noInput)
  }
  if (!statSync(map).isFile()) throw new SluiceError(`--map ${map} is no file`, EXIT.noInput)
  const value = yamlOf(map),
    isWrapped = typeof value === 'object' && value !== null && Object.hasOwn(value, 'map')
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new DataError(
      `--map ${map} is no mapping; it holds keys as \`prompt: question\`, as \`sluice look\` writes them`,
    )
  }
  // a file may hold the line of a graph as it is
  if (!isWrapped) return value as MapSpec
  const others = Object.keys(value).filter(key => key !== 'map')
  if (others.length > 0) {
    throw new DataError(`--map ${map} holds ${others.join(', ')} beside map; only map is read: leave them out`)
  }
  return (value as { readonly map: MapSpec }).map
}

function yamlOf(path: string): unknown {
  const text = readFileSync(path, 'utf8')
  try {
    return parseYaml(text)
  } catch (error) {
    throw new DataError(`--map ${path} is no YAML: ${(error as Error).message.split('\n')[0]}`, { cause: error })
  }
}
