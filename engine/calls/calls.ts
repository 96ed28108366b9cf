/**
 * All servers of a run, in the main thread: one queue and one count each, whatever the number of workers, and one
 * cache.
 */
import { setMaxListeners } from 'node:events'
import { existsSync } from 'node:fs'
import { openCache, type Cache } from './cache.ts'
import { Endpoint, type Done } from './endpoint.ts'
import type { Services } from './graph.ts'
import type { Answer } from './service.ts'

export interface Calls {
  /** Never settles when the run has to stop: `failed` does, once nothing is under way any more. */
  ask(node: string, items: readonly unknown[]): Promise<readonly Answer[]>
  readonly failed: Promise<never>
  /** What servers told of their models' weights, by node: part of what the answers follow from. */
  served(): Promise<Record<string, unknown>>
  /** How many of some items have an answer already. */
  known(node: string, items: readonly unknown[]): Promise<number>
  done(): Record<string, Done>
  close(): Promise<void>
}

/**
 * `folder` holds the answers; nothing is opened before something is asked. `scope` names the result that is worked for:
 * all attempts at it share the caps.
 */
export function openCalls(
  services: Services,
  folder: string,
  scope: () => string,
  warn?: (text: string) => void,
): Calls {
  const stop = new AbortController(),
    abort = new AbortController()
  // as many listeners as requests
  setMaxListeners(0, stop.signal, abort.signal)
  const endpoints = new Map<string, Endpoint>(),
    /** By what answers go by, who asks for them first. */
    first = new Map<string, string>()
  /** Two servers that say the same of their models share answers, whatever the models are. */
  const onIdentity = (identity: string, node: string) => {
    const other = first.get(identity) ?? node,
      [a, b] = [other, node].map(id => services.get(id)!.service)
    first.set(identity, other)
    if (a.limits.url === b.limits.url) return
    first.set(identity, node)
    warn?.(
      `${other} and ${node} ask two servers that both call their model ${a.model}, so that an answer of one counts for both; start servers of two models under two names`,
    )
  }
  let cache: Promise<Cache> | undefined
  let fail: (error: unknown) => void
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })
  failed.catch(() => undefined)
  const endpointOf = async (node: string): Promise<Endpoint> => {
    const open = await (cache ??= openCache(folder, warn))
    if (!endpoints.has(node)) {
      endpoints.set(
        node,
        new Endpoint(node, services.get(node)!, open, scope, stop.signal, abort.signal, onIdentity, warn),
      )
    }
    return endpoints.get(node)!
  }
  const quiet = () => Promise.allSettled([...endpoints.values()].map(endpoint => endpoint.quiet()))
  return {
    failed,
    served: async () =>
      Object.fromEntries(
        await Promise.all(
          [...services.keys()].map(async node => [node, await (await endpointOf(node)).served()] as const),
        ),
      ),
    async ask(node, items) {
      try {
        return await (await endpointOf(node)).ask(items)
      } catch (error) {
        if (!stop.signal.aborted) {
          stop.abort()
          // what is on its way is paid for: it comes in and is kept
          void quiet().then(() => {
            fail(error)
          })
        }
        return new Promise(() => undefined)
      }
    },
    known: async (node, items) => (existsSync(folder) ? (await endpointOf(node)).known(items) : 0),
    done: () => Object.fromEntries([...endpoints].map(([node, endpoint]) => [node, endpoint.done()])),
    async close() {
      stop.abort()
      abort.abort()
      await quiet()
      await cache?.then(
        open => open.close(),
        () => undefined,
      )
    },
  }
}
