/**
 * Every message about a graph, one small function each, so that they keep one voice; tests assert codes and never
 * pasted text.
 */
import { distance } from 'fastest-levenshtein'
import { EXIT, SluiceError } from '../errors.ts'

export type ProblemCode =
  | 'unreadable_file'
  | 'yaml_syntax'
  | 'duplicate_key'
  | 'unknown_key'
  | 'missing_key'
  | 'wrong_type'
  | 'not_one_of'
  | 'out_of_range'
  | 'bad_pattern'
  | 'invalid_value'
  | 'unknown_option'
  | 'missing_option'
  | 'unknown_stage'
  | 'bad_module'
  | 'duplicate_id'
  | 'reserved_id'
  | 'unknown_input'
  | 'unknown_port'
  | 'duplicate_input'
  | 'dropped_behind'
  | 'input_twice'
  | 'sink_as_input'
  | 'audit_as_input'
  | 'needs_inputs'
  | 'one_input'
  | 'unknown_audit_input'
  | 'missing_input'
  | 'tally_rounds'
  | 'source_with_from'
  | 'needs_from'
  | 'unreachable'
  | 'cycle'
  | 'same_path'
  | 'no_source'
  | 'no_sink'
  | 'unread_source'
  | 'unconsumed'
  | 'answers_only'
  | 'pairs_already'
  | 'bad_override'
  | 'unknown_override'
  | 'unknown_column'
  | 'column_type'
  | 'column_conflict'
  | 'column_replaced'
  | 'bad_stage'
  | 'unusable_file'

/**
 * Something wrong with a graph. `pointer` is RFC 6901 into the graph (or `/--set/<n>`); `file`, `line` and `column`
 * (from 1) are there when it came from text. The message says what is wrong, `value` what was found, `expected` what
 * would be right, `suggestion` what was probably meant. A warning does not stop a run.
 */
export interface Problem {
  readonly code: ProblemCode
  readonly level: 'error' | 'warning'
  readonly message: string
  readonly pointer: string
  readonly file?: string
  readonly line?: number
  readonly column?: number
  readonly value?: unknown
  readonly expected?: string
  readonly suggestion?: string
}

type More = Pick<Problem, 'value' | 'expected' | 'suggestion'> & { level?: Problem['level'] }
const problem = (code: ProblemCode, pointer: string, message: string, more: More = {}): Problem => ({
  code,
  level: 'error',
  message,
  pointer,
  ...more,
})

/** A step down a JSON pointer, escaped. */
export const step = (pointer: string, key: string | number): string =>
  `${pointer}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`

/** The unescaped keys of a JSON pointer. */
export const stepsOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map(key => key.replaceAll('~1', '/').replaceAll('~0', '~'))

/**
 * The candidate nearest to a word, or undefined when none is near: at most a third of its letters (two in short words)
 * may differ.
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined
  let least = Math.max(2, Math.floor(word.length / 3)) + 1
  for (const candidate of candidates) {
    const far = distance(word.toLowerCase(), candidate.toLowerCase())
    if (far < least && far < Math.max(word.length, candidate.length)) {
      best = candidate
      least = far
    }
  }
  return best
}

const most = 24
/** Characters of a place or a pointer in a message: keys may be long. */
const LONGEST = 400
const list = (names: readonly string[]): string =>
  names.length === 0
    ? 'none'
    : names.slice(0, most).join(', ') + (names.length > most ? ` and ${names.length - most} more` : '')
const known = (value: string, names: readonly string[]): More => ({
  value,
  expected: `one of ${list(names)}`,
  suggestion: nearest(value, names),
})

/** Every message, by what is wrong. */
export const say = {
  unreadableFile: (path: string, why: string) => ({
    ...problem('unreadable_file', '', `the graph cannot be read: ${why}`),
    file: path,
  }),
  yamlSyntax: (why: string) => problem('yaml_syntax', '', `not YAML: ${why}`),
  duplicateKey: (why = '') => problem('duplicate_key', '', why || 'a key is there twice in one object'),

  unknownKey: (pointer: string, key: string, keys: readonly string[]) =>
    problem('unknown_key', pointer, 'unknown key', known(key, keys)),
  keyIsOption: (pointer: string, key: string) =>
    problem('unknown_key', pointer, 'an option stands beside `with`, not in it', {
      value: key,
      suggestion: `with: { ${key}: … }`,
    }),
  missingKey: (pointer: string, key: string) => problem('missing_key', pointer, `\`${key}\` is missing`),
  wrongType: (pointer: string, value: unknown, expected: string) =>
    problem('wrong_type', pointer, 'wrong type', { value, expected }),
  notOneOf: (pointer: string, value: unknown, choices: readonly unknown[]) =>
    problem('not_one_of', pointer, 'not a choice', {
      value,
      expected: `one of ${list(choices.map(String))}`,
      suggestion: typeof value === 'string' ? nearest(value, choices.map(String)) : undefined,
    }),
  outOfRange: (pointer: string, value: unknown, expected: string) =>
    problem('out_of_range', pointer, 'out of range', { value, expected }),
  badPattern: (pointer: string, value: unknown, expected: string) =>
    problem('bad_pattern', pointer, 'not of the right form', { value, expected }),
  invalidValue: (pointer: string, value: unknown, why: string) => problem('invalid_value', pointer, why, { value }),
  sortsByNothing: (pointer: string) =>
    problem('invalid_value', pointer, 'counts for nothing without `order_by`, the column to sort by', { value: true }),

  /** An option, not as usual, that nothing looks at here. */
  idle: (pointer: string, value: unknown, why: string) =>
    problem('invalid_value', pointer, `counts for nothing: ${why}`, { value }),

  endlessNumber: (pointer: string, value: number) =>
    problem('invalid_value', pointer, Number.isNaN(value) ? 'is no number' : 'not a finite number', {
      value: String(value),
      expected: 'a finite number, or none where the option can be left out',
    }),
  roundedNumber: (pointer: string, value: unknown) =>
    problem('invalid_value', pointer, 'a whole number beyond 2^53 loses digits', {
      value: String(value),
      expected: 'text in quotes, where the option takes it',
    }),

  unknownStage: (pointer: string, name: string, names: readonly string[]) =>
    problem('unknown_stage', pointer, 'unknown stage', {
      ...known(name, names),
      expected: `a path (./my_stage.ts), or one of ${list(names)}`,
    }),
  badModule: (pointer: string, path: string, why: string) =>
    problem('bad_module', pointer, `the stage file cannot be used: ${why}`, { value: path }),
  unknownOption: (pointer: string, stage: string, name: string, names: readonly string[]) =>
    problem('unknown_option', pointer, `unknown option of ${stage}`, known(name, names)),
  replacedOption: (pointer: string, stage: string, name: string, by: string) =>
    problem('unknown_option', pointer, `${stage} has no such option any more`, { value: name, expected: by }),
  replacedValue: (pointer: string, value: string, by: string) =>
    problem('not_one_of', pointer, 'not a choice any more', { value, expected: by }),
  missingOption: (pointer: string, stage: string, name: string) =>
    problem('missing_option', pointer, `${stage} needs the option \`${name}\``),

  duplicateId: (pointer: string, id: string, first: string) =>
    problem('duplicate_id', pointer, `two stages have one id; the first is ${first}`, { value: id }),
  reservedId: (pointer: string, id: string) =>
    problem('reserved_id', pointer, 'a sink writes into a folder of its id, and the run has one of that name itself', {
      value: id,
      expected: 'another id',
    }),
  unknownInput: (pointer: string, input: string, ids: readonly string[]) =>
    problem('unknown_input', pointer, 'no stage has this id', known(input, ids)),
  dropsNothing: (pointer: string, input: string, id: string) =>
    problem('unknown_port', pointer, `with these options '${id}' drops no rows; take this input away or change them`, {
      value: input,
      expected: id,
    }),
  unknownPort: (pointer: string, input: string, id: string, ports: readonly string[]) =>
    problem(
      'unknown_port',
      pointer,
      ports.length ? `'${id}' has no such output` : `'${id}' drops no rows, so it has only its main output`,
      ports.length ? known(input, [id, ...ports.map(port => `${id}.${port}`)]) : { value: input, expected: id },
    ),
  duplicateInput: (pointer: string, input: string) =>
    problem('duplicate_input', pointer, 'the same input twice', { value: input }),
  twice: (pointer: string, id: string, a: string, b: string) =>
    problem('input_twice', pointer, `a row that both '${a}' and '${b}' hand on reaches '${id}' twice`, {
      level: 'warning',
      value: b,
      expected: 'inputs without a row in common, as a stage and its .dropped are',
    }),
  pairedTwice: (pointer: string, id: string, a: string, b: string, why: string) =>
    problem('input_twice', pointer, `a pair that both '${a}' and '${b}' hand on reaches '${id}' twice: ${why}`, {
      level: 'warning',
      value: b,
      expected: 'pairs that one of them makes',
    }),
  droppedBehind: (pointer: string, id: string, before: string, what: string) =>
    problem('dropped_behind', pointer, `'${id}' may drop rows behind '${before}', and ${what} are of all its rows`, {
      level: 'warning',
      value: id,
      expected: `'${before}' behind all stages that drop`,
    }),
  sinkAsInput: (pointer: string, input: string, ids: readonly string[]) =>
    problem('sink_as_input', pointer, 'a sink has no output', { value: input, expected: `one of ${list(ids)}` }),
  auditAsInput: (pointer: string, input: string, ids: readonly string[]) =>
    problem('audit_as_input', pointer, 'an audit has no output: it reports, and hands on no row', {
      value: input,
      expected: `one of ${list(ids)}`,
    }),
  needsInputs: (pointer: string, id: string, inputs: readonly string[], required: readonly string[]) =>
    problem('needs_inputs', pointer, `'${id}' is an audit of ${inputs.length} inputs: \`from\` gives each its name`, {
      expected: `from: { ${(required.length > 0 ? required : inputs.slice(0, 1)).map(name => `${name}: …`).join(', ')} }; there are ${list(inputs)}`,
    }),
  oneInput: (pointer: string, id: string) =>
    problem('one_input', pointer, `'${id}' has one input without a name: only an audit has inputs by name`, {
      expected: 'the id of a stage, or a list of ids',
    }),
  needsTables: (pointer: string, id: string, required: readonly string[], inputs: readonly string[]) =>
    problem('needs_inputs', pointer, `'${id}' needs a table beside its rows: \`from\` gives each its name`, {
      expected: `from: { ${required.map(name => `${name}: …`).join(', ')} }; there are ${list(inputs)}`,
    }),
  tableIsSource: (pointer: string, id: string, table: string, node: string) =>
    problem('unknown_input', pointer, `the table \`${table}\` of '${id}' is read as it lies, so it must be a source`, {
      value: node,
      expected: 'the id of a source, or a list of them',
    }),
  tableAndPairs: (pointer: string, id: string) =>
    problem('input_twice', pointer, `'${id}' is read as a table and as pairs: name the files in two sources`, {
      value: id,
    }),
  unknownAuditInput: (pointer: string, id: string, input: string, inputs: readonly string[]) =>
    problem('unknown_audit_input', pointer, `'${id}' has no such input`, known(input, inputs)),
  missingInput: (pointer: string, id: string, input: string, inputs: readonly string[]) =>
    problem('missing_input', pointer, `'${id}' needs the input \`${input}\``, { expected: `of ${list(inputs)}` }),
  tallyRounds: (pointer: string, id: string, input: string, rounds: number) =>
    problem(
      'tally_rounds',
      pointer,
      `the tally of '${id}'${input && ` for the input '${input}'`} must have one round`,
      {
        value: `${rounds} rounds`,
        expected: 'round({ collect, merge }), without .next()',
      },
    ),
  sourceWithFrom: (pointer: string, id: string) =>
    problem('source_with_from', pointer, `'${id}' is a source: it reads files and takes no \`from\``),
  needsFrom: (pointer: string, id: string, above: string, ids: readonly string[]) =>
    problem('needs_from', pointer, `'${id}' needs \`from\`: the stage above it, '${above}', is a sink`, {
      expected: `one of ${list(ids)}`,
    }),
  unreachable: (pointer: string, id: string) =>
    problem('unreachable', pointer, `nothing reaches '${id}': no stage is above it and it has no \`from\``),
  cycle: (pointer: string, ids: readonly string[]) =>
    problem('cycle', pointer, `stages feed each other in a circle: ${ids.join(' -> ')}`),
  samePath: (pointer: string, path: string, first: string) =>
    problem('same_path', pointer, `'${first}' writes to this path too`, { value: path }),
  noSource: () => problem('no_source', '/stages', 'no stage reads anything: a graph begins with a source'),
  noSink: () =>
    problem('no_sink', '/stages', 'no stage writes or reports anything: a graph ends with a sink or an audit'),
  unreadSource: (pointer: string, id: string) =>
    problem('unread_source', pointer, `no stage takes the rows of source '${id}'`),
  answersOnly: (pointer: string, id: string, rows?: string) =>
    problem(
      'answers_only',
      pointer,
      `'${id}' takes pairs, and ${rows === undefined ? 'its rows' : `the rows of '${rows}'`} have no rejected side: each is one answer (layout answers)`,
      { expected: 'a stage before it that makes pairs of them, such as pair_candidates or inject_errors' },
    ),
  pairsAlready: (pointer: string, id: string) =>
    problem('pairs_already', pointer, `'${id}' makes pairs of answers, and its rows have a rejected side already`, {
      expected: 'rows of layout answers, one answer a row',
    }),
  unconsumed: (pointer: string, id: string) =>
    problem('unconsumed', pointer, `no stage takes the rows that '${id}' lets through: they reach no sink this way`, {
      level: 'warning',
    }),

  badOverride: (pointer: string, text: string, why: string) =>
    problem('bad_override', pointer, why, { value: text, expected: 'stage.option=value' }),
  unknownOverride: (pointer: string, id: string, ids: readonly string[]) =>
    problem('unknown_override', pointer, 'no stage has this id', known(id, ids)),

  unknownColumn: (pointer: string, id: string, column: string, columns: readonly string[]) =>
    problem('unknown_column', pointer, `'${id}' reads a column that nothing upstream writes`, known(column, columns)),
  unknownTableColumn: (pointer: string, id: string, table: string, column: string, columns: readonly string[]) =>
    problem(
      'unknown_column',
      pointer,
      `'${id}' reads a column that its table '${table}' does not have`,
      known(column, columns),
    ),
  badStage: (pointer: string, id: string, why: string) =>
    problem('bad_stage', pointer, `the stage of '${id}' cannot be used: ${why}`),
  unusableFile: (pointer: string, id: string, path: string, why: string, base: string) =>
    problem('unusable_file', pointer, `'${id}' needs a file that ${why}`, {
      value: path,
      expected: `a file's path from ${base} on`,
    }),
  columnType: (pointer: string, id: string, column: string, type: string, expected: string) =>
    problem('column_type', pointer, `column '${column}' has the wrong type for '${id}'`, { value: type, expected }),
  columnConflict: (
    pointer: string,
    column: string,
    a: { type: string; where: string },
    b: { type: string; where: string },
  ) =>
    problem(
      'column_conflict',
      pointer,
      `column '${column}' has two types that cannot be joined: ${a.type} in ${a.where}, ${b.type} in ${b.where}; give it one, or leave it out by the option \`columns\` of the source`,
      { value: b.type, expected: a.type },
    ),
  columnReplaced: (pointer: string, id: string, column: string) =>
    problem('column_replaced', pointer, `'${id}' replaces a column that is there already; another id keeps both`, {
      level: 'warning',
      value: column,
    }),
}

function comparePointers(a: string, b: string): number {
  const left = stepsOf(a),
    right = stepsOf(b)
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    if (left[i] === right[i]) continue
    const numbers = Number(left[i]) - Number(right[i])
    return Number.isNaN(numbers) ? (left[i] < right[i] ? -1 : 1) : numbers
  }
  return left.length - right.length
}

const compareTexts = (a = '', b = ''): number => (a < b ? -1 : a > b ? 1 : 0)
const isOverride = (it: Problem): number => (it.pointer.startsWith('/--set') ? 1 : 0)

/**
 * In the order of the text (file, line, column), then of pointers; what comes from --set last. The same problem is
 * there once.
 */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  const sorted = [...problems].sort(
    (a, b) =>
      isOverride(a) - isOverride(b) ||
      (isOverride(a) ? 0 : compareTexts(a.file, b.file)) ||
      (a.line ?? 0) - (b.line ?? 0) ||
      (a.column ?? 0) - (b.column ?? 0) ||
      comparePointers(a.pointer, b.pointer) ||
      compareTexts(a.code, b.code) ||
      compareTexts(show(a.value), show(b.value)),
  )
  return sorted.filter((it, i) => i === 0 || formatProblem(it) !== formatProblem(sorted[i - 1]))
}

const shorten = (text: string): string => (text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text)

/** A value as a message shows it: JSON on one line, at most 80 characters. */
function show(value: unknown): string {
  let text: string
  try {
    text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
  } catch {
    text = String(value)
  }
  text = text === '' ? "''" : text.replace(/\s+/g, ' ')
  return text.length > 80 ? `${text.slice(0, 79)}…` : text
}

function formatProblem(it: Problem): string {
  const where = it.file === undefined ? '' : it.line === undefined ? it.file : `${it.file}:${it.line}:${it.column}`
  const facts = [
    it.value === undefined ? '' : `value ${show(it.value)}`,
    it.expected === undefined ? '' : `expected ${it.expected}`,
    it.suggestion === undefined ? '' : `did you mean ${it.suggestion}?`,
  ]
    .filter(Boolean)
    .join('; ')
  return [
    shorten(where),
    // the file of an override says what it is
    isOverride(it) === 1 ? '' : shorten(it.pointer),
    (it.level === 'warning' ? 'warning: ' : '') + it.message + (facts && ` (${facts})`),
  ]
    .filter(Boolean)
    .join('  ')
}

/** One line a problem, sorted: `file:line:column  /pointer  message (value …; expected …; did you mean …?)`. */
export const formatProblems = (problems: readonly Problem[]): string =>
  sortProblems(problems).map(formatProblem).join('\n')

/** Problems in one message. */
const MOST_SHOWN = 50

/**
 * A graph that cannot run. `problems` holds everything that was found, warnings too; the message lists it. Where files
 * of stages are all that is wrong, there is no input.
 */
export class GraphError extends SluiceError {
  override readonly name = 'GraphError'
  readonly problems: readonly Problem[]
  constructor(problems: readonly Problem[]) {
    const wrong = problems.filter(it => it.level === 'error'),
      errors = wrong.length
    const sorted = sortProblems(problems),
      more = sorted.length - MOST_SHOWN
    super(
      `graph: ${errors} ${errors === 1 ? 'problem' : 'problems'}\n${formatProblems(sorted.slice(0, MOST_SHOWN))}${more > 0 ? `\nand ${more} more` : ''}`,
      wrong.every(it => it.code === 'unusable_file') && errors > 0 ? EXIT.noInput : EXIT.graph,
    )
    this.problems = sorted
  }
}
