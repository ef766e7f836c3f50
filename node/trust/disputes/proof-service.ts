import type { CidString } from '../../../protocol/ids.ts'
import type { InclusionStatement, ProofAnswer } from '../../../protocol/messages/inclusion.ts'
import type { EventLog } from '../../auditlog/event-log.ts'
import type { LoggedAnchor, LogIndex } from '../../auditlog/log-index.ts'
import { type AuditEntry, auditEntry, auditTree } from '../../auditlog/merkle.ts'
import type { ChainClient } from '../../chain/client.ts'
import { signRoot } from '../../chain/signed-root.ts'
import type { P2PHost } from '../../p2p/host.ts'
import type { Wallet } from '../../payments/wallet.ts'
import { proofProtocol } from './protocols.ts'

export interface ProofServiceModules {
  host: Pick<P2PHost, 'serve'>
  log: Pick<EventLog, 'lastSequence' | 'read'>
  index: LogIndex
  client: ChainClient
  wallet: Wallet
  /** Takes note of anchors of our log that others brought to the chain. */
  adopt: () => Promise<unknown>
}

/** Events under a root that is signed for who asks: hashing them takes half a second, and is not done for each. */
const MAX_SIGNED_EVENTS = 16_384
/** Ranges whose entries are kept at hand: those asked for last. */
const MAX_RANGES = 4

/** A range of our log with its entries and its tree. */
interface Range {
  firstSequence: number
  lastSequence: number
  entries: AuditEntry[]
  tree: ReturnType<typeof auditTree>
}

/**
 * Shows requesters where their receipts stand in our audit log. What is not anchored yet we state by signing its root:
 * whoever has that can anchor it, or prove that we changed our log afterwards.
 */
export class ProofService {
  readonly #modules: ProofServiceModules
  readonly #ranges: Range[] = []
  readonly #anchoredAt = new Map<number, number>()
  /** Signatures of roots: one range is stated once. */
  #signed: { root: string; signature: string } | null = null

  constructor(modules: ProofServiceModules) {
    this.#modules = modules
  }

  async start(): Promise<void> {
    await this.#modules.host.serve(proofProtocol, async (_peer, { receipts }) => ({
      answers: await this.answer(receipts),
    }))
  }

  /** Where receipts of ours stand. @throws {ChainError} CHAIN_UNREACHABLE */
  async answer(receipts: readonly CidString[]): Promise<ProofAnswer[]> {
    const answers: ProofAnswer[] = []
    for (const receipt of receipts) {
      const sequence = await this.#modules.index.sequenceOf(receipt)
      const statement = sequence === null ? null : await this.#state(sequence)
      answers.push(statement === null ? { receipt, kind: 'unknown' } : { receipt, kind: 'stated', statement })
    }
    return answers
  }

  async #state(sequence: number): Promise<InclusionStatement | null> {
    const { client, wallet, adopt } = this.#modules
    let anchor = await this.#anchorOf(sequence)
    if (anchor === undefined && sequence < (await client.nextAnchorSequence(wallet.address))) {
      // Whoever disputes a receipt brings the root we signed to the chain. Others ask about the receipts beside it.
      await adopt()
      anchor = await this.#anchorOf(sequence)
    }
    if (anchor !== undefined) {
      const anchoredAt = await this.#timeOf(anchor)
      if (anchoredAt !== null) {
        const range = await this.#range(anchor.firstSequence, anchor.lastSequence)
        return statementOf(range, sequence, { anchor: { index: anchor.index, anchoredAt }, signature: null })
      }
    }
    return await this.#sign(sequence)
  }

  async #anchorOf(sequence: number): Promise<LoggedAnchor | undefined> {
    const anchors = await this.#modules.index.anchors()
    return anchors.findLast(range => range.firstSequence <= sequence && sequence <= range.lastSequence)
  }

  async #timeOf({ index, transaction }: LoggedAnchor): Promise<number | null> {
    const known = this.#anchoredAt.get(index)
    if (known !== undefined) return known
    const { client, wallet } = this.#modules
    const anchoredAt = await client.anchoredAt(wallet.address, { index, transaction })
    if (anchoredAt !== null) this.#anchoredAt.set(index, anchoredAt)
    return anchoredAt
  }

  async #sign(sequence: number): Promise<InclusionStatement | null> {
    const { client, wallet, log } = this.#modules
    const firstSequence = await client.nextAnchorSequence(wallet.address)
    // An anchor has just been made and our log does not tell of it yet: ask again.
    if (sequence < firstSequence) return null
    const lastSequence = Math.min(log.lastSequence, firstSequence + MAX_SIGNED_EVENTS - 1)
    if (sequence > lastSequence) return null
    // A range that holds the event and was stated before will do.
    const stated = this.#ranges.find(
      range => range.firstSequence === firstSequence && range.lastSequence >= sequence,
    )
    const range = stated ?? (await this.#range(firstSequence, lastSequence))
    const unsigned = statementOf(range, sequence, { anchor: null, signature: null })
    if (this.#signed?.root !== unsigned.root) {
      const root = {
        node: wallet.address,
        root: unsigned.root,
        firstSequence,
        lastSequence: range.lastSequence,
      }
      const domain = { chainId: client.chainId, auditAnchor: client.addresses.auditAnchor }
      this.#signed = { root: unsigned.root, signature: await signRoot(domain, root, wallet) }
    }
    return { ...unsigned, signature: this.#signed.signature }
  }

  async #range(firstSequence: number, lastSequence: number): Promise<Range> {
    const known = this.#ranges.find(
      range => range.firstSequence === firstSequence && range.lastSequence === lastSequence,
    )
    if (known !== undefined) return known
    const entries: AuditEntry[] = []
    for await (const { record } of this.#modules.log.read(firstSequence, lastSequence))
      entries.push(auditEntry(record))
    const range = { firstSequence, lastSequence, entries, tree: auditTree(firstSequence, entries) }
    this.#ranges.push(range)
    if (this.#ranges.length > MAX_RANGES) this.#ranges.shift()
    return range
  }
}

function statementOf(
  { firstSequence, lastSequence, entries, tree }: Range,
  sequence: number,
  stated: Pick<InclusionStatement, 'anchor' | 'signature'>,
): InclusionStatement {
  const { hash, claim } = entries[sequence - firstSequence]!
  return {
    ...stated,
    ...{ sequence, eventHash: hash, claim, root: tree.root, firstSequence, lastSequence },
    proof: tree.getProof(sequence - firstSequence),
  }
}
