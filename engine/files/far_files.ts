/** Places that files are read from over HTTP by addresses of their own, and which files such an address names. */
import { NoInputError } from '../errors.ts'
import { expandBraces, matcher, SearchError } from './search.ts'

export interface FarPlace {
  /** Whether an address is one of this place. */
  isOf(address: string): boolean
  /** Where the bytes of a file are. */
  urlOf(address: string): string
  /** What says who asks, for URLs of this place alone. */
  headersFor(url: string): Promise<Readonly<Record<string, string>>>
  /** Why an answer may be refused, and what to do. */
  readonly refused: string
}

/** Pages of a list at most: of 1,000 names each. */
const MOST_PAGES = 1000
/** All paths of a list that comes in pages, sorted; `next` names the page behind one. */
export async function allPages<Page>(
  first: Page,
  read: (page: Page) => Promise<{ readonly paths: readonly string[]; readonly next?: Page }>,
): Promise<string[]> {
  const all: string[] = []
  let page: Page | undefined = first
  for (let pages = 0; page !== undefined; pages++) {
    if (pages === MOST_PAGES) {
      throw new SearchError(`lists more than ${MOST_PAGES} pages of names; name a folder further down`)
    }
    const { paths, next }: Awaited<ReturnType<typeof read>> = await read(page).catch((error: unknown) => {
      if (error instanceof NoInputError) throw new SearchError(`cannot be listed: ${error.message}`)
      throw error
    })
    all.push(...paths)
    page = next
  }
  return all.sort()
}

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
