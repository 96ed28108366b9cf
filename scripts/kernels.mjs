// Compiles scripts/kernels/text.ts (AssemblyScript) into engine/arrow/kernels.ts. `--check`: says whether that file is
// what the source gives, and writes nothing. The compiler is fetched by npx for this alone: it is a hundred megabytes,
// and nobody needs it who does not change the kernels.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const {
  values: { check },
} = parseArgs({ options: { check: { type: 'boolean' } } })
const source = fileURLToPath(new URL('kernels/text.ts', import.meta.url)),
  target = fileURLToPath(new URL('../engine/arrow/kernels.ts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'sluice-kernels-')),
  binary = join(folder, 'text.wasm')
try {
  execFileSync(
    'npx',
    [
      '--yes',
      '--package',
      'assemblyscript@0.28.20',
      'asc',
      source,
      '-o',
      binary,
      '-O3',
      '--noAssert',
      '--runtime',
      'stub',
      '--enable',
      'simd',
      '--initialMemory',
      '4',
    ],
    { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] },
  )
  const text = `/** WebAssembly in base64, made of scripts/kernels/text.ts by \`npm run kernels\`. */\nexport const wasm = '${readFileSync(binary).toString('base64')}'\n`
  const same = readFileSync(target, 'utf8') === text
  if (!check) writeFileSync(target, text)
  console.log(
    same
      ? 'kernels are as their source'
      : check
        ? 'engine/arrow/kernels.ts is not what scripts/kernels/text.ts gives: run `npm run kernels`'
        : 'kernels are made anew',
  )
  if (!same && check) process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
