import assert from 'node:assert/strict'
import { join } from 'node:path'
import { createNativeNodeSigner } from '../../../../../node/ed25519.ts'
import { Store } from '../../../../../node/store/store.ts'
import { CalibrationGossip, calibrationsTopic } from '../../../../../node/trust/audits/calibration-gossip.ts'
import {
  CalibrationStore,
  type CalibrationStoreModules,
  MAX_AGE_MS,
  MIN_OPERATORS,
} from '../../../../../node/trust/audits/calibration-store.ts'
import { shippedCalibrations } from '../../../../../node/trust/audits/shipped-calibrations.ts'
import { isShoalError } from '../../../../../protocol/errors.ts'
import type { NodeSigner } from '../../../../../protocol/identity.ts'
import {
  type CalibrationMeasurement,
  calibrationMessage,
} from '../../../../../protocol/messages/calibration.ts'
import { createRecord } from '../../../../../protocol/signed.ts'
import { silentLog } from '../../../../helpers/hosts.ts'
import { ManualClock } from '../../../../helpers/manual-clock.ts'
import { SYNTHETIC_KEY, SyntheticWorld } from '../../../../helpers/synthetic-outputs.ts'
import { TemporaryFolders } from '../../../../helpers/temporary.ts'

const clock = new ManualClock()
const BASE = {
  ...new SyntheticWorld(1).measurement(70, { tokens: 130 }),
  measuredAtMs: clock.nowMs() - 1_000,
}
const self = signerOf(1)
const others = [2, 3, 4, 5].map(signerOf)

describe('calibrations of a node', () => {
  const folders = new TemporaryFolders()
  const stores: Store[] = []
  /** Which signers are strangers, and which are one operator. */
  let strangers: Set<string>
  let kin: Set<string>

  beforeEach(() => {
    strangers = new Set()
    kin = new Set()
  })

  afterEach(async () => {
    await Promise.all(stores.splice(0).map(store => store.close()))
    await folders.remove()
  })

  async function open(
    path?: string,
    modules: Partial<CalibrationStoreModules> = {},
  ): Promise<{ calibrations: CalibrationStore; path: string; store: Store }> {
    const place = path ?? join(await folders.make(), 'store')
    const store = await Store.open(place)
    stores.push(store)
    const calibrations = new CalibrationStore({
      ...{ store, clock, signer: self, self: keyOf(self) },
      shipped: async () => [],
      areDistinct: (a, b) => a !== b && !(kin.has(a) && kin.has(b)),
      isTrusted: peer => !strangers.has(peer),
      baseOf: () => null,
      ...modules,
    })
    await calibrations.start()
    return { calibrations, path: place, store }
  }

  const recordOf = (signer: NodeSigner, changes: Partial<CalibrationMeasurement> = {}) =>
    createRecord(calibrationMessage, { ...BASE, ...changes }, signer)

  it('knows nothing of a key that nobody measured', async () => {
    const { calibrations } = await open()
    assert.equal(await calibrations.find(SYNTHETIC_KEY), null)
    await calibrations.add(BASE)
    assert.equal(await calibrations.find({ ...SYNTHETIC_KEY, providerBackend: 'cuda' }), null)
  })

  it('judges a model with an adapter by its base, until somebody measured it itself', async () => {
    const model = `law@sha256:${'7'.repeat(64)}`
    const { calibrations } = await open(undefined, {
      baseOf: asked => (asked === model ? SYNTHETIC_KEY.model : null),
    })
    assert.equal(await calibrations.find({ ...SYNTHETIC_KEY, model }), null)
    const ofBase = await calibrations.add(BASE)
    assert.deepEqual(await calibrations.find({ ...SYNTHETIC_KEY, model }), ofBase)
    assert.equal(await calibrations.find({ ...SYNTHETIC_KEY, model: `x${model}` }), null)
    const own = await calibrations.add({ ...BASE, key: { ...BASE.key, model }, measuredAtMs: 5 })
    assert.deepEqual(await calibrations.find({ ...SYNTHETIC_KEY, model }), own)
  })

  it('keeps its own over restarts, and the latest in place of the one before', async () => {
    const { calibrations, path, store } = await open()
    const first = await calibrations.add(BASE)
    assert.deepEqual(await calibrations.find(SYNTHETIC_KEY), first)
    const again = await calibrations.add({ ...BASE, prompts: BASE.prompts.slice(5) })
    assert.notDeepEqual(again.upper, first.upper)
    await store.close()
    const reopened = await open(path)
    assert.deepEqual(await reopened.calibrations.known(SYNTHETIC_KEY), { source: 'own', calibration: again })
    assert.equal((await reopened.calibrations.own()).length, 1)
  })

  it('prefers its own to what comes with the version, and that to others', async () => {
    const { calibrations } = await open(undefined, { shipped: async () => [BASE] })
    for (const signer of others) await calibrations.take(recordOf(signer))
    assert.equal((await calibrations.known(SYNTHETIC_KEY))?.source, 'shipped')
    await calibrations.add(BASE)
    assert.equal((await calibrations.known(SYNTHETIC_KEY))?.source, 'own')
  })

  it('takes others only where enough distinct and trusted operators measured', async () => {
    const { calibrations } = await open()
    for (const signer of others.slice(0, MIN_OPERATORS - 1)) await calibrations.take(recordOf(signer))
    assert.equal(await calibrations.find(SYNTHETIC_KEY), null)
    await calibrations.take(recordOf(others[MIN_OPERATORS - 1]!))
    const known = await calibrations.known(SYNTHETIC_KEY)
    assert.equal(known?.source, 'others')
    assert.equal(known.calibration.operators, MIN_OPERATORS)
    strangers.add(keyOf(others[0]!))
    await clock.advance(3_600_000)
    assert.equal(await calibrations.find(SYNTHETIC_KEY), null)
    strangers.clear()
    for (const signer of others.slice(0, 2)) kin.add(keyOf(signer))
    await clock.advance(3_600_000)
    assert.equal(await calibrations.find(SYNTHETIC_KEY), null)
    await calibrations.take(recordOf(others[3]!))
    assert.equal((await calibrations.find(SYNTHETIC_KEY))?.operators, MIN_OPERATORS)
  })

  it('refuses what nobody should be judged by', async () => {
    const { calibrations } = await open()
    const few = { prompts: BASE.prompts.slice(0, 10) }
    assert.equal(await calibrations.take(recordOf(others[0]!, few)), false)
    assert.equal(await calibrations.take(recordOf(others[0]!, { statistic: 2 })), false)
    assert.equal(
      await calibrations.take(recordOf(others[0]!, { measuredAtMs: clock.nowMs() - MAX_AGE_MS - 1 })),
      false,
    )
    assert.equal(await calibrations.take(recordOf(self)), false)
    await assert.rejects(calibrations.add({ ...BASE, ...few }), error =>
      isShoalError(error, 'TOO_FEW_SAMPLES'),
    )
    assert.deepEqual(await calibrations.keys(), [])
  })

  it('lets a newer one of the same signer take the place of an older, not the other way', async () => {
    const { calibrations } = await open()
    const older = recordOf(others[0]!, { measuredAtMs: BASE.measuredAtMs - 1 })
    assert.equal(await calibrations.take(recordOf(others[0]!)), true)
    assert.equal(await calibrations.take(older), false)
    assert.equal(await calibrations.take(recordOf(others[0]!, { measuredAtMs: BASE.measuredAtMs + 1 })), true)
    assert.equal((await calibrations.keys()).length, 1)
  })

  it('keeps a bounded number of each key, those of the trusted first', async () => {
    const { calibrations } = await open()
    const crowd = Array.from({ length: 14 }, (_, index) => signerOf(100 + index))
    for (const signer of crowd) strangers.add(keyOf(signer))
    const taken = []
    for (const signer of crowd) taken.push(await calibrations.take(recordOf(signer)))
    assert.equal(taken.filter(Boolean).length, 12)
    for (const signer of others) assert.equal(await calibrations.take(recordOf(signer)), true)
    assert.equal((await calibrations.find(SYNTHETIC_KEY))?.operators, others.length)
  })

  it('comes with calibrations of the embedded models that can be used', async () => {
    const shipped = await shippedCalibrations()
    const { calibrations } = await open(undefined, { shipped: shippedCalibrations })
    assert.deepEqual(
      shipped.map(({ key }) => key.model.split('@')[0]),
      ['shoal-mini-q4_0', 'shoal-mini-q8_0', 'shoal-nano-q8_0'],
    )
    for (const { key } of shipped) assert.equal((await calibrations.known(key))?.source, 'shipped')
  })

  describe('on the network', () => {
    async function gossip(options: { isKnownModel?: boolean; unwelcome?: string } = {}) {
      const { calibrations } = await open()
      const published: Uint8Array[] = []
      const topics: string[] = []
      const exchange = new CalibrationGossip({
        host: {
          nodeKey: keyOf(self),
          subscribe: ({ topic }) => void topics.push(topic),
          publish: async (topic, bytes) => {
            assert.ok(bytes.length <= topic.maxBytes)
            published.push(bytes)
          },
        },
        ...{ store: calibrations, clock: new ManualClock(clock.nowMs()), log: silentLog },
        isWelcome: peer => peer !== options.unwelcome,
        isKnownModel: () => options.isKnownModel ?? true,
      })
      exchange.start()
      return { calibrations, exchange, published, topics }
    }

    it('tells what this node measured, and another counts it among others', async () => {
      const { calibrations, exchange, published, topics } = await gossip()
      assert.deepEqual(topics, [calibrationsTopic.topic])
      await exchange.publish()
      assert.deepEqual(published, [])
      await calibrations.add(BASE)
      await exchange.publish()
      assert.equal(published.length, 1)
      await exchange.stop()
      await exchange.stop()
    })

    it('says nothing where enough others have measured the same', async () => {
      const { calibrations, exchange, published } = await gossip()
      await calibrations.add(BASE)
      for (let index = 0; index < 8; index++) await calibrations.take(recordOf(signerOf(50 + index)))
      await exchange.publish()
      assert.deepEqual(published, [])
      await exchange.stop()
    })

    it('keeps what others measured of models it knows, and passes on the rest', async () => {
      const { calibrations, exchange } = await gossip()
      assert.equal(exchange.take(recordOf(others[0]!).bytes), 'accept')
      await exchange.settled()
      assert.equal((await calibrations.keys()).length, 1)
      await exchange.stop()
      const unknown = await gossip({ isKnownModel: false })
      assert.equal(unknown.exchange.take(recordOf(others[0]!).bytes), 'accept')
      await unknown.exchange.stop()
      assert.deepEqual(await unknown.calibrations.keys(), [])
    })

    it('refuses forgeries and the future, and ignores what is of no use', async () => {
      const { exchange } = await gossip({ unwelcome: keyOf(others[3]!) })
      const forged = recordOf(others[0]!).bytes.slice()
      forged[forged.length - 1]! ^= 1
      assert.equal(exchange.take(forged), 'reject')
      assert.equal(exchange.take(new Uint8Array(10)), 'reject')
      const future = recordOf(others[0]!, { measuredAtMs: clock.nowMs() + 3_600_000 })
      assert.equal(exchange.take(future.bytes), 'reject')
      assert.equal(exchange.take(recordOf(others[3]!).bytes), 'ignore')
      assert.equal(exchange.take(recordOf(self).bytes), 'ignore')
      assert.equal(exchange.take(recordOf(others[0]!, { statistic: 2 }).bytes), 'ignore')
      await exchange.stop()
    })

    it('lets no signer fill the topic', async () => {
      const { exchange } = await gossip()
      const verdicts = Array.from({ length: 12 }, (_, index) =>
        exchange.take(recordOf(others[0]!, { measuredAtMs: BASE.measuredAtMs + index }).bytes),
      )
      assert.equal(verdicts.filter(verdict => verdict === 'accept').length, 8)
      await exchange.stop()
    })
  })
})

function signerOf(number: number): NodeSigner {
  return createNativeNodeSigner(new Uint8Array(32).fill(number))
}

function keyOf(signer: NodeSigner): string {
  return Buffer.from(signer.publicKey).toString('hex')
}
