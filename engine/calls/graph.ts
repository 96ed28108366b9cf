/** The servers that a graph asks. */
import type { AnyStage } from '../contract/define.ts'
import { say, step, type Problem } from '../graph/messages.ts'
import type { Graph } from '../graph/types.ts'
import type { Service } from './service.ts'

/** What is asked, and for whom. */
export interface Asked {
  readonly service: Service
  /**
   * Of a stage of the user's own the hash of its code, which may say another thing of the same answer tomorrow. A stage
   * of the registry has none: its `identity` is kept right, so that nobody pays again for an upgrade.
   */
  readonly code?: string
}
export type Services = ReadonlyMap<string, Asked>

/** Every stage's service by the node's id, and what is wrong with them. */
export function servicesOf(graph: Graph): { services: Map<string, Asked>; problems: Problem[] } {
  const services = new Map<string, Asked>(),
    problems: Problem[] = []
  for (const node of graph.nodes) {
    const { calls } = node.stage as AnyStage
    if (!calls) continue
    const at = `/stages/${node.index}/with`
    try {
      const service = calls(node.options as never),
        { url, key_variable: variable, max_usd, usd_per_million_tokens: price } = service.limits
      services.set(node.id, { service, code: node.own?.code })
      const wrong = (option: string, value: unknown, why: string) =>
        problems.push(graph.place(say.invalidValue(step(at, option), value, why)))
      const address = URL.canParse(url) ? new URL(url) : undefined
      if (!address || !['http:', 'https:'].includes(address.protocol)) {
        wrong('url', url, 'not the address of a server, as http://localhost:8000')
      }
      // what is in a url is in the graph, in errors and in the history of the shell
      else if (address.username || address.password || address.search) {
        wrong(
          'url',
          `${address.protocol}//…@${address.host}`,
          'a url holds no keys: name the environment variable that does in key_variable',
        )
      }
      if (variable !== undefined && !process.env[variable]) {
        wrong('key_variable', variable, 'the environment has no such variable, or it is empty')
      }
      // a header can hold nothing else; the value itself is in no message
      else if (variable !== undefined && !/^[\x21-\x7e]+$/.test(process.env[variable]!.trim())) {
        wrong(
          'key_variable',
          variable,
          'the variable holds something that is no key: a key has no spaces, line ends or letters beyond ASCII',
        )
      }
      if (max_usd !== undefined && price === undefined) {
        wrong('max_usd', max_usd, 'a cap in dollars needs a price: set usd_per_million_tokens')
      }
    } catch (error) {
      problems.push(graph.place(say.invalidValue(at, undefined, (error as Error).message)))
    }
  }
  return { services, problems }
}
