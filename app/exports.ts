/** Decisions as Label Studio and Argilla export them. */

type Entry = Readonly<Record<string, unknown>>
const isEntry = (value: unknown): value is Entry => typeof value === 'object' && value !== null && !Array.isArray(value)
const entryOf = (value: unknown): Entry => (isEntry(value) ? value : {})
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

const isNone = (value: unknown): boolean => value === undefined || value === null

/** Who it was: a number of theirs, a text, or an object with an email. */
const nameOf = (who: unknown): unknown => (isEntry(who) ? (who.email ?? who.id) : who)

/** A choice, of a list of choices the only one; several are left for whoever reads it to refuse. */
const choiceOf = (value: unknown): unknown => (Array.isArray(value) && value.length < 2 ? value[0] : value)

/** A task of Label Studio's JSON export: a decision for each annotation that was not skipped. */
function ofTask(task: Entry): Entry[] {
  const { id, sluice_id, content_hash } = entryOf(task.data)
  return listOf(task.annotations)
    .map(entryOf)
    .filter(({ was_cancelled: isSkipped }) => isSkipped !== true)
    .map(({ result, completed_by: by, updated_at, created_at }) => {
      const values = listOf(result).map(one => entryOf(entryOf(one).value)),
        choices = values.flatMap(({ choices }) => (choices === undefined ? [] : [choiceOf(choices)])),
        note = values.flatMap(({ text }) => (text === undefined ? [] : [choiceOf(text)]))
      return {
        id,
        sluice_id,
        content_hash,
        decision: choiceOf(choices) ?? null,
        by: nameOf(by),
        at: updated_at ?? created_at,
        note: choiceOf(note),
      }
    })
}

interface Response {
  readonly value?: unknown
  readonly user_id?: unknown
  readonly status?: unknown
}

const RESPONSES = /^(.*)\.responses$/
/** What was answered in a record of Argilla, by question: as `to_json` gives it, or as columns of a data set. */
function questionsOf(record: Entry): [string, readonly Response[]][] {
  if (isEntry(record.responses)) {
    return Object.entries(record.responses).map(([question, some]) => [question, listOf(some).map(entryOf)])
  }
  return Object.entries(record).flatMap(([column, values]) => {
    const question = RESPONSES.exec(column)?.[1]
    if (question === undefined) return []
    const users = listOf(record[`${column}.users`]),
      status = listOf(record[`${column}.status`])
    return [[question, listOf(values).map((value, i) => ({ value, user_id: users[i], status: status[i] }))]]
  })
}

/** A decision for each response that was submitted to the question `decision`, or to the only one there is. */
function ofRecord(record: Entry): Entry[] {
  const questions = questionsOf(record),
    asked =
      questions.find(([question]) => question === 'decision') ?? (questions.length === 1 ? questions[0] : undefined)
  const { id, updated_at: at } = record,
    known = (name: string) =>
      entryOf(record.metadata)[name] ?? record[`metadata.${name}`] ?? entryOf(record.fields)[name] ?? record[name],
    own = known('sluice_id'),
    // as write_argilla has it
    sluice_id = typeof own === 'string' ? own.replace(/%(25|3c|24)/g, code => decodeURIComponent(code)) : own
  return (
    (asked?.[1] ?? [])
      // `to_json` leaves the status of answers out, and so whether they were discarded; records have one
      .filter(({ status }) =>
        isNone(status) ? isNone(record.status) || record.status === 'completed' : status === 'submitted',
      )
      .map(({ value, user_id: by }) => ({
        id,
        sluice_id,
        content_hash: known('content_hash'),
        decision: choiceOf(value) ?? null,
        by,
        at,
      }))
  )
}

/** The decisions of one entry of an export, none where nobody has answered; undefined where it is no export. */
export function exportedDecisions(entry: unknown): Entry[] | undefined {
  // what has a decision itself is none, whatever lies beside it
  if (!isEntry(entry) || Object.hasOwn(entry, 'decision')) return undefined
  if (isEntry(entry.data) && Array.isArray(entry.annotations)) return ofTask(entry)
  const isRecord = isEntry(entry.responses) || Object.keys(entry).some(key => RESPONSES.test(key))
  return isRecord ? ofRecord(entry) : undefined
}
