/** Addresses of files in buckets of S3, s3://<bucket>/<key>, of AWS or of another server, and what signs a request. */
import type { FarPlace } from './far_files.ts'

const ADDRESS = /^s3:\/\/([a-z0-9][a-z0-9.-]*[a-z0-9])(?:\/(.*))?$/s

/** The parts of an address; undefined where it is none. `key` is empty of all of a bucket. */
export function bucketAddress(address: string): { readonly name: string; readonly key: string } | undefined {
  const [, name, key = ''] = ADDRESS.exec(address) ?? []
  return name === undefined ? undefined : { name, key: key.replace(/\/+$/, '') }
}

const region = (): string => process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION ?? 'us-east-1'

/** Where a bucket is: at AWS_ENDPOINT_URL below its name, or at AWS by its name, which may have no dots there. */
function bucketAt(bucket: string): string {
  const endpoint = process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL
  if (endpoint) return `${endpoint.replace(/\/+$/, '')}/${bucket}`
  return bucket.includes('.')
    ? `https://s3.${region()}.amazonaws.com/${bucket}`
    : `https://${bucket}.s3.${region()}.amazonaws.com`
}

/** As signatures have it: all but letters, digits, and - . _ ~ is escaped. */
const escaped = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, one => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)

/** Where the bytes of a file are. */
function bucketUrl(address: string): string {
  const [, bucket, key = ''] = ADDRESS.exec(address)!
  return `${bucketAt(bucket)}/${key.split('/').map(escaped).join('/')}`
}

/** Where a page of the keys below a folder is listed. */
export const bucketList = (name: string, folder: string, token?: string): string =>
  `${bucketAt(name)}/?list-type=2&encoding-type=url&prefix=${escaped(folder === '' ? '' : `${folder}/`)}${token === undefined ? '' : `&continuation-token=${escaped(token)}`}`

/** The headers of a request that is signed with the keys of the environment; none without these. */
async function signedHeaders(url: string): Promise<Record<string, string>> {
  const {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: token,
  } = process.env
  if (!accessKeyId || !secretAccessKey) return {}
  // loaded only where a bucket is read
  const { AwsV4Signer } = await import('aws4fetch')
  const keys = { accessKeyId, secretAccessKey, ...(token ? { sessionToken: token } : {}) },
    { headers } = await new AwsV4Signer({ url, ...keys, service: 's3', region: region() }).sign()
  return Object.fromEntries(headers)
}

export const bucket: FarPlace = {
  isOf: address => address.startsWith('s3://'),
  urlOf: bucketUrl,
  headersFor: signedHeaders,
  refused:
    'it is in another region (AWS_REGION), or may not be read with the keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
}
