import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { systemClock } from '../../../node/clock.ts'
import { createNativeNodeSigner } from '../../../node/ed25519.ts'
import {
  Auctioneer,
  type AuctioneerOptions,
  type AuctionTask,
} from '../../../node/market/auction/auctioneer.ts'
import { Bidder } from '../../../node/market/auction/bidder.ts'
import { bidProtocol } from '../../../node/market/auction/protocols.ts'
import { DemandLog } from '../../../node/market/demand-log.ts'
import type { KnownOffer } from '../../../node/market/offer-book.ts'
import type { P2PHost } from '../../../node/p2p/host.ts'
import { cidOf } from '../../../protocol/codec.ts'
import { type Bid, bidMessage } from '../../../protocol/messages/bid.ts'
import type { ModelOffer } from '../../../protocol/messages/offer.ts'
import { CREDIT, type TokenPrice } from '../../../protocol/money.ts'
import { createRecord } from '../../../protocol/signed.ts'
import { connect, type TestHost, TestHosts } from '../../helpers/hosts.ts'
import { sampleOffer, sampleRequest } from '../../helpers/samples.ts'
import { waitUntil } from '../../helpers/wait.ts'

const LISTED: TokenPrice = { inputPerMillion: 2n * CREDIT, outputPerMillion: 8n * CREDIT }
const share = (percent: bigint): TokenPrice => ({
  inputPerMillion: (LISTED.inputPerMillion * percent) / 100n,
  outputPerMillion: (LISTED.outputPerMillion * percent) / 100n,
})

const task: AuctionTask = {
  taskId: sampleRequest.taskId,
  auction: 'second-price',
  kind: 'chat',
  model: 'shoal-nano',
  promptTokens: 100,
  maxTokens: 100,
  mode: 'on-demand',
  slaClass: 'B',
  dataClass: 'PUBLIC',
  reserve: CREDIT,
}

/** Hosts over real sockets; one asks, the others bid. */
describe('an auction over streams', () => {
  const hosts = new TestHosts()
  let requester: TestHost
  let auctioneer: Auctioneer
  let auctioneers: Auctioneer[]
  let makeAuctioneer: (options: Partial<AuctioneerOptions>) => Auctioneer
  let entries: { offer: KnownOffer; model: ModelOffer }[]

  async function makeHost() {
    const seed = randomBytes(32)
    return { ...(await hosts.start({ seed })), signer: createNativeNodeSigner(seed) }
  }

  /** A provider that offers at LISTED and bids `price`; null bids nothing. */
  async function provider(price: TokenPrice | null) {
    const made = await makeHost()
    const demand = new DemandLog({ clock: systemClock })
    const model: ModelOffer = { ...sampleOffer.models[0]!, ...LISTED, spot: null }
    const offer = { ...sampleOffer, models: [model] }
    const bidder = new Bidder(
      { self: made.host.nodeKey },
      {
        host: made.host,
        signer: made.signer,
        clock: systemClock,
        prices: { bidTerms: () => price },
        offer: () => offer,
        isReady: () => true,
        demand,
        onViolation: () => {},
      },
    )
    await bidder.start()
    await connect(requester.host, made.host)
    const known: KnownOffer = {
      provider: made.host.nodeKey,
      cid: sampleRequest.offer,
      offer,
      bytes: new Uint8Array(),
    }
    entries.push({ offer: known, model })
    return { ...made, bidder, demand, key: made.host.nodeKey }
  }

  beforeEach(async () => {
    entries = []
    const made = await makeHost()
    requester = made
    auctioneers = []
    // Far more than an answer takes: nobody here is late by chance.
    makeAuctioneer = options => {
      const auctioneer = new Auctioneer(
        { self: made.host.nodeKey, bidWindowMs: 5_000, maxAsked: 16, ...options },
        {
          host: made.host,
          signer: made.signer,
          clock: systemClock,
          onViolation: (peer, violation) => made.violations.push([peer, violation]),
        },
      )
      auctioneers.push(auctioneer)
      return auctioneer
    }
    auctioneer = makeAuctioneer({})
  })
  afterEach(async () => {
    for (const auctioneer of auctioneers) auctioneer.stop()
    await hosts.stop()
  })

  it('goes to the lowest bid at the second price, which both sides compute alike; losers learn by how much', async () => {
    const [dear, cheap, middle, none] = [
      await provider(share(100n)),
      await provider(share(50n)),
      await provider(share(80n)),
      await provider(null),
    ]
    const result = await auctioneer.run(task, entries)
    assert.ok(result !== null)
    assert.equal(result.winner.offer.provider, cheap.key)
    assert.deepEqual(result.price, share(80n))
    assert.deepEqual([result.asked, result.bids], [4, 3])
    const verdict = cheap.bidder.verify(
      result.award,
      requester.host.nodeKey,
      { ...task, model: result.winner.model.model, input: { kind: 'chat', messages: [] } },
      LISTED,
    )
    assert.ok(verdict.kind === 'valid')
    assert.deepEqual(verdict.price, result.price)
    await waitUntil('losers know', () => middle.demand.snapshot().medianLostBy !== null)
    assert.equal(middle.demand.snapshot().medianLostBy, 0.375)
    await waitUntil('losers know', () => dear.demand.snapshot().medianLostBy !== null)
    assert.equal(dear.demand.snapshot().medianLostBy, 0.5)
    assert.deepEqual(none.demand.snapshot().declined, { busy: 1 })
    const first = await auctioneer.run({ ...task, auction: 'first-price' }, entries)
    assert.deepEqual(first?.price, share(50n))
    assert.deepEqual(requester.violations, [])
  })

  it('goes to several operators at the price of the first that does not win, which each of them computes alike', async () => {
    const [low, alias, middle, high] = [
      await provider(share(50n)),
      await provider(share(60n)),
      await provider(share(70n)),
      await provider(share(90n)),
    ]
    const operator = (key: string) => (key === alias.key ? low.key : key)
    const areDistinct = (a: string, b: string) => operator(a) !== operator(b)
    const results = await auctioneer.sell(task, entries, { winners: 2, areDistinct })
    assert.deepEqual(
      results.map(({ winner, price }) => [winner.offer.provider, price]),
      [
        [low.key, share(90n)],
        [middle.key, share(90n)],
      ],
      'of each operator one, and its own other name sets no price',
    )
    for (const [index, { bidder }] of [low, middle].entries()) {
      const { award, price, winner } = results[index]!
      const input = { kind: 'chat' as const, messages: [] }
      const claim = { ...task, input, model: winner.model.model }
      const verdict = bidder.verify(award, requester.host.nodeKey, claim, LISTED)
      assert.ok(verdict.kind === 'valid')
      assert.deepEqual(verdict.price, price)
    }
    for (const { demand } of [alias, high])
      await waitUntil('losers know', () => demand.snapshot().medianLostBy !== null)
    assert.equal(middle.demand.snapshot().medianLostBy, null, 'who won is told nothing')
    const all = await auctioneer.sell(task, entries, { winners: 9, areDistinct })
    assert.deepEqual(
      all.map(({ winner, price }) => [winner.offer.provider, price]),
      [low, middle, high].map(({ key }) => [key, LISTED]),
      'with nobody left to beat, as for one alone',
    )
  })

  it('does not wait for who answers nothing, and does not count who cheats', async () => {
    const good = await provider(share(90n))
    const cheat = async (
      make: (announcement: string, signer: ReturnType<typeof createNativeNodeSigner>) => Uint8Array,
    ) => {
      const made = await makeHost()
      await made.host.serveStream(bidProtocol, async (frames, first) => {
        assert.ok(first.kind === 'announcement')
        const announcement = cidOf(first.record).toString()
        await frames.send({ announcement, bid: make(announcement, made.signer), reason: '' })
        await frames.receive()
        await frames.close()
      })
      await connect(requester.host, made.host)
      const { offer, model } = entries[0]!
      entries.push({ offer: { ...offer, provider: made.host.nodeKey }, model })
      return made.host.nodeKey
    }
    const bid = (announcement: string, change: Partial<Bid>): Bid => ({
      version: 1,
      announcement,
      model: entries[0]!.model.model,
      ...share(10n),
      expiresAtMs: Date.now() + 10_000,
      ttftMs: 0,
      tokensPerSecond: 1,
      ...change,
    })
    const stranger = createNativeNodeSigner(randomBytes(32))
    const foreign = await cheat(
      announcement => createRecord(bidMessage, bid(announcement, {}), stranger).bytes,
    )
    await cheat((_, signer) => createRecord(bidMessage, bid(sampleRequest.offer, {}), signer).bytes)
    await cheat(
      (announcement, signer) =>
        createRecord(bidMessage, bid(announcement, { expiresAtMs: Date.now() - 1 }), signer).bytes,
    )
    // Low where nothing is used, and above its own offer where much is.
    await cheat(
      (announcement, signer) =>
        createRecord(
          bidMessage,
          bid(announcement, { inputPerMillion: 0n, outputPerMillion: 8n * CREDIT + 1n }),
          signer,
        ).bytes,
    )
    // Speaks no such protocol at all.
    const mute = await makeHost()
    await connect(requester.host, mute.host)
    entries.push({ ...entries[0]!, offer: { ...entries[0]!.offer, provider: mute.host.nodeKey } })
    const result = await auctioneer.run(task, entries)
    assert.equal(result?.winner.offer.provider, good.key)
    assert.deepEqual([result?.asked, result?.bids], [6, 1])
    assert.deepEqual(result?.price, LISTED, 'alone, and never above its own offer')
    assert.deepEqual(requester.violations, [[foreign, 'bad_record']])
  })

  it('counts no bid that comes after the window, and asks no more than it may', async () => {
    const slow = await makeHost()
    const release = Promise.withResolvers<void>()
    await slow.host.serveStream(bidProtocol, async frames => {
      await release.promise
      await frames.close()
    })
    await provider(share(90n))
    await connect(requester.host, slow.host)
    entries.push({ ...entries[0]!, offer: { ...entries[0]!.offer, provider: slow.host.nodeKey } })
    const [good, late] = entries as [(typeof entries)[0], (typeof entries)[0]]
    assert.equal(await makeAuctioneer({ bidWindowMs: 20 }).run(task, [late]), null)
    const one = await makeAuctioneer({ maxAsked: 1 }).run(task, [good, late])
    assert.deepEqual([one?.asked, one?.bids], [1, 1], 'the first alone was asked, so nobody is waited for')
    const away = { ...good, offer: { ...good.offer, provider: 'ab'.repeat(32) } }
    assert.equal(await auctioneer.run(task, [away]), null, 'only who is connected is asked')
    release.resolve()
  })

  it('holds many auctions over one stream, and opens another when that is gone', async () => {
    const one = await provider(share(90n))
    const opened = countStreams(requester.host)
    const auction = (taskId: string) => auctioneer.run({ ...task, taskId }, entries)
    await Promise.all(['0a', '0b', '0c'].map(byte => auction(byte.repeat(16))))
    assert.equal((await auction('0d'.repeat(16)))?.bids, 1)
    assert.equal(opened.streams, 1)
    await one.host.hangUp(requester.host.nodeKey)
    await waitUntil('the connection is gone', () => !requester.host.isConnected(one.key))
    await connect(requester.host, one.host)
    assert.equal((await auction('0e'.repeat(16)))?.bids, 1)
    assert.equal(opened.streams, 2)
    assert.equal(one.demand.snapshot().bids, 5)
  })
})

/** Counts the streams a host opens from now on. */
function countStreams(host: P2PHost): { streams: number } {
  const opened = { streams: 0 }
  const openStream = host.openStream.bind(host)
  Object.assign(host, {
    openStream: (...how: Parameters<typeof openStream>) => {
      opened.streams++
      return openStream(...how)
    },
  })
  return opened
}
