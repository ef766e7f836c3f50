import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { encodeBytes32String, getAddress, Interface, Wallet, ZeroHash } from 'ethers'
import { artifacts } from '../../../node/chain/abi/bytecode/index.ts'
import { creditTokenAbi } from '../../../node/chain/abi/credit-token.ts'
import { CONTRACT_NAMES, type ContractKey } from '../../../node/chain/contracts.ts'
import { DeploymentError, type DeployOptions, deployContracts } from '../../../node/chain/deploy.ts'
import { recoverLostTransaction } from '../../../node/chain/deploy-recovery.ts'
import type { Eip1193Provider } from '../../../node/chain/deploy-signer.ts'
import { type DeploymentParameters, networkParameters } from '../../../node/chain/deployment-parameters.ts'
import { planDeployment } from '../../../node/chain/deployment-plan.ts'
import { EmbeddedChain } from '../../../node/chain/embedded/embedded-chain.ts'
import { TemporaryFolders } from '../../helpers/temporary.ts'
import { RpcClient } from './rpc-client.ts'

describe('deployContracts', () => {
  const folders = new TemporaryFolders()
  let chain: EmbeddedChain
  let rpc: RpcClient
  let wallet: { privateKey: string; address: string }

  const overHttp: Eip1193Provider = {
    request: ({ method, params }) => rpc.send(method, ...((params ?? []) as unknown[])),
  }
  type Options = Partial<Omit<DeployOptions, 'parameters'>> & { parameters?: Partial<DeploymentParameters> }
  const deploy = ({ parameters, ...options }: Options = {}, provider = overHttp) =>
    deployContracts(
      {
        privateKey: wallet.privateKey,
        pollIntervalMs: 5,
        ...options,
        parameters: { ...networkParameters('local'), ...parameters },
      },
      { provider },
    )
  const view = async (to: string, abi: Interface, name: string, ...args: unknown[]) => {
    const result = await rpc.send<string>(
      'eth_call',
      { to, data: abi.encodeFunctionData(name, args) },
      'latest',
    )
    return abi.decodeFunctionResult(name, result)[0] as unknown
  }
  const transactionCount = async () =>
    Number(await rpc.send('eth_getTransactionCount', wallet.address, 'latest'))

  before(async () => {
    chain = new EmbeddedChain({ folder: await folders.make() })
    const { rpcUrl } = await chain.start()
    rpc = new RpcClient(rpcUrl)
  })
  beforeEach(async () => {
    wallet = Wallet.createRandom()
    await rpc.send('shoal_fund', wallet.address)
  })
  after(async () => {
    await chain.stop()
    await folders.remove()
  })

  it('deploys over JSON-RPC with a key, wired together and with its parameters', async () => {
    const before = Number(await rpc.send('eth_blockNumber'))
    const guardian = `0x${'9'.repeat(40)}`
    const parameters = { epochSupply: 500n, genesisSupply: 70n, closeDelay: 12, guardian }
    const { chainId, addresses, deploymentBlock } = await deploy({ parameters })
    assert.equal(chainId, 31337)
    assert.equal(deploymentBlock, before + 1)
    const reader = (key: ContractKey) => {
      const abi = new Interface(artifacts[CONTRACT_NAMES[key]].abi)
      return (name: string, ...args: unknown[]) => view(addresses[key], abi, name, ...args)
    }
    const of = (key: ContractKey) => getAddress(addresses[key])
    const token = reader('creditToken')
    assert.equal(await token('epochSupply'), 500n)
    assert.equal(await token('balanceOf', wallet.address), 70n)
    assert.equal(await token('emission'), of('emission'))
    const settlement = reader('settlement')
    assert.equal(await settlement('creditToken'), of('creditToken'))
    assert.equal(await settlement('closeDelay'), 12n)
    assert.equal(await settlement('pauser'), of('emergencyPause'))
    assert.equal(await reader('nodeRegistry')('staking'), of('staking'))
    const pause = reader('emergencyPause')
    assert.equal(await pause('guardian'), guardian)
    assert.deepEqual([...((await pause('targets')) as string[])], [of('staking'), of('settlement')])
    for (const key of ['staking', 'nodeRegistry', 'emission', 'emergencyPause', 'contractRegistry'] as const)
      assert.equal(await reader(key)('owner'), of('timelock'), key)
    const timelock = reader('timelock')
    for (const role of ['PROPOSER_ROLE', 'EXECUTOR_ROLE', 'CANCELLER_ROLE'])
      assert.equal(await timelock('hasRole', await timelock(role), of('governor')), true)
    assert.equal(await timelock('hasRole', ZeroHash, wallet.address), false)
    assert.equal(await timelock('hasRole', ZeroHash, of('timelock')), true)
    const registry = reader('contractRegistry')
    const [latest] = (await registry('latest', encodeBytes32String('Settlement'))) as [string]
    assert.equal(latest, of('settlement'))
  })

  it('sends what the plan says, in another order at most', async () => {
    const account = wallet.address.toLowerCase()
    const plan = planDeployment({ parameters: networkParameters('local'), account, nonce: 0 })
    const { deploymentBlock } = await deploy()
    const head = Number(await rpc.send('eth_blockNumber'))
    const sent: string[] = []
    for (let number = deploymentBlock; number <= head; number++) {
      const block = await rpc.send<{ transactions: { input: string }[] }>(
        'eth_getBlockByNumber',
        `0x${number.toString(16)}`,
        true,
      )
      sent.push(...block.transactions.map(({ input }) => input.slice(0, 10) + input.length))
    }
    const planned = plan.transactions.map(({ data }) => data.slice(0, 10) + data.length)
    assert.deepEqual(sent.toSorted(), planned.toSorted())
  })

  it('does nothing a second time with the same journal', async () => {
    const journalDir = join(await folders.make(), 'deployment')
    const first = await deploy({ journalDir })
    const count = await transactionCount()
    assert.deepEqual(await deploy({ journalDir }), first)
    assert.equal(await transactionCount(), count)
    assert.ok((await readdir(journalDir)).includes('journal.jsonl'))
  })

  /** Fails on the nth request of a kind, after or before it has had its effect. */
  const failing = (method: string, nth: number, effect: 'before' | 'after'): Eip1193Provider => {
    let seen = 0
    return {
      async request(request) {
        const strikes = request.method === method && ++seen === nth
        if (strikes && effect === 'before') throw new Error('the connection broke')
        const result = await overHttp.request(request)
        if (strikes) throw new Error('the connection broke')
        return result
      },
    }
  }

  for (const effect of ['before', 'after'] as const) {
    it(`goes on where it stopped, whichever transaction broke ${effect} it arrived`, async () => {
      const journalDir = join(await folders.make(), 'deployment')
      const parameters = { genesisSupply: 1n }
      for (let nth = 1; nth <= 3; nth++) {
        const broken = failing('eth_sendRawTransaction', nth, effect)
        await deploy({ journalDir, parameters }, broken).catch((error: unknown) => {
          assert.ok(error instanceof DeploymentError, String(error))
          assert.equal(error.code, 'DEPLOYMENT_FAILED')
          assert.ok(error.fix)
        })
      }
      const { addresses } = await deploy({ journalDir, parameters })
      const { transactions } = planDeployment({
        parameters: networkParameters('local'),
        account: wallet.address.toLowerCase(),
        nonce: 0,
      })
      assert.equal(await transactionCount(), transactions.length)
      const token = new Interface(creditTokenAbi)
      assert.equal(await view(addresses.creditToken, token, 'balanceOf', wallet.address), 1n)
    })
  }

  it('waits for a transaction of an earlier try that is still to be mined', async () => {
    const count = (block: unknown) => (block === 'pending' ? '0x4' : '0x3')
    const provider: Eip1193Provider = {
      request: ({ params }) => Promise.resolve(count((params as unknown[])[1])),
    }
    const lost = { futureId: 'Shoal#Settlement', sender: wallet.address, nonce: 3 }
    const artifactResolver = {
      loadArtifact: () => Promise.reject(new Error('not needed')),
      getBuildInfo: () => Promise.reject(new Error('not needed')),
    }
    const context = { provider, journalDir: 'none', confirmations: 1, artifactResolver }
    assert.equal(await recoverLostTransaction(lost, context), 'pending')
  })

  it('names an empty wallet, a missing account, a foreign journal and bad parameters', async () => {
    const empty = Wallet.createRandom().privateKey
    await assert.rejects(deploy({ privateKey: empty }), { code: 'DEPLOYMENT_WALLET_EMPTY' })
    await assert.rejects(
      deployContracts({ parameters: networkParameters('local') }, { provider: overHttp }),
      { code: 'DEPLOYMENT_NO_ACCOUNT' },
    )
    await assert.rejects(deploy({ parameters: { epochSupply: 0n } }), { code: 'DEPLOYMENT_FAILED' })
    const journalDir = join(await folders.make(), 'deployment')
    await deploy({ journalDir })
    await assert.rejects(deploy({ journalDir, parameters: { closeDelay: 11 } }), {
      code: 'DEPLOYMENT_JOURNAL_MISMATCH',
    })
  })
})
