/** The trainer lint: drops pairs that a preference trainer would corrupt, drop in silence, or learn nothing from. */
import { defineStage, Type } from '../../engine/contract/define.ts'
import { faultFinder } from './faults.ts'

const q = 'Name a prime.',
  a = 'Seven is prime.',
  b = 'Nine is prime.'
const asked = { role: 'user', content: q },
  said = { role: 'assistant', content: a }
const pair = { prompt: q, chosen: a, rejected: b }

export default defineStage({
  name: 'check_pairs',
  version: 2,
  category: 'check and deduplicate',
  summary: 'Drop pairs that a preference trainer would corrupt or learn nothing from.',
  details: [
    'Of several faults the first of the list of reasons counts. What messages have beside role and content (`source_<side>_fields`) is published as part',
    'of a side by sinks with `format: whole` alone: a side that is only a tool call, and sides that differ in their calls or reasoning alone, are dropped unless `allow_beside_text` is set.',
    'It does not tokenise: pairs that become identical when they are cut to a length in tokens are not seen here.',
  ].join('\n'),
  options: Type.Object({
    max_chars: Type.Integer({ minimum: 1, default: 1_000_000, description: 'characters of one message' }),
    max_replacement_share: Type.Number({
      minimum: 0,
      maximum: 1,
      default: 0.01,
      description: 'share of U+FFFD among the characters of the prompt or of a side',
    }),
    allow_prefix: Type.Boolean({
      default: false,
      description: 'keep pairs of which one side is the beginning of the other',
    }),
    allow_beside_text: Type.Boolean({
      default: false,
      description: 'keep pairs that differ in tool calls or reasoning alone, for sinks with `format: whole`',
    }),
  }),
  reads: { prompt: 'messages', chosen: 'messages', rejected: 'messages' },
  writes: {},
  rows: 'subset',
  reasons: {
    too_long: { kind: 'configured', limit: 'max_chars', about: 'characters of the longest message' },
    empty_prompt: {
      kind: 'broken',
      about: 'nobody asks anything: no message of a user or a tool, or nothing but white space',
    },
    empty_side: { kind: 'broken', about: 'a side has no message or nothing but white space' },
    identical: { kind: 'broken', about: 'both sides say the same' },
    identical_trimmed: { kind: 'broken', about: 'both sides say the same but for white space at their ends' },
    only_beside_text: {
      kind: 'broken',
      about:
        'a side says nothing, or both the same, but for tool calls or reasoning; allow_beside_text keeps it, for sinks with format: whole',
    },
    unknown_role: {
      kind: 'broken',
      about: 'a role other than system, developer, user, assistant and tool, which chat templates refuse',
    },
    misplaced_system: { kind: 'broken', about: 'a system message that is not at the beginning' },
    repeated_role: { kind: 'broken', about: 'two messages of the user or of the assistant one after the other' },
    prompt_ends_with_assistant: { kind: 'broken', about: 'the prompt ends with an answer: there is nothing to answer' },
    side_not_assistant: {
      kind: 'broken',
      about: 'a side does not begin with the assistant, or has a message of a user or the system',
    },
    last_role_not_assistant: { kind: 'broken', about: 'a side does not end with the assistant' },
    tool_arguments: { kind: 'broken', about: 'the arguments of a tool call are not JSON' },
    prefix: { kind: 'quality', about: 'one side is the beginning of the other: the pair teaches only when to stop' },
    replacement_characters: {
      kind: 'quality',
      limit: 'max_replacement_share',
      about: 'share of U+FFFD in the prompt or a side: the text was decoded wrongly',
    },
  },
  examples: [
    {
      title: 'sides that are the same, nearly the same, or blank',
      rows: [
        pair,
        { ...pair, rejected: a },
        { ...pair, rejected: ` ${a}\n` },
        { ...pair, rejected: 'Seven' },
        { ...pair, chosen: '' },
        { ...pair, rejected: ' \u3000\n' },
        { ...pair, prompt: ' ' },
        { ...pair, rejected: [] },
        { ...pair, prompt: [] },
      ],
      kept: [0],
      dropped: {
        1: 'identical',
        2: 'identical_trimmed',
        3: 'prefix',
        4: 'empty_side',
        5: 'empty_side',
        6: 'empty_prompt',
        7: 'empty_side',
        8: 'empty_prompt',
      },
    },
    {
      title: 'one side goes on where the other ends, on purpose',
      options: { allow_prefix: true },
      rows: [{ ...pair, rejected: 'Seven' }],
      kept: [0],
      dropped: {},
    },
    {
      title: 'who speaks in the prompt',
      rows: [
        {
          ...pair,
          prompt: [{ role: 'system', content: 'Be brief.' }, asked, said, { role: 'user', content: 'Another?' }],
        },
        { ...pair, prompt: [asked, { ...said, role: 'narrator' }, asked] },
        { ...pair, prompt: [asked, { role: 'system', content: 'Be brief.' }] },
        { ...pair, prompt: [asked, asked] },
        { ...pair, prompt: [asked, said] },
        { ...pair, prompt: [{ role: 'system', content: 'Be brief.' }] },
        { ...pair, prompt: [asked, said, { role: 'tool', content: '7' }] },
      ],
      kept: [0, 6],
      dropped: {
        1: 'unknown_role',
        2: 'misplaced_system',
        3: 'repeated_role',
        4: 'prompt_ends_with_assistant',
        5: 'empty_prompt',
      },
    },
    {
      title: 'who speaks in a side',
      rows: [
        { ...pair, chosen: [said, { role: 'tool', content: '7' }, said] },
        { ...pair, chosen: [asked, said] },
        { ...pair, chosen: [said, { role: 'tool', content: '7' }] },
        { ...pair, chosen: [said, said] },
        { ...pair, rejected: [{ role: 'gpt', content: b }] },
      ],
      kept: [0],
      dropped: { 1: 'side_not_assistant', 2: 'last_role_not_assistant', 3: 'repeated_role', 4: 'unknown_role' },
    },
    {
      title: 'tool calls whose arguments are no JSON',
      rows: [
        {
          ...pair,
          source_chosen_fields: '[{"tool_calls": [{"function": {"name": "add", "arguments": "{\\"a\\": 1}"}}]}]',
        },
        { ...pair, source_chosen_fields: '[{"tool_calls": [{"function": {"name": "add", "arguments": "{a: 1"}}]}]' },
        { ...pair, source_chosen_fields: null },
      ],
      kept: [0, 2],
      dropped: { 1: 'tool_arguments' },
    },
    {
      title: 'sides that differ in a tool call alone',
      rows: [
        { ...pair, rejected: a, source_chosen_fields: '[{"tool_calls": [{"function": {"name": "add"}}]}]' },
        { ...pair, rejected: a, source_chosen_fields: '[{"name": "Ada"}]' },
        { ...pair, rejected: '', source_rejected_fields: '[{"tool_calls": [{"function": {"name": "add"}}]}]' },
      ],
      kept: [],
      dropped: { 0: 'only_beside_text', 1: 'identical', 2: 'only_beside_text' },
    },
    {
      title: 'the same for shards of whole messages',
      options: { allow_beside_text: true },
      rows: [
        { ...pair, rejected: a, source_chosen_fields: '[{"tool_calls": [{"function": {"name": "add"}}]}]' },
        { ...pair, rejected: a, source_chosen_fields: '[{"name": "Ada"}]' },
        { ...pair, rejected: '', source_rejected_fields: '[{"tool_calls": [{"function": {"name": "add"}}]}]' },
      ],
      kept: [0, 2],
      dropped: { 1: 'identical' },
    },
    {
      title: 'very long messages and texts that were decoded wrongly',
      options: { max_chars: 20, max_replacement_share: 0.1 },
      rows: [
        { ...pair, chosen: 'Sieben ist eine Primzahl.' },
        { ...pair, chosen: '7\ufffdis\ufffdprime' },
        { ...pair, chosen: 'Seven is\ufffdprime.' },
        { ...pair, chosen: '七是质数，九不是，因为三三得九。' },
      ],
      kept: [2, 3],
      dropped: { 0: 'too_long', 1: 'replacement_characters' },
    },
  ],
  open: options => ({
    batch(batch, verdict) {
      const faultOf = faultFinder(batch, options)
      for (let row = 0; row < batch.rows; row++) {
        const fault = faultOf(row)
        if (fault) verdict.drop(row, ...fault)
      }
    },
  }),
})
