/** What was paid for: kept through kills, caps and torn files, counted, never shown. */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { openCache } from '../../engine/calls/cache.ts'
import { fingerprint, folder, pairs, writeJsonl } from '../engine/helpers.ts'
import { startSluice, sluice } from '../failures/helpers.ts'
import { graphOf, input, outcomeOf, output, PAIRS } from './helpers.ts'
import { startServer } from './server.ts'

const PROBES = 4,
  ALL = 2 * PAIRS + PROBES
const fileOf = (graph: object) => {
  const path = join(folder(), 'graph.json')
  writeFileSync(path, JSON.stringify(graph))
  return path
}
const filesBelow = (path: string): string[] =>
  readdirSync(path, { recursive: true })
    .map(file => join(path, String(file)))
    .filter(file => statSync(file).isFile())
describe('a run that is killed', () => {
  it.each(['SIGKILL', 'SIGTERM'] as const)(
    'by %s half way asks again only for what was under way, and publishes the same',
    async signal => {
      const concurrent_requests = 6
      const server = await startServer(async () => {
        await sleep(5)
      })
      const graph = fileOf(graphOf(server.url, { concurrent_requests })),
        at = output()
      const first = startSluice(['run', graph, '--output', at, '--workers', '2'])
      while (server.requests.length < ALL / 2) await sleep(2)
      first.kill(signal)
      await first.ended
      const asked = server.requests.length
      expect(asked).toBeLessThan(ALL - 2 * concurrent_requests)
      const { code, stderr } = await sluice('run', graph, '--output', at)
      expect(code, stderr).toBe(0)
      expect(server.requests.length - PROBES).toBeLessThanOrEqual(ALL + concurrent_requests)
      const clean = await outcomeOf(graphOf(server.url), {})
      expect(fingerprint(join(at, 'latest'))).toEqual(fingerprint(clean.result!.folder))
    },
  )
})

describe('caps', () => {
  it.each([
    ['max_requests', 50, {}, 50],
    ['max_tokens', 1000, {}, 100],
    ['max_usd', 0.001, { usd_per_million_tokens: 1 }, 100],
  ])('%s stops with 75, keeps what is answered, and goes on when it is raised', async (cap, limit, more, most) => {
    const server = await startServer(),
      at = output()
    const capped = () =>
      outcomeOf(graphOf(server.url, { ...more, [cap]: limit, concurrent_requests: 4 }), { output: at })
    const { error } = await capped()
    expect(error?.message).toMatch(new RegExp(`would pass ${cap} \\(${limit}\\).*All answers are kept: raise the cap`))
    expect(error!.exit).toBe(75)
    const asked = server.requests.length
    expect(asked).toBeGreaterThan(PROBES)
    expect(asked).toBeLessThanOrEqual(most)
    // the cap is for one result, however often it is tried
    const again = await capped()
    expect(again.error!.exit).toBe(75)
    expect(server.requests.length).toBeLessThanOrEqual(most)
    const { result } = await outcomeOf(graphOf(server.url, { ...more, [cap]: limit * 10 }), { output: at })
    expect(server.requests.length).toBeLessThanOrEqual(ALL + 2 * PROBES)
    expect(result!.calls.scored.requests).toBe(server.requests.length)
    const clean = await outcomeOf(graphOf(server.url))
    expect(fingerprint(result!.folder)).toEqual(fingerprint(clean.result!.folder))
  })
})

describe('answers', () => {
  it('are there for every graph that names the folder, by model, revision and template, and not by server, limits or workers', async () => {
    const answers = join(folder(), 'answers'),
      first = await startServer(),
      second = await startServer(undefined, { models: ['reward', 'other'] })
    const one = await outcomeOf(graphOf(first.url), { answers })
    const before = second.requests.length
    const two = await outcomeOf(
      graphOf(second.url, {
        concurrent_requests: 3,
        timeout_secs: 9,
        max_requests: 1000,
        usd_per_million_tokens: 3,
        requests_per_min: 6000,
      }),
      { answers, workers: 1 },
    )
    expect(second.requests.length - before).toBe(0)
    expect(two.result!.calls.scored).toMatchObject({ asked: 2 * PAIRS, cached: 2 * PAIRS })
    expect(fingerprint(two.result!.folder)).toEqual(fingerprint(one.result!.folder))
    for (const more of [
      { revision: '2' },
      { model: 'other' },
      { truncate_tokens: 5 },
      { template: '{role}: {content}\n', texts_per_request: 1 },
      { extra: { chat_template_kwargs: { x: 1 } } },
    ]) {
      const asked = second.requests.length
      await outcomeOf(graphOf(second.url, more), { answers })
      expect(second.requests.length - asked, JSON.stringify(more)).toBe(ALL)
    }
  })

  it('make a run of the same result elsewhere nothing new', async () => {
    const server = await startServer(),
      at = output()
    await outcomeOf(graphOf(server.url), { output: at })
    server.close()
    expect(
      (await outcomeOf(graphOf(server.url, { max_requests: 1, timeout_secs: 1 }), { output: at })).result!.status,
    ).toBe('nothing_new')
    const moved = await startServer()
    expect((await outcomeOf(graphOf(moved.url), { output: at })).result!.status).toBe('nothing_new')
    expect(moved.requests).toEqual([])
  })

  it('are enough: when all are there, a changed graph runs without a server', async () => {
    const server = await startServer(),
      answers = join(folder(), 'answers')
    const one = await outcomeOf(graphOf(server.url), { answers })
    server.close()
    const graph = graphOf(server.url)
    graph.stages.splice(2, 0, { id: 'short', use: 'drop_length', with: { max_words: 9 } as never })
    const { result, error } = await outcomeOf(graph, { answers })
    expect(error).toBeUndefined()
    expect(result!.calls.scored).toMatchObject({ asked: 2 * PAIRS, cached: 2 * PAIRS, requests: 0 })
    expect(result!.manifest.rows.kept).toBeLessThan(one.result!.manifest.rows.kept)
  })

  it('of other weights under the same name are never mixed with these', async () => {
    const server = await startServer(),
      at = output(),
      run = (more = {}) => outcomeOf(graphOf(server.url, more), { output: at })
    expect((await run({ max_requests: 70 })).error!.exit).toBe(75)
    server.root = '/other'
    const { error } = await run()
    expect(error?.message).toMatch(
      /has other weights of reward now: \/other\/reward, not \/weights\/reward\. Nothing is mixed: run the same command again/,
    )
    expect(error!.exit).toBe(75)
    const before = server.requests.length
    expect((await run()).rows).toHaveLength(PAIRS)
    expect(server.requests.length - before).toBe(ALL)
  })

  it('survive a torn tail: what is before it is there', async () => {
    const answers = join(folder(), 'answers'),
      server = await startServer()
    await outcomeOf(graphOf(server.url), { answers })
    const log = readdirSync(answers)
      .filter(name => name.endsWith('.log'))
      .map(name => join(answers, name))
      .find(path => statSync(path).size > 0)!
    truncateSync(log, statSync(log).size - 100)
    const before = server.requests.length,
      warnings: string[] = []
    const { rows } = await outcomeOf(graphOf(server.url), { answers, onWarning: text => warnings.push(text) })
    expect(rows).toHaveLength(PAIRS)
    expect(warnings.join()).toMatch(
      /[\d,]+ bytes are damaged on the disk, or were cut off as they were written, and will be asked for again/,
    )
    // answers that came at once, 16 at most, are synced at once: one record of the log
    expect(server.requests.length - before).toBeLessThanOrEqual(PROBES + 2 * 16)
    expect(server.requests.length - before).toBeGreaterThan(PROBES)
  })

  it('are found again in a folder whose list of files is damaged or gone; what is no folder is left as it is', async () => {
    const answers = join(folder(), 'answers'),
      server = await startServer(),
      run = (at = answers) => outcomeOf(graphOf(server.url), { answers: at })
    await run()
    const asked = server.requests.length,
      listOf = () =>
        join(
          answers,
          readdirSync(answers).find(name => name.startsWith('MANIFEST'))!,
        ),
      current = join(answers, 'CURRENT')
    for (const hurt of [
      () => {
        writeFileSync(listOf(), 'x'.repeat(400))
      },
      () => {
        rmSync(listOf())
      },
      () => {
        writeFileSync(current, 'MANIFEST-000099\n')
      },
      () => {
        rmSync(current)
      },
    ]) {
      hurt()
      expect((await run()).rows).toHaveLength(PAIRS)
    }
    expect(server.requests).toHaveLength(asked)
    const file = join(folder(), 'file')
    writeFileSync(file, 'mine')
    expect((await run(file)).error).toMatchObject({
      exit: 74,
      message: expect.stringContaining(`the answers in ${file} cannot be opened`) as string,
    })
    expect(readFileSync(file, 'utf8')).toBe('mine')
  })

  it("are one process's at a time: another run ends with 75", async () => {
    const answers = join(folder(), 'answers'),
      open = await openCache(answers),
      server = await startServer()
    const { code, stderr } = await sluice(
      'run',
      fileOf(graphOf(server.url)),
      '--output',
      output(),
      '--answers',
      answers,
    )
    expect(stderr).toContain(`another process has the answers in ${answers} open`)
    expect(code).toBe(75)
    await open.close()
  })

  it('stay when the cache is cleaned, and it says so', async () => {
    const server = await startServer(),
      at = output()
    await outcomeOf(graphOf(server.url), { output: at })
    const { stdout } = await sluice('clean-cache', '--output', at)
    expect(stdout).toContain('.sluice/answers stays')
    expect(existsSync(join(at, '.sluice', 'spools'))).toBe(false)
    const before = server.requests.length
    const copy = output()
    cpSync(join(at, '.sluice', 'answers'), join(copy, '.sluice', 'answers'), { recursive: true })
    await outcomeOf(graphOf(server.url), { output: copy })
    expect(server.requests.length - before).toBe(0)
  })
})

describe('a key', () => {
  const secret = 'sk-5f0e-very-secret'
  afterEach(() => {
    delete process.env.SLUICE_TEST_KEY
  })

  it('comes from the environment and goes to the server, and nowhere else, whatever the server repeats', async () => {
    const server = await startServer(({ body, headers, number }, response) => {
      if (headers.authorization !== `Bearer ${secret}`) return response.writeHead(401).end() && true
      if (number === 30) return response.writeHead(500).end(`broken for ${secret}`) && true
      return (
        JSON.stringify(body).includes('answer 7:') &&
        response.writeHead(400).end(`{"error":{"message":"not for ${secret}"}}`) &&
        true
      )
    })
    const at = output(),
      env = { SLUICE_TEST_KEY: secret },
      graph = fileOf(graphOf(server.url, { key_variable: 'SLUICE_TEST_KEY' }))
    const good = await startSluice(['run', graph, '--output', at, '--json'], env).ended
    expect(good.code, good.stderr).toBe(0)
    const bad = await startServer(
      (_, response) => response.writeHead(401).end(`{"error":"Incorrect API key provided: ${secret}"}`) && true,
    )
    const refused = await startSluice(
      ['run', fileOf(graphOf(bad.url, { key_variable: 'SLUICE_TEST_KEY' })), '--output', output()],
      env,
    ).ended
    expect(refused.code).toBe(78)
    expect(refused.stderr).toContain('the key in SLUICE_TEST_KEY is not accepted')
    for (const text of [good.stdout, good.stderr, refused.stdout, refused.stderr]) expect(text).not.toContain(secret)
    const files = filesBelow(at)
    expect(files.some(file => file.includes('/answers/'))).toBe(true)
    for (const file of files) expect(readFileSync(file).includes(secret), file).toBe(false)
    expect(files.some(file => file.includes('/ledger/') && readFileSync(file).includes('400 not for ***'))).toBe(true)
  })
})

describe('the plan', () => {
  it('says before the run what it will ask, without what is there already, and what it will not reach', async () => {
    const server = await startServer(),
      at = output()
    const graph = graphOf(server.url, { usd_per_million_tokens: 2, max_requests: 1000 })
    const check = async (...more: string[]) =>
      (await sluice('check', fileOf(graph), '--output', at, ...more)).stdout
        .split('\n')
        .find(line => line.startsWith('scored: '))
    expect(await check()).toMatch(
      /^scored: at most about 120 requests to reward and [\d,]+ tokens \(4 characters each\), \$0\.0\d+$/,
    )
    const lines: string[] = []
    await outcomeOf(graph, { output: at, limit: 30, onPlan: plan => lines.push(...plan) })
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain('at most about 60 requests')
    expect(await check()).toMatch(/at most about 60 requests .*; 50 % of the answers are there already$/)
    expect(await check('--sample', '30')).toMatch(
      /at most about 30 requests .*; 50 % of the answers are there already$/,
    )
    graph.stages[1].with = { ...graph.stages[1].with, max_requests: 10, max_usd: 0.001 } as never
    expect(await check()).toMatch(/more than max_requests and max_usd, so the run will stop there$/)
    expect(server.requests).toHaveLength(60 + PROBES)
  })

  it('of a sample is of its rows', async () => {
    const server = await startServer(),
      graph = graphOf(server.url),
      at = output(),
      lines: string[] = []
    for (const sample of [25, 25, 40]) {
      await outcomeOf(graph, { output: at, sample, anew: true, onPlan: plan => lines.push(...plan) })
    }
    expect(lines).toEqual([
      expect.stringContaining('about 50 requests'),
      expect.stringContaining('100 % of the answers'),
      expect.stringMatching(/about 30 requests .*; 63 % of the answers/),
    ])
    expect(server.requests).toHaveLength(80 + 2 * PROBES)
  })

  it('is near what happens', async () => {
    const server = await startServer(
      ({ body }, response) =>
        response.end(JSON.stringify({ data: [{ index: 0, probs: [(JSON.stringify(body).length % 97) - 40] }] })) &&
        true,
    )
    const graph = graphOf(server.url),
      path = writeJsonl(join(folder(), 'in.jsonl'), pairs(300))
    graph.stages[0].with = { path } as never
    let tokens = 0
    const { result } = await outcomeOf(graph, {
      onPlan: ([line]) => {
        tokens = Number(/and ([\d,]+) tokens/.exec(line)![1].replaceAll(',', ''))
      },
    })
    expect(tokens / result!.calls.scored.tokens).toBeGreaterThan(0.9)
    expect(tokens / result!.calls.scored.tokens).toBeLessThan(1.1)
    expect(readFileSync(join(result!.folder, 'timings.json'), 'utf8')).toContain('"calls"')
    expect(input).not.toBe(path)
  })
})
