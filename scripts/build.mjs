// Bundles app/, stages/, engine/ and models/ to dist/ when (and only when) their text or a package has changed: the
// API, what a worker thread runs, and the chunks that they share. Everything runs from dist/, so worker threads need no
// loader and a fresh checkout needs no build step. Packages of many files are in it: file by file they took most of the
// time to start.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const roots = ['app', 'stages', 'engine', 'models']
const stamp = join(root, 'dist', '.stamp'),
  entries = ['api.js', 'worker.js']
/**
 * Packages that stay outside: machine code, WebAssembly and data beside their code, loaded by few, or (Arrow) with
 * classes whose objects come from users' code as well.
 */
const external = [
  '@jitl/*',
  'apache-arrow',
  'classic-level',
  'eld',
  'esbuild',
  'parquet-wasm',
  'parquetjs-lite',
  'quickjs-emscripten-core',
  'zx',
]

/** All source files, sorted, as paths relative to the package. */
const sources = () =>
  roots
    .flatMap(folder =>
      readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
        .filter(entry => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.d.ts'))
        .map(entry => relative(root, join(entry.parentPath ?? entry.path, entry.name))),
    )
    .sort()

/** Where a package lies, here or in a folder above. */
const folderOf = (name, folder = root) =>
  existsSync(join(folder, 'node_modules', name)) || dirname(folder) === folder
    ? join(folder, 'node_modules', name)
    : folderOf(name, dirname(folder))
const read = (...path) => readFileSync(join(...path), 'utf8')

/**
 * Makes dist/ match the sources; returns true when something was compiled. A published package has no need to write.
 */
export async function build() {
  const hash = createHash('sha256').update(readFileSync(fileURLToPath(import.meta.url)))
  for (const file of sources()) hash.update(`\0${file}\0`).update(readFileSync(join(root, file)))
  const manifest = read(root, 'package.json')
  hash.update(manifest)
  for (const name of Object.keys(JSON.parse(manifest).dependencies)) {
    hash.update(`\0${name} ${JSON.parse(read(folderOf(name), 'package.json')).version}`)
  }
  const key = hash.digest('hex')
  if (isFresh(key)) return false
  try {
    const { outputFiles, metafile } = await bundle({
      entryPoints: ['app/api.ts', 'app/worker.ts'],
      outdir: 'dist',
      entryNames: '[name]',
      chunkNames: '[name]-[hash]',
      splitting: true,
      external,
      sourcemap: 'linked',
      sourcesContent: false,
      metafile: true,
      // CommonJS among the packages asks for Node's own modules
      banner: {
        js: `// ${key}\nimport { createRequire as sluice$ } from 'node:module'; const require = sluice$(import.meta.url);`,
      },
      // what runs knows what it is, whatever lies here by then
      define: { SLUICE_STAMP: JSON.stringify(key) },
    })
    // before the first file is replaced: a build that is killed leaves none, and the next start builds
    rmSync(stamp, { force: true })
    const outputs = new Set(
      outputFiles
        // entry points come after what they import
        .sort((a, b) => Number(isEntry(a.path)) - Number(isEntry(b.path)))
        .map(({ path, contents }) => write(path, contents))
        .concat(write(join(root, 'dist', 'LICENSES.txt'), licences(Object.keys(metafile.inputs)))),
    )
    const code = outputFiles.filter(({ path }) => path.endsWith('.js')),
      hashes = code.map(({ path, contents }) => [basename(path), sha256(contents)])
    for (const entry of readdirSync(join(root, 'dist'), { withFileTypes: true })) {
      const path = join(root, 'dist', entry.name)
      if (!entry.name.startsWith('.') && !outputs.has(path)) rmSync(path, { recursive: true, force: true })
    }
    write(stamp, JSON.stringify({ key, hashes }))
  } catch (error) {
    if (['EACCES', 'EROFS', 'EPERM'].includes(error.code)) {
      throw new Error(
        `sluice: ${join(root, 'dist')} is missing or stale and cannot be written (${error.code}); run \`npm run build\` as a user who may write there`,
      )
    }
    throw error
  }
  return true
}

const sha256 = bytes => createHash('sha256').update(bytes).digest('hex')
const isEntry = path => entries.includes(basename(path))

/**
 * Whether dist/ is of these sources, by its stamp, which is written last and knows the hash of each file, and by the
 * entry points, which two builds of different sources at once may have written in turn.
 */
function isFresh(key) {
  try {
    const made = JSON.parse(readFileSync(stamp, 'utf8'))
    return (
      made.key === key &&
      made.hashes.every(([name, hash]) => sha256(readFileSync(join(root, 'dist', name))) === hash) &&
      entries.every(entry => readFileSync(join(root, 'dist', entry), 'utf8').startsWith(`// ${key}\n`))
    )
  } catch {
    return false
  }
}

/** What source files export, for scripts of this repository that need more than the API. */
export async function source(...files) {
  const {
    outputFiles: [{ contents }],
  } = await bundle({
    stdin: { contents: files.map(file => `export * from ${JSON.stringify(`./${file}`)}\n`).join(''), resolveDir: root },
    packages: 'external',
  })
  return import(
    pathToFileURL(
      write(
        join(root, 'dist', '.scripts', `${createHash('sha256').update(contents).digest('hex').slice(0, 12)}.js`),
        contents,
      ),
    ).href
  )
}

async function bundle(options) {
  const { build } = await import('esbuild')
  return build({
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    absWorkingDir: root,
    legalComments: 'inline',
    logLevel: 'silent',
    ...options,
  })
}

/** Writes by a rename: several first starts at once must never see half a file. */
function write(path, content) {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(`${path}.${process.pid}.tmp`, content)
  renameSync(`${path}.${process.pid}.tmp`, path)
  return path
}

/** A copy of a package goes with its licence. */
function licences(inputs) {
  const owners = [
    ...new Set(inputs.flatMap(file => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? [])),
  ].sort()
  const texts = owners.flatMap(folder =>
    readdirSync(join(root, folder))
      .filter(name => /^(licen[cs]e|notice)/i.test(name))
      .map(name => `${folder.split(sep).join('/')}/${name}\n\n${read(root, folder, name)}`),
  )
  return texts.join(`\n${'-'.repeat(80)}\n`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.error((await build()) ? 'built dist/' : 'dist/ is fresh')
}
