#!/usr/bin/env zx
// judged.yaml without a GPU: two stand-ins on this machine answer as vLLM does. One likes answers with words of
// the question, the other answers that are not too short.
//   npx zx pipelines/judged.mjs        real models: npx sluice run pipelines/judged.yaml
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { graph, pipeline } from 'sluice-data'

const words = content => content.toLowerCase().match(/\p{L}{3,}/gu) ?? []
const standIns = {
  skywork: {
    model: 'stand-in/skywork',
    score: (question, answer) => {
      const asked = new Set(words(question))
      return words(answer).filter(word => asked.has(word)).length
    },
  },
  tulu: { model: 'stand-in/tulu', score: (_, answer) => Math.log(1 + words(answer).length) * 4 - 8 },
}

await pipeline(
  import.meta.url,
  {
    about: 'Two served reward models as reviewers; stand-ins on this machine answer for them.',
    graph: graph(new URL('judged.yaml', import.meta.url)),
    sample: '../data/sample/*.parquet',
  },
  async ({ run }) => {
    const servers = [],
      set = []
    for (const [id, { model, score }] of Object.entries(standIns)) {
      const server = createServer(async (request, response) => {
        if (request.url === '/v1/models') return response.end(JSON.stringify({ data: [{ id: model }] }))
        const { messages } = JSON.parse(await text(request))
        const reward = score(
          messages
            .slice(0, -1)
            .map(({ content }) => content)
            .join(' '),
          messages.at(-1).content,
        )
        response.end(JSON.stringify({ data: [{ index: 0, probs: [reward], num_classes: 1 }] }))
      })
      await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
      servers.push(server)
      // a name of their own: kept answers of a stand-in are not the model's
      set.push(`${id}.url=http://127.0.0.1:${server.address().port}`, `${id}.model=${model}`)
    }
    try {
      return (await run({ set })).code
    } finally {
      for (const server of servers) {
        server.closeAllConnections()
        server.close()
      }
    }
  },
)
