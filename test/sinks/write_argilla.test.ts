/** What write_argilla gives Argilla's SDK to load: settings, and records that its server takes and its page shows. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Float64 } from 'apache-arrow'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { graph, run } from '../../index.mjs'
import { exportedDecisions } from '../../app/exports.ts'
import { decisionWords } from '../../engine/run/decisions.ts'
import { visible } from '../../engine/terminal.ts'
import writeArgilla from '../../stages/sinks/write_argilla.ts'
import { fingerprint, folder as place, pairs as rowsFor, writeJsonl } from '../engine/helpers.ts'
import { assistant, column, numbered, pairs, runSink, textColumnOf, user } from './helpers.ts'

interface AsRecord {
  readonly id: string
  readonly fields: { prompt: string; sides: { chosen: string; rejected: string }; doubt?: string }
  readonly metadata: Record<string, unknown>
  readonly suggestions: { decision?: { value: string; score: number; agent: string } }
}
const json = <T>(folder: string, file: string): T => JSON.parse(readFileSync(join(folder, file), 'utf8')) as T
const recordsIn = (folder: string) => json<AsRecord[]>(folder, 'records.json')
const hashes = (count: number) => textColumnOf('content_hash', Array<string>(count).fill('0'.repeat(32)))
/** What the page shows of text that it takes for HTML. */
const seen = (text: string) => text.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))

describe('write_argilla', () => {
  it('writes a pair as a record, with the likelier answer, its score and who says so', async () => {
    const row = { id: 'a', prompt: [...user('hi'), ...assistant('yes?'), ...user('1 < 2')] },
      sides = { chosen: assistant('costs $5 & <b>'), rejected: assistant('no') },
      doubts = ['probability', 'agreement'].map(name => column(`noise_${name}`, [0.25], new Float64()))
    const { folder } = await runSink(writeArgilla, {}, [pairs([{ ...row, ...sides }], [hashes(1), ...doubts])])
    expect(recordsIn(folder)).toEqual([
      {
        id: `a:${'0'.repeat(32)}`,
        fields: {
          prompt: 'user: hi\n\nassistant: yes?\n\nuser: 1 &#60; 2',
          sides: { chosen: 'costs &#36;5 &#38; &#60;b&#62;', rejected: 'no' },
          doubt: 'probability that the label is right: 25 %\nreviewers who are this sure agree with 25 of 100 labels',
        },
        metadata: { sluice_id: 'a', content_hash: '0'.repeat(32), probability: 0.25 },
        suggestions: { decision: { value: 'flip', score: 0.75, agent: 'noise' } },
        responses: {},
        vectors: {},
      },
    ])
  })

  it('has settings whose fields, metadata and answers are those of the records, and of decisions', async () => {
    type Named = { name: string; required?: boolean; settings: { template?: string; options?: { value: string }[] } }
    const { folder } = await runSink(writeArgilla, {}, [pairs(numbered(1), [hashes(1)])]),
      { fields, metadata, questions, ...rest } = json<Record<string, Named[]>>(folder, '.argilla/settings.json'),
      [record] = recordsIn(folder)
    expect(fields.filter(({ required }) => required).map(({ name }) => name)).toEqual(Object.keys(record.fields))
    const inTemplate = [...fields[1].settings.template!.matchAll(/\{\{\{record\.fields\.sides\.(\w+)\}\}\}/g)]
    expect(inTemplate.map(([, side]) => side)).toEqual(Object.keys(record.fields.sides))
    expect(metadata.map(({ name }) => name)).toEqual([...Object.keys(record.metadata), 'probability'])
    expect(questions[0]).toMatchObject({ name: 'decision', required: true })
    expect(questions[0].settings.options!.map(({ value }) => value).sort()).toEqual([...decisionWords].sort())
    expect(rest.guidelines).toContain('- flip: The rejected side is better')
    expect(json(folder, '.argilla/dataset.json')).toMatchObject({ guidelines: rest.guidelines })
  })

  it('writes no probability as an integer, and no two records of one id, as its server refuses both', async () => {
    const doubts = ['probability', 'agreement'].map(name => column(`n_${name}`, [0, 1, null], new Float64())),
      rows = numbered(3).map(row => ({ ...row, id: 'same' }))
    const { folder } = await runSink(writeArgilla, {}, [pairs(rows, [hashes(3), ...doubts])]),
      text = readFileSync(join(folder, 'records.json'), 'utf8')
    expect([...text.matchAll(/"probability":([^,}]+)/g)].map(([, value]) => value)).toEqual(['1e-9', '0.999999999'])
    const ids = recordsIn(folder).map(({ id }) => id)
    expect(new Set(ids).size).toBe(3)
    expect(recordsIn(folder).map(({ metadata }) => metadata.sluice_id)).toEqual(['same', 'same', 'same'])
  })

  it('shows any text, and gives any id back, with nothing in it that the page would obey', async () => {
    const nasty = fc.constantFrom('</script>', '<b>', '$$', "$'", '$&', '&lt;', '&#36;', '%3c', '%', '{{x}}', 'é', '😀')
    const text = fc.array(fc.oneof(nasty, fc.string({ maxLength: 5 })), { maxLength: 6 }).map(parts => parts.join(''))
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 8 }), async texts => {
        const rows = texts.map(text => ({
          id: text,
          prompt: user(text),
          chosen: assistant(text),
          rejected: assistant('no'),
        }))
        const { folder } = await runSink(writeArgilla, {}, [pairs(rows, [hashes(rows.length)])])
        expect(readFileSync(join(folder, 'records.json'), 'latin1')).toMatch(/^[\n -#%-;=-~]*$/) // no < and no $
        const wanted = texts.map(text => visible(text.replaceAll('\r\n', '\n')))
        expect(recordsIn(folder).map(({ fields }) => seen(fields.prompt))).toEqual(wanted)
        expect(recordsIn(folder).map(({ fields }) => seen(fields.sides.chosen))).toEqual(wanted)
        const answered = recordsIn(folder).map(record => ({
          ...record,
          responses: { decision: [{ value: 'keep', user_id: 'u' }] },
          status: 'completed',
        }))
        expect(answered.flatMap(one => exportedDecisions(one)!.map(({ sluice_id }) => sluice_id))).toEqual(texts)
      }),
      { numRuns: 40 },
    )
  })

  it('is for review by itself, in order and no more than asked for, the same bytes for any partitions', async () => {
    const rows = rowsFor(20).map((row, i) => ({ ...row, doubt: (i * 7) % 20 })),
      at = place(),
      path = writeJsonl(join(at, 'in.jsonl'), rows)
    const runs = await Promise.all(
      [6, 9].map(partition_rows =>
        run(
          graph({
            version: 1,
            name: 'people',
            partition_rows,
            stages: [
              { id: 'pairs', use: 'read_jsonl', with: { path } },
              { id: 'dpo', use: 'write_arrow' },
              {
                id: 'humans',
                use: 'write_argilla',
                from: 'pairs',
                with: { order_by: 'doubt', descending: true, limit: 3 },
              },
            ],
          }),
          { output: join(at, String(partition_rows)), workers: 1 },
        ),
      ),
    )
    const [first, other] = runs.map(({ folder }) => fingerprint(join(folder, 'humans')))
    expect(Object.keys(first)).toEqual(['.argilla/dataset.json', '.argilla/settings.json', 'records.json'])
    expect(other).toEqual(first)
    expect(Object.keys(runs[0].manifest.files).filter(file => file.startsWith('humans/'))).toHaveLength(3)
    const humans = join(runs[0].folder, 'humans')
    expect(recordsIn(humans).map(({ metadata }) => metadata.sluice_id)).toEqual([17, 14, 11].map(i => rows[i].id))
    expect(json(humans, '.argilla/dataset.json')).toMatchObject({ name: 'humans' })
  })
})
