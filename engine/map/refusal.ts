/** What is said of a file of which nobody can tell how its pairs lie: what it may be, what is asked, what to paste. */
import type { RecordBatch, Schema } from 'apache-arrow'
import { stringify } from 'yaml'
import type { Preset } from './presets.ts'
import { propose } from './propose.ts'
import type { Proposal } from './proposal.ts'
import type { MapSpec } from './spec.ts'

/** A mapping as one line of a graph. */
export const mapLine = (map: MapSpec | string): string =>
  `map: ${stringify(map, { collectionStyle: 'flow', lineWidth: 0 }).trim()}`

/** Proposals that a refusal shows at most. */
export const MOST_SHOWN = 3

export const proposalLines = ({ what, asks, map }: Proposal): string[] => [
  what,
  ...asks.map(ask => `  ? ${ask}`),
  `  ${mapLine(map)}`,
]

const columnsOf = (schema: Schema): string =>
  schema.fields.map(({ name, type }) => `${name} ${type}`).join(', ') || 'none'

/**
 * Why a file cannot be read as it is, and what to do; several lines. `near` is what is nearly right of it, `fitting`
 * are the presets that it may be.
 */
export function refusalOf(
  schema: Schema,
  samples: readonly RecordBatch[],
  near: string,
  fitting: readonly Preset[],
): string {
  if (fitting.length > 0) {
    const lines = fitting.flatMap(({ name, about, notes }) => [`${about}: ${notes}`, `  ${mapLine(name)}`])
    return ['it can be read in more ways than one; which of them is yours to say:', ...lines, HOW].join('\n  ')
  }
  const { proposals, none } = propose(schema, samples)
  if (none !== undefined) {
    return `${near}no pairs are found in it: ${none}; there are ${columnsOf(schema)}. Where there are pairs, 'map' or 'rename' of the source says where (docs/layouts.md)`
  }
  const more = proposals.length - MOST_SHOWN
  return [
    `${near}how its pairs lie is not certain, and is not guessed:`,
    ...proposals.slice(0, MOST_SHOWN).flatMap(proposalLines),
    ...(more > 0 ? [`and ${more} more, as sluice look tells`] : []),
    HOW,
  ].join('\n  ')
}

const HOW =
  "put the line that is right into the graph, below `with` of the source, or give it by --set '<its id>.map=…'; sluice look FILE --map … shows two pairs of it"
