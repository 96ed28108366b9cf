/** Errors on their way from one thread to another. */
import { expect, it } from 'vitest'
import { DataError, EXIT, exitCode, IoError, pack, prefixed, SluiceError, unpack } from '../../engine/errors.ts'

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
