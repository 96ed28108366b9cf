/** One run at a time in an output folder. */
import { linkSync, readFileSync, readlinkSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
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

/**
 * Takes `<folder>/lock` or throws with exit code 75. A lock is stale when its process is dead on this host and boot,
 * or, on another or in another container, when its heartbeat is two minutes old. Returns a function that gives it back.
 */
export function takeLock(folder: string): () => void {
  const path = join(folder, 'lock'),
    own = `${path}.${process.pid}`
  const mine = JSON.stringify({
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
  const beat = setInterval(() => {
    try {
      utimesSync(path, new Date(), new Date())
    } catch {
      /* the folder is gone: nothing left to guard */
    }
  }, BEAT_MS)
  beat.unref()
  return () => {
    clearInterval(beat)
    if (textOf(path) === mine) rmSync(path, { force: true })
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
  const aside = `${path}.${process.pid}.stale`
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
