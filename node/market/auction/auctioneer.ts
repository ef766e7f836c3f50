import { awardedPrice, compareBids, isWithinReserve } from '../../../protocol/auction.ts'
import { ProtocolError } from '../../../protocol/codec.ts'
import type { NodeSigner } from '../../../protocol/identity.ts'
import type { NodeKey, TaskId } from '../../../protocol/ids.ts'
import {
  type Award,
  type Bid,
  bidMessage,
  type TaskAnnouncement,
  taskAnnouncementMessage,
} from '../../../protocol/messages/bid.ts'
import type { ModelOffer } from '../../../protocol/messages/offer.ts'
import type { TokenPrice } from '../../../protocol/money.ts'
import { createRecord, openRecordOf, type SignedRecord } from '../../../protocol/signed.ts'
import type { CapacityMode } from '../../../protocol/sla-class.ts'
import type { Clock } from '../../clock.ts'
import { verifyEd25519Natively } from '../../ed25519.ts'
import type { Violation } from '../../p2p/errors.ts'
import type { P2PHost } from '../../p2p/host.ts'
import type { KnownOffer } from '../offer-book.ts'
import { BidLines } from './bid-lines.ts'

export interface AuctioneerOptions {
  self: NodeKey
  /** Bids that arrive later do not count. */
  bidWindowMs: number
  /** Providers asked at most. */
  maxAsked: number
}

export interface AuctioneerModules {
  host: Pick<P2PHost, 'openStream' | 'isConnected'>
  signer: NodeSigner
  clock: Clock
  onViolation: (peer: NodeKey, violation: Violation) => void
}

/** What of a task is made known: everything a price depends on, and nothing of its content. */
export type AuctionTask = Omit<TaskAnnouncement, 'version' | 'requester' | 'issuedAtMs' | 'bidWindowMs'>

/** A model at a provider that may be asked for a bid. */
export interface AuctionEntry {
  offer: KnownOffer
  model: ModelOffer
}

export interface AuctionResult<Entry extends AuctionEntry> {
  taskId: TaskId
  winner: Entry
  bid: SignedRecord<Bid>
  /** What the task is paid at; never above the offer's own price. */
  price: TokenPrice
  /** For `TaskRequest.award`. */
  award: Award
  /** Providers asked, and valid bids that came in time. */
  asked: number
  bids: number
  tookMs: number
}

/** Sells tasks by auction: asks for sealed bids, and awards to the lowest. */
export class Auctioneer {
  readonly #options: AuctioneerOptions
  readonly #modules: AuctioneerModules
  readonly #abort = new AbortController()
  readonly #lines: BidLines

  constructor(options: AuctioneerOptions, modules: AuctioneerModules) {
    this.#options = options
    this.#modules = modules
    this.#lines = new BidLines(modules)
  }

  /** Ends what runs; idempotent. */
  stop(): void {
    this.#abort.abort()
    this.#lines.stop()
  }

  /**
   * Asks the first connected of `entries` (best first) for bids and waits until all have answered, or for
   * the bid window.
   * @returns null when nobody bid within the reserve
   */
  async run<Entry extends AuctionEntry>(
    task: AuctionTask,
    entries: readonly Entry[],
    signal?: AbortSignal,
  ): Promise<AuctionResult<Entry> | null> {
    const [result] = await this.sell(task, entries, { winners: 1, areDistinct: () => true }, signal)
    return result ?? null
  }

  /**
   * The same for a task that several are to do, each another operator: the lowest bids win, of each operator one. At the
   * second price all are paid by the best bid of one more operator, the first that does not win (the uniform price of
   * k equal units: Vickrey 1961), so that nobody's own bid, nor one under another of its names, sets what it is paid.
   * @param wanted.areDistinct whether two providers are different operators, by all that is known
   * @returns the lowest first; fewer than wanted where fewer operators bid within the reserve
   */
  async sell<Entry extends AuctionEntry>(
    task: AuctionTask,
    entries: readonly Entry[],
    wanted: { winners: number; areDistinct: (a: NodeKey, b: NodeKey) => boolean },
    signal?: AbortSignal,
  ): Promise<AuctionResult<Entry>[]> {
    const { clock, signer } = this.#modules
    const startedAtMs = clock.nowMs()
    const asked = this.#chooseAsked(entries)
    if (asked.size === 0) return []
    const announcement = createRecord<TaskAnnouncement>(
      taskAnnouncementMessage,
      {
        version: 1,
        requester: this.#options.self,
        issuedAtMs: startedAtMs,
        bidWindowMs: this.#options.bidWindowMs,
        ...task,
      },
      signer,
    )
    const bids = await this.#collect(announcement, asked, signal)
    bids.sort((a, b) => compareBids<SignedRecord<Bid>>(task)(a.record, b.record))
    const ranked: typeof bids = []
    for (const bid of bids) {
      if (ranked.length > wanted.winners) break
      const isOther = ranked.every(({ record }) => wanted.areDistinct(record.signer, bid.record.signer))
      if (isOther) ranked.push(bid)
    }
    const winners = ranked.slice(0, wanted.winners)
    const runnerUp = ranked[wanted.winners]?.record ?? null
    const tookMs = clock.nowMs() - startedAtMs
    const results = winners.map(({ entry, record }) => ({
      taskId: task.taskId,
      winner: entry,
      bid: record,
      price: awardedPrice(task, {
        bid: record.body,
        runnerUp: runnerUp?.body ?? null,
        listed: priceIn(task.mode, entry.model),
      }),
      award: { bid: record.cid, runnerUp: runnerUp?.bytes ?? null },
      ...{ asked: asked.size, bids: bids.length, tookMs },
    }))
    // What they had to beat.
    const last = winners.at(-1)
    for (const bid of bids)
      if (!winners.includes(bid)) this.#lines.to(bid.record.signer).tell(bid.record.cid, last!.record.bytes)
    return results
  }

  /** Connected providers with their entries, the best first. */
  #chooseAsked<Entry extends AuctionEntry>(entries: readonly Entry[]): Map<NodeKey, Entry[]> {
    const asked = new Map<NodeKey, Entry[]>()
    for (const entry of entries) {
      const { provider } = entry.offer
      const known = asked.get(provider)
      if (known !== undefined) known.push(entry)
      else if (asked.size < this.#options.maxAsked && this.#modules.host.isConnected(provider))
        asked.set(provider, [entry])
    }
    return asked
  }

  async #collect<Entry extends AuctionEntry>(
    announcement: SignedRecord<TaskAnnouncement>,
    asked: ReadonlyMap<NodeKey, readonly Entry[]>,
    signal: AbortSignal | undefined,
  ): Promise<{ entry: Entry; record: SignedRecord<Bid> }[]> {
    const window = new AbortController()
    const closed = Promise.withResolvers<void>()
    window.signal.addEventListener('abort', () => closed.resolve(), { once: true })
    const timer = this.#modules.clock.setTimer(() => window.abort(), this.#options.bidWindowMs)
    const limit = AbortSignal.any([
      window.signal,
      this.#abort.signal,
      ...(signal === undefined ? [] : [signal]),
    ])
    const bids: { entry: Entry; record: SignedRecord<Bid> }[] = []
    const asking = [...asked].map(async ([provider, entries]) => {
      const answer = await this.#lines.to(provider).ask(announcement, limit)
      if (answer === null || answer.bid === null || limit.aborted) return
      const bid = this.#check(answer.bid, provider, entries, announcement)
      if (bid !== null) bids.push(bid)
    })
    await Promise.race([Promise.all(asking), closed.promise])
    timer.cancel()
    // Late answers are cut off, and no longer counted.
    window.abort()
    return [...bids]
  }

  /** The bid, if it is one for this task at a price its own offer allows; else null. */
  #check<Entry extends AuctionEntry>(
    bytes: Uint8Array,
    provider: NodeKey,
    entries: readonly Entry[],
    announcement: SignedRecord<TaskAnnouncement>,
  ): { entry: Entry; record: SignedRecord<Bid> } | null {
    let record: SignedRecord<Bid>
    try {
      record = openRecordOf(bidMessage, bytes, provider, verifyEd25519Natively)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#modules.onViolation(provider, 'bad_record')
      return null
    }
    const { body: bid } = record
    const entry = entries.find(({ model }) => model.model === bid.model)
    if (entry === undefined || bid.announcement !== announcement.cid) return null
    const listed = priceIn(announcement.body.mode, entry.model)
    const isValid =
      bid.expiresAtMs > this.#modules.clock.nowMs() &&
      // Neither part above the offer: a bid low on what is not used and high on what is would win unfairly
      // (unbalanced bidding: Athey and Levin 2001).
      bid.inputPerMillion <= listed.inputPerMillion &&
      bid.outputPerMillion <= listed.outputPerMillion &&
      isWithinReserve(announcement.body, bid)
    return isValid ? { entry, record } : null
  }
}

/** What an offer asks in a mode; on demand where it has no spot price. */
export function priceIn(mode: CapacityMode, model: ModelOffer): TokenPrice {
  return mode === 'spot' ? (model.spot ?? model) : model
}
