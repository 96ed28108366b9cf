/** YAML (and so JSON) as a value, with the place of everything in it. */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Node as YamlNode } from 'yaml'
import { say, stepsOf, type Problem } from './messages.ts'

/** Where something stands: lines and columns from 1, in UTF-16 units. */
export interface Place { readonly file?: string, readonly line?: number, readonly column?: number }

/** What was read. `locate` answers for the deepest part of a pointer that is there; with `atKey` the key's place instead of its value's. */
export interface Read { readonly value: unknown, readonly problems: readonly Problem[], locate(pointer: string, atKey?: boolean): Place }

/** Reads one YAML 1.2 document. With problems there is no value: a text that is broken somewhere means nothing elsewhere. */
export function readYaml(text: string, file: string): Read {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' })
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { file, line: Math.max(1, line), column: Math.max(1, col) }
  }

  const locate = (pointer: string, atKey = false): Place => {
    let node: unknown = document.contents
    let offset = document.contents?.range?.[0] ?? 0
    const steps = stepsOf(pointer)
    for (const [i, key] of steps.entries()) {
      if (isAlias(node)) node = node.resolve(document)
      if (isMap(node)) {
        const pair = node.items.find(item => String(isScalar(item.key) ? item.key.value : item.key) === key)
        if (!pair) break
        const keyed = (pair.key as YamlNode).range?.[0] ?? offset
        node = pair.value
        offset = atKey && i === steps.length - 1 ? keyed : (isScalar(node) && node.source === '' ? keyed : (node as YamlNode | null)?.range?.[0] ?? keyed)
      } else if (isSeq(node) && node.items[Number(key)] !== undefined) {
        node = node.items[Number(key)]
        offset = (node as YamlNode).range?.[0] ?? offset
      } else break
    }
    return at(offset)
  }

  const problems: Problem[] = document.errors.map(error => ({
    ...(error.code === 'DUPLICATE_KEY' ? say.duplicateKey() : say.yamlSyntax(error.message.split('\n')[0])), ...at(error.pos[0]) }))
  if (problems.length) return { value: undefined, problems, locate }
  try {
    return { value: document.toJS(), problems, locate }
  } catch (error) {
    return { value: undefined, problems: [{ ...say.yamlSyntax((error as Error).message), ...at(0) }], locate }
  }
}
