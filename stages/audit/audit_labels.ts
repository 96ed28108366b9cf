/** What labels given more than once say: how often two labels of a pair disagree, and how many must be wrong. */
import { defineAudit, round, Type } from '../../engine/contract/define.ts'
import { addLabels, cutLabels, mergeLabels, noLabels } from './label_counts.ts'
import { labelReport } from './label_report.ts'

const ask = (chosen: string, rejected: string, annotator?: string) => ({ prompt: 'Best?', chosen, rejected, annotator })

export default defineAudit({
  name: 'audit_labels',
  version: 1,
  status: { is: 'as published' },
  summary:
    'Say how often two labels of one pair disagree, and what share of labels is wrong if errors are independent.',
  details: `The only evidence of wrong labels that needs no reviewer and no model: pairs that were labelled more than once, and three answers to a prompt of which each two were compared, whose labels may go round in a circle. It must see the rows before
duplicates are dropped. Two shares are printed, each with its 95 % interval: how often two labels of one pair disagree (D), and what share of labels is wrong, (1 - sqrt(1 - 2 D)) / 2, if errors are independent and as likely for every pair. Circles give the same from (1 - sqrt(1 - 4 s)) / 2
of their share s, if the answers have one true order; their interval counts each comparison once, however many triples it is in. Where the lower end lies above what \`detect_noise\` prints as the most that may be wrong, believe this one and set its \`noise_rate\`.

Rows that were only copied pass for labels that agree, so with copies in the data more is wrong than is said. Hard pairs are wrong more often than easy ones, and are labelled twice more often where people were unsure. Pairs are equal as in \`drop_duplicates\`, but that only texts are compared: where pictures or tools tell equal texts apart,
name a text column that does so in \`apart\`. With \`by\` each annotator is held against the others' labels of the same pairs. Counted are all labels of up to 100,000 pairs and of up to 2,000 prompts (24 answers each), those with the smallest hashes: the same ones however the rows lie in files.`,
  paper: {
    title: 'TrustJudge: Inconsistencies of LLM-as-a-Judge and How to Alleviate Them',
    arxiv: '2509.21117',
    form: 'after',
  },
  options: Type.Object({
    by: Type.Optional(Type.String({ minLength: 1, description: 'text column with the name of who gave the label' })),
    apart: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        minItems: 1,
        uniqueItems: true,
        description: 'text columns of what pairs are about beside their texts: pairs that differ in one are not equal',
      }),
    ),
  }),
  inputs: ({ by, apart = [] }) => ({
    labels: {
      prompt: 'messages',
      chosen: 'messages',
      rejected: 'messages',
      ...Object.fromEntries([by ?? [], apart].flat().map(name => [name, 'text' as const])),
    },
  }),
  examples: [
    {
      title: 'one of two pairs that were labelled twice has two opposite labels',
      inputs: {
        labels: [ask('Tea', 'Milk'), ask('Tea', 'MILK'), ask('Tea', 'Rum'), ask('Rum', 'Tea'), ask('Rum', 'Gin')],
      },
      numbers: { labels: 5, pairs: 3, repeated: 2, disagree: 0.5, wrong: 0.5 },
    },
    {
      title: 'three answers in a circle, three in an order; who contradicts the others',
      options: { by: 'annotator' },
      inputs: {
        labels: [
          ...[ask('Tea', 'Milk', 'ann'), ask('Milk', 'Rum', 'ann'), ask('Rum', 'Tea', 'bo')],
          ...[ask('Tea', 'Milk', 'bo'), ask('Rum', 'Tea', 'cy'), ask('Milk', 'Tea', 'di')],
          ...[ask('Tea', 'Gin', 'ann'), ask('Tea', 'Ale', 'ann'), ask('Gin', 'Ale', 'cy')],
        ],
      },
      numbers: { repeated: 2, triples: 2, circles: 0.5, by_name: { bo: 2 / 3, ann: 0.5, di: 0, cy: 1 } },
    },
  ],
  tally: ({ by, apart }) =>
    round({
      collect() {
        const labels = noLabels()
        return {
          batch: batch => addLabels(labels, batch, { by, apart }),
          part: () => cutLabels(labels),
        }
      },
      merge: mergeLabels,
    }),
  report: ({ by }, { labels }) => labelReport(labels, by),
})
