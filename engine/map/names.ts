/** Names of columns: how two of them differ, and what they may be names of. */

/** Names of what scores an answer. */
export const SCORE = /score|rating|rank|reward|quality|vote|likes|helpful|correct|safe|grade|overall|label/i

/** Names of numbers that rate nothing. */
export const NO_SCORE = /(?:^|_)(?:id|index|time|date|tokens?|count|len|length|turns?|num)(?:_|$)/i

/** Names of labels that say which answer is better. */
export const LABEL =
  /winner|label|prefer|choice|better|best|chosen|vote|annotat|compar|judg|verdict|gold|strength|margin|selected|target|pick|result|status|overall/i
/** What a label that prefers none holds. */
export const TIES = /\b(?:ties?|tied|both|bothbad|equal|same|draw|neither|none|no preference|a=b)\b/

/** Names of labels that say which answer is the worse one. */
export const WORSE = /reject|worse|worst|loser|dispref/i
/** Names of what answers. */
export const ANSWER =
  /respon|answer|complet|output|conversation|summar|repl|generat|candidate|assistant|human_?ref|solution|caption|translation|story|argument|text|message|model|choice|option|samples/i

/** Parts of names that tell two answers apart. */
export const MARKS = [
  ['a', 'b'], ['0', '1'], ['1', '2'], ['left', 'right'], ['first', 'second'], ['one', 'two'], ['x', 'y'], ['j', 'k'], ['一', '二'], ['甲', '乙'],
] as const // prettier-ignore
/** Parts of names that say which answer is better. */
export const ORDERED = [
  ['chosen', 'rejected'], ['better', 'worse'], ['preferred', 'dispreferred'], ['preferred', 'rejected'], ['preferred', 'nonpreferred'], ['matching', 'notmatching'], ['real', 'generated'], ['accepted', 'rejected'],
  ['winner', 'loser'], ['win', 'lose'], ['good', 'bad'], ['positive', 'negative'], ['pos', 'neg'], ['best', 'worst'],
] as const // prettier-ignore

/** Names of a right answer and a wrong one, or of a better and a worse one by custom. */
export const CUSTOM = [
  [
    /(?:^|_)(?:right|correct|best|true|gold|truthful|factual|passing)(?:_|$)/i,
    /(?:^|_)(?:wrong|incorrect|failing|hallucinated|false|untruthful|nonfactual)(?:_|$)/i,
  ],
  [/(?:^|_)y?w$/i, /(?:^|_)y?l$/i],
  [
    /(?:^|_)(?:edited|revised|improved|corrected|refined|rewritten)(?:_|$)/i,
    /(?:^|_)(?:original|initial|draft|unedited|raw)(?:_|$)/i,
  ],
  [
    /(?:^|_)human_(?:answer|respon|repl|text|written)/i,
    /(?:^|_)(?:chatgpt|gpt|llm|model|machine|ai|generated)_(?:answer|respon|repl|text|written)/i,
  ],
] as const

export const partsOf = (name: string): string[] =>
  name
    .split(
      /[_\-\s.]+|(?<=[a-z])(?=[A-Z\d])|(?<=\d)(?=[a-zA-Z])|(?<=[\u3040-\u9fff])(?=[一二甲乙]?$|[\da-zA-Z])|(?<=[\da-zA-Z])(?=[\u3040-\u9fff])/,
    )
    .filter(Boolean)
    .map(part => part.toLowerCase())
    .flatMap((part, i, all) =>
      part === 'non' || part === 'not' ? [] : [/^no[nt]$/.test(all[i - 1] ?? '') ? all[i - 1] + part : part],
    )

/** Of two names the parts in which alone they differ, and what they share. */
export function differenceOf(a: string, b: string): { marks: [string, string]; stem: string } | undefined {
  const [x, y] = [partsOf(a), partsOf(b)]
  if (x.length !== y.length) return undefined
  const at = x.flatMap((part, i) => (part === y[i] ? [] : [i]))
  return at.length === 1 ? { marks: [x[at[0]], y[at[0]]], stem: x.filter((_, i) => i !== at[0]).join('_') } : undefined
}

export const isOneOf = (pairs: readonly (readonly [string, string])[], [a, b]: readonly [string, string]): boolean =>
  pairs.some(([x, y]) => x === a && y === b)
