/**
 * Errors that end a command with a stated exit code (docs/exit-codes in the README). Anything else is a bug and ends
 * with 1.
 */
import { constants } from 'node:os'

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

/** Ends with `exit`. */
export class SluiceError extends Error {
  readonly exit: number
  constructor(message: string, exit: number, options?: ErrorOptions) {
    super(message, options)
    this.exit = exit
  }
}

/** What is read cannot be used as it is. */
export class DataError extends SluiceError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, EXIT.data, options)
  }
}

/** There is nothing to read where something is named. */
export class NoInputError extends SluiceError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, EXIT.noInput, options)
  }
}

/** An input is not what it was when the run began. */
export class ChangedInputError extends SluiceError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, EXIT.later, options)
  }
}

/** A disk or a server does not give what lies there, or a file does not hold what was written to it. */
export class IoError extends SluiceError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, EXIT.io, options)
  }
}

/** The classes that cross from one thread to another, the one that all belong to first. */
const classes = { SluiceError, DataError, NoInputError, ChangedInputError, IoError } as const

/** An error on its way to another thread. `fields` are its own, as `exit`, `code` and `syscall`. */
export interface Packed {
  readonly of?: keyof typeof classes
  readonly message: string
  readonly stack?: string
  readonly fields: Readonly<Record<string, unknown>>
}

export function pack(thrown: unknown): Packed {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown)),
    { message, stack } = error
  const names = Object.keys(classes) as (keyof typeof classes)[]
  return {
    of: names.findLast(name => error instanceof classes[name]),
    message,
    stack,
    // what a user's error has besides may be nothing that can be sent
    fields: Object.fromEntries(
      Object.entries(error).filter(([, value]) => ['string', 'number'].includes(typeof value)),
    ),
  }
}

/** The error that `pack` took apart, of the same class. */
export function unpack({ of, message, stack, fields }: Packed): Error {
  const error = Object.assign(new Error(message), { stack }, fields)
  return of === undefined ? error : (Object.setPrototypeOf(error, classes[of].prototype) as Error)
}

/** Whether the system says that a disk or a server fails, and not that a name is not there or may not be read. */
export const isIoFault = (code: string | undefined): boolean =>
  code !== undefined && !['EACCES', 'EPERM', 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'EISDIR'].includes(code)

/** The same error, of the same class, with words before its message. */
export function prefixed(words: string, thrown: unknown): Error {
  const packed = pack(thrown),
    message = `${words}: ${packed.message}`
  const error = unpack({ ...packed, message, stack: packed.stack?.replace(packed.message, () => message) })
  return Object.assign(error, { cause: thrown })
}

/**
 * What disks and shares say that libuv has no name for, by number: Node calls it `Unknown system error -122`. Two are
 * Linux's alone.
 */
const nameless = new Map<number | undefined, readonly [code: string, about: string]>([
  [constants.errno.EDQUOT, ['EDQUOT', 'disk quota exceeded']],
  [constants.errno.ESTALE, ['ESTALE', 'stale file handle']],
  [constants.errno.EBADMSG, ['EBADMSG', 'bad message, as of a checksum that is wrong']],
  [constants.errno.ENOLINK, ['ENOLINK', 'the link to the server is cut']],
  [constants.errno.ENOLCK, ['ENOLCK', 'no locks are left']],
  ...(process.platform === 'linux'
    ? ([
        [117, ['EUCLEAN', 'the file system is damaged']],
        [123, ['ENOMEDIUM', 'no medium found']],
      ] as const)
    : []),
])

/** The code of an error of the system, and its message, with its name where Node says a number. */
export function systemSaid(error: unknown): { code?: string; message: string } {
  const { code, errno, message } = error as Error & { code?: unknown; errno?: unknown },
    text = typeof code === 'string' ? code : undefined,
    [, number] = /^Unknown system error -(\d+)$/.exec(text ?? '') ?? [],
    // some calls, as writev, give UNKNOWN and the number beside it
    [name, about] = nameless.get(Number(number ?? (text === 'UNKNOWN' ? -Number(errno) : NaN))) ?? []
  return name === undefined
    ? { code: text, message }
    : { code: name, message: message.replace(/(?:Unknown system error -\d+|UNKNOWN): [^,]*/, `${name}: ${about}`) }
}

/** What the system says of files. */
const ioCodes = new Set([
  'ENOSPC',
  'EDQUOT',
  'EFBIG',
  'EIO',
  'EREMOTEIO',
  'EBADMSG',
  'ENOLINK',
  'ENOLCK',
  'EUCLEAN',
  'ENOMEDIUM',
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
])

/** What it says of them where they lie on a share, or on a file system that has not all, or where memory is short. */
const shareCodes = new Set([
  'ETIMEDOUT',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ENOTCONN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPROTO',
  'ENOBUFS',
  'ENOMEM',
  'EAGAIN',
  'EINTR',
  'ECANCELED',
  'ETXTBSY',
  'EXDEV',
  'EMLINK',
  'EILSEQ',
  'EOVERFLOW',
  'ENOSYS',
  'ENOTSUP',
  'EOPNOTSUPP',
])

/** The exit code of any error. */
export function exitCode(error: unknown): number {
  if (error instanceof SluiceError) return error.exit
  const { exit, syscall = '' } = error as { exit?: number; syscall?: string }
  if (typeof exit === 'number') return exit
  const { code = '' } = systemSaid(error),
    // a server that a stage of one's own asks by itself is no disk
    isShare = shareCodes.has(code) && !/^(?:|connect|getaddrinfo)$/.test(syscall)
  return ioCodes.has(code) || isShare ? EXIT.io : EXIT.unexpected
}
