// Tries `sluice review` in a real browser: Chromium of the system (apt-get install chromium, or CHROMIUM=<path>).
//   npm run check:browser
// Makes 10,000 pairs in a temporary folder, publishes them as a list for people, and decides by keyboard alone. Prints
// what was tried and ends with `N passed, N failed`.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { looks, startBrowser } from './browser.mjs'
import { check, counts } from './checks.mjs'

const browser = await startBrowser('check_browser'),
  sluice = fileURLToPath(new URL('sluice.mjs', import.meta.url)),
  home = mkdtempSync(join(tmpdir(), 'sluice-browser-')),
  decisions = join(home, 'decisions.jsonl'),
  PAIRS = 10_000

const hostile = '</section><script>document.title = "obeyed"</script><img src=x onerror=alert(1)> \u202e'
const rows = Array.from({ length: PAIRS }, (_, i) => ({
  id: `p${i}`,
  prompt: i === 1 ? hostile : `How many legs have ${i} herons?`,
  chosen: i === 1 ? hostile : `They have ${2 * i} legs, as each of them has two.`,
  rejected: i === 2 ? 'word '.repeat(4_000) : `They have ${3 * i} legs, as each of them has three.`,
  doubt_probability: i / PAIRS,
}))
writeFileSync(join(home, 'pairs.jsonl'), rows.map(row => `${JSON.stringify(row)}\n`).join(''))
writeFileSync(
  join(home, 'graph.yaml'),
  `version: 1
name: people
stages:
  - { id: pairs, use: read_jsonl, with: { path: ${join(home, 'pairs.jsonl')} } }
  - { id: humans, use: write_jsonl, with: { for: review, order_by: doubt_probability } }
`,
)
const output = join(home, 'out'),
  ran = spawnSync(process.execPath, [sluice, 'run', join(home, 'graph.yaml'), '--output', output, '--quiet'])
assert.equal(ran.status, 0, String(ran.stderr))

/** Starts the page's server; what it says, and what it ends with. */
async function startReview() {
  const args = ['review', '--output', output, '--decisions', decisions, '--by', 'ann'],
    child = spawn(process.execPath, [sluice, ...args], { stdio: ['ignore', 'pipe', 'inherit'] }),
    ended = once(child, 'exit')
  let said = ''
  child.stdout.on('data', chunk => (said += chunk))
  while (!/http:\S+/.test(said)) await once(child.stdout, 'data')
  return { child, ended, url: /http:\S+/.exec(said)[0], said: () => said }
}
const lines = () =>
  readFileSync(decisions, 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
const told = []

/** A page that is ready; whatever it says to the console is a fault. */
async function openPage(url, more = {}) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, ...more })
  page.on('console', message => told.push(message.text())).on('pageerror', error => told.push(error.message))
  await page.goto(url)
  await shows(page, /\d+ of 10000/)
  return page
}
const shows = (page, title) =>
  page.waitForFunction(
    source => new RegExp(source).test(document.title + document.getElementById('title').textContent),
    title.source,
  )
const press = async (page, key, title) => {
  await page.keyboard.press(key)
  await shows(page, title)
}

let review = await startReview(),
  page = await openPage(review.url)
await check('keep, flip, drop, skip, back and undo by keyboard, each on the disk at once', async () => {
  await press(page, 'k', /2 of 10000/)
  assert.deepEqual(
    lines().map(({ id, decision, by }) => [id, decision, by]),
    [['p0', 'keep', 'ann']],
  )
  await press(page, 'f', /3 of 10000/)
  await press(page, 'd', /4 of 10000/)
  await press(page, 's', /5 of 10000/)
  await press(page, 'b', /4 of 10000/)
  assert.deepEqual(
    lines().map(({ decision }) => decision),
    ['keep', 'flip', 'drop'],
  )
  await press(page, 'u', /3 of 10000/)
  assert.equal(lines().length, 2)
  assert.match(await page.textContent('#counts'), /^2 of 10000 decided; 1 label wrong, 50 % .*\[1\.3 % to 99 %\]$/)
})
await check('a note by keyboard, and keys that are typed into it decide nothing', async () => {
  await page.keyboard.press('n')
  await page.keyboard.type('kept for f and d')
  await page.keyboard.press('Enter')
  await press(page, 'k', /4 of 10000/)
  assert.deepEqual([lines().at(-1).id, lines().at(-1).note], ['p2', 'kept for f and d'])
})
await check('buttons by Tab and Enter', async () => {
  await page.focus('#keep')
  await page.keyboard.press('Tab')
  assert.equal(await page.evaluate(() => document.activeElement.id), 'flip')
  await page.keyboard.press('Enter')
  await shows(page, /5 of 10000/)
  assert.equal(lines().at(-1).decision, 'flip')
})
await check('data is shown and not obeyed', async () => {
  await press(page, 'b', /4 of 10000/)
  await press(page, 'b', /3 of 10000/)
  for (let i = 0; i < 5 && !(await page.textContent('#title')).includes(' 2 of'); i++) await page.keyboard.press('b')
  await shows(page, / 2 of 10000/)
  assert.match(await page.textContent('#card .chosen'), /<\/section><script>document\.title/)
  assert.equal(await page.title(), 'Sluice review')
  assert.equal(await page.locator('#card script, #card img').count(), 0)
})
await check('words that differ are marked', async () => {
  const other = await openPage(review.url)
  assert.deepEqual(await other.locator('.chosen mark').allTextContents(), ['8', 'two'])
  await other.close()
})
await check('goes on where it ended, after the server was killed', async () => {
  review.child.kill('SIGKILL')
  await review.ended
  await page.keyboard.press('k')
  await page.waitForSelector('#problem:not([hidden])')
  assert.match(await page.textContent('#problem'), /not written/)
  await page.close()
  told.length = 0
  review = await startReview()
  page = await openPage(review.url)
  assert.match(await page.textContent('#title'), /5 of 10000/)
  assert.match(await page.textContent('#counts'), /^4 of 10000/)
})
for (const [name, more] of looks) {
  await check(`nothing overflows, and every button is in reach: ${name}`, async () => {
    const other = await openPage(review.url, more)
    assert.equal(await other.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true)
    for (const button of await other.locator('nav button').all()) assert.equal(await button.isVisible(), true)
    const { height } = await other.locator('#keep').boundingBox()
    assert.ok(height >= 44, `a button is ${height} px high`)
    await other.close()
  })
}
await check('contrast of words to the ground is at least 4.5, light and dark', async () => {
  for (const colorScheme of ['light', 'dark']) {
    const other = await openPage(review.url, { colorScheme })
    const least = await other.evaluate(() => {
      const light = colour => {
        const [r, g, b] = colour.match(/[\d.]+/g).map(n => {
          const c = n / 255
          return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
        })
        return 0.2126 * r + 0.7152 * g + 0.0722 * b
      }
      const ground = light(getComputedStyle(document.body).backgroundColor)
      const words = [...document.querySelectorAll('h1, p, li, small, .text, button')]
      return Math.min(
        ...words.map(one => {
          const ink = light(getComputedStyle(one).color)
          return (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05)
        }),
      )
    })
    assert.ok(least >= 4.5, `${colorScheme}: ${least}`)
    await other.close()
  }
})
await check('a hundred decisions in a row', async () => {
  const start = performance.now()
  for (let i = 0; i < 100; i++) await press(page, 'k', new RegExp(`${i + 6} of 10000`))
  console.log(`      ${((performance.now() - start) / 100).toFixed(0)} ms a decision, of 10,000 pairs`)
  assert.equal(lines().length, 104)
})
await check('the console is silent', () => assert.deepEqual(told, []))
await check('done ends the process with 0, and says what to do next', async () => {
  await page.keyboard.press('q')
  assert.deepEqual(await review.ended, [0, null])
  assert.match(review.said(), /104 of 10000 pairs are decided; run the graph again with --decisions/)
})
await browser.close()
rmSync(home, { recursive: true })
process.exitCode = counts()
