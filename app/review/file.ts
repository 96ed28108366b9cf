/** The decisions that people make on a page, in a file of JSON Lines that holds one line for each pair. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmdirSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { DataError, EXIT, SluiceError } from '../../engine/errors.ts'
import { writeAll } from '../../engine/io.ts'
import { contradictingIds, decisionWords, type DecisionWord } from '../../engine/run/decisions.ts'
import { syncPath } from '../../engine/run/files.ts'
import { isLost, takeLock } from '../../engine/run/lock.ts'

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

/** A pair as decisions know it: what is said of an id without a hash is said of every content of it. */
export interface Pair {
  readonly id: string
  readonly content?: string
}
/** Whether a line speaks of a pair. */
export const isOn = (line: Decided, { id, content }: Pair): boolean =>
  line.id === id && (line.content_hash === undefined || content === undefined || line.content_hash === content)

export interface DecisionsFile {
  /** In the order in which they were made; those on pairs of other lists among them. */
  readonly lines: readonly Decided[]
  decisionOn(pair: Pair): Decided | undefined
  /** Writes a decision in place of what was said of the pair: it is on the disk when this returns. */
  put(pair: Pair, decided: Decided): void
  remove(pair: Pair): void
  close(): void
}

/** Opens the file, or begins it. One process at a time: 75 where another has it open. */
export function openDecisions(name: string): DecisionsFile {
  // of a link the file that it leads to
  const path = existsSync(name) ? realpathSync(name) : name,
    folder = dirname(path),
    locked = `${path}.open`
  mkdirSync(locked, { recursive: true })
  const lock = takeLock(locked),
    close = () => {
      if (isLost(lock)) return
      lock.giveBack()
      try {
        rmdirSync(locked)
      } catch {
        /* another one has it open already */
      }
    }
  let lines: readonly Decided[] = [],
    byId = new Map<string, Decided[]>()
  const take = (next: readonly Decided[]) => {
    lines = next
    byId = new Map()
    for (const line of next) {
      if (!byId.has(line.id)) byId.set(line.id, [])
      byId.get(line.id)!.push(line)
    }
  }
  // as a whole, by a rename: a crash leaves the file of before or of after
  const change = (of: (before: readonly Decided[]) => readonly Decided[]) => {
    if (isLost(lock)) {
      throw new SluiceError(
        `another \`sluice review\` has ${path} open by now, as this one was suspended; nothing is written, start it again`,
        EXIT.later,
      )
    }
    // somebody may have added to it by hand
    const next = of(readLines(path)),
      part = join(folder, `.${basename(path)}.part`),
      fd = openSync(part, 'w')
    try {
      writeAll(fd, Buffer.from(next.map(one => `${JSON.stringify(one)}\n`).join('')))
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(part, path)
    take(next)
    try {
      syncPath(folder)
    } catch {
      /* it is written: some shares cannot sync the names in a folder */
    }
  }
  try {
    take(readLines(path))
  } catch (error) {
    close()
    throw error
  }
  return {
    get lines() {
      return lines
    },
    decisionOn: pair => byId.get(pair.id)?.find(line => isOn(line, pair)),
    put(pair, decided) {
      change(before => [...before.filter(line => !isOn(line, pair)), decided])
    },
    remove(pair) {
      change(before => before.filter(line => !isOn(line, pair)))
    },
    close,
  }
}

function readLines(path: string): Decided[] {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return []
    throw error
  }
  const lines = text.split('\n').flatMap((line, i) => {
    if (line.trim() === '') return []
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
    return [one as Decided]
  })
  const [id] = contradictingIds(lines)
  if (id === undefined) return lines
  throw new DataError(`sluice review: ${path} has decisions on '${id}' that contradict each other; leave one of them`)
}
