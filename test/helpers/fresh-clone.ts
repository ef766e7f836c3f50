import { execFileSync } from 'node:child_process'
import { cp, mkdir, rm } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const CHECKOUT = fileURLToPath(new URL('../../', import.meta.url))

/** Clones this repository into a folder, with what is not committed yet. */
export async function freshClone(folder: string): Promise<void> {
  execFileSync('git', ['clone', '--quiet', '--no-hardlinks', CHECKOUT, folder])
  const list = (...kinds: string[]) =>
    execFileSync('git', ['ls-files', '-z', '--exclude-standard', ...kinds], {
      cwd: CHECKOUT,
      encoding: 'utf8',
    })
      .split('\0')
      .filter(name => name !== '')
  const deleted = new Set(list('--deleted'))
  for (const name of deleted) await rm(join(folder, name), { force: true })
  for (const name of list('--modified', '--others')) {
    if (deleted.has(name)) continue
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await cp(join(CHECKOUT, name), join(folder, name))
  }
}

/**
 * The environment of somebody who has just logged in: the Node.js of the machine, a home folder of their own,
 * nothing of npm's or of this test run; only npm's cache is shared, so that nothing is fetched twice.
 */
export function freshEnvironment(home: string): Record<string, string> {
  const path = (process.env.PATH ?? '').split(delimiter).filter(entry => !entry.includes('node_modules'))
  const environment: Record<string, string> = { PATH: path.join(delimiter), HOME: home, TZ: 'UTC' }
  const cache = execFileSync('npm', ['config', 'get', 'cache'], {
    encoding: 'utf8',
    env: { ...process.env, PATH: environment.PATH },
  })
  environment.npm_config_cache = cache.trim()
  const registry = process.env.npm_config_registry
  if (registry !== undefined) environment.npm_config_registry = registry
  return environment
}
