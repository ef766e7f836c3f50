import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { access, cp, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { id } from 'ethers'
import { TemporaryFolders } from '../helpers/temporary.ts'

const execute = promisify(execFile)
const ROOT = fileURLToPath(new URL('../../', import.meta.url))

describe('the build that is published', function () {
  this.timeout(180_000)
  const folders = new TemporaryFolders()
  after(() => folders.remove())

  it('runs the demo from JavaScript alone, and lends its contracts to other programs', async () => {
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
    await cp(join(ROOT, 'package.json'), join(folder, 'package.json'))
    const consumer = `
      import { abis, CONTRACT_NAMES, connectContract, parseDeployment, settlementAbi } from 'shoal/contracts'
      const addresses = Object.fromEntries(Object.keys(CONTRACT_NAMES).map(key => [key, '0x' + '1'.repeat(40)]))
      const settlement = connectContract(parseDeployment({ chainId: 1, addresses }), 'settlement')
      console.log(settlement.interface.encodeFunctionData('closeDelay', []), abis.settlement === settlementAbi)`
    const imported = await execute(process.execPath, ['--input-type=module', '-e', consumer], { cwd: folder })
    assert.equal(imported.stdout, `${id('closeDelay()').slice(0, 10)} true\n`)
    await access(join(folder, 'dist/node/chain/bindings.d.ts'))
    await rm(modules)
  })
})
