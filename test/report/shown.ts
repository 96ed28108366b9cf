/** A run that shows all that one can show, made by hand: small, and the same each time. */
import type { Shown, ShownRow, Took } from '../../engine/report/shape.ts'

export const row = (i: number, more: Partial<ShownRow> = {}): ShownRow => ({
  id: `en-${i}`,
  file: 'pairs-en.parquet',
  row: i,
  prompt: `A garage has ${i} levels with 75 spaces each. How many spaces are there?`,
  chosen: `There are ${i} * 75 = ${i * 75} spaces in total.`,
  rejected: `There are ${i} * 75 = ${i * 75 + 10} spaces in total.`,
  numbers: [{ name: 'noise_probability', value: 0.01 * i, limit: null }],
  ...more,
})
const rows = (count: number, more: (i: number) => Partial<ShownRow> = () => ({})): ShownRow[] =>
  Array.from({ length: count }, (_, i) => row(i + 1, more(i)))

const labelsTable = Array.from({ length: 40 }, (_, i) => [
  { probability: (i + 0.5) / 40, pairs: i < 12 ? 4 - (i % 3) : 0, of: 'set aside' },
  { probability: (i + 0.5) / 40, pairs: i < 12 ? 0 : i, of: 'kept' },
]).flat()
const margins = Array.from({ length: 300 }, (_, i) => ({
  words: Math.sin(i * 12.9898) * 2,
  style: Math.cos(i * 78.233) * 3,
  of: Math.sin(i * 12.9898) * 2 + Math.cos(i * 78.233) * 3 < -2.5 ? 'set aside' : 'kept',
}))
const sure = Array.from({ length: 10 }, (_, i) => ({
  said: 0.52 + 0.05 * i,
  seen: 0.5 + 0.045 * i,
  low: 0.42 + 0.045 * i,
  high: 0.57 + 0.045 * i,
}))

export const shown: Shown = {
  graph: { name: 'clean', seed: 17 },
  hash: 'fd7c5f679d894a7f873b837e974355e8',
  sluice: '0.1.0',
  pairs: { read: 447, out: 463, asRead: 360, made: 103, leftOut: 86, errored: 1 },
  about: ['Rows read: sampled by seed 17 from 900 in 3 files.'],
  worries: [
    {
      level: 'look',
      name: 'doubted',
      value: '42',
      said: '42 pairs were left out as doubtful labels; that most of them are wrong is not shown.',
      why: 'Between 43 and 94 of 100 are wrong, by how many wrong labels there may be.',
      rows: 'agreed.reversed',
    },
    {
      level: 'look',
      name: 'both ways',
      value: '8',
      said: '8 rows give the same two answers opposite labels. All were left out.',
      why: 'Direct evidence of wrong labels, against 8 exact repeats that agree.',
      rows: 'unique.contradictory',
    },
    {
      level: 'look',
      name: 'made',
      value: '103',
      said: '103 made pairs: it is not known whether the wrong side shows by its looks.',
      why: '55 pairs are too few to test, 200 are needed.',
      rows: 'hard.wrong_carry',
    },
    { level: 'note', name: 'length', value: '54 %', said: 'The longer answer is chosen in 54 % of the pairs.' },
  ],
  reasons: [
    {
      stage: 'agreed',
      reason: 'reversed',
      family: 'labels',
      kind: 'quality',
      about: 'the reviewers speak against the label',
      count: 42,
    },
    {
      stage: 'distinct',
      reason: 'near_duplicate',
      family: 'repeats',
      kind: 'quality',
      about: 'Jaccard similarity to a row of the same cluster',
      count: 10,
      limit: { option: 'similarity', value: 0.8 },
    },
    {
      stage: 'unique',
      reason: 'contradictory',
      family: 'both_ways',
      kind: 'quality',
      about: 'equal pairs that prefer the other side',
      count: 8,
    },
    {
      stage: 'unique',
      reason: 'duplicate',
      family: 'repeats',
      kind: 'quality',
      about: 'equal pairs in the input, this one included',
      count: 8,
    },
    {
      stage: 'checked',
      reason: 'identical',
      family: 'broken',
      kind: 'broken',
      about: 'both sides say the same',
      count: 15,
    },
    {
      stage: 'pairs',
      reason: 'missing_rejected',
      family: 'broken',
      kind: 'broken',
      about: 'the rejected completion is null',
      count: 3,
    },
    { stage: 'checked', reason: 'error', family: 'error', kind: 'error', about: 'a stage threw an error', count: 1 },
  ],
  stages: [
    { id: 'pairs', use: 'read_parquet', in: 447, dropped: 3, errored: 0, made: 0, out: 444 },
    { id: 'checked', use: 'check_pairs', in: 444, dropped: 15, errored: 1, made: 0, out: 428 },
    { id: 'unique', use: 'drop_duplicates', in: 428, dropped: 16, errored: 0, made: 0, out: 412 },
    { id: 'distinct', use: 'drop_near_duplicates', in: 412, dropped: 10, errored: 0, made: 0, out: 402 },
    { id: 'noise', use: 'detect_noise', in: 402, dropped: 0, errored: 0, made: 0, out: 402 },
    { id: 'agreed', use: 'peer_review', in: 402, dropped: 42, errored: 0, made: 0, out: 360 },
    { id: 'hard', use: 'inject_errors', in: 360, dropped: 0, errored: 0, made: 103, out: 103 },
  ],
  parts: [
    {
      column: 'subset',
      values: [
        { value: 'chat', read: 50, kept: 30, doubted: 9, dropped: { 'agreed.reversed': 12, 'unique.duplicate': 8 } },
        {
          value: 'facts',
          read: 162,
          kept: 142,
          doubted: 12,
          dropped: { 'agreed.reversed': 12, 'unique.contradictory': 8 },
        },
        {
          value: 'code',
          read: 235,
          kept: 188,
          doubted: 21,
          dropped: { 'agreed.reversed': 18, 'checked.identical': 29 },
        },
      ],
    },
  ],
  reports: [
    {
      id: 'noise',
      use: 'detect_noise',
      isAudit: false,
      lines: ['share of wrong labels: at most 0.18', 'warning: of two reviewers one has no voice'],
      tables: { labels: labelsTable, margins, sure },
      charts: [
        {
          title: 'how likely each label is right',
          table: 'labels',
          mark: 'bar',
          encoding: { x: 'probability', y: 'pairs', color: 'of' },
        },
        { title: 'two reviewers', table: 'margins', mark: 'point', encoding: { x: 'words', y: 'style', color: 'of' } },
        {
          title: 'are they as sure as they should be',
          table: 'sure',
          mark: 'line',
          encoding: { x: 'said', y: 'seen', low: 'low', high: 'high' },
        },
      ],
    },
    {
      id: 'lengths',
      use: 'audit_lengths',
      isAudit: true,
      lines: ['the longer side is the chosen one in 56.7 % of before, 54.0 % of kept'],
      tables: {
        lengths: [
          { input: 'before', share: 0.567, low: 0.52, high: 0.612 },
          { input: 'kept', share: 0.54, low: 0.494, high: 0.585 },
        ],
        grid: Array.from({ length: 16 }, (_, i) => ({ a: i % 4, b: Math.floor(i / 4), rows: i * i })),
      },
      charts: [
        {
          title: 'the longer side is the chosen one',
          table: 'lengths',
          mark: 'bar',
          encoding: { x: 'input', y: 'share', low: 'low', high: 'high' },
        },
        { title: 'a grid', table: 'grid', mark: 'cell', encoding: { x: 'a', y: 'b', color: 'rows' } },
      ],
    },
  ],
  every: 1,
  features: [
    { name: 'list', before: { chosen: 20, rejected: 16 }, after: { chosen: 18, rejected: 11 } },
    { name: 'digit', before: { chosen: 70, rejected: 13 }, after: { chosen: 60, rejected: 7 } },
    { name: 'emoji', before: { chosen: 0, rejected: 0 }, after: { chosen: 0, rejected: 0 } },
  ],
  lengths: {
    before: Array.from({ length: 33 }, (_, i) => Math.round(60 * Math.exp(-((i - 17) ** 2) / 30))),
    after: Array.from({ length: 33 }, (_, i) => Math.round(50 * Math.exp(-((i - 16.5) ** 2) / 24))),
  },
  near: [
    {
      stage: 'distinct',
      histogram: Array.from({ length: 20 }, (_, i) => (i < 16 ? 0 : 20 - i)),
      clusters: [
        { size: 4, rows: rows(3, () => ({ chosen: 'The same.', partner: { id: 'en-9', similarity: 0.93 } })) },
      ],
    },
  ],
  rows: [
    { name: 'kept', count: 360, rows: rows(8) },
    { name: 'agreed.reversed', count: 42, rows: rows(12, i => ({ id: `rev-${i}` })) },
    { name: 'checked.identical', count: 15, rows: rows(3, i => ({ id: `same-${i}`, numbers: [] })) },
    {
      name: 'distinct.near_duplicate',
      count: 10,
      rows: rows(2, i => ({
        id: `near-${i}`,
        numbers: [{ name: 'similarity', value: 0.94, limit: 0.8 }],
        partner: { id: 'en-9', similarity: 0.94 },
      })),
    },
    {
      name: 'hard.wrong_carry',
      count: 103,
      rows: rows(3, i => ({
        id: `made-${i}`,
        numbers: [],
        made: {
          parent: `en-${i + 1}`,
          type: 'wrong_carry',
          before: '6 * 3.5 = 21 balls',
          after: '6 * 3.5 = 91 balls',
          proof: '6*3.5=21 is true; 6*3.5=91 is false',
        },
      })),
    },
    { name: 'lowest.noise_probability', count: 360, rows: rows(8, i => ({ id: `low-${i}` })) },
    {
      name: 'noise.doubtful',
      count: 76,
      rows: rows(2, i => ({
        id: `talk-${i}`,
        prompt: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: 'Which bird is it?' },
        ],
        chosen: [{ role: 'assistant', content: 'A heron: grey, and as tall as a child.' }],
        rejected: [{ role: 'assistant', content: 'No idea.' }],
        cut: { chosen: 300 },
      })),
    },
  ],
  sinks: [
    { id: 'dpo', use: 'write_arrow', rows: 463, isForReview: false, columns: ['prompt', 'chosen', 'rejected'] },
    { id: 'humans', use: 'write_parquet', rows: 76, isForReview: true, columns: ['id', 'prompt'] },
  ],
  nodes: [
    {
      id: 'pairs',
      use: 'read_parquet',
      kind: 'source',
      from: [],
      options: { path: 'data/sample/*.parquet' },
      in: 447,
      out: 444,
    },
    {
      id: 'checked',
      use: 'check_pairs',
      kind: 'stage',
      from: ['pairs'],
      options: { max_chars: 1000000 },
      in: 444,
      out: 428,
    },
    { id: 'unique', use: 'drop_duplicates', kind: 'stage', from: ['checked'], options: {}, in: 428, out: 412 },
    {
      id: 'distinct',
      use: 'drop_near_duplicates',
      kind: 'stage',
      from: ['unique'],
      options: { similarity: 0.8 },
      in: 412,
      out: 402,
    },
    { id: 'noise', use: 'detect_noise', kind: 'stage', from: ['distinct'], options: {}, in: 402, out: 402 },
    {
      id: 'agreed',
      use: 'peer_review',
      kind: 'stage',
      from: ['noise'],
      options: { panel: 'noise' },
      in: 402,
      out: 360,
    },
    {
      id: 'hard',
      use: 'inject_errors',
      kind: 'stage',
      from: ['agreed'],
      options: { types: ['wrong_carry'] },
      in: 360,
      out: 103,
    },
    { id: 'lengths', use: 'audit_lengths', kind: 'audit', from: ['agreed', 'hard'], options: {}, in: 463, out: 0 },
    { id: 'dpo', use: 'write_arrow', kind: 'sink', from: ['agreed', 'hard'], options: {}, in: 463, out: 463 },
    {
      id: 'humans',
      use: 'write_parquet',
      kind: 'sink',
      from: ['noise.doubtful'],
      options: { limit: 200 },
      in: 76,
      out: 76,
    },
  ],
  inputs: [{ path: 'data/sample/pairs-en.parquet', rows: 447, layout: 'text', sha256: '0ca22feec76d1fa4115d6828' }],
  notes: [
    { stage: 'hard', note: 'no_equation', about: 'no equation in it', count: 234 },
    { stage: 'noise', note: 'doubtful', about: 'its margin speaks against the label', count: 76 },
  ],
  decisions: {
    given: 3,
    keep: 1,
    drop: 1,
    flip: 0,
    not_applied: {
      contradicting: { count: 0, first: [] },
      absent: { count: 1, first: ['gone'] },
      changed: { count: 0, first: [] },
      no_pair: { count: 0, first: [] },
    },
    listed: { decided: 2, wrong: 1, share: 0.5, low: 0.013, high: 0.987 },
  },
}
export const took: Took = {
  wall: 3.4,
  spans: [
    { name: 'start', seconds: 0.4 },
    { name: 'reading', seconds: 0.6 },
    { name: 'noise learns', seconds: 1.9 },
    { name: 'publishing', seconds: 0.5 },
  ],
  stages: { pairs: 0.02, noise: 1.8, hard: 0.14 },
  peakMemory: 412_000_000,
}
