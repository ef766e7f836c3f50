import {
  type AttestationChallenge,
  attestationData,
  attestationNonce,
} from '../../../protocol/attestation.ts'
import type { Bytes32, NodeKey } from '../../../protocol/ids.ts'
import type { AttestRefusal, AttestResponse } from '../../../protocol/messages/attestation.ts'
import type { Logger } from '../../log.ts'
import { AttestationError } from './errors.ts'
import type { GenuineEvidence } from './evidence.ts'
import type { EvidenceSource } from './evidence-source.ts'

/** Evidence made at once: hardware makes one after the other anyway. */
const MAX_AT_ONCE = 2

/** Answers challenges: the side of a node that runs in an enclave. */
export class Attestor {
  readonly #nodeKey: NodeKey
  readonly #source: EvidenceSource
  readonly #log: Logger
  readonly #abort = new AbortController()
  #active = 0

  constructor(options: { nodeKey: NodeKey }, modules: { source: EvidenceSource; log: Logger }) {
    this.#nodeKey = options.nodeKey
    this.#source = modules.source
    this.#log = modules.log
  }

  /** Never throws. */
  async answer(nonce: Bytes32): Promise<AttestResponse> {
    if (this.#active >= MAX_AT_ONCE || this.#abort.signal.aborted) return refused('busy')
    try {
      return { kind: 'evidence', evidence: await this.#evidence(this.#challenge(nonce)) }
    } catch (error) {
      this.#log.warn({ err: error }, 'no evidence of where this node runs could be had')
      return refused('failed')
    }
  }

  /**
   * Tries it out, as a peer would.
   * @returns what others learn
   * @throws {AttestationError} when they would not believe it
   * @throws {Error} when there is no evidence to be had
   */
  async tryOut(
    nonce: Bytes32,
    examine: (evidence: Uint8Array, challenge: AttestationChallenge) => GenuineEvidence,
  ): Promise<GenuineEvidence> {
    const challenge = this.#challenge(nonce)
    return examine(await this.#evidence(challenge), challenge)
  }

  get isStopped(): boolean {
    return this.#abort.signal.aborted
  }

  /** Ends what runs. Idempotent. */
  stop(): void {
    this.#abort.abort()
  }

  #challenge(nonce: Bytes32): AttestationChallenge {
    return { nodeKey: this.#nodeKey, nonce }
  }

  async #evidence(challenge: AttestationChallenge): Promise<Uint8Array> {
    const order = { nonce: attestationNonce(challenge), userData: attestationData(challenge) }
    this.#active++
    try {
      return await this.#source.evidence(order, this.#abort.signal)
    } finally {
      this.#active--
    }
  }
}

function refused(reason: AttestRefusal): AttestResponse {
  return { kind: 'refused', reason }
}

/** What to tell the operator of a node whose evidence would not be believed. */
export function troubleOf(error: unknown): { message: string; fix: string } {
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof AttestationError)
    return {
      message: `peers will not believe what attestation.command prints: ${message}`,
      fix: 'Check by hand what it prints: shoal attest verify --help.',
    }
  return {
    message,
    fix: 'Run the program by hand, with two arguments in hex: a nonce and 64 bytes of user data.',
  }
}
