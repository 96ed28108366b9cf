/**
 * Options of a run as a script gives them, where nothing checks types: what is misspelt or meant otherwise must not
 * pass for a run of all.
 */
import { EXIT, SluiceError } from '../errors.ts'
import { nearest } from '../graph/messages.ts'
import type { RunOptions } from './run.ts'

const isTexts = (value: unknown): boolean =>
  Array.isArray(value) && value.every(text => typeof text === 'string' && text !== '')
const someTexts = {
  is: (value: unknown) => isTexts(value) && (value as unknown[]).length > 0,
  what: 'a list of at least one text',
}
const texts = { is: isTexts, what: 'a list of texts' }
const text = { is: (value: unknown) => typeof value === 'string' && value !== '', what: 'a text' }
const work = { is: (value: unknown) => typeof value === 'function', what: 'a function' }
const whole = (least: number) => ({
  is: (value: unknown) => Number.isSafeInteger(value) && (value as number) >= least,
  what: `a whole number of at least ${least}`,
})

const kinds: Readonly<Record<keyof RunOptions, { is(value: unknown): boolean; readonly what: string }>> = {
  output: text,
  workers: whole(1),
  seed: whole(0),
  limit: whole(1),
  sample: whole(1),
  keepIds: texts,
  set: texts,
  input: someTexts,
  answers: text,
  anew: { is: value => typeof value === 'boolean', what: 'true or false' },
  onPlan: work,
  onWarning: work,
  onProgress: work,
  quietSecs: { is: value => typeof value === 'number' && value > 0, what: 'a number of seconds above 0' },
  signal: { is: value => value instanceof AbortSignal, what: 'an AbortSignal' },
  blockRows: whole(1),
  bucketBytes: whole(1),
}

/** Throws one error with the exit code 64 that names all that is wrong. An option that is undefined is not given. */
export function checkOptions(options: RunOptions): void {
  const problems = Object.entries(options).flatMap(([name, value]) => {
    if (!Object.hasOwn(kinds, name)) {
      const near = nearest(name, Object.keys(kinds))
      return [
        `no option '${name}'; ${near === undefined ? `there are ${Object.keys(kinds).join(', ')}` : `did you mean '${near}'?`}`,
      ]
    }
    const { is, what } = kinds[name as keyof RunOptions]
    return value === undefined || is(value)
      ? []
      : [`option '${name}' is ${JSON.stringify(value) ?? String(value)}, not ${what}`]
  })
  if (options.limit !== undefined && options.sample !== undefined) {
    problems.push('--sample and --limit both choose rows; give one of them')
  }
  if (problems.length > 0) throw new SluiceError(`run: ${problems.join('; ')}`, EXIT.usage)
}
