/**
 * Edits by a model, after RISE: which step and which kinds it is asked for, in what words, and what is made of its
 * replies.
 */
import type { Batch } from '../../engine/contract/define.ts'
import { hash32, mix32 } from '../../engine/arrow/hash.ts'
import { drawer, shuffled } from './draw.ts'
import { editSize } from './edits.ts'
import { proveReread, unproven, type Proven } from './prove.ts'
import { difference, Solution } from './solution.ts'
import { standAlone } from './solutions.ts'

const numbers = (text: string): number => text.match(/\d+/g)?.length ?? 0
const calculates = (text: string): boolean => text.includes('=')

/** RISE's seven edits: when a text can have one, and what the model is told, in this project's words. */
export const EDITS: readonly {
  readonly name: string
  readonly fits: (text: string) => boolean
  readonly says: string
}[] = [
  {
    name: 'replace_values',
    fits: text => numbers(text) > 1,
    says: 'change one number, or several that belong together, so that the calculation goes wrong',
  },
  {
    name: 'replace_value',
    fits: text => numbers(text) === 1,
    says: 'change the number, so that the calculation goes wrong',
  },
  {
    name: 'wrong_substitution',
    fits: calculates,
    says: 'put a wrong value or symbol in the place of one of the calculation',
  },
  { name: 'delete_term', fits: calculates, says: 'leave out one term of the calculation' },
  { name: 'change_operator', fits: calculates, says: 'replace one operator of the calculation by another' },
  { name: 'swap_terms', fits: calculates, says: 'exchange two terms of the calculation' },
  {
    name: 'misread_question',
    fits: text => numbers(text) === 0 && !calculates(text),
    says: 'reword it, so that it rests on a misreading of the question',
  },
]

/** what gives an edit away, unless the question or the step has it too */
const ADMITS =
  /\b(?:mistak\w*|incorrect\w*|wrong\w*|erron\w*|errors?|misunderst\w*|misread\w*|oops|correct\w*|reconsider|actually|should (?:be|have been))\b/giu
/** of a step at most so many sentences, its last ones, are given to the model */
const SENTENCES = 4

export interface ModelEditLimits {
  readonly edits_per_row: number
  readonly max_edit_share: number
  readonly with_unproven: boolean
}

/** What the model is asked once: one kind of edit of the last part of one step. */
export interface EditRequest {
  readonly question: string
  readonly before: string
  readonly step: string
  readonly text: string
  readonly kind: number
}
/** A step to edit: alone, what stands before it, its last part, and the kinds of edits to ask for. */
export interface EditTask {
  readonly solution: Solution
  readonly step: number
  readonly before: string
  readonly text: string
  readonly kinds: readonly number[]
}

/** The last sentences of a step. */
function lastSentences(step: string): string {
  const starts = [0, ...[...step.matchAll(/\.\s+|\n+/g)].map(match => match.index + match[0].length)].filter(
    start => start < step.length,
  )
  return step.slice(starts[Math.max(0, starts.length - SENTENCES)])
}

/**
 * The step of a row to edit, drawn by its content, and kinds of edits that fit it; undefined where nothing that is
 * wanted can come of any.
 */
export function taskOf(
  batch: Batch,
  row: number,
  { edits_per_row, with_unproven }: ModelEditLimits,
): EditTask | undefined {
  const chosen = batch.messages('chosen'),
    prompt = batch.messages('prompt'),
    said = chosen.messages(row)
  const last = said.at(-1)
  if (!last) return undefined
  const question = [...prompt.messages(row), ...said.slice(0, -1)].map(({ content }) => content).join('\n')
  const whole = new Solution(last.content, question)
  const seed = hash32(
    chosen.bytes,
    chosen.start(row),
    chosen.end(row),
    hash32(prompt.bytes, prompt.start(row), prompt.end(row), 0),
  )
  for (const step of shuffled(whole.steps, drawer(seed))) {
    const solution = standAlone(whole, step),
      text = solution && lastSentences(solution.text)
    if (!text || !(with_unproven || solution.usable.length > 0)) continue
    const kinds = shuffled(
      [...EDITS.keys()].filter(kind => EDITS[kind].fits(text)),
      drawer(mix32((seed + step.index) | 0)),
    ).slice(0, edits_per_row)
    if (kinds.length > 0) return { solution, step: step.index, before: whole.text.slice(0, step.start), text, kinds }
  }
  return undefined
}

export const wording = ({
  question,
  before,
  step,
  text,
  kind,
}: EditRequest): string => `Below are a question, the beginning of a right answer to it, and the step that comes next. Rewrite the last part of that step with one subtle error: ${EDITS[kind].says}. Change nothing else, keep the style, do not repair later what the error breaks, and do not say or hint that there is an error.

Question:
\`\`\`
${question}
\`\`\`

Answer so far:
\`\`\`
${before || '(nothing yet)'}
\`\`\`

The step:
\`\`\`
${step}
\`\`\`

Its last part, which is to be rewritten:
\`\`\`
${text}
\`\`\`

Reply with the rewritten last part alone, between \`\`\` and \`\`\`.`

export const itemsOf = (task: EditTask | undefined): EditRequest[] =>
  task
    ? task.kinds.map(kind => ({
        question: task.solution.prompt!,
        before: task.before,
        step: task.solution.text,
        text: task.text,
        kind,
      }))
    : []

/** Why nothing was made of a row. */
export const REFUSED = {
  no_step:
    'no step has an equation that is read and exactly true, of which an edit could be proven (with `with_unproven`: no step at all)',
  no_answer: 'the model gave no answer',
  unchanged: 'every edit left the step as it was',
  admits_error: 'every edit said that something is wrong',
  changes_more: 'every edit changed more than `max_edit_share`',
  not_proven: 'no edit made exactly one true equation false',
}
export type EditRefusal = keyof typeof REFUSED

/** The edited step with its proof, or why the reply is refused. */
export function judgeEdit(
  { solution, text }: EditTask,
  edited: string,
  { max_edit_share, with_unproven }: ModelEditLimits,
): Proven | EditRefusal {
  const head = solution.text.slice(0, solution.text.length - text.length),
    step = head + edited
  if (step.trim() === solution.text.trim()) return 'unchanged'
  const known = new Set(`${solution.prompt} ${solution.text}`.toLowerCase().match(ADMITS))
  if ((edited.toLowerCase().match(ADMITS) ?? []).some(word => !known.has(word))) return 'admits_error'
  if (editSize(solution.text, step) > max_edit_share) return 'changes_more'
  const patches = [difference(solution.text, step)],
    proven = proveReread(solution, patches)
  return 'proof' in proven ? proven : with_unproven ? unproven(solution, patches) : 'not_proven'
}
