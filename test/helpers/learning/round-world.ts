import { createHash, randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EventLog } from '../../../node/auditlog/event-log.ts'
import { AuditOutbox } from '../../../node/auditlog/outbox.ts'
import { type Clock, systemClock } from '../../../node/clock.ts'
import { createNativeNodeSigner } from '../../../node/ed25519.ts'
import type { JoinPolicy } from '../../../node/learning/rounds/join-policy.ts'
import { RoundBook } from '../../../node/learning/rounds/round-book.ts'
import type { RoundFault, RoundState } from '../../../node/learning/rounds/round-state.ts'
import { Rounds, type RoundsModules } from '../../../node/learning/rounds/rounds.ts'
import type { AcceptedAdapter, RoundBlobs, RoundParts } from '../../../node/learning/rounds/seams.ts'
import type { Violation } from '../../../node/p2p/errors.ts'
import type { GossipVerdict } from '../../../node/p2p/host.ts'
import type { RequestProtocol } from '../../../node/p2p/protocol.ts'
import { Store } from '../../../node/store/store.ts'
import type { NodeSigner } from '../../../protocol/identity.ts'
import type { Address, CidString, NodeKey } from '../../../protocol/ids.ts'
import { type AuditEventDetails, auditEventMessage } from '../../../protocol/messages/audit-event.ts'
import type { BlobDigest, BlobRef } from '../../../protocol/messages/learning/blob-ref.ts'
import type { RoundManifest } from '../../../protocol/messages/learning/round-manifest.ts'
import { CREDIT } from '../../../protocol/money.ts'
import { openRecord } from '../../../protocol/signed.ts'
import { silentLog } from '../hosts.ts'
import { sampleManifest } from '../learning-samples.ts'

type RoundsHost = RoundsModules['host']
type Deliver = (from: NodeKey, to: NodeKey) => boolean

export const memberSeed = (index: number) => new Uint8Array(32).fill(200 + index)
export const memberSigner = (index: number): NodeSigner => createNativeNodeSigner(memberSeed(index))
export const memberKey = (index: number): NodeKey =>
  Buffer.from(memberSigner(index).publicKey).toString('hex')
export const memberWallet = (index: number): Address => `0x${(index + 1).toString(16).padStart(40, '0')}`

/** Gossip and requests between nodes of one process. */
export class Bus {
  readonly #hosts = new Map<NodeKey, BusHost>()
  /** Whether something gets from one node to another. */
  deliver: Deliver = () => true

  host(nodeKey: NodeKey): BusHost {
    const host = new BusHost(nodeKey, this)
    this.#hosts.set(nodeKey, host)
    return host
  }

  remove(nodeKey: NodeKey): void {
    this.#hosts.delete(nodeKey)
  }

  others(nodeKey: NodeKey): BusHost[] {
    return [...this.#hosts.values()].filter(
      host => host.nodeKey !== nodeKey && this.deliver(nodeKey, host.nodeKey),
    )
  }

  find(from: NodeKey, to: NodeKey): BusHost | null {
    return this.deliver(from, to) && this.deliver(to, from) ? (this.#hosts.get(to) ?? null) : null
  }
}

class BusHost extends EventEmitter {
  readonly nodeKey: NodeKey
  readonly #bus: Bus
  /** Gossiped by this node. */
  readonly published: Uint8Array[] = []
  validate: ((bytes: Uint8Array, from: NodeKey | null) => GossipVerdict | Promise<GossipVerdict>) | null =
    null
  answer: ((peer: NodeKey, request: never, signal: AbortSignal) => Promise<unknown>) | null = null

  constructor(nodeKey: NodeKey, bus: Bus) {
    super()
    this.nodeKey = nodeKey
    this.#bus = bus
  }

  subscribe(_topic: unknown, validate: NonNullable<BusHost['validate']>): void {
    this.validate = validate
  }

  async publish(_topic: unknown, bytes: Uint8Array): Promise<void> {
    this.published.push(bytes)
    for (const other of this.#bus.others(this.nodeKey)) await other.validate?.(bytes, this.nodeKey)
  }

  async serve(_protocol: unknown, answer: never): Promise<void> {
    this.answer = answer
  }

  async request<Request, Response>(
    peer: NodeKey,
    _protocol: RequestProtocol<Request, Response>,
    request: Request,
  ): Promise<Response> {
    const other = this.#bus.find(this.nodeKey, peer)
    if (other?.answer == null) throw new Error('nobody there')
    return (await other.answer(this.nodeKey, request as never, AbortSignal.timeout(5_000))) as Response
  }

  peers(): NodeKey[] {
    return this.#bus.others(this.nodeKey).map(({ nodeKey }) => nodeKey)
  }
}

/** Files that nodes of one process let each other have. */
export class SharedBlobs {
  readonly #folder: string
  readonly #provided = new Map<BlobDigest, Set<NodeKey>>()

  constructor(folder: string) {
    this.#folder = folder
  }

  of(node: NodeKey): RoundBlobs {
    const kept = new Set<BlobDigest>()
    const pathOf = (digest: BlobDigest) => join(this.#folder, digest.slice(7))
    const provide = ({ digest }: BlobRef) => {
      const holders = this.#provided.get(digest) ?? new Set()
      this.#provided.set(digest, holders.add(node))
    }
    return {
      keep: async (path, { provided }) => {
        const content = await readFile(path)
        const hash = createHash('sha256').update(content).digest('hex')
        const ref = { digest: `sha256:${hash}`, bytes: content.length, root: `0x${hash}` }
        await writeFile(pathOf(ref.digest), content)
        kept.add(ref.digest)
        if (provided) provide(ref)
        return ref
      },
      provide,
      fetch: async (ref, { holders }) => {
        const has = holders.some(holder => this.#provided.get(ref.digest)?.has(holder))
        if (!has) throw new Error('nobody gives it')
        kept.add(ref.digest)
        return pathOf(ref.digest)
      },
      path: ({ digest }) => (kept.has(digest) ? pathOf(digest) : null),
      release: async () => {},
    }
  }
}

/** Parts that do simple work in place of training and measuring: the same on all nodes. */
function simpleParts(
  index: number,
  modules: { folder: string; blobs: RoundBlobs; accepted: AcceptedAdapter[] },
): RoundParts {
  const { folder, blobs, accepted } = modules
  const file = async (name: string, content: string) => {
    const path = join(folder, `${name}-${index}`)
    await writeFile(path, content)
    return path
  }
  return {
    ...{ blobs, unpack: null },
    trainer: {
      domainFor: async ({ domain }) => domain,
      train: async (_context, { onProgress }) => {
        onProgress({ step: 1, steps: 1, loss: 1, heldOutLoss: null })
        const path = await file('update', `what ${index} learned`)
        return { path, encoding: 'gguf', privacy: null, tokens: 100, domain: 'notes' }
      },
    },
    validation: { sets: async () => [{ path: await file('text', `text of ${index}`), domain: 'notes' }] },
    scorer: {
      score: async (_context, { updates }) =>
        updates.map(({ update, path }) => ({
          ...{ update, code: null, similarTo: null, random: null },
          ...(path === null
            ? { verdict: 'unavailable' as const, ownDomain: null }
            : { verdict: 'accepted' as const, ownDomain: { before: 2_000_000, after: 1_000_000 } }),
        })),
    },
    aggregator: {
      aggregate: async ({ round }, inputs) => {
        const of = inputs.map(({ blob, weight }) => [blob.digest, weight])
        return { path: await file('adapter', JSON.stringify([round, of])), discardedEnergy: 0.5 }
      },
    },
    judge: {
      measure: async () => ({ loss: { before: 2_000_000, after: 1_000_000 }, general: null }),
    },
    versions: {
      accept: async version => {
        accepted.push(version)
      },
    },
  }
}

export interface MemberOptions {
  stake?: bigint
  /** What the chain has told this member of a wallet's stake, where that is not what there is. */
  sees?: (wallet: Address) => bigint | undefined
  join?: JoinPolicy
  parts?: (parts: RoundParts) => RoundParts
  host?: RoundsHost
  store?: (store: Store) => Store
}

/** A node as far as rounds go: real store, audit log and records. */
export class Member {
  readonly rounds: Rounds
  readonly accepted: AcceptedAdapter[]
  readonly violations: [NodeKey, Violation][] = []
  readonly faults: RoundFault[] = []
  readonly phases: string[] = []
  readonly host: RoundsHost
  readonly #log: EventLog
  readonly #store: Store
  readonly changed = new EventEmitter<{ phase: [RoundState] }>()

  private constructor(
    rounds: Rounds,
    facts: { accepted: AcceptedAdapter[]; host: RoundsHost; log: EventLog; store: Store },
  ) {
    this.rounds = rounds
    this.accepted = facts.accepted
    this.host = facts.host
    this.#log = facts.log
    this.#store = facts.store
  }

  static async start(
    index: number,
    world: { folder: string; clock: Clock; blobs: SharedBlobs; bus: Bus; stakes: Map<Address, bigint> },
    options: MemberOptions = {},
  ): Promise<Member> {
    const { folder, clock, blobs, bus, stakes } = world
    const signer = memberSigner(index)
    const nodeKey = memberKey(index)
    const opened = await Store.open(join(folder, `store-${index}`))
    const store = options.store?.(opened) ?? opened
    const log = await EventLog.open(
      { path: join(folder, `audit-${index}.log`), knownSequence: await AuditOutbox.knownSequence(opened) },
      { signer, clock },
    )
    const outbox = new AuditOutbox({ store, log })
    await outbox.recover()
    const accepted: AcceptedAdapter[] = []
    const simple = simpleParts(index, { folder, blobs: blobs.of(nodeKey), accepted })
    const host = options.host ?? (bus.host(nodeKey) as unknown as RoundsHost)
    let member: Member | null = null
    const rounds = new Rounds(
      { join: options.join ?? 'auto', proposerStake: CREDIT, syncEveryMs: 400 },
      {
        ...{ host, signer, wallet: memberWallet(index), clock, log: silentLog },
        book: new RoundBook({ store, outbox }),
        parts: options.parts?.(simple) ?? simple,
        random: Math.random,
        randomSalt: () => `0x${randomBytes(32).toString('hex')}`,
        stakeOf: (_node, wallet) => options.sees?.(wallet) ?? stakes.get(wallet) ?? 0n,
        isWelcome: () => true,
        onViolation: (peer, violation) => member?.violations.push([peer, violation]),
        onFault: fault => member?.faults.push(fault),
        onPhase: state => {
          member?.phases.push(state.phase)
          member?.changed.emit('phase', state)
        },
      },
    )
    member = new Member(rounds, { accepted, host, log, store: opened })
    await rounds.start()
    return member
  }

  /** Resolves when the round is over here. */
  async over(round: CidString): Promise<RoundState> {
    for (;;) {
      const known = this.rounds.list().find(({ state }) => state.round === round)
      if (known?.state.phase === 'done' || known?.state.phase === 'failed') return known.state
      await new Promise<void>(resolve => this.changed.once('phase', () => resolve()))
    }
  }

  /** What its audit log tells. */
  async events(): Promise<AuditEventDetails[]> {
    const events: AuditEventDetails[] = []
    for await (const { record } of this.#log.read(1, this.#log.lastSequence))
      events.push(openRecord(auditEventMessage, record, () => true).body.event)
    return events
  }

  async stop(): Promise<void> {
    await this.rounds.stop()
    await this.#log.close()
    await this.#store.close()
  }
}

/** Members of one process with what they share. */
export class RoundWorld {
  readonly bus = new Bus()
  readonly clock = systemClock
  readonly stakes = new Map<Address, bigint>()
  readonly members: Member[] = []
  readonly folder: string
  readonly blobs: SharedBlobs

  constructor(folder: string) {
    this.folder = folder
    this.blobs = new SharedBlobs(folder)
  }

  async member(index: number, options: MemberOptions = {}): Promise<Member> {
    this.stakes.set(memberWallet(index), options.stake ?? 10n * CREDIT)
    const member = await Member.start(index, this, options)
    this.members.push(member)
    return member
  }

  /** A member goes, and leaves nothing behind but its disk. */
  async leave(member: Member): Promise<void> {
    this.members.splice(this.members.indexOf(member), 1)
    this.bus.remove(member.host.nodeKey)
    await member.stop()
  }

  async stop(): Promise<void> {
    await Promise.all(this.members.splice(0).map(member => member.stop()))
  }
}

/** A manifest whose phases take so long each at most. */
export function manifestOf(
  nowMs: number,
  phaseMs: number,
  changes: Partial<RoundManifest> = {},
): RoundManifest {
  const at = (phase: number) => nowMs + phase * phaseMs
  return {
    ...sampleManifest,
    wallet: memberWallet(0),
    validation: [],
    general: null,
    deadlines: {
      ...{ joinMs: at(1), trainMs: at(4), commitMs: at(5), revealMs: at(6), scoreMs: at(7) },
      ...{ aggregateMs: at(10), voteMs: at(11), publishMs: at(12) },
    },
    aggregateAttempts: 3,
    ...changes,
  }
}
