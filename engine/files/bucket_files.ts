/** Which files of a bucket an address names: one, all of a format below a prefix, or those that fit a pattern. */
import { NoInputError } from '../errors.ts'
import { bucketAddress, bucketList, signedHeaders } from './bucket.ts'
import { farFiles, MOST_PAGES } from './far_files.ts'
import { fetchText } from './http_source.ts'
import { SearchError } from './search.ts'

/** The addresses of the files, sorted. Throws a SearchError where there is none, or the address is none. */
export async function bucketFiles(address: string, extensions: readonly string[]): Promise<string[]> {
  const found = bucketAddress(address)
  if (!found) throw new SearchError('is no address of a bucket: s3://<bucket>/<key>')
  const { bucket, key } = found,
    files = await farFiles(key, extensions, folder => listed(bucket, folder))
  if (files.length === 0 && !/[*?[{]/.test(key)) throw new SearchError(`has no file *${extensions[0]} below it`)
  return files.map(file => `s3://${bucket}/${file}`)
}

const textIn = (xml: string, name: string): string | undefined =>
  new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1]

/** The keys below a folder of a bucket, of all pages; they come escaped as in URLs. */
async function listed(bucket: string, folder: string): Promise<string[]> {
  const keys: string[] = []
  let token: string | undefined
  for (let page = 0; page === 0 || token !== undefined; page++) {
    if (page === MOST_PAGES) {
      throw new SearchError(`lists more than ${MOST_PAGES} pages of names; name a folder further down`)
    }
    const url = bucketList(bucket, folder === '' ? '' : `${folder}/`, token)
    const xml = await fetchText(url, await signedHeaders(url)).catch((error: unknown) => {
      if (error instanceof NoInputError) throw new SearchError(`cannot be listed: ${error.message}`)
      throw error
    })
    for (const [, key] of xml.matchAll(/<Key>([^<]*)<\/Key>/g)) keys.push(decodeURIComponent(key.replaceAll('+', ' ')))
    const next = textIn(xml, 'NextContinuationToken')
    token = textIn(xml, 'IsTruncated') === 'true' ? next?.replaceAll('&amp;', '&') : undefined
  }
  return keys.filter(key => !key.endsWith('/')).sort()
}
