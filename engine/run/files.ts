/** Small files of a run: whole or absent, never half. */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { randomUUID } from 'node:crypto'
import { dirname, join, relative } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import { writeAll } from '../io.ts'
import { sealOf, unseal } from '../sealed.ts'
import { ChangedInputError } from '../errors.ts'

/** Writes to a temporary name beside the file, syncs, renames. */
export function writeWhole(path: string, ...parts: readonly (Uint8Array | string)[]): void {
  const temporary = `${path}.${randomUUID()}.tmp`
  try {
    const fd = openSync(temporary, 'w')
    try {
      writeAll(fd, ...parts.map(part => (typeof part === 'string' ? Buffer.from(part) : part)))
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}

/** Makes what a folder holds, and the names in it, outlive a power cut: before a rename says that it is whole. */
export function syncFolder(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) syncFolder(join(folder, entry.name))
    else syncPath(join(folder, entry.name))
  }
  syncPath(folder)
}

/** The same for one file, or for the names in a folder. */
export function syncPath(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Any structured-cloneable value, typed arrays included, in a sealed file. */
export function saveValue(path: string, value: unknown): void {
  const bytes = serialize(value)
  writeWhole(path, bytes, sealOf(path, bytes))
}
export const loadValue = <T>(path: string): T => deserialize(unseal(path, readFileSync(path))) as T

/**
 * Makes a folder and those above it. Node's own way of doing so never ends where a folder is there and refuses entries
 * (/proc).
 */
export function makeFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return
  if (dirname(path) !== path) makeFolder(dirname(path))
  try {
    mkdirSync(path)
  } catch (error) {
    if ((error as { code?: string }).code !== 'EEXIST' || !statSync(path).isDirectory()) throw error
  }
}

/** What changes when a file is written to or replaced. */
export function stampOf(path: string): string {
  const { size, mtimeNs, ctimeNs, ino } = statSync(path, { bigint: true })
  // the time of writing can be set back, that of a change cannot
  return `${size}-${mtimeNs}-${ctimeNs}-${ino}`
}

/** An input that is not what it was when the run began. */
export const changedInput = (path: string): Error =>
  new ChangedInputError(`run: ${path} changed while it was read; nothing of it is kept, run again when it is whole`)

/** The files of a folder and the folders in it, by their paths from there; links, too, which none of ours is. */
export function pathsBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() || entry.isSymbolicLink())
    .map(entry => relative(folder, join(entry.parentPath ?? entry.path, entry.name)))
}

/** The same with their sizes. */
export const filesBelow = (folder: string): { file: string; bytes: number }[] =>
  pathsBelow(folder).map(file => ({ file, bytes: statSync(join(folder, file)).size }))
