/** Writes pairs for people to decide on in Argilla: a data set as its SDK loads it from a disk. */
import { mkdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { writeWhole } from '../../engine/run/files.ts'
import { defineSink, Type } from '../../engine/contract/define.ts'
import {
  answers,
  askedOf,
  askedRows,
  askedSchema,
  asciiJson,
  GUIDELINES,
  QUESTION,
  writeList,
  type Asked,
} from './asked.ts'

/**
 * Its page takes text for HTML, and copies whole records into the script of this field, where `</script>` ends it and
 * signs such as `$'` stand for parts of the page: so texts come without any of these.
 */
const asHtml = (text: string): string => text.replace(/[&<>$]/g, character => `&#${character.charCodeAt(0)};`)
/** Ids are read again, so what is escaped in them is so as in addresses: app/exports.ts takes it back. */
const asId = (id: string): string => id.replace(/[%<$]/g, character => `%${character.charCodeAt(0).toString(16)}`)

/** Both sides beside each other, as text fields stand below each other. */
const SIDES = `<style>
  .sides { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 1.5rem; font-family: sans-serif }
  .sides p { white-space: pre-wrap; overflow-wrap: anywhere }
</style>
<div class="sides">
  <section><h3>Chosen</h3><p>{{{record.fields.sides.chosen}}}</p></section>
  <section><h3>Rejected</h3><p>{{{record.fields.sides.rejected}}}</p></section>
</div>
`
const textField = (name: string, title: string, required: boolean) => ({
  name,
  title,
  required,
  settings: { type: 'text', use_markdown: false },
})
const metadata = (name: string, title: string, type: 'terms' | 'float') => ({
  name,
  title,
  visible_for_annotators: true,
  settings: { type },
})
const settings = {
  guidelines: GUIDELINES,
  allow_extra_metadata: false,
  distribution: { strategy: 'overlap', min_submitted: 1 },
  fields: [
    textField('prompt', 'Prompt', true),
    {
      name: 'sides',
      title: 'Sides',
      required: true,
      settings: { type: 'custom', template: SIDES, advanced_mode: false },
    },
    textField('doubt', 'Why the label is doubted', false),
  ],
  questions: [
    {
      name: 'decision',
      title: QUESTION,
      required: true,
      settings: {
        type: 'label_selection',
        options: answers.map(({ word, meaning }) => ({ value: word, text: word, description: meaning })),
      },
    },
    { name: 'note', title: 'A note', required: false, settings: { type: 'text', use_markdown: false } },
  ],
  metadata: [
    metadata('sluice_id', 'Id', 'terms'),
    metadata('content_hash', 'Hash of the content', 'terms'),
    metadata('probability', 'Probability that the label is right', 'float'),
  ],
  vectors: [],
}

/**
 * Ids that no two records have, as its server demands. A pair that has changed is another record, to which nobody has
 * answered.
 */
function namer(): (asked: Asked) => string {
  const times = new Map<string, number>()
  return ({ id, contentHash }) => {
    const name = `${asId(id)}:${contentHash}`,
      count = (times.get(name) ?? 0) + 1
    times.set(name, count)
    return count === 1 ? name : `${name}:${count}`
  }
}

/** Its server takes 0 and 1 in JSON for integers, and refuses the records. */
const fraction = (share: number): number => Math.min(Math.max(share, 1e-9), 1 - 1e-9)

const recordOf = (
  name: string,
  { id, contentHash, prompt, chosen, rejected, doubt, probability, suggestion }: Asked,
) => ({
  id: name,
  fields: {
    prompt: asHtml(prompt),
    sides: { chosen: asHtml(chosen), rejected: asHtml(rejected) },
    ...(doubt.length > 0 ? { doubt: asHtml(doubt.join('\n')) } : {}),
  },
  metadata: {
    sluice_id: asId(id),
    content_hash: contentHash,
    ...(probability === null ? {} : { probability: fraction(probability) }),
  },
  suggestions: suggestion
    ? { decision: { value: suggestion.word, score: suggestion.score, agent: suggestion.by } }
    : {},
  responses: {},
  vectors: {},
})

export default defineSink({
  name: 'write_argilla',
  version: 1,
  for: 'review',
  summary: 'Write pairs for people to decide on in Argilla.',
  details: `The folder is a data set as Argilla 2 keeps it on a disk: \`records.json\`, and in \`.argilla\` its settings with fields, questions and guidelines. A person sees the prompt, both sides beside each other and why the label is doubted,
chooses keep, flip or drop, and may leave a note. To load it, in Python:

    dataset = rg.Dataset.from_disk('out/latest/humans', name='doubtful', workspace='review')

What was answered is given back by \`--decisions\`, as records with the status of each answer: \`dataset.records(with_responses=True).to_datasets().to_parquet('decisions.parquet')\`.
The files of \`to_json\` and \`to_disk\` leave the status out: of these only records that are completed count.

A record is known by id and content, so that a pair that has changed is a new one; loaded again under the same name, answers stay. Metadata are \`sluice_id\` (with \`%\`, \`<\` and \`$\` as in addresses), \`content_hash\` and \`probability\`: each
person gets the records in an order of their own, and may sort them by it. Texts are escaped as HTML, which Argilla's page would obey; turns of a conversation begin with who says them, tool calls and the like stand below the text as JSON.

Where a stage before it wrote \`<id>_probability\` and \`<id>_agreement\`, as detect_noise does, the likelier answer is a suggestion: flip where that the label is right is less likely than not, else keep, with its probability as the score.
Argilla chooses it beforehand.`,
  options: Type.Object({}),
  reads: { id: 'text', prompt: 'messages', chosen: 'messages', rejected: 'messages' },
  schema: (options, input) => ({ schema: askedSchema('write_argilla', options, input), renamed: {} }),
  convert: askedRows,
  publish(_options, folder, schema, input) {
    const about = join(folder, '.argilla')
    mkdirSync(about)
    writeWhole(join(about, 'settings.json'), `${asciiJson(settings)}\n`)
    writeWhole(join(about, 'dataset.json'), `${asciiJson({ name: basename(folder), guidelines: GUIDELINES })}\n`)
    const nameOf = namer()
    return writeList(join(folder, 'records.json'), askedOf(schema, input), asked => recordOf(nameOf(asked), asked))
  },
})
