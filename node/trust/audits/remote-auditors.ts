import type { Calibration, CalibrationKey } from '../../../inference/audit/calibration.ts'
import { SequentialTest } from '../../../inference/audit/sequential-test.ts'
import type { ScoredOutput } from '../../../inference/engine.ts'
import { auditJobOf, drawAuditors } from '../../../protocol/auditor-draw.ts'
import { cidOf, encodeMessage, ProtocolError } from '../../../protocol/codec.ts'
import { isShoalError, ShoalError } from '../../../protocol/errors.ts'
import type { Bytes32, CidString, ModelId, NodeKey } from '../../../protocol/ids.ts'
import type { AuditorFault } from '../../../protocol/messages/audit-event.ts'
import {
  type AuditJob,
  type AuditRefusal,
  auditJobMessage,
  auditScoresMessage,
} from '../../../protocol/messages/audit-job.ts'
import { openRecordOf } from '../../../protocol/signed.ts'
import type { Beacon } from '../../chain/beacon.ts'
import type { ChainBlock } from '../../chain/client.ts'
import type { Clock } from '../../clock.ts'
import { verifyEd25519Natively } from '../../ed25519.ts'
import type { Logger } from '../../log.ts'
import type { Clearance } from '../../market/clearance.ts'
import type { KnownOffer } from '../../market/offer-book.ts'
import type { P2PHost } from '../../p2p/host.ts'
import type { ArchivedTask } from './archived-task.ts'
import type { AuditFavours } from './audit-favours.ts'
import type { Auditor, AuditReport, Availability } from './auditor.ts'
import type { AuditorBook } from './auditor-book.ts'
import { type Canary, expectedTurns, isRight, MIN_CANARY_TOKENS, makeCanary } from './canary.ts'
import { calibrationKeyOf, judge } from './judgement.ts'
import { auditJob, seedOf } from './remote-job.ts'
import { AUDIT_TIMEOUT_MS, auditProtocol } from './remote-protocol.ts'
import { unpackScores } from './remote-scores.ts'
import type { TaskArchive } from './task-archive.ts'

type RemoteAuditErrorCode =
  /** Nobody who was drawn has answered: it is tried again. */
  | 'AUDITORS_AWAY'
  /** Two found the opposite, and there is no third to ask. */
  | 'AUDITORS_DISAGREE'

class RemoteAuditError extends ShoalError<RemoteAuditErrorCode> {
  override readonly name = 'RemoteAuditError'
}

export interface RemoteAuditorsOptions {
  /** The least share of canaries among what an auditor is sent, 0 to 1. */
  canaryShare: number
}

/** What of the network and the chain remote audits need; there once the chain has answered. */
export interface RemoteAuditorsTrade {
  beacon: Beacon
  clearance: Pick<Clearance, 'clear'>
}

export interface RemoteAuditorsModules {
  host: Pick<P2PHost, 'openStream' | 'addAddresses'>
  archive: Pick<TaskArchive, 'entry' | 'entries' | 'get'>
  book: AuditorBook
  favours: AuditFavours
  calibrations: { find(key: CalibrationKey): Promise<Calibration | null> }
  /** Offers of a model by nodes that are bound and have enough at stake. */
  eligible: (model: ModelId) => readonly KnownOffer[]
  /** Whether two nodes are different operators; `local` for this one. */
  areDistinct: (a: NodeKey | 'local', b: NodeKey) => boolean
  /** Whether a task waits for its own audit. */
  isDrawn: (receipt: CidString) => boolean
  /** Whether a provider's pooled test has begun to lean against it: then nobody is taken at its single word. */
  isDoubted: (provider: NodeKey, model: ModelId) => boolean
  /** An auditor lied too often. */
  onExcluded: (auditor: NodeKey) => Promise<void>
  /** A peer broke the protocol. */
  onViolation: (peer: NodeKey) => void
  random: () => number
  randomSeed: () => Bytes32
  clock: Clock
  log: Logger
}

/** One auditor's word on a task. */
interface Opinion {
  auditor: NodeKey
  weight: number
  report: AuditReport
  stance: 'for' | 'against' | 'neutral'
  /** ln of the evidence against the provider in it. */
  evidence: number
}

interface Hearing {
  opinions: Opinion[]
  /** Whether a second opinion is asked though the first finds nothing. */
  wantsSecond: boolean
}

/** Share of words that find nothing that are compared with another's. */
const SECOND_SHARE = 0.1
const MAX_OPINIONS = 3
/** An auditor asked in vain is left alone for so long. */
const RESTS_MS: Record<AuditRefusal | 'silent', number> = {
  ...{ busy: 60_000, spent: 3_600_000, not_drawn: 60_000, unavailable: 600_000, refused: 600_000 },
  silent: 600_000,
}
/** A task nobody answered for is left alone for so long. */
const TASK_RESTS_MS = 10_000
/** No block for so long: the chain is idle, or gone. */
const MAX_BEACON_WAIT_MS = 6 * 3_600_000
/** Found no block, it is not asked again within. */
const BEACON_EVERY_MS = 1_000
const MAX_HEARINGS = 256
const MAX_RESTING = 4_096
/** Tasks looked at for one to make a canary of. */
const MAX_BASES_TRIED = 64
const MAX_JOBS_TRIED = 4_096
/** Words together that make a task known for good. */
const CONFIRMING_WEIGHT = 1

/**
 * Has outputs scored at other nodes that run the model: those the first block after the receipt draws, each as likely as another and known to
 * nobody before. An auditor sees an output and neither whose it is nor whether we know the answer: a share of what it gets are
 * canaries, sent in the place of the task for which it was drawn. One word that finds nothing counts for what its auditor's record
 * is worth; one against the provider is compared with that of another operator, and a third decides between two.
 */
export class RemoteAuditors implements Auditor {
  readonly #options: RemoteAuditorsOptions
  readonly #modules: RemoteAuditorsModules
  readonly #hearings = new Map<CidString, Hearing>()
  /** Until when auditors and tasks are left alone. */
  readonly #resting = new Map<string, number>()
  #trade: RemoteAuditorsTrade | null = null
  #none = { afterMs: Number.POSITIVE_INFINITY, askedAtMs: 0 }

  constructor(options: RemoteAuditorsOptions, modules: RemoteAuditorsModules) {
    this.#options = options
    this.#modules = modules
  }

  /** Audits can be asked for from now on; null: no longer. */
  useTrade(trade: RemoteAuditorsTrade | null): void {
    this.#trade = trade
  }

  async availability(task: Pick<ArchivedTask, 'cid' | 'receipt'>): Promise<Availability> {
    const { cid } = task
    if (this.#trade === null) return 'later'
    const candidates = this.#candidates(task)
    if (candidates.length === 0) return 'never'
    if (this.#isResting(cid) || candidates.every(({ provider }) => this.#isResting(provider))) return 'later'
    const committedAtMs = this.#committedAtMs(task)
    if ((await this.#blockAfter(committedAtMs)) !== null) return 'now'
    return this.#modules.clock.nowMs() - committedAtMs > MAX_BEACON_WAIT_MS ? 'never' : 'later'
  }

  /**
   * Has those who were drawn score what the task's provider delivered, as many as it takes.
   * @throws {RemoteAuditError} AUDITORS_AWAY, AUDITORS_DISAGREE
   * @throws {ChainError} CHAIN_UNREACHABLE
   */
  async audit(task: ArchivedTask, { signal }: { signal: AbortSignal }): Promise<AuditReport> {
    const { book, random } = this.#modules
    const block = await this.#blockAfter(this.#committedAtMs(task))
    const hearing = this.#hearingOf(task)
    if (block !== null) {
      for (const offer of this.#ranked(task, block)) {
        if (isHeard(hearing)) break
        const { provider: auditor } = offer
        if (signal.aborted || this.#isResting(auditor) || !this.#isApart(auditor, hearing)) continue
        // In its place, so that what an auditor gets is a canary with the same chance each time, and says nothing else.
        const isTested = random() < book.canaryChance(auditor, this.#options.canaryShare)
        if (isTested && (await this.#test(offer, block, task, signal))) continue
        const opinion = await this.#hear(offer, block, task, signal)
        if (opinion !== null) hearing.opinions.push(opinion)
      }
    }
    return this.#conclude(task, hearing)
  }

  /** The provider chose neither: when it was countersigned, or says it has ended, whichever was later. */
  #committedAtMs({ cid, receipt }: Pick<ArchivedTask, 'cid' | 'receipt'>): number {
    return Math.max(receipt.endedAtMs, this.#modules.archive.entry(cid)?.atMs ?? 0)
  }

  async #blockAfter(timeMs: number): Promise<ChainBlock | null> {
    const nowMs = this.#modules.clock.nowMs()
    const { afterMs, askedAtMs } = this.#none
    if (timeMs >= afterMs && nowMs - askedAtMs < BEACON_EVERY_MS) return null
    const block = (await this.#trade?.beacon.after(timeMs)) ?? null
    if (block === null) this.#none = { afterMs: timeMs, askedAtMs: nowMs }
    return block
  }

  /** Who may see this task: nobody of the provider's, or of ours. */
  #candidates({ cid, receipt }: Pick<ArchivedTask, 'cid' | 'receipt'>): KnownOffer[] {
    const { eligible, areDistinct, book } = this.#modules
    const { testedOn } = book.base(cid)
    return eligible(receipt.model).filter(({ provider: auditor }) => {
      if (auditor === receipt.provider || auditor === receipt.requester) return false
      if (testedOn.includes(auditor) || book.of(auditor).isExcluded) return false
      return areDistinct(receipt.provider, auditor) && areDistinct('local', auditor)
    })
  }

  /** In the order in which they were drawn. */
  #ranked(task: ArchivedTask, block: ChainBlock): KnownOffer[] {
    const offers = new Map(this.#candidates(task).map(offer => [offer.provider, offer]))
    return drawAuditors(block.hash, auditJobOf(task.cid), offers.keys()).map(key => offers.get(key)!)
  }

  /** Two of one operator are one. */
  #isApart(auditor: NodeKey, { opinions }: Hearing): boolean {
    return opinions.every(opinion => this.#modules.areDistinct(opinion.auditor, auditor))
  }

  async #hear(
    offer: KnownOffer,
    block: ChainBlock,
    task: ArchivedTask,
    signal: AbortSignal,
  ): Promise<Opinion | null> {
    const { book, favours } = this.#modules
    const { provider: auditor } = offer
    const job = { output: task.tokens, seed: seedOf(task), job: auditJobOf(task.cid), block: block.number }
    const report = await this.#ask(offer, auditJob(task, job), { cid: task.cid, as: 'task' }, signal)
    if (report === null) return null
    favours.received(auditor, report.scored.promptTokens + task.tokens.length)
    const { weight } = book.of(auditor)
    const opinion = { auditor, weight, report, ...(await this.#stanceOf(task, report)) }
    if (opinion.stance === 'for' && weight >= 0.5)
      await book.learned(task.cid, { turns: expectedTurns(report.scored) })
    return opinion
  }

  /** @returns whether it was tested: false where there is nothing to test it with */
  async #test(
    offer: KnownOffer,
    block: ChainBlock,
    task: ArchivedTask,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { book } = this.#modules
    const { provider: auditor } = offer
    const made = await this.#canaryFor(auditor, task)
    if (made === null) return false
    const { canary, base } = made
    const job = this.#jobThatDraws(auditor, block, task)
    const report = await this.#ask(
      offer,
      auditJob(base, { ...canary, job, block: block.number }),
      { cid: base.cid, as: 'canary' },
      signal,
    )
    if (report === null) return true
    const isAgainst = canary.kind === 'genuine' && (await this.#stanceOf(base, report)).stance === 'against'
    if (isRight(canary, report.scored, isAgainst)) await book.wasRight(auditor)
    else await this.#caught(auditor, canary.kind === 'genuine' ? 'failed_good' : 'passed_bad')
    return true
  }

  async #caught(auditor: NodeKey, fault: AuditorFault, certainty = 1): Promise<void> {
    const { book, onExcluded, log } = this.#modules
    log.info({ auditor, fault }, 'an auditor was wrong')
    if (await book.wasWrong(auditor, fault, certainty)) await onExcluded(auditor)
  }

  /** A name for a canary under which its auditor is drawn where it is for the task: it looks as any other. */
  #jobThatDraws(auditor: NodeKey, { hash }: ChainBlock, task: ArchivedTask): Bytes32 {
    const { randomSeed, eligible } = this.#modules
    const others = eligible(task.receipt.model).map(({ provider }) => provider)
    const rankOf = (job: Bytes32) => drawAuditors(hash, job, others).indexOf(auditor)
    const rank = rankOf(auditJobOf(task.cid))
    let job = randomSeed()
    for (let tries = 0; tries * others.length < MAX_JOBS_TRIED && rankOf(job) > rank; tries++)
      job = randomSeed()
    return job
  }

  /** A canary of a task of the same model that this auditor has not seen: of those never to be audited first. */
  async #canaryFor(
    auditor: NodeKey,
    task: ArchivedTask,
  ): Promise<{ canary: Canary; base: ArchivedTask } | null> {
    const { archive, book, isDrawn, random, randomSeed } = this.#modules
    const fit = [...archive.entries()].filter(
      ({ cid, model }) =>
        model === task.receipt.model && cid !== task.cid && !book.base(cid).seenBy.includes(auditor),
    )
    const rankOf = (cid: CidString) => (isDrawn(cid) ? 2 : 0) + (book.base(cid).seenBy.length > 0 ? 1 : 0)
    const entries = fit
      .map(({ cid }) => ({ cid, rank: rankOf(cid), lot: random() }))
      .toSorted((a, b) => a.rank - b.rank || a.lot - b.lot)
      .slice(0, MAX_BASES_TRIED)
    for (const { cid } of entries) {
      const base = await archive.get(cid).catch(() => null)
      if (base === null || !isUsable(base)) continue
      const { turns, isConfirmed } = book.base(cid)
      const canary = makeCanary(
        {
          ...{ tokens: base.tokens, seed: seedOf(base), turns, isConfirmed },
          temperature: base.request.sampling.temperature,
        },
        { others: [...task.tokens.slice(0, -1), ...base.tokens.slice(0, -1)], random, randomSeed },
      )
      if (canary !== null) return { canary, base }
    }
    return null
  }

  /** Null where it did not answer, or not as it should: then it rests. @param shown whose content goes */
  async #ask(
    offer: KnownOffer,
    job: AuditJob,
    shown: { cid: CidString; as: 'task' | 'canary' },
    signal: AbortSignal,
  ): Promise<AuditReport | null> {
    const { host, book, onViolation, log } = this.#modules
    const { provider: auditor } = offer
    const limit = AbortSignal.any([signal, AbortSignal.timeout(AUDIT_TIMEOUT_MS)])
    try {
      const listed = offer.offer.models.find(({ model }) => model === job.model)!
      const cleared = this.#trade!.clearance.clear(job, { provider: auditor, offer })
      await book.shows(shown.cid, auditor, shown.as)
      await host.addAddresses(auditor, offer.offer.addresses)
      const frames = await host.openStream(auditor, auditProtocol, limit)
      await frames.send(cleared, limit)
      const reply = await frames.receive(limit)
      if (reply === null) throw new ProtocolError('SCHEMA_MISMATCH', 'no answer')
      await frames.close()
      if (reply.kind === 'refused') {
        this.#rest(auditor, RESTS_MS[reply.code])
        return null
      }
      const expected = cidOf(encodeMessage(auditJobMessage, job)).toString()
      return reportOf(reply.record, { auditor, expected, listed, offer, tokens: job.output.length })
    } catch (error) {
      if (!isShoalError(error) || signal.aborted) throw error
      log.debug({ err: error, auditor }, 'an auditor did not answer')
      if (error instanceof ProtocolError) onViolation(auditor)
      this.#rest(auditor, RESTS_MS.silent)
      return null
    }
  }

  async #stanceOf(task: ArchivedTask, report: AuditReport): Promise<Pick<Opinion, 'stance' | 'evidence'>> {
    const calibration = await this.#modules.calibrations.find(calibrationKeyOf(task, report))
    const test = new SequentialTest()
    const { evidence } = judge(task, report, calibration, test)
    const stance = evidence === null ? 'neutral' : evidence.passed ? 'for' : 'against'
    return { stance, evidence: test.evidence.log }
  }

  async #conclude(task: ArchivedTask, hearing: Hearing): Promise<AuditReport> {
    const { opinions } = hearing
    const { book } = this.#modules
    const sides = { for: side(opinions, 'for'), against: side(opinions, 'against') }
    if (opinions.length === 0) {
      this.#rest(task.cid, TASK_RESTS_MS)
      throw new RemoteAuditError('AUDITORS_AWAY', 'none of the auditors that were drawn has answered', {
        fix: 'It is tried again; they may be busy.',
      })
    }
    if (sides.for.length > 0 && sides.for.length === sides.against.length) {
      this.#rest(task.cid, TASK_RESTS_MS)
      throw new RemoteAuditError(
        'AUDITORS_DISAGREE',
        'two auditors found the opposite, and there is no third',
      )
    }
    this.#hearings.delete(task.cid)
    const isAgainst = sides.against.length > sides.for.length
    const [majority, minority] = isAgainst ? [sides.against, sides.for] : [sides.for, sides.against]
    const backing = majority.reduce((sum, { weight }) => sum + weight, 0)
    if (majority.length >= 2) {
      const certainty = Math.min(...majority.map(({ weight }) => weight))
      for (const { auditor } of minority) await this.#caught(auditor, 'outvoted', certainty)
      if (!isAgainst && backing >= CONFIRMING_WEIGHT) await book.learned(task.cid, { isConfirmed: true })
    }
    const agreeing = majority.length > 0 ? majority : opinions
    const weight = 1 - agreeing.reduce((doubt, opinion) => doubt * (1 - opinion.weight), 1)
    // Of several, what is said for the provider.
    const mildest = agreeing.reduce((least, other) => (other.evidence < least.evidence ? other : least))
    return { ...mildest.report, weight, backing: agreeing.reduce((sum, opinion) => sum + opinion.weight, 0) }
  }

  #hearingOf({ cid, receipt }: ArchivedTask): Hearing {
    const { random, isDoubted } = this.#modules
    const known = this.#hearings.get(cid)
    const isDoubtful = isDoubted(receipt.provider, receipt.model)
    if (known !== undefined) {
      known.wantsSecond ||= isDoubtful
      return known
    }
    const hearing = { opinions: [], wantsSecond: isDoubtful || random() < SECOND_SHARE }
    this.#hearings.set(cid, hearing)
    if (this.#hearings.size > MAX_HEARINGS) this.#hearings.delete(this.#hearings.keys().next().value!)
    return hearing
  }

  #rest(who: string, forMs: number): void {
    this.#resting.delete(who)
    this.#resting.set(who, this.#modules.clock.nowMs() + forMs)
    if (this.#resting.size > MAX_RESTING) this.#resting.delete(this.#resting.keys().next().value!)
  }

  #isResting(who: string): boolean {
    return (this.#resting.get(who) ?? 0) > this.#modules.clock.nowMs()
  }
}

/** Whether enough was heard: one word for the provider, unless another is wanted; two that agree; or three. */
function isHeard({ opinions, wantsSecond }: Hearing): boolean {
  if (opinions.length === 0) return false
  if (opinions.length >= MAX_OPINIONS) return true
  if (opinions.length === 1) return opinions[0]!.stance !== 'against' && !wantsSecond
  const [against, good] = [side(opinions, 'against'), side(opinions, 'for')]
  return against.length === 0 || (good.length === 0 && against.length === opinions.length)
}

function side(opinions: readonly Opinion[], stance: Opinion['stance']): Opinion[] {
  return opinions.filter(opinion => opinion.stance === stance)
}

function isUsable({ receipt, request, tokens }: ArchivedTask): boolean {
  return (
    tokens.length >= MIN_CANARY_TOKENS && receipt.sampler === 'gumbel-64/1' && request.jsonSchema === null
  )
}

/** @throws {ProtocolError} where it is not the auditor's word on this job, or not on the engine it offers */
function reportOf(
  record: Uint8Array,
  {
    auditor,
    expected,
    offer,
    listed,
    tokens,
  }: {
    auditor: NodeKey
    expected: CidString
    offer: KnownOffer
    listed: { quantization: string }
    tokens: number
  },
): AuditReport {
  const { body } = openRecordOf(auditScoresMessage, record, auditor, verifyEd25519Natively)
  if (body.job !== expected) throw new ProtocolError('SCHEMA_MISMATCH', 'the scores are of another job')
  // Else it could choose a pair of engines for which there is no baseline.
  if (body.backend !== offer.offer.backend || body.quantization !== listed.quantization)
    throw new ProtocolError('SCHEMA_MISMATCH', 'the scores are not of the engine that is offered')
  const scored: ScoredOutput = unpackScores(body, tokens)
  const { backend, quantization, chatTemplate } = body
  return { scored, backend, quantization, chatTemplate, auditor }
}
