// Preloaded by --import: of files in a folder `in` no look tells that they were changed, as where a program writes
// through a mapping, or a disk gives other bytes.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const { statSync } = fs
fs.statSync = (path, options) => {
  const stat = statSync(path, options)
  return options?.bigint && /\/in\/[^/]+$/.test(path)
    ? Object.assign(stat, { mtimeNs: 1n, ctimeNs: 1n, ino: 1n })
    : stat
}
syncBuiltinESMExports()
