/**
 * Whether a reader can tell the injected side by its surface: mixes kinds of errors until one who goes by style cannot,
 * and measures it on other pairs.
 */
import { mix32 } from '../../engine/arrow/hash.ts'
import type { Estimate } from '../../models/metrics.ts'
import type { DenseRows } from '../../models/rows.ts'
import { STYLE_COLUMNS } from '../../models/style.ts'
import { round, type Round, type Report, type Worry } from '../../engine/contract/define.ts'
import { draw, EDIT_CLASSES, startWeights } from './edits.ts'
import type { EditLimits } from './limits.ts'
import { chooseMix, FEWEST, guess, type Mix, type Quotas } from './mix.ts'
import { ready, type EditType } from './operators/all.ts'
import { gather, sampler, styleOf, type Part } from './sample.ts'
import type { Unit } from './solutions.ts'

/** What the upper end of the 95 % interval of a reader's hit rate is held to. */
export const MOST_TELL = 0.58
export interface TellOptions extends EditLimits {
  readonly types: EditType[]
  readonly tell_rows: number
  readonly pairs: Unit
  readonly quotas: Quotas
  readonly max_per_row: number
  readonly max_share: number
}

/**
 * How well readers told the injected side of pairs as they are made; neither the mix nor the reader's training had seen
 * them.
 */
export interface Tell {
  readonly rows: number
  readonly style: Estimate
  readonly length: Estimate
}

/** What the stage is told by its sample: how to mix, and how well the mix hides. */
export interface Fitted {
  readonly mix: Mix
  readonly tell: Tell
  readonly editable: number
}

/** Rows of one half to choose the mix on, and of the other to test it on. */
const wanted = (options: TellOptions): [number, number] => [Math.ceil(options.tell_rows * 0.4), options.tell_rows]

/**
 * Sets rows apart; of one half chooses the mix by which a style reader fares worst, and of the other makes the pairs
 * that the stage will make and lets readers of style, and of length alone, guess.
 */
export const tellRound = (options: TellOptions): Round<Part, Fitted, undefined> => ({
  collect: context => sampler(wanted(options), options.types, options.pairs, context),
  async merge(partials, { seed }) {
    await ready(options.types)
    const {
        halves: [tuning, trial],
        editable,
      } = gather(partials, wanted(options)),
      start = startWeights(options.types)
    const possible = [...start.keys()].filter(at => start[at] > 0)
    const mix = chooseMix(
      styleOf(tuning, options, injector =>
        possible.flatMap(at => {
          const made = injector.make(at)
          return typeof made === 'string' ? [] : [{ at, text: made.text }]
        }),
      ),
      start,
      seed,
      options.quotas,
    )
    const { rows, hashes } = styleOf(trial, options, (injector, row) => {
      const made = draw(injector, mix32(row.seed), mix.weights)
      return 'refused' in made ? [] : [{ at: 0, text: made.text }]
    })
    const length: DenseRows = {
      layout: 'dense',
      columns: 1,
      length: rows.length,
      values: Float32Array.from(hashes, (_, i) => rows.values[i * STYLE_COLUMNS.length]),
    }
    return {
      mix,
      editable,
      tell: { rows: rows.length, style: guess(rows, hashes, seed), length: guess(length, hashes, seed) },
    }
  },
})

const percent = (value: number) => `${(100 * value).toFixed(1)} %`
const interval = ({ value, low, high }: Estimate) =>
  `${percent(value)} [${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]`

/** Pairs that were made, and those of which both sides state a final answer that is not the same. */
export interface Made {
  readonly pairs: number
  readonly changed: number
}
export const madeTally = () =>
  round({
    collect({ id }) {
      let pairs = 0,
        changed = 0
      return {
        batch(batch) {
          pairs += batch.rows
          for (const is of batch.numbers(`${id}_answer_changed`).values) if (is === 1) changed++
        },
        part: (): Made => ({ pairs, changed }),
      }
    },
    merge(parts: Iterable<Made>): Made {
      let pairs = 0,
        changed = 0
      for (const part of parts) {
        pairs += part.pairs
        changed += part.changed
      }
      return { pairs, changed }
    },
  })

/** Made pairs of which nobody knows whether their surface gives the error away, or whose surface does. */
function madeWorries({ tell_rows }: TellOptions, tell: Tell, made: number): Worry[] {
  const n = (count: number) => count.toLocaleString('en-US'),
    worry = {
      level: 'look' as const,
      value: n(made),
      why: 'A model may learn the surface of such pairs, and not the error.',
    }
  if (tell_rows === 0 || tell.rows < FEWEST) {
    return [
      {
        ...worry,
        name: 'made',
        said: `not known whether the error shows by its looks: ${tell_rows === 0 ? 'tell_rows is 0' : `${n(tell.rows)} trials, ${FEWEST} needed`}`,
      },
    ]
  }
  const best = tell.style.value > tell.length.value ? tell.style : tell.length
  if (best.value <= MOST_TELL) return []
  return [
    {
      ...worry,
      name: 'made',
      said: `the error shows by its looks in ${interval(best)} of pairs; 50 % is chance`,
    },
  ]
}

/** What the summary says of a mix and of how well it hides in the pairs that were made. */
export function tellReport(
  options: TellOptions,
  { mix, tell }: Pick<Fitted, 'mix' | 'tell'>,
  { pairs: made, changed }: Made,
): Report {
  const lines: string[] = []
  if (options.tell_rows === 0) lines.push('nobody tried to tell the injected side by its surface, as tell_rows is 0')
  else if (tell.rows < FEWEST) {
    lines.push(
      `${tell.rows === 1 ? '1 pair is' : `${tell.rows} pairs are`} too few to say whether the injected side shows by its surface (${FEWEST} are the least)`,
    )
  } else {
    const high = Math.max(tell.style.high, tell.length.high)
    lines.push(
      `of ${tell.rows.toLocaleString('en-US')} injected pairs set apart, a reader of style alone tells the injected side in ${interval(tell.style)}, of length alone in ${interval(tell.length)}; 50 % is chance`,
    )
    if (high > MOST_TELL) {
      lines.push(
        Math.max(tell.style.value, tell.length.value) > MOST_TELL
          ? `the kinds of errors could not be mixed so that it does not show: a model may learn the surface of these pairs instead of the error`
          : `the interval reaches over ${percent(MOST_TELL)}, so that a tell cannot be ruled out: ${tell.rows < 2000 ? 'there are too few pairs' : 'set more types'}`,
      )
    }
  }
  const over = Object.entries(mix.over ?? {}).map(([type, share]) => `${type} (${percent(share)})`)
  if (over.length) lines.push(`above its quota, as too many rows offer nothing else: ${over.join(', ')}`)
  const sum = mix.weights.reduce((all, weight) => all + weight, 0)
  lines.push(
    `the final answer is another one in ${changed.toLocaleString('en-US')} of ${made.toLocaleString('en-US')} made pairs; in the others the error stands in a step alone, or no final answer is stated`,
  )
  return {
    lines: made === 0 ? [] : lines,
    worries: made === 0 ? [] : madeWorries(options, tell, made),
    numbers: {
      tell,
      limit: MOST_TELL,
      chosen_on: { rows: mix.rows, ...(mix.before ? { before: mix.before, after: mix.after } : {}) },
      mix: Object.fromEntries(
        EDIT_CLASSES.flatMap(({ type, surface }, at) =>
          mix.weights[at] > 0 ? [[`${type} ${surface}`, mix.weights[at] / sum]] : [],
        ),
      ),
    },
  }
}
