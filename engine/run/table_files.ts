/** What a part of a table leaves in its folder. */

/** Files for a round that looks at it, and for the groups that its rows belong to. */
export const TABLE_FILES = {
  round: (node: string) => [`fit-${node}.bin`],
  groups: (node: string, table: string) =>
    ['.bin', '-index.bin', '-origins.bin'].map(ending => `records-${node}@${table}${ending}`),
}
