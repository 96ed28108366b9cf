/** The list for people of a published run: the rows of a sink with `for: review`. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { DataError, EXIT, SluiceError } from '../../engine/errors.ts'
import type { Card } from '../../engine/report/cards.ts'
import type { SaidText } from '../../engine/report/shape.ts'
import { readManifest } from '../../engine/run/inspect.ts'
import { doubtSaid } from '../../stages/sinks/asked.ts'
import { blocksIn, isReadable, saidOf, wholeRow, type Row } from '../answers/rows.ts'

/** A pair that people are asked about, and what a decision on it carries. */
export interface Listed extends Card {
  readonly id: string
  /** Hash of what the pair was; absent where the list has none. */
  readonly content?: string
}

/** Pairs at most: what one page shows is held in memory. */
const MOST = 10_000

/** Reads the list, in its order. `sink` is needed where there is more than one. */
export async function readList(folder: string, sink?: string): Promise<{ sink: string; pairs: Listed[] }> {
  const manifest = readManifest(folder),
    { graph, files } = manifest
  // what was written for another tool is shown there
  const partsOf = (sink: string) => Object.keys(files).filter(file => file.startsWith(`${sink}/`) && isReadable(file))
  const names = graph.stages
    .filter(stage => (stage.with as { for?: string } | undefined)?.for === 'review')
    .map(({ id }) => id)
    .filter(id => partsOf(id).length > 0)
  if (names.length === 0) {
    throw new SluiceError(
      `sluice review: ${folder} has no list for people; add a sink to the graph, as { id: humans, use: write_parquet, from: noise.doubtful, with: { for: review, order_by: noise_probability, limit: 200 } }`,
      EXIT.noInput,
    )
  }
  const id = sink ?? names[0]
  if ((sink === undefined && names.length > 1) || !names.includes(id)) {
    throw new SluiceError(
      `sluice review: ${sink === undefined ? `${folder} has several lists` : `there is no list '${sink}' in ${folder}`}; name one by --list: ${names.join(', ')}`,
      EXIT.usage,
    )
  }
  const pairs: Listed[] = []
  for (const file of partsOf(id).sort()) {
    await whole(folder, file, files[file].sha256!)
  }
  for await (const block of blocksIn(folder, manifest, id)) {
    for (let row = 0; row < block.rows && pairs.length < MOST; row++) pairs.push(listed(wholeRow(block, row), id))
    if (pairs.length >= MOST) break
  }
  return { sink: id, pairs }
}

/** Decisions on pairs that are not what the run found would be worse than none. */
async function whole(folder: string, file: string, sha256: string): Promise<void> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(join(folder, file))) hash.update(chunk as Buffer)
  if (hash.digest('hex') === sha256) return
  throw new DataError(
    `${join(folder, file)} is not what the run published (its sha256 differs); publish again by running the same graph`,
  )
}

function textOf(row: Row, name: 'prompt' | 'chosen' | 'rejected', id: string): SaidText {
  const said = saidOf(row[name])
  if (said !== undefined) return said
  throw new DataError(`sluice review: the list has no text in ${name} of '${id}'; publish prompt, chosen and rejected`)
}

/** What a row of the list says of its pair. Columns of a stage are named `<stage>_probability` and so on. */
function listed(row: Row, sink: string): Listed {
  const id = row.id
  if (typeof id !== 'string') throw new DataError(`sluice review: the list '${sink}' has rows without an id`)
  const find = (end: string) => Object.entries(row).find(([name, value]) => name.endsWith(end) && value !== null)?.[1]
  const facts = [...doubtSaid(find('_probability'), find('_agreement'), find('_against')), id]
  return {
    id,
    prompt: textOf(row, 'prompt', id),
    chosen: textOf(row, 'chosen', id),
    rejected: textOf(row, 'rejected', id),
    facts,
    ...(typeof row.content_hash === 'string' ? { content: row.content_hash } : {}),
  }
}
