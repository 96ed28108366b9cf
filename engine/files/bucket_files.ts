/** Which files of a bucket an address names: one, all of a format below a prefix, or those that fit a pattern. */
import { bucket, bucketAddress, bucketList } from './bucket.ts'
import { allPages, farFiles } from './far_files.ts'
import { fetchText } from './http_source.ts'
import { SearchError } from './search.ts'

/** The addresses of the files, sorted. Throws a SearchError where there is none, or the address is none. */
export async function bucketFiles(address: string, extensions: readonly string[]): Promise<string[]> {
  const found = bucketAddress(address)
  if (!found) throw new SearchError('is no address of a bucket: s3://<bucket>/<key>')
  const { name, key } = found,
    files = await farFiles(key, extensions, folder => listed(name, folder))
  if (files.length === 0 && !/[*?[{]/.test(key)) throw new SearchError(`has no file *${extensions[0]} below it`)
  return files.map(file => `s3://${name}/${file}`)
}

const textIn = (xml: string, name: string): string | undefined =>
  new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1]

/** The keys below a folder of a bucket, of all pages; they come escaped as in URLs. */
const listed = (name: string, folder: string): Promise<string[]> =>
  allPages(bucketList(name, folder), async url => {
    const xml = await fetchText(url, bucket)
    const keys = [...xml.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key]) =>
        decodeURIComponent(key.replaceAll('+', ' ')),
      ),
      paths = keys.filter(key => !key.endsWith('/')),
      token = textIn(xml, 'IsTruncated') === 'true' ? textIn(xml, 'NextContinuationToken') : undefined
    return token === undefined ? { paths } : { paths, next: bucketList(name, folder, token.replaceAll('&amp;', '&')) }
  })
