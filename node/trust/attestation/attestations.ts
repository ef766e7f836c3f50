import type { AttestationChallenge } from '../../../protocol/attestation.ts'
import type { Bytes32, NodeKey } from '../../../protocol/ids.ts'
import type { AttestResponse } from '../../../protocol/messages/attestation.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../log.ts'
import { P2PError } from '../../p2p/errors.ts'
import { AttestationError, type AttestationErrorCode } from './errors.ts'
import type { AttestedIdentity } from './evidence.ts'

export interface AttestationsModules {
  /** Puts a nonce to a peer. @throws {P2PError} */
  ask: (peer: NodeKey, nonce: Bytes32, signal: AbortSignal) => Promise<AttestResponse>
  /** @throws {AttestationError} */
  verify: (evidence: Uint8Array, challenge: AttestationChallenge) => AttestedIdentity
  /** Records what is believed from then on; until it has, nothing is. */
  record: (identity: AttestedIdentity, evidence: Uint8Array) => Promise<void>
  /** 32 random bytes. */
  randomNonce: () => Bytes32
  clock: Clock
  log: Logger
}

/** How the last question to a peer went, when it did not end in an identity. */
export interface AttestationRefusal {
  /** Of what it sent; or that it has none, or could not be asked. */
  code: AttestationErrorCode | 'NONE' | 'UNREACHABLE'
  message: string
  atMs: number
}

interface PeerState {
  identity: AttestedIdentity | null
  attestedAtMs: number
  refusal: AttestationRefusal | null
  /** Not asked again before. */
  nextAtMs: number
}

const MAX_PEERS = 10_000
const MAX_ASKING = 16
/** Asked anew so long before it ends; offers, which bring it about, come every five minutes at least. */
const RENEW_BEFORE_MS = 15 * 60_000
const RETRY_MS = 60_000
/** Until somebody is asked again who has nothing we believe. */
const REFUSED_RETRY_MS = 10 * 60_000

/** Which peers have proven where they run, and for how long that counts. Asks them, one nonce each time. */
export class Attestations {
  readonly #modules: AttestationsModules
  readonly #known = new Map<NodeKey, PeerState>()
  readonly #asking = new Set<NodeKey>()
  readonly #abort = new AbortController()

  constructor(modules: AttestationsModules) {
    this.#modules = modules
  }

  /** What a peer has proven and counts now; null where there is nothing. */
  of(peer: NodeKey): AttestedIdentity | null {
    const identity = this.#known.get(peer)?.identity ?? null
    return identity !== null && identity.validUntilMs > this.#modules.clock.nowMs() ? identity : null
  }

  /** The same with when it was, and how the last question went if not so; null where it was never asked. */
  reportOn(peer: NodeKey): Pick<PeerState, 'identity' | 'attestedAtMs' | 'refusal'> | null {
    const state = this.#known.get(peer)
    if (state === undefined) return null
    return { identity: this.of(peer), attestedAtMs: state.attestedAtMs, refusal: state.refusal }
  }

  /** Asks a peer, unless that was done lately. Never throws. */
  async check(peer: NodeKey): Promise<void> {
    const { clock, log } = this.#modules
    const before = this.#known.get(peer) ?? null
    if (before !== null && clock.nowMs() < before.nextAtMs) return
    if (this.#abort.signal.aborted || this.#asking.has(peer) || this.#asking.size >= MAX_ASKING) return
    this.#asking.add(peer)
    try {
      const state = await this.#ask(peer, before)
      this.#known.delete(peer)
      if (!this.#abort.signal.aborted) this.#known.set(peer, state)
      if (this.#known.size > MAX_PEERS) this.#known.delete(this.#known.keys().next().value!)
    } catch (error) {
      if (!this.#abort.signal.aborted)
        log.warn({ err: error, peer }, 'what a peer proved could not be recorded')
    } finally {
      this.#asking.delete(peer)
    }
  }

  /** Idempotent. */
  stop(): void {
    this.#abort.abort()
    this.#known.clear()
  }

  async #ask(peer: NodeKey, before: PeerState | null): Promise<PeerState> {
    const { ask, verify, record, randomNonce, clock, log } = this.#modules
    const challenge = { nodeKey: peer, nonce: randomNonce() }
    /** With nothing from it, what it has proven before counts to its end; with something wrong, no longer. */
    const refuse = (code: AttestationRefusal['code'], message: string): PeerState => {
      const isSilent = code === 'UNREACHABLE'
      const atMs = clock.nowMs()
      return {
        identity: isSilent ? (before?.identity ?? null) : null,
        attestedAtMs: before?.attestedAtMs ?? 0,
        refusal: { code, message, atMs },
        nextAtMs: atMs + (isSilent ? RETRY_MS : REFUSED_RETRY_MS),
      }
    }
    let response: AttestResponse
    try {
      response = await ask(peer, challenge.nonce, this.#abort.signal)
    } catch (error) {
      if (!(error instanceof P2PError)) throw error
      if (error.code === 'PROTOCOL_UNSUPPORTED') return refuse('NONE', 'the peer does not attest')
      return refuse('UNREACHABLE', error.message)
    }
    if (response.kind === 'refused')
      return refuse('UNREACHABLE', `the peer gave no evidence: ${response.reason}`)
    let identity: AttestedIdentity
    try {
      identity = verify(response.evidence, challenge)
    } catch (error) {
      if (!(error instanceof AttestationError)) throw error
      log.debug({ err: error, peer }, 'what a peer sent proves nothing')
      return refuse(error.code, error.message)
    }
    await record(identity, response.evidence)
    const attestedAtMs = clock.nowMs()
    const nextAtMs = Math.max(attestedAtMs + RETRY_MS, identity.validUntilMs - RENEW_BEFORE_MS)
    return { identity, attestedAtMs, refusal: null, nextAtMs }
  }
}
