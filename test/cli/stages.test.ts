/** `sluice stages`: lists by what stages are for, one group, one stage, those of a paper; and words that name none. */
import { describe, expect, it, vi } from 'vitest'
import { main } from '../../index.mjs'
import { categories, type Category } from '../../engine/contract/define.ts'
import { allStages } from '../../stages/registry.ts'

async function stages(...words: readonly string[]) {
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined),
    error = vi.spyOn(console, 'error').mockImplementation(() => undefined)
  try {
    const code = await main(['stages', ...words])
    return { code, stdout: log.mock.calls.flat().join('\n'), stderr: error.mock.calls.flat().join('\n') }
  } finally {
    log.mockRestore()
    error.mockRestore()
  }
}
/** Headings and names of what was printed. */
const told = (stdout: string) => stdout.split('\n').map(line => /^( {2})?(\S+)/.exec(line)?.[2])
const all = await allStages(),
  names = [...all.keys()],
  of = (title: Category) => names.filter(name => all.get(name)!.category === title)

describe('sluice stages', () => {
  it('lists all by category, with summary and status', async () => {
    const { code, stdout } = await stages(),
      lines = stdout.split('\n')
    expect(code).toBe(0)
    expect(lines.filter(line => !line.startsWith(' '))).toEqual(categories.filter(name => of(name).length > 0))
    expect(told(lines.filter(line => line.startsWith(' ')).join('\n')).sort()).toEqual(names)
    expect(stdout).toContain('speak against. (proven here: docs/benchmarks/labels.md)\n')
    expect(stdout).toContain('  write_jsonl             Write JSON Lines, one object a row.\n')
  })

  it.each<[string[], (string | undefined)[]]>([
    [['audit'], ['audit', ...of('audit')]],
    [['FIND'], ['find', ...of('find wrong labels')]],
    [
      ['ask models', 'make'],
      ['ask', ...of('ask models'), 'make', ...of('make pairs')],
    ],
    [
      ['find', 'wrong'],
      ['find', ...of('find wrong labels')],
    ],
    [
      ['--paper', '2410.06638'],
      ['Subtle', 'inject_errors', 'self_edit'],
    ],
    [
      ['--paper', 'https://arxiv.org/abs/2410.06638v2'],
      ['Subtle', 'inject_errors', 'self_edit'],
    ],
    [
      ['--paper', 'SIMILARITY fast'],
      ['Fast', 'drop_near_duplicates'],
    ],
  ])('%j: a group', async (words, lines) => {
    const { code, stdout } = await stages(...words)
    expect({ code, lines: told(stdout) }).toEqual({ code: 0, lines })
  })

  it('tells all of one stage by its name', async () => {
    const { stdout } = await stages('drop_near_duplicates', 'audit_lengths')
    expect(stdout).toMatch(/^drop_near_duplicates \(stage\): Drop pairs that .*\n {2}category: check and deduplicate\n/)
    expect(stdout).toContain('\n  paper: as in Fast Similarity Sketching (arXiv 1704.04370)\n')
    expect(stdout).toContain('\n  similarity = 0.8: least Jaccard similarity')
    expect(stdout).toContain('\naudit_lengths (audit): Say ')
    expect(stdout).toContain('\n  input before (may be left out): chosen, rejected\n')
  })

  it('--json has them as data', async () => {
    const { stdout } = await stages('--json', 'find')
    expect(JSON.parse(stdout)).toHaveLength(of('find wrong labels').length)
    expect(JSON.parse(stdout)).toContainEqual(
      expect.objectContaining({
        name: 'detect_noise',
        kind: 'stage',
        category: 'find wrong labels',
        status: { is: 'proven here', shown: 'docs/benchmarks/labels.md' },
      }),
    )
    expect(JSON.parse((await stages('--json')).stdout)).toHaveLength(names.length)
  })

  it.each<[string[], string]>([
    [['audti'], "no stage or category 'audti'; did you mean audit?"],
    [['check_pair'], "no stage or category 'check_pair'; did you mean check_pairs?"],
    [['dedup'], "no stage or category 'dedup'; did you mean 'check and deduplicate'?"],
    [['zzzz'], "no stage or category 'zzzz'; the categories are read, check and deduplicate, "],
    [['--paper', '2410.06639'], "no stage follows a paper '2410.06639'; did you mean '2410.06638'?"],
    [['--paper', 'confidant'], "no stage follows a paper 'confidant'; did you mean Confident?"],
    [['--paper', 'zzzz'], "no stage follows a paper 'zzzz'; papers that stages follow: "],
    [['--paper', 'fast', 'sketching'], "'sketching' stands beside --paper fast; name the paper or the stages, "],
  ])('%j ends with 64 and says what was probably meant', async (words, says) => {
    const { code, stdout, stderr } = await stages(...words)
    expect(stderr).toContain(`sluice stages: ${says}`)
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
  })
})
