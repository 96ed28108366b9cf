/** A bundle as a function that makes its stage anew each time it is called, so that none remembers another's rows. */
import { parser } from '@lezer/javascript'
import { childrenOf } from './scopes.ts'

/**
 * The text of an ES module as that of one whose default export is a function, `() => Promise<default export>`: what it
 * imports stays at the top, all else is done anew by each call. Lines stay where they are, as its source map tells of
 * them. The text is as esbuild prints it: a list of exports is of names, and `export *` is of packages alone.
 */
export function factoryOf(text: string): string {
  const imports: string[] = [],
    cuts: { from: number; to: number; by: string }[] = []
  let value = 'undefined'
  for (const { name, from, to } of childrenOf(parser.parse(text).topNode)) {
    const said = text.slice(from, to)
    if (name === 'ImportDeclaration') {
      imports.push(said.replaceAll('\n', ' '))
      cuts.push({ from, to, by: linesOf(said) })
    } else if (name === 'ExportDeclaration') {
      const expression = /^export\s+default\b/.exec(said)
      if (expression) value = 'sluice$default'
      else value = /([\w$]+) as default\b/.exec(said)?.[1] ?? value
      cuts.push(
        expression
          ? { from, to: from + expression[0].length, by: 'const sluice$default =' }
          : { from, to, by: linesOf(said) },
      )
    }
  }
  let body = '',
    at = 0
  for (const { from, to, by } of cuts) {
    body += text.slice(at, from) + by
    at = to
  }
  body += text.slice(at)
  const map = body.lastIndexOf('\n//# sourceMappingURL='),
    [code, comment] = map < 0 ? [body, ''] : [body.slice(0, map), body.slice(map)]
  return `${imports.map(one => (one.endsWith(';') ? one : `${one};`)).join(' ')} export default async () => {${code}\nreturn ${value}; };${comment}`
}

const linesOf = (text: string): string => text.replace(/[^\n]/g, '')
