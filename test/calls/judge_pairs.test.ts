/** A judge on loopback, asked in both orders; and what is no judgement. */
import { describe, expect, it } from 'vitest'
import { readChat } from '../../engine/calls/chat.ts'
import { firstIsBetter } from '../../stages/served/judging.ts'
import { graphOf, outcomeOf, PAIRS } from './helpers.ts'
import { scoreOf, startServer } from './server.ts'

const judged = (url: string, more: Record<string, unknown> = {}) => outcomeOf(graphOf(url, more, 'judge_pairs'))
const token = (token: string, p: number) => ({ token, logprob: Math.log(p) })
const says = (first: { token: string; logprob: number }[], finish_reason = 'stop', content = 'A') =>
  JSON.stringify({
    choices: [{ finish_reason, message: { content }, logprobs: { content: [{ top_logprobs: first }] } }],
  })

describe('judge_pairs', () => {
  it('gives the mean over both orders, as margins too', async () => {
    const server = await startServer()
    const { rows, result } = await judged(server.url)
    expect(rows).toHaveLength(PAIRS)
    for (const row of rows) {
      const p = 1 / (1 + Math.exp(scoreOf(row.rejected as string) - scoreOf(row.chosen as string)))
      expect(row.scored_probability).toBeCloseTo(p, 9)
      expect(row.scored_disagrees).toBe(false)
      expect((row.scored_chosen_score as number) - (row.scored_rejected_score as number)).toBeCloseTo(
        Math.log(p / (1 - p)),
        6,
      )
    }
    expect(result!.calls.scored).toMatchObject({ asked: 2 * PAIRS, requests: 2 * PAIRS + 2 })
    const [{ body }] = server.requests
    expect(body).toMatchObject({ model: 'reward', temperature: 0, max_tokens: 4, logprobs: true, top_logprobs: 20 })
  })

  it('says where the order decides', async () => {
    // prefers A by a little whatever it is, unless the other is known to be nonsense
    const server = await startServer(({ body }, response) => {
      const text = JSON.stringify(body),
        nonsense = text.indexOf('banana'),
        paris = text.indexOf('Paris')
      response.end(
        says([
          token('A', nonsense < 0 ? 0.6 : paris < nonsense ? 0.9 : 0.2),
          token('B', nonsense < 0 ? 0.4 : paris < nonsense ? 0.1 : 0.8),
        ]),
      )
      return true
    })
    const { rows } = await judged(server.url)
    expect(rows).toHaveLength(PAIRS)
    for (const row of rows) {
      expect(row.scored_disagrees).toBe(true)
      expect(row.scored_probability).toBeCloseTo(0.5, 12)
    }
  })

  it('refuses a judge that sees nothing but the order, and one that is not served', async () => {
    const blind = await startServer((_, response) => response.end(says([token('A', 1)])) && true)
    expect((await judged(blind.url)).error).toMatchObject({
      exit: 78,
      message: expect.stringMatching(/probability 1\.000 whichever answer is A/) as string,
    })
    const mute = await startServer(
      (_, response) =>
        response.end(JSON.stringify({ choices: [{ finish_reason: 'stop', message: { content: 'A' } }] })) && true,
    )
    expect((await judged(mute.url)).error).toMatchObject({
      exit: 78,
      message: expect.stringMatching(/no log-probabilities/) as string,
    })
    expect((await judged(blind.url, { wording: 'A or B? {a}' })).error).toMatchObject({
      exit: 78,
      message: expect.stringMatching(/no \{conversation\} and no \{b\}/) as string,
    })
  })

  it.each([
    [
      'that is cut off',
      says([token('The', 0.9), token('A', 0.1)], 'length', 'The better answer'),
      /did not end by itself \(finish_reason length\): .{0,5}The better/,
    ],
    ['that is filtered', says([token('A', 1)], 'content_filter', ''), /finish_reason content_filter/],
    [
      'that begins with neither letter',
      says([token('Neither', 0.7), token('A', 0.2), token('B', 0.1)]),
      /A and B have 30 % of the probability of the first token/,
    ],
    ['without choices', '{"choices":[]}', /no choices/],
  ])('an answer %s is none: its row is set aside', async (_, answer, message) => {
    const server = await startServer(
      ({ body }, response) => JSON.stringify(body).includes('answer 7:') && response.end(answer) && true,
    )
    const { rows, ledger, error } = await judged(server.url)
    expect(error).toBeUndefined()
    expect(rows.map(({ id }) => id)).not.toContain('r7')
    expect(rows).toHaveLength(PAIRS - 1)
    const seven = ledger.find(({ id }) => id === 'r7')!
    expect(seven).toMatchObject({ outcome: 'errored', stage: 'scored' })
    expect(JSON.stringify(seven)).toMatch(message)
    // both orders have the row; each is asked twice
    expect(server.requests.filter(({ body }) => JSON.stringify(body).includes('answer 7:'))).toHaveLength(4)
  })
})

describe('firstIsBetter', () => {
  it('adds up the ways to write a letter, and is sure without being missing', () => {
    expect(firstIsBetter([token('A', 0.5), token(' A', 0.2), token('▁b', 0.2), token('**B', 0.05)])).toBeCloseTo(
      0.7 / 0.95,
      12,
    )
    expect(firstIsBetter([token('A', 1)])).toBe(1 - 1e-8)
    expect(firstIsBetter([token('B', 1)])).toBe(1e-8)
    expect(() => firstIsBetter([token('Answer', 0.9), token('Also', 0.1)])).toThrow(/A and B have 0 %/)
  })
})

describe('readChat', () => {
  it('takes an answer that ended by itself, and no other', () => {
    expect(readChat(JSON.parse(says([token('A', 1)])))).toEqual({ text: 'A', first: [token('A', 1)] })
    expect(() => readChat({})).toThrow('no choices')
    expect(() => readChat({ choices: [{ message: { content: 'x' } }] })).toThrow('finish_reason missing')
  })
})
