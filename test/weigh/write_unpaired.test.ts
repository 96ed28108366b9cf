/** Unpaired rows: golden values in three tables, the order of rows, and real pairs through a graph. */
import { join } from 'node:path'
import { Bool, Float64 } from 'apache-arrow'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { graph, run } from '../../index.mjs'
import { balance } from '../../stages/sinks/unpaired.ts'
import sink from '../../stages/sinks/write_unpaired.ts'
import { folder, rowsOf, writeJsonl } from '../engine/helpers.ts'
import { settings } from '../properties/settings.ts'
import { column, numbered, pairs, runSink, textColumnOf } from '../sinks/helpers.ts'
import { given, idsOf, isThere, shared } from './golden.ts'

interface Balance {
  readonly n_desirable: number
  readonly n_undesirable: number
  readonly desirable_weight: number
  readonly undesirable_weight: number
  readonly desirable_range?: number[]
  readonly undesirable_range?: number[]
  readonly warning: boolean
}
interface Row {
  readonly prompt: string
  readonly completion: string
  readonly label: boolean
  readonly id: string
}
/** Rows that come of pairs, as text. */
async function written(batches: Parameters<typeof runSink>[2], options = {}): Promise<Row[]> {
  const { folder: out } = await runSink({ ...sink, publish } as never, options, batches, true)
  return rowsOf(out) as unknown as Row[]
}
/** What the engine does with what it is told: the rows are counted. */
const publish = async (...given: Parameters<typeof sink.publish>) => {
  const said = await sink.publish(...given)
  return typeof said === 'number' ? said : said.rows
}

describe.runIf(isThere)('golden values', () => {
  /** What their code gives, and ours too. */
  const wanted = [...idsOf('kto_balance'), 'unpair.0']
  it.each(idsOf('kto_balance'))('theirs and wanted: %s', id => {
    const of = given<Balance>(id),
      found = balance(of.n_desirable, of.n_undesirable, of.desirable_weight, of.undesirable_weight)
    expect(found).toEqual({
      warns: of.warning,
      ...(of.desirable_range ? { desirable: of.desirable_range, undesirable: of.undesirable_range } : {}),
    })
  })
  it('theirs and wanted: unpair.0', async () => {
    const want = given<Record<keyof Row, unknown[]>>('unpair.0')
    const two = [7, 8].map((id, i) => ({ id: String(id), ...side(`p${i + 1}`, `c${i + 1}`, `r${i + 1}`) }))
    const rows = await written([pairs(two)])
    for (const name of ['prompt', 'completion', 'label'] as const) expect(rows.map(r => r[name])).toEqual(want[name])
    expect(rows.map(({ id }) => Number(id))).toEqual(want.id)
  })
  it('are all in one of the tables', () => {
    expect(wanted.sort()).toEqual(idsOf('kto_balance', 'unpair'))
    expect(wanted).toHaveLength(9)
  })
})
const side = (prompt: string, chosen: string, rejected: string) => ({
  prompt: [{ role: 'user', content: prompt }],
  chosen: [{ role: 'assistant', content: chosen }],
  rejected: [{ role: 'assistant', content: rejected }],
})

it('never puts the sides of a pair nearer than all pairs or 1,000, however batches are cut', async () => {
  for (const rows of [1, 2001]) {
    const all = numbered(rows),
      want = await written([pairs(all)])
    expect(want).toHaveLength(2 * rows)
    const at = new Map<string, number>()
    want.forEach(({ id }, i) => {
      if (at.has(id)) expect(i - at.get(id)!).toBeGreaterThanOrEqual(Math.min(rows, 1000))
      at.set(id, i)
    })
    const cuts = [0, 1, 300, 1000, rows]
      .filter((cut, i, list) => cut <= rows && list.indexOf(cut) === i)
      .sort((a, b) => a - b)
    const parts = cuts.slice(1).map((cut, i) => pairs(all.slice(cuts[i], cut)))
    expect(await written(parts)).toEqual(want)
  }
})

it('leaves out what is equal to an earlier row, and nothing else', async () => {
  const text = fc.constantFrom('a', 'b', 'ab', ''),
    pair = fc.tuple(text, text, text)
  await fc.assert(
    fc.asyncProperty(fc.array(pair, { minLength: 1, maxLength: 12 }), async all => {
      const rows = await written([pairs(all.map(([p, c, r], i) => ({ id: `r${i}`, ...side(p, c, r) })))])
      const key = ({ prompt, completion, label }: Row) => JSON.stringify([prompt, completion, label])
      const wanted = [...all.map(([p, c]) => [p, c, true]), ...all.map(([p, , r]) => [p, r, false])]
      expect(rows.map(key)).toEqual([...new Set(wanted.map(each => JSON.stringify(each)))])
    }),
    settings(6),
  )
})

it('a prompt ends with the label or the score, as OpenRLHF writes it', async () => {
  const scores = [column('good', [3, 1], new Float64()), column('bad', [1, -1], new Float64())],
    options = { control: 'score', score_columns: { chosen: 'good', rejected: 'bad' } }
  const rows = await written([pairs(numbered(2), scores)], options)
  // mean 1, standard deviation 1.633
  expect(rows.map(({ prompt }) => prompt)).toEqual([
    'ask 0 <rm_score>: 1.22 ',
    'ask 1 <rm_score>: 0.00 ',
    'ask 0 <rm_score>: 0.00 ',
    'ask 1 <rm_score>: -1.22 ',
  ])
  const labelled = await written([pairs(numbered(1))], { control: 'label', template: '[{value}] {prompt}' })
  expect(labelled.map(({ prompt }) => prompt)).toEqual(['[good] ask 0', '[bad] ask 0'])
  const talk = await runSink({ ...sink, publish } as never, { control: 'label' }, [pairs(numbered(1))])
  expect(JSON.stringify(rowsOf(talk.folder)[0].prompt)).toBe('[{"role":"user","content":"ask 0 <label>: good "}]')
  const missing = [column('good', [3, null], new Float64()), scores[1]]
  await expect(written([pairs(numbered(2), missing)], options)).rejects.toThrow(/'good' of row 'r1' is null/)
})

it('names that KTO reads are others', async () => {
  const more = [
    textColumnOf('label', ['x']),
    column('ref_logps', [-1], new Float64()),
    column('ok', [true], new Bool()),
  ]
  const [row] = await written([pairs(numbered(1), more)])
  expect(row).toMatchObject({ meta_label: 'x', meta_ref_logps: -1, ok: true, label: true })
})

describe('in a graph', () => {
  const ask = async (source: object, options: object = {}, partition_rows = 10_000) => {
    const { manifest, folder: out } = await run(
      graph(
        {
          version: 1,
          name: 'unpaired',
          partition_rows,
          stages: [source, { id: 'kto', use: 'write_unpaired', with: options }],
        } as never,
        { base: import.meta.url },
      ),
      { output: folder() },
    )
    return { manifest, rows: rowsOf(join(out, 'kto')), said: manifest.stages.kto.report! }
  }
  it.runIf(isThere)('real pairs are each there twice, and the summary says how', async () => {
    const source = {
      id: 'pairs',
      use: 'read_parquet',
      with: { path: `${shared}data/hh-rlhf/harmless-base-test.parquet` },
    }
    const { manifest, rows, said } = await ask(source, {}, 500)
    expect(manifest.sinks.kto.rows).toBe(manifest.rows.read)
    expect(manifest.sinks.kto.columns.slice(0, 3)).toEqual(['prompt', 'completion', 'label'])
    expect(said.lines).toEqual([
      '4,606 rows written: 2,303 desirable, 2,303 undesirable',
      'KTO is balanced by weights of 1',
    ])
    expect(rows).toHaveLength(2 * manifest.rows.read - (said.numbers.copies as number))
  })
  it('answers with a label are one row each, and one without a label ends the run', async () => {
    const made = folder()
    const answers = (labels: readonly (boolean | null)[]) => ({
      id: 'answers',
      use: 'read_jsonl',
      with: {
        path: writeJsonl(
          join(made, `${labels.length}.jsonl`),
          labels.map((thumb, i) => ({ id: `a${i}`, prompt: `ask ${i >> 1}`, response: `answer ${i}`, thumb })),
        ),
        layout: 'answers',
        answer: 'response',
      },
    })
    const { rows, said } = await ask(answers([true, false, true]), { label_column: 'thumb' })
    expect(rows.map(({ id, completion, label }) => [id, completion, label])).toEqual([
      ['a0', 'answer 0', true],
      ['a1', 'answer 1', false],
      ['a2', 'answer 2', true],
    ])
    expect(said.lines).toEqual([
      '3 rows written: 2 desirable, 1 undesirable',
      'KTO is balanced by desirable_weight in [0.50, 0.67] or undesirable_weight in [1.50, 2.00], not both',
      "1 rows stand behind one of the same prompt, which KTO's KL term takes for unrelated",
    ])
    await expect(ask(answers([true, null]), { label_column: 'thumb' })).rejects.toThrow(/'thumb' of row 'a1' is null/)
  })
})
