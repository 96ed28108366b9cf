/** A run in a real pseudo-terminal: redrawn in place while it goes on, then ten lines at most, none too long. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { fileURLToPath } from 'node:url'
import { expect, it, vi } from 'vitest'
import { folder, pairs, writeJsonl } from '../engine/helpers.ts'

vi.setConfig({ testTimeout: 120_000 })

const sluice = fileURLToPath(new URL('../../scripts/sluice.mjs', import.meta.url))
// no package of npm opens a terminal without a native module
const OPEN = `
import fcntl, os, pty, struct, sys, termios
child, fd = pty.fork()
if child == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack('HHHH', 24, int(sys.argv[1]), 0, 0))
    os.execvp(sys.argv[2], sys.argv[2:])
while True:
    try: some = os.read(fd, 65536)
    except OSError: break
    if not some: break
    sys.stdout.buffer.write(some)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
`
const hasPython = spawnSync('python3', ['-c', 'import pty, os; os.waitstatus_to_exitcode']).status === 0

it.skipIf(!hasPython).each([
  [100, {}],
  [40, { NO_COLOR: '1' }],
])('a terminal of %i columns, with %o', (columns, env) => {
  const at = folder(),
    input = writeJsonl(join(at, 'in.jsonl'), pairs(40)),
    graph = writeJsonl(join(at, '整理.json'), [
      {
        version: 1,
        name: '整理',
        stages: [
          { id: 'pairs', use: 'read_jsonl', with: { path: input } },
          { id: 'unique', use: 'drop_duplicates' },
          { id: 'noise', use: 'detect_noise' },
          { id: 'dpo', use: 'write_jsonl' },
          { id: 'humans', use: 'write_jsonl', from: 'noise.doubtful', with: { for: 'review' } },
        ],
      },
    ])
  const plain = { ...process.env, TERM: 'xterm-256color' } as NodeJS.ProcessEnv
  for (const name of ['NO_COLOR', 'FORCE_COLOR', 'CI', 'NODE_DISABLE_COLORS']) delete plain[name]
  const { status, stdout, stderr } = spawnSync(
    'python3',
    ['-c', OPEN, String(columns), process.execPath, sluice, 'run', graph, '--workers', '1'],
    { cwd: at, encoding: 'utf8', env: { ...plain, ...env } },
  )
  expect(status, stdout + stderr).toBe(0)
  const text = stdout.replaceAll('\r\n', '\n'),
    lines = text.slice(text.lastIndexOf('40 pairs in')).trimEnd().split('\n').map(stripVTControlCharacters)
  expect(lines[0]).toMatch(/^40 pairs in -> 40 to train on/)
  expect(lines.length).toBeLessThanOrEqual(10)
  for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(columns - (line.includes('整理') ? 2 : 0))
  expect(lines.join('\n')).toMatch(/page +out\/latest\/report.html/)
  // what went on was drawn, in place, and taken away
  expect(text).toMatch(/整理 {2}40 rows/)
  expect(text).toContain('\u001b[2K')
  expect(/\u001b\[\d*m/.test(text)).toBe(!('NO_COLOR' in env))
  // the cursor is there all the time, so that no handler of Ctrl-C is needed to bring it back
  expect(text).not.toContain('\u001b[?25l')
})
