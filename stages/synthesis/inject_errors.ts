/** Makes hard pairs out of trusted ones: the chosen answer against a copy of it with one proven error. */
import { makeMessages, type Message } from '../../engine/arrow/columns.ts'
import { mix32 } from '../../engine/arrow/hash.ts'
import { choice, defineStage, Type } from '../../engine/contract/define.ts'
import { several, type Edit } from './edits.ts'
import { EDIT_TYPES, ready, USUAL_TYPES } from './operators/all.ts'
import { operatorTable } from './operators/table.ts'
import { DECLINED } from './prove.ts'
import { promptOfStep, workedRows, type Worked } from './solutions.ts'
import { tellReport, tellRound, type Fitted } from './tell.ts'

/** edits made of a row for each that is wanted, where tests may refuse some */
const MORE = 6

export default defineStage({
  name: 'inject_errors',
  version: 5,
  summary: 'Derive pairs whose rejected side is the chosen one with one proven error.',
  details: `Put it behind the stages that decide which answers are trusted: the chosen side is taken as right. An equation is only edited where it can be read in one way and is exactly
true; its proof is an exact recalculation. With \`wrong_carry\` later steps and the final answer follow from the error; with the others nothing after it is recomputed. Steps count from 0;
\`start\` and \`end\` are code points of the last message of the rejected side and say where the error is. \`answer_changed\`: both sides state a final answer, and not the same. \`size\` is the
edit distance over the length of the longer side: pairs that are very alike can lower the likelihood of the good side too, so train them with a loss that holds it up, step by step, or on what [drop_ches](drop_ches.md) leaves of them.
\`difficulty\` is the mean of how small the error is (1 minus what the false sides differ by, over the larger) and how late it stands (the share of the text before it), each 0 to 1.

${operatorTable}

The defaults are the types with an arithmetic proof, but for \`step_removed\` and \`steps_swapped\`: those leave every equation true, and prove that a number is used before anything gives it; a terse
solution may do so and be right. Of code it is proven that both versions parse and differ in the named place only, not that the program does something else:
where rows have tests in JavaScript, \`tests_column\` names them, and they decide. Types marked unproven say the opposite, or
name another thing, and may still be right by chance: they are only made if \`types\` names them, and their \`proof\` says \`unproven\`. All of RISE's seven edits are covered, rewording a step so
that the question is misread by the unproven ones alone.

So that the rejected side does not show by its surface, kinds and surfaces (quiet, shorter, longer, as long) are mixed on a sample until a reader of style alone does no better than chance, and the
summary says how well such a reader, and one of length alone, does on other pairs. A reader who computes finds every error.`,
  paper: {
    title: 'Subtle Errors in Reasoning: Preference Learning via Error-injected Self-editing',
    arxiv: '2410.06638',
    form: 'after',
  },
  options: Type.Object({
    types: Type.Array(choice(EDIT_TYPES, { description: 'an operator of the table' }), {
      minItems: 1,
      uniqueItems: true,
      default: [...USUAL_TYPES],
      description: 'kinds of errors to draw from',
    }),
    pairs: choice(['solutions', 'steps'], {
      default: 'solutions',
      description:
        'whole answers, or one step of each against its edited self: the steps before it then follow the question in the last message of the prompt, after a blank line',
    }),
    max_per_row: Type.Integer({
      minimum: 1,
      maximum: 16,
      default: 1,
      description: 'new pairs made of one row at most, all different',
    }),
    max_share: Type.Number({
      exclusiveMinimum: 0,
      maximum: 1,
      default: 1,
      description:
        'share of new pairs among them and the rows that come in, at most; which rows are left out depends on their content alone',
    }),
    quotas: Type.Object(
      Object.fromEntries(EDIT_TYPES.map(type => [type, Type.Optional(Type.Number({ minimum: 0, maximum: 1 }))])),
      {
        additionalProperties: false,
        default: {},
        description:
          'share of the new pairs that a type may have at most, by its name, as far as rows offer others; kept on the sample, so about kept on all',
      },
    ),
    max_chars: Type.Optional(
      Type.Integer({
        minimum: 1,
        description:
          'characters (code points) of a side that a trainer reads: no pair whose sides are equal so far. No bound when left out',
      }),
    ),
    min_edit_share: Type.Number({
      minimum: 0,
      maximum: 1,
      default: 0,
      description:
        'edit distance over the length of the longer side, at least: pairs that are too alike can lower the likelihood of both sides',
    }),
    max_edit_share: Type.Number({
      minimum: 0,
      maximum: 1,
      default: 1,
      description: 'edit distance over the length of the longer side, at most',
    }),
    tests_column: Type.Optional(
      Type.String({
        description:
          'column of JavaScript that throws where an answer is wrong: run behind the code of both sides, in a sandbox, where there is any; an edit of JavaScript is kept if it fails and the original passes',
      }),
    ),
    tell_rows: Type.Integer({
      minimum: 0,
      maximum: 100_000,
      default: 2_500,
      description: 'pairs on which readers try to tell the injected side; 0: the usual mix, untested',
    }),
  }),
  reads: ({ tests_column }) => ({
    prompt: 'messages',
    chosen: 'messages',
    ...(tests_column === undefined ? {} : { [tests_column]: 'text' }),
  }),
  writes: {
    type: 'text',
    step: 'int32',
    start: 'int32',
    end: 'int32',
    proof: 'text',
    answer_changed: 'bool',
    size: 'float64',
    difficulty: 'float64',
  },
  rows: 'derive',
  reasons: Object.fromEntries(
    Object.entries(DECLINED).map(([name, about]) => [name, { kind: 'configured' as const, about }]),
  ),
  examples: [
    {
      title: 'two plus two: a product would still be four, so only the difference is an error',
      options: { types: ['operator'] },
      rows: [
        { prompt: 'How many socks are in two pairs?', chosen: 'There are 2 + 2 = 4 socks.', rejected: 'Four or so.' },
        { prompt: 'Name a prime.', chosen: 'Seven is prime.', rejected: 'Nine is prime.' },
        { prompt: 'What is a third of ten?', chosen: 'It is 10 / 3 = 3.33 or so.', rejected: 'Three.' },
      ],
      derived: [
        {
          chosen: 'There are 2 + 2 = 4 socks.',
          rejected: 'There are 2 - 2 = 4 socks.',
          type: 'operator',
          step: 0,
          start: 12,
          end: 13,
          proof: '2+2=4 is true; 2-2=4 is false',
          answer_changed: false,
          size: 1 / 26,
        },
      ],
      noted: { 1: 'no_equation', 2: 'no_true_equation' },
    },
    {
      title: 'operands in the wrong order',
      options: { types: ['operand_order'] },
      rows: [
        {
          prompt: 'Of 45 eggs 18 broke. How many are whole?',
          chosen: '45 - 18 = 27 eggs are whole.\nThe answer is 27.',
          rejected: 'Most.',
        },
      ],
      derived: [
        {
          rejected: '18 - 45 = 27 eggs are whole.\nThe answer is 27.',
          type: 'operand_order',
          step: 0,
          start: 0,
          end: 7,
          proof: '45-18=27 is true; 18-45=27 is false',
          answer_changed: false,
        },
      ],
    },
    {
      title: 'what is declined: two readings, still true, hidden by rounding, nothing in sight to change',
      options: { types: ['operator'] },
      rows: [
        { prompt: 'Two times three?', chosen: 'It is 2(3) = 6.', rejected: 'Five.' },
        { prompt: 'Five socks, none lost: how many are left?', chosen: 'Five, as 5 - 0 = 5.', rejected: 'None.' },
        { prompt: 'How much are a fifth and four fifths?', chosen: 'One: 0.2 + 0.8 = 1.', rejected: 'Half.' },
        {
          prompt: 'How many are two socks and three?',
          chosen: 'Two and three socks = <<2+3=5>>5 socks.',
          rejected: 'Six.',
        },
      ],
      derived: [],
      noted: { 0: 'unclear_equation', 1: 'still_true', 2: 'only_rounding', 3: 'no_edit' },
    },
    {
      title: 'one step against its edited self: the steps before it follow the question',
      options: { types: ['operator'], pairs: 'steps' },
      rows: [
        {
          prompt: 'Two pairs of socks, one lost: how many are left?',
          chosen: 'First: none is torn.\nThere are 2 + 2 = 4 socks.\nThree are left.',
          rejected: 'Four.',
        },
      ],
      derived: [
        {
          prompt: 'Two pairs of socks, one lost: how many are left?\n\nFirst: none is torn.\n',
          chosen: 'There are 2 + 2 = 4 socks.',
          rejected: 'There are 2 - 2 = 4 socks.',
          step: 1,
          start: 12,
          end: 13,
        },
      ],
    },
    {
      title: 'code with tests: an edit counts that they refuse, not one that says the same (a <= b)',
      options: { types: ['code_comparison'], tests_column: 'check' },
      rows: ['if (least(1, 2) !== 1) throw 1', 'throw 1', '1'].map(check => ({
        prompt: 'The lesser of two.',
        chosen: '```js\nconst least = (a, b) => a < b ? a : b\n```',
        rejected: 'No.',
        check,
      })),
      derived: [
        {
          rejected: '```js\nconst least = (a, b) => a > b ? a : b\n```',
          type: 'code_comparison',
          step: 1,
          proof:
            'javascript: "<" became ">", both parse, and the trees differ nowhere else; the tests of its row pass before and fail after',
        },
      ],
      noted: { 1: 'tests_fail', 2: 'tests_pass' },
    },
    {
      title: 'sides that a trainer would cut off before they differ',
      options: { types: ['operator'], max_chars: 12 },
      rows: [{ prompt: 'How many socks are in two pairs?', chosen: 'There are 2 + 2 = 4 socks.', rejected: 'Five.' }],
      derived: [],
      noted: { 0: 'cut_off' },
    },
    {
      title: 'sides that are too alike, or differ too much',
      options: { types: ['operator'], min_edit_share: 0.05, max_edit_share: 0.1 },
      rows: ['There are 2 + 2 = 4 socks.', '2 + 2 = 4'].map(chosen => ({
        prompt: 'How many socks are in two pairs?',
        chosen,
        rejected: 'Five.',
      })),
      derived: [],
      noted: { 0: 'too_alike', 1: 'too_different' },
    },
    {
      title: 'of few rows with a small share none may be taken',
      options: { types: ['operator'], max_share: 0.000001 },
      rows: [{ prompt: 'How many socks are in two pairs?', chosen: 'There are 2 + 2 = 4 socks.', rejected: 'Five.' }],
      derived: [],
      noted: { 0: 'over_share' },
    },
    {
      title:
        'an error is only carried on where what follows can be told: nothing follows, or the number has another origin',
      options: { types: ['wrong_carry'] },
      rows: [
        { prompt: 'How much are 14 and 25?', chosen: 'They are 14 + 25 = 39.', rejected: 'A lot.' },
        {
          prompt: 'Of 36 eggs a crate holds 9. And of 36 spoons?',
          chosen: '9 * 4 = 36 eggs.\n36 + 36 = 72 in all.',
          rejected: 'Some.',
        },
      ],
      derived: [],
      noted: { 0: 'not_carried', 1: 'several_origins' },
    },
  ],
  fit: [tellRound],
  report: (options, [fitted], made) => tellReport(options, fitted as Fitted, made),
  open: (options, context) => {
    const {
      mix: { weights },
      editable,
    } = context.states[0] as Fitted
    const taken = (2 ** 32 * options.max_share) / (1 - options.max_share) / (editable * options.max_per_row)
    return {
      async batch(batch, verdict) {
        const tests = options.tests_column === undefined ? undefined : batch.text(options.tests_column)
        await ready(options.types)
        const read = workedRows(batch, context.seed, options.types, options.pairs)
        const parents: number[] = [],
          made: Edit[] = [],
          prompts: Message[][] = [],
          chosen: Message[][] = [],
          rejected: Message[][] = []
        for (let row = 0; row < batch.rows; row++) {
          const worked = read(row)
          let found =
            typeof worked === 'string'
              ? worked
              : mix32(worked.rowSeed ^ 0x5a4e) >= taken
                ? 'over_share'
                : several(worked.solution, worked.seed, weights, options.max_per_row * (tests ? MORE : 1), options)
          if (tests && typeof found !== 'string' && tests.text(row) !== '') {
            const { tested } = await import('./sandbox.ts')
            found = await tested((worked as Worked).solution.text, found, tests.text(row))
          }
          if (typeof found === 'string') {
            verdict.note(row, found)
            continue
          }
          const { before, step, solution } = worked as Worked,
            said = batch.messages('chosen').messages(row),
            { role } = said[said.length - 1]
          const asked =
            options.pairs === 'steps'
              ? promptOfStep([...batch.messages('prompt').messages(row), ...said.slice(0, -1)], before)
              : []
          for (const edit of found.slice(0, options.max_per_row)) {
            parents.push(row)
            made.push(step === undefined ? edit : { ...edit, step })
            if (options.pairs === 'steps') {
              prompts.push(asked)
              chosen.push([{ role, content: solution.text }])
              rejected.push([{ role, content: edit.text }])
            } else rejected.push([...said.slice(0, -1), { role, content: edit.text }])
          }
        }
        return {
          parents,
          columns: {
            ...(options.pairs === 'steps' ? { prompt: makeMessages(prompts), chosen: makeMessages(chosen) } : {}),
            rejected: makeMessages(rejected),
            type: made.map(edit => edit.type),
            proof: made.map(edit => edit.proof),
            step: Int32Array.from(made, edit => edit.step),
            start: Int32Array.from(made, edit => edit.start),
            end: Int32Array.from(made, edit => edit.end),
            answer_changed: Uint8Array.from(made, edit => (edit.answer_changed ? 1 : 0)),
            size: Float64Array.from(made, edit => edit.size),
            difficulty: Float64Array.from(made, edit => edit.difficulty),
          },
        }
      },
    }
  },
})
