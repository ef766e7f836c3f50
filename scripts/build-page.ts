import { createHash } from 'node:crypto'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'

/** Builds the page that the gateway serves, unless what it is made of has not changed since. */
const root = fileURLToPath(new URL('..', import.meta.url))
const web = join(root, 'node/gateway/web')
const dist = join(web, 'dist')
const STAMP = join(dist, 'sources.sha256')

/** Smaller files are sent as they are. */
const MIN_COMPRESSED_BYTES = 1_024

/** @returns whether there was anything to build */
export async function buildPage(): Promise<boolean> {
  const digest = sourcesDigest()
  if (digest === lastDigest()) return false
  const { build } = await import('vite')
  await build({ configFile: join(web, 'vite.config.ts'), logLevel: 'warn' })
  await compress()
  writeFileSync(STAMP, digest)
  return true
}

/** Of all that the page is made of; times of files say nothing after a checkout. */
function sourcesDigest(): string {
  const hash = createHash('sha256')
  const files = globSync(
    [
      'node/gateway/web/{index.html,vite.config.ts,{src,public}/**/*}',
      'node/gateway/readable.ts',
      'protocol/**/*.ts',
      'package-lock.json',
    ],
    { cwd: root, withFileTypes: true },
  )
  const paths = files.filter(file => file.isFile()).map(file => join(file.parentPath, file.name))
  for (const path of paths.sort())
    hash
      .update(`${path.slice(root.length)}\0`)
      .update(readFileSync(path))
      .update('\0')
  return hash.digest('hex')
}

function lastDigest(): string | null {
  try {
    return readFileSync(STAMP, 'utf8')
  } catch {
    return null
  }
}

/** Lays compressed copies beside the files, so that no request waits for it. */
async function compress(): Promise<void> {
  const files = globSync('assets/*.{js,css,svg}', { cwd: dist }).map(name => join(dist, name))
  await Promise.all(
    files.map(async file => {
      const bytes = readFileSync(file)
      if (bytes.length < MIN_COMPRESSED_BYTES) return
      const brotli = { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }
      writeFileSync(`${file}.br`, await promisify(brotliCompress)(bytes, brotli))
      writeFileSync(`${file}.gz`, await promisify(gzip)(bytes, { level: 9 }))
    }),
  )
}
