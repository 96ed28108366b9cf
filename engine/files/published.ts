/** Which folders runs published into. */
import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** How a run is named: by when it was published, and its hash. */
export const RUN_NAME = /^\d{8}T\d{6}Z-/
/** The same to its end: a copy that somebody made of a run has more. */
export const WHOLE_RUN_NAME = /^\d{8}T\d{6}Z-[0-9a-f]{8}(-\d+)?$/
/** Digits of a run's hash in its name. */
export const HASH_SHOWN = 8
/** What the name of a run that is published now begins with. */
export const runStamp = (): string =>
  new Date()
    .toISOString()
    .replace(/[-:]/g, '')
    .replace(/\.\d+Z$/, 'Z')

/** Whether a folder is a published run, by what it has itself: the cache beside it may have been deleted. */
export const isRun = (folder: string): boolean =>
  basename(dirname(folder)) === 'runs' &&
  existsSync(join(folder, 'manifest.json')) &&
  (RUN_NAME.test(basename(folder)) || existsSync(join(folder, '..', '..', '.sluice')))

/** Whether a folder is the output of runs. */
export function isOutput(folder: string): boolean {
  const runs = join(folder, 'runs')
  if (!existsSync(runs)) return false
  return existsSync(join(folder, '.sluice')) || readdirSync(runs).some(name => isRun(join(runs, name)))
}
