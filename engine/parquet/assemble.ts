/** Puts the values and levels of leaves together to Arrow columns. */
import { makeData, type Data, type DataType, type List, type Struct } from 'apache-arrow'
import type { PageSpan, RowStretch } from './column.ts'
import { convertValues, expandUuids } from './convert.ts'
import type { Leaf, ListNode, ColumnNode, StructNode } from './schema.ts'

/** The levels of a stretch, one entry each; undefined as in Page. */
interface Levels {
  readonly entries: number
  readonly repetition?: Uint8Array
  readonly definition?: Uint8Array
}

/** Slots of a node: how many, how many null, and one byte each (1: not null) where any is null. */
interface Slots {
  readonly length: number
  readonly nulls: number
  readonly valid?: Uint8Array
}

/**
 * Builds the Arrow data of a column from stretches of its leaves (by leaf index) that cover the same `rows` rows. Every
 * buffer is owned, compact and begins at offset 0; a null bitmap exists only where there are nulls. Throws where leaves
 * of one column disagree about its shape.
 */
export function assemble(node: ColumnNode, stretches: ReadonlyMap<number, RowStretch>, rows: number): Data {
  const levels = new Map<number, Levels>()
  const levelsOf = (leaf: Leaf): Levels => {
    let found = levels.get(leaf.index)
    if (!found) levels.set(leaf.index, (found = joinLevels(leaf, stretches.get(leaf.index)!)))
    return found
  }
  const build = (inner: ColumnNode): Data => {
    if (inner.kind === 'leaf') return buildLeaf(inner, stretches.get(inner.index)!, levelsOf(inner))
    if (inner.kind === 'list') return buildList(inner, levelsOf(firstLeaf(inner)), build(inner.child))
    return buildStruct(inner, levelsOf(firstLeaf(inner)), inner.children.map(build))
  }
  const data = build(node)
  if (data.length !== rows) throw new Error(`${data.length} rows where ${rows} were asked for`)
  return data
}

function firstLeaf(node: ColumnNode): Leaf {
  return node.kind === 'leaf' ? node : firstLeaf(node.kind === 'list' ? node.child : node.children[0])
}

function joinLevels(leaf: Leaf, { spans, entries }: RowStretch): Levels {
  const repetition = leaf.rep > 0 ? new Uint8Array(entries) : undefined
  const definition = spans.some(span => span.page.definition) ? new Uint8Array(entries) : undefined
  let at = 0
  for (const { page, from, to } of spans) {
    repetition?.set(page.repetition!.subarray(from, to), at)
    if (page.definition) definition!.set(page.definition.subarray(from, to), at)
    else definition?.fill(leaf.def, at, at + to - from)
    at += to - from
  }
  return { entries, repetition, definition }
}

function slotsOf({ rep, slot, def }: ColumnNode, { entries, repetition, definition }: Levels): Slots {
  if (!repetition && !definition) return { length: entries, nulls: 0 }
  const valid = new Uint8Array(entries)
  let length = 0
  let present = 0
  for (let i = 0; i < entries; i++) {
    if (repetition && repetition[i] > rep) continue
    if (definition && definition[i] < slot) continue
    const here = !definition || definition[i] >= def ? 1 : 0
    valid[length++] = here
    present += here
  }
  const nulls = length - present
  return { length, nulls, valid: nulls > 0 ? valid.subarray(0, length) : undefined }
}

function buildStruct(node: StructNode, levels: Levels, children: Data[]): Data {
  const { length, nulls, valid } = slotsOf(node, levels)
  for (const child of children) {
    if (child.length !== length) throw new Error(`${node.name} has ${length} values, a field of it ${child.length}`)
  }
  return makeData({ type: node.type as Struct, length, nullCount: nulls, nullBitmap: bitmap(valid), children })
}

function buildList(node: ListNode, levels: Levels, child: Data): Data {
  const { length, nulls, valid } = slotsOf(node, levels)
  const { entries, repetition, definition } = levels
  const { rep, slot } = node
  const inner = node.child
  const valueOffsets = new Int32Array(length + 1)
  let at = 0
  let elements = 0
  for (let i = 0; i < entries; i++) {
    const depth = repetition![i]
    const level = definition ? definition[i] : inner.slot
    if (depth <= rep && level >= slot) valueOffsets[at++] = elements
    if (depth <= inner.rep && level >= inner.slot) elements++
  }
  valueOffsets[length] = elements
  if (child.length !== elements) {
    throw new Error(`list ${node.name} has ${elements} elements, its values ${child.length}`)
  }
  return makeData({ type: node.type as List, length, nullCount: nulls, nullBitmap: bitmap(valid), valueOffsets, child })
}

function buildLeaf(leaf: Leaf, stretch: RowStretch, levels: Levels): Data {
  const slots = slotsOf(leaf, levels)
  const { length, nulls } = slots
  const type = leaf.type as DataType
  if (leaf.convert === 'null') return makeData({ type, length, nullCount: length } as never)
  const common = { type, length, nullCount: nulls, nullBitmap: bitmap(slots.valid) }
  if (leaf.convert === 'uuid') {
    return makeData({ ...common, ...spreadText(expandUuids(joinFixed(leaf, stretch)), slots) } as never)
  }
  if (leaf.width === 0 && leaf.convert === 'none') {
    return makeData({ ...common, ...spreadText(joinText(stretch), slots) } as never)
  }
  const { bytes, width } = convertValues(
    leaf,
    stretch.values,
    leaf.width === 0 ? joinText(stretch) : { data: joinFixed(leaf, stretch) },
  )
  const spread = spreadFixed(bytes, width, slots)
  const values = leaf.convert === 'bool' ? bitmap(spread)! : spread
  return makeData({
    ...common,
    data: new leaf.type.ArrayType(values.buffer, 0, values.byteLength / leaf.type.ArrayType.BYTES_PER_ELEMENT),
  } as never)
}

interface Text {
  readonly valueOffsets: Int32Array
  readonly data: Uint8Array
}

/** below this a byte loop beats a view and a set */
const SHORT = 24

function joinText({ spans, values, bytes }: RowStretch): Text {
  if (bytes > 0x7fffffff) {
    throw new Error(`${bytes} bytes of text in one batch, at most ${0x7fffffff}; read fewer rows a batch`)
  }
  const data = new Uint8Array(bytes)
  const valueOffsets = new Int32Array(values + 1)
  let at = 0
  let i = 0
  for (const span of spans) {
    const { bytes: source, starts, ends } = span.page.values
    for (let v = span.valueFrom; v < span.valueTo; v++) {
      const start = starts![v]
      const end = ends![v]
      if (end - start > SHORT) {
        data.set(source.subarray(start, end), at)
        at += end - start
      } else {
        for (let b = start; b < end; b++) data[at++] = source[b]
      }
      valueOffsets[++i] = at
    }
  }
  return { data, valueOffsets }
}

function spreadText({ data, valueOffsets: dense }: Text, { length, valid }: Slots): Text {
  if (!valid) return { data, valueOffsets: dense }
  const valueOffsets = new Int32Array(length + 1)
  for (let slot = 0, i = 0; slot < length; slot++) {
    i += valid[slot]
    valueOffsets[slot + 1] = dense[i]
  }
  return { data, valueOffsets }
}

function joinFixed({ width }: Leaf, { spans, values }: RowStretch): Uint8Array {
  const data = new Uint8Array(values * width)
  let at = 0
  for (const { page, valueFrom, valueTo } of spans as PageSpan[]) {
    data.set(page.values.bytes.subarray(valueFrom * width, valueTo * width), at)
    at += (valueTo - valueFrom) * width
  }
  return data
}

function spreadFixed(dense: Uint8Array, width: number, { length, valid }: Slots): Uint8Array {
  if (!valid) return dense
  const out = new Uint8Array(length * width)
  for (let slot = 0, from = 0; slot < length; slot++) {
    if (valid[slot] === 0) continue
    for (let b = 0, to = slot * width; b < width; b++) out[to++] = dense[from++]
  }
  return out
}

/** one bit for each byte that is 1, padded to eight bytes; undefined stays so */
function bitmap(flags: Uint8Array | undefined): Uint8Array | undefined {
  if (!flags) return undefined
  const bits = new Uint8Array(((flags.length + 63) >> 6) << 3)
  for (let i = 0; i < flags.length; i++) bits[i >> 3] |= flags[i] << (i & 7)
  return bits
}
