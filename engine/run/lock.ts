/** One run at a time in an output folder. */
import { closeSync, openSync, readFileSync, rmSync, statSync, utimesSync, writeSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { EXIT, SluiceError } from '../errors.ts'

const STALE_MS = 120_000, BEAT_MS = 20_000

const bootId = (): string => {
  try { return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() } catch { return '' }
}

const alive = (pid: number): boolean => {
  try { process.kill(pid, 0); return true } catch (error) { return (error as { code?: string }).code === 'EPERM' }
}

/**
 * Takes `<folder>/lock` or throws with exit code 75. A lock is stale when its process is dead on this host and boot, or, on another, when its heartbeat is two minutes
 * old. Returns a function that gives it back.
 */
export function takeLock(folder: string): () => void {
  const path = join(folder, 'lock')
  const mine = JSON.stringify({ pid: process.pid, host: hostname(), boot: bootId(), started: new Date().toISOString() })
  for (let attempt = 0; ; attempt++) {
    try {
      const fd = openSync(path, 'wx')
      writeSync(fd, mine)
      closeSync(fd)
      break
    } catch (error) {
      if ((error as { code?: string }).code !== 'EEXIST') throw error
      if (attempt > 0 || !isStale(path)) {
        throw new SluiceError(`run: another run holds ${path} (${describe(path)}); wait for it, or remove the file if no such process is running`, EXIT.later)
      }
      rmSync(path, { force: true })
    }
  }
  const beat = setInterval(() => { try { utimesSync(path, new Date(), new Date()) } catch { /* the folder is gone: nothing left to guard */ } }, BEAT_MS)
  beat.unref()
  return () => {
    clearInterval(beat)
    rmSync(path, { force: true })
  }
}

function isStale(path: string): boolean {
  try {
    const { pid, host, boot } = JSON.parse(readFileSync(path, 'utf8')) as { pid: number, host: string, boot: string }
    if (host === hostname() && boot === bootId()) return !alive(pid)
    return Date.now() - statSync(path).mtimeMs > STALE_MS
  } catch { return true }
}

function describe(path: string): string {
  try {
    const { pid, host, started } = JSON.parse(readFileSync(path, 'utf8')) as { pid: number, host: string, started: string }
    return `process ${pid} on ${host}, since ${started}`
  } catch { return 'unreadable' }
}
