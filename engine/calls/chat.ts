/**
 * Chat completions, as OpenAI began them and vLLM, SGLang and llama.cpp serve them: for judges, and for stages that
 * have a model write.
 */

export interface ChatMessage {
  readonly role: string
  readonly content: string
}

/** `tokens`: of the answer at most. `labels`: how many of the likeliest first tokens are wanted. */
export interface ChatOptions {
  readonly model: string
  readonly tokens: number
  readonly temperature?: number
  readonly labels?: number
  readonly extra?: Readonly<Record<string, unknown>>
}

export const chatRequest = (
  messages: readonly ChatMessage[],
  { model, tokens, temperature = 0, labels, extra }: ChatOptions,
) => ({
  path: '/v1/chat/completions',
  body: {
    model,
    messages,
    temperature,
    max_tokens: tokens,
    ...(labels === undefined ? {} : { logprobs: true, top_logprobs: labels }),
    ...extra,
  },
})

export interface ChatAnswer {
  readonly text: string
  readonly first: readonly { readonly token: string; readonly logprob: number }[]
}

/**
 * The text, and the likeliest first tokens where they were asked for. Throws where the model was cut off, by its length
 * or by a filter: that is no answer.
 */
export function readChat(answer: unknown): ChatAnswer {
  type Choice = {
    finish_reason?: unknown
    message?: { content?: unknown } | null
    logprobs?: { content?: ({ top_logprobs?: unknown } | null)[] | null } | null
  } | null
  const choice = (answer as { choices?: readonly Choice[] | null } | null)?.choices?.[0]
  if (!choice) throw new Error('the answer has no choices')
  const content = choice.message?.content ?? '',
    reason = choice.finish_reason
  if (typeof content !== 'string') throw new Error(`the model's text is ${shown(content)}, not text`)
  if (reason !== 'stop') {
    throw new Error(
      `the model did not end by itself (finish_reason ${typeof reason === 'string' ? reason : 'missing'})${reason === 'length' ? `: ${shown(content)}` : ''}`,
    )
  }
  return { text: content, first: tokensIn(choice.logprobs?.content?.[0]?.top_logprobs ?? []) }
}

const shown = (value: unknown): string => JSON.stringify(value).slice(0, 60)

/** A logarithm is at most 0, but for rounding. */
function tokensIn(list: unknown): ChatAnswer['first'] {
  if (!Array.isArray(list)) throw new Error(`top_logprobs is ${shown(list)}, not a list`)
  for (const one of list as ({ token?: unknown; logprob?: unknown } | null)[]) {
    if (typeof one?.token !== 'string' || typeof one.logprob !== 'number' || !(one.logprob <= 1e-3)) {
      throw new Error(`${shown(one)} is no token with the logarithm of its probability`)
    }
  }
  return list as ChatAnswer['first']
}
