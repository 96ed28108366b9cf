/** Counts the voices on each label: scores, margins, probabilities, verdicts and votes that the data carries. */
import { defineStage, round } from '../../engine/contract/define.ts'
import { addHistogram, count, meanOf, type Histogram } from '../kit/histogram.ts'
import { voiceReads, voteOptions, wrongOptions } from './vote_options.ts'
import { details, examples } from './vote_page.ts'
import { acts, classOf, cutOf, readVoices } from './vote_rules.ts'
import { voteReport, voteTally } from './vote_tables.ts'

/** Adds up histograms, so many of each part. */
function sumOf(parts: Iterable<readonly Histogram[]>, many: number): Histogram[] {
  const all = Array.from({ length: many }, (): Histogram => new Map())
  for (const part of parts) part.forEach((one, i) => addHistogram(all[i], one))
  return all
}

export default defineStage({
  name: 'vote_pairs',
  version: 1,
  category: 'find wrong labels',
  status: { is: 'as published' },
  summary: 'Count the voices for and against every label, and say how far each two of them agree.',
  details,
  paper: { title: 'PrefCleanBench', url: 'https://github.com/deeplearning-wisc/PrefCleanBench', form: 'after' },
  options: voteOptions,
  check: wrongOptions,
  // its page is written without options
  reads: ({ voices = [] }) => Object.assign({}, ...voices.map(voiceReads)) as ReturnType<typeof voiceReads>,
  writes: ({ rule, action }) => ({
    for: 'int32',
    against: 'int32',
    ties: 'int32',
    missing: 'int32',
    class: 'text',
    mean_gap: rule === 'mean_gap' ? 'float64' : undefined,
    ...(action === 'flip' ? { flipped: 'bool', chosen: 'messages', rejected: 'messages' } : {}),
  }),
  rows: ({ action }) => (action === 'annotate' ? 'same' : 'subset'),
  reasons: {
    reversed: {
      kind: 'quality',
      family: 'labels',
      option: 'rule',
      about: 'voices against the label: all that there are',
    },
    outvoted: {
      kind: 'quality',
      family: 'labels',
      option: 'rule',
      about: 'voices against the label beyond those for it',
    },
    too_few_agree: {
      kind: 'quality',
      family: 'labels',
      option: 'rule',
      about: 'voices for the label; no more are against it, and the rule counts ties so',
    },
    unsure: { kind: 'configured', limit: 'min_confidence', about: 'distance of the least sure probability from 0.5' },
    lowest_gap: { kind: 'configured', limit: 'share', about: 'mean gap, which is among the lowest' },
  },
  notes: { flipped: 'chosen and rejected have changed places' },
  examples,
  fit({ voices, rule, share, scale }) {
    if (rule !== 'mean_gap') return undefined
    return round({
      collect() {
        const sizes = sumOf([], voices.length)
        return {
          batch(batch) {
            if (scale === 'none') return
            readVoices(batch, voices).gaps.forEach((gaps, v) => gaps.forEach(gap => count(sizes[v], Math.abs(gap))))
          },
          part: () => sizes,
        }
      },
      merge: (parts: Iterable<readonly Histogram[]>) => sumOf(parts, voices.length).map(sizes => meanOf(sizes) || 1),
    }).next({
      collect({ state: scales }) {
        const means: Histogram = new Map()
        return {
          batch(batch) {
            const of = readVoices(batch, voices, { scales })
            for (let row = 0; row < batch.rows; row++) count(means, of.count(row).gap)
          },
          part: () => [means],
        }
      },
      merge(parts: Iterable<readonly Histogram[]>, { state: scales }) {
        const [gaps] = sumOf(parts, 1)
        return { scales, gaps, cut: cutOf(gaps, share) }
      },
    })
  },
  tally: voteTally,
  report: (options, { state, tally }) => voteReport(options, tally, state),
  open(options, { state }) {
    const { voices, rule, action } = options,
      { scales, cut = -Infinity } = state ?? {}
    return {
      batch(batch, verdict) {
        const voters = readVoices(batch, voices, { scales })
        const counts = () => new Int32Array(batch.rows),
          columns = { for: counts(), against: counts(), ties: counts(), missing: counts() },
          gaps = new Float64Array(batch.rows),
          flipped = new Uint8Array(batch.rows),
          classes: string[] = []
        for (let row = 0; row < batch.rows; row++) {
          const of = voters.count(row),
            isOf = classOf(of)
          classes.push(isOf)
          columns.for[row] = of.for
          columns.against[row] = of.against
          columns.ties[row] = of.ties
          columns.missing[row] = voices.length - of.for - of.against - of.ties
          gaps[row] = of.gap
          if (action === 'annotate' || !acts(of, options, cut)) continue
          if (action === 'flip') {
            if (verdict.decided(row)) continue
            flipped[row] = 1
            verdict.note(row, 'flipped')
          } else if (rule === 'mean_gap') verdict.drop(row, 'lowest_gap', of.gap)
          else if (isOf === 'reversed') verdict.drop(row, 'reversed', of.against)
          else if (of.against > of.for) verdict.drop(row, 'outvoted', of.against - of.for)
          else if (isOf === 'agreed') verdict.drop(row, 'unsure', of.sure)
          else verdict.drop(row, 'too_few_agree', of.for)
        }
        const also = voices.flatMap(({ scores }) => (scores ? [[scores.chosen, scores.rejected] as const] : []))
        return {
          columns: {
            ...columns,
            class: classes,
            mean_gap: rule === 'mean_gap' ? gaps : undefined,
            ...(action === 'flip' ? { flipped } : {}),
          },
          ...(action === 'flip' ? { swapped: { rows: flipped, also } } : {}),
        }
      },
    }
  },
})
