import type { Engine } from '../../inference/engine.ts'
import type { NodeSigner } from '../../protocol/identity.ts'
import type { Address, Bytes32, ModelId, NodeKey } from '../../protocol/ids.ts'
import type { Offer } from '../../protocol/messages/offer.ts'
import type { ProviderFrame } from '../../protocol/messages/provider-frame.ts'
import type { RequesterFrame } from '../../protocol/messages/requester-frame.ts'
import type { Clock } from '../clock.ts'
import type { Logger } from '../log.ts'
import type { Bidder } from '../market/auction/bidder.ts'
import type { Violation } from '../p2p/errors.ts'
import type { FrameStream } from '../p2p/frame-stream.ts'
import type { P2PHost } from '../p2p/host.ts'
import type { PayeeChannels } from '../payments/payee-channels.ts'
import type { Admission } from './admission.ts'
import { taskProtocol } from './protocol.ts'
import { type ProviderOutcome, ProviderTask } from './provider-task.ts'
import type { ReceiptBook } from './receipt-book.ts'
import type { ServiceMeter } from './service-meter.ts'

export interface ProviderOptions {
  creditWindowTokens: number
  paymentTimeoutMs: number
  wallet: Address
  nodeKey: NodeKey
}

export interface ProviderModules {
  host: P2PHost
  engine: Engine
  channels: PayeeChannels
  receipts: ReceiptBook
  signer: NodeSigner
  clock: Clock
  log: Logger
  findOffer: (cid: string) => Offer | 'expired' | null
  bids: Pick<Bidder, 'verify'>
  admission: Admission
  meter: ServiceMeter
  /** 256 random bits, new ones each time. */
  randomSalt: () => Bytes32
  onViolation: (peer: NodeKey, violation: Violation) => void
  /** Whether decisions can be logged and money taken; a provider that cannot takes no tasks. */
  isReady: () => boolean
  onOutcome: (requester: NodeKey, outcome: ProviderOutcome) => void
}

const STOP_TIMEOUT_MS = 3_000
/** Streams with tasks at once, those that wait for a slot or their countersignature among them. */
const MAX_TASKS = 256

/** Does tasks for others. */
export class Provider {
  readonly #options: ProviderOptions
  readonly #modules: ProviderModules
  readonly #running = new Map<ProviderTask, Promise<void>>()
  #stopping = false

  constructor(options: ProviderOptions, modules: ProviderModules) {
    this.#options = options
    this.#modules = modules
  }

  async start(): Promise<void> {
    await this.#modules.host.serveStream(taskProtocol, (frames, first) => this.#take(frames, first))
  }

  /** Tasks that run now. */
  get running(): number {
    return this.#running.size
  }

  /** Those of one model. */
  runningOf(model: ModelId): number {
    let running = 0
    for (const task of this.#running.keys()) if (task.model === model) running += 1
    return running
  }

  /** Takes no more tasks and ends the running ones with a receipt for what was delivered. Ends within 3 s. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping = true
    for (const task of this.#running.keys()) task.abort()
    const ended = Promise.allSettled(this.#running.values())
    await Promise.race([
      ended,
      new Promise(resolve => this.#modules.clock.setTimer(() => resolve(null), STOP_TIMEOUT_MS)),
    ])
  }

  async #take(frames: FrameStream<ProviderFrame, RequesterFrame>, first: RequesterFrame): Promise<void> {
    const { onViolation, onOutcome } = this.#modules
    if (first.kind !== 'request') {
      onViolation(frames.remote, 'bad_frame')
      frames.abort('the first frame is no request')
      return
    }
    if (this.#stopping || !this.#modules.isReady() || this.#running.size >= MAX_TASKS) {
      const code = this.#running.size >= MAX_TASKS ? 'overloaded' : 'not_serving'
      await frames.send({ kind: 'refused', code, message: 'no tasks are taken now' })
      await frames.close()
      onOutcome(frames.remote, { kind: 'refused', code })
      return
    }
    const task = new ProviderTask(this.#options, { ...this.#modules, frames }, first)
    const run = task.run().then(outcome => onOutcome(frames.remote, outcome))
    this.#running.set(task, run)
    try {
      await run
    } finally {
      this.#running.delete(task)
    }
  }
}
