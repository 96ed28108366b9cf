/** The command line as tests call it. */
import { inProcess } from '../failures/helpers.ts'

/** Runs it to its end; gives what it said, without the end of its last line. */
export async function sluice(...argv: readonly string[]) {
  const { code, stdout, stderr } = await inProcess(...argv)
  return { code, stdout: stdout.replace(/\n$/, ''), stderr: stderr.replace(/\n$/, '') }
}
