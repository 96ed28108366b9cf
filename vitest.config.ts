import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/**
 * Test files that read the real data beside the checkout, which is not part of the package; without it they are left
 * out, and that is said.
 */
function withoutSharedData(): string[] {
  if (existsSync(new URL('../shared/data', import.meta.url))) return []
  const files = readdirSync('test', { recursive: true })
    .map(file => join('test', String(file)))
    .filter(file => file.endsWith('.test.ts') && /shared\/data|\bshared\(/.test(readFileSync(file, 'utf8')))
  console.warn(`no ../shared/data: ${files.length} test files that need it are left out: ${files.join(', ')}`)
  return files
}

/** Those that kill, restart and build for minutes: by `npm run check:long`, which `.ci/run` has no time for. */
const long = [
  'test/failures/interrupt.test.ts',
  'test/engine/stale.test.ts',
  'test/stages/new_stage.test.ts',
  'test/properties/runs.test.ts',
]
const isLong = process.env.SLUICE_LONG !== undefined

export default defineConfig({
  test: {
    include: isLong ? long : ['test/**/*.test.ts'],
    exclude: [...withoutSharedData(), ...(isLong ? [] : long)],
    testTimeout: 120_000,
    hookTimeout: 60_000,
    pool: 'forks',
    setupFiles: ['test/setup.ts'],
    // half of the time of a run's test is spent waiting for processes: with two, a third of two cores lay idle
    maxWorkers: 3,
    // the built package as Node loads it for users: transformed it took twice the time to load, and ran slower
    server: { deps: { external: [/\/index\.mjs$/, /\/dist\/[^/]+\.js$/] } },
  },
})
