/** An error in code: a sign of arithmetic or logic is another one. */
import { nodesOf, patchOf, proveCode, textOf, type CodePlace } from '../code.ts'
import type { ErrorOperator } from './define.ts'

const SWAPS: Readonly<Record<string, string>> = {
  '+': '-',
  '-': '+',
  '*': '/',
  '/': '*',
  '//': '*',
  '%': '*',
  '+=': '-=',
  '-=': '+=',
  '*=': '/=',
  '/=': '*=',
  '&&': '||',
  '||': '&&',
  and: 'or',
  or: 'and',
  '++': '--',
  '--': '++',
}

/** Code calculates or decides with the wrong operator. */
export const codeOperator: ErrorOperator<CodePlace> = {
  name: 'code_operator',
  proof: 'code',
  about: 'In a fenced block an operator becomes another one that binds alike: + and -, * and /, and and or.',
  needs: 'a block of Python, JavaScript or TypeScript, named as such, that parses and has such an operator',
  rise: ['change an operator'],
  example: { text: '```python\nprint(a + b)\n```', edited: '```python\nprint(a - b)\n```' },
  places: solution =>
    nodesOf(solution, ['ArithOp', 'UpdateOp', 'LogicOp', 'and', 'or']).filter(
      ({ code, node }) => !joinsText(solution.text.slice(code.start, code.end), node),
    ),
  *candidates(solution, { code, node }) {
    const other = SWAPS[textOf(solution, code, node)]
    if (other) yield [patchOf(code, node, other)]
  },
  prove: proveCode,
}

/** Whether a plus sign stands beside a text: taken off, the program would only break. */
function joinsText(program: string, { prevSibling, nextSibling }: CodePlace['node']): boolean {
  return [prevSibling, nextSibling].some(one => one !== null && /["'`]/.test(program.slice(one.from, one.to)))
}
