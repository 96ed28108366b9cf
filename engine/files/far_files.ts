/** Files behind an address that can be listed: one, all of a format below a folder, or those that fit a pattern. */
import { expandBraces, matcher } from './search.ts'

/** Pages of a list at most: of 1,000 names each. */
export const MOST_PAGES = 1000
const isHidden = (path: string): boolean => path.split('/').some(name => /^[._]/.test(name))

/**
 * The paths, in the order of `list`, which gives all below a folder. One that ends as the format does is that file, and
 * is not looked for.
 */
export async function farFiles(
  path: string,
  extensions: readonly string[],
  list: (folder: string) => Promise<readonly string[]>,
): Promise<string[]> {
  if (!/[*?[{]/.test(path)) {
    const isRead = (file: string) => extensions.some(end => file.toLowerCase().endsWith(end))
    return isRead(path) ? [path] : (await list(path)).filter(file => isRead(file) && !isHidden(file))
  }
  const folder = path
      .slice(0, path.search(/[*?[{]/))
      .replace(/[^/]*$/, '')
      .replace(/\/$/, ''),
    patterns = expandBraces(path).map(one => fits(one.split('/')))
  return (await list(folder)).filter(file => patterns.some(isOf => isOf(file.split('/'))))
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
