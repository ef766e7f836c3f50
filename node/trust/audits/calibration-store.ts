import { z } from 'zod'
import { type Calibration, calibrate, mergeCalibrations } from '../../../inference/audit/calibration.ts'
import { STATISTIC_VERSION } from '../../../inference/audit/cells.ts'
import { checkMeasurement } from '../../../inference/audit/measurement.ts'
import { wire } from '../../../protocol/codec.ts'
import { isShoalError } from '../../../protocol/errors.ts'
import type { NodeSigner } from '../../../protocol/identity.ts'
import type { ModelId, NodeKey } from '../../../protocol/ids.ts'
import {
  type CalibrationKey,
  type CalibrationMeasurement,
  calibrationKeyText,
  calibrationMessage,
} from '../../../protocol/messages/calibration.ts'
import { bodyOf, createRecord, type SignedRecord } from '../../../protocol/signed.ts'
import type { Clock } from '../../clock.ts'
import type { Store } from '../../store/store.ts'
import type { Table } from '../../store/table.ts'

export interface CalibrationStoreModules {
  store: Store
  signer: NodeSigner
  self: NodeKey
  clock: Clock
  /** What comes with this version. */
  shipped: () => Promise<readonly CalibrationMeasurement[]>
  /** Whether two peers are different operators, by all that is known. */
  areDistinct: (a: NodeKey, b: NodeKey) => boolean
  /** The base of a model that wears an adapter; null for one that does not, and for one that is not known. */
  baseOf: (model: ModelId) => ModelId | null
  /** Whether what a peer measured may count: it has shown something for itself. */
  isTrusted: (peer: NodeKey) => boolean
}

/** Where a calibration comes from. */
export type CalibrationSource = 'own' | 'shipped' | 'others'

export interface KnownCalibration {
  source: CalibrationSource
  calibration: Calibration
}

/** Others' measurements count from so many distinct operators on: fewer could be one who frames or covers up. */
export const MIN_OPERATORS = 3
/** Of one key by others, and of one node for all keys. */
const MAX_OF_KEY = 12
const MAX_OF_SIGNER = 64
const MAX_HELD = 4_096
const MAX_KEYS_CACHED = 256
/** Engines change; so old a measurement of another is of other code. One's own stays until it is made again. */
export const MAX_AGE_MS = 365 * 24 * 3_600_000

const heldSchema = z.strictObject({
  signer: wire.nodeKey,
  /** The signed record. */
  record: wire.bytes(calibrationMessage.maxBytes + 512),
})

interface Held {
  signer: NodeKey
  key: string
  measuredAtMs: number
}

/**
 * What honest outputs look like: own measurements first, then those that come with this version, then others', where enough
 * distinct operators agree (`mergeCalibrations`).
 */
export class CalibrationStore {
  readonly #modules: CalibrationStoreModules
  readonly #table: Table<z.infer<typeof heldSchema>>
  /** By place in the table, the oldest arrival first. */
  readonly #held = new Map<string, Held>()
  readonly #cache = new Map<string, { known: KnownCalibration | null; untilMs: number }>()
  #shipped: Map<string, CalibrationMeasurement> | null = null

  constructor(modules: CalibrationStoreModules) {
    this.#modules = modules
    this.#table = modules.store.table('calibrations', heldSchema)
  }

  /** Reads back what is known; what is of another version is dropped. */
  async start(): Promise<void> {
    const stale = []
    for await (const [place, { signer, record }] of this.#table.entries()) {
      const measurement = readable(record)
      if (measurement === null) stale.push(this.#table.deleteOperation(place))
      else this.#note(signer, measurement)
    }
    if (stale.length > 0) await this.#modules.store.batch(stale)
  }

  /** Null when nothing good enough is known: then nobody is judged by statistics. */
  async find(key: CalibrationKey): Promise<Calibration | null> {
    return (await this.known(key))?.calibration ?? null
  }

  /**
   * The same with where it comes from. Of a model that wears an adapter nobody may have measured anything; its base's baseline is as
   * good then: what a baseline counts is how numeric noise turns near ties, by how near they are, and that comes from the
   * weights that both share.
   */
  async known(key: CalibrationKey): Promise<KnownCalibration | null> {
    const known = await this.#knownOf(key)
    if (known !== null) return known
    const base = this.#modules.baseOf(key.model)
    return base === null ? null : this.#knownOf({ ...key, model: base })
  }

  async #knownOf(key: CalibrationKey): Promise<KnownCalibration | null> {
    const text = calibrationKeyText(key)
    const nowMs = this.#modules.clock.nowMs()
    const cached = this.#cache.get(text)
    if (cached !== undefined && cached.untilMs > nowMs) return cached.known
    const known = await this.#look(text)
    // Who is trusted, and distinct from whom, changes.
    const untilMs = known?.source === 'others' || known === null ? nowMs + RECONSIDER_MS : Infinity
    this.#cache.delete(text)
    this.#cache.set(text, { known, untilMs })
    if (this.#cache.size > MAX_KEYS_CACHED) this.#cache.delete(this.#cache.keys().next().value!)
    return known
  }

  /**
   * Keeps what this node measured, in place of what it had of the same key.
   * @throws {AuditError} VERSION_MISMATCH, TOO_FEW_SAMPLES, ABSURD
   */
  async add(measurement: CalibrationMeasurement): Promise<Calibration> {
    const calibration = calibrate(measurement)
    await this.#put(createRecord(calibrationMessage, measurement, this.#modules.signer), [])
    return calibration
  }

  /**
   * Keeps what another measured, unless there is a newer one of it, or enough of others.
   * @returns whether it is kept
   */
  async take(record: SignedRecord<CalibrationMeasurement>): Promise<boolean> {
    const { body, signer } = record
    if (signer === this.#modules.self || !this.isUsable(body)) return false
    const key = calibrationKeyText(body.key)
    const place = placeOf(signer, key)
    const before = this.#held.get(place)
    if (before !== undefined && before.measuredAtMs >= body.measuredAtMs) return false
    const others = [...this.#held].filter(([, held]) => held.signer !== this.#modules.self)
    const ofKey = others.filter(([, held]) => held.key === key)
    const ofSigner = others.filter(([, held]) => held.signer === signer)
    const dropped: string[] = []
    if (before === undefined) {
      if (ofKey.length >= MAX_OF_KEY) {
        // Whoever is trusted is worth more than a stranger.
        const loser = ofKey.find(([, held]) => !this.#modules.isTrusted(held.signer))
        if (loser === undefined || !this.#modules.isTrusted(signer)) return false
        dropped.push(loser[0])
      } else if (ofSigner.length >= MAX_OF_SIGNER) dropped.push(ofSigner[0]![0])
      else if (others.length >= MAX_HELD) dropped.push(others[0]![0])
    }
    await this.#put(record, dropped)
    return true
  }

  /** Whether a measurement could count now, whoever made it. */
  isUsable(measurement: CalibrationMeasurement): boolean {
    if (measurement.measuredAtMs < this.#modules.clock.nowMs() - MAX_AGE_MS) return false
    try {
      checkMeasurement(measurement)
      return true
    } catch (error) {
      if (isShoalError(error, 'VERSION_MISMATCH', 'TOO_FEW_SAMPLES', 'ABSURD')) return false
      throw error
    }
  }

  /** This node's own signed measurements, with how many others hold of the same key by what we know. */
  async own(): Promise<{ record: Uint8Array; others: number }[]> {
    const own: { record: Uint8Array; others: number }[] = []
    for (const [place, held] of this.#held) {
      if (held.signer !== this.#modules.self) continue
      const stored = await this.#table.get(place)
      const others = [...this.#held.values()].filter(({ key }) => key === held.key).length - 1
      if (stored !== undefined) own.push({ record: stored.record, others })
    }
    return own
  }

  /** Every key there is anything of. */
  async keys(): Promise<CalibrationKey[]> {
    const keys = new Map<string, CalibrationKey>()
    for (const [text, { key }] of await this.#shippedByKey()) keys.set(text, key)
    for (const [place, { key }] of this.#held) {
      if (keys.has(key)) continue
      const measurement = await this.#measurement(place)
      if (measurement !== null) keys.set(key, measurement.key)
    }
    return [...keys.values()]
  }

  async #look(key: string): Promise<KnownCalibration | null> {
    const { self, clock } = this.#modules
    const own = await this.#measurement(placeOf(self, key))
    if (own !== null) return { source: 'own', calibration: calibrate(own) }
    const shipped = (await this.#shippedByKey()).get(key)
    if (shipped !== undefined) return { source: 'shipped', calibration: calibrate(shipped) }
    const oldestMs = clock.nowMs() - MAX_AGE_MS
    const signers = [...this.#held.values()].flatMap(held =>
      held.key === key && held.measuredAtMs >= oldestMs ? [held.signer] : [],
    )
    const distinct = this.#distinct(signers)
    if (distinct.length < MIN_OPERATORS) return null
    const calibrations = []
    for (const signer of distinct) {
      const measurement = await this.#measurement(placeOf(signer, key))
      if (measurement !== null) calibrations.push(calibrate(measurement))
    }
    if (calibrations.length < MIN_OPERATORS) return null
    return { source: 'others', calibration: mergeCalibrations(calibrations) }
  }

  /** Of each operator one, as far as they are trusted, and none that might be us. */
  #distinct(signers: readonly NodeKey[]): NodeKey[] {
    const { areDistinct, isTrusted, self } = this.#modules
    const distinct: NodeKey[] = []
    for (const signer of signers) {
      if (!isTrusted(signer) || !areDistinct(self, signer)) continue
      if (distinct.every(other => areDistinct(other, signer))) distinct.push(signer)
    }
    return distinct
  }

  async #measurement(place: string): Promise<CalibrationMeasurement | null> {
    if (!this.#held.has(place)) return null
    const stored = await this.#table.get(place)
    return stored === undefined ? null : readable(stored.record)
  }

  async #shippedByKey(): Promise<Map<string, CalibrationMeasurement>> {
    if (this.#shipped === null) {
      const shipped = await this.#modules.shipped()
      this.#shipped = new Map(
        shipped
          .filter(({ statistic }) => statistic === STATISTIC_VERSION)
          .map(measurement => [calibrationKeyText(measurement.key), measurement]),
      )
    }
    return this.#shipped
  }

  async #put(record: SignedRecord<CalibrationMeasurement>, dropped: readonly string[]): Promise<void> {
    const { signer, body, bytes } = record
    const place = placeOf(signer, calibrationKeyText(body.key))
    await this.#modules.store.batch([
      ...dropped.map(old => this.#table.deleteOperation(old)),
      this.#table.putOperation(place, { signer, record: bytes }),
    ])
    for (const old of dropped) {
      this.#cache.delete(this.#held.get(old)!.key)
      this.#held.delete(old)
    }
    this.#note(signer, body)
  }

  #note(signer: NodeKey, { key, measuredAtMs }: CalibrationMeasurement): void {
    const text = calibrationKeyText(key)
    this.#held.set(placeOf(signer, text), { signer, key: text, measuredAtMs })
    this.#cache.delete(text)
  }
}

const RECONSIDER_MS = 10 * 60_000

function placeOf(signer: NodeKey, key: string): string {
  return `${key}|${signer}`
}

/** Null where it is of another version. */
function readable(record: Uint8Array): CalibrationMeasurement | null {
  try {
    const measurement = bodyOf(calibrationMessage, record)
    return measurement.statistic === STATISTIC_VERSION ? measurement : null
  } catch (error) {
    if (isShoalError(error, 'SCHEMA_MISMATCH')) return null
    throw error
  }
}
