/** Pairs of rows that have two sides. */
import type { Data } from 'apache-arrow'
import { nullTest, runsOf, take } from '../arrow/columns.ts'
import { findCuts } from './cuts.ts'
import { chooseRows, cutMessages, extrasColumn, noMessages } from './forms.ts'
import { headed, readPrompt, readSide, refuseNulls } from './said.ts'
import { SIDES, sidesHoldPrompt, type Made, type Task } from './task.ts'
import type { Turns } from './turns.ts'

export function convertPairs(task: Task): Made {
  const { plan, rows, mask, extras } = task
  refuseNulls(task)
  const chosen = readSide(task, plan.chosen!),
    rejected = plan.rejected ? readSide(task, plan.rejected) : { data: noMessages(rows) }
  const prompt = plan.prompt && readPrompt(task)
  const cuts = sidesHoldPrompt(plan) ? findCuts(task, prompt, chosen, rejected) : new Int32Array(rows)
  const parts = cutAll(task, prompt, chosen, rejected, cuts)
  const runs = runsOf(mask, 0)
  const all = runs.length === 2 && runs[1] - runs[0] === rows
  const keep = <T extends Data>(data: T): T => (all ? data : (take(data, runs) as T))
  return {
    parents: Uint32Array.from(rangeOf(runs)),
    sides: SIDES.map(side => keep(parts[side].data)),
    madeColumns: extras.map(side => keep(extrasColumn(parts[side]))),
  }
}

function rangeOf(runs: readonly number[]): number[] {
  const rows: number[] = []
  for (let r = 0; r < runs.length; r += 2) for (let row = runs[r]; row < runs[r + 1]; row++) rows.push(row)
  return rows
}

/** Prompt and sides of each row, with what their messages have beside role and content. */
type Sides = Readonly<Record<(typeof SIDES)[number], Turns>>

function cutAll(task: Task, prompt: Turns | null, chosen: Turns, rejected: Turns, cuts: Int32Array): Sides {
  const { plan, mask } = task
  if (!cuts.some(cut => cut > 0)) return { prompt: headed(task, prompt ?? chosen), chosen, rejected }
  const starts = (said: Turns): Int32Array => (said.data.valueOffsets as Int32Array).subarray(0, cuts.length)
  const ends = (said: Turns): Int32Array => (said.data.valueOffsets as Int32Array).subarray(1)
  const cutStarts = (said: Turns): Int32Array => starts(said).map((start, row) => start + cuts[row])
  // a conversation's own prompt stands in for the text one: it may have a system message and earlier turns
  const shared = cutMessages(chosen, starts(chosen), cutStarts(chosen))
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
  return {
    prompt: headed(task, own),
    chosen: cutMessages(chosen, cutStarts(chosen), ends(chosen)),
    rejected: cutMessages(rejected, cutStarts(rejected), ends(rejected)),
  }
}
