import { z } from 'zod'
import { wire } from '../../../protocol/codec.ts'
import type { CidString, NodeKey } from '../../../protocol/ids.ts'
import { MAX_RECEIPTS_PER_PROOF } from '../../../protocol/limits.ts'
import {
  type InclusionStatement,
  inclusionStatementSchema,
  type ProofAnswer,
} from '../../../protocol/messages/inclusion.ts'
import type { Receipt } from '../../../protocol/messages/receipt.ts'
import type { SignedRecord } from '../../../protocol/signed.ts'
import { receiptClaim } from '../../../protocol/typed-data.ts'
import type { ChainClient } from '../../chain/client.ts'
import { type Clock, repeat, type Timer } from '../../clock.ts'
import type { Logger } from '../../log.ts'
import type { P2PHost } from '../../p2p/host.ts'
import type { Store } from '../../store/store.ts'
import type { BatchOperation, Table } from '../../store/table.ts'
import { isStatementSound } from './inclusion.ts'
import { proofProtocol } from './protocols.ts'

export interface ProofCollectorModules {
  host: Pick<P2PHost, 'request' | 'isConnected'>
  client: ChainClient
  store: Store
  clock: Clock
  log: Logger
  /** A provider does not show where receipts that it signed stand in its log, or shows what is not so. */
  onWithheld: (provider: NodeKey, receipt: CidString) => void
}

const wantedSchema = z.strictObject({
  provider: wire.nodeKey,
  /** The provider's wallet, whose log it is. */
  wallet: wire.address,
  claim: wire.bytes32,
  sinceMs: wire.timeMs,
  /** Times it was connected, was asked, and said that there is none, or showed what is not so. */
  denials: wire.count,
  /** Times it was connected, was asked, and gave no answer: its chain may be away. */
  silences: wire.count,
  state: z.enum(['wanted', 'held', 'withheld']),
  statement: z.nullable(inclusionStatementSchema),
})
type Wanted = z.infer<typeof wantedSchema>

/**
 * All receipts are asked for after a while, whatever is thought of them: who asked for those alone that it means to
 * dispute would warn their provider.
 */
const ASK_EVERY_MS = 30_000
/** Waits double from try to try. */
const MAX_WAIT_MS = 3_600_000
/** It may be anchoring just now: only who says so again and again has no proof. */
const MAX_DENIALS = 5
/** Whoever is connected and does not answer for a day does not want to. */
const MAX_SILENCES = 12
const MAX_SILENT_MS = 24 * 3_600_000
/** A receipt of that age can be disputed no more anywhere. */
const KEEP_MS = 30 * 24 * 3_600_000
const MAX_KEPT = 20_000

/**
 * Gets from each provider where our receipts stand in its audit log, soon after the tasks: a root it has anchored, or
 * one its wallet signs. Without it, a court cannot be asked about a receipt.
 */
export class ProofCollector {
  readonly #modules: ProofCollectorModules
  readonly #table: Table<Wanted>
  readonly #known = new Map<CidString, Wanted>()
  readonly #askAgainMs = new Map<CidString, number>()
  #timer: Timer | null = null

  constructor(modules: ProofCollectorModules) {
    this.#modules = modules
    this.#table = modules.store.table('receipt-proofs', wantedSchema)
  }

  /** @param recent receipts that were perhaps never asked for, since we died before */
  async start(recent: AsyncIterable<Pick<SignedRecord<Receipt>, 'cid' | 'body'>> = nothing()): Promise<void> {
    const { clock, log } = this.#modules
    for await (const [cid, wanted] of this.#table.entries()) this.#known.set(cid, wanted)
    for await (const record of recent) this.want(record)
    this.#timer = repeat(clock, ASK_EVERY_MS, () =>
      this.askAll().catch(error => log.warn({ err: error }, 'asking for proofs failed')),
    )
  }

  /** Idempotent. */
  stop(): void {
    this.#timer?.cancel()
    this.#timer = null
  }

  /** A receipt we have countersigned: from now on its proof is wanted. On disk once it has been asked for. */
  want(record: Pick<SignedRecord<Receipt>, 'cid' | 'body'>): void {
    const { provider, payee } = record.body
    if (this.#known.has(record.cid)) return
    this.#known.set(record.cid, {
      ...{ provider, wallet: payee, claim: receiptClaim(record.body), denials: 0, silences: 0 },
      ...{ sinceMs: this.#modules.clock.nowMs(), state: 'wanted', statement: null },
    })
  }

  /** What a provider stated of a receipt, last; null where it has not. */
  held(receipt: CidString): InclusionStatement | null {
    return this.#known.get(receipt)?.statement ?? null
  }

  /** Whether it was asked often enough and has not shown it. */
  isWithheld(receipt: CidString): boolean {
    return this.#known.get(receipt)?.state === 'withheld'
  }

  /** Asks the providers that are connected for what is wanted of them. */
  async askAll(): Promise<void> {
    await this.#forgetOld()
    const nowMs = this.#modules.clock.nowMs()
    const byProvider = new Map<NodeKey, CidString[]>()
    for (const [cid, { state, provider }] of this.#known) {
      const receipts = byProvider.get(provider) ?? []
      const isDue = state === 'wanted' && (this.#askAgainMs.get(cid) ?? 0) <= nowMs
      if (!isDue || receipts.length >= MAX_RECEIPTS_PER_PROOF) continue
      byProvider.set(provider, [...receipts, cid])
    }
    await Promise.all(
      [...byProvider].map(async ([provider, receipts]) => {
        if (this.#modules.host.isConnected(provider)) await this.#ask(provider, receipts)
      }),
    )
  }

  /**
   * Asks a provider for one receipt now, even when it has stated it before: what was signed then may be anchored by now.
   * @returns what it stated last; null where it has not
   */
  async renew(
    record: Pick<SignedRecord<Receipt>, 'cid' | 'body'>,
    signal?: AbortSignal,
  ): Promise<InclusionStatement | null> {
    this.want(record)
    await this.#ask(record.body.provider, [record.cid], signal)
    return this.held(record.cid)
  }

  async #ask(provider: NodeKey, receipts: readonly CidString[], signal?: AbortSignal): Promise<void> {
    const { host, log } = this.#modules
    let answers: ProofAnswer[]
    try {
      answers = (await host.request(provider, proofProtocol, { receipts: [...receipts] }, signal)).answers
    } catch (error) {
      log.debug({ err: error, provider }, 'a provider did not show its log')
      if (host.isConnected(provider))
        await this.#modules.store.batch(
          receipts.flatMap(cid => this.#count(cid, 'silences')),
          { sync: false },
        )
      return
    }
    const operations: BatchOperation[] = []
    for (const cid of receipts) {
      const wanted = this.#known.get(cid)!
      const answer = answers.find(({ receipt }) => receipt === cid)
      const statement = answer?.kind === 'stated' ? answer.statement : null
      const isGood = statement !== null && (await this.#isGood(statement, wanted))
      if (isGood) operations.push(this.#keep(cid, { ...wanted, state: 'held', statement }))
      // Its log had the receipt before we did: an honest node knows it.
      else operations.push(...this.#count(cid, 'denials'))
    }
    await this.#modules.store.batch(operations, { sync: false })
  }

  async #isGood(statement: InclusionStatement, { wallet, claim }: Wanted): Promise<boolean> {
    const { client } = this.#modules
    const domain = { chainId: client.chainId, auditAnchor: client.addresses.auditAnchor }
    if (!isStatementSound(statement, { wallet, claim, domain })) return false
    const { anchor, root, firstSequence, lastSequence } = statement
    if (anchor === null) return true
    return await client.isAnchored(wallet, { ...anchor, root, firstSequence, lastSequence })
  }

  #count(cid: CidString, kind: 'denials' | 'silences'): BatchOperation[] {
    const before = this.#known.get(cid)
    if (before === undefined || before.state !== 'wanted') return []
    const wanted = { ...before, [kind]: before[kind] + 1 }
    const { denials, silences, sinceMs } = wanted
    const nowMs = this.#modules.clock.nowMs()
    this.#askAgainMs.set(cid, nowMs + Math.min(MAX_WAIT_MS, ASK_EVERY_MS * 2 ** (denials + silences)))
    const isWithheld =
      denials >= MAX_DENIALS || (silences >= MAX_SILENCES && nowMs - sinceMs >= MAX_SILENT_MS)
    const operation = this.#keep(cid, { ...wanted, state: isWithheld ? 'withheld' : 'wanted' })
    if (isWithheld) this.#modules.onWithheld(wanted.provider, cid)
    return [operation]
  }

  #keep(cid: CidString, wanted: Wanted): BatchOperation {
    this.#known.set(cid, wanted)
    return this.#table.putOperation(cid, wanted)
  }

  async #forgetOld(): Promise<void> {
    const beforeMs = this.#modules.clock.nowMs() - KEEP_MS
    const operations: BatchOperation[] = []
    for (const [cid, { sinceMs }] of this.#known) {
      if (sinceMs >= beforeMs && this.#known.size <= MAX_KEPT) break
      this.#known.delete(cid)
      this.#askAgainMs.delete(cid)
      operations.push(this.#table.deleteOperation(cid))
    }
    if (operations.length > 0) await this.#modules.store.batch(operations, { sync: false })
  }
}

async function* nothing(): AsyncGenerator<never> {}
