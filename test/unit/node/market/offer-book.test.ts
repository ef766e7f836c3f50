import assert from 'node:assert/strict'
import { bytesToHex } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { OfferBook } from '../../../../node/market/offer-book.ts'
import {
  MAX_CHANNEL_REMAINING_MS,
  MAX_CLOCK_SKEW_MS,
  MAX_OFFER_LIFETIME_MS,
} from '../../../../protocol/limits.ts'
import { countersignatureMessage } from '../../../../protocol/messages/countersignature.ts'
import type { Offer } from '../../../../protocol/messages/offer.ts'
import { createRecord } from '../../../../protocol/signed.ts'
import { ManualClock } from '../../../helpers/manual-clock.ts'
import { sampleOffer } from '../../../helpers/samples.ts'
import { providerSigner, signOffer } from './samples.ts'

const SELF = providerSigner(999)

describe('offer book', () => {
  let clock: ManualClock
  let book: OfferBook

  function makeBook(maxProviders?: number): OfferBook {
    return new OfferBook(
      {
        self: bytesToHex(SELF.publicKey),
        chainId: sampleOffer.chainId,
        settlement: sampleOffer.settlement,
        ...(maxProviders === undefined ? {} : { maxProviders }),
      },
      { clock },
    )
  }

  beforeEach(() => {
    clock = new ManualClock(sampleOffer.issuedAtMs)
    book = makeBook()
  })

  const verdicts: [what: string, offer: () => Partial<Offer>, verdict: string][] = [
    ['a new one', () => ({}), 'accept'],
    ['one whose time is over', () => ({ expiresAtMs: clock.nowMs() }), 'ignore'],
    [
      'one from a clock a little ahead',
      () => ({
        issuedAtMs: clock.nowMs() + MAX_CLOCK_SKEW_MS,
        expiresAtMs: clock.nowMs() + MAX_CLOCK_SKEW_MS + 1_000,
      }),
      'accept',
    ],
    [
      'one from the future',
      () => ({
        issuedAtMs: clock.nowMs() + MAX_CLOCK_SKEW_MS + 1,
        expiresAtMs: clock.nowMs() + MAX_CLOCK_SKEW_MS + 1_000,
      }),
      'reject',
    ],
    [
      'one that ends before it begins',
      () => ({ issuedAtMs: clock.nowMs() + 2, expiresAtMs: clock.nowMs() + 2 }),
      'reject',
    ],
    ['one of the longest life', () => ({ expiresAtMs: clock.nowMs() + MAX_OFFER_LIFETIME_MS }), 'accept'],
    [
      'one that would live longer',
      () => ({ expiresAtMs: clock.nowMs() + MAX_OFFER_LIFETIME_MS + 1 }),
      'reject',
    ],
    ['one for another chain', () => ({ chainId: 1 }), 'ignore'],
    ['one for another contract', () => ({ settlement: `0x${'33'.repeat(20)}` }), 'ignore'],
    [
      'one that locks money away for a month',
      () => ({ minChannelRemainingMs: MAX_CHANNEL_REMAINING_MS }),
      'accept',
    ],
    [
      'one that would lock money away for years',
      () => ({ minChannelRemainingMs: MAX_CHANNEL_REMAINING_MS + 1 }),
      'reject',
    ],
  ]
  for (const [what, offer, verdict] of verdicts) {
    it(`says ${verdict} to ${what}`, () => {
      const told: string[] = []
      book.on('offer', ({ provider }) => told.push(provider))
      const record = signOffer(offer())
      assert.equal(book.add(record.bytes), verdict)
      assert.equal(book.list().length, verdict === 'accept' ? 1 : 0)
      assert.deepEqual(told, verdict === 'accept' ? [record.signer] : [])
      assert.equal(book.of(record.signer)?.cid, verdict === 'accept' ? record.cid : undefined)
    })
  }

  it('ignores our own, and what it has already', () => {
    assert.equal(book.add(signOffer({}, SELF).bytes), 'ignore')
    const { bytes } = signOffer()
    assert.equal(book.add(bytes), 'accept')
    assert.equal(book.add(bytes), 'ignore')
    assert.equal(book.list().length, 1)
  })

  it('rejects what is forged, foreign or garbage, and keeps what it had', () => {
    const { bytes, signer } = signOffer()
    assert.equal(book.add(bytes), 'accept')
    const forged = signOffer({ sequence: sampleOffer.sequence + 1 }).bytes.slice()
    forged[forged.length - 1]! ^= 1
    const { cid } = signOffer()
    const other = createRecord(countersignatureMessage, { version: 1, receipt: cid }, providerSigner(0))
    for (const bad of [forged, new Uint8Array(), bytes.subarray(1), new Uint8Array(100_000), other.bytes])
      assert.equal(book.add(bad), 'reject')
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), garbage => {
        assert.equal(book.add(garbage), 'reject')
      }),
    )
    assert.deepEqual(book.of(signer)?.bytes, bytes)
  })

  it('rejects every real offer with a byte changed', () => {
    const { bytes } = signOffer()
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const mutated = bytes.slice()
        mutated[at]! ^= change
        assert.equal(book.add(mutated), 'reject')
        assert.equal(book.list().length, 0)
      }),
    )
  })

  it('keeps the newest of each provider, in whatever order they come', () => {
    const order = fc.array(
      fc.record({ provider: fc.nat(3), sequence: fc.nat(6) }),
      // No provider makes more than its quota lets it.
      { maxLength: 10 },
    )
    fc.assert(
      fc.property(order, offers => {
        book = makeBook()
        const newest = new Map<number, number>()
        for (const { provider, sequence } of offers) {
          const isNew = sequence > (newest.get(provider) ?? -1)
          const verdict = book.add(signOffer({ sequence }, providerSigner(provider)).bytes)
          assert.equal(verdict, isNew ? 'accept' : 'ignore')
          if (isNew) newest.set(provider, sequence)
        }
        assert.deepEqual(
          new Map(book.list().map(({ provider, offer }) => [provider, offer.sequence])),
          new Map(
            [...newest].map(([index, sequence]) => [bytesToHex(providerSigner(index).publicKey), sequence]),
          ),
        )
      }),
    )
  })

  it('forgets what has expired, and takes a later one', async () => {
    const { signer } = signOffer()
    book.add(signOffer().bytes)
    await clock.advance(sampleOffer.expiresAtMs - sampleOffer.issuedAtMs - 1)
    assert.notEqual(book.of(signer), null)
    await clock.advance(1)
    assert.equal(book.of(signer), null)
    assert.deepEqual(book.list(), [])
    const renewed = { sequence: sampleOffer.sequence + 1, issuedAtMs: clock.nowMs() }
    assert.equal(book.add(signOffer({ ...renewed, expiresAtMs: clock.nowMs() + 1_000 }).bytes), 'accept')
    assert.equal(book.list().length, 1)
  })

  it('lets no provider flood the network with new offers', async () => {
    let accepted = 0
    for (let sequence = 1; sequence <= 40; sequence++)
      if (book.add(signOffer({ sequence }).bytes) === 'accept') accepted++
    assert.equal(accepted, 10)
    assert.equal(book.add(signOffer({}, providerSigner(1)).bytes), 'accept', 'others are not held back')
    await clock.advance(2_000)
    assert.equal(book.add(signOffer({ sequence: 41 }).bytes), 'accept')
    assert.equal(book.add(signOffer({ sequence: 42 }).bytes), 'ignore')
  })

  it('stays within its bound: first the expired go, then those heard of longest ago', async () => {
    book = makeBook(20)
    const short = { expiresAtMs: clock.nowMs() + 1_000 }
    for (let index = 0; index < 5; index++) book.add(signOffer(short, providerSigner(index)).bytes)
    await clock.advance(1_000)
    for (let index = 5; index < 25; index++) book.add(signOffer({}, providerSigner(index)).bytes)
    const listed = () => new Set(book.list().map(({ provider }) => provider))
    const key = (index: number) => bytesToHex(providerSigner(index).publicKey)
    assert.deepEqual(listed(), new Set(Array.from({ length: 20 }, (_, i) => key(5 + i))))
    book.add(signOffer({ sequence: 100 }, providerSigner(5)).bytes)
    for (let index = 25; index < 30; index++) book.add(signOffer({}, providerSigner(index)).bytes)
    const kept = [5, ...Array.from({ length: 19 }, (_, i) => 11 + i)]
    assert.deepEqual(listed(), new Set(kept.map(key)))
  })
})
