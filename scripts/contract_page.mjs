// docs/contract.md with what is taken from the code: signatures from the types of the contract, without their comments,
// and what its examples come to. What stands behind a marker is made anew: code up to its end, other text up to
// `<!-- end -->`.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import ts from 'typescript'

const files = [
  'engine/contract/define.ts',
  'engine/arrow/flow.ts',
  'engine/arrow/columns.ts',
  'engine/calls/service.ts',
]

/** A type that fits stands on one line. */
const WIDTH = 118

/** All types of these files, by name; the first of a name counts. */
function declarations(root) {
  const found = new Map()
  for (const file of files) {
    const text = readFileSync(new URL(file, root), 'utf8')
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
    for (const node of source.statements) {
      const isType = ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node) || ts.isClassDeclaration(node)
      if (isType && !found.has(node.name.text)) found.set(node.name.text, { node, source })
    }
  }
  return found
}

const printer = ts.createPrinter({ removeComments: true })
/** A node on one line. Arrays and objects that cannot be changed are written as any other: shorter, and as readable. */
function line(node, source) {
  const flat = part => {
    ts.setEmitFlags(part, ts.EmitFlags.SingleLine)
    ts.forEachChild(part, flat)
  }
  flat(node)
  return printer
    .printNode(ts.EmitHint.Unspecified, node, source)
    .replace(/^export /, '')
    .replace(/\breadonly /g, '')
    .replace(/\((\w+\[\])\)(?=\[)/g, '$1')
    .replace(/\s*\n\s*/g, ' ')
    .replace(/;? \}/g, ' }')
    .replace(/;$/, '')
}
/** Of a class what it gives to others: the heads of its methods, and what getters give. */
const isPublic = member => !ts.isConstructorDeclaration(member) && !ts.isPrivateIdentifier(member.name)
function headOf(member) {
  const { body, name, typeParameters, parameters, type } = member
  if (!body) return member
  if (ts.isGetAccessor(member)) return ts.factory.createPropertySignature(undefined, name, undefined, type)
  return ts.factory.createMethodSignature(undefined, name, undefined, typeParameters, parameters, type)
}
/** Members by lines: properties share one as far as they fit, a method has its own. */
function packed(members) {
  const lines = []
  let isOpen = false
  for (const member of members) {
    const last = lines.at(-1),
      isProperty = !/^\w+\??[(<]/.test(member),
      more = `${last}; ${member}`
    if (isOpen && isProperty && more.length <= WIDTH) lines[lines.length - 1] = more
    else lines.push(member)
    isOpen = isProperty
  }
  return lines
}

/** The signature of `Name`, or of `Name.member`. */
function signature(name, found) {
  const [type, member] = name.split('.'),
    { node, source } = found.get(type) ?? {}
  const part = member ? node?.members?.find(one => one.name?.getText(source) === member) : node
  if (!part) {
    throw new Error(
      `docs: docs/contract.md takes the signature of ${name}, which is in none of ${files.join(', ')}; name one that is`,
    )
  }
  if (ts.isTypeAliasDeclaration(part) || member) return line(part, source)
  const members = part.members.filter(isPublic).map(one => line(headOf(one), source)),
    whole = `interface ${type} { ${members.join('; ')} }`
  return whole.length <= WIDTH
    ? whole
    : `interface ${type} {\n${packed(members)
        .map(one => `  ${one}`)
        .join('\n')}\n}`
}

/**
 * The page's text anew. `load` gives the stage of a file, `run` what an example comes to, `text` how that is shown.
 */
export async function contractPage(root, { load, run, text: textOf }) {
  const old = readFileSync(new URL('docs/contract.md', root), 'utf8'),
    found = declarations(root),
    folder = mkdtempSync(join(tmpdir(), 'sluice-contract-')),
    shown = new Map()
  try {
    for (const [, code, name] of old.matchAll(/^```js\n(\/\/ (\w+)\.mjs\n[\s\S]*?)^```$/gm)) {
      const file = join(folder, `${name}.mjs`)
      writeFileSync(file, code)
      const stage = await load(file, folder),
        parts = []
      for (const example of stage.examples) {
        const came = await run(stage, example)
        for (const [key, said] of Object.entries(example)) {
          if (!(key in came) || isDeepStrictEqual(came[key], said)) continue
          throw new Error(
            `docs: ${name} in docs/contract.md, example '${example.title}': ${key} is ${JSON.stringify(came[key])}, and the page says ${JSON.stringify(said)}; correct the example or the stage`,
          )
        }
        parts.push(await textOf(stage, example))
      }
      shown.set(name, parts.join('\n\n'))
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return old
    .replace(/^(<!-- types: (.*) -->)\n(?:```ts\n[\s\S]*?^```\n)?/gm, (_, head, names) => {
      const all = names.split(', ').map(name => signature(name, found))
      return `${head}\n\`\`\`ts\n${all.join('\n')}\n\`\`\`\n`
    })
    .replace(/^(<!-- shown: (\w+) -->)\n(?:[\s\S]*?^<!-- end -->\n)?/gm, (_, head, name) => {
      if (shown.has(name)) return `${head}\n${shown.get(name)}\n<!-- end -->\n`
      throw new Error(`docs: docs/contract.md shows ${name}, and has no block of js that begins with // ${name}.mjs`)
    })
}
