/** What vote_pairs asks for: voices and where they stand in the data, and what is done about what they say. */
import { choice, Type, type ReadType, type Static, type WrongOption } from '../../engine/contract/define.ts'
import type { Schema } from 'apache-arrow'

export const TIES = ['tie']
const column = (description: string) => Type.Optional(Type.String({ minLength: 1, description }))

/** What a voice says of a row, but for its name. */
export const voiceOptions = {
  scores: Type.Optional(
    Type.Object(
      {
        chosen: Type.String({ minLength: 1, description: 'column of the chosen side’s score' }),
        rejected: Type.String({ minLength: 1, description: 'column of the rejected side’s score' }),
      },
      { additionalProperties: false, description: 'columns of the scores of both sides' },
    ),
  ),
  margin: column('column of a number: above 0 for the label, below 0 against it'),
  probability: column('column of the probability that the label is right'),
  verdict: column(
    'column of a word: `chosen`, `rejected` or one of `ties`; any other is unread, which is missing. What it says is a side, wherever that was shown',
  ),
  votes: column('list column of votes as `vote_lists` of detect_noise reads them: the mean of them is the voice'),
  voters: column('list column of the names of who gave `votes`, where these have none of their own'),
  voter: column('of `votes` only those that this one gave'),
  chosen: column(
    'column of the word by which `verdict` or `votes` mean the chosen side: `a`, of answers a and b. Without `rejected` they say two words in all',
  ),
  rejected: column('the same of the rejected side, for a `verdict`'),
  ties: Type.Optional(
    Type.Array(Type.String({ minLength: 1 }), {
      default: TIES,
      description: 'words of `verdict` or `votes` for neither side',
    }),
  ),
  tie: Type.Optional(
    Type.Number({
      minimum: 0,
      default: 0,
      description:
        'a difference, margin or mean vote below it is a tie, as is a probability less far from 0.5; at 0 only 0 is',
    }),
  ),
  swapped: column(
    'column like `margin`, `probability` or `verdict`, of the same judge with the sides shown in the other order: where the two differ the voice ties, where one is missing it is',
  ),
  chosen_first: column(
    'column that is true where the chosen side was shown first in the first order; left out it always was. Says of `swapped` how often the first one shown won',
  ),
}
export interface Voice {
  readonly scores?: { readonly chosen: string; readonly rejected: string }
  readonly margin?: string
  readonly probability?: string
  readonly verdict?: string
  readonly votes?: string
  readonly voters?: string
  readonly voter?: string
  readonly chosen?: string
  readonly rejected?: string
  readonly ties?: readonly string[]
  readonly tie?: number
  readonly swapped?: string
  readonly chosen_first?: string
}
export const KINDS = ['scores', 'margin', 'probability', 'verdict', 'votes'] as const
export const kindOf = (voice: Voice) => KINDS.find(kind => voice[kind] !== undefined)

export const RULES = ['majority_against', 'all_against', 'half_agree', 'none_agrees', 'unanimous', 'mean_gap'] as const
export type Rule = (typeof RULES)[number]

export const voteOptions = Type.Object({
  voices: Type.Array(
    Type.Object(
      { name: Type.String({ minLength: 1, description: 'what the summary calls it' }), ...voiceOptions },
      { additionalProperties: false },
    ),
    { minItems: 1, maxItems: 32, description: 'who has a say, and where it stands in the data' },
  ),
  rule: choice(RULES, {
    default: 'majority_against',
    description:
      'which labels it acts on: more voices against than for; all that there are against; fewer than half for (a tie is not for); none for; not all for, or one less sure than min_confidence; or the lowest `share` of mean gaps',
  }),
  min_voices: Type.Integer({
    minimum: 1,
    default: 1,
    description: 'voices that a row must have, ties too; no rule touches one with fewer',
  }),
  min_confidence: Type.Number({
    minimum: 0,
    maximum: 0.5,
    default: 0,
    description: 'of rule unanimous: how far from 0.5 each probability must be',
  }),
  share: Type.Number({
    minimum: 0,
    maximum: 1,
    default: 0.2,
    description: 'of rule mean_gap: the share of rows with the lowest gaps, at most; equal ones at the cut stay',
  }),
  scale: choice(['mean_abs', 'none'], {
    default: 'mean_abs',
    description:
      'of rule mean_gap: what each voice’s gaps are divided by: their mean size, or nothing, where the voice of the largest scale decides',
  }),
  action: choice(['annotate', 'drop', 'flip'], {
    default: 'annotate',
    description: 'annotate: write the columns and keep every row',
  }),
})

export type Options = Static<typeof voteOptions>

export function voiceReads(voice: Voice): Record<string, ReadType> {
  const { scores, margin, probability, verdict, votes, voters, chosen, rejected, swapped, chosen_first } = voice
  const worded = chosen === undefined ? 'text' : 'sortable'
  const reads: [string | undefined, ReadType][] = [
    // for what is told of a row that cannot be read
    [(probability ?? votes) && 'id', 'text'],
    [scores?.chosen, 'number'],
    [scores?.rejected, 'number'],
    [margin, 'number'],
    [probability, 'number'],
    [verdict, worded],
    [votes, 'list'],
    [voters, 'list'],
    [chosen, votes === undefined ? 'sortable' : 'text'],
    [rejected, 'sortable'],
    [swapped, verdict === undefined ? 'number' : worded],
    [chosen_first, 'number'],
  ]
  return Object.fromEntries(reads.filter(([name]) => name !== undefined))
}

/** What is wrong with a voice; `option` is where it stands. */
export function wrongVoice(voice: Voice, option: string): WrongOption[] {
  const kinds = KINDS.filter(kind => voice[kind] !== undefined),
    list = (names: readonly string[]) => `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`
  if (kinds.length !== 1) {
    return [
      {
        option,
        why: `it says ${kinds.length === 0 ? 'nothing of a pair' : `${kinds.join(' and ')} at once`}: give it one of ${list(KINDS)}`,
      },
    ]
  }
  const [kind] = kinds
  const belongs: Partial<Record<keyof Voice, readonly string[]>> = {
    voters: ['votes'],
    voter: ['votes'],
    chosen: ['verdict', 'votes'],
    rejected: ['verdict'],
    swapped: ['margin', 'probability', 'verdict'],
  }
  return [
    ...Object.entries(belongs)
      .filter(([name, to]) => voice[name as keyof Voice] !== undefined && !to.includes(kind))
      .map(([name, to]) => ({
        option,
        why: `${name} goes with ${list(['', ...to]).replace(/^ or |^, /, '')}, and not with ${kind}`,
      })),
    ...(voice.rejected !== undefined && voice.chosen === undefined
      ? [{ option, why: 'rejected is the word of the other side: give chosen too' }]
      : []),
    ...(voice.chosen_first !== undefined && voice.swapped === undefined
      ? [{ option, why: 'chosen_first says nothing without swapped, the verdicts of the other order' }]
      : []),
  ]
}

export function wrongOptions(
  { voices, rule, min_voices, min_confidence, action }: Options,
  columns: Schema,
): WrongOption[] {
  const names = voices.map(({ name }) => name),
    twice = names.find((name, v) => names.indexOf(name) !== v),
    has = new Set(columns.fields.map(({ name }) => name))
  // of a flip they would change places, and then speak of the other label
  const sided = (name: string) =>
    [name.replace('chosen', 'rejected'), name.replace('rejected', 'chosen')].some(
      other => other !== name && has.has(other),
    )
  return [
    ...voices.flatMap((voice, v) => wrongVoice(voice, `voices[${v}]`)),
    ...(twice === undefined ? [] : [{ option: 'voices', why: `two voices are named '${twice}'` }]),
    ...(min_voices > voices.length
      ? [
          {
            option: 'min_voices',
            why: `it is ${min_voices}, and there are ${voices.length} voices: no row has so many`,
          },
        ]
      : []),
    ...(min_confidence > 0 && (rule !== 'unanimous' || voices.every(({ probability }) => probability === undefined))
      ? [{ option: 'min_confidence', why: 'it is of rule unanimous, and of voices with a probability' }]
      : []),
    ...(action === 'flip' && rule === 'unanimous'
      ? [{ option: 'rule', why: 'unanimous says whom to keep: flip what all voices speak against by all_against' }]
      : []),
    ...(action !== 'flip' ? [] : voices).flatMap(({ scores: _, ...voice }, v) =>
      Object.keys(voiceReads(voice))
        .filter(sided)
        .map(name => ({
          option: `voices[${v}]`,
          why: `'${name}' is a column of one side, and would change places with the other’s in a flip; name both in scores, or rename it`,
        })),
    ),
  ]
}
