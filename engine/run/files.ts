/** Small files of a run: whole or absent, never half. */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { deserialize, serialize } from 'node:v8'

/** Writes to a temporary name beside the file, syncs, renames. */
export function writeWhole(path: string, bytes: Uint8Array | string): void {
  const temporary = `${path}.${process.pid}.tmp`
  const fd = openSync(temporary, 'w')
  const data = typeof bytes === 'string' ? Buffer.from(bytes) : bytes
  for (let at = 0; at < data.length;) at += writeSync(fd, data, at)
  fsyncSync(fd)
  closeSync(fd)
  renameSync(temporary, path)
}

/** Any structured-cloneable value, typed arrays included. */
export const saveValue = (path: string, value: unknown): void => writeWhole(path, serialize(value))
export const loadValue = <T>(path: string): T => deserialize(readFileSync(path)) as T
