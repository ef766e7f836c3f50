import { EventEmitter } from 'node:events'
import pLimit from 'p-limit'
import type { Address, Bytes32, CidString } from '../../../protocol/ids.ts'
import type { InclusionStatement } from '../../../protocol/messages/inclusion.ts'
import { receiptMessage } from '../../../protocol/messages/receipt.ts'
import { formatCredits } from '../../../protocol/money.ts'
import { openRecord } from '../../../protocol/signed.ts'
import { contractReceipt, receiptClaim } from '../../../protocol/typed-data.ts'
import type { ChainClient } from '../../chain/client.ts'
import { APPEAL_BOND_MULTIPLE, type CourtReader, type OnChainDispute } from '../../chain/court.ts'
import type { CourtEvent } from '../../chain/court-watcher.ts'
import { ChainError } from '../../chain/errors.ts'
import { encodeCall, type Publisher, type TransactionOutcome } from '../../chain/publisher.ts'
import type { RecordedCall, RecordedCalls } from '../../chain/recorded-calls.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../log.ts'
import type { Store } from '../../store/store.ts'
import type { Table } from '../../store/table.ts'
import type { TaskArchive } from '../audits/task-archive.ts'
import { bondsAtRisk, type Case, type CaseReason, caseSchema, type GiveUpReason, isLive } from './case.ts'
import type { CourtDriver } from './court-driver.ts'
import { type CourtPurse, gasMissing } from './court-purse.ts'
import { DisputeError } from './errors.ts'
import { inclusionArgument, receiptArgument } from './inclusion.ts'
import type { ProofCollector } from './proof-collector.ts'

export interface DisputeDeskOptions {
  /** Our own. */
  wallet: Address
  /** What may be in open disputes together, base units. */
  maxBond: bigint
  /** Whether audits may open cases by themselves. */
  automatic: boolean
}

export interface DisputeDeskModules {
  client: ChainClient
  court: CourtReader
  driver: CourtDriver
  purse: CourtPurse
  publisher: Pick<Publisher, 'submit'>
  calls: RecordedCalls
  proofs: Pick<ProofCollector, 'held' | 'renew' | 'isWithheld'>
  archive: Pick<TaskArchive, 'get' | 'hold' | 'release'>
  store: Store
  clock: Clock
  log: Logger
}

export interface OpenCase {
  receipt: CidString
  reason: CaseReason
  isAutomatic: boolean
  /** The owner lets jurors read a CONFIDENTIAL task. */
  reveal?: boolean
}

interface DisputeDeskEvents {
  /** A case has changed. */
  case: [changed: Case]
}

const HOLDER = 'dispute'
/** A provider has so long to show where a receipt stands, and the chain to take its root. */
const PROVING_MS = 24 * 3_600_000
/** Cases that may be under way at once. */
const MAX_LIVE = 64
/** After a jury found against an automatic case our measure may be wrong: no more by itself for so long. */
const PAUSE_AFTER_LOSS_MS = 7 * 24 * 3_600_000
/** A challenge that arrives in the last moment is too late. */
const CHALLENGE_MARGIN_MS = 30_000

/** Errors of the court that no later try will change. */
const FINAL_REFUSALS: Readonly<Record<string, GiveUpReason>> = {
  TooOld: 'too_late',
  AlreadyTried: 'already_tried',
  AlreadyOpen: 'already_tried',
  OwnFault: 'court_refused',
  NothingAtStake: 'court_refused',
  TooFewValidators: 'court_refused',
  NotInOffice: 'court_refused',
  ForeignReceipt: 'court_refused',
  WrongClaim: 'court_refused',
  NotIncluded: 'court_refused',
}

/**
 * Takes providers to court: brings the proof of a receipt to the chain, puts up the bond, follows the dispute to its
 * end and takes back what is owed. One case a receipt; all bonds together stay below what the operator allows. What it
 * is about to do is on disk before it is done, and goes on after a crash.
 */
export class DisputeDesk extends EventEmitter<DisputeDeskEvents> {
  readonly #options: DisputeDeskOptions
  readonly #modules: DisputeDeskModules
  readonly #table: Table<Case>
  readonly #cases = new Map<Bytes32, Case>()
  readonly #admission = pLimit(1)
  readonly #stepping = new Map<Bytes32, Promise<void>>()
  #isStopped = false

  constructor(options: DisputeDeskOptions, modules: DisputeDeskModules) {
    super()
    this.#options = options
    this.#modules = modules
    this.#table = modules.store.table('dispute-cases', caseSchema)
  }

  /** Reads back the cases; `tick` goes on with them. */
  async start(): Promise<void> {
    for await (const one of this.#table.values()) {
      this.#cases.set(one.claim, one)
      if (isLive(one)) this.#modules.archive.hold(one.receipt, HOLDER)
    }
  }

  /** Waits for the steps in progress. Idempotent. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await Promise.allSettled(this.#stepping.values())
    this.removeAllListeners()
  }

  /** All cases, the latest first. */
  list(): readonly Case[] {
    return [...this.#cases.values()].sort((a, b) => b.madeAtMs - a.madeAtMs)
  }

  /** A case by its receipt, its claim or the number the court gave it; null when there is none. */
  find(name: CidString | Bytes32 | number): Case | null {
    for (const one of this.#cases.values())
      if (one.receipt === name || one.claim === name || one.disputeId === name) return one
    return null
  }

  /** What is in open disputes, and what may be, base units. */
  get bonds(): { atRisk: bigint; max: bigint } {
    return { atRisk: bondsAtRisk(this.#cases.values()), max: this.#options.maxBond }
  }

  /** Why cases are not opened by themselves now; null when they are. */
  get automaticPause(): 'off' | 'no_bond' | 'lost' | null {
    if (!this.#options.automatic) return 'off'
    if (this.#options.maxBond === 0n) return 'no_bond'
    const sinceMs = this.#modules.clock.nowMs() - PAUSE_AFTER_LOSS_MS
    const hasLost = [...this.#cases.values()].some(
      ({ isAutomatic, outcome, state, changedAtMs }) =>
        isAutomatic && state === 'closed' && outcome === 'innocent' && changedAtMs > sinceMs,
    )
    return hasLost ? 'lost' : null
  }

  /**
   * Opens a case, or goes on with the one there is: a receipt is disputed once.
   * @throws {DisputeError} RECEIPT_UNKNOWN, DATA_GUARDED, ALREADY_DISPUTED, BOND_LIMIT
   * @throws {ChainError} CHAIN_UNREACHABLE
   */
  open(wish: OpenCase): Promise<Case> {
    return this.#admission(async () => {
      const made = await this.#admit(wish)
      void this.#step(made.claim)
      return made
    })
  }

  /**
   * Has a larger jury hear a case we lost.
   * @throws {DisputeError} DISPUTE_UNKNOWN, NOT_APPEALABLE, BOND_LIMIT, BOND_MISSING, BOND_GAS_MISSING, COURT_REFUSED
   */
  appeal(disputeId: number): Promise<Case> {
    return this.#admission(async () => {
      const one = this.find(disputeId)
      if (one === null) throw unknownDispute(disputeId)
      const dispute = await this.#modules.court.dispute(disputeId)
      if (dispute?.state !== 'appealable' || dispute.outcome !== 'innocent') throw notAppealable(dispute)
      const bond = APPEAL_BOND_MULTIPLE * dispute.bond
      this.#requireRoom(bond - one.appealBond)
      await this.#change(one, { appealBond: bond })
      const outcome = await this.#pay(bond, {
        id: `court:appeal:${disputeId}`,
        contract: 'court',
        data: encodeCall('court', 'appeal', [disputeId]),
        event: { kind: 'dispute.appealed', v: 1, dispute: disputeId, bond },
      })
      if (outcome.status !== 'confirmed') {
        await this.#change(this.#cases.get(one.claim)!, { appealBond: 0n })
        throw refusal(outcome, this.#options.wallet)
      }
      await this.#step(one.claim)
      return this.#cases.get(one.claim)!
    })
  }

  /** Something happened in the court. */
  async onCourtEvents(events: readonly CourtEvent[]): Promise<void> {
    for (const { disputeId } of events) {
      const one = this.find(disputeId)
      if (one !== null && isLive(one)) await this.#step(one.claim)
    }
  }

  /** Goes on with every case that is under way. */
  async tick(): Promise<void> {
    const live = [...this.#cases.values()].filter(isLive)
    await Promise.all(live.map(({ claim }) => this.#step(claim)))
  }

  async #admit({ receipt, reason, isAutomatic, reveal = false }: OpenCase): Promise<Case> {
    const known = this.find(receipt)
    if (known !== null && known.state !== 'given_up') {
      if (isLive(known)) return known
      throw alreadyDisputed(known)
    }
    const { archive, court, clock } = this.#modules
    const task = await archive.get(receipt)
    if (task === null) throw receiptUnknown(receipt)
    const { dataClass } = task.request
    const mayRead =
      dataClass === 'PUBLIC' || dataClass === 'SHARED' || (dataClass === 'CONFIDENTIAL' && reveal)
    if (!mayRead) throw dataGuarded(dataClass)
    const { bond } = await court.terms()
    this.#requireRoom(bond)
    if ([...this.#cases.values()].filter(isLive).length >= MAX_LIVE) throw bondLimit(this.bonds.max)
    const nowMs = clock.nowMs()
    const made: Case = {
      ...{ claim: receiptClaim(task.receipt), receipt, record: task.record },
      ...{ provider: task.receipt.provider, respondent: task.receipt.payee, model: task.receipt.model },
      ...{ dataClass, isAutomatic, reason, state: 'proving', giveUp: null, bond, appealBond: 0n },
      ...{ statement: null, disputeId: null, transaction: null, courtState: null, outcome: null },
      ...{ round: 0, deadlineMs: null, penalty: 0n, madeAtMs: nowMs, changedAtMs: nowMs },
    }
    archive.hold(receipt, HOLDER)
    await this.#change(made, {})
    return made
  }

  /** @throws {DisputeError} BOND_LIMIT */
  #requireRoom(bond: bigint): void {
    const { atRisk, max } = this.bonds
    if (atRisk + bond > max) throw bondLimit(max, bond, atRisk)
  }

  /** One step of a case after the other; what fails is tried again at the next tick. */
  #step(claim: Bytes32): Promise<void> {
    const running = this.#stepping.get(claim)
    if (running !== undefined) return running
    const step = this.#goOn(claim)
      .catch(error => {
        const isExpected = error instanceof ChainError || error instanceof DisputeError
        this.#modules.log[isExpected ? 'warn' : 'error']({ err: error, claim }, 'a dispute waits')
      })
      .finally(() => this.#stepping.delete(claim))
    this.#stepping.set(claim, step)
    return step
  }

  async #goOn(claim: Bytes32): Promise<void> {
    for (let before: Case | undefined; before !== this.#cases.get(claim); ) {
      const one = this.#cases.get(claim)
      if (one === undefined || this.#isStopped) return
      before = one
      if (one.state === 'proving') await this.#prove(one)
      else if (one.state === 'opening') await this.#challenge(one)
      else if (one.state === 'open') await this.#follow(one)
    }
  }

  async #prove(one: Case): Promise<void> {
    const { proofs, client, clock } = this.#modules
    const record = openRecord(receiptMessage, one.record, () => true)
    let statement = one.statement ?? proofs.held(one.receipt)
    // Anchored since it was signed, perhaps: the provider tells, and where it does not, its signature is enough.
    if (statement?.anchor == null) statement = (await proofs.renew(record)) ?? statement
    if (statement !== null && statement.anchor === null)
      statement = await this.#anchorFor(one.respondent, statement)
    if (statement?.anchor != null) {
      const { anchor, root, firstSequence, lastSequence } = statement
      const isAnchored = await client.isAnchored(one.respondent, {
        ...{ ...anchor, root, firstSequence, lastSequence },
      })
      if (isAnchored) return await this.#change(one, { statement, state: 'opening' })
    }
    if (clock.nowMs() - one.madeAtMs > PROVING_MS) await this.#giveUp(one, 'not_proven')
  }

  /** Brings a root that the provider signed to the chain. @returns the statement with its place there, or null */
  async #anchorFor(node: Address, statement: InclusionStatement): Promise<InclusionStatement | null> {
    const { client, publisher } = this.#modules
    const { root, firstSequence, lastSequence, signature } = statement
    if ((await client.nextAnchorSequence(node)) !== firstSequence) return null
    const range = [root, firstSequence, lastSequence]
    const outcome = await publisher.submit({
      id: `anchor-for:${node}:${firstSequence}-${lastSequence}:${root.slice(2, 18)}`,
      contract: 'auditAnchor',
      data: encodeCall('auditAnchor', 'anchorMany', [[[node, range, signature]]]),
    })
    if (outcome.status !== 'confirmed') return null
    const event = await client.eventOf(
      'auditAnchor',
      outcome.hash,
      ({ name, args }) => name === 'Anchored' && (args.node as string).toLowerCase() === node,
    )
    if (event === null) return null
    const anchor = { index: Number(event.args.index), anchoredAt: Number(event.args.anchoredAt) }
    return { ...statement, anchor }
  }

  async #challenge(one: Case): Promise<void> {
    const { court, calls, clock } = this.#modules
    const statement = one.statement!
    const [terms, head] = await Promise.all([court.terms(), court.head()])
    const nowMs = Math.max(clock.nowMs(), head.timeMs)
    const untilMs = statement.anchor!.anchoredAt * 1_000 + terms.challengeWindowMs - CHALLENGE_MARGIN_MS
    // What was sent before a crash is followed whatever the time.
    const isUnderWay = await calls.isKnown(openId(one.claim))
    if (nowMs > untilMs && !isUnderWay) return await this.#giveUp(one, 'too_late')
    // Terms may have changed since the bond was set aside.
    if (terms.bond > one.bond && !isUnderWay) {
      this.#requireRoom(terms.bond - one.bond)
      return await this.#change(one, { bond: terms.bond })
    }
    const { body } = openRecord(receiptMessage, one.record, () => true)
    const data = encodeCall('court', 'challengeOutput', [
      receiptArgument(contractReceipt(body)),
      inclusionArgument(statement),
    ])
    const outcome = await this.#pay(one.bond, {
      id: openId(one.claim),
      contract: 'court',
      data,
      event: {
        ...{ kind: 'dispute.opened', v: 1, receipt: one.receipt },
        ...{ respondent: one.respondent, bond: one.bond },
      },
    })
    if (outcome.status === 'confirmed') {
      const disputeId = await court.openedBy(outcome.hash, one.claim)
      return await this.#change(one, { state: 'open', transaction: outcome.hash, disputeId })
    }
    if (outcome.status === 'reverted') return await this.#giveUp(one, 'court_refused')
    const final = outcome.errorName === null ? undefined : FINAL_REFUSALS[outcome.errorName]
    if (final !== undefined) return await this.#giveUp(one, final)
    throw refusal(outcome, this.#options.wallet)
  }

  /** Makes a call that pulls a bond; one that was made before a crash has been pledged for already. */
  async #pay(bond: bigint, call: RecordedCall): Promise<TransactionOutcome> {
    const { calls, purse } = this.#modules
    const run = () => calls.run(call)
    return (await calls.isKnown(call.id)) ? await run() : await purse.pledge(bond, run)
  }

  async #follow(one: Case): Promise<void> {
    const { driver, court } = this.#modules
    if (one.disputeId === null) {
      const disputeId = await court.openedBy(one.transaction!, one.claim)
      if (disputeId !== null) await this.#change(one, { disputeId })
      return
    }
    const dispute = await driver.moveOn(one.disputeId)
    if (dispute === null) return
    const { state, outcome, round, deadlineMs, penalty, appealBond } = dispute
    const isClosed = state === 'closed'
    const seen = { courtState: state, outcome, round, deadlineMs, penalty }
    const isSame = Object.entries(seen).every(([key, value]) => one[key as keyof typeof seen] === value)
    if (isSame && !isClosed) return
    // An appeal of the other side is its own money.
    const ours = round === 1 && one.appealBond > 0n ? appealBond : one.appealBond
    await this.#change(one, { ...seen, appealBond: ours, state: isClosed ? 'closed' : 'open' })
    if (isClosed) {
      this.#modules.archive.release(one.receipt, HOLDER)
      await this.#modules.purse.withdraw()
    }
  }

  async #giveUp(one: Case, giveUp: GiveUpReason): Promise<void> {
    this.#modules.archive.release(one.receipt, HOLDER)
    await this.#change(one, { state: 'given_up', giveUp })
  }

  async #change(one: Case, change: Partial<Case>): Promise<void> {
    const changed = {
      ...(this.#cases.get(one.claim) ?? one),
      ...change,
      changedAtMs: this.#modules.clock.nowMs(),
    }
    await this.#table.put(one.claim, changed)
    this.#cases.set(one.claim, changed)
    this.emit('case', changed)
  }
}

function openId(claim: Bytes32): string {
  return `court:open:${claim}`
}

function refusal(
  outcome: Exclude<TransactionOutcome, { status: 'confirmed' }>,
  wallet: Address,
): DisputeError {
  if (outcome.status === 'rejected' && outcome.reason === 'insufficient_gas_money') return gasMissing(wallet)
  const why = outcome.status === 'rejected' ? (outcome.errorName ?? outcome.reason) : 'it was reverted'
  return new DisputeError('COURT_REFUSED', `the court did not take it: ${why}`, {
    fix: 'Look at the dispute with shoal disputes show; it may have moved on meanwhile.',
    details: { why },
  })
}

function receiptUnknown(receipt: CidString): DisputeError {
  return new DisputeError('RECEIPT_UNKNOWN', 'nothing is kept of the task of this receipt', {
    fix: 'shoal receipts lists receipts; tasks are kept by whoever asked for them, for 30 days.',
    details: { receipt },
  })
}

function unknownDispute(disputeId: number): DisputeError {
  return new DisputeError('DISPUTE_UNKNOWN', `dispute ${disputeId} is none of ours`, {
    fix: 'shoal disputes lists ours.',
    details: { disputeId },
  })
}

function alreadyDisputed({ disputeId, outcome }: Case): DisputeError {
  return new DisputeError('ALREADY_DISPUTED', `this receipt was disputed before: ${outcome ?? 'closed'}`, {
    fix: 'Look at it with shoal disputes show.',
    details: { disputeId, outcome },
  })
}

function dataGuarded(dataClass: string): DisputeError {
  return new DisputeError('DATA_GUARDED', `jurors would read a ${dataClass} task`, {
    fix:
      dataClass === 'CONFIDENTIAL'
        ? 'If they may: shoal disputes open --reveal.'
        : 'PRIVATE tasks do not leave this node, not even to a jury.',
    details: { dataClass },
  })
}

function bondLimit(max: bigint, bond = 0n, atRisk = 0n): DisputeError {
  return new DisputeError(
    'BOND_LIMIT',
    `a bond of ${formatCredits(bond)} credits is more than is left of the ${formatCredits(max)} that may be in disputes`,
    {
      fix: 'Allow more with --max-bond (disputes.maxBond), or wait for an open dispute to end.',
      details: { bond: formatCredits(bond), atRisk: formatCredits(atRisk), max: formatCredits(max) },
    },
  )
}

function notAppealable(dispute: OnChainDispute | null): DisputeError {
  return new DisputeError('NOT_APPEALABLE', 'there is no verdict against us that could be appealed now', {
    fix: 'Only the loser of the first round can appeal, until its deadline: shoal disputes show.',
    details: { state: dispute?.state ?? null, outcome: dispute?.outcome ?? null },
  })
}
