/** Pairs of scored completions, which are lists of a row. */
import type { Data, List } from 'apache-arrow'
import { makeFloat64, messagesColumn, runsOfRows, take, type MessagesColumn } from '../arrow/columns.ts'
import { countCodePoints } from '../arrow/text.ts'
import { pairUp, readScored, type Looks } from './completions.ts'
import { cutAll } from './cut_sides.ts'
import { checkText, cutMessages, extrasColumn } from './forms.ts'
import { rawHash } from './ids.ts'
import { readAnswers, readPrompt, refuseNulls } from './said.ts'
import { SIDES, type Made, type Task } from './task.ts'
import type { Turns } from './turns.ts'

export function convertCompletions(task: Task): Made {
  const { plan, column, refuse, mask, extras, ofSides, pairing } = task
  const at = plan.completions!
  const scored = readScored(at, column)
  checkText(at.list, scored.texts)
  refuseNulls(task)
  const prompt = readPrompt(task),
    said = readAnswers(task, at.form, scored.texts, rowsBy(scored.offsets))
  const looks = looksOf(messagesColumn(said.data), scored.texts)
  const meets = at.isEach && pairing.pairing === 'adjacent' ? EACH : {},
    found = pairUp(scored, at.lowFirst, { ...pairing, ...meets }, looks, mask, said.bad, refuse)
  // each pair as a row of its own, whose sides may hold the prompt
  const pairMask = new Uint8Array(found.parents.length)
  const parts = cutAll(
    {
      ...task,
      rows: found.parents.length,
      column: name => take(column(name), runsOfRows(found.parents)),
      refuse: (pair, ...why) => {
        pairMask[pair] = 1
        refuse(found.parents[pair], ...why)
      },
      mask: pairMask,
    },
    prompt && pick(prompt, found.parents),
    pick(said, found.chosen),
    pick(said, found.rejected),
  )
  // of a row that is no pair none is
  const kept = found.parents.flatMap((row, pair) => (mask[row] ? [] : [pair])),
    runs = runsOfRows(kept),
    of = (all: readonly number[]) => kept.map(pair => all[pair]),
    parents = Uint32Array.from(of(found.parents)),
    picks = { chosen: of(found.chosen), rejected: of(found.rejected) }
  const suffix = Uint32Array.from(parents)
  for (let i = 0, k = 0; i < parents.length; i++) suffix[i] = k = i > 0 && parents[i] === parents[i - 1] ? k + 1 : 0
  const shift = (c: number, row: number) => c + scored.scoreOffsets[row] - scored.offsets[row]
  const scoresOf = (picked: readonly number[]) =>
    makeFloat64(Float64Array.from(picked, (c, i) => scored.scores[shift(c, parents[i])]))
  return {
    parents,
    suffix,
    noted: found.noted.filter(({ row }) => mask[row] === 0),
    sides: SIDES.map(side => take(parts[side].data, runs) as Data<List>),
    madeColumns: [
      ...extras.map(side => take(extrasColumn(parts[side]), runs)),
      scoresOf(picks.chosen),
      scoresOf(picks.rejected),
      ...ofSides.map(({ side, at: c }) => take(column(at.list).children[0].children[c], runsOfRows(picks[side]))),
    ],
  }
}

const EACH = { pairing: 'all', max_pairs: Infinity } as const

/** Messages of these rows, in their order. */
function pick(said: Turns, rows: readonly number[]): Turns {
  const at = said.data.valueOffsets as Int32Array
  return cutMessages(
    said,
    Int32Array.from(rows, row => at[row]),
    Int32Array.from(rows, row => at[row + 1]),
  )
}

/** The row in whose list an item lies. */
function rowsBy(offsets: Int32Array): (item: number) => number {
  const rows = new Int32Array(offsets[offsets.length - 1])
  for (let row = 0; row + 1 < offsets.length; row++) rows.fill(row, offsets[row], offsets[row + 1])
  return item => rows[item]
}

/** Characters of completions, and hashes of them as they lie in the file: a source knows no seed. */
const looksOf = ({ bytes, start, end }: MessagesColumn, texts: Data): Looks => ({
  chars: completion => countCodePoints(bytes, start(completion), end(completion)),
  draw: completion => Number.parseInt(Buffer.from(rawHash([texts], completion).subarray(0, 8)).toString(), 16),
})
