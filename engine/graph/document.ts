/** YAML (and so JSON) as a value, with the place of everything in it. */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Node as YamlNode,
  type Pair,
  type YAMLMap,
  type YAMLParseError,
  type YAMLSeq,
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
/** Values that a text may hold, in all that it says. */
export const MOST_VALUES = 200_000
/** Objects merged into each other that a place is looked for in. */
const MOST_MERGES = 20
export const TOO_MANY =
  `there are more than ${MOST_VALUES.toLocaleString('en-US')} values; ` +
  'what is longer belongs into a file that a stage reads'

type Fault = Pick<YAMLParseError, 'message' | 'pos'>

/** A key `<<`, which takes the keys of other objects in; in quotes it is a name. */
const isMerge = (pair: Pair): boolean =>
  isScalar(pair.key) && typeof pair.key.value !== 'string' && String(pair.key.value) === 'Symbol(<<)'

/**
 * A text as the library reads it, its first errors, and the places of keys that are there twice; of one that is nested
 * too deeply, what is wrong. Whole numbers that a number cannot hold stay bigints, with all their digits.
 */
export function parseYaml(
  text: string,
  lineCounter?: LineCounter,
): { document: Document; errors: readonly Fault[]; twice: readonly Fault[] } | string {
  try {
    const document = parseDocument(text, {
        lineCounter,
        merge: true,
        intAsBigInt: true,
        // its own look for keys takes the square of their number
        uniqueKeys: false,
        prettyErrors: false,
        logLevel: 'error',
      }),
      twice: Fault[] = [],
      faults: Fault[] = [],
      anchors = new Map<string, YamlNode>(),
      aliased = new Map<unknown, YamlNode | undefined>()
    visit(document, {
      Node(_, node) {
        if (isAlias(node)) aliased.set(node, anchors.get(node.source))
        else {
          if (node.anchor !== undefined) anchors.set(node.anchor, node as YamlNode)
          if (node.tag === '!') faults.push({ message: tagMessage('!'), pos: placeOf(node) })
        }
      },
    })
    const meant = (node: unknown) => (isAlias(node) ? aliased.get(node) : node)
    visit(document, {
      Scalar(key, node) {
        const whole = typeof node.value === 'bigint' && key !== 'key' ? Number(node.value) : NaN
        if (Number.isSafeInteger(whole)) node.value = whole
      },
      Map(_, { items }) {
        const seen = new Set<string>()
        for (const pair of items) {
          const { key } = pair,
            name = String(isScalar(key) ? key.value : key),
            pos = placeOf(key)
          if (seen.has(name)) twice.push({ message: isMerge(pair) ? MERGE_TWICE : '', pos })
          seen.add(name)
          const sources = isSeq(meant(pair.value)) ? (meant(pair.value) as YAMLSeq).items : [pair.value]
          if (isMerge(pair) && !sources.every(one => isMap(meant(one)))) faults.push({ message: NO_MERGE, pos })
        }
      },
    })
    for (const { message, pos } of document.warnings) {
      const [, tag] = /^Unresolved tag: (.*)/s.exec(message) ?? []
      faults.push({ message: tag ? tagMessage(tag.replace('tag:yaml.org,2002:', '!!')) : message, pos })
    }
    const errors = [...document.errors, ...faults].slice(0, MOST_ERRORS)
    if (errors.length === 0 && sizeOf(document.contents, meant) > MOST_VALUES) {
      errors.push({ message: `with aliases and merges ${TOO_MANY}`, pos: [0, 0] })
    }
    return { document, errors, twice: twice.slice(0, MOST_ERRORS) }
  } catch (error) {
    if (error instanceof RangeError) return 'it is nested too deeply'
    throw error
  }
}

const placeOf = (node: unknown): [number, number] => {
  const [start = 0, end = start] = (node as YamlNode | null)?.range ?? []
  return [start, end]
}
const MERGE_TWICE = '`<<` is there twice in one object; of several objects it takes a list: `<<: [*a, *b]`'
const NO_MERGE = '`<<` takes an object, an alias of one or a list of these; as a name it stands in quotes'
/** The library reads what stands behind a tag that it does not know as if there were none. */
const tagMessage = (tag: string): string => `the tag ${tag} means nothing here; a text that begins so stands in quotes`

/** What YAML drops of a value that is typed, where nobody writes comments or names. */
export function lostOf(document: Document, text: string): string | undefined {
  if ([...new Lexer().lex(text)].some(lexeme => lexeme.startsWith('#'))) {
    return 'YAML takes what follows a # for a comment'
  }
  const names = new Set<string>()
  visit(document, {
    Node(_, node) {
      if (isAlias(node)) names.delete(node.source)
      else if (node.anchor !== undefined) names.add(node.anchor)
    },
  })
  for (const name of names) return `YAML takes &${name} for a name of what follows`
  const { contents } = document
  return isScalar(contents) &&
    contents.type === 'PLAIN' &&
    typeof contents.value === 'string' &&
    contents.value !== text
    ? `YAML reads ${JSON.stringify(contents.value)} there`
    : undefined
}

/** What is wrong with a document that the library cannot make a value of. */
export const whyNoValue = (error: unknown): string =>
  error instanceof RangeError ? 'something holds itself, or is nested too deeply' : (error as Error).message

/** Values that all of a node makes, aliases and merges written out: a few lines may stand for billions. */
function sizeOf(node: unknown, meant: (node: unknown) => unknown, known = new Map<unknown, number>()): number {
  const it = meant(node)
  if (known.has(it)) return known.get(it)!
  known.set(it, 1)
  const inside = isMap(it) ? it.items.map(pair => pair.value) : isSeq(it) ? it.items : []
  let size = 1
  for (const one of inside) size += sizeOf(one, meant, known)
  known.set(it, size)
  return size
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
        const pair = pairOf(node, key, document)
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
    ...twice.map(({ message, pos }) => ({ ...say.duplicateKey(message), ...at(pos[0]) })),
  ]
  if (problems.length) return { value: undefined, problems, locate }
  try {
    return { value: document.toJS({ maxAliasCount: -1 }), problems, locate }
  } catch (error) {
    return { value: undefined, problems: [{ ...say.yamlSyntax(whyNoValue(error)), ...at(0) }], locate }
  }
}

/** The pair of a key, or that of the first object that is merged in and has it. */
function pairOf(map: YAMLMap, key: string, document: Document, depth = 0): Pair | undefined {
  const own = map.items.find(item => String(isScalar(item.key) ? item.key.value : item.key) === key)
  if (own || depth > MOST_MERGES) return own
  const resolved = (node: unknown) => (isAlias(node) ? node.resolve(document) : node)
  for (const { value } of map.items.filter(isMerge)) {
    const source = resolved(value)
    for (const one of isSeq(source) ? source.items : [source]) {
      const from = resolved(one)
      const pair = isMap(from) ? pairOf(from, key, document, depth + 1) : undefined
      if (pair) return pair
    }
  }
  return undefined
}
