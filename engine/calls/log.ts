/**
 * The log of a LevelDB that nobody has open, looked through record by record. What is damaged in it LevelDB leaves out,
 * and says nothing; where it repairs a folder it takes even that. Records that stand twice are a failed assertion,
 * which ends the process. So it never gets to see either.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { checksumOf, isChecked } from './tables.ts'

const BLOCK = 1 << 15,
  HEADER = 7,
  FULL = 1,
  FIRST = 2,
  MIDDLE = 3,
  LAST = 4

/** A log with damage, or with records that stand twice; `whole` is a log of all others. */
export interface DamagedLog {
  readonly name: string
  readonly lostBytes: number
  readonly whole: Buffer
}

/** The logs that are not as LevelDB wrote them. Nothing is changed. */
export function damagedLogs(folder: string): DamagedLog[] {
  return readdirSync(folder)
    .filter(name => name.endsWith('.log'))
    .flatMap(name => {
      const { records, lost } = recordsOf(readFileSync(join(folder, name))),
        once = withoutRepeats(records),
        lostBytes = lost + once.lost
      if (lostBytes === 0 && once.records.length === records.length) return []
      return [{ name, lostBytes, whole: logOf(once.records) }]
    })
}

function recordsOf(file: Buffer): { records: Buffer[]; lost: number } {
  const records: Buffer[] = []
  // of a record that lies in several parts, what has come of it
  let lost = 0,
    open = 0,
    parts: Buffer[] = []
  for (let at = 0; at < file.length;) {
    const end = Math.min(at - (at % BLOCK) + BLOCK, file.length),
      isTrailer = end - at < HEADER && end % BLOCK === 0
    const size = end - at < HEADER ? 0 : HEADER + file.readUInt16LE(at + 4),
      isWhole = size > 0 && at + size <= end && isChecked(file, at + 6, at + size, at)
    if (isWhole) {
      const type = file[at + 6],
        isStart = type === FULL || type === FIRST
      if (isStart) {
        lost += open
        parts = []
        open = 0
      }
      if (!isStart && open === 0) lost += size
      else {
        parts.push(file.subarray(at + HEADER, at + size))
        open += size
        if (type === FULL || type === LAST) {
          records.push(Buffer.concat(parts))
          open = 0
        }
      }
    } else if (!isTrailer) {
      // where it ends cannot be told, so that the rest of the block goes too
      lost += open + end - at
      open = 0
    }
    at = isWhole ? at + size : end
  }
  return { records, lost: lost + open }
}

/**
 * The records whose entries have numbers that no earlier one has. Of the others, those that are no copy of an earlier
 * one are lost.
 */
function withoutRepeats(all: readonly Buffer[]): { records: Buffer[]; lost: number } {
  const numbers = new Set<bigint>(),
    copies = new Set<string>()
  let lost = 0
  const records = all.filter(record => {
    // a record is the number of its first entry, how many there are, and the entries, of 3 bytes or more each
    const count = record.length < 12 ? Infinity : record.readUInt32LE(8),
      isRecord = count * 3 <= record.length
    const own = Array.from({ length: isRecord ? count : 0 }, (_, i) => record.readBigUInt64LE(0) + BigInt(i)),
      text = record.toString('latin1')
    if (isRecord && !own.some(number => numbers.has(number))) {
      for (const number of own) numbers.add(number)
      copies.add(text)
      return true
    }
    if (!copies.has(text)) lost += record.length
    return false
  })
  return { records, lost }
}

/** A log as LevelDB writes it. */
function logOf(records: readonly Buffer[]): Buffer {
  const written: Buffer[] = []
  let left = BLOCK
  for (const record of records) {
    let at = 0,
      isFirst = true
    while (isFirst || at < record.length) {
      if (left < HEADER) {
        written.push(Buffer.alloc(left))
        left = BLOCK
      }
      const size = Math.min(record.length - at, left - HEADER),
        isLast = at + size === record.length,
        part = Buffer.alloc(HEADER + size)
      part.writeUInt16LE(size, 4)
      part[6] = isFirst ? (isLast ? FULL : FIRST) : isLast ? LAST : MIDDLE
      record.copy(part, HEADER, at, at + size)
      part.writeUInt32LE(checksumOf(part, 6, part.length), 0)
      written.push(part)
      left -= part.length
      at += size
      isFirst = false
    }
  }
  return Buffer.concat(written)
}
