/** What the columns of a file say, as messages. */
import type { Data, List } from 'apache-arrow'

/**
 * text: one message. json: text that is a JSON list of messages. transcript: `\n\nHuman: … \n\nAssistant: …`. messages:
 * list of structs. message: one struct. turns: list of texts, or text that is a JSON list of texts.
 */
export type Form = 'text' | 'json' | 'transcript' | 'messages' | 'message' | 'turns'

/**
 * What a column says, one row each: `data` of messagesType. `bad[row]` is 1 where the row cannot be read (it is an
 * empty list then), and `faults` say of some of them why. `extras[m]` is the JSON of what message m has beside role and
 * content, null where nothing; left out when no message can have any.
 */
export interface Turns {
  readonly data: Data<List>
  readonly bad?: Uint8Array
  readonly faults?: ReadonlyMap<number, string>
  readonly extras?: readonly (string | null)[]
}
