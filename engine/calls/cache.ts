/**
 * Answers that were paid for, on disk: every run and every graph that names the same folder has them. A LevelDB, whose
 * log survives a process that is killed while it writes, and, as it is synced, a loss of power.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { EXIT, SluiceError } from '../errors.ts'
import { writeWhole } from '../run/files.ts'
import { damagedLogs } from './log.ts'
import { damagedTables } from './tables.ts'

/** What was spent on one result, all attempts at it together. Tokens are what the server said, or its estimate. */
export interface Spent {
  requests: number
  tokens: number
  usd: number
}

export interface Cache {
  /** Values by key; undefined where there is none. */
  get(keys: readonly string[]): Promise<unknown[]>
  put(entries: ReadonlyMap<string, unknown>): Promise<void>
  /** Files of it were lost or damaged: of a key that was written twice it may give what was written first. */
  readonly mayBeOld: boolean
  close(): Promise<void>
}

/**
 * Opens the folder, or makes it; one whose list of files is damaged is put together again from the files, and of a file
 * that is damaged what is whole is kept: `warn` hears of the rest. One process at a time.
 */
export async function openCache(folder: string, warn: (text: string) => void = () => undefined): Promise<Cache> {
  const { ClassicLevel } = await import('classic-level')
  const locked = (cause: unknown) =>
    new SluiceError(
      `calls: another process has the answers in ${folder} open; wait for it, or choose another --answers`,
      EXIT.later,
      { cause },
    )
  // LevelDB takes the lock, sees that there is something, and lets go without having touched it
  const checkLock = async () => {
    try {
      await new ClassicLevel(folder, { createIfMissing: false, errorIfExists: true }).open()
    } catch (error) {
      if (causeOf(error).code === 'LEVEL_LOCKED') throw locked(error)
    }
  }
  const isThere = statSync(folder, { throwIfNoEntry: false })?.isDirectory() && readdirSync(folder).length > 0
  if (isThere) await checkLock()
  const damaged = isThere ? damagedTables(folder) : [],
    logs = isThere ? damagedLogs(folder) : [],
    lost = join(folder, 'lost')
  if (damaged.length + logs.length > 0) {
    await checkLock()
    // where LevelDB's own repair puts what it cannot use
    mkdirSync(lost, { recursive: true })
    for (const { name, whole } of logs) {
      copyFileSync(join(folder, name), join(lost, name))
      writeWhole(join(folder, name), whole)
    }
    for (const { name } of damaged) renameSync(join(folder, name), join(lost, name))
  }
  const open = async () => {
    // LevelDB would begin anew in a folder that has lost its list, and remove what it does not know
    const createIfMissing = !existsSync(folder) || readdirSync(folder).length === 0
    const db = new ClassicLevel<string, readonly [unknown]>(folder, { valueEncoding: 'json', createIfMissing })
    await db.open()
    return db
  }
  let isRepaired = false,
    isMissing = false
  const db = await open().catch(async (error: unknown) => {
    if (causeOf(error).code === 'LEVEL_LOCKED') throw locked(error)
    // no room, or a disk that fails, is no damage: LevelDB's repair would put aside what it cannot write anew
    const { code, message } = causeOf(error),
      isDamage = code !== 'LEVEL_IO_ERROR' || message.includes('No such file')
    try {
      if (!isDamage) throw error
      await repair(() => ClassicLevel.repair(folder), folder, lost)
      isRepaired = true
      // those that were put aside are told of below
      isMissing = damaged.length === 0 && message.includes('missing files')
      return await open()
    } catch (error) {
      throw new SluiceError(
        `calls: the answers in ${folder} cannot be opened (${causeOf(error).message}); choose another --answers`,
        EXIT.io,
        { cause: error },
      )
    }
  })
  const guarded = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work
    } catch (error) {
      throw new SluiceError(
        `calls: the answers in ${folder} cannot be read or written (${causeOf(error).message}); what is in them stays`,
        EXIT.io,
        { cause: error },
      )
    }
  }
  if (damaged.length > 0) {
    const whole = new Map(damaged.flatMap(({ entries }) => [...entries])),
      stored = await guarded(db.getMany([...whole.keys()])),
      left = [...whole].filter((_, i) => stored[i] === undefined)
    await guarded(
      db.batch(
        left.map(([key, value]) => ({ type: 'put', key, value: JSON.parse(value) as readonly [unknown] })),
        { sync: true },
      ),
    )
  }
  const bytes = [...damaged, ...logs].reduce((n, { lostBytes }) => n + lostBytes, 0)
  if (bytes > 0) {
    warn(
      `calls: of the answers in ${folder} ${bytes.toLocaleString('en-US')} bytes are damaged on the disk${logs.length > 0 ? ', or were cut off as they were written,' : ''} and will be asked for again; the files are in ${lost}`,
    )
  }
  if (isMissing) {
    warn(
      `calls: the answers in ${folder} lack files that were there: what is left is kept, servers are asked anew which weights they have, and what is missing is asked for again`,
    )
  }
  return {
    mayBeOld: isRepaired || damaged.length + logs.length > 0,
    // in a list each: LevelDB has no null
    get: async keys => (await guarded(db.getMany([...keys]))).map(stored => stored?.[0]),
    put: entries =>
      guarded(
        db.batch(
          [...entries].map(([key, value]) => ({ type: 'put', key, value: [value] as const })),
          { sync: true },
        ),
      ),
    close: () => db.close(),
  }
}

/** Repairs, or leaves all as it was: what was put aside, and could not be written anew, goes back. */
async function repair(work: () => Promise<void>, folder: string, lost: string): Promise<void> {
  const namesIn = () => (existsSync(lost) ? readdirSync(lost) : []),
    before = new Set(namesIn())
  try {
    await work()
  } catch (error) {
    for (const name of namesIn()) if (!before.has(name)) renameSync(join(lost, name), join(folder, name))
    throw error
  }
}

function causeOf(error: unknown): { code?: string; message: string } {
  const { cause, code, message } = error as Error & { code?: string; cause?: Error & { code?: string } }
  return { code: cause?.code ?? code, message: cause?.message ?? message }
}
