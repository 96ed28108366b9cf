// Python with pinned packages, in a folder that is kept for the next time. For checks; pip needs the network at first.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The path of a python that has `packages`, in the folder `named`, or in one of this name below the system's. */
export function pythonWith(packages, name, named) {
  const venv = named ?? join(tmpdir(), name),
    stamp = join(venv, 'packages.txt'),
    wanted = packages.join('\n')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return join(venv, 'bin', 'python')
  if (named !== undefined && existsSync(venv) && !existsSync(stamp)) {
    // it may be anything of the user's
    console.error(`${venv} is there and was not made by a check: name a folder that is not there yet`)
    process.exit(64)
  }
  console.log(`      installing ${packages.join(' ')} in ${venv}`)
  rmSync(venv, { recursive: true, force: true })
  const ask = (command, args) => execFileSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] })
  ask('python3', ['-m', 'venv', venv])
  ask(join(venv, 'bin', 'pip'), ['install', '--quiet', '--disable-pip-version-check', ...packages])
  writeFileSync(stamp, wanted)
  return join(venv, 'bin', 'python')
}
