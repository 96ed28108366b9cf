/** Which name of a JavaScript text means which definition. */
import type { SyntaxNode } from '@lezer/common'
import { parser } from '@lezer/javascript'

/** Something that is named once. Nodes are found again by their place: a tree makes a new one each time it is asked. */
export interface Binding {
  readonly name: string
  readonly definition: SyntaxNode
  /** Whether it stands at the top of a module, and so lives as long as that does. */
  readonly isTop: boolean
  readonly references: SyntaxNode[]
}

export interface Names {
  readonly text: string
  readonly top: SyntaxNode
  /** Names without a definition: globals. */
  readonly globals: ReadonlyMap<string, readonly SyntaxNode[]>
  bindingOf(node: SyntaxNode): Binding | undefined
  /** What a node defines. */
  definedBy(node: SyntaxNode): Binding | undefined
}

interface Scope {
  readonly above?: Scope
  readonly isFunction: boolean
  readonly isTop: boolean
  readonly names: Map<string, Binding>
}

export const childrenOf = (node: SyntaxNode): SyntaxNode[] => {
  const children: SyntaxNode[] = []
  for (let child = node.firstChild; child; child = child.nextSibling) children.push(child)
  return children
}

const FUNCTIONS = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunction', 'MethodDeclaration'])
const BLOCKS = new Set(['Block', 'ForStatement', 'CatchClause', 'SwitchBody', 'StaticBlock', 'ClassExpression'])

/** Also a method of an object. */
export const isFunction = (node: SyntaxNode): boolean =>
  FUNCTIONS.has(node.name) || (node.name === 'Property' && node.getChild('ParamList') !== null)

/** What esbuild puts a module into that is loaded late, or is CommonJS: `__esm({ 'a.mjs'() { … } })`. */
export const isModule = (node: SyntaxNode, text: string): boolean => {
  const call = node.name === 'Property' ? node.parent?.parent?.parent : undefined
  return call?.name === 'CallExpression' && /^__(?:esm|commonJS)\w*\(/.test(text.slice(call.from, call.from + 20))
}

/** Resolves all names. Of patterns on the left of a `=` the parser knows those that hold names alone. */
export function namesOf(text: string): Names {
  const top = parser.parse(text).topNode
  const bindings: Binding[] = [],
    used: { node: SyntaxNode; scope: Scope }[] = []

  function declare(node: SyntaxNode, scope: Scope): void {
    const name = text.slice(node.from, node.to)
    if (scope.names.has(name)) return
    const binding = { name, definition: node, isTop: scope.isTop, references: [] }
    scope.names.set(name, binding)
    bindings.push(binding)
  }
  const within = (scope: Scope, isFunction: boolean, isTop: boolean): Scope => ({
    above: scope,
    isFunction,
    isTop,
    names: new Map(),
  })

  function walk(node: SyntaxNode, scope: Scope): void {
    const { name } = node
    if (name === 'VariableDefinition') {
      const owner = ownerOf(node)
      let home = scope
      if (owner.getChild('var')) while (!home.isFunction) home = home.above!
      if (owner.name === 'AssignmentExpression') used.push({ node, scope })
      else declare(node, home)
      return
    }
    if (name === 'VariableName' || (name === 'PropertyDefinition' && isShorthand(node))) {
      const isAnother = node.parent?.name === 'ImportGroup' || node.prevSibling?.name === 'as'
      if (!isAnother) used.push({ node, scope })
      return
    }
    let inner = scope
    if (isFunction(node)) inner = within(scope, true, isModule(node, text))
    else if (BLOCKS.has(name)) inner = within(scope, false, scope.isTop && name === 'ClassExpression')
    // the body of a module that is put into a function is its top
    if (name === 'Block' && node.parent && isModule(node.parent, text)) inner = scope
    const isNamed = name === 'FunctionDeclaration' || name === 'ClassDeclaration'
    for (const child of childrenOf(node)) {
      walk(child, isNamed && child.name === 'VariableDefinition' ? scope : inner)
    }
  }
  walk(top, { isFunction: true, isTop: true, names: new Map() })

  const globals = new Map<string, SyntaxNode[]>(),
    found = new Map<number, Binding>()
  for (const { node, scope } of used) {
    const name = text.slice(node.from, node.to)
    let at: Scope | undefined = scope
    while (at && !at.names.has(name)) at = at.above
    const binding = at?.names.get(name)
    if (binding) {
      binding.references.push(node)
      found.set(node.from, binding)
    } else globals.set(name, [...(globals.get(name) ?? []), node])
  }
  const defined = new Map(bindings.map(one => [one.definition.from, one]))
  return {
    text,
    top,
    globals,
    bindingOf: node => found.get(node.from),
    definedBy: node => defined.get(node.from),
  }
}

/** What a name is defined by, or assigned to, out of all patterns. */
export function ownerOf(node: SyntaxNode): SyntaxNode {
  let at = node.parent!
  while (/Pattern/.test(at.name)) at = at.parent!
  return at
}

/** `k` in `{ k }`, which is no name of a property alone. */
const isShorthand = ({ parent, prevSibling, nextSibling }: SyntaxNode): boolean =>
  parent?.name === 'Property' && prevSibling === null && nextSibling === null
