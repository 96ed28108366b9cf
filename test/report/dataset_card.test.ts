/** The dataset card of a run: what `datasets` and the Hub read of it, and that it counts as the manifest does. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { graph, main, run } from '../../index.mjs'
import { folder, pairs, writeJsonl } from '../engine/helpers.ts'

const cardOf = (run: string) => readFileSync(join(run, 'README.md'), 'utf8')
/** What stands between the first two lines of dashes. */
const frontOf = (card: string) =>
  parse(card.split(/^---$/m)[1]) as { license: string; size_categories: string[]; configs: Record<string, unknown>[] }

describe('the dataset card', () => {
  const at = folder(),
    bad = 'a|b `c` <i>_d_'
  let made: Awaited<ReturnType<typeof run>>
  beforeAll(async () => {
    mkdirSync(join(at, bad))
    const rows = pairs(30)
    writeJsonl(join(at, bad, 'pairs.jsonl'), [...rows, { ...rows[0], id: 'again' }, { ...rows[1], chosen: '' }])
    const mine = graph('mine', { base: at })
      .add({ id: 'pairs', use: 'read_jsonl', with: { path: join(at, bad) } })
      .add({ id: 'checked', use: 'check_pairs' })
      .add({ id: 'unique', use: 'drop_duplicates' })
      .add({ id: 'dpo', use: 'write_arrow' })
      .add({ id: 'lines', use: 'write_jsonl', from: 'unique' })
      .add({ id: 'eyes', use: 'write_jsonl', from: 'unique.dropped', with: { for: 'review' } })
    made = await run(mine, { output: join(at, 'out') })
  })

  it('names each output to train on as a configuration, with its files alone, and no other', () => {
    const { configs, license, size_categories } = frontOf(cardOf(made.folder))
    expect(configs).toEqual([
      { config_name: 'dpo', default: true, data_files: 'dpo/*.arrow' },
      { config_name: 'lines', data_files: 'lines/*.jsonl' },
    ])
    expect({ license, size_categories }).toEqual({ license: 'unknown', size_categories: ['n<1K'] })
  })

  it('says what was left out in the words of the page, with the counts of the manifest', () => {
    const card = cardOf(made.folder)
    expect(card).toContain('Of 32 rows 30 were kept, 2 dropped (6.3 %).')
    expect(card).toMatch(/^\| repeats \| `unique.duplicate` \| .* \| 1 \|$/m)
    expect(card).toMatch(/^\| broken \| `checked.empty_side` \| .* \| 1 \|$/m)
    expect(card).toContain('no stage of the graph looks at labels')
  })

  it('shows names of files as text, and the graph as YAML that reads as what it was', () => {
    const card = cardOf(made.folder),
      [, yaml] = /^(?:`{3,})yaml\n([^]*?)\n`{3,}$/m.exec(card)!
    expect(card).toContain('a\\|b \\`c\\` \\<i\\>\\_d\\_')
    expect((parse(yaml) as { stages: { id: string }[] }).stages.map(({ id }) => id)).toEqual(
      made.manifest.graph.stages.map(({ id }) => id),
    )
  })

  it('is held by verify, and is not there where there is nothing to train on', async () => {
    expect(await main(['verify', '--output', join(at, 'out'), '--quiet'])).toBe(0)
    const only = graph('only', { base: at })
      .add({ id: 'pairs', use: 'read_jsonl', with: { path: join(at, bad) } })
      .add({ id: 'lengths', use: 'audit_lengths', from: { kept: 'pairs' } })
    const { folder } = await run(only, { output: join(at, 'audit') })
    expect(existsSync(join(folder, 'README.md'))).toBe(false)
  })
})
