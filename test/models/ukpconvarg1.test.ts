/** Reviewers on people's real judgements, of which a known share is made wrong. */
import { existsSync, readFileSync } from 'node:fs'
import { parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { describe, expect, test } from 'vitest'
import { crossMargins } from '../../models/head.ts'
import { createFeaturiser } from '../../models/features.ts'
import { auroc } from '../../models/metrics.ts'
import { foldOf, hashString, Random } from '../../models/random.ts'
import { fitReviewer } from '../../models/reviewer.ts'
import { createPairText } from '../../models/tokens.ts'

const file = new URL('../../../shared/data/ukpconvarg1/all.parquet', import.meta.url)
const encoder = new TextEncoder()

interface Argument {
  prompt: Uint8Array
  better: Uint8Array
  worse: Uint8Array
}

async function readPairs(): Promise<{ pairs: Argument[]; folds: Uint8Array }> {
  const { buffer } = new Uint8Array(readFileSync(file))
  const all = await parquetReadObjects({
    file: buffer,
    compressors,
    columns: ['prompt', 'response_a', 'response_b', 'strict_gold'],
  })
  const gold = all.filter(row => row.strict_gold === 'a' || row.strict_gold === 'b')
  return {
    pairs: gold.map(row => {
      const [a, b] = [encoder.encode(row.response_a), encoder.encode(row.response_b)]
      return {
        prompt: encoder.encode(row.prompt),
        better: row.strict_gold === 'a' ? a : b,
        worse: row.strict_gold === 'a' ? b : a,
      }
    }),
    folds: Uint8Array.from(gold, row => foldOf(hashString(row.prompt), 5, 1)),
  }
}

// people's judgements of arguments, a known share of them flipped; 16 prompts, so a head judges subjects it never
// saw
describe.skipIf(!existsSync(file))(
  'flips in real preferences are found, by heads that never saw the prompt',
  async () => {
    const { pairs, folds } = existsSync(file) ? await readPairs() : { pairs: [], folds: new Uint8Array(0) }
    test.each([
      [0.2, 0.82, 0.85, 0.86],
      [0.4, 0.81, 0.84, 0.85],
    ])('%d flipped', (rate, words, style, mean) => {
      expect(pairs.length).toBe(11_265)
      const random = new Random(82)
      const flipped = Uint8Array.from(pairs, () => (random.float() < rate ? 1 : 0))
      const text = createPairText()
      const results = ['words', 'style'].map(kind => {
        const features = createFeaturiser(kind, { max_rows: pairs.length, max_values: 10_000_000 })
        pairs.forEach(({ prompt, better, worse }, row) => {
          const [chosen, rejected] = flipped[row] === 1 ? [worse, better] : [better, worse]
          text.prompt.read(prompt, 0, prompt.length)
          text.chosen.read(chosen, 0, chosen.length)
          text.rejected.read(rejected, 0, rejected.length)
          features.append(text)
        })
        const reviewer = fitReviewer({ name: kind, from: 'learned' }, features.view(), folds, { folds: 5, seed: 1 })
        expect(Math.abs(reviewer.calibration.eta.value - rate)).toBeLessThan(0.05)
        return crossMargins(reviewer.fit, features.view(), folds).map(
          margin => -margin / reviewer.calibration.plain_temperature,
        )
      })
      expect(auroc(results[0], flipped).value).toBeGreaterThan(words)
      expect(auroc(results[1], flipped).value).toBeGreaterThan(style)
      expect(
        auroc(
          results[0].map((against, row) => against + results[1][row]),
          flipped,
        ).value,
      ).toBeGreaterThan(mean)
    })
  },
)
