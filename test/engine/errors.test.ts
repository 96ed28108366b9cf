/** Errors on their way from one thread to another. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import {
  DataError,
  EXIT,
  exitCode,
  IoError,
  pack,
  prefixed,
  SluiceError,
  systemSaid,
  unpack,
} from '../../engine/errors.ts'
import { run } from '../../index.mjs'
import { folder, pairs, writeJsonl } from './helpers.ts'

const crossed = (error: unknown) => unpack(structuredClone(pack(error)))

it('an error is of its class again, with its message, stack and fields', () => {
  for (const error of [new DataError('bad'), new IoError('gone'), new SluiceError('no', 69)]) {
    const made = crossed(error)
    expect(made).toBeInstanceOf(error.constructor)
    expect([made.message, made.stack, exitCode(made)]).toEqual([error.message, error.stack, error.exit])
    expect(crossed(made)).toBeInstanceOf(error.constructor)
  }
})

it('a class below one of them is that one; what is none of them is an Error with its code', () => {
  class Own extends DataError {}
  expect(crossed(new Own('x')).constructor).toBe(DataError)
  const full = Object.assign(new Error('ENOSPC: no space'), { code: 'ENOSPC', syscall: 'write', retry: () => 1 })
  const made = crossed(full)
  expect(made).toMatchObject({ code: 'ENOSPC', syscall: 'write' })
  expect(made.constructor).toBe(Error)
  expect([exitCode(made), exitCode(crossed(new TypeError('x'))), exitCode(crossed('text'))]).toEqual([
    EXIT.io,
    EXIT.unexpected,
    EXIT.unexpected,
  ])
  expect(crossed('text').message).toBe('text')
})

it('words before its message do not change its class, also once it has crossed', () => {
  const made = crossed(prefixed('noise (detect_noise)', new DataError('no votes')))
  expect(made).toBeInstanceOf(DataError)
  expect([made.message, exitCode(made)]).toEqual(['noise (detect_noise): no votes', EXIT.data])
  expect(made.stack).toContain('noise (detect_noise): no votes')
})

/** As Node makes it where libuv has no name. */
const nameless = (number: number) => {
  const code = `Unknown system error -${number}`
  return Object.assign(new Error(`${code}: ${code}, write`), { errno: -number, code, syscall: 'write' })
}

it.each(['EDQUOT', 'ESTALE', 'EBADMSG', 'ENOLINK', 'ENOLCK'] as const)(
  "%s, for which Node says a number, is the disk's, with its name",
  name => {
    for (const error of [nameless(constants.errno[name]), crossed(nameless(constants.errno[name]))]) {
      expect(exitCode(error)).toBe(EXIT.io)
      expect(systemSaid(error)).toEqual({
        code: name,
        message: expect.stringMatching(`^${name}: .*, write$`) as unknown,
      })
    }
  },
)

it("a number beside UNKNOWN, as writev gives it, is the disk's too", () => {
  const { EDQUOT } = constants.errno,
    error = Object.assign(new Error('UNKNOWN: unknown error, writev'), { code: 'UNKNOWN', errno: -EDQUOT })
  expect([exitCode(error), systemSaid(error)]).toEqual([
    EXIT.io,
    { code: 'EDQUOT', message: 'EDQUOT: disk quota exceeded, writev' },
  ])
})

const said = (code: string, syscall: string) =>
  Object.assign(new Error(`${code}: as the system says it, ${syscall}`), { code, syscall })

it.each(['ETIMEDOUT', 'EHOSTDOWN', 'EHOSTUNREACH', 'ENOTCONN', 'ECONNRESET', 'ENOMEM', 'EAGAIN', 'ENOTSUP', 'EXDEV'])(
  '%s of a file is the disk, and of a server that somebody asks by himself is none',
  code => {
    for (const syscall of ['open', 'write', 'fsync', 'rename', 'symlink', 'stat', 'scandir']) {
      expect([exitCode(said(code, syscall)), exitCode(crossed(said(code, syscall)))]).toEqual([EXIT.io, EXIT.io])
    }
    expect(exitCode(said(code, 'connect'))).toBe(EXIT.unexpected)
    expect(exitCode(Object.assign(new Error('x'), { code }))).toBe(EXIT.unexpected)
  },
)

it('a number that is none of a disk stays one, and is no exit code of it', () => {
  const error = nameless(constants.errno.ECHILD)
  expect([exitCode(error), systemSaid(error)]).toEqual([EXIT.unexpected, { code: error.code, message: error.message }])
  expect(systemSaid(new TypeError('x'))).toEqual({ code: undefined, message: 'x' })
})

it('a run says of a quota that is reached what it says of a full disk; a file that is too large ends with 74 too', async () => {
  const at = folder(),
    path = writeJsonl(join(at, 'in.jsonl'), pairs(3))
  const stages = [
    { id: 'pairs', use: 'read_jsonl', with: { path } },
    { id: 'dpo', use: 'write_jsonl' },
  ]
  const failing = (error: Error) =>
    run(
      { version: 1, name: 'g', stages },
      {
        output: join(at, 'out'),
        workers: 1,
        onProgress() {
          throw error
        },
      },
    )
  await expect(failing(nameless(constants.errno.EDQUOT))).rejects.toMatchObject({
    exit: EXIT.io,
    message: `run: no space left (EDQUOT: disk quota exceeded, write) while ${join(at, 'out')} was written; free some or choose another --output, then run the same command again: what is finished is kept`,
  })
  const large = Object.assign(new Error('EFBIG: file too large, write'), { code: 'EFBIG' })
  await expect(failing(large)).rejects.toMatchObject({
    exit: EXIT.io,
    message: expect.stringMatching(/^run: EFBIG: file too large, write; what is finished is kept/) as unknown,
  })
  await expect(failing(said('ETIMEDOUT', 'fsync'))).rejects.toMatchObject({
    exit: EXIT.io,
    message: expect.stringMatching(
      /^run: ETIMEDOUT: as the system says it, fsync; what is finished is kept/,
    ) as unknown,
  })
})

it.each<[string, (output: string) => string]>([
  ['the lock cannot be read', output => join(output, '.sluice', 'lock')],
  ['what is half done cannot be removed', output => join(output, 'runs')],
])('a run says what went wrong first where %s afterwards', async (_, pathIn) => {
  const at = folder(),
    output = join(at, 'out'),
    path = writeJsonl(join(at, 'in.jsonl'), pairs(3)),
    damaged = pathIn(output)
  const stages = [
    { id: 'pairs', use: 'read_jsonl', with: { path } },
    { id: 'dpo', use: 'write_jsonl' },
  ]
  const fail = run(
    { version: 1, name: 'g', stages },
    {
      output,
      workers: 1,
      onProgress() {
        rmSync(damaged, { recursive: true })
        // a file for a folder, and a folder for a file
        if (damaged.endsWith('lock')) mkdirSync(damaged)
        else writeFileSync(damaged, '')
        throw new SluiceError('first', EXIT.endpoint)
      },
    },
  )
  await expect(fail).rejects.toMatchObject({ exit: EXIT.endpoint, message: 'first' })
})
