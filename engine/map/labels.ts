/** What the values of a label may mean for two answers. */
import { tallyOf, type Fact } from './facts.ts'
import { TIES } from './names.ts'
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
  if (label.isList || tally.length < 2 || tally.length > MOST_VALUES) return undefined
  return label.kind === 'text'
    ? readTexts(label, tally, sides)
    : label.kind === 'bool'
      ? asked(label, true, false, [], sides)
      : label.kind === 'number'
        ? readNumbers(
            label,
            tally.map(([value]) => Number(value)),
            sides,
          )
        : undefined
}

function readTexts({ path }: Fact, tally: readonly [string, number][], sides: Sides): Reading | undefined {
  const values = tally.map(([value]) => value),
    [first, second, tie] = [0, 1, 2].map(side => values.filter(value => sideOf(value, sides) === side)),
    others = tally.filter(([value]) => sideOf(value, sides) === undefined)
  if (first.length === 0 || second.length === 0) return undefined
  const counts = others.map(([value, count]) => `'${value}' (${count})`).join(', ')
  return {
    prefer: preferOf(path, first, second, tie),
    asks: others.length === 0 ? [] : [`what does ${path} ${counts} mean? add it to first, second or tie`],
  }
}

const one = (values: readonly Scalar[]): Scalar | Scalar[] => (values.length === 1 ? values[0] : [...values])
const preferOf = (by: string, first: readonly Scalar[], second: readonly Scalar[], tie: readonly Scalar[]): Prefer => ({
  by,
  first: one(first),
  second: one(second),
  ...(tie.length === 0 ? {} : { tie: one(tie) }),
})

function asked({ path }: Fact, first: Scalar, second: Scalar, tie: readonly Scalar[], sides: Sides): Reading {
  const says = typeof first === 'string' ? first : `= ${first}`
  return {
    prefer: preferOf(path, [first], [second], tie),
    asks: [`does ${path} ${says} mean that ${sides.first.path} is the better one? if not, exchange first and second`],
  }
}

function readNumbers(label: Fact, values: readonly number[], sides: Sides): Reading | undefined {
  if (!values.every(Number.isFinite)) return undefined
  const [low, high] = [Math.min(...values), Math.max(...values)],
    only = (...some: number[]) => values.every(value => some.includes(value)),
    { marks } = sides
  // a number that names its side as the columns do
  if (marks.every(mark => /^\d$/.test(mark)) && only(...marks.map(Number), 0, 3) && values.includes(Number(marks[1]))) {
    const [first, second] = marks.map(Number)
    return asked(
      label,
      first,
      second,
      values.filter(value => value !== first && value !== second),
      sides,
    )
  }
  if (low < 0) return asked(label, '< 0', '> 0', [0], sides)
  if (only(0, 1)) return asked(label, 1, 0, [], sides)
  if (only(0, 1, 2)) return asked(label, 1, 2, [0], sides)
  if (only(1, 2, 3)) {
    return asked(
      label,
      1,
      2,
      values.filter(value => value === 3),
      sides,
    )
  }
  if (!values.every(Number.isInteger) || high - low < 3) return undefined
  // a scale from one answer to the other
  const middle = (low + high) / 2
  return asked(label, `< ${middle}`, `> ${middle}`, Number.isInteger(middle) ? [middle] : [], sides)
}
