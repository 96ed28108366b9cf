/** The folder that a run publishes into: it can be written, is nobody else's, and holds nothing half done. */
import { existsSync, lstatSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { EXIT, SluiceError } from '../errors.ts'
import { isOutput, isRun } from '../files/published.ts'
import { makeFolder } from './files.ts'
import { takeLock, type Lock } from './lock.ts'

/** Makes the folders of an output, takes its lock (`onLost`: see there), and removes what a killed run left. */
export function openOutput(output: string, cache: string, onLost: () => void): Lock {
  try {
    refuseInside(output, 'the output folder', own => `choose --output ${own} to publish beside it, or another folder`)
    makeFolder(join(cache, 'spools'))
    makeFolder(join(cache, 'seen'))
    makeFolder(join(output, 'runs'))
    const latest = join(output, 'latest')
    if (lstatSync(latest, { throwIfNoEntry: false })?.isSymbolicLink() === false) {
      throw new SluiceError(
        `run: ${latest} is not a link to a run, and a run would put one there; move it away or choose another --output`,
        EXIT.io,
      )
    }
    const lock = takeLock(cache, onLost)
    try {
      removeHalves(output, cache)
    } catch (error) {
      lock.giveBack()
      throw error
    }
    return lock
  } catch (error) {
    if (error instanceof SluiceError) throw error
    throw new SluiceError(
      `run: the output folder ${output} cannot be written (${(error as Error).message}); choose another with --output`,
      EXIT.io,
      { cause: error },
    )
  }
}

/**
 * Refuses a folder inside of a published run, as by `--output out/latest`: the run would no longer be what it was. And
 * one where the next run of another output deletes what it does not know. `what` begins the
 * error; `kept`: a folder of the work folder that nothing is deleted of.
 */
function refuseInside(path: string, what: string, cure: (own: string) => string, kept?: string): void {
  let there = path
  while (!existsSync(there)) there = dirname(there)
  let at = join(realpathSync(there), relative(there, path))
  for (let below = ''; dirname(at) !== at; below = basename(at), at = dirname(at)) {
    const folder = dirname(at),
      name = basename(at),
      isBelow = basename(folder) === 'runs',
      own = isBelow ? dirname(folder) : folder
    const isRefused = (why: string) =>
      new SluiceError(`run: ${what} ${path} lies in ${at}, which ${why}; ${cure(own)}`, EXIT.usage)
    if (isRun(at)) throw isRefused('is a published run')
    const isWork = isBelow ? name.startsWith('.tmp-') : name === '.sluice' || name.startsWith('.latest-')
    if (isWork && (below === '' || below !== kept) && isOutput(own)) {
      throw isRefused(`the runs of ${own} use for themselves and delete`)
    }
  }
}

/** Where answers of servers are kept in an output's own folder: nothing there is deleted. */
const ANSWERS = 'answers'

/** The folder of the answers of servers, `given` or that of the output. Throws where a run would delete it. */
export function answersFolder(cache: string, given?: string): string {
  const folder = resolve(given ?? join(cache, ANSWERS))
  const cure = (own: string) => `choose another folder, or leave it out for ${join(own, '.sluice', ANSWERS)}`
  refuseInside(folder, '--answers', cure, ANSWERS)
  return folder
}

/** Whatever is half done: it takes up room, and nobody can use it. */
export function removeHalves(output: string, cache: string): void {
  for (const [folder, names] of [
    [output, /^\.latest-/],
    [join(output, 'runs'), /^\.tmp-/],
    [join(cache, 'spools'), /\.tmp$/],
    [join(cache, 'seen'), /\.tmp$/],
  ] as const) {
    if (existsSync(folder)) {
      for (const name of readdirSync(folder)) {
        if (names.test(name)) rmSync(join(folder, name), { recursive: true, force: true })
      }
    }
  }
}
