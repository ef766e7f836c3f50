import { isShoalError } from '../../../protocol/errors.ts'
import type { NodeSigner } from '../../../protocol/identity.ts'
import type { Address, Bytes32, CidString, NodeKey } from '../../../protocol/ids.ts'
import type { AuditEventDetails } from '../../../protocol/messages/audit-event.ts'
import { rosterDigest } from '../../../protocol/messages/learning/aggregate-proposal.ts'
import type { BlobRef } from '../../../protocol/messages/learning/blob-ref.ts'
import {
  hiddenValidation,
  type LossPair,
  MAX_VALIDATION_SETS,
} from '../../../protocol/messages/learning/common.ts'
import type { VoteReason } from '../../../protocol/messages/learning/round-vote.ts'
import { updateCommitment } from '../../../protocol/messages/learning/update-commitment.ts'
import type { RevealedValidation } from '../../../protocol/messages/learning/update-reveal.ts'
import { createRecord } from '../../../protocol/signed.ts'
import type { Clock, Timer } from '../../clock.ts'
import type { Logger } from '../../log.ts'
import { isRegression } from '../acceptance/quorum.ts'
import type { KnownStake } from '../known-stake.ts'
import { adapterVersionOf } from './adapter-version-of.ts'
import { type Admission, admit } from './admission.ts'
import { Gathering } from './gathering.ts'
import type { OwnPart, RoundBook } from './round-book.ts'
import { advance, candidate, wakeAtMs } from './round-machine.ts'
import { definitionOf, type RoundBodies, type RoundRecord, roundRecord } from './round-record.ts'
import type { ProposalBasis, RoundEffect, RoundFault, RoundInput, RoundState } from './round-state.ts'
import type { RevealedUpdate, RoundContext, RoundParts, RoundTrainingProgress } from './seams.ts'

export interface RoundRunnerModules {
  book: RoundBook
  parts: RoundParts
  signer: NodeSigner
  wallet: Address
  clock: Clock
  log: Logger
  randomSalt: () => Bytes32
  stakeOf: KnownStake
  /** Brings a record to others. */
  announce: (bytes: Uint8Array) => Promise<void>
  /** Gets records that others named. */
  ask: (round: CidString, records: readonly CidString[]) => Promise<void>
  /** Lowers the score of who did wrong. */
  blame: (fault: RoundFault, round: CidString) => Promise<void>
  /** Told after each change. */
  onChange: (runner: RoundRunner) => void
}

/** Until what could not be done is tried again; doubles with each failure. */
const RETRY_MS = 1_000
const MAX_RETRY_MS = 15_000
/** Points of a training curve that are kept. */
const MAX_CURVE_POINTS = 240

/**
 * Drives one round: brings what comes to disk, asks the machine what is to be done, does it with the parts, and brings what comes
 * of it to disk before anybody hears of it. One thing at a time changes the state; work goes on beside it.
 */
export class RoundRunner {
  readonly #modules: RoundRunnerModules
  readonly #gathering: Gathering
  /** Bytes of all records, for those who ask. */
  readonly #bytes = new Map<CidString, Uint8Array>()
  /** Own records, in the order in which they were made. */
  readonly #ownRecords: CidString[] = []
  readonly #running = new Set<string>()
  readonly #failures = new Map<string, { times: number; retryAtMs: number }>()
  readonly #abort = new AbortController()
  readonly #work = new Set<Promise<void>>()
  #curve: RoundTrainingProgress[] = []
  #state: RoundState
  #own: OwnPart = { validation: [], update: null }
  #queue: Promise<void> = Promise.resolve()
  #aggregating: Promise<unknown> = Promise.resolve()
  #timer: Timer | null = null
  #isStopped = false

  constructor(state: RoundState, manifest: Uint8Array, modules: RoundRunnerModules) {
    this.#state = state
    this.#modules = modules
    this.#gathering = new Gathering({ blobs: modules.parts.blobs, log: modules.log })
    this.#bytes.set(state.round, manifest)
  }

  get state(): RoundState {
    return this.#state
  }

  /** Own training so far, thinned out. */
  get curve(): readonly RoundTrainingProgress[] {
    return this.#curve
  }

  /** CIDs of all records, the manifest's too. */
  records(): CidString[] {
    return [...this.#bytes.keys()]
  }

  record(cid: CidString): Uint8Array | null {
    return this.#bytes.get(cid) ?? null
  }

  /** Bytes of what this node said in the round. */
  ownRecords(): Uint8Array[] {
    return this.#ownRecords.map(cid => this.#bytes.get(cid)!)
  }

  /** Goes through what is on disk without doing anything of it anew, then goes on from there. */
  async start(stored: AsyncIterable<{ record: RoundRecord; atMs: number }>): Promise<void> {
    const { book, clock, parts } = this.#modules
    const { round, self } = this.#state
    this.#own = await book.own(round)
    const known = book.rounds().get(round)
    const standings = new Map(known?.standings.map(({ node, isStaked }) => [node, isStaked]))
    if (this.#own.update !== null) this.#replay({ kind: 'trained', isReady: true }, this.#state.heardAtMs)
    for await (const { record, atMs } of stored) {
      if (admit(this.#state, record) === 'known') continue
      this.#remember(record)
      this.#replay({ kind: 'record', record }, atMs)
      const isStaked = standings.get(record.record.signer)
      if (record.kind === 'join' && isStaked !== undefined)
        this.#replay({ kind: 'standing', node: record.record.signer, isStaked }, atMs)
    }
    for (const { node, fault, about } of known?.reported ?? [])
      this.#replay({ kind: 'reported', node, fault, about: about as RoundFault['about'] }, clock.nowMs())
    if (this.#state.members.get(self)?.reveal != null) this.#provideOwn(parts)
    for (const ref of this.#shared()) if (parts.blobs.path(ref) !== null) parts.blobs.provide(ref)
    await this.#advance({ kind: 'tick' })
  }

  /** What would become of a record now. */
  admission(record: RoundRecord): Admission {
    return admit(this.#state, record)
  }

  /** Takes a record of another node; on disk when this resolves, if it is kept. */
  take(incoming: RoundRecord): Promise<Admission> {
    return this.#inOrder(async () => {
      const admission = admit(this.#state, incoming)
      if (admission !== 'new' && admission !== 'contradiction') return admission
      const { book, clock } = this.#modules
      const stored = { bytes: incoming.record.bytes, atMs: clock.nowMs() }
      if (!(await book.add(this.#state.round, stored))) return 'enough'
      this.#remember(incoming)
      this.#apply({ kind: 'record', record: incoming })
      return admission
    })
  }

  /** Takes part, or leaves it, as long as it has not joined. */
  want(isWanted: boolean): Promise<void> {
    return this.#inOrder(async () => {
      await this.#modules.book.change(this.#state.round, { isWanted })
      this.#apply({ kind: 'wanted', isWanted })
    })
  }

  /** Looks at the time and the chain again. */
  tick(): Promise<void> {
    return this.#advance({ kind: 'tick' })
  }

  /** Ends all work; idempotent. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.cancel()
    this.#abort.abort()
    await Promise.allSettled([this.#queue, ...this.#work])
  }

  #replay(input: RoundInput, atMs: number): void {
    this.#state = advance(this.#state, input, atMs).state
  }

  #advance(input: RoundInput): Promise<void> {
    return this.#inOrder(async () => this.#apply(input))
  }

  #inOrder<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(change)
    this.#queue = done.then(
      () => {},
      () => {},
    )
    return done
  }

  #apply(input: RoundInput): void {
    if (this.#isStopped) return
    const nowMs = this.#modules.clock.nowMs()
    const { state, effects } = advance(this.#state, input, nowMs)
    this.#state = state
    const due = new Set(effects.map(keyOf))
    for (const key of this.#failures.keys()) if (!due.has(key)) this.#failures.delete(key)
    for (const effect of effects) this.#begin(effect, nowMs)
    this.#modules.onChange(this)
    this.#setTimer()
  }

  #setTimer(): void {
    this.#timer?.cancel()
    if (this.#isStopped) return
    const { clock } = this.#modules
    const nowMs = clock.nowMs()
    const retries = [...this.#failures.values()].map(({ retryAtMs }) => retryAtMs)
    const wake = wakeAtMs(this.#state, nowMs)
    const times = [...(wake === null ? [] : [wake]), ...retries.filter(time => time > nowMs)]
    if (times.length === 0) return
    this.#timer = clock.setTimer(() => void this.tick(), Math.max(1, Math.min(...times) - nowMs))
  }

  /** Begins what is to be done, unless it is being done or has just failed. */
  #begin(effect: RoundEffect, nowMs: number): void {
    const key = keyOf(effect)
    if (this.#running.has(key)) return
    const failure = this.#failures.get(key)
    if (failure !== undefined && nowMs < failure.retryAtMs) return
    this.#running.add(key)
    const work = this.#do(effect)
      .then(
        isDone => this.#ended(key, isDone),
        (error: unknown) => {
          if (this.#abort.signal.aborted) return
          const { round } = this.#state
          this.#modules.log.warn({ err: error, round, effect: effect.kind }, 'a step of a round failed')
          this.#ended(key, false)
        },
      )
      .finally(() => {
        this.#running.delete(key)
        this.#work.delete(work)
        if (!this.#isStopped) void this.tick()
      })
    this.#work.add(work)
  }

  #ended(key: string, isDone: boolean): void {
    if (isDone) {
      this.#failures.delete(key)
      return
    }
    const times = (this.#failures.get(key)?.times ?? 0) + 1
    // The chain tells soon, or is told of by nobody.
    const doublings = key.startsWith('standing') || key === 'join' ? 0 : times - 1
    const delayMs = Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** doublings)
    this.#failures.set(key, { times, retryAtMs: this.#modules.clock.nowMs() + delayMs })
  }

  /** @returns whether it was done; false has it tried again later */
  async #do(effect: RoundEffect): Promise<boolean> {
    switch (effect.kind) {
      case 'check-standing':
        return this.#checkStanding(effect)
      case 'join':
        return this.#join()
      case 'train':
        return this.#train()
      case 'commit':
        return this.#commit()
      case 'reveal':
        return this.#reveal()
      case 'score':
        return this.#score(effect.updates)
      case 'propose':
        return this.#propose(effect.attempt, effect.basis)
      case 'check':
        return this.#check(effect.proposal)
      case 'vote':
        return this.#vote(effect.proposal)
      case 'publish':
        return this.#publish()
      case 'ask':
        await this.#modules.ask(this.#state.round, effect.records)
        // What did not come is asked for again, of others.
        return false
      case 'report':
        return this.#report(effect.fault)
    }
  }

  #isStaked(node: NodeKey): boolean | null {
    const member = this.#state.members.get(node)
    if (member === undefined) return null
    const { wallet, stake } = member.join.body
    const actual = this.#modules.stakeOf(node, wallet, stake)
    return actual === null ? null : actual >= stake
  }

  async #checkStanding({ node, isAgain }: { node: NodeKey; isAgain: boolean }): Promise<boolean> {
    const isStaked = this.#isStaked(node)
    if (isStaked === null || (isAgain && !isStaked)) return false
    const { book } = this.#modules
    const { round } = this.#state
    await this.#inOrder(async () => {
      const before = book.rounds().get(round)?.standings ?? []
      const standings = [...before.filter(other => other.node !== node), { node, isStaked }]
      await book.change(round, { standings })
      this.#apply({ kind: 'standing', node, isStaked })
    })
    return true
  }

  async #join(): Promise<boolean> {
    const { parts, wallet, stakeOf } = this.#modules
    const { round, manifest, self } = this.#state
    const stake = stakeOf(self, wallet, manifest.leastStake)
    if (stake === null || stake < manifest.leastStake || stake === 0n) return false
    const domain = (await parts.trainer?.domainFor(manifest)) ?? manifest.domain
    const sets = (await parts.validation?.sets(manifest)) ?? []
    const validation: RevealedValidation[] = []
    for (const set of sets.slice(0, MAX_VALIDATION_SETS)) {
      const blob = await parts.blobs.keep(set.path, { holder: round, provided: false })
      validation.push({ blob, domain: set.domain })
    }
    const hidden = validation.map(({ blob, domain }) => hiddenValidation(blob.digest, domain))
    const body = { version: 1, round, wallet, stake, domain, validation: hidden } as const
    const event = { kind: 'round.joined', v: 1, round, stake } as const
    const isSaid = await this.#say('join', body, { events: [event], own: { ...this.#own, validation } })
    // The proposer may go: what it alone has is soon with all members.
    const { signal } = this.#abort
    const proposer = [this.#state.proposer]
    await Promise.all(this.#shared().map(ref => this.#gathering.blob(this.#state, ref, proposer, signal)))
    return isSaid
  }

  /** Blobs that the manifest names and members need. */
  #shared(): BlobRef[] {
    const { general, parent, trusted } = this.#state.manifest
    return [general, parent?.adapter ?? null, trusted].filter(ref => ref !== null)
  }

  async #train(): Promise<boolean> {
    const { parts, clock, randomSalt } = this.#modules
    const { round, manifest } = this.#state
    const { trainer } = parts
    if (trainer === null || (await trainer.domainFor(manifest)) === null) {
      await this.#advance({ kind: 'trained', isReady: false })
      return true
    }
    const context = await this.#context()
    if (context === null) return false
    const late = new AbortController()
    const timer = clock.setTimer(() => late.abort(), Math.max(1, manifest.deadlines.trainMs - clock.nowMs()))
    try {
      const trained = await trainer.train(context, {
        signal: AbortSignal.any([this.#abort.signal, late.signal]),
        onProgress: progress => this.#progressed(progress),
      })
      const { encoding, privacy, tokens, domain } = trained
      const blob = await parts.blobs.keep(trained.path, { holder: round, provided: false })
      const update = { blob, salt: randomSalt(), encoding, domain, privacy, tokens }
      await this.#inOrder(async () => {
        const own = { ...this.#own, update }
        await this.#modules.book.keepOwn(round, own)
        this.#own = own
        this.#apply({ kind: 'trained', isReady: true })
      })
      return true
    } catch (error) {
      if (this.#abort.signal.aborted) throw error
      if (!late.signal.aborted) throw error
      await this.#advance({ kind: 'trained', isReady: false })
      return true
    } finally {
      timer.cancel()
    }
  }

  #progressed(progress: RoundTrainingProgress): void {
    this.#curve.push(progress)
    if (this.#curve.length > MAX_CURVE_POINTS) this.#curve = this.#curve.filter((_, index) => index % 2 === 0)
    this.#modules.onChange(this)
  }

  async #commit(): Promise<boolean> {
    const { update } = this.#own
    const { round, self } = this.#state
    if (update === null) throw new Error('nothing to commit to')
    const commitment = updateCommitment({
      ...{ round, author: self, update: update.blob.digest, salt: update.salt },
    })
    const events = [{ kind: 'round.committed', v: 1, round, commitment }] as const
    return this.#say('commitment', { version: 1, round, commitment }, { events })
  }

  async #reveal(): Promise<boolean> {
    const { update, validation } = this.#own
    const { round, self } = this.#state
    const { join, commitment } = this.#state.members.get(self)!
    if (update === null || commitment === null) throw new Error('nothing to reveal')
    const { blob, salt, encoding, privacy, tokens } = update
    this.#provideOwn(this.#modules.parts)
    const events = [{ kind: 'round.revealed', v: 1, round, update: blob.digest }] as const
    return this.#say(
      'reveal',
      {
        ...{ version: 1, round, commitment: commitment.cid, update: blob, encoding, salt, privacy, tokens },
        ...{ domain: join.body.domain, validation },
      },
      { events },
    )
  }

  #provideOwn({ blobs }: RoundParts): void {
    const { update, validation } = this.#own
    if (update !== null) blobs.provide(update.blob)
    for (const { blob } of validation) blobs.provide(blob)
  }

  async #score(updates: readonly CidString[]): Promise<boolean> {
    const { scorer } = this.#modules.parts
    const { round, self } = this.#state
    if (scorer === null) return false
    const context = await this.#context()
    if (context === null) return false
    const { signal } = this.#abort
    const [revealed, texts] = await Promise.all([
      this.#gathering.updates(this.#state, updates, signal).then(all => this.#unpacked(context, all)),
      this.#gathering.texts(this.#state, signal),
    ])
    const entries = await scorer.score(context, { updates: revealed, texts, self }, signal)
    return this.#say('scores', { version: 1, round, entries })
  }

  async #propose(attempt: number, basis: ProposalBasis): Promise<boolean> {
    const made = await this.#aggregate(basis.inputs)
    if (made === null) return false
    const { round } = this.#state
    const { adapter, discardedEnergy } = made
    const body = { version: 1, round, attempt, ...basis, adapter, discardedEnergy } as const
    const isSaid = await this.#say('proposal', body)
    const own = this.#state.proposals.findLast(({ signer }) => signer === this.#state.self)
    if (isSaid && own !== undefined) await this.#advance({ kind: 'checked', proposal: own.cid, isSame: true })
    return isSaid
  }

  async #check(cid: CidString): Promise<boolean> {
    const proposal = this.#state.proposals.find(other => other.cid === cid)
    if (proposal === undefined) return true
    const made = await this.#aggregate(proposal.body.inputs)
    if (made === null) return false
    const isSame = made.adapter.digest === proposal.body.adapter.digest
    await this.#advance({ kind: 'checked', proposal: cid, isSame })
    return true
  }

  /** Makes the adapter of some inputs and lets others have it; null while not all can be had. */
  async #aggregate(inputs: ProposalBasis['inputs']) {
    const { aggregator, blobs } = this.#modules.parts
    const { round } = this.#state
    if (aggregator === null) return null
    const context = await this.#context()
    if (context === null) return null
    const { signal } = this.#abort
    const named = inputs.map(({ update }) => update)
    const fetched = await this.#gathering.updates(this.#state, named, signal)
    const updates = await this.#unpacked(context, fetched)
    if (updates.some(({ path }) => path === null)) return null
    const weighted = updates.map((update, index) => ({ ...update, weight: inputs[index]!.weight }))
    // One after the other: of two at once, one's file could be taken for the other's, and somebody blamed for it.
    const made = this.#aggregating.then(async () => {
      const { path, discardedEnergy } = await aggregator.aggregate(context, weighted, signal)
      return { adapter: await blobs.keep(path, { holder: round, provided: true }), discardedEnergy }
    })
    this.#aggregating = made.catch(() => {})
    return made
  }

  /** What cannot be unpacked stays as it came: whoever looks into it says what it is. */
  async #unpacked(context: RoundContext, updates: readonly RevealedUpdate[]): Promise<RevealedUpdate[]> {
    const { unpack } = this.#modules.parts
    if (unpack === null) return [...updates]
    const unpacked: RevealedUpdate[] = []
    for (const update of updates) {
      const path =
        update.path === null
          ? null
          : await unpack(context, update.path).catch((error: unknown) => {
              if (!isShoalError(error)) throw error
              return update.path
            })
      unpacked.push({ ...update, path })
    }
    return unpacked
  }

  async #vote(cid: CidString): Promise<boolean> {
    const { judge, blobs } = this.#modules.parts
    const { round, manifest, self } = this.#state
    const proposal = this.#state.proposals.find(other => other.cid === cid)
    if (judge === null || proposal === undefined) return false
    const context = await this.#context()
    const path = blobs.path(proposal.body.adapter)
    if (context === null || path === null) return false
    const { signal } = this.#abort
    const texts = await this.#gathering.texts(this.#state, signal)
    const generalPath =
      manifest.general === null
        ? null
        : await this.#gathering.blob(this.#state, manifest.general, [this.#state.proposer], signal)
    const { loss, general } = await judge.measure(context, { path, texts, generalPath }, signal)
    const reason = voteReason(loss, general, manifest)
    const adapter = proposal.body.adapter.digest
    const accept = reason === 'better'
    const body = { version: 1, round, proposal: cid, adapter, accept, reason, loss, general } as const
    return this.#say(
      'vote',
      { ...body, roster: rosterDigest(proposal.body.roster) },
      {
        events: [{ kind: 'round.voted', v: 1, round, adapter, accept }],
        // While it was measured, this node may have voted, or another may have come to be the one to vote for.
        unless: state => state.members.get(self)?.vote != null || candidate(state)?.cid !== cid,
      },
    )
  }

  async #publish(): Promise<boolean> {
    const { parts, signer } = this.#modules
    const { outcome } = this.#state
    const proposal = this.#state.proposals.find(({ cid }) => cid === outcome?.proposal)
    if (outcome === null || proposal === undefined) return false
    const holders = [proposal.signer]
    const path = await this.#gathering.blob(this.#state, proposal.body.adapter, holders, this.#abort.signal)
    if (path === null) return false
    const body = adapterVersionOf(this.#state, outcome, proposal)
    if (body === null) return false
    const record = createRecord(definitionOf('version'), body, signer)
    // Before it is said that it was: what is accepted twice is accepted once.
    await parts.versions?.accept({ record, path })
    return this.#say('version', body)
  }

  async #report(fault: RoundFault): Promise<boolean> {
    const { book, blame } = this.#modules
    const { round, self } = this.#state
    if (fault.node !== self) await blame(fault, round)
    const { node, kind, about } = fault
    await this.#inOrder(async () => {
      const reported = [...(book.rounds().get(round)?.reported ?? []), { node, fault: kind, about }]
      await book.change(round, { reported })
      this.#apply({ kind: 'reported', node, fault: kind, about })
    })
    return true
  }

  /** What the round goes on from, once it is all here. */
  async #context(): Promise<RoundContext | null> {
    const { round, proposer, manifest } = this.#state
    const { parent, trusted } = manifest
    const { signal } = this.#abort
    const get = (ref: BlobRef | undefined | null) =>
      ref == null ? null : this.#gathering.blob(this.#state, ref, [proposer], signal)
    const [parentPath, trustedPath] = await Promise.all([get(parent?.adapter), get(trusted)])
    if ((parent !== null && parentPath === null) || (trusted !== null && trustedPath === null)) return null
    return { round, proposer, manifest, parentPath, trustedPath }
  }

  /**
   * Says something in the round: signs it, brings it to disk with what it comes of, and only then tells others. What this node has
   * said already is not said a second time.
   */
  #say<Kind extends Exclude<keyof RoundBodies, 'manifest'>>(
    kind: Kind,
    body: RoundBodies[Kind],
    options: {
      events?: readonly AuditEventDetails[]
      own?: OwnPart
      unless?: (state: RoundState) => boolean
    } = {},
  ): Promise<boolean> {
    return this.#inOrder(async () => {
      const { book, signer, clock, announce, log } = this.#modules
      const record = createRecord(definitionOf(kind), body, signer)
      const said = roundRecord(kind, record)
      // An own version may be of a node that is no member.
      const isNew = kind === 'version' ? this.#state.version === null : admit(this.#state, said) === 'new'
      if (!isNew || options.unless?.(this.#state) === true || this.#isStopped) return true
      const { events = [], own } = options
      const stored = { bytes: record.bytes, atMs: clock.nowMs() }
      const isKept = await book.add(this.#state.round, stored, {
        ...{ events, isOurs: true },
        ...(own === undefined ? {} : { own }),
      })
      if (!isKept) return false
      if (own !== undefined) this.#own = own
      this.#remember(said)
      this.#apply({ kind: 'record', record: said })
      if (!this.#state.members.has(this.#state.self)) return true
      announce(record.bytes).catch((error: unknown) => {
        if (!isShoalError(error)) log.debug({ err: error }, 'a record of ours was not announced yet')
      })
      return true
    })
  }

  #remember({ record }: RoundRecord): void {
    this.#bytes.set(record.cid, record.bytes)
    if (record.signer === this.#state.self) this.#ownRecords.push(record.cid)
  }
}

/** Effects of one key are never under way twice. */
function keyOf(effect: RoundEffect): string {
  switch (effect.kind) {
    case 'check-standing':
      return `${effect.isAgain ? 'again' : 'standing'} ${effect.node}`
    case 'check':
      return `check ${effect.proposal}`
    case 'propose':
      return `propose ${effect.attempt}`
    case 'ask':
      return `ask ${effect.records.join(' ')}`
    case 'report':
      return `report ${effect.fault.node} ${effect.fault.kind} ${effect.fault.about}`
    default:
      return effect.kind
  }
}

function voteReason(
  loss: LossPair,
  general: LossPair | null,
  terms: { regressionTolerance: number },
): VoteReason {
  if (loss.after >= loss.before) return 'worse'
  return general !== null && isRegression(general, terms) ? 'regression' : 'better'
}
