/** What the code of a user's stage does that makes its results depend on more than rows, options and its text. */
import { SourceMap, type SourceMapPayload } from 'node:module'
import { relative, resolve } from 'node:path'
import type { SyntaxNode } from '@lezer/common'
import { isOwnGlobal, readingParts } from './builtins.ts'
import { childrenOf, isFunction, isModule, namesOf, ownerOf, type Binding, type Names } from './scopes.ts'

/** Something at a place of the code. */
interface Sight {
  readonly at: number
  readonly what: string
}

/** Something that is kept at the top of a module, and where a function changes it. */
interface Kept {
  /** Of an object of JavaScript itself: that outlives even the module. */
  readonly isGlobal?: boolean
  readonly name: string
  readonly at: number
  readonly changedAt: number
}

/**
 * Looks at a bundle, whose source map is in it. `reads`: what gives another value in another run; `keeps`: what is kept
 * from block to block. A line each, with places relative to `home`.
 */
export function lookAt(code: string, home: string): { reads: string[]; keeps: string[] } {
  try {
    const names = namesOf(code),
      placeOf = placesOf(code, home)
    return {
      reads: readsOf(names).map(({ at, what }) => `${placeOf(at).file} ${what}`),
      keeps: keptBy(names).map(({ name, isGlobal, at, changedAt }) => {
        const top = placeOf(at),
          change = placeOf(changedAt)
        const where = change.file === top.file ? `line ${change.line}` : `${change.file}:${change.line}`
        if (isGlobal) return `${top.file}:${top.line} keeps something in ${name}, which is not its own`
        return `${top.file}:${top.line} keeps ${top.name ?? name} at its top, which ${where} changes`
      }),
    }
  } catch (error) {
    if (error instanceof RangeError) return { reads: ['its code is nested too deeply to be looked at'], keeps: [] }
    throw error
  }
}

interface Origin {
  readonly file: string
  readonly line: number
  /** Of what has another name in the bundle. */
  readonly name?: string
}

/** Where a place of the code came from. */
function placesOf(code: string, home: string): (at: number) => Origin {
  const [, encoded] = /\n\/\/# sourceMappingURL=data:application\/json;base64,(\S+)\s*$/.exec(code) ?? []
  const payload = JSON.parse(Buffer.from(encoded, 'base64').toString()) as SourceMapPayload
  const map = new SourceMap({ ...payload, sourceRoot: '' }),
    starts = [...code.matchAll(/^/gm)].map(({ index }) => index)
  return at => {
    const line = starts.findLastIndex(start => start <= at)
    const found = map.findEntry(line, at - starts[line])
    if (!('originalSource' in found)) return { file: 'the stage', line: line + 1 }
    const { originalSource, originalLine, name } = found as typeof found & { readonly name?: string }
    return { file: relative(home, resolve(home, originalSource)), line: originalLine + 1, name }
  }
}

/** Globals any use of which differs from run to run, and of others the members that do. */
const varying = [
  'performance',
  'Performance',
  'PerformanceMark',
  'PerformanceMeasure',
  'PerformanceObserver',
  'AbortSignal',
  'AbortController',
  'FormData',
  'navigator',
  'localStorage',
  'sessionStorage',
  'BroadcastChannel',
  'Event',
  'CloseEvent',
  'CustomEvent',
  'ErrorEvent',
  'MessageEvent',
  'File',
  'WeakRef',
  'FinalizationRegistry',
]

const textOf = ({ text }: Names, node: SyntaxNode): string => text.slice(node.from, node.to)
/** The member that is taken of a value, `x` of `value.x` and `value['x']`; undefined where it is not known. */
function memberOf(names: Names, value: SyntaxNode): { name?: string; node: SyntaxNode } | undefined {
  const node = value.parent
  if (node?.name !== 'MemberExpression' || node.firstChild!.from !== value.from) return undefined
  const last = childrenOf(node).at(-1)!
  if (last.name === 'PropertyName') return { name: textOf(names, last), node }
  const [key] = childrenOf(node).slice(2)
  return { ...(key.name === 'String' ? { name: textOf(names, key).slice(1, -1) } : {}), node }
}
const isTyped = ({ parent, nextSibling, prevSibling }: SyntaxNode): boolean =>
  (parent?.name === 'UnaryExpression' && prevSibling?.name === 'typeof') ||
  (parent?.name === 'BinaryExpression' && nextSibling === null && prevSibling?.name === 'instanceof')

/** Uses of globals and of modules of Node that give another value in another run, at another place or moment. */
function readsOf(names: Names): Sight[] {
  // patterns with members of objects on their left are beyond the parser
  const odd = [...nodesOf(names.top)].find(({ type }) => type.isError)
  const unread = odd ? [{ at: odd.from, what: 'has code that cannot be looked into' }] : othersOf(names)
  return [...unread, ...clocksOf(names), ...stacksOf(names), ...builtinsOf(names)]
}

/** Names by which code asks what it runs in. */
const platforms = /^(?:window|document|define|Deno|Bun|importScripts|WorkerGlobalScope|EdgeRuntime)$/

/** Globals that neither JavaScript nor Node has: what runs before, as by --import, may set them. */
function* othersOf({ globals }: Names): Iterable<Sight> {
  for (const [name, nodes] of globals) {
    if (isOwnGlobal(name)) continue
    const used = nodes.find(node => !isTyped(node) || !platforms.test(name))
    if (used) yield { at: used.from, what: `uses the global ${name}` }
  }
}

/**
 * Where the stack of an error is taken, which says in which folder a run keeps the code. Where the code gives something
 * a `stack` of its own, only what is plainly an error counts.
 */
function* stacksOf(names: Names): Iterable<Sight> {
  for (const node of names.globals.get('Error') ?? []) {
    for (const { member = '', value } of membersOf(names, node)) {
      if (/^(?:capture|prepare)StackTrace$/.test(member)) yield { at: value.from, what: `uses ${member} of Error` }
    }
  }
  if (!names.text.includes('stack')) return
  const isStack = (node: SyntaxNode | null | undefined) =>
    node && /^(["'`]?)stack\1$/.test(textOf(names, node)) ? node : undefined
  const taken: { node: SyntaxNode; of?: SyntaxNode }[] = []
  let hasOwn = false
  for (const node of nodesOf(names.top)) {
    const { parent, firstChild } = node
    if (node.name === 'MemberExpression' && isStack(childrenOf(node).findLast(({ name }) => name !== ']'))) {
      const isGiven = parent?.name === 'AssignmentExpression' && parent.firstChild!.from === node.from
      if (isGiven && parent.getChild('Equals')) hasOwn = true
      else taken.push({ node, of: firstChild! })
    } else if (node.name === 'PatternProperty' && isStack(firstChild)) taken.push({ node })
    else if (/^(?:Property|PropertyDeclaration|MethodDeclaration)$/.test(node.name)) {
      hasOwn ||= childrenOf(node).some(one => /^(?:PropertyDefinition|String)$/.test(one.name) && isStack(one))
    }
  }
  for (const { node, of } of taken) {
    if (!hasOwn || (of && isError(names, of))) yield { at: node.from, what: 'uses the stack of an error' }
  }
}

/** Whether a value is an error by how it came here, or by its name. */
function isError(names: Names, node: SyntaxNode): boolean {
  const binding = node.name === 'VariableName' ? names.bindingOf(node) : undefined,
    made = /^(?:new )?\w*Error\(/
  if (made.test(textOf(names, node)) || binding?.definition.parent?.name === 'CatchClause') return true
  const init = initOf(names, binding)
  if (init) return made.test(textOf(names, init))
  return /^(?:\w*err(?:or)?|ex|e|cause|reason)\d*$/i.test(textOf(names, node).replace(/^.*\./s, ''))
}

function* clocksOf(names: Names): Iterable<Sight> {
  const { globals } = names
  for (const name of varying) {
    for (const node of globals.get(name) ?? []) if (!isTyped(node)) yield { at: node.from, what: `uses ${name}` }
  }
  for (const node of globals.get('Math') ?? []) {
    for (const { member = 'all', value } of isTyped(node) ? [] : membersOf(names, node)) {
      if (member === 'random' || member === 'all') yield { at: value.from, what: `uses ${member} of Math` }
    }
  }
  for (const node of globals.get('URL') ?? []) {
    for (const { member, value } of isTyped(node) ? [] : membersOf(names, node)) {
      if (member === 'createObjectURL') yield { at: value.from, what: 'uses createObjectURL of URL' }
    }
  }
  for (const node of globals.get('crypto') ?? []) {
    const member = memberOf(names, node),
      isPure = member?.name === 'subtle' && memberOf(names, member.node)?.name !== 'generateKey'
    if (!isPure && !isTyped(node)) yield { at: node.from, what: `uses crypto.${member?.name ?? ''}` }
  }
  for (const node of globals.get('Intl') ?? []) {
    for (const { member, value } of isTyped(node) ? [] : membersOf(names, node)) {
      // without a moment it takes the present one, and nobody sees what it is given
      if (member === undefined || member === 'DateTimeFormat') {
        yield { at: value.from, what: `uses ${member ?? 'all'} of Intl` }
      }
    }
  }
  for (const node of globals.get('Date') ?? []) {
    const member = memberOf(names, node),
      isNew = node.parent?.name === 'NewExpression' && node.prevSibling?.name === 'new',
      given = node.nextSibling ? childrenOf(node.nextSibling) : [],
      // a list that is spread may be empty
      hasValue = given.length > 2 && given[1].name !== 'Spread'
    if (isTyped(node) || (isNew && hasValue) || ['UTC', 'parse', 'prototype'].includes(member?.name ?? '')) continue
    yield { at: node.from, what: isNew ? 'calls new Date()' : `uses Date${member?.name ? `.${member.name}` : ''}` }
  }
}

function* builtinsOf(names: Names): Iterable<Sight> {
  for (const node of nodesOf(names.top)) {
    const said = node.name === 'ImportDeclaration' ? node.getChild('String') : loadedBy(names, node)
    const name = said ? textOf(names, said).slice(1, -1) : ''
    const differs = readingParts(name)
    if (!differs) continue
    const members = node.name === 'ImportDeclaration' ? [...importedBy(names, node)] : [...membersOf(names, node)]
    for (const { member, value } of members) {
      const isShown = /^(?:inspect|format|formatWithOptions)$/.test(member ?? '') && isGivenError(names, value)
      if (isShown) yield { at: value.from, what: `uses ${member} of ${name} for an error, whose stack it shows` }
      if (member !== undefined && !differs.test(member)) continue
      if (member !== undefined && isAnchored(names, value, member)) continue
      yield { at: value.from, what: member === undefined ? `hands ${name} on` : `uses ${member} of ${name}` }
    }
  }
}

const isGivenError = (names: Names, { parent }: SyntaxNode): boolean =>
  parent?.name === 'CallExpression' && childrenOf(parent.getChild('ArgList')!).some(one => isError(names, one))

/** The name of a module in `require('…')` and `import('…')`. */
function loadedBy(names: Names, node: SyntaxNode): SyntaxNode | null | undefined {
  if (node.name === 'DynamicImport') return node.getChild('String')
  const callee = node.firstChild
  if (node.name !== 'CallExpression' || callee?.name !== 'VariableName') return undefined
  return /^(?:__)?require\d*$/.test(textOf(names, callee)) ? node.getChild('ArgList')?.getChild('String') : undefined
}

interface Member {
  /** Undefined where all of the module is handed on. */
  readonly member?: string
  readonly value: SyntaxNode
}

function* importedBy(names: Names, node: SyntaxNode): Iterable<Member> {
  const group = node.getChild('ImportGroup')
  for (const local of [...childrenOf(node), ...(group ? childrenOf(group) : [])]) {
    if (local.name !== 'VariableDefinition') continue
    const before = local.prevSibling,
      // `a as b` of a group
      member = before?.name === 'as' ? textOf(names, before.prevSibling!) : textOf(names, local)
    const isWhole = local.parent!.name !== 'ImportGroup' || member === 'default'
    for (const value of referencesTo(names, local)) {
      if (isWhole) yield* membersOf(names, value)
      else yield { member, value }
    }
  }
}

const referencesTo = (names: Names, definition: SyntaxNode): readonly SyntaxNode[] =>
  names.definedBy(definition)?.references ?? []

/** What is taken of a value that is a whole module. */
function* membersOf(names: Names, value: SyntaxNode): Iterable<Member> {
  const { parent } = value,
    member = memberOf(names, value)
  if (member) {
    if (/^(?:default|posix|win32|promises)$/.test(member.name ?? '')) yield* membersOf(names, member.node)
    else yield { member: member.name, value: member.node }
  } else if (parent?.name === 'ParenthesizedExpression' || parent?.name === 'AwaitExpression') {
    yield* membersOf(names, parent)
  } else if (parent?.name === 'ArgList' && /^__toESM\w*$/.test(textOf(names, parent.prevSibling!))) {
    yield* membersOf(names, parent.parent!)
  } else if (parent?.name === 'VariableDeclaration') {
    const local = value.prevSibling?.prevSibling
    if (local?.name === 'VariableDefinition') {
      for (const one of referencesTo(names, local)) yield* membersOf(names, one)
    } else yield* takenBy(names, local!)
  } else if (parent?.name !== 'ExpressionStatement') yield { value }
}

/** What a pattern takes of a value, `a` and `b` of `{ a, b: c }`. */
function* takenBy(names: Names, pattern: SyntaxNode): Iterable<Member> {
  for (const one of childrenOf(pattern).filter(({ name }) => name === 'PatternProperty')) {
    const key = one.firstChild!
    if (key.name !== 'VariableDefinition' && key.name !== 'PropertyName') yield { value: key }
    else {
      const local = one.getChild('VariableDefinition'),
        uses = local ? referencesTo(names, local) : []
      for (const value of uses.length > 0 ? uses : [key]) yield { member: textOf(names, key), value }
    }
  }
}

/** Whether paths that are resolved begin at a place that is known, so that the working directory is not asked. */
function isAnchored(names: Names, value: SyntaxNode, member: string): boolean {
  const list = value.parent?.name === 'CallExpression' ? value.parent.getChild('ArgList') : null
  const given = list ? childrenOf(list).filter(({ name }) => !['(', ')', ','].includes(name)) : []
  const asked = member === 'relative' ? given : given.slice(0, 1)
  return asked.length > 0 && asked.every(one => isAbsolute(names, one))
}

function isAbsolute(names: Names, node: SyntaxNode, depth = 0): boolean {
  if (/^(?:["'`](?:\/|file:)|(?:\w+\.)*(?:dirname|fileURLToPath)\w*\()/.test(textOf(names, node))) return true
  const init = node.name === 'VariableName' ? initOf(names, names.bindingOf(node)) : undefined
  return init !== undefined && depth < 5 && isAbsolute(names, init, depth + 1)
}

/** The value that a name is given where it is defined; a module that is loaded late gives it by an assignment. */
function initOf(names: Names, binding: Binding | undefined): SyntaxNode | undefined {
  const later = binding?.references.map(({ parent }) => parent!).find(one => isDefinition(names, one))
  const equals = later ? later.getChild('Equals') : binding?.definition.nextSibling
  let value = equals?.name === 'Equals' ? equals.nextSibling : null
  while (value?.name.endsWith('Comment')) value = value.nextSibling
  return value ?? undefined
}
/** An assignment right at the top of a module that is put into a function. */
function isDefinition(names: Names, node: SyntaxNode): boolean {
  const block = node.name === 'AssignmentExpression' ? node.parent?.parent : undefined
  return block?.name === 'Block' && block.parent !== null && isModule(block.parent, names.text)
}

function* nodesOf(node: SyntaxNode): Iterable<SyntaxNode> {
  const cursor = node.cursor()
  do yield cursor.node
  while (cursor.next() && cursor.from < node.to)
}

const changing = new Set('add|set|delete|clear|push|pop|shift|unshift|splice|sort|reverse|fill|copyWithin'.split('|'))
/** Calls that run a function at once, and not later on. */
const atOnce = new Set(
  (
    'forEach|map|flatMap|filter|reduce|reduceRight|some|every|find|findIndex|findLast|findLastIndex|sort|toSorted|' +
    'from|replace|replaceAll|then'
  ).split('|'),
)

/** What is kept at the top of modules and changed by functions that run later than the module is loaded. */
function keptBy(names: Names): Kept[] {
  const kept = new Map<number, Kept>(),
    running = new Map<number, boolean>()
  /** Whether code runs when its module is loaded, and never again. */
  function isLoading(node: SyntaxNode): boolean {
    let at: SyntaxNode | null = node
    while (at && !isFunction(at)) at = at.parent
    if (!at || isModule(at, names.text)) return true
    const known = running.get(at.from)
    if (known !== undefined) return known
    // a function that calls itself is as its other callers
    running.set(at.from, true)
    const answer = isCalledAtLoad(at)
    running.set(at.from, answer)
    return answer
  }
  function isCalledAtLoad(made: SyntaxNode): boolean {
    let value = made
    while (value.parent?.name === 'ParenthesizedExpression') value = value.parent
    const parent = value.parent!
    if (parent.name === 'CallExpression' && parent.firstChild!.from === value.from) return isLoading(parent)
    if (parent.name === 'ArgList') {
      const callee = parent.prevSibling
      const name = callee?.name === 'MemberExpression' ? textOf(names, callee.lastChild!) : ''
      return atOnce.has(name) && isLoading(parent)
    }
    const callers = nameOf(made, value)?.references.filter(one => one.parent!.from !== parent.from) ?? []
    return (
      callers.length > 0 &&
      callers.every(
        one => one.parent?.name === 'CallExpression' && one.nextSibling?.name === 'ArgList' && isLoading(one),
      )
    )
  }
  /** The one name of a function. */
  function nameOf(made: SyntaxNode, value: SyntaxNode): Binding | undefined {
    const parent = value.parent!
    if (made.name === 'FunctionDeclaration') return names.definedBy(made.getChild('VariableDefinition')!)
    if (parent.name === 'VariableDeclaration') return names.definedBy(value.prevSibling!.prevSibling!)
    return isDefinition(names, parent) ? names.bindingOf(parent.firstChild!) : undefined
  }

  for (const node of nodesOf(names.top)) {
    for (const { root, counts } of changedBy(names, node)) {
      const named = names.bindingOf(root)
      // an object of JavaScript itself, as in `String.seen = x`, is there for all that runs in the same thread
      if (!named && root.name === 'VariableName' && counts() && !isLoading(node)) {
        kept.set(node.from, { isGlobal: true, name: textOf(names, root), at: node.from, changedAt: node.from })
        continue
      }
      const binding = root.parent?.name === 'MemberExpression' ? behind(names, named) : named
      if (!binding?.isTop || isLoading(node) || !counts(binding)) continue
      const { from } = binding.definition
      if (!kept.has(from)) kept.set(from, { name: binding.name, at: from, changedAt: node.from })
    }
  }
  return [...kept.values()]
}

/** What a local name stands for a part of: `memory`, where it is said `const { all } = memory`. */
function behind(names: Names, binding: Binding | undefined, depth = 0): Binding | undefined {
  const owner = binding && !binding.isTop && depth < 5 ? ownerOf(binding.definition) : undefined
  const equals = owner?.name === 'VariableDeclaration' ? owner.getChild('Equals') : null,
    root = equals ? rootOf(equals.nextSibling ?? undefined) : undefined
  const source = root && behind(names, names.bindingOf(root), depth + 1)
  return source?.isTop ? source : binding
}

interface Change {
  readonly root: SyntaxNode
  /** Of a name that the code itself defines, or of JavaScript's own. */
  counts(binding?: Binding): boolean
}

/** What a node changes: the names at the root of what is assigned to, or whose method is called. */
function changedBy(names: Names, node: SyntaxNode): Change[] {
  const first = node.firstChild
  if (!first) return []
  const always = (of: SyntaxNode | null | undefined): Change[] => {
    const root = of && rootOf(of)
    return root ? [{ root, counts: () => true }] : []
  }
  switch (node.name) {
    case 'AssignmentExpression': {
      const isCounter = first.name === 'MemberExpression' && textOf(names, first.lastChild!) === 'lastIndex'
      if (isCounter || isLazy(names, node) || textOf(names, first) === 'Error.stackTraceLimit') return []
      if (!/Pattern|^(?:Array|Object)Expression$/.test(first.name)) return always(first)
      return [...nodesOf(first)]
        .filter(({ name }) => name === 'VariableDefinition' || name === 'MemberExpression')
        .flatMap(always)
    }
    case 'PostfixExpression':
      return always(first)
    case 'UnaryExpression':
      return ['++', '--', 'delete'].includes(textOf(names, first)) ? always(first.nextSibling) : []
    case 'ForOfSpec':
    case 'ForInSpec':
      return first.nextSibling?.name === 'VariableName' ? always(first.nextSibling) : []
    case 'CallExpression':
      return first.name === 'MemberExpression' ? calledOn(names, node, first) : []
    default:
      return []
  }
}

function calledOn(names: Names, call: SyntaxNode, callee: SyntaxNode): Change[] {
  const last = callee.lastChild!,
    method = last.name === ']' ? textOf(names, last.prevSibling!).replace(/^['"`]|['"`]$/g, '') : textOf(names, last)
  if (/^Object\.(?:assign|define)|^Reflect\.(?:set|define|delete)/.test(textOf(names, callee))) {
    const root = rootOf(childrenOf(call.getChild('ArgList')!)[1])
    return root ? [{ root, counts: () => true }] : []
  }
  const root = rootOf(callee)
  if (!root) return []
  const isDirect = callee.firstChild!.from === root.from && callee.firstChild!.to === root.to
  // where an expression begins is remembered from one text to the next
  if (method === 'test' || method === 'exec') {
    return [{ root, counts: binding => binding !== undefined && isDirect && isSticky(names, binding) }]
  }
  if (/^(?:match|search|replace|split)$/.test(method)) {
    const given = childrenOf(call.getChild('ArgList')!)[1] as SyntaxNode | undefined
    return given?.name === 'VariableName'
      ? [{ root: given, counts: binding => binding !== undefined && isSticky(names, binding, 'y') }]
      : []
  }
  if (!changing.has(method)) return []
  // of what a package gave nobody knows whether a method changes it, unless nothing is done with the result
  const isDropped = call.parent?.name === 'ExpressionStatement'
  return [
    {
      root,
      counts: binding => {
        if (!binding) return !isDirect
        const init = initOf(names, binding)
        if (binding.definition.parent?.name.startsWith('Import')) return false
        if (init && /\brequire\(|\bimport\(/.test(textOf(names, init))) return false
        return isDropped || !isDirect || (init !== undefined && isCollection(names, init))
      },
    },
  ]
}

const isCollection = (names: Names, node: SyntaxNode): boolean =>
  ['ArrayExpression', 'ObjectExpression'].includes(node.name) ||
  /^(?:\/\*.*?\*\/ *)?(?:new (?:\w*(?:Set|Map|Array))\b|Array\.|Object\.)/.test(textOf(names, node))

const isSticky = (names: Names, binding: Binding, flags = 'gy'): boolean => {
  const init = initOf(names, binding)
  const isReset = binding.references.some(one => memberOf(names, one)?.name === 'lastIndex')
  return init?.name === 'RegExp' && new RegExp(`/[a-z]*[${flags}][a-z]*$`).test(textOf(names, init)) && !isReset
}

/** `x ??= all('words')`: something that is made once, late, of nothing that the function was given. */
function isLazy(names: Names, node: SyntaxNode): boolean {
  const [left, op, right] = childrenOf(node)
  if (left.name !== 'VariableName' || !['??=', '||='].includes(textOf(names, op))) return false
  return [...nodesOf(right)].every(
    one => one.to > right.to || one.name !== 'VariableName' || (names.bindingOf(one)?.isTop ?? true),
  )
}

/** `a` of `a.b[c].d`. */
function rootOf(node: SyntaxNode | undefined): SyntaxNode | undefined {
  let at = node
  while (at?.name === 'MemberExpression' || at?.name === 'ParenthesizedExpression') {
    at = (at.name === 'MemberExpression' ? at.firstChild : at.firstChild?.nextSibling) ?? undefined
  }
  return at?.name === 'VariableName' || at?.name === 'VariableDefinition' ? at : undefined
}
