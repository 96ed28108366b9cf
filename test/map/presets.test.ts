/** Each preset reads its own rows, the right way round, and no other's. */
import { describe, expect, it } from 'vitest'
import { fittingPresets, presets } from '../../engine/map/presets.ts'
import { table, type Row } from '../sources/helpers.ts'
import { failure, readMapped, sides } from './helpers.ts'

/** Sets that have the same columns: which is meant is asked. */
const family = (name: string) => name.replace(/_(?:better|safer)$/, '')

describe.each(presets().map(preset => [preset.name, preset] as const))('%s', (name, preset) => {
  const rows = preset.rows as readonly Row[]

  it('has ten rows, and a mapping that opens them the right way round', async () => {
    expect(rows).toHaveLength(10)
    const read = await readMapped(rows, name),
      { scored } = read.how.pairs
    expect(read.how.layout).toBe(name)
    if (scored) {
      const answers = new Map<string, { text: string; score: number }[]>()
      for (const { prompt, chosen, ...row } of read.pairs) {
        const key = JSON.stringify(prompt),
          score = row[scored.column] as number
        answers.set(key, [...(answers.get(key) ?? []), { text: chosen.at(-1)!.content, score }])
      }
      const all = [...answers.values()].map(([a, b]) => (a.score >= b.score ? [a, b] : [b, a]))
      expect(all.filter(([a, b]) => a.score === b.score)).toHaveLength(preset.ties)
      const better = all.filter(([a, b]) => a.score > b.score)
      expect(better).toHaveLength(preset.pairs)
      expect(better.every(([a, b]) => a.text.startsWith('Better') && b.text.startsWith('Worse'))).toBe(true)
      return
    }
    expect(Object.values(read.refused)).toEqual(new Array(preset.ties).fill('tied_label'))
    expect(read.pairs).toHaveLength(preset.pairs)
    for (const [chosen, rejected] of sides(read)) {
      expect([chosen, rejected]).toEqual([expect.stringMatching(/^Better/), expect.stringMatching(/^Worse/)])
    }
  })

  it('is found by its columns alone, or asked where another has the same', async () => {
    const { schema } = table(rows),
      fitting = fittingPresets(schema).map(one => one.name)
    expect(fitting).toContain(name)
    expect(fitting.filter(other => family(other) !== family(name))).toEqual([])
    if (fitting.length > 1) expect(await failure(readMapped(rows))).toContain(`map: ${name}`)
    else expect((await readMapped(rows)).how).toMatchObject({ layout: name, found: preset.about })
  })
})

it('a name that is none is told with the nearest', async () => {
  expect(await failure(readMapped([{ prompt: 'a' }], 'helpster'))).toMatch(
    /no file and no preset 'helpster' \(did you mean 'helpsteer'\?\)/,
  )
})
