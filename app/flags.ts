/** The options of the command line. */
import type { Flags, FlagValues } from './arguments.ts'

export const flags = {
  input: {
    type: 'string',
    multiple: true,
    about:
      'GLOB   file, folder or glob (.parquet, .jsonl, .csv, .arrow) to read instead of what the graph names, - for JSON Lines or CSV from standard input; repeatable',
  },
  output: { type: 'string', default: 'out', about: 'DIR   where runs are published (default: out)' },
  graph: { type: 'string', about: 'FILE   the graph to run' },
  set: { type: 'string', multiple: true, about: 'STAGE.OPTION=VALUE   replaces an option of the graph; repeatable' },
  workers: { type: 'string', least: 1, about: 'N   worker threads (default: the processors there are)' },
  seed: { type: 'string', least: 0, about: "N   replaces the graph's seed" },
  limit: { type: 'string', least: 1, about: 'N   only the first N rows of the first files: a first look' },
  sample: {
    type: 'string',
    least: 1,
    about: 'N   only N rows, picked from all files by a hash of seed, file and row: a fair first look',
  },
  answers: {
    type: 'string',
    about:
      'DIR   where paid answers of servers are kept, for all graphs that name it (default: .sluice/answers of the output)',
  },
  anew: {
    type: 'boolean',
    about:
      'work everything out again though nothing changed: kept answers of servers are used, calls that failed are made again',
  },
  'keep-ids': {
    type: 'string',
    about:
      'FILE   ids, one a line, of rows that are never dropped, nor the pairs made of them, but for what is broken; recorded in the ledger',
  },
  decisions: {
    type: 'string',
    about:
      'FILE   what people decided of rows (.csv, .jsonl, .json, .parquet: id and keep, drop or flip), applied before the first stage',
  },
  map: {
    type: 'string',
    about:
      'FILE   where the pairs of the inputs are, a mapping in YAML as `sluice look` writes it, or the name of a preset',
  },
  'accept-layout': {
    type: 'boolean',
    about: 'inputs whose pairs lie otherwise than in the run before: without it they are refused',
  },
  verbose: { type: 'boolean', about: 'behind the summary all that stages, audits and sinks say' },
  quiet: { type: 'boolean', about: 'nothing but warnings and errors' },
  json: { type: 'boolean', about: 'the summary, or what else is asked for, as JSON on stdout' },
  'no-data': { type: 'boolean', about: 'check: the text of the graph alone, without opening its inputs' },
  presets: { type: 'boolean', about: 'look: the public sets that are known by their columns' },
  paper: { type: 'string', about: 'NAME   stages: those of a paper, by its arXiv number or words of its title' },
  reason: { type: 'string', about: 'STAGE.REASON   show: rows that were left out for it' },
  noted: { type: 'string', about: 'STAGE.NOTE   show: rows of which it was noted' },
  made: { type: 'boolean', about: 'show: pairs that stages made' },
  kept: { type: 'boolean', about: 'show: pairs to train on as they came' },
  lowest: {
    type: 'string',
    isOptional: true,
    about: '[COLUMN]   show: those with the lowest numbers there first (default: the least likely labels)',
  },
  between: { type: 'string', about: 'A,B   show: those alone whose number lies there' },
  count: { type: 'string', short: 'n', least: 1, about: 'N, -n N   show, diff: so many (default: 5)' },
  rows: { type: 'boolean', about: 'diff: the rows whose fate changed, too (so many as -n says; default: 20)' },
  plan: { type: 'boolean', about: 'check: what a run does, pass by pass, with columns, tables, calls and cost' },
  mermaid: { type: 'boolean', about: 'check: the graph as text of Mermaid' },
  refit: { type: 'boolean', about: 'sweep: what learns from rows learns anew for each value' },
  list: { type: 'string', about: 'SINK   review: the list, where a run has several' },
  by: { type: 'string', about: 'NAME   review: who decides (default: the name of the user)' },
  port: { type: 'string', least: 1, about: 'N   review: where the page is served (default: any that is free)' },
  help: { type: 'boolean', short: 'h', about: 'this' },
} as const satisfies Flags
export type Name = keyof typeof flags
export type CliValues = FlagValues<typeof flags>

/** Options of other commands than `run`. */
const others = [
  'no-data',
  'presets',
  'paper',
  'reason',
  'noted',
  'made',
  'kept',
  'lowest',
  'between',
  'count',
  'rows',
  'plan',
  'mermaid',
  'refit',
  'list',
  'by',
  'port',
] as const
/** What a run takes, on whatever command line. */
export const runFlags = Object.fromEntries(
  Object.entries(flags).filter(([name]) => !others.some(other => other === name)),
) as Omit<typeof flags, (typeof others)[number]>
export type RunValues = FlagValues<typeof runFlags>
