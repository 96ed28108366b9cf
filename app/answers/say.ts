/** Words that answers share: numbers, ids as commands take them, and what gives a row back. */
import { inLine } from '../../engine/terminal.ts'

/** As a shell takes a word. */
export const quoted = (word: string): string =>
  /^[\w./:@%+,=~-]+$/.test(word) && !word.startsWith('~') ? word : `'${word.replaceAll("'", `'\\''`)}'`

/** A decision to keep a row, as a line of a file for --decisions; what a terminal may obey is escaped. */
export const decisionLine = (id: string): string => inLine(JSON.stringify({ id, decision: 'keep' }))

/** The command that adds such a line to a file. */
export const keepCommand = (id: string): string => `printf '%s\\n' ${quoted(decisionLine(id))} >> keep.jsonl`

/** The command that says why of a row: by its place where its id has what no command line can hold. */
export function whyCommand({ id, file, row }: { id: string; file: string | null; row: number | null }): string {
  const isPlain = inLine(id) === id && id.trim() !== '',
    what = isPlain || file === null ? id : `${file}:${row}`
  return `npx sluice why ${what.startsWith('-') ? '-- ' : ''}${quoted(what)}`
}

export const count = (value: number): string => value.toLocaleString('en-US')
const digits = (share: number): number => (share < 0.01 && share > 0 ? 1 : 0)
export const percent = (share: number): string => `${(100 * share).toFixed(digits(share))} %`

/** A measured number: as it is where it is whole, else with what tells it from others. */
export const number = (value: number | null): string =>
  value === null || !Number.isFinite(value)
    ? 'unknown'
    : Number.isInteger(value)
      ? count(value)
      : String(Number(value.toPrecision(3)))

export const rowsSaid = (value: number, what = 'row'): string => `${count(value)} ${what}${value === 1 ? '' : 's'}`
