/** Where a row's several answers lie: the items of a list, columns of one answer each, or both sides' lists. */
import { DataType, Float64, List, makeData, Struct, type Data, type RecordBatch } from 'apache-arrow'
import { sameType } from '../arrow/cast.ts'
import { field } from '../arrow/flow.ts'
import { typeForm } from '../source/forms.ts'
import { isTexts } from '../source/turn_lists.ts'
import { gather } from './gather.ts'
import type { Find } from './made.ts'
import { ITEMS, readPath, type Path } from './paths.ts'
import type { MapSpec } from './spec.ts'

/** A number for each answer. */
export const scoresType = new List(field('item', new Float64()))

/** `type` is of an answer with what goes with it, `response` first. */
export interface Listed {
  readonly type: Struct
  /** The path of a list; undefined of columns. */
  readonly path?: Path
  /** The answers of each row as a list, and of columns which one each is from. */
  read(batch: RecordBatch): { readonly lists: Data; readonly from?: Int32Array }
}

/** A path as far as the items of its list, of lists within lists the inner one. */
export const itemsOf = (text: string): string => text.slice(0, text.lastIndexOf('[]') + 2)

export function listedOf({ list, chosen, rejected, score, labels, by_side }: MapSpec, find: Find, faults: string[]) {
  if (typeof list === 'string') return ofList(list, [score, labels?.by], find, faults)
  return ofColumns(list ?? [chosen!, rejected!], list ? (by_side ?? {}) : {}, find, faults)
}

function isAnswer(type: DataType, path: Path, faults: string[]): void {
  if (!typeForm(type) && !isTexts(type)) {
    faults.push(`list '${path.text}' is ${path.type}; its answers are text or messages`)
  }
}

/** The items of a list; fields beside the answer, but for what rates it, go with their side. */
function ofList(text: string, rated: readonly unknown[], find: Find, faults: string[]): Listed | undefined {
  const path = find(text),
    whole = find(itemsOf(text), true)
  if (!path || !whole) return undefined
  const said = (path.type as List).children[0].type as DataType,
    item = (whole.type as List).children[0].type as DataType,
    [inner, ...deeper] = path.steps.slice(path.steps.lastIndexOf(ITEMS) + 1)
  isAnswer(said, path, faults)
  const isBeside = (name: string) =>
    !(deeper.length === 0 && inner === name) && !rated.includes(`${whole.text}.${name}`)
  const others = DataType.isStruct(item) ? item.children.filter(({ name }) => isBeside(name)) : []
  const type = new Struct([
    field('response', said),
    ...others.map(({ name, type }) => field(name === 'response' ? 'source_response' : name, type as DataType)),
  ])
  return {
    type,
    path,
    read(batch) {
      const texts = readPath(path, batch),
        items = readPath(whole, batch).children[0] as Data,
        at = (name: string) => (item as Struct).children.findIndex(child => child.name === name)
      const fields = others.map(({ name }) => items.children[at(name)] as Data)
      return { lists: withItems(texts, type, [texts.children[0] as Data, ...fields]) }
    },
  }
}

/** Columns of an answer each, or of a list of them; columns of `by_side` go with theirs. */
function ofColumns(
  columns: readonly string[],
  bySide: Readonly<Record<string, readonly string[]>>,
  find: Find,
  faults: string[],
): Listed | undefined {
  const fields = Object.entries({ response: columns, ...bySide }).map(([name, texts]) => {
    if (texts.length !== columns.length) {
      faults.push(`by_side: '${name}' names ${texts.length} columns, and there are ${columns.length} answers`)
    }
    return { name, paths: texts.flatMap(text => find(text) ?? []) }
  })
  if (fields.some(({ paths }) => paths.length !== columns.length)) return undefined
  const itemType = ({ isList, type }: Path) => (isList ? ((type as List).children[0].type as DataType) : type)
  for (const { paths } of fields) {
    const [first, ...others] = paths,
      other = others.find(path => !sameType(itemType(path), itemType(first)))
    if (other) faults.push(`'${first.text}' is ${first.type} and '${other.text}' ${other.type}; they need one type`)
  }
  isAnswer(itemType(fields[0].paths[0]), fields[0].paths[0], faults)
  const type = new Struct(fields.map(({ name, paths }) => field(name, itemType(paths[0]))))
  return {
    type,
    read(batch) {
      const all = fields.map(({ paths }) =>
        gather(
          paths.map(path => readPath(path, batch)),
          paths.map(({ isList }) => isList),
        ),
      )
      const [{ lists, from }] = all
      return { lists: withItems(lists, type, all.map(one => one.lists.children[0] as Data)), from } // prettier-ignore
    },
  }
}

/** The lists of a column with items of other fields. */
const withItems = (lists: Data, type: Struct, children: readonly Data[]): Data =>
  listData(lists, makeData({ type, length: children[0].length, nullCount: 0, children } as never))

/** The lists of a column with other items. */
export const listData = ({ length, nullCount, nullBitmap, valueOffsets }: Data, child: Data): Data =>
  makeData({
    type: new List(field('item', child.type as DataType)),
    length,
    nullCount,
    ...(nullCount > 0 ? { nullBitmap } : {}),
    valueOffsets,
    child,
  } as never)
