/** Raw rows of any layout as pairs: id, prompt, chosen, rejected, then what else the file has. */
import { Float64, Schema, Utf8, type Data, type Field, type List, type RecordBatch } from 'apache-arrow'
import { messagesType, runsOfRows, take, textColumn } from '../arrow/columns.ts'
import { field, toRecordBatch } from '../arrow/flow.ts'
import { openMap, type MappedBatch } from '../map/open.ts'
import type { MapSpec } from '../map/spec.ts'
import type { Tree } from '../map/made.ts'
import { otherFields } from './completions.ts'
import { checkFields, checkText, hasExtras } from './forms.ts'
import { givenIds, pairHasher, rawHash, textFromBytes } from './ids.ts'
import type { SourceBatch } from './input.ts'
import { convertCompletions } from './many_sides.ts'
import { columnOf, isAnswers, isWhole, usedColumns, type Bound, type Mapping } from './mapping.ts'
import { pairingOf, type PairingOptions } from './pairing.ts'
import { findSideScores, weighSides, type ScoreOptions } from './side_scores.ts'
import { SIDES, sidesHoldPrompt, type ReasonName } from './task.ts'
import { convertPairs } from './two_sides.ts'

/** Beside them which scored completions meet, as usual where nothing is said. */
export interface ConvertOptions extends Partial<PairingOptions>, Partial<ScoreOptions> {
  /** Columns of the file to carry beside the pair; all when undefined. */
  readonly carry?: readonly string[]
  /** All messages of the file, where its rows are messages of trees. */
  readonly tree?: Tree
}

const PAIR = ['id', 'prompt', 'chosen', 'rejected'] as const

interface Carried {
  readonly from: string
  readonly field: Field
}

/** What a file's rows become. `schema` is of the pairs. */
export interface Converter {
  readonly schema: Schema
  /**
   * `rows` are the file's rows of the batch; of a mapping also those that are no pair before they are looked at, and
   * those with an answer that is left out. The batch must be of the schema that the converter was made for.
   */
  convert(raw: RecordBatch, rows: Uint32Array, mapped?: Omit<MappedBatch, 'batch'>): SourceBatch
}

/**
 * Which sides get a column of their messages' further fields: both, if one may have some, so that they can change
 * places.
 */
function extraSides(plan: Mapping, raw: Schema): readonly (typeof SIDES)[number][] {
  const has = (bound: Bound | null) =>
    bound !== null && hasExtras(bound.form, raw.fields.find(({ name }) => name === bound.column)!.type)
  const inSides = has(plan.chosen) || has(plan.rejected)
  return SIDES.filter(side =>
    side === 'prompt'
      ? has(plan.prompt) || (sidesHoldPrompt(plan) && (inSides || plan.completions?.extras))
      : (inSides && plan[side] !== null) || plan.completions?.extras,
  )
}

function carriedColumns(
  plan: Mapping,
  raw: Schema,
  made: readonly string[],
  carry: readonly string[] | undefined,
): Carried[] {
  // a conversation that holds its prompt has no place for its parts, so they are not lost beside it
  const parts = isWhole(plan.chosen) && isWhole(plan.rejected) ? plan.parts : {},
    beside = [parts.history, parts.context, parts.input]
  const used = new Set(usedColumns(plan).filter(name => !beside.includes(name))),
    taken = new Set<string>([...PAIR, ...made])
  const kept = raw.fields.filter(
    ({ name }) => !used.has(name) && (!carry || [...carry, plan.scored?.column].includes(name)),
  )
  const names = new Set(kept.map(({ name }) => name))
  return kept.map(column => {
    let { name } = column
    // a column that is not the pair's but has its name
    while (taken.has(name) || (name !== column.name && names.has(name))) name = `source_${name}`
    taken.add(name)
    return { from: column.name, field: field(name, column.type, column.nullable) }
  })
}

/** The same where a mapping makes the columns of which the pairs are made; `raw` is of the file. */
export function openMapped(
  map: MapSpec | undefined,
  plan: Mapping,
  raw: Schema,
  { carry, tree, ...options }: ConvertOptions = {},
): Converter {
  if (!map) return openConverter(plan, raw, { ...options, ...(carry ? { carry } : {}) })
  const mapped = openMap(map, raw),
    kept = carry?.flatMap(name => mapped.named.get(name) ?? [])
  const inner = openConverter(plan, mapped.schema, { ...options, ...(kept ? { carry: [...kept, ...mapped.own] } : {}) })
  return {
    schema: inner.schema,
    convert(batch, rows) {
      const { batch: made, ...of } = mapped.apply(batch, tree)
      return { ...inner.convert(made, rows, of), raw: batch }
    },
  }
}

/** Makes the converter for files of this raw schema. */
export function openConverter(plan: Mapping, raw: Schema, { carry, ...given }: ConvertOptions = {}): Converter {
  const pairing = pairingOf(given),
    { ties = 'keep', opposed = 'keep' } = given,
    scores = plan.chosen && plan.rejected ? findSideScores(raw) : undefined
  for (const name of usedColumns(plan)) checkFields(name, raw.fields.find(column => column.name === name)!.type)
  const extras = extraSides(plan, raw)
  const made = [
    ...extras.map(side => `source_${side}_fields`),
    ...(plan.completions ? ['source_chosen_score', 'source_rejected_score'] : []),
  ]
  const { list } = plan.completions ?? {}
  // what a list's completions have beside text and score goes with the side that it speaks of
  const others = list === undefined || (carry && !carry.includes(list)) ? [] : otherFields(plan.completions!, raw)
  const ofSides = (['chosen', 'rejected'] as const).flatMap(side =>
    others.map(({ field: { name, type }, at }) => {
      const own = `source_${side}_${name}`
      return { side, at, field: field(made.includes(own) ? `source_${own}` : own, type) }
    }),
  )
  // an answer is no pair, and has no other side
  const sidesHere = isAnswers(plan) ? SIDES.filter(side => side !== 'rejected') : SIDES
  const carried = carriedColumns(plan, raw, [...made, ...ofSides.map(column => column.field.name)], carry)
  const schema = new Schema([
    field('id', new Utf8(), false),
    ...sidesHere.map(side => field(side, messagesType, false)),
    ...made.map(name => field(name, name.endsWith('_score') ? new Float64() : new Utf8())),
    ...ofSides.map(column => column.field),
    ...carried.map(column => column.field),
  ])
  // a row that is no pair is told from others by what a layout needs of it, or by the line that could not be read
  const used = [
    ...usedColumns({ ...plan, id: null }),
    ...(plan.scored ? [plan.scored.column] : []),
    ...raw.names.map(String).filter(name => name === 'source_line'),
  ]
  const convert = plan.completions ? convertCompletions : convertPairs
  return {
    schema,
    convert(batch, rows, { unmapped, contradicted } = { unmapped: [], contradicted: [] }) {
      const column = (name: string): Data => columnOf(batch, name)!
      for (const name of usedColumns(plan)) checkText(name, column(name))
      const refused: SourceBatch['refused'][number][] = []
      const mask = new Uint8Array(batch.numRows)
      const refuse = (row: number, reason: ReasonName, value?: number, error?: string): void => {
        if (mask[row]) return
        mask[row] = 1
        refused.push({
          row: rows[row],
          reason,
          ...(value === undefined ? {} : { value }),
          ...(error === undefined ? {} : { error }),
        })
      }
      for (const { row, reason, error } of unmapped) refuse(row, reason, undefined, error)
      const task = { plan, rows: batch.numRows, column, refuse, mask, extras, ofSides, pairing },
        opposing: { row: number; reason: ReasonName }[] = []
      for (const row of contradicted) opposing.push({ row, reason: 'contradicted_score' })
      if (scores) weighSides(scores, { ties, opposed }, task, (row, reason) => opposing.push({ row, reason }))
      const given = givenIds(plan.id === null ? undefined : column(plan.id), batch.numRows)
      const { parents, sides, madeColumns, suffix, noted = [] } = convert(task)
      refused.sort((a, b) => a.row - b.row)
      const { ids, pairIds } = nameRows(given, parents, plan.scored ? undefined : sides, suffix, row =>
        rawHash(used.map(column), row),
      )
      const whole = parents.length === batch.numRows && !suffix
      const runs = whole ? [] : runsOfRows(parents)
      const beside = carried.map(({ from }) => (whole ? column(from) : take(column(from), runs)))
      const pairs = toRecordBatch(
        schema,
        [pairIds, ...sides.slice(0, sidesHere.length), ...madeColumns, ...beside],
        parents.length,
      )
      return {
        pairs,
        row: parents.map(row => rows[row]),
        refused,
        // a row that became no pair is told by that alone
        noted: [
          ...opposing.filter(({ row }) => mask[row] === 0),
          ...noted.filter(({ row, reason }) => reason !== 'unused_completion' || !contradicted.includes(row)),
        ].map(({ row, reason }) => ({
          row: rows[row],
          reason: reason satisfies ReasonName,
        })),
        rows,
        ids,
        raw: batch,
      }
    },
  }
}

/**
 * Ids of all raw rows and of the pairs; a row without one gets a hash, a pair that is one of several its row's id and
 * its number.
 */
function nameRows(
  given: ReturnType<typeof givenIds>,
  parents: Uint32Array,
  sides: readonly Data<List>[] | undefined,
  suffix: Uint32Array | undefined,
  hashRaw: (row: number) => Uint8Array,
): { ids: Data; pairIds: Data } {
  let ids: Data
  if (Array.isArray(given)) {
    const named = given as (Uint8Array | undefined)[]
    if (!suffix && sides) {
      const hashPair = pairHasher(sides[0], sides[1], sides[2])
      parents.forEach((row, i) => {
        named[row] ??= hashPair(i)
      })
    }
    ids = textFromBytes(Array.from(named, (name, row) => name ?? hashRaw(row)))
  } else {
    ids = given
  }
  if (suffix) {
    const { bytes, offsets } = textColumn(ids)
    const numbered = (row: number, i: number) =>
      Buffer.concat([bytes.subarray(offsets[row], offsets[row + 1]), Buffer.from(`-${suffix[i]}`)])
    return { ids, pairIds: textFromBytes(Array.from(parents, numbered)) }
  }
  return { ids, pairIds: parents.length === ids.length ? ids : take(ids, runsOfRows(parents)) }
}
