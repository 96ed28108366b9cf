// Writes schemas/graph.schema.json from the registry; test/graph/schema.test.ts fails when the two differ.
import { mkdirSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { build } from './build.mjs'

// it takes no arguments
parseArgs()
await build()
const { schemaText } = await import('../dist/engine/graph/schema.js')
const { registry } = await import('../dist/stages/registry.js')
mkdirSync(new URL('../schemas/', import.meta.url), { recursive: true })
writeFileSync(new URL('../schemas/graph.schema.json', import.meta.url), schemaText(registry))
