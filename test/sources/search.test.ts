/**
 * Names of inputs that are no files, lead in circles or stand for too much: the search ends, and tells what it leaves
 * out.
 */
import { execFileSync } from 'node:child_process'
import { linkSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import type * as fs from 'node:fs/promises'
import { createServer } from 'node:net'
import { join, relative } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { findFiles } from '../../engine/files/find.ts'
import { expandBraces } from '../../engine/files/search.ts'
import { folder } from '../engine/helpers.ts'

/** What the system says of a path, in the place of what it is; what happens before a folder is looked through. */
const faults = vi.hoisted(() => new Map<string, string>())
const events = vi.hoisted(() => new Map<string, () => void>())
vi.mock('node:fs/promises', async original => {
  const real = await original<typeof fs>()
  const stat = (path: string) => {
    const code = faults.get(path)
    return code === undefined ? real.stat(path) : Promise.reject(Object.assign(new Error(code), { code }))
  }
  const opendir = (path: string, options: object) => {
    const happen = events.get(path)
    events.delete(path)
    happen?.()
    return real.opendir(path, options)
  }
  return { ...real, stat, opendir }
})

const closers: (() => void)[] = []
afterAll(() => {
  for (const close of closers) close()
})

/** A folder with these files, made empty. */
function tree(...files: string[]): string {
  const at = folder()
  for (const file of files) {
    mkdirSync(join(at, file, '..'), { recursive: true })
    writeFileSync(join(at, file), '')
  }
  return at
}
interface Found {
  readonly files: string[]
  readonly warnings: string[]
}
async function find(at: string, paths: string | string[], extensions = ['.jsonl']): Promise<Found> {
  const [path, ...more_paths] = [paths].flat(),
    warnings: string[] = []
  const files = await findFiles('read', { path, more_paths }, at, extensions, text =>
    warnings.push(text.replaceAll(at, '.')),
  )
  return { files: files.map(file => relative(at, file)), warnings }
}
const failure = (at: string, paths: string | string[], exit = 66): Promise<string> =>
  find(at, paths).then(
    found => {
      throw new Error(`found ${found.files.join()}`)
    },
    (error: Error & { code?: string }) => {
      expect(error, error.message).toMatchObject({ exit })
      return error.message.replaceAll(at, '.')
    },
  )

describe('a pattern', () => {
  const at = tree(
    'a.jsonl',
    'b.jsonl',
    'c1.jsonl',
    'x/a.jsonl',
    'x/y/d.jsonl',
    '.hidden/e.jsonl',
    '.f.jsonl',
    '_g.jsonl',
    '灯.jsonl',
    'k[1].jsonl',
    'z.txt',
  )
  it.each<[string, string[]]>([
    ['*.jsonl', ['_g.jsonl', 'a.jsonl', 'b.jsonl', 'c1.jsonl', 'k[1].jsonl', '灯.jsonl']],
    ['?.jsonl', ['a.jsonl', 'b.jsonl', '灯.jsonl']],
    ['[ab].jsonl', ['a.jsonl', 'b.jsonl']],
    ['[!a]*.txt', ['z.txt']],
    ['[a-c]*[0-9].jsonl', ['c1.jsonl']],
    ['{a,c1}.jsonl', ['a.jsonl', 'c1.jsonl']],
    ['{a,x/{a,y/d}}.jsonl', ['a.jsonl', 'x/a.jsonl', 'x/y/d.jsonl']],
    ['c{1..1}.jsonl', ['c1.jsonl']],
    ['**/a.jsonl', ['a.jsonl', 'x/a.jsonl']],
    ['**/**/**/d.jsonl', ['x/y/d.jsonl']],
    ['x/**', ['x/a.jsonl', 'x/y/d.jsonl']],
    ['.*.jsonl', ['.f.jsonl']],
    ['.hidden/*', ['.hidden/e.jsonl']],
    ['x/../[a].jsonl', ['a.jsonl']],
    ['k\\[*', ['k[1].jsonl']],
    ['k[1].jsonl', ['k[1].jsonl']],
    ['./*/a.jsonl', ['x/a.jsonl']],
  ])('%s', async (pattern, files) => {
    expect(await find(at, pattern)).toEqual({ files, warnings: [] })
  })
  it('with braces lacks what the shell would name and nobody has', async () => {
    const message = await failure(at, 'c{0..2}.jsonl')
    for (const name of ['c0.jsonl', 'c2.jsonl']) expect(message).toContain(`${name} matches no file`)
    expect(message).not.toContain('c1.jsonl')
  })
  it('from the root', async () => {
    expect((await find(at, join(at, '{a,b}.jsonl'))).files).toEqual(['a.jsonl', 'b.jsonl'])
  })

  it('that stands for too much is refused at once', async () => {
    for (const pattern of ['{a,b}'.repeat(40), '{1..99999999}', `{${'a,'.repeat(50)}b}`.repeat(5)]) {
      expect(await failure(at, pattern)).toMatch(/stands for more than 10,000 patterns/)
    }
    expect(await failure(at, '*'.repeat(5000))).toMatch(/has 5000 characters, and 4096 are the most/)
    expect(await failure(at, '+(a|b).jsonl')).toMatch(/write \{a,b\}/)
    // as a shell reads it, it is *.jsonl, and all below is missed
    expect(await failure(at, './**.jsonl')).toMatch(
      /has \*\*\.jsonl, and \*\* stands for folders only where it is all between two slashes; write \*\*\/\*\.jsonl/,
    )
    expect(expandBraces('{a}{01..03}{b')).toEqual(['{a}01{b', '{a}02{b', '{a}03{b'])
  })
  it('of many stars takes no longer than one of few', async () => {
    const many = tree(`${'a'.repeat(250)}.txt`),
      began = Date.now()
    expect(await failure(many, `${'*a'.repeat(100)}*b`)).toMatch(/matches no file/)
    expect(await failure(many, `${'**/*a*/'.repeat(100)}*b`)).toMatch(/matches no file/)
    expect((await find(many, `${'*a'.repeat(100)}*`)).files).toHaveLength(1)
    expect(Date.now() - began).toBeLessThan(5000)
  })
})

describe('a folder that a pattern stands for', () => {
  const at = tree(
    'a.jsonl',
    'b.jsonl/part-0.jsonl',
    'b.jsonl/.x.csv',
    'b.jsonl/y.csv',
    'c/d.jsonl',
    'c/e/f.jsonl',
    'g/z',
  )
  const inB = [
    'read: 1 file of another kind is left unread: ./b.jsonl/y.csv',
    'read: 1 name is left unread, as it begins with . or _: ./b.jsonl/.x.csv',
  ]
  const noneInG = 'read: 1 name that matches is no file and is left out: ./g (a folder without a file *.jsonl)'
  it.each<[string, string[], string[]]>([
    ['*.jsonl', ['a.jsonl', 'b.jsonl/part-0.jsonl'], inB],
    ['*', ['a.jsonl', 'b.jsonl/part-0.jsonl', 'c/d.jsonl', 'c/e/f.jsonl'], [noneInG, ...inB]],
    ['*/', ['b.jsonl/part-0.jsonl', 'c/d.jsonl', 'c/e/f.jsonl'], [noneInG, ...inB]],
    ['[bc]*/', ['b.jsonl/part-0.jsonl', 'c/d.jsonl', 'c/e/f.jsonl'], inB],
    ['{a.jsonl,c}', ['a.jsonl', 'c/d.jsonl', 'c/e/f.jsonl'], []],
    ['c/**/', ['c/d.jsonl', 'c/e/f.jsonl'], []],
    ['{,c/*}', ['c/d.jsonl', 'c/e/f.jsonl'], []],
    ['*/e/.', ['c/e/f.jsonl'], []],
  ])('is read as one that is named: %s', async (pattern, files, warnings) => {
    expect(await find(at, pattern)).toEqual({ files, warnings })
  })
  it('and a slash behind it is for folders only', async () => {
    expect(await failure(at, 'a*/')).toMatch(/'a\*\/' matches no file/)
    expect(await failure(at, '{a.jsonl/,c}')).toMatch(/a\.jsonl\/ matches no file/)
    expect(await failure(at, '[g]')).toMatch(/matches no file, but \.\/g \(a folder without a file \*\.jsonl\)/)
  })
  it('is not told of as left unread where another name of the input reads it', async () => {
    const both = tree('x/a.jsonl', 'x/_b/c.jsonl')
    expect(await find(both, ['x', 'x/_b'])).toEqual({ files: ['x/_b/c.jsonl', 'x/a.jsonl'], warnings: [] })
  })
})

describe('an input that changes while files are searched for', () => {
  const files = ['a/1.jsonl', 'b/2.jsonl', 'b/3.jsonl', 'c/4.jsonl']
  const gone =
    /^run: the folder \.\/b went away while it was looked through \((ENOENT|ENOTDIR)\): the input is changing/
  const other =
    /^read: .* (came into|went from) \.\/\S+ while files were searched for: the input is changing; run again/
  it.each<[string, string, (at: string) => void, RegExp]>([
    ['a folder goes', 'b', at => rmSync(join(at, 'b'), { recursive: true }), gone],
    ['a folder is moved to where nobody looks', 'b', at => renameSync(join(at, 'b'), join(at, '_b')), gone],
    [
      'a folder makes room for a file',
      'b',
      at => {
        rmSync(join(at, 'b'), { recursive: true })
        writeFileSync(join(at, 'b'), '')
      },
      gone,
    ],
    [
      'a file is moved to a folder that was looked through',
      'b',
      at => renameSync(join(at, files[1]), join(at, 'a/2.jsonl')),
      other,
    ],
    ['a file comes into a folder that was looked through', 'c', at => writeFileSync(join(at, 'a/5.jsonl'), ''), other],
  ])('%s', async (_, when, change, message) => {
    for (const paths of ['.', '**/*.jsonl', '*/*.jsonl', ['a', 'b', 'c']]) {
      const at = tree(...files)
      events.set(join(at, when), () => {
        change(at)
      })
      expect(await failure(at, paths, 75), String(paths)).toMatch(message)
    }
  })
  it('is read as it was when a second look finds the same', async () => {
    const at = tree(...files)
    events.set(join(at, 'b'), () => {
      rmSync(join(at, 'a/1.jsonl'))
      writeFileSync(join(at, 'a/1.jsonl'), '')
      writeFileSync(join(at, 'a/1.txt'), '')
    })
    expect((await find(at, '.')).files).toEqual(files)
  })
})

describe('what is no file', () => {
  it('is left out and told of, and named alone ends with no input', async () => {
    const at = tree('a.jsonl'),
      server = createServer().listen(join(at, 's.jsonl'))
    closers.push(() => {
      server.close()
    })
    execFileSync('mkfifo', [join(at, 'p.jsonl')])
    symlinkSync('/dev/zero', join(at, 'z.jsonl'))
    const told = [
      'read: 3 names that match are no files and are left out: ./p.jsonl (a pipe), ./s.jsonl (a socket), ./z.jsonl (a device)',
    ]
    expect(await find(at, '*.jsonl')).toEqual({ files: ['a.jsonl'], warnings: told })
    expect(await find(at, '.')).toEqual({ files: ['a.jsonl'], warnings: told })
    expect(await failure(at, ['p.jsonl', 's.jsonl', 'z.jsonl', '/dev/null'])).toBe(
      "read: no input: 'p.jsonl' is a pipe, no file; 's.jsonl' is a socket, no file; 'z.jsonl' is a device, no file; '/dev/null' is a device, no file (looked in .)",
    )
    expect(await failure(at, '[psz].jsonl')).toBe(
      "read: no input: '[psz].jsonl' matches no file, but ./p.jsonl (a pipe), ./s.jsonl (a socket), ./z.jsonl (a device) (looked in .)",
    )
  })
  it('is a link to nothing, or to itself: that stops the run', async () => {
    const at = tree('a.jsonl')
    symlinkSync('gone.jsonl', join(at, 'b.jsonl'))
    symlinkSync('c.jsonl', join(at, 'c.jsonl'))
    symlinkSync('gone.csv', join(at, 'd.csv'))
    for (const path of ['.', '*.jsonl']) {
      expect(await failure(at, path)).toBe(
        'read: no input: ./b.jsonl is a link to gone.jsonl, which does not exist; ./c.jsonl is a link to c.jsonl, which cannot be followed (ELOOP) (looked in .)',
      )
    }
    expect(await failure(at, 'b.jsonl')).toMatch(/'b\.jsonl' is a link to gone\.jsonl, which does not exist/)
  })
  it('is a link to a folder that is not there, in the middle of a pattern: that stops the run', async () => {
    const at = tree('a/data/x.jsonl', 'c/y.jsonl')
    symlinkSync('vol', join(at, 'b'))
    for (const path of ['*/data/*.jsonl', '*/data/x.jsonl', '{a,b}/data/*.jsonl', '*/data', '*/data/', '*']) {
      expect(await failure(at, path), path).toBe(
        'read: no input: ./b is a link to vol, which does not exist (looked in .)',
      )
    }
    rmSync(join(at, 'b'))
    symlinkSync('../vol/data', join(at, 'c', 'data'))
    for (const path of ['*/data/*.jsonl', '*/data', '*/dat?/*.jsonl']) {
      expect(await failure(at, path), path).toMatch(/\.\/c\/data is a link to \.\.\/vol\/data, which does not exist/)
    }
  })
  it('is a link to nothing that may have been a folder, in one that is read: it is left out, and told', async () => {
    const at = tree('in/a.jsonl', 'in/x/b.jsonl')
    // a folder whose name begins with a dot would be left out without a word, too
    for (const name of ['notes', 'x/vol', '.x', '_y', 'c.csv']) symlinkSync('/gone', join(at, 'in', name))
    const left =
      'read: 2 names that match are no files and are left out: ./in/x/vol (a link to /gone, which does not exist), ./in/notes (a link to /gone, which does not exist)'
    const files = ['in/a.jsonl', 'in/x/b.jsonl']
    expect(await find(at, 'in')).toEqual({
      files,
      warnings: [
        left,
        'read: 1 file of another kind is left unread: ./in/c.csv',
        'read: 1 name is left unread, as it begins with . or _: ./in/_y/',
      ],
    })
    rmSync(join(at, 'in/c.csv'))
    rmSync(join(at, 'in/_y'))
    expect(await find(at, 'in/**/*.jsonl')).toEqual({ files, warnings: [left] })
  })
  it('may not be looked into, or is on a disk that fails: that stops the run with 66, or 74', async () => {
    const at = tree('a/data/x.jsonl', 'b/data/x.jsonl', 'd.jsonl')
    for (const [code, exit] of [
      ['EACCES', 66],
      ['EIO', 74],
    ] as const) {
      faults.set(join(at, 'b', 'data'), code)
      faults.set(join(at, 'd.jsonl'), code)
      for (const [path, name] of [
        ['*/data/*.jsonl', 'b/data'],
        ['b/data', 'b/data'],
        ['d.jsonl', 'd.jsonl'],
      ]) {
        await expect(find(at, path), path).rejects.toMatchObject({
          exit,
          message: expect.stringMatching(`${name}'? cannot be looked at \\(${code}\\)`) as unknown,
        })
      }
      symlinkSync('/gone', join(at, 'notes'))
      faults.set(join(at, 'notes'), code)
      for (const path of ['.', '**/x.jsonl', '*/data/x.jsonl']) {
        await expect(find(at, path), path).rejects.toMatchObject({
          exit,
          message: expect.stringContaining(`notes is a link to /gone, which cannot be followed (${code})`) as unknown,
        })
      }
      rmSync(join(at, 'notes'))
    }
    faults.clear()
  })
  it('is a folder that links into a circle, or that is there by two names: it is read once', async () => {
    const at = tree('x/a.jsonl', 'x/y/b.jsonl')
    for (const [to, from] of [
      ['..', 'x/up'],
      ['.', 'x/here'],
      ['../..', 'x/y/top'],
      ['y', 'x/again'],
      ['x', 'w'],
    ]) {
      symlinkSync(to, join(at, from))
    }
    const { files, warnings } = await find(at, '.')
    expect(files).toEqual(['x/a.jsonl', 'x/y/b.jsonl'])
    expect(warnings.join()).toMatch(
      /names that match are no files and are left out: .*a link to .*, which is read already/,
    )
    expect((await find(at, '**/*.jsonl')).files).toEqual(['x/a.jsonl', 'x/y/b.jsonl'])
  })
})

it('a name that is not UTF-8 stops the run, be it a folder, a link or a file that would be read', async () => {
  const at = tree('in/a.jsonl'),
    shell = (command: string) => execFileSync('bash', ['-c', command], { cwd: at })
  shell(String.raw`cp in/a.jsonl in/$'caf\xe9.txt'; mkdir in/ok$'\xef\xbf\xbd'; cp in/a.jsonl in/ok*/`)
  expect((await find(at, 'in')).files).toEqual(['in/a.jsonl', 'in/ok\ufffd/a.jsonl'])
  shell(String.raw`mkdir in/$'b\xfccher'; cp in/a.jsonl in/$'b\xfccher'; ln -s a.jsonl in/$'l\xfc'`)
  shell(String.raw`cp in/a.jsonl in/$'caf\xe9.jsonl'`)
  const why = 'has a name that is not UTF-8 and cannot be opened by it; rename it'
  for (const path of ['in', 'in/*/*.jsonl', 'in/**/*.jsonl', '*']) {
    const message = await failure(at, path)
    expect(message).toContain(`./in/b\ufffdcher ${why}`)
    expect(message).toContain(`./in/l\ufffd ${why}`)
  }
  expect(await failure(at, 'in')).toContain(`./in/caf\ufffd.jsonl ${why}`)
  expect(await failure(at, 'in/c*.jsonl')).toContain(`./in/caf\ufffd.jsonl ${why}`)
  expect((await find(at, 'in/[a]*')).files).toEqual(['in/a.jsonl'])
})

describe('a file', () => {
  it('of two hard links is read once, and that is told', async () => {
    const at = tree('b.jsonl', 'd.jsonl', 'x/e.jsonl')
    linkSync(join(at, 'b.jsonl'), join(at, 'a.jsonl'))
    linkSync(join(at, 'b.jsonl'), join(at, 'x', 'c.jsonl'))
    symlinkSync('b.jsonl', join(at, 'z.jsonl'))
    const files = ['a.jsonl', 'd.jsonl', 'x/e.jsonl']
    const told = await find(at, '.')
    expect(told.files).toEqual(files)
    expect(told.warnings).toEqual([expect.stringMatching(/^read: 3 files have two names and are read once: /)])
    expect((await find(at, '**/*.jsonl')).files).toEqual(files)
    // a link to outside of what is read is no other name of it
    expect(await find(at, 'x')).toEqual({ files: ['x/c.jsonl', 'x/e.jsonl'], warnings: [] })
  })
  it('of two names is read once, and that is told', async () => {
    const at = tree('a.jsonl', 'b.jsonl')
    symlinkSync('a.jsonl', join(at, 'c.jsonl'))
    expect(await find(at, '*.jsonl')).toEqual({
      files: ['a.jsonl', 'b.jsonl'],
      warnings: ['read: 1 file has two names and is read once: ./c.jsonl is ./a.jsonl'],
    })
    expect(await find(at, ['a.jsonl', './a.jsonl', '*.jsonl', 'b.jsonl'])).toMatchObject({
      files: ['a.jsonl', 'b.jsonl'],
    })
    expect(await find(at, ['a.jsonl', 'a.jsonl', './b.jsonl', '[ab].jsonl'])).toEqual({
      files: ['a.jsonl', 'b.jsonl'],
      warnings: [],
    })
  })
  it('is data whatever the case of its ending, and what is of another kind is counted', async () => {
    const at = tree(
      'A.JSONL',
      'b.jsonl',
      'c.jsonl.gz',
      'd.csv',
      'e.parquet',
      'README.md',
      'dataset_info.json',
      '_metadata.parquet',
      '.f.csv',
      'x/g.Json',
    )
    const others = 'read: 4 files of other kinds are left unread: ./c.jsonl.gz, ./d.csv, ./e.parquet, ./x/g.Json'
    expect(await find(at, '.')).toEqual({
      files: ['A.JSONL', 'b.jsonl'],
      warnings: [others, 'read: 2 names are left unread, as they begin with . or _: ./.f.csv, ./_metadata.parquet'],
    })
    expect(await failure(tree('a.csv', 'b.csv'), '.')).toMatch(
      /is a folder without a file \*\.jsonl; it has .*a\.csv, .*b\.csv/,
    )
  })
  it('whose name is the pattern itself is read alone, and what the pattern stands for is told', async () => {
    const at = tree('in/a.jsonl', 'in/b.jsonl', 'in/*.jsonl', 'k[1].jsonl', 'd[1]/a.jsonl', 'd1/a.jsonl', 'e(1).jsonl')
    const told = (pattern: string, others: string) =>
      `read: '${pattern}' is there by that very name, and is read alone; as a pattern it stands for ${others}; to read all that it stands for write '{${pattern},}', or rename the one`
    expect(await find(at, 'in/*.jsonl')).toEqual({
      files: ['in/*.jsonl'],
      warnings: [told('in/*.jsonl', '2 others, left unread: ./in/a.jsonl, ./in/b.jsonl')],
    })
    expect(await find(at, 'd[1]')).toEqual({
      files: ['d[1]/a.jsonl'],
      warnings: [told('d[1]', '1 other, left unread: ./d1/')],
    })
    const all = { files: ['in/*.jsonl', 'in/a.jsonl', 'in/b.jsonl'], warnings: [] }
    expect(await find(at, '{in/*.jsonl,}')).toEqual(all)
    // as a shell puts it
    expect(await find(at, all.files)).toEqual(all)
    for (const name of ['k[1].jsonl', 'e(1).jsonl']) {
      expect(await find(at, name)).toEqual({ files: [name], warnings: [] })
    }
  })
  it('of a folder that is hidden by its name, or has no ending, is told', async () => {
    const at = tree('a.jsonl', '_old/b.jsonl', '.git/c.jsonl', '_SUCCESS', 'README', 'part-00000', '.d.jsonl.swp'),
      warnings = [
        'read: 1 file of another kind is left unread: ./part-00000',
        'read: 1 name is left unread, as it begins with . or _: ./_old/',
      ]
    expect(await find(at, '.')).toEqual({ files: ['a.jsonl'], warnings })
    expect(await failure(tree('_a.jsonl'), '.')).toMatch(/is a folder without a file \*\.jsonl; it has \S+_a\.jsonl/)
  })
  it('of 100,000 in a folder is found in seconds', async () => {
    const at = tree()
    execFileSync('bash', ['-c', 'seq 100000 | sed s/$/.jsonl/ | xargs touch'], { cwd: at })
    const began = Date.now()
    expect((await find(at, '*9.jsonl')).files).toHaveLength(10_000)
    expect((await find(at, '.')).files).toHaveLength(100_000)
    expect(Date.now() - began).toBeLessThan(20_000)
  }, 120_000)
})

it('thousands of paths that are not there end in a short message', async () => {
  const at = tree('a.jsonl'),
    message = await failure(
      at,
      Array.from({ length: 3000 }, (_, i) => `none${i}`),
    )
  expect(message).toMatch(/'none19' does not exist; and 2,980 more/)
  expect(message.length).toBeLessThan(1000)
})
