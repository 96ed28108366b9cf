/**
 * Parquet files with a few bytes changed: each is read as it was, refused in one line that names it, or read with other
 * values where nothing in the file speaks against them. Never a hang, a crash, or words of JavaScript. `MUTATIONS=3865
 * SEED=1 npx vitest run test/parquet/mutations.test.ts` tries others, and more.
 */
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { openParquet } from '../../engine/parquet/file.ts'
import { fixture, read, temporary } from './helpers.ts'

const COUNT = Number(process.env.MUTATIONS ?? 300),
  SEED = Number(process.env.SEED ?? 17),
  MOST_MS = 10_000

const sources = [
  ...['v1-snappy', 'lz4-plain', 'v2-zstd-index-crc', 'v2-brotli-encodings', 'int96-gzip-crc'].map(name =>
    fixture(`${name}.parquet`),
  ),
  ...['pairs-en', 'pairs-chat'].map(name => `data/sample/${name}.parquet`),
]

/** Numbers of [0, most), the same for a seed. */
function numbers(seed: number): (most: number) => number {
  let state = seed | 0
  return most => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * most)
  }
}

/**
 * One change: of bits, of a byte, of a stretch that is cut out, doubled, blanked or put elsewhere. Half of them in the
 * footer.
 */
function mutate(file: Buffer, random: (most: number) => number): Buffer {
  const footer = file.length - 8 - file.readUInt32LE(file.length - 8)
  const at = random(2) === 0 ? footer + random(file.length - 8 - footer) : random(footer),
    size = 1 + random(64)
  const copy = Buffer.from(file)
  switch (random(7)) {
    case 0:
    case 1:
      copy[at] ^= 1 << random(8)
      return copy
    case 2:
      copy[at] = random(256)
      return copy
    case 3:
      return Buffer.concat([file.subarray(0, at), file.subarray(at + size)])
    case 4:
      return Buffer.concat([file.subarray(0, at + size), file.subarray(at)])
    case 5:
      return copy.fill(0, at, Math.min(at + size, file.length))
    default:
      file.copy(copy, random(file.length - size), at, at + size)
      return copy
  }
}

const digest = async (path: string): Promise<string> => {
  const file = await openParquet(path),
    hash = createHash('sha256')
  hash.update(String(file.schema))
  for (const row of (await read(file)).rows) hash.update(JSON.stringify(row))
  return hash.digest('hex')
}

it(
  `${COUNT} mutated files are read or refused, each within seconds (seed ${SEED})`,
  async () => {
    const random = numbers(SEED),
      path = temporary('mutated.parquet')
    const files = await Promise.all(
      sources.map(async source => ({ source, bytes: readFileSync(source), right: await digest(source) })),
    )
    const counts = { refused: 0, same: 0, other: 0 }
    let longest = 0
    for (let i = 0; i < COUNT; i++) {
      const { bytes, right, source } = files[random(files.length)]
      writeFileSync(path, mutate(bytes, random))
      const begun = performance.now()
      const found = await digest(path).catch((error: unknown) => error as Error)
      longest = Math.max(longest, performance.now() - begun)
      if (typeof found === 'string') {
        counts[found === right ? 'same' : 'other']++
        continue
      }
      counts.refused++
      expect(found.message, `mutation ${i} of ${source}`).toMatch(/^read_parquet: \S+mutated\.parquet: [^\n]+$/)
      expect(found.message, `mutation ${i} of ${source}`).not.toMatch(
        /undefined|NaN|Cannot |is not (a function|iterable|defined)|call stack|Invalid|allocation|\[object/,
      )
    }
    console.log(
      `${COUNT} mutated files, seed ${SEED}: ${counts.refused} refused, ${counts.same} read as they were, ${counts.other} read with other values; the longest took ${Math.ceil(longest)} ms`,
    )
    expect(longest).toBeLessThan(MOST_MS)
  },
  30_000 + COUNT * 400,
)
