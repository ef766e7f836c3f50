import assert from 'node:assert/strict'
import { join } from 'node:path'
import fc from 'fast-check'
import { EventLog } from '../../../../../node/auditlog/event-log.ts'
import { AuditOutbox } from '../../../../../node/auditlog/outbox.ts'
import { createNativeNodeSigner } from '../../../../../node/ed25519.ts'
import { Store } from '../../../../../node/store/store.ts'
import type { AuditVerdict } from '../../../../../node/trust/audits/verdict.ts'
import { Consequences, type Prosecutor } from '../../../../../node/trust/disputes/consequences.ts'
import type { OpenCase } from '../../../../../node/trust/disputes/dispute-desk.ts'
import { DisputeError } from '../../../../../node/trust/disputes/errors.ts'
import { cidOf } from '../../../../../protocol/codec.ts'
import { type AuditEventDetails, auditEventMessage } from '../../../../../protocol/messages/audit-event.ts'
import { openRecord } from '../../../../../protocol/signed.ts'
import { silentLog } from '../../../../helpers/hosts.ts'
import { ManualClock } from '../../../../helpers/manual-clock.ts'
import { seedOf } from '../../../../helpers/samples.ts'
import { TemporaryFolders } from '../../../../helpers/temporary.ts'

const PROVIDER = 'aa'.repeat(32)
const OTHER = 'bb'.repeat(32)
const DAY_MS = 24 * 3_600_000
const cid = (index: number) => cidOf(Uint8Array.of(0x18, index)).toString()

const verdict = (
  index: number,
  result: AuditVerdict['result'],
  more: Partial<Pick<AuditVerdict, 'provider' | 'reasons' | 'backing'>> = {},
): AuditVerdict => ({
  ...{ receipt: cid(index), provider: PROVIDER, model: `m@sha256:${'1'.repeat(64)}`, result },
  ...{ reasons: result === 'passed' ? [] : result === 'failed' ? ['stop'] : ['pooled'] },
  ...{ assessment: {} as never, isCalibrated: true, test: null, auditor: null, price: 0n, atMs: 0 },
  ...more,
})

/** Takes cases, or says why not. */
class Recorder implements Prosecutor {
  readonly cases: OpenCase[] = []
  automaticPause: string | null = null
  refusal: DisputeError | null = null

  async open(wish: OpenCase): Promise<void> {
    if (this.refusal !== null) throw this.refusal
    this.cases.push(wish)
  }
}

describe('what follows from audits', () => {
  const folders = new TemporaryFolders()
  const signer = createNativeNodeSigner(seedOf(1))
  let folder: string
  let clock: ManualClock
  let court: Recorder
  let accused: string[]
  let open: { store: Store; log: EventLog; consequences: Consequences } | null = null

  beforeEach(async () => {
    folder = await folders.make()
    clock = new ManualClock()
    court = new Recorder()
    accused = []
  })
  afterEach(() => close())
  after(() => folders.remove())

  async function close(): Promise<void> {
    await open?.consequences.settled()
    await open?.log.close()
    await open?.store.close()
    open = null
  }

  /** As after a restart: what it knows is on disk alone. */
  async function restart(): Promise<Consequences> {
    await close()
    const store = await Store.open(join(folder, 'store'))
    const log = await EventLog.open({ path: join(folder, 'audit.log') }, { signer, clock })
    const outbox = new AuditOutbox({ store, log })
    await outbox.recover()
    const accuse = async (receipt: string) => void accused.push(receipt)
    const consequences = new Consequences({ store, outbox, clock, log: silentLog, accuse })
    await consequences.start()
    consequences.useProsecutor(court)
    open = { store, log, consequences }
    return consequences
  }

  async function events(): Promise<AuditEventDetails[]> {
    const events: AuditEventDetails[] = []
    for await (const { record } of open!.log.read(1, open!.log.lastSequence))
      events.push(openRecord(auditEventMessage, record).body.event)
    return events
  }

  it('are no case and no accusation on the word of one other node, however often; of two they are', async () => {
    const consequences = await restart()
    for (let index = 0; index < 6; index++)
      await consequences.audited(verdict(index, 'failed', { backing: 0.95 }))
    assert.deepEqual([accused, court.cases, consequences.excludedFrom('A')], [[], [], [PROVIDER]])
    await consequences.audited(verdict(6, 'cheating', { provider: OTHER, backing: 0.95 }))
    assert.deepEqual([accused, consequences.excludedFrom('A')], [[], [PROVIDER]])
    await consequences.audited(verdict(7, 'failed', { backing: 1.7 }))
    assert.deepEqual([accused, court.cases.map(({ receipt }) => receipt)], [[cid(7)], [cid(7)]])
  })

  it('come by degrees: the price of risk, the classes, a report, a case', async () => {
    const consequences = await restart()
    for (let index = 0; index < 6; index++) await consequences.audited(verdict(index, 'passed'))
    assert.deepEqual([consequences.risk(PROVIDER), consequences.excludedFrom('A')], [0, []])
    await consequences.audited(verdict(6, 'failed'))
    assert.ok(Math.abs(consequences.risk(PROVIDER) - 1 / 11) < 0.001)
    assert.deepEqual(consequences.excludedFrom('A'), [], 'one failure is borne')
    assert.deepEqual([accused, court.cases.length], [[cid(6)], 1])
    await consequences.audited(verdict(7, 'failed', { reasons: ['tokens'] }))
    assert.deepEqual(consequences.excludedFrom('A'), [PROVIDER])
    assert.deepEqual(consequences.excludedFrom('S'), [PROVIDER])
    assert.deepEqual(consequences.excludedFrom('B'), [], 'best effort stays open to all')
    assert.deepEqual(
      court.cases.map(({ receipt, reason, isAutomatic }) => [receipt, reason, isAutomatic]),
      [
        [cid(6), 'contradiction', true],
        [cid(7), 'inexplicable', true],
      ],
    )
    const [exclusion, ...more] = await events()
    assert.deepEqual([exclusion?.kind, more], ['provider.excluded', []])
    await clock.advance(31 * DAY_MS)
    assert.deepEqual(consequences.excludedFrom('A'), [], 'it ends')
    assert.ok(consequences.risk(PROVIDER) < 0.1, 'and fades')
  })

  it('take a provider that cheats over many receipts out at once, and not to a jury that has one', async () => {
    const consequences = await restart()
    await consequences.audited(verdict(1, 'cheating'))
    assert.ok(consequences.risk(PROVIDER) > 0.7)
    assert.equal(consequences.of(PROVIDER).exclusion?.reason, 'cheating')
    assert.deepEqual([court.cases, accused], [[], [cid(1)]])
    assert.equal(consequences.risk(OTHER), 0)
  })

  it('follow once from a receipt, over restarts too', async () => {
    let consequences = await restart()
    await consequences.audited(verdict(1, 'failed'))
    const before = consequences.risk(PROVIDER)
    await consequences.audited(verdict(1, 'failed'))
    consequences = await restart()
    await consequences.audited(verdict(1, 'failed'))
    assert.equal(consequences.risk(PROVIDER), before)
    assert.deepEqual([accused.length, court.cases.length], [1, 1])
  })

  it('wait where no case can be opened now, and are dropped where none ever can', async () => {
    let consequences = await restart()
    court.automaticPause = 'no_bond'
    await consequences.audited(verdict(1, 'failed'))
    court.automaticPause = null
    court.refusal = new DisputeError('BOND_LIMIT', 'no room')
    await consequences.audited(verdict(2, 'failed'))
    consequences = await restart()
    court.refusal = null
    await consequences.tick()
    assert.deepEqual(court.cases.map(({ receipt }) => receipt).toSorted(), [cid(1), cid(2)].toSorted())
    court.refusal = new DisputeError('DATA_GUARDED', 'private')
    await consequences.audited(verdict(3, 'failed'))
    court.refusal = null
    await consequences.tick()
    assert.equal(court.cases.length, 2)
  })

  it('come from withheld proofs and from convictions of others, too', async () => {
    const consequences = await restart()
    for (let index = 0; index < 2; index++) await consequences.withheld(PROVIDER, cid(index))
    await consequences.withheld(PROVIDER, cid(1))
    assert.deepEqual(consequences.excludedFrom('A'), [])
    await consequences.withheld(PROVIDER, cid(2))
    assert.equal(consequences.of(PROVIDER).exclusion?.reason, 'proof_withheld')
    await consequences.convicted(OTHER, 7)
    const risk = consequences.risk(OTHER)
    await consequences.convicted(OTHER, 7)
    assert.deepEqual(
      [consequences.of(OTHER).exclusion?.reason, consequences.risk(OTHER)],
      ['convicted', risk],
    )
  })

  it('never make an honest provider anything but free of risk, and never less risk from more failures', async () => {
    const consequences = await restart()
    let next = 10
    await fc.assert(
      fc.asyncProperty(fc.nat(12), fc.nat(6), async (passed, failed) => {
        const provider = (next++).toString(16).padStart(64, '0')
        const audit = (result: 'passed' | 'failed') =>
          consequences.audited({
            ...verdict(0, result, { provider }),
            receipt: cidOf(new TextEncoder().encode(`${next++}`)).toString(),
          })
        for (let i = 0; i < passed; i++) await audit('passed')
        assert.equal(consequences.risk(provider), 0)
        let before = 0
        for (let i = 0; i < failed; i++) {
          await audit('failed')
          const risk = consequences.risk(provider)
          assert.ok(risk > before && risk < 1)
          before = risk
        }
      }),
      { numRuns: 10 },
    )
  })
})
