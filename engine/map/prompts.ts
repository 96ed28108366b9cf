/** Which column of a file asks, and what else belongs to what is asked. */
import type { Fact } from './facts.ts'
import { partsOf } from './names.ts'
import { headsOf } from './said.ts'
import type { MapSpec } from './spec.ts'
import { PART_NAMES } from '../source/part_names.ts'
import { templateOf } from '../source/tagged.ts'

const PROMPTS =
  'prompt|instruction|question|query|problem|full_text|user_input|user_prompt|request|post|article|document|trajectory|messages|conversation|conversations|dialogue|dialog|contents|user_message'.split(
    '|',
  )
/** Names that are a prompt only where no other is there: more often they are a part of one. */
const LAST_PROMPTS = ['input', 'context', 'history', 'task', 'title']

/** The column that asks, by its name; of an object also by the field that is its text. */
export function promptOf(facts: readonly Fact[], not: readonly Fact[] = []): Fact | undefined {
  const fits = facts.filter(
    fact =>
      ['text', 'messages', 'turns'].includes(fact.kind) &&
      !fact.isList &&
      !not.includes(fact) &&
      !/(?:^|[_\-. ])(?:id|uuid|hash)$|[a-z]Id$/i.test(fact.name) &&
      saysMore(fact),
  )
  const named = (names: readonly string[]) =>
    names.map(name => fits.find(fact => fact.name.toLowerCase() === name)).find(found => found !== undefined)
  const byPart = () =>
    fits.find(({ name }) => !/system|model|source/i.test(name) && partsOf(name).some(part => PROMPTS.includes(part)))
  const [talk, ...more] = fits.filter(({ kind }) => kind === 'messages')
  return named(PROMPTS) ?? byPart() ?? named(LAST_PROMPTS) ?? (more.length === 0 ? talk : undefined)
}

/** Whether rows differ in it, and it is not empty in all of them. */
function saysMore({ kind, values }: Fact): boolean {
  const said = values.filter(value => value !== null && value !== '')
  return said.length > 0 && (kind === 'messages' || values.length < 2 || new Set(values).size > 1)
}

/** The column that asks, which is neither an answer nor a text that holds the answers, as what a judge was asked. */
function questionFor(facts: readonly Fact[], prompt: Fact | undefined, answers: readonly Fact[]): Fact | undefined {
  const not = [...answers]
  let asked = prompt
  while (asked && (not.includes(asked) || holdsAll(asked, answers))) {
    not.push(asked)
    asked = promptOf(facts, not)
  }
  return asked
}

function holdsAll({ values }: Fact, answers: readonly Fact[]): boolean {
  const rows = values.filter((value, row) =>
    answers.every(answer => {
      const said = answer.values[row]
      return typeof value === 'string' && typeof said === 'string' && said.length > 0 && value.includes(said)
    }),
  )
  return rows.length > 0.5 * values.length
}

/** Names of what belongs to a prompt, but for those that every layout knows. */
const MORE = new RegExp(
  [
    'system|history|turns|previous|earlier|dialog|context|passage|schema|document|evidence|instruction|background|persona',
    'body|title|question|query|scenario|knowledge|message|selftext|description|details',
  ].join('|'),
  'i',
)
/** Names of what stands below its prompt, as a body does below its title. */
const BELOW = /body|selftext|description|details/i

const quoted = (text: string): string => JSON.stringify(text.trim()).slice(1, -1)

const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('.')))

/** Columns beside a mapping that by their names belong to its prompt. */
export function partsAsked(facts: readonly Fact[], map: MapSpec): string[] {
  const used = new Set(headsOf(map)),
    prompt = typeof map.prompt === 'string' ? map.prompt : 'PROMPT'
  if (prompt === 'shared') return []
  const asked = facts.find(({ path }) => path === prompt)?.values ?? []
  // a copy of the conversation, with what was answered
  const holdsPrompt = (values: readonly unknown[]) =>
    asked.length > 0 &&
    values.every((value, row) => typeof asked[row] === 'string' && JSON.stringify(value).includes(quoted(asked[row])))
  const parts = facts.flatMap(({ path, name, kind, isList, length, values }) => {
    const isPart = !isList && (kind === 'messages' || kind === 'turns' || (kind === 'text' && length >= 8))
    // of an object what lies beside the prompt
    const isFar = path.includes('.') && (parentOf(path) !== parentOf(prompt) || !/system/i.test(name))
    if (
      !isPart ||
      isFar ||
      used.has(path) ||
      (kind === 'messages' && holdsPrompt(values)) ||
      PART_NAMES.includes(path) ||
      !MORE.test(name)
    ) {
      return []
    }
    const part = kind !== 'text' ? `{ turns: ${path} }` : /system/i.test(name) ? `{ system: ${path} }` : path
    return [{ path, part, isBelow: BELOW.test(name) }]
  })
  if (parts.length === 0) return []
  const paths = parts.map(({ path }) => path).join(' and '),
    said = [
      ...parts.filter(({ isBelow }) => !isBelow).map(({ part }) => part),
      prompt,
      ...parts.filter(({ isBelow }) => isBelow).map(({ part }) => part),
    ]
  return [`${parts.length > 1 ? 'do' : 'does'} ${paths} belong to the prompt? if so, prompt: [${said.join(', ')}]`]
}

/** The map's prompt for two sides: what conversations share, or a column, or a question. */
export function promptFor(
  facts: readonly Fact[],
  prompt: Fact | undefined,
  { first, second }: { readonly first: Fact; readonly second: Fact },
): { prompt: string; asks: string[] } {
  const own = questionFor(facts, prompt, [first, second])
  const isWhole =
    first.kind === 'messages' ||
    first.values.some(
      value => typeof value === 'string' && (/^\s*(?:\[\s*\{|(?:Human|H):)/.test(value) || templateOf(value)),
    )
  // conversations hold what was asked
  if ((isWhole && !own) || beginAlike(first, second)) return { prompt: 'shared', asks: [] }
  if (own) return { prompt: own.path, asks: [] }
  const marks = marksAsked([first, second])
  return marks === undefined ? { prompt: 'PROMPT', asks: [WHICH] } : { prompt: 'shared', asks: [marks] }
}

export const WHICH = 'which column is the prompt? put its name in place of PROMPT'

/** What begins a whole conversation as text, as formats of chats write it. */
const MARK = new RegExp(
  `^\\s*(?:<bos>|<s>|<\\|begin_of_text\\|>)?\\s*(${[
    '<\\|[a-z_]+\\|>',
    '<start_of_turn>',
    '#{2,3} ?[A-Z]\\w+:',
    '(?:<s>)?\\s*\\[INST\\]',
    '(?:USER|SYSTEM|User|System|Human):',
  ].join('|')})`,
)

/** What to do where both sides are text that begins with a mark in nine of ten rows. */
function marksAsked(sides: readonly Fact[]): string | undefined {
  const texts = sides.flatMap(({ values }) => values.filter(value => typeof value === 'string')),
    marks = texts.flatMap(text => MARK.exec(text)?.[1] ?? [])
  if (marks.length === 0 || marks.length < 0.9 * texts.length) return undefined
  const seen = [...new Set(marks)].slice(0, 3).join(' and ')
  return (
    `the sides are whole conversations with marks (${seen}) that Sluice does not read, and no column is the prompt: ` +
    'write them as messages (role, content), which this line then reads, or what was asked as a column of its own'
  )
}

/** Whether both are conversations that begin with the same message, and go on. */
function beginAlike(first: Fact, second: Fact): boolean {
  if (first.kind !== 'messages' || second.kind !== 'messages') return false
  const begins = ({ values }: Fact) =>
    values.map(value => (Array.isArray(value) && value.length > 1 ? JSON.stringify(value[0]) : undefined))
  const [a, b] = [begins(first), begins(second)],
    rows = a.filter((value, row) => value !== undefined && value === b[row])
  return rows.length > 0.9 * a.length
}
