// A stage of a user's own that has a chat model write: every chosen side in other words.
import { chatRequest, defineStage, readChat, Type } from 'sluice-data'

const service = ({ url, model }) => ({
  limits: { url, concurrent_requests: 4, timeout_secs: 5, retry_secs: 2 },
  model,
  identity: ['rewrite'],
  items_per_request: 1,
  items: batch => Array.from({ length: batch.rows }, (_, row) => batch.messages('chosen').text(row)),
  request: ([text]) =>
    chatRequest(
      [
        { role: 'system', content: 'Say it in other words.' },
        { role: 'user', content: text },
      ],
      { model, tokens: 300, temperature: 0.7 },
    ),
  read: answer => [readChat(answer).text],
  probe: {
    items: ['It rains.'],
    check: ([text]) => {
      if (text.trim() === '') throw new Error('the model writes nothing')
    },
  },
})

export default defineStage({
  name: 'rewrite',
  version: 1,
  summary: 'Say every chosen side in other words.',
  options: Type.Object({
    url: Type.String({ description: 'the server' }),
    model: Type.String({ description: 'the model' }),
  }),
  notInKey: ['url'],
  reads: { chosen: 'messages' },
  writes: { text: 'text' },
  rows: 'same',
  reasons: {},
  examples: [],
  calls: service,
  open(options, { ask }) {
    const { items } = service(options)
    return {
      async batch(batch, verdict) {
        const answers = await ask(items(batch))
        answers.forEach((answer, row) => {
          if ('error' in answer) verdict.error(row, answer.error)
        })
        return { columns: { text: answers.map(answer => answer.value ?? null) } }
      },
    }
  },
})
