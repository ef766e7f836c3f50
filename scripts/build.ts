import { execFileSync } from 'node:child_process'
import { chmod, cp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildPage } from './build-page.ts'

/**
 * Builds what is published: JavaScript and types, with the embedded models and the page beside
 * the code that finds them.
 */
const root = fileURLToPath(new URL('..', import.meta.url))
const out = resolve(process.argv[2] ?? join(root, 'dist'))
const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc')

await rm(out, { recursive: true, force: true })
execFileSync(process.execPath, [compiler, '-p', join(root, 'tsconfig.build.json'), '--outDir', out], {
  stdio: 'inherit',
})
const models = 'inference/models/embedded'
await cp(join(root, models), join(out, models), { recursive: true })
await buildPage()
const page = 'node/gateway/web/dist'
await cp(join(root, page), join(out, page), { recursive: true })
await chmod(join(out, 'cli/main.js'), 0o755)
console.log(`Built ${out}`)
