/**
 * Drops pairs that are nearly an earlier pair. Candidates meet by band keys of sketches, and are then compared exactly.
 */
import type { MessagesColumn } from '../../engine/arrow/columns.ts'
import { hash32 } from '../../engine/arrow/hash.ts'
import { defineStage, Type } from '../../engine/contract/define.ts'
import { hashBeside } from '../../engine/source/further_fields.ts'
import { beginKey, chooseBands, endKey, feedKey, jaccard, shingles, sketch, tokenize } from './minhash.ts'

/** Sketch entries of a pair. */
const BINS = 64
/** Most rows of a group that one row is compared with: the ones nearest in length. */
const COMPARED = 1000

/** Words of the prompt, of the chosen and of the rejected side are never the same shingle. */
const sides = [
  ['prompt', 0],
  ['chosen', 0x5bd1e995],
  ['rejected', 0x1b873593],
] as const

/**
 * The shingle sets of a row's prompt and of its two answers together, as a row carries them: the length of the first,
 * then both.
 */
interface Sets {
  readonly member: number
  readonly size: number
  readonly hash: number
  readonly prompt: Uint32Array
  readonly answers: Uint32Array
}

function readSets(payload: Uint8Array, member: number): Sets {
  const { buffer, byteOffset, length } = payload.byteOffset % 4 === 0 ? payload : payload.slice()
  const words = new Uint32Array(buffer, byteOffset, length >> 2),
    second = 1 + words[0]
  return {
    member,
    size: words.length - 1,
    hash: hash32(payload, 0, length, 0),
    prompt: words.subarray(1, second),
    answers: words.subarray(second),
  }
}

/** Similarity of the whole pairs, or 0 where that of the answers alone is below `limit`. */
function similarityOf(a: Sets, b: Sets, limit: number): number {
  const answers = jaccard(a.answers, b.answers)
  if (answers < limit) return 0
  // the sets are disjoint: what is shared adds up
  const shared = (x: number, y: number, similarity: number) => (similarity * (x + y)) / (1 + similarity)
  const common =
    shared(a.answers.length, b.answers.length, answers) +
    shared(a.prompt.length, b.prompt.length, jaccard(a.prompt, b.prompt))
  return a.size + b.size === 0 ? 1 : common / (a.size + b.size - common)
}

function tokenizeRow(column: MessagesColumn, row: number): number {
  let count = 0
  for (let m = column.offsets[row]; m < column.offsets[row + 1]; m++) {
    count = tokenize(column.bytes, column.contentOffsets[m], column.contentOffsets[m + 1], count)
  }
  return count
}

export default defineStage({
  name: 'drop_near_duplicates',
  version: 2,
  summary: 'Drop pairs that are nearly the same as an earlier pair.',
  details:
    'Pairs are compared as sets of five words in a row (characters, where writing has no spaces), each tagged with its part. The whole pairs must be as similar as `similarity`, and so must their two ' +
    'answers taken together: other answers to the same long prompt are no duplicates. A text of fewer than five words is one such set. Near-duplicates of near-duplicates belong to one cluster, of which ' +
    'the first in order of file and row stays. Of the pairs that are 0.05 more similar than the limit, at least 95 % are found (`1 - (1 - s^rows)^bands` over sketches of 64 entries); none below the ' +
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
  rows: 'subset',
  reasons: {
    near_duplicate: { kind: 'quality', limit: 'similarity', about: 'Jaccard similarity to a row of the same cluster' },
  },
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
  ],
  group: {
    edgeReason: 'near_duplicate',
    keysPerRow: ({ similarity }) => chooseBands(similarity, BINS).bands,
    open: ({ similarity }) => {
      const { bands, rows } = chooseBands(similarity, BINS)
      const sketched = new Uint32Array(BINS),
        other = new Uint32Array(2)
      // of the batch whose keys were asked for last: the sets of all rows, and where each row's begin
      let sets = new Uint32Array(1 << 16),
        starts = new Uint32Array(1)
      return {
        keys(batch, out) {
          const columns = sides.map(([side]) => batch.messages(side)),
            beside = sides.map(([side]) => hashBeside(batch, side)),
            words = new Uint32Array(out.buffer, out.byteOffset, 2 * out.length)
          starts = new Uint32Array(batch.rows + 1)
          for (let row = 0; row < batch.rows; row++) {
            const start = starts[row]
            let end = start + 1
            for (let part = 0; part < 3; part++) {
              const count = tokenizeRow(columns[part], row)
              if (sets.length < end + count + 2) {
                const more = new Uint32Array(2 * (end + count + 2))
                more.set(sets)
                sets = more
              }
              end = shingles(count, sets, end, sides[part][1])
              if (part === 0) sets[start] = end - start - 1
            }
            sets.subarray(start + 1 + sets[start], end).sort()
            starts[row + 1] = end
            if (end === start + 1) continue // nothing but white space: no key
            sketch(sets, start + 1, end, sketched, 0, BINS)
            other.fill(0)
            for (let part = 0; part < 3; part++) beside[part](row, other)
            const size = other[0] === 0 && other[1] === 0 ? 0 : 2
            for (let band = 0; band < bands; band++) {
              beginKey(band)
              feedKey(sketched, band * rows, rows)
              feedKey(other, 0, size)
              endKey(words, 2 * (row * bands + band))
            }
          }
        },
        payload: (_, row) => new Uint8Array(sets.buffer, 4 * starts[row], 4 * (starts[row + 1] - starts[row])),
      }
    },
    each(group, verdict, { similarity }) {
      const all = Array.from({ length: group.size }, (_, member) => readSets(group.payload(member), member)).sort(
        (a, b) => a.size - b.size || a.hash - b.hash || a.member - b.member,
      )
      // equal sets first: thousands of equal rows must not be compared each with each
      const distinct: Sets[] = []
      for (const sets of all) {
        const last = distinct.at(-1)
        if (last && last.hash === sets.hash && last.size === sets.size && similarityOf(last, sets, 1) === 1) {
          verdict.edge(last.member, sets.member, 1)
        } else distinct.push(sets)
      }
      const cluster = Int32Array.from(distinct.keys())
      const find = (i: number): number => {
        while (cluster[i] !== i) i = cluster[i] = cluster[cluster[i]]
        return i
      }
      for (let i = 1; i < distinct.length; i++) {
        // a set can be as similar only if it is as large
        for (let j = i - 1; j >= 0 && j >= i - COMPARED && distinct[j].size >= similarity * distinct[i].size; j--) {
          const a = find(i),
            b = find(j)
          if (a === b) continue
          const value = similarityOf(distinct[i], distinct[j], similarity)
          if (value < similarity) continue
          verdict.edge(distinct[j].member, distinct[i].member, value)
          cluster[a] = b
        }
      }
    },
  },
})
