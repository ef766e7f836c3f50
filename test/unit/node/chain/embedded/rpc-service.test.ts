import assert from 'node:assert/strict'
import { Faucet } from '../../../../../node/chain/embedded/faucet.ts'
import type { OpenedChain } from '../../../../../node/chain/embedded/folder.ts'
import { RpcService } from '../../../../../node/chain/embedded/rpc-service.ts'
import { ShoalError } from '../../../../../protocol/errors.ts'
import { openChain, Sender } from './opened-chain.ts'
import { useTemporaryFolder } from './temporary-folder.ts'

const CREDIT = 10n ** 18n
const address = (byte: string) => `0x${byte.repeat(20)}`

describe('RpcService', () => {
  const folder = useTemporaryFolder()
  let opened: OpenedChain
  let nowMs: number
  let serve: (allowTestMethods: boolean) => RpcService
  const call = (method: string, ...params: unknown[]) => serve(false).handle({ method, params })

  beforeEach(async () => {
    nowMs = 1_900_000_000_000
    // An epoch of three gifts.
    const deployment = { genesisSupply: 3_000n * CREDIT }
    opened = await openChain(folder.path, { deployment, now: () => nowMs })
    const { chain, deployerKey } = opened
    const faucet = new Faucet({ deployment: opened.deployment, privateKey: deployerKey }, { chain })
    serve = allowTestMethods =>
      new RpcService(
        { deployment: opened.deployment, allowTestMethods },
        { chain, fund: to => faucet.fund(to) },
      )
  })
  afterEach(async () => {
    await opened.close()
  })

  it('reads, and sends signed transactions', async () => {
    assert.equal(await call('eth_chainId'), '0x7a69')
    assert.equal(await call('net_version'), '31337')
    assert.deepEqual(await call('eth_accounts'), [])
    assert.equal(await call('eth_blockNumber'), `0x${opened.chain.head.number.toString(16)}`)
    const sender = await Sender.ofDeployer(opened)
    const hash = await call('eth_sendRawTransaction', await sender.transfer())
    assert.equal(((await call('eth_getTransactionReceipt', hash)) as { status: string }).status, '0x1')
    assert.deepEqual(await call('shoal_deployment'), opened.deployment)
  })

  it('offers nothing that could change the chain behind the journal', async () => {
    const refused = [
      'eth_sendTransaction',
      'eth_sign',
      'eth_signTypedData_v4',
      'eth_subscribe',
      'personal_sign',
      'debug_traceCall',
      'debug_traceTransaction',
      'evm_increaseTime',
      'evm_mine',
      'evm_revert',
      'evm_setAutomine',
      'evm_setNextBlockTimestamp',
      'evm_snapshot',
      'hardhat_dropTransaction',
      'hardhat_impersonateAccount',
      'hardhat_mine',
      'hardhat_setBalance',
      'hardhat_setCode',
      'constructor',
      '',
    ]
    const before = opened.chain.head
    for (const method of refused) await assert.rejects(call(method), { code: -32601 }, method)
    assert.deepEqual(opened.chain.head, before)
  })

  it('refuses parameters that are not what they should be', async () => {
    for (const params of [[], [5], ['0x'], ['nonsense'], [`0x${'00'.repeat(131_073)}`], [null]]) {
      await assert.rejects(call('eth_sendRawTransaction', ...params), { code: -32602 })
    }
    for (const params of [[], [5], ['0x12'], [`${address('11')}00`]]) {
      await assert.rejects(call('shoal_fund', ...params), { code: -32602 })
    }
    await assert.rejects(call('eth_getBalance', 5), { code: -32602 })
  })

  it('hands on what a reverted call returned', async () => {
    const to = opened.deployment.addresses.settlement
    await assert.rejects(call('eth_call', { to, data: '0x12345678' }, 'latest'), {
      code: 3,
      message: 'execution reverted',
      data: '0x',
    })
  })

  it('says what to do when the journal cannot be written, and nothing of errors within', async () => {
    const { deployment, chain } = opened
    const failing = (error: Error) =>
      new RpcService({ deployment, allowTestMethods: false }, { chain, fund: () => Promise.reject(error) })
    const fund = { method: 'shoal_fund', params: [address('11')] }
    await assert.rejects(failing(new ShoalError('FULL', 'No space.', { fix: 'Make some.' })).handle(fund), {
      code: -32603,
      message: 'No space. Make some.',
      data: { code: 'FULL' },
    })
    await assert.rejects(failing(new Error('/secret/path')).handle(fund), {
      code: -32603,
      message: 'internal error',
    })
  })

  it('offers test methods when asked to', async () => {
    const testing = serve(true)
    const run = (method: string, ...params: unknown[]) => testing.handle({ method, params })
    const { number, timestamp } = opened.chain.head
    const snapshot = await run('evm_snapshot')
    await run('evm_increaseTime', 60)
    await run('evm_mine')
    assert.equal(opened.chain.head.number, number + 1)
    assert.equal(opened.chain.head.timestamp, timestamp + 60)
    await run('evm_setNextBlockTimestamp', timestamp + 100)
    await run('evm_mine')
    assert.equal(opened.chain.head.timestamp, timestamp + 100)
    await run('evm_revert', snapshot)
    assert.equal(opened.chain.head.number, number)
    await run('hardhat_setBalance', address('44'), '0x5')
    assert.equal(await run('eth_getBalance', address('44'), 'latest'), '0x5')
    await assert.rejects(run('debug_traceTransaction', address('44')), { code: -32601 })
  })

  describe('shoal_fund', () => {
    interface Funding {
      wei: string
      credits: string
      transactionHashes: string[]
    }
    const fund = async (to: string) => (await call('shoal_fund', to)) as Funding

    it('gives 10 ETH and 1,000 credits once', async () => {
      const first = await fund(address('11'))
      assert.equal(first.wei, String(10n ** 19n))
      assert.equal(first.credits, String(1_000n * CREDIT))
      assert.equal(first.transactionHashes.length, 2)
      for (const hash of first.transactionHashes) {
        const receipt = await call('eth_getTransactionReceipt', hash)
        assert.equal((receipt as { status: string }).status, '0x1')
      }
      assert.equal(await call('eth_getBalance', address('11'), 'latest'), `0x${(10n ** 19n).toString(16)}`)
      const second = await fund(address('11'))
      assert.deepEqual([second.wei, second.credits, second.transactionHashes], ['0', '0', []])
    })

    it('serves many at once', async () => {
      const all = await Promise.all(['11', '22', '33'].map(byte => fund(address(byte))))
      assert.ok(all.every(({ transactionHashes }) => transactionHashes.length === 2))
    })

    it('gives no more than the genesis supply', async () => {
      for (const byte of ['11', '22', '33']) await fund(address(byte))
      await assert.rejects(fund(address('44')), { code: -32005 })
      assert.equal(await call('eth_getBalance', address('44'), 'latest'), '0x0')
    })
  })
})
