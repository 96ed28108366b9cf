/** A stage of a user's own asks a chat model, through the queue, the cache and the caps of all. */
import { describe, expect, it } from 'vitest'
import { graph } from '../../index.mjs'
import { graphOf, outcomeOf, output, PAIRS } from './helpers.ts'
import { startServer } from './server.ts'

describe('a stage with calls of its own', () => {
  it('has a model write, keeps what it wrote, and loses only the rows of which there is nothing', async () => {
    const server = await startServer(({ body }, response) => {
      const { content } = (body.messages as { content: string }[]).at(-1)!
      response.end(
        JSON.stringify({
          choices: [
            {
              finish_reason: content.startsWith('answer 7:') ? 'length' : 'stop',
              message: { content: content.toUpperCase() },
            },
          ],
        }),
      )
      return true
    })
    const at = output()
    const once = async (anew = false) => {
      const object = graphOf(server.url)
      return outcomeOf(
        graph(
          {
            ...object,
            stages: [
              object.stages[0],
              { id: 'scored', use: './rewrite.mjs', with: { url: server.url, model: 'reward' } },
              object.stages[2],
            ],
          },
          { base: import.meta.url },
        ),
        { output: at, anew },
      )
    }
    const { rows, ledger, error } = await once()
    expect(error).toBeUndefined()
    expect(rows).toHaveLength(PAIRS - 1)
    for (const row of rows) expect(row.scored_text).toBe((row.chosen as string).toUpperCase())
    expect(ledger.find(({ id }) => id === 'r7')).toMatchObject({
      outcome: 'errored',
      detail: expect.stringMatching(/did not end by itself/) as string,
    })
    // one probe, one for each row, and the row that fails once more
    expect(server.requests).toHaveLength(1 + PAIRS + 1)
    expect(server.requests[1].body).toMatchObject({ model: 'reward', max_tokens: 300, temperature: 0.7 })
    // what was no answer stays so until somebody wants it tried again
    expect((await once()).result!.status).toBe('nothing_new')
    server.misbehave = ({ body }, response) =>
      response.end(
        JSON.stringify({
          choices: [
            {
              finish_reason: 'stop',
              message: { content: (body.messages as { content: string }[]).at(-1)!.content.toUpperCase() },
            },
          ],
        }),
      ) && true
    expect((await once(true)).rows).toHaveLength(PAIRS)
    expect(server.requests).toHaveLength(1 + PAIRS + 1 + 1 + 1)
    expect((await once()).result!.status).toBe('nothing_new')
  })
})
