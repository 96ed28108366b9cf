/** What the page of weigh_tokens says: methods, who reads what, and what was measured. */

export const tokensPage = `Of each side it reads lists with a number a token: log-probabilities of the answer's own tokens (nats) under two models, \`columns\` and \`reference_columns\`, or with \`rank\` where each token stands in one model's list. Lists may be JSON text. Dropped is nothing. What is written, of each side that \`columns\` names:

| method | a token's value | marked | written |
| --- | --- | --- | --- |
| \`advantage\` (ADPA): a DPO model, and its reference | ln p - ln p of the reference | value > \`limit\` (0) | \`mean\`, \`sum\`, \`share\` that is marked, \`weights\`: the values |
| \`contrast\` (AlignDistil): a DPO model, and one trained on swapped pairs | \`beta\` × the same | value > \`limit\` (0) | the same |
| \`judgment\` (CUT): one model that was shown a judgment of the answer, and that was not | p / p of the reference | blamed: value > \`limit\` (1.1) | \`share\`, \`mask\` (1 blamed), \`spans\`: JSON of runs [start, end) of tokens from 0 |
| \`rank\` (URIAL): the aligned model's token in the base model's list, from 0 | rank | shifted: rank >= \`limit\` (3), and marginal from 1 on | \`share\`, \`mask\` (1 shifted), \`first\` one shifted, from 0 |

The name is \`<id>_<side>_<what>\`. A probability counts as \`floor\` at least, and a ratio that is the limit but for float32 is not above it. A token that the base model's list lacks has the length of the list for its rank. With \`token_columns\` pairs are noted whose sides are equal but for shifted tokens.

| trainer | what it reads of this |
| --- | --- |
| TRL 1.16, DPO and KTO | none: other columns are removed before training |
| ADPA, run_distill_dpo.py | \`rejected_margin_logp_every\`: of each rejected token a struct of \`indices\` and \`values\`, the teacher's 50 likeliest tokens. \`weights\` are of the one token that is there: its loss cannot be made of them |
| AlignDistil | none: both models run while it trains; its weight of a token needs whole distributions |
| CUT | the judgment as text: it works the ratio out anew, with the model in training. \`mask\` is for a loss of your own: -w ln(1 - p) where it is 1 (w 0.1 to 1), else -ln p |
| URIAL, AlignTDS | none: they look, and do not train |

ADPA's code takes the likeliest tokens of two lists, and of one that the reference's list lacks it makes up a probability; here each token has its own. Authors found 5 to 8 % of tokens shifted in three chat models.

Not measured: no open data has this column. The rule for \`judgment\` and the classes of \`rank\` are as the authors' code has them; to use them on pairs, and advantages of the tokens that are there, are ours. Advantage and contrast earn their place where their sums order more pairs as labelled than \`columns\` alone: the summary says both. With counts of words as models, one of chosen and one of rejected sides of one half of hh's harmless-base, the sums order 59.7 % [56.9, 62.5] of the other half, and the words of chosen sides alone 55.5 % [52.6, 58.3] (\`npx vitest run test/weigh\`).`
