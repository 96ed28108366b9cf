/** README.md of a run: the dataset card of its shards, as the Hugging Face Hub and `datasets` read it. */
import { extname } from 'node:path'
import { stringify } from 'yaml'
import type { Reason } from '../contract/define.ts'
import { inLine } from '../terminal.ts'
import { pairInputs, type Manifest } from '../run/manifest.ts'
import { families, familyOf } from './shape.ts'

const n = (value: number): string => value.toLocaleString('en-US')
const percent = (part: number, whole: number): string => `${((100 * part) / Math.max(1, whole)).toFixed(1)} %`
/** Text of the data or of its files in a cell: no mark of a table, no HTML, on one line. */
const cell = (text: string): string => inLine(text).replace(/[\\|`*_<>[\]&]/g, sign => `\\${sign}`)
const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]): string =>
  [head, head.map(() => '---'), ...rows]
    .map(row => `| ${row.map(value => (typeof value === 'number' ? n(value) : value)).join(' | ')} |`)
    .join('\n')
/** Longer than any such line within it. */
const fenced = (language: string, text: string): string => {
  const fence = '`'.repeat(Math.max(3, ...[...text.matchAll(/`+/g)].map(([run]) => run.length + 1)))
  return `${fence}${language}\n${text.trimEnd()}\n${fence}`
}

/** The bounds of the Hub's size categories. */
const sizes = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9]
const named = (bound: number): string => (bound < 1e6 ? `${bound / 1e3}K` : bound < 1e9 ? `${bound / 1e6}M` : '1B')
function sizeOf(rows: number): string {
  const at = sizes.findIndex(bound => rows < bound)
  if (at < 0) return 'n>1B'
  return at === 0 ? 'n<1K' : `${named(sizes[at - 1])}<n<${named(sizes[at])}`
}

/**
 * Of the outputs in `training`, by id with their files; each is a configuration, so that `load_dataset(folder, id)`
 * reads it and nothing else that lies in the run. What nobody but the owner can say, the licence above all, is left to
 * fill in. The same for equal runs.
 */
export function datasetCard(
  manifest: Manifest,
  training: ReadonlyMap<string, readonly string[]>,
  reasonOf: (stage: string, reason: string) => Reason | undefined,
): string {
  const { graph, rows, sinks, stages } = manifest,
    ids = [...training.keys()],
    out = ids.reduce((sum, id) => sum + sinks[id].rows, 0)
  const front = {
    license: 'unknown',
    task_categories: ['text-generation'],
    tags: ['preference', 'dpo', 'sluice'],
    size_categories: [sizeOf(out)],
    configs: [...training].map(([id, files], i) => ({
      config_name: id,
      ...(i === 0 ? { default: true } : {}),
      // what lies beside shards of `save_to_disk` ends so
      data_files: `${id}/*${extname(files.find(file => !file.endsWith('.json')) ?? '')}`,
    })),
  }
  const left = Object.entries(stages).flatMap(([id, stage]) =>
    Object.entries(stage.reasons).map(([reason, count]) => {
      const said = reasonOf(id, reason)
      return {
        count,
        row: [said ? families[familyOf(said)] : '', `\`${id}.${reason}\``, cell(said?.about ?? ''), count],
      }
    }),
  )
  const labels = Object.entries(stages).flatMap(([id, { report }]) =>
    report && ('precision' in report.numbers || 'expected' in report.numbers || 'disagree' in report.numbers)
      ? report.lines.map(line => `- \`${id}\`: ${cell(line)}`)
      : [],
  )
  const made = rows.derived
  return `---
# license: fill in one that the sources below allow, as in \`license: cc-by-4.0\`
${stringify(front).trimEnd()}
---

# ${cell(graph.name)}

${n(out)} rows to train on${made > 0 ? `, among them pairs that were made (${n(made)} in all)` : ''}, from ${n(rows.read)} rows read. Written by [Sluice](https://www.npmjs.com/package/sluice-data) ${manifest.sluice}, which says of every row what became of it.

\`\`\`python
from datasets import load_dataset

${ids.map(id => `pairs = load_dataset('path/of/this/folder', '${id}', split='train') # ${n(sinks[id].rows)} rows`).join('\n')}
\`\`\`

Columns: ${ids.map(id => `\`${id}\` has ${sinks[id].columns.map(name => `\`${inLine(name)}\``).join(', ')}`).join('; ')}.

## Sources

To fill in: who made them, under which licence, in which languages, and what may not be done with them.

${table(
  ['file', 'rows', 'layout', 'sha256'],
  pairInputs(manifest).map(({ path, rows, layout, sha256 }) => [cell(path), rows, layout, sha256]),
)}

## What was left out, and why

Of ${n(rows.read)} rows ${n(rows.kept)} were kept, ${n(rows.dropped)} dropped (${percent(rows.dropped, rows.read)})${rows.errored > 0 ? ` and ${n(rows.errored)} could not be worked on` : ''}.

${
  left.length === 0
    ? 'No stage dropped a row.'
    : table(
        ['why', 'reason', 'what it is', 'rows'],
        left.sort((a, b) => b.count - a.count).map(({ row }) => row),
      )
}

## Label quality

${labels.length > 0 ? labels.join('\n') : 'Nothing was measured: no stage of the graph looks at labels.'}

## How it was made

Seed ${graph.seed}, run ${manifest.hash}. The graph, with every option:

${fenced(
  'yaml',
  stringify(
    {
      version: 1,
      name: graph.name,
      seed: graph.seed,
      stages: graph.stages.map(({ id, use, with: options, from }) => ({ id, use, with: options, from })),
    },
    { lineWidth: 0 },
  ),
)}
`
}
