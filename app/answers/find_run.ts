/** Which run a word names: the same for all commands that ask of one. */
import { existsSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { EXIT, SluiceError } from '../../engine/errors.ts'
import { WHOLE_RUN_NAME } from '../../engine/files/published.ts'
import { latestRun } from '../../engine/run/publish.ts'

const MOST_NAMED = 5

/**
 * The folder of a run: `word` is that folder, or that of an output (its latest run), the name of a run of `output`, or
 * the end of its name; without it the latest run of `output`. Ends with 66 where there is none, with 64 where there
 * are several.
 */
export function findRun(word: string | undefined, output: string): string {
  if (word === undefined) {
    const latest = latestRun(output)
    if (latest !== undefined) return latest
    throw new SluiceError(
      `sluice: there is no published run in ${resolve(output)}; run a graph first, or name the folder with --output`,
      EXIT.noInput,
    )
  }
  const isRun = (folder: string) => existsSync(join(folder, 'manifest.json'))
  if (isRun(word)) return resolve(word)
  if (isRun(join(word, 'latest'))) return latestRun(word)!
  const runs = join(output, 'runs'),
    names = existsSync(runs)
      ? readdirSync(runs)
          .filter(name => WHOLE_RUN_NAME.test(name) && isRun(join(runs, name)))
          .sort()
          .reverse()
      : [],
    found = names.includes(word) ? [word] : names.filter(name => name.endsWith(word))
  if (found.length === 1) return join(runs, found[0])
  if (word === 'latest' && found.length === 0) return findRun(undefined, output)
  const some = (of: readonly string[]) =>
    `${of.slice(0, MOST_NAMED).join(', ')}${of.length > MOST_NAMED ? ` and ${of.length - MOST_NAMED} more` : ''}`
  if (found.length > 1) {
    throw new SluiceError(
      `sluice: '${word}' ends the names of ${found.length} runs in ${resolve(runs)}: ${some(found)}; give more of the name`,
      EXIT.usage,
    )
  }
  const unfinished = existsSync(word) ? ' (a folder without manifest.json is unfinished, or no run)' : '',
    there = names.length > 0 ? `there are ${some(names)}` : 'there is none'
  throw new SluiceError(
    `sluice: there is no run in ${resolve(word)}${unfinished}, and of those in ${resolve(runs)} none has a name that ends so; ${there}`,
    EXIT.noInput,
  )
}
