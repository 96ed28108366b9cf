/** Which answers were compared with which: of all pairs, in 12 bytes each. */
import type { Comparisons } from '../../models/standings.ts'

/** Comparisons with the hash of their prompt, of every prompt whose hash is a multiple of `every`. */
export interface PromptComparisons extends Comparisons {
  readonly prompt: Uint32Array
  readonly every: number
}

/** Comparisons that are held at most; beyond it every second prompt goes, with all its comparisons. */
const MOST = 1 << 20

/** Collects the comparisons of a partition, at most `most`. */
export class ComparisonBuilder {
  #prompt: number[] = []
  #chosen: number[] = []
  #rejected: number[] = []
  #every = 1
  readonly #most: number

  constructor(most = MOST) {
    this.#most = most
  }

  add(prompt: number, chosen: number, rejected: number): void {
    if (prompt % this.#every !== 0) return
    this.#prompt.push(prompt)
    this.#chosen.push(chosen)
    this.#rejected.push(rejected)
    while (this.#prompt.length > this.#most && this.#every < 2 ** 31) this.#keep(thinned(this.take(), this.#every * 2))
  }

  take(): PromptComparisons {
    return {
      prompt: Uint32Array.from(this.#prompt),
      chosen: Uint32Array.from(this.#chosen),
      rejected: Uint32Array.from(this.#rejected),
      every: this.#every,
    }
  }

  #keep({ prompt, chosen, rejected, every }: PromptComparisons): void {
    this.#prompt = [...prompt]
    this.#chosen = [...chosen]
    this.#rejected = [...rejected]
    this.#every = every
  }
}

/** Those of all partitions, of as many prompts as there is room for. */
export function joinComparisons(parts: readonly PromptComparisons[], most = MOST): PromptComparisons {
  let every = parts.reduce((largest, part) => Math.max(largest, part.every), 1),
    some = parts
  for (;;) {
    some = some.map(part => thinned(part, every))
    if (some.reduce((n, { prompt }) => n + prompt.length, 0) <= most || every >= 2 ** 31) break
    every *= 2
  }
  const joined = (of: (part: PromptComparisons) => Uint32Array) => {
    const all = new Uint32Array(some.reduce((n, part) => n + of(part).length, 0))
    let at = 0
    for (const part of some) {
      all.set(of(part), at)
      at += of(part).length
    }
    return all
  }
  return {
    prompt: joined(part => part.prompt),
    chosen: joined(part => part.chosen),
    rejected: joined(part => part.rejected),
    every,
  }
}

function thinned(part: PromptComparisons, every: number): PromptComparisons {
  if (every === part.every) return part
  const picked = Uint32Array.from(part.prompt, (_, i) => i).filter(i => part.prompt[i] % every === 0)
  return {
    prompt: picked.map(i => part.prompt[i]),
    chosen: picked.map(i => part.chosen[i]),
    rejected: picked.map(i => part.rejected[i]),
    every,
  }
}

/** The answers of the rows of a batch, taken and forgotten. */
export function answersOf(): { add(chosen: number, rejected: number): void; take(): Comparisons } {
  let chosen: number[] = [],
    rejected: number[] = []
  return {
    add(ours, theirs) {
      chosen.push(ours)
      rejected.push(theirs)
    },
    take() {
      const taken = { chosen: Uint32Array.from(chosen), rejected: Uint32Array.from(rejected) }
      chosen = []
      rejected = []
      return taken
    },
  }
}
