/**
 * Constraints that a prompt states in so many words, each with a checker that counts the same way on both sides. Read
 * in English; a language to answer in also in Chinese.
 */
import { languageAsked, nameOf, sentencesBut } from './languages.ts'

/** `said` is how a proof names it; `measure` what is counted of an answer; `holds` whether that is as asked. */
export interface Constraint {
  readonly kind:
    | 'most_words'
    | 'least_words'
    | 'keyword'
    | 'no_keyword'
    | 'lower_case'
    | 'upper_case'
    | 'no_commas'
    | 'json'
    | 'starts_with'
    | 'ends_with'
    | 'language'
  readonly said: string
  /** the number, word, phrase or language that it is about */
  readonly about: string
  measure(answer: string): number
  holds(measure: number): boolean
}

const WORDS = /[\p{L}\p{N}]+(?:['’-][\p{L}\p{N}]+)*/gu
export const wordCount = (text: string): number => text.match(WORDS)?.length ?? 0

const QUOTED = '["“\'‘`*]+([^"”\'’`*\\n]{2,60})["”\'’`*]+'

/** How often a word or phrase stands in a text by itself, whatever its capitals. */
export function countPhrase(text: string, phrase: string): number {
  const escaped = phrase.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return text.match(new RegExp(`(?<![\\p{L}\\p{N}])${escaped}(?![\\p{L}\\p{N}])`, 'giu'))?.length ?? 0
}

const isJson = (text: string): boolean => {
  try {
    return typeof JSON.parse(text) === 'object'
  } catch {
    return false
  }
}
const yes = (measure: number) => measure > 0

type Make = (about: string) => Constraint
const limitWords =
  (kind: 'most_words' | 'least_words', word: string, by: number): Make =>
  about => {
    const limit = Number(about) + by
    return {
      kind,
      about: String(limit),
      said: `${word} ${limit} words`,
      measure: wordCount,
      holds: measure => (kind === 'most_words' ? measure <= limit : measure >= limit),
    }
  }
const phrase =
  (kind: Constraint['kind'], said: string, measure: (answer: string, about: string) => number, holds = yes): Make =>
  about => ({ kind, about, said: said.replace('%', about), measure: answer => measure(answer, about), holds })

const RULES: readonly (readonly [RegExp, Make])[] = [
  [
    /\b(?:at most|no more than|not more than|a maximum of|up to|within) (\d{1,4}) words\b/giu,
    limitWords('most_words', 'at most', 0),
  ],
  [/\b(\d{1,4}) words or (?:less|fewer)\b/giu, limitWords('most_words', 'at most', 0)],
  [/\b(?:fewer|less) than (\d{1,4}) words\b|\bunder (\d{1,4}) words\b/giu, limitWords('most_words', 'at most', -1)],
  [
    /\b(?:at least|no less than|no fewer than|not less than|a minimum of) (\d{1,4}) words\b/giu,
    limitWords('least_words', 'at least', 0),
  ],
  [/\b(\d{1,4}) words or more\b/giu, limitWords('least_words', 'at least', 0)],
  [/\bmore than (\d{1,4}) words\b/giu, limitWords('least_words', 'at least', 1)],
  [
    new RegExp(`\\b(?:include|contain|use|mention) the (?:keyword|word|phrase)s?:? ${QUOTED}`, 'giu'),
    phrase('keyword', 'with "%"', countPhrase),
  ],
  [
    new RegExp(
      `\\b(?:do not|don['’]t|never|not|without|avoid|refrain from) (?:include|contain|use|mention|including|containing|using|mentioning)? ?the (?:keyword|word|phrase)s?:? ${QUOTED}`,
      'giu',
    ),
    phrase('no_keyword', 'without "%"', countPhrase, measure => measure === 0),
  ],
  [
    /\b(?:entirely in|all|only|in all|in) lower ?-?case\b(?: letters)?()/giu,
    phrase(
      'lower_case',
      'no capital letters',
      answer => answer.match(/\p{Lu}/gu)?.length ?? 0,
      measure => measure === 0,
    ),
  ],
  [
    /\b(?:entirely in|all|only|in all|in) (?:capital letters|upper ?-?case|caps)\b()/giu,
    phrase(
      'upper_case',
      'no lower-case letters',
      answer => answer.match(/\p{Ll}/gu)?.length ?? 0,
      measure => measure === 0,
    ),
  ],
  [
    /\b(?:without|no|not use|not using|refrain from using|avoid using|avoid) (?:any )?commas\b()/giu,
    phrase(
      'no_commas',
      'no commas',
      answer => answer.split(',').length - 1,
      measure => measure === 0,
    ),
  ],
  [
    /\b(?:[Ii]n|[Aa]s|[Vv]alid|[Oo]nly) (?:valid )?JSON(?: format| object)?\b()/gu,
    phrase('json', 'valid JSON', answer => (isJson(answer) ? 1 : 0)),
  ],
  [
    new RegExp(
      `\\b(?:start|begin) (?:your (?:answer|response|reply) |it )?with (?:the (?:word|words|phrase|sentence)s? )?${QUOTED}`,
      'giu',
    ),
    phrase('starts_with', 'begins with "%"', (answer, about) =>
      answer.trimStart().toLowerCase().startsWith(about.toLowerCase()) ? 1 : 0,
    ),
  ],
  [
    new RegExp(
      `\\b(?:end|finish) (?:your (?:answer|response|reply) |it )?with (?:the (?:exact )?(?:word|words|phrase|sentence)s? )?${QUOTED}`,
      'giu',
    ),
    phrase('ends_with', 'ends with "%"', (answer, about) =>
      answer.trimEnd().toLowerCase().endsWith(about.toLowerCase()) ? 1 : 0,
    ),
  ],
]

/**
 * The constraints of a prompt, in the order of the table; of one kind and matter only one. A keyword that is forbidden
 * is not also asked for.
 */
export function constraintsOf(prompt: string): Constraint[] {
  const found = new Map<string, Constraint>()
  for (const [pattern, make] of RULES) {
    for (const match of prompt.matchAll(pattern)) {
      const one = make(match.slice(1).find(group => group !== undefined) ?? '')
      found.set(one.said, one)
    }
  }
  const code = languageAsked(prompt)
  if (code) {
    found.set(code, {
      kind: 'language',
      about: code,
      said: `no sentence but in ${nameOf(code)}`,
      measure: answer => sentencesBut(code, answer),
      holds: measure => measure === 0,
    })
  }
  return [...found.values()].filter(({ kind, about }) => kind !== 'keyword' || !found.has(`without "${about}"`))
}
