/** Pairs of scored completions, which are lists of a row. */
import type { Data, List } from 'apache-arrow'
import { makeFloat64, messagesColumn, nullTest, runsOfRows, take, type MessagesColumn } from '../arrow/columns.ts'
import { countCodePoints } from '../arrow/text.ts'
import { pairUp, readScored, type Looks } from './completions.ts'
import { extrasColumn, readForm } from './forms.ts'
import { rawHash } from './ids.ts'
import { headed, readPrompt } from './said.ts'
import { SIDES, type Made, type Task } from './task.ts'

export function convertCompletions(task: Task): Made {
  const { plan, rows, column, refuse, mask, extras, ofSides, pairing } = task
  const prompt = headed(task, readPrompt(task))
  const noPrompt = nullTest(column(plan.prompt!.column))
  for (let row = 0; row < rows; row++) if (noPrompt(row)) refuse(row, 'missing_prompt')
  const at = plan.completions!
  const scored = readScored(at, column)
  const said = readForm(at.form, scored.texts, 'assistant')
  const looks = looksOf(messagesColumn(said.data), scored.texts)
  const pairs = pairUp(scored, at.lowFirst, pairing, looks, mask, refuse)
  const parents = Uint32Array.from(pairs.parents)
  const suffix = Uint32Array.from(parents)
  for (let i = 0, k = 0; i < parents.length; i++) suffix[i] = k = i > 0 && parents[i] === parents[i - 1] ? k + 1 : 0
  const shift = (c: number, row: number) => c + scored.scoreOffsets[row] - scored.offsets[row]
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
    noted: pairs.noted,
    sides: SIDES.map(side => take(side === 'prompt' ? prompt.data : said.data, runsOfRows(picks[side])) as Data<List>),
    madeColumns: [
      ...extras.map(takeExtras),
      scoresOf(pairs.chosen),
      scoresOf(pairs.rejected),
      ...ofSides.map(({ side, at: c }) => take(column(at.list).children[0].children[c], runsOfRows(picks[side]))),
    ],
  }
}

/** Characters of completions, and hashes of them as they lie in the file: a source knows no seed. */
const looksOf = ({ bytes, start, end }: MessagesColumn, texts: Data): Looks => ({
  chars: completion => countCodePoints(bytes, start(completion), end(completion)),
  draw: completion => Number.parseInt(Buffer.from(rawHash([texts], completion).subarray(0, 8)).toString(), 16),
})
