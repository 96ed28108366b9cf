/** Why a row of a file is no pair: what every source can say of one. */

export const layoutReasons = {
  missing_prompt: { kind: 'broken', about: 'the prompt is null' },
  missing_chosen: { kind: 'broken', about: 'the chosen completion is null' },
  missing_rejected: { kind: 'broken', about: 'the rejected completion is null' },
  tied_vote: {
    kind: 'broken',
    family: 'ties',
    about: 'chosen and rejected are both null: neither answer was preferred',
  },
  unreadable_prompt: {
    kind: 'broken',
    about:
      'the prompt is no JSON list of messages, or cut within a character, or an object of it has a key twice, a number beyond float64 or too many levels, or its history is no list of [question, answer]',
  },
  unreadable_side: {
    kind: 'broken',
    about:
      'chosen or rejected is no JSON list of messages, or cut within a character, or an object of it has a key twice, a number beyond float64 or too many levels',
  },
  unreadable_transcript: {
    kind: 'broken',
    about: 'a transcript does not begin with a Human turn, end with an Assistant turn, and take turns between',
  },
  no_common_prompt: { kind: 'broken', about: 'the two conversations do not begin with the same message' },
  one_continues: {
    kind: 'broken',
    about: 'one conversation is the beginning of the other: where they part there is no second answer',
  },
  prompt_differs: { kind: 'broken', about: 'a side holds a conversation that is not the one of the prompt' },
  too_few_completions: { kind: 'broken', about: 'fewer than two completions with a text and a score' },
  unequal_lists: { kind: 'broken', about: 'there are not as many scores as completions; the value is the difference' },
  tied_scores: { kind: 'broken', family: 'ties', about: 'all completions have the same score, which is the value' },
  inexact_score: {
    kind: 'broken',
    about:
      'a score of the row, or of another reply to its prompt, is an integer beyond 2^53 that float64, which scores are read as, cannot hold',
  },
  tied_label: {
    kind: 'broken',
    family: 'ties',
    about: 'the label, the votes or the scores of the two answers prefer none',
  },
  unreadable_label: {
    kind: 'broken',
    about: 'the label is null, or none of those that `map` names, or a score of the two answers is no number',
  },
  no_answer: {
    kind: 'configured',
    isAsked: true,
    about:
      'of a tree of messages: it asks, or is no answer for another reason; it stands in the prompts of those below',
  },
  unused_completion: {
    kind: 'broken',
    about:
      'a note, not a drop: the row has two scored completions and more, and another one that has no text, one that cannot be read, or no score',
  },
  contradicted_score: {
    kind: 'quality',
    family: 'both_ways',
    about:
      'a note, not a drop: the score of a completion is the opposite of what its aspects say (`contradicted` of `map`), and it takes no part',
  },
  below_min_score: {
    kind: 'configured',
    limit: 'min_score',
    about: 'the highest score, of ranks the least, of those that would be chosen',
  },
  small_gap: {
    kind: 'configured',
    limit: 'min_gap',
    about: 'the greatest difference of the scores of two completions that would be a pair',
  },
  left_out: {
    kind: 'configured',
    about:
      '`pairing` and its limits leave completions out, such as those between the highest and the lowest score with `best_worst`; the row is noted, and makes its pairs',
  },
  equal_scores: {
    kind: 'configured',
    option: 'ties',
    about: 'the file’s own scores of chosen and rejected are equal; a note unless `ties` is drop',
  },
  opposed_scores: {
    kind: 'configured',
    option: 'opposed',
    about: 'the file’s own scores call the rejected side the better one, by the value; a note unless `opposed` is drop',
  },
  decided: { kind: 'configured', isAsked: true, about: 'a decision of --decisions says to drop it' },
  unreadable_line: {
    kind: 'broken',
    about:
      'the line or record is no row: no JSON object, or not as many fields as the header; not UTF-8, an object of it has a key twice, a number of it is beyond float64, or a value of it is not of the kind that its column has, would be rounded or is cut in the middle of a character',
  },
} as const
