import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { TemporaryFolders } from '../helpers/temporary.ts'

const execute = promisify(execFile)
const ROOT = fileURLToPath(new URL('../../', import.meta.url))

describe('the build that is published', function () {
  this.timeout(180_000)
  const folders = new TemporaryFolders()
  after(() => folders.remove())

  it('runs the demo from JavaScript alone', async () => {
    const folder = await folders.make()
    const modules = join(folder, 'node_modules')
    await symlink(join(ROOT, 'node_modules'), modules)
    await execute(process.execPath, ['scripts/build.ts', join(folder, 'dist')], { cwd: ROOT })
    const { stdout } = await execute(
      process.execPath,
      ['dist/cli/main.js', 'demo', '--once', '--json', '--data', join(folder, 'data')],
      { cwd: folder, env: { ...process.env, HOME: folder } },
    )
    assert.equal(JSON.parse(stdout.trim().split('\n').at(-1)!).ok, true)
    await rm(modules)
  })
})
