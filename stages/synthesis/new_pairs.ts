/** What is made of the rows of a batch: the edits of each row, and the pairs that they give. */
import { makeMessages, type Message } from '../../engine/arrow/columns.ts'
import { mix32 } from '../../engine/arrow/hash.ts'
import type { Batch } from '../../engine/contract/define.ts'
import { several, type Edit } from './edits.ts'
import type { Declined } from './prove.ts'
import { promptOfStep, workedRows, type Unit, type Worked } from './solutions.ts'
import type { Fitted, TellOptions } from './tell.ts'

/** edits made of a row for each that is wanted, where tests may refuse some */
const MORE = 6

interface Found {
  readonly worked: Worked
  readonly edits: readonly Edit[]
}

/** A function from a row of a batch to its edits, at most `max_per_row`, or why there is none. */
export function editor(
  batch: Batch,
  seed: number,
  options: TellOptions & { readonly tests_column?: string },
  { mix: { weights }, editable }: Fitted,
): (row: number) => Promise<Found | Declined> {
  const taken = (2 ** 32 * options.max_share) / (1 - options.max_share) / (editable * options.max_per_row)
  const tests = options.tests_column === undefined ? undefined : batch.text(options.tests_column)
  const read = workedRows(batch, seed, options.types, options.pairs)
  return async row => {
    const worked = read(row)
    if (typeof worked === 'string') return worked
    if (mix32(worked.rowSeed ^ 0x5a4e) >= taken) return 'over_share'
    let found = several(worked.solution, worked.seed, weights, options.max_per_row * (tests ? MORE : 1), options)
    if (tests && typeof found !== 'string' && tests.text(row) !== '') {
      const { tested } = await import('./sandbox.ts')
      found = await tested(worked.solution.text, found, tests.text(row))
    }
    return typeof found === 'string' ? found : { worked, edits: found.slice(0, options.max_per_row) }
  }
}

/** Gathers the pairs of a batch: the chosen side, or a step of it, against each of its edits. */
export function newPairs(batch: Batch, unit: Unit) {
  const parents: number[] = [],
    made: Edit[] = [],
    prompts: Message[][] = [],
    chosen: Message[][] = [],
    rejected: Message[][] = []
  return {
    add(row: number, { worked: { before, step, solution }, edits }: Found): void {
      const said = batch.messages('chosen').messages(row),
        { role } = said[said.length - 1]
      const asked =
        unit === 'steps' ? promptOfStep([...batch.messages('prompt').messages(row), ...said.slice(0, -1)], before) : []
      for (const edit of edits) {
        parents.push(row)
        made.push(step === undefined ? edit : { ...edit, step })
        if (unit === 'steps') {
          prompts.push(asked)
          chosen.push([{ role, content: solution.text }])
          rejected.push([{ role, content: edit.text }])
        } else rejected.push([...said.slice(0, -1), { role, content: edit.text }])
      }
    },
    output: () => ({
      parents,
      columns: {
        ...(unit === 'steps' ? { prompt: makeMessages(prompts), chosen: makeMessages(chosen) } : {}),
        rejected: makeMessages(rejected),
        type: made.map(edit => edit.type),
        proof: made.map(edit => edit.proof),
        step: Int32Array.from(made, edit => edit.step),
        start: Int32Array.from(made, edit => edit.start),
        end: Int32Array.from(made, edit => edit.end),
        answer_changed: Uint8Array.from(made, edit => (edit.answer_changed ? 1 : 0)),
        size: Float64Array.from(made, edit => edit.size),
        difficulty: Float64Array.from(made, edit => edit.difficulty),
      },
    }),
  }
}
