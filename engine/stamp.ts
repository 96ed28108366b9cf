/** Which code runs: that which was loaded. What lies in dist/ may be other code by now, as after an upgrade. */
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { EXIT, IoError, isIoFault, SluiceError } from './errors.ts'
import { readAll } from './io.ts'
import { packageRoot } from './root.ts'

/** Written into dist/ by the build. */
declare const SLUICE_STAMP: string | undefined

export const codeStamp = typeof SLUICE_STAMP === 'undefined' ? '' : SLUICE_STAMP

/** Whether what is loaded from dist/ now, as a stage or what stages import, is of other code than what runs. */
export function isReplaced(): boolean {
  if (codeStamp === '') return false
  const head = Buffer.alloc(`// ${codeStamp}`.length),
    path = join(packageRoot, 'dist', 'api.js')
  try {
    const fd = openSync(path, 'r')
    try {
      readAll(fd, head, 0, path)
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    // a disk that fails says nothing of the code
    if (isIoFault(code)) throw new IoError(`${path}: cannot be read (${message})`, { cause: error })
    return true
  }
  return head.toString() !== `// ${codeStamp}`
}

export const replacedCode = (): SluiceError =>
  new SluiceError(
    `run: ${join(packageRoot, 'dist')} was replaced while this process ran, as by an upgrade, and a part of the run would be of other code; nothing is published: start again, and the new code does all of it`,
    EXIT.later,
  )
