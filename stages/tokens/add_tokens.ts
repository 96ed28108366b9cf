/** Counts the tokens of prompts and sides, so that other stages, or a trainer's limits, can go by them. */
import { defineStage, Type } from '../../engine/contract/define.ts'
import { TINY } from './tiny.ts'
import { tokenFiles, tokenOptions, tokenReader, wrongTokens } from './tokenizer.ts'

export default defineStage({
  name: 'add_tokens',
  version: 1,
  category: 'check and deduplicate',
  status: { is: 'proven here', shown: 'docs/benchmarks/audits.md' },
  summary: 'Count the tokens of prompts and sides, by the tokenizer and the chat template of a model.',
  details: `Three columns: tokens of the \`prompt\`, and of each side behind it. They are those that TRL's DPOTrainer makes. With \`tokenizer\` alone, texts are what it trains on: prompt and side are joined, and a side counts one more for the token of the end. With \`tokenizer_config\` they are conversations, written by the chat template: what it puts before an answer is the prompt's, and what it puts behind it the side's. Other trainers write some templates in their own way, a few tokens longer or shorter.

The files are those of a model on the Hub: \`tokenizer.json\`, \`tokenizer_config.json\`, and \`chat_template.jinja\` where the template is not in the config. Their content is in every key. Seven tokenizers and 65 templates were held against transformers, id by id (\`npm run check:tokenizers\`). A template that asks for the day is given 26 July 2024, so that counts are the same tomorrow. One worker counts 50,000 to 200,000 tokens a second.

Without \`tokenizer\` tokens are guessed: \`token_chars\` characters each, 1.5 of Chinese, Japanese, Thai and other scripts without spaces; no template is counted. It is a guess: tokenizers differ by a third on Chinese alone, and code and numbers have more tokens than prose.

Limits by tokens are \`drop_by_column\` with \`where: "<id>_prompt_tokens + <id>_chosen_tokens > 1024"\`; what a trainer would cut is \`drop_truncated\`.`,
  options: Type.Object(tokenOptions),
  files: tokenFiles,
  check: wrongTokens,
  reads: { prompt: 'messages', chosen: 'messages', rejected: 'messages' },
  writes: { prompt_tokens: 'int32', chosen_tokens: 'int32', rejected_tokens: 'int32' },
  rows: 'same',
  notes: { no_template: 'the chat template refuses the conversation: it has no counts' },
  examples: [
    {
      title: 'guessed by characters, and one of the end',
      rows: [
        { prompt: 'Name a prime number.', chosen: 'Seven.', rejected: 'Nine' },
        { prompt: '说出一个素数。', chosen: '七。', rejected: '九是素数。' },
      ],
      kept: [0, 1],
      columns: { prompt_tokens: [5, 5], chosen_tokens: [3, 2], rejected_tokens: [2, 4] },
    },
    {
      title: 'by a tokenizer of five words, and a template that wants the user first',
      options: { tokenizer: 'tokenizer.json', tokenizer_config: 'tokenizer_config.json' },
      files: TINY,
      rows: [
        { prompt: [{ role: 'user', content: 'Name a prime' }], chosen: 'Seven', rejected: 'Nine Nine Nine' },
        { prompt: [{ role: 'system', content: 'Name a prime' }], chosen: 'Seven', rejected: 'Nine' },
      ],
      kept: [0, 1],
      noted: { 1: 'no_template' },
      columns: { prompt_tokens: [5, null], chosen_tokens: [2, null], rejected_tokens: [4, null] },
    },
  ],
  open(options, context) {
    const { ends, of } = tokenReader(options, context)
    return {
      batch(batch, verdict) {
        const tokens = of(batch),
          none = () => Array<number | null>(batch.rows).fill(null)
        const columns = { prompt_tokens: none(), chosen_tokens: none(), rejected_tokens: none() }
        for (let row = 0; row < batch.rows; row++) {
          const pair = tokens(row)
          if (typeof pair === 'string') {
            verdict.note(row, 'no_template')
            continue
          }
          columns.prompt_tokens[row] = pair.prompt.length
          columns.chosen_tokens[row] = pair.chosen.length + ends
          columns.rejected_tokens[row] = pair.rejected.length + ends
        }
        return { columns }
      },
    }
  },
})
