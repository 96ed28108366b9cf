/** What a stage learns of all rows, or an audit tallies, does not depend on how they are cut into partitions. */
import { deserialize, serialize } from 'node:v8'
import { expect, it } from 'vitest'
import { Batch, takeFlow, type Flow } from '../../engine/arrow/flow.ts'
import type { AnyAudit, AnyStage, Context, ExampleRow, Fit } from '../../engine/contract/define.ts'
import { inputsOf, talliesOf, tallyRounds } from '../../engine/graph/types.ts'
import { validateOptions } from '../../engine/graph/validate.ts'
import { contentOf } from '../../engine/run/content.ts'
import { flowOf } from '../../engine/run/examples.ts'
import { Random } from '../../models/random.ts'
import { allStages } from '../../stages/registry.ts'

const words = 'river stone lamp winter garden copper silent window paper harbour'.split(' '),
  random = new Random(5)
const text = () => Array.from({ length: 3 + random.below(9) }, () => words[random.below(words.length)]).join(' ')
const vector = (i: number) =>
  i % 9 === 2 ? null : Array.from({ length: i % 50 === 9 ? 2 : 3 }, () => random.normal() / 3)
/** Pairs of which some come again, with numbers that are no sums of powers of two. */
const rows = Array.from({ length: 150 }, (_, i): ExampleRow => {
  const [a, b] = [random.below(90), random.below(90)]
  return {
    id: `r${i}`,
    prompt: `${text()} ${i % 40}?`,
    chosen: `${a} + ${b} = ${a + b}. ${text()}.`,
    rejected: `${text()}.`,
    good: random.normal() / 3 + 0.1,
    bad: random.normal() / 3,
    chosen_hidden: vector(i),
    rejected_hidden: vector(i),
    group: i % 11 === 0 ? null : words[i % 7],
    first: random.below(3) - 1,
    second: random.below(3) - 1,
    // what a table has
    text: text(),
    thumb: i % 3 === 0,
    embedding: [i % 7, random.normal()],
    // what weigh_density writes
    it_weight: i % 3 === 0 ? 1 : 0.5 + (i % 4),
    // what pair_candidates writes
    it_rank_gap: 1 + (i % 3),
    it_candidates: 2 + (i % 5),
    it_pairs: 1 + (i % 4),
    // what rank_agreement writes
    it_tau: i % 6 === 0 ? null : random.normal() / 3,
    // what drop_truncated writes
    it_answer_changed: i % 3 === 0,
    it_fate: i % 4 === 0 ? 'cut' : 'whole',
    it_prompt_lost: 0,
    it_chosen_lost: i % 4 === 0 ? 1 + (i % 8) : 0,
    it_rejected_lost: 0,
    votes: Array.from({ length: 1 + random.below(4) }, () => ({
      worker: words[random.below(words.length)],
      vote: random.below(2) === 0 ? 'chosen' : 'rejected',
    })),
  }
})
const all = flowOf([...rows, ...rows.slice(20, 35).map(row => ({ ...row, good: 7 }))])

const columns = { chosen: 'chosen_hidden', rejected: 'rejected_hidden' },
  scores = [{ name: 'model', chosen: 'good', rejected: 'bad' }]
/** Options under which fitted stages are tried, samples of all rows and of some; the others with the default ones. */
const cases: Readonly<Record<string, readonly Record<string, unknown>[]>> = {
  balance_groups: [
    { by: 'group', difficulty: { similarity: 'good', gap: 'bad' } },
    { by: 'group', method: 'cap', max_share: 0.16 },
  ],
  calibrate_scores: [
    { score_columns: { chosen: 'good', rejected: 'bad' }, by: 'group' },
    { margin_column: 'good', fit: 'temperature_and_noise' },
  ],
  combine_scores: [
    {
      score_columns: [scores[0], { chosen: 'bad', rejected: 'first' }].map(({ chosen, rejected }) => ({
        chosen,
        rejected,
      })),
    },
  ],
  detect_noise: [
    { vote_columns: ['first', 'second'], rating_columns: { chosen: 'good', rejected: 'bad' }, score_columns: scores },
    { sample_rows: 100, embedding_columns: columns, neighbours: true, vote_lists: { votes: 'votes' } },
  ],
  drop_ches: [{ keep_share: 0.3 }, {}],
  flag_entangled: [{ gradient_columns: { product: 'good', chosen: 'it_pairs', rejected: 'it_candidates' } }],
  flag_off_policy: [{ logprob_columns: { chosen: 'good', rejected: 'bad' }, min_logprob: -0.1 }],
  inject_errors: [{}, { tell_rows: 20, pairs: 'steps' }],
  sample_mix: [{ by: 'group', weights: { river: 2, lamp: 1.5, stone: 0.1 } }],
  pair_candidates: [{ score: ['good', 'bad'] }, { score: 'first', by: 'group', length_penalty: 0.01 }],
  split_by_prompt: [{ prompts: 10 }],
  sample_rows: [{ rows: 40 }, { rows: 1000 }],
  rank_agreement: [{ lists: { current: 'chosen_hidden', previous: 'rejected_hidden' }, missing: 'mean' }],
  vote_pairs: [
    {
      voices: [
        { name: 'scores', scores: { chosen: 'good', rejected: 'bad' }, tie: 0.1 },
        { name: 'both', margin: 'first', swapped: 'second' },
        { name: 'people', votes: 'votes' },
      ],
      rule: 'mean_gap',
    },
  ],
  weigh_density: [{ vector_column: 'embedding', label_column: 'thumb' }],
  weigh_tokens: [{ method: 'rank', columns }],
  peer_review: [{ sample_rows: 100, reviewers: ['words', 'standings'] }, { score_columns: scores }],
}
/** The same of audits. */
const auditCases: typeof cases = {
  audit_groups: [{ by: 'group', truth_column: 'thumb', probability_column: 'good', spread: true, group_rows: 5 }],
  audit_lengths: [{}, { by: 'group' }],
  audit_shortcuts: [{ sample_rows: 200, first_column: 'first' }],
  audit_transitivity: [{ prompts: 20, verdict: { margin: 'first', swapped: 'second' } }],
}

/** The states of all rounds over some partitions. What is fitted goes through bytes, as it does between threads. */
async function fitted(rounds: Fit<unknown>['rounds'], parts: readonly Flow[]): Promise<unknown[]> {
  const states: unknown[] = [],
    context = (): Context => ({
      id: 'it',
      seed: 3,
      state: states.at(-1),
      file: () => new Uint8Array(),
      ask: () => Promise.resolve([]),
    })
  for (const round of rounds) {
    const partials: unknown[] = []
    for (const part of parts) {
      const collector = round.collect(context())
      for (let at = 0; at < part.rows; at += 10) {
        await collector.batch(new Batch(takeFlow(part, [at, Math.min(part.rows, at + 10)])))
      }
      partials.push(carried(collector.part()))
    }
    states.push(carried(await round.merge(partials, context())))
  }
  return states
}
const carried = (value: unknown): unknown => deserialize(serialize(value))

const registered = [...(await allStages()).values()]
const stages = registered.filter(
  (stage): stage is AnyStage => stage.kind === 'stage' && (stage.fit ?? stage.tally) !== undefined,
)
const audits = registered.filter((stage): stage is AnyAudit => stage.kind === 'audit')
const cut = Array.from({ length: 13 }, (_, p) =>
  // one of them is empty
  takeFlow(all, [p === 12 ? all.rows : p * 14, Math.min(all.rows, (p + 1) * 14)]),
)

/** Holds what all rounds come to, over all rows as one and cut up, against each other. */
async function expectSame(rounds: Fit<unknown>['rounds']): Promise<void> {
  const [one, many] = [await fitted(rounds, [all]), await fitted(rounds, cut)]
  expect(many).toEqual(one)
  // as keys hold it: bytes of serialize() differ by what else an object's shape was used for
  expect(contentOf(many)).toBe(contentOf(one))
}

it('names no stage and no audit that is gone', () => {
  expect(stages.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(cases)))
  expect(audits.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(auditCases)))
})

for (const stage of [...stages, ...audits]) {
  it(`${stage.name} learns the same of one partition and of thirteen`, async () => {
    for (const some of (stage.kind === 'audit' ? auditCases : cases)[stage.name] ?? [{}]) {
      const options = structuredClone(some)
      expect(validateOptions(stage, options, '')).toEqual([])
      const node = {
        stage,
        options,
        from: Object.keys(inputsOf({ stage, options })).map(input => ({ node: '', input })),
      }
      if (stage.kind === 'stage') await expectSame(stage.fit?.(options)?.rounds ?? [])
      for (const input of talliesOf(node)) await expectSame(tallyRounds(node, input))
    }
  })
}
