/** The prompt as a mapping makes it: its text, and what belongs to it under the names that layouts know. */
import { DataType, Utf8, type Data } from 'apache-arrow'
import { makeText, textColumn } from '../arrow/columns.ts'
import { field } from '../arrow/flow.ts'
import { isTurns, typeForm } from '../source/forms.ts'
import { plainly, type Find, type Made } from './made.ts'
import { isTexts } from '../source/turn_lists.ts'
import { readPath, type Path } from './paths.ts'
import { isShared, promptItems, type MapSpec } from './spec.ts'

const isConversation = (type: DataType): boolean => typeForm(type) === 'messages'

/** The prompt, and what belongs to it, under the names that layouts know: system, history. */
export function promptOf(map: MapSpec, find: Find, faults: string[]): Made[] {
  if (isShared(map)) return []
  const items = promptItems(map).flatMap(({ kind, path: text }) => {
    const path = find(text)
    return path ? [{ kind, path }] : []
  })
  const made: Made[] = [],
    texts: Path[] = []
  for (const [i, { kind, path }] of items.entries()) {
    const isHistory =
      kind === 'turns' ||
      (kind === 'said' && i < items.length - 1 && [isTexts, isTurns, isConversation].some(is => is(path.type)))
    if (kind === 'system') made.push(plainly('system', path))
    else if (isHistory) made.push(plainly('history', path))
    else texts.push(path)
  }
  const names = made.map(one => one.field.name)
  for (const name of new Set(names)) {
    if (names.filter(other => other === name).length > 1) faults.push(`prompt: two columns are its ${name}; name one`)
  }
  if (items.length > 0 && texts.length === 0) faults.push('prompt: names no column that asks; add the question')
  if (texts.length === 1) return [plainly('prompt', texts[0]), ...made]
  for (const { text, type } of texts.filter(({ type }) => !DataType.isUtf8(type))) {
    faults.push(`prompt: '${text}' is ${type}; of several columns each is text, but for { turns: … } before them`)
  }
  return [
    {
      field: field('prompt', new Utf8()),
      read: batch =>
        joined(
          texts.map(path => readPath(path, batch)),
          batch.numRows,
        ),
    },
    ...made,
  ]
}

/** Texts with a blank line between, without those that are null or empty; null where all are. */
function joined(parts: readonly Data[], rows: number): Data {
  const columns = parts.map(textColumn)
  return makeText(
    Array.from({ length: rows }, (_, row) => {
      const said = columns.flatMap(({ isNull, text }) => (isNull(row) || text(row) === '' ? [] : [text(row)]))
      return said.length === 0 ? null : said.join('\n\n')
    }),
  )
}
