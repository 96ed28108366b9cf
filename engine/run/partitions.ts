/** Cuts input files into partitions, and groups those that one worker must read in one go. */
import type { InputFile } from '../source/input.ts'
import type { Partition } from './messages.ts'

/**
 * Partitions of about `partitionRows` rows, in order of files and rows. They begin where reading can begin (`starts`:
 * row groups); where a row group is larger than a partition, its partitions form one unit, since reading the second
 * means decoding the first. The result depends on the files and on `partitionRows` alone. `limit`: only the first so
 * many rows of all files together.
 */
export function cutPartitions(
  files: readonly Pick<InputFile, 'rows' | 'starts'>[],
  partitionRows: number,
  limit = Infinity,
): Partition[][] {
  const units: Partition[][] = []
  let index = 0,
    left = limit
  files.forEach(({ rows, starts }, file) => {
    const last = Math.min(rows, left)
    left -= last
    const ends = [...starts.filter(at => at > 0 && at < rows), rows]
    for (let start = 0, e = 0; start < last;) {
      // the furthest place to begin again that a partition can reach, else the next one
      while (ends[e] <= start) e++
      while (e + 1 < ends.length && ends[e + 1] <= start + partitionRows) e++
      const end = Math.min(last, ends[e])
      const unit: Partition[] = []
      for (let at = start; at < end; at += partitionRows) {
        unit.push({ index: index++, file, start: at, end: Math.min(end, at + partitionRows) })
      }
      units.push(unit)
      start = end
    }
  })
  return units
}

/** The partitions that hold a row of a sample, with these rows. `sample`: the rows of each file, ascending. */
export function pickPartitions(
  units: readonly (readonly Partition[])[],
  sample: readonly Uint32Array[],
): Partition[][] {
  const next = sample.map(() => 0)
  let index = 0
  return units
    .map(unit =>
      unit.flatMap(partition => {
        const all = sample[partition.file],
          from = next[partition.file]
        let to = from
        while (to < all.length && all[to] < partition.end) to++
        next[partition.file] = to
        // a copy: a view would take the whole file's rows along to every worker
        return to > from ? [{ ...partition, index: index++, rows: all.slice(from, to) }] : []
      }),
    )
    .filter(unit => unit.length > 0)
}
