// Tries the lists for people in the tools that they are for, Label Studio and Argilla, on this machine alone.
//   npm run check:people [-- --venv FOLDER]     (python3 with venv; pip needs the network at the first run)
// Runs the main job on the bundled sample with both sinks, has each tool import its list, decides on some of it by
// their own interfaces, exports, and runs again with --decisions. Then the same with pairs that are hard to show; where
// Chromium is there (CHROMIUM=<path>), their pages are looked at. Argilla's server is the real one, with stand-ins for
// Elasticsearch (people/search.mjs) and Redis (fakeredis). Ends with `N passed, N failed`.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startSearch } from './people/search.mjs'
import { check, counts } from './checks.mjs'
import { pythonWith } from './venv.mjs'

const root = fileURLToPath(new URL('..', import.meta.url)),
  argillaScript = join(root, 'scripts', 'people', 'load_argilla.py'),
  home = mkdtempSync(join(tmpdir(), 'sluice-people-')),
  { values } = parseArgs({ options: { venv: { type: 'string' } } }),
  executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'

/** The commands of Argilla's server need an older click than it asks for. */
const packages = {
  studio: ['label-studio==1.23.2'],
  argilla: ['argilla==2.8.0', 'argilla-server==2.8.0', 'click==8.1.8', 'fakeredis==2.41.0'],
}
/** The commands that such packages come with, by their names. */
const commandsOf = name => {
  const python = pythonWith(packages[name], `sluice-people-${name}`, values.venv && join(values.venv, name))
  return command => join(dirname(python), command)
}
const mail = 'ann@example.org',
  password = 'on-loopback-alone',
  key = 'a-key-for-loopback-alone'

const started = []
/** Starts a program; its words go to a file, as servers say much. */
function start(command, args, env = {}) {
  const child = spawn(command, args, { cwd: root, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = '',
    errors = ''
  child.stdout.on('data', chunk => (said += chunk))
  child.stderr.on('data', chunk => (errors += chunk))
  started.push(child)
  const ended = new Promise(resolve => {
    child.on('close', code => resolve({ code, said, errors }))
    child.on('error', error => resolve({ code: -1, said, errors: String(error) }))
  })
  return { ended, errors: () => `${said}${errors}`.slice(-3000) }
}
async function ran(command, args, env) {
  const { code, said, errors } = await start(command, args, env).ended
  assert.equal(code, 0, `${command} ${args.join(' ')} ended with ${code}:\n${said.slice(-1000)}${errors.slice(-3000)}`)
  return said
}

async function freePort() {
  const server = createServer()
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  await new Promise(resolve => server.close(resolve))
  return port
}
async function answers(url, server) {
  for (let i = 0; i < 240; i++) {
    const response = await fetch(url).catch(() => undefined)
    if (response?.ok) return
    await new Promise(resolve => setTimeout(resolve, 500))
  }
  throw new Error(`${url} does not answer:\n${server.errors()}`)
}

// lists
const json = path => JSON.parse(readFileSync(path, 'utf8'))
const sluice = async (graph, output, ...more) => {
  await ran(process.execPath, [join(root, 'scripts/sluice.mjs'), 'run', graph, '--output', output, '--quiet', ...more])
  return json(join(output, 'latest', 'manifest.json'))
}
const lists = (from, order) => `  - { id: studio, use: write_label_studio, from: ${from}, with: { order_by: ${order} } }
  - { id: argilla, use: write_argilla, from: ${from}, with: { order_by: ${order} } }
`
const clean = join(home, 'clean.yaml'),
  cleanOutput = join(home, 'clean'),
  hard = join(home, 'hard.yaml'),
  hardOutput = join(home, 'hard')
writeFileSync(
  clean,
  readFileSync(join(root, 'pipelines', 'clean.yaml'), 'utf8') + lists('noise.doubtful', 'noise_probability'),
)
const obeyed = `</p></script><script>parent.document.title = 'obeyed'</script><img src=x onerror="parent.document.title = 'obeyed'">`
const user = content => [{ role: 'user', content }],
  assistant = content => [{ role: 'assistant', content }]
const texts = [
  [user(obeyed), assistant(`${obeyed} & <b>bold</b> &amp; &#36;`), assistant('if a <b then c> d')],
  [user('It costs?'), assistant(`$$5, $& and $' or $\` {{record}} $prompt`), assistant('\\(x\\) <think>so</think>')],
  [
    [...user('Hi\n\n    there'), ...assistant('yes'), ...user('日本語 😀')],
    assistant('```py\nx = 1\n  y\n```'),
    assistant('no'),
  ],
  [user('long'), assistant('word '.repeat(20_000)), assistant('x'.repeat(100_000))],
  [user('NUL \0 and \u202e turned'), assistant('http://127.0.0.1/x'), assistant('s3://bucket/x')],
  [user(' '), assistant(''), assistant('[]')],
]
const hardRows = texts.map(([prompt, chosen, rejected], i) => ({
  id: i === 0 ? `${i + 1}</script>%3c$$` : String(texts.length - i),
  prompt,
  chosen,
  rejected,
  d_probability: i / (texts.length - 1),
  d_agreement: 0.5,
}))
// two contents of one id, and one pair twice
hardRows.push({ ...hardRows[1], prompt: user('another'), d_probability: 1 }, { ...hardRows[1], d_probability: 1 })
writeFileSync(join(home, 'hard.jsonl'), hardRows.map(row => `${JSON.stringify(row)}\n`).join(''))
writeFileSync(
  hard,
  `version: 1
name: hard
stages:
  - { id: pairs, use: read_jsonl, with: { path: ${join(home, 'hard.jsonl')} } }
  - { id: dpo, use: write_arrow }
${lists('pairs', 'd_probability')}`,
)
const words = ['flip', 'flip', 'drop', 'keep', 'keep', 'flip'],
  /** The sixth is skipped, or discarded. */
  decided = 5
/** What the run says of an export, given back. */
async function givenBack(file) {
  const { decisions } = await sluice(clean, join(home, 'again'), '--decisions', file)
  const { given, keep, drop, flip, listed, not_applied } = decisions
  assert.deepEqual({ given, keep, drop, flip }, { given: decided, keep: 2, drop: 1, flip: 2 })
  assert.deepEqual([listed.decided, listed.wrong], [decided, 3])
  assert.deepEqual(
    Object.values(not_applied).map(({ count }) => count),
    [0, 0, 0, 0],
  )
}
const put = (name, text) => {
  writeFileSync(join(home, name), text)
  return join(home, name)
}

let manifest
await check('the main job writes both lists, of the pairs that it publishes for people', async () => {
  manifest = await sluice(clean, cleanOutput)
  await sluice(hard, hardOutput)
  const { humans, studio, argilla } = manifest.sinks
  assert.ok(humans.rows > 50)
  assert.deepEqual([studio.rows, argilla.rows], [humans.rows, humans.rows])
})

// Label Studio
const studioBin = commandsOf('studio'),
  studioUrl = `http://127.0.0.1:${await freePort()}`
const studio = start(
  studioBin('label-studio'),
  ['start', '--no-browser', '--internal-host', '127.0.0.1', '--port', new URL(studioUrl).port],
  {
    LABEL_STUDIO_BASE_DATA_DIR: join(home, 'studio'),
    LABEL_STUDIO_USERNAME: mail,
    LABEL_STUDIO_PASSWORD: password,
    LABEL_STUDIO_USER_TOKEN: '0'.repeat(40),
    LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN: 'true',
    COLLECT_ANALYTICS: 'false',
    LATEST_VERSION_CHECK: 'false',
    SENTRY_DSN: '',
    FRONTEND_SENTRY_DSN: '',
  },
)
await answers(`${studioUrl}/api/version`, studio)
async function askStudio(path, { body, ...options } = {}) {
  const isForm = body instanceof FormData
  const response = await fetch(`${studioUrl}${path}`, {
    ...(body ? { method: 'POST', body: isForm ? body : JSON.stringify(body) } : {}),
    headers: { authorization: `Token ${'0'.repeat(40)}`, ...(isForm ? {} : { 'content-type': 'application/json' }) },
    ...options,
  })
  const text = await response.text()
  assert.ok(response.ok, `${path}: ${response.status} ${text.slice(0, 500)}`)
  return text
}
/** Makes a project as a person does, and gives its number and its tasks in order. */
async function imported(folder) {
  const label_config = readFileSync(join(folder, 'config.xml'), 'utf8'),
    project = JSON.parse(await askStudio('/api/projects', { body: { title: 'Doubtful pairs', label_config } })).id,
    form = new FormData()
  form.append('file', new Blob([readFileSync(join(folder, 'tasks.json'))]), 'tasks.json')
  const said = JSON.parse(await askStudio(`/api/projects/${project}/import`, { body: form })),
    { tasks } = JSON.parse(await askStudio(`/api/tasks?project=${project}&fields=all&page_size=1000`))
  return { project, said, tasks: tasks.sort((a, b) => a.id - b.id) }
}
async function isImported(folder) {
  const written = json(join(folder, 'tasks.json')),
    result = await imported(folder)
  assert.equal(result.said.task_count, written.length)
  assert.equal(result.said.prediction_count, written.length)
  assert.deepEqual(
    result.tasks.map(({ data }) => data),
    written.map(({ data }) => data),
  )
  const suggested = ({ predictions: [{ result, score, model_version }] }) => [result, score, model_version]
  assert.deepEqual(result.tasks.map(suggested), written.map(suggested))
  return result
}
let hardProject
await check('Label Studio imports the list, each text and suggestion as it was written', async () => {
  const { project, tasks } = await isImported(join(cleanOutput, 'latest', 'studio'))
  for (const [i, word] of words.entries()) {
    const control = (from_name, type, value) => ({ from_name, to_name: 'prompt', type, value })
    await askStudio(`/api/tasks/${tasks[i].id}/annotations/`, {
      body: {
        result: [
          control('decision', 'choices', { choices: [word] }),
          control('note', 'textarea', { text: ['because'] }),
        ],
        was_cancelled: i >= decided,
      },
    })
  }
  for (const type of ['JSON', 'JSON_MIN', 'CSV']) {
    put(
      `${type}.${type === 'CSV' ? 'csv' : 'json'}`,
      await askStudio(`/api/projects/${project}/export?exportType=${type}`),
    )
  }
})
await check('and pairs that are hard to show', async () => {
  hardProject = await isImported(join(hardOutput, 'latest', 'studio'))
})
for (const name of ['JSON.json', 'JSON_MIN.json', 'CSV.csv']) {
  await check(`what it exports as ${name.split('.')[0]} is given back`, () => givenBack(join(home, name)))
}

// Argilla
const argillaBin = commandsOf('argilla'),
  [redisPort, argillaPort] = [await freePort(), await freePort()],
  argillaUrl = `http://127.0.0.1:${argillaPort}`,
  search = await startSearch()
mkdirSync(join(home, 'argilla'))
const argillaEnv = {
  ARGILLA_HOME_PATH: join(home, 'argilla'),
  ARGILLA_DATABASE_URL: `sqlite+aiosqlite:///${join(home, 'argilla', 'argilla.db')}`,
  ARGILLA_ELASTICSEARCH: search.url,
  ARGILLA_REDIS_URL: `redis://127.0.0.1:${redisPort}/0`,
  HF_HUB_OFFLINE: '1',
  HF_HUB_DISABLE_TELEMETRY: '1',
  NO_PROXY: '127.0.0.1',
}
const redis = `from fakeredis import TcpFakeServer; TcpFakeServer(('127.0.0.1', ${redisPort})).serve_forever()`
start(argillaBin('python'), ['-c', redis])
const manage = ['-m', 'argilla_server', 'database']
await ran(argillaBin('python'), [...manage, 'migrate'], argillaEnv)
const person = ['--first-name', 'Ann', '--username', 'ann', '--role', 'owner', '--password', password, '--api-key', key]
await ran(argillaBin('python'), [...manage, 'users', 'create', ...person], argillaEnv)
const argilla = start(
  argillaBin('uvicorn'),
  ['argilla_server:app', '--host', '127.0.0.1', '--port', String(argillaPort)],
  argillaEnv,
)
await answers(`${argillaUrl}/api/v1/version`, argilla)
/** By the SDK, in a locale that is not UTF-8: it opens files in the encoding of the machine. */
async function loaded(folder, name, given) {
  const args = [argillaUrl, key, folder, name, JSON.stringify(given), join(home, `export-${name}`)],
    said = await ran(argillaBin('python'), [argillaScript, ...args], {
      ...argillaEnv,
      LC_ALL: 'C',
      PYTHONUTF8: '0',
      PYTHONCOERCECLOCALE: '0',
    }),
    found = JSON.parse(said.trim().split('\n').at(-1)),
    by = new Map(found.records.map(record => [record.id, record])),
    written = json(join(folder, 'records.json'))
  assert.equal(found.records.length, written.length)
  assert.deepEqual(found.questions, ['decision', 'note'])
  assert.equal(found.guidelines, json(join(folder, '.argilla', 'settings.json')).guidelines)
  for (const { id, fields, metadata, suggestions } of written) {
    assert.deepEqual(by.get(id), { id, fields, metadata, suggestions })
  }
  return found
}
let hardDataset
await check('Argilla loads the list by its SDK, each text and suggestion as it was written', () =>
  loaded(
    join(cleanOutput, 'latest', 'argilla'),
    'clean',
    words.map((word, i) => [word, i < decided ? 'submitted' : 'discarded']),
  ),
)
await check('and pairs that are hard to show', async () => {
  hardDataset = await loaded(join(hardOutput, 'latest', 'argilla'), 'hard', [['drop', 'submitted']])
})
for (const name of ['records.json', 'flat.json', 'records.parquet', 'disk/records.json']) {
  await check(`what it exports as ${name} is given back`, () => givenBack(join(home, 'export-clean', name)))
}
await check('an id of signs that its page would obey comes back', async () => {
  const file = join(home, 'export-hard', 'records.json'),
    { decisions } = await sluice(hard, join(home, 'hard-again'), '--decisions', file)
  assert.equal(decisions.drop, 1)
})

// pages
if (existsSync(executablePath)) {
  const { chromium } = await import('playwright-core')
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] }),
    // as a page shows it: white space aside
    bare = text => text.replace(/\s+/g, '').slice(0, 500),
    written = json(join(hardOutput, 'latest', 'studio', 'tasks.json')).map(({ data }) => data)
  const signIn = async (page, url, name) => {
    await page.goto(url)
    await page.waitForSelector('input[type=password]')
    await page.fill('input[name=email], input[type=text]', name)
    await page.fill('input[type=password]', password)
    await page.click('button[type=submit]')
    await page.waitForURL(where => where.href !== url)
  }
  /** Texts of a page and its frames. */
  const shown = async page => {
    const parts = await Promise.all(page.frames().map(frame => frame.evaluate(() => document.body?.innerText ?? '')))
    return parts.join('\n').replace(/\s+/g, '')
  }
  const isShown = async (page, data) => {
    const wanted = ['prompt', 'chosen', 'rejected', 'doubt'].map(name => bare(data[name]))
    let all = ''
    for (let i = 0; i < 40 && !wanted.every(text => all.includes(text)); i++) {
      await page.waitForTimeout(500)
      all = await shown(page)
    }
    for (const text of wanted) assert.ok(all.includes(text), `${text.slice(0, 100)} is not shown: ${all.slice(0, 500)}`)
    assert.doesNotMatch(await page.title(), /obeyed/)
  }
  await check('the page of Label Studio shows each text, and obeys none', async () => {
    const page = await browser.newPage()
    await signIn(page, `${studioUrl}/user/login/`, mail)
    for (const { id, data } of hardProject.tasks) {
      await page.goto(`${studioUrl}/projects/${hardProject.project}/data?task=${id}`)
      await isShown(page, data)
    }
    await page.close()
  })
  await check('the page of Argilla shows each text, and obeys none', async () => {
    const page = await browser.newPage()
    await signIn(page, `${argillaUrl}/sign-in`, 'ann')
    for (const [i, data] of written.entries()) {
      await page.goto(`${argillaUrl}/dataset/${hardDataset.id}/annotation-mode?page=${i + 1}`)
      await isShown(page, data)
    }
    await page.close()
  })
  await browser.close()
} else console.log(`      there is no ${executablePath}: pages were not looked at`)

search.close()
for (const child of started) child.kill()
rmSync(home, { recursive: true, force: true, maxRetries: 5 })
process.exit(counts())
