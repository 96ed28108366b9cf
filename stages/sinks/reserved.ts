/** Columns whose names TRL reads: in what is written they have others. */
import { Field, Schema } from 'apache-arrow'

/** Names that TRL gives a meaning to: a column of that name changes what is trained. */
export const reservedNames = [
  'images',
  'image',
  'tools',
  'chat_template_kwargs',
  'messages',
  'completion',
  'completions',
  'label',
  'labels',
  'margin',
  'prompt_ids',
  'chosen_ids',
  'rejected_ids',
  'prompt_input_ids',
  'chosen_input_ids',
  'rejected_input_ids',
  'ref_chosen_logps',
  'ref_rejected_logps',
]

/** A schema whose columns of reserved names are called `meta_<name>`, and which those are. */
export function withoutReserved(
  schema: Schema,
  isReserved: (name: string) => boolean,
): { schema: Schema; renamed: Record<string, string> } {
  const taken = new Set(schema.fields.map(({ name }) => name)),
    renamed: Record<string, string> = {}
  const fields = schema.fields.map(field => {
    if (!isReserved(field.name)) return field
    let name = `meta_${field.name}`
    while (taken.has(name)) name = `meta_${name}`
    renamed[field.name] = name
    return new Field(name, field.type, field.nullable)
  })
  return { schema: new Schema(fields), renamed }
}
