/**
 * Spools: the rows of a port, block by block, kept for later passes. What lies in an earlier spool already is not
 * written again: such a block holds the places of its rows there, and the columns that came since. So a graph of many
 * passes writes its rows once.
 */
import { Field, Int32, Schema } from 'apache-arrow'
import { join } from 'node:path'
import { makeInt32, runsOfRows } from '../arrow/columns.ts'
import { emptyFlow, takeFlow, toRecordBatch, type Flow } from '../arrow/flow.ts'
import { IpcFile, IpcWriter, schemaBytes, streamOf, type StreamAt } from '../arrow/ipc.ts'
import { openSealed } from '../sealed.ts'

/** A stream whose batch i holds the rows of block `blocks[i]`. */
interface Blocks extends StreamAt {
  readonly blocks: readonly number[]
}

/**
 * `whole`: blocks with all of their columns. `later`: blocks whose rows are those of the spool of `root`, but for the
 * columns that are written here.
 */
export interface Spool {
  readonly whole?: Blocks
  readonly later?: Blocks & { readonly root: string }
}

/** Fields of keys before these; a column of the data may have the name of a key. */
const withKeys = (names: readonly string[], fields: readonly Field[]): Schema => {
  const free = (name: string): string => (fields.some(field => field.name === name) ? free(`#${name}`) : name)
  return new Schema([...names.map(name => new Field(free(name), new Int32(), false)), ...fields])
}
const keyColumn = (keys: Uint32Array) => makeInt32(new Int32Array(keys.buffer, keys.byteOffset, keys.length))
const fileName = (port: string) => `spool-${port.replace('#', '-')}`

interface Part {
  readonly writer: IpcWriter
  readonly schema: Schema
  readonly header: number
  readonly blocks: number[]
}

/** Writes the spool of one port and one partition. */
export class SpoolWriter {
  readonly #folder: string
  readonly #port: string
  #whole: Part | undefined
  #later: (Part & { root: string; names: string }) | undefined

  constructor(folder: string, port: string) {
    this.#folder = folder
    this.#port = port
  }

  /** Takes the next block; returns it with its rows' places on disk. */
  save(flow: Flow, block: number): Flow {
    const { root } = flow
    if (root) {
      const own = flow.schema.fields.map((_, i) => i).filter(i => root.own.has(flow.schema.fields[i].name)),
        fields = own.map(i => flow.schema.fields[i])
      const names = fields.map(({ name }) => name).join()
      this.#later ??= { ...this.#part('later', withKeys(['#row', '#copy', '#at'], fields)), root: root.port, names }
      // nearly always: another origin, or other columns, come where a stage has several inputs of which this block had
      // but one
      if (this.#later.root === root.port && this.#later.names === names) {
        write(
          this.#later,
          block,
          [flow.row, flow.copy, root.rows],
          own.map(i => flow.columns[i]),
        )
        return flow
      }
    }
    this.#whole ??= this.#part('whole', withKeys(['#row', '#copy'], flow.schema.fields))
    write(this.#whole, block, [flow.row, flow.copy], flow.columns)
    return {
      ...flow,
      root: { port: this.#port, rows: Uint32Array.from({ length: flow.rows }, (_, i) => i), own: new Set() },
    }
  }

  #part(kind: string, schema: Schema): Part {
    return {
      writer: new IpcWriter(join(this.#folder, `${fileName(this.#port)}-${kind}.arrow`), schema, openSealed),
      schema,
      header: schemaBytes(schema).length,
      blocks: [],
    }
  }

  close(): Spool {
    for (const part of [this.#whole, this.#later]) part?.writer.close()
    return {
      ...(this.#whole && {
        whole: { ...streamOf(this.#whole.writer, this.#whole.header), blocks: this.#whole.blocks },
      }),
      ...(this.#later && {
        later: {
          ...streamOf(this.#later.writer, this.#later.header),
          blocks: this.#later.blocks,
          root: this.#later.root,
        },
      }),
    }
  }
}

function write(
  { writer, schema, blocks }: Part,
  block: number,
  keys: readonly Uint32Array[],
  columns: Flow['columns'],
): void {
  blocks.push(block)
  writer.write(toRecordBatch(schema, [...keys.map(keyColumn), ...columns], keys[0].length))
}

/** Reads the spool of a port by its blocks, in ascending order. */
export class SpoolReader {
  /** Ascending. */
  readonly blocks: readonly number[]
  readonly #port: string
  readonly #schema: Schema
  readonly #parts: { file: IpcFile; at: Blocks & { readonly root?: string }; next: number; root?: SpoolReader }[]
  #last: { block: number; flow: Flow } | undefined

  /** `readerOf`: the reader of another port, for what lies there. */
  constructor(port: string, { whole, later }: Spool, schema: Schema, readerOf: (port: string) => SpoolReader) {
    this.#port = port
    this.#schema = schema
    this.#parts = [whole, later]
      .filter(at => at !== undefined)
      .map(at => ({
        file: new IpcFile(at.path, at.header),
        at,
        next: 0,
        ...(at === later && { root: readerOf(later.root) }),
      }))
    this.blocks = this.#parts.flatMap(({ at }) => at.blocks).sort((a, b) => a - b)
  }

  /** The rows of a block; none if it is not here. */
  read(block: number): Flow {
    // the root of several spools is asked several times
    if (this.#last?.block !== block) this.#last = { block, flow: this.#read(block) }
    return this.#last.flow
  }

  #read(block: number): Flow {
    for (const part of this.#parts) {
      while (part.at.blocks[part.next] < block) part.next++
      if (part.at.blocks[part.next] !== block) continue
      const {
        numRows: rows,
        data: { children },
        schema: { fields },
      } = part.file.batch(part.at.batches[part.next])
      // spooled as int32: read as it is, the bit of a derived row would be a sign
      const keys = (column: number) => {
        const { buffer, byteOffset } = children[column].values as Int32Array
        return new Uint32Array(buffer, byteOffset, rows)
      }
      const row = keys(0),
        copy = keys(1)
      if (!part.root) {
        return {
          schema: this.#schema,
          columns: children.slice(2),
          rows,
          row,
          copy,
          root: { port: this.#port, rows: Uint32Array.from({ length: rows }, (_, i) => i), own: new Set() },
        }
      }
      const root = part.root.read(block),
        at = keys(2)
      // to go on would give rows that nobody wrote
      if (at.some(place => place >= root.rows)) {
        throw new Error(
          `spool of '${this.#port}', block ${block}: its rows lie in '${part.at.root}', which has ${root.rows} there; remove the .sluice folder and run again`,
        )
      }
      const there = takeFlow(root, runsOfRows(at))
      const own = new Map(fields.slice(3).map(({ name }, i) => [name, children[i + 3]])),
        theirs = new Map(there.schema.fields.map(({ name }, i) => [name, there.columns[i]]))
      return {
        schema: this.#schema,
        columns: this.#schema.fields.map(({ name }) => own.get(name) ?? theirs.get(name)!),
        rows,
        row,
        copy,
        root: { ...there.root!, own: new Set(own.keys()) },
      }
    }
    return emptyFlow(this.#schema)
  }

  close(): void {
    for (const { file } of this.#parts) file.close()
  }
}
