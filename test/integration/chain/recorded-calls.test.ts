import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { EventLog } from '../../../node/auditlog/event-log.ts'
import { AuditOutbox } from '../../../node/auditlog/outbox.ts'
import type { ChainClient } from '../../../node/chain/client.ts'
import { encodeCall, Publisher } from '../../../node/chain/publisher.ts'
import { type RecordedCall, RecordedCalls } from '../../../node/chain/recorded-calls.ts'
import { systemClock } from '../../../node/clock.ts'
import { createNativeNodeSigner } from '../../../node/ed25519.ts'
import type { Wallet } from '../../../node/payments/wallet.ts'
import { Store } from '../../../node/store/store.ts'
import { type AuditEventDetails, auditEventMessage } from '../../../protocol/messages/audit-event.ts'
import { openRecord } from '../../../protocol/signed.ts'
import { HardhatChain } from '../../helpers/hardhat-chain.ts'
import { silentLog } from '../../helpers/hosts.ts'
import { TemporaryFolders } from '../../helpers/temporary.ts'
import { waitUntil } from '../../helpers/wait.ts'

describe('recorded calls', () => {
  const folders = new TemporaryFolders()
  const signer = createNativeNodeSigner(randomBytes(32))
  let chain: HardhatChain
  let client: ChainClient
  let wallet: Wallet
  let folder: string
  let run: Run | null = null

  interface Run {
    calls: RecordedCalls
    publisher: Publisher
    events: () => Promise<AuditEventDetails[]>
    stop: () => Promise<void>
  }

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
    folder = await folders.make()
  })
  afterEach(async () => {
    await run?.stop()
    run = null
    await chain.send('evm_setAutomine', true)
  })

  /** As after a restart: what it knows is on disk alone. */
  async function restart(): Promise<Run> {
    await run?.stop()
    const store = await Store.open(join(folder, 'store'))
    const log = await EventLog.open({ path: join(folder, 'audit.log') }, { signer, clock: systemClock })
    const outbox = new AuditOutbox({ store, log })
    await outbox.recover()
    const publisher = new Publisher(
      { confirmations: 1, pollIntervalMs: 20, bumpAfterMs: 60_000 },
      { client, wallet, store, clock: systemClock, log: silentLog },
    )
    await publisher.start()
    const calls = new RecordedCalls({ publisher, outbox, store, log: silentLog })
    await calls.start()
    run = {
      calls,
      publisher,
      events: async () => {
        const events: AuditEventDetails[] = []
        for await (const { record } of log.read(1, log.lastSequence))
          events.push(openRecord(auditEventMessage, record).body.event)
        return events
      },
      stop: async () => {
        await publisher.stop()
        await log.close()
        await store.close()
      },
    }
    return run
  }

  const bind = (): RecordedCall => ({
    id: 'bind',
    contract: 'nodeRegistry',
    data: encodeCall('nodeRegistry', 'bind', [`0x${'aa'.repeat(32)}`]),
    event: { kind: 'wallet.bound', v: 1, wallet: wallet.address, chainId: client.chainId },
  })

  it('are one event each, with the transaction that made it true', async () => {
    const { calls, events } = await restart()
    const outcome = await calls.run(bind())
    assert.ok(outcome.status === 'confirmed')
    const expected = { ...bind().event, transaction: outcome.hash }
    assert.deepEqual(await events(), [expected])
  })

  it('are one event when they are asked for again while they run, from this run or an earlier one', async () => {
    await chain.send('evm_setAutomine', false)
    const first = await restart()
    void first.calls.run(bind()).catch(() => {})
    await waitUntil('it is sent', () => first.publisher.pending()[0]?.state === 'sent')
    const { calls, events } = await restart()
    const again = [calls.run(bind()), calls.run(bind())]
    await chain.send('evm_setAutomine', true)
    await chain.send('evm_mine')
    for (const { status } of await Promise.all(again)) assert.equal(status, 'confirmed')
    assert.equal((await events()).length, 1)
  })

  it('are one event when they are asked for again after they were done', async () => {
    const first = await restart()
    const outcome = await first.calls.run(bind())
    assert.deepEqual(await first.calls.run(bind()), outcome)
    const { calls, events } = await restart()
    assert.deepEqual(await calls.run(bind()), outcome)
    assert.equal((await events()).length, 1)
  })

  it('are no event when the chain refuses them, and may be tried anew', async () => {
    await chain.send('hardhat_setBalance', wallet.address, '0x1')
    const { calls, events } = await restart()
    assert.equal((await calls.run(bind())).status, 'rejected')
    assert.deepEqual(await events(), [])
    await chain.send('hardhat_setBalance', wallet.address, '0xde0b6b3a7640000')
    assert.equal((await calls.run(bind())).status, 'confirmed')
    assert.equal((await events()).length, 1)
  })
})
