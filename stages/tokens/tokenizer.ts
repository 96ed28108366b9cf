/** Tokens of pairs, as a trainer makes them: by a tokenizer.json and a chat template, or guessed by characters. */
import { createHash } from 'node:crypto'
import { Template } from '@huggingface/jinja'
import { Tokenizer } from '@huggingface/tokenizers'
import type { Message } from '../../engine/arrow/columns.ts'
import { ALONE, kindOf } from '../../engine/arrow/tokens.ts'
import type { TObject } from '@sinclair/typebox'
import { Type, type Batch, type Context, type Static } from '../../engine/contract/define.ts'

/** Characters of a token where writing has no spaces between words: of Chinese 1.1 (Llama 2) to 2.0 (DeepSeek). */
const WIDE_CHARS = 1.5

export const tokenOptions = {
  tokenizer: Type.Optional(
    Type.String({
      minLength: 1,
      description: 'path of the model’s `tokenizer.json`; tokens are guessed by characters when left out',
    }),
  ),
  tokenizer_config: Type.Optional(
    Type.String({
      minLength: 1,
      description: 'path of its `tokenizer_config.json`, for conversations: special tokens, and the chat template',
    }),
  ),
  chat_template: Type.Optional(
    Type.String({
      minLength: 1,
      description: 'path of its `chat_template.jinja`, where `tokenizer_config` has no template',
    }),
  ),
  token_chars: Type.Number({
    exclusiveMinimum: 0,
    default: 4,
    description: 'characters of a token, where there is no `tokenizer`',
  }),
}
export type TokenOptions = Static<TObject<typeof tokenOptions>>

export const tokenFiles = ({ tokenizer, tokenizer_config, chat_template }: TokenOptions): string[] =>
  [tokenizer, tokenizer_config, chat_template].filter(path => path !== undefined)
/** Those of an audit, which has no check of its options: throws where they do not go together. */
export function auditFiles(options: TokenOptions): string[] {
  for (const { option, why } of wrongTokens(options)) throw new Error(`${option}: ${why}`)
  return tokenFiles(options)
}

/** What options of tokens do not go together. */
export function wrongTokens({ tokenizer, tokenizer_config, chat_template }: TokenOptions) {
  const wrong: { option: string; why: string }[] = []
  if (tokenizer_config !== undefined && tokenizer === undefined) {
    wrong.push({ option: 'tokenizer_config', why: 'it needs the tokenizer: name its tokenizer.json by `tokenizer`' })
  }
  if (chat_template !== undefined && tokenizer_config === undefined) {
    wrong.push({
      option: 'chat_template',
      why: 'it needs the special tokens: name the tokenizer_config.json by `tokenizer_config`',
    })
  }
  return wrong
}

/** A token: its number, or without a tokenizer its text. */
export type Token = number | string
/**
 * Tokens of a pair. The prompt ends, and the sides begin, where the prompt and the prompt with either side differ: with
 * what the template puts between them in the prompt, and what it puts behind a side in the side.
 */
export interface PairTokens {
  readonly prompt: readonly Token[]
  readonly chosen: readonly Token[]
  readonly rejected: readonly Token[]
}
export interface TokenReader {
  /** Tokens that a trainer adds to each side: one of the end where there is no template, which has its own. */
  readonly ends: 0 | 1
  /** Tokens of the rows of a block; a text where the template refuses a row: what it says. */
  of(batch: Batch<'prompt' | 'chosen' | 'rejected'>): (row: number) => PairTokens | string
}

export function tokenReader(options: TokenOptions, { file }: Pick<Context<undefined>, 'file'>): TokenReader {
  const { tokenizer, tokenizer_config, chat_template, token_chars } = options
  if (tokenizer === undefined) return textReader(pieces(token_chars))
  const config = tokenizer_config === undefined ? {} : (jsonIn(tokenizer_config, file) as Config),
    encode = encoderOf(tokenizer, file, config)
  if (tokenizer_config === undefined) return textReader(undefined, encode)
  const source = chat_template === undefined ? templateIn(config) : new TextDecoder().decode(file(chat_template))
  if (source === undefined) {
    throw new Error(
      `${tokenizer_config} has no chat_template: name the file by 'chat_template', or leave out 'tokenizer_config', and texts are counted as they are`,
    )
  }
  return chatReader(render(source, config), text => encode(text, false))
}

const sidesOf = (prompt: readonly Token[], chosen: readonly Token[], rejected: readonly Token[]): PairTokens => {
  const end = Math.min(commonStart(prompt, chosen), commonStart(prompt, rejected))
  return { prompt: prompt.slice(0, end), chosen: chosen.slice(end), rejected: rejected.slice(end) }
}
/** Tokens that both begin with. */
export function commonStart(a: readonly Token[], b: readonly Token[]): number {
  const most = Math.min(a.length, b.length)
  let i = 0
  while (i < most && a[i] === b[i]) i++
  return i
}

type Encode = (text: string, special: boolean) => number[]
/** Of texts: side by side without a tokenizer, as they are joined for a trainer with one. */
const textReader = (split: ((text: string) => string[]) | undefined, encode?: Encode): TokenReader => ({
  ends: 1,
  of(batch) {
    const [prompts, chosen, rejected] = (['prompt', 'chosen', 'rejected'] as const).map(side => batch.messages(side))
    return row => {
      const [prompt, a, b] = [prompts, chosen, rejected].map(side => side.text(row))
      return split
        ? { prompt: split(prompt), chosen: split(a), rejected: split(b) }
        : sidesOf(encode!(prompt, true), encode!(prompt + a, true), encode!(prompt + b, true))
    }
  },
})

const chatReader = (
  written: (messages: readonly Message[], open: boolean) => string,
  encode: (text: string) => number[],
): TokenReader => ({
  ends: 0,
  of(batch) {
    const [prompts, chosen, rejected] = (['prompt', 'chosen', 'rejected'] as const).map(side => batch.messages(side))
    return row => {
      const prompt = prompts.messages(row)
      try {
        return sidesOf(
          encode(written(prompt, true)),
          encode(written([...prompt, ...chosen.messages(row)], false)),
          encode(written([...prompt, ...rejected.messages(row)], false)),
        )
      } catch (error) {
        return (error as Error).message
      }
    }
  },
})

/** Cuts a text where its characters come to a token. */
const pieces =
  (chars: number) =>
  (text: string): string[] => {
    const all: string[] = []
    let from = 0,
      at = 0,
      sum = 0
    for (const character of text) {
      at += character.length
      sum += kindOf(character.codePointAt(0)!) === ALONE ? 1 / WIDE_CHARS : 1 / chars
      if (sum < 1 - 1e-9) continue
      all.push(text.slice(from, at))
      from = at
      sum -= 1
    }
    if (from < at) all.push(text.slice(from))
    return all
  }

// ------------------------------------------------------------------------------------------------ files of a model

type Config = Readonly<Record<string, unknown>>
type Read = Context<undefined>['file']

function jsonIn(path: string, file: Read): object {
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(file(path)))
    if (typeof json !== 'object' || json === null) throw new Error('it holds no object')
    return json
  } catch (error) {
    throw new Error(`${path} is not the JSON file of a tokenizer: ${(error as Error).message}`, { cause: error })
  }
}

/** The last tokenizer of this thread: some take seconds to be made, and each partition opens its stages anew. */
let last: { readonly key: string; readonly tokenizer: Tokenizer } | undefined

function encoderOf(path: string, file: Read, config: Config): Encode {
  const key = createHash('sha256').update(file(path)).update(JSON.stringify(config)).digest('hex')
  if (last?.key !== key) {
    const json = jsonIn(path, file)
    if (!('model' in json)) throw new Error(`${path} is not the tokenizer.json of a tokenizer: it has no 'model'`)
    last = { key, tokenizer: new Tokenizer(json, config) }
  }
  const { tokenizer } = last
  return (text, special) => tokenizer.encode(text, { add_special_tokens: special }).ids
}

/** The template of a config; of several the one called `default`. */
function templateIn({ chat_template: template }: Config): string | undefined {
  const named = Array.isArray(template)
    ? (template as { name?: unknown; template?: unknown }[]).find(({ name }) => name === 'default')?.template
    : template
  return typeof named === 'string' ? named : undefined
}

/** Days that templates ask for are this one, so that a run tells the same tomorrow. */
const DAY: Readonly<Record<string, string>> = { d: '26', m: '07', b: 'Jul', B: 'July', y: '24', Y: '2024' }
const day = (format: string) => format.replace(/%(\w)/g, (_, part: string) => DAY[part] ?? '00')

/** Writes messages as a template does in transformers, open for an answer or not. */
function render(source: string, config: Config) {
  const texts = Object.entries(config).flatMap(([name, value]) => {
    const token: unknown = typeof value === 'object' && value !== null && 'content' in value ? value.content : value
    return name.endsWith('_token') && typeof token === 'string' ? [[name, token] as const] : []
  })
  // the package's own function of this name gives today, and cannot be replaced; Jinja takes all ends of lines for one
  const template = new Template(source.replaceAll('strftime_now', 'sluice_day').replace(/\r\n?/g, '\n')),
    given = { ...Object.fromEntries(texts), sluice_day: day, tools: null, documents: null }
  return (messages: readonly Message[], open: boolean): string =>
    template.render({ ...given, messages: [...messages], add_generation_prompt: open })
}
