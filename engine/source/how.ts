/** How the pairs of a file lie: by the user's word, by a layout that fits, by a preset; else it is asked. */
import { DataType, type Data, type RecordBatch, type Schema } from 'apache-arrow'
import { DataError } from '../errors.ts'
import { openMap, type OpenMap } from '../map/open.ts'
import { readPath } from '../map/paths.ts'
import { openJudge, UNREAD } from '../map/prefer.ts'
import { fittingPresets, presetNamed, type Preset } from '../map/presets.ts'
import type { MapSpec } from '../map/spec.ts'
import { findLayout, mappedLayout, nearMiss, sampleColumns, wantedLayout } from './layouts.ts'
import { isDoubted, textsOf } from './doubts.ts'
import type { Mapping, Sample } from './mapping.ts'
import type { SourceOptions } from './options.ts'

/** What was found. `map` makes the columns that `pairs` is of; without it they are the file's own. */
export interface How {
  readonly pairs: Mapping
  readonly map?: MapSpec
  readonly mapped?: OpenMap
  /** A name of the table of layouts, of a preset, or `map`. */
  readonly layout: string
  /** What the mapping was taken for, where nobody named it. */
  readonly found?: string
}

type Said = Pick<SourceOptions, 'layout' | 'map' | 'answer'>

/** The mapping that the user gives, by itself or by a preset's name. */
export const givenMap = ({ map }: Pick<Said, 'map'>): MapSpec | undefined =>
  typeof map === 'string' ? presetNamed(map).map : map

/** The layout of a file, where nothing is said of it and one fits. */
export async function layoutThatFits(schema: Schema, said: Said, sample: Sample): Promise<How | undefined> {
  if (said.map !== undefined || said.layout !== 'auto') return undefined
  const samples = await sample(sampleColumns(schema, said.answer)),
    pairs = findLayout(schema, samples)
  if (!pairs || (await isDoubted(schema, pairs, samples, sample))) return undefined
  refusePython(pairs, samples)
  return { pairs, layout: pairs.layout }
}

/**
 * Finds out how pairs lie in a file of this schema that no layout fits by itself. Throws what is to be done where
 * nobody can tell.
 */
export async function howPairsLie(schema: Schema, { layout, map: given, answer }: Said, sample: Sample): Promise<How> {
  if (given !== undefined) {
    if (layout !== 'auto') throw new DataError("options 'map' and 'layout' say both how pairs lie; leave out layout")
    const named = typeof given === 'string' ? presetNamed(given) : undefined
    return byMap(schema, named?.map ?? (given as MapSpec), sample, named?.name ?? 'map')
  }
  if (layout !== 'auto') {
    return { pairs: wantedLayout(schema, await sample(sampleColumns(schema, answer)), layout, answer), layout }
  }
  const fitting: Preset[] = []
  for (const preset of fittingPresets(schema)) {
    if (opens(preset.map, schema) && (await isJudged(preset.map, schema, sample))) fitting.push(preset)
  }
  if (fitting.length === 1) return { ...(await byPreset(schema, fitting[0], sample)) }
  // loaded only where a file is asked about
  const [{ propose }, { refusalOf }] = await Promise.all([import('../map/propose.ts'), import('../map/refusal.ts')])
  const all = await sample(schema.names.map(String)),
    { proposals } = propose(schema, all),
    certain = proposals.filter(({ isCertain }) => isCertain)
  if (fitting.length === 0 && certain.length === 1) {
    return { ...(await byMap(schema, certain[0].map, sample, 'map')), found: certain[0].what }
  }
  throw new DataError(refusalOf(schema, all, nearMiss(schema), fitting))
}

const byPreset = async (schema: Schema, { name, about, map }: Preset, sample: Sample): Promise<How> => ({
  ...(await byMap(schema, map, sample, name)),
  found: about,
})

/** Whether a column has nothing; of lists, whether no item has. */
const isAllNull = ({ type, nullCount, length, children }: Data): boolean =>
  nullCount === length || (DataType.isList(type as DataType) && isAllNull(children[0] as Data))

async function byMap(schema: Schema, map: MapSpec, sample: Sample, layout: string): Promise<How> {
  const mapped = openMap(map, schema),
    wanted = new Set([...sampleColumns(schema, ''), 'id', ...mapped.reads]),
    samples = await sample(schema.names.map(String).filter(name => wanted.has(name)))
  const absent = mapped.inText.filter(path => samples.every(one => isAllNull(readPath(path, one))))
  if (absent.length > 0 && samples.some(({ numRows }) => numRows > 0)) {
    const names = [...new Set(absent.map(({ text }) => `'${text}'`))].join(' and ')
    throw new DataError(
      `map: ${names} is null in all of the first rows: their JSON text has no such key; see how it is spelt`,
    )
  }
  const made = samples.map(one => openMap(map, one.schema).apply(one).batch),
    pairs = mappedLayout(map, mapped.own, mapped.schema, made)
  refusePython(pairs, made)
  return { pairs, map, mapped, layout }
}

/** Whether any of the first rows holds a label that the map names; without labels or rows nothing speaks against it. */
async function isJudged({ prefer }: MapSpec, schema: Schema, sample: Sample): Promise<boolean> {
  if (!prefer?.by) return true
  const judge = openJudge(prefer, schema),
    samples = await sample(judge.reads.map(({ column }) => column)),
    codes = samples.flatMap(one => [...judge.judge(one).codes])
  return codes.length === 0 || codes.some(code => code !== UNREAD)
}

function opens(map: MapSpec, schema: Schema): boolean {
  try {
    openMap(map, schema)
    return true
  } catch (error) {
    if (error instanceof DataError) return false
    throw error
  }
}

/** Messages as Python prints them, with single quotes. */
const PYTHON = /^\s*(?:\[\s*)?\{\s*'(?:role|content|from|value)'\s*:/

/** Throws where most texts of the prompt or a side are messages as Python prints them: nobody could learn from that. */
function refusePython({ prompt, chosen, rejected }: Mapping, samples: readonly RecordBatch[]): void {
  for (const bound of [prompt, chosen, rejected]) {
    const texts = textsOf(bound, samples).filter(value => value !== null)
    if (texts.length === 0 || texts.filter(text => PYTHON.test(text)).length < 0.9 * texts.length) continue
    throw new DataError(
      `${bound!.column} holds messages as Python prints lists (with single quotes, as to_csv of pandas writes them), which is no JSON; write the file again as JSON Lines or Parquet, or the column by json.dumps`,
    )
  }
}
