import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../../../node/clock.ts'
import { createNativeNodeSigner } from '../../../node/ed25519.ts'
import { OfferBook } from '../../../node/market/offer-book.ts'
import { OfferExchange } from '../../../node/market/offer-exchange.ts'
import { offerUpdatesTopic } from '../../../node/market/protocols.ts'
import { modelTermsOf, type Offer, offerMessage } from '../../../protocol/messages/offer.ts'
import type { OfferRecords } from '../../../protocol/messages/offer-exchange.ts'
import { offerUpdateMessage } from '../../../protocol/messages/offer-update.ts'
import { createRecord, type SignedRecord } from '../../../protocol/signed.ts'
import { connect, silentLog, type TestHost, TestHosts } from '../../helpers/hosts.ts'
import { TestNetwork } from '../../helpers/nodes.ts'
import { sampleOffer } from '../../helpers/samples.ts'
import { waitUntil } from '../../helpers/wait.ts'
import { providerSigner } from '../../unit/node/market/samples.ts'

describe('the exchange of offers', () => {
  const hosts = new TestHosts()
  const exchanges: OfferExchange[] = []
  const signer = providerSigner(0)
  const provider = Buffer.from(signer.publicKey).toString('hex')

  afterEach(async () => {
    for (const exchange of exchanges.splice(0)) exchange.stop()
    await hosts.stop()
  })

  interface Started extends TestHost {
    book: OfferBook
  }

  async function start(
    own: OfferRecords | null = null,
    seed: Uint8Array = randomBytes(32),
  ): Promise<Started> {
    const started = await hosts.start({ seed })
    const { chainId, settlement } = sampleOffer
    const book = new OfferBook({ self: started.host.nodeKey, chainId, settlement }, { clock: systemClock })
    const exchange = new OfferExchange(
      { targetPeers: 8 },
      {
        host: started.host,
        book,
        own: () => own,
        onViolation: (peer, violation) => started.violations.push([peer, violation]),
        clock: systemClock,
        log: silentLog,
      },
    )
    exchanges.push(exchange)
    await exchange.start()
    return { ...started, book }
  }

  let sequence = 1
  function offerOf(changes: Partial<Offer> = {}): SignedRecord<Offer> {
    const issuedAtMs = Date.now()
    const times = { sequence: sequence++, issuedAtMs, expiresAtMs: issuedAtMs + 60_000 }
    return createRecord(offerMessage, { ...sampleOffer, ...times, ...changes }, signer)
  }

  function updateOf(base: SignedRecord<Offer>, queued: number): Uint8Array {
    const issuedAtMs = Date.now()
    const times = { sequence: sequence++, issuedAtMs, expiresAtMs: issuedAtMs + 120_000 }
    const models = [{ index: 0, ...modelTermsOf(base.body.models[0]!), queued }]
    const body = { version: 1 as const, offer: base.cid, priceReason: 'demand' as const, models, ...times }
    return createRecord(offerUpdateMessage, body, signer).bytes
  }

  it('asks whoever sends an update for the offer it belongs to, and then takes both', async () => {
    const seed = randomBytes(32)
    const own = createRecord(offerMessage, offerOf().body, createNativeNodeSigner(seed))
    const [knowing, ignorant] = [await start({ offer: own.bytes, update: null }, seed), await start()]
    await connect(knowing.host, ignorant.host)
    await waitUntil('what is asked at a meeting has been asked', () => ignorant.book.of(own.signer) !== null)
    const base = offerOf()
    assert.equal(knowing.book.add(base.bytes), 'accept')
    // Gossip begins a moment after the connection, and none of it must be the offer.
    let queued = 1
    await waitUntil('the offer is known by its update', async () => {
      if (ignorant.book.of(provider) !== null) return true
      const update = updateOf(base, queued++)
      if (knowing.book.addUpdate(update) === 'accept') await knowing.host.publish(offerUpdatesTopic, update)
      await new Promise(resolve => setImmediate(resolve))
      return false
    })
    const [here, there] = [ignorant.book.of(provider)!, knowing.book.of(provider)!]
    assert.equal(here.offer.wallet, base.body.wallet)
    assert.ok(here.offer.models[0]!.queued >= 1)
    assert.deepEqual(here.bytes, there.bytes)
    assert.deepEqual([...knowing.violations, ...ignorant.violations], [])
  })

  it('tells whom it meets all it knows, each with its update', async () => {
    const own = offerOf()
    const base = { ...createRecord(offerMessage, { ...own.body, region: 'eu' }, providerSigner(1)) }
    const telling = await start({ offer: own.bytes, update: updateOf(own, 7) })
    telling.book.add(base.bytes)
    const newcomer = await start()
    await connect(newcomer.host, telling.host)
    await waitUntil('all is known', () => newcomer.book.size === 2)
    assert.equal(newcomer.book.of(provider)!.offer.models[0]!.queued, 7)
    assert.equal(newcomer.book.of(base.signer)!.offer.region, 'eu')
  })
})

describe('what nodes make known beside models', function () {
  this.timeout(60_000)
  const network = new TestNetwork()
  before(() => network.start())
  after(() => network.stop())

  it('is found by others, kept alive by updates, and gone when its node stops', async () => {
    const file = join(await network.folder(), 'entities.json')
    await writeFile(
      file,
      JSON.stringify([
        { kind: 'service', name: 'search', tags: ['lang:de'], price: { amount: '0.5', unit: 'query' } },
      ]),
    )
    const flags = { 'models.serve': '', 'offer.lifetime': '10s' }
    const serving = await network.node({ ...flags, 'offer.entities': file, 'offer.region': 'eu-de' })
    const looking = await network.node({ ...flags, 'p2p.bootstrap': serving.address })
    const { book, index } = looking.node.parts
    await waitUntil('it is found', () => index.lookupEntities({ tags: ['lang:de'] }, 9).length === 1)
    const [found] = index.lookupEntities({ entity: 'service', region: 'eu', maxPrice: 0.5 }, 9)
    assert.equal(found!.provider, serving.key)
    assert.equal(found!.entity.name, 'search')
    const { wallet } = found!.offer.offer
    const { standing } = looking.node.trade.economy
    await waitUntil('the chain was read', () => standing.of(wallet, serving.key) !== null)
    const updated = new Promise<string>(resolve => book.once('update', ({ cid }) => resolve(cid)))
    assert.notEqual(await updated, found!.offer.cid)
    assert.equal(serving.node.trade.offers!.current()!.cid, book.of(serving.key)!.cid)
    await serving.node.stop()
    await waitUntil('it is gone, long before its time', () => book.of(serving.key) === null, 3_000)
    assert.deepEqual(index.lookupEntities({}, 9), [])
  })
})
