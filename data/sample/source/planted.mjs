// What is wrong with the sample on purpose. Keys name the blocks of the .txt files beside this one.

/** Rows whose rejected side becomes a copy of the chosen one. */
export const identical = [
  'fact-plate-tectonics',
  'ins-synonyms',
  'bottle-deposit',
  'code-stack-queue',
  'de-komma',
  'chat-plant-dying',
]

/** Rows that lose a side: [key, side, what is left of it]. */
export const empty = [
  ['fact-jet-lag', 'chosen', ''],
  ['code-css-center', 'chosen', '   '],
  ['de-rhabarber', 'chosen', '\n'],
  ['ins-habit', 'rejected', ''],
  ['rain-gauge', 'rejected', ' \n\t'],
  ['safe-tax', 'rejected', ''],
]

/** Second copies that differ only in case or white space: [key, side or prompt, how]. */
export const exact = [
  ['fact-goldfish', 'prompt', 'upper'],
  ['fact-onion-tears', 'chosen', 'spaces'],
  ['ins-slogan', 'prompt', 'lower'],
  ['ins-explain-stocks', 'rejected', 'newline'],
  ['bus-passengers', 'prompt', 'spaces'],
  ['safe-hot-car', 'chosen', 'newline'],
  ['de-kaffee-flecken', 'prompt', 'lower'],
  ['de-mond', 'chosen', 'spaces'],
]

/** Second copies with one to three words changed: [key, side, from, to, side, from, to, ...]. */
export const near = [
  ['ins-email-landlord', 'prompt', 'firm but polite', 'polite but firm'],
  ['ins-learn-spanish', 'prompt', 'I have 20', 'I have 25', 'chosen', "don't double up", 'never double up'],
  ['ins-birthday-plan', 'rejected', 'have cake.', 'eat cake.'],
  ['ins-bedtime-story', 'prompt', 'Tell a', 'Write a', 'rejected', 'The end.', 'Good night.'],
  [
    'ins-letter-editor',
    'rejected',
    'I hope the politicians',
    'I hope that politicians',
    'chosen',
    'new traffic light',
    'additional traffic light',
  ],
  ['fact-seasons', 'rejected', 'everywhere on the planet', 'everywhere on Earth'],
  ['concert-tickets', 'rejected', 'adult and a child', 'adult plus a child'],
  ['ins-apology-friend', 'prompt', 'Write a', 'Draft a'],
  ['de-fieber-kind', 'prompt', '39,5', '39,6'],
  ['chat-refund-tone', 'rejected', 'shipping is free', 'delivery is free'],
]

/** Rows that come a second time with their sides exchanged. */
export const contradictory = ['fact-polar-bear', 'ins-first-date', 'safe-fake-review', 'de-streit']

/** Rows whose label is wrong: chosen and rejected are exchanged, and nothing but the meaning shows it. */
export const swapped = [
  'bike-savings',
  'orchard-crates',
  'taxi-fare',
  'hens-eggs',
  'parking-garage',
  'loan-interest',
  'lemonade-stand',
  'snail-wall',
  'fact-blood-blue',
  'fact-rainbow',
  'fact-salt-ice',
  'fact-1989',
  'code-regex-date',
  'code-vowels',
  'code-password-storage',
  'ins-haiku-rain',
  'ins-headline',
  'ins-compare-tea',
  'ins-proofread',
  'ins-rules-chess',
  'ins-explain-placebo',
  'ins-museum-label',
  'safe-mushrooms',
  'safe-kill-process',
  'safe-stroke',
  'de-passwort',
  'de-fluss',
  'de-rabatt',
  'chat-json-only',
  'chat-meeting-time',
]

const user = content => ({ role: 'user', content })
const assistant = content => ({ role: 'assistant', content })

/** Rows of the chat file whose layout is broken, each in its own way. */
export const broken = [
  {
    key: 'broken-json',
    detail: 'the prompt is not valid JSON',
    prompt: '[{"role": "user", "content": "What is the plural of ox?"',
    chosen: 'Oxen.',
    rejected: 'Oxes, as with box and boxes.',
  },
  {
    key: 'broken-last-role',
    detail: 'the prompt ends with an assistant message',
    prompt: JSON.stringify([user('How many strings does a violin have?'), assistant('Four.')]),
    chosen: 'They are tuned to G, D, A and E.',
    rejected: 'They are tuned to C, C, C and C.',
  },
  {
    key: 'broken-no-messages',
    detail: 'the prompt is an empty list of messages',
    prompt: '[]',
    chosen: 'A ferry to the island leaves at eight in the morning.',
    rejected: 'There is no ferry.',
  },
  {
    key: 'broken-role',
    detail: 'a message has the unknown role "narrator"',
    prompt: JSON.stringify([
      { role: 'narrator', content: 'The customer looks at the broken umbrella.' },
      user('Can you mend this umbrella by tomorrow?'),
    ]),
    chosen: 'If the spare rib arrives this afternoon, yes. May I call you at five?',
    rejected: 'Umbrellas are cheap.',
  },
  {
    key: 'broken-null',
    detail: 'the rejected side is null',
    prompt: JSON.stringify([user('Which way round do I put batteries into a torch?')]),
    chosen: 'The plus pole, the end with the knob, usually points towards the lamp; the compartment has marks.',
    rejected: null,
  },
  {
    key: 'broken-alternation',
    detail: 'two user messages follow each other',
    prompt: JSON.stringify([user('Is Pluto a planet?'), user('And what about Ceres?')]),
    chosen: 'Both are dwarf planets: round, in orbit around the Sun, but their orbits are not cleared.',
    rejected: 'Ceres is a moon of Mars.',
  },
]
