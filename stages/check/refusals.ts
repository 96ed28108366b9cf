/** What answers begin with that refuse, in several languages: patterns of our own, over `openingOf`. */

/** What may stand before a refusal: a sigh, an apology, what one is, and "but". */
const english = String.raw`(?:(?:oh|ah|hmm|hey|hi|hello|well|no|okay|ok|yes|thanks?(?: you)?(?: for [^.!,]{1,60})?)[,.!]? |(?:i'm|i am|we're)(?: so| very| really| truly| terribly| deeply)? (?:sorry|afraid)[,.!]? ?|sorry[,.!]? ?|(?:my |sincere )*apologies[,.!]? ?|i (?:sincerely |do |must |deeply )?apologi[sz]e[,.!]? ?(?:for [^.!,]{1,60}[.,!] ?)?|unfortunately,? |as an? (?:responsible |ethical |helpful |respectful |large )*(?:ai|language|assistant|artificial)[^.!,]{0,60}[,.] ?|(?:i'm|i am) (?:just |only )?an? (?:ai|large language|language)(?: language model| assistant| model)?(?: and|[^.!,]{0,60}[,.]) ?|i understand [^.!]{1,120}[,.] ?|thank you for [^.!]{1,80}[.!] ?|(?:i|we) (?:must|have to|need to|would like to|want to) (?:clarify|inform|emphasi[sz]e|remind|point out|note|stress|let you know)(?: you)?(?: that|,)? ?|but |however,? |that |and |as such,? |so |therefore,? )*`

/** By language: what a side that refuses begins with. */
export const REFUSALS: Readonly<Record<string, RegExp>> = {
  en: new RegExp(
    `^${english}(?:` +
      [
        String.raw`(?:do not|don't|cannot|can't) (?:condone|support|promote|provide|encourage|assist|engage)`,
        String.raw`(?:i|we) (?:simply |really |just |absolutely |also |do |must |have to |will )*(?:can't|cannot|can not|couldn't|could not|won't|will not|wouldn't|would not|shouldn't|decline|refuse|must refuse)(?! (?:stress|recommend|emphasi[sz]e|help but|wait|agree more|say enough|imagine))`,
        String.raw`(?:i'm|i am|we're|we are) (?:simply |really |just |also |absolutely )*(?:not able|unable|not allowed|not permitted|not comfortable|not going to|not programmed|not designed|not capable|not authorized|prohibited)`,
        String.raw`(?:i|we) (?:really |just |strongly |also )*(?:don't|do not) (?:feel comfortable|think (?:i|it's|that's|this is)|want to (?:help|do|talk)|have (?:access|information|the ability|any information|personal)|(?:condone|support|endorse|promote|encourage|assist|engage|provide|share|recommend))`,
        String.raw`(?:it is|it's|that's|that is|this is|it would be) (?:not|never|highly|very|also|both|completely|extremely|deeply| )*(?:appropriate|ethical|okay|acceptable|illegal|inappropriate|unethical|possible for me|something i)`,
        String.raw`(?:this|that|your) (?:request|question|prompt)[^.!]{0,60}(?:violates|goes against|is (?:inappropriate|harmful|unethical|illegal|not appropriate))`,
      ].join('|') +
      ')',
  ),
  zh: /^(?:(?:您|你)好[,。!]?|尊敬的用户[,。!]?|(?:非常|很|十分|真的)?(?:抱歉|对不起|不好意思)|作为[^。!,]{1,24},|感谢[^。!]{0,30}[。!,]|但是?|,|。|不过)*(?:我)?(?:无法|不能|不会|拒绝|没有办法|没法|不可以|不便|必须拒绝)(?:为|向|给|对|就|按照|直接|接受|推荐|鼓励|分享|协助|提供|回答|帮助|支持|满足|讨论|参与|执行|完成|回应|生成|处理|继续|您|你|告诉|做)/,
  de: /^(?:(?:es )?tut mir (?:sehr )?leid[,.]? ?|entschuldigung[,.]? ?|leider |aber |als ki[^,.]{0,40},? )*(?:(?:das |dabei |damit )?(?:kann|darf|werde|möchte|will) ich (?:dir |ihnen |euch |dabei |diese |das |leider )*(?:nicht|keine)|ich (?:kann|darf|werde|möchte) (?:dir |ihnen |euch |dabei |diese[nrsm]? |das |darauf |darüber |leider |anfrage )*(?:nicht|keine))/,
  fr: /^(?:(?:je suis )?(?:vraiment )?désolée?[,.]? ?|excusez-moi[,.]? ?|malheureusement,? |mais |en tant qu[e'][^,.]{0,50},? )*je (?:ne (?:peux|puis|suis|veux|vais) pas|refuse|ne suis pas en mesure|m'excuse, mais je ne)/,
  es: /^(?:(?:lo siento|lo lamento|disculpa|disculpe|perdón|perdona)(?: mucho)?[,.]? ?|lamentablemente,? |pero |como (?:una? )?(?:ia|inteligencia|modelo|asistente)[^,.]{0,50},? )*(?:yo )?no (?:(?:te |le |les )?(?:puedo|podré|podría|quiero|voy a)|me es posible|estoy (?:en condiciones|autorizad|capacitad|programad))/,
  it: /^(?:mi (?:dispiace|spiace)(?: molto)?[,.]? ?|scusa(?:mi)?[,.]? ?|purtroppo,? |ma |in quanto [^,.]{0,50},? |come (?:ia|assistente|modello)[^,.]{0,50},? )*(?:io )?non (?:posso|sono in grado|potrei|intendo|voglio|mi è possibile|sono autorizzat)/,
  pt: /^(?:(?:me )?desculpe?[,.]? ?|sinto muito[,.]? ?|lamento[,.]? ?|infelizmente,? |mas |como (?:uma? )?(?:ia|assistente|modelo)[^,.]{0,50},? )*(?:eu )?não (?:posso|consigo|vou|me é possível|estou (?:autorizad|apt))/,
  ru: /^(?:извините|простите|к сожалению|мне (?:очень )?жаль|прошу прощения|но|как (?:ии|языковая|искусственный)[^,.]{0,50}|[,. ])*(?:я )?(?:не могу|не буду|не в состоянии|не имею (?:права|возможности)|отказываюсь|вынужден[а]? отказать)/,
  ja: /^(?:大変)?(?:申し訳(?:ありません|ございません|ない)|すみません|ごめんなさい|残念ながら)[^。]{0,60}(?:できません|できかねます|いたしかねます|お答え(?:すること)?は?でき|お手伝い(?:すること)?は?でき)/,
  ko: /^(?:정말 )?(?:죄송(?:합니다|하지만|해요)?|미안(?:합니다|하지만|해요)?|유감(?:스럽게도|이지만))[^.]{0,60}(?:수 없|수는 없|드릴 수|어렵습니다|불가능)/,
}

/** Whether a side that begins so refuses, in any of the languages. */
export const refuses = (opening: string): boolean => Object.values(REFUSALS).some(pattern => pattern.test(opening))
