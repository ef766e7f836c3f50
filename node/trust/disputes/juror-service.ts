import { EventEmitter } from 'node:events'
import { isShoalError } from '../../../protocol/errors.ts'
import type { Address, Bytes32, NodeKey } from '../../../protocol/ids.ts'
import { VOTES } from '../../../protocol/messages/audit-event.ts'
import { juryCommitment } from '../../../protocol/typed-data.ts'
import type { CourtReader, JurySeat } from '../../chain/court.ts'
import type { CourtEvent } from '../../chain/court-watcher.ts'
import { ChainError } from '../../chain/errors.ts'
import { encodeCall } from '../../chain/publisher.ts'
import type { RecordedCalls } from '../../chain/recorded-calls.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../log.ts'
import type { P2PHost } from '../../p2p/host.ts'
import type { Store } from '../../store/store.ts'
import type { BatchOperation, Table } from '../../store/table.ts'
import type { CourtDriver } from './court-driver.ts'
import type { CourtPurse } from './court-purse.ts'
import { type Duty, dutySchema, isUnderWay, keyOf } from './duty.ts'
import { openEvidence } from './evidence.ts'
import { type Examination, type ExaminedTask, type Examiner, undecided } from './examination.ts'
import { evidenceProtocol } from './protocols.ts'

export interface JurorServiceOptions {
  /** Our own: whose seats are ours. */
  wallet: Address
}

export interface JurorServiceModules {
  court: CourtReader
  driver: CourtDriver
  purse: CourtPurse
  calls: RecordedCalls
  examiner: Pick<Examiner, 'examine'>
  host: Pick<P2PHost, 'request' | 'isConnected' | 'dialPeer'>
  nodeKeyOf: (wallet: Address) => Promise<NodeKey | null>
  store: Store
  clock: Clock
  log: Logger
  randomSalt: () => Bytes32
}

interface JurorServiceEvents {
  duty: [changed: Duty]
}

/** Before the end of a period a transaction must have time to be mined. */
const MARGIN_SHARE = 0.2
const MAX_MARGIN_MS = 10 * 60_000
const DIAL_TIMEOUT_MS = 10_000
/** By then every dispute is over, and its fees are paid. */
const KEEP_MS = 60 * 24 * 3_600_000

/**
 * Serves in juries: sees that it was drawn, gets the task from a party, runs its model over it again, commits and
 * reveals. Vote and salt are on disk before anything is sent, so that a juror that dies goes on as the same juror. One
 * that cannot run the model, or is given no data, abstains: silence costs its bond, a guess somebody's stake.
 */
export class JurorService extends EventEmitter<JurorServiceEvents> {
  readonly #options: JurorServiceOptions
  readonly #modules: JurorServiceModules
  readonly #table: Table<Duty>
  readonly #duties = new Map<string, Duty>()
  readonly #stepping = new Map<string, Promise<void>>()
  /** Disputes that are over. */
  readonly #closed = new Set<number>()
  readonly #abort = new AbortController()

  constructor(options: JurorServiceOptions, modules: JurorServiceModules) {
    super()
    this.#options = options
    this.#modules = modules
    this.#table = modules.store.table('jury-duties', dutySchema)
  }

  /** Reads back what was begun; `tick` goes on with it. */
  async start(): Promise<void> {
    const { clock, store } = this.#modules
    const old: BatchOperation[] = []
    for await (const [key, duty] of this.#table.entries()) {
      const isOld = !isUnderWay(duty) && clock.nowMs() - duty.drawnAtMs > KEEP_MS
      if (isOld) old.push(this.#table.deleteOperation(key))
      else this.#duties.set(key, duty)
    }
    if (old.length > 0) await store.batch(old, { sync: false })
  }

  /** Idempotent; ends an examination that runs. */
  async stop(): Promise<void> {
    this.#abort.abort()
    await Promise.allSettled(this.#stepping.values())
    this.removeAllListeners()
  }

  /** Seats of ours, the latest first. */
  list(): readonly Duty[] {
    return [...this.#duties.values()].sort((a, b) => b.drawnAtMs - a.drawnAtMs)
  }

  /** Something happened in the court; told in order, some of it perhaps twice. */
  async onCourtEvents(events: readonly CourtEvent[]): Promise<void> {
    for (const event of events) {
      if (event.kind === 'drawn' && event.juror === this.#options.wallet) await this.#drawn(event)
    }
  }

  /** Goes on with every seat, and takes what the court owes. */
  async tick(): Promise<void> {
    const busy = [...this.#duties].filter(([, duty]) => isUnderWay(duty))
    await Promise.all(busy.map(([key]) => this.#step(key)))
    await this.#settle()
  }

  async #drawn({ disputeId, round }: CourtEvent & { kind: 'drawn' }): Promise<void> {
    const key = keyOf({ disputeId, round })
    if (this.#duties.has(key)) return
    await this.#change(key, {
      ...{ disputeId, round, state: 'drawn', vote: null, salt: null, reason: null },
      ...{ commitUntilMs: null, revealUntilMs: null, drawnAtMs: this.#modules.clock.nowMs() },
    })
  }

  #step(key: string): Promise<void> {
    const running = this.#stepping.get(key)
    if (running !== undefined) return running
    const step = this.#goOn(key)
      .catch(error => {
        if (this.#abort.signal.aborted) return
        const level = error instanceof ChainError ? 'warn' : 'error'
        this.#modules.log[level]({ err: error, duty: key }, 'a seat in a jury waits')
      })
      .finally(() => this.#stepping.delete(key))
    this.#stepping.set(key, step)
    return step
  }

  async #goOn(key: string): Promise<void> {
    for (;;) {
      const known = this.#duties.get(key)
      if (known === undefined || !isUnderWay(known) || this.#abort.signal.aborted) return
      const seen = await this.#look(key, known)
      if (seen === null) return
      const duty = this.#duties.get(key)!
      if (duty.state === 'drawn') await this.#decide(key, duty, seen)
      else if (duty.state === 'decided') await this.#commit(key, duty, seen)
      else if (duty.state === 'committed') await this.#reveal(key, duty, seen)
      if (this.#duties.get(key) === duty) return
    }
  }

  /** Where the jury stands; null while there is nothing to do for us. */
  async #look(key: string, duty: Duty): Promise<Situation | null> {
    const { court, clock } = this.#modules
    const { disputeId, round } = duty
    const [dispute, jury, head] = await Promise.all([
      court.dispute(disputeId),
      court.jury(disputeId, round),
      court.head(),
    ])
    const seat = jury?.seats.find(({ juror }) => juror === this.#options.wallet)
    // Taken back with its block: should it be drawn again, it is told again.
    if (dispute === null || jury === null || seat === undefined) return null
    if (dispute.state === 'closed' || dispute.round !== round || seat.vote !== 'none') {
      await this.#change(key, { state: seat.vote === 'none' ? 'dismissed' : 'revealed' })
      return null
    }
    const { commitUntilMs, revealUntilMs } = jury
    if (commitUntilMs === null || revealUntilMs === null) return null
    if (duty.commitUntilMs !== commitUntilMs) await this.#change(key, { commitUntilMs, revealUntilMs })
    return {
      ...{ nowMs: Math.max(head.timeMs, clock.nowMs()), commitUntilMs, revealUntilMs, seat },
      parties: [dispute.challenger, dispute.payer, dispute.respondent],
      subject: dispute.subject,
    }
  }

  async #decide(key: string, duty: Duty, situation: Situation): Promise<void> {
    const { nowMs, commitUntilMs } = situation
    if (nowMs >= commitUntilMs) return await this.#change(key, { state: 'missed' })
    const examination = await this.#examine(duty, situation)
    if (examination === null) return
    // On disk with its salt before anybody hears of it: another vote with another salt would be no vote.
    await this.#change(key, {
      ...{ state: 'decided', vote: examination.finding, reason: examination.reason },
      salt: this.#modules.randomSalt(),
    })
  }

  /** Null where it may still be examined later. */
  async #examine(duty: Duty, situation: Situation): Promise<Examination | null> {
    const { nowMs, commitUntilMs } = situation
    const marginMs = Math.min(MAX_MARGIN_MS, MARGIN_SHARE * (commitUntilMs - duty.drawnAtMs))
    const isUrgent = nowMs >= commitUntilMs - marginMs
    const task = await this.#fetch(duty, situation)
    if (task === null) return isUrgent ? undecided('no_evidence') : null
    const time = new AbortController()
    const timer = this.#modules.clock.setTimer(
      () => time.abort(),
      Math.max(0, commitUntilMs - marginMs / 2 - nowMs),
    )
    try {
      const signal = AbortSignal.any([time.signal, this.#abort.signal])
      const examination = await this.#modules.examiner.examine(task, signal)
      return examination ?? (isUrgent ? undecided('engine_failed') : null)
    } catch (error) {
      if (isShoalError(error, 'CANCELLED') && !this.#abort.signal.aborted) return undecided('engine_failed')
      throw error
    } finally {
      timer.cancel()
    }
  }

  /** Asks the parties for the task, one after the other; what does not fit the receipt is nothing. */
  async #fetch({ disputeId }: Duty, { parties, subject }: Situation): Promise<ExaminedTask | null> {
    const { host, nodeKeyOf, log } = this.#modules
    for (const wallet of new Set(parties)) {
      try {
        const peer = await nodeKeyOf(wallet)
        if (peer === null) continue
        const { signal } = this.#abort
        const dialling = AbortSignal.any([signal, AbortSignal.timeout(DIAL_TIMEOUT_MS)])
        if (!host.isConnected(peer)) await host.dialPeer(peer, dialling)
        const response = await host.request(peer, evidenceProtocol, { disputeId }, signal)
        if (response.kind === 'evidence') return openEvidence(response.evidence, subject)
      } catch (error) {
        if (this.#abort.signal.aborted || !isShoalError(error)) throw error
        log.debug({ err: error, disputeId, wallet }, 'a party did not give the task of a dispute')
      }
    }
    return null
  }

  async #commit(key: string, duty: Duty, { nowMs, commitUntilMs, seat }: Situation): Promise<void> {
    const { disputeId, round } = duty
    const commitment = this.#commitmentOf(duty)
    if (seat.commitment === commitment) return await this.#change(key, { state: 'committed' })
    if (nowMs >= commitUntilMs) return await this.#change(key, { state: 'missed' })
    const outcome = await this.#modules.calls.run({
      id: `jury:commit:${disputeId}:${round}`,
      contract: 'jury',
      data: encodeCall('jury', 'commit', [disputeId, commitment]),
      event: { kind: 'jury.committed', v: 1, dispute: disputeId, round, commitment },
    })
    if (outcome.status === 'confirmed') await this.#change(key, { state: 'committed' })
  }

  async #reveal(key: string, duty: Duty, { nowMs, commitUntilMs, revealUntilMs }: Situation): Promise<void> {
    if (nowMs < commitUntilMs) return
    if (nowMs >= revealUntilMs) return await this.#change(key, { state: 'missed' })
    const { disputeId, round } = duty
    const vote = duty.vote!
    const outcome = await this.#modules.calls.run({
      id: `jury:reveal:${disputeId}:${round}`,
      contract: 'jury',
      data: encodeCall('jury', 'reveal', [disputeId, voteNumber(vote), duty.salt]),
      event: { kind: 'jury.revealed', v: 1, dispute: disputeId, round, vote },
    })
    if (outcome.status === 'confirmed') await this.#change(key, { state: 'revealed' })
  }

  #commitmentOf({ disputeId, round, vote, salt }: Duty): Bytes32 {
    const juror = this.#options.wallet
    return juryCommitment({ disputeId, round, juror, vote: voteNumber(vote!), salt: salt! })
  }

  /** Moves disputes on that we sat in, so that they end and fees are paid, and takes what is owed. */
  async #settle(): Promise<void> {
    const { driver, purse, log } = this.#modules
    try {
      const sat = new Set(
        [...this.#duties.values()].filter(({ state }) => state !== 'dismissed').map(duty => duty.disputeId),
      )
      for (const disputeId of sat) {
        const dispute = this.#closed.has(disputeId) ? null : await driver.moveOn(disputeId)
        if (dispute?.state === 'closed') this.#closed.add(disputeId)
      }
      if (sat.size > 0) await purse.withdraw()
    } catch (error) {
      if (!isShoalError(error)) throw error
      log.warn({ err: error }, 'what the court owes waits')
    }
  }

  async #change(key: string, change: Partial<Duty>): Promise<void> {
    const changed = { ...this.#duties.get(key), ...change } as Duty
    await this.#table.put(key, changed)
    this.#duties.set(key, changed)
    this.emit('duty', changed)
  }
}

interface Situation {
  /** The later of the chain's time and ours. */
  nowMs: number
  commitUntilMs: number
  revealUntilMs: number
  seat: JurySeat
  /** Wallets that may have the task. */
  parties: Address[]
  /** The claim being tried. */
  subject: Bytes32
}

function voteNumber(vote: (typeof VOTES)[number]): number {
  return VOTES.indexOf(vote) + 1
}
