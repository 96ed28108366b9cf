/** Which of two answers is the better one, by a label, by votes, or by the scores of both. */
import { DataType, type Data, type RecordBatch, type Schema } from 'apache-arrow'
import { nullTest } from '../arrow/columns.ts'
import { jsonValueOf } from '../arrow/plain.ts'
import { numbersOf } from './numbers.ts'
import { isIn, rangeOf } from './overlaps.ts'
import { findPath, readPath, type Path } from './paths.ts'
import { labelsOf, type Prefer, type Scalar } from './spec.ts'

/** What a row says: which answer is better, that none is, or nothing that can be read. */
export const FIRST = 0
export const SECOND = 1
export const TIE = 2
export const UNREAD = 3

/** Of each row one of the four, and what its label was where that matters. */
export interface Verdicts {
  readonly codes: Uint8Array
  /** Whether nobody said anything. */
  isNull?(row: number): boolean
  said(row: number): string
}

export interface Judge {
  readonly reads: readonly Path[]
  judge(batch: RecordBatch): Verdicts
}

/** Makes the judge of a file's rows. Throws where a column is not there or holds no labels. */
export function openJudge(prefer: Prefer, schema: Schema): Judge {
  const sides = prefer.higher ?? prefer.lower
  return sides ? byScores(prefer, sides, schema) : byLabels(prefer, schema)
}

function byScores(prefer: Prefer, sides: readonly string[], schema: Schema): Judge {
  const reads = sides.map(text => findPath(schema, text)),
    sign = prefer.higher ? 1 : -1
  return {
    reads,
    judge(batch) {
      const [a, b] = reads.map(path => numbersOf(readPath(path, batch), path.text))
      const codes = Uint8Array.from(a, (one, row) => {
        const gap = sign * (one - b[row])
        return Number.isNaN(gap) ? UNREAD : gap > 0 ? FIRST : gap < 0 ? SECOND : TIE
      })
      return { codes, said: row => `${sides.join(' and ')}: ${[a[row], b[row]].map(sayScore).join(' and ')}` }
    },
  }
}

const sayScore = (score: number): string => (Number.isNaN(score) ? 'none' : String(score))

/** The verdict that a label means. */
export type Rule = (label: Scalar) => number

function byLabels(prefer: Prefer, schema: Schema): Judge {
  const names = [prefer.by!].flat(),
    reads = names.map(text => labelPath(schema, text)),
    called = (prefer.names ?? []).map(text => labelPath(schema, text)),
    rule = ruleOf(prefer)
  return {
    reads: [...reads, ...called],
    judge(batch) {
      const votes = reads.map(path => (path.isList ? codesOfLists : codesOf)(readPath(path, batch), rule))
      if (called.length > 0) {
        const [a, b] = called.map(path => readPath(path, batch))
        reads.forEach((path, v) => {
          nameCodes(readPath(path, batch), a, b, votes[v].codes)
        })
      }
      const codes = votes.length === 1 ? votes[0].codes : majority(votes)
      return { codes, said: row => names.map((name, v) => `${name}: ${votes[v].said(row)}`).join(', ') }
    },
  }
}

function labelPath(schema: Schema, text: string): Path {
  const path = findPath(schema, text)
  let { type } = path
  while (path.isList && DataType.isList(type)) type = type.children[0].type as DataType
  if (DataType.isUtf8(type) || DataType.isInt(type) || DataType.isFloat(type) || DataType.isBool(type)) return path
  const advice = DataType.isList(type) ? '; of a list of labels, which are votes, put [] behind it' : ''
  throw new Error(`prefer: '${text}' is ${path.type}; a label is text, a number or a bool${advice}`)
}

/** What a label means: one of the four. */
export function ruleOf(prefer: Pick<Prefer, 'first' | 'second' | 'tie'>): Rule {
  const tests = labelsOf(prefer).map(values => values.map(testOf))
  return label => {
    const found = tests.flatMap((some, code) => (some.some(test => test(label)) ? [code] : []))
    return found.length === 1 ? found[0] : UNREAD
  }
}

/** A comparison with a number, or a value, 1 and '1' the same. */
function testOf(value: Scalar): (label: Scalar) => boolean {
  const range = rangeOf(value)
  if (!range) return label => String(label) === String(value)
  return label => typeof label !== 'boolean' && String(label).trim() !== '' && isIn(Number(label), range)
}

/** The verdict of each row's label; null is one too: nobody said anything. */
function codesOf(data: Data, rule: Rule): Verdicts {
  const isNull = nullTest(data),
    known = new Map<Scalar, number>()
  const labelAt = (row: number) => jsonValueOf(data, row) as Scalar
  const codes = Uint8Array.from({ length: data.length }, (_, row) => {
    if (isNull(row)) return UNREAD
    const label = labelAt(row)
    let code = known.get(label)
    if (code === undefined) known.set(label, (code = rule(label)))
    return code
  })
  return { codes, isNull, said: row => (isNull(row) ? 'null' : String(labelAt(row))) }
}

/** The same of lists of labels, and of lists within them: what most of them say. */
function codesOfLists(data: Data, rule: Rule): Verdicts {
  let offsets = data.valueOffsets as Int32Array,
    inner = data.children[0] as Data
  while (DataType.isList(inner.type as DataType)) {
    const own = inner.valueOffsets as Int32Array
    offsets = offsets.map(at => own[at])
    inner = inner.children[0] as Data
  }
  const { codes: all, isNull, said } = codesOf(inner, rule)
  const itemsOf = (row: number) =>
    Array.from({ length: offsets[row + 1] - offsets[row] }, (_, i) => offsets[row] + i).filter(item => !isNull!(item))
  return {
    codes: Uint8Array.from({ length: data.length }, (_, row) => mostOf(itemsOf(row).map(item => all[item]))),
    isNull: row => itemsOf(row).length === 0,
    said: row => itemsOf(row).map(said).join(', ') || 'none',
  }
}

/** Puts in the verdicts of labels that are what one of the answers is called in its row, and not the other too. */
function nameCodes(labels: Data, a: Data, b: Data, codes: Uint8Array): void {
  const [label, first, second] = [labels, a, b].map(data => (row: number) => jsonValueOf(data, row))
  for (let row = 0; row < codes.length; row++) {
    const said = label(row)
    if (codes[row] !== UNREAD || said === null) continue
    const isFirst = said === first(row)
    if (isFirst !== (said === second(row))) codes[row] = isFirst ? FIRST : SECOND
  }
}

/** What most of some votes say: as many for one as for the other are a tie; one nobody named may be for either. */
function mostOf(codes: readonly number[]): number {
  const count = (code: number) => codes.filter(one => one === code).length
  if (codes.length === 0 || count(UNREAD) > 0) return UNREAD
  return count(FIRST) > count(SECOND) ? FIRST : count(SECOND) > count(FIRST) ? SECOND : TIE
}

/** What most columns say. Null does not count. */
const majority = (votes: readonly Verdicts[]): Uint8Array =>
  votes[0].codes.map((_, row) => mostOf(votes.filter(vote => !vote.isNull!(row)).map(({ codes }) => codes[row])))
