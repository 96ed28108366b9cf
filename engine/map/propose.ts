/** How the pairs of a file may lie that nothing is known of: mappings to choose from, with what is to be asked. */
import type { RecordBatch, Schema } from 'apache-arrow'
import { factsOf, type Fact } from './facts.ts'
import { partsAsked, promptOf } from './prompts.ts'
import { ofAny, withPrompt } from './propose_any.ts'
import { ofColumns } from './propose_columns.ts'
import { ofLabelled } from './propose_labelled.ts'
import { ofModels } from './propose_models.ts'
import { answerOf, ofAnswers, ofLists, ofTwoItems } from './propose_scored.ts'
import { SCORE } from './names.ts'
import { ofSides } from './propose_sides.ts'
import type { Proposal } from './proposal.ts'
import { ofTree } from './propose_tree.ts'

export interface Proposals {
  readonly proposals: readonly Proposal[]
  /** Why there are none: what kind of data it is. */
  readonly none?: string
}

/** How votes that FastChat logs become battles: roles are what each state calls them. */
const VOTES = `as by jq -c '${[
  'select(.type | endswith("vote"))',
  'def talk($s): [$s.messages[] | {role: (if .[0] == $s.roles[0] then "user" else "assistant" end), content: .[1]}]; ' +
    '{model_a: .models[0], model_b: .models[1], conversation_a: talk(.states[0]), conversation_b: talk(.states[1]), ' +
    'winner: ({leftvote: "model_a", rightvote: "model_b", tievote: "tie"}[.type] // "tie (bothbad)")}',
].join(' | ')}'`

/** Names of bools that say whether an answer is a good one. */
const GOOD = /label|chosen|good|correct|safe|score|thumb|feedback|accept|desirable|like/i

/** What can be proposed for a file, the best first. */
export function propose(schema: Schema, samples: readonly RecordBatch[]): Proposals {
  const facts = factsOf(schema, samples),
    names = facts.map(({ name }) => name)
  const trees = ofTree(facts)
  if (trees.length > 0) return { proposals: trees }
  if (names.includes('message_id') && names.includes('parent_id')) {
    return {
      proposals: [],
      none: 'it is a tree of messages, by message_id and parent_id, and none of its columns rates the replies; write a row of each message, with its role, text and rank, which `tree` of a map reads',
    }
  }
  if (names.includes('mapping') && names.includes('current_node')) {
    return {
      proposals: [],
      none: 'mapping is a tree of messages, as ChatGPT exports conversations; make a row of each answer with the path above it as prompt',
    }
  }
  if (['models', 'states', 'type'].every(name => names.includes(name))) {
    return {
      proposals: [],
      none: `it is a log of FastChat; make of its votes what the arena publishes, which is read, ${VOTES}`,
    }
  }
  const rated = facts.find(({ path, isList }) => isList && /(?:^|[._])steps?\[\]\./i.test(path))
  if (rated) {
    return {
      proposals: [],
      none: `${rated.path.replace(/\[\].*/s, '')} are steps of one answer with their ratings; Sluice reads no step labels`,
    }
  }
  const steps = facts.find(({ path, kind, isList }) => path === 'labels[]' && kind === 'bool' && isList)
  if (steps && names.includes('completions')) {
    return {
      proposals: [],
      none: 'completions and labels (bool) are steps of one answer with their ratings; Sluice reads no step labels',
    }
  }
  const tasks = facts.find(
    ({ path }) => /\[\]\..*\[\]\./s.test(path) && facts.some(({ path: other }) => isTask(other, path)),
  )
  if (tasks) {
    const list = tasks.path.replace(/\[\].*/s, '')
    return {
      proposals: [],
      none: `${list} is a list of prompts with answers of their own: make a row of each, as by jq -c '.${list}[] as $one | del(.${list}) + $one', and what was said before a part of its prompt`,
    }
  }
  const prompt = promptOf(facts),
    found = firstOf([
      () => ofColumns(facts, prompt),
      () => ofLabelled(facts, prompt),
      () => ofModels(facts, prompt),
      () => {
        const sides = ofSides(facts, prompt)
        // those of a side are all right, or all wrong
        const isSide = ({ map }: Proposal) =>
          sides.some(({ map: { chosen, rejected } }) => [chosen, rejected].includes(map.list as string))
        return [...sides, ...ofLists(facts, prompt).filter(one => !isSide(one))]
      },
      () => ofTwoItems(facts, prompt),
      () => ofAnswers(facts, prompt),
      () => (prompt ? [] : ofAny(facts)),
    ])
  if (found.length > 0) {
    const proposals = found.map(one => {
      const { isCertain, ...proposal } = withPrompt(facts, one),
        more = partsAsked(facts, proposal.map)
      return {
        ...proposal,
        asks: [...proposal.asks, ...more],
        ...(isCertain && more.length === 0 ? { isCertain } : {}),
      }
    })
    return { proposals }
  }
  return { proposals: [], none: whyNone(facts, prompt) }
}

/** Whether a path is of what is asked in the items of the list that the other one leads through. */
const isTask = (path: string, other: string): boolean =>
  /^[^[\]]+\[\]\.(?:prompt|instruction|question|query|user_prompt)$/.test(path) &&
  other.startsWith(path.slice(0, path.indexOf('.') + 1))

/** The first of these that are any. */
function firstOf(ways: readonly (() => Proposal[])[]): Proposal[] {
  for (const way of ways) {
    const found = way()
    if (found.length > 0) return found
  }
  return []
}

function whyNone(facts: readonly Fact[], prompt: Fact | undefined): string {
  const answer = answerOf(facts, prompt)
  const pairs = facts.find(
    ({ path, name }) => path.endsWith(`[].${name}`) && /^(?:chosen|preferred|better)$/i.test(name),
  )
  if (pairs) {
    const list = pairs.path.replace(/\[\].*/s, '')
    return `${list} is a list of pairs, and a row is read as one: make a row of each, as by jq -c '.${list}[] as $pair | del(.${list}) + $pair', or by explode and unnest of polars`
  }
  if (!prompt) {
    const [whole, ...more] = facts
    if (whole?.kind === 'text' && more.length === 0) {
      return `a row is one text (${whole.path}), with nothing beside it: where two rows are a pair, as in NeMo's comparisons, make one row of them, with columns prompt, chosen and rejected`
    }
    return 'no column of it is a prompt: text or messages under a name such as prompt, instruction or question'
  }
  const label = facts.find(
    ({ kind, isList, name }) => !isList && kind !== 'messages' && (GOOD.test(name) || SCORE.test(name)),
  )
  if (!answer && prompt.kind === 'messages' && label) {
    return `it is unpaired: a whole conversation a row (${prompt.path}) with a label of its answer (${label.path}), and no other answer to pair it with`
  }
  const nested = facts.find(({ path, kind, isList, name }) => kind === 'other' && isList && SCORE.test(name) && path.endsWith('[]')) // prettier-ignore
  if (!answer && nested) {
    return `${nested.path.slice(0, -2)} is a list of lists: write one number for each answer, as the mean of what annotators say, which \`score\` of a map reads`
  }
  if (!answer) return `it has a prompt (${prompt.path}) and no answers`
  const bool = facts.find(({ kind, isList, name }) => kind === 'bool' && !isList && GOOD.test(name))
  const keys = prompt.values.map(value => JSON.stringify(value))
  if (new Set(keys).size < keys.length) {
    return `it has one answer a row (${answer.path}) to prompts that come again, and no number, bool or label that rates it`
  }
  const isGood = bool ? `, which those with ${bool.path} false are not` : '',
    advice = answer.path.includes('.')
      ? ''
      : `. Where each answer is a good one${isGood}, 'layout: answers' with 'answer: ${answer.path}' lets stages make the other side`
  return `it is unpaired: one answer a row (${answer.path})${bool ? ` with a bool (${bool.path})` : ''}, and no prompt comes again, so there is nothing to pair it with${advice}`
}
