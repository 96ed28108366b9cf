/** The decisions that people make on a page, in a file of JSON Lines that holds one line for each pair. */
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { DataError } from '../../engine/errors.ts'
import { writeAll } from '../../engine/io.ts'
import { decisionWords, type DecisionWord } from '../../engine/run/decisions.ts'
import { takeLock } from '../../engine/run/lock.ts'

/** A line of the file, in the form that --decisions reads. */
export interface Decided {
  readonly id: string
  readonly decision: DecisionWord
  /** What the pair was when it was decided on: later runs apply the decision to that pair alone. */
  readonly content_hash?: string
  readonly by: string
  /** When, as an ISO date and time. */
  readonly at: string
  readonly note?: string
}

export interface DecisionsFile {
  /** By id, in the order in which they were made; those on pairs of other lists among them. */
  readonly all: ReadonlyMap<string, Decided>
  /** Writes a decision, the last one of its pair: it is on the disk when this returns. */
  put(decided: Decided): void
  remove(id: string): void
  close(): void
}

/** Opens the file, or begins it. One process at a time: 75 where another has it open. */
export function openDecisions(path: string): DecisionsFile {
  const folder = dirname(path),
    locked = `${path}.open`
  mkdirSync(locked, { recursive: true })
  const lock = takeLock(locked),
    close = () => {
      lock.giveBack()
      rmSync(locked, { recursive: true, force: true })
    }
  let all: Map<string, Decided>
  try {
    all = readLines(path)
  } catch (error) {
    close()
    throw error
  }
  // as a whole, by a rename: a crash leaves the file of before or of after
  const save = (next: Map<string, Decided>) => {
    const part = join(folder, `.${basename(path)}.part`),
      fd = openSync(part, 'w')
    try {
      writeAll(fd, Buffer.from([...next.values()].map(one => `${JSON.stringify(one)}\n`).join('')))
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(part, path)
    sync(folder)
    all = next
  }
  return {
    get all() {
      return all
    },
    put(decided) {
      const next = new Map(all)
      next.delete(decided.id)
      save(next.set(decided.id, decided))
    },
    remove(id) {
      const next = new Map(all)
      if (next.delete(id)) save(next)
    },
    close,
  }
}

/** The name of a file is in its folder, which has to reach the disk too. */
function sync(folder: string): void {
  const fd = openSync(folder, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

function readLines(path: string): Map<string, Decided> {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return new Map()
    throw error
  }
  const all = new Map<string, Decided>()
  text.split('\n').forEach((line, i) => {
    if (line.trim() === '') return
    let one: Partial<Decided> | null
    try {
      one = JSON.parse(line) as Partial<Decided> | null
    } catch {
      one = null
    }
    if (typeof one?.id !== 'string' || !decisionWords.some(word => word === one.decision)) {
      throw new DataError(
        `sluice review: line ${i + 1} of ${path} is no decision ({"id": …, "decision": "${decisionWords.join('" | "')}"}); mend it, or name another file by --decisions`,
      )
    }
    if (all.has(one.id) && all.get(one.id)!.decision !== one.decision) {
      throw new DataError(
        `sluice review: ${path} has two decisions on '${one.id}', the second in line ${i + 1}; leave one of them`,
      )
    }
    all.set(one.id, one as Decided)
  })
  return all
}
