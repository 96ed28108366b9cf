/** Prompt and sides as a file's columns have them, and the rows that lack one. */
import type { Data } from 'apache-arrow'
import { nullTest } from '../arrow/columns.ts'
import { splitMarks } from './marks.ts'
import { joinPrompts, readForm, withHistory, withSystem } from './forms.ts'
import { isTextPlan, type Bound } from './mapping.ts'
import { areTalks, sidesHoldPrompt, type ReasonName, type Task } from './task.ts'
import { readTalks } from './turn_lists.ts'
import type { Form, Turns } from './turns.ts'

/**
 * The prompt as its column has it; of text with what stands above and below, and after earlier turns. Where shards are
 * conversations in any case, turns that marks within a text begin are turns. Null where the sides hold it in any case.
 */
export function readPrompt({ plan, column, refuse }: Task): Turns | null {
  const { prompt, parts } = plan
  if (!prompt || areTalks(plan)) return null
  const { column: name, form } = prompt
  const part = (name: string | undefined) => (name === undefined ? undefined : column(name))
  const said =
    parts.context !== undefined || parts.input !== undefined
      ? { data: joinPrompts(column(name), part(parts.context), part(parts.input)) }
      : readForm(form, column(name), 'user')
  const turns = form === 'text' && !isTextPlan(plan) ? { ...said, data: splitMarks(said.data) } : said
  const whole = parts.history === undefined ? turns : withHistory(turns, column(parts.history))
  refuseBad(whole, prompt, refuse, 'unreadable_prompt')
  return whole
}

function refuseBad(said: Turns, { column }: Bound, refuse: Task['refuse'], reason: ReasonName): void {
  said.bad?.forEach((bad, row) => {
    const fault = bad ? said.faults?.get(row) : undefined
    if (bad) refuse(row, reason, undefined, fault && `${column}: ${fault}`)
  })
}

/** The prompt with its system message. */
export const headed = ({ plan: { parts }, column }: Task, prompt: Turns): Turns =>
  parts.system === undefined ? prompt : withSystem(prompt, column(parts.system))

export function readSide(task: Task, bound: Bound): Turns {
  const { column, refuse } = task,
    said = readAnswers(task, bound.form, column(bound.column))
  refuseBad(said, bound, refuse, bound.form === 'transcript' ? 'unreadable_transcript' : 'unreadable_side')
  return said
}

/** Answers of any form; `promptOf` gives the row whose prompt each answers. */
export const readAnswers = ({ plan, column }: Task, form: Form, data: Data, promptOf?: (answer: number) => number) =>
  areTalks(plan) ? readTalks(column(plan.prompt!.column), data, promptOf) : readForm(form, data, 'assistant')

export function refuseNulls({ plan, rows, column, refuse }: Task): void {
  const [prompt, chosen, rejected] = [plan.prompt, plan.chosen, plan.rejected].map(
    bound => bound && column(bound.column),
  )
  if (![prompt, chosen, rejected].some(data => data && data.nullCount > 0)) return
  const [noPrompt, noChosen, noRejected] = [prompt, chosen, rejected].map(data => (data ? nullTest(data) : () => false))
  for (let row = 0; row < rows; row++) {
    // conversations say themselves what was asked
    if (noPrompt(row) && !sidesHoldPrompt(plan)) refuse(row, 'missing_prompt')
    else if (noChosen(row)) refuse(row, noRejected(row) ? 'tied_vote' : 'missing_chosen')
    else if (noRejected(row)) refuse(row, 'missing_rejected')
  }
}
