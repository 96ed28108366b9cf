/** Stages of one's own that fail, hang or end their thread. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { graph, main, run } from '../../index.mjs'
import { folder, pairs, rowsOf, writeJsonl } from '../engine/helpers.ts'
import { latestFiles, leavesAlone, root, start, startSluice, stateOf, writeGraph, type Stage } from './helpers.ts'

interface Verdict {
  id: string
  outcome: string
  reason: string | null
  detail: string | null
  numbers: { value: number }[]
}

/** 100 rows in partitions of 40 through the rogue stage, whose marker is in row 57. */
function rogue(options: Record<string, unknown>, output: string, more: object = {}) {
  const rows = pairs(100)
  rows[57].prompt = 'tell me about the volcano'
  const stages = [
    { id: 'pairs', use: 'read_jsonl', with: { path: writeJsonl(join(folder(), 'in.jsonl'), rows) } },
    { id: 'own', use: './rogue.mjs', with: options },
    { id: 'dpo', use: 'write_arrow' },
  ]
  return run(graph({ version: 1, name: 'test', partition_rows: 40, stages }, { base: import.meta.url }), {
    output,
    workers: 2,
    ...more,
  })
}

describe("a stage of one's own", () => {
  it.each([
    ['throws', 'throw', 'own: no such lamp'],
    ['throws a text', 'throw_text', 'own: only a text'],
    ['throws null', 'throw_null', 'own: null'],
    ['rejects', 'reject', 'own: no such river'],
  ])('that %s on one row loses that row to an error, and no other', async (_, trick, detail) => {
    const { manifest, folder: out } = await rogue({ trick, marker: 'volcano' }, join(folder(), 'out'))
    expect(manifest.rows).toEqual({ read: 100, kept: 99, dropped: 0, errored: 1, derived: 0 })
    const errored = (rowsOf(join(out, 'ledger')) as unknown as Verdict[]).filter(({ outcome }) => outcome !== 'kept')
    expect(errored).toMatchObject([{ id: 'r57', outcome: 'errored', detail }])
    expect(rowsOf(join(out, 'dropped', 'own'))).toMatchObject([{ id: 'r57', dropped_reason: 'error' }])
  })

  it('that throws for every row keeps none: each is in the ledger, nothing is published', async () => {
    const output = join(folder(), 'out')
    const { status, manifest } = await rogue({ trick: 'throw' }, output)
    expect(status).toBe('empty')
    expect(manifest.rows).toEqual({ read: 100, kept: 0, dropped: 0, errored: 100, derived: 0 })
    expect(stateOf(output).latest).toBeUndefined()
  })

  it('that ends the process when it is imported, itself or by a helper, ends with 1 and its name', async () => {
    const at = folder(),
      index = JSON.stringify(join(root, 'index.mjs'))
    writeFileSync(join(at, 'helper.mjs'), 'export const word = 1\nprocess.exit(0)\n')
    writeFileSync(join(at, 'exits.mjs'), "import { word } from './helper.mjs'\nexport default word\n")
    writeFileSync(join(at, 'late.mjs'), 'await new Promise(done => setTimeout(done, 50))\nprocess.exit()\n')
    writeFileSync(
      join(at, 'good.mjs'),
      `import { defineStage, Type } from ${index}
export default defineStage({ name: 'good', version: 1, summary: 's', options: Type.Object({}), reads: {}, writes: {}, rows: 'same',
  reasons: {}, examples: [], open: () => ({ batch() {} }) })\n`,
    )
    for (const own of ['exits.mjs', 'late.mjs']) {
      for (const command of ['run', 'check']) {
        const graph = writeGraph(join(at, 'g.json'), [
          { id: 'pairs', use: 'read_jsonl', with: { path: writeJsonl(join(at, 'in.jsonl'), pairs(3)) } },
          { id: 'good', use: './good.mjs' },
          { id: 'own', use: `./${own}` },
          { id: 'dpo', use: 'write_arrow' },
        ])
        const { code, stdout, stderr } = await startSluice([command, graph, '--output', join(at, 'out')]).ended
        expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
        expect(stderr).toContain(`sluice: ${join(at, own)} ends the process when it is imported (process.exit(0)`)
      }
    }
    expect(stateOf(join(at, 'out')).runs).toEqual([])
  })

  it('that ends the process later on, or awaits what never comes, in a source too: 1 and a line that names it', async () => {
    const at = folder(),
      output = join(at, 'out'),
      path = writeJsonl(join(at, 'in.jsonl'), pairs(3)),
      zx = join(root, 'node_modules/zx/build/cli.js')
    const open = 'open: () => ({ batch() {} })',
      fit = 'fit: () => round({ collect: () => ({ batch() {}, part: () => 1 }), merge: () => 1 })'
    const stage = (before: string, more: string) => `import { defineStage, round, Type } from 'sluice-data'
${before}
export default defineStage({ name: 'own', version: 1, summary: 'x', options: Type.Object({}),
  reads: { prompt: 'messages' }, writes: {}, rows: 'subset', reasons: {}, examples: [], ${open}, ${more} })\n`
    const later = 'if (process.argv.length > 2) setTimeout(() => process.exit(0), 200)'
    writeFileSync(join(at, 'later.mjs'), stage(later, ''))
    writeFileSync(join(at, 'report.mjs'), stage('', `${fit}, report: () => process.exit(7)`))
    writeFileSync(
      join(at, 'never.mjs'),
      `import { defineSource, Type } from 'sluice-data'
export default defineSource({ name: 'never', version: 1, summary: 'x', options: Type.Object({}), extensions: ['.jsonl'],
  open: () => new Promise(() => {}), async *read() {} })\n`,
    )
    const graphOf = (name: string) =>
      writeGraph(join(at, `${name}.json`), [
        name === 'never'
          ? { id: 'pairs', use: './never.mjs', with: { path } }
          : { id: 'pairs', use: 'read_jsonl', with: { path } },
        ...(name === 'never' ? [] : [{ id: 'own', use: `./${name}.mjs` }]),
        { id: 'dpo', use: 'write_arrow' },
      ])
    const sluice = (name: string) => [join(root, 'scripts/sluice.mjs'), 'run', graphOf(name)],
      script = (name: string, graph: string) => [zx, join(root, `pipelines/${name}.mjs`), '--graph', graphOf(graph)]
    const dry = 'the process ended before its work was done: something is awaited that never comes, most likely'
    for (const [argv, said] of [
      [sluice('later'), `ended with code 0 before its work was done, most likely in ${join(at, 'later.mjs')}, or`],
      [sluice('report'), `ended with code 7 before its work was done, most likely in ${join(at, 'report.mjs')}, or`],
      [sluice('never'), `${dry} in ${join(at, 'never.mjs')}`],
      [script('clean', 'never'), `${dry} in ${join(at, 'never.mjs')}`],
      [script('nightly', 'later'), `ended with code 0 before its work was done`],
    ] as const) {
      const { code, stderr } = await start([...argv, '--output', output]).ended
      expect(code, stderr).toBe(1)
      expect(stderr).toContain(said)
    }
    expect(stateOf(output).runs).toEqual([])
    // what went wrong before stays so
    writeFileSync(join(at, 'after.mjs'), stage("process.on('beforeExit', () => process.exit(0))", 'more: 1'))
    const { stages } = JSON.parse(readFileSync(graphOf('after'), 'utf8')) as { stages: Stage[] }
    const wrong = writeGraph(join(at, 'wrong.json'), [...stages, { id: 'none', use: 'no_such_stage' }])
    expect((await startSluice(['check', wrong]).ended).code).toBe(78)
  }, 60_000)

  it('that drops a row twice: the first reason counts, once', async () => {
    const { manifest, folder: out } = await rogue({ trick: 'twice', marker: 'volcano' }, join(folder(), 'out'))
    expect(manifest.stages.own.reasons).toEqual({ told: 1 })
    expect((rowsOf(join(out, 'ledger')) as unknown as Verdict[])[57]).toMatchObject({
      outcome: 'dropped',
      reason: 'told',
      numbers: [{ value: 1 }],
    })
  })

  it.each([
    ['fails to open', 'open', 'own (./rogue.mjs): cannot be opened'],
    ['drops row -1', 'minus', 'rogue: a verdict names row -1 of a batch of'],
    [
      'drops a row when its batch is done',
      'late',
      'rogue: a verdict on row 0 came after its batch was done; await what the verdict waits for',
    ],
    ['drops a row beyond the batch', 'beyond', 'rogue: a verdict names row 1000000 of a batch of'],
    [
      'names a reason that it does not declare',
      'undeclared',
      "rogue: reason 'untold' is not declared; declared are told, other",
    ],
    ['gives too few values', 'short', "own: column 'letters' has 39 values for 40 rows"],
    ['gives a column that it does not declare', 'column', "own: column 'digits' is not among the columns"],
    ['gives a column of another type', 'type', "own: column 'letters' is Float64, the stage declares Int32"],
    ['swaps sides by the old word', 'turned', "own: the stage gives back 'turned', which is called 'swapped' now"],
    ['does not give a column that it declares', 'none', 'own: the stage declares own_letters but did not write it'],
    ['leaves a promise behind that fails', 'float', 'worker: nobody waits for this'],
    ['ends the process', 'exit', 'worker: a worker thread ended by itself with code 7 while it worked on'],
  ])('that %s stops the run with its name, and the lock is given back', async (_, trick, message) => {
    const output = join(folder(), 'out'),
      before = stateOf(output)
    await expect(rogue({ trick }, output, { workers: 1 })).rejects.toMatchObject({
      exit: 1,
      message: expect.stringContaining(message) as unknown,
    })
    expect(stateOf(output)).toEqual(before)
  })

  it('that never returns is named, with the rows that it is at, again and again, and the run can be ended', async () => {
    const output = join(folder(), 'out'),
      before = stateOf(output),
      abort = new AbortController(),
      said: string[] = []
    // a slow machine may be warned of other work before
    const onWarning = (text: string) => {
      if (text.includes('rogue.mjs) is at work') && said.push(text) === 2) abort.abort()
    }
    await expect(
      rogue({ trick: 'spin', marker: 'volcano' }, output, {
        blockRows: 10,
        quietSecs: 0.5,
        onWarning,
        signal: abort.signal,
      }),
    ).rejects.toMatchObject({ exit: 130 })
    for (const text of said) {
      expect(text).toMatch(
        /^worker: no progress for \d+ s: own \(\.\/rogue\.mjs\) is at work on .*in\.jsonl, rows 0 to 100, in the block from row 50 on; Ctrl-C ends the run/,
      )
    }
    expect(stateOf(output)).toEqual(before)
  })

  it('that ends its thread, or its memory: a clear message, 1 under sluice and zx alike, and what was finished is used again', async () => {
    const at = folder(),
      output = join(at, 'out'),
      rows = pairs(400)
    rows[330].prompt = 'tell me about the volcano'
    const path = writeJsonl(join(at, 'in.jsonl'), rows),
      gate = join(at, 'gate')
    const graphOf = (trick: string) =>
      writeGraph(join(at, `${trick}.json`), [
        { id: 'pairs', use: 'read_jsonl', with: { path } },
        { id: 'unique', use: 'drop_duplicates' },
        { id: 'own', use: join(root, 'test/failures/rogue.mjs'), with: { trick, marker: 'volcano', gate } },
        { id: 'dpo', use: 'write_arrow' },
      ])
    const zx = join(root, 'node_modules/zx/build/cli.js'),
      flags = ['--output', output, '--workers', '1']
    const exit = await leavesAlone(
      output,
      () => start([zx, join(root, 'pipelines/clean.mjs'), '--graph', graphOf('exit'), ...flags]).ended,
    )
    expect(exit.code, exit.stderr).toBe(1)
    expect(exit.stderr).toContain(
      `worker: a worker thread ended by itself with code 7 while it worked on ${path}, rows 320 to 360; nothing is published, what is finished is kept`,
    )
    const memory = await leavesAlone(
      output,
      () => startSluice(['run', graphOf('memory'), ...flags], { NODE_OPTIONS: '--max-old-space-size=80' }).ended,
    )
    expect(memory.code, memory.stderr).toBe(1)
    expect(memory.stderr).toContain(`worker: a worker thread ran out of memory`)
    for (const { stderr } of [exit, memory]) expect(stderr).not.toMatch(/^ +at /m)
    // the same run without the trick is as if nothing had happened
    expect((await startSluice(['run', graphOf('tame'), ...flags]).ended).code).toBe(0)
    expect((await startSluice(['run', graphOf('tame'), '--output', join(at, 'clean')]).ended).code).toBe(0)
    expect(latestFiles(output)).toEqual(latestFiles(join(at, 'clean')))
  })
})

describe('text of a stage with half of a character', () => {
  const cut = 'text.slice(0, 3)'
  /** Two rows whose prompts are equal up to the middle of a character, and one more, through a stage of one's own. */
  const through = (stage: string) => {
    const at = folder(),
      ask = ['Is\u{1F600} this one?', 'Is\u{1F916} that one?', 'Is no other?']
    const rows = ask.map((prompt, i) => ({ id: `r${i}`, prompt, chosen: `yes ${i}`, rejected: `no ${i}` }))
    writeFileSync(
      join(at, 'own.mjs'),
      `import { defineStage, Type } from 'sluice-data'
      const texts = (batch, of) => {
        const prompt = batch.has('asked') ? batch.text('asked') : batch.messages('prompt')
        return Array.from({ length: batch.rows }, (_, row) => of(prompt.text(row)))
      }
      const asked = batch => ({ asked: texts(batch, text => text) })
      export default defineStage({
        name: 'own', version: 1, summary: 'x', options: Type.Object({}), examples: [],
        reads: { prompt: 'messages' }, rows: 'same', reasons: {}, ${stage},
      })`,
    )
    const stages = [
      { id: 'pairs', use: 'read_jsonl', with: { path: writeJsonl(join(at, 'in.jsonl'), rows) } },
      { id: 'own', use: join(at, 'own.mjs') },
      { id: 'dpo', use: 'write_arrow' },
    ]
    return run(graph({ version: 1, name: 'test', stages }), { output: join(at, 'out') })
  }

  it.each([
    ['a column of text', 'a', 'text', cut, ''],
    ['a list of texts', 'a', 'list_text', `['whole', ${cut}]`, ''],
    ['messages', 'rejected', 'messages', `[{ role: 'assistant', content: ${cut} }]`, ''],
    ['a role', 'rejected', 'messages', `[{ role: ${cut}, content: 'x' }]`, ''],
    ['what is said of groups', 'a', 'text', cut, "by: ['asked'], carries: { asked: 'text' }, carry: () => asked,"],
  ])('sets those rows aside, and no other: %s', async (_, name, type, value, by) => {
    const { manifest, folder: out } = await through(
      `writes: { ${name}: '${type}' }, ${by}
      open: () => ({ batch: batch => ({ columns: { ${name}: texts(batch, text => ${value}) } }) })`,
    )
    expect(manifest.rows).toEqual({ read: 3, kept: 1, dropped: 0, errored: 2, derived: 0 })
    const ledger = rowsOf(join(out, 'ledger')) as unknown as Verdict[]
    expect(ledger.map(({ outcome }) => outcome)).toEqual(['errored', 'errored', 'kept'])
    expect(ledger[0].detail).toContain(`own: column '${name}' has half of a character (…`)
    expect(ledger[0].detail).toContain('Is\\ud83d…); cut text between whole characters, e.g. [...text].slice(0, n)')
  })

  it('is no key: the run ends, and names the column and the row', async () => {
    const stage = `writes: {}, by: ['begin'], carries: { begin: 'text' },
      carry: () => batch => ({ begin: texts(batch, text => ${cut}) }), open: () => ({ batch() {} })`
    await expect(through(stage)).rejects.toMatchObject({
      exit: 1,
      message: expect.stringContaining("carried column 'begin' of row 'r0' has half of a character") as unknown,
    })
  })
})

describe('an integer that float64 cannot hold', () => {
  const wrong =
    "column 'uid' holds 9007199254740993, of which float64, as which numbers are read, would make 9007199254740992"
  const through = (stage: string) => {
    const at = folder(),
      // the second is exact, the third is one more
      uids = ['7', '9007199254740992', '9007199254740993', 'null', '-9223372036854775808']
    writeFileSync(
      join(at, 'in.jsonl'),
      uids.map((uid, i) => `{"id":"r${i}","prompt":"p${i}","chosen":"yes","rejected":"no","uid":${uid}}\n`).join(''),
    )
    writeFileSync(
      join(at, 'own.mjs'),
      `import { defineStage, Type } from 'sluice-data'
      export default defineStage({
        name: 'own', version: 1, summary: 'x', options: Type.Object({}), examples: [],
        reads: { uid: 'number' }, rows: 'same', reasons: {}, ${stage},
      })`,
    )
    const stages = [
      { id: 'pairs', use: 'read_jsonl', with: { path: join(at, 'in.jsonl') } },
      { id: 'own', use: join(at, 'own.mjs') },
      { id: 'dpo', use: 'write_jsonl', with: { order_by: 'uid', descending: true } },
    ]
    return run(graph({ version: 1, name: 'test', stages }), { output: join(at, 'out') })
  }

  it('sets its row aside where it is read as a number; a sink still orders by all digits', async () => {
    const { manifest, folder: out } = await through(
      `writes: { twice: 'float64' },
      open: () => ({ batch: batch => ({ columns: { twice: batch.numbers('uid').values.map(uid => 2 * uid) } }) })`,
    )
    expect(manifest.rows).toMatchObject({ kept: 4, errored: 1 })
    expect((rowsOf(join(out, 'ledger')) as unknown as Verdict[])[2].detail).toContain(`own: ${wrong}`)
    const plain = await through(`writes: {}, open: () => ({ batch() {} })`)
    const ids = readFileSync(join(plain.folder, 'dpo', 'data.jsonl'), 'utf8').match(/r\d(?=",)/g)
    expect(ids).toEqual(['r2', 'r1', 'r0', 'r4', 'r3'])
  })

  it('is no key: the run ends with the column and the value', async () => {
    const stage = `writes: {}, by: ['user'], carries: { user: 'float64' },
      carry: () => batch => ({ user: batch.numbers('uid').values }), open: () => ({ batch() {} })`
    await expect(through(stage)).rejects.toMatchObject({
      exit: 65,
      message: expect.stringContaining(wrong) as unknown,
    })
  })
})

describe("what a stage of one's own says and the contract does not have", () => {
  const stage = (more: string, name = 'x') =>
    `import { defineStage, Type } from 'sluice-data'
export default defineStage({ name: '${name}', version: 1, summary: 'x', options: Type.Object({}), rows: 'subset',
  reads: { chosen: 'messages' }, writes: {}, open: () => ({ batch() {} }), ${more} })\n`
  const told = async (text: string) => {
    const at = folder(),
      path = writeJsonl(join(at, 'in.jsonl'), pairs(3)),
      said: string[] = []
    writeFileSync(join(at, 'x.mjs'), text)
    const stages = [
      { id: 'pairs', use: 'read_jsonl', with: { path } },
      { id: 'own', use: './x.mjs' },
      { id: 'dpo', use: 'write_arrow' },
    ]
    writeFileSync(join(at, 'g.json'), JSON.stringify({ version: 1, name: 'g', stages }))
    const spies = (['log', 'error'] as const).map(to =>
      vi.spyOn(console, to).mockImplementation(line => void said.push(String(line))),
    )
    const code = await main(['check', join(at, 'g.json')])
    for (const spy of spies) spy.mockRestore()
    return [code, said.join('\n')] as const
  }

  it.each([
    [`examples: [], reasons: { bad: { about: 'x' } }`, /reason 'bad' has the kind undefined; expected one of broken/],
    [
      `examples: [], reasons: { bad: { kind: 'qualty', about: 'x' } }`,
      /'bad' has the kind qualty; .* did you mean quality/,
    ],
    [
      `examples: [], reasons: { bad: { kind: 'quality', about: 'x', limit: 'max' } }`,
      /the limit max, which is no option/,
    ],
    [`examples: [], carries: { a: 'float' }`, /'carries' gives column 'a' the type float; .* did you mean float64/],
    [
      `examples: [], replaces: [{ option: 'most', value: 'all', by: 'x' }]`,
      /'replaces' names a value of 'most', which is no option/,
    ],
    [`examples: [], opn: 1`, /the stage says 'opn', which is no part of a stage; .* did you mean open/],
  ])('is told before a row is read: %s', async (more, says) => {
    const [code, said] = await told(stage(more))
    expect([code, said]).toEqual([78, expect.stringMatching(says)])
  })

  it('and examples that come out otherwise are told by `check`', async () => {
    const rows = `rows: [{ prompt: 'a', chosen: 'b', rejected: 'c' }]`
    const good = await told(stage(`examples: [{ title: 'one', ${rows}, kept: [0] }]`))
    expect(good).toEqual([0, expect.stringMatching(/is right$/)])
    const [code, said] = await told(stage(`examples: [{ title: 'one', ${rows}, kept: [] }]`))
    expect([code, said]).toEqual([
      78,
      expect.stringContaining(`./x.mjs, example 'one': 'kept' came to [0], and the example says []`),
    ])
  })
})
