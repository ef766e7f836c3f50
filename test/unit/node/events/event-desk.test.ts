import assert from 'node:assert/strict'
import { join } from 'node:path'
import { EventLog } from '../../../../node/auditlog/event-log.ts'
import { AuditOutbox } from '../../../../node/auditlog/outbox.ts'
import { loadConfig } from '../../../../node/config/load.ts'
import type { JournalEvent } from '../../../../node/events/event.ts'
import { EventDesk } from '../../../../node/events/event-desk.ts'
import { createLogger } from '../../../../node/log.ts'
import { DEFAULT_PREFERENCES } from '../../../../node/market/preferences.ts'
import { NodeEvents } from '../../../../node/node-events.ts'
import { Store } from '../../../../node/store/store.ts'
import type { AskOptions } from '../../../../node/tasks/ask.ts'
import { createNodeSigner } from '../../../../protocol/identity.ts'
import { peerIdFromPublicKey } from '../../../../protocol/ids.ts'
import type { AuditEventDetails } from '../../../../protocol/messages/audit-event.ts'
import { CREDIT } from '../../../../protocol/money.ts'
import { ManualClock } from '../../../helpers/manual-clock.ts'
import { GREEDY, seedOf } from '../../../helpers/samples.ts'
import { TemporaryFolders } from '../../../helpers/temporary.ts'

const log = createLogger({ level: 'silent' })
const signer = createNodeSigner(seedOf(3))
const peer = Buffer.from(signer.publicKey).toString('hex')
const peerId = peerIdFromPublicKey(signer.publicKey)

const started = (software: string): AuditEventDetails => ({ kind: 'node.started', v: 1, software })
const countersigned = (taskId: string): AuditEventDetails => ({
  ...{ kind: 'receipt.countersigned', v: 1, receipt: CID, claim: `0x${'11'.repeat(32)}` },
  ...{ taskId, amount: CREDIT / 2n, reason: 'stop' },
})
const CID = 'bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua'
const OURS = 'aa'.repeat(16)
const THEIRS = 'bb'.repeat(16)

describe('event desk', () => {
  const folders = new TemporaryFolders()
  const clock = new ManualClock()
  let folder: string
  let stop: () => Promise<void>

  async function open() {
    const { config } = await loadConfig({ dataDir: folder, environment: {}, flags: {} })
    const store = await Store.open(join(folder, 'store'))
    const eventLog = await EventLog.open({ path: join(folder, 'audit.log') }, { signer, clock })
    const outbox = new AuditOutbox({ store, log: eventLog })
    const events = new NodeEvents()
    const openDesk = () => EventDesk.open({ config }, { store, clock, log, events, eventLog })
    stop = async () => {
      await eventLog.close()
      await store.close()
    }
    return { outbox, events, openDesk }
  }
  const told = async ({ journal }: EventDesk, after = 0) => {
    await journal.flushed()
    return (await journal.read({ after })).events.map(
      ({ channel, type, tenant, data }: JournalEvent) => [channel, type, tenant, data] as const,
    )
  }

  beforeEach(async () => {
    folder = await folders.make()
  })
  afterEach(() => stop())
  after(() => folders.remove())

  it('tells what the node, its tasks, the market and its audit log tell, each in its channel', async () => {
    const { outbox, events, openDesk } = await open()
    const desk = await openDesk()
    events.tell({ type: 'peer', peer, state: 'connected' })
    events.tell({
      type: 'model',
      spec: 'm',
      state: 'downloading',
      progress: { phase: 'downloading', bytes: 1, totalBytes: 2, bytesPerSecond: 1 },
    })
    events.tell({ type: 'settled', transaction: `0x${'22'.repeat(32)}`, amount: CREDIT, channels: 2 })
    const prices = { input: null, output: null, own: { input: 1, output: 2 } }
    for (const offers of [1, 1, 2]) desk.onPrice({ model: 'm', offers, ...prices })
    const ask: AskOptions = {
      input: { kind: 'chat', messages: [{ role: 'user', content: 'a secret' }] },
      ...{ model: null, maxTokens: 9, maxPrice: CREDIT, sampling: GREEDY, stop: [], jsonSchema: null },
      ...{ preferences: DEFAULT_PREFERENCES, tenant: 'a' },
    }
    desk.onTask({ taskId: THEIRS, ask, type: 'began' })
    desk.onTask({
      taskId: THEIRS,
      ask,
      type: 'event',
      event: { type: 'output', text: 'secret', tokens: [1] },
    })
    desk.onTask({
      ...{ taskId: THEIRS, ask, type: 'event' },
      event: { type: 'failover', from: peer, why: 'stalled', attempt: 1 },
    })
    desk.onTask({ taskId: THEIRS, ask, type: 'failed', error: new Error('secret') })
    await outbox.record([], [countersigned(THEIRS), countersigned(OURS)])
    const all = await told(desk)
    assert.ok(!JSON.stringify(all).includes('secret'))
    const receipt = (taskId: string) => ({
      ...{ receipt: CID, claim: `0x${'11'.repeat(32)}`, taskId, amount: '0.5', reason: 'stop' },
    })
    const { strategy, dataClass, slaClass, region } = DEFAULT_PREFERENCES
    assert.deepEqual(all, [
      ['peers', 'peer', 'owner', { peer: peerId, state: 'connected' }],
      ['receipts', 'settled', 'owner', { transaction: `0x${'22'.repeat(32)}`, amount: '1', channels: 2 }],
      ['prices', 'price', 'owner', { model: 'm', offers: 1, ...prices }],
      ['prices', 'price', 'owner', { model: 'm', offers: 2, ...prices }],
      [
        ...(['tasks', 'task-began', 'a'] as const),
        {
          ...{ taskId: THEIRS, model: null, maxTokens: 9, maxPrice: '1' },
          ...{ strategy, dataClass, slaClass, region },
        },
      ],
      ['tasks', 'task-failover', 'a', { taskId: THEIRS, from: peerId, why: 'stalled', attempt: 1 }],
      ['tasks', 'task-failed', 'a', { taskId: THEIRS, code: 'INTERNAL' }],
      ['receipts', 'receipt.countersigned', 'a', receipt(THEIRS)],
      ['audit', 'receipt.countersigned', 'owner', { sequence: 1, ...receipt(THEIRS) }],
      ['receipts', 'receipt.countersigned', 'owner', receipt(OURS)],
      ['audit', 'receipt.countersigned', 'owner', { sequence: 2, ...receipt(OURS) }],
    ])
    await desk.stop()
    events.tell({ type: 'bound' })
    assert.equal(desk.journal.lastSequence, all.length)
  })

  it('tells what came into the audit log while it was not there, and whose it was, once', async () => {
    const { outbox, openDesk } = await open()
    await outbox.record([], [started('one')])
    const first = await openDesk()
    first.tenants.note(THEIRS, 'a')
    assert.deepEqual(await told(first), [
      ['audit', 'node.started', 'owner', { sequence: 1, software: 'one' }],
    ])
    await first.stop()
    await outbox.record([], [countersigned(THEIRS)])
    await outbox.record([], [started('two')])
    const second = await openDesk()
    await outbox.record([], [started('three')])
    const all = await told(second, 1)
    assert.deepEqual(
      all.map(([channel, type, tenant, { sequence }]) => [channel, type, tenant, sequence]),
      [
        ['receipts', 'receipt.countersigned', 'a', undefined],
        ['audit', 'receipt.countersigned', 'owner', 2],
        ['audit', 'node.started', 'owner', 3],
        ['audit', 'node.started', 'owner', 4],
      ],
    )
    await second.stop()
    const third = await openDesk()
    assert.deepEqual(await told(third, 5), [])
    await third.stop()
  })
})
