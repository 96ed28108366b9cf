/** Groups and clusters over random keys, against brute force. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import { loadValue } from '../../engine/run/files.ts'
import { joinBuckets, KeyWriter, runBucket, type GroupPart } from '../../engine/run/group.ts'
import type { GroupDrops, PassMeta } from '../../engine/run/messages.ts'
import type { Context, GroupRule } from '../../engine/contract/define.ts'
import { folder } from '../engine/helpers.ts'
import { settings } from './settings.ts'

vi.setConfig({ testTimeout: 300_000 })

interface Row {
  readonly keys: readonly bigint[]
  readonly payload: Uint8Array
}
/** A partition: its file, its rows in the order of blocks, and how many each block has. */
interface Part {
  readonly file: number
  readonly blocks: readonly (readonly Row[])[]
}
interface Dropped {
  reason: string
  value: number
  file: number
  row: number
}

const reasons = ['odd', 'even', 'near']
const NODE = 'node'

// few keys, so that they meet; some differ in one half only, and 0n takes no part
const key = fc.constantFrom(
  0n,
  1n,
  2n,
  1n << 32n,
  1n << 33n,
  (1n << 33n) + 1n,
  (7n << 32n) + 5n,
  (1n << 64n) - 1n,
  0xffffffffn,
)
const partsOf = (perRow: number) =>
  fc
    .array(
      fc.record({
        file: fc.nat(2),
        blocks: fc.array(
          fc.array(
            fc.record({
              keys: fc.array(key, { minLength: perRow, maxLength: perRow }),
              payload: fc.uint8Array({ maxLength: 5 }),
            }),
            { maxLength: 6 },
          ),
          { maxLength: 4 },
        ),
      }),
      { minLength: 1, maxLength: 4 },
    )
    .map(parts => parts.sort((a, b) => a.file - b.file))

/** The file's row of each gathered row: every second one has been dropped before. */
const placeOf = (part: number, position: number) => 1000 * part + 2 * position

/** What the engine finds, row by row over all partitions; undefined where a row stays. */
function grouped(
  parts: readonly Part[],
  perRow: number,
  buckets: number,
  rule: Pick<GroupRule<unknown>, 'each' | 'edgeReason'>,
): (Dropped | undefined)[] {
  const at = folder(),
    metas = new Map<string, PassMeta>()
  const groupParts: GroupPart[] = parts.map(({ file, blocks }, p) => {
    const to = join(at, `part-${p}`)
    mkdirSync(to)
    let block: readonly Row[] = []
    const group = {
      keysPerRow: () => perRow,
      open: () => ({
        keys: (_: unknown, out: BigUint64Array) => block.forEach((row, i) => out.set(row.keys, i * perRow)),
        payload: (_: unknown, row: number) => block[row].payload,
      }),
      ...rule,
    } as unknown as GroupRule<never>
    const writer = new KeyWriter(to, NODE, group, {}, {} as Context)
    let rows = 0
    for (block of blocks) {
      writer.add(
        { rows: block.length } as never,
        Uint32Array.from(block, (_, i) => placeOf(p, rows + i)),
      )
      rows += block.length
    }
    metas.set(to, { grouped: { [NODE]: writer.close() } } as unknown as PassMeta)
    return { rows, file: String(file), folder: to }
  })
  const bases: number[] = []
  groupParts.reduce((base, { rows }) => {
    bases.push(base)
    return base + rows
  }, 0)
  const results = Array.from({ length: buckets }, (_, i) => {
    const file = join(at, `bucket-${i}.bin`),
      [from, to] = [i, i + 1].map(end => Math.floor((256 * end) / buckets))
    runBucket(
      { kind: 'bucket', node: NODE, from, to, folders: groupParts.map(part => part.folder), bases, file },
      rule as GroupRule<never>,
      reasons,
      {},
      to => metas.get(to)!,
    )
    return file
  })
  const files = parts.map((_, p) => join(at, `drops-${p}.bin`))
  joinBuckets(NODE, results, groupParts, reasons.indexOf(rule.edgeReason ?? ''), files)
  return groupParts.flatMap(({ rows }, p) => {
    const drops = loadValue<GroupDrops>(files[p])
    const found = new Array<Dropped | undefined>(rows).fill(undefined)
    drops.index.forEach((i, k) => {
      found[i] = {
        reason: reasons[drops.reason[k]],
        value: drops.value[k],
        file: Number(drops.files[drops.relatedFile[k]] ?? -1),
        row: drops.relatedRow[k],
      }
    })
    return found
  })
}

const allRows = (parts: readonly Part[]) =>
  parts.flatMap(({ file, blocks }, p) =>
    blocks.flat().map((row, position) => ({ ...row, file, place: placeOf(p, position) })),
  )

/** Rows by key, each once a key, in order; keys that one row alone has are left out. */
function groupsOf(rows: readonly Row[]): number[][] {
  const groups = new Map<bigint, number[]>()
  rows.forEach(({ keys }, i) => {
    for (const key of new Set(keys)) if (key !== 0n) groups.set(key, [...(groups.get(key) ?? []), i])
  })
  return [...groups.values()].filter(group => group.length > 1)
}

const sumOf = (bytes: Uint8Array) => bytes.reduce((sum, byte) => sum + byte, 0)
// every file is synced: few runs, few buckets
const buckets = [1, 4, 16]

it('closes clusters over all keys as a union of everything with everything does', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 3 }).chain(perRow => fc.tuple(fc.constant(perRow), partsOf(perRow))),
      ([perRow, parts]) => {
        const rows = allRows(parts),
          groups = groupsOf(rows)
        const cluster = rows.map((_, i) => i),
          best = rows.map(() => -1)
        // until nothing changes, every row takes the smallest row that it shares a key with
        for (let changed = true; changed;) {
          changed = false
          for (const group of groups) {
            const least = Math.min(...group.map(i => cluster[i]))
            for (const i of group) {
              if (cluster[i] !== least) {
                cluster[i] = least
                changed = true
              }
            }
          }
        }
        for (const [first, ...others] of groups) {
          for (const i of others) for (const j of [first, i]) best[j] = Math.max(best[j], sumOf(rows[i].payload))
        }
        const expected = rows.map((_, i) =>
          cluster[i] === i
            ? undefined
            : { reason: 'near', value: best[i], file: rows[cluster[i]].file, row: rows[cluster[i]].place },
        )
        const rule = {
          edgeReason: 'near',
          each: (
            group: { size: number; payload(member: number): Uint8Array },
            verdict: { edge(a: number, b: number, value: number): void },
          ) => {
            for (let member = 1; member < group.size; member++) verdict.edge(0, member, sumOf(group.payload(member)))
          },
        }
        for (const count of buckets) expect(grouped(parts, perRow, count, rule)).toEqual(expected)
      },
    ),
    settings(15),
  )
})

it('gives each row one verdict of several, whatever the buckets', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 3 }).chain(perRow => fc.tuple(fc.constant(perRow), partsOf(perRow))),
      ([perRow, parts]) => {
        const rows = allRows(parts)
        const reasonOf = (payload: Uint8Array) => reasons[1 - (sumOf(payload) % 2)]
        // of several verdicts on a row: the first reason, then the earliest survivor, then the largest value
        const expected = rows.map((): (Dropped & { survivor: number }) | undefined => undefined)
        for (const group of groupsOf(rows)) {
          for (const i of group.slice(1)) {
            const found = {
                reason: reasonOf(rows[i].payload),
                value: group.length,
                survivor: group[0],
                file: rows[group[0]].file,
                row: rows[group[0]].place,
              },
              before = expected[i]
            if (
              !before ||
              found.survivor < before.survivor ||
              (found.survivor === before.survivor && found.value > before.value)
            ) {
              expected[i] = found
            }
          }
        }
        const rule: Pick<GroupRule<unknown>, 'each'> = {
          each: (group, verdict) => {
            for (let member = 1; member < group.size; member++) {
              verdict.drop(member, reasonOf(group.payload(member)), group.size, 0)
            }
          },
        }
        const plain = expected.map(
          found => found && { reason: found.reason, value: found.value, file: found.file, row: found.row },
        )
        for (const count of buckets) expect(grouped(parts, perRow, count, rule)).toEqual(plain)
      },
    ),
    settings(15),
  )
})

it('asks about each group once, with its rows in order and their own payloads', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 3 }).chain(perRow => fc.tuple(fc.constant(perRow), partsOf(perRow))),
      ([perRow, parts]) => {
        const expected = groupsOf(allRows(parts))
          .map(group => group.map(i => [...allRows(parts)[i].payload].join(' ')).join(' | '))
          .sort()
        for (const count of buckets) {
          const asked: string[] = []
          grouped(parts, perRow, count, {
            each: group => {
              asked.push(
                Array.from({ length: group.size }, (_, member) => [...group.payload(member)].join(' ')).join(' | '),
              )
            },
          })
          expect(asked.sort()).toEqual(expected)
        }
      },
    ),
    settings(10),
  )
})
