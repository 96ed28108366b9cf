/** The file of decisions that a page writes: whole at every moment, one line a pair, one process at a time. */
import fs, { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openDecisions, type Decided } from '../../app/review/file.ts'
import { folder } from '../engine/helpers.ts'

const decided = (id: string, decision: Decided['decision']): Decided => ({
  id,
  decision,
  by: 'ann',
  at: '2026-11-29T12:00:00.000Z',
})
const linesOf = (path: string) =>
  readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Decided)

describe('openDecisions', () => {
  it('keeps one line a pair, the last that was decided, and goes on where it ended', () => {
    const path = join(folder(), 'deep', 'decisions.jsonl'),
      file = openDecisions(path)
    file.put(decided('a', 'keep'))
    file.put(decided('b', 'drop'))
    file.put(decided('a', 'flip'))
    file.close()
    expect(linesOf(path).map(({ id, decision }) => [id, decision])).toEqual([
      ['b', 'drop'],
      ['a', 'flip'],
    ])
    const again = openDecisions(path)
    again.remove('b')
    again.close()
    expect(linesOf(path)).toEqual([decided('a', 'flip')])
    expect(existsSync(`${path}.open`)).toBe(false)
  })

  it('keeps what others wrote of a pair, and pairs of other lists', () => {
    const path = join(folder(), 'decisions.jsonl'),
      more = { ...decided('old', 'keep'), content_hash: '0'.repeat(32), note: 'seen twice', batch: 7 }
    writeFileSync(path, `${JSON.stringify(more)}\n`)
    const file = openDecisions(path)
    file.put(decided('new', 'drop'))
    file.close()
    expect(linesOf(path)).toEqual([more, decided('new', 'drop')])
  })

  it('refuses a second process, with 75, and leaves the first alone', () => {
    const path = join(folder(), 'decisions.jsonl'),
      file = openDecisions(path)
    expect(() => openDecisions(path)).toThrow(expect.objectContaining({ exit: 75 }))
    file.put(decided('a', 'keep'))
    file.close()
    openDecisions(path).close()
  })

  it.each([
    ['no JSON', '{"id": "a"', /line 1 of .* is no decision/],
    ['another word', '{"id":"a","decision":"kepe"}', /line 1 of .* is no decision/],
    ['two decisions', '{"id":"a","decision":"keep"}\n{"id":"a","decision":"drop"}', /two decisions on 'a'.*line 2/],
  ])('refuses a file with %s, with 65, and lets it be', (_, text, message) => {
    const path = join(folder(), 'decisions.jsonl')
    writeFileSync(path, text)
    expect(() => openDecisions(path)).toThrow(
      expect.objectContaining({ exit: 65, message: expect.stringMatching(message) }),
    )
    expect(readFileSync(path, 'utf8')).toBe(text)
    expect(existsSync(`${path}.open`)).toBe(false)
  })

  it('says of a decision that could not be written, and still has the file of before', () => {
    const path = join(folder(), 'decisions.jsonl'),
      file = openDecisions(path),
      { fsyncSync } = fs
    file.put(decided('a', 'keep'))
    fs.fsyncSync = () => {
      throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
    }
    syncBuiltinESMExports()
    try {
      expect(() => file.put(decided('b', 'drop'))).toThrow('ENOSPC')
    } finally {
      fs.fsyncSync = fsyncSync
      syncBuiltinESMExports()
    }
    expect([...file.all.keys()]).toEqual(['a'])
    file.close()
    expect(linesOf(path)).toEqual([decided('a', 'keep')])
  })
})
