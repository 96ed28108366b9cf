/** What the values of a label may mean for two answers. */
import { tallyOf, type Fact } from './facts.ts'
import { LABEL, MARKS, TIES, WORSE } from './names.ts'
import type { Prefer, Scalar } from './spec.ts'

/** Two columns of answers, and by which part of their names they differ. */
export interface Sides {
  readonly first: Fact
  readonly second: Fact
  readonly marks: readonly [string, string]
}

export interface Reading {
  readonly prefer: Prefer
  /** What only the user can say. */
  readonly asks: readonly string[]
}

/** Values of a label at most: more are no label. */
const MOST_VALUES = 12

/** What may stand before the mark of a side. */
const SIDE = '(?:(?:the )?(?:model|response|answer|assistant|output|option|side|completion|candidate|summary|text) ?)?'
const SAYS = new RegExp(
  `^${SIDE}([^<> ]+(?: [^<> ]+)??)(?: ?(?:[<>]+|over|beats|(?:(?:is|was) )?(?!(?:not|no|never) )(?:\\w+ )?better(?: than)?|wins(?: over)?|(?:is )?preferred(?: to| over)?) ?(?:${SIDE}([^<> ]+))?)?\\.?$`,
)

const plain = (text: string): string => text.toLowerCase().replaceAll('_', ' ').trim()

/** The side that a text names, 0 or 1; 2 where it names none as the better one, undefined where nobody can tell. */
function sideOf(text: string, { first, second, marks }: Sides): number | undefined {
  const said = plain(text)
    // the place on a scale
    .replace(/^[-+]?\d+ ?[-–—:.)=] ?(?=\p{L})/u, '')
    .replace(/^\[+|\]+$|\.$/g, '')
    .replace(/\s*([<>=]+)\s*/g, '$1')
  if (TIES.test(said)) return 2
  const sideAt = (word: string): number =>
    [first, second].findIndex(({ name }, i) => word === plain(name) || word === plain(marks[i]))
  // `Response 1 is better than Response 2`, `A>B`, `model_a`: who stands first is the better one
  const [, one, other] = SAYS.exec(said) ?? [],
    side = one === undefined ? -1 : sideAt(one),
    rest = other === undefined ? undefined : sideAt(other)
  if (side < 0 || (rest !== undefined && rest !== 1 - side)) return undefined
  return /<+/.test(said) ? 1 - side : side
}

/** How a column may say which of two answers is better; undefined where it holds no labels. */
export function readLabel(label: Fact, sides: Sides): Reading | undefined {
  const tally = tallyOf(label)
  if (label.isList) return undefined
  if (tally.length < 2) return isNamed(label) ? readOne(label, tally[0], sides) : undefined
  if (label.kind === 'number' && isNamed(label) && !tally.every(([value]) => Number.isInteger(Number(value)))) {
    return readShares(label, tally, sides)
  }
  if (tally.length > MOST_VALUES) return undefined
  if (label.kind === 'bool') return asked(label, true, false, sides)
  const isNumber = label.kind === 'number' || tally.every(([value]) => isPlainNumber(value))
  if (isNumber) return label.kind === 'number' || isNamed(label) ? readNumbers(label, tally, sides) : undefined
  return label.kind === 'text' ? readTexts(label, tally, sides) : undefined
}

/** A label of which the first rows hold one value: the other's is asked, by how the columns differ. */
function readOne({ path, kind }: Fact, said: [string, number] | undefined, sides: Sides): Reading | undefined {
  const { first, second, marks } = sides
  const [value, count] = said ?? ['', 0],
    side = kind === 'text' || /^\d$/.test(value) ? sideOf(value, sides) : undefined
  if (side !== 0 && side !== 1) return undefined
  const at = value.toLowerCase().lastIndexOf(marks[side]),
    mark = marks[1 - side],
    found = value.slice(at, at + marks[side].length),
    swapped = value.slice(0, at) + (found === marks[side] ? mark : mark.toUpperCase()) + value.slice(at + found.length),
    text = at < 0 ? [first, second][1 - side].name : swapped
  const values = [value, text].map(one => (kind === 'number' ? Number(one) : one))
  return {
    prefer: preferOf(path, [values[side]], [values[1 - side]], []),
    asks: [
      `${path} is ${value} in all of the first rows (${count}): is it ${text} where ${[first, second][1 - side].path} is the better one?`,
    ],
  }
}

/** Whether its name says that it tells which answer is better: its values alone do not. */
const isNamed = ({ name }: Fact): boolean => LABEL.test(name) || WORSE.test(name)

/** Whether a text is the number that it reads as, and so may be named by it. */
const isPlainNumber = (text: string): boolean => text !== '' && String(Number(text)) === text

function readTexts(label: Fact, tally: readonly [string, number][], sides: Sides): Reading | undefined {
  const { path } = label,
    values = tally.map(([value]) => value),
    [first, second, tie] = [0, 1, 2].map(side => values.filter(value => sideOf(value, sides) === side)),
    others = tally.filter(([value]) => sideOf(value, sides) === undefined)
  if (first.length === 0 || second.length === 0) {
    return isNamed(label) ? readMarks(path, values, tie, sides) : undefined
  }
  const counts = others.map(([value, count]) => `'${value}' (${count})`).join(', ')
  return {
    prefer: preferOf(path, first, second, tie),
    asks: others.length === 0 ? [] : [`what does ${path} ${counts} mean? add it to first, second or tie`],
  }
}

/** Two values that are marks of two sides, but not of these columns, as A and B of a1 and a2. */
function readMarks(path: string, values: readonly string[], tie: readonly string[], sides: Sides): Reading | undefined {
  const sided = values.filter(value => !tie.includes(value))
  if (sided.length !== 2) return undefined
  const found = MARKS.flatMap(marks => {
    const [first, second] = [0, 1].map(side => sided.find(value => sideOf(value, { ...sides, marks }) === side))
    return first !== undefined && second !== undefined && first !== second ? [[first, second]] : []
  })
  return found.length === 0 ? undefined : asked({ path }, found[0][0], found[0][1], sides, tie)
}

/** Labels of which no word says what they mean: all is asked. A word for a tie is one. */
export function unread(label: Fact, { first, second }: Sides): Reading {
  const tally = tallyOf(label),
    ties = tally.flatMap(([value]) => (TIES.test(plain(value)) ? [value] : [])),
    tie = ties.length > 0 ? ties : tally.length > 2 ? ['TIE'] : [],
    counts = tally.filter(([value]) => !ties.includes(value)).map(([value, count]) => `${value} (${count})`)
  const places = [
    `put the value by which ${first.path} is the better one in place of FIRST`,
    `that of ${second.path} in place of SECOND`,
    ...(tie[0] === 'TIE' ? ['that of neither in place of TIE, or leave out tie'] : []),
  ]
  return {
    prefer: preferOf(label.path, ['FIRST'], ['SECOND'], tie),
    asks: [`what does ${label.path} ${counts.join(', ')} mean? ${places.join(', ')}`],
  }
}

/** Whether a reading is one of which all is asked. */
export const isUnread = ({ prefer }: Reading): boolean => prefer.first === 'FIRST'

const one = (values: readonly Scalar[]): Scalar | Scalar[] => (values.length === 1 ? values[0] : [...values])
const preferOf = (by: string, first: readonly Scalar[], second: readonly Scalar[], tie: readonly Scalar[]): Prefer => ({
  by,
  first: one(first),
  second: one(second),
  ...(tie.length === 0 ? {} : { tie: one(tie) }),
})

function asked(
  { path }: Pick<Fact, 'path'>,
  first: Scalar,
  second: Scalar,
  sides: Sides,
  tie: readonly Scalar[] = [],
): Reading {
  const says = typeof first === 'string' ? first : `= ${first}`
  return {
    prefer: preferOf(path, [first], [second], tie),
    asks: [
      `does ${path} ${says} mean that ${sides.first.path} is the better one? if not, exchange first and second`,
      ...tie.flatMap(value =>
        typeof value === 'number' ? [`is ${path} = ${value} a tie? if not, leave it out of tie`] : [],
      ),
    ],
  }
}

/** Numbers to both sides of 0: scales run from the first answer to the second, and a margin is that of the first. */
function signed(label: Fact, values: readonly number[], sides: Sides): Reading {
  const [first, second] = /margin/i.test(label.name) ? ['> 0', '< 0'] : ['< 0', '> 0']
  return asked(label, first, second, sides, values.includes(0) ? [0] : [])
}

/** Numbers between those of the two answers, as how surely one of them is preferred. */
function readShares(label: Fact, tally: readonly [string, number][], sides: Sides): Reading | undefined {
  const values = tally.map(([value]) => Number(value)),
    [low, high] = [Math.min(...values), Math.max(...values)]
  if (low < 0) return signed(label, values, sides)
  if (high <= 1) return asked(label, '> 0.5', '< 0.5', sides, values.includes(0.5) ? [0.5] : [])
  return low >= 1 && high <= 2 ? asked(label, '< 1.5', '> 1.5', sides, values.includes(1.5) ? [1.5] : []) : undefined
}

/** Numbers as labels: which side one is of is asked, and so is a tie. */
function readNumbers(label: Fact, tally: readonly [string, number][], sides: Sides): Reading | undefined {
  const values = tally.map(([value]) => Number(value))
  if (!values.every(Number.isFinite)) return undefined
  const [low, high] = [Math.min(...values), Math.max(...values)],
    only = (...some: number[]) => values.every(value => some.includes(value)),
    marks = sides.marks.map(mark => ({ 一: '1', 二: '2' })[mark] ?? mark)
  // a number that names its side as the columns do
  if (marks.every(mark => /^\d$/.test(mark)) && marks.every(mark => values.includes(Number(mark)))) {
    const [first, second] = marks.map(Number),
      others = values.filter(value => value !== first && value !== second)
    if (others.length < 2) return asked(label, first, second, sides, others)
  }
  if (low < 0) return signed(label, values, sides)
  if (only(0, 1)) return asked(label, 1, 0, sides)
  if (only(1, 2)) return asked(label, 1, 2, sides)
  if (values.length < 4 && high - low <= 3) return unread(label, sides)
  if (!values.every(Number.isInteger) || high - low < 3) return undefined
  // a scale from one answer to the other
  const middle = (low + high) / 2
  return asked(label, `< ${middle}`, `> ${middle}`, sides, values.includes(middle) ? [middle] : [])
}
