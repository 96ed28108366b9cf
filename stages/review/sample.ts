/**
 * The pairs that reviewers are trained on: those with the smallest hashes of their content. One round over all pairs
 * finds where that sample ends, a second one makes features of the pairs in it, so that of a large input no more is
 * made and kept than the sample.
 */
import type { MessagesColumn } from '../../engine/arrow/columns.ts'
import { hash32 } from '../../engine/arrow/hash.ts'
import type { Batch, Context, Round } from '../../engine/contract/define.ts'
import { combine32, hashString } from '../../models/random.ts'
import { concatRows, takeRows, type Rows } from '../../models/rows.ts'
import { createPairText, type PairText, type TextSide } from '../../models/tokens.ts'
import { hashBeside } from '../../engine/source/further_fields.ts'
import { smallestOf } from '../kit/sample.ts'
import { ComparisonBuilder, joinComparisons, type PromptComparisons } from './comparisons.ts'
import { createInputs, widthIn, type Input, type ReviewInputOptions } from './inputs.ts'

/** Feature values (8 bytes each at most) of one reviewer in the sample: long texts cannot grow it without bound. */
const SAMPLE_VALUES = 32e6
/** Those that are held until they are joined to the sample. */
const HELD_VALUES = 8e6

/** Options that decide the sample. */
export interface SampleOptions extends ReviewInputOptions {
  readonly sample_rows: number
}

/** Where the sample ends: the largest hash in it. `width`: how long the first vector is; 0 where there is none. */
export interface Limit {
  readonly hash: number
  readonly width: number
}

/** Rows of the sample by hash: the features of each input, and of each row a hash of its content and `about`. */
export interface Sampled {
  readonly samples: readonly Rows[]
  readonly hashes: Float64Array
  /** One row's after another's, in the order of `ABOUT`. */
  readonly about: Uint32Array
}
/** What is kept of a row beside its features: the hashes of its prompt and of the two answers to it. */
const ABOUT = ['prompt', 'chosen', 'rejected'] as const

/** One of these numbers of all rows. */
export const aboutRows = ({ hashes, about }: Sampled, what: (typeof ABOUT)[number]): Uint32Array =>
  Uint32Array.from(hashes, (_, row) => about[row * ABOUT.length + ABOUT.indexOf(what)])

/** What a partition adds to it, and all comparisons that it has, for standings. */
export interface Part extends Sampled {
  readonly comparisons: PromptComparisons
}

/** Reads the pairs of one batch after another. */
export class Reader {
  readonly #pair: PairText = createPairText()
  readonly #seed: number
  #prompt?: MessagesColumn
  #chosen?: MessagesColumn
  #rejected?: MessagesColumn
  #beside?: ReturnType<typeof hashBeside>
  readonly #about = new Uint32Array(2)
  promptHash = 0
  chosenHash = 0
  rejectedHash = 0
  constructor(seed: number) {
    this.#seed = seed
  }

  open(batch: Batch): void {
    this.#prompt = batch.messages('prompt')
    this.#chosen = batch.messages('chosen')
    this.#rejected = batch.messages('rejected')
    this.#beside = hashBeside(batch, 'prompt')
  }

  /** Sets the hashes of the row's prompt and of the two answers to it. */
  read(row: number): void {
    this.promptHash = hashOf(this.#prompt!, row, 0)
    // answers about two pictures are not compared, though the prompts read alike
    const about = this.#about.fill(0)
    this.#beside!(row, about)
    this.chosenHash = hashOf(this.#chosen!, row, this.promptHash ^ about[0])
    this.rejectedHash = hashOf(this.#rejected!, row, this.promptHash ^ about[0])
  }

  /** 53 bits of a hash of the content of the row that was read. */
  contentHash(): number {
    const seed = this.#seed ^ 0x5a11
    const high = combine32(combine32(this.chosenHash, this.rejectedHash), seed),
      low = combine32(combine32(this.rejectedHash, this.chosenHash), seed)
    return high * 2 ** 21 + (low >>> 11)
  }

  texts(row: number): PairText {
    readSide(this.#pair.prompt, this.#prompt!, row)
    readSide(this.#pair.chosen, this.#chosen!, row)
    readSide(this.#pair.rejected, this.#rejected!, row)
    return this.#pair
  }
}

const hashOf = ({ bytes, start, end }: MessagesColumn, row: number, seed: number) =>
  hash32(bytes, start(row), end(row), seed)
const readSide = (side: TextSide, { bytes, start, end }: MessagesColumn, row: number) =>
  side.read(bytes, start(row), end(row))

/** The seed of the graph's panels: the stage's id is not in it, so that another one changes nothing. */
export const seedOf = (context: Context): number => combine32(context.seed, hashString('panel'))

/** The round that finds the limit. */
export const limitRound = (
  options: SampleOptions,
): Round<{ hashes: Float64Array; width: number }, Limit, undefined> => ({
  collect(context) {
    const reader = new Reader(seedOf(context)),
      smallest = smallestOf<true>(options.sample_rows)
    let width = 0
    return {
      batch(batch) {
        if (width === 0) width = widthIn(options, batch)
        reader.open(batch)
        for (let row = 0; row < batch.rows; row++) {
          reader.read(row)
          smallest.offer(reader.contentHash(), isThere)
        }
      },
      part: () => ({ hashes: Float64Array.from(smallest.hashes()), width }),
    }
  },
  merge(parts) {
    const { sample_rows } = options,
      smallest = smallestOf<true>(sample_rows)
    let first = 0
    for (const { hashes, width } of parts) {
      if (first === 0) first = width
      for (const hash of hashes) smallest.offer(hash, isThere)
    }
    const all = smallest.hashes()
    return { hash: all.length < sample_rows ? Infinity : all[all.length - 1], width: first }
  },
})
const isThere = () => true as const

const sampleInputs = (options: ReviewInputOptions, stage: string, width: number): Input[] =>
  createInputs(options, stage, { max_rows: 1 << 30, max_values: HELD_VALUES }, width)

/** Collects the rows of the sample, and all comparisons. */
export function sampler(options: SampleOptions, stage: string, context: Context<Limit>) {
  const limit = context.state,
    inputs = sampleInputs(options, stage, limit.width),
    reader = new Reader(seedOf(context)),
    isCompared = options.reviewers.includes('standings'),
    comparisons = new ComparisonBuilder()
  let sample = emptySample(inputs),
    hashes: number[] = [],
    about: number[] = []
  const append = (row: number, pair: PairText) => inputs.map(input => input.append(row, pair)).every(fits => fits)
  const settle = () => {
    // a row that one input was too full for is in some and not in others
    const rows = Uint32Array.from(hashes.keys()),
      samples = inputs.map(input => takeRows(input.view(), rows))
    sample = joined([sample, { samples, hashes: Float64Array.from(hashes), about: Uint32Array.from(about) }])
    hashes = []
    about = []
    for (const input of inputs) input.clear()
  }
  return {
    batch(batch: Batch) {
      reader.open(batch)
      for (const input of inputs) input.open(batch)
      for (let row = 0; row < batch.rows; row++) {
        reader.read(row)
        const hash = reader.contentHash()
        if (isCompared) comparisons.add(reader.promptHash, reader.chosenHash, reader.rejectedHash)
        if (hash > limit.hash) continue
        const pair = reader.texts(row)
        let fits = append(row, pair)
        if (!fits) {
          settle()
          fits = append(row, pair)
        }
        if (fits) {
          hashes.push(hash)
          about.push(reader.promptHash, reader.chosenHash, reader.rejectedHash)
        } else for (const input of inputs) input.clear()
      }
    },
    part(): Part {
      settle()
      return { ...sample, comparisons: comparisons.take() }
    },
  }
}

/** The sample of all parts, and their comparisons. */
export function gather(options: SampleOptions, stage: string, { width }: Limit, parts: Iterable<Part>): Part {
  let some = [emptySample(sampleInputs(options, stage, width))]
  const comparisons: PromptComparisons[] = []
  for (const part of parts) {
    some.push(part)
    comparisons.push(part.comparisons)
    if (valuesOf(some) > 2 * SAMPLE_VALUES) some = [joined(some)]
  }
  return { ...joined(some), comparisons: joinComparisons(comparisons) }
}

const emptySample = (inputs: readonly Input[]): Sampled => ({
  samples: inputs.map(input => concatRows([input.view()])),
  hashes: new Float64Array(0),
  about: new Uint32Array(0),
})
/** The values of the reviewer that has most. */
const valuesOf = (some: readonly Sampled[]): number =>
  Math.max(...some[0].samples.map((_, m) => some.reduce((n, { samples }) => n + samples[m].values.length, 0)))

/** The rows of several parts by hash, of equal ones the first, until one reviewer would have too many values. */
function joined(parts: readonly Sampled[]): Sampled {
  const samples = parts[0].samples.map((_, m) => concatRows(parts.map(part => part.samples[m]))),
    hashes = Float64Array.from(parts.flatMap(part => [...part.hashes])),
    about = Uint32Array.from(parts.flatMap(part => [...part.about]))
  const order = Uint32Array.from(hashes.keys())
    .sort((a, b) => hashes[a] - hashes[b] || a - b)
    .filter((row, i, all) => i === 0 || hashes[row] !== hashes[all[i - 1]])
  const picked = order.subarray(0, Math.min(...samples.map(rows => fitting(rows, order))))
  return {
    samples: samples.map(rows => takeRows(rows, picked)),
    hashes: Float64Array.from(picked, row => hashes[row]),
    about: Uint32Array.from(
      { length: picked.length * ABOUT.length },
      (_, i) => about[picked[Math.floor(i / ABOUT.length)] * ABOUT.length + (i % ABOUT.length)],
    ),
  }
}

/** How many rows from the first on have no more values together than a sample may have. */
function fitting(rows: Rows, order: Uint32Array): number {
  let values = 0,
    count = 0
  for (const row of order) {
    values += rows.layout === 'dense' ? rows.columns : rows.indptr[row + 1] - rows.indptr[row]
    if (values > SAMPLE_VALUES) break
    count++
  }
  return count
}
