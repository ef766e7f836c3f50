import { randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ProcessEngine } from '../../../inference/llama/process-engine.ts'
import { ModelCatalog } from '../../../inference/models/catalog.ts'
import { EventLog } from '../../../node/auditlog/event-log.ts'
import { AuditOutbox } from '../../../node/auditlog/outbox.ts'
import { systemClock } from '../../../node/clock.ts'
import { loadConfig } from '../../../node/config/load.ts'
import { createNativeNodeSigner } from '../../../node/ed25519.ts'
import { Learning, type LearningModules, type LearningTrade } from '../../../node/learning/learning.ts'
import type { RoundProposal } from '../../../node/learning/rounds/proposed-manifest.ts'
import { isOver } from '../../../node/learning/rounds/round-machine.ts'
import { Metrics } from '../../../node/metrics.ts'
import { NodeEvents } from '../../../node/node-events.ts'
import type { P2PHost } from '../../../node/p2p/host.ts'
import { Store } from '../../../node/store/store.ts'
import type { ModelId } from '../../../protocol/ids.ts'
import { CREDIT } from '../../../protocol/money.ts'
import { silentLog, TestHosts } from '../../helpers/hosts.ts'
import { waitUntil } from '../../helpers/wait.ts'
import { type Domain, type Example, toJsonl } from './domains.ts'
import { SocketMeter } from './socket-meter.ts'

const STAKE = 10n * CREDIT
const ROUND_WITHIN_MS = 600_000
/** Nobody joins so late: all know each other, and a round that is full begins. */
const JOIN_FOR_MS = 8_000

export interface FederationOptions {
  /** One member for each. */
  domains: readonly Domain[]
}

/** What a round came to. */
export interface FederatedRound {
  /** Path of the accepted adapter. */
  path: string
  bytes: number
  /** From the proposal to the last member that accepted. */
  elapsedMs: number
  /** Written to sockets by all members together. */
  wireBytes: number
}

/**
 * Members that learn with each other: each has a libp2p host with sockets of its own, its store, audit log, data, blobs and
 * trainer process. The engine that measures is shared, and what they have at stake is said, not asked of a chain.
 */
export class Federation {
  readonly #folder: string
  readonly #hosts = new TestHosts()
  readonly #sockets = new SocketMeter()
  readonly #engine: ProcessEngine
  readonly #stopping: (() => Promise<void>)[] = []
  #members: Learning[] = []
  base!: { id: ModelId; path: string }

  private constructor(folder: string) {
    this.#folder = folder
    this.#engine = new ProcessEngine({ gpu: false, threads: 1, cacheFolder: folder })
  }

  static async start(options: FederationOptions): Promise<Federation> {
    const federation = new Federation(await mkdtemp(join(tmpdir(), 'shoal-federation-')))
    try {
      await federation.#start(options)
    } catch (error) {
      await federation.stop()
      throw error
    }
    return federation
  }

  async #start({ domains }: FederationOptions): Promise<void> {
    this.#sockets.start()
    await this.#engine.start()
    const catalog = new ModelCatalog({ modelsFolder: this.#folder, cacheFolder: this.#folder })
    const { id, path } = await catalog.resolve('shoal-nano')
    this.base = { id, path }
    const hosts: P2PHost[] = []
    for (const [index, domain] of domains.entries()) {
      const { learning, host } = await this.#member(index, domain, catalog)
      this.#members.push(learning)
      // They may find each other by themselves meanwhile.
      for (const other of hosts)
        if (!host.isConnected(other.nodeKey)) await host.dialAddress(other.addresses()[0]!)
      hosts.push(host)
    }
    await waitUntil('all members know each other', () =>
      hosts.every(host => host.peers().length === hosts.length - 1),
    )
  }

  async #member(index: number, domain: Domain, catalog: ModelCatalog) {
    const root = join(this.#folder, `member-${index}`)
    await mkdir(root)
    const publicText = join(root, 'public.jsonl')
    const training = join(root, 'training.jsonl')
    await writeFile(publicText, toJsonl(domain.validation))
    await writeFile(training, toJsonl(domain.training))
    const { config } = await loadConfig({
      dataDir: root,
      environment: {},
      flags: {
        'learning.enabled': true,
        'learning.join': 'auto',
        'learning.publicText': `${domain.name}=${publicText}`,
        'learning.power': 'any',
        'learning.minFreeMemory': 0,
        'learning.quiet': '1s',
        'learning.niceness': 0,
        'learning.serve': false,
      },
    })
    const seed = new Uint8Array(randomBytes(32))
    const signer = createNativeNodeSigner(seed)
    const store = await Store.open(join(root, 'store'))
    const eventLog = await EventLog.open(
      { path: join(root, 'audit.log'), knownSequence: 0 },
      { signer, clock: systemClock },
    )
    const outbox = new AuditOutbox({ store, log: eventLog })
    const { host } = await this.#hosts.start({ seed })
    const wallet = `0x${(index + 1).toString(16).padStart(40, '0')}`
    const learning = new Learning({ config, dataDir: { root }, seed }, {
      ...{ store, outbox, host, signer, eventLog, catalog, wallet: { address: wallet } },
      ...{ engine: this.#engine, serving: NOTHING_SERVED, book: { of: () => null } },
      ...{ events: new NodeEvents(), metrics: new Metrics(), clock: systemClock, log: silentLog },
      ...{ isWelcome: () => true, onViolation: () => {} },
    } as unknown as LearningModules)
    this.#stopping.push(async () => {
      await learning.stop()
      await eventLog.close()
      await store.close()
    })
    await learning.start()
    const data = await learning.data.add(training, { domain: domain.name, keepSimilar: true, pii: 'keep' })
    await data.commit()
    learning.useTrade({
      standing: new SaidStanding(),
      client: null,
      logIndex: null,
    } as unknown as LearningTrade)
    return { learning, host }
  }

  /** One round, proposed by the first member, joined by all; on from the adapter before. */
  async round(
    proposal: Omit<RoundProposal, 'base' | 'name' | 'domain' | 'trainForMs'>,
    seed: number,
  ): Promise<FederatedRound> {
    const startedMs = performance.now()
    this.#sockets.reset()
    const [proposer] = this.#members
    const round = await proposer!.propose(
      {
        ...{ base: this.base.id, name: 'federated', domain: 'general', format: 'any' },
        ...{ trainForMs: ROUND_WITHIN_MS, joinForMs: JOIN_FOR_MS, judgeForMs: ROUND_WITHIN_MS },
        // Whoever gains more on others' texts than on its own in some round is left out of it.
        minimumUpdates: Math.ceil(this.#members.length / 2),
        ...{ leastStake: 1n, maximumMembers: this.#members.length },
        ...proposal,
      },
      { generalPath: null, join: true, nowMs: Date.now(), seed },
    )
    for (const member of this.#members) await over(member, round)
    const version = proposer!.acceptance.versions.current(this.base.id, 'general')
    if (version === null || version.record.body.round !== round)
      throw new Error('the round came to no adapter')
    const path = proposer!.blobs.path(version.record.body.blob.digest)
    return {
      path,
      bytes: (await stat(path)).size,
      elapsedMs: performance.now() - startedMs,
      wireBytes: this.#sockets.bytes,
    }
  }

  /** What each member trains on. */
  async trainingExamples(): Promise<Example[][]> {
    const examples: Example[][] = []
    for (const { data } of this.#members) {
      const files = await data.trainingFiles(null)
      const lines = (await readFile(files.train, 'utf8')).trim().split('\n')
      examples.push(lines.map(line => JSON.parse(line) as Example))
      await files.release()
    }
    return examples
  }

  async stop(): Promise<void> {
    for (const stop of this.#stopping.reverse()) await stop()
    await this.#hosts.stop()
    await this.#engine.stop()
    this.#sockets.stop()
    await rm(this.#folder, { recursive: true, force: true })
  }
}

async function over(member: Learning, round: string): Promise<void> {
  for (;;) {
    const known = member.rounds.list().find(({ state }) => state.round === round)
    if (known !== undefined && isOver(known.state)) {
      if (known.state.phase === 'failed') throw new Error(`the round failed: ${known.state.failure}`)
      return
    }
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

/** Everybody has what is said here at stake. */
class SaidStanding extends EventEmitter {
  want(): void {}

  of() {
    return { stake: STAKE, bound: true, level: 0, roles: [], atMs: Date.now() }
  }
}

const NOTHING_SERVED = {
  serveAdapter: async () => {
    throw new Error('nothing is served here')
  },
  retire: async () => {},
  models: () => [],
}
