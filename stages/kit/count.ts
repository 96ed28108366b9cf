/** A tally that counts rows: what a stage says of itself may depend on whether it made any. */
import { round } from '../../engine/contract/define.ts'

export const rowCount = () =>
  round({
    collect() {
      let rows = 0
      return {
        batch(batch) {
          rows += batch.rows
        },
        part: () => rows,
      }
    },
    merge(parts: Iterable<number>) {
      let rows = 0
      for (const part of parts) rows += part
      return rows
    },
  })
