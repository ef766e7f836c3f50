import assert from 'node:assert/strict'
import type { EngineStatus, LoadedModel } from '../../../../inference/engine.ts'
import { OfferBook } from '../../../../node/market/offer-book.ts'
import { OfferPublisher } from '../../../../node/market/offer-publisher.ts'
import type { Offer } from '../../../../protocol/messages/offer.ts'
import { offerMessage } from '../../../../protocol/messages/offer.ts'
import { CREDIT } from '../../../../protocol/money.ts'
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

describe('offer publisher', () => {
  let clock: ManualClock
  let engine: StatusBoard
  let published: Offer[]
  let fails: boolean
  let publisher: OfferPublisher

  function make(price = { inputPerMillion: CREDIT / 4n, outputPerMillion: CREDIT }): OfferPublisher {
    return new OfferPublisher(
      {
        wallet: sampleOffer.wallet,
        chainId: sampleOffer.chainId,
        settlement: sampleOffer.settlement,
        price,
        creditWindowTokens: 64,
        minChannelRemainingMs: 600_000,
        lifetimeMs: LIFETIME_MS,
        region: null,
      },
      {
        signer: providerSigner(0),
        clock,
        log: silentLog,
        engine,
        addresses: () => sampleOffer.addresses,
        publish: (_topic, bytes) => {
          if (fails) return Promise.reject(new Error('nobody hears'))
          published.push(openRecord(offerMessage, bytes).body)
          return Promise.resolve()
        },
      },
    )
  }

  beforeEach(() => {
    clock = new ManualClock()
    engine = new StatusBoard()
    published = []
    fails = false
    publisher = make()
  })
  afterEach(() => publisher.stop())

  it('offers nothing until a model is loaded, and all that are from then on', async () => {
    publisher.start()
    assert.equal(publisher.current(), null)
    engine.set({ models: [loaded('one')] })
    await clock.advance(200)
    engine.set({ models: [loaded('one'), loaded('two', false)] })
    await clock.advance(200)
    assert.deepEqual(
      published.map(({ models }) => models.map(({ model, kinds }) => [model.split('@')[0], kinds])),
      [
        [['one', ['chat', 'completion']]],
        [
          ['one', ['chat', 'completion']],
          ['two', ['completion']],
        ],
      ],
    )
    assert.equal(published[1]!.models[0]!.tokensPerSecond, 1_235)
  })

  it('makes one offer of changes that come together', async () => {
    engine.set({ models: [loaded('one')] })
    publisher.start()
    for (const freeSlots of [3, 2, 1, 0]) engine.set({ freeSlots })
    assert.equal(published.length, 1)
    await clock.advance(200)
    assert.equal(published.length, 2)
    assert.equal(published[1]!.models[0]!.freeSlots, 0)
    // Neither busier nor less busy in a way that matters.
    engine.set({ active: 4 })
    await clock.advance(1_000)
    assert.equal(published.length, 2)
  })

  it('renews its offer at half of its life, so that it never lapses', async () => {
    engine.set({ models: [loaded('one')] })
    publisher.start()
    const book = new OfferBook(
      { self: '', chainId: sampleOffer.chainId, settlement: sampleOffer.settlement },
      { clock },
    )
    const { signer } = publisher.current()!
    for (let half = 0; half < 6; half++) {
      assert.equal(published.length, half + 1)
      assert.equal(book.add(publisher.current()!.bytes), 'accept', 'each offer is newer than the one before')
      await clock.advance(LIFETIME_MS / 2 - 1)
      assert.equal(published.length, half + 1)
      assert.notEqual(book.of(signer), null)
      await clock.advance(1)
    }
    assert.ok(published.every(({ issuedAtMs, expiresAtMs }) => expiresAtMs - issuedAtMs === LIFETIME_MS))
  })

  it('numbers its offers upwards, over restarts too', async () => {
    engine.set({ models: [loaded('one')] })
    publisher.start()
    publisher.stop()
    await clock.advance(1)
    const again = make()
    again.start()
    again.stop()
    await clock.advance(1)
    publisher = make()
    publisher.start()
    for (const freeSlots of [0, 4, 0]) {
      engine.set({ freeSlots })
      await clock.advance(200)
    }
    const sequences = published.map(({ sequence }) => sequence)
    assert.equal(sequences.length, 6)
    assert.deepEqual(
      sequences,
      [...new Set(sequences)].toSorted((a, b) => a - b),
    )
  })

  it('keeps to the price of each offer until that expires, and knows its old ones for a while', async () => {
    engine.set({ models: [loaded('one')] })
    publisher.start()
    const first = publisher.current()!
    await clock.advance(LIFETIME_MS)
    assert.notEqual(publisher.current()!.cid, first.cid)
    assert.deepEqual(publisher.find(first.cid), first.body)
    await clock.advance(1)
    assert.equal(publisher.find(first.cid), 'expired')
    await clock.advance(3 * LIFETIME_MS)
    assert.equal(publisher.find(first.cid), null, 'what is long over is forgotten')
    assert.equal(publisher.find(sampleOfferRecord.cid), null, 'what is not ours is not ours')
  })

  it('takes its offer back when the engine is gone, and makes a new one when it is there again', async () => {
    engine.set({ models: [loaded('one')] })
    publisher.start()
    const before = publisher.current()!
    engine.set({ state: 'restarting' })
    await clock.advance(200)
    assert.equal(publisher.current(), null)
    assert.deepEqual(publisher.find(before.cid), before.body, 'but its price still holds')
    engine.set({ state: 'ready' })
    await clock.advance(200)
    assert.notEqual(publisher.current(), null)
    assert.equal(published.length, 2)
  })

  it('goes on when nobody hears it', async () => {
    fails = true
    engine.set({ models: [loaded('one')] })
    publisher.start()
    await settle()
    fails = false
    await clock.advance(LIFETIME_MS / 2)
    assert.equal(published.length, 1)
  })

  it('says no more than an offer may', () => {
    engine.set({ models: Array.from({ length: 40 }, (_, index) => loaded(`m${index}`)) })
    publisher.start()
    assert.equal(published[0]!.models.length, 16)
  })

  it('leaves nothing behind when it stops', async () => {
    engine.set({ models: [loaded('one')] })
    publisher.start()
    engine.set({ freeSlots: 0 })
    publisher.stop()
    publisher.stop()
    assert.equal(publisher.current(), null)
    assert.equal(engine.listeners, 0)
    await clock.advance(10 * LIFETIME_MS)
    assert.equal(published.length, 1)
    assert.deepEqual(clock.pendingMs(), [])
  })
})
