import { randomBytes } from 'node:crypto'
import { statfs } from 'node:fs/promises'
import type { Engine } from '../inference/engine.ts'
import { ProcessEngine } from '../inference/llama/process-engine.ts'
import type { ModelCatalog } from '../inference/models/catalog.ts'
import { isShoalError, ShoalError } from '../protocol/errors.ts'
import type { NodeSigner } from '../protocol/identity.ts'
import type { Address, NodeKey } from '../protocol/ids.ts'
import type { Entity } from '../protocol/messages/offer.ts'
import { CREDIT } from '../protocol/money.ts'
import { EventLog } from './auditlog/event-log.ts'
import { AuditOutbox } from './auditlog/outbox.ts'
import { type KnownDeployment, readDeploymentFile } from './chain/addresses.ts'
import { Certifications } from './chain/certifications.ts'
import { ChainClient } from './chain/client.ts'
import { EmbeddedChain } from './chain/embedded/embedded-chain.ts'
import type { ChainStanding } from './chain/standing.ts'
import { type Clock, repeat, systemClock } from './clock.ts'
import { nodeKeyFrom } from './config/node-key.ts'
import type { Config } from './config/settings.ts'
import { type DataDir, ensureDataDir } from './data-dir.ts'
import { Economy } from './economy.ts'
import { createNativeNodeSigner } from './ed25519.ts'
import { EventDesk } from './events/event-desk.ts'
import { Accounts } from './gateway/accounts/accounts.ts'
import { loadOrCreateNodeKey } from './identity.ts'
import { Learning } from './learning/learning.ts'
import { createLogger, type Logger } from './log.ts'
import { CapabilityIndex } from './market/capability-index.ts'
import { Clearance } from './market/clearance.ts'
import { readEntities } from './market/entities.ts'
import { MarketDesk } from './market/market-desk.ts'
import { type KnownOffer, OfferBook } from './market/offer-book.ts'
import type { Regard } from './market/offer-entry.ts'
import { OfferExchange } from './market/offer-exchange.ts'
import { OfferPublisher } from './market/offer-publisher.ts'
import { RouteLearning } from './market/routing/learning/route-learning.ts'
import { SizeQuality } from './market/routing/quality.ts'
import { realisedScore } from './market/routing/reward.ts'
import { Router } from './market/routing/router.ts'
import { CloudServices } from './market/venues/cloud-services.ts'
import { Metrics } from './metrics.ts'
import { openCatalog } from './model-catalog.ts'
import { ModelServing } from './model-serving.ts'
import { NodeEvents } from './node-events.ts'
import { ConnectionKeeper } from './p2p/connection-keeper.ts'
import type { Violation } from './p2p/errors.ts'
import { P2PHost } from './p2p/host.ts'
import { guessScope } from './p2p/scope.ts'
import type { Wallet } from './payments/wallet.ts'
import { randomHex } from './random-hex.ts'
import { Store } from './store/store.ts'
import { Admission, requesterWeight } from './tasks/admission.ts'
import { CircuitBreaker } from './tasks/circuit-breaker.ts'
import { knownTemplate } from './tasks/engine-task.ts'
import { HedgeBudget } from './tasks/hedge.ts'
import { cloudTrouble, OwnVenues } from './tasks/own-venues.ts'
import { PeerVenue } from './tasks/peer-venue.ts'
import { Provider } from './tasks/provider.ts'
import type { ProviderOutcome } from './tasks/provider-task.ts'
import { ReceiptBook } from './tasks/receipt-book.ts'
import { Requester } from './tasks/requester.ts'
import { ServiceMeter } from './tasks/service-meter.ts'
import { NO_TOOLS, type NodeTools } from './tools/node-tools.ts'
import { readToolServers } from './tools/server-file.ts'
import { NodeAttestation } from './trust/attestation/node-attestation.ts'
import { type AttestedSoftware, readAttestedSoftware } from './trust/attestation/software-list.ts'
import type { Reputation } from './trust/reputation.ts'
import { Trust } from './trust/trust.ts'
import { Verification } from './verification.ts'
import { VERSION } from './version.ts'

export interface ShoalNodeOptions {
  dataDir: DataDir
  config: Config
  /** Unlocks the wallet; begins at once, since it takes a while. */
  wallet: Promise<Wallet>
}

export interface ShoalNodeModules {
  clock?: Clock
  log?: Logger
  /** Told from the first step on. */
  events?: NodeEvents
  /** Where the keys of cloud services may be; default: that of the process. */
  environment?: Readonly<Record<string, string | undefined>>
}

/** Where the chain is, and what we know of it before it answers. */
interface ChainPlace {
  rpcUrl: string
  deployment: KnownDeployment | null
  /** An embedded chain gives new wallets something to begin with. */
  hasFaucet: boolean
}

const EMBEDDED_CONFIRMATIONS = 1
const REMOTE_CONFIRMATIONS = 3
const RECONNECT_CHAIN_EVERY_MS = 5_000
/** As often as connections are pinged. */
const MEASURE_ROUND_TRIPS_EVERY_MS = 10_000
const RETRY_AUDIT_EVERY_MS = 5_000
/** Below this no tasks are taken: what they bring could not be recorded. */
const MIN_FREE_BYTES = 1_048_576

/**
 * A node: everything built, started and stopped in one place and in order. What needs the chain starts
 * once the chain answers; the rest does not wait for it.
 */
export class ShoalNode {
  readonly events: NodeEvents
  readonly metrics = new Metrics()
  readonly config: Config
  readonly dataDir: DataDir
  readonly #clock: Clock
  readonly #log: Logger
  /** Undone in reverse, whatever had been done when start failed. */
  readonly #undo: (() => Promise<void> | void)[] = []
  readonly #abort = new AbortController()
  /** Nodes that may have CONFIDENTIAL data. */
  #allowed: readonly NodeKey[] = []
  /** Software that may have PRIVATE data when hardware proves that a peer runs it. */
  #attested: AttestedSoftware | null = null
  /** How fast this node serves. */
  readonly #meter = new ServiceMeter()
  readonly #environment: Readonly<Record<string, string | undefined>>
  #parts: NodeParts | null = null
  #trade: TradeParts | null = null
  /** What is made known beside models. */
  #entities: readonly Entity[] = []
  #standing: ChainStanding | null = null
  #auditHealthy = true
  /** Why the chain could not be used the last time, so that it is not told at each try. */
  #chainTrouble: string | null = null
  #stopping: Promise<void> | null = null

  private constructor(options: ShoalNodeOptions, modules: ShoalNodeModules) {
    this.config = options.config
    this.dataDir = options.dataDir
    this.events = modules.events ?? new NodeEvents()
    this.#clock = modules.clock ?? systemClock
    this.#environment = modules.environment ?? process.env
    this.#log = modules.log ?? createLogger({ level: options.config['log.level'], file: options.dataDir.log })
  }

  /**
   * Builds and starts a node. Ready when this resolves: it listens, and trades if the chain answers; models
   * are loaded in the background.
   * @throws {ShoalError} of the part that could not start; everything begun is stopped again
   */
  static async start(options: ShoalNodeOptions, modules: ShoalNodeModules = {}): Promise<ShoalNode> {
    const node = new ShoalNode(options, modules)
    try {
      await node.#start(options)
    } catch (error) {
      await node.stop()
      throw error
    }
    return node
  }

  /** Ends everything, the newest first; idempotent, ends within about ten seconds. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  /** What runs without the chain. */
  get parts(): NodeParts {
    if (this.#parts === null) throw new Error('the node has not started')
    return this.#parts
  }

  /**
   * What needs the chain.
   * @throws {ShoalError} CHAIN_UNREACHABLE while it has not answered
   */
  get trade(): TradeParts {
    if (this.#trade !== null) return this.#trade
    throw new ShoalError('CHAIN_UNREACHABLE', 'the chain has not answered yet', {
      fix: 'Check --rpc and your connection; the node keeps trying.',
    })
  }

  /** The same, or null while the chain has not answered. */
  get tradeOrNull(): TradeParts | null {
    return this.#trade
  }

  /** The node's log, for parts that are built around it. */
  get log(): Logger {
    return this.#log
  }

  /** Whether decisions reach the audit log; while they do not, no tasks are taken. */
  get auditHealthy(): boolean {
    return this.#auditHealthy
  }

  async #start(options: ShoalNodeOptions): Promise<void> {
    const { dataDir, config } = options
    const cloud = await this.#openCloud()
    const tools = await this.#openTools()
    this.#allowed = config['privacy.allow'].map(peer => nodeKeyFrom(peer, 'privacy.allow'))
    this.#attested =
      config['privacy.attested'] === null ? null : await readAttestedSoftware(config['privacy.attested'])
    this.#entities = config['offer.entities'] === null ? [] : await readEntities(config['offer.entities'])
    await ensureDataDir(dataDir)
    const store = await Store.open(dataDir.store, { onWriteFailure: () => this.#auditHealth(false) })
    this.#undo.push(() => store.close())
    const accounts = new Accounts(config, {
      ...{ store, clock: this.#clock, log: this.#log, random: randomBytes },
    })
    await accounts.start()
    this.#undo.push(() => accounts.stop())
    const { seed } = await loadOrCreateNodeKey(dataDir.nodeKey)
    const signer = createNativeNodeSigner(seed)
    const eventLog = await this.#openAuditLog(store, signer)
    const outbox = new AuditOutbox({ store, log: eventLog, onHealth: healthy => this.#auditHealth(healthy) })
    await outbox.recover()
    await outbox.record([], [{ kind: 'node.started', v: 1, software: `shoal/${VERSION}` }])
    this.#retryAudit(outbox)
    const eventDesk = await EventDesk.open(
      { config },
      { store, clock: this.#clock, log: this.#log, events: this.events, eventLog },
    )
    this.#undo.push(() => eventDesk.stop())

    const [wallet, place] = await Promise.all([options.wallet, this.#findChain()])
    const client = await this.#connect(place)
    const deployment = client?.deployment ?? place.deployment!
    if (client !== null) this.#undo.push(() => client.stop())

    const trust = new Trust(
      { seed, shareReports: config['trust.shareReports'] },
      {
        store,
        clock: this.#clock,
        log: this.#log,
        onViolation: kind => this.metrics.violations.inc({ kind }),
      },
    )
    await trust.start()
    const { reputation } = trust
    const host = await this.#startHost(seed, deployment, reputation)
    const index = new CapabilityIndex({ clock: this.#clock })
    const book = new OfferBook(
      { self: host.nodeKey, chainId: deployment.chainId, settlement: deployment.addresses.settlement },
      { clock: this.#clock, index, regard: (provider, wallet) => this.#regard(provider, wallet, reputation) },
    )
    book.on('offer', ({ provider, offer }) =>
      this.events.tell({ type: 'offer', provider, models: offer.models.map(({ model }) => model) }),
    )
    const engine = new ProcessEngine(
      {
        gpu: config['engine.gpu'] === 'off' ? false : 'auto',
        cacheFolder: dataDir.engine,
        ...(config['engine.threads'] === null ? {} : { threads: config['engine.threads'] }),
        ...(config['models.slots'] === null ? {} : { slots: config['models.slots'] }),
        ...(config['models.contextTokens'] === null
          ? {}
          : { maxContextTokens: config['models.contextTokens'] }),
      },
      { log: (level, message) => this.#log[level]({ room: 'engine' }, message) },
    )
    this.#undo.push(() => engine.stop())
    const catalog = openCatalog(dataDir, config)
    const serving = new ModelServing(
      { offerLifetimeMs: config['offer.lifetime'] },
      {
        ...{ engine, catalog, clock: this.#clock, log: this.#log },
        record: model => outbox.record([], [{ kind: 'model.loaded', v: 1, model }]),
        tell: event => this.events.tell(event),
      },
    )
    this.#undo.push(() => serving.stop())
    const desk = new MarketDesk(
      { self: host.nodeKey, config },
      {
        host,
        signer,
        engine: serving.offered,
        index,
        store,
        clock: this.#clock,
        log: this.#log,
        onViolation: (peer, violation) => this.#violation(peer, violation, reputation, host),
        onPrice: eventDesk.onPrice,
      },
    )
    await desk.start()
    this.#undo.push(() => desk.stop())
    const receipts = new ReceiptBook({
      store,
      outbox,
      onCountersigned: (record, ...receipt) => {
        trust.receiptTaken(record, ...receipt)
        verification.accepted(record.cid)
      },
      alsoWrite: task => verification.accept(task),
    })
    const verification = new Verification(
      { config, seed },
      {
        ...{ store, outbox, eventLog, host, signer, wallet, engine, catalog, book, index, receipts, trust },
        serving,
        ...{ events: this.events, metrics: this.metrics, clock: this.#clock, log: this.#log },
      },
    )
    this.#undo.push(() => verification.stop())
    await verification.start()
    const learner = new Learning(
      { config, dataDir, seed },
      {
        ...{ store, outbox, eventLog, host, signer, wallet, engine, serving, catalog, book },
        ...{ events: this.events, metrics: this.metrics, clock: this.#clock, log: this.#log },
        isWelcome: peer => reputation.isWelcome(peer),
        onViolation: (peer, violation) => this.#violation(peer, violation, reputation, host),
      },
    )
    this.#undo.push(() => learner.stop())
    await learner.start()
    trust.join({
      host,
      signer,
      deployment,
      wallet: wallet.address,
      walletOf: peer => book.of(peer)?.offer.wallet ?? null,
    })
    this.#undo.push(() => trust.stop())
    const learning = await this.#startLearning(store)
    const attestation = new NodeAttestation(
      {
        software: this.#attested,
        command: config['attestation.command'],
        dataClass: config['offer.dataClass'],
      },
      {
        ...{ host, book, outbox, clock: this.#clock, log: this.#log },
        isWelcome: peer => reputation.isWelcome(peer),
        onTrouble: trouble => this.events.tell({ type: 'warning', code: 'ATTESTATION', ...trouble }),
      },
    )
    await attestation.start()
    this.#undo.push(() => attestation.stop())
    const exchange = new OfferExchange(
      { targetPeers: config['p2p.targetPeers'] },
      {
        host,
        book,
        own: () => this.#trade?.offers?.records() ?? null,
        onViolation: (peer, violation) => this.#violation(peer, violation, reputation, host),
        clock: this.#clock,
        log: this.#log,
      },
    )
    await exchange.start()
    this.#undo.push(() => exchange.stop())
    const keeper = new ConnectionKeeper(
      { bootstrap: config['p2p.bootstrap'], targetPeers: config['p2p.targetPeers'] },
      { host, clock: this.#clock, log: this.#log, random: Math.random },
    )
    await keeper.start()
    this.#undo.push(() => keeper.stop())

    this.#parts = {
      store,
      accounts,
      signer,
      eventLog,
      eventDesk,
      outbox,
      wallet,
      host,
      keeper,
      book,
      index,
      desk,
      engine,
      serving,
      cloud,
      tools,
      catalog,
      receipts,
      trust,
      reputation,
      attestation,
      learning,
      learner,
      verification,
      deployment,
      chainUrl: place.rpcUrl,
    }
    this.#measure()
    if (config['models.serve'].length > 0) {
      let told = ''
      engine.onStatus(({ state, backend }) => {
        if (state === told) return
        told = state
        this.events.tell({ type: 'engine', state, backend: backend?.kind ?? null })
      })
    }
    if (client === null) this.#keepConnecting(place)
    else await this.#startTrading(client, place)
    void serving.loadAll(config['models.serve']).then(() => learner.twin.begin())
  }

  /** @throws {ConfigError} before anything has begun */
  #openCloud(): Promise<CloudServices> {
    const onTrouble = cloudTrouble({ clock: this.#clock, log: this.#log }, ({ message, fix }) =>
      this.events.tell({
        ...{ type: 'warning', code: 'CLOUD_SERVICE', message },
        ...(fix === undefined ? {} : { fix }),
      }),
    )
    return CloudServices.open(this.config['cloud.services'], {
      environment: this.#environment,
      clock: this.#clock,
      random: Math.random,
      onTrouble,
    })
  }

  /** @throws {ConfigError} before anything has begun */
  async #openTools(): Promise<NodeTools> {
    const path = this.config['mcp.servers']
    if (path === null) return NO_TOOLS
    // What speaks with the servers takes longer to load than the rest of the node's start.
    const { ToolServers } = await import('./tools/tool-servers.ts')
    const configs = await readToolServers(path, this.#environment)
    const tools = new ToolServers(configs, { clock: this.#clock, log: this.#log })
    this.#undo.push(() => tools.stop())
    return tools
  }

  async #openAuditLog(store: Store, signer: NodeSigner): Promise<EventLog> {
    const knownSequence = await AuditOutbox.knownSequence(store)
    const eventLog = await EventLog.open(
      { path: this.dataDir.auditLog, knownSequence },
      { signer, clock: this.#clock },
    )
    this.#undo.push(() => eventLog.close())
    return eventLog
  }

  async #startLearning(store: Store): Promise<RouteLearning> {
    const configured = this.config['routing.policy']
    const learning = new RouteLearning(
      {
        logPath: this.dataDir.decisions,
        policyPath: configured ?? this.dataDir.policy,
        isPolicyOptional: configured === null,
      },
      {
        store,
        clock: this.#clock,
        log: this.#log,
        onPolicy: ({ name }) => this.events.tell({ type: 'routing-policy', name }),
        onRefused: ({ code, message, fix }) =>
          this.events.tell({ type: 'warning', code, message, ...(fix === undefined ? {} : { fix }) }),
      },
    )
    await learning.start()
    this.#undo.push(() => learning.stop())
    return learning
  }

  #auditHealth(healthy: boolean): void {
    if (healthy === this.#auditHealthy) return
    this.#auditHealthy = healthy
    const message = healthy
      ? 'what this node does can be recorded again'
      : 'what this node does cannot be recorded; no tasks are taken'
    this.events.tell({
      type: 'warning',
      code: 'AUDIT_LOG',
      message,
      ...(healthy ? {} : { fix: 'Check the disk: shoal doctor.' }),
    })
    this.#log.warn({ healthy }, 'audit log health changed')
  }

  #retryAudit(outbox: AuditOutbox): void {
    const timer = repeat(this.#clock, RETRY_AUDIT_EVERY_MS, async () => {
      if (await this.#isDiskFull()) this.#auditHealth(false)
      else if (!this.#auditHealthy) await outbox.retry().catch(() => {})
    })
    this.#undo.push(() => timer.cancel())
  }

  /** Said before the first write fails: connections break, too, when nothing can be kept of them. */
  async #isDiskFull(): Promise<boolean> {
    const space = await statfs(this.dataDir.root).catch(() => null)
    return space !== null && space.bavail * space.bsize < MIN_FREE_BYTES
  }

  async #findChain(): Promise<ChainPlace> {
    const { config } = this
    const file = config['chain.contracts']
    if (config['chain.rpc'] !== 'local') {
      const deployment = file === null ? null : await readDeploymentFile(file)
      return { rpcUrl: config['chain.rpc'], deployment, hasFaucet: file === null }
    }
    const port = config['chain.localPort']
    const chain = new EmbeddedChain(
      { folder: this.dataDir.chain, ...(port === 0 ? {} : { port }) },
      {
        onExit: error => {
          this.events.tell({
            type: 'warning',
            code: error.code,
            message: error.message,
            ...(error.fix === undefined ? {} : { fix: error.fix }),
          })
          this.#log.error({ err: error }, 'the embedded chain ended')
        },
      },
    )
    this.#undo.push(() => chain.stop())
    const { rpcUrl, chainId, addresses, deploymentBlock } = await chain.start()
    return { rpcUrl, deployment: { chainId, addresses, deploymentBlock }, hasFaucet: true }
  }

  /** Null when the chain does not answer but we know enough to go on without it for now. */
  async #connect(place: ChainPlace): Promise<ChainClient | null> {
    try {
      return await ChainClient.connect({ ...place, expectedChainId: this.config['chain.id'] })
    } catch (error) {
      if (!isShoalError(error, 'CHAIN_UNREACHABLE') || place.deployment === null) throw error
      if (this.#chainTrouble === error.code) return null
      this.#chainTrouble = error.code
      this.events.tell({ type: 'chain', state: 'unreachable' })
      this.#log.warn({ err: error }, 'the chain does not answer; trading waits for it')
      return null
    }
  }

  /** Something answers in the chain's place and is not what we need. It may change; it is told once. */
  #chainRefused(error: unknown): null {
    const code = error instanceof ShoalError ? error.code : 'CHAIN_UNUSABLE'
    if (this.#chainTrouble === code) return null
    this.#chainTrouble = code
    const message = error instanceof Error ? error.message : String(error)
    const fix = error instanceof ShoalError ? error.fix : undefined
    this.events.tell({ type: 'warning', code, message, ...(fix === undefined ? {} : { fix }) })
    this.#log.error({ err: error }, 'the chain cannot be used')
    return null
  }

  #keepConnecting(place: ChainPlace): void {
    const timer = repeat(this.#clock, RECONNECT_CHAIN_EVERY_MS, async () => {
      if (this.#trade !== null || this.#abort.signal.aborted) return
      const client = await this.#connect(place).catch(error => this.#chainRefused(error))
      if (client === null) return
      timer.cancel()
      this.#undo.push(() => client.stop())
      try {
        await this.#startTrading(client, place)
      } catch (error) {
        this.#log.error({ err: error }, 'trading could not start')
      }
    })
    this.#undo.push(() => timer.cancel())
  }

  async #startHost(seed: Uint8Array, deployment: KnownDeployment, reputation: Reputation): Promise<P2PHost> {
    const { config } = this
    const scope = config['p2p.scope']
    const host = new P2PHost(
      {
        seed,
        network: networkName(deployment),
        scope: scope === 'auto' ? guessScope([...config['p2p.bootstrap'], ...config['p2p.announce']]) : scope,
        listen: config['p2p.listen'],
        announce: config['p2p.announce'],
        mdns: config['p2p.mdns'],
        relay: config['p2p.relay'],
        dataDir: this.dataDir.peers,
      },
      {
        clock: this.#clock,
        log: this.#log,
        onViolation: (peer, violation) => this.#violation(peer, violation, reputation, host),
        isWelcome: peer => reputation.isWelcome(peer),
        gossipScore: peer => reputation.gossipScore(peer),
      },
    )
    this.#undo.push(() => host.stop())
    host.on('peer', peer => this.events.tell({ type: 'peer', peer, state: 'connected' }))
    host.on('disconnect', peer => this.events.tell({ type: 'peer', peer, state: 'gone' }))
    await host.start()
    return host
  }

  #violation(peer: NodeKey, violation: Violation, reputation: Reputation, host: P2PHost): void {
    reputation
      .penalise(peer, violation)
      .then(welcome => (welcome ? null : host.hangUp(peer)))
      .catch(error => this.#log.warn({ err: error, peer }, 'a violation was not recorded'))
  }

  /** Who has done work for us, or has a stake, is not forgotten for others that nobody knows. */
  #regard(provider: NodeKey, wallet: Address, reputation: Reputation): Regard {
    if (reputation.score(provider).tasks > 0 && reputation.isWelcome(provider)) return 'proven'
    const standing = this.#standing?.of(wallet, provider) ?? null
    if (standing?.bound !== true) return 'unknown'
    return standing.stake >= CREDIT ? 'staked' : 'registered'
  }

  /** Starts everything that moves money. */
  async #startTrading(client: ChainClient, place: ChainPlace): Promise<void> {
    const { config } = this
    const {
      wallet,
      store,
      outbox,
      eventLog,
      host,
      book,
      index,
      receipts,
      trust,
      reputation,
      signer,
      keeper,
    } = this.parts
    const { engine, cloud, learning, verification, serving } = this.parts
    if (place.hasFaucet) await this.#askFaucet(client, wallet)
    const economy = new Economy(
      {
        config,
        nodeKey: host.nodeKey,
        confirmations: config['chain.confirmations'] ?? confirmationsFor(place),
      },
      {
        client,
        wallet,
        store,
        outbox,
        eventLog,
        clock: this.#clock,
        log: this.#log,
        onSettled: ({ transaction, amount, channels }) => {
          this.metrics.settledBaseUnits.inc(Number(amount))
          this.events.tell({ type: 'settled', transaction, amount, channels: channels.length })
        },
        onAnchored: anchor => this.events.tell({ type: 'anchored', ...anchor }),
      },
    )
    await economy.start()
    this.#undo.push(() => economy.stop())
    trust.useChain({ client, standing: economy.standing })
    book.on('offer', ({ provider, offer }) => {
      economy.standing.want(offer.wallet)
      // Whom we have money locked up with, we stay connected to.
      if (economy.payer.list().some(({ payee, state }) => payee === offer.wallet && state === 'open')) {
        void host.addAddresses(provider, offer.addresses)
        keeper.keep(provider)
      }
    })
    book.on('update', ({ offer }) => economy.standing.want(offer.wallet))
    this.#standing = economy.standing
    economy.standing.on('standing', (_wallet, nodeKeys) => {
      for (const key of nodeKeys) book.reconsider(key)
    })
    economy.standing.want(wallet.address, { urgent: true })

    const certifications = new Certifications({ client, clock: this.#clock, log: this.#log })
    if (config['privacy.enclaveAttesters'].length > 0) {
      const check = ({ offer }: KnownOffer) =>
        void (offer.dataClass === 'PRIVATE' && certifications.check(offer.wallet))
      book.on('offer', check)
      book.on('update', check)
    }
    const clearance = new Clearance(
      {
        allow: this.#allowed,
        minStake: config['privacy.minStake'],
        enclaveAttesters: config['privacy.enclaveAttesters'],
      },
      {
        isWelcome: peer => reputation.isWelcome(peer),
        standing: (wallet, peer) => economy.standing.of(wallet, peer),
        certifierOf: wallet => certifications.certifierOf(wallet),
        attestationOf: peer => this.parts.attestation.of(peer),
        serviceClass: id => cloud.classOf(id),
        clock: this.#clock,
      },
    )
    const onViolation = (peer: NodeKey, violation: Violation) =>
      this.#violation(peer, violation, reputation, host)
    const peers = new PeerVenue(
      {
        self: host.nodeKey,
        wallet: wallet.address,
        creditWindowTokens: config['task.creditWindowTokens'],
        stallTimeoutMs: config['task.stallTimeout'],
      },
      {
        host,
        book,
        channels: economy.payer,
        clearance,
        receipts,
        signer,
        clock: this.#clock,
        log: this.#log,
        chatTemplateOf: model => knownTemplate(engine, model),
        onViolation,
      },
    )
    const breaker = new CircuitBreaker({}, { clock: this.#clock, random: Math.random })
    host.on('peer', peer => breaker.retry(peer))
    const router = new Router(
      { region: config['offer.region'] },
      {
        index,
        standing: economy.standing,
        reputation: {
          score: provider => reputation.score(provider),
          isWelcome: provider => reputation.isWelcome(provider),
          reliability: provider =>
            reliabilityOf(provider, { reputation, book, economy }) *
            (1 - verification.consequences.risk(provider)),
          honesty: provider => verification.restrain(provider, reputation.honesty(provider)),
          strangerRisk: kind => reputation.strangerRisk(kind),
        },
        breaker,
        clearance,
        quality: new SizeQuality(),
        policy: learning.policy,
        reward: realisedScore,
        log: learning.recorder,
        clock: this.#clock,
        random: Math.random,
      },
    )
    const roundTrips = repeat(this.#clock, MEASURE_ROUND_TRIPS_EVERY_MS, async () => {
      for (const { peer, rttMs } of host.roundTrips()) router.observeRoundTrip(peer, rttMs)
    })
    this.#undo.push(() => {
      roundTrips.cancel()
      router.stop()
    })
    learning.drive(router)
    const own = new OwnVenues(config, {
      ...{ cloud, engine, index, clearance, clock: this.#clock, log: this.#log },
      listed: serving.usable,
      meter: this.#meter,
      spending: economy.cloudSpending,
    })
    await own.start()
    this.#undo.push(() => own.stop())
    const requester = new Requester(
      {
        maxAttempts: config['task.maxAttempts'],
        replicas: config['task.replicas'],
        attestedStake: config['task.attestedStake'],
      },
      {
        router,
        book,
        clock: this.#clock,
        venues: { peer: peers, ...own.venues },
        breaker,
        auctioneer: this.parts.desk.auctioneer,
        hedging: new HedgeBudget({ share: config['task.hedgePercent'] / 100 }),
        areDistinct: (a, b) => trust.operators.areDistinct(a, b),
        excludedFrom: slaClass => verification.consequences.excludedFrom(slaClass),
        transcripts: verification.transcripts,
        reputation: {
          observe: (provider, evidence) => trust.observe(provider, evidence),
          isProven: provider => reputation.honesty(provider).standing === 'proven',
        },
        record: event => outbox.record([], [event]),
        randomTaskId: () => randomHex(16),
        onTask: this.parts.eventDesk.onTask,
      },
    )
    this.#undo.push(() => requester.stop())
    const offersNothing = config['models.serve'].length + this.#entities.length === 0
    const offers = offersNothing ? null : await this.#startProviding(economy, onViolation)
    this.#trade = { economy, clearance, router, requester, offers }
    this.#undo.push(await verification.useTrade({ client, ...this.#trade }))
    this.#undo.push(this.parts.learner.useTrade(economy))
    this.events.tell({ type: 'chain', state: 'connected' })
    void this.#bind(economy)
  }

  async #startProviding(
    economy: Economy,
    onViolation: (peer: NodeKey, violation: Violation) => void,
  ): Promise<OfferPublisher> {
    const { config } = this
    const { wallet, host, engine, receipts, signer, deployment, desk, reputation, serving } = this.parts
    const admission = new Admission(
      { maxQueued: config['task.maxQueued'], maxWaitMs: config['task.maxWait'] },
      {
        slots: model => engine.status().models.find(({ id }) => id === model)?.slots ?? 0,
        serviceMs: model => this.#meter.serviceMs(model),
        weight: requester => requesterWeight(reputation.score(requester)),
      },
    )
    const offers = new OfferPublisher(
      {
        wallet: wallet.address,
        chainId: deployment.chainId,
        settlement: deployment.addresses.settlement,
        creditWindowTokens: config['task.creditWindowTokens'],
        minChannelRemainingMs: config['earning.minChannelRemaining'],
        lifetimeMs: config['offer.lifetime'],
        region: config['offer.region'],
        dataClass: config['offer.dataClass'],
        entities: this.#entities,
      },
      {
        signer,
        clock: this.#clock,
        log: this.#log,
        engine: {
          // Tasks wait before the engine's door, not inside.
          status: () => ({
            ...serving.offered.status(),
            queued: engine.status().queued + admission.queued(),
          }),
          onStatus: listener => serving.offered.onStatus(listener),
        },
        prices: desk.pricing,
        meter: this.#meter,
        stake: () => ownStake(economy, wallet.address, host.nodeKey),
        addresses: () => host.addresses(),
        publish: (topic, bytes) => host.publish(topic, bytes),
      },
    )
    const provider = new Provider(
      {
        creditWindowTokens: config['task.creditWindowTokens'],
        paymentTimeoutMs: config['task.paymentTimeout'],
        wallet: wallet.address,
        nodeKey: host.nodeKey,
      },
      {
        host,
        engine,
        channels: economy.payee,
        receipts,
        signer,
        clock: this.#clock,
        log: this.#log,
        findOffer: cid => offers.find(cid),
        bids: desk.bidder,
        admission,
        meter: this.#meter,
        randomSalt: () => `0x${randomBytes(32).toString('hex')}`,
        onViolation,
        isReady: () => this.#auditHealthy,
        onOutcome: (requester, outcome) => this.#providerOutcome(requester, outcome),
        onTask: () => this.parts.learner.lifecycle.taskBegan(),
      },
    )
    await provider.start()
    serving.countTasks(model => provider.runningOf(model))
    this.#undo.push(() => provider.stop())
    offers.start()
    this.#undo.push(() => offers.stop())
    await desk.provide({
      offer: () => offers.current()?.offer ?? null,
      isReady: () => this.#auditHealthy,
      waiting: () => admission.queued(),
    })
    return offers
  }

  #providerOutcome(requester: NodeKey, outcome: ProviderOutcome): void {
    const { demand } = this.parts.desk
    if (outcome.kind === 'withdrawn') return
    if (outcome.kind === 'refused') {
      demand.refused(outcome.code)
      this.metrics.tasks.inc({ role: 'provider', outcome: 'refused' })
      this.events.tell({ type: 'task-refused', requester, code: outcome.code })
      return
    }
    const { receipt, reason, countersigned, cid } = outcome
    const { taskId, promptTokens, outputTokens, amount } = receipt
    demand.ended({ requester, reason, amount })
    this.metrics.tasks.inc({ role: 'provider', outcome: reason })
    this.metrics.tokens.inc({ role: 'provider', side: 'input' }, promptTokens)
    this.metrics.tokens.inc({ role: 'provider', side: 'output' }, outputTokens)
    this.events.tell({
      type: 'task-done',
      requester,
      taskId,
      reason,
      outputTokens,
      amount,
      receipt: cid,
      countersigned,
    })
  }

  async #askFaucet(client: ChainClient, wallet: Wallet): Promise<void> {
    try {
      await client.request('shoal_fund', [wallet.address])
      this.events.tell({ type: 'funded', wallet: wallet.address })
    } catch (error) {
      this.#log.warn({ err: error }, 'the chain has no faucet for us')
    }
  }

  async #bind(economy: Economy): Promise<void> {
    try {
      if (await economy.bind()) this.events.tell({ type: 'bound' })
    } catch (error) {
      this.#log.warn({ err: error }, 'the node key could not be declared on chain')
    }
  }

  #measure(): void {
    const { host, book, engine } = this.parts
    this.metrics.gauge('shoal_peers', 'Connected peers.', () => host.peers().length)
    this.metrics.gauge('shoal_offers', 'Valid offers known.', () => book.size)
    this.metrics.gauge(
      'shoal_engine_active_tasks',
      'Generations that hold a slot.',
      () => engine.status().active,
    )
    this.metrics.gauge(
      'shoal_engine_crashes',
      'Crashes of the engine process since the start.',
      () => engine.status().crashes,
    )
    this.metrics.gauge('shoal_resident_memory_bytes', 'Resident memory of the node process.', () =>
      process.memoryUsage.rss(),
    )
  }

  async #stop(): Promise<void> {
    this.#abort.abort()
    for (const undo of this.#undo.splice(0).reverse()) {
      try {
        await undo()
      } catch (error) {
        this.#log.error({ err: error }, 'a part did not stop cleanly')
      }
    }
    this.events.removeAllListeners()
  }
}

/** Parts that run without the chain. */
export interface NodeParts {
  store: Store
  /** Who may use this node beside its owner. */
  accounts: Accounts
  signer: NodeSigner
  eventLog: EventLog
  /** What happens, kept for whoever follows it. */
  eventDesk: EventDesk
  outbox: AuditOutbox
  wallet: Wallet
  host: P2PHost
  keeper: ConnectionKeeper
  book: OfferBook
  /** What the book's offers are good for, and our own listings. */
  index: CapabilityIndex
  desk: MarketDesk
  engine: Engine
  /** Which models are at work for tasks. */
  serving: ModelServing
  cloud: CloudServices
  /** Of configured MCP servers. */
  tools: NodeTools
  catalog: ModelCatalog
  receipts: ReceiptBook
  trust: Trust
  reputation: Reputation
  /** Where peers have proven to run. */
  attestation: NodeAttestation
  learning: RouteLearning
  /** What this node learns with others. */
  learner: Learning
  verification: Verification
  deployment: KnownDeployment
  chainUrl: string
}

/** Parts that need the chain. */
export interface TradeParts {
  economy: Economy
  /** Decides who may have which content. */
  clearance: Clearance
  router: Router
  requester: Requester
  /** Null for a node that offers nothing. */
  offers: OfferPublisher | null
}

/** Nodes of different deployments have nothing to say to each other. */
function networkName({ chainId, addresses }: KnownDeployment): string {
  return `${chainId}-${addresses.settlement.slice(2, 10)}`
}

function confirmationsFor(place: ChainPlace): number {
  return place.hasFaucet ? EMBEDDED_CONFIRMATIONS : REMOTE_CONFIRMATIONS
}

/** What others will find at stake for us; what a wallet has that does not declare our key counts for nobody. */
function ownStake(economy: Economy, wallet: Address, self: NodeKey): bigint {
  economy.standing.want(wallet, { urgent: true })
  const standing = economy.standing.of(wallet, self)
  return standing?.bound === true ? standing.stake : 0n
}

/** A provider whose wallet does not declare its key is trusted a little less. */
function reliabilityOf(
  provider: NodeKey,
  modules: { reputation: Reputation; book: OfferBook; economy: Economy },
): number {
  const reliability = modules.reputation.reliability(provider)
  const wallet = modules.book.of(provider)?.offer.wallet
  const bound = wallet !== undefined && modules.economy.standing.of(wallet, provider)?.bound === true
  return bound ? reliability : reliability * 0.8
}
