/** Reward servers on loopback, with the manners of real ones: the test says how each request is answered. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll } from 'vitest'

export interface Request {
  readonly path: string
  readonly body: Record<string, unknown>
  readonly headers: IncomingMessage['headers']
  readonly number: number
}
/** Answers itself (true), or leaves it to the manners (nothing). */
export type Misbehave = (request: Request, response: ServerResponse) => boolean | void | Promise<boolean | void>

export interface Server {
  readonly url: string
  /** POST requests, in order of arrival. */
  readonly requests: Request[]
  /** Most requests that were under way at once. */
  readonly most: () => number
  misbehave: Misbehave
  /** Where the weights lie, as the server says. */
  root: string
  close(): void
}

const closers: (() => void)[] = []
afterAll(() => {
  for (const close of closers.splice(0)) close()
})

/** A score that follows from the text alone, like no round number. */
export function scoreOf(text: string): number {
  let hash = 7
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0
  return hash / 2 ** 28 + text.length / 1000
}

const textOf = (messages: { role: string; content: string }[]): string =>
  messages.map(({ role, content }) => `${role}: ${content}\n`).join('')

/**
 * vLLM, SGLang, Infinity and text-embeddings-inference (which have no list of models) as far as score_pairs knows them,
 * and a chat judge that prefers what scores higher.
 */
function answerTo({ path, body }: Request): unknown {
  if (path === '/v1/chat/completions') {
    const [, a, b] = /\[Answer A\]\n([^]*)\n\n\[Answer B\]\n([^]*?)\n\n/.exec(
      (body.messages as { content: string }[]).at(-1)!.content,
    )!
    const p = 1 / (1 + Math.exp(scoreOf(b) - scoreOf(a)))
    return {
      choices: [
        {
          finish_reason: 'stop',
          message: { role: 'assistant', content: p > 0.5 ? 'A' : 'B' },
          logprobs: {
            content: [
              {
                top_logprobs: [
                  { token: 'A', logprob: Math.log(p) },
                  { token: 'B', logprob: Math.log(1 - p) },
                ],
              },
            ],
          },
        },
      ],
      usage: { total_tokens: 10 },
    }
  }
  if (path === '/rerank' && body.documents) {
    return {
      object: 'rerank',
      results: (body.documents as string[]).map((text, index) => ({
        relevance_score: scoreOf(`${body.query as string}|${text}`),
        index,
        document: null,
      })),
      usage: { prompt_tokens: 10, total_tokens: 10 },
    }
  }
  if (path === '/rerank') {
    return [{ index: 0, score: scoreOf(`${body.query as string}|${(body.texts as string[])[0]}`) }]
  }
  // in any order
  if (path === '/score') {
    return {
      data: (body.text_1 as string[])
        .map((question, index) => ({
          index,
          object: 'score',
          score: scoreOf(`${question}|${(body.text_2 as string[])[index]}`),
        }))
        .reverse(),
      usage: { total_tokens: 10 },
    }
  }
  const texts = (body.text ?? body.input ?? [textOf(body.messages as never)]) as string[],
    scores = texts.map(scoreOf)
  if (body.text) return scores.map(score => ({ embedding: [score], meta_info: { prompt_tokens: 10 } }))
  return {
    data: scores.map((score, index) => ({
      index,
      ...(path === '/classify' ? { label: null, probs: [score], num_classes: 1 } : { data: [score] }),
    })),
    usage: { total_tokens: 10 * texts.length },
  }
}

export async function startServer(
  misbehave: Misbehave = () => undefined,
  { models = ['reward'], port = 0 }: { models?: readonly string[]; port?: number } = {},
): Promise<Server> {
  let under = 0,
    most = 0
  const requests: Request[] = []
  const respond = async (incoming: IncomingMessage, response: ServerResponse) => {
    const path = incoming.url!
    if (incoming.method === 'GET') {
      return void (path === '/v1/models' && models.length > 0
        ? response.end(JSON.stringify({ data: models.map(id => ({ id, root: `${server.root}/${id}` })) }))
        : response.writeHead(404).end())
    }
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const request = {
      path,
      body: JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>,
      headers: incoming.headers,
      number: requests.length,
    }
    requests.push(request)
    most = Math.max(most, ++under)
    try {
      if ((await server.misbehave(request, response)) !== true) response.end(JSON.stringify(answerTo(request)))
    } finally {
      under--
    }
  }
  const http = createServer((incoming, response) => {
    void respond(incoming, response)
  })
  await new Promise<void>(resolve => {
    http.listen(port, '127.0.0.1', resolve)
  })
  const server: Server = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    requests,
    most: () => most,
    misbehave,
    root: '/weights',
    close: () => {
      http.closeAllConnections()
      http.close()
    },
  }
  closers.push(server.close)
  return server
}
