/** Columns of two sides: those that are the answers, and those that lie beside them. */
import { tallyOf, type Fact } from './facts.ts'
import { ANSWER, differenceOf, isOneOf, LABEL } from './names.ts'
import { numberIn } from './numbers.ts'
import type { MapSpec } from './spec.ts'

/** All pairs of columns of one kind whose names differ in a mark alone. */
export function familiesOf(facts: readonly Fact[], pairs: readonly (readonly [string, string])[]) {
  return facts.flatMap(first =>
    facts.flatMap(second => {
      const differs = first === second ? undefined : differenceOf(first.path, second.path)
      return differs && first.kind === second.kind && first.isList === second.isList && isOneOf(pairs, differs.marks)
        ? [{ first, second, ...differs }]
        : []
    }),
  )
}

/** Whether a column may be an answer: text or messages, and no name of what said it. */
export const isSaid = (fact: Fact): boolean =>
  !fact.isList &&
  (fact.kind === 'messages' || ((fact.kind === 'text' || fact.kind === 'turns') && !NO_ANSWER.test(fact.name)))
/** Names of what said an answer, of what was asked for it, and of what was said of it. */
const NO_ANSWER = /(?:^|_)(?:model|name|id|source)(?:_|\d|$)|prompt|judg(?:e_?)?ment|rationale|critique|justification/i

/** Whether a few values come again and again, as those of a label do. */
export function isLabel(fact: Fact): boolean {
  const count = fact.kind === 'text' ? tallyOf(fact).length : Infinity
  return fact.values.length >= 24 && count <= 12
}

/** Of columns of two sides those that are the answers: what is said at most length, by a name of answers first. */
export function answersAmong<F extends { first: Fact; second: Fact }>(families: readonly F[]): F | undefined {
  const rank = ({ first }: F) => (first.kind === 'messages' ? 1e6 : first.length) + (ANSWER.test(first.name) ? 1e5 : 0)
  const said = families.filter(({ first }) => isSaid(first) && !isLabel(first))
  // what lies within the JSON text of both is the answer, and not the JSON
  const isOuter = ({ first: { path } }: F) => said.some(({ first }) => first.path.startsWith(`${path}.`))
  return said.filter(one => !isOuter(one)).sort((a, b) => rank(b) - rank(a))[0] as F | undefined
}

/** Columns of both sides beside the answers, by what their names share. */
export function bySide(
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

/** Numbers, bools, or text of which each value is one of them or none. */
export const isNumbers = (fact: Fact): boolean =>
  fact.kind === 'number' || isBools(fact) || isText(fact, isNumber) || (isFew(fact) && isText(fact, isScale))

/** Bools, or text of which each value is one or none. */
export const isBools = (fact: Fact): boolean => fact.kind === 'bool' || isText(fact, text => BOOL.test(text))

/** Answers may begin with numbers too: of scales a few values come again. */
const isFew = (fact: Fact): boolean => tallyOf(fact).length <= MOST_PLACES && fact.length < 80
const MOST_PLACES = 12
const isScale = (text: string): boolean => /^\s*(?:N\/A)?\s*$/i.test(text) || !Number.isNaN(numberIn(text))
const isNumber = (text: string): boolean => /^[-+\s\d.,eE/]*$|^\s*N\/A\s*$/i.test(text) && isScale(text)
const BOOL = /^\s*(?:true|false)?\s*$/i
const isText = ({ kind, values }: Fact, fits: (text: string) => boolean): boolean => {
  const said = values.flat().filter(value => value !== null && value !== '')
  return kind === 'text' && said.length > 0 && said.every(value => typeof value === 'string' && fits(value))
}
