// Compiles stages/, engine/ and models/ to dist/, one file to one file, when (and only when) their text has changed.
// Everything runs from dist/, so worker threads need no loader and a fresh checkout needs no build step.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const roots = ['stages', 'engine', 'models']
const stamp = join(root, 'dist', '.stamp')

/** All source files, sorted, as paths relative to the package. */
const sources = () => roots.flatMap(folder => readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
  .filter(entry => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.d.ts'))
  .map(entry => relative(root, join(entry.parentPath ?? entry.path, entry.name)))).sort()

/** Makes dist/ match the sources; returns true when something was compiled. A published package has no need to write. */
export async function build() {
  const files = sources()
  const texts = files.map(file => readFileSync(join(root, file)))
  const hash = createHash('sha256').update(readFileSync(fileURLToPath(import.meta.url)))
  files.forEach((file, i) => hash.update(`\0${file}\0`).update(texts[i]))
  const key = hash.digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === key) return false
  const { transform } = await import('esbuild')
  const outputs = new Set()
  try {
    await Promise.all(files.map(async (file, i) => {
      const target = join('dist', file.replace(/\.ts$/, '.js'))
      const { code } = await transform(texts[i].toString().replace(/(from\s+|import\s*\(\s*|import\s+)(['"])(\.{1,2}\/[^'"\n]+)\.ts\2/g, '$1$2$3.js$2'), {
        loader: 'ts', format: 'esm', target: 'node20', sourcemap: 'inline', sourcefile: relative(dirname(target), file).split(sep).join('/'),
      })
      outputs.add(target)
      mkdirSync(join(root, dirname(target)), { recursive: true })
      // a rename: several first starts at once must never see half a file
      const temporary = join(root, `${target}.${process.pid}.tmp`)
      writeFileSync(temporary, code)
      renameSync(temporary, join(root, target))
    }))
    for (const entry of readdirSync(join(root, 'dist'), { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath ?? entry.path, entry.name)
      if (entry.isFile() && path.endsWith('.js') && !outputs.has(relative(root, path))) rmSync(path, { force: true })
    }
    writeFileSync(`${stamp}.${process.pid}.tmp`, key)
    renameSync(`${stamp}.${process.pid}.tmp`, stamp)
  } catch (error) {
    if (['EACCES', 'EROFS', 'EPERM'].includes(error.code)) throw new Error(`sluice: ${join(root, 'dist')} is missing or stale and cannot be written (${error.code}); run \`npm run build\` as a user who may write there`)
    throw error
  }
  return true
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.error(await build() ? 'built dist/' : 'dist/ is fresh')
