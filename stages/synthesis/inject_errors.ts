/** Makes hard pairs out of trusted ones: the chosen answer against a copy of it in which one equation is provably false. */
import { makeMessages, type Message } from '../../engine/arrow/columns.ts'
import { hash32, mix32 } from '../../engine/arrow/hash.ts'
import { choice, defineStage, Type } from '../define.ts'
import { DECLINED, EDIT_TYPES, edits, type Declined, type Edit, type EditType } from './edits.ts'

const EQUALS = 0x3d

export default defineStage({
  name: 'inject_errors', version: 1,
  summary: 'Derive pairs whose rejected side is the chosen one with one equation made provably false.',
  details: 'Put it behind the stages that decide which answers are trusted: the chosen side is taken as right. An equation is only edited where it can be read in one way '
    + 'and is exactly true; the proof is an exact recalculation of both. Nothing after the edit is recomputed: the final answer may remain right, and the solution then '
    + 'contradicts itself. `step` counts from 0; `start` and `end` are code points of the last message of the rejected side.',
  paper: { title: 'Subtle Errors in Reasoning: Preference Learning via Error-injected Self-editing', arxiv: '2410.06638', form: 'after' },
  options: Type.Object({
    types: Type.Array(choice(EDIT_TYPES, { description: 'number: a result or operand changes. operator: an operator changes and the stated result stays.' }),
      { minItems: 1, uniqueItems: true, default: [...EDIT_TYPES], description: 'kinds of errors to draw from' }),
    max_per_row: Type.Integer({ minimum: 1, maximum: 16, default: 1, description: 'new pairs made of one row at most, all different' }),
  }),
  reads: { prompt: 'messages', chosen: 'messages' },
  writes: { type: 'text', step: 'int32', start: 'int32', end: 'int32', proof: 'text' },
  rows: 'derive',
  reasons: Object.fromEntries(Object.entries(DECLINED).map(([name, about]) => [name, { kind: 'configured' as const, about }])),
  examples: [{
    title: 'two plus two: a product would still be four, so only the difference is an error',
    options: { types: ['operator'] },
    rows: [
      { prompt: 'How many socks are in two pairs?', chosen: 'There are 2 + 2 = 4 socks.', rejected: 'Four or so.' },
      { prompt: 'Name a prime.', chosen: 'Seven is prime.', rejected: 'Nine is prime.' },
      { prompt: 'What is a third of ten?', chosen: 'It is 10 / 3 = 3.33 or so.', rejected: 'Three.' },
    ],
    derived: [{
      chosen: 'There are 2 + 2 = 4 socks.', rejected: 'There are 2 - 2 = 4 socks.',
      type: 'operator', step: 0, start: 12, end: 13, proof: '2+2=4 is true; 2-2=4 is false',
    }],
    noted: { 1: 'no_equation', 2: 'no_true_equation' },
  }, {
    title: 'what is declined: two readings, still true, hidden by rounding, nothing in sight to change',
    options: { types: ['operator'] },
    rows: [
      { prompt: 'Two times three?', chosen: 'It is 2(3) = 6.', rejected: 'Five.' },
      { prompt: 'Five socks, none lost: how many are left?', chosen: 'Five, as 5 - 0 = 5.', rejected: 'None.' },
      { prompt: 'How much are a fifth and four fifths?', chosen: 'One: 0.2 + 0.8 = 1.', rejected: 'Half.' },
      { prompt: 'How many are two socks and three?', chosen: 'There are <<2+3=5>>5 socks.', rejected: 'Six.' },
    ],
    derived: [], noted: { 0: 'unclear_equation', 1: 'still_true', 2: 'only_rounding', 3: 'no_edit' },
  }],
  open: (options, context) => ({
    batch(batch, verdict) {
      const prompt = batch.messages('prompt')
      const chosen = batch.messages('chosen')
      const parents: number[] = []
      const made: Edit[] = []
      const rejected: Message[][] = []
      for (let row = 0; row < batch.rows; row++) {
        const last = chosen.offsets[row + 1] - 1
        const start = last < chosen.offsets[row] ? 0 : chosen.contentOffsets[last]
        const end = last < chosen.offsets[row] ? 0 : chosen.contentOffsets[last + 1]
        // most chat has no equals sign: it is never decoded
        if (!hasEquals(chosen.bytes, start, end)) { verdict.note(row, 'no_equation'); continue }
        const messages = chosen.messages(row)
        const solution = messages[messages.length - 1].content
        const seed = hash32(chosen.bytes, start, end, hash32(prompt.bytes, prompt.start(row), prompt.end(row), context.seed))
        const found = several(solution, seed, options.types, options.max_per_row)
        if (typeof found === 'string') { verdict.note(row, found); continue }
        for (const edit of found) {
          parents.push(row)
          made.push(edit)
          rejected.push([...messages.slice(0, -1), { role: messages[messages.length - 1].role, content: edit.text }])
        }
      }
      return {
        parents,
        columns: {
          rejected: makeMessages(rejected),
          type: made.map(edit => edit.type),
          step: Int32Array.from(made, edit => edit.step),
          start: Int32Array.from(made, edit => edit.start),
          end: Int32Array.from(made, edit => edit.end),
          proof: made.map(edit => edit.proof),
        },
      }
    },
  }),
})

/** Up to `most` edits with different texts, or why there is none. */
function several(solution: string, seed: number, types: readonly EditType[], most: number): Edit[] | Declined {
  const found: Edit[] = []
  for (let attempt = 0; found.length < most && attempt < 4 * most; attempt++) {
    const edit = edits(solution, mix32(seed + attempt | 0), { types })
    if ('refused' in edit) return found.length > 0 ? found : edit.refused
    if (!found.some(other => other.text === edit.text)) found.push(edit)
  }
  return found
}

function hasEquals(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    // U+FF1D, the wide equals sign, is EF BC 9D
    if (bytes[i] === EQUALS || (bytes[i] === 0xef && bytes[i + 1] === 0xbc && bytes[i + 2] === 0x9d)) return true
  }
  return false
}
