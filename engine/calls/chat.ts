/** Chat completions, as OpenAI began them and vLLM, SGLang and llama.cpp serve them: for judges, and for stages that have a model write. */

export interface Message { readonly role: string, readonly content: string }

/** `tokens`: of the answer at most. `labels`: how many of the likeliest first tokens are wanted. */
export interface ChatOptions { readonly model: string, readonly tokens: number, readonly temperature?: number, readonly labels?: number, readonly extra?: Readonly<Record<string, unknown>> }

export const chatRequest = (messages: readonly Message[], { model, tokens, temperature = 0, labels, extra }: ChatOptions) => ({
  path: '/v1/chat/completions',
  body: { model, messages, temperature, max_tokens: tokens, ...(labels === undefined ? {} : { logprobs: true, top_logprobs: labels }), ...extra },
})

export interface ChatAnswer { readonly text: string, readonly first: readonly { readonly token: string, readonly logprob: number }[] }

/** The text, and the likeliest first tokens where they were asked for. Throws where the model was cut off, by its length or by a filter: that is no answer. */
export function readChat(answer: unknown): ChatAnswer {
  const choice = (answer as { choices?: { finish_reason?: string, message?: { content?: string | null }, logprobs?: { content?: { top_logprobs?: ChatAnswer['first'] }[] | null } | null }[] }).choices?.[0]
  if (!choice) throw new Error('the answer has no choices')
  if (choice.finish_reason !== 'stop') throw new Error(`the model did not end by itself (finish_reason ${choice.finish_reason ?? 'missing'})${choice.finish_reason === 'length' ? `: ${JSON.stringify(choice.message?.content ?? '').slice(0, 60)}` : ''}`)
  return { text: choice.message?.content ?? '', first: choice.logprobs?.content?.[0]?.top_logprobs ?? [] }
}
