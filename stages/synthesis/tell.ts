/** Whether a reader can tell the injected side by its surface: mixes kinds of errors until one who goes by style cannot, and measures it on other pairs. */
import { mix32 } from '../../engine/arrow/hash.ts'
import type { Estimate } from '../../models/metrics.ts'
import type { DenseRows } from '../../models/rows.ts'
import { STYLE_COLUMNS } from '../../models/style.ts'
import type { FitRound, StageReport } from '../define.ts'
import { createInjector, EDIT_CLASSES, injection, startWeights } from './edits.ts'
import { chooseMix, FEWEST, guess, type Mix } from './mix.ts'
import type { EditType } from './operators/all.ts'
import { gather, sampler } from './sample.ts'

/** What the upper end of the 95 % interval of a reader's hit rate is held to. */
export const MOST_TELL = 0.58
export interface TellOptions { readonly types: readonly EditType[], readonly tell_rows: number }

/** How well readers told the injected side of pairs as they are made; neither the mix nor the reader's training had seen them. */
export interface Tell { readonly rows: number, readonly style: Estimate, readonly length: Estimate }

const tuningRows = (options: TellOptions) => Math.ceil(options.tell_rows * 0.4)

/** First round: on one half of the rows, chooses the mix by which a style reader fares worst. */
export const mixRound: FitRound<TellOptions> = {
  collect(options, context) {
    const start = startWeights(options.types)
    return sampler(0, tuningRows(options), context, ({ solution, seed }) => {
      const injector = createInjector(solution, mix32(seed))
      if ('refused' in injector) return []
      return start.flatMap((weight, at) => {
        const made = weight > 0 ? injector.make(at) : ''
        return typeof made === 'string' ? [] : [{ at, text: made.text }]
      })
    })
  },
  merge: (options, context, partials): Mix => chooseMix(gather(partials, tuningRows(options)), startWeights(options.types), context.seed),
}

/** Second round: on the other half, makes the pairs that the stage will make and lets readers of style, and of length alone, guess. */
export const tellRound: FitRound<TellOptions> = {
  collect: (options, context) => {
    const { weights } = context.states[0] as Mix
    return sampler(1, options.tell_rows, context, ({ solution, seed }) => {
      const made = injection(solution, mix32(seed), weights)
      return 'refused' in made ? [] : [{ at: 0, text: made.text }]
    })
  },
  merge(options, context, partials): Tell {
    const { rows, hashes } = gather(partials, options.tell_rows)
    const length: DenseRows = { layout: 'dense', columns: 1, length: rows.length, values: Float32Array.from(hashes, (_, i) => rows.values[i * STYLE_COLUMNS.length]) }
    return { rows: rows.length, style: guess(rows, hashes, context.seed), length: guess(length, hashes, context.seed) }
  },
}

const percent = (value: number) => `${(100 * value).toFixed(1)} %`
const interval = ({ value, low, high }: Estimate) => `${percent(value)} [${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]`

/** What the summary says of a mix and of how well it hides. */
export function tellReport(options: TellOptions, mix: Mix, tell: Tell): StageReport {
  const lines: string[] = []
  if (options.tell_rows === 0) lines.push('nobody tried to tell the injected side by its surface, as tell_rows is 0')
  else if (tell.rows < FEWEST) lines.push(`${tell.rows} pairs are too few to say whether the injected side shows by its surface (${FEWEST} are the least)`)
  else {
    const high = Math.max(tell.style.high, tell.length.high)
    lines.push(`of ${tell.rows.toLocaleString('en-US')} injected pairs set apart, a reader of style alone tells the injected side in ${interval(tell.style)}, of length alone in ${interval(tell.length)}; 50 % is chance`)
    if (high > MOST_TELL) {
      lines.push(Math.max(tell.style.value, tell.length.value) > MOST_TELL ? `the kinds of errors could not be mixed so that it does not show: a model may learn the surface of these pairs instead of the error`
        : `the interval reaches over ${percent(MOST_TELL)}, so that a tell cannot be ruled out: ${tell.rows < 2000 ? 'there are too few pairs' : 'set more types'}`)
    }
  }
  const sum = mix.weights.reduce((all, weight) => all + weight, 0)
  return {
    lines,
    numbers: {
      tell, limit: MOST_TELL, chosen_on: { rows: mix.rows, ...(mix.before ? { before: mix.before, after: mix.after } : {}) },
      mix: Object.fromEntries(EDIT_CLASSES.flatMap(({ type, surface }, at) => mix.weights[at] > 0 ? [[`${type} ${surface}`, mix.weights[at] / sum]] : [])),
    },
  }
}
