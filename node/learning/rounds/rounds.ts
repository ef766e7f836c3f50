import { isShoalError } from '../../../protocol/errors.ts'
import type { NodeSigner } from '../../../protocol/identity.ts'
import type { Address, Bytes32, CidString, NodeKey } from '../../../protocol/ids.ts'
import {
  type RoundManifest,
  roundManifestMessage,
} from '../../../protocol/messages/learning/round-manifest.ts'
import { createRecord, openRecord, type SignedRecord } from '../../../protocol/signed.ts'
import { type Clock, repeat, type Timer } from '../../clock.ts'
import { verifyEd25519Natively } from '../../ed25519.ts'
import type { Logger } from '../../log.ts'
import type { Violation } from '../../p2p/errors.ts'
import type { GossipVerdict, P2PHost } from '../../p2p/host.ts'
import { QuotaMeter } from '../../p2p/quota.ts'
import type { KnownStake } from '../known-stake.ts'
import { RoundError } from './errors.ts'
import type { JoinPolicy } from './join-policy.ts'
import type { RoundPhase } from './phases.ts'
import { learningTopic } from './protocols.ts'
import type { RoundBook, RoundEnd, StoredRecord, StoredRound } from './round-book.ts'
import { isOver } from './round-machine.ts'
import { openRoundRecord, type RoundRecord } from './round-record.ts'
import { RoundRunner } from './round-runner.ts'
import { newRound, type RoundFault, type RoundState } from './round-state.ts'
import { RoundSync } from './round-sync.ts'
import type { RoundParts, RoundTrainingProgress } from './seams.ts'

export interface RoundsOptions {
  join: JoinPolicy
  /** What a proposer must have at stake, base units. */
  proposerStake: bigint
  /** How often a peer is asked what it knows, ms. */
  syncEveryMs?: number
}

export interface RoundsModules {
  host: Pick<P2PHost, 'nodeKey' | 'subscribe' | 'publish' | 'serve' | 'request' | 'peers' | 'on' | 'off'>
  book: RoundBook
  parts: RoundParts
  signer: NodeSigner
  wallet: Address
  clock: Clock
  log: Logger
  random: () => number
  randomSalt: () => Bytes32
  stakeOf: KnownStake
  isWelcome: (peer: NodeKey) => boolean
  onViolation: (peer: NodeKey, violation: Violation) => void
  /** Told when a round comes to another phase, and when it is over. */
  onPhase?: (state: RoundState) => void
  /** Told of each fault of a member, once. */
  onFault?: (fault: RoundFault, round: CidString) => void
}

/** A round as this node knows it. */
export interface KnownRound {
  state: RoundState
  /** Own training so far. */
  curve: readonly RoundTrainingProgress[]
}

/** A round that is over, as it is remembered. */
export interface PastRound {
  round: CidString
  name: string
  end: RoundEnd | null
}

const SYNC_EVERY_MS = 10_000
/** Longer than gossip remembers what it has seen. */
const ANNOUNCE_EVERY_MS = 125_000
const HOUSEKEEPING_MS = 5_000
/** All that a member says in some rounds, and what it repeats. */
const SIGNER_QUOTA = { burst: 64, perSecond: 0.5 }
/** Of all together: each costs a signature. */
const QUOTA = { burst: 512, perSecond: 20 }
/** Rounds whose proposer's stake the chain has not told yet. */
const MAX_PENDING = 32
/** A peer is asked about one round that we do not know so often. */
const UNKNOWN_QUOTA = { burst: 4, perSecond: 0.2 }
/** Members asked for what is missing. */
const ASKED_PEERS = 3

/** The rounds of learning that this node knows of, and its part in them. */
export class Rounds {
  readonly #options: Required<RoundsOptions>
  readonly #modules: RoundsModules
  readonly #sync: RoundSync
  readonly #perSigner: QuotaMeter
  readonly #all: QuotaMeter
  readonly #unknown: QuotaMeter
  readonly #runners = new Map<CidString, RoundRunner>()
  readonly #pending = new Map<CidString, SignedRecord<RoundManifest>>()
  readonly #phases = new Map<CidString, RoundPhase>()
  readonly #timers: Timer[] = []
  readonly #abort = new AbortController()
  readonly #onPeer = (peer: NodeKey) => void this.#sync.with(peer, this.#abort.signal)
  #opening: Promise<void> = Promise.resolve()
  readonly #work = new Set<Promise<unknown>>()

  constructor(options: RoundsOptions, modules: RoundsModules) {
    this.#options = { syncEveryMs: SYNC_EVERY_MS, ...options }
    this.#modules = modules
    this.#perSigner = new QuotaMeter(SIGNER_QUOTA, modules)
    this.#all = new QuotaMeter(QUOTA, modules)
    this.#unknown = new QuotaMeter(UNKNOWN_QUOTA, modules)
    this.#sync = new RoundSync({
      ...{ host: modules.host, log: modules.log, isWelcome: modules.isWelcome },
      rounds: () =>
        [...this.#runners].filter(([, runner]) => !this.#isPast(runner.state)).map(([cid]) => cid),
      records: round => this.#runners.get(round)?.records() ?? [],
      record: (round, cid) => this.#runners.get(round)?.record(cid) ?? null,
      take: async (bytes, from) => {
        await this.#takeGiven(bytes, from)
      },
    })
  }

  /** Goes on with the rounds on disk, then hears and tells. */
  async start(): Promise<void> {
    const { book, host, clock, log } = this.#modules
    await book.start()
    for (const [round, stored] of book.rounds()) {
      if (stored.end === null || clock.nowMs() < stored.publishMs) await this.#resume(round, stored)
    }
    host.subscribe(learningTopic, (bytes, from) => this.take(bytes, from))
    await this.#sync.start()
    host.on('peer', this.#onPeer)
    const quietly = (task: () => Promise<void>) => () =>
      task().catch((error: unknown) => log.warn({ err: error }, 'rounds could not be looked after'))
    this.#timers.push(
      repeat(
        clock,
        this.#options.syncEveryMs,
        quietly(() => this.#syncWithSomebody()),
      ),
      repeat(
        clock,
        ANNOUNCE_EVERY_MS,
        quietly(() => this.#repeatOwn()),
      ),
      repeat(
        clock,
        HOUSEKEEPING_MS,
        quietly(() => this.#keepHouse()),
      ),
    )
  }

  /** Rounds that are going on, and those over a short while ago; the newest first. */
  list(): KnownRound[] {
    return [...this.#runners.values()]
      .map(({ state, curve }) => ({ state, curve }))
      .sort((a, b) => b.state.heardAtMs - a.state.heardAtMs)
  }

  /** @throws {RoundError} ROUND_UNKNOWN */
  get(round: CidString): KnownRound {
    const { state, curve } = this.#runner(round)
    return { state, curve }
  }

  /** Rounds remembered that are not in `list` any more; the newest first. */
  past(): PastRound[] {
    return [...this.#modules.book.rounds()]
      .filter(([round]) => !this.#runners.has(round))
      .sort((a, b) => b[1].heardAtMs - a[1].heardAtMs)
      .map(([round, { manifest, end }]) => {
        const { body } = openRecord(roundManifestMessage, manifest, () => true)
        return { round, name: body.name, end }
      })
  }

  /**
   * Proposes a round and takes part in it.
   * @returns its id
   * @throws {RoundError} STAKE_TOO_LOW, TOO_MANY_ROUNDS, BAD_PROPOSAL
   */
  async propose(manifest: RoundManifest, options: { join?: boolean } = {}): Promise<CidString> {
    const { signer, book, clock, host, wallet, stakeOf } = this.#modules
    const least = this.#leastProposerStake(manifest)
    const stake = stakeOf(host.nodeKey, wallet, least)
    if (stake === null || stake < least || manifest.wallet !== wallet) {
      throw new RoundError('STAKE_TOO_LOW', 'a proposer needs a stake, and a wallet that declares its node', {
        fix: 'Stake first: shoal stake add 10.',
      })
    }
    const nowMs = clock.nowMs()
    if (manifest.deadlines.joinMs <= nowMs) {
      throw new RoundError('BAD_PROPOSAL', 'the time to join lies in the past', {
        fix: 'Give later deadlines.',
      })
    }
    const record = createRecord(roundManifestMessage, manifest, signer)
    const round = record.cid
    const isWanted = options.join !== false
    await book.open(
      round,
      {
        ...{ manifest: record.bytes, heardAtMs: nowMs, isWanted },
        publishMs: manifest.deadlines.publishMs,
      },
      [{ kind: 'round.proposed', v: 1, round }],
    )
    await this.#resume(round, book.rounds().get(round)!)
    await this.#announce(record.bytes)
    return round
  }

  /**
   * Takes part in a round as soon as it can.
   * @throws {RoundError} ROUND_UNKNOWN, ROUND_CLOSED, ALREADY_JOINED, STAKE_TOO_LOW, NO_DATA
   */
  async join(round: CidString): Promise<void> {
    const { clock, host, wallet, stakeOf, parts } = this.#modules
    const runner = this.#runner(round)
    const { state } = runner
    if (state.members.has(host.nodeKey)) {
      throw new RoundError('ALREADY_JOINED', 'this node takes part already')
    }
    if (state.phase !== 'announce' || clock.nowMs() >= state.manifest.deadlines.joinMs) {
      throw new RoundError('ROUND_CLOSED', 'the time to join has passed', {
        fix: 'Wait for the next one: shoal learn rounds.',
      })
    }
    const stake = stakeOf(host.nodeKey, wallet, state.manifest.leastStake)
    if (stake === null || stake === 0n || stake < state.manifest.leastStake) {
      throw new RoundError('STAKE_TOO_LOW', 'too little is at stake to take part', {
        fix: 'Stake more: shoal stake add 10.',
        details: { needed: String(state.manifest.leastStake), stake: String(stake ?? 0n) },
      })
    }
    if (((await parts.trainer?.domainFor(state.manifest)) ?? null) === null) {
      throw new RoundError('NO_DATA', `there is no data here of the domain ${state.manifest.domain}`, {
        fix: `Add some: shoal learn add <folder> --domain ${state.manifest.domain}.`,
      })
    }
    await runner.want(true)
  }

  /** Takes a record from gossip. */
  take(bytes: Uint8Array, from: NodeKey | null): GossipVerdict {
    const { host, isWelcome, clock } = this.#modules
    let incoming: RoundRecord
    try {
      incoming = openRoundRecord(bytes, verifyEd25519Natively)
    } catch (error) {
      if (isShoalError(error)) return 'reject'
      throw error
    }
    const { signer } = incoming.record
    if (signer === host.nodeKey || !isWelcome(signer)) return 'ignore'
    if (!this.#perSigner.take(signer) || !this.#all.take('all')) return 'ignore'
    if (incoming.kind === 'manifest') {
      if (incoming.record.body.deadlines.publishMs <= clock.nowMs()) return 'ignore'
      this.#hold(incoming.record)
      return 'accept'
    }
    const runner = this.#runners.get(incoming.round)
    if (runner === undefined) {
      this.#askAbout(incoming.round, from)
      return 'ignore'
    }
    const admission = runner.admission(incoming)
    if (admission === 'stranger') this.#askAbout(incoming.round, from)
    if (admission === 'known') return 'accept'
    if (admission !== 'new' && admission !== 'contradiction') return 'ignore'
    this.#track(runner.take(incoming), 'a record of a round could not be kept')
    return 'accept'
  }

  /** Looks again at what waits for the chain. */
  reconsider(): void {
    for (const manifest of [...this.#pending.values()]) this.#hold(manifest)
    for (const runner of this.#runners.values()) void runner.tick()
  }

  /** Idempotent; what was taken is on disk when it resolves. */
  async stop(): Promise<void> {
    this.#abort.abort()
    this.#modules.host.off('peer', this.#onPeer)
    for (const timer of this.#timers.splice(0)) timer.cancel()
    await this.#opening
    await Promise.allSettled(this.#work)
    await Promise.all([...this.#runners.values()].map(runner => runner.stop()))
    this.#runners.clear()
  }

  #runner(round: CidString): RoundRunner {
    const runner = this.#runners.get(round)
    if (runner !== undefined) return runner
    throw new RoundError('ROUND_UNKNOWN', 'this node does not know that round', {
      fix: 'See which there are: shoal learn rounds.',
    })
  }

  /** Takes what a peer gave when asked. */
  async #takeGiven(bytes: Uint8Array, from: NodeKey): Promise<void> {
    let incoming: RoundRecord
    try {
      incoming = openRoundRecord(bytes, verifyEd25519Natively)
    } catch (error) {
      if (!isShoalError(error)) throw error
      this.#modules.onViolation(from, 'bad_record')
      return
    }
    if (incoming.kind === 'manifest') {
      this.#hold(incoming.record)
      await this.#opening
      return
    }
    await this.#runners.get(incoming.round)?.take(incoming)
  }

  /** Opens a round as soon as its proposer is known to have the stake for it. */
  #hold(record: SignedRecord<RoundManifest>): void {
    const { stakeOf, clock, book, log } = this.#modules
    const { cid, body, signer } = record
    if (this.#runners.has(cid) || book.rounds().has(cid) || body.deadlines.publishMs <= clock.nowMs()) {
      this.#pending.delete(cid)
      return
    }
    const least = this.#leastProposerStake(body)
    const stake = stakeOf(signer, body.wallet, least)
    if (stake === null) {
      if (this.#pending.size < MAX_PENDING) this.#pending.set(cid, record)
      return
    }
    this.#pending.delete(cid)
    if (stake < least) {
      log.debug({ round: cid }, 'a round was proposed by who has not the stake for it')
      return
    }
    this.#opening = this.#opening
      .then(() => this.#open(record))
      .catch((error: unknown) => log.warn({ err: error, round: cid }, 'a round could not be kept'))
  }

  #leastProposerStake({ leastStake }: RoundManifest): bigint {
    const { proposerStake } = this.#options
    return leastStake > proposerStake ? leastStake : proposerStake
  }

  async #open({ cid, body, bytes }: SignedRecord<RoundManifest>): Promise<void> {
    const { book, clock, parts } = this.#modules
    if (this.#runners.has(cid) || this.#abort.signal.aborted) return
    const isWanted =
      this.#options.join === 'auto' && ((await parts.trainer?.domainFor(body)) ?? null) !== null
    await book.open(cid, {
      ...{ manifest: bytes, heardAtMs: clock.nowMs(), isWanted },
      publishMs: body.deadlines.publishMs,
    })
    await this.#resume(cid, book.rounds().get(cid)!)
  }

  async #resume(round: CidString, stored: StoredRound): Promise<void> {
    const { book, parts, signer, wallet, clock, log, randomSalt, stakeOf, host } = this.#modules
    const manifest = openRecord(roundManifestMessage, stored.manifest, () => true)
    const state = newRound({
      ...{ round, proposer: manifest.signer, manifest: manifest.body, self: host.nodeKey },
      ...{ heardAtMs: stored.heardAtMs, isWanted: stored.isWanted },
    })
    const runner = new RoundRunner(state, stored.manifest, {
      ...{ book, parts, signer, wallet, clock, log, randomSalt, stakeOf },
      announce: bytes => this.#announce(bytes),
      ask: (of, records) => this.#askFor(of, records),
      blame: (fault, of) => this.#blame(fault, of),
      onChange: changed => this.#changed(changed),
    })
    this.#runners.set(round, runner)
    await runner.start(opened(book.records(round)))
  }

  async #announce(bytes: Uint8Array): Promise<void> {
    await this.#modules.host.publish(learningTopic, bytes).catch((error: unknown) => {
      // Gossip has not forgotten it yet, or nobody is there: it is repeated, and peers ask.
      this.#modules.log.debug({ err: error }, 'a record of a round was not gossiped')
    })
  }

  async #repeatOwn(): Promise<void> {
    for (const runner of this.#active()) {
      const { state } = runner
      for (const bytes of runner.ownRecords()) await this.#announce(bytes)
      if (state.proposer === state.self) await this.#announce(runner.record(state.round)!)
    }
  }

  #active(): RoundRunner[] {
    return [...this.#runners.values()].filter(({ state }) => !isOver(state))
  }

  async #syncWithSomebody(): Promise<void> {
    const { host, random, isWelcome } = this.#modules
    const peers = host.peers().filter(isWelcome)
    const peer = peers[Math.floor(random() * peers.length)]
    if (peer !== undefined) await this.#sync.with(peer, this.#abort.signal)
  }

  /** A peer passed on what we cannot place: it knows more than we do. */
  #askAbout(round: CidString, from: NodeKey | null): void {
    if (from === null || !this.#unknown.take(from)) return
    this.#track(this.#sync.round(from, round, this.#abort.signal), 'a peer could not be asked about a round')
  }

  async #askFor(round: CidString, records: readonly CidString[]): Promise<void> {
    const { host, isWelcome, random } = this.#modules
    const members = this.#runners.get(round)?.state.members
    const peers = host.peers().filter(isWelcome)
    const ranked = peers
      .map(peer => ({ peer, rank: (members?.has(peer) ? 0 : 1) + random() / 2 }))
      .sort((a, b) => a.rank - b.rank)
    for (const { peer } of ranked.slice(0, ASKED_PEERS))
      await this.#sync.records(peer, round, records, this.#abort.signal)
  }

  async #blame(fault: RoundFault, round: CidString): Promise<void> {
    this.#modules.onViolation(fault.node, 'bad_record')
    this.#modules.onFault?.(fault, round)
  }

  #changed({ state }: RoundRunner): void {
    const before = this.#phases.get(state.round)
    if (before === state.phase) return
    this.#phases.set(state.round, state.phase)
    this.#modules.onPhase?.(state)
    if (!isOver(state)) return
    const end = { atMs: this.#modules.clock.nowMs(), failure: state.failure }
    this.#track(this.#modules.book.change(state.round, { end }), 'the end of a round could not be kept')
  }

  async #keepHouse(): Promise<void> {
    const { book, clock, parts } = this.#modules
    this.reconsider()
    for (const [round, runner] of [...this.#runners]) {
      if (!isOver(runner.state) || !this.#isPast(runner.state)) continue
      await runner.stop()
      this.#runners.delete(round)
      this.#phases.delete(round)
      await parts.blobs.release(round)
    }
    await book.forgetOld(clock.nowMs())
  }

  #isPast({ manifest }: RoundState): boolean {
    return this.#modules.clock.nowMs() >= manifest.deadlines.publishMs
  }

  #track(work: Promise<unknown>, message: string): void {
    const { log } = this.#modules
    const tracked: Promise<unknown> = work
      .catch((error: unknown) => {
        if (!this.#abort.signal.aborted) log.warn({ err: error }, message)
      })
      .finally(() => this.#work.delete(tracked))
    this.#work.add(tracked)
  }
}

/** What lies on disk was checked before it came there. */
async function* opened(stored: AsyncIterable<StoredRecord>) {
  for await (const { bytes, atMs } of stored) yield { record: openRoundRecord(bytes, () => true), atMs }
}
