/** The file of --decisions: what people decided of rows, read and checked as a whole. */
import { readFileSync, statSync } from 'node:fs'
import { extname } from 'node:path'
import { jsonValueOf, plain } from '../engine/arrow/plain.ts'
import { DataError, EXIT, SluiceError } from '../engine/errors.ts'
import { nearest } from '../engine/graph/messages.ts'
import { keyTwice } from '../engine/source/json_digits.ts'
import { openParquet, readRows } from '../engine/parquet/file.ts'
import { contradictingIds, decisionWords, type Decision, type DecisionWord } from '../engine/run/decisions.ts'
import { readRecords } from '../stages/sources/csv_records.ts'
import { exportedDecisions } from './exports.ts'

/** An entry of the file, and where it stands. */
interface Entry {
  readonly where: string
  readonly value: unknown
  /** Why it cannot be read. */
  readonly fault?: string
}

const textOf = (path: string): string => {
  try {
    // takes the mark away that some editors begin a text with
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path))
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_ENCODING_INVALID_ENCODED_DATA') throw error
    throw new DataError('is not UTF-8 text; write it so', { cause: error })
  }
}

/** The value of a JSON text; undefined where it is none. */
function parsed(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return undefined
  }
}

const lines = (path: string): Entry[] =>
  textOf(path)
    .split(/\r?\n/)
    .flatMap((text, i) => {
      if (text.trim() === '') return []
      const json = parsed(text),
        twice = json && keyTwice(text),
        fault = json ? twice && `has the key '${twice}' twice` : 'is no JSON'
      return [{ where: `line ${i + 1}`, value: json?.value, ...(fault === undefined ? {} : { fault }) }]
    })

/** A list, as tools export it, or an object a line. */
function json(path: string): Entry[] {
  const text = textOf(path),
    whole = parsed(text)
  if (!Array.isArray(whole?.value)) return lines(path)
  const twice = keyTwice(text)
  if (twice !== undefined) throw new DataError(`has the key '${twice}' twice in one object; leave one of them`)
  return whole.value.map((value: unknown, i) => ({ where: `entry ${i}`, value }))
}

async function csv(path: string): Promise<Entry[]> {
  const entries: Entry[] = []
  let names: readonly (string | null)[] | undefined
  for await (const { fields, fault, line } of readRecords(path, ',')) {
    const where = `line ${line}`
    if (names === undefined) {
      names = fields
      checkColumns(names)
      continue
    }
    if (fields.length === 1 && fields[0] === null) continue
    const wrong =
      fault ?? (fields.length === names.length ? undefined : `has ${fields.length} fields, the header ${names.length}`)
    entries.push({
      where,
      value: Object.fromEntries(names.map((name, i) => [name ?? '', fields[i] ?? null])),
      ...(wrong === undefined ? {} : { fault: wrong }),
    })
  }
  return entries
}

async function parquet(path: string): Promise<Entry[]> {
  const file = await openParquet(path),
    names = file.schema.fields.map(({ name }) => name),
    entries: Entry[] = []
  if (!names.some(name => name.endsWith('.responses') || name === 'responses')) checkColumns(names)
  for await (const { numRows, data } of readRows(file, { start: 0, end: file.rows })) {
    const columns = data.children.map(plain)
    for (let row = 0; row < numRows; row++) {
      const value = Object.fromEntries(names.map((name, c) => [name, jsonValueOf(columns[c], row)]))
      entries.push({ where: `row ${entries.length}`, value })
    }
  }
  return entries
}

const readers: Readonly<Record<string, (path: string) => Entry[] | Promise<Entry[]>>> = {
  '.parquet': parquet,
  '.jsonl': lines,
  '.ndjson': lines,
  '.json': json,
  '.csv': csv,
}

/** Throws where a column that every decision has is not there, or there twice. */
function checkColumns(names: readonly (string | null)[]): void {
  const twice = names.filter((name, i) => names.indexOf(name) < i)
  if (twice.length > 0) {
    throw new DataError(
      `has two columns named ${[...new Set(twice)].join(', ')}; leave one of each, or give each a name`,
    )
  }
  const missing = ['id', 'decision'].filter(name => !names.includes(name))
  if (missing.length === 0) return
  throw new DataError(
    `has no column ${missing.join(' and no column ')}; there are ${names.join(', ')}: name them so, in CSV in the first line, with commas between`,
  )
}

/** A decision with what only people are told of it. */
interface Told extends Decision {
  readonly where: string
  readonly by?: string
}

const isNone = (value: unknown): boolean => value === undefined || value === null || value === ''
const shown = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 80 ? `${text.slice(0, 80)} …` : text
}
const WORDS = decisionWords.join(', ')
const isWord = (value: unknown): value is DecisionWord => decisionWords.some(word => word === value)

/** One decision, or all that is wrong with it. */
function decisionOf(where: string, entry: Readonly<Record<string, unknown>>): Told | string[] {
  const { decision, by } = entry,
    // lists for other tools name it so, as some of these put an id of their own in its place
    id = isNone(entry.sluice_id) ? entry.id : entry.sluice_id,
    hash = isNone(entry.content_hash) ? entry.content : entry.content_hash,
    wrong: string[] = []
  if (isNone(id)) wrong.push('has no id; give that of the list or the ledger')
  else if (typeof id === 'number' && !Number.isSafeInteger(id) && Number.isInteger(id)) {
    wrong.push(`has the id ${id}, which JSON holds inexactly; write it as text`)
  } else if (typeof id !== 'string' && typeof id !== 'number') wrong.push(`has the id ${shown(id)}, which is no text`)
  if (decision === undefined) wrong.push(`has no decision; give one of ${WORDS}, or null while there is none`)
  else if (!isWord(decision)) {
    const near = typeof decision === 'string' ? nearest(decision.trim(), decisionWords) : undefined
    wrong.push(`has the decision ${shown(decision)}; it is one of ${WORDS}${near ? ` (did you mean ${near}?)` : ''}`)
  }
  if (!isNone(hash) && !(typeof hash === 'string' && /^[0-9a-f]{32}$/.test(hash))) {
    wrong.push(`has the content_hash ${shown(hash)}; it is that of the list, of 32 hex digits, or left out`)
  }
  if (wrong.length > 0) return wrong.map(what => `${where} ${what}`)
  return {
    where,
    id: String(id),
    decision: decision as DecisionWord,
    ...(isNone(hash) ? {} : { content_hash: hash as string }),
    ...(isNone(by) ? {} : { by: typeof by === 'string' ? by : shown(by) }),
  }
}

function toldIn({ where, value, fault }: Entry): (Told | string[])[] {
  if (fault !== undefined) return [[`${where} ${fault}; mend it there`]]
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [[`${where} is ${shown(value)}, no object with id and decision`]]
  }
  return (
    (exportedDecisions(value) ?? [value as Readonly<Record<string, unknown>>])
      // of a list that is half done the rest has none
      .filter(({ decision }) => decision !== null && decision !== '')
      .map(one => decisionOf(where, one))
  )
}

const MOST_PROBLEMS = 50,
  MOST_TOLD = 5

/** Of ids that several things were decided of, who decided what and where: none of it is applied. */
function contradictions(told: readonly Told[]): string[] {
  const ids = [...contradictingIds(told)],
    more = ids.length - MOST_TOLD
  return ids
    .slice(0, MOST_TOLD)
    .map(id => {
      const who = told
        .filter(one => one.id === id)
        .map(({ decision, by, where }) => `${decision}${by === undefined ? '' : ` by ${by}`} (${where})`)
      return `${id}: ${who.join(', ')}; none of these is applied, leave one of them`
    })
    .concat(more > 0 ? [`and ${more} more ids with decisions that contradict`] : [])
}

/**
 * Decisions of a file: Parquet, JSON Lines, JSON or CSV with id and decision, or what Label Studio and Argilla export.
 * Throws one error for all that is wrong: with 66 where there is no file, with 65 where it cannot be read or an entry
 * is no decision. `warn` hears of decisions that contradict each other.
 */
export async function readDecisions(
  file: string | undefined,
  warn: (line: string) => void,
): Promise<readonly Decision[] | undefined> {
  if (file === undefined) return undefined
  const who = `sluice: --decisions ${file}`,
    kind = statSync(file, { throwIfNoEntry: false }),
    endings = Object.keys(readers).join(', ')
  if (!kind || kind.isDirectory()) {
    const why = kind ? `is a folder; name a file of decisions (${endings})` : 'does not exist'
    throw new SluiceError(`${who} ${why}`, EXIT.noInput)
  }
  const ending = extname(file).toLowerCase()
  if (!Object.hasOwn(readers, ending)) {
    throw new DataError(`${who} is of no kind that is read; there are ${endings}`)
  }
  const entries = await read(readers[ending], file, who),
    all = entries.flatMap(toldIn),
    problems = all.flatMap(one => (Array.isArray(one) ? (one as string[]) : [])),
    told = all.filter((one): one is Told => !Array.isArray(one))
  if (problems.length > 0) {
    const more = problems.length > MOST_PROBLEMS ? [`and ${problems.length - MOST_PROBLEMS} more`] : [],
      list = [...problems.slice(0, MOST_PROBLEMS), ...more].join('\n  ')
    throw new DataError(`${who}: ${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}\n  ${list}`)
  }
  if (told.length === 0) {
    throw new DataError(`${who} holds no decision, so it would do nothing; leave the option out if that is meant`)
  }
  for (const line of contradictions(told)) warn(`${who}: ${line}`)
  return told.map(({ id, decision, content_hash: hash }) => ({
    id,
    decision,
    ...(hash === undefined ? {} : { content_hash: hash }),
  }))
}

/** Entries as a reader gives them; what it says of the file names it once. */
async function read(reader: (typeof readers)[string], file: string, who: string): Promise<Entry[]> {
  try {
    return await reader(file)
  } catch (error) {
    const { message, code } = error as Error & { readonly code?: string }
    // a disk that fails is no fault of the file
    if (!(error instanceof Error) || (code !== undefined && !code.startsWith('ERR_'))) throw error
    const said = message.startsWith(`${file}: `) ? message.slice(file.length + 2) : message
    throw new SluiceError(`${who}: ${said}`, error instanceof SluiceError ? error.exit : EXIT.data, { cause: error })
  }
}
