import type { Address, NodeKey } from '../../../protocol/ids.ts'
import type { EvidenceResponse } from '../../../protocol/messages/evidence.ts'
import type { AuditOutbox } from '../../auditlog/outbox.ts'
import type { CourtReader } from '../../chain/court.ts'
import type { Logger } from '../../log.ts'
import type { P2PHost } from '../../p2p/host.ts'
import type { ArchivedTask } from '../audits/archived-task.ts'
import { evidenceOf } from './evidence.ts'
import { evidenceProtocol } from './protocols.ts'

export interface EvidenceServiceModules {
  host: Pick<P2PHost, 'serve'>
  court: Pick<CourtReader, 'jury' | 'dispute'>
  nodeKeyOf: (wallet: Address) => Promise<NodeKey | null>
  /** The task of a dispute that we opened; null for others. */
  taskOf: (disputeId: number) => Promise<ArchivedTask | null>
  outbox: AuditOutbox
  log: Logger
}

const MAX_GIVEN = 4_096

/**
 * Gives the task of our disputes to their jurors, and to nobody else: whoever asks must hold a seat, by the chain, and
 * be the node that the seat's wallet declares. Each juror's first time is in the audit log.
 */
export class EvidenceService {
  readonly #modules: EvidenceServiceModules
  readonly #given = new Set<string>()

  constructor(modules: EvidenceServiceModules) {
    this.#modules = modules
  }

  async start(): Promise<void> {
    await this.#modules.host.serve(evidenceProtocol, (peer, { disputeId }) => this.answer(peer, disputeId))
  }

  /** @throws {ChainError} CHAIN_UNREACHABLE */
  async answer(peer: NodeKey, disputeId: number): Promise<EvidenceResponse> {
    const { taskOf, outbox, log } = this.#modules
    const task = await taskOf(disputeId)
    if (task === null) return { kind: 'unknown' }
    if (!(await this.#isJuror(peer, disputeId))) return { kind: 'denied' }
    const name = `${disputeId}:${peer}`
    if (!this.#given.has(name)) {
      // Before it goes: what left is on record whatever happens next.
      await outbox.record([], [{ kind: 'evidence.given', v: 1, dispute: disputeId, juror: peer }])
      this.#given.add(name)
      if (this.#given.size > MAX_GIVEN) this.#given.delete(this.#given.values().next().value!)
      log.info({ disputeId, peer }, 'a juror was given the task of a dispute')
    }
    return { kind: 'evidence', evidence: evidenceOf(task) }
  }

  async #isJuror(peer: NodeKey, disputeId: number): Promise<boolean> {
    const { court, nodeKeyOf } = this.#modules
    const dispute = await court.dispute(disputeId)
    if (dispute === null || dispute.state === 'closed') return false
    for (let round = dispute.round as number; round >= 0; round--) {
      const jury = await court.jury(disputeId, round)
      for (const { juror } of jury?.seats ?? []) if ((await nodeKeyOf(juror)) === peer) return true
    }
    return false
  }
}
