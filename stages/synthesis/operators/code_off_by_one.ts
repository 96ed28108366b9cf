/** An error in code: a number that is one too large or too small. */
import { nodesOf, patchOf, proveCode, textOf, type CodePlace } from '../code.ts'
import type { ErrorOperator } from './define.ts'

/** Code counts one too far, or not far enough. */
export const codeOffByOne: ErrorOperator<CodePlace> = {
  name: 'code_off_by_one',
  proof: 'code',
  about: 'In a fenced block a whole number becomes one more or one less.',
  needs: 'a block of Python, JavaScript or TypeScript, named as such, that parses and has a whole number',
  rise: ['replace values', 'replace a value'],
  example: {
    text: '```python\nfor i in range(1, n):\n    f(i)\n```',
    edited: '```python\nfor i in range(0, n):\n    f(i)\n```',
  },
  places: solution => nodesOf(solution, ['Number']),
  *candidates(solution, { code, node }, draw) {
    const text = textOf(solution, code, node)
    if (!/^(?:0|[1-9]\d{0,14})$/.test(text)) return
    const value = Number(text),
      up = draw(2) ? [1, -1] : [-1, 1]
    for (const by of up) if (value + by >= 0) yield [patchOf(code, node, String(value + by))]
  },
  prove: proveCode,
}
