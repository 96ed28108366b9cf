/** What holds of runs of random graphs over random rows. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { graph, run } from '../../index.mjs'
import { fingerprint, folder, rowsOf, writeJsonl, type Row } from '../engine/helpers.ts'
import { settings } from './settings.ts'

interface Stage {
  id: string
  use: string
  with?: Record<string, unknown>
  from?: string | string[] | Record<string, string[]>
}
interface LedgerRow {
  id: string
  row: number
  outcome: string
  stage: string | null
  reason: string | null
  sinks: string[]
}

const base = import.meta.url
const graphOf = (stages: readonly Stage[], partition_rows: number) =>
  graph({ version: 1, name: 'random', partition_rows, stages }, { base })

const words = [
  '3 + 4 = 7.',
  '12 * 2 = 24.',
  ...'amber birch cliff delta ember fjord grove heath inlet jetty knoll volcano lamp'.split(' '),
]
const sentence = fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 12 }).map(list => list.join(' '))
const text = fc.oneof(
  { weight: 14, arbitrary: sentence },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', maxLength: 20 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('', ' ', '\u3000\n', '\u0000', 'ＡＢＣ', '一二三四五', '🦊'.repeat(9), 'İ ß ﬁ ǅ'),
  },
  { weight: 1, arbitrary: sentence.map(words => `${words} `.repeat(200)) },
)
type Plant = 'copy' | 'shout' | 'swap' | 'nudge'
const plants: Readonly<Record<Plant, (row: Row) => Partial<Row>>> = {
  copy: row => row,
  shout: row => ({ ...row, chosen: ` ${row.chosen.toUpperCase()}\n` }),
  swap: row => ({ ...row, chosen: row.rejected, rejected: row.chosen }),
  nudge: row => ({ ...row, chosen: `${row.chosen} indeed` }),
}
/** Rows of which some are copies of others: as they are, shouted, with the sides swapped, a word longer. */
const rows = fc
  .tuple(
    fc.array(fc.record({ prompt: text, chosen: text, rejected: text, note: fc.option(text) }), {
      minLength: 1,
      maxLength: 30,
      size: 'max',
    }),
    fc.array(fc.tuple(fc.nat(1000), fc.constantFrom(...(Object.keys(plants) as Plant[]))), {
      maxLength: 10,
      size: 'max',
    }),
  )
  .map(([own, copies]) => {
    const all = own.map(row => ({ ...row, id: '' }) as Row)
    for (const [at, how] of copies) all.push({ ...all[at % own.length], ...plants[how](all[at % own.length]) } as Row)
    return all.map((row, i): Row => ({ ...row, id: `r${i}` }))
  })

/**
 * Registered stages with options that bite on such rows, and the outputs that they drop to. `derive` emits new rows
 * alone.
 */
const kinds: readonly { use: string; with?: Record<string, unknown>; ports?: readonly string[]; derive?: boolean }[] = [
  { use: 'check_pairs', ports: ['identical', 'empty_side'] },
  { use: 'check_pairs', with: { max_chars: 40, allow_prefix: true }, ports: ['too_long'] },
  { use: 'drop_length', with: { min_words: 2, max_words: 9 }, ports: ['too_short', 'too_long'] },
  { use: 'drop_length_ratio', with: { max_ratio: 2, longer: 'either' }, ports: ['length_ratio'] },
  { use: 'drop_repetition', with: { words: 2 }, ports: ['repetition'] },
  { use: 'drop_duplicates', ports: ['duplicate', 'contradictory'] },
  { use: 'drop_near_duplicates', with: { similarity: 0.6 }, ports: ['near_duplicate'] },
  { use: 'detect_noise', with: { sample_rows: 100 } },
  { use: 'peer_review', with: { rule: 'either', action: 'annotate' } },
  { use: '../engine/shouty.mjs', with: { word: 'ember', fail: 'volcano' }, ports: ['has_word'] },
  { use: 'inject_errors', with: { max_per_row: 2 }, derive: true },
  { use: 'inject_errors', derive: true },
]

/**
 * A graph over one source or two: every stage takes one or two outputs of earlier ones, and whatever nobody takes goes
 * to a sink.
 */
const stagesOf = fc
  .array(fc.record({ kind: fc.nat(kinds.length - 1), from: fc.tuple(fc.nat(1000), fc.nat(1000)), two: fc.boolean() }), {
    minLength: 1,
    maxLength: 8,
    size: 'max',
  })
  .chain(picks =>
    fc.record({
      picks: fc.constant(picks),
      sink: fc.constantFrom('write_arrow', 'write_jsonl'),
      extra: fc.nat(1000),
      sources: fc.constantFrom<string[]>(['pairs'], ['pairs', 'more']),
    }),
  )
  .map(({ picks, sink, extra, sources }) => {
    const outputs = [...sources],
      stages: Stage[] = [],
      taken = new Set<string>()
    picks.forEach(({ kind, from: [a, b], two }, i) => {
      const { use, with: options, ports = [], derive } = kinds[kind],
        id = `s${i}`
      // the newest outputs are taken more often, so that chains grow
      const pick = (n: number) =>
        outputs[outputs.length - 1 - ((n % outputs.length) % (n % 3 === 0 ? outputs.length : 1))]
      const from = [...new Set(two ? [pick(a), pick(b)] : [pick(a)])]
      for (const input of from) taken.add(input)
      stages.push({ id, use, from, ...(options ? { with: options } : {}) })
      if (!derive) {
        outputs.push(...ports.slice(0, 1).map(port => `${id}.${port}`), ...(ports.length > 0 ? [`${id}.dropped`] : []))
      }
      outputs.push(id)
    })
    const loose = outputs.filter(output => !taken.has(output) && !output.includes('.')),
      ports = outputs.filter(output => output.includes('.'))
    const open = [...loose, ...(ports.length > 0 ? [ports[extra % ports.length]] : [])]
    const sinks = open.length > 2 ? [open.slice(0, 2), ...open.slice(2).map(one => [one])] : [open]
    return {
      sources,
      stages: [
        ...stages,
        {
          id: 'seen',
          use: 'audit_lengths',
          from: { before: sources, kept: open, ...(ports.length > 0 ? { dropped: ports } : {}) },
        },
        ...sinks.map((from, i): Stage => ({
          id: `out${i}`,
          use: i === 0 ? 'write_arrow' : sink,
          from,
          ...(i > 0 && sink === 'write_jsonl' ? { with: { format: 'conversational' } } : {}),
        })),
      ],
    }
  })

const source = (path: string, id = 'pairs'): Stage => ({ id, use: 'read_jsonl', with: { path } })
const linesOf = (path: string) => readFileSync(path, 'utf8').split('\n').slice(0, -1)
const idsOf = (run: string, sink: string): string[] => {
  const lines = join(run, sink, 'data.jsonl')
  return existsSync(lines)
    ? linesOf(lines).map(line => (JSON.parse(line) as Row).id)
    : rowsOf(join(run, sink)).map(row => row.id as string)
}
const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0)

describe('a run of any graph over any rows', () => {
  it(
    'accounts for every row, and comes to the same bytes whatever the workers, blocks and buckets',
    { timeout: 600_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(
          rows,
          stagesOf,
          fc.integer({ min: 3, max: 30 }),
          fc.integer({ min: 1, max: 9 }),
          async (own, { sources, stages }, partitionRows, blockRows) => {
            // the second source has every third row again, and a column of its own
            const more =
              sources.length > 1
                ? own
                    .filter((_, i) => i % 3 === 0)
                    .map((row): Row => ({ ...row, id: `${row.id}_more`, extra: row.id.length }))
                : []
            const at = folder(),
              rows = [...own, ...more],
              all = [
                source(writeJsonl(join(at, 'in.jsonl'), own)),
                ...(more.length > 0 ? [source(writeJsonl(join(at, 'more.jsonl'), more), 'more')] : []),
                ...stages,
              ]
            const { folder: out, manifest } = await run(graphOf(all, partitionRows), {
              output: join(at, 'a'),
              workers: 1,
            })
            const ledger = rowsOf(join(out, 'ledger')) as unknown as LedgerRow[]

            // the rows
            expect(ledger.map(({ row }) => row)).toEqual([...own.keys(), ...more.keys()])
            expect(ledger.map(({ id }) => id)).toEqual(rows.map(({ id }) => id))
            const outcomes = { kept: 0, dropped: 0, errored: 0 }
            for (const { outcome } of ledger) outcomes[outcome as keyof typeof outcomes]++
            expect(manifest.rows).toMatchObject({ read: rows.length, ...outcomes })
            for (const row of ledger) expect(row.outcome === 'kept', JSON.stringify(row)).toBe(row.sinks.length > 0)
            for (const sink of Object.keys(manifest.sinks)) {
              const own = idsOf(out, sink).filter(id => !id.includes('~'))
              expect([...new Set(own)].sort(), sink).toEqual(
                ledger
                  .filter(({ sinks }) => sinks.includes(sink))
                  .map(({ id }) => id)
                  .sort(),
              )
              expect(idsOf(out, sink).length).toBe(manifest.sinks[sink].rows)
            }

            // the stages: what leaves one enters the next
            const flows = (output: string) => {
              const [id, port] = output.split('.'),
                stage = manifest.stages[id]
              if (port === undefined) return stage.use === 'inject_errors' ? stage.derived : stage.out
              return port === 'dropped' ? stage.dropped + stage.errored : (stage.reasons[port] ?? 0)
            }
            for (const { id, from } of stages) {
              const stage = manifest.stages[id]
              const inputs =
                typeof from === 'string' || Array.isArray(from) ? [from].flat() : Object.values(from!).flat()
              expect(stage.in, id).toBe(sum(inputs.map(flows)))
              expect(sum(Object.values(stage.reasons)), id).toBe(stage.dropped)
              if (id in manifest.sinks || ['inject_errors', 'audit_lengths'].includes(stage.use)) continue
              expect(stage.in, id).toBe(stage.out + stage.dropped + stage.errored)
              expect(rowsOf(join(out, 'dropped', id)).length, id).toBe(stage.dropped + stage.errored)
            }

            const again = await run(graphOf(all, partitionRows), {
              output: join(at, 'b'),
              workers: 2,
              blockRows,
              bucketBytes: 48,
            })
            expect(fingerprint(again.folder)).toEqual(fingerprint(out))
            const cut = await run(graphOf(all, 1000), { output: join(at, 'c'), workers: 2 })
            expect(cut.manifest.stages.seen).toEqual(manifest.stages.seen)
          },
        ),
        settings(8),
      )
    },
  )

  it(
    'does not take a row for kept since one made of it was, but says so, before a barrier or behind it',
    { timeout: 600_000 },
    async () => {
      const at = folder(),
        rows = Array.from({ length: 8 }, (_, i): Row => ({
          id: `r${i}`,
          prompt: `How much is ${i} and 70?`,
          chosen: `${i} + 70 = ${i + 70}.`,
          rejected: 'Much.',
        }))
      const stages: Stage[] = [
        source(writeJsonl(join(at, 'in.jsonl'), rows)),
        { id: 'hard', use: 'inject_errors' },
        { id: 'unique', use: 'drop_duplicates' },
        { id: 'made', use: 'write_arrow' },
      ]
      const { folder: out, manifest } = await run(graphOf(stages, 1000), { output: join(at, 'out'), workers: 1 })
      expect(manifest.rows).toMatchObject({ read: 8, kept: 0, dropped: 8, derived: 8 })
      expect(manifest.stages.made).toMatchObject({ in: 8, derived: 8 })
      for (const row of rowsOf(join(out, 'ledger')) as unknown as LedgerRow[]) {
        expect(row).toMatchObject({ outcome: 'dropped', reason: 'parent', detail: 'made', sinks: [] })
      }
    },
  )

  it(
    'decides and derives alike for one seed; another changes what is derived alone',
    { timeout: 600_000 },
    async () => {
      const stages: Stage[] = [
        { id: 'checked', use: 'check_pairs' },
        { id: 'unique', use: 'drop_duplicates' },
        { id: 'hard', use: 'inject_errors' },
        { id: 'dpo', use: 'write_arrow', from: ['unique', 'hard'] },
      ]
      let differed = 0
      await fc.assert(
        fc.asyncProperty(rows, fc.integer({ min: 0, max: 2 ** 32 - 2 }), async (rows, seed) => {
          const at = folder(),
            path = writeJsonl(join(at, 'in.jsonl'), [
              ...rows,
              ...Array.from({ length: 6 }, (_, i) => ({
                id: `sum${i}`,
                prompt: `How much is ${i} and 70?`,
                chosen: `${i} + 70 = ${i + 70}, and ${i} * 3 = ${3 * i}.`,
                rejected: 'Much.',
              })),
            ])
          const [a, b, other] = await Promise.all(
            [seed, seed, seed + 1].map(
              async (seed, i) =>
                (await run(graphOf([source(path), ...stages], 10), { output: join(at, String(i)), workers: 1, seed }))
                  .folder,
            ),
          )
          expect(fingerprint(b)).toEqual(fingerprint(a))
          const decided = (run: string) => rowsOf(join(run, 'ledger'))
          // of a text with hundreds of equal sums an edit is not always found that the bounds let pass
          const derived = (run: string) =>
            rowsOf(join(run, 'dpo')).filter(row => row.hard_parent !== null && String(row.chosen).length < 500)
          expect(decided(other)).toEqual(decided(a))
          expect(derived(other).map(row => row.hard_parent)).toEqual(derived(a).map(row => row.hard_parent))
          if (JSON.stringify(derived(other)) !== JSON.stringify(derived(a))) differed++
        }),
        settings(3),
      )
      expect(differed).toBeGreaterThan(0)
    },
  )
})

describe('deduplication', () => {
  it('finds nothing more in what it has kept', { timeout: 600_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(rows, fc.constantFrom(0.5, 0.7, 0.9), async (rows, similarity) => {
        const at = folder(),
          path = writeJsonl(join(at, 'in.jsonl'), rows)
        const stages: Stage[] = [
          { id: 'unique', use: 'drop_duplicates' },
          { id: 'distinct', use: 'drop_near_duplicates', with: { similarity } },
          { id: 'dpo', use: 'write_arrow' },
        ]
        const first = await run(graphOf([source(path), ...stages], 7), { output: join(at, 'first'), workers: 1 })
        if (first.status === 'empty') return
        const second = await run(
          graphOf([{ id: 'pairs', use: 'read_arrow', with: { path: join(first.folder, 'dpo') } }, ...stages], 5),
          { output: join(at, 'second'), workers: 1 },
        )
        expect(second.manifest.rows.dropped).toBe(0)
        expect(rowsOf(join(second.folder, 'dpo'))).toEqual(rowsOf(join(first.folder, 'dpo')))
      }),
      settings(6),
    )
  })
})

describe('formats', () => {
  it('give the same lines after a way through Arrow, and the texts that came in', { timeout: 600_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(rows, fc.constantFrom('text', 'conversational'), async (rows, format) => {
        const at = folder(),
          path = writeJsonl(join(at, 'in.jsonl'), rows)
        const to = (id: string, use: string): Stage => ({ id, use, from: 'pairs', with: { format } })
        const first = await run(graphOf([source(path), to('arrow', 'write_arrow'), to('lines', 'write_jsonl')], 6), {
          output: join(at, 'first'),
          workers: 1,
          blockRows: 4,
        })
        const lines = linesOf(join(first.folder, 'lines', 'data.jsonl'))
        const second = await run(
          graphOf(
            [
              { id: 'pairs', use: 'read_arrow', with: { path: join(first.folder, 'arrow') } },
              to('lines', 'write_jsonl'),
            ],
            1000,
          ),
          { output: join(at, 'second'), workers: 1 },
        )
        expect(linesOf(join(second.folder, 'lines', 'data.jsonl'))).toEqual(lines)
        const said = (value: unknown, role: string) => (format === 'text' ? value : [{ role, content: value }])
        expect(lines.map(line => JSON.parse(line) as Row)).toMatchObject(
          rows.map(({ id, prompt, chosen, rejected, note }) => ({
            id,
            prompt: said(prompt, 'user'),
            chosen: said(chosen, 'assistant'),
            rejected: said(rejected, 'assistant'),
            note: note ?? null,
          })),
        )
        expect(readdirSync(join(first.folder, 'arrow'))).toContain('state.json')
      }),
      settings(5),
    )
  })
})
