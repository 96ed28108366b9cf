/** Options and values that are gone are refused with what replaces them, wherever they are given. */
import { describe, expect, it } from 'vitest'
import { defineStage, Type, type Replaced } from '../../engine/contract/define.ts'
import { formatProblems } from '../../engine/graph/messages.ts'
import { fromObject } from '../../engine/graph/parse.ts'
import { wrongReplaces } from '../../engine/graph/user_stage.ts'
import { validateOptions } from '../../engine/graph/validate.ts'
import { registry } from '../../stages/registry.ts'

const stageOf = (replaces: readonly Replaced[]) =>
  defineStage({
    name: 'own',
    version: 1,
    summary: 'x',
    options: Type.Object({ min_rows: Type.Integer({ default: 1 }) }),
    replaces,
    reads: {},
    writes: {},
    rows: 'same',
    examples: [],
  })

const lintOf = async (use: string, options: object, overrides: readonly string[] = []) => {
  const stages = [
    { id: 'pairs', use: 'read_parquet', with: { path: 'x.parquet' } },
    { id: 'it', use, with: options },
    { id: 'dpo', use: 'write_arrow' },
  ]
  const { problems } = await fromObject({ version: 1, name: 'x', stages }, '.', { registry, overrides })
  return formatProblems(problems)
}

describe('a graph that says what an earlier version took', () => {
  it.each<[string, object, RegExp]>([
    [
      'peer_review',
      { share_by: 'evidence' },
      /^\/stages\/1\/with\/share_by {2}not a choice any more \(value evidence; expected share_by: probability, /,
    ],
    [
      'detect_noise',
      { share_by: 'evidence' },
      /expected share_by: probability, which drops labels that are more likely/,
    ],
    ['peer_review', { rule: 'exchange' }, /value exchange; expected `rule: stack`, .* with `exchange: true`\)$/],
    [
      'detect_noise',
      { action: 'drop' },
      /^\/stages\/1\/with\/action {2}not a choice any more \(value drop; expected a stage peer_review /,
    ],
  ])('%s %j', async (use, options, says) => {
    expect(await lintOf(use, options)).toMatch(says)
    const overrides = Object.entries(options).map(([name, value]) => `it.${name}=${value}`)
    expect(await lintOf(use, {}, overrides)).toMatch(new RegExp(says.source.replace(/^\^[^ ]*? \{2\}/, '')))
  })

  it('may still say that detect_noise annotates', async () => {
    expect(await lintOf('detect_noise', { action: 'annotate' })).toBe('')
  })

  it('of a stage of one’s own is told of an option that is gone', () => {
    const own = { ...stageOf([{ option: 'least', by: 'min_rows: 5' }]) }
    expect(validateOptions(own, { least: 5 }, '/with').map(({ code, expected }) => [code, expected])).toEqual([
      ['unknown_option', 'min_rows: 5'],
    ])
  })

  it('is refused as ever where the word was never one', async () => {
    expect(await lintOf('peer_review', { rule: 'exchang' })).toMatch(/not a choice \(value exchang; expected one of /)
    expect(await lintOf('detect_noise', { acton: 'drop' })).toMatch(/unknown option of detect_noise \(value acton; /)
  })
})

describe('replaces', () => {
  const options = { properties: { rule: { enum: ['a', 'b'] }, rows: { type: 'integer' } } }
  const wrong = (...replaces: unknown[]) => [...wrongReplaces({ options, replaces })]

  it('names a value that an option of the stage had, or an option that it has no more', () => {
    expect([...wrongReplaces({ options })]).toEqual([])
    expect(wrong({ option: 'rule', value: 'c', by: 'rule: a' }, { option: 'gone', by: 'rule' })).toEqual([])
    expect(wrong({ option: 'rul', value: 'c', by: 'rule: a' })).toEqual([
      "'replaces' names a value of 'rul', which is no option; expected one of rule, rows; did you mean rule?",
    ])
    expect(wrong({ option: 'rule', value: 'a', by: 'x' })).toEqual([
      "'replaces' says that 'rule' takes 'a' no more, and it does",
    ])
    expect(wrong({ option: 'rule', by: 'x' })).toEqual([
      "'replaces' says that the option 'rule' is gone, and the stage has it; name the value that is gone",
    ])
    expect(wrong({ option: 'rows', value: '5', by: 'x' })).toEqual([
      "'replaces' names a value of 'rows', which is no choice among names: it is never refused",
    ])
    expect(wrong({ option: 'gone' })).toEqual(["'replaces' says of 'gone' no 'by': what is to be written instead"])
    expect([...wrongReplaces({ options, replaces: {} })]).toEqual([
      "'replaces' is no list; it holds { option, by } or { option, value, by }",
    ])
  })
})
