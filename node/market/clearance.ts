import { covers, DATA_CLASSES, type DataClass } from '../../protocol/data-class.ts'
import { ShoalError } from '../../protocol/errors.ts'
import type { Address, NodeKey } from '../../protocol/ids.ts'
import type { AttestedIdentity } from '../trust/attestation/evidence.ts'
import type { Listing, ProviderId } from './routing/candidate.ts'

/** What a task carries to whoever does it, with how far it may travel. */
export interface Classified {
  readonly dataClass: DataClass
}

let issue: <T extends Classified>(content: T, recipient: ProviderId) => Cleared<T>

/**
 * Content that may go to one recipient and to nobody else. `Clearance` alone makes it, and what sends a task
 * takes nothing else: a way around the rules does not compile, and does not run.
 */
export class Cleared<T extends Classified> {
  readonly recipient: ProviderId
  readonly #content: T

  static {
    issue = (content, recipient) => new Cleared(content, recipient)
  }

  private constructor(content: T, recipient: ProviderId) {
    this.#content = Object.freeze({ ...content })
    this.recipient = recipient
  }

  /** For work with it inside the node. */
  get content(): T {
    return this.#content
  }

  /**
   * The content on its way out.
   * @throws {Error} when it is about to go to anybody else: a defect of ours
   */
  contentFor(recipient: ProviderId): T {
    if (recipient !== this.recipient) throw new Error('this content is cleared for another recipient')
    return this.#content
  }
}

/** Of a listing, what says who would have the content. */
type Recipient = Pick<Listing, 'provider' | 'offer'>

/** Whom the operator lets have what. */
export interface ClearanceRules {
  /** Peers that CONFIDENTIAL content may go to, with or without a stake. */
  allow: readonly NodeKey[]
  /** Base units at stake with which others may have it. */
  minStake: bigint
  /** Attesters whose CERTIFIED attestation stands for an enclave. */
  enclaveAttesters: readonly Address[]
}

export interface ClearanceModules {
  isWelcome: (peer: NodeKey) => boolean
  /** What the chain said of a wallet that a node key names, at `atMs`; null while it is not known. */
  standing: (
    wallet: Address,
    nodeKey: NodeKey,
  ) => { stake: bigint; bound: boolean | null; atMs: number } | null
  /** Who attests CERTIFIED of a wallet, as long as it counts; null when nobody does or it is not known. */
  certifierOf: (wallet: Address) => Address | null
  /** What hardware proved of a peer, as long as it counts; null where there is nothing. */
  attestationOf: (peer: NodeKey) => Pick<AttestedIdentity, 'nodeKey' | 'validUntilMs'> | null
  /** The most guarded class a cloud service may have; null for one that is not configured. */
  serviceClass: (provider: `cloud:${string}`) => DataClass | null
  clock: { nowMs(): number }
}

/** A stake can be withdrawn and a binding changed: what was read so long ago counts no more. */
const MAX_STANDING_AGE_MS = 60 * 60_000

export type ClearanceErrorCode = 'NOT_CLEARED'

export class ClearanceError extends ShoalError<ClearanceErrorCode> {
  override readonly name = 'ClearanceError'
}

/**
 * Decides who may have which content, in the one place where that is decided: the router asks it whom to
 * leave out, and nothing is sent that it has not cleared.
 *
 * PRIVATE: this node, a peer that declares it and either has proven by its hardware to run software that the operator
 * listed or has a bound wallet that a named attester calls certified, and a service on this machine that the
 * operator marked so. CONFIDENTIAL: those, and peers that declare it and are on the allow-list or bound and staked,
 * and services marked so. SHARED: also peers that are welcome, and services marked so. PUBLIC: anybody. What a peer
 * declares bounds it always.
 */
export class Clearance {
  readonly #allow: ReadonlySet<NodeKey>
  readonly #minStake: bigint
  readonly #attesters: ReadonlySet<Address>
  readonly #modules: ClearanceModules

  constructor(rules: ClearanceRules, modules: ClearanceModules) {
    this.#allow = new Set(rules.allow)
    this.#minStake = rules.minStake
    this.#attesters = new Set(rules.enclaveAttesters)
    this.#modules = modules
  }

  /** The most guarded class that may go there, as far as is known now. Cheap: no I/O. */
  ceiling(listing: Recipient): DataClass {
    const { provider, offer } = listing
    if (provider === 'local') return 'PRIVATE'
    if (isCloud(provider)) return this.#modules.serviceClass(provider) ?? 'PUBLIC'
    // Somebody else's offer says nothing of this peer.
    if (offer === null || offer.provider !== provider) return 'PUBLIC'
    const earned = this.#earned(provider, offer.offer.wallet)
    return covers(earned, offer.offer.dataClass) ? offer.offer.dataClass : earned
  }

  /**
   * Clears content for whoever made a listing.
   * @throws {ClearanceError} NOT_CLEARED
   */
  clear<T extends Classified>(content: T, listing: Recipient): Cleared<T> {
    const { provider } = listing
    const { dataClass } = content
    const ceiling = this.ceiling(listing)
    if (DATA_CLASSES.includes(dataClass) && covers(ceiling, dataClass)) return issue(content, provider)
    throw new ClearanceError('NOT_CLEARED', `${dataClass} content may not go to this provider`, {
      fix: FIXES[dataClass],
      details: { dataClass, provider, ceiling },
    })
  }

  /** What a peer may have, whatever it declares. */
  #earned(peer: NodeKey, wallet: Address): DataClass {
    if (!this.#modules.isWelcome(peer)) return 'PUBLIC'
    const nowMs = this.#modules.clock.nowMs()
    const attested = this.#modules.attestationOf(peer)
    // It binds the node key itself; which wallet is paid makes no difference.
    if (attested !== null && attested.nodeKey === peer && attested.validUntilMs > nowMs) return 'PRIVATE'
    const standing = this.#modules.standing(wallet, peer)
    const isKnown = standing !== null && nowMs - standing.atMs < MAX_STANDING_AGE_MS
    const isBound = isKnown && standing.bound === true
    if (isBound && this.#attesters.size > 0) {
      const certifier = this.#modules.certifierOf(wallet)
      if (certifier !== null && this.#attesters.has(certifier)) return 'PRIVATE'
    }
    if (this.#allow.has(peer)) return 'CONFIDENTIAL'
    return isBound && standing.stake > 0n && standing.stake >= this.#minStake ? 'CONFIDENTIAL' : 'SHARED'
  }
}

function isCloud(provider: ProviderId): provider is `cloud:${string}` {
  return provider.startsWith('cloud:')
}

const FIXES: Record<DataClass, string> = {
  PUBLIC: 'Mark the service for PUBLIC data in the file that cloud.services names.',
  SHARED: 'Ask for it as PUBLIC, or use providers that are welcome.',
  CONFIDENTIAL: 'Add the provider to privacy.allow, or lower privacy.minStake.',
  PRIVATE:
    'Run the model on this node, or say which enclaves you trust: their software in privacy.attested, or who certifies them in privacy.enclaveAttesters.',
}
