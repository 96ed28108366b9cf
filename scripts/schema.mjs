// Writes schemas/graph.schema.json from the registry; test/graph/schema.test.ts fails when the two differ.
import { mkdirSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { source } from './build.mjs'

// it takes no arguments
parseArgs()
const { schemaText, allStages } = await source('engine/graph/schema.ts', 'stages/registry.ts')
mkdirSync(new URL('../schemas/', import.meta.url), { recursive: true })
writeFileSync(new URL('../schemas/graph.schema.json', import.meta.url), schemaText(await allStages()))
