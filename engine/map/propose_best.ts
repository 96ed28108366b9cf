/** What may say which of several answers is the best one: its place, a letter, or what the answer is called. */
import { tallyOf, type Fact } from './facts.ts'
import { LABEL } from './names.ts'
import type { MapSpec } from './spec.ts'

export interface Best {
  readonly path: string
  readonly index: NonNullable<MapSpec['index']>
  readonly asks: readonly string[]
}

/** Names of what says it beside those of labels. */
const KEY = /^(?:answer(?:_?key|_?idx)?|correct|key|accept|idx|index)/i

/** Answers as columns or as a list: how many a row has, and what they are called there. */
export interface Called {
  readonly sizes: readonly number[]
  /** Names in the order of answers: of each row a list, or of all rows one. */
  readonly names: readonly { readonly names: string | readonly string[]; of(row: number): readonly unknown[] }[]
}

/** Columns that may name the best answer, what they say taken as what most fits. */
export function bestOf(facts: readonly Fact[], { sizes, names }: Called): Best[] {
  const labels = facts.filter(
    ({ name, kind }) =>
      ['text', 'number', 'bool'].includes(kind) && (LABEL.test(name) || KEY.test(name)) && !/count/i.test(name),
  )
  return labels.flatMap((fact): Best[] => {
    const { path } = fact,
      said = fact.values.map(value => [value].flat().filter(one => one !== null))
    const isAll = (fits: (value: unknown, row: number) => boolean) =>
      said.some(row => row.length > 0) && said.every((row, i) => row.every(value => fits(value, i)))
    const isPlace = (from: number) =>
      isAll((value, row) => {
        const place = typeof value === 'boolean' || value === '' ? NaN : Number(value) - from
        return Number.isInteger(place) && place >= 0 && place < sizes[row]
      })
    const own = names.find(one => isAll((value, row) => one.of(row).some(name => String(name) === String(value))))
    // of so many answers a number that is none of their places, and comes beside all of them, says perhaps that none is
    const tied = tiedPlaces(tallyOf(fact).map(([value]) => value), sizes) // prettier-ignore
    if (tied) return [{ path, index: path, asks: [`is ${path} counted from 0, and ${tied} a tie? if it is counted from 1, and 0 a tie, index: { by: ${path}, from: 1 }; rows of a tie are no pairs`] }] // prettier-ignore
    // a number is a place before it is a name
    if (isPlace(0)) return [{ path, index: path, asks: [`is ${path} counted from 0? if from 1, index: { by: ${path}, from: 1 }`] }] // prettier-ignore
    if (isPlace(1)) return [{ path, index: { by: path, from: 1 }, asks: [`is ${path} counted from 1, the best answer's place?`] }] // prettier-ignore
    if (own) return [{ path, index: { by: path, names: own.names as string }, asks: [] }]
    const isLetter = isAll(
      (value, row) => typeof value === 'string' && /^\s*[a-z]\s*$/i.test(value) && placeOfLetter(value) < sizes[row],
    )
    return isLetter && (tallyOf(fact).length > 1 || fact.isList)
      ? [
          {
            path,
            index: { by: path, from: 'A' },
            asks: [`is ${path} the letter of the best answer, A that of the first?`],
          },
        ]
      : []
  })
}

/** Where all rows have two answers, and a label is 0, 1 or 2: what may be a tie. */
const tiedPlaces = (values: readonly string[], sizes: readonly number[]): string | undefined =>
  sizes.every(size => size === 2) && values.length === 3 && ['0', '1', '2'].every(place => values.includes(place))
    ? '2'
    : undefined

const placeOfLetter = (value: string): number => value.trim().toUpperCase().charCodeAt(0) - 'A'.charCodeAt(0)
