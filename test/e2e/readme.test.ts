import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { DemoSummary } from '../../cli/demo.ts'
import { freshClone, freshEnvironment } from '../helpers/fresh-clone.ts'
import { TemporaryFolders } from '../helpers/temporary.ts'

const execute = promisify(execFile)
/** Installing from npm's cache on a slow disk may take minutes. */
const PATIENCE_MS = 600_000
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024

/** A shell without a network but its own loopback, or null where the system does not let us make one. */
function offlineShell(): string[] | null {
  const shell = ['unshare', '--net', '--map-root-user', 'sh', '-c']
  try {
    execFileSync(shell[0]!, [...shell.slice(1), 'ip link set lo up'], { stdio: 'ignore' })
    return shell
  } catch {
    return null
  }
}

describe("README's lines in a fresh clone", function () {
  this.timeout(PATIENCE_MS)
  const folders = new TemporaryFolders()
  let clone = ''
  let env: Record<string, string> = {}
  let lines: string[] = []

  const run = async (shell: readonly string[], line: string): Promise<DemoSummary> => {
    const { stdout } = await execute(shell[0]!, [...shell.slice(1), line], {
      cwd: clone,
      env,
      maxBuffer: MAX_OUTPUT_BYTES,
    })
    return JSON.parse(stdout.trim().split('\n').at(-1)!) as DemoSummary
  }

  const check = (summary: DemoSummary) => {
    const {
      ok,
      provider,
      model,
      outputTokens,
      tokensPerSecond,
      paid,
      settlementTx,
      anchorTx,
      anchorVerified,
    } = summary
    assert.equal(ok, true)
    assert.equal(anchorVerified, true)
    assert.match(provider!, /^12D3KooW/)
    assert.match(model!, /^shoal-/)
    assert.ok(outputTokens > 0 && tokensPerSecond! > 0 && Number(paid) > 0, JSON.stringify(summary))
    for (const hash of [settlementTx, anchorTx]) assert.match(hash!, /^0x[0-9a-f]{64}$/)
  }

  before(async () => {
    const folder = await folders.make()
    clone = join(folder, 'shoal')
    env = freshEnvironment(folder)
    await freshClone(clone)
    lines = Array.from(
      (await readFile(join(clone, 'README.md'), 'utf8')).matchAll(/```sh\n(.*)\n```/g),
      m => m[1]!,
    )
  })
  after(() => folders.remove())

  it('the first installs everything and runs the demo', async () => {
    assert.match(lines[0]!, /^npm install && npm run /)
    check(await run(['sh', '-c'], `${lines[0]} -- --once --json`))
  })

  it('the demo needs no internet afterwards', async function () {
    const shell = offlineShell()
    if (shell === null) {
      console.log('      skipped: this system lets the test make no network namespace (unshare, ip)')
      this.skip()
    }
    check(await run(shell, `ip link set lo up && ${lines[0]!.replace(/^.*&& /, '')} -- --once --json`))
  })

  it('the second passes the tests: it is what runs this one', async () => {
    const script = await readFile(join(clone, '.ci/run'), 'utf8')
    assert.match(script, /^set -euo pipefail$/m)
    assert.equal(script.trim().split('\n').at(-1), lines[1])
  })
})
