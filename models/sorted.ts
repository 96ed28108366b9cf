/** Search by halves in what lies in order. */

/**
 * Of `length` things in order, how many come before: `isBefore` holds for those, and for none after them. The place to
 * look for, or to put, what they are compared with.
 */
export function countBefore(length: number, isBefore: (i: number) => boolean): number {
  let from = 0,
    to = length
  while (from < to) {
    const middle = (from + to) >> 1
    if (isBefore(middle)) from = middle + 1
    else to = middle
  }
  return from
}
