/** Transcripts as Anthropic publishes them: `\n\nHuman: … \n\nAssistant: …`. */
import type { Data } from 'apache-arrow'
import { encoder, messagesFromBuffers, textColumn } from '../arrow/columns.ts'
import { isBlank, trimStart } from '../arrow/text.ts'
import type { Turns } from './turns.ts'

const HUMAN = encoder.encode('Human:'),
  ASSISTANT = encoder.encode('Assistant:')
const ROLES = [encoder.encode('user'), encoder.encode('assistant')] as const

/** Length of the speaker's mark at `at` (`Human:` for who = 0, `Assistant:` for 1), 0 when it is not there. */
function markAt(bytes: Uint8Array, at: number, end: number, who: number): number {
  const mark = who === 0 ? HUMAN : ASSISTANT
  if (at + mark.length > end) return 0
  for (let k = 0; k < mark.length; k++) if (bytes[at + k] !== mark[k]) return 0
  return mark.length
}

/**
 * Transcripts as messages without white space at either end. A row is bad unless it begins with a Human turn, the
 * speakers take turns, and it ends with an Assistant turn: a second turn of one speaker is more often a quotation than
 * a turn.
 */
export function readTranscripts(data: Data): Turns {
  const { rows, bytes: text, offsets: lines, isNull } = textColumn(data)
  const bad = new Uint8Array(rows)
  const offsets = new Int32Array(rows + 1)
  const bytes = new Uint8Array(text.length)
  const ends: number[] = [0]
  let size = 0
  for (let row = 0; row < rows; row++) {
    const before = ends.length,
      sizeBefore = size
    const end = lines[row + 1]
    let at = lines[row],
      who = 0
    while (at < end && text[at] <= 32) at++
    let mark = isNull(row) ? 0 : markAt(text, at, end, 0)
    let open = mark > 0
    while (open) {
      const start = at + mark
      let stop = start
      let next = 0
      for (; stop < end; stop++) {
        if (text[stop] !== 10 || text[stop + 1] !== 10) continue
        next = markAt(text, stop + 2, end, 0) ? 1 : markAt(text, stop + 2, end, 1) ? 2 : 0
        if (next > 0) break
      }
      const from = trimStart(text, start, stop),
        to = trimEnd(text, from, stop)
      bytes.set(text.subarray(from, to), size)
      ends.push((size += to - from))
      if (next === 0) break
      at = stop + 2
      open = next - 1 !== who
      who = next - 1
      mark = who === 0 ? HUMAN.length : ASSISTANT.length
    }
    if (!open || who === 0) {
      bad[row] = 1
      ends.length = before
      size = sizeBefore
    }
    offsets[row + 1] = ends.length - 1
  }
  return {
    data: messagesFromBuffers(offsets, ...rolesInTurn(offsets), bytes.subarray(0, size), Int32Array.from(ends)),
    bad,
  }
}

function rolesInTurn(offsets: Int32Array): [Uint8Array, Int32Array] {
  const messages = offsets[offsets.length - 1]
  const roles = new Uint8Array(messages * ROLES[1].length)
  const roleOffsets = new Int32Array(messages + 1)
  let at = 0
  for (let row = 0; row + 1 < offsets.length; row++) {
    for (let m = offsets[row]; m < offsets[row + 1]; m++) {
      const role = ROLES[(m - offsets[row]) & 1]
      roles.set(role, at)
      roleOffsets[m + 1] = at += role.length
    }
  }
  return [roles.subarray(0, at), roleOffsets]
}

/** Where the text ends before its white space. */
export function trimEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = end
  while (at > start) {
    let first = at - 1
    while (first > start && (bytes[first] & 0xc0) === 0x80) first--
    if (!isBlank(bytes, first, at)) return at
    at = first
  }
  return start
}
