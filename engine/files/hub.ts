/** Addresses of the Hugging Face Hub: hf://datasets/<owner>/<name>[@<revision>]/<path>, as its own library has them. */
import type { FarPlace } from './far_files.ts'

const ADDRESS = /^hf:\/\/datasets\/([\w.-]+\/[\w.-]+)(?:@([^/]+))?(?:\/(.*))?$/

export interface HubAddress {
  /** owner/name */
  readonly repo: string
  /** A branch, a tag or a commit; `main` where none is named. */
  readonly revision: string
  /** Below the data set; empty of all of it. */
  readonly path: string
}

/** The parts of an address; undefined where it is none. A revision with a slash has it as %2F. */
export function hubAddress(address: string): HubAddress | undefined {
  const [, repo, revision = 'main', path = ''] = ADDRESS.exec(address) ?? []
  if (repo === undefined) return undefined
  const named = revision === '~parquet' ? 'refs/convert/parquet' : revision.replaceAll(/%2f/gi, '/')
  return { repo, revision: named, path: path.replace(/\/+$/, '') }
}

/** Where the Hub is, which another address may stand for. */
const endpoint = (): string => (process.env.HF_ENDPOINT ?? 'https://huggingface.co').replace(/\/+$/, '')
const encoded = (path: string): string => path.split('/').map(encodeURIComponent).join('/')

/** Where the bytes of a file of the Hub are. */
function hubUrl(address: string): string {
  const { repo, revision, path } = hubAddress(address)!
  return `${endpoint()}/datasets/${repo}/resolve/${encodeURIComponent(revision)}/${encoded(path)}`
}

/** Where the Hub lists all files below a folder. */
export const hubTree = ({ repo, revision }: HubAddress, folder: string): string =>
  `${endpoint()}/api/datasets/${repo}/tree/${encodeURIComponent(revision)}${folder === '' ? '' : `/${encoded(folder)}`}?recursive=true`

/** The token of the environment, for the Hub alone: where it sends on to another host `fetch` leaves it out. */
function tokenFor(url: string): Readonly<Record<string, string>> {
  const token = process.env.HF_TOKEN
  return token && url.startsWith(`${endpoint()}/`) ? { authorization: `Bearer ${token}` } : {}
}

export const hub: FarPlace = {
  isOf: address => address.startsWith('hf://'),
  urlOf: hubUrl,
  headersFor: url => Promise.resolve(tokenFor(url)),
  refused: 'it is not there, or it is private or gated: put a token that may read it into HF_TOKEN',
}
