/**
 * Relating rows across the whole input in bounded memory. Each partition writes its rows' keys, cut into buckets by
 * key; a bucket of all partitions is sorted and grouped on its own; clusters are closed by a union-find over row
 * numbers. No map is keyed by row.
 */
import { createHash } from 'node:crypto'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import type { Context, Group, GroupRule } from '../contract/define.ts'
import type { Batch } from '../arrow/flow.ts'
import { readAll, type Out } from '../io.ts'
import { openSealed } from '../sealed.ts'
import { contentOf } from './content.ts'
import { loadValue, saveValue } from './files.ts'
import type { BucketTask, GroupDrops, PassMeta } from './messages.ts'

/** Buckets that keys are cut into, however many there are: what lies on the disk does not depend on the other rows. */
const BUCKETS = 256
/** Bytes of keys that are sorted at once, where one bucket has no more. */
const BUCKET_BYTES = 32 << 20

/**
 * Ranges of buckets that are sorted at once: as many as bound the memory, and never fewer than a few, so that workers
 * share them.
 */
export function bucketRanges(keys: number, bucketBytes = BUCKET_BYTES): (readonly [from: number, to: number])[] {
  const parts = 2 ** Math.max(2, Math.min(8, Math.ceil(Math.log2(Math.max(1, (keys * 12) / bucketBytes))))),
    each = BUCKETS / parts
  return Array.from({ length: parts }, (_, i) => [i * each, (i + 1) * each] as const)
}

const bucketOf = (high: number): number => (high >>> 0) % BUCKETS

/** Collects one partition's keys and payloads. */
export class KeyWriter {
  readonly #folder: string
  readonly #node: string
  readonly #perRow: number
  readonly #open: ReturnType<GroupRule<unknown>['open']>
  readonly #keys: BigUint64Array[] = []
  readonly #rows: Uint32Array[] = []
  readonly #payloadEnds: number[] = []
  readonly #payloads = createHash('sha256')
  #payloadFile: Out | undefined
  #payload = new Uint8Array(1 << 20)
  #payloadLength = 0
  #payloadWritten = 0

  constructor(
    folder: string,
    node: string,
    group: GroupRule<never>,
    options: Record<string, unknown>,
    context: Context,
  ) {
    this.#folder = folder
    this.#node = node
    this.#perRow = group.keysPerRow(options as never)
    this.#open = group.open(options as never, context)
  }

  add(batch: Batch, row: Uint32Array): void {
    const keys = new BigUint64Array(batch.rows * this.#perRow)
    this.#open.keys(batch, keys)
    this.#keys.push(keys)
    this.#rows.push(row.slice())
    if (!this.#open.payload) return
    for (let i = 0; i < batch.rows; i++) {
      const bytes = this.#open.payload(batch, i)
      if (this.#payloadLength + bytes.length > this.#payload.length) this.#flush(bytes.length)
      this.#payload.set(bytes, this.#payloadLength)
      this.#payloadLength += bytes.length
      this.#payloadEnds.push(this.#payloadWritten + this.#payloadLength)
    }
  }

  #flush(room: number): void {
    this.#payloadFile ??= openSealed(join(this.#folder, `payload-${this.#node}.bin`))
    this.#payloadFile.write(this.#payload.subarray(0, this.#payloadLength))
    this.#payloads.update(this.#payload.subarray(0, this.#payloadLength))
    this.#payloadWritten += this.#payloadLength
    this.#payloadLength = 0
    if (room > this.#payload.length) this.#payload = new Uint8Array(room)
  }

  /** `content`: of all that is gathered. */
  close(): PassMeta['grouped'][string] & { content: string } {
    const rows = concatTyped(Uint32Array, this.#rows)
    const keys = concatTyped(BigUint64Array, this.#keys)
    const words = new Uint32Array(keys.buffer)
    const bucketCounts = new Uint32Array(BUCKETS)
    for (let i = 0; i < keys.length; i++) {
      if (words[2 * i] | words[2 * i + 1]) bucketCounts[bucketOf(words[2 * i + 1])]++
    }
    // within the file: all keys in order of bucket, then the row numbers in the same order
    const next = new Uint32Array(BUCKETS)
    for (let b = 1; b < BUCKETS; b++) next[b] = next[b - 1] + bucketCounts[b - 1]
    const total = bucketCounts.reduce((sum, n) => sum + n, 0)
    const sorted = new BigUint64Array(total),
      positions = new Uint32Array(total)
    for (let i = 0; i < keys.length; i++) {
      if (!(words[2 * i] | words[2 * i + 1])) continue
      const at = next[bucketOf(words[2 * i + 1])]++
      sorted[at] = keys[i]
      positions[at] = (i / this.#perRow) | 0
    }
    const file = openSealed(join(this.#folder, `keys-${this.#node}.bin`))
    try {
      file.write(new Uint8Array(sorted.buffer), new Uint8Array(positions.buffer))
    } finally {
      file.close()
    }
    saveValue(join(this.#folder, `rows-${this.#node}.bin`), rows)
    const ends = Float64Array.from(this.#payloadEnds)
    if (this.#open.payload) {
      this.#flush(0)
      this.#payloadFile!.close()
      saveValue(join(this.#folder, `payload-ends-${this.#node}.bin`), ends)
    }
    const content = contentOf([sorted, positions, rows, ends, this.#payloads.digest('hex')])
    return { rows: rows.length, bucketCounts, content }
  }
}

function concatTyped<T extends Uint32Array | BigUint64Array>(make: new (n: number) => T, parts: readonly T[]): T {
  const out = new make(parts.reduce((n, part) => n + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part as never, at)
    at += part.length
  }
  return out
}

/** What a range of buckets found: rows by their number over all partitions. */
export interface BucketResult {
  dropRow: Float64Array
  dropReason: Uint16Array
  dropValue: Float64Array
  dropSurvivor: Float64Array
  edgeA: Float64Array
  edgeB: Float64Array
  edgeValue: Float64Array
}

/** Payloads of rows, read as they are asked for. */
class Payloads {
  readonly #open = new Map<number, { fd: number; ends: Float64Array }>()
  readonly #folders: readonly string[]
  readonly #node: string
  constructor(folders: readonly string[], node: string) {
    this.#folders = folders
    this.#node = node
  }

  read(partition: number, position: number): Uint8Array {
    let file = this.#open.get(partition)
    if (!file) {
      if (this.#open.size >= 256) {
        for (const { fd } of this.#open.values()) closeSync(fd)
        this.#open.clear()
      }
      file = {
        fd: openSync(join(this.#folders[partition], `payload-${this.#node}.bin`), 'r'),
        ends: loadValue<Float64Array>(join(this.#folders[partition], `payload-ends-${this.#node}.bin`)),
      }
      this.#open.set(partition, file)
    }
    const start = position === 0 ? 0 : file.ends[position - 1]
    const bytes = new Uint8Array(file.ends[position] - start)
    readAll(file.fd, bytes, start, join(this.#folders[partition], `payload-${this.#node}.bin`))
    return bytes
  }

  close(): void {
    for (const { fd } of this.#open.values()) closeSync(fd)
  }
}

/** Sorts entry numbers by key (two 32-bit words), keeping the order of rows within a key. */
function sortByKey(words: Uint32Array, n: number): Uint32Array {
  let from: Uint32Array<ArrayBuffer> = Uint32Array.from({ length: n }, (_, i) => i),
    to = new Uint32Array(n)
  const counts = new Uint32Array(65537)
  for (let pass = 0; pass < 4; pass++) {
    const word = pass >> 1,
      shift = (pass & 1) * 16
    counts.fill(0)
    for (let i = 0; i < n; i++) counts[((words[2 * i + word] >>> shift) & 0xffff) + 1]++
    for (let i = 1; i < counts.length; i++) counts[i] += counts[i - 1]
    for (let i = 0; i < n; i++) to[counts[(words[2 * from[i] + word] >>> shift) & 0xffff]++] = from[i]
    ;[from, to] = [to, from]
  }
  return from
}

/** Groups a range of buckets over all partitions and asks the stage about each group of two or more. */
export function runBucket(
  task: BucketTask,
  group: GroupRule<never>,
  reasons: readonly string[],
  options: unknown,
  meta: (folder: string) => PassMeta,
): void {
  const keyParts: BigUint64Array[] = [],
    rowParts: Float64Array[] = [],
    partParts: Uint32Array[] = []
  task.folders.forEach((folder, p) => {
    const { bucketCounts } = meta(folder).grouped[task.node]
    const keysIn = (from: number, to: number) => bucketCounts.subarray(from, to).reduce((sum, n) => sum + n, 0)
    const total = keysIn(0, BUCKETS),
      before = keysIn(0, task.from),
      count = keysIn(task.from, task.to)
    if (count === 0) return
    const path = join(folder, `keys-${task.node}.bin`),
      fd = openSync(path, 'r')
    const keys = new BigUint64Array(count),
      positions = new Uint32Array(count)
    try {
      readAll(fd, new Uint8Array(keys.buffer), before * 8, path)
      readAll(fd, new Uint8Array(positions.buffer), total * 8 + before * 4, path)
    } finally {
      closeSync(fd)
    }
    keyParts.push(keys)
    rowParts.push(Float64Array.from(positions, position => task.bases[p] + position))
    partParts.push(new Uint32Array(count).fill(p))
  })
  const n = keyParts.reduce((sum, part) => sum + part.length, 0)
  const keys = concatTyped(BigUint64Array, keyParts),
    parts = concatTyped(Uint32Array, partParts)
  const rows = new Float64Array(n)
  let filled = 0
  for (const part of rowParts) {
    rows.set(part, filled)
    filled += part.length
  }
  const words = new Uint32Array(keys.buffer)
  const order = sortByKey(words, n)
  const payloads = new Payloads(task.folders, task.node)
  const drops: [number, number, number, number][] = [],
    edges: [number, number, number][] = []
  const cache = new Map<number, Uint8Array>()
  for (let start = 0; start < n;) {
    let end = start + 1
    while (
      end < n &&
      words[2 * order[end]] === words[2 * order[start]] &&
      words[2 * order[end] + 1] === words[2 * order[start] + 1]
    ) {
      end++
    }
    // a row whose own keys collide is one member, not two
    const members: number[] = []
    for (let i = start; i < end; i++) if (i === start || rows[order[i]] !== rows[order[i - 1]]) members.push(order[i])
    if (members.length > 1) {
      cache.clear()
      const view: Group = {
        size: members.length,
        payload: member => {
          let bytes = cache.get(member)
          if (!bytes) {
            const entry = members[member]
            cache.set(member, (bytes = payloads.read(parts[entry], rows[entry] - task.bases[parts[entry]])))
          }
          return bytes
        },
      }
      group.each(
        view,
        {
          drop: (member, reason, value = NaN, survivor = -1) => {
            const index = reasons.indexOf(reason)
            if (index < 0) throw new Error(`${task.node}: reason '${reason}' is not declared`)
            drops.push([rows[members[member]], index, value, survivor < 0 ? -1 : rows[members[survivor]]])
          },
          edge: (a, b, value) => edges.push([rows[members[a]], rows[members[b]], value]),
        },
        options as never,
      )
    }
    start = end
  }
  payloads.close()
  const column = (list: readonly number[][], i: number) => Float64Array.from(list, entry => entry[i])
  const result: BucketResult = {
    dropRow: column(drops, 0),
    dropReason: Uint16Array.from(drops, drop => drop[1]),
    dropValue: column(drops, 2),
    dropSurvivor: column(drops, 3),
    edgeA: column(edges, 0),
    edgeB: column(edges, 1),
    edgeValue: column(edges, 2),
  }
  saveValue(task.file, result)
}

/** A partition's part in a group: how many rows it gathered and where they come from. */
export interface GroupPart {
  readonly rows: number
  /** The label of its file. */
  readonly file: string
  readonly folder: string
}

/**
 * Joins the buckets: closes clusters, and sorts the verdicts by partition. The result for partition p is written to
 * `files[p]`; gives their content.
 */
export function joinBuckets(
  node: string,
  results: readonly string[],
  parts: readonly GroupPart[],
  edgeReason: number,
  files: readonly string[],
): string[] {
  const bases: number[] = []
  let total = 0
  for (const { rows } of parts) {
    bases.push(total)
    total += rows
  }
  // one verdict a row: of several, the first reason, then the earliest survivor, then the largest value, so that the
  // order of buckets does not show
  const reason = new Uint16Array(total).fill(0xffff),
    value = new Float64Array(total).fill(NaN),
    survivor = new Float64Array(total).fill(-1)
  let parent: Uint32Array | undefined
  const find = (row: number): number => {
    while (parent![row] !== row) row = parent![row] = parent![parent![row]]
    return row
  }
  let best: Float64Array | undefined
  for (const file of results) {
    const found = loadValue<BucketResult>(file)
    for (let i = 0; i < found.dropRow.length; i++) {
      const row = found.dropRow[i]
      const order = found.dropReason[i] - reason[row] || found.dropSurvivor[i] - survivor[row]
      if (order < 0 || (order === 0 && !(value[row] >= found.dropValue[i]) && !Number.isNaN(found.dropValue[i]))) {
        reason[row] = found.dropReason[i]
        value[row] = found.dropValue[i]
        survivor[row] = found.dropSurvivor[i]
      }
    }
    if (found.edgeA.length > 0) {
      parent ??= Uint32Array.from({ length: total }, (_, i) => i)
      best ??= new Float64Array(total).fill(NaN)
    }
    for (let i = 0; i < found.edgeA.length; i++) {
      const a = find(found.edgeA[i]),
        b = find(found.edgeB[i])
      if (a < b) parent![b] = a
      else parent![a] = b
      for (const row of [found.edgeA[i], found.edgeB[i]]) {
        if (!(best![row] >= found.edgeValue[i])) best![row] = found.edgeValue[i]
      }
    }
  }
  for (let row = 0; parent && row < total; row++) {
    const root = find(row)
    if (root !== row && reason[row] === 0xffff) {
      reason[row] = edgeReason
      value[row] = best![row]
      survivor[row] = root
    }
  }
  const origins = new Map<number, Uint32Array>()
  const partOf = (row: number) => {
    let p = parts.length - 1
    while (bases[p] > row) p--
    return p
  }
  const originRow = (row: number, p: number) => {
    if (!origins.has(p)) origins.set(p, loadValue<Uint32Array>(join(parts[p].folder, `rows-${node}.bin`)))
    return origins.get(p)![row - bases[p]]
  }
  return parts.map(({ rows }, p) => {
    const dropped: number[] = []
    for (let i = 0; i < rows; i++) if (reason[bases[p] + i] !== 0xffff) dropped.push(i)
    const drops: GroupDrops = {
      index: Uint32Array.from(dropped),
      reason: Uint16Array.from(dropped, i => reason[bases[p] + i]),
      value: Float64Array.from(dropped, i => value[bases[p] + i]),
      relatedFile: new Int32Array(dropped.length).fill(-1),
      relatedRow: new Float64Array(dropped.length).fill(-1),
      files: [],
    }
    const names = new Map<string, number>()
    dropped.forEach((i, k) => {
      const other = survivor[bases[p] + i]
      if (other < 0) return
      const q = partOf(other)
      if (!names.has(parts[q].file)) names.set(parts[q].file, names.size)
      drops.relatedFile[k] = names.get(parts[q].file)!
      drops.relatedRow[k] = originRow(other, q)
    })
    const found = { ...drops, files: [...names.keys()] }
    saveValue(files[p], found)
    return contentOf(found)
  })
}
