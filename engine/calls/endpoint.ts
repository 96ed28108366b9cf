/**
 * One server as a run uses it: items in, answers out, each from the cache where it is there, else by a request in a
 * queue that retries, counts and stops.
 */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import PQueue from 'p-queue'
import pRetry from 'p-retry'
import { EXIT, SluiceError } from '../errors.ts'
import { keyText } from '../key_text.ts'
import { openBudget, type Budget } from './budget.ts'
import type { Cache, Spent } from './cache.ts'
import type { Asked } from './graph.ts'
import { CallError, send, tokensSaid } from './http.ts'
import { wordsOf } from './secret.ts'
import { tokensOf, type Answer, type Service } from './service.ts'

/**
 * So many failures, and more than answers, new or kept (of those a thousand count): the server is taken for broken.
 * Rows must not be lost by the thousand.
 */
const BROKEN = 25,
  MOST_KEPT = 1000
/** How often an answer that is none, or a 500, is asked for: it may well be the item's fault. */
const UNUSABLE_TRIES = 2,
  ERROR_TRIES = 4
/** Without any answer for so long the user hears what is waited for, and hears it again not before a minute. */
const TOLD_MS = 2000,
  QUIET_MS = 60_000
/** Characters of a count of tokens that is none. */
const SHOWN = 40

export interface Done extends Spent {
  readonly asked: number
  readonly cached: number
  readonly failed: number
}

const keyOf = (identity: string, item: unknown): string => `answer!${sha([identity, item])}`
const sha = (value: unknown): string => createHash('sha256').update(keyText(value)).digest('hex')

export class Endpoint {
  readonly #node: string
  readonly #service: Service
  readonly #code: string | undefined
  readonly #cache: Cache
  readonly #scope: () => string
  readonly #servedKey: string
  readonly #queue: PQueue
  /** Ends waiting and resting, not requests: they are paid for. */
  readonly #stop: AbortSignal
  readonly #abort: AbortSignal
  readonly #onIdentity: (identity: string, node: string) => void
  readonly #warn: (text: string) => void
  #answeredAt = 0
  #toldAt = -Infinity
  readonly #pending = new Map<string, Promise<Answer>>()
  #ready: Promise<void> | undefined
  #budget!: Budget
  #served: Promise<unknown> | undefined
  /** Whether it was told that the server's count of tokens is none. */
  #isMiscounting = false
  /** Whether it was said what its answers go by. */
  #isKnown = false
  /** Whether the server itself told it, in this run. */
  #isTold = false
  #spentKey = ''
  #restUntil = 0
  #asked = 0
  #cached = 0
  #answered = 0
  #failed = 0

  /**
   * `scope` names the result whose attempts share the caps. `stop`: no new request; `abort`: also those under way.
   * `onIdentity` hears what its answers go by, `warn` of a server that is waited for.
   */
  constructor(
    node: string,
    { service, code }: Asked,
    cache: Cache,
    scope: () => string,
    stop: AbortSignal,
    abort: AbortSignal,
    onIdentity: (identity: string, node: string) => void,
    warn: (text: string) => void = () => undefined,
  ) {
    const { concurrent_requests: concurrency, requests_per_min } = service.limits
    this.#node = node
    this.#service = service
    this.#code = code
    this.#cache = cache
    this.#scope = scope
    this.#servedKey = `served!${service.limits.url}!${service.model}`
    this.#stop = stop
    this.#abort = abort
    this.#onIdentity = onIdentity
    this.#warn = warn
    this.#queue = new PQueue({
      concurrency,
      ...(requests_per_min === undefined ? {} : { intervalCap: 1, interval: 60_000 / requests_per_min }),
    })
  }

  async ask(items: readonly unknown[]): Promise<Answer[]> {
    if (items.length === 0) return []
    const identity = this.#identityOf(await this.served()),
      keys = items.map(item => keyOf(identity, item))
    this.#asked += items.length
    if (!this.#isKnown) this.#onIdentity(identity, this.#node)
    this.#isKnown = true
    if (!this.#ready) {
      // as long as everything is there, no server need be
      const stored = await this.#cache.get(keys)
      if (stored.every(value => value !== undefined)) {
        this.#cached += stored.length
        return stored.map(value => ({ value }))
      }
    }
    await (this.#ready ??= this.#begin())
    const fresh = new Map(
      keys.map((key, i) => [key, items[i]]).filter(([key]) => !this.#pending.has(key as string)) as [string, unknown][],
    )
    // promised at once, so that nobody else asks for them meanwhile
    const found = this.#find(fresh)
    for (const key of fresh.keys()) {
      this.#pending.set(
        key,
        found.then(answers => answers.get(key)!),
      )
    }
    const all = keys.map(key => this.#pending.get(key)!)
    for (const one of all) one.catch(() => undefined)
    try {
      return await Promise.all(all)
    } finally {
      for (const key of fresh.keys()) this.#pending.delete(key)
    }
  }

  /** Settles when nothing is under way. What waits is not begun: for the end. */
  async quiet(): Promise<void> {
    this.#queue.clear()
    await Promise.allSettled([this.#ready, this.#queue.onIdle()])
  }

  /** What was done so far. Spending is of this result, over all attempts at it. */
  done(): Done {
    return {
      ...(this.#budget?.spent ?? { requests: 0, tokens: 0, usd: 0 }),
      asked: this.#asked,
      cached: this.#cached,
      failed: this.#failed,
    }
  }

  /**
   * What the server told of the model's weights when it was last asked; it is asked now if it never was, or if what it
   * told last may be lost. Answers of other weights are other answers.
   */
  served(): Promise<unknown> {
    return (this.#served ??= this.#cache
      .get([this.#servedKey])
      .then(async ([told]) => (told === undefined || this.#cache.mayBeOld ? this.#askServed() : told)))
  }

  /** How many of these items the cache has an answer to: for a plan, without a request. */
  async known(items: readonly unknown[]): Promise<number> {
    const [served] = await this.#cache.get([this.#servedKey])
    if (served === undefined) return 0
    const identity = this.#identityOf(served)
    return (await this.#cache.get(items.map(item => keyOf(identity, item)))).filter(value => value !== undefined).length
  }

  #identityOf(served: unknown): string {
    const { model, identity } = this.#service
    return sha([model, served, identity, ...(this.#code === undefined ? [] : [this.#code])])
  }

  /** From the cache, and what is not there from the server. */
  async #find(fresh: ReadonlyMap<string, unknown>): Promise<Map<string, Answer>> {
    const answers = new Map<string, Answer>(),
      missing: [string, unknown][] = []
    const stored = await this.#cache.get([...fresh.keys()])
    ;[...fresh].forEach(([key, item], i) => {
      if (stored[i] === undefined) missing.push([key, item])
      else answers.set(key, { value: stored[i] })
    })
    this.#cached += answers.size
    const size = this.#service.items_per_request
    const chunks = Array.from({ length: Math.ceil(missing.length / size) }, (_, i) =>
      missing.slice(i * size, (i + 1) * size),
    )
    await Promise.all(
      chunks.map(chunk =>
        this.#queue.add(async () => {
          for (const [i, answer] of (await this.#request(chunk)).entries()) answers.set(chunk[i][0], answer)
        }),
      ),
    )
    return answers
  }

  /**
   * The answers of one request; where it fails for good, of one for each of its items, so that one item does not take
   * others with it.
   */
  async #request(chunk: readonly (readonly [string, unknown])[]): Promise<Answer[]> {
    try {
      const values = await this.#patiently(() =>
        this.#attempt(
          chunk.map(([, item]) => item),
          chunk.map(([key]) => key),
        ),
      )
      this.#answered += values.length
      return values.map(value => ({ value }))
    } catch (error) {
      if (!(error instanceof CallError)) throw error
      const where = `${this.#service.limits.url}: ${error.message}`
      if (error.kind === 'fatal') {
        throw new SluiceError(`${this.#node}: ${where}${this.#hint(error.status)}`, EXIT.graph)
      }
      if (error.kind === 'later' && (this.#isTooLong(error.waitMs) || !(await this.#isAlive()))) {
        throw this.#down(where, error.waitMs)
      }
      if (chunk.length > 1) {
        // what is refused at once is found by halves; what fails after long waiting, one by one
        const answers: Answer[] = [],
          size = error.kind === 'refused' ? Math.ceil(chunk.length / 2) : 1
        for (let i = 0; i < chunk.length; i += size) answers.push(...(await this.#request(chunk.slice(i, i + size))))
        return answers
      }
      this.#failed++
      if (this.#failed >= BROKEN && this.#failed > this.#answered + Math.min(this.#cached, MOST_KEPT)) {
        throw new SluiceError(
          `${this.#node}: ${this.#failed} requests failed and ${this.#answered + this.#cached} were answered, the last with ${where}; the server is not set up for this, or broken${error.kind === 'refused' ? ', or these rows are too much for it: what is too long for the model is best dropped above (drop_length)' : ''}. All answers so far are kept, run the same command again when it is right`,
          EXIT.endpoint,
        )
      }
      return [{ error: error.message }]
    }
  }

  /** Whether the server answers what it has answered before: then it is the item that it cannot take. */
  async #isAlive(): Promise<boolean> {
    try {
      await this.#attempt(this.#service.probe.items.slice(0, 1))
      return true
    } catch (error) {
      if (error instanceof CallError) return false
      throw error
    }
  }

  #isTooLong(waitMs: number): boolean {
    return waitMs > this.#service.limits.retry_secs * 1000
  }

  #down(where: string, waitMs = 0): SluiceError {
    const then = this.#isTooLong(waitMs)
      ? 'when that time is over, or with a larger retry_secs to wait for it'
      : 'to go on'
    return new SluiceError(
      `${this.#node}: no answer from ${where} (retry_secs is ${this.#service.limits.retry_secs}); all answers so far are kept, run the same command again ${then}`,
      EXIT.endpoint,
    )
  }

  #hint(status: number | undefined): string {
    const { key_variable: variable } = this.#service.limits
    if (status === 401 || status === 403) {
      return variable
        ? `; the key in ${variable} is not accepted`
        : '; name the environment variable that holds the key in key_variable'
    }
    return status === 404 || status === 405
      ? '; is `url` the root of the server, and does it serve this kind of model?'
      : ''
  }

  /** Again and again, as long as it makes sense. */
  #patiently<T>(work: () => Promise<T>): Promise<T> {
    const { retry_secs, url } = this.#service.limits,
      began = Date.now()
    return pRetry(work, {
      onFailedAttempt: ({ error }) => {
        const now = Date.now()
        if (
          !(error instanceof CallError && error.kind === 'later') ||
          error.status === 500 ||
          this.#isTooLong(error.waitMs)
        ) {
          return
        }
        if (
          (error.waitMs < TOLD_MS && now - Math.max(began, this.#answeredAt) < TOLD_MS) ||
          now - this.#toldAt < QUIET_MS
        ) {
          return
        }
        this.#toldAt = now
        this.#warn(`${this.#node}: ${url}: ${error.message}; it is asked again for up to ${retry_secs} s (retry_secs)`)
      },
      retries: Infinity,
      minTimeout: 250,
      factor: 2,
      maxTimeout: 30_000,
      randomize: true,
      maxRetryTime: retry_secs * 1000,
      signal: this.#stop,
      shouldRetry: ({ error, attemptNumber }) =>
        error instanceof CallError &&
        (error.kind === 'unusable'
          ? attemptNumber < UNUSABLE_TRIES
          : error.kind === 'later' &&
            (error.status !== 500 || attemptNumber < ERROR_TRIES) &&
            !this.#isTooLong(error.waitMs)),
    })
  }

  /** One request. What is paid for is kept before anybody hears of it. */
  async #attempt(items: readonly unknown[], keys: readonly string[] = []): Promise<unknown[]> {
    const rest = this.#restUntil - Date.now()
    if (this.#isTooLong(rest)) {
      throw new CallError(
        'later',
        `it asked to be left alone; not again for ${Math.ceil(rest / 1000)} s`,
        undefined,
        rest,
      )
    }
    if (rest > 0) await sleep(rest, undefined, { signal: this.#stop })
    this.#stop.throwIfAborted()
    const { path, body } = this.#service.request(items),
      reserved = tokensOf(body)
    this.#budget.reserve(reserved)
    let used = 0,
      values: unknown[] = []
    try {
      const answer = await this.#send(path, body)
      const { tokens = reserved, wrong } = tokensSaid(answer)
      used = tokens
      if (wrong !== undefined) this.#tellOfTokens(wrong)
      values = this.#read(answer, items)
      return values
    } finally {
      this.#budget.settle(reserved, used)
      await this.#cache.put(
        new Map<string, unknown>([
          ...keys.slice(0, values.length).map((key, i) => [key, values[i]] as const),
          [this.#spentKey, { ...this.#budget.spent }],
        ]),
      )
    }
  }

  #read(answer: unknown, items: readonly unknown[]): unknown[] {
    try {
      return this.#service.read(answer, items)
    } catch (error) {
      throw new CallError('unusable', wordsOf((error as Error).message, this.#key()))
    }
  }

  /** Once: it will be the same with all. */
  #tellOfTokens(wrong: unknown): void {
    if (this.#isMiscounting) return
    this.#isMiscounting = true
    this.#warn(
      `${this.#node}: ${this.#service.limits.url} says that a request took ${wordsOf(JSON.stringify(wrong).slice(0, SHOWN), this.#key())} tokens, which is no number of tokens; the estimate is counted in its place (4 characters each)`,
    )
  }

  #key(): string | undefined {
    const { key_variable: variable } = this.#service.limits
    return variable === undefined ? undefined : process.env[variable]?.trim()
  }

  async #send(path: string, body?: unknown): Promise<unknown> {
    const { url, timeout_secs } = this.#service.limits
    try {
      const answer = await send({
        url: addressOf(url, path),
        body,
        key: this.#key(),
        timeoutMs: timeout_secs * 1000,
        signal: this.#abort,
      })
      this.#answeredAt = Date.now()
      return answer
    } catch (error) {
      // asked to rest, all rest
      if (error instanceof CallError && error.waitMs > 0) {
        this.#restUntil = Math.max(this.#restUntil, Date.now() + error.waitMs)
      }
      throw error
    }
  }

  /**
   * Before the first item that is asked: are the weights those that the answers so far are of, and do they say
   * something?
   */
  #begin(): Promise<void> {
    const { limits, model, probe, items_per_request: size } = this.#service
    return this.#explained(async () => {
      const told = await this.served(),
        now = this.#isTold ? told : await this.#askServed()
      if (now !== told) {
        throw new SluiceError(
          `${this.#node}: ${limits.url} has other weights of ${model} now: ${wordsOf(String(now), this.#key())}, not ${wordsOf(String(told), this.#key())}. Nothing is mixed: run the same command again to ask these`,
          EXIT.later,
        )
      }
      const spentKey = `spent!${this.#scope()}!${this.#node}`
      this.#budget = openBudget(this.#node, limits, (await this.#cache.get([spentKey]))[0] as Spent | undefined)
      this.#spentKey = spentKey
      const values: unknown[] = []
      for (let i = 0; i < probe.items.length; i += size) {
        values.push(...(await this.#patiently(() => this.#attempt(probe.items.slice(i, i + size)))))
      }
      probe.check(values)
    })
  }

  /** Errors of what is done before the first item: there is no row that they could cost. */
  async #explained<T>(work: () => Promise<T>): Promise<T> {
    const {
      limits: { url },
      model,
    } = this.#service
    try {
      return await work()
    } catch (error) {
      if (error instanceof SluiceError || this.#stop.aborted) throw error
      if (error instanceof CallError && error.kind === 'later') {
        throw this.#down(`${url}: ${error.message}`, error.waitMs)
      }
      throw new SluiceError(
        `${this.#node}: ${url}, asked for ${model}: ${(error as Error).message}${error instanceof CallError ? this.#hint(error.status) : ''}`,
        EXIT.graph,
      )
    }
  }

  /** What the server tells of the model besides its name. Servers without a list of models tell nothing. */
  #askServed(): Promise<unknown> {
    const { model } = this.#service
    return this.#explained(async () => {
      const list = await this.#patiently(async () => {
        try {
          return await this.#send('/v1/models')
        } catch (error) {
          if (
            error instanceof CallError &&
            (error.status === 404 || error.status === 405 || error.kind === 'unusable')
          ) {
            return null
          }
          throw error
        }
      })
      const models = (list as { data?: ({ id?: unknown; root?: unknown } | null)[] } | null)?.data
      const found = Array.isArray(models) ? models.find(one => one?.id === model) : {}
      if (!found) {
        throw new Error(
          `the server has no model '${model}', it has ${
            wordsOf(
              models!
                .slice(0, 10)
                .map(one => String(one?.id))
                .join(', '),
              this.#key(),
            ) || 'none'
          }; set model`,
        )
      }
      const served = typeof found.root === 'string' ? found.root : null
      await this.#cache.put(new Map([[this.#servedKey, served]]))
      this.#isTold = true
      return served
    })
  }
}

/** A path below a server's root; some write the root with the version that paths have themselves. */
const addressOf = (url: string, path: string): string => url.replace(/\/+$/, '').replace(/\/v1$/, '') + path
