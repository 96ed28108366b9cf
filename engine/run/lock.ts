/** One run at a time in an output folder. */
import { linkSync, readFileSync, readlinkSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { EXIT, SluiceError } from '../errors.ts'

const STALE_MS = 120_000,
  BEAT_MS = 20_000

const bootId = (): string => {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return ''
  }
}

/** Where a number names one process: two containers of a host have their own. */
const space = (): string => {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return ''
  }
}

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM'
  }
}

/**
 * When a process began, in ticks since the boot: a number that was given again to another process is not the one that
 * took the lock.
 */
const beganAt = (pid: number): string => {
  try {
    const [state, ...rest] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    // it has ended, and whoever started it has not asked how
    return state === 'Z' ? 'ended' : rest[18]
  } catch {
    return ''
  }
}

/** A lock that was taken, as workers know it too: where it lies, and what stands in it, which no other one has. */
export interface Held {
  readonly path: string
  readonly text: string
}
export interface Lock extends Held {
  /** Never throws. */
  giveBack(): void
}

/**
 * Whether a lock is another's by now, or gone: a run that was suspended shows no sign of life, so that another may take
 * it for dead. Where the disk does not say, it is not lost.
 */
export function isLost({ path, text }: Held): boolean {
  try {
    return textOf(path) !== text
  } catch {
    return false
  }
}

export const lostLock = ({ path }: Held): SluiceError =>
  new SluiceError(
    `run: ${path} is no longer the lock of this run: it was suspended for a while, or the file was removed, and another run may have worked there since; nothing is published, run the same command again`,
    EXIT.later,
  )

/** Throws with exit code 75 where a lock was lost: before whatever cannot be taken back. */
export function holdLock(held: Held): void {
  if (isLost(held)) throw lostLock(held)
}

/**
 * Takes `<folder>/lock` or throws with exit code 75. A lock is stale when its process is dead on this host and boot,
 * or, on another or in another container, when its heartbeat is two minutes old. `onLost` hears that it was lost.
 */
export function takeLock(folder: string, onLost: () => void = () => undefined): Lock {
  const path = join(folder, 'lock'),
    token = randomUUID(),
    own = `${path}.${token}`
  const mine = JSON.stringify({
    token,
    pid: process.pid,
    host: hostname(),
    boot: bootId(),
    space: space(),
    began: beganAt(process.pid),
    started: new Date().toISOString(),
  })
  try {
    // a link: who finds the lock finds it with its text
    writeFileSync(own, mine)
    for (let attempt = 0; ; attempt++) {
      try {
        linkOrWrite(own, path, mine)
        break
      } catch (error) {
        if ((error as { code?: string }).code !== 'EEXIST') throw error
      }
      const found = textOf(path)
      if (attempt > 9 || (found !== undefined && !isStale(path, found))) {
        throw new SluiceError(
          `run: another run holds ${path} (${describe(path)}); wait for it, or remove the file if no such process is running`,
          EXIT.later,
        )
      }
      if (found !== undefined) removeStale(path, found)
    }
  } finally {
    rmSync(own, { force: true })
  }
  const held = { path, text: mine }
  const beat = setInterval(() => {
    if (isLost(held)) return onLost()
    try {
      utimesSync(path, new Date(), new Date())
    } catch {
      /* the disk does not let it: what it holds is looked at again before it matters */
    }
  }, BEAT_MS)
  beat.unref()
  return {
    ...held,
    giveBack() {
      clearInterval(beat)
      try {
        if (textOf(path) === mine) rmSync(path, { force: true })
      } catch {
        /* it stays, and the next run takes it over, as this process has ended by then */
      }
    },
  }
}

function linkOrWrite(own: string, path: string, text: string): void {
  try {
    linkSync(own, path)
  } catch (error) {
    // some file systems have no links
    if (!['EPERM', 'ENOTSUP', 'ENOSYS'].includes((error as { code?: string }).code ?? '')) throw error
    writeFileSync(path, text, { flag: 'wx' })
  }
}

/** undefined when it is not there. */
function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined
    throw error
  }
}

/**
 * Takes a stale lock away by a rename, so that of two that found it one does; what the other may have put there
 * meanwhile goes back.
 */
function removeStale(path: string, found: string): void {
  const aside = `${path}.${randomUUID()}.stale`
  try {
    renameSync(path, aside)
  } catch {
    return
  }
  try {
    if (textOf(aside) !== found) linkSync(aside, path)
  } catch {
    /* a third one was faster */
  }
  rmSync(aside, { force: true })
}

function isStale(path: string, text: string): boolean {
  try {
    const {
      pid,
      host,
      boot,
      began,
      space: own = space(),
    } = JSON.parse(text) as { pid: number; host: string; boot: string; began?: string; space?: string }
    if (host === hostname() && boot === bootId() && own === space()) {
      return !alive(pid) || (Boolean(began) && beganAt(pid) !== began)
    }
    return Date.now() - statSync(path).mtimeMs > STALE_MS
  } catch {
    return true
  }
}

function describe(path: string): string {
  try {
    const { pid, host, started } = JSON.parse(readFileSync(path, 'utf8')) as {
      pid: number
      host: string
      started: string
    }
    return `process ${pid} on ${host}, since ${started}`
  } catch {
    return 'unreadable'
  }
}
