/** Options that every stage with a server has: where it is, and how far a run may go with it. */
import { Type } from '../../engine/contract/define.ts'

const cap = (what: string) =>
  Type.Optional(
    Type.Number({
      exclusiveMinimum: 0,
      description: `stop before more than so many ${what} are spent on one result, however often it was stopped and begun again; what is answered is kept, and with a higher cap the run goes on`,
    }),
  )

export const modelOptions = {
  url: Type.String({ minLength: 1, description: 'root of the server, as `http://localhost:8000`; without keys' }),
  model: Type.String({ minLength: 1, description: 'the model, by the name that the server gives it in `/v1/models`' }),
  revision: Type.String({
    default: '',
    description:
      'what the name does not say of the model (a commit, a quantisation): answers are kept by it, so another one asks anew',
  }),
  extra: Type.Record(Type.String(), Type.Unknown(), {
    default: {},
    description: 'further fields of every request, as `{ chat_template_kwargs: { enable_thinking: false } }`',
  }),
}

export const limitOptions = {
  key_variable: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z_][A-Za-z0-9_]*$',
      description: 'environment variable that holds the key; none is sent without it',
    }),
  ),
  concurrent_requests: Type.Integer({
    minimum: 1,
    maximum: 1000,
    default: 16,
    description: 'requests under way at once, whatever the number of workers',
  }),
  requests_per_min: Type.Optional(
    Type.Number({
      exclusiveMinimum: 0,
      description: 'requests begun in a minute, at most; what is asked for again, whole or in parts, comes on top',
    }),
  ),
  timeout_secs: Type.Number({ exclusiveMinimum: 0, default: 120, description: 'how long an answer may take' }),
  retry_secs: Type.Number({
    minimum: 0,
    default: 180,
    description:
      'how long a server that is down, busy or loading is asked again, at growing intervals or when it says (`Retry-After`), before the run stops',
  }),
  usd_per_million_tokens: Type.Optional(
    Type.Number({ minimum: 0, description: 'price, for the plan and for max_usd' }),
  ),
  max_requests: cap('requests'),
  max_tokens: cap('tokens (as the server counts them; where it does not, characters of the request / 4)'),
  max_usd: cap('US dollars'),
}

/** What has no influence on an answer. */
export const notInKey = ['url', ...Object.keys(limitOptions)]
