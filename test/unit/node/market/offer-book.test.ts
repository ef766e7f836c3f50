import assert from 'node:assert/strict'
import { bytesToHex } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { CapabilityIndex } from '../../../../node/market/capability-index.ts'
import { OfferBook } from '../../../../node/market/offer-book.ts'
import type { Regard } from '../../../../node/market/offer-entry.ts'
import {
  MAX_CHANNEL_REMAINING_MS,
  MAX_CLOCK_SKEW_MS,
  MAX_OFFER_LIFETIME_MS,
} from '../../../../protocol/limits.ts'
import { countersignatureMessage } from '../../../../protocol/messages/countersignature.ts'
import { modelTermsOf, type Offer } from '../../../../protocol/messages/offer.ts'
import { type OfferUpdate, offerUpdateMessage } from '../../../../protocol/messages/offer-update.ts'
import { createRecord, type SignedRecord } from '../../../../protocol/signed.ts'
import { ManualClock } from '../../../helpers/manual-clock.ts'
import { sampleOffer } from '../../../helpers/samples.ts'
import { providerSigner, signOffer } from './samples.ts'

const SELF = providerSigner(999)

describe('offer book', () => {
  let clock: ManualClock
  let book: OfferBook

  function makeBook(index?: CapabilityIndex): OfferBook {
    const { chainId, settlement } = sampleOffer
    const modules = { clock, ...(index === undefined ? {} : { index }) }
    return new OfferBook({ self: bytesToHex(SELF.publicKey), chainId, settlement }, modules)
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

  describe('updates', () => {
    const model = sampleOffer.models[0]!
    const terms = { ...modelTermsOf(model), freeSlots: 0, queued: 3, outputPerMillion: 7n }

    function sign(
      base: SignedRecord<Offer>,
      update: Partial<OfferUpdate> = {},
      signer = providerSigner(0),
    ): SignedRecord<OfferUpdate> {
      const nowMs = clock.nowMs()
      return createRecord(
        offerUpdateMessage,
        {
          version: 1,
          offer: base.cid,
          sequence: base.body.sequence + 1,
          issuedAtMs: nowMs,
          expiresAtMs: nowMs + MAX_OFFER_LIFETIME_MS,
          priceReason: 'demand',
          models: [{ index: 0, ...terms }],
          ...update,
        },
        signer,
      )
    }

    it('change the terms of the offer they go on from, and nothing else', () => {
      const base = signOffer()
      book.add(base.bytes)
      const told: string[] = []
      book.on('offer', () => told.push('offer'))
      book.on('update', ({ cid }) => told.push(cid))
      const update = sign(base)
      assert.equal(book.addUpdate(update.bytes), 'accept')
      assert.equal(book.addUpdate(update.bytes), 'ignore')
      const known = book.of(base.signer)!
      assert.equal(known.cid, update.cid)
      assert.equal(known.bytes.length, base.bytes.length)
      const { sequence, issuedAtMs, expiresAtMs, priceReason } = update.body
      assert.deepEqual(known.offer, {
        ...{ ...sampleOffer, sequence, issuedAtMs, expiresAtMs, priceReason },
        models: [{ ...model, ...terms }],
      })
      assert.deepEqual(told, [update.cid])
    })

    it('by another hand change nothing', () => {
      const base = signOffer()
      book.add(base.bytes)
      book.add(signOffer({}, providerSigner(1)).bytes)
      const before = book.of(base.signer)
      const lie = sign(base, {}, providerSigner(1))
      const missing: string[] = []
      assert.equal(
        book.addUpdate(lie.bytes, provider => missing.push(provider)),
        'ignore',
      )
      // What the liar would have to show is an offer of its own with this CID, which cannot be.
      assert.deepEqual(missing, [lie.signer])
      assert.deepEqual(book.of(base.signer), before)
      const ownSigner = signOffer({}, providerSigner(1)).signer
      assert.equal(book.of(ownSigner)!.offer.sequence, sampleOffer.sequence)
      assert.equal(book.add(base.bytes, lie.bytes), 'ignore', 'the offer is known, the update is none of it')
      assert.equal(makeBook().add(base.bytes, lie.bytes), 'reject', 'they do not belong together')
      const cheap = signOffer({ sequence: sampleOffer.sequence - 1, region: 'eu' })
      assert.equal(makeBook().add(base.bytes, sign(cheap, { sequence: 99 }).bytes), 'reject')
      assert.deepEqual(book.of(base.signer), before)
    })

    it('with a byte changed are rejected', () => {
      const base = signOffer()
      book.add(base.bytes)
      const { bytes } = sign(base)
      const before = book.of(base.signer)
      fc.assert(
        fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
          const mutated = bytes.slice()
          mutated[at]! ^= change
          assert.equal(book.addUpdate(mutated), 'reject')
          assert.equal(makeBook().add(base.bytes, mutated), 'reject')
        }),
      )
      assert.deepEqual(book.of(base.signer), before)
      assert.equal(book.addUpdate(base.bytes), 'reject', 'nor is an offer an update')
    })

    const verdicts: [what: string, update: () => Partial<OfferUpdate>, verdict: string][] = [
      ['that says nothing new of models', () => ({ models: [] }), 'accept'],
      ['of a model the offer lacks', () => ({ models: [{ index: 1, ...terms }] }), 'reject'],
      [
        'of a model twice',
        () => ({
          models: [
            { index: 0, ...terms },
            { index: 0, ...terms },
          ],
        }),
        'reject',
      ],
      ['as old as the offer', () => ({ sequence: sampleOffer.sequence }), 'ignore'],
      ['that is over', () => ({ issuedAtMs: clock.nowMs() - 2, expiresAtMs: clock.nowMs() - 1 }), 'ignore'],
      ['from the future', () => ({ issuedAtMs: clock.nowMs() + MAX_CLOCK_SKEW_MS + 1 }), 'reject'],
      ['that lives too long', () => ({ expiresAtMs: clock.nowMs() + MAX_OFFER_LIFETIME_MS + 1 }), 'reject'],
      [
        'that ends before it begins',
        () => ({ issuedAtMs: clock.nowMs() + 2, expiresAtMs: clock.nowMs() + 1 }),
        'reject',
      ],
      ['of another offer', () => ({ offer: signOffer({ sequence: 1 }).cid }), 'ignore'],
    ]
    for (const [what, change, verdict] of verdicts) {
      it(`${verdict === 'accept' ? 'are taken' : `are worth ${verdict}`} if one comes ${what}`, () => {
        const base = signOffer()
        book.add(base.bytes)
        const before = book.of(base.signer)
        assert.equal(book.addUpdate(sign(base, change()).bytes), verdict)
        if (verdict !== 'accept') assert.deepEqual(book.of(base.signer), before)
      })
    }

    it('leave the same in whatever order they come, and whichever are lost', () => {
      const base = signOffer({}, providerSigner(0))
      const some = fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 8 })
      const cases = fc.record({ sequences: some, second: fc.boolean() })
      const two = signOffer({ models: [model, { ...model, quantization: 'F16' }] })
      fc.assert(
        fc.property(cases, ({ sequences, second }) => {
          book = makeBook()
          const from = second ? two : base
          book.add(from.bytes)
          const updates = sequences.map(n =>
            sign(from, {
              sequence: sampleOffer.sequence + n,
              models: second && n % 2 === 0 ? [] : [{ index: 0, ...terms, queued: n }],
            }),
          )
          for (const { bytes } of updates) book.addUpdate(bytes)
          const newest = updates.toSorted((a, b) => b.body.sequence - a.body.sequence)[0]!
          const other = makeBook()
          assert.equal(other.add(from.bytes, newest.bytes), 'accept')
          assert.deepEqual(book.of(from.signer), other.of(from.signer))
        }),
      )
    })

    it('keep an offer alive, which is not known by an old record again', async () => {
      const base = signOffer()
      book.add(base.bytes)
      await clock.advance(100_000)
      assert.equal(book.addUpdate(sign(base).bytes), 'accept')
      await clock.advance(MAX_OFFER_LIFETIME_MS - 1)
      assert.notEqual(book.of(base.signer), null)
      assert.equal(book.add(base.bytes), 'ignore')
      await clock.advance(1)
      assert.equal(book.of(base.signer), null)
    })

    it('that end early do not bring back what they replaced', async () => {
      const base = signOffer()
      book.add(base.bytes)
      book.addUpdate(sign(base, { expiresAtMs: clock.nowMs() + 1_000 }).bytes)
      await clock.advance(5_000)
      book.sweep(9)
      assert.equal(book.of(base.signer), null)
      assert.equal(book.add(base.bytes), 'ignore')
      await clock.advance(MAX_OFFER_LIFETIME_MS)
      assert.equal(book.sweep(9), false)
      assert.equal(book.weightBytes, 0, 'but it is forgotten in the end')
    })

    it('take an offer back, which no older record brings again', async () => {
      const index = new CapabilityIndex({ clock })
      book = makeBook(index)
      const base = signOffer()
      book.add(base.bytes)
      const newer = sign(base, { sequence: sampleOffer.sequence + 1 })
      const nowMs = clock.nowMs()
      const withdrawal = sign(base, { sequence: sampleOffer.sequence + 2, expiresAtMs: nowMs, models: [] })
      const gone: string[] = []
      book.on('gone', provider => gone.push(provider))
      assert.equal(book.addUpdate(withdrawal.bytes), 'accept')
      assert.deepEqual([book.of(base.signer), book.list(), book.size], [null, [], 0])
      assert.deepEqual([index.size, index.entityCount], [0, 0])
      assert.deepEqual(gone, [base.signer])
      for (const [offer, update] of [
        [base.bytes, null],
        [base.bytes, newer.bytes],
      ] as const)
        assert.equal(book.add(offer, update), 'ignore')
      assert.equal(book.addUpdate(newer.bytes), 'ignore')
      assert.deepEqual(book.records({ providers: [], limit: 9 }), [])
      await clock.advance(5_000)
      const again = sign(base, { sequence: sampleOffer.sequence + 3 })
      assert.equal(book.addUpdate(again.bytes), 'accept', 'but a newer one does')
      assert.equal(book.of(base.signer)!.cid, again.cid)
      assert.equal(index.size, 1)
    })

    it('are passed on with the offers they belong to', () => {
      const base = signOffer()
      const other = signOffer({}, providerSigner(1))
      book.add(base.bytes)
      book.add(other.bytes)
      const update = sign(base)
      book.addUpdate(update.bytes)
      const records = book.records({ providers: [base.signer, other.signer, 'nobody'], limit: 9 })
      assert.deepEqual(records, [
        { offer: base.bytes, update: update.bytes },
        { offer: other.bytes, update: null },
      ])
      const friend = makeBook()
      for (const { offer, update } of records) assert.equal(friend.add(offer, update), 'accept')
      assert.deepEqual(friend.list(), book.list())
      for (const { offer, update } of records) assert.equal(friend.add(offer, update), 'ignore')
    })

    it('count against the same quota as offers', () => {
      const base = signOffer()
      book.add(base.bytes)
      const verdicts = Array.from({ length: 20 }, (_, n) =>
        book.addUpdate(sign(base, { sequence: sampleOffer.sequence + 1 + n }).bytes),
      )
      assert.equal(verdicts.filter(verdict => verdict === 'accept').length, 9)
    })
  })

  describe('when there are too many', () => {
    const key = (index: number) => bytesToHex(providerSigner(index).publicKey)
    const add = (index: number, offer: Partial<Offer> = {}) =>
      book.add(signOffer(offer, providerSigner(index)).bytes)
    /** The same choices at each run. */
    const seeded = () => {
      let state = 7
      return () => {
        state = (state * 16_807) % 2_147_483_647
        return state / 2_147_483_647
      }
    }

    function makeSmall(maxProviders: number, regards: Record<string, Regard> = {}, maxBytes?: number) {
      const { chainId, settlement } = sampleOffer
      return new OfferBook(
        { self: '', chainId, settlement, maxProviders, ...(maxBytes === undefined ? {} : { maxBytes }) },
        { clock, random: seeded(), regard: provider => regards[provider] ?? 'unknown' },
      )
    }

    it('forgets the expired first', async () => {
      book = makeSmall(20)
      for (let index = 0; index < 5; index++) add(index, { expiresAtMs: clock.nowMs() + 1_000 })
      await clock.advance(3_000)
      for (let index = 5; index < 25; index++) assert.equal(add(index), 'accept')
      assert.deepEqual(
        new Set(book.list().map(({ provider }) => provider)),
        new Set(Array.from({ length: 20 }, (_, i) => key(5 + i))),
      )
    })

    it('keeps whoever has something to show through a flood of those who have not', async () => {
      const good = Object.fromEntries(
        Array.from({ length: 15 }, (_, index) => [
          key(index),
          (['registered', 'staked', 'proven'] as const)[index % 3]!,
        ]),
      )
      book = makeSmall(20, good)
      for (let index = 0; index < 15; index++) add(index)
      await clock.advance(1_000)
      for (let index = 100; index < 400; index++) add(index)
      assert.equal(book.size, 20)
      for (const provider of Object.keys(good)) assert.notEqual(book.of(provider), null)
    })

    it('lets in who has something to show when those who have not fill it', () => {
      const regards: Record<string, Regard> = { [key(50)]: 'registered' }
      book = makeSmall(20, regards)
      for (let index = 0; index < 20; index++) add(index)
      assert.equal(add(50), 'accept')
      regards[key(3)] = 'staked'
      book.reconsider(key(3))
      for (let index = 100; index < 300; index++) add(index)
      assert.notEqual(book.of(key(3)), null)
      assert.notEqual(book.of(key(50)), null)
    })

    it('keeps most of the unknown it has known for long, and tells nobody of a flood it has no room for', async () => {
      book = makeSmall(100)
      for (let index = 0; index < 100; index++) add(index)
      await clock.advance(1_000)
      let passedOn = 0
      for (let index = 100; index < 400; index++) if (add(index) === 'accept') passedOn++
      const kept = Array.from({ length: 100 }, (_, index) => book.of(key(index))).filter(Boolean).length
      // 100·(1 + 7·3)^(-1/7) is 64.
      assert.ok(kept >= 55, String(kept))
      assert.ok(passedOn > 0)
      assert.equal(book.size, 100)
    })

    it('stays within its bytes, too', () => {
      const many = Array.from({ length: 16 }, (_, index) => ({
        ...sampleOffer.models[0]!,
        model: `m${index}@sha256:${'ab'.repeat(32)}`,
      }))
      book = makeSmall(1_000, {}, 100_000)
      for (let index = 0; index < 40; index++) add(index, { models: many })
      assert.ok(book.size > 2 && book.size < 20, String(book.size))
      assert.ok(book.weightBytes <= 100_000)
    })

    it('keeps the index as it is itself', async () => {
      const index = new CapabilityIndex({ clock })
      const { chainId, settlement } = sampleOffer
      book = new OfferBook(
        { self: '', chainId, settlement, maxProviders: 8 },
        { clock, index, random: seeded() },
      )
      const step = fc.record({
        provider: fc.nat(15),
        models: fc.nat(3),
        expires: fc.boolean(),
        passMs: fc.nat(4_000),
      })
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 30 }), async steps => {
          for (const { provider, models, expires, passMs } of steps) {
            const nowMs = clock.nowMs()
            add(provider, {
              sequence: nowMs,
              issuedAtMs: nowMs,
              expiresAtMs: nowMs + (expires ? 2_000 : 60_000),
              models: Array.from({ length: models }, (_, at) => ({
                ...sampleOffer.models[0]!,
                model: `m${(provider + at) % 5}@sha256:${'ab'.repeat(32)}`,
              })),
            })
            await clock.advance(passMs)
          }
          while (book.sweep(1));
          const named = (listings: { provider: string; model: string }[]) =>
            listings.map(({ provider, model }) => `${provider} ${model}`).sort()
          assert.deepEqual(
            named(index.lookup({}, 100).map(({ provider, model }) => ({ provider, model: model.model }))),
            named(
              book
                .list()
                .flatMap(({ provider, offer }) => offer.models.map(({ model }) => ({ provider, model }))),
            ),
          )
          assert.equal(index.lookupEntities({}, 100).length, book.list().length)
        }),
        { numRuns: 40 },
      )
    })
  })
})
