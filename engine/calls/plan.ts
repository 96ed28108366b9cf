/** What a run will ask of servers, before it asks: an estimate from rows here and there in the input. */
import type { AnySource } from '../contract/define.ts'
import { Batch } from '../arrow/flow.ts'
import { sourcesAbove } from '../graph/types.ts'
import { rowCount, type Partition } from '../run/messages.ts'
import { cutPartitions } from '../run/partitions.ts'
import type { Prepared } from '../run/prepare.ts'
import type { RunOptions } from '../run/options.ts'
import { readPairs } from '../source/pairs.ts'
import { usdOf } from './budget.ts'
import { openCalls, type Calls } from './calls.ts'
import { tokensOf } from './service.ts'

/** Places of the input that are looked at, and rows at each. */
const PLACES = 20,
  ROWS = 50

interface Sample {
  readonly source: string
  readonly batch: Batch
}

/** The plan alone, with the answers in `folder` deducted. */
export async function plan(
  prepared: Prepared,
  folder: string,
  { sample = Infinity, limit }: Pick<RunOptions, 'sample' | 'limit'>,
  warn?: (text: string) => void,
): Promise<string[]> {
  if (prepared.services.size === 0) return []
  const calls = openCalls(prepared.services, folder, () => '', warn)
  const rows = prepared.files.reduce((n, file) => n + file.rows, 0)
  const partitions = cutPartitions(prepared.files, prepared.graph.partitionRows, limit).flat()
  // which rows a sample has is known once the files are hashed: here it is as if they lay evenly
  try {
    return await planCalls(prepared, partitions, calls, Math.min(1, sample / rows))
  } finally {
    await calls.close()
  }
}

/**
 * A line a stage. `share`: how many of the partitions' rows will be read. Rows that are dropped on the way to it are
 * not known yet, nor what it will be asked of rows that are made there.
 */
export async function planCalls(
  { graph, files, services }: Pick<Prepared, 'graph' | 'files' | 'services'>,
  partitions: readonly Partition[],
  calls: Pick<Calls, 'known'>,
  share = 1,
): Promise<string[]> {
  const rowsOf = new Map<string, number>()
  for (const partition of partitions) {
    const { source } = files[partition.file]
    rowsOf.set(source, (rowsOf.get(source) ?? 0) + share * rowCount(partition))
  }
  const every = Math.max(1, partitions.length / PLACES)
  const samples: Sample[] = []
  for (let i = 0; i < partitions.length; i += every) {
    const { file, start, end, rows } = partitions[Math.floor(i)],
      { source } = files[file],
      node = graph.nodes.find(({ id }) => id === source)!
    const range = rows ? { start, end, rows: rows.slice(0, ROWS) } : { start, end: Math.min(end, start + ROWS) }
    const read = readPairs(node.stage as AnySource, node.options as never, files[file], range)
    for await (const { pairs, row } of read) {
      samples.push({
        source,
        batch: new Batch({
          schema: pairs.schema,
          columns: pairs.data.children,
          rows: row.length,
          row,
          copy: new Uint32Array(row.length),
        }),
      })
    }
  }
  const above = sourcesAbove(graph)
  return Promise.all(
    [...services].map(async ([id, { service }]) => {
      const mine = samples.filter(({ source }) => above.get(id)!.has(source)),
        seen = mine.reduce((n, { batch }) => n + batch.rows, 0)
      const rows = [...rowsOf].reduce((n, [source, some]) => (above.get(id)!.has(source) ? n + some : n), 0)
      let items: unknown[]
      try {
        items = mine.flatMap(({ batch }) => service.items(batch))
      } catch {
        return `${id}: what ${service.model} is asked depends on columns that are made on the way, so there is no estimate`
      }
      if (items.length === 0) return `${id}: nothing to ask`
      const known = (await calls.known(id, items)) / items.length
      const asked = (items.length / seen) * rows * (1 - known),
        tokens =
          (asked * items.reduce<number>((n, item) => n + tokensOf(service.request([item]).body), 0)) / items.length
      const { usd_per_million_tokens: price, max_requests, max_tokens, max_usd } = service.limits,
        requests = asked / service.items_per_request,
        usd = usdOf(service.limits, tokens)
      const caps = [
        requests > (max_requests ?? Infinity) ? 'max_requests' : '',
        tokens > (max_tokens ?? Infinity) ? 'max_tokens' : '',
        usd > (max_usd ?? Infinity) ? 'max_usd' : '',
      ].filter(Boolean)
      return (
        `${id}: at most about ${round(requests)} requests to ${service.model} and ${round(tokens)} tokens (4 characters each)${price === undefined ? '' : `, $${usd.toPrecision(2)}`}` +
        `${known > 0 ? `; ${Math.round(100 * known)} % of the answers are there already` : ''}${caps.length > 0 ? `; more than ${caps.join(' and ')}, so the run will stop there` : ''}`
      )
    }),
  )
}

const round = (value: number): string => Number(value.toPrecision(2)).toLocaleString('en-US')
