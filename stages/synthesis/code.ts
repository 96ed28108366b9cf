/** Fenced code of a text, by its syntax trees. */
import type { SyntaxNode, Tree } from '@lezer/common'
import { parser as javascript } from '@lezer/javascript'
import { parser as python } from '@lezer/python'
import { spanOf, type Judged } from './prove.ts'
import { growth, inPoints, replace, type Patch, type Solution } from './solution.ts'

const LANGUAGES = {
  python: { parser: python, names: /^(?:python3?|py)$/i },
  javascript: { parser: javascript, names: /^(?:javascript|js|mjs|node)$/i },
  typescript: { parser: javascript.configure({ dialect: 'ts' }), names: /^(?:typescript|ts)$/i },
} as const
export type Language = keyof typeof LANGUAGES

/** A block of code that parses; `start` and `end` are code units of the text. */
export interface Code {
  readonly language: Language
  readonly start: number
  readonly end: number
  readonly tree: Tree
}
/** A node of a block that an operator may change; its offsets are those of the block. */
export interface CodePlace {
  readonly code: Code
  readonly node: SyntaxNode
}

const FENCE = /^(```+|~~~+)[ \t]*([\w+-]*)[^\n]*\n([\s\S]*?)^\1[ \t]*$/gmu
const read = new WeakMap<Solution, readonly Code[]>()

/** The fenced blocks of a solution whose language is named and known, and which parse without an error. */
export function codesOf(solution: Solution): readonly Code[] {
  let found = read.get(solution)
  if (!found) {
    found = [...solution.text.matchAll(FENCE)].flatMap(match => {
      const language = (Object.keys(LANGUAGES) as Language[]).find(name => LANGUAGES[name].names.test(match[2]))
      if (!language) return []
      const start = match.index + match[0].indexOf('\n') + 1,
        end = start + match[3].length
      const tree = parse(language, match[3])
      return tree ? [{ language, start, end, tree }] : []
    })
    read.set(solution, found)
  }
  return found
}

/** The tree of a program, undefined where the parser had to pass over something. */
export function parse(language: Language, text: string): Tree | undefined {
  const tree = LANGUAGES[language].parser.parse(text)
  let broken = false
  tree.iterate({
    enter: ({ type }) => {
      broken ||= type.isError
    },
  })
  return broken ? undefined : tree
}

/** Nodes of these kinds in all blocks of a solution, in the order of the text. */
export function nodesOf(solution: Solution, kinds: readonly string[]): CodePlace[] {
  const found: CodePlace[] = []
  for (const code of codesOf(solution)) {
    code.tree.iterate({
      enter: ref => {
        if (kinds.includes(ref.name)) found.push({ code, node: ref.node })
      },
    })
  }
  return found
}

/** The text of a node. */
export const textOf = (
  { text }: Solution,
  code: Code,
  { from, to }: { readonly from: number; readonly to: number },
): string => text.slice(code.start + from, code.start + to)
export const patchOf = (
  code: Code,
  { from, to }: { readonly from: number; readonly to: number },
  text: string,
): Patch => ({ start: code.start + from, end: code.start + to, text })

interface Leaf {
  readonly path: string
  readonly text: string
  readonly from: number
  readonly to: number
}

/** The leaves of a tree in order, each with the kinds of the nodes above it. */
function leaves(tree: Tree, text: string): Leaf[] {
  const found: Leaf[] = [],
    path: string[] = []
  tree.iterate({
    enter: ref => {
      path.push(ref.name)
      if (!ref.node.firstChild) {
        found.push({ path: path.join(' '), text: text.slice(ref.from, ref.to), from: ref.from, to: ref.to })
      }
    },
    leave: () => {
      path.pop()
    },
  })
  return found
}

/**
 * Proves of an edit of code that both versions parse and that their trees have the same shape, kind by kind, with other
 * text only where the patches are. Whether the program now does something else is not proven by that: only tests can.
 */
export function proveCode(
  solution: Solution,
  { code }: CodePlace,
  patches: readonly Patch[],
  sameShape = true,
): Judged {
  const text = replace(solution.text, 0, solution.text.length, patches),
    grown = growth(patches),
    { start, end } = spanOf(patches)
  const after = text.slice(code.start, code.end + grown),
    tree = parse(code.language, after)
  if (!tree) return { refused: 'no_edit' }
  const inside = (leaf: Leaf, to: number) => leaf.from + code.start >= start && leaf.to + code.start <= to
  const [before, now] = [leaves(code.tree, solution.text.slice(code.start, code.end)), leaves(tree, after)]
  const outer = (list: readonly Leaf[], to: number) =>
    list.filter(leaf => !inside(leaf, to)).map(({ path, text }) => `${path}\0${text}`)
  const [a, b] = [outer(before, end), outer(now, end + grown)]
  if (a.length !== b.length || a.some((leaf, i) => leaf !== b[i])) return { refused: 'no_edit' }
  // `and` and `or` are kinds of their own, so of the leaves only what they stand in
  const above = ({ path }: Leaf) => path.slice(0, path.lastIndexOf(' '))
  if (sameShape && (before.length !== now.length || before.some((leaf, i) => above(leaf) !== above(now[i])))) {
    return { refused: 'no_edit' }
  }
  const say = (from: string) => JSON.stringify(from.replace(/\s+/g, ' '))
  return {
    text,
    ...inPoints(text, start, end + grown),
    proof: `${code.language}: ${say(solution.text.slice(start, end))} became ${say(text.slice(start, end + grown))}, both parse, and the trees differ nowhere else`,
  }
}
