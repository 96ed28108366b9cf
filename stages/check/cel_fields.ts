/** Fields of columns in expressions, held against the schema. */
import type { ASTNode } from '@marcbachmann/cel-js'
import { DataType, type Schema } from 'apache-arrow'
import { sameType } from '../../engine/arrow/cast.ts'
import { messagesType } from '../../engine/arrow/columns.ts'
import { nearest } from '../../engine/graph/messages.ts'

/** All nodes of a syntax tree. */
export function* nodesIn(node: unknown): Iterable<ASTNode> {
  if (Array.isArray(node)) for (const one of node) yield* nodesIn(one)
  else if (typeof node === 'object' && node !== null && 'op' in node) {
    yield node as ASTNode
    yield* nodesIn((node as ASTNode).args)
  }
}

/**
 * What is wrong with a field that is not there, of which `has` would be false of every row; undefined where all are.
 * Names that a macro binds are no columns.
 */
export function missingField(expression: string, tree: ASTNode, schema: Schema): string | undefined {
  const nodes = [...nodesIn(tree)],
    bound = nodes.flatMap(({ op, args }) =>
      op === 'rcall' && args[2][0]?.op === 'id' ? [String(args[2][0].args)] : [],
    )
  let fault: string | undefined
  /** The type of what a node gives, where fields alone lead to it. */
  const typeAt = ({ op, args }: ASTNode): DataType | undefined => {
    if (op === 'id') return bound.includes(args) ? undefined : schema.fields.find(({ name }) => name === args)?.type
    if (op !== '.') return undefined
    const [of, name] = args,
      type = typeAt(of)
    if (!type) return undefined
    const at = expression.slice(of.start, of.end)
    if (!DataType.isStruct(type)) {
      fault ??= DataType.isUtf8(type)
        ? `'${at}' is text, as objects of JSON Lines and CSV are, and has no field '${name}'; look into it by ${at}.contains("…") or ${at}.matches("…")`
        : `'${at}' is ${sameType(type, messagesType) ? 'messages, read as their text,' : String(type)} and has no field '${name}'`
      return undefined
    }
    const names = type.children.map(field => field.name),
      near = nearest(name, names)
    if (!names.includes(name)) {
      fault ??= `'${at}' has no field '${name}'${near === undefined ? '' : ` (did you mean '${near}'?)`}; there are ${names.join(', ')}`
    }
    return type.children.find(field => field.name === name)?.type as DataType | undefined
  }
  for (const node of nodes) if (node.op === '.') typeAt(node)
  return fault
}
