/**
 * Errors that end a command with a stated exit code (docs/exit-codes in the README). Anything else is a bug and ends
 * with 1.
 */
export const EXIT = {
  ok: 0,
  unexpected: 1,
  usage: 64,
  data: 65,
  noInput: 66,
  endpoint: 69,
  io: 74,
  later: 75,
  graph: 78,
  interrupted: 130,
  terminated: 143,
} as const

export class SluiceError extends Error {
  readonly exit: number
  constructor(message: string, exit: number, options?: ErrorOptions) {
    super(message, options)
    this.exit = exit
  }
}

/** What the system says of files, and what is said of a file that does not hold what was written to it. */
const ioCodes = new Set([
  'ENOSPC',
  'EDQUOT',
  'EFBIG',
  'EIO',
  'EREMOTEIO',
  'ENXIO',
  'ENODEV',
  'ESTALE',
  'EROFS',
  'EACCES',
  'EPERM',
  'EBUSY',
  'EMFILE',
  'ENFILE',
  'ENOENT',
  'ENOTDIR',
  'EISDIR',
  'ENOTEMPTY',
  'ENAMETOOLONG',
  'ELOOP',
  'CUT_OFF',
  'DAMAGED',
])

/** The exit code of any error. */
export function exitCode(error: unknown): number {
  const { exit, code, name } = error as { exit?: number; code?: string; name?: string }
  if (name === 'GraphError') return EXIT.graph
  if (typeof exit === 'number') return exit
  if (code === 'NO_INPUT') return EXIT.noInput
  if (code === 'BAD_INPUT') return EXIT.data
  if (code === 'INPUT_CHANGED') return EXIT.later
  return code !== undefined && ioCodes.has(code) ? EXIT.io : EXIT.unexpected
}
