/** What people decided of rows: what counts of it, and what came of it. */
import { lowerShare } from '../beta.ts'

/** keep: never dropped. drop: dropped before the first stage. flip: chosen and rejected change places there. */
export const decisionWords = ['keep', 'drop', 'flip'] as const
export type DecisionWord = (typeof decisionWords)[number]

/** What somebody decided of a row, or of a pair, by its id. */
export interface Decision {
  readonly id: string
  readonly decision: DecisionWord
  /**
   * What a list for people said in `content_hash`: the decision counts for a pair with this content alone, and is one
   * on a list.
   */
  readonly content_hash?: string
}

/** What counts for an id. `hash`: the content that it was decided on; where there is none it counts for any. */
export interface Settled {
  readonly id: string
  readonly decision: DecisionWord
  readonly hash?: string
}

/** What the user wants of rows, in an order that no file's order changes. */
export interface Wanted {
  readonly keepIds: readonly string[]
  readonly decisions: readonly Settled[]
  /** Ids of which two things are wanted: neither is done. */
  readonly contradicting: readonly string[]
}

const inOrder = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
/** Of decisions that count for any content. */
const ANY = ''

/** What is wanted by id, of each content that it was decided on. */
function wantedOf(
  keepIds: readonly string[],
  decisions: readonly Decision[],
): Map<string, Map<string, Set<DecisionWord>>> {
  const byId = new Map<string, Map<string, Set<DecisionWord>>>()
  const add = (id: string, hash: string, word: DecisionWord) => {
    if (!byId.has(id)) byId.set(id, new Map())
    const words = byId.get(id)!
    words.set(hash, (words.get(hash) ?? new Set()).add(word))
  }
  for (const { id, decision, content_hash: hash = ANY } of decisions) add(id, hash, decision)
  for (const id of keepIds) if (byId.has(id)) add(id, ANY, 'keep')
  return byId
}

/** Two things of one content, or something of any content and another of one. */
function contradicts(byHash: ReadonlyMap<string, ReadonlySet<DecisionWord>>): boolean {
  const sets = [...byHash.values()]
  return byHash.has(ANY) ? new Set(sets.flatMap(words => [...words])).size > 1 : sets.some(({ size }) => size > 1)
}

/** Ids whose decisions contradict each other. */
export const contradictingIds = (decisions: readonly Decision[]): ReadonlySet<string> =>
  new Set([...wantedOf([], decisions)].flatMap(([id, byHash]) => (contradicts(byHash) ? [id] : [])))

/** One decision for each id, or for each content of it; of what contradicts itself, or `keepIds`, nothing. */
export function settle(keepIds: readonly string[] = [], decisions: readonly Decision[] = []): Wanted {
  const all = [...wantedOf(keepIds, decisions)].sort(([a], [b]) => inOrder(a, b)),
    contradicting = new Set(all.flatMap(([id, byHash]) => (contradicts(byHash) ? [id] : [])))
  return {
    keepIds: [...new Set(keepIds)].filter(id => !contradicting.has(id)),
    decisions: all
      .filter(([id]) => !contradicting.has(id))
      .flatMap(([id, byHash]): Settled[] => {
        const [[decision]] = byHash.values()
        if (byHash.has(ANY)) return [{ id, decision }]
        return [...byHash].sort(([a], [b]) => inOrder(a, b)).map(([hash, [word]]) => ({ id, decision: word, hash }))
      }),
    contradicting: [...contradicting],
  }
}

/** What was found of a decision, bits of one number. */
export const SEEN = 1,
  APPLIED = 2,
  CHANGED = 4,
  KEPT = 8

/** Decisions by their place, and what was found of each. */
export interface Found {
  readonly of: Uint32Array
  readonly found: Uint8Array
}

/** Ids of decisions that came to nothing, and the first of them. */
interface Some {
  readonly count: number
  readonly first: readonly string[]
}
/** What came of decisions: `given` ids are applied, or told in `not_applied`. */
export interface DecisionsSaid {
  readonly given: number
  readonly keep: number
  readonly drop: number
  readonly flip: number
  readonly not_applied: {
    /** Several things were wanted of the id, or of the pair and of the row that it is one of. */
    readonly contradicting: Some
    /** No row has the id. */
    readonly absent: Some
    /** The row is not what it was when it was listed. */
    readonly changed: Some
    /** The id is not that of a pair of two sides that a source reads. */
    readonly no_pair: Some
  }
  /**
   * Of applied decisions on rows of a list (those with a `content_hash`), how many say that the label was wrong (drop
   * or flip): that share, and where it lies with 95 % (Clopper and Pearson).
   */
  readonly listed?: { decided: number; wrong: number; share: number; low: number; high: number }
}

const FIRST = 5

/** Puts together what all passes found. */
export function decisionsSaid({ decisions, contradicting }: Wanted, parts: readonly Found[]): DecisionsSaid {
  const found = new Uint8Array(decisions.length)
  for (const part of parts) part.of.forEach((at, i) => (found[at] |= part.found[i]))
  const some = (ids: readonly string[]): Some => ({ count: ids.length, first: ids.slice(0, FIRST) }),
    isApplied = (at: number) => (found[at] & APPLIED) !== 0,
    isKept = (at: number) => !isApplied(at) && (found[at] & KEPT) !== 0,
    isChanged = (at: number) => !isApplied(at) && !isKept(at) && (found[at] & CHANGED) !== 0,
    where = (test: (at: number) => boolean) => decisions.filter((_, at) => test(at)),
    idsWhere = (test: (at: number) => boolean) => some(where(test).map(({ id }) => id))
  const applied = where(isApplied),
    count = (word: DecisionWord) => applied.filter(({ decision }) => decision === word).length,
    listed = applied.filter(({ hash }) => hash !== undefined),
    wrong = listed.filter(({ decision }) => decision !== 'keep').length
  return {
    given: decisions.length + contradicting.length,
    keep: count('keep'),
    drop: count('drop'),
    flip: count('flip'),
    not_applied: {
      contradicting: some([...contradicting, ...where(isKept).map(({ id }) => id)]),
      absent: idsWhere(at => found[at] === 0),
      changed: idsWhere(isChanged),
      no_pair: idsWhere(at => found[at] === SEEN),
    },
    ...(listed.length === 0
      ? {}
      : {
          listed: {
            decided: listed.length,
            wrong,
            share: wrong / listed.length,
            low: lowerShare(wrong, listed.length, 0.025),
            high: 1 - lowerShare(listed.length - wrong, listed.length, 0.025),
          },
        }),
  }
}

const share = (value: number): string => `${(100 * value).toFixed(1)} %`
/** How right the list was, in words. */
export const listedSaid = ({ decided, wrong, share: of, low, high }: NonNullable<DecisionsSaid['listed']>): string =>
  `of ${decided.toLocaleString('en-US')} decided rows of the list ${wrong.toLocaleString('en-US')} were wrong (drop or flip): ${share(of)} [${share(low)}, ${share(high)}]`
