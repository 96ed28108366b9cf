/** What trainers cut: golden values of their own code, properties, planted pairs, and tokens of real tokenizers. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Batch } from '../../engine/arrow/flow.ts'
import { flowOf } from '../../engine/run/examples.ts'
import { cutBy, effectOf, TRAINERS, type Cut, type SeenSide, type Trainer } from '../../stages/tokens/cutting.ts'
import { TINY } from '../../stages/tokens/tiny.ts'
import {
  auditFiles,
  tokenReader,
  wrongTokens,
  type PairTokens,
  type TokenOptions,
} from '../../stages/tokens/tokenizer.ts'
import { countEffect, noneTruncated } from '../../stages/tokens/truncation.ts'
import { settings } from '../properties/settings.ts'
import { casesOf, isThere, pairsIn } from '../audit/golden.ts'

interface Theirs {
  readonly prompt_kept: number
  readonly prompt_first: number | null
  readonly completion_kept: number
}
interface Golden {
  readonly prompt: number
  readonly chosen: number
  readonly rejected: number
  readonly max_length: number
  readonly trl_1_16_keep_start: 'dropped' | { readonly chosen: Theirs; readonly rejected: Theirs }
  readonly trl_1_16_keep_end: { readonly chosen: Theirs; readonly rejected: Theirs }
  readonly llama_factory: Readonly<Record<'prompt_kept' | 'chosen_kept' | 'rejected_kept', number>>
  readonly openrlhf_dpo:
    | 'dropped'
    | { readonly chosen: { readonly completion_kept: number }; readonly rejected: { readonly completion_kept: number } }
  readonly axolotl: {
    readonly drop: string
    readonly truncate: string | { readonly chosen_kept: number; readonly rejected_kept: number }
  }
}
const size = ({ from, to }: { from: number; to: number }) => to - from
const isLeftOut = (cut: Cut): cut is Extract<Cut, string> => typeof cut === 'string'
const seen = ({ prompt, side }: SeenSide): Theirs => ({
  prompt_kept: size(prompt),
  prompt_first: size(prompt) === 0 ? null : prompt.from + 1,
  completion_kept: size(side),
})
const bothSeen = (cut: Cut) => (isLeftOut(cut) ? 'dropped' : { chosen: seen(cut.chosen), rejected: seen(cut.rejected) })

describe.runIf(isThere)('golden values of the trainers’ own code', () => {
  it.each(casesOf<Golden>('truncation'))('prompt $prompt, sides $chosen and $rejected in $max_length', golden => {
    const cut = (trainer: Trainer) => cutBy(trainer, golden, 0, golden.max_length)
    expect(bothSeen(cut('trl'))).toEqual(golden.trl_1_16_keep_start)
    expect(bothSeen(cut('trl_keep_end'))).toEqual(golden.trl_1_16_keep_end)
    const { chosen, rejected } = cut('llama_factory') as Exclude<Cut, string>
    expect({
      prompt_kept: size(chosen.prompt),
      chosen_kept: size(chosen.side),
      rejected_kept: size(rejected.side),
    }).toEqual({
      prompt_kept: golden.llama_factory.prompt_kept,
      chosen_kept: golden.llama_factory.chosen_kept,
      rejected_kept: golden.llama_factory.rejected_kept,
    })
    // theirs counts the token of the end that it puts there
    const open = cut('openrlhf'),
      kept = (side: SeenSide) => size(side.side) + Number(side.ended)
    expect(isLeftOut(open) ? 'dropped' : [kept(open.chosen), kept(open.rejected)]).toEqual(
      golden.openrlhf_dpo === 'dropped'
        ? 'dropped'
        : [golden.openrlhf_dpo.chosen.completion_kept, golden.openrlhf_dpo.rejected.completion_kept],
    )
    const drop = cut('axolotl'),
      isError = (said: unknown) => typeof said === 'string' && said.startsWith('ValueError')
    expect(drop === 'stops' ? 'ValueError' : isLeftOut(drop) ? 'dropped' : 'kept whole').toBe(
      isError(golden.axolotl.drop) ? 'ValueError' : golden.axolotl.drop,
    )
    const truncate = cut('axolotl_truncate')
    expect(
      truncate === 'stops'
        ? 'ValueError'
        : isLeftOut(truncate)
          ? 'dropped'
          : { chosen_kept: size(truncate.chosen.side), rejected_kept: size(truncate.rejected.side) },
    ).toEqual(isError(golden.axolotl.truncate) ? 'ValueError' : golden.axolotl.truncate)
  })
  it.each(casesOf<[number, number, number, [number, number]]>('llama_factory_infer_seqlen'))(
    'infer_seqlen(%i, %i, %i)',
    (prompt, side, max, theirs) => {
      const { chosen } = cutBy('llama_factory', { prompt, chosen: side, rejected: side }, 0, max) as Exclude<
        Cut,
        string
      >
      expect([size(chosen.prompt), size(chosen.side)]).toEqual(theirs)
    },
  )
})

const lengths = fc.record({
  prompt: fc.nat(60),
  chosen: fc.integer({ min: 1, max: 60 }),
  rejected: fc.integer({ min: 1, max: 60 }),
})
describe('a trainer’s cut', () => {
  it('fits, is a part of what was there, and is all of it where it fits', () => {
    fc.assert(
      fc.property(
        lengths,
        fc.constantFrom(...TRAINERS),
        fc.constantFrom(0, 1),
        fc.integer({ min: 8, max: 80 }),
        (of, trainer, ends, max) => {
          const cut = cutBy(trainer, of, ends, max)
          const most = of.prompt + Math.max(of.chosen, of.rejected) + (trainer === 'openrlhf' ? 1 : ends)
          if (isLeftOut(cut)) {
            expect(most).toBeGreaterThan(trainer === 'openrlhf' ? max - 2 : max - 1)
            return
          }
          for (const side of ['chosen', 'rejected'] as const) {
            const { prompt, side: kept, ended } = cut[side]
            expect(size(prompt) + size(kept) + Number(ended)).toBeLessThanOrEqual(max)
            expect(prompt.from >= 0 && prompt.to <= of.prompt && kept.from >= 0 && kept.to <= of[side]).toBe(true)
            if (most <= max) expect([size(prompt), size(kept)]).toEqual([of.prompt, of[side]])
          }
        },
      ),
      settings(300),
    )
  })
  it('of equal sides is the same, and of sides that differ at their first token no difference is lost', () => {
    const side = fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(
        fc.array(fc.constant('p'), { maxLength: 20 }),
        side,
        side,
        fc.constantFrom(...TRAINERS),
        (prompt, chosen, rejected, trainer) => {
          const first = effectOf(trainer, { prompt, chosen: ['x', ...chosen], rejected: ['y', ...rejected] }, 1, 24)
          // of a long side `keep_end` loses its beginning
          if (trainer !== 'trl_keep_end') expect(first.fate).not.toBe('equal_when_cut')
          const { fate, lost } = effectOf(trainer, { prompt, chosen, rejected: chosen }, 1, 24)
          expect(['whole', 'cut', 'equal_when_cut', 'prompt_too_long', 'pair_too_long']).toContain(fate)
          if (lost) expect(lost.chosen).toBe(lost.rejected)
        },
      ),
      settings(300),
    )
  })
})

describe('planted pairs', () => {
  const common = Array.from({ length: 40 }, (_, i) => i),
    prompt = [1, 2, 3, 4]
  /** A pair that is common up to a token, and ends some tokens after. */
  const pair = (apart: number, more: number) => ({
    prompt,
    chosen: [...common.slice(0, apart), 100, ...common.slice(0, more)],
    rejected: [...common.slice(0, apart), 200, ...common.slice(0, more)],
  })
  it.each(['trl', 'axolotl_truncate', 'openrlhf', 'llama_factory'] as const)(
    '%s: those that differ behind the cut are found, and no others',
    trainer => {
      // with a short prompt all of them leave 32 - 4 tokens of a side, OpenRLHF one fewer
      const room = trainer === 'openrlhf' ? 27 : 28
      for (let apart = 0; apart < 40; apart++) {
        const { fate } = effectOf(trainer, pair(apart, 10), 0, 32)
        expect([apart, fate]).toEqual([apart, apart >= room ? 'equal_when_cut' : apart + 11 > room ? 'cut' : 'whole'])
      }
    },
  )
  it('a side that ends where the other is cut is another one, if its end is still there', () => {
    const chosen = [...common.slice(0, 28), 100]
    expect(effectOf('trl', { prompt, chosen, rejected: common.slice(0, 28) }, 0, 32).fate).toBe('equal_when_cut')
    expect(effectOf('trl', { prompt, chosen, rejected: common.slice(0, 27) }, 1, 32).fate).toBe('cut')
  })
})

const encoder = new TextEncoder()
const reader = (options: Partial<TokenOptions>, files: Readonly<Record<string, string>> = {}) =>
  tokenReader({ token_chars: 4, ...options }, { file: path => encoder.encode(files[path]) })
const tokensOf = (options: Partial<TokenOptions>, row: object, files = TINY) =>
  reader(options, files).of(new Batch(flowOf([row as never])))(0)
const names = { tokenizer: 'tokenizer.json', tokenizer_config: 'tokenizer_config.json' }
const hello = { prompt: 'Name a prime', chosen: 'Seven', rejected: 'Nine' }

describe('tokens', () => {
  it('of a template: what it puts before an answer is the prompt’s, and what behind it the side’s', () => {
    expect(tokensOf(names, hello)).toEqual({ prompt: [8, 3, 4, 5, 9], chosen: [6, 2], rejected: [7, 2] })
  })
  it('of texts, as they are joined: the prompt ends where a word goes on', () => {
    expect(tokensOf({ tokenizer: 'tokenizer.json' }, { ...hello, chosen: ' Seven', rejected: ' Nine' })).toEqual({
      prompt: [3, 4, 5],
      chosen: [6],
      rejected: [7],
    })
    // `primeSeven` is another word
    const { prompt, chosen } = tokensOf({ tokenizer: 'tokenizer.json' }, hello) as PairTokens
    expect([prompt, chosen.length]).toEqual([[3, 4], 1])
  })
  it('guessed by characters give the text again, and wide ones count more', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), text => {
        const { prompt } = tokensOf({}, { ...hello, prompt: text }) as PairTokens
        expect(prompt.join('')).toBe(text)
      }),
      settings(300),
    )
    expect(tokensOf({ token_chars: 3 }, { ...hello, prompt: 'abcdefg', chosen: '说出一个素', rejected: '' })).toEqual({
      prompt: ['abc', 'def', 'g'],
      chosen: ['说出', '一', '个素'],
      rejected: [],
    })
  })
  it('what a template refuses is said, and the day that it asks for is always the same', () => {
    expect(tokensOf(names, { ...hello, prompt: [{ role: 'system', content: 'a' }] })).toBe('the user is first')
    const dated =
      '{{ "a" if strftime_now("%d %b %Y") == "26 Jul 2024" else "prime" }} {% for message in messages %}{{ message.content }} {% endfor %}'
    const files = { ...TINY, 'chat_template.jinja': dated, 'vocab.json': '' }
    const given = tokensOf({ ...names, chat_template: 'chat_template.jinja' }, hello, files)
    expect(given).toEqual({ prompt: [4, 3, 4, 5], chosen: [6], rejected: [7] })
  })
  it('files that are none of a tokenizer are told', () => {
    expect(() => reader(names, { ...TINY, 'tokenizer.json': '{' })).toThrow('tokenizer.json is not the JSON file')
    expect(() => reader(names, { ...TINY, 'tokenizer.json': '{}' })).toThrow("it has no 'model'")
    expect(() => reader(names, { ...TINY, 'tokenizer_config.json': '{}' })).toThrow('has no chat_template')
    expect(() => auditFiles({ token_chars: 4, tokenizer_config: 'x' })).toThrow('it needs the tokenizer')
    expect(wrongTokens({ token_chars: 4, tokenizer: 'x', chat_template: 'x' })).toMatchObject([
      { option: 'chat_template' },
    ])
  })
})

/** Pairs whole, left out, equal when cut; chosen side cut alone, rejected one, both; prompts cut, and unlike. */
const REAL: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'hh-rlhf/helpful-base-test': {
    axolotl: '2247 88 0 0 0 0 0 0',
    axolotl_truncate: '2247 30 0 29 11 18 0 0',
    llama_factory: '2247 0 0 8 4 0 83 0',
    openrlhf: '2247 32 0 29 11 16 0 0',
    trl: '2247 30 0 29 11 18 0 0',
    trl_keep_end: '2247 0 0 2 0 0 88 87',
  },
  'oasst-rm-zh/train': {
    axolotl: '1055 163 0 0 0 0 0 0',
    axolotl_truncate: '1055 22 0 77 26 38 0 0',
    llama_factory: '1055 0 0 81 28 23 74 0',
    openrlhf: '1055 22 0 77 26 38 0 0',
    trl: '1055 22 0 77 26 38 0 0',
    trl_keep_end: '1055 0 0 44 22 9 163 154',
  },
  'llamafactory-dpo-demo/dpo_en_demo': {
    axolotl: '107 193 0 0 0 0 0 0',
    axolotl_truncate: '107 106 0 22 20 45 0 0',
    llama_factory: '107 0 0 21 25 132 127 0',
    openrlhf: '107 106 0 22 20 45 0 0',
    trl: '107 106 0 22 20 45 0 0',
    trl_keep_end: '107 0 0 40 47 56 193 137',
  },
  'ifbench-pairs/test': {
    axolotl: '303 141 0 0 0 0 0 0',
    axolotl_truncate: '303 0 0 20 16 105 0 0',
    llama_factory: '303 0 0 20 16 105 0 0',
    openrlhf: '303 0 0 20 16 105 0 0',
    trl: '303 0 0 20 16 105 0 0',
    trl_keep_end: '303 0 0 22 13 64 141 76',
  },
}
describe.runIf(isThere)('real pairs, of docs/benchmarks/audits.md', () => {
  it.each(Object.entries(REAL))('%s at 512 tokens, guessed', async (set, wanted) => {
    const pairs = await pairsIn(set),
      reader512 = reader({}).of(new Batch(flowOf(pairs as never))),
      said: Record<string, string> = {}
    for (const trainer of TRAINERS) {
      const counts = noneTruncated()
      for (const row of pairs.keys()) countEffect(counts, effectOf(trainer, reader512(row) as PairTokens, 1, 512))
      const { whole, chosen_alone, rejected_alone, both_sides, prompt_cut, prompts_differ } = counts,
        out = counts.prompt_too_long + counts.pair_too_long
      said[trainer] = [
        whole,
        out,
        counts.equal_when_cut,
        chosen_alone,
        rejected_alone,
        both_sides,
        prompt_cut,
        prompts_differ,
      ].join(' ')
    }
    expect(said).toEqual(wanted)
  })
})
