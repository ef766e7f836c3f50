import type { CourtReader, OnChainDispute } from '../../chain/court.ts'
import { encodeCall, type Publisher } from '../../chain/publisher.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../log.ts'

export interface CourtDriverOptions {
  /** Whoever is not the first to move a dispute on waits so long after it could be, so that not all pay for it. */
  patienceMs: number
}

export interface CourtDriverModules {
  court: CourtReader
  publisher: Pick<Publisher, 'submit'>
  clock: Clock
  log: Logger
}

/** Draws made by one transaction. */
const DRAW_TRIES = 64
/** A chain that mines nothing while nothing happens does not reach the block that draws by itself. */
const STANDSTILL_MS = 30_000
const MAX_NUDGES = 64

/** Moves disputes on through the court's states, as anyone may once something is due. */
export class CourtDriver {
  readonly #options: CourtDriverOptions
  readonly #modules: CourtDriverModules
  /** Since when a step could have been made, by its id. */
  readonly #dueSince = new Map<string, number>()
  /** Transactions that were reverted, by the step they were for: another must have another name. */
  readonly #reverted = new Map<string, number>()
  readonly #standstill = new Map<number, { block: number; sinceMs: number; nudges: number }>()

  constructor(options: CourtDriverOptions, modules: CourtDriverModules) {
    this.#options = options
    this.#modules = modules
  }

  /**
   * Does what is due of a dispute, if anything.
   * @returns it as it is afterwards; null when there is none
   * @throws {ChainError} CHAIN_UNREACHABLE
   */
  async moveOn(disputeId: number): Promise<OnChainDispute | null> {
    const { court } = this.#modules
    const dispute = await court.dispute(disputeId)
    if (dispute?.state === 'closed') this.#forget(disputeId)
    if (dispute === null || dispute.state === 'closed' || dispute.state === 'response') return dispute
    const hasMoved = await (dispute.state === 'draw' ? this.#draw(dispute) : this.#advance(dispute))
    return hasMoved ? await court.dispute(disputeId) : dispute
  }

  /** It is closed. */
  #forget(disputeId: number): void {
    this.#standstill.delete(disputeId)
    for (const steps of [this.#dueSince, this.#reverted])
      for (const name of steps.keys()) if (name.split(':')[2] === String(disputeId)) steps.delete(name)
  }

  async #draw(dispute: OnChainDispute): Promise<boolean> {
    const { court } = this.#modules
    const { disputeId, round, deadlineMs } = dispute
    const [head, jury] = await Promise.all([court.head(), court.jury(disputeId, round)])
    const nowMs = this.#nowMs(head.timeMs)
    if (deadlineMs !== null && nowMs >= deadlineMs) return await this.#send(dispute, 'advance', 'draw')
    if (jury === null) return false
    // The transaction is in a later block than the one whose hash draws.
    if (head.number < jury.drawBlock) {
      await this.#nudge(disputeId, head.number)
      return false
    }
    return await this.#send(dispute, 'draw', `${jury.tries}:${jury.rearms}`)
  }

  async #advance(dispute: OnChainDispute): Promise<boolean> {
    const { court } = this.#modules
    const { disputeId, round, state, deadlineMs } = dispute
    const { timeMs } = await court.head()
    const dueAtMs = state === 'vote' ? await court.countableFromMs(disputeId, round) : deadlineMs
    if (dueAtMs === null || this.#nowMs(timeMs) < dueAtMs) return false
    return await this.#send(dispute, 'advance', state)
  }

  /** @returns whether it is done */
  async #send(dispute: OnChainDispute, method: 'draw' | 'advance', step: string): Promise<boolean> {
    const { publisher, clock, log } = this.#modules
    const { disputeId, round } = dispute
    const name = `court:${method}:${disputeId}:${round}:${step}`
    const id = `${name}:${this.#reverted.get(name) ?? 0}`
    const dueSinceMs = this.#dueSince.get(name) ?? clock.nowMs()
    this.#dueSince.set(name, dueSinceMs)
    if (clock.nowMs() - dueSinceMs < this.#options.patienceMs) return false
    const args = method === 'draw' ? [disputeId, DRAW_TRIES] : [disputeId]
    const outcome = await publisher.submit({ id, contract: 'court', data: encodeCall('court', method, args) })
    if (outcome.status === 'reverted') this.#reverted.set(name, (this.#reverted.get(name) ?? 0) + 1)
    if (outcome.status === 'confirmed') this.#dueSince.delete(name)
    // Somebody else was first, or the chain's time is behind ours: it is looked at again.
    else log.debug({ id, outcome: outcome.status }, 'a dispute was not moved on')
    return outcome.status === 'confirmed'
  }

  /** Has a block mined by a transaction that changes nothing, where no block comes by itself. */
  async #nudge(disputeId: number, block: number): Promise<void> {
    const { publisher, clock } = this.#modules
    const known = this.#standstill.get(disputeId)
    const nowMs = clock.nowMs()
    if (known === undefined || known.block !== block) {
      this.#standstill.set(disputeId, { block, sinceMs: nowMs, nudges: known?.nudges ?? 0 })
      return
    }
    if (nowMs - known.sinceMs < STANDSTILL_MS + this.#options.patienceMs || known.nudges >= MAX_NUDGES) return
    known.nudges++
    const data = encodeCall('creditToken', 'transfer', [await this.#modules.court.address(), 0n])
    await publisher.submit({ id: `court:nudge:${disputeId}:${block}`, contract: 'creditToken', data })
  }

  /** Time as the next block may have it: the chain's where it is ahead of ours, as after a jump of a test's clock. */
  #nowMs(headMs: number): number {
    return Math.max(headMs, this.#modules.clock.nowMs())
  }
}
