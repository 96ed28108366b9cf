/**
 * What a stage says of a server that it asks. How it is asked (queue, retries, caps, the cache of answers) is the
 * engine's, and the same for all.
 */
import type { Batch } from '../arrow/flow.ts'

/** How a server is reached, and how far a run may go with it. None of it has an influence on an answer. */
export interface Limits {
  /** The server's root, as in http://localhost:8000. */
  readonly url: string
  /** The environment variable that holds the key. */
  readonly key_variable?: string
  readonly concurrent_requests: number
  readonly requests_per_min?: number
  readonly timeout_secs: number
  /** How long a request that fails is sent again before the server is taken for down. */
  readonly retry_secs: number
  readonly usd_per_million_tokens?: number
  readonly max_requests?: number
  readonly max_tokens?: number
  readonly max_usd?: number
}

/**
 * An item is what one answer is about; items and values are JSON. Equal items of equal identity are asked once, ever;
 * of a stage of one's own, as long as its code stays as it is.
 */
export interface Service<Item = unknown, Value = unknown> {
  readonly limits: Limits
  readonly model: string
  /**
   * All that an answer depends on besides the item and the model, as options that `request` and `read` look at: part of
   * its key in the cache.
   */
  readonly identity: unknown
  readonly items_per_request: number
  /** All items of a batch: what the stage asks, and what the plan counts. */
  items(batch: Batch): Item[]
  request(items: readonly Item[]): { readonly path: string; readonly body: unknown }
  /**
   * The values, one an item, in their order. Throws where the answer is not one: it is asked for again, and never kept.
   */
  read(answer: unknown, items: readonly Item[]): Value[]
  /**
   * Asked before the first item of a run, without the cache. `check` throws when the answers show that the server is
   * not set up as it must be.
   */
  readonly probe: { readonly items: readonly Item[]; check(values: readonly Value[]): void }
}

/** What came of an item: a value, or why there is none. */
export type Answer<Value = unknown> = { readonly value: Value } | { readonly error: string }

/** Asks for a list of items; answers come in their order. */
export type Ask = (items: readonly unknown[]) => Promise<readonly Answer[]>

/** About 4 characters a token: said wherever the number is shown. */
export const tokensOf = (body: unknown): number => Math.ceil(JSON.stringify(body).length / 4)
