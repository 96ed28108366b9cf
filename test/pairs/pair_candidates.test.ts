/** pair_candidates in runs: real ranks as their layout pairs them, however rows are cut, and what it refuses. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, vi } from 'vitest'
import { PAIRINGS } from '../../engine/source/pairing.ts'
import { run } from '../../index.mjs'
import { folder, rowsOf } from '../engine/helpers.ts'

vi.setConfig({ testTimeout: 120_000 })
const ranks = fileURLToPath(new URL('../../../shared/data/oasst-100/ranked-replies.parquet', import.meta.url))

type Row = Readonly<Record<string, unknown>>
const lines = (at: string, name: string, rows: readonly Row[]) => {
  const path = join(at, name)
  writeFileSync(path, rows.map(row => `${JSON.stringify(row)}\n`).join(''))
  return path
}
async function made(
  paths: readonly string[],
  options: Row,
  more: Row = {},
  { partition_rows = 20_000, workers = 1 } = {},
) {
  const [path, ...more_paths] = paths,
    use = path.endsWith('.parquet') ? 'read_parquet' : 'read_jsonl'
  const stages = [
    { id: 'answers', use, with: { path, more_paths, layout: 'answers', ...more } },
    { id: 'pairs', use: 'pair_candidates', with: options },
    { id: 'dpo', use: 'write_arrow' },
  ]
  const { folder: out, manifest } = await run(
    { version: 1, name: 'g', partition_rows, stages },
    { output: join(folder(), 'out'), workers },
  )
  const ledger = rowsOf(join(out, 'ledger'))
  return { pairs: rowsOf(join(out, 'dpo')), ledger, report: manifest.stages.pairs.report!, manifest }
}

it('makes of real ranks the pairs that the layout ranked makes', async () => {
  const { pairs, report, ledger } = await made(
    [ranks],
    { score: 'rank', order: 'low_first' },
    { answer: 'response' },
    { partition_rows: 100, workers: 2 },
  )
  const stages = [
    { id: 'ranked', use: 'read_parquet', with: { path: ranks } },
    { id: 'dpo', use: 'write_arrow' },
  ]
  const { folder: out } = await run({ version: 1, name: 'g', stages }, { output: join(folder(), 'out') })
  const sides = ({ id, prompt, chosen, rejected }: Row) => ({ id, prompt, chosen, rejected })
  const byId = (a: Row, b: Row) => (String(a.id) < String(b.id) ? -1 : 1)
  const ranked = rowsOf(join(out, 'dpo')).sort(byId)
  expect(pairs.map(sides).sort(byId)).toEqual(ranked.map(sides))
  expect(
    pairs.sort(byId).map(row => [row.pairs_rejected_id, row.pairs_chosen_score, row.pairs_rejected_score]),
  ).toEqual(
    ranked.map(row => [row.ranked_pairs_rejected_id, row.ranked_pairs_chosen_score, row.ranked_pairs_rejected_score]),
  )
  expect(report.numbers).toMatchObject({ pairs: 429, prompts: 212, mean_rank_gap: 1 })
  expect(report.lines).toEqual([
    '429 pairs of 212 prompts, 2.02 a prompt, 1.00 ranks apart on average; the chosen side is the longer one in 66.9 % [62.3, 71.2]',
    'by rule the chosen side is the longer one in: adjacent 66.9 %, best_worst 80.2 %, best_second 67.9 %, best_lower 73.6 %, all 70.8 %',
  ])
  expect(new Set(ledger.map(({ outcome }) => outcome))).toEqual(new Set(['kept']))
})

it('says of each rule what that rule says of itself, whatever limits, votes and groups there are', async () => {
  const rows = Array.from({ length: 240 }, (_, i) => ({
    ...{ id: `r${i}`, prompt: `What is ${i % 40}?`, topic: `t${i % 30}`, score: i % 13 === 0 ? null : (i * i) % 7 },
    answer: i % 9 === 0 ? 'It is so.' : `It is ${'so '.repeat((i * 5) % 11)}${i % 50}.`,
  }))
  const path = lines(folder(), 'rows.jsonl', rows)
  for (const options of [
    { min_gap: 2, length_penalty: 0.05 },
    { by: 'topic', min_score: 4 },
  ]) {
    const stages = [
      { id: 'answers', use: 'read_jsonl', with: { path, layout: 'answers' } },
      ...PAIRINGS.map(pairing => ({
        id: pairing,
        use: 'pair_candidates',
        from: 'answers',
        with: { ...options, pairing },
      })),
      ...PAIRINGS.map(pairing => ({ id: `${pairing}_out`, use: 'write_arrow', from: pairing })),
    ]
    const { manifest } = await run(
      { version: 1, name: 'g', partition_rows: 100, stages },
      { output: join(folder(), 'out'), workers: 1 },
    )
    const numbers = PAIRINGS.map(pairing => manifest.stages[pairing].report!.numbers)
    for (const { longer_by_pairing } of numbers) {
      expect(longer_by_pairing).toEqual(
        Object.fromEntries(PAIRINGS.map((pairing, i) => [pairing, numbers[i].chosen_longer])),
      )
    }
  }
})

it('finds answers to one prompt in any order, in any file, and draws the same ones', async () => {
  const rows = Array.from({ length: 300 }, (_, i) => ({
    id: `r${i}`,
    prompt: `What is ${i % 60}?`,
    answer: `It is ${'so '.repeat(i % 7)}${i}.`,
    help: (i * i) % 7,
    truth: i % 11 === 0 ? 'N/A' : String(Math.floor(i / 60) % 4),
  }))
  const at = folder(),
    options = { score: ['help', 'truth'], pairing: 'best_lower', min_gap: 1, length_penalty: 0.01 }
  const whole = await made([lines(at, 'all.jsonl', rows)], options)
  const turned = [...rows.slice(150), ...rows.slice(0, 150)].reverse()
  const cut = await made(
    [lines(at, 'a.jsonl', turned.slice(0, 100)), lines(at, 'b.jsonl', turned.slice(100))],
    options,
    {},
    { partition_rows: 30, workers: 2 },
  )
  const content = ({ pairs, ledger, report }: Awaited<ReturnType<typeof made>>) => ({
    pairs: pairs.map(row => JSON.stringify(row)).sort(),
    reasons: ledger.map(({ id, outcome, reason }) => [id, outcome, reason].join(' ')).sort(),
    numbers: report.numbers,
  })
  expect(whole.pairs.length).toBeGreaterThan(50)
  expect(content(cut)).toEqual(content(whole))
  expect(new Set(whole.ledger.map(({ outcome }) => outcome))).toEqual(new Set(['kept', 'dropped']))
})

it('pairs no answers about different pictures, unless a column says that they belong together', async () => {
  const about = (image: string, answer: string, score: number) => ({
    prompt: 'A dog?',
    image,
    answer,
    score,
    task: 't',
  })
  const path = lines(folder(), 'x.jsonl', [about('1.png', 'Yes.', 2), about('2.png', 'No.', 1)])
  const apart = await made([path], {})
  expect(apart.pairs).toEqual([])
  expect(apart.report.lines).toEqual(['no prompt has answers that make a pair'])
  expect(apart.ledger.map(({ reason }) => reason)).toEqual(['too_few_candidates', 'too_few_candidates'])
  expect((await made([path], { by: 'task' })).pairs).toHaveLength(1)
})

it('refuses a column of another kind, and one to group by that has a name of its own', async () => {
  const row = { prompt: 'q', answer: 'a', beside: 'x', score: 1 }
  const path = lines(folder(), 'x.jsonl', [row, { ...row, answer: 'b' }])
  await expect(made([path], { by: 'beside' })).rejects.toThrow(
    "option 'by' names a column 'beside', and the stage has one of its own by that name",
  )
  await expect(made([path], { score: 'prompt' })).rejects.toThrow(
    /with\/score {2}column 'prompt' has the wrong type for 'pairs'/,
  )
  await expect(made([path], { score: ['score', 'helpful'] })).rejects.toThrow(/with\/score\/1 .*helpful/)
})
