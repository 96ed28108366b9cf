/**
 * What servers of these versions really answered, shortened, and what is read of it. How they were started:
 * docs/servers.md.
 */
import { describe, expect, it } from 'vitest'
import { readChat } from '../../engine/calls/chat.ts'
import { firstIsBetter } from '../../stages/served/judging.ts'
import { readScores } from '../../stages/served/reward_apis.ts'
import { graphOf, outcomeOf, PAIRS, scored } from './helpers.ts'
import { startServer, type Misbehave } from './server.ts'

const usage = {
  prompt_tokens: 29,
  total_tokens: 29,
  completion_tokens: 0,
  prompt_tokens_details: null,
  completion_tokens_details: null,
}

describe('scores', () => {
  const recorded: [string, Parameters<typeof readScores>[0], unknown, number[] | RegExp][] = [
    [
      'vLLM 0.32.0 /classify',
      'vllm_classify',
      {
        id: 'classify-88',
        object: 'list',
        created: 1,
        model: 'reward',
        data: [{ index: 0, label: 'LABEL_0', probs: [4.461675643920898], num_classes: 1 }],
        usage,
      },
      [4.461675643920898],
    ],
    [
      'vLLM 0.32.0 /pooling',
      'vllm_pooling',
      {
        id: 'pooling-9c',
        object: 'list',
        created: 1,
        model: 'reward',
        data: [
          { index: 0, object: 'pooling', data: [-5.673036575317383] },
          { index: 1, object: 'pooling', data: [5.17633581161499] },
        ],
        usage,
      },
      [-5.673036575317383, 5.17633581161499],
    ],
    [
      'vLLM 0.32.0 /pooling, task token_classify',
      'vllm_pooling',
      {
        object: 'list',
        data: [
          { index: 0, object: 'pooling', data: [[-6.124012470245361], [-5.673036575317383], [0.7486230134963989]] },
          { index: 1, object: 'pooling', data: [[-6.124012470245361], [5.17633581161499]] },
        ],
        usage,
      },
      [0.7486230134963989, 5.17633581161499],
    ],
    [
      'vLLM 0.32.0 /pooling of a model with two labels',
      'vllm_pooling',
      { object: 'list', data: [{ index: 0, object: 'pooling', data: [1.25, -0.5] }], usage },
      /2 numbers for a score/,
    ],
    [
      'vLLM 0.32.0 /pooling of a model that embeds',
      'vllm_pooling',
      {
        object: 'list',
        data: [
          { index: 0, object: 'pooling', data: [0.04544493928551674, 0, -0.07882910221815109, -0.11202780157327652] },
        ],
        usage,
      },
      /4 numbers for a score/,
    ],
    [
      'vLLM 0.32.0 /score',
      'vllm_score',
      {
        id: 'score-b0',
        object: 'list',
        created: 1,
        model: 'reward',
        data: [{ index: 0, object: 'score', score: 2.979646682739258 }],
        usage,
      },
      [2.979646682739258],
    ],
    [
      'vLLM 0.32.0 /rerank, the best first',
      'rerank',
      {
        id: 'score-a7',
        model: 'reward',
        usage: { prompt_tokens: 8, total_tokens: 8 },
        results: [
          { index: 1, document: { text: 'c', multi_modal: null }, relevance_score: 6.222006320953369 },
          { index: 0, document: { text: 'b', multi_modal: null }, relevance_score: 2.979646682739258 },
        ],
      },
      [2.979646682739258, 6.222006320953369],
    ],
    [
      'Infinity 0.0.78 /rerank',
      'rerank',
      {
        object: 'rerank',
        results: [{ relevance_score: 4.761955261230469, index: 0, document: null }],
        model: 'cross',
        usage: { prompt_tokens: 10, total_tokens: 10 },
        id: 'infinity-96',
        created: 1,
      },
      [4.761955261230469],
    ],
    [
      'SGLang 0.5.23 /classify',
      'sglang_classify',
      [
        {
          embedding: [4.461671352386475],
          meta_info: {
            id: '3b',
            finish_reason: { type: 'length', length: 0 },
            prompt_tokens: 29,
            weight_version: 'default',
          },
        },
        { embedding: [5.176331520080566], meta_info: { id: 'ec', prompt_tokens: 2 } },
      ],
      [4.461671352386475, 5.176331520080566],
    ],
  ]
  it.each(recorded)('%s', (_, api, answer, expected) => {
    const count = expected instanceof RegExp ? 1 : expected.length
    if (expected instanceof RegExp) expect(() => readScores(api, answer, count)).toThrow(expected)
    else expect(readScores(api, answer, count)).toEqual(expected)
  })
})

describe('judgements', () => {
  const top = (bytes: boolean) =>
    [
      ['A', -0.0237, 65],
      ['B', -3.754, 66],
      ['ot', -17.38, 111],
      ['', -17.39, 0],
    ].map(([token, logprob, byte]) => ({ token, logprob, bytes: bytes ? [byte] : null }))
  const choice = { index: 0, finish_reason: 'stop' }
  it.each<[string, Record<string, unknown>]>([
    [
      'vLLM 0.32.0',
      {
        ...choice,
        message: { role: 'assistant', content: 'A', refusal: null, function_call: null, reasoning: null },
        logprobs: { content: [{ token: 'A', logprob: -0.0237, bytes: [65], top_logprobs: top(true) }] },
        stop_reason: null,
        token_ids: null,
      },
    ],
    [
      'SGLang 0.5.23',
      {
        ...choice,
        message: { role: 'assistant', content: 'A', reasoning_content: null },
        logprobs: { content: [{ token: 'A', bytes: [65], logprob: -0.0237, top_logprobs: top(true) }] },
        matched_stop: 4,
      },
    ],
    [
      'llama_cpp.server 0.3.36',
      {
        ...choice,
        message: { content: 'A', role: 'assistant' },
        logprobs: { content: [{ token: 'A', logprob: -0.0237, bytes: null, top_logprobs: top(false) }], refusal: null },
      },
    ],
  ])('%s', (_, choice) => {
    expect(firstIsBetter(readChat({ object: 'chat.completion', model: 'judge', choices: [choice] }).first)).toBeCloseTo(
      1 / (1 + Math.exp(-3.754 + 0.0237)),
      6,
    )
  })
})

describe('refusals', () => {
  const refuse =
    (status: number, answer: unknown): Misbehave =>
    ({ body }, response) =>
      JSON.stringify(body).includes('answer 7:') && response.writeHead(status).end(JSON.stringify(answer)) && true
  it.each<[string, number, unknown, RegExp]>([
    [
      'vLLM 0.32.0',
      400,
      {
        error: {
          message:
            "This model's maximum context length is 512 tokens. However, your prompt contains at least 513 input tokens. (parameter=input_tokens, value=513)",
          type: 'BadRequestError',
          param: 'input_tokens',
          code: 400,
        },
      },
      /400 This model's maximum context length is 512 tokens\. However/,
    ],
    [
      'SGLang 0.5.23',
      400,
      { error: { message: "The input (6003 tokens) is longer than the model's context length (512 tokens)." } },
      /400 The input \(6003 tokens\) is longer than/,
    ],
    [
      'llama_cpp.server 0.3.36',
      400,
      {
        error: {
          message: "This model's maximum context length is 2048 tokens. However, you requested 6015 tokens",
          type: 'invalid_request_error',
          param: 'messages',
          code: 'context_length_exceeded',
        },
      },
      /400 This model's maximum context length is 2048/,
    ],
  ])('%s: a text that is too long', async (_, status, answer, message) => {
    const { rows, ledger } = await scored(await startServer(refuse(status, answer)))
    expect(rows).toHaveLength(PAIRS - 1)
    expect(ledger.find(({ id }) => id === 'r7')).toMatchObject({
      outcome: 'errored',
      detail: expect.stringMatching(message) as string,
    })
  })

  it.each<[string, number, unknown, RegExp]>([
    [
      'vLLM 0.32.0, which serves scores for tokens alone',
      501,
      {
        error: {
          message: 'The model does not support Classification API',
          type: 'NotImplementedError',
          param: null,
          code: 501,
        },
      },
      /501 The model does not support Classification API/,
    ],
    [
      'vLLM 0.32.0, which serves a chat model',
      404,
      { detail: 'Not Found' },
      /404 Not Found; is `url` the root of the server, and does it serve this kind of model\?/,
    ],
    [
      'vLLM 0.32.0, whose model has no template',
      400,
      {
        error: {
          message:
            'As of transformers v4.44, default chat template is no longer allowed, so you must provide a chat template if the tokenizer does not define one.',
          type: 'BadRequestError',
          param: null,
          code: 400,
        },
      },
      /you must provide a chat template/,
    ],
    [
      'Infinity 0.0.78, asked as text-embeddings-inference is',
      422,
      { detail: [{ type: 'missing', loc: ['body', 'documents'], msg: 'Field required', input: { query: 'a' } }] },
      /422 .*documents.*Field required/,
    ],
  ])('%s: not set up for what is asked', async (_, status, answer, message) => {
    const { error } = await outcomeOf(
      graphOf(
        (await startServer((__, response) => response.writeHead(status).end(JSON.stringify(answer)) && true)).url,
      ),
    )
    expect(error).toMatchObject({ exit: 78, message: expect.stringMatching(message) as string })
  })
})
