// Writes the bundled sample, data/sample/*.parquet and truth.jsonl, from the hand-written text in data/sample/source/.
// Usage: node scripts/sample.mjs [folder to write to]. The same sources give the same bytes.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import parquet from 'parquetjs-lite'
import * as planted from '../data/sample/source/planted.mjs'

const home = fileURLToPath(new URL('../data/sample/', import.meta.url))
const {
  positionals: [target = home],
} = parseArgs({ allowPositionals: true })

/** The source files: which output file and subset their blocks go to. */
const sources = [
  { name: 'instructions', file: 'en', subset: 'instructions' },
  { name: 'arithmetic', file: 'en', subset: 'arithmetic' },
  { name: 'facts', file: 'en', subset: 'facts' },
  { name: 'code', file: 'en', subset: 'code' },
  { name: 'safety', file: 'en', subset: 'safety' },
  { name: 'german', file: 'de', subset: 'german' },
  { name: 'chat', file: 'chat', subset: 'chat' },
]

/**
 * The blocks of one source text, in order. A block is `=== key`, the prompt, `[+]`, the chosen side, `[-]`, the
 * rejected side; a prompt of several messages has a line `[system]`, `[user]` or `[assistant]` before each of them.
 */
function parse(text) {
  return text
    .split(/^=== (?=\S+$)/m)
    .slice(1)
    .map(block => {
      const [head, chosen, rejected] = block.split(/^\[[+-]\]\n/m).map(part => part.replace(/\n+$/, ''))
      const [, key, prompt] = /^(\S+)\n([^]*)$/.exec(head)
      const messages = prompt.split(/^\[(system|user|assistant)\]\n/m)
      if (rejected === undefined) throw new Error(`sample: block ${key} lacks a side`)
      return {
        key,
        chosen,
        rejected,
        prompt: messages.length === 1 ? prompt : JSON.stringify(pairs(messages.slice(1))),
      }
    })
}

const pairs = list => list.flatMap((role, i) => (i % 2 ? [] : [{ role, content: list[i + 1].trim() }]))

/** The value of + - * / over numbers and brackets, left to right with the usual precedence; `10%` is 0.1. */
function evaluate(expression) {
  const tokens = expression.match(/[\d.]+%?|[-+*/()]/g)
  let at = 0
  const atom = () => {
    const token = tokens[at++]
    if (token !== '(') return token.endsWith('%') ? Number(token.slice(0, -1)) / 100 : Number(token)
    const inside = sum()
    at++
    return inside
  }
  const product = () => {
    let value = atom()
    while (tokens[at] === '*' || tokens[at] === '/') value = tokens[at++] === '*' ? value * atom() : value / atom()
    return value
  }
  const sum = () => {
    let value = product()
    while (tokens[at] === '+' || tokens[at] === '-') {
      value = tokens[at++] === '+' ? value + product() : value - product()
    }
    return value
  }
  return Number(sum().toFixed(8))
}

/** A number as people write it: `$` and cents for money, thousands separators if the row has them. */
function show(value, money, separators) {
  const digits = String(value)
  if ((digits.split('.')[1] ?? '').length > (money ? 2 : 4)) {
    throw new Error(`sample: ${digits} has too many decimals to be written out`)
  }
  const [whole, fraction] = (money && !Number.isInteger(value) ? value.toFixed(2) : digits).split('.')
  return (
    (money ? '$' : '') +
    (separators ? whole.replace(/\B(?=(\d{3})+$)/g, ',') : whole) +
    (fraction ? `.${fraction}` : '')
  )
}

/**
 * A worked solution from its lines. `{a=6*14}` becomes `6 * 14 = 84`, or `6 * 14 = <<6*14=84>>84` with marks, and names
 * the result for later steps; `{a=6*14~74}` slips to 74. The answer is the last result, or what `{!…}` says.
 */
function solve(text, { marks, separators, hashes, oneLine, answer }) {
  const known = new Map()
  let result
  const body = text
    .replace(/\{([a-z])=([^}~]+)(?:~\$?([\d.]+))?\}/g, (_, name, expression, slip) => {
      const plain = expression.replace(/\b[a-z]\b/g, variable => known.get(variable)).replace(/ ?([+*/-]) ?/g, ' $1 ')
      const written = plain.replace(/(\$?)([\d.]+)/g, (_, dollar, number) =>
        show(Number(number), dollar === '$', separators),
      )
      const bare = plain.replace(/[$\s]|[a-z]+/g, '')
      const value = slip === undefined ? evaluate(bare) : Number(slip)
      const money = written.includes('$') && !written.includes('/ $')
      known.set(name, (money ? '$' : '') + value)
      const shown = show(value, money, separators)
      result = shown
      const mark = marks ? `<<${bare.replace(/%/g, '/100')}=${value}>>` : ''
      return `${written} = ${money ? '$' : ''}${mark}${money ? shown.slice(1) : shown}`
    })
    .replace(/\n\{!(.+)\}$/, (_, override) => {
      result = override
      return ''
    })
  const last = hashes ? `#### ${result.replace(/[$,]/g, '')}` : `${answer} ${result}.`
  return `${oneLine ? body.replace(/\n/g, ' ') : body}\n${last}`
}

/** Rows whose sides are worked out; their look (marks, ending, separators, line breaks) turns with their place. */
function worked(rows, answer) {
  let turn = 0
  return rows.map(row => {
    if (!/\{[a-z]=/.test(row.chosen)) return row
    const style = {
      marks: turn % 2 === 0,
      hashes: turn % 4 < 2,
      separators: answer === 'The answer is' && turn % 3 !== 0,
      oneLine: turn % 5 === 4,
      answer,
    }
    turn++
    return { ...row, chosen: solve(row.chosen, style), rejected: solve(row.rejected, style) }
  })
}

const edits = {
  upper: text => text.toUpperCase(),
  lower: text => text.toLowerCase(),
  spaces: text => text.replace(/ /g, '  '),
  newline: text => ` ${text}\n`,
}

/**
 * All rows with what was planted among them, as { key, file, subset, prompt, chosen, rejected, fault?, of?, detail? };
 * `of` is a key.
 */
function plant(rows) {
  const byKey = new Map(rows.map(row => [row.key, row]))
  const used = new Set()
  const take = key => {
    if (!byKey.has(key) || used.has(key)) throw new Error(`sample: planted row ${key} does not exist or is used twice`)
    used.add(key)
    return byKey.get(key)
  }
  const copy = (row, fault, change) => ({ ...row, key: `${row.key}+${fault}`, fault, of: row.key, ...change })
  const swap = row => ({ chosen: row.rejected, rejected: row.chosen })
  for (const key of planted.identical) Object.assign(take(key), { fault: 'identical', rejected: byKey.get(key).chosen })
  for (const [key, side, left] of planted.empty) Object.assign(take(key), { fault: 'empty_side', [side]: left })
  for (const key of planted.swapped) Object.assign(take(key), { fault: 'swapped', ...swap(byKey.get(key)) })
  return [
    ...rows,
    ...planted.exact.map(([key, side, how]) =>
      copy(take(key), 'exact_duplicate', { [side]: edits[how](byKey.get(key)[side]) }),
    ),
    ...planted.near.map(([key, ...changes]) => {
      const row = copy(take(key), 'near_duplicate')
      for (let i = 0; i < changes.length; i += 3) {
        const [side, from, to] = changes.slice(i, i + 3)
        if (!row[side].includes(from)) {
          throw new Error(`sample: near-duplicate of ${key} changes "${from}", which is not in its ${side}`)
        }
        row[side] = row[side].replace(from, to)
      }
      return row
    }),
    ...planted.contradictory.map(key => copy(take(key), 'contradictory', swap(byKey.get(key)))),
    ...planted.broken.map(row => ({ ...row, file: 'chat', subset: 'chat', fault: 'broken_layout' })),
  ]
}

/** FNV-1a: the order of the rows, so that copies do not stand beside their originals. */
function hash(text) {
  let h = 0x811c9dc5
  for (const byte of Buffer.from(text)) h = Math.imul(h ^ byte, 0x01000193)
  return h >>> 0
}

const rows = plant(
  sources.flatMap(({ name, file, subset }) =>
    worked(
      parse(readFileSync(join(home, 'source', `${name}.txt`), 'utf8')).map(row => ({ ...row, file, subset })),
      file === 'de' ? 'Die Antwort ist' : 'The answer is',
    ),
  ),
).sort((a, b) => hash(a.key) - hash(b.key))

mkdirSync(target, { recursive: true })
const ids = new Map()
for (const file of ['en', 'de', 'chat']) {
  // no statistics: they would repeat whole texts in the footer
  const text = { type: 'UTF8', compression: 'SNAPPY', statistics: false }
  const schema = new parquet.ParquetSchema({
    id: text,
    prompt: text,
    chosen: text,
    rejected: file === 'chat' ? { ...text, optional: true } : text,
    subset: text,
  })
  const writer = await parquet.ParquetWriter.openFile(schema, join(target, `pairs-${file}.parquet`), {
    useDataPageV2: false,
  })
  for (const [i, row] of rows.filter(row => row.file === file).entries()) {
    const id = `${file}-${String(i + 1).padStart(4, '0')}`
    ids.set(row.key, id)
    await writer.appendRow({
      id,
      prompt: row.prompt,
      chosen: row.chosen,
      rejected: row.rejected ?? undefined,
      subset: row.subset,
    })
  }
  await writer.close()
}
const truth = rows
  .filter(row => row.fault)
  .map(({ key, fault, of, detail }) => ({ id: ids.get(key), fault, of: ids.get(of), detail }))
writeFileSync(
  join(target, 'truth.jsonl'),
  truth
    .map(line => `${JSON.stringify(line)}\n`)
    .sort()
    .join(''),
)
