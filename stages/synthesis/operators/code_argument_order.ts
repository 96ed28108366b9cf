/** An error in code: two arguments of a call change places. */
import { nodesOf, patchOf, proveCode, textOf, type CodePlace } from '../code.ts'
import type { ErrorOperator } from './define.ts'

/** calls that say the same either way */
const EVEN =
  /^(?:max|min|sum|gcd|lcm|print|hypot|isclose|set|Math\.(?:max|min|hypot)|math\.(?:gcd|lcm|hypot|isclose)|console\.\w+)$/

/** A call gets its arguments the wrong way round. */
export const codeArgumentOrder: ErrorOperator<CodePlace> = {
  name: 'code_argument_order',
  proof: 'code',
  about:
    'In a fenced block two neighbouring arguments of a call change places; calls that say the same either way, such as max, are left alone.',
  needs:
    'a block of Python, JavaScript or TypeScript, named as such, that parses and has a call with two different arguments without names',
  rise: ['swap terms'],
  example: { text: '```js\nMath.pow(a, 2)\n```', edited: '```js\nMath.pow(2, a)\n```' },
  places: solution => nodesOf(solution, ['ArgList']),
  *candidates(solution, { code, node }) {
    const called = node.prevSibling
    if (node.parent?.name !== 'CallExpression' || !called || EVEN.test(textOf(solution, code, called))) return
    const parts = []
    for (let child = node.firstChild; child; child = child.nextSibling) parts.push(child)
    // ( a , b , c ): nothing but arguments and commas
    const plain =
      parts.length % 2 === 1 &&
      parts.every((part, i) =>
        i === 0
          ? part.name === '('
          : i === parts.length - 1
            ? part.name === ')'
            : (part.name === ',') === (i % 2 === 0),
      )
    if (!plain) return
    for (let i = 1; i + 2 < parts.length; i += 2) {
      const [a, b] = [textOf(solution, code, parts[i]), textOf(solution, code, parts[i + 2])]
      if (a !== b) yield [patchOf(code, parts[i], b), patchOf(code, parts[i + 2], a)]
    }
  },
  prove: (solution, place, patches) => proveCode(solution, place, patches, false),
}
