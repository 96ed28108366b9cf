/** Files that stages declare: found before a row is read, read once for their hash, and given to stages as copies. */
import { createHash } from 'node:crypto'
import { accessSync, constants, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { resolve } from 'node:path'
import { IoError, isIoFault } from '../errors.ts'
import { optionNaming } from '../graph/columns.ts'
import { say, type Problem } from '../graph/messages.ts'
import { seenOptions, type Graph, type Node } from '../graph/types.ts'
import { isUrl } from '../files/http_source.ts'
import { isReadFault, readFault } from '../parquet/source.ts'
import { changedInput, stampOf } from './files.ts'
import { StageMistake } from './given.ts'

/** Bytes of a file at most: it is in memory once, and a copy of it wherever a stage is open. */
const MOST_BYTES = 256 << 20
/** Bytes that are read at once. */
const CHUNK = 4 << 20

/** A file as a stage names it, and where it lies. */
interface NamedFile {
  readonly path: string
  readonly place: string
}
/** A file with what lay there when the run began, in memory that all threads see. */
export interface HeldFile extends NamedFile {
  readonly bytes: Uint8Array
  readonly sha256: string
  readonly stamp: string
}
/** By the id of a node the files that it names, in the order that it names them. */
export type NamedFiles = ReadonlyMap<string, readonly NamedFile[]>
export type HeldFiles = ReadonlyMap<string, readonly HeldFile[]>

const hasFiles = ({ stage }: Pick<Node, 'stage'>): boolean =>
  (stage.kind === 'stage' || stage.kind === 'audit') && stage.files !== undefined

/** What a stage declares; throws where it is no list of texts. */
export function declaredFiles({ stage, options }: Pick<Node, 'stage' | 'options'>): readonly string[] {
  const paths: unknown = stage.kind === 'stage' || stage.kind === 'audit' ? (stage.files?.(options) ?? []) : []
  if (Array.isArray(paths) && paths.every(path => typeof path === 'string' && path !== '')) return paths as string[]
  throw new Error(`files() gives ${JSON.stringify(paths)}, and not a list of paths`)
}

/** The files that a graph's stages name, and all that is wrong with them. */
export function findStageFiles({ nodes, base, place: placed }: Graph): { files: NamedFiles; problems: Problem[] } {
  const files = new Map<string, NamedFile[]>(),
    problems: Problem[] = []
  for (const node of nodes.filter(hasFiles)) {
    const at = `/stages/${node.index}`
    try {
      files.set(
        node.id,
        declaredFiles(node).map(path => ({ path, place: resolve(base, path) })),
      )
    } catch (error) {
      problems.push(say.badStage(at, node.id, (error as Error).message))
    }
    for (const [path, place] of new Map(files.get(node.id)?.map(({ path, place }) => [path, place]))) {
      const why = whyUnusable(path, place)
      if (why) problems.push(say.unusableFile(optionNaming(node, path) ?? at, node.id, path, why, base))
    }
  }
  return { files, problems: problems.map(placed) }
}

/** Why a stage cannot be given a file; throws where a disk fails. */
function whyUnusable(path: string, place: string): string | undefined {
  if (isUrl(path)) return 'is a URL, and a stage is given local files alone'
  try {
    const stats = statSync(place)
    if (stats.isDirectory()) return 'is a folder'
    if (!stats.isFile()) return 'is no file'
    if (stats.size > MOST_BYTES) {
      const n = (bytes: number) => bytes.toLocaleString('en-US')
      return `has ${n(stats.size)} bytes, and ${n(MOST_BYTES)} are the most; what is larger may be read as a table`
    }
    accessSync(place, constants.R_OK)
    return undefined
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    if (isIoFault(code)) throw new IoError(`${place}: cannot be read (${message})`, { cause: error })
    return code === 'ENOENT' ? 'is not there' : `cannot be read (${message})`
  }
}

/** Reads each file once. What stages are given from then on are these bytes. */
export async function readStageFiles(named: NamedFiles): Promise<HeldFiles> {
  const read = new Map<string, Promise<Omit<HeldFile, keyof NamedFile>>>(),
    held = new Map<string, HeldFile[]>()
  for (const [id, files] of named) {
    const some: HeldFile[] = []
    for (const { path, place } of files) {
      if (!read.has(place)) read.set(place, readWhole(place))
      some.push({ path, place, ...(await read.get(place)!) })
    }
    held.set(id, some)
  }
  return held
}

async function readWhole(place: string): Promise<Omit<HeldFile, keyof NamedFile>> {
  try {
    const stamp = stampOf(place),
      handle = await open(place),
      hash = createHash('sha256')
    try {
      const { size } = await handle.stat()
      if (size > MOST_BYTES) throw changedInput(place)
      const bytes = new Uint8Array(new SharedArrayBuffer(size))
      for (let at = 0; at < size;) {
        const { bytesRead } = await handle.read(bytes, at, Math.min(CHUNK, size - at), at)
        if (bytesRead === 0) throw changedInput(place)
        hash.update(bytes.subarray(at, at + bytesRead))
        at += bytesRead
      }
      if (stampOf(place) !== stamp) throw changedInput(place)
      return { bytes, sha256: hash.digest('hex'), stamp }
    } finally {
      await handle.close()
    }
  } catch (error) {
    // it was there when the graph was checked
    if ((error as { code?: string }).code === 'ENOENT') throw changedInput(place)
    throw isReadFault(error) ? readFault(place, error as Error) : error
  }
}

/** Throws where a file is not what it was when the run began. */
export function holdStageFiles(held: HeldFiles): void {
  for (const { place, stamp } of [...held.values()].flat()) if (hasChanged(place, stamp)) throw changedInput(place)
}
function hasChanged(place: string, stamp: string): boolean {
  try {
    return stampOf(place) !== stamp
  } catch {
    return true
  }
}

/**
 * `file` of a stage's context. Each call gives a copy: what one stage does to it no other sees, and no later block of
 * its own.
 */
export const fileOf =
  ({ id, use }: Pick<Node, 'id' | 'use'>, files: readonly Pick<HeldFile, 'path' | 'bytes'>[]) =>
  (path: string): Uint8Array => {
    const found = files.find(file => file.path === path)
    if (found) return found.bytes.slice()
    const named = [...new Set(files.map(file => file.path))]
    throw new StageMistake(
      `${id} (${use}): context.file('${path}') asks for a file that its 'files' does not name; ${named.length > 0 ? `it names ${named.join(', ')}` : 'it names none'}`,
    )
  }

/**
 * The options of a node as keys hold them: in place of a path that its files have, what lies there. Of a path that is
 * there more than once one may be another text, and all stay as they are.
 */
export function keyedOptions(node: Node, files: readonly HeldFile[] = []): unknown {
  // what a stage of one's own makes of a name, as of its ending, nobody knows
  if (node.own) return seenOptions(node)
  const options = seenOptions(node),
    texts = textsOf(options)
  const hashes = new Map(files.map(({ path, sha256 }) => [path, sha256])),
    known = new Set([...hashes.keys()].filter(path => texts.filter(text => text === path).length === 1))
  const keyed = (value: unknown): unknown => {
    if (typeof value === 'string') return known.has(value) ? { sha256: hashes.get(value) } : value
    if (Array.isArray(value)) return value.map(keyed)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, keyed(one)]))
  }
  return keyed(options)
}
const textsOf = (value: unknown): string[] =>
  typeof value === 'string'
    ? [value]
    : typeof value === 'object' && value !== null
      ? Object.values(value).flatMap(textsOf)
      : []

/** What the manifest says of a node's files. */
export function filesSaid(files: readonly HeldFile[] = []): { path: string; bytes: number; sha256: string }[] {
  const said = new Map(files.map(({ path, bytes, sha256 }) => [path, { path, bytes: bytes.length, sha256 }]))
  return [...said.values()]
}
