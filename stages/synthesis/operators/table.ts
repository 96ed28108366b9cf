/** The table of operators in the docs. */
import { OPERATORS } from './all.ts'

const PROOFS = { arithmetic: 'exact arithmetic', code: 'syntax trees', constraint: 'a checker', none: '**unproven**' }
const inCell = (text: string) => `\`\` ${text.replaceAll('\n', ' ⏎ ').replaceAll('|', '\\|')} \`\``
/** The operators for the docs page: a table in Markdown, and what its proofs prove. */
export const operatorTable = `| type | what it does | needs | proof | RISE's edits |
| --- | --- | --- | --- | --- |
${OPERATORS.map(
  ({ name, about, needs, rise, proof, example }) =>
    `| \`${name}\` | ${about} ${inCell(example.text)} to ${inCell(example.edited)} | ${needs} | ${PROOFS[proof]} | ${rise.join(', ') || '–'} |`,
).join('\n')}

With \`wrong_carry\` later steps and the final answer follow from the error; with the others nothing after it is recomputed.
The defaults are the types with an arithmetic proof, but for \`step_removed\` and \`steps_swapped\`: those leave every equation true, and prove that a number is used before anything gives it; a terse
solution may do so and be right. Of code it is proven that both versions parse and differ in the named place only, not that the program does something else:
where rows have tests in JavaScript, \`tests_column\` names them, and they decide. Types marked unproven say the opposite, or
name another thing, and may still be right by chance: they are only made if \`types\` names them, and their \`proof\` says \`unproven\`. All of RISE's seven edits are covered, rewording a step so
that the question is misread by the unproven ones alone.`
