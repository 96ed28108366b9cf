/** Telling languages apart, and the error of answering in another one. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { constraintsOf } from '../../stages/synthesis/constraints.ts'
import { edits, type Edit } from '../../stages/synthesis/edits.ts'
import {
  foreignSentences,
  isForeign,
  languageAsked,
  loadLanguages,
  sentencesBut,
  sentencesOf,
} from '../../stages/synthesis/languages.ts'

beforeAll(loadLanguages)

test.each<[string, string | undefined]>([
  ['Answer in French.', 'fr'],
  ['Write a letter to my landlord in German that names the broken lamp.', 'de'],
  ['Your ENTIRE response should be in Hindi language, no other language is allowed.', 'hi'],
  ['Name three rivers. The reply must be written entirely in Simplified Chinese', 'zh'],
  ['Reply only in Korean: who was it?', 'ko'],
  ['Tell a story in the Marathi language, and no other language is allowed', 'mr'],
  ['Say this using Spanish.', 'es'],
  ['请用英文回答：什么是潮汐？', 'en'],
  ['你能用日语介绍一下大阪吗？', 'ja'],
  ['Answer in French. Write it all in French, please.', 'fr'],
  // no request, or not a clear one
  ['Which words in the German language have two meanings?', undefined],
  ['Write a sentence not in English.', undefined],
  ['Do not answer in English.', undefined],
  ['请不要用英文回答', undefined],
  ['List ten animals in Spanish with their English names.', undefined],
  ['Answer in French and then in German.', undefined],
  ['Answer in French. Answer in German.', undefined],
  ['Write an essay about kings in French history.', undefined],
  ['Translate this to Dutch: Good morning.', undefined],
  ['Describe the sea.', undefined],
  ['', undefined],
])('a language that is asked for: %s', (prompt, code) => {
  expect(languageAsked(prompt)).toBe(code)
})

const TEXTS: Readonly<Record<string, string>> = {
  en: 'The tide rises twice a day because of the moon. Fishermen know its hours by heart and sail with it.',
  fr: 'La marée monte deux fois par jour à cause de la lune. Les pêcheurs connaissent ses heures et partent avec elle.',
  de: 'Die Flut steigt zweimal am Tag, weil der Mond sie zieht. Die Fischer kennen ihre Stunden und fahren mit ihr hinaus.',
  es: 'La marea sube dos veces al día por culpa de la luna. Los pescadores conocen sus horas y salen con ella.',
  pl: 'Przypływ przychodzi dwa razy dziennie z powodu księżyca. Rybacy znają jego godziny i wypływają razem z nim.',
  ru: 'Прилив приходит дважды в день из-за луны. Рыбаки знают его часы и выходят в море вместе с ним.',
  el: 'Η παλίρροια ανεβαίνει δύο φορές την ημέρα εξαιτίας του φεγγαριού. Οι ψαράδες ξέρουν τις ώρες της.',
  he: 'הגאות עולה פעמיים ביום בגלל הירח. הדייגים מכירים את שעותיה ויוצאים איתה לים הפתוח.',
  ar: 'يرتفع المد مرتين في اليوم بسبب القمر. يعرف الصيادون ساعاته ويبحرون معه كل صباح.',
  hi: 'चाँद के कारण ज्वार दिन में दो बार उठता है। मछुआरे उसके समय को जानते हैं और उसके साथ निकलते हैं।',
  th: 'น้ำขึ้นวันละสองครั้งเพราะดวงจันทร์ และชาวประมงรู้เวลาของมันเป็นอย่างดี',
  ta: 'நிலவின் காரணமாக கடல் அலை ஒரு நாளில் இரண்டு முறை உயர்கிறது. மீனவர்கள் அதன் நேரத்தை அறிவார்கள்.',
  zh: '因为月亮的缘故，潮水每天涨两次。渔民们记得它的时辰，随潮出海。',
  ja: '月のせいで潮は一日に二度満ちます。漁師たちはその時刻をよく知っていて、潮とともに海へ出ます。',
  ko: '달 때문에 밀물은 하루에 두 번 들어옵니다. 어부들은 그 시간을 잘 알고 함께 바다로 나갑니다.',
}

describe('the checker', () => {
  test.each(Object.keys(TEXTS))('a text in %s is in that language and in no other', code => {
    for (const other of Object.keys(TEXTS)) {
      expect([other, sentencesBut(other, TEXTS[code]) === 0]).toEqual([other, other === code])
    }
  })

  test('names, code, links and short pieces are no sentence in another language', () => {
    expect(
      sentencesBut(
        'ru',
        `${TEXTS.ru} GPU и Python.\n\n\`\`\`py\nprint("the tide rises twice a day in the harbour")\n\`\`\`\nhttps://example.org/the-tide-rises-twice-a-day\nNew York`,
      ),
    ).toBe(0)
    expect(sentencesBut('ru', `${TEXTS.ru} ${TEXTS.en}`)).toBe(2)
  })

  test('messages of a compiler in twelve languages: in no more than 2 of 1,000 is a sentence taken for one in another language', () => {
    let sentences = 0,
      wrong = 0
    for (const [folder, code] of Object.entries({
      cs: 'cs',
      de: 'de',
      es: 'es',
      fr: 'fr',
      it: 'it',
      ja: 'ja',
      ko: 'ko',
      pl: 'pl',
      'pt-br': 'pt',
      ru: 'ru',
      tr: 'tr',
      'zh-cn': 'zh',
    })) {
      const path = new URL(
        `../../node_modules/typescript/lib/${folder}/diagnosticMessages.generated.json`,
        import.meta.url,
      )
      // what is quoted in them is code
      for (const message of Object.values(JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>)) {
        const texts = sentencesOf(message.replace(/['"‘’“”«»„][^'"‘’“”«»„]*['"‘’“”«»„]|\{\d\}/g, ' '))
        sentences += texts.length
        wrong += texts.filter(({ text }) => isForeign(text, code)).length
      }
    }
    expect(sentences).toBeGreaterThan(10_000)
    expect(wrong / sentences).toBeLessThan(0.002)
  })
})

describe('the edit', () => {
  const SOURCES: Readonly<Record<string, string>> = {
    en: 'Explain to a child how the tide comes and goes, and why the moon has to do with it.',
    zh: '请向孩子解释潮水为什么会来了又去，以及月亮和它有什么关系。',
  }
  const asked = (code: string) =>
    `${SOURCES[code === 'en' ? 'zh' : 'en']} ${code === 'en' ? '请用英文回答。' : `Answer only in ${new Intl.DisplayNames('en', { type: 'language' }).of(code)!}.`}`
  const all = (prompt: string, text: string) => {
    const made = new Map<string, Edit>(),
      refused = new Set<string>()
    for (let seed = 0; seed < 30; seed++) {
      const edit = edits(text, seed, { types: ['constraint_broken'], prompt })
      if ('refused' in edit) refused.add(edit.refused)
      else made.set(edit.text, edit)
    }
    return { made: [...made.values()], refused }
  }

  test.each(Object.keys(TEXTS).filter(code => code !== 'th'))(
    'an answer in %s: one sentence of it becomes one of the prompt, and the checkers of two languages say so',
    code => {
      const prompt = asked(code),
        { made } = all(prompt, TEXTS[code]),
        folder = mkdtempSync(join(tmpdir(), 'sluice-languages-'))
      expect(constraintsOf(prompt)).toMatchObject([{ kind: 'language', about: code }])
      expect(made.length).toBeGreaterThan(0)
      for (const edit of made) {
        expect(edit.text).toContain(SOURCES[code === 'en' ? 'zh' : 'en'])
        expect(edit.proof).toMatch(/^asked: no sentence but in \w+; 0 in the chosen side, 1 in the rejected side$/)
        expect([...edit.text].slice(edit.start, edit.end).join('')).toBe(SOURCES[code === 'en' ? 'zh' : 'en'])
      }
      writeFileSync(
        join(folder, 'pairs.jsonl'),
        made
          .map(({ text, type, start, end, proof, answer_changed }) =>
            JSON.stringify({
              prompt,
              chosen: TEXTS[code],
              rejected: text,
              hard_type: type,
              hard_start: start,
              hard_end: end,
              hard_proof: proof,
              hard_answer_changed: answer_changed,
            }),
          )
          .join('\n'),
      )
      const checked = execFileSync(
        'python3',
        [new URL('../../scripts/check_proofs.py', import.meta.url).pathname, join(folder, 'pairs.jsonl')],
        { encoding: 'utf8' },
      )
      rmSync(folder, { recursive: true })
      expect(JSON.parse(checked)).toMatchObject({ rows: made.length, constraints: made.length, failed: 0 })
    },
  )

  test.each<[string, string, string]>([
    ['the answer is in another language already', asked('fr'), TEXTS.de],
    ['a sentence of the answer is', asked('fr'), `${TEXTS.fr} ${TEXTS.en}`],
    ['the prompt has nothing but the request', 'Write about the tide in French.', TEXTS.fr],
    ['the rest of the prompt is in the same language', `${SOURCES.en} Answer in English.`, TEXTS.en],
    ['the answer is one sentence', asked('fr'), TEXTS.fr.split('. ')[0]],
    ['the answer is empty', asked('fr'), ''],
  ])('none where %s', (_, prompt, text) => {
    expect(all(prompt, text)).toEqual({ made: [], refused: new Set(['no_edit']) })
  })

  test('what the prompt says of languages is not put in', () => {
    expect(
      foreignSentences(
        'My French teacher wants to hear about it. The tide comes and goes, and so does the moon. Answer in French.',
        'fr',
      ),
    ).toEqual(['The tide comes and goes, and so does the moon.'])
  })
})
