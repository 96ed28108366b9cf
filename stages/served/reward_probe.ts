/** Four short texts that a reward model scores before the first row, and what their scores say is wrong with it. */

/**
 * Plain enough for any reward model to tell apart, and not all alike well. Where there is truncation the question alone
 * has so many tokens: a server that keeps the beginning sees no answer, and all are alike.
 */
export const probes = (truncated = 0) =>
  [
    'The capital of France is Paris.',
    'The capital of France is Berlin, I think, or some other town.',
    'No.',
    'banana banana banana banana',
  ].map(content => [
    { role: 'user', content: `${'x '.repeat(truncated)}What is the capital of France?` },
    { role: 'assistant', content },
  ])

/** How vLLM was told before it had use_activation. */
const OLDER =
  'use_activation: false is sent; an older one takes extra: { activation: false }, or to be served with --override-pooler-config \'{"activation": false}\' or \'{"softmax": false}\''

/** Throws where the scores of the probes are not those of a reward model that is asked as it should be. */
export function check(
  scores: readonly number[],
  { scale, truncate_tokens }: { readonly scale: 'raw' | 'unit'; readonly truncate_tokens?: number },
): void {
  const shown = scores.map(score => Number(score.toPrecision(4))).join(', ')
  if (scores.every(score => score === scores[0])) {
    throw new Error(
      `every text gets the score ${shown.split(', ')[0]}: ${truncate_tokens === undefined ? '' : `a server that keeps the first ${truncate_tokens} tokens, and so no answer (truncate_tokens), `}a softmax over one class, or a model that was not trained to score. vLLM must not apply an activation (${OLDER})`,
    )
  }
  if (scores.some(score => Math.abs(score) > 1e6)) {
    throw new Error(
      `the scores of four texts are ${shown}: too large for a reward model. A model without weights for its head is scored with what happens to be in memory there (vLLM does so without a word)`,
    )
  }
  if (scale === 'raw' && scores.every(score => score >= 0 && score <= 1)) {
    throw new Error(
      `the scores of four texts lie between 0 and 1 (${shown}): a sigmoid is applied, and good pairs would hardly differ. Turn the server's activation off (${OLDER}), or set scale: unit if the model's own scores lie there`,
    )
  }
}
