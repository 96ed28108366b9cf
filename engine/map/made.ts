/** What the parts of a mapping share: columns that it makes, and how paths are found. */
import type { Data, Field, RecordBatch } from 'apache-arrow'
import type { Message } from '../arrow/columns.ts'
import { field } from '../arrow/flow.ts'
import { readPath, type Path } from './paths.ts'
import type { Verdicts } from './prefer.ts'

/** A message of a tree. */
export interface Node {
  readonly parent: string | undefined
  readonly message: Message
}

/** All messages of a file by their ids; held in memory, as any row may stand below any other. */
export type Tree = Map<string, Node>

/** A column that a mapping makes. */
export interface Made {
  readonly field: Field
  read(batch: RecordBatch, verdicts?: Verdicts, tree?: Tree): Data
}

/** Finds a path, or says what is wrong with it and gives nothing; one that `mayLack` is not used up, and not missed. */
export type Find = (text: string, mayLack?: boolean) => Path | undefined

/** What a path gives, as a column of this name. */
export const plainly = (name: string, path: Path): Made => ({
  field: field(name, path.type),
  read: batch => readPath(path, batch),
})
