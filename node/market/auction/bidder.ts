import { announcedCost, awardedPrice, isWithinReserve } from '../../../protocol/auction.ts'
import { ProtocolError } from '../../../protocol/codec.ts'
import { covers } from '../../../protocol/data-class.ts'
import type { NodeSigner } from '../../../protocol/identity.ts'
import type { CidString, ModelId, NodeKey } from '../../../protocol/ids.ts'
import { MAX_CLOCK_SKEW_MS } from '../../../protocol/limits.ts'
import {
  type Award,
  type Bid,
  type BidOutcome,
  type BidOutcomeReply,
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
import type { P2PHost } from '../../p2p/host.ts'
import type { DemandLog } from '../demand-log.ts'
import { matchesModel } from '../selection.ts'
import { bidOutcomeProtocol, bidProtocol } from './protocols.ts'

export interface BidderOptions {
  self: NodeKey
}

export interface BidderModules {
  host: Pick<P2PHost, 'serve'>
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

/** A task can begin at a bid's price for so long. */
const BID_LIFETIME_MS = 10_000
const MAX_BIDS = 2_048
const MAX_BIDS_PER_REQUESTER = 64

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
  cost: bigint
}

/** A provider's part in auctions: makes sealed bids and keeps to them until they expire. */
export class Bidder {
  readonly #options: BidderOptions
  readonly #modules: BidderModules
  /** In the order they were made, so the first expire first. */
  readonly #held = new Map<CidString, HeldBid>()
  readonly #heldOf = new Map<NodeKey, number>()

  constructor(options: BidderOptions, modules: BidderModules) {
    this.#options = options
    this.#modules = modules
  }

  async start(): Promise<void> {
    const { host } = this.#modules
    await host.serve(bidProtocol, (peer, request) => Promise.resolve(this.answer(peer, request)))
    await host.serve(bidOutcomeProtocol, (peer, outcome) => Promise.resolve(this.learn(peer, outcome)))
  }

  /** Bids whose price still holds. */
  get held(): number {
    this.#prune()
    return this.#held.size
  }

  /** Answers a request for a bid. */
  answer(requester: NodeKey, request: BidRequest): BidResponse {
    throw new Error(`${requester} ${request.announcement.length}`)
  }

  /** Takes note of who won in our place. */
  learn(requester: NodeKey, outcome: BidOutcome): BidOutcomeReply {
    throw new Error(`${requester} ${outcome.bid}`)
  }

  /**
   * Checks what a requester shows with its task: that we made the bid, for this task, that it still holds,
   * and that the runner-up is a bid of somebody else for the same announcement and no better than ours.
   * @param listed our price by the offer the task names
   */
  verify(award: Award, requester: NodeKey, claim: AwardClaim, listed: TokenPrice): AwardVerdict {
    throw new Error(`${award.bid} ${requester} ${claim.taskId} ${listed.inputPerMillion}`)
  }

  #prune(): void {}
}
