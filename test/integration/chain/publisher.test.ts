import assert from 'node:assert/strict'
import { join } from 'node:path'
import { Wallet as EthersWallet } from 'ethers'
import type { ChainClient } from '../../../node/chain/client.ts'
import { encodeCall, Publisher, type TransactionIntent } from '../../../node/chain/publisher.ts'
import { systemClock } from '../../../node/clock.ts'
import type { Wallet } from '../../../node/payments/wallet.ts'
import { Store } from '../../../node/store/store.ts'
import { wire } from '../../../protocol/codec.ts'
import { CREDIT } from '../../../protocol/money.ts'
import { GatedStore } from '../../helpers/gated-store.ts'
import { HardhatChain } from '../../helpers/hardhat-chain.ts'
import { silentLog } from '../../helpers/hosts.ts'
import { TemporaryFolders } from '../../helpers/temporary.ts'
import { waitUntil } from '../../helpers/wait.ts'

const word = (byte: string) => `0x${byte.repeat(32)}`

describe('transaction publisher', () => {
  const folders = new TemporaryFolders()
  const stops: (() => Promise<void> | void)[] = []
  let chain: HardhatChain
  let client: ChainClient
  let wallet: Wallet
  let storePath: string

  before(async () => {
    chain = await HardhatChain.start()
    client = await chain.client()
  })
  after(async () => {
    client.stop()
    await chain.stop()
    await folders.remove()
  })
  beforeEach(async () => {
    wallet = await chain.wallet()
    storePath = join(await folders.make(), 'store')
  })
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop()
    await chain.send('evm_setAutomine', true)
  })

  /** A publisher as after a restart: what it knows is on disk alone. */
  async function publisher(
    options: Partial<ConstructorParameters<typeof Publisher>[0]> = {},
  ): Promise<Publisher> {
    const store = await Store.open(storePath)
    const made = new Publisher(
      { confirmations: 1, pollIntervalMs: 20, bumpAfterMs: 60_000, ...options },
      { client, wallet, store, clock: systemClock, log: silentLog },
    )
    await made.start()
    const stop = async () => {
      await made.stop()
      await store.close()
    }
    stops.push(stop)
    return made
  }
  const restart = async (options = {}) => {
    await stops.pop()!()
    return publisher(options)
  }

  const bind = (byte: string): TransactionIntent => ({
    id: `bind:${byte}`,
    contract: 'nodeRegistry',
    data: encodeCall('nodeRegistry', 'bind', [word(byte)]),
  })
  const nonce = () => chain.provider.getTransactionCount(wallet.address, 'latest')
  const isKnown = async (sender: Publisher) => {
    const hash = sender.pending()[0]?.hash
    return typeof hash === 'string' && (await chain.provider.getTransaction(hash)) !== null
  }
  const mine = () => chain.send('evm_mine')

  it('sends in order and tells how each ended', async () => {
    const sender = await publisher()
    const outcomes = await Promise.all(['aa', 'bb', 'cc'].map(byte => sender.submit(bind(byte))))
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['confirmed', 'confirmed', 'confirmed'],
    )
    assert.equal(await client.nodeKeyOf(wallet.address), 'cc'.repeat(32))
    assert.equal(await nonce(), 3)
    assert.deepEqual(sender.pending(), [])
  })

  it('keeps the order of the calls when the disk answers a later one first', async () => {
    const gated = await GatedStore.open(storePath)
    const sender = new Publisher(
      { confirmations: 1, pollIntervalMs: 20, bumpAfterMs: 60_000 },
      { client, wallet, store: gated.store, clock: systemClock, log: silentLog },
    )
    await sender.start()
    stops.push(
      () => gated.store.close(),
      () => sender.stop(),
    )
    const gate = gated.gate('transaction-ids', 'get')
    const outcomes = Promise.all(['aa', 'bb'].map(byte => sender.submit(bind(byte))))
    await gate.reached
    // Time enough for the second to pass, if it could.
    await gated.store.table('transaction-ids', wire.count).get('none')
    gate.open()
    await outcomes
    assert.equal(await client.nodeKeyOf(wallet.address), 'bb'.repeat(32))
  })

  it('sends one transaction for one id, also after a restart', async () => {
    let sender = await publisher()
    const [first, second] = await Promise.all([sender.submit(bind('aa')), sender.submit(bind('aa'))])
    assert.deepEqual(first, second)
    sender = await restart()
    assert.deepEqual(await sender.submit(bind('aa')), first)
    assert.equal(await nonce(), 1)
  })

  it('does not send what would revert, names the error, and tries anew when asked again', async () => {
    const sender = await publisher()
    const withdraw: TransactionIntent = {
      id: 'withdraw:1',
      contract: 'settlement',
      data: encodeCall('settlement', 'withdraw', [wallet.address, CREDIT]),
    }
    assert.deepEqual(await sender.submit(withdraw), {
      status: 'rejected',
      reason: 'would_revert',
      errorName: 'InsufficientBalance',
    })
    assert.equal(await nonce(), 0)
    const { settlement } = client.addresses
    await chain.giveCredits(wallet.address, CREDIT)
    await sender.submit({
      id: 'approve',
      contract: 'creditToken',
      data: encodeCall('creditToken', 'approve', [settlement, CREDIT]),
    })
    await sender.submit({
      id: 'deposit',
      contract: 'settlement',
      data: encodeCall('settlement', 'deposit', [wallet.address, CREDIT]),
    })
    assert.equal((await sender.submit(withdraw)).status, 'confirmed')
  })

  it('says when there is no gas money', async () => {
    await chain.send('hardhat_setBalance', wallet.address, '0x1')
    const sender = await publisher()
    assert.deepEqual(await sender.submit(bind('aa')), {
      status: 'rejected',
      reason: 'insufficient_gas_money',
      errorName: null,
    })
  })

  it('waits for as many blocks as asked', async () => {
    const sender = await publisher({ confirmations: 3 })
    let done = false
    const outcome = sender.submit(bind('aa')).finally(() => {
      done = true
    })
    await waitUntil('it is mined', () => sender.pending()[0]?.state === 'mined')
    await mine()
    assert.equal(done, false)
    await mine()
    assert.equal((await outcome).status, 'confirmed')
  })

  it('pays more when a transaction waits, and counts it once', async () => {
    await chain.send('evm_setAutomine', false)
    const sender = await publisher({ bumpAfterMs: 50 })
    const outcome = sender.submit(bind('aa'))
    const hashes = new Set<string>()
    await waitUntil('it was sent three times', () => {
      const hash = sender.pending()[0]?.hash
      if (hash) hashes.add(hash)
      return hashes.size >= 3
    })
    await mine()
    const ended = await outcome
    assert.ok(ended.status === 'confirmed' && hashes.has(ended.hash))
    assert.equal(await nonce(), 1)
  })

  it('sends again what the chain forgot', async () => {
    await chain.send('evm_setAutomine', false)
    const sender = await publisher({ bumpAfterMs: 50 })
    const outcome = sender.submit(bind('aa'))
    await waitUntil('the chain has it', () => isKnown(sender))
    await chain.send('hardhat_dropTransaction', sender.pending()[0]!.hash)
    await chain.send('evm_setAutomine', true)
    assert.equal((await outcome).status, 'confirmed')
  })

  it('goes on after a crash with the transaction it had sent', async () => {
    await chain.send('evm_setAutomine', false)
    let sender = await publisher()
    void sender.submit(bind('aa'))
    await waitUntil('the chain has it', () => isKnown(sender))
    const { hash } = sender.pending()[0]!
    await chain.send('hardhat_dropTransaction', hash)
    sender = await restart()
    assert.equal(sender.pending()[0]?.hash, hash)
    const outcome = sender.submit(bind('aa'))
    await waitUntil(
      'the chain has it again',
      async () => (await chain.provider.getTransaction(hash!)) !== null,
    )
    await mine()
    const ended = await outcome
    assert.ok(ended.status === 'confirmed' && ended.hash === hash)
    assert.equal(await nonce(), 1)
  })

  it('sends again what a reorganisation took back, before it counts', async () => {
    const snapshot = await chain.send('evm_snapshot')
    const sender = await publisher({ confirmations: 2 })
    const outcome = sender.submit(bind('aa'))
    await waitUntil('it is mined', () => sender.pending()[0]?.state === 'mined')
    assert.equal(await chain.send('evm_revert', snapshot), true)
    assert.equal(await nonce(), 0)
    await waitUntil('it is mined again', async () => (await nonce()) === 1)
    await mine()
    assert.equal((await outcome).status, 'confirmed')
    assert.equal(await client.nodeKeyOf(wallet.address), 'aa'.repeat(32))
  })

  it('takes another nonce when the wallet was used elsewhere', async () => {
    await chain.send('evm_setAutomine', false)
    const sender = await publisher({ bumpAfterMs: 60_000 })
    const outcome = sender.submit(bind('aa'))
    await waitUntil('the chain has it', () => isKnown(sender))
    await chain.send('hardhat_dropTransaction', sender.pending()[0]!.hash)
    await chain.send('evm_setAutomine', true)
    await new EthersWallet(wallet.privateKey, chain.provider).sendTransaction({
      to: wallet.address,
      nonce: 0,
    })
    assert.equal((await outcome).status, 'confirmed')
    assert.equal(await nonce(), 2)
  })

  it('stops while transactions wait, and leaves them for later', async () => {
    await chain.send('evm_setAutomine', false)
    let sender = await publisher()
    void sender.submit(bind('aa'))
    void sender.submit(bind('bb'))
    await waitUntil('the first was sent', () => sender.pending()[0]?.state === 'sent')
    sender = await restart()
    assert.deepEqual(
      sender.pending().map(({ id }) => id),
      ['bind:aa', 'bind:bb'],
    )
    await chain.send('evm_setAutomine', true)
    await mine()
    assert.equal((await sender.submit(bind('bb'))).status, 'confirmed')
    assert.equal(await client.nodeKeyOf(wallet.address), 'bb'.repeat(32))
  })
})
