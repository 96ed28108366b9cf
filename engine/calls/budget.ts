/** What a stage may spend on its server, and what it has spent. */
import { EXIT, SluiceError } from '../errors.ts'
import type { Spent } from './cache.ts'
import type { Limits } from './service.ts'

export interface Budget {
  /** What was answered, and what is on its way. */
  readonly spent: Spent
  /** Before a request; throws when it would pass a cap. */
  reserve(tokens: number): void
  /** After it: what it took of the tokens that were reserved. */
  settle(reserved: number, used: number): void
}

export const usdOf = ({ usd_per_million_tokens: price = 0 }: Limits, tokens: number): number => (tokens * price) / 1e6

/** `before`: what earlier attempts at the same result have spent. */
export function openBudget(node: string, limits: Limits, before: Spent = { requests: 0, tokens: 0, usd: 0 }): Budget {
  const spent = { ...before }
  const add = (requests: number, tokens: number) => {
    spent.requests += requests
    spent.tokens += tokens
    spent.usd += usdOf(limits, tokens)
  }
  return {
    spent,
    reserve(tokens) {
      const { max_requests = Infinity, max_tokens = Infinity, max_usd = Infinity } = limits
      const passed =
        spent.requests + 1 > max_requests
          ? `max_requests (${max_requests})`
          : spent.tokens + tokens > max_tokens
            ? `max_tokens (${max_tokens})`
            : spent.usd + usdOf(limits, tokens) > max_usd
              ? `max_usd (${max_usd})`
              : undefined
      if (passed) {
        throw new SluiceError(
          `${node}: the next request would pass ${passed}; ${spent.requests} requests, ${spent.tokens} tokens and $${spent.usd.toFixed(4)} are spent on this result. All answers are kept: raise the cap and run the same command again to go on`,
          EXIT.later,
        )
      }
      add(1, tokens)
    },
    settle: (reserved, used) => {
      add(0, used - reserved)
    },
  }
}
