/** Pairs of rows that have two sides. */
import type { Data } from 'apache-arrow'
import { messagesColumn, runsOf, take, type MessagesColumn } from '../arrow/columns.ts'
import { cutAll } from './cut_sides.ts'
import { isAssistant, saysAlike } from './cuts.ts'
import { cutMessages, extrasColumn, noMessages } from './forms.ts'
import { readPrompt, readSide, refuseNulls } from './said.ts'
import { SIDES, type Made, type Task } from './task.ts'
import type { Turns } from './turns.ts'

export function convertPairs(task: Task): Made {
  const { plan, rows, mask, extras } = task
  refuseNulls(task)
  const chosen = readSide(task, plan.chosen!),
    rejected = plan.rejected ? readSide(task, plan.rejected) : { data: noMessages(rows) }
  const parts = cutAll(task, withoutAnswer(readPrompt(task), chosen, rejected), chosen, rejected)
  const runs = runsOf(mask, 0)
  const all = runs.length === 2 && runs[1] - runs[0] === rows
  const keep = <T extends Data>(data: T): T => (all ? data : (take(data, runs) as T))
  return {
    parents: Uint32Array.from(rangeOf(runs)),
    sides: SIDES.map(side => keep(parts[side].data)),
    madeColumns: extras.map(side => keep(extrasColumn(parts[side]))),
  }
}

/** The prompt without a last message that is the answer of a side, where it is a copy of the conversation. */
function withoutAnswer(prompt: Turns | null, ...sides: readonly Turns[]): Turns | null {
  if (!prompt) return null
  const asked = messagesColumn(prompt.data),
    answers = sides.map(({ data }) => messagesColumn(data)),
    from = (prompt.data.valueOffsets as Int32Array).subarray(0, prompt.data.length)
  const last = ({ offsets }: MessagesColumn, row: number) =>
    offsets[row + 1] > offsets[row] ? offsets[row + 1] - 1 : undefined
  const isEmpty = ({ contentOffsets }: MessagesColumn, m: number) => contentOffsets[m + 1] === contentOffsets[m]
  let isCut = false
  const to = Int32Array.from(from, (start, row) => {
    const m = last(asked, row),
      end = prompt.data.valueOffsets[row + 1] as number
    // a message that says nothing, or calls a tool, is no copy of an answer
    if (m === undefined || end - start < 2 || isEmpty(asked, m) || prompt.extras?.[m]) return end
    const isHeld = answers.some(said => {
      const n = last(said, row)
      return n !== undefined && isAssistant(asked, m) && saysAlike(asked, m, said, n)
    })
    isCut ||= isHeld
    return isHeld ? end - 1 : end
  })
  return isCut ? { ...prompt, ...cutMessages(prompt, from, to) } : prompt
}

function rangeOf(runs: readonly number[]): number[] {
  const rows: number[] = []
  for (let r = 0; r < runs.length; r += 2) for (let row = runs[r]; row < runs[r + 1]; row++) rows.push(row)
  return rows
}
