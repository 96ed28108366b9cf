/** The columns that every pair has: no stage takes them away, or gives them other names. */
const PAIR: ReadonlySet<string> = new Set(['id', 'prompt', 'chosen', 'rejected'])

/** Why a column cannot be done without, or called otherwise; undefined where it can. */
export const wrongOfPair = (names: readonly string[]): string | undefined => {
  const name = names.find(name => PAIR.has(name))
  return name && `'${name}' is of the pair itself, which always has it under this name: name columns beside the pair`
}
export const isOfPair = (name: string): boolean => PAIR.has(name)
