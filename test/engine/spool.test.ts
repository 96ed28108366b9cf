/** What is left between passes is read back as it was. */
import { DataType, Field, Float64, Schema, Utf8, type Data } from 'apache-arrow'
import fc from 'fast-check'
import { statSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { makeFloat64, makeText, runsOfRows, textColumn } from '../../engine/arrow/columns.ts'
import { DERIVED, takeFlow, withColumns, type Flow } from '../../engine/arrow/flow.ts'
import { SpoolReader, SpoolWriter, type Spool } from '../../engine/run/spool.ts'
import { folder } from './helpers.ts'

const text = new Schema([new Field('id', new Utf8()), new Field('text', new Utf8())]),
  scored = new Schema([...text.fields, new Field('score', new Float64())])
const blockOf = (first: number, texts: readonly (string | null)[]): Flow => ({
  schema: text,
  rows: texts.length,
  row: Uint32Array.from(texts, (_, i) => first + i),
  copy: new Uint32Array(texts.length),
  columns: [makeText(texts.map((_, i) => `r${first + i}`)), makeText(texts)],
})
const withScore = (flow: Flow) =>
  withColumns(flow, scored, new Map([['score', makeFloat64(Float64Array.from(flow.row, row => row / 2))]]))
const plain = ({ columns, row, copy }: Flow) => ({
  row: [...row],
  copy: [...copy],
  columns: columns.map(column =>
    DataType.isFloat(column.type)
      ? [...(column.values as Float64Array)]
      : [...row].map((_, i) => (textColumn(column).isNull(i) ? null : textColumn(column).text(i))),
  ),
})

function readerOf(spools: Record<string, Spool>, schemas: Record<string, Schema>): (port: string) => SpoolReader {
  const open = (port: string): SpoolReader => new SpoolReader(port, spools[port], schemas[port], open)
  return open
}

describe('spool', () => {
  it('gives back every block, whether it is written whole or as places in another spool', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            texts: fc.array(fc.option(fc.string({ unit: 'grapheme' })), { minLength: 1, maxLength: 9 }),
            keep: fc.array(fc.nat(8), { maxLength: 12 }),
            joined: fc.boolean(),
          }),
          { maxLength: 6 },
        ),
        blocks => {
          const at = folder(),
            first = new SpoolWriter(at, 'a'),
            second = new SpoolWriter(at, 'b#in'),
            third = new SpoolWriter(at, 'c')
          const want: Record<string, ReturnType<typeof plain>[]> = { a: [], 'b#in': [], c: [] }
          const save = (port: string, writer: SpoolWriter, flow: Flow, block: number) => {
            want[port][block] = plain(flow)
            return flow.rows > 0 ? writer.save(flow, block) : flow
          }
          let row = 0
          blocks.forEach(({ texts, keep, joined }, block) => {
            const a = save('a', first, blockOf(row, texts), block)
            row += texts.length
            // as after a stage that drops, or one that makes rows: a row may come again, and its id be another
            const picked = takeFlow(a, runsOfRows(keep.filter(i => i < a.rows).sort((x, y) => x - y)))
            const made = withColumns(
              { ...picked, copy: picked.copy.map(copy => (copy | DERIVED) >>> 0) },
              scored,
              new Map<string, Data>([
                ['id', makeText(Array.from(picked.row, r => `new${r}`))],
                ['score', makeFloat64(new Float64Array(picked.rows))],
              ]),
            )
            // what was joined from two inputs lies nowhere yet
            const b = save('b#in', second, joined ? { ...made, root: undefined } : made, block)
            save('c', third, withScore(takeFlow({ ...b, schema: scored }, [0, b.rows >> 1])), block)
          })
          const open = readerOf(
            { a: first.close(), 'b#in': second.close(), c: third.close() },
            { a: text, 'b#in': scored, c: scored },
          )
          for (const port of ['a', 'b#in', 'c']) {
            const reader = open(port)
            expect(want[port].map((_, block) => plain(reader.read(block)))).toEqual(want[port])
            expect([...reader.blocks]).toEqual(want[port].flatMap(({ row }, block) => (row.length > 0 ? [block] : [])))
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  it('writes texts once', () => {
    const at = folder(),
      flow = blockOf(
        0,
        Array.from({ length: 100 }, (_, i) => 'long '.repeat(200 + i)),
      )
    const first = new SpoolWriter(at, 'a'),
      second = new SpoolWriter(at, 'b')
    second.save(withScore(takeFlow(first.save(flow, 0), [10, 90])), 0)
    const [whole, later] = [first.close().whole!, second.close().later!]
    expect(statSync(later.path).size).toBeLessThan(statSync(whole.path).size / 20)
  })
})
