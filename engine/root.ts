/** Where the package lies, from the sources and from dist/ alike. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const packageRoot = ((): string => {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'index.mjs'))) {
    if (dirname(folder) === folder) throw new Error('sluice: the package has no index.mjs')
    folder = dirname(folder)
  }
  return folder
})()
