// Tries report.html in a real browser: Chromium of the system (apt-get install chromium, or CHROMIUM=<path>).
//   npm run check:page
//   npm run check:page -- --pictures   # makes docs/page-light.png and docs/page-dark.png anew, of the bundled sample
// Runs the main job on the bundled sample, and a graph on rows that try to break the page. Prints what was tried and
// ends with `N passed, N failed`.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { looks, startBrowser } from './browser.mjs'
import { check, counts } from './checks.mjs'

const browser = await startBrowser('check_page'),
  root = fileURLToPath(new URL('..', import.meta.url)),
  home = mkdtempSync(join(tmpdir(), 'sluice-page-')),
  axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const hostile = [
  '</section></style></script><script>document.title = "obeyed"</script><img src=x onerror=document.title="obeyed">',
  '<a href="javascript:alert(1)" style="position:fixed;inset:0">&lt;&amp;&#39; \' " ` ${1}',
  'NUL \u0000, right to left \u202e \u2067 and \ufeff',
  '👩‍👩‍👧‍👦🏴‍☠️ '.repeat(40),
  'w'.repeat(100_000),
  '語'.repeat(30_000),
]
const rows = hostile.flatMap((text, i) => [
  {
    id: `a${i} ${text.slice(0, 300)}`,
    prompt: text,
    chosen: `${text} yes`,
    rejected: `${text} no`,
    source: text.slice(0, 200),
  },
  { id: `b${i}`, prompt: text, chosen: text, rejected: text, source: `part ${i % 2}` },
])
writeFileSync(join(home, 'rows.jsonl'), rows.map(row => `${JSON.stringify(row)}\n`).join(''))
writeFileSync(
  join(home, 'graph.yaml'),
  `version: 1
name: <b>hostile
stages:
  - { id: pairs, use: read_jsonl, with: { path: ${join(home, 'rows.jsonl')} } }
  - { id: checked, use: check_pairs }
  - { id: dpo, use: write_jsonl }
`,
)
/** The page of a run of a graph. */
function pageOf(graph, output) {
  const args = [join(root, 'scripts', 'sluice.mjs'), 'run', graph, '--output', output, '--quiet'],
    ran = spawnSync(process.execPath, args, { cwd: root })
  assert.equal(ran.status, 0, String(ran.stderr))
  return join(output, 'latest', 'report.html')
}
const pages = {
  'the bundled sample': pageOf(join('pipelines', 'clean.yaml'), join(home, 'out')),
  'rows that try to break it': pageOf(join(home, 'graph.yaml'), join(home, 'hostile')),
}
const sample = pages['the bundled sample']

const told = []
/** A page that is open; whatever it says to the console is told. */
async function open(file, more = looks[0][1]) {
  const page = await browser.newPage(more)
  page.on('console', message => told.push(message.text())).on('pageerror', error => told.push(error.message))
  await page.goto(pathToFileURL(file).href)
  return page
}
const isShown = (page, selector) => page.locator(selector).first().isVisible()

for (const [what, file] of Object.entries(pages)) {
  for (const [name, more] of looks) {
    await check(`${what}, ${name}: says nothing to the console, and is no wider than the window`, async () => {
      told.length = 0
      const page = await open(file, more)
      for (const fold of await page.locator('details').all()) await fold.evaluate(one => (one.open = true))
      const { wide, window } = await page.evaluate(() => ({
        wide: document.documentElement.scrollWidth,
        window: innerWidth,
      }))
      assert.ok(wide <= window, `${wide} px in a window of ${window}`)
      assert.ok(!(await page.title()).includes('obeyed'))
      assert.deepEqual(told, [])
      await page.close()
    })
    await check(`${what}, ${name}: axe finds nothing`, async () => {
      const page = await browser.newPage({ ...more, bypassCSP: true })
      await page.goto(pathToFileURL(file).href)
      await page.addScriptTag({ content: axe })
      const { violations } = await page.evaluate(() => globalThis.axe.run())
      assert.deepEqual(
        violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.length}, ${nodes[0].html.slice(0, 160)}`),
        [],
      )
      await page.close()
    })
  }
}
for (const width of [760, 1000, 1920]) {
  await check(`nothing overflows at ${width} px`, async () => {
    const page = await open(sample, { viewport: { width, height: 800 } })
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true)
    await page.close()
  })
}
await check('a style attribute, a script, an event handler and an image are refused', async () => {
  const page = await open(sample)
  told.length = 0
  const made = await page.evaluate(() => {
    const styled = document.createElement('p')
    styled.setAttribute('style', 'color: rgb(1, 2, 3)')
    document.body.append(styled)
    let isTrusted = false
    try {
      styled.innerHTML = '<b onclick="1">x</b>'
    } catch {
      isTrusted = true
    }
    const script = document.createElement('script')
    try {
      script.text = 'document.title = "obeyed"'
    } catch {
      script.append('document.title = "obeyed"')
    }
    document.body.append(script)
    return { color: getComputedStyle(styled).color, title: document.title, isTrusted }
  })
  assert.notEqual(made.color, 'rgb(1, 2, 3)')
  assert.notEqual(made.title, 'obeyed')
  assert.equal(made.isTrusted, true)
  assert.ok(told.some(text => /Content Security Policy/.test(text)))
  await page.close()
})
await check('all of it is there without script', async () => {
  const context = await browser.newContext({ javaScriptEnabled: false, ...looks[0][1] }),
    page = await context.newPage()
  await page.goto(pathToFileURL(sample).href)
  for (const id of ['summary', 'lost', 'labels', 'rows', 'time', 'graph', 'repeat']) {
    assert.equal(await isShown(page, `#${id} :is(h1, h2)`), true)
  }
  assert.equal(await isShown(page, '#rows article .chosen'), true)
  assert.equal(await isShown(page, '.tools'), false)
  await context.close()
})
await check('the first screen has the verdict, the worries, and where the files are', async () => {
  const page = await open(sample)
  const bottom = await page.locator('.first').evaluate(one => one.getBoundingClientRect().bottom)
  assert.ok(bottom <= 800, `it ends at ${bottom} px`)
  await page.close()
})
await check('search, filter, fold and links by keyboard', async () => {
  const page = await open(sample),
    found = () => page.textContent('#found')
  const all = await found()
  await page.keyboard.press('/')
  assert.equal(await page.evaluate(() => document.activeElement.id), 'words')
  await page.keyboard.type('parking garage')
  await page.waitForFunction(before => document.getElementById('found').textContent !== before, all)
  for (const card of await page.locator('article:visible').all()) assert.match(await card.textContent(), /parking/i)
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  assert.equal(await found(), all)
  assert.equal(await page.evaluate(() => document.activeElement.id), 'words')
  await page.focus('#which')
  await page.keyboard.press('ArrowDown')
  await page.waitForFunction(before => document.getElementById('found').textContent !== before, all)
  assert.equal(await page.locator('.group:visible').count(), 1)
  await page.focus('#part')
  await page.keyboard.press('ArrowDown')
  const part = await page.inputValue('#part'),
    parts = () =>
      page.locator('article:visible').evaluateAll(cards => [...new Set(cards.map(card => card.dataset.part))])
  await page.waitForFunction(() => document.getElementById('part').value !== '')
  assert.deepEqual(await parts(), [part])
  // a link to rows clears the filter and shows them
  const link = page.locator('#lost tbody th a').last()
  await link.focus()
  await page.keyboard.press('Enter')
  const group = await page.evaluate(() => location.hash)
  assert.match(group, /^#g-\d+$/)
  assert.equal(await isShown(page, `${group} article .body`), true)
  const fold = page.locator(`${group} article summary`).first()
  await fold.focus()
  await page.keyboard.press('Enter')
  assert.equal(await isShown(page, `${group} article .body`), false)
  await page.close()
})
await check('ticked rows give lines that --decisions takes', async () => {
  const page = await open(sample)
  const ticks = page.locator('input[data-line]:visible')
  for (const at of [0, 1]) {
    await ticks.nth(at).focus()
    await page.keyboard.press('Space')
  }
  const lines = (await page.inputValue('#lines')).trim().split('\n')
  assert.equal(lines.length, 2)
  writeFileSync(join(home, 'decisions.jsonl'), `${lines.join('\n')}\n`)
  const args = [
      join(root, 'scripts', 'sluice.mjs'),
      'run',
      join('pipelines', 'clean.yaml'),
      '--output',
      join(home, 'again'),
    ],
    ran = spawnSync(process.execPath, [...args, '--decisions', join(home, 'decisions.jsonl'), '--json'], { cwd: root })
  assert.equal(ran.status, 0, String(ran.stderr))
  assert.match(String(ran.stdout), /"keep": ?2/)
  await page.close()
})
await check('print has what is folded, and no tools', async () => {
  const page = await open(sample)
  await page.emulateMedia({ media: 'print' })
  assert.equal(await isShown(page, 'nav'), false)
  const pdf = await page.pdf({ format: 'A4' })
  assert.ok(pdf.length > 50_000)
  await page.close()
})
await check('a page is under 5 MB, and opens in less than 3 s', async () => {
  for (const [what, file] of Object.entries(pages)) {
    const start = performance.now(),
      page = await open(file)
    console.log(
      `      ${what}: ${(statSync(file).size / 1e3).toFixed(0)} kB, open in ${(performance.now() - start).toFixed(0)} ms`,
    )
    assert.ok(statSync(file).size < 5e6)
    assert.ok(performance.now() - start < 3_000)
    await page.close()
  }
})
if (process.argv.includes('--pictures')) {
  for (const colorScheme of ['light', 'dark']) {
    const page = await open(sample, { viewport: { width: 1280, height: 800 }, colorScheme }),
      path = join(root, 'docs', `page-${colorScheme}.png`)
    // where this run lies is nobody's business
    await page.evaluate(() => {
      for (const code of document.querySelectorAll('.facts code')) {
        code.textContent = code.textContent.replace(/^.*\/latest\//, 'out/latest/')
      }
    })
    await page.screenshot({ path })
    await page.close()
    await check(`docs/page-${colorScheme}.png is under 150 kB`, () => assert.ok(statSync(path).size < 150e3))
  }
}
await browser.close()
rmSync(home, { recursive: true })
process.exitCode = counts()
