/** Circles of stages, and their order; `inputs[i]` are the places of the stages that stage i takes rows of. */

/**
 * One circle of each knot, in the direction in which rows would flow, beginning with the stage that stands first in the
 * text.
 */
export function cyclesOf(inputs: readonly (readonly number[])[]): number[][] {
  const consumers: number[][] = inputs.map(() => [])
  inputs.forEach((all, i) => {
    for (const input of all) consumers[input].push(i)
  })
  const state = new Uint8Array(inputs.length)
  const found: number[][] = []
  const reported = new Set<number>()
  const path: number[] = []
  const visit = (i: number): void => {
    state[i] = 1
    path.push(i)
    for (const next of consumers[i]) {
      if (state[next] === 0) visit(next)
      else if (state[next] === 1) {
        const cycle = path.slice(path.indexOf(next))
        if (!cycle.some(it => reported.has(it))) {
          const first = cycle.indexOf(Math.min(...cycle))
          found.push([...cycle.slice(first), ...cycle.slice(0, first)])
        }
        for (const it of cycle) reported.add(it)
      }
    }
    path.pop()
    state[i] = 2
  }
  for (let i = 0; i < inputs.length; i++) if (state[i] === 0) visit(i)
  return found
}

/**
 * Of the stages whose inputs are all placed, always the first of the text; what is in a circle, or after one, is left
 * out.
 */
export function topological(inputs: readonly (readonly number[])[]): number[] {
  const order: number[] = []
  const placed = new Uint8Array(inputs.length)
  for (;;) {
    const next = inputs.findIndex((all, i) => !placed[i] && all.every(input => placed[input]))
    if (next < 0) return order
    placed[next] = 1
    order.push(next)
  }
}
