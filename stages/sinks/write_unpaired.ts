/** Writes rows of a prompt, a completion and a label, as KTO and BCO train on. */
import { Bool, Field, Schema } from 'apache-arrow'
import { numberColumn } from '../../engine/arrow/columns.ts'
import { choice, defineSink, Type } from '../../engine/contract/define.ts'
import { writeArrow } from '../../engine/dataset.ts'
import { DataError } from '../../engine/errors.ts'
import { formatOption, formatSchema, toFormat } from './format.ts'
import { reservedNames, withoutReserved } from './reserved.ts'
import { balance, BLOCK, scoresOf, unpaired, type UnpairedOptions } from './unpaired.ts'

/** What KTO's trainer takes for its own beside what DPO's does. */
const ofKto = ['completion_ids', 'KL_completion_ids', 'ref_logps', 'ref_KL_logps']
const TEMPLATES = { none: '', score: '{prompt} <rm_score>: {value} ', label: '{prompt} <label>: {value} ' }

const n = (count: number) => count.toLocaleString('en-US')
const range = ([low, high]: number[]) => `[${low.toFixed(2)}, ${high.toFixed(2)}]`

/** Columns of the scores that `control` needs. */
const scoresIn = ({ label_column: label, score_columns: scores, control }: UnpairedOptions): string[] =>
  control === 'score' && scores
    ? [scores.chosen, ...(label === undefined && scores.rejected !== undefined ? [scores.rejected] : [])]
    : []
/** Columns that a row cannot be written without. */
const needed = (options: UnpairedOptions): string[] => [
  ...(options.label_column === undefined ? [] : [options.label_column]),
  ...scoresIn(options),
]

/** Prompt, completion and label, then what is beside them. */
function writtenSchema({ fields }: Schema, label: string | undefined): Schema {
  const typeOf = (name: string) => fields.find(field => field.name === name)!.type,
    gone = ['prompt', 'chosen', 'rejected', label]
  return new Schema([
    new Field('prompt', typeOf('prompt'), false),
    new Field('completion', typeOf('chosen'), false),
    new Field('label', new Bool(), false),
    ...fields.filter(({ name }) => !gone.includes(name)),
  ])
}

export default defineSink({
  name: 'write_unpaired',
  version: 2,
  status: { is: 'as published' },
  summary: 'Write Arrow shards of single completions with a label, as KTO and BCO train on.',
  details: `A pair becomes two rows, its chosen side with the label true and its rejected one with false; with \`label_column\` the rows are answers (layout \`answers\`), one each. The folder is one that \`datasets.load_from_disk\` opens: \`prompt\`, \`completion\`, \`label\`, then all other columns, of a pair on both of its rows.
Labels are bool: TRL's BCO, gone since 1.14, compares them by \`is True\`, and 0 and 1 are of neither class there.

The order is that of TRL's own unpairing: ${n(BLOCK)} chosen sides, then their ${n(BLOCK)} rejected ones; the last block has up to ${n(2 * BLOCK - 1)} pairs, so that none is short. Never do both sides of a pair stand side by side: KTO's KL term pairs each prompt with the completion of the row before it (of the first in a batch, the last), in the order of the file, and takes
the two for unrelated. That is so where there are more pairs than rows in a batch; do not shuffle by pairs, and sort by nothing that brings a prompt's rows together. The summary counts rows that stand behind one of the same prompt.

A second row of equal prompt, completion and label is left out, whatever else it has; a completion that has both labels is written with both, and counted. The summary says the two ranges of weights that KTO 1.16 takes for balanced: \`desirable_weight\` in one or \`undesirable_weight\` in the other, with the other one at 1, not both. The ranges are as in TRL's trainer.

\`control\` ends prompts, of a conversation its last turn of the user, with what the answer is: \`score\` as OpenRLHF does, scores less their mean and over their standard deviation (n - 1), with two digits; \`label\` as good or bad. It is after MEET, whose two states are learnt and no text. To sample from such a model, end prompts so yourself.

Held against TRL 1.16's KTOTrainer: all tokens, labels and KL completions are those of its own unpairing (\`npm run check:trainers\`). Columns whose names TRL reserves are renamed to \`meta_<name>\`. A row without a label, or without a score that \`control\` needs, ends the run: drop it before.`,
  paper: { title: 'KTO: Model Alignment as Prospect Theoretic Optimization', arxiv: '2402.01306', form: 'as in' },
  options: Type.Object({
    format: formatOption,
    label_column: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'bool column: whether the answer, the `chosen` of the row, is desirable',
      }),
    ),
    control: choice(['none', 'label', 'score'], { default: 'none', description: 'what a prompt ends with' }),
    score_columns: Type.Optional(
      Type.Object(
        { chosen: Type.String({ minLength: 1 }), rejected: Type.Optional(Type.String({ minLength: 1 })) },
        {
          additionalProperties: false,
          description: 'columns of the scores, with `control: score`; of answers `chosen`',
        },
      ),
    ),
    template: Type.Optional(
      Type.String({
        pattern: '\\{value\\}',
        description: `prompt with its end: \`${TEMPLATES.score}\` unless given, with \`control: label\` \`${TEMPLATES.label}\``,
      }),
    ),
    shard_megabytes: Type.Integer({
      minimum: 1,
      maximum: 4000,
      default: 500,
      description: 'size at which a shard ends',
    }),
  }),
  reads: ({ label_column: label, control = 'none', score_columns }) => ({
    id: 'text' as const,
    prompt: 'messages' as const,
    chosen: 'messages' as const,
    ...(label === undefined ? { rejected: 'messages' as const } : {}),
    ...Object.fromEntries(
      scoresIn({ label_column: label, control, score_columns }).map(name => [name, 'number' as const]),
    ),
    ...(label === undefined ? {} : { [label]: 'bool' as const }),
  }),
  schema(options, input, isText) {
    const { control, label_column: label, score_columns: scores } = options
    if (control === 'score' && (!scores || (label === undefined && scores.rejected === undefined))) {
      throw new Error("write_unpaired: control: score needs 'score_columns' of both sides, of answers of 'chosen'")
    }
    const { schema, format } = formatSchema(options.format, input, isText),
      own = needed(options)
    const isReserved = (name: string) => !own.includes(name) && [...reservedNames, ...ofKto].includes(name)
    return { ...withoutReserved(schema, isReserved), facts: { format } }
  },
  convert(options, input, schema) {
    for (const name of needed(options)) {
      const at = numberColumn(input.getChild(name)!.data[0]).values.findIndex(value => !Number.isFinite(value))
      if (at >= 0) {
        throw new DataError(
          `write_unpaired: '${name}' of row '${input.getChild('id')?.get(at)}' is null or no finite number; drop such rows before, as by drop_by_column`,
        )
      }
    }
    return toFormat('write_unpaired', input, schema)
  },
  extraCopies: () => 1,
  async publish(options, folder, schema, input) {
    const counts = { desirable: 0, undesirable: 0, copies: 0, both: 0, beside: 0 },
      written = writtenSchema(schema, options.label_column),
      scale = options.control === 'score' ? scoresOf(input, schema, scoresIn(options)) : undefined
    const template = options.template ?? TEMPLATES[options.control]
    await writeArrow(folder, unpaired(input, schema, written, { ...options, template }, scale, counts), {
      schema: written,
      shardMegabytes: options.shard_megabytes,
    })
    const { desirable, undesirable, copies, both, beside } = counts,
      ranges = balance(desirable, undesirable)
    return {
      rows: input.rows,
      columns: written.fields.map(({ name }) => name),
      report: {
        lines: [
          `${n(desirable + undesirable)} rows written: ${n(desirable)} desirable, ${n(undesirable)} undesirable`,
          ranges.desirable
            ? `KTO is balanced by desirable_weight in ${range(ranges.desirable)} or undesirable_weight in ${range(ranges.undesirable!)}, not both`
            : 'KTO is balanced by weights of 1',
          ...(copies > 0
            ? [`${n(copies)} rows left out: equal in prompt, completion and label to an earlier one`]
            : []),
          ...(both > 0 ? [`${n(both)} completions have both labels`] : []),
          ...(beside > 0
            ? [`${n(beside)} rows stand behind one of the same prompt, which KTO's KL term takes for unrelated`]
            : []),
        ],
        numbers: { ...counts, ...ranges },
      },
    }
  },
})
