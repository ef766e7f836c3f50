import pLimit from 'p-limit'
import { ShoalError } from '../../protocol/errors.ts'
import type { Bytes32 } from '../../protocol/ids.ts'
import { auditEventMessage } from '../../protocol/messages/audit-event.ts'
import { openRecord } from '../../protocol/signed.ts'
import type { ChainClient } from '../chain/client.ts'
import { encodeCall } from '../chain/publisher.ts'
import type { RecordedCalls } from '../chain/recorded-calls.ts'
import { type Clock, repeat, type Timer } from '../clock.ts'
import type { Logger } from '../log.ts'
import type { Wallet } from '../payments/wallet.ts'
import type { EventLog } from './event-log.ts'
import { type AuditEntry, auditEntry, auditTree } from './merkle.ts'

export type AnchorErrorCode = 'NOTHING_TO_ANCHOR' | 'ANCHOR_AHEAD' | 'ANCHOR_FAILED'

class AnchorError extends ShoalError<AnchorErrorCode> {
  override readonly name = 'AnchorError'
}

export interface Anchor {
  root: Bytes32
  firstSequence: number
  lastSequence: number
  transaction: Bytes32
}

export interface AnchorerOptions {
  anchorEveryMs: number
}

export interface AnchorerModules {
  log: EventLog
  client: ChainClient
  calls: RecordedCalls
  wallet: Wallet
  clock: Clock
  logger: Logger
  /** For whoever shows it. */
  onAnchored: (anchor: Anchor) => void
  /** Logs anchors that others brought to the chain for us; none is under way then. */
  adopt?: () => Promise<unknown>
}

/** Events under one root: their hashes are held in memory while the tree is made. */
const MAX_EVENTS = 65_536

/** Puts the Merkle root of what is new in the audit log on chain, at intervals and when asked. */
export class Anchorer {
  readonly #options: AnchorerOptions
  readonly #modules: AnchorerModules
  readonly #one = pLimit(1)
  #timer: Timer | null = null

  constructor(options: AnchorerOptions, modules: AnchorerModules) {
    this.#options = options
    this.#modules = modules
  }

  start(): void {
    const { clock, logger } = this.#modules
    this.#timer = repeat(clock, this.#options.anchorEveryMs, async () => {
      try {
        await this.anchorNow()
      } catch (error) {
        if (error instanceof AnchorError && error.code === 'NOTHING_TO_ANCHOR') return
        logger.warn({ err: error }, 'anchoring the audit log failed; it is tried again')
      }
    })
  }

  /** Idempotent. */
  stop(): void {
    this.#timer?.cancel()
  }

  /**
   * Anchors all events that are not anchored yet.
   * @throws {AnchorError} NOTHING_TO_ANCHOR; ANCHOR_AHEAD when the chain has anchors of events this log lacks;
   *   ANCHOR_FAILED
   */
  anchorNow(): Promise<Anchor> {
    return this.#one(() => this.#anchor())
  }

  /** Takes note of anchors of our log that others brought to the chain, as anyone may who has a root that we signed. */
  adopt(): Promise<void> {
    return this.#one(() => this.#adopt())
  }

  async #adopt(): Promise<void> {
    const { calls, adopt } = this.#modules
    if (adopt !== undefined && (await calls.underWay('anchor:')) === null) await adopt()
  }

  async #anchor(): Promise<Anchor> {
    const { log, client, calls, wallet, onAnchored } = this.#modules
    await this.#adopt()
    const firstSequence = await client.nextAnchorSequence(wallet.address)
    if (firstSequence > log.lastSequence + 1) {
      throw new AnchorError(
        'ANCHOR_AHEAD',
        `the chain has anchors up to event ${firstSequence - 1}; the audit log ends at ${log.lastSequence}`,
        {
          fix: 'The audit log was lost or replaced: restore it from a backup, or use another wallet.',
          details: { anchored: firstSequence - 1, lastSequence: log.lastSequence },
        },
      )
    }
    const entries: AuditEntry[] = []
    let worthIt = false
    for await (const { record } of log.read(firstSequence, firstSequence + MAX_EVENTS - 1)) {
      entries.push(auditEntry(record))
      // The event of an anchor alone would call for another anchor for ever.
      worthIt ||= openRecord(auditEventMessage, record, () => true).body.event.kind !== 'anchor.confirmed'
    }
    if (!worthIt) throw new AnchorError('NOTHING_TO_ANCHOR', 'all events are anchored already')
    const lastSequence = firstSequence + entries.length - 1
    const { root } = auditTree(firstSequence, entries)
    const outcome = await calls.run({
      id: `anchor:${firstSequence}-${lastSequence}`,
      contract: 'auditAnchor',
      data: encodeCall('auditAnchor', 'anchor', [root, firstSequence, lastSequence]),
      event: { kind: 'anchor.confirmed', v: 1, root, firstSequence, lastSequence },
    })
    if (outcome.status !== 'confirmed') {
      const why =
        outcome.status === 'rejected'
          ? (outcome.errorName ?? outcome.reason.replaceAll('_', ' '))
          : 'the transaction was reverted'
      throw new AnchorError('ANCHOR_FAILED', `the audit log was not anchored: ${why}`, {
        fix:
          outcome.status === 'rejected' && outcome.reason === 'insufficient_gas_money'
            ? 'Send gas money to the wallet.'
            : 'It is tried again.',
        details: { why },
      })
    }
    const anchor = { root, firstSequence, lastSequence, transaction: outcome.hash }
    onAnchored(anchor)
    return anchor
  }
}
