// Stands in for Elasticsearch, which Argilla's server asks for ids, in no order and by no filter: everything that is
// held against Argilla by check_people.mjs comes from its server and its database.
import { createServer } from 'node:http'

const indices = new Map()
const found = ids => ({
  took: 1,
  timed_out: false,
  hits: { total: { value: ids.length, relation: 'eq' }, hits: ids.map(_id => ({ _id, _score: 1 })) },
  aggregations: {
    count_values: { value: ids.length },
    numeric_stats: { count: ids.length, min: 0, max: 1, avg: 0.5, sum: ids.length / 2 },
    terms_agg: { buckets: [], sum_other_doc_count: 0 },
  },
})

/** Every second line is a document, but for those after `delete`. */
function bulk(text) {
  const items = []
  const lines = text
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line))
  while (lines.length > 0) {
    const [[action, { _index, _id }]] = Object.entries(lines.shift())
    if (action !== 'delete') lines.shift()
    if (!indices.has(_index)) indices.set(_index, new Set())
    indices.get(_index)[action === 'delete' ? 'delete' : 'add'](_id)
    items.push({ [action]: { _index, _id, status: 200 } })
  }
  return { took: 1, errors: false, items }
}

function answer(method, url, text) {
  const [index, action] = url.pathname.split('/').filter(Boolean).map(decodeURIComponent)
  if (index === undefined) return { version: { number: '8.7.0' }, tagline: 'You Know, for Search' }
  if (index === '_bulk') return bulk(text)
  if (action === undefined && method === 'PUT') indices.set(index, new Set())
  if (action === undefined && method === 'HEAD') return indices.has(index) ? {} : undefined
  if (action !== '_search') return { acknowledged: true }
  const { from = 0, size = 10 } = text === '' ? {} : JSON.parse(text)
  const { hits, ...rest } = found([...(indices.get(index) ?? [])])
  return { ...rest, hits: { ...hits, hits: hits.hits.slice(from, from + size) } }
}

/** Listens on this machine alone; gives its address, and what ends it. */
export async function startSearch() {
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', chunk => (text += chunk))
    request.on('end', () => {
      const said = answer(request.method, new URL(request.url, 'http://127.0.0.1'), text)
      response.writeHead(said ? 200 : 404, { 'content-type': 'application/json', 'x-elastic-product': 'Elasticsearch' })
      response.end(request.method === 'HEAD' ? undefined : JSON.stringify(said ?? {}))
    })
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() }
}
