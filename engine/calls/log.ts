/**
 * The log of a LevelDB that nobody has open, looked through record by record: what is damaged in it LevelDB leaves out,
 * and says nothing.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isChecked } from './tables.ts'

const BLOCK = 1 << 15,
  HEADER = 7,
  FULL = 1,
  FIRST = 2,
  LAST = 4

/** The logs of which something will be left out, and how much. Nothing is changed. */
export function damagedLogs(folder: string): { readonly name: string; readonly lostBytes: number }[] {
  return readdirSync(folder)
    .filter(name => name.endsWith('.log'))
    .map(name => ({ name, lostBytes: lostIn(readFileSync(join(folder, name))) }))
    .filter(({ lostBytes }) => lostBytes > 0)
}

function lostIn(file: Buffer): number {
  // of a record that lies in several parts, what has come of it
  let lost = 0,
    open = 0
  for (let at = 0; at < file.length;) {
    const end = Math.min(at - (at % BLOCK) + BLOCK, file.length),
      isTrailer = end - at < HEADER && end % BLOCK === 0
    const size = end - at < HEADER ? 0 : HEADER + file.readUInt16LE(at + 4),
      isWhole = size > 0 && at + size <= end && isChecked(file, at + 6, at + size, at)
    if (isWhole) {
      const type = file[at + 6]
      if (type === FULL || type === FIRST) {
        lost += open
        open = type === FIRST ? size : 0
      } else if (open === 0) lost += size
      else open = type === LAST ? 0 : open + size
    } else if (!isTrailer) {
      // where it ends cannot be told, so that the rest of the block goes too
      lost += open + end - at
      open = 0
    }
    at = isWhole ? at + size : end
  }
  return lost + open
}
