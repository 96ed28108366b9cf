/** Which of the answers to a prompt, of which each two were compared, cannot be put in an order. */

/** 1: the first of two answers is the better one, 0: they tie, -1: the second is; undefined: they were not compared. */
export type Relation = 1 | 0 | -1 | undefined

/**
 * What is wrong with three answers a, b and c, by how a and b, b and c, and a and c compare. A circle: each is better
 * than the next. A tie contradiction: what two comparisons say of the third pair is not so, and one of the three is a
 * tie. The same for any order of the answers.
 */
export function wrongOfTriple(ab: 1 | 0 | -1, bc: 1 | 0 | -1, ac: 1 | 0 | -1): 'circle' | 'tie' | undefined {
  // one is better than both others, or worse: of these nothing follows
  if (ab * bc < 0) return undefined
  const follows = ab === 0 ? bc : ab
  if (ac === follows) return undefined
  return ab * bc * ac === 0 ? 'tie' : 'circle'
}

export interface Subsets {
  /** Of so many answers, those of which each two were compared. */
  complete: number
  /** Those of them with a triple that is wrong. */
  wrong: number
  /** Subsets of which two answers were not compared. */
  left_out: number
  /** Triples of which each two were compared, and what is wrong with them. */
  triples: number
  circles: number
  ties: number
}
export const noSubsets = (): Subsets => ({ complete: 0, wrong: 0, left_out: 0, triples: 0, circles: 0, ties: 0 })

/** How many ways there are to take k of n. */
const choose = (n: number, k: number): number => (k === 0 ? 1 : (choose(n - 1, k - 1) * n) / k)

/** Adds the subsets of k among n answers, 3 to 32 of them; `relation(i, j)` is asked for i < j. */
export function addSubsets(to: Subsets, n: number, k: number, relation: (i: number, j: number) => Relation): void {
  const table = Array.from({ length: n }, (_, i) =>
    Array.from({ length: n }, (_, j) => (i < j ? relation(i, j) : undefined)),
  )
  let complete = 0
  const wrongs = new Set<number>(),
    key = (a: number, b: number, c: number) => (a * n + b) * n + c
  for (let a = 0; a < n; a++) {
    for (let b = a + 1; b < n; b++) {
      const ab = table[a][b]
      if (ab === undefined) continue
      for (let c = b + 1; c < n; c++) {
        const [bc, ac] = [table[b][c], table[a][c]]
        if (bc === undefined || ac === undefined) continue
        to.triples++
        const wrong = wrongOfTriple(ab, bc, ac)
        if (wrong === undefined) continue
        wrongs.add(key(a, b, c))
        if (wrong === 'circle') to.circles++
        else to.ties++
      }
    }
  }
  const members: number[] = []
  const grow = (from: number, isWrong: boolean): void => {
    if (members.length === k) {
      complete++
      if (isWrong) to.wrong++
      return
    }
    for (let next = from; next < n; next++) {
      if (members.some(member => table[member][next] === undefined)) continue
      const isWrongNow = isWrong || members.some((a, i) => members.some((b, j) => j > i && wrongs.has(key(a, b, next))))
      members.push(next)
      grow(next + 1, isWrongNow)
      members.pop()
    }
  }
  grow(0, false)
  to.complete += complete
  if (n >= k) to.left_out += Math.round(choose(n, k)) - complete
}
