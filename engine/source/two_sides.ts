/** Pairs of rows that have two sides. */
import type { Data } from 'apache-arrow'
import { runsOf, take } from '../arrow/columns.ts'
import { cutAll } from './cut_sides.ts'
import { extrasColumn, noMessages } from './forms.ts'
import { readPrompt, readSide, refuseNulls } from './said.ts'
import { SIDES, type Made, type Task } from './task.ts'

export function convertPairs(task: Task): Made {
  const { plan, rows, mask, extras } = task
  refuseNulls(task)
  const chosen = readSide(task, plan.chosen!),
    rejected = plan.rejected ? readSide(task, plan.rejected) : { data: noMessages(rows) }
  const parts = cutAll(task, readPrompt(task), chosen, rejected)
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
