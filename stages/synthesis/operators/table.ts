/** The table of operators in the docs. */
import { OPERATORS } from './all.ts'

const PROOFS = { arithmetic: 'exact arithmetic', code: 'syntax trees', constraint: 'a checker', none: '**unproven**' }
const inCell = (text: string) => `\`\` ${text.replaceAll('\n', ' ⏎ ').replaceAll('|', '\\|')} \`\``
/** The operators for the docs page: a table in Markdown. */
export const operatorTable = `| type | what it does | needs | proof | RISE's edits |
| --- | --- | --- | --- | --- |
${OPERATORS.map(
  ({ name, about, needs, rise, proof, example }) =>
    `| \`${name}\` | ${about} ${inCell(example.text)} to ${inCell(example.edited)} | ${needs} | ${PROOFS[proof]} | ${rise.join(', ') || '–'} |`,
).join('\n')}`
