/**
 * The files below a folder, or of a pattern, found within bounds: what is no file is not opened but told of, folders
 * that link in circles are read once, and a search ends.
 */
import { lstat, opendir, readlink, realpath, stat } from 'node:fs/promises'
import { isAbsolute, join, resolve, sep } from 'node:path'
import { ChangedInputError } from '../errors.ts'

/**
 * Names that are looked at, those of a folder again for each part of a pattern; patterns that braces stand for;
 * characters of one.
 */
const MOST_NAMES = 2_000_000,
  MOST_PATTERNS = 10_000,
  MOST_CHARACTERS = 4096

/** `place`: where the file lies once links are followed. */
export interface FoundFile {
  readonly path: string
  readonly place: string
}

/**
 * `folders`: those that a pattern as a whole stands for, not looked into yet. `skipped`: what matches and is no file,
 * or is a folder that is read by another name. `broken`: what should be read and cannot. `hidden`: what is left out for
 * its name, folders with a slash behind them.
 */
export interface Search {
  readonly files: FoundFile[]
  readonly folders: string[]
  readonly skipped: string[]
  readonly broken: { readonly path: string; readonly why: string; readonly code?: string }[]
  readonly hidden: string[]
}

/** A search that goes too far; its message goes behind the path or the pattern. */
export class SearchError extends Error {}

/** `code`: what the system says. */
type Kind = 'file' | 'folder' | { readonly skip: string } | { readonly broken: string; readonly code?: string }
/** `isUnnamed`: a folder, or a link to who knows what, whose name nobody can say. */
interface Entry {
  readonly name: string
  readonly kind: Kind
  readonly isLink: boolean
  readonly isUnnamed?: boolean
}
interface TypedEntry {
  isFile(): boolean
  isDirectory(): boolean
  isFIFO(): boolean
  isSocket(): boolean
}

const codeOf = (error: unknown): string => (error as { code?: string }).code ?? String(error)
const typeOf = (entry: TypedEntry): Kind =>
  entry.isFile()
    ? 'file'
    : entry.isDirectory()
      ? 'folder'
      : { skip: entry.isFIFO() ? 'a pipe' : entry.isSocket() ? 'a socket' : 'a device' }

const NOT_UTF8 = 'has a name that is not UTF-8 and cannot be opened by it; rename it'
const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  )

/** Where a path leads once links are followed; what is gone since is told when it is opened. */
export const placeOf = (path: string): Promise<string> => realpath(path).catch(() => path)

/** What is at a path, links followed; undefined where nothing is. */
export async function kindAt(path: string): Promise<Kind | undefined> {
  try {
    return typeOf(await stat(path))
  } catch (error) {
    const code = codeOf(error),
      target = await readlink(path).catch(() => undefined)
    if (target !== undefined) {
      const why = code === 'ENOENT' ? 'which does not exist' : `which cannot be followed (${code})`
      return { broken: `is a link to ${target}, ${why}`, code }
    }
    return ['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes(code)
      ? undefined
      : { broken: `cannot be looked at (${code})`, code }
  }
}

/**
 * The files below a folder whose path from there `wanted` takes; names that `hidden` matches are left out, with all
 * that is below them.
 */
export async function filesBelow(folder: string, hidden: RegExp, wanted: (name: string) => boolean): Promise<Search> {
  return new Walk(hidden, wanted).run(folder, ['**'])
}

/**
 * The files and folders that a pattern stands for: `*` and `?` within a name, `**` for folders, `[a-z]`, `{a,b}` and
 * `{1..9}`; names that begin with a dot must be named, and a slash at the end is for folders only.
 */
export async function filesMatching(pattern: string, base: string): Promise<Search> {
  if (pattern.length > MOST_CHARACTERS) {
    throw new SearchError(`has ${pattern.length} characters, and ${MOST_CHARACTERS} are the most`)
  }
  if (/[!@+*?]\(/.test(pattern)) {
    throw new SearchError('has a list in round brackets, which patterns here do not have; write {a,b}')
  }
  const glued = pattern.split('/').find(part => part !== '**' && part.includes('**'))
  if (glued !== undefined) {
    throw new SearchError(
      `has ${glued}, and ** stands for folders only where it is all between two slashes; write **/${glued.replace(/\*+/g, '*')}`,
    )
  }
  const walk = new Walk(/^\./, () => true),
    lacking: Search['broken'] = []
  const count = ({ files, folders, skipped, broken }: Search) =>
    files.length + folders.length + skipped.length + broken.length
  const isBase = (await kindAt(resolve(base))) !== undefined
  // a shell drops words of nothing
  for (const one of new Set(expandBraces(pattern).filter(one => one !== ''))) {
    const parts = one
      .split('/')
      .filter((part, i, all) => part !== '' && part !== '.' && !(part === '**' && all[i - 1] === '**'))
    if (/(^|\/)\.?$/.test(one)) parts.push('')
    const before = count(walk.found)
    if (isBase || isAbsolute(one)) await walk.run(isAbsolute(one) ? sep : resolve(base), parts)
    // the shell would have handed on the name, and it would not be there
    if (one !== pattern && count(walk.found) === before) {
      lacking.push({ path: one, why: 'matches no file' })
    }
  }
  // where nothing is found at all the pattern itself is told
  if (walk.found.files.length + walk.found.folders.length > 0) walk.found.broken.push(...lacking)
  return walk.found
}

const isBroken = (kind: Kind): kind is Exclude<Kind, string | { skip: string }> =>
  typeof kind === 'object' && 'broken' in kind
/** Of links: no disk that fails and nothing that may not be looked into, but a place where nothing is. */
const NOWHERE = ['ENOENT', 'ENOTDIR', 'ELOOP']

const isPlain = (part: string): boolean => !/[*?[\\]/.test(part)

class Walk {
  readonly found: Search = { files: [], folders: [], skipped: [], broken: [], hidden: [] }
  readonly #hidden: RegExp
  readonly #wanted: (name: string) => boolean
  readonly #folders = new Map<string, readonly Entry[]>()
  readonly #seen = new Set<string>()
  #names = 0

  constructor(hidden: RegExp, wanted: (name: string) => boolean) {
    this.#hidden = hidden
    this.#wanted = wanted
  }

  async run(folder: string, parts: readonly string[]): Promise<Search> {
    await this.#walk(folder, await placeOf(folder), parts)
    return this.found
  }

  /** `place` is the folder with links followed. Each folder is walked once for the same rest of a pattern. */
  async #walk(folder: string, place: string, parts: readonly string[]): Promise<void> {
    const key = `${parts.join('/')}\0${place}`
    if (this.#seen.has(key)) return
    this.#seen.add(key)
    const [part, ...rest] = parts,
      isLast = rest.length === 0
    // behind the last slash
    if (part === '') {
      this.found.folders.push(folder)
      return
    }
    if (part !== '**' && isPlain(part)) {
      this.#count(1)
      const kind = await kindAt(join(folder, part))
      if (kind === 'folder' && !isLast) await this.#walk(join(folder, part), await placeOf(join(folder, part)), rest)
      else if (kind !== undefined && (isLast || isBroken(kind))) {
        await this.#take(folder, place, { name: part, kind, isLink: true })
      }
      return
    }
    if (part === '**' && !isLast) await this.#walk(folder, place, rest)
    const fits = part === '**' ? (name: string) => !this.#hidden.test(name) : matcher(part)
    const entries = await this.#entries(folder)
    this.#count(entries.length)
    for (const entry of entries) {
      if (!fits(entry.name)) {
        const isFolder = entry.kind === 'folder' || (isBroken(entry.kind) && !this.#wanted(entry.name))
        if (part === '**') this.found.hidden.push(join(folder, entry.name) + (isFolder ? sep : ''))
        continue
      }
      const path = join(folder, entry.name),
        next = part === '**' ? parts : rest
      if (entry.kind !== 'folder') {
        // what cannot be looked at may be a folder
        if (isLast || entry.isUnnamed || (entry.isLink && isBroken(entry.kind))) {
          await this.#take(folder, place, entry, part === '**' && !isLast)
        }
      } else if (next.length > 0) {
        const below = entry.isLink ? await placeOf(path) : join(place, entry.name)
        if (part === '**' && entry.isLink && this.#seen.has(`${next.join('/')}\0${below}`)) {
          this.found.skipped.push(`${path} (a link to ${below}, which is read already)`)
        } else await this.#walk(path, below, next)
      } else this.found.folders.push(path)
    }
  }

  /** `mayLeave`: a link to nowhere is left out, and told. */
  async #take(
    folder: string,
    place: string,
    { name, kind, isLink, isUnnamed }: Entry,
    mayLeave = false,
  ): Promise<void> {
    const path = join(folder, name),
      isWanted = isUnnamed || this.#wanted(name)
    if (isBroken(kind)) {
      const { broken: why, code } = kind
      if (isLink && NOWHERE.includes(code ?? '') && (mayLeave || !isWanted)) {
        this.found.skipped.push(`${path} (${why.replace(/^is /, '')})`)
      } else if (isWanted || isLink) this.found.broken.push({ path, why, code })
      return
    }
    if (!isWanted) return
    if (kind === 'folder') this.found.folders.push(path)
    else if (kind === 'file') this.found.files.push({ path, place: isLink ? await placeOf(path) : join(place, name) })
    else this.found.skipped.push(`${path} (${kind.skip})`)
  }

  #count(names: number): void {
    this.#names += names
    if (this.#names > MOST_NAMES) {
      throw new SearchError(
        `looks at more than ${MOST_NAMES.toLocaleString('en-US')} names; name folders further down, or fewer parts with **`,
      )
    }
  }

  /** What is in a folder: what lies there itself before links, so that it is found by its own name. */
  async #entries(folder: string): Promise<readonly Entry[]> {
    const known = this.#folders.get(folder)
    if (known) return known
    const entries: Entry[] = []
    try {
      for await (const entry of await opendir(folder, { bufferSize: 1024 })) {
        if (entries.length > MOST_NAMES) this.#count(entries.length)
        const isLink = !entry.isFile() && !entry.isDirectory(),
          path = join(folder, entry.name)
        // bytes that are no text became U+FFFD, and nothing lies there
        if (entry.name.includes('\ufffd') && !(await isThere(path))) {
          entries.push({ name: entry.name, kind: { broken: NOT_UTF8 }, isLink, isUnnamed: !entry.isFile() })
          continue
        }
        const kind = isLink ? await kindAt(path) : typeOf(entry)
        // what is gone since is not there
        if (kind !== undefined) entries.push({ name: entry.name, kind, isLink })
      }
    } catch (error) {
      if (error instanceof SearchError) throw error
      // a moment ago it was there
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') {
        throw new ChangedInputError(
          `run: the folder ${folder} went away while it was looked through (${codeOf(error)}): the input is changing; run again when nothing is moved there`,
          { cause: error },
        )
      }
      this.found.broken.push({ path: folder, why: `cannot be read (${codeOf(error)})`, code: codeOf(error) })
    }
    entries.sort((a, b) => Number(a.isLink) - Number(b.isLink) || (a.name < b.name ? -1 : 1))
    this.#folders.set(folder, entries)
    return entries
  }
}

type Fits = (character: string) => boolean

/**
 * Whether a name fits one part of a pattern. Each piece between stars goes where it first fits: nothing is tried twice,
 * however many stars there are.
 */
export function matcher(part: string): (name: string) => boolean {
  const pieces: Fits[][] = [[]],
    characters = [...part]
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i],
      piece = pieces[pieces.length - 1]
    const end = character === '[' ? characters.indexOf(']', i + (/[!^]/.test(characters[i + 1] ?? '') ? 3 : 2)) : -1
    if (character === '*') pieces.push([])
    else if (character === '?') piece.push(() => true)
    else if (end > 0) {
      piece.push(oneOf(characters.slice(i + 1, end)))
      i = end
    } else {
      const literal = character === '\\' && i + 1 < characters.length ? characters[++i] : character
      piece.push(other => other === literal)
    }
  }
  const [first, ...rest] = pieces,
    last = rest.pop()
  return name => {
    if (name.startsWith('.') && !part.startsWith('.')) return false
    const letters = [...name]
    const fits = (piece: readonly Fits[], at: number) =>
      at + piece.length <= letters.length && piece.every((one, i) => one(letters[at + i]))
    if (!fits(first, 0)) return false
    if (!last) return first.length === letters.length
    let at = first.length
    for (const piece of rest) {
      while (at + piece.length <= letters.length && !fits(piece, at)) at++
      if (at + piece.length > letters.length) return false
      at += piece.length
    }
    return letters.length - last.length >= at && fits(last, letters.length - last.length)
  }
}

/** `[abc]`, `[a-z]`, `[!a]`. */
function oneOf(inside: readonly string[]): Fits {
  const isNot = inside[0] === '!' || inside[0] === '^',
    ranges: [string, string][] = []
  for (let i = isNot ? 1 : 0; i < inside.length; i++) {
    if (inside[i + 1] === '-' && i + 2 < inside.length) {
      ranges.push([inside[i], inside[i + 2]])
      i += 2
    } else ranges.push([inside[i], inside[i]])
  }
  return character => ranges.some(([low, high]) => low <= character && character <= high) !== isNot
}

/** The patterns that braces stand for. Where there would be too many none is made. */
export function expandBraces(pattern: string): string[] {
  const start = indexOutside(pattern, '{', 0),
    end = start < 0 ? -1 : closing(pattern, start)
  if (end < 0) return [pattern]
  const head = pattern.slice(0, start),
    inside = pattern.slice(start + 1, end),
    tails = expandBraces(pattern.slice(end + 1))
  const parts = splitList(inside),
    range = parts.length === 1 ? rangeOf(inside) : undefined
  const middles =
    range ?? (parts.length > 1 ? parts.flatMap(expandBraces) : expandBraces(inside).map(one => `{${one}}`))
  if (middles.length * tails.length > MOST_PATTERNS) {
    throw new SearchError(
      `stands for more than ${MOST_PATTERNS.toLocaleString('en-US')} patterns; use * in the place of some braces`,
    )
  }
  return middles.flatMap(middle => tails.map(tail => head + middle + tail))
}

function indexOutside(text: string, character: string, from: number): number {
  for (let i = from; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === character) return i
  }
  return -1
}

function closing(text: string, start: number): number {
  let depth = 0
  for (let i = start; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === '{') depth++
    else if (text[i] === '}' && --depth === 0) return i
  }
  return -1
}

/** What commas part, those of inner braces left out. */
function splitList(text: string): string[] {
  const parts = ['']
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const character = text[i]
    if (character === '{') depth++
    if (character === '}') depth--
    if (character === ',' && depth === 0) {
      parts.push('')
      continue
    }
    parts[parts.length - 1] += character === '\\' ? character + (text[++i] ?? '') : character
  }
  return parts
}

/** `{1..9}` and `{01..12}`. */
function rangeOf(text: string): string[] | undefined {
  const found = /^(\d{1,15})\.\.(\d{1,15})$/.exec(text)
  if (!found) return undefined
  const [from, to] = [Number(found[1]), Number(found[2])],
    count = Math.abs(to - from) + 1
  if (count > MOST_PATTERNS) {
    throw new SearchError(
      `stands for more than ${MOST_PATTERNS.toLocaleString('en-US')} patterns; use * in the place of some braces`,
    )
  }
  const width = [found[1], found[2]].some(digits => /^0\d/.test(digits))
    ? Math.max(found[1].length, found[2].length)
    : 0
  return Array.from({ length: count }, (_, i) => String(from < to ? from + i : from - i).padStart(width, '0'))
}
