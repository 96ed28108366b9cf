/** The rows of a batch as solutions to make errors in: whole answers, or single steps of them. */
import type { Message } from '../../engine/arrow/columns.ts'
import { hash32, mix32 } from '../../engine/arrow/hash.ts'
import type { Batch } from '../../engine/contract/define.ts'
import type { Step } from './arithmetic.ts'
import { drawer, shuffled } from './draw.ts'
import { whyNot } from './edits.ts'
import { OPERATORS, type EditType } from './operators/all.ts'
import type { Declined } from './prove.ts'
import { Solution } from './solution.ts'

/** What errors are made in: the last message of the chosen side, or one of its steps. */
export type Unit = 'solutions' | 'steps'

/**
 * A solution with a seed that depends on the row's content alone; `rowSeed` is the same whatever step was drawn.
 * `step`: which of the answer's it is. `before`: the steps before it, of which the trainer's prompt tells.
 */
export interface Worked {
  readonly solution: Solution
  readonly seed: number
  readonly rowSeed: number
  readonly step?: number
  readonly before: string
}

/** A row's answer as it stands, and what it answers; nothing is known of it but its seed. */
export interface Raw {
  readonly seed: number
  readonly problem: string
  readonly text: string
}

/** A function from a row of a batch to its solution, or why no error of these types can be made in it. */
export function workedRows(
  batch: Batch,
  contextSeed: number,
  types: readonly EditType[],
  unit: Unit,
): (row: number) => Worked | Declined {
  const raw = rawRows(batch, contextSeed, types)
  return row => {
    const one = raw(row)
    return typeof one === 'string' ? one : work(one, types, unit)
  }
}

/** The answer as a solution, or one step of it; or why no error of these types can be made in it. */
export function work({ seed, problem, text }: Raw, types: readonly EditType[], unit: Unit): Worked | Declined {
  const solution = new Solution(text, problem)
  return (
    whyNot(solution, types) ??
    (unit === 'solutions' ? { solution, seed, rowSeed: seed, before: '' } : drawStep(solution, seed, types))
  )
}

/**
 * A function from a row of a batch to its texts. Most chat is refused by its bytes and never decoded, as are rows whose
 * seed is not wanted.
 */
export function rawRows(
  batch: Batch,
  contextSeed: number,
  types: readonly EditType[],
  wants?: (seed: number) => boolean,
): (row: number) => Raw | Declined {
  const prompt = batch.messages('prompt'),
    chosen = batch.messages('chosen')
  const needsEquation = OPERATORS.every(
    ({ name, proof }) => proof === 'arithmetic' || !types.includes(name as EditType),
  )
  return row => {
    const last = chosen.offsets[row + 1] - 1
    if (last < chosen.offsets[row]) return 'no_equation'
    const start = chosen.contentOffsets[last],
      end = chosen.contentOffsets[last + 1]
    if (needsEquation && !hasEquals(chosen.bytes, start, end)) return 'no_equation'
    const seed = hash32(chosen.bytes, start, end, hash32(prompt.bytes, prompt.start(row), prompt.end(row), contextSeed))
    if (wants && !wants(seed)) return 'no_edit'
    const messages = chosen.messages(row)
    const problem = [...prompt.messages(row), ...messages.slice(0, -1)].map(message => message.content).join('\n')
    return { seed, problem, text: messages[messages.length - 1].content }
  }
}

/** One step of which an error can be made, drawn evenly. */
function drawStep(whole: Solution, seed: number, types: readonly EditType[]): Worked | Declined {
  for (const step of shuffled(whole.steps, drawer(seed ^ 0x57e9))) {
    const solution = standAlone(whole, step)
    if (solution && !whyNot(solution, types)) {
      return {
        solution,
        seed: mix32((seed + step.index) | 0),
        rowSeed: seed,
        step: step.index,
        before: whole.text.slice(0, step.start),
      }
    }
  }
  return 'no_edit'
}

/**
 * A step as a solution of its own, whose problem is what stands before it; undefined where it says something else by
 * itself, as inside code.
 */
export function standAlone(whole: Solution, step: Step): Solution | undefined {
  const solution = new Solution(
    whole.text.slice(step.start, step.end),
    `${whole.prompt}\n${whole.text.slice(0, step.start)}`,
  )
  const alike =
    solution.equations.length === step.equations.length &&
    step.equations.every(({ left, result, verdict }, i) => {
      const own = solution.equations[i]
      return left === own.left && result === own.result && verdict === own.verdict
    })
  return alike ? solution : undefined
}

/** The messages of a step's prompt: what was asked, and below it in the same message the steps so far. */
export function promptOfStep(messages: readonly Message[], before: string): Message[] {
  const { role, content } = messages.at(-1) ?? { role: 'user', content: '' }
  return [...messages.slice(0, -1), { role, content: before ? `${content}\n\n${before}` : content }]
}

const EQUALS = 0x3d

function hasEquals(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    // U+FF1D, the wide equals sign, is EF BC 9D
    if (bytes[i] === EQUALS || (bytes[i] === 0xef && bytes[i + 1] === 0xbc && bytes[i + 2] === 0x9d)) return true
  }
  return false
}
