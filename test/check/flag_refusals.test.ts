/** Refusals: golden counts in three tables, planted ones by language, and what people labelled in XSTest. */
import { describe, expect, it } from 'vitest'
import { Batch } from '../../engine/arrow/flow.ts'
import { flowOf } from '../../engine/run/examples.ts'
import { REFUSALS, refuses } from '../../stages/check/refusals.ts'
import { opening, openingOf } from '../../stages/kit/opening.ts'
import { casesOf, isThere, pairsIn, rowsIn } from '../audit/golden.ts'

const doesRefuse = (text: string) => refuses(openingOf(text.slice(0, 600)))

/** By language: sides that refuse, and sides that do not. */
const planted: Readonly<Record<string, readonly [refusals: readonly string[], others: readonly string[]]>> = {
  en: [
    [
      'I’m sorry, but I can’t help with that.',
      'As an AI language model, I cannot provide this.',
      '**I am unable to assist.**',
      'Unfortunately, I won’t do that.',
    ],
    [
      'I can help with that.',
      'I’m sorry to hear that! Here is what to do.',
      'I cannot recommend this book enough? I can: read it.',
      'Sorry, here are the numbers: 1, 2.',
    ],
  ],
  zh: [
    [
      '很抱歉，我无法回答您的问题。',
      '作为AI助手，我不能提供这样的信息。',
      '对不起，但我不能为您做这件事。',
      '尊敬的用户，我不能回答您的问题。',
    ],
    ['抱歉，刚才的答案是七。', '我可以帮助您。', '不能在水里生火。', '作为老师，我建议多读书。'],
  ],
  de: [
    [
      'Es tut mir leid, aber dabei kann ich dir nicht helfen.',
      'Leider darf ich das nicht beantworten. Ich kann keine Auskunft geben.',
      'Ich kann Ihnen dabei nicht helfen.',
      'Ich werde diese Anfrage nicht beantworten.',
    ],
    [
      'Ich kann dir dabei helfen.',
      'Leider regnet es heute.',
      'Es tut mir leid, die Antwort ist sieben.',
      'Nicht alles geht.',
    ],
  ],
  fr: [
    [
      'Je suis désolé, mais je ne peux pas vous aider.',
      'Malheureusement, je ne suis pas en mesure de répondre.',
      'Désolée, je refuse.',
      'En tant qu’assistant, je ne peux pas faire cela.',
    ],
    [
      'Je peux vous aider.',
      'Désolé, la réponse est sept.',
      'Malheureusement, il pleut.',
      'Je ne sais quoi dire de mieux que oui.',
    ],
  ],
  es: [
    [
      'Lo siento, pero no puedo ayudarte con eso.',
      'Lamentablemente, no me es posible.',
      'Como modelo de lenguaje, no puedo hacerlo.',
      'No te puedo ayudar.',
    ],
    ['Puedo ayudarte.', 'Lo siento, la respuesta es siete.', 'No hay problema: son siete.', 'Lamentablemente llueve.'],
  ],
  it: [
    [
      'Mi dispiace, ma non posso aiutarti.',
      'Purtroppo non sono in grado di farlo.',
      'Come assistente, non posso rispondere.',
      'Non intendo farlo.',
    ],
    ['Posso aiutarti.', 'Mi dispiace, la risposta è sette.', 'Purtroppo piove.', 'Non c’è problema: sette.'],
  ],
  pt: [
    [
      'Desculpe, mas não posso ajudar.',
      'Infelizmente, não consigo fazer isso.',
      'Sinto muito, eu não posso responder.',
      'Lamento, mas não vou fazer isso.',
    ],
    ['Posso ajudar.', 'Desculpe, a resposta é sete.', 'Infelizmente chove.', 'Não há problema: sete.'],
  ],
  ru: [
    [
      'Извините, но я не могу вам помочь.',
      'К сожалению, я не имею права отвечать.',
      'Я не буду этого делать.',
      'Простите, не могу.',
    ],
    ['Я могу помочь.', 'Извините, ответ семь.', 'К сожалению, идёт дождь.', 'Не всё так просто: семь.'],
  ],
  ja: [
    [
      '申し訳ありませんが、そのご質問にはお答えできません。',
      '残念ながら、お手伝いすることはできません。',
      'すみません、それはできません。',
      '申し訳ございませんが、対応いたしかねます。',
    ],
    ['はい、できます。', 'すみません、答えは七です。', '残念ながら雨です。', 'お手伝いします。'],
  ],
  ko: [
    [
      '죄송하지만 도와드릴 수 없습니다.',
      '죄송합니다. 답변할 수 없습니다'.replace('. ', ', '),
      '유감스럽게도 불가능합니다.',
      '미안하지만 그건 할 수 없어요.',
    ],
    ['도와드리겠습니다.', '죄송하지만 답은 칠입니다.', '할 수 있습니다.', '유감스럽게도 비가 옵니다.'],
  ],
}

describe('planted refusals', () => {
  it('are of every language', () => {
    expect(Object.keys(planted)).toEqual(Object.keys(REFUSALS))
  })
  it.each(Object.entries(planted))('%s: precision 1, recall 1', (language, [refusals, others]) => {
    expect(refusals.filter(text => !REFUSALS[language].test(openingOf(text)))).toEqual([])
    expect(others.filter(doesRefuse)).toEqual([])
  })
  it('are read of the first message alone, and of a text that is cut within a character', () => {
    const side = new Batch(
      flowOf([
        { prompt: 'q', chosen: `${' '.repeat(5)}I can’t do that. ${'é'.repeat(400)}`, rejected: '' },
        { prompt: 'q', chosen: `${'é'.repeat(299)}x€ I can’t do that.`, rejected: '' },
      ]),
    ).messages('chosen')
    expect([0, 1].map(row => refuses(opening(side, row)))).toEqual([true, false])
  })
})

describe.runIf(isThere)('golden values', () => {
  it('theirs and refused: honesty_idk takes any apology for a refusal, and is none of "I don’t know"', () => {
    const cases = casesOf<[string, string, boolean]>('honesty_idk')
    expect(cases.map(([, , theirs]) => theirs)).toEqual([true, true, false])
    // a delay is no refusal; who is not aware of X, or does not know, refuses nothing
    expect(cases.map(([, answer]) => doesRefuse(answer))).toEqual([false, false, false])
  })
})

const shares = ({ tp, fp, fn }: { tp: number; fp: number; fn: number }) =>
  `${(tp / (tp + fp)).toFixed(2)} ${(tp / (tp + fn)).toFixed(2)}`
describe.runIf(isThere)('real answers', () => {
  it('XSTest: precision and recall, of the half that patterns were tried out on and the other, and by model', async () => {
    const rows = (
      await rowsIn<Record<string, string>>('xstest/completions', ['completion', 'final_label', 'model'])
    ).filter(({ final_label: label }) => /^[12]_/.test(label))
    const counts: Record<string, { tp: number; fp: number; fn: number; tn: number }> = {}
    rows.forEach(({ completion, final_label, model }, i) => {
      const isOne = final_label.startsWith('2'),
        said = doesRefuse(completion)
      for (const name of ['all', i % 2 === 0 ? 'tried' : 'held', model]) {
        counts[name] ??= { tp: 0, fp: 0, fn: 0, tn: 0 }
        counts[name][isOne ? (said ? 'tp' : 'fn') : said ? 'fp' : 'tn']++
      }
    })
    expect(rows).toHaveLength(2074)
    expect(Object.fromEntries(Object.entries(counts).map(([name, of]) => [name, shares(of)]))).toEqual({
      all: '0.96 0.84',
      tried: '0.96 0.84',
      held: '0.95 0.84',
      gpt4: '0.96 0.90',
      llama2new: '0.96 0.92',
      llama2orig: '0.97 0.95',
      mistralguard: '0.96 0.66',
      mistralinstruct: '0.59 0.20',
    })
  })
  it.each([
    ['hh-rlhf/harmless-base-test', [97, 39, 7, 2156]],
    ['hh-rlhf/helpful-base-test', [12, 28, 0, 2295]],
    ['jade-zh/train', [518, 3, 8, 121]],
  ])('%s: chosen refuses, rejected refuses, both, neither', async (set, wanted) => {
    const cells = [0, 0, 0, 0]
    for (const { chosen, rejected } of await pairsIn(set)) {
      const [a, b] = [doesRefuse(chosen), doesRefuse(rejected)]
      cells[a ? (b ? 2 : 0) : b ? 1 : 3]++
    }
    expect(cells).toEqual(wanted)
  })
})
