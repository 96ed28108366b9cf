/** How the user says where the pairs of a file are: the value of a source's option `map`, of presets and of `look`. */
import { Type, type Static } from '@sinclair/typebox'

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
    chosen: Type.Optional(path('column of the better answer')),
    rejected: Type.Optional(path('column of the worse answer')),
    answers: Type.Optional(two('columns of two answers; `prefer` says which is the better one')),
    prefer: Type.Optional(prefer),
    list: Type.Optional(path('list of answers, as `completions[].response`; with `score` or `index`')),
    index: Type.Optional(path('column of the place of the best answer of `list`, from 0 on')),
    answer: Type.Optional(path('column of one answer a row; with `score`, rows of one prompt become pairs')),
    score: Type.Optional(
      Type.Union([Type.String({ minLength: 1 }), Type.Record(Type.String({ minLength: 1 }), Type.Number())], {
        description:
          'column of the score, numbers, bools or text that is a number; of several their sum, as `{ help: 1, length: -0.5 }`; `{ rank: -1 }` where less is better',
      }),
    ),
    by_side: Type.Optional(
      Type.Record(Type.String({ minLength: 1 }), two('columns of the first and the second answer'), {
        description:
          'columns that follow their answer: `{ model: [model_a, model_b] }` become source_chosen_model and source_rejected_model',
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
      : { kind: item === 'system' || item === 'system_prompt' ? 'system' : 'said', path: item },
  )

const list = <T>(values: T | readonly T[] | undefined): readonly T[] =>
  values === undefined ? [] : Array.isArray(values) ? (values as readonly T[]) : [values as T]

/** The labels of `first`, `second` and `tie`, as a list each. */
export const labelsOf = ({ first, second, tie }: Prefer): readonly (readonly Scalar[])[] =>
  [first, second, tie].map(list)

/** What is wrong with a mapping by itself, whatever the file; each ends without a full stop. */
export function mapFaults(map: MapSpec): string[] {
  const { chosen, rejected, answers, prefer, list: items, index, answer, score, by_side } = map,
    faults: string[] = []
  const ways = [
    (chosen ?? rejected) ? 'chosen with rejected' : [],
    answers ? 'answers' : [],
    items ? 'list' : [],
    answer ? 'answer' : [],
  ].flat()
  if (ways.length !== 1) {
    const said = ways.length === 0 ? 'says no answers' : `says ${ways.join(' and ')}`
    faults.push(`${said}; give one of: chosen with rejected, answers, list, answer`)
  }
  if ((chosen === undefined) !== (rejected === undefined)) faults.push('chosen and rejected need each other')
  if ((answers === undefined) !== (prefer === undefined)) faults.push('answers and prefer need each other')
  const [one, other] = answers ?? [chosen, rejected]
  if (one !== undefined && one === other) faults.push(`'${one}' is both sides; name two columns`)
  if (prefer) faults.push(...preferFaults(prefer))
  if (items !== undefined && (score === undefined) === (index === undefined)) {
    faults.push('list needs score or index, one of them')
  }
  if (items !== undefined && !items.includes('[]')) {
    faults.push(`list '${items}' needs [] behind the column, as ${items}[]`)
  }
  if (answer !== undefined && score === undefined) faults.push('answer needs score; without one there are no pairs')
  for (const [name, is, needs] of [
    ['score', score !== undefined && !items && !answer, 'list or answer'],
    ['index', index !== undefined && !items, 'list'],
    ['by_side', by_side !== undefined && !answers && !chosen, 'answers, or chosen with rejected'],
  ] as const) {
    if (is) faults.push(`${name} counts for nothing without ${needs}`)
  }
  return faults
}

function preferFaults(prefer: Prefer): string[] {
  const { by, first, second, tie, names, higher, lower } = prefer,
    ways = [by, higher, lower].filter(one => one !== undefined).length
  if (ways !== 1) return ['prefer needs one of: by, higher, lower']
  if (by === undefined) {
    return (first ?? second ?? tie ?? names)
      ? ['prefer: first, second, tie and names are of `by`; the scores alone say which is better']
      : []
  }
  const isSaid = names ? (first ?? second) === undefined : first !== undefined && second !== undefined
  const faults = isSaid ? [] : ['prefer: by needs first and second, or names in their place']
  const voters = [by].flat()
  for (const name of new Set(voters.filter((name, i) => voters.indexOf(name) < i))) {
    faults.push(`prefer: by names '${name}' twice; a vote counts once`)
  }
  const seen = new Set<string>()
  for (const value of labelsOf(prefer).flat().map(String)) {
    if (seen.has(value)) faults.push(`prefer: the label '${value}' is said twice`)
    seen.add(value)
  }
  return faults
}
