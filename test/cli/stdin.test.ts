/** Standard input as an input. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { withStdin } from '../../app/stdin.ts'
import { folder } from '../engine/helpers.ts'

const piped = (...chunks: (string | Buffer)[]) => Readable.from(chunks.map(chunk => Buffer.from(chunk)))

it.each<[string, (string | Buffer)[], string]>([
  ['JSON Lines', ['\ufeff{"prompt":', '"Q"}\n'], '.jsonl'],
  ['packed lines', [gzipSync('{"prompt":"Q"}\n')], '.jsonl.gz'],
  ['CSV', ['prompt,chosen\nQ,{a}\n'], '.csv'],
  ['tabs', ['prompt\tchosen\nQ\ta\n'], '.tsv'],
])('%s are a file of the output, the same again the same file', async (_, chunks, ending) => {
  const output = join(folder(), 'out'),
    [first, second] = (await withStdin(['-', 'more.jsonl'], output, piped(...chunks)))!
  expect([relative(output, first).replace(/[\da-f]{32}/, 'HASH'), second]).toEqual([
    `.sluice/input/HASH${ending}`,
    'more.jsonl',
  ])
  expect(readFileSync(first)).toEqual(Buffer.concat(chunks.map(chunk => Buffer.from(chunk))))
  expect(await withStdin(['-'], output, piped(...chunks))).toEqual([first])
  expect(readdirSync(join(output, '.sluice/input'))).toHaveLength(1)
})

it.each<[string, string[], Readable & { isTTY?: boolean }, RegExp, number]>([
  ['nothing', ['-'], piped(), /nothing came/, 66],
  ['Parquet', ['-'], piped('PAR1 and more'), /takes JSON Lines or CSV, and what came is a Parquet file/, 64],
  ['a terminal', ['-'], Object.assign(piped('x'), { isTTY: true }), /nothing is piped into it/, 64],
  ['twice', ['-', '-'], piped('x'), /is named twice/, 64],
])('%s: is told, and leaves nothing', async (_, input, stdin, why, exit) => {
  const output = folder()
  await expect(withStdin(input, output, stdin)).rejects.toMatchObject({
    message: expect.stringMatching(why) as string,
    exit,
  })
  const kept = join(output, '.sluice/input')
  expect(existsSync(kept) ? readdirSync(kept) : []).toEqual([])
})

it('other inputs are left as they are', async () => {
  expect(await withStdin(['a'], 'out', piped('x'))).toEqual(['a'])
  expect(await withStdin(undefined, 'out', piped('x'))).toBeUndefined()
})
