/** `sluice review`: people decide on doubtful pairs, one after another, on a page of this machine. */
import { realpathSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join, relative } from 'node:path'
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
  /** Where decisions are read from and written to, as JSON Lines; beside the runs where it is left out. */
  readonly decisions?: string
  /** Who decides; the user's name where it is left out. */
  readonly by?: string
  /** 0: any that is free. */
  readonly port: number
}

/** Serves the page until it says that it is done, or the process is interrupted; what was decided is on the disk. */
export async function review({ folder, sink, by, port, ...options }: ReviewOptions): Promise<number> {
  const decisions = options.decisions ?? beside(folder)
  if (!decisions.endsWith('.jsonl')) {
    throw new SluiceError(
      `sluice review: --decisions ${decisions} has to end in .jsonl: one decision a line is written there`,
      EXIT.usage,
    )
  }
  if (port > 65_535) {
    throw new SluiceError(`sluice review: --port ${port} is no port; the highest is 65535`, EXIT.usage)
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
    const { length } = list.pairs.filter(pair => file.decisionOn(pair) !== undefined)
    console.log(`${length} of ${list.pairs.length} pairs are decided${length > 0 ? `; ${next}` : ''}`)
  } finally {
    file.close()
  }
  return EXIT.ok
}

/** The file of the output that a run is of: what was decided of one is not looked for in another. */
const beside = (run: string): string => relative(process.cwd(), join(realpathSync(run), '..', '..', 'decisions.jsonl'))

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
