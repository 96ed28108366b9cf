/**
 * Which language a prompt asks for, and what of an answer is not in it: by script, and where two share one by a
 * detector, with a margin.
 */
import type { eld } from 'eld/extrasmall'

/** Languages that the detector knows: what English and Chinese call them, and their script where it is not Latin. */
const LANGUAGES: Readonly<Record<string, readonly [names: string, chinese: string, script?: string]>> = {
  ar: ['Arabic', '阿拉伯', 'Arabic'],
  bg: ['Bulgarian', '保加利亚', 'Cyrillic'],
  bn: ['Bengali|Bangla', '孟加拉', 'Bengali'],
  cs: ['Czech', '捷克'],
  da: ['Danish', '丹麦'],
  de: ['German', '德'],
  el: ['Greek', '希腊', 'Greek'],
  en: ['English', '英'],
  es: ['Spanish', '西班牙'],
  fa: ['Persian|Farsi', '波斯', 'Arabic'],
  fi: ['Finnish', '芬兰'],
  fr: ['French', '法'],
  gu: ['Gujarati', '古吉拉特', 'Gujarati'],
  he: ['Hebrew', '希伯来', 'Hebrew'],
  hi: ['Hindi', '印地', 'Devanagari'],
  hu: ['Hungarian', '匈牙利'],
  it: ['Italian', '意大利'],
  ja: ['Japanese', '日', 'Han}\\p{sc=Hiragana}\\p{sc=Katakana'],
  kn: ['Kannada', '卡纳达', 'Kannada'],
  ko: ['Korean', '韩', 'Hangul}\\p{sc=Han'],
  ml: ['Malayalam', '马拉雅拉姆', 'Malayalam'],
  mr: ['Marathi', '马拉地', 'Devanagari'],
  nl: ['Dutch', '荷兰'],
  no: ['Norwegian', '挪威'],
  pa: ['Punjabi', '旁遮普', 'Gurmukhi'],
  pl: ['Polish', '波兰'],
  pt: ['Portuguese', '葡萄牙'],
  ro: ['Romanian', '罗马尼亚'],
  ru: ['Russian', '俄', 'Cyrillic'],
  sv: ['Swedish', '瑞典'],
  ta: ['Tamil', '泰米尔', 'Tamil'],
  te: ['Telugu', '泰卢固', 'Telugu'],
  th: ['Thai', '泰', 'Thai'],
  tr: ['Turkish', '土耳其'],
  uk: ['Ukrainian', '乌克兰', 'Cyrillic'],
  ur: ['Urdu', '乌尔都', 'Arabic'],
  vi: ['Vietnamese', '越南'],
  zh: ['Chinese|Mandarin', '中|汉', 'Han'],
}
const codes = Object.keys(LANGUAGES)
export const nameOf = (code: string): string => LANGUAGES[code][0].split('|')[0]

const ENGLISH = codes.map(code => LANGUAGES[code][0]).join('|'),
  CHINESE = codes.map(code => LANGUAGES[code][1]).join('|')
const NAME = `(?:the )?(?:simplified |traditional |plain |simple |standard )?(?<name>${ENGLISH})`
const END =
  '(?= language| only|[ \\t]*(?:[.,;:!?)\\]"”\\n]|$)| (?:that|which|with|without|about|for|using|including|containing|ensuring|introducing|explaining|describing)\\b)'
const ASKED = [
  `\\b(?:answer|respond|reply|write|compose|speak|say|explain|describe|summari[sz]e|generate|produce|give|tell|talk|continue)\\b[^.!?\\n]{0,80}? (?:in|using) (?:only )?${NAME}${END}`,
  `\\b(?:should|must|has to|have to|needs? to|shall) (?:(?:only|all|be|written|given|entirely|completely|exclusively) ){1,4}in ${NAME}${END}`,
  `\\b(?:only|entirely|exclusively|solely|completely) in ${NAME}${END}`,
  `\\bin ${NAME}(?: language)?,? (?:and )?(?:with )?(?:no|without any|without) other language`,
  `用(?:简体|繁体)?(?<name>${CHINESE})[语文][^。！？\\n]{0,6}?(?:回答|回复|答复|作答|写|介绍|描述|说明|解释|表达|总结|输出|生成)`,
].map(pattern => new RegExp(pattern, 'giu'))
const ANY_NAME = new RegExp(`\\b(?:${ENGLISH})\\b|(?:${CHINESE})[语文]`, 'giu')
const NEGATED = /(?:\bnot|n['’]t|\bnever|\bwithout|不要|别|勿)(?![\p{L}])[^.!?。！？\n]{0,12}$/iu

const codeOf = (name: string): string =>
  codes.find(code =>
    `${LANGUAGES[code][0]}|${LANGUAGES[code][1]}`.toLowerCase().split('|').includes(name.toLowerCase()),
  )!

/**
 * The language that a prompt asks an answer to be in. None where the request names more than one: of a translation or a
 * comparison, other sentences may be in the other.
 */
export function languageAsked(prompt: string): string | undefined {
  const asked = new Set<string>()
  for (const pattern of ASKED) {
    for (const { 0: said, index, groups } of prompt.matchAll(pattern)) {
      const code = codeOf(groups!.name)
      const around = said + prompt.slice(index + said.length).split(/[.!?。！？\n]/u, 1)[0]
      if (NEGATED.test(prompt.slice(0, index)) || /\bnot\b|n['’]t\b/iu.test(said)) return undefined
      if ([...around.matchAll(ANY_NAME)].some(([name]) => codeOf(name.replace(/[语文]$/u, '')) !== code)) {
        return undefined
      }
      asked.add(code)
    }
  }
  return asked.size === 1 ? [...asked][0] : undefined
}

let detector: typeof eld | undefined

/** Loads the detector (85 MB of tables), which everything below needs. */
export async function loadLanguages(): Promise<void> {
  detector ??= (await import('eld/extrasmall')).eld
}

export interface Sentence {
  readonly start: number
  readonly end: number
  readonly text: string
}

const SENTENCE = /[^.!?。！？।؟\n]+(?:[.!?。！？।؟]+["”’»」』)\]]*|(?=\n|$))/gu
const CODE_OR_LINK = /```[\s\S]*?(?:```|$)|`[^`\n]*`|\bhttps?:\/\/\S+/gu
/** what stands before a sentence without being part of it */
const LEAD = /^[\s\d#*>•·–—.)-]+/u
const DENSE = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}]/gu
/** letters and marks below which nothing is said of a sentence; of scripts that need fewer, each counts for three */
const LEAST = 24
/**
 * what another language must score for the one asked for to be out of the question: the sentence is not in it, although
 * related languages share much
 */
const MARGIN = 0.8
/** the share of a text's letters that its language's script must have: names and terms stay in theirs */
const OWN = 0.6

const lettersOf = (text: string): number =>
  (text.match(/[\p{L}\p{M}]/gu)?.length ?? 0) + 2 * (text.match(DENSE)?.length ?? 0)
const scripts = new Map(codes.map(code => [code, new RegExp(`[\\p{sc=${LANGUAGES[code][2] ?? 'Latin'}}]`, 'gu')]))

/** The sentences of a text that are long enough to say something of their language, outside code and links. */
export function sentencesOf(text: string): Sentence[] {
  const closed = [...text.matchAll(CODE_OR_LINK)]
  return [...text.matchAll(SENTENCE)]
    .map(match => {
      const start = match.index + (LEAD.exec(match[0])?.[0].length ?? 0),
        own = text.slice(start, match.index + match[0].length).trimEnd()
      return { start, end: start + own.length, text: own }
    })
    .filter(
      one =>
        lettersOf(one.text) >= LEAST &&
        !closed.some(other => one.start < other.index + other[0].length && other.index < one.end),
    )
}

/**
 * Whether a sentence is certainly in another language: no letter of it is of this one's script, or the detector would
 * have to be very wrong.
 */
export function isForeign(sentence: string, code: string): boolean {
  if (!sentence.match(scripts.get(code)!)) return true
  const found = detector!.detect(sentence),
    scores = found.getScores()
  return found.language !== code && found.isReliable() && (scores[code] ?? 0) < MARGIN * scores[found.language]
}

/**
 * How many sentences of an answer are certainly in another language; at least one where the whole is not clearly in
 * this one.
 */
export function sentencesBut(code: string, answer: string): number {
  if (!detector) throw new Error('the detector of languages is not loaded')
  const foreign = sentencesOf(answer).filter(({ text }) => isForeign(text, code)).length
  if (foreign) return foreign
  const prose = answer.replace(CODE_OR_LINK, ' '),
    own = prose.match(scripts.get(code)!)?.length ?? 0,
    found = detector.detect(prose)
  return found.language === code && found.isReliable() && own >= OWN * (prose.match(/\p{L}/gu)?.length ?? 0) ? 0 : 1
}

/**
 * Sentences of a prompt that are certainly in another language, without those that speak of languages: what an answer
 * that forgets its language could say.
 */
export const foreignSentences = (prompt: string, code: string): string[] =>
  sentencesOf(prompt)
    .map(({ text }) => text)
    .filter(text => text.search(ANY_NAME) < 0 && isForeign(text, code))
