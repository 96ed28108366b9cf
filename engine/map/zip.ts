/** Objects of the lists of roles and of texts, as `datasets` writes sequences of messages: as lists of messages. */
import { DataType, List, makeData, Struct, type Data, type Field } from 'apache-arrow'
import { nullTest, take } from '../arrow/columns.ts'
import { field } from '../arrow/flow.ts'
import { MESSAGE_NAMES } from '../parquet/schema.ts'

/** The list of messages that an object of lists is; undefined where it is none. */
export function zipped(type: DataType): List | undefined {
  if (!DataType.isStruct(type)) return undefined
  const children = type.children as Field[],
    has = (name: string) => children.some(child => child.name === name)
  if (!MESSAGE_NAMES.some(names => names.every(has)) || !children.every(child => DataType.isList(child.type))) {
    return undefined
  }
  const fields = children.map(({ name, type }) => field(name, (type as List).children[0].type as DataType))
  return new List(field('item', new Struct(fields)))
}

/** The same of its values. Throws where the lists of a row are not of one length. */
export function zip(data: Data, text: string): Data {
  const lists = data.children as Data[],
    isNull = nullTest(data)
  const size = ({ valueOffsets: at }: Data, row: number) =>
    isNull(row) ? 0 : (at[row + 1] as number) - (at[row] as number)
  const offsets = new Int32Array(data.length + 1)
  for (let row = 0; row < data.length; row++) {
    const [first, ...others] = lists.map(list => size(list, row))
    if (others.some(other => other !== first)) {
      throw new Error(`column '${text}': its lists are of ${[first, ...others].join(' and ')} items in one row`)
    }
    offsets[row + 1] = offsets[row] + first
  }
  const runsOf = (list: Data) =>
    Array.from({ length: data.length }, (_, row) => {
      const from = list.valueOffsets[row] as number
      return size(list, row) === 0 ? [] : [from, from + size(list, row)]
    }).flat()
  const type = zipped(data.type as DataType)!,
    { length, nullCount, nullBitmap } = data
  const child = makeData({
    type: type.children[0].type as Struct,
    length: offsets[length],
    nullCount: 0,
    children: lists.map(list => take(list.children[0] as Data, runsOf(list))),
  } as never)
  return makeData({
    type,
    length,
    nullCount,
    ...(nullCount > 0 ? { nullBitmap } : {}),
    valueOffsets: offsets,
    child,
  } as never)
}
