/** Whether the disk can hold a run, before a row is read. */
import { statfsSync } from 'node:fs'
import type { InputFile } from '../source/input.ts'
import { EXIT, SluiceError } from '../errors.ts'
import { sinkOrder, type Node } from '../graph/types.ts'
import { rowCount, type Partition } from './messages.ts'
import type { Plan } from './plan.ts'

/**
 * How often a run has its rows on the disk at once. They are spooled once, written once by each partition and once more
 * in the result, where ledger, ids and the roles of messages add a quarter; what stages learn or compare of them
 * (samples, keys, sets of words) takes about half as much each, more of few rows, and a sink that writes them beside
 * the result says so.
 */
export function timesOnDisk({ graph, levels }: Plan): number {
  const ops = levels.flat(),
    spooled = ops.some(op => op.kind === 'save' || op.kind === 'gather') ? 1 : 0,
    learned = new Set(ops.flatMap(op => (op.kind === 'collect' ? [op.node] : []))).size
  const copies = graph.nodes.reduce((n, node) => n + copiesOf(node), 0)
  return 2.25 + spooled + learned / 2 + copies
}

/** Sorted rows lie beside the runs that they are merged from, and then beside the result. */
function copiesOf(node: Node): number {
  if (node.stage.kind !== 'sink') return 0
  const { column, limit } = sinkOrder(node)
  return (column !== undefined && limit === undefined ? 1 : 0) + (node.stage.extraCopies?.(node.options as never) ?? 0)
}

/** Bytes of the rows that a run reads, once decoded. Formats that are not packed take about as much in a file. */
export const inputBytes = (
  files: readonly Pick<InputFile, 'facts' | 'bytes' | 'rows'>[],
  partitions: readonly Partition[],
): number =>
  partitions.reduce((sum, partition) => {
    const { facts, bytes, rows } = files[partition.file]
    return sum + (Number(facts.decoded_bytes ?? bytes) * rowCount(partition)) / rows
  }, 0)

/** Refuses a run that the disk cannot hold. */
export function checkDisk(
  output: string,
  files: readonly InputFile[],
  partitions: readonly Partition[],
  plan: Plan,
): void {
  const decoded = inputBytes(files, partitions),
    needed = decoded * timesOnDisk(plan)
  const { bavail, bsize } = statfsSync(output),
    free = bavail * bsize
  if (needed > free) {
    throw new SluiceError(
      `run: about ${sizeText(needed)} are needed in ${output} for ${sizeText(decoded)} of decoded input and ${sizeText(free)} are free; choose another --output, a --sample or a --limit`,
      EXIT.io,
    )
  }
}
const sizeText = (bytes: number) => (bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`)
