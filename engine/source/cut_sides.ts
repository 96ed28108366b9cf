/** Prompt and sides of pairs, where sides may be whole conversations that hold the prompt. */
import { nullTest } from '../arrow/columns.ts'
import { findCuts } from './cuts.ts'
import { chooseRows, cutMessages } from './forms.ts'
import { headed, readPrompt } from './said.ts'
import { areTalks, wholeSides, type SIDES, type Task } from './task.ts'
import type { Turns } from './turns.ts'

/** Prompt and sides of each row, with what their messages have beside role and content. */
type Sides = Readonly<Record<(typeof SIDES)[number], Turns>>

/** Cuts the prompt off the sides that hold it. `prompt` is null where it stands in them alone. */
export function cutAll(task: Task, prompt: Turns | null, chosen: Turns, rejected: Turns): Sides {
  const { plan, mask } = task
  const [a, b] = wholeSides(plan)
  if (areTalks(plan) && b) refuseUneven(task, chosen, rejected)
  // an answer alone, or a conversation beside one, ends with the answer
  const cuts = a || b ? findCuts(task, askedOf(task, prompt), a ? chosen : rejected, b ? rejected : chosen) : undefined
  if (!cuts?.some(cut => cut > 0)) return { prompt: headed(task, prompt ?? (a ? chosen : rejected)), chosen, rejected }
  const starts = (said: Turns): Int32Array => (said.data.valueOffsets as Int32Array).subarray(0, cuts.length)
  const ends = (said: Turns): Int32Array => (said.data.valueOffsets as Int32Array).subarray(1)
  const cutStarts = (said: Turns): Int32Array => starts(said).map((start, row) => start + cuts[row])
  const behind = (said: Turns): Turns => cutMessages(said, cutStarts(said), ends(said))
  // a conversation's own prompt stands in for the text one: it may have a system message and earlier turns
  const whole = a ? chosen : rejected,
    shared = cutMessages(whole, starts(whole), cutStarts(whole))
  const lacksPrompt = plan.prompt ? nullTest(task.column(plan.prompt.column)) : () => true,
    isText = plan.prompt?.form === 'text'
  // rows without a pair are taken out later, whatever is in them
  const usesShared = Uint8Array.from(cuts, (cut, row) =>
    isText ? Number(cut > 0 || mask[row]) : Number(cut > 0 && lacksPrompt(row)),
  )
  const own =
    prompt === null || (plan.prompt!.form === 'text' && usesShared.every(Boolean))
      ? shared
      : usesShared.some(Boolean)
        ? chooseRows(prompt, shared, usesShared)
        : prompt
  return { prompt: headed(task, own), chosen: a ? behind(chosen) : chosen, rejected: b ? behind(rejected) : rejected }
}

/** The prompt as conversations hold it: without what stands above and below it. */
const askedOf = (task: Task, prompt: Turns | null): Turns | null => {
  const { context, input } = task.plan.parts
  return (context ?? input) === undefined ? prompt : readPrompt({ ...task, plan: { ...task.plan, parts: {} } })
}

/** Texts that take turns with those of the prompt in one side, and follow them in the other, share no prompt. */
function refuseUneven({ rows, refuse }: Task, chosen: Turns, rejected: Turns): void {
  const count = ({ data: { valueOffsets: at } }: Turns, row: number) => (at[row + 1] as number) - (at[row] as number)
  for (let row = 0; row < rows; row++) {
    const [a, b] = [count(chosen, row), count(rejected, row)]
    if (a !== b) refuse(row, 'unreadable_side', undefined, `with the prompt the sides are ${a} and ${b} turns`)
  }
}
