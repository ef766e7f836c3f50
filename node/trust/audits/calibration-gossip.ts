import { isShoalError } from '../../../protocol/errors.ts'
import type { ModelId, NodeKey } from '../../../protocol/ids.ts'
import { MAX_CLOCK_SKEW_MS } from '../../../protocol/limits.ts'
import { type CalibrationMeasurement, calibrationMessage } from '../../../protocol/messages/calibration.ts'
import { openRecord, type SignedRecord } from '../../../protocol/signed.ts'
import { type Clock, repeat, type Timer } from '../../clock.ts'
import { verifyEd25519Natively } from '../../ed25519.ts'
import type { Logger } from '../../log.ts'
import type { GossipVerdict, P2PHost } from '../../p2p/host.ts'
import type { GossipTopic } from '../../p2p/protocol.ts'
import { QuotaMeter } from '../../p2p/quota.ts'
import type { CalibrationStore } from './calibration-store.ts'

/** What honest outputs look like, as nodes measured it. */
export const calibrationsTopic: GossipTopic = {
  topic: 'shoal/calibrations/1',
  maxBytes: calibrationMessage.maxBytes,
}

export interface CalibrationGossipModules {
  host: Pick<P2PHost, 'subscribe' | 'publish' | 'nodeKey'>
  store: CalibrationStore
  clock: Clock
  log: Logger
  isWelcome: (peer: NodeKey) => boolean
  /** Whether anybody we know of has to do with a model: what is measured of others is let by, not kept. */
  isKnownModel: (model: ModelId) => boolean
}

/** A node measures a model now and then, and says so again for those who were not there. */
const SIGNER_QUOTA = { burst: 8, perSecond: 1 / 3_600 }
/** Of all together: each costs a signature and up to 48 KiB. */
const QUOTA = { burst: 40, perSecond: 0.5 }
const PUBLISH_EVERY_MS = 6 * 3_600_000
/** Who comes first has nobody to tell it to. */
const FIRST_PUBLISH_MS = 60_000
/** Where so many have measured the same, one more is of little use. */
const ENOUGH_OTHERS = 8
const MAX_PUBLISHED = 8

/** Tells others what this node measured of honest outputs, and hears what they did. */
export class CalibrationGossip {
  readonly #modules: CalibrationGossipModules
  readonly #perSigner: QuotaMeter
  readonly #all: QuotaMeter
  readonly #timers: Timer[] = []
  #taking: Promise<void> = Promise.resolve()

  constructor(modules: CalibrationGossipModules) {
    this.#modules = modules
    this.#perSigner = new QuotaMeter(SIGNER_QUOTA, modules)
    this.#all = new QuotaMeter(QUOTA, modules)
  }

  start(): void {
    const { host, clock } = this.#modules
    host.subscribe(calibrationsTopic, bytes => this.take(bytes))
    this.#timers.push(
      clock.setTimer(() => void this.#publishQuietly(), FIRST_PUBLISH_MS),
      repeat(clock, PUBLISH_EVERY_MS, () => this.#publishQuietly()),
    )
  }

  /** Takes a record from gossip. */
  take(bytes: Uint8Array): GossipVerdict {
    const { clock, host, store, isWelcome, isKnownModel } = this.#modules
    let record: SignedRecord<CalibrationMeasurement>
    try {
      record = openRecord(calibrationMessage, bytes, verifyEd25519Natively)
    } catch (error) {
      if (isShoalError(error)) return 'reject'
      throw error
    }
    const { body, signer } = record
    if (body.measuredAtMs > clock.nowMs() + MAX_CLOCK_SKEW_MS) return 'reject'
    if (signer === host.nodeKey || !isWelcome(signer)) return 'ignore'
    if (!this.#perSigner.take(signer) || !this.#all.take('all')) return 'ignore'
    if (!store.isUsable(body)) return 'ignore'
    if (isKnownModel(body.key.model)) this.#taking = this.#taking.then(() => this.#keep(record))
    return 'accept'
  }

  /** Resolves once what was taken is on disk. */
  async settled(): Promise<void> {
    await this.#taking
  }

  /** Tells what this node measured, where others have not done so enough. */
  async publish(): Promise<void> {
    const { host, store } = this.#modules
    const needed = (await store.own()).filter(({ others }) => others < ENOUGH_OTHERS)
    for (const { record } of needed.slice(0, MAX_PUBLISHED)) await host.publish(calibrationsTopic, record)
  }

  /** Idempotent; what was taken is on disk when it resolves. */
  async stop(): Promise<void> {
    for (const timer of this.#timers.splice(0)) timer.cancel()
    await this.settled()
  }

  async #keep(record: SignedRecord<CalibrationMeasurement>): Promise<void> {
    const { store, log } = this.#modules
    await store
      .take(record)
      .catch((error: unknown) => log.warn({ err: error }, 'a calibration could not be kept'))
  }

  #publishQuietly(): Promise<void> {
    const { log } = this.#modules
    return this.publish().catch((error: unknown) =>
      log.warn({ err: error }, 'calibrations could not be told'),
    )
  }
}
