/** The file of decisions that a page writes: whole at every moment, one line a pair, one process at a time. */
import fs, { appendFileSync, existsSync, lstatSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openDecisions, type Decided, type DecisionsFile } from '../../app/review/file.ts'
import { folder } from '../engine/helpers.ts'

const decided = (id: string, decision: Decided['decision']): Decided => ({
  id,
  decision,
  by: 'ann',
  at: '2026-11-29T12:00:00.000Z',
})
const put = (file: DecisionsFile, one: Decided) =>
  file.put({ id: one.id, ...(one.content_hash === undefined ? {} : { content: one.content_hash }) }, one)
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
    put(file, decided('a', 'keep'))
    put(file, decided('b', 'drop'))
    put(file, decided('a', 'flip'))
    file.close()
    expect(linesOf(path).map(({ id, decision }) => [id, decision])).toEqual([
      ['b', 'drop'],
      ['a', 'flip'],
    ])
    const again = openDecisions(path)
    again.remove({ id: 'b' })
    again.close()
    expect(linesOf(path)).toEqual([decided('a', 'flip')])
    expect(existsSync(`${path}.open`)).toBe(false)
  })

  it('keeps what others wrote of a pair, and pairs of other lists', () => {
    const path = join(folder(), 'decisions.jsonl'),
      more = { ...decided('old', 'keep'), content_hash: '0'.repeat(32), note: 'seen twice', batch: 7 }
    writeFileSync(path, `${JSON.stringify(more)}\n`)
    const file = openDecisions(path)
    put(file, decided('new', 'drop'))
    file.close()
    expect(linesOf(path)).toEqual([more, decided('new', 'drop')])
  })

  it('refuses a second process, with 75, and leaves the first alone', () => {
    const path = join(folder(), 'decisions.jsonl'),
      file = openDecisions(path)
    expect(() => openDecisions(path)).toThrow(expect.objectContaining({ exit: 75 }))
    put(file, decided('a', 'keep'))
    file.close()
    openDecisions(path).close()
  })

  it.each([
    ['no JSON', '{"id": "a"', /line 1 of .* is no decision/],
    ['another word', '{"id":"a","decision":"kepe"}', /line 1 of .* is no decision/],
    ['two decisions', '{"id":"a","decision":"keep"}\n{"id":"a","decision":"drop"}', /on 'a' that contradict/],
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
    put(file, decided('a', 'keep'))
    fs.fsyncSync = () => {
      throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
    }
    syncBuiltinESMExports()
    try {
      expect(() => put(file, decided('b', 'drop'))).toThrow('ENOSPC')
    } finally {
      fs.fsyncSync = fsyncSync
      syncBuiltinESMExports()
    }
    expect(file.lines.map(({ id }) => id)).toEqual(['a'])
    file.close()
    expect(linesOf(path)).toEqual([decided('a', 'keep')])
  })

  it('tells pairs of one id apart by their content, and keeps a line for each', () => {
    const path = join(folder(), 'decisions.jsonl'),
      [one, two] = ['1', '2'].map(digit => digit.repeat(32)),
      file = openDecisions(path)
    put(file, { ...decided('a', 'keep'), content_hash: one })
    put(file, { ...decided('a', 'drop'), content_hash: two })
    expect([one, two, '3'.repeat(32)].map(content => file.decisionOn({ id: 'a', content })?.decision)).toEqual([
      'keep',
      'drop',
      undefined,
    ])
    put(file, decided('b', 'keep'))
    file.remove({ id: 'a', content: two })
    file.close()
    expect(linesOf(path).map(({ id, decision }) => [id, decision])).toEqual([
      ['a', 'keep'],
      ['b', 'keep'],
    ])
  })

  it('keeps what somebody adds while it is open, and writes to where a link leads', () => {
    const at = folder(),
      path = join(at, 'team.jsonl'),
      link = join(at, 'decisions.jsonl')
    writeFileSync(path, '')
    symlinkSync(path, link)
    const file = openDecisions(link)
    put(file, decided('a', 'keep'))
    appendFileSync(path, `${JSON.stringify(decided('b', 'drop'))}\n`)
    put(file, decided('c', 'flip'))
    file.close()
    expect(linesOf(path).map(({ id }) => id)).toEqual(['a', 'b', 'c'])
    expect(lstatSync(link).isSymbolicLink()).toBe(true)
  })

  it('writes nothing once another one took over, as after it was suspended', () => {
    const path = join(folder(), 'decisions.jsonl'),
      file = openDecisions(path)
    put(file, decided('a', 'keep'))
    rmSync(join(`${path}.open`, 'lock'))
    const other = openDecisions(path)
    put(other, decided('b', 'drop'))
    expect(() => put(file, decided('c', 'keep'))).toThrow(expect.objectContaining({ exit: 75 }))
    file.close()
    put(other, decided('d', 'keep'))
    other.close()
    expect(linesOf(path).map(({ id }) => id)).toEqual(['a', 'b', 'd'])
  })

  it('has written a decision where the names in its folder cannot be synced', () => {
    const path = join(folder(), 'decisions.jsonl'),
      file = openDecisions(path),
      { fsyncSync } = fs
    let calls = 0
    fs.fsyncSync = fd => {
      if (calls++ > 0) throw Object.assign(new Error('EINVAL: invalid argument, fsync'), { code: 'EINVAL' })
      fsyncSync(fd)
    }
    syncBuiltinESMExports()
    try {
      put(file, decided('a', 'keep'))
    } finally {
      fs.fsyncSync = fsyncSync
      syncBuiltinESMExports()
    }
    file.close()
    expect([calls, linesOf(path)]).toEqual([2, [decided('a', 'keep')]])
  })
})
