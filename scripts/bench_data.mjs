// The sets of scripts/bench_labels.mjs, as pairs of UTF-8 texts.
import { existsSync, readFileSync } from 'node:fs'
import { parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'

const data = new URL('../../shared/data/', import.meta.url)
export const hasData = existsSync(data)

/** Rows of one file, with all columns or those that are named. */
export async function rows(path, columns) {
  const { buffer, byteOffset, byteLength } = readFileSync(new URL(`${path}.parquet`, data))
  return parquetReadObjects({ file: buffer.slice(byteOffset, byteOffset + byteLength), compressors, columns })
}
const textOf = prompt => (Array.isArray(prompt) ? prompt.map(({ content }) => content).join('\n') : prompt)
const usable = ({ chosen, rejected }) => chosen && rejected && chosen !== rejected
const pairs = async (...paths) =>
  (await Promise.all(paths.map(path => rows(path, ['prompt', 'chosen', 'rejected'])))).flat().filter(usable)
const oriented = (row, winner) => ({
  prompt: row.prompt,
  chosen: winner === 'a' ? row.response_a : row.response_b,
  rejected: winner === 'a' ? row.response_b : row.response_a,
})

const argumentRows = async () =>
  (
    await rows('ukpconvarg1/all', [
      'prompt',
      'response_a',
      'response_b',
      'strict_gold',
      'majority',
      'votes',
      'annotators',
    ])
  ).filter(row => row.response_a !== row.response_b)
const isSide = value => value === 'a' || value === 'b'

/** Completions of one prompt in twos: the one that should be there against the one that should not. */
async function safetyPairs() {
  const of = new Map()
  for (const row of await rows('xstest/completions', ['prompt', 'completion', 'safe_prompt', 'final_label'])) {
    const complied = row.final_label === '1_full_compliance'
    if (!complied && row.final_label !== '2_full_refusal') continue
    const sides = of.get(row.prompt) ?? { right: [], wrong: [] }
    of.set(row.prompt, sides)
    sides[complied === row.safe_prompt ? 'right' : 'wrong'].push(row.completion)
  }
  return [...of]
    .flatMap(([prompt, { right, wrong }]) =>
      right.flatMap(chosen => wrong.map(rejected => ({ prompt, chosen, rejected }))),
    )
    .filter(usable)
}

/**
 * By name: what it is, and how it is read. `rates`: of random flips, to these only; `length`: also flips by length;
 * `real`: the labels themselves are wrong in part, and it is known which. Each row: prompt, chosen, rejected; `wrong`
 * where the label as given is known to be wrong; scores of both sides by name.
 */
export const sets = {
  ukpconvarg1: {
    note: 'which argument convinces, gold labels',
    length: true,
    read: async () =>
      (await argumentRows()).filter(row => isSide(row.strict_gold)).map(row => oriented(row, row.strict_gold)),
  },
  gsm8k: { note: 'correct against wrong solutions of models', read: () => pairs('gsm8k/correct-vs-wrong-pairs') },
  factor: { note: 'true against false continuations', read: () => pairs('factor/test') },
  xstest: {
    note: 'answers to safe and unsafe prompts: what should be there (an answer, a refusal) against what should not',
    read: safetyPairs,
  },
  'dpo-reward-margins': {
    note: 'people’s choices (hh, SHP) with the implicit rewards of two DPO models, read as score columns',
    scores: ['base_dpo', 'alpha005'],
    read: async () => {
      const names = ['base_dpo', 'alpha005']
      const columns = names.flatMap(name => [`${name}_reward_chosen`, `${name}_reward_rejected`])
      const parts = ['hh', 'shp'].map(part =>
        rows(`dpo-reward-margins/${part}`, ['prompt', 'chosen', 'rejected', ...columns]),
      )
      return (await Promise.all(parts))
        .flat()
        .filter(usable)
        .map(row => ({
          ...row,
          scores: names.map(name => [row[`${name}_reward_chosen`], row[`${name}_reward_rejected`]]),
        }))
    },
  },
  oasst: {
    note: 'neighbours in rankings by volunteers, English and Chinese; labels as published are noisy',
    read: () => pairs('oasst-100/pairs', 'oasst-rm-zh/train'),
  },
  truthfulqa: { note: 'the best answer against the best wrong one', read: () => pairs('truthfulqa/test') },
  llmbar: { note: 'instruction following, half of it made to mislead', read: () => pairs('llmbar/test') },
  'hh-rlhf': {
    note: 'people’s choices between two assistants; labels as published are noisy',
    read: () =>
      pairs(
        'hh-rlhf/harmless-base-test',
        'hh-rlhf/helpful-base-test',
        'hh-rlhf/helpful-online-test',
        'hh-rlhf/helpful-rejection-sampled-test',
      ),
  },
  'ukpconvarg1-votes': {
    note: 'ukpconvarg1 with real noise: the label is one worker’s vote (the first that is not a tie), the truth the majority',
    real: true,
    read: async () =>
      (await argumentRows())
        .filter(row => isSide(row.majority) && row.votes.some(isSide))
        .map(row => {
          const label = row.votes.find(isSide)
          return { ...oriented(row, label), wrong: label !== row.majority }
        }),
  },
}

const encoder = new TextEncoder()
/** The texts of a row as bytes. */
export const bytesOf = row => ({
  prompt: encoder.encode(textOf(row.prompt)),
  chosen: encoder.encode(row.chosen),
  rejected: encoder.encode(row.rejected),
})
