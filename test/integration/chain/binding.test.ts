import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { EventLog } from '../../../node/auditlog/event-log.ts'
import { AuditOutbox } from '../../../node/auditlog/outbox.ts'
import { bindNodeKey } from '../../../node/chain/binding.ts'
import type { ChainClient } from '../../../node/chain/client.ts'
import { encodeCall, Publisher } from '../../../node/chain/publisher.ts'
import { RecordedCalls } from '../../../node/chain/recorded-calls.ts'
import { systemClock } from '../../../node/clock.ts'
import { createNativeNodeSigner } from '../../../node/ed25519.ts'
import type { Wallet } from '../../../node/payments/wallet.ts'
import { Store } from '../../../node/store/store.ts'
import { HardhatChain } from '../../helpers/hardhat-chain.ts'
import { silentLog } from '../../helpers/hosts.ts'
import { TemporaryFolders } from '../../helpers/temporary.ts'

describe('the binding of a node key', () => {
  const folders = new TemporaryFolders()
  const signer = createNativeNodeSigner(randomBytes(32))
  let chain: HardhatChain
  let client: ChainClient
  let wallet: Wallet
  let publisher: Publisher
  let calls: RecordedCalls
  let stop: () => Promise<void>

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
    const folder = await folders.make()
    const store = await Store.open(join(folder, 'store'))
    const log = await EventLog.open({ path: join(folder, 'audit.log') }, { signer, clock: systemClock })
    const outbox = new AuditOutbox({ store, log })
    publisher = new Publisher(
      { confirmations: 1, pollIntervalMs: 20, bumpAfterMs: 60_000 },
      { client, wallet, store, clock: systemClock, log: silentLog },
    )
    await publisher.start()
    calls = new RecordedCalls({ publisher, outbox, store, log: silentLog })
    stop = async () => {
      await publisher.stop()
      await log.close()
      await store.close()
    }
  })
  afterEach(() => stop())

  const keys = ['aa'.repeat(32), 'bb'.repeat(32)] as const
  const bind = (nodeKey: string) => bindNodeKey({ nodeKey, wallet: wallet.address }, { client, calls })
  const bound = () => client.nodeKeyOf(wallet.address)
  const nonce = () => client.bindingNonce(wallet.address)

  it('is declared once', async () => {
    assert.equal(await bind(keys[0]), true)
    assert.equal(await bind(keys[0]), true)
    assert.equal(await bound(), keys[0])
    assert.equal(await nonce(), 1n)
  })

  it('is declared anew after another key and after none', async () => {
    await bind(keys[0])
    assert.equal(await bind(keys[1]), true)
    assert.equal(await bind(keys[0]), true)
    assert.equal(await bound(), keys[0])
    const unbind = encodeCall('nodeRegistry', 'unbind', [])
    await publisher.submit({ id: 'unbind', contract: 'nodeRegistry', data: unbind })
    assert.equal(await bound(), null)
    assert.equal(await bind(keys[0]), true)
    assert.equal(await bound(), keys[0])
    assert.equal(await nonce(), 5n)
  })

  it('is not declared when the wallet has given the key up', async () => {
    const revoke = encodeCall('nodeRegistry', 'revoke', [`0x${keys[0]}`])
    await publisher.submit({ id: 'revoke', contract: 'nodeRegistry', data: revoke })
    assert.equal(await bind(keys[0]), false)
    assert.equal(await bound(), null)
  })
})
