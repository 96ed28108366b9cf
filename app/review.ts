/** `sluice review`: people decide on doubtful pairs, one after another, on a page of this machine. */
import { existsSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { EXIT, SluiceError } from '../engine/errors.ts'
import { terminal as console } from '../engine/terminal.ts'
import { openDecisions } from './review/file.ts'
import { readList } from './review/list.ts'
import { serve } from './review/server.ts'

export interface ReviewOptions {
  /** Folder of the run. */
  readonly folder: string
  /** The list, where the run has more than one. */
  readonly sink?: string
  /** Where decisions are read from and written to, as JSON Lines. */
  readonly decisions: string
  /** Who decides; the user's name where it is left out. */
  readonly by?: string
  /** 0: any that is free. */
  readonly port: number
}

/** Serves the page until it says that it is done, or the process is interrupted; what was decided is on the disk. */
export async function review({ folder, sink, decisions, by, port }: ReviewOptions): Promise<number> {
  if (!decisions.endsWith('.jsonl')) {
    throw new SluiceError(
      `sluice review: --decisions ${decisions} has to end in .jsonl: one decision a line is written there`,
      EXIT.usage,
    )
  }
  const list = await readList(folder, sink),
    file = openDecisions(decisions),
    next = `run the graph again with --decisions ${decisions}`
  try {
    const { url, done, close } = await serve({ pairs: list.pairs, file, by: by ?? userName(), port, next })
    console.log(`${list.pairs.length} pairs of ${list.sink}, decisions go to ${decisions}; open ${url}`)
    console.log('Ctrl-C, or Q on the page, ends it.')
    await Promise.race([done, interrupted()])
    await close()
    const { length } = list.pairs.filter(({ id }) => file.all.has(id))
    console.log(`${length} of ${list.pairs.length} pairs are decided${length > 0 ? `; ${next}` : ''}`)
  } finally {
    file.close()
  }
  return EXIT.ok
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    return 'unknown'
  }
}

const interrupted = (): Promise<void> =>
  new Promise(resolve => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })

/** The folder of a run that a word names: itself, or that of the latest run of an output. */
export function namedRun(word: string): string {
  const folders = [word, join(word, 'latest')].map(folder => resolve(folder)),
    found = folders.find(folder => existsSync(join(folder, 'manifest.json')))
  if (found) return found
  throw new SluiceError(
    `sluice review: there is no run in ${folders[0]}; name the folder of a run, or that given to --output`,
    EXIT.noInput,
  )
}
