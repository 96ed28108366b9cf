/**
 * Ends of the process that are not ours: code of a user's stage runs in it, and one that exits with 0, or awaits what
 * never comes, would look like a run that went well.
 */
import { EXIT } from './errors.ts'
import { inLine, terminal } from './terminal.ts'

/** Works under way: a script's holds a run, and that the imports of its stages. */
let under = 0
let isDry = false
/** Files of users' stages that are loaded: a timer or promise of theirs may end the process later on. */
const loaded = new Set<string>()
const onDry = () => {
  isDry = true
}

function onExit(code: number): void {
  // who handles signals on their own ends so
  if (code === EXIT.interrupted || code === EXIT.terminated) return
  process.exitCode = EXIT.unexpected
  const named = [...loaded].map(inLine).join(', '),
    where = named && `, most likely in ${named}, or what ${loaded.size > 1 ? 'they import' : 'it imports'}`
  const [what, advice] = isDry
    ? [
        'ended before its work was done: something is awaited that never comes',
        'see to it that each promise is settled',
      ]
    : [
        `was ended with code ${code} before its work was done`,
        'call process.exit only where a file is started by itself, and throw an Error to end a run',
      ]
  terminal.error(`sluice: the process ${what}${where}; ${advice}`)
}

/** Does some work: a process that ends before it is settled ends with 1 and a line. */
export async function toItsEnd<T>(work: () => Promise<T>): Promise<T> {
  if (under++ === 0) process.on('beforeExit', onDry).on('exit', onExit)
  try {
    return await work()
  } finally {
    if (--under === 0) {
      process.off('beforeExit', onDry).off('exit', onExit)
      loaded.clear()
      isDry = false
    }
  }
}

/** The same for the import of a user's stage, which is what ends the process meanwhile. */
export async function importedWhole<T>(path: string, work: () => Promise<T>): Promise<T> {
  const onImportExit = (code: number) => {
    process.exitCode = EXIT.unexpected
    terminal.error(
      `sluice: ${path} ends the process when it is imported (process.exit(${code}), in it or in what it imports), ` +
        'so nothing was done; ' +
        'call process.exit only where the file is started by itself, or move its command line to another file',
    )
  }
  process.off('exit', onExit).on('exit', onImportExit)
  try {
    return await work()
  } finally {
    loaded.add(path)
    process.off('exit', onImportExit)
    if (under > 0) process.on('exit', onExit)
  }
}
