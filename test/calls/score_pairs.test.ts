/** Scores by servers that behave, in each of the ways in which they are asked. */
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { pairs, writeJsonl, folder } from '../engine/helpers.ts'
import { graphOf, outcomeOf, PAIRS, scored } from './helpers.ts'
import { scoreOf, startServer } from './server.ts'
import { readScores, requestOf } from '../../stages/served/reward_apis.ts'
import { join } from 'node:path'

const PROBES = 4
const template = '{role}: {content}\n'
const text = (row: Record<string, unknown>, side: string) =>
  `user: ${row.prompt as string}\nassistant: ${row[side] as string}\n`

describe('score_pairs', () => {
  it.each([
    ['vllm_classify', undefined, 2 * PAIRS + PROBES],
    ['vllm_classify', template, 3 * 5 + 1],
    ['vllm_pooling', template, 3 * 5 + 1],
    ['sglang_classify', template, 3 * 5 + 1],
  ])('by %s with template %s gives every side its own score, each asked once', async (api, template, requests) => {
    const server = await startServer()
    const { rows, result } = await scored(server, { api, ...(template ? { template, texts_per_request: 8 } : {}) })
    expect(rows).toHaveLength(PAIRS)
    for (const row of rows) {
      expect([row.scored_chosen_score, row.scored_rejected_score]).toEqual([
        scoreOf(text(row, 'chosen')),
        scoreOf(text(row, 'rejected')),
      ])
    }
    expect(server.requests).toHaveLength(requests)
    expect(result!.calls.scored).toMatchObject({
      asked: 2 * PAIRS,
      cached: 0,
      failed: 0,
      requests,
      tokens: 10 * (2 * PAIRS + PROBES),
    })
  })

  it.each([
    ['vllm_score', 3 * 5 + 1],
    ['rerank', 2 * PAIRS + PROBES],
    ['tei_rerank', 2 * PAIRS + PROBES],
  ])('by %s asks for the score of an answer to a question', async (api, requests) => {
    const server = await startServer(undefined, { models: api === 'vllm_score' ? ['reward'] : [] }),
      { rows } = await scored(server, { api, texts_per_request: 8 })
    expect(rows).toHaveLength(PAIRS)
    for (const { prompt, chosen, rejected, scored_chosen_score, scored_rejected_score } of rows) {
      expect([scored_chosen_score, scored_rejected_score]).toEqual(
        [chosen, rejected].map(side => scoreOf(`${prompt as string}|${side as string}`)),
      )
    }
    expect(server.requests).toHaveLength(requests)
  })

  it('refuses what does not go together with a question and an answer', async () => {
    expect((await outcomeOf(graphOf('http://localhost:9', { api: 'vllm_score', template }))).error).toMatchObject({
      exit: 78,
      message: expect.stringContaining('vllm_score takes a question and an answer') as string,
    })
    expect(
      (await outcomeOf(graphOf('http://localhost:9', { api: 'tei_rerank', truncate_tokens: 9 }))).error,
    ).toMatchObject({ exit: 78, message: expect.stringContaining('with extra: { truncate: true }') as string })
  })

  it('keeps the server busy, and never busier than told, whatever the number of workers', async () => {
    for (const workers of [1, 3]) {
      const server = await startServer(async () => {
        await sleep(15)
      })
      await scored(server, { concurrent_requests: 6 }, { workers })
      expect(server.most()).toBe(6)
    }
  })

  it('keeps to a rate', async () => {
    const server = await startServer(),
      times: number[] = []
    server.misbehave = () => {
      times.push(performance.now())
    }
    await scored(server, { requests_per_min: 3000 }, { limit: 10 })
    const asked = times.slice(PROBES)
    expect(asked).toHaveLength(20)
    // 19 waits of 20 ms, less what clocks are off
    expect(asked[19] - asked[0]).toBeGreaterThan(18 * 20)
  })

  it.each([
    ['vllm_classify', undefined],
    ['vllm_classify', template],
    ['vllm_pooling', template],
  ])('has %s with template %s keep the end of what is too long: the answers', async (api, template) => {
    // as 0.32.0 does: a token is a word here; what is not said to be kept is the beginning
    const server = await startServer(({ path, body }, response) => {
      const { truncate_prompt_tokens: most, truncation_side: side } = body as {
        truncate_prompt_tokens: number
        truncation_side?: string
      }
      const texts = (body.input ?? [
        (body.messages as { content: string }[]).map(({ content }) => content).join(' '),
      ]) as string[]
      const scores = texts.map(text => {
        const words = text.trim().split(/\s+/)
        return scoreOf((side === 'left' ? words.slice(-most) : words.slice(0, most)).join(' '))
      })
      response.end(
        JSON.stringify({
          data: scores.map((score, index) => ({ index, [path === '/classify' ? 'probs' : 'data']: [score] })),
        }),
      )
      return true
    })
    const long = join(folder(), 'long.jsonl'),
      [{ chosen, rejected }] = pairs(1),
      graph = graphOf(server.url, { api, truncate_tokens: 8, ...(template ? { template } : {}) })
    writeJsonl(long, [
      { id: 'long', prompt: 'How many words may a prompt have before the answer is cut away?', chosen, rejected },
    ])
    graph.stages[0].with = { path: long } as never
    const { rows } = await outcomeOf(graph)
    expect(rows).toHaveLength(1)
    expect(rows[0].scored_chosen_score).not.toBe(rows[0].scored_rejected_score)
    graph.stages[1].with = { ...graph.stages[1].with, extra: { truncation_side: 'right' } } as never
    const { error } = await outcomeOf(graph)
    expect(error).toMatchObject({ exit: 78 })
    expect(error!.message).toMatch(
      /every text gets the score .*: a server that keeps the first 8 tokens, and so no answer \(truncate_tokens\)/,
    )
  })

  it('finds what is refused by halves', async () => {
    const server = await startServer(
      ({ body }, response) =>
        JSON.stringify(body.input).includes('seven') &&
        response.writeHead(400).end('{"error":{"message":"too long"}}') &&
        true,
    )
    const path = writeJsonl(
        join(folder(), 'one.jsonl'),
        pairs(8).map((row, i) => (i === 5 ? { ...row, chosen: 'seven' } : row)),
      ),
      graph = graphOf(server.url, { template })
    graph.stages[0].with = { path } as never
    const { rows } = await outcomeOf(graph)
    expect(rows).toHaveLength(7)
    // beside the probe: 16 texts, then halves of 8, 4, 2 and 1
    expect(server.requests).toHaveLength(1 + 1 + 4 * 2)
  })

  it('asks once for texts that come again', async () => {
    const server = await startServer(),
      [row] = pairs(1)
    const path = writeJsonl(
      join(folder(), 'same.jsonl'),
      Array.from({ length: 50 }, (_, i) => ({ ...row, id: `again${i}` })),
    )
    const graph = graphOf(server.url)
    graph.stages[0].with = { path } as never
    const { rows } = await outcomeOf(graph)
    expect(rows).toHaveLength(50)
    expect(server.requests).toHaveLength(2 + PROBES)
  })

  it('tells of two servers that give their models one name, as answers of one count for both', async () => {
    const [one, two] = [await startServer(), await startServer()],
      warned: string[] = []
    const graph = graphOf(one.url)
    const both = {
      ...graph,
      stages: [
        ...graph.stages.slice(0, 2),
        { ...graph.stages[1], id: 'again', with: { ...graph.stages[1].with, url: two.url } },
        graph.stages[2],
      ],
    }
    const { result } = await outcomeOf(both as never, { onWarning: line => warned.push(line) })
    expect(result!.status).toBe('published')
    expect(warned.filter(line => line.includes('both call their model reward'))).toEqual([
      expect.stringMatching(/^(scored and again|again and scored) ask two servers/),
    ])
    const alone = await outcomeOf(graphOf(one.url), { onWarning: line => warned.push(`alone: ${line}`) })
    expect(alone.rows).toHaveLength(PAIRS)
    expect(warned.filter(line => line.startsWith('alone'))).toEqual([])
  })

  it('sends what vLLM, SGLang, Infinity and text-embeddings-inference document', () => {
    const messages = [
      { role: 'user', content: 'q' },
      { role: 'assistant', content: 'a' },
    ]
    expect(requestOf('vllm_classify', { model: 'm', truncate_prompt_tokens: 9 }, [messages])).toEqual({
      path: '/classify',
      body: { model: 'm', truncate_prompt_tokens: 9, messages, add_generation_prompt: false, use_activation: false },
    })
    expect(requestOf('vllm_classify', { model: 'm', use_activation: true, add_special_tokens: false }, ['x'])).toEqual({
      path: '/classify',
      body: { model: 'm', use_activation: true, add_special_tokens: false, input: ['x'] },
    })
    expect(requestOf('vllm_pooling', { model: 'm' }, ['x', 'y'])).toEqual({
      path: '/pooling',
      body: { model: 'm', input: ['x', 'y'], use_activation: false },
    })
    expect(requestOf('sglang_classify', { model: 'm' }, ['x'])).toEqual({
      path: '/classify',
      body: { model: 'm', text: ['x'] },
    })
    const two = [
      { question: 'q', answer: 'a' },
      { question: 'r', answer: 'b' },
    ]
    expect(requestOf('vllm_score', { model: 'm' }, two)).toEqual({
      path: '/score',
      body: { model: 'm', use_activation: false, text_1: ['q', 'r'], text_2: ['a', 'b'] },
    })
    expect(requestOf('rerank', { model: 'm' }, two.slice(0, 1))).toEqual({
      path: '/rerank',
      body: { model: 'm', query: 'q', documents: ['a'], raw_scores: true, use_activation: false },
    })
    expect(requestOf('tei_rerank', { model: 'm' }, two.slice(0, 1))).toEqual({
      path: '/rerank',
      body: { model: 'm', query: 'q', texts: ['a'], raw_scores: true },
    })
  })

  it('reads the last token of a model that scores each, and refuses what is no score', () => {
    expect(readScores('vllm_pooling', { data: [{ index: 0, data: [[0.5], [1.5], [-2]] }] }, 1)).toEqual([-2])
    expect(readScores('vllm_pooling', { data: [{ index: 0, data: [7] }] }, 1)).toEqual([7])
    const wrong: [Parameters<typeof readScores>[0], unknown, RegExp][] = [
      ['vllm_classify', { data: [{ index: 0, probs: [0.1, 0.9] }] }, /2 numbers for a score/],
      ['vllm_pooling', { data: [{ index: 0, data: [0.5, 1.5, -2] }] }, /3 numbers for a score/],
      ['sglang_classify', [{ embedding: Array.from({ length: 64 }, () => 0) }], /64 numbers/],
      ['vllm_classify', { data: [{ index: 0 }] }, /missing, not a finite/],
      ['vllm_classify', { data: [{ index: 1, probs: [1] }] }, /indexes are 1, not 0 to 0/],
      ['vllm_classify', { object: 'error' }, /no data, but object/],
      ['sglang_classify', [{ embedding: ['1'] }], /"1", not a finite/],
      ['vllm_score', { data: [{ index: 0, score: null }] }, /null, not a finite/],
      ['tei_rerank', { error: 'too long' }, /no data, but error/],
      ['tei_rerank', [], /0 scores came for 1 texts/],
    ]
    for (const [api, answer, message] of wrong) {
      expect(() => readScores(api, answer, 1), JSON.stringify(answer)).toThrow(message)
    }
  })
})
