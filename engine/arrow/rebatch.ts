/** Rows in batches of a fixed size, whatever blocks they come in. */
import { concatFlows, flowBytes, takeFlow, type Flow } from './flow.ts'

/**
 * Rows and bytes of a record batch in what is published: small enough that a trainer can concatenate them with 32-bit
 * offsets.
 */
const BATCH_ROWS = 1000,
  BATCH_BYTES = 64 << 20

/**
 * Collects rows into batches of exactly BATCH_ROWS, whatever blocks they come in; those of more than `bytes` are
 * halved.
 */
export class Rebatcher {
  #pending: Flow[] = []
  #rows = 0
  readonly #emit: (flow: Flow) => void
  readonly #bytes: number
  constructor(emit: (flow: Flow) => void, bytes = BATCH_BYTES) {
    this.#emit = emit
    this.#bytes = bytes
  }

  push(flow: Flow): void {
    if (flow.rows === 0) return
    this.#pending.push(flow)
    this.#rows += flow.rows
    if (this.#rows >= BATCH_ROWS) this.#cut(false)
  }

  end(): void {
    if (this.#rows > 0) this.#cut(true)
  }

  #cut(all: boolean): void {
    const whole = concatFlows(this.#pending)
    let at = 0
    for (; whole.rows - at >= BATCH_ROWS || (all && at < whole.rows); at += BATCH_ROWS) {
      this.#halve(takeFlow(whole, [at, Math.min(whole.rows, at + BATCH_ROWS)]))
    }
    this.#rows = Math.max(0, whole.rows - at)
    this.#pending = this.#rows > 0 ? [takeFlow(whole, [at, whole.rows])] : []
  }

  #halve(flow: Flow): void {
    if (flow.rows === 1 || flowBytes(flow) <= this.#bytes) return this.#emit(flow)
    const middle = flow.rows >> 1
    this.#halve(takeFlow(flow, [0, middle]))
    this.#halve(takeFlow(flow, [middle, flow.rows]))
  }
}
