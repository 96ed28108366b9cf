/** Writes pairs for people to decide on in Label Studio: its tasks, and the page that shows them. */
import { join } from 'node:path'
import { writeWhole } from '../../engine/run/files.ts'
import { defineSink, Type } from '../../engine/contract/define.ts'
import { answers, askedOf, askedRows, askedSchema, QUESTION, writeList, type Asked } from './asked.ts'

/**
 * The labelling interface. Sides are plain texts: the tag of conversations joins lines, and has no page for a prompt
 * that is empty.
 */
const CONFIG = `<View>
  <Style>
    .sluice-pair [class*="richtext"] { white-space: pre-wrap; overflow-wrap: anywhere }
    .sluice-sides { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 1.5rem }
  </Style>
  <View className="sluice-pair">
    <Header value="Prompt"/>
    <Text name="prompt" value="$prompt"/>
    <View className="sluice-sides">
      <View>
        <Header value="Chosen"/>
        <Text name="chosen" value="$chosen"/>
      </View>
      <View>
        <Header value="Rejected"/>
        <Text name="rejected" value="$rejected"/>
      </View>
    </View>
    <Header value="Why the label is doubted"/>
    <Text name="doubt" value="$doubt"/>
  </View>
  <Header value="${QUESTION}"/>
  <Choices name="decision" toName="prompt" choice="single" required="true">
${answers.map(({ word, key, meaning }) => `    <Choice value="${word}" hotkey="${key}" hint="${meaning}"/>`).join('\n')}
  </Choices>
  <TextArea name="note" toName="prompt" placeholder="A note" maxSubmissions="1" rows="2" editable="true"/>
</View>
`

const taskOf = ({ id, contentHash, prompt, chosen, rejected, doubt, probability, suggestion }: Asked) => ({
  data: {
    sluice_id: id,
    content_hash: contentHash,
    prompt,
    chosen,
    rejected,
    doubt: doubt.join('\n'),
    probability,
  },
  predictions: suggestion
    ? [
        {
          model_version: suggestion.by,
          score: suggestion.score,
          result: [
            { from_name: 'decision', to_name: 'prompt', type: 'choices', value: { choices: [suggestion.word] } },
          ],
        },
      ]
    : [],
})

export default defineSink({
  name: 'write_label_studio',
  version: 1,
  for: 'review',
  summary: 'Write pairs for people to decide on in Label Studio.',
  details: `The folder holds \`tasks.json\`, to be imported, and \`config.xml\`, the labelling interface of the project, which has to be set first. A person sees the prompt, both sides beside each other and why the label is
doubted, chooses keep, flip or drop, and may leave a note. What is exported (as JSON, JSON-MIN or CSV) is given back by \`--decisions\`.

Each task has \`sluice_id\`, \`content_hash\`, the texts, \`doubt\` and \`probability\`. Turns of a conversation begin with who says them; tool calls and the like stand below the text as JSON. Controls, and what turns the direction of
text, are written as \`\\u0000\`: a server on PostgreSQL refuses NUL.

Where a stage before it wrote \`<id>_probability\` and \`<id>_agreement\`, as detect_noise does, the likelier answer is a prediction: flip where that the label is right is less likely than not, else keep, with its probability as the score.
Label Studio chooses it beforehand for who opens the task. To measure how often labels are wrong by what people see alone, switch that off in the project's settings (Annotation, prelabeling).`,
  options: Type.Object({}),
  reads: { id: 'text', prompt: 'messages', chosen: 'messages', rejected: 'messages' },
  schema: (options, input) => ({ schema: askedSchema('write_label_studio', options, input), renamed: {} }),
  convert: askedRows,
  publish(_options, folder, schema, input) {
    writeWhole(join(folder, 'config.xml'), CONFIG)
    return writeList(join(folder, 'tasks.json'), askedOf(schema, input), taskOf)
  },
})
