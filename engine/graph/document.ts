/** YAML (and so JSON) as a value, with the place of everything in it. */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Node as YamlNode,
  type YAMLParseError,
} from 'yaml'
import { say, stepsOf, type Problem } from './messages.ts'

/** Where something stands: lines and columns from 1, in UTF-16 units. */
export interface Place {
  readonly file?: string
  readonly line?: number
  readonly column?: number
}

/**
 * What was read. `locate` answers for the deepest part of a pointer that is there; with `atKey` the key's place instead
 * of its value's.
 */
export interface Read {
  readonly value: unknown
  readonly problems: readonly Problem[]
  locate(pointer: string, atKey?: boolean): Place
}

/** Errors of a text that are told. */
const MOST_ERRORS = 100

/**
 * A text as the library reads it, its first errors, and the places of keys that are there twice; of one that is nested
 * too deeply, what is wrong.
 */
export function parseYaml(
  text: string,
  lineCounter?: LineCounter,
):
  | { document: Document; errors: readonly Pick<YAMLParseError, 'message' | 'pos'>[]; twice: readonly number[] }
  | string {
  try {
    // its own look for keys takes the square of their number
    const document = parseDocument(text, { lineCounter, uniqueKeys: false, prettyErrors: false, logLevel: 'error' }),
      twice: number[] = []
    visit(document, {
      Map(_, { items }) {
        const seen = new Set<string>()
        for (const { key } of items) {
          const name = String(isScalar(key) ? key.value : key)
          if (seen.has(name)) twice.push((key as YamlNode).range?.[0] ?? 0)
          seen.add(name)
        }
      },
    })
    return { document, errors: document.errors.slice(0, MOST_ERRORS), twice: twice.slice(0, MOST_ERRORS) }
  } catch (error) {
    if (error instanceof RangeError) return 'it is nested too deeply'
    throw error
  }
}

/**
 * Reads one YAML 1.2 document. With problems there is no value: a text that is broken somewhere means nothing
 * elsewhere.
 */
export function readYaml(text: string, file: string): Read {
  const lines = new LineCounter()
  const read = parseYaml(text, lines)
  if (typeof read === 'string') {
    return {
      value: undefined,
      problems: [{ ...say.yamlSyntax(read), file, line: 1, column: 1 }],
      locate: () => ({ file }),
    }
  }
  const { document, errors, twice } = read
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
        offset =
          atKey && i === steps.length - 1
            ? keyed
            : isScalar(node) && node.source === ''
              ? keyed
              : ((node as YamlNode | null)?.range?.[0] ?? keyed)
      } else if (isSeq(node) && node.items[Number(key)] !== undefined) {
        node = node.items[Number(key)]
        offset = (node as YamlNode).range?.[0] ?? offset
      } else break
    }
    return at(offset)
  }

  const problems: Problem[] = [
    ...errors.map(error => ({ ...say.yamlSyntax(error.message.split('\n')[0]), ...at(error.pos[0]) })),
    ...twice.map(offset => ({ ...say.duplicateKey(), ...at(offset) })),
  ]
  if (problems.length) return { value: undefined, problems, locate }
  try {
    return { value: document.toJS(), problems, locate }
  } catch (error) {
    return { value: undefined, problems: [{ ...say.yamlSyntax((error as Error).message), ...at(0) }], locate }
  }
}
