/**
 * Drops pairs that are nearly an earlier pair. Candidates meet by band keys of sketches, and are then compared exactly.
 */
import { makeInt32Lists, type MessagesColumn } from '../../engine/arrow/columns.ts'
import { defineStage, Type } from '../../engine/contract/define.ts'
import { hashBeside } from '../../engine/source/further_fields.ts'
import { HEAD, joinAlike, readSets } from './alike.ts'
import { mix32 } from '../../engine/arrow/hash.ts'
import { beginKey, chooseBands, endKey, feedKey, shingles, sketch, tokenize } from './minhash.ts'

/** Sketch entries of a pair. */
const BINS = 64

/** In a sketch words of the prompt, of the chosen and of the rejected side are never the same shingle. */
const sides = [
  ['prompt', 0],
  ['chosen', 0x5bd1e995],
  ['rejected', 0x1b873593],
] as const

function tokenizeRow(column: MessagesColumn, row: number): number {
  let count = 0
  for (let m = column.offsets[row]; m < column.offsets[row + 1]; m++) {
    count = tokenize(column.bytes, column.contentOffsets[m], column.contentOffsets[m + 1], count)
  }
  return count
}

export default defineStage({
  name: 'drop_near_duplicates',
  version: 5,
  category: 'check and deduplicate',
  status: { is: 'as published' },
  summary: 'Drop pairs that are nearly the same as an earlier pair.',
  details:
    'Pairs are compared as sets of five words in a row (characters, where writing has no spaces), each tagged with its part. The whole pairs must be as similar as `similarity`, and so must their two ' +
    'answers taken together, and what one of them says and the other does not by 0.5 at least: other answers to the same long prompt are no duplicates, nor is the same answer against another, or with another error in it. A text of fewer than five words is one such set. Near-duplicates of near-duplicates belong to one cluster, of which ' +
    'the first in order of file and row stays. Of the pairs that are 0.05 more similar than the limit, whole and in their answers, at least 95 % are found (`1 - (1 - s^rows)^bands` over two sketches of 64 entries, as a key is of both); none below the ' +
    'limit is joined directly. Pairs that are nearly equal but prefer opposite sides are not seen. What lies beside the texts (see drop_duplicates) must be the same. Of more than 1,000 candidates of one key, each is compared with the 1,000 nearest in length.',
  paper: { title: 'Fast Similarity Sketching', arxiv: '1704.04370', form: 'as in' },
  options: Type.Object({
    similarity: Type.Number({
      minimum: 0.5,
      maximum: 1,
      default: 0.8,
      description: 'least Jaccard similarity of near-duplicates',
    }),
  }),
  reads: { prompt: 'messages', chosen: 'messages', rejected: 'messages' },
  writes: {},
  rows: 'cluster',
  reasons: {
    near_duplicate: {
      kind: 'quality',
      family: 'repeats',
      limit: 'similarity',
      about: 'Jaccard similarity to a row of the same cluster',
    },
  },
  by: ['bands'],
  carries: { bands: 'list_int32', words: 'list_int32' },
  examples: [
    {
      title: 'a word more is the same pair; another short answer, or much more text, is not',
      rows: [
        {
          prompt: 'Why is the sky blue?',
          chosen: 'Air scatters blue light more strongly than it scatters red light.',
          rejected: 'It mirrors the sea, of course.',
        },
        {
          prompt: 'why is the sky blue?',
          chosen: 'Indeed air scatters blue light more strongly than it scatters red light.',
          rejected: 'It mirrors the sea, of course.',
        },
        {
          prompt: 'Does air scatter blue light more strongly than it scatters red light?',
          chosen: 'Yes.',
          rejected: 'No.',
        },
        {
          prompt: 'Does air scatter blue light more strongly than it scatters red light?',
          chosen: 'It does.',
          rejected: 'No.',
        },
        {
          prompt: 'Why is the sky blue?',
          chosen:
            'Air scatters blue light more strongly than red light, and the sun sends a little more blue than violet.',
          rejected: 'It mirrors the sea, of course.',
        },
      ],
      kept: [0, 2, 3, 4],
      dropped: { 1: 'near_duplicate' },
    },
    {
      title: 'the same answer against another error is another pair, however long what they share is',
      rows: [
        {
          prompt: 'Nina packs 7 boxes with 12 jars each and breaks 5 jars. How many whole jars are there?',
          chosen: 'Seven boxes with 12 jars each are 7 * 12 = 84 jars. Of these 84 - 5 = 79 are whole.',
          rejected: 'Seven boxes with 12 jars each are 7 * 12 = 94 jars. Of these 94 - 5 = 89 are whole.',
        },
        {
          prompt: 'Nina packs 7 boxes with 12 jars each and breaks 5 jars. How many whole jars are there?',
          chosen: 'Seven boxes with 12 jars each are 7 * 12 = 84 jars. Of these 84 - 5 = 79 are whole.',
          rejected: 'Seven boxes with 12 jars each are 7 * 12 = 84 jars. Of these 84 + 5 = 89 are whole.',
        },
      ],
      kept: [0, 1],
    },
  ],
  carry: ({ similarity }) => {
    const { bands, rows } = chooseBands(similarity, BINS),
      // a key is of both: many rows may share a long prompt, and many the same short answers
      ofWhole = rows >> 1,
      ofAnswers = rows - ofWhole
    const whole = new Uint32Array(BINS),
      answers = new Uint32Array(BINS),
      key = new Uint32Array(2)
    return batch => {
      const columns = sides.map(([side]) => batch.messages(side)),
        beside = sides.map(([side]) => hashBeside(batch, side))
      const found = new Int32Array(batch.rows * bands),
        bandsEnd = new Int32Array(batch.rows + 1),
        wordsEnd = new Int32Array(batch.rows + 1)
      let words = new Uint32Array(1 << 16),
        tagged = words.slice()
      for (let row = 0; row < batch.rows; row++) {
        const start = wordsEnd[row],
          first = start + HEAD
        let end = first
        for (let part = 0; part < 3; part++) {
          const count = tokenizeRow(columns[part], row)
          if (words.length < end + count + 2) {
            const more = new Uint32Array(2 * (end + count + 2))
            more.set(words)
            words = more
          }
          const from = end
          end = shingles(count, words, end)
          if (part < 2) words[start + 2 + part] = end - from
        }
        const other = words.subarray(start, start + 2)
        other.fill(0)
        for (let part = 0; part < 3; part++) beside[part](row, other)
        wordsEnd[row + 1] = end
        bandsEnd[row + 1] = bandsEnd[row]
        if (end === first) continue // nothing but white space: no key
        if (tagged.length < end - first) tagged = new Uint32Array(2 * (end - first))
        let at = first
        sides.forEach(([, tag], part) => {
          const until = part < 2 ? at + words[start + 2 + part] : end
          for (; at < until; at++) tagged[at - first] = mix32(words[at] ^ tag)
        })
        sketch(tagged, 0, end - first, whole, 0, BINS)
        sketch(tagged, words[start + 2], end - first, answers, 0, BINS)
        const size = other[0] === 0 && other[1] === 0 ? 0 : 2
        for (let band = 0; band < bands; band++) {
          beginKey(band)
          feedKey(whole, band * ofWhole, ofWhole)
          feedKey(answers, band * ofAnswers, ofAnswers)
          feedKey(other, 0, size)
          endKey(key, 0)
          found[bandsEnd[row + 1]++] = key[0]
        }
      }
      return {
        bands: makeInt32Lists(bandsEnd, found.slice(0, bandsEnd[batch.rows])),
        words: makeInt32Lists(wordsEnd, new Int32Array(words.buffer, 0, wordsEnd[batch.rows])),
      }
    }
  },
  open: ({ similarity }) => ({
    batch(batch) {
      const words = batch.lists('words'),
        { groups } = batch,
        a: number[] = [],
        b: number[] = [],
        value: number[] = []
      const edge = (one: number, other: number, alike: number) => {
        a.push(one)
        b.push(other)
        value.push(alike)
      }
      for (let g = 0; g + 1 < groups.length; g++) {
        const rows = Array.from({ length: groups[g + 1] - groups[g] }, (_, i) => readSets(words, groups[g] + i))
        joinAlike(rows, similarity, edge)
      }
      return { a, b, value }
    },
  }),
})
