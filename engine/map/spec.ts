/** How the user says where the pairs of a file are: the value of a source's option `map`, of presets and of `look`. */
import { Type, type Static } from '@sinclair/typebox'
import { isSystem } from '../source/part_names.ts'

const strict = { additionalProperties: false } as const
const path = (description: string) => Type.String({ minLength: 1, description })
const scalar = Type.Union([Type.String(), Type.Number(), Type.Boolean()])
const values = (description: string) => Type.Union([scalar, Type.Array(scalar, { minItems: 1 })], { description })
const two = (description: string) =>
  Type.Array(Type.String({ minLength: 1 }), { minItems: 2, maxItems: 2, description })

const asked = Type.Union([
  Type.String({ minLength: 1 }),
  Type.Object({ system: path('column of a system message') }, strict),
  Type.Object({ turns: path('column of earlier turns: messages, or lists of [question, answer]') }, strict),
])

const prefer = Type.Object(
  {
    by: Type.Optional(
      Type.Union([Type.String({ minLength: 1 }), Type.Array(Type.String({ minLength: 1 }), { minItems: 1 })], {
        description: 'column of the label; of several, as the votes of annotators, the majority counts',
      }),
    ),
    first: Type.Optional(values('label, several, or a comparison as `< 0`: the first answer is the better one')),
    second: Type.Optional(values('the same of the second answer')),
    tie: Type.Optional(values('labels that prefer none; any other value makes a row unreadable')),
    names: Type.Optional(
      two('in place of `first` and `second`: columns of what the label calls each answer, as model_a and model_b'),
    ),
    higher: Type.Optional(two('instead of `by`: columns of the scores of both answers, of which the higher wins')),
    lower: Type.Optional(two('the same where the lower one wins, as of ranks')),
  },
  {
    ...strict,
    description:
      'which of `answers` is the better one: `by` a label with `first`, `second` and `tie` (a value, several, or a comparison as `< 0`), by `names` of models, by several columns as votes, or the `higher` or `lower` of the scores of both',
  },
)

const index = Type.Union(
  [
    Type.String({ minLength: 1 }),
    Type.Object(
      {
        by: path('column of the place, or of places, as `accept[]`'),
        from: Type.Optional(
          Type.Union([Type.Literal(0), Type.Literal(1), Type.Literal('A')], {
            description: 'what the first answer is called: a number, or a letter of either case; 0 when left out',
          }),
        ),
        names: Type.Optional(
          Type.Union([Type.String({ minLength: 1 }), Type.Array(scalar, { minItems: 2 })], {
            description:
              'in place of `from`: what the answers are called, as `options[].id`, or the names in their order',
          }),
        ),
      },
      strict,
    ),
  ],
  {
    description:
      'column of the place of the best answer of `list`, from 0 on; `{ by: best, from: 1 }`, `{ by: answer, from: A }` of letters, `{ by: accept[], names: options[].id }` of names',
  },
)

/**
 * Paths name a column, a field of an object by dots (`info.post`; also within JSON text), and the items of a list by
 * brackets (`completions[].response`).
 */
export const mapSchema = Type.Object(
  {
    id: Type.Optional(path('column that names the rows; `id` when left out')),
    prompt: Type.Union([Type.String({ minLength: 1 }), Type.Array(asked, { minItems: 1 })], {
      description:
        'column of the prompt, or `shared`: what both conversations begin with, or one before its last answer; of several texts one, a blank line between them, without those that are null',
    }),
    chosen: Type.Optional(
      path('column of the better answer, or of a list of them, as `good[]`: each meets each of `rejected`'),
    ),
    rejected: Type.Optional(path('column of the worse answer, or of a list of them')),
    answers: Type.Optional(two('columns of two answers; `prefer` says which is the better one')),
    prefer: Type.Optional(prefer),
    list: Type.Optional(
      Type.Union([Type.String({ minLength: 1 }), Type.Array(Type.String({ minLength: 1 }), { minItems: 2 })], {
        description:
          'list of answers, as `completions[].response`, or columns of one each; with `score`, `labels` or `index`',
      }),
    ),
    index: Type.Optional(index),
    labels: Type.Optional(
      Type.Object(
        {
          by: path('column of the label'),
          good: values('label, several, or a comparison as `< 0`'),
          bad: values('the same of an answer that is not; any other label takes no part'),
        },
        {
          ...strict,
          description:
            'labels of the answers of `list`, or of `answer`: `{ by: answers[].is, good: right, bad: wrong }`; of a list each good one meets each bad one',
        },
      ),
    ),
    answer: Type.Optional(
      path('column of one answer a row; with `score` or `labels`, rows of one prompt become pairs'),
    ),
    tree: Type.Optional(
      Type.Object(
        {
          id: path('column that names each message'),
          parent: path('column of the message above it; null of the first'),
          role: path('column of who says it, or of bools, true of the user'),
        },
        {
          ...strict,
          description:
            'beside `answer`: a row is a message of a tree, as `{ id: message_id, parent: parent_id, role: role }`. The prompt of an answer is all that is said above it in the file, in the column of `prompt`; answers with one parent meet',
        },
      ),
    ),
    group: Type.Optional(
      path('beside `answer`: column whose equal values are answers to one prompt; the prompt itself when left out'),
    ),
    score: Type.Optional(
      Type.Union(
        [
          Type.String({ minLength: 1 }),
          Type.Array(Type.String({ minLength: 1 }), { minItems: 2 }),
          Type.Record(Type.String({ minLength: 1 }), Type.Number()),
        ],
        {
          description:
            'column of the score, numbers, bools or text that is a number (`4,5` too, `3 - good`, `8/10`, `4 stars`); a list where `list` names columns, one of each; of several their sum, as `{ help: 1, length: -0.5 }`; `{ rank: -1 }` where less is better',
        },
      ),
    ),
    contradicted: Type.Optional(
      Type.Object(
        {
          aspects: Type.Array(path('column of the scores of an aspect, as `completions[].fine-grained_score`'), {
            minItems: 1,
            uniqueItems: true,
          }),
          from: Type.Optional(Type.Number({ description: 'score that may stand for its opposite; 10 when left out' })),
          to: Type.Optional(
            Type.Number({ description: 'greatest mean of the aspects with which it does; 2 when left out' }),
          ),
        },
        {
          ...strict,
          description:
            'beside `score` of a `list`: answers whose score is `from` (10) while the mean of their `aspects` is `to` (2) at most take no part, and their row is noted',
        },
      ),
    ),
    by_side: Type.Optional(
      Type.Record(
        Type.String({ minLength: 1 }),
        Type.Array(Type.String({ minLength: 1 }), {
          minItems: 2,
          description: 'columns of the answers, in their order',
        }),
        {
          description:
            'columns that follow their answer: `{ model: [model_a, model_b] }` become source_chosen_model and source_rejected_model',
        },
      ),
    ),
    both: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        minItems: 1,
        description:
          'columns that belong to the prompt beside its text, as a picture: pairs are the same only where these are. They become source_both_…, but for names as `images` that count in any case',
      }),
    ),
  },
  { ...strict, description: 'where the pairs of the files are, in place of `layout`' },
)

export type MapSpec = Static<typeof mapSchema>
export type Prefer = NonNullable<MapSpec['prefer']>
export type Scalar = string | number | boolean

export const isShared = ({ prompt }: MapSpec): boolean => prompt === 'shared'

/** The columns of a prompt that is no `shared` one, in order. */
export const promptItems = ({
  prompt,
}: MapSpec): { readonly kind: 'said' | 'system' | 'turns'; readonly path: string }[] =>
  (typeof prompt === 'string' ? [prompt] : prompt).map(item =>
    typeof item !== 'string'
      ? 'system' in item
        ? { kind: 'system', path: item.system }
        : { kind: 'turns', path: item.turns }
      : { kind: isSystem(item) ? 'system' : 'said', path: item },
  )

/** The column of the best answer's place. */
export const placeOf = ({ index }: MapSpec): string | undefined => (typeof index === 'object' ? index.by : index)

const list = <T>(values: T | readonly T[] | undefined): readonly T[] =>
  values === undefined ? [] : Array.isArray(values) ? (values as readonly T[]) : [values as T]

/** The labels of `first`, `second` and `tie`, as a list each. */
export const labelsOf = ({
  first,
  second,
  tie,
}: Pick<Prefer, 'first' | 'second' | 'tie'>): readonly (readonly Scalar[])[] => [first, second, tie].map(list)

/** Whether both sides, or one of them, are lists of answers. */
export const areLists = ({ chosen = '', rejected = '' }: Pick<MapSpec, 'chosen' | 'rejected'>): boolean =>
  chosen.includes('[]') || rejected.includes('[]')
