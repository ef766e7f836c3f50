import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Calibration } from '../../../inference/audit/calibration.ts'
import type { Engine, ModelSource } from '../../../inference/engine.ts'
import { adoptAnchors } from '../../../node/auditlog/adopt-anchors.ts'
import { EventLog } from '../../../node/auditlog/event-log.ts'
import { LogIndex } from '../../../node/auditlog/log-index.ts'
import { AuditOutbox } from '../../../node/auditlog/outbox.ts'
import { bindNodeKey } from '../../../node/chain/binding.ts'
import type { ChainClient } from '../../../node/chain/client.ts'
import { CourtReader } from '../../../node/chain/court.ts'
import { CourtWatcher } from '../../../node/chain/court-watcher.ts'
import { Publisher } from '../../../node/chain/publisher.ts'
import { RecordedCalls } from '../../../node/chain/recorded-calls.ts'
import { systemClock } from '../../../node/clock.ts'
import { createNativeNodeSigner } from '../../../node/ed25519.ts'
import type { RequestProtocol } from '../../../node/p2p/protocol.ts'
import { Staker } from '../../../node/payments/staker.ts'
import type { Wallet } from '../../../node/payments/wallet.ts'
import { Store } from '../../../node/store/store.ts'
import { generateRequest } from '../../../node/tasks/engine-task.ts'
import { ReceiptBook } from '../../../node/tasks/receipt-book.ts'
import type { AcceptedTask } from '../../../node/trust/audits/archived-task.ts'
import { LocalAuditor } from '../../../node/trust/audits/local-auditor.ts'
import { TaskArchive } from '../../../node/trust/audits/task-archive.ts'
import { CourtDriver } from '../../../node/trust/disputes/court-driver.ts'
import { CourtPurse } from '../../../node/trust/disputes/court-purse.ts'
import { DisputeDesk } from '../../../node/trust/disputes/dispute-desk.ts'
import { EvidenceService } from '../../../node/trust/disputes/evidence-service.ts'
import { Examiner } from '../../../node/trust/disputes/examination.ts'
import { JurorService } from '../../../node/trust/disputes/juror-service.ts'
import { ProofCollector } from '../../../node/trust/disputes/proof-collector.ts'
import { ProofService } from '../../../node/trust/disputes/proof-service.ts'
import { cidOf, decodeMessage, encodeMessage } from '../../../protocol/codec.ts'
import type { NodeSigner } from '../../../protocol/identity.ts'
import type { Address, Bytes32, NodeKey } from '../../../protocol/ids.ts'
import { type AuditEventDetails, auditEventMessage } from '../../../protocol/messages/audit-event.ts'
import { countersignatureMessage } from '../../../protocol/messages/countersignature.ts'
import { outputDigest, receiptMessage } from '../../../protocol/messages/receipt.ts'
import { requesterFrameMessage } from '../../../protocol/messages/requester-frame.ts'
import type { TaskRequest } from '../../../protocol/messages/task-request.ts'
import { CREDIT } from '../../../protocol/money.ts'
import type { ROLES } from '../../../protocol/roles.ts'
import { createRecord, openRecord } from '../../../protocol/signed.ts'
import type { HardhatChain } from '../../helpers/hardhat-chain.ts'
import { silentLog } from '../../helpers/hosts.ts'
import { GREEDY, sampleReceipt, sampleRequest } from '../../helpers/samples.ts'

const QUESTION = 'What is Shoal?'

type Handler = (peer: NodeKey, request: unknown, signal: AbortSignal) => Promise<unknown>

/** A wire between parties in one process: messages are encoded and decoded as on a real one. */
export class Wire {
  readonly #handlers = new Map<string, Handler>()
  /** Who cannot be reached. */
  readonly away = new Set<NodeKey>()

  of(self: NodeKey) {
    return {
      isConnected: (peer: NodeKey) => !this.away.has(peer),
      dialPeer: async () => {},
      serve: async <Q, A>(
        protocol: RequestProtocol<Q, A>,
        answer: (peer: NodeKey, request: Q, signal: AbortSignal) => Promise<A>,
      ) => {
        this.#handlers.set(`${self}${protocol.id}`, answer as unknown as Handler)
      },
      request: async <Q, A>(peer: NodeKey, protocol: RequestProtocol<Q, A>, request: Q): Promise<A> => {
        const handler = this.#handlers.get(`${peer}${protocol.id}`)
        if (handler === undefined || this.away.has(peer)) throw new Error('nobody answers')
        const asked = decodeMessage(protocol.request, encodeMessage(protocol.request, request))
        const answer = (await handler(self, asked, AbortSignal.timeout(protocol.timeoutMs))) as A
        return decodeMessage(protocol.response, encodeMessage(protocol.response, answer))
      },
    }
  }
}

/** A node's books and its hand on the chain, on a real disk; opened again as after a restart. */
export class Party {
  readonly wallet: Wallet
  readonly signer: NodeSigner
  readonly key: NodeKey
  readonly folder: string
  readonly #client: ChainClient
  store!: Store
  log!: EventLog
  outbox!: AuditOutbox
  publisher!: Publisher
  calls!: RecordedCalls
  purse!: CourtPurse
  court!: CourtReader

  constructor(options: { wallet: Wallet; folder: string; client: ChainClient }) {
    this.wallet = options.wallet
    this.folder = options.folder
    this.#client = options.client
    this.signer = createNativeNodeSigner(Buffer.from(options.wallet.privateKey.slice(2), 'hex'))
    this.key = Buffer.from(this.signer.publicKey).toString('hex')
  }

  async open(): Promise<this> {
    const { wallet, signer } = this
    const client = this.#client
    this.store = await Store.open(join(this.folder, 'store'))
    this.log = await EventLog.open({ path: join(this.folder, 'audit.log') }, { signer, clock: systemClock })
    this.outbox = new AuditOutbox({ store: this.store, log: this.log })
    await this.outbox.recover()
    const modules = { client, wallet, store: this.store, clock: systemClock, log: silentLog }
    this.publisher = new Publisher({ confirmations: 1, pollIntervalMs: 20, bumpAfterMs: 60_000 }, modules)
    await this.publisher.start()
    const { publisher, outbox, store } = this
    this.calls = new RecordedCalls({ publisher, outbox, store, log: silentLog })
    await this.calls.start()
    this.court = new CourtReader({ client })
    this.purse = new CourtPurse({
      ...{ court: this.court, publisher, calls: this.calls, wallet },
      channels: { apart: work => work() },
      randomId,
    })
    return this
  }

  async stake(amount: bigint, role: (typeof ROLES)[number]): Promise<void> {
    const staker = new Staker({
      ...{ client: this.#client, calls: this.calls, wallet: this.wallet, clock: systemClock },
      channels: { apart: work => work() },
      randomId,
    })
    await staker.add(amount)
    await staker.setRoles([role])
    await this.bind()
  }

  async bind(): Promise<void> {
    await bindNodeKey(
      { nodeKey: this.key, wallet: this.wallet.address },
      { client: this.#client, calls: this.calls },
    )
  }

  async events(): Promise<AuditEventDetails[]> {
    const events: AuditEventDetails[] = []
    for await (const { record } of this.log.read(1, this.log.lastSequence))
      events.push(openRecord(auditEventMessage, record).body.event)
    return events
  }

  async close(): Promise<void> {
    await this.publisher.stop()
    await this.log.close()
    await this.store.close()
  }
}

/** Who takes others to court. */
export class Challenger {
  readonly party: Party
  readonly desk: DisputeDesk
  readonly proofs: ProofCollector
  readonly archive: TaskArchive
  readonly withheld: NodeKey[] = []
  readonly #evidence: EvidenceService

  constructor(party: Party, wire: Wire, client: ChainClient, options: { maxBond?: bigint } = {}) {
    const { store, publisher, calls, purse, court, outbox } = party
    const host = wire.of(party.key)
    const common = { store, clock: systemClock, log: silentLog }
    this.party = party
    this.archive = new TaskArchive({ seed: new Uint8Array(32) }, common)
    this.proofs = new ProofCollector({ ...common, host, client, onWithheld: key => this.withheld.push(key) })
    this.desk = new DisputeDesk(
      { wallet: party.wallet.address, maxBond: options.maxBond ?? 100n * CREDIT, automatic: true },
      {
        ...{ ...common, client, court, publisher, calls, purse, proofs: this.proofs, archive: this.archive },
        driver: new CourtDriver({ patienceMs: 0 }, { court, publisher, clock: systemClock, log: silentLog }),
      },
    )
    this.#evidence = new EvidenceService({
      ...{ host, court, outbox, log: silentLog, nodeKeyOf: wallet => client.nodeKeyOf(wallet) },
      taskOf: async disputeId => {
        const found = this.desk.find(disputeId)
        return found === null ? null : await this.archive.get(found.receipt)
      },
    })
  }

  async start(): Promise<this> {
    await this.archive.start()
    await this.proofs.start()
    await this.desk.start()
    await this.#evidence.start()
    return this
  }

  async keep(task: AcceptedTask): Promise<void> {
    await this.party.store.batch(this.archive.keep(task))
  }

  async close(): Promise<void> {
    this.proofs.stop()
    await this.desk.stop()
    await this.archive.stop()
    await this.party.close()
  }
}

/** A validator's node, as far as juries go. */
export class Juror {
  readonly party: Party
  readonly service: JurorService
  readonly watcher: CourtWatcher

  constructor(
    party: Party,
    modules: { wire: Wire; client: ChainClient; examiner: Pick<Examiner, 'examine'>; calls?: RecordedCalls },
  ) {
    const { store, publisher, calls, purse, court, wallet } = party
    const { client, examiner, wire } = modules
    const common = { store, clock: systemClock, log: silentLog }
    this.party = party
    this.service = new JurorService(
      { wallet: wallet.address },
      {
        ...{ ...common, court, purse, examiner, calls: modules.calls ?? calls },
        host: wire.of(party.key),
        nodeKeyOf: address => client.nodeKeyOf(address),
        driver: new CourtDriver(
          { patienceMs: 60_000 },
          { court, publisher, clock: systemClock, log: silentLog },
        ),
        randomSalt: () => `0x${randomBytes(32).toString('hex')}`,
      },
    )
    this.watcher = new CourtWatcher(
      { confirmations: 1, pollIntervalMs: 3_600_000 },
      { ...common, client, onEvents: events => this.service.onCourtEvents(events) },
    )
  }

  async start(): Promise<this> {
    await this.service.start()
    await this.watcher.start()
    return this
  }

  /** Sees what is new and does what is due. */
  async turn(): Promise<void> {
    await this.watcher.poll()
    await this.service.tick()
  }

  async close(): Promise<void> {
    await this.watcher.stop()
    await this.service.stop()
    await this.party.close()
  }
}

/** Who does tasks, and shows where their receipts stand. */
export class AccusedProvider {
  readonly party: Party
  readonly index: LogIndex
  readonly receipts: ReceiptBook
  readonly #proofs: ProofService

  constructor(party: Party, wire: Wire, client: ChainClient) {
    const { store, outbox, log, wallet } = party
    this.party = party
    this.index = new LogIndex({ log, store })
    this.receipts = new ReceiptBook({ store, outbox })
    const { index } = this
    this.#proofs = new ProofService({
      ...{ host: wire.of(party.key), log, index, client, wallet },
      adopt: () => adoptAnchors({ client, index, outbox, wallet: wallet.address }),
    })
  }

  async start(): Promise<this> {
    await this.#proofs.start()
    return this
  }

  get proofs(): ProofService {
    return this.#proofs
  }
}

/** An examiner on a real engine, with a baseline that is given. */
export function examinerOn(engine: Engine, model: ModelSource, calibration: Calibration | null): Examiner {
  const resolve = async () => model
  const catalog = { resolve, resolveAdapted: resolve }
  const local = new LocalAuditor({ loadModels: false }, { engine, catalog })
  return new Examiner({ engine, local, calibrations: { find: async () => calibration } })
}

/** Runs a task on a real engine, and has the provider sign what it did. */
export async function doTask(
  engine: Engine,
  options: {
    model: ModelSource
    provider: Party
    requester: Party
    chain: HardhatChain
    /** The provider stops after so many tokens, and says that the model did. */
    cutAfter?: number
    dataClass?: TaskRequest['dataClass']
  },
): Promise<AcceptedTask> {
  const { model, provider, requester, chain, cutAfter, dataClass = 'SHARED' } = options
  const request: TaskRequest = {
    ...sampleRequest,
    ...{ taskId: randomBytes(16).toString('hex'), model: model.id, sampling: GREEDY, dataClass },
    ...{ continuation: null, jsonSchema: null, stop: [], maxTokens: 96 },
    input: { kind: 'chat', messages: [{ role: 'user', content: QUESTION }] },
  }
  const run = async (asked: TaskRequest) => {
    const made = {
      tokens: [] as number[],
      text: '',
      reason: 'stop',
      promptTokens: 0,
      prompt: null as Bytes32 | null,
    }
    for await (const event of engine.generate(generateRequest(asked))) {
      if (event.type === 'start') made.prompt = event.promptDigest
      if (event.type === 'output') {
        made.tokens.push(...event.tokens)
        made.text += event.text
      }
      if (event.type === 'end')
        Object.assign(made, { reason: event.reason, promptTokens: event.promptTokens })
    }
    return made
  }
  const asked = await run(request)
  const delivered =
    cutAfter === undefined ? asked : { ...(await run({ ...request, maxTokens: cutAfter })), reason: 'stop' }
  const template = engine.status().models.find(({ id }) => id === model.id)?.chatTemplateDigest ?? null
  const record = createRecord(
    receiptMessage,
    {
      ...sampleReceipt,
      ...{ taskId: request.taskId, attempt: request.attempt, model: model.id, adapter: null },
      request: cidOf(encodeMessage(requesterFrameMessage, request)).toString(),
      ...{ requester: requester.key, provider: provider.key },
      ...{ payer: requester.wallet.address, payee: provider.wallet.address },
      ...{ chainId: chain.deployment.chainId, settlement: chain.deployment.addresses.settlement },
      // It says that it read the prompt that was asked.
      ...{ prompt: asked.prompt, promptTokens: asked.promptTokens, sampler: 'gumbel-64/1', backend: 'cpu' },
      chatTemplate: template === null ? null : `0x${template.slice('sha256:'.length)}`,
      ...{ outputTokens: delivered.tokens.length, output: outputDigest(delivered.tokens, delivered.text) },
      reason: delivered.reason as 'stop',
    },
    provider.signer,
  )
  const countersignature = createRecord(
    countersignatureMessage,
    { version: 1 as const, receipt: record.cid },
    requester.signer,
  )
  const { tokens, text } = delivered
  const price = { inputPerMillion: CREDIT, outputPerMillion: CREDIT }
  return { record, countersignature, request, tokens, text, terms: { price, contextTokens: 0 } }
}

/** Moves the chain's time on by so many seconds, and mines. */
export async function pass(chain: HardhatChain, seconds: number): Promise<void> {
  await chain.send('evm_increaseTime', seconds)
  await chain.send('evm_mine')
}

/** Base units at stake. */
export async function stakeOf(client: ChainClient, wallet: Address): Promise<bigint> {
  return (await client.balances(wallet)).stake
}

function randomId(): string {
  return randomBytes(8).toString('hex')
}
