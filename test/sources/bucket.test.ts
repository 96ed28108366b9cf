/** Files in buckets: a server on loopback answers as S3 does, and checks each signature by the specification. */
import { createHash, createHmac } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { run } from '../../index.mjs'
import { bucket } from '../../engine/files/bucket.ts'
import { bucketFiles } from '../../engine/files/bucket_files.ts'
import { folder, rowsOf } from '../engine/helpers.ts'

const bytes = readFileSync('data/sample/pairs-en.parquet'),
  KEY = 'AKIDEXAMPLE',
  SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  TOKEN = 'session+token/='
const keys = ["odd (1)/a b+c'é&#?.parquet", 'own/.tmp/x.parquet', 'own/a.parquet', 'own/b.parquet', 'own/c.csv', 'own/']
let asked: string[] = [],
  etag = '"one"',
  /** Whether requests without a signature are answered. */
  isPublic = false

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const byCode = ([a]: readonly [string, string], [b]: readonly [string, string]) => (a < b ? -1 : 1)
const escape = (text: string): string =>
  [...Buffer.from(text)].map(byte => (/[\w.~-]/.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)).join('') // prettier-ignore

/** What is wrong with the signature of a request, by AWS Signature Version 4 as it is written down. */
function faultOf({ method, url, headers }: IncomingMessage): string | undefined {
  if (!headers.authorization) return isPublic ? undefined : 'no signature'
  const [, credential, signedNames, signature] =
    /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      headers.authorization,
    ) ?? []
  if (!credential) return `cannot be read: ${headers.authorization}`
  const [key, day, region, service, end] = credential.split('/'),
    time = headers['x-amz-date'] as string,
    { pathname, searchParams } = new URL(url!, 'http://host')
  if (key !== KEY || region !== 'eu-test-1' || service !== 's3' || end !== 'aws4_request') return credential
  if (!time.startsWith(day) || headers['x-amz-security-token'] !== TOKEN) return 'another day or session'
  const names = signedNames.split(';')
  if (!['host', 'x-amz-content-sha256', 'x-amz-date', 'x-amz-security-token'].every(name => names.includes(name))) {
    return `signs no more than ${signedNames}`
  }
  const canonical = [
    method,
    pathname.split('/').map(part => escape(decodeURIComponent(part))).join('/'), // prettier-ignore
    [...searchParams].map(([name, value]): [string, string] => [escape(name), escape(value)]).sort(byCode).map(pair => pair.join('=')).join('&'), // prettier-ignore
    ...names.map(name => `${name}:${String(headers[name]).trim().replace(/ +/g, ' ')}`),
    '',
    signedNames,
    headers['x-amz-content-sha256'],
  ].join('\n')
  const scope = [day, region, service, end].join('/'),
    toSign = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n'),
    ownKey = [day, region, service, end].reduce<string | Buffer>((key, part) => hmac(key, part), `AWS4${SECRET}`)
  return hmac(ownKey, toSign).toString('hex') === signature ? undefined : `another signature of\n${canonical}`
}

const faults: string[] = []
const server = createServer((request, response) => {
  const url = new URL(request.url!, 'http://host'),
    key = decodeURIComponent(url.pathname).replace(/^\/bucket\//, ''),
    fault = faultOf(request)
  asked.push(`${key} ${request.headers.authorization ? 'signed' : 'open'}`)
  if (fault !== undefined) {
    faults.push(fault)
    return void response.writeHead(403).end('<Error><Code>SignatureDoesNotMatch</Code></Error>')
  }
  if (url.searchParams.get('list-type') === '2') {
    const all = keys.filter(one => one.startsWith(url.searchParams.get('prefix')!)).sort(),
      from = Number(/\d+/.exec(url.searchParams.get('continuation-token') ?? '0')![0]),
      isTruncated = from + 2 < all.length
    const items = all.slice(from, from + 2).map(one => `<Contents><Key>${encodeURIComponent(one).replaceAll('%20', '+')}</Key></Contents>`) // prettier-ignore
    const next = isTruncated ? `<NextContinuationToken>${from + 2}+/=&amp;</NextContinuationToken>` : ''
    return void response
      .writeHead(200, { 'content-type': 'application/xml' })
      .end(`<?xml version="1.0"?><ListBucketResult><IsTruncated>${isTruncated}</IsTruncated>${next}${items.join('')}</ListBucketResult>`) // prettier-ignore
  }
  if (!keys.includes(key)) return void response.writeHead(404).end()
  const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '')!.map(Number),
    part = bytes.subarray(start, end + 1)
  response
    .writeHead(206, { etag, 'content-range': `bytes ${start}-${start + part.length - 1}/${bytes.length}` })
    .end(part)
})

beforeAll(() => new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve)))
beforeEach(() => {
  vi.unstubAllEnvs()
  vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  vi.stubEnv('AWS_ACCESS_KEY_ID', KEY)
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', SECRET)
  vi.stubEnv('AWS_SESSION_TOKEN', TOKEN)
  vi.stubEnv('AWS_REGION', 'eu-test-1')
  asked = []
  faults.length = 0
  isPublic = false
})
afterAll(() => {
  vi.unstubAllEnvs()
  server.closeAllConnections()
  server.close()
})

const graphOf = (path: string, use = 'read_parquet') => ({
  version: 1 as const,
  name: 'g',
  stages: [
    { id: 'pairs', use, with: { path } },
    { id: 'dpo', use: 'write_arrow' },
  ],
})

it('a file is read as from the disk, every request signed; the keys are written nowhere', async () => {
  const output = folder(),
    path = `s3://bucket/${keys[0]}`,
    local = await run(graphOf('data/sample/pairs-en.parquet'), { output: folder() }),
    far = await run(graphOf('s3://bucket/odd*/*.parquet'), { output, workers: 2 })
  expect([faults, asked.filter(one => !one.endsWith('signed'))]).toEqual([[], []])
  expect(rowsOf(join(far.folder, 'dpo'))).toEqual(rowsOf(join(local.folder, 'dpo')))
  expect(far.manifest.inputs[0].path).toBe(path)
  for (const name of readdirSync(output, { recursive: true, withFileTypes: true })) {
    if (!name.isFile()) continue
    const text = readFileSync(join(name.parentPath, name.name), 'latin1')
    expect([SECRET, TOKEN].filter(secret => text.includes(secret))).toEqual([])
  }
  expect((await run(graphOf('s3://bucket/odd*/*.parquet'), { output })).status).toBe('nothing_new')
  etag = '"two"'
  expect((await run(graphOf('s3://bucket/odd*/*.parquet'), { output })).status).toBe('published')
})

it('a bucket, a folder and a pattern stand for their files, over all pages of the list', async () => {
  const of = (address: string) => bucketFiles(address, ['.parquet'])
  expect(await of('s3://bucket')).toEqual([`s3://bucket/${keys[0]}`, 's3://bucket/own/a.parquet', 's3://bucket/own/b.parquet']) // prettier-ignore
  expect(await of('s3://bucket/own/')).toEqual(['s3://bucket/own/a.parquet', 's3://bucket/own/b.parquet'])
  expect(await of('s3://bucket/**/{b,c}.parquet')).toEqual(['s3://bucket/own/b.parquet'])
  expect(faults).toEqual([])
})

it('without keys nothing is signed', async () => {
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN']) vi.stubEnv(name, '')
  isPublic = true
  expect((await run(graphOf('s3://bucket/own/a.parquet'), { output: folder() })).status).toBe('published')
  expect(asked.every(one => one.endsWith('open'))).toBe(true)
})

it('the buckets of AWS are where it says', () => {
  vi.unstubAllEnvs()
  vi.stubEnv('AWS_REGION', 'eu-west-1')
  expect(bucket.urlOf('s3://own/a b/c.parquet')).toBe('https://own.s3.eu-west-1.amazonaws.com/a%20b/c.parquet')
  expect(bucket.urlOf('s3://my.own/c.parquet')).toBe('https://s3.eu-west-1.amazonaws.com/my.own/c.parquet')
})

it.each([
  ['s3://bucket/none.parquet', 'none.parquet: is not there (404)'],
  ['s3://bucket/none/', 'has no file *.parquet below it'],
  ['s3://bucket/none-*.parquet', 'matches no file'],
  ['s3://A/b.parquet', 'is no address of a bucket: s3://<bucket>/<key>'],
])('%s is told: %s', async (path, why) => {
  await expect(run(graphOf(path), { output: folder() })).rejects.toThrow(why)
})

it('wrong keys are told, with the variables that hold them', async () => {
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'another')
  for (const path of ['s3://bucket/own/a.parquet', 's3://bucket/own/']) {
    await expect(run(graphOf(path), { output: folder() })).rejects.toThrow(/the server answered 403; .*AWS_SECRET_ACCESS_KEY/) // prettier-ignore
  }
  expect(faults[0]).toContain('another signature')
})
