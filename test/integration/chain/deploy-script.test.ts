import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { readDeploymentFile } from '../../../node/chain/addresses.ts'
import { ChainClient } from '../../../node/chain/client.ts'
import { CREDIT } from '../../../protocol/money.ts'
import { HardhatChain } from '../../helpers/hardhat-chain.ts'
import { TemporaryFolders } from '../../helpers/temporary.ts'

const execute = promisify(execFile)
const SCRIPT = fileURLToPath(new URL('../../../scripts/deploy.ts', import.meta.url))

describe('npm run deploy', () => {
  const folders = new TemporaryFolders()
  let chain: HardhatChain
  before(async () => {
    chain = await HardhatChain.start()
  })
  after(async () => {
    await chain.stop()
    await folders.remove()
  })

  it('deploys to a chain, mints, and writes the file a node starts with; again, it changes nothing', async () => {
    const folder = await folders.make()
    const out = join(folder, 'contracts.json')
    const key = join(folder, 'key')
    const wallet = await chain.wallet(0n)
    await writeFile(key, `${wallet.privateKey}\n`)
    const deploy = () =>
      execute(process.execPath, [
        ...[SCRIPT, '--rpc', chain.rpcUrl, '--key-file', key, '--out', out, '--mint', '1000'],
        ...['--close-delay', '3600', '--journal', join(folder, 'journal')],
      ])
    const { stdout } = await deploy()
    assert.match(stdout, new RegExp(`shoal up --rpc ${chain.rpcUrl} --contracts ${out}`))
    const first = await readFile(out, 'utf8')
    await deploy()
    assert.equal(await readFile(out, 'utf8'), first)

    const deployment = await readDeploymentFile(out)
    assert.notEqual(deployment.addresses.creditToken, chain.deployment.addresses.creditToken)
    const client = await ChainClient.connect({ rpcUrl: chain.rpcUrl, expectedChainId: null, deployment })
    try {
      assert.equal((await client.balances(wallet.address)).credits, 1_000n * CREDIT)
    } finally {
      client.stop()
    }
  })

  it('says what is wrong', async () => {
    const failing = (args: string[]) =>
      execute(process.execPath, [SCRIPT, ...args]).then(
        () => assert.fail('it succeeded'),
        (error: { code: number; stderr: string; stdout: string }) => error,
      )
    const unreachable = await failing(['--rpc', 'http://127.0.0.1:1'])
    assert.equal(unreachable.code, 1)
    assert.match(unreachable.stderr, /the chain at http:\/\/127\.0\.0\.1:1 does not answer/)
    assert.doesNotMatch(unreachable.stderr, /^\s+at /m)
    assert.equal((await failing([])).code, 2)
  })
})
