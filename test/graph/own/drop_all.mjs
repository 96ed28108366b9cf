export default {
  kind: 'stage',
  name: 'drop_all',
  version: 1,
  summary: 'Drops all.',
  options: { type: 'object', properties: {}, additionalProperties: false },
  reasons: { all: { kind: 'configured', about: 'everything' } },
  notes: {},
  reads: {},
  writes: {},
  rows: 'subset',
  examples: [],
}
