/** Makes pairs of scored answers: rows of one answer each, in any order and any file, by the prompt that they share. */
import { defineStage, type ReadType } from '../../engine/contract/define.ts'
import { byRule, rulesReport } from './by_rule.ts'
import { carrier, carries, pairsOf, scoreColumns } from './candidates.ts'
import { details, examples } from './pair_page.ts'
import { pairOptions } from './pair_options.ts'
import { pairReport, pairTally } from './summary.ts'

export default defineStage({
  name: 'pair_candidates',
  version: 3,
  category: 'make pairs',
  status: { is: 'as published' },
  summary: 'Make pairs of the scored answers to a prompt.',
  details,
  paper: { title: 'Zephyr: Direct Distillation of LM Alignment', arxiv: '2310.16944', form: 'after' },
  options: pairOptions,
  reads: (options): Readonly<Record<string, ReadType>> => ({
    ...(options.by === 'prompt' ? { prompt: 'messages' } : {}),
    id: 'text',
    chosen: 'messages',
    ...Object.fromEntries(scoreColumns(options).map(name => [name, 'sortable'])),
  }),
  writes: {
    chosen_score: 'float64',
    rejected_score: 'float64',
    rank_gap: 'int32',
    candidates: 'int32',
    pairs: 'int32',
    rejected_id: 'text',
    pairing: 'text',
  },
  rows: 'pair',
  reasons: {
    unreadable_score: { kind: 'broken', about: 'a score is text, and no number, or a probability that is none' },
    no_score: { kind: 'broken', limit: 'min_aspects', about: 'columns of `score` that have a value' },
    contradicted_scores: {
      kind: 'quality',
      family: 'both_ways',
      about: 'its score is `from` of `contradicted`, and the mean of its aspects is `to` at most',
    },
    inexact_score: {
      kind: 'broken',
      about: 'a score of the prompt’s answers is an integer beyond 2^53 that float64 rounds: it might tie with another',
    },
    too_few_candidates: { kind: 'broken', about: 'answers to its prompt that have a score' },
    tied_scores: { kind: 'broken', family: 'ties', about: 'the score that all answers to its prompt have' },
    same_answer: {
      kind: 'quality',
      about: 'an earlier row has the same answer to the prompt: the mean of their scores is its score',
    },
    below_min_score: {
      kind: 'configured',
      limit: 'min_score',
      about: 'best score that would be chosen in a pair with it',
    },
    small_gap: { kind: 'configured', limit: 'min_gap', about: 'greatest difference to an answer that it would meet' },
    not_paired: {
      kind: 'configured',
      option: 'pairing',
      isAsked: true,
      about: '`pairing` pairs other answers to its prompt, or `max_pairs` is reached',
    },
  },
  by: ({ by }) => (by === 'prompt' ? ['prompt', 'beside'] : [by]),
  carries,
  examples,
  fit: byRule,
  carry: (options, { seed }) => carrier(options, seed),
  open: options => ({ batch: pairsOf(options) }),
  tally: pairTally,
  report(_, { state, tally }) {
    const { lines, numbers } = pairReport(tally),
      rules = rulesReport(state)
    return { lines: [...lines, ...rules.lines], numbers: { ...numbers, ...rules.numbers } }
  },
})
