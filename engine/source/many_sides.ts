/** Pairs of scored completions: lists of a row, or rows of one reply each. */
import type { Data, List } from 'apache-arrow'
import {
  makeFloat64,
  makeText,
  messagesColumn,
  nullTest,
  runsOfRows,
  take,
  type MessagesColumn,
} from '../arrow/columns.ts'
import { jsonValueOf } from '../arrow/plain.ts'
import { countCodePoints } from '../arrow/text.ts'
import { pairUp, readScored, scoresIn, type Looks, type Pairs, type Scored } from './completions.ts'
import { extrasColumn, readForm } from './forms.ts'
import { groupOffsets } from './groups.ts'
import { rawHash } from './ids.ts'
import { headed, readPrompt } from './said.ts'
import { SIDES, type Made, type Task } from './task.ts'

export function convertCompletions(task: Task): Made {
  const { plan, rows, column, refuse, mask, extras, ofSides, pairing } = task
  const prompt = headed(task, readPrompt(task))
  const noPrompt = nullTest(column(plan.prompt!.column))
  for (let row = 0; row < rows; row++) if (noPrompt(row)) refuse(row, 'missing_prompt')
  const at = plan.completions!
  const scored = at.isFlat ? replies(task) : readScored(at, column)
  const said = readForm(at.form, scored.texts, 'assistant')
  const looks = looksOf(messagesColumn(said.data), scored.texts)
  const pairs = at.isFlat ? pairReplies(task, scored, looks) : pairUp(scored, at.lowFirst, pairing, looks, mask, refuse)
  const parents = Uint32Array.from(pairs.parents)
  const suffix = Uint32Array.from(parents)
  for (let i = 0, k = 0; i < parents.length; i++) suffix[i] = k = i > 0 && parents[i] === parents[i - 1] ? k + 1 : 0
  const shift = (c: number, row: number) => (at.isFlat ? c : c + scored.scoreOffsets[row] - scored.offsets[row])
  const scoresOf = (picked: readonly number[]) =>
    makeFloat64(Float64Array.from(picked, (c, i) => scored.scores[shift(c, parents[i])]))
  const picks = { prompt: pairs.parents, chosen: pairs.chosen, rejected: pairs.rejected }
  const takeExtras = (side: (typeof SIDES)[number]) => {
    const from = side === 'prompt' ? prompt : said
    return take(extrasColumn(from), runsOfRows(picks[side]))
  }
  return {
    parents,
    suffix,
    isBare: at.isFlat,
    within: at.isFlat ? rejectedOnly(pairs) : [],
    noted: pairs.noted,
    sides: SIDES.map(side => take(side === 'prompt' ? prompt.data : said.data, runsOfRows(picks[side])) as Data<List>),
    madeColumns: [
      ...extras.map(takeExtras),
      scoresOf(pairs.chosen),
      scoresOf(pairs.rejected),
      ...(at.isFlat && plan.id !== null ? [makeText(pairs.rejected.map(row => idText(column(plan.id!), row)))] : []),
      ...ofSides.map(({ side, at: c }) => take(column(at.list).children[0].children[c], runsOfRows(picks[side]))),
    ],
  }
}

const idText = (ids: Data, row: number): string | null => (nullTest(ids)(row) ? null : String(jsonValueOf(ids, row)))

/** Characters of completions, and hashes of them as they lie in the file: a source knows no seed. */
const looksOf = ({ bytes, start, end }: MessagesColumn, texts: Data): Looks => ({
  chars: completion => countCodePoints(bytes, start(completion), end(completion)),
  draw: completion => Number.parseInt(Buffer.from(rawHash([texts], completion).subarray(0, 8)).toString(), 16),
})

/** One reply a row: those of a prompt as if they were a list. */
function replies({ plan, rows, column }: Task): Scored {
  const at = plan.completions!,
    offsets = groupOffsets(plan, column, rows)
  return { texts: column(at.list), ...scoresIn(column(at.scores!)), offsets, scoreOffsets: offsets }
}

/** Pairs of replies by the rows of their chosen ones, ascending. Rows that make none are told why. */
function pairReplies({ plan, rows, refuse, mask, pairing }: Task, scored: Scored, looks: Looks): Pairs {
  const { texts, scores, offsets } = scored,
    isNull = nullTest(texts)
  // of one prompt all rows are refused, or none
  const skip = Uint8Array.from(offsets.subarray(0, -1), first => mask[first])
  for (let row = 0; row < rows; row++) if (isNull(row) || Number.isNaN(scores[row])) refuse(row, 'missing_reply')
  const found = pairUp(scored, plan.completions!.lowFirst, pairing, looks, skip, (group, ...why) => {
    for (let row = offsets[group]; row < offsets[group + 1]; row++) refuse(row, ...why)
  })
  const order = found.chosen.map((_, i) => i).sort((a, b) => found.chosen[a] - found.chosen[b] || a - b),
    chosen = order.map(i => found.chosen[i]),
    rejected = order.map(i => found.rejected[i])
  for (const { at, reason, value } of found.left) refuse(at, reason, value)
  // of replies that are rows of their own each has its reason
  return { parents: chosen, chosen, rejected, noted: [], left: [] }
}

/** Replies that are never the chosen one, each with the row of the first pair that it is in. */
function rejectedOnly({ chosen, rejected }: Pairs): { row: number; of: number }[] {
  const isChosen = new Set(chosen),
    within = new Map<number, number>()
  rejected.forEach((row, i) => {
    if (!isChosen.has(row) && !within.has(row)) within.set(row, chosen[i])
  })
  return [...within].map(([row, of]) => ({ row, of })).sort((a, b) => a.row - b.row)
}
