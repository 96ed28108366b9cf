/** Names of the columns that belong to a prompt in every layout. */
import type { Parts } from './mapping.ts'

/** The names of the columns that parts are read from, the first that is there. */
export const PARTS = {
  system: ['system', 'system_prompt', 'system_message', 'system_instruction'],
  // of lists: turns before the prompt
  history: ['history', 'context'],
  context: ['context'],
  // of steps of a solution: those before the one that is answered
  input: ['input', 'initial_reason_steps'],
} as const satisfies Record<keyof Parts, readonly string[]>

/** All of them. */
export const PART_NAMES: readonly string[] = Object.values(PARTS).flat()

export const isSystem = (name: string): boolean => (PARTS.system as readonly string[]).includes(name)
