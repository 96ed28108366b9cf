/** Small tables read as a run would, by what is found or by a mapping. */
import type { RecordBatch } from 'apache-arrow'
import type { MapSpec } from '../../engine/map/spec.ts'
import { openMapped, type ConvertOptions } from '../../engine/source/convert.ts'
import { howPairsLie, layoutThatFits, type How } from '../../engine/source/how.ts'
import { pairsOf, rowsFrom, table, type Row } from '../sources/helpers.ts'

type Pair = ReturnType<typeof pairsOf>[number] & Readonly<Record<string, unknown>>

export interface MapRead {
  readonly how: How
  readonly pairs: Pair[]
  /** Reason and detail of each row that is no pair. */
  readonly refused: Record<number, string>
  readonly errors: Record<number, string | undefined>
  readonly noted: [number, string][]
}

const text = (messages: unknown): string => (messages as { content: string }[]).map(({ content }) => content).join('|')

/** What the sides of pairs say, one line each. */
export const sides = ({ pairs }: MapRead): [string, string][] =>
  pairs.map(({ chosen, rejected }) => [text(chosen), text(rejected)])

export const prompts = ({ pairs }: MapRead): string[] => pairs.map(({ prompt }) => text(prompt))

export async function readMapped(
  rows: readonly Row[] | RecordBatch,
  map?: MapSpec | string,
  options: ConvertOptions = {},
): Promise<MapRead> {
  const batch = Array.isArray(rows) ? table(rows) : (rows as RecordBatch),
    said = { layout: 'auto', answer: 'answer', map } as const,
    sample = () => Promise.resolve([batch]),
    how = (await layoutThatFits(batch.schema, said, sample)) ?? (await howPairsLie(batch.schema, said, sample)),
    got = openMapped(how.map, how.pairs, batch.schema, options).convert(batch, rowsFrom(0, batch.numRows))
  return {
    how,
    pairs: pairsOf(got) as Pair[],
    refused: Object.fromEntries(got.refused.map(({ row, reason }) => [row, reason])),
    errors: Object.fromEntries(got.refused.map(({ row, error }) => [row, error])),
    noted: (got.noted ?? []).map(({ row, reason }) => [row, reason]),
  }
}

export const failure = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'nothing was thrown',
    (error: Error) => error.message,
  )
