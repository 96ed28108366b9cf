/** An error in code: a comparison that says something else. */
import { nodesOf, patchOf, proveCode, textOf, type CodePlace } from '../code.ts'
import { shuffled } from '../draw.ts'
import type { ErrorOperator } from './define.ts'

const SWAPS: Readonly<Record<string, readonly string[]>> = {
  '<': ['<=', '>'],
  '<=': ['<', '>='],
  '>': ['>=', '<'],
  '>=': ['>', '<='],
  '==': ['!='],
  '!=': ['=='],
  '===': ['!=='],
  '!==': ['==='],
}

/** Code compares the wrong way. */
export const codeComparison: ErrorOperator<CodePlace> = {
  name: 'code_comparison',
  proof: 'code',
  about: 'In a fenced block a comparison gets or loses its equals sign, or turns around.',
  needs: 'a block of Python, JavaScript or TypeScript, named as such, that parses and compares',
  rise: ['change an operator'],
  example: { text: '```js\nif (a < b) f()\n```', edited: '```js\nif (a <= b) f()\n```' },
  places: solution => nodesOf(solution, ['CompareOp']),
  *candidates(solution, { code, node }, draw) {
    for (const other of shuffled(SWAPS[textOf(solution, code, node)] ?? [], draw)) yield [patchOf(code, node, other)]
  },
  prove: proveCode,
}
