/** Scores both sides of every pair by a reward model that a server serves. */
import type { Static } from '@sinclair/typebox'
import type { Message } from '../../engine/arrow/columns.ts'
import { choice, defineStage, Type, type Service } from '../../engine/contract/define.ts'
import { limitOptions, modelOptions, notInKey } from './options.ts'
import { checkOptions, readScores, requestOf, takesTwo, type RewardItem } from './reward_apis.ts'
import { check, probes } from './reward_probe.ts'

const options = Type.Object({
  ...modelOptions,
  api: choice(['vllm_classify', 'vllm_pooling', 'sglang_classify', 'vllm_score', 'rerank', 'tei_rerank'], {
    default: 'vllm_classify',
    description:
      'what the server is asked: `/classify` of vLLM, its `/pooling` (of a score for each token the last one counts), or `/classify` of SGLang. For models that read a question and an answer (cross-encoders): `/score` of vLLM, `/rerank` as Infinity has it, and vLLM too, or as text-embeddings-inference has it',
  }),
  template: Type.Optional(
    Type.String({
      minLength: 1,
      description:
        'one message as the model was trained to read it, with `{role}` and `{content}`, as `<|im_start|>{role}\\n{content}<|im_end|>\\n`, without the token that begins a text (the server adds it). Then texts are sent, several a request. Without it conversations are, one a request, and the server puts them into the model’s own template; SGLang needs it, those of a question and an answer take none',
    }),
  ),
  texts_per_request: Type.Integer({
    minimum: 1,
    maximum: 2048,
    default: 16,
    description: 'texts in one request, where there is a template, or pairs of question and answer of `vllm_score`',
  }),
  truncate_tokens: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      description:
        'vLLM keeps so many tokens of what is longer: the last ones of a conversation, so that the answer is read and what begins it is lost, the first ones of question and answer for `vllm_score`. Without it, it refuses what is too long for the model, and such a row is set aside as errored',
    }),
  ),
  scale: choice(['raw', 'unit'], {
    default: 'raw',
    description:
      'raw: scores have no bounds, and a server that squashes them into 0 to 1 is refused; unit: this model’s own scores lie there',
  }),
  ...limitOptions,
})

export default defineStage({
  name: 'score_pairs',
  version: 2,
  category: 'ask models',
  summary: 'Score both sides of every pair by a served reward model.',
  details: `The scores are a reviewer for \`peer_review\` and \`detect_noise\`: with \`{ id: skywork, use: score_pairs, … }\` above them, give them \`score_columns: [{ name: skywork, chosen: skywork_chosen_score, rejected: skywork_rejected_score }]\`.
Two reward models of different families make the better panel.

Before the first row the server is asked for its models and for the scores of four short texts (with \`truncate_tokens\` their prompt is so long); a model that is not there, scores that are all alike, scores beyond a million, as of a head without weights, and scores squashed into 0 to 1 stop the run (exit code 78).
Every score is kept in \`.sluice/answers\` (or \`--answers DIR\`), by model, revision, template, truncation and exact text: it is asked for once, by whatever graph, and a run that was killed has to ask again only for what was under way.
A request that fails is tried again (\`retry_secs\`); if the server is down the run stops with exit code 69, at a cap with 75, and the same command goes on from there. A row with a side that the server refuses, or has no finite score for, is set aside as errored, with the server's words in the ledger:
it must not pass for reviewed. Once the reason is gone, \`--anew\` has those rows scored, and no other. Requests, tokens and cost are estimated before the run and by \`sluice check\`, and counted in \`timings.json\`.

A model that reads a question and an answer gets the messages of the prompt, and those of a side, as their texts with a blank line between; who said what is not told. It must be one that was trained on preferences: a model
that ranks documents for a search says how well a text fits, not how good it is. A score is a number of the answer, never a text: a chat model that writes grades is asked by [judge_pairs](judge_pairs.md) with \`scale\`.

[Servers that were asked](../servers.md) says how each is started, what it does with texts that are too long, and what goes wrong without a word.

Scores of the same text differ a little with the batch that it was computed in; the kept one counts. Answers are kept for the name that the server gives the model, and for what it says of its weights: a server that serves others under the same name and path is not noticed.`,
  options,
  notInKey: [...notInKey, 'texts_per_request'],
  reads: { prompt: 'messages', chosen: 'messages', rejected: 'messages' },
  writes: { chosen_score: 'float64', rejected_score: 'float64' },
  rows: 'same',
  examples: [
    {
      title: 'two texts in one request; their scores come in any order',
      options: { url: 'http://localhost:30000', model: 'reward', api: 'vllm_pooling', template: '{role}: {content}\n' },
      rows: [{ prompt: 'Is 7 a prime?', chosen: 'Yes: only 1 and 7 divide it.', rejected: 'No.' }],
      answers: [
        {
          data: [
            { index: 1, data: [-3.25] },
            { index: 0, data: [4.5] },
          ],
        },
      ],
      kept: [0],
      columns: { chosen_score: [4.5], rejected_score: [-3.25] },
    },
  ],
  calls: service,
  open(options, { ask }) {
    const { items } = service(options)
    return {
      async batch(batch, verdict) {
        const answers = await ask(items(batch))
        const scores = [0, 1].map(side =>
          Float64Array.from({ length: batch.rows }, (_, row) => {
            const answer = answers[2 * row + side]
            if ('value' in answer) return answer.value
            verdict.error(
              row,
              `${options.model} has no score for the ${side === 0 ? 'chosen' : 'rejected'} side: ${answer.error}`,
            )
            return NaN
          }),
        )
        return { columns: { chosen_score: scores[0], rejected_score: scores[1] } }
      },
    }
  },
})

function service({
  url,
  model,
  revision,
  extra,
  api,
  template,
  truncate_tokens,
  scale,
  texts_per_request,
  ...limits
}: Static<typeof options>): Service<RewardItem, number> {
  checkOptions(api, template, truncate_tokens)
  if (template !== undefined && !(template.includes('{role}') && template.includes('{content}'))) {
    throw new Error('template has no {role} or no {content}')
  }
  const fill = ({ role, content }: Message) =>
    template!.replace(/\{(?:role|content)\}/g, name => (name === '{role}' ? role : content))
  const said = (messages: readonly Message[]) => messages.map(({ content }) => content).join('\n\n')
  const item = (prompt: readonly Message[], answer: readonly Message[]): RewardItem =>
    takesTwo(api)
      ? { question: said(prompt), answer: said(answer) }
      : template === undefined
        ? [...prompt, ...answer]
        : [...prompt, ...answer].map(fill).join('')
  const common = {
    model,
    ...(truncate_tokens === undefined
      ? {}
      : { truncate_prompt_tokens: truncate_tokens, ...(api === 'vllm_score' ? {} : { truncation_side: 'left' }) }),
    ...extra,
  }
  return {
    limits: { url, ...limits },
    model,
    identity: [api, revision, common],
    items_per_request: template !== undefined || api === 'vllm_score' ? texts_per_request : 1,
    items(batch) {
      const prompt = batch.messages('prompt'),
        chosen = batch.messages('chosen'),
        rejected = batch.messages('rejected')
      return Array.from({ length: 2 * batch.rows }, (_, i) =>
        item(prompt.messages(i >> 1), (i % 2 === 0 ? chosen : rejected).messages(i >> 1)),
      )
    },
    request: items => requestOf(api, common, items),
    read: (answer, items) => readScores(api, answer, items.length),
    probe: {
      items: probes(truncate_tokens).map(([question, answer]) => item([question], [answer])),
      check: scores => {
        check(scores, { scale, truncate_tokens })
      },
    },
  }
}
