import { announcedCost, awardedPrice, isWithinReserve } from '../../../protocol/auction.ts'
import { cidOf, ProtocolError } from '../../../protocol/codec.ts'
import { covers } from '../../../protocol/data-class.ts'
import type { NodeSigner } from '../../../protocol/identity.ts'
import type { CidString, ModelId, NodeKey } from '../../../protocol/ids.ts'
import { MAX_CLOCK_SKEW_MS } from '../../../protocol/limits.ts'
import {
  type Award,
  type Bid,
  type BidRequest,
  type BidResponse,
  bidMessage,
  type TaskAnnouncement,
  taskAnnouncementMessage,
} from '../../../protocol/messages/bid.ts'
import type { ModelOffer, Offer } from '../../../protocol/messages/offer.ts'
import type { TaskRequest } from '../../../protocol/messages/task-request.ts'
import type { TokenPrice } from '../../../protocol/money.ts'
import { createRecord, openRecord, openRecordOf, type SignedRecord } from '../../../protocol/signed.ts'
import type { CapacityMode } from '../../../protocol/sla-class.ts'
import type { Clock } from '../../clock.ts'
import { verifyEd25519Natively } from '../../ed25519.ts'
import type { Violation } from '../../p2p/errors.ts'
import type { FrameStream } from '../../p2p/frame-stream.ts'
import type { P2PHost } from '../../p2p/host.ts'
import { QuotaMeter } from '../../p2p/quota.ts'
import type { DemandLog } from '../demand-log.ts'
import { isNamed } from '../model-names.ts'
import { BID_FRAME_QUOTA, bidProtocol } from './protocols.ts'

export interface BidderOptions {
  self: NodeKey
}

export interface BidderModules {
  host: Pick<P2PHost, 'serveStream'>
  signer: NodeSigner
  clock: Clock
  /** What a task is worth doing for now; null where the mode is not to be had. */
  prices: { bidTerms(model: ModelId, mode: CapacityMode): TokenPrice | null }
  /** Our newest offer; null while we offer nothing. */
  offer: () => Offer | null
  /** Whether tasks are taken at all. */
  isReady: () => boolean
  demand: DemandLog
  onViolation: (peer: NodeKey, violation: Violation) => void
}

/** Why no bid is made; a closed set. */
export const BID_DECLINES = [
  'not_serving',
  'other_model',
  'other_kind',
  'prompt_too_long',
  'sla_class',
  'data_class',
  'busy',
  'above_reserve',
  'bad_announcement',
  'too_many_bids',
] as const
export type BidDecline = (typeof BID_DECLINES)[number]

/** A task can begin at a bid's price for so long: a channel may have to be opened first. */
const BID_LIFETIME_MS = 60_000
const MAX_BIDS = 8_192
const MAX_BIDS_PER_REQUESTER = 512
const BYTES_PER_TOKEN = 8
/** A requester that says nothing for so long has to open a new stream. */
const IDLE_MS = 10 * 60_000

/** What a task's request says that the award it shows must agree with. */
export type AwardClaim = Pick<
  TaskRequest,
  'taskId' | 'model' | 'input' | 'maxTokens' | 'mode' | 'slaClass' | 'dataClass'
>

/** What an award comes to: the price, or why it is none. */
export type AwardVerdict =
  | {
      kind: 'valid'
      price: TokenPrice
      /** The announcement's bound on the prompt. */
      maxPromptTokens: number
      /** The bid has been used: another task cannot begin on it. */
      take: () => void
    }
  | { kind: 'invalid'; why: string }

interface HeldBid {
  record: SignedRecord<Bid>
  announcement: SignedRecord<TaskAnnouncement>
  /** Of the announced task. */
  cost: bigint
}

/** A provider's part in auctions: makes sealed bids and keeps to them until they expire. */
export class Bidder {
  readonly #options: BidderOptions
  readonly #modules: BidderModules
  /** In the order they were made, so the first expire first. */
  readonly #held = new Map<CidString, HeldBid>()
  readonly #heldOf = new Map<NodeKey, number>()
  readonly #quota: QuotaMeter

  constructor(options: BidderOptions, modules: BidderModules) {
    this.#options = options
    this.#modules = modules
    this.#quota = new QuotaMeter(BID_FRAME_QUOTA, modules)
  }

  async start(): Promise<void> {
    await this.#modules.host.serveStream(bidProtocol, (frames, first) => this.#converse(frames, first))
  }

  /** Bids whose price still holds. */
  get held(): number {
    this.#prune()
    return this.#held.size
  }

  /** Answers a request for a bid. */
  answer(requester: NodeKey, bytes: Uint8Array): BidResponse {
    const announcement = this.#announcementOf(requester, bytes)
    const bid = announcement === null ? 'bad_announcement' : this.#bid(requester, announcement)
    const answered = announcement?.cid ?? cidOf(bytes).toString()
    if (typeof bid !== 'string') return { announcement: answered, bid: bid.bytes, reason: '' }
    this.#modules.demand.declined(bid)
    return { announcement: answered, bid: null, reason: bid.replaceAll('_', ' ') }
  }

  /** Makes a bid and keeps to it, or says why not. */
  #bid(requester: NodeKey, announcement: SignedRecord<TaskAnnouncement>): SignedRecord<Bid> | BidDecline {
    const { demand, isReady, offer: current, clock, signer } = this.#modules
    demand.announced(announcement.body)
    this.#prune()
    const offer = isReady() ? current() : null
    if (offer === null) return 'not_serving'
    if ((this.#heldOf.get(requester) ?? 0) >= MAX_BIDS_PER_REQUESTER || this.#held.size >= MAX_BIDS)
      return 'too_many_bids'
    const choice = this.#choose(announcement.body, offer)
    if (typeof choice === 'string') return choice
    const { model, price, cost } = choice
    const record = createRecord<Bid>(
      bidMessage,
      {
        version: 1,
        announcement: announcement.cid,
        model: model.model,
        ...price,
        expiresAtMs: clock.nowMs() + BID_LIFETIME_MS,
        ttftMs: model.ttftMs,
        tokensPerSecond: model.tokensPerSecond,
      },
      signer,
    )
    // Asked again for the same, we say the same.
    if (this.#held.has(record.cid)) return record
    this.#held.set(record.cid, { record, announcement, cost })
    this.#heldOf.set(requester, (this.#heldOf.get(requester) ?? 0) + 1)
    demand.bid()
    return record
  }

  /**
   * Takes note of who won in our place; the bid need not be kept to any longer.
   * @param lost CID of our bid
   * @param bytes the signed bid that won
   */
  learn(requester: NodeKey, lost: CidString, bytes: Uint8Array): void {
    this.#prune()
    const held = this.#held.get(lost)
    if (held === undefined || held.announcement.signer !== requester) return
    const winner = this.#rivalBid(bytes, held)
    if (typeof winner === 'string') {
      this.#modules.onViolation(requester, 'bad_record')
      return
    }
    this.#forget(lost)
    this.#modules.demand.lost()
    if (held.cost === 0n) return
    const difference = held.cost - announcedCost(held.announcement.body, winner)
    this.#modules.demand.lostBy(Math.max(0, Number((difference * 10_000n) / held.cost) / 10_000))
  }

  /**
   * Checks what a requester shows with its task: that we made the bid, for this task, that it still holds,
   * and that the runner-up is a bid of somebody else for the same announcement and no better than ours.
   * Nobody but us can have named the price we are paid at least; that no better runner-up is kept from us we
   * cannot know (Rothkopf, Teisberg and Kahn 1990).
   * @param listed our price by the offer the task names, in the task's mode
   */
  verify(award: Award, requester: NodeKey, claim: AwardClaim, listed: TokenPrice): AwardVerdict {
    this.#prune()
    const held = this.#held.get(award.bid)
    if (held === undefined)
      return { kind: 'invalid', why: 'we hold no such bid: it has expired or been used' }
    const { body: terms } = held.announcement
    const isSame =
      held.announcement.signer === requester &&
      terms.taskId === claim.taskId &&
      terms.kind === claim.input.kind &&
      terms.mode === claim.mode &&
      terms.slaClass === claim.slaClass &&
      terms.dataClass === claim.dataClass &&
      held.record.body.model === claim.model &&
      claim.maxTokens <= terms.maxTokens
    if (!isSame) return { kind: 'invalid', why: 'the bid was for another task' }
    const runnerUp = award.runnerUp === null ? null : this.#rivalBid(award.runnerUp, held)
    if (typeof runnerUp === 'string') return { kind: 'invalid', why: runnerUp }
    if (runnerUp !== null && announcedCost(terms, runnerUp) < held.cost)
      return { kind: 'invalid', why: 'the runner-up is better than our bid' }
    return {
      kind: 'valid',
      price: awardedPrice(terms, { bid: held.record.body, runnerUp, listed }),
      maxPromptTokens: terms.promptTokens,
      take: () => {
        if (this.#forget(award.bid)) this.#modules.demand.won()
      },
    }
  }

  /** Answers one requester until it closes the stream, says nothing for long, or asks too often. */
  async #converse(frames: FrameStream<BidResponse, BidRequest>, first: BidRequest): Promise<void> {
    const { remote } = frames
    let request: BidRequest | null = first
    while (request !== null) {
      if (!this.#quota.take(remote)) {
        this.#modules.onViolation(remote, 'over_quota')
        return frames.abort('over quota')
      }
      if (request.kind === 'announcement') await frames.send(this.answer(remote, request.record))
      else this.learn(remote, request.bid, request.winner)
      request = await frames.receive(AbortSignal.timeout(IDLE_MS))
    }
    await frames.close()
  }

  /** The announcement, signed by who sent it and made just now; else null. */
  #announcementOf(requester: NodeKey, bytes: Uint8Array): SignedRecord<TaskAnnouncement> | null {
    try {
      const record = openRecordOf(taskAnnouncementMessage, bytes, requester, verifyEd25519Natively)
      const ageMs = this.#modules.clock.nowMs() - record.body.issuedAtMs
      if (record.body.requester === requester && Math.abs(ageMs) <= MAX_CLOCK_SKEW_MS) return record
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#modules.onViolation(requester, 'bad_record')
    }
    return null
  }

  /** Our model that does it for the least, or why none does. */
  #choose(
    task: TaskAnnouncement,
    offer: Offer,
  ): { model: ModelOffer; price: TokenPrice; cost: bigint } | BidDecline {
    const named = offer.models.filter(({ model }) => task.model === null || isNamed(task.model, model))
    if (named.length === 0) return 'other_model'
    const able = named.filter(({ kinds }) => kinds.includes(task.kind))
    if (able.length === 0) return 'other_kind'
    // The bound counts bytes, of which a token holds several; what cannot fit by any count is left out.
    const fitting = able.filter(({ contextTokens }) => task.promptTokens / BYTES_PER_TOKEN <= contextTokens)
    if (fitting.length === 0) return 'prompt_too_long'
    if (!offer.slaClasses.includes(task.slaClass)) return 'sla_class'
    if (!covers(offer.dataClass, task.dataClass)) return 'data_class'
    const priced = fitting.flatMap(model => {
      const price = this.#modules.prices.bidTerms(model.model, task.mode)
      return price === null ? [] : [{ model, price, cost: announcedCost(task, price) }]
    })
    const [first, ...others] = priced
    if (first === undefined) return 'busy'
    const best = others.reduce((a, b) => (b.cost < a.cost ? b : a), first)
    return isWithinReserve(task, best.price) ? best : 'above_reserve'
  }

  /** Somebody else's bid in the same auction, or what is wrong with it. */
  #rivalBid(bytes: Uint8Array, held: HeldBid): Bid | string {
    let record: SignedRecord<Bid>
    try {
      record = openRecord(bidMessage, bytes, verifyEd25519Natively)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      return 'the other bid is no valid record'
    }
    const { announcement } = held
    if (record.body.announcement !== announcement.cid) return 'the other bid was for another task'
    if (record.signer === this.#options.self || record.signer === announcement.signer)
      return 'the other bid is not of another provider'
    return record.body
  }

  /** Bids that have expired are lost. */
  #prune(): void {
    const nowMs = this.#modules.clock.nowMs()
    for (const [cid, { record }] of this.#held) {
      if (record.body.expiresAtMs > nowMs) return
      if (this.#forget(cid)) this.#modules.demand.lost()
    }
  }

  #forget(cid: CidString): boolean {
    const held = this.#held.get(cid)
    if (held === undefined) return false
    this.#held.delete(cid)
    const requester = held.announcement.signer
    const left = this.#heldOf.get(requester)! - 1
    if (left === 0) this.#heldOf.delete(requester)
    else this.#heldOf.set(requester, left)
    return true
  }
}
