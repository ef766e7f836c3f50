import { createHash, randomBytes } from 'node:crypto'
import type { DataClass } from '../../../protocol/data-class.ts'
import type { Bytes32, NodeKey } from '../../../protocol/ids.ts'
import type { AuditOutbox } from '../../auditlog/outbox.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../log.ts'
import type { KnownOffer, OfferBook } from '../../market/offer-book.ts'
import type { P2PHost } from '../../p2p/host.ts'
import { Attestations } from './attestations.ts'
import { Attestor, troubleOf } from './attestor.ts'
import type { AttestedIdentity } from './evidence.ts'
import { CommandEvidenceSource } from './evidence-source.ts'
import { attestProtocol } from './protocols.ts'
import { type AttestedSoftware, NO_ATTESTED_SOFTWARE } from './software-list.ts'
import { AttestationVerifiers } from './verifiers.ts'

export interface NodeAttestationOptions {
  /** Whom to believe; null for nobody, and then nobody is asked. */
  software: AttestedSoftware | null
  /** Program that gets our own evidence; empty for a node that runs in no enclave. */
  command: readonly string[]
  /** What our offers declare. */
  dataClass: DataClass
}

export interface NodeAttestationModules {
  host: P2PHost
  book: OfferBook
  outbox: AuditOutbox
  isWelcome: (peer: NodeKey) => boolean
  /** Told what is wrong with our own evidence. */
  onTrouble: (trouble: { message: string; fix: string }) => void
  clock: Clock
  log: Logger
}

/** Both sides of attestation in a node: asks providers that declare themselves fit for PRIVATE data, and answers. */
export class NodeAttestation {
  readonly #options: NodeAttestationOptions
  readonly #modules: NodeAttestationModules
  readonly #verifiers: AttestationVerifiers
  readonly #attestations: Attestations
  readonly #attestor: Attestor | null
  readonly #onOffer = ({ provider, offer }: KnownOffer) => {
    // Whoever has evidence declares so much: nobody else need be asked.
    if (offer.dataClass === 'PRIVATE') void this.check(provider)
  }

  constructor(options: NodeAttestationOptions, modules: NodeAttestationModules) {
    this.#options = options
    this.#modules = modules
    const { host, book, outbox, clock, log } = modules
    this.#verifiers = new AttestationVerifiers(options.software ?? NO_ATTESTED_SOFTWARE, { clock })
    this.#attestations = new Attestations({
      ask: async (peer, nonce, signal) => {
        await host.addAddresses(peer, book.of(peer)?.offer.addresses ?? [])
        return host.request(peer, attestProtocol, { nonce }, signal)
      },
      verify: (evidence, challenge) => this.#verifiers.verify(evidence, challenge),
      record: ({ kind, nodeKey, nonce, validUntilMs }, bytes) => {
        const evidence = `0x${createHash('sha256').update(bytes).digest('hex')}`
        const event = { peer: nodeKey, hardware: kind, evidence, nonce, validUntilMs }
        return outbox.record([], [{ kind: 'peer.attested', v: 1, ...event }])
      },
      randomNonce,
      ...{ clock, log },
    })
    const [file, ...args] = options.command
    this.#attestor =
      file === undefined
        ? null
        : new Attestor({ nodeKey: host.nodeKey }, { source: new CommandEvidenceSource([file, ...args]), log })
  }

  /** Answers, and asks, from now on. Tries our own evidence out in the background. */
  async start(): Promise<void> {
    const { host, book, onTrouble } = this.#modules
    if (this.#options.software !== null) {
      book.on('offer', this.#onOffer)
      book.on('update', this.#onOffer)
    }
    const attestor = this.#attestor
    if (attestor === null) return
    await host.serve(attestProtocol, (_peer, { nonce }) => attestor.answer(nonce))
    if (this.#options.dataClass !== 'PRIVATE')
      onTrouble({
        message:
          'this node can attest, and nobody will ask: its offers do not declare it fit for PRIVATE data',
        fix: 'Set offer.dataClass to PRIVATE.',
      })
    void attestor
      .tryOut(randomNonce(), (evidence, challenge) => this.#verifiers.examine(evidence, challenge))
      .catch(error => attestor.isStopped || onTrouble(troubleOf(error)))
  }

  /** What a peer has proven and counts now; null where there is nothing. */
  of(peer: NodeKey): AttestedIdentity | null {
    return this.#attestations.of(peer)
  }

  /** See `Attestations.reportOn`. */
  reportOn(peer: NodeKey): ReturnType<Attestations['reportOn']> {
    return this.#attestations.reportOn(peer)
  }

  /** Asks a peer now, unless that was done lately or nobody's evidence counts. Never throws. */
  async check(peer: NodeKey): Promise<void> {
    const { host, isWelcome } = this.#modules
    if (this.#options.software === null || peer === host.nodeKey || !isWelcome(peer)) return
    await this.#attestations.check(peer)
  }

  /** Idempotent. */
  stop(): void {
    const { book } = this.#modules
    book.off('offer', this.#onOffer)
    book.off('update', this.#onOffer)
    this.#attestations.stop()
    this.#attestor?.stop()
  }
}

function randomNonce(): Bytes32 {
  return `0x${randomBytes(32).toString('hex')}`
}
