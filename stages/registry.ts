/**
 * Every stage that a graph can name without a path: one line a stage, alphabetical. A stage is loaded when it is named.
 */
import type { AnyKind, Registry } from '../engine/contract/define.ts'

const modules: Readonly<Record<string, () => Promise<{ readonly default: AnyKind }>>> = {
  add_tokens: () => import('./tokens/add_tokens.ts'),
  add_votes: () => import('./noise/add_votes.ts'),
  audit_groups: () => import('./audit/audit_groups.ts'),
  audit_labels: () => import('./audit/audit_labels.ts'),
  audit_lengths: () => import('./audit/audit_lengths.ts'),
  audit_shortcuts: () => import('./audit/audit_shortcuts.ts'),
  audit_transitivity: () => import('./audit/audit_transitivity.ts'),
  audit_truncation: () => import('./tokens/audit_truncation.ts'),
  balance_groups: () => import('./sample/balance_groups.ts'),
  calibrate_scores: () => import('./scores/calibrate_scores.ts'),
  check_pairs: () => import('./check/check_pairs.ts'),
  combine_scores: () => import('./scores/combine_scores.ts'),
  detect_noise: () => import('./noise/detect_noise.ts'),
  drop_by_column: () => import('./check/drop_by_column.ts'),
  drop_ches: () => import('./check/drop_ches.ts'),
  drop_contaminated: () => import('./dedup/drop_contaminated.ts'),
  drop_duplicates: () => import('./dedup/drop_duplicates.ts'),
  drop_length: () => import('./check/drop_length.ts'),
  drop_length_ratio: () => import('./check/drop_length_ratio.ts'),
  drop_near_duplicates: () => import('./dedup/drop_near_duplicates.ts'),
  drop_repetition: () => import('./check/drop_repetition.ts'),
  drop_truncated: () => import('./tokens/drop_truncated.ts'),
  flag_entangled: () => import('./check/flag_entangled.ts'),
  flag_off_policy: () => import('./check/flag_off_policy.ts'),
  flag_refusals: () => import('./check/flag_refusals.ts'),
  inject_errors: () => import('./synthesis/inject_errors.ts'),
  judge_pairs: () => import('./served/judge_pairs.ts'),
  pair_candidates: () => import('./pairs/pair_candidates.ts'),
  peer_review: () => import('./review/peer_review.ts'),
  rank_agreement: () => import('./noise/rank_agreement.ts'),
  read_arrow: () => import('./sources/read_arrow.ts'),
  read_csv: () => import('./sources/read_csv.ts'),
  read_jsonl: () => import('./sources/read_jsonl.ts'),
  read_parquet: () => import('./sources/read_parquet.ts'),
  rename_columns: () => import('./columns/rename_columns.ts'),
  sample_mix: () => import('./sample/sample_mix.ts'),
  sample_per_prompt: () => import('./sample/sample_per_prompt.ts'),
  sample_rows: () => import('./sample/sample_rows.ts'),
  score_pairs: () => import('./served/score_pairs.ts'),
  score_shortcuts: () => import('./audit/score_shortcuts.ts'),
  select_columns: () => import('./columns/select_columns.ts'),
  self_edit: () => import('./served/self_edit.ts'),
  split_by_prompt: () => import('./sample/split_by_prompt.ts'),
  vote_pairs: () => import('./noise/vote_pairs.ts'),
  weigh_density: () => import('./weigh/weigh_density.ts'),
  weigh_tokens: () => import('./weigh/weigh_tokens.ts'),
  write_argilla: () => import('./sinks/write_argilla.ts'),
  write_arrow: () => import('./sinks/write_arrow.ts'),
  write_jsonl: () => import('./sinks/write_jsonl.ts'),
  write_label_studio: () => import('./sinks/write_label_studio.ts'),
  write_parquet: () => import('./sinks/write_parquet.ts'),
  write_unpaired: () => import('./sinks/write_unpaired.ts'),
}

export const registry: Registry = new Map(
  Object.entries(modules).map(([name, load]) => [name, async () => (await load()).default]),
)

/** All stages by their names, for pages and schemas. */
export const allStages = async (): Promise<ReadonlyMap<string, AnyKind>> =>
  new Map(await Promise.all([...registry].map(async ([name, load]) => [name, await load()] as const)))
