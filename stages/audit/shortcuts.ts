/** What gives the chosen side away without its prompt: a sample of pairs, readers trained on it, and counts. */
import type { Batch, Context } from '../../engine/contract/define.ts'
import { createFeaturiser } from '../../models/features.ts'
import { crossFit, crossMargins, type CrossFit } from '../../models/head.ts'
import { share, type Estimate } from '../../models/metrics.ts'
import { FOLDS } from '../../models/panel.ts'
import { combine32, foldOf, hashString } from '../../models/random.ts'
import { concatRows, type Rows } from '../../models/rows.ts'
import { markdownOf, relative, ridgeWeights } from '../../models/style_control.ts'
import type { PairText, TextSide } from '../../models/tokens.ts'
import { opening } from '../kit/opening.ts'
import { smallestOf } from '../kit/sample.ts'
import { Reader } from '../review/sample.ts'

/** Of fewer pairs nothing is said. */
export const FEWEST = 200
/** What sees a pair without its prompt: words and pairs of words, or how the sides are written (models/style). */
export const READERS = ['words', 'style'] as const
export type ReaderName = (typeof READERS)[number]
/** The ridge of the style-control models. */
const RIDGE = 0.5

/** Features of a regression, by their names: what the chosen side has more of than the rejected one. */
export const MANNERS = ['praise', 'agreement', 'apology', 'gives_in'] as const
export const CONTROLS = ['length', 'headers', 'lists', 'bold', ...MANNERS, 'shown_first'] as const

const OPENINGS: Readonly<Record<Exclude<(typeof MANNERS)[number], 'gives_in'>, RegExp>> = {
  praise:
    /^(oh,? |wow,? )?(what an? (\w+ )?(question|idea|point|thought)|(that's|that is|this is) (such )?an? (very |really )?(great|good|excellent|wonderful|fantastic|interesting|brilliant)|(great|good|excellent|fantastic|wonderful|brilliant) (question|idea|point|job|choice|work|thinking)|(这是个?|这真是)?(一个)?(很|非常)?好的?(问题|主意|想法))/,
  agreement:
    /^(yes,? |oh,? |ok,? |okay,? )?((you're|you are) (absolutely |completely |totally |quite )?(right|correct)|i (completely |totally |fully |absolutely )?agree|absolutely|exactly|(that's|that is) (right|correct|true)|(你|您)说得?对|我同意|没错|的确)/,
  apology:
    /^(oh,? |ah,? |no,? )?((i'm|i am|we're) (so |very |really |truly |terribly )?sorry|sorry|my apologies|(i|we) (sincerely |do )?apologi[sz]e|(非常|很|十分)?(抱歉|对不起))/,
}
/** What asks an answer to be taken back. */
const CHALLENGE =
  /are you (really |quite )?sure|i (don't|do not) (think|believe) (that|so|it|you)|(that|this|it)('s| is| sounds| seems) (wrong|not right|not true|not correct|incorrect)|(that|this|it) (isn't|doesn't seem) (right|true|correct)|you('re| are) (wrong|mistaken)|你确定|您确定|不对|你错了/i

/** What is kept of a pair. */
interface Measured {
  readonly prompt: number
  readonly rows: readonly Rows[]
  /** In the order of `CONTROLS`. */
  readonly controls: readonly number[]
  /** Whether the chosen side is the longer one, and the one with more of its words in the prompt: 1, 0.5 or 0. */
  readonly longer: number
  readonly copies: number
}
export interface SamplePart {
  readonly hashes: readonly number[]
  readonly pairs: readonly Measured[]
}

const half = (difference: number): number => (Math.sign(difference) + 1) / 2

/** Share of the words of a side that are words of the prompt. */
function overlap({ hashes, count }: TextSide, prompt: ReadonlySet<number>): number {
  let some = 0
  for (let i = 0; i < count; i++) if (prompt.has(hashes[i])) some++
  return count > 0 ? some / count : 0
}

/** Makes the rows of readers of pairs, one pair after another; their prompt is not shown to them. */
export function rowMaker(readers: readonly ReaderName[]) {
  const featurisers = readers.map(kind => createFeaturiser(kind, { max_rows: 1 << 30, max_values: 1 << 30 }))
  return {
    append(pair: PairText): void {
      pair.prompt.read(pair.prompt.bytes, 0, 0)
      for (const each of featurisers) each.append(pair)
    },
    /** Those since the last `take`, as copies. */
    take(): Rows[] {
      const rows = featurisers.map(each => concatRows([each.view()]))
      for (const each of featurisers) each.clear()
      return rows
    },
  }
}

/** Takes the `most` pairs of the smallest hashes of their content; those with an empty side or equal ones are none. */
export function sampler(most: number, readers: readonly ReaderName[], context: Context, first?: string) {
  const reader = new Reader(seedOf(context)),
    least = smallestOf<Measured>(most),
    maker = rowMaker(readers)
  return {
    batch(batch: Batch): void {
      const columns = {
        prompt: batch.messages('prompt'),
        chosen: batch.messages('chosen'),
        rejected: batch.messages('rejected'),
        first: first === undefined ? undefined : batch.numbers(first).values,
      }
      const measure = (row: number): Measured | undefined => {
        reader.open(batch)
        reader.read(row)
        const pair = reader.texts(row),
          { chosen, rejected, prompt } = pair,
          asked = new Set(prompt.hashes.subarray(0, prompt.count)),
          texts = [columns.chosen.text(row), columns.rejected.text(row)]
        if (texts.some(text => text.trim() === '') || texts[0] === texts[1]) return undefined
        const copies = half(overlap(chosen, asked) - overlap(rejected, asked)),
          longer = half(texts[0].length - texts[1].length)
        const words = [chosen.count, rejected.count]
        maker.append(pair)
        const challenged = CHALLENGE.test(columns.prompt.messages(row).at(-1)?.content ?? ''),
          ways = [columns.chosen, columns.rejected].map(side => mannersOf(opening(side, row), challenged)),
          [one, other] = texts.map(markdownOf),
          shown = columns.first?.[row] ?? NaN
        return {
          prompt: reader.promptHash,
          rows: maker.take(),
          controls: [
            relative(words[0], words[1]),
            ...(['headers', 'lists', 'bold'] as const).map(name => relative(one[name], other[name])),
            ...MANNERS.map((_, i) => relative(ways[0][i], ways[1][i])),
            Number.isNaN(shown) ? 0 : shown === 0 ? -1 : 1,
          ],
          longer,
          copies,
        }
      }
      reader.open(batch)
      for (let row = 0; row < batch.rows; row++) {
        reader.read(row)
        least.offer(reader.contentHash(), () => measure(row))
      }
    },
    part: (): SamplePart => ({ pairs: least.values(), hashes: least.hashes() }),
  }
}
const seedOf = ({ seed }: Pick<Context, 'seed'>): number => combine32(seed, hashString('shortcuts'))

/** In the order of `MANNERS`: 1 where a side begins so. */
export function mannersOf(text: string, challenged: boolean): number[] {
  const [praise, agreement, apology] = Object.values(OPENINGS).map(pattern => (pattern.test(text) ? 1 : 0))
  return [praise, agreement, apology, challenged && agreement + apology > 0 ? 1 : 0]
}

/** The pairs of all parts. */
export function gather(parts: Iterable<SamplePart>, most: number): readonly Measured[] {
  const least = smallestOf<Measured>(most)
  for (const { hashes, pairs } of parts) pairs.forEach((pair, i) => least.offer(hashes[i], () => pair))
  return least.values()
}

export const foldsOf = (prompts: ArrayLike<number>, seed: number): Uint8Array =>
  Uint8Array.from(prompts, prompt => foldOf(prompt, FOLDS, seed))

/** Heads of one reader, each trained on other prompts, and in how many pairs they find the chosen side. */
export function trained(
  pairs: readonly Measured[],
  reader: number,
  context: Pick<Context, 'seed'>,
): { fit: CrossFit; found: Estimate; seed: number } {
  const seed = seedOf(context),
    rows = concatRows(pairs.map(pair => pair.rows[reader])),
    folds = foldsOf(
      Uint32Array.from(pairs, ({ prompt }) => prompt),
      seed,
    ),
    fit = crossFit(rows, folds, { folds: FOLDS, seed, tolerance: 1e-3, coarse: true })
  return { fit, found: mean(Array.from(crossMargins(fit, rows, folds), half)), seed }
}
const mean = (values: readonly number[]): Estimate =>
  share(
    values.reduce((sum, one) => sum + one, 0),
    values.length,
  )

/** A feature of the regression: log-odds of the label for one root mean square; `used`: share of pairs that differ. */
export interface Control {
  readonly name: (typeof CONTROLS)[number]
  readonly value: number
  readonly error: number
  readonly used: number
}
/** What is known of an input. */
export interface Shortcuts {
  readonly pairs: number
  /** Of too few pairs there is nothing more. */
  readonly found?: Readonly<Record<ReaderName | 'longer' | 'copies', Estimate>> & { readonly shown_first?: Estimate }
  readonly controls: readonly Control[]
}

export function shortcutsOf(pairs: readonly Measured[], context: Pick<Context, 'seed'>): Shortcuts {
  if (pairs.length < FEWEST) return { pairs: pairs.length, controls: [] }
  const shown = pairs.map(({ controls }) => controls[CONTROLS.length - 1]).filter(value => value !== 0)
  return {
    pairs: pairs.length,
    found: {
      words: trained(pairs, 0, context).found,
      style: trained(pairs, 1, context).found,
      longer: mean(pairs.map(({ longer }) => longer)),
      copies: mean(pairs.map(({ copies }) => copies)),
      ...(shown.length > 0 ? { shown_first: mean(shown.map(half)) } : {}),
    },
    controls: controlsOf(pairs.map(({ controls }) => controls)),
  }
}

/**
 * Features without any value are left out. The others are divided by their root mean square and not centred: every
 * outcome is "the chosen side won", and a mean that is taken away would be the answer itself.
 */
export function controlsOf(rows: readonly (readonly number[])[]): Control[] {
  const scales = CONTROLS.map((_, c) => Math.sqrt(rows.reduce((sum, row) => sum + row[c] * row[c], 0) / rows.length)),
    used = CONTROLS.flatMap((_, c) => (scales[c] > 0 ? [c] : []))
  const weights = ridgeWeights(
    rows.flatMap(row => used.map(c => row[c] / scales[c])),
    used.length,
    RIDGE,
  )
  return used.map((c, i) => ({
    name: CONTROLS[c],
    ...weights[i],
    used: rows.filter(row => row[c] !== 0).length / rows.length,
  }))
}
