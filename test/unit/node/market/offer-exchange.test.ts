import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { OfferBook } from '../../../../node/market/offer-book.ts'
import { OfferExchange } from '../../../../node/market/offer-exchange.ts'
import { offersTopic } from '../../../../node/market/protocols.ts'
import type { GossipVerdict, P2PHost } from '../../../../node/p2p/host.ts'
import type { GossipTopic } from '../../../../node/p2p/protocol.ts'
import { silentLog } from '../../../helpers/hosts.ts'
import { ManualClock } from '../../../helpers/manual-clock.ts'
import { sampleOffer } from '../../../helpers/samples.ts'
import { providerSigner, signOffer } from './samples.ts'

type Validator = (data: Uint8Array, from: string | null) => Promise<GossipVerdict>

/** As much of a host as hands over what came by gossip; the sockets are tested with real ones. */
class GossipOnly extends EventEmitter {
  readonly validators = new Map<string, Validator>()

  subscribe({ topic }: GossipTopic, validate: Validator): void {
    this.validators.set(topic, validate)
  }

  serve(): Promise<void> {
    return Promise.resolve()
  }

  peers(): string[] {
    return []
  }
}

describe('offers that come by gossip', () => {
  let clock: ManualClock
  let book: OfferBook
  let exchange: OfferExchange
  let gossip: Validator

  beforeEach(async () => {
    clock = new ManualClock(sampleOffer.issuedAtMs)
    const { chainId, settlement } = sampleOffer
    book = new OfferBook({ self: '', chainId, settlement }, { clock })
    const host = new GossipOnly()
    exchange = new OfferExchange(
      { targetPeers: 8 },
      {
        host: host as unknown as P2PHost,
        book,
        own: () => null,
        onViolation: () => {},
        clock,
        log: silentLog,
      },
    )
    await exchange.start()
    gossip = host.validators.get(offersTopic.topic)!
  })
  afterEach(() => exchange.stop())

  const offers = (from: number, count: number) =>
    Array.from({ length: count }, (_, index) => signOffer({}, providerSigner(from + index)).bytes)
  const accepted = async (records: Uint8Array[], from: string) =>
    (await Promise.all(records.map(bytes => gossip(bytes, from)))).filter(verdict => verdict === 'accept')
      .length

  it('are taken from one peer no more often than a network makes them', async () => {
    const flood = offers(0, 430)
    assert.equal(await accepted(flood, 'flooder'), 400)
    assert.equal(await accepted(flood.slice(400), 'flooder'), 0)
    assert.equal(await accepted(flood.slice(400), 'friend'), 30, 'what others pass on is heard')
    await clock.advance(1_000)
    assert.equal(await accepted(offers(1_000, 30), 'flooder'), 20)
    assert.equal(book.size, 450)
  })

  it('let others have their turn while they are checked', async () => {
    let turns = 0
    let isDone = false
    const count = () => {
      turns++
      if (!isDone) setImmediate(count)
    }
    setImmediate(count)
    assert.equal(await accepted(offers(0, 200), 'peer'), 200)
    isDone = true
    // Checked at once, there would be none in between.
    assert.ok(turns >= 2, String(turns))
  })

  it('are ignored once it has stopped', async () => {
    const verdicts = offers(0, 3).map(bytes => gossip(bytes, 'peer'))
    exchange.stop()
    exchange.stop()
    assert.deepEqual(await Promise.all(verdicts), ['ignore', 'ignore', 'ignore'])
    assert.deepEqual(clock.pendingMs(), [])
    assert.equal(book.size, 0)
  })
})
