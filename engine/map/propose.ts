/** How the pairs of a file may lie that nothing is known of: mappings to choose from, with what is to be asked. */
import type { RecordBatch, Schema } from 'apache-arrow'
import { factsOf, tallyOf, type Fact } from './facts.ts'
import { makeText, textColumn } from '../arrow/columns.ts'
import { columnOf, type Mapping } from '../source/mapping.ts'
import { readLabel, type Reading, type Sides } from './labels.ts'
import { differenceOf, isOneOf, LABEL, MARKS, ORDERED, partsOf, SCORE } from './names.ts'
import { headsOf } from './said.ts'
import type { MapSpec } from './spec.ts'

export interface Proposal {
  /** What it is, in words. */
  readonly what: string
  readonly map: MapSpec
  /** What only the user can say. */
  readonly asks: readonly string[]
  /** Whether it is taken unasked: the scores of both sides say what the label says. */
  readonly isCertain?: boolean
}

export interface Proposals {
  readonly proposals: readonly Proposal[]
  /** Why there are none: what kind of data it is. */
  readonly none?: string
}

const PROMPTS =
  'prompt|instruction|question|query|problem|full_text|user_input|user_prompt|request|post|article|document|trajectory|messages|conversation|conversations|dialogue'.split(
    '|',
  )
/** Names that are a prompt only where no other is there: more often they are a part of one. */
const LAST_PROMPTS = ['input', 'context', 'history', 'task', 'title']
const ANSWER =
  /respon|answer|complet|output|conversation|summar|repl|generat|candidate|assistant|human_?ref|solution|caption|translation|story|argument|text|message|model/i
/** Names of labels that say which answer is the worse one. */
/** Names of bools that say whether an answer is a good one. */
const GOOD = /label|chosen|good|correct|safe|score|thumb|feedback|accept|desirable|like/i
const WORSE = /reject|worse|worst|loser|dispref/i
/** What can be proposed for a file, the best first. */
export function propose(schema: Schema, samples: readonly RecordBatch[]): Proposals {
  const facts = factsOf(schema, samples),
    names = facts.map(({ name }) => name)
  if (names.includes('message_id') && names.includes('parent_id')) {
    return {
      proposals: [],
      none: 'it is a tree of messages, by message_id and parent_id; make a row of each reply with the path above it as prompt and its rank',
    }
  }
  const steps = facts.find(({ path, kind, isList }) => path === 'labels[]' && kind === 'bool' && isList)
  if (steps && names.includes('completions')) {
    return {
      proposals: [],
      none: 'completions and labels (bool) are steps of one answer with their ratings; Sluice reads no step labels',
    }
  }
  const prompt = promptOf(facts),
    pairs = [...ofSides(facts, prompt), ...ofLists(facts, prompt)],
    found = pairs.length > 0 ? pairs : ofAnswers(facts, prompt)
  if (found.length > 0) {
    const proposals = found.map(({ isCertain, ...proposal }) => {
      const more = partsAsked(facts, proposal.map)
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

function whyNone(facts: readonly Fact[], prompt: Fact | undefined): string {
  const answer = answerOf(facts, prompt)
  if (!prompt) {
    return 'no column of it is a prompt: text or messages under a name such as prompt, instruction or question'
  }
  if (!answer) return `it has a prompt (${prompt.path}) and no answers`
  const bool = facts.find(({ kind, isList, name }) => kind === 'bool' && !isList && GOOD.test(name))
  const keys = prompt.values.map(value => JSON.stringify(value))
  if (new Set(keys).size < keys.length) {
    return `it has one answer a row (${answer.path}) to prompts that come again, and no number or bool that scores it`
  }
  const isGood = bool ? `, which those with ${bool.path} false are not` : '',
    advice = answer.path.includes('.')
      ? ''
      : `. Where each answer is a good one${isGood}, 'layout: answers' with 'answer: ${answer.path}' lets stages make the other side`
  return `it is unpaired: one answer a row (${answer.path})${bool ? ` with a bool (${bool.path})` : ''}, and no prompt comes again, so there is nothing to pair it with${advice}`
}

/** The column that asks, by its name; of an object also by the field that is its text. */
function promptOf(facts: readonly Fact[], not: readonly Fact[] = []): Fact | undefined {
  const fits = facts.filter(
    fact => (fact.kind === 'text' || fact.kind === 'messages') && !fact.isList && !not.includes(fact),
  )
  const named = (names: readonly string[]) =>
    names.map(name => fits.find(fact => fact.name.toLowerCase() === name)).find(found => found !== undefined)
  const byPart = () =>
    fits.find(({ name }) => !/system|model|source/i.test(name) && partsOf(name).some(part => PROMPTS.includes(part)))
  return named(PROMPTS) ?? byPart() ?? named(LAST_PROMPTS)
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
const MORE =
  /system|history|context|passage|schema|document|evidence|instruction|background|persona|body|title|question|query|scenario|knowledge|message/i

/** Columns beside a mapping that by their names belong to its prompt. */
function partsAsked(facts: readonly Fact[], map: MapSpec): string[] {
  const used = new Set(headsOf(map)),
    prompt = typeof map.prompt === 'string' ? map.prompt : 'PROMPT'
  if (prompt === 'shared') return []
  const known = ['system', 'system_prompt', 'history', 'context', 'input']
  return facts.flatMap(({ path, name, kind, isList, length }) => {
    const isPart = !isList && (kind === 'messages' || (kind === 'text' && length >= 8))
    if (!isPart || path.includes('.') || used.has(path) || known.includes(path) || !MORE.test(name)) return []
    const part = kind === 'messages' ? `{ turns: ${path} }` : /system/i.test(name) ? `{ system: ${path} }` : path
    return [`does ${path} belong to the prompt? if so, prompt: [${part}, ${prompt}]`]
  })
}

/** The map's prompt for two sides: what conversations share, or a column, or a question. */
function promptFor(
  facts: readonly Fact[],
  prompt: Fact | undefined,
  { first, second }: Pick<Sides, 'first' | 'second'>,
): { prompt: string; asks: string[] } {
  const own = questionFor(facts, prompt, [first, second])
  const isWhole =
    first.kind === 'messages' ||
    first.values.some(value => typeof value === 'string' && /^\s*(?:\[\s*\{|(?:Human|H):)/.test(value))
  // conversations hold what was asked
  if (isWhole && !own) return { prompt: 'shared', asks: [] }
  return own
    ? { prompt: own.path, asks: [] }
    : { prompt: 'PROMPT', asks: ['which column is the prompt? put its name in place of PROMPT'] }
}

/** All pairs of columns of one kind whose names differ in a mark alone. */
function familiesOf(facts: readonly Fact[], pairs: readonly (readonly [string, string])[]) {
  return facts.flatMap(first =>
    facts.flatMap(second => {
      const differs = first === second ? undefined : differenceOf(first.path, second.path)
      return differs && first.kind === second.kind && first.isList === second.isList && isOneOf(pairs, differs.marks)
        ? [{ first, second, ...differs }]
        : []
    }),
  )
}

const isSaid = (fact: Fact): boolean =>
  !fact.isList &&
  (fact.kind === 'messages' || (fact.kind === 'text' && !/(?:^|_)(?:model|name|id|source)(?:_|\d|$)/i.test(fact.name)))

/** Of columns of two sides those that are the answers: what is said at most length, by a name of answers first. */
function answersAmong<F extends { first: Fact; second: Fact }>(families: readonly F[]): F | undefined {
  const rank = ({ first }: F) => (first.kind === 'messages' ? 1e6 : first.length) + (ANSWER.test(first.name) ? 1e5 : 0)
  return families.filter(({ first }) => isSaid(first)).sort((a, b) => rank(b) - rank(a))[0] as F | undefined
}

function ofSides(facts: readonly Fact[], asked: Fact | undefined): Proposal[] {
  const ordered = familiesOf(facts, ORDERED),
    named = answersAmong(ordered.filter(({ first, second }) => ![first, second].some(fact => isName(fact, facts))))
  if (named) {
    const { first, second } = named,
      { prompt, asks } = promptFor(facts, asked, named)
    const by = bySide(ordered, named)
    return [
      {
        what: `${first.path} and ${second.path} are the better and the worse answer`,
        map: { prompt, chosen: first.path, rejected: second.path, ...by },
        asks,
      },
    ]
  }
  const families = familiesOf(facts, MARKS),
    sides = answersAmong(families)
  if (!sides || (sides.first.length < 3 && sides.first.kind === 'text')) return []
  const { first, second } = sides,
    { prompt, asks } = promptFor(facts, asked, sides),
    by = bySide(families, sides),
    base = { prompt, answers: [first.path, second.path] }
  const votes = votesOf(facts, families, sides),
    voted = votes.flatMap(({ votes }) => votes)
  const others = facts.filter(
    fact =>
      ![first, second, ...voted].includes(fact) &&
      !fact.path.includes('[]') &&
      fact.path !== prompt &&
      !families.some(family => family.first === fact || family.second === fact),
  )
  const labels = others.flatMap(fact => {
    // of columns that are each one value of a label, the tie's is none
    const isLabel =
        (LABEL.test(fact.name) || WORSE.test(fact.name) || fact.kind === 'text') &&
        !/(?:^|_)tie(?:_|$)/i.test(fact.name),
      read = isLabel ? readLabel(fact, sides) : undefined
    return read ? [{ fact, read: WORSE.test(fact.name) ? exchanged(read) : read }] : []
  })
  const scores = families.filter(
    ({ first, stem }) =>
      (first.kind === 'number' || first.kind === 'bool') && !first.isList && (SCORE.test(stem) || LABEL.test(stem)),
  )
  const proposals = [
    ...labels.map(({ fact, read }) => {
      const agrees = scores.map(score => agreementOf(read, fact, score)).find(Boolean)
      return {
        what: `${first.path} and ${second.path} are two answers, ${labelSaid(fact)} says which is better${agrees ? `, and ${agrees} agrees` : ''}`,
        map: { ...base, prefer: read.prefer, ...by },
        asks: agrees ? asks : [...asks, ...read.asks],
        ...(agrees && asks.length === 0 && labels.length === 1 ? { isCertain: true } : {}),
      }
    }),
    ...votes.map(({ votes, read }) => ({
      what: `${first.path} and ${second.path} are two answers, the votes ${votes.map(({ path }) => path).join(', ')} say which is better`,
      map: { ...base, prefer: { ...read.prefer, by: votes.map(({ path }) => path) }, ...by },
      asks: [...asks, ...read.asks],
    })),
    ...scores.map(score => ({
      what: `${first.path} and ${second.path} are two answers with scores, ${score.first.path} and ${score.second.path}`,
      map: { ...base, prefer: { higher: [score.first.path, score.second.path] }, ...by },
      asks: [...asks, `is the answer with the higher ${score.stem} the better one? if not, say lower`],
    })),
  ]
  if (proposals.length > 0) return proposals
  return [
    {
      what: `${first.path} and ${second.path} are two answers, and no column says which is better`,
      map: { ...base, prefer: { by: 'LABEL', first: 'FIRST', second: 'SECOND' }, ...by },
      asks: [
        ...asks,
        'which column says which answer is better, and by which values? put them in place of LABEL, FIRST and SECOND',
      ],
    },
  ]
}

/** The same where the label names the worse answer. */
const exchanged = ({ prefer, ...read }: Reading): Reading => ({
  asks: read.asks.map(ask => ask.replace('the better one', 'the worse one')),
  prefer: { ...prefer, first: prefer.second, second: prefer.first },
})

/** Whether a column of a few values names other columns, and is no answer itself. */
const isName = (fact: Fact, facts: readonly Fact[]): boolean => {
  const values = fact.kind === 'text' && !fact.isList ? tallyOf(fact) : []
  return values.length > 0 && values.every(([value]) => facts.some(other => other !== fact && other.path === value))
}

/** Whether what a layout takes for the sides are names of other columns: labels, and no answers. */
export function namesOthers(schema: Schema, samples: readonly RecordBatch[], { chosen, rejected }: Mapping): boolean {
  const own = [chosen?.column, rejected?.column],
    names = new Set(schema.names.map(String).filter(name => !own.includes(name))),
    texts = (bound: Mapping['chosen']) =>
      bound?.form !== 'text'
        ? []
        : samples.flatMap(one => {
            const { rows, isNull, text } = textColumn(columnOf(one, bound.column) ?? makeText([]))
            return Array.from({ length: rows }, (_, row) => (isNull(row) ? null : text(row)))
          })
  const values = [...texts(chosen), ...texts(rejected)].filter(value => value !== null)
  return values.length > 0 && values.every(value => names.has(value))
}

const labelSaid = (fact: Fact): string =>
  `${fact.path} (${tallyOf(fact)
    .slice(0, 6)
    .map(([value, count]) => `${value}: ${count}`)
    .join(', ')})`

/** Columns of both sides beside the answers, by what their names share. */
function bySide(
  families: readonly { first: Fact; second: Fact; stem: string; marks: [string, string] }[],
  sides: { first: Fact; second: Fact; marks: [string, string] },
): Pick<MapSpec, 'by_side'> {
  const own = families.filter(
    ({ first, second, marks, stem }) =>
      stem !== '' &&
      !LABEL.test(stem) &&
      first !== sides.first &&
      second !== sides.second &&
      marks.join() === sides.marks.join() &&
      !first.path.includes('[]') &&
      !/[.]/.test(first.path),
  )
  return own.length === 0
    ? {}
    : { by_side: Object.fromEntries(own.map(({ stem, first, second }) => [stem, [first.path, second.path]])) }
}

/** Three columns and more of one name with a number, which say alike which answer is better. */
function votesOf(
  facts: readonly Fact[],
  families: readonly { first: Fact; second: Fact; stem: string }[],
  sides: Sides,
): { votes: Fact[]; read: Reading }[] {
  const stems = new Set(families.filter(({ stem }) => LABEL.test(stem)).map(({ stem }) => stem))
  return [...stems].flatMap(stem => {
    const votes = facts.filter(
      ({ name, isList }) =>
        !isList &&
        partsOf(name)
          .filter(part => !/^\d+$/.test(part))
          .join('_') === stem,
    )
    const all = { ...votes[0], values: votes.flatMap(({ values }) => values) },
      read = votes.length > 2 ? readLabel(all, sides) : undefined
    return read ? [{ votes, read: { ...read, asks: read.asks.map(ask => ask.replace(votes[0].path, `a vote`)) } }] : []
  })
}

/** Whether scores of the two sides say what the label says as it is read, in 99 of 100 rows; in words. */
function agreementOf(
  { prefer }: Reading,
  label: Fact,
  { first, second, stem }: { first: Fact; second: Fact; stem: string },
): string | undefined {
  let same = 0,
    all = 0
  label.values.forEach((value, row) => {
    const gap = Number(first.values[row]) - Number(second.values[row])
    const says = String(value) === String(prefer.first) ? 1 : String(value) === String(prefer.second) ? -1 : 0
    if (says === 0 || gap === 0 || Number.isNaN(gap)) return
    all++
    if (says * gap > 0) same++
  })
  return all >= 20 && same >= 0.99 * all ? `the higher ${stem} (${same} of ${all} rows)` : undefined
}

function ofLists(facts: readonly Fact[], asked: Fact | undefined): Proposal[] {
  const texts = facts
    .filter(
      ({ kind, isList, length, name, path }) =>
        isList &&
        (kind === 'messages' || (kind === 'text' && length >= 3)) &&
        path.includes('[]') &&
        (ANSWER.test(name) || ANSWER.test(path)),
    )
    .sort((a, b) => b.length - a.length)
  const [answers] = texts as [Fact?]
  if (!answers) return []
  const sizes = (fact: Fact) => fact.values.map(value => (Array.isArray(value) ? value.length : 0))
  const own = sizes(answers)
  const isBeside = (fact: Fact) =>
    fact.isList && fact !== answers && sizes(fact).every((size, row) => size === own[row])
  const isNumbers = (fact: Fact) =>
    fact.kind === 'number' ||
    fact.kind === 'bool' ||
    (fact.kind === 'text' &&
      fact.values
        .flat()
        .every(
          value => value === null || (typeof value === 'string' && /^\s*(?:N\/A|-?\d+(?:\.\d+)?)?\s*$/i.test(value)),
        ))
  const scores = facts.filter(
    fact => isBeside(fact) && isNumbers(fact) && !/(?:^|_)(?:id|index|time|date|token|count|len)/i.test(fact.name),
  )
  const indexes = facts.filter(
    ({ kind, isList, values, name }) =>
      kind === 'number' &&
      !isList &&
      LABEL.test(name) &&
      values.every(
        (value, row) =>
          value === null || (Number.isInteger(Number(value)) && Number(value) >= 0 && Number(value) < own[row]),
      ),
  )
  const prompt = asked?.path ?? 'PROMPT',
    asks = asked ? [] : ['which column is the prompt? put its name in place of PROMPT'],
    base = { prompt, list: answers.path }
  const sorted = [...scores].sort((a, b) => Number(SCORE.test(b.name)) - Number(SCORE.test(a.name)))
  const which = sorted.length > 1 ? [`which number counts? ${sorted.map(({ path }) => path).join(', ')}`] : []
  return [
    ...indexes.map(({ path }) => ({
      what: `${answers.path} are answers to ${prompt}, ${path} the place of the best`,
      map: { ...base, index: path },
      asks: [...asks, `is ${path} counted from 0? if from 1, it cannot be read so`],
    })),
    ...sorted.slice(0, 1).map(({ path, name }) => ({
      what: `${answers.path} are answers to ${prompt}, scored by ${path}`,
      map: { ...base, score: path },
      asks: [...asks, ...which, `is a higher ${name} better? if not, score: { '${path}': -1 }`],
    })),
  ]
}

const answerOf = (facts: readonly Fact[], prompt: Fact | undefined): Fact | undefined =>
  facts
    .filter(
      fact =>
        isSaid(fact) &&
        fact !== prompt &&
        ANSWER.test(fact.name) &&
        !/(?:^|_)(?:model|id|source|type)$/i.test(fact.name),
    )
    .sort((a, b) => b.length - a.length)[0]

function ofAnswers(facts: readonly Fact[], prompt: Fact | undefined): Proposal[] {
  const answer = answerOf(facts, prompt)
  if (!prompt || !answer) return []
  const keys = prompt.values.map(value => JSON.stringify(value))
  if (new Set(keys).size === keys.length) return []
  const scores = facts.filter(
    ({ kind, isList, name, path }) =>
      (kind === 'number' || kind === 'bool') &&
      !isList &&
      !path.includes('[]') &&
      !/(?:^|_)(?:id|index|time|date|token|count|len)/i.test(name),
  )
  const sorted = [...scores].sort((a, b) => Number(SCORE.test(b.name)) - Number(SCORE.test(a.name)))
  const which = sorted.length > 1 ? [`which number counts? ${sorted.map(({ path }) => path).join(', ')}`] : []
  return sorted.slice(0, 1).map(({ path, kind }) => ({
    what: `a row is one answer (${answer.path}) to ${prompt.path}, scored by ${path}`,
    map: { prompt: prompt.path, answer: answer.path, score: path },
    asks: [
      ...which,
      kind === 'bool'
        ? `does ${path} true mean a good answer? if not, score: { ${path}: -1 }`
        : `is a higher ${path} better? if not, score: { ${path}: -1 }`,
    ],
  }))
}
