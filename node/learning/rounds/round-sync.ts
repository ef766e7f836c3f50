import type { CidString, NodeKey } from '../../../protocol/ids.ts'
import {
  type LearningSyncRequest,
  type LearningSyncResponse,
  MAX_SYNC_RECORDS,
} from '../../../protocol/messages/learning/learning-sync.ts'
import type { Logger } from '../../log.ts'
import { P2PError } from '../../p2p/errors.ts'
import type { P2PHost } from '../../p2p/host.ts'
import { learningSyncProtocol } from './protocols.ts'

export interface RoundSyncModules {
  host: Pick<P2PHost, 'serve' | 'request'>
  log: Logger
  isWelcome: (peer: NodeKey) => boolean
  /** Rounds that are going on, and the records of each. */
  rounds: () => Iterable<CidString>
  records: (round: CidString) => readonly CidString[]
  record: (round: CidString, cid: CidString) => Uint8Array | null
  /** Takes what another node gave. */
  take: (bytes: Uint8Array, from: NodeKey) => Promise<void>
}

/** What one answer may carry; what is left is asked for again. */
const MAX_ANSWER_BYTES = 196_608
const MAX_ROUNDS_TOLD = 16
/** Questions for the records of one round; beyond it the next look goes on. */
const MAX_QUESTIONS = 32

/** Fetches from peers what they know of rounds, and tells them what we do. */
export class RoundSync {
  readonly #modules: RoundSyncModules
  /** Peers being asked. */
  readonly #asking = new Set<NodeKey>()

  constructor(modules: RoundSyncModules) {
    this.#modules = modules
  }

  async start(): Promise<void> {
    await this.#modules.host.serve(learningSyncProtocol, async (peer, request) => {
      if (!this.#modules.isWelcome(peer)) throw new P2PError('STOPPED', 'not for this peer')
      return this.answer(request)
    })
  }

  /** What this node has to say to a question. */
  answer(request: LearningSyncRequest): LearningSyncResponse {
    const { rounds, records, record } = this.#modules
    if (request.kind === 'rounds') return { kind: 'rounds', rounds: [...rounds()].slice(0, MAX_ROUNDS_TOLD) }
    if (request.kind === 'list') return { kind: 'list', records: [...records(request.round)] }
    const found: Uint8Array[] = []
    let bytes = 0
    for (const cid of request.records) {
      const one = record(request.round, cid)
      if (one === null) continue
      if (bytes + one.length > MAX_ANSWER_BYTES) break
      bytes += one.length
      found.push(one)
    }
    return { kind: 'records', records: found }
  }

  /** Learns of all rounds that a peer knows of. Does nothing while the same peer is being asked. */
  async with(peer: NodeKey, signal: AbortSignal): Promise<void> {
    await this.#once(peer, async () => {
      const told = await this.#ask(peer, { kind: 'rounds' }, signal)
      if (told?.kind !== 'rounds') return
      for (const round of told.rounds) await this.#round(peer, round, signal)
    })
  }

  /** Learns of one round from a peer. */
  async round(peer: NodeKey, round: CidString, signal: AbortSignal): Promise<void> {
    await this.#once(peer, () => this.#round(peer, round, signal))
  }

  /** Gets records by their CIDs. */
  async records(
    peer: NodeKey,
    round: CidString,
    wanted: readonly CidString[],
    signal: AbortSignal,
  ): Promise<void> {
    const { record } = this.#modules
    let missing = wanted.filter(cid => record(round, cid) === null)
    for (let asked = 0; asked < MAX_QUESTIONS && missing.length > 0; asked++) {
      const batch = missing.slice(0, MAX_SYNC_RECORDS)
      const told = await this.#ask(peer, { kind: 'records', round, records: batch }, signal)
      if (told?.kind !== 'records' || told.records.length === 0) return
      for (const bytes of told.records) await this.#modules.take(bytes, peer)
      const left = missing.filter(cid => record(round, cid) === null)
      // What we do not keep would be asked for again and again.
      missing = left.length < missing.length ? left : []
    }
  }

  async #round(peer: NodeKey, round: CidString, signal: AbortSignal): Promise<void> {
    const told = await this.#ask(peer, { kind: 'list', round }, signal)
    if (told?.kind !== 'list') return
    await this.records(peer, round, told.records, signal)
  }

  async #ask(
    peer: NodeKey,
    request: LearningSyncRequest,
    signal: AbortSignal,
  ): Promise<LearningSyncResponse | null> {
    try {
      return await this.#modules.host.request(peer, learningSyncProtocol, request, signal)
    } catch (error) {
      this.#modules.log.debug({ err: error, peer }, 'a peer did not tell of its rounds')
      return null
    }
  }

  async #once(peer: NodeKey, ask: () => Promise<void>): Promise<void> {
    if (this.#asking.has(peer)) return
    this.#asking.add(peer)
    try {
      await ask()
    } finally {
      this.#asking.delete(peer)
    }
  }
}
