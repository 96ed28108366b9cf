/**
 * Runs JavaScript of answers where it can do nothing: QuickJS in WebAssembly, without a file or a network, with limits
 * that do not depend on the machine.
 */
import {
  newQuickJSWASMModuleFromVariant,
  type QuickJSSyncVariant,
  type QuickJSWASMModule,
} from 'quickjs-emscripten-core'
import { codesOf } from './code.ts'
import type { Edit } from './edits.ts'
import type { Declined } from './prove.ts'
import { Solution } from './solution.ts'
import * as release from '@jitl/quickjs-wasmfile-release-sync'

const MEMORY_BYTES = 16 << 20,
  STACK_BYTES = 128 << 10
/**
 * how often QuickJS may ask whether to go on, which it does every some ten thousand steps: under a second, and equally
 * far on every machine
 */
const MOST_TURNS = 500

let engine: Promise<QuickJSWASMModule> | undefined

/** no chance and no clock: the same script always does the same */
const PRELUDE = `Math.random = () => 0.5;
globalThis.Date = new Proxy(Date, {
  construct: (of, given, made) => Reflect.construct(of, given.length ? given : [0], made),
  apply: of => new of(0).toString(),
  get: (of, name) => (name === 'now' ? () => 0 : Reflect.get(of, name)),
});
Object.defineProperty(Date.prototype, 'constructor', { value: Date });
`.replaceAll('\n', ' ')

/** A date whose local time is UTC. */
class UtcDate extends Date {
  constructor(...given: [] | [number] | [number, number, number]) {
    super(...((given.length === 3 ? [Date.UTC(...given)] : given) as [number]))
  }
  override getTimezoneOffset = () => 0
  override getFullYear = () => this.getUTCFullYear()
  override getMonth = () => this.getUTCMonth()
  override getDate = () => this.getUTCDate()
  override getDay = () => this.getUTCDay()
  override getHours = () => this.getUTCHours()
  override getMinutes = () => this.getUTCMinutes()
  override getSeconds = () => this.getUTCSeconds()
}

/** Does what asks the host for local times, as QuickJS does, in UTC: a script is not to know the machine's zone. */
function inUtc<T>(work: () => T): T {
  const local = globalThis.Date
  globalThis.Date = UtcDate as DateConstructor
  try {
    return work()
  } finally {
    globalThis.Date = local
  }
}

/** Runs a script by itself: undefined where it ends without throwing, else what it threw, or which limit it met. */
export async function runScript(script: string): Promise<string | undefined> {
  const runtime = (
    await (engine ??= newQuickJSWASMModuleFromVariant((release as unknown as { default: QuickJSSyncVariant }).default))
  ).newRuntime()
  let turns = 0
  runtime.setMemoryLimit(MEMORY_BYTES)
  runtime.setMaxStackSize(STACK_BYTES)
  runtime.setInterruptHandler(() => ++turns > MOST_TURNS)
  const context = runtime.newContext()
  try {
    const result = inUtc(() => context.evalCode(PRELUDE + script, 'answer.js'))
    const thrown = result.error ? (context.dump(result.error) as unknown) : undefined
    result.dispose()
    if (!result.error) return undefined
    return turns > MOST_TURNS
      ? 'it does not end'
      : typeof thrown === 'object' && thrown !== null && 'message' in thrown
        ? String(thrown.message)
        : String(thrown)
  } catch (error) {
    // the machine's own stack is full, or its memory
    engine = undefined
    return String((error as Error).message)
  } finally {
    // where memory ran out nothing can be tidied up: the next script gets an engine of its own
    try {
      context.dispose()
      runtime.dispose()
    } catch {
      engine = undefined
    }
  }
}

const TESTED = '; the tests of its row pass before and fail after'

/**
 * What tests say of edits of JavaScript: those whose original passes and which fail, their proofs saying so; edits of
 * other kinds as they are. `tests` throws where an answer is wrong. The reason where no edit is left.
 */
export async function tested(text: string, edits: readonly Edit[], tests: string): Promise<Edit[] | Declined> {
  const left: Edit[] = []
  let passes: boolean | undefined
  for (const edit of edits) {
    if (!edit.proof.startsWith('javascript: ')) {
      left.push(edit)
      continue
    }
    passes ??= (await runScript(`${scriptOf(text)}\n${tests}`)) === undefined
    if (passes && (await runScript(`${scriptOf(edit.text)}\n${tests}`)) !== undefined) {
      left.push({ ...edit, proof: edit.proof + TESTED })
    }
  }
  return left.length ? left : passes ? 'tests_pass' : 'tests_fail'
}

const scriptOf = (text: string): string =>
  codesOf(new Solution(text))
    .filter(({ language }) => language === 'javascript')
    .map(({ start, end }) => text.slice(start, end))
    .join('\n')
