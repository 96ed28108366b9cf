/** `sluice stages`: what there is, by what it is for; one group of it, one stage, or the stages of a paper. */
import { categories, type AnyKind, type Category, type Paper } from '../engine/contract/define.ts'
import { EXIT, SluiceError } from '../engine/errors.ts'
import { nearest } from '../engine/graph/messages.ts'
import { inputsOf } from '../engine/graph/types.ts'
import { terminal as console } from '../engine/terminal.ts'
import { allStages } from '../stages/registry.ts'

interface Wanted {
  readonly paper?: string
  readonly json?: true
}
/** Stages under a heading, or one stage with all that it says of itself. */
type Part = { readonly title: string; readonly stages: readonly AnyKind[] } | { readonly stage: AnyKind }

const quoted = (word: string): string => (/[^\w-]/.test(word) ? `'${word}'` : word)

/** As it is said in a list: `proven here: docs/benchmarks/labels.md`. */
function statusText({ status }: AnyKind): string | undefined {
  return status && ('shown' in status ? `${status.is}: ${status.shown}` : status.is)
}
const paperText = ({ title, arxiv, url }: Paper): string => `${title} (${arxiv ? `arXiv ${arxiv}` : url})`

const begun = (text: string): Category[] => categories.filter(name => name.startsWith(text.toLowerCase()))

function partsOf(words: readonly string[], stages: ReadonlyMap<string, AnyKind>): Part[] {
  const all = [...stages.values()],
    of = (names: readonly Category[]): Part[] =>
      names.map(title => ({ title, stages: all.filter(({ category }) => category === title) }))
  if (words.length === 0) return of(categories).filter(part => 'stages' in part && part.stages.length > 0)
  // a name of several words may come without quotes
  const whole = begun(words.join(' '))
  if (words.length > 1 && whole.length > 0) return of(whole)
  return words.flatMap(word => {
    const stage = stages.get(word)
    if (stage) return [{ stage }]
    const groups = begun(word)
    if (groups.length > 0) return of(groups)
    const within = categories.find(name => name.split(' ').some(part => part.startsWith(word.toLowerCase())))
    const near = within ?? nearest(word, [...stages.keys(), ...categories])
    throw new SluiceError(
      `sluice stages: no stage or category '${word}'${near ? `; did you mean ${quoted(near)}?` : `; the categories are ${categories.join(', ')}`}`,
      EXIT.usage,
    )
  })
}

/** Stages of papers that a number or words of the title name; of several papers a part each. */
function partsOfPapers(wanted: string, stages: ReadonlyMap<string, AnyKind>): Part[] {
  const papers = new Map<string, AnyKind[]>()
  for (const stage of stages.values()) {
    if (stage.paper) papers.set(paperText(stage.paper), [...(papers.get(paperText(stage.paper)) ?? []), stage])
  }
  // as in `arXiv:2410.06638v2`, or at the end of an address
  const [, number] = /(?:^|\/|arxiv:\s*)(\d{4}\.\d{4,5})(?:v\d+)?$/i.exec(wanted.trim()) ?? [],
    words = (number ?? wanted).toLowerCase().split(/\s+/)
  const found = [...papers].filter(([text]) => words.every(word => text.toLowerCase().includes(word)))
  if (found.length > 0) return found.map(([title, stages]) => ({ title, stages }))
  const all = [...papers.keys()],
    near = nearest(wanted, [...all, ...all.flatMap(text => text.split(/[\s():,]+/)).filter(word => word.length > 3)])
  throw new SluiceError(
    `sluice stages: no stage follows a paper '${wanted}'${near ? `; did you mean ${quoted(near)}?` : `; papers that stages follow: ${all.join('; ')}`}`,
    EXIT.usage,
  )
}

/** A stage with its options, and what it says of rows. */
function stageLines(stage: AnyKind): string[] {
  const { name, kind, category, summary, paper, options, reasons } = stage,
    status = statusText(stage)
  const schemas = options.properties as Record<string, { description?: string; default?: unknown; enum?: string[] }>
  return [
    `${name} (${kind}): ${summary}`,
    `  category: ${category}`,
    ...(status ? [`  status: ${status}`] : []),
    ...(paper ? [`  paper: ${paper.form} ${paperText(paper)}`] : []),
    ...Object.entries(inputsOf({ stage, options: {} })).map(
      ([input, { columns, isOptional }]) =>
        `  input ${input}${isOptional ? ' (may be left out)' : ''}: ${Object.keys(columns).join(', ')}`,
    ),
    ...Object.entries(schemas).map(
      ([option, schema]) =>
        `  ${option}${schema.default === undefined ? '' : ` = ${JSON.stringify(schema.default)}`}${schema.enum ? ` (${schema.enum.join(', ')})` : ''}: ${schema.description ?? ''}`,
    ),
    ...Object.entries(reasons).map(([reason, { kind, about }]) => `  reason ${reason} (${kind}): ${about}`),
    ...Object.entries(kind === 'stage' ? stage.notes : {}).map(([note, about]) => `  note ${note}: ${about}`),
  ]
}
function partLines(part: Part): string[] {
  if ('stage' in part) return stageLines(part.stage)
  const lines = part.stages.map(stage => {
    const status = statusText(stage)
    return `  ${stage.name.padEnd(24)}${stage.summary}${status ? ` (${status})` : ''}`
  })
  return [part.title, ...(lines.length > 0 ? lines : ['  no stage yet'])]
}

/** All of a stage that is data. */
function stageObject(stage: AnyKind): object {
  const { name, kind, category, status, summary, paper, version, options, reasons } = stage
  const notes = kind === 'stage' ? { notes: stage.notes } : {}
  return { name, kind, category, status, summary, paper, version, options: options.properties, reasons, ...notes }
}

/** Prints what the words and options name, and returns the exit code. */
export async function stagesCommand({ paper, json }: Wanted, words: readonly string[]): Promise<number> {
  if (paper !== undefined && words.length > 0) {
    throw new SluiceError(
      `sluice stages: '${words[0]}' stands beside --paper ${paper}; name the paper or the stages, and quote a title of several words`,
      EXIT.usage,
    )
  }
  const stages = await allStages(),
    parts = paper === undefined ? partsOf(words, stages) : partsOfPapers(paper, stages)
  if (json) {
    const named = new Set(parts.flatMap(part => ('stage' in part ? [part.stage] : part.stages)))
    console.log(JSON.stringify([...named].map(stageObject)))
  } else console.log(parts.map(part => partLines(part).join('\n')).join('\n'))
  return EXIT.ok
}
