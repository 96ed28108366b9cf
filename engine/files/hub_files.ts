/** Which files of the Hub an address names: one, all of a format below a folder, or those that fit a pattern. */
import { allPages, farFiles } from './far_files.ts'
import { fetchPage } from './http_source.ts'
import { hub, hubAddress, hubTree } from './hub.ts'
import { SearchError } from './search.ts'

/**
 * The addresses of the files, sorted; `extensions` are of the format. Throws a SearchError where there is none, or
 * the address is none.
 */
export async function hubFiles(address: string, extensions: readonly string[]): Promise<string[]> {
  const found = hubAddress(address)
  if (!found) throw new SearchError('is no address of a data set: hf://datasets/<owner>/<name>[@<revision>]/<path>')
  const { path } = found,
    root = address.slice(0, address.length - /^hf:\/\/datasets\/[^/]+\/[^/]+\/?(.*)$/s.exec(address)![1].length),
    at = (file: string) => `${root.replace(/\/$/, '')}/${file}`
  const files = await farFiles(path, extensions, folder => listed(found, folder))
  if (files.length === 0 && !/[*?[{]/.test(path)) {
    throw new SearchError(
      `has no file *${extensions[0]} below it; the Hub has data sets as Parquet at the revision ~parquet`,
    )
  }
  return files.map(at)
}

/** The paths of all files below a folder of a data set. */
const listed = (address: NonNullable<ReturnType<typeof hubAddress>>, folder: string): Promise<string[]> =>
  allPages(hubTree(address, folder), async url => {
    const { value, next } = await fetchPage(url, hub)
    const paths = (Array.isArray(value) ? (value as unknown[]) : []).flatMap(entry => {
      const { type, path } = (entry ?? {}) as { readonly type?: unknown; readonly path?: unknown }
      return type === 'file' && typeof path === 'string' ? [path] : []
    })
    return next === undefined ? { paths } : { paths, next }
  })
