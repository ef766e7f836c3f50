import type { NodeSigner } from '../../protocol/identity.ts'
import type { Address, NodeKey } from '../../protocol/ids.ts'
import { reputationReportMessage } from '../../protocol/messages/reputation-report.ts'
import { createRecord } from '../../protocol/signed.ts'
import { type Clock, repeat, type Timer } from '../clock.ts'
import type { Logger } from '../log.ts'
import type { GossipVerdict, P2PHost } from '../p2p/host.ts'
import { QuotaMeter } from '../p2p/quota.ts'
import type { OwnReports } from './own-reports.ts'
import type { PendingReports } from './pending-reports.ts'
import { openReport, reportsTopic } from './reports.ts'

export interface ReportExchangeOptions {
  chainId: number
  settlement: Address
  /** Whether to tell others how our tasks went. */
  share: boolean
}

export interface ReportExchangeModules {
  host: Pick<P2PHost, 'subscribe' | 'publish' | 'nodeKey' | 'peers'>
  signer: NodeSigner
  clock: Clock
  log: Logger
  own: OwnReports
  pending: PendingReports
  isWelcome: (peer: NodeKey) => boolean
  /** Whether a report of this witness has counted before, or it has done work for us. */
  isKnown: (witness: NodeKey) => boolean
  /** Housekeeping, now and then. */
  forgetOld: () => Promise<void>
}

/** Bundles of others: a witness may report every task of a busy day, and not more than the network can carry. */
const WITNESS_QUOTA = { burst: 4, perSecond: 1 / 60 }
/** Bundles of all together: each costs up to 17 signatures to check, about 2 ms. Strangers do not use up the others'. */
const QUOTA_OF_KNOWN = { burst: 40, perSecond: 5 }
const QUOTA_OF_STRANGERS = { burst: 20, perSecond: 2 }
const PUBLISH_EVERY_MS = 5 * 60_000
const CHECK_EVERY_MS = 15_000
const FORGET_EVERY_MS = 6 * 3_600_000

/** Tells others how our tasks went, and hears from them. What they say counts once its receipts are paid. */
export class ReportExchange {
  readonly #options: ReportExchangeOptions
  readonly #modules: ReportExchangeModules
  readonly #perWitness: QuotaMeter
  readonly #ofKnown: QuotaMeter
  readonly #ofStrangers: QuotaMeter
  readonly #timers: Timer[] = []

  constructor(options: ReportExchangeOptions, modules: ReportExchangeModules) {
    this.#options = options
    this.#modules = modules
    this.#perWitness = new QuotaMeter(WITNESS_QUOTA, modules)
    this.#ofKnown = new QuotaMeter(QUOTA_OF_KNOWN, modules)
    this.#ofStrangers = new QuotaMeter(QUOTA_OF_STRANGERS, modules)
  }

  start(): void {
    const { host, clock, log, pending, forgetOld } = this.#modules
    const every = (intervalMs: number, what: string, task: () => Promise<void>) =>
      this.#timers.push(
        repeat(clock, intervalMs, () => task().catch(error => log.warn({ err: error }, `${what} failed`))),
      )
    host.subscribe(reportsTopic, bytes => this.take(bytes))
    every(CHECK_EVERY_MS, 'checking reports', () => pending.checkDue())
    every(FORGET_EVERY_MS, 'forgetting old receipts', forgetOld)
    if (this.#options.share) every(PUBLISH_EVERY_MS, 'reporting', () => this.publish())
  }

  /** Idempotent. */
  stop(): void {
    for (const timer of this.#timers.splice(0)) timer.cancel()
  }

  /** Takes a bundle from gossip. */
  take(bytes: Uint8Array): GossipVerdict {
    const { clock, host, pending } = this.#modules
    const { chainId, settlement } = this.#options
    const admit = (witness: NodeKey) => this.#admits(witness)
    const opened = openReport(bytes, { chainId, settlement, nowMs: clock.nowMs(), admit })
    if (opened.verdict !== 'accept') return opened.verdict
    for (const report of opened.reports) if (report.evidence.peer !== host.nodeKey) pending.add(report)
    return 'accept'
  }

  #admits(witness: NodeKey): boolean {
    const { host, isWelcome, isKnown } = this.#modules
    if (witness === host.nodeKey || !isWelcome(witness) || !this.#perWitness.take(witness)) return false
    return (isKnown(witness) ? this.#ofKnown : this.#ofStrangers).take('all')
  }

  /** Tells what there is to tell, in one bundle; nothing while there is nobody to hear it. */
  async publish(): Promise<void> {
    const { host, signer, clock, own } = this.#modules
    if (host.peers().length === 0) return
    await own.report(async tasks => {
      const body = { version: 1, issuedAtMs: clock.nowMs(), tasks } as const
      await host.publish(reportsTopic, createRecord(reputationReportMessage, { ...body }, signer).bytes)
    })
  }
}
