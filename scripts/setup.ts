import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { findChromium } from '../test/helpers/chromium.ts'

/**
 * Completes what `npm install` leaves open; does nothing when nothing is missing.
 *
 * - npm running on Node 20 skips optional packages that ask for a newer Node, Hardhat's native chain
 *   among them; a second pass under Node 24 adds them.
 * - With `--browser`: the tests need a Chromium; on Debian and its kin it is installed.
 */
const root = fileURLToPath(new URL('..', import.meta.url))

function hasNativeChain(): boolean {
  const fromHere = createRequire(import.meta.url)
  try {
    createRequire(fromHere.resolve('hardhat/package.json'))('@nomicfoundation/edr')
    return true
  } catch {
    return false
  }
}

function run(command: string, args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
  if (error) throw error
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with status ${status}`)
}

if (!hasNativeChain()) {
  const npm = process.env.npm_execpath
  if (npm === undefined) throw new Error('run this through npm: npm run setup')
  console.error('Adding the packages that need Node 24 …')
  run(process.execPath, [npm, 'install', '--no-fund', '--no-audit', '--prefer-offline'])
  if (!hasNativeChain()) throw new Error("Hardhat's native package could not be installed on this platform")
}

if (process.argv.includes('--browser') && findChromium() === null) {
  console.error('Installing Chromium for the browser tests …')
  const apt = [...(process.getuid?.() === 0 ? [] : ['sudo', '-n']), 'apt-get', '-qq', '-y']
  run(apt[0]!, [...apt.slice(1), 'update'])
  run(apt[0]!, [...apt.slice(1), 'install', '--no-install-recommends', 'chromium'])
}
