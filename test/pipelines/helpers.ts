/** Runs the scripts of pipelines/ as users do: by zx, in a process of its own. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const pipelines = fileURLToPath(new URL('../../pipelines/', import.meta.url))
export const sample = fileURLToPath(new URL('../../data/sample/', import.meta.url))
/** The pairs in it: beside them lies what was planted. */
export const samplePairs = join(sample, '*.parquet')
export const root = fileURLToPath(new URL('../../', import.meta.url))
const zx = createRequire(import.meta.url).resolve('zx/cli')

export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs `pipelines/<script>` with arguments in a working directory of its own. */
export const script = (name: string, args: readonly string[], cwd: string): Promise<Ended> =>
  new Promise((resolve, reject) => {
    execFile(process.execPath, [zx, join(pipelines, name), ...args], { cwd }, (error, stdout, stderr) => {
      if (error && typeof error.code !== 'number') reject(error)
      else resolve({ code: error ? Number(error.code) : 0, stdout, stderr })
    })
  })

/** sha256 of every file below a folder. */
export const hashes = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true })
      .map(String)
      .sort()
      .filter(file => statSync(join(folder, file)).isFile())
      .map(file => [
        file,
        createHash('sha256')
          .update(readFileSync(join(folder, file)))
          .digest('hex'),
      ]),
  )
