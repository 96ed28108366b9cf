/** docs/contract.md cannot drift: its signatures are those of the code, and its examples come to what they say. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, expect, it } from 'vitest'

type Example = Readonly<Record<string, unknown>>
interface Means {
  load(): { examples: readonly Example[] }
  run(stage: unknown, example: Example): Example
  text(stage: unknown, example: Example): string
}
const script = new URL('../../scripts/contract_page.mjs', import.meta.url)
const { contractPage } = (await import(/* @vite-ignore */ script.href)) as {
  contractPage(root: URL, means: Means): Promise<string>
}

const home = mkdtempSync(join(tmpdir(), 'sluice-contract-page-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))
mkdirSync(join(home, 'docs'))
symlinkSync(new URL('../../engine', import.meta.url), join(home, 'engine'))

const example = { title: 'x', kept: [0], dropped: { 1: 'bad' } }
/** The page that is made of a text, where the example of a stage comes to `came`. */
function page(text: string, came: Example = example): Promise<string> {
  writeFileSync(join(home, 'docs/contract.md'), text)
  return contractPage(pathToFileURL(`${home}/`), {
    load: () => ({ examples: [example] }),
    run: () => came,
    text: (_, { title }) => `table of ${String(title)}`,
  })
}
const block = '```js\n// mine.mjs\nexport default 1\n```\n'

it('takes signatures from the types, in place of those that stand there', async () => {
  const made = await page('<!-- types: Verdict, Edges, Stage.rows -->\n```ts\nold\n```\n\nMore.\n')
  expect(made).toBe(
    [
      '<!-- types: Verdict, Edges, Stage.rows -->\n```ts',
      'interface Verdict {',
      '  drop(row: number, reason: Why, value?: number, survivor?: number): void',
      '  error(row: number, message: string): void',
      '  note(row: number, note: Note): void',
      '  decided(row: number): boolean',
      '}',
      'interface Edges { a: ArrayLike<number>; b: ArrayLike<number>; value: ArrayLike<number> }',
      'rows: Of<O, E>',
      '```\n\nMore.\n',
    ].join('\n'),
  )
  expect(await page(made)).toBe(made)
})

it('shows of a class what others may use', async () => {
  const made = await page('<!-- types: Batch -->\n')
  expect(made).toContain('\n  rows: number; schema: Schema; groups: Int32Array\n  has(name: string): boolean\n')
  expect(made).not.toMatch(/#|constructor|return/)
})

it('shows what examples come to, in place of what stands there', async () => {
  const made = await page(`${block}\n<!-- shown: mine -->\n`)
  expect(made).toBe(`${block}\n<!-- shown: mine -->\ntable of x\n<!-- end -->\n`)
  expect(await page(made)).toBe(made)
})

it.each<[string, Example, string]>([
  [
    '<!-- types: Verdit -->\n',
    example,
    'takes the signature of Verdit, which is in none of engine/contract/define.ts, ',
  ],
  ['<!-- types: Stage.row -->\n', example, 'takes the signature of Stage.row, '],
  ['<!-- shown: yours -->\n', example, 'shows yours, and has no block of js that begins with // yours.mjs'],
  [block, { ...example, kept: [0, 1] }, "example 'x': kept is [0,1], and the page says [0]; correct the example or"],
])('%j is refused', async (text, came, says) => {
  await expect(page(text, came)).rejects.toThrow(says)
})
