import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Contract, JsonRpcProvider, Wallet } from 'ethers'
import { creditTokenAbi } from '../../../node/chain/abi/credit-token.ts'
import { settlementAbi } from '../../../node/chain/abi/settlement.ts'
import { networkParameters } from '../../../node/chain/deployment-parameters.ts'
import { planDeployment } from '../../../node/chain/deployment-plan.ts'
import { EmbeddedChain, type EmbeddedChainOptions } from '../../../node/chain/embedded/embedded-chain.ts'
import { EmbeddedChainError, type EmbeddedChainErrorCode } from '../../../node/chain/embedded/errors.ts'
import { TemporaryFolders } from '../../helpers/temporary.ts'
import { isAlive, processGone, RpcClient } from './rpc-client.ts'

const PARENT = fileURLToPath(new URL('./parent.ts', import.meta.url))

const DEPLOYMENT_TRANSACTIONS = planDeployment({
  parameters: networkParameters('local'),
  account: `0x${'1'.repeat(40)}`,
  nonce: 0,
}).transactions.length

describe('EmbeddedChain', () => {
  const folders = new TemporaryFolders()
  let folder: string
  let chains: EmbeddedChain[]
  let processes: ChildProcess[]
  const newChain = (options: Partial<EmbeddedChainOptions> = {}, modules = {}) => {
    const chain = new EmbeddedChain({ folder, ...options }, modules)
    chains.push(chain)
    return chain
  }
  const refusesToStart = (chain: EmbeddedChain, code: EmbeddedChainErrorCode) =>
    assert.rejects(chain.start(), (error: unknown) => {
      assert.ok(error instanceof EmbeddedChainError, String(error))
      assert.equal(error.code, code)
      assert.ok(error.fix)
      return true
    })

  beforeEach(async () => {
    folder = join(await folders.make(), 'chain')
    chains = []
    processes = []
  })
  afterEach(async () => {
    for (const child of processes) child.kill('SIGKILL')
    await Promise.all(chains.map(chain => chain.stop()))
    await folders.remove()
  })

  it('serves ethers: reading, sending, waiting, events', async () => {
    const { rpcUrl, addresses, chainId, deploymentBlock } = await newChain().start()
    const provider = new JsonRpcProvider(rpcUrl, chainId, {
      staticNetwork: true,
      cacheTimeout: -1,
      pollingInterval: 20,
    })
    try {
      const wallet = Wallet.createRandom().connect(provider)
      await provider.send('shoal_fund', [wallet.address])
      const token = new Contract(addresses.creditToken, creditTokenAbi, wallet)
      const settlement = new Contract(addresses.settlement, settlementAbi, provider)
      assert.equal(await settlement.getFunction('closeDelay')(), 3_600n)
      const to = Wallet.createRandom().address
      const response = await token.getFunction('transfer')(to, 5n)
      const receipt = await response.wait()
      assert.equal(receipt.status, 1)
      assert.equal(await token.getFunction('balanceOf')(to), 5n)
      const transfers = await token.queryFilter(token.filters.Transfer!(wallet.address), deploymentBlock)
      assert.deepEqual(
        transfers.map(({ transactionHash }) => transactionHash),
        [response.hash],
      )
      await assert.rejects(token.getFunction('transfer')(to, 10n ** 30n), { code: 'CALL_EXCEPTION' })
      const mint = token.getFunction('mint')
      await assert.rejects(mint(to, 0n, 1n), { code: 'CALL_EXCEPTION' })
      await assert.rejects(mint.staticCall(to, 0n, 1n), (error: { revert?: { name: string } }) => {
        assert.equal(error.revert?.name, 'OnlyEmission')
        return true
      })
    } finally {
      provider.destroy()
    }
  })

  it('starts and stops as often as it is told, and is the same chain at the same address', async () => {
    const chain = newChain()
    const [info, same] = await Promise.all([chain.start(), chain.start()])
    assert.equal(info, same)
    assert.equal(info.replayedTransactions, 0)
    const client = new RpcClient(info.rpcUrl)
    const block = await client.send<{ hash: string }>('eth_getBlockByNumber', 'latest', false)
    const pid = chain.pid!
    await Promise.all([chain.stop(), chain.stop()])
    await chain.stop()
    assert.equal(chain.pid, undefined)
    assert.equal(isAlive(pid), false)
    await assert.rejects(client.send('eth_chainId'))
    const { replayedTransactions, ...again } = await chain.start()
    const { replayedTransactions: _none, ...first } = info
    assert.deepEqual(again, first)
    assert.equal(replayedTransactions, DEPLOYMENT_TRANSACTIONS)
    assert.deepEqual(await client.send('eth_getBlockByNumber', 'latest', false), block)
  })

  it('does what it was told last when it is told in quick succession', async () => {
    const chain = newChain()
    const first = chain.start()
    const stopped = chain.stop()
    const second = chain.start()
    await Promise.all([first, stopped])
    const { rpcUrl, replayedTransactions } = await second
    assert.equal(replayedTransactions, DEPLOYMENT_TRANSACTIONS)
    assert.equal(await new RpcClient(rpcUrl).send('eth_chainId'), '0x7a69')
    await Promise.all([chain.stop(), chain.start().catch(() => {}), chain.stop()])
    assert.equal(chain.pid, undefined)
  })

  it('does nothing on a stop before a start', async () => {
    await newChain().stop()
  })

  it('says where the chain of a folder in use is', async () => {
    const { rpcUrl } = await newChain().start()
    await assert.rejects(newChain().start(), (error: unknown) => {
      assert.ok(error instanceof EmbeddedChainError)
      assert.equal(error.code, 'CHAIN_FOLDER_IN_USE')
      assert.equal(error.details.rpcUrl, rpcUrl)
      return true
    })
    assert.equal(await new RpcClient(rpcUrl).send('eth_chainId'), '0x7a69')
  })

  it('takes the port it is given, or says that it is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    await refusesToStart(newChain({ port }), 'CHAIN_PORT_IN_USE')
    server.close()
    await once(server, 'close')
    const { rpcUrl } = await newChain({ port }).start()
    assert.equal(rpcUrl, `http://127.0.0.1:${port}`)
  })

  it('takes another port when the one of last time is taken', async () => {
    const chain = newChain()
    const { rpcUrl } = await chain.start()
    await chain.stop()
    const server = createServer().listen(Number(new URL(rpcUrl).port), '127.0.0.1')
    await once(server, 'listening')
    const info = await chain.start()
    assert.notEqual(info.rpcUrl, rpcUrl)
    server.close()
    await once(server, 'close')
  })

  it('brings errors of the start over whole', async () => {
    const chain = newChain()
    await chain.start()
    await chain.stop()
    await refusesToStart(newChain({ chainId: 5 }), 'CHAIN_ID_MISMATCH')
    await refusesToStart(newChain({ folder: '/dev/null/chain' }), 'CHAIN_FOLDER_UNUSABLE')
    await refusesToStart(newChain({ startTimeoutMs: 1, folder: `${folder}2` }), 'CHAIN_START_TIMEOUT')
  })

  it('tells when its process dies, and starts again', async () => {
    let died: (error: EmbeddedChainError) => void = () => {}
    const death = new Promise<EmbeddedChainError>(resolve => {
      died = resolve
    })
    const chain = newChain({}, { onExit: (error: EmbeddedChainError) => died(error) })
    await chain.start()
    process.kill(chain.pid!, 'SIGKILL')
    const error = await death
    assert.equal(error.code, 'CHAIN_CRASHED')
    assert.equal(error.details.signal, 'SIGKILL')
    assert.equal((await chain.start()).replayedTransactions, DEPLOYMENT_TRANSACTIONS)
  })

  it('leaves Ctrl-C to its parent and ends in order on SIGTERM', async () => {
    let code: unknown
    const chain = newChain({}, { onExit: (error: EmbeddedChainError) => (code = error.details.exitCode) })
    const { rpcUrl } = await chain.start()
    const pid = chain.pid!
    process.kill(pid, 'SIGINT')
    assert.equal(await new RpcClient(rpcUrl).send('eth_chainId'), '0x7a69')
    process.kill(pid, 'SIGTERM')
    await processGone(pid)
    assert.equal(code, 0)
  })

  const startedByParent = async (mode: string) => {
    const parent = spawn(process.execPath, [PARENT, folder, mode], { stdio: ['ignore', 'pipe', 'inherit'] })
    processes.push(parent)
    const [line] = (await once(createInterface(parent.stdout!), 'line')) as [string]
    return { parent, ...(JSON.parse(line) as { pid: number; rpcUrl: string }) }
  }

  it('ends when the process that started it is killed', async () => {
    const { parent, pid } = await startedByParent('attached')
    parent.kill('SIGKILL')
    await processGone(pid)
    assert.equal((await newChain().start()).replayedTransactions, DEPLOYMENT_TRANSACTIONS)
  })

  it('goes on without it when it was started detached', async () => {
    const { parent, pid, rpcUrl } = await startedByParent('detached')
    parent.kill('SIGKILL')
    await once(parent, 'exit')
    assert.equal(await new RpcClient(rpcUrl).send('eth_chainId'), '0x7a69')
    await refusesToStart(newChain(), 'CHAIN_FOLDER_IN_USE')
    process.kill(pid, 'SIGTERM')
    await processGone(pid)
  })

  it('stops a detached chain that it started', async () => {
    const chain = newChain({ detached: true })
    const { rpcUrl } = await chain.start()
    const pid = chain.pid!
    await chain.stop()
    assert.equal(isAlive(pid), false)
    await assert.rejects(new RpcClient(rpcUrl).send('eth_chainId'))
  })

  it('lets tests move time when asked to, and only then', async () => {
    const { rpcUrl } = await newChain({ allowTestMethods: true }).start()
    await new RpcClient(rpcUrl).send('evm_increaseTime', 60)
    const other = await newChain({ folder: `${folder}2` }).start()
    await assert.rejects(new RpcClient(other.rpcUrl).send('evm_increaseTime', 60), { code: -32601 })
  })
})
