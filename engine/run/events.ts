/** What was said of a partition's rows in one pass, for the ledger. */
import type { Flow } from '../arrow/flow.ts'
import type { Events } from './messages.ts'
import type { Said } from './verdicts.ts'

/** Collects verdicts in order, and of the rows nothing but their keys. */
export class EventLog {
  readonly #parts: {
    flow: Pick<Flow, 'row' | 'copy'>
    rows: number[]
    node: number
    said: Said
    files: readonly string[]
  }[] = []
  readonly #refused: { row: number; node: number; reason: number; value: number; error?: string }[] = []

  /** `files`: the names that related rows' files are numbered by. */
  add(flow: Flow, said: Said, node: number, files: readonly string[]): void {
    const rows: number[] = []
    for (let i = 0; i < said.said.length; i++) if (said.said[i]) rows.push(i)
    if (rows.length === 0) return
    // only the keys of the rows concerned: the block's columns must not stay alive
    this.#parts.push({
      flow: { row: Uint32Array.from(rows, i => flow.row[i]), copy: Uint32Array.from(rows, i => flow.copy[i]) },
      rows,
      node,
      said,
      files,
    })
  }

  refuse(row: number, node: number, reason: number, value: number, error?: string): void {
    this.#refused.push({ row, node, reason, value, error })
  }

  events(): Events {
    const n = this.#parts.reduce((sum, part) => sum + part.rows.length, this.#refused.length)
    const events: Events = {
      row: new Uint32Array(n),
      copy: new Uint32Array(n),
      node: new Uint16Array(n),
      kind: new Uint8Array(n),
      reason: new Uint16Array(n),
      value: new Float64Array(n),
      relatedFile: new Int32Array(n).fill(-1),
      relatedRow: new Float64Array(n).fill(-1),
      files: [],
      messages: {},
    }
    const files = new Map<string, number>()
    const placeOf = (name: string) => {
      if (!files.has(name)) files.set(name, files.size)
      return files.get(name)!
    }
    let at = 0
    for (const { row, node, reason, value, error } of this.#refused) {
      events.row[at] = row
      events.node[at] = node
      events.reason[at] = reason
      events.value[at] = value
      if (error !== undefined) events.messages[at] = error
      at++
    }
    for (const { flow, rows, node, said, files: names } of this.#parts) {
      rows.forEach((i, k) => {
        events.row[at] = flow.row[k]
        events.copy[at] = flow.copy[k]
        events.node[at] = node
        events.kind[at] = said.kind[i]
        events.reason[at] = said.reason[i]
        events.value[at] = said.value[i]
        if (said.relatedFile[i] >= 0) events.relatedFile[at] = placeOf(names[said.relatedFile[i]])
        events.relatedRow[at] = said.relatedRow[i]
        const message = said.messages.get(i)
        if (message !== undefined) events.messages[at] = message
        at++
      })
    }
    events.files = [...files.keys()]
    return events
  }
}
