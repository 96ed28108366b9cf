// Preloaded by --import: the process suspends itself, once, where its main thread makes a folder or gives a file
// another name, and `make <path>` or `name <path>` matches AT.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { isMainThread } from 'node:worker_threads'

const at = new RegExp(process.env.AT)
let done = !isMainThread
const suspended =
  (what, real) =>
  (path, ...more) => {
    if (!done && at.test(`${what} ${path}`)) {
      done = true
      process.stderr.write('suspended\n')
      process.kill(process.pid, 'SIGSTOP')
    }
    return real(path, ...more)
  }
fs.mkdirSync = suspended('make', fs.mkdirSync)
fs.renameSync = suspended('name', fs.renameSync)
syncBuiltinESMExports()
