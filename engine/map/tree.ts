/** Messages that lie in trees, one a row: what is said above each is its prompt, those with one parent meet. */
import { DataType, Utf8, type RecordBatch } from 'apache-arrow'
import { makeMessages, makeText, messagesType, type Message } from '../arrow/columns.ts'
import { field } from '../arrow/flow.ts'
import { jsonValueOf } from '../arrow/plain.ts'
import type { Find, Made, Node, Tree } from './made.ts'
import { readPath, type Path } from './paths.ts'
import { promptItems, type MapSpec } from './spec.ts'

/** Steps from a message up to its root at most: more are a circle. */
const MOST_STEPS = 10_000

export type TreePaths = Readonly<Record<'id' | 'parent' | 'role' | 'text', Path>>

/** The columns of a tree; nothing where one is not there. */
export function treePaths(map: MapSpec, find: Find, faults: string[]): TreePaths | undefined {
  const { id, parent, role } = map.tree!,
    [{ path }, ...more] = promptItems(map)
  if (more.length > 0) faults.push('prompt: of a tree it is one column, the text of its messages')
  const found = { id: find(id), parent: find(parent), role: find(role), text: find(path) }
  if (Object.values(found).some(one => one === undefined)) return undefined
  const paths = found as TreePaths
  if (!DataType.isUtf8(paths.text.type)) faults.push(`prompt '${path}' is ${paths.text.type}; of a tree it is text`)
  return paths
}

/** The prompt of each row and the parent that it is grouped by. */
export const treeMade = (paths: TreePaths): Made[] => [
  {
    field: field('prompt', messagesType),
    read: (batch, _, tree) => {
      const rows = rowsOf(paths, batch),
        all = tree ?? treeOf(paths, batch)
      return makeMessages(
        rows.map(({ parent }) => {
          const above = aboveOf(all, parent)
          // such a row is refused, with what is wrong
          return typeof above === 'string' ? [] : above
        }),
      )
    },
  },
  {
    field: field('group', new Utf8()),
    read: batch => makeText(rowsOf(paths, batch).map(({ parent }) => parent ?? null)),
  },
]

/** Why a row is no answer to pair, or what is wrong with what is said above it; by its place in the batch. */
export function* treeFaults(paths: TreePaths, batch: RecordBatch, tree?: Tree) {
  const all = tree ?? treeOf(paths, batch)
  for (const [row, { parent, message }] of rowsOf(paths, batch).entries()) {
    const above = aboveOf(all, parent),
      last = typeof above === 'string' ? undefined : above.at(-1)
    if (message.role !== 'assistant') {
      yield { row, reason: 'no_answer', error: `${paths.role.text}: ${message.role}` } as const
    } else if (typeof above === 'string') yield { row, reason: 'unreadable_prompt', error: above } as const
    else if (!last) yield { row, reason: 'missing_prompt', error: 'nothing is said above it' } as const
  }
}

/** The tree with the messages of a batch; rows may come in any order. */
export function treeOf(paths: TreePaths, batch: RecordBatch, tree: Tree = new Map()): Tree {
  for (const { id, ...node } of rowsOf(paths, batch)) if (id !== undefined) tree.set(id, node)
  return tree
}

function rowsOf(paths: TreePaths, batch: RecordBatch): (Node & { readonly id: string | undefined })[] {
  const values = (path: Path) => {
    const data = readPath(path, batch)
    return (row: number) => jsonValueOf(data, row)
  }
  const [id, parent, role, text] = [paths.id, paths.parent, paths.role, paths.text].map(values)
  const named = (value: unknown) => (value === null || value === '' ? undefined : String(value))
  return Array.from({ length: batch.numRows }, (_, row) => ({
    id: named(id(row)),
    parent: named(parent(row)),
    message: { role: speakerOf(role(row)), content: (text(row) as string | null) ?? '' },
  }))
}

/** What is said above, the first first; in words what is wrong. An id of nobody, as of zeros alone, is no parent. */
function aboveOf(tree: Tree, parent: string | undefined): Message[] | string {
  const above: Message[] = []
  for (let id = parent; id !== undefined && !/^[0-]+$/.test(id);) {
    const node = tree.get(id)
    if (!node) return `the message '${id}' above it is not in the file`
    if (above.length === MOST_STEPS) return `what stands above it is a circle, or more than ${MOST_STEPS} messages`
    above.push(node.message)
    id = node.parent
  }
  return above.reverse()
}

/** Who says a message: bools are true of the user. */
function speakerOf(role: unknown): string {
  if (typeof role === 'boolean') return role ? 'user' : 'assistant'
  const said = String(role).toLowerCase()
  return SPEAKERS.find(([, names]) => names.includes(said))?.[0] ?? said
}

const SPEAKERS: readonly (readonly [string, readonly string[]])[] = [
  ['user', ['user', 'human', 'prompter']],
  ['assistant', ['assistant', 'gpt', 'model', 'bot', 'ai']],
]
