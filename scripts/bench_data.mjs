// The sets of scripts/bench_labels.mjs, as pairs of UTF-8 texts.
import { existsSync, readFileSync } from 'node:fs'
import { parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'

const data = new URL('../../shared/data/', import.meta.url)
export const hasData = existsSync(data)

async function rows(path, columns) {
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

/**
 * By name: what it is, and how it is read. `whole`: all of its pairs, however many are asked for; `rates`: of random
 * flips, to these only. Each row: prompt, chosen, rejected; `wrong` where the label as given is known to be wrong;
 * scores of both sides by name, and the `part` of the set that they are of.
 */
export const sets = {
  ukpconvarg1: {
    note: 'which argument convinces, gold labels',
    read: async () =>
      (await argumentRows()).filter(row => isSide(row.strict_gold)).map(row => oriented(row, row.strict_gold)),
  },
  'ukpconvarg1-whole': {
    note: 'all pairs of ukpconvarg1: what more of them are worth',
    rates: [0.2, 0.4],
    whole: true,
    read: () => sets.ukpconvarg1.read(),
  },
  'ukpconvarg1-votes': {
    note: 'the same with real noise: the label is one worker’s vote (the first that is not a tie), the truth the majority',
    real: true,
    read: async () =>
      (await argumentRows())
        .filter(row => isSide(row.majority) && row.votes.some(isSide))
        .map(row => {
          const at = row.votes.findIndex(isSide),
            label = row.votes[at]
          return {
            ...oriented(row, label),
            wrong: label !== row.majority,
            votes: row.votes.flatMap((vote, i) =>
              i !== at && isSide(vote) ? [{ by: row.annotators[i], says: vote === label ? 1 : -1 }] : [],
            ),
          }
        }),
  },
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
  llmbar: { note: 'instruction following, half of it made to mislead', read: () => pairs('llmbar/test') },
  oasst: {
    note: 'neighbours in rankings by volunteers, English and Chinese',
    read: () => pairs('oasst-100/pairs', 'oasst-rm-zh/train'),
  },
  gsm8k: { note: 'correct against wrong solutions of models', read: () => pairs('gsm8k/correct-vs-wrong-pairs') },
  factor: { note: 'true against false continuations', read: () => pairs('factor/test') },
  'dpo-reward-margins': {
    note: 'people’s choices (hh, SHP) with the implicit rewards of two DPO models, read as score columns',
    scores: ['base_dpo', 'alpha005'],
    read: async () => {
      const names = ['base_dpo', 'alpha005']
      const columns = names.flatMap(name => [`${name}_reward_chosen`, `${name}_reward_rejected`])
      const all = (
        await Promise.all(
          ['hh', 'shp'].map(async part =>
            (await rows(`dpo-reward-margins/${part}`, ['prompt', 'chosen', 'rejected', ...columns])).map(row => ({
              ...row,
              part,
            })),
          ),
        )
      ).flat()
      return all.filter(usable).map(row => ({
        ...row,
        scores: names.map(name => [row[`${name}_reward_chosen`], row[`${name}_reward_rejected`]]),
      }))
    },
  },
}

const encoder = new TextEncoder()
/** The texts of a row as bytes. */
export const bytesOf = row => ({
  prompt: encoder.encode(textOf(row.prompt)),
  chosen: encoder.encode(row.chosen),
  rejected: encoder.encode(row.rejected),
})
