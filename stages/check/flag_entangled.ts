/** Flags pairs whose gradients are so alike that a step lowers the chosen side too, or raises the rejected one. */
import { defineStage, round, Type, type Batch } from '../../engine/contract/define.ts'

interface Options {
  readonly gradient_columns: { readonly product: string; readonly chosen: string; readonly rejected: string }
  readonly loss_weights: { readonly chosen: number; readonly rejected: number }
}
export interface Changes {
  readonly chosen: number
  readonly rejected: number
}

/**
 * What one small step does to the log-probabilities of both sides, to first order and in units of the step: of the
 * gradients of log p of both, their inner product and squared lengths; the loss has the weights a and b. Undefined
 * where there is none, or where the product is larger than the lengths allow.
 */
export function changesOf(
  product: number,
  chosen: number,
  rejected: number,
  { chosen: a, rejected: b }: Options['loss_weights'],
): Changes | undefined {
  if (!(product ** 2 <= chosen * rejected * (1 + 1e-6)) || !Number.isFinite(chosen * rejected)) return undefined
  if (chosen < 0 || rejected < 0) return undefined
  return { chosen: a * chosen - b * product, rejected: a * product - b * rejected }
}

function reader(batch: Batch, { gradient_columns, loss_weights }: Options): (row: number) => Changes | undefined {
  const [product, chosen, rejected] = [
    gradient_columns.product,
    gradient_columns.chosen,
    gradient_columns.rejected,
  ].map(name => batch.numbers(name).values)
  return row => changesOf(product[row], chosen[row], rejected[row], loss_weights)
}

interface Counts {
  pairs: number
  known: number
  falls: number
  rises: number
}
const none = (): Counts => ({ pairs: 0, known: 0, falls: 0, rises: 0 })

export default defineStage({
  name: 'flag_entangled',
  version: 1,
  category: 'check and deduplicate',
  status: { is: 'as published' },
  summary: 'Flag pairs whose gradients move both sides the same way: the chosen one falls, or the rejected one rises.',
  details: `A step on a loss of margins raises log p of the chosen side by its gradient, and lowers that of the rejected one, and where the two gradients are alike each drags the other along. To first order the chosen side falls if and only if b ⟨g⁺, g⁻⟩ > a ‖g⁺‖², and the rejected one rises if and only if a ⟨g⁺, g⁻⟩ > b ‖g⁻‖², with the weights a and b that the loss gives
to the two (DPO and IPO: equal). Lengths matter as much as the angle: at the same direction the longer gradient drives the other. Both at once cannot be.

The columns are the inner product of the gradients of log p of both sides, over the parameters that are trained, and their squared lengths: sums over all layers, so that no gradient is kept. They are of the model as it is, and change as it trains. Sluice computes none; [drop_ches](drop_ches.md) is a score of the same matter that one forward pass gives.

Nothing is dropped: \`<id>.chosen_falls\` and \`<id>.rejected_rises\` have the pairs, and \`drop_by_column\` with \`where: "<id>_chosen_change < 0.0"\` drops them. The statistic of the authors’ code, a mean over pairs, divides by ‖g⁺‖² alone where the paper has the smaller one of both; here each condition has its own.

Not measured: no open data that we have has these columns.`,
  paper: {
    title: 'A Common Pitfall of Margin-based Language Model Alignment: Gradient Entanglement',
    arxiv: '2410.13828',
    form: 'as in',
  },
  options: Type.Object({
    gradient_columns: Type.Object(
      {
        product: Type.String({ minLength: 1 }),
        chosen: Type.String({ minLength: 1 }),
        rejected: Type.String({ minLength: 1 }),
      },
      {
        additionalProperties: false,
        description: 'columns of the inner product of both sides’ gradients, and of the squared length of each',
        default: {
          product: 'gradient_product',
          chosen: 'chosen_gradient_square',
          rejected: 'rejected_gradient_square',
        },
      },
    ),
    loss_weights: Type.Object(
      { chosen: Type.Number({ exclusiveMinimum: 0 }), rejected: Type.Number({ exclusiveMinimum: 0 }) },
      {
        additionalProperties: false,
        description: 'how much the loss pulls at each side: a and b',
        default: { chosen: 1, rejected: 1 },
      },
    ),
  }),
  reads: ({ gradient_columns: of }) => ({ [of.product]: 'number', [of.chosen]: 'number', [of.rejected]: 'number' }),
  writes: { chosen_change: 'float64', rejected_change: 'float64' },
  rows: 'same',
  notes: {
    chosen_falls: 'to first order a step lowers the log-probability of the chosen side',
    rejected_rises: 'to first order a step raises the log-probability of the rejected side',
    no_gradient: 'a number is missing or not finite, a square is below 0, or the product is larger than they allow',
  },
  examples: [
    {
      title: 'at right angles; the same direction, with the rejected or the chosen side’s gradient the longer one',
      rows: [
        [0, 1, 1],
        [2, 1, 4],
        [2, 4, 1],
        [3, 4, 1],
      ].map(([gradient_product, chosen_gradient_square, rejected_gradient_square]) => ({
        prompt: 'Name a prime.',
        chosen: 'Seven.',
        rejected: 'Nine.',
        ...{ gradient_product, chosen_gradient_square, rejected_gradient_square },
      })),
      kept: [0, 1, 2, 3],
      noted: { 1: 'chosen_falls', 2: 'rejected_rises', 3: 'no_gradient' },
      columns: { chosen_change: [1, -1, 2, null], rejected_change: [-1, -2, 1, null] },
    },
    {
      title: 'a loss that pulls at the chosen side twice as much',
      options: { loss_weights: { chosen: 2, rejected: 1 } },
      rows: [
        {
          prompt: 'Name a prime.',
          chosen: 'Seven.',
          rejected: 'Nine.',
          ...{ gradient_product: 2, chosen_gradient_square: 2, rejected_gradient_square: 4 },
        },
      ],
      kept: [0],
      columns: { chosen_change: [2], rejected_change: [0] },
    },
  ],
  tally: options =>
    round({
      collect() {
        const counts = none()
        return {
          batch(batch) {
            const changes = reader(batch, options)
            for (let row = 0; row < batch.rows; row++) {
              const change = changes(row)
              counts.pairs++
              if (!change) continue
              counts.known++
              if (change.chosen < 0) counts.falls++
              if (change.rejected > 0) counts.rises++
            }
          },
          part: () => counts,
        }
      },
      merge(parts: Iterable<Counts>) {
        const sum = none()
        for (const part of parts) for (const key of ['pairs', 'known', 'falls', 'rises'] as const) sum[key] += part[key]
        return sum
      },
    }),
  report(_options, { tally: { pairs, known, falls, rises } }) {
    const n = (count: number) => count.toLocaleString('en-US'),
      percent = (count: number) => `${((100 * count) / known).toFixed(1)} %`
    return {
      lines: [
        known === 0
          ? `none of ${n(pairs)} pairs has gradients`
          : `of ${n(known)} pairs with gradients a step lowers the chosen side in ${percent(falls)}, and raises the rejected one in ${percent(rises)}`,
      ],
      numbers: { pairs, known, falls, rises },
    }
  },
  open: options => ({
    batch(batch, verdict) {
      const changes = reader(batch, options),
        chosen_change = new Float64Array(batch.rows).fill(NaN),
        rejected_change = new Float64Array(batch.rows).fill(NaN)
      for (let row = 0; row < batch.rows; row++) {
        const change = changes(row)
        if (!change) {
          verdict.note(row, 'no_gradient')
          continue
        }
        chosen_change[row] = change.chosen
        rejected_change[row] = change.rejected
        if (change.chosen < 0) verdict.note(row, 'chosen_falls')
        else if (change.rejected > 0) verdict.note(row, 'rejected_rises')
      }
      return { columns: { chosen_change, rejected_change } }
    },
  }),
})
