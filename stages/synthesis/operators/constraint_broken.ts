/** An error against the prompt: a limit on length, words, form or language that it asks for is not kept. */
import { constraintsOf, wordCount, type Constraint } from '../constraints.ts'
import { shuffled } from '../draw.ts'
import { foreignSentences, sentencesOf } from '../languages.ts'
import { spanOf } from '../prove.ts'
import { growth, inPoints, replace, type Patch, type Solution } from '../solution.ts'
import type { ErrorOperator } from './define.ts'

/** so far past a number of words that no way of counting brings it back */
const MARGIN = 1.1
const EXTRA = 3
/**
 * sentences of the prompt that are tried in one place of an answer in another language, those of the most alike length
 */
const MOST_ALIKE = 3
/** a text is not repeated more often than this to make it long */
const MOST_COPIES = 4

interface Asked {
  readonly asked: Constraint
  readonly before: number
}

/** What the prompt asks for in so many words is not done. */
export const constraintBroken: ErrorOperator<Asked> = {
  name: 'constraint_broken',
  proof: 'constraint',
  about:
    'The answer breaks a constraint that the prompt states and that it kept: a number of words, a word to use or to avoid, capitals, commas, JSON, how to begin or end, a language.',
  needs:
    "a constraint in English words, of a kind that a checker knows, and an answer that the checker confirms. For a language (read in Chinese too): a sentence of another one in the prompt, which takes the place of one of the answer's",
  rise: ['misread the question'],
  example: {
    prompt: 'Describe the sea. Do not use the word "blue".',
    text: 'It is wide and deep, and it is never still.',
    edited: 'It is blue and deep, and it is never still.',
  },
  places: ({ prompt = '', text }) =>
    constraintsOf(prompt)
      .map(asked => ({ asked, before: asked.measure(text) }))
      .filter(({ asked, before }) => text.trim() !== '' && asked.holds(before)),
  *candidates(solution, { asked }, draw) {
    for (const patch of patchesFor(solution, asked, draw)) yield [patch]
  },
  prove(solution, { asked, before }, patches) {
    const text = replace(solution.text, 0, solution.text.length, patches),
      after = asked.measure(text)
    if (asked.holds(after)) return { refused: 'still_true' }
    const limit = Number(asked.about)
    if (asked.kind === 'most_words' && after < limit * MARGIN + EXTRA) return { refused: 'still_true' }
    if (asked.kind === 'least_words' && after > limit / MARGIN - EXTRA) return { refused: 'still_true' }
    const { start, end } = spanOf(patches),
      span = inPoints(text, start, end + growth(patches))
    return {
      text,
      start: Math.min(span.start, [...text].length - 1),
      end: Math.max(span.end, Math.min(span.start, [...text].length - 1) + 1),
      proof: `asked: ${asked.said}; ${before} in the chosen side, ${after} in the rejected side`,
    }
  },
}

const SENTENCE = /[^.!?\n]+[.!?]+(?:\s+|$)|[^.!?\n]+(?:\n+|$)/gu

function* patchesFor(
  { text, prompt = '' }: Solution,
  { kind, about }: Constraint,
  draw: (n: number) => number,
): Generator<Patch> {
  const sentences = [...text.matchAll(SENTENCE)].map(match => ({
    start: match.index,
    end: match.index + match[0].length,
  }))
  const words = shuffled(
    [...text.matchAll(/(?<![\p{L}\p{N}])\p{L}{2,}(?![\p{L}\p{N}])/gu)].map(match => ({
      start: match.index,
      end: match.index + match[0].length,
      word: match[0],
    })),
    draw,
  ).slice(0, 20)
  switch (kind) {
    case 'most_words': {
      // what was said last is said again
      const limit = Number(about),
        said = text.trimEnd(),
        copies = Math.ceil((limit * MARGIN + EXTRA) / Math.max(1, wordCount(text))) - 1
      if (copies <= MOST_COPIES) {
        yield { start: said.length, end: said.length, text: ` ${said}`.repeat(Math.max(1, copies)) }
      }
      return
    }
    case 'least_words':
      for (let i = sentences.length - 1; i > 0; i--) yield { start: sentences[i].start, end: text.length, text: '' }
      return
    case 'keyword': {
      const found = [...text.matchAll(new RegExp(about.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'giu'))]
      const first = found[0],
        last = found.at(-1)
      if (!first || !last || found.length > 1) return
      const other = words.find(({ word }) => !word.toLowerCase().includes(about.toLowerCase()))
      if (other) yield { start: first.index, end: first.index + first[0].length, text: other.word }
      return
    }
    case 'no_keyword':
      for (const { start, end } of words) yield { start, end, text: about }
      return
    case 'lower_case':
      for (const { start, end, word } of words) yield { start, end, text: word[0].toUpperCase() + word.slice(1) }
      return
    case 'upper_case':
      for (const { start, end, word } of words) yield { start, end, text: word[0] + word.slice(1).toLowerCase() }
      return
    case 'no_commas':
      for (const { end } of words) if (text[end] === ' ') yield { start: end, end, text: ',' }
      return
    case 'json': {
      const close = text.trimEnd().length - 1
      yield { start: close, end: close + 1, text: '' }
      return
    }
    case 'starts_with': {
      const start = text.length - text.trimStart().length
      if (sentences.length > 1) yield { start, end: sentences[1].start, text: '' }
      return
    }
    case 'ends_with': {
      const end = text.trimEnd().length
      yield { start: Math.max(0, end - about.length), end, text: '' }
      return
    }
    case 'language': {
      const said = sentencesOf(text),
        others = foreignSentences(prompt, about)
      // the only sentence would leave an echo of the prompt
      if (said.length < 2) return
      for (const { start, end } of shuffled(said, draw)) {
        const alike = [...others]
          .sort((a, b) => Math.abs(a.length - (end - start)) - Math.abs(b.length - (end - start)))
          .slice(0, MOST_ALIKE)
        for (const other of alike) yield { start, end, text: other }
      }
    }
  }
}
