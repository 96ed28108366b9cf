/** What trainers cut of a pair that is longer than they take, as their code does it; and what is lost by it. */
import { commonStart, type PairTokens, type Token } from './tokenizer.ts'

export const TRAINERS = ['trl', 'trl_keep_end', 'llama_factory', 'axolotl', 'axolotl_truncate', 'openrlhf'] as const
export type Trainer = (typeof TRAINERS)[number]

interface Lengths {
  readonly prompt: number
  readonly chosen: number
  readonly rejected: number
}
/** Tokens from `from` to `to`, exclusive. */
interface Kept {
  readonly from: number
  readonly to: number
}
/** What a trainer sees of one side, and whether a token of the end stands behind it, beside the side's own. */
export interface SeenSide {
  readonly prompt: Kept
  readonly side: Kept
  readonly ended: boolean
}
/** Both sides as they are trained on; or why the pair is left out, or ends the trainer (`stops`). */
export type Cut =
  { readonly chosen: SeenSide; readonly rejected: SeenSide } | 'prompt_too_long' | 'pair_too_long' | 'stops'

const upTo = (to: number): Kept => ({ from: 0, to })

/** The prompt, and of a side what is left of `room`; `ends` tokens stand behind it if they still have room. */
const start = (prompt: number, side: number, ends: number, room: number): SeenSide => ({
  prompt: upTo(prompt),
  side: upTo(Math.min(side, room)),
  ended: ends > 0 && room >= side + ends,
})
const both = ({ chosen, rejected }: Lengths, of: (side: number) => SeenSide): Cut => ({
  chosen: of(chosen),
  rejected: of(rejected),
})

type Rule = (lengths: Lengths, ends: number, max: number) => Cut
const rules: Readonly<Record<Trainer, Rule>> = {
  /** TRL 1.16, `truncation_mode="keep_start"`. */
  trl: (lengths, ends, max) =>
    lengths.prompt >= max
      ? 'prompt_too_long'
      : both(lengths, side => start(lengths.prompt, side, ends, max - lengths.prompt)),
  /** TRL 1.16, `keep_end`: prompt and side lose their beginning, each side for itself. */
  trl_keep_end: (lengths, ends, max) =>
    both(lengths, side => {
      const lost = Math.max(0, lengths.prompt + side + ends - max)
      return {
        prompt: { from: Math.min(lost, lengths.prompt), to: lengths.prompt },
        side: { from: Math.min(side, Math.max(0, lost - lengths.prompt)), to: side },
        ended: ends > 0,
      }
    }),
  /** LLaMA-Factory's `infer_seqlen`: one length for both sides, by the longer one. */
  llama_factory: (lengths, ends, max) => {
    const { prompt, chosen, rejected } = lengths,
      longer = Math.max(chosen, rejected) + ends
    const most =
      2 * longer < max ? max : 2 * prompt < max ? max - prompt : Math.trunc(max * (longer / (prompt + longer)))
    const room = Math.min(most, longer)
    return both(lengths, side => start(Math.min(prompt, Math.max(0, max - room)), side, ends, room))
  },
  axolotl: (lengths, ends, max) => {
    const { prompt, chosen, rejected } = lengths
    if (chosen === 0 || rejected === 0) return 'stops'
    return prompt + Math.max(chosen, rejected) + ends > max
      ? 'pair_too_long'
      : both(lengths, side => start(prompt, side, ends, max - prompt))
  },
  axolotl_truncate: (lengths, ends, max) => {
    const { prompt, chosen, rejected } = lengths
    if (chosen === 0 || rejected === 0) return 'stops'
    if (prompt >= max) return 'prompt_too_long'
    return both(lengths, side => start(prompt, side, ends, max - prompt))
  },
  /** OpenRLHF: the last token is always one of the end, in place of another where there is no room. */
  openrlhf: (lengths, _, max) =>
    lengths.prompt >= max - 2
      ? 'prompt_too_long'
      : both(lengths, side => ({
          prompt: upTo(lengths.prompt),
          side: upTo(Math.min(side, max - lengths.prompt - 1)),
          ended: true,
        })),
}

/** What a trainer sees of a pair of these lengths, `ends` tokens of the end not among them, in `max` tokens. */
export const cutBy = (trainer: Trainer, lengths: Lengths, ends: number, max: number): Cut =>
  rules[trainer](lengths, ends, max)

/** What becomes of a pair; of several the worst. */
export const FATES = ['whole', 'cut', 'equal_when_cut', 'nothing_left', 'prompt_too_long', 'pair_too_long'] as const
export type Fate = (typeof FATES)[number]

export interface Effect {
  readonly fate: Fate
  /** Tokens that are lost of the sides, and of the prompt where it loses more; undefined where the pair is left out. */
  readonly lost?: Lengths
  /** The sides no longer have the same prompt. */
  readonly prompts_differ: boolean
  /** What decides: tokens that are too many, those that are left or alike, or of a side that is cut the share lost. */
  readonly value: number
}
const sizeOf = ({ from, to }: Kept): number => to - from
const partOf = (tokens: readonly Token[], { from, to }: Kept): readonly Token[] => tokens.slice(from, to)

/** What `max` tokens leave of a pair. */
export function effectOf(trainer: Trainer, tokens: PairTokens, ends: number, max: number): Effect {
  const { prompt, chosen, rejected } = tokens,
    lengths = { prompt: prompt.length, chosen: chosen.length, rejected: rejected.length },
    cut = cutBy(trainer, lengths, ends, max)
  if (Math.min(lengths.chosen, lengths.rejected) === 0 || cut === 'stops') {
    return { fate: 'nothing_left', prompts_differ: false, value: 0 }
  }
  if (typeof cut === 'string') {
    const sides = cut === 'pair_too_long' ? Math.max(lengths.chosen, lengths.rejected) + ends : 0
    return { fate: cut, prompts_differ: false, value: lengths.prompt + sides }
  }
  // the token of the end is lost too where it has no room
  const lostOf = ({ side, ended }: SeenSide, all: number) => all - sizeOf(side) + (ended ? 0 : ends)
  const lost = {
    prompt: lengths.prompt - Math.min(sizeOf(cut.chosen.prompt), sizeOf(cut.rejected.prompt)),
    chosen: lostOf(cut.chosen, lengths.chosen),
    rejected: lostOf(cut.rejected, lengths.rejected),
  }
  const prompts_differ = sizeOf(cut.chosen.prompt) !== sizeOf(cut.rejected.prompt),
    [a, b] = [partOf(chosen, cut.chosen.side), partOf(rejected, cut.rejected.side)],
    same = commonStart(a, b)
  const is = (fate: Fate, value: number): Effect => ({ fate, lost, prompts_differ, value })
  if (a.length === 0 || b.length === 0) return is('nothing_left', 0)
  if (lost.chosen + lost.rejected > 0) {
    const isAll = same === a.length && same === b.length
    if (isAll && cut.chosen.ended === cut.rejected.ended) return is('equal_when_cut', same)
  }
  const share = Math.max(lost.chosen / (lengths.chosen + ends), lost.rejected / (lengths.rejected + ends))
  return is(lost.prompt + lost.chosen + lost.rejected > 0 ? 'cut' : 'whole', share)
}
