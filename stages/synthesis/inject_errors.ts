/** Makes hard pairs out of trusted ones: the chosen answer against a copy of it with one proven error. */
import { choice, defineStage, round, Type } from '../../engine/contract/define.ts'
import { limitOptions } from './limits.ts'
import { quotaOption } from './mix.ts'
import { editor, newPairs } from './new_pairs.ts'
import { EDIT_TYPES, ready, USUAL_TYPES } from './operators/all.ts'
import { operatorTable } from './operators/table.ts'
import { DECLINED } from './prove.ts'
import { madeTally, tellReport, tellRound } from './tell.ts'

const socks = 'There are 2 + 2 = 4 socks.'
const row = (prompt: string, chosen: string) => ({ prompt, chosen, rejected: 'I do not know.' })
const twoPairs = row('How many socks are in two pairs?', socks)
const lessSocks = { chosen: socks, rejected: 'There are 2 - 2 = 4 socks.', type: 'operator', start: 12, end: 13 }

export default defineStage({
  name: 'inject_errors',
  version: 6,
  category: 'make pairs',
  status: { is: 'proven here', shown: 'docs/benchmarks/injection.md' },
  summary: 'Derive pairs whose rejected side is the chosen one with one proven error.',
  details: `Put it behind the stages that decide which answers are trusted: the chosen side is taken as right. An equation is only edited where it can be read in one way and is exactly
true; its proof is an exact recalculation. Steps count from 0; \`start\` and \`end\` are code points of the last message of the rejected side and say where the error is. \`answer_changed\`: both sides state a final answer, and not the same. \`size\` is the
edit distance over the length of the longer side: pairs that are very alike can lower the likelihood of the good side too, so train them with a loss that holds it up, step by step, or on what [drop_ches](drop_ches.md) leaves of them.
\`difficulty\` is the mean of how small the error is (1 minus what the false sides differ by, over the larger) and how late it stands (the share of the text before it), each 0 to 1.

${operatorTable}

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
    quotas: quotaOption,
    ...limitOptions,
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
    rejected: 'messages',
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
  notes: DECLINED,
  examples: [
    {
      title: 'two plus two: a product would still be four, so only the difference is an error',
      options: { types: ['operator'] },
      rows: [twoPairs, row('Name a prime.', 'Seven is prime.'), row('A third of ten?', 'It is 10 / 3 = 3.33 or so.')],
      made: [{ ...lessSocks, step: 0, proof: '2+2=4 is true; 2-2=4 is false', answer_changed: false, size: 1 / 26 }],
      noted: { 1: 'no_equation', 2: 'no_true_equation' },
    },
    {
      title: 'operands in the wrong order',
      options: { types: ['operand_order'] },
      rows: [row('Of 45 eggs 18 broke. How many are whole?', '45 - 18 = 27 eggs are whole.\nThe answer is 27.')],
      made: [
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
        row('Two times three?', 'It is 2(3) = 6.'),
        row('Five socks, none lost: how many are left?', 'Five, as 5 - 0 = 5.'),
        row('How much are a fifth and four fifths?', 'One: 0.2 + 0.8 = 1.'),
        row('How many are two socks and three?', 'Two and three socks = <<2+3=5>>5 socks.'),
      ],
      made: [],
      noted: { 0: 'unclear_equation', 1: 'still_true', 2: 'only_rounding', 3: 'no_edit' },
    },
    {
      title: 'one step against its edited self: the steps before it follow the question',
      options: { types: ['operator'], pairs: 'steps' },
      rows: [row('Two pairs, one lost: how many are left?', `None is torn.\n${socks}\nThree are left.`)],
      made: [{ prompt: 'Two pairs, one lost: how many are left?\n\nNone is torn.\n', ...lessSocks, step: 1 }],
    },
    {
      title: 'code with tests: an edit counts that they refuse, not one that says the same (a <= b)',
      options: { types: ['code_comparison'], tests_column: 'check' },
      rows: ['if (least(1, 2) !== 1) throw 1', 'throw 1', '1'].map(check => ({
        ...row('The lesser of two.', '```js\nconst least = (a, b) => a < b ? a : b\n```'),
        check,
      })),
      made: [
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
      rows: [twoPairs],
      made: [],
      noted: { 0: 'cut_off' },
    },
    {
      title: 'sides that are too alike, or differ too much',
      options: { types: ['operator'], min_edit_share: 0.05, max_edit_share: 0.1 },
      rows: [twoPairs, { ...twoPairs, chosen: '2 + 2 = 4' }],
      made: [],
      noted: { 0: 'too_alike', 1: 'too_different' },
    },
    {
      title: 'of few rows with a small share none may be taken',
      options: { types: ['operator'], max_share: 0.000001 },
      rows: [twoPairs],
      made: [],
      noted: { 0: 'over_share' },
    },
    {
      title:
        'an error is only carried on where what follows can be told: nothing follows, or the number has another origin',
      options: { types: ['wrong_carry'] },
      rows: [
        row('How much are 14 and 25?', 'They are 14 + 25 = 39.'),
        row('Of 36 eggs a crate holds 9. And of 36 spoons?', '9 * 4 = 36 eggs.\n36 + 36 = 72 in all.'),
      ],
      made: [],
      noted: { 0: 'not_carried', 1: 'several_origins' },
    },
  ],
  fit: options => round(tellRound(options)),
  tally: madeTally,
  report: (options, { state, tally }) => tellReport(options, state, tally),
  open: (options, { seed, state }) => ({
    async batch(batch, verdict) {
      await ready(options.types)
      const editsOf = editor(batch, seed, options, state),
        pairs = newPairs(batch, options.pairs)
      for (let row = 0; row < batch.rows; row++) {
        const found = await editsOf(row)
        if (typeof found === 'string') verdict.note(row, found)
        else pairs.add(row, found)
      }
      return pairs.output()
    },
  }),
})
