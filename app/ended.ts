/** How a command ends: its exit code, and an error as one message. */
import { toItsEnd } from '../engine/ends.ts'
import { EXIT, exitCode, SluiceError, systemSaid } from '../engine/errors.ts'
import { terminal as console } from '../engine/terminal.ts'

/** Does the work and returns its exit code; an error goes to stderr as one message. */
export const ended = (work: () => number | Promise<number>): Promise<number> => toItsEnd(() => endedWith(work))

async function endedWith(work: () => number | Promise<number>): Promise<number> {
  // console swallows them; who stops reading, as `head` does, has what was wanted
  let unwritten: (Error & { code?: string }) | undefined
  const onError = (error: Error & { code?: string }) => {
    if (error.code !== 'EPIPE') unwritten = error
  }
  const streams = [process.stdout, process.stderr]
  for (const stream of streams) stream.on('error', onError)
  try {
    const code = await work()
    for (const stream of streams) await new Promise(resolve => stream.write('', resolve))
    if (unwritten === undefined) return code
    console.error(`sluice: what should be printed could not be written (${unwritten.message})`)
    return code === EXIT.ok ? EXIT.io : code
  } catch (error) {
    const code = exitCode(error)
    console.error(code === EXIT.unexpected && !(error instanceof SluiceError) ? error : systemSaid(error).message)
    return code
  } finally {
    for (const stream of streams) stream.off('error', onError)
  }
}
