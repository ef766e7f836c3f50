import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findChromium } from '../test/helpers/chromium.ts'
import { buildPage } from './build-page.ts'

/**
 * Completes what `npm install` leaves open; does nothing when nothing is missing.
 *
 * - npm running on Node 20 skips optional packages that ask for a newer Node, and a lock file made on one
 *   platform may lack the native packages of another. Those of this platform are added here, under Node 24.
 * - The page that the gateway serves is built where its sources have changed.
 * - With `--browser`: the tests need a Chromium; on Debian and its kin it is installed.
 */
const root = fileURLToPath(new URL('..', import.meta.url))

/** Packages whose native part comes as an optional package for each platform. */
const NATIVE = ['@nomicfoundation/edr', 'node-llama-cpp', '@biomejs/biome', 'oxc-parser', 'typescript']
/** What packages call this platform. */
const PLATFORM_NAMES: Readonly<Record<string, string>> = { darwin: '(darwin|mac)', win32: '(win32|win)' }

function isOfThisPlatform(name: string): boolean {
  const platform = PLATFORM_NAMES[process.platform] ?? process.platform
  if (!new RegExp(`[/-]${platform}-${process.arch}(-|$)`).test(name)) return false
  if (process.platform !== 'linux') return true
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } }
  return name.endsWith('-musl') === (header.glibcVersionRuntime === undefined)
}

/** `name@version` of the native packages that this platform needs and does not have. */
function missingNativePackages(): string[] {
  return NATIVE.flatMap(name => {
    const { optionalDependencies = {} } = JSON.parse(
      readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8'),
    ) as { optionalDependencies?: Record<string, string> }
    return Object.entries(optionalDependencies)
      .filter(([part]) => isOfThisPlatform(part) && !existsSync(join(root, 'node_modules', part)))
      .map(([part, version]) => `${part}@${version}`)
  })
}

function run(command: string, args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
  if (error) throw error
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with status ${status}`)
}

const missing = missingNativePackages()
if (missing.length > 0) {
  const npm = process.env.npm_execpath
  if (npm === undefined) throw new Error('run this through npm: npm run setup')
  console.error(`Adding the native packages of this platform: ${missing.join(', ')} …`)
  run(process.execPath, [
    npm,
    'install',
    '--no-save',
    '--no-fund',
    '--no-audit',
    '--prefer-offline',
    ...missing,
  ])
  const still = missingNativePackages()
  if (still.length > 0) throw new Error(`these packages could not be installed: ${still.join(', ')}`)
}

await buildPage()

if (process.argv.includes('--browser') && findChromium() === null) {
  console.error('Installing Chromium for the browser tests …')
  const apt = [...(process.getuid?.() === 0 ? [] : ['sudo', '-n']), 'apt-get', '-qq', '-y']
  run(apt[0]!, [...apt.slice(1), 'update'])
  run(apt[0]!, [...apt.slice(1), 'install', '--no-install-recommends', 'chromium'])
}
