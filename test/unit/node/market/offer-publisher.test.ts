import assert from 'node:assert/strict'
import type { EngineStatus, LoadedModel } from '../../../../inference/engine.ts'
import { OfferBook } from '../../../../node/market/offer-book.ts'
import { OfferPublisher } from '../../../../node/market/offer-publisher.ts'
import type { PriceSource } from '../../../../node/market/price-source.ts'
import { offersTopic, offerUpdatesTopic } from '../../../../node/market/protocols.ts'
import type { GossipTopic } from '../../../../node/p2p/protocol.ts'
import { type Offer, offerMessage, type PriceReason } from '../../../../protocol/messages/offer.ts'
import { offerUpdateMessage } from '../../../../protocol/messages/offer-update.ts'
import { CREDIT, type TokenPrice } from '../../../../protocol/money.ts'
import { openRecord } from '../../../../protocol/signed.ts'
import { silentLog } from '../../../helpers/hosts.ts'
import { ManualClock, settle } from '../../../helpers/manual-clock.ts'
import { sampleOffer, sampleOfferRecord } from '../../../helpers/samples.ts'
import { providerSigner } from './samples.ts'

const LIFETIME_MS = 120_000

function loaded(name: string, chat = true): LoadedModel {
  return {
    id: `${name}@sha256:${'ab'.repeat(32)}`,
    path: `/models/${name}.gguf`,
    architecture: 'qwen3',
    parameterCount: 1_000,
    quantization: 'Q8_0',
    contextTokens: 1_024,
    slots: 4,
    chatTemplateDigest: chat ? `sha256:${'cd'.repeat(32)}` : null,
    embeddingLength: 64,
    threads: 1,
    measuredTokensPerSecond: 1_234.5,
  }
}

/** What an engine says of itself, changed at will. */
class StatusBoard {
  #status: EngineStatus = {
    state: 'ready',
    backend: { kind: 'cpu', devices: [], release: 'b1' },
    models: [],
    active: 0,
    queued: 0,
    freeSlots: 4,
    crashes: 0,
    computedTokens: 0,
  }
  readonly #listeners = new Set<(status: EngineStatus) => void>()

  get listeners(): number {
    return this.#listeners.size
  }

  status(): EngineStatus {
    return this.#status
  }

  onStatus(listener: (status: EngineStatus) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  set(change: Partial<EngineStatus>): void {
    this.#status = { ...this.#status, ...change }
    for (const listener of this.#listeners) listener(this.#status)
  }
}

/** Prices that are changed at will. */
class PriceBoard implements PriceSource {
  readonly listeners = new Set<() => void>()
  #price: TokenPrice = { inputPerMillion: CREDIT / 4n, outputPerMillion: CREDIT }
  #reason: PriceReason = 'base'

  terms() {
    return { ...this.#price, spot: null }
  }

  reason(): PriceReason {
    return this.#reason
  }

  onChange(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  set(outputPerMillion: bigint, reason: PriceReason): void {
    this.#price = { ...this.#price, outputPerMillion }
    this.#reason = reason
    for (const listener of this.listeners) listener()
  }
}

describe('offer publisher', () => {
  let clock: ManualClock
  let engine: StatusBoard
  let prices: PriceBoard
  let speed: { tokensPerSecond: number; ttftMs: number } | null
  let stake: bigint
  let published: { topic: GossipTopic; bytes: Uint8Array }[]
  let fails: boolean
  let publisher: OfferPublisher
  /** A stranger that hears all of it. */
  let book: OfferBook

  function make(entities: Offer['entities'] = []): OfferPublisher {
    return new OfferPublisher(
      {
        wallet: sampleOffer.wallet,
        chainId: sampleOffer.chainId,
        settlement: sampleOffer.settlement,
        creditWindowTokens: 64,
        minChannelRemainingMs: 600_000,
        lifetimeMs: LIFETIME_MS,
        region: null,
        dataClass: 'SHARED',
        entities,
      },
      {
        signer: providerSigner(0),
        clock,
        log: silentLog,
        engine,
        prices,
        meter: { speed: () => speed },
        stake: () => stake,
        addresses: () => sampleOffer.addresses,
        publish: (topic, bytes) => {
          if (fails) return Promise.reject(new Error('nobody hears'))
          assert.ok(bytes.length <= topic.maxBytes)
          published.push({ topic, bytes })
          const verdict = topic === offersTopic ? book.add(bytes) : book.addUpdate(bytes)
          assert.equal(verdict, 'accept', 'each record is news')
          return Promise.resolve()
        },
      },
    )
  }

  const offers = () =>
    published
      .filter(({ topic }) => topic === offersTopic)
      .map(({ bytes }) => openRecord(offerMessage, bytes).body)
  const updates = () =>
    published
      .filter(({ topic }) => topic === offerUpdatesTopic)
      .map(({ bytes }) => openRecord(offerUpdateMessage, bytes).body)
  /** What others know of it. */
  const heard = () => book.list()[0] ?? null

  beforeEach(() => {
    clock = new ManualClock()
    engine = new StatusBoard()
    prices = new PriceBoard()
    speed = null
    stake = 0n
    published = []
    fails = false
    const { chainId, settlement } = sampleOffer
    book = new OfferBook({ self: '', chainId, settlement }, { clock })
    publisher = make()
  })
  afterEach(() => publisher.stop())

  it('offers nothing until a model is loaded, and all that are from then on', async () => {
    publisher.start()
    assert.equal(publisher.current(), null)
    assert.equal(publisher.records(), null)
    engine.set({ models: [loaded('one')] })
    await clock.advance(200)
    engine.set({ models: [loaded('one'), loaded('two', false)] })
    await clock.advance(2_000)
    assert.deepEqual(
      offers().map(({ models }) => models.map(({ model, kinds }) => [model.split('@')[0], kinds])),
      [
        [['one', ['chat', 'completion', 'embedding']]],
        [
          ['one', ['chat', 'completion', 'embedding']],
          ['two', ['completion', 'embedding']],
        ],
      ],
    )
    assert.deepEqual(updates(), [])
    assert.equal(heard()!.offer.models[0]!.tokensPerSecond, 1_235)
  })

  it('offers what is no model, too', () => {
    publisher = make(sampleOffer.entities)
    publisher.start()
    assert.deepEqual(heard()!.offer.entities, sampleOffer.entities)
    assert.deepEqual(heard()!.offer.models, [])
  })

  it('tells what changes from minute to minute in one small update', async () => {
    engine.set({ models: [loaded('one'), loaded('two')] })
    publisher.start()
    await clock.advance(10_000)
    for (const freeSlots of [3, 2, 1, 0]) engine.set({ freeSlots, queued: 4 - freeSlots })
    prices.set(2n * CREDIT, 'demand')
    await clock.advance(200)
    assert.deepEqual([offers().length, updates().length], [1, 1])
    const { offer } = heard()!
    assert.equal(offer.priceReason, 'demand')
    for (const model of offer.models) {
      assert.deepEqual([model.freeSlots, model.queued, model.outputPerMillion], [0, 4, 2n * CREDIT])
      assert.equal(model.contextTokens, 1_024, 'what an update does not say is as the offer says')
    }
    const [whole, update] = published as [(typeof published)[0], (typeof published)[0]]
    assert.ok(update.bytes.length < whole.bytes.length * 0.8)
  })

  const changes: [what: string, change: () => void, matters: boolean][] = [
    ['another slot is taken of several', () => engine.set({ active: 1, freeSlots: 3 }), false],
    ['the last slot is taken', () => engine.set({ freeSlots: 0 }), true],
    ['nothing but the engine spoke', () => engine.set({}), false],
    ['a task waits', () => engine.set({ queued: 1 }), true],
    ['it is a little slower', () => (speed = { tokensPerSecond: 1_100, ttftMs: 15 }), false],
    ['it is much slower', () => (speed = { tokensPerSecond: 900, ttftMs: 15 }), true],
    ['first tokens take long', () => (speed = { tokensPerSecond: 1_235, ttftMs: 40 }), true],
    ['the price moved by a hair', () => prices.set(CREDIT + 1n, 'base'), true],
    ['the price stands for another reason', () => prices.set(CREDIT, 'idle'), true],
  ]
  for (const [what, change, matters] of changes) {
    it(`${matters ? 'updates' : 'says nothing'} when ${what}`, async () => {
      engine.set({ models: [loaded('one')] })
      publisher.start()
      await clock.advance(3_000)
      change()
      engine.set({})
      await clock.advance(3_000)
      assert.deepEqual([offers().length, updates().length], [1, matters ? 1 : 0])
    })
  }

  it('makes a new offer when what an update cannot say has changed', async () => {
    engine.set({ models: [loaded('one')] })
    publisher.start()
    await clock.advance(3_000)
    stake = 5n * CREDIT + 1n
    engine.set({})
    await clock.advance(3_000)
    assert.deepEqual([offers().length, updates().length], [2, 0])
    assert.equal(heard()!.offer.stake, 5n * CREDIT)
    assert.deepEqual(heard()!.offer.slaClasses, ['B', 'A', 'S'])
  })

  it('speaks no more often than others listen, however fast things change', async () => {
    engine.set({ models: [loaded('one')] })
    publisher.start()
    for (let change = 0; change < 200; change++) {
      prices.set(CREDIT + BigInt(change), 'demand')
      await clock.advance(150)
    }
    // 30 s: a burst is not even needed. The book asserts that it took each.
    assert.ok(updates().length >= 10 && updates().length <= 15, String(updates().length))
  })

  it('renews its offer at half of its life by updates, so that it never lapses', async () => {
    engine.set({ models: [loaded('one')] })
    publisher.start()
    for (let half = 0; half < 6; half++) {
      assert.equal(updates().length, half)
      await clock.advance(LIFETIME_MS / 2 - 1)
      assert.equal(updates().length, half)
      assert.notEqual(heard(), null)
      assert.equal(heard()!.cid, publisher.current()!.cid)
      assert.deepEqual(heard()!.offer, publisher.current()!.offer)
      await clock.advance(1)
    }
    assert.equal(offers().length, 1)
    assert.ok(updates().every(({ issuedAtMs, expiresAtMs }) => expiresAtMs - issuedAtMs === LIFETIME_MS))
  })

  it('can be learned of long after its offer by itself is over', async () => {
    engine.set({ models: [loaded('one')] })
    publisher.start()
    await clock.advance(3 * LIFETIME_MS)
    const { chainId, settlement } = sampleOffer
    const late = new OfferBook({ self: '', chainId, settlement }, { clock })
    const { offer, update } = publisher.records()!
    assert.equal(late.add(offer), 'ignore')
    assert.equal(late.add(offer, update), 'accept')
    assert.deepEqual(late.list()[0]!.offer, publisher.current()!.offer)
  })

  it('numbers its records upwards, over restarts too', async () => {
    engine.set({ models: [loaded('one')] })
    publisher.start()
    publisher.stop()
    await clock.advance(10)
    const again = make()
    again.start()
    again.stop()
    await clock.advance(10)
    publisher = make()
    publisher.start()
    for (const freeSlots of [0, 4, 0]) {
      engine.set({ freeSlots })
      await clock.advance(2_000)
    }
    // Three offers, three updates, two withdrawals; the book took each as newer than the one before.
    assert.deepEqual([offers().length, updates().length], [3, 5])
  })

  it('keeps to the price of each offer until that expires, and knows its old ones for a while', async () => {
    engine.set({ models: [loaded('one')] })
    publisher.start()
    const first = publisher.current()!
    await clock.advance(1_000)
    prices.set(2n * CREDIT, 'demand')
    await clock.advance(2_000)
    const second = publisher.current()!
    assert.notEqual(second.cid, first.cid)
    assert.deepEqual(publisher.find(first.cid), first.offer)
    assert.deepEqual(publisher.find(second.cid), second.offer)
    assert.equal(second.offer.models[0]!.outputPerMillion, 2n * CREDIT)
    await clock.advance(LIFETIME_MS - 3_000)
    assert.deepEqual(publisher.find(first.cid), first.offer)
    await clock.advance(1)
    assert.equal(publisher.find(first.cid), 'expired')
    await clock.advance(3 * LIFETIME_MS)
    assert.equal(publisher.find(first.cid), null, 'what is long over is forgotten')
    assert.equal(publisher.find(sampleOfferRecord.cid), null, 'what is not ours is not ours')
  })

  it('takes its offer back when the engine is gone, and gives it anew when it is there again', async () => {
    engine.set({ models: [loaded('one')] })
    publisher.start()
    const before = publisher.current()!
    engine.set({ state: 'restarting' })
    await clock.advance(2_000)
    assert.equal(publisher.current(), null)
    assert.equal(publisher.records(), null)
    assert.equal(heard(), null)
    assert.deepEqual(publisher.find(before.cid), before.offer, 'but its price still holds')
    await clock.advance(LIFETIME_MS)
    assert.equal(updates().length, 1, 'there is nothing to renew')
    engine.set({ state: 'ready' })
    await clock.advance(2_000)
    assert.notEqual(publisher.current(), null)
    assert.deepEqual([offers().length, updates().length], [1, 2])
  })

  it('goes on when nobody hears it', async () => {
    fails = true
    engine.set({ models: [loaded('one')] })
    publisher.start()
    await settle()
    assert.equal(published.length, 0)
    fails = false
    const { offer } = publisher.records()!
    book.add(offer)
    await clock.advance(LIFETIME_MS / 2)
    assert.equal(published.length, 1)
  })

  it('says no more than an offer may', () => {
    engine.set({ models: Array.from({ length: 40 }, (_, index) => loaded(`m${index}`)) })
    publisher.start()
    assert.equal(offers()[0]!.models.length, 16)
  })

  it('takes its offer back when it stops, and leaves nothing behind', async () => {
    engine.set({ models: [loaded('one')] })
    publisher.start()
    engine.set({ freeSlots: 0 })
    publisher.stop()
    publisher.stop()
    assert.equal(publisher.current(), null)
    assert.equal(heard(), null)
    assert.equal(engine.listeners, 0)
    assert.equal(prices.listeners.size, 0)
    await clock.advance(10 * LIFETIME_MS)
    assert.equal(published.length, 2)
    assert.deepEqual(clock.pendingMs(), [])
  })
})
