/** What the page of detect_noise says of it. */
export const details = `Linear Bradley-Terry heads are cross-fitted on a seeded sample, with folds by prompt, so that no pair is judged by a head that saw its prompt; \`standings\` look how its two answers fared against others in all pairs but
this one; scores that the data carries judge beside them. Their margins are weighed by what each can see (a logistic regression, itself cross-fitted and pulled to the plain mean where there is little to go by). All of this is done five times with
other folds, and the means judge.

Margins alone bound the share of wrong labels from above: it is at most the share that reviewers contradict, however sure they are. They say nothing of how many are wrong at least, and the summary never claims it. At a share half way between the
likeliest and that bound, \`<id>_probability\` is the probability that the label is right, and \`<id>_agreement\` the share of labels that agree with reviewers who are this sure: of all pairs with that margin, and not the chance that a second label
of this pair would agree.
A pair whose label is more likely wrong than right, and which such reviewers contradict 3 times of 5 at least, is found wrong. None is, where a label that is turned round is hardly told from the others (\`min_auroc\`), where reviewers who are
surest agree with fewer than 3 of 5 labels, and among less than 50 pairs; the summary says which, and what would help. This stage drops nothing: a \`peer_review\` after it with \`panel:\` and its id does, by the columns that are written here. Whatever is dropped, people get a list: \`<id>.doubtful\`, which a sink \`for: review\` with \`order_by: <id>_probability\` takes.

What heads on words and style cannot see, such as a false fact, they cannot find; and what is wrong for hard pairs more often than for easy ones escapes the bound.

Each signal has a column of its own:

| column | signal |
| --- | --- |
| \`probability\`, \`agreement\` | the weighed sum of all reviewers, as above; \`margin\` is that sum, \`margin_<reviewer>\` what each says: above 0 for the label |
| \`class\` | \`agreed\`: no reviewer's margin is below 0; \`reversed\`: those of all who have a say are; \`ambiguous\`: some |
| \`drop_stack\`, \`drop_both\`, \`drop_either\` | what each \`rule\` of \`peer_review\` drops |
| \`probability_either\`, \`agreement_either\` | what \`rule: either\` goes by: the least of the weighed sum's and of each reviewer's by its own margins |
| \`curriculum_rank\`, \`soft_label\` | from easy (0) to hard (1), a quantile of the margins; the probability for losses that take one, 1 for all where nothing may be dropped |
| \`against\` | of doubtful pairs which reviewers speak against the label, and by what: the words and measures of style that take most from the margin |
| \`flagged\` | confident learning, in its closed form for pairs: the chance of the opposite label reaches the mean chance of the labels as given. No noise rate is needed |
| \`mixture\` | the weighed sum as two normal bells that mirror each other (after PerpCorrect): the chance that the bell of right labels made it. Its noise rate is in the manifest |
| \`neighbours\` | with \`neighbours: true\`: the pairs most alike, in other prompts (after the re-annotators of arXiv 2205.05368). Off unless asked for: in docs/benchmarks/labels.md it finds less than any reviewer |
| \`votes\` | with \`vote_columns\` or \`vote_lists\`: people's votes, each weighed by how often that person is right (after Dawid and Skene 1979) |
| \`ratings\` | with \`rating_columns\`: 1 where the chosen side is rated higher, 0 where they tie, -1 where it is rated lower. Ratings and rankings of the same people disagree often (arXiv 2308.15812): the summary counts them |`
