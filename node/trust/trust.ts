import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import type { DataClass } from '../../protocol/data-class.ts'
import type { NodeSigner } from '../../protocol/identity.ts'
import type { Address, NodeKey } from '../../protocol/ids.ts'
import type { Countersignature } from '../../protocol/messages/countersignature.ts'
import type { Receipt } from '../../protocol/messages/receipt.ts'
import type { ReportedResult } from '../../protocol/messages/reputation-report.ts'
import type { SignedRecord } from '../../protocol/signed.ts'
import type { KnownDeployment } from '../chain/addresses.ts'
import type { ChainClient } from '../chain/client.ts'
import { Funders } from '../chain/funders.ts'
import type { ChainStanding } from '../chain/standing.ts'
import { type Clock, repeat } from '../clock.ts'
import type { Logger } from '../log.ts'
import type { Violation } from '../p2p/errors.ts'
import type { P2PHost } from '../p2p/host.ts'
import type { Store } from '../store/store.ts'
import type { BatchOperation } from '../store/table.ts'
import type { Operators } from './clusters.ts'
import { OwnReports } from './own-reports.ts'
import { PaidReceipts } from './paid-receipts.ts'
import { PeerFacts } from './peer-facts.ts'
import { PendingReports } from './pending-reports.ts'
import { ReportExchange } from './report-exchange.ts'
import { MAX_REPORT_AGE_MS, Reputation } from './reputation.ts'

export interface TrustOptions {
  /** Of the node key; what is derived from it is known to nobody else. */
  seed: Uint8Array
  /** Whether to tell others how our tasks went. */
  shareReports: boolean
}

export interface TrustModules {
  store: Store
  clock: Clock
  log: Logger
  onViolation: (violation: Violation) => void
}

/** What is asked of the network and the market, once they are there. */
export interface TrustSurroundings {
  host: P2PHost
  signer: NodeSigner
  deployment: KnownDeployment
  /** Our own. */
  wallet: Address
  walletOf: (peer: NodeKey) => Address | null
}

/** That a peer stays there, or stays away, is noted so often. */
const CONTACT_EVERY_MS = 30 * 60_000
const MAX_CONTACTS = 10_000

/** Everything by which this node judges its peers, put together. */
export class Trust {
  readonly reputation: Reputation
  readonly #options: TrustOptions
  readonly #modules: TrustModules
  readonly #facts: PeerFacts
  readonly #own: OwnReports
  readonly #paid: PaidReceipts
  readonly #pending: PendingReports
  readonly #contacts = new Map<NodeKey, { reached: boolean; atMs: number }>()
  #walletOf: TrustSurroundings['walletOf'] = () => null
  #chain: { client: ChainClient; standing: Pick<ChainStanding, 'of' | 'want'>; funders: Funders } | null =
    null
  #exchange: ReportExchange | null = null
  #stopListening: (() => void) | null = null

  constructor(options: TrustOptions, modules: TrustModules) {
    this.#options = options
    this.#modules = modules
    this.#facts = new PeerFacts({
      store: modules.store,
      walletOf: peer => this.#walletOf(peer),
      funderOf: wallet => this.#chain?.funders.of(wallet) ?? null,
      rolesOf: (wallet, peer) => {
        this.#chain?.standing.want(wallet)
        const standing = this.#chain?.standing.of(wallet, peer) ?? null
        return standing?.bound === true && standing.stake > 0n ? standing.roles : null
      },
      stakeOf: (wallet, peer) => {
        const standing = this.#chain?.standing.of(wallet, peer) ?? null
        return standing?.bound === true ? standing.stake : 0n
      },
    })
    const { store, clock, log, onViolation } = modules
    const secret = bytesToHex(sha256(concatBytes(utf8ToBytes('shoal/1/trust'), options.seed)))
    this.reputation = new Reputation({ secret }, { store, clock, onViolation, facts: this.#facts })
    this.#paid = new PaidReceipts({ reader: () => this.#chain?.client ?? null, store, clock })
    this.#own = new OwnReports({ store, log })
    this.#pending = new PendingReports({
      ...{ store, clock, log },
      check: receipt => this.#paid.check(receipt),
      mayCount: (receipt, endedAtMs) => this.reputation.mayCount(receipt, endedAtMs),
      take: async (report, receipt) => {
        await this.#facts.paidFrom(report.witness, receipt.payer)
        if (await this.reputation.takeReport(report)) await this.#paid.count(receipt)
      },
    })
  }

  /** Who may be one operator. */
  get operators(): Operators {
    return this.#facts.operators
  }

  /** Reads back what is known. */
  async start(): Promise<void> {
    await this.#facts.start()
    await this.#paid.start()
    await this.reputation.start()
    // What has counted is known by now.
    await this.#pending.start()
    await this.#own.start()
  }

  /** Listens to the network from now on. */
  join(surroundings: TrustSurroundings): void {
    const { host, signer, deployment, wallet, walletOf } = surroundings
    const { clock, log } = this.#modules
    this.#walletOf = peer => (peer === 'local' ? wallet : walletOf(peer))
    const exchange = new ReportExchange(
      {
        chainId: deployment.chainId,
        settlement: deployment.addresses.settlement,
        share: this.#options.shareReports,
      },
      {
        host,
        signer,
        clock,
        log,
        own: this.#own,
        pending: this.#pending,
        isWelcome: peer => this.reputation.isWelcome(peer),
        isKnown: peer => this.reputation.isKnown(peer),
        forgetOld: async () => {
          await this.reputation.forgetOldReceipts()
          await this.#paid.forgetBefore(clock.nowMs() - MAX_REPORT_AGE_MS)
        },
      },
    )
    const onPeer = (peer: NodeKey) => this.#met(peer, host)
    // Whoever reaches nobody is cut off itself.
    const onUnreachable = (peer: NodeKey) => {
      if (host.peers().length > 0) this.#contact(peer, false)
    }
    for (const peer of host.peers()) onPeer(peer)
    host.on('peer', onPeer)
    host.on('unreachable', onUnreachable)
    const staying = repeat(clock, CONTACT_EVERY_MS, async () => {
      for (const peer of host.peers()) this.#contact(peer, true)
    })
    exchange.start()
    this.#exchange = exchange
    this.#stopListening = () => {
      host.off('peer', onPeer)
      host.off('unreachable', onUnreachable)
      staying.cancel()
    }
  }

  /** Asks the chain from now on. */
  useChain(modules: { client: ChainClient; standing: Pick<ChainStanding, 'of' | 'want'> }): void {
    this.#chain?.funders.stop()
    this.#chain = { ...modules, funders: new Funders({ ...modules, ...this.#modules }) }
  }

  /** A task of ours went so; `observe` of the reputation, and what is reported of it. */
  async observe(
    provider: NodeKey,
    evidence: Parameters<Reputation['observe']>[1],
    also: readonly BatchOperation[] = [],
  ): Promise<void> {
    const result = resultOf(evidence)
    if (result !== null && result !== 'completed') this.#own.learned(provider, result)
    await this.reputation.observe(provider, evidence, also)
  }

  /** We have paid for a task and countersigned its receipt. */
  receiptTaken(
    record: SignedRecord<Receipt>,
    countersignature: SignedRecord<Countersignature>,
    dataClass: DataClass,
  ): void {
    if (this.#options.shareReports) this.#own.receiptTaken(record, countersignature, dataClass)
  }

  /** A task of ours was not done honestly: others are told, with its receipt. */
  accuse(
    record: SignedRecord<Receipt>,
    countersignature: SignedRecord<Countersignature>,
    dataClass: DataClass,
  ): void {
    if (this.#options.shareReports) this.#own.accuse(record, countersignature, dataClass)
  }

  /** Tells others now how our tasks went, instead of at the next interval. */
  async reportNow(): Promise<void> {
    await this.#exchange?.publish()
  }

  /** Asks the chain now about reports that are due, instead of at the next interval. */
  async checkReportsNow(): Promise<void> {
    await this.#pending.checkDue()
  }

  /** Reports that wait to be paid on chain. */
  get waitingReports(): number {
    return this.#pending.size
  }

  /** Resolves when all reports that wait are on disk. Idempotent. */
  async stop(): Promise<void> {
    this.#stopListening?.()
    this.#stopListening = null
    this.#exchange?.stop()
    this.#chain?.funders.stop()
    await this.#own.stop()
    await this.#pending.stop()
  }

  #met(peer: NodeKey, host: P2PHost): void {
    const { log } = this.#modules
    const told = (error: unknown) => log.warn({ err: error, peer }, 'where a peer is was not recorded')
    for (const { address, relayed } of host.connectionsOf(peer))
      if (!relayed) this.#facts.seenAt(peer, address).catch(told)
    this.#contact(peer, true)
  }

  #contact(peer: NodeKey, reached: boolean): void {
    const { clock, log } = this.#modules
    const nowMs = clock.nowMs()
    const last = this.#contacts.get(peer)
    if (last?.reached === reached && nowMs - last.atMs < CONTACT_EVERY_MS) return
    this.#contacts.delete(peer)
    this.#contacts.set(peer, { reached, atMs: nowMs })
    if (this.#contacts.size > MAX_CONTACTS) this.#contacts.delete(this.#contacts.keys().next().value!)
    this.reputation
      .observe(peer, { kind: 'contact', reached })
      .catch(error => log.warn({ err: error, peer }, 'a contact was not recorded'))
  }
}

function resultOf(evidence: Parameters<Reputation['observe']>[1]): ReportedResult | null {
  if (typeof evidence === 'string') return evidence
  // What others have checked is theirs to tell.
  if (evidence.kind === 'audit' && evidence.weight !== undefined) return null
  if (evidence.kind === 'audit') return evidence.passed ? 'verified' : 'dishonest'
  return evidence.kind === 'task' ? evidence.result : null
}
