import assert from 'node:assert/strict'
import { bytesToHex } from '@noble/hashes/utils.js'
import { type AwardClaim, Bidder } from '../../../../../node/market/auction/bidder.ts'
import { DemandLog } from '../../../../../node/market/demand-log.ts'
import type { Violation } from '../../../../../node/p2p/errors.ts'
import {
  type Award,
  type Bid,
  bidMessage,
  type TaskAnnouncement,
  taskAnnouncementMessage,
} from '../../../../../protocol/messages/bid.ts'
import type { Offer } from '../../../../../protocol/messages/offer.ts'
import { CREDIT, type TokenPrice } from '../../../../../protocol/money.ts'
import { createRecord, openRecord, type SignedRecord } from '../../../../../protocol/signed.ts'
import { ManualClock } from '../../../../helpers/manual-clock.ts'
import { sampleOffer, sampleRequest } from '../../../../helpers/samples.ts'
import { providerSigner } from '../samples.ts'

const [own, requesterSigner, rivalSigner] = [providerSigner(0), providerSigner(1), providerSigner(2)]
const keyOf = (signer: { publicKey: Uint8Array }) => bytesToHex(signer.publicKey)
const REQUESTER = keyOf(requesterSigner)
const LISTED: TokenPrice = { inputPerMillion: CREDIT, outputPerMillion: 4n * CREDIT }
const MODEL = sampleOffer.models[0]!.model

describe('the bidder', () => {
  let clock: ManualClock
  let demand: DemandLog
  let violations: Violation[]
  let offer: Offer | null
  let price: TokenPrice | null
  let ready: boolean
  let bidder: Bidder

  beforeEach(() => {
    clock = new ManualClock()
    demand = new DemandLog({ clock })
    violations = []
    offer = sampleOffer
    price = LISTED
    ready = true
    bidder = new Bidder(
      { self: keyOf(own) },
      {
        host: { serveStream: () => Promise.resolve() },
        signer: own,
        clock,
        prices: { bidTerms: () => price },
        offer: () => offer,
        isReady: () => ready,
        demand,
        onViolation: (_peer, violation) => violations.push(violation),
      },
    )
  })

  function announce(change: Partial<TaskAnnouncement> = {}, signer = requesterSigner) {
    return createRecord<TaskAnnouncement>(
      taskAnnouncementMessage,
      {
        version: 1,
        taskId: sampleRequest.taskId,
        requester: keyOf(signer),
        auction: 'second-price',
        issuedAtMs: clock.nowMs(),
        bidWindowMs: 50,
        kind: 'chat',
        model: 'shoal-nano',
        promptTokens: 1_000,
        maxTokens: 1_000,
        mode: 'on-demand',
        slaClass: 'B',
        dataClass: 'PUBLIC',
        reserve: CREDIT,
        ...change,
      },
      signer,
    )
  }

  const claim = (change: Partial<AwardClaim> = {}): AwardClaim => ({
    taskId: sampleRequest.taskId,
    model: MODEL,
    input: { kind: 'chat', messages: [] },
    maxTokens: 1_000,
    mode: 'on-demand',
    slaClass: 'B',
    dataClass: 'PUBLIC',
    ...change,
  })

  function bidFor(announcement: SignedRecord<TaskAnnouncement>): SignedRecord<Bid> {
    const { bid, reason } = bidder.answer(REQUESTER, announcement.bytes)
    assert.ok(bid !== null, reason)
    return openRecord(bidMessage, bid)
  }

  /** A bid of somebody else. */
  function rivalBid(announcement: SignedRecord<unknown>, bid: Partial<Bid> = {}, signer = rivalSigner) {
    return createRecord<Bid>(
      bidMessage,
      {
        version: 1,
        announcement: announcement.cid,
        model: MODEL,
        inputPerMillion: 2n * CREDIT,
        outputPerMillion: 8n * CREDIT,
        expiresAtMs: clock.nowMs() + 1_000,
        ttftMs: 1,
        tokensPerSecond: 1,
        ...bid,
      },
      signer,
    )
  }

  const listedDouble = { inputPerMillion: 2n * CREDIT, outputPerMillion: 8n * CREDIT }

  it('signs a bid for the announced task, and knows it again', () => {
    const announcement = announce()
    const bid = bidFor(announcement)
    assert.equal(bid.signer, keyOf(own))
    assert.equal(bid.body.announcement, announcement.cid)
    assert.deepEqual(
      [bid.body.model, bid.body.inputPerMillion, bid.body.outputPerMillion],
      [MODEL, CREDIT, 4n * CREDIT],
    )
    const verdict = bidder.verify({ bid: bid.cid, runnerUp: null }, REQUESTER, claim(), LISTED)
    assert.ok(verdict.kind === 'valid')
    assert.deepEqual(verdict.price, LISTED)
    assert.equal(verdict.maxPromptTokens, 1_000)
  })

  it('is paid the second price, by the runner-up that is shown', () => {
    const announcement = announce()
    const bid = bidFor(announcement)
    const runnerUp = rivalBid(announcement, {
      inputPerMillion: (3n * CREDIT) / 2n,
      outputPerMillion: 6n * CREDIT,
    })
    const verdict = bidder.verify(
      { bid: bid.cid, runnerUp: runnerUp.bytes },
      REQUESTER,
      claim(),
      listedDouble,
    )
    assert.ok(verdict.kind === 'valid')
    assert.deepEqual(verdict.price, {
      inputPerMillion: (3n * CREDIT) / 2n,
      outputPerMillion: 6n * CREDIT,
    })
  })

  it('says why it makes no bid, and counts it', () => {
    const refusals: [Partial<TaskAnnouncement>, string][] = [
      [{ model: 'llama' }, 'other model'],
      [{ kind: 'embedding' }, 'other kind'],
      [{ promptTokens: 1_000_000 }, 'prompt too long'],
      [{ slaClass: 'S' }, 'sla class'],
      [{ dataClass: 'PRIVATE' }, 'data class'],
      [{ reserve: 0n }, 'above reserve'],
    ]
    for (const [change, why] of refusals) {
      const { bid, reason } = bidder.answer(REQUESTER, announce(change).bytes)
      assert.deepEqual([bid, reason], [null, why])
    }
    const answer = () => bidder.answer(REQUESTER, announce().bytes).reason
    price = null
    assert.equal(answer(), 'busy')
    ready = false
    assert.equal(answer(), 'not serving')
    ready = true
    offer = null
    assert.equal(answer(), 'not serving')
    const { announced, declined, slaClasses, bids } = demand.snapshot()
    assert.deepEqual(announced, { 'shoal-nano': 8, llama: 1 })
    assert.deepEqual(slaClasses, { B: 8, S: 1 })
    assert.equal(declined.not_serving, 2)
    assert.equal(bids, 0)
    assert.deepEqual(violations, [])
  })

  it('takes announcements only of who signed them, made just now', async () => {
    const answer = (bytes: Uint8Array) => bidder.answer(REQUESTER, bytes).reason
    assert.equal(answer(announce({}, rivalSigner).bytes), 'bad announcement')
    assert.equal(answer(announce({ requester: keyOf(rivalSigner) }).bytes), 'bad announcement')
    assert.equal(answer(Uint8Array.of(1, 2, 3)), 'bad announcement')
    assert.deepEqual(violations, ['bad_record', 'bad_record'])
    const old = announce()
    await clock.advance(61_000)
    assert.equal(answer(old.bytes), 'bad announcement')
  })

  it('chooses the cheapest of its models that the task takes', () => {
    const other = `shoal-mini@sha256:${'cd'.repeat(32)}`
    offer = { ...sampleOffer, models: [sampleOffer.models[0]!, { ...sampleOffer.models[0]!, model: other }] }
    bidder = new Bidder(
      { self: keyOf(own) },
      {
        host: { serveStream: () => Promise.resolve() },
        signer: own,
        clock,
        prices: { bidTerms: model => (model === other ? { ...LISTED, outputPerMillion: 1n } : LISTED) },
        offer: () => offer,
        isReady: () => true,
        demand,
        onViolation: () => {},
      },
    )
    assert.equal(bidFor(announce({ model: null })).body.model, other)
    assert.equal(bidFor(announce({ model: 'shoal-nano' })).body.model, MODEL)
  })

  it('honours an award for the task it bid for and no other', () => {
    const announcement = announce()
    const award: Award = { bid: bidFor(announcement).cid, runnerUp: null }
    const why = (change: Partial<AwardClaim>, requester = REQUESTER) => {
      const verdict = bidder.verify(award, requester, claim(change), LISTED)
      return verdict.kind === 'invalid' ? verdict.why : null
    }
    for (const change of [
      { taskId: 'ff'.repeat(16) },
      { model: `other@sha256:${'00'.repeat(32)}` },
      { input: { kind: 'completion', prompt: '' } },
      { maxTokens: 1_001 },
      { mode: 'spot' },
      { slaClass: 'A' },
      { dataClass: 'SHARED' },
    ] as const)
      assert.match(why(change) ?? '', /another task/, JSON.stringify(change))
    assert.match(why({}, keyOf(rivalSigner)) ?? '', /another task/)
    assert.equal(why({ maxTokens: 10 }), null, 'less than announced is fine')
  })

  it('believes no runner-up that is its own, the requester’s, of another task, better, or forged', () => {
    const announcement = announce()
    const bid = bidFor(announcement)
    const why = (runnerUp: Uint8Array) => {
      const verdict = bidder.verify({ bid: bid.cid, runnerUp }, REQUESTER, claim(), listedDouble)
      return verdict.kind === 'invalid' ? verdict.why : 'valid'
    }
    assert.match(why(rivalBid(announcement, {}, own).bytes), /not of another/)
    assert.match(why(rivalBid(announcement, {}, requesterSigner).bytes), /not of another/)
    assert.match(why(rivalBid(announce({ maxTokens: 5 })).bytes), /another task/)
    assert.match(
      why(rivalBid(announcement, { outputPerMillion: CREDIT, inputPerMillion: CREDIT }).bytes),
      /better/,
    )
    const forged = rivalBid(announcement).bytes.slice()
    forged[forged.length - 1]! ^= 1
    assert.match(why(forged), /no valid record/)
    assert.equal(why(rivalBid(announcement).bytes), 'valid')
  })

  it('keeps to a bid until it expires, and to each once', async () => {
    const award: Award = { bid: bidFor(announce()).cid, runnerUp: null }
    const verify = () => bidder.verify(award, REQUESTER, claim(), LISTED)
    const first = verify()
    assert.ok(first.kind === 'valid')
    first.take()
    first.take()
    assert.equal(verify().kind, 'invalid')
    const late: Award = { bid: bidFor(announce()).cid, runnerUp: null }
    await clock.advance(60_000)
    assert.equal(bidder.verify(late, REQUESTER, claim(), LISTED).kind, 'invalid')
    assert.equal(bidder.held, 0)
    const { bids, won, lost } = demand.snapshot()
    assert.deepEqual([bids, won, lost], [2, 1, 1])
  })

  it('holds so many bids for one requester, and no more until they expire', async () => {
    const answer = () => bidder.answer(REQUESTER, announce().bytes)
    for (let i = 0; i < 512; i++) {
      assert.notEqual(answer().bid, null)
      await clock.advance(1)
    }
    assert.equal(answer().reason, 'too many bids')
    const other = bidder.answer(keyOf(rivalSigner), announce({}, rivalSigner).bytes)
    assert.notEqual(other.bid, null, 'others are not in its way')
    await clock.advance(60_000)
    assert.notEqual(answer().bid, null)
  })

  it('says the same to the same announcement, and counts it once', () => {
    const announcement = announce()
    assert.equal(bidFor(announcement).cid, bidFor(announcement).cid)
    assert.equal(bidder.held, 1)
    assert.equal(demand.snapshot().bids, 1)
  })

  it('learns by how much it lost, from the bid that won', () => {
    const announcement = announce()
    const bid = bidFor(announcement)
    const winner = rivalBid(announcement, {
      inputPerMillion: (CREDIT * 8n) / 10n,
      outputPerMillion: (CREDIT * 32n) / 10n,
    })
    const learned = (requester: string) => {
      bidder.learn(requester, bid.cid, winner.bytes)
      return demand.snapshot().medianLostBy
    }
    assert.equal(learned(keyOf(rivalSigner)), null, 'of the requester alone')
    assert.equal(learned(REQUESTER), 0.2)
    assert.deepEqual(violations, [])
    const another = bidFor(announce({ maxTokens: 7 }))
    bidder.learn(REQUESTER, another.cid, winner.bytes)
    assert.equal(demand.snapshot().medianLostBy, 0.2)
    assert.deepEqual([demand.snapshot().lost, bidder.held], [1, 1], 'what is lost need not be kept to')
    assert.deepEqual(violations, ['bad_record'], 'a bid for something else is no proof')
  })
})
