/** How servers of reward models are asked, and where the number is in their answers. */
import type { Message } from '../../engine/arrow/columns.ts'

export type Api = 'vllm_classify' | 'vllm_pooling' | 'sglang_classify' | 'vllm_score' | 'rerank' | 'tei_rerank'
/** Models that read a question and an answer to it, and put them together themselves. */
export const takesTwo = (api: Api): boolean => api === 'vllm_score' || isRerank(api)
export const isRerank = (api: Api): boolean => api === 'rerank' || api === 'tei_rerank'
/**
 * A conversation, where the server has the template; else the text that it gives. For those that take two, the question
 * and the answer.
 */
export type RewardItem = readonly Message[] | string | Two
export interface Two {
  readonly question: string
  readonly answer: string
}

/** Throws where an option is set that a server has no use for, or one is missing that it needs. */
export function checkOptions(api: Api, template?: string, truncate_tokens?: number): void {
  if (api === 'sglang_classify' && template === undefined) {
    throw new Error('sglang_classify takes texts, not conversations: set template')
  }
  if (api === 'sglang_classify' && truncate_tokens !== undefined) {
    throw new Error('sglang_classify has no truncation: leave truncate_tokens out')
  }
  if (takesTwo(api) && template !== undefined) {
    throw new Error(`${api} takes a question and an answer, which the server puts together: leave template out`)
  }
  if (isRerank(api) && truncate_tokens !== undefined) {
    throw new Error(
      `${api} cuts at the model's own length, tei_rerank with extra: { truncate: true }: leave truncate_tokens out`,
    )
  }
}

/**
 * `common`: the fields that all requests have, which win over what is asked by default. Conversations go one a request,
 * and so does what is reranked: a request has one question.
 */
export function requestOf(
  api: Api,
  common: Readonly<Record<string, unknown>>,
  items: readonly RewardItem[],
): { path: string; body: unknown } {
  if (api === 'sglang_classify') return { path: '/classify', body: { ...common, text: items } }
  if (isRerank(api)) {
    const [{ question, answer }] = items as Two[]
    // raw_scores is of text-embeddings-inference and Infinity, use_activation of vLLM
    return {
      path: '/rerank',
      body: {
        raw_scores: true,
        ...(api === 'rerank' ? { use_activation: false } : {}),
        ...common,
        query: question,
        [api === 'rerank' ? 'documents' : 'texts']: [answer],
      },
    }
  }
  if (api === 'vllm_score') {
    return {
      path: '/score',
      body: {
        use_activation: false,
        ...common,
        text_1: (items as Two[]).map(({ question }) => question),
        text_2: (items as Two[]).map(({ answer }) => answer),
      },
    }
  }
  const path = api === 'vllm_classify' ? '/classify' : '/pooling'
  return {
    path,
    body:
      typeof items[0] === 'string'
        ? { use_activation: false, ...common, input: items }
        : { use_activation: false, add_generation_prompt: false, ...common, messages: items[0] },
  }
}

/** One score an item, in the order of the items. */
export function readScores(api: Api, answer: unknown, count: number): number[] {
  if (api === 'sglang_classify') {
    return counted(Array.isArray(answer) ? answer : [answer], count).map(({ embedding }, i) => single(embedding, i))
  }
  const list = api === 'rerank' ? 'results' : 'data',
    whole = answer as Readonly<Record<string, unknown>> | null
  const data = api === 'tei_rerank' ? answer : typeof whole === 'object' ? whole?.[list] : undefined
  if (!Array.isArray(data)) {
    throw new Error(
      `the answer has no ${list}, but ${
        Object.keys(whole ?? {})
          .slice(0, 5)
          .join(', ') || JSON.stringify(answer).slice(0, 60)
      }`,
    )
  }
  const sorted = counted(data, count)
    .slice()
    .sort((a, b) => a.index! - b.index!)
  if (sorted.some(({ index }, i) => index !== i)) {
    throw new Error(
      `the answer's indexes are ${sorted
        .slice(0, 5)
        .map(({ index }) => JSON.stringify(index))
        .join(', ')}, not 0 to ${count - 1}`,
    )
  }
  return sorted.map(({ probs, data, score, relevance_score }, i) =>
    single(
      api === 'rerank' ? relevance_score : takesTwo(api) ? score : api === 'vllm_classify' ? probs : lastToken(data),
      i,
    ),
  )
}

/** What an answer says of one text. */
interface One {
  readonly index?: number
  readonly embedding?: unknown
  readonly probs?: unknown
  readonly data?: unknown
  readonly score?: unknown
  readonly relevance_score?: unknown
}

function counted(list: readonly unknown[], count: number): readonly One[] {
  if (list.length !== count) throw new Error(`${list.length} scores came for ${count} texts`)
  const wrong = list.findIndex(one => typeof one !== 'object' || one === null)
  if (wrong >= 0) {
    throw new Error(`the answer for text ${wrong} is ${JSON.stringify(list[wrong]).slice(0, 60)}, not an object`)
  }
  return list as readonly One[]
}

/**
 * Of lists of numbers, one for each token, that of the last one, which has read all. One list alone is of the whole
 * text: classes, or an embedding.
 */
const lastToken = (value: unknown): unknown =>
  Array.isArray(value) && Array.isArray(value[0]) ? value[value.length - 1] : value

function single(value: unknown, i: number): number {
  const values = Array.isArray(value) ? (value as unknown[]) : [value]
  if (values.length !== 1) {
    throw new Error(
      `text ${i} has ${values.length} numbers for a score: this model classifies or embeds, it is no reward model`,
    )
  }
  if (typeof values[0] !== 'number' || !Number.isFinite(values[0])) {
    throw new Error(`the score of text ${i} is ${JSON.stringify(values[0]) ?? 'missing'}, not a finite number`)
  }
  return values[0]
}
