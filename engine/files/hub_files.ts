/** Which files of the Hub an address names: one, all of a format below a folder, or those that fit a pattern. */
import { NoInputError } from '../errors.ts'
import { fetchPage } from './http_source.ts'
import { hubAddress, hubTree } from './hub.ts'
import { expandBraces, matcher, SearchError } from './search.ts'

/** Pages of a list at most: of 1,000 names each. */
const MOST_PAGES = 1000
const isHidden = (path: string): boolean => path.split('/').some(name => /^[._]/.test(name))

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
  if (!/[*?[{]/.test(path)) {
    const isRead = (file: string) => extensions.some(end => file.toLowerCase().endsWith(end))
    if (isRead(path)) return [at(path)]
    const below = (await listed(found, path)).filter(file => isRead(file) && !isHidden(file))
    if (below.length === 0) {
      throw new SearchError(
        `has no file *${extensions[0]} below it; the Hub has data sets as Parquet at the revision ~parquet`,
      )
    }
    return below.map(at)
  }
  const folder = path
      .slice(0, path.search(/[*?[{]/))
      .replace(/[^/]*$/, '')
      .replace(/\/$/, ''),
    patterns = expandBraces(path).map(one => fits(one.split('/')))
  return (await listed(found, folder)).filter(file => patterns.some(isOf => isOf(file.split('/')))).map(at)
}

/** Whether the parts of a path fit those of a pattern; `**` stands for any number of folders that are not hidden. */
function fits(pattern: readonly string[]): (parts: readonly string[]) => boolean {
  const [first, ...rest] = pattern
  if (first === undefined) return parts => parts.length === 0
  const others = fits(rest)
  if (first !== '**') {
    const isOf = matcher(first)
    return ([part, ...more]) => part !== undefined && isOf(part) && others(more)
  }
  return parts => parts.some((_, i) => others(parts.slice(i)) && !isHidden(parts.slice(0, i).join('/')))
}

/** The paths of all files below a folder of a data set. */
async function listed(address: NonNullable<ReturnType<typeof hubAddress>>, folder: string): Promise<string[]> {
  const files: string[] = []
  let url: string | undefined = hubTree(address, folder)
  for (let page = 0; url !== undefined; page++) {
    if (page === MOST_PAGES) {
      throw new SearchError(`lists more than ${MOST_PAGES} pages of names; name a folder further down`)
    }
    const { value, next }: { value: unknown; next?: string } = await fetchPage(url).catch((error: unknown) => {
      if (error instanceof NoInputError) throw new SearchError(`cannot be listed: ${error.message}`)
      throw error
    })
    for (const entry of Array.isArray(value) ? (value as unknown[]) : []) {
      const { type, path } = (entry ?? {}) as { readonly type?: unknown; readonly path?: unknown }
      if (type === 'file' && typeof path === 'string') files.push(path)
    }
    url = next
  }
  return files.sort()
}
