/** Objects with a list of texts and, beside it, a list that says of each whether it is right. */
import type { Fact } from './facts.ts'
import { WHICH } from './prompts.ts'
import type { Proposal } from './proposal.ts'

const parentOf = ({ path }: Fact): string => path.split('.').slice(0, -1).join('.')

const sizesOf = ({ values }: Fact): string =>
  JSON.stringify(values.map(value => (Array.isArray(value) ? value.length : 0)))

/** Whether a list within an object holds true and false, or 1 and 0, under a name of labels. */
const isLabels = (fact: Fact): boolean =>
  fact.isList &&
  parentOf(fact) !== '' &&
  !parentOf(fact).includes('[]') &&
  /label|correct|right|gold|true/i.test(fact.name) &&
  (fact.kind === 'bool' ||
    (fact.kind === 'number' && fact.values.flat().every(value => value === null || [0, 1].includes(Number(value)))))

export function ofLabelled(facts: readonly Fact[], asked: Fact | undefined): Proposal[] {
  const prompt = asked?.path ?? 'PROMPT'
  return facts.filter(isLabels).flatMap(labels => {
    const texts = facts.find(
      fact =>
        fact.isList &&
        fact.kind === 'text' &&
        fact.length >= 3 &&
        parentOf(fact) === parentOf(labels) &&
        sizesOf(fact) === sizesOf(labels),
    )
    if (!texts) return []
    const [good, bad] = labels.kind === 'bool' ? [true, false] : [1, 0]
    return [
      {
        what: `${texts.path} are answers to ${prompt}, ${labels.path} says of each whether it is right`,
        map: { prompt, list: texts.path, labels: { by: labels.path, good, bad } },
        asks: [
          ...(asked ? [] : [WHICH]),
          `does ${labels.path} ${good} mean a right answer? if not, exchange good and bad`,
        ],
      },
    ]
  })
}
