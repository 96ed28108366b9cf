/** The files of a tokenizer of a few words, for the examples of stages that count tokens. */
const WORDS = ['<unk>', '<s>', '</s>', 'Name', 'a', 'prime', 'Seven', 'Nine', '[user]', '[model]']
const special = (id: number) => ({
  id,
  content: WORDS[id],
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
})

const tokenizer = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: [0, 1, 2, 8, 9].map(special),
  normalizer: null,
  pre_tokenizer: { type: 'WhitespaceSplit' },
  post_processor: null,
  decoder: null,
  model: { type: 'WordLevel', vocab: Object.fromEntries(WORDS.map((word, id) => [word, id])), unk_token: '<unk>' },
}
/** `[user] Name a prime [model] Seven</s>` */
const template = `{% if messages[0].role != 'user' %}{{ raise_exception('the user is first') }}{% endif %}
{%- for message in messages %}{{ '[user] ' if message.role == 'user' else '[model] ' }}{{ message.content }}
{%- if message.role == 'user' %} {% else %}{{ eos_token }}{% endif %}{% endfor %}
{%- if add_generation_prompt %}[model] {% endif %}`

export const TINY: Readonly<Record<string, string>> = {
  'tokenizer.json': JSON.stringify(tokenizer),
  'tokenizer_config.json': JSON.stringify({ eos_token: '</s>', chat_template: template }),
}
