/** Messages of trees, one a row, by columns that name each and what it answers; siblings are rated. */
import type { Fact } from './facts.ts'
import type { Proposal } from './proposal.ts'
import { differsWithin, labelsIn, ratedBy } from './propose_scored.ts'
import { isNumbers } from './side_columns.ts'

const ID = /^(?:message_?id|node_?id|id|uuid)$/i
const PARENT = /^parent(?:_?message)?(?:_?(?:id|uuid))?$/i
const ROLE = /^(?:role|author|author_role|is_?created_?by_?user|is_?user|from)$/i
const TEXT = /^(?:text|content|message|body|value)$/i
const RATED = /rank|score|rating|reward|feedback|vote|likes?$/i

export function ofTree(facts: readonly Fact[]): Proposal[] {
  const flat = facts.filter(({ isList, path }) => !isList && !path.includes('[]')),
    named = (names: RegExp, kinds: readonly Fact['kind'][]) =>
      flat.find(({ name, kind }) => names.test(name) && kinds.includes(kind))
  const id = named(ID, ['text', 'number']),
    parent = named(PARENT, ['text', 'number']),
    role = named(ROLE, ['text', 'bool']),
    text = named(TEXT, ['text'])
  if (!id || !parent || !role || !text) return []
  const ids = new Set(id.values.map(String))
  if (!parent.values.some(value => value !== null && ids.has(String(value)))) return []
  const keys = parent.values.map(String),
    tree = { id: id.path, parent: parent.path, role: role.path },
    base = { tree, prompt: text.path, answer: text.path },
    what = `a row is a message (${text.path}) of a tree, by ${id.path} and ${parent.path}; the prompt of an answer is all that is said above it, and answers with one parent meet`
  const rated = flat.filter(fact => RATED.test(fact.path) && differsWithin(fact, keys))
  return rated
    .flatMap((fact): Proposal[] => {
      if (isNumbers(fact)) {
        const { score, ask } = ratedBy(fact)
        return [{ what: `${what}, scored by ${fact.path}`, map: { ...base, score }, asks: [ask] }]
      }
      return labelsIn(fact).map(labels => ({
        what: `${what}, labelled by ${labels.by}`,
        map: { ...base, labels },
        asks: [],
      }))
    })
    .sort((a, b) => Number(/rank/i.test(b.what)) - Number(/rank/i.test(a.what)))
}
