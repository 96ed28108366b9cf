/** Two columns of answers, and what may say which of them is the better one. */
import { tallyOf, type Fact } from './facts.ts'
import { isUnread, readLabel, unread, type Reading, type Sides } from './labels.ts'
import { LABEL, MARKS, NO_SCORE, SCORE, TIES, WORSE, partsOf } from './names.ts'
import { promptFor } from './prompts.ts'
import { labelSaid, labelsIn } from './propose_any.ts'
import type { Proposal } from './proposal.ts'
import { ofNamed, orderedSides } from './propose_named.ts'
import { answersAmong, bySide, familiesOf, isLabel, isNumbers, isSaid } from './side_columns.ts'
import type { Prefer } from './spec.ts'

export function ofSides(facts: readonly Fact[], asked: Fact | undefined): Proposal[] {
  const named = ofNamed(facts, asked)
  if (named) return [named]
  const beside = besideConversation(facts)
  if (beside) return [beside]
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
    const isLabel =
        (LABEL.test(fact.name) || WORSE.test(fact.name) || fact.kind === 'text') && !NO_LABEL.test(fact.name),
      read = isLabel ? readLabel(fact, sides) : undefined
    return read ? [{ fact, read: WORSE.test(fact.name) ? exchanged(read) : read }] : []
  })
  labels.sort((a, b) => Number(isUnread(a.read)) - Number(isUnread(b.read)))
  const severalAsked =
    labels.filter(({ read }) => !isUnread(read)).length > 1
      ? [`which of ${labels.map(({ fact }) => fact.path).join(', ')} counts? each is a line of its own`]
      : []
  const annotated = facts.flatMap(fact => {
    const flat = { ...fact, isList: false, values: (fact.values as unknown[]).flat(MOST_NESTED) },
      read = fact.isList && fact.kind === 'text' && fact.length < 40 ? readLabel(flat, sides) : undefined
    return read ? [{ fact: flat, read }] : []
  })
  const both = facts.filter(
    ({ kind, isList, values, name }) =>
      kind === 'number' &&
      isList &&
      SCORE.test(name) &&
      values.every(value => value === null || (Array.isArray(value) && value.length === 2)),
  )
  const byName = others.flatMap(fact => namedLabel(fact, families, sides))
  const isRated = (family: { first: Fact; second: Fact }) =>
    [family.first, family.second].every(fact => isNumbers(fact) && !fact.isList && fact !== first && fact !== second)
  const scores = families.filter(family => isRated(family) && (SCORE.test(family.stem) || LABEL.test(family.stem)))
  const gaps = families.filter(
    ({ stem, ...family }) =>
      isRated(family) &&
      family.first.kind !== 'bool' &&
      stem !== '' &&
      !NO_SCORE.test(stem) &&
      !areLengths(sides, family),
  )
  const scored = ({ first: one, second: other, stem }: (typeof families)[number], what: string): Proposal => {
    const [said, not] = BAD.test(stem) ? (['lower', 'higher'] as const) : (['higher', 'lower'] as const)
    return {
      what: `${first.path} and ${second.path} are two answers with ${what}, ${one.path} and ${other.path}`,
      map: { ...base, prefer: { [said]: [one.path, other.path] }, ...by },
      asks: [...asks, `is the answer with the ${said} ${stem} the better one? if not, say ${not}`],
    }
  }
  const proposals = [
    ...labels.map(({ fact, read }) => {
      const agrees = scores.map(score => agreementOf(read, fact, score, sides)).find(Boolean)
      return {
        what: `${first.path} and ${second.path} are two answers, ${labelSaid(fact)} says which is better${agrees ? `, and ${agrees} agrees` : ''}`,
        map: { ...base, prefer: read.prefer, ...by },
        // scores tell the sides, and of a tie nothing
        asks: [...asks, ...severalAsked, ...read.asks.slice(agrees ? 1 : 0), ...lengthAsked(read, fact, sides)],
        ...(agrees && asks.length === 0 && read.asks.length < 2 && labels.length === 1 ? { isCertain: true } : {}),
      }
    }),
    ...annotated.map(({ fact, read }) => ({
      what: `${first.path} and ${second.path} are two answers, the votes ${labelSaid(fact)} say which is better`,
      map: { ...base, prefer: read.prefer, ...by },
      asks: [...asks, ...read.asks],
    })),
    ...both.map(({ path }) => ({
      what: `${first.path} and ${second.path} are two answers, ${path} the scores of both`,
      map: { prompt, list: base.answers, score: path, ...by },
      asks: [...asks, `is a higher ${path} better? if not, score: { '${path}': -1 }`],
    })),
    ...byName.map(({ fact, prefer }) => ({
      what: `${first.path} and ${second.path} are two answers, ${fact.path} says by name which is better`,
      map: { ...base, prefer, ...by },
      asks,
    })),
    ...votes.map(({ votes, read }) => ({
      what: `${first.path} and ${second.path} are two answers, the votes ${votes.map(({ path }) => path).join(', ')} say which is better`,
      map: { ...base, prefer: { ...read.prefer, by: votes.map(({ path }) => path) }, ...by },
      asks: [...asks, ...read.asks],
    })),
    ...scores.filter(score => !areLengths(sides, score)).map(score => scored(score, 'scores')),
  ]
  if (proposals.length > 0) return proposals
  const unsaid = others.filter(fact => LABEL.test(fact.name) && mayBeLabel(fact))
  if (unsaid.length > 0) {
    return unsaid.map(fact => {
      const read = unread(fact, sides)
      return {
        what: `${first.path} and ${second.path} are two answers, ${labelSaid(fact)} may say which is better`,
        map: { ...base, prefer: read.prefer, ...by },
        asks: [...asks, ...read.asks],
      }
    })
  }
  if (gaps.length > 0) return gaps.map(gap => scored(gap, 'numbers'))
  // pairs whose better answer stands first have no label, as those of Stack Exchange
  const ordered = sides.marks.join() === 'j,k'
  if (ordered) return [orderedSides(sides, { prompt, asks }, by)]
  const mayBe = labelsIn(others).filter(({ name }) => !NO_LABEL.test(name))
  if (mayBe.length > 0) {
    return mayBe.slice(0, MOST_LABELS).map(fact => {
      const read = readLabel({ ...fact, name: 'label' }, sides) ?? unread(fact, sides)
      return {
        what: `${first.path} and ${second.path} are two answers, and ${labelSaid(fact)} may say which is better`,
        map: { ...base, prefer: read.prefer, ...by },
        asks: [...asks, `does ${fact.path} say which answer is better?`, ...read.asks],
      }
    })
  }
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

/**
 * Names of no labels: of columns that are each one value of a label, the tie's is none; who annotated, and which answer
 * is longer or stood first.
 */
const NO_LABEL =
  /(?:^|_)tie(?:_|$)|^annotator(?:_?(?:id|name))?$|(?:^|_)(?:longer|shorter|longest|shortest|length|order|position)(?:_|$)/i

/** Names of numbers of which less is mostly better. */
const BAD = /toxic|harm|error|loss|perplex|risk|violat|rank|distance/i

/** Whether a column of a few short values may be a label that nobody can read. */
const mayBeLabel = (fact: Fact): boolean =>
  !fact.isList &&
  (fact.kind === 'number' || (fact.kind === 'text' && fact.length < 40)) &&
  tallyOf(fact).length > 1 &&
  tallyOf(fact).length <= Math.min(12, fact.values.length / 2)

/** Columns of names that say nothing which are shown as labels. */
const MOST_LABELS = 3
/** Lists within lists that labels are looked for in. */
const MOST_NESTED = 8

/** A conversation that ends with the better answer, beside the worse one. */
function besideConversation(facts: readonly Fact[]): Proposal | undefined {
  const said = facts.filter(isSaid),
    whole = said.find(({ kind, name }) => kind === 'messages' && /^(?:messages|conversations?)$/i.test(name)),
    worse = said.find(fact => WORSE.test(fact.name) && fact !== whole && !isLabel(fact))
  if (!whole || !worse || facts.some(({ name }) => /chosen/i.test(name))) return undefined
  return {
    what: `${whole.path} is a conversation, and ${worse.path} another answer in place of its last one`,
    map: { prompt: 'shared', chosen: whole.path, rejected: worse.path },
    asks: [`is the last answer of ${whole.path} the better one? if not, exchange chosen and rejected`],
  }
}

/** A label that is what a column of each side says, as the name of a model. */
function namedLabel(
  fact: Fact,
  families: readonly { first: Fact; second: Fact; marks: [string, string] }[],
  { marks }: Sides,
): { fact: Fact; prefer: Prefer }[] {
  if (fact.kind !== 'text' || !LABEL.test(fact.name)) return []
  const own = families.find(({ first, second, marks: others }) => {
    const isNamed = (value: unknown, row: number) => value === first.values[row] || value === second.values[row],
      count = fact.values.filter(isNamed).length
    return others.join() === marks.join() && first.kind === 'text' && count > 0.5 * fact.values.length
  })
  if (!own) return []
  const ties = tallyOf(fact).flatMap(([value]) => (TIES.test(value.toLowerCase()) ? [value] : []))
  const tie = ties.length === 0 ? {} : { tie: ties.length === 1 ? ties[0] : ties }
  return [{ fact, prefer: { by: fact.path, names: [own.first.path, own.second.path], ...tie } }]
}

/** The same where the label names the worse answer. */
const exchanged = ({ prefer, ...read }: Reading): Reading => ({
  asks: read.asks.map(ask => ask.replace('the better one', 'the worse one')),
  prefer: { ...prefer, first: prefer.second, second: prefer.first },
})

/** A question where a label names the longer answer in 99 of 100 rows. */
function lengthAsked({ prefer }: Reading, label: Fact, { first, second }: Sides): string[] {
  let same = 0,
    all = 0
  label.values.forEach((value, row) => {
    const gap = JSON.stringify(first.values[row] ?? '').length - JSON.stringify(second.values[row] ?? '').length,
      says = String(value) === String(prefer.first) ? 1 : String(value) === String(prefer.second) ? -1 : 0
    if (says === 0 || gap === 0) return
    all++
    if (says * gap > 0) same++
  })
  return all >= 20 && same >= 0.99 * all && first.kind === 'text'
    ? [
        `${label.path} is for the longer answer in ${same} of ${all} rows: does it say which is better, or which is longer?`,
      ]
    : []
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

/** Whether numbers of both answers rise with their lengths, over all answers: they speak of no preference. */
function areLengths(answers: { first: Fact; second: Fact }, scores: { first: Fact; second: Fact }): boolean {
  const said = (['first', 'second'] as const).flatMap(side =>
    answers[side].values.map(
      (value, row) => [JSON.stringify(value ?? '').length, Number(scores[side].values[row])] as const,
    ),
  )
  said.sort(([a, x], [b, y]) => a - b || x - y)
  const falls = said.filter(([, score], i) => i > 0 && score < said[i - 1][1]).length
  return new Set(said.map(([, score]) => score)).size > 5 && falls <= 0.01 * said.length
}

/** Whether scores of the two sides say what the label says as it is read, in 99 of 100 rows; in words. */
function agreementOf(
  { prefer }: Reading,
  label: Fact,
  { first, second, stem }: { first: Fact; second: Fact; stem: string },
  sides: Sides,
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
  return all >= 20 && same >= 0.99 * all && !areLengths(sides, { first, second })
    ? `the higher ${stem} (${same} of ${all} rows)`
    : undefined
}
