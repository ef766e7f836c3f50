import type { NodeKey } from '../../../protocol/ids.ts'
import type { Clock } from '../../clock.ts'

export interface AuditFavoursOptions {
  /** Tokens scored a day for a peer with something at stake. */
  stakedTokens?: number
  /** The same for others. */
  otherTokens?: number
  /** For all together. */
  allTokens?: number
}

export interface AuditFavoursModules {
  /** Whether a peer has enough at stake for its node key. */
  isStaked: (peer: NodeKey) => boolean
  clock: Clock
}

const STAKED_TOKENS = 65_536
const OTHER_TOKENS = 4_096
const ALL_TOKENS = 4_194_304
const DAY_MS = 24 * 3_600_000
const MAX_PEERS = 4_096

/**
 * Audits are not paid for, they are favours: each peer has so many tokens a day, by whether it has anything at stake, and besides as many as
 * it has scored for us. Paying for them would take a channel and a receipt for what costs a tenth of the task; and who is paid by
 * the audit earns by answering, not by looking. Counted from midnight UTC, and anew after a restart.
 */
export class AuditFavours {
  readonly #options: Required<AuditFavoursOptions>
  readonly #modules: AuditFavoursModules
  readonly #peers = new Map<NodeKey, { done: number; received: number }>()
  #day = -1
  #doneForAll = 0

  constructor(options: AuditFavoursOptions, modules: AuditFavoursModules) {
    const { stakedTokens = STAKED_TOKENS, otherTokens = OTHER_TOKENS, allTokens = ALL_TOKENS } = options
    this.#options = { stakedTokens, otherTokens, allTokens }
    this.#modules = modules
  }

  /** Tokens that may still be scored today for a peer. */
  left(peer: NodeKey): number {
    this.#turnDay()
    const { stakedTokens, otherTokens, allTokens } = this.#options
    const { done, received } = this.#peers.get(peer) ?? { done: 0, received: 0 }
    const given = this.#modules.isStaked(peer) ? stakedTokens : otherTokens
    return Math.max(0, Math.min(given + received - done, allTokens - this.#doneForAll))
  }

  /** We have scored tokens for a peer. */
  did(peer: NodeKey, tokens: number): void {
    this.#turnDay()
    this.#of(peer).done += tokens
    this.#doneForAll += tokens
  }

  /** A peer has scored tokens for us. */
  received(peer: NodeKey, tokens: number): void {
    this.#turnDay()
    this.#of(peer).received += tokens
  }

  #of(peer: NodeKey): { done: number; received: number } {
    const known = this.#peers.get(peer) ?? { done: 0, received: 0 }
    this.#peers.delete(peer)
    this.#peers.set(peer, known)
    if (this.#peers.size > MAX_PEERS) this.#peers.delete(this.#peers.keys().next().value!)
    return known
  }

  #turnDay(): void {
    const day = Math.floor(this.#modules.clock.nowMs() / DAY_MS)
    if (day === this.#day) return
    this.#day = day
    this.#doneForAll = 0
    this.#peers.clear()
  }
}
